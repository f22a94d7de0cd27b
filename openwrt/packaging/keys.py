"""The private keys of a feed, in one PEM file, used by the program openssl: Python's own library has no such keys."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial

from openwrt.packaging.signature import Signer

__all__ = ["KeyFileError", "make_keys", "read_keys"]

_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*?-----END [A-Z ]*PRIVATE KEY-----\n", re.DOTALL)
_ED25519 = bytes.fromhex("302a300506032b6570032100")
_P_256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""What DER has before the public key itself."""


class KeyFileError(Exception):
    """Says what is wrong with a file of keys."""


def make_keys(filename: str) -> None:
    """A new file with both keys; raises OSError, also where there is one already."""
    made = (
        _openssl(b"", "genpkey", "-algorithm", "ED25519"),
        _openssl(b"", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    )
    with open(os.open(filename, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(made))


def read_keys(filename: str) -> Signer:
    """Raises OSError and KeyFileError."""
    with open(filename, "rb") as file:
        keys = _PEM.findall(file.read())
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for key in keys:
        public = _openssl(key, "pkey", "-pubout", "-outform", "DER")
        for prefix in (_ED25519, _P_256):
            if public.startswith(prefix):
                found[prefix] = key, public.removeprefix(prefix)
    if len(found) != 2:
        raise KeyFileError(f"{filename}: expected two private keys in PEM, one Ed25519 and one EC of P-256")
    (opkg, opkg_public), (apk, apk_public) = found[_ED25519], found[_P_256]
    return Signer(
        partial(_sign, opkg, ("-rawin",)),
        opkg_public,
        partial(_sign, apk, ("-rawin", "-digest", "sha512")),
        apk_public,
        _openssl(apk, "pkey", "-pubout"),
    )


def _sign(key: bytes, arguments: Sequence[str], message: bytes) -> bytes:
    # Ed25519 wants to know how long a message is before it begins: no pipe will do.
    with tempfile.TemporaryDirectory(prefix="roamd-sign-") as folder:
        names = {name: os.path.join(folder, name) for name in ("key", "message")}
        for name, octets in (("key", key), ("message", message)):
            with open(os.open(names[name], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(octets)
        return _openssl(b"", "pkeyutl", "-sign", "-inkey", names["key"], "-in", names["message"], *arguments)


def _openssl(data: bytes, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    except FileNotFoundError:
        raise KeyFileError("openssl not found: install openssl") from None
    if done.returncode:
        raise KeyFileError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
