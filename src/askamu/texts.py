"""The words askamu itself says, from ui/text/<language>.toml."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from askamu.errors import TextMissing

LANGUAGES = ("da", "en")
FOLDER = Path(__file__).parent / "ui" / "text"


@cache
def load(language: str) -> dict[str, str]:
    """All texts of a language, keys joined by dots ("error.index_missing")."""
    data = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    flat: dict[str, str] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                flat[prefix + key] = str(value)

    walk("", data)
    return flat


def text(key: str, language: str, **values: object) -> str:
    """One text with its $variables filled in.

    Raises:
        TextMissing: if the file has no such key, or the text has a variable without a value.
    """
    try:
        return Template(load(language)[key]).substitute({k: str(v) for k, v in values.items()})
    except KeyError as missing:
        raise TextMissing(f"ui/text/{language}.toml", f"{key} ({missing})") from None


def restated(said: str, group: str, language: str) -> str:
    """What the Danish texts of a group have said, in another language; other words as they are."""
    if language == "da":
        return said
    for key, pattern in _said_patterns(group):
        if found := pattern.fullmatch(said):
            return text(key, language, **found.groupdict())
    return said


@cache
def _said_patterns(group: str) -> list[tuple[str, re.Pattern[str]]]:
    """The Danish texts of a group as patterns, with a named group for each $variable."""
    told = {key: said for key, said in load("da").items() if key.startswith(f"{group}.")}
    return [(key, _said_pattern(said)) for key, said in told.items()]


def _said_pattern(said: str) -> re.Pattern[str]:
    named: set[str] = set()

    def variable(found: re.Match[str]) -> str:
        again = found[1] in named  # a text may name a value twice
        named.add(found[1])
        return f"(?P={found[1]})" if again else f"(?P<{found[1]}>.+)"

    return re.compile(re.sub(r"\\\$(\w+)", variable, re.escape(said)))


def day_text(day: date, language: str) -> str:
    """A day in words: »11. marts 2024«, »11 March 2024«."""
    month = text(f"date.month.{day.month}", language)
    return f"{day.day}. {month} {day.year}" if language == "da" else f"{day.day} {month} {day.year}"
