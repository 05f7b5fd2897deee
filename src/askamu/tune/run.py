"""From minutes to an adapter: read, mine, train, measure, write."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from askamu.adapter import ABOUT
from askamu.bootstrap import Difference
from askamu.chunk import CHUNK_TOKENS, chunk
from askamu.embed import NONE, Embedder, Progress, SentenceTransformer, Vectors, open_embedder, silent
from askamu.errors import AskamuError, CannotTune, NotOpened, ParserFailed
from askamu.ingest import AGENDA, find
from askamu.load import DEFAULT_MAX_BYTES, load
from askamu.minutes import Minutes
from askamu.parse import parse
from askamu.sidecar import corrected
from askamu.tune.measure import HeldOut
from askamu.tune.pairs import (
    TEXTS,
    Corpus,
    Example,
    Kind,
    add_written,
    corpus_of,
    mine,
    on_other_meetings,
    read_questions,
)
from askamu.tune.write import data_of, write_adapter

EXTRA = ("torch", "peft", "sentence_transformers")
LEAST_EXAMPLES = 100  # mined
LEAST_MEETINGS = 2  # one to learn from, and one to see when to stop
BATCH = 64
CHECKED = 0.1  # share of the meetings, the newest, on which it is seen when to stop
MINED, MOST_MINED = 0.5, 2_000  # mined examples for each one written by hand; at most so many if few were written
CHECKED_PASSAGES, MEASURED_PASSAGES = 1_000, 10_000
WORK = ".training"


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What was learned from, and what it brought."""

    folder: Path
    meetings: int
    failed: tuple[tuple[str, str], ...]  # file, why
    elsewhere: int  # written questions on meetings that are not among them
    checked: int  # meetings that are not trained on, by which it was seen when to stop
    held_out: int  # meetings that were not looked at before the end
    examples: dict[str, int]  # by kind
    steps: int
    seconds: float
    bytes: int
    digest: str
    gains: dict[str, Difference]  # MRR of what asks, by kind; on held-out meetings if there are any

    @property
    def missing(self) -> list[str]:
        """Kinds of which the minutes gave nothing."""
        return [k.value for k in Kind if k is not Kind.WRITTEN and not self.examples.get(k.value)]


def tune(
    paths: Sequence[str | Path],
    out: Path,
    *,
    base: str = "e5",
    questions: Sequence[Path] = (),
    held_out: int = 0,
    checked: int | None = None,
    measured: int = MEASURED_PASSAGES,
    written: bool = True,
    changes: Mapping[str, Any] | None = None,
    threads: int | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
    progress: Progress = silent,
    language: str = "da",
) -> TuneReport:
    """Train an adapter on minutes and write it to a folder.

    Args:
        base: the model to adapt, "e5" (the bundled one) or "st:NAME-OR-FOLDER".
        questions: files of written questions on these minutes (`pairs.read_questions`).
        held_out: how many of the newest meetings to leave out, and to measure on.
        changes: values of the recipe (`learn.Recipe`) other than its own.
        max_bytes: of the largest file that is read.
        checked: how many of the newest of the rest decide when to stop; by default a tenth.
        measured: among how many passages the questions on the meetings left out are asked, at most.
        written: whether the texts that ship with askamu are learned from too.

    Raises:
        CannotTune: if the extra is missing, or there is too little to learn from.
        AskamuError: if there are no minutes, or the base can't be opened.
    """
    if any(importlib.util.find_spec(name) is None for name in EXTRA):
        raise CannotTune("tune_extra")
    from askamu.e5.store import find_source
    from askamu.tune.learn import Learner, Recipe

    started = time.perf_counter()
    recipe = Recipe(**changes or {})
    _writable(out)
    meetings, failed = _read(paths, max_bytes, progress, language)
    if len(meetings) - held_out < LEAST_MEETINGS:
        raise CannotTune(
            "tune_few_meetings", meetings=len(meetings), held_out=held_out, needed=LEAST_MEETINGS + held_out
        )
    rest, newest = (meetings[:-held_out], meetings[-held_out:]) if held_out else (meetings, [])
    watch_on = checked or max(1, round(CHECKED * len(rest)))
    trained, watched = rest[:-watch_on], rest[-watch_on:]
    with tempfile.TemporaryDirectory() as temporary:
        embedder, folder, prompts = _base(base, Path(temporary), threads)

        def cut(some: Sequence[Minutes]) -> Corpus:
            return corpus_of([(m, chunk(m, embedder.count_tokens, CHUNK_TOKENS)) for m in some])

        corpus = cut(trained)
        examples = mine(corpus)
        if len(examples) < LEAST_EXAMPLES:
            raise CannotTune(
                "tune_few", examples=len(examples), meetings=len(trained), least=LEAST_EXAMPLES,
                needed=max(len(meetings) + 1, _needed(len(examples), len(meetings))),
            )  # fmt: skip
        elsewhere = sum(on_other_meetings(file, meetings) for file in questions)
        by_hand = [e for file in questions for e in read_questions(file, corpus)]
        shipped = sorted(TEXTS.glob("*.jsonl")) if written else []
        by_hand += [e for file in shipped for e in add_written(file, corpus)]
        examples = _some(examples, max(MOST_MINED, round(MINED * len(by_hand))), recipe.seed) + by_hand
        vectors = _embed(corpus.texts, embedder, out / WORK, progress)
        learner = Learner(folder, prompts, recipe, threads)
        watch = HeldOut(cut(watched), questions, CHECKED_PASSAGES)
        learned = learner.learn(corpus, vectors, examples, watch.mrr, out / WORK, progress)
        learner.use(learned)
        test = HeldOut(cut(newest), questions, measured) if newest else watch
        before, after = test.look(learner, tuned=False), test.look(learner, tuned=True)
        gains = test.gains(before, after)
        kinds = dict(Counter(e.kind.value for e in examples))
        seconds = time.perf_counter() - started
        size, digest = write_adapter(
            out, learned, learner.base if base.startswith("st:") else find_source().base, recipe,
            {"before": before.spread(), "after": after.spread()},
            {
                "data": data_of(trained, [*questions, *shipped]), "meetings": len(trained), "checked": len(watched),
                "held_out": len(newest), "examples": kinds, "seconds": round(seconds),
                "mrr": {kind: {k: round(v, 4) for k, v in asdict(gain).items()} for kind, gain in gains.items()},
            },
        )  # fmt: skip
    shutil.rmtree(out / WORK, ignore_errors=True)
    return TuneReport(
        out,
        len(meetings),
        tuple(failed),
        elsewhere,
        len(watched),
        len(newest),
        kinds,
        learned.step,
        seconds,
        size,
        digest,
        gains,
    )


