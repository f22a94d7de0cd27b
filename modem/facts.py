"""What is known of a modem: a flat dict of *facts*.

A missing name, or None, is *unknown*.  In what one reply told, None means that
the modem said "not known" (so an older value is void), and a missing name that
the reply says nothing about it.  `merge` is the way to put it into what is known.  Runs unchanged on CPython and MicroPython.

domain: "+CREG", "+CGREG", "+CEREG", "+C5GREG": only in what a reply told, beside registration.

Identity
    manufacturer, model, revision, imei (15 digits), imsi, iccid: str
SIM and radio
    sim: "READY", "SIM PIN", "SIM PUK", "absent", "failure", "busy", ... (TS 27.007 8.3, 9.2)
    pin_tries: int;  functionality: int (+CFUN)
Network
    registration: "registered", "searching", "denied", "idle", "unknown", "emergency"
    roaming: bool;  operator: name;  plmn: "26201"
    technology: "GSM", "UTRAN", "E-UTRAN", "EN-DC", "NR"
    tac, cell_id: int;  pci, arfcn: int;  band: "B3", "n78";  duplex: "FDD", "TDD"
    bandwidth_down, bandwidth_up: kHz
Signal
    rssi, rsrp, rscp: dBm;  rsrq, sinr, ecio: dB;  cqi: 0..15;  layers: int
    carriers: list of dicts with role ("PCC", "SCC") and any of technology, band, bandwidth_down,
    bandwidth_up, arfcn, pci, rsrp, rsrq, rssi, sinr, layers
Other
    temperature: degrees Celsius
    contexts: list of dicts with cid and any of type ("IP", "IPV6", "IPV4V6", "PPP"), apn, active (bool),
    address, prefix_length, gateway, dns (list of str), mtu
    ambr_down, ambr_up: bit/s;  bytes_down, bytes_up: since the session began
"""

# Name: least value, greatest value, and codes inside the range that mean "not known".
LIMITS = {
    "pin_tries": (0, 10, ()),
    "functionality": (0, 255, ()),
    "tac": (1, 0xFFFFFE, (0xFFFE, 0xFFFF)),
    "cell_id": (1, 0xFFFFFFFFE, (0xFFFF, 0xFFFFFFF, 0xFFFFFFFF)),
    "pci": (0, 1007, ()),
    "arfcn": (0, 3279165, ()),
    "bandwidth_down": (180, 1600000, ()),
    "bandwidth_up": (180, 1600000, ()),
    "rssi": (-125, -20, ()),
    # -44 dBm and -140 dBm are the ends of TS 36.133 9.1.4; modems use the upper end for "none".
    "rsrp": (-157, -31, (-44,)),
    "rsrq": (-43.5, 20, ()),
    "sinr": (-23.5, 40.5, ()),
    "rscp": (-125, -20, ()),
    "ecio": (-32, 0, ()),
    "cqi": (0, 15, ()),
    "layers": (1, 8, ()),
    "temperature": (-60, 150, ()),
    "prefix_length": (1, 128, ()),
    "mtu": (576, 65535, (65535,)),
    "ambr_down": (1, 100000000000, ()),
    "ambr_up": (1, 100000000000, ()),
    "bytes_down": (0, 1 << 63, ()),
    "bytes_up": (0, 1 << 63, ()),
}


def put(facts: "dict[str, object]", name: str, value: "object") -> None:
    """Set `name`, or make it None where the number is out of its range or a code for "not known"."""
    limits = LIMITS.get(name)
    if limits is not None and value is not None:
        low, high, codes = limits
        if not isinstance(value, (int, float)) or not low <= value <= high or value in codes:
            value = None
    facts[name] = value


def known(facts: "dict[str, object]") -> "dict[str, object]":
    """The facts without those that are unknown."""
    return {name: value for name, value in facts.items() if value is not None}


# Of two domains in the same state the one of the newer network counts.
_DOMAINS = ("+C5GREG", "+CEREG", "+CGREG", "+CREG")
_STATES = ("registered", "emergency", "denied", "searching", "unknown", "idle")
_OF_DOMAIN = ("registration", "roaming", "technology", "tac", "cell_id")


def merge(facts: "dict[str, object]", told: "dict[str, object]") -> None:
    """Put what one reply told into `facts`.

    What +CREG, +CGREG, +CEREG and +C5GREG tell is kept apart (under "domains"), and the best of them shown:
    an LTE modem is often "idle" for calls or for 5G only.  Contexts are joined by their cid.  A list of carriers
    that has no primary one tells more of those known (by channel and cell), or adds to them.
    """
    domain = told.get("domain")
    if domain is not None:
        told = _best_domain(facts, str(domain), told)
    for name, value in told.items():
        if name == "contexts":
            facts[name] = _joined(facts.get(name), value)
        elif name == "carriers":
            facts[name] = _carriers(facts.get(name), value)
        elif name != "domain":
            facts[name] = value


def _best_domain(facts: "dict[str, object]", domain: str, told: "dict[str, object]") -> "dict[str, object]":
    kept = facts.get("domains")
    domains = dict(kept) if isinstance(kept, dict) else {}
    domains[domain] = told
    facts["domains"] = domains
    for state in _STATES:
        for name in _DOMAINS:
            found = domains.get(name)
            if found is not None and found.get("registration") == state:
                best = {key: found[key] for key in _OF_DOMAIN if key in found}
                # The master of EN-DC is E-UTRAN: that says nothing of the second leg.
                if best.get("technology") == "E-UTRAN" and facts.get("technology") == "EN-DC":
                    del best["technology"]
                return best
    return {}


def _joined(old: object, new: object) -> "list[dict[str, object]]":
    """Contexts by cid, each with what the newer list adds or changes."""
    joined: dict[object, dict[str, object]] = {}
    for listed in (old, new):
        for context in listed if isinstance(listed, list) else ():
            cid = context.get("cid")
            merged = dict(joined.get(cid, {}))
            merged.update(context)
            joined[cid] = merged
    return [joined[cid] for cid in sorted(joined, key=lambda cid: cid if isinstance(cid, int) else 0)]


def _carriers(old: object, new: object) -> "list[dict[str, object]]":
    known = old if isinstance(old, list) else []
    told = new if isinstance(new, list) else []
    if any(carrier.get("role") == "PCC" for carrier in told):
        return told
    for carrier in told:
        same = [other for other in known if _same_cell(other, carrier)]
        merged = dict(same[0]) if same else {}
        merged.update(carrier)
        known = [other for other in known if not _same_cell(other, carrier)] + [merged]
    return known


def _same_cell(one: "dict[str, object]", other: "dict[str, object]") -> bool:
    return one.get("arfcn") == other.get("arfcn") and one.get("pci") == other.get("pci")
