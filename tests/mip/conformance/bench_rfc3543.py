"""A home agent and a foreign agent, each opposite a hand that plays the other side."""

import random
from ipaddress import IPv4Address
from typing import NamedTuple

from router.clock import Instant
from router.config.model import ForeignAgent as ForeignSettings
from router.config.model import HomeAgent as HomeSettings
from router.config.model import Mobile, Peer, SecurityAssociation
from router.mip.auth import append, sign
from router.mip.effect import Advertise, Reply
from router.mip.foreign.agent import ForeignAgent
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.revocation import timestamp
from router.mip.wire.advertisement import decode_icmp
from router.mip.wire.challenge import Challenge
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.registration import D, RegistrationReply, RegistrationRequest, T
from router.mip.wire.revocation import Revocation, RevocationAcknowledgment, RevocationSupport

WALL = 1_800_000_000.0
HOME, AGENT, FOREIGN = map(IPv4Address, ("10.99.0.2", "198.51.100.2", "192.0.2.1"))
OTHER_FOREIGN, OTHER_AGENT = IPv4Address("203.0.113.1"), IPv4Address("198.51.100.9")
OWN, ALSO_OWN, NATTED = map(IPv4Address, ("192.0.2.77", "192.0.2.78", "198.18.2.2"))
KEY = SecurityAssociation(256, b"k" * 16)
SHARED = SecurityAssociation(300, b"f" * 16)
"""Between every home agent and every foreign agent: their messages are not told apart by the key."""
WRONG = SecurityAssociation(300, b"x" * 16)
AAA = SecurityAssociation(500, b"a" * 16)
MOBILE_HOME, FOREIGN_HOME, GENERALIZED = 32, 34, 36


class Sent(NamedTuple):
    at: float
    octets: bytes
    message: object
    to: tuple[IPv4Address, int]


class Side:
    """The agent under test, on a stepped clock."""

    by_home_agent: bool
    """Whether the hand plays the home agent."""
    peer: tuple[IPv4Address, int]

    def __init__(self, wall=WALL):
        self.time, self.wall = 100.0, wall
        self.sent, self.told = [], []

    def now(self):
        return Instant(self.time, self.wall + self.time)

    def stamp(self, seconds=0):
        """The time stamp of now, or of so many seconds later."""
        return timestamp(self.wall + self.time + seconds)

    def did(self, effects):
        for effect in effects:
            if isinstance(effect, Reply):
                to = (effect.address, effect.port)
                self.sent.append(Sent(self.time, effect.data, decode(effect.data), to))
            elif isinstance(effect, Advertise):
                self.told.append((effect.to, decode_icmp(effect.data)))
        return effects

    def hear(self, data, source=None):
        """Effects that leave this machine because of `data`."""
        before = len(self.sent)
        self.did(self.agent.receive(data, source or self.peer, self.now()))
        return self.sent[before:]

    def run(self, seconds):
        end = self.time + seconds
        while (wake := self.agent.next_wake()) is not None and wake <= end:
            self.time = max(self.time, wake)
            self.did(self.agent.tick(self.now()))
        self.time = end

    @property
    def revocations(self):
        return [item for item in self.sent if isinstance(item.message, Revocation)]

    @property
    def silently_dropped(self):
        return self.agent.counters.get("dropped_revocation", 0)

    def revocation(self, security=SHARED, **fields):
        """One of the other side, valid but for `fields`; `security` None: not authenticated."""
        message = Revocation(HOME, AGENT, FOREIGN, self.stamp(), self.by_home_agent)._replace(**fields)
        return self.protected(message.encode(), security)

    @staticmethod
    def protected(octets, security=SHARED, kind=FOREIGN_HOME):
        return octets if security is None else append(octets, kind, security)

    def acknowledgment(self, security=SHARED, kind=FOREIGN_HOME, **fields):
        """Of the last revocation sent, but for `fields`."""
        last = self.revocations[-1].message
        message = RevocationAcknowledgment(last.home_address, last.identifier)._replace(**fields)
        return self.protected(message.encode(), security, kind)


