#!/usr/bin/env python3
"""History beside atop and, where it is there, below: all of them watch the same machine at 1 s for the same time, then answer the same questions.

Starts idle and lightly busy processes and the monitors (`procyon up` with a folder of its own, `atop -w`, `below record --compress` when $BELOW or PATH has
it), waits, and measures of each: processor time while watching, bytes of history an hour, processor time of the top 10 of the whole time,
processor time of the table of one instant. Prints one JSON object; exits 1 when a budget is missed. Standard library only.
"""
import argparse
import collections
import datetime
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 3


def processor_time(pid):
    """Seconds of all threads, those that ended included: the clock of the process, whose id `clock_getcpuclockid(3)` makes."""
    return time.clock_gettime((~pid << 3) | 2)


def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def ask(command, keep=lambda out: None):
    """Runs a question to its end; gives its processor time, wall time and what `keep` makes of its output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall, "answer": keep(done.stdout)}


def median(command, keep=lambda out: None):
    rounds = [ask(command, keep) for _ in range(ROUNDS)]
    return {"cpu_s": round(statistics.median(r["cpu_s"] for r in rounds), 4),
            "wall_s": round(statistics.median(r["wall_s"] for r in rounds), 4), "answer": rounds[-1]["answer"]}


def top_of_atop(out):
    """The ten with the most processor time from `atop -P PRC`: pid, name in brackets, state, ticks a second, user and system ticks of the sample."""
    used = collections.Counter()
    for line in out.splitlines():
        # The name may hold blanks, brackets and, which ends its line early, line breaks.
        found = re.match(r"PRC \S+ \d+ \S+ \S+ \d+ (\d+) \(.*\) [A-Z] \d+ (\d+) (\d+) ", line)
        if found:
            pid, user, system = map(int, found.groups())
            used[pid] += user + system
    return [pid for pid, _ in used.most_common(10)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--processes", type=int, default=450, help="idle ones")
    parser.add_argument("--light", type=int, default=50, help="lightly busy ones")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--budgets", action=argparse.BooleanOptionalAction, default=True,
                        help="fail when a budget is missed (they hold for an hour; short rounds pay for starting)")
    args = parser.parse_args()
    if shutil.which("atop") is None:
        sys.exit("atop is not there; as root: apt-get install atop")
    below = os.environ.get("BELOW") or shutil.which("below")

    folder = tempfile.mkdtemp(prefix="procyon-beside-")
    light = os.path.join(folder, "light")
    subprocess.run(["cc", "-O1", "-o", light, os.path.join(HERE, "light.c")], check=True)
    started = [subprocess.Popen(["sleep", "100000"]) for _ in range(args.processes)]
    started += [subprocess.Popen([light]) for _ in range(args.light)]
    places = {"procyon": os.path.join(folder, "procyon"), "atop": os.path.join(folder, "atop.raw")}
    commands = {"procyon": [args.procyon, "up", "--listen", "127.0.0.1:0", "--data", places["procyon"]],
                "atop": ["atop", "-w", places["atop"], "1"]}
    if below:
        places["below"] = os.path.join(folder, "below")
        with open(os.path.join(folder, "below.conf"), "w") as conf:
            conf.write(f'store_dir = "{places["below"]}"\nlog_dir = "{folder}"\ncgroup_root = "{cgroup_root()}"\n')
        commands["below"] = [below, "--config", os.path.join(folder, "below.conf"), "record", "--compress", "--interval-s", "1"]
    # below runs `lsb_release` once a second where it finds it, which is 15 processes that all of them would record.
    environments = {"below": {**os.environ, "PATH": folder}}
    monitors = {}
    try:
        for name, command in commands.items():
            monitors[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                              env=environments.get(name))
        time.sleep(args.warm_up)
        dead = [name for name, monitor in monitors.items() if monitor.poll() is not None]
        if dead:
            sys.exit(f"ended at once: {', '.join(dead)}")
        began = time.time()
        before = {name: (processor_time(m.pid), size(places[name])) for name, m in monitors.items()}
        time.sleep(args.seconds)
        took = time.time() - began
        result = {"seconds": round(took), "processes": args.processes + args.light}
        for name, monitor in monitors.items():
            cpu, held = before[name]
            result[name] = {"cpu_percent": round(100 * (processor_time(monitor.pid) - cpu) / took, 2),
                            "mib_an_hour": round((size(places[name]) - held) / 2**20 * 3600 / took, 2)}
        middle = began + took / 2
        hm = datetime.datetime.fromtimestamp(middle).strftime("%H:%M")
        stamp = datetime.datetime.fromtimestamp(middle).strftime("%Y-%m-%d %H:%M:%S")
        ms = lambda at: str(int(at * 1000))
        data = ["--data", places["procyon"]]
        # `PRC` is asked of atop for the whole file, and for the minute of the instant: it goes by the minute.
        result["atop"]["top"] = median(["atop", "-r", places["atop"], "-P", "PRC"], top_of_atop)
        result["atop"]["instant"] = median(["atop", "-r", places["atop"], "-b", hm, "-e", hm, "-P", "PRC,PRM,PRD,PRG"])
        keys = lambda out: [int(item["key"].split("-")[0]) for item in json.loads(out)["items"]]
        result["procyon"]["top"] = median([args.procyon, "rank", *data, "--by", "cpu", "--limit", "10", "--from", ms(began),
                                           "--to", ms(began + took), "--json"], keys)
        result["procyon"]["instant"] = median([args.procyon, "ps", *data, "--at", ms(middle), "--limit", "0", "--json"],
                                              lambda out: len(json.loads(out)["items"]))
        if below:
            conf = [below, "--config", os.path.join(folder, "below.conf")]
            result["below"]["instant"] = median([*conf, "dump", "process", "--everything", "-b", stamp, "-e", stamp, "-O", "csv"])
    finally:
        for process in [*monitors.values(), *started]:
            process.terminate()
        for process in [*monitors.values(), *started]:
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
    ours, atop = result["procyon"], result["atop"]
    common = len(set(ours["top"]["answer"]) & set(atop["top"]["answer"]))
    result["atop_is"] = {"times_more_history": round(atop["mib_an_hour"] / max(ours["mib_an_hour"], 1e-9), 1),
                         "times_slower_top": round(atop["top"]["cpu_s"] / max(ours["top"]["cpu_s"], 1e-9), 1),
                         "same_in_top_10": common}
    print(json.dumps(result))
    failures = []
    if args.budgets:
        if result["atop_is"]["times_more_history"] < 10:
            failures.append("history is more than a tenth of atop's")
        if result["atop_is"]["times_slower_top"] < 100:
            failures.append("the top 10 is less than 100 times faster than atop's")
        if below and ours["instant"]["cpu_s"] > result["below"]["instant"]["cpu_s"]:
            failures.append("the table of an instant is slower than below's")
    if failures:
        sys.exit("; ".join(failures))


def cgroup_root():
    """Where cgroup v2 is mounted; below refuses anything else."""
    with open("/proc/mounts") as mounts:
        return next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), "/sys/fs/cgroup")


if __name__ == "__main__":
    main()
