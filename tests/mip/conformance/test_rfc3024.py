"""RFC 3024, requirement by requirement, where no other test shows it."""

import dataclasses
from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest

from router.clock import Instant
from router.config.model import ForeignAgent as Settings
from router.config.model import HomeAgent as AgentSettings
from router.config.model import HomeNetwork, Mobile
from router.flow.foreign_plan import foreign_plan
from router.mip.auth import sign
from router.mip.effect import Reply, Send
from router.mip.foreign.agent import ForeignAgent
from router.mip.home.agent import HomeAgent
from router.mip.identification import from_wall
from router.mip.wire.delivery import EncapsulatingDelivery
from router.mip.wire.message import decode
from router.mip.wire.multipath import Multipath
from router.mip.wire.nai import Nai
from router.mip.wire.registration import D, G, M, RegistrationReply, RegistrationRequest, T
from router.mip.wire.udp_tunnel import UdpTunnelRequest
from tests.mip.conformance.bench_home_plane import chain, let_in, state_of
from tests.mip.foreign import test_agent as foreign
from tests.mip.home import test_agent as home
from tests.mip.mobile import test_agents as visiting
from tests.mip.mobile import test_registration as mobile

WALL, KEY, OURS, AGENT = foreign.WALL, foreign.KEY, foreign.OURS, foreign.AGENT
PUBLIC, OTHER, PRIVATE = map(IPv4Address, ("203.0.113.7", "203.0.113.8", "10.10.1.2"))
FAR_AGENT = IPv4Address("198.51.100.99")
LINKS = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
WRAPPED = EncapsulatingDelivery().encode()
EVERYWHERE = IPv4Network("0.0.0.0/0")


class Visited:
    """A foreign agent without keys; a hand plays its mobile nodes and home agents."""

    def __init__(self, **settings):
        self.time = 100.0
        self.agent = ForeignAgent(Settings("lan0", OURS, **settings), self.now(), Random(1))
        self.relayed = []

    def now(self):
        return Instant(self.time, WALL + self.time)

    def ask(
        self, who, to=AGENT, *, flags=T, tail=b"", bid=1, lifetime=200, ttl=255, link=LINKS[0], pause=1.01
    ):
        """Codes that come back to a mobile node for a request which the home agent would accept."""
        self.time += pause
        identification = from_wall(WALL + self.time)
        request = RegistrationRequest(
            lifetime, who, to, OURS, identification, flags, (Multipath(4, 1, bid),)
        ).encode()
        effects = self.agent.receive(sign(request, KEY) + tail, (who, 434), self.now(), ttl=ttl, link=link)
        relayed = [item for item in effects if isinstance(item, Reply) and item.address == to]
        self.relayed += relayed
        if relayed:
            answer = sign(RegistrationReply(0, lifetime, who, to, identification).encode(), KEY)
            effects = self.agent.receive(answer, (to, 434), self.now())
        self.replies = [decode(item.data) for item in effects if isinstance(item, Reply)]
        return [reply.code for reply in self.replies]

    def plan(self):
        return foreign_plan(self.agent.settings, self.agent.visitors)


def taken(state):
    """What the foreign agent puts into a tunnel: (device it came by, source) and the chain that marks it."""
    found = {}
    for line in chain(state, "prerouting"):
        match, _, rest = line.partition(" ip saddr vmap { ")
        for pair in rest.rstrip(" }").split(", ") if rest else ():
            key, verdict = pair.split(" : goto ")
            device, source = key.split(" . ") if " . " in key else (match.split()[1], key)
            assert (device.strip('"'), source) not in found
            found[device.strip('"'), source] = verdict
    return found


def marked(state, verdict):
    """The device that packets marked by a chain leave through."""
    number = int(verdict.removeprefix("use_"))
    assert chain(state, verdict) == [f"meta mark set meta mark & 0xf0ffffff | {number << 24:#x}"]
    (table,) = {rule.table for rule in state.rules if rule.mark == number << 24}
    (route,) = (route for route in state.routes if (route.table, route.prefix) == (table, EVERYWHERE))
    return route.nexthops[0].device


