"""The data session by AT commands: defined, activated, watched, restored, taken down (TS 27.007 10.1).

Pure: it says which command is next, is told the answers, and gives effects for who owns the network device:

    ("configure", {"cid", "by", "address", "prefix_length", "gateway", "mtu", "dns"})
    ("deconfigure",)

What the network has not told is None.  `by` says how the device comes to its address: "static", this one; "dhcp",
the modem serves it, and `address` is the modem's own in the network.  A network that refuses is asked with
back-off, and never taken for a modem's fault, unless the same settings have worked before.  Runs unchanged on
CPython and MicroPython.
"""

from modem.network import activity, addresses, parameters
from modem.replies import quote

WAITING, SETTING, ADDRESSING, UP, HOLDING, OFF = (
    "waiting for the network", "connecting", "waiting for an address", "up", "failed", "off"
)  # fmt: skip

_BACK_OFF = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_ADDRESS_EVERY, _ADDRESS_FOR = 1.0, 30.0
_WATCH_EVERY = 10.0
_MISSES = 2
_FAULT_AFTER = 4
_AUTH = {"pap": 1, "chap": 2}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.families import Family, Query


class Session:
    """One context of one modem.  `settings`: {"cid", "apn", "auth", "username", "password", "addressing"}; the last
    is "static" or "dhcp", and otherwise as the family has it."""

    def __init__(self, settings: "dict[str, object]", now: float = 0.0) -> None:
        """Raises ValueError for text that cannot stand in a command."""
        cid = settings.get("cid")
        self.cid = cid if isinstance(cid, int) else 1
        self._apn = _word(settings, "apn")
        self._user, self._password = _word(settings, "username"), _word(settings, "password")
        self._auth = _AUTH.get(str(settings.get("auth")), 0)
        addressing = settings.get("addressing")
        self._addressing = str(addressing) if addressing in ("static", "dhcp") else ""
        self._definition = _definition(self.cid, self._apn, self._auth, self._user, self._password)
        self._by = "static"
        self._question: Query | None = None
        self._effects: list[tuple[object, ...]] = []
        self._configured: dict[str, object] | None = None
        self._good = False
        self._worked = False
        self.begin(now)

    def begin(self, now: float) -> None:
        """The modem is new, or has started anew: whatever stood, stands no more."""
        self._drop()
        self.state = WAITING
        self.reason: str | None = None
        self._commands: list[tuple[str, float, bool]] = []
        self._due: float | None = now
        self._since = now
        self._failures = self._misses = 0
        self._active: bool | None = None
        self._doubt: str | None = None
        self._under_way = False
        self._found: dict[str, object] = {}

    def describe(self) -> str:
        """For people."""
        return "%s: %s" % (self.state, self.reason) if self.reason else self.state

    def faulty(self) -> bool:
        """Whether the modem is to blame: what has worked before fails again and again."""
        return self._worked and self._failures >= _FAULT_AFTER

    def take_effects(self) -> "list[tuple[object, ...]]":
        effects, self._effects = self._effects, []
        return effects

    def next_wake(self) -> "float | None":
        return self._due

    def network(self, facts: "dict[str, object]", now: float) -> None:
        """Registration and SIM, as they are now."""
        good = facts.get("registration") == "registered" and facts.get("sim") in ("READY", None)
        if good and self.state == WAITING and self._due is None:
            self._due = now
        self._good = good

    def next_command(self, family: "Family", now: float) -> "tuple[str, float] | None":
        """(command, seconds to wait) to send now, or None; the answer goes to `answered`."""
        if self._commands:
            command, timeout, _ = self._commands[0]
            self._under_way = True
            return command, timeout
        if self._due is None or now < self._due:
            return None
        if self.state in (WAITING, HOLDING):
            self._connect(family, now)
        elif self.state == ADDRESSING:
            self._ask(("+CGPADDR=%d", 5.0), ("+CGCONTRDP=%d", 5.0))
        elif self.state == UP:
            question = self._question
            own = ((question.command, question.timeout),) if question is not None else ()
            self._ask(*own, ("+CGACT?", 5.0), ("+CGPADDR=%d", 5.0))
        else:
            self._due = None
        return self.next_command(family, now) if self._commands else None

    def answered(self, ok: bool, lines: "list[str]", result: str, now: float) -> None:
        """The answer to the command that `next_command` gave; `ok` False and `result` "" for none."""
        if not self._commands:
            return
        command, _, must = self._commands.pop(0)
        self._under_way = False
        if self.state == SETTING and not ok and must:
            self._refused(command, "%s: %s" % (_public(command), result or "no answer"), now)
            return
        self._read(command, ok, lines)
        if self._doubt is not None:
            why, self._doubt = self._doubt, None
            if self._active is not True:
                self._fail(why, now)
                return
        if self._commands:
            return
        if self.state == SETTING:
            self.state, self._since, self._due = ADDRESSING, now, now
        elif self.state == ADDRESSING:
            self._addressed(now)
        elif self.state == UP:
            self._watched(ok, now)

    def unsolicited(self, line: str, now: float) -> None:
        """+CGEV tells of contexts that the network or the modem has ended (TS 27.007 10.1.19)."""
        if line.startswith("+CGEV:") and ("DEACT" in line or "DETACH" in line) and self.state == UP:
            self._due = now

    def stop(self, family: "Family", now: float) -> None:
        """Take it down, for good."""
        self._drop()
        stood = self.state in (SETTING, ADDRESSING, UP)
        self.state, self.reason, self._due = OFF, None, None
        commands = family.disconnect(self.cid) or _plain_end(self.cid) if stood else ()
        # The answer to one that is under way comes first.
        sent = [(command, timeout, False) for command, timeout, _ in self._commands[: int(self._under_way)]]
        self._commands = sent + [(command, timeout, False) for command, timeout in commands]
        self._doubt = None

    def idle(self) -> bool:
        return not self._commands

    def _connect(self, family: "Family", now: float) -> None:
        if not self._good:
            self.state, self._due = WAITING, None
            return
        own = family.connect(self.cid, self._apn or "", self._user, self._password)
        self._by = self._addressing or (family.addressing if own else "static")
        self._question = family.connected if own and family.connected is not None else None
        if self._question is not None and self._question.command == "+CGACT?":
            # Asked anyhow.
            self._question = None
        commands = [(command, timeout, True) for command, timeout in self._definition]
        commands.append(("+CGATT=1", 140.0, True))
        if own:
            commands += [(command, timeout, True) for command, timeout in own]
        else:
            commands.append(("+CGACT=1,%d" % self.cid, 150.0, True))
        self.state, self._commands, self._found = SETTING, commands, {}
        self._active = None

    def _ask(self, *queries: "tuple[str, float]") -> None:
        self._active = None
        self._commands = [(text % self.cid if "%" in text else text, wait, False) for text, wait in queries]
        self._found = {}

    def _refused(self, command: str, why: str, now: float) -> None:
        """Many modems refuse to connect what stands already: then their own question tells."""
        question = self._question
        if question is None or self._commands or self._doubt is not None:
            self._fail(why, now)
            return
        self._doubt = why
        self._commands = [(question.command, question.timeout, False)]

    def _read(self, command: str, ok: bool, lines: "list[str]") -> None:
        question = self._question
        if not ok:
            return
        if question is not None and command == question.command:
            told = question.parser(lines).get("contexts")
            listed = told if isinstance(told, list) else []
            ours = [context for context in listed if context.get("cid") == self.cid] or listed
            self._active = any(context.get("active") for context in ours) if ours else None
            return
        for begin, reader in (("+CGPADDR", addresses), ("+CGCONTRDP", parameters), ("+CGACT?", activity)):
            contexts = reader(lines).get("contexts") if command.startswith(begin) else None
            for context in contexts if isinstance(contexts, list) else ():
                if context.get("cid") == self.cid:
                    for name, value in context.items():
                        if value is not None and value != []:
                            self._found[name] = value

    def _addressed(self, now: float) -> None:
        address = self._found.get("address")
        if isinstance(address, str) and "." in address:
            self.state, self.reason = UP, None
            self._worked = True
            self._failures = self._misses = 0
            self._due = now + _WATCH_EVERY
            self._configure()
        elif now - self._since >= _ADDRESS_FOR:
            self._fail("no address: is the APN right?", now)
        else:
            self._due = now + _ADDRESS_EVERY

    def _configure(self) -> None:
        names = ("address", "prefix_length", "gateway", "mtu", "dns")
        wanted = {name: self._found.get(name) for name in names}
        wanted["cid"], wanted["by"] = self.cid, self._by
        if wanted != self._configured:
            self._configured = wanted
            self._effects.append(("configure", dict(wanted)))

    def _watched(self, ok: bool, now: float) -> None:
        """Gone is what the modem says is gone; silence is the watchdog's."""
        address = self._found.get("address")
        ended = self._found.get("active") is False or self._active is False
        before = self._configured.get("address") if self._configured else None
        self._due = now + _WATCH_EVERY
        if not ok:
            return
        if address is None or ended:
            self._misses += 1
            self._due = now + _ADDRESS_EVERY
            if self._misses >= _MISSES or ended:
                self._fail("the network ended it", now)
        elif address != before:
            self.state, self._since, self._due = ADDRESSING, now, now
        else:
            self._misses = 0

    def _fail(self, why: str, now: float) -> None:
        self._drop()
        self._commands = []
        self.state, self.reason = HOLDING, why
        self._due = now + _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1

    def _drop(self) -> None:
        if self._configured is not None:
            self._configured = None
            self._effects.append(("deconfigure",))


def _word(settings: "dict[str, object]", name: str) -> "str | None":
    value = settings.get(name)
    if not isinstance(value, str) or not value:
        return None
    quote(value)
    return value


def _definition(
    cid: int, apn: "str | None", auth: int, user: "str | None", password: "str | None"
) -> "list[tuple[str, float]]":
    """Without an APN the context stays as the modem has it."""
    commands = []
    if apn is not None:
        commands.append(('+CGDCONT=%d,"IP",%s' % (cid, quote(apn)), 5.0))
    if auth:
        words = "%s,%s" % (quote(user or ""), quote(password or ""))
        commands.append(("+CGAUTH=%d,%d,%s" % (cid, auth, words), 5.0))
    return commands


def _plain_end(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+CGACT=0,%d" % cid, 30.0),)


def _public(command: str) -> str:
    """The command without what it was given: a password may be among it."""
    return command.split("=")[0]
