"""Every input the fuzzer ever stumbled over, and some near what it should stumble over, hold now."""

import sys
from pathlib import Path

import pytest

from tests.fuzz import fuzz_wire
from tests.fuzz.properties import check

FINDINGS = sorted((Path(__file__).parent / "findings").glob("*.bin"))


def test_there_are_findings():
    assert FINDINGS


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem[:12])
def test_finding(path):
    check(path.read_bytes())


def test_seeds_hold():
    for octets in fuzz_wire.seeds():
        check(octets)


def test_without_atheris_it_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert fuzz_wire.main(["--runs", "1"]) == 2
    assert "pip install atheris" in capsys.readouterr().err


def test_what_breaks_a_property_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz_wire, "FINDINGS", tmp_path / "findings")
    path = fuzz_wire.keep(b"octets")
    assert path.read_bytes() == b"octets" and path.suffix == ".bin"
