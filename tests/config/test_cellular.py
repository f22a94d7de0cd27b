"""Options of a cellular uplink."""

import pytest

from router.config import ConfigErrors, load

NODE = """
config mobile_node
	option home_address '10.99.0.2'
	option home_agent '198.51.100.2'
	option spi '256'
	option key '0x000102030405060708090a0b0c0d0e0f'
config uplink 'lte'
	option type 'cellular'
"""
AT = NODE + "\toption session at\n"


def errors(text):
    with pytest.raises(ConfigErrors) as caught:
        load(text, "roamd")
    return [str(error) for error in caught.value.errors]


def test_a_modem_may_be_left_to_be_found():
    uplink = load(NODE, "roamd").uplinks[0]
    assert (uplink.tty, uplink.usb, uplink.imei) == (None, None, None)
    assert (uplink.modem.session, uplink.modem.cid, uplink.modem.apn) == ("netifd", 1, None)


def test_everything_of_a_session_of_our_own():
    text = AT + (
        "\toption usb 1-1.2\n\toption imei 861075023456789\n\toption cid 3\n\toption apn fleet.example\n\toption addressing static\n"
        "\toption auth chap\n\toption username bus42\n\toption password 'a b'\n\toption pin 1234\n"
    )
    uplink = load(text, "roamd").uplinks[0]
    settings = uplink.modem
    assert (uplink.usb, uplink.imei, settings.cid) == ("1-1.2", "861075023456789", 3)
    assert (settings.apn, settings.addressing, settings.auth) == ("fleet.example", "static", "chap")
    assert (settings.username, settings.password, settings.pin) == ("bus42", "a b", "1234")
    assert "1234" not in repr(settings) and "a b" not in repr(settings)


@pytest.mark.parametrize(
    "tty",
    [
        "/dev/ttyUSB2", "/dev/serial/by-id/usb-Quectel-if02", "socket://192.0.2.7:2000", "rfc2217://modem.lan:7000",
        "rfc2217://modem.lan:7000?ign_set_control&timeout=3", "socket://[2001:db8::1]:2000",
    ],
)  # fmt: skip
def test_where_a_modems_port_may_be(tty):
    assert load(f"{NODE}\toption tty '{tty}'\n", "roamd").uplinks[0].tty == tty


@pytest.mark.parametrize(
    "tty",
    [
        "ttyUSB2", "dev/ttyUSB2", "http://a:1", "socket://host", "socket://:2000", "socket://host:0",
        "socket://host:65536", "socket://a b:1", "rfc2217://host:x", "socket://host:1?logging=debug", "loop://",
        "hwgrep://.*", "alt:///dev/ttyS0", "/dev/tty 0",
    ],
)  # fmt: skip
def test_where_it_may_not_be(tty):
    assert any(
        "expected an absolute path such as" in error for error in errors(f"{NODE}\toption tty '{tty}'\n")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NODE + "\toption addressing dhcp\n", "is for session at or ppp"),
        (NODE + "\toption session ppp\n\toption addressing dhcp\n", "is for session at"),
        (AT + "\toption addressing slaac\n", "expected one of auto, static, dhcp"),
        (NODE + "\toption session qmi\n", "option session 'qmi': expected one of netifd, at, ppp"),
        (NODE + "\toption usb 2c7c:0125\n", "option usb '2c7c:0125': expected bus and port"),
        (NODE + "\toption usb 1-1.x\n", "expected bus and port"),
        (NODE + "\toption imei 86107502345678\n", "expected the 15 digits"),
        (NODE + "\toption pin 12a4\n", "option pin '<hidden>': expected 4 to 8 digits"),
        (AT + "\toption apn 'a\"b'\n", "expected an access point name"),
        (AT + "\toption apn 'a..b'\n", "expected an access point name"),
        (AT + "\toption apn 'm\u00fcnchen'\n", "expected an access point name"),
        (AT + "\toption cid 0\n", "a whole number, 1..16"),
        (AT + "\toption auth pap\n\toption username 'a\"b'\n", "without quotes"),
        (AT + "\toption auth pap\n", "wants option username"),
        (AT + "\toption username bus\n", "wants option auth: pap or chap"),
        (NODE + "\toption apn internet\n", "is for session at or ppp"),
        (NODE.replace("'cellular'", "'wifi'\n\toption device wlan0\n\toption pin 1234"), "only a cellular uplink"),
        (NODE + "\toption imei 861075023456789\nconfig uplink 'b'\n\toption type cellular\n"
         "\toption imei 861075023456789\n", "has it already"),
    ],
)  # fmt: skip
def test_errors_name_what_is_allowed(text, expected):
    found = errors(text)
    assert any(expected in error for error in found), found


def test_a_secret_is_never_shown():
    found = errors(AT + "\toption password 'geheim\"'\n") + errors(NODE + "\toption password geheim\n")
    assert found and not any("geheim" in error for error in found)
