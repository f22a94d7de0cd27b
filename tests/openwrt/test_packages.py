"""Our packages: what they hold, what they are called, and that a router can run them."""

import json
import os
import re
import subprocess
import sys

import pytest

import router
from openwrt.packaging.deflate import quick
from openwrt.packaging.feed import feed
from openwrt.packaging.recipe import RecipeError, read_recipe
from openwrt.packaging.tree import PACKAGES, package, write_tree
from router.config import load
from router.daemon.ubus import _SIGNATURE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICES = ("roamd", "roamd-agent")


def makefile(name):
    with open(os.path.join(ROOT, "openwrt", name, "Makefile")) as file:
        return file.read()


def test_the_same_checkout_gives_the_same_octets(packages):
    again = [package(ROOT, name, one.time) for name, one in packages.items()]
    assert feed([*packages.values()], quick) == feed(again, quick)


def test_packages_do_not_get_in_each_others_way(packages):
    paths = [file.path for one in packages.values() for file in one.files]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_has_the_programs_version(packages, name):
    assert packages[name].version.partition("-r")[0] == router.__version__


@pytest.mark.parametrize("name", PACKAGES)
def test_why_each_dependency_is_needed_is_said(packages, name):
    for depends in packages[name].depends:
        assert f"\n# {depends}: " in makefile(name), depends


@pytest.mark.parametrize("name", SERVICES)
def test_the_configuration_is_secret_and_kept(packages, content, name):
    assert packages[name].conffiles == (f"/etc/config/{name}",)
    assert content(name, f"etc/config/{name}").mode == 0o600
    assert content(name, f"etc/init.d/{name}").mode == 0o755


def test_a_new_configuration_needs_the_four_options_and_nothing_else(content):
    text = content("roamd", "etc/config/roamd").content.decode()
    opened, count = re.subn(r"(?m)^\t# (?=option)", "\t", text)
    assert count == 4
    found = load(opened, "roamd")
    assert found.mobile_node is not None and [uplink.name for uplink in found.uplinks] == ["wan"]


def examples():
    with open(os.path.join(ROOT, "openwrt", "README.md")) as file:
        return re.findall(r"(?ms)^```\n(config .*?)^```$", file.read())


@pytest.mark.parametrize("example", examples())
def test_an_example_in_the_readme_is_good_beside_the_four_options(content, example):
    text = content("roamd", "etc/config/roamd").content.decode()
    assert load(re.sub(r"(?m)^\t# (?=option)", "\t", text) + example, "example")


def test_a_routers_capabilities_and_acls_are_json(content):
    capabilities = json.loads(content("roamd", "etc/capabilities/roamd.json").content)
    assert len({tuple(names) for names in capabilities.values()}) == 1
    assert "CAP_NET_ADMIN" in capabilities["bounding"]
    for name in SERVICES:
        acl = json.loads(content(name, f"usr/share/rpcd/acl.d/{name}.json").content)[name]
        asked = acl["read"]["ubus"][name] + acl["write"]["ubus"][name]
        assert set(asked) <= _SIGNATURE.keys()


def test_a_service_is_never_given_up_and_reloads_by_signal(content):
    for name in SERVICES:
        text = content(name, f"etc/init.d/{name}").content.decode()
        for line in (
            "USE_PROCD=1",
            "procd_set_param respawn 3600 5 0",
            "procd_set_param reload_signal HUP",
            f"procd_set_param env PYTHONUNBUFFERED=1 ROAMD_WATCHDOG={name}/main",
            f"procd_add_reload_trigger {name}",
        ):
            assert line in text, (name, line)


def test_a_makefile_without_what_is_needed_is_refused():
    with pytest.raises(RecipeError, match="no 'define Package/x'"):
        read_recipe("x", "PKG_VERSION:=1\n")
    with pytest.raises(RecipeError, match="x/Makefile: PKG_RELEASE is missing"):
        _ = read_recipe("x", "PKG_VERSION:=1\ndefine Package/x\n  TITLE:=t\nendef\n").version


def run(folder, *words):
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )


@pytest.fixture
def installed(packages, tmp_path):
    """What the mobile node's package installs, below a folder."""
    write_tree(packages["roamd"], tmp_path)
    return tmp_path


def test_the_mobile_nodes_package_checks_a_configuration(installed):
    sample = installed / "usr/share/roamd/roamd.config"
    done = run(installed / "usr/lib/roamd", "-B", "-m", "router.cli", "check", str(sample))
    assert (done.returncode, done.stdout) == (0, f"{sample}: good\n"), done.stderr


