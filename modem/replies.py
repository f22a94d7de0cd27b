"""Words and numbers of AT replies: total functions, a value or None (V.250 5.7, 3GPP TS 27.007 3).

Runs unchanged on CPython and MicroPython.
"""

NAMED = "+^!#$*%"
"""What an extended command's name begins with."""

NOTHING = ("", "-")
"""How an unknown value is written."""

_DIGITS = "0123456789"
_HEX = "0123456789abcdefABCDEF"
_LONGEST_NUMBER = 20


def name_of(line: str) -> str:
    """`+NAME` in front of the colon of `+NAME: ...`, in upper case; "" where there is none."""
    if line[:1] not in NAMED or not line:
        return ""
    at = line.find(":")
    name = line[:at].strip() if at > 0 else ""
    return name.upper() if name and " " not in name and '"' not in name and "," not in name else ""


def body_of(line: str) -> str:
    """What follows the name, or the whole line."""
    return line[line.find(":") + 1 :].strip() if name_of(line) else line.strip()


def fields(line: str) -> "list[str]":
    """`+NAME: a,"b,c",d` -> ['a', 'b,c', 'd']; the name is cut off, and so are the quotes."""
    return split(body_of(line))


def split(text: str, sign: str = ",") -> "list[str]":
    """The parts between `sign`s outside quotes, without quotes and outer spaces."""
    if '"' not in text:
        return [part.strip(" \t") for part in text.split(sign)]
    result, current, quoted = [], "", False
    for c in text:
        if c == '"':
            quoted = not quoted
        elif c == sign and not quoted:
            result.append(current.strip(" \t"))
            current = ""
        else:
            current += c
    result.append(current.strip(" \t"))
    return result


def is_digits(text: str) -> bool:
    """Whether it is ASCII digits, and at least one."""
    for c in text:
        if c not in _DIGITS:
            return False
    return text != ""


def number(text: "str | None") -> "int | None":
    """A decimal integer of at most 20 digits, or None; no spaces, no plus sign."""
    if not text or len(text) > _LONGEST_NUMBER:
        return None
    return int(text) if is_digits(text[1:] if text[0] == "-" else text) else None


def real(text: "str | None") -> "int | float | None":
    """A decimal number, with a fraction or without, or None."""
    if not text or text.count(".") != 1:
        return number(text)
    whole, _, part = text.partition(".")
    negative = whole[:1] == "-"
    digits = whole[1:] if negative else whole
    if not is_digits(digits) or not is_digits(part) or len(text) > _LONGEST_NUMBER:
        return None
    return float(text)


def hexadecimal(text: "str | None") -> "int | None":
    """A hexadecimal number of at most 16 digits, with 0x in front or without, or None."""
    if not text:
        return None
    if text[:2] in ("0x", "0X"):
        text = text[2:]
    if not text or len(text) > 16:
        return None
    for c in text:
        if c not in _HEX:
            return None
    return int(text, 16)


def any_base(text: "str | None") -> "int | None":
    """Hexadecimal where 0x stands in front, decimal otherwise; None for the rest."""
    return hexadecimal(text) if text and text[:2] in ("0x", "0X") else number(text)


def between(value: "int | float | None", low: "int | float", high: "int | float") -> bool:
    return value is not None and low <= value <= high


def get(values: "list[str]", position: int) -> "str | None":
    """The field at `position`, or None where there is none, or nothing in it."""
    return values[position] if 0 <= position < len(values) and values[position] not in NOTHING else None


def named(lines: "list[str]", *names: str) -> "list[list[str]]":
    """Fields of every line that bears one of `names` (upper case, as `+CREG`)."""
    return [fields(line) for line in lines if name_of(line) in names]


def first(lines: "list[str]", *names: str) -> "list[str] | None":
    """Fields of the first line that bears one of `names`, or None."""
    for line in lines:
        if name_of(line) in names:
            return fields(line)
    return None


def plain(lines: "list[str]") -> "str | None":
    """The one value of +CGMI and its kin, with or without its name in front; None when empty."""
    for line in lines:
        text = fields(line)[0] if name_of(line) else line.strip().strip('"').strip()
        if text not in NOTHING:
            return text
    return None


def digits(lines: "list[str]", shortest: int, longest: int) -> "str | None":
    """A value of so many digits, as an IMEI has 15; None for all else."""
    for line in lines:
        text = fields(line)[0]
        if shortest <= len(text) <= longest and is_digits(text):
            return text
    return None


def quote(text: str, longest: int = 100) -> str:
    """`text` as a string constant (V.250 5.4.2.2); ValueError when it cannot be one safely."""
    if len(text) > longest:
        raise ValueError("longer than %d characters" % longest)
    for c in text:
        if not 32 <= ord(c) < 127 or c in '"\\':
            raise ValueError("not allowed: %r" % c)
    return '"' + text + '"'
