"""One archive for the back office: what the daemon tells of itself and of the machine, and packets; without secrets."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import tarfile
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from modem.redact import Redactor
from router.control import pcap
from router.control.client import ControlError
from router.control.output import as_json
from router.diagnosis import summary

__all__ = ["SECONDS", "gather", "name_of", "write"]

SECONDS = 5.0
"""For which packets are captured, where nothing else is said."""

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
_PATIENCE = 30.0
_EVERY = 1.0
_MOST, _AT_ONCE, _SNAPLEN = 300, 60, 160
"""Packets of an uplink, and of a second, so that a busy one leaves room for what comes later; octets of each."""
_CUT = (
    "Headers alone, of Ethernet, ARP, IP, ICMP, TCP, UDP, GRE and Mobile IPv4, also inside tunnels: "
    "extensions and what applications say are cut.\n"
)


Ask = Callable[..., Any]


def gather(
    ask: Ask, seconds: float, pause: Callable[[float], None], progress: Callable[[str], None]
) -> dict[str, bytes]:
    """The archive's files, by name.  Packets of every uplink are captured for so long at least.

    `pause` waits, and ends the captures by KeyboardInterrupt.  What the daemon does not answer is in `missing.txt`.
    """
    missing: dict[str, str] = {}
    until = time.monotonic() + seconds
    captures = _Captures(ask, missing, seconds)
    redactor = Redactor()
    files: dict[str, bytes] = {}
    for name, method, params in _ASKED:
        progress(f"asking for {name} ...")
        try:
            found = ask(method, params, _PATIENCE)
        except ControlError as error:
            missing[name] = str(error)
            continue
        captures.fetch()
        for file, text in _files(name, found).items():
            files[file] = _IDENTITY.sub(lambda found: redactor.clean(found[0], False), text).encode()
    try:
        while captures.running and (left := until - time.monotonic()) > 0:
            progress(f"capturing, {left:.0f} s left: {captures.told} (Ctrl-C ends it)")
            pause(min(_EVERY, left))
            captures.fetch()
    except KeyboardInterrupt:
        pass
    progress("")
    files |= captures.end()
    if missing:
        files["missing.txt"] = "".join(f"{name}: {why}\n" for name, why in missing.items()).encode()
    return files


def name_of(at: time.struct_time) -> str:
    return time.strftime(f"{_FOLDER}-%Y%m%d-%H%M%S.tar.gz", at)


def write(files: dict[str, bytes], file: BinaryIO) -> None:
    """As a tar.gz."""
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, octets in files.items():
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime = len(octets), int(time.time())
            tar.addfile(entry, io.BytesIO(octets))


class _Captures:
    """Of every uplink that has a device; `running` are those that are not full."""

    def __init__(self, ask: Ask, missing: dict[str, str], seconds: float) -> None:
        self._ask, self._missing = ask, missing
        self._octets: dict[str, bytes] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self.running: list[str] = []
        if seconds > 0:
            # Who does not answer this is asked, and missed, once more.
            with contextlib.suppress(ControlError):
                uplinks = ask("status", {}, _PATIENCE).get("uplinks", ())
                self.running = [str(uplink["name"]) for uplink in uplinks]
        self.fetch()

    @property
    def told(self) -> str:
        return ", ".join(f"{name} {count}" for name, (count, _) in self._counts.items()) or "no packet"

    def fetch(self, end: bool = False) -> None:
        for name in tuple(self.running):
            try:
                self._fetch(name, end)
            except ControlError as error:
                self.running.remove(name)
                self._missing[f"{name}.pcap"] = str(error)

    def end(self) -> dict[str, bytes]:
        """The files."""
        self.fetch(end=True)
        rows = [
            f"{name}.pcap: {count} packets" + (f", {lost} more were left out" if lost else "") + "\n"
            for name, (count, lost) in self._counts.items()
        ]
        about = {"captures.txt": "".join([*rows, _CUT]).encode()} if rows else {}
        return {**{f"{name}.pcap": octets for name, octets in self._octets.items()}, **about}

    def _fetch(self, name: str, end: bool) -> None:
        full = self._counts.get(name, (0, 0))[0] + _AT_ONCE > _MOST
        params = {"uplink": name, "headers": True, "snaplen": _SNAPLEN, "most": _AT_ONCE, "end": end or full}
        found = self._ask("capture", params, _PATIENCE)
        octets = self._octets.get(name) or pcap.head(found["linktype"], _SNAPLEN)
        self._octets[name] = octets + b"".join(
            pcap.record(at, length, base64.b64decode(data)) for at, length, data in found["packets"]
        )
        count, lost = self._counts.get(name, (0, 0))
        self._counts[name] = count + len(found["packets"]), lost + found["lost"]
        if params["end"]:
            self.running.remove(name)


def _files(name: str, found: Any) -> dict[str, str]:
    if name == "config":
        return {"config": str(found["text"])}
    if name == "machine":
        return {"machine.txt": "".join(f"$ {command}\n{text}\n" for command, text in found.items())}
    if name == "summary":
        return {"summary.txt": summary.as_text(found), "summary.json": json.dumps(found) + "\n"}
    return {f"{name}.json": as_json(found)}
