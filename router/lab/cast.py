"""The demo's players: daemons, modem, servers and clients, each in its namespace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from router.control.client import ControlError, request
from router.lab import topology
from router.lab.story import Story
from router.lab.topology import CORRESPONDENT, HOME_AGENT, LAN_HOST, Topology

__all__ = ["Cast", "Failure", "Status"]

Status = dict[str, Any]

_HOME_AGENT = """\
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'

config home_agent
	option address '{home_agent}'

config home_network 'home'
	option prefix '10.99.0.0/24'

config mobile 'bus42'
	option home_address '10.99.0.2'
	option spi '256'
	option key 'the demo shares this key'
	list mobile_network '10.50.0.0/24'
"""

_MOBILE_NODE = """\
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
	option lifetime '600'

config uplink 'wifi'
	option type 'wifi'
	option device 'wlan0'
	option bandwidth '{wifi}'

config uplink 'cell'
	option type 'cellular'
	option tty '{directory}/modem'
	option bandwidth '{cell}'

config flow 'web'
	option proto 'tcp'
	list dest_port '80'
	list uplink 'wifi'
	list uplink 'cell'
"""

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_STOP, _LATE = 15.0, 30.0
"""How long daemons and clients may take over their time, s: an emulated machine is slow."""


class Failure(Exception):
    """A step that cannot go on; the text says what a person should look at."""


class Cast:
    """Starts the players and talks to them.  `directory` holds configurations, sockets and logs."""

    def __init__(self, lab: Topology, directory: str, wifi_mbps: float, cell_mbps: float) -> None:
        self.lab = lab
        self.directory = directory
        self._rates = {"wifi": round(wifi_mbps * 1000), "cell": round(cell_mbps * 1000)}
        self._daemons: dict[str, subprocess.Popen[str]] = {}

    def log(self, name: str) -> str:
        return os.path.join(self.directory, f"{name}.log")

    def start_modem(self) -> None:
        link = os.path.join(self.directory, "modem")
        self._module("mr", "modem", "router.lab.modem", "--link", link, "--address", topology.CELL_ADDRESS)
        self.wait("the modem's serial port", lambda: os.path.exists(link), 5)

    def start_daemon(self, role: str, template: str | None = None) -> None:
        """Start roamd in namespace `ha` or `mr` with the demo's configuration."""
        text = template or (_HOME_AGENT if role == "ha" else _MOBILE_NODE)
        config = os.path.join(self.directory, f"{role}.conf")
        with open(config, "w") as file:
            file.write(text.format(directory=self.directory, home_agent=HOME_AGENT, **self._rates))
        self._daemons[role] = self._module(role, role, "router.cli", "--config", config, "run")

    def stop_daemon(self, role: str) -> int | None:
        """SIGTERM, and the exit status; None when it did not end in 15 s."""
        process = self._daemons.pop(role)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_STOP)
        except subprocess.TimeoutExpired:
            return None

    def kill_daemon(self, role: str) -> None:
        """SIGKILL: it has no time to clean up."""
        process = self._daemons.pop(role)
        process.kill()
        process.wait()

    def start_servers(self) -> None:
        for role, address, ports in (("corr", CORRESPONDENT, ("80", "5001")), ("lan", LAN_HOST, ("8000",))):
            server = self._module(
                role, "servers", "router.lab.traffic", "serve", "--address", address, "--ports", *ports
            )
            assert server.stdout is not None
            if server.stdout.readline().strip() != "ready":
                raise Failure(f"the server in {role} did not start; see {self.log('servers')}")

    def status(self, role: str) -> Status:
        """Raises Failure when the daemon is gone or does not answer."""
        process = self._daemons.get(role)
        if process is not None and process.poll() is not None:
            raise Failure(f"roamd in {role} ended with {process.returncode}:\n{self.tail(role)}")
        try:
            return dict(request(os.path.join(self.directory, f"{role}.sock"), "status", timeout=_LATE))
        except ControlError as error:
            raise Failure(f"{error}\n{self.tail(role)}") from None

    def tail(self, name: str, lines: int = 12) -> str:
        try:
            with open(self.log(name)) as file:
                return "".join(file.readlines()[-lines:])
        except OSError as error:
            return str(error)

    def wait(self, what: str, condition: Callable[[], bool], seconds: float) -> float:
        """Wait for a condition; the seconds it took.  Raises Failure naming `what`."""
        start = time.monotonic()
        while not self._holds(condition):
            if time.monotonic() - start > seconds:
                raise Failure(f"waited {seconds:.0f} s for {what} in vain\n{self.tail('mr')}")
            time.sleep(0.02)
        return time.monotonic() - start

    @staticmethod
    def _holds(condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except Failure as failure:
            # The socket comes a moment after the process.
            if "no roamd at" in str(failure):
                return False
            raise

    def bound(self) -> dict[str, Status]:
        """The mobile router's bindings by uplink."""
        return {binding["uplink"]: binding for binding in self.status("mr")["bindings"]}

    def tunnel_octets(self) -> dict[int, tuple[int, int]]:
        """(in, out) octets of the mobile router's tunnels by BID."""
        tunnels = self.status("mr")["tunnels"]
        return {tunnel["bid"]: (tunnel["rx_bytes"], tunnel["tx_bytes"]) for tunnel in tunnels}

    def traffic(self, role: str, mode: str, **options: object) -> subprocess.Popen[str]:
        """Start a traffic client."""
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        return self._module(role, "clients", "router.lab.traffic", mode, *words)

    def result(self, client: subprocess.Popen[str], seconds: float) -> Status:
        """What a client found.  Raises Failure when it broke off."""
        try:
            out, _ = client.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            client.kill()
            raise Failure(f"a client did not end within {seconds:.0f} s\n{self.tail('clients')}") from None
        if client.returncode:
            raise Failure(f"a client failed:\n{self.tail('clients')}")
        return dict(json.loads(out.splitlines()[-1]))

    def watched(self, client: subprocess.Popen[str], story: Story, what: str, seconds: float) -> Status:
        """`result`, with a progress bar over the expected `seconds`."""
        start = time.monotonic()
        while client.poll() is None and time.monotonic() - start < seconds + _LATE:
            story.progress(what, (time.monotonic() - start) / seconds)
            time.sleep(0.1)
        story.progress_done()
        return self.result(client, 1)

    def _module(self, role: str, log: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        return self.lab.start(role, command, self.log(log), PYTHONPATH=_ROOT, PYTHONDONTWRITEBYTECODE="1")
