"""Which commands may be sent to a modem in service without --force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modem.families import load, names
from modem.harmless import harmless


@pytest.mark.parametrize(
    "command",
    ["", "I", "I1", "+CSQ", "+cgmm", "+CPIN?", "+CGDCONT?", "+CFUN=?", "^SYSCFGEX=?", '+QENG="servingcell"', "+CSQ;+CREG?"],
)  # fmt: skip
def test_what_asks_may_be_sent(command):
    assert harmless(command, load("quectel"))


@pytest.mark.parametrize(
    "command",
    [
        "+CFUN=1,1", "+CSQ;+CFUN=0", "&F", "Z", "D*99#", "A", "H", "+COPS=?", "+CPIN=1234", '+CGDCONT=1,"IP","x?"',
        "+EGMR=1,7,\"1\"", "+QPOWD", "!RESET", "E1", "+++", "+CFUN=0?", "+CMGD=1,4", "S0=1", "+A=1;+B?",
    ],
)  # fmt: skip
def test_what_changes_something_may_not(command):
    assert not harmless(command, load("quectel"))


@pytest.mark.parametrize("name", names())
def test_what_roamd_itself_asks_may_be_sent(name):
    family = load(name)
    for query in family.identity + family.state + family.signal + family.slow:
        assert harmless(query.command, family)
    for command, _ in family.reset + family.restart_radio + family.power_off:
        assert not harmless(command, family)


@given(st.text(max_size=30))
def test_any_text_is_judged(text):
    assert harmless(text, load("generic")) in (True, False)
