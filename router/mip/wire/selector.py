"""The IPv4 binary traffic selector (RFC 6088 section 3.1).

A word of flags, then the flagged fields in the order of their letters, without
padding.  Fields come in pairs: a start alone is an exact match, start and end
are an inclusive range, an end without its start is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from ipaddress import IPv4Address

__all__ = ["IPV4_BINARY", "Range", "TrafficSelector"]

IPV4_BINARY = 1
"""TS Format of this selector (RFC 7629 section 4.2)."""

Range = tuple[int, int]
"""First and last value, both included."""

_WORD = 4
_WIDTHS = {
    "source": 4, "destination": 4, "spi": 4, "source_port": 2, "destination_port": 2, "dscp": 1, "protocol": 1,
}  # fmt: skip
"""Octets of a start or an end, in the order of the letters: A and B are the source's."""
_DSCP_SHIFT = 2


@dataclass(frozen=True, slots=True)
class TrafficSelector:
    """Matches on packets towards the mobile node, as the home agent sees them.

    Source is the correspondent, destination the home address or a mobile
    network.  Every field is an inclusive range, or None for any.  `dscp` is the
    six-bit code point; RFC 6088 carries it in the upper bits of an octet whose
    lower two do not count.  Raises ValueError on a range that is reversed or
    too wide for its field.
    """

    source: Range | None = None
    destination: Range | None = None
    spi: Range | None = None
    source_port: Range | None = None
    destination_port: Range | None = None
    dscp: Range | None = None
    protocol: Range | None = None

    def __post_init__(self) -> None:
        for name, width in _WIDTHS.items():
            found = getattr(self, name)
            if found is None:
                continue
            top = 63 if name == "dscp" else (1 << 8 * width) - 1
            if not 0 <= found[0] <= found[1] <= top:
                raise ValueError(
                    f"{name.replace('_', ' ')} {found[0]}..{found[1]}: must be a range in 0..{top}"
                )

    def encode(self) -> bytes:
        """Flags and fields; a range of one value goes without its end."""
        flags, body = 0, b""
        for index, (name, width) in enumerate(_WIDTHS.items()):
            found: Range | None = getattr(self, name)
            if found is None:
                continue
            shift = _DSCP_SHIFT if name == "dscp" else 0
            flags |= _start_bit(index)
            body += (found[0] << shift).to_bytes(width, "big")
            if found[1] != found[0]:
                flags |= _start_bit(index) >> 1
                body += (found[1] << shift).to_bytes(width, "big")
        return flags.to_bytes(_WORD, "big") + body

    @classmethod
    def decode(cls, data: bytes) -> TrafficSelector:
        """The selector in exactly `data`.  Raises ValueError."""
        if len(data) < _WORD:
            raise ValueError(f"traffic selector: {len(data)} octets are too few for its flags")
        flags, offset = int.from_bytes(data[:_WORD], "big"), _WORD
        found: dict[str, Range] = {}
        for index, (name, width) in enumerate(_WIDTHS.items()):
            start_bit = _start_bit(index)
            flagged = bool(flags & start_bit) + bool(flags & start_bit >> 1)
            if not flagged:
                continue
            if not flags & start_bit:
                raise ValueError(
                    f"traffic selector: an end of the {name.replace('_', ' ')} without its start"
                )
            values = [data[offset + n * width : offset + (n + 1) * width] for n in range(flagged)]
            offset += flagged * width
            shift = _DSCP_SHIFT if name == "dscp" else 0
            numbers = [int.from_bytes(value, "big") >> shift for value in values]
            found[name] = (numbers[0], numbers[-1])
        if offset != len(data):
            raise ValueError(f"traffic selector: {len(data)} octets where its flags announce {offset}")
        return cls(**found)

    def matches(
        self,
        source: IPv4Address,
        destination: IPv4Address,
        protocol: int,
        *,
        source_port: int | None = None,
        destination_port: int | None = None,
        dscp: int = 0,
        spi: int | None = None,
    ) -> bool:
        """Whether a packet is meant.  What it does not have (a port of ICMP) matches no range."""
        packet = {
            "source": int(source), "destination": int(destination), "spi": spi, "source_port": source_port,
            "destination_port": destination_port, "dscp": dscp, "protocol": protocol,
        }  # fmt: skip
        return all(_inside(packet[name], getattr(self, name)) for name in _WIDTHS)

    def __str__(self) -> str:
        words = [f"{item.name.replace('_', '-')} {_shown(item.name, getattr(self, item.name))}" for item in fields(self)
                 if getattr(self, item.name) is not None]  # fmt: skip
        return ", ".join(words) or "any"


def _start_bit(index: int) -> int:
    return 1 << (31 - 2 * index)


def _inside(value: int | None, wanted: Range | None) -> bool:
    return wanted is None or (value is not None and wanted[0] <= value <= wanted[1])


def _shown(name: str, found: Range) -> str:
    ends = [str(IPv4Address(end)) if name in ("source", "destination") else str(end) for end in found]
    return ends[0] if found[0] == found[1] else f"{ends[0]}-{ends[1]}"
