"""»6. Årsplan 2024«, »6: Årsplan«, »6 Årsplan«: a number and a title. Lists look the same, so a heading needs
evidence beside it."""

from __future__ import annotations

import re

from askamu.layouts.heading import ItemHeading, read_heading

_DOT = re.compile(r"^(?P<number>\d{1,3}[a-zA-Z]?)\.\s*(?P<title>(?!\d+[.\s]*$|\d\d?\.\d\d)\S.*)$")
_PLAIN = re.compile(r"^(?P<number>\d{1,3}[a-zA-Z]?)(?:\s*:\s*|\s+)(?P<title>[A-ZÆØÅ(»\"“].*|\d+\.\s+[a-zæøå].*)$")
MAX_TITLE = 250


def read_item_heading(bare: str) -> ItemHeading | None:
    """Read a line freed of marks; None if it can't begin an item."""
    return _read(_DOT, bare)


def read_plain_heading(bare: str) -> ItemHeading | None:
    """A number without a dot; prose, tables and addresses look the same."""
    return _read(_PLAIN, bare)


def _read(pattern: re.Pattern[str], bare: str) -> ItemHeading | None:
    if len(bare) > MAX_TITLE:
        return None
    found = pattern.match(bare)
    if not found:
        return None
    return read_heading(found["number"].lstrip("0") or "0", found["title"])
