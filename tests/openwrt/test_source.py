"""Source as routers get it: smaller, and still the same program."""

import ast

import pytest

from openwrt.packaging.source import stripped

TEXT = '''\
"""What this is."""

X = "# no comment"  # a comment


class Error(Exception):
    """Nothing else."""


def one():
    """Two
    lines."""
    return """a
# b"""  # c


@decorated
def nothing(): 
    """Is all it has."""


Y = 1
"""What Y is."""
raise Error
'''


def without_texts(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            body = [
                one
                for one in node.body
                if not isinstance(one, ast.Expr) or not isinstance(one.value, ast.Constant)
            ]
            node.body = body or [ast.Pass()]
    return ast.unparse(tree)


def test_only_comments_and_docstrings_go():
    assert without_texts(ast.parse(TEXT)) == ast.unparse(ast.parse(stripped(TEXT)))
    assert 'comment"' in stripped(TEXT) and "a comment" not in stripped(TEXT) and "What" not in stripped(TEXT)


def test_a_statement_keeps_its_line():
    places = [one.lineno for one in ast.parse(TEXT).body if not isinstance(one, ast.Expr)]
    assert [one.lineno for one in ast.parse(stripped(TEXT)).body] == places


def test_a_first_line_for_the_kernel_stays():
    assert stripped("#!/usr/bin/python3\nx = 1  # one\n") == "#!/usr/bin/python3\nx = 1\n"


def test_what_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        stripped("def f(:\n")
