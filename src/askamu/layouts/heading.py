"""An item's heading, freed of the marks that say what kind of item it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from askamu.vocabulary import table

MAX_GROUP = 100  # characters of a line that says open or closed
MAX_HEADING = 600  # characters of an item's heading


@dataclass(frozen=True, slots=True)
class ItemHeading:
    number: str | None
    title: str
    closed: bool
    route: str | None = None  # »MBU/ØU/KB«: the committees that the item is on its way through


@cache
def _patterns(*path: str) -> list[re.Pattern[str]]:
    node = table("items")
    for key in path:
        node = node[key]
    return [re.compile(p, re.IGNORECASE) for p in node]


@cache
def _cased(*path: str) -> list[re.Pattern[str]]:
    node = table("items")
    for key in path:
        node = node[key]
    return [re.compile(p) for p in node]


def read_heading(number: str | None, title: str) -> ItemHeading:
    """Make a heading of a number and the text behind it: »Lukket: Kommunikation« is closed, »Kommunikation«."""
    closed, route = False, None
    title = title[:MAX_HEADING]
    if re.match(r"\((?:åben|åbent|lukket)\)\s", title, re.IGNORECASE):
        title = re.sub(r"\s+\d{1,3}$", "", title)  # »1 (Åben) Dagsorden 4«: the page
    title = re.sub(r"\s+", " ", title) if "  " not in title.strip() else title.strip()
    if number is not None:
        title = re.sub(rf"^0*{re.escape(number)}\.\s+(?=[A-ZÆØÅ])", "", title.strip())  # doubled: »1.  1. Dagsorden«
    for pattern in _patterns("closed", "prefixes"):
        found = pattern.match(title)
        if found:
            title, closed = title[found.end() :], True
            break
    for pattern in _patterns("closed", "suffixes"):
        found = pattern.search(title)
        if found:
            title, closed = title[: found.start()], True
            break
    for pattern in _cased("markers", "routes"):
        found = pattern.match(title)
        if found:
            title, route = title[found.end() :], found["route"]
    for pattern in _cased("markers", "prefixes") + _patterns("markers", "prefixes")[:3]:
        title = pattern.sub("", title)
    for pattern in _patterns("markers", "suffixes"):
        title = pattern.sub("", title)
    return ItemHeading(number, re.sub(r"\s+", " ", title).strip(), closed, route)


def is_group(bare: str) -> bool | None:
    """Whether a line of its own says that what follows is closed (True) or open (False); None if it says neither."""
    if len(bare) > MAX_GROUP:
        return None
    if any(p.search(bare) for p in _patterns("closed", "group_closed")):
        return True
    return False if any(p.search(bare) for p in _patterns("closed", "group_open")) else None


def is_delimiter(bare: str) -> bool:
    """Whether a line stands in front of each item and says nothing but open or closed (»Åben«)."""
    return len(bare) <= MAX_GROUP and any(p.search(bare) for p in _patterns("closed", "delimiters"))
