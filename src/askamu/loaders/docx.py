"""DOCX -> text: paragraphs and tables in the order of the document, without headers and footers."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from docx import Document
from docx.oxml.ns import qn

from askamu.errors import AskamuError, DamagedFile, EncryptedFile, NoTextFound, TooMuchText
from askamu.loaders.blocks import BULLET, MAX_CELL, MAX_SPAN, Block, Kind, render
from askamu.loaders.loaded import Budget, Loaded
from askamu.loaders.text import one_line

MAX_UNPACKED = 200_000_000  # bytes of all parts; pictures take the most of it
MAX_DOCUMENT = 60_000_000  # bytes of the text's own part, which takes ten times as much memory when read
MAX_RATIO = 200  # times the packed size; text packs 10 to 50 times
SMALL = 10_000_000  # bytes; below it the ratio is not looked at
MAX_PARTS = 10_000

_P, _TBL, _TR, _TC, _SDT = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:sdt")
_WRAPPERS = {_SDT, qn("w:sdtContent"), qn("w:ins"), qn("w:customXml"), qn("w:smartTag"), qn("w:moveTo")}
_LEFT_OUT = {qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
_HEADING = re.compile(r"(?:heading|overskrift)\s*(\d)?|title|titel", re.IGNORECASE)
_LIST = re.compile(r"list|opstilling|punkttegn", re.IGNORECASE)


def read_docx(data: bytes, budget: Budget) -> Loaded:
    """The text of a Word document. Headings carry »## «, list entries »• «, table rows tabs between their cells.

    Numbers that Word counts by itself are no text in the file, and are lost.

    Raises:
        DamagedFile, EncryptedFile, NoTextFound, TooMuchText, TooLongToRead.
    """
    _check_zip(data, budget.name)
    try:
        document = Document(BytesIO(data))
        styles = {s.style_id: s.name or "" for s in document.styles}
        found = list(_blocks(document.element.body, styles, budget))
    except AskamuError:
        raise
    except Exception as error:  # lxml, zipfile and python-docx raise whatever a broken part leads them to
        raise DamagedFile(budget.name, "DOCX") from error
    text = "".join(gap + ("## " if b.kind is Kind.HEADING else "") + b.text for b, gap in render(found))
    if not text:
        raise NoTextFound(budget.name, 1)
    return Loaded(text)


def _check_zip(data: bytes, name: str) -> None:
    """Look at the sizes in the zip's directory before anything is unpacked; unpacking stops at them."""
    try:
        parts = zipfile.ZipFile(BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, RuntimeError, OSError) as error:  # RuntimeError: a zip version it lacks
        raise DamagedFile(name, "DOCX") from error
    if any(p.flag_bits & 1 for p in parts):
        raise EncryptedFile(name)
    unpacked = sum(p.file_size for p in parts)
    text = max((p.file_size for p in parts if p.filename.endswith(".xml")), default=0)
    if len(parts) > MAX_PARTS or (unpacked > SMALL and unpacked > MAX_RATIO * len(data)):
        raise DamagedFile(name, "DOCX")
    if unpacked > MAX_UNPACKED or text > MAX_DOCUMENT:
        raise TooMuchText(name, MAX_DOCUMENT)


def _blocks(parent: Any, styles: dict[str, str], budget: Budget) -> Iterator[Block]:
    for child in parent:
        if child.tag == _P:
            yield from _paragraph(child, styles, budget)
        elif child.tag == _TBL:
            yield from _table(child, styles, budget)
        elif child.tag in _WRAPPERS:
            yield from _blocks(child, styles, budget)


def _paragraph(paragraph: Any, styles: dict[str, str], budget: Budget) -> Iterator[Block]:
    lines = [line for raw in _text(paragraph).split("\n") if (line := _tidy(raw))]
    budget.spend(sum(map(len, lines)))
    if not lines:
        return
    style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    name = styles.get(style.get(qn("w:val")), "") if style is not None else ""
    heading = _HEADING.match(name)
    if heading:
        yield Block(Kind.HEADING, " ".join(lines), int(heading[1] or 1))
        return
    numbered = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
    for n, line in enumerate(lines):
        entry = n == 0 and (numbered or bool(_LIST.match(name)))
        yield Block(Kind.ENTRY, BULLET + line, joined=False) if entry else Block(Kind.TEXT, line, joined=n > 0)


def _text(element: Any) -> str:
    """The text in an element, with what was inserted and without what was deleted while changes were tracked."""
    parts: list[str] = []
    for child in element:
        if child.tag in _LEFT_OUT:
            continue
        if child.tag == qn("w:t"):
            parts.append(child.text or "")
        elif child.tag == qn("w:tab"):
            parts.append("\t")
        elif child.tag in (qn("w:br"), qn("w:cr")):
            parts.append("\n")
        elif child.tag == qn("w:noBreakHyphen"):
            parts.append("-")
        else:
            parts.append(_text(child))
            if child.tag == _P:  # a paragraph of a text box
                parts.append("\n")
    return "".join(parts)


def _tidy(line: str) -> str:
    """One clean line whose tabs are kept."""
    return "\t".join(one_line(part) for part in line.split("\t")).strip()


def _table(table: Any, styles: dict[str, str], budget: Budget) -> Iterator[Block]:
    rows = [_inner(row, _TC) for row in _inner(table, _TR)]
    if not _is_data(rows):
        for row in rows:
            for cell in row:
                yield from _blocks(cell, styles, budget)
        return
    for n, row in enumerate(rows):
        cells: list[str] = []
        for cell in row:
            cells += [one_line(" ".join(_text(p) for p in cell.iter(_P)))] + [""] * (_span(cell) - 1)
        line = "\t".join(cells).rstrip("\t")
        budget.spend(len(line))
        if line.strip():
            yield Block(Kind.ROW, line, joined=n > 0)


def _inner(parent: Any, tag: str) -> list[Any]:
    """The rows or cells of a table, content controls opened."""
    found = []
    for child in parent:
        if child.tag == tag:
            found.append(child)
        elif child.tag in _WRAPPERS:
            found += _inner(child, tag)
    return found


def _is_data(rows: list[list[Any]]) -> bool:
    """Whether a table shows data; one of a single column, or with texts or tables in its cells, lays out a page."""
    if max(map(len, rows), default=0) < 2:
        return False
    return not any(
        cell.find(f".//{_TBL}") is not None or sum(len(t.text or "") for t in cell.iter(qn("w:t"))) > MAX_CELL
        for row in rows
        for cell in row
    )


def _span(cell: Any) -> int:
    span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
    value = span.get(qn("w:val")) if span is not None else ""
    return max(1, min(int(value), MAX_SPAN)) if value and value.isascii() and value.isdigit() else 1
