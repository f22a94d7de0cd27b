"""`test uplink`: every step from the plug to the tunnel, how it went, and what that means.

Pure; runs unchanged on CPython and MicroPython.
"""

from router.diagnosis.judge import judge, of_uplink
from router.diagnosis.layout import wrapped
from router.diagnosis.words import FAULT

OK, FAIL, WARN, SKIP = "ok", "FAIL", "warn", "skip"

_STEPS = (
    ("modem", ("no_modem", "modem_silent", "modem_starting")),
    ("SIM", ("no_sim", "pin_needed", "pin_wrong", "puk_needed", "sim_fault")),
    ("network", ("radio_off", "no_signal", "searching", "registration_denied", "weak_signal")),
    ("APN", ("wrong_apn", "no_session")),
    ("link", ("no_device", "link_down", "no_carrier", "held", "barred")),
    ("address", ("no_address",)),
    ("gateway", ("no_gateway", "gateway_silent")),
    ("DNS", ()),
    ("home agent", ("home_agent_down", "no_way")),
    ("UDP 434", ("agent_refuses_port", "udp_blocked")),
    ("registration", ("wrong_key", "refused", "clock_mismatch", "registering", "unanswered", "waiting", "no_agent", "clock_off")),
    ("tunnel", ("path_silent", "flapping", "modules_missing", "plane")),
    ("MTU", ("mtu_black_hole",)),
    ("quality", ("lossy",)),
    ("throughput", ()),
)  # fmt: skip
_OF_MODEM = ("modem", "SIM", "network", "APN")

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]


def steps(row: "Facts", status: "Facts", probes: "Facts") -> "list[Facts]":
    """[{step, verdict, seconds, text, meaning, next}] in order; `meaning` and `next` None where all is well.

    `row` is the uplink's of `status`.  `probes` is what was tried now: {reach: see the daemon's, or None,
    dns: {server, ms or None} or None, renewed: whether the home agent answered, or None, tunnel: ms or None,
    throughput: kbit/s or None, where it was asked for,
    seconds: {step: how long it took}}.
    """
    found = _findings(row, status, probes)
    worst = [item for item in found if item["level"] == FAULT]
    result: list[Facts] = []
    ended = False
    for name, codes in _STEPS:
        if (name in _OF_MODEM and row.get("kind") != "cellular") or (
            name == "throughput" and name not in probes
        ):
            continue
        mine = [item for item in found if item["code"] in codes]
        if ended:
            result.append(_step(name, SKIP, "not reached", probes))
        elif mine:
            verdict = FAIL if mine[0] in worst else WARN
            result.append(_step(name, verdict, str(mine[0]["verdict"]), probes, mine[0]))
            ended = verdict == FAIL
        else:
            result.append(_well(name, row, status, probes))
    return result


def as_text(name: str, rows: "list[Facts]", width: int = 80) -> str:
    """One line a step; below what is not well, what it means and what to try."""
    lines = ["uplink %s" % name]
    for row in rows:
        took = row["seconds"]
        seconds = "%5.1f s" % took if isinstance(took, float) else "       "
        lines += wrapped("%-4s  %-12s %s  " % (row["verdict"], row["step"], seconds), str(row["text"]), width)
        if row["meaning"]:
            lines += wrapped("      ", str(row["meaning"]), width) + wrapped(
                "      try: ", str(row["next"]), width
            )
    return "\n".join(lines) + "\n"


def _findings(row: "Facts", status: "Facts", probes: "Facts") -> "list[Facts]":
    """As the summary has them, but by what was tried now."""
    now = dict(row)
    if probes.get("reach") is not None:
        now["reach"] = probes["reach"]
    if row.get("registration") == "registered":
        if probes.get("renewed") is False:
            now["registration"] = "no reply"
        elif "tunnel" in probes:
            path = row.get("path")
            now["path"] = dict(
                path if isinstance(path, dict) else {}, liveness="down" if probes["tunnel"] is None else "up"
            )
    return of_uplink(now, status) + [item for item in judge(status) if item["uplink"] is None]


