"""What a tunnel of roamd's costs, in the kernel and in user space: `invoke bench plane`.

The kernel's part runs in the real-kernel lab, a virtual machine; the rest on
this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.bench.bindings import AGENT
from tests.bench.carrier import carrier
from tests.bench.figures import Figure, command_line, report, show
from tests.bench.internet import CN, Internet, in_turns
from tests.vm.run import booted

ROUNDS = 5
SECONDS = 3
_MINUTES = 40


def kernel_tunnels(rounds: int) -> list[Figure]:
    """TCP and small packets through IP in IP: roamd's, and made by hand without and with connection tracking, in turns."""
    with Internet("r") as roamd, Internet("h") as hand, Internet("t") as tracked:
        hand.by_hand()
        tracked.by_hand()
        tracked.track()
        roamd.by_roamd()
        rows = (roamd, hand, tracked)
        servers = [row.serve() for row in rows]
        tcp = in_turns(rounds, *(partial(row.mbps, SECONDS) for row in rows))
        small = in_turns(rounds, *(partial(row.packets, SECONDS) for row in rows))
        end(servers)
    return [*_compared("TCP", "Mbit/s", *tcp, 0.98), *_compared("64-octet packets", "1/s", *small, 0.97)]


def _compared(what: str, unit: str, medians: list[float], ratios: list[float], goal: float) -> list[Figure]:
    return [
        Figure(f"{what}, roamd tunnel", medians[0], unit),
        Figure(f"{what}, tunnel made by hand", medians[1], unit),
        Figure(f"{what}, tunnel made by hand, connections tracked", medians[2], unit),
        Figure(f"{what}, ratio", ratios[0], "", goal),
        Figure(f"{what}, ratio to the tracked one", ratios[1], ""),
    ]


def through_nat(rounds: int) -> list[Figure]:
    """TCP in UDP through a masquerading NAT, against plain routing through the same kind of NAT."""
    with Internet("u", masquerade=True) as roamd, Internet("p", masquerade=True) as plain:
        plain.by_routing()
        roamd.by_roamd()
        servers = [roamd.serve(), plain.serve()]
        medians, ratios = in_turns(rounds, partial(roamd.mbps, SECONDS), partial(plain.mbps, SECONDS))
        end(servers)
    return [
        Figure("TCP in UDP through NAT", medians[0], "Mbit/s"),
        Figure("TCP through NAT, no tunnel", medians[1], "Mbit/s"),
        Figure("TCP in UDP through NAT, ratio", ratios[0], "", 0.80),
    ]


def restart(rounds: int, rate: int = 10_000, seconds: int = 40) -> list[Figure]:
    """Packets lost of a stream while the mobile router's daemon is killed and started again; and without."""
    sent, lost = {}, {}
    with Internet("k") as roamd:
        roamd.by_roamd()
        server = roamd.serve()
        for name in ("quiet", "killed"):
            roamd.count()
            words = ("iperf3", "-u", "-l", "64", "-b", str(rate * 64 * 8), "-c", CN, "-t", str(seconds))
            stream = roamd.start("lan", *words)
            time.sleep(5)
            if name == "killed":
                roamd.stop("mr", signal.SIGKILL)
                roamd.launch("mr")
                roamd.until_bound()
            stream.communicate()
            time.sleep(1)
            sent[name], arrived = roamd.counted()
            lost[name] = sent[name] - arrived
        end([server])
    return [
        Figure("packets a second while the daemon was killed and restarted", sent["killed"] / seconds, "1/s"),
        Figure("packets lost of them", lost["killed"], "", 0, at_most=True),
        Figure("packets lost of as many, nobody killed", lost["quiet"], ""),
    ]


def growth(rounds: int, count: int = 10_000, kind: str = "ipip") -> list[Figure]:
    """Kernel bindings a second at the home agent, and as many devices and routes by `ip -batch`."""
    roamd, hand = (_grown(name, count, kind) for name in ("roamd", "hand"))
    return [
        Figure(f"bindings created, {count} in all, {kind} devices", count / sum(roamd), "1/s", 1500),
        Figure("the same devices and routes by ip -batch", count / sum(hand), "1/s"),
        Figure("last thousand bindings / first thousand", roamd[-1] / roamd[0], "", 1.3, at_most=True),
        Figure("the same by ip -batch", hand[-1] / hand[0], ""),
    ]


def growth_here(rounds: int) -> list[Figure]:
    """The same on this machine, with ifb devices in place of ipip ones, so that a processor that is not emulated is measured."""
    return growth(rounds, kind="ifb")


