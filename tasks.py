"""Every chore of the project: `invoke --list`."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shlex
import sys
import tempfile

from invoke import Context, task
from invoke.exceptions import Exit

_COMPAT = ".compat"
_DECIDING = "tests/config tests/mip tests/modem tests/flow tests/path tests/openwrt/test_source.py"
_STUBS = ".stubs"
_OLDEST_PYROUTE2 = "0.7.9"
_ENV = {"PYTHONDONTWRITEBYTECODE": "1"}
# Daemons are started often in tests, and shall not compile themselves each time; nor shall root's files be in a checkout.
_BYTE_CODE = os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".cache", "roamd", "pycache")
_TEST_ENV = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _BYTE_CODE}
_PARALLEL = f"-n {(os.cpu_count() or 1) + 1} --dist loadfile"
"""One more than there are processors, since tests also wait."""
_PURE, _LABS = "not lab and not vm", "lab and not alone"
_ALONE = "lab and alone"
_FAILED, _NOTHING_FOUND = 1, 5
"""pytest's exit status."""
_BENCHMARKS = {
    "console": "what the console costs on slow lines, and whether noise makes wrong answers",
    "footprint": "what roamd takes of a router: package sizes, memory, time to start, idle processor",
    "flows": "what flows get out of three thin links, ours and what others would use",
    "mip": "how many registrations a home agent takes, and what a binding costs",
    "modem": "what the modem layer understands, endures and costs",
    "plane": "what tunnels carry, in a stock kernel and in user space, and what a fail-over costs",
}

_IN_VM = ("plane",)


def _python(c: Context, arguments: str, **environment: str) -> None:
    done = c.run(
        f"{sys.executable} {arguments}", env={**_ENV, **environment}, warn=True, pty=sys.stdout.isatty()
    )
    if done is None or done.exited:
        raise Exit(code=done.exited if done is not None else 1)


@task(
    help={
        "lab": "only the tests that need root and namespaces",
        "pure": "only the tests that need neither",
        "options": "more for pytest, as one word",
    }
)
def test(c, lab=False, pure=False, options=""):
    """Run the tests, several at once (`--options "-n 0"`: one by one); those that need root are skipped where there is none.

    First the pure ones, then the labs, then the labs that stand no company.  A lab that failed beside others is tried
    again without them, and says so: what it measures may have been its neighbours.
    """
    found = [] if lab else [_pytest(c, f"-m {shlex.quote(_PURE)} {_PARALLEL} {options}")]
    if not pure:
        found += [_labs(c, options), _pytest(c, f"-m {shlex.quote(_ALONE)} {options} -n 0")]
    if failed := [code for code in found if code not in (0, _NOTHING_FOUND)]:
        raise Exit(code=failed[0])
    if 0 not in found:
        raise Exit("no test was found", code=_NOTHING_FOUND)


def _labs(c: Context, options: str) -> int:
    with tempfile.TemporaryDirectory(prefix="roamd-test-") as folder:
        words = f"-m {shlex.quote(_LABS)} {_PARALLEL} {options} -o cache_dir={folder}"
        found = _pytest(c, words)
        if found == _FAILED:
            print("\nThese labs failed beside others. Once more, one by one:", flush=True)
            found = _pytest(c, f"{words} -n 0 --last-failed")
    return found


def _pytest(c: Context, words: str, python: str = sys.executable) -> int:
    """pytest's exit status."""
    # Nothing owned by root shall be in a user's checkout.
    cache = "" if "cache_dir" in words else "-p no:cacheprovider "
    done = c.run(f"{python} -m pytest {cache}{words}", env=_TEST_ENV, warn=True, pty=sys.stdout.isatty())
    return 1 if done is None else done.exited


@task
def lint(c):
    """ruff, mypy, the import contracts, and shellcheck where it is installed."""
    _python(c, "-m ruff check .")
    _python(c, "-m ruff format --check .")
    _python(c, "-m mypy")
    c.run(f"{os.path.dirname(sys.executable)}/lint-imports", env=_ENV)
    if c.run("command -v shellcheck", hide=True, warn=True).ok:
        c.run("shellcheck .ci/dev .ci/run tests/vm/guest.sh")
        # Busybox's ash is dash with a little more.
        c.run("shellcheck -s dash openwrt/*/files/etc/init.d/* openwrt/*/files/etc/uci-defaults/*")


@task(
    name="format",
)
def format_(c):
    """Format the code, and mend what ruff can mend."""
    _python(c, "-m ruff check --fix .")
    _python(c, "-m ruff format .")


@task(
    help={
        "json": "write figures and checks to this file",
        "keep": "leave the lab up",
        "pcap": "write captures of both access links to this folder",
        "wifi_mbps": "rate of the Wi-Fi link",
        "cell_mbps": "rate of the cellular link",
    }
)
def demo(c, json="", keep=False, pcap="", wifi_mbps="20", cell_mbps="5"):
    """Drive a mobile router through a small internet on this machine (root)."""
    words = ["-m", "router.cli", "demo", "--wifi-mbps", wifi_mbps, "--cell-mbps", cell_mbps]
    words += ["--json", json] if json else []
    words += ["--pcap", pcap] if pcap else []
    words += ["--keep"] if keep else []
    _python(c, shlex.join(words))


