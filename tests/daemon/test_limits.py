"""Caps that change while the daemon runs."""

import asyncio

from router.config.model import Uplink
from router.daemon.limits import Limits


def test_another_cap_counts_what_was_carried_before(tmp_path):
    async def run():
        limits = Limits(
            [Uplink("lte", 1, "cellular", cap=5)], {}, str(tmp_path / "usage.json"), lambda bid: None
        )
        limits.start()
        limits.usage[1].octets = 3_000_000
        limits.configure([Uplink("lte", 1, "cellular", cap=2), Uplink("wifi", 2, "wifi")])
        assert limits.barred(1) == "cap of 2 MB reached"
        assert limits.barred(2) is None
        limits.configure([Uplink("lte", 1, "cellular"), Uplink("wifi", 2, "wifi")])
        assert limits.barred(1) is None
        limits.close()

    asyncio.run(run())
