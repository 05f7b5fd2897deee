"""HTML -> blocks: headings, paragraphs, list entries and table rows, in the order in which they are read.

Nothing in a page is run or fetched. Hidden elements are read like shown ones: portals fold their items away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from selectolax.lexbor import LexborHTMLParser, LexborNode

from askamu.errors import DamagedFile
from askamu.loaders.loaded import Budget
from askamu.loaders.text import one_line

MAX_DEPTH = 2_000  # of nested elements; the parser's time grows with the square of it
MAX_CELL = 1_500  # characters; a table with a longer cell lays out a page
MAX_SPAN = 30  # columns or rows that one cell may cover
BULLET = "• "


def _tags(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that end by themselves, so that an open one says nothing about depth.
_UNNESTED = _tags(
    "area base br col embed hr img input link meta param source track wbr p li td tr th dd dt option tbody thead"
    " tfoot colgroup html head body"
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCKS = _tags(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure"
    " footer form header hgroup hr legend li main menu nav ol p pre section summary table tbody td tfoot th thead"
    " tr ul"
) | set(_HEADINGS)
NEVER = _tags(
    "script style noscript template svg math iframe object embed canvas audio video select textarea input nav"
    " datalist head title"
)


class Kind(StrEnum):
    HEADING = "heading"
    TEXT = "text"
    ENTRY = "entry"  # of a list, with its bullet
    ROW = "row"  # of a table, cells parted by tabs


_CLOSE = (Kind.ENTRY, Kind.ROW)  # they stand line under line


@dataclass(frozen=True, slots=True)
class Block:
    """One line of the stored text: clean, without line feeds. An empty heading has text ""."""

    kind: Kind
    text: str
    level: int = 0  # of a heading, 1 to 6
    joined: bool = False  # it follows the block before it as a line, not as a paragraph


def parse_html(markup: str, budget: Budget) -> LexborHTMLParser:
    """The tree of a page.

    Raises:
        DamagedFile: if elements are nested deeper than any page's.
    """
    depth = 0
    for closing, tag in _TAG.findall(markup):
        if tag.lower() not in _UNNESTED:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > MAX_DEPTH:
                raise DamagedFile(budget.name, "HTML")
    budget.spend()
    return LexborHTMLParser(markup.replace("\0", ""))


def blocks(root: LexborNode, budget: Budget, skip: Callable[[LexborNode], bool] | None = None) -> list[Block]:
    """What stands under an element, without the elements that `skip` names."""
    writer = _Writer()
    for event, node in _walk(root, lambda n: _is_left_out(n) or (skip is not None and skip(n))):
        if event == "table":
            rows = _rows(node)
            writer.rows(rows)
            budget.spend(sum(map(len, rows)))
        elif event == "text":
            text = node.text_content or ""
            budget.spend(len(text))
            writer.text(text)
        else:
            budget.spend()
            writer.tag(str(node.tag), opens=event == "enter")
    writer.end_line()
    return writer.blocks


def _is_left_out(node: LexborNode) -> bool:
    tag = node.tag
    if tag == "button":  # menus, but also the titles of fold-outs
        folds = "aria-expanded" in node.attributes or "aria-controls" in node.attributes
        parent = node.parent
        return not (folds or (parent is not None and parent.tag in _HEADINGS))
    return tag in NEVER


def _walk(root: LexborNode, skip: Callable[[LexborNode], bool]) -> Iterator[tuple[str, LexborNode]]:
    """Elements entered and left, texts and whole tables, in order. Without recursion, for pages nest deep."""
    trail: list[LexborNode] = []
    node = root.child
    while node is not None:
        if node.is_text_node:
            yield "text", node
        elif node.is_element_node and not skip(node):
            if node.tag == "table" and _is_data(node):
                yield "table", node
            else:
                yield "enter", node
                if node.child is not None:
                    trail.append(node)
                    node = node.child
                    continue
                yield "leave", node
        while node.next is None:
            if not trail:
                return
            node = trail.pop()
            yield "leave", node
        node = node.next


def _is_data(table: LexborNode) -> bool:
    """Whether a table shows data; else it only lays out a page, as one column or with texts in its cells."""
    if len(table.css("table")) > 1:
        return False
    widest = 0
    for row in table.css("tr"):
        cells = row.css("td, th")
        widest = max(widest, len(cells))
        if any(len(c.text()) > MAX_CELL or (len(c.text()) > 200 and c.css_first("h1,h2,h3,h4")) for c in cells):
            return False
    return widest > 1


def _rows(table: LexborNode) -> list[str]:
    """The rows of a table, cells parted by tabs; a cell that covers several columns or rows leaves the others empty."""
    rows = []
    covered: dict[int, int] = {}  # column -> rows it is still covered for
    for row in table.css("caption, tr"):
        if row.tag == "caption":
            rows.append(_line(row))
            continue
        cells: list[str] = []
        below: dict[int, int] = {}
        for cell in row.css("td, th"):
            _fill(cells, covered)
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            below |= dict.fromkeys(range(len(cells), len(cells) + wide), high - 1)
            cells += [_line(cell)] + [""] * (wide - 1)
        _fill(cells, covered)
        covered |= {column: high for column, high in below.items() if high > 0}
        line = "\t".join(cells).rstrip("\t")
        if line.strip():
            rows.append(line)
    return rows


def _fill(cells: list[str], covered: dict[int, int]) -> None:
    """Empty cells for the columns that a cell of a row above covers."""
    while covered.get(len(cells), 0) > 0:
        covered[len(cells)] -= 1
        cells.append("")


def _line(node: LexborNode) -> str:
    """All text under an element as one line."""
    parts = []
    for event, inner in _walk(node, _is_left_out):
        if event == "text":
            parts.append(inner.text_content or "")
        elif inner.tag == "br" or inner.tag in _BLOCKS:
            parts.append(" ")
    return one_line("".join(parts))


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return max(1, min(int(value), MAX_SPAN)) if value.isascii() and value.isdigit() and len(value) < 6 else 1


class _Writer:
    """Gathers the text between the borders of block elements into blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._level = 0
        self._entry = False  # the next line begins a list entry
        self._joined = False

    def text(self, text: str) -> None:
        self._parts.append(text)

    def rows(self, rows: Iterable[str]) -> None:
        """Add a table; one inside a heading is no heading."""
        level, self._level = self._level, 0
        self.end_line()
        self._level = level
        for n, row in enumerate(rows):
            self.blocks.append(Block(Kind.ROW, row, joined=n > 0))

    def tag(self, tag: str, *, opens: bool) -> None:
        if tag == "br" and opens:
            if self._level:
                self._parts.append(" ")
            else:
                self.end_line(joined=True)
        elif tag in _BLOCKS and not (self._level and tag not in _HEADINGS):  # a <p> inside a heading is its text
            self.end_line()
            if tag in _HEADINGS:
                self._level = _HEADINGS[tag] if opens else 0
            elif tag == "li":
                self._entry = opens
        elif tag in _BLOCKS:
            self._parts.append(" ")

    def end_line(self, *, joined: bool = False) -> None:
        """Close the line begun. `joined`: what follows is the next line of the same paragraph."""
        text = one_line("".join(self._parts))
        self._parts.clear()
        if text:
            kind = Kind.HEADING if self._level else Kind.ENTRY if self._entry else Kind.TEXT
            text = BULLET + text.removeprefix("•").lstrip() if kind is Kind.ENTRY else text
            self.blocks.append(Block(kind, text, self._level, self._joined))
            self._entry = False
        elif self._level and not joined:
            self.blocks.append(Block(Kind.HEADING, "", self._level))
        self._joined = joined


def render(found: Iterable[Block], before: Block | None = None) -> Iterator[tuple[Block, str]]:
    """Each block with what stands in front of it: a line feed in lists and tables, else a blank line."""
    for block in found:
        if before is None:
            gap = ""
        elif block.joined or before.kind is Kind.HEADING or (block.kind is before.kind and block.kind in _CLOSE):
            gap = "\n"
        else:
            gap = "\n\n"
        yield block, gap
        before = block
