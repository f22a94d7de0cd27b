"""What of a noisy line is believed: an answer that was heard before.

An octet spoilt on the way can leave a well-formed answer with another number in it, which no reader can tell.
So an answer that is not like the one believed is in doubt until the same command has brought its like AGREE
times in a row, and twice as often where it tells nothing, since there are many ways of spoiling it until then; asked
at once, that takes some milliseconds.  Like are answers that tell the same, where levels may differ by what a radio
changes between two questions, and in which the same stands but for the digits.  Runs unchanged on CPython and
MicroPython.
"""

AGREE = 4
"""Answers in a row that must be alike: the same octet spoilt alike four times is no accident of the line."""

# dB, dBm and degrees by which two answers may differ; a spoilt digit more than these apart is found out.
TOLERANCES = {
    "rssi": 6,
    "rsrp": 6,
    "rscp": 6,
    "rsrq": 4,
    "ecio": 4,
    "sinr": 8,
    "cqi": 4,
    "temperature": 5,
}
_GROWING = ("bytes_down", "bytes_up")


class Belief:
    """The answers believed and those in doubt, by command."""

    def __init__(self, agree: int = AGREE) -> None:
        self._agree = agree
        self._believed: dict[str, dict[str, object]] = {}
        self._doubted: dict[str, tuple[str, dict[str, object], int]] = {}

    def weigh(self, command: str, lines: "list[str]", told: "dict[str, object]") -> bool:
        """Whether what the answer's `lines` told of `command` is believed; if not, ask again."""
        believed = self._believed.get(command)
        if believed is None or not alike(believed, told):
            shape = _shape(lines)
            before, facts, count = self._doubted.get(command, ("", told, 0))
            count = count + 1 if before == shape and alike(facts, told) else 1
            if count < (self._agree if _tells(told) else 2 * self._agree):
                self._doubted[command] = (shape, told, count)
                return False
        self._doubted.pop(command, None)
        self._believed[command] = told
        return True

    def forget(self) -> None:
        """The modem may be another one."""
        self._believed = {}
        self._doubted = {}


def alike(one: "dict[str, object]", other: "dict[str, object]") -> bool:
    """Whether two answers to the same command tell the same, but for the noise of what is measured."""
    if len(one) != len(other):
        return False
    return all(name in other and _same(name, value, other[name]) for name, value in one.items())


def _tells(told: "dict[str, object]") -> bool:
    return any(value is not None and value != [] for value in told.values())


def _shape(lines: "list[str]") -> str:
    """The lines with every number made one 0."""
    result = last = ""
    for c in "\n".join(lines):
        c = "0" if "0" <= c <= "9" else c
        if c != "0" or last != "0":
            result += c
        last = c
    return result


def _same(name: str, one: object, other: object) -> bool:
    if one == other:
        return True
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return False
        for index in range(len(one)):
            first, second = one[index], other[index]
            both = isinstance(first, dict) and isinstance(second, dict)
            if not (alike(first, second) if both else first == second):
                return False
        return True
    if not isinstance(one, (int, float)) or not isinstance(other, (int, float)):
        return False
    if name in _GROWING:
        return other >= one
    tolerance = TOLERANCES.get(name)
    return tolerance is not None and abs(one - other) <= tolerance
