"""Huawei: ME906, ME909, E3272, E3372."""

from modem import bands, signal
from modem.address import ipv4
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import fields, first, get, hexadecimal, number

_UNKNOWN = (65535,)
_LTE_MODE = 6


def indices(lines: "list[str]") -> "dict[str, object]":
    """^HCSQ?: "LTE",rssi,rsrp,sinr,rsrq; "WCDMA",rssi,rscp,ec/io; "GSM",rssi; "NOSERVICE"."""
    values = first(lines, "^HCSQ")
    facts: dict[str, object] = {}
    if values is None:
        return facts
    mode = values[0].upper()
    index = [number(get(values, position)) for position in range(5)]
    if mode == "NOSERVICE":
        return dict.fromkeys(("rssi", "rsrp", "rsrq", "sinr", "rscp", "ecio"))
    if mode in ("LTE", "WCDMA", "GSM"):
        put(facts, "rssi", signal.by_index("hcsq_rssi", index[1]))
    if mode == "LTE":
        put(facts, "rsrp", signal.by_index("rsrp", index[2]))
        put(facts, "sinr", signal.by_index("hcsq_sinr", index[3]))
        put(facts, "rsrq", signal.by_index("rsrq", index[4]))
    elif mode == "WCDMA":
        put(facts, "rscp", signal.by_index("rscp", index[2]))
        put(facts, "ecio", signal.by_index("hcsq_ecio", index[3]))
    elif mode == "NR":
        put(facts, "rsrp", signal.by_index("ss_rsrp", index[1]))
        put(facts, "rsrq", signal.by_index("ss_rsrq", index[3]))
    return facts


def system_information(lines: "list[str]") -> "dict[str, object]":
    """^SYSINFOEX: service, domain, roaming, SIM, lock, mode, name, submode, name."""
    values = first(lines, "^SYSINFOEX")
    facts: dict[str, object] = {}
    if values is None or len(values) < 7:
        return facts
    facts["technology"] = bands.technology(values[6])
    if number(values[2]) in (0, 1) and number(values[0]) == 2:
        facts["roaming"] = number(values[2]) == 1
    return facts


def frequencies(lines: "list[str]") -> "dict[str, object]":
    """^HFREQINFO?: on or off, mode, and for each carrier band, channel, frequency, bandwidth down, and the last
    three again for up; bandwidths in kHz."""
    values = first(lines, "^HFREQINFO")
    facts: dict[str, object] = {}
    if values is None or len(values) < 9 or number(values[1]) != _LTE_MODE:
        return facts
    found: list[dict[str, object]] = []
    for at in range(2, len(values) - 6, 7):
        carrier: dict[str, object] = {"role": "SCC" if found else "PCC", "technology": bands.LTE}
        carrier["band"] = bands.name(number(values[at]), bands.LTE)
        put(carrier, "arfcn", number(values[at + 1]))
        put(carrier, "bandwidth_down", number(values[at + 3]))
        put(carrier, "bandwidth_up", number(values[at + 6]))
        found.append(carrier)
    for name in ("band", "arfcn", "bandwidth_down", "bandwidth_up"):
        facts[name] = found[0][name]
    facts["carriers"] = found
    return facts


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """^MONSC: LTE,mcc,mnc,channel,cell,pci,tac,rsrp,rsrq,rssi; cell, pci and tac in hexadecimal digits."""
    values = first(lines, "^MONSC")
    facts: dict[str, object] = {}
    if values is None or values[0].upper() != "LTE" or len(values) < 10:
        return facts
    facts["technology"] = bands.LTE
    facts["plmn"] = bands.plmn(values[1], values[2])
    put(facts, "arfcn", number(values[3]))
    put(facts, "cell_id", hexadecimal(values[4]))
    put(facts, "pci", hexadecimal(values[5]))
    put(facts, "tac", hexadecimal(values[6]))
    put(facts, "rsrp", number(values[7]))
    put(facts, "rsrq", number(values[8]))
    put(facts, "rssi", number(values[9]))
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    """The hottest of ^CHIPTEMP?; 65535 is no sensor, and more than 100 is in tenths."""
    values = first(lines, "^CHIPTEMP")
    hottest: int | float | None = None
    for text in values or ():
        degrees: int | float | None = number(text)
        if degrees is None or degrees in _UNKNOWN:
            continue
        degrees = degrees / 10 if degrees > 100 else degrees
        hottest = degrees if hottest is None or degrees > hottest else hottest
    facts: dict[str, object] = {}
    put(facts, "temperature", hottest)
    return facts if values else {}


