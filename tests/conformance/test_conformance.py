"""Every requirement in the tables names tests that exist, or says why it needs none."""

import ast
import re
from pathlib import Path

import pytest

from tests.conformance.tables import LEVELS, ROOT, load

TABLES = load()


def functions(filename):
    tree = ast.parse(Path(ROOT, filename).read_text())
    return {item.name for item in ast.walk(tree) if isinstance(item, ast.FunctionDef)}


@pytest.mark.parametrize("rfc", sorted(TABLES))
def test_every_entry_is_whole(rfc):
    for entry in TABLES[rfc]:
        assert entry.level in LEVELS, entry
        assert entry.clause and entry.who and 0 < len(entry.what) <= 120, entry
        answers = [bool(entry.tests), bool(entry.why), bool(entry.missing)]
        assert sum(answers) == 1, f"{entry.clause}: wants tests, or why, or missing: {entry.what}"


@pytest.mark.parametrize("rfc", sorted(TABLES))
def test_every_test_named_exists(rfc):
    known = {}
    for entry in TABLES[rfc]:
        for test in entry.tests:
            filename, _, name = test.partition("::")
            if filename not in known:
                known[filename] = functions(filename)
            assert name in known[filename], f"{entry.clause}: no {test}"


@pytest.mark.parametrize("rfc", sorted(TABLES))
def test_no_must_is_left_open(rfc):
    left = [entry for entry in TABLES[rfc] if entry.missing and entry.level.startswith("MUST")]
    assert not left, "\n".join(f"{entry.clause} {entry.what}: {entry.missing}" for entry in left)


def test_nine_in_ten_shoulds_are_covered():
    shoulds = [entry for table in TABLES.values() for entry in table if entry.level.startswith("SHOULD")]
    ours = [entry for entry in shoulds if not entry.why]
    assert sum(bool(entry.tests) for entry in ours) >= 0.9 * len(ours)


def test_every_decision_names_tests_that_exist():
    text = Path(ROOT, "router/mip/DECISIONS.md").read_text()
    defined = {name for path in Path(ROOT, "tests").rglob("test_*.py") for name in functions(path)}
    for name in re.findall(r"`(test_\w+)(\*?)`", text):
        found = [test for test in defined if test.startswith(name[0])] if name[1] else {name[0]} & defined
        assert found, f"DECISIONS.md names {name[0]}, which is no test"
    for path in re.findall(r"`(tests/[\w/.]+)`", text):
        assert Path(ROOT, path).exists(), path
