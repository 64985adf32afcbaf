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
        connection = http.client.HTTPConnection(self.address, timeout=120)
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

    def kernel(self):
        """What the kernel says of its processor time, in seconds."""
        with open(f"/proc/{self.process.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def eventually(seconds, holds):
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def processes(procyon, columns):
    return procyon.get(f"/hosts/local/processes?columns={columns}&limit=20000")


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
    parser.add_argument("--max-gap", type=float, help="seconds between two frames; by default what the widest pace explains")
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
        # A frame made after `least` was read and before `most` was: the truth lies between them, however busy the machine is.
        least, begun = [burner.kernel() for burner in burners], time.time()
        newer = lambda: processes(procyon, "pid")["at"] / 1000 > begun
        fresh = eventually(60, newer)
        answer = processes(procyon, "pid,name,cmd,threads,utime,stime")
        most = [burner.kernel() for burner in burners]
        table = answer["items"]
        by_pid = {row["pid"]: row for row in table}
        seen = [by_pid[burner.process.pid]["utime"] + by_pid[burner.process.pid]["stime"] for burner in burners]
        own = [burner.finish() for burner in burners]
        # A tick of user and one of system time are rounded down at either end.
        near = lambda low, value, high: 0.97 * low - 0.04 <= value <= 1.03 * high + 0.04
        held = lambda: {held["name"] for held in procyon.get("/health")["quarantined"]}
        # A reading that a busy machine held up for long is set aside until it comes back.
        only_hang_held = eventually(60, lambda: held() <= {"hang"})

        def filesystems_told():
            listed = procyon.get("/hosts/local/figures?only=filesystems")["filesystems"]
            states = {item["mount"]: item["state"] for item in listed}
            return states.get(hang_dir) in ("timeout", "error") and states.get("/") == "ok"

        filesystems_right = not hang or eventually(60, filesystems_told)
        names = {row["name"] for row in table}
        threads = max(row["threads"] for row in table)
        log = procyon.stderr()
        result = {"frames": frames, "longest_gap_ms": max(gaps, default=0), "widest_pace_ms": widest,
                  "pace_reasons": sorted(reasons), "backwards": backwards, "hwm_mib": round(procyon.memory("VmHWM"), 1),
                  "cpu_procyon_s": round(sum(seen), 2), "cpu_kernel_s": [round(sum(least), 2), round(sum(most), 2)],
                  "cpu_own_s": round(sum(own), 2),
                  "threads_of_largest": threads, "hang": bool(hang), "quarantined": sorted(quarantined)}
        checks = {
            "procyon still runs": procyon.process.poll() is None,
            "no panic": "panick" not in log,
            "frames kept or pace widened with a reason": widest <= 1000 or bool(reasons),
            "no frame later than twice the widest pace": max(gaps, default=0) <= (
                args.max_gap * 1000 if args.max_gap else 2.2 * max(widest, 1000) + 500),
            "no counter ran backwards": backwards == 0,
            "memory bounded": result["hwm_mib"] <= args.max_memory,
            "nobody but the process that hangs stays set aside": only_hang_held,
            "the file system that hangs is named, the others are read": filesystems_right,
            "the odd name is there": "a) R 1 (" in names,
            "all threads counted": threads >= args.threads,
            "a frame comes after the storm": fresh,
            "processor time agrees with the kernel": all(map(near, least, seen, most)),
            # What they say at their end, of which the last moments came after the frame.
            "processor time agrees with the workers": all(map(near, least, seen, own)),
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
            procyon.process.wait(60)
        shutil.rmtree(state, ignore_errors=True)
        os.rmdir(hang_dir)
    print(json.dumps(result))
    if failures:
        sys.exit("failed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
