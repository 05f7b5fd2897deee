"""A topic followed over time: the agenda items that are about it, and the figures that minutes give for it.

The search names candidates by meaning and by words; an item is one of the topic's only where its own words show it:
in its heading, in its decision or recommendation, or in several of its sentences. What merely names it is kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from askamu.answer import read
from askamu.cite import heading
from askamu.compose import Context
from askamu.danish import fold, stem
from askamu.library import Library
from askamu.metadata import is_council
from askamu.minutes import AgendaItem, Minutes, Outcome, SectionKind, Span
from askamu.passage import Coverage, Filters
from askamu.sentences import sentences
from askamu.series import Figure, Series, series_of
from askamu.snippets import NOT_QUOTED
from askamu.threads import Step
from askamu.translate import added_words

ENOUGH = 0.75  # of the topic's words by weight, that words about it hold
SAID_OFTEN = 3  # sentences that hold the topic, in an item that is about it
SHARE = 0.2  # of its sentences
SHORT = 25  # characters of a sentence that is too short to quote while there is a longer one
MAX_READ = 150  # items, the nearest first
PLAIN = frozenset({SectionKind.SUMMARY, SectionKind.CASE, SectionKind.ASSESSMENT})  # quoted first
RESOLVED = frozenset({SectionKind.DECISION, SectionKind.RECOMMENDATION})


@dataclass(frozen=True, slots=True)
class Mention:
    """An item of a topic, and the words that show it."""

    step: Step
    kind: SectionKind  # of the section the quote is from
    quote: Span | None  # None where only the heading holds it
    about: bool  # else it only names the topic


@dataclass(frozen=True, slots=True)
class Topic:
    """What minutes hold about a topic, the oldest first."""

    words: str  # as asked, CPR numbers hidden
    filters: Filters  # those that were given and those read in the words
    items: tuple[Mention, ...]
    named: tuple[Mention, ...]  # items that only name it
    series: tuple[Series, ...]
    coverage: Coverage


class Subject:
    """The words that tell what a topic is, and whether a text holds them."""

    def __init__(self, context: Context) -> None:
        matcher, question = context.matcher, context.question
        silent = {stem(w) for m in context.library.meetings for w in (m.municipality or "").split()}
        said = {stem(w): w for w in re.findall(r"\w+", question.completed.casefold())}
        asked = {t: matcher.weights[t] for t in matcher.asked if t not in silent and not t[0].isdigit()}
        known = {t: w for t, w in asked.items() if context.library.current.lexical.doc_freq(t)}
        added = re.findall(r"\w+", added_words(question.search, question.language).casefold())
        self._added = [_holding(stem(w), w) for w in added if stem(w) not in asked and len(w) > 3]
        # Words that minutes do not have (English ones) are told by the glossary's alone, if it has some for them.
        kept = {} if self._added and len(known) < len(asked) else known or asked
        self._asked = [(w, _holding(t, said.get(t, t))) for t, w in kept.items()]
        self._total = sum(w for w, _ in self._asked)

    @property
    def empty(self) -> bool:
        return not self._asked and not self._added

    def stands_in(self, text: str) -> bool:
        """Whether a text holds the topic's words, or one that the glossary has for them."""
        folded = fold(text)
        held = sum(weight for weight, pattern in self._asked if pattern.search(folded))
        return held >= ENOUGH * self._total > 0 or any(p.search(folded) for p in self._added)


def _holding(term: str, word: str) -> re.Pattern[str]:
    """Words that are, begin with or are compounds of a word."""
    begins = rf"\b{re.escape(term)}\w{'*' if len(term) > 3 else '{0,2}'}\b"
    return re.compile(rf"{begins}|\w*{re.escape(fold(word))}\w*" if len(word) > 4 else begins)


def follow(library: Library, words: str, filters: Filters = Filters(), language: str | None = None) -> Topic:
    """What the minutes hold about a topic.

    Args:
        language: of the words; None to read it off them.

    Raises: what `answer.ask` does.
    """
    context = read(library, words, filters=filters, language=language)
    subject = Subject(context)
    mentions: list[Mention] = []
    if not subject.empty:
        for place in _candidates(context, subject):
            mention = _mention(library, subject, *place)
            if mention is not None:
                mentions.append(mention)
    mentions.sort(key=lambda m: (m.step.day, m.step.held_on is None, m.step.source, m.step.item_index))
    figures = [f for m in mentions for f in library.figures(m.step.document, m.step.item_index)]
    return Topic(
        context.question.completed,
        context.question.filters,
        tuple(m for m in mentions if m.about),
        tuple(m for m in mentions if not m.about),
        tuple(series_of(f for f in figures if _is_of(library, subject, f))),
        library.coverage(context.meetings),
    )


