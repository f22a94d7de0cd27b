"""The whole plane: fail-over, order, serialisation, and no trace left behind."""

import os
from ipaddress import IPv4Address, IPv4Network

import pytest

from router.plane.model import Nexthop, PlaneState, Route, Rule, Tunnel

pytestmark = pytest.mark.lab

HOME, ANCHOR = IPv4Address("10.99.0.2"), IPv4Address("10.99.0.1")
MOBILES = (IPv4Address("198.51.100.2"), IPv4Address("203.0.113.2"))
AGENTS = (IPv4Address("198.51.100.1"), IPv4Address("203.0.113.1"))
RULESET = """\
  chain marker {
    type route hook output priority mangle; policy accept;
    ip saddr != 10.99.0.2 return
    meta mark set 0x01000000
  }
"""


def state(own, other, locals_, remotes, living, ruleset=""):
    """Two tunnels and their tables; a dead one's table points at the living one."""
    every = tuple(Tunnel(f"roam{n + 1}", locals_[n], remotes[n], "ipip") for n in (0, 1))
    alive = tuple(every[n] for n in living)
    prefix = IPv4Network(other)
    spread = tuple(Nexthop(tunnel.device) for tunnel in alive)
    paths = tuple(
        Route(7401 + n, prefix, (Nexthop(tunnel.device if tunnel in alive else alive[0].device),), own)
        for n, tunnel in enumerate(every)
    )
    rules = (
        Rule(7400, 254, suppress_prefixlength=0),
        *(Rule(7421 + n, 7401 + n, mark=(n + 1) << 24, mask=0x0F000000) for n in (0, 1)),
        Rule(7440, 7400),
    )
    return PlaneState(alive, (("lo", own),), (Route(7400, prefix, spread, own), *paths), rules, ruleset)


def mobile_state(*living, ruleset=RULESET):
    return state(HOME, ANCHOR, MOBILES, AGENTS, living, ruleset)


def home_state(*living):
    return state(ANCHOR, HOME, AGENTS, MOBILES, living)


@pytest.fixture
def running(pair):
    mobile, home = pair
    for side in pair:
        side.run("await begin()")
    mobile.apply(mobile_state(0, 1))
    home.apply(home_state(0, 1))
    return pair


class TestFailOver:
    def test_a_dead_paths_flows_move_at_once_and_go_on(self, running):
        mobile, home = running
        pinger = mobile.tool(f"ping('{ANCHOR}', count=150, interval=0.01, source='{HOME}')")
        home.run("await asyncio.sleep(0.4)")
        # The marked flow is in roam1's table; nothing but that table's route changes.
        took = [side.run(f"clock_routes({plan!r})") for side, plan in (
            (home, home_state(1)), (mobile, mobile_state(1)),
        )]  # fmt: skip
        assert max(took) < 0.01
        mobile.ip("link", "set", "up0", "down")
        result = pinger.result()
        assert result["answered"] >= 145
        assert result["gap"] < 0.2
        mobile.apply(mobile_state(1))
        assert "roam1" not in mobile.ip("link", "show")
        assert mobile.tool(f"ping('{ANCHOR}', source='{HOME}')").result()["answered"] == 3

    def test_the_path_comes_back(self, running):
        mobile, home = running
        for side, plan in ((mobile, mobile_state), (home, home_state)):
            side.apply(plan(1))
            side.apply(plan(0, 1))
        before = mobile.run("plane.statistics()")["roam1"]["tx_packets"]
        assert mobile.tool(f"ping('{ANCHOR}', source='{HOME}')").result()["answered"] == 3
        assert mobile.run("plane.statistics()")["roam1"]["tx_packets"] == before + 3


class TestTraces:
    def test_close_leaves_all_as_it_was(self, pair):
        mobile, _ = pair
        mobile.command("nft", "add", "table", "ip", "other")
        before = mobile.snapshot()
        policy = mobile.sysctl("net/ipv4/fib_multipath_hash_policy")
        mobile.run("await begin()")
        mobile.apply(mobile_state(0, 1))
        during = mobile.snapshot()
        assert all(during[view] != before[view] for view in before)
        mobile.run("await plane.close()")
        assert mobile.snapshot() == before
        assert mobile.sysctl("net/ipv4/fib_multipath_hash_policy") == policy

    def test_an_empty_state_leaves_all_as_it_was(self, pair):
        mobile, _ = pair
        before = mobile.snapshot()
        mobile.run("await begin()")
        mobile.apply(mobile_state(0, 1))
        mobile.apply(PlaneState())
        assert mobile.snapshot() == before

    def test_a_new_process_takes_over_from_a_killed_one(self, running):
        mobile, _ = running
        mobile.kill()
        mobile.run("await begin()")
        mobile.apply(mobile_state(0, 1))
        assert mobile.tool(f"ping('{ANCHOR}', source='{HOME}')").result()["answered"] == 3

    def test_no_descriptor_is_left(self, lone):
        count = "len(os.listdir('/proc/self/fd'))"
        lone.ip("address", "add", "198.51.100.2/32", "dev", "lo")
        lone.run("await begin()")
        lone.run("await plane.close()")
        before = lone.run(count)
        lone.run("await begin()")
        lone.apply(mobile_state(0, 1))
        lone.apply(mobile_state(1))
        lone.run("await plane.close()")
        assert lone.run(count) == before


