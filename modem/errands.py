"""What is to be sent to a modem, and for whom: somebody's commands first, then the dialogue's own.

Pure.  Runs unchanged on CPython and MicroPython.
"""

QUERY, SETUP, PIN, SESSION, USER, REPAIR = "query", "setup", "pin", "session", "user", "repair"

_MOST_COMMANDS = 64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.families import Query

    Answer = tuple[object, bool, str, list[str]]
    """Token, whether it went well, the final result, information lines."""


class Errand:
    """A command (without AT), its kind, seconds to wait, and who reads the answer."""

    __slots__ = ("asked", "command", "kind", "query", "timeout", "token")

    def __init__(
        self, kind: str, command: str, timeout: float, query: "Query | None" = None, token: object = None
    ) -> None:
        self.kind = kind
        self.command = command
        self.timeout = timeout
        self.query = query
        self.token = token
        self.asked = 0
        """How often it was asked again because its answer was in doubt."""


class Errands:
    """Those that wait, and the one under way."""

    def __init__(self) -> None:
        self._users: list[Errand] = []
        self._own: list[Errand] = []
        self._answers: list[Answer] = []
        self.current: Errand | None = None

    def clear(self) -> None:
        """Of the dialogue's own none is of use any more."""
        self._own = []

    def keep(self, kind: str) -> None:
        """Of the dialogue's own only these are of use."""
        self._own = [errand for errand in self._own if errand.kind == kind]

    def waiting(self) -> bool:
        """Whether any of the dialogue's own waits."""
        return bool(self._own)

    def has(self, *kinds: str) -> bool:
        return any(errand.kind in kinds for errand in self._own)

    def add(self, kind: str, command: str, timeout: float) -> None:
        self._own.append(Errand(kind, command, timeout))

    def add_first(self, errand: Errand) -> None:
        self._own.insert(0, errand)

    def ask(self, queries: "tuple[Query, ...]") -> None:
        for query in queries:
            self._own.append(Errand(QUERY, query.command, query.timeout, query))

    def again(self, errand: Errand) -> None:
        """Ask at once what was asked just now."""
        errand.asked += 1
        self.add_first(errand)

    def for_somebody(self, text: str, timeout: float, token: object) -> None:
        """Raises ValueError for line ends, what is no ASCII, and when too many wait."""
        if any(not 32 <= ord(sign) < 127 for sign in text):
            raise ValueError("AT command %r: printable ASCII only" % text)
        if len(self._users) >= _MOST_COMMANDS:
            raise ValueError("%d commands wait already" % len(self._users))
        self._users.append(Errand(USER, text, timeout, None, token))

    def next_for_somebody(self) -> "Errand | None":
        return self._users.pop(0) if self._users else None

    def next_own(self) -> "Errand | None":
        return self._own.pop(0) if self._own else None

    def answered(self, errand: Errand, ok: bool, result: str, lines: "list[str]") -> None:
        """Keep the answer for who wanted it."""
        self._answers.append((errand.token, ok, result, lines))

    def dismiss(self) -> None:
        """The modem is silent: nobody gets an answer."""
        for errand in self._users:
            self.answered(errand, False, "", [])
        self._users = []

    def take_answers(self) -> "list[Answer]":
        answers, self._answers = self._answers, []
        return answers
