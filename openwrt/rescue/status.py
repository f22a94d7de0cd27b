"""What was found out, told as the daemon tells its status, so that the same judgements and words fit both.  Pure."""

from router.diagnosis.summary import DEGRADED, DOWN, OK, summary
from router.diagnosis.words import FAULT, finding

NOT_SET = 1735689600
"""2025-01-01: a clock before that has not been set since the start."""
_ANSWERS = ("reachable", "stale", "delay", "probe", "permanent", "noarp")
_CODES = {
    129: "administratively prohibited", 130: "no resources left", 133: "time stamp", 134: "poorly formed",
    136: "not this home agent's address", 143: "sent on to another home agent",
    152: "several care-of addresses not allowed",
}  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Facts = dict[str, Any]


def look(facts: "Facts") -> "Facts":
    """As `router.diagnosis.summary.summary`, of what `facts` (see `openwrt.rescue.__main__`) have."""
    uplinks = _uplinks(facts)
    values: Facts = summary(_status(facts, uplinks), [])
    more = _of_machine(facts)
    values["findings"] = more + values["findings"]
    if any(item["level"] == FAULT for item in more):
        values["verdict"] = DOWN
    elif more and values["verdict"] == OK:
        values["verdict"] = DEGRADED
    for row in values["uplinks"]:
        # Who was not tried waits for nothing that the daemon could show.
        if row["text"] == "not registered: not tried":
            row["text"], row["next"] = "not tried", None
    good = len([row for row in uplinks if row["registration"] == "registered"])
    values["text"] = "%d of %d uplinks lead to the home agent" % (good, len(uplinks))
    return values


def _status(facts: "Facts", uplinks: "list[Facts]") -> "Facts":
    config = facts["config"]
    problem = None
    if config["bad_lines"]:
        problem = "%s: line %s" % (config["file"], ", ".join([str(line) for line in config["bad_lines"][:8]]))
    offsets = [path["clock_off"] for path in facts["paths"] if path["clock_off"] is not None]
    return {
        "version": "%s rescue" % facts["version"],
        "role": ["roamd %s" % facts["roamd"]],
        "clock": facts["clock"],
        "home_agent": facts["paths"][0]["agent"] if facts["paths"] else None,
        "uplinks": uplinks,
        "lacking": [] if "kmod-tun" in facts["lacking"] else facts["lacking"],
        "commands": facts["roamd"] == "is running",
        "config_problem": [{"text": problem or config["error"]}] if problem or config["error"] else [],
        "clock_offset": max(offsets, key=abs) if offsets and facts["time"] >= NOT_SET else None,
    }


def _of_machine(facts: "Facts") -> "list[Facts]":
    """What only somebody finds out who is not the daemon."""
    found: list[Facts] = []
    if facts["time"] < NOT_SET:
        found.append(finding("clock_unset", why="nobody has told this router the time"))
    if facts["config"]["missing"]:
        found.append(finding("no_config", why=facts["config"]["file"]))
    if "kmod-tun" in facts["lacking"]:
        found.append(finding("no_tunnels", why=" ".join(facts["lacking"])))
    if facts["python"] == "broken":
        found.append(finding("python_broken"))
    for modem in facts["modems"]:
        if modem.get("owner"):
            found.append(finding("port_taken", why=modem["owner"]))
    return found


def _uplinks(facts: "Facts") -> "list[Facts]":
    """Those of the configuration; without any, the modems and the devices with a default route."""
    free = list(facts["modems"])
    rows = []
    for uplink in facts["config"]["uplinks"]:
        modem = _modem_of(uplink, free) if uplink["type"] == "cellular" else None
        if modem is not None:
            free.remove(modem)
        device = uplink["device"] or (modem["networks"][0] if modem and modem["networks"] else None)
        rows.append(_row(facts, uplink["name"] or "uplink", uplink["type"], device, modem))
    if not facts["config"]["uplinks"]:
        for modem in free:
            device = modem["networks"][0] if modem["networks"] else None
            rows.append(_row(facts, "modem " + modem["device"], "cellular", device, modem))
        known = [row["device"] for row in rows]
        for path in facts["paths"]:
            if path["device"] not in known:
                rows.append(_row(facts, path["device"], "", path["device"], None))
    return rows


def _modem_of(uplink: "Facts", free: "list[Facts]") -> "Facts | None":
    """The modem that the uplink names, or else the first one that it may mean."""
    for modem in free:
        named = {"usb": modem["device"], "imei": modem.get("imei"), "tty": "/dev/%s" % modem.get("port")}
        given = [name for name in named if uplink[name]]
        if all(uplink[name] == named[name] for name in given) and (
            given or not uplink["device"] or uplink["device"] in modem["networks"]
        ):
            return modem
    return None


def _row(facts: "Facts", name: str, kind: str, device: "str | None", modem: "Facts | None") -> "Facts":
    links = [link for link in facts["links"] if link["name"] == device]
    paths = [path for path in facts["paths"] if path["device"] == device]
    path = paths[0] if paths else None
    row: Facts = {
        "name": name,
        "kind": kind,
        "device": device,
        "state": _state(links, path),
        "registration": None,
    }
    row["gateway"] = path["gateway"] if path is not None else None
    if modem is not None:
        row["modem"] = _modem(modem)
    elif kind == "cellular" and not links:
        row["modem"] = {"state": "no such device on USB or PCI"}
    if path is not None:
        row.update(_registration(path))
    return row


def _state(links: "list[Facts]", path: "Facts | None") -> str:
    """In the words of `router.uplink.model.UplinkState`."""
    if not links:
        return "no device"
    if not links[0]["up"]:
        return "link down"
    if not links[0]["carrier"]:
        return "no carrier"
    if not links[0]["addresses"]:
        return "no address"
    return "usable" if path is not None else "no gateway"


def _modem(modem: "Facts") -> "Facts":
    facts = dict(modem)
    if modem.get("owner"):
        facts["state"] = "taken"
    elif not modem["port"]:
        facts["state"] = "no answer"
    elif modem.get("address") is None:
        facts["session"] = "failed: no address"
    return facts


def _registration(path: "Facts") -> "Facts":
    """registration, code, detail, reach, disbelieved of an uplink, by how its way answered."""
    answer = path["answer"]
    if not path["tried"]:
        return {"detail": path["error"] or "not tried"}
    if answer is None:
        reached = path["refused"]
        return {
            "registration": "no reply",
            "reach": {
                "refused": reached is not None and reached[0] == "port",
                "home_agent": path["echo"],
                "gateway": None,
                "neighbour": path["neighbour"] in _ANSWERS,
            },
        }
    code = answer["code"]
    if not answer["authentic"]:
        return {"registration": "no reply", "disbelieved": "its answer has another key"}
    if code == path["wanted"]:
        # What is larger than Ethernet's is not tried.
        return {"registration": "registered", "mtu": min(path["mtu"], 1500), "path_mtu": path["path_mtu"]}
    return {"registration": "denied", "code": code, "detail": _CODES.get(code, "code %d" % code)}
