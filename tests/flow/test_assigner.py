"""Looks in a row: buckets follow estimates and loads, and flows move when policy or gain say so."""

from ipaddress import IPv4Address

from router.config.model import Flow
from router.flow.assigner import Assigner
from router.flow.match import Traits
from router.flow.policy import Way
from router.flow.track import Tracker
from router.path.quality import Quality

WIFI, LTE = Way(1, "wifi"), Way(2, "lte", 2)


def quality(bid, down, liveness="up", **more):
    return Quality(bid, liveness, float(down), float(down), 0.9, "test", **more)


class Router:
    """Flows by key are (path, kbit/s down); time goes by in looks."""

    def __init__(self, *policies):
        self.assigner = Assigner(policies, self.traits)
        self.tracker = Tracker(lambda key: False)
        self.ways = [WIFI, LTE]
        self.qualities = {1: quality(1, 40_000), 2: quality(2, 10_000)}
        self.flows = {}
        self.octets = {}
        self.at = 0.0
        self.sweep()

    @staticmethod
    def traits(key):
        protocol, port = key
        return Traits(protocol, IPv4Address("10.50.0.10"), IPv4Address("203.0.113.10"), 40000, port)

    def sweep(self):
        self.at += 0.1
        self.tracker.begin(self.at)
        for key, (_, rate) in self.flows.items():
            self.octets[key] = self.octets.get(key, 0) + round(rate * 12.5)
        self.tracker.see(
            [(key, path, 0, self.octets[key], False) for key, (path, _) in self.flows.items()], self.at
        )
        self.tracker.end(self.at)

    def look(self, times=1, moment=(0, 0)):
        moves = []
        for _ in range(times):
            self.sweep()
            decision = self.assigner.look(self.at, moment, self.ways, self.qualities, self.tracker, 5.0)
            for move in decision.moves:
                self.flows[move.key] = (move.target, self.flows[move.key][1])
                self.tracker.moved(move.key, move.target, self.at)
                moves.append(move)
        return moves

    @property
    def buckets(self):
        return self.assigner.decision.buckets


def test_nothing_living_means_no_buckets():
    router = Router()
    router.ways = [Way(1, "wifi", alive=False), Way(2, "lte", alive=False)]
    router.look()
    assert router.buckets == {"": ()}


def test_the_fat_path_gets_most_until_it_is_full():
    router = Router()
    router.look()
    empty = router.buckets[""].count(1)
    router.flows = {(6, port): (1, 4_000) for port in range(10)}
    router.look(20)
    assert router.buckets[""].count(1) < empty


def test_one_of_many_on_a_full_path_moves_to_an_empty_one():
    router = Router()
    router.flows = {(6, port): (1, 5_000) for port in range(8)}
    moves = router.look(30)
    assert moves and all((move.source, move.target) == (1, 2) for move in moves)
    assert len(moves) <= 3


def test_a_flow_of_a_policy_stays_on_its_path_whatever_could_be_gained():
    router = Router(Flow("web", ("wifi",), proto="tcp"))
    router.flows = {(6, port): (1, 5_000) for port in range(8)}
    assert router.look(30) == []


def test_a_flow_that_began_while_its_path_was_away_goes_there_when_it_is_back():
    router = Router(Flow("web", ("wifi", "lte"), proto="tcp"))
    router.ways = [Way(1, "wifi", alive=False), LTE]
    router.flows = {(6, 80): (2, 1_000)}
    assert router.look(10) == []
    router.ways = [WIFI, LTE]
    router.qualities[1] = quality(1, 40_000, "probation")
    assert router.look(10) == []
    router.qualities[1] = quality(1, 40_000)
    (move,) = router.look(10)
    assert (move.source, move.target) == (2, 1)


def test_what_may_be_pinned_by_a_policy_that_cannot_be_seen_is_left_alone():
    router = Router(Flow("voice", ("wifi",), dscp=(46,)))
    router.flows = {(6, port): (1, 5_000) for port in range(8)}
    assert router.look(30) == []


def test_a_metered_path_gets_nothing_new_and_is_emptied_while_another_lives():
    router = Router()
    router.ways = [WIFI, Way(2, "lte", 2, metered=True)]
    router.flows = {(6, 80): (2, 1_000)}
    (move,) = router.look(10)
    assert move.target == 1
    assert set(router.buckets[""]) == {1}
    router.ways = [Way(1, "wifi", alive=False), Way(2, "lte", 2, metered=True)]
    router.look()
    assert set(router.buckets[""]) == {2}


def test_a_balance_policy_has_buckets_of_its_own_over_its_members():
    router = Router(Flow("tv", ("lte",), "balance", proto="udp"))
    router.look()
    assert set(router.buckets["tv"]) == {2}
    assert 1 in router.buckets[""]


def test_a_policy_out_of_its_hours_moves_nothing():
    router = Router(Flow("web", ("lte",), proto="tcp", hours=((480, 540),)))
    router.flows = {(6, 80): (1, 1_000)}
    assert router.look(10, (0, 0)) == []
    (move,) = router.look(10, (0, 500))
    assert move.target == 2