def tunnels(state):
    return {tunnel.device: (tunnel.local, tunnel.remote, tunnel.encapsulation) for tunnel in state.tunnels}


# 3: messages


@pytest.mark.parametrize(("offer", "codes"), [("optional", [0]), ("required", [0]), ("off", [74])])
def test_an_agent_that_advertises_t_delivers_in_both_styles(offer, codes):
    link = foreign.Link(reverse_tunnel=offer)
    link.run(1)
    assert link.advertised[-1][1].agent.reverse_tunnel is (offer != "off")
    for tail in (b"", WRAPPED):
        visited = Visited(reverse_tunnel=offer)
        assert visited.ask(PUBLIC, tail=tail) == codes
        assert len(taken(visited.plan())) == (offer != "off")


def test_a_home_agent_grants_a_reverse_tunnel_unless_it_was_told_not_to():
    bench = home.Bench()
    assert bench.ask(Multipath(4, 1, 1)) == 0
    assert bench.agent.bindings[home.HOME, 1].reverse_tunnel


def every_request():
    """Effects with a request: from an address of its own, through an agent, lost, at home, at the end."""
    bench, effects = mobile.Bench(), []
    effects += bench.node.uplink_up(1, mobile.COA[1], 4, 1, bench.now())
    effects += bench.node.uplink_up(2, mobile.COA[2], 4, 1, bench.now())
    bench.did(effects)
    for _, _, request in list(bench.sent):
        bench.reply(request)
    bench.time += 256
    effects += bench.node.tick(bench.now())
    effects += bench.node.uplink_down(2, bench.now())
    effects += bench.node.stop(bench.now())
    visit = visiting.Visit()
    visit.advertise()
    visit.reply()
    visit.did(visit.node.stop(visit.now()))
    effects += [effect for effect, _ in visit.sent]
    back = visiting.Visit("colocated", visiting.OWN)
    back.reply(source=visiting.AGENT)
    back.run(2)
    back.advertise(visiting.AGENT, home=True)
    effects += [effect for effect, _ in back.sent]
    sent = [effect for effect in effects if isinstance(effect, Send)]
    found = [(effect, decode(effect.data)) for effect in sent]
    return [(effect, message) for effect, message in found if isinstance(message, RegistrationRequest)]


def test_every_request_of_a_mobile_node_leaves_with_ttl_255():
    found = every_request()
    assert {effect.ttl for effect, _ in found} == {255}
    kinds = {(bool(request.lifetime), request.decapsulation) for _, request in found}
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}


def test_away_from_home_a_mobile_node_asks_for_a_reverse_tunnel_and_for_direct_delivery():
    for _, request in every_request():
        assert request.find(EncapsulatingDelivery) is None
        assert request.reverse_tunnel or request.care_of_address == request.home_address


def test_the_delivery_style_is_neither_relayed_nor_returned():
    visited = Visited()
    assert visited.ask(PUBLIC, tail=WRAPPED) == [0]
    denying = Visited(max_lifetime=60)
    assert denying.ask(PUBLIC, tail=WRAPPED) == [69]
    for message in (decode(visited.relayed[0].data), *visited.replies, *denying.replies):
        assert message.find(EncapsulatingDelivery) is None


@pytest.mark.parametrize(("code", "signed"), [(70, False), (134, True)])
def test_an_agent_that_does_not_know_t_is_asked_again_after_a_while(code, signed):
    visit = visiting.Visit()
    visit.advertise()
    visit.reply(code, signed=signed)
    view = visit.node.registrations[1]
    assert (view.state, view.code, visit.bound) == ("denied", code, {})
    visit.run(5.9)
    assert len(visit.sent) == 2 and visit.last.reverse_tunnel
    visit.reply()
    assert 1 in visit.bound


@pytest.mark.parametrize(
    ("settings", "fields", "code"),
    [
        ({"reverse_tunnel": "off"}, {}, 137),
        ({"reverse_tunnel": "required"}, {"flags": D}, 138),
        ({}, {"flags": D | T | M}, 139),
        ({}, {"flags": D | T | G}, 139),
        ({"reverse_tunnel": "off"}, {"flags": D | T | G}, None),
    ],
)
def test_what_a_home_agent_cannot_tunnel_is_denied_with_its_own_code(settings, fields, code):
    bench = home.Bench(**settings)
    found = bench.ask(Multipath(4, 1, 1), **fields)
    assert found == code if code is not None else found in (137, 139)
    assert not bench.agent.bindings


