"""Which device an interface of netifd has."""

import pytest

from router.uplink.netifd import devices


def test_an_interface_that_is_up_names_its_device():
    assert devices({}, [{"interface": "wwan", "up": True, "l3_device": "wwan0"}]) == {"wwan": "wwan0"}


def test_one_that_goes_down_keeps_it_and_one_that_comes_back_elsewhere_does_not():
    known = {"wwan": "wwan0", "wan": "eth1"}
    assert devices(known, [{"interface": "wwan", "up": False, "device": "wwan0"}]) == known
    assert devices(known, [{"interface": "wwan", "up": True, "l3_device": "wwan1"}]) == {
        "wwan": "wwan1",
        "wan": "eth1",
    }


@pytest.mark.parametrize(
    "status",
    [{}, {"interface": "wwan"}, {"interface": 3, "l3_device": "x"}, {"interface": "wwan", "l3_device": "x" * 16},
     {"interface": "wwan", "l3_device": ""}, {"interface": "wwan", "l3_device": ["wwan0"]}],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(status):
    assert devices({"wwan": "wwan0"}, [status]) == {"wwan": "wwan0"}
