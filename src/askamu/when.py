"""Which meetings a question is about, by the times it names.

A time filters only where it says when a *meeting* was: it stands behind a word for one (»mødet i marts 2024«) or for
what meetings do (»besluttet i efteråret 2024«), or is exactly the day of an indexed meeting. Figures from December 2022
may well stand in minutes of 2024.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from askamu.dates import find_dates, month_end, months
from askamu.passage import QuestionKind
from askamu.vocabulary import pattern, table

_YEAR = re.compile(r"(?<![\d.,/-])(?P<year>(?:19|20)\d\d)(?![\d.,/-]\d)")
_DEADLINE = re.compile(r"\b(?:pr\.?|per|senest|inden|før|siden|efter|fra)\s*(?:den|d\.)?\s*$", re.IGNORECASE)
_DAY_BEFORE = re.compile(r"\d\.?\s*$")
_OF_MEETINGS = (QuestionKind.DECISION, QuestionKind.LISTING, QuestionKind.WHO)  # kinds that ask what meetings did
SUMMER = (7, 10), (7, 20)  # month and day between which no committee meets


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a question needs to know of an indexed meeting."""

    document: str
    municipality: str | None
    committee: str | None
    held_on: date | None
    earliest: date | None
    latest: date | None

    def overlaps(self, first: date | None, last: date | None) -> bool:
        """Whether it may have been held in a period; never for one of which nothing is known."""
        if self.earliest is None and self.latest is None:
            return False
        return (self.earliest or date.min) <= (last or date.max) and (self.latest or date.max) >= (first or date.min)


@dataclass(frozen=True, slots=True)
class Period:
    """The meetings asked about; a side that is None is open."""

    first: date | None
    last: date | None
    missing: bool = False  # no meeting that is indexed can have been held then


@dataclass(frozen=True, slots=True)
class _Time:
    """A time that a question names."""

    start: int
    end: int
    first: date
    last: date
    year_alone: bool = False
    season: bool = False
    told_from_today: bool = False  # »sidste år«


def period_of(
    text: str,
    meetings: Sequence[Meeting],
    kind: QuestionKind = QuestionKind.FACT,
    *,
    of_meeting: bool = False,
    today: date | None = None,
) -> Period | None:
    """When the meetings were held that a question is about; None where it does not say.

    Args:
        text: the question.
        meetings: those it can be about, its other filters applied.
        of_meeting: it asks for what is told of a meeting itself (who was there), so that any time is the meeting's.
        today: what »sidste år« is counted from.
    """
    held = sorted(m.held_on for m in meetings if m.held_on)
    for day, said in days_of(text).items():
        if day in held or said or of_meeting:
            return Period(day, day, day not in held)
    one = _one_of(text, held)
    if one is not None:
        return Period(one, one)
    found = _named(text, kind, of_meeting, today or date.today())
    if found is None:
        return None
    first, last, sure = found
    if any(m.overlaps(first, last) for m in meetings):
        return Period(first, last)
    if not sure or pattern("future", "patterns").search(text):
        return None  # »hvornår skal udvalget mødes i 2025?« is told before 2025
    return Period(first, last, missing=True)


def days_of(text: str) -> dict[date, bool]:
    """The days a question names as those of an event, each with whether it says that it was a meeting.

    »pr. 30. april« and »inden 1. maj« tell the day of a figure or a deadline.
    """
    days: dict[date, bool] = {}
    for found in find_dates(text):
        before = text[max(0, found.start - 40) : found.start]
        if not _DEADLINE.search(before):
            days[found.day] = bool(pattern("meeting", "words").search(before))
    return days


def event_day(text: str) -> date | None:
    """The first day that the question says something was dealt with on."""
    said = pattern("event", "before")
    return next((d.day for d in find_dates(text) if said.search(text[max(0, d.start - 45) : d.start])), None)


def only_month(text: str) -> date | None:
    """The first day of the month that is named with its year, »i oktober 2021«; None where several are."""
    found = list(_months(text))
    return found[0].first if len(found) == 1 else None


