"""Signal indices to dBm and dB (3GPP TS 27.007 8.5 and 8.69; TS 36.133 9.1, TS 38.133 10.1).

Each index names a range; the value given is its lower bound.  Codes for "not known" and all that is out
of range are None.  Runs unchanged on CPython and MicroPython.
"""

from modem.facts import put
from modem.replies import first, get, number

# By name: greatest index, physical value of index 0, step.
_SCALES = {
    "rxlev": (63, -111, 1),
    "rscp": (96, -121, 1),
    "ecno": (49, -24.5, 0.5),
    "rsrq": (34, -20, 0.5),
    "rsrp": (97, -141, 1),
    "ss_rsrq": (126, -43.5, 0.5),
    "ss_rsrp": (126, -157, 1),
    "ss_sinr": (127, -23.5, 0.5),
    # Vendors': ^HCSQ of Huawei, +UCGED and the like.
    "hcsq_rssi": (96, -121, 1),
    "hcsq_sinr": (251, -20.2, 0.2),
    "hcsq_ecio": (65, -32.5, 0.5),
}


def by_index(scale: str, index: "int | None") -> "int | float | None":
    """dBm or dB of an index on the scale so named; None out of its range."""
    most, zero, step = _SCALES[scale]
    if index is None or not 0 <= index <= most:
        return None
    value = zero + index * step
    return value if step == 1 else round(value, 1)


def csq_rssi(index: "int | None") -> "int | None":
    """dBm from the <rssi> of +CSQ: 0..31, or 100..191 where the modem counts RSCP (TS 27.007 8.5)."""
    if index is None:
        return None
    if 0 <= index <= 31:
        return -113 + 2 * index
    return index - 216 if 100 <= index <= 191 else None


def csq(lines: "list[str]") -> "dict[str, object]":
    """rssi from the answer to +CSQ."""
    facts: dict[str, object] = {}
    found = first(lines, "+CSQ")
    if found:
        put(facts, "rssi", csq_rssi(number(found[0])))
    return facts


def cesq(lines: "list[str]") -> "dict[str, object]":
    """rscp, ecio, rsrq, rsrp, and sinr of NR, from the answer to +CESQ with six or nine fields.

    The NR fields (Release 15) win where they are known; rxlev, of GSM, becomes the rssi.
    """
    facts: dict[str, object] = {}
    found = first(lines, "+CESQ")
    if not found or len(found) < 6:
        return facts
    index = [number(get(found, position)) for position in range(9)]
    rsrq, rsrp = by_index("rsrq", index[4]), by_index("rsrp", index[5])
    ss_rsrq, ss_rsrp = by_index("ss_rsrq", index[6]), by_index("ss_rsrp", index[7])
    put(facts, "rscp", by_index("rscp", index[2]))
    put(facts, "ecio", by_index("ecno", index[3]))
    put(facts, "rsrq", ss_rsrq if ss_rsrq is not None else rsrq)
    put(facts, "rsrp", ss_rsrp if ss_rsrp is not None else rsrp)
    if len(found) >= 9:
        put(facts, "sinr", by_index("ss_sinr", index[8]))
    rxlev = by_index("rxlev", index[0])
    if rxlev is not None:
        put(facts, "rssi", rxlev)
    return facts
