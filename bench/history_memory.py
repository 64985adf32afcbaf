#!/usr/bin/env python3
"""How much memory `procyon up` takes at its highest, through blocks being made and put together.

Starts N processes of which every one does a little each second, so that each has a row in every tick, and a procyon on a free port with blocks
shorter than an hour (`history.block`), and waits until so many blocks were made of logs and one was put together from several. Prints one JSON
object; exits 1 when VmHWM is over its limit, or when not everything happened in time. Standard library only.
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

HERE = os.path.dirname(os.path.abspath(__file__))


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.M).group(1)) / 1024


def blocks(folder):
    """Numbers of the first and last log of each block that is whole."""
    try:
        names = os.listdir(os.path.join(folder, "history", "blocks"))
    except FileNotFoundError:
        return []
    return [tuple(int(part) for part in name.split("-")[:2]) for name in names if not name.endswith(".tmp")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--processes", type=int, default=500, help="processes on the machine in all")
    parser.add_argument("--block", default="10min", help="how much time a block holds")
    parser.add_argument("--seconds", type=int, default=1500, help="how long is waited at most")
    parser.add_argument("--max-hwm", type=float, default=64.0, help="MiB")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="procyon-memory-")
    light = os.path.join(folder, "light")
    subprocess.run(["cc", "-O1", "-DEVERY_MS=1000", "-DSPINS=1000", "-o", light, os.path.join(HERE, "light.c")], check=True)
    there = sum(name.isdigit() for name in os.listdir("/proc"))
    started = [subprocess.Popen([light]) for _ in range(max(0, args.processes - there))]
    up = subprocess.Popen([args.procyon, "up", "--listen", "127.0.0.1:0", "--data", folder, "--set", f"history.block={args.block}"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        began, made, before_merge = time.monotonic(), set(), None
        while time.monotonic() - began < args.seconds and up.poll() is None:
            time.sleep(1)
            now = blocks(folder)
            made |= {numbers for first, last in now for numbers in range(first, last + 1)}
            if any(last > first for first, last in now):
                # The bytes of the parts are let go after the block has its name.
                time.sleep(3)
                break
            before_merge = memory(up.pid, "VmHWM")
        else:
            sys.exit("no block was put together in time" if up.poll() is None else "procyon ended")
        hwm = memory(up.pid, "VmHWM")
        print(json.dumps({"processes": args.processes, "seconds": round(time.monotonic() - began), "logs_made_into_blocks": len(made),
                          "hwm_before_merge_mib": round(before_merge or 0, 1), "hwm_mib": round(hwm, 1), "rss_mib": round(memory(up.pid, "VmRSS"), 1)}))
    finally:
        for process in [up, *started]:
            process.terminate()
        for process in [up, *started]:
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
    if hwm > args.max_hwm:
        sys.exit(f"VmHWM {hwm:.1f} MiB is more than {args.max_hwm:.0f}")


if __name__ == "__main__":
    main()
