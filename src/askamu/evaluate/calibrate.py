"""Questions with gold -> the limits on which an index abstains, chosen so that they hold on questions not seen.

Whether the minutes treat a matter is seen by two signs (`doubt.signs`). The limits on them that give the best F1 of
abstaining are searched for on a grid; how well that goes is told by cross-validation: the limits are chosen on four
fifths of the questions and judged on the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from askamu.answer import ask, read
from askamu.doubt import signs
from askamu.embed import Progress, silent
from askamu.errors import AskamuError, TooFewToCalibrate
from askamu.evaluate.figures import Abstention
from askamu.evaluate.gold import GoldQuestion
from askamu.evaluate.score import CLOSED
from askamu.library import Library
from askamu.limits import NO_ANSWER, NO_LIMITS, Limits

FOLDS = 5
LEAST_DUE, LEAST_ANSWERABLE = 10, 30  # questions
LEAST_ANSWERED = 0.95  # of those that the minutes answer, as long as there are limits that keep to it
COVERED = tuple(n / 20 for n in range(13))  # 0 to 0.6
SHIFTS = tuple(n / 50 for n in range(-5, 6))  # of the limits on cosines, -0.1 to 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """One question: whether to abstain, and what speaks for it."""

    due: bool
    otherwise: bool  # it is abstained from whatever the limits are
    answered_before: bool  # it is answered before the limits are asked
    covered: float
    cosine: float
    language: str

    def abstains(self, limits: Limits) -> bool:
        return self.otherwise or (not self.answered_before and limits.fail(self.covered, self.cosine, self.language))


@dataclass(frozen=True, slots=True)
class Judged:
    """How well limits do on some questions."""

    abstention: Abstention
    answered: float  # share of those that the minutes answer


@dataclass(frozen=True, slots=True)
class Calibration:
    """Limits for an index, and what is known of them."""

    limits: Limits  # chosen on all
    due: int
    answerable: int
    before: Judged  # with the limits in use
    after: Judged  # with limits chosen on other questions each time

    @property
    def told(self) -> dict[str, Any]:
        """What they were chosen on and what they bring, for people."""
        figures = {"before": self.before, "cross_validated": self.after}
        return {
            "questions": {"due": self.due, "answerable": self.answerable},
            **{k: {"f1": round(j.abstention.f1, 4), "answered": round(j.answered, 4)} for k, j in figures.items()},
        }

    @property
    def pays(self) -> bool:
        """Whether limits chosen in this way do better on questions that they were not chosen on."""
        return (self.after.abstention.f1, self.after.answered) > (self.before.abstention.f1, self.before.answered)


def look(library: Library, questions: Sequence[GoldQuestion], progress: Progress = silent) -> list[Seen]:
    """What speaks for an answer to each question. Closed items are answered in a way of their own, and left out."""
    found = []
    for n, question in enumerate(questions):
        progress("answer", n, len(questions))
        if question.type == CLOSED:
            continue
        try:
            otherwise, at_most = (
                ask(library, question.question, question.history, limits=limits).abstained
                for limits in (NO_LIMITS, NO_ANSWER)
            )
            context = read(library, question.question, question.history)
        except AskamuError:
            continue  # it fails whatever the limits are
        covered, cosine = signs(context) if context.ranking.items else (0.0, 0.0)
        found.append(Seen(not question.answerable, otherwise, not at_most, covered, cosine, context.question.language))
    progress("answer", len(questions), len(questions))
    return found


def calibrate(library: Library, questions: Sequence[GoldQuestion], progress: Progress = silent) -> Calibration:
    """Choose limits for an index.

    Raises:
        TooFewToCalibrate: it says how many questions of each sort are needed.
    """
    due = sum(not q.answerable and q.type != CLOSED for q in questions)
    answerable = sum(q.answerable and q.type != CLOSED for q in questions)
    if due < LEAST_DUE or answerable < LEAST_ANSWERABLE:
        raise TooFewToCalibrate(due, LEAST_DUE, answerable, LEAST_ANSWERABLE)
    seen = look(library, questions, progress)
    seen = [s for s in seen if s.due] + [s for s in seen if not s.due]  # so that each fold has its share of both
    folds = [seen[n::FOLDS] for n in range(FOLDS)]
    told = []
    for fold in folds:
        limits = choose([s for other in folds if other is not fold for s in other], library.limits)
        told += [(s, s.abstains(limits)) for s in fold]
    return Calibration(
        limits=choose(seen, library.limits),
        due=due,
        answerable=answerable,
        before=_judged([(s, s.abstains(library.limits)) for s in seen]),
        after=_judged(told),
    )


def choose(seen: Sequence[Seen], usual: Limits) -> Limits:
    """The limits on a grid around the usual ones with the best F1; of equal ones the nearest to the usual."""
    grid = [usual] + [
        Limits(covered, usual.cosine + shift, usual.cosine_english + shift)
        for covered, shift in sorted(product(COVERED, SHIFTS), key=lambda g: abs(g[0] - usual.covered) + abs(g[1]))
    ]
    judged = [_judged([(s, s.abstains(limits)) for s in seen]) for limits in grid]
    best = max(
        range(len(grid)),
        key=lambda n: (min(judged[n].answered, LEAST_ANSWERED), judged[n].abstention.f1, -n),
    )
    return grid[best]


def _judged(told: Sequence[tuple[Seen, bool]]) -> Judged:
    said = sum(abstains for _, abstains in told)
    right = sum(abstains and s.due for s, abstains in told)
    due = sum(s.due for s, _ in told)
    answerable = len(told) - due
    return Judged(Abstention(said, due, right), 1 - (said - right) / answerable if answerable else 0.0)
