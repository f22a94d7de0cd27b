"""Kinds of option values: text in, checked value out.

Each says of itself what the table of options, validate_data and LuCI show (`router.config.kind`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from router.config.kind import Kind, kind
from router.config.model import PortRange, Range
from router.scram import Verifier

__all__ = [
    "address", "addresses", "bits", "boolean", "choice", "days", "device", "dscp", "hours", "key", "led", "mac", "nai", "name", "network",
    "path", "ports", "prefix", "protocol", "speed", "spis", "unless", "verifier", "whole",
    "word",
]  # fmt: skip

_TRUE, _FALSE = ("1", "on", "true", "yes", "enabled"), ("0", "off", "false", "no", "disabled")
_DSCP = {
    "be": 0, "ef": 46, "va": 44, "le": 1,
    **{f"cs{n}": 8 * n for n in range(8)},
    **{f"af{c}{d}": 8 * c + 2 * d for c in range(1, 5) for d in range(1, 4)},
}  # fmt: skip
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_DEVICE = 15
_MAX_WORD = 24
_MIN_KEY = 16
_SPEEDS = ("9600", "19200", "38400", "57600", "115200")
_MAX_LONG = 0x7FFFFFFF


@kind("address", "IPv4", "ip4addr")
def address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError("expected an IPv4 address such as 198.51.100.1") from None


@kind("prefix", "IPv4, such as 10.50.0.0/24", "cidr4")
def prefix(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise ValueError("expected an IPv4 prefix such as 10.50.0.0/24, host bits zero") from None


def whole(low: int, high: int, unit: str = "") -> Kind[int]:
    """Whole numbers low..high, decimal."""
    of = f" of {unit}" if unit else ""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text[:20]) <= high:
            raise ValueError(f"expected a whole number{of}, {low}..{high}")
        return int(text)

    # A router of 32 bits compares with what its C `long` holds.
    limits = f"range({low},{high})" if high <= _MAX_LONG else f"min({low})"
    return Kind(read, "whole number", f"{low}..{high} {unit}".rstrip(), f"and(uinteger,{limits})")


def unless(word: str, number: Kind[int]) -> Kind[int | None]:
    """What `number` reads, or `word`, which is None."""

    def read_or_word(text: str) -> int | None:
        if text == word:
            return None
        try:
            return number(text)
        except ValueError as error:
            raise ValueError(f"{error}, or {word}") from None

    return Kind(
        read_or_word,
        number.name,
        f"{number.allowed}, or {word}",
        f'or("{word}",{number.datatype})',
        none_word=word,
    )


@kind("mask", "2 or more adjacent bits of 32", pattern=r"\s*\+?\w+\s*")
def bits(text: str) -> int:
    """A mask of adjacent bits, at least two, in 32."""
    allowed = "expected a mask of 2 or more adjacent bits such as 0x0f000000"
    try:
        mask = int(text, 0)
    except ValueError:
        raise ValueError(allowed) from None
    if not 0 < mask <= 0xFFFFFFFF:
        raise ValueError(allowed)
    run = mask >> ((mask & -mask).bit_length() - 1)
    if run & (run + 1) or run < 3:
        raise ValueError(allowed)
    return mask


@kind("boolean", "0 or 1", "bool")
def boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"expected one of {', '.join((*_TRUE, *_FALSE))}")


def choice(*allowed: str) -> Kind[str]:
    """One of the words `allowed`."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    quoted = ",".join(f'"{word}"' for word in allowed)
    return Kind(read, "choice", ", ".join(allowed), f"or({quoted})", allowed)


def _speed(text: str) -> int:
    return int(choice(*_SPEEDS)(text))


speed = Kind(_speed, "bit/s", ", ".join(_SPEEDS), choice(*_SPEEDS).datatype, _SPEEDS)


@kind("verifier", "what `roamd console --hash` prints")
def verifier(text: str) -> Verifier:
    return Verifier.parse(text)


@kind("name")
def name(text: str) -> str:
    """Of another section."""
    return text


@kind("device", "1 to 15 characters", "and(minlength(1),maxlength(15))")
def device(text: str) -> str:
    good = 0 < len(text) <= _MAX_DEVICE and text not in (".", "..")
    if not good or any(sign in '/"\\' or not "!" <= sign <= "~" for sign in text):
        raise ValueError("expected a network device name, 1 to 15 characters without blanks, / or quotes")
    return text


@kind("LED", "letters, digits and -_:.+", "string")
def led(text: str) -> str:
    """A folder of /sys/class/leds."""
    if (
        not text.isascii()
        or not all(sign.isalnum() or sign in "-_:.+" for sign in text)
        or text.strip(".") == ""
    ):
        raise ValueError("expected the name of a LED, as in /sys/class/leds")
    return text


@kind("interface", "letters, digits and _", "uciname")
def network(text: str) -> str:
    """Name of a section of UCI."""
    if not (text.isascii() and text.replace("_", "a").isalnum()):
        raise ValueError("expected an interface of /etc/config/network: letters, digits and _")
    return text


