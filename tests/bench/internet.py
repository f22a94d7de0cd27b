"""Five boxes in a row, in network namespaces: what a packet of a mobile router passes.

    lan --- mr --- nat --- ha --- cn

`nat` routes, or masquerades.  Two of these side by side, one with roamd and
one set up by hand, are measured in turns, so that the noise of the machine
falls on both.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

__all__ = ["CN", "HA", "LAN", "MR", "Internet", "in_turns", "percentile"]

LAN, CN, MR, HA = "10.50.0.10", "203.0.113.10", "192.0.2.10", "198.51.100.2"
_HOME, _NAT_OUTSIDE = "10.99.0.2", "198.51.100.1"
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_LINKS = (
    (("lan", "eth0", f"{LAN}/24"), ("mr", "lan0", "10.50.0.1/24")),
    (("mr", "up0", f"{MR}/24"), ("nat", "in0", "192.0.2.1/24")),
    (("nat", "out0", f"{_NAT_OUTSIDE}/24"), ("ha", "eth0", f"{HA}/24")),
    (("ha", "cn0", "203.0.113.1/24"), ("cn", "eth0", f"{CN}/24")),
)
_ROUTES = (
    ("lan", "default via 10.50.0.1"),
    ("mr", "default via 192.0.2.1"),
    ("nat", f"default via {HA}"),
    ("cn", "default via 203.0.113.1"),
)
_MASQUERADE = 'table ip n { chain p { type nat hook postrouting priority 100; oifname "out0" masquerade; }; }'
_HOME_AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '198.51.100.2'
	option plane '{plane}'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
	list mobile_network '10.50.0.0/24'
"""
_MOBILE_NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '198.51.100.2'
	option spi 256
	option key 'sixteen octets!!'
	option plane '{plane}'
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
config uplink 'cable'
	option type ethernet
	option device up0
	option bandwidth 1000000
