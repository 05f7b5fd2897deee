"""Agenda items -> Threads: one case followed over meetings and committees.

A case number says it for certain. Where none is printed, or a case goes on under another number, titles tell it:
their words are levelled (dates, »status på«, »2. behandling« say nothing of which case it is), weighed by how rare
they are among the municipality's titles, and compared. Which words count for what is data, vocabulary/threads.toml.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from itertools import combinations
from typing import Any
from urllib.parse import quote

from askamu.danish import WORD, stem, stop_words
from askamu.errors import UnknownCase
from askamu.library import Library
from askamu.links import item_id, item_path
from askamu.minutes import AgendaItem, Outcome, Span
from askamu.record import MeetingRow, case_key
from askamu.vocabulary import table

THRESHOLD = 0.5  # confidence from which items are said to belong together by their titles
BY_TITLE = 0.9  # the most that titles alone can say
OTHER_NUMBER = 0.8  # times this where both bear a case number, and not the same
OTHER_YEAR = 0.85  # times this where both titles name years, and not the same
RECURRING = 0.3  # what a word like »budget« weighs, beside its rarity
WITHIN_NUMBER = 0.3  # likeness of titles that makes one case of items under a collective number
COLLECTIVE = 0.95  # how sure a thread within a collective number is

_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")


@dataclass(frozen=True, slots=True)
class Step:
    """One time a case was on an agenda."""

    document: str
    source: str
    item_index: int  # position in Minutes.items
    number: str | None
    title: str
    case_number: str | None
    closed: bool
    municipality: str | None
    committee: str | None
    held_on: date | None
    earliest: date | None
    latest: date | None
    outcomes: tuple[Outcome, ...]  # () without a decision
    final: bool | None  # None without a decision
    confidence: float = 1.0  # how sure it is that this belongs to the thread

    @property
    def day(self) -> date:
        """When it was, as far as is known: for sorting only."""
        return self.held_on or self.latest or self.earliest or date.max

    @property
    def name(self) -> str:
        """The item as a permalink names it."""
        return self.number or str(self.item_index + 1)

    def permalink(self, span: Span) -> str:
        """The page on which words of the item are marked."""
        return f"/kilde/{self.document}/{quote(self.name, safe='')}?fra={span.start}&til={span.end}"


@dataclass(frozen=True, slots=True)
class Thread:
    """The steps of one case, oldest first."""

    municipality: str | None
    case_number: str | None  # of the steps that are certain; None where titles alone hold them together
    title: str  # as the first step has it
    confidence: float  # 1.0 where one case number holds all steps together, else that of the least certain one
    steps: tuple[Step, ...]


class Cases:
    """All cases of an index. Made once for a generation (`Library.cases`), because it takes every item there is."""

    def __init__(self, items: Sequence[Step]) -> None:
        self.items = tuple(items)
        self._groups = _groups(items)

    @cached_property
    def threads(self) -> tuple[Thread, ...]:
        """Every case, also of one step; the one that was treated last first."""
        return tuple(sorted(map(_thread, self._groups), key=lambda t: (t.steps[-1].day, t.title), reverse=True))

    def find(self, case_number: str) -> list[Thread]:
        """The threads that a case number stands in, also of one step; those with most of it first.

        Several where municipalities share the number, or where it is a collective one that holds several cases.
        """
        asked = case_key(case_number)
        found = [_thread(g, asked) for g in self._groups if any(_key(s) == asked for s in g)]
        return sorted(found, key=lambda t: (-sum(_key(s) == asked for s in t.steps), t.steps[0].day, t.title))

    def of_number(self, case_number: str) -> list[Thread]:
        """The same; UnknownCase is raised where there is none."""
        found = self.find(case_number)
        if not found:
            raise UnknownCase(case_number, self.formality(case_number))
        return found

    def of_item(self, document: str, item_index: int) -> Thread | None:
        """The case of an item; one of its own where it belongs to none. None if there is no such item."""
        group = self._by_place.get((document, item_index))
        return _thread(group) if group else None

    def step(self, document: str, item_index: int) -> Step:
        return self._steps[document, item_index]

    @cached_property
    def _steps(self) -> dict[tuple[str, int], Step]:
        return {(s.document, s.item_index): s for s in self.items}

    def formality(self, case_number: str) -> str | None:
        """The title of an item under a case number that is used for formalities only."""
        asked = case_key(case_number)
        return next((s.title for s in self.items if _key(s) == asked), None)

    @cached_property
    def _by_place(self) -> dict[tuple[str, int], list[Step]]:
        alone = {(s.document, s.item_index): [s] for s in self.items}  # formalities form no case
        return alone | {(s.document, s.item_index): g for g in self._groups for s in g}


def items_of(library: Library) -> list[Step]:
    """Every agenda item of the index, ready to be threaded."""
    return [
        as_step(row, index, item)
        for row in library.meetings
        for index, item in enumerate(library.record.document(row.id).items)
    ]


def as_step(row: MeetingRow, index: int, item: AgendaItem) -> Step:
    decision = None if item.closed else item.decision
    return Step(
        document=row.id,
        source=row.source,
        item_index=index,
        number=item.number,
        title=item.title,
        case_number=item.case_number,
        closed=item.closed,
        municipality=row.municipality,
        committee=row.committee,
        held_on=row.held_on,
        earliest=row.earliest,
        latest=row.latest,
        outcomes=decision.outcomes if decision else (),
        final=decision.final if decision else None,
    )


def thread_record(thread: Thread, library: Library) -> dict[str, Any]:
    """A thread with the words of its decisions, ready for JSON."""
    return {
        "municipality": thread.municipality,
        "case_number": thread.case_number,
        "title": thread.title,
        "confidence": thread.confidence,
        "steps": [_step_record(step, library) for step in thread.steps],
    }


def _step_record(step: Step, library: Library) -> dict[str, Any]:
    minutes = library.minutes(step.document)
    decision = None if step.closed else minutes.items[step.item_index].decision
    span = Span(decision.start, decision.end) if decision and decision.start < decision.end else None
    return {
        "item_id": item_id(step.document, step.item_index),
        "document": step.document,
        "source": step.source,
        "date": step.held_on.isoformat() if step.held_on else None,
        "earliest": step.earliest.isoformat() if step.earliest else None,
        "latest": step.latest.isoformat() if step.latest else None,
        "committee": step.committee,
        "item": step.number,
        "item_index": step.item_index,
        "title": step.title,
        "case_number": step.case_number,
        "closed": step.closed,
        "outcomes": [o.value for o in step.outcomes],
        "final": step.final,
        "confidence": step.confidence,
        "decision": minutes.text[decision.start : decision.end] if decision else None,
        "start": decision.start if decision else None,
        "end": decision.end if decision else None,
        "permalink": item_path(minutes, step.item_index, span),
    }


def is_generic(title: str) -> bool:
    """Whether a title is a formality: »Godkendelse af dagsorden«, »Meddelelser«. An empty one is none."""
    words = [w for w in _words(_bodies().sub(" ", title)) if w not in stop_words() and not w[0].isdigit()]
    return bool(title.strip()) and all(stem(w) in _stems("generic") for w in words)


def telling(title: str, municipality: str | None = None) -> frozenset[str]:
    """The stems of a title that tell which case it is."""
    plain = _bodies().sub(" ", _strip().sub(" ", title))
    silent = _stems("weightless") | {stem(w) for w in _words(municipality or "")}
    return frozenset(
        stem(w) for w in _words(plain) if w not in stop_words() and not w.isdigit() and stem(w) not in silent
    )


# -- groups ------------------------------------------------------------------------------------


def _groups(items: Sequence[Step]) -> list[list[Step]]:
    """All items that can belong to a case, each in the one group that is its case so far."""
    by_place: dict[str | None, list[Step]] = defaultdict(list)
    for step in items:
        if not is_generic(step.title) and (step.title.strip() or step.case_number):
            by_place[step.municipality].append(step)
    return [group for place, steps in by_place.items() for group in _Place(place, steps).groups()]


class _Place:
    """The items of one municipality, and how much each word of their titles tells."""

    def __init__(self, municipality: str | None, steps: Iterable[Step]) -> None:
        self.steps = sorted(steps, key=_order)
        self.words = {title: telling(title, municipality) for title in {s.title for s in self.steps}}
        distinct = set(self.words.values())
        self.frequency = Counter(w for words in distinct for w in words)
        self.distinct = len(distinct)
        self.weight = {w: self._weight(w, titles) for w, titles in self.frequency.items()}

    def groups(self) -> list[list[Step]]:
        numbered: dict[str, list[Step]] = defaultdict(list)
        single: list[Step] = []
        for step in self.steps:
            key = _key(step)
            if key is None:
                single.append(step)
            else:
                numbered[key].append(step)
        cases: list[list[Step]] = []
        for steps in numbered.values():
            for case in self._cases(steps):
                if len(case) > 1 or case[0].closed:
                    cases.append(case)
                else:
                    single.append(case[0])
        return self._joined(cases, sorted(single, key=_order))

    def _cases(self, steps: list[Step]) -> list[list[Step]]:
        """The cases under one number: one, unless a meeting has unlike items under it, which makes it collective."""
        if not self._collective(steps):
            return [steps]
        parts: list[list[Step]] = []
        for step in steps:
            like = [p for p in parts if any(self.likeness(step.title, s.title) >= WITHIN_NUMBER for s in p)]
            merged = [replace(step, confidence=COLLECTIVE), *(s for p in like for s in p)]
            parts = [*(p for p in parts if not any(p is x for x in like)), merged]
        return [sorted(p, key=_order) for p in parts]

    def _collective(self, steps: Sequence[Step]) -> bool:
        meetings: dict[str, set[str]] = defaultdict(set)
        for step in steps:
            meetings[step.document].add(step.title)
        return any(
            self.likeness(a, b) < WITHIN_NUMBER for titles in meetings.values() for a, b in combinations(titles, 2)
        )

    def _joined(self, cases: list[list[Step]], single: Sequence[Step]) -> list[list[Step]]:
        """The single items put where their titles belong; what belongs nowhere is a group by itself.

        A case with a number and several steps stays as it is but for what joins it, so that two cases never run
        together. An item is compared with steps that are certain only: likeness isn't handed on.
        """
        groups = list(cases)
        anchors: dict[str, set[int]] = defaultdict(set)  # word -> groups whose certain steps have it
        for at, group in enumerate(groups):
            self._anchor(anchors, at, group)
        for step in single:
            best, sure = None, 0.0
            if not step.closed:
                near = {at for w in self.words[step.title] for at in anchors[w]}
                for at in sorted(near):
                    certain = self._belongs(step, groups[at])
                    if certain > sure:
                        best, sure = at, certain
            if best is not None and sure >= THRESHOLD:
                groups[best] = [*groups[best], replace(step, confidence=round(sure, 2))]
            else:
                groups.append([replace(step, confidence=1.0)])
                self._anchor(anchors, len(groups) - 1, groups[-1])
        return groups

    def _anchor(self, anchors: Mapping[str, set[int]], at: int, group: Sequence[Step]) -> None:
        for step in group:
            if not step.closed:
                for word in self.words[step.title]:
                    anchors[word].add(at)

    def _belongs(self, step: Step, group: Sequence[Step]) -> float:
        """How sure it is that an item belongs to a group: 0 where the group's meeting is the item's own."""
        if any(s.document == step.document for s in group):
            return 0.0  # a meeting treats a case once, unless its number says otherwise
        return max((self._sure(step, s) for s in group if s.confidence >= COLLECTIVE and not s.closed), default=0.0)

    def _sure(self, one: Step, other: Step) -> float:
        a, b = self.words[one.title], self.words[other.title]
        shared = a & b
        if not shared - _stems("recurring") or (len(shared) < 2 and a != b):
            return 0.0
        if min(self._rarest(a - b), self._rarest(b - a)) > self._rarest(shared, but=1):
            return 0.0  # »Renovering af Tune Skole« and »Renovering af Arena Skole«: what names the case differs
        sure = BY_TITLE * self.likeness(one.title, other.title)
        if one.case_number and other.case_number and _key(one) != _key(other):
            sure *= OTHER_NUMBER
        years = set(_YEAR.findall(one.title)), set(_YEAR.findall(other.title))
        return sure * OTHER_YEAR if all(years) and not years[0] & years[1] else sure

    def likeness(self, one: str, other: str) -> float:
        """How alike two titles are, 0 to 1: mostly how much of the shorter one stands in the other."""
        a, b = self.words[one], self.words[other]
        if a == b:
            return 1.0
        shared = self._sum(a & b)
        least = min(self._sum(a), self._sum(b))
        return 0.6 * shared / least + 0.4 * shared / self._sum(a | b) if shared and least else 0.0

    def _rarest(self, words: Iterable[str], but: int = 0) -> float:
        """The weight of the most telling word, were each in so many titles fewer; 0 where there is no word."""
        return max((self._weight(w, max(self.frequency[w] - but, 1)) for w in words), default=0.0)

    def _weight(self, word: str, titles: int) -> float:
        rarity = math.log(1 + (self.distinct - titles + 0.5) / (titles + 0.5))
        return rarity * (RECURRING if word in _stems("recurring") else 1.0)

    def _sum(self, words: Iterable[str]) -> float:
        return sum(self.weight[w] for w in words)


def _thread(group: Sequence[Step], asked: str | None = None) -> Thread:
    steps = sorted(group, key=_order)
    if asked is not None:
        steps = _seen_from(steps, asked)
    numbers = Counter(s.case_number for s in steps if s.case_number and s.confidence >= COLLECTIVE)
    number = next((n for n in numbers if case_key(n) == asked), None)
    if number is None and numbers:
        number = numbers.most_common(1)[0][0]
    return Thread(steps[0].municipality, number, steps[0].title, min(s.confidence for s in steps), tuple(steps))


def _seen_from(steps: Sequence[Step], asked: str) -> list[Step]:
    """The steps as seen from a case number that joined the case by its title: now that number is what is certain."""
    joined = max((s.confidence for s in steps if _key(s) == asked), default=1.0)
    if joined >= COLLECTIVE:
        return list(steps)
    return [replace(s, confidence=1.0 if _key(s) == asked else round(s.confidence * joined, 2)) for s in steps]


def _key(step: Step) -> str | None:
    return case_key(step.case_number) if step.case_number else None


def _order(step: Step) -> tuple[date, bool, int, str, int]:
    """By day; what has no date stands last of what can have been before it. On one day the council is last."""
    return (step.day, step.held_on is None, rank(step.committee or ""), step.source, step.item_index)


def rank(committee: str) -> int:
    """How late in a day's course of bodies one treats a case; a council last, 0 for one that is none of them."""
    later = [n for n, p in enumerate(table("threads")["last_bodies"], start=1) if re.search(p, committee, re.I)]
    return max(later, default=0)


def _words(text: str) -> list[str]:
    return [w.casefold() for w in WORD.findall(text)]


@cache
def _stems(key: str) -> frozenset[str]:
    return frozenset(stem(str(w)) for w in table("threads")[key])


@cache
def _strip() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in table("threads")["strip"]), re.IGNORECASE)


@cache
def _bodies() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in table("threads")["bodies"]))
