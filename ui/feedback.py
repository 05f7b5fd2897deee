"""POST /api/feedback: what a reader says of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from askamu.feedback import MAX_CITED, MAX_COMMENT, MAX_QUESTION, Cited, Feedback, FeedbackKind, keep

if TYPE_CHECKING:
    from askamu.library import Library


class GivenPassage(BaseModel):
    """A citation of the answer, as in its record."""

    model_config = ConfigDict(extra="forbid")
    document: str = Field(pattern=r"^[\w-]{1,80}$")
    item: str = Field(pattern=r"^[\w.,() -]{1,12}$")
    start: int = Field(ge=0, le=100_000_000)
    end: int = Field(ge=0, le=100_000_000)


class GivenFeedback(BaseModel):
    """A reader's word on one answer. `question` and `comment` are kept only with `consent`."""

    model_config = ConfigDict(extra="forbid")
    kind: FeedbackKind
    answer_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    generation: str = Field(pattern=r"^[\w-]{1,40}$")
    citations: list[GivenPassage] = Field(default_factory=list, max_length=MAX_CITED)
    lang: Literal["da", "en"] = "da"
    consent: bool = Field(default=False, strict=True, description="the reader agrees that the words are kept")
    question: str = Field(default="", max_length=MAX_QUESTION)
    comment: str = Field(default="", max_length=MAX_COMMENT)
    phrased: bool = Field(default=False, strict=True, description="a language model wrote the answer's words")


class KeptFeedback(BaseModel):
    """What was stored of it."""

    stored: bool
    with_text: bool


def add_feedback(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """The route; the rate limit of the API holds for it too."""

    @app.post("/api/feedback", tags=["ask"], status_code=201)
    def feedback(given: GivenFeedback) -> KeptFeedback:
        """Say whether an answer helped. Stored on the server's own disk; without consent ids only."""
        cited = tuple(Cited(c.document, c.item, c.start, c.end) for c in given.citations)
        word = Feedback(
            given.kind, given.answer_id, given.generation, cited, given.lang, given.consent, given.question,
            given.comment, given.phrased,
        )  # fmt: skip
        kept = keep(library_of(), word).feedback
        return KeptFeedback(stored=True, with_text=bool(kept.question or kept.comment))