class Home(Side):
    by_home_agent = False
    peer = (FOREIGN, 434)

    def __init__(self, wall=WALL, *, shared=True, **settings):
        super().__init__(wall)
        peers = [Peer("one", FOREIGN, SHARED), Peer("other", OTHER_FOREIGN, SHARED)] if shared else []
        known = HomeSettings(AGENT, peers=tuple(peers), **settings)
        self.agent = HomeAgent(known, (Mobile("bus", HOME, KEY),), (), self.now())
        self.time += 10

    def relay(self, *vouched, coa=FOREIGN, bid=1, lifetime=600, security=SHARED, tail=b""):
        """A request through the foreign agent at `coa`, which adds `vouched`; what comes back."""
        self.time += 0.001
        octets = sign(self._request(coa, bid, lifetime, T).encode(), KEY)
        octets += b"".join(item.encode() for item in vouched)
        return self.hear(self.protected(octets, security) + tail, (coa, 434))

    def register(self, *vouched, **fields):
        """Through a foreign agent.  The reply."""
        (answer,) = self.relay(*vouched, **fields)
        return answer

    def register_directly(self, *extensions, coa=OWN, source=None, port=40000, bid=1, tail=b""):
        """With a co-located care-of address, behind NAT where `source` is another one.  The reply."""
        self.time += 0.001
        request = self._request(coa, bid, 600, D | T)
        request = request._replace(extensions=(*extensions, *request.extensions))
        (answer,) = self.hear(sign(request.encode(), KEY) + tail, (source or coa, port))
        return answer

    def agree(self, lifetime=600):
        """A binding that either side may revoke."""
        self.register(RevocationSupport(self.stamp()), lifetime=lifetime)

    def revoke(self, bid=None):
        self.did(self.agent.revoke(HOME, bid, self.now()))

    def _request(self, coa, bid, lifetime, flags):
        stamp = from_wall(self.wall + self.time)
        return RegistrationRequest(lifetime, HOME, AGENT, coa, stamp, flags, (Multipath(4, 1, bid),))

    @property
    def bids(self):
        return sorted(binding.bid for binding in self.agent.bindings.values())


class Foreign(Side):
    by_home_agent = True
    peer = (AGENT, 434)

    def __init__(self, wall=WALL, *, shared=True, **settings):
        super().__init__(wall)
        peers = [Peer("one", AGENT, SHARED), Peer("other", OTHER_AGENT, SHARED)] if shared else []
        known = ForeignSettings("lan0", FOREIGN, peers=tuple(peers), **settings)
        self.agent = ForeignAgent(known, self.now(), random.Random(1))
        self.run(10)

    def request(self, *extensions, agent=AGENT, bid=1, lifetime=600, challenge=b"", tail=b"", **fields):
        """A visitor's request, which answers `challenge` if there is one; what is relayed."""
        self.time += 0.001
        stamp = from_wall(self.wall + self.time)
        asked = RegistrationRequest(
            lifetime, HOME, agent, FOREIGN, stamp, T, (*extensions, Multipath(4, 1, bid))
        )
        octets = sign(asked._replace(**fields).encode(), KEY)
        if challenge:
            octets = append(octets + Challenge(challenge).encode(), GENERALIZED, AAA, 1)
        return self.hear(octets + tail, (HOME, 5000))

    def reply(self, relayed, *vouched, security=SHARED, tail=b""):
        """The home agent accepts; what goes to the visitor."""
        asked = relayed.message
        answer = RegistrationReply(0, asked.lifetime, HOME, asked.home_agent, asked.identification)
        octets = sign(answer.encode(), KEY) + b"".join(item.encode() for item in vouched)
        return self.hear(self.protected(octets, security) + tail, (asked.home_agent, 434))

    def register(self, *vouched, **fields):
        """A visit whose acceptance carries `vouched`."""
        (relayed,) = self.request(**fields)
        self.reply(relayed, *vouched)
        return relayed

    def agree(self, lifetime=600, **fields):
        """A visit that either side may revoke."""
        self.register(RevocationSupport(self.stamp()), lifetime=lifetime, **fields)

    def revoke(self, bid=None):
        self.did(self.agent.revoke(HOME, self.now()))

    @property
    def bids(self):
        return sorted(visitor.bid for visitor in self.agent.visitors)
