"""A mobile node on a link with agents, for RFC 5944."""

import random
from ipaddress import IPv4Address

from router.config.model import MobileNode as Settings
from router.config.model import Peer
from router.mip.auth import append, sign
from router.mip.mobile.node import MobileNode
from router.mip.wire.authentication import Authentication
from router.mip.wire.registration import RegistrationReply
from tests.mip.mobile.test_agents import AAA, AGENT, FIRST, HOME, KEY, OWN, SHARED, Visit

NOBODY = IPv4Address("0.0.0.0")
HOME_BROADCAST = IPv4Address("10.99.0.255")
OTHER = IPv4Address("192.0.2.78")
WITH_FIRST = Peer("first", FIRST, SHARED)


def begun(home=HOME, agent=AGENT, mode="colocated", own=OWN, **settings):
    """A visit with other addresses than the usual ones."""
    visit = Visit(mode, own)
    visit.node = MobileNode(Settings(home, agent, KEY, lifetime=600, **settings), random.Random(1))
    visit.sent.clear()
    visit.did(visit.node.uplink_up(1, own, 4, 1, visit.now(), mode))
    return visit


def direct():
    """Registered with a care-of address of its own."""
    visit = Visit("colocated", OWN)
    visit.reply(source=AGENT)
    return visit


def through(**settings):
    """Registered through an agent that shares a key with it."""
    visit = Visit(foreign_agents=(WITH_FIRST,), **settings)
    visit.advertise()
    visit.reply(shared=SHARED)
    return visit


def every_request():
    """Requests of every kind: first, repeated, refreshing and ending, directly and through an agent, and at home."""
    silent = Visit("colocated", OWN)
    silent.run(4)
    one = direct()
    one.run(590)
    one.did(one.node.stop(one.now()))
    two = direct()
    two.did(two.node.uplink_up(2, OTHER, 4, 1, two.now()))
    two.reply(source=AGENT)
    two.run(2)
    two.did(two.node.leave(two.now()))
    visiting = Visit(foreign_agents=(WITH_FIRST,), aaa=AAA, nai="bus@example.org")
    visiting.advertise(challenge=b"challenge", minimal=True, gre=True)
    visiting.reply(shared=SHARED)
    visiting.run(2)
    visiting.did(visiting.node.stop(visiting.now()))
    back = direct()
    back.run(2)
    back.advertise(AGENT, home=True)
    sent = [item for visit in (silent, one, two, visiting, back) for item in visit.sent]
    kinds = {(request.lifetime > 0, request.care_of_address) for _, request in sent}
    assert kinds == {(True, OWN), (True, OTHER), (True, FIRST), (False, OWN), (False, FIRST), (False, HOME)}
    return sent


def kinds_of(message):
    return [
        item.type if isinstance(item, Authentication) else item.encode()[0] for item in message.extensions
    ]


def answer(visit, code=0, homes=1, foreigns=0, spoilt=False):
    """A reply with so many authenticators, the last one spoilt or not; what the mobile node does then."""
    asked = visit.last
    octets = RegistrationReply(code, asked.lifetime, HOME, AGENT, asked.identification).encode()
    for _ in range(homes):
        octets = sign(octets, KEY)
    for _ in range(foreigns):
        octets = append(octets, 33, SHARED)
    if spoilt:
        octets = octets[:-1] + bytes([octets[-1] ^ 1])
    effects = visit.node.receive(1, octets, visit.now(), (FIRST, 434))
    visit.did(effects)
    return effects


def refreshing(visit):
    """Let time pass until the next request."""
    count = len(visit.sent)
    while len(visit.sent) == count:
        visit.run(1)
