"""Whether the home agent, and what lies before it, understands Multipath extensions.

A peer that does not know type 154 drops the message without an answer (see
`router.mip.wire.multipath`), just as one that is down.  Hence, as long as no
request with the extension was ever answered, every other retransmission goes
without it.  If such a one is answered, that uplink alone stays registered; the extension is tried again now and then, for the home agent may
have been starting just then, or been brought up to date.
"""

from __future__ import annotations

__all__ = ["MultipathSupport"]

_DOUBT_AFTER = 3
"""Unanswered requests with the extension before one goes without it."""
_TRIAL_REQUESTS = 3
_FIRST_TRIAL, _LONGEST_PAUSE = 20.0, 86400.0


class MultipathSupport:
    """Times are monotonic seconds."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._proven = False
        self._refused = False
        self._doubted = False
        self._pause = _FIRST_TRIAL
        self._trial = False
        self.trial_at: float | None = None
        """When to try the extension again."""

    @property
    def several(self) -> bool:
        """Whether every uplink is to be registered."""
        return self._wanted and not self._refused and not self._doubted

    @property
    def why_single(self) -> str:
        if not self._wanted:
            return "one binding is configured"
        return (
            "the home agent allows one binding"
            if self._refused
            else "the home agent seems not to know RFC 7629"
        )

    def extension_in(self, attempts: int) -> bool:
        """Whether a request shall carry the extension, `attempts` before it being unanswered."""
        if not self.several:
            return self._trial
        return self._proven or attempts < _DOUBT_AFTER or attempts % 2 == 0

    def answered(self, *, with_extension: bool, at: float) -> bool:
        """A home agent's authentic reply.  True when from now on every uplink is to be registered again."""
        if with_extension:
            news = self._doubted
            self._proven, self._doubted, self._trial, self.trial_at = True, False, False, None
            return news
        if self.several:
            self._doubted, self.trial_at = True, at + self._pause
        return False

    def refused(self) -> bool:
        """Code 152.  True when this is news."""
        news = self.several
        self._refused, self._trial, self.trial_at = True, False, None
        return news

    def start_trial(self) -> None:
        self._trial, self.trial_at = True, None

    def trial_failed(self, attempts: int, at: float) -> bool:
        """Whether a trial ends here, unanswered."""
        if not self._trial or attempts < _TRIAL_REQUESTS:
            return False
        self._pause = min(_LONGEST_PAUSE, 4 * self._pause)
        self._trial, self.trial_at = False, at + self._pause
        return True
