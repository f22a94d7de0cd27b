"""Classic BPF programs on sockets: what the kernel need not hand to this process."""

from __future__ import annotations

import array
import socket
import struct
from collections.abc import Sequence

__all__ = ["Instruction", "attach"]

_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")

Instruction = tuple[int, int, int, int]
"""Code, jump if so, jump if not, value: struct sock_filter of <linux/filter.h>."""


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """From now on `sock` hears what the program lets through.  Raises OSError."""
    code = array.array("B", b"".join(_INSTRUCTION.pack(*instruction) for instruction in program))
    address, _ = code.buffer_info()
    # struct sock_fprog.
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), address))
