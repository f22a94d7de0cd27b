"""The whole story, as a user runs it."""

import json
import os
import subprocess
import sys

import pytest

from router.lab.topology import leftovers

pytestmark = pytest.mark.lab

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def host():
    """What of the host's own network the demo must not touch."""
    commands = (
        ["ip", "-o", "link"],
        ["ip", "rule"],
        ["ip", "route", "show", "table", "all"],
        ["nft", "list", "ruleset"],
    )
    return [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands
    ]


@pytest.mark.alone
def test_the_demo_passes_and_leaves_nothing(tmp_path):
    before = host()
    figures = tmp_path / "demo.json"
    command = [
        sys.executable,
        "-m",
        "router.cli",
        "demo",
        "--json",
        str(figures),
        "--pcap",
        str(tmp_path / "pcap"),
    ]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = demo.communicate(timeout=90)
    assert demo.returncode == 0, said
    found = json.loads(figures.read_text())
    assert all(check["ok"] for check in found["checks"])
    assert {"uplinks", "bindings", "aggregate_mbps", "sum_of_links_mbps", "policy", "cut", "return"} <= set(
        found
    )
    assert found["aggregate_mbps"] / found["sum_of_links_mbps"] >= 0.85
    assert min(found["policy"].values()) >= 0.99
    assert found["cut"]["tcp_survived"]
    assert found["cut"]["outage_ms"] <= 1000
    assert [binding["nat"] for binding in found["bindings"]] == [False, True]
    assert all((tmp_path / "pcap" / f"{name}.pcap").stat().st_size > 1000 for name in ("wlan0", "wwan0"))
    assert host() == before
    assert leftovers(f"roam{demo.pid}-") == []


def test_without_rights_the_demo_says_what_to_type():
    # The interpreter itself may lie where only root can read: import first, then give up the rights.
    code = "import os, sys; from router.cli import main; import router.lab.demo; os.setuid(65534); sys.exit(main(['demo']))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "sudo" in done.stderr
