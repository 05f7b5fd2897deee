"""Every decision of the index in one table: what came of each item, where and when, with its own words.

A row is made of the record alone and quotes the stored text by offsets. What only recommends to another body says so
first, whatever else stands in it; of a closed item there is its public heading and its case number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date as day
from functools import cached_property
from typing import Any, Final, Literal, get_args
from urllib.parse import quote as in_address

from askamu import spreadsheet
from askamu.cite import date_text, plain, title_span
from askamu.compose.decision import FORMULA, PLAINLY_ADOPTED, asks_only_to_note
from askamu.compose.draft import quoted, whole_words
from askamu.compose.onward import own_ways
from askamu.danish import fold, stem, stop_words, words
from askamu.decision import told
from askamu.filters import Sort
from askamu.lexical import read_lexicon
from askamu.library import Library
from askamu.minutes import AgendaItem, Decision, MeetingDate, Minutes, Outcome, Span
from askamu.passage import Filters
from askamu.record import case_key
from askamu.spreadsheet import Cell, Column, Link
from askamu.texts import day_text, text

CLOSED: Final = "closed"  # beside the outcomes: the item was treated behind closed doors
Ending = Outcome | Literal["closed"]
ENDINGS: tuple[Ending, ...] = (*Outcome, CLOSED)
SORTS: tuple[Sort, ...] = get_args(Sort)

MAX_QUOTE = 1_000  # characters of a decision that a row quotes
MAX_POINT = 300  # characters of a point of the recommendation
MAX_POINTS = 30
MAX_SEARCHED = 5_000  # characters of a decision in which words are looked for
NOTHING_DECIDED = frozenset({Outcome.NONE, Outcome.WITHDRAWN})
DANISH_ORDER = str.maketrans({"æ": "{", "ä": "{", "ø": "|", "ö": "|", "å": "}"})  # behind z


@dataclass(frozen=True, slots=True)
class Quote:
    """The first words of something: `text` is the stored text from start to end."""

    start: int
    end: int
    text: str
    whole: bool  # False where it goes on behind `end`

    @property
    def shown(self) -> str:
        """It as it is shown, on one line, with »…« where it was cut."""
        return plain(self.text) if self.whole else f"{plain(self.text)} …".lstrip()


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What came of one item."""

    document: str
    source: str
    municipality: str | None
    committee: str | None
    date: MeetingDate
    item: str  # its number as printed, else its place from 1
    item_index: int  # position in Minutes.items
    title: str
    case_number: str | None
    closed: bool
    outcomes: tuple[Outcome, ...]  # () for a closed item
    final: bool | None  # False: only recommended to another body, or put off; None: nothing was decided, or is public
    span: Span  # the whole decision; a closed item's heading
    quote: Quote | None  # None for a closed item
    adopted: tuple[Quote, ...]  # the points of the recommendation that a decision in a formula speaks of
    only_noted: bool  # approved, where those points ask for no more than that the matter be noted or discussed
    searched: str  # what free words are looked for in

    @property
    def held_on(self) -> day | None:
        return self.date.held_on

    @property
    def sorted_by(self) -> day | None:
        """When the meeting was, as far as is known: for sorting only."""
        return self.date.held_on or self.date.latest or self.date.earliest

    @property
    def recommended(self) -> bool:
        """Whether it only recommends to another body, in all or in parts."""
        return Outcome.RECOMMENDED in self.outcomes

    @property
    def path(self) -> str:
        return f"/kilde/{in_address(self.document, safe='')}/{in_address(self.item, safe='')}"

    @property
    def permalink(self) -> str:
        return f"{self.path}?fra={self.span.start}&til={self.span.end}"


@dataclass(frozen=True, slots=True)
class DecisionFilters:
    """Which rows are wanted."""

    meetings: Filters = Filters()  # also the case number
    ending: Ending | None = None
    words: str = ""  # all of them must stand in the row


