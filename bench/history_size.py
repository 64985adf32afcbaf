#!/usr/bin/env python3
"""The same figures of the same processes, held by Procyon, Prometheus and VictoriaMetrics: bytes side by side.

`cargo bench --bench beside` makes a machine up (always the same one), keeps its history and writes what Procyon tracks of each process (21 figures, one sample
a tick) to a file. VictoriaMetrics imports it and merges its parts; `promtool tsdb create-blocks-from openmetrics` makes blocks of it for Prometheus.
Of the history the files of processes count: rows, strings, summary. They hold more than the others were given: command lines, 70 columns,
how each process ended. Prints one JSON object; exits 1 when the history is not smaller than either. Debian packages: prometheus, victoria-metrics.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PROCESS_FILES = ("process.parquet", "descriptor.parquet", "summary.parquet")


def size(path, wanted=lambda name: True):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names if wanted(name))


def made_up(args, folder):
    command = ["cargo", "bench", "--quiet", "--locked", "--package", "procyon-store", "--bench", "beside", *args.cargo, "--", "--out", folder,
               "--hours", str(args.hours), "--processes", str(args.processes), "--step-ms", str(args.step_ms)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def openmetrics(source, target):
    """The text form that promtool reads; instants are in seconds."""
    with open(source) as lines, open(target, "w") as out:
        for line in lines:
            series = json.loads(line)
            labels = series["metric"]
            name = labels.pop("__name__")
            head = name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "} "
            out.writelines(f"{head}{value} {at / 1000}\n" for value, at in zip(series["values"], series["timestamps"]))
        out.write("# EOF\n")


def prometheus(folder):
    text, blocks = os.path.join(folder, "samples.txt"), os.path.join(folder, "prometheus")
    openmetrics(os.path.join(folder, "import.jsonl"), text)
    done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, blocks], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"promtool: {(done.stderr + done.stdout).strip()[-600:]}")
    os.remove(text)
    return size(blocks)


def victoria(folder):
    data = os.path.join(folder, "victoria")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    server = subprocess.Popen(["victoria-metrics", f"-storageDataPath={data}", f"-httpListenAddr={address}", "-retentionPeriod=100y"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ask = lambda path, body=None: urllib.request.urlopen(f"http://{address}{path}", data=body, timeout=600).read()
    try:
        for _ in range(100):
            try:
                ask("/health")
                break
            except OSError:
                time.sleep(0.1)
        with open(os.path.join(folder, "import.jsonl"), "rb") as lines:
            while batch := lines.readlines(8 << 20):
                ask("/api/v1/import", b"".join(batch))
        ask("/internal/force_flush")
        ask("/internal/force_merge")
        before = None
        while before != (now := size(data)):
            before = now
            time.sleep(3)
        names = json.loads(ask("/api/v1/label/__name__/values"))["data"]
    finally:
        server.terminate()
        server.wait(60)
    if not any(name.startswith("process_") for name in names):
        sys.exit("VictoriaMetrics kept nothing of what it was given")
    return size(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--processes", type=int, default=300)
    parser.add_argument("--step-ms", type=int, default=5000)
    parser.add_argument("--cargo", nargs="*", default=[], help="more words for cargo, as --profile=tested")
    args = parser.parse_args()
    for program, package in (("promtool", "prometheus"), ("victoria-metrics", "victoria-metrics")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not there; as root: apt-get install --no-install-recommends {package}")
    folder = tempfile.mkdtemp(prefix="procyon-size-", dir=os.environ.get("TMPDIR"))
    try:
        result = made_up(args, folder)
        result["bytes"] = {"procyon": size(os.path.join(folder, "history", "blocks"), lambda name: name in PROCESS_FILES),
                           "victoria_metrics": victoria(folder), "prometheus": prometheus(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows, samples = result["rows"], result["samples"]
    result["bytes_a_row"] = {name: round(held / rows, 2) for name, held in result["bytes"].items()}
    result["bytes_a_sample"] = {name: round(held / samples, 3) for name, held in result["bytes"].items()}
    print(json.dumps(result))
    if any(result["bytes"]["procyon"] >= held for name, held in result["bytes"].items() if name != "procyon"):
        sys.exit("the history is not smaller than the others")


if __name__ == "__main__":
    main()
