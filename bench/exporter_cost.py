#!/usr/bin/env python3
"""What a scrape of `procyon exporter` costs beside node_exporter: processor time, by the clock of each process.

Starts both with their default collectors on free ports of loopback, warms up, then scrapes them in turn. Prints one JSON
object; exits 1 when ours takes more than --max-ratio of the other's processor time. Without a node_exporter it measures ours
alone. Standard library only.
"""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

UPSTREAM = ("prometheus-node-exporter", "node_exporter")


def processor_time(pid):
    """Seconds of all threads, those that ended included: the clock of the process, whose id `clock_getcpuclockid(3)` makes."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) * 1024


class Exporter:
    # Debian turns on what asks another daemon, and reads text files.
    FLAGS = ("--no-collector.systemd", "--collector.textfile.directory=")

    def __init__(self, command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/metrics"
        flags = [f"--web.listen-address=127.0.0.1:{port}", *self.FLAGS]
        self.process = subprocess.Popen(command + flags, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.cost, self.text = [], b""

    def scrape(self, deadline=120):
        begin = time.monotonic()
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "gzip"})
        while True:
            before = processor_time(self.process.pid)
            try:
                with urllib.request.urlopen(request, timeout=deadline) as answer:
                    self.text = answer.read()
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begin > deadline:
                    sys.exit(f"{self.process.args} does not answer")
                time.sleep(0.1)
                continue
            return processor_time(self.process.pid) - before

    def measure(self):
        self.cost.append(self.scrape())

    def result(self):
        with urllib.request.urlopen(self.url, timeout=120) as answer:
            lines = answer.read().decode("utf-8", "replace").splitlines()
        return {
            "cpu_ms": round(1000 * statistics.median(self.cost), 3),
            "cpu_ms_spread": [round(1000 * edge, 3) for edge in (min(self.cost), max(self.cost))],
            "hwm_mib": round(memory(self.process.pid, "VmHWM") / 2**20, 1),
            "series": sum(not line.startswith("#") for line in lines),
            "compressed_bytes": len(self.text),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--upstream", default=next(filter(None, map(shutil.which, UPSTREAM)), None))
    parser.add_argument("--scrapes", type=int, default=30)
    parser.add_argument("--max-ratio", type=float, default=0.25)
    args = parser.parse_args()

    exporters = {"procyon": Exporter([args.procyon, "exporter"])}
    if args.upstream:
        exporters["node_exporter"] = Exporter([args.upstream])
    try:
        for _ in range(3):
            for exporter in exporters.values():
                exporter.scrape()
        for _ in range(args.scrapes):
            for exporter in exporters.values():
                exporter.measure()
        result = {name: exporter.result() for name, exporter in exporters.items()}
    finally:
        for exporter in exporters.values():
            exporter.process.terminate()
            exporter.process.wait(10)
    if args.upstream:
        result["ratio"] = round(result["procyon"]["cpu_ms"] / result["node_exporter"]["cpu_ms"], 3)
        result["limit"] = args.max_ratio
    print(json.dumps(result, indent=1))
    return int(result.get("ratio", 0) > args.max_ratio)


if __name__ == "__main__":
    sys.exit(main())
