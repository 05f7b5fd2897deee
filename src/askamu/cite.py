"""Marks and citations: every quote is copied from the stored text by its offsets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date as day
from functools import lru_cache
from typing import Protocol

from askamu import texts
from askamu.library import Library
from askamu.minutes import AgendaItem, MeetingDate, Minutes, Section, Span
from askamu.passage import HEADER_ITEM, Citation

WRAPPED = 70  # a line this long was broken by its margin, not by its writer
STARTS_ANEW = re.compile(r"\s*(?:[-•*–·▪]|\d+[.)]|[a-zæøå][.)]\s)|\s*$")
ENDS_HERE = re.compile(r"[.:;?!]\s*$")


class Dated(Protocol):
    """Minutes, or what is told of them."""

    @property
    def held_on(self) -> day | None: ...

    @property
    def date(self) -> MeetingDate: ...


class Citations:
    """The citations of one answer, numbered in the order in which they are first marked."""

    def __init__(self, library: Library, language: str) -> None:
        self._library = library
        self._language = language
        self._found: dict[tuple[str, int, int], Citation] = {}

    def __len__(self) -> int:
        return len(self._found)

    def all(self) -> tuple[Citation, ...]:
        return tuple(self._found.values())

    def mark(self, minutes: Minutes, item: AgendaItem | None, section: Section, span: Span) -> str:
        """Cite a span and return its mark, »[3]«.

        Raises:
            ValueError: if the span is empty or leaves its section; a bug, not bad input.
        """
        if not section.start <= span.start < span.end <= section.end:
            raise ValueError(f"{minutes.source}: {span} is not inside {section.kind} {section.start}-{section.end}")
        key = (minutes.id, span.start, span.end)
        if key not in self._found:
            self._found[key] = self._citation(len(self._found) + 1, minutes, item, section, span)
        return f"[{self._found[key].n}]"

    def again(self, citation: Citation) -> str:
        """The mark of a citation of another answer in this one."""
        key = (citation.document, citation.start, citation.end)
        if key not in self._found:
            self._found[key] = replace(citation, n=len(self._found) + 1)
        return f"[{self._found[key].n}]"

    def _citation(self, n: int, minutes: Minutes, item: AgendaItem | None, section: Section, span: Span) -> Citation:
        index = minutes.items.index(item) if item else -1
        return Citation(
            n=n,
            passage_id=f"{minutes.id}.{index}.{span.start}.{span.end}",
            document=minutes.id,
            source=minutes.source,
            municipality=minutes.municipality,
            committee=minutes.committee,
            held_on=minutes.held_on,
            date_text=date_text(minutes, self._language),
            item=(item.number or str(index + 1)) if item else HEADER_ITEM,
            title=item.title if item else "",
            case_number=item.case_number if item else None,
            section=section.kind,
            heading=section.heading,
            quote=span.of(minutes.text),
            start=span.start,
            end=span.end,
            page=minutes.page(span.start),
        )


def date_text(minutes: Dated, language: str) -> str:
    """The meeting's date as it is shown; where it is unknown, that and what hints at it."""
    if minutes.held_on:
        return short_date(minutes, language)
    hint = texts.restated(minutes.date.evidence or "", "evidence", language)
    return (
        texts.text("date.unknown_hint", language, year=short_date(minutes, language), hint=hint)
        if hint
        else texts.text("date.unknown", language)
    )


def short_date(minutes: Dated, language: str) -> str:
    """»11.03.2024«; the year alone where only that is known; »uden dato« where nothing is."""
    if minutes.held_on:
        return f"{minutes.held_on:%d.%m.%Y}"
    if minutes.date.earliest and minutes.date.latest and minutes.date.earliest.year == minutes.date.latest.year:
        return str(minutes.date.earliest.year)
    return texts.text("date.none", language)


def title_span(minutes: Minutes, item: AgendaItem) -> tuple[Section, Span]:
    """The printed heading of an item: its line or lines, case number left out."""
    head = item.sections[0]
    block = minutes.text[head.start : head.end]
    found = re.match(r"\s*[#*\s]*", block)
    start = head.start + (found.end() if found else 0)
    stop = minutes.text.find("\n\n", start, head.end)
    end = head.end if stop < 0 else stop
    if item.case_number:
        at = minutes.text.find(item.case_number, start, end)
        end = at if at > start else end
    while end > start and (minutes.text[end - 1].isspace() or minutes.text[end - 1] == "*"):
        end -= 1
    return head, Span(start, end)


def heading(minutes: Minutes, item: AgendaItem) -> Span:
    """The printed heading of an item; its first character where it has none."""
    _, span = title_span(minutes, item)
    return span if span.end > span.start else Span(item.start, item.start + 1)


@lru_cache(maxsize=2_000)
def plain(text: str) -> str:
    """A quote as it is shown: one line, Markdown marks of the source taken away."""
    text = re.sub(r"\\([_*#\[\]()~`>+.!-])", r"\1", text.replace("**", ""))
    text = re.sub(r"(?m)^\s*#{1,6}\s+", "", text)
    return re.sub(r"\s+", " ", text).strip()


def is_margin(words: str, newline: int) -> bool:
    """Whether a line ends at `newline` only because it was full."""
    before = words[words.rfind("\n", 0, newline) + 1 : newline]
    after = words[newline + 1 :].partition("\n")[0]
    return len(before) >= WRAPPED and not ENDS_HERE.search(before) and not STARTS_ANEW.match(after)


def quote_lines(quote: str) -> list[str]:
    """A quote as it is shown on several lines: those its writer meant, none empty, without Markdown marks."""
    lines, start = [], 0
    for at in [*(m.start() for m in re.finditer("\n", quote) if not is_margin(quote, m.start())), len(quote)]:
        lines.append(plain(quote[start:at]))
        start = at + 1
    return [line for line in lines if line]
