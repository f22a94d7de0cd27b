"""From sections to `Config`: every value read, every relation checked, every error kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from router.config.cellular import modem_errors, modem_settings
from router.config.error import ConfigError, ConfigErrors
from router.config.model import (
    Config,
    Console,
    Flow,
    ForeignAgent,
    HomeAgent,
    HomeNetwork,
    Mobile,
    MobileNode,
    Peer,
    PlaneSettings,
    SecurityAssociation,
    Uplink,
)
from router.config.schema import SECTIONS, SectionSpec
from router.config.uci import Option, Package, Section

__all__ = ["check", "check_consoles"]

Values = dict[str, Any]
_MAX_BID = 15
_NOBODY = IPv4Address("0.0.0.0")
_WITH_PORTS = ("tcp", "udp", "33", "132", "136")
_MOBILE_NODE = (
    "lifetime", "udp_tunnel", "keepalive", "nai", "multipath", "overwrite", "refresh", "flow_bindings", "revocation",
    "delegated_length", "damping",
)  # fmt: skip
_HOME_AGENT = (
    "address", "max_lifetime", "nat_lifetime", "keepalive", "udp_tunnel", "gre", "simultaneous", "reverse_tunnel",
    "strict_reserved", "strict_replay", "revocation", "reflector", "redirect", "device", "advertise_interval", "prefix_pool",
    "prefix_length",
)  # fmt: skip
_FOREIGN_AGENT = (
    "device", "care_of_address", "max_lifetime", "advertise_interval", "registration_required", "reverse_tunnel",
    "encapsulating_delivery", "gre", "challenge", "challenge_window", "revocation", "strict_reserved", "max_pending",
    "max_visitors",
)  # fmt: skip
_LIMITS = ("metered", "roaming", "cap", "cap_day", "probe_budget")
_FLOW = {
    "action": "action", "uplink": "uplinks", "src_prefix": "src_prefixes", "dest_prefix": "dest_prefixes",
    "src_port": "src_ports", "dest_port": "dest_ports", "dscp": "dscp", "in_device": "in_devices", "spi": "spis",
    "label": "labels", "mobile": "mobiles", "drop": "drop", "set": "dest_set", "mac": "macs", "hours": "hours",
}  # fmt: skip
"""Options that become a field as they are."""
_MOBILE = ("nai", "delegation", "multipath", "max_bindings", "flow_bindings", "max_flow_bindings")


def check(package: Package, bids: Mapping[str, int] | None = None) -> Config:
    """The configuration of `package`.  Raises ConfigErrors with every error, the parser's included.

    An uplink without `option bid` has the one that stands in `bids`, while no other claims it.
    """
    return _Check(package, bids or {}).run()


def check_consoles(package: Package) -> tuple[tuple[Console, ...], str]:
    """The consoles and the control socket, whatever else is wrong in `package`.

    Raises ConfigErrors with what is wrong with the consoles.
    """
    daemon = _Check(Package(package.filename, _only(package, "roamd")), {})
    consoles = _Check(Package(package.filename, _only(package, "console")), {})
    return consoles.consoles(), str(daemon.daemon().get("control", Config.control))


def _only(package: Package, kind: str) -> list[Section]:
    return [section for section in package.sections if section.type == kind]


class _Check:
    def __init__(self, package: Package, bids: Mapping[str, int]) -> None:
        self._package = package
        self._bids = bids
        self._errors = list(package.errors)
        self._read: list[tuple[Section, Values]] = []

    def run(self) -> Config:
        self._sections()
        uplinks = self._uplinks()
        mobiles = self._mobiles()
        config = Config(
            mobile_node=self._one("mobile_node", self._mobile_node),
            home_agent=self._one("home_agent", self._home_agent),
            foreign_agent=self._one("foreign_agent", self._foreign_agent),
            uplinks=uplinks,
            flows=self._flows(),
            mobiles=mobiles,
            home_networks=tuple(
                HomeNetwork(section.name or "", values["prefix"], values.get("pool"))
                for section, values in self._of("home_network")
                if "prefix" in values
            ),
            consoles=self._consoles(),
            **self._daemon(),
        )
        self._relations(config)
        if self._errors:
            raise ConfigErrors(self._errors)
        return config

    def consoles(self) -> tuple[Console, ...]:
        self._sections()
        consoles = self._consoles()
        if self._errors:
            raise ConfigErrors(self._errors)
        return consoles

    def daemon(self) -> Values:
        """Raises nothing."""
        self._sections()
        return self._daemon()

    def _sections(self) -> None:
        for section in self._package.sections:
            self._section(section)

    def _section(self, section: Section) -> None:
        spec = SECTIONS.get(section.type)
        if spec is None:
            self._error(section, None, f"unknown section type{_nearest(section.type, SECTIONS)}")
            return
        if spec.single and any(other.type == section.type for other, _ in self._read):
            self._error(section, None, f"only one {section.type} section is allowed")
            return
        if spec.named and section.name is None:
            self._error(section, None, f"wants a name: config {section.type} 'NAME'")
        values: Values = {}
        for option in section.options.values():
            self._option(section, spec, option, values)
        missing = [item.name for item in spec.options if item.required and item.name not in section.options]
        for name in missing:
            self._error(section, None, f"option {name} is missing")
        if values.get("enabled", True):
            self._read.append((section, values))

    def _option(self, section: Section, spec: SectionSpec, option: Option, values: Values) -> None:
        known = spec.option(option.name)
        if known is None:
            names = [item.name for item in spec.options]
            self._error(
                section, None, f"unknown option {option.name}{_nearest(option.name, names)}", option.line
            )
            return
        if option.is_list and not known.many:
            self._error(section, option, "takes one value: write option, not list", hidden=known.secret)
            return
        read = []
        # A list may be written in one option too, divided by blanks, as UCI's own users do.
        texts = [word for value in option.values for word in value.split()] if known.many else option.values
        for text in texts:
            try:
                read.append(known.read(text))
            except ValueError as error:
                shown = "<hidden>" if known.secret else text
                self._errors.append(
                    ConfigError(
                        self._package.filename, option.line, section.label, option.name, shown, str(error)
                    )
                )
        if read:
            values[option.name] = tuple(read) if known.many else read[0]

    def _of(self, kind: str) -> list[tuple[Section, Values]]:
        return [(section, values) for section, values in self._read if section.type == kind]

    def _one(self, kind: str, make: Any) -> Any:
        for section, values in self._of(kind):
            if self._complete(section, values):
                return make(dict(values))
        return None

    @staticmethod
    def _complete(section: Section, values: Values) -> bool:
        spec = SECTIONS[section.type]
        return all(item.name in values for item in spec.options if item.required)

    def _daemon(self) -> Values:
        for _, values in self._of("roamd"):
            return dict(values)
        return {}

    def _consoles(self) -> tuple[Console, ...]:
        made: list[Console] = []
        for section, values in self._of("console"):
            if values.get("login", True) and "password" not in section.options:
                self._error(section, None, "option password is missing: `roamd console --hash` makes one")
            if "tty" in values:
                if any(console.tty == values["tty"] for console in made):
                    self._error(section, None, f"{values['tty']} has a console already")
                made.append(Console(**{name: value for name, value in values.items() if name != "enabled"}))
        return tuple(made)

    def _uplinks(self) -> tuple[Uplink, ...]:
        sections = self._of("uplink")
        taken = {values["bid"] for _, values in sections if "bid" in values}
        had = {
            name: self._bids[name]
            for name, values in ((section.name or "", values) for section, values in sections)
            if name in self._bids and "bid" not in values and self._bids[name] not in taken
        }
        taken |= set(had.values())
        free = (bid for bid in range(1, _MAX_BID + 1) if bid not in taken)
        result = []
        for section, values in sections:
            bid = values.get("bid") or had.get(section.name or "") or next(free, None)
            if bid is None:
                self._error(section, None, f"more than {_MAX_BID} uplinks")
                continue
            if "type" not in values:
                continue
            self._check_uplink(section, values)
            both = values.get("bandwidth")
            result.append(
                Uplink(
                    name=section.name or "",
                    bid=bid,
                    kind=values["type"],
                    device=values.get("device"),
                    network=values.get("network"),
                    tty=values.get("tty"),
                    usb=values.get("usb"),
                    imei=values.get("imei"),
                    label=values.get("label", 1),
                    bandwidth_down=values.get("bandwidth_down", both),
                    bandwidth_up=values.get("bandwidth_up", both),
                    gateway=values.get("gateway"),
                    care_of=values.get("care_of", "colocated"),
                    encapsulation=values.get("encapsulation", "auto"),
                    modem=modem_settings(values),
                    mtu=values.get("mtu"),
                    **{name: values[name] for name in _LIMITS if name in values},
                )
            )
        for name in ("bid", "device", "network", "tty", "usb", "imei"):
            self._distinct(sections, name)
        return tuple(result)

    def _check_uplink(self, section: Section, values: Values) -> None:
        cellular = values["type"] == "cellular"
        if not cellular and not values.get("roaming", True):
            self._error(section, section.options["roaming"], "only a cellular uplink roams")
        if "cap_day" in values and "cap" not in values:
            self._error(section, section.options["cap_day"], "wants option cap")
        if not cellular and not {"device", "network"} & set(section.options):
            self._error(section, None, "option network (or device) is missing")
        if {"device", "network"} <= set(section.options):
            self._error(section, section.options["device"], "and network: leave one of them out")
        for name, message in modem_errors(values):
            self._error(section, section.options[name], message, hidden=name in ("password", "pin"))

    def _distinct(self, sections: Iterable[tuple[Section, Values]], name: str) -> None:
        seen: dict[Any, Section] = {}
        for section, values in sections:
            if name not in values:
                continue
            first = seen.setdefault(values[name], section)
            if first is not section:
                self._error(
                    section, section.options[name], f"{first.label} in line {first.line} has it already"
                )

    def _flows(self) -> tuple[Flow, ...]:
        # Every uplink section counts, also a disabled or faulty one: the flow is not at fault.
        uplinks = [item.name for item in self._package.sections if item.type == "uplink" and item.name]
        result = []
        for section, values in self._of("flow"):
            for name in values.get("uplink", ()):
                if name not in uplinks:
                    message = f"no uplink '{name}'{_nearest(name, uplinks)}"
                    self._error(section, section.options["uplink"], message)
            self._check_flow(section, values)
            proto = values.get("proto")
            fields = {field: values[name] for name, field in _FLOW.items() if name in values}
            result.append(
                Flow(
                    name=section.name or "",
                    **{"uplinks": (), **fields},
                    proto=None if proto == "any" else proto,
                    days=tuple(sorted({day for found in values.get("day", ()) for day in found})),
                )
            )
        return tuple(result)

    def _check_flow(self, section: Section, values: Values) -> None:
        proto = values.get("proto")
        for name in ("src_port", "dest_port"):
            if name in values and proto not in _WITH_PORTS:
                self._error(section, section.options[name], "ports want proto tcp or udp")
        if "spi" in values and proto not in (None, "any", "50"):
            self._error(section, section.options["spi"], "is ESP's: leave proto out")
        action = values.get("action", "prefer")
        if action == "prefer" and not {"uplink", "label", "drop"} & set(section.options):
            self._error(
                section, None, "says not where to: wants list uplink (or, at a home agent, list label)"
            )
        if values.get("drop") and {"action", "uplink", "label"} & set(section.options):
            self._error(section, section.options["drop"], "and somewhere to go: leave one of them out")
        if not any(item.type == "mobile_node" for item in self._package.sections):
            for name in ("action", "set", "mac", "day", "hours"):
                if name in section.options:
                    message = "is for a mobile node's own policies: a home agent's has none"
                    self._error(section, section.options[name], message)
        mobiles = [item.name for item in self._package.sections if item.type == "mobile" and item.name]
        for name in values.get("mobile", ()):
            if name not in mobiles:
                self._error(
                    section, section.options["mobile"], f"no mobile '{name}'{_nearest(name, mobiles)}"
                )

    def _mobiles(self) -> tuple[Mobile, ...]:
        sections = [item for item in self._of("mobile") if self._complete(*item)]
        self._distinct([item for item in sections if item[1]["home_address"] != _NOBODY], "home_address")
        self._distinct(sections, "nai")
        for section, values in sections:
            if values["home_address"] == _NOBODY and "nai" not in values:
                self._error(
                    section, section.options["home_address"], "wants option nai: who else would it be?"
                )
        networks: list[tuple[IPv4Network, Section]] = []
        for section, values in sections:
            for network in values.get("mobile_network", ()):
                for other, owner in networks:
                    if network.overlaps(other):
                        message = f"{network} overlaps {other} of {owner.label}"
                        self._error(section, section.options["mobile_network"], message)
                networks.append((network, section))
        return tuple(
            Mobile(
                name=section.name or "",
                home_address=values["home_address"],
                security=_security(values),
                mobile_networks=values.get("mobile_network", ()),
                aaa=_aaa(values),
                **{name: values[name] for name in _MOBILE if name in values},
            )
            for section, values in sections
        )

    def _peers(self) -> tuple[Peer, ...]:
        sections = [item for item in self._of("peer") if self._complete(*item)]
        self._distinct(sections, "address")
        return tuple(
            Peer(section.name or "", values["address"], _security(values)) for section, values in sections
        )

    def _mobile_node(self, values: Values) -> MobileNode:
        return MobileNode(
            home_address=values["home_address"],
            home_agent=values["home_agent"],
            security=_security(values),
            aaa=_aaa(values),
            foreign_agents=self._peers(),
            mobile_networks=values.get("mobile_network", ()),
            lan_devices=values.get("lan_device", ()),
            plane=_plane(values),
            **{name: values[name] for name in _MOBILE_NODE if name in values},
        )

    def _home_agent(self, values: Values) -> HomeAgent:
        names = {name: values[name] for name in _HOME_AGENT if name in values}
        return HomeAgent(peers=self._peers(), plane=_plane(values), **names)

    def _foreign_agent(self, values: Values) -> ForeignAgent:
        sections = [item for item in self._of("visitor") if self._complete(*item)]
        self._distinct(sections, "home_address")
        visitors = [
            Peer(section.name or "", found["home_address"], _security(found)) for section, found in sections
        ]
        names = {name: values[name] for name in _FOREIGN_AGENT if name in values}
        return ForeignAgent(peers=self._peers(), visitors=tuple(visitors), plane=_plane(values), **names)

    def _check_dynamic(self) -> None:
        """0.0.0.0 leaves a choice to the network, which wants to know who asks, and whom to ask."""
        for section, values in self._of("mobile_node"):
            if values.get("home_address") == _NOBODY and "nai" not in values:
                self._error(
                    section, section.options["home_address"], "wants option nai, to be assigned one by"
                )
            direct = [name for _, item in self._of("uplink") if item.get("care_of", "colocated") == "colocated"
                      for name in [item.get("type")]]  # fmt: skip
            if values.get("home_agent") == _NOBODY and direct:
                message = "a home agent to be assigned wants care_of foreign on every uplink (RFC 4433)"
                self._error(section, section.options["home_agent"], message)

    def _check_planes(self) -> None:
        """Two roles in one kernel must not claim the same tables."""
        seen: dict[int, str] = {}
        for kind in ("mobile_node", "home_agent", "foreign_agent"):
            for section, values in self._of(kind):
                base = values.get("table_base", PlaneSettings.table_base)
                if base in seen:
                    message = f"has the table_base of {seen[base]}, {base}: give one of them another, and another rule_priority"
                    self._error(section, section.options.get("table_base"), message)
                seen[base] = kind

    def _check_encapsulations(self) -> None:
        off = any(values.get("udp_tunnel") == "off" for _, values in self._of("mobile_node"))
        for section, values in self._of("uplink") if off else ():
            if values.get("encapsulation") == "udp":
                self._error(
                    section, section.options["encapsulation"], "but udp_tunnel of the mobile_node is off"
                )

    def _relations(self, config: Config) -> None:
        self._check_dynamic()
        self._check_planes()
        roles = ("mobile_node", "home_agent", "foreign_agent")
        present = {section.type for section in self._package.sections}
        if not present & set(roles):
            self._whole(f"no role: wants one of the sections {', '.join(roles)}")
        if "mobile_node" in present and "uplink" not in present:
            self._whole("a mobile_node without any uplink section")
        self._check_encapsulations()
        homes = [network.prefix for network in config.home_networks]
        for section, values in self._of("mobile"):
            home = values.get("home_address")
            if homes and home not in (None, _NOBODY) and not any(home in prefix for prefix in homes):
                self._error(section, section.options["home_address"], "lies in no home_network")
        for section, values in (*self._of("mobile_node"), *self._of("home_agent")):
            mask = values.get("mark_mask", PlaneSettings.mark_mask)
            highest = mask >> ((mask & -mask).bit_length() - 1)
            bids = [uplink.bid for uplink in config.uplinks] if section.type == "mobile_node" else []
            if bids and max(bids) > highest:
                message = f"has room for path numbers up to {highest}, but an uplink has bid {max(bids)}"
                self._error(section, section.options["mark_mask"], message)

    def _whole(self, message: str) -> None:
        self._errors.append(ConfigError(self._package.filename, 1, None, None, None, message))

    def _error(
        self,
        section: Section,
        option: Option | None,
        message: str,
        line: int | None = None,
        *,
        hidden: bool = False,
    ) -> None:
        where = option.line if option is not None else section.line
        name = option.name if option is not None else None
        value = "<hidden>" if hidden else " ".join(option.values) if option is not None else None
        error = ConfigError(self._package.filename, line or where, section.label, name, value, message)
        self._errors.append(error)


def _security(values: Values) -> SecurityAssociation:
    names = ("spi", "key", "algorithm", "tolerance")
    return SecurityAssociation(**{name: values[name] for name in names if name in values})


def _aaa(values: Values) -> SecurityAssociation | None:
    if "aaa_spi" not in values or "aaa_key" not in values:
        return None
    return SecurityAssociation(values["aaa_spi"], values["aaa_key"])


def _plane(values: Values) -> PlaneSettings:
    names = ("mark_mask", "table_base", "rule_priority", "fou_port")
    return PlaneSettings(
        kind=values.get("plane", PlaneSettings.kind),
        **{name: values[name] for name in names if name in values},
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
