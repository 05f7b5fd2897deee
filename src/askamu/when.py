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
_DECIDED = ("event", "decided"), ("meeting", "since"), ("meeting", "until"), ("meeting", "later_than")
FEW = 3  # meetings that »de seneste møder« are
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
    sure: bool = True  # that the time is the meeting's, and not the subject's


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
    whole: bool = False,
    today: date | None = None,
) -> Period | None:
    """When the meetings were held that a question is about; None where it does not say.

    Args:
        text: the question.
        meetings: those it can be about, its other filters applied.
        of_meeting: it asks for what is told of a meeting itself (who was there), so that any time is the meeting's.
        whole: it names no subject, so that any time is the meeting's as well.
        today: what »sidste år« is counted from.
    """
    times = list(_times(text, today or date.today()))
    found = _of_days(text, meetings, kind, of_meeting=of_meeting) or _by_place(text, meetings, times)
    if found is not None:
        return found
    named = _named(text, times, kind, of_meeting=of_meeting, whole=whole)
    if named is None:
        return None
    first, last, sure = named
    if any(m.overlaps(first, last) for m in meetings):
        return Period(first, last, sure=sure)
    if not sure or pattern("future", "patterns").search(text):
        return None  # »hvornår skal udvalget mødes i 2025?« is told before 2025
    return Period(first, last, missing=True)


def spans_of(text: str, today: date | None = None) -> list[tuple[int, int]]:
    """Where a text names a time: a day, a month, a year, a season, a meeting by its place among the meetings."""
    found = [(d.start, d.end) for d in find_dates(text)]
    for name in ("beside_summer", "newest_few", "newest", "previous", "oldest", "month_alone"):
        found += [m.span() for m in pattern("meeting", name).finditer(text)]
    found += [(t.start, t.end) for t in _times(text, today or date.today())]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _of_days(text: str, meetings: Sequence[Meeting], kind: QuestionKind, *, of_meeting: bool) -> Period | None:
    """The days on which a question says that meetings were held, or since which it asks what they did."""
    held = {m.held_on for m in meetings if m.held_on}
    if kind in _OF_MEETINGS:
        for found in find_dates(text):
            if pattern("meeting", "since").search(text[: found.start]) and max(held, default=date.min) >= found.day:
                return Period(found.day, None)
    said = days_of(text)
    days = [day for day, by_word in said.items() if day in held or by_word or of_meeting]
    if not days:
        return None
    start = next(d.start for d in find_dates(text) if d.day == days[0])
    if pattern("meeting", "since").search(text[:start]):
        return Period(days[0], None)
    if pattern("meeting", "until").search(text[:start]):
        return Period(None, days[0] - timedelta(days=1))
    return Period(min(days), max(days), missing=held.isdisjoint(days))


def days_of(text: str) -> dict[date, bool]:
    """The days a question names as those of an event, each with whether it says that it was a meeting.

    »pr. 30. april« and »inden 1. maj« tell the day of a figure or a deadline.
    """
    days: dict[date, bool] = {}
    for found in find_dates(text):
        before = text[max(0, found.start - 60) : found.start]
        if not _DEADLINE.search(before) and not pattern("meeting", "target").search(before):
            days[found.day] = bool(pattern("meeting", "words").search(before))
    return days


def event_day(text: str) -> date | None:
    """The first day that the question says something was dealt with on."""
    said, target = pattern("event", "before"), pattern("meeting", "target")
    for found in find_dates(text):
        before = text[max(0, found.start - 45) : found.start]
        if said.search(before) and not target.search(text[max(0, found.start - 60) : found.start]):
            return found.day
    return None


def only_month(text: str) -> date | None:
    """The first day of the month that is named with its year, »i oktober 2021«; None where several are."""
    found = list(_months(text))
    return found[0].first if len(found) == 1 else None


def _by_place(text: str, meetings: Sequence[Meeting], times: Sequence[_Time]) -> Period | None:
    """The period of »det seneste møde«, »mødet efter sommerferien 2024«, »mødet i marts«, »de to seneste møder«."""
    held = sorted(m.held_on for m in meetings if m.held_on)
    beside = pattern("meeting", "beside_summer").search(text)
    if beside:
        return _beside_summer(text, beside, meetings)
    for name in ("newest_few", "newest", "previous", "oldest", "month_alone"):
        found = pattern("meeting", name).search(text)
        if found:
            break
    else:
        return None
    if name == "month_alone":
        month = months()[found["month"].casefold()]
        days = [d for d in held if d.month == month]
        return Period(days[-1], days[-1]) if days else None
    inside = next(
        (
            t
            for t in times
            if t.start >= found.end() and pattern("meeting", "within").fullmatch(text[found.end() : t.start])
        ),
        None,
    )
    days = [d for d in held if inside.first <= d <= inside.last] if inside else held
    if not days:
        if inside is None:
            return None
        possible = any(m.overlaps(inside.first, inside.last) for m in meetings)
        return Period(inside.first, inside.last, missing=not possible)
    if name == "oldest":
        return Period(days[0], days[0])
    if name == "previous":
        return Period(days[-2], days[-2]) if len(days) > 1 else None
    # Of a meeting whose day is not told it can be known that it was held after all others.
    later = [] if inside else [m.earliest for m in meetings if not m.held_on and m.earliest and m.earliest > days[-1]]
    if name == "newest_few":
        said = (found["count"] or found["after"] or "").casefold()
        count = int(said) if said.isdecimal() else table("dates")["counts"].get(said, FEW)
        return Period(days[-max(1, min(count, len(days)))], None if later else days[-1])
    return Period(min(later), None) if later else Period(days[-1], days[-1])


