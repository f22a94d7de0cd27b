import importlib.util
import json
import os

import pytest

from router.control.cli import main
from router.sim.estimates import KINDS
from router.sim.policies import IDEAL, POLICIES
from router.sim.workload import WORKLOADS

TRACE = "time,link,down\n0,a,8000\n0,b,2000\n5,a,\n10,a,4000\n"


def run(capsys, *words):
    status = main(["simulate", *words])
    return status, *capsys.readouterr()


@pytest.fixture
def trace(tmp_path):
    file = tmp_path / "drive.csv"
    file.write_text(TRACE)
    return str(file)


def test_a_table_of_policies(capsys, trace):
    status, out, err = run(capsys, trace, "--policy", "static", "--policy", "moves", "--load", "0.5")
    assert (status, err) == (0, "")
    assert "a 8.0 (1 holes), b 2.0" in out
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ["POLICY", "static", "moves", "ideal"]


def test_json_says_the_same_to_machines(capsys, trace):
    values = json.loads(run(capsys, trace, "--json", "--seconds", "20", "--policy", "load")[1])
    assert values["setting"]["seconds"] == 20
    assert [row["policy"] for row in values["policies"]] == ["load", "ideal"]
    assert values["links"][0] == {"name": "a", "mean_kbps": 6000.0, "holes": 1}


def test_without_a_trace_links_are_made_up(capsys):
    status, out, _ = run(capsys, "--seconds", "10", "--policy", "ideal")
    assert status == 0 and "40M" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,link,down\n0,a,x\n", "line 2, column down: 'x'; expected kbit/s"),
        ("time,link,down\n0,a,5\n", "say with --seconds"),
        ("time,link,down\n0,a,0\n9,a,\n", "no link of the traces ever carries anything"),
    ],
)
def test_a_bad_trace_is_named(capsys, tmp_path, text, words):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    status, out, err = run(capsys, str(file))
    assert (status, out) == (1, "") and words in err


def test_files_that_cannot_be_used(capsys, tmp_path, trace):
    assert "No such file" in run(capsys, str(tmp_path / "none.csv"))[2]
    assert "link a is in another trace too" in run(capsys, trace, trace)[2]
    (tmp_path / "octets.csv").write_bytes(b"\xff\xfe\x00")
    assert "expected CSV in UTF-8" in run(capsys, str(tmp_path / "octets.csv"))[2]
    assert "expected a file name that ends in .png" in run(capsys, trace, "--plot", "picture.doc")[2]


def test_wrong_numbers_are_refused(capsys, trace):
    status, _, err = run(capsys, trace, "--load", "9")
    assert status == 2 and "'9'; expected a number, 0.01..2" in err


def test_a_missing_matplotlib_says_what_to_do(capsys, trace, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.delitem(__import__("sys").modules, "router.control.simulate_plot", raising=False)
    status, _, err = run(capsys, trace, "--plot", "x.png")
    assert status == 1 and "pip install 'roamd[plot]'" in err


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib (extra: plot)")
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(capsys, tmp_path, trace, ending):
    picture = tmp_path / f"picture.{ending}"
    assert run(capsys, trace, "--plot", str(picture))[0] == 0
    assert picture.stat().st_size > 5_000
    (tmp_path / "there").mkdir()
    status, _, err = run(capsys, trace, "--plot", str(tmp_path / "none" / "x.svg"))
    assert status == 1 and "none/x.svg" in err


RECORDING = os.path.join(os.path.dirname(os.path.dirname(__file__)), "sim", "recordings", "eight_flows.jsonl")


def test_a_recording_is_decided_anew(capsys):
    status, out, err = run(capsys, "--replay", RECORDING)
    assert (status, err) == (0, "") and "0 otherwise than recorded" in out


def test_what_comes_out_otherwise_is_shown(capsys, tmp_path):
    with open(RECORDING) as file:
        changed = file.read().replace('"expected":4.13', '"expected":94.13') + "{torn"
    (tmp_path / "drive.jsonl").write_text(changed)
    status, out, _ = run(capsys, "--replay", str(tmp_path / "drive.jsonl"))
    assert status == 1
    assert "buckets\n  recorded  path 1: " in out
    assert "not read: line 381: no JSON" in out
    status, out, _ = run(capsys, "--replay", str(tmp_path / "drive.jsonl"), "--json")
    assert json.loads(out)["differences"][0]["what"] == "buckets"


def test_a_file_that_is_no_recording_is_refused(capsys, trace, tmp_path):
    status, _, err = run(capsys, "--replay", trace)
    assert status == 1 and "no look in it (line 1: no JSON" in err and "option record" in err
    assert "No such file" in run(capsys, "--replay", str(tmp_path / "none"))[2]


def test_completion_knows_every_name(capsys):
    assert main(["completion", "bash"]) == 0
    code = capsys.readouterr().out
    for names in ((*POLICIES, IDEAL), KINDS, WORKLOADS):
        assert f'{" ".join(names)}"' in code
