"""Every section and option there is: the one source of what may stand in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.config import cellular, kinds
from router.config.kind import Kind

__all__ = ["SECTIONS", "OptionSpec", "SectionSpec"]


@dataclass(frozen=True)
class OptionSpec:
    name: str
    read: Kind[Any]
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
_OCTETS = kinds.whole(0, 1_000_000_000, "octets")
_UPLINK_MTU = kinds.unless("auto", kinds.whole(576, 65535, "octets"))
_ENABLED = OptionSpec("enabled", kinds.boolean, "0 leaves the section out")

_SECURITY = (
    OptionSpec("spi", kinds.whole(256, 0xFFFFFFFF), "security parameter index", required=True),
    OptionSpec("key", kinds.key, "shared key: text, or hexadecimal behind 0x", required=True, secret=True),
    OptionSpec(
        "algorithm", kinds.choice("hmac-md5", "hmac-sha1", "hmac-sha256", "keyed-md5"), "of the authenticator"
    ),
    OptionSpec("tolerance", kinds.whole(1, 300, "seconds"), "clock difference that is borne"),
)
_AAA = (
    OptionSpec(
        "aaa_spi", kinds.whole(256, 0xFFFFFFFF), "index of the key shared with the AAA server (RFC 4721)"
    ),
    OptionSpec("aaa_key", kinds.key, "that key", secret=True),
)
_NAI = OptionSpec("nai", kinds.nai, "network access identifier (RFC 2794)")
_REVERSE = OptionSpec(
    "reverse_tunnel", kinds.choice("optional", "required", "off"), "what T must be (RFC 3024)"
)
_STRICT = OptionSpec("strict_reserved", kinds.boolean, "refuse requests with reserved flags set")
_REVOCATION = OptionSpec("revocation", kinds.boolean, "take part in registration revocation (RFC 3543)")
_ADVERTISE = OptionSpec("advertise_interval", kinds.whole(1, 1800, "seconds"), "between agent advertisements")
_PLANE = (
    OptionSpec("plane", kinds.choice("auto", "kernel", "userspace"), "who carries the packets"),
    OptionSpec("mark_mask", kinds.bits, "mark bits that are roamd's"),
    OptionSpec("table_base", kinds.whole(256, 0x7FFFFFFF - 32), "first of 32 routing tables"),
    OptionSpec("rule_priority", kinds.whole(1, 32000), "first of 64 rule priorities"),
    OptionSpec("fou_port", kinds.whole(1, 65535), "UDP port of the kernel's listener; never seen on a wire"),
)
_GRE = OptionSpec("gre", kinds.boolean, "offer GRE (RFC 2784, with keys RFC 6245)")
_MODEM = (
    OptionSpec("usb", cellular.usb, "where the modem is plugged: bus and port"),
    OptionSpec("imei", cellular.imei, "IMEI of the modem"),
    OptionSpec("session", kinds.choice("netifd", "at", "ppp"), "who brings the data session up"),
    OptionSpec("cid", kinds.whole(1, 16), "number of the PDP context"),
    OptionSpec("apn", cellular.apn, "access point name"),
    OptionSpec("auth", kinds.choice("none", "pap", "chap"), "how the access point asks who we are"),
    OptionSpec("username", cellular.word, "for the access point"),
    OptionSpec("password", cellular.word, "for the access point", secret=True),
    OptionSpec(
        "addressing", kinds.choice("auto", "static", "dhcp"), "how the modem's device gets its address"
    ),
    OptionSpec("pin", cellular.pin, "of the SIM; tried once", secret=True),
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
                OptionSpec("ubus", kinds.path, "socket of OpenWrt's ubus; nothing there: done without"),
                OptionSpec("state", kinds.path, "folder for what must outlive a reboot"),
                OptionSpec(
                    "log_level", kinds.choice("debug", "info", "warning", "error"), "least level logged"
                ),
                OptionSpec("events", kinds.path, "file that keeps the last 400 events over a restart"),
                OptionSpec("record", kinds.path, "file for what is decided of flows, and from what"),
                OptionSpec("record_size", kinds.whole(1, 1024, "MB"), "of that file, and of the one before"),
            ),
            single=True,
        ),
        SectionSpec(
            "mobile_node",
            "this machine is a mobile node or mobile router",
            (
                OptionSpec(
                    "home_address", kinds.address, "our address; 0.0.0.0 to be assigned one", required=True
                ),
                OptionSpec("home_agent", kinds.address, "who keeps our bindings", required=True),
                *_SECURITY,
                _NAI,
                *_AAA,
                OptionSpec("multipath", kinds.boolean, "register every uplink (RFC 7629)"),
                OptionSpec("overwrite", kinds.boolean, "set O when a care-of address changed"),
                OptionSpec(
                    "refresh", kinds.choice("each", "bulk"), "refresh bindings one by one or all at once"
                ),
                OptionSpec(
                    "flow_bindings", kinds.boolean, "tell the home agent the flow sections (RFC 7629)"
                ),
                _REVOCATION,
                OptionSpec("mobile_network", kinds.prefix, "prefix behind this router (RFC 5177)", many=True),
                OptionSpec(
                    "delegated_length", kinds.whole(0, 30), "ask for a prefix of this length (RFC 6626)"
                ),
                OptionSpec("lan_device", kinds.device, "device whose traffic is carried", many=True),
                OptionSpec("lifetime", _SECONDS, "registration lifetime asked for"),
                _UDP,
                OptionSpec("keepalive", _SECONDS, "seconds between keepalives behind NAT"),
                OptionSpec("damping", kinds.boolean, "leave a path alone that comes and goes"),
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
                _GRE,
                OptionSpec("simultaneous", kinds.boolean, "keep several bindings for S (RFC 5944)"),
                _REVERSE,
                _STRICT,
                OptionSpec(
                    "strict_replay", kinds.boolean, "one order of time stamps over all bindings of a node"
                ),
                _REVOCATION,
                OptionSpec("reflector", kinds.boolean, "answer STAMP packets out of tunnels (RFC 8762)"),
                OptionSpec("redirect", kinds.address, "home agent to send mobile nodes to (RFC 4433)"),
                OptionSpec("device", kinds.device, "home link; without it the home network is virtual"),
                _ADVERTISE,
                OptionSpec(
                    "prefix_pool", kinds.prefix, "to delegate mobile networks from (RFC 6626)", many=True
                ),
                OptionSpec(
                    "prefix_length",
                    kinds.whole(1, 30),
                    "of a delegated prefix, unless a longer one is asked for",
                ),
                *_PLANE,
            ),
            single=True,
        ),
        SectionSpec(
            "foreign_agent",
            "this machine is a foreign agent",
            (
                OptionSpec("device", kinds.device, "device mobile nodes visit on", required=True),
                OptionSpec("care_of_address", kinds.address, "address lent to them", required=True),
                OptionSpec("max_lifetime", _SECONDS, "longest lifetime offered"),
                _ADVERTISE,
                OptionSpec(
                    "registration_required", kinds.boolean, "also nodes with an own care-of address (R)"
                ),
                _REVERSE,
                OptionSpec("encapsulating_delivery", kinds.boolean, "offer that delivery style (RFC 3024)"),
                _GRE,
                OptionSpec("challenge", kinds.boolean, "demand answers to challenges (RFC 4721)"),
                OptionSpec(
                    "challenge_window", kinds.whole(2, 64), "of those advertised last so many are good"
                ),
                _REVOCATION,
                _STRICT,
                OptionSpec("max_pending", kinds.whole(1, 65535), "most requests relayed and unanswered"),
                OptionSpec("max_visitors", kinds.whole(1, 65535), "most visitors"),
                *_PLANE,
            ),
            single=True,
        ),
        SectionSpec(
            "peer",
            "an agent we share a key with: foreign agent, or home agent",
            (
                OptionSpec("address", kinds.address, "its address, or care-of address", required=True),
                *_SECURITY,
            ),
            named=True,
        ),
        SectionSpec(
            "visitor",
            "a mobile node that shares a key with this foreign agent",
            (OptionSpec("home_address", kinds.address, "its address", required=True), *_SECURITY),
            named=True,
        ),
        SectionSpec(
            "uplink",
            "one way out of the vehicle",
            (
                OptionSpec(
                    "type", kinds.choice("ethernet", "wifi", "cellular"), "kind of link", required=True
                ),
                OptionSpec("network", kinds.network, "interface in /etc/config/network that has the device"),
                OptionSpec("device", kinds.device, "network device, instead of network"),
                OptionSpec("tty", cellular.port, "AT port of the modem"),
                *_MODEM,
                OptionSpec("bid", kinds.whole(1, 15), "Binding ID; lowest free one by default"),
                OptionSpec("label", kinds.whole(1, 255), "If-Label (RFC 7629)"),
                OptionSpec("bandwidth", _ANY_RATE, "both directions"),
                OptionSpec("bandwidth_down", _ANY_RATE, "towards us"),
                OptionSpec("bandwidth_up", _ANY_RATE, "away from us"),
                OptionSpec("gateway", kinds.address, "instead of the one in the routing table"),
                OptionSpec("care_of", kinds.choice("colocated", "foreign", "auto"), "whose care-of address"),
                OptionSpec(
                    "encapsulation", kinds.choice("auto", "ipip", "gre", "udp"), "how packets are tunnelled"
                ),
                OptionSpec("mtu", _UPLINK_MTU, "of the path to the home agent; auto finds it out"),
                OptionSpec(
                    "metered", kinds.boolean, "octets cost: flows only while nothing else lives, few probes"
                ),
                OptionSpec("roaming", kinds.boolean, "0: not in a foreign network"),
                OptionSpec("cap", kinds.whole(1, 10_000_000, "MB"), "most of both directions in a period"),
                OptionSpec("cap_day", kinds.whole(1, 28), "day of the month on which a period begins"),
                OptionSpec("probe_budget", _OCTETS, "a day, for probes of the path"),
                _ENABLED,
            ),
            named=True,
        ),
        SectionSpec(
            "flow",
            "traffic that prefers certain uplinks",
            (
                OptionSpec("action", kinds.choice("prefer", "balance", "lowest-latency"), "what is done"),
                OptionSpec("uplink", kinds.name, "names, most preferred first", many=True),
                OptionSpec(
                    "label",
                    kinds.whole(1, 255),
                    "If-Labels, most preferred first; all a home agent knows",
                    many=True,
                ),
                OptionSpec("mobile", kinds.name, "home agent: mobile nodes meant; all by default", many=True),
                OptionSpec("drop", kinds.boolean, "drop what matches"),
                OptionSpec("proto", kinds.protocol, "transport protocol"),
                OptionSpec("src_prefix", kinds.prefix, "source", many=True),
                OptionSpec("dest_prefix", kinds.prefix, "destination", many=True),
                OptionSpec("src_port", kinds.ports, "source ports", many=True),
                OptionSpec("dest_port", kinds.ports, "destination ports", many=True),
                OptionSpec("dscp", kinds.dscp, "DiffServ code points", many=True),
                OptionSpec("set", kinds.word, "destinations that others put into the nftables set set_NAME"),
                OptionSpec("in_device", kinds.device, "device the flow comes in by", many=True),
                OptionSpec("mac", kinds.mac, "link addresses of hosts behind the router", many=True),
                OptionSpec("day", kinds.days, "days of the week", many=True),
                OptionSpec("hours", kinds.hours, "times of the day, local time", many=True),
                OptionSpec("spi", kinds.spis, "security parameter indexes of ESP", many=True),
                _ENABLED,
            ),
            named=True,
        ),
        SectionSpec(
            "mobile",
            "a mobile node this home agent serves",
            (
                OptionSpec(
                    "home_address", kinds.address, "its address; 0.0.0.0 to assign one", required=True
                ),
                *_SECURITY,
                _NAI,
                *_AAA,
                OptionSpec("mobile_network", kinds.prefix, "prefix behind it (RFC 5177)", many=True),
                OptionSpec("delegation", kinds.boolean, "may have a prefix from the pool (RFC 6626)"),
                OptionSpec("multipath", kinds.boolean, "several care-of addresses allowed"),
                OptionSpec("max_bindings", kinds.whole(1, 15), "most care-of addresses at once"),
                OptionSpec("flow_bindings", kinds.boolean, "its flow policies are followed (RFC 7629)"),
                OptionSpec("max_flow_bindings", kinds.whole(0, 255), "most flow policies it may have"),
            ),
            named=True,
        ),
        SectionSpec(
            "home_network",
            "addresses this home agent answers for",
            (
                OptionSpec("prefix", kinds.prefix, "of home addresses", required=True),
                OptionSpec("pool", kinds.addresses, "addresses to assign, first-last"),
            ),
        ),
        SectionSpec(
            "console",
            "the commands of roamctl on a serial line, by `roamd console`",
            (
                OptionSpec("tty", kinds.path, "the port", required=True),
                OptionSpec("speed", kinds.speed, "with 8 data bits, no parity, 1 stop bit"),
                OptionSpec("flow", kinds.choice("none", "xonxoff", "rtscts"), "flow control"),
                OptionSpec("login", kinds.boolean, "ask for the password"),
                OptionSpec("password", kinds.verifier, "as `roamd console --hash` prints it", secret=True),
                OptionSpec("timeout", kinds.whole(30, 86400, "seconds"), "without a key, then logged out"),
                OptionSpec(
                    "terminal",
                    kinds.choice("auto", "vt100", "dumb"),
                    "what is at the other end; auto: it is asked",
                ),
                OptionSpec("shell", kinds.boolean, "offer a shell"),
                _ENABLED,
            ),
        ),
    )
}
