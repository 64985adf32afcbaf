#!/usr/bin/env python3
"""Whether the books balance: processor time of all processes, living and ended, beside what the machine was busy.

Starts a procyon of its own and a mixed load: one process that computes in bursts, one that writes and reads a file, and short-lived
ones without end (`true` by `xargs -P2`). Asks procyon what it attributed (`cpu_proc`, and its own share over the last minute,
`cpu_attributed`), and reads what the machine was busy from /proc/stat: cores × wall − idle − iowait − steal. Whatever else
runs on the machine is attributed as well and does no harm.

Prints one JSON object; exits 1 when a ratio is out of its limits. Standard library only.
"""
import argparse
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
BURSTS = "import time\nwhile True:\n    end = time.monotonic() + 0.03\n    while time.monotonic() < end: pass\n    time.sleep(0.07)\n"
FILES = "while :; do dd if=/dev/zero of=$0/file bs=64k count=256 conv=fsync 2>&-; cat $0/file >/dev/null; sleep 0.2; done"


class Procyon:
    """A procyon of this run's own."""

    def __init__(self, binary, state):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROCYON_")}
        self.process = subprocess.Popen([binary, "up", "--listen", "127.0.0.1:0", "--data", state],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        for line in self.process.stdout:
            found = re.search(r"http://(127\.0\.0\.1:\d+)/#token=(\S+)", line)
            if found:
                self.address, self.token = found.groups()
                break
        else:
            sys.exit("procyon printed no sign-in link")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", "/api/v1/" + path, headers={"Authorization": "Bearer " + self.token})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            sys.exit(f"{path}: {response.status} {body[:300]!r}")
        return json.loads(body)

    def means(self, columns, begin, end):
        """Means of figures of the host between two instants (Unix time)."""
        asked = f"scope=host&columns={','.join(columns)}&from={begin * 1000:.0f}&to={end * 1000:.0f}&step=1s"
        series = self.get("hosts/local/series?" + asked)["series"][0]["values"]
        values = {name: [value for value in series[name] if value is not None] for name in columns}
        return {name: sum(known) / len(known) if known else 0.0 for name, known in values.items()}

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def idle():
    """Seconds that all processors together did nothing or were taken away, since boot."""
    with open("/proc/stat") as stat:
        words = [int(word) for word in stat.readline().split()[1:9]]
    return (words[3] + words[4] + words[7]) / TICKS


class Load:
    """Processes of many kinds; all end with it."""

    def __init__(self, folder):
        commands = [
            [sys.executable, "-c", BURSTS],
            ["sh", "-c", FILES, folder],
            ["sh", "-c", "yes | xargs -n1 -P2 true"],
        ]
        self.groups = [subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) for command in commands]

    def end(self):
        for group in self.groups:
            os.killpg(group.pid, 9)
            group.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--min", type=float, default=0.97)
    parser.add_argument("--max", type=float, default=1.02)
    args = parser.parse_args()

    folder = tempfile.mkdtemp(prefix="procyon-books-")
    procyon = Procyon(args.procyon, os.path.join(folder, "state"))
    load = Load(folder)
    try:
        features = {feature["id"]: feature for feature in procyon.get("health")["features"]}
        sources = {name: features[name]["source"] for name in ("processes", "deaths")}
        if any(source != "ebpf" for source in sources.values()):
            print(json.dumps({"skipped": features}))
            return
        # Ends are told up to some seconds late: those of before the beginning make up for those of before the end.
        time.sleep(4)
        begin, before = time.time(), idle()
        time.sleep(args.seconds)
        end, after = time.time(), idle()
        busy = os.cpu_count() - (after - before) / (end - begin)
        means = procyon.means(["cpu_busy", "cpu_proc", "cpu_rest", "cpu_attributed"], begin, end)
        last = procyon.means(["cpu_attributed"], end - 2, end)["cpu_attributed"]
        forks = procyon.means(["forks"], begin, end)["forks"]
        lost = procyon.get("health")["lost_events"]
    finally:
        load.end()
        procyon.end()
        shutil.rmtree(folder, ignore_errors=True)
    ratio = means["cpu_proc"] / busy
    print(json.dumps({"seconds": round(end - begin, 1), "busy_cores": round(busy, 4), "told_busy": round(means["cpu_busy"], 4),
                      "processes": round(means["cpu_proc"], 4), "ratio": round(ratio, 4), "own_ratio": round(last, 4),
                      "unattributed": round(means["cpu_rest"], 4), "forks": round(forks), "lost_events": lost}))
    wrong = [name for name, value in (("ratio", ratio), ("own ratio", last)) if not args.min <= value <= args.max]
    if wrong:
        sys.exit("out of the limits: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
