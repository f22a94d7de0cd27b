"""Which packages a router's tunnels lack."""

import os

import pytest

from openwrt.rescue import modules, uci

CONFIG = """
config roamd
	option plane {plane}
config mobile_node
config uplink a
	option encapsulation {encapsulation}
"""


def lacking(root, encapsulation="auto", plane="auto"):
    sections, _ = uci.parse(CONFIG.format(encapsulation=encapsulation, plane=plane))
    return modules.look(sections, str(root))


@pytest.mark.parametrize(
    ("encapsulation", "plane", "packages"),
    [
        ("auto", "auto", ["kmod-ipip", "kmod-tun"]),
        ("udp", "auto", ["kmod-ipip", "kmod-fou", "kmod-tun"]),
        ("gre", "auto", ["kmod-gre"]),
        ("auto", "userspace", ["kmod-tun"]),
    ],
)
def test_an_empty_router_lacks_what_is_wanted(encapsulation, plane, packages, tmp_path):
    assert lacking(tmp_path, encapsulation, plane) == packages


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sys/module/ipip/initstate", "live\n"),
        ("lib/modules/{release}/ipip.ko", ""),
        ("lib/modules/{release}/modules.builtin", "kernel/net/ipv4/ipip.ko\n"),
        ("lib/modules/{release}/modules.dep", "kernel/net/ipv4/ipip.ko.xz: kernel/net/ipv4/tunnel4.ko.xz\n"),
    ],
)
def test_a_module_is_found_wherever_it_is(file, text, tmp_path):
    path = tmp_path / file.format(release=os.uname().release)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert lacking(tmp_path) == []


def test_without_ipip_the_tunnels_are_in_user_space(tmp_path):
    (tmp_path / "sys/class/misc/tun").mkdir(parents=True)
    assert lacking(tmp_path) == ["kmod-ipip"]


def test_who_is_no_mobile_node_lacks_nothing(tmp_path):
    assert modules.look(uci.parse("config home_agent\n")[0], str(tmp_path)) == []
