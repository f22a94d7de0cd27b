"""The live screen of `roamctl top`: answers of the daemon and keys in, text out.  Pure."""

from __future__ import annotations

from collections import deque
from typing import Any

from router.control.render import bits, duration, signal_words

__all__ = ["TopScreen"]

_LEVELS = " .:-=+*#"
_REMEMBERED = 300
_MOST_EVENTS = 4
_ORDERS = {
    "r": ("rate", lambda row: -(row["down"] + row["up"])),
    "a": ("age", lambda row: row["age"]),
    "u": ("uplink", lambda row: (row["path"] or "", -(row["down"] + row["up"]))),
}
"""By key: what flows are sorted by, and how."""
_KEYS = "q quit  p pause  sort flows by: r rate  a age  u uplink"

Values = dict[str, Any]


class TopScreen:
    """Tell it of every look and every key; `over` when who reads has seen enough."""

    def __init__(self) -> None:
        self.over = False
        self.paused = False
        self._order = "r"
        self._status: Values = {}
        self._flows: Values = {"flows": [], "active": 0, "tracked": 0}
        self._events: list[Values] = []
        self._counted: dict[int, tuple[float, int, int]] = {}
        self._rates: dict[int, deque[tuple[float, float]]] = {}

    def key(self, sign: str) -> None:
        """A key was pressed; those without a meaning have none."""
        if sign in ("q", "Q"):
            self.over = True
        elif sign in ("p", "P", " "):
            self.paused = not self.paused
        elif sign.lower() in _ORDERS:
            self._order = sign.lower()

    def take(self, status: Values, flows: Values, events: list[Values], now: float) -> None:
        """What the daemon answers at `now`, in seconds of any steady clock; events from old to new."""
        self._status, self._flows, self._events = status, flows, events
        for tunnel in status.get("tunnels", ()):
            bid, down, up = tunnel["bid"], tunnel["rx_bytes"], tunnel["tx_bytes"]
            before = self._counted.get(bid)
            self._counted[bid] = (now, down, up)
            # A tunnel that was made anew counts from 0.
            if before is not None and now > before[0] and down >= before[1] and up >= before[2]:
                seconds = now - before[0]
                rate = ((down - before[1]) * 8 / seconds / 1000, (up - before[2]) * 8 / seconds / 1000)
                self._rates.setdefault(bid, deque(maxlen=_REMEMBERED)).append(rate)

    def draw(self, width: int, height: int) -> str:
        """One screen: no line longer than `width`, no more than `height` - 1 lines."""
        lines = [self._head(), "", *self._uplinks(width)]
        foot = ["", *self._told()] if self._events else []
        room = height - 1 - len(lines) - len(foot) - 3
        if room >= 3:
            lines += ["", *self._table(room - 1)]
        lines += foot
        lines = [*lines[: max(1, height - 2)], _KEYS]
        return "".join(f"{line[:width].rstrip()}\n" for line in lines)

    def _head(self) -> str:
        status = self._status
        where = f" {status['home_address']} at {status['home_agent']}" if status.get("home_address") else ""
        since = f", up {duration(status['uptime'])}" if "uptime" in status else ""
        flows = f", {self._flows['active']} of {self._flows['tracked']} flows carry something"
        return f"roamd{where}{since}{flows}" + ("  PAUSED" if self.paused else "")

    def _uplinks(self, width: int) -> list[str]:
        head = f"{'UPLINK':10} {'STATE':12} {'RTT':>6} {'DOWN':>12} {'UP':>12}  "
        lines = [head + "DOWN, RECENTLY"]
        for row in self._status.get("uplinks", ()):
            rates = self._rates.get(row["bid"], ())
            down, up = rates[-1] if rates else (None, None)
            good = row["registration"] in ("registered", "at home")
            state = row["registration"] if good or row["state"] == "usable" else row["state"]
            rtt = (row.get("path") or {}).get("rtt")
            line = f"{row['name'][:10]:10} {state[:12]:12} {'-' if rtt is None else f'{rtt:.0f} ms':>6} "
            line += f"{_rate(down):>12} {_rate(up):>12}  "
            lines.append(line + _graph([rate[0] for rate in rates], width - len(line)))
            signal = signal_words(row["modem"]) if row.get("modem") else _wifi(row.get("wifi"))
            if signal:
                lines.append(f"{'':11}{signal}")
        return lines

    def _table(self, room: int) -> list[str]:
        name, order = _ORDERS[self._order]
        rows = sorted(self._flows["flows"], key=order)
        lines = [f"{'FLOWS by ' + name:26} {'TO':21} {'UPLINK':8} {'DOWN':>6} {'UP':>6}  AGE"]
        for row in rows[:room]:
            where = f"{row['protocol'][:4]:4} {row['source'][:21]:21} {row['destination'][:21]:21}"
            rates = f"{_short(row['down']):>6} {_short(row['up']):>6}"
            lines.append(f"{where} {(row['path'] or '-')[:8]:8} {rates}  {duration(row['age'])}")
        return lines

    def _told(self) -> list[str]:
        return [f"{event['clock']} {event['text']}" for event in self._events[-_MOST_EVENTS:]]


def _rate(kilobits: float | None) -> str:
    return "-" if kilobits is None else bits(round(kilobits))


def _short(kilobits: int) -> str:
    """bit/s in thousands (k) or millions (M)."""
    return f"{kilobits / 1000:.3g}M" if kilobits >= 1000 else f"{kilobits}k"


def _wifi(wifi: Values | None) -> str:
    return f"signal {wifi['signal']} dBm" if wifi and wifi.get("signal") is not None else ""


def _graph(values: list[float], width: int) -> str:
    """A column a look, the newest at the right, in parts of the greatest that is shown."""
    shown = values[-max(0, width) :] if width > 0 else []
    most = max(shown, default=0.0)
    if most <= 0:
        return ""
    return "".join(
        _LEVELS[min(len(_LEVELS) - 1, -int(-value * (len(_LEVELS) - 1) // most))] for value in shown
    )
