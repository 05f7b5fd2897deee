"""What became of a matter that a committee only recommended onwards: the decision of the body that settled it."""

from __future__ import annotations

from datetime import timedelta

from askamu.compose.draft import Context, quote
from askamu.library import Library
from askamu.minutes import AgendaItem, Decision, Minutes, Outcome, SectionKind, Span, away
from askamu.threads import is_generic, telling

SOON = timedelta(days=180)  # within which a recommendation is treated by the next body
ALIKE = 0.6  # share of the shorter title's words that both must have
MAX_SETTLED = 300  # characters


def is_recommended(decision: Decision) -> bool:
    """Whether a decision only recommends to another body."""
    return not decision.final and Outcome.RECOMMENDED in decision.outcomes


def onward(context: Context, minutes: Minutes, item: AgendaItem) -> str:
    """That a recommendation is not final, and what was decided in the end where those minutes are indexed."""
    settled = settled_by(context.library, minutes, item)
    if settled is None:
        return context.say("not_final")
    there, later = settled
    decision = later.decision
    assert decision is not None
    notes = [note.start for note in away(decision) if note.start > decision.start]
    end = min([decision.end, *notes])
    if end - decision.start > MAX_SETTLED:
        end = there.text.rfind(" ", decision.start, decision.start + MAX_SETTLED)
    span = Span(decision.start, decision.start + len(there.text[decision.start : end].rstrip()))
    mark = context.citations.mark(there, later, later.of_kind(SectionKind.DECISION)[0], span)
    said = quote(span.of(there.text))
    return f"{context.say('settled', place=context.place(there, later))} {said} {mark}"


def settled_by(library: Library, minutes: Minutes, item: AgendaItem) -> tuple[Minutes, AgendaItem] | None:
    """The first later item of another body of the municipality on the same case whose decision is final.

    The same case: under the same number or the same heading, and with a heading much alike.
    """
    if minutes.held_on is None or is_generic(item.title):
        return None
    places = library.record.find_case(library.generation, item.case_number) if item.case_number else []
    title = item.title.casefold()
    places += [(r.document, r.index) for rows in library.items.values() for r in rows if r.title.casefold() == title]
    found = []
    for document, index in dict.fromkeys(places):
        meeting = library.meeting(document)
        if meeting.municipality != minutes.municipality or meeting.committee == minutes.committee:
            continue
        if meeting.held_on is None or not timedelta(0) <= meeting.held_on - minutes.held_on <= SOON:
            continue
        there = library.minutes(document)
        later = there.items[index]
        if later.decision and later.decision.final and not later.closed and _alike(item.title, later.title, minutes):
            found.append((meeting.held_on, document, there, later))
    return min(found, key=lambda f: f[:2])[2:] if found else None


def _alike(one: str, other: str, minutes: Minutes) -> bool:
    mine, theirs = telling(one, minutes.municipality), telling(other, minutes.municipality)
    fewer = min(len(mine), len(theirs))
    return one.casefold() == other.casefold() or (fewer > 0 and len(mine & theirs) >= ALIKE * fewer)
