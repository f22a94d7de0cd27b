"""A client of ubusd: what it publishes, what it follows.  Pure: octets in, octets and news out.

After the greeting it publishes one object, and one without a name to which notifications come; with this it subscribes
to netifd's `network.interface`, now or when that appears, and asks how all interfaces stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from router.ubus.blob import WireError
from router.ubus.message import Attr, Framer, Message, Status, Type, encode, signature

__all__ = ["NETIFD", "Called", "Caller", "Interfaces", "News", "Peer", "Problem", "Published", "Reply"]

NETIFD = "network.interface"
_EVENTS = 1
"""The object of ubusd itself that takes registrations for events."""
_ADDED = "ubus.object.add"
_MAX_REQUESTS = 64


@dataclass(frozen=True)
class Caller:
    """Whom an answer goes to."""

    sequence: int
    peer: int
    object: int
    wants_reply: bool


@dataclass(frozen=True)
class Called:
    """Somebody calls a method of our object."""

    caller: Caller
    method: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Interfaces:
    """How interfaces of netifd stand: each as its `status` says it."""

    found: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Published:
    """Our object can be called from now on."""


@dataclass(frozen=True)
class Problem:
    text: str


News = Called | Interfaces | Published | Problem


@dataclass(frozen=True)
class Reply:
    """What comes of a call of ours: DATA messages, and at the end a status."""

    data: tuple[Mapping[str, Any], ...]
    values: Mapping[Attr, Any]
    """Attributes of the DATA messages other than their tables."""
    status: int


Then = Callable[[Reply], Iterator[News]]


@dataclass
class _Request:
    then: Then
    data: list[Mapping[str, Any]]
    values: dict[Attr, Any]


class Peer:
    """One connection.  Whatever there is to send gathers in `outgoing`; take it and leave it empty."""

    def __init__(self, name: str, methods: Mapping[str, Mapping[str, int]]) -> None:
        """`name` of the object to publish; `methods` of it, with the blobmsg types of their arguments."""
        self.outgoing = bytearray()
        self._name, self._methods = name, methods
        self._framer = Framer()
        self._requests: dict[int, _Request] = {}
        self._sequence = 0
        self._own: int | None = None
        self._listener: int | None = None

    def feed(self, octets: bytes) -> Iterator[News]:
        """What has arrived.  Raises WireError: then the connection is of no use any more."""
        for message in self._framer.feed(octets):
            yield from self._take(message)

    def answer(self, caller: Caller, result: Mapping[str, Any] | None, status: int = Status.OK) -> None:
        """End a call; with a result that ubus cannot carry as `unknown error`."""
        if not caller.wants_reply:
            return
        if result is not None:
            try:
                self._respond(Type.DATA, caller, {Attr.OBJID: caller.object, Attr.DATA: result})
            except WireError:
                status = Status.UNKNOWN
        self._respond(Type.STATUS, caller, {Attr.STATUS: status, Attr.OBJID: caller.object})

    def notify(self, name: str, values: Mapping[str, Any]) -> None:
        """Tell whoever has subscribed to our object."""
        if self._own is not None:
            given = {Attr.OBJID: self._own, Attr.METHOD: name, Attr.NO_REPLY: True, Attr.DATA: values}
            self._request(Type.NOTIFY, 0, given, _nothing)

    def call(self, path: str, method: str, arguments: Mapping[str, Any], then: Then) -> None:
        """Call a method of the object at `path`, which is looked up each time: it may have been made anew."""

        def found(reply: Reply) -> Iterator[News]:
            target = reply.values.get(Attr.OBJID)
            if reply.status or target is None:
                yield from then(reply)
            else:
                self._invoke(target, method, arguments, then)

        self._request(Type.LOOKUP, 0, {Attr.OBJPATH: path}, found)

    # What arrives

    def _take(self, message: Message) -> Iterator[News]:
        if message.type == Type.HELLO:
            self._greet()
        elif message.type == Type.INVOKE:
            yield from self._invoked(message)
        elif message.type in (Type.DATA, Type.STATUS):
            yield from self._answered(message)

    def _greet(self) -> None:
        given = {Attr.OBJPATH: self._name, Attr.SIGNATURE: signature(self._methods)}
        self._request(Type.ADD_OBJECT, 0, given, self._published)
        self._request(Type.ADD_OBJECT, 0, {}, self._listening)

    def _published(self, reply: Reply) -> Iterator[News]:
        if reply.status:
            yield Problem(f"object {self._name} is not published: {_said(reply.status)}")
        else:
            self._own = reply.values.get(Attr.OBJID)
            yield Published()

    def _listening(self, reply: Reply) -> Iterator[News]:
        listener = reply.values.get(Attr.OBJID)
        if reply.status or listener is None:
            yield Problem(f"interfaces of netifd are not followed: {_said(reply.status)}")
            return
        self._listener = listener
        # ubusd takes object ids as signed numbers of 32 bits.
        signed = listener - (1 << 32) if listener >> 31 else listener
        self._invoke(_EVENTS, "register", {"object": signed, "pattern": _ADDED}, _nothing)
        self._find_netifd()

    def _find_netifd(self) -> None:
        self._request(Type.LOOKUP, 0, {Attr.OBJPATH: NETIFD}, self._found_netifd)

    def _found_netifd(self, reply: Reply) -> Iterator[News]:
        netifd = reply.values.get(Attr.OBJID)
        if not reply.status and netifd is not None and self._listener is not None:
            given = {Attr.OBJID: self._listener, Attr.TARGET: netifd}
            self._request(Type.SUBSCRIBE, 0, given, _nothing)
            self._invoke(netifd, "dump", {}, _dumped)
        yield from ()

    def _invoked(self, message: Message) -> Iterator[News]:
        values = message.values
        target, method = values.get(Attr.OBJID), values.get(Attr.METHOD, "")
        caller = Caller(message.sequence, message.peer, target or 0, not values.get(Attr.NO_REPLY, False))
        arguments = values.get(Attr.DATA, {})
        if arguments is None:
            self.answer(caller, None, Status.INVALID_ARGUMENT)
        elif target is not None and target == self._own:
            if method in self._methods:
                yield Called(caller, method, arguments)
            else:
                self.answer(caller, None, Status.METHOD_NOT_FOUND)
        elif target is not None and target == self._listener:
            self.answer(caller, None)
            yield from self._heard(method, arguments)
        else:
            self.answer(caller, None, Status.NOT_FOUND)

    def _heard(self, event: str, values: Mapping[str, Any]) -> Iterator[News]:
        if event == _ADDED and values.get("path") == NETIFD:
            self._find_netifd()
        elif event.startswith("interface."):
            yield Interfaces((values,))

    def _answered(self, message: Message) -> Iterator[News]:
        request = self._requests.get(message.sequence)
        if request is None:
            return
        values = dict(message.values)
        if message.type == Type.DATA:
            table = values.pop(Attr.DATA, None)
            if table is not None:
                request.data.append(table)
            request.values |= values
            return
        del self._requests[message.sequence]
        reply = Reply(tuple(request.data), request.values, values.get(Attr.STATUS, Status.UNKNOWN))
        yield from request.then(reply)

    # What is sent

    def _invoke(self, target: int, method: str, arguments: Mapping[str, Any], then: Then) -> None:
        given = {Attr.OBJID: target, Attr.METHOD: method, Attr.DATA: arguments}
        self._request(Type.INVOKE, target, given, then)

    def _request(self, kind: Type, peer: int, values: Mapping[Attr, Any], then: Then) -> None:
        self._sequence = self._sequence % 0xFFFF + 1
        self._requests[self._sequence] = _Request(then, [], {})
        if len(self._requests) > _MAX_REQUESTS:
            # Notifications are not always answered; what is that old is waited for by nobody.
            del self._requests[next(iter(self._requests))]
        self.outgoing += encode(kind, self._sequence, peer, values)

    def _respond(self, kind: Type, caller: Caller, values: Mapping[Attr, Any]) -> None:
        self.outgoing += encode(kind, caller.sequence, caller.peer, values)


def _nothing(reply: Reply) -> Iterator[News]:
    yield from ()


def _dumped(reply: Reply) -> Iterator[News]:
    found = [item for table in reply.data for item in _interfaces(table)]
    if found:
        yield Interfaces(tuple(found))


def _interfaces(table: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rows = table.get("interface")
    yield from (row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()


def _said(status: int) -> str:
    known = {item.value: item.name.lower().replace("_", " ") for item in Status}
    return known.get(status, f"status {status}")
