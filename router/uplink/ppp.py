"""A data session by PPP: runs `pppd` on the modem's data port, and again with back-off when it ends.

pppd brings the device up, with the address the network gives; routes are ours.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from router.config.model import Uplink
from router.uplink.child import Child

__all__ = ["Ppp", "ppp_device", "ppp_options"]

_FIRST_UNIT = 100


def ppp_device(uplink: Uplink) -> str:
    """The network device of the uplink's PPP session."""
    return f"ppp{_FIRST_UNIT + uplink.bid}"


def ppp_options(uplink: Uplink, port: str) -> str:
    """pppd's options file, with the generic dial (TS 27.007 10.2.1.1).  All texts of `uplink` are checked already."""
    given = uplink.modem
    define = f'OK \'AT+CGDCONT={given.cid},"IP","{given.apn}"\' ' if given.apn is not None else ""
    chat = f"chat -S -t 30 ABORT ERROR ABORT BUSY ABORT 'NO CARRIER' '' ATE0 {define}OK ATD*99***{given.cid}# CONNECT ''"
    lines = [
        port, "115200", "nodetach", "noauth", "local", "crtscts", "lock", "nodefaultroute", "noipdefault", "ipcp-accept-local",
        "ipcp-accept-remote", "novj", "nobsdcomp", "nodeflate", "maxfail 1", "lcp-echo-interval 10", "lcp-echo-failure 3",
        f"unit {_FIRST_UNIT + uplink.bid}", f"connect {_quoted(chat)}",
    ]  # fmt: skip
    if given.auth != "none":
        lines += [f"user {_quoted(given.username or '')}", f"password {_quoted(given.password or '')}"]
        lines += (
            ["refuse-chap", "refuse-mschap", "refuse-mschap-v2"] if given.auth == "pap" else ["refuse-pap"]
        )
    return "\n".join(lines) + "\n"


class Ppp(Child):
    """One session, from `start` to `stop`."""

    def __init__(self, uplink: Uplink, port: str, program: Sequence[str] = ("pppd",), **options: Any) -> None:
        self._options, self._words = ppp_options(uplink, port), tuple(program)
        super().__init__(uplink.name, program[0], self._file, **options)

    @contextlib.contextmanager
    def _file(self) -> Iterator[Sequence[str]]:
        """Secrets go through a file that only its owner reads."""
        handle, path = tempfile.mkstemp(prefix="roamd-ppp-")
        try:
            with open(handle, "w") as file:
                file.write(self._options)
            yield [*self._words, "file", path]
        finally:
            os.unlink(path)


def _quoted(text: str) -> str:
    """As pppd reads words: in double quotes, with backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
