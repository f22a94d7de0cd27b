"""What the machine's own tools say of its links, routes and rules, for a back office."""

from __future__ import annotations

import asyncio
import os
import sys

from router import __version__

__all__ = ["machine", "version"]

_COMMANDS = (
    "ip -d link", "ip address", "ip route show table all", "ip rule", "ip neigh", "nft list table ip roamd", "lsmod",
    "df", "free", "uptime", "logread -e roamd -l 200",
)  # fmt: skip
_PATIENCE = 3.0
_MOST = 60_000
"""Characters of each."""


async def machine() -> dict[str, str]:
    """By command: what it printed, or why it could not be run."""
    return {command: await _run(command.split()) for command in _COMMANDS}


async def _run(words: list[str]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        return f"({error.strerror})"
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"(nothing in {_PATIENCE:.0f} s)"
    return said.decode(errors="replace")[:_MOST]


def version() -> dict[str, str]:
    """Of roamd, Python and kernel."""
    system = os.uname()
    return {
        "roamd": __version__,
        "python": sys.version.split()[0],
        "kernel": system.release,
        "machine": system.machine,
        "host": system.nodename,
    }
