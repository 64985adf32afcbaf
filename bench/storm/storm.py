#!/usr/bin/env python3
"""A storm that `procyon up` must weather: 200 forks a second for a minute, thousands of processes, one of 20,000 threads,
odd names and arguments, a process that hangs in a page fault, a file system that does not answer.

Checks while it blows: frames keep coming (every tick kept, or the pace widened with its reason given); processor time of
each process address never runs backwards; memory stays bounded. Checks at the end: what procyon says of the workers
equals what they say of themselves (their own processor clock) within 3 %; nothing panicked. Prints one JSON object; exits 1 when a check
fails. Needs a C compiler, and root and /dev/fuse for the hanging parts. Standard library only.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


class Procyon:
    """A procyon of this run's own and its API."""

    def __init__(self, binary, state):
        self.log = open(pathlib.Path(state) / "stderr.log", "w+")
        self.process = subprocess.Popen([binary, "up", "--listen", "127.0.0.1:0", "--data", state],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
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
        connection.request("GET", "/api/v1" + path, headers={"Authorization": "Bearer " + self.token})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
        return json.loads(body)

    def memory(self, field):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) / 1024

    def stderr(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()


class Workload:
    """A procyon-workload, which says at its end how much processor time it used."""

    def __init__(self, binary, *arguments, **more):
        self.process = subprocess.Popen([binary, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        line = self.process.stdout.readline()
        if line.strip() != b"ready":
            sys.exit(f"a workload did not start: {arguments[:2]} {line!r}")

    def finish(self):
        self.process.stdin.close()
        said = self.process.stdout.read()
        self.process.wait()
        return int(said) / 1e9


def fork_storm(rate, stop):
    """Forks and reaps about `rate` processes a second that end at once."""
    due = time.monotonic()
    while not stop.is_set():
        pid = os.posix_spawn("/bin/true", ["true", "storm"], os.environ)
        os.waitpid(pid, 0)
        due += 1 / rate
        time.sleep(max(0, due - time.monotonic()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--workload", help="procyon-workload; beside procyon by default")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--processes", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=20000)
    parser.add_argument("--forks", type=int, default=200, help="a second")
    parser.add_argument("--max-memory", type=float, default=384, help="MiB of VmHWM")
    args = parser.parse_args()
    workload = args.workload or str(pathlib.Path(args.procyon).resolve().parent / "procyon-workload")

    state = tempfile.mkdtemp(prefix="procyon-storm-")
    hang_dir = tempfile.mkdtemp(prefix="procyon-hang-")
    procyon, sleepers, hang, stop = None, [], None, threading.Event()
    failures, result = [], {}
    try:
        procyon = Procyon(args.procyon, state)
        if os.geteuid() == 0 and os.path.exists("/dev/fuse"):
            program = os.path.join(state, "hang")
            subprocess.run(["cc", "-O1", "-o", program, str(HERE / "hang.c")], check=True)
            hang = subprocess.Popen([program, hang_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if not hang.stdout.readline().startswith(b"ready"):
                sys.exit("the hanging process did not start")
        many_threads = os.path.join(state, "threads")
        subprocess.run(["cc", "-O1", "-pthread", "-o", many_threads, str(HERE / "threads.c")], check=True)
        sleepers = [subprocess.Popen(["sleep", "100000"]) for _ in range(args.processes)]
        burners = [Workload(workload, "burn", "0.05", "2") for _ in range(4)]
        odd = [Workload(workload, "rename", "a) R 1 ("), Workload(workload, "idle", b"\xff\xfe\n odd"),
               Workload(workload, "idle", *["x" * 100_000] * 10), Workload(many_threads, str(args.threads))]
        forker = threading.Thread(target=fork_storm, args=(args.forks, stop), daemon=True)
        forker.start()

        last, frames, seqs, reasons, backwards, quarantined = {}, 0, set(), set(), 0, set()
        end = time.monotonic() + args.seconds
        widest = 0
        while time.monotonic() < end:
            asked = time.monotonic()
            answer = procyon.get("/hosts/local/processes?columns=utime,stime&limit=20000")
            health = procyon.get("/health")
            if answer["at"] not in seqs:
                seqs.add(answer["at"])
                frames += 1
            pace = health["pace"]
            widest = max(widest, pace["actual_ms"])
            quarantined |= {held["name"] for held in health["quarantined"]}
            if pace["reason"]:
                reasons.add(pace["reason"])
            now = {}
            for row in answer["items"]:
                used = row["utime"] + row["stime"]
                backwards += used < last.get(row["key"], 0) - 1e-9
                now[row["key"]] = used
            last = now
            time.sleep(max(0.1, 1 - (time.monotonic() - asked)))
        stop.set()
        forker.join()

        stamps = sorted(seqs)
        gaps = [b - a for a, b in zip(stamps, stamps[1:])]
        answer = procyon.get("/hosts/local/processes?columns=pid,name,cmd,threads,utime,stime&limit=20000")
        table, taken = answer["items"], answer["at"] / 1000
        by_pid = {row["pid"]: row for row in table}
        held_now = {held["name"] for held in procyon.get("/health")["quarantined"]}
        listed = procyon.get("/hosts/local/figures?only=filesystems")["filesystems"]
        filesystems = {item["mount"]: item["state"] for item in listed}
        said, seen = 0.0, 0.0
        for burner in burners:
            with open(f"/proc/{burner.process.pid}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
            kernel = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            row = by_pid[burner.process.pid]
            seen += row["utime"] + row["stime"]
            said += kernel
        behind = time.time() - taken
        own = sum(burner.finish() for burner in burners)
        behind_own = time.time() - taken
        names = {row["name"] for row in table}
        threads = max(row["threads"] for row in table)
        log = procyon.stderr()
        result = {"frames": frames, "longest_gap_ms": max(gaps, default=0), "widest_pace_ms": widest,
                  "pace_reasons": sorted(reasons), "backwards": backwards, "hwm_mib": round(procyon.memory("VmHWM"), 1),
                  "cpu_procyon_s": round(seen, 2), "cpu_kernel_s": round(said, 2), "cpu_own_s": round(own, 2),
                  "threads_of_largest": threads, "hang": bool(hang), "quarantined": sorted(quarantined),
                  "behind_s": round(behind, 2)}
        checks = {
            "procyon still runs": procyon.process.poll() is None,
            "no panic": "panick" not in log,
            "frames kept or pace widened with a reason": widest <= 1000 or bool(reasons),
            "no frame later than twice the widest pace": max(gaps, default=0) <= 2.2 * max(widest, 1000) + 500,
            "no counter ran backwards": backwards == 0,
            "memory bounded": result["hwm_mib"] <= args.max_memory,
            "nobody but the process that hangs stays set aside": held_now <= {"hang"},
            "the file system that hangs is named, the others are read": not hang or (
                filesystems.get(hang_dir) in ("timeout", "error") and filesystems.get("/") == "ok"),
            "the odd name is there": "a) R 1 (" in names,
            "all threads counted": threads >= args.threads,
            # The last frame is a little old, and the workers burn 0.4 cores together.
            "processor time agrees with the kernel": abs(seen - said) <= 0.03 * said + 0.45 * behind,
            "processor time agrees with the workers": abs(seen - own) <= 0.03 * own + 0.45 * behind_own,
        }
        failures = [name for name, holds in checks.items() if not holds]
        for workload in odd:
            workload.finish()
    finally:
        stop.set()
        for sleeper in sleepers:
            sleeper.kill()
        for sleeper in sleepers:
            sleeper.wait()
        if hang:
            hang.stdin.close()
            hang.wait()
        if procyon:
            procyon.process.terminate()
            procyon.process.wait(20)
        shutil.rmtree(state, ignore_errors=True)
        os.rmdir(hang_dir)
    print(json.dumps(result))
    if failures:
        sys.exit("failed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
