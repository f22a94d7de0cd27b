"""A program that serves one uplink: run, and run again with back-off when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

__all__ = ["Child"]

_log = logging.getLogger("roamd.uplink")
_AGAIN = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_WELL_AFTER = 60.0
_END = 2.5


class Child:
    """One program, from `start` to `stop`.

    `command` makes the words to run for each run, as a context around it; an OSError of it is a reason to try again
    later, as is the program's end.
    """

    def __init__(
        self,
        uplink: str,
        program: str,
        command: Callable[[], AbstractContextManager[Sequence[str]]],
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
        again: Sequence[float] = _AGAIN,
    ) -> None:
        self._uplink, self._program, self._command = uplink, program, command
        self._environment, self._again = environment, again
        self._output = asyncio.subprocess.DEVNULL if quiet else None
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run())

    def stop(self) -> None:
        """End it soon: `ended` waits for that."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            begun = loop.time()
            why = await self._once()
            failures = 0 if loop.time() - begun >= _WELL_AFTER else failures + 1
            pause = self._again[min(failures, len(self._again) - 1)]
            _log.warning("uplink %s: %s: %s; again in %.0f s", self._uplink, self._program, why, pause)
            await asyncio.sleep(pause)

    async def _once(self) -> str:
        """Until the program ends; why it did, for people."""
        process = None
        try:
            with self._command() as words:
                try:
                    process = await asyncio.create_subprocess_exec(
                        *words, env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=self._output,
                        stderr=self._output,
                    )  # fmt: skip
                    return f"ended with status {await process.wait()}"
                finally:
                    if process is not None and process.returncode is None:
                        await _end(process)
        except OSError as error:
            return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it hang up, or give its lease back."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _END)
    except TimeoutError:
        process.kill()
