"""A feed: package files, and the indexes by which opkg and apk find them.  Unsigned."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence

from openwrt.packaging import apk, ipk
from openwrt.packaging.package import Package

__all__ = ["feed"]


def feed(packages: Sequence[Package]) -> dict[str, bytes]:
    """File names and their octets."""
    files: dict[str, bytes] = {}
    stanzas = []
    for package in sorted(packages, key=lambda one: one.name):
        name, octets = ipk.filename(package), ipk.ipk(package)
        files[name] = octets
        stanzas.append(_stanza(ipk.control(package), name, octets))
        files[apk.filename(package)] = apk.apk(package)
    index = "\n".join(stanzas).encode()
    files["Packages"] = index
    files["Packages.gz"] = gzip.compress(index, 9, mtime=0)
    files["packages.adb"] = apk.index((package, len(files[apk.filename(package)])) for package in packages)
    return files


def _stanza(control: str, name: str, octets: bytes) -> str:
    """The control file, with what says which file it is before the description."""
    before, mark, description = control.partition("Description: ")
    where = f"Filename: {name}\nSize: {len(octets)}\nSHA256sum: {hashlib.sha256(octets).hexdigest()}\n"
    return before + where + mark + description
