"""`python -m openwrt.packaging build FOLDER`, `keys FILE` and, for the SDK, `python -m openwrt.packaging tree PACKAGE FOLDER`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from openwrt.packaging.deflate import thorough
from openwrt.packaging.feed import feed
from openwrt.packaging.keys import KeyFileError, make_keys, read_keys
from openwrt.packaging.package import Package
from openwrt.packaging.recipe import RecipeError
from openwrt.packaging.tree import PACKAGES, package, write_tree

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_EPOCH = "SOURCE_DATE_EPOCH"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m openwrt.packaging", description="Package files for OpenWrt."
    )
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="write a feed: .ipk, .apk and their indexes")
    build.add_argument("folder")
    build.add_argument("--key", metavar="FILE", help="sign with the keys in this file")
    build.add_argument("--json", metavar="FILE", help="write the sizes to this file")
    build.set_defaults(action=_build)
    keys = commands.add_parser("keys", help="make keys to sign a feed with")
    keys.add_argument("file")
    keys.set_defaults(action=lambda arguments: make_keys(arguments.file))
    tree = commands.add_parser("tree", help="write what a package installs, as files")
    tree.add_argument("package", choices=PACKAGES)
    tree.add_argument("folder")
    tree.set_defaults(action=_tree)
    arguments = parser.parse_args()
    try:
        arguments.action(arguments)
    except (
        OSError,
        ImportError,
        KeyFileError,
        RecipeError,
        SyntaxError,
        subprocess.CalledProcessError,
    ) as error:
        print(f"packaging: {error}", file=sys.stderr)
        return 1
    return 0


def _build(arguments: argparse.Namespace) -> None:
    packages = [package(_ROOT, name, _time()) for name in PACKAGES]
    files = feed(packages, thorough, read_keys(arguments.key) if arguments.key else None)
    os.makedirs(arguments.folder, exist_ok=True)
    for name, octets in files.items():
        with open(os.path.join(arguments.folder, name), "wb") as file:
            file.write(octets)
        print(f"{len(octets) / 1024:8.1f} KiB  {os.path.join(arguments.folder, name)}")
    for one in packages:
        print(f"{one.size / 1024:8.1f} KiB  {one.name} unpacked, without byte code")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"sizes": _sizes(files), "unpacked": _unpacked(packages)}, file, indent=2)


def _sizes(files: dict[str, bytes]) -> dict[str, int]:
    return {name: len(octets) for name, octets in files.items()}


def _unpacked(packages: list[Package]) -> dict[str, int]:
    return {package.name: package.size for package in packages}


def _tree(arguments: argparse.Namespace) -> None:
    write_tree(package(_ROOT, arguments.package, _time()), arguments.folder)


def _time() -> int:
    """The commit's time, so that a commit always gives the same octets."""
    if _EPOCH in os.environ:
        return int(os.environ[_EPOCH])
    said = subprocess.run(
        ["git", "-C", _ROOT, "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True
    )
    return int(said.stdout)


if __name__ == "__main__":
    sys.exit(main())
