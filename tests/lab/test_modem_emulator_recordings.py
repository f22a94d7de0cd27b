"""The emulator against recorded dialogues: what it answers has the shape of what the real modem answered.

Values differ (signal, identity); names, number of lines, number of fields, quotes, kinds of fields, blank lines and
result codes do not.
"""

import json
import os
import re
from glob import glob

import pytest

from router.lab.modem import PERSONALITIES, Emulator
from router.lab.modem.personalities import like

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("ROAMD_TRANSCRIPTS") or os.path.join(HERE, "..", "..", "..", "shared", "transcripts")
RECORDINGS = sorted(glob(os.path.join(FOLDER, "*", "dialogue.json")))

# As many lines as there are contexts, carriers or sensors: one real line is enough to compare each with.
REPEATED = ("+CGACT", "+CGDCONT", "+CGPADDR", "+QCAINFO", "+QTEMP", "+QENG", "+CGCONTRDP")
# Settings that a session made before: the recording has them in its answers.
BEFORE = ("+COPS=3,2",)
WAIT = 30.0


def pairs(path):
    """(command without `AT`, response) as recorded."""
    with open(path) as file:
        recorded = json.load(file)
    return [
        (entry["command"].strip()[2:], entry["response"])
        for entry in recorded
        if entry["command"].strip().upper().startswith("AT") and entry["response"].strip()
    ]


def recorded_model(path):
    """What +CGMM or ATI says, or None."""
    said = dict(pairs(path))
    for command in ("+CGMM", "I"):
        for line in lines_of(said.get(command, "")):
            text = line.partition(":")[2].strip(' "') if line.startswith("+") else line
            if like(text) is not None:
                return text
    return None


def lines_of(response):
    """Lines after the echo, blank ones and the result left out."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", response)]
    return [line for line in lines if line and not re.match(r"(AT|at)|OK$|ERROR$|\+CM[ES] ERROR", line)]


def frame(response):
    """Where the line ends are: `t` for a text, `R` for a result; how many lines of a kind is not told."""
    body = re.sub(r"^AT[^\r\n]*[\r\n]+", "", response).replace("\r\n", "\n").lstrip("\n")
    body = re.sub(r"[^\n]+", _letter, body)
    return re.sub(r"t\n(\nt\n)+", "t\n\nt\n", re.sub(r"(t\n)+", "t\n", body))


def _letter(match):
    text = match[0]
    return "R" if re.match(r"(OK|ERROR|\+CM[ES] ERROR.*)$", text) else "t"


def result(response):
    """OK, ERROR, `+CME ERROR: number`, `+CME ERROR: words`."""
    for line in re.split(r"[\r\n]+", response):
        found = re.match(r"(OK|ERROR)$|(\+CM[ES] ERROR: )(.*)", line.strip())
        if found:
            return found[1] or found[2] + ("number" if found[3].isdecimal() else "words")
    return None


def kind(text):
    """quoted, empty, `-`, integer, decimal, hex, address, or word; with what is inside quotes."""
    text = text.strip()
    if text.startswith('"'):
        return ("quoted", kind(text.strip('"'))[1])
    if re.fullmatch(r"-?\d+", text):
        return ("bare", "integer")
    if re.fullmatch(r"-?\d+\.\d+", text):
        return ("bare", "decimal")
    if re.fullmatch(r"[0-9A-Fa-f]{4,}", text):
        return ("bare", "hex")
    if re.fullmatch(r"(\d+\.){3,}\d+|[0-9A-Fa-f]*:[0-9A-Fa-f:]+", text):
        return ("bare", "address")
    return ("bare", {"": "empty", "-": "unknown"}.get(text, "word"))


def fields(line):
    """(name with its colon and space, fields)."""
    found = re.match(r"([+^!#$*%][^:,=]*:\s*)(.*)", line)
    name, rest = (found[1], found[2]) if found else ("", line)
    return name, re.findall(r'(?:"[^"]*"|[^,"])+|(?<=,)(?=,|$)|^(?=,)', rest)


SAME = [{"integer", "hex"}, {"integer", "unknown"}, {"word", "hex"}, {"word", "integer"}]
"""Kinds that values of one field may have: hex may be all digits; `FFFF`; a firmware version."""


def differences(real, ours):
    """What is not alike in two lines."""
    (name, theirs), (own_name, own) = fields(real), fields(ours)
    if name != own_name:
        return [f"name {own_name!r} instead of {name!r}"]
    if not name:
        # Free text: an identity, a heading.  Both are digits, or neither.
        return [] if real.isdecimal() == ours.isdecimal() else [f"{ours!r} for {real!r}"]
    if len(theirs) != len(own):
        return [f"{len(own)} fields instead of {len(theirs)}: {ours!r} for {real!r}"]
    wrong = []
    for number, (one, other) in enumerate(zip(theirs, own, strict=True)):
        (quoting, what), (own_quoting, own_what) = kind(one), kind(other)
        spaces = [len(text) - len(text.lstrip()) for text in (one, other)]
        if quoting != own_quoting or spaces[0] != spaces[1]:
            wrong.append(f"field {number}: {other!r} for {one!r}")
        elif what != own_what and {what, own_what} not in SAME:
            wrong.append(f"field {number}: {own_what} {other!r} for {what} {one!r}")
    return wrong


def compare(real, ours):
    """What is not alike in two answers to the same command."""
    if result(real) != result(ours):
        return [f"result {result(ours)} instead of {result(real)}"]
    real_lines, own_lines = lines_of(real), lines_of(ours)
    repeated = any(fields(line)[0].startswith(REPEATED) for line in real_lines)
    if repeated and real_lines and own_lines:
        # Each of ours is like one of theirs.
        best = [min((differences(r, o) for r in real_lines), key=len) for o in own_lines]
        wrong = [text for found in best for text in found]
    elif len(real_lines) != len(own_lines):
        return [f"{len(own_lines)} lines instead of {len(real_lines)}: {own_lines} for {real_lines}"]
    else:
        wrong = [text for r, o in zip(real_lines, own_lines, strict=True) for text in differences(r, o)]
    if not wrong and frame(real) != frame(ours):
        wrong.append(f"line ends {frame(ours)!r} instead of {frame(real)!r}")
    return wrong


def ask(personality, command, ending="\r"):
    """The emulator's answer to one command, registered and set as a session would have."""
    modem = Emulator(personality, 0.0, interrupt=0)
    now = WAIT
    for before in ("+CMEE=1", *BEFORE) if personality.detail < 2 else BEFORE:
        modem.feed(f"AT{before}\r".encode(), now)
        now += WAIT
        modem.output(now)
    modem.feed(f"AT{command}{ending}".encode(), now)
    return modem.output(now + WAIT).decode("latin-1")


