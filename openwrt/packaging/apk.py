"""An .apk of version 3, and the index of a feed of them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from itertools import groupby

from openwrt.packaging.adb import ADB, DATA, Writer, block, container
from openwrt.packaging.deflate import Deflate
from openwrt.packaging.package import File, Package
from openwrt.packaging.signature import Signer, adb_signature

__all__ = ["apk", "filename", "index"]

_UNIQUE = 20
"""Octets of the hash by which apk knows one build from another."""
_NAME, _VERSION, _HASHES, _DESCRIPTION, _ARCH, _LICENCE = 1, 2, 3, 4, 5, 6
_ORIGIN, _MAINTAINER, _URL, _BUILD_TIME, _INSTALLED_SIZE, _FILE_SIZE, _DEPENDS = 7, 8, 9, 11, 12, 13, 15
_POST_INSTALL, _PRE_DEINSTALL, _POST_UPGRADE = 3, 4, 7

_BEGIN = """\
#!/bin/sh
[ "${{IPKG_NO_SCRIPT}}" = "1" ] && exit 0
[ -s ${{IPKG_INSTROOT}}/lib/functions.sh ] || exit 0
. ${{IPKG_INSTROOT}}/lib/functions.sh
export root="${{IPKG_INSTROOT}}"
export pkgname="{name}"
"""


def filename(package: Package) -> str:
    """As apk's feeds name it."""
    return f"{package.name}-{package.version}.apk"


def apk(package: Package, deflate: Deflate, signer: Signer | None = None) -> bytes:
    """The file's octets; unsigned, the same for the same package and `deflate`."""
    folders = _folders(package)
    blocks = _head(b"pckg", _payload(package, folders, _unique(package)), signer)
    for number, (_, group) in enumerate(folders, 1):
        for place, file in enumerate(group, 1):
            if file.content:
                blocks.append(block(DATA, struct.pack("<II", number, place) + file.content))
    return container(b"pckg", blocks, deflate)


def index(packages: Iterable[tuple[Package, int]], deflate: Deflate, signer: Signer | None = None) -> bytes:
    """`packages.adb` of a feed: packages, and how many octets their .apk files have."""
    writer = Writer()
    infos = []
    for package, size in sorted(packages, key=lambda pair: pair[0].name):
        info = _info(writer, package, _unique(package))
        infos.append(writer.object({**info, _FILE_SIZE: writer.number(size)}))
    root = writer.object({1: writer.text("roamd"), 2: writer.array(infos)})
    return container(b"indx", _head(b"indx", writer.payload(root), signer), deflate)


def _head(schema: bytes, payload: bytes, signer: Signer | None) -> list[bytes]:
    signatures = [adb_signature(signer, schema, payload)] if signer is not None else []
    return [block(ADB, payload), *signatures]


def _place(file: File) -> tuple[bytes, bytes]:
    folder, _, name = file.path.rpartition("/")
    return folder.encode(), name.encode()


def _folder(file: File) -> str:
    return file.path.rpartition("/")[0]


def _lists(package: Package) -> Iterable[File]:
    """What OpenWrt's scripts look up of an installed package."""
    where = f"lib/apk/packages/{package.name}"
    yield File(f"{where}.list", 0o644, "".join(f"/{file.path}\n" for file in package.files).encode())
    if not package.conffiles:
        return
    contents = {f"/{file.path}": file.content for file in package.files}
    yield File(f"{where}.conffiles", 0o644, "".join(f"{name}\n" for name in package.conffiles).encode())
    sums = (f"{name} {hashlib.sha256(contents[name]).hexdigest()}\n" for name in package.conffiles)
    yield File(f"{where}.conffiles_static", 0o644, "".join(sums).encode())


def _folders(package: Package) -> list[tuple[str, list[File]]]:
    """Only those that have files: apk makes the ones above them by itself."""
    files = sorted((*package.files, *_lists(package)), key=_place)
    return [(folder, list(group)) for folder, group in groupby(files, _folder)]


def _unique(package: Package) -> bytes:
    """The hash of the payload, as if in its own place there were zeros."""
    return hashlib.sha256(_payload(package, _folders(package), bytes(_UNIQUE))).digest()[:_UNIQUE]


def _payload(package: Package, folders: Sequence[tuple[str, list[File]]], unique: bytes) -> bytes:
    writer = Writer()
    info = writer.object(_info(writer, package, unique))
    acls = {
        mode: _acl(writer, mode)
        for mode in sorted({0o755, *(file.mode for _, group in folders for file in group)})
    }
    paths = [
        writer.object(
            {
                1: writer.text(folder),
                2: acls[0o755],
                3: writer.array([_file(writer, file, acls[file.mode], package.time) for file in group]),
            }
        )
        for folder, group in folders
    ]
    return writer.payload(writer.object({1: info, 2: writer.array(paths), 3: _scripts(writer, package)}))


def _info(writer: Writer, package: Package, unique: bytes) -> dict[int, int]:
    depends = [writer.object({1: writer.text(name)}) for name in sorted(package.depends)]
    return {
        _NAME: writer.text(package.name),
        _VERSION: writer.text(package.version),
        _HASHES: writer.blob(unique),
        _DESCRIPTION: writer.text(package.title),
        _ARCH: writer.text("noarch"),
        _LICENCE: writer.text(package.licence),
        _ORIGIN: writer.text(package.name),
        _MAINTAINER: writer.text(package.maintainer),
        _URL: writer.text(package.url),
        _BUILD_TIME: writer.number(package.time),
        _INSTALLED_SIZE: writer.number(package.size),
        _DEPENDS: writer.array(depends),
    }


def _acl(writer: Writer, mode: int) -> int:
    return writer.object({1: writer.number(mode), 2: writer.text("root"), 3: writer.text("root")})


def _file(writer: Writer, file: File, acl: int, time: int) -> int:
    return writer.object(
        {
            1: writer.text(file.path.rpartition("/")[2]),
            2: acl,
            3: writer.number(len(file.content)),
            4: writer.number(time),
            5: writer.blob(hashlib.sha256(file.content).digest()),
        }
    )


def _scripts(writer: Writer, package: Package) -> int:
    begin = _BEGIN.format(name=package.name)
    # What the Makefile gives as prerm begins with a line of its own.
    more = package.prerm.removeprefix("#!/bin/sh\n")
    return writer.object(
        {
            _POST_INSTALL: writer.text(f"{begin}add_group_and_user\ndefault_postinst\n"),
            _PRE_DEINSTALL: writer.text(f"{begin}default_prerm\n{more}"),
            _POST_UPGRADE: writer.text(
                f"{begin}export PKG_UPGRADE=1\nadd_group_and_user\ndefault_postinst\n"
            ),
        }
    )
