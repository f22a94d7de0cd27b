"""From how things stand (`status` of the daemon) to what is wrong: the first cause of each uplink, never its
consequences.

Pure; runs unchanged on CPython and MicroPython.
"""

from router.diagnosis.modem import modem_fault, weak_signal
from router.diagnosis.words import FAULT, NOTE, WARNING, finding, without_commands

_LINK = {
    "no device": "no_device", "link down": "link_down", "no carrier": "no_carrier", "no address": "no_address",
    "no gateway": "no_gateway",
}  # fmt: skip
_OF_ALL = ("home_agent_down", "wrong_key", "agent_refuses_port", "refused", "clock_mismatch")
"""The same on every uplink, they are one finding."""
_CLOCK = 30.0
"""Seconds of difference that are worth a word."""
_SEVERITY = {FAULT: 0, WARNING: 1, NOTE: 2}

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]
    Finding = dict[str, object]


def judge(status: "Facts") -> "list[Finding]":
    """Findings, the worst first; none: all is well.

    Where `commands` of the status is False the advice names none of roamd's own.
    """
    rows, found = _rows(status.get("uplinks")), _of_router(status)
    for row in rows:
        found += of_uplink(row, status)
    if status.get("commands") is False:
        for item in found:
            item["next"] = without_commands(str(item["next"]))
    return sorted(_together(found, len(rows)), key=lambda item: _SEVERITY[str(item["level"])])


def of_uplink(row: "Facts", status: "Facts") -> "list[Finding]":
    """What is wrong with one uplink: one thing that keeps it from carrying, or what makes it carry badly."""
    name = str(row.get("name"))
    if row.get("registration") in ("registered", "at home"):
        return _registered(name, row, status)
    detail = str(row.get("detail") or "")
    if detail == "held down":
        return [finding("held", name)]
    modem = _facts(row.get("modem"))
    broken = modem_fault(name, modem) if modem else None
    if broken is not None and (broken["level"] == FAULT or row.get("state") != "usable"):
        return [broken]
    code = _LINK.get(str(row.get("state")))
    device = row.get("device") or "?"
    if code is not None and row.get("registration") != "discovering":
        return [finding(code, name, device=device)]
    return [_unregistered(name, row, status, detail)]


def _unregistered(name: str, row: "Facts", status: "Facts", detail: str) -> "Finding":
    state = row.get("registration")
    if state == "denied":
        return _denied(name, row, detail)
    if state in ("no reply", "registering"):
        return _unanswered(name, row, status)
    if state == "discovering":
        return finding("no_agent", name)
    if detail:
        return finding(
            "barred" if detail == "roaming" or detail.startswith("cap ") else "waiting", name, why=detail
        )
    return finding("registering", name)


def _denied(name: str, row: "Facts", detail: str) -> "Finding":
    code = row.get("code")
    if code == 133:
        return finding("clock_mismatch", name)
    if code in (131, 132):
        return finding("wrong_key", name, why=detail)
    return finding("refused", name, why=detail or "no reason", reply=code)


def _unanswered(name: str, row: "Facts", status: "Facts") -> "Finding":
    """By what else answers: the home agent to others, its host, the gateway."""
    # All uplinks have one key, and a home agent says now and then only that it is wrong.
    told = [row.get("disbelieved")] + [other.get("disbelieved") for other in _rows(status.get("uplinks"))]
    said, reach = [word for word in told if word], _facts(row.get("reach"))
    if said:
        return finding("wrong_key", name, why=said[0])
    if not reach:
        return finding("registering" if row.get("registration") == "registering" else "unanswered", name)
    lost = _lost(name, row, status)
    return lost if lost is not None else finding("udp_blocked", name, home_agent=status.get("home_agent"))


def _lost(name: str, row: "Facts", status: "Facts") -> "Finding | None":
    """Where the way to the home agent ends; None: its host answers echoes, or nobody has looked."""
    reach, home_agent = _facts(row.get("reach")), status.get("home_agent")
    if reach.get("refused"):
        return finding("agent_refuses_port", name, home_agent=home_agent)
    if not reach or reach.get("home_agent") is not None:
        return None
    if row.get("gateway") and reach.get("gateway") is None and not reach.get("neighbour"):
        return finding("gateway_silent", name, gateway=row.get("gateway"), device=row.get("device"))
    others = any(_lives(other) for other in _rows(status.get("uplinks")) if other.get("name") != name)
    return finding("no_way" if others else "home_agent_down", name, home_agent=home_agent)


def _lives(row: "Facts") -> bool:
    return row.get("registration") == "registered" and _facts(row.get("path")).get("liveness") != "down"


def _registered(name: str, row: "Facts", status: "Facts") -> "list[Finding]":
    path, found = _facts(row.get("path")), []
    if path:
        from router.diagnosis.running import of_path

        if path.get("liveness") == "down" and not path.get("suppressed"):
            return [_lost(name, row, status) or finding("path_silent", name)]
        found = of_path(name, path)
    mtu, path_mtu = row.get("mtu"), row.get("path_mtu")
    if isinstance(mtu, int) and isinstance(path_mtu, int) and path_mtu < mtu and not row.get("mtu_given"):
        found.append(finding("mtu_black_hole", name, path_mtu=path_mtu, mtu=mtu))
    weak = weak_signal(name, _facts(row.get("modem")))
    return found + [weak] if weak is not None else found


def _of_router(status: "Facts") -> "list[Finding]":
    found = []
    problems = _rows(status.get("config_problem"))
    if problems:
        found.append(finding("config", why=problems[0].get("text")))
    if "problem" in status:
        from router.diagnosis.running import of_machine

        found += of_machine(status)
    lacking = status.get("lacking")
    if isinstance(lacking, (list, tuple)) and lacking:
        found.append(finding("modules_missing", why=" ".join([str(item) for item in lacking])))
    offset = status.get("clock_offset")
    if (
        isinstance(offset, (int, float))
        and abs(offset) >= _CLOCK
        and "clock_unset" not in [item["code"] for item in found]
    ):
        side = "behind" if offset > 0 else "ahead of"
        found.append(finding("clock_off", why="%s %s" % (span(abs(offset)), side)))
    return found


def span(seconds: float) -> str:
    """`45 s`, `3 min`, `1 h`, `2 days`."""
    for size, word in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 0.99 * size:
            count = round(seconds / size)
            return "%d %s" % (count, "day" if word == "days" and count == 1 else word)
    return "%d s" % seconds


def _together(found: "list[Finding]", count: int) -> "list[Finding]":
    """What is the same with every uplink is said once, of none."""
    result = []
    for item in found:
        same = [other for other in found if other["code"] == item["code"]]
        if item["code"] in _OF_ALL and count > 1 and len(same) == count:
            if item is same[0]:
                whole = dict(item)
                whole["uplink"] = None
                result.append(whole)
        else:
            result.append(item)
    return result


def _rows(value: object) -> "list[Facts]":
    return [row for row in value if isinstance(row, dict)] if isinstance(value, (list, tuple)) else []


def _facts(value: object) -> "Facts":
    return value if isinstance(value, dict) else {}
