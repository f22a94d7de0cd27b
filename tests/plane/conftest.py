"""The laboratory of the plane tests: namespaces, veth pairs, and a `Plane` in a child process of each."""

import itertools
import json
import os
import subprocess
import sys

import pytest

import router

_NUMBER = itertools.count(1)
_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plane_child.py")
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(router.__file__)))
# Of IPv4: the kernel's own IPv6 addresses come a while after their device.
_VIEWS = (
    ("ip", "-j", "link", "show"),
    ("ip", "-4", "-j", "address", "show"),
    ("ip", "-4", "-j", "route", "show", "table", "all"),
    ("ip", "-j", "rule"),
    ("nft", "list", "ruleset"),
)


class Refused(Exception):
    """The child's expression raised; the text names what."""


class Namespace:
    """A network namespace with, once asked for, a child process that holds a `Plane`."""

    def __init__(self, letter):
        self.name = f"rtpl-{os.getpid()}-{next(_NUMBER)}{letter}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self._child = None
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def command(self, *words, check=True, **options):
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *words], capture_output=True, text=True, **options
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def ip(self, *words):
        return self.command("ip", *words)

    def ip_json(self, *words):
        return json.loads(self.ip("-j", *words) or "[]")

    def sysctl(self, name):
        return self.command("cat", f"/proc/sys/{name}").strip()

    def snapshot(self):
        """All that a plane may change, as text."""
        return {" ".join(view): self.command(*view) for view in _VIEWS}

    def popen(self, *words, **options):
        environment = {**os.environ, "PYTHONPATH": _ROOT}
        python = ["ip", "netns", "exec", self.name, sys.executable, _CHILD, *words]
        return subprocess.Popen(python, stdout=subprocess.PIPE, text=True, env=environment, **options)

    def tool(self, expression):
        """Run one of the child's tools in a process of its own; `result()` waits for it."""
        return Tool(self.popen(expression))

    def run(self, expression):
        """Evaluate in the child that holds the plane; raises Refused."""
        if self._child is None:
            self._child = self.popen(stdin=subprocess.PIPE)
        self._child.stdin.write(expression.replace("\n", " ") + "\n")
        self._child.stdin.flush()
        answer = json.loads(self._child.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def apply(self, state):
        self.run(f"await plane.apply({state!r})")

    def kill(self):
        """End the child as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child.stdin.close()
            self._child.stdout.close()
            self._child = None


class Tool:
    def __init__(self, process):
        self._process = process

    def wait_ready(self):
        assert self._process.stdout.readline().strip() == "ready"

    def result(self):
        output, _ = self._process.communicate(timeout=60)
        return json.loads(output.splitlines()[-1])


@pytest.fixture
def lone():
    """One namespace."""
    with Namespace("a") as namespace:
        yield namespace


@pytest.fixture
def pair():
    """A mobile router and a home agent with two networks between them.

    Mobile: 198.51.100.2 on up0, 203.0.113.2 on up1; home agent: .1 on both.
    """
    with Namespace("m") as mobile, Namespace("h") as home:
        for number, network in enumerate(("198.51.100", "203.0.113")):
            mobile.ip("link", "add", f"up{number}", "type", "veth", "peer", f"ha{number}", "netns", home.name)
            for side, device, host in ((mobile, f"up{number}", 2), (home, f"ha{number}", 1)):
                side.ip("address", "add", f"{network}.{host}/24", "dev", device)
                side.ip("link", "set", device, "up")
        yield mobile, home
