"""Writes looks into a file that does not grow for ever."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TextIO

from router import __version__
from router.clock import Instant
from router.flow.assigner import Basis, Decision
from router.path.quality import Quality
from router.sim.record import Encoder, header

__all__ = ["Recorder"]

_log = logging.getLogger("roamd.record")
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
        try:
            self._write(self._encoder.look(decision, basis, qualities, at.wall), at)
        except OSError as error:
            self._off = True
            self.counters["record_failed"] += 1
            _log.warning("recording has ended: %s: %s", self._filename, error.strerror)
            self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                _log.warning("the end of the recording is lost: %s: %s", self._filename, error.strerror)

    def _write(self, line: str, at: Instant) -> None:
        if self._file is None or self._written + len(line) > self._size:
            self._begin(at)
        assert self._file is not None
        self._file.write(line)
        # What is read while it grows, or after a power cut, ends with a whole line.
        self._file.flush()
        self._written += len(line)
        self.counters["looks_recorded"] += 1

    def _begin(self, at: Instant) -> None:
        self.close()
        if os.path.exists(self._filename):
            os.replace(self._filename, f"{self._filename}.1")
        # Nobody else shall read where we were, nor lead us elsewhere by a link.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._filename, flags, 0o600), "w", encoding="ascii")
        first = header(__version__, at.wall)
        self._file.write(first)
        self._written = len(first)
