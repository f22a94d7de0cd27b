"""A configuration that may be shown: keys, PINs and passwords are hidden, and so is what nobody knows."""

from __future__ import annotations

from router.config.schema import SECTIONS
from router.config.uci import Section, dump, parse

__all__ = ["HIDDEN", "without_secrets"]

HIDDEN = "(hidden)"


def without_secrets(text: str) -> str:
    """The sections as `uci commit` writes them, without comments: those may hold an old key.

    Options that the schema does not know are hidden too: one may be a key whose name is misspelt.
    """
    package = parse(text, "")
    for section in package.sections:
        for option in section.options.values():
            if _is_secret(section, option.name):
                option.values = (HIDDEN,) * len(option.values)
    return dump(package)


def _is_secret(section: Section, name: str) -> bool:
    spec = SECTIONS.get(section.type)
    known = spec.option(name) if spec is not None else None
    return known is None or known.secret