class Decisions:
    """The rows of one generation, newest meeting first. Made once: it reads every meeting."""

    def __init__(self, library: Library) -> None:
        self.library = library
        found = [row for m in library.meetings for row in rows_of(library.record.document(m.id))]
        found.sort(key=_place)
        self.rows: tuple[DecisionRow, ...] = tuple(_by(found, lambda r: r.sorted_by, reverse=True))

    @cached_property
    def _terms(self) -> dict[tuple[str, int], frozenset[str]]:
        """The stems of each row's words and of the parts of its compounds."""
        analyser = read_lexicon(self.library.current.folder)
        return {
            (r.document, r.item_index): frozenset([*analyser.stems(r.searched), *analyser.parts(r.searched)])
            for r in self.rows
        }

    def select(self, filters: DecisionFilters = DecisionFilters(), sort: Sort = "-date") -> list[DecisionRow]:
        """The rows that pass all filters, in order.

        Raises:
            UnknownFilter: if the municipality or the committee is not indexed.
        """
        asked = filters.meetings
        self.library.check(asked)
        meetings = {m.id for m in self.library.allowed(asked)}
        rows = [r for r in self.rows if r.document in meetings]
        if asked.case_number:
            key = case_key(asked.case_number)
            rows = [r for r in rows if r.case_number and case_key(r.case_number) == key]
        if filters.ending:
            rows = [r for r in rows if filters.ending in r.outcomes or (r.closed and filters.ending == CLOSED)]
        if wanted := _asked_stems(filters.words):
            rows = [r for r in rows if wanted <= self._terms[r.document, r.item_index]]
        elif filters.words.strip():
            rows = []  # signs alone stand nowhere
        return ordered(rows, sort)


def _place(row: DecisionRow) -> tuple[str, str, str, int]:
    return alphabetical(row.municipality or ""), alphabetical(row.committee or ""), row.document, row.item_index


def _asked_stems(asked: str) -> set[str]:
    """The stems of the words asked for, without those that say nothing of a subject, where there are others."""
    said = words(asked)
    return {stem(w) for w in said if w not in stop_words()} or {stem(w) for w in said}


def ordered(rows: Sequence[DecisionRow], sort: Sort) -> list[DecisionRow]:
    """The rows by one of their columns; what a row does not tell stands last either way."""
    keys: dict[str, Callable[[DecisionRow], Any]] = {
        "date": lambda r: r.sorted_by,
        "committee": lambda r: (alphabetical(r.municipality or ""), alphabetical(r.committee)) if r.committee else None,
        "outcome": lambda r: list(Outcome).index(leading(r)) if r.outcomes else None,
        "title": lambda r: alphabetical(r.title) or None,
    }
    return _by(rows, keys[sort.removeprefix("-")], reverse=sort.startswith("-"))


def _by(rows: Iterable[DecisionRow], key: Callable[[DecisionRow], Any], *, reverse: bool) -> list[DecisionRow]:
    known: list[DecisionRow] = []
    unknown: list[DecisionRow] = []
    for row in rows:
        (unknown if key(row) is None else known).append(row)
    return sorted(known, key=key, reverse=reverse) + unknown


def alphabetical(name: str) -> str:
    """A key that sorts as Danish does: æ, ø, å last, and signs before the first letter do not count."""
    plain_letters = unicodedata.normalize("NFC", name).casefold().translate(DANISH_ORDER)
    return plain_letters.lstrip(" »«\"'’”“–-.,:(")


# -- rows --------------------------------------------------------------------------------------


def rows_of(minutes: Minutes) -> list[DecisionRow]:
    """One row for each item that has a decision, or is closed."""
    return [
        _closed(minutes, index, item) if item.closed else _decided(minutes, index, item, item.decision)
        for index, item in enumerate(minutes.items)
        if item.closed or item.decision
    ]


def _closed(minutes: Minutes, index: int, item: AgendaItem) -> DecisionRow:
    _, heading = title_span(minutes, item)
    return _row(minutes, index, item, (), None, heading, None)


def _decided(minutes: Minutes, index: int, item: AgendaItem, decision: Decision | None) -> DecisionRow:
    assert decision is not None
    whole = quoted(minutes, decision)
    outcomes = decision.outcomes
    final: bool | None = decision.final
    if set(outcomes) & {Outcome.POSTPONED, Outcome.SENT_BACK}:
        final = False  # of a part
    if set(outcomes) <= NOTHING_DECIDED:
        final = None
    quote = quote_of(minutes.text, whole, MAX_QUOTE)
    points = _adopted(minutes, item, decision, outcomes, whole)
    return _row(minutes, index, item, outcomes, final, whole, quote, points)


