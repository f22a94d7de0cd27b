"""Quectel of Unisoc's make: RM500U, RG500U, RG200U, EC200U: bandwidths of NR in MHz, counters down first,
the context first in +QNETDEVCTL."""

from modem import bands, network
from modem.families import Family, Query, generic, quectel
from modem.replies import real


def nr_bandwidth(value: "int | None") -> "int | None":
    """kHz of MHz."""
    return bands.by_mhz(str(value), bands.NR) if value is not None else None


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    return quectel.read_serving_cell(lines, real, nr_bandwidth)


def carriers(lines: "list[str]") -> "dict[str, object]":
    return quectel.read_carriers(lines, nr_bandwidth)


def counters(lines: "list[str]") -> "dict[str, object]":
    return quectel.read_counters(lines, "bytes_down", "bytes_up")


def net_device(lines: "list[str]") -> "dict[str, object]":
    """+QNETDEVCTL?: cid, op, urc, state."""
    return quectel.read_net_device(lines, 0)


def connect(
    cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
) -> "tuple[tuple[str, float], ...]":
    return quectel.login(cid, apn, user, password) + (("+QNETDEVCTL=%d,1,1" % cid, 60.0),)


def disconnect(cid: int) -> "tuple[tuple[str, float], ...]":
    return (("+QNETDEVCTL=%d,0,1" % cid, 30.0),)


FAMILY = Family(
    "quectel_unisoc",
    **dict(
        quectel.TABLE,
        usb=((0x2C7C, 0x0900), (0x2C7C, 0x0901)),
        identity=generic.IDENTITY + (generic.SIM_IDENTITY[0], Query("+CCID", 5.0, network.iccid)),
        signal=generic.SIGNAL
        + (
            Query("+QNWINFO", 2.0, quectel.network_information),
            Query("+QCAINFO", 5.0, carriers),
            Query('+QENG="servingcell"', 5.0, serving_cell),
        ),
        slow=generic.SLOW_5G
        + (
            Query("+QTEMP", 2.0, quectel.temperature),
            Query("+QGDCNT?", 2.0, counters),
            Query('+QNWCFG="nr5g_ambr"', 2.0, quectel.ambr),
        ),
        connect=connect,
        disconnect=disconnect,
        connected=Query("+QNETDEVCTL?", 5.0, net_device),
    ),
)
