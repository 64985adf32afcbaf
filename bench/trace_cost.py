#!/usr/bin/env python3
"""What it costs a process to be watched: `dd bs=1`, which does nothing but system calls, by itself and under each tracer.

A shell waits until it is watched and then becomes dd, so that the tracer begins with a process that runs, as people do. The figure is
the processor time of dd for each system call, the tracer's beside it; rounds are interleaved and the median counts. Prints
one JSON object; exits 1 when a limit is passed. strace and perf are measured where they are installed. Standard library only.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

# Calls of dd for one byte: a read and a write.
CALLS_A_BYTE = 2
LIMIT_TELLING = 5.0
LIMIT_COUNTING = 2.6
LIMIT_BESIDE_STRACE = 5.0


def modes(procyon, out):
    """Name: how many bytes dd moves, and the tracer's command line with PID for the process."""
    known = {
        "none": (200_000, None),
        "procyon -c": (200_000, [procyon, "trace", "-c", "-o", out, "PID"]),
        "procyon": (200_000, [procyon, "trace", "-o", out, "PID"]),
        "procyon ptrace": (10_000, [procyon, "trace", "--engine", "ptrace", "-o", out, "PID"]),
    }
    if shutil.which("strace"):
        known["strace"] = (10_000, ["strace", "-f", "-o", out, "-p", "PID"])
        known["strace -c"] = (10_000, ["strace", "-f", "-c", "-o", out, "-p", "PID"])
    if shutil.which("perf"):
        known["perf trace"] = (10_000, ["perf", "trace", "-o", out, "-p", "PID"])
    return known


def is_watched(name, tracer, pid):
    """Whether the tracer has begun."""
    if "strace" in name or "ptrace" in name:
        with open(f"/proc/{pid}/status") as status:
            return "TracerPid:\t0\n" not in status.read()
    if name.startswith("procyon"):
        # Six programs at tracepoints and two iterators; a moment after they are attached it follows.
        links = 0
        for number in os.listdir(f"/proc/{tracer.pid}/fdinfo"):
            try:
                with open(f"/proc/{tracer.pid}/fdinfo/{number}") as about:
                    links += "link_type" in about.read()
            except FileNotFoundError:
                pass
        if links < 8:
            return False
        time.sleep(0.5)
        return True
    time.sleep(2)  # perf does not say.
    return True


def once(name, count, command, out):
    """Nanoseconds of dd and of the tracer for each call, and how many calls the tracer says it lost."""
    if os.path.exists(out):
        os.unlink(out)
    dd = f"read go; exec dd if=/dev/zero of=/dev/null bs=1 status=none count={count}"
    target = subprocess.Popen(["sh", "-c", dd], stdin=subprocess.PIPE)
    tracer = None
    if command:
        words = [str(target.pid) if word == "PID" else word for word in command]
        tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while not is_watched(name, tracer, target.pid):
            if tracer.poll() is not None or time.monotonic() > end:
                target.kill()
                raise RuntimeError(f"{name} does not begin: {tracer.stderr.read().decode()}")
            time.sleep(0.01)
    target.stdin.write(b"\n")
    target.stdin.close()
    _, _, of_target = os.wait4(target.pid, 0)
    target.returncode = 0
    of_tracer, said = 0.0, b""
    if tracer:
        if name == "perf trace":
            tracer.send_signal(signal.SIGINT)
        said = tracer.stderr.read()
        _, _, usage = os.wait4(tracer.pid, 0)
        tracer.returncode = 0
        of_tracer = usage.ru_utime + usage.ru_stime
    lost = next((int(line.split()[0]) for line in said.decode().splitlines() if "came faster" in line), 0)
    calls = count * CALLS_A_BYTE
    return {"target": (of_target.ru_utime + of_target.ru_stime) * 1e9 / calls, "tracer": of_tracer * 1e9 / calls,
            "lost": lost / calls}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"), help="the built program")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "trace.out")
        known = modes(os.path.abspath(arguments.procyon), out)
        for _ in range(arguments.rounds):
            for name, (count, command) in known.items():
                found.setdefault(name, []).append(once(name, count, command, out))
    result = {}
    for name, rounds in found.items():
        result[name] = {key: round(statistics.median(one[key] for one in rounds), 3) for key in ("target", "tracer", "lost")}
    for row in result.values():
        row["times"] = round(row["target"] / result["none"]["target"], 2)
    passed = [result["procyon"]["times"] > LIMIT_TELLING, result["procyon -c"]["times"] > LIMIT_COUNTING]
    if "strace" in result:
        cheaper = result["strace"]["target"] / result["procyon"]["target"]
        result["cheaper than strace"] = round(cheaper, 1)
        passed.append(cheaper < LIMIT_BESIDE_STRACE)
    print(json.dumps({"unit": "ns of processor time for each call, median", "rounds": arguments.rounds, **result}, indent=1))
    return int(any(passed))


if __name__ == "__main__":
    sys.exit(main())
