"""Minutes -> examples to learn from: texts that ask, and the passages that answer them.

Nothing has to be labelled: an item's title asks for its passages, a summary for the case it sums up, a decision for
what was decided on. What someone has written besides, questions or passages with questions, is read from files.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date as day
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from askamu.danish import Analyser, frequencies
from askamu.decision import recommendation_points
from askamu.errors import BadQuestions
from askamu.minutes import AgendaItem, Minutes, SectionKind, Span
from askamu.passage import Passage
from askamu.sentences import sentences
from askamu.texts import day_text
from askamu.vocabulary import table

LEAST, MOST = 25, 300  # characters of a text that asks
SENTENCES_PER_ITEM = 3
USUAL = 0.05  # share of the meetings that have an item of one title: then it is about nothing of its own
COPIES = 2  # of a written passage
SILENT = frozenset({SectionKind.HEADER, SectionKind.ATTACHMENTS, SectionKind.ATTACHMENT_TEXT})
TEXTS = Path(__file__).parent / "texts"


class Kind(StrEnum):
    """Where a text that asks comes from."""

    TITLE = "title"  # asks for all of its item
    SUMMARY = "summary"  # its first sentence asks for the rest of the item
    POINT = "point"  # of a recommendation
    HEADING = "heading"  # with the item's title: asks for what stands under it
    SENTENCE = "sentence"  # of the case: asks for the item's other passages
    DECISION = "decision"  # what the committee added asks for the case
    THREAD = "thread"  # a summary asks for the same case in another meeting
    ATTENDANCE = "attendance"  # who took part: asks for where the minutes note it
    WRITTEN = "written"  # somebody wrote it


@dataclass(frozen=True, slots=True)
class Example:
    """A text that asks, and where its answer stands."""

    asked: str
    kind: Kind
    answers: tuple[int, ...]  # rows of the corpus; any of them will do


@dataclass(frozen=True, slots=True)
class Place:
    """What a question may name to mean one meeting and no other."""

    municipality: str | None = None
    committee: str | None = None
    held_on: day | None = None


class Corpus:
    """The passages to find answers among. Those of one case are never held against each other."""

    def __init__(self) -> None:
        self.texts: list[str] = []  # as they are embedded
        self.cases: list[int] = []
        self.places: list[Place] = []
        self._numbers: dict[str, int] = {}
        self.meetings: dict[str, Minutes] = {}  # by id
        self._rows: dict[tuple[str, int], list[tuple[int, Passage]]] = {}

    @cached_property
    def analyser(self) -> Analyser:
        """Of the words of its texts; to be asked for once they are all there."""
        return Analyser(frequencies(self.texts))

    def add(self, text: str, case: str, place: Place) -> int:
        """Take in a passage; returns its row."""
        self.texts.append(text)
        self.places.append(place)
        self.cases.append(self._numbers.setdefault(case, len(self._numbers)))
        return len(self.texts) - 1

    def add_meeting(self, minutes: Minutes, passages: Sequence[Passage]) -> None:
        self.meetings[minutes.id] = minutes
        place = Place(minutes.municipality, minutes.committee, minutes.held_on)
        for passage in passages:
            item = minutes.items[passage.item_index] if passage.item_index >= 0 else None
            case = case_of(item) if item else f"header {minutes.id}"
            row = self.add(passage.indexed_text, case, place)
            self._rows.setdefault((minutes.id, passage.item_index), []).append((row, passage))

    def rows(
        self, meeting: str, item: int, *, only: SectionKind | None = None, but: SectionKind | None = None
    ) -> list[int]:
        """The rows of an item's passages, of one section only or of all but one."""
        return [
            row
            for row, p in self._rows.get((meeting, item), ())
            if (only is None or p.section is only) and p.section is not but
        ]

    def passages(self, meeting: str, item: int) -> list[tuple[int, Passage]]:
        return self._rows.get((meeting, item), [])


def case_of(item: AgendaItem) -> str:
    """What items that deal with one case have in common: the case number, else the title."""
    return item.case_number or " ".join(item.title.lower().split())


