"""Which files of the checkout a package has, and where on a router they go."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator

from openwrt.packaging.luci import options_module
from openwrt.packaging.micropython import compiled
from openwrt.packaging.package import File, Package
from openwrt.packaging.recipe import read_recipe
from openwrt.packaging.source import stripped
from openwrt.packaging.validation import validation

__all__ = ["PACKAGES", "package", "write_tree"]

PACKAGES = ("roamd", "roamd-modem", "roamd-console", "roamd-agent", "roamd-rescue", "luci-app-roamd")

_HOME = "usr/lib/roamd"
"""A folder of its own, since Python's has the version in its name."""
_RESCUE = "usr/lib/roamd-rescue"
_PARTS = {
    "roamd-agent": (
        "router/mip/home/", "router/mip/foreign/", "router/flow/home_", "router/flow/foreign_",
        "router/plane/home_", "router/plane/foreign_", "router/daemon/home_", "router/daemon/foreign_agent.py",
        "router/daemon/reflector.py",
    ),
    "roamd-modem": (
        "modem/", *(f"router/uplink/{name}.py" for name in (
            "cellular", "child", "dhcp", "modem_memory", "ppp", "roster", "session_link", "uevents", "upkeep",
        )),
        "router/path/radio.py", "router/daemon/modems.py", "router/control/modem_cli.py",
    ),
    "roamd-console": (
        "router/console/", "router/diagnosis/steps.py", *(f"router/daemon/{name}.py" for name in (
            "capture", "field", "headers", "name_server", "ping", "recorder", "uplink_test",
        )),
        "router/sim/",
        *(f"router/control/{name}.py" for name in (
            "answering", "envelope", "field_cli", "framing", "pcap", "support", "top_cli", "top_screen",
        )),
    ),
}  # fmt: skip
"""What only agents need, only cellular uplinks, and only a technician."""
_SHARED = (
    "modem/__init__.py", "modem/redact.py", "modem/replies.py", "modem/ports/__init__.py", "modem/ports/folders.py",
    "modem/ports/owner.py",
)  # fmt: skip
"""What others than `roamd-modem` need of it."""
_DEVELOPMENT = (
    "router/lab/", "router/control/simulate_", "router/control/replay_cli.py", "modem/ports/micropython.py",
    "router/control/serial_line.py", "router/control/calling.py", "router/control/fetch.py",
    *(f"router/sim/{name}.py" for name in (
        "bond", "compare", "csv_trace", "estimates", "link", "policies", "replay", "trace", "watch", "workload",
    )),
)  # fmt: skip
"""What a router does not do: the demo, the simulator, and asking others over a serial line."""
_ASKING = (
    "__init__", "address", "at", "bands", "events", "facts", "knowledge", "network", "outcome", "replies", "results", "signal",
    "sync", "text", "families/*", "ports/__init__", "ports/folders", "ports/micropython", "ports/owner", "ports/probe",
    "ports/roles", "ports/sysfs",
)  # fmt: skip
"""What the rescue tool needs of `modem`: who asks once has no use for dialogues."""
_JUDGING = ("judge", "layout", "modem", "summary", "words")
_SECTIONS = {
    "roamd": ("roamd", "mobile_node", "uplink", "flow", "peer", "led", "console"),
    "roamd-agent": (
        "roamd", "home_agent", "foreign_agent", "home_network", "mobile", "peer", "visitor", "flow",
    ),
}  # fmt: skip
_PAGES, _OPTIONS = "luci-app-roamd", "www/luci-static/resources/roamd/options.js"
_RUNNABLE = ("etc/init.d/", "etc/uci-defaults/", "usr/bin/", "usr/sbin/")
_SECRET = ("etc/config/",)


def package(root: str, name: str, time: int) -> Package:
    """`root` is the checkout; raises OSError, RecipeError and SyntaxError."""
    recipe = read_recipe(name, _read(os.path.join(root, "openwrt", name, "Makefile")).decode())
    return Package(
        name=name,
        version=recipe.version,
        title=recipe.need("TITLE"),
        description=recipe.blocks["description"],
        licence=recipe.need("PKG_LICENSE"),
        maintainer=recipe.need("PKG_MAINTAINER"),
        url=recipe.need("URL"),
        section=recipe.need("SECTION"),
        depends=recipe.depends,
        conffiles=tuple(recipe.blocks.get("conffiles", "").split()),
        prerm=recipe.blocks.get("prerm", ""),
        files=tuple(sorted(_files(root, name), key=lambda file: file.path)),
        time=time,
    )


def write_tree(package: Package, folder: str) -> None:
    """Put the files under `folder`, as the SDK wants them."""
    for file in package.files:
        filename = os.path.join(folder, file.path)
        os.makedirs(os.path.dirname(filename), exist_ok=True)
        with open(filename, "wb") as out:
            out.write(file.content)
        os.chmod(filename, file.mode)


def _files(root: str, name: str) -> Iterator[File]:
    own = os.path.join(root, "openwrt", name, "files")
    for path in _walk(own):
        yield File(path, _mode(path), _read(os.path.join(own, path)))
    if name == _PAGES:
        yield File(_OPTIONS, 0o644, options_module(_SECTIONS).encode())
    else:
        yield from _rescue(root) if name == "roamd-rescue" else _daemon(root, name)


def _rescue(root: str) -> Iterator[File]:
    judging = ("__init__", "diagnosis/__init__", *(f"diagnosis/{name}" for name in _JUDGING))
    for top, wanted in (("modem", _ASKING), ("openwrt/rescue", ("*",)), ("router", judging)):
        for path in sorted(_walk(os.path.join(root, top))):
            module, extension = os.path.splitext(path)
            if extension == ".py" and any(fnmatch.fnmatchcase(module, one) for one in wanted):
                text = stripped(_read(os.path.join(root, top, path)).decode())
                octets = compiled(text, f"{top}/{path}")
                yield File(f"{_RESCUE}/{top}/{module}.mpy", 0o644, octets)


def _daemon(root: str, name: str) -> Iterator[File]:
    for path in _code(root):
        if path.startswith(_DEVELOPMENT) or _owner(path) != name:
            continue
        text = stripped(_read(os.path.join(root, path)).decode())
        yield File(f"{_HOME}/{path}", 0o644, text.encode())
    if name in _SECTIONS:
        rules = validation(name, _SECTIONS[name]).encode()
        yield File(f"usr/share/roamd/validate-{name}.sh", 0o644, rules)
        sample = _read(os.path.join(root, "openwrt", "files", f"{name}.config"))
        yield File(f"usr/share/roamd/{name}.config", 0o644, sample)


def _owner(path: str) -> str:
    """The package that a file of the code is in."""
    if path in _SHARED:
        return "roamd"
    return next((name for name, paths in _PARTS.items() if path.startswith(paths)), "roamd")


def _code(root: str) -> Iterator[str]:
    for top in ("modem", "router"):
        for path in _walk(os.path.join(root, top)):
            if path.endswith(".py"):
                yield f"{top}/{path}"


def _mode(path: str) -> int:
    return 0o755 if path.startswith(_RUNNABLE) else 0o600 if path.startswith(_SECRET) else 0o644


def _walk(folder: str) -> Iterator[str]:
    """Paths of all files below, relative to it."""
    for where, _, names in os.walk(folder):
        yield from (os.path.relpath(os.path.join(where, name), folder) for name in names)


def _read(filename: str) -> bytes:
    with open(filename, "rb") as file:
        return file.read()
