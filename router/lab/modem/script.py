"""What happens to a modem, and when: lines of `SECONDS WORD [PARAMETERS]`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.lab.modem import network, sim

__all__ = ["HELP", "Event", "parse"]

HELP = """\
events are lines `SECONDS WORD [PARAMETERS]`, seconds since the start:
  urc TEXT            say a line unasked
  garbage N           send N random octets
  flood N RATE        N unsolicited lines, RATE a second
  hang S              deaf and dumb for S seconds; what it was told in the meantime is lost
  noise S P           for S seconds each octet is spoilt with probability P
  cut N               only N octets of what it says next
  reset [S]           gone from the bus, back after S seconds
  network WORD        home, roaming, denied, searching (a signal and no network) or none (no signal)
  sim WORD            ready, absent, failure, busy
  session down        the network ends the data session
"""


@dataclass(frozen=True)
class Event:
    """`time` in seconds since power-on."""

    time: float
    name: str
    text: str = ""

    @property
    def words(self) -> list[str]:
        return self.text.split()


def parse(lines: Iterable[str]) -> list[Event]:
    """Raises ValueError with the line that cannot be read and why."""
    events = []
    for line in lines:
        text = line.split("#")[0].strip()
        if text:
            events.append(_event(text))
    return events


def _event(text: str) -> Event:
    time, _, rest = text.partition(" ")
    name, _, parameters = rest.strip().partition(" ")
    event = Event(_number(text, time), name, parameters.strip())
    kinds = _KINDS.get(name)
    if kinds is None:
        raise ValueError(f"{text!r}: no event {name!r}; there are {', '.join(sorted(_KINDS))}")
    if name == "urc":
        return event
    if not _fits(event.words, kinds, optional=name == "reset"):
        raise ValueError(f"{text!r}: {name} takes {', '.join(str(kind) for kind in kinds)}")
    return event


def _number(text: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"{text!r}: {word!r} is no number of seconds") from None


def _fits(words: list[str], kinds: tuple[object, ...], optional: bool) -> bool:
    if len(words) != len(kinds):
        return optional and not words
    for word, kind in zip(words, kinds, strict=True):
        if isinstance(kind, tuple):
            if word not in kind:
                return False
        elif not word.replace(".", "", int(kind == "seconds")).isdecimal():
            return False
    return True


_KINDS: dict[str, tuple[object, ...]] = {
    "urc": (),
    "garbage": ("octets",),
    "flood": ("lines", "lines a second"),
    "hang": ("seconds",),
    "noise": ("seconds", "seconds"),
    "cut": ("octets",),
    "reset": ("seconds",),
    "network": (tuple(network.OUTCOMES),),
    "sim": (sim.STATES,),
    "session": (("down",),),
}
