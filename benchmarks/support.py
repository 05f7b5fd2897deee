"""How well the check of a language model's sentences tells sound ones from unsound ones: python benchmarks/support.py

Sentences written by hand on the minutes in seeds/ (tests/data/claims.jsonl), each with the stretches it cites and
whether they carry it. Prints how many of each are kept, the quantiles that `askamu.llm.verify.Least` is set by on each
half of the files, and the figures of each half; `--show` prints what is judged wrongly.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from askamu.config import settings
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.llm.evidence import Evidence, Line, Source, section_at
from askamu.llm.verify import Verifier
from askamu.llm.write import cosine_of
from askamu.minutes import Minutes, Span
from askamu.snippets import section_snippets

ROOT = Path(__file__).parent.parent
CLAIMS = ROOT / "tests" / "data" / "claims.jsonl"


def evidence_for(minutes: Minutes, item_number: str, cites: list[str]) -> tuple[list[Evidence], list[str]]:
    """The sections that stretches stand in, as passages, and the marks of the lines that hold them."""
    evidence: dict[tuple[int, int], Evidence] = {}
    marks: list[str] = []
    for cite in cites:
        pattern = r"\s+".join(re.escape(w) for w in cite.split())
        numbers = [n for n, i in enumerate(minutes.items) if (i.number or str(n + 1)) == item_number]
        for index in [*numbers, *range(-1, len(minutes.items))]:
            start, end = (
                (minutes.items[index].start, minutes.items[index].end) if index >= 0 else (0, minutes.header.end)
            )
            found = re.compile(pattern).search(minutes.text, start, end)
            section = section_at(minutes, index, found.start()) if found else None
            if found and section is not None:
                break
        else:
            raise ValueError(f"{minutes.source} {item_number}: {cite!r} is not in the minutes")
        key = (index, section.start)
        if key not in evidence:
            id = "".join("abcdefghijklmnopqrstuvwxyz"[(len(evidence) + n) % 26] for n in range(6))
            item = minutes.items[index] if index >= 0 else None
            lines = section_snippets(minutes, item, section)
            marked = tuple(Line(f"{id}.{n}", s) for n, s in enumerate(lines, 1))
            evidence[key] = Evidence(id, minutes, item, section, marked)
        where = Span(found.start(), found.end())
        here = [
            x.mark
            for x in evidence[key].lines
            if any(s.start < where.end and where.start < s.end for s in x.snippet.spans)
        ]
        marks += here  # a heading is no line: it comes with the lines below it
    if not marks:
        raise ValueError(f"{minutes.source} {item_number}: no line holds {cites}")
    return list(evidence.values()), list(dict.fromkeys(marks))


def checked(library: Library, row: dict[str, Any], minutes: Minutes) -> tuple[Any, tuple[float, ...]]:
    evidence, marks = evidence_for(minutes, str(row["item"]), row["cites"])
    verifier = Verifier(
        evidence, row["language"], cosine_of(library), library.rarity, library.current.lexical.analyser.split
    )
    result = verifier.check(row["text"] + "".join(f" [{m}]" for m in marks))
    sources: tuple[Source, ...] = result.sources
    return result, verifier.features(row["text"], sources)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, default=CLAIMS)
    parser.add_argument("--minutes", type=Path, default=ROOT / "seeds")
    parser.add_argument("--index", type=Path)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.claims.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        used = settings(index=given.index or Path(folder))
        if given.index is None:
            ingest([given.minutes], used)
        library = open_library(used)
        by_source = {m.source: library.minutes(m.id) for m in library.meetings}
        files = sorted({r["source"] for r in rows})
        half = {name: n % 2 for n, name in enumerate(files)}
        results = []
        for row in rows:
            try:
                result, features = checked(library, row, by_source[row["source"]])
            except ValueError as error:
                print(error)
                continue
            results.append((row, result, features))
    report(results, show=given.show)
    for language in ("da", "en"):
        print(f"\n{language}: of sound sentences, the least covered clause and the cosine")
        for fold in (0, 1):
            mine = np.array(
                [f for r, _, f in results if r["language"] == language and r["sound"] and half[r["source"]] == fold]
            )
            for n, name in enumerate(("words", "cosine")):
                print(
                    f"  half {fold} (n={len(mine)}) {name}",
                    np.round(np.quantile(mine[:, n], [0.01, 0.02, 0.03, 0.05]), 2),
                )
    for fold in (0, 1):
        print(f"\nhalf {fold} of the files:")
        report([t for t in results if half[t[0]["source"]] == fold], show=False)


def report(results: list[tuple[dict[str, Any], Any, tuple[float, ...]]], *, show: bool) -> None:
    for language in ("da", "en"):
        for sound in (True, False):
            mine = [(r, c) for r, c, _ in results if r["language"] == language and r["sound"] is sound]
            kept = [r for r, c in mine if c.sound]
            faults = Counter(f.value for _, c in mine for f in c.faults)
            print(f"{language} {'sound' if sound else 'unsound'}: kept {len(kept)} of {len(mine)} {dict(faults)}")
            if not sound:
                print(
                    "   let through, by kind:",
                    dict(Counter(r["wrong"] for r in kept)),
                    "of",
                    dict(Counter(r["wrong"] for r, _ in mine)),
                )
            if show:
                for row, result in mine:
                    told = [f.value for f in result.faults], result.support
                    if result.sound is not sound:
                        print(f"   {row['id']} {row.get('wrong') or ''} {told}: {row['text']}  <- {row['cites']}")


if __name__ == "__main__":
    main()
