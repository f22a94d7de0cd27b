"""What the feed's Makefile says of a package, read as far as such Makefiles go."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Recipe", "RecipeError", "read_recipe"]

_ASSIGNMENT = re.compile(r"^\s*(\w+):=\s*(.*)$")
_DEFINE = re.compile(r"^define Package/([\w-]+)(?:/(\w+))?\n(.*?)^endef$", re.MULTILINE | re.DOTALL)


class RecipeError(ValueError):
    """Something is missing in a Makefile; says what, and in which."""


@dataclass(frozen=True)
class Recipe:
    """`variables` are those of the file and of `define Package/NAME`; `blocks` the others, as `conffiles`."""

    name: str
    variables: dict[str, str]
    blocks: dict[str, str]

    def need(self, variable: str) -> str:
        """A variable's value; raises RecipeError."""
        try:
            return self.variables[variable]
        except KeyError:
            raise RecipeError(f"{self.name}/Makefile: {variable} is missing") from None

    @property
    def version(self) -> str:
        return f"{self.need('PKG_VERSION')}-r{self.need('PKG_RELEASE')}"

    @property
    def depends(self) -> tuple[str, ...]:
        """Names only: `+` means that the SDK selects it too."""
        return tuple(sorted(word.lstrip("+") for word in self.need("DEPENDS").split()))


def read_recipe(name: str, text: str) -> Recipe:
    """Raises RecipeError."""
    text = text.replace("\\\n", " ")
    blocks = {what: body.replace("$$", "$") for whose, what, body in _DEFINE.findall(text) if whose == name}
    if "" not in blocks:
        raise RecipeError(f"{name}/Makefile: no 'define Package/{name}'")
    variables = {}
    for line in (_DEFINE.sub("", text) + "\n" + blocks.pop("")).splitlines():
        found = _ASSIGNMENT.match(line)
        if found is not None:
            variables[found[1]] = found[2].strip()
    return Recipe(name, variables, blocks)
