"""A reload under a stream of packets through the kernel's own tunnels."""

import pytest

from tests.daemon import test_reload_lab as reload

pytestmark = pytest.mark.vm

RATE = 10_000
"""Packets a second, from a host behind the router."""


def test_unrelated_options_lose_none_of_ten_thousand_packets_a_second(tmp_path):
    lab = reload.Lab(tmp_path)
    lab.patience = 120
    try:
        reload.reloaded_under_a_stream(lab, RATE)
        assert "userspace" not in lab.cast.tail("mr", 100)
    finally:
        lab.topology.destroy()
