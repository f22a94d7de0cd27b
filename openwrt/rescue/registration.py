"""A Registration Request that changes nothing, and what comes back (RFC 5944 sections 3.3 and 3.4).  Pure.

It asks a home agent to end a binding that does not exist: lifetime 0 and a Binding ID that no uplink has (RFC 7629
section 4.1).  Where several care-of addresses are not wanted (`multipath` 0) a de-registration would end the one
binding there is; then the time stamp is one of 1900, which is refused with code 133 and leaves all as it was.
"""

import struct

from openwrt.rescue import uci
from openwrt.rescue.digest import SIZES, authenticator

PORT = 434
_REQUEST, _REPLY = 1, 3
_CO_LOCATED_REVERSE = 0x22
_MOBILE_HOME, _NAI, _MULTIPATH = 32, 131, 154
_LONG = (36, 38, 48, 139, 154)
"""Extensions with two octets of length (RFC 5944 section 1.11)."""
_SINCE_1900 = 2208988800
_LOW = 0xFFFFFFFF
_MIN_KEY = 16
MISMATCH = 133

TYPE_CHECKING = False
if TYPE_CHECKING:
    from openwrt.rescue.uci import Section


class Association:
    """Who we are to the home agent, from `config mobile_node` and the uplinks."""

    def __init__(self, sections: "list[Section]") -> None:
        """Raises ValueError, which names the option, its value and what is allowed."""
        options = uci.find(sections, "mobile_node")
        if options is None:
            raise ValueError("no section mobile_node: this router is no mobile node")
        for name in ("home_address", "home_agent", "spi", "key"):
            if not uci.value(options, name):
                raise ValueError("option %s is missing in section mobile_node" % name)
        self.home_address = _address(options, "home_address")
        self.home_agent = _address(options, "home_agent")
        if self.home_agent in ("0.0.0.0", "255.255.255.255"):
            raise ValueError("option home_agent '%s': the agent is left to the network" % self.home_agent)
        self.spi = _whole(uci.value(options, "spi"), "spi")
        self._key = _key(uci.value(options, "key"))
        self.algorithm = uci.value(options, "algorithm", "hmac-md5")
        if self.algorithm not in SIZES:
            raise ValueError("option algorithm '%s': one of %s" % (self.algorithm, ", ".join(sorted(SIZES))))
        self.nai = uci.value(options, "nai")
        self.multipath = uci.is_on(options, "multipath")
        self.wanted = 0 if self.multipath else MISMATCH
        """The code of the answer when all is well."""
        taken = [uci.value(uplink, "bid") for kind, _, uplink in sections if kind == "uplink"]
        # Uplinks without a number of their own have low ones.
        self.bid = max([number for number in range(1, 255) if str(number) not in taken])

    def request(self, care_of: str, identification: int) -> bytes:
        """The signed request from this care-of address."""
        octets = struct.pack("!BBH", _REQUEST, _CO_LOCATED_REVERSE, 0)
        octets += packed(self.home_address) + packed(self.home_agent) + packed(care_of)
        octets += identification.to_bytes(8, "big")
        if self.nai:
            octets += bytes([_NAI, len(self.nai.encode())]) + self.nai.encode()
        if self.multipath:
            octets += struct.pack("!BBHBBBB", _MULTIPATH, 1, 4, 0, 1, self.bid, 0)
        size = SIZES[self.algorithm]
        octets += struct.pack("!BBI", _MOBILE_HOME, 4 + size, self.spi)
        return octets + authenticator(self.algorithm, self._key, octets)

    def described(self, care_of: str, wall_ns: int) -> str:
        """What would be sent, for people: all of it but the key."""
        octets = self.request(care_of, self.identification(wall_ns))
        binding = "BID %d" % self.bid if self.multipath else "time stamp of 1900"
        words = (self.home_address, binding, self.spi, self.algorithm, len(octets))
        return "Registration Request for %s, lifetime 0, %s, SPI %d, %s, %d octets" % words

    def identification(self, wall_ns: int) -> int:
        """The time stamp of a request (RFC 5944 section 5.7.1), from nanoseconds since 1970."""
        if not self.multipath:
            return wall_ns & _LOW
        seconds, fraction = wall_ns // 1000000000, wall_ns % 1000000000
        return (seconds + _SINCE_1900 & _LOW) << 32 | (fraction << 32) // 1000000000

    def reply(self, octets: bytes) -> "dict[str, object] | None":
        """code, lifetime, home_address, identification, authentic of a Registration Reply; None of anything else."""
        if len(octets) < 20 or octets[0] != _REPLY:
            return None
        return {
            "code": octets[1],
            "lifetime": int.from_bytes(octets[2:4], "big"),
            "home_address": dotted(octets[4:8]),
            "identification": int.from_bytes(octets[12:20], "big"),
            "authentic": self._is_authentic(octets),
        }

    def _is_authentic(self, octets: bytes) -> bool:
        at, found = 20, 0
        valid = False
        while at + 2 <= len(octets):
            if octets[at] == 0:
                at += 1
                continue
            if octets[at] in _LONG:
                end = at + 4 + int.from_bytes(octets[at + 2 : at + 4], "big")
            else:
                end = at + 2 + octets[at + 1]
            if end > len(octets):
                return False
            if octets[at] == _MOBILE_HOME and end >= at + 7:
                found += 1
                covered = octets[: at + 6]
                valid = octets[at + 2 : at + 6] == self.spi.to_bytes(4, "big") and octets[
                    at + 6 : end
                ] == authenticator(self.algorithm, self._key, covered)
            at = end
        return valid and found == 1


def clock_off(sent: int, answered: int) -> float:
    """Seconds by which the home agent's clock is ahead of ours, from the time stamps of a request and its reply."""
    return float(((answered >> 32) - (sent >> 32) + 0x80000000 & _LOW) - 0x80000000)


def packed(address: str) -> bytes:
    """The four octets.  Raises ValueError for what is no IPv4 address."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts):
        raise ValueError("'%s': an IPv4 address is wanted, such as 198.51.100.1" % address)
    return bytes([int(part) for part in parts])


def dotted(octets: bytes) -> str:
    return ".".join([str(octet) for octet in octets])


def _address(options: "dict[str, list[str]]", name: str) -> str:
    try:
        return dotted(packed(uci.value(options, name)))
    except ValueError as error:
        raise ValueError("option %s %s" % (name, error)) from None


def _whole(text: str, name: str) -> int:
    try:
        number = int(text, 16 if text[:2] in ("0x", "0X") else 10)
    except ValueError:
        number = -1
    if not 0 < number <= _LOW:
        raise ValueError("option %s '%s': a whole number is wanted, 1..4294967295" % (name, text))
    return number


def _key(text: str) -> bytes:
    octets = text.encode()
    if text[:2] == "0x":
        try:
            octets = bytes([int(text[at : at + 2], 16) for at in range(2, len(text), 2)])
        except ValueError:
            octets = b""
    if len(octets) < _MIN_KEY:
        # The value stays untold: somebody may be looking.
        raise ValueError("option key: 16 octets or more are wanted, as text or as 0x and hexadecimal digits")
    return octets
