"""Serve one emulated modem until SIGTERM."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from dataclasses import replace

from router.lab.modem import script
from router.lab.modem.contexts import Lease
from router.lab.modem.emulator import Emulator
from router.lab.modem.network import OUTCOMES, Network
from router.lab.modem.personalities import PERSONALITIES
from router.lab.modem.port import DevicePort, PtyPort
from router.lab.modem.radio import Samples, read
from router.lab.modem.sim import STATES, Sim

__all__ = ["main"]

_RETRY = 0.2
_NMEA = b"$GPRMC,,V,,,,,,,,,,N*53\r\n"


def main(argv: list[str] | None = None) -> int:
    """The exit status: 2 for words that make no sense."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.list:
        for who in PERSONALITIES.values():
            print(f"{who.name:20} {who.usb[0]:04x}:{who.usb[1]:04x}  {who.manufacturer} {who.model}")
        return 0
    if bool(arguments.link) == bool(arguments.device):
        parser.error("either --link or --device is needed")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        emulator = _emulator(arguments)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    port = DevicePort(arguments.device) if arguments.device else PtyPort(arguments.link)
    beside = [PtyPort([link]) for link in arguments.nmea + arguments.silent]
    try:
        for other in beside:
            other.open()
        _Server(emulator, port, beside[: len(arguments.nmea)], arguments.control).serve()
    except KeyboardInterrupt:
        pass
    finally:
        for one in (port, *beside):
            one.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router.lab.modem",
        description=__doc__,
        epilog=script.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--list", action="store_true", help="the personalities, and no more")
    add("--personality", choices=PERSONALITIES, default="quectel-ec25", metavar="NAME", help="see --list")
    add("--link", action="append", default=[], help="path that becomes a link to the pseudo-terminal; given more "
        "than once, a modem that comes back after a reset has the next one")  # fmt: skip
    add("--device", help="serve on this tty instead, such as a USB gadget's /dev/ttyGS0")
    add(
        "--nmea",
        action="append",
        default=[],
        metavar="LINK",
        help="a further port that says NMEA once a second",
    )
    add("--silent", action="append", default=[], metavar="LINK", help="a further port that says nothing")
    add("--imei", help="15 digits")
    add("--address", default=Lease.address, help="IPv4 address that the network gives")
    add("--apn", action="append", default=[], help="a name that the network knows (default: any)")
    add("--mtu", type=int, default=Lease.mtu)
    add("--sim", choices=STATES, default="ready")
    add("--pin", help="the card asks for this PIN")
    add("--puk", default="12345678")
    add("--network", choices=OUTCOMES, default="home")
    add("--search", type=float, default=0.8, metavar="S", help="seconds until registered (default: 0.8)")
    add("--signal", metavar="CSV", help="columns time, rssi, rsrp, rsrq, sinr and any other of the view")
    add("--latency", type=float, default=0.02, metavar="S", help="per command (default: 0.02)")
    add("--latency-of", action="append", default=[], metavar="NAME=S", help="of one command: +COPS?=1.5")
    add("--interrupt", type=int, default=7, metavar="N", help="URCs inside every n-th answer; 0 for none")
    add("--chatter", type=float, metavar="S", help="URCs every so often")
    add("--boot", type=float, default=3.0, metavar="S", help="how long a reset takes (default: 3)")
    add(
        "--event", action="append", default=[], metavar="EVENT", help="'SECONDS WORD [PARAMETERS]', see below"
    )
    add("--script", metavar="FILE", help="events, one a line")
    add("--control", action="store_true", help="take events without a time from standard input")
    return parser


def _emulator(arguments: argparse.Namespace) -> Emulator:
    """Raises ValueError and OSError, each with a text for people."""
    personality = PERSONALITIES[arguments.personality]
    network = Network(outcome=arguments.network, search=arguments.search, technology=personality.technology)
    sim = Sim(pin=arguments.pin, puk=arguments.puk)
    sim.fault = None if arguments.sim == "ready" else arguments.sim
    lease = replace(
        Lease(), address=arguments.address, mtu=arguments.mtu, apns=tuple(a.lower() for a in arguments.apn)
    )
    return Emulator(
        personality,
        time.monotonic(),
        latency=arguments.latency,
        latencies=_latencies(arguments.latency_of),
        interrupt=arguments.interrupt,
        chatter=arguments.chatter,
        boot=arguments.boot,
        script=script.parse([*arguments.event, *_lines(arguments.script)]),
        network=network,
        sim=sim,
        lease=lease,
        imei=arguments.imei,
        samples=_samples(arguments.signal),
    )


def _latencies(words: list[str]) -> dict[str, float]:
    found = {}
    for word in words:
        name, _, seconds = word.rpartition("=")
        try:
            found[name] = float(seconds)
        except ValueError:
            raise ValueError(f"--latency-of {word}: NAME=SECONDS is wanted") from None
    return found


def _lines(path: str | None) -> list[str]:
    if path is None:
        return []
    with open(path) as file:
        return file.read().splitlines()


def _samples(path: str | None) -> Samples | None:
    if path is None:
        return None
    with open(path) as file:
        try:
            return read(file.read())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


class _Server:
    """Moves octets and events; says `appear NAME`, `vanish NAME`, `data up` and `data down` on standard output."""

    def __init__(
        self, emulator: Emulator, port: PtyPort | DevicePort, nmea: list[PtyPort], control: bool
    ) -> None:
        self._emulator = emulator
        self._port = port
        self._nmea = nmea
        self._next_nmea = time.monotonic()
        self._control: int | None = sys.stdin.fileno() if control else None
        self._typed = b""

    def serve(self) -> None:
        self._port.open()
        _tell(f"appear {self._port.name}")
        while True:
            sources = [fd for fd in (self._port.fd, self._control) if fd is not None]
            ready, _, _ = select.select(sources, [], [], self._patience())
            if self._control in ready:
                self._command()
            if self._port.fd in ready:
                data = self._port.read()
                if data:
                    self._emulator.feed(data, time.monotonic())
            self._advance()

    def _advance(self) -> None:
        out = self._emulator.output(time.monotonic())
        for effect in self._emulator.take_effects():
            self._affect(effect)
        if out:
            self._port.write(out)
        if isinstance(self._port, DevicePort) and self._emulator.present:
            self._port.open()
        if self._nmea and time.monotonic() >= self._next_nmea:
            self._next_nmea += 1.0
            for port in self._nmea:
                port.write(_NMEA)

    def _affect(self, effect: tuple[str, ...]) -> None:
        if effect[0] == "vanish":
            _tell(f"vanish {self._port.name}")
            self._port.close()
        elif effect[0] == "appear":
            self._port.open()
            _tell(f"appear {self._port.name}")
        else:
            _tell(" ".join(effect))

    def _patience(self) -> float | None:
        moments = [] if self._emulator.next_wake() is None else [self._emulator.next_wake() or 0.0]
        if self._nmea:
            moments.append(self._next_nmea)
        if self._port.fd is None:
            moments.append(time.monotonic() + _RETRY)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _command(self) -> None:
        assert self._control is not None
        data = os.read(self._control, 4096)
        if not data:
            self._control = None
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            try:
                events = script.parse([f"0 {line.decode()}"] if line.strip() else [])
            except ValueError as error:
                _tell(f"refused {error}")
                continue
            for event in events:
                self._emulator.happen(event, time.monotonic())


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
