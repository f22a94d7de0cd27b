"""Text on the line: octets to characters, UCS2, and the GSM alphabet (3GPP TS 23.038, TS 27.005 3.1).

Lines of the engine hold one character an octet.  Runs unchanged on CPython and MicroPython.
"""

_BASIC = (
    "@\xa3$\xa5\xe8\xe9\xf9\xec\xf2\xc7\n\xd8\xf8\r\xc5\xe5"
    "\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\x1b\xc6\xe6\xdf\xc9"
    " !\"#\xa4%&'()*+,-./0123456789:;<=>?"
    "\xa1ABCDEFGHIJKLMNOPQRSTUVWXYZ\xc4\xd6\xd1\xdc\xa7"
    "\xbfabcdefghijklmnopqrstuvwxyz\xe4\xf6\xf1\xfc\xe0"
)
_EXTENDED = {
    0x0A: "\x0c",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "\u20ac",
}
_ESCAPE = 0x1B
_HEX = "0123456789ABCDEF"


def octets_of(text: str) -> "bytes | None":
    """The octets of pairs of hexadecimal digits, or None."""
    if len(text) % 2:
        return None
    values = [_HEX.find(c) for c in text.upper()]
    if -1 in values:
        return None
    return bytes([values[i] << 4 | values[i + 1] for i in range(0, len(values), 2)])


def from_ucs2(text: str) -> "str | None":
    """Characters of UCS2 in hexadecimal digits (+CSCS="UCS2"), surrogate pairs joined; None when it is none."""
    data = octets_of(text)
    if data is None or len(data) % 2:
        return None
    units = [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
    result, i = "", 0
    while i < len(units):
        unit = units[i]
        if 0xD800 <= unit < 0xDC00 and i + 1 < len(units) and 0xDC00 <= units[i + 1] < 0xE000:
            result += chr(0x10000 + ((unit - 0xD800) << 10) + units[i + 1] - 0xDC00)
            i += 2
        elif 0xD800 <= unit < 0xE000:
            return None
        else:
            result += chr(unit)
            i += 1
    return result


def to_ucs2(text: str) -> str:
    """The hexadecimal digits of UCS2; ValueError for characters beyond it."""
    for c in text:
        if ord(c) > 0xFFFF:
            raise ValueError("not in UCS2: %r" % c)
    return "".join(["%04X" % ord(c) for c in text])


def from_gsm(septets: "bytes") -> str:
    """Characters of the GSM 7 bit default alphabet, one an octet; an unknown extension is a space."""
    result, escaped = "", False
    for septet in septets:
        if escaped:
            result += _EXTENDED.get(septet, " ")
            escaped = False
        elif septet == _ESCAPE:
            escaped = True
        else:
            result += _BASIC[septet & 0x7F]
    return result


def unpacked(data: "bytes", count: "int | None" = None) -> "bytes":
    """Septets from packed octets (TS 23.038 6.1.2.1); `count` of them, or as many as there can be."""
    most = len(data) * 8 // 7
    count = most if count is None or not 0 <= count <= most else count
    result, bits, held = [], 0, 0
    for octet in data:
        bits |= octet << held
        held += 8
        while held >= 7:
            result.append(bits & 0x7F)
            bits >>= 7
            held -= 7
    return bytes(result[:count])


def from_packed(text: str, count: "int | None" = None) -> "str | None":
    """Characters of packed septets in hexadecimal digits, as USSD and +COPN of some have them."""
    data = octets_of(text)
    return None if data is None else from_gsm(unpacked(data, count))


def decode(text: str, charset: str) -> "str | None":
    """`text` as the modem wrote it under +CSCS=`charset`; None when it is not of it."""
    charset = charset.upper()
    if charset == "UCS2":
        return from_ucs2(text)
    if charset == "HEX":
        data = octets_of(text)
        return None if data is None else from_gsm(data)
    if charset == "GSM":
        return from_gsm(bytes([min(ord(c), 0xFF) for c in text]))
    if charset in ("UTF-8", "UTF8"):
        return _utf8(text)
    return text


def _utf8(text: str) -> "str | None":
    try:
        return bytes([ord(c) for c in text]).decode()
    except ValueError:
        return None


def readable(text: str) -> str:
    """A name whose character set nobody told: UCS2 in hexadecimal digits and UTF-8 are recognised, all else
    stays as it is."""
    if len(text) >= 8 and len(text) % 4 == 0:
        found = from_ucs2(text)
        if found is not None and _printable(found):
            return found.strip()
    for c in text:
        if ord(c) >= 0x80:
            return _utf8(text) or text
    return text


def _printable(text: str) -> bool:
    """Letters of one script, as a name has: no controls, no private use, and not all from anywhere."""
    pages = []
    for c in text:
        code = ord(c)
        if code < 32 or 0x7F <= code < 0xA0 or 0xE000 <= code < 0xF900 or code > 0xFFF0:
            return False
        page = 1 if 0x2E80 <= code < 0xD800 else code >> 8 & 0xFE
        if page not in pages:
            pages.append(page)
    return len(pages) <= 2
