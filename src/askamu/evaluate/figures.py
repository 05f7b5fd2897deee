"""The scores of all questions -> figures with intervals, by type, language and document; and two runs compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from askamu.bootstrap import Difference, Mean, difference, mean
from askamu.errors import BadRun
from askamu.evaluate.gold import GoldQuestion
from askamu.evaluate.score import CLOSED, METRICS, Scored

if TYPE_CHECKING:
    from askamu.evaluate.llm import ModelFigures

FORMAT = 1
BY: dict[str, Callable[[GoldQuestion], str]] = {
    "type": lambda q: q.type,
    "language": lambda q: q.language,
    "document": lambda q: q.document or "–",
}


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well questions that the minutes don't answer are told from those they do."""

    said: int  # answers that say that the minutes do not tell
    due: int  # questions of which that is true
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.due if self.due else 0.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run."""

    questions: int
    metrics: dict[str, Mean]
    groups: dict[str, dict[str, dict[str, Mean]]]  # "type", "language" or "document" -> its value -> metric
    abstention: Abstention
    latency_ms: tuple[float, float]  # median and 95th percentile


def figures(questions: Sequence[GoldQuestion], scores: Sequence[Scored]) -> Figures:
    """The figures of a run; `scores` are those of the questions, in their order."""
    pairs = list(zip(questions, scores, strict=True))
    groups: dict[str, dict[str, dict[str, Mean]]] = {}
    for name, value in BY.items():
        members: dict[str, list[Scored]] = {}
        for question, scored in pairs:
            members.setdefault(value(question), []).append(scored)
        groups[name] = {v: _means([s.metrics for s in some]) for v, some in sorted(members.items())}
    told = [(not q.answerable, bool(s.answer and s.answer.abstained)) for q, s in pairs if q.type != CLOSED]
    abstention = Abstention(sum(a for _, a in told), sum(d for d, _ in told), sum(d and a for d, a in told))
    latency = usual_and_slow([s.answer.timings_ms.get("total") for s in scores if s.answer]) or (0.0, 0.0)
    return Figures(len(pairs), _means([s.metrics for s in scores]), groups, abstention, latency)


def usual_and_slow(values: Iterable[float | None]) -> tuple[float, float] | None:
    """The median and the 95th percentile of those that are known; None where none is."""
    known = sorted(v for v in values if v is not None)
    return (known[len(known) // 2], known[min(len(known) - 1, int(0.95 * len(known)))]) if known else None


def _means(some: Sequence[Mapping[str, float]]) -> dict[str, Mean]:
    return {m: mean([s[m] for s in some if m in s]) for m in METRICS if any(m in s for s in some)}


def as_run(
    questions: Sequence[GoldQuestion],
    scores: Sequence[Scored],
    found: Figures,
    embedder: str,
    llm: ModelFigures | None = None,
) -> dict[str, Any]:
    """A run as it is kept in a file: its figures, and the metrics of each question for a comparison.

    Args:
        llm: what is known of the language model's part, where there was one.
    """
    run = {
        "format": FORMAT,
        "embedder": embedder,
        "questions": {
            q.id: {"type": q.type, "misses": list(s.misses), "metrics": {k: round(v, 4) for k, v in s.metrics.items()}}
            for q, s in zip(questions, scores, strict=True)
        },
        "metrics": {k: asdict(v) for k, v in found.metrics.items()},
        "abstention": asdict(found.abstention)
        | {"precision": found.abstention.precision, "recall": found.abstention.recall, "f1": found.abstention.f1},
        "latency_ms": list(found.latency_ms),
    }
    return run | ({"llm": asdict(llm)} if llm else {})


def read_run(file: Path) -> dict[str, dict[str, float]]:
    """The metrics of each question of a run that was kept, by its id.

    Raises:
        BadRun: if it can't be read or is of another form.
    """
    try:
        kept = json.loads(file.read_bytes())
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']}")
        return {str(id): {str(m): float(v) for m, v in q["metrics"].items()} for id, q in kept["questions"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRun(file, error) from error


def compare(before: Mapping[str, Mapping[str, float]], scores: Sequence[Scored]) -> dict[str, Difference]:
    """What changed since another run, on the questions that both have, by metric."""
    found = {}
    for metric in METRICS:
        both = [(before[s.id][metric], s.metrics[metric]) for s in scores
                if metric in s.metrics and metric in before.get(s.id, {})]  # fmt: skip
        if both:
            one, other = zip(*both, strict=True)
            found[metric] = difference(one, other)
    return found
