"""roamd's configuration: UCI text in, typed values out."""

from __future__ import annotations

from router.config.check import check
from router.config.error import ConfigError, ConfigErrors
from router.config.model import Config
from router.config.uci import parse

__all__ = ["Config", "ConfigError", "ConfigErrors", "load"]


def load(text: str | bytes, filename: str) -> Config:
    """Parse and check a configuration.  Raises ConfigErrors with every error in it."""
    return check(parse(text, filename))
