"""For a new member of a committee: what it dealt with lately, what is open, what comes back, who is there.

Everything is read from the minutes; what they don't say is not filled in. A case that seems open may have been settled
in a meeting that is not indexed, and a name in a list of those present says nothing of membership: whoever shows this
says so beside it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache

from askamu.cite import title_span
from askamu.coverage import AGENDA, year_of
from askamu.danish import fold
from askamu.decision import MAX_SENTENCE, outcomes_of
from askamu.errors import UnknownFilter
from askamu.library import Library
from askamu.metadata import bare_name
from askamu.minutes import AgendaItem, Decision, Minutes, Outcome, Span
from askamu.once import per_generation
from askamu.passage import HEADER_ITEM
from askamu.record import MeetingRow
from askamu.sentences import sentences
from askamu.threads import Step, Thread, is_generic, telling
from askamu.vocabulary import table

RECENT = 3  # meetings whose items are shown
NAMED = 4  # meetings whose lists of those present and absent are shown
OFTEN = 3  # times on the agenda from which a case comes back
YEARS = 3  # years from which »every year« says something


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee of which minutes are indexed."""

    municipality: str | None
    committee: str | None
    meetings: int
    newest: MeetingRow  # of those with a date, if one has


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the minutes that is linked to."""

    document: str
    item: str  # its number, "0" for what stands before the first
    span: Span


@dataclass(frozen=True, slots=True)
class Treated:
    """An item of a meeting; of a closed one what is public of it, and nothing else."""

    title: str
    case_number: str | None
    closed: bool
    place: Place
    outcomes: tuple[Outcome, ...] = ()
    final: bool | None = None
    decided: str = ""  # the decision's words as stored
    adopted: tuple[str, ...] = ()  # the recommendation's points that it adopts


@dataclass(frozen=True, slots=True)
class Meeting:
    row: MeetingRow
    items: tuple[Treated, ...]
    formalities: int  # items left out: »Godkendelse af dagsorden« and the like


class Open(StrEnum):
    """Why a case is not closed, as far as the indexed minutes tell."""

    SCHEDULED = "scheduled"  # on an agenda whose minutes are not there yet
    POSTPONED = "postponed"
    SENT_BACK = "sent_back"
    RECOMMENDED = "recommended"
    ASKED_AGAIN = "asked_again"  # a follow-up was asked for


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case whose last step, wherever it was taken, did not close it."""

    title: str
    case_number: str | None
    why: Open
    step: Step
    place: Place
    words: str  # that say so, as stored; "" where there is no decision


@dataclass(frozen=True, slots=True)
class Recurring:
    """A case or a subject that is on the agenda again and again."""

    title: str  # as at the last time
    case_number: str | None
    times: int  # meetings of this committee
    years: tuple[int, ...]
    every_year: bool  # of those in which the committee met
    step: Step
    place: Place


@dataclass(slots=True)
class Person:
    """A name in the newest minutes, and where it is named as present or absent."""

    name: str  # as printed
    present: list[tuple[MeetingRow, Place]] = field(default_factory=list)
    absent: list[tuple[MeetingRow, Place, int]] = field(default_factory=list)  # items it is noted under, 0: all


@dataclass(frozen=True, slots=True)
class Welcome:
    chosen: Committee
    recent: tuple[Meeting, ...]
    open: tuple[OpenCase, ...]
    recurring: tuple[Recurring, ...]
    people: tuple[Person, ...]
    named_in: tuple[MeetingRow, ...]  # the meetings that were looked at for names


@per_generation
def committees(library: Library) -> tuple[Committee, ...]:
    """All committees, by municipality and name."""
    rows: dict[tuple[str | None, str | None], list[MeetingRow]] = defaultdict(list)
    for row in library.meetings:
        rows[row.municipality, row.committee].append(row)
    return tuple(Committee(*of, len(held), max(held, key=_dated)) for of, held in rows.items())


def chosen(library: Library, municipality: str | None, committee: str | None) -> Committee | None:
    """The committee asked for; of several, or where none is asked for, the one with the newest meeting. None: no index.

    Raises:
        UnknownFilter: if none is indexed that fits.
    """
    fitting = [
        c for c in committees(library) if municipality in (None, c.municipality) and committee in (None, c.committee)
    ]
    if not fitting and (municipality or committee):
        known = tuple(
            c.committee for c in committees(library) if municipality in (None, c.municipality) and c.committee
        )
        if municipality and not known:
            raise UnknownFilter("municipality", municipality, library.municipalities)
        raise UnknownFilter("committee", committee or "", known)
    return max(fitting, key=lambda c: _dated(c.newest), default=None)