def content(package, path):
    return next(file for file in package.files if file.path == path)


def test_what_is_not_installed_is_said_in_a_line(installed, packages):
    home = installed / "usr/lib/roamd"
    done = run(home, "-B", "-m", "router.control.cli", "simulate")
    assert done.returncode == 1 and "comes without the simulator" in done.stderr
    done = run(home, "-B", "-m", "router.control.cli", "modem", "list")
    assert done.returncode == 1 and done.stderr.endswith("install roamd-modem\n")
    done = run(home, "-B", "-m", "router.control.cli", "ping", "lte")
    assert done.returncode == 1 and done.stderr.endswith("install roamd-console\n")
    done = run(home, "-B", "-m", "router.control.cli", "top")
    assert done.returncode == 1 and done.stderr.endswith("install roamd-console\n")
    code = "import sys; from router.config import load; from router.daemon.agents import recorder; "
    code += "print(recorder(load(sys.argv[1], 'one')))"
    sample = content(packages["roamd"], "etc/config/roamd").content.decode()
    opened = re.sub(r"(?m)^\t# (?=option)", "\t", sample)
    done = run(
        home,
        "-B",
        "-c",
        code,
        re.sub("(?m)^config roamd.*", r"\g<0>\n\toption record '/none/record'", opened),
    )
    assert done.stdout == "None\n" and done.stderr.endswith("install roamd-console\n"), done
    done = run(home, "-B", "-m", "router.cli", "console")
    assert done.returncode == 1 and done.stderr.endswith("install roamd-console\n")
    done = run(home, "-B", "-m", "router.control.cli", "--socket", "/none", "show", "summary")
    assert done.returncode == 1 and "no roamd at /none" in done.stderr
    code = "from router.daemon.agents import home_agent_role; home_agent_role(None, None)"
    done = run(home, "-B", "-c", code)
    assert done.stderr.splitlines()[-1].endswith("install roamd-agent")


def test_a_mobile_node_without_the_modems_package_says_so_and_goes_on(content, installed):
    code = """
import sys
from router.config import load
from router.uplink.modems import modems_of
uplinks = load(open(sys.argv[1]).read(), "lte").uplinks
modems = modems_of(uplinks, print, None)
print(modems.info(uplinks[0].name).state, modems.port(uplinks[0].name))
"""
    text = content("roamd", "etc/config/roamd").content.decode()
    config = installed / "lte"
    config.write_text(
        re.sub(r"(?m)^\t# (?=option)", "\t", text)
        .replace("ethernet", "cellular")
        .replace("\toption network 'wan'", "")
    )
    done = run(installed / "usr/lib/roamd", "-B", "-c", code, str(config))
    assert done.stdout == "cannot talk to modems: install roamd-modem None\n", done.stderr
    assert done.stderr.startswith("cellular uplinks: cannot talk to modems: install roamd-modem (")


def test_what_routers_get_behaves_as_the_checkout_does(packages, tmp_path):
    """Tests of deciding, run once more with the modules as they are on a router."""
    for one in packages.values():
        write_tree(one, tmp_path)
    home = tmp_path / "usr/lib/roamd"
    os.symlink(os.path.join(ROOT, "tests"), home / "tests")
    (home / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\n")
    tests = (
        "config/test_uci.py",
        "flow",
        "mip/wire/test_golden.py",
        "mip/test_dialogue.py",
        "modem/test_at.py",
        "ubus/test_blob.py",
    )
    places = [f"tests/{one}" for one in tests]
    done = run(home, "-B", "-m", "pytest", "-q", "-m", "not lab", "-W", "ignore", *places)
    assert done.returncode == 0, done.stdout + done.stderr
    said = run(home, "-B", "-c", "import router.flow.place; print(router.flow.place.__file__)")
    assert said.stdout.startswith(str(home))


def test_byte_code_is_made_for_every_module(installed):
    home = installed / "usr/lib/roamd"
    done = run(home, "-B", "-m", "router.bytecode")
    assert (done.returncode, done.stderr) == (0, "")
    sources = {path.relative_to(home) for path in home.rglob("*.py")}
    made = {
        path.relative_to(home).parent.parent / f"{path.name.split('.')[0]}.py" for path in home.rglob("*.pyc")
    }
    assert made == sources
