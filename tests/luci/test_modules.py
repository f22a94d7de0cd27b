"""What the pages' modules make of figures, counters that begin anew, and uplinks in every state."""

import json

import pytest

from tests.luci.site import Site, installed
from tests.luci.test_config_page import PAGES


@pytest.fixture(scope="module")
def ask(browser, tmp_path_factory):
    """Calls a function of a module, in the page."""
    file = tmp_path_factory.mktemp("modules") / "roamd"
    file.write_bytes(installed("roamd")["etc/config/roamd"])
    site = Site({"roamd": str(file)}, {}, lambda name: None)
    site.start()
    browser.open(site.page(PAGES["roamd"]))

    def ask(module, script):
        return browser.evaluate(f"L.require('roamd.{module}').then(m => {script})")

    try:
        yield ask
    finally:
        browser.leave()
        site.close()


def call(ask, module, name, *args):
    return ask(module, f"m.{name}({', '.join(json.dumps(arg) for arg in args)})")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("rate", None, "\u2013"),
        ("rate", 0, "0 kbit/s"),
        ("rate", 999, "999 kbit/s"),
        ("rate", 4700, "4.7 Mbit/s"),
        ("rate", 1_200_000, "1.2 Gbit/s"),
        ("octets", 116, "116 B"),
        ("octets", 2_400_000_000, "2.4 GB"),
        ("milliseconds", 0.84, "0.8 ms"),
        ("milliseconds", 52.2, "52 ms"),
        ("percent", 0.125, "13 %"),
        ("span", 59.9, "59 s"),
        ("span", 3700, "1 h 1 min"),
        ("span", 200_000, "2 d 7 h"),
    ],
)
def test_figures_are_written_for_people(ask, name, value, shown):
    assert call(ask, "format", name, value) == shown


@pytest.mark.parametrize(
    ("uplink", "found"),
    [
        ({"wifi": {"signal": -50}}, ("signal", -50, 4)),
        ({"wifi": {"signal": -90}}, ("signal", -90, 0)),
        ({"modem": {"rsrp": -100, "rssi": -70}}, ("RSRP", -100, 3)),
        ({"modem": {"rsrp": None, "rscp": -96}}, ("RSCP", -96, 1)),
        ({"modem": {"rssi": -80}}, ("RSSI", -80, 2)),
        ({"modem": {"state": "no tty"}, "wifi": None}, None),
        ({}, None),
    ],
)
def test_a_signal_is_worth_so_many_bars(ask, uplink, found):
    told = call(ask, "format", "signal", uplink)
    assert (tuple(told.values()) if told else None) == found


def tunnels(*octets):
    return [{"bid": 1, "rx_bytes": octets[0], "tx_bytes": octets[1]}]


def test_rates_come_from_counters_and_not_from_their_restart(ask):
    ask("history", "{ m.samples = {}; m.before = {}; }")
    for at, *octets in ((100, 0, 0), (102, 250_000, 25_000), (104, 10, 10), (106, 500_010, 10)):
        call(ask, "history", "take", at, tunnels(*octets))
    assert call(ask, "history", "of", 1) == [
        {"at": 102, "over": 2, "down": 1000, "up": 100},
        {"at": 106, "over": 2, "down": 2000, "up": 0},
    ]
    assert call(ask, "history", "last", 1)["down"] == 2000
    # A tunnel that is gone carries nothing, and what is old is forgotten.
    call(ask, "history", "take", 108, [])
    assert call(ask, "history", "last", 1) is None
    call(ask, "history", "take", 404, [])
    assert [sample["at"] for sample in call(ask, "history", "of", 1)] == [106]


def test_what_the_daemon_remembers_comes_first(ask):
    ask("history", "{ m.samples = {}; m.before = {}; }")
    call(ask, "history", "begin", 100, [{"bid": 1, "rates": [[290, 5, 10, 1], [8, 9, 20, 2]]}])
    call(ask, "history", "take", 101, tunnels(0, 0))
    call(ask, "history", "take", 103, tunnels(250, 0))
    assert [sample["at"] for sample in call(ask, "history", "of", 1)] == [-190, 92, 103]


def test_a_plot_has_gaps_where_nothing_was_seen(ask):
    samples = [{"at": at, "over": 2, "down": 100 * at, "up": 1} for at in (10, 12, 14, 40, 42)]
    lines = ask(
        "plot",
        f"[...m.rates('x', {json.dumps(samples)}, 42, 300).querySelectorAll('.roamd-down')].map(one => one.getAttribute('points'))",
    )
    assert [len(line.split()) for line in lines] == [3, 2]
    assert lines[-1].split()[-1].startswith("300.0,")
    assert "NaN" not in "".join(lines)
    assert "top line: 5.0 Mbit/s" in ask("plot", f"m.rates('x', {json.dumps(samples)}, 42, 300).textContent")


GOOD = {
    "name": "a",
    "kind": "wifi",
    "state": "usable",
    "registration": "registered",
    "path": {"carries": True},
}


@pytest.mark.parametrize(
    ("change", "sign", "words"),
    [
        ({}, "✔", "carries"),
        ({"state": "no carrier"}, "✖", "no carrier"),
        (
            {"registration": "denied", "detail": "131: authentication failed"},
            "…",
            "131: authentication failed",
        ),
        ({"path": {"carries": False, "suppressed": True}}, "!", "it comes and goes"),
        ({"path": {"carries": False}}, "!", "no answer"),
        ({"metered": True, "used": 5_000_000}, "✔", "5.0 MB"),
        (
            {"modem": {"technology": "EN-DC", "band": "n78", "operator": "<b>x</b>"}},
            "✔",
            "5G NSA n78, <b>x</b>",
        ),
    ],
)
def test_a_state_is_a_sign_and_words(ask, change, sign, words):
    card = f"m.card({json.dumps({**GOOD, **change})}, {{}}, [], 0, 300)"
    assert ask("parts", f"{card}.querySelector('.roamd-state').dataset.sign") == sign
    assert words in ask("parts", f"{card}.textContent")
    assert ask("parts", f"{card}.querySelectorAll('b').length") == 0


def test_the_endpoint_takes_batches_and_refuses_what_is_no_json(ask):
    post = "fetch('/ubus', {{ method: 'POST', body: {} }}).then(told => told.json())"
    assert ask("format", post.format("'{'"))["error"]["code"] == -32700
    one = {"jsonrpc": "2.0", "id": 1, "method": "list"}
    told = ask("format", post.format(json.dumps(json.dumps([one, {**one, "id": 2}]))))
    assert [answer["id"] for answer in told] == [1, 2]
