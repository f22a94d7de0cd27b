"""What a line is: final result, echo, answer or unsolicited (ITU-T V.250 5.7, 3GPP TS 27.007 9).

Runs unchanged on CPython and MicroPython.
"""

from modem.replies import NAMED, name_of

__all__ = (
    "final_result",
    "is_boot",
    "is_echo",
    "is_ours",
    "may_connect",
    "may_prompt",
    "name_of",
    "numeric_code",
    "numeric_result",
    "prefix_of",
    "sets_numeric",
)

_ERRORS = ("ERROR", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "ABORTED")
_ERROR_NAMES = ("+CME ERROR", "+CMS ERROR", "+EXT ERROR")
# Final for a command that calls; else the news of a call that ended.
_OF_CALLS = ("NO CARRIER", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE", "BUSY")
# V.250 table 1.
_NUMERIC = {
    "0": "OK",
    "1": "CONNECT",
    "3": "NO CARRIER",
    "4": "ERROR",
    "6": "NO DIALTONE",
    "7": "BUSY",
    "8": "NO ANSWER",
}
_BOOT = ("RDY", "START", "^SYSSTART", "+SYSSTART", "*ATREADY: 1", "MODEM READY")
_ALONE = (
    "RING",
    "NO CARRIER",
    "POWERED DOWN",
    "NORMAL POWER DOWN",
    "SMS READY",
    "SMS DONE",
    "CALL READY",
    "PB DONE",
) + _BOOT
# Names that come by themselves while a command without a name (ATI) is answered.
_UNSOLICITED = (
    "+CREG",
    "+CGREG",
    "+CEREG",
    "+C5GREG",
    "+CGEV",
    "+CPIN",
    "+CMTI",
    "+CMT",
    "+CDSI",
    "+CUSD",
    "+CRING",
    "+CLIP",
    "+CTZV",
    "+CTZE",
    "+CIEV",
    "+QIND",
    "+QUSIM",
    "+CFUN",
    "^RSSI",
    "^HCSQ",
    "^MODE",
    "^SIMST",
    "^SRVST",
    "^NDISSTAT",
    "^STIN",
)
_ICCID = ("+CCID", "+ICCID", "+QCCID", "+CICCID", "^ICCID", "#CCID", "!ICCID", "+ZGETICCID")
_SILENT = ("E", "V", "Q", "Z", "&", "H", "X", "L", "M", "T", "P")


def prefix_of(command: str) -> str:
    """`+CREG?` -> `+CREG`; `I`, `E0` and the like bear no name."""
    if not command or command[0] not in NAMED:
        return ""
    end = len(command)
    for sign in "?=;":
        at = command.find(sign)
        if 0 <= at < end:
            end = at
    return command[:end].upper()


def may_connect(command: str) -> bool:
    """Whether `command` can end in CONNECT or NO CARRIER: one that calls or opens data mode."""
    upper = command.upper()
    if upper[:1] in ("D", "O") or upper == "A":
        return True
    return upper[:1] in NAMED and upper[-1:] != "?" and "=" in upper


def may_prompt(command: str) -> bool:
    """Whether `command` can ask for data: one with arguments that is no question."""
    return "=" in command and command[-1:] != "?"


def final_result(line: str, command: str) -> "bool | None":
    """Whether the result code `line` means success; None where it ends no answer to `command`."""
    if line == "OK":
        return True
    first = line[:1]
    if first == "+":
        for name in _ERROR_NAMES:
            if line.startswith(name):
                return False
        return None
    if first not in "ECTANB" or first == "":
        return None
    if line in _ERRORS:
        return False
    if line in _OF_CALLS:
        return False if may_connect(command) else None
    if line == "CONNECT" or line.startswith("CONNECT "):
        return True if may_connect(command) else None
    return None


def numeric_result(line: str) -> "str | None":
    """The words of a result code in digits."""
    return _NUMERIC.get(line)


def numeric_code(words: str) -> "str | None":
    """The digits of a result code."""
    for code, meaning in _NUMERIC.items():
        if meaning == words:
            return code
    return None


def sets_numeric(command: str) -> "bool | None":
    """Whether `command` switches result codes to digits (V0) or back to words (V1, Z, &F)."""
    if not command or command[0] in NAMED or command[0] in "Dd":
        return None
    upper = command.upper()
    if "V0" in upper or upper == "V":
        return True
    return False if "V1" in upper or upper[0] in "Z&" else None


def is_boot(line: str) -> bool:
    """Whether the line says that the modem has just started."""
    return line.upper() in _BOOT


def is_echo(line: str, command: str) -> bool:
    """Whether the line is the command as sent, or that with one octet spoilt."""
    if line[:1] in NAMED:
        return False
    line, sent = line.upper(), "AT" + command.upper()
    if line == sent:
        return True
    if len(sent) < 5 or not -1 <= len(line) - len(sent) <= 1:
        return False
    shorter = min(len(line), len(sent))
    front = 0
    while front < shorter and line[front] == sent[front]:
        front += 1
    back = 0
    while back < shorter - front and line[-1 - back] == sent[-1 - back]:
        back += 1
    return front + back >= max(len(line), len(sent)) - 1


def is_ours(line: str, name: str, prefix: str, command: str) -> bool:
    """Whether a line belongs to the running command's answer or came in between.

    An answer's line bears the command's name, or none at all (`+CGMI`); a line with another name is
    unsolicited.  `+CREG: 1` in the middle of the answer to `+CREG?` is told apart by its reader, which counts
    fields.
    """
    if name:
        if prefix == "":
            return name not in _UNSOLICITED and command[:1] not in _SILENT and command != ""
        return name == prefix or (prefix in _ICCID and name in _ICCID) or ";" in command
    if line.upper() in _ALONE:
        return False
    return prefix != "" or (command != "" and command[:1].upper() not in _SILENT)
