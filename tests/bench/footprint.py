"""What roamd takes of a router: package sizes, memory, time to the first registration, idle processor.

The daemon is started from what its package installs, with byte code, in a small internet of network namespaces, by a
Python without ssl.  Whatever plane this kernel offers is used, so figures of different kernels differ a little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from openwrt.packaging.deflate import thorough  # noqa: E402  (found by the line above)
from openwrt.packaging.feed import feed  # noqa: E402
from openwrt.packaging.tree import PACKAGES, package, write_tree  # noqa: E402
from router.control.client import ControlError, request  # noqa: E402
from router.lab.cast import Cast  # noqa: E402
from router.lab.topology import CORRESPONDENT, HOME_AGENT, Topology  # noqa: E402
from tests.bench.figures import Figure, command_line, report  # noqa: E402

_NODE = """\
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi '256'
	option key 'the demo shares this key'
	list mobile_network '10.50.0.0/24'
	list lan_device 'lan0'
config uplink 'wifi'
	option type 'ethernet'
	option device 'wlan0'
config uplink 'cell'
	option type 'ethernet'
	option device 'wwan0'
config uplink 'wan'
	option type 'ethernet'
	option device 'eth1'
"""
_THIRD = (
    ("mr", "ip address add 192.0.3.10/24 dev eth1"),
    ("mr", "ip link set eth1 up"),
    ("wifi", "ip address add 192.0.3.1/24 dev ap1"),
    ("wifi", "ip link set ap1 up"),
    ("mr", "ip route add default via 192.0.3.1 dev eth1 metric 300"),
    ("inet", "ip route add 192.0.3.0/24 via 198.18.1.2"),
)
_DAEMON = """\
import sys
# A router without python3-openssl has neither.
sys.modules["_ssl"] = sys.modules["_hashlib"] = None
from router.cli import main
sys.exit(main())
"""
_FIRST_REQUEST = """\
import socket, time
link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
link.settimeout(20)
print("ready", flush=True)
while True:
    packet = link.recv(2048)
    if packet[9] == 17 and packet[22:24] == (434).to_bytes(2, "big"):
        print(time.monotonic(), flush=True)
        break
"""
_FLOWS = """\
import socket, sys, time
while True:
    for port in range(20000, 20000 + int(sys.argv[1])):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("10.50.0.10", port))
            one.sendto(b"x" * 100, (sys.argv[2], 5001))
        time.sleep(0.001)
    time.sleep(2)
