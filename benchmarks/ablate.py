"""What each ingredient of `askamu tune` brings: python benchmarks/ablate.py MINUTES... --out FOLDER [--only NAME...]

Trains an adapter for each variant (fewer passes than the one that ships, so that a variant takes minutes), and prints
the mean reciprocal rank on the newest meetings, which none is trained on, before and after. Variants that are there
already in the folder are not trained again. `data-N` learn from N meetings only, in as many steps as the whole: the
learning curve.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path
from typing import Any

from askamu.adapter import ABOUT
from askamu.ingest import find
from askamu.tune.run import tune

HERE = Path(__file__).parent
HELD_OUT = 40
WATCHED = 16  # meetings that decide when to stop, in every variant the same
PASSES = 0.5
MEASURED_PASSAGES = 4_000
QUESTIONS = (HERE / "adapter" / "greve.jsonl",)
VARIANTS: dict[str, dict[str, Any]] = {
    "whole": {},
    "no-keeping": {"changes": {"keep": 0.0}},
    "kept-closer": {"changes": {"keep": 3.0}},
    "no-hard-negatives": {"changes": {"hard": 0.0}},
    "false-negatives-not-masked": {"changes": {"alike": 9.0}},
    "no-rewriting": {"changes": {"rewriting": False}},
    "no-naming": {"changes": {"naming": False}},
    "mined-only": {"written": False, "questions": ()},
    "no-questions-on-these-minutes": {"questions": ()},
    "rank-4": {"changes": {"rank": 4}},
    "rank-28": {"changes": {"rank": 28}},
    "twice-the-passes": {"changes": {"passes": 2 * PASSES}},
    "seed-2": {"changes": {"seed": 2}},
    "data-10": {"meetings": 10, "changes": {"passes": 0.88}},  # about as many steps as the whole takes
    "data-35": {"meetings": 35, "changes": {"passes": 0.77}},
    "data-70": {"meetings": 70, "changes": {"passes": 0.65}},
}


def day(path: Path) -> str:
    """Of a file whose name holds its date; the files of the benchmark do."""
    found = re.search(r"\d{4}-\d\d-\d\d", path.name)
    return found[0] if found else ""


def chosen(files: list[Path], meetings: int | None) -> list[Path]:
    if meetings is None:
        return files
    ordered = sorted(files, key=lambda f: (day(f), f.name))
    cut = len(ordered) - HELD_OUT - WATCHED
    return [*random.Random(1).sample(ordered[:cut], meetings), *ordered[cut:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    files = find(given.minutes)[0]
    for name in given.only:
        variant = dict(VARIANTS[name])
        place = given.out / name
        started = time.perf_counter()
        if not (place / ABOUT).is_file():
            tune(
                chosen(files, variant.pop("meetings", None)), place, held_out=HELD_OUT, checked=WATCHED,
                measured=MEASURED_PASSAGES, threads=given.threads,
                questions=variant.pop("questions", QUESTIONS),
                changes={"passes": PASSES} | variant.pop("changes", {}), **variant,
            )  # fmt: skip
        about = json.loads((place / ABOUT).read_bytes())
        told = ", ".join(
            f"{kind} {d['before']:.3f} -> {d['after']:.3f} ({d['after'] - d['before']:+.3f} "
            f"[{d['low']:+.3f}, {d['high']:+.3f}], n={d['n']})"
            for kind, d in about["mrr"].items()
        )
        print(f"{name:32s} {time.perf_counter() - started:5.0f} s  {about['steps']:4d} steps  {told}", flush=True)


if __name__ == "__main__":
    main()
