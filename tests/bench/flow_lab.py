"""Three thin links between a mobile router and the internet, in network namespaces with the kernel's own queues.

    lan --- mr --- a1 (40 Mbit/s) --- inet --- ha
               --- a2 (15 Mbit/s) ---      --- cn
               --- a3  (5 Mbit/s) ---

A link's rate is of IP packets, without the link's own header; its queue holds
60 ms, in each direction, where a real link is thin: in the access network.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["CN", "LAN", "RATES", "Lab", "Row", "result"]

LAN, CN, HA = "10.50.0.10", "203.0.113.10", "198.51.100.2"
RATES = (40.0, 15.0, 5.0)
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_BOXES = ("lan", "mr", "a1", "a2", "a3", "inet", "ha", "cn")
_QUEUE = ("burst", "16kb", "latency", "60ms")
_HOME_AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '198.51.100.2'
	option plane 'userspace'
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
	option plane 'userspace'
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
"""
_UPLINK = """
config uplink 'link{number}'
	option type ethernet
	option device up{number}
	option mtu 1500
	option bandwidth {rate:.0f}
"""

Row = dict[str, object]


class Lab:
    """One internet; use as a context manager."""

    def __init__(self, name: str) -> None:
        self._name = f"rtbf{os.getpid()}{name}"
        self._directory = tempfile.TemporaryDirectory(prefix="roamd-bench-")
        self._processes: list[subprocess.Popen[str]] = []
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Lab:
        for box in _BOXES:
            _run("ip", "netns", "add", f"{self._name}{box}")
            self.run(box, "ip", "link", "set", "lo", "up")
            self.run(box, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._join(("lan", "eth0", f"{LAN}/24"), ("mr", "lan0", "10.50.0.1/24"))
        self._join(("ha", "eth0", f"{HA}/24"), ("inet", "ha0", "198.51.100.1/24"))
        self._join(("cn", "eth0", f"{CN}/24"), ("inet", "cn0", "203.0.113.1/24"))
        for box, route in (("lan", "10.50.0.1"), ("ha", "198.51.100.1"), ("cn", "203.0.113.1")):
            self.run(box, "ip", "route", "add", "default", "via", route)
        self.run("inet", "ip", "route", "add", "10.50.0.0/24", "via", HA)
        for number in (1, 2, 3):
            self._access(number)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_daemons()
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        for box in _BOXES:
            _run("ip", "netns", "del", f"{self._name}{box}")
        self._directory.cleanup()

    def run(self, box: str, *words: str) -> str:
        return _run("ip", "netns", "exec", f"{self._name}{box}", *words)

    def python(self, box: str, *words: str) -> subprocess.Popen[str]:
        command = ["ip", "netns", "exec", f"{self._name}{box}", sys.executable, "-m", *words]
        environment = {**os.environ, "PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self._processes.append(process)
        return process

    # Links

    def rate(self, number: int, mbps: float) -> None:
        """What the link carries from now on, each way."""
        for device in ("in0", "out0"):
            self._shape(f"a{number}", device, mbps, "change")

    def _access(self, number: int) -> None:
        box, inside, outside = f"a{number}", f"192.0.2.{16 * number}", f"198.18.{number}."
        self._join(
            ("mr", f"up{number}", f"192.0.2.{16 * number + 2}/28"),
            (box, "in0", f"192.0.2.{16 * number + 1}/28"),
        )
        self._join((box, "out0", f"{outside}2/30"), ("inet", f"acc{number}", f"{outside}1/30"))
        self.run(box, "ip", "route", "add", "default", "via", f"{outside}1")
        self.run("inet", "ip", "route", "add", f"{inside}/28", "via", f"{outside}2")
        metric = ("dev", f"up{number}", "metric", str(100 * number))
        self.run("mr", "ip", "route", "add", "default", "via", f"192.0.2.{16 * number + 1}", *metric)
        for device in ("in0", "out0"):
            self._shape(box, device, RATES[number - 1], "add")

    def _shape(self, box: str, device: str, mbps: float, verb: str) -> None:
        size = ("stab", "overhead", "-14")
        rate = ("rate", f"{1000 * mbps:.0f}kbit")
        self.run(box, "tc", "qdisc", verb, "dev", device, *size, "root", "tbf", *rate, *_QUEUE)

    def _join(self, left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
        (one, near, _), (other, far, _) = left, right
        peer = ("peer", "name", far, "netns", f"{self._name}{other}")
        _run("ip", "link", "add", "name", near, "netns", f"{self._name}{one}", "type", "veth", *peer)
        for box, device, address in (left, right):
            self.run(box, "ip", "address", "add", address, "dev", device)
            self.run(box, "ip", "link", "set", device, "up")

    # Daemons

    def drive(self, how: str = "load", rates: Sequence[float] = RATES) -> None:
        """roamd at both ends: by `load`, or as `flow_static` says; `rates` is what it is told, Mbit/s."""
        uplinks = "".join(
            _UPLINK.format(number=number, rate=1000 * rate) for number, rate in enumerate(rates, 1)
        )
        self._launch("ha", _HOME_AGENT, "router.cli")
        self._launch(
            "mr",
            _MOBILE_NODE + uplinks,
            *(("router.cli",) if how == "load" else ("tests.bench.flow_static", how)),
        )
        deadline = time.monotonic() + 30
        while len(self.status().get("tunnels", ())) < len(rates):
            if time.monotonic() > deadline:
                with open(f"{self._directory.name}/mr.log") as file:
                    raise SystemExit(f"not bound:\n{file.read()}")
            time.sleep(0.1)
        time.sleep(2.0)

    def _launch(self, role: str, text: str, module: str, *words: str) -> None:
        path = f"{self._directory.name}/{role}.conf"
        with open(path, "w") as file:
            file.write(text.format(directory=self._directory.name))
        command = ["ip", "netns", "exec", f"{self._name}{role}", sys.executable, "-m", module, *words]
        environment = {**os.environ, "PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1"}
        with open(f"{self._directory.name}/{role}.log", "ab") as log:
            self._daemons[role] = subprocess.Popen(
                [*command, "--config", path, "run"], stderr=log, env=environment
            )

    def stop_daemons(self) -> None:
        for role in ("mr", "ha"):
            daemon = self._daemons.pop(role, None)
            if daemon is not None:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(30)

    def ask(self, method: str, **params: object) -> Row:
        from router.control.client import request

        return dict(request(f"{self._directory.name}/mr.sock", method, params))

    def status(self) -> Row:
        from router.control.client import ControlError

        try:
            return self.ask("status")
        except ControlError:
            return {}

    def cpu_seconds(self) -> float:
        """Of the mobile node's daemon so far."""
        with open(f"/proc/{self._daemons['mr'].pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # What others would use instead

    def balance(self) -> None:
        """New connections by random and static weights over the bare links, as mwan3 does."""
        total = round(sum(RATES) / 5)
        bounds = [sum(RATES[:number]) / 5 for number in range(len(RATES) + 1)]
        shares = ", ".join(
            f"{first:.0f}-{last - 1:.0f} : {number}"
            for number, (first, last) in enumerate(pairwise(bounds), 1)
        )
        text = (
            "table ip m { chain p { type filter hook prerouting priority mangle; "
            f'iifname "lan0" ct state new ct mark set numgen random mod {total} map {{ {shares} }}; '
            'iifname "lan0" meta mark set ct mark; }; '
            'chain n { type nat hook postrouting priority srcnat; oifname "up*" masquerade; }; }'
        )
        self.run("mr", "nft", text)
        for number in range(1, len(RATES) + 1):
            self._own_table(number)
            self.run("mr", "ip", "rule", "add", "fwmark", str(number), "table", str(number))

    def multipath(self) -> None:
        """MPTCP between the router itself and the correspondent: a subflow from each link's address."""
        for box in ("mr", "cn"):
            self.run(box, "ip", "mptcp", "limits", "set", "subflow", "8", "add_addr_accepted", "8")
        for number in range(1, len(RATES) + 1):
            self._own_table(number)
            address = f"192.0.2.{16 * number + 2}"
            self.run("mr", "ip", "rule", "add", "from", address, "table", str(number))
            self.run("mr", "ip", "mptcp", "endpoint", "add", address, "dev", f"up{number}", "subflow")

    def _own_table(self, number: int) -> None:
        way = ("via", f"192.0.2.{16 * number + 1}", "dev", f"up{number}")
        self.run("mr", "ip", "route", "add", "default", *way, "table", str(number))

    # Connections

    def swallow(self) -> None:
        """The correspondent answers none of the ports that new connections go to."""
        rule = "type filter hook input priority 0; udp dport 10000-30000 drop"
        self.run("cn", "nft", f"table ip d {{ chain i {{ {rule}; }}; }}")

    def remember(self, seconds: int) -> None:
        """How long the router keeps a UDP connection in its table."""
        for name in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
            self.run("mr", "sysctl", "-qw", f"net.netfilter.{name}={seconds}")

    @staticmethod
    def pause(seconds: float) -> None:
        time.sleep(seconds)

    # Traffic

    def serve(self, *words: str, port: int = 5001) -> None:
        server = self.python(
            "cn", "tests.bench.flow_traffic", "serve", "--host", CN, "--port", str(port), *words
        )
        assert server.stdout is not None and server.stdout.readline() == "ready\n"

    def traffic(self, box: str, mode: str, *words: str) -> subprocess.Popen[str]:
        return self.python(box, "tests.bench.flow_traffic", mode, "--host", CN, *words)


def result(process: subprocess.Popen[str]) -> Row:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit("a traffic client failed")
    return dict(json.loads(out.splitlines()[-1]))


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
