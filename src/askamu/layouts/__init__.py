"""Ways of laying out minutes: how each begins an agenda item, tried side by side.

Each way gives a segmentation, and the one is taken that accounts best for the document: items that have
sections of their own, or say that they are closed, speak for it; items with nothing, and several decisions
of one committee in one item, speak against it. Which lines really begin an item is decided by the evidence
behind them (`find_items`): a case number, a section heading, the portal's print button, or that the item is
closed. A numbered list's lines have none.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from askamu.headings import find_headings, heading_kind
from askamu.layouts import numbered, punkt
from askamu.layouts.heading import ItemHeading, is_delimiter, is_group, read_heading
from askamu.lines import Line, contents_title, is_noise, is_page_number
from askamu.minutes import SectionKind
from askamu.vocabulary import table, word_set

EARLY = 1  # headings between the first one of an item and one that may begin an item without it
LOOK_AHEAD = 4  # filled lines after a heading in which its evidence must stand
MAX_TITLE_LINES = 4
MAX_CASE_LINE = 300  # characters of a line with a case number
NAMED = 0.5  # what a printed number adds to an item: a cycle of headings can be found in anything
NOT_WRAPPED = 45  # characters below which a heading's line was not wrapped
_SAG_NR = re.compile(r"^Sag nr\.?\s*(?P<number>\d{1,4}[a-z]?)\.?$", re.IGNORECASE)
_PUNKT_BLOCK = re.compile(r"^Punkt:\s*(?P<number>\d{1,4}[a-z]?)$", re.IGNORECASE)
_LABEL = re.compile(r"^[A-ZÆØÅ][\wæøå. ]{1,28}:(?:\s|$)")

Reader = Callable[[str], ItemHeading | None]


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
    """The segmentation that accounts best for the document; None if no layout recognises an item."""
    headings = find_headings(lines)
    decisions = [n for n, h in headings.items() if h.kind is SectionKind.DECISION]
    sections = list(headings)
    best: tuple[float, Segmentation] | None = None
    for name, find in _LAYOUTS:
        items = find(lines)
        if not items:
            continue
        value = _value(items, len(lines), decisions, sections)
        if best is None or value > best[0]:
            best = (value, Segmentation(name, _confidence(items, value, sections), tuple(_grouped(lines, items))))
    return best[1] if best else None


def _value(items: Sequence[FoundItem], end: int, decisions: Sequence[int], sections: Sequence[int]) -> float:
    """How well items account for a document: those with content of their own, less what speaks against them."""
    value = 0.0
    for n, item in enumerate(items):
        stop = items[n + 1].line if n + 1 < len(items) else end
        held = bisect_left(sections, stop) - bisect_right(sections, item.line)
        decided = bisect_left(decisions, stop) - bisect_right(decisions, item.line)
        if held or item.heading.closed:
            value += 1.0
        elif item.evidence in ("case", "noise"):
            value += 0.5
        else:
            value -= 0.5
        value -= 0.8 * max(0, decided - 1)
        value += NAMED if item.heading.number else 0.0
    before = bisect_left(sections, items[0].line)
    return value - 0.3 * before


def _confidence(items: Sequence[FoundItem], value: float, sections: Sequence[int]) -> float:
    share = max(0.0, value - NAMED * sum(bool(i.heading.number) for i in items)) / len(items)
    numbers = [int(re.sub(r"\D", "", i.heading.number)) for i in items if i.heading.number]
    running = sum(b == a + 1 for a, b in pairwise(numbers)) / max(len(items) - 1, 1)
    if not numbers:
        running = 0.5 if sections else 0.0
    return round(min(1.0, 0.6 * share + 0.4 * (running if len(items) > 1 else 1.0)), 2)


def find_items(lines: Sequence[Line], read: Reader, *, certain: bool) -> list[FoundItem]:
    """The lines that begin an item.

    Args:
        lines: the whole document.
        read: a layout's reader of headings.
        certain: the layout's headings can't be mistaken (»Punkt 3:«), so evidence only adds to the
            confidence. Otherwise a heading needs evidence, and one whose only evidence is a section
            heading must carry on the numbering.
    """
    found: dict[str, FoundItem] = {}
    last = last_open = 0
    contents = _contents(lines)
    for index, line in enumerate(lines):
        if line.blank or contents_title(line.raw) is not None:
            continue
        heading = read(line.bare)
        if heading is None or heading.number is None:
            continue
        after, title = _whole_title(lines, index, heading, contents)
        evidence = _evidence(lines, after, read, closed=heading.closed)
        number = int(re.sub(r"\D", "", heading.number))
        if not certain:
            if not evidence or (heading_kind(heading.title) and evidence not in ("case", "noise")):
                continue  # »2. Økonomi« is a numbered section
            # A closed item in a list of contents comes before its time, so the open ones count for themselves.
            if evidence == "section" and last_open and number not in (last + 1, last_open + 1):
                continue
            if evidence == "closed" and found and not last < number <= last + 5 and heading.number not in found:
                continue
        same = found.get(heading.number)
        if same is not None:
            # The same number twice: in a list of contents and at the item, or a reference to it.
            if _RANK[evidence] < _RANK[same.evidence] or (_RANK[evidence] < 3 and not heading.closed):
                continue
            del found[heading.number]
        found[heading.number] = FoundItem(replace(heading, title=title), index, after, evidence)
        last = number
        last_open = last_open if evidence == "closed" else number
    return [_with_lines_above(lines, f, read) for f in found.values()]


_RANK = {"": 0, "closed": 1, "section": 2, "noise": 3, "case": 3}


def _with_lines_above(lines: Sequence[Line], found: FoundItem, read: Reader) -> FoundItem:
    """An item begins at what stands right above its heading and belongs to it.

    That is »Åbent punkt«, the heading itself printed twice, and its case number where none stands below.
    """
    below = next((x for x in lines[found.after :] if not x.blank), None)
    numbered_below = below is not None and read_case_number(below.bare) is not None
    begin = found.line
    while True:
        above = next((n for n in range(begin - 1, max(begin - 3, -1), -1) if not lines[n].blank), None)
        if above is None:
            break
        bare = lines[above].bare
        twin = read(bare)
        belongs = (
            is_delimiter(bare)
            or (twin is not None and twin.number == found.heading.number)
            or (not numbered_below and read_case_number(bare) is not None)
        )
        if not belongs:
            break
        begin = above
    return replace(found, line=begin) if begin != found.line else found


def _contents(lines: Sequence[Line]) -> frozenset[str]:
    """The titles in the table of contents, spaces and case levelled."""
    titles = (contents_title(x.raw) for x in lines)
    return frozenset(_level(t) for t in titles if t)


def _level(title: str) -> str:
    return re.sub(r"\W+", " ", title).strip().casefold()


def _whole_title(lines: Sequence[Line], index: int, heading: ItemHeading, contents: frozenset[str]) -> tuple[int, str]:
    """A heading's title with its continuation lines, and the line after it.

    The table of contents tells how far a wrapped title goes; without it, a line that is long enough to have
    been wrapped does.
    """
    title, after = heading.title, index + 1
    while after < len(lines) and after - index < MAX_TITLE_LINES and title:
        line = lines[after]
        if line.blank or is_noise(line.bare) or read_case_number(line.bare) or line.marked:
            break
        short, longer = _level(title), _level(f"{title} {line.bare}")
        listed = any(len(short) < len(c) and (c.startswith(longer) or longer.startswith(c)) for c in contents)
        if heading_kind(line.bare) and not listed:
            break
        if not listed and (_level(title) in contents or len(lines[after - 1].raw.strip()) < NOT_WRAPPED):
            break
        if not listed and _LABEL.match(line.bare):
            break
        title = f"{title} {line.bare}"
        after += 1
    return after, title


def _evidence(lines: Sequence[Line], after: int, read: Reader, *, closed: bool) -> str:
    filled = 0
    for line in lines[after:]:
        if line.blank:
            continue
        if is_page_number(line.raw) or re.match(r"side \d", line.bare, re.IGNORECASE):
            continue
        if is_noise(line.bare):
            return "noise" if line.bare.casefold() in word_set("noise", "under_heading") else "closed" if closed else ""
        if read_case_number(line.bare):
            return "case"
        if heading_kind(line.bare):
            return "section"
        if closed:
            return "closed"
        if read(line.bare) is not None:
            return ""
        filled += 1
        if filled >= LOOK_AHEAD:
            break
    return "closed" if closed else ""


def _find_sag_nr(lines: Sequence[Line]) -> list[FoundItem]:
    """»Sag nr. 129« under its title."""
    found = []
    for index, line in enumerate(lines):
        match = _SAG_NR.match(line.bare)
        if not match:
            continue
        above = next((n for n in range(index - 1, max(index - 4, -1), -1) if not lines[n].blank), None)
        title = lines[above].bare if above is not None and not is_noise(lines[above].bare) else ""
        found.append(
            FoundItem(
                read_heading(match["number"], title), above if title and above is not None else index, index + 1, "case"
            )
        )
    return found


def _find_punkt_block(lines: Sequence[Line]) -> list[FoundItem]:
    """»Punkt: 5« opens a block of labelled lines; the title stands below it."""
    found = []
    for index, line in enumerate(lines):
        match = _PUNKT_BLOCK.match(line.bare)
        if not match:
            continue
        after, title, closed = index + 1, "", False
        for n in range(index + 1, min(index + 14, len(lines))):
            bare = lines[n].bare
            if not bare:
                continue
            closed = closed or bool(re.search(r"\blukket\b", bare, re.IGNORECASE) and _LABEL.match(bare))
            if heading_kind(bare):
                break
            if not _LABEL.match(bare) and not read_case_number(bare):
                title, after = bare, n + 1
                break
        heading = read_heading(match["number"], title)
        found.append(FoundItem(replace(heading, closed=heading.closed or closed), index, after, "case"))
    return found


_NUMBER_LINE = re.compile(r"^\d{1,3}[a-z]?$")


def _find_three_lines(lines: Sequence[Line]) -> list[FoundItem]:
    """The number, the title and the case number on lines of their own, as a portal's page reads when copied."""
    filled = [n for n, x in enumerate(lines) if not x.blank]
    found: list[FoundItem] = []
    last = 0
    for at, index in enumerate(filled[:-1]):
        if not _NUMBER_LINE.match(lines[index].bare):
            continue
        number = int(re.sub(r"\D", "", lines[index].bare))
        title = lines[filled[at + 1]].bare
        if number <= last or not re.search(r"[^\W\d]{2}", title) or heading_kind(title) or read_case_number(title):
            continue
        heading = read_heading(lines[index].bare, title)
        below = lines[filled[at + 2]].bare if at + 2 < len(filled) else ""
        case = read_case_number(below) is not None
        if not (case or heading_kind(below) or heading.closed):
            continue
        evidence = "case" if case else "section" if heading_kind(below) else "closed"
        if evidence != "case" and found and number != last + 1:
            continue
        found.append(FoundItem(heading, index, filled[at + 1] + 1, evidence))
        last = number
    return found


