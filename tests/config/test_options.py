"""The table of options, the rules for validate_data and the parser say the same."""

import json
import re
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from router.cli import main
from router.config import ConfigErrors, load
from router.config.options import as_json, as_markdown, default, rules
from router.config.schema import SECTIONS

TABLE = Path(__file__).parent.parent.parent / "openwrt/OPTIONS.md"
OPTIONS = [(spec, option) for spec in SECTIONS.values() for option in spec.options]
SECURITY = "\toption spi 256\n\toption key 'sixteen octets!!'\n"
HOME_AGENT = "config home_agent\n\toption address 198.51.100.2\n"
NODE = f"config mobile_node\n\toption home_address 10.9.0.1\n\toption home_agent 198.51.100.2\n{SECURITY}"
UPLINK = "config uplink u\n\toption type cellular\n"
VERIFIER = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)
BASES = {
    "roamd": f"{HOME_AGENT}config roamd\n",
    "mobile_node": f"{UPLINK}{NODE}",
    "home_agent": HOME_AGENT,
    "foreign_agent": "config foreign_agent\n\toption device lan0\n\toption care_of_address 198.51.100.9\n",
    "peer": f"{HOME_AGENT}config peer p\n\toption address 198.51.100.9\n{SECURITY}",
    "visitor": f"{HOME_AGENT}config visitor v\n\toption home_address 10.9.0.1\n{SECURITY}",
    "uplink": f"{NODE}{UPLINK}",
    "flow": f"{NODE}{UPLINK}config flow f\n\tlist uplink u\n",
    "led": f"{NODE}{UPLINK}config led l\n\toption led green:wan\n",
    "mobile": f"{HOME_AGENT}config mobile m\n\toption home_address 10.9.0.1\n{SECURITY}",
    "home_network": f"{HOME_AGENT}config home_network n\n\toption prefix 10.9.0.0/24\n",
    "console": f"{HOME_AGENT}config console\n\toption tty /dev/ttyS0\n\toption password '{VERIFIER}'\n",
}
NEEDED = {
    "auth": "\toption session at\n",
    "addressing": "\toption session at\n",
    "cap_day": "\toption cap 9\n",
}


def test_the_table_in_the_tree_is_the_schemas():
    assert TABLE.read_text() == as_markdown(), "roamd options > openwrt/OPTIONS.md"


@pytest.mark.parametrize("spec, option", OPTIONS, ids=lambda item: getattr(item, "type", None) or item.name)
def test_a_default_written_out_changes_nothing(spec, option):
    known = default(spec.type, option)
    if known is None:
        return
    base = BASES[spec.type] + NEEDED.get(option.name, "")
    assert load(f"{base}\toption {option.name} '{known}'\n", "x") == load(base, "x")


def test_what_has_a_value_without_being_written_has_a_default():
    shown = {(spec.type, option.name): default(spec.type, option) for spec, option in OPTIONS}
    assert shown["mobile_node", "mark_mask"] == "0x0f000000"
    assert shown["mobile_node", "plane"] == "auto"
    assert shown["uplink", "mtu"] == "auto"
    assert shown["mobile", "tolerance"] == "7"
    assert shown["flow", "drop"] == "0"
    assert shown["uplink", "cap"] is None
    assert shown["mobile_node", "key"] is None


# What validate_data makes of a data type, as far as ours use it.


def taken(datatype, text):
    name, inner = re.fullmatch(r'("?[a-z0-9-]+"?)(?:\((.*)\))?', datatype).groups()
    if name.startswith('"'):
        return name == f'"{text}"'
    arguments = split(inner) if inner else []
    if name in ("or", "and"):
        return (any if name == "or" else all)([taken(item, text) for item in arguments])
    return LEAVES[name](text, *arguments)


def split(text):
    parts, depth = [""], 0
    for sign in text:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def ipv4(text):
    try:
        return bool(IPv4Address(text)) or True
    except ValueError:
        return False


def number(text):
    return int(text) if re.fullmatch(r"\d+", text, re.ASCII) else None


