"""/beslutninger: the table of decisions as a page, as CSV and Excel, and as JSON under /api/decisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from askamu import decisions
from askamu.cite import is_margin, plain, short_date
from askamu.compose.draft import whole_words
from askamu.decisions import ENDINGS, SORTS, DecisionFilters, DecisionRow, Ending, Quote
from askamu.errors import AskamuError
from askamu.filters import Sort, read_filters
from askamu.minutes import Outcome, Span
from askamu.texts import text
from askamu.ui import render
from askamu.ui.chat import sentence
from askamu.ui.middleware import language_of, own_language

if TYPE_CHECKING:
    from askamu.library import Library

PATH = "/beslutninger"
PAGE = 50  # rows
QUOTE = 240  # characters of a decision in the table
POINTS = 2  # of a recommendation in the table
AROUND = 2  # page numbers on each side of the current one
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
FIELDS = ("municipality", "committee", "date_from", "date_to", "outcome", "case_number", "q")


class Wanted(BaseModel):
    """Which decisions are wanted, and in what order; what is empty is no limit."""

    municipality: str | None = Field(default=None, max_length=100, examples=["Greve"])
    committee: str | None = Field(default=None, max_length=200, examples=["Økonomiudvalget"])
    date_from: str | None = Field(default=None, max_length=10, description="2023, 2023-03, 2023-03-01 or 01.03.2023")
    date_to: str | None = Field(
        default=None, max_length=10, description="the same; a year or month is meant to its end"
    )
    outcome: Ending | None = Field(default=None, description="one of the outcomes, or »closed«")
    case_number: str | None = Field(default=None, max_length=50, description="as printed, whole")
    q: str | None = Field(default=None, max_length=200, description="words that must all stand in the row")
    sort: Sort = Field(default="-date", description="a column, with »-« in front for falling order")
    lang: Literal["da", "en"] | None = None

    @model_validator(mode="before")
    @classmethod
    def without_empty(cls, values: Any) -> Any:
        """A form sends every field, also those that nobody filled in."""
        return {k: v for k, v in values.items() if v != ""} if isinstance(values, dict) else values

    @property
    def filters(self) -> DecisionFilters:
        """Raises BadDate or PeriodReversed."""
        meetings = read_filters(self.municipality, self.committee, self.date_from, self.date_to, self.case_number)
        return DecisionFilters(meetings, self.outcome, self.q or "")

    def values(self, *without: str, **other: object) -> dict[str, object]:
        """The parameters of an address that asks for the same."""
        asked = {name: getattr(self, name) for name in FIELDS if name not in without}
        return {**asked, "sort": None if self.sort == "-date" else self.sort, **other}


class WantedPage(Wanted):
    page: int = Field(default=1, ge=1, le=1_000_000)


class WantedRows(Wanted):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=50, ge=1, le=500)
    offset: int = Field(default=0, ge=0, le=100_000_000)


class Quoted(BaseModel):
    quote: str = Field(description="the stored text of the document from `start` to `end`")
    start: int = Field(description="in characters")
    end: int
    whole: bool = Field(description="false where it goes on behind `end`")


class DecisionRecord(BaseModel):
    document: str
    source: str = Field(description="name of the file")
    municipality: str | None
    committee: str | None
    date: str | None = Field(description="ISO date; null where the minutes do not say")
    date_text: str = Field(description="the date as it is shown, or that it is not stated")
    item: str
    title: str
    case_number: str | None
    closed: bool = Field(description="only heading and case number are public")
    outcomes: list[Outcome]
    final: bool | None = Field(
        description="false: only recommended to another body, or put off; null: nothing was decided, or it is closed"
    )
    decision: Quoted | None
    adopted: list[Quoted] = Field(
        description="the points of the recommendation that a decision in a formula adopts or, where it is not final, "
        "recommends onwards"
    )
    permalink: str = Field(description="path of the item's page")


EXAMPLE: dict[str, Any] = {
    "total": 1, "limit": 50, "offset": 0,
    "decisions": [{
        "document": "1f0c…", "source": "bakkerup-teu-2024-03.txt", "municipality": "Bakkerup",
        "committee": "Teknisk Udvalg", "date": "2024-03-12", "date_text": "12.03.2024", "item": "4",
        "title": "Cykelsti langs Søvejen", "case_number": "05.01.02-P20-3-24", "closed": False,
        "outcomes": ["recommended"], "final": False,
        "decision": {"quote": "Anbefales.", "start": 5120, "end": 5130, "whole": True},
        "adopted": [{"quote": "at cykelstien anlægges.", "start": 5010, "end": 5033, "whole": True}],
        "permalink": "/kilde/1f0c…/4?fra=5120&til=5130",
    }],
}  # fmt: skip


class DecisionList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    total: int = Field(description="how many there are with these filters")
    limit: int
    offset: int
    decisions: list[DecisionRecord]


class Problem(BaseModel):
    """An error (RFC 9457); `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str


REFUSED: dict[int | str, dict[str, Any]] = {
    422: {
        "description": "A filter can't be read, or names what is not indexed",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}


def add_decisions(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """The page, its two files and the JSON route."""

    @app.get("/api/decisions", tags=["collection"], responses=REFUSED)
    def listed(request: Request, wanted: Annotated[WantedRows, Query()]) -> DecisionList:
        """What was decided, item by item. A recommendation to another body has `final` false."""
        rows = library_of().decisions.select(wanted.filters, wanted.sort)
        language = language_of(request.scope)
        shown = rows[wanted.offset : wanted.offset + wanted.limit]
        records = [DecisionRecord.model_validate(decisions.as_record(row, language)) for row in shown]
        return DecisionList(total=len(rows), limit=wanted.limit, offset=wanted.offset, decisions=records)

    @app.get(PATH, response_class=HTMLResponse, include_in_schema=False)
    def table(request: Request, wanted: Annotated[WantedPage, Query()]) -> HTMLResponse:
        library = library_of()
        try:
            filters = wanted.filters
            rows = library.decisions.select(filters, wanted.sort)
        except AskamuError as error:
            if error.http_status != 422:
                raise
            said = sentence(error, language_of(request.scope))
            return table_page(request, library, wanted, DecisionFilters(), [], said)
        return table_page(request, library, wanted, filters, rows)

    @app.get(f"{PATH}.{{kind}}", include_in_schema=False)
    def file(request: Request, kind: Literal["csv", "xlsx"], wanted: Annotated[Wanted, Query()]) -> Response:
        language = language_of(request.scope)
        library, filters = library_of(), wanted.filters
        rows = library.decisions.select(filters, wanted.sort)
        site = render.site(request)
        if kind == "csv":
            content: str | bytes = decisions.as_csv(rows, language, site)
        else:
            content = decisions.as_xlsx(rows, filters, language, site)
        name = decisions.file_name(filters, kind, language)
        sent = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=KINDS[kind], headers=sent)


def table_page(
    request: Request,
    library: Library,
    wanted: WantedPage,
    filters: DecisionFilters,
    rows: Sequence[DecisionRow],
    error: str = "",
) -> HTMLResponse:
    """One page of the table, or why there is none."""
    language = language_of(request.scope)
    pages = max(1, -(-len(rows) // PAGE))
    here = min(wanted.page, pages)
    first = (here - 1) * PAGE
    shown = rows[first : first + PAGE]
    set_filters = decisions.filter_words(filters, language)

    def address(*without: str, **other: object) -> str:
        return render.link(request, PATH, **wanted.values(*without, **other))

    def download(kind: str) -> str:
        return render.link(request, f"{PATH}.{kind}", **wanted.values())

    return render.page(
        request,
        "decisions.html",
        422 if error else 200,
        error=error,
        path=PATH,
        wanted=wanted,
        form_language=None if language == own_language(request.scope) else language,
        municipalities=[(name, name) for name in library.municipalities],
        committees=[(name, name) for name in committees(library, wanted)],
        endings=[(ending, decisions.ending_name(ending, language)) for ending in ENDINGS],
        sorts=SORTS,
        chips=[(said, address(name)) for name, said in set_filters],
        counts=counts(rows, (first, first + len(shown)) if pages > 1 else None, language),
        files=[(kind, download(kind)) for kind in KINDS] if rows else [],
        columns=[column(name, wanted.sort, address) for name in ("date", "title", "committee", "outcome", "words")],
        rows=[view(request, row, language) for row in shown],
        not_final=any(row.recommended for row in shown),
        several=len(library.municipalities) > 1,
        page=here,
        pages=pages,
        links=[(n, address(page=None if n == 1 else n)) for n in page_numbers(here, pages)],
        previous=address(page=here - 1 if here > 2 else None) if here > 1 else None,
        next=address(page=here + 1) if here < pages else None,
        empty=None if rows or error else emptiness(library, filters, set_filters, address, language),
        everything=render.link(request, PATH),
    )


def committees(library: Library, wanted: Wanted) -> list[str]:
    """The committees to choose from: those of the municipality, where one is chosen, and the one that is chosen."""
    meetings = [m for m in library.meetings if wanted.municipality in (None, m.municipality)]
    return sorted({m.committee for m in meetings if m.committee} | ({wanted.committee} if wanted.committee else set()))


def counts(rows: Sequence[DecisionRow], shown: tuple[int, int] | None, language: str) -> list[str]:
    """How many rows there are, what is special about some of them, and which are shown where not all are."""
    closed = sum(row.closed for row in rows)
    undated = sum(row.held_on is None for row in rows)
    said = [several(len(rows), "decisions.found_one", "decisions.found", language)]
    if closed:
        said.append(text("decisions.found_closed", language, n=number(closed, language)))
    if undated:
        said.append(text("decisions.found_undated", language, n=number(undated, language)))
    if shown:
        first, last = number(shown[0] + 1, language), number(shown[1], language)
        said.append(text("decisions.shown", language, first=first, last=last))
    return said


def several(n: int, one: str, many: str, language: str, **values: object) -> str:
    """The text `one` for 1, else `many` with the number."""
    return text(one, language, **values) if n == 1 else text(many, language, n=number(n, language), **values)


def number(n: int, language: str) -> str:
    return f"{n:,}".replace(",", "." if language == "da" else ",")


def column(name: str, sort: Sort, address: Callable[..., str]) -> dict[str, Any]:
    """A heading: how it is sorted now, and where it leads, None for a column without an order."""
    if name not in SORTS:
        return {"name": name, "sorted": None, "href": None}
    falling = f"-{name}"
    first, second = (falling, name) if name == "date" else (name, falling)
    chosen = second if sort == first else first
    order = {name: "ascending", falling: "descending"}.get(sort)
    return {"name": name, "sorted": order, "href": address(sort=None if chosen == "-date" else chosen)}


def page_numbers(here: int, pages: int) -> list[int]:
    """The first page, the last one and those around this one."""
    return sorted({1, pages, *range(max(1, here - AROUND), min(pages, here + AROUND) + 1)})


def view(request: Request, row: DecisionRow, language: str) -> dict[str, Any]:
    """A row as the template shows it."""
    names = decisions.labels(row, language)
    first = "closed" if row.closed else "open" if row.final is False else ""
    year = not row.held_on and short_date(row, language) != text("date.none", language)
    return {
        "held_on": row.held_on,
        "date": short_date(row, language),
        "undated": text("date.unknown", language) if year else "",
        "href": f"{render.link(request, row.path, fra=row.span.start, til=row.span.end)}#citat",
        "title": decisions.heading(row, language),
        "printed": bool(row.title),
        "item": row.item,
        "case_number": row.case_number,
        "same_case": render.link(request, PATH, case_number=row.case_number),
        "committee": row.committee,
        "municipality": row.municipality,
        "labels": [(names[0], first), *((name, "part" if row.recommended else "") for name in names[1:])],
        "quote": lines(row.quote) if row.quote else [],
        "adopted_label": decisions.adopted_label(row, language),
        "adopted": [lines(point) for point in row.adopted[:POINTS]],
        "more": text("decisions.more_points", language) if len(row.adopted) > POINTS else "",
    }


def lines(quote: Quote) -> list[str]:
    """The first words of a quote, on lines as its writer meant them."""
    cut = whole_words(quote.text, Span(0, len(quote.text)), QUOTE)
    said = cut.of(quote.text)
    ends = [m.start() for m in re.finditer("\n", said) if not is_margin(said, m.start())]
    parts = [plain(said[a:b]) for a, b in pairwise([0, *ends, len(said)])]
    whole = quote.whole and cut.end == len(quote.text)
    shown = [part for part in parts if part] or [""]
    return shown if whole else [*shown[:-1], f"{shown[-1]} …".lstrip()]


def emptiness(
    library: Library,
    filters: DecisionFilters,
    set_filters: Sequence[tuple[str, str]],
    address: Callable[..., str],
    language: str,
) -> dict[str, Any]:
    """What was searched where nothing was found, and what there is without each of the filters."""
    lifted = []
    for name, words in set_filters:
        n = len(library.decisions.select(without(filters, name)))
        if n and len(set_filters) > 1:
            lifted.append(
                (several(n, "decisions.without_one", "decisions.without", language, filter=words), address(name))
            )
    return {"said": decisions.searched(library, filters, language), "lifted": lifted, "limited": bool(set_filters)}


def without(filters: DecisionFilters, name: str) -> DecisionFilters:
    """The filters with one of them lifted."""
    if name == "outcome":
        return replace(filters, ending=None)
    if name == "q":
        return replace(filters, words="")
    lifted: dict[str, Any] = {name: None}
    return replace(filters, meetings=replace(filters.meetings, **lifted))
