"""Python source as a router gets it: without what only people and checkers read, each statement in its old line.

Comments, docstrings, annotations of functions, `__all__`, imports that only these needed and blanks between tokens go,
and a level of indentation is one space; so a traceback from a router fits the checkout, at half of the size.
Annotations of a class's own names stay, since dataclasses are made of them.  What comes out is parsed again and compared
with what was meant.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Any

__all__ = ["stripped"]

_BEGIN, _END = ("FSTRING_START", "TSTRING_START"), ("FSTRING_END", "TSTRING_END")
_PREFIXES = ("b", "f", "r", "t", "u", "br", "fr", "rb", "rf", "rt", "tr")
_Place = tuple[int, int]
"""Line, from 1, and octet in it, from 0."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def stripped(text: str) -> str:
    """The same program; raises SyntaxError."""
    tree = ast.parse(text)
    lines = [line.encode() for line in text.split("\n")]
    # From the end, so that places before stay where they are.
    for start, end, instead in sorted((*_comments(text), *_needless(tree, lines)), reverse=True):
        _cut(lines, start, end, instead)
    left = "\n".join(line.decode().rstrip() for line in lines)
    ast.parse(left)
    result = _compacted(left)
    if ast.dump(_Meant(tree).visit(tree)) != ast.dump(ast.parse(result)):
        raise SyntaxError("what is left would not be the same program")
    return result.rstrip("\n") + "\n"


def _cut(lines: list[bytes], start: _Place, end: _Place, instead: bytes) -> None:
    """Lines stay, if empty."""
    (first, left), (last, right) = start, end
    rest = lines[last - 1][right:]
    lines[first - 1] = lines[first - 1][:left] + instead + (rest if first == last else b"")
    for between in range(first, last - 1):
        lines[between] = b""
    if first != last:
        lines[last - 1] = rest


