"""Ways of laying out minutes: how each begins an agenda item, tried in turn.

A layout reads one line into an `ItemHeading` or None. Which lines really are items is decided by
`find_items`: an item's heading is followed by its case number, by a section heading or by the
portal's print button, or says that the item is closed; a numbered list's lines are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from askamu.layouts import numbered, punkt
from askamu.layouts.heading import ItemHeading
from askamu.lines import Line, contents_title, heading_kind, is_noise
from askamu.vocabulary import table

LOOK_AHEAD = 4  # filled lines after a heading in which its evidence must stand
MAX_TITLE_LINES = 3


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item's heading and the lines it takes: from `line` up to `after`, exclusive."""

    heading: ItemHeading
    line: int
    after: int
    evidence: str  # "case", "section", "noise", "closed" or "" for none


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The items of a document, the layout that recognised them and how sure it is (0 to 1)."""

    layout: str
    confidence: float
    items: tuple[FoundItem, ...]


def segment(lines: Sequence[Line]) -> Segmentation | None:
    """Find the items with the first layout that recognises any; None if none does."""
    for name, read, certain in (
        ("punkt", punkt.read_item_heading, True),
        ("numbered", numbered.read_item_heading, False),
    ):
        items = find_items(lines, read, certain=certain)
        if items:
            sure = sum(1 for item in items if item.evidence) / len(items)
            return Segmentation(name, round(0.5 + 0.5 * sure if certain else sure, 2), tuple(items))
    return None


def find_items(lines: Sequence[Line], read: Callable[[str], ItemHeading | None], *, certain: bool) -> list[FoundItem]:
    """The lines that begin an item.

    Args:
        lines: the whole document.
        read: a layout's reader of headings.
        certain: the layout's headings can't be mistaken (»Punkt 3:«), so evidence only adds to the
            confidence. Otherwise a heading needs evidence, and a heading whose only evidence is a
            section heading must also carry on the numbering.
    """
    found: list[FoundItem] = []
    last = 0
    for index, line in enumerate(lines):
        if line.blank or contents_title(line.raw) is not None:
            continue
        heading = read(line.bare)
        if heading is None:
            continue
        after, title = _whole_title(lines, index, heading)
        evidence = _evidence(lines, after, closed=heading.closed)
        number = int(re.sub(r"\D", "", heading.number))
        if not certain:
            if not evidence:
                continue
            if evidence == "section" and found and number != last + 1:
                continue
            if evidence != "case" and found and number <= last:
                continue
        if certain and not evidence and any(f.heading.number == heading.number for f in found):
            continue  # a reference at a line start, not a second item of that number
        found.append(FoundItem(replace(heading, title=title), index, after, evidence))
        last = number
    return found


def _whole_title(lines: Sequence[Line], index: int, heading: ItemHeading) -> tuple[int, str]:
    """A heading's title with its continuation lines, and the line after it."""
    title, after = heading.title, index + 1
    while after < len(lines) and after - index < MAX_TITLE_LINES and title:
        line = lines[after]
        if line.blank or is_noise(line.bare) or heading_kind(line.bare) or read_case_number(line.bare) or line.marked:
            break
        if len(lines[after - 1].raw.strip()) < 45:  # a short line was not wrapped
            break
        title = f"{title} {line.bare}"
        after += 1
    return after, title


def _evidence(lines: Sequence[Line], after: int, *, closed: bool) -> str:
    filled = 0
    for line in lines[after:]:
        if line.blank:
            continue
        if is_noise(line.bare):
            return "noise"
        if read_case_number(line.bare):
            return "case"
        if heading_kind(line.bare):
            return "section"
        if closed:
            return "closed"
        filled += 1
        if filled >= LOOK_AHEAD:
            break
    return "closed" if closed else ""


@cache
def _case_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = table("items")["case_numbers"]
    bare = "|".join(words["patterns"])
    labelled = "|".join(words["patterns"] + words["labelled"])
    labels = "|".join(words["labels"])
    return (
        re.compile(rf"^(?P<number>{bare})$"),
        re.compile(rf"^(?:{labels})\s*[:–-]?\s*(?P<number>{labelled})(?![\w/])", re.IGNORECASE),
    )


def read_case_number(bare: str) -> str | None:
    """The case number (sagsnummer) that a line consists of or labels, None if there is none."""
    alone, labelled = _case_patterns()
    match = alone.match(bare) or labelled.match(bare)
    return match["number"] if match else None


def find_case_number(text: str) -> str | None:
    """The first case number in running text, such as a question; forms that look like dates only behind a label."""
    words = table("items")["case_numbers"]
    bare = "|".join(words["patterns"])
    labelled = "|".join(words["labelled"])
    labels = "|".join(words["labels"])
    found = re.search(rf"(?<![\w.])(?:{bare})(?![\w])", text) or re.search(
        rf"\b(?:{labels})\s*[:–-]?\s*(?P<number>{labelled})(?![\w/])", text, re.IGNORECASE
    )
    return (found.groupdict().get("number") or found[0]) if found else None
