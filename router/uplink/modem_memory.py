"""What the dialogues with modems must not forget, in a small file: PINs that were wrong, and resets done."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from router.files import write

__all__ = ["ModemMemory"]

_MAX_FILE = 65536


class ModemMemory:
    """Memories by uplink (`modem.dialogue.Modem.memory`), in `path`; None keeps them in this process alone.

    A file that cannot be read is as none; one that cannot be written is said once.
    """

    def __init__(self, path: str | None, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._kept: dict[str, dict[str, Any]] = _load(path) if path is not None else {}

    def recall(self, uplink: str) -> dict[str, Any]:
        """The memory of this uplink's modem, its ages as they are now, and all PINs that any SIM has refused."""
        return {**self._resets(uplink), "pins": self._pins()}

    def _resets(self, uplink: str) -> dict[str, Any]:
        entry = self._kept.get(uplink, {})
        saved, memory = entry.get("saved"), entry.get("memory")
        if not isinstance(saved, int | float) or not isinstance(memory, dict):
            return {"watchdog": []}
        # A clock that went back makes nothing younger.
        passed = max(0.0, self._wall() - saved)
        done = memory.get("watchdog")
        return {"watchdog": [_aged(item, passed) for item in done] if isinstance(done, list) else []}

    def _pins(self) -> dict[str, list[str]]:
        """Of all uplinks: a SIM may sit in another modem today."""
        found: dict[str, list[str]] = {}
        for entry in self._kept.values():
            memory = entry.get("memory")
            pins = memory.get("pins") if isinstance(memory, dict) else None
            for sim, tried in pins.items() if isinstance(pins, dict) else ():
                if isinstance(tried, list):
                    found[sim] = found.get(sim, []) + tried
        return found

    def keep(self, uplink: str, memory: dict[str, Any]) -> None:
        """Write it down before going on."""
        self._kept[uplink] = {"saved": self._wall(), "memory": memory}
        if self._path is None:
            return
        write(
            self._path,
            json.dumps(self._kept),
            "wrong PINs and resets are forgotten at the next start",
            sync=True,
        )


def _aged(item: Any, passed: float) -> Any:
    """[rung, seconds ago], so much later; the watchdog leaves out what is none."""
    if isinstance(item, list) and len(item) == 2 and isinstance(item[1], int | float):
        return [item[0], item[1] + passed]
    return item


def _load(path: str) -> dict[str, dict[str, Any]]:
    with contextlib.suppress(OSError, ValueError):
        with open(path, encoding="utf-8") as file:
            found = json.loads(file.read(_MAX_FILE))
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if isinstance(value, dict)}
    return {}
