"""A console for real: the process, a line that the test spoils, and a control socket with known answers."""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import threading
import time

from router.control.server import ControlServer
from router.scram import verifier_of
from tests.console.relay import Relay

PASSWORD = "correct horse"
VERIFIER = verifier_of(PASSWORD.encode(), b"0123456789abcdef", 4096)
PATIENCE = 20.0


class Rig:
    def __init__(self, folder, methods, daemon=True, options="", socket=None, path="", **line):
        self.folder = folder
        self.socket = socket or str(folder / "roamd.sock")
        self.relay = Relay(folder, **line)
        self._loop, self._thread, self._server = asyncio.new_event_loop(), None, None
        config = folder / "config"
        config.write_text(
            f"config roamd\n\toption control '{self.socket}'\n"
            f"config console\n\toption tty '{self.relay.router}'\n\toption password '{VERIFIER}'\n{options}"
        )
        if daemon:
            self._serve(methods)
        self.log = folder / "log"
        self._config, self._path = config, path
        self._start()
        self.fd = os.open(self.relay.laptop, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.seen = ""

    def _start(self):
        config, path = self._config, self._path
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "router.cli",
                    "--config",
                    config,
                    "console",
                    "--tty",
                    self.relay.router,
                ],
                stderr=log,
                env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"},
            )

    def restart(self):
        self.process.terminate()
        self.process.wait()
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        os.close(self.fd)
        self.relay.close()
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _serve(self, methods):
        self._server = ControlServer(self.socket, methods)
        self._loop.run_until_complete(self._server.start())
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def type(self, text):
        os.write(self.fd, text.encode("latin-1"))

    def expect(self, text, patience=PATIENCE):
        """Read until it is seen; what was seen up to its end, which is then forgotten."""
        until = time.monotonic() + patience
        while text not in self.seen:
            left = until - time.monotonic()
            assert left > 0, f"no {text!r} in {self.seen!r}; log: {self.log.read_text()}"
            if select.select([self.fd], [], [], left)[0]:
                with contextlib.suppress(BlockingIOError):
                    self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def logged(self, text):
        """Wait until the console has logged it."""
        until = time.monotonic() + PATIENCE
        while text not in self.log.read_text():
            assert time.monotonic() < until, self.log.read_text()
            select.select([], [], [], 0.02)

    def log_in(self):
        self.type("\r")
        self.expect("password: ")
        self.type(PASSWORD + "\r")
        self.expect("exit ends.")
        self.expect("> ")

    def start_roamctl(self, *words, password=PASSWORD, cwd=None, url=None):
        return subprocess.Popen(
            [sys.executable, "-m", "router.control.cli", "--serial", url or self.relay.laptop, *words],
            env={**os.environ, "ROAMCTL_PASSWORD": password, "PYTHONPATH": os.getcwd()},
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def roamctl(self, *words, **more):
        """Exit status, and what it wrote to both."""
        process = self.start_roamctl(*words, **more)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)
