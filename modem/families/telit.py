"""Telit: LE910, LM940, FN980.

#RFSTS and #SERVINFO of Telit's AT reference; #CAINFO? and #CAINFOEXT? of the LM and FN families.
"""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import first, get, hexadecimal, name_of, named, number, real

# The primary carrier's channel in #CAINFO, and those of the secondary ones.
_CHANNELS = (1, 13, 24, 35)


def _plmn(text: "str | None") -> "str | None":
    digits = (text or "").replace(" ", "")
    return bands.plmn(digits[:3], digits[3:])


def radio_status(lines: "list[str]") -> "dict[str, object]":
    """#RFSTS; the technology shows in the signs: LTE has rsrp, rssi, rsrq behind the channel, UTRAN a
    scrambling code, Ec/Io and rscp, GSM a level and an area code."""
    facts: dict[str, object] = {}
    values = first(lines, "#RFSTS")
    if values is None or len(values) < 8:
        return facts
    facts["plmn"] = _plmn(values[0])
    put(facts, "arfcn", number(values[1]))
    one, two, three = real(values[2]), real(values[3]), real(values[4])
    if one is not None and one < 0 and two is not None and two < 0 and three is not None:
        facts["technology"] = bands.LTE
        put(facts, "rsrp", one)
        put(facts, "rssi", two)
        put(facts, "rsrq", three)
        put(facts, "tac", hexadecimal(values[5]))
        put(facts, "cell_id", hexadecimal(get(values, 11)))
        facts["band"] = bands.lte_of_channel(number(values[1]))
    elif one is not None and one >= 0 and two is not None and two <= 0:
        facts["technology"] = bands.UTRAN
        put(facts, "ecio", two)
        put(facts, "rscp", three)
        put(facts, "rssi", real(values[5]))
        put(facts, "tac", hexadecimal(values[6]))
    elif one is not None and one < 0:
        facts["technology"] = bands.GSM
        put(facts, "rssi", one)
        put(facts, "tac", hexadecimal(values[3]))
    return facts


def serving_information(lines: "list[str]") -> "dict[str, object]":
    """#SERVINFO on LTE: channel, rssi, name, PLMN, cell, tac, DRX, domain, rsrp."""
    facts: dict[str, object] = {}
    values = first(lines, "#SERVINFO")
    if values is None or len(values) < 9 or real(values[8]) is None:
        return facts
    channel = number(values[0])
    put(facts, "arfcn", channel)
    facts["band"] = bands.lte_of_channel(channel)
    put(facts, "rssi", number(values[1]))
    facts["plmn"] = _plmn(values[3])
    put(facts, "tac", hexadecimal(values[5]))
    put(facts, "rsrp", real(values[8]))
    return facts


def carriers(lines: "list[str]") -> "dict[str, object]":
    """#CAINFO?: for each carrier channel, bandwidth, pci, rsrp, rssi, rsrq, sinr, and more of the primary one."""
    values = first(lines, "#CAINFO")
    found: list[dict[str, object]] = []
    for at in _CHANNELS if values is not None else ():
        channel = number(get(values or [], at))
        carrier: dict[str, object] = {"role": "SCC" if found else "PCC", "technology": bands.LTE}
        put(carrier, "arfcn", channel)
        carrier["band"] = bands.lte_of_channel(channel)
        if carrier["band"] is None:
            break
        put(carrier, "pci", number(get(values or [], at + 2)))
        put(carrier, "rsrp", number(get(values or [], at + 3)))
        put(carrier, "rssi", number(get(values or [], at + 4)))
        put(carrier, "rsrq", real(get(values or [], at + 5)))
        put(carrier, "sinr", real(get(values or [], at + 6)))
        found.append(carrier)
    return _with_primary(found)


