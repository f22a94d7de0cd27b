"""The live screen: looks and keys in, text out."""

import pytest

from router.control.top_screen import TopScreen


def uplink(name, bid, **more):
    return {
        "name": name,
        "bid": bid,
        "registration": "registered",
        "state": "usable",
        "path": {"rtt": 23.4},
    } | more


def status(down, up=0):
    return {
        "home_address": "10.99.0.2", "home_agent": "198.51.100.2", "uptime": 250.0,
        "uplinks": [
            uplink("wifi", 1), uplink("lte", 2, registration="no reply", state="no carrier", path=None, modem={"rsrp": -95}),
        ],
        "tunnels": [{"bid": 1, "rx_bytes": down, "tx_bytes": up}],
    }  # fmt: skip


def flow(number, path, down, age):
    return {
        "protocol": "tcp", "source": f"10.50.0.{number}:40000", "destination": "203.0.113.10:443", "path": path,
        "down": down, "up": 10, "age": age,
    }  # fmt: skip


FLOWS = {
    "active": 3,
    "tracked": 9,
    "flows": [flow(1, "wifi", 100, 30), flow(2, "lte", 900, 20), flow(3, "lte", 50, 10)],
}
EVENTS = [{"clock": "14:02:51", "text": "uplink lte: no carrier"}]


@pytest.fixture
def screen():
    screen = TopScreen()
    screen.take(status(0), FLOWS, EVENTS, 10.0)
    screen.take(status(250_000), FLOWS, EVENTS, 11.0)
    return screen


def order(screen):
    lines = screen.draw(80, 24).splitlines()
    return [line.split()[1] for line in lines if line.startswith("tcp")]


def test_rates_come_of_two_looks(screen):
    lines = screen.draw(80, 24).splitlines()
    assert lines[0] == "roamd 10.99.0.2 at 198.51.100.2, up 4m10s, 3 of 9 flows carry something"
    (wifi,) = [line for line in lines if line.startswith("wifi")]
    assert "registered" in wifi and "23 ms" in wifi and "2 Mbit/s" in wifi and wifi.endswith("#")
    (lte,) = [line for line in lines if line.startswith("lte ")]
    assert "no carrier" in lte
    assert "           RSRP -95 dBm" in lines
    assert "14:02:51 uplink lte: no carrier" in lines


def test_a_tunnel_that_was_made_anew_has_no_rate(screen):
    screen.take(status(10), FLOWS, EVENTS, 12.0)
    screen.take(status(10), FLOWS, EVENTS, 13.0)
    assert " 0 bit/s" in screen.draw(80, 24)


def test_keys_sort_flows(screen):
    assert order(screen) == ["10.50.0.2:40000", "10.50.0.1:40000", "10.50.0.3:40000"]
    screen.key("a")
    assert order(screen) == ["10.50.0.3:40000", "10.50.0.2:40000", "10.50.0.1:40000"]
    screen.key("u")
    assert order(screen) == ["10.50.0.2:40000", "10.50.0.3:40000", "10.50.0.1:40000"]
    screen.key("x")
    assert "FLOWS by uplink" in screen.draw(80, 24)


def test_keys_pause_and_quit(screen):
    screen.key("p")
    assert screen.paused and "PAUSED" in screen.draw(80, 24)
    screen.key(" ")
    assert not screen.paused and not screen.over
    screen.key("q")
    assert screen.over


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (20, 5), (200, 60), (1, 1)])
def test_a_screen_fits_every_terminal(screen, width, height):
    for number in range(400):
        screen.take(status(250_000 + number**3 * 1000), FLOWS, EVENTS * 9, 12.0 + number)
    lines = screen.draw(width, height).splitlines()
    assert len(lines) <= max(2, height - 1)
    assert max(map(len, lines)) <= width


def test_before_the_first_look_and_at_an_agent_it_draws():
    screen = TopScreen()
    assert screen.draw(80, 24).startswith("roamd, 0 of 0 flows carry something\n")
    screen.take({"uptime": 3.0, "tunnels": []}, {"flows": [], "active": 0, "tracked": 0}, [], 1.0)
    assert screen.draw(80, 24).startswith("roamd, up 3s, 0 of 0 flows")
