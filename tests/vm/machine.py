"""A virtual machine with a stock kernel and a copy-on-write view of this machine's files."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from tests.vm.kernel import Kernel, Unavailable

__all__ = ["ROOT", "Broken", "Machine"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_GUEST = os.path.join(ROOT, "tests", "vm", "guest.sh")
_QEMU = "qemu-system-x86_64"
_CPUS, _MEMORY = "2", "3G"
_POWER_OFF = 30.0
_POLL = 0.2
_SIGNALLED = 128
"""A shell's status of what a signal ended is more; so end processes inside whose kernel has failed."""


class Broken(Exception):
    """The machine ended without a result, or did not end; the text has what its console said last."""


class Machine:
    """Boots `kernel`, once for each run; what a run does to files and network is gone with it.

    `folder` (made if missing) takes the console's log and, while a run lasts, what it shares.
    """

    def __init__(self, kernel: Kernel, folder: str, say: Callable[[str], None]) -> None:
        self._kernel = kernel
        self._folder = folder
        self._say = say
        self._console = os.path.join(folder, "console.log")

    @staticmethod
    def check() -> None:
        """Raises Unavailable when this machine cannot boot another."""
        if os.uname().machine != "x86_64":
            raise Unavailable(f"the kernel is Debian's for x86_64, and this machine is {os.uname().machine}")
        if shutil.which(_QEMU) is None:
            raise Unavailable(f"needs {_QEMU}: sh .ci/dev vm, or: sudo apt-get install qemu-system-x86")

    def run(self, script: str, seconds: float, keep: str | None = None) -> int:
        """Run a shell script in the checkout and show its output as it comes; its exit status.

        The script knows the shared folder as `$SHARED`; what it puts into `$SHARED/kept` is moved to
        the folder `keep`.  Raises Broken when it did not come to its end within `seconds`.
        """
        with self._shared() as shared:
            _write(os.path.join(shared, "command"), script)
            output = os.path.join(shared, "output")
            _write(output, "")
            where = os.path.relpath(self._console)
            self._say(f"booting Linux {self._kernel.release}; what its console says is in {where} ...")
            deadline = time.monotonic() + seconds
            with self._started(shared) as process, open(output, "rb") as file:
                self._follow(process, file, shared, deadline)
            status = _status(shared)
            if status is None:
                late = time.monotonic() >= deadline
                what = f"not done after {seconds / 60:g} minutes" if late else "ended without a result"
                raise Broken(f"the machine {what}; its console, at last:\n{self._tail()}")
            if status > _SIGNALLED:
                self._say(f"ended by signal {status - _SIGNALLED}; the console, at last:\n{self._tail(60)}")
            if keep is not None and os.path.isdir(os.path.join(shared, "kept")):
                shutil.rmtree(keep, ignore_errors=True)
                shutil.move(os.path.join(shared, "kept"), keep)
            return status

    def shell(self) -> int:
        """An interactive shell, until it is left."""
        with self._shared() as shared:
            self._say(f"booting Linux {self._kernel.release}; `exit` ends it ...")
            command = self._command(shared, "--shell", _entry(shared, "shell"))
            return subprocess.run(command, cwd=ROOT, env=_environment(shared)).returncode

    @contextlib.contextmanager
    def _shared(self) -> Iterator[str]:
        os.makedirs(self._folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="run-", dir=self._folder) as shared:
            yield shared

    @contextlib.contextmanager
    def _started(self, shared: str) -> Iterator[subprocess.Popen[bytes]]:
        """The booting machine, with its console in the log; it is gone afterwards, whatever happens."""
        process = subprocess.Popen(
            self._command(shared, "--exec", _entry(shared)),
            cwd=ROOT,
            env=_environment(shared),
            stdin=subprocess.DEVNULL,
            # A pipe: of a file, qemu would open and empty it several times over.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        log = threading.Thread(target=_copy, args=(process.stdout, self._console))
        log.start()
        try:
            yield process
        finally:
            # The whole family: virtme-ng does not take qemu along.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            log.join()
            process.stdout.close()

    def _follow(self, process: subprocess.Popen[bytes], file: BinaryIO, shared: str, deadline: float) -> None:
        """Show `file` as it grows until the machine is off, or hangs at switching off, or it is too late."""
        start, silent = time.monotonic(), True
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            data = file.read()
            if data and silent:
                silent = False
                self._say(f"up after {time.monotonic() - start:.0f} s")
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            if ended and not data:
                return
            if not data and _status(shared) is not None:
                deadline = min(deadline, time.monotonic() + _POWER_OFF)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL)

    def _command(self, shared: str, *how: str) -> list[str]:
        virtme = os.path.join(os.path.dirname(sys.executable), "vng")
        # All emulated, though ten times slower: a /dev/kvm inside another virtual machine may be there
        # and break off.  An emulated processor is a third faster without what newer ones can do, and
        # a kernel on it pays dearly for its mitigations.
        emulated = ["--disable-kvm", "--append", "mitigations=off", "--qemu-opts=-cpu Nehalem"]
        host = "local,id=roamd,path=/,security_model=none,readonly=on,multidevs=remap"
        return [
            virtme, "--run", self._kernel.image, *emulated, "--cpus", _CPUS, "--memory", _MEMORY,
            "--user", "root", "--force-9p", "--verbose", "--rwdir", shared,
            f"--qemu-opts=-fsdev {host} -device virtio-9p-pci,fsdev=roamd,mount_tag=roamd", *how,
        ]  # fmt: skip

    def _tail(self, lines: int = 25) -> str:
        with open(self._console, errors="replace") as file:
            return "".join(file.readlines()[-lines:])


def _entry(shared: str, *words: str) -> str:
    """The first program inside, as one word: for a shell virtme-ng takes no arguments."""
    path = os.path.join(shared, "enter")
    _write(path, f"#!/bin/sh\nexec {shlex.join(['sh', _GUEST, shared, *words])}\n")
    os.chmod(path, 0o755)
    return path


def _environment(shared: str) -> dict[str, str]:
    # virtme-ng finds its other programs by the path.  Killed it leaves temporary files: they go with the folder.
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path, "TMPDIR": shared}


def _status(shared: str) -> int | None:
    try:
        with open(os.path.join(shared, "status")) as file:
            return int(file.read())
    except FileNotFoundError:
        return None


def _copy(source: BinaryIO, path: str) -> None:
    with open(path, "wb") as log:
        for line in source:
            log.write(line)
            log.flush()


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
