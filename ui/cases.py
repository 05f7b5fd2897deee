"""/sager, /emner and their API: cases and topics followed over time, as drawings and as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date as day
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from askamu.cite import heading, plain
from askamu.compose import decision as deciding
from askamu.compose.draft import quoted
from askamu.compose.onward import own_ways
from askamu.danish import fold
from askamu.decision import told
from askamu.errors import QuestionTooLong
from askamu.filters import read_filters
from askamu.metadata import is_council
from askamu.minutes import Minutes, Outcome, Span
from askamu.passage import Filters
from askamu.record import case_key
from askamu.series import COUNT, Figure, Point, Series, when_text
from askamu.texts import day_text, text
from askamu.threads import COLLECTIVE, Step, Thread, thread_record
from askamu.topics import Mention, Topic, follow, said_by, topic_record
from askamu.ui import render, sources, timeline
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library

PAGE = 25  # cases on one
MOST_WORDS = 200  # characters that are searched for
LONG, LONG_POINT = 700, 320  # characters of a decision, and of a recommendation's point, that are shown
MOST_SERIES = 12
MOST_ITEMS, MOST_NAMED = 60, 40
MOST_POINTS = 3  # of a recommendation, under an item of a topic
FORMS = {  # the drawing's form of an outcome
    Outcome.APPROVED: "decided", Outcome.APPROVED_WITH_CHANGE: "decided", Outcome.NOTED: "noted",
    Outcome.DISCUSSED: "discussed", Outcome.RECOMMENDED: "recommended", Outcome.POSTPONED: "postponed",
    Outcome.REJECTED: "rejected", Outcome.SENT_BACK: "sent_back", Outcome.WITHDRAWN: "withdrawn",
    Outcome.NONE: "nothing", Outcome.OTHER: "other",
}  # fmt: skip
BESIDE = frozenset({Outcome.NOTED, Outcome.DISCUSSED})  # they stand beside another outcome


@dataclass(frozen=True, slots=True)
class Said:
    """Words of a document as they are shown, and the page where they stand."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as a page shows it."""

    n: int
    step: Step
    day: str  # in words; where it is not known, that and its bounds
    place: str
    form: str
    outcomes: tuple[str, ...]
    href: str  # of the item
    number: str  # of the item, "" where none is printed
    decision: Said | None
    label: str  # short, for a drawing
    beside: str  # says what became of the recommendation's points
    points: tuple[Said, ...]
    followed: tuple[Said, ...]  # what another body recommended, where the decision adopts that
    notes: tuple[str, ...]  # how sure it is that it belongs here, another case number
    quote: Said | None = None  # a topic's words
    quoted_as: str = ""  # whose words they are
    case_path: str = ""  # of the case that it is a step of, "" where it is the only one


