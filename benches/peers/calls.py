#!/usr/bin/env python3
"""Runs an actor that reads its clock two million times with wasmtime, records it, replays it and verifies the take.

Needs Python 3 and a release build of Retake. The peer comes from PyPI into target/peers. The commands take turns, so that what else
the machine does concerns them alike. Whole processes are measured, when compiled code is in the caches. Prints one table: medians of the
rounds, and medians of the ratios to the peer in the same round.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

from peer import RETAKE, ROOT, wasmtime


def measure(command):
    """Seconds by the clock, and of processor time."""
    before, began = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took, after = time.monotonic() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return took, used


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--retake", default=RETAKE)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--calls", type=int, default=2_000_000)
    options = options.parse_args()
    actor, call = str(ROOT / "fixtures/actors/clock-calls.wat"), f"work({options.calls})"
    with tempfile.TemporaryDirectory() as folder:
        take = f"{folder}/it.take"
        commands = {
            "wasmtime run": [wasmtime(), "run", "--invoke", call, actor],
            "retake record": [options.retake, "record", actor, "--invoke", call, "--force", "-o", take],
            "retake replay": [options.retake, "replay", take],
            "retake verify": [options.retake, "verify", take],
        }
        for command in commands.values():
            measure(command)
        rounds = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                rounds[name].append(measure(command))
    print("| command | seconds | ratio | CPU seconds | CPU ns per call |")
    print("|---|---:|---:|---:|---:|")
    base = rounds["wasmtime run"]
    for name, measured in rounds.items():
        took, used = (statistics.median(column) for column in zip(*measured))
        ratio = statistics.median(own[0] / other[0] for own, other in zip(measured, base))
        print(f"| `{name}` | {took:.2f} | {ratio:.2f} | {used:.2f} | {used / options.calls * 1e9:.0f} |")


main()
