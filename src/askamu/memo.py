"""A memo (notat): quotes and answers that somebody collected, each verified against the minutes anew.

What the basket holds is a claim. A quote is cut from the stored text by its place, an answer is given anew, and only
what is verified gets a source number; the rest is listed with the reason. `memo_docx` and `memo_markdown` write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date as day
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from askamu import corrections, links
from askamu.cite import plain, quote_lines
from askamu.compose.onward import own_ways
from askamu.errors import BadDate, BadMemo, BadQuestion, NotQuotable, NotStored, PeriodReversed, UnknownFilter
from askamu.filters import read_filters
from askamu.library import Library
from askamu.loaders.text import one_line, settle
from askamu.minutes import Minutes, Span
from askamu.passage import Answer, Filters, Tier
from askamu.privacy import hide_cpr
from askamu.reference import caution, link, place, reference, short_reference
from askamu.show import filters_line
from askamu.texts import text

MAX_ENTRIES, MAX_ANSWERS = 200, 20
MAX_LINE, MAX_TEXT, MAX_QUOTE = 300, 5_000, 20_000  # characters

WEB = ("http://", "https://")  # how a link begins that leads somewhere from outside the site

Line = Annotated[str, Field(max_length=MAX_LINE)]
Words = Annotated[str, Field(max_length=MAX_TEXT)]
_MARKUP = re.compile(r"\\([!-/:-@\[-`{-~])|\*+")
_MARK = re.compile(r"(?<!\\) ?\[(\d+)\]")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Part):
    """What an answer's search is limited to; dates as people write them."""

    municipality: Line | None = None
    committee: Line | None = None
    date_from: Annotated[str, Field(max_length=10)] | None = None
    date_to: Annotated[str, Field(max_length=10)] | None = None


class PassageEntry(_Part):
    """A stretch of minutes. `quote`: the words it is said to hold, if they are known; they must be the stored ones."""

    type: Literal["passage"] = "passage"
    document: Line
    start: int = Field(ge=0, le=10**9)
    end: int = Field(ge=0, le=10**9)
    quote: Annotated[str, Field(max_length=MAX_QUOTE)] | None = None
    note: Words = ""


class AnswerEntry(_Part):
    """A question, which is answered anew."""

    type: Literal["answer"] = "answer"
    question: Words
    filters: Limits = Limits()
    note: Words = ""


class TextEntry(_Part):
    """The author's own heading or text."""

    type: Literal["heading", "text"]
    text: Words


Entry = Annotated[PassageEntry | AnswerEntry | TextEntry, Field(discriminator="type")]


