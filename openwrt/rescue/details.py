"""All that was found out, as text for a terminal of 80 columns.  Pure."""

from router.diagnosis.layout import wrapped
from router.diagnosis.summary import as_text

_WIDTH = 80
_INDENT = 16
_SIGNALS = (("rsrp", "dBm"), ("rscp", "dBm"), ("rssi", "dBm"), ("rsrq", "dB"), ("ecio", "dB"), ("sinr", "dB"))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Facts = dict[str, Any]


def look(facts: "Facts", routes: bool = False, brief: bool = False) -> str:
    """The summary, and what it rests on, unless it is to be `brief`: modems, links and ways; `routes` adds the routing
    tables."""
    summary = as_text(facts["summary"], _WIDTH)
    lines = [""]
    for text in facts["failed"]:
        lines += _row("NOT LOOKED AT", text)
    if brief:
        return summary + "".join([line + "\n" for line in lines[1:]])
    for modem in facts["modems"]:
        lines += _modem(modem)
    for link in facts["links"]:
        lines += _row("link " + link["name"], _link(link))
    for path in facts["paths"]:
        lines += _row("way " + path["device"], _path(path))
    for route in facts["routes"] if routes else ():
        lines += _row("route", _route(route))
    return summary + "\n".join(lines) + "\n"


def _row(what: str, text: str) -> "list[str]":
    return wrapped(what + " " * (_INDENT - len(what)), text, _WIDTH)


def _modem(modem: "Facts") -> "list[str]":
    name = _joined((modem.get("manufacturer"), modem.get("model"))) or "not asked"
    words = [name, modem.get("imei") and "IMEI " + modem["imei"], modem.get("port"), modem.get("why")]
    lines = _row("modem " + modem["device"], _joined(words, ", "))
    if not modem.get("model") and not modem.get("sim"):
        return lines
    lines += _row("  sim", _joined((modem.get("sim") or "unknown", modem.get("iccid")), ", "))
    radio = _joined((modem.get("technology"), modem.get("band")))
    state = modem.get("registration") or modem["state"]
    words = [state, "roaming" if modem.get("roaming") else None, modem.get("operator") or modem.get("plmn")]
    lines += _row("  network", _joined(words + [radio], ", "))
    heard = [
        "%s %s %s" % (key.upper(), modem[key], unit) for key, unit in _SIGNALS if modem.get(key) is not None
    ]
    lines += _row("  signal", ", ".join(heard) or "unknown")
    lines += _row("  session", "%s: %s" % (modem["apn"] or "no APN", modem.get("address") or "no address"))
    return lines


def _link(link: "Facts") -> str:
    state = "off" if not link["up"] else "up" if link["carrier"] else "no carrier"
    return _joined([state] + link["addresses"] + ["mtu %d" % link["mtu"]], ", ")


def _path(path: "Facts") -> str:
    words = ["gateway " + path["gateway"] if path["gateway"] else "no gateway", path["error"]]
    if path["would"]:
        words.append(
            "would send to %s, UDP port 434, from %s: %s" % (path["agent"], path["address"], path["would"])
        )
    if path["tried"]:
        echo = path["echo"]
        words.append("home agent %s: " % path["agent"] + ("no echo" if echo is None else "echo %d ms" % echo))
        words.append(_answer(path))
        if path["path_mtu"]:
            words.append("packets of %d octets" % path["path_mtu"])
    return _joined(words, ", ")


def _answer(path: "Facts") -> str:
    answer = path["answer"]
    if answer is None:
        return "no reply"
    if not answer["authentic"]:
        return "registration answered with another key"
    good = answer["code"] == path["wanted"]
    return "registration %s in %d ms" % ("answered" if good else "denied", answer["ms"])


def _route(route: "Facts") -> str:
    words = [
        route["to"],
        route["gateway"] and "via " + route["gateway"],
        route["device"] and "dev " + route["device"],
    ]
    return _joined(words + ["metric %d table %d" % (route["metric"], route["table"])])


def _joined(words: "Any", sign: str = " ") -> str:
    return sign.join([word for word in words if word])