def _adopted(
    minutes: Minutes, item: AgendaItem, decision: Decision, outcomes: tuple[Outcome, ...], whole: Span
) -> tuple[Span, ...]:
    """The points that »Godkendt som indstillet« or »Anbefales« speaks of; none where it is not as simple as that."""
    simple = set(outcomes) <= PLAINLY_ADOPTED or set(outcomes) == {Outcome.RECOMMENDED}
    if not simple or whole.end - whole.start > FORMULA or own_ways(minutes, item):
        return ()
    return decision.adopts


def _row(
    minutes: Minutes,
    index: int,
    item: AgendaItem,
    outcomes: tuple[Outcome, ...],
    final: bool | None,
    span: Span,
    quote: Quote | None,
    points: tuple[Span, ...] = (),
) -> DecisionRow:
    adopted = tuple(quote_of(minutes.text, point, MAX_POINT) for point in points[:MAX_POINTS])
    said = "" if item.closed else minutes.text[span.start : min(span.end, span.start + MAX_SEARCHED)]
    return DecisionRow(
        document=minutes.id,
        source=minutes.source,
        municipality=minutes.municipality,
        committee=minutes.committee,
        date=minutes.date,
        item=item.number or str(index + 1),
        item_index=index,
        title=" ".join(item.title.split()),
        case_number=item.case_number,
        closed=item.closed,
        outcomes=outcomes,
        final=final,
        span=span,
        quote=quote,
        adopted=adopted,
        only_noted=outcomes == (Outcome.APPROVED,)
        and bool(points)
        and all(asks_only_to_note(p.of(minutes.text)) for p in points),
        searched="\n".join([item.title, item.case_number or "", said, *(a.text for a in adopted)]),
    )


def quote_of(source: str, span: Span, most: int) -> Quote:
    """The first words of a span of the stored text."""
    cut = whole_words(source, span, most)
    return Quote(cut.start, cut.end, cut.of(source), cut.end == span.end)


# -- what is shown -----------------------------------------------------------------------------


def leading(row: DecisionRow) -> Outcome:
    """The outcome that is shown first: that a matter is not settled, where it is not."""
    return Outcome.RECOMMENDED if row.recommended else row.outcomes[0]


def labels(row: DecisionRow, language: str) -> list[str]:
    """The outcomes in words. What stands beside a recommendation is said to be of a part of the matter."""
    if row.closed:
        return [text("decisions.closed", language)]
    if row.only_noted:
        return [text("decisions.approved_noting", language)]  # a yes to hearing of the matter, and not to the matter
    if not row.recommended:
        return told(row.outcomes, row.final, language)
    first = text(f"outcome.{Outcome.RECOMMENDED.value}", language)
    return [first, *(_of_part(o, language) for o in row.outcomes if o is not Outcome.RECOMMENDED)]


def _of_part(outcome: Outcome, language: str) -> str:
    if outcome is Outcome.REJECTED:  # »Anbefales ikke« is no rejection either
        return text("decisions.part_not", language)
    said = text(f"outcome.{outcome.value}", language)
    return text("decisions.part", language, outcome=said[:1].lower() + said[1:])


def adopted_label(row: DecisionRow, language: str) -> str:
    """What the points of the recommendation are to this decision."""
    return text("decisions.sent_on" if row.recommended else "decisions.adopted", language)


def heading(row: DecisionRow, language: str) -> str:
    return row.title or text("decisions.no_title", language)


def ending_name(ending: Ending, language: str) -> str:
    """An outcome, or that an item was closed, as a filter names it."""
    return text("decisions.closed" if ending == CLOSED else f"outcome.{ending}", language)


def filter_words(filters: DecisionFilters, language: str) -> list[tuple[str, str]]:
    """The filters that are set, each with the name that it has in an address, and in words."""
    asked = filters.meetings
    values = {
        "municipality": asked.municipality,
        "committee": asked.committee,
        "date_from": f"{asked.date_from:%d.%m.%Y}" if asked.date_from else None,
        "date_to": f"{asked.date_to:%d.%m.%Y}" if asked.date_to else None,
        "outcome": ending_name(filters.ending, language) if filters.ending else None,
        "case_number": asked.case_number,
        "q": filters.words.strip(),
    }
    return [(name, text(f"decisions.is_{name}", language, value=value)) for name, value in values.items() if value]