def corpus_of(meetings: Sequence[tuple[Minutes, Sequence[Passage]]]) -> Corpus:
    corpus = Corpus()
    for minutes, passages in meetings:
        corpus.add_meeting(minutes, passages)
    return corpus


def mine(corpus: Corpus) -> list[Example]:
    """All examples that the corpus' own meetings give; none of items that every meeting has (»Spørgetid«)."""
    titles = Counter(
        " ".join(i.title.lower().split()) for m in corpus.meetings.values() for i in m.items if not i.closed
    )
    usual = {title for title, n in titles.items() if n > max(3, USUAL * len(corpus.meetings))}
    examples = [e for stem in corpus.meetings for e in _of_meeting(corpus, stem, usual)]
    return [*examples, *_threads(corpus), *_attendance(corpus)]


def _of_meeting(corpus: Corpus, stem: str, usual: AbstractSet[str]) -> Iterator[Example]:
    minutes = corpus.meetings[stem]
    for index, item in enumerate(minutes.items):
        if item.closed or not corpus.passages(stem, index) or " ".join(item.title.lower().split()) in usual:
            continue
        for kind, asked, answers in _of_item(corpus, stem, minutes, index, item):
            asked = " ".join(asked.split())
            if answers and len(asked) >= (1 if kind is Kind.TITLE else LEAST):
                yield Example(asked[:MOST], kind, tuple(answers))


def _of_item(
    corpus: Corpus, stem: str, minutes: Minutes, index: int, item: AgendaItem
) -> Iterator[tuple[Kind, str, list[int]]]:
    text = minutes.text
    if item.title:
        yield Kind.TITLE, item.title, corpus.rows(stem, index)
    first = _first_sentence(minutes, item)
    if first:
        yield Kind.SUMMARY, first, corpus.rows(stem, index, but=SectionKind.SUMMARY)
    for section in item.of_kind(SectionKind.RECOMMENDATION):
        for point in recommendation_points(text, section):
            yield Kind.POINT, point.of(text), corpus.rows(stem, index, but=SectionKind.RECOMMENDATION)
    for row, passage in corpus.passages(stem, index):
        lines = passage.text.strip().split("\n")
        if len(lines) > 1 and 5 < len(lines[0]) < 70 and not re.search(r"[.,:;]$", lines[0].rstrip(":")):
            yield Kind.HEADING, f"{lines[0].rstrip(':')}, {item.title}", [row]
    if item.decision:
        for addition in item.decision.additions:
            yield Kind.DECISION, addition.of(text), corpus.rows(stem, index, but=SectionKind.DECISION)
    for row, span in _told(corpus, stem, minutes, index)[:SENTENCES_PER_ITEM]:
        yield Kind.SENTENCE, span.of(text), [r for r in corpus.rows(stem, index) if r != row]


def _first_sentence(minutes: Minutes, item: AgendaItem) -> str:
    for section in item.of_kind(SectionKind.SUMMARY):
        for span in sentences(minutes.text, section.body, section.end)[:1]:
            return span.of(minutes.text)
    return ""


def _told(corpus: Corpus, stem: str, minutes: Minutes, index: int) -> list[tuple[int, Span]]:
    """The first sentences of an item's passages that are long enough to tell something; the longest first."""
    found = []
    for row, passage in corpus.passages(stem, index):
        if passage.section in SILENT or passage.section is SectionKind.SUMMARY:
            continue
        spans = sentences(minutes.text, passage.start, passage.end)
        found += [(row, s) for s in spans if 50 <= s.end - s.start <= MOST][:1]
    return sorted(found, key=lambda at: at[1].start - at[1].end)


