"""Lets the kernel drop the routing events that our own changes bring about: a binding makes a dozen.

A classic BPF program on the socket that hears them.  It only saves work: what
comes through is judged again, and without it everything is.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from router import netlink as nl
from router.packet_filter import Instruction, attach

__all__ = ["program", "skip_own_events"]

# <linux/bpf_common.h>: load 16 or 32 bits of the message, jump, return.
_HALF, _WORD = 0x28, 0x20
_EQUAL, _ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_TYPE, _PORT, _FLAGS, _CHANGE = 4, 12, 24, 28
"""Places in struct nlmsghdr, and in struct ifinfomsg behind it."""
_IFF_UP, _EVERY_BIT = 0x1, 0xFFFFFFFF
_ALL, _NOTHING = 0xFFFFFFFF, 0


def skip_own_events(sock: socket.socket, port: int) -> None:
    """From now on `sock` hears no changes made by the netlink socket `port`, and of devices only those that fall.

    A device that has just been made is down, and says so several times over;
    one that falls says that its flag has changed.
    """
    with contextlib.suppress(OSError):
        attach(sock, program(port))


def program(port: int) -> Sequence[Instruction]:
    """BPF loads in network byte order what is in the host's."""
    return (
        (_HALF, 0, 0, _TYPE),
        (_EQUAL, 4, 0, socket.htons(nl.RTM_DELLINK)),
        (_EQUAL, 4, 0, socket.htons(nl.RTM_NEWLINK)),
        (_WORD, 0, 0, _PORT),
        (_EQUAL, 0, 1, socket.htonl(port)),
        (_RETURN, 0, 0, _NOTHING),
        (_RETURN, 0, 0, _ALL),
        (_WORD, 0, 0, _FLAGS),
        (_ANY_BIT, 4, 0, socket.htonl(_IFF_UP)),
        (_WORD, 0, 0, _CHANGE),
        # A new device is said to have changed in everything.
        (_EQUAL, 2, 0, _EVERY_BIT),
        (_ANY_BIT, 0, 1, socket.htonl(_IFF_UP)),
        (_RETURN, 0, 0, _ALL),
        (_RETURN, 0, 0, _NOTHING),
    )
