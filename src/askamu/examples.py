"""Questions that can be answered, made from what is indexed, for the one who asks: newest meetings first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from askamu.library import Library
from askamu.minutes import AgendaItem, Minutes, Outcome
from askamu.record import MeetingRow
from askamu.texts import day_text, text
from askamu.threads import is_generic

LONGEST_TITLE = 70
MEETINGS = 40  # newest meetings that are looked through


class Role(StrEnum):
    """Who asks."""

    CITIZEN = "citizen"
    MEMBER = "member"  # of a committee, and new there
    STAFF = "staff"


def examples(library: Library, language: str, role: Role = Role.CITIZEN, n: int = 4) -> list[str]:
    """At most `n` questions; fewer, or none, where the index has nothing to make them from."""
    makers = {Role.CITIZEN: _of_citizens, Role.MEMBER: _of_members, Role.STAFF: _of_staff}
    newest = sorted(library.meetings, key=lambda m: m.held_on or m.latest or date.min, reverse=True)[:MEETINGS]
    questions: dict[str, None] = {}
    for question in makers[role](library, newest, language):
        questions[question] = None
        if len(questions) == n:
            break
    return list(questions)


def _of_citizens(library: Library, newest: list[MeetingRow], language: str) -> Iterator[str]:
    subjects = _subjects(library, newest)
    for _, (row, item) in zip(range(3), subjects, strict=False):
        yield _said("decision", language, row, title=item.title)
    if held := next((m.held_on for m in newest if m.held_on), None):
        yield text("examples.agenda", language, date=day_text(held, language))
    for row, item in subjects:
        yield _said("decision", language, row, title=item.title)


def _of_members(library: Library, newest: list[MeetingRow], language: str) -> Iterator[str]:
    dated = next((m for m in newest if m.held_on and m.committee), None)
    if dated and dated.committee:
        yield _said("newest", language, dated, committee=dated.committee)
    with_people = next((m for m in newest if m.held_on and library.minutes(m.id).attendees), None)
    if with_people and with_people.held_on:
        yield _said("attended", language, with_people, date=day_text(with_people.held_on, language))
    for row in newest:
        decisions = [i.decision for i in _decided(library.minutes(row.id)) if i.decision]
        if row.held_on and any(Outcome.POSTPONED in decision.outcomes for decision in decisions):
            yield _said("postponed", language, row, year=row.held_on.year)
            break
    for row, item in _subjects(library, newest):
        yield _said("about", language, row, title=item.title)


def _of_staff(library: Library, newest: list[MeetingRow], language: str) -> Iterator[str]:
    subjects = list(_subjects(library, newest))
    for row, item in subjects[:1]:
        yield _said("recommended", language, row, title=item.title)
    numbered = next((item.case_number for _, item in subjects if item.case_number), None)
    if numbered:
        yield text("examples.case", language, case_number=numbered)
    dated = next((m for m in newest if m.held_on and m.committee), None)
    if dated and dated.held_on and dated.committee:
        when = day_text(dated.held_on, language)
        yield _said("meeting", language, dated, committee=dated.committee, date=when)
    for row, item in subjects:
        if item.case_number != numbered:
            yield _said("decision", language, row, title=item.title)


def _said(key: str, language: str, row: MeetingRow, **values: object) -> str:
    """A question about a meeting's municipality, where it is known."""
    where = text("examples.in", language, municipality=row.municipality) if row.municipality else ""
    return text(f"examples.{key}", language, where=where, **values)


def _subjects(library: Library, newest: list[MeetingRow]) -> Iterator[tuple[MeetingRow, AgendaItem]]:
    """The most telling item of each meeting: most was adopted or added there."""
    for row in newest:
        if items := [i for i in _decided(library.minutes(row.id)) if _is_telling(i)]:
            yield row, max(items, key=lambda i: len(i.decision.additions) + len(i.decision.adopts) if i.decision else 0)


def _decided(minutes: Minutes) -> list[AgendaItem]:
    return [i for i in minutes.items if i.decision and not i.closed]


def _is_telling(item: AgendaItem) -> bool:
    """Whether an item is about something: not a formality, with a heading short enough to ask for."""
    if not item.title or len(item.title) > LONGEST_TITLE or is_generic(item.title) or not item.decision:
        return False
    return bool(item.decision.adopts) and Outcome.NONE not in item.decision.outcomes
