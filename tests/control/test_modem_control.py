"""`roamctl modem ...` against a real control socket, a real pseudo-terminal and an emulated modem."""

import asyncio
import json
import os
import pty
import threading
import time
import tty

import pytest

from modem.record import read
from router.config.model import ModemSettings, Uplink
from router.control import cli
from router.control.server import ControlServer
from router.control.session import LocalSession
from router.daemon.modems import ModemControl
from router.lab.modem import PERSONALITIES, Emulator
from router.uplink.cellular import Modems


class Bench:
    """Control socket, modems and emulator in one event loop, in a thread."""

    def __init__(self, folder):
        self.socket = str(folder / "roamd.sock")
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.loop = asyncio.new_event_loop()
        self._timer = None
        self._pin = folder / "state" / "modems.json"
        self._emulator = Emulator(PERSONALITIES["quectel-ec25"], self.loop.time())
        uplink = Uplink("lte", 1, "cellular", tty=os.ttyname(self._slave), modem=ModemSettings(pin="1234"))
        self.modems = Modems((uplink,), lambda: None, str(folder / "sys"), "/dev", str(self._pin))
        self._server = ControlServer(self.socket, ModemControl((uplink,), self.modems).methods())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        self.loop.run_until_complete(self._server.start())
        self.loop.add_reader(self._master, self._heard)
        self.modems.start(self.loop)
        self._advance()
        self.loop.run_forever()

    def _heard(self):
        self._emulator.feed(os.read(self._master, 4096), self.loop.time())
        self._advance()

    def _advance(self):
        out = self._emulator.output(self.loop.time())
        if out:
            os.write(self._master, out)
        if self._timer is not None:
            self._timer.cancel()
        wake = self._emulator.next_wake()
        self._timer = self.loop.call_at(wake, self._advance) if wake is not None else None

    def close(self):
        async def down():
            self.modems.close()
            await self._server.close()

        asyncio.run_coroutine_threadsafe(down(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("modem"))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        info = made.modems.info("lte")
        if info is not None and info.operator and info.rsrp is not None and info.sinr is not None:
            break
        time.sleep(0.05)
    yield made
    made.close()


def roamctl(bench, *words):
    return cli.main(["--socket", bench.socket, "modem", *words])


def test_list_and_show(bench, capsys):
    assert roamctl(bench, "list") == 0
    text = capsys.readouterr().out
    assert "Quectel EC25" in text and "registered" in text and "RSRP -" in text
    assert roamctl(bench, "show") == 0
    text = capsys.readouterr().out
    assert "861075023456789" in text and "estimate" in text and "confidence 0." in text
    assert "Contexts" in text
    assert roamctl(bench, "show", "--json", "--uplink", "lte") == 0
    assert json.loads(capsys.readouterr().out)["modem"]["family"].startswith("quectel")


def test_signal(bench, capsys):
    assert roamctl(bench, "signal") == 0
    assert "RSRP -" in capsys.readouterr().out
    assert roamctl(bench, "signal", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rsrp"] < 0


def test_at(bench, capsys):
    assert roamctl(bench, "at", "AT+CGMM") == 0
    assert capsys.readouterr().out == "EC25\nOK\n"
    assert roamctl(bench, "at", "lte", "+CGMM") == 0
    assert capsys.readouterr().out == "EC25\nOK\n"
    assert roamctl(bench, "at", "bike", "+CGMM") == 1
    assert "bike" in capsys.readouterr().err
    assert roamctl(bench, "at", "lte", "+CGMM", "+CSQ") == 2
    assert roamctl(bench, "at", "+NONSENSE?") == 1
    assert "ERROR" in capsys.readouterr().out
    assert roamctl(bench, "at", "--json", "+CSQ") == 0
    assert json.loads(capsys.readouterr().out)["lines"][0].startswith("+CSQ: ")


@pytest.mark.parametrize(
    "command", ["+CFUN=0", "+CSQ;+CFUN=1,1", "+CPIN=1234", "&F", "D*99#", "+COPS=?", "+CSQ\r+CFUN=0"]
)
def test_at_refuses_what_does_more_than_ask(bench, capsys, command):
    assert roamctl(bench, "at", command) == 1
    assert "--force" in capsys.readouterr().err


def test_at_with_force(bench, capsys):
    assert roamctl(bench, "at", "--force", "+CMEE=1") == 0
    assert capsys.readouterr().out == "OK\n"


class Terminal(LocalSession):
    """Somebody sits there, and presses these keys."""

    def __init__(self, keys):
        super().__init__()
        self.interactive, self._keys = True, iter(keys)

    def key(self, seconds):
        return next(self._keys)


@pytest.mark.parametrize(
    ("keys", "status", "last"),
    [(["", "", "y"], 0, "y\nOK\n"), (["n"], 1, "n\n"), (["\r"], 1, "\r\n"), ([""] * 60, 1, "n\n")],
)
def test_at_asks_who_can_answer(bench, capsys, keys, status, last):
    words = ["--socket", bench.socket, "modem", "at", "+CMEE=1"]
    assert cli.run(words, Terminal(keys)) == status
    assert capsys.readouterr().out == f"AT+CMEE=1 may change something. Send it? [y/n] {last}"


def test_record(bench, capsys, tmp_path):
    path = tmp_path / "dialogue.jsonl"
    assert roamctl(bench, "record", "--seconds", "2", str(path)) == 0
    text = path.read_text()
    assert len(read(text)) > 20
    assert "861075023456789" not in text and "001010123456789" not in text and "AT+CGSN" in text
    assert roamctl(bench, "record", "--seconds", "1", str(path)) == 1
    assert "exists" in capsys.readouterr().err


def test_wrong_words_are_said(bench, capsys):
    assert roamctl(bench, "show", "--uplink", "wan") == 1
    assert "known: lte" in capsys.readouterr().err


def test_reset(bench, capsys):
    assert roamctl(bench, "reset", "--how", "radio") == 0
    assert capsys.readouterr().out == "lte: radio\n"
