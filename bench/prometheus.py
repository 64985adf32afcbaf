#!/usr/bin/env python3
"""A real Prometheus scrapes `procyon exporter` with process groups, in every form that it knows: text, OpenMetrics, protocol
buffers. Then every query of the dashboards in packaging/grafana and every rule of packaging/prometheus is asked.

Exits 1 when a scrape fails, `promtool check metrics` finds something that is not upstream's own, or a query has no data (but for
those that need hardware or trouble; they are named). Says that it was skipped where Prometheus is not installed. Standard
library only.
"""
import argparse
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "packaging")
CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}
rule_files: [%(rules)s]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["127.0.0.1:%(port)d"]}]
"""
# What promtool says of names that are upstream's: they stay as they are.
UPSTREAM_NAMES = re.compile(
    r"(node_\w+|namedprocess_scrape_\w+|namedprocess_namegroup_(num_\w+|open_filedesc|worst_fd_ratio|states|threads_wchan|thread_count)) "
)
# Queries that have no data on a machine without these: swap devices, disks, a clock that is kept, an unbroken kernel.
MAY_BE_EMPTY = re.compile(r"node_disk_|node_filesystem_|node_pressure_|node_schedstat_|network_(receive|transmit)_bytes_total\{.*group|run_queue")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return answer.read()


def wait(what, ready, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ready():
                return
        except (OSError, ValueError):
            pass
        if process.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"{what} does not come")


def ask(prometheus, query):
    url = f"http://127.0.0.1:{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        return json.loads(get(url))["data"]["result"]
    except urllib.error.HTTPError as error:
        sys.exit(f"Prometheus refuses {query}: {error.read().decode()}")


def linted(url):
    """What promtool says of our own names."""
    text = get(url)
    found = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    lines = (found.stdout + found.stderr).decode().splitlines()
    return [line for line in lines if line and not UPSTREAM_NAMES.match(line)]


def queries():
    for path in sorted(glob.glob(os.path.join(PACKAGING, "grafana", "dashboards", "*.json"))):
        with open(path) as file:
            board = json.load(file)
        for panel in board["panels"]:
            for target in panel["targets"]:
                query = target["expr"]
                for name, value in {"$__rate_interval": "10s", "$instance": ".*", "$job": ".*", "$group": ".*"}.items():
                    query = query.replace(name, value)
                yield f"{board['title']}, {panel['title']}", query.replace("[1h]", "[10s]")
        for variable in board["templating"]["list"]:
            match = re.match(r"label_values\((\w+)", variable["query"]["query"] if variable["type"] == "query" else "")
            if match:
                yield f"{board['title']}, ${variable['name']}", match[1]


def records():
    with open(os.path.join(PACKAGING, "prometheus", "procyon-recording.yml")) as file:
        return re.findall(r"record: (\S+)", file.read())


def run(procyon, features):
    """One Prometheus, with these features, for some seconds: what was asked and had no data, and what went wrong."""
    problems, empty = [], []
    with tempfile.TemporaryDirectory() as folder:
        port, prometheus = free_port(), free_port()
        group = os.path.join(folder, "groups.yml")
        with open(group, "w") as out:
            out.write('process_names:\n  - name: "{{.Comm}}"\n    cmdline: [".+"]\n')
        exporter = subprocess.Popen(
            [procyon, "exporter", f"--web.listen-address=127.0.0.1:{port}", "--collector.process",
             f"--collector.process.config.path={group}"],
            stderr=subprocess.DEVNULL,
        )
        config = os.path.join(folder, "prometheus.yml")
        rules = ", ".join(json.dumps(os.path.abspath(path)) for path in glob.glob(os.path.join(PACKAGING, "prometheus", "*.yml")))
        with open(config, "w") as out:
            out.write(CONFIG % {"port": port, "rules": rules})
        log = open(os.path.join(folder, "log"), "w+")
        server = None
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            wait("the exporter", lambda: get(url), exporter)
            problems += [f"promtool: {line}" for line in linted(url)]
            server = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{prometheus}", *features],
                stdout=log, stderr=log,
            )
            wait("Prometheus", lambda: get(f"http://127.0.0.1:{prometheus}/-/ready"), server)
            wait("data", lambda: len(ask(prometheus, "count_over_time(up[1m]) >= 12")) > 0, server)
            if any(float(result["value"][1]) < 1 for result in ask(prometheus, "min_over_time(up[1m])")):
                targets = json.loads(get(f"http://127.0.0.1:{prometheus}/api/v1/targets"))
                problems.append("a scrape failed: " + targets["data"]["activeTargets"][0]["lastError"])
            samples = ask(prometheus, "scrape_samples_scraped")
            problems += [] if samples and float(samples[0]["value"][1]) > 400 else [f"few samples: {samples}"]
            for place, query in queries():
                if not ask(prometheus, query):
                    (empty if MAY_BE_EMPTY.search(query) else problems).append(f"no data: {place}: {query}")
            for record in records():
                # Rates over five minutes need two samples alone.
                wait(record, lambda: ask(prometheus, record) or MAY_BE_EMPTY.search(record) or "disk" in record, server, 20)
            broken = [rule["lastError"] for group in json.loads(get(f"http://127.0.0.1:{prometheus}/api/v1/rules"))["data"]["groups"]
                      for rule in group["rules"] if rule["health"] == "err"]
            problems += [f"rule: {error}" for error in broken]
            log.seek(0)
            problems += [line.strip() for line in log if "level=error" in line or "out of order" in line or "duplicate" in line]
            return problems, empty, int(float(samples[0]["value"][1])) if samples else 0
        finally:
            for process in filter(None, (server, exporter)):
                process.terminate()
                process.wait(20)
            log.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    args = parser.parse_args()
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("skipped: prometheus and promtool are not installed")
        return 0
    failed = False
    # Without features it asks for OpenMetrics, with native histograms for protocol buffers.
    for name, features in {"openmetrics": [], "protobuf": ["--enable-feature=native-histograms"]}.items():
        problems, empty, samples = run(args.procyon, features)
        print(json.dumps({"form": name, "samples": samples, "queries": len(list(queries())), "empty": empty, "problems": problems}, indent=1))
        failed |= bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
