"""What each part of retrieval and answering brings:
python benchmarks/ingredients.py --set NAME MINUTES QUESTIONS [--set ...]

Questions with gold (docs/evaluation.md) are answered as they are, and again with one part at a time switched off or put
back to the plain way. Prints for each what is lost without it: the reciprocal rank of the right item, full answers, and
the F1 of "not stated", with 95 % intervals of the paired difference (bootstrap over questions).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from askamu import answer, doubt, lexical, limits, retrieve, select
from askamu.compose import fact
from askamu.config import settings
from askamu.evaluate.figures import compare, figures
from askamu.evaluate.gold import GoldQuestion, read_gold
from askamu.evaluate.run import evaluate
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.passage import Filters, Passage, QuestionKind
from askamu.question import understand
from askamu.vocabulary import table

METRICS = ("mrr@10", "full_answer", "citation_precision")
PLAIN_WEIGHTS = {"words": 1.0, "passage": 1.0}
RRF = 60.0  # Cormack, Clarke & Büttcher 2009


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One part: how to do without it, and whether the index must be built anew for that."""

    name: str
    without: Callable[[], Any]
    of_index: Mapping[str, Any] | None = None  # settings of that index


@contextmanager
def several(*patches: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


def unread(asked: str, *given: Any, **named: Any) -> Any:
    """A question with nothing understood but its language: a fact, and no filter but those set."""
    understood = understand(asked, *given, **named)
    return replace(
        understood, kind=QuestionKind.FACT, filters=Filters(), wants=frozenset(), meeting_missing=False, refused=None,
        case_number=None, item=None, sections=frozenset(), foreign_municipality=None,
    )  # fmt: skip


def by_rank(scores: Any) -> Any:
    """Reciprocal ranks in place of scores brought to one scale."""
    places = np.empty(len(scores))
    places[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1.0 / (RRF + places)


def dense_weight(weight: float) -> Any:
    return patch.object(retrieve, "DENSE_WEIGHT", dict.fromkeys(retrieve.DENSE_WEIGHT, weight))


def term_weights(**changes: float) -> Any:
    return patch.object(
        lexical.LexicalIndex.search, "__defaults__", (None, replace(lexical.DEFAULT_WEIGHTS, **changes))
    )


def features(**changes: float) -> Any:
    return patch.dict(select.WEIGHTS, changes)


def ingredients() -> list[Ingredient]:
    nothing = patch.dict({})
    return [
        Ingredient("embedder (words alone rank)", lambda: dense_weight(0.0)),
        Ingredient("words (the embedder alone ranks)", lambda: dense_weight(1.0)),
        Ingredient("adapter", lambda: nothing, {"adapter": "none"}),
        Ingredient("breadcrumb of a passage", lambda: patch.object(
            Passage, "indexed_text", property(lambda passage: passage.text)), {}),
        Ingredient("scores brought to one scale (RRF instead)", lambda: patch.object(retrieve, "_scaled", by_rank)),
        Ingredient("compound parts", lambda: term_weights(parts=0.0)),
        Ingredient("4-grams", lambda: term_weights(grams=0.0)),
        Ingredient("glossary", lambda: several(
            patch.object(retrieve, "expand", lambda text, language: text),
            patch.object(select, "added_words", lambda text, language: ""))),
        Ingredient("weight of its own for English", lambda: dense_weight(retrieve.DENSE_WEIGHT["da"])),
        Ingredient("items cited last count for a follow-up", lambda: patch.object(retrieve, "HINT_BONUS", 0.0)),
        Ingredient("reading the question (kind, filters, wants)", lambda: patch.object(answer, "understand", unread)),
        Ingredient("decisions composed", lambda: patch.object(answer.decision, "compose", lambda *_: None)),
        Ingredient("lists from the record", lambda: patch.object(answer, "_listing", lambda *_: None)),
        Ingredient("who was there", lambda: patch.object(answer.who, "compose", lambda *_: None)),
        Ingredient("fitted weights of sentences", lambda: features(
            **dict.fromkeys(select.WEIGHTS, 0.0) | PLAIN_WEIGHTS)),
        Ingredient("type of answer asked for", lambda: features(
            **dict.fromkeys((t["name"] for t in table("answer_types")["type"]), 0.0))),
        Ingredient("a sentence with its neighbours", lambda: patch.object(fact, "_in_context", lambda chosen: chosen)),
        Ingredient("further sentences (only the best one)", lambda: patch.object(
            fact.compose, "__defaults__", (None, 1))),
        Ingredient("sentences of the next items compared", lambda: patch.object(fact, "RIVALS", 1)),
        Ingredient("a newer item of the same matter", lambda: several(
            patch.object(fact, "AS_GOOD", 9.0), patch.object(answer, "AS_GOOD", 9.0))),
        Ingredient("rules of abstention", lambda: patch.object(answer, "doubt", lambda context: None)),
        Ingredient("what a question demands", lambda: patch.object(doubt, "_is_met", lambda *_: True)),
        Ingredient("words and nearness together", lambda: patch.object(limits.Limits, "fail", lambda *_: False)),
    ]  # fmt: skip


def index_of(minutes: str, folder: Path, **changes: Any) -> Library:
    chosen = settings(index=folder, **changes)
    ingest([minutes], chosen)
    return open_library(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs=3, action="append", required=True, metavar=("NAME", "MINUTES", "QUESTIONS"))
    parser.add_argument("--only", help="ingredients whose names hold this")
    given = parser.parse_args()
    for name, minutes, file in given.set:
        questions: list[GoldQuestion] = read_gold([Path(file)])
        with tempfile.TemporaryDirectory() as temporary:
            library = index_of(minutes, Path(temporary) / "whole")
            scores = evaluate(library, questions)
            whole = {s.id: s.metrics for s in scores}
            found = figures(questions, scores)
            told = ", ".join(f"{m} {found.metrics[m].mean:.3f} (n={found.metrics[m].n})" for m in METRICS)
            print(
                f"\n{name}: {told}, F1 {found.abstention.f1:.3f}\n\n| without | {' | '.join(METRICS)} | F1 | answered |"
            )
            print(f"| --- | {'--- | ' * (len(METRICS) + 2)}", flush=True)
            for n, part in enumerate(ingredients()):
                if given.only and given.only not in part.name:
                    continue
                with part.without():
                    used = (
                        library
                        if part.of_index is None
                        else index_of(minutes, Path(temporary) / str(n), **part.of_index)
                    )
                    less = evaluate(used, questions)
                changes = compare(whole, less)
                cells = [f"{d.gain:+.3f} [{d.low:+.3f}, {d.high:+.3f}]" for m in METRICS for d in (changes[m],)]
                other = figures(questions, less)
                f1 = f"{other.abstention.f1 - found.abstention.f1:+.3f}"
                answered = f"{other.metrics['answered'].mean - found.metrics['answered'].mean:+.3f}"
                print(f"| {part.name} | {' | '.join(cells)} | {f1} | {answered} |", flush=True)


if __name__ == "__main__":
    main()
