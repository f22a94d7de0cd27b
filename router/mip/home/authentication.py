"""Who speaks: the authentication checks of RFC 5944 section 3.8.2.1, and what each speaker vouches for."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from router.config.model import Mobile, SecurityAssociation
from router.mip.auth import authentications, is_valid
from router.mip.wire.authentication import Authentication
from router.mip.wire.extension import Extension
from router.mip.wire.numbers import ExtensionType
from router.mip.wire.registration import RegistrationRequest

__all__ = ["Failure", "Proof", "prove"]

_MOBILE_HOME = ExtensionType.MOBILE_HOME_AUTHENTICATION
_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION
_AAA = ExtensionType.GENERALIZED_AUTHENTICATION


class Failure(Enum):
    """Why a request is not believed; `value` names the counter."""

    MISSING = "missing_authenticator"
    BAD = "bad_authenticator"
    BAD_AAA = "bad_aaa_authenticator"
    FOREIGN = "bad_foreign_authenticator"
    UNEXPECTED_FOREIGN = "unexpected_foreign_authenticator"


class Proof(NamedTuple):
    """Extensions by who vouches for them, or why nobody does."""

    mobile: tuple[Extension, ...] = ()
    """What the mobile node's authenticator covers."""
    foreign: tuple[Extension, ...] = ()
    """What a foreign agent added, when its authenticator is valid."""
    foreign_valid: bool = False
    failure: Failure | None = None


def prove(
    data: bytes, request: RegistrationRequest, mobile: Mobile, foreign_agent: SecurityAssociation | None
) -> Proof:
    """Check every authentication in `request`, decoded from `data`.

    What stands behind the mobile node's authenticator without a foreign
    agent's valid one counts for nothing: anybody may have put it there.
    """
    own, end = _authorising(request, mobile)
    foreign, foreign_failure = _foreign(data, request, end, foreign_agent)
    signed = bool(authentications(request.extensions, _FOREIGN_HOME))
    foreign_valid = foreign_agent is not None and foreign_failure is None and signed
    if own is None:
        return Proof(failure=Failure.MISSING)
    if not is_valid(data, own, mobile.security if own.type == _MOBILE_HOME else _key(mobile.aaa)):
        return Proof(foreign_valid=foreign_valid, failure=Failure.BAD)
    if mobile.aaa is not None and own.type != _AAA:
        aaa = mobile.aaa
        if not all(is_valid(data, item, aaa) for item in authentications(request.extensions, _AAA)):
            return Proof(failure=Failure.BAD_AAA)
    if foreign_failure is not None:
        return Proof(failure=foreign_failure)
    covered = request.extensions[: request.extensions.index(own)]
    return Proof(covered, foreign, foreign_valid)


def _authorising(request: RegistrationRequest, mobile: Mobile) -> tuple[Authentication | None, int]:
    """The authentication that authorises the request, and where the foreign agent's part begins.

    Mobile-Home wins; Mobile-AAA stands in where we hold that key.  Two
    Mobile-Home authentications are as good as none.
    """
    homes = authentications(request.extensions, _MOBILE_HOME)
    aaas = authentications(request.extensions, _AAA)
    end = max((item.end for item in homes + aaas), default=0)
    if len(homes) == 1:
        return homes[0], end
    if not homes and aaas and mobile.aaa is not None:
        return aaas[0], end
    return None, end


def _foreign(
    data: bytes, request: RegistrationRequest, start: int, security: SecurityAssociation | None
) -> tuple[tuple[Extension, ...], Failure | None]:
    found = authentications(request.extensions, _FOREIGN_HOME)
    if security is None:
        return (), Failure.UNEXPECTED_FOREIGN if found else None
    if not found and (request.lifetime == 0 or request.decapsulation):
        # RFC 5944 section 3.5.4: a de-registration goes without it, and so does
        # a care-of address that is the mobile node's own.
        return (), None
    if len(found) != 1 or found[0].offset < start or not is_valid(data, found[0], security):
        return (), Failure.FOREIGN
    authorising = [
        index
        for index, item in enumerate(request.extensions)
        if isinstance(item, Authentication) and item.type in (_MOBILE_HOME, _AAA)
    ]
    first = authorising[0] + 1 if authorising else 0
    return request.extensions[first : request.extensions.index(found[0])], None


def _key(security: SecurityAssociation | None) -> SecurityAssociation:
    if security is None:
        raise ValueError("no key for Mobile-AAA authentication")
    return security
