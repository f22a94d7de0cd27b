"""What rpcd and uhttpd answer at /ubus: sessions, access lists, `uci`, and objects that a daemon's control socket serves."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from router.daemon.ubus import _PARTS, _SIGNATURE
from tests.luci.uci_store import UciStore

Values = dict[str, Any]
Ask = Callable[[str, Values], Values]

OK, INVALID_ARGUMENT, METHOD_NOT_FOUND, NOT_FOUND, PERMISSION_DENIED = 0, 2, 3, 4, 6
PARSE, INVALID_REQUEST, NO_METHOD, NO_OBJECT, DENIED = -32700, -32600, -32601, -32000, -32002
_SAID = {
    PARSE: "Parse error", INVALID_REQUEST: "Invalid request", NO_METHOD: "Method not found",
    NO_OBJECT: "Object not found", DENIED: "Access denied",
}  # fmt: skip
_NOBODY = "0" * 32
_READ, _WRITE = ("get",), ("set", "add", "delete")


class Gone(Exception):
    """Nobody serves the object."""


class Rpcd:
    """`users`: of each name its password and the access groups it may read and write.  `acls`: files of acl.d."""

    def __init__(
        self,
        users: dict[str, tuple[str, Iterable[str], Iterable[str]]],
        acls: Iterable[Values],
        store: UciStore,
        daemons: dict[str, Ask],
    ) -> None:
        self._users, self._store, self._daemons = users, store, daemons
        self._groups = {name: group for acl in acls for name, group in acl.items()}
        self._sessions: dict[str, str] = {}

    def answer(self, request: object) -> Values:
        """To one JSON-RPC request."""
        number = request.get("id") if isinstance(request, dict) else None
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return _error(number, INVALID_REQUEST)
        params = request.get("params")
        if request.get("method") == "list":
            names = params[1:] if isinstance(params, list) and len(params) > 1 else ()
            found = {name: _SIGNATURE for name in self._daemons if not names or name in names}
            return {"jsonrpc": "2.0", "id": number, "result": found if names else sorted(self._daemons)}
        if request.get("method") != "call":
            return _error(number, NO_METHOD)
        match params:
            case [str(session), str(object_), str(method), dict(args)]:
                return self._call(number, session, object_, method, args)
        return _error(number, INVALID_REQUEST)

    def login(self, username: str, password: str) -> str | None:
        known = self._users.get(username)
        if known is None or not secrets.compare_digest(known[0], password):
            return None
        session = secrets.token_hex(16)
        self._sessions[session] = username
        return session

    def _call(self, number: Any, session: str, object_: str, method: str, args: Values) -> Values:
        if (object_, method) == ("session", "login"):
            made = self.login(str(args.get("username")), str(args.get("password")))
            if made is None:
                return _result(number, PERMISSION_DENIED)
            return _result(number, OK, {"ubus_rpc_session": made, "timeout": 300})
        if object_ == "uci":
            return self._uci(number, session, method, args)
        if object_ not in self._daemons:
            return _error(number, NO_OBJECT)
        if not self._may(session, "ubus", object_, method):
            return _error(number, DENIED)
        return self._serve(number, object_, method, args)

    def _uci(self, number: Any, session: str, method: str, args: Values) -> Values:
        self._store.look()
        if session not in self._sessions:
            return _error(number, DENIED)
        if method in ("apply", "confirm"):
            wanted = {"apply": {"rollback": False, "timeout": 30, **args}, "confirm": {}}[method]
            return _result(number, OK, getattr(self._store, method)(**wanted))
        if method not in (*_READ, *_WRITE):
            return _result(number, METHOD_NOT_FOUND)
        if not self._may(session, "uci", str(args.get("config")), "write" if method in _WRITE else "read"):
            return _result(number, PERMISSION_DENIED)
        try:
            return _result(number, OK, getattr(self._store, method)(**args))
        except (KeyError, FileNotFoundError):
            return _result(number, NOT_FOUND)
        except TypeError:
            return _result(number, INVALID_ARGUMENT)

    def _serve(self, number: Any, object_: str, method: str, args: Values) -> Values:
        if method not in _SIGNATURE:
            return _result(number, METHOD_NOT_FOUND)
        known = {name: value for name, value in args.items() if name in _SIGNATURE[method]}
        try:
            told = self._daemons[object_]("status" if method in _PARTS else method, known)
        except Gone:
            return _error(number, NO_OBJECT)
        except ValueError as error:
            return _result(number, INVALID_ARGUMENT, {"error": str(error)})
        return _result(number, OK, {method: told[method]} if method in _PARTS else told)

    def _may(self, session: str, scope: str, name: str, what: str) -> bool:
        user = self._sessions.get(session)
        if user is None or session == _NOBODY:
            return False
        _, readable, writable = self._users[user]
        granted = [("read", group) for group in readable] + [("write", group) for group in writable]
        for right, group in granted:
            listed = self._groups.get(group, {}).get(right, {}).get(scope, {})
            if what in listed.get(name, ()) if isinstance(listed, dict) else right == what and name in listed:
                return True
        return False


def _result(number: Any, code: int, data: Values | None = None) -> Values:
    return {"jsonrpc": "2.0", "id": number, "result": [code] if data is None else [code, data]}


def _error(number: Any, code: int) -> Values:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": _SAID[code]}}
