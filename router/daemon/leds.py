"""LEDs by sysfs: lit, blinking or dark as they shall be, and left as they were found."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping

__all__ = ["Leds"]

_log = logging.getLogger("roamd")
_CHOSEN = re.compile(r"\[([^]]+)\]")
_LIGHTS = {"on": ("none", "max"), "off": ("none", "0"), "blink": ("timer", None)}
"""Trigger and brightness."""


class Leds:
    """`show` what is wanted, whenever that may have changed; nothing is written where it has not."""

    def __init__(self, root: str = "/sys/class/leds") -> None:
        self._root = root
        self._before: dict[str, str] = {}
        """The triggers that were in force."""
        self._shown: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        """Whether there is a LED to be given back."""
        return bool(self._shown)

    def show(self, wanted: Mapping[str, str]) -> None:
        """`on`, `blink` or `off` by the LEDs' names; those that are not named any more get back what they had."""
        for name in self._shown.keys() - wanted.keys():
            self._put_back(name)
        for name, light in wanted.items():
            if self._shown.get(name) != light:
                self._shown[name] = light
                self._try(name, light)

    def _try(self, name: str, light: str) -> None:
        try:
            if name not in self._before:
                found = _CHOSEN.search(self._read(name, "trigger"))
                self._before[name] = found[1] if found is not None else "none"
            trigger, brightness = _LIGHTS[light]
            self._write(name, "trigger", trigger)
            if brightness is not None:
                top = self._read(name, "max_brightness").strip() if brightness == "max" else brightness
                self._write(name, "brightness", top)
        except FileNotFoundError:
            _log.warning("no LED %s; there are: %s", name, ", ".join(self._names()) or "none")
        except OSError as error:
            _log.warning("LED %s: %s", name, error.strerror)

    def _put_back(self, name: str) -> None:
        del self._shown[name]
        trigger = self._before.pop(name, None)
        if trigger is None:
            return
        try:
            if trigger == "none":
                self._write(name, "brightness", "0")
            self._write(name, "trigger", trigger)
        except OSError as error:
            _log.warning("LED %s: %s", name, error.strerror)

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self._root))
        except OSError:
            return []

    def _read(self, name: str, what: str) -> str:
        with open(os.path.join(self._root, name, what)) as file:
            return file.read()

    def _write(self, name: str, what: str, value: str) -> None:
        # Not made where it is not there: what is no LED stays none.
        with open(
            os.open(os.path.join(self._root, name, what), os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC), "w"
        ) as file:
            file.write(value)
