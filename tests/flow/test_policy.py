"""What policies come to: which uplinks carry what they match, now."""

from router.config.model import Flow, Uplink
from router.flow.policy import Way, by_name, choose, in_force, open_ways

WIFI = Way(1, "wifi", 1, rtt=0.030)
LTE = Way(2, "lte", 2, rtt=0.050, metered=True)
SAT = Way(3, "sat", 3, rtt=0.600)
ALL = (WIFI, LTE, SAT)


def gone(way):
    return Way(way.bid, way.name, way.label, False, way.metered)


def one(flow, ways=ALL, **more):
    (found,) = choose([flow], ways, **more)
    return found


def test_prefer_takes_the_first_that_lives():
    flow = Flow("voice", ("lte", "wifi"))
    assert one(flow).path == 2
    assert one(flow, (WIFI, gone(LTE), SAT)).path == 1
    assert one(flow, (gone(WIFI), gone(LTE), SAT)).path is None


def test_labels_come_behind_names_and_name_all_who_have_them():
    flow = Flow("f", ("sat",), labels=(2, 1))
    assert one(flow).members == (3, 2, 1)
    assert one(Flow("g", (), labels=(2,)), (gone(LTE), SAT)).path is None


def test_labels_are_told_a_home_agent_as_the_uplinks_that_have_them():
    uplinks = [Uplink("wifi", 1, "wifi"), Uplink("lte", 2, "cellular", label=2)]
    (flow,) = by_name([Flow("f", ("wifi",), labels=(2,))], uplinks)
    assert flow.uplinks == ("wifi", "lte")


def test_balance_is_over_those_that_live():
    flow = Flow("tv", ("wifi", "sat"), "balance")
    assert (one(flow).members, one(flow).path) == ((1, 3), None)
    assert one(flow, (gone(WIFI), LTE, SAT)).members == (3,)


def test_without_a_name_what_is_metered_waits_until_nothing_else_lives():
    flow = Flow("tv", (), "balance")
    assert one(flow).members == (1, 3)
    assert one(flow, (gone(WIFI), LTE, gone(SAT))).members == (2,)
    assert [way.bid for way in open_ways(ALL)] == [1, 3]
    assert one(Flow("named", ("lte", "wifi"))).path == 2


def test_lowest_latency_moves_for_a_clear_gain_only():
    flow = Flow("game", ("wifi", "lte"), "lowest-latency")
    assert one(flow).path == 1
    nearly = (Way(1, "wifi", rtt=0.030), Way(2, "lte", rtt=0.027))
    assert one(flow, nearly, before={"game": 1}).path == 1
    assert one(flow, nearly).path == 2
    assert one(flow, (Way(1, "wifi", rtt=0.080), LTE), before={"game": 1}).path == 2


def test_lowest_latency_without_any_measurement_keeps_what_it_has():
    flow = Flow("game", ("wifi", "lte"), "lowest-latency")
    unknown = (Way(1, "wifi"), Way(2, "lte"))
    assert one(flow, unknown).path == 1
    assert one(flow, unknown, before={"game": 2}).path == 2


def test_days_and_hours():
    work = Flow("work", ("wifi",), days=(0, 1, 2, 3, 4), hours=((480, 1080),))
    assert in_force(work, (0, 480)) and in_force(work, (4, 1079))
    assert not in_force(work, (0, 1080)) and not in_force(work, (5, 600))
    assert one(work, moment=(6, 600)).asleep


def test_a_night_belongs_to_the_day_on_which_it_began():
    night = Flow("night", ("wifi",), days=(4,), hours=((1320, 360),))
    assert in_force(night, (4, 1400)) and in_force(night, (5, 100))
    assert not in_force(night, (4, 100)) and not in_force(night, (5, 1400))
