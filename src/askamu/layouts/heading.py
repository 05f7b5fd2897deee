"""An item's heading, freed of the marks that say what kind of item it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from askamu.vocabulary import table


@dataclass(frozen=True, slots=True)
class ItemHeading:
    number: str
    title: str
    closed: bool


@cache
def _marks() -> tuple[list[re.Pattern[str]], list[re.Pattern[str]], list[re.Pattern[str]]]:
    words = table("items")

    def compiled(patterns: list[str]) -> list[re.Pattern[str]]:
        return [re.compile(p, re.IGNORECASE) for p in patterns]

    return (
        compiled(words["closed"]["prefixes"]),
        compiled(words["closed"]["suffixes"]),
        compiled(words["markers"]["suffixes"]),
    )


def read_heading(number: str, title: str) -> ItemHeading:
    """Make a heading of a number and the text behind it: »Lukket: Kommunikation« is closed, »Kommunikation«."""
    prefixes, suffixes, markers = _marks()
    closed = False
    title = re.sub(r"\s+", " ", title).strip()
    for pattern in prefixes:
        found = pattern.match(title)
        if found:
            title, closed = title[found.end() :], True
            break
    for pattern in suffixes:
        found = pattern.search(title)
        if found:
            title, closed = title[: found.start()], True
            break
    for pattern in markers:
        title = pattern.sub("", title)
    return ItemHeading(number, title.strip(), closed)
