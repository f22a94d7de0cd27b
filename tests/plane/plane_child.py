"""A process with one `Plane`: reads an expression a line, answers with its value as JSON.

Run by the lab tests inside a network namespace of theirs.  Expressions may
await and see everything below by name.
"""

import ast
import asyncio
import inspect
import json
import logging
import os
import select
import socket
import struct
import subprocess
import sys
import time
import traceback
import zlib
from ipaddress import IPv4Address, IPv4Network  # noqa: F401

LOGGED = []
DISTURBED = []
SOCKETS = {}
HEARD = []
"""What came to those sockets: source address, source port, octets in hex."""
plane = None


class Collector(logging.Handler):
    def emit(self, record):
        LOGGED.append(record.getMessage())


async def begin(kind="userspace"):
    global plane
    plane = Plane(PlaneSettings(kind=kind))  # noqa: F821
    await plane.start(lambda: DISTURBED.append(1))


def open_udp(address, port):
    """Stand in for the registration's socket: bound, attached, delivering tunnel data."""
    local = IPv4Address(address)

    def received(data, source):
        HEARD.append([*source, data.hex()])
        if data[:1] == b"\x04":
            plane.deliver(local, sock.port, source, data)

    sock = RegistrationSocket(local, port, received)  # noqa: F821
    SOCKETS[address, sock.port] = sock
    plane.attach(local, sock.port, sock.socket)
    return sock.port


def close_udp(address, port):
    plane.detach(IPv4Address(address), port)
    SOCKETS.pop((address, port)).close()


async def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("in vain")
        await asyncio.sleep(0.01)


def forge_route_deletion(port, table):
    """What a process without any right may send: a routing event, from itself."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 252, 114, 0, 1, 0) + struct.pack(
        "=HHI", 8, 15, table
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, 0))
        sock.sendto(struct.pack("=IHHII", 16 + len(body), 25, 0, 0, 0) + body, (port, 0))


async def heard(state, words=()):
    """The kinds of events that pass the filter while the state is applied and then `ip` is run."""
    from router.netlink import Netlink
    from router.plane.event_filter import skip_own_events

    events = Netlink(0x1 | 0x10 | 0x40 | 0x80)
    skip_own_events(events.socket, plane._network.port)
    try:
        await plane.apply(state)
        if words:
            subprocess.run(["ip", *words], check=True)
        return [kind for kind, _ in events.raw_events()]
    finally:
        events.close()


def clock_routes(state):
    start = time.perf_counter()
    plane.apply_routes_now(state)
    return time.perf_counter() - start


async def callbacks_in(seconds):
    """CPU seconds used while nothing should happen: a busy loop shows."""
    before = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - before


def monitor(seconds):
    """How many changes of links, addresses, routes and rules (groups of <linux/rtnetlink.h>) there are."""
    groups = 0x1 | 0x10 | 0x40 | 0x80
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, groups))
        print("ready", flush=True)
        until, changes = time.monotonic() + seconds, 0
        while (wait := until - time.monotonic()) > 0 and select.select([sock], [], [], wait)[0]:
            sock.recv(65535)
            changes += 1
    return changes


def sniff(device, seconds):
    """The first IPv4 packet that arrives at `device`, in hex."""
    tap(device)
    print("ready", flush=True)
    return tapped(seconds)


def tap(device):
    """Listen at a device; `tapped` says what came."""
    sock = SOCKETS["tap"] = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    sock.bind((device, 0x0800))


def tapped(seconds):
    """The first IPv4 packet that has arrived since, in hex."""
    with SOCKETS.pop("tap") as sock:
        sock.settimeout(seconds)
        while True:
            packet, (_, _, kind, *_) = sock.recvfrom(65535)
            if kind == socket.PACKET_HOST:
                return packet.hex()


def raw(*packets):
    """Send IPv4 packets, given in hex, as they are."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        for data in map(bytes.fromhex, packets):
            sock.sendto(data, (socket.inet_ntoa(data[16:20]), 0))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(address, count=3, interval=0.02, timeout=1.0, source=None, size=56, tos=0):
    """Answered echo requests, and the longest time between two answers."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    if source:
        sock.bind((source, 0))
    if tos:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
    identifier, answered, last, gap = os.getpid() & 0xFFFF, set(), time.monotonic(), 0.0

    def collect(until):
        nonlocal last, gap
        while (wait := until - time.monotonic()) > 0 and select.select([sock], [], [], wait)[0]:
            packet = sock.recv(65535)
            kind, _, _, found, sequence = struct.unpack_from("!BBHHH", packet, 20)
            if kind == 0 and found == identifier:
                answered.add(sequence)
                gap, last = max(gap, time.monotonic() - last), time.monotonic()
            if len(answered) == count:
                return

    for sequence in range(count):
        header = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
        body = header + bytes(size)
        body = struct.pack("!BBHHH", 8, 0, checksum(body), identifier, sequence) + bytes(size)
        try:
            sock.sendto(body, (address, 0))
        except OSError as error:
            print(f"ping {sequence}: {error}", file=sys.stderr)
        collect(time.monotonic() + interval)
    if len(answered) < count:
        collect(time.monotonic() + timeout)
    return {"answered": len(answered), "gap": gap}


def tcp_sink(address, port):
    """Accept one connection; how many octets came, and their CRC."""
    with socket.create_server((address, port)) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        total, start, buffer, crc = 0, time.perf_counter(), bytearray(1 << 18), 0
        while size := connection.recv_into(buffer):
            total += size
            crc = zlib.crc32(memoryview(buffer)[:size], crc)
        connection.sendall(b"x")
        seconds = time.perf_counter() - start
        return {"octets": total, "seconds": seconds, "crc": crc}


def udp_receive(address, port):
    """The size of the first datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        sock.settimeout(20)
        print("ready", flush=True)
        return len(sock.recv(65535))


