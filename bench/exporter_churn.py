#!/usr/bin/env python3
"""Whether what `procyon process-exporter` serves stays bounded while processes come and go, and still adds up.

Keeps so many processes of which so many are born and end every second, more of them busy than may be shown, and scrapes two exporters
in turn: one with a limit on groups and sockets, one without. Checks at every scrape: no more groups and sockets
than the limit; the largest, the rest and what is left out are as many as there are processes; sums of processes, memory and
descriptors lie between those without a limit before and after. Checks over any hour: no more than twice the limit were seen. Checks at the end: processor
time grew as much as without a limit, and memory did not. Prints one JSON object; exits 1 when a check fails. Needs a C compiler. Standard library only.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "namedprocess_namegroup_"
SAMPLE = re.compile(r'^namedprocess_namegroup_(\w+?)(?:\{(.*)\})? (\S+)$', re.M)
GROUP = re.compile(r'groupname="((?:[^"\\]|\\.)*)"')


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) / 1024


class Exporter:
    def __init__(self, binary, *flags):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/metrics"
        command = [binary, "process-exporter", f"-web.listen-address=127.0.0.1:{port}", "-gather-smaps=false", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.last, self.grown = None, collections.Counter()

    def scrape(self, deadline=120):
        """Samples of one scrape: family, labels, group, value. Takes note of how counters grew, as Prometheus reckons it."""
        begin = time.monotonic()
        while True:
            try:
                with urllib.request.urlopen(self.url, timeout=deadline) as answer:
                    text = answer.read().decode("utf-8", "replace")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begin > deadline:
                    sys.exit(f"{self.process.args} does not answer")
                time.sleep(0.1)
        families = collections.defaultdict(list)
        for family, labels, value in SAMPLE.findall(text):
            found = GROUP.search(labels)
            families[family].append((labels, found.group(1) if found else None, float(value)))
        counters = {(family, labels): value for family, samples in families.items() if family.endswith("_total")
                    for labels, _, value in samples}
        for series, value in counters.items():
            if self.last is not None:
                before = self.last.get(series, 0)
                # One that is smaller than it was began anew.
                self.grown[series[0]] += value - before if value >= before else value
        self.last = counters
        return families


def total(families, family, label=""):
    return sum(value for labels, _, value in families[family] if label in labels)


class Hour:
    """How many different ones were seen within any hour."""

    def __init__(self):
        self.last_seen, self.most = {}, 0

    def see(self, names, now):
        self.last_seen.update(dict.fromkeys(names, now))
        self.last_seen = {name: at for name, at in self.last_seen.items() if now - at <= 3600}
        self.most = max(self.most, len(self.last_seen))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--every", type=float, default=1, help="seconds from one scrape to the next")
    parser.add_argument("--processes", type=int, default=3000)
    parser.add_argument("--births", type=float, default=50, help="a second")
    parser.add_argument("--top", type=int, default=20, help="the limit on groups")
    parser.add_argument("--sockets", type=int, default=20, help="the limit on sockets")
    parser.add_argument("--sticky", default="0s", help="how long a group stays among the largest")
    parser.add_argument("--max-growth", type=float, default=16, help="MiB of resident memory from the first half to the end")
    args = parser.parse_args()

    failures, off, result, exporters, churn = collections.Counter(), collections.Counter(), {}, [], None
    folder = tempfile.TemporaryDirectory(prefix="procyon-churn-")
    # Connections of this program to itself: more than may be shown, and each scrape others.
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    kept = collections.deque()
    try:
        program = os.path.join(folder.name, "churn")
        subprocess.run(["cc", "-O1", "-o", program, str(HERE / "storm/churn.c")], check=True)
        churn = subprocess.Popen([program, str(args.processes), str(args.births)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        if churn.stdout.readline().strip() != "ready":
            sys.exit("the processes did not start")
        limited = Exporter(args.procyon, f"-top={args.top}", f"-top-sticky={args.sticky}", f"-netstat-top={args.sockets}")
        free = Exporter(args.procyon, "-top=0", "-netstat-top=0")
        exporters = [limited, free]

        groups, sockets, everybody = Hour(), Hour(), set()
        scrapes, most_series, begun, memories, books = 0, 0, time.monotonic(), [], []
        before = free.scrape()
        # Time enough to see that the limits are needed, also on a machine that does much else.
        needed = lambda: (groups.most > 1.5 * args.top and sockets.most > 1.5 * args.sockets
                          and len(everybody) > 10 * args.top)
        elapsed = lambda: time.monotonic() - begun
        while elapsed() < args.seconds or (not needed() and elapsed() < 5 * args.seconds):
            due = time.monotonic() + args.every
            for _ in range(20):
                kept.append((socket.create_connection(listener.getsockname()), listener.accept()[0]))
            while len(kept) > 60:
                for end in kept.popleft():
                    end.close()
            grown_before = free.grown["cpu_seconds_total"]
            few = limited.scrape()
            after = free.scrape()
            books.append((grown_before, limited.grown["cpu_seconds_total"], free.grown["cpu_seconds_total"]))
            now = time.monotonic()
            scrapes += 1
            names = {group for _, group, _ in few["num_procs"]}
            everybody |= {group for _, group, _ in after["num_procs"]}
            groups.see(names - {"other"}, now)
            sockets.see({labels for labels, _, _ in few["netstat"]}, now)
            most_series = max(most_series, sum(map(len, few.values())))
            count = total(few, "num_procs")

            def between(family, label=""):
                """What the limited one says lies between what the other said before and after."""
                edges = [total(families, family, label) for families in (before, after)]
                return 0.9 * min(edges) <= total(few, family, label) <= 1.1 * max(edges)

            checks = {
                "no more groups than the limit": len(names - {"other"}) <= args.top,
                "the rest is one group": "other" in names and len(few["num_procs"]) == len(names),
                "no more sockets than the limit": len(few["netstat"]) <= args.sockets,
                "groups of the same names everywhere": all(group is None or group in names
                                                           for family, samples in few.items() if family != "sockets"
                                                           for _, group, _ in samples),
                "who is shown and who is left out are all": count == len(names) - 1 + total(few, "omitted_groups"),
                "as many processes as there should be": count >= args.processes * 0.8,
            }
            failures.update(name for name, holds in checks.items() if not holds)
            sums = {
                "as many processes as without a limit": between("num_procs"),
                "as much memory as without a limit": between("memory_bytes", '"resident"'),
                "as many open files as without a limit": between("open_filedesc"),
                "as many states as without a limit": between("states", '"Sleeping"'),
            }
            off.update(name for name, holds in sums.items() if not holds)
            memories.append(memory(limited.process.pid, "VmRSS"))
            before = after
            time.sleep(max(0, due - time.monotonic()))
        seconds = time.monotonic() - begun
        churn.stdin.close()
        born = int(churn.stdout.read())
        # From the first scrape of the limited one to its last: the other's that lie inside of that, and those around it.
        cpu, least, most = books[-1][1], books[-1][0] - books[0][2], books[-1][2] - books[0][0]
        half = len(memories) // 2
        growth = max(memories[half:]) - max(memories[: max(half, 1)])
        result = {"seconds": round(seconds), "scrapes": scrapes, "born": born, "groups_without_a_limit": len(everybody),
                  "limits": [args.top, args.sockets], "groups_in_an_hour": groups.most, "sockets_in_an_hour": sockets.most,
                  "most_series": most_series, "cpu_s": round(cpu, 2), "cpu_without_a_limit_s": [round(least, 2), round(most, 2)],
                  "rss_mib": round(max(memories), 1), "rss_growth_mib": round(growth, 1),
                  "rss_without_a_limit_mib": round(memory(free.process.pid, "VmRSS"), 1)}
        checks = {
            "no more groups in an hour than twice the limit": groups.most <= 2 * args.top,
            "no more sockets in an hour than twice the limit": sockets.most <= 2 * args.sockets,
            "the limits were needed": needed(),
            "as much processor time as without a limit": 0.95 * least <= cpu <= 1.05 * most,
            "memory does not grow": growth <= args.max_growth,
        }
        failures.update(name for name, holds in checks.items() if not holds)
        # Where this program was held up, many may have come and gone between two answers.
        failures.update({name: count for name, count in off.items() if count > 1 + scrapes / 10})
    finally:
        for exporter in exporters:
            exporter.process.terminate()
            exporter.process.wait(30)
        if churn:
            churn.kill()
            churn.wait()
        for pair in kept:
            for end in pair:
                end.close()
        listener.close()
        folder.cleanup()
    print(json.dumps(result, indent=1))
    if failures:
        sys.exit("failed: " + "; ".join(f"{name} ({count} times)" for name, count in failures.items()))


if __name__ == "__main__":
    main()
