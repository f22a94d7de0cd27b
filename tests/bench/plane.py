"""What a tunnel of roamd's costs against one made by hand: `invoke bench plane`.

The kernel's part runs in the real-kernel lab, the rest on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.bench.figures import Figure, command_line, report
from tests.bench.internet import Internet, in_turns

ROUNDS = 5
SECONDS = 3


def kernel_tunnels() -> list[Figure]:
    """TCP and small packets through IP in IP, roamd's and one made by hand, in turns."""
    with Internet("r") as roamd, Internet("h") as hand:
        hand.by_hand()
        roamd.by_roamd()
        servers = [roamd.serve(), hand.serve()]
        tcp = in_turns(ROUNDS, lambda: roamd.mbps(SECONDS), lambda: hand.mbps(SECONDS))
        small = in_turns(ROUNDS, lambda: roamd.packets(SECONDS), lambda: hand.packets(SECONDS))
        end(servers)
    return [
        Figure("TCP, roamd tunnel", tcp[0], "Mbit/s"),
        Figure("TCP, tunnel made by hand", tcp[1], "Mbit/s"),
        Figure("TCP, ratio", tcp[2], "", 0.98),
        Figure("64-octet packets, roamd tunnel", small[0], "1/s"),
        Figure("64-octet packets, tunnel made by hand", small[1], "1/s"),
        Figure("64-octet packets, ratio", small[2], "", 0.97),
    ]


def through_nat() -> list[Figure]:
    """TCP in UDP through a masquerading NAT, against plain routing through the same kind of NAT."""
    with Internet("u", masquerade=True) as roamd, Internet("p", masquerade=True) as plain:
        plain.by_routing()
        roamd.by_roamd()
        servers = [roamd.serve(), plain.serve()]
        tcp = in_turns(ROUNDS, lambda: roamd.mbps(SECONDS), lambda: plain.mbps(SECONDS))
        end(servers)
    return [
        Figure("TCP in UDP through NAT", tcp[0], "Mbit/s"),
        Figure("TCP through NAT, no tunnel", tcp[1], "Mbit/s"),
        Figure("TCP in UDP through NAT, ratio", tcp[2], "", 0.80),
    ]


def restart(rate: int = 10_000, seconds: int = 40) -> list[Figure]:
    """Packets lost of a stream while the mobile router's daemon is killed and started again; and without."""
    lost = {}
    with Internet("k") as roamd:
        roamd.by_roamd()
        server = roamd.serve()
        for name in ("quiet", "killed"):
            words = ("iperf3", "-J", "-u", "-l", "64", "-b", str(rate * 64 * 8), "-c", "203.0.113.10")
            stream = roamd.start("lan", *words, "-t", str(seconds), "--get-server-output")
            time.sleep(5)
            if name == "killed":
                roamd.stop("mr", signal.SIGKILL)
                roamd.launch("mr")
                roamd.until_bound()
            out, _ = stream.communicate()
            found = json.loads(out)["server_output_json"]["end"]["sum"]
            lost[name] = found["lost_packets"]
            lost[f"{name} of"] = found["packets"]
        end([server])
    return [
        Figure("packets sent while the daemon was killed and restarted", lost["killed of"], ""),
        Figure("packets lost of them", lost["killed"], "", 0, at_most=True),
        Figure("packets lost of as many, nobody killed", lost["quiet"], ""),
    ]


def growth(count: int) -> list[Figure]:
    """Kernel bindings a second at the home agent, and as many devices and routes by `ip -batch`."""
    took = {}
    for name in ("roamd", "hand"):
        space = f"rtbb{os.getpid()}{name}"
        subprocess.run(["ip", "netns", "add", space], check=True)
        try:
            command = [
                "ip",
                "netns",
                "exec",
                space,
                sys.executable,
                "-m",
                "tests.bench.bindings",
                name,
                str(count),
            ]
            subprocess.run([*command[:4], "ip", "link", "set", "lo", "up"], check=True)
            if name == "hand":
                quiet = "net.ipv6.conf.default.disable_ipv6=1"
                subprocess.run([*command[:4], "sysctl", "-qw", quiet], check=True)
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            took[name] = json.loads(done.stdout)
        finally:
            subprocess.run(["ip", "netns", "del", space], check=True)
    roamd, hand = took["roamd"], took["hand"]
    return [
        Figure(f"bindings created, {count} in all", count / sum(roamd), "1/s", 1500),
        Figure("the same devices and routes by ip -batch", count / sum(hand), "1/s"),
        Figure("last thousand bindings / first thousand", roamd[-1] / roamd[0], "", 1.3, at_most=True),
        Figure("the same by ip -batch", hand[-1] / hand[0], ""),
    ]


def end(processes: list) -> None:
    for process in processes:
        process.terminate()
        process.wait()


IN_VM = {
    "tunnels": kernel_tunnels,
    "nat": through_nat,
    "restart": restart,
    "growth": lambda: growth(10_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--only", action="append", help="some figures only: " + ", ".join(IN_VM))
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name, measure in IN_VM.items():
        if not arguments.only or name in arguments.only:
            found = measure()
            report(found, command_line("plane"), None)
            figures += found
    report(figures, command_line("plane"), arguments.json)


if __name__ == "__main__":
    main()
