"""roamd's configuration: UCI text in, typed values out."""

from __future__ import annotations

from collections.abc import Mapping

from router.config.check import check
from router.config.error import ConfigError, ConfigErrors
from router.config.model import Config
from router.config.uci import parse

__all__ = ["Config", "ConfigError", "ConfigErrors", "load"]


def load(text: str | bytes, filename: str, bids: Mapping[str, int] | None = None) -> Config:
    """Parse and check a configuration.  Raises ConfigErrors with every error in it.

    `bids` are those that uplinks have already, by name: they keep them, unless the text says otherwise.
    """
    return check(parse(text, filename), bids)
