"""One archive for the back office: what the daemon tells of itself and of the machine, without secrets."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from typing import Any, BinaryIO

from modem.redact import Redactor
from router.control.client import ControlError
from router.control.output import as_json
from router.diagnosis import summary

__all__ = ["archive"]

_FOLDER = "roamd-support"
_ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("summary", "summary", {}),
    ("status", "status", {}),
    ("events", "events", {"limit": 400}),
    ("flows", "flows", {"all": True, "limit": 200}),
    ("modems", "modem_list", {}),
    ("version", "version", {}),
    ("config", "config", {}),
    ("machine", "machine", {}),
)
_IDENTITY = re.compile(r"(?<!\d)\d{14,20}(?!\d)")
"""IMEI, IMSI, ICCID."""


def archive(ask: Callable[..., Any], file: BinaryIO, at: float, patience: float) -> list[str]:
    """Write a tar.gz; the names in it.  What the daemon does not answer is in `missing.txt`."""
    redactor = Redactor()
    texts: dict[str, str] = {}
    missing = []
    for name, method, params in _ASKED:
        try:
            found = ask(method, params, patience)
        except ControlError as error:
            missing.append(f"{name}: {error}")
            continue
        texts |= _files(name, found)
    if missing:
        texts["missing.txt"] = "\n".join(missing) + "\n"
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, text in texts.items():
            octets = _IDENTITY.sub(lambda found: redactor.clean(found[0], False), text).encode()
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime = len(octets), int(at)
            tar.addfile(entry, io.BytesIO(octets))
    return list(texts)


def _files(name: str, found: Any) -> dict[str, str]:
    if name == "config":
        return {"config": str(found["text"])}
    if name == "machine":
        return {"machine.txt": "".join(f"$ {command}\n{text}\n" for command, text in found.items())}
    if name == "summary":
        return {"summary.txt": summary.as_text(found), "summary.json": json.dumps(found) + "\n"}
    return {f"{name}.json": as_json(found)}
