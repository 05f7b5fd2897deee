"""Tables in plain text: which lines are rows, and which headings stand over them.

A number means nothing without its column, so a row is only quoted together with its heading lines.
Three shapes occur in minutes: cells parted by tabs or pipes, cells of a row joined by spaces under
heading lines that the PDF broke up, and one cell a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from askamu.headings import heading_kind
from askamu.lines import Line, read_lines
from askamu.minutes import Span

_NUMBER = r"[-–−+]?\(?\d[\d.,]*\)?\s?%?"
_IS_NUMBER = re.compile(rf"^(?:{_NUMBER}|/|-|–)$")
_JOINED_ROW = re.compile(rf"^(?P<label>\D*[A-Za-zÆØÅæøå][^\n]*?)\s+(?P<cells>{_NUMBER}(?:\s+{_NUMBER})+)$")
_IS_YEAR = re.compile(r"^(?:19|20)\d\d$")
MAX_CELL = 60  # characters of a cell that stands on its own line
MAX_CELLS = 1_000  # of a table with one cell a line
HEADINGS_BEFORE = 12  # cells within which such a table must have its first number
MAX_ROW = 160  # characters of a row whose cells are joined by spaces
MAX_HEADING_LINES = 30
_INITIALS = re.compile(
    r"^[A-ZÆØÅ]{2,5}(?:/[A-ZÆØÅ]{2,5})*\s*[-–]\s*[A-ZÆØÅ]{2,5}\b"
)  # the case workers' line above many tables


@dataclass(frozen=True, slots=True)
class Table:
    header: Span  # the heading lines, the unit line among them; empty if there are none
    rows: tuple[Span, ...]
    columns: tuple[str, ...]  # the headings, where they can be told apart; else ()

    @property
    def start(self) -> int:
        return min(self.header.start, self.rows[0].start) if self.header.end > self.header.start else self.rows[0].start

    @property
    def end(self) -> int:
        return self.rows[-1].end


def find_tables(text: str, start: int, end: int) -> list[Table]:
    """The tables in text[start:end], in order."""
    lines = [Line(x.start + start, x.end + start, x.raw, x.bare, x.marked) for x in read_lines(text[start:end])]
    tables: list[Table] = []
    index = 0
    while index < len(lines):
        for read in (_delimited, _joined, _stacked):
            found = read(lines, index)
            if found is not None:
                table, index = found
                tables.append(table)
                break
        else:
            index += 1
    return tables


def _delimited(lines: list[Line], index: int) -> tuple[Table, int] | None:
    """Rows of cells parted by tabs or pipes."""

    def cells(line: Line) -> list[str]:
        raw = line.raw.strip(" ")
        if "|" in raw and raw.count("|") >= 2:
            return [c.strip(" *") for c in raw.strip("|").split("|")]
        return [c.strip(" *") for c in raw.split("\t")] if "\t" in raw else []

    first = cells(lines[index])
    if not any(first) or len(first) < 2 or re.search(r"\.{3,}", lines[index].raw):
        return None
    stop = index
    while stop < len(lines) and len(cells(lines[stop])) >= 2:
        stop += 1
    block = [x for x in lines[index:stop] if not re.fullmatch(r"[|\s:–-]+", x.raw)]
    if len(block) < 2 or any(_IS_NUMBER.match(c) for c in first[1:] if c):
        return None
    rows = tuple(Span(x.start, x.end) for x in block[1:])
    return Table(Span(block[0].start, block[0].end), rows, tuple(first)), stop


def _is_number(line: Line) -> bool:
    return bool(_IS_NUMBER.match(line.bare))


def _is_row(line: Line) -> bool:
    return len(line.bare) <= MAX_ROW and bool(_JOINED_ROW.match(line.bare))


def _joined(lines: list[Line], index: int) -> tuple[Table, int] | None:
    """Rows whose cells are joined by spaces: a label and at least two numbers."""
    if not _is_row(lines[index]):
        return None
    rows, stop = [], index
    while stop < len(lines):
        line = lines[stop]
        if line.blank:
            stop += 1
            continue
        if not _is_row(line):
            break
        rows.append(Span(line.start, line.end))
        stop += 1
    head: list[Line] = []
    for line in reversed(lines[max(0, index - 2 * MAX_HEADING_LINES) : index]):
        if line.blank:
            continue
        ends_prose = line.bare.endswith((".", ":")) and len(line.bare) > 30 and not line.bare.endswith("kr.")
        if len(line.bare) > MAX_CELL or ends_prose or heading_kind(line.bare) or _INITIALS.match(line.bare):
            break
        head.append(line)
        if len(head) == MAX_HEADING_LINES:
            break
    if not head:
        return None if len(rows) < 2 else (Table(Span(rows[0].start, rows[0].start), tuple(rows), ()), stop)
    return Table(Span(head[-1].start, head[0].end), tuple(rows), ()), stop


def _stacked(lines: list[Line], index: int) -> tuple[Table, int] | None:
    """One cell a line: the headings up to the first row, then rows of as many cells.

    The number of columns is read off the first row: the headings are as many as the distance from one
    row's first cell to the next one's, so both must come out the same for the shape to be believed.
    """
    if lines[index].blank or _is_number(lines[index]):
        return None  # it begins with a heading
    cells: list[Line] = []
    stop = index
    while stop < len(lines):
        line = lines[stop]
        if line.blank:
            stop += 1
            continue
        if (
            len(line.bare) > MAX_CELL
            or heading_kind(line.bare)
            or line.bare.endswith(":")
            or line.raw.lstrip().startswith(("•", "-  ", "* "))
        ):
            break
        cells.append(line)
        stop += 1
        if len(cells) >= MAX_CELLS or (len(cells) == HEADINGS_BEFORE and not any(_is_number(c) for c in cells)):
            break
    numeric = [_is_number(c) for c in cells]
    if len(cells) < 6 or sum(numeric) < 4:
        return None
    first = numeric.index(True)
    best: tuple[int, int, int] | None = None  # rows, heading's first cell, width
    for width in range(2, 10):
        for head in (first - width, first - width - 1):
            if head < 0 or any(numeric[head : head + width]):
                continue
            rows = _count_rows(cells, numeric, head + width, width)
            if rows >= 2 and (best is None or rows * width > best[0] * best[2]):
                best = (rows, head, width)
    if best is None:
        return None
    count, head, width = best
    begin = head + width
    rows_found = tuple(
        Span(cells[begin + r * width].start, cells[begin + (r + 1) * width - 1].end) for r in range(count)
    )
    last = cells[begin + count * width - 1]
    after = next(i for i, x in enumerate(lines) if x is last) + 1
    headings = tuple(c.bare for c in cells[head:begin])
    return Table(Span(cells[0].start, cells[begin - 1].end), rows_found, headings), after


def _count_rows(cells: list[Line], numeric: list[bool], at: int, width: int) -> int:
    """How many rows of `width` cells follow: all but the first cell numbers, the first cells all years or all words."""
    rows, years = 0, bool(_IS_YEAR.match(cells[at].bare)) if at < len(cells) else False
    while at + width <= len(cells) and all(numeric[at + 1 : at + width]):
        if years != bool(_IS_YEAR.match(cells[at].bare)) or (not years and numeric[at]):
            break
        rows += 1
        at += width
    return rows
