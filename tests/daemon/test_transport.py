"""The registration's socket, as others on this machine see it."""

import asyncio
import socket
import struct
from ipaddress import IPv4Address

import pytest

from router.daemon.transport import RegistrationSocket

HERE = IPv4Address("127.0.0.1")
# Of <linux/udp.h>.
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104


@pytest.mark.parametrize("collected", [False, True])
def test_datagrams_that_came_in_one_piece_are_told_apart(collected):
    """Whether or not the kernel collects them."""
    sent = [b"a" * 700, b"b" * 700, b"c" * 700, b"d"]

    async def exchange():
        heard, complete = [], asyncio.Event()

        def received(data, source):
            heard.append((data, source))
            if data == b"end":
                complete.set()

        sock = RegistrationSocket(HERE, 0, received)
        if collected:
            sock.socket.setsockopt(SOL_UDP, UDP_GRO, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.connect((str(HERE), sock.port))
            peer.sendmsg(sent, [(SOL_UDP, UDP_SEGMENT, struct.pack("=H", 700))])
            peer.send(b"")
            peer.send(b"end")
            await asyncio.wait_for(complete.wait(), 10)
            source = peer.getsockname()
        sock.close()
        return heard, source

    heard, source = asyncio.run(exchange())
    assert heard == [(data, source) for data in (*sent, b"", b"end")]
