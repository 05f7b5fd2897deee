"""/indhold: what is indexed, from where, how fresh, and what is missing; /api/coverage says the same to programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from askamu.cite import short_date
from askamu.config import Settings
from askamu.coverage import CoverageReport, GapKind, coverage, coverage_record, gap_text
from askamu.texts import day_text, text
from askamu.ui import render
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.record import MeetingRow

FOLDED = 40  # committees' years are folded from so many meetings on


class CoveredMeeting(BaseModel):
    id: str
    source: str
    held_on: date | None = Field(alias="date")
    earliest: date | None
    latest: date | None
    kind: str
    items: int
    closed: int


class CoveredCommittee(BaseModel):
    municipality: str | None
    committee: str | None
    since: date | None = Field(alias="from")
    until: date | None = Field(alias="to")
    undated: int
    items: int
    closed: int
    meetings: list[CoveredMeeting]


class IngestProblem(BaseModel):
    source: str
    reason: str


class CoverageGap(BaseModel):
    kind: GapKind
    municipality: str | None
    committee: str | None
    year: int | None
    source: str | None
    id: str | None


class Covered(BaseModel):
    """What is indexed, and what the last ingest said of it."""

    generation: str
    meetings: int
    items: int
    since: date | None = Field(alias="from")
    until: date | None = Field(alias="to")
    undated: int
    ingested_at: datetime | None
    added: int
    removed: list[str]
    failed: list[IngestProblem]
    warnings: list[IngestProblem]
    gaps: list[CoverageGap]
    committees: list[CoveredCommittee]


def add_coverage(app: FastAPI, library_of: Callable[[], Library], settings: Settings) -> None:
    @app.get("/indhold", response_class=HTMLResponse, include_in_schema=False)
    def contents(request: Request) -> HTMLResponse:
        library = library_of()
        language = language_of(request.scope)
        report = coverage(library, language)
        return render.page(
            request,
            "coverage.html",
            report=report,
            committees=[
                {
                    "of": c,
                    "name": c.committee or text("coverage.unknown_committee", language),
                    "municipality": c.municipality or text("coverage.unknown_municipality", language),
                    "years": [
                        (year, [(row, short_day(library, row, language)) for row in rows])
                        for year, rows in c.by_year.items()
                    ],
                    "period": period(c.first, c.last, language),
                }
                for c in report.committees
            ],
            period=period(report.first, report.last, language),
            ingested=ingested(report, language),
            gaps=[(g, gap_text(g, language)) for g in report.gaps],
            contact=settings.contact,
            contact_link=contact_link(settings.contact),
            open_years=report.meetings <= FOLDED,
        )

    @app.get("/api/coverage", tags=["collection"])
    def covered(request: Request) -> Covered:
        """What is indexed: meetings by committee, how fresh, what failed and why, and gaps."""
        return Covered.model_validate(coverage_record(coverage(library_of(), language_of(request.scope))))


def short_day(library: Library, row: MeetingRow, language: str) -> str:
    """The day of a meeting as it is listed; undated, and the year where that is known."""
    if row.held_on:
        return f"{row.held_on:%d.%m.%Y}"
    year = short_date(library.minutes(row.id), language)
    unknown = text("date.unknown", language)
    return f"{year}, {unknown}" if year.isdecimal() else unknown


def period(first: date | None, last: date | None, language: str) -> str:
    if first is None or last is None:
        return text("coverage.no_dates", language)
    one, other = f"{first:%d.%m.%Y}", f"{last:%d.%m.%Y}"
    return one if one == other else f"{one} – {other}"


def ingested(report: CoverageReport, language: str) -> str:
    """When the last ingest was, in words."""
    at = report.ingested_at
    if at is None:
        return text("coverage.never", language)
    return text("coverage.at", language, day=day_text(at.date(), language), time=at.strftime("%H:%M"))


def contact_link(contact: str | None) -> str | None:
    """The address of a contact, where it is a mail address or a web address; else None."""
    if contact and re.fullmatch(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", contact, re.ASCII):
        return f"mailto:{contact}"
    if contact and re.fullmatch(r"https?://[^\s\"'<>]+", contact):
        return contact
    return None
