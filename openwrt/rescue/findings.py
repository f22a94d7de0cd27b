"""What is wrong, what that means, and what to try next, from what was found out.  Pure.

`facts` is what `--json` prints: time (seconds since 1970), python, config, modems, links, routes, paths.
"""

NOT_SET = 1735689600
"""2025-01-01: a clock before that has not been set since the start."""
_WEAK_RSRP, _WEAK_RSSI = -115, -103

# Name: (what it means, what to try).
_WORDS = {
    "no configuration": ("roamd cannot start and nobody knows the home agent", "set the four options, see README"),
    "bad lines": ("roamd refuses the whole file", "mend these lines"),
    "bad option": ("roamd does not start", "set it as the home agent's operator says"),
    "clock not set": ("the home agent refuses the first request", "set it: date -s; then check sysntpd"),
    "python broken": ("roamd cannot run", "install the packages anew; /etc/config/roamd stays"),
    "no modem": (
        "no USB or PCI device has a modem's ports: unplugged, without power, or without a driver",
        "plug it in again; look at lsusb and dmesg; kmod-usb-serial-option, kmod-usb-net-qmi-wwan",
    ),
    "taken": ("two at one port would read each other's answers", "ask the owner (roamctl modem show), or use --force"),
    "no answer": ("no port answers AT: the modem hangs, or has no AT port", "take its power away for 10 s"),
    "no SIM": ("the card is missing, not seated, or in the other slot", "take the card out, clean it, put it in"),
    "PIN needed": ("the card waits for its PIN", "set option pin, or take the PIN off the card"),
    "PUK needed": ("three wrong PINs have locked the card", "unlock it with the PUK in a telephone"),
    "SIM fault": ("the card answers, but not as it should", "take it out and in; try another card"),
    "radio off": ("the modem is in flight mode", "AT+CFUN=1, or take its power away for 10 s"),
    "registration denied": (
        "the network refuses this card: not activated, no contract for data, or no roaming",
        "try the card in a telephone; ask its provider",
    ),
    "no network": ("no cell that the modem may use is heard", "look at antenna and cable; move the vehicle"),
    "no data session": (
        "registered, but without an address: a wrong APN, or nobody brings the session up",
        "check option apn; ifstatus of the modem's interface; logread",
    ),
    "weak signal": ("slow, and it breaks off", "look at antenna, cable and plugs"),
    "no device": ("the uplink's network device is missing", "check option device, driver and plug"),
    "link down": ("the device is switched off", "ifup the interface; wifi up"),
    "no carrier": ("nothing at the other end: cable, access point or data session", "cable in? in reach of the Wi-Fi?"),
    "no address": ("no DHCP server has answered, or none was set", "ifstatus of its interface; logread -e udhcpc"),
    "no route": ("no default route by this device: roamd cannot use it", "check gateway and option metric"),
    "gateway silent": ("the next router does not answer: off, or another network", "renew the address; check Wi-Fi, cable"),
    "no way": ("no echo and no answer: the network ends on the way, or the home agent is off", "ping other hosts by this device"),
    "unreachable": ("a router on the way says so", "tell the network's or the home agent's operator"),
    "no home agent": ("the machine is there and nobody listens on UDP port 434", "start the home agent"),
    "no reply": (
        "echoes are answered, requests are not: UDP port 434 is filtered, or the home agent does not know "
        "this home_address, and says nothing to strangers",
        "compare the four options with the home agent; try another uplink",
    ),
    "wrong key": (
        "router and home agent do not have the same key (or another than the home agent answers)",
        "compare key, spi and algorithm with the home agent",
    ),
    "clock wrong": ("the home agent refuses our time stamps; roamd takes its time from it", "set the clock; check sysntpd"),
    "denied": ("the home agent has answered, and will not have us", "tell its operator the code"),
}  # fmt: skip
_CODES = {
    129: "administratively prohibited", 130: "no resources left", 131: "authentication failed", 133: "time stamp",
    134: "poorly formed", 136: "not this home agent's address", 143: "sent on to another home agent",
    152: "several care-of addresses not allowed",
}  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Facts = dict[str, Any]
    Finding = dict[str, str]


def look(facts: "Facts") -> "list[Finding]":
    """where, fault, detail, means, try: the cause before what follows from it."""
    found: list[Finding] = []
    _machine(facts, found)
    for modem in facts["modems"]:
        _modem(modem, found)
    _uplinks(facts, found)
    for path in facts["paths"]:
        _path(path, found)
    return found


def _add(found: "list[Finding]", where: str, fault: str, detail: str = "") -> None:
    means, advice = _WORDS[fault]
    found.append({"where": where, "fault": fault, "detail": detail, "means": means, "try": advice})