def carriers_in_words(lines: "list[str]") -> "dict[str, object]":
    """#CAINFOEXT?: `PCC-BandClass: LTE B3, BW: 20, CH: 1300, PCI: 12, RSRP: -95, ...`, a line each."""
    found = []
    for line in lines:
        role = line[:3].upper()
        if role not in ("PCC", "SCC") or "BandClass" not in line:
            continue
        names = {}
        for part in line[line.find("BandClass") :].split(","):
            name, _, value = part.partition(":")
            names[name.strip().upper()] = value.strip()
        found.append(_in_words(role, names))
    return _with_primary(found)


def _in_words(role: str, names: "dict[str, str]") -> "dict[str, object]":
    carrier: dict[str, object] = {"role": role}
    said = names.get("BANDCLASS", "")
    # The qualifier of Qualcomm's interface: 120 and more are LTE's, in the order of TS 36.101.
    carrier["band"] = bands.band(said) if number(said) is None else None
    channel = number(names.get("CH") or names.get("RX_CH"))
    put(carrier, "arfcn", channel)
    if carrier["band"] is None:
        carrier["band"] = bands.lte_of_channel(channel)
    carrier["technology"] = bands.NR if str(carrier["band"])[:1] == "n" else bands.LTE
    width = names.get("BW")
    if width is not None:
        put(carrier, "bandwidth_down", bands.by_mhz(width))
    else:
        put(carrier, "bandwidth_down", bands.lte_by_index(number(names.get("DL_BW"))))
    put(carrier, "pci", number(names.get("PCI")))
    put(carrier, "rsrp", real(names.get("RSRP")))
    put(carrier, "rsrq", real(names.get("RSRQ")))
    put(carrier, "rssi", real(names.get("RSSI")))
    if role == "PCC":
        put(carrier, "tac", number(names.get("TAC")))
    return carrier


def _with_primary(found: "list[dict[str, object]]") -> "dict[str, object]":
    if not found:
        return {}
    facts: dict[str, object] = {"carriers": found}
    for name, value in found[0].items():
        if name not in ("role", "technology", "tac") and value is not None:
            facts[name] = value
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    """#TEMPMEAS: <level>,<degrees>, in answer to #TEMPMON=1 or by itself."""
    facts: dict[str, object] = {}
    for values in named(lines, "#TEMPMEAS", "#TEMPMON"):
        if len(values) >= 2:
            put(facts, "temperature", real(values[1]))
    return facts


def urc_temperature(line: str) -> "dict[str, object]":
    return temperature([line])


def session(lines: "list[str]") -> "dict[str, object]":
    """#ECM? and #NCM?: <did>,<state>."""
    for line in lines:
        if name_of(line) in ("#ECM", "#NCM"):
            values = named([line], name_of(line))[0]
            state = number(get(values, 1))
            if state in (0, 1):
                return {"contexts": [{"cid": 1, "active": state == 1}]}
    return {}


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    from modem.replies import quote

    login = ",%s,%s" % (quote(user), quote(password or "")) if user else ""
    return (("#ECM=%d,0%s" % (cid, login), 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("#ECMD=0", 30.0),)


FAMILY = Family(
    "telit",
    **dict(
        generic.TABLE,
        usb=((0x1BC7, None),),
        roles={
            0x1040: {0: "diag", 3: "nmea", 4: "at", 5: "at", 6: "modem"},
            0x1201: {0: "diag", 3: "nmea", 4: "at", 5: "modem"},
            0x1050: {0: "diag", 3: "nmea", 4: "at", 5: "modem"},
        },
        state=generic.STATE_5G,
        signal=generic.SIGNAL
        + (
            Query("#RFSTS", 5.0, radio_status),
            Query("#SERVINFO", 5.0, serving_information),
            Query("#CAINFOEXT?", 5.0, carriers_in_words),
            Query("#CAINFO?", 5.0, carriers),
        ),
        slow=generic.SLOW_5G + (Query("#TEMPMON=1", 5.0, temperature),),
        urcs=generic.URCS + (("#TEMPMEAS:", urc_temperature),),
        urc_setup=generic.URC_SETUP_5G,
        reset=(("#REBOOT", 15.0),),
        power_off=(("#SHDN", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=Query("#ECM?", 5.0, session),
    ),
)
