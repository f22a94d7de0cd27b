"""`roamctl flows`, `explain` and `policy check`: words, wrong words, and no daemon."""

import asyncio
import json
import threading

import pytest

from router.control import cli
from router.control.server import ControlServer

PATH = {
    "path": "wifi", "down": 40_000, "up": 20_000, "confidence": 0.9, "active": 2, "down_load": 30_000, "up_load": 500,
    "takes": "all", "drain": False, "offer": 13_333, "buckets": 64,
}  # fmt: skip
ROW = {
    "id": "3f9a01", "protocol": "tcp", "source": "10.50.0.10:40000", "destination": "203.0.113.10:443", "path": "wifi",
    "why": "policy web", "down": 12_000, "up": 300, "octets": 10**6, "age": 61.0, "idle": 0.1, "moves": 2, "moved": 5.0,
}  # fmt: skip


@pytest.fixture
def roamctl(tmp_path, capsys):
    """Runs the command against a daemon that answers with what it was asked, and `ANSWERS`."""
    asked = []
    answers = {
        "flows": {"flows": [ROW], "active": 1, "tracked": 9, "paths": [PATH]},
        "explain": {"flow": ROW, "path": "wifi", "reasons": ["policy web is the first that matches"], "then": None,
                    "now": {"ago": 0.1, "paths": [PATH]}, "alternatives": [{"path": "lte", "reason": "metered"}]},
        "policy_check": {"file": "f", "flows": 3, "stay": 2, "policies": [], "rest": 3, "unclear": [],
                         "moves": [{"policy": None, "from": "lte", "to": "wifi", "flows": 1}]},
    }  # fmt: skip

    def answering(name):
        return lambda params: asked.append((name, params)) or answers[name]

    loop = asyncio.new_event_loop()
    server = ControlServer(str(tmp_path / "sock"), {name: answering(name) for name in answers})
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(*words):
        code = cli.main(["--socket", str(tmp_path / "sock"), *words])
        found = capsys.readouterr()
        return code, found.out, found.err, asked[-1] if asked else None

    yield run
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_flows_as_a_table_and_as_json(roamctl):
    code, out, _, asked = roamctl("flows", "--all", "--limit", "7")
    assert (code, asked) == (0, ("flows", {"all": True, "limit": 7}))
    assert "3f9a01  tcp    10.50.0.10:40000  203.0.113.10:443  wifi  policy web  12 Mbit/s" in out
    assert "2x, 5s ago" in out and "1 of 1 flows that carry something, 9 in all" in out
    assert json.loads(roamctl("flows", "--json")[1])["flows"] == [ROW]


def test_explain_takes_a_flow_or_five_words_of_it_and_what_else_is_known(roamctl):
    code, out, _, asked = roamctl("explain", "tcp", "10.50.0.10:1", "203.0.113.10:443", "--dscp", "ef")
    assert code == 0
    assert asked[1]["flow"] == "tcp 10.50.0.10:1 203.0.113.10:443" and asked[1]["dscp"] == "ef"
    assert "path wifi, because\n  - policy web is the first that matches\nand not\n  - lte: metered" in out


def test_policy_check_sends_the_file_and_says_what_would_move(roamctl, tmp_path):
    (tmp_path / "new.conf").write_text("config roamd\n")
    code, out, _, asked = roamctl("policy", "check", str(tmp_path / "new.conf"))
    assert (code, asked[1]["text"]) == (0, "config roamd\n")
    assert "1 flows go from lte to wifi (no policy any more)" in out
    assert "2 of 3 flows stay where they are" in out
    code, _, err, _ = roamctl("policy", "check", str(tmp_path / "missing"))
    assert code == 1 and "No such file" in err


def test_without_a_daemon_the_next_step_is_said(tmp_path, capsys):
    assert cli.main(["--socket", str(tmp_path / "none"), "flows"]) == 1
    assert "start it with" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_the_commands(shell, capsys):
    cli.main(["completion", shell])
    out = capsys.readouterr().out
    assert all(word in out for word in ("flows", "explain", "policy"))
