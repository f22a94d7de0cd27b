"""What has happened: the last lines of the log, to be asked for by uplink and time; on flash too where that is wanted."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from router.files import write

__all__ = ["EventRing"]

_log = logging.getLogger("roamd")

_LENGTH = 400
_LONGEST = 300
_MAX_FILE = 400_000
_SAVE_EVERY = 60.0
"""Seconds between two writes, at least: flash wears."""
_LEVELS = ("debug", "info", "warning", "error", "critical")


class EventRing(logging.Handler):
    """Takes every record of the `roamd` loggers from INFO on.

    An entry is {number, wall, monotonic, level, uplink, text}: seconds since 1970 and of the kernel's monotonic
    clock; `uplink` is None where it is about none.  In `path`, if there is one, the entries outlive a restart.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__(logging.INFO)
        self._path = path
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LENGTH)
        self._number = self._saved = 0
        self._saved_at = time.monotonic()
        if path:
            self._load(path)

    def keep(self, path: str) -> None:
        """From now on in this file; empty: in none."""
        self._path, self._saved = path, 0

    def begin(self) -> None:
        logging.getLogger("roamd").addHandler(self)

    def end(self) -> None:
        logging.getLogger("roamd").removeHandler(self)
        self._save()
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        for text in record.getMessage().splitlines():
            self._number += 1
            self._entries.append(
                {
                    "number": self._number,
                    "wall": round(record.created, 3),
                    "monotonic": round(time.monotonic(), 3),
                    "level": record.levelname.lower(),
                    "uplink": _uplink(record),
                    "text": text[:_LONGEST],
                }
            )
        if time.monotonic() - self._saved_at >= _SAVE_EVERY:
            self._save()

    def found(self, params: dict[str, Any]) -> dict[str, Any]:
        """Of `uplink`, behind number `after`, not older than `seconds`, of `level` or worse; the last `limit` of them.

        Raises ValueError, which names what is wrong.
        """
        after, limit = _whole(params, "after", 0), _whole(params, "limit", 40)
        seconds, level, uplink = params.get("seconds"), params.get("level") or "info", params.get("uplink")
        if level not in _LEVELS:
            raise ValueError(f"level {level!r}: expected one of {', '.join(_LEVELS)}")
        if seconds is not None and not (isinstance(seconds, int | float) and seconds >= 0):
            raise ValueError(f"seconds {seconds!r}: expected a number, 0 or more")
        oldest = 0.0 if seconds is None else time.time() - seconds
        worse = _LEVELS[_LEVELS.index(level) :]
        entries = [
            entry
            for entry in self._entries
            if entry["number"] > after
            and entry["wall"] >= oldest
            and entry["level"] in worse
            and uplink in (None, entry["uplink"])
        ]
        return {"events": entries[-limit:] if limit else [], "last": self._number}

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        # What goes wrong is logged, and comes back here.
        path, self._path = self._path, ""
        if not path or self._saved == self._number:
            self._path = path
            return
        self._saved = self._number
        text = "".join(json.dumps(entry) + "\n" for entry in self._entries)
        write(path, text, "events are kept in memory only")
        self._path = path

    def _load(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                self._entries.extend(_entries(file.read(_MAX_FILE)))
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("%s: %s: events of before are not known", path, error.strerror)
        self._number = self._saved = max((entry["number"] for entry in self._entries), default=0)


def _uplink(record: logging.LogRecord) -> str | None:
    """As the journal gives it; other lines begin with it."""
    known = getattr(record, "uplink", None)
    if known is not None:
        return str(known)
    if record.msg.startswith("uplink %s:") and isinstance(record.args, tuple):
        return str(record.args[0])
    return None


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Lines that a cut of the power has spoilt are passed over."""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and _is_entry(entry):
            yield entry


def _is_entry(entry: dict[str, Any]) -> bool:
    kinds = {"number": int, "wall": int | float, "monotonic": int | float, "level": str, "text": str}
    return all(isinstance(entry.get(name), kind) for name, kind in kinds.items()) and "uplink" in entry


def _whole(params: dict[str, Any], name: str, default: int) -> int:
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} {value!r}: expected a whole number, 0 or more")
    return value
