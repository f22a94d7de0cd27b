"""Takes out of a dialogue what tells who the subscriber is, and puts something of the same shape in its place.

Numbers of 14 digits and more (IMEI, IMSI, ICCID, serial numbers), telephone numbers, IP addresses, texts of short
messages, PINs, user names, passwords, records of the SIM, and positions.  The same secret gets the same substitute
throughout a recording, so that a reader still sees what belongs together; substitutes are counted, not derived from
the secret.  Cells and networks stay: without them a field report says nothing.  Runs unchanged on CPython and MicroPython.
"""

from modem.replies import name_of

_DIGITS, _HEX = "0123456789", "0123456789abcdefABCDEF"
_LONG = 14

# Answers and unsolicited lines in which every quoted text and every longer number is somebody's.
_PERSONAL = (
    "+CNUM", "+CLIP", "+CLCC", "+COLP", "+CDIP", "+CMGR", "+CMGL", "+CMT", "+CDS", "+CBM", "+CSCA", "+CCFC", "+CPBR",
    "+CPBF", "+CPBW", "+CUSD", "+CRING", "+CCWA", "+CMGS", "+CMGW", "+CTFR", "+CNAP",
)  # fmt: skip
_WITH_BODY = ("+CMGR", "+CMGL", "+CMT", "+CDS", "+CBM")
"""The lines behind these, up to the next with a name or a result, are a message."""
_OF_SIM = ("+CRSM", "+CSIM", "+CGLA", "+CCHO", "+CRLA")
_PLACES = (
    "+CGPSINFO",
    "+QGPSLOC",
    "$GPSACP",
    "+CGNSINF",
    "+UULOC",
    "+CGPSINF",
    "!GPSLOC",
    "+CLBS",
    "+CGNSSINFO",
)
_SECRETS = (
    "+CPIN", "+CPWD", "+CLCK", "+CGAUTH", "+QICSGP", "$QCPDPP", "#PDPAUTH", "^AUTHDATA", "+UAUTHREQ", "+MGAUTH",
    "+XGAUTH", "+CPIN2", "+SPIC", "+CMGS", "+CMGW", "+CSCA", "+CUSD", "$QCPDPPWD", "+ZGPCOAUTH", "+XPIN",
)  # fmt: skip
"""Commands whose quoted texts, and whose PINs, are nobody's business."""
_RESULTS = ("OK", "ERROR", "+CME ERROR", "+CMS ERROR")
_KEPT_WORDS = (
    "READY",
    "SIM PIN",
    "SIM PUK",
    "SC",
    "FD",
    "ALL",
    "REC READ",
    "REC UNREAD",
    "STO SENT",
    "STO UNSENT",
)
_VERSIONS = ("ATI", "AT+CGMR", "AT+GMR", "AT+QGMR", "AT^VERSION?")