def _find_case_lines(lines: Sequence[Line]) -> list[FoundItem]:
    """A labelled case number delimits the items where titles and numbers are lost."""
    found = []
    for index, line in enumerate(lines):
        if not _labelled_case(line.bare):
            continue
        after, title = index + 1, ""
        below = next((n for n in range(index + 1, min(index + 4, len(lines))) if not lines[n].blank), None)
        if below is not None:
            bare = lines[below].bare
            if (
                not heading_kind(bare)
                and not is_noise(bare)
                and len(bare) < 160
                and not bare.endswith((".", ":"))
                and not _LABEL.match(bare)
            ):
                title, after = bare, below + 1
        found.append(FoundItem(read_heading(None, title), index, after, "case"))
    return found


def _find_delimiters(lines: Sequence[Line]) -> list[FoundItem]:
    """»Åben« on a line of its own in front of each item."""
    found = []
    for index, line in enumerate(lines):
        if not is_delimiter(line.bare):
            continue
        below = next((x for x in lines[index + 1 :] if not x.blank), None)
        title = ""
        if (
            below is not None
            and not heading_kind(below.bare)
            and not is_delimiter(below.bare)
            and len(below.bare) < 160
        ):
            title = below.bare if not below.bare.endswith(".") else ""
        heading = read_heading(None, title)
        closed = heading.closed or line.bare.casefold().startswith("lukket")
        found.append(FoundItem(replace(heading, closed=closed), index, index + 1, "noise"))
    return found


