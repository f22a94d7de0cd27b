"""Completion code for a shell, from the grammar itself: what it offers is what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["completion"]

_BASH = """\
_roamctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
        case "$path/$word" in
            %(paths)s) path=$path/$word;;
        esac
    done
    case "$path $prev" in
%(values)s
        *) case "$path" in
%(commands)s
        esac;;
    esac
    COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -F _roamctl roamctl
"""
_ZSH = """\
#compdef roamctl
autoload -U +X bashcompinit && bashcompinit
"""
_FILES = ("FILE", "TRACE", "PATH")
_ASKED = {
    "UPLINK": "$(roamctl show uplinks 2>/dev/null | awk 'NR>1{print $1}')",
    "FLOW": "$(roamctl flows 2>/dev/null | awk '/^[0-9a-f]{6} /{print $1}') tcp udp icmp",
}
"""What a daemon has to be asked for, by placeholder."""


@dataclass(frozen=True)
class _Command:
    path: str
    """`/modem/reset`; empty for the whole."""
    parser: argparse.ArgumentParser

    @property
    def actions(self) -> list[argparse.Action]:
        return [action for action in self.parser._actions if action.help != argparse.SUPPRESS]


def completion(grammar: argparse.ArgumentParser, shell: str) -> str:
    """For `bash` or `zsh`."""
    commands = list(_commands("", grammar))
    code = _BASH % {
        "paths": "|".join(command.path for command in commands if command.path),
        "values": "\n".join(_values(commands)),
        "commands": "\n".join(f'        "{command.path}") {_offers(command)};;' for command in commands),
    }
    return code if shell == "bash" else _ZSH + code


def _commands(path: str, parser: argparse.ArgumentParser) -> Iterator[_Command]:
    yield _Command(path, parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from _commands(f"{path}/{name}", below)


def _values(commands: list[_Command]) -> Iterator[str]:
    """Behind an option stands its value, and nothing else."""
    places: dict[str, list[str]] = {}
    for command in commands:
        for action in command.actions:
            if action.option_strings and action.nargs is None:
                names = [f'"{command.path} {name}"' for name in action.option_strings]
                places.setdefault(_value(action), []).extend(names)
    for place, names in places.items():
        yield f"        {'|'.join(names)}) {place};;"


def _offers(command: _Command) -> str:
    options = [max(action.option_strings, key=len) for action in command.actions if action.option_strings]
    places = "".join(_value(action) for action in command.actions if not action.option_strings)
    return f'{places}words="$words {" ".join(options)}"'


def _value(action: argparse.Action) -> str:
    """Statements that add what may stand here to `words`, or files to the answer."""
    if action.choices is not None:
        return f'words="$words {" ".join(map(str, action.choices))}"; '
    if action.metavar in _FILES:
        return 'COMPREPLY+=($(compgen -f -- "$cur")); '
    first = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    asked = _ASKED.get(str(first))
    return f'words="$words {asked}"; ' if asked is not None else ""
