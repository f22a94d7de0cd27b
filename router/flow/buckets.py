"""Hash buckets: which share of the new flows each path takes.

Flows that no policy names fall into one of `SIZE` buckets by a hash of their
addresses and ports; each bucket belongs to one path.  A change of weights
moves only the buckets that must move, so flows that are not pinned yet stay
where they are as far as possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["SIZE", "assign", "quotas"]

SIZE = 64
"""Buckets in all: a step of 1.6 % of the traffic."""


def quotas(weights: Mapping[int, float], size: int = SIZE) -> dict[int, int]:
    """Buckets per path in proportion to its weight, by the largest remainder.

    A path with a positive weight gets at least one bucket while there are
    enough of them: a thin link shall not stay dark beside a fat one.
    """
    total = sum(weight for weight in weights.values() if weight > 0)
    if total <= 0:
        return {}
    exact = {path: size * weight / total for path, weight in weights.items() if weight > 0}
    result = {path: max(1, int(share)) for path, share in exact.items()}
    by_remainder = sorted(exact, key=lambda path: (result[path] - exact[path], path))
    surplus = sum(result.values()) - size
    for path in by_remainder * (size // max(1, len(by_remainder)) + 1):
        if surplus >= 0:
            break
        result[path] += 1
        surplus += 1
    while surplus > 0:
        fattest = max(result, key=lambda path: (result[path], -path))
        result[fattest] -= 1
        surplus -= 1
    return {path: count for path, count in result.items() if count > 0}


def assign(weights: Mapping[int, float], previous: Sequence[int] = (), size: int = SIZE) -> tuple[int, ...]:
    """Path of each bucket; empty when no path has a positive weight.

    `previous` is the assignment in force: every bucket whose path is still
    within its quota keeps it.
    """
    left = quotas(weights, size)
    if not left:
        return ()
    result: list[int | None] = [None] * size
    for bucket, path in enumerate(previous[:size]):
        if left.get(path, 0) > 0:
            result[bucket] = path
            left[path] -= 1
    rest = (path for path in sorted(left) for _ in range(left[path]))
    return tuple(path if path is not None else next(rest) for path in result)
