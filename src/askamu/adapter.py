"""Reading an adapter: low-rank changes to an embedder's matrices.

A folder as PEFT writes it (`adapter_config.json`, `adapter_model.safetensors`), with `askamu.json` beside them: the
base it was trained on, a digest of the tensors, and how it came to be. The one in `adapters/` ships with askamu;
`askamu tune` makes others. With it the model is another one: its id carries the digest, and an index keeps to the
adapter that it was built with.

Source: Hu et al. 2021 (LoRA).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askamu.errors import AdapterUnusable

FORMAT = 1
SHIPPED = Path(__file__).parent / "adapters" / "minutes"
TENSORS, CONFIG, ABOUT = "adapter_model.safetensors", "adapter_config.json", "askamu.json"
MOST_BYTES = 200_000_000
MOST_VALUES = 100_000_000  # of one matrix
_PREFIX = "base_model.model."

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A checked adapter."""

    folder: Path
    base: str  # what it was trained on, "e5-small 1571fc982750"
    digest: str  # of its tensors: eight signs of the SHA-256
    before: tuple[float, float]  # mean and spread of questions' likeness to their best passages without it
    after: tuple[float, float]  # and with it
    rank: int
    scale: float
    data: bytes = field(repr=False)  # of the file of tensors

    def changes(self) -> dict[str, Floats]:
        """What is added to each module's matrix, (out, in), by the module's name.

        »encoder.layer.0.attention.self.query« is changed by its lora_B.weight, (out, rank), times its lora_A.weight,
        (rank, in), times the scale.

        Raises:
            AdapterUnusable: if the tensors are no such pairs of finite numbers.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = {n.removeprefix(_PREFIX): t.astype(np.float32) for n, t in load(self.data).items()}
            modules = [name.removesuffix(".lora_A.weight") for name in tensors if name.endswith(".lora_A.weight")]
            if not modules or len(tensors) != 2 * len(modules):
                raise ValueError("no pairs")
            changes = {}
            for module in modules:
                down, up = tensors[f"{module}.lora_A.weight"], tensors[f"{module}.lora_B.weight"]
                if down.ndim != 2 or up.ndim != 2 or down.shape[0] != self.rank:
                    raise ValueError(module)
                if len(up) * down.shape[1] > MOST_VALUES:
                    raise ValueError(module)
                change: Floats = up @ down * np.float32(self.scale)
                if not np.isfinite(change).all():
                    raise ValueError(module)
                changes[module] = change
        except (SafetensorError, ValueError, KeyError) as error:
            raise self.unfit() from error
        return changes

    def cosine_limit(self, limit: float) -> float:
        """What a limit on cosines without it is with it: as many spreads from the mean."""
        return self.after[0] + (limit - self.before[0]) / self.before[1] * self.after[1]

    def unfit(self) -> AdapterUnusable:
        """The error of one that does not fit the model that it says it is for."""
        return AdapterUnusable("adapter_damaged", self.folder, file=TENSORS)


def read_adapter(folder: Path, base: str) -> Adapter:
    """Read an adapter and check that it is whole; its tensors are read where they are needed (`Adapter.changes`).

    Args:
        base: the model that it is to change, as `Adapter.base` names it.

    Raises:
        AdapterUnusable: if it is missing, damaged, of another version, or for another base; the message says which.
    """
    if not (folder / ABOUT).is_file():
        raise AdapterUnusable("adapter_missing", folder)
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_bytes())
        version, trained_on = about["format"], str(about["base"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterUnusable("adapter_damaged", folder, file=ABOUT) from error
    if version != FORMAT:
        raise AdapterUnusable("adapter_version", folder, version=version, known=FORMAT)
    if trained_on != base:
        raise AdapterUnusable("adapter_base", folder, trained_on=trained_on, base=base)
    try:
        if (folder / TENSORS).stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        told, data = (folder / CONFIG).read_bytes(), (folder / TENSORS).read_bytes()
        if digest_of(told, data) != about["sha256"]:
            raise ValueError("its SHA-256 is another")
        config: dict[str, Any] = json.loads(told)
        rank = int(config["r"])
        scale = float(config["lora_alpha"]) / rank
        before, after = (_measured(about["likeness"][when]) for when in ("before", "after"))
        if not math.isfinite(scale):
            raise ValueError("its scale")
        return Adapter(folder, trained_on, about["sha256"][:8], before, after, rank, scale, data)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise AdapterUnusable("adapter_damaged", folder, file=TENSORS) from error


def _measured(given: Any) -> tuple[float, float]:
    mean, spread = map(float, given)
    if not (-1 <= mean <= 1 and 0.001 < spread <= 1):
        raise ValueError("its likeness")
    return mean, spread


def digest_of(config: bytes, tensors: bytes) -> str:
    """The SHA-256 of all that sets the vectors."""
    return hashlib.sha256(hashlib.sha256(config).digest() + hashlib.sha256(tensors).digest()).hexdigest()
