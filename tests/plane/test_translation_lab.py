"""nft and this kernel judge the translation: the text, its elements, and what a listing says back."""

import json
import os
import subprocess
from ipaddress import IPv4Address

import pytest

from router.plane.model import Tunnel
from router.plane.nft import elements_of
from router.plane.translation import Translation

pytestmark = pytest.mark.lab

AGENT, CARE_OF = IPv4Address("198.51.100.2"), IPv4Address("192.0.2.10")


@pytest.fixture
def nft():
    name = f"rttr-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)

    def run(*words, text=""):
        done = subprocess.run(
            ["ip", "netns", "exec", name, "nft", *words], input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.parametrize("udp", [True, False])
def test_it_is_taken_and_said_back(nft, udp):
    translation = Translation(4434)
    translation.attach(AGENT, 434)
    tunnels = [
        Tunnel("roam1", CARE_OF, AGENT, "udp", 5000, 434),
        Tunnel("roam2", AGENT, CARE_OF, "udp", 434, 40001, hidden=True),
    ]
    wanted = list(translation.ends(tunnels, udp=udp))
    if udp:
        wanted += [item for tunnel in tunnels for item in translation.elements(tunnel)]
    text = f"table ip roamd {{\n{translation.text(udp=udp)}}}\n"
    for item in wanted:
        element = f"{item.key} : {item.data}" if item.data else item.key
        text += f"add element ip roamd {item.set} {{ {element} }}\n"
    nft("-c", "-f", "-", text=text)
    nft("-f", "-", text=text)
    found = elements_of(json.loads(nft("-j", "list", "table", "ip", "roamd"))["nftables"])
    assert set(found) == set(wanted)
