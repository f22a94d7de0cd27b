"""Bands and bandwidths in the words and codes of vendors (3GPP TS 36.101 5.5 and 5.6, TS 38.101 5.2 and 5.3).

Runs unchanged on CPython and MicroPython.
"""

from modem.replies import is_digits, number, real

LTE = "E-UTRAN"
NR = "NR"
UTRAN = "UTRAN"
GSM = "GSM"

# kHz by resource blocks, TS 36.101 table 5.6-1.
_BLOCKS = {6: 1400, 15: 3000, 25: 5000, 50: 10000, 75: 15000, 100: 20000}
_LTE_BY_INDEX = (1400, 3000, 5000, 10000, 15000, 20000)
# Quectel's and SIMCom's index for NR, in MHz.
_NR_BY_INDEX = (5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 200, 400, 35, 45)
_NR_MHZ = (3,) + _NR_BY_INDEX
_LTE_LAST, _NR_LAST = 106, 263

# Kept in the order in which a longer word must be found before the shorter one in it.
_WORDS = (
    ("NR5G", NR),
    ("NR", NR),
    ("5G", NR),
    ("E-UTRA", LTE),
    ("EUTRAN", LTE),
    ("LTE", LTE),
    ("4G", LTE),
    ("WCDMA", UTRAN),
    ("UTRAN", UTRAN),
    ("UMTS", UTRAN),
    ("HSPA", UTRAN),
    ("GSM", GSM),
    ("EDGE", GSM),
    ("GPRS", GSM),
)


def technology(text: "str | None") -> "str | None":
    """The radio technology that a vendor's word (`LTE`, `FDD LTE`, `NR5G-SA`, `WCDMA`, ...) means, or None."""
    upper = (text or "").upper()
    if "NSA" in upper or "EN-DC" in upper or "ENDC" in upper:
        return "EN-DC"
    for word, meaning in _WORDS:
        if word in upper:
            return meaning
    return None


def name(number: "int | None", technology: "str | None" = LTE) -> "str | None":
    """`B3`, `n78`; None for a number that is no band's."""
    if number is None or number < 1:
        return None
    if technology in (NR, "EN-DC"):
        return "n%d" % number if number <= _NR_LAST else None
    return "B%d" % number if number <= _LTE_LAST and technology != GSM else None


def band(text: "str | None", kind: "str | None" = None) -> "str | None":
    """`B3` or `n78` of `LTE BAND 3`, `EUTRAN-BAND3`, `LTE_B3`, `NR5G BAND 78`, `NR N78`, `NR5G_BAND78`,
    `B3`, `n78`, or of a bare number on the technology `kind`; None for all else."""
    upper = (text or "").upper()
    end = len(upper)
    while end and upper[end - 1] in "0123456789":
        end -= 1
    value = number(upper[end:]) if len(upper) - end <= 3 else None
    words = upper[:end].strip(" _-")
    if value is None:
        return None
    if words == "":
        return name(value, kind or LTE)
    if words in ("B", "BAND"):
        return name(value, kind or LTE)
    if words == "N":
        return name(value, NR)
    found = technology(words)
    return name(value, found) if found is not None else None


# First and last downlink channel and the band, TS 36.101 table 5.7.3-1.
_CHANNELS = (
    (0, 599, 1),
    (600, 1199, 2),
    (1200, 1949, 3),
    (1950, 2399, 4),
    (2400, 2649, 5),
    (2650, 2749, 6),
    (2750, 3449, 7),
    (3450, 3799, 8),
    (3800, 4149, 9),
    (4150, 4749, 10),
    (4750, 4949, 11),
    (5010, 5179, 12),
    (5180, 5279, 13),
    (5280, 5379, 14),
    (5730, 5849, 17),
    (5850, 5999, 18),
    (6000, 6149, 19),
    (6150, 6449, 20),
    (6450, 6599, 21),
    (6600, 7399, 22),
    (7700, 8039, 24),
    (8040, 8689, 25),
    (8690, 9039, 26),
    (9040, 9209, 27),
    (9210, 9659, 28),
    (9660, 9769, 29),
    (9770, 9869, 30),
    (9870, 9919, 31),
    (9920, 10359, 32),
    (36000, 36199, 33),
    (36200, 36349, 34),
    (36350, 36949, 35),
    (36950, 37549, 36),
    (37550, 37749, 37),
    (37750, 38249, 38),
    (38250, 38649, 39),
    (38650, 39649, 40),
    (39650, 41589, 41),
    (41590, 43589, 42),
    (43590, 45589, 43),
    (45590, 46589, 44),
    (46790, 54539, 46),
    (55240, 56739, 48),
    (65536, 66435, 65),
    (66436, 67335, 66),
    (68586, 68935, 71),
)


def lte_of_channel(channel: "int | None") -> "str | None":
    """The band of a downlink EARFCN, or None."""
    if channel is not None:
        for low, high, number in _CHANNELS:
            if low <= channel <= high:
                return "B%d" % number
    return None


def lte_by_index(index: "int | None") -> "int | None":
    """kHz of 0..5."""
    return _LTE_BY_INDEX[index] if index is not None and 0 <= index <= 5 else None


def lte_by_blocks(count: "int | None") -> "int | None":
    """kHz of 6, 15, 25, 50, 75, 100 resource blocks."""
    return _BLOCKS.get(count) if count is not None else None


def lte_by_either(value: "int | None") -> "int | None":
    """kHz of an index (0..5) or of resource blocks (6..100): the two have nothing in common."""
    return lte_by_index(value) or lte_by_blocks(value)


def nr_by_index(index: "int | None") -> "int | None":
    """kHz of 0..16."""
    return _NR_BY_INDEX[index] * 1000 if index is not None and 0 <= index < len(_NR_BY_INDEX) else None


def by_mhz(text: "str | None", kind: "str | None" = None) -> "int | None":
    """kHz of `20`, `1.4`, `100MHz`, `20 MHz`; None for a bandwidth that the technology has not."""
    value = real((text or "").upper().replace("MHZ", "").strip())
    if value is None:
        return None
    khz = int(value * 1000 + 0.5)
    in_lte, in_nr = khz in _LTE_BY_INDEX, value in _NR_MHZ
    allowed = in_nr if kind == NR else in_lte if kind == LTE else in_lte or in_nr
    return khz if allowed else None


def plmn(mcc: "str | None", mnc: "str | None") -> "str | None":
    """`26201` of 262 and 01; an MNC of one digit has lost its zero.  None for what is no PLMN."""
    if not mcc or not mnc or not is_digits(mcc) or not is_digits(mnc):
        return None
    if len(mcc) != 3 or len(mnc) > 3 or mcc == "000":
        return None
    return mcc + ("0" + mnc if len(mnc) == 1 else mnc)
