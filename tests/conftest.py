"""Lab tests run where they can, say why where they cannot, and must run in CI; vm tests run in the real-kernel lab."""

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


def _skip(items, marker, reason):
    for item in items:
        if marker in item.keywords:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_modifyitems(config, items):
    # tests/vm/guest.sh says it.
    if "ROAMD_VM" not in os.environ:
        _skip(items, "vm", "runs in the real-kernel lab: invoke vm")
    why = _lacking()
    if why is None:
        return
    if os.environ.get("CI"):
        pytest.exit(f"lab tests must run here, but: {why}", returncode=3)
    _skip(items, "lab", f"lab test: {why}")
