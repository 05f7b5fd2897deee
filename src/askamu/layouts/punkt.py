"""»Punkt 6: Årsplan 2024«: the heading of FirstAgenda's PDF and of many portals."""

from __future__ import annotations

import re

from askamu.layouts.heading import ItemHeading, read_heading

_COLON = re.compile(r"^(?:Punkt|Pkt\.?)\s+(?P<number>\d{1,4}[a-zA-Z]?)\s*:\s*(?P<title>.*)$", re.IGNORECASE)
_PLAIN = re.compile(
    r"^(?:(?:Punkt|Pkt\.?)\s+(?P<number>\d{1,4}[a-zA-Z]?)\.?|Nr\.\s?(?P<nr>\d{1,4})\s*[–-])\s+(?P<title>[A-ZÆØÅ0-9»\"“(].*)$"
)


def read_item_heading(bare: str) -> ItemHeading | None:
    """Read a line freed of marks; None if it begins no item."""
    found = _COLON.match(bare)
    return read_heading(found["number"], found["title"]) if found else None


def read_plain_heading(bare: str) -> ItemHeading | None:
    """»Punkt 126 Budget«, »Nr.2 - Budget«: without the colon, so prose may look the same."""
    found = _PLAIN.match(bare)
    return read_heading(found["number"] or found["nr"], found["title"]) if found else None
