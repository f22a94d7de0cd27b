"""The address of a modem's network device by DHCP (RFC 2131), from the client program that this machine has.

The program only asks: it is given a script that tells what it was granted through a FIFO, and `SessionLink` sets the
device up, as with an address that the modem told.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from router.uplink.child import Child

__all__ = ["CLIENTS", "Dhcp", "lease_of"]

_log = logging.getLogger("roamd.uplink")
_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
NO_CLIENT = "no DHCP client: install udhcpc"
"""It is part of busybox on OpenWrt, and a package of its own elsewhere; the others will do."""
WAITING = "waiting for an address by DHCP"

# Program: its options, in the foreground and without a hand on the system.  The first one found is run.
CLIENTS: Mapping[str, tuple[str, ...]] = {
    "udhcpc": ("-f", "-R", "-t", "4", "-T", "2", "-A", "10", "-s", "{folder}/tell", "-i", "{device}"),
    "dhcpcd": (
        "-4", "-B", "-L", "-f", "/dev/null", "--noconfigure", "-c", "{folder}/tell", "{device}",
    ),
    "dhclient": (
        "-4", "-d", "-sf", "{folder}/tell", "-lf", "{folder}/leases", "-pf", "{folder}/pid", "{device}",
    ),
}  # fmt: skip

# udhcpc has an argument and short names, the others `reason` and names that begin with new_.
_SCRIPT = """#!/bin/sh
printf '%s|%s|%s|%s|%s|%s\\n' "$1$reason" "$ip$new_ip_address" "$subnet$new_subnet_mask" "$router$new_routers" \\
    "$dns$new_domain_name_servers" "$mtu$new_interface_mtu" >{fifo}
"""
_GRANTED = ("bound", "renew", "BOUND", "RENEW", "REBIND", "REBOOT")
_LOST = ("deconfig", "nak", "EXPIRE", "RELEASE", "STOP", "STOPPED", "NAK", "FAIL")
_MAX_LINE = 4096

Lease = dict[str, Any]


class Dhcp:
    """One device's lease, from `start` to `stop`.

    `told(lease)` is called with {"address", "prefix_length", "gateway", "dns", "mtu"} whenever that differs from before,
    and with None when there is none any more.
    """

    def __init__(
        self, uplink: str, device: str, told: Callable[[Lease | None], None], path: str | None = None
    ) -> None:
        """`path`: folders to look for the client in, as in PATH."""
        self._device, self._told = device, told
        self._path = f"{os.environ.get('PATH', '')}:{_FOLDERS}" if path is None else path
        environment = {"PATH": self._path}
        self.child = Child(uplink, "DHCP client", self._command, environment, quiet=True)
        self._lease: Lease | None = None
        self._rest = b""
        self.note: str | None = WAITING
        """For people, while there is no address."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.child.start(loop)

    def stop(self) -> None:
        """Nothing is told any more."""
        self._told = _nobody
        self.child.stop()

    @contextlib.contextmanager
    def _command(self) -> Iterator[Sequence[str]]:
        found = client(self._path)
        if found is None:
            self._say(NO_CLIENT)
            raise OSError(errno.ENOENT, NO_CLIENT)
        self._say(WAITING)
        program, options = found
        with tempfile.TemporaryDirectory(prefix="roamd-dhcp-") as folder:
            fifo = f"{folder}/told"
            os.mkfifo(fifo, 0o600)
            script = os.open(f"{folder}/tell", os.O_WRONLY | os.O_CREAT, 0o700)
            with open(script, "w") as file:
                file.write(_SCRIPT.format(fifo=fifo))
            loop = asyncio.get_running_loop()
            reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
            loop.add_reader(reader, self._readable, reader)
            try:
                yield [program, *(word.format(folder=folder, device=self._device) for word in options)]
            finally:
                loop.remove_reader(reader)
                os.close(reader)
                self._rest = b""
                self._take(None)

    def _readable(self, reader: int) -> None:
        try:
            *lines, rest = (self._rest + os.read(reader, _MAX_LINE)).split(b"\n")
        except BlockingIOError:
            return
        self._rest = rest[-_MAX_LINE:]
        for line in lines:
            reason, lease = lease_of(line.decode("latin-1"))
            if lease is not None or reason in _LOST:
                self._take(lease)

    def _take(self, lease: Lease | None) -> None:
        if lease == self._lease:
            return
        self._lease, self.note = lease, None if lease is not None else WAITING
        self._told(lease)

    def _say(self, note: str) -> None:
        if note != self.note:
            self.note = note
            self._told(None)


def client(path: str) -> tuple[str, tuple[str, ...]] | None:
    """(program, its options) of the first client in the folders `path`."""
    for name, options in CLIENTS.items():
        program = shutil.which(name, path=path)
        if program is not None:
            return program, options
    return None


def lease_of(line: str) -> tuple[str, Lease | None]:
    """(the client's reason, the lease or None) of a line of the script; what cannot be read is None."""
    words = line.split("|")
    if len(words) != 6 or words[0] not in _GRANTED:
        return words[0], None
    reason, address, mask, router, dns, mtu = words
    given = _address(address)
    if given is None:
        return reason, None
    servers = [found for found in map(_address, dns.replace(",", " ").split()) if found is not None]
    return reason, {
        "address": given,
        "prefix_length": _length(mask),
        "gateway": _address((router.split() or [""])[0]),
        "dns": servers,
        "mtu": int(mtu) if mtu.isdecimal() and 576 <= int(mtu[:6]) <= 65535 else None,
    }


def _address(text: str) -> str | None:
    try:
        address = IPv4Address(text)
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast or address.is_loopback else str(address)


def _length(mask: str) -> int | None:
    try:
        return IPv4Network(f"0.0.0.0/{mask}").prefixlen or None
    except ValueError:
        return None


def _nobody(lease: Lease | None) -> None:
    """Told of leases after the end."""
