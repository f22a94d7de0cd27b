"""What keeps a modem from carrying anything: the facts of `modem.facts` to a finding.

Pure; runs unchanged on CPython and MicroPython.
"""

from router.diagnosis.words import finding

_SIM = {"absent": "no_sim", "SIM PUK": "puk_needed", "SIM PUK2": "puk_needed"}
_NO_APN = ("27", "33", "134")
"""+CME ERROR of TS 27.007 9.2 and TS 24.008's cause: unknown APN, not subscribed, and what modems make of it."""
_WEAK = {"rsrp": -115, "rscp": -108, "rssi": -105}


def modem_fault(name: str, modem: "dict[str, object] | None") -> "dict[str, object] | None":
    """The first thing that is wrong between plug and data session; None: nothing, as far as the modem tells."""
    if modem is None:
        return None
    state, sim = str(modem.get("state") or ""), modem.get("sim")
    if state.startswith(("no ", "cannot ")) and state != "no answer":
        return finding("no_modem", name, why=state)
    if state == "no answer":
        return finding("modem_silent", name)
    if state.startswith("sim:"):
        return _sim_fault(name, state, sim)
    if state == "radio off":
        return finding("radio_off", name)
    if state == "denied":
        return finding("registration_denied", name)
    if state in ("searching", "idle", "unknown"):
        return finding("searching" if _is_heard(modem) else "no_signal", name)
    if state == "registered":
        return _session_fault(name, modem)
    return finding("modem_starting", name) if state in ("opening", "looking for the AT port") else None


def weak_signal(name: str, modem: "dict[str, object] | None") -> "dict[str, object] | None":
    """A note where the level is near the end."""
    for what, least in _WEAK.items():
        value = modem.get(what) if modem is not None else None
        if isinstance(value, (int, float)):
            return (
                finding("weak_signal", name, why="%s %d dBm" % (what.upper(), value))
                if value < least
                else None
            )
    return None


def _sim_fault(name: str, state: str, sim: object) -> "dict[str, object]":
    if sim == "SIM PIN":
        said = state[state.find("(") + 1 :].rstrip(")") if "(" in state else ""
        missing = said in ("", "option pin is missing")
        return finding("pin_needed", name) if missing else finding("pin_wrong", name, why=said)
    return finding(_SIM.get(str(sim), "sim_fault"), name, why=state[4:].strip())


def _is_heard(modem: "dict[str, object]") -> bool:
    return any(modem.get(what) is not None for what in ("rssi", "rsrp", "rscp"))


def _session_fault(name: str, modem: "dict[str, object]") -> "dict[str, object] | None":
    session = modem.get("session")
    if not isinstance(session, str) or session.startswith(("up", "off")):
        return None
    if not session.startswith("failed"):
        return finding("no_session", name, why=session)
    why = session[session.find(":") + 1 :].strip()
    code = why.split("+CME ERROR:")[-1].strip().lower() if "+CME ERROR:" in why else ""
    if code in _NO_APN or "apn" in why.lower() or "service option not" in code or "is the APN right" in why:
        return finding("wrong_apn", name, why=why, apn=_apn(modem))
    return finding("no_session", name, why=why)


def _apn(modem: "dict[str, object]") -> str:
    """` 'name'` of the first context that has one."""
    contexts = modem.get("contexts")
    listed = contexts if isinstance(contexts, (list, tuple)) else ()
    names = [context.get("apn") for context in listed if isinstance(context, dict) and context.get("apn")]
    return " '%s'" % names[0] if names else ""
