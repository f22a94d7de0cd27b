"""Fibocom FM150, FM160, FM190, FM350, FG621: +GTCCINFO?, +GTCAINFO?, +GTRNDIS.

A serving cell's line: 1,rat,mcc,mnc,tac,cell,channel,pci,band,bandwidth,sinr,rxlev,rsrp,rsrq.  Numbers of cells
are hexadecimal, channels on some models only; bands have 100 (LTE) or 50 in front (NR).
"""

from modem import bands, signal
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import (
    any_base,
    first,
    get,
    hexadecimal,
    is_digits,
    name_of,
    named,
    number,
    quote,
    real,
    split,
)

_SERVING = "1"
_LTE, _NR = "4", "9"
_NR_LAST = 3279165


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """+GTCCINFO?: the lines of serving cells; two of them are EN-DC."""
    facts: dict[str, object] = {}
    lte = nr = None
    for line in lines:
        values = split(line)
        if name_of(line) or len(values) < 14 or values[0] != _SERVING:
            continue
        if values[1] == _LTE and lte is None:
            lte = _lte(values)
        elif values[1] == _NR and nr is None:
            nr = _nr(values)
    if lte is not None:
        facts.update(lte)
        if nr is not None:
            facts["technology"] = "EN-DC"
            leg = {name: value for name, value in nr.items() if name not in ("plmn", "tac", "cell_id")}
            facts["carriers"] = [dict(leg, role="SCC")]
    elif nr is not None:
        facts.update(nr)
    return facts


def _lte(values: "list[str]") -> "dict[str, object]":
    facts: dict[str, object] = {"technology": bands.LTE}
    _cell(facts, values)
    facts["band"] = band = _band(values[8])
    channel = any_base(values[6]) if values[6][:2] in ("0x", "0X") else hexadecimal(values[6])
    if bands.lte_of_channel(channel) != band:
        decimal = number(values[6])
        channel = decimal if bands.lte_of_channel(decimal) == band else None
        put(facts, "pci", number(values[7]))
    else:
        put(facts, "pci", hexadecimal(values[7]))
    put(facts, "arfcn", channel)
    put(facts, "bandwidth_down", bands.lte_by_either(number(values[9])))
    put(facts, "sinr", _half(values[10]))
    put(facts, "rsrp", _level("rsrp", values[12]))
    put(facts, "rsrq", _level("rsrq", values[13]))
    return facts


def _nr(values: "list[str]") -> "dict[str, object]":
    facts: dict[str, object] = {"technology": bands.NR}
    _cell(facts, values)
    facts["band"] = _band(values[8])
    # Six digits can be decimal only: as hexadecimal ones they would lie beyond all bands in use.
    decimal = is_digits(values[6]) and len(values[6]) == 6
    put(facts, "arfcn", number(values[6]) if decimal else hexadecimal(values[6]))
    put(facts, "pci", number(values[7]) if decimal else hexadecimal(values[7]))
    index = number(values[10])
    put(facts, "sinr", signal.by_index("ss_sinr", index))
    put(facts, "rsrp", _level("ss_rsrp", values[12]))
    put(facts, "rsrq", _level("ss_rsrq", values[13]))
    return facts


def _cell(facts: "dict[str, object]", values: "list[str]") -> None:
    facts["plmn"] = bands.plmn(values[2], values[3])
    put(facts, "tac", hexadecimal(values[4]))
    put(facts, "cell_id", hexadecimal(values[5]))


def _band(text: "str | None") -> "str | None":
    value = number(text)
    if value is None:
        return None
    digits = str(value)
    if 101 <= value <= 199:
        return bands.name(value - 100, bands.LTE)
    if len(digits) >= 3 and digits[:2] == "50":
        return bands.name(number(digits[2:].lstrip("0")), bands.NR)
    return None


def _half(text: str) -> "float | None":
    value = number(text)
    return value / 2 if value is not None and -100 <= value <= 100 else None


def _level(scale: str, text: str) -> "int | float | None":
    """An index, or where it is negative dBm or dB itself."""
    value = real(text)
    if value is None or value < 0:
        return value
    return signal.by_index(scale, number(text))


def carriers(lines: "list[str]") -> "dict[str, object]":
    """+GTCAINFO?: `PCC: band,pci,channel,down,up,...`, `SCC1: state,ul,band,pci,channel,down,...`."""
    found = []
    for line in lines:
        name, _, rest = line.partition(":")
        values = split(rest)
        role = name[:3].upper()
        if role == "PCC":
            carrier = _carrier("PCC", values)
        elif role == "SCC" and (get(values, 0) or "0") != "0":
            carrier = _carrier("SCC", values[2:])
        else:
            carrier = None
        if carrier is not None:
            found.append(carrier)
    return {"carriers": found} if found else {}


def _carrier(role: str, values: "list[str]") -> "dict[str, object] | None":
    band = _band(get(values, 0))
    if band is None:
        return None
    nr = band[0] == "n"
    carrier: dict[str, object] = {"role": role, "technology": bands.NR if nr else bands.LTE, "band": band}
    put(carrier, "pci", number(get(values, 1)))
    channel = number(get(values, 2))
    if not nr and bands.lte_of_channel(channel) != band:
        channel = None
    put(carrier, "arfcn", channel)
    width = number(get(values, 3))
    put(carrier, "bandwidth_down", None if nr else bands.lte_by_either(width))
    return carrier


def temperature(lines: "list[str]") -> "dict[str, object]":
    """+MTSM: degrees;  +GTSENRDTEMP: sensor, thousandths of a degree."""
    facts: dict[str, object] = {}
    values = first(lines, "+MTSM")
    if values:
        put(facts, "temperature", real(values[-1]))
    values = first(lines, "+GTSENRDTEMP")
    value = number(get(values, 1)) if values else None
    if value is not None:
        put(facts, "temperature", value / 1000)
    return facts


def session(lines: "list[str]") -> "dict[str, object]":
    """+GTRNDIS?: state, cid, address, ...; 0 alone when there is none."""
    for values in named(lines, "+GTRNDIS"):
        state, cid = number(values[0]), number(get(values, 1))
        if state in (0, 1):
            return {"contexts": [{"cid": cid or 1, "active": state == 1}]}
    return {}


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("+MGAUTH=%d,1,%s,%s" % (cid, quote(user), quote(password or "")), 5.0),)
    return login + (("+GTRNDIS=1,%d" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+GTRNDIS=0,%d" % cid, 30.0),)


FAMILY = Family(
    "fibocom",
    **dict(
        generic.TABLE,
        usb=((0x2CB7, None), (0x0E8D, 0x7126), (0x0E8D, 0x7127)),
        roles={
            0x0104: {1: "diag", 2: "at", 3: "modem"},
            0x0A05: {2: "at", 3: "modem"},
            0x7127: {3: "at", 2: "at"},
            0x7126: {3: "at", 2: "at"},
        },
        identity=generic.IDENTITY
        + (generic.SIM_IDENTITY[0], Query("+ICCID", 5.0, generic.SIM_IDENTITY[1].parser)),
        state=generic.STATE_5G,
        signal=generic.SIGNAL + (Query("+GTCAINFO?", 5.0, carriers), Query("+GTCCINFO?", 5.0, serving_cell)),
        slow=generic.SLOW_5G
        + (Query("+MTSM=1", 5.0, temperature), Query("+GTSENRDTEMP=1", 5.0, temperature)),
        urc_setup=generic.URC_SETUP_5G,
        reset=(("+CFUN=15", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=Query("+GTRNDIS?", 5.0, session),
    ),
)