def _threads(corpus: Corpus) -> Iterator[Example]:
    """Items with one case number in several meetings: the summary of each asks for the others."""
    by_case: dict[str, list[tuple[str, int]]] = {}
    for stem, minutes in corpus.meetings.items():
        for index, item in enumerate(minutes.items):
            if item.case_number and not item.closed:
                by_case.setdefault(item.case_number, []).append((stem, index))
    for places in by_case.values():
        for (stem, index), (other, there) in zip(places, [*places[1:], places[0]], strict=True):
            if stem == other:
                continue
            minutes = corpus.meetings[stem]
            asked = " ".join(_first_sentence(minutes, minutes.items[index]).split())
            answers = corpus.rows(other, there)
            if len(asked) >= LEAST and answers:
                yield Example(asked[:MOST], Kind.THREAD, tuple(answers))


def _attendance(corpus: Corpus) -> Iterator[Example]:
    """Who was there and who was not, asked of each meeting whose minutes tell."""
    words = table("rewriting")
    noted = re.compile(words["attendance"], re.IGNORECASE)
    for stem, minutes in corpus.meetings.items():
        rows = [
            row
            for index in range(-1, len(minutes.items))
            for row, passage in corpus.passages(stem, index)
            if noted.search(passage.text) and (index < 0 or passage.section is SectionKind.DECISION)
        ]
        if rows:
            yield from (Example(asked, Kind.ATTENDANCE, tuple(rows)) for asked in words["attendance_asked"])


def read_questions(path: Path, corpus: Corpus) -> list[Example]:
    """Questions that somebody wrote on meetings of the corpus; those on other meetings are left out.

    Each line: {"meeting": stem of the file's name, "item": place among the items from 0, "section": where the answer
    stands, "q": the question}.

    Raises:
        BadQuestions: if a line is of another form, or its meeting could be one of several.
    """
    by_stem: dict[str, list[str]] = {}
    for id, minutes in corpus.meetings.items():
        by_stem.setdefault(Path(minutes.source).stem, []).append(id)
    examples = []
    for number, line in _lines(path):
        try:
            given = json.loads(line)
            stem, item, section = str(given["meeting"]), int(given["item"]), SectionKind(given["section"])
            asked = str(given["q"])
            if len(by_stem.get(stem, ())) > 1:
                raise ValueError(f"{stem}: {len(by_stem[stem])}")
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise BadQuestions(path, number, error) from error
        (meeting,) = by_stem.get(stem) or [""]
        answers = corpus.rows(meeting, item, only=section) or corpus.rows(meeting, item)
        if answers:
            examples.append(Example(asked[:MOST], Kind.WRITTEN, tuple(answers)))
    return examples


def on_other_meetings(path: Path, meetings: Iterable[Minutes]) -> int:
    """How many of a file's questions (`read_questions`) are on none of these meetings."""
    stems = {Path(m.source).stem for m in meetings}
    return sum(json.loads(line)["meeting"] not in stems for _, line in _lines(path))


def add_written(path: Path, corpus: Corpus) -> list[Example]:
    """Passages with questions that somebody wrote: adds the passages to the corpus, returns the questions.

    Each line: {"committee", "title", "heading", "passage": texts, "questions": [text, …]}. A passage is added as
    minutes of several invented municipalities, so that a question that names one has the others to be told from.

    Raises:
        BadQuestions: if a line is of another form.
    """
    examples = []
    towns = table("rewriting")["towns"]
    for number, line in _lines(path):
        try:
            given = json.loads(line)
            rows = []
            for copy in range(COPIES):
                turn = COPIES * number + copy
                held_on = day(2017 + turn % 9, 1 + turn % 12, 7)
                place = Place(towns[turn % len(towns)], given["committee"], held_on)
                context = f"{place.municipality} Kommune > {place.committee} > {day_text(held_on, 'da')}"
                context += f" > Punkt {1 + turn % 14}: {given['title']} > {given['heading']}"
                rows.append(corpus.add(f"{context}\n{given['passage']}", f"{path.name} {turn}", place))
            examples += [Example(str(q)[:MOST], Kind.WRITTEN, tuple(rows)) for q in given["questions"]]
        except (ValueError, KeyError, TypeError) as error:
            raise BadQuestions(path, number, error) from error
    return examples


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadQuestions(path, 0, error) from error
