"""What the dialogues with modems want done beside their ports: memories kept, network devices set up."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from modem.belief import AGREE
from modem.dialogue import Modem
from router.config.model import Uplink
from router.uplink.child import Child
from router.uplink.dhcp import Dhcp, Lease
from router.uplink.modem_memory import ModemMemory
from router.uplink.ppp import Ppp
from router.uplink.session_link import SessionLink

__all__ = ["Upkeep", "spoils"]

_log = logging.getLogger("roamd.uplink")
_UARTS = ("ttyS", "ttyAMA", "ttyO", "ttymxc", "ttyMSM", "ttyPS", "ttyTHS", "ttymvebu", "ttyHS")


def spoils(where: str) -> bool:
    """Whether octets may be spoilt on the way to the modem: USB checks its own, a UART or a server of one does not."""
    return "://" in where or os.path.basename(os.path.realpath(where)).startswith(_UARTS)


class Upkeep:
    """Makes the dialogues, and carries out their effects."""

    def __init__(
        self,
        memory: ModemMemory,
        device_of: Callable[[Uplink], str | None],
        changed: Callable[[str], None],
    ) -> None:
        """`changed(uplink's name)` is called when its `note` may differ."""
        self._memory = memory
        self._device_of = device_of
        self._changed = changed
        self._dhcp: dict[str, Dhcp] = {}
        self._notes: dict[str, str] = {}
        self._ending: list[Child] = []
        self._links: dict[str, SessionLink] = {}
        self._ppp: dict[str, Ppp] = {}

    def modem(self, uplink: Uplink, where: str, now: float) -> Modem:
        """A dialogue with the modem of `uplink` on port `where`, which knows what the one before it knew."""
        given = uplink.modem
        settings: dict[str, object] = {
            "pin": given.pin, "session": given.session, "cid": given.cid, "apn": given.apn, "auth": given.auth,
            "username": given.username, "password": given.password, "addressing": given.addressing,
            "agree": AGREE if spoils(where) else 1,
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
            self._ending.append(ppp)

    def note(self, name: str) -> str | None:
        """What keeps the uplink's network device from being of use, for people, while its session stands."""
        dhcp = self._dhcp.get(name)
        return dhcp.note if dhcp is not None else self._notes.get(name)

    async def ended(self) -> None:
        """All programs that served those who are gone have ended."""
        ending, self._ending = self._ending, []
        for child in ending:
            await child.ended()

    def gone(self, name: str) -> None:
        """The session of this uplink is no more."""
        dhcp, link = self._dhcp.pop(name, None), self._links.pop(name, None)
        self._notes.pop(name, None)
        if dhcp is not None:
            dhcp.stop()
            self._ending.append(dhcp.child)
        if link is not None:
            self._try(name, link, link.clear)

    def _configure(self, uplink: Uplink, wanted: dict[str, Any]) -> None:
        self.gone(uplink.name)
        device = uplink.device or self._device_of(uplink)
        if device is None:
            self._notes[uplink.name] = "its network device is not known: give option device"
            _log.warning("uplink %s: the session stands, but %s", uplink.name, self._notes[uplink.name])
        else:
            link = self._links[uplink.name] = SessionLink(device)
            if wanted["by"] == "dhcp":
                self._try(uplink.name, link, partial(link.bring_up, wanted["mtu"]))
                told = partial(self._leased, uplink, link, wanted)
                dhcp = self._dhcp[uplink.name] = Dhcp(uplink.name, device, told)
                dhcp.start(asyncio.get_running_loop())
            else:
                self._try(uplink.name, link, partial(link.configure, wanted, uplink.bid))
        self._changed(uplink.name)

    def _leased(self, uplink: Uplink, link: SessionLink, wanted: dict[str, Any], lease: Lease | None) -> None:
        if lease is None:
            self._try(uplink.name, link, link.clear)
        else:
            # The network knows its MTU better than the modem's DHCP server, which seldom tells one.
            merged = {**lease, "mtu": wanted["mtu"] or lease["mtu"]}
            self._try(uplink.name, link, partial(link.configure, merged, uplink.bid))
        self._changed(uplink.name)

    def _try(self, name: str, link: SessionLink, what: Callable[[], None]) -> None:
        self._notes.pop(name, None)
        try:
            what()
        except (OSError, ValueError) as error:
            self._notes[name] = f"device {link.device} cannot be set up: {error}"
            _log.warning("uplink %s: %s", name, self._notes[name])
