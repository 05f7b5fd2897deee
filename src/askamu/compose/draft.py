"""What every composer works with, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from askamu import texts
from askamu.cite import Citations, plain, short_date, title_span
from askamu.library import Library
from askamu.limits import Limits
from askamu.minutes import AgendaItem, Decision, Minutes, Section, Span, away
from askamu.passage import Tier
from askamu.question import Question
from askamu.record import MeetingRow
from askamu.retrieve import ItemHit, Ranking
from askamu.select import Matcher

MANY_MEETINGS = 1  # with more than this, an answer says which meeting each item is from


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer's text with its marks, how sure it is, and the items it rests on."""

    text: str
    tier: Tier
    used: tuple[tuple[str, int], ...] = ()  # (document, item index)


@dataclass
class Context:
    """One question on its way to an answer."""

    library: Library
    question: Question
    meetings: list[MeetingRow]  # those the filters allow
    ranking: Ranking
    matcher: Matcher
    citations: Citations
    limits: Limits  # how much must speak for an answer
    warnings: list[str] = field(default_factory=list)

    @property
    def language(self) -> str:
        return self.question.language

    def say(self, key: str, **values: object) -> str:
        return texts.text(f"answer.{key}", self.language, **values)

    def minutes(self, hit: ItemHit) -> Minutes:
        return self.library.minutes(hit.document)

    def item(self, hit: ItemHit) -> AgendaItem | None:
        return self.minutes(hit).items[hit.item_index] if hit.item_index >= 0 else None

    def place(self, minutes: Minutes, item: AgendaItem | None) -> str:
        """Where it stands: »Holstebro, 11.03.2024, punkt 7 »Isbryderordning««."""
        parts = [minutes.municipality] if minutes.municipality else []
        if minutes.committee and len(self.library.committees) > 1:
            parts.append(minutes.committee)
        parts.append(short_date(minutes, self.language))
        if item is None:
            parts.append(self.say("header"))
        else:
            title = f" »{escape(item.title)}«" if item.title else ""
            parts.append(self.say("item", number=item.number or "?") + title)
        return ", ".join(parts)

    def cite(self, minutes: Minutes, item: AgendaItem, section: Section, span: Span, most: int) -> str:
        """»…« of a stretch and its mark; cut between words where it is longer than most, and then it shows."""
        cut = whole_words(minutes.text, span, most)
        return f"{quote(shown(minutes.text, cut, span.end))} {self.citations.mark(minutes, item, section, cut)}"

    def mark_title(self, minutes: Minutes, item: AgendaItem) -> str:
        section, span = title_span(minutes, item)
        return self.citations.mark(minutes, item, section, span)


def escape(text: str) -> str:
    """Text from minutes, harmless in Markdown: nothing in it can become a link, an image, a heading or HTML."""
    for sign in "\\`*_[]<>#|!":
        text = text.replace(sign, f"\\{sign}")
    return text


def quote(text: str) -> str:
    """»…« around source text, on one line and harmless in Markdown."""
    return f"»{escape(plain(text))}«"


def quoted(minutes: Minutes, decision: Decision) -> Span:
    """The decision as it is quoted: without the notes on who was away that it ends with; they answer another question.

    What stands after such a note is part of the decision, and the note with it.
    """
    end = decision.end
    notes = sorted(away(decision), key=lambda note: -note.start)
    for note in notes:
        if decision.start < note.start and not minutes.text[note.end : end].strip(" \n\t."):
            end = note.start
    return Span(decision.start, decision.start + max(1, len(minutes.text[decision.start : end].rstrip())))


def whole_words(text: str, span: Span, most: int) -> Span:
    """A stretch of text, cut between words where it is longer than most."""
    if span.end - span.start <= most:
        return span
    cut = span.start + most
    while cut > span.start and not text[cut].isspace():
        cut -= 1
    if cut == span.start:  # one word
        cut += most
    return Span(span.start, span.start + len(text[span.start : cut].rstrip()))


def shown(text: str, span: Span, end: int) -> str:
    """The words of a span, with a mark where it was cut before its end."""
    return span.of(text) + ("" if span.end >= end else " …")