def _beside_summer(text: str, found: re.Match[str], meetings: Sequence[Meeting]) -> Period | None:
    """The last meeting before a summer, or the first one after it; of the newest summer if no year is named."""
    held = sorted(m.held_on for m in meetings if m.held_on)
    named = _YEAR.search(text, found.end())
    years = [int(named["year"])] if named else sorted({d.year for d in held}, reverse=True)
    (before_month, before_day), (after_month, after_day) = SUMMER
    after = pattern("meeting", "after").search(found[0])
    for year in years:
        first, last = (
            (date(year, after_month, after_day), date(year, 12, 31))
            if after
            else (date(year, 1, 1), date(year, before_month, before_day))
        )
        days = [d for d in held if first <= d <= last]
        if days:
            day = days[0] if after else days[-1]
            return Period(day, day)
        if named:  # one whose day is not told may be it
            return Period(first, last, missing=not any(m.overlaps(first, last) for m in meetings))
    return None


def _named(
    text: str, times: Sequence[_Time], kind: QuestionKind, *, of_meeting: bool, whole: bool
) -> tuple[date | None, date | None, bool] | None:
    """The period of the times that are meetings', and whether it says so; several in a row are one period."""
    counted: list[_Time] = []
    sure = False
    alone = sum(t.year_alone for t in times) == 1
    for time in times:
        before = text[max(0, time.start - 60) : time.start]
        if counted:
            if pattern("meeting", "joined").fullmatch(text[counted[-1].end : time.start]):
                counted.append(time)
            continue
        if pattern("meeting", "target").search(before):
            continue
        listed = kind is QuestionKind.LISTING and (alone or not time.year_alone)
        listed = listed and not pattern("meeting", "of_subject").search(before)
        if of_meeting or whole or listed or pattern("meeting", "before").search(before):
            counted, sure = [time], True
        elif kind in _OF_MEETINGS and (
            time.told_from_today or time.season or any(pattern(*p).search(before) for p in _DECIDED)
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
    elif pattern("meeting", "later_than").search(before):
        first, last = max(t.last for t in counted) + timedelta(days=1), None
    return first, last, sure


def _times(text: str, today: date) -> Iterator[_Time]:
    """All times that are named, in order; a year that belongs to a month or a season is not told again."""
    found = [*_months(text), *_seasons(text), *_parts(text), *_from_today(text, today)]
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


def _parts(text: str) -> Iterator[_Time]:
    """»1. halvår 2024«, »andet kvartal 2024«."""
    for found in pattern("meeting", "part_of_year").finditer(text):
        n = table("dates")["counts"].get(found["n"].casefold(), 0) or int(re.sub(r"\D", "", found["n"]) or 0)
        length = 6 if found["part"].casefold().startswith(("halv", "half")) else 3
        if 1 <= n <= 12 // length:
            year = int(found["year"])
            first, last = date(year, length * (n - 1) + 1, 1), month_end(year, length * n)
            yield _Time(found.start(), found.end(), first, last, season=True)


def _from_today(text: str, today: date) -> Iterator[_Time]:
    """»i år«, »sidste år«, »sidste måned«, »sidste uge«, »i går«."""
    month = today.replace(day=1) - timedelta(days=1)
    monday = today - timedelta(days=today.weekday() + 7)
    day = today - timedelta(days=1)
    periods = {
        "this_year": (date(today.year, 1, 1), date(today.year, 12, 31)),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        "last_month": (month.replace(day=1), month),
        "last_week": (monday, monday + timedelta(days=6)),
        "yesterday": (day, day),
    }
    for name, (first, last) in periods.items():
        for found in pattern("meeting", name).finditer(text):
            yield _Time(found.start(), found.end(), first, last, year_alone=first.day != last.day, told_from_today=True)


@cache
def _with_year(names: tuple[str, ...]) -> re.Pattern[str]:
    some = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"\b(?P<name>{some})\.?\s+(?:(?:i|in)\s+)?(?P<year>(?:19|20)\d\d)\b", re.IGNORECASE)
