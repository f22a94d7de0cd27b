"""Functions for an init script by which procd knows the types of options, from the schema of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from router.config.options import as_rules
from router.config.schema import SECTIONS

__all__ = ["validation"]

_FUNCTION = """\
validate_{section}() {{
	uci_load_validate {config} {section} "$1" "$2" \\
		{rules}
}}

"""
_ALL = """\
add_validations() {{
{calls}}}
"""


def validation(config: str, sections: Sequence[str]) -> str:
    """Shell code: a function for each section type of /etc/config/`config`, and `add_validations` for all."""
    functions = []
    for section in sections:
        _, _, rules = as_rules((SECTIONS[section],)).rstrip("\n").partition("\t")
        functions.append(_FUNCTION.format(config=config, section=section, rules=rules))
    calls = "".join(f"\tprocd_add_validation validate_{section}\n" for section in sections)
    return "".join(functions) + _ALL.format(calls=calls)
