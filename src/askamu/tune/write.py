"""What `askamu tune` writes: the adapter's files, and a model card that says what it was made of and what it brings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from askamu.adapter import ABOUT, CONFIG, FORMAT, TENSORS, digest_of
from askamu.minutes import Minutes

if TYPE_CHECKING:
    from askamu.tune.learn import Learned, Recipe

CARD = Path(__file__).parent / "card.md"


def data_of(trained: Sequence[Minutes], files: Sequence[Path]) -> dict[str, str]:
    """What was learned from, minutes and files of questions: name -> how much, and a digest."""
    found = {}
    for municipality in sorted({m.municipality or "?" for m in trained}):
        some = [m for m in trained if (m.municipality or "?") == municipality]
        days = sorted(m.held_on.isoformat() for m in some if m.held_on)
        digest = hashlib.sha256("\0".join(m.text for m in some).encode()).hexdigest()
        period = f", {days[0]} to {days[-1]}" if days else ""
        found[municipality] = f"{len(some)} meetings{period}, SHA-256 of their texts {digest[:16]}"
    for file in files:
        content = file.read_bytes()
        lines = len(content.splitlines())
        found[file.name] = f"{lines} lines, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}"
    return found


def write_adapter(
    out: Path,
    learned: Learned,
    base: str,
    recipe: Recipe,
    likeness: Mapping[str, tuple[float, float]],
    told: Mapping[str, Any],
) -> tuple[int, str]:
    """Write the folder's files; `askamu.json` last, since it vouches for the others.

    Args:
        base: what it changes, as `Adapter.base` names it.
        likeness: "before" and "after" -> mean and spread of questions' likeness to their best passages.
        told: what it was made of and what it brings, for the card.

    Returns:
        The size of the tensors in bytes, and the digest.
    """
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
        "recipe": asdict(recipe),
        "steps": learned.step,
        **told,
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