@task(
    positional=["name"],
    help={
        "name": "which one: " + ", ".join(_BENCHMARKS),
        "json": "write the figures to this file",
        "options": "more for it, as one word",
    },
)
def bench(c, name, json="", options=""):
    """Measure.  What there is to measure: `invoke bench list`."""
    if name == "list":
        print("".join(f"{name:<8}{what}\n" for name, what in _BENCHMARKS.items()), end="")
        return
    if name not in _BENCHMARKS:
        raise Exit(f"no benchmark {name!r}; there are: {', '.join(_BENCHMARKS)}", code=2)
    if name in _IN_VM:
        _need_vm(c)
    words = [f"tests/bench/{name}.py", *(["--json", json] if json else []), *shlex.split(options)]
    _python(c, shlex.join(words))


@task(help={"json": "write the coverage to this file", "missing": "list what is not covered"})
def conformance(c, json="", missing=False):
    """How many of the RFCs' requirements have a test, RFC by RFC."""
    words = [
        "tests/conformance/tables.py",
        *(["--json", json] if json else []),
        *(["--missing"] if missing else []),
    ]
    _python(c, shlex.join(words))


@task(help={"seconds": "how long", "runs": "instead: how many inputs"})
def fuzz(c, seconds=60, runs=0):
    """Feed the decoders what a coverage-guided fuzzer (atheris) makes of the golden packets."""
    if importlib.util.find_spec("atheris") is None:
        c.run(f"{sys.executable} -m pip install -q --disable-pip-version-check '.[fuzz]'")
    words = ["-m", "tests.fuzz.fuzz_wire", *(["--runs", str(runs)] if runs else ["--seconds", str(seconds)])]
    _python(c, shlex.join(words))


def _need_vm(c: Context) -> None:
    if importlib.util.find_spec("virtme_ng") is None:
        c.run(f"{sys.executable} -m pip install -q --disable-pip-version-check -e '.[vm]'")


@task(
    help={
        "options": "more for pytest, as one word",
        "shell": "a shell in the machine instead of the tests",
        "keep": "put the files that the tests wrote (logs, captures) into this folder",
        "minutes": "time limit",
    }
)
def vm(c, options="", shell=False, keep="", minutes=40):
    """Run the tests marked `vm` in a virtual machine with a stock Debian kernel: the real-kernel lab."""
    _need_vm(c)
    words = ["-m", "tests.vm.run", "--minutes", str(minutes)]
    words += ["--shell"] if shell else []
    words += ["--keep", keep] if keep else []
    _python(c, shlex.join([*words, "--", *shlex.split(options)]))


@task(
    help={
        "folder": "where to put the files",
        "json": "write the sizes to this file",
        "key": "sign with the keys in this file (`python -m openwrt.packaging keys FILE` makes them)",
    }
)
def package(c, folder="dist/openwrt", json="", key=""):
    """Build the packages for OpenWrt, .ipk and .apk, and a feed's indexes of them; print their sizes."""
    words = ["-m", "openwrt.packaging", "build", folder, *(["--json", json] if json else [])]
    words += ["--key", key] if key else []
    _python(c, shlex.join(words))


@task
def compat(c):
    """Run the tests of deciding with every newer Python there is, and those that touch netlink with the oldest pyroute2.

    Each in an environment of its own.  Of the daemon's those that use all of it once: the others reach netlink by the
    same calls.
    """
    newer = _newer_pythons(c)
    if not newer:
        print("no newer Python is installed: the tests of deciding ran with this one")
    for minor, name in newer.items():
        print(f"Python 3.{minor}:", flush=True)
        folder = f"{_COMPAT}-3.{minor}"
        python = _environment(c, name, folder, "pyroute2 pyserial pytest pytest-xdist hypothesis scapy")
        # MicroPython is the same whoever calls it.
        words = f"-q -m {shlex.quote(_PURE)} {_PARALLEL} --ignore-glob='*micropython*' {_DECIDING}"
        if code := _pytest(c, words, python):
            raise Exit(code=code)
    python = _environment(
        c, sys.executable, _COMPAT, f"pyroute2=={_OLDEST_PYROUTE2} pyserial pytest pytest-xdist hypothesis"
    )
    whole = " ".join(f"tests/daemon/test_{name}_lab.py" for name in ("daemon", "links", "flows"))
    if code := _pytest(c, f"-m 'not vm' {_PARALLEL} tests/plane tests/uplink {whole}", python):
        raise Exit(code=code)


def _newer_pythons(c: Context) -> dict[int, str]:
    """By minor version; also those that pyenv keeps out of the way."""
    found: dict[int, str] = {}
    kept = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions")
    for minor in range(sys.version_info.minor + 1, 20):
        for name in (f"python3.{minor}", *sorted(glob.glob(f"{kept}/3.{minor}.*/bin/python3"))):
            if c.run(f"{shlex.quote(name)} -c 'import ensurepip, venv'", hide=True, warn=True).ok:
                found[minor] = name
                break
    return found


def _environment(c: Context, python: str, folder: str, packages: str) -> str:
    """The Python of a virtual environment, made once from these packages."""
    found, stamp = f"{folder}/bin/python", f"{folder}/roamd-stamp"
    if c.run(f"cat {stamp}", hide=True, warn=True).stdout != packages:
        c.run(f"{shlex.quote(python)} -m venv {folder}")
        c.run(f"{found} -m pip install -q --disable-pip-version-check {packages}")
        with open(stamp, "w") as file:
            file.write(packages)
    return found


@task
def stubs(c):
    """Put MicroPython's type stubs into a folder of their own: installed, they would shadow CPython's."""
    c.run(f"{sys.executable} -m pip install -q --upgrade --target {_STUBS} micropython-unix-stubs")
    print(f"MicroPython stubs are in {_STUBS}/")


@task
def clean(c):
    """Remove what the tasks made."""
    c.run(
        f"rm -rf {_COMPAT} {_COMPAT}-3.* {_STUBS} .cache build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache"
    )
    c.run("find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +")
