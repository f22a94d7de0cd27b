"""Source as routers get it: smaller, and still the same program."""

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


LEFT = '''\


X="# no comment"


class Error(Exception):
 pass


def one():


 return"""a
# b"""


@decorated
def nothing():
 pass


Y=1

raise Error
'''


def test_comments_and_docstrings_go_and_a_statement_keeps_its_line():
    assert stripped(TEXT) == LEFT
    assert len(stripped(TEXT).splitlines()) == len(TEXT.splitlines())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("def f(a: int, *b: str, c: list[int] = [1], **d: Any) -> dict[str, int]:\n    return a\n",
         "def f(a,*b,c=[1],**d):\n return a\n"),
        ("def f(\n    ä: int = 3,  # why\n    b: 'a, b' = 4,\n) -> None:\n    ä: int = b\n    self.x: set[int] = set()\n",
         "def f(\nä=3,\nb=4,\n):\n ä=b\n self.x=set()\n"),
        ("def f() -> tuple[\n    int\n]:\n    x: int\n    if x:\n        y: int = 1\n    else:\n        y: int = 2\n",
         "def f()->tuple[\nint\n]:\n x:int\n if x:\n  y=1\n else:\n  y=2\n"),
        ("@dataclass\nclass A:\n    a: int = 1\n    if T:\n        b: int = 2\n    def f(self, a: int) -> int:\n        c: int = 2\n",
         "@dataclass\nclass A:\n a:int=1\n if T:\n  b:int=2\n def f(self,a):\n  c=2\n"),
        ("__all__ = [\n    'a',\n]\na: int = 1\n", "\n\n\na=1\n"),
        ("__all__ = ['a']\n", "__all__=['a']\n"),
        ("from a import (  # why\n    b,\n    c as d,\n)\nfrom e import f\nd(f)\n",
         "from a import c as d\n\n\n\nfrom e import f\nd(f)\n"),
        ("from a import T, b\n\n__all__ = ['b']\nif TYPE_CHECKING:\n    from c import d\ndef f(x: d) -> T:\n    e: T = x\n",
         "from a import b\n\n\n\n\ndef f(x):\n e=x\n"),
        ("from a import A\nclass B(NamedTuple):\n    a: A\n", "from a import A\nclass B(NamedTuple):\n a:A\n"),
        ("if a:\n    b = '''\n    c\n        '''; d = (\n        e)\n    f = 1\n",
         "if a:\n b='''\n    c\n        ''';d=(\ne)\n f=1\n"),
        ("if a:\n        b = 1\n        if c:\n            d = 2\n", "if a:\n b=1\n if c:\n  d=2\n"),
        ("a = b \\\n    + 1\nif not x in (y ,): c = 1 .real, 'd' in 'de'\n", "a=b\\\n+1\nif not x in(y,):c=1 .real,'d'in'de'\n"),
        ("f = rb if '' else f'{a = } {b + 1:>{c}} {{' 'e'\n", "f=rb if''else f'{a = } {b + 1:>{c}} {{''e'\n"),
    ],
)  # fmt: skip
def test_annotations_and_blanks_that_nobody_needs_go(text, left):
    assert stripped(text) == left


def test_what_would_not_be_the_same_program_is_refused():
    """Brackets around an annotation are no part of it; nobody writes so, and if somebody does he hears of it."""
    with pytest.raises(SyntaxError):
        stripped("def f(a: (int)): ...\n")


def test_a_first_line_for_the_kernel_stays():
    assert stripped("#!/usr/bin/python3\nx = 1  # one\n") == "#!/usr/bin/python3\nx=1\n"


def test_what_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        stripped("def f(:\n")
