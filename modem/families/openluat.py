"""OpenLuat Air72x, of Unisoc's RDA8910: +CCED=0,1, +EEMGINFO?."""

from modem import bands, signal
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import body_of, fields, get, name_of, number, split


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """+CCED:LTE current cell:mcc,mnc,imsi,roaming,band,n<blocks>,earfcn,cell,rsrp,rsrq,tac,srxlev,pci."""
    facts: dict[str, object] = {}
    for line in lines:
        if name_of(line) != "+CCED":
            continue
        words, colon, rest = body_of(line).partition(":")
        values = split(rest)
        if not colon or words.strip().upper() != "LTE CURRENT CELL" or len(values) < 13:
            continue
        facts["technology"] = bands.LTE
        facts["plmn"] = bands.plmn(values[0], values[1])
        facts["band"] = bands.name(number(values[4]), bands.LTE)
        put(facts, "bandwidth_down", bands.lte_by_blocks(number(values[5].lstrip("n"))))
        put(facts, "arfcn", number(values[6]))
        put(facts, "cell_id", number(values[7]))
        put(facts, "rsrp", signal.by_index("rsrp", number(values[8])))
        put(facts, "rsrq", signal.by_index("rsrq", number(values[9])))
        put(facts, "tac", number(values[10]))
        put(facts, "pci", number(values[12]))
    return facts


def engineering(lines: "list[str]") -> "dict[str, object]":
    """+EEMLTESVC, which comes behind the OK of +EEMGINFO?, or before it."""
    for line in lines:
        if name_of(line) == "+EEMLTESVC":
            return urc_engineering(line)
    return {}


def urc_engineering(line: str) -> "dict[str, object]":
    """mcc, length, mnc (their digits as hexadecimal ones), tac, pci, earfcn down, up, band, bandwidth, cell, mode,
    rsrp, rsrq, sinr, ..."""
    facts: dict[str, object] = {}
    values = fields(line)
    if len(values) < 22:
        return facts
    facts["technology"] = bands.LTE
    put(facts, "tac", number(values[3]))
    put(facts, "pci", number(values[4]))
    put(facts, "arfcn", number(values[5]))
    facts["band"] = bands.name(number(values[7]), bands.LTE)
    put(facts, "bandwidth_down", bands.lte_by_index(number(values[8])))
    put(facts, "cell_id", number(values[9]))
    sinr = number(get(values, 13))
    put(facts, "sinr", sinr if sinr is not None and -20 <= sinr <= 30 else None)
    return facts


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    return (("+RNDISCALL=1,0", 30.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+RNDISCALL=0,0", 30.0),)


FAMILY = Family(
    "openluat",
    **dict(
        generic.TABLE,
        usb=((0x1782, 0x4E00), (0x19D1, 0x0001)),
        roles={0x4E00: {2: "at", 3: "diag", 4: "diag", 5: "at", 6: "modem"}},
        identity=generic.IDENTITY
        + (generic.SIM_IDENTITY[0], Query("+ICCID", 5.0, generic.SIM_IDENTITY[1].parser)),
        signal=generic.SIGNAL
        + (Query("+CCED=0,1", 5.0, serving_cell), Query("+EEMGINFO?", 5.0, engineering)),
        urcs=generic.URCS + (("+EEMLTESVC", urc_engineering),),
        urc_setup=generic.URC_SETUP + (("+EEMOPT=1", 2.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=generic.CONTEXTS[0],
    ),
)
