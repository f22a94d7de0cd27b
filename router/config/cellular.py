"""Options of a cellular uplink: the modem, and its data session.

Texts that become part of an AT command have neither quotes nor control characters (TS 27.007 knows no escape).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.config.kind import kind
from router.config.model import ModemSettings

__all__ = ["apn", "imei", "modem_errors", "modem_settings", "pin", "port", "usb", "word"]

_SETTINGS = ("session", "cid", "apn", "auth", "username", "password", "addressing", "pin")
_ONLY_OURS = ("apn", "auth", "username", "password", "addressing")
_DIGITS = "0123456789"
_LABEL = _DIGITS + "abcdefghijklmnopqrstuvwxyz-_"
_MAX_APN, _MAX_LABEL, _MAX_WORD = 100, 63, 64


@kind(
    "port",
    "a path such as /dev/ttyUSB2, socket://host:port or rfc2217://host:port",
    pattern=r"/\S*|(socket|rfc2217)://\S+",
)
def port(text: str) -> str:
    """`/dev/ttyUSB2`, or a port behind a server: `socket://host:port` (plain octets) or `rfc2217://host:port`, the latter
    with pyserial's options behind a question mark."""
    scheme, slashes, rest = text.partition("://")
    good = not any(sign in "\"'\\ " or not "!" <= sign <= "~" for sign in text)
    if good and not slashes and text.startswith("/"):
        return text
    server, query, _ = rest.partition("?")
    host, _, number = server.rstrip("/").rpartition(":")
    reached = (
        _all(host.lower().strip("[]"), _LABEL + ".:")
        and _all(number, _DIGITS)
        and 0 < int(number[:6]) < 65536
    )
    if not good or not reached or scheme not in ("socket", "rfc2217") or (query and scheme == "socket"):
        raise ValueError(
            "expected an absolute path such as /dev/ttyUSB2, socket://host:port or rfc2217://host:port"
        )
    return text


@kind("USB port", "bus and ports, such as 1-1.2", pattern=r"\d+-\d+(\.\d+)*")
def usb(text: str) -> str:
    """`1-1.2`: where the device is plugged, as in /sys/bus/usb/devices."""
    bus, dash, ports = text.partition("-")
    if not dash or not _all(bus, _DIGITS) or not all(_all(port, _DIGITS) for port in ports.split(".")):
        raise ValueError("expected bus and port such as 1-1.2, a name in /sys/bus/usb/devices")
    return text


@kind("IMEI", "15 digits", "rangelength(15,15)")
def imei(text: str) -> str:
    if len(text) != 15 or not _all(text, _DIGITS):
        raise ValueError("expected the 15 digits of an IMEI, as AT+CGSN says it")
    return text


@kind("access point", "letters, digits, . - _", "maxlength(100)")
def apn(text: str) -> str:
    """Labels of letters, digits, - and _, divided by dots (TS 23.003 9.1)."""
    labels = text.split(".")
    if len(text) > _MAX_APN or not all(_all(x.lower(), _LABEL) and len(x) <= _MAX_LABEL for x in labels):
        raise ValueError(
            "expected an access point name such as internet or fleet.example: letters, digits, . - _"
        )
    return text


@kind("text", "1 to 64 characters of ASCII", "and(minlength(1),maxlength(64))")
def word(text: str) -> str:
    """A user name or password."""
    if not 1 <= len(text) <= _MAX_WORD or any(not " " <= sign <= "~" or sign in '"\\' for sign in text):
        raise ValueError("expected 1 to 64 characters of ASCII without quotes and backslashes")
    return text


@kind("PIN", "4 to 8 digits", "rangelength(4,8)")
def pin(text: str) -> str:
    if not 4 <= len(text) <= 8 or not _all(text, _DIGITS):
        raise ValueError("expected 4 to 8 digits")
    return text


def modem_settings(values: Mapping[str, Any]) -> ModemSettings:
    return ModemSettings(**{name: values[name] for name in _SETTINGS if name in values})


def modem_errors(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(option, what is wrong) for options of an uplink that do not go together."""
    if values["type"] != "cellular":
        message = "only a cellular uplink has a modem"
        return [(name, message) for name in ("tty", "usb", "imei", *_SETTINGS) if name in values]
    found = []
    if values.get("session", "netifd") == "netifd":
        message = "is for session at or ppp; with session netifd it stands in /etc/config/network"
        found += [(name, message) for name in _ONLY_OURS if name in values]
    elif values["session"] == "ppp" and "addressing" in values:
        found.append(("addressing", "is for session at: PPP gives the address itself"))
    if values.get("auth", "none") != "none" and "username" not in values:
        found.append(("auth", "wants option username"))
    found += [
        (name, "wants option auth: pap or chap")
        for name in ("username", "password")
        if name in values and values.get("auth", "none") == "none"
    ]
    return found


def _all(text: str, allowed: str) -> bool:
    return bool(text) and all(sign in allowed for sign in text)
