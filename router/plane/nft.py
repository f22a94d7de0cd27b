"""nftables: one table, replaced whole and atomically."""

from __future__ import annotations

import asyncio
import asyncio.subprocess

from router.plane.errors import PlaneError

__all__ = ["Nft"]

_TABLE = "ip roamd"
_TIMEOUT = 20.0


class Nft:
    """`table ip roamd`, through one `nft -f -` per change."""

    def __init__(self) -> None:
        self._body: str | None = None

    async def clear(self) -> None:
        """Remove what a killed predecessor left.

        Where nft does not work nothing was left; the first ruleset to be
        loaded will tell what is amiss.
        """
        try:
            await self.apply("")
        except PlaneError:
            self._body = ""

    async def apply(self, body: str) -> None:
        """Make the table's content `body`; an empty body removes it.  Raises PlaneError."""
        if body == self._body:
            return
        self._body = None
        # Declared first, so that deleting it cannot fail: one transaction in
        # which packets see the old table or the new one, never none.
        text = f"add table {_TABLE}\ndelete table {_TABLE}\n"
        if body:
            text += f"table {_TABLE} {{\n{body}}}\n"
        await _run(text)
        self._body = body


async def _run(text: str) -> None:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec("nft", "-f", "-", stdin=pipe, stdout=null, stderr=pipe)
    except FileNotFoundError:
        raise PlaneError("nft not found: install nftables") from None
    try:
        _, errors = await asyncio.wait_for(process.communicate(text.encode()), _TIMEOUT)
    except TimeoutError:
        raise PlaneError(f"nft gave no answer in {_TIMEOUT:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise PlaneError(f"nft refused the ruleset: {_one_line(errors.decode(errors='replace'))}")


def _one_line(complaint: str) -> str:
    """The first complaints and the lines they are about, without the markers below these."""
    lines = [line.strip() for line in complaint.splitlines()]
    return "; ".join([line for line in lines if line.strip("^~- ")][:4])
