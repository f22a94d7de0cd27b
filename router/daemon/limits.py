"""Uplinks that must not be used now: over their cap, or roaming where that is not wanted."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from router.config.model import Uplink
from router.files import write
from router.path.usage import Date, Usage
from router.plane.link import counters
from router.uplink.model import UplinkView

__all__ = ["Limits"]

_log = logging.getLogger("roamd")
_LOOK, _SAVE = 5.0, 60.0
_MAX_FILE = 65536


class Limits:
    """`start()`, `close()`; `changed(bid)` when an uplink is barred or free again.

    What was carried stands in `path`, a file, so that a restart does not make it free again.
    """

    def __init__(
        self,
        uplinks: Iterable[Uplink],
        views: Mapping[int, UplinkView],
        path: str,
        changed: Callable[[int], None],
    ) -> None:
        self._views, self._path, self._changed = views, path, changed
        self._timer: asyncio.TimerHandle | None = None
        self._saved_at = time.monotonic()
        self._take(uplinks)

    def _take(self, uplinks: Iterable[Uplink]) -> None:
        self._uplinks = {uplink.bid: uplink for uplink in uplinks}
        saved = _load(self._path)
        self.usage = {
            bid: Usage(uplink.cap, uplink.cap_day, saved.get(uplink.name))
            for bid, uplink in self._uplinks.items()
            if uplink.cap is not None
        }
        self._barred = {bid: self.barred(bid) for bid in self.usage}

    def configure(self, uplinks: Iterable[Uplink]) -> None:
        """These are the uplinks now, and their caps."""
        self.close()
        self._take(uplinks)
        self.start()

    def start(self) -> None:
        if self.usage:
            self._look()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.usage:
            self._save()

    def barred(self, bid: int) -> str | None:
        """Why the uplink must not be used now; None: it may."""
        usage, view = self.usage.get(bid), self._views.get(bid)
        if usage is not None and usage.exceeded:
            return f"cap of {self._uplinks[bid].cap} MB reached"
        roams = view is not None and view.modem is not None and view.modem.roaming
        return "roaming" if roams and not self._uplinks[bid].roaming else None

    def _look(self) -> None:
        found, date = counters(), _today()
        for bid, usage in self.usage.items():
            view = self._views.get(bid)
            row = found.get(view.device) if view is not None and view.device is not None else None
            usage.count(row["rx_bytes"] + row["tx_bytes"] if row is not None else None, date)
            now = self.barred(bid)
            if now != self._barred[bid]:
                self._barred[bid] = now
                _log.warning("uplink %s: %s", self._uplinks[bid].name, now or "may be used again")
                self._changed(bid)
        if time.monotonic() - self._saved_at >= _SAVE:
            self._save()
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        text = json.dumps({self._uplinks[bid].name: usage.state() for bid, usage in self.usage.items()})
        write(self._path, text, "caps begin anew after a restart")


def _today() -> Date:
    local = time.localtime()
    return local.tm_year, local.tm_mon, local.tm_mday


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path) as file:
            found = json.loads(file.read(_MAX_FILE))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("%s: %s: not heeded", path, error)
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {name: row for name, row in rows if isinstance(row, dict)}
