"""A request that was relayed, and waits for its answer (RFC 5944 section 3.7.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from router.mip.effect import Reply
from router.mip.foreign.checks import ANY_HOME_AGENT, NOBODY
from router.mip.foreign.datagram import Datagram, Source
from router.mip.identification import LOW
from router.mip.revocation import Subject
from router.mip.wire.challenge import Challenge
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.dynamic_home_agent import DynamicHomeAgent
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import RegistrationReply, RegistrationRequest

__all__ = ["Pending"]

_MOST_AGE = 7.0
"""Seconds until an unanswered request is given up with code 78 (RFC 5944 section 3.7.1)."""
_EVERYBODY = IPv4Address("255.255.255.255")


@dataclass(slots=True)
class Pending:
    """Times are monotonic seconds."""

    home_address: IPv4Address
    nai: bytes
    home_agent: IPv4Address
    care_of_address: IPv4Address
    source: Source
    """Where the mobile node sent it from."""
    destination: IPv4Address | None
    """Address of ours, or of all agents, that it was sent to."""
    link: bytes | None
    """The mobile node's link-layer address."""
    bid: int
    everything: bool
    """A de-registration of all its bindings."""
    identification: int
    lifetime: int
    since: float
    colocated: bool
    reverse_tunnel: bool
    delivery: str
    """`direct` or `encapsulating` (RFC 3024 section 5)."""
    challenge: bytes
    """The one it answers; empty for none."""
    gre_key: int | None = None
    """The key we asked for (RFC 6245)."""
    stamp: int | None = None
    """Time stamp of the Revocation Support extension we added."""

    @classmethod
    def of(cls, request: RegistrationRequest, datagram: Datagram, at: float) -> Pending:
        """What is to be kept of a request that came in `datagram`."""
        multipath, nai = request.find(Multipath), request.find(Nai)
        challenge = request.find(Challenge)
        all_of_them = request.care_of_address == request.home_address or (
            multipath is not None and multipath.bulk
        )
        encapsulating = request.find(EncapsulatingDelivery) is not None
        return cls(
            home_address=request.home_address,
            nai=nai.nai if nai is not None else b"",
            home_agent=_home_agent_of(request),
            care_of_address=request.care_of_address,
            source=datagram.source,
            destination=datagram.to,
            link=datagram.link,
            bid=multipath.bid if multipath is not None else 0,
            everything=all_of_them and not request.lifetime,
            identification=request.identification,
            lifetime=request.lifetime,
            since=at,
            colocated=request.decapsulation,
            reverse_tunnel=request.reverse_tunnel,
            delivery="encapsulating" if encapsulating else "direct",
            challenge=challenge.value if challenge is not None else b"",
        )

    @property
    def key(self) -> tuple[IPv4Address, IPv4Address, bytes, int]:
        """Same mobile node, same binding: of the requests with one key, only the newest waits."""
        return (self.home_address, self.home_agent, self.nai, self.bid)

    @property
    def subject(self) -> Subject:
        """The binding it is about, in the terms of a revocation."""
        return (self.home_address, self.home_agent, self.care_of_address)

    @property
    def who(self) -> object:
        """The mobile node, by the name that its challenges are kept under.

        The home address, where there is one: nobody else can put another NAI behind it.
        """
        return self.nai if self.home_address == NOBODY else self.home_address

    @property
    def ends(self) -> float:
        """When it is given up: no answer can outlive the lifetime asked for (RFC 5944 section 3.7.2.2)."""
        return self.since + min(_MOST_AGE, self.lifetime or _MOST_AGE)

    def is_repeated_by(self, other: Pending) -> bool:
        """Whether `other` is this request sent again: its identification and age are no part of it
        (RFC 4721 section 3.2), nor is what we add to it."""
        link = self.link if None in (self.link, other.link) else other.link
        return self == replace(
            other, identification=self.identification, since=self.since, link=link, gre_key=self.gre_key, stamp=self.stamp
        )  # fmt: skip

    def is_answered_by(self, reply: RegistrationReply, source: IPv4Address) -> bool:
        """Whether the home agent at `source` says this of it (RFC 5944 section 3.7.3.1)."""
        same = self.identification & LOW == reply.identification & LOW
        who = self.home_address in (NOBODY, reply.home_address)
        nai = reply.find(Nai)
        named = nai is None or not self.nai or nai.nai == self.nai
        return same and who and named and source == self.home_agent

    def answer(self, octets: bytes) -> Reply:
        """`octets` of a reply, sent to where the request came from (RFC 5944 section 3.7.2.3).

        They come from where it went to, unless that was everybody.  From nowhere it is answered
        at the home address it named, or to everybody on the link: an assigned home address is not
        yet the mobile node's when its reply comes, and no host takes a packet to an address it
        does not have.
        """
        address, port = self.source
        if address == NOBODY:
            address = _EVERYBODY if self.home_address == NOBODY else self.home_address
        to = self.destination
        ours = None if to is None or to.is_multicast or to == _EVERYBODY else to
        return Reply(octets, address, port, on_link=True, source=ours)


def _home_agent_of(request: RegistrationRequest) -> IPv4Address:
    """The one it names, or the one it wants among all (RFC 4433 section 5.2)."""
    wanted = request.find(DynamicHomeAgent)
    if request.home_agent not in ANY_HOME_AGENT or wanted is None:
        return request.home_agent
    return wanted.address
