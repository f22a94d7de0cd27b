"""Quectel EC20, EC21, EC25, EG25, EG9x, EM05: as the others, but +QENG counts the SINR in fifths of a dB."""

from modem import bands
from modem.families import Family, Query, quectel
from modem.replies import number


def sinr(text: "str | None") -> "int | float | None":
    """dB of 0..250, which stands for -20..30 dB."""
    value = number(text)
    return round(value / 5 - 20, 1) if value is not None and 0 <= value <= 250 else None


def serving_cell(lines: "list[str]") -> "dict[str, object]":
    return quectel.read_serving_cell(lines, sinr, bands.nr_by_index)


FAMILY = Family(
    "quectel_ec2x",
    **dict(
        quectel.TABLE,
        usb=((0x2C7C, 0x0125), (0x2C7C, 0x0121), (0x2C7C, 0x0191), (0x2C7C, 0x0195)),
        signal=tuple(
            [
                Query(query.command, query.timeout, serving_cell)
                if query.parser is quectel.serving_cell
                else query
                for query in quectel.SIGNAL
            ]
        ),
    ),
)
