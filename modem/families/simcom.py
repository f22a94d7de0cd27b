"""SIMCom: SIM7500, SIM7600, SIM8200.

+CPSI? has a line for the serving cell, and on EN-DC a second one; RSRP, RSRQ and RSSI in tenths or not.
"""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import any_base, first, get, named, number, real

_LOWEST_DBM = -157


def system_information(lines: "list[str]") -> "dict[str, object]":
    """+CPSI?"""
    facts: dict[str, object] = {}
    second: dict[str, object] | None = None
    for values in named(lines, "+CPSI"):
        mode = values[0].upper()
        if mode.startswith("NO SERVICE"):
            return dict.fromkeys(
                ("technology", "band", "tac", "cell_id", "pci", "arfcn", "rsrp", "rsrq", "sinr")
            )
        if mode in ("LTE", "LTE CAT-M1", "LTE NB-IOT"):
            facts.update(_lte(values))
        elif mode == "NR5G_SA":
            facts.update(_standalone(values))
        elif mode == "NR5G_NSA":
            second = _second_leg(values)
        elif mode in ("WCDMA", "TD-SCDMA"):
            facts.update(_wcdma(values))
        elif mode == "GSM":
            facts.update(_gsm(values))
    if second is not None:
        facts["technology"] = "EN-DC"
        facts["carriers"] = [second]
    return facts


def _cell(facts: "dict[str, object]", values: "list[str]") -> None:
    mcc, _, mnc = (get(values, 2) or "").partition("-")
    facts["plmn"] = bands.plmn(mcc, mnc)
    put(facts, "tac", any_base(get(values, 3)))
    put(facts, "cell_id", any_base(get(values, 4)))


def _levels(
    facts: "dict[str, object]", rsrp: "str | None", rsrq: "str | None", rssi: "str | None" = None
) -> None:
    """What lies below the lowest RSRP there is, is in tenths, and so are its neighbours."""
    value = real(rsrp)
    tenths = value is not None and value < _LOWEST_DBM
    for name, text in (("rsrp", rsrp), ("rsrq", rsrq), ("rssi", rssi)):
        number_ = real(text)
        if text is not None or name != "rssi":
            put(facts, name, number_ / 10 if number_ is not None and tenths else number_)


def _lte(values: "list[str]") -> "dict[str, object]":
    """mode, status, mcc-mnc, tac, cell, pci, band, earfcn, down, up, rsrq, rsrp, rssi, rssnr."""
    facts: dict[str, object] = {"technology": bands.LTE}
    if len(values) < 14:
        return facts
    _cell(facts, values)
    put(facts, "pci", number(values[5]))
    facts["band"] = bands.band(values[6])
    put(facts, "arfcn", number(values[7]))
    put(facts, "bandwidth_down", bands.lte_by_either(number(values[8])))
    put(facts, "bandwidth_up", bands.lte_by_either(number(values[9])))
    _levels(facts, values[11], values[10], values[12])
    put(facts, "sinr", real(values[13]))
    return facts


def _standalone(values: "list[str]") -> "dict[str, object]":
    """mode, status, mcc-mnc, tac, cell, pci, band, arfcn, rsrp, rsrq, snr."""
    facts: dict[str, object] = {"technology": bands.NR}
    if len(values) < 11:
        return facts
    _cell(facts, values)
    put(facts, "pci", number(values[5]))
    facts["band"] = bands.band(values[6])
    put(facts, "arfcn", number(values[7]))
    _levels(facts, values[8], values[9])
    put(facts, "sinr", real(values[10]))
    return facts


def _second_leg(values: "list[str]") -> "dict[str, object] | None":
    """mode, pci, band, arfcn, rsrp, rsrq, snr[, scs, bandwidth]."""
    if len(values) < 7:
        return None
    leg: dict[str, object] = {"role": "SCC", "technology": bands.NR}
    put(leg, "pci", number(values[1]))
    leg["band"] = bands.band(values[2])
    put(leg, "arfcn", number(values[3]))
    _levels(leg, values[4], values[5])
    put(leg, "sinr", real(values[6]))
    if len(values) >= 9:
        put(leg, "bandwidth_down", bands.nr_by_index(number(values[8])))
    return leg


def _wcdma(values: "list[str]") -> "dict[str, object]":
    """mode, status, mcc-mnc, lac, cell, band, psc, uarfcn, ssc, ec/io, rscp, ...: the last two without sign."""
    facts: dict[str, object] = {"technology": bands.UTRAN}
    if len(values) < 11:
        return facts
    _cell(facts, values)
    put(facts, "arfcn", number(values[7]))
    for name, text in (("ecio", values[9]), ("rscp", values[10])):
        value = real(text)
        put(facts, name, -value if value is not None and value > 0 else value)
    return facts


def _gsm(values: "list[str]") -> "dict[str, object]":
    """mode, status, mcc-mnc, lac, cell, channel and band, rxlev, ..."""
    facts: dict[str, object] = {"technology": bands.GSM}
    if len(values) >= 7:
        _cell(facts, values)
        put(facts, "arfcn", number(values[5].split(" ")[0]))
        put(facts, "rssi", number(values[6]))
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    facts: dict[str, object] = {}
    values = first(lines, "+CPMUTEMP")
    if values:
        put(facts, "temperature", real(values[0]))
    return facts


def pin_tries(lines: "list[str]") -> "dict[str, object]":
    """+SPIC: PIN, PUK, PIN2, PUK2."""
    facts: dict[str, object] = {}
    values = first(lines, "+SPIC")
    if values and len(values) >= 4:
        put(facts, "pin_tries", number(values[0]))
    return facts


def call(lines: "list[str]") -> "dict[str, object]":
    """$QCRMCALL?: state and kind, a line for each kind; none while there is no call."""
    states = [number(values[0]) for values in named(lines, "$QCRMCALL")]
    if any(state not in (0, 1) for state in states):
        return {}
    return {"contexts": [{"cid": 1, "active": 1 in states}]}


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    from modem.replies import quote

    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("+CGAUTH=%d,3,%s,%s" % (cid, quote(password or ""), quote(user)), 5.0),)
    return login + (("$QCRMCALL=1,%d" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("$QCRMCALL=0,%d" % cid, 30.0),)


FAMILY = Family(
    "simcom",
    **dict(
        generic.TABLE,
        usb=((0x1E0E, 0x9000), (0x1E0E, 0x9001), (0x1E0E, 0x9003), (0x1E0E, 0x9011), (0x1E0E, None)),
        roles={None: {0: "diag", 1: "nmea", 2: "at", 3: "modem", 4: "audio", 5: "data"}},
        identity=generic.IDENTITY
        + (generic.SIM_IDENTITY[0], Query("+CICCID", 5.0, generic.SIM_IDENTITY[1].parser)),
        state=generic.STATE_5G + (Query("+SPIC", 5.0, pin_tries),),
        signal=generic.SIGNAL + (Query("+CPSI?", 5.0, system_information),),
        slow=generic.SLOW_5G + (Query("+CPMUTEMP", 5.0, temperature),),
        urc_setup=generic.URC_SETUP_5G,
        reset=(("+CRESET", 15.0),),
        power_off=(("+CPOF", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=Query("$QCRMCALL?", 5.0, call),
    ),
)
