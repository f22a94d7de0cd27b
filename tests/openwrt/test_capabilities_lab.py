"""The mobile node with the capabilities that its package leaves it, and no other."""

import json
import os
import shutil
import sys

import pytest

from router.control.client import ControlError, request
from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, HOME_AGENT, Topology

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CAPABILITIES = os.path.join(ROOT, "openwrt/roamd/files/etc/capabilities/roamd.json")

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (util-linux)"),
]

NODE = f"""
config roamd
	option control '{{directory}}/mr.sock'
	option state '{{directory}}/mr'
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '{HOME_AGENT}'
	option spi 256
	option key 'the demo shares this key'
	list mobile_network '10.50.0.0/24'
	list lan_device lan0
config uplink 'wifi'
	option type wifi
	option device wlan0
"""


def jailed():
    """What ujail does without a file system of its own."""
    with open(CAPABILITIES) as file:
        names = json.load(file)["bounding"]
    only = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in names)])
    return ["setpriv", "--bounding-set", only, "--inh-caps", only, "--no-new-privs"]


def test_it_registers_carries_packets_and_cleans_up(tmp_path):
    lab = Topology(f"rtcp{os.getpid()}", 20, 5)
    cast = Cast(lab, str(tmp_path), 20, 5)
    try:
        lab.build()
        clean = lab.snapshot("mr")
        cast.start_servers()
        cast.start_daemon("ha")
        config = tmp_path / "mr.conf"
        config.write_text(NODE.format(directory=tmp_path))
        command = [*jailed(), sys.executable, "-m", "router.cli", "--config", str(config)]
        log = tmp_path / "mr.log"
        process = lab.start("mr", command, str(log), PYTHONPATH=ROOT, PYTHONDONTWRITEBYTECODE="1")

        def bound():
            try:
                return request(str(tmp_path / "mr.sock"), "status")["bindings"]
            except ControlError:
                return []

        cast.wait("a binding", bound, 20)
        with open(f"/proc/{process.pid}/status") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16)
        client = cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=1)
        assert not cast.result(client, 15)["errors"]
        process.terminate()
        assert process.wait(15) == 0
        assert "not permitted" not in log.read_text().lower()
        assert lab.snapshot("mr") == clean
    finally:
        lab.destroy()
