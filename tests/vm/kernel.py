"""A Debian kernel with all its modules, unpacked in the checkout: nothing is installed."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Kernel", "Unavailable", "find", "get"]

_META = "linux-image-amd64"
_NEEDS = {
    "apt-get": "Debian's or Ubuntu's apt; elsewhere run the lab on such a machine",
    "dpkg-deb": "apt-get install dpkg",
    "depmod": "apt-get install kmod",
}


class Unavailable(Exception):
    """The lab cannot be had on this machine; the text says why and what to do."""


@dataclass(frozen=True)
class Kernel:
    """Of an unpacked package: `image` is the file to boot, `release` what `uname -r` will say."""

    image: str

    @property
    def release(self) -> str:
        return os.path.basename(self.image).removeprefix("vmlinuz-")


def find(folder: str) -> Kernel | None:
    """The newest kernel that is unpacked in `folder`, or None."""
    images = glob.glob(os.path.join(glob.escape(folder), "linux-image-*", "boot", "vmlinuz-*"))
    return Kernel(max(images, key=os.path.getmtime)) if images else None


def get(folder: str, say: Callable[[str], None]) -> Kernel:
    """Download and unpack the package that `linux-image-amd64` stands for.  Raises Unavailable."""
    for tool, remedy in _NEEDS.items():
        if shutil.which(tool) is None:
            raise Unavailable(f"the kernel's package needs {tool}: {remedy}")
    os.makedirs(folder, exist_ok=True)
    # Unpacked beside and renamed, so that a run that was cut off is not taken for a kernel.
    with tempfile.TemporaryDirectory(dir=folder) as work:
        package = _download(work, say)
        say(f"unpacking {package} ...")
        root = os.path.join(work, "root")
        _run("dpkg-deb", "-x", *glob.glob(os.path.join(glob.escape(work), "*.deb")), root)
        for modules in glob.glob(os.path.join(glob.escape(root), "lib", "modules", "*")):
            _run("depmod", "-b", root, os.path.basename(modules))
        os.rename(root, os.path.join(folder, package))
    kernel = find(folder)
    if kernel is None:
        raise Unavailable(f"{package} holds no boot/vmlinuz-*: remove {folder} and try again")
    return kernel


def _download(folder: str, say: Callable[[str], None]) -> str:
    """Put the package into `folder`; its name.  With package lists that are missing or old, anew with fresh ones."""
    for fresh in (False, True):
        if fresh:
            _refresh(say)
        package = _package()
        if package is None:
            continue
        say(f"downloading {package} ...")
        try:
            _run("apt-get", "download", "-q", package, cwd=folder)
        except Unavailable:
            if fresh:
                raise
        else:
            return package
    raise Unavailable(f"apt knows no {_META}: add Debian's main repository for amd64 to apt's sources")


def _package() -> str | None:
    done = subprocess.run(["apt-cache", "depends", "--important", _META], capture_output=True, text=True)
    found = re.search(r"Depends: (linux-image-\d\S*)", done.stdout)
    return found.group(1) if found else None


def _refresh(say: Callable[[str], None]) -> None:
    if os.geteuid() != 0:
        raise Unavailable(f"apt has no current list with {_META}: sudo apt-get update, then again")
    say("refreshing apt's package lists ...")
    _run("apt-get", "update", "-q")


def _run(*command: str, cwd: str | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
