"""What proves a feed's origin: opkg's signature of `Packages` (signify's format), and apk's block behind a database."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from openwrt.packaging.adb import SIGNATURE, block

__all__ = ["Signer", "adb_signature", "signify_key", "signify_signature"]

_ALGORITHM = b"Ed"
_VERSION, _SHA_512 = 0, 4


@dataclass(frozen=True)
class Signer:
    """Two keys, for opkg and for apk; each callable signs octets."""

    ed25519: Callable[[bytes], bytes]
    ed25519_public: bytes
    """32 octets."""
    ecdsa: Callable[[bytes], bytes]
    """By P-256 with SHA-512; DER."""
    ecdsa_public: bytes
    """The point, 65 octets, uncompressed."""
    ecdsa_pem: bytes
    """The same as apk wants it in /etc/apk/keys."""


def _fingerprint(public: bytes) -> bytes:
    """8 octets, the name of an Ed25519 key; signify takes random ones."""
    return hashlib.sha256(public).digest()[:8]


def signify_key(signer: Signer) -> bytes:
    """The public key as a file; on a router its name is the fingerprint in hexadecimal digits."""
    key = signer.ed25519_public
    return _file("roamd feed, public key", _ALGORITHM + _fingerprint(key) + key)


def signify_signature(signer: Signer, message: bytes) -> bytes:
    """A signature as a file."""
    number = _fingerprint(signer.ed25519_public)
    return _file(f"signed by key {number.hex()}", _ALGORITHM + number + signer.ed25519(message))


def _file(comment: str, octets: bytes) -> bytes:
    return f"untrusted comment: {comment}\n{base64.b64encode(octets).decode()}\n".encode()


def adb_signature(signer: Signer, schema: bytes, payload: bytes) -> bytes:
    """The block that stands behind the ADB block with `payload`."""
    head = _head(signer.ecdsa_public)
    return block(SIGNATURE, head + signer.ecdsa(_signed_by_adb(schema, head, payload)))


def _signed_by_adb(schema: bytes, head: bytes, payload: bytes) -> bytes:
    """The octets that are signed: the schema, the signature's own head, and the hash of the payload."""
    return schema + head + hashlib.sha512(payload).digest()


def _head(point: bytes) -> bytes:
    return struct.pack("<BB", _VERSION, _SHA_512) + hashlib.sha512(point).digest()[:16]
