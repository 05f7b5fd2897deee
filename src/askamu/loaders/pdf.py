"""PDF -> text, page by page.

PDFium gives the text in the order in which it was written to the page, one line a printed line. Four things
are mended: words broken by a hyphen at a line's end, ligatures, running headers and footers, page numbers.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from askamu.errors import DamagedFile, EncryptedFile, NoTextFound, TooManyPages
from askamu.headings import heading_kind
from askamu.lines import is_noise
from askamu.loaders.loaded import Budget, Loaded
from askamu.loaders.text import settle

MAX_PAGES = 5_000
REOPEN = 250  # pages after which the file is opened anew: PDFium keeps what it has read of an open one
EDGE_LINES = 5  # a running header or footer has at most so many lines
MARGIN = 0.15  # share of the page's height at top and bottom where running headers and footers stand
REPEATED = 0.4  # share of the pages that bear a running line: left and right pages may differ
SCANNED = 0.8  # share of the pages without a letter from which a document counts as scanned

_LOCK = Lock()  # PDFium is not safe for use from several threads
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
# PDFium's mark for a hyphen at the end of a line (U+FFFE, in older versions U+0002); the line end may be swallowed.
_BROKEN = re.compile(r"(?P<before>\w*)[\ufffe\x02](?:\r?\n)?(?P<after>[^\s\ufffe\x02]*)(?P<gap>\s?)")
_PAGE_BREAK_WORD = re.compile(r"(\w+)-\Z")
_KEEPS_HYPHEN = frozenset({"og", "eller", "samt", "og/eller", "and", "or"})
_ROMAN = re.compile(r"[ivxlc]{1,6}", re.IGNORECASE)
_ITEM = re.compile(r"(?:punkt|pkt\.?|sag nr\.?)\s*:?\s*\d", re.IGNORECASE)
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line near the top or the bottom of a page."""

    text: str
    height: int | None  # of its baseline, in steps of 2 points; None where it stands inside the margins


@dataclass(slots=True)
class _Page:
    lines: list[str]
    top: list[_Edge]  # the first lines, in order
    bottom: list[_Edge]  # the last lines, the last one first


def read_pdf(data: bytes, budget: Budget) -> Loaded:
    """The text of a PDF, without running headers, footers and page numbers.

    Pages follow each other by one line feed, as lines do: a paragraph that runs over a page break is whole.

    Raises:
        EncryptedFile, DamagedFile, TooManyPages, NoTextFound, TooLongToRead, TooMuchText.
    """
    _refuse_cut_off(data, budget.name)
    with _LOCK:
        pages = list(_pages(data, budget))
    without = sum(1 for p in pages if not any(c.isalpha() for line in p.lines for c in line))
    if not pages or without >= SCANNED * len(pages):
        raise NoTextFound(budget.name, len(pages))
    _drop_running_lines(pages)
    text, starts = _join(pages)
    return Loaded(text, starts)


def _refuse_cut_off(data: bytes, name: str) -> None:
    """PDFium repairs a cut-off file in silence and loses its last pages, so it is refused beforehand."""
    whole = b"%%EOF" in data[-65_536:]
    linear = re.search(rb"/Linearized\b[^>]*/L\s+(\d{1,12})", data[:2048])
    if not whole or (linear and int(linear[1]) > len(data)):
        raise DamagedFile(name, "PDF")


def _pages(data: bytes, budget: Budget) -> Iterator[_Page]:
    """The pages one by one; only their text is kept in memory."""
    begin, count = 0, 1
    while begin < count:
        document = _open(data, budget.name)
        try:
            count = len(document)
            if count > MAX_PAGES:
                raise TooManyPages(budget.name, count, MAX_PAGES)
            for index in range(begin, min(count, begin + REOPEN)):
                page = _read_page(document, index)
                budget.spend(sum(map(len, page.lines)))
                yield page
        except pdfium.PdfiumError as error:
            raise DamagedFile(budget.name, "PDF") from error
        finally:
            document.close()
        begin += REOPEN