def _machine(facts: "Facts", found: "list[Finding]") -> None:
    config = facts["config"]
    if facts["time"] < NOT_SET:
        _add(found, "clock", "clock not set")
    if facts["python"] == "broken":
        _add(found, "python3", "python broken")
    if config["missing"]:
        _add(found, "configuration", "no configuration", config["file"])
    elif config["bad_lines"]:
        numbers = ", ".join([str(number) for number in config["bad_lines"][:8]])
        _add(found, "configuration", "bad lines", "%s: line %s" % (config["file"], numbers))
    elif config["error"]:
        _add(found, "configuration", "bad option", config["error"])


def _modem(modem: "Facts", found: "list[Finding]") -> None:
    where = "modem " + modem["device"]
    sim, registration = modem.get("sim"), modem.get("registration")
    if modem.get("owner"):
        _add(found, where, "taken", modem["owner"])
    elif not modem.get("port") or modem.get("state") == "no answer":
        _add(found, where, "no answer", modem.get("why") or "")
    elif sim == "absent":
        _add(found, where, "no SIM")
    elif sim in ("SIM PIN", "PH-NET PIN"):
        tries = modem.get("pin_tries")
        _add(found, where, "PIN needed", "" if tries is None else "%d attempts left" % tries)
    elif sim == "SIM PUK":
        _add(found, where, "PUK needed")
    elif sim is not None and sim != "READY":
        _add(found, where, "SIM fault", sim)
    elif modem.get("functionality") in (0, 4, 7):
        _add(found, where, "radio off")
    elif registration == "denied":
        _add(found, where, "registration denied")
    elif registration != "registered":
        _add(found, where, "no network", registration or "")
    else:
        if modem.get("address") is None:
            _add(found, where, "no data session", "APN " + (modem["apn"] or "not set"))
        rsrp, rssi = modem.get("rsrp"), modem.get("rssi")
        if rsrp < _WEAK_RSRP if rsrp is not None else rssi is not None and rssi < _WEAK_RSSI:
            _add(found, where, "weak signal")


def _uplinks(facts: "Facts", found: "list[Finding]") -> None:
    links = {link["name"]: link for link in facts["links"]}
    routed = [path["device"] for path in facts["paths"]]
    cellular = False
    for uplink in facts["config"]["uplinks"]:
        cellular = cellular or uplink["type"] == "cellular"
        if uplink["device"]:
            _link(uplink["device"], links.get(uplink["device"]), routed, found)
    named = [uplink["device"] for uplink in facts["config"]["uplinks"]]
    for modem in facts["modems"]:
        for device in modem["networks"]:
            # Without an address it is the data session's fault, which was said.
            if device in links and device not in named and modem.get("address"):
                _link(device, links[device], routed, found)
    if cellular and not facts["modems"]:
        _add(found, "modem", "no modem")
    if not routed and not any(item["fault"] in ("no route", "no address", "no carrier") for item in found):
        _add(found, "routes", "no route")


def _link(device: str, link: "Facts | None", routed: "list[str]", found: "list[Finding]") -> None:
    where = "link " + device
    if link is None:
        _add(found, where, "no device")
    elif not link["up"]:
        _add(found, where, "link down")
    elif not link["carrier"]:
        _add(found, where, "no carrier")
    elif not link["addresses"]:
        _add(found, where, "no address")
    elif device not in routed:
        _add(found, where, "no route")


def _path(path: "Facts", found: "list[Finding]") -> None:
    where = "path " + path["device"]
    answer, refused = path["answer"], path["refused"]
    off = path["clock_off"]
    if off is not None and abs(off) >= 1:
        _add(found, where, "clock wrong", "%d s %s" % (abs(off), "slow" if off > 0 else "fast"))
    if not path["tried"]:
        if path["error"]:
            _add(found, where, "unreachable", path["error"])
    elif answer is not None:
        if not answer["authentic"]:
            _add(found, where, "wrong key", "code %d" % answer["code"])
        elif answer["code"] != path["wanted"]:
            word = _CODES.get(answer["code"], "")
            _add(found, where, "denied", ("code %d " % answer["code"] + word).rstrip())
    elif refused is not None and refused[0] == "port":
        _add(found, where, "no home agent")
    elif path["echo"] is not None:
        _add(found, where, "no reply")
    elif refused is not None:
        _add(found, where, "unreachable", "%s, says %s" % tuple(refused))
    elif path["neighbour"] in ("failed", "incomplete"):
        _add(found, where, "gateway silent", path["gateway"] or "")
    else:
        _add(found, where, "no way")
