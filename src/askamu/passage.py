"""The nouns of searching and answering: passages, hits, citations, answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from urllib.parse import quote

from askamu.minutes import SectionKind

HEADER_ITEM = "0"  # the number given to what stands before the first item


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable stretch of one section, never across two sections or items.

    `text` is exactly `minutes.text[start:end]`; `context` (municipality, committee, date, item,
    section) is embedded and indexed with it and is never quoted.
    """

    id: str
    document: str  # Minutes.id
    item: str  # AgendaItem.number, or "0"
    item_index: int  # position in Minutes.items, -1 for the header
    section: SectionKind
    heading: str
    start: int
    end: int
    text: str
    context: str

    @property
    def indexed_text(self) -> str:
        return f"{self.context}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and how well it answers; higher is better."""

    passage: Passage
    score: float
    dense: float
    lexical: float


class Limit(StrEnum):
    """What a question may limit its search to by what it says."""

    MUNICIPALITY = "municipality"
    COMMITTEE = "committee"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which minutes a question may be answered from. None: no limit but what the question itself says."""

    municipality: str | None = None
    committee: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    case_number: str | None = None
    lifted: frozenset[Limit] = frozenset()  # what the question says of these is no limit

    def as_record(self) -> dict[str, str | None]:
        return {
            "municipality": self.municipality,
            "committee": self.committee,
            "date_from": self.date_from.isoformat() if self.date_from else None,
            "date_to": self.date_to.isoformat() if self.date_to else None,
            "case_number": self.case_number,
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation."""

    role: str  # "user" or "assistant"
    content: str


class Tier(StrEnum):
    """How sure an answer is. Only NOT_STATED counts as abstained."""

    ANSWER = "answer"
    POSSIBLE = "possible"
    NOT_STATED = "not_stated"
    CLOSED = "closed"
    FAILED = "failed"


class QuestionKind(StrEnum):
    DECISION = "decision"
    FIGURE = "figure"
    FACT = "fact"
    WHO = "who"
    CASE = "case"
    TIMELINE = "timeline"
    COMPARISON = "comparison"
    LISTING = "listing"
    SMALL_TALK = "small_talk"


@dataclass(frozen=True, slots=True)
class Citation:
    """A quoted stretch and where it stands. `quote` equals the stored text from start to end."""

    n: int
    passage_id: str
    document: str
    source: str
    municipality: str | None
    committee: str | None
    held_on: date | None
    date_text: str
    item: str
    title: str
    case_number: str | None
    section: SectionKind
    heading: str
    quote: str
    start: int
    end: int
    page: int | None = None

    @property
    def permalink(self) -> str:
        return permalink(self.document, self.item, self.start, self.end)


def permalink(document: str, item: str, start: int, end: int) -> str:
    """The path of the page that shows a stretch in its item."""
    return f"/kilde/{document}/{quote(item, safe='')}?fra={start}&til={end}"


@dataclass(frozen=True, slots=True)
class Related:
    """An item that is near the question and not part of the answer."""

    document: str
    source: str
    item: str
    title: str
    municipality: str | None
    date_text: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was searched."""

    meetings: int
    first: date | None
    last: date | None
    committees: tuple[str, ...]
    undated: int = 0


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One line of the ranking, for evaluation."""

    source: str
    item: str
    section: SectionKind
    score: float


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A sentence that a language model wrote, and what became of it."""

    text: str
    became: str  # "kept", "repaired", "quoted" (a quote was put in its place), "dropped"
    faults: tuple[str, ...]  # of the sentence as it was first written
    support: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Verification:
    """How a language model's answer was checked. With `fallback` the answer is the one without it."""

    model: str
    prompt: str  # file and version, "answer.da@1f0c2d3e"
    sentences: tuple[CheckedSentence, ...] = ()
    fallback: str | None = None  # why it was not used: a key of the texts under llm.why
    passages: int = 0  # that it was given
    withheld: int = 0  # sentences of them that were not: they speak to a language model
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_ms: float | None = None  # until its first words
    model_ms: float = 0.0
    check_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered question, a *not stated*, or a failure; never one that looks like another."""

    question: str
    completed_question: str
    language: str
    kind: QuestionKind
    tier: Tier
    text: str  # markdown with [n] marks
    filters: Filters
    coverage: Coverage
    citations: tuple[Citation, ...] = ()
    related: tuple[Related, ...] = ()
    retrieved: tuple[Retrieved, ...] = ()
    warnings: tuple[str, ...] = ()
    embedder: str | None = None
    reranker: str | None = None
    llm: str | None = None  # that wrote it
    verification: Verification | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def abstained(self) -> bool:
        return self.tier is Tier.NOT_STATED
