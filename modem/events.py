"""What comes out of the AT engine.

Runs unchanged on CPython and MicroPython.
"""


class QueueFull(Exception):
    """More commands are waiting than MAX_QUEUE."""


class Response:
    """The answer to `command`: its information lines, and the final result code.

    `truncated` says that lines beyond MAX_LINES or MAX_ANSWER were left out.
    """

    __slots__ = ("command", "lines", "ok", "result", "truncated")

    def __init__(
        self, command: str, lines: "list[str]", result: str, ok: bool, truncated: bool = False
    ) -> None:
        self.command = command
        self.lines = lines
        self.result = result
        self.ok = ok
        self.truncated = truncated

    def __repr__(self) -> str:
        return "Response(%r, %r, %r)" % (self.command, self.lines, self.result)


class Unsolicited:
    """A line nobody asked for."""

    __slots__ = ("line",)

    def __init__(self, line: str) -> None:
        self.line = line

    def __repr__(self) -> str:
        return "Unsolicited(%r)" % (self.line,)


class TimedOut:
    """No final result came in time, or the modem started anew; the engine resynchronises.

    A `command` of "" is a resynchronisation that got no answer.
    """

    __slots__ = ("command",)

    def __init__(self, command: str) -> None:
        self.command = command

    def __repr__(self) -> str:
        return "TimedOut(%r)" % (self.command,)


class Prompt:
    """The modem waits for data: `answer_prompt` or `abort_prompt` is due."""

    __slots__ = ("command",)

    def __init__(self, command: str) -> None:
        self.command = command

    def __repr__(self) -> str:
        return "Prompt(%r)" % (self.command,)


class Data:
    """Octets in data mode."""

    __slots__ = ("octets",)

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def __repr__(self) -> str:
        return "Data(%r)" % (self.octets,)


TYPE_CHECKING = False
if TYPE_CHECKING:
    Event = Response | Unsolicited | TimedOut | Prompt | Data
