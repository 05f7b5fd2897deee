"""What other bodies had to do with a decision: who settled what was only recommended, and whose words were adopted."""

from __future__ import annotations

import re
from datetime import timedelta

from askamu.compose.draft import Context, quote
from askamu.library import Library
from askamu.minutes import AgendaItem, Decision, Minutes, Outcome, Section, SectionKind, Span, away
from askamu.sentences import sentences
from askamu.threads import is_generic, telling
from askamu.vocabulary import table

SOON = timedelta(days=180)  # within which a recommendation is treated by the next body
ALIKE = 0.6  # share of the shorter title's words that both must have
MAX_SETTLED = 300  # characters
MAX_HISTORY = 700  # characters


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
    theirs = "".join(
        f" {history_text(context, there, later, other, key='adopted_from', most=MAX_SETTLED)}"
        for other in own_ways(there, later)
    )
    return f"{context.say('settled', place=context.place(there, later))} {said} {mark}{theirs}"


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


def own_ways(minutes: Minutes, item: AgendaItem) -> list[Section]:
    """Where a decision adopts another body's recommendation: what that body said, if it was not the one printed.

    »Byrådet godkendte Økonomiudvalgets indstilling« adopts what the administration recommended only if that committee
    recommended the same.
    """
    adopts, decision = table("outcomes")["of_another"]["adopts"], item.decision
    if decision is None or not re.search(adopts, minutes.text[decision.start : decision.end], re.IGNORECASE):
        return []
    return [
        section
        for section in item.of_kind(SectionKind.HISTORY)
        if any(_differs(s.of(minutes.text)) for s in sentences(minutes.text, section.body, section.end))
    ]


def _differs(sentence: str) -> bool:
    words = table("outcomes")["of_another"]
    members = re.search(words["members"], sentence, re.IGNORECASE)
    return not members and bool(re.search(words["differs"], sentence, re.IGNORECASE))


def history_text(
    context: Context,
    minutes: Minutes,
    item: AgendaItem,
    section: Section,
    *,
    key: str = "other_body",
    most: int = MAX_HISTORY,
) -> str:
    """What another body said of the matter, as the minutes quote it."""
    start, end = section.start, section.end
    while end > start and minutes.text[end - 1].isspace():
        end -= 1
    if end - start > most and key == "adopted_from":  # the end tells what was recommended last
        said = sentences(minutes.text, section.body, end)
        start = next(s.start for s in said if _differs(s.of(minutes.text)))
    span = Span(start, min(end, start + most))
    mark = context.citations.mark(minutes, item, section, span)
    return f"{context.say(key)} {quote(span.of(minutes.text))} {mark}"
