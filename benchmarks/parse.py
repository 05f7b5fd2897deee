"""How fast text is parsed and cut, and how long an unchanged re-ingest takes.

python benchmarks/parse.py [FOLDER]   (default seeds/; a page is 3,000 characters)

The embedder is a cheap one, so that only our own work is timed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from askamu.chunk import chunk
from askamu.config import Settings
from askamu.embed import Vectors
from askamu.errors import AskamuError
from askamu.ingest import ingest
from askamu.load import Source, load
from askamu.parse import parse

PAGE = 3_000  # characters
SECONDS = 5.0


class Cheap:
    """An embedder that costs nothing: a vector of letter counts."""

    name, model_id, dim, max_tokens = "cheap", "cheap@1", 26, 512

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.embed_question(t) for t in texts], dtype=np.float32).reshape(-1, self.dim)

    def embed_question(self, text: str) -> Vectors:
        counts = np.array([text.count(chr(97 + n)) + 0.01 for n in range(self.dim)], dtype=np.float32)
        vector: Vectors = (counts / np.linalg.norm(counts)).astype(np.float32)
        return vector

    def count_tokens(self, text: str) -> int:
        return len(text) // 3 + 2


def sources(folder: Path) -> list[Source]:
    found = []
    for path in sorted(folder.iterdir()):
        try:
            found.append(load(path))
        except (AskamuError, OSError):
            continue
    return found


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "seeds")
    documents = [s for s in sources(folder) if s.path.stem != "README"]
    texts = [Source(s.name, s.path, s.text, s.sha256) for s in documents]  # without outlines: the parser's own work
    pages = parsing = cutting = 0.0
    while parsing < SECONDS:
        for source in texts:
            started = time.perf_counter()
            try:
                minutes = parse(source)
            except AskamuError:
                continue
            parsing += time.perf_counter() - started
            pages += len(source.text) / PAGE
            started = time.perf_counter()
            chunk(minutes, Cheap().count_tokens)
            cutting += time.perf_counter() - started
            if parsing > SECONDS:
                break
    print(f"parse {pages / parsing:,.0f} pages/s, cut {pages / cutting:,.0f} pages/s ({pages:,.0f} pages)")
    with tempfile.TemporaryDirectory() as place:
        chosen = Settings(index=Path(place) / "index")
        for name in ("first", "unchanged"):
            started = time.perf_counter()
            report = ingest([folder], chosen, embedder=Cheap())
            took = time.perf_counter() - started
            print(f"{name} ingest {took:.2f} s: {len(report.meetings)} meetings, {report.passages} passages")


if __name__ == "__main__":
    main()
