"""What the tests of record, index and ingest share: a cheap embedder, and minutes small enough to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from askamu.chunk import chunk
from askamu.config import Settings
from askamu.embed import Vectors
from askamu.index import Manifest, build_generation, writing
from askamu.load import Source
from askamu.minutes import Minutes
from askamu.parse import parse
from askamu.record import Record

WORDS = ("småjob", "sygedagpenge", "budget", "fleksjob", "integration", "ungeindsats", "praktik", "økonomi")


class Keywords:
    """An embedder for tests: one axis per word, the value is how often it occurs, and two that tell texts apart."""

    dim = len(WORDS) + 2
    max_tokens = 512

    def __init__(self, name: str = "axes") -> None:
        self.name = name
        self.model_id = f"{name}@1"
        self.embedded: list[str] = []

    def cosine_limit(self, limit: float) -> float:
        return limit

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.array([self.embed_question(t) for t in texts], dtype=np.float32).reshape(-1, self.dim)

    def embed_question(self, text: str) -> Vectors:
        turn = sum(ord(c) * (i % 97 + 1) for i, c in enumerate(text))
        own = (0.3 * np.cos(turn), 0.3 * np.sin(turn))
        counts = np.array([*(text.lower().count(w) for w in WORDS), *own], dtype=np.float32)
        return (counts / np.linalg.norm(counts)).astype(np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2


def minutes_text(day: date, *subjects: str, committee: str = "Arbejdsmarkedsudvalget") -> str:
    """Minutes with an item for each subject, and a closed one."""
    items = [
        f"Punkt {n}: Orientering om {subject}\n\nSagsnr.: 15.00.15-P16-{n}-{day:%y}\n\n"
        f"Sagsfremstilling\nForvaltningen orienterer om {subject} i kommunen. Udgiften til {subject} var "
        f"{n}.{day.year % 1000:03} kr. i {day.year - 1}.\n\n"
        "Indstilling\nDet indstilles, at udvalget tager orienteringen til efterretning.\n\n"
        f"Beslutning\nTaget til efterretning. Udvalget ønsker {subject} på næste dagsorden.\n"
        for n, subject in enumerate(subjects, start=1)
    ]
    closed = f"Punkt {len(subjects) + 1}: Lukket: Personsag\n"
    return f"Referat\n{committee}\nHolstebro Kommune\n\nMødedato: {day:%d-%m-%Y}\nMødested: Rådhuset\n\n" + "\n".join(
        [*items, closed]
    )


def write_minutes(folder: Path, name: str, day: date, *subjects: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(minutes_text(day, *subjects), encoding="utf-8")
    return path


def parsed(id: str, day: date, *subjects: str) -> Minutes:
    return replace(parse(Source(f"{id}.txt", Path(f"{id}.txt"), minutes_text(day, *subjects), "")), id=id)


def store(record: Record, minutes: Minutes, embedder: Keywords) -> None:
    record.store(minutes, Path("/m") / minutes.source, minutes.id * 4, "1")
    record.store_passages(minutes.id, embedder.model_id, chunk(minutes, embedder.count_tokens, 60))


def built(folder: Path, embedder: Keywords, *meetings: Minutes) -> Manifest:
    """A generation with exactly these meetings."""
    with writing(folder), Record.create(folder) as record:
        for minutes in meetings:
            store(record, minutes, embedder)
        return build_generation(folder, record, [m.id for m in meetings], embedder)


def index_settings(folder: Path) -> Settings:
    return Settings(index=folder)
