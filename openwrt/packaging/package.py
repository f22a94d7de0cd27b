"""What a package is, before it is an .ipk or an .apk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["File", "Package"]


@dataclass(frozen=True)
class File:
    """`path` without a leading slash; `mode` is the permission bits."""

    path: str
    mode: int
    content: bytes


@dataclass(frozen=True)
class Package:
    """One package for every architecture.  `version` is like `1.2.3-r1`, `time` in seconds since 1970."""

    name: str
    version: str
    title: str
    description: str
    licence: str
    maintainer: str
    url: str
    section: str
    depends: tuple[str, ...]
    conffiles: tuple[str, ...]
    prerm: str
    files: tuple[File, ...]
    time: int

    @property
    def size(self) -> int:
        """Octets of all files."""
        return sum(len(file.content) for file in self.files)

    def folders(self) -> Iterator[str]:
        """Every folder on the way to a file, without the root, sorted."""
        found: set[str] = set()
        for file in self.files:
            parts = file.path.split("/")[:-1]
            found.update("/".join(parts[: count + 1]) for count in range(len(parts)))
        yield from sorted(found)
