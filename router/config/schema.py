"""Every section and option there is: the one source of what may stand in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from router.config import kinds

__all__ = ["SECTIONS", "OptionSpec", "SectionSpec"]


@dataclass(frozen=True)
class OptionSpec:
    name: str
    read: Callable[[str], Any]
    help: str
    required: bool = False
    many: bool = False
    secret: bool = False
    """Never shown in an error."""


@dataclass(frozen=True)
class SectionSpec:
    type: str
    help: str
    options: tuple[OptionSpec, ...]
    single: bool = False
    named: bool = False

    def option(self, name: str) -> OptionSpec | None:
        return next((item for item in self.options if item.name == name), None)


_ANY_RATE = kinds.whole(1, 10_000_000, "kbit/s")
_SECONDS = kinds.whole(10, 65535, "seconds")
_ENABLED = OptionSpec("enabled", kinds.boolean, "0 leaves the section out")

_SECURITY = (
    OptionSpec("spi", kinds.whole(256, 0xFFFFFFFF), "security parameter index", required=True),
    OptionSpec("key", kinds.key, "shared key: text, or hexadecimal behind 0x", required=True, secret=True),
    OptionSpec("algorithm", kinds.choice("hmac-md5", "hmac-sha256"), "of the authenticator"),
    OptionSpec("tolerance", kinds.whole(1, 300, "seconds"), "clock difference that is borne"),
)
_PLANE = (
    OptionSpec("plane", kinds.choice("auto", "kernel", "userspace"), "who carries the packets"),
    OptionSpec("mark_mask", kinds.bits, "mark bits that are roamd's"),
    OptionSpec("table_base", kinds.whole(256, 0x7FFFFFFF - 32), "first of 32 routing tables"),
    OptionSpec("rule_priority", kinds.whole(1, 32000), "first of 64 rule priorities"),
)
_UDP = OptionSpec("udp_tunnel", kinds.choice("auto", "force", "off"), "tunnels in UDP (RFC 3519)")

SECTIONS = {
    spec.type: spec
    for spec in (
        SectionSpec(
            "roamd",
            "the daemon itself",
            (
                OptionSpec("control", kinds.path, "Unix socket for roamctl"),
                OptionSpec(
                    "log_level", kinds.choice("debug", "info", "warning", "error"), "least level logged"
                ),
            ),
            single=True,
        ),
        SectionSpec(
            "mobile_node",
            "this machine is a mobile node or mobile router",
            (
                OptionSpec("home_address", kinds.address, "our address, wherever we are", required=True),
                OptionSpec("home_agent", kinds.address, "who keeps our bindings", required=True),
                *_SECURITY,
                OptionSpec("mobile_network", kinds.prefix, "prefix behind this router (RFC 5177)", many=True),
                OptionSpec("lan_device", kinds.device, "device whose traffic is carried", many=True),
                OptionSpec("lifetime", _SECONDS, "registration lifetime asked for"),
                _UDP,
                OptionSpec("keepalive", _SECONDS, "seconds between keepalives behind NAT"),
                *_PLANE,
            ),
            single=True,
        ),
        SectionSpec(
            "home_agent",
            "this machine is a home agent",
            (
                OptionSpec("address", kinds.address, "address mobile nodes register with", required=True),
                OptionSpec("max_lifetime", _SECONDS, "longest lifetime granted"),
                OptionSpec("nat_lifetime", _SECONDS, "longest lifetime granted behind NAT"),
                OptionSpec("keepalive", kinds.whole(0, 65535, "seconds"), "interval imposed; 0 imposes none"),
                _UDP,
                *_PLANE,
            ),
            single=True,
        ),
        SectionSpec(
            "foreign_agent",
            "checked, not served yet",
            (
                OptionSpec("device", kinds.device, "device mobile nodes visit on", required=True),
                OptionSpec("care_of_address", kinds.address, "address lent to them", required=True),
                OptionSpec("max_lifetime", _SECONDS, "longest lifetime offered"),
            ),
            single=True,
        ),
        SectionSpec(
            "uplink",
            "one way out of the vehicle",
            (
                OptionSpec(
                    "type", kinds.choice("ethernet", "wifi", "cellular"), "kind of link", required=True
                ),
                OptionSpec("device", kinds.device, "network device"),
                OptionSpec("tty", kinds.path, "AT port of the modem"),
                OptionSpec("bid", kinds.whole(1, 15), "Binding ID; lowest free one by default"),
                OptionSpec("label", kinds.whole(1, 255), "If-Label (RFC 7629)"),
                OptionSpec("bandwidth", _ANY_RATE, "both directions"),
                OptionSpec("bandwidth_down", _ANY_RATE, "towards us"),
                OptionSpec("bandwidth_up", _ANY_RATE, "away from us"),
                OptionSpec("gateway", kinds.address, "instead of the one in the routing table"),
                _ENABLED,
            ),
            named=True,
        ),
        SectionSpec(
            "flow",
            "traffic that prefers certain uplinks",
            (
                OptionSpec("uplink", str, "names, most preferred first", required=True, many=True),
                OptionSpec("proto", kinds.choice("tcp", "udp", "icmp", "any"), "transport protocol"),
                OptionSpec("src_prefix", kinds.prefix, "source", many=True),
                OptionSpec("dest_prefix", kinds.prefix, "destination", many=True),
                OptionSpec("src_port", kinds.ports, "source ports", many=True),
                OptionSpec("dest_port", kinds.ports, "destination ports", many=True),
                OptionSpec("dscp", kinds.dscp, "DiffServ code points", many=True),
                OptionSpec("in_device", kinds.device, "device the flow comes in by", many=True),
                _ENABLED,
            ),
            named=True,
        ),
        SectionSpec(
            "mobile",
            "a mobile node this home agent serves",
            (
                OptionSpec("home_address", kinds.address, "its address", required=True),
                *_SECURITY,
                OptionSpec("mobile_network", kinds.prefix, "prefix behind it (RFC 5177)", many=True),
                OptionSpec("multipath", kinds.boolean, "several care-of addresses allowed"),
                OptionSpec("max_bindings", kinds.whole(1, 15), "most care-of addresses at once"),
            ),
            named=True,
        ),
        SectionSpec(
            "home_network",
            "addresses this home agent answers for",
            (OptionSpec("prefix", kinds.prefix, "of home addresses", required=True),),
        ),
    )
}
