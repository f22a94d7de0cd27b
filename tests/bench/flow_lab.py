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
