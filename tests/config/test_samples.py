"""The sample configurations show every option there is, and are free of errors."""

import re
from pathlib import Path

import pytest

from router.config import load
from router.config.schema import SECTIONS
from router.config.uci import parse

FILES = Path(__file__).parent.parent.parent / "openwrt/files"
SAMPLES = sorted(FILES.glob("*.config"))
UNCOMMENT = re.compile(r"^(\t?)# (?=(?:config|option|list) )", re.MULTILINE)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_free_of_errors_as_it_stands(path):
    assert load(path.read_text(), path.name)


def shown():
    """(section type, option) of all samples, comments opened."""
    for path in SAMPLES:
        for section in parse(UNCOMMENT.sub(r"\1", path.read_text()), path.name).sections:
            for name in section.options:
                yield section.type, name


def test_every_option_is_shown_somewhere():
    seen = {(kind, name) for kind, name in shown()}
    assert {(spec.type, option.name) for spec in SECTIONS.values() for option in spec.options} == seen
