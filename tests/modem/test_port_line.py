"""Lines: terminals that flood, hang or are taken, and the URLs of pyserial on real sockets."""

import asyncio
import contextlib
import fcntl
import os
import pty
import socket
import threading
import tty

import pytest
import serial.rfc2217

from modem.ports.budget import Budget
from modem.ports.line import CHUNK, MAX_UNWRITTEN, open_line
from modem.ports.modem_port import ModemPort
from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES


class Heard:
    """What a line said, and a way to wait for it."""

    def __init__(self, where):
        self.opened, self.data, self.reasons = False, b"", []
        self._changed = asyncio.Event()
        self.line = open_line(where, asyncio.get_running_loop())
        self.line.opened = self._open
        self.line.received = self._take
        self.line.lost = self._lose

    def _open(self):
        self.opened = True
        self._changed.set()

    def _take(self, data):
        self.data += data
        self._changed.set()

    def _lose(self, why, advice):
        self.reasons.append(why)
        self._changed.set()

    async def until(self, what):
        while not what(self):
            await asyncio.wait_for(self._changed.wait(), 20)
            self._changed.clear()


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for fd in (master, slave):
        with contextlib.suppress(OSError):
            os.close(fd)


def test_octets_go_both_ways(terminal):
    master, name = terminal

    async def run():
        heard = Heard(name)
        heard.line.write(b"AT\r")
        await heard.until(lambda it: it.opened)
        assert os.read(master, 100) == b"AT\r"
        os.write(master, b"\r\nOK\r\n")
        await heard.until(lambda it: it.data)
        heard.line.close()
        return heard.data

    assert asyncio.run(run()) == b"\r\nOK\r\n"


def test_a_line_that_is_closed_before_it_is_open_is_closed(terminal):
    _, name = terminal

    async def run():
        first = Heard(name)
        first.line.close()
        second = Heard(name)
        await second.until(lambda it: it.opened or it.reasons)
        second.line.close()
        return first, second

    first, second = asyncio.run(run())
    assert (first.opened, first.reasons) == (False, [])
    assert second.opened or second.reasons == ["port in use: locked by another program"]


def test_a_port_can_be_opened_again_at_once(terminal):
    _, name = terminal

    async def run():
        for _ in range(5):
            heard = Heard(name)
            await heard.until(lambda it: it.opened or it.reasons)
            heard.line.close()
            assert heard.opened, heard.reasons

    asyncio.run(run())


def test_a_port_that_is_locked_is_named(terminal):
    _, name = terminal
    fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(fd, fcntl.LOCK_EX)

    async def run():
        heard = Heard(name)
        await heard.until(lambda it: it.reasons)
        return heard.reasons

    assert asyncio.run(run()) == ["port in use: locked by another program"]
    os.close(fd)


def test_what_is_no_terminal_is_named(tmp_path):
    path = tmp_path / "file"
    path.write_text("")

    async def run():
        heard = Heard(str(path))
        await heard.until(lambda it: it.reasons)
        return heard.reasons

    (why,) = asyncio.run(run())
    assert why.startswith("no tty: ")


def test_a_modem_that_takes_nothing_is_not_waited_for(terminal):
    _, name = terminal

    async def run():
        heard = Heard(name)
        await heard.until(lambda it: it.opened)
        for _ in range(100):
            heard.line.write(b"x" * MAX_UNWRITTEN)
        assert len(heard.line._unwritten) <= MAX_UNWRITTEN
        heard.line.close()

    asyncio.run(run())


def test_a_flood_is_read_in_pieces_and_then_left_to_wait(terminal):
    master, name = terminal
    stop = threading.Event()

    def flood():
        with contextlib.suppress(OSError):
            while not stop.is_set():
                os.write(master, b"+NOISE: 1\r\n" * 300)

    async def run():
        loop = asyncio.get_running_loop()
        heard = Heard(name)
        await heard.until(lambda it: it.opened)
        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        sizes = []
        take = heard._take
        heard.line.received = lambda data: (sizes.append(len(data)), take(data))
        begin = loop.time()
        await heard.until(lambda it: len(it.data) > 3 * 65536)
        passed = loop.time() - begin
        stop.set()
        heard.line.close()
        return sizes, passed, len(heard.data)

    sizes, passed, octets = asyncio.run(run())
    assert max(sizes) <= CHUNK
    # A bucket at once, then as much as its rate allows, however long that took.
    assert octets <= 65536 + CHUNK + passed * 65536


def test_a_budget_is_spent_and_fills_again():
    budget = Budget(rate=100.0, burst=1000.0)
    assert [budget.spend(500, 0.0), budget.spend(500, 0.0)] == [0.0, 0.0]
    # 100 octets in debt: until half the bucket is full again.
    assert budget.spend(100, 0.0) == pytest.approx(6.0)
    assert budget.spend(500, 6.0) == 0.0
    assert budget.spend(900, 1000.0) == 0.0


# URLs


def test_a_loop(tmp_path):
    async def run():
        heard = Heard("loop://")
        await heard.until(lambda it: it.opened)
        heard.line.write(b"AT\r")
        await heard.until(lambda it: it.data == b"AT\r")
        heard.line.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "where", ["nothing://here", "socket://127.0.0.1:1", "socket://", "rfc2217://127.0.0.1:1"]
)
def test_a_far_end_that_is_not_there_is_named(where):
    async def run():
        heard = Heard(where)
        await heard.until(lambda it: it.reasons)
        return heard.reasons

    (why,) = asyncio.run(run())
    assert why.startswith("no tty: ") and len(why) > len("no tty: ")


class FarEnd:
    """An emulated modem behind TCP, bare or with RFC 2217's negotiation."""

    def __init__(self, negotiates):
        self._negotiates = negotiates
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._server.close()

    def write(self, data):
        """What the RFC 2217 manager sends by itself."""
        self._connection.sendall(data)

    def _serve(self):
        with contextlib.suppress(OSError):
            self._connection, _ = self._server.accept()
            self._connection.settimeout(0.01)
            loop = asyncio.new_event_loop()
            modem = Emulator(PERSONALITIES["quectel-ec25"], loop.time(), imei="861075023456789")
            manager = (
                serial.rfc2217.PortManager(serial.serial_for_url("loop://"), self)
                if self._negotiates
                else None
            )
            while True:
                try:
                    data = self._connection.recv(1024)
                except TimeoutError:
                    data = None
                if data == b"":
                    break
                if data:
                    modem.feed(b"".join(manager.filter(data)) if manager else data, loop.time())
                out = modem.output(loop.time())
                if out:
                    self._connection.sendall(b"".join(manager.escape(out)) if manager else out)
            self._connection.close()
            loop.close()


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_a_modem_behind_a_url(scheme):
    far = FarEnd(scheme == "rfc2217")

    async def run():
        done = asyncio.Event()
        seen = []

        def changed(snapshot):
            seen.append(snapshot)
            if snapshot.get("imei"):
                done.set()

        port = ModemPort(f"{scheme}://127.0.0.1:{far.port}", changed)
        port.start(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(done.wait(), 30)
        finally:
            port.close()
        return seen[-1]

    found = asyncio.run(run())
    far.close()
    assert found["imei"] == "861075023456789"


def test_a_far_end_that_hangs_up_is_noticed():
    server = socket.create_server(("127.0.0.1", 0))

    async def run():
        heard = Heard(f"socket://127.0.0.1:{server.getsockname()[1]}")
        await heard.until(lambda it: it.opened)
        server.accept()[0].close()
        await heard.until(lambda it: it.reasons)
        return heard.reasons

    assert asyncio.run(run())[0].startswith("no tty: ")
    server.close()
