"""Fibocom L850 and L860, of Intel's XMM: +XLEC?, +XMCI, +XCESQ?."""

from modem import bands, signal
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import any_base, first, get, named, number, real

_SERVING_LTE = 4


def carriers(lines: "list[str]") -> "dict[str, object]":
    """+XLEC?: reporting, number of cells, so many indices of bandwidth, so many bands."""
    values = first(lines, "+XLEC")
    count = number(get(values, 1)) if values else None
    if values is None or count is None or not 1 <= count <= 5 or len(values) < 2 + 2 * count:
        return {}
    found: list[dict[str, object]] = []
    for index in range(count):
        carrier: dict[str, object] = {"role": "SCC" if found else "PCC", "technology": bands.LTE}
        put(carrier, "bandwidth_down", bands.lte_by_index(number(values[2 + index])))
        carrier["band"] = bands.band(values[2 + count + index].replace("BAND_LTE_", "B"), bands.LTE)
        found.append(carrier)
    facts: dict[str, object] = {"carriers": found}
    for name in ("band", "bandwidth_down"):
        if found[0][name] is not None:
            facts[name] = found[0][name]
    return facts


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """+XMCI=1: 4,mcc,mnc,tac,cell,pci,earfcn down,earfcn up,path loss,rsrp,rsrq,...; hexadecimal with 0x."""
    facts: dict[str, object] = {}
    for values in named(lines, "+XMCI"):
        if number(values[0]) != _SERVING_LTE or len(values) < 11:
            continue
        facts["technology"] = bands.LTE
        facts["plmn"] = bands.plmn(values[1], values[2])
        put(facts, "tac", any_base(values[3]))
        put(facts, "cell_id", any_base(values[4]))
        put(facts, "pci", any_base(values[5]))
        channel = any_base(values[6])
        put(facts, "arfcn", channel)
        facts["band"] = bands.lte_of_channel(channel)
        put(facts, "rsrp", signal.by_index("rsrp", number(values[9])))
        put(facts, "rsrq", signal.by_index("rsrq", number(values[10])))
    return facts


def extended_quality(lines: "list[str]") -> "dict[str, object]":
    """+XCESQ?: n, and the values of +CESQ, and the SINR in halves of a dB."""
    facts: dict[str, object] = {}
    values = first(lines, "+XCESQ")
    if values is None or len(values) < 8:
        return facts
    put(facts, "rsrq", signal.by_index("rsrq", number(values[5])))
    put(facts, "rsrp", signal.by_index("rsrp", number(values[6])))
    half = number(values[7])
    put(facts, "sinr", half / 2 if half is not None and -100 <= half <= 100 else None)
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    """+MTSM: degrees."""
    facts: dict[str, object] = {}
    values = first(lines, "+MTSM")
    if values:
        put(facts, "temperature", real(values[-1]))
    return facts


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    from modem.replies import quote

    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("+XGAUTH=%d,1,%s,%s" % (cid, quote(user), quote(password or "")), 5.0),)
    return login + (
        ("+CGACT=1,%d" % cid, 150.0),
        ('+XDATACHANNEL=1,1,"/USBCDC/0","/USBHS/NCM/0",2,%d' % cid, 10.0),
        ('+CGDATA="M-RAW_IP",%d' % cid, 10.0),
    )


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (('+XDATACHANNEL=0,1,"/USBCDC/0","/USBHS/NCM/0",2,%d' % cid, 10.0), ("+CGACT=0,%d" % cid, 40.0))


FAMILY = Family(
    "fibocom_intel",
    **dict(
        generic.TABLE,
        usb=((0x2CB7, 0x0007), (0x8087, 0x095A)),
        roles={None: {0: "data", 2: "at", 4: "at", 6: "at"}},
        signal=generic.SIGNAL
        + (
            Query("+XMCI=1", 5.0, serving_cell),
            Query("+XLEC?", 5.0, carriers),
            Query("+XCESQ?", 5.0, extended_quality),
        ),
        slow=generic.SLOW + (Query("+MTSM=1", 5.0, temperature),),
        reset=(("+CFUN=15", 15.0),),
        connect=connect,
        disconnect=disconnect,
        connected=generic.CONTEXTS[0],
    ),
)
