"""Passages' vectors: from the record's cache, else computed while the caller goes on with other work."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType

import numpy as np

from askamu.embed import Embedder, Progress, Vectors, cache_key, silent
from askamu.endpoint import Endpoint
from askamu.record import Record

BATCH = 64  # texts embedded between two commits of the cache, where the embedder does not say (`at_once`)
WAITING = 32  # batches that may wait for the embedder before `add` waits too


class Embedding:
    """Embeds passages in a thread of its own, each distinct text once, and only those that the record has no vector of.

    Every batch is stored as soon as it is there, so a killed ingest keeps what it has paid for. The record is only
    touched by the caller's thread.
    """

    def __init__(self, embedder: Embedder, record: Record, progress: Progress = silent) -> None:
        self._embedder, self._record, self._progress = embedder, record, progress
        self._batch: int = getattr(embedder, "at_once", BATCH)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._waiting: deque[tuple[tuple[str, ...], Future[tuple[Vectors, float]]]] = deque()
        self._asked: set[str] = set()
        self._rest: dict[str, str] = {}  # texts that are no full batch yet
        self._failed: BaseException | None = None  # what ends the run: no further batch is begun
        self.computed = 0  # distinct texts that were not in the cache
        self.seconds = 0.0  # that the embedder worked

    def __enter__(self) -> Embedding:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
        for keys, future in self._waiting:
            if not future.cancelled() and future.exception() is None:
                self._keep(keys, future)  # what is paid for, though the run ends
        self._waiting.clear()

    def add(self, texts: Sequence[str]) -> None:
        """Take in passages. Waits where the embedder is far behind."""
        self._take({cache_key(self._embedder.model_id, t): t for t in texts})

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, float32 of shape (len(texts), dim), rows of length 1, in their order.

        Raises:
            Whatever the embedder raises; what was embedded before it is stored.
        """
        keys = [cache_key(self._embedder.model_id, t) for t in texts]
        found = self._take(dict(zip(keys, texts, strict=True)))
        self.finish()
        found |= self._record.embeddings(self._embedder.model_id, (k for k in keys if k not in found))
        if not texts:
            return np.zeros((0, self._embedder.dim), dtype=np.float32)
        return np.stack([found[key] for key in keys])

    def _take(self, texts: Mapping[str, str]) -> dict[str, Vectors]:
        """Send to the embedder what was not asked for before and has no vector; returns those vectors there are."""
        new = {key: text for key, text in texts.items() if key not in self._asked}
        known = self._record.embeddings(self._embedder.model_id, new)
        if known and isinstance(self._embedder, Endpoint):
            self._embedder.expect(len(next(iter(known.values()))))  # and need not be asked where all is known
        self._asked.update(new)
        self._rest.update((key, text) for key, text in new.items() if key not in known)
        if len(known) < len(new):
            self._progress("embed", self.computed, self._total)
        while len(self._rest) >= self._batch:
            self._send(dict(islice(self._rest.items(), self._batch)))
        self._store(most=WAITING)
        return known

    def finish(self) -> None:
        """Wait until all passages have a vector in the record.

        Raises:
            Whatever the embedder raises; what was embedded before it is stored.
        """
        if self._rest:
            self._send(self._rest)
        self._store(most=0)

    @property
    def _total(self) -> int:
        return self.computed + len(self._rest) + sum(len(keys) for keys, _ in self._waiting)

    def _send(self, batch: Mapping[str, str]) -> None:
        self._waiting.append((tuple(batch), self._thread.submit(self._embed, list(batch.values()))))
        for key in list(batch):
            del self._rest[key]

    def _embed(self, texts: list[str]) -> tuple[Vectors, float]:
        if self._failed is not None:
            raise self._failed
        started = time.perf_counter()
        try:
            return self._embedder.embed_passages(texts), time.perf_counter() - started
        except BaseException as error:
            self._failed = error
            raise

    def _store(self, most: int) -> None:
        """Store what is ready, and wait until no more than `most` batches are not."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0][1].done()):
            self._waiting[0][1].result()  # raises here what the embedder raised
            self._keep(*self._waiting.popleft())
            self._progress("embed", self.computed, self._total)

    def _keep(self, keys: tuple[str, ...], future: Future[tuple[Vectors, float]]) -> None:
        vectors, seconds = future.result()
        self._record.store_embeddings(self._embedder.model_id, dict(zip(keys, vectors, strict=True)))
        self.computed += len(keys)
        self.seconds += seconds
