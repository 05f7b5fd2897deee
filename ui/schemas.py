"""What the API takes and returns, as types: the OpenAPI document is made of them.

Answers may hold more than is written here (`extra="allow"`): a field that is added is never dropped on the way.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from askamu.minutes import Outcome, SectionKind
from askamu.passage import Limit, QuestionKind, Tier

Day = str  # "2024-03-11"
DAY = "ISO; null where the minutes do not say"


class AskedTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)


LLM = "whether the operator's language model, where there is one, may phrase the answer"


class AskedFilters(BaseModel):
    """Limits of a search; a name that is not here is refused."""

    model_config = ConfigDict(extra="forbid")
    municipality: str | None = Field(default=None, max_length=100)
    committee: str | None = Field(default=None, max_length=200)
    date_from: str | None = Field(default=None, max_length=10, description="2023, 2023-03, 2023-03-01 or 01.03.2023")
    date_to: str | None = Field(default=None, max_length=10)
    case_number: str | None = Field(default=None, max_length=50)
    lifted: list[Limit] = Field(
        default_factory=list, max_length=3, description="what the question says of these is no limit"
    )


class Asked(BaseModel):
    """A question."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"question": "Hvad besluttede udvalget om småjob?"},
                {
                    "question": "Og i 2023?",
                    "history": [
                        {"role": "user", "content": "Hvad blev besluttet om budgettet i 2024?"},
                        {"role": "assistant", "content": "Godkendt som indstillet [1] …"},
                    ],
                    "filters": {"municipality": "Fjordlev", "date_from": "2023"},
                    "lang": "da",
                },
            ]
        },
    )
    question: str
    history: list[AskedTurn] = Field(default_factory=list, max_length=50)
    filters: AskedFilters = Field(default_factory=AskedFilters)
    lang: Literal["da", "en"] | None = Field(default=None, description="language of the answer; null: the question's")
    llm: bool = Field(default=True, description=LLM)


class Query(BaseModel):
    """Base of what an address may ask for; a name that is not there is refused."""

    model_config = ConfigDict(extra="forbid")
    lang: Literal["da", "en"] | None = None


class LimitedQuery(Query):
    municipality: str | None = Field(default=None, max_length=100)
    committee: str | None = Field(default=None, max_length=200)
    date_from: str | None = Field(default=None, max_length=10, description="2023, 2023-03, 2023-03-01 or 01.03.2023")
    date_to: str | None = Field(default=None, max_length=10)


class AskQuery(LimitedQuery):
    q: str = Field(description="the question", examples=["Hvad besluttede udvalget om småjob?"])
    llm: bool = Field(default=True, description=LLM)
    case_number: str | None = Field(default=None, max_length=50)
    lifted: list[Limit] = Field(default_factory=list, max_length=3)


class SearchQuery(LimitedQuery):
    q: str = Field(description="what is looked for", examples=["småjob"])
    case_number: str | None = Field(default=None, max_length=50)
    lifted: list[Limit] = Field(default_factory=list, max_length=3)
    section: list[SectionKind] = Field(default_factory=list, max_length=20, description="only sections of these kinds")
    limit: int = Field(default=10, ge=1, le=50)
    offset: int = Field(default=0, ge=0, le=60)


class MeetingsQuery(LimitedQuery):
    limit: int | None = Field(default=None, ge=1, le=1000, description="none: all")
    offset: int = Field(default=0, ge=0, le=10_000_000)


class Given(BaseModel):
    """Base of what is returned."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Problem(BaseModel):
    """An error (RFC 9457); `detail` is a sentence for the person who asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:askamu:error.bad_date",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "Datoen »i går« kan ikke læses. Skriv et år (2023) eller en dato (01.03.2023).",
                }
            ]
        }
    )
    type: str = Field(description="urn:askamu:… names the error and does not change with the language")
    title: str
    status: int
    detail: str


class CoverageRecord(Given):
    """What was searched."""

    meetings: int
    first: Day | None = Field(alias="from", description="the first dated meeting")
    last: Day | None = Field(alias="to")
    committees: list[str]


class FiltersRecord(Given):
    """The limits that held, also those that were read from the question."""

    municipality: str | None
    committee: str | None
    date_from: Day | None
    date_to: Day | None
    case_number: str | None


class CitationRecord(Given):
    """Quoted words, exactly the stored text from `start` to `end` (characters), and where they stand."""

    n: int = Field(description="the mark [n] in the answer")
    passage_id: str = Field(description="for /api/passages/{id}")
    source: str = Field(description="the file's name as it was ingested")
    municipality: str | None
    committee: str | None
    date: Day | None = Field(description=DAY)
    date_text: str
    item: str = Field(description='the item\'s number as printed; "0": what stands before the first item')
    title: str
    case_number: str | None
    section: SectionKind = Field(description="recommendation (indstilling) is not what was decided; decision is")
    heading: str = Field(description="the section's heading as printed")
    quote: str
    start: int
    end: int
    page: int | None
    permalink: str


class RetrievedRecord(Given):
    source: str
    item: str
    section: SectionKind
    score: float


class RelatedRecord(Given):
    source: str
    item: str
    title: str
    municipality: str | None
    date_text: str


class ModelRecord(Given):
    embedder: str | None
    reranker: str | None
    llm: str | None


class CheckedSentenceRecord(Given):
    text: str = Field(description="as the language model wrote it first, without marks")
    became: Literal["kept", "repaired", "quoted", "dropped"]
    faults: list[str]
    support: float = Field(description="how well what it cites carries it, 0 to 1")


