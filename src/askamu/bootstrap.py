"""Means with their 95 % intervals, and paired differences of two means.

Source: Efron & Tibshirani 1993 (percentile bootstrap), over questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2_000
SEED = 1
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and its interval."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a mean over the same questions, with its interval."""

    n: int
    before: float
    after: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        return self.after - self.before


def mean(values: Sequence[float]) -> Mean:
    """Of some values; all zero where there are none."""
    given = np.asarray(values, dtype=np.float64)
    return Mean(len(given), float(given.mean()), *_interval(given)) if len(given) else Mean(0, 0.0, 0.0, 0.0)


def difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Of the values of the same questions in two runs."""
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not len(one):
        return Difference(0, 0.0, 0.0, 0.0, 0.0)
    return Difference(len(one), float(one.mean()), float(other.mean()), *_interval(other - one))


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    drawn = np.random.default_rng(SEED).integers(0, len(values), (ROUNDS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
