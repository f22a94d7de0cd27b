"""Vendor families: which commands a modem knows, and how its replies read.

A family is one small module with a table, loaded when a modem of it turns up, so that a small machine
holds only what it needs.  Runs unchanged on CPython and MicroPython.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    GENERIC: "Family"

# Module, USB vendor ids, and upper-case words of models and manufacturers that tell the family: the longest
# found in the model, or else in the manufacturer's name.
_INDEX: "tuple[tuple[str, tuple[int, ...], tuple[str, ...]], ...]" = (
    ("generic", (), ()),
    (
        "quectel",
        (0x2C7C, 0x05C6),
        ("QUECTEL", "EP06", "EG06", "EM06", "EM12", "EG12", "EG18", "EM160", "RG5", "RM5"),
    ),
    ("quectel_ec2x", (0x2C7C,), ("EC20", "EC21", "EC25", "EG21", "EG25", "EG91", "EG95", "EM05")),
    ("quectel_unisoc", (0x2C7C,), ("RM500U", "RG500U", "RG200U", "EC200")),
    ("sierra", (0x1199,), ("SIERRA", "MC73", "MC74", "MC77", "EM73", "EM74", "EM75", "EM91", "EM92")),
    ("telit", (0x1BC7,), ("TELIT", "LE910", "LM940", "LN920", "FN980", "FN990")),
    ("simcom", (0x1E0E,), ("SIMCOM", "SIM75", "SIM76", "SIM78", "SIM79", "SIM82", "A7600", "A7670")),
    ("ublox", (0x1546,), ("U-BLOX", "TOBY-", "LARA-", "SARA-")),
    ("huawei", (0x12D1,), ("HUAWEI", "ME906", "ME909", "E3272", "E3276", "E3372", "K5150")),
    ("fibocom_intel", (0x2CB7, 0x8087), ("L850", "L860", "DW5820")),
    ("fibocom", (0x2CB7, 0x0E8D), ("FIBOCOM", "FM101", "FM150", "FM160", "FM190", "FM350", "FG150", "FG621")),
    ("zte", (0x19D2,), ("ZTE", "MF28", "MF29", "MF82", "MF83")),
    ("mikrotik", (0x2CD2,), ("MIKROTIK", "R11E")),
    ("foxconn", (0x1E2D, 0x05C6, 0x413C), ("T99W", "MV31", "MV32", "LN940", "DW5821", "DW5829", "DW5930")),
    ("meig", (0x05C6, 0x2DEE), ("MEIG", "SLM3", "SLM7", "SLM8", "SRM8")),
    ("openluat", (0x1782, 0x19D1), ("OPENLUAT", "AIRM2M", "AIR72", "AIR78")),
)


class Query:
    """`command` (without AT), seconds to wait, and `parser(lines) -> facts`, which never raises."""

    __slots__ = ("command", "parser", "timeout")

    def __init__(
        self, command: str, timeout: float, parser: "Callable[[list[str]], dict[str, object]]"
    ) -> None:
        self.command = command
        self.timeout = timeout
        self.parser = parser

    def __repr__(self) -> str:
        return "Query(%r)" % self.command


class Family:
    """One vendor's table; what a family does not name is empty."""

    usb: "tuple[tuple[int, int | None], ...]" = ()
    """(vendor, product or None for all of the vendor's)."""
    words: "tuple[str, ...]" = ()
    """Upper-case words of manufacturer and model."""
    roles: "dict[int | None, dict[int, str]]" = {}  # noqa: RUF012 - MicroPython has no ClassVar
    """Product or None -> USB interface number -> "at", "modem", "nmea", "diag", "data", "gnss", "audio"."""
    setup: "tuple[tuple[str, float], ...]" = ()
    """Commands, once per session: (command, seconds)."""
    identity: "tuple[Query, ...]" = ()
    """Once: who it is."""
    state: "tuple[Query, ...]" = ()
    """SIM, registration, operator, contexts."""
    signal: "tuple[Query, ...]" = ()
    """Cell and radio; cheap enough to be asked often."""
    slow: "tuple[Query, ...]" = ()
    """What changes seldom: temperature, AMBR, counters."""
    urcs: "tuple[tuple[str, Callable[[str], dict[str, object]]], ...]" = ()
    """(beginning of an unsolicited line, parser(line) -> facts)."""
    urc_setup: "tuple[tuple[str, float], ...]" = ()
    """Commands that switch unsolicited lines on; a modem may refuse them."""
    restart_radio: "tuple[tuple[str, float], ...]" = ()
    reset: "tuple[tuple[str, float], ...]" = ()
    power_off: "tuple[tuple[str, float], ...]" = ()
    connected: "Query | None" = None
    """Whether the data session by AT stands: its parser gives {"contexts": [{"cid", "active"}]}, where the modem has
    one session only whatever cid."""
    addressing: str = "static"
    """How the network device of a session by `connect` comes to its address: "static", what the PDP context has;
    "dhcp", the modem is a DHCP server, and often a router with an address of its own."""

    def __init__(self, name: str, **table: object) -> None:
        self.name = name
        for key, value in table.items():
            setattr(self, key, value)

    def connect(
        self, cid: int, apn: str, user: "str | None" = None, password: "str | None" = None
    ) -> "tuple[tuple[str, float], ...] | None":
        """Commands for a data session by AT (ECM, NCM, RNDIS) on a context already defined by +CGDCONT;
        None where the family has none.  Raises ValueError for text that cannot be quoted."""
        return None

    def disconnect(self, cid: int) -> "tuple[tuple[str, float], ...]":
        """Commands that end it."""
        return ()

    def facts_of(self, line: str) -> "dict[str, object]":
        """What an unsolicited line tells; empty when the family does not know it."""
        upper = line.upper()
        for prefix, parser in self.urcs:
            if upper.startswith(prefix):
                return parser(line)
        return {}

    def __repr__(self) -> str:
        return "Family(%r)" % self.name


def names() -> "list[str]":
    """The names of all families."""
    return [entry[0] for entry in _INDEX]


def load(name: str) -> Family:
    """The family of this name; KeyError when there is none."""
    for entry in _INDEX:
        if entry[0] == name:
            module = __import__("modem.families." + name, None, None, ("FAMILY",))
            family: Family = module.FAMILY
            family.words = entry[2]
            return family
    raise KeyError(name)


def by_usb(vendor: int, product: "int | None" = None) -> Family:
    """The family that a USB id tells; GENERIC when none does.

    An id is a hint only: vendors use one for different models.
    """
    fallback = None
    for name, vendors, _ in _INDEX:
        if vendor not in vendors:
            continue
        family = load(name)
        if (vendor, product) in family.usb:
            return family
        if fallback is None and (vendor, None) in family.usb:
            fallback = family
    return fallback or load("generic")


def by_identity(manufacturer: "str | None", model: "str | None") -> Family:
    """The family that +CGMI and +CGMM tell; GENERIC when neither does."""
    for text in ((model or "").upper(), (manufacturer or "").upper()):
        best, longest = "", 0
        for name, _, words in _INDEX:
            for word in words:
                if len(word) > longest and word in text:
                    best, longest = name, len(word)
        if best:
            return load(best)
    return load("generic")


def __getattr__(name: str) -> object:
    if name == "GENERIC":
        return load("generic")
    if name in names():
        # MicroPython asks here before it looks for the module.
        return __import__("modem.families." + name, None, None, ("FAMILY",))
    raise AttributeError(name)