"""


class Router:
    """The mobile node's package, installed under a folder, and its daemon in the namespace `mr`."""

    def __init__(self, lab: Topology, directory: str) -> None:
        self._lab, self._directory = lab, directory
        self._home = os.path.join(directory, "root/usr/lib/roamd")
        # What pip has installed otherwise is not there on a router, nor are its `.pth` files.
        self._others = os.path.join(directory, "site")
        os.mkdir(self._others)
        for name in ("pyroute2", "serial"):
            spec = find_spec(name)
            assert spec is not None and spec.origin is not None
            os.symlink(os.path.dirname(spec.origin), os.path.join(self._others, name))
        write_tree(package(ROOT, "roamd", 0), os.path.join(directory, "root"))
        subprocess.run([sys.executable, "-m", "router.bytecode"], cwd=self._home, check=True)
        with open(os.path.join(directory, "mr.conf"), "w") as file:
            file.write(_NODE.format(directory=directory, home_agent=HOME_AGENT))

    def start(self) -> subprocess.Popen[str]:
        config = os.path.join(self._directory, "mr.conf")
        command = [sys.executable, "-S", "-c", _DAEMON, "--syslog", "--config", config]
        path = f"{self._home}:{self._others}"
        log = os.path.join(self._directory, "mr.log")
        return self._lab.start("mr", command, log, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")

    @contextmanager
    def running(self) -> Iterator[int]:
        """Its process number, as soon as all uplinks are bound."""
        process = self.start()
        try:
            self._until_bound(3)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)

    def _until_bound(self, count: int, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if len(request(os.path.join(self._directory, "mr.sock"), "status")["bindings"]) == count:
                    return
            except ControlError:
                pass  # It is not there yet.
            time.sleep(0.1)
        with open(os.path.join(self._directory, "mr.log")) as file:
            raise SystemExit(f"not {count} bindings within {seconds:.0f} s:\n{file.read()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="invoke bench footprint", description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--starts", type=int, default=7, help="how often to start (default: %(default)s)")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds idle (default: %(default)s)")
    parser.add_argument("--flows", type=int, default=2000, help="how many flows (default: %(default)s)")
    arguments = parser.parse_args()
    figures = [*sizes(), *measured(arguments.starts, arguments.idle, arguments.flows)]
    report(figures, command_line("footprint"), arguments.json)


def sizes() -> Iterator[Figure]:
    packages = [package(ROOT, name, 0) for name in PACKAGES]
    for name, octets in feed(packages, thorough).items():
        if name.endswith((".ipk", ".apk")):
            yield Figure(name, len(octets) / 1024, "KiB", 150, at_most=True)


def measured(starts: int, idle: float, flows: int) -> Iterator[Figure]:
    lab = Topology(f"rtfp{os.getpid()}", 20, 5)
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as directory:
        cast = Cast(lab, directory, 20, 5)
        try:
            lab.build()
            ends = ("peer", "name", "ap1", "netns", lab.name("wifi"))
            lab.run("mr", "ip", "link", "add", "eth1", "type", "veth", *ends)
            for role, words in _THIRD:
                lab.run(role, *words.split())
            router = Router(lab, directory)
            took = sorted(_first_request(lab, router, directory) for _ in range(starts))
            yield Figure(
                "start to first request, median", statistics.median(took) * 1000, "ms", 600, at_most=True
            )
            yield Figure("start to first request, least", took[0] * 1000, "ms")
            cast.start_daemon("ha")
            with router.running() as pid:
                yield from _resting(pid, idle)
                yield from _flowing(lab, pid, flows, directory)
        finally:
            lab.destroy()


def _first_request(lab: Topology, router: Router, directory: str) -> float:
    """Seconds from the start of the process to its first Registration Request at the home agent's device."""
    witness = lab.start("ha", [sys.executable, "-c", _FIRST_REQUEST], os.path.join(directory, "witness.log"))
    assert witness.stdout is not None
    witness.stdout.readline()
    began = time.monotonic()
    process = router.start()
    try:
        seen = witness.stdout.readline()
        if not seen:
            with open(os.path.join(directory, "mr.log")) as file:
                raise SystemExit(f"no registration request within 20 s:\n{file.read()}")
        return float(seen) - began
    finally:
        witness.wait()
        process.terminate()
        process.wait(30)


def _resting(pid: int, seconds: float) -> Iterator[Figure]:
    time.sleep(5.0)
    before = _processor_seconds(pid)
    time.sleep(seconds)
    user, kernel = (
        100 * (after - first) / seconds for after, first in zip(_processor_seconds(pid), before, strict=True)
    )
    yield Figure("idle, three uplinks: RSS", _memory(pid, "Rss"), "MiB", 36, at_most=True)
    yield Figure("idle, three uplinks: its own (private dirty)", _memory(pid, "Private_Dirty"), "MiB")
    yield Figure("idle, three uplinks: processor", user + kernel, "%", 0.5, at_most=True)
    # The kernel goes through all of its table of connections whenever it is asked for them: 2^18 places on a big
    # machine, a few thousand on a router.
    yield Figure("idle, three uplinks: processor without the kernel's part", user, "%")
    # Seconds after the start paths are still being measured, and connections looked at for that.
    before = _processor_seconds(pid)
    time.sleep(seconds)
    both = sum(_processor_seconds(pid)) - sum(before)
    yield Figure("idle, three uplinks: processor, in as many seconds thereafter", 100 * both / seconds, "%")


def _flowing(lab: Topology, pid: int, flows: int, directory: str) -> Iterator[Figure]:
    command = [sys.executable, "-c", _FLOWS, str(flows), CORRESPONDENT]
    client = lab.start("lan", command, os.path.join(directory, "flows.log"))
    try:
        time.sleep(20.0)
        yield Figure(f"{flows} flows: RSS", _memory(pid, "Rss"), "MiB")
    finally:
        client.kill()
        client.wait()


def _memory(pid: int, what: str) -> float:
    """MiB, after smaps."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == what:
                return int(value.split()[0]) / 1024
    raise SystemExit(f"this kernel does not tell {what} of a process")


def _processor_seconds(pid: int) -> tuple[float, float]:
    """In user space and in the kernel, with the children it has waited for."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    user, kernel, childrens_user, childrens_kernel = (
        int(one) / os.sysconf("SC_CLK_TCK") for one in fields[11:15]
    )
    return user + childrens_user, kernel + childrens_kernel


if __name__ == "__main__":
    main()
