"""An emulated modem: what is said to it and what it says are octets and seconds.

`python -m router.lab.modem --link PATH` puts one behind a pseudo-terminal.
"""

from __future__ import annotations

from router.lab.modem.emulator import Emulator
from router.lab.modem.personalities import PERSONALITIES

__all__ = ["PERSONALITIES", "Emulator"]
