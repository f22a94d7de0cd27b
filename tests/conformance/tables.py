"""The conformance tables, read; as a program: their coverage, RFC by RFC (`invoke conformance`)."""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LEVELS", "ROOT", "Requirement", "load"]

ROOT = Path(__file__).resolve().parent.parent.parent
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT")


@dataclass(frozen=True)
class Requirement:
    clause: str
    level: str
    who: str
    what: str
    about: str = ""
    tests: tuple[str, ...] = ()
    why: str = ""
    """Why it concerns none of our three roles, or nothing that we do."""
    missing: str = ""
    """What we do not do, and should."""


def load() -> dict[str, list[Requirement]]:
    """Requirements by RFC, in the order of their clauses."""
    tables = {}
    for path in sorted(Path(__file__).parent.glob("rfc*.toml")):
        entries = tomllib.loads(path.read_text())["requirement"]
        tables[path.stem] = [
            Requirement(**{**entry, "tests": tuple(entry.get("tests", ()))}) for entry in entries
        ]
    return tables


def coverage(entries: list[Requirement]) -> dict[str, int]:
    counts = {}
    for strong, word in ((True, "must"), (False, "should")):
        ours = [entry for entry in entries if entry.level.startswith("MUST") is strong]
        concern = [entry for entry in ours if not entry.why]
        counts[word] = len(concern)
        counts[f"{word}_tested"] = sum(bool(entry.tests) for entry in concern)
        counts[f"{word}_elsewhere"] = len(ours) - len(concern)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--missing", action="store_true", help="list what is not covered")
    arguments = parser.parse_args()
    tables = load()
    rows = {rfc: coverage(entries) for rfc, entries in tables.items()}
    rows["all"] = coverage([entry for entries in tables.values() for entry in entries])
    print(f"{'':<9}{'MUST tested':>16}{'SHOULD tested':>16}{'not ours':>10}")
    for rfc, row in rows.items():
        must, should = (f"{row[f'{word}_tested']} of {row[word]}" for word in ("must", "should"))
        print(f"{rfc:<9}{must:>16}{should:>16}{row['must_elsewhere'] + row['should_elsewhere']:>10}")
    if arguments.missing:
        for rfc, entries in tables.items():
            for entry in entries:
                if not entry.tests and not entry.why:
                    print(f"{rfc} {entry.clause} {entry.level}: {entry.who} {entry.what}: {entry.missing}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
