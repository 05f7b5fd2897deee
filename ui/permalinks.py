"""The pages that a citation leads to, without scripts: /kilde/… an item, /moede/… a meeting, /passage/… a passage."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from askamu import corrections, links, resources
from askamu.cite import date_text, plain, short_date
from askamu.corrections import Found
from askamu.decision import told
from askamu.errors import NotQuotable, NotStored
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM
from askamu.reference import quote_with_reference
from askamu.texts import text
from askamu.ui import render, sources
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library

log = logging.getLogger("askamu.ui")
MARK = '<mark id="citat">'
AGENDA = "dagsorden"
NOT_DECIDED = (SectionKind.RECOMMENDATION, SectionKind.HISTORY, SectionKind.ATTACHMENT_TEXT)
LONGEST_LINE = 160  # characters of a decision in an agenda
LONGEST_NOW = 1_200  # characters of a section shown beside what it said before


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section on the page of its item."""

    kind: str
    name: str  # the heading as printed, or what it is
    label: str  # what it is, in words, where the heading does not say it
    not_decided: bool  # carries a recommendation, or what else is easily taken for a decision
    words: Markup
    page: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was quoted, and what stands there now."""

    was: str
    now: str
    unchanged: bool


def add_permalinks(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """The pages that a citation leads to."""

    @app.get("/kilde/{document}/{item}", response_class=HTMLResponse, include_in_schema=False)
    def source(request: Request, document: str, item: str, fra: str = "", til: str = "", nr: str = "") -> HTMLResponse:
        quote = read_span(fra, til)
        place = int(nr) if nr.isdecimal() and len(nr) < 6 else None
        library = library_of()
        try:
            found = corrections.find(library, document, item, quote, place)
        except NotStored as error:
            return not_found(request, library, document, error)
        return item_page(request, found, quote, document)

    @app.get("/moede/{document}", response_class=HTMLResponse, include_in_schema=False)
    def meeting(request: Request, document: str) -> HTMLResponse:
        library = library_of()
        try:
            now = corrections.current(library, document)
        except NotStored as error:
            return not_found(request, library, document, error)
        return meeting_page(request, library.minutes(now), corrected=now != document)

    @app.get("/passage/{id}", include_in_schema=False)
    def passage(request: Request, id: str) -> Response:
        library = library_of()
        try:
            resources.find_passage(library, id)
            document, index, span = resources.read_passage_id(id)
        except NotStored as error:
            return not_found(request, library, id.partition(".")[0], error)
        return RedirectResponse(f"{passage_path(request, library, document, index, span)}#citat", 307)


def passage_path(request: Request, library: Library, document: str, index: int, span: Span) -> str:
    """The address of the item that a passage is in, as it was when the passage was quoted."""
    minutes = library.minutes(document)  # also one that was replaced: find_passage has seen that it is kept
    path = links.item_path(minutes, index, span)
    asked = request.query_params.get("lang")
    return f"{path}&lang={asked}" if asked in ("da", "en") else path


def not_found(request: Request, library: Library, document: str, error: NotStored) -> HTMLResponse:
    """Says what is not there, and where to go on."""
    language = language_of(request.scope)
    onward = None
    if error.what != "meeting":
        try:
            onward = links.meeting_path(corrections.current(library, document))
        except NotStored:
            onward = None
    return render.page(
        request, "missing.html", 404, heading=text("page.not_found_title", language),
        sentence=text(error.text_key, language), meeting=onward,
    )  # fmt: skip


def read_span(start: str, end: str) -> Span | None:
    """The quoted stretch a link names, or None."""
    if start.isdecimal() and end.isdecimal() and len(start + end) < 20 and int(start) < int(end):
        return Span(int(start), int(end))
    return None


# -- an item --------------------------------------------------------------------------------------


def item_page(request: Request, found: Found, quote: Span | None, asked_for: str) -> HTMLResponse:
    """An item, or the minutes' header, as a page; of a closed item its public heading only."""
    language = language_of(request.scope)
    minutes, item = found.minutes, found.item
    number = HEADER_ITEM if item is None else links.item_number(minutes, found.index)
    shown = [shown_section(minutes, section, found.span, language) for section in public_sections(minutes, item)]
    marked = any("<mark" in section.words for section in shown)
    compared = comparison(found, marked)
    return render.page(
        request,
        "item.html",
        heading=(item.title if item else "") or text("page.heading_section", language),
        where=sources.meeting_line(
            minutes.municipality, minutes.committee, short_date(minutes, language), number, "", language
        ),
        meeting=links.meeting_path(minutes.id),
        case_number=item.case_number if item else None,
        case=links.case_path(item.case_number) if item and item.case_number else None,
        closed=bool(item and item.closed),
        marked=marked,
        quoted=quoted(request, minutes, found.span, language) if marked and found.span else None,
        corrected=found.corrected,
        of_agenda=bool(found.old and found.old.kind == AGENDA and minutes.kind != AGENDA),
        compared=compared,
        words_gone=found.corrected and quote is not None and compared is None,
        notes=list(notes(found, quote, marked, language)),
        sections=shown,
        decision=decision_words(item, language),
        before=neighbour(minutes, found.index - 1, language),
        after=neighbour(minutes, found.index + 1, language),
        source=minutes.source,
        published=links.published_at(minutes),
    )


