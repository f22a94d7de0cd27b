"""The status page of a real mobile node, in a real browser, while things happen to it."""

import contextlib
import json
import os

import pytest

from router.control.client import ControlError, request
from router.lab.cast import Cast
from router.lab.topology import CORRESPONDENT, Topology
from tests.luci.site import Site

pytestmark = pytest.mark.lab

STATUS, CONFIG = "admin/network/roamd/status", "admin/network/roamd/config"
CARDS = "[...document.querySelectorAll('.roamd-card')].map(card => card.innerText)"
LINES = (
    "[...document.querySelectorAll('.roamd-card')].map(card => card.querySelectorAll('.roamd-down').length)"
)
SHARES = """[...document.querySelectorAll('.roamd-card dd')].map(one => one.innerText)
    .filter(one => /^\\d+ %$/.test(one)).map(parseFloat)"""
"""Of traffic and of new flows, uplink by uplink."""


class Lab:
    """The demo's internet with its modem, and the pages of its mobile router."""

    def __init__(self, directory, browser):
        self.topology = Topology(f"rtlc{os.getpid()}", 20, 5)
        self.cast = Cast(self.topology, str(directory), 20, 5)
        self.browser, self.socket, self.file = browser, str(directory / "mr.sock"), directory / "mr.conf"
        self.site = Site({"roamd": str(self.file)}, {"roamd": self.socket}, lambda name: self.reload())

    def drive(self):
        self.topology.build()
        self.site.start()
        self.cast.start_modem()
        self.cast.start_servers()
        self.cast.start_daemon("ha")
        self.cast.start_daemon("mr")
        self.cast.wait("both bindings", lambda: set(self.cast.bound()) == {"wifi", "cell"}, 20)
        self.cast.wait(
            "the modem", lambda: self.cast.status("mr")["uplinks"][1]["modem"]["rsrp"] is not None, 20
        )

    def reload(self):
        with contextlib.suppress(ControlError):
            request(self.socket, "reload", {})

    def shows(self, words, place="body"):
        self.browser.wait(f"document.querySelector({place!r})?.innerText.includes({words!r})")

    def good(self):
        assert self.browser.evaluate("harness.errors") == []
        assert self.browser.problems == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    lab = Lab(tmp_path_factory.mktemp("luci"), browser)
    try:
        lab.drive()
        yield lab
    finally:
        browser.leave()
        lab.site.close()
        lab.topology.destroy()


@pytest.fixture
def page(lab):
    lab.browser.open(lab.site.page(STATUS))
    yield lab.browser
    lab.good()


def test_a_driver_sees_at_a_glance_what_carries(lab, page):
    lab.shows("All 2 uplinks carry", ".roamd-verdict")
    wifi, cell = page.evaluate(CARDS)
    assert "✔" in page.evaluate(
        "getComputedStyle(document.querySelector('.roamd-card .roamd-state'), '::before').content"
    )
    assert "carries" in wifi and "Wi-Fi" in wifi and "192.0.2.10, wlan0" in wifi and "20 Mbit/s" in wifi
    assert "LTE B3, Testnet" in cell and "RSRP -" in cell and "5.0 Mbit/s" in cell
    assert page.evaluate("document.querySelector('.roamd-bars').getAttribute('aria-label')").endswith(
        "of 4 bars"
    )
    for words in ("registered for", "uplink cell: usable"):
        lab.shows(words, ".roamd-events")
    lab.shows("roam2")
    lab.shows("prefer wifi cell")


def test_plots_and_flows_live(lab, page):
    client = lab.cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, flows=4, seconds=10)
    page.wait(f"{LINES}.every(count => count > 0)")
    page.wait(
        "[...document.querySelectorAll('.roamd-down')].some(line => new Set(line.getAttribute('points').split(' ').map(point => point.split(',')[1])).size > 2)"
    )
    lab.shows("203.0.113.10:5001")
    lab.shows("Flows: 4 active")
    said = page.evaluate(
        "[...document.querySelectorAll('.roamd-plot svg')].map(plot => plot.getAttribute('aria-label')).join()"
    )
    assert "Mbit/s" in said and "last 5 minutes" in said
    shares = page.wait(f"(found => found.length == 4 && found)({SHARES})")
    assert 98 <= shares[0] + shares[2] <= 102 and 98 <= shares[1] + shares[3] <= 102
    lab.cast.wait(
        "history", lambda: all(path["rates"] for path in request(lab.socket, "history", {})["history"]), 20
    )
    # Who comes later sees what was before.
    page.open(lab.site.page(STATUS))
    assert all(count > 0 for count in page.evaluate(LINES))
    assert not lab.cast.result(client, 30)["errors"]


