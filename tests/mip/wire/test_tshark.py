"""tshark, which shares no code with us, reads from our packets what was meant.

It does not know type 154 and type 48, and reads type 139 with short framing: for these
the hand-written octets stand in, and what tshark makes of them is written down here, for
any receiver that does not know them does much the same.
"""

import os
import shutil
import subprocess

import pytest

from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.gre_key import GreKey
from router.mip.wire.multipath import FlowBinding, Multipath
from tests.mip.wire.dissection import dissected, meant
from tests.mip.wire.golden import AGENT, COMPOUNDS, DISCOVERY, EXTENSIONS, HOME, MESSAGES, compound
from tests.mip.wire.pcap import ALL_SYSTEMS, ICMP, UDP, capture, ip, udp

FOREIGN = (Multipath, FlowBinding, DynamicHomeAgent, GreKey)
"""Extensions that tshark does not read as their RFCs say."""

CONTROL = {
    **MESSAGES,
    **COMPOUNDS,
    **{f"request+{name}": compound("request", name) for name in EXTENSIONS},
}
KNOWN = [
    name
    for name, (value, _) in CONTROL.items()
    if not any(isinstance(item, FOREIGN) for item in getattr(value, "extensions", ()))
    and name != "request+unknown"
]


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """Name of a golden packet -> what tshark, run once over all of them, says of it."""
    if shutil.which("tshark") is None:
        if os.environ.get("CI"):
            pytest.fail("tshark must be installed where CI is set")
        pytest.skip("tshark is not installed")
    file = tmp_path_factory.mktemp("tshark") / "golden.pcap"
    packets = [ip(UDP, udp(value.encode())) for value, _ in CONTROL.values()]
    packets += [ip(ICMP, value.encode(), ALL_SYSTEMS, 1) for value, _ in DISCOVERY.values()]
    file.write_bytes(capture(packets))
    checks = [word for name in ("ip", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    command = ["tshark", "-n", "-r", str(file), *checks, "-T", "pdml"]
    pdml = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    found = dissected(pdml)
    assert len(found) == len(packets)
    return dict(zip([*CONTROL, *DISCOVERY], found, strict=True))


def _agrees(tree, value):
    for name, wanted in meant(value):
        assert tree.says(name, wanted), (name, tree.fields.get(name), wanted)


def _framing(packet):
    (mip,) = packet.protocols["mip"]
    return [(item["mip.ext.type"], item["mip.ext.len"]) for item in mip.children]


@pytest.mark.parametrize("name", KNOWN)
def test_message(read, name):
    value, _ = CONTROL[name]
    packet = read[name]
    assert not packet.malformed
    (mip,) = packet.protocols["mip"]
    _agrees(mip, value)
    extensions = getattr(value, "extensions", ())
    assert len(mip.children) == len(extensions)
    for tree, extension in zip(mip.children, extensions, strict=True):
        _agrees(tree, extension)
        assert getattr(extension, "offset", tree.offset) == tree.offset


@pytest.mark.parametrize("name", CONTROL)
def test_the_fixed_part_of_messages_with_foreign_extensions(read, name):
    (mip,) = read[name].protocols["mip"]
    _agrees(mip, CONTROL[name][0])


def test_checksums_are_good(read):
    for name in CONTROL:
        assert read[name].protocols["udp"][0]["udp.checksum.status"] == 1
        assert read[name].protocols["ip"][0]["ip.checksum.status"] == 1
    for name in DISCOVERY:
        (icmp,) = read[name].protocols["icmp"]
        assert not read[name].malformed and icmp["icmp.checksum.status"] == 1


def test_a_tunnelled_packet_is_seen_inside(read):
    (mip,) = read["tunnel_data"].protocols["mip"]
    assert mip.says("mip.nattt.nexthdr", 4)
    outer, inner = read["tunnel_data"].protocols["ip"]
    assert outer["ip.proto"] == UDP and inner["ip.proto"] == ICMP
    assert inner.says("ip.src", HOME) and inner.says("ip.dst", AGENT) and inner["ip.checksum.status"] == 1
    (echo,) = read["tunnel_data"].protocols["icmp"]
    assert (echo["icmp.type"], echo["icmp.ident"], echo["icmp.seq"]) == (8, 7, 1)


def test_a_skippable_unknown_extension_is_passed_over(read):
    assert not read["request+unknown"].malformed
    assert _framing(read["request+unknown"]) == [(200, 3)]


def test_multipath_looks_like_length_1_and_a_stray_type_4(read):
    # Sub-type 1 taken for a length skips 00; the rest of the length, 04, is taken for a type
    # whose length is the If-ATT: 3 fits what is left, any other number does not.
    assert _framing(read["request+multipath_overwrite"]) == [(154, 1), (4, 3)]
    assert _framing(read["multipath_request"])[:2] == [(154, 1), (4, 4)]
    assert read["request+multipath"].malformed and read["multipath_request"].malformed


def test_flow_binding_looks_like_length_2_and_its_action_like_a_type(read):
    forward, drop = _framing(read["request+flow_any"]), _framing(read["request+flow_drop"])
    assert forward[:2] == [(154, 2), (1, 2)]
    assert drop[:2] == [(154, 2), (0, 1)]


def test_only_what_tshark_does_not_know_is_malformed(read):
    malformed = {name for name, packet in read.items() if packet.malformed}
    assert malformed == {
        name
        for name, (value, _) in CONTROL.items()
        if any(isinstance(item, FOREIGN[:3]) for item in getattr(value, "extensions", ()))
    } - {"request+multipath_overwrite"}


def test_dynamic_home_agent_is_read_with_short_framing(read):
    for sub_type, name in ((1, "requested"), (2, "redirected")):
        (mip,) = read[f"request+{name}_home_agent"].protocols["mip"]
        (only,) = mip.children
        assert (only["mip.ext.type"], only["mip.ext.len"]) == (139, sub_type)


def test_gre_key_is_unknown_to_tshark(read):
    # The sub-type 0 is taken for a length, the length for a type 0 of four octets.
    assert _framing(read["request+gre_key"]) == [(48, 0), (0, 4)]
    assert _framing(read["keyed_request"]) == [(32, 20), (48, 0), (0, 4), (137, 6), (34, 24)]


def test_solicitation(read):
    (icmp,) = read["solicitation"].protocols["icmp"]
    assert (icmp["icmp.type"], icmp["icmp.code"]) == (10, 0)


def test_router_advertisement(read):
    (icmp,) = read["router"].protocols["icmp"]
    assert (icmp["icmp.type"], icmp["icmp.code"], icmp["icmp.lifetime"]) == (9, 0, 1800)
    assert (icmp["icmp.num_addrs"], icmp["icmp.addr_entry_size"]) == (1, 2)
    assert not icmp.children


@pytest.mark.parametrize(("name", "code"), [("foreign_agent", 16), ("home_agent", 0)])
def test_agent_advertisement(read, name, code):
    value, _ = DISCOVERY[name]
    (icmp,) = read[name].protocols["icmp"]
    assert (icmp["icmp.code"], icmp["icmp.lifetime"]) == (code, value.lifetime)
    agent, *others = icmp.children
    addresses = value.agent.care_of_addresses
    assert (agent["icmp.mip.type"], agent["icmp.mip.length"]) == (16, 6 + 4 * len(addresses))
    assert (agent["icmp.mip.seq"], agent["icmp.mip.life"]) == (value.agent.sequence, value.agent.lifetime)
    letters = {
        "r": "registration_required", "b": "busy", "h": "home_agent", "f": "foreign_agent", "m": "minimal",
        "g": "gre", "rt": "reverse_tunnel", "u": "udp_tunnel", "x": "revocation",
    }  # fmt: skip
    for letter, flag in letters.items():
        assert agent.says(f"icmp.mip.{letter}", getattr(value.agent, flag))
    assert agent["icmp.mip.v"] == agent["icmp.mip.reserved"] == 0
    assert agent.fields.get("icmp.mip.coa", []) == [address.packed.hex() for address in addresses]
    if name == "foreign_agent":
        prefixes, challenge, padding = others
        assert (prefixes["icmp.mip.type"], prefixes["icmp.mip.prefixlength"]) == (19, 24)
        assert challenge["icmp.mip.type"] == 24 and challenge.says("icmp.mip.challenge", value.challenge)
        assert padding["icmp.mip.type"] == 0
    else:
        assert not others
