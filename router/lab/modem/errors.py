"""Errors of 3GPP TS 27.007 section 9.2, as a modem reports them."""

from __future__ import annotations

__all__ = ["Refused", "report"]

TEXTS = {
    3: "operation not allowed",
    4: "operation not supported",
    10: "SIM not inserted",
    11: "SIM PIN required",
    12: "SIM PUK required",
    13: "SIM failure",
    14: "SIM busy",
    16: "incorrect password",
    30: "no network service",
    33: "requested service option not subscribed",
    50: "incorrect parameters",
    100: "unknown",
    107: "GPRS services not allowed",
    148: "unspecified GPRS error",
}


class Refused(Exception):
    """A command fails; `code` is the number of +CME ERROR, None is a bare ERROR whatever +CMEE says."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


def report(code: int | None, detail: int, texts: dict[int, str] | None = None) -> str:
    """The result line for `detail` as set by +CMEE: 0 ERROR, 1 numbers, 2 words (the modem's own `texts` first)."""
    if code is None or detail == 0:
        return "ERROR"
    if detail == 1:
        return f"+CME ERROR: {code}"
    return f"+CME ERROR: {(texts or {}).get(code) or TEXTS.get(code, 'unknown')}"
