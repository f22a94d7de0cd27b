"""Who is where on a link: link-layer sources of registration and router discovery messages.

RFC 5944 forbids broadcast ARP between a foreign agent and its visitors
(sections 4.2.2 and 4.6): each takes the other's link address from the frames
that come.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from ipaddress import IPv4Address

from router.packet_filter import attach

__all__ = ["LinkAddresses"]

_ETH_P_IP = 0x0800
_MOST = 4096
_PORT = 434
_ADVERTISEMENT, _SOLICITATION = 9, 10
_INSTRUCTIONS = (
    (0x30, 0, 0, 9),  # protocol of the IP header
    (0x15, 0, 3, socket.IPPROTO_UDP),
    (0xB1, 0, 0, 0),  # X = length of the IP header
    (0x48, 0, 0, 2),  # UDP destination port
    (0x15, 5, 6, _PORT),
    (0x15, 0, 5, socket.IPPROTO_ICMP),
    (0xB1, 0, 0, 0),
    (0x50, 0, 0, 0),  # ICMP type
    (0x15, 1, 0, _ADVERTISEMENT),
    (0x15, 0, 1, _SOLICITATION),
    (0x06, 0, 0, 64),  # accept
    (0x06, 0, 0, 0),
)


class LinkAddresses:
    """Link address and TTL of the last such message from each IP address.  Raises OSError."""

    def __init__(self, device: str) -> None:
        self._seen: OrderedDict[IPv4Address, tuple[bytes, int]] = OrderedDict()
        self._device = device
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        try:
            attach(self.socket, _INSTRUCTIONS)
            self.socket.bind((device, _ETH_P_IP))
        except OSError:
            self.socket.close()
            raise
        asyncio.get_running_loop().add_reader(self.socket, self.read)

    def close(self) -> None:
        """In a thread: the kernel waits some 10 ms until no processor looks at a packet socket any more."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.socket)
        loop.run_in_executor(None, self.socket.close)

    def of(self, address: IPv4Address) -> tuple[bytes | None, int]:
        """Link address and TTL of the last message from `address`; (None, 0) when none was seen."""
        self.read()
        return self._seen.get(address, (None, 0))

    def send(self, packet: bytes, link: bytes) -> None:
        """Put an IP packet onto the link as it is.  Raises OSError."""
        self.socket.sendto(packet, (self._device, _ETH_P_IP, 0, 0, link))

    def read(self) -> None:
        """Take in what has arrived; called also right before a message is looked at."""
        while True:
            try:
                packet, origin = self.socket.recvfrom(64)
            except OSError:
                # Nothing more, or the device is gone.
                return
            if len(packet) >= 20 and origin[2] != socket.PACKET_OUTGOING:
                source = IPv4Address(packet[12:16])
                self._seen[source] = (bytes(origin[4]), packet[8])
                self._seen.move_to_end(source)
                if len(self._seen) > _MOST:
                    self._seen.popitem(last=False)
