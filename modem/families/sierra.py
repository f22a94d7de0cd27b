"""Sierra Wireless: MC73xx, MC74xx, MC77xx, EM74xx, EM75xx, EM91xx.

!GSTATUS? is a table for people: pairs of name and value, two a line, parted by tabs or
spaces.
"""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import body_of, first, hexadecimal, number, quote, real

_UNITS = ("(dbm)", "(db)")
_PRIMARY, _SECONDARY = "PCC", "SCC"


def pairs(line: str) -> "list[tuple[str, str]]":
    """(name, value) of a line; names in lower case without units, and without more than one space."""
    found = []
    parts = line.replace("\t", "  ").split(":")
    name = parts[0]
    for index in range(1, len(parts)):
        value, following = parts[index].strip(), ""
        if index + 1 < len(parts):
            # What stands behind the widest gap is the next pair's name.
            at = value.rfind("  ")
            value, following = (value[:at], value[at:]) if at >= 0 else ("", value)
        words = [word for word in name.lower().split() if word not in _UNITS]
        found.append((" ".join(words), value.strip()))
        name = following
    return found


def table(lines: "list[str]") -> "dict[str, str]":
    """The whole; a bare `rsrp` beside another value belongs to the antenna that its line begins with."""
    names: dict[str, str] = {}
    for line in lines:
        owner = ""
        for name, value in pairs(line):
            words = name.split()
            if words and words[-1] == "rssi" and len(words) > 1:
                owner = " ".join(words[:-1]) + " "
            elif name == "rsrp" and owner:
                name = owner + name
            if name not in names and value and value not in ("---", "--", "N/A"):
                names[name] = value
    return names


def status(lines: "list[str]") -> "dict[str, object]":
    """!GSTATUS?"""
    names = table(lines)
    facts: dict[str, object] = {}
    if not names:
        return facts
    if "temperature" in names:
        put(facts, "temperature", real(names["temperature"].split()[0]))
    mode = names.get("system mode")
    technology = bands.technology(mode)
    facts["technology"] = technology
    if technology not in (bands.LTE, "EN-DC", bands.NR):
        return facts
    _serving(facts, names)
    carriers = _carriers(facts, names)
    if carriers:
        facts["carriers"] = carriers
    return facts


def _serving(facts: "dict[str, object]", names: "dict[str, str]") -> None:
    facts["band"] = bands.band(names.get("lte band"), bands.LTE)
    put(facts, "bandwidth_down", bands.by_mhz(names.get("lte bw"), bands.LTE))
    put(facts, "arfcn", number(_word(names.get("lte rx chan"))))
    put(facts, "tac", hexadecimal(_word(names.get("tac"))))
    put(facts, "cell_id", hexadecimal(_word(names.get("cell id"))))
    put(facts, "rssi", number(_word(names.get("pcc rxm rssi") or names.get("rssi"))))
    put(facts, "rsrp", number(_word(names.get("pcc rxm rsrp") or names.get("rsrp"))))
    put(facts, "rsrq", real(_word(names.get("rsrq"))))
    put(facts, "sinr", real(_word(names.get("sinr"))))


def _word(text: "str | None") -> "str | None":
    words = (text or "").split()
    return words[0] if words else None


def _carriers(facts: "dict[str, object]", names: "dict[str, str]") -> "list[dict[str, object]]":
    primary = {
        name: facts[name] for name in ("band", "bandwidth_down", "arfcn", "rssi", "rsrp", "rsrq", "sinr")
    }
    found: list[dict[str, object]] = [dict(primary, role=_PRIMARY, technology=bands.LTE)]
    if names.get("lte ca state", "").upper() == "ACTIVE":
        found.append(_secondary(names, "lte scell", "scc"))
    for index in ("1", "2", "3", "4"):
        if names.get("lte scc" + index + " state", "").upper() == "ACTIVE":
            found.append(_secondary(names, "lte scc" + index, "scc" + index))
        second = "scc" + index + " nr5g"
        if second + " band" in names:
            found.append(_second_leg(names, second))
    return found if len(found) > 1 else []


def _secondary(names: "dict[str, str]", prefix: str, signal: str) -> "dict[str, object]":
    carrier: dict[str, object] = {"role": _SECONDARY, "technology": bands.LTE}
    carrier["band"] = bands.band(names.get(prefix + " band"), bands.LTE)
    put(carrier, "bandwidth_down", bands.by_mhz(names.get(prefix + " bw"), bands.LTE))
    channel = names.get(prefix + " rx chan") or names.get(prefix + " chan")
    put(carrier, "arfcn", number(_word(channel)))
    put(carrier, "rssi", number(_word(names.get(signal + " rxm rssi"))))
    put(carrier, "rsrp", number(_word(names.get(signal + " rxm rsrp"))))
    return carrier


def _second_leg(names: "dict[str, str]", prefix: str) -> "dict[str, object]":
    carrier: dict[str, object] = {"role": _SECONDARY, "technology": bands.NR}
    carrier["band"] = bands.band(names.get(prefix + " band"), bands.NR)
    put(carrier, "bandwidth_down", bands.by_mhz(names.get(prefix + " bw"), bands.NR))
    put(carrier, "arfcn", number(_word(names.get(prefix + " rx chan"))))
    put(carrier, "rsrp", number(_word(names.get("nr5g rsrp"))))
    put(carrier, "rsrq", real(_word(names.get("nr5g rsrq"))))
    put(carrier, "sinr", real(_word(names.get("nr5g sinr"))))
    return carrier


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("$QCPDPP=%d,1,%s,%s" % (cid, quote(password or ""), quote(user)), 5.0),)
    return login + (("!SCACT=1,%d" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("!SCACT=0,%d" % cid, 30.0),)


def connected(lines: "list[str]") -> "dict[str, object]":
    """!SCACT?: cid and state, a line each."""
    found = []
    for line in lines:
        words = body_of(line).split(",")
        cid = number(words[0].strip())
        state = number(words[1].strip()) if len(words) > 1 else None
        if cid is not None and state in (0, 1):
            found.append({"cid": cid, "active": state == 1})
    return {"contexts": found} if found else {}


def temperature(lines: "list[str]") -> "dict[str, object]":
    """!PCTEMP?: state and degrees in two lines of words."""
    facts: dict[str, object] = {}
    for name, value in [pair for line in lines for pair in pairs(line)]:
        if name == "temperature":
            put(facts, "temperature", real(_word(value.replace("C", " "))))
    return facts


def iccid(lines: "list[str]") -> "dict[str, object]":
    from modem.network import iccid as read

    found = first(lines, "!ICCID")
    return read(found) if found else read(lines)


FAMILY = Family(
    "sierra",
    **dict(
        generic.TABLE,
        usb=((0x1199, None),),
        roles={
            None: {0: "diag", 2: "nmea", 3: "at", 8: "data", 10: "data"},
            0x90D3: {3: "at", 4: "diag", 5: "nmea"},
        },
        identity=generic.IDENTITY + (generic.SIM_IDENTITY[0], Query("!ICCID?", 5.0, iccid)),
        state=generic.STATE_5G,
        signal=generic.SIGNAL + (Query("!GSTATUS?", 5.0, status),),
        slow=generic.SLOW_5G,
        urc_setup=generic.URC_SETUP_5G,
        reset=(("!RESET", 15.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=Query("!SCACT?", 5.0, connected),
    ),
)
