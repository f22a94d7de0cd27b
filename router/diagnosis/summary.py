"""One screen: what works, what does not, and the next thing to try.

Pure; runs unchanged on CPython and MicroPython.
"""

from router.diagnosis.judge import judge, span
from router.diagnosis.layout import wrapped
from router.diagnosis.words import FAULT, NOTE, WARNING

OK, DEGRADED, DOWN = "OK", "DEGRADED", "DOWN"
MOST_OCTETS = 1200
"""Of the text: two seconds of a line of 9600 baud hold 1,900."""
_MOST_LINES = 22
_CODE = {FAULT: "FAULT", WARNING: "warn", NOTE: "note"}
_GOOD = ("registered", "at home")

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]


def summary(status: "Facts", events: "list[Facts]") -> "Facts":
    """{verdict, text, head, uplinks: [{name, state, text, next}], findings, events}; `status` is the daemon's, `events`
    the last of its ring."""
    findings = judge(status)
    uplinks = [_uplink(row, findings) for row in _rows(status.get("uplinks"))]
    bad = [item["uplink"] for item in findings if item["level"] == FAULT and item["uplink"]]
    living = [row["name"] for row in uplinks if row["carries"] and row["name"] not in bad]
    verdict = OK
    if bad or any(item["level"] == WARNING for item in findings):
        verdict = DEGRADED
    if (uplinks and not living) or any(
        item["level"] == FAULT and item["uplink"] is None for item in findings
    ):
        verdict = DOWN
    text = (
        "%d of %d uplinks carry traffic" % (len(living), len(uplinks))
        if "uplinks" in status
        else _agent(status)
    )
    return {
        "verdict": verdict,
        "text": text,
        "head": _head(status),
        "uplinks": uplinks,
        "findings": findings,
        "events": events,
    }


def as_text(values: "Facts", width: int = 80) -> str:
    """For people; not more than MOST_OCTETS, and never more than a screen of 24 lines."""
    events = _rows(values.get("events"))
    lines: list[str] = []
    for count in (3, 2, 1, 0):
        lines = _lines(values, events[len(events) - count :] if count else [], width)
        if len(lines) <= _MOST_LINES and _octets(lines) <= MOST_OCTETS:
            break
    while len(lines) > _MOST_LINES or _octets(lines) > MOST_OCTETS:
        lines = lines[:-2] + ["..."]
    return "\n".join(lines) + "\n"


def _octets(lines: "list[str]") -> int:
    return sum([len(line.encode()) + 1 for line in lines])


def _lines(values: "Facts", events: "list[Facts]", width: int) -> "list[str]":
    lines = wrapped("", str(values["head"]), width)
    lines += wrapped("", "%s: %s" % (values["verdict"], values["text"]), width)
    uplinks = _rows(values.get("uplinks"))
    names = max([len(str(row["name"])) for row in uplinks] or [0])
    shown = set()
    for item in _rows(values.get("findings")):
        if item["uplink"] is None:
            lines += wrapped("%s: " % _CODE[str(item["level"])], str(item["verdict"]), width)
            lines += wrapped("  ", str(item["meaning"]), width)
            lines += wrapped("  try: ", str(item["next"]), width)
    for row in uplinks:
        head = "%s  %s  " % (_padded(str(row["name"]), names), _padded(str(row["state"]), 5))
        lines += wrapped(head, str(row["text"]), width)
        if row["next"] and row["next"] not in shown:
            lines += wrapped(" " * names + "  try: ", str(row["next"]), width)
            shown.add(row["next"])
    return lines + [("%s %s" % (event.get("clock") or "", event.get("text")))[:width] for event in events]


def _uplink(row: "Facts", findings: "list[Facts]") -> "Facts":
    name = row.get("name")
    mine = [item for item in findings if item["uplink"] == name]
    carries = row.get("registration") in _GOOD
    if not mine:
        words = (
            _figures(row)
            if carries
            else str(row.get("detail") or row.get("registration") or row.get("state"))
        )
        return {
            "name": name,
            "carries": carries,
            "state": "ok" if carries else "FAULT",
            "text": words,
            "next": None,
        }
    worst = mine[0]
    said = [str(worst["verdict"])] + ([_figures(row)] if carries else [])
    return {
        "name": name,
        "carries": carries and worst["level"] != FAULT,
        "state": _CODE[str(worst["level"])],
        "text": "; ".join([text for text in said if text]),
        "next": worst["next"],
    }


def _figures(row: "Facts") -> str:
    """`23 ms, 20/5 Mbit/s, Telekom E-UTRAN B7 RSRP -95`: down and up, as far as they are known."""
    path, modem, words = row.get("path"), row.get("modem"), []
    if isinstance(path, dict):
        rtt = path.get("rtt")
        if isinstance(rtt, (int, float)):
            words.append("%d ms" % round(rtt))
        words.append("%s/%s Mbit/s" % (_rate(path.get("down")), _rate(path.get("up"))))
    if isinstance(modem, dict):
        radio = [modem.get("operator"), modem.get("technology"), modem.get("band")]
        level = [(what, modem.get(what)) for what in ("rsrp", "rscp", "rssi") if modem.get(what) is not None][
            :1
        ]
        radio += ["%s %d" % (what.upper(), value) for what, value in level if isinstance(value, (int, float))]
        words.append(" ".join([str(word) for word in radio if word]))
    return ", ".join([word for word in words if word])


def _rate(kilobits: object) -> str:
    if not isinstance(kilobits, (int, float)):
        return "?"
    return "%.3g" % (kilobits / 1000)


def _head(status: "Facts") -> str:
    roles, up = status.get("role"), status.get("uptime")
    role = (
        " and ".join([str(role).replace("_", " ") for role in roles])
        if isinstance(roles, (list, tuple))
        else ""
    )
    words = ["roamd %s" % status.get("version"), role]
    if status.get("home_address"):
        words[1] = "%s %s at %s" % (role, status["home_address"], status.get("home_agent"))
    if isinstance(up, (int, float)):
        words.append("up %s" % span(up))
    if status.get("clock"):
        words.append(str(status["clock"]))
    return ", ".join([word for word in words if word])


def _agent(status: "Facts") -> str:
    bindings = _rows(status.get("bindings"))
    mobiles = {str(row.get("mobile")) for row in bindings}
    return "%d bindings of %d mobile nodes" % (len(bindings), len(mobiles))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - len(text))


def _rows(value: object) -> "list[Facts]":
    return [row for row in value if isinstance(row, dict)] if isinstance(value, (list, tuple)) else []
