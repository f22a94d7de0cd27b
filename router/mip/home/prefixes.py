"""Mobile networks of a registration, and their acknowledgements (RFC 5177 section 6, RFC 6626 section 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network

from router.config.model import Mobile
from router.mip.home.checks import Denied
from router.mip.home.pool import PrefixPool
from router.mip.wire.mobile_network import MobileNetworkAcknowledgement, MobileNetworkRequest
from router.mip.wire.numbers import MobileNetworkCode, ReplyCode

__all__ = ["Answer", "answer"]

_MOST_DELEGATED = 4
"""To one mobile node, lest it exhaust the pool (RFC 6626 section 4)."""

Answer = tuple[tuple[IPv4Network, ...], tuple[MobileNetworkAcknowledgement, ...]]
"""The mobile networks in force after the request, and what the reply says of them."""


def answer(
    asked: Iterable[MobileNetworkRequest],
    mobile: Mobile,
    now: tuple[IPv4Network, ...],
    pool: PrefixPool,
    ends: Collection[IPv4Address],
) -> Answer:
    """Explicit mode when the request names prefixes, implicit mode otherwise.

    `now` are those in force: a prefix delegated before is delegated again, so
    that every refresh through every uplink gets the same one.  `ends` are where
    its tunnels end: one prefix around them all cannot be forwarded.  What `pool`
    lends here is taken even if a later check refuses the request; the caller
    gives back what ends up in no set.  Raises Denied: 148 when the mobile node
    may have no mobile network, 147 when none of those named works.
    """
    requests = tuple(asked)
    if not requests:
        delegated = tuple(prefix for prefix in now if prefix not in mobile.mobile_networks)
        networks = mobile.mobile_networks + delegated
        told = tuple(_acknowledge(prefix, _forwarding(prefix, ends), implicit=True) for prefix in networks)
        working = tuple(item for item, note in zip(networks, told, strict=True) if not note.code)
        if networks and not working:
            raise Denied(ReplyCode.HA_MOBNET_ERROR, "none of the mobile networks can be forwarded", told)
        return working, told
    if not mobile.mobile_networks and not mobile.delegation:
        raise Denied(ReplyCode.HA_MOBNET_DISALLOWED, "this mobile node may have no mobile network")
    good: list[IPv4Network] = []
    said = []
    for item in requests:
        found, code = _one(item, mobile, now, pool, good)
        if found is not None and not item.is_dynamic:
            code = _forwarding(found, ends)
            found = found if code is MobileNetworkCode.SUCCESS else None
        if found is not None:
            good += [found] if found not in good else []
            said.append(_acknowledge(found))
        else:
            said.append(MobileNetworkAcknowledgement(code, item.prefix_length, item.address))
    if not good:
        raise Denied(ReplyCode.HA_MOBNET_ERROR, "none of the mobile networks is allowed", tuple(said))
    return tuple(good), tuple(said)


def _one(
    item: MobileNetworkRequest,
    mobile: Mobile,
    now: tuple[IPv4Network, ...],
    pool: PrefixPool,
    taken: list[IPv4Network],
) -> tuple[IPv4Network | None, MobileNetworkCode]:
    if item.is_dynamic:
        if not mobile.delegation:
            return None, MobileNetworkCode.UNAUTHORIZED
        before = (prefix for prefix in now if prefix not in mobile.mobile_networks and prefix not in taken)
        if sum(prefix not in mobile.mobile_networks for prefix in taken) >= _MOST_DELEGATED:
            return None, MobileNetworkCode.UNASSIGNED
        return next(before, None) or pool.lend(item.prefix_length), MobileNetworkCode.UNASSIGNED
    if not 1 <= item.prefix_length <= 32:
        return None, MobileNetworkCode.INVALID_PREFIX_LENGTH
    prefix = item.prefix
    if prefix is not None and (prefix in mobile.mobile_networks or prefix in now):
        return prefix, MobileNetworkCode.SUCCESS
    return None, MobileNetworkCode.UNAUTHORIZED


def _forwarding(prefix: IPv4Network, ends: Collection[IPv4Address]) -> MobileNetworkCode:
    """A tunnel that ends in the prefix it carries would carry its own outside, round and round."""
    loops = all(end in prefix for end in ends)
    return MobileNetworkCode.FORWARDING_SETUP_FAILED if loops else MobileNetworkCode.SUCCESS


def _acknowledge(
    prefix: IPv4Network, code: MobileNetworkCode = MobileNetworkCode.SUCCESS, *, implicit: bool = False
) -> MobileNetworkAcknowledgement:
    address: IPv4Address = prefix.network_address
    return MobileNetworkAcknowledgement(code, prefix.prefixlen, address, implicit)
