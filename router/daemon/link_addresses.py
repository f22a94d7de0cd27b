"""Who is where on the visited link: link-layer sources of Registration Requests.

RFC 5944 section 4.2.2 forbids a foreign agent to ask for a visitor's link
address by broadcast ARP: it is taken from the frames the visitor sends.
"""

from __future__ import annotations

import array
import asyncio
import socket
import struct
from collections import OrderedDict
from ipaddress import IPv4Address

__all__ = ["VisitedLink"]

_SO_ATTACH_FILTER = 26
_ETH_P_IP = 0x0800
_MOST = 4096
_PORT = 434
_INSTRUCTIONS = (
    (0x30, 0, 0, 9),  # protocol of the IP header
    (0x15, 0, 4, socket.IPPROTO_UDP),
    (0xB1, 0, 0, 0),  # X = length of the IP header
    (0x48, 0, 0, 2),  # UDP destination port
    (0x15, 0, 1, _PORT),
    (0x06, 0, 0, 64),  # accept
    (0x06, 0, 0, 0),
)


class VisitedLink:
    """Link and TTL of the last request from each address.  Raises OSError."""

    def __init__(self, device: str) -> None:
        self._seen: OrderedDict[IPv4Address, tuple[bytes, int]] = OrderedDict()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        program = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in _INSTRUCTIONS))
        where, _ = program.buffer_info()
        self.socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_INSTRUCTIONS), where)
        )
        self.socket.bind((device, _ETH_P_IP))
        asyncio.get_running_loop().add_reader(self.socket, self.read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def of(self, address: IPv4Address) -> tuple[bytes | None, int]:
        """Link address and TTL of the last request from `address`; (None, 0) when none was seen."""
        self.read()
        return self._seen.get(address, (None, 0))

    def read(self) -> None:
        """Take in what has arrived; called also right before a request is looked at."""
        while True:
            try:
                packet, origin = self.socket.recvfrom(64)
            except BlockingIOError:
                return
            except OSError:
                return
            if len(packet) >= 20:
                source = IPv4Address(packet[12:16])
                self._seen[source] = (bytes(origin[4]), packet[8])
                self._seen.move_to_end(source)
                if len(self._seen) > _MOST:
                    self._seen.popitem(last=False)
