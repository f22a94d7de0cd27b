"""A PIN is tried once; a wrong one never again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.pin import PinKeeper

LOCKED = {"sim": "SIM PIN", "iccid": "8949001234567890123", "imei": "861075023456789"}


def test_a_good_pin_is_entered_at_every_boot():
    keeper = PinKeeper("1234")
    for _ in range(3):
        assert keeper.command({**LOCKED, "pin_tries": 3}) == '+CPIN="1234"'
        assert keeper.accepted()
    assert keeper.memory() == {}


def test_a_wrong_pin_is_never_tried_again_also_after_a_restart():
    keeper = PinKeeper("1234")
    assert keeper.command(LOCKED)
    keeper.refused()
    assert keeper.command(LOCKED) is None
    again = PinKeeper("1234", keeper.memory())
    assert again.command(LOCKED) is None and "not tried again" in again.said
    # Somebody has entered the right one by hand: that makes ours no better.
    assert not again.accepted()
    assert again.command(LOCKED) is None
    assert PinKeeper("4321", keeper.memory()).command(LOCKED)
    assert PinKeeper("1234", keeper.memory()).command({**LOCKED, "iccid": "8949009999999999999"})


def test_a_crash_while_the_pin_is_on_its_way_counts_as_wrong():
    keeper = PinKeeper("1234")
    keeper.command(LOCKED)
    assert PinKeeper("1234", keeper.memory()).command(LOCKED) is None


def test_an_answer_that_got_lost_is_made_good_by_a_ready_sim():
    keeper = PinKeeper("1234")
    keeper.command(LOCKED)
    assert keeper.accepted()
    assert keeper.command(LOCKED)


def test_a_sim_that_cannot_be_told_from_a_marked_one_is_left_alone():
    keeper = PinKeeper("1234")
    assert keeper.command({**LOCKED, "iccid": None})
    keeper.refused()
    assert PinKeeper("1234", keeper.memory()).command(LOCKED) is None
    known = PinKeeper("1234")
    known.command(LOCKED)
    assert PinKeeper("1234", known.memory()).command({**LOCKED, "iccid": None}) is None


@pytest.mark.parametrize("left", [0, 1, 2])
def test_too_few_tries_left_leave_it_to_a_human(left):
    keeper = PinKeeper("1234")
    assert keeper.command({**LOCKED, "pin_tries": left}) is None
    assert "tries left" in keeper.said


@pytest.mark.parametrize("sim", ["READY", "SIM PUK", "SIM PIN2", "absent", None])
def test_only_a_sim_that_asks_for_its_pin_gets_it(sim):
    assert PinKeeper("1234").command({**LOCKED, "sim": sim}) is None


@pytest.mark.parametrize("pin", [None, "", "123", "123456789", "12a4", '12"4', "\u0661\u0662\u0663\u0664"])
def test_what_is_no_pin_is_never_sent(pin):
    assert PinKeeper(pin).command(LOCKED) is None


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_memory_is_borne(memory):
    PinKeeper("1234", memory).command(LOCKED)
