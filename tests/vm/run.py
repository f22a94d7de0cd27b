"""The real-kernel lab: the tests marked `vm`, in a virtual machine with a stock Debian kernel."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from types import FrameType

from tests.vm import kernel
from tests.vm.kernel import Unavailable
from tests.vm.machine import ROOT, Broken, Machine

__all__ = ["booted", "main"]

_CACHE = os.path.join(ROOT, ".cache")
_TESTS = "tests/vm"
_FILES = "/tmp/roamd-vm"
"""Where the tests write, inside."""
_REMEMBERING = ("-o", "cache_dir=/tmp/roamd-vm-cache")
_FAILED = 1
"""pytest's exit status."""


def main(argv: list[str] | None = None) -> int:
    """The exit status: pytest's, or 1 when the lab could not be had or broke down."""
    parser = argparse.ArgumentParser(prog="invoke vm", description=__doc__)
    parser.add_argument("--shell", action="store_true", help="a shell in the machine instead of the tests")
    parser.add_argument("--keep", metavar="DIR", help="put the files that the tests wrote into DIR")
    parser.add_argument("--minutes", type=float, default=40.0, help="time limit (default: 40)")
    parser.add_argument("options", nargs="*", help="for pytest; after --")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        machine = booted()
        if arguments.shell:
            return machine.shell()
        return machine.run(_script(arguments.options), 60 * arguments.minutes, arguments.keep)
    except (Unavailable, Broken) as error:
        _say(str(error))
    except KeyboardInterrupt:
        _say("interrupted")
    return 1


def booted() -> Machine:
    """The machine, with a kernel that is downloaded where there is none yet.  Raises Unavailable."""
    Machine.check()
    folder = os.path.join(_CACHE, "kernel")
    return Machine(kernel.find(folder) or kernel.get(folder, _say), os.path.join(_CACHE, "vm"), _say)


def _script(options: list[str]) -> str:
    """What is run inside."""
    python = shlex.quote(sys.executable)
    paths = [] if any(os.path.exists(word.partition("::")[0]) for word in options) else [_TESTS]
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    words = shlex.join(["-m", "vm", f"--basetemp={_FILES}", *_REMEMBERING, *colour, *paths, *options])
    return f"""\
export CI={shlex.quote(os.environ.get("CI", ""))}
# Daemons are started often here, and shall not compile themselves each time.
{python} -m compileall -q router modem tests/vm tests/plane
{python} -m pytest {words}
status=$?
if [ $status -eq {_FAILED} ]; then
    # An emulated processor stands still now and then, for longer than a protocol waits.
    echo "These tests failed. Once more, they alone:"
    mv {_FILES} {_FILES}-first
    {python} -m pytest {words} --last-failed
    status=$?
    mv {_FILES}-first {_FILES}/first
fi
cp -r {_FILES} "$SHARED/kept" 2>/dev/null
exit $status
"""


def _say(text: str) -> None:
    print(f"vm: {text}", file=sys.stderr, flush=True)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
