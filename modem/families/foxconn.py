"""Foxconn T99W175 and its kin, Thales MV31, Telit LN940: ^DEBUG?, lines of name:value pairs."""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import number, real


def words(lines: "list[str]") -> "list[tuple[str, str]]":
    """(name, value) in their order; a value may stand behind a space."""
    found: list[tuple[str, str]] = []
    for line in lines:
        for part in line.replace(",", " ").replace(":", ": ").split():
            if part[-1:] == ":":
                found.append((part[:-1].lower(), ""))
            elif found and found[-1][1] == "":
                found[-1] = (found[-1][0], part)
    return found


def _plain(text: str) -> "int | float | None":
    for unit in ("dBm", "dB", "MHz"):
        if text.endswith(unit):
            text = text[: -len(unit)]
    return real(text)


def debug(lines: "list[str]") -> "dict[str, object]":
    """^DEBUG?: RAT, mcc, mnc, lte_cell_id, lte_tac, then a group `pcell:` and groups `scell:` with lte_band,
    lte_band_width, channel, pci, lte_rsrp, rsrq, lte_rssi, lte_snr, and nr_ values of the second leg."""
    names: dict[str, str] = {}
    groups: list[tuple[str, dict[str, str]]] = []
    for name, value in words(lines):
        if name in ("pcell", "scell"):
            groups.append((name, {}))
        elif groups and name[:3] != "nr_" and name not in ("lte_tac", "lre_tac", "lte_cell_id"):
            groups[-1][1].setdefault(name, value)
        else:
            names.setdefault(name, value)
    if "rat" not in names:
        return {}
    return _facts(names, [(role, _carrier(group)) for role, group in groups])


def _facts(names: "dict[str, str]", groups: "list[tuple[str, dict[str, object]]]") -> "dict[str, object]":
    facts: dict[str, object] = {"technology": bands.technology(names["rat"])}
    facts["plmn"] = bands.plmn(names.get("mcc"), names.get("mnc"))
    put(facts, "tac", number(names.get("lte_tac") or names.get("lre_tac") or names.get("nr_tac")))
    put(facts, "cell_id", number(names.get("lte_cell_id") or names.get("nr_cell_id")))
    found = [dict(carrier, role="PCC" if role == "pcell" else "SCC") for role, carrier in groups]
    second = _second_leg(names)
    if second is not None:
        found.append(dict(second, role="SCC" if found else "PCC"))
    for name, value in found[0].items() if found else ():
        if name not in ("role", "technology"):
            facts[name] = value
    if found:
        facts["carriers"] = found
    return facts


def _carrier(group: "dict[str, str]") -> "dict[str, object]":
    carrier: dict[str, object] = {"technology": bands.LTE}
    carrier["band"] = bands.band(group.get("lte_band"), bands.LTE)
    put(carrier, "bandwidth_down", bands.by_mhz(_mhz(group.get("lte_band_width")), bands.LTE))
    put(carrier, "arfcn", number(group.get("channel")))
    put(carrier, "pci", number(group.get("pci")))
    put(carrier, "rsrp", _plain(group.get("lte_rsrp", "")))
    put(carrier, "rsrq", _plain(group.get("rsrq") or group.get("lte_rsrq", "")))
    put(carrier, "rssi", _plain(group.get("lte_rssi", "")))
    put(carrier, "sinr", _plain(group.get("lte_snr", "")))
    return carrier


def _second_leg(names: "dict[str, str]") -> "dict[str, object] | None":
    band = bands.band(names.get("nr_band"), bands.NR)
    if band is None:
        return None
    leg: dict[str, object] = {"technology": bands.NR, "band": band}
    put(leg, "bandwidth_down", bands.by_mhz(_mhz(names.get("nr_band_width")), bands.NR))
    put(leg, "arfcn", number(names.get("nr_channel")))
    put(leg, "pci", number(names.get("nr_pci")))
    put(leg, "rsrp", _plain(names.get("nr_rsrp", "")))
    put(leg, "rsrq", _plain(names.get("nr_rsrq", "")))
    put(leg, "sinr", _plain(names.get("nr_snr", "")))
    return leg


def _mhz(text: "str | None") -> "str | None":
    return text.replace(".0", "") if text else None


def temperature(lines: "list[str]") -> "dict[str, object]":
    """The hottest of ^TEMP?: `TSENS: 40C` a line."""
    hottest: int | float | None = None
    for line in lines:
        value = real(line.rsplit(":", 1)[-1].replace("C", "").strip())
        if value is not None and -60 < value < 150 and (hottest is None or value > hottest):
            hottest = value
    return {"temperature": hottest} if lines else {}


FAMILY = Family(
    "foxconn",
    **dict(
        generic.TABLE,
        usb=((0x1E2D, 0x00B3), (0x1E2D, 0x00B7), (0x05C6, 0x90D5), (0x413C, None)),
        roles={None: {2: "at", 3: "nmea", 4: "at", 5: "diag"}},
        state=generic.STATE_5G,
        signal=generic.SIGNAL + (Query("^DEBUG?", 5.0, debug),),
        slow=generic.SLOW_5G + (Query("^TEMP?", 5.0, temperature),),
        urc_setup=generic.URC_SETUP_5G,
    ),
)
