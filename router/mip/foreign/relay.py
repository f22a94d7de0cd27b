"""What a foreign agent sends, octet by octet: requests on, replies back, denials of its own."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.config.model import ForeignAgent as Settings
from router.config.model import SecurityAssociation
from router.mip.auth import append
from router.mip.foreign.checks import authorising_end
from router.mip.foreign.pending import Pending
from router.mip.wire.authentication import Authentication
from router.mip.wire.challenge import Challenge
from router.mip.wire.extension import Extension
from router.mip.wire.fa_error import FaError
from router.mip.wire.gre_key import GreKey
from router.mip.wire.message_string import MessageString
from router.mip.wire.nai import Nai
from router.mip.wire.numbers import ExtensionType, ReplyCode
from router.mip.wire.registration import RegistrationReply, RegistrationRequest
from router.mip.wire.revocation import RevocationSupport

__all__ = ["Relay"]

_FOREIGN_HOME = ExtensionType.FOREIGN_HOME_AUTHENTICATION
_MOBILE_FOREIGN = ExtensionType.MOBILE_FOREIGN_AUTHENTICATION


class Relay:
    """Knows our keys: with home agents by address, with mobile nodes by home address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._agents = {peer.address: peer.security for peer in settings.peers}
        self._mobiles = {peer.address: peer.security for peer in settings.visitors}

    def with_agent(self, home_agent: IPv4Address) -> SecurityAssociation | None:
        return self._agents.get(home_agent)

    def with_mobile(self, home_address: IPv4Address) -> SecurityAssociation | None:
        return self._mobiles.get(home_address)

    def request(self, data: bytes, request: RegistrationRequest, asked: Pending) -> bytes:
        """The mobile node's part untouched, then ours, of which `asked` tells (RFC 5944 section 3.7.2.2).

        Challenge and Mobile-AAA go on with it, for they stand before the end of
        what it authorised; a challenge answered to us alone stays here.
        """
        octets = data[: authorising_end(request.extensions)]
        if asked.gre_key is not None:
            octets += GreKey(asked.gre_key).encode()
        if asked.stamp is not None:
            octets += RevocationSupport(asked.stamp).encode()
        security = self.with_agent(asked.home_agent)
        ours = asked.care_of_address == self._settings.care_of_address
        if security is None or not asked.lifetime or not ours:
            # RFC 5944 section 3.5.4: not on a de-registration, nor for an address we do not advertise.
            return octets
        return append(octets, _FOREIGN_HOME, security)

    def reply(
        self,
        data: bytes,
        reply: RegistrationReply,
        home_address: IPv4Address,
        challenge: bytes,
        status: ReplyCode | None,
    ) -> bytes:
        """The home agent's reply through its authenticator, then ours (RFC 5944 section 3.7.3.2).

        What we do not honour is said beside the home agent's code, never in its place (RFC 4636).
        """
        ends = [
            item.end
            for item in reply.extensions
            if isinstance(item, Authentication) and item.type == ExtensionType.MOBILE_HOME_AUTHENTICATION
        ]
        octets = data[: ends[0]] if ends else reply._replace(extensions=()).encode()
        if status is not None:
            octets += FaError(status).encode()
        return self._closed(octets, home_address, challenge)

    def denial(
        self,
        request: RegistrationRequest,
        code: ReplyCode,
        why: str,
        lifetime: int,
        challenge: bytes,
    ) -> bytes:
        """Our own refusal (RFC 5944 section 3.7.2.3); a text tells people why (RFC 4917)."""
        nai = request.find(Nai)
        extensions: list[Extension] = [nai] if nai is not None else []
        extensions.append(MessageString(why, from_foreign_agent=True))
        answer = RegistrationReply(
            code,
            lifetime,
            request.home_address,
            request.home_agent,
            request.identification,
            tuple(extensions),
        )
        return self._closed(answer.encode(), request.home_address, challenge)

    def _closed(self, octets: bytes, home_address: IPv4Address, challenge: bytes) -> bytes:
        if challenge:
            octets += Challenge(challenge).encode()
        security = self.with_mobile(home_address)
        return octets if security is None else append(octets, _MOBILE_FOREIGN, security)
