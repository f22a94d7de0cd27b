"""How long a silent black hole is not noticed, and what watching costs: part of `invoke bench flows`.

In network namespaces on this machine, with tunnels in user space where its
kernel has none.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.bench.carrier import MOBILE_NODE
from tests.bench.figures import Figure, show
from tests.bench.internet import percentile

__all__ = ["figures"]

_HOLE = """
table ip hole {
  chain forward {
    type filter hook forward priority filter; policy drop;
    counter drop
  }
}
"""
_PATIENCE = 40.0
_SECONDS, _BEFORE = 5.0, 1.5
_IDLE, _STEADY = 120.0, 60.0
_ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 5002))
while True:
    data, peer = sock.recvfrom(2048)
    sock.sendto(data, peer)
"""
# As a voice call: fifty packets a second each way.
_TALK = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    sock.sendto(bytes(172), (sys.argv[1], 5002))
    time.sleep(0.02)
"""


def figures(runs: int = 50, idle: float = _IDLE, steady: float = _STEADY) -> list[Figure]:
    """Gaps in a TCP download when its path falls silent, `runs` times; probe octets on an idle and on a busy path."""
    with _lab() as cast:
        costs = [
            ("idle path", _idle(cast, idle), 20.0),
            ("steady two-way traffic", _steady(cast, steady), 0.0),
        ]
        gaps = []
        for number in range(runs):
            gaps.append(_gap(cast))
            print(f"black hole {number + 1} of {runs}: gap {gaps[-1]:.0f} ms", flush=True)
    return [
        Figure(f"silent black hole, {runs} runs: gap in a TCP download, p50", percentile(gaps, 0.5), "ms", 700, at_most=True),
        Figure("the same, p95", percentile(gaps, 0.95), "ms", 1200, at_most=True),
        *(Figure(f"probe octets, {name}", cost, "1/s", most, at_most=True) for name, cost, most in costs),
    ]  # fmt: skip


@contextmanager
def _lab() -> Iterator[Cast]:
    lab = Topology(f"rtbf{os.getpid()}", 20, 5)
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as directory:
        cast = Cast(lab, directory, 20, 5)
        try:
            lab.build()
            cast.start_servers()
            cast.start_daemon("ha")
            cast.start_daemon("mr", MOBILE_NODE)
            cast.wait("both bindings", lambda: set(cast.bound()) == {"wifi", "cell"}, _PATIENCE)
            cast.wait(
                "round trips", lambda: all(_path(cast, name)["rtt"] for name in ("wifi", "cell")), _PATIENCE
            )
            yield cast
        finally:
            lab.destroy()


def _path(cast: Cast, name: str) -> dict:
    return next(uplink["path"] for uplink in cast.status("mr")["uplinks"] if uplink["name"] == name)


def _octets(cast: Cast, name: str) -> int:
    return _path(cast, name)["probe_octets_today"]


def _rate(cast: Cast, name: str, seconds: float) -> float:
    print(f"probe octets on {name}, {seconds:.0f} s", flush=True)
    before, start = _octets(cast, name), time.monotonic()
    time.sleep(seconds)
    return (_octets(cast, name) - before) / (time.monotonic() - start)


def _idle(cast: Cast, seconds: float) -> float:
    return max(_rate(cast, "cell", seconds / 2), _rate(cast, "wifi", seconds / 2))


def _steady(cast: Cast, seconds: float) -> float:
    started = [
        cast.lab.start(role, [sys.executable, "-c", script, CORRESPONDENT], cast.log("talk"))
        for role, script in (("corr", _ECHO), ("lan", _TALK))
    ]
    try:
        cast.wait("two-way traffic", lambda: cast.tunnel_octets()[1][0] > 100_000, _PATIENCE)
        return _rate(cast, "wifi", seconds)
    finally:
        for process in started:
            process.terminate()
            process.wait(5)


def _gap(cast: Cast) -> float:
    """Milliseconds without an octet, longest of one download; the path carries again on return."""
    lab = cast.lab
    rules = ("nft", "list", "chain", "ip", "roamd", "assign")
    cast.wait("the path", lambda: _path(cast, "wifi")["liveness"] in ("probation", "up"), _PATIENCE)
    cast.wait("the policy", lambda: "goto path_1\n" in lab.run("mr", *rules), _PATIENCE)
    before = cast.tunnel_octets()[1][0]
    client = cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=_SECONDS)
    cast.wait("octets on wifi", lambda: cast.tunnel_octets()[1][0] - before > 500_000, _PATIENCE)
    time.sleep(_BEFORE)
    lab.run("wifi", "nft", "-f", "-", text=_HOLE)
    try:
        return float(cast.result(client, _PATIENCE)["longest_gap_ms"])
    finally:
        lab.run("wifi", "nft", "delete", "table", "ip", "hole")


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
