"""HMAC (RFC 2104) by name, and MD5 (RFC 1321) where this MicroPython's hashlib has none.  Pure."""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 64
_WORD = 0xFFFFFFFF
# Of each round: how the words are walked (step, start), and by how much is rotated.
_ROUNDS = ((1, 0, (7, 12, 17, 22)), (5, 1, (5, 9, 14, 20)), (3, 5, (4, 11, 16, 23)), (7, 0, (6, 10, 15, 21)))
# The whole part of 2^32 * |sin(i + 1)|: on some boards floats are too short to compute it.
_SINES = (
    "d76aa478e8c7b756242070dbc1bdceeef57c0faf4787c62aa8304613fd469501698098d88b44f7afffff5bb1895cd7be"
    "6b901122fd987193a679438e49b40821f61e2562c040b340265e5a51e9b6c7aad62f105d02441453d8a1e681e7d3fbc8"
    "21e1cde6c33707d6f4d50d87455a14eda9e3e905fcefa3f8676f02d98d2a4c8afffa39428771f6816d9d6122fde5380c"
    "a4beea444bdecfa9f6bb4b60bebfbc70289b7ec6eaa127fad4ef308504881d05d9d4d039e6db99e51fa27cf8c4ac5665"
    "f4292244432aff97ab9423a7fc93a039655b59c38f0ccc92ffeff47d85845dd16fa87e4ffe2ce6e0a30143144e0811a1"
    "f7537e82bd3af2352ad7d2bbeb86d391"
)


def md5(data: bytes) -> bytes:
    """RFC 1321, word by word: slow, and good for the few hundred octets of a message."""
    sines = [int(_SINES[at : at + 8], 16) for at in range(0, 512, 8)]
    length = len(data) * 8
    data = data + b"\x80" + bytes((55 - len(data)) % _BLOCK) + length.to_bytes(8, "little")
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for start in range(0, len(data), _BLOCK):
        block = [int.from_bytes(data[at : at + 4], "little") for at in range(start, start + _BLOCK, 4)]
        a, b, c, d = state
        for step in range(64):
            number = step // 16
            stride, first, shifts = _ROUNDS[number]
            if number == 0:
                mixed = (b & c) | (~b & d)
            elif number == 1:
                mixed = (d & b) | (~d & c)
            elif number == 2:
                mixed = b ^ c ^ d
            else:
                mixed = c ^ (b | (~d & _WORD))
            total = (a + mixed + sines[step] + block[(stride * step + first) % 16]) & _WORD
            shift = shifts[step % 4]
            a, d, c = d, c, b
            b = (b + (total << shift | total >> (32 - shift))) & _WORD
        state = [(old + new) & _WORD for old, new in zip(state, (a, b, c, d))]
    return b"".join([word.to_bytes(4, "little") for word in state])


def _hash(name: str) -> "Callable[[bytes], bytes]":
    """Raises ValueError where this build has no such hash."""
    there = getattr(hashlib, name, None)
    if there is not None:
        return lambda data: there(data).digest()
    if name == "md5":
        return md5
    raise ValueError("this MicroPython has no %s: install micropython-mbedtls" % name)


def hmac(hashed: "Callable[[bytes], bytes]", key: bytes, data: bytes) -> bytes:
    """RFC 2104 over a hash of blocks of 64 octets."""
    if len(key) > _BLOCK:
        key = hashed(key)
    key = key + bytes(_BLOCK - len(key))
    inner = hashed(bytes([octet ^ 0x36 for octet in key]) + data)
    return hashed(bytes([octet ^ 0x5C for octet in key]) + inner)


SIZES = {"hmac-md5": 16, "hmac-sha1": 20, "hmac-sha256": 32, "keyed-md5": 16}
"""Octets of an authenticator by the name of its algorithm."""


def authenticator(algorithm: str, key: bytes, data: bytes) -> bytes:
    """By RFC 5944 section 5.1.  Raises ValueError for an algorithm that is none or that this build lacks."""
    if algorithm not in SIZES:
        raise ValueError("algorithm '%s': one of %s" % (algorithm, ", ".join(sorted(SIZES))))
    hashed = _hash(algorithm.split("-")[1])
    if algorithm == "keyed-md5":
        return hashed(key + data + key)
    return hmac(hashed, key, data)
