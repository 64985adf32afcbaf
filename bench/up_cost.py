#!/usr/bin/env python3
"""What `procyon up` costs while nobody watches: processor time, VmHWM and whether memory stays flat.

Starts N idle processes, a procyon on a free port with a state directory of its own, warms up, then measures. A round over a
limit is measured again, up to `--rounds` in all: what other programs do at the time makes the same work dearer (caches, a
processor shared by two threads), and what procyon itself does wrong it does every time. Prints one JSON object for each round;
exits 1 when no round was within the limits. Standard library only.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

def processor_time(pid):
    """Seconds of all threads, those that ended included: the clock of the process, whose id `clock_getcpuclockid(3)` makes."""
    return time.clock_gettime((~pid << 3) | 2)


def busy():
    """Seconds that all processors together were at work since boot."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq = (int(word) for word in stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) * 1024


def measure(pid, args, processes):
    """One round; the names of the figures that were over their limit."""
    begin, cpu, rss, others = time.monotonic(), processor_time(pid), [], busy()
    while time.monotonic() - begin < args.seconds:
        time.sleep(min(1.0, args.seconds / 30))
        rss.append(memory(pid, "VmRSS"))
    wall = time.monotonic() - begin
    cores = (processor_time(pid) - cpu) / wall
    third = max(1, len(rss) // 3)
    growth = (sorted(rss[-third:])[third // 2] - sorted(rss[:third])[third // 2]) / 2**20
    hwm = memory(pid, "VmHWM") / 2**20
    result = {"processes": processes, "seconds": round(wall, 1), "cpu_cores": round(cores, 5), "hwm_mib": round(hwm, 1),
              "rss_growth_mib": round(growth, 2), "others_cores": round((busy() - others) / wall - cores, 2)}
    print(json.dumps(result), flush=True)
    return [name for name, value, limit in (("cpu_cores", cores, args.max_cpu), ("hwm_mib", hwm, args.max_hwm),
                                            ("rss_growth_mib", growth, args.max_growth)) if value > limit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--processes", type=int, default=500, help="processes on the machine in all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--max-cpu", type=float, default=0.02, help="cores")
    parser.add_argument("--max-hwm", type=float, default=64, help="MiB")
    parser.add_argument("--max-growth", type=float, default=2, help="MiB of RSS between the first and the last third")
    args = parser.parse_args()

    there = sum(name.isdigit() for name in os.listdir("/proc"))
    sleepers = [subprocess.Popen(["sleep", "100000"]) for _ in range(max(0, args.processes - there))]
    state = tempfile.mkdtemp(prefix="procyon-cost-")
    up = subprocess.Popen([args.procyon, "up", "--listen", "127.0.0.1:0", "--data", state],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(args.warm_up)
        if up.poll() is not None:
            sys.exit(f"procyon ended with {up.returncode}")
        for _ in range(args.rounds):
            failures = measure(up.pid, args, max(args.processes, there))
            if not failures:
                break
    finally:
        up.terminate()
        up.wait(60)
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
        shutil.rmtree(state, ignore_errors=True)
    if failures:
        sys.exit(f"over the limit: {', '.join(failures)}")


if __name__ == "__main__":
    main()
