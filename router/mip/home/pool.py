"""What a home agent lends: home addresses (RFC 2794) and mobile networks (RFC 6626)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

__all__ = ["AddressPool", "PrefixPool"]


class AddressPool:
    """Addresses by name of who has them; who comes back gets the same one while it is free."""

    def __init__(
        self, ranges: Iterable[tuple[IPv4Address, IPv4Address]], taken: Iterable[IPv4Address]
    ) -> None:
        self._ranges = tuple(ranges)
        self._reserved = frozenset(taken)
        self._by_name: dict[str, IPv4Address] = {}
        self._lent: dict[IPv4Address, str] = {}
        self._fresh = self._never_lent()

    def lend(self, name: str) -> IPv4Address | None:
        """The address of `name`, or None when all are out."""
        last = self._by_name.get(name)
        if last is not None and self._lent.get(last, name) == name:
            self._lent[last] = name
            return last
        found = next(self._fresh, None)
        if found is None:
            found = next((address for address in self._by_name.values() if address not in self._lent), None)
        if found is not None:
            self._by_name[name] = found
            self._lent[found] = name
        return found

    def claim(self, name: str, address: IPv4Address) -> bool:
        """Lend this very address, which a mobile node says it has."""
        free = self._lent.get(address, name) == name and address not in self._reserved
        if not free or not any(first <= address <= last for first, last in self._ranges):
            return False
        self._by_name[name] = address
        self._lent[address] = name
        return True

    def give_back(self, address: IPv4Address) -> None:
        self._lent.pop(address, None)

    def _never_lent(self) -> Iterator[IPv4Address]:
        for first, last in self._ranges:
            for number in range(int(first), int(last) + 1):
                address = IPv4Address(number)
                if address not in self._reserved and address not in self._lent:
                    yield address


class PrefixPool:
    """Prefixes cut from larger ones, first fit, and none larger than the default."""

    def __init__(self, prefixes: Iterable[IPv4Network], default_length: int) -> None:
        self._prefixes = tuple(prefixes)
        self._default = default_length
        self._lent: set[IPv4Network] = set()

    def lend(self, length: int) -> IPv4Network | None:
        """A free prefix of `length`, or of the default for 0, less or nonsense; None when there is none."""
        wanted = length if self._default <= length <= 30 else self._default
        for prefix in self._prefixes:
            for candidate in prefix.subnets(new_prefix=max(wanted, prefix.prefixlen)):
                if not any(candidate.overlaps(lent) for lent in self._lent):
                    self._lent.add(candidate)
                    return candidate
        return None

    def give_back(self, prefix: IPv4Network) -> None:
        self._lent.discard(prefix)
