"""A stock kernel, as a router would have it."""

import json
import os
import subprocess
import sys

import pytest

from router.lab.topology import leftovers

pytestmark = pytest.mark.vm

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.mark.parametrize("module", ["ipip", "ip_gre", "fou", "sch_netem", "mac80211_hwsim"])
def test_the_module_is_there(module):
    loaded = os.path.isdir(f"/sys/module/{module}")
    # Radios come with their module unless told otherwise.
    options = ["radios=0"] if module == "mac80211_hwsim" else []
    subprocess.run(["modprobe", module, *options], check=True)
    try:
        assert os.path.isdir(f"/sys/module/{module}")
    finally:
        if not loaded:
            subprocess.run(["modprobe", "-r", module], check=True)


def test_the_demo_passes_with_its_tunnels_in_the_kernel(tmp_path):
    figures = tmp_path / "demo.json"
    # Emulated processors cannot fill wider links.
    rates = ["--wifi-mbps", "8", "--cell-mbps", "2"]
    command = [sys.executable, "-m", "router.cli", "demo", "--json", str(figures), *rates]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())
    assert all(check["ok"] for check in found["checks"])
    assert os.uname().release in found["machine"]
    planes = {tunnel["bid"]: tunnel["plane"] for tunnel in found["tunnels"]}
    assert {binding["bid"] for binding in found["bindings"]} == planes.keys()
    assert [t["plane"] for t in found["tunnels"] if t["encapsulation"] == "ipip"] == ["kernel"]
    assert leftovers("roam") == []
