"""What may come next, from roamctl's own grammar."""

import pytest

from router.console.complete import choices, divide, expand, words_of
from router.console.log import is_wanted
from router.control.cli import grammar
from router.control.session import Session


class Deaf(Session):
    pass


PARSER = grammar((), Deaf())


def names(placeholder):
    return ("wifi", "lte") if placeholder in ("NAME", "UPLINK") else ()


def words(line):
    return [word for word, _ in choices(PARSER, *divide(line), names).words]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sta", ["status"]),
        ("modem re", ["reset", "record"]),
        ("modem reset --how re", ["reset", "reopen"]),
        ("modem signal --uplink ", ["wifi", "lte"]),
        ("modem signal --uplink w", ["wifi"]),
        ("status --w", ["--watch"]),
        ("status --json --w", ["--watch"]),
        ("nonsense ", []),
    ],
)
def test_words_that_may_follow(line, found):
    assert words(line) == found


def test_every_command_has_its_help():
    found = dict(choices(PARSER, [], "", names).words)
    assert found["status"] == "role, uplinks, bindings, tunnels, flows"
    assert all(found.values())


def test_a_free_text_is_named():
    assert choices(PARSER, ["modem", "at"], "AT+CSQ", names).free == "COMMAND"


@pytest.mark.parametrize(
    ("line", "full"),
    [
        ("stat", ["status"]),
        ("mo li", ["modem", "list"]),
        ("re", ["re"]),
        ("modem at re", ["modem", "at", "re"]),
        ("--json stat", ["--json", "status"]),
    ],
)
def test_words_cut_short(line, full):
    assert expand(PARSER, words_of(line)) == full


def test_quotation_marks():
    assert words_of("modem at 'AT+CPIN?'") == ["modem", "at", "AT+CPIN?"]
    assert divide("modem at 'AT+C") is None
    with pytest.raises(ValueError, match="quotation mark"):
        words_of("modem at 'AT")


def test_the_log_by_levels():
    line = "Fri Nov 27 10:00:00 2026 daemon.warn roamd[12]: uplink wifi: no carrier"
    assert is_wanted(line, "info")
    assert is_wanted(line, "warning")
    assert not is_wanted(line, "error")
    assert is_wanted("a line without any", "error")