class TestApply:
    def test_concurrent_calls_end_in_the_newest_state(self, pair):
        mobile, _ = pair
        mobile.run("await begin()")
        states = [mobile_state(0), mobile_state(1), mobile_state(0, 1), mobile_state(1, ruleset="")]
        calls = ", ".join(f"plane.apply({item!r})" for item in states)
        mobile.run(f"(await asyncio.gather({calls})) and None")
        assert "roam1" not in mobile.ip("link", "show") and "roam2" in mobile.ip("link", "show")
        assert "roamd" not in mobile.command("nft", "list", "ruleset")

    def test_a_cancelled_call_can_be_repeated(self, pair):
        mobile, _ = pair
        mobile.run("await begin()")
        plan = mobile_state(0, 1)
        started = f"[asyncio.ensure_future(plane.apply({plan!r}))]"
        mobile.run(f"(await asyncio.wait({started}, timeout=0.001))[1].pop().cancel()")
        mobile.apply(plan)
        assert "chain marker" in mobile.command("nft", "list", "table", "ip", "roamd")

    def test_the_ruleset_is_replaced_whole_and_loaded_once(self, running):
        mobile, _ = running
        handle = mobile.command("nft", "-a", "list", "table", "ip", "roamd")
        mobile.apply(mobile_state(0, 1))
        assert mobile.command("nft", "-a", "list", "table", "ip", "roamd") == handle
        mobile.apply(mobile_state(0, 1, ruleset="  chain other { }\n"))
        assert "chain marker" not in mobile.command("nft", "list", "table", "ip", "roamd")

    def test_a_bad_ruleset_names_nfts_complaint_and_keeps_the_old_table(self, running):
        mobile, _ = running
        with pytest.raises(
            Exception, match=r"PlaneError: nft refused the ruleset: .*Error: syntax error.*nonsense"
        ):
            mobile.apply(mobile_state(0, ruleset="  chain c { nonsense }\n"))
        assert "chain marker" in mobile.command("nft", "list", "table", "ip", "roamd")
        # All else is as wanted.
        assert "roam2" not in mobile.ip("link", "show")
        mobile.apply(mobile_state(0))

    def test_without_nft(self, lone):
        lone.run("os.environ.__setitem__('PATH', '/nonexistent')")
        lone.run("await begin()")
        lone.apply(PlaneState(routes=(Route(7431, IPv4Network("0.0.0.0/0")),)))
        with pytest.raises(Exception, match="PlaneError: nft not found: install nftables"):
            lone.apply(PlaneState(ruleset=RULESET))


class TestDevices:
    def test_the_kernel_keeps_its_hands_off(self, running):
        mobile, _ = running
        assert mobile.sysctl("net/ipv4/conf/roam1/rp_filter") == "0"
        assert mobile.sysctl("net/ipv6/conf/roam1/disable_ipv6") == "1"

    def test_strict_filtering_everywhere_is_loosened_for_tunnels(self, lone):
        lone.command("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter")
        lone.ip("address", "add", "198.51.100.2/32", "dev", "lo")
        lone.run("await begin()")
        lone.apply(mobile_state(0, ruleset=""))
        assert lone.sysctl("net/ipv4/conf/roam1/rp_filter") == "2"

    def test_userspace_is_used_when_told_so(self, running):
        mobile, _ = running
        tunnel = mobile_state(0).tunnels[0]
        assert mobile.run(f"plane.kind_of({tunnel!r})") == "userspace"


