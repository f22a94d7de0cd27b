"""Lab tests run where they can, say why where they cannot, and must run in CI."""

import os
import shutil

import pytest


def _lacking():
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("ip", "tc", "nft"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    return None


def pytest_collection_modifyitems(config, items):
    why = _lacking()
    if why is None:
        return
    if os.environ.get("CI"):
        pytest.exit(f"lab tests must run here, but: {why}", returncode=3)
    skip = pytest.mark.skip(reason=f"lab test: {why}")
    for item in items:
        if "lab" in item.keywords:
            item.add_marker(skip)