class Memo(_Part):
    """A memo as its author collected it: the JSON of the API and of `askamu memo --from`."""

    title: Line = ""
    author: Line = ""
    date: day | None = None  # as the caller gives it; a memo without one says none
    lang: Literal["da", "en"] | None = None
    entries: Annotated[tuple[Entry, ...], Field(max_length=MAX_ENTRIES)] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A verified stretch. Two entries that quote the same one share it."""

    n: int
    document: str
    span: Span
    lines: tuple[str, ...]  # the quote as it is shown
    reference: str
    short: str
    link: str  # absolute where the site's address is known, else a path
    file: str
    caution: str  # »en indstilling, ikke en beslutning«, "" where nothing need be said

    @property
    def quote(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Quote:
    """An entry that was verified."""

    source: Source
    note: str = ""
    adopted: tuple[Source, ...] = ()  # what a decision follows: »Godkendt som indstillet« alone says nothing


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its new answer; the marks in `text` (Markdown) are the memo's source numbers."""

    question: str
    text: str
    note: str
    remarks: tuple[str, ...]  # how the question was understood, what it was limited to, how sure the answer is
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Newer:
    """Where the minutes that replaced others stand, and in them the same words where they are found."""

    document: str
    span: Span | None
    link: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """An entry that could not be verified; it has no source number."""

    claim: str  # what the author took it for, "" where that is not known or not public
    reason: str
    note: str = ""
    where: str = ""  # the file and the characters
    newer: Newer | None = None


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What the author wrote."""

    paragraphs: tuple[str, ...]
    heading: bool


Part = Quote | Answered | Unconfirmed | OwnWords


@dataclass(frozen=True, slots=True)
class Verified:
    """A memo that can be written: one part an entry, in order, and the sources they name."""

    title: str
    author: str
    date: day | None
    language: str
    parts: tuple[Part, ...]
    sources: tuple[Source, ...]

    @property
    def quoted(self) -> frozenset[int]:
        """The numbers of the sources whose words stand in the memo itself."""
        quotes = [p for p in self.parts if isinstance(p, Quote)]
        return frozenset(s.n for p in quotes for s in (p.source, *p.adopted))

    @property
    def unconfirmed(self) -> tuple[Unconfirmed, ...]:
        return tuple(p for p in self.parts if isinstance(p, Unconfirmed))


Ask = Callable[[str, Filters, str], Answer]


def read_memo(stored: str | bytes) -> Memo:
    """A memo out of its JSON.

    Raises:
        BadMemo: if it is none; the message says where it fails.
    """
    try:
        return Memo.model_validate_json(stored)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(x) for x in first["loc"])
        raise BadMemo(f"{where}: {first['msg']}" if where else first["msg"]) from error


def verify(library: Library, memo: Memo, ask: Ask, language: str, base: str = "") -> Verified:
    """Check every entry against the library.

    Args:
        ask: answers a question; given it, filters and the language.
        language: of the memo, where it names none itself.
        base: address of the site, for links that work outside it; "" where it is not known.

    Raises:
        BadMemo: if there are more answers to give than is reasonable.
    """
    if sum(isinstance(e, AnswerEntry) for e in memo.entries) > MAX_ANSWERS:
        raise BadMemo(text("memo.too_many_answers", memo.lang or language, limit=MAX_ANSWERS))
    check = _Check(library, ask, memo.lang or language, base.rstrip("/"))
    parts = tuple(check.part(entry) for entry in memo.entries)
    title = own_line(memo.title) or text("memo.untitled", check.language)
    return Verified(title, own_line(memo.author), memo.date, check.language, parts, tuple(check.sources.values()))


@dataclass
class _Check:
    """One memo on its way to being verified."""

    library: Library
    ask: Ask
    language: str
    base: str
    sources: dict[tuple[str, int, int], Source] = field(default_factory=dict)

    def part(self, entry: PassageEntry | AnswerEntry | TextEntry) -> Part:
        if isinstance(entry, PassageEntry):
            return self.passage(entry)
        if isinstance(entry, AnswerEntry):
            return self.answer(entry)
        if entry.type == "heading":
            return OwnWords((own_line(entry.text),), heading=True)
        return OwnWords(own_paragraphs(entry.text), heading=False)

    def passage(self, entry: PassageEntry) -> Quote | Unconfirmed:
        note, claim = own_words(entry.note), own_words(entry.quote or "")
        span = Span(entry.start, entry.end)
        place_of = partial(text, "memo.file", self.language, start=entry.start, end=entry.end)
        if not self.library.holds(entry.document):
            newer = self.newer(entry.document, span)
            key = "memo.replaced" if newer else "memo.gone"
            return Unconfirmed(claim, text(key, self.language), note, place_of(file=own_line(entry.document)), newer)
        minutes = self.library.minutes(entry.document)
        where = place_of(file=minutes.source)
        try:
            place(minutes, span)
        except NotQuotable as error:
            shown = "" if error.reason == "closed" else claim
            return Unconfirmed(shown, text(error.text_key, self.language), note, where)
        if span.end - span.start > MAX_QUOTE:
            return Unconfirmed("", text("memo.too_long", self.language, limit=MAX_QUOTE), note, where)
        if claim and plain(claim) not in (stored := plain(span.of(minutes.text)), plain(stored)):
            there = Newer(minutes.id, None, self.base + link(minutes, span))
            return Unconfirmed(claim, text("memo.differs", self.language), note, where, there)
        return Quote(self.source(minutes, span), note, self.adopted(minutes, span))

    def source(self, minutes: Minutes, span: Span) -> Source:
        """The source of a stretch, with the number it has or the next one. Raises NotQuotable as `place` does."""
        key = (minutes.id, span.start, span.end)
        if key not in self.sources:
            said = caution(place(minutes, span), self.language)
            self.sources[key] = Source(
                len(self.sources) + 1, minutes.id, span, tuple(quote_lines(span.of(minutes.text))),
                reference(minutes, span, self.language), short_reference(minutes, span, self.language),
                self.base + link(minutes, span), minutes.source, said,
            )  # fmt: skip
        return self.sources[key]

    def adopted(self, minutes: Minutes, span: Span) -> tuple[Source, ...]:
        """The points of the recommendation that a quoted decision adopts, where its formula is quoted."""
        item = place(minutes, span).item
        decision = item.decision if item else None
        if decision is None or not span.start <= decision.start < span.end:
            return ()
        if item is None or own_ways(minutes, item):
            return ()  # what another body recommended was adopted, and that was not what is printed
        return tuple(self.source(minutes, point) for point in decision.adopts)

    def newer(self, document: str, span: Span) -> Newer | None:
        """Where a stretch of replaced minutes leads now; None where nothing took their place."""
        try:
            now = corrections.current(self.library, document)
        except NotStored:
            return None
        path = links.meeting_path(now)
        with suppress(KeyError, NotQuotable, NotStored):  # what is not found leads to the meeting, or to the item
            old = self.library.record.document(document)
            item = place(old, span).item
            index = old.items.index(item) if item else links.HEADER_INDEX
            found = corrections.find_at(self.library, document, index, span)
            path = links.item_path(found.minutes, found.index)
            if found.span:
                return Newer(now, found.span, self.base + link(found.minutes, found.span))
        return Newer(now, None, self.base + path)

    def answer(self, entry: AnswerEntry) -> Answered | Unconfirmed:
        note, question, asked = own_words(entry.note), own_line(entry.question), entry.filters
        try:
            filters = read_filters(asked.municipality, asked.committee, asked.date_from, asked.date_to)
            answer = self.ask(question, filters, self.language)
        except (BadQuestion, UnknownFilter, BadDate, PeriodReversed) as error:
            return Unconfirmed(question, text(error.text_key, self.language, **error.values), note)
        found: dict[int, Source] = {}
        for citation in answer.citations:
            try:
                minutes = self.library.minutes(citation.document)
                found[citation.n] = self.source(minutes, Span(citation.start, citation.end))
            except (KeyError, NotQuotable):
                continue  # its mark is taken away, as is that of a citation that is not there

        def renumbered(mark: re.Match[str]) -> str:
            source = found.get(int(mark[1]))
            return f"{' ' if mark[0].startswith(' ') else ''}[{source.n}]" if source else ""

        remarks = []
        if answer.completed_question != answer.question:
            remarks.append(text("cli.understood_as", self.language, question=own_line(answer.completed_question)))
        if limits := filters_line(answer.filters):
            remarks.append(text("cli.limited_to", self.language, filters=own_line(limits)))
        if answer.tier is Tier.POSSIBLE:
            remarks.append(text("cli.possible", self.language))
        shown = _MARK.sub(renumbered, answer.text)
        return Answered(question, shown, note, tuple(remarks), tuple(found.values()))


def own_words(words: str) -> str:
    """What an author wrote, fit for any document: no control characters, none that turn the direction, no cpr."""
    kept = settle(words).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    return hide_cpr(re.sub("[\x80-\x9f]", " ", kept))[0].strip()


def own_line(words: str) -> str:
    return one_line(own_words(words))


def own_paragraphs(words: str) -> tuple[str, ...]:
    """The paragraphs of what an author wrote, single line breaks kept."""
    return tuple(p.strip("\n") for p in re.split(r"\n\s*\n", own_words(words)) if p.strip())


def plain_answer(answer: str) -> str:
    """An answer's Markdown as plain text: no emphasis, nothing escaped."""
    return _MARKUP.sub(lambda m: m[1] or "", answer)


