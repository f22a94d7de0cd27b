"""A ubusd of our own for tests, with its own packing of octets: two implementations have to agree."""

import contextlib
import socket
import struct
import threading

HELLO, STATUS, DATA, _, LOOKUP, INVOKE, ADD_OBJECT, _, SUBSCRIBE, _, NOTIFY = range(11)
NAMES = {1: "status", 2: "path", 3: "id", 4: "method", 5: "type", 6: "signature", 7: "data", 8: "target",
         9: "active", 10: "no_reply"}  # fmt: skip
IDS = {name: number for number, name in NAMES.items()}


def attr(number, data, extended=0):
    return struct.pack(">I", extended << 31 | number << 24 | 4 + len(data)) + data + b"\0" * (-len(data) % 4)


def field(name, value):
    head = struct.pack(">H", len(name)) + name.encode() + b"\0"
    head += b"\0" * (-len(head) % 4)
    if isinstance(value, bool):
        return attr(7, head + bytes([value]), 1)
    if isinstance(value, int):
        return attr(5, head + struct.pack(">i", value), 1)
    if isinstance(value, str):
        return attr(3, head + value.encode() + b"\0", 1)
    if isinstance(value, dict):
        return attr(2, head + b"".join(field(*item) for item in value.items()), 1)
    return attr(1, head + b"".join(field("", item) for item in value), 1)


def message(kind, sequence, peer, **values):
    body = b""
    for name, value in values.items():
        if isinstance(value, dict):
            data = b"".join(field(*item) for item in value.items())
        elif isinstance(value, bool):
            data = bytes([value])
        elif isinstance(value, int):
            data = struct.pack(">I", value)
        else:
            data = value if isinstance(value, bytes) else value.encode() + b"\0"
        body += attr(IDS[name], data)
    return struct.pack(">BBHI", 0, kind, sequence, peer) + attr(0, body)


def pieces(octets):
    while octets:
        (word,) = struct.unpack(">I", octets[:4])
        length = word & 0xFFFFFF
        yield word >> 24 & 0x7F, octets[4:length]
        octets = octets[length + 3 & ~3 :]


def values(octets):
    found = {}
    for kind, data in pieces(octets):
        (length,) = struct.unpack(">H", data[:2])
        name, data = data[2 : 2 + length].decode(), data[length + 6 & ~3 :]
        if kind == 3:
            found[name] = data[:-1].decode()
        elif kind == 2:
            found[name] = values(data)
        elif kind == 1:
            found[name] = [value for item in pieces(data) for value in values(attr(*item, 1)).values()]
        elif kind == 0:
            found[name] = None
        elif kind == 8:
            (found[name],) = struct.unpack(">d", data)
        else:
            found[name] = int.from_bytes(data, "big", signed=True)
    return found


def parse(octets):
    """(type, sequence, peer, attributes)"""
    _, kind, sequence, peer = struct.unpack(">BBHI", octets[:8])
    found = {}
    for number, data in pieces(octets[12:]):
        name = NAMES[number]
        if name in ("signature", "data"):
            found[name] = values(data)
        elif name in ("path", "method"):
            found[name] = data[:-1].decode()
        else:
            found[name] = int.from_bytes(data, "big")
    return kind, sequence, peer, found


class FakeUbusd:
    """Serves one client.  Calls it, notifies it, and remembers what it sent."""

    def __init__(self, path, interfaces=None):
        self.path, self.interfaces = path, interfaces
        self.objects, self.sent = {}, []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen()
        self._client = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self._client is not None:
            self._client.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def write(self, octets):
        self._client.sendall(octets)

    def call(self, path, method, arguments=None, sequence=0x7777, raw=None):
        """(tables, status) of a method of the client's object."""
        self.wait(lambda: path in self.objects)
        target = self.objects[path]
        given = {"data": raw if raw is not None else arguments or {}}
        self.write(message(INVOKE, sequence, 0xC0FFEE, id=target, method=method, **given))
        self.wait(lambda: any(item[0] == STATUS for item in self._answers(sequence)))
        found = self._answers(sequence)
        self.sent = [item for item in self.sent if item not in found]
        return [item[3]["data"] for item in found if item[0] == DATA], found[-1][3]["status"]

    def _answers(self, sequence):
        return [item for item in list(self.sent) if item[0] in (DATA, STATUS) and item[1] == sequence]

    def notify(self, method, data):
        """As netifd's object does."""
        target = self.objects[None]
        self.write(message(INVOKE, 0, 5, id=target, method=method, no_reply=True, data=data))

    def wait(self, condition, seconds=10):
        with self._changed:
            assert self._changed.wait_for(condition, seconds), self.sent

    def of(self, kind):
        return [item[3] for item in list(self.sent) if item[0] == kind]

    def _serve(self):
        try:
            while True:
                self._client, _ = self._server.accept()
                self.objects, self.sent = {}, []
                # A client that has gone is followed by the next.
                with contextlib.suppress(ConnectionError):
                    self.write(message(HELLO, 0, 0x1234))
                    self._read()
        except OSError:
            return

    def _read(self):
        octets = b""
        while chunk := self._client.recv(65536):
            octets += chunk
            while len(octets) >= 12 and len(octets) >= (
                end := 8 + (struct.unpack(">I", octets[8:12])[0] & 0xFFFFFF)
            ):
                found, octets = parse(octets[:end]), octets[end:]
                with self._changed:
                    self.sent.append(found)
                    self._answer(*found)
                    self._changed.notify_all()

    def _answer(self, kind, sequence, peer, given):
        if kind == ADD_OBJECT:
            number = 0x80000000 + len(self.objects)
            self.objects[given.get("path")] = number
            self.write(message(DATA, sequence, 0, id=number))
            self.write(message(STATUS, sequence, 0, status=0))
        elif kind == LOOKUP:
            known = {"network.interface": 77, "service": 78}
            found = given["path"] in known and (self.interfaces is not None or given["path"] == "service")
            if found:
                number = known[given["path"]]
                self.write(message(DATA, sequence, 0, path=given["path"], id=number, signature={"dump": {}}))
            self.write(message(STATUS, sequence, 0, status=0 if found else 4))
        elif kind == INVOKE:
            if given["method"] == "dump":
                self.write(message(DATA, sequence, 77, id=77, data={"interface": self.interfaces}))
            self.write(message(STATUS, sequence, peer, status=0, id=given["id"]))
        elif kind in (SUBSCRIBE, NOTIFY):
            self.write(message(STATUS, sequence, 0, status=0))
