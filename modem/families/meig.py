"""MeiG SLM750 and SLM8xx: +SGCELLINFOEX?, a line of name and value for each."""

from modem import bands
from modem.facts import put
from modem.families import Family, Query, generic, quectel_ec2x
from modem.replies import number, real


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    """+SGCELLINFOEX?; SINR in fifths of a dB above -20 dB, bandwidth as index."""
    names: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and value.strip():
            names.setdefault(name.strip().upper(), value.strip())
    facts: dict[str, object] = {}
    if "PHYSICAL_CELL_ID" not in names:
        return facts
    facts["technology"] = bands.LTE
    facts["band"] = bands.band(names.get("BAND"), bands.LTE)
    put(facts, "tac", number(names.get("TAC_ID")))
    put(facts, "pci", number(names.get("PHYSICAL_CELL_ID")))
    put(facts, "arfcn", number(names.get("DL CHANNEL")))
    put(facts, "rssi", real(names.get("RSSI")))
    put(facts, "rsrp", real(names.get("RSRP")))
    put(facts, "rsrq", real(names.get("RSRQ")))
    put(facts, "sinr", quectel_ec2x.sinr(names.get("SINR")))
    put(facts, "bandwidth_down", bands.lte_by_index(number(names.get("LTE_BANDWIDTH"))))
    return facts


def temperature(lines: "list[str]") -> "dict[str, object]":
    """The hottest of +TEMP: "name","degrees" a line."""
    hottest: int | float | None = None
    for line in lines:
        value = real(line.rsplit(",", 1)[-1].strip().strip('"'))
        if value is not None and -60 < value < 150 and (hottest is None or value > hottest):
            hottest = value
    return {"temperature": hottest} if lines else {}


FAMILY = Family(
    "meig",
    **dict(
        generic.TABLE,
        usb=((0x05C6, 0xF601), (0x2DEE, None)),
        roles={None: {0: "diag", 1: "modem", 2: "at", 3: "nmea"}},
        identity=generic.IDENTITY
        + (generic.SIM_IDENTITY[0], Query("+ICCID", 5.0, generic.SIM_IDENTITY[1].parser)),
        signal=generic.SIGNAL + (Query("+SGCELLINFOEX?", 5.0, serving_cell),),
        slow=generic.SLOW + (Query("+TEMP", 5.0, temperature),),
    ),
)