class TestKernelTunnels:
    """Where the kernel has ipip devices, and where it has not."""

    @pytest.fixture
    def has_ipip(self, lone):
        try:
            lone.ip("link", "add", "probe0", "type", "ipip", "local", "127.0.0.1", "remote", "127.0.0.2")
        except AssertionError:
            return False
        lone.ip("link", "del", "probe0")
        return True

    def test_kind_kernel_needs_the_module(self, lone, has_ipip):
        if has_ipip:
            pytest.skip("this kernel has ipip")
        before = lone.snapshot()
        with pytest.raises(Exception, match=r"PlaneError.*kmod-ipip"):
            lone.run("await begin('kernel')")
        assert lone.snapshot() == before

    def test_without_anybody_in_user_space_both_choices_are_named(self, lone, has_ipip):
        if has_ipip:
            pytest.skip("this kernel has ipip")
        before = lone.snapshot()
        # As if the package were not installed.
        lone.run("__import__('sys').modules.update({'router.plane.userspace': None})")
        with pytest.raises(Exception, match=r"PlaneError.*install kmod-fou, kmod-ipip, or roamd-tun"):
            lone.run("await begin('auto')")
        assert lone.snapshot() == before

    def test_auto_falls_back(self, lone, has_ipip):
        lone.run("await begin('auto')")
        tunnel = mobile_state(0).tunnels[0]
        expected = "kernel" if has_ipip else "userspace"
        assert lone.run(f"plane.kind_of({tunnel!r})") == expected

    def test_kernel_tunnels_carry_change_and_go(self, pair, has_ipip):
        if not has_ipip:
            pytest.skip("this kernel has no ipip")
        mobile, home = pair
        before = mobile.snapshot()
        for side in pair:
            side.run("await begin('kernel')")
        mobile.apply(mobile_state(0, 1, ruleset=""))
        home.apply(home_state(0, 1))
        ping = f"ping('{ANCHOR}', source='{HOME}')"
        assert mobile.tool(ping).result()["answered"] == 3
        assert "ipip" in mobile.ip("-d", "link", "show", "roam1")
        counters = mobile.run("plane.statistics()")
        assert counters["roam1"]["tx_packets"] + counters["roam2"]["tx_packets"] == 3
        # A killed process's devices carry on, and are taken over.
        index = mobile.ip_json("link", "show", "dev", "roam1")[0]["ifindex"]
        mobile.kill()
        mobile.run("await begin('auto')")
        mobile.apply(mobile_state(0, 1, ruleset=""))
        assert mobile.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] == index
        assert mobile.tool(ping).result()["answered"] == 3
        # The remote changes in place.
        moved = Tunnel("roam1", MOBILES[0], IPv4Address("198.51.100.9"), "ipip")
        plan = mobile_state(0, 1, ruleset="")
        mobile.apply(PlaneState((moved, plan.tunnels[1]), plan.addresses, plan.routes, plan.rules))
        assert "198.51.100.9" in mobile.ip("-d", "link", "show", "roam1")
        assert mobile.ip_json("link", "show", "dev", "roam1")[0]["ifindex"] == index
        mobile.apply(plan)
        mobile.kill()
        mobile.run("await begin('auto')")
        mobile.apply(mobile_state(1, ruleset=""))
        assert "roam1" not in mobile.ip("link", "show")
        mobile.run("await plane.close()")
        assert mobile.snapshot() == before


@pytest.mark.skipif("ROAMD_BENCH" not in os.environ, reason="set ROAMD_BENCH to measure")
@pytest.mark.parametrize("encapsulation", ["ipip", "udp", "none"])
def test_throughput(pair, encapsulation, capsys):
    mobile, home = pair
    udp = encapsulation == "udp"
    own, other = HOME, ANCHOR
    if encapsulation == "none":
        own, other = MOBILES[0], AGENTS[0]
    else:
        port = 0
        for side in pair:
            side.run("await begin()")
        if udp:
            home.run(f"open_udp('{AGENTS[0]}', 434)")
            port = mobile.run(f"open_udp('{MOBILES[0]}', 0)")
        ports = (port, 434) if udp else (0, 0)
        mtu = 1468 if udp else 1480
        plan = mobile_state(0, ruleset="")
        there = Tunnel("roam1", MOBILES[0], AGENTS[0], "udp" if udp else "ipip", *ports, mtu)
        back = Tunnel("roam1", AGENTS[0], MOBILES[0], "udp" if udp else "ipip", *ports[::-1], mtu)
        mobile.apply(PlaneState((there,), plan.addresses, plan.routes, plan.rules))
        plan = home_state(0)
        home.apply(PlaneState((back,), plan.addresses, plan.routes, plan.rules))
    server = home.tool(f"tcp_sink('{other}', 5001)")
    server.wait_ready()
    client = mobile.tool(f"tcp_source('{other}', 5001, {256 << 20}, '{own}')")
    result = server.result()
    client.result()
    rate = result["octets"] * 8 / result["seconds"] / 1e6
    with capsys.disabled():
        print(f"\n{encapsulation}: {rate:.0f} Mbit/s")
        if encapsulation != "none":
            print(mobile.run("plane.statistics()"), home.run("plane.statistics()"))