def _comments(text: str) -> Iterator[tuple[_Place, _Place, bytes]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            row, column = token.start
            left = len(token.line[:column].encode())
            yield (row, left), (row, left + len(token.string.encode())), b""


def _needless(tree: ast.Module, lines: list[bytes]) -> Iterator[tuple[_Place, _Place, bytes]]:
    for node, alone in _texts(tree):
        # Something must stay where there is nothing else.
        yield _start(node), _end(node), b"pass" if alone else b""
    for node in (*_lists(tree), *_checking(tree)):
        yield _start(node), _end(node), b""
    for node, names in _imports(tree):
        left = f"from {'.' * node.level}{node.module or ''} import {_listed(names)}" if names else ""
        yield _start(node), _end(node), left.encode()
    for note in _notes(tree):
        if isinstance(note, ast.AnnAssign):
            yield _end(note.target), _end(note.annotation), b""
        elif isinstance(note, ast.arg) and note.annotation is not None:
            yield (note.lineno, note.col_offset + len(note.arg.encode())), _end(note.annotation), b""
        elif isinstance(note, _Function) and note.returns is not None:
            row, column = _start(note.returns)
            yield (row, lines[row - 1].rindex(b")", 0, column) + 1), _end(note.returns), b""


def _texts(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    """Docstrings of whatever, and whether they are all that its body has."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for one in node.body:
                if _is_text(one):
                    yield one, one is node.body[0] and all(map(_is_text, node.body))


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _lists(tree: ast.Module) -> Iterator[ast.Assign]:
    """`__all__ = [...]`, where the module has more than that."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" and len(tree.body) > 1:
            yield node


def _checking(tree: ast.Module) -> Iterator[ast.If]:
    """`if TYPE_CHECKING:`, what is imported for annotations alone."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse:
            yield node


def _imports(tree: ast.Module) -> Iterator[tuple[ast.ImportFrom, list[ast.alias]]]:
    """Those of the module with a name that nothing left needs, and the names that something does.

    What `__all__` lists is there for others.
    """
    public = {name for node in _lists(tree) for name in ast.literal_eval(node.value)}
    needed = public | set(_names(tree, {id(node) for node in (*_checking(tree), *_annotations(tree))}))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names = [name for name in node.names if (name.asname or name.name) in needed]
            if len(names) < len(node.names):
                yield node, names


def _names(node: ast.AST, without: set[int]) -> Iterator[str]:
    if id(node) in without:
        return
    if isinstance(node, ast.Name):
        yield node.id
    for one in ast.iter_child_nodes(node):
        yield from _names(one, without)


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for note in _notes(tree):
        found = note.returns if isinstance(note, _Function) else note.annotation
        if found is not None:
            yield found


def _listed(names: list[ast.alias]) -> str:
    return ", ".join(f"{one.name} as {one.asname}" if one.asname else one.name for one in names)


def _notes(tree: ast.AST, in_class: bool = False) -> Iterator[ast.AnnAssign | ast.arg | _Function]:
    """What has an annotation that nobody needs: arguments, functions with a result, names but those of a class.

    One of several lines stays where it stands in no brackets.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.AnnAssign):
            if node.value is not None and not in_class and _in_a_line(node.target, node.annotation):
                yield node
        elif isinstance(node, ast.arg) or (
            isinstance(node, _Function) and node.returns is not None and _in_a_line(node.returns)
        ):
            yield node
        yield from _notes(node, isinstance(node, ast.ClassDef) or (in_class and isinstance(node, ast.If)))


def _in_a_line(*nodes: ast.expr) -> bool:
    return len({row for node in nodes for row in (node.lineno, node.end_lineno)}) == 1


class _Meant(ast.NodeTransformer):
    """The program without all that."""

    def __init__(self, tree: ast.Module) -> None:
        self._texts = {id(node): alone for node, alone in _texts(tree)}
        self._gone = {id(node) for node in (*_lists(tree), *_checking(tree))}
        self._imports = {id(node): names for node, names in _imports(tree)}
        self._notes = {id(node) for node in _notes(tree)}

    def visit(self, node: ast.AST) -> Any:
        if id(node) in self._texts:
            return ast.Pass() if self._texts[id(node)] else None
        if id(node) in self._gone:
            return None
        if id(node) in self._imports and isinstance(node, ast.ImportFrom):
            names = self._imports[id(node)]
            return ast.ImportFrom(node.module, names, node.level) if names else None
        if id(node) in self._notes:
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                return ast.Assign([node.target], self.visit(node.value))
            if isinstance(node, ast.arg):
                node.annotation = None
            elif isinstance(node, _Function):
                node.returns = None
        return self.generic_visit(node)


def _compacted(text: str) -> str:
    """The same lines with no more blanks than it takes: one for each level before a statement, none within brackets."""
    out: list[str] = []
    row, level, brackets, before = 1, 0, 0, ""
    for kind, token, (top, _), (bottom, _) in _tokens(text):
        level += (kind == tokenize.INDENT) - (kind == tokenize.DEDENT)
        if kind in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
            if kind == tokenize.NEWLINE or not brackets:
                before = ""
            continue
        if top != row:
            # Without brackets a statement goes on behind backslashes alone.
            out.append(("\\\n" if before and not brackets else "\n") * (top - row))
        if not before:
            out.append(" " * level)
        elif top == row and _touch(before, token):
            out.append(" ")
        out.append(token)
        brackets += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        row, before = bottom, token
    return "".join(out) + "\n"


def _tokens(text: str) -> Iterator[tuple[int, str, _Place, _Place]]:
    """With each string as one, also where this Python takes f-strings apart; places count characters."""
    lines, depth, start = text.split("\n"), 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name in _BEGIN:
            depth, start = depth + 1, start if depth else token.start
        if not depth:
            yield token.type, token.string, token.start, token.end
        elif name in _END:
            depth -= 1
            if not depth:
                (top, left), (bottom, right) = start, token.end
                inside = [*lines[top - 1 : bottom - 1], lines[bottom - 1][:right]]
                yield tokenize.STRING, "\n".join(inside)[left:], start, token.end


def _touch(before: str, after: str) -> bool:
    """Whether two tokens would be another one without a blank between them."""
    if after[0] in "\"'":
        return before.lower() in _PREFIXES
    return _is_word(before[-1]) and (_is_word(after[0]) or (after[0] == "." and before[0].isdigit()))


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _start(node: ast.expr | ast.stmt) -> _Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> _Place:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