def _open(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _WRONG_PASSWORD or "password" in str(error).lower():
            raise EncryptedFile(name) from error
        raise DamagedFile(name, "PDF") from error


def _read_page(document: pdfium.PdfDocument, index: int) -> _Page:
    page = document[index]
    try:
        words = page.get_textpage()
        try:
            raw = words.get_text_range(errors="replace")
            height = page.get_height()
            spans = [found.span() for found in re.finditer(r"[^\r\n]+", raw) if found[0].strip()]

            def edge(span: tuple[int, int]) -> _Edge:
                line = raw[slice(*span)]
                first = span[0] + len(line) - len(line.lstrip())
                return _Edge(" ".join(line.split()), _in_margin(words, first, height))

            top = [edge(s) for s in spans[:EDGE_LINES]]
            bottom = [edge(s) for s in spans[::-1][:EDGE_LINES]]
        finally:
            words.close()
    finally:
        page.close()
    return _Page([" ".join(raw[slice(*s)].split()) for s in spans], top, bottom)


def _in_margin(words: pdfium.PdfTextPage, first: int, page_height: float) -> int | None:
    """The height of a line's baseline in steps of 2 points, None if it is not in the margin at top or bottom."""
    x, y = ctypes.c_double(), ctypes.c_double()
    at = pdfium_c.FPDFText_GetCharIndexFromTextIndex(words, first)
    if at < 0 or not pdfium_c.FPDFText_GetCharOrigin(words, at, x, y):
        return None
    inside = MARGIN * page_height < y.value < (1 - MARGIN) * page_height
    return None if inside or not math.isfinite(y.value) else round(y.value / 2)


def _drop_running_lines(pages: list[_Page]) -> None:
    """Drop the lines at the edges of the pages that repeat in the same place, and page numbers.

    A line must say the same on many pages, but for one number that counts the pages, at the same height
    in the margin; item and section headings never count. A last line that chances to be »Godkendt.« on many
    pages stands at many heights, and stays.
    """
    seen: Counter[tuple[str, int]] = Counter()
    for number, page in enumerate(pages):
        seen.update({key for edge in {*page.top, *page.bottom} for key in _keys(edge, number)})
    needed = max(2, math.ceil(REPEATED * len(pages)))
    for number, page in enumerate(pages):

        def running(edge: _Edge, number: int = number) -> bool:
            if edge.height is None:
                return False
            is_number = edge.text.strip(" -–") in (str(number + 1), f"Side {number + 1}")
            return is_number or is_noise(edge.text) or any(seen[key] >= needed for key in _keys(edge, number))

        head = _count_while(page.top, running)
        tail = _count_while(page.bottom, running)
        page.lines = page.lines[head : max(head, len(page.lines) - tail)]


def _count_while(edges: list[_Edge], running: Callable[[_Edge], bool]) -> int:
    count = 0
    for edge in edges:
        if not running(edge):
            break
        count += 1
    return count


def _keys(edge: _Edge, page: int) -> set[tuple[str, int]]:
    """What a line has in common with the same running line on other pages: itself, or itself with one of its
    numbers written as its distance from the page's number."""
    if edge.height is None or heading_kind(edge.text) or _ITEM.match(edge.text):
        return set()
    keys = {(edge.text, edge.height)} if re.search(r"[^\W\d]", edge.text) else set()
    for found in list(re.finditer(r"\d{1,4}", edge.text))[:8]:
        relative = f"{edge.text[: found.start()]}<{int(found[0]) - page}>{edge.text[found.end() :]}"
        keys.add((relative, edge.height))
    if _ROMAN.fullmatch(edge.text):
        keys.add((f"<{_roman(edge.text) - page}>", edge.height))
    return keys


def _roman(numeral: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[c] for c in numeral.lower()]
    return sum(-v if any(w > v for w in values[i + 1 : i + 2]) else v for i, v in enumerate(values))


def _join(pages: list[_Page]) -> tuple[str, tuple[int, ...]]:
    """The pages' lines as one text, and where each page begins in it."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for page in pages:
        text = settle(_mend("\n".join(page.lines).translate(_LIGATURES)))
        gap = "\n" if parts else ""
        broken = _PAGE_BREAK_WORD.search(parts[-1]) if parts else None
        if broken and text[:1].islower():
            following = re.match(r"\S*", text)
            joint = _joint(broken[1], following[0] if following else "")
            if joint is not None:
                gap = ""
                length -= 1 - len(joint)
                parts[-1] = parts[-1][:-1] + joint
        if not text:
            starts.append(length)
            continue
        parts.append(gap)
        starts.append(length + len(gap))
        parts.append(text)
        length += len(gap) + len(text)
    return "".join(parts), tuple(starts)


def _mend(text: str) -> str:
    """Join words that a hyphen at a line's end broke; the line ends after the whole word."""

    def mended(found: re.Match[str]) -> str:
        before, after, gap = found["before"], found["after"], found["gap"]
        joint = _joint(before, after)
        if joint is None:
            return f"{before}-\n{after}{gap}"
        return f"{before}{joint}{after}" + ("\n" if gap else "")

    while (once := _BROKEN.sub(mended, text)) != text:
        text = once
    return text


def _joint(before: str, after: str) -> str | None:
    """What stands between the halves of a word: nothing, the hyphen that belongs to it, None if they are two words."""
    word = re.sub(r"[^\w/]+$", "", after)
    if word.casefold() in _KEEPS_HYPHEN:
        return None
    first = word[:1]
    if not first.islower() or before[-1:].isdigit() or len(before) == 1 or (len(before) > 1 and before.isupper()):
        return "-"
    return ""
