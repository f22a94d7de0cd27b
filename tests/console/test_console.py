"""The console's own process on a pseudo-terminal: what a technician does, and what lines do to him."""

import asyncio
import json
import os
import pty
import random
import select
import sys
import termios
import time

import pytest

from router.config.model import Console
from router.console.port import Idle, Port
from router.control.client import ControlError
from router.control.serial_line import SerialLine
from tests.console.port_server import PortServer
from tests.console.rig import PASSWORD, Rig

FLOOD = {f"counter_{number:04}": number for number in range(2000)}


async def forever(params):
    await asyncio.sleep(600)


def counted(params):
    counted.calls += 1
    return {"counters": {"calls": counted.calls}, "uplinks": [{"name": "wifi"}, {"name": "lte"}]}


counted.calls = 0
METHODS = {
    "status": counted,
    "reload": forever,
    "modem_list": lambda params: [],
    "flows": lambda params: {"flows": [], "total": 0},
}


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path, METHODS) as rig:
        yield rig


def test_nobody_gets_in_without_the_password(rig):
    rig.type("\r")
    for password in ("wrong horse", "another horse", "no horse at all"):
        rig.expect("password: ")
        rig.type(password + "\r")
        rig.expect("wrong password")
    rig.expect("password: ")
    rig.type(PASSWORD + "\r")
    rig.expect("too many wrong passwords: try again in")
    assert rig.log.read_text().count("wrong password") == 3
    assert PASSWORD not in rig.log.read_text()


def test_what_is_too_short_was_noise(rig):
    for _ in range(6):
        rig.type("x\r")
    rig.log_in()
    assert "wrong password" not in rig.log.read_text()


def test_a_command_a_completion_and_help(rig):
    rig.log_in()
    rig.type("count\t\r")
    assert "calls" in rig.expect("> ")
    rig.type("coun\r")
    assert "calls" in rig.expect("> ")
    rig.type("?")
    shown = rig.expect("> ")
    # A page, without what needs a shell.
    assert "log out" in shown and "-- more" not in shown and "completion" not in shown
    rig.type("modem ?")
    shown = rig.expect("> modem ")
    assert "restart the modem" in shown
    rig.type("signal --uplink w\t")
    rig.expect("signal --uplink wifi ")
    rig.type("\x15nonsense\r")
    shown = rig.expect("there\r\n")
    assert "nonsense" in shown
    assert len(shown) < 200


def test_control_c_ends_a_command_that_waits(rig):
    rig.log_in()
    rig.type("reload\r")
    rig.expect("reload\r\n")
    rig.type("\x03")
    rig.expect("^C\r\n")
    rig.type("counters\r")
    rig.expect("calls")


def test_control_c_ends_a_watch_and_q_a_page(tmp_path):
    with Rig(tmp_path, {"status": lambda params: {"counters": FLOOD, "uplinks": []}}) as rig:
        rig.log_in()
        rig.type("counters\r")
        assert "counter_0010" in rig.expect("-- more")
        rig.type(" ")
        assert "counter_0030" in rig.expect("-- more")
        rig.type("q")
        rig.expect("> ")
        rig.type("counters\r")
        rig.expect("-- more")
        rig.type("\x03")
        rig.expect("^C\r\n")
        rig.expect("> ")


def test_control_c_ends_what_a_slow_line_has_not_taken_yet(tmp_path):
    methods = {**METHODS, "config": lambda params: {"text": "x" * 200_000 + "\n"}}
    options = "\toption speed '9600'\n\toption terminal 'dumb'\n"
    with Rig(tmp_path, methods, options=options, rate=960) as rig:
        rig.log_in()
        rig.type("show config\r")
        rig.expect("x" * 500)
        rig.type("\x03")
        assert len(rig.expect("^C\r\n")) < 10_000
        rig.type("counters\r")
        rig.expect("calls")


def test_a_watch_sends_what_changed(rig):
    rig.type("\r")
    rig.expect("password: ")
    rig.type(PASSWORD + "\r")
    rig.expect("\x1b[6n")
    rig.type("\x1b[24;80R")
    rig.expect("> ")
    rig.type("show counters --watch\r")
    rig.expect("\x1b[2J")
    first = rig.expect("\x1b[")
    assert "COUNTER" in first
    second = rig.expect("\x1b[")
    assert len(second) < 12
    rig.type("\x03")
    rig.expect("^C\r\n")
    rig.expect("> ")


