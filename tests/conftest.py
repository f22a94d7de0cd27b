"""Lab tests run where they can, say why where they cannot, and must run in CI; vm tests run in the real-kernel lab.

Tests run in several processes at once, each module in one of them.
"""

import fcntl
import os
import pickle
import shutil

import pytest

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """This checkout's packages by name, made once for all processes of the run."""
    from openwrt.packaging.micropython import NoCompiler
    from openwrt.packaging.tree import PACKAGES, package

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    kept = folder / "packages"
    with open(folder / "packages.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            try:
                made = {name: package(_ROOT, name, 1_700_000_000) for name in PACKAGES}
            except NoCompiler as error:
                (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
            kept.write_bytes(pickle.dumps(made))
    return pickle.loads(kept.read_bytes())
