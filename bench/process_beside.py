#!/usr/bin/env python3
"""Process groups of procyon beside process-exporter over a scripted workload: processes start, work, fork, run another
program, lose threads and die between scrapes. Both watch the same processes by the same configuration.

Prints what differs, one line each, and one JSON object; exits 1 when something differs that docs/exporter.md does not list, or
a counter fell. Says that it was skipped where there is no process-exporter. Standard library only.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

UPSTREAM = ("prometheus-process-exporter", "process-exporter")

# One program with several names; what it does stands in its first argument. A line on standard input lets it go on.
PROGRAM = r"""
import os, sys, threading, time
def go(): sys.stdin.readline()
def say(word): print(word, flush=True)
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def write(count):
    with open(sys.argv[2], "wb") as out:
        out.write(os.urandom(count)); out.flush(); os.fsync(out.fileno())
kind = sys.argv[1]
say("up")
if kind == "work":
    for _ in range(3):
        go(); burn(0.5); write(3 << 20); say("done")
elif kind == "threads":
    halves = [threading.Event(), threading.Event()]
    def run(event):
        for _ in range(200): time.sleep(0.001)
        event.wait()
    for number in range(6): threading.Thread(target=run, args=(halves[number % 2],), daemon=True).start()
    time.sleep(0.8); say("done")
    go(); halves[0].set(); time.sleep(0.5); say("done")
    go(); halves[1].set(); time.sleep(0.5); say("done")
elif kind == "fork":
    for _ in range(3):
        go()
        for _ in range(3):
            if os.fork() == 0:
                burn(0.1); os._exit(0)
        for _ in range(3): os.wait()
        if os.fork() == 0:
            while True: time.sleep(1000)
        say("done")
elif kind == "exec":
    go(); os.execv(sys.argv[2], [sys.argv[2], "-c", sys.argv[3], "idle"])
go()
"""
NAMES = ("wl-work", "wl-threads", "wl-fork", "wl-exec", "wl-after", "wl-idle")
CONFIG = """process_names:
  - name: "{{.Comm}}"
    comm: [%s]
""" % ", ".join(NAMES)

# Faults of process-exporter that docs/exporter.md lists: what of it may differ, and how.
LISTED = {
    "context_switches_total": "falls when a thread ends",
    "states": "counts the main thread twice",
    "threads_wchan": "counts the main thread twice",
    "oldest_start_time_seconds": "-62135596800 for a group without processes",
    "thread_": "threads of new processes begin at zero and are forgotten when they end",
    "num_procs": "who runs another program stays in the old group",
}


class Exporter:
    def __init__(self, command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = command + [f"-web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def scrape(self, deadline=60):
        end = time.monotonic() + deadline
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=deadline) as answer:
                    return self.read(answer.read().decode())
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"{self.process.args} does not answer")
                time.sleep(0.1)

    @staticmethod
    def read(text):
        found = {}
        for line in text.splitlines():
            match = re.match(r"namedprocess_namegroup_(\w+)\{(.*)\} (\S+)$", line)
            if match and 'groupname="wl-' in line:
                found[match[1], match[2]] = float(match[3])
        return found


class Worker:
    def __init__(self, folder, name, *arguments):
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            os.symlink(sys.executable, path)
        command = [path, "-c", PROGRAM, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "up\n"

    def go(self, waits=True):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        if waits:
            assert self.process.stdout.readline() == "done\n"


def near(family, one, other):
    if "seconds" in family:
        return abs(one - other) <= 0.06 + 0.02 * max(one, other)
    if family == "memory_bytes":
        return abs(one - other) <= (2 << 20) + 0.05 * max(one, other)
    if "faults" in family or "switches" in family:
        return abs(one - other) <= 30 + 0.05 * max(one, other)
    if family.endswith("_total"):
        return abs(one - other) <= (64 << 10) + 0.02 * max(one, other)
    return one == other


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--upstream", default=next(filter(None, map(shutil.which, UPSTREAM)), None))
    parser.add_argument("--source", default="auto", choices=("auto", "ebpf", "procfs"))
    args = parser.parse_args()
    if not args.upstream:
        print("skipped: process-exporter is not installed")
        return 0

    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "config.yml")
        with open(config, "w") as out:
            out.write(CONFIG)
        file = os.path.join(folder, "data")
        old = [Worker(folder, "wl-idle", "idle") for _ in range(3)]
        exporters = {
            "procyon": Exporter([args.procyon, "process-exporter", f"-source={args.source}", "-smaps-age=0s", "-config.path", config]),
            "upstream": Exporter([args.upstream, "-config.path", config]),
        }
        scrapes = []

        def scrape():
            time.sleep(0.3)
            scrapes.append({name: exporter.scrape() for name, exporter in exporters.items()})

        try:
            scrape()
            time.sleep(1.1)
            work = Worker(folder, "wl-work", "work", file)
            threads = Worker(folder, "wl-threads", "threads")
            assert threads.process.stdout.readline() == "done\n"
            fork = Worker(folder, "wl-fork", "fork")
            os.symlink(sys.executable, os.path.join(folder, "wl-after"))
            other = Worker(folder, "wl-exec", "exec", os.path.join(folder, "wl-after"), PROGRAM)
            scrape()
            for step in range(3):
                work.go()
                fork.go()
                if step < 2:
                    threads.go()
                if step == 1:
                    other.go(waits=False)
                    assert other.process.stdout.readline() == "up\n"
                    old.pop().process.kill()
                scrape()
            work.go(waits=False)
            work.process.wait(10)
            scrape()
        finally:
            subprocess.run(["pkill", "-9", "-P", str(fork.process.pid)], check=False)
            for worker in [*old, work, threads, fork, other]:
                worker.process.kill()
            for exporter in exporters.values():
                exporter.process.send_signal(signal.SIGTERM)
                exporter.process.wait(10)

    problems, listed, compared = [], {}, 0
    for number, both in enumerate(scrapes):
        ours, theirs = both["procyon"], both["upstream"]
        for (family, labels), value in theirs.items():
            compared += 1
            own = ours.get((family, labels))
            if own is not None and near(family, own, value):
                continue
            why = next((reason for name, reason in LISTED.items() if family.startswith(name)), None)
            # Whoever ran another program counts elsewhere.
            if why is None and re.search(r'groupname="wl-(exec|after)"', labels) and number >= 3:
                why = LISTED["num_procs"]
            if why:
                listed[f"{family}: {why}"] = listed.get(f"{family}: {why}", 0) + 1
            else:
                problems.append(f"scrape {number}: {family}{{{labels}}} is {own}, process-exporter has {value}")
        if number:
            for (family, labels), value in scrapes[number - 1]["procyon"].items():
                if family.endswith("_total") and ours.get((family, labels), value) < value:
                    problems.append(f"scrape {number}: {family}{{{labels}}} fell from {value} to {ours[family, labels]}")
                if family.endswith("_total") and (family, labels) not in ours:
                    problems.append(f"scrape {number}: {family}{{{labels}}} went away")
    print("\n".join(problems))
    print(json.dumps({"compared": compared, "problems": len(problems), "listed": listed}, indent=1))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
