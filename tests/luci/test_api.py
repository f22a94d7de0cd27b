"""The views use what LuCI's runtime has, and nothing else; what the daemon tells becomes text."""

import os
import re
import shutil
import subprocess
import tomllib

import pytest

from router.config.schema import SECTIONS
from tests.luci.site import HERE, installed

VIEWS = {
    path.removeprefix("www/luci-static/resources/"): octets.decode()
    for path, octets in installed("luci-app-roamd").items()
    if path.endswith(".js")
}
with open(os.path.join(HERE, "api.toml"), "rb") as file:
    API = tomllib.load(file)
MODULES = ("baseclass", "view", "poll", "rpc", "uci", "form")
CODE = {path: text for path, text in VIEWS.items() if not path.endswith("/options.js")}


def bare(text):
    """Without comments and texts."""
    return re.sub(r"/\*.*?\*/|'(?:[^'\\\n]|\\.)*'|`[^`]*`", "''", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", VIEWS)
def test_only_modules_there_are_are_required(path):
    for name in re.findall(r"^'require ([\w.]+)", VIEWS[path], re.MULTILINE):
        assert name in MODULES or f"{name.replace('.', '/')}.js" in VIEWS
    assert VIEWS[path].startswith("'use strict';\n'require ")


@pytest.mark.parametrize("path", CODE)
def test_only_what_is_documented_is_used_of_them(path):
    for module, name in re.findall(rf"\b({'|'.join(MODULES)})\.(\w+)", bare(CODE[path])):
        assert name in API[module], f"{module}.{name}"
    assert set(re.findall(r"\bL\.(\w+)", bare(CODE[path]))) <= {"resource"}
    for options in re.findall(r"rpc\.declare\(\{(.*?)\}\)", CODE[path], re.DOTALL):
        assert set(re.findall(r"(\w+):", options)) <= API["rpc_options"].keys()
    assert set(re.findall(r"%(.)", "".join(re.findall(r"'[^'\n]*%[^'\n]*'", CODE[path])))) <= set("sdh%")


def test_forms_are_told_only_what_they_know():
    used = re.findall(r"\b(map|section|field)\.(\w+)", bare(VIEWS["roamd/settings.js"]))
    assert {kind for kind, _ in used} == {"map", "section", "field"}
    for kind, name in used:
        assert name in API[kind], f"{kind}.{name}"


def test_the_schemas_datatypes_are_lucis():
    for spec in SECTIONS.values():
        for option in spec.options:
            words = re.findall(r"[a-z]\w*", re.sub(r'"[^"]*"', "", option.read.datatype))
            assert {*words} <= API["datatypes"].keys(), (spec.type, option.name)


@pytest.mark.parametrize("path", CODE)
def test_nothing_is_made_of_html(path):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", CODE[path])


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_module_is_javascript(path):
    subprocess.run(["node", "--check", "-"], input=f"(function(){{{VIEWS[path]}}})", text=True, check=True)
