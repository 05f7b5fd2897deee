"""What an adapter brings: python benchmarks/adapter.py --minutes DIR... --questions FILE [--adapters none auto]

Questions with gold (a line: {"id", "type", "lang", "question", "history"?, "answerable", "gold": [{"doc", "item"}]};
`doc` is how the file's name begins) over minutes, read with each of two adapters. Prints the mean reciprocal rank and
hit@5 of the item that answers, by the embedder alone and by the whole retrieval, the paired difference with its 95 %
interval (bootstrap over questions), and the same by type and language. `--written FILE` measures questions of
`askamu tune` (a line: {"meeting", "item", "section", "kind", "q"}) on the meetings of the minutes instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from askamu.answer import ask
from askamu.bootstrap import difference
from askamu.config import settings
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.passage import Turn
from askamu.tune.measure import reciprocal
from askamu.tune.pairs import case_of

FAR = 10**6  # rank of what is not found
Rows = list[dict[str, Any]]
Places = list[set[tuple[str, int]]]


def asked(row: dict[str, Any]) -> str:
    """The question, after the one before it where it follows up."""
    before = [turn["content"] for turn in row.get("history", []) if turn["role"] == "user"]
    return " ".join([*before[-1:], row["question"]])


def gold_places(library: Library, rows: Rows) -> Places:
    """The items that answer each question, as document and place."""
    places = places_of(library).items()
    return [
        {
            place
            for (source, number), place in places
            for gold in row["gold"]
            if source.startswith(gold["doc"]) and number == gold["item"]
        }
        for row in rows
    ]


def places_of(library: Library) -> dict[tuple[str, str], tuple[str, int]]:
    """File and item number, as answers name them -> document and place."""
    found = {}
    for meeting in library.meetings:
        for index, item in enumerate(library.minutes(meeting.id).items):
            found[meeting.source, item.number or str(index + 1)] = (meeting.id, index)
        found[meeting.source, "0"] = (meeting.id, -1)
    return found


def written_places(library: Library, rows: Rows) -> tuple[Rows, Places]:
    """Of questions written for `askamu tune`: those on these minutes; items of the same case answer as well."""
    by_stem = {Path(meeting.source).stem: meeting.id for meeting in library.meetings}
    cases: dict[str, set[tuple[str, int]]] = {}
    for meeting in library.meetings:
        for index, item in enumerate(library.minutes(meeting.id).items):
            cases.setdefault(case_of(item), set()).add((meeting.id, index))
    kept = [row for row in rows if row["meeting"] in by_stem]
    items = [library.minutes(by_stem[row["meeting"]]).items[row["item"]] for row in kept]
    told = [
        {"question": row["q"], "type": row["kind"], "lang": "en" if row["kind"] == "english" else "da"} for row in kept
    ]
    return told, [cases[case_of(item)] for item in items]


def ranks_alone(library: Library, rows: Rows, gold: Places) -> list[int]:
    """By the embedder alone: an item is as near as its nearest passage."""
    passages = library.record.passages_of(library.generation)
    vectors = library.current.vectors([p.id for p in passages])
    places = [(p.document, p.item_index) for p in passages]
    numbers = {place: n for n, place in enumerate(dict.fromkeys(places))}
    owner = np.array([numbers[place] for place in places])
    found = []
    for row, right in zip(rows, gold, strict=True):
        best = np.full(len(numbers), -1.0, dtype=np.float32)
        np.maximum.at(best, owner, vectors @ library.embedder.embed_question(asked(row)))
        top = max((best[numbers[place]] for place in right if place in numbers), default=None)
        found.append(FAR if top is None else 1 + int((best > top).sum()))
    return found


def ranks_together(library: Library, rows: Rows, gold: Places) -> list[int]:
    """By the whole retrieval, as an answer records it."""
    places = places_of(library)
    found = []
    for row, right in zip(rows, gold, strict=True):
        answer = ask(library, row["question"], [Turn(t["role"], t["content"]) for t in row.get("history", [])])
        ranked = list(dict.fromkeys(places.get((r.source, r.item)) for r in answer.retrieved))
        found.append(next((n for n, place in enumerate(ranked, start=1) if place in right), FAR))
    return found


def show(name: str, rows: Rows, before: Sequence[int], after: Sequence[int]) -> None:
    groups: dict[str, list[int]] = {"all": list(range(len(rows)))}
    for n, row in enumerate(rows):
        groups.setdefault(row["type"], []).append(n)
    for n, row in enumerate(rows):
        groups.setdefault(f"lang {row['lang']}", []).append(n)
    print(f"\n{name:28s} {'n':>4s} {'MRR':>22s} {'gain [95 %]':>26s} {'hit@5':>16s} {'gain [95 %]':>26s}")
    for group, members in groups.items():
        one, other = ([ranks[n] for n in members] for ranks in (before, after))
        mrr = difference(reciprocal(one).tolist(), reciprocal(other).tolist())
        hit = difference([r <= 5 for r in one], [r <= 5 for r in other])
        line = f"  {group:26s} {mrr.n:4d}"
        for d in (mrr, hit):
            line += f"  {d.before:.3f} -> {d.after:.3f}  {d.gain:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", required=True)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--written", type=Path)
    parser.add_argument("--adapters", nargs=2, default=["none", "auto"])
    parser.add_argument(
        "--indexes", nargs=2, type=Path, help="of the minutes, made or to be made, one for each adapter"
    )
    parser.add_argument("--embedder", default="e5-int8")
    parser.add_argument("--alone", action="store_true", help="by the embedder alone only")
    given = parser.parse_args()
    file = given.questions or given.written
    if file is None:
        parser.error("--questions or --written is needed")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    alone, together = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for n, adapter in enumerate(given.adapters):
            folder = given.indexes[n] if given.indexes else Path(temporary) / str(n)
            chosen = settings(index=folder, embedder=given.embedder, adapter=adapter)
            ingest(given.minutes, chosen)
            library = open_library(chosen)
            if given.questions:
                rows = [row for row in lines if row["answerable"]]
                gold = gold_places(library, rows)
            else:
                rows, gold = written_places(library, lines)
            print(f"{adapter}: {library.embedder.model_id}, {library.current.manifest.passages} passages", flush=True)
            alone.append(ranks_alone(library, rows, gold))
            if not given.alone:
                together.append(ranks_together(library, rows, gold))
    show("embedder alone", rows, *alone)
    if together:
        show("whole retrieval", rows, *together)


if __name__ == "__main__":
    main()
