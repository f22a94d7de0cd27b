"""Which files of the checkout a package has, and where on a router they go."""

from __future__ import annotations

import os
from collections.abc import Iterator

from openwrt.packaging.package import File, Package
from openwrt.packaging.recipe import read_recipe
from openwrt.packaging.source import stripped
from openwrt.packaging.validation import validation

__all__ = ["PACKAGES", "package", "write_tree"]

PACKAGES = ("roamd", "roamd-modem", "roamd-agent")

_HOME = "usr/lib/roamd"
"""A folder of its own, since Python's has the version in its name."""
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
        "router/path/radio.py", "router/daemon/modems.py", "router/control/modem_", "router/control/graph.py",
    ),
}  # fmt: skip
"""What only home and foreign agents need, and what only cellular uplinks do."""
_DEVELOPMENT = (
    "router/lab/", "router/control/simulate_", "router/control/replay_cli.py", "modem/ports/micropython.py",
    *(f"router/sim/{name}.py" for name in (
        "bond", "compare", "csv_trace", "estimates", "link", "policies", "replay", "trace", "watch", "workload",
    )),
)  # fmt: skip
"""What a router does not do: the demo and the simulator."""
_SECTIONS = {
    "roamd": ("roamd", "mobile_node", "uplink", "flow", "led"),
    "roamd-agent": (
        "roamd", "home_agent", "foreign_agent", "home_network", "mobile", "peer", "visitor", "flow",
    ),
}  # fmt: skip
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
    for path in _code(root):
        if path.startswith(_DEVELOPMENT) or _owner(path) != name:
            continue
        text = stripped(_read(os.path.join(root, path)).decode())
        yield File(f"{_HOME}/{path}", 0o644, text.encode())
    own = os.path.join(root, "openwrt", name, "files")
    for path in _walk(own):
        yield File(path, _mode(path), _read(os.path.join(own, path)))
    if name in _SECTIONS:
        rules = validation(name, _SECTIONS[name]).encode()
        yield File(f"usr/share/roamd/validate-{name}.sh", 0o644, rules)
        sample = _read(os.path.join(root, "openwrt", "files", f"{name}.config"))
        yield File(f"usr/share/roamd/{name}.config", 0o644, sample)


def _owner(path: str) -> str:
    """The package that a file of the code is in."""
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
