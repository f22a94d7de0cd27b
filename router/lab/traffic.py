"""Traffic for the lab: an HTTP server, TCP clients that keep time, and mischief.

Run inside a namespace as `python -m router.lab.traffic MODE ...`; clients
print one JSON object.
"""

from __future__ import annotations

import argparse
import http.server
import json
import selectors
import signal
import socket
import socketserver
import sys
import threading
import time
from typing import Any

__all__ = ["Clock", "download", "main", "upload"]

_CHUNK = bytes(65536)
_BIN = 0.05


class _Handler(http.server.BaseHTTPRequestHandler):
    """GET /N gives N octets, GET /stream gives until the peer leaves; POST swallows."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        endless = self.path == "/stream"
        left = sys.maxsize if endless else int(self.path.strip("/") or "0")
        self.send_response(200)
        self.end_headers()
        try:
            while left > 0:
                left -= self.wfile.write(_CHUNK[: min(left, len(_CHUNK))])
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        left = int(self.headers.get("Content-Length", "0"))
        while left > 0:
            data = self.rfile.read(min(left, len(_CHUNK)))
            if not data:
                return
            left -= len(data)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # Not HTTPServer's: that asks the DNS for our name, and there is none here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class Clock:
    """Counts octets into bins of 50 ms and knows the longest time without any."""

    def __init__(self) -> None:
        self.start = self._last = time.monotonic()
        self.total = 0
        self.bins: dict[int, int] = {}
        self.longest = 0.0
        self.longest_at = 0.0

    def add(self, octets: int) -> None:
        now = time.monotonic()
        if self.total and now - self._last > self.longest:
            self.longest, self.longest_at = now - self._last, self._last - self.start
        self._last = now
        self.total += octets
        index = int((now - self.start) / _BIN)
        self.bins[index] = self.bins.get(index, 0) + octets

    def report(self) -> dict[str, Any]:
        last = max(self.bins, default=-1)
        return {
            "start": self.start,
            "seconds": time.monotonic() - self.start,
            "bytes": self.total,
            "bin_seconds": _BIN,
            "bins": [self.bins.get(index, 0) for index in range(last + 1)],
            "longest_gap_ms": round(1000 * self.longest, 1),
            "longest_gap_at": round(self.longest_at, 3),
        }


def serve(address: str, ports: list[int]) -> None:
    """Serve until killed."""
    servers = [_Server((address, port), _Handler) for port in ports]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    servers[0].serve_forever()


def download(host: str, port: int, flows: int, seconds: float, octets: int = 0) -> dict[str, Any]:
    """Pull over `flows` connections for `seconds`, until each had `octets`, or until SIGTERM."""
    path = str(octets) if octets else "stream"
    selector = selectors.DefaultSelector()
    errors = []
    for _ in range(flows):
        sock = socket.create_connection((host, port), timeout=10)
        sock.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    # Only now: what waits in the sockets comes in a burst at the start, not as a rate.
    clock = Clock()
    end = clock.start + seconds
    enough = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    while not enough.is_set() and selector.get_map() and (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(min(left, _BIN)):
            sock = key.fileobj  # type: ignore[assignment]
            try:
                data = sock.recv(1 << 18)
            except OSError as error:
                errors.append(str(error))
                data = b""
            if data:
                clock.add(len(data))
            else:
                selector.unregister(sock)
                sock.close()
    open_at_end = len(selector.get_map())
    return {**clock.report(), "flows": flows, "errors": errors, "open_at_end": open_at_end}


def upload(host: str, port: int, octets: int, patience: float = 20) -> dict[str, Any]:
    """Push `octets` in one POST and wait for the answer; break off after `patience` seconds without progress."""
    clock = Clock()
    with socket.create_connection((host, port), timeout=patience) as sock:
        sock.sendall(f"POST / HTTP/1.0\r\nContent-Length: {octets}\r\n\r\n".encode())
        left = octets
        while left > 0:
            sent = sock.send(_CHUNK[: min(left, len(_CHUNK))])
            clock.add(sent)
            left -= sent
        answer = sock.recv(100)
    return {**clock.report(), "errors": [] if b" 204 " in answer else [repr(answer)]}


def mischief(host: str, port: int) -> dict[str, Any]:
    """Garbage, truncated, forged: nothing that deserves an answer or a change."""
    forged = bytes.fromhex("012207080a630002c6336402c0000263") + bytes(8)
    wrong_key = forged + bytes.fromhex("201400000100") + bytes(16)
    shapes = [
        b"",
        b"\xff" * 40,
        bytes(1400),
        forged[:11],
        forged,
        wrong_key,
        forged + b"\x7f\x04",
        b"\x04\x04\x00\x00E",
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(25):
            for shape in shapes:
                sock.sendto(shape, (host, port))
            time.sleep(0.005)
    return {"sent": 25 * len(shapes)}


def replay(device: str, host: str, port: int, seconds: float) -> dict[str, Any]:
    """Overhear the next Registration Request on `device` and send it again, thrice."""
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as wire:
        wire.bind((device, 0x0800))
        print("ready", flush=True)
        while (left := end - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                packet = wire.recv(2048)
            except TimeoutError:
                break
            header = 4 * (packet[0] & 15)
            to_port = int.from_bytes(packet[header + 2 : header + 4], "big")
            if packet[9] == socket.IPPROTO_UDP and to_port == port and packet[header + 8] == 1:
                time.sleep(0.3)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    for _ in range(3):
                        sock.sendto(packet[header + 8 :], (host, port))
                return {"replayed": 3}
    return {"replayed": 0}


def main(argv: list[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("serve")
    mode.add_argument("--address", required=True)
    mode.add_argument("--ports", type=int, nargs="+", required=True)
    for name in ("download", "upload", "mischief", "replay"):
        mode = modes.add_parser(name)
        mode.add_argument("--host", required=True)
        mode.add_argument("--port", type=int, required=True)
        mode.add_argument("--flows", type=int, default=1)
        mode.add_argument("--seconds", type=float, default=5.0)
        mode.add_argument("--octets", type=int, default=0)
        mode.add_argument("--device", default="")
    arguments = parser.parse_args(argv)
    if arguments.mode == "serve":
        serve(arguments.address, arguments.ports)
        return 0
    host, port = arguments.host, arguments.port
    if arguments.mode == "download":
        result = download(host, port, arguments.flows, arguments.seconds, arguments.octets)
    elif arguments.mode == "upload":
        result = upload(host, port, arguments.octets, max(20, arguments.seconds))
    elif arguments.mode == "mischief":
        result = mischief(host, port)
    else:
        result = replay(arguments.device, host, port, arguments.seconds)
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
