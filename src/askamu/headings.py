"""Section headings: which lines open a section, and of what kind.

The words are data (vocabulary/headings.toml). A decision may also be headed by the body and the day
(»Beslutning Arbejdsmarkedsudvalget den 03-12-2020«), broken over two lines, broken by a stray space
(»I ndstilling«), numbered (»2. Økonomi«), or glued to its text (»BeslutningGodkendt.«).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from askamu.dates import first_date
from askamu.lines import Line
from askamu.minutes import SectionKind
from askamu.vocabulary import table

MAX_HEADING = 70
GLUED = 3  # headings glued to their text that a document must have before any is believed
_DATE = r"\d{1,2}[.\s/-]+(?:\d{1,2}|[a-zæøå]{3,9})\.?[.\s/-]+\d{4}"
_BODY = r"[A-ZÆØÅ][^:\d]{2,90}?"
_PKT = r"(?:,?\s*(?:pkt|punkt)\.?\s*\d+)"
_DECISION_OF = re.compile(
    rf"^(?:Beslutning(?:er)?|Afgørelse|Vedtagelse)\s+(?:i\s+|af\s+)?(?P<body>{_BODY})[,\s]+(?:den\s+|d\.\s*)?{_DATE}{_PKT}?\s*:?$",
    re.IGNORECASE,
)
_DECISION_FROM = re.compile(
    rf"^Beslutning(?:er)?\s+fra\s+(?P<body>{_BODY})[,\s]+(?:den\s+|d\.\s*)?{_DATE}.{{0,20}}$", re.IGNORECASE
)
_BODY_AND_DAY = re.compile(
    rf"^(?P<body>{_BODY}(?:udvalget|udvalg|rådet|byråd|bestyrelsen|direktionen))(?:s beslutning i mødet)?,?\s+"
    rf"(?:den\s+|d\.\s*)?{_DATE}(?:{_PKT}\s*:?|\s*:)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its lines up to `after`, exclusive, and where its body begins."""

    kind: SectionKind
    text: str  # as printed, on one line
    after: int
    body: int  # offset of the first character after it
    who: str | None = None  # the body that decided, where the heading names one
    day: date | None = None


@cache
def _kinds() -> dict[str, SectionKind]:
    kinds = {kind.value: kind for kind in SectionKind}
    return {
        _key(heading): kinds[kind]
        for kind, headings in table("headings").items()
        if kind in kinds
        for heading in headings
    }


@cache
def _prefixes() -> tuple[tuple[str, SectionKind], ...]:
    return tuple((p, SectionKind(kind)) for kind, ps in table("headings")["prefixes"].items() for p in ps)


def _key(heading: str) -> str:
    return re.sub(r"\s+", "", heading).rstrip(":").casefold()


@cache
def _glued() -> re.Pattern[str]:
    printed = [h for kind, hs in table("headings").items() if kind in set(SectionKind) for h in hs]
    words = "|".join(re.escape(w) for w in sorted(printed, key=len, reverse=True))
    return re.compile(rf"^(?P<heading>{words})(?=[A-ZÆØÅ•])")


def heading_kind(bare: str) -> SectionKind | None:
    """The kind of section a line opens, None if it is no section heading."""
    if not bare or len(bare) > 2 * MAX_HEADING:
        return None
    if len(bare) <= MAX_HEADING:
        kind = _kinds().get(_key(bare)) or _kinds().get(_key(re.sub(r"^\d{1,2}\.\s+", "", bare)))
        if kind is not None:
            return kind
    for prefix, kind in _prefixes():
        if bare.startswith(prefix) and not bare.endswith((".", ",")):
            return kind
    if not any(c.isdigit() for c in bare):
        return None
    if _DECISION_FROM.match(bare):
        return SectionKind.HISTORY
    return SectionKind.DECISION if _DECISION_OF.match(bare) or _BODY_AND_DAY.match(bare) else None


def find_headings(lines: Sequence[Line]) -> dict[int, Heading]:
    """The section headings of a document by the number of their line."""
    glued = sum(bool(_glued().match(x.bare)) for x in lines) >= GLUED
    found: dict[int, Heading] = {}
    beyond = 0
    for index, line in enumerate(lines):
        if line.blank or index < beyond:
            continue
        kind, after, text = heading_kind(line.bare), index + 1, line.bare
        if len(line.bare) < 40 and after < len(lines) and 0 < len(lines[after].bare) < 40:
            both = f"{line.bare} {lines[after].bare}"
            joined = _kinds().get(_key(both)) if len(both) <= MAX_HEADING else None
            if joined is not None and (kind is None or heading_kind(lines[after].bare) is None):
                kind, after, text = joined, index + 2, both
        if kind is not None:
            body = lines[after].start if after < len(lines) else lines[-1].end
            found[index] = _heading(kind, text, after, body)
            beyond = after
            continue
        match = _glued().match(line.bare) if glued else None
        if match:
            word = match["heading"]
            at = line.raw.index(word) + len(word)
            found[index] = Heading(_kinds()[_key(word)], word, index + 1, line.start + at)
    return found


def _heading(kind: SectionKind, text: str, after: int, body: int) -> Heading:
    named = _DECISION_FROM.match(text) or _DECISION_OF.match(text) or _BODY_AND_DAY.match(text)
    who = re.sub(r"\s+", " ", named["body"]).strip(" ,") if named else None
    return Heading(kind, text.rstrip(" :"), after, body, who, first_date(text) if named else None)
