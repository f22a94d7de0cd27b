"""Traffic for the bench of flows: `python -m tests.bench.flow_traffic MODE ...` inside a namespace; JSON out.

A request is one line: `get N` (N octets come back; 0: until the asker
leaves), `put` (whatever comes is swallowed and counted) or `count` (how much
was swallowed so far, by all).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import selectors
import signal
import socket
import sys
import threading
import time
from itertools import pairwise

_MPTCP = 262
_BLOCK = bytes(1 << 16)
_PATIENCE = 30.0
_BUFFER = 1 << 20
_SHAPE = 1.2
_SIZES = {"web": (100e3, 20e6), "small": (20e3, 20e6)}
"""Least and most octets; the simulator has the same `small`, and a `web` that goes up to 100 MB."""


class Server:
    def __init__(self) -> None:
        self.swallowed = 0
        self._lock = threading.Lock()

    def serve(self, address: str, port: int, *, mptcp: bool) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, _MPTCP if mptcp else 0) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(1024)
            print("ready", flush=True)
            while True:
                connection, _ = sock.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                line = b""
                while not line.endswith(b"\n"):
                    found = connection.recv(1)
                    if not found:
                        return
                    line += found
                verb, _, number = line.decode().strip().partition(" ")
                if verb == "count":
                    connection.sendall(f"{self.swallowed}\n".encode())
                elif verb == "put":
                    self._swallow(connection)
                else:
                    left = int(number) or sys.maxsize
                    while left > 0:
                        left -= connection.send(_BLOCK[: min(left, len(_BLOCK))])
        except OSError:
            # The asker has left: that is how endless answers end.
            return

    def _swallow(self, connection: socket.socket) -> None:
        while size := len(connection.recv(1 << 17)):
            with self._lock:
                self.swallowed += size


def connect(host: str, port: int, request: str, *, mptcp: bool = False) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, _MPTCP if mptcp else 0)
    sock.settimeout(_PATIENCE)
    sock.connect((host, port))
    sock.sendall(f"{request}\n".encode())
    return sock


def bulk(
    host: str, port: int, flows: int, warm: float, seconds: float, *, up: bool, mptcp: bool
) -> dict[str, object]:
    """Mbit/s of payload over `seconds`, behind a warm-up; and second by second."""
    socks = [connect(host, port, "put" if up else "get 0", mptcp=mptcp) for _ in range(flows)]
    selector = selectors.DefaultSelector()
    for sock in socks:
        sock.setblocking(False)
        if up:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        selector.register(sock, selectors.EVENT_WRITE if up else selectors.EVENT_READ)
    total, room = 0, bytearray(1 << 18)
    begin = time.monotonic()
    marks: list[tuple[float, int]] = []
    following = begin + warm

    def sum_so_far() -> int:
        return count(host, port) if up else total

    while (now := time.monotonic()) < begin + warm + seconds:
        if now >= following:
            marks.append((now, sum_so_far()))
            following += 1.0
        for key, _ in selector.select(0.05):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                if up:
                    sock.send(_BLOCK)
                else:
                    total += sock.recv_into(room)
            except BlockingIOError:
                continue
    marks.append((time.monotonic(), sum_so_far()))
    steps = [
        8e-6 * (after - before) / (end - start)
        for (start, before), (end, after) in pairwise(marks)
        if end - start > 0.2
    ]
    (start, before), (end, after) = marks[0], marks[-1]
    return {"mbps": 8e-6 * (after - before) / (end - start), "steps": steps}


def count(host: str, port: int) -> int:
    with connect(host, port, "count") as sock:
        return int(sock.recv(100))


async def web(host: str, port: int, rate: float, seconds: float, seed: int, sizes: str) -> dict[str, object]:
    """Flows that come at random, `rate` octets a second in the mean; the time each took."""
    chance, (least, most) = random.Random(seed), _SIZES[sizes]
    mean = sum(size(chance, least, most) for _ in range(20_000)) / 20_000
    tasks: list[asyncio.Task[tuple[int, float, bool]]] = []
    loop = asyncio.get_running_loop()
    begin = following = loop.time()
    while following < begin + seconds:
        await asyncio.sleep(max(0.0, following - loop.time()))
        tasks.append(loop.create_task(fetch(host, port, size(chance, least, most))))
        following += chance.expovariate(rate / mean)
    done, late = await asyncio.wait(tasks, timeout=_PATIENCE)
    for task in late:
        task.cancel()
    found = [task.result() for task in done]
    times = sorted(took for _, took, _ in found) + [_PATIENCE] * len(late)
    return {
        "flows": len(tasks),
        "unfinished": len(late) + sum(1 for *_, whole in found if not whole),
        "mean": sum(times) / len(times),
        "p50": times[len(times) // 2],
        "p95": times[int(0.95 * len(times))],
        "octets": sum(octets for octets, *_ in found),
        "seconds": loop.time() - begin,
    }


def size(chance: random.Random, least: float, most: float) -> int:
    """Bounded Pareto."""
    ratio = (least / most) ** _SHAPE
    return int(least / (1 - chance.random() * (1 - ratio)) ** (1 / _SHAPE))


async def fetch(host: str, port: int, octets: int) -> tuple[int, float, bool]:
    loop = asyncio.get_running_loop()
    begin, got = loop.time(), 0
    try:
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        writer.write(f"get {octets}\n".encode())
        while found := await reader.read(1 << 17):
            got += len(found)
        writer.close()
    except OSError:
        return got, _PATIENCE, False
    return got, loop.time() - begin, got == octets


def fresh(host: str, port: int, rate: float, seconds: float) -> dict[str, object]:
    """New UDP connections of one datagram, so many a second."""
    begin, sent = time.monotonic(), 0
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while (now := time.monotonic()) < begin + seconds:
        while sent < rate * (now - begin):
            if sent % 10_000 == 9_999:
                sock.close()
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.sendto(b"new", (host, port + sent % 10_000))
            sent += 1
        time.sleep(0.01)
    sock.close()
    return {"begun": sent}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("serve", "bulk", "web", "fresh"))
    parser.add_argument("--host", default="")
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--flows", type=int, default=16)
    parser.add_argument("--warm", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--up", action="store_true")
    parser.add_argument("--mptcp", action="store_true")
    parser.add_argument("--rate", type=float, default=1e6, help="octets a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", choices=list(_SIZES), default="web")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if given.mode == "serve":
        Server().serve(given.host, given.port, mptcp=given.mptcp)
    elif given.mode == "bulk":
        words = (given.host, given.port, given.flows, given.warm, given.seconds)
        print(json.dumps(bulk(*words, up=given.up, mptcp=given.mptcp)), flush=True)
    elif given.mode == "web":
        found = asyncio.run(web(given.host, given.port, given.rate, given.seconds, given.seed, given.sizes))
        print(json.dumps(found), flush=True)
    else:
        print(json.dumps(fresh(given.host, given.port, given.rate, given.seconds)), flush=True)


if __name__ == "__main__":
    main()