@per_generation
def welcome(library: Library, municipality: str | None, committee: str | None) -> Welcome:
    """What there is to know of one committee.

    Raises:
        KeyError: if it is not indexed.
    """
    place = next((c for c in committees(library) if (c.municipality, c.committee) == (municipality, committee)), None)
    if place is None:
        raise KeyError((municipality, committee))
    rows = [m for m in library.meetings if (m.municipality, m.committee) == (municipality, committee)]
    rows.sort(key=lambda r: (at_least(r), r.source), reverse=True)
    cases = library.cases.threads
    named = [r for r in rows if r.kind != AGENDA][:NAMED]
    return Welcome(
        chosen=place,
        recent=tuple(_meeting(library, row) for row in rows[:RECENT]),
        open=tuple(_open(library, cases, place)),
        recurring=tuple(_recurring(library, cases, place)),
        people=tuple(_people(library, named)),
        named_in=tuple(named),
    )


def _dated(row: MeetingRow) -> tuple[bool, date]:
    """For choosing the newest: what has a date is preferred."""
    return row.held_on is not None, at_least(row)


def at_least(row: MeetingRow | Step) -> date:
    """The day of a meeting, or the first it can have been on: for sorting only."""
    return row.held_on or row.earliest or date.min


# -- meetings ------------------------------------------------------------------------------------


def _meeting(library: Library, row: MeetingRow) -> Meeting:
    minutes = library.minutes(row.id)
    telling_ones = [(n, item) for n, item in enumerate(minutes.items) if not is_generic(item.title)]
    items = tuple(_treated(minutes, index, item) for index, item in telling_ones)
    return Meeting(row, items, len(minutes.items) - len(telling_ones))


def _treated(minutes: Minutes, index: int, item: AgendaItem) -> Treated:
    place = place_of(minutes, index)
    decision = item.decision
    if item.closed or decision is None:
        return Treated(item.title, item.case_number, item.closed, place)
    return Treated(
        item.title, item.case_number, False, place, decision.outcomes, decision.final,
        minutes.text[decision.start : decision.end], tuple(s.of(minutes.text) for s in decision.adopts),
    )  # fmt: skip


def place_of(minutes: Minutes, index: int) -> Place:
    """Where an item is linked to: its decision, else its heading."""
    item = minutes.items[index]
    decided = item.decision if not item.closed else None
    span = Span(decided.start, decided.end) if decided else title_span(minutes, item)[1]
    return Place(minutes.id, item.number or str(index + 1), span)


# -- cases ---------------------------------------------------------------------------------------


def _open(library: Library, cases: Sequence[Thread], of: Committee) -> Iterator[OpenCase]:
    """The cases that the committee has had on its agenda and that are not closed, newest first."""
    for case in sorted(cases, key=lambda c: at_least(c.steps[-1]), reverse=True):
        if not any(_is_of(s, of) and not s.closed for s in case.steps):
            continue
        found = [(step, *_why_open(library, step)) for step in _last(case.steps)]
        if any(why is None for _, why, _ in found):
            continue  # of steps whose order is not known, one closed the case
        last, why, span = found[-1]
        if why is not None:
            minutes = library.minutes(last.document)
            place = place_of(minutes, last.item_index)
            words = span.of(minutes.text) if span else ""
            place = Place(place.document, place.item, span) if span else place
            yield OpenCase(last.title, last.case_number or case.case_number, why, last, place, words)


def _last(steps: Sequence[Step]) -> list[Step]:
    """The steps that can have been the last one: several where a meeting's date is not stated. Dated ones last."""
    *before, last = steps
    unsure = [s for s in before if (s.held_on is None or last.held_on is None) and s.day >= at_least(last)]
    return sorted([*unsure, last], key=lambda s: (s.held_on is not None, s.day))