def searched(library: Library, filters: DecisionFilters, language: str) -> str:
    """What was searched, for who is told that there is nothing."""
    meetings = len(library.allowed(filters.meetings))
    limits = ", ".join(said for _, said in filter_words(filters, language))
    if not limits:
        return text("decisions.searched_all", language, meetings=meetings)
    if not meetings:
        return text("decisions.searched_none", language, filters=limits)
    return text("decisions.searched", language, meetings=meetings, filters=limits)


def as_record(row: DecisionRow, language: str) -> dict[str, Any]:
    """A row, ready for JSON."""
    return {
        "document": row.document,
        "source": row.source,
        "municipality": row.municipality,
        "committee": row.committee,
        "date": row.held_on.isoformat() if row.held_on else None,
        "date_text": date_text(row, language),
        "item": row.item,
        "title": row.title,
        "case_number": row.case_number,
        "closed": row.closed,
        "outcomes": [o.value for o in row.outcomes],
        "final": row.final,
        "decision": _quote_record(row.quote) if row.quote else None,
        "adopted": [_quote_record(quote) for quote in row.adopted],
        "permalink": row.permalink,
    }


def _quote_record(quote: Quote) -> dict[str, Any]:
    return {"quote": quote.text, "start": quote.start, "end": quote.end, "whole": quote.whole}


# -- sheets ------------------------------------------------------------------------------------

WIDTHS = {
    "date": 12, "date_note": 18, "municipality": 14, "committee": 26, "item": 7, "title": 44, "case_number": 20,
    "outcome": 26, "final": 9, "words": 60, "recommendation": 60, "link": 30, "source": 28,
}  # fmt: skip


def columns(language: str) -> list[Column]:
    return [Column(text(f"decisions.sheet.{key}", language), width) for key, width in WIDTHS.items()]


def cells(row: DecisionRow, language: str, site: str) -> list[Cell]:
    """A row of a sheet, in the order of its columns; what is unknown is empty.

    Args:
        site: the address that the permalinks begin with, such as https://example.dk; "" where it is not known.
    """
    final = "" if row.final is None else text("decisions.yes" if row.final else "decisions.no", language)
    return [
        row.held_on,
        "" if row.held_on else date_text(row, language),
        row.municipality,
        row.committee,
        row.item,
        row.title,
        row.case_number,
        ", ".join(labels(row, language)),
        final,
        row.quote.shown if row.quote else "",
        " | ".join(quote.shown for quote in row.adopted),
        Link(f"{site}{row.permalink}"),
        row.source,
    ]


def as_csv(rows: Iterable[DecisionRow], language: str, site: str = "") -> str:
    return spreadsheet.as_csv(columns(language), (cells(row, language, site) for row in rows))


def as_xlsx(rows: Sequence[DecisionRow], filters: DecisionFilters, language: str, site: str = "") -> bytes:
    """With a second sheet that says what was asked for and how the columns are meant."""
    limits = ", ".join(said for _, said in filter_words(filters, language))
    today = day_text(day.today(), language)
    about = [
        text("decisions.about_filters", language, filters=limits) if limits else text("decisions.about_all", language),
        text("decisions.about_count", language, n=len(rows), date=today),
        *(text(f"decisions.about_{key}", language) for key in ("quotes", "final", "unknown")),
    ]
    table = (cells(row, language, site) for row in rows)
    titles = text("decisions.title", language), text("decisions.about", language)
    return spreadsheet.as_xlsx(titles[0], columns(language), table, (titles[1], about))


def file_name(filters: DecisionFilters, kind: str, language: str) -> str:
    """A name that says what is in the file: »beslutninger-greve-byraadet-2024-01-01-2024-12-31.csv«. ASCII."""
    asked = filters.meetings
    parts = [
        text("decisions.file", language), asked.municipality, asked.committee,
        asked.date_from and asked.date_from.isoformat(), asked.date_to and asked.date_to.isoformat(),
        filters.ending and ending_name(filters.ending, language), asked.case_number, filters.words,
    ]  # fmt: skip
    named = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in fold(p)) for p in parts if p)
    return f"{'-'.join(named.replace('-', ' ').split())[:100].rstrip('-')}.{kind}"
