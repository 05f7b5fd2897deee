"""Development figures of the whole way: ingest, answer a file of questions with gold, and count.

python benchmarks/answers.py --minutes DIR --questions questions.jsonl

A line of the questions: {"id", "type", "question", "history"?, "answerable", "gold": [{"doc", "item"}], "must_include":
[[wording, …], …]}; `doc` is how the file's name begins.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from askamu.answer import ask
from askamu.config import settings
from askamu.ingest import ingest
from askamu.library import open_library
from askamu.passage import Turn


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=Path, required=True)
    arguments.add_argument("--questions", type=Path, required=True)
    given = arguments.parse_args()
    if not given.questions.is_file():
        arguments.error(f"{given.questions} is no file of questions; say make eval QUESTIONS=FILE MINUTES=DIR")
    rows = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        chosen = settings(index=Path(folder) / "index")
        ingest([given.minutes], chosen)
        library = open_library(chosen)
        counts: dict[str, dict[str, list[float]]] = {}
        seconds = []
        for row in rows:
            history = [Turn(t["role"], t["content"]) for t in row.get("history", [])]
            started = time.perf_counter()
            answer = ask(library, row["question"], history)
            seconds.append(time.perf_counter() - started)
            kinds = (counts.setdefault(row["type"], {}), counts.setdefault("all", {}))
            for kind in kinds:
                if not row["answerable"]:
                    kind.setdefault("abstained", []).append(answer.abstained)
                    continue
                gold = {(g["doc"], g["item"]) for g in row["gold"]}
                ranked = list(dict.fromkeys((r.source, r.item) for r in answer.retrieved))
                hits = [any(s.startswith(d) and i == n for d, n in gold) for s, i in ranked]
                cited = [any(c.source.startswith(d) and c.item == n for d, n in gold) for c in answer.citations]
                shown = " ".join((answer.text + " " + " ".join(c.quote for c in answer.citations)).split()).casefold()
                facts = [any(w.casefold() in shown for w in wordings) for wordings in row["must_include"]]
                kind.setdefault("hit@1", []).append(any(hits[:1]))
                kind.setdefault("hit@5", []).append(any(hits[:5]))
                kind.setdefault("full answer", []).append(all(facts) and not answer.abstained)
                kind.setdefault("cited right", []).append(statistics.fmean(cited) if cited else 0.0)
    print(f"{len(rows)} questions, {1000 * statistics.median(seconds):.0f} ms in the middle")
    for name, figures in sorted(counts.items()):
        said = ", ".join(f"{metric} {statistics.fmean(v):.2f} (n={len(v)})" for metric, v in figures.items())
        print(f"{name:15s} {said}")


if __name__ == "__main__":
    main()
