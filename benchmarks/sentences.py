"""Fits the weights by which sentences are chosen: python benchmarks/sentences.py --set MINUTES QUESTIONS [--set ...]

For each set of questions with gold (docs/evaluation.md) the minutes are indexed, and of each question that has facts
(`must_include`) the best item of the gold is cut into snippets; those that hold a fact are right. The weights make a
right one likely to come first (listwise softmax, with a penalty on their squares). Prints how often a right one is
first, and among the first three, on each set with the weights in use, and with weights fitted on the other sets only;
then the weights fitted on all, for askamu.select.WEIGHTS.

Source: Cao et al. 2007 (ListNet), with any of several right ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from askamu.config import settings
from askamu.evaluate.gold import GoldQuestion, read_gold
from askamu.evaluate.score import plain
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.passage import QuestionKind
from askamu.question import understand
from askamu.retrieve import retrieve
from askamu.select import WEIGHTS, Matcher, described

PENALTY = 0.01
ROUNDS, RATE = 800, 0.05
REACH = 6  # items of the ranking among which the gold's is looked for
COMPOSED = (QuestionKind.DECISION, QuestionKind.LISTING, QuestionKind.CASE)  # answered in another way
NAMES = list(WEIGHTS)
SCALE = 5.0  # about what the best snippet scores: weights are given divided by it


@dataclass
class Case:
    """One question: the features of its item's snippets, and which are right."""

    features: NDArray[np.float64]  # (snippets, features)
    right: NDArray[np.bool_]


def cases(library: Library, questions: list[GoldQuestion]) -> list[Case]:
    found = []
    for question in questions:
        understood = understand(question.question, library.known, question.history)
        if not question.answerable or not question.facts or understood.kind in COMPOSED:
            continue
        ranking = retrieve(library, understood, library.allowed(understood.filters))
        hit = next(
            (
                h
                for h in ranking.items[:REACH]
                if h.item_index >= 0 and any(g.is_at(library.meeting(h.document).source, h.item) for g in question.gold)
            ),
            None,
        )
        if hit is None:
            continue
        rows = described(library, understood, Matcher(library, understood), hit)
        wordings = [plain(w) for fact in question.facts for w in fact]
        right = np.array([any(w in plain(snippet.text) for w in wordings) for snippet, _, _ in rows])
        if right.any() and not right.all():
            features = np.array([[values.get(name, 0.0) for name in NAMES] for _, values, _ in rows])
            found.append(Case(features, right))
    return found


def fit(some: list[Case]) -> NDArray[np.float64]:
    """By Adam (Kingma & Ba 2015) on all cases at once."""
    weights, first, second = (np.zeros(len(NAMES)) for _ in range(3))
    for n in range(1, ROUNDS + 1):
        slope = 2 * PENALTY * weights
        for case in some:
            scores = case.features @ weights
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            target = np.where(case.right, likely, 0.0)
            slope += case.features.T @ (likely - target / target.sum()) / len(some)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights -= RATE * (first / (1 - 0.9**n)) / (np.sqrt(second / (1 - 0.999**n)) + 1e-8)
    return weights


def told(weights: NDArray[np.float64], some: list[Case]) -> str:
    ranks = [int(np.flatnonzero(c.right[np.argsort(-(c.features @ weights), kind="stable")])[0]) for c in some]
    return f"first {np.mean([r < 1 for r in ranks]):.3f}, among three {np.mean([r < 3 for r in ranks]):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs=2, action="append", required=True, metavar=("MINUTES", "QUESTIONS"))
    parser.add_argument("--index", nargs="*", default=[], help="indexes of the sets' minutes that are there already")
    given = parser.parse_args()
    sets: dict[str, list[Case]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for n, (minutes, questions) in enumerate(given.set):
            folder = Path(given.index[n]) if n < len(given.index) else Path(temporary) / str(n)
            chosen = settings(index=folder)
            if n >= len(given.index):
                ingest([minutes], chosen)
            sets[questions] = cases(open_library(chosen), read_gold([Path(questions)]))
    now = np.array([WEIGHTS[name] for name in NAMES])
    for name, some in sets.items():
        others = [c for other, rest in sets.items() if other != name for c in rest]
        print(f"{name} (n={len(some)}): now {told(now, some)}", end="")
        print(f"; fitted on the others {told(fit(others), some)}" if others else "", flush=True)
    weights = fit([c for some in sets.values() for c in some])
    print(json.dumps({name: round(float(w) / SCALE, 2) for name, w in zip(NAMES, weights, strict=True)}))


if __name__ == "__main__":
    main()
