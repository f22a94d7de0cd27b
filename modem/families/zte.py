"""ZTE: MF28x, MF29x: +ZRSSI, +ZCELLINFO?, +ZCAINFO?."""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import body_of, first, get, name_of, number, real, split


def levels(lines: "list[str]") -> "dict[str, object]":
    """+ZRSSI: on LTE rsrp, rsrq, rssi, sinr; on UTRAN rscp and Ec/Io; on GSM rssi."""
    values = first(lines, "+ZRSSI")
    facts: dict[str, object] = {}
    if values is None:
        return facts
    if len(values) >= 4:
        put(facts, "rsrp", real(values[0]))
        put(facts, "rsrq", real(values[1]))
        put(facts, "rssi", real(values[2]))
        put(facts, "sinr", real(values[3]))
    elif len(values) >= 2:
        put(facts, "rscp", real(values[0]))
        put(facts, "ecio", real(values[1]))
    else:
        put(facts, "rssi", real(values[0]))
    return facts


def cell(lines: "list[str]") -> "dict[str, object]":
    """+ZCELLINFO: on LTE cell, pci, band in words, channel."""
    values = first(lines, "+ZCELLINFO")
    facts: dict[str, object] = {}
    if values is None or len(values) < 4:
        return facts
    kind = bands.technology(values[2])
    if kind == bands.LTE:
        facts["technology"] = kind
        put(facts, "cell_id", number(values[0]))
        put(facts, "pci", number(values[1]))
        facts["band"] = bands.band(values[2])
        put(facts, "arfcn", number(values[3]))
    return facts


def carriers(lines: "list[str]") -> "dict[str, object]":
    """+ZCAINFO: pci, band, tac, channel, MHz of the primary carrier, and behind semicolons pci, state, band,
    channel, MHz of the others."""
    for line in lines:
        if name_of(line) == "+ZCAINFO":
            return _groups([split(group) for group in split(body_of(line), ";")])
    return {}


def _groups(groups: "list[list[str]]") -> "dict[str, object]":
    facts: dict[str, object] = {}
    found: list[dict[str, object]] = []
    for values in groups:
        order = (0, 1, 3, 4) if not found else (0, 2, 3, 4)
        band = bands.name(number(get(values, order[1])), bands.LTE)
        if band is None:
            continue
        carrier: dict[str, object] = {
            "role": "SCC" if found else "PCC",
            "technology": bands.LTE,
            "band": band,
        }
        put(carrier, "pci", number(get(values, order[0])))
        put(carrier, "arfcn", number(get(values, order[2])))
        put(carrier, "bandwidth_down", bands.by_mhz(get(values, order[3]), bands.LTE))
        if not found:
            put(facts, "tac", number(get(values, 2)))
            for name in ("pci", "band", "arfcn", "bandwidth_down"):
                if carrier[name] is not None:
                    facts[name] = carrier[name]
        found.append(carrier)
    if found:
        facts["carriers"] = found
    return facts


def technology(lines: "list[str]") -> "dict[str, object]":
    """+ZPAS: technology in words, domain."""
    values = first(lines, "+ZPAS")
    facts: dict[str, object] = {}
    if values:
        facts["technology"] = bands.technology(values[0])
    return facts


def urc_technology(line: str) -> "dict[str, object]":
    return technology([line])


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    from modem.replies import quote

    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("+ZGPCOAUTH=%d,%s,%s,1" % (cid, quote(user), quote(password or "")), 5.0),)
    return login + (("+ZGACT=1,%d" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+ZGACT=0,%d" % cid, 30.0),)


SIGNAL = (
    Query("+ZPAS?", 5.0, technology),
    Query("+ZCELLINFO?", 5.0, cell),
    Query("+ZCAINFO?", 5.0, carriers),
)
FAMILY = Family(
    "zte",
    **dict(
        generic.TABLE,
        usb=((0x19D2, None),),
        roles={0x1432: {1: "at", 2: "diag"}, 0x1485: {3: "at"}, 0x0189: {1: "at", 2: "diag"}},
        signal=generic.SIGNAL + SIGNAL + (Query("+ZRSSI", 5.0, levels),),
        urcs=generic.URCS + (("+ZPASR:", urc_technology),),
        reset=(("+ZRST", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=generic.CONTEXTS[0],
    ),
)