def add_cases(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """The pages of cases and topics, and their API."""

    @app.get("/sager", response_class=HTMLResponse, include_in_schema=False)
    def cases(
        request: Request, q: str = "", municipality: str = "", committee: str = "", alle: str = "", side: int = 1
    ) -> HTMLResponse:
        library = library_of()
        found = search(library, q, municipality, committee, single=bool(alle))
        pages = max(1, -(-len(found) // PAGE))
        side = min(max(side, 1), pages)
        shown = [overview(library, t, language_of(request.scope)) for t in found[(side - 1) * PAGE : side * PAGE]]
        return render.page(
            request, "cases.html", found=len(found), cases=shown, q=q, alle=alle, side=side, pages=pages,
            municipality=municipality, committee=committee, library=library,
        )  # fmt: skip

    @app.get("/sager/punkt/{document}/{item}", response_class=HTMLResponse, include_in_schema=False)
    def case_of_item(request: Request, document: str, item: str) -> HTMLResponse:
        library, language = library_of(), language_of(request.scope)
        try:
            minutes = library.minutes(document)
        except KeyError:
            return render.notice(request, text("error.not_stored_meeting", language))
        index = place_of(minutes, item)
        thread = library.cases.of_item(document, index) if index is not None else None
        if thread is None:
            return render.notice(request, text("error.not_stored_item", language))
        return case_page(request, library, None, [thread])

    @app.get("/sager/{number:path}", response_class=HTMLResponse, include_in_schema=False)
    def case(request: Request, number: str) -> HTMLResponse:
        library = library_of()
        return case_page(request, library, number, library.cases.of_number(number))

    @app.get("/emner", response_class=HTMLResponse, include_in_schema=False)
    def topic(
        request: Request, q: str = "", municipality: str = "", committee: str = "", fra: str = "", til: str = ""
    ) -> HTMLResponse:
        library, language = library_of(), language_of(request.scope)
        given = read_filters(municipality, committee, fra, til)
        if len(q) > MOST_WORDS:
            raise QuestionTooLong(len(q), MOST_WORDS)
        found = follow(library, q, given, language) if q.strip() else None
        asked = {"q": q, "municipality": municipality, "committee": committee, "fra": fra, "til": til}
        return topic_page(request, library, found, asked)

    @app.get("/api/cases", tags=["cases"], response_model=CaseList)
    def case_list(
        q: Annotated[str, Query(max_length=200, description="a case number or words of the headings")] = "",
        municipality: str = "",
        committee: str = "",
        single: Annotated[bool, Query(description="also cases that were on an agenda once")] = False,
        page: Annotated[int, Query(ge=1)] = 1,
        per_page: Annotated[int, Query(ge=1, le=100)] = PAGE,
    ) -> CaseList:
        """The cases that were on an agenda more than once, the one that was treated last first."""
        library = library_of()
        library.check(Filters(municipality or None, committee or None))
        found = search(library, q, municipality, committee, single=single)
        part = found[(page - 1) * per_page : page * per_page]
        return CaseList(count=len(found), page=page, cases=[CaseLine.model_validate(line_of(t)) for t in part])

    @app.get(
        "/api/cases/{number:path}", tags=["cases"], response_model=CaseRecord,
        responses={404: {"description": "no item has the case number", "content": {"application/problem+json": {}}}},
    )  # fmt: skip
    def case_record(number: str) -> CaseRecord:
        """A case followed over meetings and committees; several threads where its number covers several."""
        library = library_of()
        threads = [thread_record(t, library) for t in library.cases.of_number(number)]
        return CaseRecord.model_validate({"case_number": number, "threads": threads})

    @app.get("/api/topics", tags=["cases"], response_model=TopicRecord)
    def topic_record_of(
        q: Annotated[str, Query(min_length=1, max_length=500, description="the topic's words")],
        municipality: str | None = None,
        committee: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> TopicRecord:
        """The items about a topic over time, and the figures that minutes give for it."""
        library = library_of()
        found = follow(library, q, read_filters(municipality, committee, date_from, date_to))
        return TopicRecord.model_validate(topic_record(found, library))


# -- finding ---------------------------------------------------------------------------------------


def search(library: Library, words: str, municipality: str, committee: str, *, single: bool) -> list[Thread]:
    """Cases by their number or by words of their headings, the one that was treated last first.

    Args:
        single: also those that were on an agenda once; a case number finds them anyway.
    """
    words = words[:MOST_WORDS]
    key, terms = case_key(words), set(fold(words).split())
    found = []
    for thread in library.cases.threads:
        if municipality and thread.municipality != municipality:
            continue
        if committee and all(s.committee != committee for s in thread.steps):
            continue
        numbered = bool(key) and any(s.case_number and key in case_key(s.case_number) for s in thread.steps)
        if not numbered and not (single or len(thread.steps) > 1):
            continue
        titles = " \n ".join(fold(s.title) for s in thread.steps) if terms else ""
        if numbered or all(term in titles for term in terms):
            found.append(thread)
    return found


def place_of(minutes: Minutes, item: str) -> int | None:
    """The position of an item in its minutes, by its printed number; by its place from 1 where none is printed."""
    found = sources.item_at(minutes, item, None)
    if found is None and item.isdecimal() and 0 < int(item) <= len(minutes.items):
        found = minutes.items[int(item) - 1]
    return minutes.items.index(found) if found else None


def address_of(thread: Thread) -> str:
    """The path of a case's page."""
    if thread.case_number:
        return f"/sager/{quote(thread.case_number, safe='')}"
    step = thread.steps[0]
    return f"/sager/punkt/{quote(step.document, safe='')}/{quote(step.name, safe='')}"


# -- pages -----------------------------------------------------------------------------------------


def overview(library: Library, thread: Thread, language: str) -> dict[str, Any]:
    """A case as a line of the list."""
    dated = [s for s in thread.steps if s.held_on]
    undated = [s for s in thread.steps if not s.held_on]
    latest = [*dated[-1:], *undated]  # where an undated meeting stands among the others is not known
    return {
        "title": thread.title or text("cases.untitled", language),
        "number": thread.case_number,
        "path": address_of(thread),
        "municipality": thread.municipality,
        "committees": list(dict.fromkeys(s.committee for s in thread.steps if s.committee)),
        "times": len(thread.steps),
        "first": dated[0].held_on if dated and not undated else None,
        "latest": list(dict.fromkeys((day_words(s, language), form_of(s), outcome_words(s, language)) for s in latest)),
        "sure": thread.confidence >= COLLECTIVE,
    }


def case_page(request: Request, library: Library, number: str | None, threads: Sequence[Thread]) -> HTMLResponse:
    language = language_of(request.scope)
    parts = []
    for thread in threads:
        several = len(thread.steps) > 1
        steps = [shown(request, library, n, s, number, several=several) for n, s in enumerate(thread.steps, start=1)]
        drawn = timeline.timeline([event(s) for s in steps], language, one_case=True)
        committees = list(dict.fromkeys(s.committee for s in thread.steps if s.committee))
        parts.append(
            {
                "title": thread.title or text("cases.untitled", language),
                "municipality": thread.municipality,
                "steps": steps,
                "drawing": drawn,
                "committees": committees,
                "numbers": list(dict.fromkeys(s.case_number for s in thread.steps if s.case_number)),
                "sure": thread.confidence >= COLLECTIVE,
            }
        )
    return render.page(request, "case.html", number=number, parts=parts)


def topic_page(request: Request, library: Library, topic: Topic | None, asked: dict[str, str]) -> HTMLResponse:
    language = language_of(request.scope)
    values: dict[str, Any] = {"asked": asked, "library": library, "topic": topic}
    if topic is not None:
        several = len({m.step.municipality for m in topic.items[-MOST_ITEMS:]}) > 1
        steps = [shown_mention(request, library, n, m) for n, m in enumerate(topic.items[-MOST_ITEMS:], start=1)]
        values["steps"] = steps
        values["found"] = len(topic.items)
        values["drawing"] = timeline.timeline([event(s, several) for s in steps], language, one_case=False)
        values["named"] = [shown_mention(request, library, 0, m) for m in reversed(topic.named[-MOST_NAMED:])]
        values["series"] = [shown_series(request, library, s) for s in topic.series[:MOST_SERIES]]
        values["more_series"] = max(0, len(topic.series) - MOST_SERIES)
    return render.page(request, "topic.html", **values)


def event(shown: Shown, several: bool = False) -> timeline.Event:
    step = shown.step
    lane = " · ".join(p for p in (step.municipality if several else None, step.committee) if p)
    said = "; ".join(shown.outcomes)
    title = f"{shown.n}. {shown.day}, {shown.place}: {step.title} – {said}"
    return timeline.Event(
        shown.n, lane or "–", step.held_on, step.earliest, step.latest, shown.form, shown.label, title, shown.href
    )  # fmt: skip


def shown(request: Request, library: Library, n: int, step: Step, asked: str | None, *, several: bool = False) -> Shown:
    """A step with its decision's own words."""
    language = language_of(request.scope)
    minutes = library.minutes(step.document)
    item = minutes.items[step.item_index]
    decision = None if item.closed else item.decision
    said, beside = None, ""
    notes = doubts(step, asked, language, several=several)
    if decision is None and not item.closed and minutes.kind.startswith("dagsorden"):
        notes.append(text("cases.only_agenda", language))
    points: list[Span] = []
    followed: list[Span] = []
    if decision is not None:
        span = quoted(minutes, decision)
        said = Said(cut(span.of(minutes.text), LONG), here(request, step.permalink(span)))
        theirs = own_ways(minutes, item)
        beside, points = deciding.beside(minutes, item, of_another=bool(theirs))
        followed = [Span(entry.head.start, entry.said.end) for entry in theirs]
    return Shown(
        n, step, day_words(step, language), place_words(step), form_of(step), outcome_words(step, language),
        here(request, step.permalink(heading(minutes, item))), step.number or "", said, short_words(step, language),
        text(f"answer.{beside}", language) if beside else "",
        tuple(Said(cut(p.of(minutes.text), LONG_POINT), here(request, step.permalink(p))) for p in points),
        tuple(Said(cut(p.of(minutes.text), LONG), here(request, step.permalink(p))) for p in followed),
        tuple(notes),
    )  # fmt: skip


def shown_mention(request: Request, library: Library, n: int, mention: Mention) -> Shown:
    """An item of a topic: its outcome, and the words that show it is about the topic."""
    step = mention.step
    minutes = library.minutes(step.document)
    said = None
    if mention.quote is not None:
        href = here(request, step.permalink(mention.quote))
        said = Said(cut(mention.quote.of(minutes.text), LONG_POINT), href)
    base = shown(request, library, n, step, None)
    base = replace(base, points=base.points[:MOST_POINTS], decision=shortened(base.decision))
    thread = library.cases.of_item(step.document, step.item_index)
    path = address_of(thread) if thread and len(thread.steps) > 1 else ""
    quoted_as = text(said_by(mention), language_of(request.scope))
    return replace(
        base, quoted_as=quoted_as, place=place_words(step, municipality=True), quote=said, case_path=path, notes=()
    )


def shortened(said: Said | None) -> Said | None:
    return said and replace(said, words=cut(said.words, LONG_POINT))


def here(request: Request, path: str) -> str:
    """A permalink in the language of the page, at its marked words."""
    language = language_of(request.scope)
    other = f"&lang={language}" if render.link(request, "") else ""
    return f"{path}{other}#citat"


def form_of(step: Step) -> str:
    """The form that a step is drawn in."""
    if step.closed:
        return "closed"
    if not step.outcomes:
        return "undecided"
    if Outcome.RECOMMENDED in step.outcomes:  # not final, whatever stands beside it; a council recommends to nobody
        return "other" if is_council(step.committee) else "recommended"
    if step.final is False and Outcome.REJECTED in step.outcomes:
        return "recommended"  # against it, and to the body that decides
    forms = {FORMS[o] for o in step.outcomes}
    others = {FORMS[o] for o in step.outcomes if o not in BESIDE}
    if not others:
        return FORMS[step.outcomes[0]]
    return others.pop() if len(forms) == 1 or others == {"decided"} else "mixed"


def outcome_words(step: Step, language: str) -> tuple[str, ...]:
    if step.closed:
        return (text("cases.closed", language),)
    if Outcome.RECOMMENDED in step.outcomes and is_council(step.committee):
        return (text("outcome.other", language),)
    return tuple(told(step.outcomes, step.final, language)) or (text("cases.undecided", language),)


def short_words(step: Step, language: str) -> str:
    """The outcome in a word or two, as it stands beside the form."""
    form = form_of(step)
    if form in ("closed", "undecided", "mixed", "other"):
        return text(f"cases.short_{form}", language)
    if form == "recommended":
        return text("cases.short_recommended", language)
    outcome = next((o for o in step.outcomes if o not in BESIDE), step.outcomes[0])
    return text(f"cases.short_{outcome.value}", language)


def day_words(step: Step, language: str) -> str:
    if step.held_on:
        return day_text(step.held_on, language)
    said = text("date.unknown", language)
    if not (step.earliest or step.latest):
        return said
    when = timeline.span_words(step.earliest, step.latest, language)
    return when if said in when else f"{when} ({said})"


def place_words(step: Step, municipality: bool = False) -> str:
    return " · ".join(p for p in (step.municipality if municipality else None, step.committee) if p)


def doubts(step: Step, asked: str | None, language: str, *, several: bool) -> list[str]:
    """How sure it is that a step belongs to its case, in words."""
    found = []
    if step.confidence < COLLECTIVE:
        found.append(text("cases.by_title", language))
    elif step.confidence < 1:
        found.append(text("cases.collective", language))
    if asked and step.case_number and case_key(step.case_number) != case_key(asked):
        found.append(text("cases.other_number", language, number=step.case_number))
    if step.held_on is None and several:
        found.append(text("cases.undated_place", language))
    return found


def cut(words: str, most: int) -> str:
    """A quote on one line, cut with … at the end of a word where it is long."""
    flat = plain(words)
    if len(flat) <= most:
        return flat
    return flat[: most + 1].rsplit(" ", 1)[0][:most].rstrip(" ,;:–-") + " …"


# -- series ----------------------------------------------------------------------------------------


def shown_series(request: Request, library: Library, series: Series) -> dict[str, Any]:
    """A series as a page shows it: the drawing, and a row for each point."""
    language = language_of(request.scope)
    rows: list[dict[str, Any]] = []
    values: list[timeline.Value] = []
    for point in series.points:
        time, conflict = when_text(point.when, language), point.when in series.conflicts
        minutes = library.minutes(point.figure.document)
        step = library.cases.step(point.figure.document, point.figure.item_index)
        href = here(request, step.permalink(point.figure.quote))
        unit = "" if series.unit_kind == COUNT else series.unit
        said = f"{time}: {point.figure.printed} {unit}".strip()
        title = f"{said} ({day_words(step, language)}, {place_words(step)})"
        values.append(
            timeline.Value(
                point.when.first,
                when_text(point.when, language, short=True),
                point.value,
                point.figure.printed,
                title,
                href,
                conflict,
            )
        )
        rows.append(
            {
                "time": time,
                "printed": point.figure.printed,
                "quote": cut(point.figure.quote.of(minutes.text), LONG_POINT),
                "href": href,
                "where": f"{place_words(step)}, {day_words(step, language)}",
                "others": [other_place(request, library, f, language) for f in others(point)],
                "conflict": conflict,
                "again": bool(rows) and rows[-1]["href"] == href,
            }
        )
    newest = library.cases.step(series.points[-1].figure.document, series.points[-1].figure.item_index)
    return {
        "unit": "" if series.unit_kind == COUNT else series.unit,  # what is counted, its label says
        "label": series.label, "caption": series.caption, "municipality": series.municipality,
        "title": newest.title, "in_table": series.points[-1].figure.in_table, "rows": rows,
        "conflicts": bool(series.conflicts), "drawing": timeline.plot(values, language),
    }  # fmt: skip


def others(point: Point) -> list[Figure]:
    """The other items that state the same, one figure of each."""
    by_item = {(f.document, f.item_index): f for f in reversed(point.figures)}
    return [f for f in reversed(by_item.values()) if f.document != point.figure.document][:6]


def other_place(request: Request, library: Library, figure: Figure, language: str) -> Said:
    step = library.cases.step(figure.document, figure.item_index)
    day = f"{step.held_on:%d.%m.%Y}" if step.held_on else text("date.unknown", language)
    return Said(f"{step.committee or ''} {day}".strip(), here(request, step.permalink(figure.quote)))


# -- records ---------------------------------------------------------------------------------------


def line_of(thread: Thread) -> dict[str, Any]:
    last = thread.steps[-1]
    return {
        "title": thread.title,
        "case_number": thread.case_number,
        "municipality": thread.municipality,
        "committees": list(dict.fromkeys(s.committee for s in thread.steps if s.committee)),
        "steps": len(thread.steps),
        "last": last.held_on,
        "outcomes": [o.value for o in last.outcomes],
        "final": last.final,
        "confidence": thread.confidence,
        "page": address_of(thread),
    }


class StepRecord(BaseModel):
    """One time a case was on an agenda. `decision` is cut from the stored text by `start` and `end`."""

    document: str
    source: str
    date: day | None = Field(description="null where the minutes do not say; `earliest` and `latest` bound it")
    earliest: day | None
    latest: day | None
    committee: str | None
    item: str | None
    item_index: int
    title: str
    case_number: str | None
    closed: bool
    outcomes: list[Outcome]
    final: bool | None = Field(description="false for a recommendation to another body; null without a decision")
    confidence: float = Field(description="1 where the case number says that it belongs here")
    decision: str | None
    start: int | None
    end: int | None
    item_id: str = Field(description="what /api/items/{id} names the item by")
    permalink: str


class ThreadRecord(BaseModel):
    municipality: str | None
    case_number: str | None
    title: str
    confidence: float
    steps: list[StepRecord]


class CaseRecord(BaseModel):
    """A case followed over meetings and committees."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "case_number": "15.20.00-P20-3-23",
                "threads": [
                    {
                        "municipality": "Fjordlev", "case_number": "15.20.00-P20-3-23", "title": "Småjob",
                        "confidence": 1.0,
                        "steps": [
                            {
                                "document": "1f0c", "source": "fjordlev-amu-2023-03.md", "date": "2023-03-07",
                                "earliest": "2023-03-07", "latest": "2023-03-07",
                                "committee": "Arbejdsmarkedsudvalget", "item": "2", "item_index": 1, "title": "Småjob",
                                "case_number": "15.20.00-P20-3-23", "closed": False, "outcomes": ["approved"],
                                "final": True, "confidence": 1.0, "decision": "Godkendt som indstillet.",
                                "start": 3120, "end": 3144, "item_id": "1f0c:1",
                                "permalink": "/kilde/1f0c/2?fra=3120&til=3144",
                            }
                        ],
                    }
                ],
            }
        }
    )  # fmt: skip
    case_number: str
    threads: list[ThreadRecord]


class CaseLine(BaseModel):
    title: str
    case_number: str | None
    municipality: str | None
    committees: list[str]
    steps: int
    last: day | None = Field(description="when it was treated last; null where the minutes do not say")
    outcomes: list[Outcome] = Field(description="of the last treatment")
    final: bool | None
    confidence: float
    page: str


class CaseList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "count": 1, "page": 1,
                "cases": [
                    {
                        "title": "Småjob", "case_number": "15.20.00-P20-3-23", "municipality": "Fjordlev",
                        "committees": ["Arbejdsmarkedsudvalget"], "steps": 4, "last": None, "outcomes": ["approved"],
                        "final": True, "confidence": 0.59, "page": "/sager/15.20.00-P20-3-23",
                    }
                ],
            }
        }
    )  # fmt: skip
    count: int
    page: int
    cases: list[CaseLine]


class MentionRecord(BaseModel):
    document: str
    source: str
    municipality: str | None
    committee: str | None
    date: day | None
    earliest: day | None
    latest: day | None
    item: str
    title: str
    case_number: str | None
    closed: bool
    outcomes: list[Outcome]
    final: bool | None
    section: str
    quote: str | None = Field(description="the stored text from start to end; null where the heading alone tells it")
    start: int | None
    end: int | None
    permalink: str


class FigureRecord(BaseModel):
    document: str
    source: str
    quote: str
    start: int
    end: int
    value_start: int
    value_end: int
    permalink: str


class PointRecord(BaseModel):
    time: str = Field(description="2023, 2023-03 or 2023-03-31, as exact as it is printed")
    value: float
    printed: str
    sources: list[FigureRecord]


class SeriesRecord(BaseModel):
    """Figures of the same thing; where minutes contradict each other, a time has several points."""

    municipality: str
    label: str
    caption: str
    unit: str
    time: str = Field(description="year: of whole years; moment: at a day or in a month")
    conflicts: bool
    points: list[PointRecord]


class TopicRecord(BaseModel):
    """The items about a topic, the oldest first, those that only name it, and the figures given for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "topic": "småjob",
                "filters": {
                    "municipality": None, "committee": None, "date_from": None, "date_to": None, "case_number": None,
                },
                "meetings": 9, "items": [], "named": [],
                "series": [
                    {
                        "municipality": "Fjordlev", "label": "borgere ansat i småjob", "caption": "", "unit": "",
                        "time": "moment", "conflicts": False,
                        "points": [
                            {
                                "time": "2024-10-31", "value": 27, "printed": "27",
                                "sources": [
                                    {
                                        "document": "1f0c", "source": "fjordlev-amu-2024-11.md",
                                        "quote": "Pr. 31. oktober 2024 var 27 borgere ansat i småjob",
                                        "start": 1210, "end": 1260, "value_start": 1235, "value_end": 1237,
                                        "permalink": "/kilde/1f0c/1?fra=1210&til=1260",
                                    }
                                ],
                            }
                        ],
                    }
                ],
            }
        }
    )  # fmt: skip
    topic: str
    filters: dict[str, str | None]
    meetings: int
    items: list[MentionRecord]
    named: list[MentionRecord]
    series: list[SeriesRecord]
