"""The nouns of a meeting: what the parser reads out of one document."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date as day
from enum import StrEnum


class SectionKind(StrEnum):
    """What a part of an agenda item is, whatever its municipality calls it."""

    HEADER = "header"  # title and case number, and everything that stands before item 1
    SUMMARY = "summary"  # resume, præsentation
    THEME = "theme"  # sagstema, beslutningstema
    CASE = "case"  # sagsfremstilling, redegørelse: the administration's account
    RECOMMENDATION = "recommendation"  # indstilling: what the administration asks the committee to decide
    DECISION = "decision"  # beslutning: what this committee decided
    LEGAL = "legal"  # retsgrundlag, lovgrundlag
    ECONOMY = "economy"  # økonomiske konsekvenser
    CONSEQUENCES = "consequences"  # andre konsekvenser
    HEARING = "hearing"  # høring og sagsgang
    HISTORY = "history"  # tidligere besluttet, sagens forløb: also other bodies' decisions inside our item
    COMPETENCE = "competence"  # who may decide the case
    ASSESSMENT = "assessment"  # vurdering
    TIMELINE = "timeline"  # tidsplan
    COMMUNICATION = "communication"
    EFFECT = "effect"
    ATTACHMENTS = "attachments"  # bilag: names only
    ATTACHMENT_TEXT = "attachment_text"  # a page of a bilag: laid before the committee, nothing that it decided


class Outcome(StrEnum):
    """What became of a recommendation. Several may stand in one decision."""

    APPROVED = "approved"
    APPROVED_WITH_CHANGE = "approved_with_change"
    NOTED = "noted"  # taget til efterretning
    DISCUSSED = "discussed"
    RECOMMENDED = "recommended"  # anbefales/indstilles til another body: not final
    POSTPONED = "postponed"
    REJECTED = "rejected"
    SENT_BACK = "sent_back"
    WITHDRAWN = "withdrawn"
    NONE = "none"  # "Intet til referat"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of `Minutes.text`, in characters, end exclusive."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an item, from its heading to the next one's."""

    kind: SectionKind
    heading: str  # as printed: Thisted has "Redegørelse" where Holstebro has "Sagsfremstilling"
    start: int  # the heading's first character
    body: int  # the first character after the heading line
    end: int
    nil: bool = False  # "Intet at bemærke", or nothing at all

    @property
    def span(self) -> Span:
        return Span(self.body, self.end)


class NoteKind(StrEnum):
    """What is noted beside a decision and is no part of it."""

    PARTIAL_ABSENCE = "partial_absence"  # somebody was away from some items, or for a while
    SUBSTITUTE = "substitute"  # stedfortræder, suppleant
    DISQUALIFIED = "disqualified"  # inhabil: did not take part in the case
    STATEMENT = "statement"  # ført til protokol, mindretalsudtalelse: what members had put on record


@dataclass(frozen=True, slots=True)
class Note:
    kind: NoteKind
    span: Span


@dataclass(frozen=True, slots=True)
class Decision:
    """What the meeting's own committee decided on an item.

    `points` are the recommendation's points (spans) that the decision adopts, `additions` the
    sentences that the committee put beside the formula, `statements` what was said to the record.
    """

    start: int
    end: int
    outcomes: tuple[Outcome, ...]
    adopts: tuple[Span, ...]
    additions: tuple[Span, ...]
    final: bool
    absent: tuple[str, ...] = ()  # names noted as absent under this decision, party in brackets if printed
    absence: tuple[Span, ...] = ()  # where the absence is noted
    votes: tuple[Span, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A point of the agenda (dagsordenspunkt)."""

    number: str | None  # as printed, "7" or "2a"; some layouts print none
    title: str  # "" when none is printed
    case_number: str | None  # sagsnummer, "15.00.15-P16-1-22"
    closed: bool  # lukket punkt: the heading may be public, the content is not
    start: int
    end: int
    sections: tuple[Section, ...]  # the first is the HEADER: title and case number
    decision: Decision | None = None
    attachments: tuple[str, ...] = ()
    route: str | None = None  # »MBU/ØU/KB«: the bodies it is on its way through, where the heading says so

    def of_kind(self, *kinds: SectionKind) -> tuple[Section, ...]:
        return tuple(s for s in self.sections if s.kind in kinds and not s.nil)

    @property
    def own_end(self) -> int:
        """Where what the minutes themselves say of it ends, and the text of its attachments begins."""
        return next((s.start for s in self.sections if s.kind is SectionKind.ATTACHMENT_TEXT), self.end)


@dataclass(frozen=True, slots=True)
class MeetingDate:
    """When a meeting was held, and how we know.

    `held_on` is None when the document does not say; it is never guessed. `earliest` and `latest`
    then bound it as far as the text gives evidence (a decision quoted from another body can't be
    later than the meeting), so that a question about a year can still find it.
    """

    held_on: day | None
    evidence: str | None  # the words that show it, or the hint there is ("et bilag nævner 10.06.25")
    earliest: day | None = None
    latest: day | None = None


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes (referat) of one committee meeting."""

    id: str  # content hash
    source: str  # the file's name as ingested
    text: str  # the cleaned document; every offset points into it
    municipality: str | None
    committee: str | None
    date: MeetingDate
    kind: str  # "referat", "dagsorden", ...
    place: str | None
    attendees: tuple[str, ...] | None  # None: the text says nothing
    absent: tuple[str, ...] | None
    header: Section  # what stands before item 1 (item number "0")
    items: tuple[AgendaItem, ...]
    layout: str
    confidence: float
    warnings: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()  # where each page begins in `text`; () where there are no pages
    address: str | None = None  # where the document is published

    def page(self, offset: int) -> int | None:
        """The number of the page that a character stands on, from 1; None where there are no pages."""
        return bisect_right(self.pages, offset) or None if self.pages else None

    @property
    def held_on(self) -> day | None:
        return self.date.held_on

    def own_text(self, item: AgendaItem | None) -> str:
        """What the minutes say of an item without its attachments; for None, what stands before the first item."""
        return self.text[item.start : item.own_end] if item else self.text[: self.header.end]

    def item(self, number: str) -> AgendaItem | None:
        return next((i for i in self.items if i.number == number), None)


def away(decision: Decision) -> list[Span]:
    """Where it is noted under a decision who was not there, or stood in."""
    kinds = (NoteKind.PARTIAL_ABSENCE, NoteKind.SUBSTITUTE)
    return [*decision.absence, *(n.span for n in decision.notes if n.kind in kinds)]
