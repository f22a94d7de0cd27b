"""The plane's keeper, with a plane that takes its time."""

import asyncio

from router.daemon.keeper import PlaneKeeper
from router.plane.errors import PlaneError
from router.plane.model import PlaneState


class SlowPlane:
    """Applies when told to go on; refuses while `refusing`; a cancellation it does not even notice."""

    def __init__(self):
        self.applied, self.closed, self.refusing = [], False, False
        self.go, self.busy = asyncio.Event(), asyncio.Event()

    async def start(self, disturbed):
        self.disturbed = disturbed

    async def apply(self, state, parts):
        self.busy.set()
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                continue
        if self.refusing:
            raise PlaneError("no nft")
        self.applied.append((state, parts))

    def apply_routes_now(self, state, parts):
        self.applied.append(("routes", state, parts))

    async def close(self):
        self.closed = True


def run(scenario):
    async def inside():
        plane = SlowPlane()
        states = [PlaneState(ruleset=str(number)) for number in range(9)]
        keeper = PlaneKeeper(plane, lambda: states[0])
        await keeper.start()
        await scenario(plane, keeper, states)

    asyncio.run(asyncio.wait_for(inside(), 5))


def test_closing_in_the_middle_of_an_application_ends():
    async def scenario(plane, keeper, states):
        keeper.changed()
        await plane.busy.wait()
        closing = asyncio.ensure_future(keeper.close())
        await asyncio.sleep(0)
        plane.go.set()
        await closing
        assert plane.closed

    run(scenario)


def test_the_newest_plan_is_what_settles():
    async def scenario(plane, keeper, states):
        keeper.changed()
        await plane.busy.wait()
        states[0] = states[5]
        keeper.changed()
        plane.go.set()
        await keeper.settled()
        assert plane.applied[-1] == (states[5], None)
        await keeper.close()

    run(scenario)


def test_hurry_moves_routes_before_it_returns():
    async def scenario(plane, keeper, states):
        keeper.changed(hurry=True)
        assert plane.applied == [("routes", states[0], None)]
        keeper.changed({"bus"}, hurry=True)
        assert plane.applied[1:] == [("routes", states[0], {"bus"})]
        plane.go.set()
        await keeper.close()

    run(scenario)


def test_no_more_than_what_has_changed_is_applied_after_the_first_time():
    async def scenario(plane, keeper, states):
        plane.go.set()
        for changes, applied in (
            ([{"bus"}], None),
            ([{"bus"}], {"bus"}),
            ([{"bus"}, {"tram", "bus"}], {"bus", "tram"}),
            ([{"bus"}, None], None),
            ([{"tram"}], {"tram"}),
        ):
            for parts in changes:
                keeper.changed(parts)
            await keeper.settled()
            assert plane.applied[-1] == (states[0], applied)
        assert len(plane.applied) == 5
        await keeper.close()

    run(scenario)


def test_what_changes_in_the_middle_of_an_application_is_applied_after_it():
    async def scenario(plane, keeper, states):
        keeper.changed()
        await plane.busy.wait()
        keeper.changed({"bus"})
        plane.go.set()
        await keeper.settled()
        assert [parts for _, parts in plane.applied] == [None, {"bus"}]
        await keeper.close()

    run(scenario)


def test_who_waits_for_a_plan_does_not_wait_for_those_that_come_after_it():
    async def scenario(plane, keeper, states):
        keeper.changed()
        await plane.busy.wait()
        keeper.changed({"bus"})
        waiting = asyncio.ensure_future(keeper.settled())
        await asyncio.sleep(0)
        plane.go.set()
        while not waiting.done():
            keeper.changed({"tram"})
            await asyncio.sleep(0)
        assert {"bus", "tram"} in [parts for _, parts in plane.applied]
        await keeper.close()

    run(scenario)


def test_a_disturbed_plane_and_one_that_refused_are_made_whole():
    async def scenario(plane, keeper, states):
        plane.go.set()
        keeper.changed()
        await keeper.settled()
        plane.disturbed()
        await keeper.settled()
        assert plane.applied[1:] == [(states[0], None)]
        plane.refusing = True
        keeper.changed({"bus"})
        await keeper.settled()
        plane.refusing = False
        keeper.changed({"tram"})
        await keeper.settled()
        assert plane.applied[2:] == [(states[0], None)]
        await keeper.close()

    run(scenario)


def test_a_refusal_is_a_named_problem_and_settles():
    async def scenario(plane, keeper, states):
        plane.refusing = True
        plane.go.set()
        keeper.changed()
        await keeper.settled()
        assert keeper.problem == "no nft"
        assert keeper.counters["plane_failed"] == 1
        plane.refusing = False
        keeper.changed()
        await keeper.settled()
        assert keeper.problem is None
        await keeper.close()

    run(scenario)