def _candidates(context: Context, subject: Subject) -> list[tuple[str, int]]:
    """Where to look: what the search found, then every other item whose heading holds the topic."""
    found = [hit.place for hit in context.ranking.items if hit.item_index >= 0][:MAX_READ]
    titled = [
        (row.document, row.index)
        for meeting in context.meetings
        for row in context.library.items.get(meeting.id, ())
        if subject.stands_in(row.title)
    ]
    return list(dict.fromkeys([*found, *titled]))


def _mention(library: Library, subject: Subject, document: str, index: int) -> Mention | None:
    """An item as one of the topic's; None where its words do not show it."""
    minutes = library.minutes(document)
    item = minutes.items[index]
    step = library.cases.step(document, index)
    titled = subject.stands_in(item.title)
    if item.closed:
        return Mention(step, SectionKind.HEADER, None, True) if titled else None
    if not titled and not subject.stands_in(minutes.own_text(item)):
        return None
    said = [(kind, span, subject.stands_in(span.of(minutes.text))) for kind, span in _sentences(minutes, item)]
    holding = [(kind, span) for kind, span, holds in said if holds]
    if not titled and not holding:
        return None
    often = len(holding) >= SAID_OFTEN and len(holding) >= SHARE * len(said)
    resolved = len(holding) > 1 and any(kind in RESOLVED for kind, _ in holding)
    kind, quote = _best(holding)
    return Mention(step, kind, quote, titled or often or resolved)


def _sentences(minutes: Minutes, item: AgendaItem) -> Iterator[tuple[SectionKind, Span]]:
    for section in item.sections:
        if section.kind not in NOT_QUOTED and not section.nil:
            for span in sentences(minutes.text, section.body, section.end):
                yield section.kind, span


def _best(holding: Sequence[tuple[SectionKind, Span]]) -> tuple[SectionKind, Span | None]:
    """The sentence to quote: of the account before other parts, and none that is a mere heading."""
    if not holding:
        return SectionKind.HEADER, None
    ranked = sorted(holding, key=lambda h: (h[1].end - h[1].start < SHORT, h[0] not in PLAIN, h[1].start))
    return ranked[0]


def _is_of(library: Library, subject: Subject, figure: Figure) -> bool:
    """Whether a figure counts the topic: by its label; in a table, by its caption or the item's heading too."""
    item = library.minutes(figure.document).items[figure.item_index]
    return subject.stands_in(f"{figure.label}\n{figure.caption}" + (f"\n{item.title}" if figure.in_table else ""))


def said_by(mention: Mention) -> str:
    """The text that says whose words the quote is: what is only recommended is never told as decided."""
    keys = {
        SectionKind.RECOMMENDATION: "answer.from_recommendation",
        SectionKind.DECISION: "cases.decision_words",
        SectionKind.HISTORY: "topics.earlier",
    }
    step = mention.step
    if mention.kind is SectionKind.DECISION and Outcome.RECOMMENDED in step.outcomes and not is_council(step.committee):
        return "cases.recommended_words"
    return keys.get(mention.kind, "topics.says")


# -- records ---------------------------------------------------------------------------------------


def topic_record(topic: Topic, library: Library) -> dict[str, Any]:
    """A topic, ready for JSON."""
    return {
        "topic": topic.words,
        "filters": topic.filters.as_record(),
        "meetings": topic.coverage.meetings,
        "items": [mention_record(m, library) for m in topic.items],
        "named": [mention_record(m, library) for m in topic.named],
        "series": [series_record(s, library) for s in topic.series],
    }


def mention_record(mention: Mention, library: Library) -> dict[str, Any]:
    step, span = mention.step, mention.quote
    minutes = library.minutes(step.document)
    return {
        "document": step.document, "source": step.source, "municipality": step.municipality,
        "committee": step.committee, "date": _iso(step.held_on),
        "earliest": _iso(step.earliest), "latest": _iso(step.latest),
        "item": step.name, "title": step.title, "case_number": step.case_number, "closed": step.closed,
        "outcomes": [o.value for o in step.outcomes], "final": step.final, "section": mention.kind.value,
        "quote": span.of(minutes.text) if span else None, "start": span.start if span else None,
        "end": span.end if span else None,
        "permalink": step.permalink(span or heading(minutes, minutes.items[step.item_index])),
    }  # fmt: skip


def series_record(series: Series, library: Library) -> dict[str, Any]:
    return {
        "municipality": series.municipality, "label": series.label, "caption": series.caption, "unit": series.unit,
        "time": series.time.value, "conflicts": bool(series.conflicts),
        "points": [
            {
                "time": point.when.iso,
                "value": float(point.value), "printed": point.figure.printed,
                "sources": [
                    {
                        "document": f.document, "source": library.minutes(f.document).source,
                        "quote": f.quote.of(library.minutes(f.document).text), "start": f.quote.start,
                        "end": f.quote.end, "value_start": f.value_span.start, "value_end": f.value_span.end,
                        "permalink": library.cases.step(f.document, f.item_index).permalink(f.quote),
                    }
                    for f in point.figures
                ],
            }
            for point in series.points
        ],
    }  # fmt: skip


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
