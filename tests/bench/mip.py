"""How many registrations a home agent takes, and what one binding costs: `invoke bench mip`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time
from ipaddress import IPv4Address

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from router.clock import Instant
from router.config.model import Config, HomeAgent, Mobile, PlaneSettings, SecurityAssociation
from router.daemon.home_agent import HomeAgentRole
from router.daemon.journal import Journal
from router.daemon.keeper import PlaneKeeper
from router.mip.auth import sign
from router.mip.home.agent import HomeAgent as Machine
from router.mip.identification import from_wall
from router.mip.revocation import timestamp
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import RevocationSupport
from tests.bench.figures import Figure, command_line, report

WALL = 1_800_000_000.0
PORT = 434
TOLERANCE = 300.0
BOUND = 500
"""Mobile nodes over loopback: a tunnel of the user-space plane costs a descriptor each."""


def mobiles(count: int) -> tuple[Mobile, ...]:
    first = int(IPv4Address("10.64.0.1"))
    return tuple(
        Mobile(
            f"m{i}",
            IPv4Address(first + i),
            SecurityAssociation(256, i.to_bytes(16, "big"), tolerance=TOLERANCE),
        )
        for i in range(count)
    )


def signed(
    mobile: Mobile, bid: int, agent: IPv4Address, care_of: IPv4Address, wall: float, *, stamped: bool
) -> bytes:
    """A refresh as our own mobile node sends it."""
    extensions: tuple = (Multipath(4, bid, bid),)
    if stamped:
        extensions += (RevocationSupport(timestamp(wall)),)
    request = RegistrationRequest(
        1800, mobile.home_address, agent, care_of, from_wall(wall), extensions=extensions
    )
    return sign(request.encode(), mobile.security)


def care_of(mobile: Mobile, bid: int) -> IPv4Address:
    return IPv4Address(int(mobile.home_address) ^ 0xC0000000 ^ bid << 20)


# Without I/O


def without_io(rounds: int, count: int) -> list[Figure]:
    """Decode, authenticate, decide, encode: refreshes from memory, and every request the long way."""
    agent = IPv4Address("198.51.100.2")
    known = mobiles(count)
    rates: dict[str, list[float]] = {"refresh": [], "long way": []}
    for name in rates:
        machine = Machine(HomeAgent(agent), known, (), Instant(0.0, WALL))
        ends = [(mobile, bid, care_of(mobile, bid)) for mobile in known for bid in (1, 2)]
        for number in range(rounds + 1):
            wall = WALL + 10 + number
            data = [(signed(m, bid, agent, coa, wall, stamped=True), (coa, PORT)) for m, bid, coa in ends]
            gc.collect()
            began = time.perf_counter()
            for octets, source in data:
                if name == "long way":
                    machine._refreshes._known.clear()
                machine.receive(octets, source, Instant(10.0 + number, wall))
            took = time.perf_counter() - began
            if number:
                rates[name].append(len(data) / took)
        if machine.counters["accepted"] != len(ends) * (rounds + 1):
            raise SystemExit(f"only {machine.counters} were accepted")
    return [
        Figure("re-registrations, no I/O", statistics.median(rates["refresh"]), "1/s", 100_000),
        Figure("the same, each decided anew", statistics.median(rates["long way"]), "1/s"),
    ]


# Memory


def resident() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(count: int) -> list[Figure]:
    """Growth of the process from the configuration alone to two bindings each."""
    agent = IPv4Address("198.51.100.2")
    start = resident()
    known = mobiles(count)
    machine = Machine(HomeAgent(agent), known, (), Instant(0.0, WALL))
    configured = resident()
    for mobile in known:
        for bid in (1, 2):
            coa = care_of(mobile, bid)
            data = signed(mobile, bid, agent, coa, WALL + 10, stamped=True)
            machine.receive(data, (coa, PORT), Instant(10.0, WALL + 10))
    bound = resident()
    if len(machine.bindings) != 2 * count:
        raise SystemExit("not every registration was accepted")
    return [
        Figure("memory per binding", (bound - configured) / (2 * count), "octets", 1500, at_most=True),
        Figure("memory per configured mobile node", (configured - start) / count, "octets"),
    ]


# Over loopback


class NoPlane:
    """Stands in for the kernel: takes every state, does nothing."""

    def __init__(self) -> None:
        self.settings = PlaneSettings()

    async def start(self, *_: object) -> None: ...

    async def close(self) -> None: ...

    async def apply(self, *_: object) -> None: ...

    def apply_routes_now(self, *_: object) -> None: ...

    def attach(self, *_: object) -> None: ...

    def detach(self, *_: object) -> None: ...

    def deliver(self, *_: object) -> bool:
        return False


def serve(address: str, count: int, real: bool, ready: multiprocessing.synchronize.Event) -> None:
    """A home agent as the daemon runs it, until it is told to end."""

    async def run() -> None:
        config = Config(home_agent=HomeAgent(IPv4Address(address), udp_tunnel="off"), mobiles=mobiles(count))
        role = HomeAgentRole(config, Journal())
        if not real:
            role.plane = NoPlane()  # type: ignore[assignment]
            role.plan = lambda: None  # type: ignore[method-assign,assignment,return-value]
            role.keeper = PlaneKeeper(role.plane, role.plan)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await role.start()
        ready.set()
        await stop.wait()
        await role.stop()

    asyncio.run(run())


def over_loopback(address: str, count: int, rounds: int, *, real: bool, in_flight: int = 64) -> float:
    """Answers per second to refreshes sent ahead of their answers, `in_flight` at a time."""
    ready = multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(address, count, real, ready))
    server.start()
    try:
        if not ready.wait(60):
            raise SystemExit("the home agent did not start")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind((address.rpartition(".")[0] + ".77", 0))
        sock.settimeout(60)
        source, target = IPv4Address(sock.getsockname()[0]), (address, PORT)
        ends = [(mobile, 1) for mobile in mobiles(count)]
        rates = []
        for number in range(rounds + 1):
            wall = time.time()
            data = [signed(m, bid, IPv4Address(address), source, wall, stamped=True) for m, bid in ends]
            began = time.perf_counter()
            answered = exchange(sock, target, data, in_flight)
            if number:
                rates.append(answered / (time.perf_counter() - began))
        return statistics.median(rates)
    finally:
        server.terminate()
        server.join(30)
        if server.is_alive():
            server.kill()


def exchange(sock: socket.socket, target: tuple[str, int], data: list[bytes], in_flight: int) -> int:
    """Send all, keep so many on the way, count the acceptances."""
    accepted = sent = 0
    for octets in data[:in_flight]:
        sock.sendto(octets, target)
        sent += 1
    last = b""
    for _ in range(len(data)):
        last = sock.recv(2048)
        accepted += last[1] == 0
        if sent < len(data):
            sock.sendto(data[sent], target)
            sent += 1
    reply = decode(last)
    if accepted != len(data) or not isinstance(reply, RegistrationReply):
        raise SystemExit(f"{accepted} of {len(data)} accepted; the last answer was {reply}")
    return accepted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--mobiles", type=int, default=100_000, help="for the memory figure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="where the time goes, without I/O")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.profile:
        import cProfile
        import pstats

        profile = cProfile.Profile()
        profile.runcall(without_io, 3, 2000)
        pstats.Stats(profile).sort_stats("tottime").print_stats(18)
        return
    if arguments.within:
        print(
            json.dumps(
                [
                    over_loopback("127.0.0.1", BOUND, 10 * arguments.rounds, real=real)
                    for real in (False, True)
                ]
            )
        )
        return
    figures = memory(arguments.mobiles)
    figures += without_io(arguments.rounds, 5000)
    stubbed, real = both_planes(arguments.rounds)
    figures.append(Figure("re-registrations over loopback, no plane", stubbed, "1/s", 30_000))
    figures.append(Figure("the same with the real plane", real, "1/s"))
    report(figures, command_line("mip"), arguments.json)


def both_planes(rounds: int) -> list[float]:
    """Answers per second without and with a plane, in a network namespace that goes when the process ends."""
    inside = f"ip link set lo up && exec {shlex.quote(sys.executable)} {shlex.quote(__file__)} --within --rounds {rounds}"
    done = subprocess.run(["unshare", "--net", "sh", "-c", inside], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit("no network namespace, or no plane: root, iproute2 and nftables are needed")
    return [float(rate) for rate in json.loads(done.stdout.splitlines()[-1])]


if __name__ == "__main__":
    main()
