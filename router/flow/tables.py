"""Where roamd's routing tables and rules stand.

One block of 32 tables and 64 priorities, from the configured bases:

    tables      base              unmarked traffic (weighted over what lives)
                base + 1..15      one per path number
                base + 16..30     mobile node: one per uplink, for its care-of address
                                  home agent: one per path number, for what must go by a silent path
                base + 31         unreachable: a mobile address never leaves bare
    priorities  first             main, without its default route
                first + 1..15     from a care-of address, or a visitor's home address: that uplink's table
                                  home agent: by mark, what it sends itself: the silent path's table
                first + 20..35    by mark: that path's table
                first + 40        the unmarked table
                first + 41..      from our own addresses: the unreachable table
"""

from __future__ import annotations

from ipaddress import IPv4Network

from router.config.model import PlaneSettings
from router.plane.model import Rule
from router.plane.words import mark_of

__all__ = ["DEFAULT", "Tables"]

DEFAULT = IPv4Network("0.0.0.0/0")
_MAIN = 254


class Tables:
    """Table numbers and rules for one `PlaneSettings`."""

    def __init__(self, settings: PlaneSettings) -> None:
        self._base = settings.table_base
        self._first = settings.rule_priority
        self._mask = settings.mark_mask
        self.unmarked = self._base
        self.unreachable = self._base + 31

    def path(self, number: int) -> int:
        return self._base + number

    def uplink(self, bid: int) -> int:
        return self._base + 15 + bid

    def main_specifics(self) -> Rule:
        """What main knows better than 'default' (connected and static routes) wins over tunnels."""
        return Rule(self._first, _MAIN, suppress_prefixlength=0)

    def from_care_of_address(self, bid: int, source: IPv4Network) -> Rule:
        return Rule(self._first + bid, self.uplink(bid), source=source)

    def from_home_address(self, bid: int, home_address: IPv4Network, device: str) -> Rule:
        """What leaves by a visited link bare, or is the outside of a tunnel that begins at the home address."""
        return Rule(self._first + bid, self.uplink(bid), source=home_address, oif=device)

    def silent(self, number: int) -> int:
        """At a home agent: the way into a tunnel whose path is silent, for answers to probes."""
        return self._base + 15 + number

    def by_mark_and_own(self, number: int) -> Rule:
        """What a home agent itself sends by a path, be it silent: only so can the path be proven to carry again."""
        mark = mark_of(number, self._mask)
        return Rule(self._first + number, self.silent(number), mark=mark, mask=self._mask, iif="lo")

    def by_mark(self, number: int) -> Rule:
        mark = mark_of(number, self._mask)
        return Rule(self._first + 20 + number, self.path(number), mark=mark, mask=self._mask)

    def by_default(self) -> Rule:
        return Rule(self._first + 40, self.unmarked)

    def never_bare(self, index: int, source: IPv4Network) -> Rule:
        return Rule(self._first + 41 + index, self.unreachable, source=source)