def test_keys_reach_the_live_screen(tmp_path):
    methods = {
        "status": lambda params: {"uplinks": [], "tunnels": []},
        "flows": lambda params: {"flows": [], "active": 0, "tracked": 7},
        "events": lambda params: {"events": []},
    }
    with Rig(tmp_path, methods) as rig:
        rig.log_in()
        rig.type("top\r")
        rig.expect("of 7 flows")
        rig.expect("q quit")
        rig.type("p")
        rig.expect("PAUSED")
        rig.type("q")
        rig.expect("> ")


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_roamctl_through_a_server_of_serial_ports(rig, scheme):
    with PortServer(rig.relay.laptop, rfc2217=scheme == "rfc2217") as port:
        done = rig.roamctl("--json", "counters", url=f"{scheme}://127.0.0.1:{port}")
        assert done.returncode == 0, done.stderr
        assert "calls" in json.loads(done.stdout)


def test_the_terminal_is_asked_for_its_size(rig):
    rig.type("\r")
    rig.expect("password: ")
    rig.type(PASSWORD + "\r")
    rig.expect("\x1b[6n")
    rig.type("\x1b[50;132R")
    rig.expect("> ")
    rig.type("terminal --size 90x30\r")
    rig.expect("vt100, 90x30")


def test_without_a_daemon_it_says_so_and_goes_on(tmp_path):
    with Rig(tmp_path, {}, daemon=False) as rig:
        rig.log_in()
        rig.type("counters\r")
        assert "`check` says" in rig.expect("> ")
        rig.type("check\r")
        assert "no role" in rig.expect("> ")


LOGREAD = """\
#!/bin/sh
echo "Fri Nov 27 10:00:00 2026 daemon.info roamd[7]: uplink wifi: usable"
echo "Fri Nov 27 10:00:01 2026 daemon.warn roamd[7]: uplink lte: no carrier"
[ "$3" = -f ] || exit 0
echo $$ >%s/pid
echo "Fri Nov 27 10:00:02 2026 daemon.err roamd[7]: what comes"
exec sleep 600
"""


def test_the_log_by_level_until_control_c(tmp_path):
    tool = tmp_path / "logread"
    tool.write_text(LOGREAD % tmp_path)
    tool.chmod(0o755)
    with Rig(tmp_path, METHODS, path=tmp_path) as rig:
        rig.log_in()
        rig.type("log --level warning\r")
        shown = rig.expect("> ")
        assert "no carrier" in shown
        assert "usable" not in shown
        rig.type("log --follow\r")
        rig.expect("what comes")
        rig.type("\x03")
        rig.expect("^C\r\n")
        rig.expect("> ")
        assert not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text().strip()}")


def test_garbage_locks_nobody_out_and_leaves_a_working_prompt(rig):
    garbage = random.Random(5).randbytes(6000).translate(None, b"\x04\x1e")
    os.write(rig.fd, garbage)
    rig.type("\x03")
    rig.log_in()
    os.write(rig.fd, garbage)
    rig.type("\x03\r\x03counters\r")
    rig.expect("calls")


def test_on_ones_own_terminal_it_needs_no_password_and_leaves_no_trace(tmp_path):
    config = tmp_path / "config"
    config.write_text(f"config roamd\n\toption control '{tmp_path}/none.sock'\n")
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "router.cli", "--config", str(config), "console"])
    seen = b""
    while b"> " not in seen:
        seen += os.read(fd, 4096)
        if b"\x1b[6n" in seen:
            os.write(fd, b"\x1b[24;80R")
            seen = b""
    os.write(fd, b"exit\r")
    while True:
        try:
            seen += os.read(fd, 4096)
        except OSError:
            break
    assert os.waitpid(pid, 0)[1] == 0
    assert b"roamd does not run" in seen
    assert termios.tcgetattr(fd)[3] & termios.ICANON
    os.close(fd)


def test_who_presses_no_key_is_shown_out():
    master, slave = os.openpty()
    port = Port(Console(os.ttyname(slave)))
    port.idle_limit = 0.05
    with pytest.raises(Idle):
        port.key()
    with pytest.raises(Idle):
        port.wait(None)
    port.close()
    os.close(slave)
    os.close(master)


def test_unplugged_it_logs_out_and_waits(rig):
    rig.log_in()
    rig.relay.unplug()
    rig.relay.plug()
    rig.type("\r")
    rig.expect("password: ")
    rig.log_in()