class VerificationRecord(Given):
    """How a language model's answer was checked, sentence by sentence."""

    model: str
    prompt: str = Field(description="file and version of what it was told")
    sentences: list[CheckedSentenceRecord]
    fallback: str | None = Field(description="why its words are not used, where they are not")
    passages: int = Field(description="that it was given")
    withheld: int = Field(description="sentences of them that it was not, because they speak to a language model")
    tokens_in: int | None
    tokens_out: int | None
    first_ms: float | None
    model_ms: float
    check_ms: float


class AnswerRecord(Given):
    """An answer with its citations (docs/answers.md)."""

    id: str | int | None
    question: str
    completed_question: str = Field(description="the question as it was understood in its conversation")
    language: Literal["da", "en"]
    kind: QuestionKind
    tier: Tier = Field(description="answer; possible: check the source; not_stated; closed; failed")
    answer: str = Field(description="Markdown with marks [n]")
    abstained: bool = Field(description="true only where the minutes do not say")
    coverage: CoverageRecord
    filters: FiltersRecord
    citations: list[CitationRecord]
    retrieved: list[RetrievedRecord]
    related: list[RelatedRecord]
    warnings: list[str]
    model: ModelRecord
    verification: VerificationRecord | None = Field(description="null where no language model was asked")
    timings_ms: dict[str, float]
    answer_id: str = Field(description="what POST /api/feedback names the answer by")
    generation: str = Field(description="the state of the index that it was given from")


class MeetingRecord(Given):
    id: str = Field(description="another one when the minutes are corrected; the old one still leads to them")
    source: str
    municipality: str | None
    committee: str | None
    held_on: Day | None = Field(description=DAY)
    earliest: Day | None = Field(description="where no date is stated: not before this day, as far as the text shows")
    latest: Day | None
    kind: str = Field(description="referat, dagsorden, …")
    items: int
    closed: int = Field(description="how many of the items are closed")
    passages: int
    permalink: str


class MeetingList(Given):
    count: int = Field(description="of all that pass the filters")
    offset: int
    next_offset: int | None = Field(description="where the next page begins; null on the last")
    meetings: list[MeetingRecord]


class ItemLine(Given):
    id: str = Field(description='"document:place", the place counted from 0', examples=["7f3a09c1b2d4e5f6:4"])
    number: str
    title: str
    case_number: str | None
    closed: bool = Field(description="of a closed item only heading and case number are public")
    outcomes: list[Outcome] = Field(description="[] where no decision stands, and for a closed item")
    final: bool | None = Field(description="false where the decision only recommends to another body")
    permalink: str


class MeetingDetail(MeetingRecord):
    asked_for: str
    corrected: bool = Field(description="the document asked for was replaced by this one")
    date_text: str
    date_evidence: str | None = Field(description="the words that show the date, or what hints at it")
    place: str | None
    attendees: list[str] | None = Field(description="null: the minutes do not say")
    absent: list[str] | None
    published_at: str | None = Field(description="the page where the minutes are published")
    warnings: list[str]
    agenda: list[ItemLine]


class MeetingOf(Given):
    id: str
    source: str
    municipality: str | None
    committee: str | None
    held_on: Day | None
    date_text: str
    permalink: str


class SectionRecord(Given):
    kind: SectionKind
    heading: str
    start: int
    end: int
    page: int | None
    text: str


class DecisionRecord(Given):
    """What this committee decided."""

    text: str
    outcomes: list[Outcome]
    final: bool
    adopts: list[str] = Field(description="the recommendation's points that the decision adopts")
    additions: list[str]
    votes: list[str]
    start: int
    end: int
    permalink: str


class ItemRecord(ItemLine):
    asked_for: str
    corrected: bool
    meeting: MeetingOf
    case_permalink: str | None
    page: int | None
    start: int
    end: int
    sections: list[SectionRecord]
    decision: DecisionRecord | None
    attachments: list[str] = Field(description="names only")
    previous: str | None = Field(description="id of the item before")
    next: str | None


class PassageRecord(Given):
    """A passage in its item; all but `asked_for` and the item is null where its words are not to be had."""

    id: str | None
    asked_for: str
    status: Literal["current", "unchanged", "changed", "unknown"] = Field(
        description="of corrected minutes: unchanged, the same words stand there still; changed, they don't; "
        "unknown, what was quoted is not kept any more or not public"
    )
    was: str | None = Field(description="the words that the id was made for, where the minutes were corrected since")
    text: str | None
    before: str | None
    after: str | None
    start: int | None
    end: int | None
    page: int | None
    section: SectionKind | None
    heading: str
    item: str
    item_id: str | None
    title: str
    case_number: str | None
    closed: bool
    meeting: MeetingOf
    permalink: str


class HitRecord(Given):
    id: str
    score: float = Field(description="0 to 1, higher is better; comparable within one search only")
    dense: float = Field(description="cosine of the meanings")
    lexical: float = Field(description="BM25 of the words")
    source: str
    municipality: str | None
    committee: str | None
    date: Day | None
    date_text: str
    item: str
    item_id: str | None
    title: str
    case_number: str | None
    closed: bool
    section: SectionKind
    heading: str
    quote: str
    start: int
    end: int
    page: int | None
    permalink: str


class SearchRecord(Given):
    query: str
    filters: FiltersRecord
    count: int = Field(description="passages found, at most 60")
    offset: int
    next_offset: int | None
    passages: list[HitRecord]


class Health(Given):
    status: Literal["ok"]
    generation: str
    meetings: int
    embedder: str