def _some(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """At most so many, of each kind as many as of another as far as there are."""
    chance = random.Random(seed)
    kinds: dict[Kind, list[Example]] = {}
    for example in chance.sample(examples, len(examples)):
        kinds.setdefault(example.kind, []).append(example)
    turns = zip_longest(*(kinds[kind] for kind in sorted(kinds)))
    return [e for turn in turns for e in turn if e is not None][:most]


def _needed(examples: int, meetings: int) -> int:
    """About how many meetings it takes, if others give as much as these."""
    return -(-LEAST_EXAMPLES * meetings // max(examples, 1))


def _writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()) and not ((out / ABOUT).exists() or (out / WORK).exists()):
            raise CannotTune("tune_not_empty", folder=out)
    except OSError as error:
        raise CannotTune("tune_out", folder=out, why=error.strerror or error) from error


def _read(
    paths: Sequence[str | Path], max_bytes: int, progress: Progress, language: str
) -> tuple[list[Minutes], list[tuple[str, str]]]:
    """The meetings, oldest first, those without a date before them; and what could not be read."""
    files, unfit = find(paths)
    failed = [(f.name, f.reason) for f in unfit]
    meetings: list[Minutes] = []
    for n, file in enumerate(files):
        progress("read", n, len(files))
        try:
            minutes = corrected(parse(load(file, max_bytes), language), file, language=language)
            if minutes.kind != AGENDA:
                meetings.append(minutes)
        except AskamuError as error:
            failed.append((file.name, error.say(language)))
        except OSError as error:
            failed.append((file.name, NotOpened(file.name, error).say(language)))
        except Exception as error:  # of a parser, that nobody thought of: the rest goes on
            failed.append((file.name, ParserFailed(file.name, error).say(language)))
    progress("read", len(files), len(files))
    meetings = list({m.id: m for m in meetings}.values())  # the same file twice
    return sorted(meetings, key=lambda m: (m.held_on or date.min, m.source)), failed


def _base(base: str, temporary: Path, threads: int | None) -> tuple[Embedder, str, tuple[str, str]]:
    """The untuned embedder; the folder or name of the model to train, and its prompts for questions and passages."""
    if base.startswith("st:"):
        embedder = open_embedder(base, threads, adapter=NONE)
        assert isinstance(embedder, SentenceTransformer)
        return embedder, base.removeprefix("st:"), embedder.prompts
    from askamu.e5.engine import PASSAGE, QUESTION
    from askamu.e5.folder import write_folder

    embedder = open_embedder("e5-int8" if base == "e5" else base, threads, adapter=NONE)
    if not embedder.name.startswith("e5-"):
        raise CannotTune("tune_base", base=base)
    write_folder(temporary)
    return embedder, str(temporary), (QUESTION, PASSAGE)


def _embed(texts: Sequence[str], embedder: Embedder, work: Path, progress: Progress) -> Vectors:
    """The vectors of texts; kept in the work folder for a run that goes on."""
    digest = hashlib.sha256(json.dumps([embedder.model_id, *texts]).encode()).hexdigest()[:16]
    kept = work / f"vectors-{digest}.npy"
    if kept.is_file():
        try:
            vectors: Vectors = np.load(kept, allow_pickle=False)
            if vectors.shape == (len(texts), embedder.dim):
                return vectors
        except (OSError, ValueError):
            pass
    parts = []
    for at in range(0, len(texts), BATCH):
        progress("embed", at, len(texts))
        parts.append(embedder.embed_passages(texts[at : at + BATCH]))
    progress("embed", len(texts), len(texts))
    vectors = np.concatenate(parts) if parts else np.zeros((0, embedder.dim), dtype=np.float32)
    work.mkdir(parents=True, exist_ok=True)
    beside = work / "vectors.part"
    with beside.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    beside.replace(kept)
    return vectors
