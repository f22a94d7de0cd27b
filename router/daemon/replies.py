"""Replies of an agent, each sent no sooner than what it promises stands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address

from router.daemon.keeper import PlaneKeeper
from router.mip.effect import Reply

__all__ = ["Replies"]


class Replies:
    """A mobile node sends as soon as it is answered: its tunnel must stand by then.

    Also when it asks again meanwhile, and is answered from memory.
    """

    def __init__(self, keeper: PlaneKeeper, send: Callable[[Reply], None]) -> None:
        self._keeper = keeper
        self._send = send
        self._awaited: Counter[IPv4Address] = Counter()
        """How many changes to the plane are waited for, by home address."""
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, replies: Sequence[Reply], gained: Collection[IPv4Address]) -> None:
        """`gained` are the home addresses for which the plan has just got more."""
        if gained or (self._awaited and any(reply.home_address in self._awaited for reply in replies)):
            self._awaited.update(gained)
            task = asyncio.get_running_loop().create_task(self._send_when_settled(replies, gained))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._send_all(replies)

    def close(self) -> None:
        """What waits is not sent any more."""
        for task in self._tasks:
            task.cancel()

    async def _send_when_settled(self, replies: Sequence[Reply], gained: Collection[IPv4Address]) -> None:
        await self._keeper.settled()
        for address in gained:
            self._awaited[address] -= 1
            if not self._awaited[address]:
                del self._awaited[address]
        self._send_all(replies)

    def _send_all(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            self._send(reply)
