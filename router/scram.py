"""Passwords that are neither kept nor sent: SCRAM-SHA-256 (RFC 5802, RFC 7677), with `hmac` and `hashlib` alone.

OpenWrt's python3-light has no OpenSSL: no scrypt, and from Python 3.12 on no `pbkdf2_hmac` either.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

__all__ = ["LEAST_ROUNDS", "ROUNDS", "Verifier", "auth_message", "prove", "salted", "verifier_of"]

LEAST_ROUNDS = 4096
ROUNDS = 10000
_MOST_ROUNDS = 1_000_000
_SCHEME = "SCRAM-SHA-256"
_DIGEST = 32
_BLOCK = 64


@dataclass(frozen=True)
class Verifier:
    """What is kept of a password; nobody can log in with it."""

    rounds: int
    salt: bytes
    stored: bytes
    """StoredKey of RFC 5802 section 3."""
    server: bytes
    """ServerKey."""

    def __repr__(self) -> str:
        return f"Verifier(rounds={self.rounds}, <hidden>)"

    def __str__(self) -> str:
        """As RFC 5803 section 3 writes it."""
        salt, stored, server = (b64encode(part).decode() for part in (self.salt, self.stored, self.server))
        return f"{_SCHEME}${self.rounds}:{salt}${stored}:{server}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Raises ValueError, without the text."""
        try:
            scheme, middle, keys = text.split("$")
            rounds, salt = middle.split(":")
            stored, server = keys.split(":")
            made = cls(int(rounds), *(b64decode(part, validate=True) for part in (salt, stored, server)))
        except ValueError:
            raise ValueError("expected what `roamd console --hash` prints") from None
        sound = len(made.stored) == len(made.server) == _DIGEST and made.salt
        if scheme != _SCHEME or not sound or not LEAST_ROUNDS <= made.rounds <= _MOST_ROUNDS:
            raise ValueError("expected what `roamd console --hash` prints")
        return made

    def fits(self, password: bytes) -> bool:
        """Whether that is the password.  Slow on purpose."""
        return hmac.compare_digest(verifier_of(password, self.salt, self.rounds).stored, self.stored)

    def proves(self, proof: bytes, message: bytes) -> bool:
        """Whether who made `proof` of this authentication message knows the password."""
        key = _xor(proof, hmac.digest(self.stored, message, "sha256"))
        return len(proof) == _DIGEST and hmac.compare_digest(sha256(key).digest(), self.stored)

    def signature(self, message: bytes) -> bytes:
        """Proves in turn that we know the verifier."""
        return hmac.digest(self.server, message, "sha256")


def salted(password: bytes, salt: bytes, rounds: int) -> bytes:
    """Hi of RFC 5802 section 2.2: PBKDF2 (RFC 8018) with HMAC-SHA-256, one block."""
    block = (password if len(password) <= _BLOCK else sha256(password).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (sha256(bytes(octet ^ pad for octet in block)) for pad in (0x36, 0x5C))
    octets, total = salt + b"\0\0\0\1", 0
    for _ in range(rounds):
        # HMAC spelled out: a third of the time, and this is where a small router spends it.
        within, around = inner.copy(), outer.copy()
        within.update(octets)
        around.update(within.digest())
        octets = around.digest()
        total ^= int.from_bytes(octets, "big")
    return total.to_bytes(_DIGEST, "big")


def verifier_of(password: bytes, salt: bytes, rounds: int = ROUNDS) -> Verifier:
    key = salted(password, salt, rounds)
    return Verifier(
        rounds, salt, sha256(_client_key(key)).digest(), hmac.digest(key, b"Server Key", "sha256")
    )


def auth_message(mine: str, theirs: str, salt: bytes, rounds: int) -> bytes:
    """AuthMessage of RFC 5802 section 3 without a user's name, from the nonces of who logs in and of who asks."""
    nonce = mine + theirs
    return f"n=,r={mine},r={nonce},s={b64encode(salt).decode()},i={rounds},c=biws,r={nonce}".encode()


def prove(password: bytes, salt: bytes, rounds: int, message: bytes) -> tuple[bytes, bytes]:
    """ClientProof, and the signature that the other side must answer with."""
    key = salted(password, salt, rounds)
    client = _client_key(key)
    proof = _xor(client, hmac.digest(sha256(client).digest(), message, "sha256"))
    return proof, hmac.digest(hmac.digest(key, b"Server Key", "sha256"), message, "sha256")


def _client_key(key: bytes) -> bytes:
    return hmac.digest(key, b"Client Key", "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))
