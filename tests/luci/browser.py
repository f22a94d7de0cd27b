"""Chromium without a screen, led by its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from typing import Any

PROGRAM = "chromium"
_PATIENCE = 30.0
_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--proxy-server=direct://", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class BrowserError(Exception):
    """What the browser, or a page's script, had to complain of."""


class Browser:
    """One browser with one page.  `close()` ends it and takes its folder away."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="roamd-chromium-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Behind 3 and 4, the numbers that the browser wants.
        high = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (theirs_in, theirs_out)]

        def ready() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        with open(os.path.join(self._folder, "log"), "wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *_ARGUMENTS, f"--user-data-dir={self._folder}/profile", "about:blank"],
                preexec_fn=ready, close_fds=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        for one in (theirs_in, theirs_out, *high):
            os.close(one)
        self._buffer, self._number, self._session = b"", 0, None
        self.problems: list[str] = []
        """Exceptions and errors of the page's console."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")

    def close(self) -> None:
        self._session = None
        try:
            self.command("Browser.close")
            self._process.wait(_PATIENCE)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._folder)

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Raises BrowserError."""
        self._number += 1
        wanted = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            wanted["sessionId"] = self._session
        os.write(self._out, json.dumps(wanted).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._number:
                if "error" in told:
                    raise BrowserError(f"{method}: {told['error']['message']}")
                return dict(told["result"])
            self._note(told)

    def open(self, url: str) -> None:
        """Go there, and wait until the view stands, with its style."""
        self.problems.clear()
        self.command("Page.navigate", url=url)
        self.wait(f"location.href == {json.dumps(url)} && document.body?.dataset.ready == 'yes'")
        self.wait("[...document.querySelectorAll('link[rel=stylesheet]')].every(link => link.sheet)")

    def leave(self) -> None:
        """Ask nothing more of a site that is about to close."""
        self.command("Page.navigate", url="about:blank")
        self.wait("location.href == 'about:blank'")

    def size(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 700,
        )

    def evaluate(self, script: str) -> Any:
        """The value of an expression, awaited."""
        told = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            details = told["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return told["result"].get("value")

    def wait(self, script: str) -> Any:
        """Until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not (found := self.evaluate(script)):
            if time.monotonic() > end:
                raise BrowserError(
                    f"waited in vain for {script}; the page: {self.text()[:2000]}; {self.problems}"
                )
            select.select([], [], [], 0.05)
        return found

    def text(self, selector: str = "body") -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def key(self, name: str) -> None:
        """Press a key, such as `Tab`."""
        for kind in ("keyDown", "keyUp"):
            codes = {"Tab": 9, "Enter": 13, " ": 32}
            text = {"Enter": "\r", " ": " "}.get(name, "") if kind == "keyDown" else ""
            self.command(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=name,
                windowsVirtualKeyCode=codes[name],
                text=text,
            )

    def screenshot(self, filename: str) -> None:
        """The whole page."""
        told = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        with open(filename, "wb") as file:
            file.write(base64.b64decode(told["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], _PATIENCE)
            octets = os.read(self._in, 1 << 20) if readable else b""
            if not octets:
                with open(os.path.join(self._folder, "log"), errors="replace") as log:
                    raise BrowserError(f"the browser is silent: {log.read()[-2000:]}")
            self._buffer += octets
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        if told.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif told.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
