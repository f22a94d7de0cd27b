"""The five message classes of pyroute2 that are needed, without all else that `import pyroute2` brings along.

The package's own module imports everything there is, from sqlite3 to a shell: 12 MiB that a router does not have
to give away, and modules (ctypes, uuid, unittest) that it may not have.  So while the classes are imported, a package
stands in its place that has its folder and has not run its module.  Whoever wants the whole later still gets it.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import import_module
from typing import Any

__all__ = ["fibmsg", "ifaddrmsg", "ifinfmsg", "ndmsg", "rtmsg"]

_NAMES = ("fibmsg", "ifaddrmsg", "ifinfmsg", "ndmsg", "rtmsg")


def _classes() -> list[Any]:
    """Raises ModuleNotFoundError where pyroute2 is not installed."""
    whole = "pyroute2" in sys.modules
    spec = importlib.util.find_spec("pyroute2")
    if spec is None:
        raise ModuleNotFoundError("no module named 'pyroute2': install python3-pyroute2", name="pyroute2")
    if not whole:
        sys.modules["pyroute2"] = importlib.util.module_from_spec(spec)
    try:
        return [getattr(import_module(f"pyroute2.netlink.rtnl.{name}"), name) for name in _NAMES]
    finally:
        if not whole:
            del sys.modules["pyroute2"]


fibmsg, ifaddrmsg, ifinfmsg, ndmsg, rtmsg = _classes()