class Redactor:
    """One for a whole dialogue: it remembers its substitutes, and which command runs."""

    def __init__(self) -> None:
        self._fakes: dict[str, str] = {}
        self._nets: dict[str, str] = {}
        self._in_body = False
        self._command = ""

    def clean(self, text: str, out: bool) -> str:
        """Whole lines of one direction; line ends stay."""
        result, line = "", ""
        for sign in text:
            if sign in "\r\n\x1a":
                result += self._line(line, out) + sign
                line = ""
            else:
                line += sign
        return result + self._line(line, out)

    def _line(self, line: str, out: bool) -> str:
        if not line.strip():
            return line
        upper = line.strip().upper()
        if out or upper[:2] == "AT":
            return self._sent(line, upper)
        if upper[:1] == "$" and upper[1:2] in ("G", "B", "Q") and "," in upper:
            return _digits_to_zero(line)
        name = name_of(line.strip())
        if self._in_body and not name and not upper.startswith(_RESULTS):
            return _letters_to_x(line)
        self._in_body = name in _WITH_BODY
        if name in _PERSONAL:
            return self._personal(line)
        if name in _OF_SIM:
            return self._quoted(line, _digits_and_hex_to_zero)
        if name in _PLACES:
            head = line.find(":") + 1
            return line[:head] + _digits_to_zero(line[head:])
        return self._numbers(line)

    def _sent(self, line: str, upper: str) -> str:
        """A command, or its echo."""
        if upper[:2] != "AT":
            return _letters_to_x(line)
        self._command, self._in_body = upper, False
        name = upper[2:].split("=")[0].split("?")[0]
        at = line.find("=") + 1
        if upper[2:3] == "D" and upper[3:4] not in ("*", ""):
            return line[:3] + _digits_to_zero(line[3:])
        if at and name in _SECRETS:
            return line[:at] + _secret(line[at:])
        if at and name in _PERSONAL:
            return line[:at] + _digits_to_zero(line[at:])
        if at and name in _OF_SIM:
            return line[:at] + self._quoted(line[at:], _digits_and_hex_to_zero)
        return self._numbers(line)

    def _personal(self, line: str) -> str:
        head = line.find(":") + 1
        return line[:head] + self._quoted(self._numbers(line[head:]), _keep_words)

    def _quoted(self, text: str, change: "object") -> str:
        parts = text.split('"')
        for i in range(1, len(parts), 2):
            parts[i] = change(parts[i])  # type: ignore[operator]
        return '"'.join(parts)

    def _numbers(self, text: str) -> str:
        """Long numbers, telephone numbers and addresses, wherever they stand."""
        result, i = "", 0
        while i < len(text):
            end = i + 1
            if text[i] in _HEX + ".:":
                while end < len(text) and text[end] in _HEX + ".:":
                    end += 1
                result += self._token(text[i:end], i > 0 and text[i - 1] == "+")
            else:
                result += text[i]
            i = end
        return result

    def _token(self, token: str, plus: bool) -> str:
        """A run of hexadecimal digits, dots and colons; `plus` where a + stands in front of it."""
        core = token.strip(".:") if token.find("::") < 0 else token.rstrip(".")
        at = token.find(core)
        head, tail = token[:at], token[at + len(core) :]
        if core.count(":") >= 2:
            core = self._ipv6(core)
        elif core.count(".") in (3, 7, 15, 31) and self._command not in _VERSIONS:
            core = self._dotted(core)
        elif _is_ucs2(core):
            core = _ucs2(core)
        else:
            core = self._runs(core, 7 if plus else _LONG)
        return head + core + tail

    def _runs(self, text: str, least: int) -> str:
        """Runs of so many digits, whatever stands around them."""
        result, run = "", ""
        for sign in text + " ":
            if sign in _DIGITS:
                run += sign
                continue
            result += self._number(run) if len(run) >= least else run
            result, run = result + sign, ""
        return result[:-1]

    def _number(self, digits: str) -> str:
        if digits not in self._fakes:
            if digits.strip("0") == "":
                return digits
            self._fakes[digits] = _fake(digits, len(self._fakes) + 1)
        return self._fakes[digits]

    def _dotted(self, text: str) -> str:
        """IPv4, IPv4 with a mask, IPv6 as sixteen octets, with a mask or without."""
        parts = text.split(".")
        for part in parts:
            if (
                not _only(part, _DIGITS)
                or len(part) > 3
                or int(part) > 255
                or (part[0] == "0" and part != "0")
            ):
                return text
        if len(parts) == 4:
            return self._ipv4(parts)
        if len(parts) == 8:
            return self._ipv4(parts[:4]) + "." + ".".join(parts[4:])
        head = self._prefix(".".join(parts[:8]), 8)
        return ".".join([head] + ["0"] * 7 + [parts[15]] + parts[16:])

    def _ipv4(self, parts: "list[str]") -> str:
        """The network is exchanged, the host stays: a gateway and its client still belong together."""
        if parts[0] in ("0", "127", "255") or parts[:2] == ["169", "254"]:
            return ".".join(parts)
        return self._prefix(".".join(parts[:3]), 3) + "." + parts[3]

    def _prefix(self, net: str, count: int) -> str:
        if not net.replace(".", "").strip("0"):
            return net
        if net not in self._nets:
            n = len(self._nets)
            # 198.18.0.0/15 is for benchmarks (RFC 2544), 2001:db8::/32 for documents (RFC 3849).
            fake = (
                "198.%d.%d" % (18 + n // 256 % 2, n % 256)
                if count == 3
                else "32.1.13.184.0.0.0.%d" % (n % 256)
            )
            self._nets[net] = fake
        return self._nets[net]

    def _ipv6(self, text: str) -> str:
        groups = text.split(":")
        if not all(len(group) <= 4 and (group == "" or _only(group, _HEX)) for group in groups):
            return text
        known = [group for group in groups if group.strip("0")]
        if not known or known[0].lower() == "fe80" or (len(groups) == 3 and "" not in groups):
            # Nothing, link-local without its interface's number, or a time of day.
            return text if not known or len(groups) == 3 else "fe80::1"
        key = ":".join(groups)
        if key not in self._fakes:
            self._fakes[key] = "2001:db8::%x" % (len(self._fakes) + 1)
        return self._fakes[key]


def _fake(digits: str, count: int) -> str:
    """As long; what says which kind of number it is stays: the country and network of an IMSI or ICCID, the first two
    digits of an IMEI; a check digit is right again where one was (ISO/IEC 7812)."""
    checked = luhn(digits) == 0
    keep = 2 if checked and len(digits) == 15 else 5
    number = str(count)
    body = digits[:keep] + "0" * (len(digits) - keep - len(number) - (1 if checked else 0)) + number
    return body + _check_digit(body) if checked else body


def _is_ucs2(text: str) -> bool:
    """Two characters and more, all below U+0100, in hexadecimal digits."""
    return (
        len(text) >= 8
        and len(text) % 4 == 0
        and _only(text, _HEX)
        and all(text[i : i + 2] == "00" for i in range(0, len(text), 4))
    )


def _ucs2(text: str) -> str:
    """A text with seven digits and more loses them."""
    units = [text[i : i + 4] for i in range(0, len(text), 4)]
    digits = [unit for unit in units if unit[2] == "3" and unit[3] in _DIGITS]
    return text if len(digits) < 7 else "".join(["0030" if unit in digits else unit for unit in units])


def _check_digit(body: str) -> str:
    for check in _DIGITS:
        if luhn(body + check) == 0:
            return check
    return "0"


def luhn(digits: str) -> int:
    """0 when the last digit checks the others (ISO/IEC 7812)."""
    total = 0
    for i in range(len(digits)):
        value = int(digits[len(digits) - 1 - i]) * (1 + i % 2)
        total += value - 9 if value > 9 else value
    return total % 10


def _secret(text: str) -> str:
    """Quoted texts and PINs to x and 0 of the same length; numbers of one or two digits are parameters."""
    parts = text.split('"')
    for i in range(len(parts)):
        if i % 2:
            if parts[i].upper() not in _KEPT_WORDS:
                parts[i] = "0" * len(parts[i]) if _only(parts[i], _DIGITS) else "x" * len(parts[i])
        else:
            words = parts[i].split(",")
            parts[i] = ",".join([_parameter(word) for word in words])
    return '"'.join(parts)


def _parameter(word: str) -> str:
    if len(word) <= 2 or word.strip() == "":
        return word
    return "0" * len(word) if _only(word, _DIGITS) else "x" * len(word)


def _keep_words(text: str) -> str:
    return text if text.upper() in _KEPT_WORDS else _letters_to_x(text)


def _letters_to_x(text: str) -> str:
    """Hexadecimal digits to 0, so that a PDU stays one; other letters to x."""
    hexadecimal = len(text) >= 8 and _only(text, _HEX)
    zeros = _HEX if hexadecimal else _DIGITS
    return "".join(["0" if c in zeros else "x" if c.isalpha() or ord(c) > 126 else c for c in text])


def _digits_to_zero(text: str) -> str:
    return "".join(["0" if c in _DIGITS else c for c in text])


def _digits_and_hex_to_zero(text: str) -> str:
    return "".join(["0" if c in _HEX else c for c in text])


def _only(text: str, allowed: str) -> bool:
    for c in text:
        if c not in allowed:
            return False
    return text != ""
