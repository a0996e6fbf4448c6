#!/usr/bin/env python3
"""Serves the HTTP fixtures with Retake and with its peer, wasmtime, and loads each with wrk.

Needs Debian's `wrk`, Python 3 and a release build of Retake. The peer comes from PyPI into target/peers. The servers take turns, so
that what else the machine does concerns them alike. Prints one table: requests per second, per second of processor time, and both
as ratios to the peer in the same round.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from peer import RETAKE, ROOT, wasmtime

POOLING = ["-O", "pooling-allocator=y,memory-init-cow=y,pooling-decommit-batch-size=32"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def await_listening(port, process):
    for _ in range(2000):
        if process.poll() is not None:
            sys.exit(f"a server ended with {process.returncode}: {process.args}")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    sys.exit(f"a server does not listen: {process.args}")


def load(port, connections, seconds):
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", f"http://127.0.0.1:{port}/"]
    text = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"not every request was answered:\n{text}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    count = int(re.search(r"(\d+) requests in", text)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return rate, count, float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def measure(command, port, connections, seconds):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_listening(port, process)
        load(port, connections, 1)
        before = processor_seconds(process.pid)
        rate, count, p99 = load(port, connections, seconds)
        used = processor_seconds(process.pid) - before
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
    return rate, count / used, p99


def servers(options, peer, actor):
    """How each server is started, by its name: from an address and a take to a command line."""
    serve = lambda *more: lambda address, take: [peer, "serve", *more, "--addr", address, "-Scli", actor]
    record = lambda durability: lambda address, take: [
        options.retake, "record", actor, "--http", address, "--actors", str(options.actors), "--durability", durability, "-o", take]
    return {"wasmtime serve": serve(), "wasmtime serve, pooling": serve(*POOLING),
            **{f"retake record, {durability}": record(durability) for durability in options.durability}}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--retake", default=RETAKE)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--connections", type=int, nargs="+", default=[8, 64])
    options.add_argument("--fixtures", nargs="+", default=["http-c", "agent"])
    options.add_argument("--durability", nargs="+", default=["call"])
    options.add_argument("--actors", type=int, default=8)
    options = options.parse_args()
    if not shutil.which("wrk"):
        sys.exit("`wrk` is missing; install it from Debian's packages")
    peer = wasmtime()
    print("| actor | connections | server | requests/s | ratio | CPU us per request | requests per CPU second, ratio | p99 ms |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for fixture in options.fixtures:
        actor = str(ROOT / f"fixtures/actors/{fixture}.wasm")
        for connections in options.connections:
            started = servers(options, peer, actor)
            rounds = {name: [] for name in started}
            for _ in range(options.rounds):
                for name, command in started.items():
                    with tempfile.TemporaryDirectory() as folder:
                        port = free_port()
                        server = command(f"127.0.0.1:{port}", f"{folder}/it.take")
                        rounds[name].append(measure(server, port, connections, options.seconds))
            base = rounds["wasmtime serve"]
            for name, measured in rounds.items():
                middle = [statistics.median(column) for column in zip(*measured)]
                ratios = [statistics.median(own[i] / other[i] for own, other in zip(measured, base)) for i in (0, 1)]
                print(f"| {fixture} | {connections} | {name} | {middle[0]:.0f} | {ratios[0]:.2f} | {1e6 / middle[1]:.0f} "
                      f"| {ratios[1]:.2f} | {middle[2]:.2f} |", flush=True)


main()
