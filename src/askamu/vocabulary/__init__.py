"""The words municipalities print, as data: one TOML file a subject, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def table(name: str) -> dict[str, Any]:
    """The content of vocabulary/<name>.toml."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def word_set(name: str, key: str) -> frozenset[str]:
    """A list of words of a file as a set, lower case."""
    return frozenset(str(word).casefold() for word in table(name)[key])