def _one_of(text: str, held: Sequence[date]) -> date | None:
    """»det seneste møde«, »det forrige møde«, »mødet efter sommerferien 2024«: its day."""
    if pattern("meeting", "newest").search(text):
        return held[-1] if held else None
    if pattern("meeting", "previous").search(text):
        return held[-2] if len(held) > 1 else None
    found = pattern("meeting", "beside_summer").search(text)
    if not found:
        return None
    year = _YEAR.search(text, found.end())
    years = [int(year["year"])] if year else sorted({d.year for d in held}, reverse=True)
    (before_month, before_day), (after_month, after_day) = SUMMER
    for y in years:
        if pattern("meeting", "after").search(found[0]):
            days = [d for d in held if date(y, after_month, after_day) <= d <= date(y, 12, 31)]
            if days:
                return days[0]
        else:
            days = [d for d in held if date(y, 1, 1) <= d <= date(y, before_month, before_day)]
            if days:
                return days[-1]
    return None


def _named(
    text: str, kind: QuestionKind, of_meeting: bool, today: date
) -> tuple[date | None, date | None, bool] | None:
    """The period of the times that are meetings', and whether it says so; several in a row are one period."""
    counted: list[_Time] = []
    sure = False
    times = list(_times(text, today))
    alone = sum(t.year_alone for t in times) == 1
    for time in times:
        before = text[max(0, time.start - 60) : time.start]
        if counted and pattern("meeting", "joined").fullmatch(text[counted[-1].end : time.start]):
            counted.append(time)
            continue
        if counted:
            continue
        listed = kind is QuestionKind.LISTING and (alone or not time.year_alone)
        if of_meeting or listed or pattern("meeting", "before").search(before):
            counted, sure = [time], True
        elif kind in _OF_MEETINGS and (
            time.told_from_today or time.season or pattern("event", "decided").search(before)
        ):
            counted, sure = [time], time.told_from_today
    if not counted:
        return None
    first: date | None = min(t.first for t in counted)
    last: date | None = max(t.last for t in counted)
    before, after = text[: counted[0].start], text[counted[-1].end :]
    if pattern("meeting", "until").search(before):
        first, last = None, min(t.first for t in counted) - timedelta(days=1)
    elif pattern("meeting", "since").search(before) or pattern("meeting", "onwards").match(after):
        last = None
    return first, last, sure


def _times(text: str, today: date) -> Iterator[_Time]:
    """All times that are named, in order; a year that belongs to a month or a season is not told again."""
    found = [*_months(text), *_seasons(text), *_from_today(text, today)]
    inside = [range(t.start, t.end) for t in found]
    for year in _YEAR.finditer(text):
        if not any(year.start() in r for r in inside):
            y = int(year["year"])
            found.append(_Time(year.start(), year.end(), date(y, 1, 1), date(y, 12, 31), year_alone=True))
    yield from sorted(found, key=lambda t: t.start)


def _months(text: str) -> Iterator[_Time]:
    for found in _with_year(tuple(months())).finditer(text):
        if not _DAY_BEFORE.search(text[: found.start()]):  # that is a day
            year, month = int(found["year"]), months()[found["name"].casefold()]
            yield _Time(found.start(), found.end(), date(year, month, 1), month_end(year, month))


def _seasons(text: str) -> Iterator[_Time]:
    seasons = table("dates")["seasons"]
    for found in _with_year(tuple(seasons)).finditer(text):
        first, last = seasons[found["name"].casefold()]
        year = int(found["year"])
        until = month_end(year + (last < first), last)
        yield _Time(found.start(), found.end(), date(year, first, 1), until, season=True)


def _from_today(text: str, today: date) -> Iterator[_Time]:
    """»i år«, »sidste år«."""
    for name, ago in (("this_year", 0), ("last_year", 1)):
        for found in pattern("meeting", name).finditer(text):
            year = today.year - ago
            yield _Time(
                found.start(), found.end(), date(year, 1, 1), date(year, 12, 31), year_alone=True, told_from_today=True
            )


@cache
def _with_year(names: tuple[str, ...]) -> re.Pattern[str]:
    some = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"\b(?P<name>{some})\.?\s+(?:(?:i|in)\s+)?(?P<year>(?:19|20)\d\d)\b", re.IGNORECASE)
