"""Who has a port: real processes on pseudo-terminals, and trees of /proc's shape."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
import tty

import pytest

from modem.ports import claim, owner

HOLD = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def port():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def holder(port):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_a_process_that_has_the_port_is_named(port, holder, tmp_path):
    link = tmp_path / "modem"
    link.symlink_to(port)
    found = owner.owner_of(str(link))
    assert found.pid == holder.pid
    assert str(found) == f"{found.name} (pid {holder.pid})"
    assert found.name.startswith("python")


def test_a_port_that_only_we_have_is_nobodys(port):
    assert owner.owner_of(port) is None


def test_who_made_a_pseudo_terminal_is_the_other_end():
    code = "import pty, os, sys; m, s = pty.openpty(); print(os.ttyname(s), flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.owner_of(process.stdout.readline().strip()) is None
    process.communicate("")


def fake(tmp_path, pid, name, *opened):
    folder = tmp_path / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    for number, target in enumerate(opened):
        (folder / "fd" / str(number)).symlink_to(target)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ModemManager", "modemmanager stop"),
        ("comgt", "another AT port"),
        ("getty", "inittab"),
        ("odd", "stop odd"),
    ],
)
def test_the_advice_fits_the_program(tmp_path, name, advice):
    port = str(tmp_path / "ttyUSB2")
    (tmp_path / "ttyUSB2").touch()
    fake(tmp_path, 77, "init", "/dev/null", "/dev/ptmx")
    fake(tmp_path, 123, name, "/dev/null", port)
    found = owner.owner_of(port, str(tmp_path / "proc"), str(tmp_path))
    assert str(found) == f"{name} (pid 123)"
    assert advice in found.advice


def test_a_lock_file_of_a_living_process_is_heeded(tmp_path):
    fake(tmp_path, 123, "minicom")
    lock = tmp_path / "LCK..ttyUSB2"
    lock.write_text("       123\n")
    assert str(owner.owner_of("/dev/ttyUSB2", str(tmp_path / "proc"), str(tmp_path))) == "minicom (pid 123)"


@pytest.mark.parametrize("text", ["       124\n", "", "rubbish", "-1", "9" * 400])
def test_a_lock_file_of_a_dead_process_is_not(tmp_path, text):
    fake(tmp_path, 123, "minicom")
    (tmp_path / "LCK..ttyUSB2").write_text(text)
    assert owner.owner_of("/dev/ttyUSB2", str(tmp_path / "proc"), str(tmp_path)) is None


def test_without_proc_nobody_is_known(tmp_path):
    assert owner.owner_of("/dev/ttyUSB2", str(tmp_path / "none"), str(tmp_path)) is None


def test_a_claim_ends_with_its_release(port):
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    claim.claim(fd)
    # TIOCGEXCL: an int, 1 while nobody else may open it.
    assert fcntl.ioctl(
        fd, termios.TIOCGEXCL if hasattr(termios, "TIOCGEXCL") else 0x80045440, bytes(4)
    ) != bytes(4)
    claim.release(fd)
    assert fcntl.ioctl(
        fd, termios.TIOCGEXCL if hasattr(termios, "TIOCGEXCL") else 0x80045440, bytes(4)
    ) == bytes(4)
    other = os.open(port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    os.close(fd)
