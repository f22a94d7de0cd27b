"""Python source as a router gets it: without comments and docstrings, each statement in its old line.

So a traceback from a router fits the checkout, at two thirds of the size.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

__all__ = ["stripped"]


def stripped(text: str) -> str:
    """The same program; raises SyntaxError."""
    tree = ast.parse(text)
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node, alone in _texts(tree):
        # Something must stay where there is nothing else.
        lines[node.lineno - 1] = " " * node.col_offset + "pass" if alone else ""
        lines[node.lineno : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno)
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


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
