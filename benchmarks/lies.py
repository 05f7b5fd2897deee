"""How much of what lying models say reaches the reader: python benchmarks/lies.py

Asks every question of every liar (tests/helpers_liars.py), by turns alone and among sound sentences, and prints for
each kind of lie how often it was told, how often it reached the reader, how often the judges (helpers_oracles.py) found
something, how often the answer without the model was shown instead, and how many of the sound sentences beside a
lie were kept. What is "hard" leaves every word true, and is not promised.
`--share 3` asks three liars a question, in turn; `--show` prints what came through.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from helpers_leash import Case, Leash, amid, leashed, shares  # noqa: E402
from helpers_liars import HARD, LIARS  # noqa: E402

from askamu.config import settings  # noqa: E402
from askamu.ingest import ingest  # noqa: E402

QUIET = 20  # questions between two lines of progress


def asked(leash: Leash, rows: list[dict[str, Any]], each: int, seed: int) -> Iterator[Case]:
    every = [*LIARS.items(), *HARD.items()]
    names = [name for name, _ in every[seed % len(every) :] + every[: seed % len(every)]]
    both = LIARS | HARD
    for n, (row, mine) in enumerate(zip(rows, shares(names, len(rows), min(each, len(names))), strict=True)):
        for k, name in enumerate(mine):
            liar = both[name].seeded(seed)
            kind = liar.kind + (" (hard)" if name in HARD else "")
            yield leash.ask(row, amid(liar) if (n + k) % 2 else liar, name, kind)
        leash.done.clear()
        if n % QUIET == QUIET - 1:
            print(f"{n + 1} of {len(rows)} questions", file=sys.stderr)


def count(case: Case) -> Counter[str]:
    found = Counter(asked=1, told=case.told, reached=case.told and bool(case.reached), judged=bool(case.wrong))
    checked = case.answer.verification is not None
    if case.told:
        found += Counter(fallback=checked and not case.shown, shown=case.shown)
    if case.told and case.shown:
        beside = len(case.replies[0].keeps)
        found += Counter(beside=beside, kept=beside - len(case.lost))
    return found


def table(counts: dict[str, Counter[str]]) -> str:
    """In Markdown, a line a kind."""
    heads = ("lies", "asked", "told", "reached the reader", "found by the judges", "answer without the model",
             "in its words", "sound sentences kept")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    easy = {kind: c for kind, c in counts.items() if "(hard)" not in kind}
    hard = {kind: c for kind, c in counts.items() if kind not in easy}
    total: Counter[str] = sum(easy.values(), Counter())
    for kind, c in [*sorted(easy.items()), ("**all**", total), *sorted(hard.items())]:
        kept = f"{c['kept']} of {c['beside']}" if c["beside"] else "–"
        cells = [kind, *(str(c[name]) for name in ("asked", "told", "reached", "judged", "fallback", "shown")), kept]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=ROOT / "benchmarks" / "questions.jsonl")
    parser.add_argument("--minutes", type=Path, default=ROOT / "seeds", help="what the questions are about")
    parser.add_argument("--index", type=Path, help="an index of them; built for the run where none is named")
    parser.add_argument("--share", type=int, default=len(LIARS) + len(HARD), help="liars a question; default: all")
    parser.add_argument("--seed", type=int, default=0, help="what the liars pick, and which come first")
    parser.add_argument("--show", action="store_true", help="print the sentences that came through")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines()]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        index = given.index or Path(folder) / "index"
        if given.index is None:
            ingest([given.minutes], settings(index=index))
        with leashed(index) as leash:
            leash.server.quiet()
            for case in asked(leash, rows, given.share, given.seed):
                counts[case.kind] += count(case)
                if given.show and (case.reached or case.wrong):
                    print(f"{case.reached} {case.wrong} {case}", file=sys.stderr)
    print(table(counts))
    answers = sum(c["asked"] for c in counts.values())
    print(f"\n{len(rows)} questions, {answers} answers, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
