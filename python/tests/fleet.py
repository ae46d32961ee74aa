"""How a domain starts and what it takes, and many of them at a time: "make python-fleet" prints the figures.

Usage: fleet.py DIRECTORY COUNT [NAME=PYTHON…]. It writes so many tests with a domain each into the directory and runs
them, 8 at a time. Each name is a stand-in for AWS, moto or ministack, which an interpreter has: its start is measured
in turns with that of a domain.
"""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import penstock_aws

ONE = """
import time


def test_{n}(opensearch_domain):
    assert opensearch_domain.documents() == []
    assert opensearch_domain.request("PUT", "/mine/_doc/{n}", {{"n": {n}}}).status == 201
    time.sleep(0.02)
    assert opensearch_domain.documents() == [{{"n": {n}}}]
"""


def resident(pid, kind="VmRSS"):
    """MiB that a process has in memory. RssFile of it is the program itself, which all domains share."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


# How a stand-in is started on a port, and the path that answers once it is ready.
PEERS = {
    "moto": (["-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"], "/moto-api/"),
    "ministack": (["-m", "ministack"], "/_ministack/health"),
}


def start_of_peer(name, python):
    """Milliseconds until a stand-in answers, and MiB that it has in memory then."""
    args, path = PEERS[name]
    port = str(unused_port())
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port}
    began = time.perf_counter()
    child = subprocess.Popen(
        [python, *(a.format(port=port) for a in args)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                    return (time.perf_counter() - began) * 1000, resident(child.pid)
            except OSError:
                if child.poll() is not None or time.perf_counter() - began > 60:
                    raise
                time.sleep(0.005)
    finally:
        child.kill()
        child.wait()


def measure(peers, times=20):
    ready, empty, shared, memory, ended = [], [], [], [], []
    others = {name: [] for name in peers}
    for _ in range(times):
        for name, python in peers.items():
            others[name].append(start_of_peer(name, python))
        began = time.perf_counter()
        domain = penstock_aws.Domain().start()
        ready.append((time.perf_counter() - began) * 1000)
        empty.append(resident(domain.pid))
        shared.append(resident(domain.pid, "RssFile"))
        assert domain.request("PUT", "/a/_doc/1", {"n": 1}).status == 201
        memory.append(resident(domain.pid))
        began = time.perf_counter()
        domain.stop()
        ended.append((time.perf_counter() - began) * 1000)
    print(
        f"median of {times}: ready in {statistics.median(ready):.0f} ms, "
        f"{statistics.median(empty):.0f} MiB of which {statistics.median(shared):.0f} are the program, "
        f"{statistics.median(memory):.0f} MiB with a document, ended in {statistics.median(ended):.0f} ms"
    )
    for name, starts in others.items():
        took, size = (statistics.median(values) for values in zip(*starts))
        print(f"{name}: ready in {took:.0f} ms, {size:.0f} MiB")


def fleet(directory, count):
    path = Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        (path / f"test_{n}.py").write_text(ONE.format(n=n))
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "8", "-p", "no:cacheprovider", str(path)], check=True
    )
    print(f"{count} tests with a domain each, 8 at a time: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    measure(dict(peer.split("=", 1) for peer in sys.argv[3:]))
    fleet(sys.argv[1], int(sys.argv[2]))
