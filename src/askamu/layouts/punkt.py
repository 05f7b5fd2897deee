"""»Punkt 6: Årsplan 2024«: the heading of FirstAgenda's PDF and of many portals."""

from __future__ import annotations

import re

from askamu.layouts.heading import ItemHeading, read_heading

_HEADING = re.compile(r"^(?:Punkt|Pkt\.?)\s+(?P<number>\d{1,4}[a-zA-Z]?)\s*:\s*(?P<title>.*)$", re.IGNORECASE)


def read_item_heading(bare: str) -> ItemHeading | None:
    """Read a line freed of marks; None if it begins no item."""
    found = _HEADING.match(bare)
    return read_heading(found["number"], found["title"]) if found else None
