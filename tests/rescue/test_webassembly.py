"""What the rescue tool's package holds, in the MicroPython of OpenWrt's feed: the byte code of a newer compiler."""

import json
import os
import shutil
import subprocess

import pytest

from openwrt.packaging.tree import write_tree

VERSION = "1.23.0"
BUILD = "@micropython/micropython-webassembly-pyscript"
RUNNER = os.path.join(os.path.dirname(__file__), "webassembly.mjs")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """MicroPython for node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node or no npm; the Unix build runs all the same (test_micropython)")
    folder = tmp_path_factory.mktemp("node")
    words = [
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        folder,
        f"{BUILD}@{VERSION}",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"npm cannot get {BUILD} {VERSION}: {done.stderr.strip()[-200:]}")
    return folder / "node_modules" / BUILD / "micropython.mjs"


def test_every_module_of_the_package_is_understood_by_the_feeds_micropython(build, packages, tmp_path):
    write_tree(packages["roamd-rescue"], str(tmp_path))
    home = tmp_path / "usr/lib/roamd-rescue"
    files = sorted(str(path.relative_to(home)) for path in home.rglob("*.mpy"))
    assert len(files) > 50
    done = subprocess.run(
        ["node", RUNNER, build, home, *files], capture_output=True, text=True, timeout=120, check=True
    )
    found = json.loads(done.stdout)
    assert f"MicroPython v{VERSION} " in found["version"]
    # A browser has no sockets; who wants them was read, and came as far as that.
    lacking = {name for name, why in found["failed"].items() if why.endswith("no module named 'socket'")}
    assert lacking == {"openwrt.rescue.links", "openwrt.rescue.ways"}
    assert found["failed"].keys() == lacking
