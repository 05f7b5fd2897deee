"""How much must speak for an answer before one is given: two limits, as they come or calibrated for an index.

A calibration lies beside the index it was made for and counts for the model that it was made with only; the index
stays as it was, and deleting the file takes it back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from askamu.embed import Embedder, log
from askamu.errors import IndexNotWritable

FILE = "abstention.json"
FORMAT = 1
# Both of an untuned multilingual-e5-small's; set by hand on development questions (docs/decisions.md, "Abstention").
COVERED = 0.22
COSINE, COSINE_ENGLISH = 0.845, 0.80


@dataclass(frozen=True, slots=True)
class Limits:
    """Where both fail, the minutes are taken not to treat the matter."""

    covered: float  # share of the question's telling words that the best item must hold, by weight
    cosine: float  # how near the best passage must be
    cosine_english: float  # the same for English questions

    def fail(self, covered: float, cosine: float, language: str) -> bool:
        return covered < self.covered and cosine < (self.cosine if language == "da" else self.cosine_english)


NO_LIMITS = Limits(0.0, 0.0, 0.0)
NO_ANSWER = Limits(2.0, 2.0, 2.0)  # above all shares and cosines


def usual(embedder: Embedder) -> Limits:
    """The limits that come with askamu, for a model's cosines."""
    return Limits(COVERED, embedder.cosine_limit(COSINE), embedder.cosine_limit(COSINE_ENGLISH))


def limits_of(folder: Path, embedder: Embedder) -> Limits:
    """The limits calibrated for an index and this model; where there are none, those that come with askamu."""
    try:
        kept = json.loads((folder / FILE).read_bytes())
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']}")
        if kept["model"] == embedder.model_id:
            values = {name: float(kept["limits"][name]) for name in Limits.__dataclass_fields__}
            if not all(map(math.isfinite, values.values())):
                raise ValueError("not finite")
            return Limits(**values)
        log.warning("%s was made with %s and is left out", folder / FILE, kept["model"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        log.warning("%s can't be read and is left out: %s", folder / FILE, error)
    return usual(embedder)


def keep_limits(folder: Path, embedder: Embedder, limits: Limits, told: Mapping[str, Any]) -> Path:
    """Write the limits beside an index, whole or not at all.

    Args:
        told: what they were calibrated on, and what they bring; for people.

    Raises:
        IndexNotWritable: if the folder can't be written.
    """
    content = {"format": FORMAT, "model": embedder.model_id, "limits": asdict(limits), **told}
    beside = folder / f"{FILE}.new"
    try:
        beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        beside.replace(folder / FILE)
    except OSError as error:
        raise IndexNotWritable(folder, str(error.strerror or error)) from error
    return folder / FILE
