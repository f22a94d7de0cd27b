"""The bucket that is told is the bucket that the kernel takes."""

import ipaddress
import json
import os
import random
import socket
import subprocess
import sys

import pytest

from router.flow.bucket_hash import bucket_of
from router.plane.ruleset import HASH_SEED

pytestmark = pytest.mark.lab

_SIZE = 64
_SEND = """
import json, socket, sys
for destination, source_port, port in json.loads(sys.argv[1]):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", source_port))
        sock.sendto(b"x", (destination, port))
"""


def test_the_kernels_hash_said_again():
    chance = random.Random(7)
    flows = [
        (
            f"127.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}",
            port,
            chance.randrange(1, 65536),
        )
        for port in chance.sample(range(1024, 65536), 40)
    ]
    name = f"rtbh{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    hashed = f"jhash ip saddr . ip daddr . ip protocol . @th,0,16 . @th,16,16 mod {_SIZE} seed {HASH_SEED:#x}"
    chains = "".join(f"chain b{n} {{ counter name c{n}; }}\n" for n in range(_SIZE))
    counters = "".join(f"counter c{n} {{ packets 0 bytes 0; }}\n" for n in range(_SIZE))
    verdicts = ", ".join(f"{n} : goto b{n}" for n in range(_SIZE))
    rule = f"ip protocol udp {hashed} vmap {{ {verdicts} }}"
    text = (
        f"table ip h {{\n{counters}{chains}chain out {{ type filter hook output priority 0;\n{rule};\n}}\n}}"
    )
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        subprocess.run([*inside, "nft", "-f", "-"], input=text, text=True, check=True)
        subprocess.run([*inside, sys.executable, "-c", _SEND, json.dumps(flows)], check=True)
        listing = subprocess.run(
            [*inside, "nft", "-j", "list", "counters"], check=True, capture_output=True, text=True
        ).stdout
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
    found = {
        item["counter"]["name"]: item["counter"]["packets"]
        for item in json.loads(listing)["nftables"]
        if "counter" in item
    }
    source = ipaddress.IPv4Address("127.0.0.1")
    expected = [0] * _SIZE
    for destination, source_port, port in flows:
        ends = (source, ipaddress.IPv4Address(destination))
        expected[bucket_of(HASH_SEED, _SIZE, socket.IPPROTO_UDP, ends, (source_port, port))] += 1
    assert [found[f"c{n}"] for n in range(_SIZE)] == expected
