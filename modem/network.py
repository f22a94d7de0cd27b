"""Who the modem is, its SIM, its registration, its contexts: replies of 3GPP TS 27.007 to facts.

Every reader takes the lines of one answer and gives facts (`modem.facts`); lines it cannot read tell nothing.
Runs unchanged on CPython and MicroPython.
"""

from modem import text
from modem.address import ipv4, ipv6, masked
from modem.facts import put
from modem.replies import digits, fields, first, get, hexadecimal, is_digits, name_of, named, number, plain

# TS 27.007 7.2, <stat>; 6 and 7 are for short messages only, 9 and 10 without circuit-switched fall-back.
_STATES = {
    0: "idle",
    1: "registered",
    2: "searching",
    3: "denied",
    4: "unknown",
    5: "registered",
    6: "registered",
    7: "registered",
    8: "emergency",
    9: "registered",
    10: "registered",
}
_ROAMING = (5, 7, 10)
_HOME = (1, 6, 9)

# TS 27.007 7.3, <AcT>
TECHNOLOGY = {
    0: "GSM",
    1: "GSM",
    2: "UTRAN",
    3: "GSM",
    4: "UTRAN",
    5: "UTRAN",
    6: "UTRAN",
    7: "E-UTRAN",
    8: "GSM",
    9: "E-UTRAN",
    10: "E-UTRAN",
    11: "NR",
    12: "NR",
    13: "EN-DC",
}

# TS 27.007 9.2: <err> of +CME ERROR that tell of the SIM, and the words of verbose ones.
_SIM_ERRORS = {
    10: "absent",
    11: "SIM PIN",
    12: "SIM PUK",
    13: "failure",
    14: "busy",
    15: "wrong",
    17: "SIM PIN2",
    18: "SIM PUK2",
}
_SIM_WORDS = (
    ("not inserted", "absent"),
    ("pin2 required", "SIM PIN2"),
    ("puk2 required", "SIM PUK2"),
    ("pin required", "SIM PIN"),
    ("puk required", "SIM PUK"),
    ("failure", "failure"),
    ("busy", "busy"),
    ("wrong", "wrong"),
)


def manufacturer(lines: "list[str]") -> "dict[str, object]":
    return {"manufacturer": plain(lines)}


def model(lines: "list[str]") -> "dict[str, object]":
    return {"model": plain(lines)}


def revision(lines: "list[str]") -> "dict[str, object]":
    return {"revision": plain(lines)}


def imei(lines: "list[str]") -> "dict[str, object]":
    """The 15 digits of +CGSN; a serial number of another length is none."""
    return {"imei": digits(lines, 15, 15)}


def imsi(lines: "list[str]") -> "dict[str, object]":
    return {"imsi": digits(lines, 6, 15)}


def iccid(lines: "list[str]") -> "dict[str, object]":
    """18 to 20 digits (ITU-T E.118) of +CCID, +ICCID, +QCCID, ^ICCID; a filling F at the end is cut off."""
    for line in lines:
        found = (fields(line) if name_of(line) else [line.rsplit(":", 1)[-1].strip().strip('"')])[0]
        found = found.rstrip("Ff")
        if 18 <= len(found) <= 20 and is_digits(found) and found[:2] == "89":
            return {"iccid": found}
    return {"iccid": None}


def sim(lines: "list[str]") -> "dict[str, object]":
    """`READY`, `SIM PIN`, ... of +CPIN?"""
    found = first(lines, "+CPIN")
    state = (get(found, 0) or "").upper() if found else ""
    if state in ("NOT INSERTED", "SIM NOT INSERTED"):
        state = "absent"
    return {"sim": state or None}


def sim_error(result: str) -> "dict[str, object]":
    """The SIM's state from the `+CME ERROR: ...` that answers +CPIN?; numeric or verbose."""
    said = result[result.find(":") + 1 :].strip()
    code = number(said)
    if code is not None:
        return {"sim": _SIM_ERRORS.get(code)}
    for words, state in _SIM_WORDS:
        if words in said.lower():
            return {"sim": state}
    return {"sim": None}


def pin_tries(lines: "list[str]") -> "dict[str, object]":
    """Attempts left for the PIN, from +CPINR ("SIM PIN",3,3), TS 27.007 8.65."""
    facts: dict[str, object] = {}
    for values in named(lines, "+CPINR"):
        if values[0].upper() == "SIM PIN":
            put(facts, "pin_tries", number(get(values, 1)))
    return facts


def functionality(lines: "list[str]") -> "dict[str, object]":
    facts: dict[str, object] = {}
    found = first(lines, "+CFUN")
    if found:
        put(facts, "functionality", number(found[0]))
    return facts


def registration(lines: "list[str]") -> "dict[str, object]":
    """domain, registration, roaming, and technology, tac, cell_id where given, from the answer to `+CREG?`
    and its kin (TS 27.007 7.2, 10.1.20, 10.1.22, 10.1.46).

    The answer has <n> in front of <stat>.  An unsolicited line that came in between has not, and its second
    field, if any, is an area code.
    """
    facts: dict[str, object] = {}
    for line in lines:
        values = fields(line)
        if name_of(line) in _REGISTRATIONS and _is_answer(line, values):
            facts = _registered(name_of(line), values[1:]) or facts
    return facts


def registration_urc(line: str) -> "dict[str, object]":
    """The same from an unsolicited `+CREG: <stat>[,<tac>,<ci>[,<AcT>]]`, or from an answer that nobody waits for."""
    name, values = name_of(line), fields(line)
    if name not in _REGISTRATIONS:
        return {}
    return _registered(name, values[1:] if _is_answer(line, values) else values) or {}


_REGISTRATIONS = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")


