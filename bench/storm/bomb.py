#!/usr/bin/env python3
"""A fork bomb beside `procyon up`: for some seconds processes make processes as fast as they can.

Checks that procyon stays small and answers, that no more deaths are told than there were, and that those that were not told
were counted as lost. Prints one JSON object; exits 1 when a check fails. Needs a C compiler and root. Standard library only.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from storm import HERE, Procyon, eventually

# Nobody else has it.
USER = 61_234


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=3000, help="at once")
    parser.add_argument("--max-memory", type=float, default=160, help="MiB of VmHWM")
    args = parser.parse_args()

    state = tempfile.mkdtemp(prefix="procyon-bomb-")
    procyon = bomb = None
    failures, result = [], {}
    try:
        program = os.path.join(state, "bomb")
        subprocess.run(["cc", "-O1", "-o", program, str(HERE / "bomb.c")], check=True)
        procyon = Procyon(args.procyon, state)
        before = procyon.memory("VmHWM")
        lost_before = procyon.get("/health")["lost_events"]
        begin = int(time.time() * 1000)
        bomb = subprocess.Popen([program, str(args.seconds), str(args.processes), str(USER)], stdout=subprocess.PIPE)
        slowest = 0
        while bomb.poll() is None:
            asked = time.monotonic()
            procyon.get("/hosts/local/processes?sort=-cpu&limit=50&columns=pid,name,cpu")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.5)
        born, end = int(bomb.stdout.read()), int(time.time() * 1000)
        told = set()

        def all_told():
            # A few seconds at a time: an answer is cut where there are too many. Each ends with a frame.
            newest = procyon.get("/hosts/local/history")["to"]
            for at in range(begin + 500, min(end + 9000, newest), 500):
                rows = procyon.get(f"/hosts/local/ended?from={at - 7000}&at={at}")["items"]
                told.update(row["key"] for row in rows if row["uid"] == USER and row["ppid"] != os.getpid())
            return len(told) + procyon.get("/health")["lost_events"] - lost_before >= born

        explained = eventually(30, all_told)
        lost = procyon.get("/health")["lost_events"] - lost_before
        hwm = procyon.memory("VmHWM")
        result = {"born": born, "a_second": round(born / args.seconds), "told": len(told), "lost": lost,
                  "hwm_mib": round(hwm, 1), "hwm_before_mib": round(before, 1), "slowest_answer_s": round(slowest, 2)}
        checks = {
            "procyon still runs": procyon.process.poll() is None,
            "no panic": "panick" not in procyon.stderr(),
            "memory bounded": hwm <= args.max_memory,
            "no more told than there were": len(told) <= born,
            "what is not told is counted as lost": explained,
        }
        failures = [name for name, holds in checks.items() if not holds]
    finally:
        if bomb:
            bomb.wait()
        if procyon:
            procyon.process.terminate()
            procyon.process.wait(60)
        shutil.rmtree(state, ignore_errors=True)
    print(json.dumps(result))
    if failures:
        sys.exit("failed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
