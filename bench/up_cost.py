#!/usr/bin/env python3
"""What `procyon up` costs while nobody watches: processor time, VmHWM and whether memory stays flat.

Starts N idle processes, a procyon on a free port with a state directory of its own, warms up, then measures. Prints one
JSON object; exits 1 when a limit is passed. Standard library only.
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


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--processes", type=int, default=500, help="processes on the machine in all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--max-cpu", type=float, default=0.04, help="cores")
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
        begin, cpu, rss = time.monotonic(), processor_time(up.pid), []
        while time.monotonic() - begin < args.seconds:
            time.sleep(min(1.0, args.seconds / 30))
            rss.append(memory(up.pid, "VmRSS"))
        wall = time.monotonic() - begin
        cores = (processor_time(up.pid) - cpu) / wall
        third = len(rss) // 3
        growth = (sorted(rss[-third:])[third // 2] - sorted(rss[:third])[third // 2]) / 2**20
        hwm = memory(up.pid, "VmHWM") / 2**20
    finally:
        up.terminate()
        up.wait(10)
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
        shutil.rmtree(state, ignore_errors=True)
    result = {"processes": max(args.processes, there), "seconds": round(wall, 1), "cpu_cores": round(cores, 5),
              "hwm_mib": round(hwm, 1), "rss_growth_mib": round(growth, 2)}
    print(json.dumps(result))
    failures = [name for name, value, limit in (("cpu_cores", cores, args.max_cpu), ("hwm_mib", hwm, args.max_hwm),
                                                ("rss_growth_mib", growth, args.max_growth)) if value > limit]
    if failures:
        sys.exit(f"over the limit: {', '.join(failures)}")


if __name__ == "__main__":
    main()
