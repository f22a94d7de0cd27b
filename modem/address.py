"""IP addresses as +CGPADDR and +CGCONTRDP write them (3GPP TS 27.007 10.1.14, 10.1.23).

Runs unchanged on CPython and MicroPython.
"""

from modem.replies import hexadecimal, is_digits


def _octets(text: str, count: int) -> "list[int] | None":
    """`count` numbers of 0 to 255 between dots, or None."""
    parts = text.split(".")
    if len(parts) != count:
        return None
    for part in parts:
        if not is_digits(part) or len(part) > 3 or int(part) > 255:
            return None
    return [int(part) for part in parts]


def ipv4(text: str) -> "str | None":
    """Dotted, or None for all else, 0.0.0.0 too."""
    found = _octets(text, 4)
    return ".".join([str(octet) for octet in found]) if found and any(found) else None


def ipv6(text: str) -> "str | None":
    """Eight groups of hexadecimal digits between colons, from the usual notation or from sixteen dotted
    octets; None for all else, :: too."""
    dotted = _octets(text, 16)
    if dotted is not None:
        groups = [dotted[i] << 8 | dotted[i + 1] for i in range(0, 16, 2)]
    else:
        found = _groups(text)
        if found is None:
            return None
        groups = found
    return ":".join(["%x" % group for group in groups]) if any(groups) else None


def _groups(text: str) -> "list[int] | None":
    if ":" not in text or text.count("::") > 1 or ":::" in text:
        # Unisoc writes :::a:b:c:d for a link-local part without its prefix.
        return None
    head, gap, tail = text.partition("::")
    left = head.split(":") if head else []
    right = tail.split(":") if tail else []
    missing = 8 - len(left) - len(right)
    if (missing < 1) if gap else (missing != 0):
        return None
    groups = []
    for word in left + ["0"] * missing + right:
        value = hexadecimal(word) if len(word) <= 4 else None
        if value is None or word[:2] in ("0x", "0X"):
            return None
        groups.append(value)
    return groups


def masked(text: str) -> "tuple[str | None, int | None]":
    """(address, prefix length) of `a.b.c.d.m.m.m.m`, of the sixteen and sixteen octets of IPv6, of
    `address mask` or `address/length` (+CGPIAF), or of an address alone."""
    words = text.replace("/", " ").split()
    if len(words) == 2 and "/" in text and is_digits(words[1]) and len(words[1]) <= 3:
        return ipv4(words[0]) or ipv6(words[0]), int(words[1])
    for count in (4, 16):
        both = _octets(".".join(words), 2 * count)
        if both is not None:
            address = ".".join([str(octet) for octet in both[:count]])
            return (ipv4(address) or ipv6(address)), _prefix(both[count:])
    address = words[0] if words else ""
    return ipv4(address) or ipv6(address), None


def _prefix(mask: "list[int]") -> "int | None":
    """The ones in front of a mask; None where others follow."""
    bits = 0
    for octet in mask:
        bits = bits << 8 | octet
    size = 8 * len(mask)
    length = 0
    while length < size and bits >> (size - 1 - length) & 1:
        length += 1
    return length if bits & ((1 << (size - length)) - 1) == 0 else None
