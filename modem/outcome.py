"""What a modem's refusals and facts mean: when to ask again, and what to say to people.

Pure.  Runs unchanged on CPython and MicroPython.
"""

_AGAIN_FIRST, _AGAIN_MAX = 60.0, 3600.0


class Refusals:
    """Commands that a modem does not know are not asked again and again.

    An ERROR does not say whether it is for ever: each one doubles the time to the next attempt, and a SIM or a
    network that has changed makes all worth a new one.
    """

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}

    def may(self, command: str, now: float) -> bool:
        found = self._until.get(command)
        return found is None or now >= found[0]

    def answered(self, command: str, ok: bool, now: float) -> None:
        if ok:
            self._until.pop(command, None)
            return
        found = self._until.get(command)
        pause = min(_AGAIN_MAX, found[1] * 2) if found is not None else _AGAIN_FIRST
        self._until[command] = (now + pause, pause)

    def forget(self) -> None:
        """Something has changed: all may be asked, those refused often are still refused quickly."""
        self._until = {command: (0.0, pause) for command, (_, pause) in self._until.items()}


def describe(facts: "dict[str, object]", pin: "str | None" = None) -> str:
    """The state in few words: the first thing that keeps the modem from carrying anything."""
    sim = facts.get("sim")
    if isinstance(sim, str) and sim != "READY":
        text = "sim: %s" % sim.lower()
        return "%s (%s)" % (text, pin) if pin and sim == "SIM PIN" else text
    if facts.get("functionality") in (0, 4, 7):
        return "radio off"
    registration = facts.get("registration")
    return registration if isinstance(registration, str) else "opening"


def address_of(facts: "dict[str, object]", cid: object) -> "str | None":
    """The IPv4 address of the context `cid`, or of the first that has one."""
    listed = facts.get("contexts")
    contexts = (
        [context for context in listed if context.get("active") is not False]
        if isinstance(listed, list)
        else []
    )
    contexts.sort(key=lambda context: context.get("cid") != cid)
    for context in contexts:
        address = context.get("address")
        if isinstance(address, str) and "." in address:
            return address
    return None
