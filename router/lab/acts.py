"""The acts of the demo, in order.  Each tells, does, measures and checks one thing."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any

from router.control import render
from router.lab.cast import Cast
from router.lab.story import Story
from router.lab.topology import CORRESPONDENT, HOME_AGENT, LAN_HOST

__all__ = ["ACTS"]

_FLOWS = 32
_BUNDLE_SECONDS = 8.0
_WARM_UP = 2.0
_FIRST_OCTETS = 100_000
_CUT_AT = 2.0
_CUT_SECONDS = 6.0
_MIN_AGGREGATE, _MIN_POLICY, _MAX_OUTAGE_MS = 0.85, 0.99, 1000.0
_WIFI, _CELL = 1, 2
_PATIENCE = 60.0
"""How long to wait, s, for what takes as long as the machine is slow: an emulated one is ten times slower."""


def register(cast: Cast, story: Story) -> None:
    """Both uplinks become bindings."""
    story.chapter("Registration: every uplink at once")
    story.say(
        "The mobile router finds wlan0 by netlink, and wwan0 by asking the modem on its serial port for\n"
        "the address it was given. Each registers its own care-of address; the cellular one is behind NAT."
    )
    seconds = cast.wait("both bindings", lambda: {"wifi", "cell"} <= set(cast.bound()), _PATIENCE)
    cast.wait("the home agent's bindings", lambda: len(cast.status("ha")["bindings"]) == 2, _PATIENCE)
    status = cast.status("mr")
    story.say("\n" + render.status(status) + "\n")
    bound = cast.bound()
    story.figures["uplinks"] = status["uplinks"]
    story.figures["bindings"] = [
        {
            "bid": binding["bid"],
            "coa": binding["care_of_address"],
            "tunnel": binding["encapsulation"],
            "nat": binding["nat"],
            "lifetime": binding["lifetime"],
        }
        for binding in bound.values()
    ]
    story.figures["tunnels"] = [
        {key: tunnel[key] for key in ("bid", "encapsulation", "plane")} for tunnel in status["tunnels"]
    ]
    story.check("registration", True, f"2 bindings, {seconds:.1f} s after the start")
    story.check(
        "nat",
        bound["cell"]["nat"] and not bound["wifi"]["nat"] and bound["cell"]["encapsulation"] == "udp",
        "found on cell, tunnel in UDP; none on wifi, IP in IP",
    )

    def modem() -> dict[str, Any]:
        return next(uplink["modem"] for uplink in cast.status("mr")["uplinks"] if uplink["name"] == "cell")

    cast.wait("the modem's operator", lambda: bool(modem()["operator"]), _PATIENCE)
    found = modem()
    story.check(
        "modem",
        bool(found["operator"]),
        f"{found['manufacturer']} {found['model']}, {found['operator']}",
    )


def reach(cast: Cast, story: Story) -> None:
    """Packets pass, both ways."""
    story.chapter("Reachability: the mobile network, through the home agent")
    out = cast.result(cast.traffic("lan", "download", host=CORRESPONDENT, port=5001, octets=20000), _PATIENCE)
    story.check("lan to correspondent", out["bytes"] >= 20000, f"{out['bytes']} octets")
    back = cast.result(cast.traffic("corr", "download", host=LAN_HOST, port=8000, octets=20000), _PATIENCE)
    story.check(
        "correspondent to lan", back["bytes"] >= 20000, f"{back['bytes']} octets, to {LAN_HOST} itself"
    )


def policy(cast: Cast, story: Story) -> None:
    """HTTP keeps to the Wi-Fi tunnel, down and up."""
    story.chapter("Policy: HTTP prefers wifi")
    story.say(
        "`config flow 'web'` names wifi first. Down and up, no octet of HTTP should take the other tunnel:"
    )
    story.say("the home agent sends back through the tunnel a connection's packets came in by.")
    shares = {}
    for direction, index in (("down", 0), ("up", 1)):
        before = cast.tunnel_octets()
        if direction == "down":
            client = cast.traffic(
                "lan", "download", host=CORRESPONDENT, port=80, octets=3_000_000, seconds=15
            )
        else:
            client = cast.traffic("lan", "upload", host=CORRESPONDENT, port=80, octets=3_000_000)
        cast.watched(client, story, f"3 MB {direction}", 1.6)
        after = cast.tunnel_octets()
        moved = {bid: after[bid][index] - before[bid][index] for bid in after}
        shares[direction] = round(moved[_WIFI] / max(1, sum(moved.values())), 4)
        share = shares[direction]
        story.check(
            f"policy {direction}", share >= _MIN_POLICY, f"{100 * share:.2f} % took wifi (at least 99)"
        )
    story.figures["policy"] = shares


def bundle(cast: Cast, story: Story) -> None:
    """Many flows fill both links."""
    total = sum(uplink["bandwidth_down"] for uplink in cast.status("mr")["uplinks"]) / 1000
    story.chapter(f"Bundle: {_FLOWS} flows over both links")
    story.say(
        f"Flows no policy names fall into hash buckets, shared out by bandwidth. {_FLOWS} of them, so that the\n"
        "thin link surely gets one; each flow takes one tunnel, together they should fill the sum of the links."
    )
    before = cast.tunnel_octets()
    client = cast.traffic(
        "lan", "download", host=CORRESPONDENT, port=5001, flows=_FLOWS, seconds=_BUNDLE_SECONDS
    )
    found = cast.watched(client, story, f"{_FLOWS} flows", _BUNDLE_SECONDS)
    after = cast.tunnel_octets()
    skip = int(_WARM_UP / found["bin_seconds"])
    steady = found["bins"][skip:-1]
    mbps = 8e-6 * sum(steady) / (len(steady) * found["bin_seconds"]) if steady else 0.0
    story.figures["aggregate_mbps"] = round(mbps, 2)
    story.figures["sum_of_links_mbps"] = total
    parts = {bid: 8e-6 * (after[bid][0] - before[bid][0]) / _BUNDLE_SECONDS for bid in after}
    story.say(
        f"through wifi {parts[_WIFI]:.1f} Mbit/s, through cell {parts[_CELL]:.1f} Mbit/s, headers included"
    )
    story.check(
        "aggregate",
        mbps / total >= _MIN_AGGREGATE,
        f"{mbps:.1f} of {total:.0f} Mbit/s = {mbps / total:.2f} (at least 0.85)",
    )


def cut(cast: Cast, story: Story) -> None:
    """The Wi-Fi link dies under a transfer, and the transfer does not notice."""
    story.chapter("Cut: the Wi-Fi carrier goes away under a running transfer")
    story.say(
        "One TCP connection, on wifi by policy. The router sees the carrier go, tells the home agent through cell\n"
        "that this binding is over, and points the dead tunnel's routing table at the living one."
    )
    idle = cast.tunnel_octets()[_WIFI][0]
    client = cast.traffic("lan", "download", host=CORRESPONDENT, port=80, seconds=_CUT_SECONDS)
    cast.wait("the transfer", lambda: cast.tunnel_octets()[_WIFI][0] > idle + _FIRST_OCTETS, _PATIENCE)
    start = time.monotonic()
    while time.monotonic() - start < _CUT_AT:
        story.progress("transfer", (time.monotonic() - start) / _CUT_SECONDS)
        time.sleep(0.05)
    cut_at = time.monotonic()
    cast.lab.set_wifi(False)
    found = cast.watched(client, story, "transfer", _CUT_SECONDS - _CUT_AT)
    # The longest gap of the whole transfer: the cut's, or something worse.
    gap = float(found["longest_gap_ms"])
    rate = _rate_after(found, cut_at - found["start"] + 1.0)
    survived = not found["errors"] and found["open_at_end"] == 1 and rate > 0
    story.figures["cut"] = {"outage_ms": gap, "tcp_survived": survived, "mbps_after": round(rate, 2)}
    story.check(
        "cut: outage", survived and gap <= _MAX_OUTAGE_MS, f"{gap:.0f} ms without a new octet (at most 1000)"
    )
    story.check("cut: same connection", survived, f"goes on at {rate:.1f} Mbit/s through cell")
    bindings = cast.status("ha")["bindings"]
    story.check(
        "cut: home agent knows", [b["bid"] for b in bindings] == [_CELL], "the dead binding is gone there too"
    )


def come_back(cast: Cast, story: Story) -> None:
    """The link returns, and new flows use it; an overheard registration is replayed in vain."""
    story.chapter("Return: the carrier is back")
    spy = cast.traffic("inet", "replay", device="wifi0", host=HOME_AGENT, port=434, seconds=_PATIENCE)
    assert spy.stdout is not None
    spy.stdout.readline()
    cast.lab.set_wifi(True)
    seconds = cast.wait("the Wi-Fi binding", lambda: "wifi" in cast.bound(), _PATIENCE)
    cast.wait("the tunnel", lambda: _WIFI in cast.tunnel_octets(), _PATIENCE)
    before = cast.tunnel_octets()
    client = cast.traffic("lan", "download", host=CORRESPONDENT, port=80, octets=1_000_000, seconds=10)
    cast.result(client, _PATIENCE)
    moved = {bid: octets[0] - before[bid][0] for bid, octets in cast.tunnel_octets().items()}
    share = moved[_WIFI] / max(1, sum(moved.values()))
    story.figures["return"] = {"rebound_s": round(seconds, 2), "new_flows_share": round(share, 4)}
    story.check(
        "return",
        share >= _MIN_POLICY,
        f"bound again after {seconds:.2f} s, {100 * share:.1f} % of a new flow on wifi",
    )
    replayed = cast.result(spy, _PATIENCE)["replayed"]
    cast.wait(
        "the replay to be seen",
        lambda: cast.status("ha")["counters"].get("replays", 0) >= replayed,
        _PATIENCE,
    )
    counted = cast.status("ha")["counters"].get("replays", 0)
    story.check(
        "replay", counted >= replayed == 3, f"an overheard registration, sent thrice more: {counted} refused"
    )


def bad_input(cast: Cast, story: Story) -> None:
    """Garbage and forgeries at port 434."""
    story.chapter("Bad input: garbage and forgeries at port 434")
    before = [binding["care_of_address"] for binding in cast.status("ha")["bindings"]]
    refused_before = _refused(cast)
    sent = cast.result(cast.traffic("inet", "mischief", host=HOME_AGENT, port=434), _PATIENCE)["sent"]
    refused = _refused(cast) - refused_before
    status = cast.status("ha")
    story.figures["bad_input"] = {"sent": sent, "refused": refused, "counters": status["counters"]}
    story.check("bad input", refused >= sent, f"{sent} datagrams, {refused} dropped and counted")
    after = [binding["care_of_address"] for binding in status["bindings"]]
    story.check(
        "bindings unharmed", sorted(before) == sorted(after) and len(after) == 2, ", ".join(sorted(after))
    )
    with open(cast.log("ha")) as file:
        lines = len(file.readlines())
    story.check("log limited", lines < 120, f"{lines} lines in the home agent's log")


def stop(cast: Cast, story: Story, clean: dict[str, dict[str, str]]) -> None:
    """SIGTERM, and nothing is left."""
    story.chapter("Stop: nothing stays behind")
    for role, who in (("mr", "mobile router"), ("ha", "home agent")):
        code = cast.stop_daemon(role)
        after = cast.lab.snapshot(role)
        left = [what for what, text in after.items() if _lines(text) != _lines(clean[role][what])]
        story.check(
            f"{who} leaves no trace",
            code == 0 and not left,
            f"exit {code}, "
            + (
                f"changed: {', '.join(left)}"
                if left
                else "links, addresses, routes, rules, nftables as before"
            ),
        )


def _refused(cast: Cast) -> int:
    """Datagrams that the home agent has dropped: in the daemon, and before it in the kernel, rule by rule."""
    counters = cast.status("ha")["counters"]
    daemon = sum(value for name, value in counters.items() if name.startswith("dropped_"))
    rules = re.findall(r"counter packets (\d+) bytes \d+ drop", cast.lab.run("ha", "nft", "list", "ruleset"))
    return daemon + int(counters.get("tunnel_unmatched", 0)) + sum(map(int, rules))


ACTS = (register, reach, policy, bundle, cut, come_back, bad_input)


def _lines(text: str) -> list[str]:
    # Interface numbers of a peer namespace and counters do not matter; order of routes neither.
    return sorted(line.strip() for line in text.splitlines())


def _rate_after(found: dict[str, Any], seconds: float) -> float:
    bins = found["bins"][int(seconds / found["bin_seconds"]) :]
    return 8e-6 * statistics.fmean(bins) / found["bin_seconds"] if bins else 0.0
