"""States that have a name, as `status` tells them."""

from router.clock import clock_state
from router.control.render import status


def test_a_clock_that_nobody_has_set():
    assert clock_state(1_800_000_000.0) == []
    (state,) = clock_state(86_400.0)
    assert state["state"] == "clock not set" and "home agent" in state["text"]


def test_states_stand_above_all_else():
    shown = status({"role": ["mobile_node"], "states": clock_state(0.0), "bindings": [], "tunnels": []})
    assert shown.index("CLOCK NOT SET: nobody has told") < shown.index("Bindings")
