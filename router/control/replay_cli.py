"""`roamctl simulate --replay FILE`: what a daemon decided, decided anew."""

from __future__ import annotations

import json
from dataclasses import asdict

from router.control.client import ControlError
from router.control.session import Session
from router.sim.replay import Replay, replay

__all__ = ["show_replay"]

_SHOWN = 20


def show_replay(name: str, session: Session, *, as_json: bool) -> int:
    """Show what came out; 0 if all was the same, 1 if not."""
    try:
        with open(name, encoding="ascii", errors="replace") as file:
            found = replay(file)
    except OSError as error:
        raise ControlError(f"{name}: {error.strerror}") from None
    if not found.looks:
        reason = f" ({found.damaged[0]})" if found.damaged else ""
        raise ControlError(f"{name}: no look in it{reason}; expected what option record of roamd wrote")
    session.write((json.dumps(asdict(found), indent=2) if as_json else _text(found)) + "\n")
    return 1 if found.differences else 0


def _text(found: Replay) -> str:
    lines = [
        f"{found.looks} looks in {found.seconds:.1f} s, {found.heard} events of paths: {found.decisions} decisions,"
        f" {found.moves} moves, {len(found.differences)} otherwise than recorded"
    ]
    if found.untold:
        lines.append(f"{found.untold} events were of paths whose beginning is not in the file: not compared")
    for one in found.differences[:_SHOWN]:
        lines += [
            f"line {one.line}, at {one.at:.3f} s, {one.what}",
            f"  recorded  {one.recorded}",
            f"  replayed  {one.replayed}",
        ]
    if len(found.differences) > _SHOWN:
        lines.append(f"... and {len(found.differences) - _SHOWN} more (--json shows all)")
    lines += [f"not read: {text}" for text in found.damaged[:_SHOWN]]
    return "\n".join(lines)
