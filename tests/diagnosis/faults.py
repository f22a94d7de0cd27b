"""A small internet with one fault in it, and what roamctl says of that."""

import os
import sys

from router.control.cli import run
from router.control.client import request
from router.control.session import Session
from router.lab.cast import Cast
from router.lab.topology import CELL_ADDRESS, HOME_AGENT, Topology

KEY = "sixteen octets!!"

AGENT = """
config roamd
	option control '{directory}/ha.sock'
	option state '{directory}/ha'
config home_agent
	option address '{home_agent}'
config mobile 'bus'
	option home_address '10.99.0.2'
	option spi 256
	option key 'sixteen octets!!'
	option algorithm hmac-sha256
	list mobile_network '10.50.0.0/24'
"""

NODE = """
config roamd
	option control '{directory}/mr.sock'
	option state '{directory}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{home_agent}'
	option spi 256
	option key 'sixteen octets!!'
	option algorithm hmac-sha256
	option plane userspace
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
config uplink 'wifi'
	option type wifi
	option device wlan0
config uplink 'lte'
	option type cellular
	option device wwan0
	option tty '{directory}/modem'
"""


class Here(Session):
    """A terminal of 80 columns that keeps what it is shown."""

    def __init__(self, socket):
        self._socket, self.text, self.saved = socket, "", {}

    def ask(self, method, params=None, timeout=5.0):
        return request(self._socket, method, params, timeout)

    def write(self, text):
        self.text += text

    def pause(self, seconds):
        raise KeyboardInterrupt


class FaultLab:
    def __init__(self, directory):
        self.topology = Topology(f"rtdg{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, str(directory), 20, 5)
        self.topology.build()
        self.clean = {role: self.topology.snapshot(role) for role in ("mr", "ha")}

    def modem(self, *words):
        """An emulated modem; without a session its device has no address."""
        link = os.path.join(self.cast.directory, "modem")
        self.cast._module(
            "mr", "modem", "router.lab.modem", "--link", link, "--address", CELL_ADDRESS, *words
        )
        self.cast.wait("the modem's port", lambda: os.path.exists(link), 5)

    def no_address(self, device="wwan0"):
        self.topology.run("mr", "ip", "address", "flush", "dev", device)

    def start(self, node=NODE, agent=AGENT):
        if agent is not None:
            self.cast.start_daemon("ha", agent)
        self.cast.start_daemon("mr", node)
        self.cast.wait("the daemon", lambda: bool(self.cast.status("mr")), 10)

    def ask(self, method, **params):
        return request(os.path.join(self.cast.directory, "mr.sock"), method, params, 30)

    def roamctl(self, *words):
        """(exit status, what it showed)"""
        here = Here(os.path.join(self.cast.directory, "mr.sock"))
        return run(words, here), here.text

    def codes(self):
        """By uplink (None: all of them): the codes of what is found."""
        found = {}
        for item in self.ask("summary")["findings"]:
            found.setdefault(item["uplink"], []).append(item["code"])
        return found

    def start_with_clock(self, seconds):
        """Both daemons; the mobile node's clock is off by so much."""
        self.cast.start_daemon("ha", AGENT)
        with open(os.path.join(self.cast.directory, "mr.conf"), "w") as file:
            file.write(NODE.format(directory=self.cast.directory, home_agent=HOME_AGENT))
        code = f"import sys, time; right = time.time; time.time = lambda: right() + {seconds}; from router.cli import main; main()"
        words = [sys.executable, "-c", code, "--config", file.name, "run"]
        self.cast._daemons["mr"] = self.topology.start(
            "mr", words, self.cast.log("mr"), PYTHONPATH=os.getcwd(), PYTHONDONTWRITEBYTECODE="1"
        )
        self.cast.wait("the daemon", lambda: bool(self.cast.status("mr")), 10)
