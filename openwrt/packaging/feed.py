"""A feed: package files, and the indexes by which opkg and apk find them, signed where there is a key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from openwrt.packaging import apk, ipk
from openwrt.packaging.deflate import Deflate, gzipped
from openwrt.packaging.package import Package
from openwrt.packaging.signature import Signer, signify_key, signify_signature

__all__ = ["feed"]


def feed(packages: Sequence[Package], deflate: Deflate, signer: Signer | None = None) -> dict[str, bytes]:
    """File names and their octets."""
    files: dict[str, bytes] = {}
    stanzas = []
    for package in sorted(packages, key=lambda one: one.name):
        name, octets = ipk.filename(package), ipk.ipk(package, deflate)
        files[name] = octets
        stanzas.append(_stanza(ipk.control(package), name, octets))
        files[apk.filename(package)] = apk.apk(package, deflate, signer)
    index = "\n".join(stanzas).encode()
    files["Packages"] = index
    files["Packages.gz"] = gzipped(index, deflate)
    sizes = [(package, len(files[apk.filename(package)])) for package in packages]
    files["packages.adb"] = apk.index(sizes, deflate, signer)
    if signer is not None:
        files["Packages.sig"] = signify_signature(signer, index)
        files["roamd.pub"], files["roamd.pem"] = signify_key(signer), signer.ecdsa_pem
    return files


def _stanza(control: str, name: str, octets: bytes) -> str:
    """The control file, with what says which file it is before the description."""
    before, mark, description = control.partition("Description: ")
    where = f"Filename: {name}\nSize: {len(octets)}\nSHA256sum: {hashlib.sha256(octets).hexdigest()}\n"
    return before + where + mark + description
