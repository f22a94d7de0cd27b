"""An .ipk: a gzip'ed tar of two gzip'ed tars, for opkg."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable

from openwrt.packaging.deflate import Deflate, gzipped
from openwrt.packaging.package import File, Package

__all__ = ["control", "filename", "ipk"]

_POSTINST = """\
#!/bin/sh
[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0
[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
. ${IPKG_INSTROOT}/lib/functions.sh
default_postinst $0 $@
"""
_PRERM = """\
#!/bin/sh
[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
. ${IPKG_INSTROOT}/lib/functions.sh
default_prerm $0 $@
"""


def filename(package: Package) -> str:
    """As opkg's feeds name it."""
    return f"{package.name}_{package.version}_all.ipk"


def ipk(package: Package, deflate: Deflate) -> bytes:
    """The file's octets; the same for the same package and `deflate`."""
    data = _data(package)
    scripts = [File("postinst", 0o755, _POSTINST.encode()), File("prerm", 0o755, _PRERM.encode())]
    if package.prerm:
        scripts.append(File("prerm-pkg", 0o755, package.prerm.encode()))
    if package.conffiles:
        scripts.append(File("conffiles", 0o644, _lines(package.conffiles)))
    about = File("control", 0o644, control(package).encode())
    inner = (
        File("debian-binary", 0o644, b"2.0\n"),
        File("data.tar.gz", 0o644, gzipped(data, deflate)),
        File("control.tar.gz", 0o644, gzipped(_tar([about, *scripts], (), package.time), deflate)),
    )
    # In this order, as opkg's own tools write it.
    return gzipped(_tar(inner, (), package.time, in_order=True), deflate)


def control(package: Package) -> str:
    """The control file."""
    return _lines(_fields(package, len(_data(package)))).decode()


def _data(package: Package) -> bytes:
    return _tar(package.files, package.folders(), package.time)


def _fields(package: Package, installed_size: int) -> Iterable[str]:
    yield f"Package: {package.name}"
    yield f"Version: {package.version}"
    if package.depends:
        yield f"Depends: {', '.join(package.depends)}"
    yield f"License: {package.licence}"
    yield f"Section: {package.section}"
    yield f"SourceDateEpoch: {package.time}"
    yield f"URL: {package.url}"
    yield f"Maintainer: {package.maintainer}"
    yield "Architecture: all"
    yield f"Installed-Size: {installed_size}"
    first, *more = (line.strip() for line in package.description.strip().splitlines())
    yield f"Description: {first}"
    yield from (f" {line}" for line in more)


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _tar(files: Iterable[File], folders: Iterable[str], time: int, in_order: bool = False) -> bytes:
    """Owner root, one time for all, GNU format, names after `./`."""
    members: list[tuple[str, File | None]] = [(f"./{file.path}", file) for file in files]
    members += [(f"./{folder}", None) for folder in folders]
    if not in_order:
        members = [("./", None), *sorted(members, key=lambda member: member[0])]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, file in members:
            info = tarfile.TarInfo(name)
            info.mtime = time
            if file is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.mode, info.size = file.mode, len(file.content)
                tar.addfile(info, io.BytesIO(file.content))
    return out.getvalue()
