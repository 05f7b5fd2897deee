"""Printing minutes in other layouts, to read them back: what a parser makes of each can be held against the first."""

from __future__ import annotations

import textwrap

from askamu.cite import plain
from askamu.minutes import AgendaItem, Minutes, SectionKind
from askamu.texts import day_text


def _body(minutes: Minutes, start: int, end: int) -> str:
    lines = minutes.text[start:end].strip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _sections(minutes: Minutes, item: AgendaItem) -> list[tuple[str, str]]:
    return [
        (s.heading, _body(minutes, s.body, s.end))
        for s in item.sections
        if s.kind is not SectionKind.HEADER and minutes.text[s.body : s.end].strip()
    ]


def _day(minutes: Minutes) -> str:
    day = minutes.held_on
    assert day is not None
    return day_text(day, "da")


def pdf_like(minutes: Minutes) -> str:
    """»Punkt N: title«, wrapped at 95 signs, a table of contents, page numbers between the pages."""
    day = minutes.held_on
    assert day is not None
    out = [
        f"REFERAT {minutes.committee} d. {day:%d-%m-%Y}", "", f"Mødedato   {_day(minutes)} kl. 08:00", "",
        f"Mødested   {minutes.place or 'Rådhuset'}", "Indholdsfortegnelse",
    ]  # fmt: skip
    for n, item in enumerate(minutes.items):
        title = ("Lukket: " if item.closed else "") + item.title
        out.append(f"{title[:95]}{'.' * max(3, 100 - len(title[:95]))}   {n + 3}")
    for n, item in enumerate(minutes.items):
        title = f"Punkt {item.number}: {'Lukket: ' if item.closed else ''}{item.title}"
        out += [*textwrap.wrap(title, 95), item.case_number or ""]
        for heading, body in _sections(minutes, item):
            out.append(heading)
            for line in body.split("\n"):
                out += textwrap.wrap(line, 110, break_long_words=False, break_on_hyphens=False) or [""]
        out.append(" " * 100 + str(n + 3))
    return "\n".join(out) + "\n"


def web_like(minutes: Minutes) -> str:
    """Number, title and case number on three lines, as a portal's page reads when its text is copied."""
    out = [
        f"Referat {_day(minutes)} kl. 8.00",
        "Udvalg",
        minutes.committee or "",
        "Mødested",
        minutes.place or "",
        "Hent som PDF",
        "Kopier link",
    ]
    for item in minutes.items:
        out += ["", item.number or "", ("Lukket: " if item.closed else "") + item.title, item.case_number or "", ""]
        for heading, body in _sections(minutes, item):
            out += [heading, "", body, ""]
        out += ["Kopier link til punktet", ""]
    return "\n".join(out)


def accordion(minutes: Minutes) -> tuple[str, list[tuple[int, AgendaItem]]]:
    """Fold-out text whose titles, numbers and case numbers are lost, and where each item with any text begins."""
    out = f"Referat\n{minutes.committee} {_day(minutes)} kl. 19.00\n\n"
    starts = []
    for item in minutes.items:
        sections = _sections(minutes, item)
        if sections:
            starts.append((len(out), item))
        for heading, body in sections:
            out += f"{heading}\n{body}\n\n"
    return out, starts


def said(text: str) -> str:
    """A decision's text levelled for comparison."""
    return plain(text)
