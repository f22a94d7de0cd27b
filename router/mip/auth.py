"""Mobile-Home Authentication (RFC 5944 sections 3.5 and 5.1)."""

from __future__ import annotations

import hmac
from struct import Struct

from router.config.model import SecurityAssociation
from router.mip.extension import Authentication
from router.mip.message import RegistrationReply, RegistrationRequest
from router.mip.numbers import ExtensionType

__all__ = ["authenticator", "sign", "verify"]

_DIGEST = {"hmac-md5": ("md5", 16), "hmac-sha256": ("sha256", 32)}
_HEADER = Struct("!BBI")


def authenticator(security: SecurityAssociation, data: bytes) -> bytes:
    """The untruncated HMAC over `data`: 16 octets of HMAC-MD5 or 32 of HMAC-SHA-256."""
    return hmac.digest(security.key, data, _DIGEST[security.algorithm][0])


def sign(message: RegistrationRequest | RegistrationReply, security: SecurityAssociation) -> bytes:
    """The encoded message with a Mobile-Home Authentication extension behind it.

    The authenticator covers the message, all its extensions, and this
    extension's own type, length and SPI (RFC 5944 section 3.5.1).
    """
    length = 4 + _DIGEST[security.algorithm][1]
    covered = message.encode() + _HEADER.pack(ExtensionType.MOBILE_HOME_AUTHENTICATION, length, security.spi)
    return covered + authenticator(security, covered)


def verify(
    data: bytes, message: RegistrationRequest | RegistrationReply, security: SecurityAssociation
) -> bool:
    """Whether `data`, decoded as `message`, carries exactly one valid Mobile-Home Authentication."""
    found = [
        extension
        for extension in message.all(Authentication)
        if extension.type == ExtensionType.MOBILE_HOME_AUTHENTICATION
    ]
    if len(found) != 1 or found[0].spi != security.spi:
        return False
    covered = data[: found[0].offset + _HEADER.size]
    return hmac.compare_digest(authenticator(security, covered), found[0].authenticator)