def test_a_shell_only_where_configured(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Rig(tmp_path / "a", METHODS) as rig:
        rig.log_in()
        rig.type("shell\r")
        rig.expect("invalid choice")
    with Rig(tmp_path / "b", METHODS, options="\toption shell '1'\n") as rig:
        rig.log_in()
        rig.type("shell\r")
        rig.logged("shell started")
        rig.type("echo $((6*7))\r")
        rig.expect("42")
        rig.type("exit\r")
        rig.expect("> ")
        rig.type("counters\r")
        rig.expect("calls")


def test_machine_mode_beside_the_console(rig):
    done = rig.roamctl("--json", "counters")
    assert done.returncode == 0, done.stderr
    assert "calls" in json.loads(done.stdout)
    rig.log_in()
    done = rig.roamctl("counters")
    assert done.returncode == 0, done.stderr
    rig.type("\r")
    rig.expect("> ")
    assert rig.log.read_text().count("logged in, machine mode") == 2


def test_machine_mode_wants_the_password_too(rig):
    done = rig.roamctl("counters", password="wrong horse")
    assert done.returncode == 1
    assert "wrong password" in done.stderr
    for _ in range(3):
        done = rig.roamctl("counters", password="wrong horse")
    assert "too many wrong passwords" in done.stderr


def test_machine_mode_through_noise(tmp_path):
    with Rig(tmp_path, METHODS, noise=0.01) as rig:
        for _ in range(5):
            done = rig.roamctl("--json", "counters")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["calls"] == counted.calls


@pytest.mark.parametrize(
    "request_",
    [b"x", b"[]", b"[" * 50_000, b'{"method":7}', b'{"method":"file_read","params":{"name":{}}}', b"\xff"],
)
def test_a_nonsensical_request_is_an_answer(rig, request_):
    line = SerialLine(rig.relay.laptop, 115200, lambda: PASSWORD)
    line.ask("status")
    with pytest.raises(ControlError):
        line._call(request_, 5.0, None)
    assert line.ask("status", timeout=float("nan"))["uplinks"]
    with pytest.raises(ControlError, match="unknown method"):
        line.ask("nonsense")
    line.close()


def offered(rig, octets):
    (rig.folder / "roamd-files").mkdir()
    (rig.folder / "roamd-files/trip.pcap").write_bytes(octets)
    (rig.folder / "here").mkdir()
    return rig.folder / "here"


def test_a_file_comes_whole(rig):
    octets = os.urandom(30000)
    here = offered(rig, octets)
    assert rig.roamctl("fetch").stdout == "     30000  trip.pcap\n"
    done = rig.roamctl("fetch", "trip.pcap", cwd=here)
    assert done.returncode == 0, done.stderr
    assert (here / "trip.pcap").read_bytes() == octets
    assert "is there already" in rig.roamctl("fetch", "trip.pcap", cwd=here).stderr
    assert "there are: trip.pcap" in rig.roamctl("fetch", "no.pcap", cwd=here).stderr
    assert rig.roamctl("fetch", "../config").returncode == 1


def part_of(here, least):
    """Wait until so much of the file is there."""
    until = time.monotonic() + 20.0
    while sum(path.stat().st_size for path in here.glob("*.part")) < least:
        assert time.monotonic() < until
        select.select([], [], [], 0.01)


def test_a_file_goes_on_where_it_was_cut_off(tmp_path):
    octets = os.urandom(40000)
    with Rig(tmp_path, METHODS, rate=11520) as rig:
        here = offered(rig, octets)
        first = rig.start_roamctl("fetch", "trip.pcap", cwd=here)
        part_of(here, 8192)
        first.terminate()
        first.communicate()
        second = rig.start_roamctl("fetch", "trip.pcap", cwd=here)
        part_of(here, 20000)
        rig.relay.unplug()
        rig.relay.plug()
        _, error = second.communicate()
        assert second.returncode == 0, error
        assert (here / "trip.pcap").read_bytes() == octets
        assert list(here.iterdir()) == [here / "trip.pcap"]


def test_what_changes_something_is_not_done_twice_for_a_console_that_was_started_anew(tmp_path):
    calls = []

    async def reload(params):
        calls.append(params)
        await asyncio.sleep(600)

    with Rig(tmp_path, {**METHODS, "reload": reload}) as rig:
        asking = rig.start_roamctl("reload")
        until = time.monotonic() + 20.0
        while not calls:
            assert time.monotonic() < until
            select.select([], [], [], 0.01)
        rig.relay.unplug()
        rig.relay.plug()
        _, error = asking.communicate()
        assert asking.returncode == 1
        assert "nobody knows whether reload was done" in error
        assert len(calls) == 1
