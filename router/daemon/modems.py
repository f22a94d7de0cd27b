"""What `roamctl modem` asks of a mobile node: methods of the control socket.  ValueError says what is wrong."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict
from typing import Any

from modem.dialogue import RESETS
from modem.harmless import harmless
from modem.ports.modem_port import ModemPort
from modem.record import Recorder
from router.config.model import Uplink
from router.control.server import Method
from router.path.radio import estimate
from router.uplink.cellular import Modems
from router.uplink.model import ModemInfo

__all__ = ["ModemControl"]

_MAX_TIMEOUT = 300.0
_PATIENCE = 60.0
"""Seconds for what the modem is doing already."""
_MAX_LINES = 4000
_FORGOTTEN = 15.0
_SIGNAL = ("technology", "band", "cell_id", "operator", "rssi", "rsrp", "rsrq", "sinr", "rscp", "ecio", "cqi")


class ModemControl:
    """The modems of one mobile node, as the control socket shows them."""

    def __init__(self, uplinks: tuple[Uplink, ...], modems: Modems) -> None:
        self._uplinks = {uplink.name: uplink for uplink in uplinks if uplink.kind == "cellular"}
        self._modems = modems
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tokens = 0
        self._recordings: dict[str, _Recording] = {}

    def methods(self) -> dict[str, Method]:
        return {
            "modem_list": self._list, "modem_show": self._show, "modem_signal": self._signal, "modem_at": self._at,
            "modem_reset": self._reset, "modem_record": self._record,
        }  # fmt: skip

    def _list(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._row(name) for name in self._uplinks]

    def _row(self, name: str) -> dict[str, Any]:
        port, info = self._modems.port(name), self._info(name)
        return {
            "uplink": name,
            "port": port.where if port is not None else None,
            "device": self._uplinks[name].device or self._modems.device_by_sysfs(self._uplinks[name]),
            "modem": _plain(info) if info is not None else None,
        }

    def _show(self, params: dict[str, Any]) -> dict[str, Any]:
        """All there is to know, and what the radio can carry."""
        name = self._name(params)
        info = self._info(name)
        found = estimate(asdict(info)) if info is not None else None
        return {**self._row(name), "estimate": asdict(found) if found is not None else None}

    def _signal(self, params: dict[str, Any]) -> dict[str, Any]:
        """The signal, which is asked for more often while somebody looks."""
        name = self._name(params)
        self._modems.hurry(name)
        info = self._info(name)
        facts = {key: getattr(info, key) if info is not None else None for key in _SIGNAL}
        return {"uplink": name, "state": info.state if info is not None else "no modem", **facts}

    async def _at(self, params: dict[str, Any]) -> dict[str, Any]:
        """One command (without AT); without `force` one that does more than ask is refused, or answered by a `question`."""
        name, port = self._living(params)
        command, timeout = params.get("command"), params.get("timeout", 10.0)
        if not isinstance(command, str):
            raise ValueError("command: expected a text")
        if not isinstance(timeout, int | float) or not 0 < timeout <= _MAX_TIMEOUT:
            raise ValueError(f"timeout: expected 0..{_MAX_TIMEOUT:.0f} seconds")
        text = command.strip()
        text = text[2:] if text[:2].upper() == "AT" else text
        if not params.get("force") and not harmless(text, port.modem.family):
            if params.get("question"):
                return {
                    "uplink": name,
                    "command": text,
                    "question": f"AT{text} may change something. Send it?",
                }
            raise ValueError(f"AT{text} may change something: say --force if that is meant")
        self._tokens += 1
        answer = self._waiting[self._tokens] = asyncio.get_running_loop().create_future()
        token = self._tokens
        port.answered = lambda: self._take(port)
        try:
            port.modem.command(text, float(timeout), token)
            port.poke()
            return {"uplink": name, "command": text, **await asyncio.wait_for(answer, timeout + _PATIENCE)}
        except TimeoutError:
            raise ValueError(f"uplink {name}: the modem is busy with something else") from None
        finally:
            self._waiting.pop(token, None)

    def _take(self, port: ModemPort) -> None:
        for token, ok, result, lines in port.modem.take_answers():
            answer = self._waiting.get(token) if isinstance(token, int) else None
            if answer is not None and not answer.done():
                answer.set_result({"ok": ok, "result": result or "no answer", "lines": lines})

    def _reset(self, params: dict[str, Any]) -> dict[str, Any]:
        name, port = self._living(params)
        how = params.get("how", "reset")
        if how not in RESETS:
            raise ValueError(f"how {how!r}: expected one of {', '.join(RESETS)}")
        port.modem.reset(how, asyncio.get_running_loop().time())
        port.poke()
        return {"uplink": name, "how": how}

    def _record(self, params: dict[str, Any]) -> dict[str, Any]:
        """Lines of a recording since last asked; the first call begins it, `end` ends it, and so does not asking."""
        name, port = self._living(params)
        recording = self._recordings.get(name)
        if recording is None or recording.port is not port:
            if recording is not None:
                recording.end()
            recording = self._recordings[name] = _Recording(port)
            port.modem.ask_all()
            port.poke()
        lines = recording.lines(bool(params.get("end")))
        if params.get("end"):
            del self._recordings[name]
        return {"uplink": name, "lines": lines}

    def _name(self, params: dict[str, Any]) -> str:
        name = params.get("uplink")
        known = ", ".join(self._uplinks) or "none"
        if name is None and len(self._uplinks) == 1:
            return next(iter(self._uplinks))
        if name is None:
            raise ValueError(f"which modem? cellular uplinks: {known}")
        if name not in self._uplinks:
            raise ValueError(f"no cellular uplink {name!r}; known: {known}")
        return str(name)

    def _living(self, params: dict[str, Any]) -> tuple[str, ModemPort]:
        name = self._name(params)
        port, info = self._modems.port(name), self._info(name)
        if port is None:
            raise ValueError(f"uplink {name}: {info.state if info is not None else 'no modem'}")
        return name, port

    def _info(self, name: str) -> ModemInfo | None:
        return self._modems.info(name)


class _Recording:
    """Taps one port, with a bound; ends itself when nobody fetches."""

    def __init__(self, port: ModemPort) -> None:
        self.port = port
        self._recorder = Recorder()
        self._lines: deque[str] = deque([self._recorder.head()], _MAX_LINES)
        self._loop = asyncio.get_running_loop()
        self._fetched = self._loop.time()
        port.tap = self._heard

    def lines(self, last: bool) -> list[str]:
        self._fetched = self._loop.time()
        if last:
            self.end()
        found = list(self._lines)
        self._lines.clear()
        return found

    def end(self) -> None:
        if self.port.tap == self._heard:
            self.port.tap = None
        self._lines.extend(self._recorder.end())

    def _heard(self, direction: str, octets: bytes, now: float) -> None:
        if now - self._fetched > _FORGOTTEN:
            self.end()
            return
        self._lines.extend(self._recorder.take(direction, octets, now))


def _plain(info: ModemInfo) -> dict[str, Any]:
    found = asdict(info)
    found["address"] = str(info.address) if info.address is not None else None
    return found