def _find_cycle(lines: Sequence[Line]) -> list[FoundItem]:
    """Where titles and numbers are lost, an item begins when the cycle of section headings starts again.

    It starts again at the heading that items begin with. An item that lacks that one begins with a heading
    that usually stands right behind it, where the item before has had that heading already. Other headings
    that come twice (»Tidsplan«, »Økonomi«) are the item's own.
    """
    headings = [(n, _level(h.text), h.kind) for n, h in find_headings(lines).items()]
    if not headings:
        return []
    first = _first_of_cycle([(text, kind) for _, text, kind in headings])
    early = _early(first, [text for _, text, _ in headings])
    starts: list[int] = []
    had: set[str] = set()
    for n, text, _ in headings:
        if not starts or text == first or (text in had and text in early):
            starts.append(n)
            had = set()
        had.add(text)
    return [FoundItem(ItemHeading(None, "", closed=False), n, n, "section") for n in starts]


def _first_of_cycle(headings: Sequence[tuple[str, SectionKind]]) -> str:
    """The heading that items begin with: the one that follows lists of attachments, else the document's first."""
    after = Counter(b[0] for a, b in pairwise(headings) if a[1] is SectionKind.ATTACHMENTS)
    if after:
        heading, times = after.most_common(1)[0]
        if times >= 2 and times >= 0.6 * after.total():
            return heading
    return headings[0][0]


