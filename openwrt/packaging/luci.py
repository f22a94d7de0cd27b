"""The module of LuCI by which its forms know the options, from the schema of the configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from router.config.options import as_json
from router.config.schema import SECTIONS

__all__ = ["options_module"]

_MODULE = """\
'use strict';
'require baseclass';

return baseclass.extend({});
"""


def options_module(sections: Mapping[str, Sequence[str]]) -> str:
    """JavaScript: of each configuration file its sections, as `roamd options --format json` has them."""
    known = {config: as_json(SECTIONS[name] for name in names) for config, names in sections.items()}
    return _MODULE.replace("{}", json.dumps(known, separators=(",", ":")))
