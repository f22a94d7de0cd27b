"""Reads what apk 3 would read of a package or an index: blocks, typed values, schemas.  Believes nothing."""

import struct
import zlib
from dataclasses import dataclass

ADB, SIGNATURE, DATA = 0, 1, 2
PACKAGE = ("info", "paths", "scripts", "triggers", "replaces_priority")
INFO = (
    "name", "version", "hashes", "description", "arch", "license", "origin", "maintainer", "url", "commit",
    "build_time", "installed_size", "file_size", "provider_priority", "depends",
)  # fmt: skip
SCRIPTS = (
    "trigger",
    "pre_install",
    "post_install",
    "pre_deinstall",
    "post_deinstall",
    "pre_upgrade",
    "post_upgrade",
)


@dataclass
class Container:
    schema: bytes
    payload: bytes
    data: list
    signatures: list


def read(octets):
    assert octets[:4] == b"ADBd"
    inflater = zlib.decompressobj(wbits=-15)
    plain = inflater.decompress(octets[4:]) + inflater.flush()
    assert inflater.eof and not inflater.unused_data
    assert plain[:4] == b"ADB."
    found = Container(plain[4:8], b"", [], [])
    offset = 8
    while offset < len(plain):
        (word,) = struct.unpack_from("<I", plain, offset)
        kind, size = word >> 30, word & 0x3FFFFFFF
        payload, padding = plain[offset + 4 : offset + size], plain[offset + size : offset + (size + 7 & ~7)]
        assert len(payload) == size - 4 and not padding.strip(b"\0")
        if kind == ADB:
            assert offset == 8
            found.payload = payload
        elif kind == SIGNATURE:
            assert found.payload and not found.data
            found.signatures.append(payload)
        else:
            assert kind == DATA
            found.data.append((*struct.unpack_from("<II", payload), payload[8:]))
        offset += size + 7 & ~7
    return found


def root(payload):
    compatible, version, reserved, value = struct.unpack_from("<BBHI", payload)
    assert (compatible, version, reserved) == (0, 0, 0)
    return value


def value(payload, word):
    """int, bytes, or a list of words (an object's or array's slots); None for what is not there."""
    kind, rest = word >> 28, word & 0x0FFFFFFF
    if word == 0:
        return None
    if kind == 1:
        return rest
    if kind == 2:
        assert rest % 4 == 0
        return struct.unpack_from("<I", payload, rest)[0]
    if kind in (8, 9, 10):
        size = {8: 1, 9: 2, 10: 4}[kind]
        assert rest % size == 0
        length = int.from_bytes(payload[rest : rest + size], "little")
        found = payload[rest + size : rest + size + length]
        assert len(found) == length
        return found
    assert kind in (13, 14) and rest % 4 == 0
    (count,) = struct.unpack_from("<I", payload, rest)
    slots = list(struct.unpack_from(f"<{count - 1}I", payload, rest + 4))
    assert slots[-1] != 0
    return slots


def named(payload, word, names):
    slots = value(payload, word) or []
    return {name: value(payload, slot) for name, slot in zip(names, slots, strict=False)}


def info_of(payload, word):
    found = named(payload, word, INFO)
    found["depends"] = [named(payload, slot, ("name",))["name"] for slot in found.get("depends") or []]
    return found


def package(octets):
    """(info, {path: (mode, size, sha256)}, scripts, {path: content}, hash of itself)"""
    container = read(octets)
    assert container.schema == b"pckg"
    payload = container.payload
    top = value(payload, root(payload))
    files, places = {}, {}
    folders = value(payload, top[1])
    for number, folder in enumerate(folders, 1):
        name, _, entries = (value(payload, slot) for slot in value(payload, folder))
        for place, entry in enumerate(entries, 1):
            file, acl, size, mtime, digest = value(payload, entry)
            path = f"{name.decode()}/{value(payload, file).decode()}"
            mode, user, group = (value(payload, slot) for slot in value(payload, acl))
            assert (user, group) == (b"root", b"root")
            files[path] = (mode, value(payload, size) or 0, value(payload, digest), value(payload, mtime))
            places[number, place] = path
    contents = {places[number, place]: content for number, place, content in container.data}
    return info_of(payload, top[0]), files, named(payload, top[2], SCRIPTS), contents, payload
