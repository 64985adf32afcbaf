#!/usr/bin/env python3
"""The same commands under `strace -f` and `procyon trace -f`: the same calls of each thread, with the same arguments and results?

Commands run without address randomisation. Calls of each thread are compared in order: name, result and error number have to be equal;
strings in arguments are compared after what differs from run to run (addresses, pids, times, random bytes) is made equal. Threads are
paired by likeness, and what races within a command gets three attempts, of which the best counts. What is not equal is printed with `--show`. Prints one JSON object; exits 1 when less than
99 of 100 calls (`--min-calls`), or less than 95 of 100 arguments are equal. Needs strace; commands that are not installed are left out. Standard library only.
"""
import argparse
import collections
import difflib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

THREADS = "import threading\nt=[threading.Thread(target=lambda:sum(range(9999))) for _ in range(4)]\n[x.start() for x in t]\n[x.join() for x in t]"
SOCKETS = "import socket\na,b=socket.socketpair()\na.send(b'hello');b.recv(9)\nu=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);u.bind(('127.0.0.1',0));u.sendto(b'x',u.getsockname());u.recvfrom(9)"
FILES = "import os,tempfile\nd=tempfile.mkdtemp();f=d+'/a'\nopen(f,'w').write('x'*99);os.chmod(f,0o600);os.rename(f,f+'b');os.link(f+'b',f);os.symlink(f,f+'s');os.readlink(f+'s');[os.unlink(d+'/'+n) for n in os.listdir(d)];os.rmdir(d)"
POLL = "import select,os\nr,w=os.pipe();os.write(w,b'1');p=select.poll();p.register(r,1);p.poll(9);e=select.epoll();e.register(r,1);e.poll(0.01);select.select([r],[],[],0)"
SIGNALS = "import signal,os\nsignal.signal(10,lambda *a:0);os.kill(os.getpid(),10);signal.signal(14,lambda*a:0);signal.setitimer(0,0.3);signal.pause()"
COMMANDS = [
    ["ls", "-l", "/usr"], ["ls", "-laR", "/etc/apt"], ["cp", "/etc/passwd", "/tmp/trace-copy"], ["cat", "/etc/hostname"], ["head", "-n1", "/etc/passwd"],
    ["wc", "/etc/services"], ["sort", "/etc/passwd"], ["grep", "-r", "root", "/etc/apt"], ["find", "/usr/share/doc/bash"], ["du", "-s", "/usr/share/doc/bash"],
    ["df", "/"], ["stat", "/etc/passwd"], ["touch", "/tmp/trace-touch"], ["mkdir", "-p", "/tmp/trace-folder/a"], ["rm", "-rf", "/tmp/trace-folder"],
    ["tar", "cf", "/tmp/trace.tar", "/etc/apt"], ["gzip", "-kf", "/tmp/trace-copy"], ["sha256sum", "/etc/passwd"], ["date", "-u"], ["uname", "-a"],
    ["id"], ["env"], ["sed", "-n", "1,3p", "/etc/passwd"], ["awk", "{print $1}", "/etc/hostname"], ["bash", "-c", "for i in 1 2 3; do /bin/true; done; exit 3"],
    ["sh", "-c", "echo hello | cat"], ["git", "--version"], ["git", "-C", "/tmp", "init", "-q", "/tmp/trace-git"], ["git", "-C", "/tmp/trace-git", "status"],
    ["sqlite3", ":memory:", "select 1"], ["sqlite3", "/tmp/trace.db", "create table if not exists a(b); insert into a values(1);"],
    ["curl", "-s", "http://127.0.0.1:PORT/"], ["python3", "-S", "-c", "print(1)"], ["python3", "-S", "-c", THREADS], ["python3", "-S", "-c", SOCKETS],
    ["python3", "-S", "-c", FILES], ["python3", "-S", "-c", POLL], ["python3", "-S", "-c", SIGNALS], ["perl", "-e", "fork or exit 7; wait"],
    ["dd", "if=/dev/zero", "of=/dev/null", "count=9"], ["timeout", "1", "sleep", "0.01"], ["mktemp", "-u"], ["gcc", "-xc", "-fsyntax-only", "/dev/null"],
]
# Calls that tell something else in each run.
RANDOM = {"getrandom", "getpid", "gettid", "getppid", "clock_gettime", "sysinfo", "times", "getrusage", "statfs", "fstatfs"}
CALL = re.compile(r"^(\w+)\((.*)\)\s+= (\?|-?\w+)(.*)$", re.S)


def lines_of(path):
    """Lines by thread, in the order in which threads appear; what strace tells in two parts becomes one."""
    threads, begun = collections.OrderedDict(), {}
    with open(path, errors="replace") as lines:
        for line in lines:
            match = re.match(r"^(\d+) +(.*)$", line.rstrip("\n"))
            if not match:
                continue
            tid, text = match.groups()
            told = threads.setdefault(tid, [])
            if text.endswith("<unfinished ...>"):
                begun[tid] = text[: -len("<unfinished ...>")].rstrip()
                continue
            resumed = re.match(r"^<\.\.\. \w+ resumed>(.*)$", text)
            if resumed:
                first, rest = begun.pop(tid, ""), resumed.group(1)
                text = first + (" " if first.endswith(",") and not rest.startswith(" ") else "") + rest
            if text.startswith(("---", "+++")):
                continue
            told.append(text)
    for tid, text in begun.items():
        threads[tid].append(text + ") = ?")
    return threads


