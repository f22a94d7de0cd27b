"""`roamd demo`: a mobile router's drive through a small internet, on one machine."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from types import FrameType

from router.lab.acts import ACTS, stop
from router.lab.cast import Cast, Failure
from router.lab.story import Story
from router.lab.topology import ROLES, Topology, leftovers

__all__ = ["add_arguments", "main"]

_PREFIX = "roam"
_NEEDS = {"ip": "iproute2", "tc": "iproute2", "nft": "nftables", "sysctl": "procps"}
_WORKDIR = "roamd-demo-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the demo."""
    parser.add_argument("--json", metavar="FILE", help="write the figures and checks to FILE")
    parser.add_argument("--keep", action="store_true", help="leave the lab up, and say how to enter it")
    parser.add_argument("--clean", metavar="RUN", help="take down a lab that was kept, by its name")
    parser.add_argument("--pcap", metavar="DIR", help="write captures of both access links to DIR")
    parser.add_argument(
        "--wifi-mbps", type=_rate, default=20.0, metavar="MBPS", help="Wi-Fi link (default: 20)"
    )
    parser.add_argument(
        "--cell-mbps", type=_rate, default=5.0, metavar="MBPS", help="cellular link (default: 5)"
    )


def main(arguments: argparse.Namespace) -> int:
    """Run the story; 0 when every check passed, 1 when one failed, 2 when it cannot be run here."""
    missing = _missing(arguments)
    if missing:
        print(f"roamd demo: {missing}", file=sys.stderr)
        return 2
    if arguments.clean:
        return _clean(arguments.clean)
    signal.signal(signal.SIGTERM, _terminated)
    prefix = f"{_PREFIX}{os.getpid()}"
    story = Story()
    lab = Topology(prefix, arguments.wifi_mbps, arguments.cell_mbps)
    directory = tempfile.mkdtemp(prefix=f"{_WORKDIR}{prefix}-")
    try:
        _play(lab, Cast(lab, directory, arguments.wifi_mbps, arguments.cell_mbps), story, arguments)
    except KeyboardInterrupt:
        story.check("uninterrupted", False, "interrupted")
    finally:
        if arguments.keep:
            _hint(lab, directory)
        else:
            lab.destroy()
            shutil.rmtree(directory)
    code = story.verdict()
    if arguments.json:
        story.write(arguments.json)
        print(f"Figures in {arguments.json}.")
    return code


def _play(lab: Topology, cast: Cast, story: Story, arguments: argparse.Namespace) -> None:
    try:
        story.chapter("Building a small internet")
        lab.build()
        story.say(_picture(arguments.wifi_mbps, arguments.cell_mbps))
        if arguments.pcap:
            _capture(lab, cast, arguments.pcap, story)
        clean = {role: lab.snapshot(role) for role in ("mr", "ha")}
        cast.start_modem()
        cast.start_servers()
        cast.start_daemon("ha")
        cast.start_daemon("mr")
        for act in ACTS:
            act(cast, story)
        if not arguments.keep:
            stop(cast, story, clean)
    except (Failure, RuntimeError) as failure:
        story.progress_done()
        story.check("story", False, str(failure))


def _picture(wifi: float, cell: float) -> str:
    return (
        f"                   +-- wifi -- {wifi:g} Mbit/s --------+        +-- ha    home agent 198.51.100.2\n"
        "  lan ---- mr -----+                             +- inet -+\n"
        f"  10.50.0.0/24     +-- cell -- {cell:g} Mbit/s, NAT ---+        +-- corr  203.0.113.10\n"
        "                        modem on a serial port"
    )


def _capture(lab: Topology, cast: Cast, directory: str, story: Story) -> None:
    if shutil.which("tcpdump") is None:
        raise Failure("--pcap needs tcpdump: apt-get install tcpdump")
    os.makedirs(directory, exist_ok=True)
    for device in ("wlan0", "wwan0"):
        file = os.path.abspath(os.path.join(directory, f"{device}.pcap"))
        command = ["tcpdump", "-U", "-Z", "root", "-s", "256", "-i", device, "-w", file]
        lab.start("mr", command, cast.log("tcpdump"))
        story.say(f"capturing {device} to {file}")


def _hint(lab: Topology, directory: str) -> None:
    print("\nThe lab is left up. A shell in it:")
    for role in ROLES:
        print(f"  sudo ip netns exec {lab.name(role)} bash")
    here = f"{sys.executable} -m router"
    print(f"Status:     sudo {here}.control.cli --socket {directory}/mr.sock status")
    print(f"Take down:  sudo {here}.cli demo --clean {lab.prefix}")


def _clean(prefix: str) -> int:
    digits = prefix.removeprefix(_PREFIX)
    if not prefix.startswith(_PREFIX) or not digits.isdigit() or not leftovers(f"{prefix}-"):
        kept = sorted({name.rpartition("-")[0] for name in leftovers(_PREFIX)})
        print(f"roamd demo: no lab '{prefix}'; there is: {', '.join(kept) or 'none'}", file=sys.stderr)
        return 1
    Topology(prefix, 1, 1).destroy()
    root = tempfile.gettempdir()
    for name in os.listdir(root):
        if name.startswith(f"{_WORKDIR}{prefix}-"):
            shutil.rmtree(os.path.join(root, name))
    print(f"{prefix} is gone.")
    return 0


def _missing(arguments: argparse.Namespace) -> str | None:
    packages = sorted({package for tool, package in _NEEDS.items() if shutil.which(tool) is None})
    if packages:
        return f"needs {', '.join(packages)}: sudo apt-get install {' '.join(packages)}"
    if os.geteuid() != 0:
        return f"needs root for network namespaces: sudo {sys.executable} -m router.cli demo"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun: modprobe tun"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True)
    return f"ip netns: {probe.stderr.strip()}" if probe.returncode else None


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _rate(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 200:
        raise argparse.ArgumentTypeError(f"{text}: expected Mbit/s, 0.5..200")
    return value


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="roamd demo", description=__doc__)
    add_arguments(_parser)
    sys.exit(main(_parser.parse_args()))
