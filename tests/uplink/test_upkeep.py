"""What becomes of the dialogues that modems get."""

from modem.belief import AGREE
from router.config.model import ModemSettings, Uplink
from router.uplink.modem_memory import ModemMemory
from router.uplink.upkeep import Upkeep


def test_what_is_spoilt_on_the_way_is_asked_again_where_it_may_be():
    def agreed(where):
        upkeep = Upkeep(ModemMemory(None), lambda uplink: None, lambda name: None)
        modem = upkeep.modem(Uplink("lte", 1, "cellular", modem=ModemSettings()), where, 0.0)
        return modem.agreed

    assert [agreed(where) for where in ("/dev/ttyS1", "/dev/ttyAMA0", "socket://192.0.2.7:2000")] == [
        AGREE
    ] * 3
    assert [agreed(where) for where in ("/dev/ttyUSB2", "/dev/ttyACM0", "/dev/wwan0at0", "/dev/pts/3")] == [
        1
    ] * 4
