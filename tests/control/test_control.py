"""The control socket and roamctl, over real Unix sockets."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import threading

import pytest

from router.control import cli, render, session
from router.control.client import ControlError, request
from router.control.server import ControlServer

STATUS = {
    "version": "0.1.0", "role": ["mobile_node"], "uptime": 250.0, "home_address": "10.99.0.2",
    "home_agent": "198.51.100.2", "problem": None,
    "uplinks": [
        {
            "name": "wifi", "bid": 1, "kind": "wifi", "state": "no carrier", "device": "wlan0", "address": None,
            "gateway": None, "mtu": 1500, "path_mtu": 1300, "bandwidth_down": 20000, "bandwidth_up": 800, "bandwidth_source": "configured",
            "registration": "denied", "detail": "too many bindings", "modem": None, "wifi": None,
        }
    ],
    "bindings": [
        {
            "mobile": None, "uplink": "wifi", "home_address": "10.99.0.2", "bid": 1, "care_of_address": "192.0.2.10",
            "encapsulation": "udp", "nat": True, "lifetime": 600, "remaining": 61.5, "state": "registered",
        }
    ],
    "tunnels": [
        {
            "device": "roam1", "bid": 1, "plane": "kernel", "encapsulation": "ipip", "local": "192.0.2.10",
            "remote": "198.51.100.2", "mtu": 1480, "rx_bytes": 12_345_678, "tx_bytes": 999, "dropped": 3,
        }
    ],
    "flows": {
        "policies": [
            {"name": "web", "action": "prefer", "uplinks": ["wifi", "cell"], "members": [], "path": None,
             "asleep": False},
            {"name": "tv", "action": "balance", "uplinks": [], "members": ["wifi", "cell"], "path": None,
             "asleep": True},
        ],
        "buckets": {"wifi": 48, "cell": 16}, "size": 64, "tracked": 900, "active": 12,
    },
    "counters": {"requests_sent": 7},
}  # fmt: skip


@pytest.fixture
def daemon(tmp_path):
    """A control server in a thread; its path."""
    path = str(tmp_path / "roamd.sock")
    loop = asyncio.new_event_loop()
    server = ControlServer(path, {"status": lambda params: STATUS, "echo": lambda params: params})
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield path
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert not os.path.exists(path)


def talk(path, *lines):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(path)
        sock.sendall(b"".join(lines))
        with sock.makefile("rb") as file:
            return [json.loads(file.readline()) for _ in lines]


def test_a_request_is_answered(daemon):
    assert request(daemon, "echo", {"a": [1, None]}) == {"a": [1, None]}


def test_several_requests_on_one_line_after_another(daemon):
    lines = [json.dumps({"id": n, "method": "echo"}).encode() + b"\n" for n in range(3)]
    assert [answer["id"] for answer in talk(daemon, *lines)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"nonsense\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[1]\n", "object"),
        (b'{"method": "reboot"}\n', "unknown method 'reboot'; known: echo, status"),
        (b'{"method": 7}\n', "unknown method"),
        (b'{"method": "echo", "params": [1]}\n', "params"),
        (b'{"method": "' + b"x" * 70000 + b'"}\n', "65536"),
    ],
)
def test_a_bad_request_gets_a_reason(daemon, line, word):
    assert word in talk(daemon, line)[0]["error"]["message"]
    assert request(daemon, "echo") == {}


def test_only_the_owner_may_ask(daemon):
    assert stat.S_IMODE(os.stat(daemon).st_mode) == 0o600


def test_a_silent_client_holds_nobody_up(daemon):
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(daemon)
        idle.sendall(b'{"method":')
        assert request(daemon, "echo") == {}


def test_a_socket_left_over_is_replaced_but_never_a_living_one(tmp_path, daemon):
    stale = str(tmp_path / "stale.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(stale)

    async def run():
        server = ControlServer(stale, {})
        await server.start()
        await server.close()
        with pytest.raises(OSError, match="another roamd is running"):
            await ControlServer(daemon, {}).start()

    asyncio.run(run())
    assert request(daemon, "echo") == {}


def test_no_daemon_says_how_to_start_one(tmp_path):
    with pytest.raises(ControlError, match="start it with"):
        request(str(tmp_path / "none"), "status")


def test_status_as_a_table(daemon, capsys):
    assert cli.main(["--socket", daemon, "status"]) == 0
    text = capsys.readouterr().out
    for expected in (
        "mobile node, up 4m10s", "denied: too many bindings", "no carrier", "1300", "20 Mbit/s", "800 kbit/s", "12.3 MB",
        "10m00s", "1m01s", "spread (none of them lives)", "wifi 75%, cell 25%",
    ):  # fmt: skip
        assert expected in text
    heads = [line for line in text.splitlines() if line.startswith(("NAME", "OF", "DEVICE"))]
    assert len(heads) == 3


def test_status_as_json(daemon, capsys):
    assert cli.main(["--socket", daemon, "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS
    assert cli.main(["--json", "--socket", daemon, "counters"]) == 0
    assert json.loads(capsys.readouterr().out) == {"requests_sent": 7}


def test_a_failure_is_one_line_and_status_1(tmp_path, capsys):
    assert cli.main(["--socket", str(tmp_path / "none"), "status"]) == 1
    assert capsys.readouterr().err.startswith("roamctl: no roamd at")


def test_completion_is_code_bash_reads(capsys):
    assert cli.main(["completion", "bash"]) == 0
    script = (
        capsys.readouterr().out + '\nCOMP_WORDS=(roamctl sta); COMP_CWORD=1; _roamctl; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "status"


PROBLEM = "/etc/config/roamd:7: uplink 'wifi': option bandwidth 'fast': expected a whole number"


def test_a_reload_says_what_it_changed(tmp_path, capsys, monkeypatch):
    asked = []

    def answer(path, method, params=None, timeout=5.0):
        asked.append((path, method))
        return {"changed": ["log_level", "uplink wifi.label"], "restarted": ["home_agent"]}

    monkeypatch.setattr(session, "request", answer)
    assert cli.main(["--socket", "/x", "reload"]) == 0
    assert asked == [("/x", "reload")]
    assert capsys.readouterr().out == "changed: log_level, uplink wifi.label\nstarted anew: home_agent\n"


def test_a_reload_that_is_refused_says_every_error(capsys, monkeypatch):
    def answer(path, method, params=None, timeout=5.0):
        raise ControlError(PROBLEM)

    monkeypatch.setattr(session, "request", answer)
    assert cli.main(["reload"]) == 1
    assert PROBLEM in capsys.readouterr().err


def test_a_refused_file_stands_above_everything_in_status():
    text = render.status({**STATUS, "config_problem": [{"text": PROBLEM}]})
    assert "the configuration before it is in force" in text
    assert text.index(PROBLEM) < text.index("Uplinks")


class Heard(session.Session):
    """Keeps what a command says; answers with STATUS."""

    name = "console"

    def __init__(self):
        self.said, self.complaints = "", ""

    def ask(self, method, params=None, timeout=5.0):
        return STATUS

    def write(self, text):
        self.said += text

    def complain(self, text):
        self.complaints += text


def test_a_command_speaks_to_its_session_alone(capsys):
    for words, code, said, complained in (
        (["status"], 0, "mobile node", ""),
        (["status", "--help"], 0, "usage: console status", ""),
        (["nonsense"], 2, "", "nonsense"),
        (["modem", "record", "x"], 1, "", "console: files cannot be taken here"),
    ):
        heard = Heard()
        assert cli.run(words, heard) == code
        assert said in heard.said and complained in heard.complaints
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("show su", "summary"),
        ("show ev", "events"),
        ("show events --level w", "warning"),
        ("modem reset --how us", "usb_reset"),
        ("uplink d", "down"),
        ("--json test u", "uplink"),
        ("capture lte --sn", "--snaplen"),
        ("simulate --pol", "--policy"),
        ("show events --limit ", ""),
    ],
)
def test_completion_follows_the_grammar(capsys, line, offered):
    assert cli.main(["completion", "bash"]) == 0
    words = line.split(" ")
    script = f'COMP_WORDS=(roamctl {" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words)}; _roamctl; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", capsys.readouterr().out + script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == offered and not done.stderr


def test_a_slow_line_gets_no_padding(capsys):
    wide, narrow = Heard(), Heard()
    narrow.compact = True
    for heard in (wide, narrow):
        assert cli.run(["status"], heard) == 0
    assert narrow.said.split() == wide.said.split()
    assert len(narrow.said) < 0.9 * len(wide.said) and "\n\n" not in narrow.said
    narrow.said = ""
    assert cli.run(["status", "--json"], narrow) == 0
    assert json.loads(narrow.said) == STATUS and " " not in narrow.said.split('"role"')[0]