def _step(name: str, verdict: str, text: str, probes: "Facts", item: "Facts | None" = None) -> "Facts":
    seconds = probes.get("seconds")
    return {
        "step": name,
        "verdict": verdict,
        "seconds": seconds.get(name) if isinstance(seconds, dict) else None,
        "text": text,
        "meaning": item["meaning"] if item is not None else None,
        "next": item["next"] if item is not None else None,
    }


def _well(name: str, row: "Facts", status: "Facts", probes: "Facts") -> "Facts":
    text = _WORDS[name](row, status, probes)
    if text is None:
        return _step(name, SKIP, "not tried", probes)
    if name == "DNS" and text.endswith("no answer"):
        item: Facts = {
            "meaning": "names are not resolved by this uplink; roamd itself needs none",
            "next": "check the name servers of the network",
        }
        return _step(name, WARN, text, probes, item)
    return _step(name, OK, text, probes)


def _modem(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    modem = _facts(row.get("modem"))
    words = [modem.get("manufacturer"), modem.get("model"), modem.get("revision")]
    return " ".join([str(word) for word in words if word]) or (
        "not watched by AT commands" if not modem else "answers"
    )


def _sim(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    sim = _facts(row.get("modem")).get("sim")
    return None if sim is None else str(sim).lower()


def _network(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    modem = _facts(row.get("modem"))
    words = [modem.get("operator"), modem.get("technology"), modem.get("band")]
    for what in ("rsrp", "rscp", "rssi"):
        if modem.get(what) is not None:
            words.append("%s %s dBm" % (what.upper(), modem[what]))
            break
    return " ".join([str(word) for word in words if word]) or None


def _apn(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    session = _facts(row.get("modem")).get("session")
    return None if session is None else str(session)


def _link(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    return str(row.get("device"))


def _address(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    return str(row["address"]) if row.get("address") else None


def _gateway(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    if not row.get("gateway"):
        return "none needed"
    reach = _facts(probes.get("reach"))
    answer = reach.get("gateway")
    said = "%s ms" % answer if answer is not None else "ARP only" if reach.get("neighbour") else "no echo"
    return "%s, %s" % (row["gateway"], said)


def _dns(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    dns = _facts(probes.get("dns"))
    if not dns:
        return None
    return "%s, %s" % (dns["server"], "no answer" if dns["ms"] is None else "%s ms" % dns["ms"])


def _home_agent(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    answer = _facts(probes.get("reach")).get("home_agent")
    return "%s, %s" % (status.get("home_agent"), "no echo" if answer is None else "%s ms" % answer)


def _port(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    return "answers" if probes.get("renewed") else None


def _registration(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    trip = row.get("answered")
    return str(row.get("registration")) + ("" if trip is None else ", %s ms" % trip)


def _tunnel(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    trip = probes.get("tunnel")
    return None if trip is None else "%s ms" % trip


def _mtu(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    return None if row.get("path_mtu") is None else str(row["path_mtu"])


def _quality(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    path = _facts(row.get("path"))
    if not path:
        return None
    loss = path.get("loss")
    lost = round(100 * loss) if isinstance(loss, (int, float)) else 0
    return "%d %% loss, about %s kbit/s down, %s up" % (lost, path.get("down"), path.get("up"))


def _throughput(row: "Facts", status: "Facts", probes: "Facts") -> "str | None":
    rate = probes.get("throughput")
    return "too few echoes came back" if rate is None else "about %s kbit/s in the thinner direction" % rate


_WORDS = {
    "throughput": _throughput, "modem": _modem, "SIM": _sim, "network": _network, "APN": _apn, "link": _link, "address": _address,
    "gateway": _gateway, "DNS": _dns, "home agent": _home_agent, "UDP 434": _port, "registration": _registration,
    "tunnel": _tunnel, "MTU": _mtu, "quality": _quality,
}  # fmt: skip


def _facts(value: object) -> "Facts":
    return value if isinstance(value, dict) else {}