def calls_of(path):
    threads = lines_of(path)
    numbers = {tid: f"T{at}" for at, tid in enumerate(threads)}
    result = []
    for told in threads.values():
        calls = []
        for text in told:
            match = CALL.match(text)
            if not match:
                continue
            name, arguments, value, rest = match.groups()
            error = re.match(r"^ (E\w+)", rest)
            value = "?" if name in RANDOM else plain(value, numbers)
            calls.append((name, value, error.group(1) if error else "", plain(arguments, numbers)))
        result.append(calls)
    return result


def plain(text, numbers):
    """Without what differs from run to run."""
    text = re.sub(r"\b\d+\b", lambda found: numbers.get(found.group(0), found.group(0)), text)
    text = re.sub(r"0x[0-9a-f]{5,}", "ADDRESS", text)
    text = re.sub(r"(tv_n?sec|tv_usec|st_[amc]time[a-z_]*|ru_\w+|mtime|stx_\w*time|uptime|procs|freeram|loads|bufferram|freeswap)=[^,}]*", r"\1=?", text)
    return re.sub(r"(tmp\w{8}|tmp\.\w+|tmp_\w+|-\d{4,}|\.\w{6})\b", "NAME", text)


def run(words, out):
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60, cwd="/tmp")
    return calls_of(out)


def pairs(a, b):
    """Each thread of one run with the most alike of the other; the first ones belong together."""
    left = list(b[1:])
    yield a[0] if a else [], b[0] if b else []
    for one in a[1:]:
        names = [call[:3] for call in one]
        best = max(left, key=lambda other: difflib.SequenceMatcher(None, names, [call[:3] for call in other], autojunk=False).ratio(), default=[])
        if best in left:
            left.remove(best)
        yield one, best
    for other in left:
        yield [], other


def compare(a, b, show):
    """(calls, equal ones, arguments compared, equal ones) of two runs."""
    total = same = arguments = alike = 0
    for one, other in pairs(a, b):
        matcher = difflib.SequenceMatcher(None, [call[:3] for call in one], [call[:3] for call in other], autojunk=False)
        total += max(len(one), len(other))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag != "equal":
                if show:
                    print("calls", tag, one[i1:i2], other[j1:j2], file=sys.stderr)
                continue
            same += i2 - i1
            for x, y in zip(one[i1:i2], other[j1:j2]):
                if x[0] in RANDOM:
                    continue
                arguments += 1
                alike += x[3] == y[3]
                if show and x[3] != y[3]:
                    print(f"{x[0]}\n  strace  {x[3]}\n  procyon {y[3]}", file=sys.stderr)
    return total, same, arguments, alike


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--procyon", default=os.environ.get("PROCYON_BIN", "procyon"))
    parser.add_argument("--only", help="commands whose words contain this")
    parser.add_argument("--min-calls", type=float, default=99, help="percent of calls that have to be equal")
    parser.add_argument("--show", action="store_true", help="print what is not equal")
    args = parser.parse_args()
    if not shutil.which("strace"):
        sys.exit("strace is not installed")
    folder = tempfile.mkdtemp(prefix="trace-beside-")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None, "directory": folder}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sums, worst = [0] * 4, []
    for command in COMMANDS:
        command = [word.replace("PORT", str(server.server_port)) for word in command]
        name = " ".join(command)
        if not shutil.which(command[0]) or (args.only and args.only not in name):
            continue
        # A file that the command makes is there in both runs.
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60, cwd="/tmp")
        theirs, ours = f"{folder}/strace", f"{folder}/procyon"
        figures = (1, 0, 1, 0)
        for _ in range(3):
            a = run(["setarch", "-R", "strace", "-f", "-o", theirs, *command], theirs)
            b = run(["setarch", "-R", args.procyon, "trace", "-f", "-o", ours, "--", *command], ours)
            figures = max(figures, compare(a, b, args.show), key=lambda f: (f[1] / max(f[0], 1), f[3] / max(f[2], 1)))
            if figures[0] == figures[1]:
                break
        sums = [x + y for x, y in zip(sums, figures)]
        total, same, arguments, alike = figures
        worst.append((round(100 * same / max(total, 1), 1), round(100 * alike / max(arguments, 1), 1), name[:50]))
    total, same, arguments, alike = sums
    worst.sort()
    calls, texts = 100 * same / max(total, 1), 100 * alike / max(arguments, 1)
    print(json.dumps({"commands": len(worst), "calls": total, "calls_equal_percent": round(calls, 2), "arguments_equal_percent": round(texts, 2), "worst": worst[:6], "worst_arguments": sorted(worst, key=lambda w: w[1])[:6]}))
    shutil.rmtree(folder)
    if calls < args.min_calls or texts < 95:
        sys.exit("too little is equal")


if __name__ == "__main__":
    main()