def as_record(memo: Verified) -> dict[str, Any]:
    """The verified memo for JSON: one entry each, and its sources."""
    return {
        "title": memo.title,
        "language": memo.language,
        "entries": [_entry_record(part) for part in memo.parts],
        "sources": [
            {
                "n": s.n, "document": s.document, "start": s.span.start, "end": s.span.end, "quote": s.quote,
                "reference": s.reference, "permalink": s.link,
            }
            for s in memo.sources
        ],
    }  # fmt: skip


def _entry_record(part: Part) -> dict[str, Any]:
    if isinstance(part, Quote):
        source = part.source
        return {
            "status": "confirmed", "n": source.n, "quote": source.quote, "reference": source.reference,
            "permalink": source.link, "caution": source.caution,
            "adopted": [{"n": s.n, "quote": s.quote} for s in part.adopted],
        }  # fmt: skip
    if isinstance(part, Answered):
        return {
            "status": "answered", "answer": part.text, "plain": plain_answer(part.text), "remarks": list(part.remarks),
            "sources": [s.n for s in part.sources],
        }  # fmt: skip
    if isinstance(part, Unconfirmed):
        newer = part.newer and {
            "document": part.newer.document, "permalink": part.newer.link,
            "start": part.newer.span.start if part.newer.span else None,
            "end": part.newer.span.end if part.newer.span else None,
        }  # fmt: skip
        return {
            "status": "unconfirmed",
            "claim": part.claim,
            "reason": part.reason,
            "where": part.where,
            "newer": newer,
        }
    return {"status": "own"}
