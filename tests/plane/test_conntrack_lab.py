"""The kernel's table of connections, read and changed by hand; a real TCP connection as the witness."""

import json
import os
import socket
import subprocess
import sys

import pytest

from router.plane.conntrack_messages import five_tuple

pytestmark = pytest.mark.lab

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_ACCOUNT = "net.netfilter.nf_conntrack_acct=1"
_TABLE = """
table ip lab {
  chain out {
    type filter hook output priority mangle; policy accept;
    udp dport 5000-5999 ct mark set ct mark & 0xf0ffffff | 0x01000000
    tcp dport 6000 ct mark 0 ct mark set 0x01000042
    udp dport 7000 ct mark set 0x00000042
  }
}
"""
_SCRIPT = """
import json, socket, sys
sys.path.insert(0, {root!r})
from router.plane.conntrack import Conntrack
{body}
"""
_MASK = 0x0F000000


@pytest.fixture
def space():
    name = f"rtct{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    run = ["ip", "netns", "exec", name]
    try:
        subprocess.run([*run, "ip", "link", "set", "lo", "up"], check=True)
        subprocess.run([*run, "nft", "-f", "-"], input=_TABLE, text=True, check=True)
        subprocess.run([*run, "sysctl", "-qw", _ACCOUNT], check=True)

        def python(body):
            text = _SCRIPT.format(root=_ROOT, body=body)
            done = subprocess.run([*run, sys.executable, "-c", text], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        yield python
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


_CONNECTION = """
server = socket.create_server(("127.0.0.1", 6000))
client = socket.create_connection(("127.0.0.1", 6000))
served, _ = server.accept()
client.sendall(bytes(10000))
got = 0
while got < 10000:
    got += len(served.recv(65536))
served.sendall(bytes(3000))
got = 0
while got < 3000:
    got += len(client.recv(65536))
"""


def test_a_connection_with_its_mark_and_octets_both_ways(space):
    (found,) = space(
        _CONNECTION
        + """
table = Conntrack()
table.begin()
found = table.read(1000, 0x0f000000)
assert not table.reading
print(json.dumps([[key.hex(), mark, original, reply] for key, mark, original, reply, closed in found if not closed]))
"""
    )
    key, mark, original, reply = bytes.fromhex(found[0]), *found[1:]
    ends = five_tuple(key)
    assert (ends.protocol, str(ends.destination), ends.destination_port) == (
        socket.IPPROTO_TCP,
        "127.0.0.1",
        6000,
    )
    assert mark == 0x01000042
    # Ten and three thousand, and the headers.
    assert 10_000 < original < 12_000
    assert 3_000 < reply < 5_000


def test_a_connection_that_one_side_has_closed_says_so(space):
    assert space(
        _CONNECTION
        + """
served.close()
assert client.recv(1) == b""
table = Conntrack()
table.begin()
((*_, closed),) = table.read(1000, 0x0f000000)
print(json.dumps(closed))
"""
    )


def test_a_move_changes_our_bits_alone_and_the_connection_goes_on(space):
    found = space(
        _CONNECTION
        + """
table = Conntrack()
table.begin()
((key, *_),) = table.read(1000, 0x0f000000)
moved = table.move(key, 0x03000000, 0x0f000000)
client.sendall(b"still here")
heard = served.recv(100).decode()
table.begin()
((_, mark, *_),) = table.read(1000, 0x0f000000)
nobody = bytes([key[0]]) + key[1:-2] + bytes(2)
print(json.dumps([moved, heard, mark, table.move(nobody[:12] + bytes(4) + nobody[16:], 0, 1), table.counters]))
"""
    )
    assert found == [True, "still here", 0x03000042, False, {"conntrack_unmoved": 1}]


def test_a_long_table_is_read_in_pieces_each_connection_once_and_others_are_left_out(space):
    found = space(
        """
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(5000, 6000):
    for source in range(1, 4):
        sock.sendto(b"x", (f"127.0.0.{source}", port))
sock.sendto(b"x", ("127.0.0.1", 7000))
table = Conntrack()
table.begin()
pieces, keys = 0, []
while table.reading:
    keys += [key for key, *_ in table.read(500, 0x0f000000)]
    pieces += 1
print(json.dumps([pieces, len(keys), len(set(keys))]))
"""
    )
    pieces, count, different = found
    assert 5 <= pieces <= 8
    assert count == different == 3000
