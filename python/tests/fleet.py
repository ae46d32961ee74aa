"""How a domain starts and what it takes, and many of them at a time: "make python-fleet" prints the figures.

Usage: fleet.py DIRECTORY COUNT. It writes so many tests with a domain each into the directory and runs them, 8 at a
time.
"""

import statistics
import subprocess
import sys
import time
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


def measure(times=20):
    ready, empty, shared, memory, ended = [], [], [], [], []
    for _ in range(times):
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
    measure()
    fleet(sys.argv[1], int(sys.argv[2]))
