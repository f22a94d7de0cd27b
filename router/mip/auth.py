"""Authenticators (RFC 5944 sections 3.5 and 5.1, RFC 4721 section 6): made and checked.

An authenticator covers the message from its first octet through everything
that precedes the extension, and the extension's own header with its SPI.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from hashlib import md5

from router.config.model import SecurityAssociation
from router.mip.wire.authentication import Authentication, header
from router.mip.wire.extension import Extension
from router.mip.wire.numbers import ExtensionType

__all__ = ["ALGORITHMS", "append", "authentications", "authenticator", "is_valid", "sign", "verify"]

_MOBILE_HOME = ExtensionType.MOBILE_HOME_AUTHENTICATION
_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


def _hmac_md5(key: bytes, data: bytes) -> bytes:
    # RFC 2104 spelled out: half the time of hmac.digest, and this is where a home agent spends it.
    if len(key) > _BLOCK:
        key = md5(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return md5(key.translate(_OUTER) + md5(key.translate(_INNER) + data).digest()).digest()


def _hmac_sha1(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha1")


def _hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _keyed_md5(key: bytes, data: bytes) -> bytes:
    return md5(key + data + key).digest()


ALGORITHMS: dict[str, tuple[Callable[[bytes, bytes], bytes], int]] = {
    "hmac-md5": (_hmac_md5, 16),
    "hmac-sha1": (_hmac_sha1, 20),
    "hmac-sha256": (_hmac_sha256, 32),
    "keyed-md5": (_keyed_md5, 16),
}
"""Name: function of (key, data), octets of the authenticator.

RFC 5944 section 5.1 demands HMAC-MD5 and recommends keyed MD5 in prefix and
suffix mode for old peers; the SPI chooses, the wire does not tell.
"""


def authenticator(security: SecurityAssociation, data: bytes) -> bytes:
    """Untruncated, over all of `data`."""
    return ALGORITHMS[security.algorithm][0](security.key, data)


def append(octets: bytes, kind: int, security: SecurityAssociation, sub_type: int = 0) -> bytes:
    """`octets` of a message so far, with an authentication extension of type `kind` behind them."""
    covered = octets + header(kind, security.spi, ALGORITHMS[security.algorithm][1], sub_type)
    return covered + authenticator(security, covered)


def sign(octets: bytes, security: SecurityAssociation) -> bytes:
    """`octets` of a message, with a Mobile-Home Authentication extension behind them."""
    return append(octets, _MOBILE_HOME, security)


def is_valid(data: bytes, found: Authentication, security: SecurityAssociation) -> bool:
    """Whether `found`, decoded from `data`, is what `security` makes of it.  Takes constant time."""
    if found.spi != security.spi:
        return False
    return hmac.compare_digest(authenticator(security, data[: found.covered]), found.authenticator)


def authentications(extensions: Iterable[Extension], kind: int) -> list[Authentication]:
    """Those of type `kind`, in their order."""
    return [item for item in extensions if isinstance(item, Authentication) and item.type == kind]


def verify(
    data: bytes, extensions: Iterable[Extension], security: SecurityAssociation, kind: int = _MOBILE_HOME
) -> bool:
    """Whether the message in `data` carries exactly one authentication of type `kind`, and a valid one."""
    found = authentications(extensions, kind)
    return len(found) == 1 and is_valid(data, found[0], security)