def _why_open(library: Library, last: Step) -> tuple[Open | None, Span | None]:
    """Why the last step of a case leaves it open, and the words that say so. Of a closed item nothing is told."""
    minutes = library.minutes(last.document)
    decision = minutes.items[last.item_index].decision
    if last.closed:
        return None, None
    if decision is None:
        return (Open.SCHEDULED, None) if library.meeting(last.document).kind == AGENDA else (None, None)
    whole = Span(decision.start, decision.end)
    outcomes = decision.outcomes
    for outcome, why in (
        (Outcome.POSTPONED, Open.POSTPONED),
        (Outcome.SENT_BACK, Open.SENT_BACK),
        (Outcome.RECOMMENDED, Open.RECOMMENDED),
    ):
        if outcome in outcomes:
            told = (s for s in sentences(minutes.text, decision.start, decision.end) if s.end - s.start < MAX_SENTENCE)
            return why, next((s for s in told if outcome in outcomes_of(s.of(minutes.text))), whole)
    of_members = {*decision.votes, *(n.span for n in decision.notes)}
    for span in (*decision.additions, *decision.adopts):
        words = " ".join(span.of(minutes.text).split())
        if span not in of_members and _words("asks_again").search(words) and not _words("asks_nothing").search(words):
            return Open.ASKED_AGAIN, span
    return None, None


def _recurring(library: Library, cases: Sequence[Thread], of: Committee) -> list[Recurring]:
    """What comes back on the committee's agenda: cases, and subjects under one heading, most often first."""
    own_rows = (m for m in library.meetings if (m.municipality, m.committee) == (of.municipality, of.committee))
    met = {y for m in own_rows if (y := year_of(m))}
    groups: list[tuple[str | None, list[Step]]] = []
    seen: set[tuple[str, int]] = set()
    single: dict[frozenset[str], list[Step]] = defaultdict(list)
    for case in cases:
        own = [s for s in case.steps if _is_of(s, of) and not s.closed]
        if _comes_back(own, met):
            groups.append((case.case_number, own))
            seen |= {(s.document, s.item_index) for s in own}
        else:
            for step in own:
                if words := telling(step.title, step.municipality):
                    single[words].append(step)
    groups += [(None, sorted(g, key=lambda s: s.day)) for g in single.values() if _comes_back(g, met)]
    found = []
    for number, steps in groups:
        last, times = _last(steps)[-1], len({s.document for s in steps})
        years = tuple(sorted({y for s in steps if (y := year_of(s))}))
        yearly = len(met) >= YEARS and set(years) == met
        place = place_of(library.minutes(last.document), last.item_index)
        found.append(Recurring(last.title, last.case_number or number, times, years, yearly, last, place))
    return sorted(found, key=lambda r: (-r.times, r.title))


def _comes_back(steps: Sequence[Step], met: set[int]) -> bool:
    years = {y for s in steps if (y := year_of(s))}
    return len({s.document for s in steps}) >= OFTEN or (len(met) >= YEARS and years == met)


def _is_of(step: Step, of: Committee) -> bool:
    return (step.municipality, step.committee) == (of.municipality, of.committee)


@cache
def _words(key: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in table("threads")[key]), re.IGNORECASE)


# -- people --------------------------------------------------------------------------------------


def _people(library: Library, rows: Sequence[MeetingRow]) -> list[Person]:
    """The names that the minutes print among those present or absent, by name."""
    people: dict[str, Person] = {}

    def person(name: str) -> Person:
        known = people.setdefault(fold(bare_name(name)), Person(name))
        known.name = max(known.name, name, key=len)  # with the party, where it is printed once
        return known

    for row in rows:
        minutes = library.minutes(row.id)
        for name in minutes.attendees or ():
            if place := _in_header(minutes, name):
                person(name).present.append((row, place))
        noted: dict[str, tuple[str, list[Place]]] = {}
        decided = [(n, i, i.decision) for n, i in enumerate(minutes.items) if i.decision and not i.closed]
        for index, item, decision in decided:
            for name in decision.absent:
                if place := _in_decision(minutes, index, item, decision, name):
                    noted.setdefault(fold(bare_name(name)), (name, []))[1].append(place)
        for name in minutes.absent or ():
            place = _in_header(minutes, name)
            if place and fold(bare_name(name)) not in noted:
                person(name).absent.append((row, place, 0))
        for name, places in noted.values():
            person(name).absent.append((row, places[0], 0 if len(places) == len(decided) else len(places)))
    return sorted(people.values(), key=lambda p: fold(p.name))


def _in_header(minutes: Minutes, name: str) -> Place | None:
    at = minutes.text.find(name, 0, minutes.header.end)
    return Place(minutes.id, HEADER_ITEM, Span(at, at + len(name))) if at >= 0 else None


def _in_decision(minutes: Minutes, index: int, item: AgendaItem, decision: Decision, name: str) -> Place | None:
    for span in decision.absence:
        at = minutes.text.find(name, span.start, span.end)
        if at >= 0:
            return Place(minutes.id, item.number or str(index + 1), Span(at, at + len(name)))
    return None