# 4.2: the foreign agent


@pytest.mark.parametrize(
    ("settings", "fields", "code"),
    [
        ({"reverse_tunnel": "off"}, {}, 74),
        ({}, {"flags": T | M}, 72),
        ({}, {"flags": T | G}, 72),
        ({"gre": True}, {"flags": T | G}, 0),
        ({"encapsulating_delivery": False}, {"tail": WRAPPED}, 79),
        ({"encapsulating_delivery": False}, {}, 0),
        ({}, {"flags": 0, "tail": WRAPPED}, 70),
        ({}, {"ttl": 254}, 76),
        ({}, {"ttl": 1}, 76),
        ({}, {"ttl": 0}, 76),
        ({}, {"ttl": 1, "flags": 0}, 0),
    ],
)
def test_what_a_foreign_agent_cannot_offer_is_denied_with_its_own_code(settings, fields, code):
    visited = Visited(**settings)
    assert visited.ask(PUBLIC, **fields) == [code]
    assert len(visited.relayed) == len(visited.agent.visitors) == (code == 0)


def test_a_co_located_mobile_node_may_ask_its_home_agent_for_gre_through_an_agent_without_it():
    link = foreign.Link(shared=False)
    link.ask(coa=foreign.OWN, flags=T | D | G, source=foreign.OWN, answer=False)
    assert len(link.relayed) == 1


def test_too_distant_is_said_once_a_second_whoever_asks():
    visited = Visited()
    crowd = [IPv4Address(int(PUBLIC) + number) for number in range(5)]
    said = [visited.ask(who, ttl=64, pause=0.1) for who in crowd]
    assert said == [[76], [], [], [], []]
    assert visited.ask(crowd[1], ttl=64, pause=0.7) == [76]
    # Other denials have their own pace.
    assert visited.ask(crowd[2], lifetime=60000, pause=0.1) == [69]


def test_a_visitor_is_noted_with_its_tunnel_and_style_once_the_home_agent_has_answered():
    visited = Visited()
    for who, flags, tail in ((PUBLIC, T, WRAPPED), (OTHER, T, b""), (FAR_AGENT, 0, b"")):
        before = len(visited.agent.visitors)
        assert visited.ask(who, flags=flags, tail=tail) == [0]
        assert len(visited.agent.visitors) == before + 1
    terms = [(item.reverse_tunnel, item.delivery) for item in visited.agent.visitors]
    assert terms == [(True, "encapsulating"), (True, "direct"), (False, "direct")]
    waiting = foreign.Link()
    waiting.ask(answer=False)
    assert not waiting.agent.visitors


# 4.3: the home agent


@pytest.mark.parametrize(
    ("settings", "extensions", "fields", "terms"),
    [
        ({}, (), {}, (True, "ipip")),
        ({}, (), {"flags": D}, (False, "ipip")),
        ({}, (UdpTunnelRequest(),), {"source": home.NATTED}, (True, "udp")),
        ({"gre": True}, (), {"flags": D | T | G}, (True, "gre")),
    ],
)
def test_a_binding_tells_its_reverse_tunnel_and_its_encapsulation(settings, extensions, fields, terms):
    bench = home.Bench(**settings)
    assert bench.ask(Multipath(4, 1, 1), *extensions, **fields) == 0
    binding = bench.agent.bindings[home.HOME, 1]
    assert (binding.reverse_tunnel, binding.encapsulation) == terms


def test_every_valid_request_is_answered():
    bench = home.Bench()
    for extensions, fields, code in (
        ((Multipath(4, 1, 1),), {}, 0),
        ((Multipath(4, 1, 1),), {}, 0),
        ((Multipath(4, 1, 1),), {"lifetime": 100}, 0),
        ((Multipath(4, 1, 1),), {"flags": D | T | M}, 139),
        ((), {}, 0),
        ((), {"lifetime": 0}, 0),
        ((), {"lifetime": 0}, 0),
    ):
        # `ask` checks that there is one reply, signed, to where the request came from.
        assert bench.ask(*extensions, **fields) == code


