"""Questions with gold -> answers from an index, scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from askamu.answer import ask
from askamu.embed import Progress, silent
from askamu.errors import AskamuError, CassetteUnusable
from askamu.evaluate.gold import GoldQuestion
from askamu.evaluate.score import Scored, score
from askamu.library import Library
from askamu.passage import Answer, Citation, Filters, QuestionKind, Tier

Ask = Callable[[Library, GoldQuestion], Answer]


def alone(library: Library, question: GoldQuestion) -> Answer:
    """The answer without a language model."""
    return ask(library, question.question, question.history)


def evaluate(
    library: Library, questions: Sequence[GoldQuestion], progress: Progress = silent, how: Ask = alone
) -> list[Scored]:
    """Ask all questions, in their order. One that can't be answered counts as a failed answer.

    Args:
        how: what answers a question; `evaluate.llm.in_words_of` for a language model's words.

    Raises:
        CassetteUnusable: if the file of the model's replies can't be written to.
    """

    def stored(citation: Citation) -> str | None:
        return library.minutes(citation.document).text[citation.start : citation.end]

    scores = []
    for n, question in enumerate(questions):
        progress("answer", n, len(questions))
        try:
            answer = how(library, question)
        except CassetteUnusable:
            raise
        except AskamuError as error:
            answer = _failed(library, question, error)
        scores.append(score(question, answer, stored))
    progress("answer", len(questions), len(questions))
    return scores


def elsewhere(library: Library, questions: Sequence[GoldQuestion]) -> list[str]:
    """The ids of questions whose answers stand in files that are not in the index."""
    sources = [m.source for m in library.meetings]
    return [
        q.id
        for q in questions
        if q.gold and not any(g.is_at(source, g.item) for g in q.gold for source in sources)
    ]  # fmt: skip


def _failed(library: Library, question: GoldQuestion, error: AskamuError) -> Answer:
    return Answer(
        question=question.question, completed_question=question.question, language=question.language,
        kind=QuestionKind.FACT, tier=Tier.FAILED, text=str(error), filters=Filters(), coverage=library.coverage([]),
    )  # fmt: skip
