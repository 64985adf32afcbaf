#!/usr/bin/env python3
"""Holds the past that procyon tells against a recorder of this test's own.

The recorder walks /proc at random instants while processes come and go, burn, sleep and write. Afterwards `procyon ps --at T`
is asked for random instants, from the files of the history, while the procyon that wrote them still runs. The frame that answers
was read between the frame before it and the frame after it; within that window nothing is claimed, outside of it everything:

- a process that the recorder saw before and after the window, the same one, is in the answer;
- nobody is in the answer whom the recorder found gone before the window, or who started after it;
- processor time, user and system together, and page faults lie between those of the recorder's neighbours.

Prints one JSON object; exits 1 when a check fails. Standard library only.
"""
import argparse
import bisect
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Procyon:
    """A procyon of this run's own."""

    def __init__(self, binary, state):
        self.binary, self.state = binary, state
        self.log = open(pathlib.Path(state) / "stderr.log", "w+")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PROCYON_")}
        self.process = subprocess.Popen([binary, "up", "--listen", "127.0.0.1:0", "--data", state],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.environment)
        for line in self.process.stdout:
            found = re.search(r"http://(127\.0\.0\.1:\d+)/#token=(\S+)", line)
            if found:
                self.address, self.token = found.groups()
                break
        else:
            sys.exit("procyon printed no sign-in link: " + self.stderr())
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", "/api/v1/hosts/local" + path, headers={"Authorization": "Bearer " + self.token})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
        return json.loads(body)

    def table(self, at):
        """The process table at an instant, from the files."""
        said = subprocess.run([self.binary, "ps", "--data", self.state, "--at", str(at), "--json", "--columns",
                               "pid,utime,stime,minflt_total"], capture_output=True, text=True, env=self.environment)
        if said.returncode != 0:
            raise RuntimeError(f"ps --at {at}: {said.returncode} {said.stderr}")
        return json.loads(said.stdout)

    def stderr(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def read_stat(pid):
    """Start, processor time and faults of a process; none when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2:].split()
    return int(fields[19]), (int(fields[11]), int(fields[12]), int(fields[7]))


class Recorder(threading.Thread):
    """Walks /proc at random instants. Each walk: when it began and ended (Unix ms), and what it found."""

    def __init__(self, dice):
        super().__init__(daemon=True)
        self.dice, self.walks, self.stop = dice, [], threading.Event()

    def run(self):
        while not self.stop.is_set():
            began, found = time.time() * 1000, {}
            for name in os.listdir("/proc"):
                if name.isdigit():
                    read = read_stat(name)
                    if read:
                        found[int(name), read[0]] = read[1]
            self.walks.append((began, time.time() * 1000, found))
            self.stop.wait(self.dice.uniform(0.05, 0.9))


def child(kind, seconds, folder):
    """One process of the load; ends by itself."""
    ends = time.monotonic() + seconds
    if kind == "burn":
        while time.monotonic() < ends:
            sum(range(1000))
            if random.random() < 0.2:
                time.sleep(0.005)
    elif kind == "write":
        with open(pathlib.Path(folder) / f"{os.getpid()}", "wb") as file:
            while time.monotonic() < ends:
                file.write(b"x" * 65536)
                file.seek(0)
                bytearray(1 << 20)
                time.sleep(0.02)
    else:
        time.sleep(seconds)


def load(folder, seed, seconds):
    """Starts and reaps processes of many lengths of life, until told to end."""
    dice = random.Random(seed)
    ends, living = time.monotonic() + seconds, set()
    while time.monotonic() < ends:
        while len(living) < 40:
            kind = dice.choices(["sleep", "burn", "write"], [8, 1, 1])[0]
            life = min(dice.expovariate(1 / 4) + 0.01, ends - time.monotonic() + 1)
            pid = os.fork()
            if pid == 0:
                child(kind, life, folder)
                os._exit(0)
            living.add(pid)
        time.sleep(dice.uniform(0.0, 0.05))
        while living:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            living.discard(pid)
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def boot_ms():
    """When the machine booted, Unix ms, from two clocks of the kernel."""
    with open("/proc/uptime") as file:
        return (time.time() - float(file.read().split()[0])) * 1000


def bounds(low, value, high):
    """Name, least, told and most of each counter. How processor time parts into user and system the kernel estimates, and tells
    it otherwise in /proc than to programs inside of it, so the sum counts; /proc cuts both parts to whole ticks."""
    yield "cpu", low[0] + low[1] - 0.5, value[0] + value[1], high[0] + high[1] + 2
    yield "minflt", low[2], value[2], high[2]


class Judge:
    """Compares answers with what the recorder saw."""

    def __init__(self, walks):
        self.walks, self.begins, self.ends = walks, [walk[0] for walk in walks], [walk[1] for walk in walks]
        self.boot, self.checked, self.counters, self.wrong = boot_ms(), 0, 0, []

    def judge(self, answer, window):
        """`window`: the instants of the frame before and the frame after the one that answers."""
        told = {}
        for item in answer["items"]:
            pid, start, _ = item["key"].split("-")
            told[int(pid), int(start)] = (item["utime"] * TICKS, item["stime"] * TICKS, item["minflt_total"])
        before = bisect.bisect_left(self.ends, window[0]) - 1
        after = bisect.bisect_right(self.begins, window[1])
        if before < 0 or after >= len(self.walks):
            return False
        earlier, later = self.walks[before][2], self.walks[after][2]
        for who in earlier.keys() & later.keys():
            self.checked += 1
            if who not in told:
                self.wrong.append(f"{who} lived throughout and is not in the table of {answer['at']}")
                continue
            for name, low, value, high in bounds(earlier[who], told[who], later[who]):
                self.counters += 1
                if not low <= value <= high:
                    self.wrong.append(f"{who} at {answer['at']}: {name} {value} is not between {low} and {high}")
        for who in told.keys():
            began = self.boot + who[1] * 1000 / TICKS
            # The walk before the window would have met whoever had started before it began.
            if began + 50 < self.walks[before][0] and who not in earlier:
                self.wrong.append(f"{who} was gone before the table of {answer['at']} that holds it")
            if began > window[1] + 50:
                self.wrong.append(f"{who} started after the table of {answer['at']} that holds it")
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--instants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", file=sys.stderr)
    dice = random.Random(wanted.seed)
    state, folder = tempfile.mkdtemp(prefix="procyon-truth-"), tempfile.mkdtemp(prefix="procyon-load-")
    procyon = Procyon(wanted.procyon, state)
    worker = os.fork()
    if worker == 0:
        load(folder, wanted.seed, wanted.seconds)
        os._exit(0)
    try:
        recorder = Recorder(random.Random(wanted.seed + 1))
        recorder.start()
        time.sleep(wanted.seconds)
        recorder.stop.set()
        recorder.join()
        os.waitpid(worker, 0)
        judge, judged, agreed = Judge(recorder.walks), 0, 0
        first, last = recorder.walks[0][0], recorder.walks[-1][1]
        for number in range(wanted.instants):
            at = int(dice.uniform(first, last))
            try:
                answer = procyon.table(at)
            except RuntimeError:
                if at < first + 5000:
                    # Perhaps before the first frame.
                    continue
                raise
            window = [procyon.get(f"/step?at={answer['at']}&by={by}")["at"] for by in (-1, 1)]
            if answer["at"] > at:
                judge.wrong.append(f"the table of {answer['at']} answers for {at}, which is earlier")
            if window[0] < answer["at"] < window[1] and judge.judge(answer, window):
                judged += 1
            if number % 5 == 0:
                same = procyon.get(f"/processes?at={at}&limit=0&columns=pid,utime,stime,minflt_total")
                agreed += 1
                keyed = [{item["key"]: item for item in one["items"]} for one in (answer, same)]
                if same["at"] != answer["at"] or keyed[0] != keyed[1]:
                    judge.wrong.append(f"files and API disagree about {at}")
        enough = judged >= wanted.instants // 2 and judge.checked > 0
        panicked = "panicked" in procyon.stderr()
        print(json.dumps({"seed": wanted.seed, "walks": len(recorder.walks), "instants": judged, "lives": judge.checked,
                          "counters": judge.counters, "agreed": agreed, "wrong": len(judge.wrong), "panicked": panicked}))
        for line in judge.wrong[:20]:
            print(line, file=sys.stderr)
        if judge.wrong or panicked or not enough:
            print("truth: the past that was told is not the one that was" if judge.wrong else "truth: too little was seen",
                  file=sys.stderr)
            return 1
        return 0
    finally:
        procyon.end()
        for path in (state, folder):
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
