"""nftables: one table, made whole and atomically, its named sets kept element by element."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import hashlib
import json
import os
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from router.plane.element_messages import Types, declared, transaction
from router.plane.errors import PlaneError
from router.plane.model import Chain, Element
from router.plane.words import OPEN_SET

__all__ = ["Nft", "elements_of"]

_TABLE = "ip roamd"
_TIMEOUT = 20.0
_REMEMBERED = 64
_NETFILTER, _NETLINK_HEADER, _RECEIVE = 12, 16, 1 << 16
_AT_ONCE = 1000
"""Elements that a socket sends in one transaction: each takes some hundred octets."""
_OPEN_SETS = re.compile(rf"^  set ({OPEN_SET}\w+) \{{$", re.MULTILINE)
_DECLARED = re.compile(r"^  (set|map|chain) (\w+) \{$", re.MULTILINE)
_MARKER = "text_"
"""An empty chain whose name tells which text the table was made from."""

Key = tuple[str, str]


class Nft:
    """`table ip roamd`, through one `nft -f -` per change, but where nothing but elements change.

    A table that a predecessor left is kept as it is, elements and all, as long
    as the text it was made from is the wanted one; see `adopt`.
    """

    def __init__(self) -> None:
        self._body: str | None = None
        self._elements: dict[Key, Element] = {}
        self._chains: dict[str, Chain] = {}
        self._types: Mapping[str, Types] = {}
        self.adopted = False
        """The table is there and made by a predecessor."""
        self._processes: deque[int] = deque(maxlen=_REMEMBERED)

    async def adopt(self) -> None:
        """Learn what a predecessor left.

        Where nft does not work nothing was left; the first ruleset to be
        loaded will tell what is amiss.
        """
        try:
            code, out, _ = await _run(["-j", "list", "table", *_TABLE.split()], "", self._processes.append)
        except PlaneError:
            code, out = 1, ""
        self.adopted = code == 0
        self._body = ""
        if self.adopted:
            found = json.loads(out)["nftables"]
            ours = (item for item in elements_of(found) if not item.set.startswith(OPEN_SET))
            self._elements = {(item.set, item.key): item for item in ours}
            names = [item["chain"]["name"] for item in found if "chain" in item]
            self._body = next((name for name in names if name.startswith(_MARKER)), None)

    async def apply(
        self, body: str, chains: Iterable[Chain] = (), elements: Iterable[Element] = (), *, hold: bool = False
    ) -> None:
        """Make the table equal to `body` with exactly these chains and elements; an empty body removes it.

        `hold` keeps a predecessor's elements and chains that are not named, where the text is the same.
        Raises PlaneError.
        """
        wanted = {(item.set, item.key): item for item in elements}
        self._types = declared(body)
        if hold and self.adopted and body:
            if self._body == _marker(body):
                await self.change(chains, (), elements, ())
                return
            wanted = self._elements | wanted
        named = {item.name: item for item in chains}
        if (body, named, wanted) == (self._body, self._chains, self._elements) and not self.adopted:
            return
        if body and body == self._body and not self.adopted:
            await self._follow(named, wanted)
            return
        cleared, self._body = self._cleared(body), None
        text = ""
        if body:
            text = f"table {_TABLE} {{\n{body}  chain {_marker(body)} {{\n  }}\n}}\n"
            text += _chains_added(named.values()) + _elements_added(wanted.values())
        if cleared is None or (await self._tried(cleared + text))[0]:
            # Declared first, so that deleting it cannot fail: one transaction in
            # which packets see the old table or the new one, never none.
            filled = _elements_added(await self._filled(body))
            await self._load(f"add table {_TABLE}\ndelete table {_TABLE}\n{text}{filled}")
        self._body, self._chains, self._elements, self.adopted = body, named, wanted, False

    async def _follow(self, chains: Mapping[str, Chain], elements: Mapping[Key, Element]) -> None:
        """The text stays: change what differs."""
        gone = [item for key, item in self._elements.items() if key not in elements]
        try:
            await self.change(chains.values(), self._chains.keys() - chains.keys(), elements.values(), gone)
        except PlaneError:
            self.forget()
            raise

    def _cleared(self, body: str) -> str | None:
        """Takes all of the table away but the sets that others fill: what they add meanwhile is not lost.

        None where `body` has none of those that are there, or nobody knows what is there.
        """
        before = self._body or ""
        kept = {*_OPEN_SETS.findall(before)} & {*_OPEN_SETS.findall(body)}
        if not kept:
            return None
        there = _DECLARED.findall(before)
        chains = [name for kind, name in there if kind == "chain"] + [*self._chains, _marker(before)]
        gone = [(kind, name) for kind, name in there if kind != "chain" and name not in kept]
        # Rules first, then the maps that name chains.
        lines = [f"flush table {_TABLE}", *(f"delete {kind} {_TABLE} {name}" for kind, name in gone)]
        return "\n".join([*lines, *(f"delete chain {_TABLE} {name}" for name in chains), ""])

    async def _filled(self, body: str) -> list[Element]:
        """What others have put into the sets that they may fill, as far as `body` has these."""
        names = set(_OPEN_SETS.findall(body))
        if not names:
            return []
        code, out, _ = await _run(["-j", "list", "table", *_TABLE.split()], "", self._processes.append)
        return (
            [] if code else [item for item in elements_of(json.loads(out)["nftables"]) if item.set in names]
        )

    async def change(
        self,
        chains: Iterable[Chain],
        gone_chains: Iterable[str],
        elements: Iterable[Element],
        gone_elements: Iterable[Element],
    ) -> None:
        """Put these chains and elements, and take those away; nothing else is looked at.  Raises PlaneError."""
        put = {(item.set, item.key): item for item in elements}
        put = {key: item for key, item in put.items() if self._elements.get(key) != item}
        # Another part may have taken the place meanwhile: a NAT gives a port to the next who wants one.
        gone = {
            (item.set, item.key) for item in gone_elements if self._elements.get((item.set, item.key)) == item
        } - put.keys()
        old = [self._elements[key] for key in (*gone, *put) if key in self._elements]
        named = {item.name: item for item in chains if self._chains.get(item.name) != item}
        lost = [name for name in gone_chains if name in self._chains and name not in named]
        text = "".join(f"delete element {_TABLE} {item.set} {{ {item.key} }}\n" for item in old)
        text += _chains_added(named.values()) + _elements_added(put.values())
        text += "".join(f"flush chain {_TABLE} {name}\ndelete chain {_TABLE} {name}\n" for name in lost)
        if not text:
            return
        only_elements = not (named or lost) and len(put) + len(old) <= _AT_ONCE
        if not (only_elements and self._exchange(put.values(), old)):
            await self._load(text)
        for key in gone:
            self._elements.pop(key, None)
        for name in lost:
            del self._chains[name]
        self._elements |= put
        self._chains |= named

    def _exchange(self, put: Iterable[Element], gone: Iterable[Element]) -> bool:
        """Whether the kernel took that from us, by hand and at once.  Where not, nothing was changed: nft says why."""
        found = transaction(_TABLE.split()[1], put, self._types, gone)
        if found is None:
            return False
        messages, answers = found
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER) as sock:
                sock.sendto(messages, (0, 0))
                # Answered before the call returns; a refused transaction is answered with an error in any place.
                codes = [_code(sock.recv(_RECEIVE, socket.MSG_DONTWAIT)) for _ in range(answers)]
        except OSError:
            return False
        return not any(codes)

    async def _tried(self, text: str) -> tuple[int, str]:
        """nft's status, and its complaints."""
        code, _, errors = await _run(["-f", "-"], text, self._processes.append)
        return code, errors

    async def _load(self, text: str) -> None:
        code, errors = await self._tried(text)
        if code:
            raise PlaneError(f"nft refused the ruleset: {_one_line(errors)}")

    def is_ours(self, process: int) -> bool:
        """Whether an nft with this process id was ours, lately."""
        return process in self._processes or process == os.getpid()

    def forget(self) -> None:
        """Somebody has changed the table: the next `apply` makes it anew."""
        self._body, self.adopted = None, False


