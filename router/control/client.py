"""Asks a running daemon over its control socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

__all__ = ["ControlError", "NotRunning", "Wait", "request"]

_CHUNK = 65536


class ControlError(Exception):
    """The daemon cannot be asked, or refused; the text says what to do."""


class NotRunning(ControlError):
    """Nobody listens at the socket."""


Wait = Callable[[int, float], None]
"""Until a descriptor can be read; raises TimeoutError after so many seconds, and what else may end it."""


def request(
    path: str,
    method: str,
    params: dict[str, Any] | None = None,
    timeout: float = 5.0,
    wait: Wait | None = None,
) -> Any:
    """The result of one request.  Raises ControlError, and what `wait` raises."""
    line = json.dumps({"id": 1, "method": method, "params": params or {}}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(path)
            sock.sendall(line)
            answer = json.loads(_read_line(sock, timeout, wait))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning(
            f"no roamd at {path}: start it with `roamd --config FILE`, or name --socket; the log says why it ended"
        ) from None
    except PermissionError:
        raise ControlError(f"{path}: permission denied: try with sudo") from None
    except (OSError, ValueError) as error:
        raise ControlError(f"{path}: {error}") from None
    if "error" in answer:
        raise ControlError(answer["error"]["message"])
    return answer["result"]


def _read_line(sock: socket.socket, timeout: float, wait: Wait | None) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        if wait is not None:
            wait(sock.fileno(), timeout)
        chunk = sock.recv(_CHUNK)
        if not chunk:
            raise ValueError("the daemon hung up")
        data += chunk
    return data
