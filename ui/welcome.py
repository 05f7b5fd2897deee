"""/velkommen: a committee for those who are new to it, read from its minutes (askamu.welcome, askamu.glossary)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from askamu.decision import told
from askamu.glossary import BODY, Entry, Passage, explanation, glossary
from askamu.minutes import Span
from askamu.texts import text
from askamu.ui import render
from askamu.ui.coverage import short_day
from askamu.ui.middleware import language_of
from askamu.welcome import Committee, Place, chosen, committees, place_of, welcome

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.minutes import Minutes

SHOWN_ITEMS, SHOWN_OPEN, SHOWN_RECURRING = 10, 8, 8  # the rest is folded
LONGEST = 360  # characters of a decision that are shown; its own page has it whole


def add_welcome(app: FastAPI, library_of: Callable[[], Library]) -> None:
    @app.get("/velkommen", include_in_schema=False)
    def for_new_members(
        request: Request,
        municipality: Annotated[str, Query(max_length=100)] = "",
        committee: Annotated[str, Query(max_length=200)] = "",
        of: Annotated[str, Query(max_length=300)] = "",
    ) -> Response:
        library = library_of()
        language = language_of(request.scope)
        every = committees(library)
        picked = next((c for c in every if of and key(c) == of), None)
        if picked is not None and picked.municipality and picked.committee:
            there = render.link(request, "/velkommen", municipality=picked.municipality, committee=picked.committee)
            return RedirectResponse(there, 303)
        picked = picked or chosen(library, municipality or None, committee or None)
        if picked is None:
            return render.notice(request, text("error.index_missing", language))
        return welcome_page(request, library, picked, every)


def key(of: Committee) -> str:
    """What the form calls a committee."""
    return f"{of.municipality or ''}/{of.committee or ''}"


def welcome_page(request: Request, library: Library, picked: Committee, every: Iterable[Committee]) -> HTMLResponse:
    language = language_of(request.scope)
    known = welcome(library, picked.municipality, picked.committee)
    terms = glossary(library, picked.municipality, picked.committee)

    def where(place: Place) -> str:
        address = f"/kilde/{quote(place.document, safe='')}/{quote(place.item, safe='')}"
        return render.link(request, address, fra=place.span.start, til=place.span.end) + "#citat"

    def passage(found: Passage) -> dict[str, Any]:
        minutes = library.minutes(found.document)
        span, term = found.span, found.term
        return {
            "before": minutes.text[span.start : term.start],
            "term": minutes.text[term.start : term.end],
            "after": minutes.text[term.end : span.end],
            "cut_before": not begins(minutes, span.start),
            "cut_after": not ends(minutes, span.end),
            "where": where(Place(found.document, number(minutes, found.item_index), span)),
            "day": short_day(library, library.meeting(found.document), language),
            "item": number(minutes, found.item_index),
        }

    def seen(entry: Entry) -> str | None:
        if entry.seen is None:
            return None
        document, index, start, end = entry.seen
        place = place_of(library.minutes(document), index)
        return where(Place(document, place.item, Span(start, end)))

    def own(entry: Entry) -> str:
        if entry.own == BODY:
            return text("welcome.body", language, name=entry.long)
        return explanation(entry.own, language)

    names = {(c.municipality, c.committee): c for c in every}
    return render.page(
        request,
        "welcome.html",
        told=told,
        picked=picked,
        name=picked.committee or text("coverage.unknown_committee", language),
        municipality=picked.municipality or text("coverage.unknown_municipality", language),
        choices=[
            (place or text("coverage.unknown_municipality", language), [(key(c), c) for c in group])
            for place, group in groupby(names.values(), key=lambda c: c.municipality)
        ],
        picked_key=key(picked),
        known=known,
        newest_day=short_day(library, picked.newest, language),
        by_minutes=[(e, passage(e.passage)) for e in terms if e.passage],
        by_us=[(e, own(e), seen(e)) for e in terms if e.passage is None],
        where=where,
        row_day=lambda row: short_day(library, row, language),
        step_day=lambda step: short_day(library, library.meeting(step.document), language),
        case=lambda case_number: render.link(request, f"/sager/{quote(case_number, safe='')}"),
        shortened=shortened,
        shown_items=SHOWN_ITEMS,
        shown_open=SHOWN_OPEN,
        shown_recurring=SHOWN_RECURRING,
    )


def number(minutes: Minutes, index: int) -> str:
    return minutes.items[index].number or str(index + 1)


def shortened(words: str) -> tuple[str, bool]:
    """The beginning of a quote, cut between words, and whether something was cut off."""
    words = words.strip()
    if len(words) <= LONGEST:
        return words, False
    cut = max(words.rfind(" ", 0, LONGEST), words.rfind("\n", 0, LONGEST))
    return words[: cut if cut > 0 else LONGEST].rstrip(), True


def begins(minutes: Minutes, start: int) -> bool:
    """Whether a passage begins where its sentence does, as far as the signs around it tell."""
    before = minutes.text[max(0, start - 3) : start]
    return not before.strip() or "\n" in before or before.rstrip().endswith((".", ":", "!", "?", "•", "-", "#", "*"))


def ends(minutes: Minutes, end: int) -> bool:
    after = minutes.text[end : end + 2]
    return minutes.text[end - 1 : end] in ".!?:" or not after.strip() or "\n" in after
