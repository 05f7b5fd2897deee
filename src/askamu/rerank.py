"""Ranked items -> the first of them in another order, by a model that reads question and passage together.

Off unless ASKAMU_RERANKER names a cross-encoder. It has a time for each question; what it does not reach keeps its
place. docs/embedders.md says what it brings.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from askamu.embed import Torch, clean
from askamu.errors import BadSetting, RerankerUnavailable

if TYPE_CHECKING:
    from askamu.passage import Hit

WEIGHT = 0.5  # of the reranker's score beside retrieval's
PAIRS = 8  # most that are read at a time

Scores = NDArray[np.float32]


class Reranker(Protocol):
    """What tells how well passages answer a question. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The value of ASKAMU_RERANKER that opens it."""

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """For each text between 0 (no answer) and 1."""


class CrossEncoder:
    """A cross-encoder of sentence-transformers with one score, by name or folder."""

    def __init__(self, model: str, torch: Torch) -> None:
        """
        Raises:
            RerankerUnavailable: if the library is missing, or the model is, or it has no trained head with one score:
                on a plain encoder the library would put one drawn at random.
        """
        self.name = f"st:{model}"
        if importlib.util.find_spec("sentence_transformers") is None:
            raise RerankerUnavailable(self.name, "pip install 'askamu[st]'")
        import sentence_transformers
        from torch.nn import Sigmoid  # type: ignore[import-not-found,unused-ignore]
        from transformers import AutoConfig

        try:
            config = AutoConfig.from_pretrained(model)
            if not any(a.endswith("ForSequenceClassification") for a in config.architectures or ()):
                raise ValueError("it is no cross-encoder")
            if config.num_labels != 1:
                raise ValueError(f"it has {config.num_labels} scores and not one")
            self._model: Any = sentence_transformers.CrossEncoder(model, **torch.arguments())
        except (OSError, ValueError, RuntimeError, AssertionError, KeyError) as error:
            raise RerankerUnavailable(self.name, " ".join(str(error).split())[:300]) from error
        self._activation = Sigmoid()  # whatever it was saved with, so that scores lie between 0 and 1
        self._lock = threading.Lock()  # tokenizers change state when they truncate

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        pairs = [(clean(question), clean(t)) for t in texts]
        with self._lock:
            found = self._model.predict(
                pairs, batch_size=PAIRS, activation_fn=self._activation, show_progress_bar=False
            )
        scores: Scores = np.asarray(found, dtype=np.float32)
        return scores


def open_reranker(setting: str, torch: Torch) -> Reranker:
    """The reranker that ASKAMU_RERANKER names.

    Raises:
        RerankerUnavailable: the message says why.
        BadSetting: if there is no such kind.
    """
    kind, _, model = setting.partition(":")
    if kind != "st" or not model:
        raise BadSetting(f"ASKAMU_RERANKER can't be »{setting}«. Known: st:NAME-OR-FOLDER; empty for none.")
    return CrossEncoder(model, torch)


class _Ranked(Protocol):
    """An item as retrieval ranks it (retrieve.ItemHit)."""

    @property
    def score(self) -> float: ...
    @property
    def hits(self) -> tuple[Hit, ...]: ...


_Item = TypeVar("_Item", bound=_Ranked)


def rerank(
    items: Sequence[_Item], question: str, reranker: Reranker, top: int, budget_ms: float
) -> tuple[list[_Item], int]:
    """Put the first items in order by the mean of retrieval's score and the reranker's on their best passage.

    One pair is read to see what it takes, then as many at a time as fit into what is left. The scores that retrieval
    gave stay with the places: what is decided by them later (is the next one nearly as good?) keeps its meaning.

    Args:
        top: how many items may change their places.
        budget_ms: its time; overrun by no more than a misjudged batch.

    Returns:
        All items, and how many of them were read.

    Raises:
        RerankerUnavailable: if the model fails.
    """
    asked = [i.hits[0].passage.indexed_text for i in items[:top] if i.hits]
    started = time.perf_counter()
    found: list[float] = []
    room = 1
    while room > 0 and len(found) < len(asked):
        batch = asked[len(found) : len(found) + room]
        try:
            scores = reranker.scores(question, batch)
        except Exception as error:  # torch's and a model's own errors have no common base
            raise RerankerUnavailable(reranker.name, f"{type(error).__name__}: {error}"[:300]) from error
        if len(scores) != len(batch) or not np.isfinite(scores).all():
            raise RerankerUnavailable(reranker.name, "no score for each passage")
        found += map(float, scores)
        spent = 1000 * (time.perf_counter() - started)
        room = min(PAIRS, int((budget_ms - spent) / (spent / len(found))))
    if len(found) < 2:
        return list(items), len(found)
    read = items[: len(found)]
    mixed = [(1 - WEIGHT) * item.score + WEIGHT * score for item, score in zip(read, found, strict=True)]
    order = sorted(range(len(read)), key=lambda n: -mixed[n])
    moved = [replace(read[n], score=place.score) for n, place in zip(order, read, strict=True)]  # type: ignore[type-var]
    return [*moved, *items[len(found) :]], len(found)
