#!/usr/bin/env python3
"""What a scrape of process groups costs beside process-exporter: processor time, by the clock of each process.

Starts idle processes of 50 names, lets both group them by name, and scrapes them in turn. Prints one JSON object; exits 1
when ours takes more than --max-ratio of the other's processor time, or more memory than --max-mib. Without a process-exporter
it measures ours alone. Standard library only.
"""
import argparse
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile

from exporter_cost import Exporter

UPSTREAM = ("prometheus-process-exporter", "process-exporter")
RULES = {
    "name": 'process_names:\n  - name: "{{.Comm}}"\n    cmdline: [".+"]\n',
    "pid": 'process_names:\n  - name: "{{.Comm}}:{{.PID}}"\n    cmdline: [".+"]\n',
}
PR_SET_NAME = 15


def idle(count, names):
    """Children that do nothing, each with 256 KiB of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            libc.prctl(PR_SET_NAME, b"idle-%02d" % (number % names), 0, 0, 0)
            memory = bytearray(256 << 10)
            memory[::4096] = b"x" * len(memory[::4096])
            while True:
                signal.pause()
        children.append(child)
    return children


class Groups(Exporter):
    FLAGS = ()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--upstream", default=next(filter(None, map(shutil.which, UPSTREAM)), None))
    parser.add_argument("--source", default="auto", choices=("auto", "ebpf", "procfs"))
    parser.add_argument("--group", default="name", choices=("name", "pid", "none"), help="none: no rules, ours alone serves the largest")
    parser.add_argument("--processes", type=int, default=1000)
    parser.add_argument("--scrapes", type=int, default=10)
    parser.add_argument("--max-ratio", type=float, default=None, help="default: 1/50, with procfs 1/8, by pid 1/30")
    parser.add_argument("--max-mib", type=float, default=24)
    args = parser.parse_args()
    limit = args.max_ratio or (1 / 8 if args.source == "procfs" else 1 / 50 if args.group == "name" else 1 / 30)

    children = idle(args.processes, 50)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as rules, tempfile.NamedTemporaryFile("w", suffix=".yml") as theirs:
        rules.write(RULES.get(args.group, ""))
        rules.flush()
        theirs.write(RULES.get(args.group, RULES["pid"]))
        theirs.flush()
        ours = [args.procyon, "process-exporter", f"-source={args.source}"]
        exporters = {"procyon": Groups(ours + (["-config.path", rules.name] if args.group != "none" else []))}
        if args.upstream:
            exporters["process_exporter"] = Groups([args.upstream, "-config.path", theirs.name])
        try:
            for _ in range(2):
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
            for child in children:
                os.kill(child, signal.SIGKILL)
            for child in children:
                os.waitpid(child, 0)
    if args.upstream:
        result["ratio"] = round(result["procyon"]["cpu_ms"] / result["process_exporter"]["cpu_ms"], 4)
        result["limit"] = round(limit, 4)
    print(json.dumps(result, indent=1))
    return int(result.get("ratio", 0) > limit or result["procyon"]["hwm_mib"] > args.max_mib)


if __name__ == "__main__":
    sys.exit(main())
