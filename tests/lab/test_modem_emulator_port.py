"""The emulator as a process on real pseudo-terminals."""

import os
import select
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 20.0


class Process:
    def __init__(self, *arguments):
        command = [sys.executable, "-m", "router.lab.modem", "--control", *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def told(self):
        """The next line on its standard output."""
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready
        return self.process.stdout.readline().decode().rstrip()

    def tell(self, text):
        self.process.stdin.write(f"{text}\n".encode())

    def end(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0


@pytest.fixture
def start():
    started = []

    def starter(*arguments):
        started.append(Process(*arguments))
        return started[-1]

    yield starter
    for process in started:
        process.end()


def read_until(fd, wanted):
    """Octets up to `wanted`; fails when they do not come."""
    said = b""
    while wanted not in said:
        ready, _, _ = select.select([fd], [], [], PATIENCE)
        assert ready, said
        said += os.read(fd, 4096)
    return said


def opened(path):
    return os.open(path, os.O_RDWR | os.O_NOCTTY)


def test_a_modem_that_comes_back_under_another_name(start, tmp_path):
    first, second = tmp_path / "modem0", tmp_path / "modem1"
    modem = start("--link", first, "--link", second, "--boot", "0.05", "--interrupt", "0")
    assert modem.told() == f"appear {first}"
    fd = opened(first)
    os.write(fd, b"AT+CFUN=1,1\r")
    assert modem.told() == f"vanish {first}"
    assert modem.told() == f"appear {second}"
    os.close(fd)
    assert not first.is_symlink()
    fd = opened(second)
    os.write(fd, b"AT+CGSN\r")
    assert b"861075023456789" in read_until(fd, b"OK")
    os.close(fd)
    modem.tell("reset 0.05")
    assert [modem.told(), modem.told()] == [f"vanish {second}", f"appear {first}"]


def test_nothing_is_left_at_the_end(start, tmp_path):
    modem = start("--link", tmp_path / "modem", "--nmea", tmp_path / "gnss", "--silent", tmp_path / "diag")
    modem.told()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diag", "gnss", "modem"]
    fd = opened(tmp_path / "gnss")
    assert read_until(fd, b"\r\n").startswith(b"$GPRMC")
    os.close(fd)
    modem.process.terminate()
    modem.process.wait(PATIENCE)
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_reads_does_not_stop_it(start, tmp_path):
    modem = start("--link", tmp_path / "modem", "--interrupt", "0")
    modem.told()
    modem.tell("garbage 1000000")
    modem.tell("reset 0.05")
    assert modem.told().startswith("vanish")
    assert modem.told().startswith("appear")


def test_events_and_personalities_from_outside(start, tmp_path):
    modem = start("--link", tmp_path / "modem", "--personality", "simcom-sim7600", "--event", "0.1 urc HELLO")
    modem.told()
    fd = opened(tmp_path / "modem")
    read_until(fd, b"HELLO")
    modem.tell("dance")
    assert modem.told().startswith("refused ")
    os.write(fd, b"AT+CGMM\r")
    assert b"SIMCOM_SIM7600E-H" in read_until(fd, b"OK")
    os.close(fd)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--link", "x", "--device", "y"],
        ["--link", "x", "--event", "1 dance"],
        ["--link", "x", "--signal", "none"],
    ],
)
def test_words_that_make_no_sense_are_refused(words):
    command = [sys.executable, "-m", "router.lab.modem", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "error:" in done.stderr


def test_help_tells_of_events():
    command = [sys.executable, "-m", "router.lab.modem", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "hang S" in done.stdout and "--personality" in done.stdout
