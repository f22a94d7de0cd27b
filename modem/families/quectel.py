"""Quectel of Qualcomm's make: EP06, EG06, EM12, EM160, RG50x, RM500Q, RM520N.

Formats of Quectel's AT command manuals (+QENG, +QCAINFO, +QNWINFO, +QTEMP).
"""

from modem import bands, network
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import fields, get, hexadecimal, name_of, named, number, quote, real, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Decibels = Callable[[str | None], int | float | None]
    Kilohertz = Callable[[int | None], int | None]

_DUPLEX = ("FDD", "TDD")
_SEARCHING = ("SEARCH",)


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """+QENG="servingcell": one line, or on EN-DC a line with the state and one for each leg."""
    return read_serving_cell(lines, _sinr, bands.nr_by_index)


def read_serving_cell(lines: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """The same with the model's own scales: `sinr(text)` in dB, `nr_bandwidth(number)` in kHz."""
    facts: dict[str, object] = {}
    legs = []
    for values in named(lines, "+QENG"):
        kind = values[0].upper()
        if kind == "SERVINGCELL":
            if get(values, 1) in _SEARCHING:
                return _nothing()
            values = values[2:]
            kind = (get(values, 0) or "").upper()
        reader = _READERS.get(kind)
        if reader is not None:
            leg = reader(values[1:], sinr, nr_bandwidth)
            legs.append((kind, leg))
    for kind, leg in legs:
        if kind != "NR5G-NSA":
            facts.update(leg)
    second = [leg for kind, leg in legs if kind == "NR5G-NSA" and leg.get("rsrp") is not None]
    if second:
        facts["technology"] = "EN-DC"
        facts["carriers"] = second
    return facts


def _nothing() -> "dict[str, object]":
    return dict.fromkeys(
        ("technology", "band", "tac", "cell_id", "pci", "arfcn", "rsrp", "rsrq", "rssi", "sinr")
    )


def _lte(values: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """duplex, mcc, mnc, cell, pci, earfcn, band, up, down, tac, rsrp, rsrq, rssi, sinr[, cqi, power], srxlev."""
    facts: dict[str, object] = {"technology": bands.LTE}
    if len(values) < 14:
        return facts
    facts["duplex"] = values[0].upper() if values[0].upper() in _DUPLEX else None
    facts["plmn"] = bands.plmn(values[1], values[2])
    put(facts, "cell_id", hexadecimal(values[3]))
    put(facts, "pci", number(values[4]))
    put(facts, "arfcn", number(values[5]))
    facts["band"] = bands.name(number(values[6]), bands.LTE)
    put(facts, "bandwidth_up", bands.lte_by_index(number(values[7])))
    put(facts, "bandwidth_down", bands.lte_by_index(number(values[8])))
    put(facts, "tac", hexadecimal(values[9]))
    put(facts, "rsrp", number(values[10]))
    put(facts, "rsrq", real(values[11]))
    put(facts, "rssi", number(values[12]))
    put(facts, "sinr", sinr(values[13]))
    if len(values) >= 17:
        put(facts, "cqi", number(values[14]))
    return facts


def _standalone(values: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """duplex, mcc, mnc, cell, pci, tac, arfcn, band, bandwidth, rsrp, rsrq, sinr, ..."""
    facts: dict[str, object] = {"technology": bands.NR}
    if len(values) < 12:
        return facts
    facts["duplex"] = values[0].upper() if values[0].upper() in _DUPLEX else None
    facts["plmn"] = bands.plmn(values[1], values[2])
    put(facts, "cell_id", hexadecimal(values[3]))
    put(facts, "pci", number(values[4]))
    put(facts, "tac", hexadecimal(values[5]))
    put(facts, "arfcn", number(values[6]))
    facts["band"] = bands.name(number(values[7]), bands.NR)
    put(facts, "bandwidth_down", nr_bandwidth(number(values[8])))
    put(facts, "rsrp", number(values[9]))
    put(facts, "rsrq", real(values[10]))
    put(facts, "sinr", real(values[11]))
    return facts


def _second_leg(values: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """mcc, mnc, pci, rsrp, sinr, rsrq, arfcn, band[, bandwidth, scs]."""
    leg: dict[str, object] = {"role": "SCC", "technology": bands.NR}
    if len(values) < 8:
        return leg
    put(leg, "pci", number(values[2]))
    put(leg, "rsrp", number(values[3]))
    put(leg, "sinr", real(values[4]))
    put(leg, "rsrq", real(values[5]))
    put(leg, "arfcn", number(values[6]))
    leg["band"] = bands.name(number(values[7]), bands.NR)
    if len(values) >= 9:
        put(leg, "bandwidth_down", nr_bandwidth(number(values[8])))
    return leg


def _wcdma(values: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """mcc, mnc, lac, cell, uarfcn, psc, rac, rscp, ecio, ..."""
    facts: dict[str, object] = {"technology": bands.UTRAN}
    if len(values) < 9:
        return facts
    facts["plmn"] = bands.plmn(values[0], values[1])
    put(facts, "tac", hexadecimal(values[2]))
    put(facts, "cell_id", hexadecimal(values[3]))
    put(facts, "arfcn", number(values[4]))
    put(facts, "rscp", number(values[7]))
    put(facts, "ecio", real(values[8]))
    return facts


def _gsm(values: "list[str]", sinr: "Decibels", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    """mcc, mnc, lac, cell, bsic, arfcn, band, rxlev, ..."""
    facts: dict[str, object] = {"technology": bands.GSM}
    if len(values) < 8:
        return facts
    facts["plmn"] = bands.plmn(values[0], values[1])
    put(facts, "tac", hexadecimal(values[2]))
    put(facts, "cell_id", hexadecimal(values[3]))
    put(facts, "arfcn", number(values[5]))
    level = number(values[7])
    if level is not None:
        put(facts, "rssi", level if level < 0 else level - 111)
    return facts


_READERS = {
    "LTE": _lte,
    "CAT-M": _lte,
    "CAT-NB": _lte,
    "EMTC": _lte,
    "NBIOT": _lte,
    "NR5G-SA": _standalone,
    "NR5G-NSA": _second_leg,
    "WCDMA": _wcdma,
    "GSM": _gsm,
}


def _sinr(text: "str | None") -> "int | float | None":
    return real(text)


def carriers(lines: "list[str]") -> "dict[str, object]":
    """+QCAINFO: role, channel, bandwidth, band, ... and on LTE state, pci, rsrp, rsrq, rssi, sinr."""
    return read_carriers(lines, bands.nr_by_index)


def read_carriers(lines: "list[str]", nr_bandwidth: "Kilohertz") -> "dict[str, object]":
    found = []
    for values in named(lines, "+QCAINFO"):
        role = values[0].upper()
        if role not in ("PCC", "SCC") or len(values) < 5:
            continue
        carrier: dict[str, object] = {"role": role}
        put(carrier, "arfcn", number(values[1]))
        carrier["technology"] = kind = bands.technology(values[3])
        carrier["band"] = bands.band(values[3])
        width = number(values[2])
        put(
            carrier,
            "bandwidth_down",
            nr_bandwidth(width) if kind == bands.NR else bands.lte_by_either(width),
        )
        _carrier_signal(carrier, kind, values)
        found.append(carrier)
    return {"carriers": found} if found else {}


def _carrier_signal(carrier: "dict[str, object]", kind: "str | None", values: "list[str]") -> None:
    # On NR the primary carrier has its pci alone, a secondary one its state in front and the uplink's
    # configuration behind; firmware of Unisoc writes NR's like LTE's.
    if len(values) == 5:
        put(carrier, "pci", number(values[4]))
        return
    put(carrier, "pci", number(get(values, 5)))
    if len(values) >= 10 and (kind == bands.LTE or "NR N" in values[3].upper()):
        put(carrier, "rsrp", number(values[6]))
        put(carrier, "rsrq", real(values[7]))
        put(carrier, "rssi", number(values[8]))
        put(carrier, "sinr", real(values[9]))


def network_information(lines: "list[str]") -> "dict[str, object]":
    """+QNWINFO: technology and duplex in one word, PLMN, band, channel."""
    facts: dict[str, object] = {}
    for values in named(lines, "+QNWINFO"):
        if len(values) < 4:
            continue
        band = bands.band(values[2])
        digits = values[1]
        if band is not None:
            facts["band"] = band
        facts["plmn"] = bands.plmn(digits[:3], digits[3:])
        put(facts, "arfcn", number(values[3]))
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    """The hottest sensor of +QTEMP: `"name","50"` a line, or up to three numbers on one line."""
    hottest: int | float | None = None
    for values in named(lines, "+QTEMP"):
        for word in values[1:] if number(values[0]) is None else values:
            degrees = real(word)
            # 0, 255 and -273 stand for a sensor that is not there.
            if degrees is not None and -60 < degrees < 150 and degrees != 0:
                hottest = degrees if hottest is None or degrees > hottest else hottest
    return {"temperature": hottest}


def service_provider(lines: "list[str]") -> "dict[str, object]":
    """+QSPN: full and short name, the SIM's name, alphabet, PLMN."""
    for values in named(lines, "+QSPN"):
        facts: dict[str, object] = {}
        if len(values) >= 5:
            facts["plmn"] = bands.plmn(values[4][:3], values[4][3:])
        return facts
    return {}


def pin_tries(lines: "list[str]") -> "dict[str, object]":
    """+QPINC: "SC",<PIN>,<PUK>."""
    facts: dict[str, object] = {}
    for values in named(lines, "+QPINC"):
        if values[0].upper() == "SC":
            put(facts, "pin_tries", number(get(values, 1)))
    return facts


def counters(lines: "list[str]") -> "dict[str, object]":
    """+QGDCNT and +QGDNRCNT: octets sent, octets received."""
    return read_counters(lines, "bytes_up", "bytes_down")


def read_counters(lines: "list[str]", earlier: str, later: str) -> "dict[str, object]":
    facts: dict[str, object] = {}
    for values in named(lines, "+QGDCNT", "+QGDNRCNT"):
        put(facts, earlier, number(values[0]))
        put(facts, later, number(get(values, 1)))
    return facts


def ambr(lines: "list[str]") -> "dict[str, object]":
    """+QNWCFG="lte_ambr": APN, down, up in kbit/s; "nr5g_ambr": APN, unit and value down, unit and value up.

    Firmware may leave out the APN.  Of several access points the greatest counts: that of calls is small.
    """
    facts: dict[str, object] = {}
    for values in named(lines, "+QNWCFG"):
        if values[0].lower() not in ("nr5g_ambr", "lte_ambr"):
            continue
        rates = values[2:] if len(values) % 2 == 0 else values[1:]
        if len(rates) == 4:
            found = (_rate(number(rates[0]), number(rates[1])), _rate(number(rates[2]), number(rates[3])))
        elif len(rates) == 2:
            found = (_rate(1, number(rates[0])), _rate(1, number(rates[1])))
        else:
            continue
        for index, name in enumerate(("ambr_down", "ambr_up")):
            rate, before = found[index], facts.get(name)
            if rate and (not isinstance(before, int) or rate > before):
                put(facts, name, rate)
    return facts


def _rate(unit: "int | None", count: "int | None") -> "int | None":
    """bit/s.  Units 1 to 5 are 1, 4, 16, 64 and 256 kbit/s, 6 to 10 as many Mbit/s, and so on
    (TS 24.501 9.11.4.14)."""
    if unit is None or count is None or not 1 <= unit <= 15:
        return None
    return count * int(4 ** ((unit - 1) % 5)) * int(1000 ** (1 + (unit - 1) // 5))


def urc_indication(line: str) -> "dict[str, object]":
    """+QIND: "csq",<rssi>,<ber> and "act","<technology>"."""
    from modem import signal

    values = fields(line)
    facts: dict[str, object] = {}
    kind = values[0].lower()
    if kind == "csq":
        put(facts, "rssi", signal.csq_rssi(number(get(values, 1))))
    elif kind == "act":
        found = bands.technology(get(values, 1))
        if found is not None:
            facts["technology"] = found
    return facts


def net_device(lines: "list[str]") -> "dict[str, object]":
    """+QNETDEVCTL?: op, cid, urc, state; the older form has state, cid, protocol."""
    return read_net_device(lines, 1)


def read_net_device(lines: "list[str]", place: int) -> "dict[str, object]":
    """The same with the cid at `place`; the state comes last of four."""
    for line in lines:
        if name_of(line) != "+QNETDEVCTL":
            continue
        values = split(line[line.find(":") + 1 :])
        cid, state = number(get(values, place)), number(get(values, 3))
        if cid is not None and state in (0, 1):
            return {"contexts": [{"cid": cid, "active": state == 1}]}
    return {}


def login(cid: int, apn: str, user: "str | None", password: "str | None") -> "tuple[tuple[str, float], ...]":
    """Commands that say who we are, where anybody asks."""
    if not user:
        return ()
    return (("+QICSGP=%d,3,%s,%s,%s,3" % (cid, quote(apn), quote(user), quote(password or "")), 5.0),)


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    return login(cid, apn, user, password) + (("+QNETDEVCTL=1,%d,1" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+QNETDEVCTL=0,%d,1" % cid, 30.0),)


ROLES = {0: "diag", 1: "nmea", 2: "at", 3: "modem", 4: "data"}
URC_SETUP = generic.URC_SETUP_5G + (
    ('+QINDCFG="csq",1', 2.0),
    ('+QINDCFG="act",1', 2.0),
)
SIGNAL = generic.SIGNAL + (
    Query("+QNWINFO", 2.0, network_information),
    Query("+QCAINFO", 5.0, carriers),
    # Last: it adds the second leg of EN-DC to the carriers.
    Query('+QENG="servingcell"', 5.0, serving_cell),
)
TABLE = dict(
    generic.TABLE,
    usb=((0x2C7C, None), (0x05C6, 0x9215), (0x05C6, 0x9025)),
    roles={None: ROLES, 0x6026: {1: "diag", 3: "at", 4: "modem"}},
    identity=generic.IDENTITY + (generic.SIM_IDENTITY[0], Query("+QCCID", 5.0, network.iccid)),
    state=generic.STATE_5G + (Query("+QPINC?", 5.0, pin_tries), Query("+QSPN", 5.0, service_provider)),
    signal=SIGNAL,
    slow=generic.SLOW_5G
    + (
        Query("+QTEMP", 2.0, temperature),
        Query("+QGDNRCNT?", 2.0, counters),
        Query("+QGDCNT?", 2.0, counters),
        Query('+QNWCFG="lte_ambr"', 2.0, ambr),
        Query('+QNWCFG="nr5g_ambr"', 2.0, ambr),
    ),
    urcs=generic.URCS + (("+QIND:", urc_indication),),
    urc_setup=URC_SETUP,
    power_off=(("+QPOWD=1", 10.0),),
    connect=connect,
    addressing="dhcp",
    disconnect=disconnect,
    connected=Query("+QNETDEVCTL?", 5.0, net_device),
)

FAMILY = Family("quectel", **TABLE)