BOOLEANS = "1 on true yes enabled 0 off false no disabled"
LEAVES = {
    "string": lambda text: True,
    "bool": lambda text: text in BOOLEANS.split(),
    "uinteger": lambda text: number(text) is not None,
    "range": lambda text, low, high: number(text) is not None and int(low) <= number(text) <= int(high),
    "min": lambda text, low: number(text) is not None and int(low) <= number(text),
    "minlength": lambda text, length: len(text) >= int(length),
    "maxlength": lambda text, length: len(text) <= int(length),
    "rangelength": lambda text, low, high: int(low) <= len(text) <= int(high),
    "ip4addr": ipv4,
    "cidr4": lambda text: ipv4(text.partition("/")[0]) and 0 <= int(text.partition("/")[2] or 32) <= 32,
    "portrange": lambda text: all(0 <= int(port) < 65536 for port in text.split("-")),
    "macaddr": lambda text: re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", text) is not None,
    "uciname": lambda text: re.fullmatch(r"\w+", text, re.ASCII) is not None,
}
TEXTS = """
0 1 2 10 28 30 31 64 256 300 576 1500 7400 32001 65535 65536 10000001 4294967295 4294967296 -1 auto on enabled
198.51.100.2 0.0.0.0 10.50.0.0/24 debug none off each bulk sixteen-octets!! 0x00112233445566778899aabbccddeeff
0x0f000000 /var/run/x wlan0 a-device-too-long tcp udp 17 256-511 8000-8100 ef mon-fri 08:00-18:30 1-1.2 internet
490154203237518 02:00:5e:10:00:01 bus42@example.org voice 1234 prefer balance ethernet wifi cellular colocated
10.99.0.100-10.99.0.199 0x100-0x1ff 0b11 Sat-Sun CS3 af41 /dev/ttyUSB2 socket://10.0.0.9:7000 rfc2217://h:1?timeout=3 2-1 hmac-sha256 optional required lowest-latency
userspace netifd dhcp pap ipip
9600 115200 xonxoff vt100
"""
SAMPLES = [*TEXTS.split(), VERIFIER, "up"]


@pytest.mark.parametrize("spec", SECTIONS.values(), ids=list(SECTIONS))
def test_no_rule_refuses_what_the_parser_takes(spec):
    for word, option in zip(rules(spec), spec.options, strict=True):
        name, datatype = word.split(":")[:2]
        assert name == option.name
        datatype = re.sub(r"^list\((.*)\)$", r"\1", datatype)
        good = [text for text in SAMPLES if parsed(option, text)]
        assert good, f"{spec.type}.{name}: no sample for its kind"
        assert [text for text in good if not taken(datatype, text)] == []
        if option.read.pattern:
            assert [text for text in good if not re.fullmatch(option.read.pattern, text)] == []
            assert not re.fullmatch(option.read.pattern, "no such <thing>")
        if option.read.words:
            assert [text for text in SAMPLES if taken(datatype, text)] == good


def parsed(option, text):
    try:
        option.read(text)
    except ValueError:
        return False
    return True


def test_a_number_out_of_range_is_refused_by_both():
    with pytest.raises(ConfigErrors, match=r"10\.\.65535"):
        load(f"{UPLINK}{NODE}\toption lifetime 9\n", "x")
    rule = next(word for word in rules(SECTIONS["mobile_node"]) if word.startswith("lifetime:"))
    assert rule == "lifetime:and(uinteger,range(10,65535)):1800"


def test_the_command_prints_them_for_people_and_for_programs(capsys):
    assert main(["options"]) == 0
    assert capsys.readouterr().out == TABLE.read_text()
    assert main(["options", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == as_json()
    flow = next(section for section in found if section["type"] == "flow")
    action = next(option for option in flow["options"] if option["name"] == "action")
    assert action["choices"] == ["prefer", "balance", "lowest-latency"]
    assert main(["options", "--format", "rules"]) == 0
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert '\'udp_tunnel:or("auto","force","off"):auto\'' in lines["mobile_node"]
