"""Whether questions find their answers: ranks, mean reciprocal rank, and what an adapter changes in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from askamu.bootstrap import Difference, difference
from askamu.embed import Vectors
from askamu.tune.pairs import Corpus, Example, Kind, mine, read_questions
from askamu.tune.rewrite import rewrite

if TYPE_CHECKING:
    from askamu.tune.learn import Learner

DEEPEST = 10  # of MRR@10
MOST_MINED = 400  # examples
LEAST_SPREAD = 0.01  # of likeness; what few questions show may be less than it is
DRAW = 7  # seed of the examples and passages that are looked at


def ranks(questions: Vectors, passages: Vectors, corpus: Corpus, examples: Sequence[Example]) -> list[int]:
    """For each example the rank of the case that answers it, from 1; a case is as good as its best passage.

    Passages of the right case that are no answers (the very text that asks) count neither for it nor against it.
    """
    cases = np.array(corpus.cases)
    found = []
    for question, example in zip(questions, examples, strict=True):
        likeness = passages @ question
        right = likeness[list(example.answers)].max()
        better = set(cases[likeness > right].tolist()) - {corpus.cases[row] for row in example.answers}
        found.append(1 + len(better))
    return found


def reciprocal(ranks: Sequence[int]) -> NDArray[np.float64]:
    return np.array([1 / r if r <= DEEPEST else 0.0 for r in ranks])


@dataclass(frozen=True, slots=True)
class Look:
    """What a model found for each of some questions."""

    ranks: tuple[int, ...]
    likeness: Vectors  # (n,), of the best passage, right or wrong

    @property
    def mrr(self) -> float:
        return float(reciprocal(self.ranks).mean()) if self.ranks else 0.0

    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation of the likeness."""
        mean, deviation = (self.likeness.mean(), self.likeness.std()) if self.ranks else (0.0, 0.0)
        return round(float(mean), 4), round(max(float(deviation), LEAST_SPREAD), 4)


class HeldOut:
    """Texts that ask of meetings that are not trained on, and the passages to find.

    Args:
        corpus: of those meetings.
        questions: files of written questions (`pairs.read_questions`), of which those on these meetings are asked.
        passages: the most to find them among; all that answer are among them.
    """

    def __init__(self, corpus: Corpus, questions: Sequence[Path], passages: int) -> None:
        self.corpus = corpus
        chance = random.Random(DRAW)
        mined = [
            Example(rewrite(e.asked, e.kind, chance, corpus.analyser), e.kind, e.answers)
            for e in mine(corpus)
            if e.kind in (Kind.TITLE, Kind.SUMMARY)
        ]
        asked = [e for file in questions for e in read_questions(file, corpus)]
        examples = chance.sample(mined, min(MOST_MINED, len(mined))) + asked
        chance.shuffle(examples)
        chosen: set[int] = set()
        self.examples: list[Example] = []
        for example in examples:
            if len(chosen | set(example.answers)) <= passages:
                chosen |= set(example.answers)
                self.examples.append(example)
        rest = sorted(set(range(len(corpus.texts))) - chosen)
        chosen |= set(chance.sample(rest, max(0, min(len(rest), passages - len(chosen)))))
        self._rows = sorted(chosen)

    def look(self, learner: Learner, *, tuned: bool) -> Look:
        """Ask all of them, with the model as it is now or untuned."""
        if not self.examples:
            return Look((), np.zeros(0, dtype=np.float32))
        asked = learner.vectors([e.asked for e in self.examples], tuned=tuned)
        vectors = np.zeros((len(self.corpus.texts), asked.shape[1]), dtype=np.float32)
        texts = [self.corpus.texts[row] for row in self._rows]
        vectors[self._rows] = learner.vectors(texts, passages=True, tuned=tuned)
        likeness: Vectors = (asked @ vectors[self._rows].T).max(axis=1)
        return Look(tuple(ranks(asked, vectors, self.corpus, self.examples)), likeness)

    def mrr(self, learner: Learner) -> float:
        """Of all examples, with the model as it is now."""
        return self.look(learner, tuned=True).mrr

    def gains(self, before: Look, after: Look) -> dict[str, Difference]:
        """By kind."""
        one, other = reciprocal(before.ranks), reciprocal(after.ranks)
        kinds = np.array([e.kind.value for e in self.examples])
        return {k: difference(one[kinds == k].tolist(), other[kinds == k].tolist()) for k in sorted(set(kinds))}
