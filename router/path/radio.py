"""What a cellular link can probably carry, from what its modem says of the radio.

A prior, never the truth.  Each carrier gives

    bandwidth x efficiency x layers x (1 - overhead) x time share x share of the cell

and the carriers add up; the sum is bounded by the subscription's AMBR.

- *Efficiency*, bit/s per Hz and layer: of the channel quality indicator where the modem has one (LTE:
  TS 36.213 table 7.2.3-1; NR: TS 38.214 table 5.2.2.1-3, which goes up to 256QAM.  No modem says which table
  the network has told it to use; where the measured SINR cannot carry what that table says, by Shannon, it was
  table 5.2.2.1-2).  Else of the SINR, by the attenuated and truncated Shannon bound of TR 36.942 annex A.2:
  0.6 log2(1 + SINR), nothing below -10 dB.  Else of a SINR guessed from RSRP (noise of one subcarrier of 15 kHz
  at a noise figure of 9 dB: -123 dBm) and RSRQ (1/SINR = 1/(12 RSRQ) - load, the cell half loaded).
- *Layers*: as told; else two from 10 dB on, where a second layer begins to pay, and one below.
- *Overhead*: a quarter goes to control channels, reference signals and headers.
- *Time share*: a TDD carrier gives about 0.7 of its time to the downlink and 0.2 to the uplink.
- *Share of the cell*: the others in it are invisible; 0.45 is a cell that is neither idle nor full.
- *Uplink*: on carriers that are known to have one, one layer, 64QAM at most, and below about -110 dBm of RSRP
  the modem's 23 dBm are the limit: there the rate is proportional to the power received.

*Confidence*, 0..1, starts at 0.6, since the load is never known, and sinks with every value that was assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Estimate", "efficiency_of_cqi", "efficiency_of_sinr", "estimate"]

_CQI_64QAM = (
    0.0, 0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766,
    1.9141, 2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152, 5.5547,
)  # fmt: skip
"""TS 36.213 table 7.2.3-1, the same as TS 38.214 table 5.2.2.1-2; by CQI, 0 is out of range."""
_CQI_256QAM = (
    0.0, 0.1523, 0.3770, 0.8770, 1.4766, 1.9141, 2.4063, 2.7305,
    3.3223, 3.9023, 4.5234, 5.1152, 5.5547, 6.2266, 6.9141, 7.4063,
)  # fmt: skip
"""TS 38.214 table 5.2.2.1-3."""

_ATTENUATION = 0.6
_LEAST_SINR = -10.0
_MOST_SINR = 40.0
_OVERHEAD = 0.25
_CELL_SHARE = 0.45
_TDD_SHARE = (0.7, 0.2)
_SECOND_LAYER_SINR = 10.0
_SECOND_LAYER_CQI = 10
_POWER_LIMIT = -110.0
_NOISE = -123.0
_LOAD = 0.5
_MOST_GUESSED_SINR = 15.0

_SUPPOSED_BANDWIDTH = {"E-UTRAN": 10_000, "EN-DC": 10_000, "NR": 20_000}
_TDD_LTE, _TDD_NR = (range(33, 54),), (range(34, 54), range(77, 80), range(90, 105), range(257, 264))
"""Operating bands with one frequency for both ways (TS 36.101 table 5.5-1, TS 38.101-1 and -2 table 5.2-1)."""

_FULL, _BY_SINR, _GUESSED = 0.6, 0.9, 0.4
_SUPPOSED_WIDTH, _SUPPOSED_LAYERS = 0.5, 0.8

Carrier = Mapping[str, Any]
"""Facts of one carrier: technology, band, duplex, bandwidth_down and bandwidth_up (kHz), rsrp (dBm), rsrq,
sinr (dB), cqi, layers, role; what is missing or None is unknown."""


@dataclass(frozen=True)
class Estimate:
    """bit/s towards us and away from us, and how far to believe them (0..1)."""

    down: int
    up: int
    confidence: float


def estimate(facts: Mapping[str, Any]) -> Estimate | None:
    """Of the facts of a modem (`modem.facts`); None where they say nothing of an LTE or NR carrier's quality.

    GSM and UTRAN have no such estimate: what they carry is decided by their release and not by their signal.
    """
    if facts.get("technology") not in _SUPPOSED_BANDWIDTH:
        return None
    parts = [part for part in map(_carrier, _carriers(facts)) if part is not None]
    if not parts:
        return None
    down, up = sum(part.down for part in parts), sum(part.up for part in parts)
    confidence = sum(part.confidence * part.down for part in parts) / down if down else parts[0].confidence
    bounded = _bounded(down, facts.get("ambr_down")), _bounded(up, facts.get("ambr_up"))
    return Estimate(*bounded, round(confidence, 3))


def efficiency_of_cqi(cqi: int, technology: str, sinr: float | None = None) -> float:
    """bit/s per Hz and layer; a CQI out of 1..15 carries nothing."""
    if not 1 <= cqi <= 15:
        return 0.0
    if technology != "NR":
        return _CQI_64QAM[cqi]
    found = _CQI_256QAM[cqi]
    if sinr is not None and found > math.log2(1 + _ratio(min(sinr, _MOST_SINR))):
        return _CQI_64QAM[cqi]
    return found


def efficiency_of_sinr(sinr: float, technology: str) -> float:
    """bit/s per Hz and layer at `sinr` (dB)."""
    if sinr < _LEAST_SINR:
        return 0.0
    top = (_CQI_256QAM if technology == "NR" else _CQI_64QAM)[15]
    return min(top, _ATTENUATION * math.log2(1 + _ratio(min(sinr, _MOST_SINR))))


def _carriers(facts: Mapping[str, Any]) -> Sequence[Carrier]:
    """The modem's list, its gaps at the primary carrier filled from the facts of the serving cell; or that cell alone."""
    listed = facts.get("carriers")
    technology = "E-UTRAN" if facts["technology"] == "EN-DC" else facts["technology"]
    serving = {**{key: facts.get(key) for key in _OF_CARRIER}, "technology": technology, "role": "PCC"}
    if not listed:
        return [serving]
    known = [{key: value for key, value in item.items() if value is not None} for item in listed]
    result = [{**serving, **item} if item.get("role") == "PCC" else item for item in known]
    return result if any(item.get("role") == "PCC" for item in result) else [serving, *result]