def test_every_recorded_command_of_a_known_model_has_its_shape():
    if not RECORDINGS:
        pytest.skip(f"no recorded dialogues in {FOLDER}")
    wrong, compared, foreign = [], 0, []
    for path in RECORDINGS:
        name = os.path.basename(os.path.dirname(path))
        model = recorded_model(path)
        if model is None:
            foreign.append(name)
            continue
        personality = like(model)
        for command, response in pairs(path):
            ours = ask(personality, command, "\r\n" if response.startswith(f"AT{command}\r\n") else "\r")
            compared += 1
            wrong += [f"{name} AT{command}: {text}" for text in compare(response, ours)]
    print(f"{compared} answers compared; without a personality: {', '.join(foreign) or 'none'}")
    assert not wrong, "\n".join(wrong)
    assert compared or foreign


@pytest.mark.parametrize(
    ("real", "ours"),
    [
        ("ATX\r\r\n+CSQ: 18,99\r\n\r\nOK\r\n", "ATX\r\r\n+CSQ: 18\r\n\r\nOK\r\n"),
        ("ATX\r\r\n+CSQ: 18,99\r\n\r\nOK\r\n", 'ATX\r\r\n+CSQ: "18",99\r\n\r\nOK\r\n'),
        ("ATX\r\r\n+CSQ: 18,99\r\n\r\nOK\r\n", "ATX\r\r\n+CSQ:18,99\r\n\r\nOK\r\n"),
        ("ATX\r\r\n+CSQ: 18,99\r\n\r\nOK\r\n", "ATX\r\r\n+CSQ: 18,99\r\nOK\r\n"),
        ("ATX\r\r\n+CSQ: 18,99\r\n\r\nOK\r\n", "ATX\r\r\nERROR\r\n"),
        ("ATX\r\r\n+X: 1.5\r\n\r\nOK\r\n", "ATX\r\r\n+X: 1\r\n\r\nOK\r\n"),
        ("ATX\r\r\n+X: 5, 1\r\n\r\nOK\r\n", "ATX\r\r\n+X: 5,1\r\n\r\nOK\r\n"),
        ('ATX\r\r\n+X: "10.0.0.1"\r\n\r\nOK\r\n', 'ATX\r\r\n+X: "none"\r\n\r\nOK\r\n'),
        ("ATX\r\r\na\r\nb\r\n\r\nOK\r\n", "ATX\r\r\na\r\n\r\nb\r\n\r\nOK\r\n"),
        ("ATX\r\r\n+CME ERROR: 4\r\n", "ATX\r\r\n+CME ERROR: no\r\n"),
    ],
)
def test_other_shapes_are_told_apart(real, ours):
    assert compare(real, ours)
    assert not compare(real, real)


@pytest.mark.parametrize("personality", PERSONALITIES.values(), ids=lambda personality: personality.name)
def test_every_personality_is_found_by_its_own_model(personality):
    assert like(personality.model) is personality