def _code(answer: bytes) -> int:
    """The error number of a netlink answer; 0 when all is well."""
    return -int(struct.unpack_from("=i", answer, _NETLINK_HEADER)[0])


def elements_of(listing: list[dict[str, Any]]) -> Iterable[Element]:
    """The elements of the named sets and maps in what `nft -j list table` says, in nft's words."""
    for item in listing:
        found = item.get("map") or item.get("set") or {}
        for entry in found.get("elem", ()):
            key, data = entry if isinstance(entry, list) else (entry, None)
            if isinstance(key, dict) and "elem" in key:
                key = key["elem"]["val"]
            yield Element(found["name"], _words(key, found["type"]), _verdict(data))


def _words(value: Any, types: Any) -> str:
    if isinstance(value, dict) and "concat" in value:
        return " . ".join(_words(part, kind) for part, kind in zip(value["concat"], types, strict=False))
    if isinstance(value, dict) and "prefix" in value:
        return f"{value['prefix']['addr']}/{value['prefix']['len']}"
    if isinstance(value, dict) and "range" in value:
        return "-".join(map(str, value["range"]))
    return f'"{value}"' if types == "ifname" else str(value)


def _verdict(data: Any) -> str:
    if not isinstance(data, dict):
        return "" if data is None else str(data)
    word, target = next(iter(data.items()))
    return f"{word} {target['target']}" if isinstance(target, dict) else word


def _marker(body: str) -> str:
    return _MARKER + hashlib.sha256(body.encode()).hexdigest()[:16]


def _chains_added(chains: Iterable[Chain]) -> str:
    text = ""
    for item in chains:
        text += f"add chain {_TABLE} {item.name}\nflush chain {_TABLE} {item.name}\n"
        text += "".join(f"add rule {_TABLE} {item.name} {rule}\n" for rule in item.rules)
    return text


def _elements_added(elements: Iterable[Element]) -> str:
    by_set: dict[str, list[str]] = {}
    for item in elements:
        by_set.setdefault(item.set, []).append(f"{item.key} : {item.data}" if item.data else item.key)
    return "".join(f"add element {_TABLE} {name} {{ {', '.join(all_)} }}\n" for name, all_ in by_set.items())


async def _run(words: list[str], text: str, started: Callable[[int], None]) -> tuple[int, str, str]:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec("nft", *words, stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError:
        raise PlaneError("nft not found: install nftables") from None
    started(process.pid)
    try:
        out, errors = await asyncio.wait_for(process.communicate(text.encode()), _TIMEOUT)
    except TimeoutError:
        raise PlaneError(f"nft gave no answer in {_TIMEOUT:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(errors="replace"), errors.decode(errors="replace")


def _one_line(complaint: str) -> str:
    """The first complaints and the lines they are about, without the markers below these."""
    lines = [line.strip() for line in complaint.splitlines()]
    return "; ".join([line for line in lines if line.strip("^~- ")][:4])
