#!/usr/bin/env python3
"""What it costs to send one tick to 100 WebSocket clients that want the same rows.

Starts N idle processes and a procyon of its own, then in turn leaves it alone and lets 100 clients watch. The processor
time of its sending threads in the watched half less that in the other half, divided by the ticks, is the cost; the
median of the rounds counts. The clients run in a process of their own. Prints one JSON object; exits 1 when the limit is
passed. Standard library only.
"""
import argparse
import base64
import http.client
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

COLUMNS = ["pid", "ppid", "user", "name", "cmd", "label", "state", "cpu", "rss", "pss", "read", "write", "threads", "fds",
           "start"]
SUBSCRIPTION = json.dumps({"type": "subscribe", "q": "", "sort": "-cpu", "limit": 0, "columns": COLUMNS,
                           "top": {"by": "cpu", "n": 6}})


def processor_time(pid):
    """Seconds of the threads that encode and send, the kernel's work for them included; collecting goes on in others."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as name, open(f"/proc/{pid}/task/{task}/schedstat") as spent:
                if name.read().startswith(("procyon-live", "procyon-api")):
                    total += int(spent.read().split()[0])
        except FileNotFoundError:
            pass  # A thread for a blocking request has ended; it had nothing to do here.
    return total / 1e9


class Client:
    """Just enough of a WebSocket client."""

    def __init__(self, host, port, token):
        self.socket = socket.create_connection((host, port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /api/v1/hosts/local/live HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                             f"Authorization: Bearer {token}\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            part = self.socket.recv(4096)
            if not part:
                raise ConnectionError("no WebSocket")
            self.rest += part
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode(errors="replace"))
        text = SUBSCRIPTION.encode()
        mask = os.urandom(4)
        body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        length = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0x80 | 126]) + len(text).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + length + mask + body)
        self.messages, self.bytes, self.kinds = 0, 0, {}

    def read(self):
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionError("cut off")
        self.rest += part
        while True:
            if len(self.rest) < 2:
                return
            length, at = self.rest[1] & 0x7F, 2
            if length >= 126:
                size = 2 if length == 126 else 8
                if len(self.rest) < 2 + size:
                    return
                length, at = int.from_bytes(self.rest[2:2 + size], "big"), 2 + size
            if len(self.rest) < at + length:
                return
            kind = re.match(rb'\{"type":"(\w+)"', self.rest[at:at + 40])
            kind = kind.group(1).decode() if kind else "?"
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            self.bytes += length
            self.rest = self.rest[at + length:]


def watch(host, port, token, count):
    """The clients' process: connects, says `ready`, reads until its input ends, says what came."""
    clients = [Client(host, port, token) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for client in clients:
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ, client)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
    ready = False
    while True:
        for key, _ in selector.select():
            if key.data is None:
                command = os.read(sys.stdin.fileno(), 1)
                told = {"deltas": sum(client.kinds.get("delta", 0) for client in clients) / count,
                        "fewest": min(client.kinds.get("delta", 0) for client in clients),
                        "gaps": sum(client.kinds.get("gap", 0) for client in clients),
                        "bytes": sum(client.bytes for client in clients) / count}
                print(json.dumps(told), flush=True)
                if not command:
                    return
            else:
                key.data.read()
        if not ready and all(client.kinds.get("delta", 0) for client in clients):
            ready = True
            print("ready", flush=True)


def measure(pid, args, address, token):
    """One round: (processor time a second alone, the same watched, ticks a second, bytes a tick to one client, gaps)."""
    time.sleep(1)
    begin, cpu = time.monotonic(), processor_time(pid)
    time.sleep(args.seconds)
    alone = (processor_time(pid) - cpu) / (time.monotonic() - begin)

    host, port = address.split(":")
    command = [sys.executable, __file__, "--watch", host, port, token, str(args.clients)]
    watchers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if watchers.stdout.readline().strip() != "ready":
            sys.exit("the clients did not start")

        def look():
            watchers.stdin.write(".")
            watchers.stdin.flush()
            return json.loads(watchers.stdout.readline())

        before, begin, cpu = look(), time.monotonic(), processor_time(pid)
        time.sleep(args.seconds)
        after, wall = look(), time.monotonic() - begin
        watched = (processor_time(pid) - cpu) / wall
        ticks = after["deltas"] - before["deltas"]
        return alone, watched, ticks / wall, (after["bytes"] - before["bytes"]) / max(ticks, 1), after["gaps"]
    finally:
        watchers.stdin.close()
        watchers.wait(20)


def main():
    if sys.argv[1:2] == ["--watch"]:
        watch(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--processes", type=int, default=500, help="processes on the machine in all")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="for each half of a round")
    parser.add_argument("--max-ms", type=float, default=5, help="milliseconds of processor time a tick")
    parser.add_argument("--verbose", action="store_true", help="every round, to standard error")
    args = parser.parse_args()

    there = sum(name.isdigit() for name in os.listdir("/proc"))
    sleepers = [subprocess.Popen(["sleep", "100000"]) for _ in range(max(0, args.processes - there))]
    state = tempfile.mkdtemp(prefix="procyon-live-")
    up = subprocess.Popen([args.procyon, "up", "--listen", "127.0.0.1:0", "--data", state, "--set", "collect.ceiling=100%"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in up.stdout:
            found = re.search(r"http://(127\.0\.0\.1:\d+)/#token=(\S+)", line)
            if found:
                address, token = found.groups()
                break
        else:
            sys.exit("procyon printed no sign-in link")
        time.sleep(5)
        rounds = [measure(up.pid, args, address, token) for _ in range(args.rounds)]
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request("GET", "/api/v1/health", headers={"Authorization": "Bearer " + token})
        cut_off = json.loads(connection.getresponse().read())["clients"]["cut_off"]
    finally:
        up.terminate()
        up.wait(10)
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
        shutil.rmtree(state, ignore_errors=True)
    if args.verbose:
        print(rounds, file=sys.stderr)
    costs = [(watched - alone) / ticks * 1000 for alone, watched, ticks, _, _ in rounds]
    cost = statistics.median(costs)
    result = {"clients": args.clients, "processes": max(args.processes, there), "rounds": args.rounds,
              "ms_a_tick": round(cost, 2), "spread": [round(min(costs), 2), round(max(costs), 2)],
              "bytes_a_tick_and_client": round(statistics.median(row[3] for row in rounds)),
              "ms_a_second_alone": round(statistics.median(row[0] for row in rounds) * 1000, 2),
              "gaps": sum(row[4] for row in rounds), "cut_off": cut_off}
    print(json.dumps(result))
    if cost > args.max_ms:
        sys.exit(f"over the limit of {args.max_ms} ms")
    if cut_off or result["gaps"]:
        sys.exit("clients missed messages")


if __name__ == "__main__":
    main()