def test_a_lost_uplink_is_told_in_words(lab, page):
    lab.topology.set_wifi(False)
    try:
        lab.shows("1 of 2 uplinks carry", ".roamd-verdict")
        lab.shows("no carrier", ".roamd-card")
        lab.shows("uplink wifi: no carrier", ".roamd-events")
        lab.shows("! warning", ".roamd-events")
        lab.shows("Try: ", ".roamd-findings")
    finally:
        lab.topology.set_wifi(True)
    lab.shows("All 2 uplinks carry", ".roamd-verdict")


def test_errors_of_the_configuration_are_named_and_stay_text(lab, page):
    good = lab.file.read_text()
    hostile = "<img/src=x/onerror=document.title='hurt'>"
    lab.file.write_text(good.replace("lifetime '600'", "lifetime '6'") + f'\nconfig "{hostile}"\n')
    try:
        lab.reload()
        lab.shows("mobile_node, option lifetime, line", ".roamd-notice")
        lab.shows("10..65535", ".roamd-notice")
        lab.shows(hostile, ".roamd-notice")
        assert page.evaluate("document.title + document.querySelectorAll('#view img').length") == "roamd0"
        page.open(lab.site.page(CONFIG))
        lab.shows("mobile_node, option lifetime, line", ".roamd-notice")
        lab.file.write_text(good)
        lab.reload()
        page.open(lab.site.page(STATUS))
        page.wait("!document.querySelector('.roamd-notice')")
    finally:
        lab.file.write_text(good)
        lab.reload()


def test_what_is_saved_is_in_force(lab, page):
    page.open(lab.site.page(CONFIG))
    page.evaluate("""(() => {
        const input = document.querySelector('[data-section-id=wifi] [data-name=bandwidth] input');
        input.value = '12000';
        input.dispatchEvent(new Event('change', { bubbles: true }));
        document.getElementById('handleSaveApply').click();
    })()""")
    assert page.wait("document.body.dataset.done") == "handleSaveApply"
    page.open(lab.site.page(STATUS))
    lab.shows("12 Mbit/s / 12 Mbit/s", ".roamd-card")


def test_what_only_the_daemon_knows_to_be_wrong_is_told_beside_the_form(lab, page):
    good = lab.file.read_text()
    page.open(lab.site.page(CONFIG))
    page.evaluate("""(() => {
        const input = document.querySelector('[data-section-id=wifi] [data-name=network] input');
        input.value = 'wan';
        input.dispatchEvent(new Event('change', { bubbles: true }));
        document.getElementById('handleSaveApply').click();
    })()""")
    try:
        lab.shows("uplink 'wifi', option device, line", ".roamd-notice")
        assert set(lab.cast.bound()) == {"wifi", "cell"}
    finally:
        lab.file.write_text(good)
        lab.reload()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("place", [STATUS, CONFIG])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_can_be_read(lab, page, width, place, dark):
    page.size(width, 850)
    page.open(lab.site.page(place, dark=dark))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text, theme = page.evaluate("""[document.querySelector('.roamd'), document.documentElement]
        .map(node => getComputedStyle(node).color)""")
    assert text == theme


def test_the_keyboard_reaches_what_scrolls(lab, page):
    for _ in range(12):
        page.key("Tab")
        if page.evaluate("document.activeElement.className") == "roamd-events":
            break
    assert page.evaluate("document.activeElement.className") == "roamd-events"
    before = page.text(".roamd-verdict")
    page.wait(f"document.querySelector('.roamd-verdict').innerText != {json.dumps(before)}")
    assert page.evaluate("document.activeElement.className") == "roamd-events"


def test_a_daemon_that_is_gone_is_told_and_heard_again(lab, page):
    lab.cast.stop_daemon("mr")
    lab.shows("roamd does not answer", ".roamd-notice")
    assert page.text("#view").count("carries") == 0
    lab.cast.start_daemon("mr")
    lab.shows("All 2 uplinks carry", ".roamd-verdict")
    assert not page.evaluate("document.querySelector('.roamd-notice')")