_OF_CARRIER = (
    "band", "duplex", "bandwidth_down", "bandwidth_up", "rsrp", "rsrq", "sinr", "cqi", "layers",
)  # fmt: skip


def _carrier(carrier: Carrier) -> Estimate | None:
    technology = "NR" if carrier.get("technology") == "NR" else "E-UTRAN"
    found = _efficiency(carrier, technology)
    if found is None:
        return None
    efficiency, confidence = found
    width = carrier.get("bandwidth_down")
    if not width:
        width, confidence = _SUPPOSED_BANDWIDTH[technology], confidence * _SUPPOSED_WIDTH
    layers = carrier.get("layers")
    if not layers:
        layers, confidence = _supposed_layers(carrier), confidence * _SUPPOSED_LAYERS
    share_down, share_up = _TDD_SHARE if _is_tdd(carrier, technology) else (1.0, 1.0)
    usable = 1000 * (1 - _OVERHEAD) * _CELL_SHARE
    down = width * usable * efficiency * layers * share_down
    up = _uplink_width(carrier, width) * usable * _uplink_efficiency(carrier, efficiency) * share_up
    return Estimate(round(down), round(up), round(confidence, 3))


def _efficiency(carrier: Carrier, technology: str) -> tuple[float, float] | None:
    """(efficiency, confidence), by the best there is."""
    cqi, sinr = carrier.get("cqi"), carrier.get("sinr")
    if cqi is not None and 1 <= cqi <= 15:
        return efficiency_of_cqi(cqi, technology, sinr), _FULL
    if sinr is not None:
        return efficiency_of_sinr(sinr, technology), _FULL * _BY_SINR
    guessed = _guessed_sinr(carrier)
    return (efficiency_of_sinr(guessed, technology), _FULL * _GUESSED) if guessed is not None else None


def _guessed_sinr(carrier: Carrier) -> float | None:
    """dB, of the worse of what RSRP and RSRQ allow; never above 15 dB."""
    rsrp, rsrq = carrier.get("rsrp"), carrier.get("rsrq")
    guesses = [_MOST_GUESSED_SINR] if rsrp is not None or rsrq is not None else []
    if rsrp is not None:
        guesses.append(rsrp - _NOISE)
    if rsrq is not None:
        inverse = 1 / (12 * _ratio(rsrq)) - _LOAD
        guesses.append(-10 * math.log10(inverse) if inverse > 0 else _MOST_GUESSED_SINR)
    return min(guesses, default=None)


def _supposed_layers(carrier: Carrier) -> int:
    sinr, cqi = carrier.get("sinr"), carrier.get("cqi")
    if sinr is None and cqi is not None:
        return 2 if cqi >= _SECOND_LAYER_CQI else 1
    if sinr is None:
        sinr = _guessed_sinr(carrier)
    return 2 if sinr is not None and sinr >= _SECOND_LAYER_SINR else 1


def _is_tdd(carrier: Carrier, technology: str) -> bool:
    duplex, band = carrier.get("duplex"), str(carrier.get("band") or "")
    if duplex in ("FDD", "TDD"):
        return bool(duplex == "TDD")
    number = band[1:] if band[:1] in ("B", "n") else ""
    if not (number.isascii() and number.isdigit()):
        return False
    return any(int(number) in bands for bands in (_TDD_NR if technology == "NR" else _TDD_LTE))


def _uplink_width(carrier: Carrier, width: int) -> int:
    """kHz; a secondary carrier has an uplink only where it says so."""
    told = carrier.get("bandwidth_up")
    if told is not None:
        return int(told)
    return width if carrier.get("role", "PCC") == "PCC" else 0


def _uplink_efficiency(carrier: Carrier, downlink: float) -> float:
    """One layer, 64QAM; what is lost below the power limit is lost in proportion."""
    rsrp = carrier.get("rsrp")
    limited = _ratio(min(0.0, rsrp - _POWER_LIMIT)) if rsrp is not None else 1.0
    return min(downlink, _CQI_64QAM[15]) * limited


def _bounded(rate: int, ambr: int | None) -> int:
    return min(rate, ambr) if ambr else rate


def _ratio(decibel: float) -> float:
    return float(10.0 ** (decibel / 10))
