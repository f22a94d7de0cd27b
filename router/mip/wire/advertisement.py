"""Agent discovery: ICMP router discovery messages with their extensions (RFC 5944 section 2, RFC 1256).

The octets here begin with the ICMP header; the IP header around them (TTL 1)
belongs to who sends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct

from router.mip.wire.checksum import checksum
from router.mip.wire.extension import framed, within
from router.mip.wire.numbers import AdvertisementExtension

__all__ = [
    "AgentAdvertisement", "AgentSolicitation", "BadIcmp", "MobilityAgent", "RouterAddress", "decode_icmp",
]  # fmt: skip

_ADVERTISEMENT, _SOLICITATION = 9, 10
_HEADER = Struct("!BBHBBH")
_SOLICIT = Struct("!BBHI")
_ENTRY = Struct("!4si")
_AGENT = Struct("!HHH")
_ENTRY_WORDS = 2
_NOT_FOR_ALL = 16
"""ICMP code of an agent that routes for its visitors only."""

_R, _B, _H, _F, _M, _G, _T, _U, _X = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800, 0x0400, 0x0100, 0x0080, 0x0040


@dataclass(frozen=True, slots=True)
class RouterAddress:
    address: IPv4Address
    preference: int = 0
    """Signed, 32 bits; higher is preferred (RFC 1256 section 2.3)."""


@dataclass(frozen=True, slots=True)
class MobilityAgent:
    """Mobility Agent Advertisement extension (RFC 5944 section 2.1.1).

    Raises ValueError on combinations the RFC forbids: neither H nor F, F
    without a care-of address, R or B without F.
    """

    sequence: int
    lifetime: int
    """Longest registration this agent takes, seconds."""
    care_of_addresses: tuple[IPv4Address, ...] = ()
    registration_required: bool = False
    busy: bool = False
    home_agent: bool = False
    foreign_agent: bool = False
    minimal: bool = False
    gre: bool = False
    reverse_tunnel: bool = False
    udp_tunnel: bool = False
    """U (RFC 3519 section 3.4)."""
    revocation: bool = False
    """X (RFC 3543 section 3.1)."""

    def __post_init__(self) -> None:
        if not self.home_agent and not self.foreign_agent:
            raise ValueError("an agent must be a home agent (H) or a foreign agent (F)")
        if self.foreign_agent and not self.care_of_addresses:
            raise ValueError("a foreign agent (F) must have a care-of address")
        if (self.busy or self.registration_required) and not self.foreign_agent:
            raise ValueError("B and R want F")
        within("care-of addresses", len(self.care_of_addresses), 0, 62)

    def encode(self) -> bytes:
        flags = sum(bit for bit, name in _FLAGS.items() if getattr(self, name))
        addresses = b"".join(address.packed for address in self.care_of_addresses)
        fixed = _AGENT.pack(self.sequence, self.lifetime, flags)
        return framed(AdvertisementExtension.MOBILITY_AGENT, fixed + addresses)


_FLAGS = {
    _R: "registration_required", _B: "busy", _H: "home_agent", _F: "foreign_agent", _M: "minimal", _G: "gre",
    _T: "reverse_tunnel", _U: "udp_tunnel", _X: "revocation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentAdvertisement:
    """A router advertisement with the extension that makes it an agent's.

    `agent` is None in a plain router's advertisement.
    """

    lifetime: int
    """Seconds without another advertisement after which the agent counts as gone."""
    agent: MobilityAgent | None
    routers: tuple[RouterAddress, ...] = ()
    prefix_lengths: tuple[int, ...] = ()
    """One for each router address, or none at all."""
    challenge: bytes = b""
    routes_for_all: bool = True

    def encode(self) -> bytes:
        entries = b"".join(_ENTRY.pack(router.address.packed, router.preference) for router in self.routers)
        extensions = self.agent.encode() if self.agent is not None else b""
        if self.prefix_lengths:
            extensions += framed(AdvertisementExtension.PREFIX_LENGTHS, bytes(self.prefix_lengths))
        if self.challenge:
            extensions += framed(AdvertisementExtension.CHALLENGE, self.challenge)
        if len(extensions) % 2:
            # Some hosts want an even number of octets (RFC 5944 section 2.1.3).
            extensions += bytes((AdvertisementExtension.PADDING,))
        code = 0 if self.routes_for_all else _NOT_FOR_ALL
        head = (_ADVERTISEMENT, code, len(self.routers), _ENTRY_WORDS, self.lifetime)
        octets = _HEADER.pack(*head[:2], 0, *head[2:]) + entries + extensions
        return _HEADER.pack(*head[:2], checksum(octets), *head[2:]) + entries + extensions


@dataclass(frozen=True, slots=True)
class AgentSolicitation:
    """A router solicitation: with IP TTL 1 it is an agent solicitation (RFC 5944 section 2.2)."""

    def encode(self) -> bytes:
        octets = _SOLICIT.pack(_SOLICITATION, 0, 0, 0)
        return _SOLICIT.pack(_SOLICITATION, 0, checksum(octets), 0)


@dataclass(frozen=True, slots=True)
class BadIcmp:
    """Why octets are no message of router discovery."""

    why: str


def decode_icmp(data: bytes) -> AgentAdvertisement | AgentSolicitation | BadIcmp | None:
    """The message in one ICMP packet; None for other ICMP.  Never raises."""
    if data[:1] not in (b"\x09", b"\x0a"):
        return None
    if len(data) < _HEADER.size:
        return BadIcmp(f"{len(data)} octets: router discovery has {_HEADER.size} or more")
    if checksum(data):
        return BadIcmp("wrong checksum")
    if data[0] == _SOLICITATION:
        return AgentSolicitation() if data[1] == 0 else BadIcmp(f"solicitation with code {data[1]}")
    try:
        return _advertisement(data)
    except ValueError as error:
        return BadIcmp(str(error))


def _advertisement(data: bytes) -> AgentAdvertisement:
    _, code, _, count, words, lifetime = _HEADER.unpack_from(data)
    if code not in (0, _NOT_FOR_ALL):
        raise ValueError(f"advertisement with code {code}: must be 0 or {_NOT_FOR_ALL}")
    if words < _ENTRY_WORDS:
        raise ValueError(f"router entries of {words} words: must be {_ENTRY_WORDS} or more")
    end = _HEADER.size + count * words * 4
    if len(data) < end:
        raise ValueError(f"{len(data)} octets where {count} router addresses need {end}")
    routers = []
    for index in range(count):
        address, preference = _ENTRY.unpack_from(data, _HEADER.size + index * words * 4)
        routers.append(RouterAddress(IPv4Address(address), preference))
    agent, prefix_lengths, challenge = _extensions(data, end, count)
    return AgentAdvertisement(lifetime, agent, tuple(routers), prefix_lengths, challenge, code == 0)


def _extensions(
    data: bytes, offset: int, routers: int
) -> tuple[MobilityAgent | None, tuple[int, ...], bytes]:
    agent: MobilityAgent | None = None
    prefix_lengths: tuple[int, ...] = ()
    challenge = b""
    while offset < len(data):
        kind = data[offset]
        if kind == AdvertisementExtension.PADDING:
            offset += 1
            continue
        end = offset + 2 + (data[offset + 1] if offset + 1 < len(data) else len(data))
        if end > len(data):
            raise ValueError(f"extension type {kind} at octet {offset} runs past the end")
        body = data[offset + 2 : end]
        if kind == AdvertisementExtension.MOBILITY_AGENT:
            agent = _mobility_agent(body)
        elif kind == AdvertisementExtension.PREFIX_LENGTHS:
            if len(body) != routers or any(length > 32 for length in body):
                raise ValueError(
                    f"Prefix-Lengths: {len(body)} lengths for {routers} router addresses, 0..32 each"
                )
            prefix_lengths = tuple(body)
        elif kind == AdvertisementExtension.CHALLENGE:
            challenge = body
        elif kind < 128:
            raise ValueError(f"extension type {kind} is not known and may not be skipped")
        offset = end
    return agent, prefix_lengths, challenge


def _mobility_agent(body: bytes) -> MobilityAgent:
    if len(body) < _AGENT.size or (len(body) - _AGENT.size) % 4:
        raise ValueError(
            f"Mobility Agent Advertisement: length {len(body)}: must be 6 and 4 for each address"
        )
    sequence, lifetime, flags = _AGENT.unpack_from(body)
    addresses = tuple(IPv4Address(body[at : at + 4]) for at in range(_AGENT.size, len(body), 4))
    return MobilityAgent(
        sequence, lifetime, addresses, **{name: bool(flags & bit) for bit, name in _FLAGS.items()}
    )
