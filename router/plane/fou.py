"""The kernel's listener for tunnels in UDP: a FOU port that takes Generic UDP Encapsulation in.

What it takes in goes on, as a packet of protocol 4, to the `ipip` device that
has the datagram's addresses.  The module is not loaded by asking for it.
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
import errno
import socket

from router.attributes import u8, u16_be
from router.genetlink import GenericNetlink
from router.netlink import NetlinkError
from router.plane.errors import PlaneError

__all__ = ["FouListener"]

_FAMILY, _MODULE = "fou", "fou"
_ADD, _DELETE, _GET = 1, 2, 3
_PORT, _ADDRESS_FAMILY, _TYPE = 1, 2, 4
_GUE = 2


class FouListener:
    """The listener at UDP `port`: ours from `open` on, also when a predecessor made it, until `close`."""

    def __init__(self, port: int, kernel: GenericNetlink) -> None:
        self.port = port
        self._kernel = kernel

    @classmethod
    async def open(cls, port: int) -> FouListener | None:
        """None where the kernel has no FOU.  Raises PlaneError when the port cannot be had."""
        kernel = _kernel()
        if kernel is None:
            await _load(_MODULE)
            kernel = _kernel()
        if kernel is None:
            return None
        listener = cls(port, kernel)
        try:
            listener._listen()
        except OSError as error:
            kernel.close()
            taken = error.errno == errno.EADDRINUSE
            reason = "another program has it: give option fou_port another one" if taken else error.strerror
            raise PlaneError(f"UDP port {port} for tunnels in the kernel: {reason}") from None
        return listener

    def close(self) -> None:
        """Whoever comes next finds the port free."""
        with contextlib.suppress(OSError):
            self._kernel.request(_DELETE, self._which)
        self._kernel.close()

    @property
    def _which(self) -> bytes:
        return u16_be(_PORT, self.port) + u8(_ADDRESS_FAMILY, socket.AF_INET)

    def _listen(self) -> None:
        try:
            self._kernel.request(_ADD, self._which + u8(_TYPE, _GUE))
        except NetlinkError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EEXIST, errno.EALREADY) or not self._is_there():
                raise

    def _is_there(self) -> bool:
        ours = {
            _PORT: self.port.to_bytes(2, "big"),
            _ADDRESS_FAMILY: bytes((socket.AF_INET,)),
            _TYPE: bytes((_GUE,)),
        }
        return any(
            all(found.get(key, b"")[: len(value)] == value for key, value in ours.items())
            for found in self._kernel.dump(_GET)
        )


def _kernel() -> GenericNetlink | None:
    try:
        return GenericNetlink(_FAMILY)
    except OSError:
        return None


async def _load(module: str) -> None:
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            "modprobe", "-q", module, stdin=null, stdout=null, stderr=null
        )
    except OSError:
        return
    await process.wait()
