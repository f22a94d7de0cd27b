"""What a modem has told so far: one layer of facts for each command, and the sum of them.

An answer takes the place of that command's former one, so nothing outlives what it was read from; where two
commands tell of the same thing the later one in the family's order counts, unless it does not know.  Runs
unchanged on CPython and MicroPython.
"""

from modem.facts import merge
from modem.replies import name_of

_LISTS = ("contexts",)


class Knowledge:
    """Layers of facts in the order in which their commands were named."""

    def __init__(self) -> None:
        self._order: list[str] = []
        self._told: dict[str, dict[str, object]] = {}
        self._unasked: dict[str, object] = {}
        self._total: dict[str, object] | None = None

    def order(self, commands: "list[str]") -> None:
        """Commands from the least to the most trusted."""
        self._order += [command for command in commands if command not in self._order]

    def answer(self, command: str, facts: "dict[str, object]") -> None:
        """The whole of what `command` tells now; {} where it failed."""
        self.order([command])
        if self._told.get(command) == facts and not self._unasked:
            return
        self._total = None
        self._told[command] = facts
        for name in facts:
            self._unasked.pop(name, None)

    def unasked(self, line: str, facts: "dict[str, object]") -> None:
        """An unsolicited line: an answer of the command whose name it bears, or on top of all answers."""
        self._total = None
        name = name_of(line)
        for command in self._order:
            if command == name or command == name + "?":
                layer = dict(self._told.get(command, {}))
                if "registration" in facts:
                    layer = {}
                layer.update(facts)
                self._told[command] = layer
                return
        merge(self._unasked, facts)

    def facts(self) -> "dict[str, object]":
        """All layers as one; what nobody knows is None or missing."""
        if self._total is not None:
            return self._total
        total: dict[str, object] = {}
        for command in self._order:
            told = self._told.get(command)
            if told:
                merge(total, _without_gaps(told, total))
        if self._unasked:
            merge(total, _without_gaps(self._unasked, total))
        total.pop("domains", None)
        self._total = total
        return total


def _without_gaps(told: "dict[str, object]", known: "dict[str, object]") -> "dict[str, object]":
    """`told` without its Nones where something is known; registrations are whole and stay so."""
    if "domain" in told:
        return told
    return {
        name: value
        for name, value in told.items()
        if name in _LISTS or not (value is None or value == []) or known.get(name) is None
    }
