"""What makes a modem that product and no other: a table of its words.

Answers are templates over the *view* (`router.lab.modem.view`): `{rsrp}`, `{ci}`, `{address}`, ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Answer", "Personality", "Session", "away", "said"]


_WORDS = {"GSM": "GSM", "UTRAN": "UTRAN", "LTE": "E-UTRAN", "ENDC": "EN-DC", "NR": "NR"}


@dataclass(frozen=True)
class Answer:
    """`lines` while registered; `idle` before, None for the same, a number for +CME ERROR.

    `sim` says that the card must be ready; `after` are lines that follow the final result; `by` has other lines for
    other technologies; with `session` there are lines only while a data session is.
    """

    lines: tuple[str, ...]
    idle: tuple[str, ...] | int | None = None
    sim: bool = False
    after: tuple[str, ...] = ()
    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    session: bool = False


def said(*lines: str, sim: bool = False, after: tuple[str, ...] = ()) -> Answer:
    """The same lines in any state."""
    return Answer(lines, sim=sim, after=after)


def away(*lines: str, idle: tuple[str, ...] | int = (), **by: tuple[str, ...]) -> Answer:
    """Lines that need a network, what is said without one, and `NR=`, `LTE=` lines for another technology."""
    return Answer(lines, idle, by={_WORDS[word]: other for word, other in by.items()})


@dataclass(frozen=True)
class Session:
    """A vendor's command that connects the network device.

    `on` is the place of the parameter that says what to do, `values` those that connect (all others end it); None:
    the command always connects.  `context` is the place of the context's number, None: always the default one.
    `answer` is a line of the answer, `up` and `down` are said unasked; all are templates.
    """

    on: int | None
    context: int | None = None
    values: tuple[int, ...] = (1, 3)
    answer: str | None = None
    up: str | None = None
    down: str | None = None


@dataclass(frozen=True)
class Personality:
    """One product.  Keys of the tables are commands without `AT`, in capitals, spaces in strings only."""

    name: str
    family: str
    manufacturer: str
    model: str
    revision: str
    usb: tuple[int, int]
    """Vendor and product id."""
    answers: Mapping[str, Answer]
    cell: Mapping[str, float | int | str] = field(default_factory=dict)
    """Of the view, where it differs from the usual LTE cell."""
    technology: str = "E-UTRAN"
    context: tuple[int, str] = (1, "IP")
    """Number and type of the context that comes with the registration."""
    imei: str = "861075023456789"
    sessions: Mapping[str, Session] = field(default_factory=dict)
    resets: frozenset[str] = frozenset()
    """Commands that start the modem anew (beside +CFUN=1,1)."""
    accepted: frozenset[str] = frozenset()
    """Names of commands that are taken with any parameters and do nothing seen."""
    absent: frozenset[str] = frozenset({"+C5GREG", "+C5GQOSRDP"})
    """Names of standard commands that it lacks."""
    boot: tuple[str, ...] = ()
    """Said after power-on."""
    chatter: tuple[str, ...] = ()
    """Said unasked now and then, once registered."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long the slow commands take, by name."""
    named: bool = False
    """+CGMI, +CGMM and +CGMR answer with their name and quotes."""
    spaced: bool = False
    """A blank line before each line of an answer."""
    comma: str = ","
    """Between the parameters of +CGACT."""
    detail: int = 0
    """+CMEE at power-on."""
    unknown: int | None = None
    """What a command that does not exist gets: None ERROR, or a +CME ERROR."""
    errors: Mapping[int, str] = field(default_factory=dict)
    """The product's own words with +CMEE=2."""
    addresses: str = "27.007"
    """How +CGPADDR shows an IPv6 address: `27.007` (16 decimal octets), `colons`, or `words` (IPV4:... IPV6:...)."""
