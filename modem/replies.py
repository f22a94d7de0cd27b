"""Readers of AT replies: total functions, a value or None (3GPP TS 27.007).

Runs unchanged on CPython and MicroPython.
"""

_HOME, _ROAMING = (1, 6), (5, 7)

REGISTRATION = {
    0: "idle",
    1: "registered",
    2: "searching",
    3: "denied",
    4: "unknown",
    5: "registered",
    6: "registered",
    7: "registered",
    8: "emergency",
    9: "registered",
    10: "registered",
}

# TS 27.007 7.2, <AcT>
TECHNOLOGY = {
    0: "GSM",
    1: "GSM",
    2: "UTRAN",
    3: "GSM",
    4: "UTRAN",
    5: "UTRAN",
    6: "UTRAN",
    7: "E-UTRAN",
    8: "GSM",
    9: "E-UTRAN",
    10: "E-UTRAN",
    11: "NR",
    12: "NR",
    13: "E-UTRAN",
}


def fields(line: str) -> list[str]:
    """`+NAME: a,"b,c",d` -> ['a', 'b,c', 'd']; the name is cut off."""
    at = line.find(":")
    rest = line[at + 1 :] if line[:1] in "+^!#$*%" and at >= 0 else line
    result, current, quoted = [], "", False
    for sign in rest.strip():
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            result.append(current.strip())
            current = ""
        else:
            current += sign
    result.append(current.strip())
    return result


def number(text: str) -> int | None:
    """A decimal integer, or None."""
    body = text[1:] if text[:1] == "-" else text
    return int(text) if body and all("0" <= c <= "9" for c in body) else None


def first(lines: list[str], name: str) -> list[str] | None:
    """Fields of the first line that bears `name`, or None."""
    for line in lines:
        if line.upper().startswith(name + ":"):
            return fields(line)
    return None


def sim_state(lines: list[str]) -> str | None:
    """`READY`, `SIM PIN`, ... of +CPIN?; None when there is none."""
    found = first(lines, "+CPIN")
    return found[0] if found and found[0] else None


def registration(lines: list[str], name: str) -> tuple[str, bool, str | None] | None:
    """(state, roaming, technology or None) from the answer to `+CREG?` and its kin.

    The answer has <n> in front of <stat>; an unsolicited line that came in
    between has not, and its second field, if any, is a quoted area code.
    """
    result = None
    for line in lines:
        if not line.upper().startswith(name + ":"):
            continue
        values = fields(line)
        if len(values) < 2 or number(values[0]) not in (0, 1, 2, 3, 4, 5):
            continue
        if line.split(",")[1].strip()[:1] == '"':
            continue
        found = _registered(values[1:])
        if found is not None:
            result = found
    return result


def registration_urc(line: str, name: str) -> tuple[str, bool, str | None] | None:
    """The same from an unsolicited `+CREG: <stat>[,...]`, or None."""
    if not line.upper().startswith(name + ":"):
        return None
    return _registered(fields(line))


def _registered(values: list[str]) -> tuple[str, bool, str | None] | None:
    stat = number(values[0])
    if stat is None or stat not in REGISTRATION:
        return None
    technology = _technology(values, 3)
    return REGISTRATION[stat], stat in _ROAMING, technology


def _technology(values: list[str], position: int) -> str | None:
    act = number(values[position]) if len(values) > position else None
    return TECHNOLOGY.get(act) if act is not None else None


def operator(lines: list[str]) -> tuple[str, str | None] | None:
    """(name, technology) from +COPS?; a name of None when none is chosen."""
    found = first(lines, "+COPS")
    if not found or len(found) < 3 or not found[2]:
        return None
    return found[2], _technology(found, 3)


def address(lines: list[str], cid: int = 1) -> str | None:
    """The IPv4 address of context `cid` from +CGPADDR, dotted, or None."""
    for line in lines:
        if not line.upper().startswith("+CGPADDR:"):
            continue
        values = fields(line)
        if number(values[0]) != cid:
            continue
        for text in values[1:]:
            if _is_ipv4(text) and text != "0.0.0.0":
                return text
    return None


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(number(part) is not None and 0 <= int(part) <= 255 for part in parts)


def plain(lines: list[str]) -> str | None:
    """The one line of +CGMI and its kin, with or without its name in front; None when empty."""
    for line in lines:
        text = fields(line)[0] if line[:1] == "+" else line.strip().strip('"')
        if text:
            return text
    return None


def imei(lines: list[str]) -> str | None:
    """15 digits of +CGSN, or None."""
    text = plain(lines)
    return text if text and len(text) == 15 and number(text) is not None else None
