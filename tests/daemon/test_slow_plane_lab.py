"""A home agent whose kernel takes its time: what a mobile node is told must be true when it is told."""

import json
import os

import pytest

from router.lab.cast import Cast
from router.lab.topology import Topology
from tests.daemon.test_daemon_lab import AGENT, NODE

pytestmark = pytest.mark.lab

SLOW_NFT = """#!/bin/sh
# Longer than a mobile node waits before it asks again (RFC 5944 section 3.6.3).
sleep 3
PATH=${PATH#*:} exec nft "$@"
"""


@pytest.fixture
def cast(tmp_path):
    topology = Topology(f"rtsp{os.getpid()}", 20, 5)
    try:
        topology.build()
        yield Cast(topology, str(tmp_path), 20, 5)
    finally:
        topology.destroy()


def tunnel_devices(cast, role):
    links = json.loads(cast.lab.run(role, "ip", "-j", "link"))
    return [link["ifname"] for link in links if link["ifname"].startswith("roam")]


def test_whoever_asks_again_is_not_answered_before_its_tunnel_stands(cast, tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "nft").write_text(SLOW_NFT)
    (slow / "nft").chmod(0o755)
    with monkeypatch.context() as context:
        context.setenv("PATH", f"{slow}:{os.environ['PATH']}")
        cast.start_daemon("ha", AGENT)
    cast.start_daemon("mr", NODE)
    cast.wait("a binding", lambda: bool(cast.bound()), 40)
    assert cast.status("ha")["counters"]["accepted"] > 2, "nobody asked again"
    assert len(tunnel_devices(cast, "ha")) >= len(cast.bound())