def udp_send(source, address, port, size):
    """One datagram without DF."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # IP_MTU_DISCOVER and IP_PMTUDISC_DONT of <linux/in.h>.
        sock.setsockopt(socket.IPPROTO_IP, 10, 0)
        sock.bind((source, 0))
        return sock.sendto(bytes(size), (address, port))


def tcp_source(address, port, octets, source, tos=0):
    """Send random octets, and wait until the sink has seen the end."""
    with socket.create_connection((address, port), timeout=30, source_address=(source, 0)) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        pool, size, crc = memoryview(os.urandom(1 << 17)), 1 << 16, 0
        start = time.perf_counter()
        for number in range(octets // size):
            at = number * 8191 % size
            block = pool[at : at + size]
            crc = zlib.crc32(block, crc)
            sock.sendall(block)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
        seconds = time.perf_counter() - start
        return {"octets": octets, "seconds": seconds, "crc": crc}


def without_offload():
    """As on a kernel that refuses it: the request has a number that no device knows."""
    tun_device._TUNSETOFFLOAD = 0  # noqa: F821


async def evaluate(line):
    code = compile(line, "<line>", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, globals())
    return await result if inspect.isawaitable(result) else result


def load():
    """Only where a plane is wanted: the tools start faster without."""
    from router.config.model import PlaneSettings
    from router.daemon.transport import RegistrationSocket
    from router.plane import link, model, tun_device
    from router.plane.plane import Plane, PlaneError

    globals().update(
        vars(model),
        link=link,
        Plane=Plane,
        PlaneError=PlaneError,
        PlaneSettings=PlaneSettings,
        RegistrationSocket=RegistrationSocket,
        tun_device=tun_device,
    )


async def serve():
    load()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            answer = {"value": await evaluate(line.decode())}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.getLogger("roamd").addHandler(Collector())
    if len(sys.argv) > 1:
        print(json.dumps(eval(sys.argv[1])), flush=True)
    else:
        asyncio.run(serve())