def pin_tries(lines: "list[str]") -> "dict[str, object]":
    """^CPIN: state, tries of what it asks, PUK, PIN, PUK2, PIN2."""
    facts: dict[str, object] = {}
    values = first(lines, "^CPIN")
    if values and len(values) >= 4:
        put(facts, "pin_tries", number(values[3]))
    return facts


def lease(lines: "list[str]") -> "dict[str, object]":
    """^DHCP?: address, mask, gateway, server, two name servers, each as hexadecimal digits, last octet first."""
    values = first(lines, "^DHCP")
    if values is None or len(values) < 6:
        return {}
    words = [_reversed(text) for text in values[:6]]
    context: dict[str, object] = {"cid": 1, "address": words[0], "gateway": words[2]}
    mask = hexadecimal(values[1])
    ones = 0
    while mask is not None and mask >> ones & 1:
        ones += 1
    put(context, "prefix_length", ones if mask is not None and mask >> ones == 0 else None)
    context["dns"] = [word for word in words[4:6] if word is not None]
    return {"contexts": [context]}


def _reversed(text: str) -> "str | None":
    value = hexadecimal(text)
    if value is None or value > 0xFFFFFFFF:
        return None
    return ipv4("%d.%d.%d.%d" % (value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24))


def session(lines: "list[str]") -> "dict[str, object]":
    """^NDISSTATQRY?: 1 when it stands, of IPv4 first."""
    values = first(lines, "^NDISSTATQRY")
    state = number(values[0]) if values else None
    return {"contexts": [{"cid": 1, "active": state == 1}]} if state in (0, 1, 2, 3) else {}


def urc_indices(line: str) -> "dict[str, object]":
    return indices([line])


def urc_rssi(line: str) -> "dict[str, object]":
    """^RSSI: as the first value of +CSQ."""
    facts: dict[str, object] = {}
    put(facts, "rssi", signal.csq_rssi(number(fields(line)[0])))
    return facts


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    from modem.replies import quote

    words = ",%s" % quote(apn)
    if user:
        words += ",%s,%s,2" % (quote(user), quote(password or ""))
    return (("^NDISDUP=%d,1%s" % (cid, words), 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("^NDISDUP=%d,0" % cid, 30.0),)


FAMILY = Family(
    "huawei",
    **dict(
        generic.TABLE,
        usb=((0x12D1, None),),
        roles={0x1506: {0: "modem", 1: "diag", 2: "at"}, 0x15C1: {0: "modem", 2: "at", 1: "diag"}},
        identity=generic.IDENTITY
        + (generic.SIM_IDENTITY[0], Query("^ICCID?", 5.0, generic.SIM_IDENTITY[1].parser)),
        state=generic.STATE + (Query("^CPIN?", 5.0, pin_tries),),
        signal=generic.SIGNAL
        + (
            Query("^SYSINFOEX", 5.0, system_information),
            Query("^HFREQINFO?", 5.0, frequencies),
            Query("^MONSC", 5.0, serving_cell),
            # Last, since its steps are the finest.
            Query("^HCSQ?", 5.0, indices),
        ),
        slow=generic.SLOW + (Query("^CHIPTEMP?", 5.0, temperature), Query("^DHCP?", 5.0, lease)),
        urcs=generic.URCS + (("^HCSQ:", urc_indices), ("^RSSI:", urc_rssi)),
        urc_setup=generic.URC_SETUP + (("^CURC=1", 2.0),),
        reset=(("^RESET", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=Query("^NDISSTATQRY?", 5.0, session),
    ),
)
