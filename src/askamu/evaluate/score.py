"""One answer against its gold -> metrics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from askamu.evaluate.gold import GoldQuestion
from askamu.passage import Answer, Citation

SHOWN = 2_500  # characters that a reader is taken to read: the answer, then its quotes
DEEPEST = 10  # of the ranking
SEVERAL = frozenset({"timeline", "compare", "case_number", "listing"})  # types that several items answer together
CLOSED = "closed"  # of this type the answer says that it is closed; neither an abstention nor one that lacks
METRICS = (
    "hit@1", "hit@3", "hit@5", "mrr@10", "recall@10", "fact_recall", "full_answer", "citation_precision",
    "citation_recall", "quote_exact", "figures_cited", "none_forbidden", "answered", "abstained",
)  # fmt: skip
_NUMBER = re.compile(r"(?<![\w.,])[-−–]?\d+(?:[.,]\d+)*")
_SAME = {
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    **dict.fromkeys(map(ord, "’‘"), "'"),
    **dict.fromkeys(map(ord, "”“„»«"), '"'),
}

Stored = Callable[[Citation], str | None]  # what the document holds where a citation says that it stands


@dataclass(frozen=True, slots=True)
class Scored:
    """An answer's metrics, each from 0 to 1, and what it lacks."""

    id: str
    metrics: dict[str, float]
    misses: tuple[str, ...]  # "not_retrieved", "abstained", "answered_unanswerable", "lacks", "forbidden", …
    lacks: tuple[str, ...] = ()  # facts that it does not tell
    answer: Answer | None = field(default=None, repr=False)


def score(question: GoldQuestion, answer: Answer, stored: Stored) -> Scored:
    """The metrics that apply to a question, by name (`METRICS`)."""
    metrics: dict[str, float] = {}
    misses: list[str] = []
    if answer.citations:
        metrics["quote_exact"] = _share([stored(c) == c.quote for c in answer.citations])
        figures = _figures_cited(answer)
        if figures is not None:
            metrics["figures_cited"] = figures
    if question.forbidden:
        metrics["none_forbidden"] = float(not any(plain(s) in plain(answer.text) for s in question.forbidden))
    if not question.answerable:
        metrics["abstained"] = float(answer.abstained)
        misses += [] if answer.abstained else ["answered_unanswerable"]
        return Scored(question.id, metrics, (*misses, *_faults(metrics)), answer=answer)
    metrics["answered"] = float(not answer.abstained)
    ranked = list(dict.fromkeys((r.source, r.item) for r in answer.retrieved))
    found = [any(g.is_at(*place) for g in question.gold) for place in ranked]
    rank = found.index(True) + 1 if True in found else None
    metrics |= {f"hit@{k}": float(rank is not None and rank <= k) for k in (1, 3, 5)}
    metrics["mrr@10"] = 1 / rank if rank is not None and rank <= DEEPEST else 0.0
    cited = [] if answer.abstained else [(c.source, c.item) for c in answer.citations]
    if not answer.abstained:
        metrics["citation_precision"] = _share([any(g.is_at(*p) for g in question.gold) for p in cited])
    needed = [g for g in question.gold if not g.alternative]
    if needed:
        metrics["citation_recall"] = _share([any(g.is_at(*p) for p in cited) for g in needed])
        if question.type in SEVERAL:
            in_reach = [any(g.is_at(*p) for p in ranked[:DEEPEST]) for g in needed]
            metrics["recall@10"] = sum(in_reach) / min(len(needed), DEEPEST)
    lacks: tuple[str, ...] = ()
    if question.facts:
        shown = shown_text(answer)
        told = [not answer.abstained and any(_stands_in(w, shown) for w in wordings) for wordings in question.facts]
        metrics["fact_recall"] = _share(told)
        metrics["full_answer"] = float(all(told))
        lacks = tuple(w[0] for w, there in zip(question.facts, told, strict=True) if not there)
    if rank is None or rank > 5:
        misses.append("not_retrieved")
    if answer.abstained:
        misses.append("abstained")
    elif lacks:
        misses.append("lacks")
    return Scored(question.id, metrics, (*misses, *_faults(metrics)), lacks, answer)


def plain(text: str) -> str:
    """The form in which answers and wordings are compared: one kind of space, dash and quotation mark, lower case."""
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("**", "").translate(_SAME)
    return re.sub(r"\s+", " ", text).strip().lower()


def shown_text(answer: Answer) -> str:
    """What a reader is taken to read, in the plain form."""
    return plain(" ".join([answer.text, *(c.quote for c in answer.citations)]))[:SHOWN]


def _stands_in(wording: str, shown: str) -> bool:
    """A line-end hyphen may be kept or closed up."""
    wording = plain(wording)
    return any(wording in s for s in (shown, shown.replace("- ", "-"), shown.replace("- ", "")))


def _figures_cited(answer: Answer) -> float | None:
    """The share of the answer's figures that its citations hold; None where it has none."""
    if answer.abstained:
        return None
    body = re.sub(r"\[\d+\]", " ", answer.text)
    body = re.sub(r"(?m)^\s*\d+[.)]\s", " ", body)  # the number of a list's line is no figure
    named = " ".join(
        f"{c.quote} {c.held_on or ''} {c.item} {c.title} {c.case_number or ''} {c.date_text}" for c in answer.citations
    )
    known = {_digits(n) for n in _NUMBER.findall(plain(named))} | set(re.findall(r"\d+", named))
    figures = [_digits(n) for n in _NUMBER.findall(plain(body))]
    return _share([n in known for n in figures]) if figures else None


def _digits(figure: str) -> str:
    return re.sub(r"\D", "", figure)


def _faults(metrics: dict[str, float]) -> list[str]:
    return [m for m in ("quote_exact", "figures_cited", "none_forbidden") if metrics.get(m, 1.0) < 1]


def _share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
