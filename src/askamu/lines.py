"""A document as lines with their offsets, freed of the marks of its format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from askamu.vocabulary import table, word_set

_MARKS = re.compile(r"^(?:\s|[#>*•·▪‣◦_]|[-–](?=\s))+")
MAX_CONTENTS = 400  # characters of a line of a table of contents
MAX_NOISE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the text, without its line feed."""

    start: int
    end: int
    raw: str
    bare: str  # without bullets, Markdown marks and outer spaces
    marked: bool  # it bore a Markdown heading mark or was bold

    @property
    def blank(self) -> bool:
        return not self.bare


def read_lines(text: str) -> list[Line]:
    """The lines of a text in order; offsets are characters, line feeds belong to no line."""
    lines: list[Line] = []
    start = 0
    for raw in text.split("\n"):
        bare = _bare(raw)
        stripped = raw.lstrip()
        lines.append(Line(start, start + len(raw), raw, bare, stripped.startswith(("#", "**"))))
        start += len(raw) + 1
    return lines


@cache
def _noise() -> tuple[frozenset[str], re.Pattern[str]]:
    patterns = table("noise")["patterns"]
    return word_set("noise", "lines"), re.compile("|".join(patterns), re.IGNORECASE)


def _bare(raw: str) -> str:
    """A line without bullets, quotation and heading marks, bold and outer spaces."""
    return _MARKS.sub("", raw.strip(), count=1).rstrip(" \t*_#").replace("**", "").strip()


def is_noise(bare: str) -> bool:
    """Whether a line belongs to the page or the portal (»Udskriv«, »Side 2«), not to the minutes."""
    if not bare or len(bare) > MAX_NOISE:
        return False
    words, pattern = _noise()
    return bare.casefold() in words or bool(pattern.search(bare))


def is_page_number(raw: str) -> bool:
    """Whether a line is nothing but a page's number, set far from the left margin."""
    indent = len(raw) - len(raw.lstrip())
    return indent >= int(table("noise")["indented_number"]) and raw.strip().isdigit()


@cache
def _contents() -> re.Pattern[str]:
    return re.compile("|".join(table("noise")["contents"]))


def contents_title(raw: str) -> str | None:
    """The title in a line of a table of contents, None for another line."""
    if len(raw) > MAX_CONTENTS:
        return None
    found = _contents().match(raw.strip())
    return found["title"].strip(" .") if found else None


def is_nil(body: str) -> bool:
    """Whether a section's body says that there is nothing to say (»Intet at bemærke«)."""
    plain = re.sub(r"[\s*_#.]+", " ", body).strip().casefold()
    return not plain or plain in word_set("headings", "nil")
