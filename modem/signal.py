"""Signal indices to physical values (3GPP TS 27.007 sections 8.5 and 8.69).

Each index names a range; the value is its lower bound.  Codes for "not
known" and everything out of range are None.  Runs unchanged on CPython and
MicroPython.
"""

from modem.replies import first, number


def csq_rssi(index: int | None) -> int | None:
    """dBm from the RSSI of +CSQ, 0..31."""
    return -113 + 2 * index if index is not None and 0 <= index <= 31 else None


def cesq_rsrp(index: int | None) -> int | None:
    """dBm from the RSRP of +CESQ, 0..97."""
    return -141 + index if index is not None and 0 <= index <= 97 else None


def cesq_rsrq(index: int | None) -> float | None:
    """dB from the RSRQ of +CESQ, 0..34."""
    return -20 + index / 2 if index is not None and 0 <= index <= 34 else None


def csq(lines: list[str]) -> int | None:
    """RSSI in dBm from the answer to +CSQ, or None."""
    found = first(lines, "+CSQ")
    return csq_rssi(number(found[0])) if found else None


def cesq(lines: list[str]) -> tuple[int | None, float | None]:
    """(RSRP in dBm, RSRQ in dB) from the answer to +CESQ, each or both None."""
    found = first(lines, "+CESQ")
    if not found or len(found) < 6:
        return None, None
    return cesq_rsrp(number(found[5])), cesq_rsrq(number(found[4]))