@kind("path", "absolute", pattern=r"/[\s\S]*")
def path(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise ValueError("expected an absolute path")
    return text


@kind("port range", "1..65535, such as 8000-8100", "portrange")
def ports(text: str) -> PortRange:
    """`80` or `8000-8100`."""
    first, dash, last = text.partition("-")
    read = whole(1, 65535)
    try:
        found = (read(first), read(last) if dash else read(first))
    except ValueError:
        raise ValueError("expected a port or a range such as 8000-8100, 1..65535") from None
    if found[0] > found[1]:
        raise ValueError("expected a port range whose first port is not above its last")
    return found


@kind("range", "0..0xffffffff, such as 0x100-0x1ff", pattern=r"\s*\+?\w+\s*(-\s*\+?\w+\s*)?")
def spis(text: str) -> Range:
    """`4096` or `256-511`, decimal or hexadecimal behind 0x."""
    first, dash, last = text.partition("-")
    try:
        found = (int(first, 0), int(last, 0) if dash else int(first, 0))
    except ValueError:
        found = (-1, -1)
    if not 0 <= found[0] <= found[1] <= 0xFFFFFFFF:
        raise ValueError("expected an IPsec SPI or a range such as 0x100-0x1ff, 0..0xffffffff")
    return found


@kind("addresses", "such as 10.99.0.100-10.99.0.199", pattern=r"[\d.]+-[\d.]+")
def addresses(text: str) -> tuple[IPv4Address, IPv4Address]:
    """`10.99.0.100-10.99.0.199`."""
    first, _, last = text.partition("-")
    try:
        found = (IPv4Address(first), IPv4Address(last))
    except ValueError:
        raise ValueError("expected two IPv4 addresses such as 10.99.0.100-10.99.0.199") from None
    if found[0] > found[1]:
        raise ValueError("expected a range whose first address is not above its last")
    return found


@kind("NAI", "1 to 255 characters, such as bus42@example.org", "and(minlength(1),maxlength(255))")
def nai(text: str) -> str:
    """A network access identifier, `user@realm` (RFC 4282), as RFC 2794 carries it."""
    if not 1 <= len(text) <= 255 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected a network access identifier such as bus42@example.org")
    return text


@kind("link address", "such as 02:00:5e:10:00:01", "macaddr")
def mac(text: str) -> str:
    """Six pairs of hexadecimal digits, in lower case."""
    pairs = text.lower().split(":")
    if len(pairs) != 6 or any(len(pair) != 2 or set(pair) - set("0123456789abcdef") for pair in pairs):
        raise ValueError("expected a link address such as 02:00:5e:10:00:01")
    return ":".join(pairs)


@kind("word", "letters, digits and _, 1 to 24, no digit first", "and(uciname,maxlength(24))")
def word(text: str) -> str:
    """A name as nftables takes it."""
    good = text.isascii() and text.isidentifier() and len(text) <= _MAX_WORD
    if not good:
        raise ValueError(
            f"expected a name of letters, digits and _, {_MAX_WORD} characters at most, no digit first"
        )
    return text


@kind("days", "mon to sun, such as mon-fri", pattern=r"[A-Za-z]{3}(-[A-Za-z]{3})?")
def days(text: str) -> tuple[int, ...]:
    """`mon` or `mon-fri`, 0 for Monday; a range may go past Sunday."""
    first, dash, last = text.lower().partition("-")
    try:
        begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
    except ValueError:
        raise ValueError(f"expected a day or a range such as mon-fri: {', '.join(_DAYS)}") from None
    return tuple((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))


@kind("times", "00:00 to 24:00, such as 08:00-18:30", pattern=r"\d\d:\d\d-\d\d:\d\d")
def hours(text: str) -> Range:
    """`08:00-18:30` in minutes of the day."""
    begin, _, end = text.partition("-")
    found = (_minute(begin), _minute(end))
    if None in found or found[0] == found[1]:
        raise ValueError("expected two times of the day that differ, such as 08:00-18:30, 00:00..24:00")
    return found[0] or 0, found[1] or 0


def _minute(text: str) -> int | None:
    hour, _, minute = text.partition(":")
    if not (len(hour) == len(minute) == 2 and (hour + minute).isdigit() and text.isascii()) or minute > "59":
        return None
    found = 60 * int(hour) + int(minute)
    return found if found <= 24 * 60 else None


@kind("protocol", "tcp, udp, icmp, any or 0..255", 'or("tcp","udp","icmp","any",range(0,255))')
def protocol(text: str) -> str:
    """`tcp`, `udp`, `icmp`, `any`, or an IP protocol's number."""
    if text in ("tcp", "udp", "icmp", "any"):
        return text
    try:
        return str(whole(0, 255)(text))
    except ValueError:
        raise ValueError("expected tcp, udp, icmp, any or a protocol number 0..255") from None


@kind("code point", "0..63 or a name such as ef, af41, cs3", pattern=r"\d+|[A-Za-z]+\d*")
def dscp(text: str) -> int:
    if text.lower() in _DSCP:
        return _DSCP[text.lower()]
    try:
        return whole(0, 63)(text)
    except ValueError:
        raise ValueError("expected 0..63 or a name such as ef, af41, cs3") from None


@kind("key", "16 octets or more, text or 0x and hexadecimal", "minlength(16)")
def key(text: str) -> bytes:
    """Octets of a key: text as it is, or hexadecimal behind 0x.  RFC 5944 section 5.1: 128 bits at least."""
    if text.startswith("0x"):
        try:
            octets = bytes.fromhex(text[2:])
        except ValueError:
            raise ValueError("expected pairs of hexadecimal digits after 0x") from None
    else:
        octets = text.encode("utf-8", errors="surrogateescape")
    if len(octets) < _MIN_KEY:
        raise ValueError("expected 16 octets or more (RFC 5944 section 5.1 demands 128 bits)")
    return octets
