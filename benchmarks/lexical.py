"""Times the lexical index: python benchmarks/lexical.py [PASSAGES]

Synthetic passages: 60 words each of the words of the seeds and invented compounds, with frequencies
by Zipf's law. Prints the time to build, the size, and the time a question takes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from askamu import lexical
from askamu.danish import words
from askamu.minutes import SectionKind
from askamu.passage import Passage

SEEDS = Path(__file__).parents[1] / "seeds"
QUESTIONS = (
    "Hvad besluttede udvalget om sygedagpengeindsatsen?",
    "Hvor mange borgere var i fleksjob i 2023?",
    "Hvad koster den nye indsats for unge uden uddannelse?",
    "Hvem var fraværende på mødet i december?",
    "Er der sager om småjob til borgere med psykiske handicap?",
    "budgetopfølgning",
    "How many refugees found a job last year?",
    "Hvad siger beskæftigelsesplanen for 2024 om virksomhedsrettet indsats og løntilskud?",
)


def passages(n: int, first: int = 0) -> list[Passage]:
    random = np.random.default_rng(first)
    texts = [file.read_text(encoding="utf-8") for file in sorted(SEEDS.glob("*.txt"))]
    seen = sorted({w for text in texts for w in words(text) if w.isalpha() and len(w) > 2}) or ["ord"]
    vocabulary = seen + [a + b for a, b in zip(random.permutation(seen), random.permutation(seen), strict=True)] * 5
    chance = 1 / np.arange(1, len(vocabulary) + 1) ** 0.9
    order = np.random.default_rng(7).permutation(len(vocabulary))
    drawn = order[random.choice(len(vocabulary), size=(n, 60), p=chance / chance.sum())]
    made = []
    for i, row in enumerate(drawn, start=first):
        text = " ".join(vocabulary[j] for j in row)
        meeting = f"d{i // 75}"
        made.append(Passage(f"p{i}", meeting, "1", 0, SectionKind.CASE, "", 0, len(text), text, "Holstebro Kommune"))
    return made


def main(n: int = 100_000) -> None:
    corpus = passages(n)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        analyser = lexical.write_lexicon(folder, corpus)
        lexical.build(folder, corpus, analyser)
        built = time.perf_counter() - start
        size = sum(f.stat().st_size for f in (folder / lexical.FOLDER).iterdir())
        print(f"{n:,} passages built in {built:.1f} s ({n / built:,.0f} a second), {size / 1e6:.0f} MB")
        index = lexical.LexicalIndex.open(folder)
        index.search("varm", 10)
        few = frozenset(f"d{i}" for i in range(0, n // 75, 10))
        for label, k, documents in (("k=50", 50, None), ("k=200", 200, None), ("k=50 in a tenth", 50, few)):
            took = []
            for question in QUESTIONS * 25:
                start = time.perf_counter()
                index.search(question, k, documents)
                took.append((time.perf_counter() - start) * 1000)
            print(f"{label}: p50 {np.percentile(took, 50):.1f} ms, p95 {np.percentile(took, 95):.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