def _early(first: str, headings: Sequence[str]) -> frozenset[str]:
    """The headings that usually stand right behind the first one of an item."""
    places: dict[str, list[int]] = {}
    place = 0
    for heading in headings:
        place = 0 if heading == first else place + 1
        places.setdefault(heading, []).append(place)
    return frozenset(h for h, at in places.items() if len(at) >= 2 and sorted(at)[len(at) // 2] <= EARLY)


_LAYOUTS: tuple[tuple[str, Callable[[Sequence[Line]], list[FoundItem]]], ...] = (
    ("punkt", lambda lines: find_items(lines, punkt.read_item_heading, certain=True)),
    ("punkt_plain", lambda lines: find_items(lines, punkt.read_plain_heading, certain=False)),
    ("numbered", lambda lines: find_items(lines, numbered.read_item_heading, certain=False)),
    ("numbered_plain", lambda lines: find_items(lines, numbered.read_plain_heading, certain=False)),
    ("three_lines", _find_three_lines),
    ("sag_nr", _find_sag_nr),
    ("punkt_block", _find_punkt_block),
    ("delimiters", _find_delimiters),
    ("case_lines", _find_case_lines),
    ("section_cycle", _find_cycle),
)


def _grouped(lines: Sequence[Line], items: Sequence[FoundItem]) -> list[FoundItem]:
    """Items under a heading that says that they are closed (»LUKKEDE SAGER«) are closed."""
    groups = [(n, closed) for n, x in enumerate(lines) if (closed := is_group(x.bare)) is not None]
    result = []
    for n, item in enumerate(items):
        stop = items[n + 1].line if n + 1 < len(items) else len(lines)
        above = bisect_left(groups, item.line, key=lambda group: group[0])
        empty = not any(heading_kind(x.bare) for x in lines[item.after : stop])
        if above and groups[above - 1][1] and empty and not item.heading.closed:
            item = replace(item, heading=replace(item.heading, closed=True), evidence=item.evidence or "closed")
        result.append(item)
    return result


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
    if len(bare) > MAX_CASE_LINE:
        return None
    alone, labelled = _case_patterns()
    match = alone.match(bare) or labelled.match(bare)
    return match["number"] if match else None


@cache
def _case_labels() -> re.Pattern[str]:
    labels = "|".join(
        label for label in table("items")["case_numbers"]["labels"] if label not in ("åbent", "lukket", "sag")
    )
    return re.compile(rf"^(?:{labels})\s*:", re.IGNORECASE)


def _labelled_case(bare: str) -> bool:
    return bool(_case_labels().match(bare))


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
