"""Which modem serves which uplink: tables of devices and probes in, effects out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.ports.probe import Outcome
from modem.ports.sysfs import Device, Port
from router.config.model import Uplink
from router.uplink.roster import (
    PROBE_AGAIN,
    REMEMBERED,
    Attach,
    CancelProbe,
    Detach,
    Poke,
    Probe,
    Roster,
)

A, B, C = "861075023456789", "861075023456790", "861075023456791"


def uplink(name, **options):
    return Uplink(name, 1, "cellular", **options)


def device(place, first=0, number=1, networks=("wwan0",), product=0x0125):
    ports = tuple(Port(f"ttyUSB{first + i}", "tty", i, (0xFF, 0, 0), "option") for i in range(4))
    return Device(
        place, "usb", f"/sys/{place}", 0x2C7C, product, number=number, ports=ports, networks=networks
    )


class World:
    """A roster, and what its effects have led to."""

    def __init__(self, *uplinks, ttys=None):
        self.roster, self.now = Roster(uplinks), 0.0
        self.ttys = ttys or {}
        self.attached, self.probing, self.pokes = {}, {}, []

    def act(self, effects):
        for effect in effects:
            if isinstance(effect, Probe):
                assert effect.device.name not in self.probing
                self.probing[effect.device.name] = effect
            elif isinstance(effect, CancelProbe):
                del self.probing[effect.device]
            elif isinstance(effect, Attach):
                assert effect.uplink not in self.attached
                self.attached[effect.uplink] = (effect.where, effect.device)
            elif isinstance(effect, Detach):
                del self.attached[effect.uplink]
            elif isinstance(effect, Poke):
                self.pokes.append(effect.uplink)

    def devices(self, *found):
        self.act(self.roster.devices(found, self.ttys, self.now))

    def probed(self, place, port, imei=None, **reasons):
        del self.probing[place]
        self.act(self.roster.probed(place, Outcome(port, imei, reasons), self.now))

    def reported(self, name, imei):
        self.act(self.roster.reported(name, imei, self.now))

    def wait(self, seconds):
        self.now += seconds
        self.act(self.roster.tick(self.now))


def test_the_only_modem_serves_the_only_uplink():
    world = World(uplink("lte"))
    world.devices()
    assert world.roster.state("lte") == "no modem"
    world.devices(device("1-1"))
    assert world.probing["1-1"].ports == (("ttyUSB2", "at"), ("ttyUSB3", "modem"))
    assert world.roster.state("lte") == "looking for the AT port"
    world.probed("1-1", "ttyUSB2", A)
    assert world.attached == {"lte": ("ttyUSB2", "1-1")}
    assert world.roster.state("lte") is None
    assert world.roster.device_of("lte").networks == ("wwan0",)


@pytest.mark.parametrize("first", ["1-1", "1-2"])
def test_modems_go_to_uplinks_in_the_order_of_places_whichever_answers_first(first):
    world = World(uplink("one"), uplink("two"))
    world.devices(device("1-1"), device("1-2", 4))
    ports = {"1-1": "ttyUSB2", "1-2": "ttyUSB6"}
    for place in (first, "1-2" if first == "1-1" else "1-1"):
        world.probed(place, ports[place])
    assert world.attached == {"one": ("ttyUSB2", "1-1"), "two": ("ttyUSB6", "1-2")}


def test_a_third_modem_is_left_alone():
    world = World(uplink("one"))
    world.devices(device("1-1"), device("1-2", 4))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    world.devices(device("1-1"), device("1-2", 4), device("1-3", 8))
    assert world.probing == {}
    assert world.roster.next_wake(world.now) is None


def test_a_second_uplink_without_a_second_modem():
    world = World(uplink("one"), uplink("two"))
    world.devices(device("1-1"))
    world.probed("1-1", "ttyUSB2", A)
    assert world.roster.state("two") == "no modem left"


def test_an_uplink_that_names_an_imei_gets_that_modem():
    world = World(uplink("any"), uplink("named", imei=A))
    world.devices(device("1-1"), device("1-2", 4))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    assert world.attached == {"named": ("ttyUSB2", "1-1"), "any": ("ttyUSB6", "1-2")}


def test_an_uplink_that_names_an_imei_takes_no_other():
    world = World(uplink("named", imei=A))
    world.devices(device("1-1"))
    world.probed("1-1", "ttyUSB2", B)
    assert world.attached == {}
    assert world.roster.state("named") == f"no modem with IMEI {A}"
    world.wait(1000)
    assert world.attached == {} and world.probing == {}


def test_an_uplink_that_names_a_usb_port_gets_what_is_there():
    world = World(uplink("any"), uplink("named", usb="1-2"))
    world.devices(device("1-1"), device("1-2", 4))
    world.probed("1-2", "ttyUSB6", A)
    world.probed("1-1", "ttyUSB2", B)
    assert world.attached == {"named": ("ttyUSB6", "1-2"), "any": ("ttyUSB2", "1-1")}
    world.devices(device("1-1"))
    assert world.roster.state("named") == "no modem at USB 1-2"


def test_an_uplink_with_a_network_device_gets_the_modem_beside_it():
    world = World(uplink("one", device="wwan1"), uplink("two", device="wwan0"))
    world.devices(device("1-1", networks=("wwan0",)), device("1-2", 4, networks=("wwan1",)))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    assert world.attached == {"one": ("ttyUSB6", "1-2"), "two": ("ttyUSB2", "1-1")}


def test_an_uplink_on_a_network_device_without_any_modem_says_nothing():
    world = World(uplink("lte", device="eth1"))
    world.devices()
    assert world.roster.state("lte") is None


# A tty


def test_a_tty_that_sysfs_does_not_know_is_taken_as_it_is():
    world = World(uplink("lte", tty="/tmp/modem"), ttys={"lte": "7"})
    world.devices(device("1-1"))
    assert world.attached == {"lte": ("/tmp/modem", None)}
    assert world.probing == {}


def test_so_is_a_far_end():
    world = World(uplink("lte", tty="socket://192.0.2.1:4001"))
    world.devices()
    assert world.attached == {"lte": ("socket://192.0.2.1:4001", None)}


def test_a_tty_of_a_modem_is_not_probed():
    world = World(uplink("lte", tty="/dev/ttyUSB3"))
    world.devices(device("1-1"))
    assert world.attached == {"lte": ("/dev/ttyUSB3", "1-1")}
    assert world.probing == {}


def test_a_tty_that_is_not_there_is_waited_for():
    world = World(uplink("lte", tty="/dev/ttyUSB2"))
    world.devices()
    assert world.attached == {}
    assert world.roster.state("lte") == "no tty: /dev/ttyUSB2 is not there"
    world.devices(device("1-1"))
    assert world.attached == {"lte": ("/dev/ttyUSB2", "1-1")}


def test_a_link_that_comes_to_lead_to_a_modem():
    world = World(uplink("lte", tty="/dev/modem0"))
    world.devices()
    assert world.attached == {"lte": ("/dev/modem0", None)}
    world.ttys = {"lte": "ttyUSB2"}
    world.devices(device("1-1"))
    assert world.pokes == ["lte"]
    assert world.roster.device_of("lte").name == "1-1"


# Going and coming back


def test_a_modem_that_comes_back_under_other_names_goes_on():
    world = World(uplink("lte"))
    world.devices(device("1-1", 0, 4))
    world.probed("1-1", "ttyUSB2", A)
    world.reported("lte", A)
    world.devices()
    assert world.attached == {}
    world.devices(device("1-1", 4, 5))
    world.probed("1-1", "ttyUSB6", A)
    assert world.attached == {"lte": ("ttyUSB6", "1-1")}


def test_a_new_enumeration_is_seen_though_nobody_saw_it_gone():
    world = World(uplink("lte"))
    world.devices(device("1-1", 0, 4))
    world.probed("1-1", "ttyUSB2", A)
    world.devices(device("1-1", 0, 5))
    assert world.attached == {} and "1-1" in world.probing


@pytest.mark.parametrize("options", [{}, {"tty": "/dev/ttyUSB2"}])
def test_two_modems_that_swap_names_keep_their_uplinks(options):
    other = {"tty": "/dev/ttyUSB6"} if options else {}
    world = World(uplink("one", **options), uplink("two", **other))
    world.devices(device("1-1"), device("1-2", 4))
    for place, port, imei in (("1-1", "ttyUSB2", A), ("1-2", "ttyUSB6", B)):
        if place in world.probing:
            world.probed(place, port, imei)
    world.reported("one", A)
    world.reported("two", B)
    world.devices()
    world.devices(device("1-1", 4, 7), device("1-2", 0, 8))
    world.probed("1-2", "ttyUSB2", B)
    world.probed("1-1", "ttyUSB6", A)
    assert world.attached == {"one": ("ttyUSB6", "1-1"), "two": ("ttyUSB2", "1-2")}


def test_a_tty_whose_name_is_another_port_of_the_same_modem_now():
    world = World(uplink("lte", tty="/dev/ttyUSB2"))
    world.devices(device("1-1"))
    world.reported("lte", A)
    world.devices()
    world.devices(device("1-1", 1, 9))
    assert world.attached == {}
    world.probed("1-1", "ttyUSB3", A)
    assert world.attached == {"lte": ("ttyUSB3", "1-1")}


def test_another_modem_on_the_same_tty_is_taken_once_it_has_said_who_it_is():
    world = World(uplink("lte", tty="/dev/ttyUSB2"))
    world.devices(device("1-1"))
    world.reported("lte", A)
    world.devices()
    world.devices(device("1-1", 0, 9))
    world.probed("1-1", "ttyUSB2", B)
    assert world.attached == {"lte": ("/dev/ttyUSB2", "1-1")}


def test_a_spare_modem_serves_after_a_while():
    world = World(uplink("lte"))
    world.devices(device("1-1"), device("1-2", 4))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    world.reported("lte", A)
    world.devices(device("1-2", 4))
    assert world.attached == {}
    assert world.roster.next_wake(world.now) <= REMEMBERED
    world.wait(REMEMBERED)
    assert world.attached == {"lte": ("ttyUSB6", "1-2")}


def test_a_modem_that_moves_to_another_usb_port_goes_on():
    world = World(uplink("one"), uplink("two"))
    world.devices(device("1-1"), device("1-2", 4))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    world.reported("one", A)
    world.reported("two", B)
    world.devices(device("1-2", 4))
    world.devices(device("1-2", 4), device("1-4", 0, 3))
    world.probed("1-4", "ttyUSB2", A)
    assert world.attached == {"two": ("ttyUSB6", "1-2"), "one": ("ttyUSB2", "1-4")}


def test_a_modem_other_than_the_one_named_is_left_when_it_says_so():
    world = World(uplink("lte", imei=A))
    world.devices(device("1-1"))
    world.probed("1-1", "ttyUSB2", A)
    world.reported("lte", B)
    assert world.attached == {}


# Probing


def test_a_modem_that_does_not_answer_is_asked_again_and_again_but_seldom():
    world = World(uplink("lte"))
    world.devices(device("1-1"))
    pauses = []
    for _ in range(len(PROBE_AGAIN) + 2):
        world.probed("1-1", None, ttyUSB2="does not answer")
        assert world.probing == {}
        assert world.roster.state("lte") == "no AT port at usb 1-1 (ttyUSB2: does not answer)"
        wake = world.roster.next_wake(world.now)
        pauses.append(wake - world.now)
        world.wait(wake - world.now)
    assert tuple(pauses) == (*PROBE_AGAIN, 120.0, 120.0)


def test_ports_that_come_one_by_one_are_probed_as_they_come():
    whole = device("1-1")
    part = Device(**{**whole.__dict__, "ports": whole.ports[:2]})
    world = World(uplink("lte"))
    world.devices(part)
    assert world.probing["1-1"].ports == ()
    world.devices(whole)
    assert [name for name, _ in world.probing["1-1"].ports] == ["ttyUSB2", "ttyUSB3"]


def test_a_modem_pulled_while_it_is_probed():
    world = World(uplink("lte"))
    world.devices(device("1-1"))
    world.devices()
    assert world.probing == {}
    assert world.roster.probed("1-1", Outcome("ttyUSB2", A), 1.0) == []


def test_a_serial_converter_is_not_probed_unless_it_is_named():
    converter = Device(
        "1-3", "usb", "/sys/1-3", 0x0403, 0x6001, ports=(Port("ttyUSB0", "tty", 0, None, "ftdi_sio"),)
    )
    for options, expected in (({}, False), ({"imei": A}, False), ({"usb": "1-3"}, True)):
        world = World(uplink("lte", **options))
        world.devices(converter)
        assert ("1-3" in world.probing) is expected


def test_a_port_that_is_named_is_not_opened_while_it_is_probed():
    world = World(uplink("one"), uplink("two", tty="/dev/ttyUSB2"))
    world.devices(device("1-1"))
    world.reported("two", A)
    world.devices()
    world.devices(device("1-1"))
    world.wait(61.0)
    assert "1-1" in world.probing and world.attached == {}
    world.probed("1-1", None)
    assert world.attached == {"two": ("/dev/ttyUSB2", "1-1")}


def test_uplinks_of_other_kinds_have_no_modem():
    world = World(Uplink("wan", 1, "ethernet", "eth0"))
    world.devices(device("1-1"))
    assert world.probing == {} and world.roster.state("wan") is None


PLACES = ("1-1", "1-2", "1-3")
STEP = st.one_of(
    st.tuples(st.just("devices"), st.sets(st.sampled_from(PLACES)), st.integers(1, 3)),
    st.tuples(st.just("probed"), st.sampled_from(PLACES), st.sampled_from([None, A, B, C])),
    st.tuples(st.just("reported"), st.sampled_from(["one", "two"]), st.sampled_from([A, B, C])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 5.0, 61.0]), st.none()),
)
CHOICES = st.sampled_from(
    [{}, {"usb": "1-2"}, {"imei": B}, {"tty": "/dev/ttyUSB2"}, {"device": "wwan0"}, {"usb": "1-1", "imei": A}]
)


@given(CHOICES, CHOICES, st.lists(STEP, max_size=30))
def test_whatever_happens_no_modem_serves_two_uplinks_and_none_is_probed_while_it_serves(one, two, steps):
    world = World(uplink("one", **one), uplink("two", **two))
    for kind, what, value in steps:
        if kind == "devices":
            world.devices(*(device(place, 4 * PLACES.index(place), value) for place in sorted(what)))
        elif kind == "probed" and what in world.probing:
            answered = None if value is None else f"ttyUSB{4 * PLACES.index(what) + 2}"
            world.probed(what, answered, value)
        elif kind == "reported":
            world.reported(what, value)
        elif kind == "wait":
            world.wait(what)
        served = [place for _, place in world.attached.values() if place is not None]
        assert len(served) == len(set(served))
        assert not set(served) & set(world.probing)
        for name in ("one", "two"):
            assert name not in world.attached or world.roster.state(name) is None
        wake = world.roster.next_wake(world.now)
        assert wake is None or wake > world.now


def test_another_configuration_leaves_modems_with_those_who_name_them_as_before():
    world = World(uplink("lte"), uplink("nr", usb="1-2"))
    world.devices(device("1-1"), device("1-2", 4, 2))
    world.probed("1-1", "ttyUSB2", A)
    world.probed("1-2", "ttyUSB6", B)
    assert world.attached == {"lte": ("ttyUSB2", "1-1"), "nr": ("ttyUSB6", "1-2")}
    world.act(world.roster.configure((uplink("lte", metered=True), uplink("spare")), world.now))
    assert world.attached == {"lte": ("ttyUSB2", "1-1")}
    world.devices(device("1-1"), device("1-2", 4, 2))
    assert world.attached == {"lte": ("ttyUSB2", "1-1"), "spare": ("ttyUSB6", "1-2")}


def test_an_uplink_that_names_another_modem_lets_its_own_go():
    world = World(uplink("lte", imei=A))
    world.devices(device("1-1"))
    world.probed("1-1", "ttyUSB2", A)
    world.act(world.roster.configure((uplink("lte", imei=B),), world.now))
    assert world.attached == {}
    assert world.roster.state("lte") == f"no modem with IMEI {B}"
