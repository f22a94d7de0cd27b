"""From sections to `Config`: every value read, every relation checked, every error kept."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from router.config.cellular import modem_errors, modem_settings
from router.config.error import ConfigErrors
from router.config.model import (
    Config,
    Console,
    Flow,
    ForeignAgent,
    HomeAgent,
    HomeNetwork,
    Led,
    Mobile,
    MobileNode,
    Peer,
    PlaneSettings,
    SecurityAssociation,
    Uplink,
)
from router.config.reader import NOBODY, Reader, Values, nearest
from router.config.relations import check_relations
from router.config.uci import Package, Section

__all__ = ["check", "check_consoles"]

_MAX_BID = 15
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


class _Check(Reader):
    def __init__(self, package: Package, bids: Mapping[str, int]) -> None:
        super().__init__(package)
        self._bids = bids

    def run(self) -> Config:
        self.read_sections()
        uplinks = self._uplinks()
        mobiles = self._mobiles()
        config = Config(
            mobile_node=self.one("mobile_node", self._mobile_node),
            home_agent=self.one("home_agent", self._home_agent),
            foreign_agent=self.one("foreign_agent", self._foreign_agent),
            uplinks=uplinks,
            flows=self._flows(),
            mobiles=mobiles,
            home_networks=tuple(
                HomeNetwork(section.name or "", values["prefix"], values.get("pool"))
                for section, values in self.of("home_network")
                if "prefix" in values
            ),
            leds=self._leds({uplink.name for uplink in uplinks}),
            consoles=self._consoles(),
            **self._daemon(),
        )
        check_relations(self, config)
        if self.errors:
            raise ConfigErrors(self.errors)
        return config

    def consoles(self) -> tuple[Console, ...]:
        self.read_sections()
        consoles = self._consoles()
        if self.errors:
            raise ConfigErrors(self.errors)
        return consoles

    def daemon(self) -> Values:
        """Raises nothing."""
        self.read_sections()
        return self._daemon()

    def _leds(self, uplinks: set[str]) -> tuple[Led, ...]:
        found: list[Led] = []
        for section, values in self.of("led"):
            uplink = values.get("uplink")
            if uplink is not None and uplink not in uplinks:
                self.error(section, section.options["uplink"], f"no such uplink{nearest(uplink, uplinks)}")
            if any(values.get("led") == other.led for other in found):
                self.error(section, section.options["led"], "another section has this LED")
            chosen = {name: tuple(values[name]) for name in ("on", "blink") if name in values}
            # Who says when it is lit means that it is dark otherwise.
            found.append(
                Led(
                    section.name or "",
                    values.get("led", ""),
                    uplink,
                    **({"blink": ()} | chosen if chosen else {}),
                )
            )
        return tuple(found)

    def _daemon(self) -> Values:
        for _, values in self.of("roamd"):
            return dict(values)
        return {}

    def _consoles(self) -> tuple[Console, ...]:
        made: list[Console] = []
        for section, values in self.of("console"):
            if values.get("login", True) and "password" not in section.options:
                self.error(section, None, "option password is missing: `roamd console --hash` makes one")
            if "tty" in values:
                if any(console.tty == values["tty"] for console in made):
                    self.error(section, None, f"{values['tty']} has a console already")
                made.append(Console(**{name: value for name, value in values.items() if name != "enabled"}))
        return tuple(made)

    def _uplinks(self) -> tuple[Uplink, ...]:
        sections = self.of("uplink")
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
                self.error(section, None, f"more than {_MAX_BID} uplinks")
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
            self.distinct(sections, name)
        return tuple(result)

    def _check_uplink(self, section: Section, values: Values) -> None:
        cellular = values["type"] == "cellular"
        if not cellular and not values.get("roaming", True):
            self.error(section, section.options["roaming"], "only a cellular uplink roams")
        if "cap_day" in values and "cap" not in values:
            self.error(section, section.options["cap_day"], "wants option cap")
        if not cellular and not {"device", "network"} & set(section.options):
            self.error(section, None, "option network (or device) is missing")
        if {"device", "network"} <= set(section.options):
            self.error(section, section.options["device"], "and network: leave one of them out")
        for name, message in modem_errors(values):
            self.error(section, section.options[name], message, hidden=name in ("password", "pin"))

    def _flows(self) -> tuple[Flow, ...]:
        # Every uplink section counts, also a disabled or faulty one: the flow is not at fault.
        uplinks = [item.name for item in self.package.sections if item.type == "uplink" and item.name]
        result = []
        for section, values in self.of("flow"):
            for name in values.get("uplink", ()):
                if name not in uplinks:
                    message = f"no uplink '{name}'{nearest(name, uplinks)}"
                    self.error(section, section.options["uplink"], message)
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
                self.error(section, section.options[name], "ports want proto tcp or udp")
        if "spi" in values and proto not in (None, "any", "50"):
            self.error(section, section.options["spi"], "is ESP's: leave proto out")
        action = values.get("action", "prefer")
        if action == "prefer" and not {"uplink", "label", "drop"} & set(section.options):
            self.error(
                section, None, "says not where to: wants list uplink (or, at a home agent, list label)"
            )
        if values.get("drop") and {"action", "uplink", "label"} & set(section.options):
            self.error(section, section.options["drop"], "and somewhere to go: leave one of them out")
        if not any(item.type == "mobile_node" for item in self.package.sections):
            for name in ("action", "set", "mac", "day", "hours"):
                if name in section.options:
                    message = "is for a mobile node's own policies: a home agent's has none"
                    self.error(section, section.options[name], message)
        mobiles = [item.name for item in self.package.sections if item.type == "mobile" and item.name]
        for name in values.get("mobile", ()):
            if name not in mobiles:
                self.error(section, section.options["mobile"], f"no mobile '{name}'{nearest(name, mobiles)}")

    def _mobiles(self) -> tuple[Mobile, ...]:
        sections = [item for item in self.of("mobile") if self.complete(*item)]
        self.distinct([item for item in sections if item[1]["home_address"] != NOBODY], "home_address")
        self.distinct(sections, "nai")
        for section, values in sections:
            if values["home_address"] == NOBODY and "nai" not in values:
                self.error(
                    section, section.options["home_address"], "wants option nai: who else would it be?"
                )
        networks: list[tuple[IPv4Network, Section]] = []
        for section, values in sections:
            for network in values.get("mobile_network", ()):
                for other, owner in networks:
                    if network.overlaps(other):
                        message = f"{network} overlaps {other} of {owner.label}"
                        self.error(section, section.options["mobile_network"], message)
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
        sections = [item for item in self.of("peer") if self.complete(*item)]
        self.distinct(sections, "address")
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
        sections = [item for item in self.of("visitor") if self.complete(*item)]
        self.distinct(sections, "home_address")
        visitors = [
            Peer(section.name or "", found["home_address"], _security(found)) for section, found in sections
        ]
        names = {name: values[name] for name in _FOREIGN_AGENT if name in values}
        return ForeignAgent(peers=self._peers(), visitors=tuple(visitors), plane=_plane(values), **names)


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
