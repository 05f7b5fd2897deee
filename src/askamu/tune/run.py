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
from datetime import UTC, date, datetime
from importlib import metadata
from itertools import zip_longest
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from askamu.adapter import ABOUT, CONFIG, FORMAT, TENSORS, digest_of
from askamu.chunk import CHUNK_TOKENS, chunk
from askamu.embed import NONE, Embedder, Progress, SentenceTransformer, Vectors, open_embedder, silent
from askamu.errors import AskamuError, CannotTune, NotOpened, ParserFailed
from askamu.ingest import AGENDA, find
from askamu.load import DEFAULT_MAX_BYTES, load
from askamu.minutes import Minutes
from askamu.parse import parse
from askamu.sidecar import corrected
from askamu.tune.measure import Difference, difference, ranks, reciprocal
from askamu.tune.pairs import TEXTS, Corpus, Example, Kind, add_written, corpus_of, mine, read_questions
from askamu.tune.rewrite import rewrite

if TYPE_CHECKING:
    from askamu.tune.learn import Learned, Learner, Recipe

EXTRA = ("torch", "peft", "sentence_transformers")
LEAST_EXAMPLES = 100  # mined
LEAST_MEETINGS = 2  # one to learn from, and one to see when to stop
BATCH = 64
CHECKED = 0.1  # share of the meetings, the newest, on which it is seen when to stop
MINED, MOST_MINED = 0.5, 2_000  # mined examples for each one written by hand; at most so many if few were written
MOST_CHECKED = 400  # examples mined
CHECKED_PASSAGES, MEASURED_PASSAGES = 1_000, 10_000
WORK = ".training"
CARD = Path(__file__).parent / "card.md"


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What was learned from, and what it brought."""

    folder: Path
    meetings: int
    failed: tuple[tuple[str, str], ...]  # file, why
    checked: int  # meetings that are not trained on, by which it was seen when to stop
    held_out: int  # meetings that were not looked at before the end
    examples: dict[str, int]  # by kind
    steps: int
    seconds: float
    bytes: int
    digest: str
    gains: dict[
        str, Difference
    ]  # MRR of texts that ask, before and after, by kind; on held-out meetings if there are any

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
        written: whether the texts that ship with askamu are learned from too.

    Raises:
        CannotTune: if the extra is missing, or there is too little to learn from.
        AskamuError: if there are no minutes, or the base can't be opened.
    """
    if any(importlib.util.find_spec(name) is None for name in EXTRA):
        raise CannotTune("tune_extra")
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
        by_hand = [e for file in questions for e in read_questions(file, corpus)]
        for file in sorted(TEXTS.glob("*.jsonl")) if written else ():
            by_hand += add_written(file, corpus)
        examples = _some(examples, max(MOST_MINED, round(MINED * len(by_hand))), recipe.seed) + by_hand
        vectors = _embed(corpus.texts, embedder, out / WORK, progress)
        learner = Learner(folder, prompts, recipe, threads)
        watch = _Test(cut(watched), questions, CHECKED_PASSAGES)
        learned = learner.learn(corpus, vectors, examples, watch.mrr, out / WORK, progress)
        learner.use(learned)
        test = _Test(cut(newest), questions, MEASURED_PASSAGES) if newest else watch
        gains, likeness = test.gains(learner), watch.likeness(learner)
        report = TuneReport(
            out, len(meetings), tuple(failed), len(watched), len(newest),
            dict(Counter(e.kind.value for e in examples)), learned.step, time.perf_counter() - started, 0, "", gains,
        )  # fmt: skip
        made_for = learner.base if base.startswith("st:") else _bundled()
        data = _data(trained, questions, written)
        size, digest = _write(out, learned, recipe, report, made_for, likeness, data)
    shutil.rmtree(out / WORK, ignore_errors=True)
    return TuneReport(**{**{f: getattr(report, f) for f in report.__slots__}, "bytes": size, "digest": digest})


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


def _bundled() -> str:
    from askamu.e5.store import find_source

    return find_source().base


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