def test_what_no_binding_explains_is_dropped_without_a_word_and_without_being_asked_to():
    plain = dataclasses.replace(home.BUS, mobile_networks=())
    bench, plans = home.Bench(plain), []
    # Nobody is bound; one with an address of its own; one behind a foreign agent.
    for fields in (None, {"flags": D | T}, {"flags": T}):
        assert fields is None or bench.ask(Multipath(4, 1, 1), **fields) == 0
        plans.append(state_of(bench.agent, (plain,)))
    for state in plans:
        assert chain(state, "silence") == [
            "type filter hook output priority filter; policy accept;",
            "icmp type destination-unreachable @th,136,8 { 4, 47 } counter drop",
        ]
    # What comes out of a tunnel came from its care-of address: only the inner source is left to check.
    assert plans[0].tunnels == ()
    for state in plans[1:]:
        (tunnel,) = state.tunnels
        assert (tunnel.local, tunnel.remote) == (home.AGENT, home.WIFI)
        assert let_in(state, tunnel) == {IPv4Network(home.HOME): "goto pin_1"}
        assert let_in(plans[0], tunnel) == {}


# 5: delivery styles


def test_what_a_visitor_sends_directly_is_tunnelled_from_care_of_address_to_home_agent():
    visited = Visited()
    visited.ask(PUBLIC)
    visited.ask(OTHER, FAR_AGENT)
    state = visited.plan()
    found = taken(state)
    assert set(found) == {("lan0", str(PUBLIC)), ("lan0", str(OTHER))}
    for who, agent in ((PUBLIC, AGENT), (OTHER, FAR_AGENT)):
        device = marked(state, found["lan0", str(who)])
        assert tunnels(state)[device] == (OURS, agent, "ipip")


def test_who_has_no_reverse_tunnel_is_routed_as_ever():
    visited = Visited()
    visited.ask(PUBLIC, flags=0)
    state = visited.plan()
    assert taken(state) == {}
    assert list(tunnels(state).values()) == [(OURS, AGENT, "ipip")]


@pytest.mark.parametrize("tail", [b"", WRAPPED], ids=["direct", "encapsulating"])
def test_the_reverse_tunnel_ends_with_the_visit(tail):
    visited = Visited()
    visited.ask(PUBLIC, lifetime=100, tail=tail)
    assert taken(visited.plan())
    visited.time += 99
    visited.agent.tick(visited.now())
    assert taken(visited.plan())
    visited.time += 2
    visited.agent.tick(visited.now())
    state = visited.plan()
    assert (taken(state), tunnels(state), state.routes) == ({}, {}, ())


def test_what_comes_encapsulated_is_tunnelled_on_and_what_comes_plain_is_not():
    visited = Visited()
    visited.ask(PUBLIC, tail=WRAPPED)
    visited.ask(OTHER)
    state = visited.plan()
    ends = {remote: (device, local) for device, (local, remote, _) in tunnels(state).items()}
    inner, local = ends[PUBLIC]
    # Whichever address of the agent answered the request: that is where it encapsulates to.
    assert local.is_unspecified
    # Plain packets of OTHER alone: PUBLIC's match nothing and go by the main table.
    assert set(taken(state)) == {(inner, str(PUBLIC)), ("lan0", str(OTHER))}
    device = marked(state, taken(state)[inner, str(PUBLIC)])
    assert tunnels(state)[device] == (OURS, AGENT, "ipip")
    (unmarked,) = {rule.table for rule in state.rules if rule.mark is None}
    ours = {route.prefix for route in state.routes if route.table == unmarked}
    assert ours == {IPv4Network(PUBLIC), IPv4Network(OTHER)}


