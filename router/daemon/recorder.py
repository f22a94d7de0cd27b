"""Writes what paths and flows do into a file that does not grow for ever."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from router import __version__
from router.clock import Instant
from router.daemon.now import now
from router.files import failed
from router.flow.assigner import Basis, Decision
from router.path.quality import Quality
from router.sim.record import Encoder, header, heard

__all__ = ["Recorder"]

_ENDED = "recording has ended"
_APART = 1.0
"""Seconds between two looks at which nothing was changed."""


class Recorder:
    """`filename`, and `filename.1` for what was before it: each of `size` octets at most.

    Without a file name nothing is recorded.  What cannot be written ends the recording, and nothing else.
    """

    def __init__(self, filename: str, size: int) -> None:
        self._filename, self._size = filename, size
        self._encoder = Encoder()
        self._file: TextIO | None = None
        self._written = 0
        self._off = not filename
        self._last = float("-inf")
        self.counters = {"looks_recorded": 0, "record_failed": 0}

    def look(self, decision: Decision, basis: Basis, qualities: Mapping[int, Quality], at: Instant) -> None:
        """Write the look down, if it changed something or none was for a while."""
        news = decision.moves or decision.buckets != basis.before
        if self._off or not (news or decision.at - self._last >= _APART):
            return
        self._last = decision.at
        written = self._try(self._encoder.look(decision, basis, qualities, at.wall))
        self.counters["looks_recorded"] += written

    def heard(self, path: int, call: str, args: Sequence[Any], at: Instant | None) -> None:
        """Write down what a path's monitor is told: a `router.sim.path_tape.Tape`."""
        if not self._off:
            self._try(heard(path, call, args, at))

    def close(self) -> None:
        """Nothing is recorded any more."""
        self._off = True
        self._end_file()

    def _try(self, line: str) -> bool:
        try:
            self._write(line)
        except OSError as error:
            self.counters["record_failed"] += 1
            failed(self._filename, error, _ENDED)
            self.close()
            return False
        return True

    def _write(self, line: str) -> None:
        if self._file is None or self._written + len(line) > self._size:
            self._begin_file()
        assert self._file is not None
        self._file.write(line)
        # What is read while it grows, or after a power cut, ends with a whole line.
        self._file.flush()
        self._written += len(line)

    def _begin_file(self) -> None:
        self._end_file()
        if os.path.exists(self._filename):
            os.replace(self._filename, f"{self._filename}.1")
        # Nobody else shall read where we were, nor lead us elsewhere by a link.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._filename, flags, 0o600), "w", encoding="ascii")
        first = header(__version__, now().wall)
        self._file.write(first)
        self._written = len(first)

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                failed(self._filename, error, _ENDED)