"""


class Internet:
    """One row of boxes; use as a context manager."""

    def __init__(self, name: str, *, masquerade: bool = False) -> None:
        self._name = f"rtbn{os.getpid()}{name}"
        self._masquerade = masquerade
        self._daemons: dict[str, subprocess.Popen] = {}
        self._plane = "kernel"
        self._directory = tempfile.TemporaryDirectory(prefix="roamd-bench-")

    def __enter__(self) -> Internet:
        for box in ("lan", "mr", "nat", "ha", "cn"):
            _run("ip", "netns", "add", f"{self._name}{box}")
            self.run(box, "ip", "link", "set", "lo", "up")
            self.run(box, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for (left, near, one), (right, far, other) in _LINKS:
            peer = ("peer", "name", far, "netns", f"{self._name}{right}")
            _run("ip", "link", "add", near, "netns", f"{self._name}{left}", "type", "veth", *peer)
            for box, device, address in ((left, near, one), (right, far, other)):
                self.run(box, "ip", "address", "add", address, "dev", device)
                self.run(box, "ip", "link", "set", device, "up")
        for box, route in _ROUTES:
            self.run(box, "ip", "route", "add", *route.split())
        if self._masquerade:
            _run("ip", "netns", "exec", f"{self._name}nat", "nft", _MASQUERADE)
        else:
            self.run("ha", "ip", "route", "add", "192.0.2.0/24", "via", _NAT_OUTSIDE)
        return self

    def __exit__(self, *_: object) -> None:
        for role in list(self._daemons):
            self.stop(role)
        for box in ("lan", "mr", "nat", "ha", "cn"):
            _run("ip", "netns", "del", f"{self._name}{box}")
        self._directory.cleanup()

    def run(self, box: str, *words: str) -> str:
        return _run("ip", "netns", "exec", f"{self._name}{box}", *words)

    def start(self, box: str, *words: str) -> subprocess.Popen[str]:
        command = ["ip", "netns", "exec", f"{self._name}{box}", *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    # The ways from lan to cn

    def by_routing(self) -> None:
        self.run("nat", "ip", "route", "add", "10.50.0.0/24", "via", MR)
        if not self._masquerade:
            self.run("ha", "ip", "route", "add", "10.50.0.0/24", "via", _NAT_OUTSIDE)

    def by_hand(self) -> None:
        for box, local, remote, to in (("mr", MR, HA, "203.0.113.0/24"), ("ha", HA, MR, "10.50.0.0/24")):
            ends = ("local", local, "remote", remote, "ttl", "64", "pmtudisc", "tos", "inherit")
            self.run(box, "ip", "link", "add", "hand0", "type", "ipip", *ends)
            self.run(box, "ip", "link", "set", "hand0", "up", "mtu", "1480")
            self.run(box, "ip", "route", "add", to, "dev", "hand0")

    def track(self) -> None:
        """Let both ends follow connections, as any router with a firewall does."""
        rule = "type filter hook prerouting priority mangle; ct state invalid counter"
        for box in ("mr", "ha"):
            self.run(box, "nft", f"table ip t {{ chain c {{ {rule}; }}; }}")

    def by_openvpn(self) -> None:
        """OpenVPN over UDP, neither encrypted nor authenticated, both ends on TUN."""
        for box, local, remote, to in (("mr", MR, HA, "203.0.113.0/24"), ("ha", HA, MR, "10.50.0.0/24")):
            ends = ("10.8.0.1", "10.8.0.2") if box == "ha" else ("10.8.0.2", "10.8.0.1")
            words = (
                "--dev",
                "tun0",
                "--proto",
                "udp",
                "--local",
                local,
                "--remote",
                remote,
                "--port",
                "1194",
            )
            plain = ("--cipher", "none", "--auth", "none", "--disable-dco", "--verb", "0")
            self._daemons[box] = self.start(box, "openvpn", *words, "--ifconfig", *ends, *plain)
            self._until_device(box, "tun0")
            self.run(box, "ip", "route", "add", to, "dev", "tun0")

    def by_roamd(self, plane: str = "kernel") -> None:
        """Both daemons, until the mobile router is bound."""
        self._plane = plane
        for role, text in (("ha", _HOME_AGENT), ("mr", _MOBILE_NODE)):
            with open(f"{self._directory.name}/{role}.conf", "w") as file:
                file.write(text.format(directory=self._directory.name, plane=plane))
            self.launch(role)
        self.until_bound()

    def launch(self, role: str) -> None:
        words = (sys.executable, "-m", "router.cli", "--config", f"{self._directory.name}/{role}.conf", "run")
        command = ["ip", "netns", "exec", f"{self._name}{role}", *words]
        environment = {**os.environ, "PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1"}
        with open(f"{self._directory.name}/{role}.log", "ab") as log:
            self._daemons[role] = subprocess.Popen(command, stderr=log, env=environment)

    def stop(self, role: str, number: int = signal.SIGTERM) -> None:
        daemon = self._daemons.pop(role)
        daemon.send_signal(number)
        daemon.wait(60)

    def status(self, role: str) -> dict:
        from router.control.client import request

        return dict(request(f"{self._directory.name}/{role}.sock", "status"))

    def until_bound(self, seconds: float = 120.0) -> None:
        from router.control.client import ControlError

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                tunnels = self.status("mr")["tunnels"]
            except ControlError:
                tunnels = []
            if tunnels:
                if tunnels[0]["plane"] != self._plane:
                    raise SystemExit(f"not the {self._plane} plane: {tunnels}")
                return
            time.sleep(0.1)
        with open(f"{self._directory.name}/mr.log") as file:
            raise SystemExit(f"no binding within {seconds:.0f} s:\n{file.read()}")

    def _until_device(self, box: str, device: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while f" {device}: " not in (found := self.run(box, "ip", "-o", "link")) or "UP" not in found:
            if time.monotonic() > deadline:
                raise SystemExit(f"no {device} within {seconds:.0f} s")
            time.sleep(0.1)

    # Measuring

    def serve(self, port: int = 5201, seconds: float = 30.0) -> subprocess.Popen[str]:
        server = self.start("cn", "iperf3", "-s", "-B", CN, "-p", str(port))
        deadline = time.monotonic() + seconds
        while f"{CN}:{port} " not in self.run("cn", "ss", "-Hltn"):
            if time.monotonic() > deadline:
                raise SystemExit(f"iperf3 does not listen within {seconds:.0f} s")
            time.sleep(0.1)
        return server

    def mbps(self, seconds: int) -> float:
        """TCP from lan to cn."""
        out = self.run("lan", "iperf3", "-J", "-c", CN, "-t", str(seconds), "-O", "1")
        return float(json.loads(out)["end"]["sum_received"]["bits_per_second"]) / 1e6

    def packets(self, seconds: int) -> float:
        """64-octet UDP datagrams that arrive in a second, as many as can be sent: counted at the far device.

        Not by iperf3's server: in such a flood its control connection may get nothing through.
        """
        words = ("-p", "5202", "-u", "-b", "0", "-l", "64", "-c", CN, "-t", str(10 * seconds))
        server = self.serve(5202)
        client = self.start("lan", "iperf3", *words)
        try:
            time.sleep(1.0)
            before, began = self._arrived(), time.monotonic()
            time.sleep(seconds)
            arrived, took = self._arrived() - before, time.monotonic() - began
            if client.poll() is not None:
                raise SystemExit(f"iperf3 ended too early: {client.stdout.read() if client.stdout else ''}")
        finally:
            for process in (client, server):
                process.kill()
                process.communicate()
        return arrived / took

    def count(self) -> None:
        """Begin to count the datagrams for iperf3's server, at both ends."""
        for box, hook in (("lan", "output"), ("cn", "input")):
            rule = f"type filter hook {hook} priority 0; udp dport 5201 counter"
            self.run(box, "nft", f"table ip n; flush table ip n; table ip n {{ chain c {{ {rule}; }}; }}")

    def counted(self) -> tuple[int, int]:
        """How many have left, and how many have arrived."""
        texts = (self.run(box, "nft", "list", "table", "ip", "n") for box in ("lan", "cn"))
        left, arrived = (int(text.partition("packets ")[2].split()[0]) for text in texts)
        return left, arrived

    def _arrived(self) -> int:
        found = json.loads(self.run("cn", "ip", "-j", "-s", "link", "show", "dev", "eth0"))
        return int(found[0]["stats64"]["rx"]["packets"])


def in_turns(rounds: int, *measures: Callable[[], float]) -> tuple[list[float], list[float]]:
    """The median of each, and the medians of the first's ratio to each of the others, round by round."""
    found = [[measure() for measure in measures] for _ in range(rounds)]
    ratios = [statistics.median(row[0] / row[n] for row in found) for n in range(1, len(measures))]
    return [statistics.median(column) for column in zip(*found, strict=True)], ratios


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
