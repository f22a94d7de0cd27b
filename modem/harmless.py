"""Which commands anybody may send to a modem in service: those that ask, and change nothing.

Pure.  Runs unchanged on CPython and MicroPython.
"""

from modem.replies import NAMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modem.families import Family

_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
# Asked by their name alone.
_BARE = (
    "+CGMI", "+CGMM", "+CGMR", "+CGSN", "+GMI", "+GMM", "+GMR", "+GSN", "+CIMI", "+CCID", "+ICCID", "+CSQ", "+CESQ",
    "+CEER", "+CNUM", "+CGPADDR", "+CGCONTRDP", "+CGEQOSRDP", "+C5GQOSRDP", "+CPAS", "+CIND", "+CPOL", "+CLCC",
)  # fmt: skip
# A test that takes the radio for minutes.
_HARMFUL_TESTS = ("+COPS=?", "+CNAP=?", "!NETSCAN=?")


def harmless(command: str, family: "Family") -> bool:
    """Whether `command` (without `AT`; parts may be joined by ;) only asks, as far as the tables know."""
    text = command.strip().upper()
    asked = [query.command.upper() for query in family.identity + family.state + family.signal + family.slow]
    if text in asked:
        return True
    return all(_asks(part.strip(), asked) for part in text.split(";"))


def _asks(part: str, asked: "list[str]") -> bool:
    if part == "" or part in asked or part in _BARE:
        return True
    if part[0] == "I":
        return part[1:] == "" or (len(part) == 2 and part[1] in "0123456789")
    if part in _HARMFUL_TESTS or part[0] not in NAMED:
        return False
    for end in ("=?", "?"):
        if part.endswith(end):
            name = part[1 : len(part) - len(end)]
            return name != "" and all(sign in _NAME for sign in name)
    return False