def test_nobody_else_gets_into_the_tunnel_of_a_visitor_that_encapsulates():
    visited = Visited()
    visited.ask(PUBLIC, tail=WRAPPED)
    state = visited.plan()
    (inner,) = (device for device, (_, remote, _) in tunnels(state).items() if remote == PUBLIC)
    lines = chain(state, "prerouting")
    # From another link, and from another source inside.
    assert f'iifname != "lan0" ip protocol 4 ip saddr {{ {PUBLIC} }} counter drop' in lines
    assert lines[-2:] == [
        f'iifname . ip saddr vmap {{ "{inner}" . {PUBLIC} : goto use_1 }}',
        f'iifname {{ "{inner}" }} counter drop',
    ]


def test_a_visitor_may_change_its_style():
    visited = Visited()
    for tail in (b"", WRAPPED, b""):
        assert visited.ask(PUBLIC, tail=tail) == [0]
        ((device, _),) = taken(visited.plan())
        assert (device == "lan0") is (tail == b"")


# Appendix A: private addresses


@pytest.mark.parametrize("who", ["10.10.1.2", "172.31.255.1", "192.168.0.9"])
def test_a_private_address_needs_a_reverse_tunnel_at_a_foreign_agent(who):
    visited = Visited()
    assert visited.ask(IPv4Address(who), flags=0) == [75]
    assert visited.ask(IPv4Address(who)) == [0]
    assert len(taken(visited.plan())) == 1
    # It may leave as it likes, and where there are no reverse tunnels nobody is held to them.
    assert visited.ask(IPv4Address(who), flags=0, lifetime=0) == [0]
    assert Visited(reverse_tunnel="off").ask(IPv4Address(who), flags=0) == [0]


@pytest.mark.parametrize("who", ["11.0.0.1", "172.32.0.1", "192.169.0.1", "203.0.113.7"])
def test_a_public_address_needs_none(who):
    assert Visited().ask(IPv4Address(who), flags=0) == [0]


@pytest.mark.parametrize("who", ["10.10.1.2", "172.31.255.1", "192.168.0.9", "203.0.113.7"])
def test_a_home_agent_serves_private_addresses_as_it_serves_others(who):
    address = IPv4Address(who)
    bench = home.Bench(dataclasses.replace(home.BUS, home_address=address))
    asked = bench.request(Multipath(4, 1, 1))._replace(home_address=address)
    assert bench.send(sign(asked.encode(), home.KEY)) == 0
    assert bench.reply.home_address == address and bench.agent.bindings[address, 1].reverse_tunnel


def test_a_home_agent_assigns_private_addresses_from_its_pool():
    first, last = IPv4Address("192.168.7.10"), IPv4Address("192.168.7.20")
    network = HomeNetwork("home", IPv4Network("192.168.7.0/24"), (first, last))
    mobiles = [Mobile(name, IPv4Address(0), home.KEY, nai=f"{name}@example.org") for name in ("bus", "tram")]
    agent = HomeAgent(AgentSettings(home.AGENT), mobiles, (network,), Instant(0.0, WALL))
    lent = set()
    for number, mobile_node in enumerate(mobiles, 1):
        asked = RegistrationRequest(
            600, IPv4Address(0), home.AGENT, home.WIFI, from_wall(WALL + number),
            extensions=(Nai(mobile_node.nai.encode()),),
        )  # fmt: skip
        data = sign(asked.encode(), home.KEY)
        effects = agent.receive(data, (home.WIFI, 434), Instant(number, WALL + number))
        (reply,) = (decode(effect.data) for effect in effects if isinstance(effect, Reply))
        assert reply.code == 0 and first <= reply.home_address <= last
        lent.add(reply.home_address)
    assert len(lent) == 2


def test_a_second_visitor_with_one_private_address_is_sent_away_but_not_who_changes_its_home_agent():
    visited = Visited()
    assert visited.ask(PRIVATE, AGENT, link=LINKS[0]) == [0]
    assert visited.ask(PRIVATE, FAR_AGENT, link=LINKS[1]) == [65]
    assert [(item.home_agent, item.link) for item in visited.agent.visitors] == [(AGENT, LINKS[0])]
    assert visited.ask(PRIVATE, FAR_AGENT, link=LINKS[0]) == [0]
