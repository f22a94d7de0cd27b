"""A dry run of other policies against the connections there are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from router.config import ConfigErrors, load
from router.daemon.flow_control import traits_of
from router.daemon.now import now, weekday_and_minute
from router.flow.assigner import Ruling, ruling
from router.flow.policy import Choice, Way, choose, open_ways
from router.flow.track import Flow

__all__ = ["dry_run"]

Values = dict[str, Any]

_AT_ONCE = 200
"""Connections judged before the event loop has its turn."""


async def dry_run(
    text: str, file: str, flows: Sequence[Flow], ways: Sequence[Way], names: Mapping[int, str]
) -> Values:
    """How many of `flows` would stay, and how many go where.  Raises ValueError with what is wrong in the file."""
    try:
        config = load(text, file)
    except ConfigErrors as errors:
        raise ValueError(str(errors)) from None
    choices = choose(config.flows, ways, weekday_and_minute(now()))
    matched: Counter[str] = Counter()
    moves: Counter[tuple[str, str, str]] = Counter()
    unclear: Counter[str] = Counter()
    for number, flow in enumerate(flows, 1):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        traits = traits_of(flow.key)
        found = Ruling(None) if traits is None or flow.inbound else ruling(traits, choices, flow.path)
        name = found.choice.flow.name if found.choice is not None else ""
        matched[name] += 1
        target = _target(flow, found.choice, ways, names)
        if not found.certain:
            unclear[found.unseen] += 1
        elif target is not None:
            moves[name, names.get(flow.path, f"#{flow.path}"), target] += 1
    return {
        "file": file,
        "flows": len(flows),
        "stay": len(flows) - moves.total() - unclear.total(),
        "policies": [_row(choice, matched, names) for choice in choices],
        "rest": matched[""],
        "moves": [
            {"policy": name or None, "from": source, "to": target, "flows": count}
            for (name, source, target), count in sorted(moves.items())
        ],
        "unclear": [{"unseen": unseen, "flows": count} for unseen, count in sorted(unclear.items())],
    }


def _target(flow: Flow, choice: Choice | None, ways: Sequence[Way], names: Mapping[int, str]) -> str | None:
    """Where it would go, or `dropped`; None where it would stay."""
    if choice is not None and choice.flow.drop:
        return "dropped"
    allowed = [way.bid for way in open_ways(ways)]
    if choice is not None:
        allowed = [choice.path] if choice.path is not None else list(choice.members)
    if not allowed or flow.path in allowed:
        return None
    return " or ".join(names.get(path, f"#{path}") for path in allowed)


def _row(choice: Choice, matched: Counter[str], names: Mapping[int, str]) -> Values:
    flow = choice.flow
    return {
        "name": flow.name,
        "action": "drop" if flow.drop else flow.action,
        "members": [names.get(bid, f"#{bid}") for bid in choice.members],
        "asleep": choice.asleep,
        "flows": matched[flow.name],
    }
