"""A small internet in network namespaces.

    lan --- mr --- wifi (20 Mbit/s) ------- inet --- ha
              \\-- cell (5 Mbit/s, NAT) --/     \\--- corr

Each box is a namespace, each line a veth pair.  The access links are shaped
where a real one is thin: towards the router at the access network's radio
side, away from it where the access network meets the internet.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence

__all__ = ["CELL_ADDRESS", "CORRESPONDENT", "HOME_AGENT", "LAN_HOST", "ROLES", "Topology", "leftovers"]

ROLES = ("corr", "ha", "inet", "wifi", "cell", "mr", "lan")
CORRESPONDENT = "203.0.113.10"
HOME_AGENT = "198.51.100.2"
LAN_HOST = "10.50.0.10"
CELL_ADDRESS = "100.64.0.10"

# (namespace, device, address) pairs that a veth joins.
_LINKS = (
    (("corr", "eth0", f"{CORRESPONDENT}/24"), ("inet", "corr0", "203.0.113.1/24")),
    (("ha", "eth0", f"{HOME_AGENT}/24"), ("inet", "ha0", "198.51.100.1/24")),
    (("wifi", "wan0", "198.18.1.2/30"), ("inet", "wifi0", "198.18.1.1/30")),
    (("cell", "wan0", "198.18.2.2/30"), ("inet", "cell0", "198.18.2.1/30")),
    (("mr", "wlan0", "192.0.2.10/24"), ("wifi", "ap0", "192.0.2.1/24")),
    (("mr", "wwan0", f"{CELL_ADDRESS}/24"), ("cell", "enb0", "100.64.0.1/24")),
    (("lan", "eth0", f"{LAN_HOST}/24"), ("mr", "lan0", "10.50.0.1/24")),
)
_ROUTES = (
    ("corr", "default via 203.0.113.1"),
    ("ha", "default via 198.51.100.1"),
    ("wifi", "default via 198.18.1.1"),
    ("cell", "default via 198.18.2.1"),
    ("inet", "192.0.2.0/24 via 198.18.1.2"),
    ("inet", f"10.99.0.0/24 via {HOME_AGENT}"),
    ("inet", f"10.50.0.0/24 via {HOME_AGENT}"),
    ("mr", "default via 192.0.2.1 dev wlan0 metric 100"),
    ("mr", "default via 100.64.0.1 dev wwan0 metric 200"),
    ("lan", "default via 10.50.0.1"),
)
_FIRST_INDEX = 100
_FORWARDING = ("ha", "inet", "wifi", "cell", "mr")
_NAT = """table ip cgnat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" masquerade
  }
}
"""
# The kernel's own: a tunnel module, once loaded, puts one into every namespace.
_FALLBACK = re.compile(r"\d+: (tunl|gre|gretap|erspan)0@")
_QUEUE = "60ms"
_PATIENCE = 2.0


class Topology:
    """The namespaces of one run, named `PREFIX-ROLE`."""

    def __init__(self, prefix: str, wifi_mbps: float, cell_mbps: float) -> None:
        self.prefix = prefix
        self._rates = {"wifi": wifi_mbps, "cell": cell_mbps}

    def name(self, role: str) -> str:
        return f"{self.prefix}-{role}"

    def build(self) -> None:
        """Raises CalledProcessError with what `ip`, `tc` or `nft` said."""
        for role in ROLES:
            _run("ip", "netns", "add", self.name(role))
            self.run(role, "ip", "link", "set", "lo", "up")
        for number, (left, right) in enumerate(_LINKS):
            self._link(left, right, _FIRST_INDEX + 2 * number)
        for role, route in _ROUTES:
            self.run(role, "ip", "route", "add", *route.split())
        for role in _FORWARDING:
            self.run(role, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.run("cell", "nft", "-f", "-", text=_NAT)
        for role, device in (("wifi", "ap0"), ("wifi", "wan0"), ("cell", "enb0"), ("cell", "wan0")):
            self._shape(role, device)

    def destroy(self) -> None:
        """End every process in our namespaces, then the namespaces.  Nothing else is touched."""
        present = [role for role in ROLES if os.path.exists(f"/run/netns/{self.name(role)}")]
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _PATIENCE
            while (pids := self._pids(present)) and time.monotonic() < deadline:
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                time.sleep(0.05)
        for role in present:
            _run("ip", "netns", "del", self.name(role))

    def run(self, role: str, *command: str, text: str | None = None) -> str:
        """Run a command in a namespace to its end; what it printed."""
        return _run("ip", "netns", "exec", self.name(role), *command, text=text)

    def start(self, role: str, command: Sequence[str], log: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a namespace; its errors go to the file `log`."""
        with open(log, "ab") as errors:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name(role), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )

    def set_wifi(self, up: bool) -> None:
        """Give or take the Wi-Fi carrier: the access point's side of the link goes up or down."""
        self.run("wifi", "ip", "link", "set", "ap0", "up" if up else "down")

    def snapshot(self, role: str) -> dict[str, str]:
        """All that roamd could leave behind in a namespace, as text to compare."""
        links = self.run(role, "ip", "-o", "link").splitlines(keepends=True)
        return {
            "links": "".join(line for line in links if not _FALLBACK.match(line)),
            "addresses": self.run(role, "ip", "-4", "-o", "address"),
            "routes": self.run(role, "ip", "-4", "route", "show", "table", "all"),
            "rules": self.run(role, "ip", "rule"),
            "nftables": self.run(role, "nft", "list", "ruleset"),
            "sysctl": self.run(role, "sysctl", "net.ipv4.fib_multipath_hash_policy"),
        }

    def _link(self, left: tuple[str, str, str], right: tuple[str, str, str], index: int) -> None:
        # Two ends of the same number are no pair to the kernel's link watch: it would tell of a carrier up to
        # a second late.
        ends = (left, right)
        # Made with its ends inside: the host's own namespace never sees a device.
        first, second = ((self.name(role), device) for role, device, _ in ends)
        command = ["ip", "link", "add", first[1], "netns", first[0], "index", str(index), "type", "veth"]
        _run(*command, "peer", "name", second[1], "netns", second[0], "index", str(index + 1))
        for role, device, address in ends:
            self.run(role, "ip", "address", "add", address, "dev", device)
            self.run(role, "ip", "link", "set", device, "up")

    def _shape(self, role: str, device: str) -> None:
        rate = f"{self._rates[role] * 1000:.0f}kbit"
        limits = ("burst", "16kb", "latency", _QUEUE)
        self.run(role, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, *limits)

    def _pids(self, roles: Sequence[str]) -> list[int]:
        return [int(pid) for role in roles for pid in _run("ip", "netns", "pids", self.name(role)).split()]


def leftovers(prefix: str) -> list[str]:
    """Namespaces of this machine whose name begins with `prefix`."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    return sorted(name for name in names if name.startswith(prefix))


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
