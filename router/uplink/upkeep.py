"""What the dialogues with modems want done beside their ports: memories kept, network devices set up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from modem.dialogue import Modem
from router.config.model import Uplink
from router.uplink.modem_memory import ModemMemory
from router.uplink.ppp import Ppp
from router.uplink.session_link import SessionLink

__all__ = ["Upkeep"]

_log = logging.getLogger("roamd.uplink")


class Upkeep:
    """Makes the dialogues, and carries out their effects."""

    def __init__(self, memory: ModemMemory, device_of: Callable[[Uplink], str | None]) -> None:
        self._memory = memory
        self._device_of = device_of
        self._links: dict[str, SessionLink] = {}
        self._ppp: dict[str, Ppp] = {}

    def modem(self, uplink: Uplink, now: float) -> Modem:
        """A dialogue with the modem of `uplink`, which knows what the one before it knew."""
        given = uplink.modem
        settings: dict[str, object] = {
            "pin": given.pin, "session": given.session, "cid": given.cid, "apn": given.apn, "auth": given.auth,
            "username": given.username, "password": given.password,
        }  # fmt: skip
        return Modem(settings, self._memory.recall(uplink.name), now)

    def perform(self, uplink: Uplink, effect: tuple[Any, ...]) -> None:
        """("remember", memory), ("configure", values) or ("deconfigure",)."""
        if effect[0] == "remember":
            self._memory.keep(uplink.name, effect[1])
        elif effect[0] == "configure":
            self._configure(uplink, effect[1])
        elif effect[0] == "deconfigure":
            self.gone(uplink.name)

    def attached(self, uplink: Uplink, port: str | None, loop: asyncio.AbstractEventLoop) -> None:
        """The modem of `uplink` is there; `port` is the one that it has for PPP."""
        if uplink.modem.session != "ppp":
            return
        if port is None:
            _log.warning("uplink %s: its modem has no port that is known to be for PPP", uplink.name)
            return
        self._ppp[uplink.name] = Ppp(uplink, port)
        self._ppp[uplink.name].start(loop)

    def detached(self, name: str) -> None:
        """The modem of this uplink is no more."""
        self.gone(name)
        ppp = self._ppp.pop(name, None)
        if ppp is not None:
            ppp.stop()

    def gone(self, name: str) -> None:
        """The session of this uplink is no more."""
        link = self._links.pop(name, None)
        if link is None:
            return
        try:
            link.clear()
        except OSError as error:
            _log.warning("uplink %s: device %s: %s", name, link.device, error.strerror)

    def _configure(self, uplink: Uplink, wanted: dict[str, Any]) -> None:
        self.gone(uplink.name)
        device = uplink.device or self._device_of(uplink)
        if device is None:
            _log.warning(
                "uplink %s: the session stands, but its network device is not known: give option device",
                uplink.name,
            )
            return
        link = self._links[uplink.name] = SessionLink(device)
        try:
            link.configure(wanted, uplink.bid)
        except (OSError, ValueError) as error:
            _log.warning("uplink %s: device %s cannot be set up: %s", uplink.name, device, error)
