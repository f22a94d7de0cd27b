"""What the schema says of every option, for people, for the init script and for LuCI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from router.config.model import (
    Config,
    Console,
    Flow,
    ForeignAgent,
    HomeAgent,
    HomeNetwork,
    Led,
    Mobile,
    MobileNode,
    ModemSettings,
    Peer,
    PlaneSettings,
    SecurityAssociation,
    Uplink,
)
from router.config.schema import SECTIONS, OptionSpec, SectionSpec

__all__ = ["as_json", "as_markdown", "as_rules", "default", "rules"]

_MODELS: dict[str, tuple[type, ...]] = {
    "roamd": (Config,),
    "mobile_node": (MobileNode, SecurityAssociation, PlaneSettings),
    "home_agent": (HomeAgent, PlaneSettings),
    "foreign_agent": (ForeignAgent, PlaneSettings),
    "peer": (Peer, SecurityAssociation),
    "visitor": (Peer, SecurityAssociation),
    "uplink": (Uplink, ModemSettings),
    "flow": (Flow,),
    "led": (Led,),
    "mobile": (Mobile, SecurityAssociation),
    "home_network": (HomeNetwork,),
    "console": (Console,),
}
_FIELDS = {"plane": "kind"}
"""Options whose field has another name, and a default."""
_HEAD = """\
# Options of /etc/config/roamd

Made from the schema by `roamd options`: what stands here is what the daemon checks. A list may also be written in one
option, its items divided by blanks. `roamd check FILE` says every error in a file.
"""
_ROW = "| {} |\n"


def default(section: str, option: OptionSpec) -> str | None:
    """As it would be written; None where there is none, and where leaving the option out is a setting of its own."""
    if option.name == "enabled":
        return "1"
    if option.required or option.many:
        return None
    wanted = _FIELDS.get(option.name, option.name)
    for model in _MODELS[section]:
        for item in fields(model):
            if item.name == wanted and item.default is not MISSING:
                return _written(option, item.default)
    return None


def _written(option: OptionSpec, value: Any) -> str | None:
    if value is None:
        return option.read.none_word or None
    if isinstance(value, bool):
        return str(int(value))
    if option.read.name == "mask":
        return f"0x{value:08x}"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text or None


def as_markdown(sections: Iterable[SectionSpec] = tuple(SECTIONS.values())) -> str:
    """The table of all options, one part for each section type."""
    parts = [_HEAD]
    for section in sections:
        name = " 'NAME'" if section.named else ""
        text = f"\n## config {section.type}{name}\n\n{_sentence(section.help)}"
        text += " One section at most.\n\n" if section.single else "\n\n"
        text += _ROW.format(" | ".join(("option", "type", "default", "allowed", "meaning")))
        text += "|---|---|---|---|---|\n"
        parts.append(text + "".join(_row(section, option) for option in section.options))
    return "".join(parts)


def _row(section: SectionSpec, option: OptionSpec) -> str:
    known = default(section.type, option)
    kind = f"list of {option.read.name}" if option.many else option.read.name
    shown = "**required**" if option.required else f"`{known}`" if known is not None else ""
    cells = (f"`{option.name}`", kind, shown, option.read.allowed, option.help)
    return _ROW.format(" | ".join(cell.replace("|", "\\|") for cell in cells))


def rules(section: SectionSpec) -> list[str]:
    """Words for OpenWrt's validate_data: `name:type` or `name:type:default`."""
    words = []
    for option in section.options:
        datatype = f"list({option.read.datatype})" if option.many else option.read.datatype
        known = default(section.type, option)
        words.append(f"{option.name}:{datatype}" + (f":{known}" if known is not None else ""))
    return words


def as_rules(sections: Iterable[SectionSpec] = tuple(SECTIONS.values())) -> str:
    """A line for each section type: it, a tab, and its rules, each in the shell's single quotes."""
    return "".join(
        f"{section.type}\t{' '.join(_quoted(word) for word in rules(section))}\n" for section in sections
    )


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def as_json(sections: Iterable[SectionSpec] = tuple(SECTIONS.values())) -> list[dict[str, Any]]:
    """Plain values, ready for JSON."""
    return [
        {
            "type": section.type,
            "help": section.help,
            "named": section.named,
            "single": section.single,
            "options": [_plain(section, option) for option in section.options],
        }
        for section in sections
    ]


def _plain(section: SectionSpec, option: OptionSpec) -> dict[str, Any]:
    return {
        "name": option.name,
        "kind": option.read.name,
        "allowed": option.read.allowed,
        "datatype": option.read.datatype,
        "pattern": option.read.pattern,
        "choices": list(option.read.words),
        "default": default(section.type, option),
        "required": option.required,
        "list": option.many,
        "secret": option.secret,
        "help": option.help,
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