class _Test:
    """Texts that ask of meetings that are not trained on, and the passages to find.

    Args:
        passages: the most to find them among; all that answer are among them.
    """

    def __init__(self, corpus: Corpus, questions: Sequence[Path], passages: int) -> None:
        self.corpus = corpus
        chance = random.Random(7)
        mined = [
            Example(rewrite(e.asked, e.kind, chance, corpus.analyser), e.kind, e.answers)
            for e in mine(corpus)
            if e.kind in (Kind.TITLE, Kind.SUMMARY)
        ]
        asked = [e for file in questions for e in read_questions(file, corpus)]
        examples = chance.sample(mined, min(MOST_CHECKED, len(mined))) + asked
        chance.shuffle(examples)
        chosen: set[int] = set()
        self.examples: list[Example] = []
        for example in examples:
            if len(chosen | set(example.answers)) <= passages:
                chosen |= set(example.answers)
                self.examples.append(example)
        rest = sorted(set(range(len(corpus.texts))) - chosen)
        chosen |= set(chance.sample(rest, max(0, min(len(rest), passages - len(chosen)))))
        self.rows = sorted(chosen)

    def mrr(self, learner: Learner) -> float:
        """Of all examples."""
        found = self._ranks(learner, tuned=True)[0]
        return float(reciprocal(found).mean()) if found else 0.0

    def gains(self, learner: Learner) -> dict[str, Difference]:
        """By kind."""
        if not self.examples:
            return {}
        before, after = (self._ranks(learner, tuned=t)[0] for t in (False, True))
        one, other = reciprocal(before), reciprocal(after)
        kinds = np.array([e.kind.value for e in self.examples])
        return {k: difference(one[kinds == k].tolist(), other[kinds == k].tolist()) for k in sorted(set(kinds))}

    def likeness(self, learner: Learner) -> dict[str, tuple[float, float]]:
        """Mean and spread of the likeness of questions to their best passages, before and after."""
        found = {}
        for when, tuned in (("before", False), ("after", True)):
            best = self._ranks(learner, tuned)[1] if self.examples else np.array([0.8, 0.9])
            found[when] = (round(float(best.mean()), 4), round(max(float(best.std()), 0.01), 4))
        return found

    def _ranks(self, learner: Learner, tuned: bool) -> tuple[list[int], Vectors]:
        """Of the examples, and the likeness of their best passages."""
        if not self.examples:
            return [], np.zeros(0, dtype=np.float32)
        asked = learner.vectors([e.asked for e in self.examples], tuned=tuned)
        vectors = np.zeros((len(self.corpus.texts), asked.shape[1]), dtype=np.float32)
        texts = [self.corpus.texts[row] for row in self.rows]
        vectors[self.rows] = learner.vectors(texts, passages=True, tuned=tuned)
        likeness: Vectors = (asked @ vectors[self.rows].T).max(axis=1)
        return ranks(asked, vectors, self.corpus, self.examples), likeness


def _data(trained: Sequence[Minutes], questions: Sequence[Path], written: bool) -> dict[str, str]:
    """What was learned from: name -> how much, and a digest."""
    found = {}
    for municipality in sorted({m.municipality or "?" for m in trained}):
        some = [m for m in trained if (m.municipality or "?") == municipality]
        days = sorted(m.held_on.isoformat() for m in some if m.held_on)
        digest = hashlib.sha256("\0".join(m.text for m in some).encode()).hexdigest()
        period = f", {days[0]} to {days[-1]}" if days else ""
        found[municipality] = f"{len(some)} meetings{period}, SHA-256 of their texts {digest[:16]}"
    for file in [*questions, *(sorted(TEXTS.glob("*.jsonl")) if written else ())]:
        content = file.read_bytes()
        lines = len(content.splitlines())
        found[file.name] = f"{lines} lines, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}"
    return found


def _write(
    out: Path,
    learned: Learned,
    recipe: Recipe,
    report: TuneReport,
    base: str,
    likeness: dict[str, tuple[float, float]],
    data: dict[str, str],
) -> tuple[int, str]:
    """Write the folder's files; `askamu.json` last, since it vouches for the others. Returns size and digest."""
    from safetensors.numpy import save

    tensors = save({name: np.ascontiguousarray(value.astype(np.float16)) for name, value in learned.tensors.items()})
    settings = {k: sorted(v) if isinstance(v, set) else v for k, v in learned.config.items()}
    settings |= {"base_model_name_or_path": base, "inference_mode": True}
    config = json.dumps(settings, indent=1, default=str).encode()
    sha256 = digest_of(config, tensors)
    about: dict[str, Any] = {
        "format": FORMAT,
        "base": base,
        "sha256": sha256,
        "likeness": likeness,
        "made_by": f"askamu {metadata.version('askamu')}",
        "made_on": datetime.now(UTC).date().isoformat(),
        "data": data,
        "recipe": asdict(recipe),
        "meetings": report.meetings - report.held_out - report.checked,
        "checked": report.checked,
        "held_out": report.held_out,
        "examples": report.examples,
        "steps": report.steps,
        "seconds": round(report.seconds),
        "mrr": {kind: {k: round(v, 4) for k, v in asdict(gain).items()} for kind, gain in report.gains.items()},
    }
    (out / ABOUT).unlink(missing_ok=True)
    for name, content in (
        (TENSORS, tensors),
        (CONFIG, config),
        ("README.md", _card(about).encode()),
        (ABOUT, json.dumps(about, indent=1).encode()),
    ):
        (out / name).write_bytes(content)
    return len(tensors), sha256[:8]


def _card(about: dict[str, Any]) -> str:
    """The model card."""
    rows = "\n".join(
        f"| {kind} | {d['n']} | {d['before']:.3f} | {d['after']:.3f} | "
        f"{d['after'] - d['before']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}] |"
        for kind, d in about["mrr"].items()
    )
    values = {k: v for k, v in about.items() if not isinstance(v, dict)} | {
        "rows": rows,
        "recipe": ", ".join(f"{name} {value}" for name, value in about["recipe"].items()),
        "kinds": ", ".join(f"{n} {kind}" for kind, n in about["examples"].items()),
        "where": "held-out" if about["held_out"] else "checked",
        "data": "\n".join(f"- {name}: {told}" for name, told in about["data"].items()),
    }
    return Template(CARD.read_text(encoding="utf-8")).substitute(values)