def quoted(request: Request, minutes: Minutes, quote: Span, language: str) -> dict[str, str] | None:
    """What the buttons of a quoted stretch hold: its place for the memo, and the quote with its reference to copy."""
    try:
        copied = quote_with_reference(minutes, quote, language, render.site(request))
    except NotQuotable:
        return None
    return {"memo": json.dumps({"document": minutes.id, "start": quote.start, "end": quote.end}), "copied": copied}


def public_sections(minutes: Minutes, item: AgendaItem | None) -> Iterator[Section]:
    """The sections to be shown; of a closed item its heading only."""
    if item is not None and item.closed:
        yield from item.sections[:1]
        return
    yield from sources.item_sections(minutes, item)


def shown_section(minutes: Minutes, section: Section, quote: Span | None, language: str) -> ShownSection:
    unread = not section.heading.strip() and section.kind is not SectionKind.HEADER
    name = sources.section_name(section, language)
    return ShownSection(
        kind=section.kind.value,
        name=name,
        label="" if unread else label_of(section.kind, name, language),
        not_decided=section.kind in NOT_DECIDED,
        words=Markup(sources.section_words(minutes, section, quote, MARK)),  # escaped there
        page=minutes.page(section.start),
    )


def label_of(kind: SectionKind, name: str, language: str) -> str:
    """What a section is, where its printed heading does not say it or it is easily taken for a decision."""
    if kind in NOT_DECIDED:
        return text(f"source.is_{kind}", language)
    said = text(f"source.kind_{kind}", language)
    same = said.casefold() in name.casefold() or name.casefold() in said.casefold()
    return "" if (same and language == "da") or kind is SectionKind.HEADER else said  # the headings are Danish


def notes(found: Found, quote: Span | None, marked: bool, language: str) -> Iterator[str]:
    """What a reader is to know before the text."""
    item = found.item
    if found.corrected and not found.sure:
        yield text("source.by_number", language)
    if item and item.closed:
        yield text("page.closed_item", language)
        return
    if found.minutes.kind == AGENDA:
        yield text("source.only_agenda", language)
    if quote and not marked and not found.corrected:
        yield text("page.quote_gone", language)
        log.info("a permalink's quote is not in its item any more")


def decision_words(item: AgendaItem | None, language: str) -> tuple[str, bool] | None:
    """(what became of an item in words, whether that is final); None without a decision."""
    if item is None or item.closed or item.decision is None:
        return None
    said = ", ".join(told(item.decision.outcomes, item.decision.final, language))
    return (said, item.decision.final) if said else None


def first_words(minutes: Minutes, item: AgendaItem) -> str:
    """How a decision begins, "" where there is none."""
    if item.closed or item.decision is None:
        return ""
    said = plain(minutes.text[item.decision.start : item.decision.end])
    return said if len(said) <= LONGEST_LINE else f"{said[:LONGEST_LINE].rsplit(' ', 1)[0]} …"


def neighbour(minutes: Minutes, index: int, language: str) -> tuple[str, str] | None:
    """(address, title with number) of an item; None where there is none."""
    if not 0 <= index < len(minutes.items):
        return None
    number = text("page.item", language, number=links.item_number(minutes, index))
    title = minutes.items[index].title
    return links.item_path(minutes, index), f"{number} · {title}" if title else number


def comparison(found: Found, marked: bool) -> Comparison | None:
    """What was quoted from minutes that were corrected since, beside what stands there now."""
    if found.was is None or found.old is None:
        return None
    return Comparison(plain(found.was), "" if marked else now_said(found), marked)


def now_said(found: Found) -> str:
    """What the sections of the same kind say now, "" where there are none."""
    minutes, item = found.minutes, found.item
    sections = item.of_kind(found.kind) if item and found.kind and not item.closed else ()
    said = " … ".join(plain(s.span.of(minutes.text)) for s in sections)
    return said if len(said) <= LONGEST_NOW else f"{said[:LONGEST_NOW].rsplit(' ', 1)[0]} …"


# -- a meeting ------------------------------------------------------------------------------------


def meeting_page(request: Request, minutes: Minutes, *, corrected: bool) -> HTMLResponse:
    """The meeting as printed: its header, who was there, its items with what became of them."""
    language = language_of(request.scope)
    agenda = [
        {
            "number": links.item_number(minutes, index),
            "title": item.title or text("answer.no_title", language),
            "path": links.item_path(minutes, index),
            "closed": item.closed,
            "decision": decision_words(item, language),
            "said": first_words(minutes, item),
            "case_number": item.case_number,
            "case": links.case_path(item.case_number) if item.case_number else None,
        }
        for index, item in enumerate(minutes.items)
    ]
    header = Markup(sources.printed(minutes.text, minutes.header.start, minutes.header.end, None))  # escaped there
    return render.page(
        request,
        "meeting.html",
        heading=", ".join(
            x for x in (minutes.committee or text("source.a_meeting", language), short_date(minutes, language)) if x
        ),
        minutes=minutes,
        when=date_text(minutes, language),
        agenda=agenda,
        header=header,
        header_path=links.item_path(minutes, links.HEADER_INDEX),
        corrected=corrected,
        only_agenda=minutes.kind == AGENDA,
        closed=sum(item.closed for item in minutes.items),
        source=minutes.source,
        published=links.published_at(minutes),
    )