def _is_answer(line: str, values: "list[str]") -> bool:
    if len(values) < 2 or len(values[0]) > 1 or number(values[0]) not in (0, 1, 2, 3, 4, 5):
        return False
    quoted = line.split(",")[1].strip()[:1] == '"'
    # An area code without quotes has four digits and more, <stat> one or two.
    return not quoted and 1 <= len(values[1]) <= 2 and is_digits(values[1])


def _registered(domain: str, values: "list[str]") -> "dict[str, object] | None":
    stat = number(values[0])
    if stat is None or stat not in _STATES or len(values[0]) > 2:
        return None
    facts: dict[str, object] = {"domain": domain, "registration": _STATES[stat]}
    facts["roaming"] = stat in _ROAMING if stat in _ROAMING + _HOME else None
    if stat not in _ROAMING + _HOME:
        return facts
    if len(values) >= 3:
        put(facts, "tac", hexadecimal(values[1]))
        put(facts, "cell_id", hexadecimal(values[2]))
    act = number(get(values, 3))
    if act in TECHNOLOGY:
        facts["technology"] = TECHNOLOGY[act]
    return facts


def operator(lines: "list[str]") -> "dict[str, object]":
    """operator, or plmn where the format is numeric, of +COPS? (TS 27.007 7.3); both None when none is chosen."""
    found = first(lines, "+COPS")
    if not found or number(found[0]) is None:
        return {}
    name = get(found, 2)
    if name is None:
        return {"operator": None, "plmn": None}
    if number(get(found, 1)) == 2:
        return {"plmn": name if is_digits(name) and 5 <= len(name) <= 6 else None}
    return {"operator": text.readable(name)}


def operator_and_technology(lines: "list[str]") -> "dict[str, object]":
    """The same, and what <AcT> says."""
    facts = operator(lines)
    found = first(lines, "+COPS")
    act = number(get(found, 3)) if found else None
    if act in TECHNOLOGY:
        facts["technology"] = TECHNOLOGY[act]
    return facts


def definitions(lines: "list[str]") -> "dict[str, object]":
    """contexts: cid, type, apn of +CGDCONT? (TS 27.007 10.1.1)."""
    contexts: list[dict[str, object]] = []
    for values in named(lines, "+CGDCONT"):
        cid = number(values[0])
        if cid is not None and get(values, 1) is not None:
            contexts.append({"cid": cid, "type": values[1].upper(), "apn": get(values, 2)})
    return {"contexts": contexts} if contexts else {}


def activity(lines: "list[str]") -> "dict[str, object]":
    """contexts: cid, active of +CGACT? (TS 27.007 10.1.10)."""
    contexts: list[dict[str, object]] = []
    for values in named(lines, "+CGACT"):
        cid, state = number(values[0]), number(get(values, 1))
        if cid is not None and state in (0, 1):
            contexts.append({"cid": cid, "active": state == 1})
    return {"contexts": contexts} if contexts else {}


def addresses(lines: "list[str]") -> "dict[str, object]":
    """contexts: cid, address of +CGPADDR (TS 27.007 10.1.14): the IPv4 address, or the IPv6 one where there
    is no other; None where the context has none."""
    contexts: list[dict[str, object]] = []
    for values in named(lines, "+CGPADDR"):
        cid = number(values[0])
        if cid is None:
            continue
        # Unisoc: one string with `IPV4:a.b.c.d    IPV6:...` in it.
        words = " ".join(values[1:]).replace("IPV4:", " ").replace("IPV6:", " ").split()
        contexts.append({"cid": cid, "address": _preferred(words)})
    return {"contexts": contexts} if contexts else {}


def _preferred(words: "list[str]") -> "str | None":
    for read in (ipv4, ipv6):
        for word in words:
            found = read(word)
            if found is not None:
                return found
    return None


def parameters(lines: "list[str]") -> "dict[str, object]":
    """contexts: cid, apn, address, prefix_length, gateway, dns, mtu of +CGCONTRDP (TS 27.007 10.1.23).

    One line a protocol; IPv4's wins.  The mask stands behind the address as four more octets.
    """
    contexts: dict[int, dict[str, object]] = {}
    for values in named(lines, "+CGCONTRDP"):
        cid = number(values[0])
        if cid is None or len(values) < 4:
            continue
        context = contexts.get(cid, {"cid": cid})
        address, prefix = masked(values[3])
        if context.get("address") is None or (address is not None and "." in address):
            context["address"] = address
            put(context, "prefix_length", prefix)
            context["gateway"] = _preferred([get(values, 4) or ""])
        context["apn"] = get(values, 2) or context.get("apn")
        known = context.get("dns")
        dns = list(known) if isinstance(known, list) else []
        dns += [found for found in map(_one, values[5:7]) if found is not None and found not in dns]
        context["dns"] = dns
        if len(values) >= 12 and context.get("mtu") is None:
            put(context, "mtu", number(get(values, 11)))
        contexts[cid] = context
    return {"contexts": [contexts[cid] for cid in sorted(contexts)]} if contexts else {}


def _one(word: str) -> "str | None":
    return _preferred([word])


def ambr(lines: "list[str]") -> "dict[str, object]":
    """ambr_down, ambr_up in bit/s of +CGEQOSRDP (kbit/s, TS 27.007 10.1.28) or +C5GQOSRDP (10.1.48)."""
    facts: dict[str, object] = {}
    for values in named(lines, "+CGEQOSRDP", "+C5GQOSRDP"):
        # Behind cid, QCI, two guaranteed and two greatest rates.
        for name, position in (("ambr_down", 6), ("ambr_up", 7)):
            rate = number(get(values, position))
            if rate:
                put(facts, name, rate * 1000)
    return facts


def urc_sim(line: str) -> "dict[str, object]":
    """The SIM's state from an unsolicited +CPIN."""
    return sim([line])
