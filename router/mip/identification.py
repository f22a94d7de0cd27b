"""Time stamps as Identification (RFC 5944 section 5.7.1): 64-bit NTP format."""

from __future__ import annotations

__all__ = ["LOW", "from_wall", "to_wall", "with_high_half"]

_SINCE_1900 = 2_208_988_800
LOW = 0xFFFFFFFF


def from_wall(wall: float) -> int:
    """Seconds since 1970 to NTP format; wraps in 2036 as NTP does."""
    seconds = int(wall // 1)
    fraction = int((wall - seconds) * (1 << 32))
    return (((seconds + _SINCE_1900) & LOW) << 32) | (fraction & LOW)


def to_wall(identification: int) -> float:
    """NTP format to seconds since 1970, in the era that began in 1968 (until 2104)."""
    seconds = (identification >> 32) - _SINCE_1900
    if seconds < -_SINCE_1900 // 2:
        seconds += 1 << 32
    return seconds + (identification & LOW) / (1 << 32)


def with_high_half(clock: int, identification: int) -> int:
    """The answer to a time stamp out of tolerance: our clock above, the request's low half below."""
    return (clock & ~LOW) | (identification & LOW)
