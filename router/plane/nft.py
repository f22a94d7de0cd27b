"""nftables: one table, replaced whole and atomically."""

from __future__ import annotations

import asyncio

from router.plane.errors import PlaneError

__all__ = ["Nft"]

_TABLE = "ip roamd"


class Nft:
    """`table ip roamd`, through one `nft -f -` per change."""

    def __init__(self) -> None:
        self._body: str | None = None

    async def apply(self, body: str) -> None:
        """Make the table's content `body`; an empty body removes it.  Raises PlaneError."""
        if body == self._body:
            return
        # Declared first, so that deleting it cannot fail: one transaction in
        # which packets see the old table or the new one, never none.
        text = f"table {_TABLE}\ndelete table {_TABLE}\n"
        if body:
            text += f"table {_TABLE} {{\n{body}}}\n"
        await self._run(text)
        self._body = body

    async def close(self) -> None:
        if self._body:
            await self.apply("")

    @staticmethod
    async def _run(text: str) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                "nft",
                "-f",
                "-",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError:
            raise PlaneError("nft not found: install the package nftables") from None
        _, errors = await process.communicate(text.encode())
        if process.returncode:
            raise PlaneError(f"nft refused the ruleset: {errors.decode(errors='replace').strip()}")
