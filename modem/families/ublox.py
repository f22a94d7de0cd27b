"""u-blox: TOBY-L2, TOBY-L4, LARA-R2, LARA-R6.  +UCGED of u-blox's AT manual."""

from modem import bands, signal
from modem.facts import put
from modem.families import Family, Query, generic
from modem.replies import fields, get, hexadecimal, name_of, number, real

_LTE_RAT = "6"


def cell_description(lines: "list[str]") -> "dict[str, object]":
    """+UCGED? in mode 2 on LTE: behind the mode a line with rat, service, mcc, mnc, and one with earfcn, band,
    up, down, tac, cell, pci, tmsi, group, code, rsrp, rsrq, sinr, rrc, ri, cqi, ..."""
    facts: dict[str, object] = {}
    rest = [fields(line) for line in lines if not name_of(line)]
    if len(rest) < 2 or len(rest[0]) < 4 or rest[0][0] != _LTE_RAT or len(rest[1]) < 16:
        return facts
    values = rest[1]
    facts["technology"] = bands.LTE
    facts["plmn"] = bands.plmn(rest[0][2], rest[0][3])
    put(facts, "arfcn", number(values[0]))
    facts["band"] = bands.name(number(values[1]), bands.LTE)
    put(facts, "bandwidth_up", bands.lte_by_blocks(number(values[2])))
    put(facts, "bandwidth_down", bands.lte_by_blocks(number(values[3])))
    put(facts, "tac", hexadecimal(values[4]))
    put(facts, "cell_id", hexadecimal(values[5]))
    put(facts, "pci", number(values[6]))
    put(facts, "rsrp", signal.by_index("rsrp", number(values[10])))
    put(facts, "rsrq", signal.by_index("rsrq", number(values[11])))
    sinr = real(values[12])
    put(facts, "sinr", sinr if sinr != 255 else None)
    put(facts, "layers", number(values[14]))
    put(facts, "cqi", number(values[15]))
    return facts


def pin_tries(lines: "list[str]") -> "dict[str, object]":
    """+UPINCNT: PIN, PIN2, PUK, PUK2."""
    facts: dict[str, object] = {}
    for line in lines:
        if name_of(line) == "+UPINCNT":
            put(facts, "pin_tries", number(get(fields(line), 0)))
    return facts


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    """In router or bridge mode (+UBMCONF) the network device follows the context."""
    from modem.replies import quote

    login: tuple[tuple[str, float], ...] = ()
    if user:
        login = (("+UAUTHREQ=%d,3,%s,%s" % (cid, quote(password or ""), quote(user)), 5.0),)
    return login + (("+CGACT=1,%d" % cid, 150.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+CGACT=0,%d" % cid, 40.0),)


FAMILY = Family(
    "ublox",
    **dict(
        generic.TABLE,
        usb=((0x1546, None),),
        roles={None: {0: "at", 2: "at", 4: "at"}, 0x1141: {0: "at", 2: "at"}, 0x1146: {2: "at", 4: "at"}},
        state=generic.STATE + (Query("+UPINCNT", 5.0, pin_tries),),
        signal=generic.SIGNAL + (Query("+UCGED?", 5.0, cell_description),),
        urc_setup=generic.URC_SETUP + (("+UCGED=2", 2.0),),
        reset=(("+CFUN=16", 15.0),),
        power_off=(("+CPWROFF", 40.0),),
        connect=connect,
        addressing="dhcp",
        disconnect=disconnect,
        connected=generic.CONTEXTS[0],
    ),
)
