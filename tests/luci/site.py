"""The pages as a router serves them, for tests and development, on a port of the loopback.

    python -m tests.luci.site --config /tmp/roamd-demo-X/mr.conf --socket /tmp/roamd-demo-X/mr.sock

serves the pages of a daemon, such as that of a lab left up by `invoke demo --keep`.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import html
import http.server
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from openwrt.packaging.tree import package
from router.control.client import ControlError, request
from tests.luci.rpcd import PARSE, Gone, Rpcd, _error
from tests.luci.uci_store import UciStore

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GROUPS = ("roamd", "roamd-agent")
USERS = {"root": ("secret", GROUPS, GROUPS), "guest": ("guest", GROUPS, ())}
_TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}


@functools.cache
def _package(name: str) -> dict[str, bytes]:
    return {file.path: file.content for file in package(ROOT, name, 0).files}


def installed(*names: str) -> dict[str, bytes]:
    """What packages put on a router, by path."""
    return {path: octets for name in names for path, octets in _package(name).items()}


def daemon(path: str) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """What a daemon answers by its control socket."""

    def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(request(path, method, params))
        except ControlError as error:
            if "no roamd at" in str(error):
                raise Gone from None
            raise ValueError(str(error)) from None

    return ask


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # A browser asks for all modules of a page at once.
    request_queue_size = 64


class Site:
    """Serves from `start()` to `close()`; `files` are the configurations, `sockets` the daemons' control sockets."""

    def __init__(
        self,
        files: dict[str, str],
        sockets: dict[str, str],
        changed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = installed("luci-app-roamd", "roamd", "roamd-agent")
        acls = [
            json.loads(text) for path, text in self._files.items() if path.startswith("usr/share/rpcd/acl.d/")
        ]
        self.menu = json.loads(self._files["usr/share/luci/menu.d/luci-app-roamd.json"])
        daemons = {name: daemon(path) for name, path in sockets.items()}
        self.rpcd = Rpcd(USERS, acls, UciStore(files, changed, clock), daemons)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, path: str, user: str = "root", *, dark: bool = False) -> str:
        """Address of a page of the menu, for somebody who has logged in."""
        session = self.rpcd.login(user, USERS[user][0])
        return f"{self.url}/cgi-bin/luci/{path}?session={session}&dark={str(dark).lower()}"

    def found(self, path: str, query: dict[str, str]) -> bytes | None:
        if path.startswith("/cgi-bin/luci/"):
            return self._page(path.removeprefix("/cgi-bin/luci/"), query)
        if path.startswith("/harness/"):
            with contextlib.suppress(FileNotFoundError), open(os.path.join(HERE, path[1:]), "rb") as file:
                return file.read()
        return self._files.get(f"www{path}")

    def called(self, octets: bytes) -> bytes:
        try:
            wanted = json.loads(octets)
        except ValueError:
            return json.dumps(_error(None, PARSE)).encode()
        with self._lock:
            told = (
                [self.rpcd.answer(one) for one in wanted]
                if isinstance(wanted, list)
                else self.rpcd.answer(wanted)
            )
        return json.dumps(told).encode()

    def _page(self, path: str, query: dict[str, str]) -> bytes | None:
        if path not in self.menu:
            return None
        keys = {"session": query.get("session", ""), "dark": query.get("dark", "false")}
        search = "&".join(f"{key}={html.escape(value)}" for key, value in keys.items())
        entries = [(name, item) for name, item in self.menu.items() if item["action"]["type"] == "view"]
        menu = "".join(
            f'<a href="/cgi-bin/luci/{name}?{search}">{item["title"]}</a>' for name, item in entries
        )
        with open(os.path.join(HERE, "harness", "page.html")) as file:
            text = file.read()
        for key, value in {**keys, "view": self.menu[path]["action"]["path"]}.items():
            text = text.replace(f"{{{key}}}", html.escape(value))
        return text.replace("{menu}", menu).encode()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                pairs = dict(word.partition("=")[::2] for word in query.split("&") if word)
                body = site.found(path, pairs)
                kind = "html" if path.startswith("/cgi-bin/") else path.rpartition(".")[2]
                self._send(404 if body is None else 200, body or b"", _TYPES.get(kind, "text/plain"))

            def do_POST(self) -> None:
                octets = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.path != "/ubus":
                    self._send(404, b"", "text/plain")
                else:
                    self._send(200, site.called(octets), _TYPES["json"])

            def _send(self, code: int, body: bytes, kind: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve LuCI's pages of a running mobile node.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--socket", required=True)
    arguments = parser.parse_args()
    site = Site(
        {"roamd": arguments.config}, {"roamd": arguments.socket}, lambda name: _reload(arguments.socket)
    )
    site.start()
    for path, item in site.menu.items():
        if item["action"]["type"] == "view":
            print(site.page(path), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        site.close()


def _reload(path: str) -> None:
    """Errors of the file are the daemon's to tell, in its status."""
    with contextlib.suppress(ControlError):
        request(path, "reload", {})


if __name__ == "__main__":
    main()
