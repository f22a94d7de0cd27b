"""Modems as text: tables and graphs for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from router.control.graph import graph
from router.control.render import bits, signal_words, table

__all__ = ["answer", "modem_list", "show", "signal"]

_UNITS = {
    "rssi": "dBm", "rsrp": "dBm", "rscp": "dBm", "rsrq": "dB", "sinr": "dB", "ecio": "dB", "temperature": "C",
    "bandwidth_down": "kHz", "bandwidth_up": "kHz", "ambr_down": "bit/s", "ambr_up": "bit/s", "bytes_down": "B",
    "bytes_up": "B",
}  # fmt: skip
_NESTED = ("carriers", "contexts")


def modem_list(rows: list[dict[str, Any]]) -> str:
    """`roamctl modem list`."""
    if not rows:
        return "no cellular uplinks\n"
    head = ("UPLINK", "MODEM", "PORT", "DEVICE", "STATE", "NETWORK", "SIGNAL", "SESSION")
    return table(head, (_row(row) for row in rows)) + "\n"


def _row(row: dict[str, Any]) -> Sequence[str]:
    modem = row["modem"] or {}
    name = " ".join(filter(None, (modem.get("manufacturer"), modem.get("model"))))
    network = " ".join(filter(None, (modem.get("operator"), modem.get("technology"), modem.get("band"))))
    return (
        row["uplink"], name or "-", row["port"] or "-", row["device"] or "-", modem.get("state") or "no modem",
        network or "-", signal_words(modem) or "-", modem.get("session") or "-",
    )  # fmt: skip


def show(values: dict[str, Any]) -> str:
    """`roamctl modem show`: every fact that is known, carriers and contexts as tables."""
    modem = values["modem"]
    rows = [(name, str(values[name])) for name in ("uplink", "port", "device") if values[name] is not None]
    if modem is None:
        return table(("WHAT", "VALUE"), [*rows, ("state", "no modem")]) + "\n"
    rows += [
        (name, _value(name, value))
        for name, value in modem.items()
        if value is not None and name not in _NESTED
    ]
    found = values.get("estimate")
    if found is not None:
        rate = f"{bits(found['down'] // 1000)} down, {bits(found['up'] // 1000)} up"
        rows.append(("estimate", f"{rate}, confidence {found['confidence']:.2f}"))
    parts = [table(("WHAT", "VALUE"), rows)]
    parts += [f"{name.capitalize()}\n{_nested(modem[name])}" for name in _NESTED if modem.get(name)]
    return "\n\n".join(parts) + "\n"


def _value(name: str, value: Any) -> str:
    return f"{value:,} {_UNITS[name]}" if name in _UNITS else _cell(value)


def _nested(items: Sequence[dict[str, Any]]) -> str:
    names = list(
        dict.fromkeys(name for item in items for name, value in item.items() if value not in (None, []))
    )
    return table(
        [_head(name) for name in names], ([_cell(item.get(name)) for name in names] for item in items)
    )


def _head(name: str) -> str:
    words = name.replace("_", " ").upper()
    return f"{words} ({_UNITS[name]})" if name in _UNITS else words


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def signal(values: dict[str, Any], history: Sequence[float | None], size: tuple[int, int]) -> str:
    """One screen of `roamctl modem signal`: the figures, and with a history the graph of the level."""
    words = [values["uplink"], values["state"]]
    words += [
        str(values[name]) for name in ("operator", "technology", "band") if values.get(name) is not None
    ]
    figures = [
        f"{name.upper()} {values[name]:g} {_UNITS.get(name, '')}".strip()
        for name in ("rssi", "rsrp", "rsrq", "sinr", "rscp", "ecio", "cqi")
        if values.get(name) is not None
    ]
    text = f"{' '.join(words)}\n{'  '.join(figures) or 'no signal known'}\n"
    if not history:
        return text
    width, height = size
    return text + "\n" + graph(history, width - 1, max(3, height - 5), "dBm") + "\n"


def answer(values: dict[str, Any]) -> str:
    """`roamctl modem at`: the lines, then the result."""
    return "\n".join([*values["lines"], values["result"]]) + "\n"
