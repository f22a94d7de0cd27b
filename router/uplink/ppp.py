"""A data session by PPP: runs `pppd` on the modem's data port, and again with back-off when it ends.

pppd brings the device up, with the address the network gives; routes are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Sequence

from router.config.model import Uplink

__all__ = ["Ppp", "ppp_device", "ppp_options"]

_log = logging.getLogger("roamd.uplink")
_FIRST_UNIT = 100
_AGAIN = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_WELL_AFTER = 60.0
_END = 5.0


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


class Ppp:
    """One session, from `start` to `stop`."""

    def __init__(self, uplink: Uplink, port: str, program: Sequence[str] = ("pppd",)) -> None:
        self._uplink, self._port, self._program = uplink, port, tuple(program)
        self._task: asyncio.Task[None] | None = None
        self.again: Sequence[float] = _AGAIN

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            begun = loop.time()
            why = await self._once()
            failures = 0 if loop.time() - begun >= _WELL_AFTER else failures + 1
            pause = self.again[min(failures, len(self.again) - 1)]
            _log.warning("uplink %s: pppd ended (%s); again in %.0f s", self._uplink.name, why, pause)
            await asyncio.sleep(pause)

    async def _once(self) -> str:
        """Until pppd ends; why it did, for people.  Secrets go through a file that only its owner reads."""
        handle, path = tempfile.mkstemp(prefix="roamd-ppp-")
        process = None
        try:
            with open(handle, "w") as file:
                file.write(ppp_options(self._uplink, self._port))
            process = await asyncio.create_subprocess_exec(*self._program, "file", path)
            return f"status {await process.wait()}"
        except OSError as error:
            return f"{self._program[0]}: {error.strerror}"
        finally:
            os.unlink(path)
            if process is not None and process.returncode is None:
                await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it hang up."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _END)
    except TimeoutError:
        process.kill()


def _quoted(text: str) -> str:
    """As pppd reads words: in double quotes, with backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
