"""When the router finds out that a link is dead, or alive again."""

from __future__ import annotations

from collections.abc import Iterable

from router.flow.place import Takes

__all__ = ["Watch"]

_FOUND_DEAD, _FOUND_ALIVE, _PROBATION = 0.5, 1.0, 3.0


class Watch:
    """Half a second of silence is death; a second of life begins a probation of three.  At the start all live."""

    def __init__(self, paths: Iterable[int]) -> None:
        self.dead: frozenset[int] = frozenset()
        self._changed = dict.fromkeys(paths, (True, -_PROBATION - _FOUND_ALIVE))
        """Of each path the truth, and since when."""

    def look(self, path: int, alive: bool, now: float) -> None:
        truth, since = self._changed[path]
        if alive != truth:
            self._changed[path] = (alive, now)
            since = now
        if not alive and now - since >= _FOUND_DEAD:
            self.dead |= {path}
        elif alive and now - since >= _FOUND_ALIVE:
            self.dead -= {path}

    def takes(self, path: int, now: float) -> Takes:
        alive, since = self._changed[path]
        if not alive:
            return "nothing"
        return "all" if now - since >= _FOUND_ALIVE + _PROBATION else "new"
