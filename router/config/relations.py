"""What options of several sections have to do with each other."""

from __future__ import annotations

from router.config.changes import ROLES
from router.config.model import Config, PlaneSettings
from router.config.reader import NOBODY, Reader

__all__ = ["check_relations"]


def check_relations(reader: Reader, config: Config) -> None:
    """Keep an error in `reader` for each."""
    _check_dynamic(reader)
    _check_planes(reader)
    present = {section.type for section in reader.package.sections}
    if not present & set(ROLES):
        reader.whole(f"no role: wants one of the sections {', '.join(ROLES)}")
    if "mobile_node" in present and "uplink" not in present:
        reader.whole("a mobile_node without any uplink section")
    _check_encapsulations(reader)
    homes = [network.prefix for network in config.home_networks]
    for section, values in reader.of("mobile"):
        home = values.get("home_address")
        if homes and home not in (None, NOBODY) and not any(home in prefix for prefix in homes):
            reader.error(section, section.options["home_address"], "lies in no home_network")
    for section, values in (*reader.of("mobile_node"), *reader.of("home_agent")):
        mask = values.get("mark_mask", PlaneSettings.mark_mask)
        highest = mask >> ((mask & -mask).bit_length() - 1)
        bids = [uplink.bid for uplink in config.uplinks] if section.type == "mobile_node" else []
        if bids and max(bids) > highest:
            message = f"has room for path numbers up to {highest}, but an uplink has bid {max(bids)}"
            reader.error(section, section.options["mark_mask"], message)


def _check_dynamic(reader: Reader) -> None:
    """0.0.0.0 leaves a choice to the network, which wants to know who asks, and whom to ask."""
    for section, values in reader.of("mobile_node"):
        if values.get("home_address") == NOBODY and "nai" not in values:
            reader.error(section, section.options["home_address"], "wants option nai, to be assigned one by")
        direct = [name for _, item in reader.of("uplink") if item.get("care_of", "colocated") == "colocated"
                  for name in [item.get("type")]]  # fmt: skip
        if values.get("home_agent") == NOBODY and direct:
            message = "a home agent to be assigned wants care_of foreign on every uplink (RFC 4433)"
            reader.error(section, section.options["home_agent"], message)


def _check_planes(reader: Reader) -> None:
    """Two roles in one kernel must not claim the same tables."""
    seen: dict[int, str] = {}
    for kind in ROLES:
        for section, values in reader.of(kind):
            base = values.get("table_base", PlaneSettings.table_base)
            if base in seen:
                message = f"has the table_base of {seen[base]}, {base}: give one of them another, and another rule_priority"
                reader.error(section, section.options.get("table_base"), message)
            seen[base] = kind


def _check_encapsulations(reader: Reader) -> None:
    off = any(values.get("udp_tunnel") == "off" for _, values in reader.of("mobile_node"))
    for section, values in reader.of("uplink") if off else ():
        if values.get("encapsulation") == "udp":
            reader.error(
                section, section.options["encapsulation"], "but udp_tunnel of the mobile_node is off"
            )