def _grown(name: str, count: int, kind: str) -> list[float]:
    """Seconds for each thousand."""
    space = f"rtbb{os.getpid()}{name}"
    inside = ["ip", "netns", "exec", space]
    subprocess.run(["ip", "netns", "add", space], check=True)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        # As every home agent has: without any, the kernel looks through all devices for one, at each route.
        subprocess.run([*inside, "ip", "address", "add", f"{AGENT}/32", "dev", "lo"], check=True)
        if name == "hand":
            quiet = "net.ipv6.conf.default.disable_ipv6=1"
            subprocess.run([*inside, "sysctl", "-qw", quiet], check=True)
        command = [*inside, sys.executable, "-m", "tests.bench.bindings", name, str(count), kind]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        subprocess.run(["ip", "netns", "del", space], check=True)
    return [float(seconds) for seconds in json.loads(done.stdout)]


def user_space(rounds: int) -> list[Figure]:
    """TCP through the TUN plane, and through OpenVPN that neither encrypts nor authenticates, in turns."""
    with Internet("t") as plain, Internet("n", masquerade=True) as natted, Internet("o") as peer:
        plain.by_roamd("userspace")
        natted.by_roamd("userspace")
        peer.by_openvpn()
        rows = (peer, plain, natted)
        servers = [row.serve() for row in rows]
        medians, ratios = in_turns(rounds, *(partial(row.mbps, SECONDS) for row in rows))
        end(servers)
    return [
        Figure("TCP, user-space plane, IP in IP", medians[1], "Mbit/s"),
        Figure("TCP, user-space plane, in UDP through NAT", medians[2], "Mbit/s"),
        Figure("TCP, OpenVPN with cipher none, no NAT", medians[0], "Mbit/s"),
        Figure("user-space plane, IP in IP / OpenVPN", 1 / ratios[0], "", 1.0),
        Figure("user-space plane, in UDP through NAT / OpenVPN", 1 / ratios[1], "", 1.0),
    ]


def end(processes: list) -> None:
    for process in processes:
        process.terminate()
        process.wait()


ON_THIS_MACHINE = {"carrier": lambda rounds: carrier(), "userspace": user_space, "growth-here": growth_here}
IN_VM = {"tunnels": kernel_tunnels, "nat": through_nat, "restart": restart, "growth": growth}


def in_vm(names: list[str], rounds: int) -> tuple[list[Figure], dict[str, object]]:
    """Boot the machine and measure there; the figures, and what machine that was."""
    options = [word for name in names for word in ("--only", name)]
    words = [sys.executable, "tests/bench/plane.py", "--within", "--rounds", str(rounds), *options]
    script = f'{shlex.join(words)} --json /tmp/plane.json && mkdir "$SHARED/kept" && cp /tmp/plane.json "$SHARED/kept"'
    with tempfile.TemporaryDirectory(prefix="roamd-bench-") as folder:
        kept = os.path.join(folder, "kept")
        if booted().run(script, 60 * _MINUTES, kept):
            raise SystemExit("the measurement inside the virtual machine failed")
        with open(os.path.join(kept, "plane.json")) as file:
            found = json.load(file)
    figures = [
        Figure(**{key: row[key] for key in ("name", "value", "unit", "goal", "at_most")})
        for row in found["figures"]
    ]
    return figures, found["machine"]


def measured(measures: dict, names: list[str], rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"-- {name}: {(measures[name].__doc__ or carrier.__doc__ or '').splitlines()[0]}", flush=True)
        found = measures[name](rounds)
        show(found)
        figures += found
    return figures


def main() -> None:
    every = {**ON_THIS_MACHINE, **IN_VM}
    parser = argparse.ArgumentParser(prog="invoke bench plane", description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--only", action="append", choices=list(every), help="some figures only")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="measurements of each side, in turns")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    wanted = arguments.only or list(every)
    outside = [name for name in ON_THIS_MACHINE if name in wanted]
    inside = [name for name in IN_VM if name in wanted]
    if arguments.within:
        report(measured(IN_VM, inside, arguments.rounds), command_line("plane"), arguments.json)
        return
    figures = measured(ON_THIS_MACHINE, outside, arguments.rounds)
    virtual = None
    if inside:
        more, virtual = in_vm(inside, arguments.rounds)
        figures += more
    report(figures, command_line("plane"), arguments.json, virtual)


if __name__ == "__main__":
    main()
