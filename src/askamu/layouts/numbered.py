"""»6. Årsplan 2024«: a number and a dot. Lists look the same, so the heading needs evidence beside it."""

from __future__ import annotations

import re

from askamu.layouts.heading import ItemHeading, read_heading

_HEADING = re.compile(r"^(?P<number>\d{1,3}[a-zA-Z]?)\.\s*(?P<title>(?!\d)\S.*)$")
MAX_TITLE = 250


def read_item_heading(bare: str) -> ItemHeading | None:
    """Read a line freed of marks; None if it can't begin an item."""
    if len(bare) > MAX_TITLE:
        return None
    found = _HEADING.match(bare)
    return read_heading(found["number"], found["title"]) if found else None
