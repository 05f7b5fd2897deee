"""Whether questions find their answers: ranks, mean reciprocal rank, and paired differences with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from askamu.embed import Vectors
from askamu.tune.pairs import Corpus, Example

DEEPEST = 10  # of MRR@10
ROUNDS = 2_000  # of the bootstrap
SEED = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a mean over the same questions, with its 95 % interval (paired bootstrap over questions)."""

    n: int
    before: float
    after: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        return self.after - self.before


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


def difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Source: Efron & Tibshirani 1993 (percentile bootstrap)."""
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not len(one):
        return Difference(0, 0.0, 0.0, 0.0, 0.0)
    drawn = np.random.default_rng(SEED).integers(0, len(one), (ROUNDS, len(one)))
    means = (other - one)[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(len(one), float(one.mean()), float(other.mean()), float(low), float(high))
