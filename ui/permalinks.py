"""/kilde/…: an item as printed, on a page of its own, without scripts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from askamu.cite import short_date
from askamu.errors import NotQuotable
from askamu.minutes import AgendaItem, Minutes, Span
from askamu.passage import HEADER_ITEM
from askamu.reference import quote_with_reference
from askamu.texts import text
from askamu.ui import render, sources
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library

log = logging.getLogger("askamu.ui")
MARK = '<mark id="citat">'


def add_permalinks(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """The pages that a citation leads to."""

    @app.get("/kilde/{document}/{item}", response_class=HTMLResponse, include_in_schema=False)
    def source(request: Request, document: str, item: str, fra: str = "", til: str = "") -> HTMLResponse:
        language = language_of(request.scope)
        try:
            minutes = library_of().minutes(document)
        except KeyError:
            return render.notice(request, text("page.source_not_found", language))
        quote = read_span(fra, til)
        found = None if item == HEADER_ITEM else sources.item_at(minutes, item, quote.start if quote else None)
        if found is None and item != HEADER_ITEM:
            return render.notice(request, text("page.item_not_found", language))
        return item_page(request, minutes, found, quote)


def read_span(start: str, end: str) -> Span | None:
    """The quoted stretch a link names, or None."""
    if start.isdecimal() and end.isdecimal() and len(start + end) < 20 and int(start) < int(end):
        return Span(int(start), int(end))
    return None


def item_page(request: Request, minutes: Minutes, item: AgendaItem | None, quote: Span | None) -> HTMLResponse:
    """An item, or the minutes' header, as a page; of a closed item its public heading only."""
    language = language_of(request.scope)
    number = HEADER_ITEM if item is None else item.number or ""
    day = short_date(minutes, language)
    sections = [
        (sources.section_name(section, language), Markup(sources.section_words(minutes, section, quote, MARK)))
        for section in sources.item_sections(minutes, item)
        if not (item and item.closed) or section is item.sections[0]
    ]
    marked = any("<mark" in words for _, words in sections)
    notes = []
    if item and item.closed:
        notes.append(text("page.closed_item", language))
    elif quote and not marked:
        notes.append(text("page.quote_gone", language))
        log.info("a permalink's quote is not in its item any more")
    return render.page(
        request,
        "item.html",
        heading=(item.title if item else "") or text("page.heading_section", language),
        where=sources.meeting_line(minutes.municipality, minutes.committee, day, number, "", language),
        case_number=item.case_number if item else None,
        marked=marked,
        quoted=quoted(request, minutes, quote, language) if marked and quote else None,
        notes=notes,
        sections=sections,
        source=minutes.source,
    )


def quoted(request: Request, minutes: Minutes, quote: Span, language: str) -> dict[str, str] | None:
    """What the buttons of a quoted stretch hold: its place for the memo, and the quote with its reference to copy."""
    try:
        copied = quote_with_reference(minutes, quote, language, str(request.base_url))
    except NotQuotable:
        return None
    return {"memo": json.dumps({"document": minutes.id, "start": quote.start, "end": quote.end}), "copied": copied}
