"""The modem core under a real MicroPython: compiled, its tests run, its types checked against MicroPython's."""

import ast
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from glob import glob

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.dirname(sys.executable)
STUBS = os.path.join(ROOT, ".stubs")
TESTS = [
    "test_at",
    "test_replies",
    "test_text",
    "test_signal",
    "test_network",
    "test_families",
    "test_belief",
]
PORTABLE = ("__init__", "folders", "owner", "probe", "roles", "sysfs")
"""Those of the ports that both Pythons run."""
CORE = sorted(
    path
    for path in glob(os.path.join(ROOT, "modem", "**", "*.py"), recursive=True)
    if os.path.basename(os.path.dirname(path)) != "ports" or os.path.basename(path)[:-3] in PORTABLE
)


def tool(name):
    """The program beside this Python; without it the test is skipped, and fails where everything must be there."""
    path = shutil.which(name, path=BIN)
    if path is None:
        message = f"no {name} beside {sys.executable}: pip install '.[dev]'"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


def run(*words, **environment):
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, **environment}, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_of_the_core_pass():
    output = run(tool("micropython"), os.path.join(HERE, "micro", "run.py"), ROOT, *TESTS)
    assert "0 failed" in output


@pytest.mark.parametrize("path", CORE, ids=lambda path: os.path.relpath(path, ROOT))
def test_it_compiles(path, tmp_path):
    run(tool("mpy-cross"), "-o", str(tmp_path / "out.mpy"), path)


def test_every_module_of_the_core_is_imported():
    names = [os.path.relpath(path, ROOT)[:-3].replace(os.sep, ".") for path in CORE]
    names = [name.removesuffix(".__init__") for name in names]
    program = f"import sys; sys.path.insert(0, {ROOT!r})\n" + "\n".join(f"import {name}" for name in names)
    run(tool("micropython"), "-c", program)


def test_no_method_is_used_that_micropython_lacks():
    kinds = "str, bytes, bytearray, list, dict, set, tuple, int, float"
    program = f"print([name for kind in ({kinds}) for name in dir(kind)])"
    there = set(ast.literal_eval(run(tool("micropython"), "-c", program)))
    lacking = {
        name for kind in (str, bytes, bytearray, list, dict, set, tuple, int, float) for name in dir(kind)
    } - there
    used = {}
    defined = set()
    for path in CORE:
        with open(path) as file:
            for node in ast.walk(ast.parse(file.read())):
                if isinstance(node, ast.Attribute):
                    used[node.attr] = f"{os.path.relpath(path, ROOT)}:{node.lineno}"
                elif isinstance(node, ast.FunctionDef):
                    defined.add(node.name)
    assert {name: where for name, where in used.items() if name in lacking - defined} == {}


def test_the_core_imports_only_what_micropython_has():
    for path in CORE:
        with open(path) as file:
            for node in ast.walk(ast.parse(file.read())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for name in names:
                    # Under TYPE_CHECKING only, as the import test shows.
                    allowed = ("modem", "json", "os", "re") if "/ports/" in path else ("modem", "json")
                    assert name.split(".")[0] in allowed or name in ("collections.abc", "typing"), (
                        path,
                        name,
                    )


def need_stubs():
    if not os.path.isdir(STUBS):
        if not os.environ.get("CI"):
            pytest.skip("no .stubs: invoke stubs")
        # Whole or not at all: others may look for them meanwhile.
        with tempfile.TemporaryDirectory(dir=ROOT, prefix=".stubs-") as made:
            folder = os.path.join(made, "stubs")
            run(sys.executable, "-m", "pip", "install", "-q", "--target", folder, "micropython-unix-stubs")
            with contextlib.suppress(OSError):
                os.rename(folder, STUBS)
        assert os.path.isdir(STUBS)


def test_its_types_are_micropythons():
    need_stubs()
    run(
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        os.path.join(HERE, "micro", "mypy.ini"),
        "--custom-typeshed-dir",
        STUBS,
        *CORE,
    )
