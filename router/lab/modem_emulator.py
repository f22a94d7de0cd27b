"""A modem on a pseudo-terminal that answers as an LTE modem does.

`ModemEmulator` is the modem, sans I/O; `main` puts it behind a pty and makes
`--link` point at it.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import os
import pty
import select
import signal
import sys
import time
import tty

__all__ = ["ModemEmulator", "main"]

Out = list[tuple[float, bytes]]

_SEARCH_SECONDS = 0.8


class ModemEmulator:
    """Octets in, `(time, octets)` out.  Times are seconds of the caller's clock.

    It echoes until ATE0, takes its time, speaks unasked in the middle of
    answers, and registers some while after it was switched on.
    """

    def __init__(self, address: str, now: float, *, latency: float = 0.02, sim: str = "READY") -> None:
        self._address = address
        self._born = now
        self._latency = latency
        self._sim = sim
        self._echo = True
        self._cmee = 0
        self._creg = {"+CREG": 0, "+CEREG": 0}
        self._buffer = b""
        self._commands = 0

    def power_on(self, now: float) -> Out:
        """What it says unasked after switching on."""
        registered = self._born + _SEARCH_SECONDS
        return [
            (now + 0.05, b"\r\nRDY\r\n"),
            (registered, b"\r\n+CEREG: 1\r\n"),
            (registered, b'\r\n+QIND: "act","LTE"\r\n'),
        ]

    def feed(self, data: bytes, now: float) -> Out:
        out: Out = []
        for octet in data:
            if self._echo:
                out.append((now, bytes([octet])))
            if octet not in (0x0D, 0x0A):
                self._buffer = (self._buffer + bytes([octet]))[-512:]
                continue
            line, self._buffer = self._buffer.decode("latin-1").strip(), b""
            if line.upper().startswith("AT"):
                out += self._command(line[2:], now)
        return out

    def _command(self, command: str, now: float) -> Out:
        self._commands += 1
        lines, final = self._execute(command.upper(), now)
        at = now + self._latency * (5 if command.upper().startswith("+COPS") else 1)
        out = [(at, f"\r\n{line}\r\n".encode()) for line in lines]
        if self._commands % 7 == 0:
            # In the middle of the answer, as real ones do.
            out.append(
                (at, f'\r\n+CSQ: {self._csq(now)},99\r\n+QIND: "csq",{self._csq(now)},99\r\n'.encode())
            )
            out.pop() if command.upper().startswith("+CSQ") else None
        return [*out, (at + 0.002, f"\r\n{final}\r\n".encode())]

    def _execute(self, command: str, now: float) -> tuple[list[str], str]:
        if command in ("", "V1", "&F"):
            return [], "OK"
        if command in ("E0", "E1"):
            self._echo = command == "E1"
            return [], "OK"
        if command.startswith("+CMEE="):
            self._cmee = int(command[6:7] or "0")
            return [], "OK"
        for name in self._creg:
            if command.startswith(f"{name}="):
                self._creg[name] = int(command[len(name) + 1 :][:1] or "0")
                return [], "OK"
        answer = self._answers(now).get(command)
        if answer is None:
            return [], "+CME ERROR: 100" if self._cmee else "ERROR"
        if answer == "" and command == "+CPIN?":
            return [], "+CME ERROR: 10" if self._cmee else "ERROR"
        return [answer], "OK"

    def _answers(self, now: float) -> dict[str, str]:
        registered = now - self._born >= _SEARCH_SECONDS and self._sim == "READY"
        stat = f'1,"1A2B","01C3D4{len(self._address):02X}",7' if registered else "2"
        address = self._address if registered else "0.0.0.0"
        csq = self._csq(now)
        return {
            "I": "Quectel",
            "+CGMI": "Quectel",
            "+CGMM": "EC25",
            "+CGMR": "EC25EFAR06A01M4G",
            "+CGSN": "861075023456789",
            "+CIMI": "001010123456789",
            "+CPIN?": f"+CPIN: {self._sim}" if self._sim else "",
            "+CREG?": f"+CREG: {self._creg['+CREG']},{stat}",
            "+CEREG?": f"+CEREG: {self._creg['+CEREG']},{stat}",
            "+COPS?": '+COPS: 0,0,"Testnet",7' if registered else "+COPS: 0",
            "+CSQ": f"+CSQ: {csq},99",
            "+CESQ": f"+CESQ: 99,99,255,255,{20 + csq % 5},{40 + csq}",
            "+CGDCONT?": '+CGDCONT: 1,"IP","internet","0.0.0.0",0,0',
            "+CGPADDR=1": f'+CGPADDR: 1,"{address}"',
            "+CGPADDR": f'+CGPADDR: 1,"{address}"',
        }

    def _csq(self, now: float) -> int:
        """RSSI index that wanders slowly between 18 and 24."""
        return 18 + int(abs((now - self._born) / 3 % 12 - 6))


def main(argv: list[str] | None = None) -> int:
    """Serve one modem until SIGTERM; the link is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--link", required=True, help="path that becomes a link to the pty")
    parser.add_argument("--address", required=True, help="PDP address to tell")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds per answer")
    parser.add_argument("--sim", default="READY", help="what +CPIN says; empty for no SIM")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # The slave stays open here: the master would report EIO while nobody has it open.
    master, slave = pty.openpty()
    tty.setraw(slave)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(arguments.link)
    os.symlink(os.ttyname(slave), arguments.link)
    try:
        _serve(master, arguments)
    except KeyboardInterrupt:
        return 0
    finally:
        os.unlink(arguments.link)
    return 0


def _serve(master: int, arguments: argparse.Namespace) -> None:
    modem = ModemEmulator(arguments.address, time.monotonic(), latency=arguments.latency, sim=arguments.sim)
    waiting: list[tuple[float, int, bytes]] = []
    count = 0

    def queue(out: Out) -> None:
        nonlocal count
        for when, data in out:
            count += 1
            heapq.heappush(waiting, (when, count, data))

    queue(modem.power_on(time.monotonic()))
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([master], [], [], timeout)
        if ready:
            queue(modem.feed(os.read(master, 4096), time.monotonic()))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(master, heapq.heappop(waiting)[2])


if __name__ == "__main__":
    sys.exit(main())
