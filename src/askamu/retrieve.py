"""A question -> the items and passages that may answer it, best first.

Dense and lexical search each name candidates; both scores are then known for all of them, brought to
one scale and averaged (weighted min-max fusion; better here than rank fusion, see
docs/decisions.md). An item is as good as its best passage. A reranker, where one is set, reads the first items again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from askamu.errors import RerankerUnavailable
from askamu.library import Library
from askamu.minutes import SectionKind
from askamu.passage import Hit, Passage
from askamu.question import Question
from askamu.record import MeetingRow
from askamu.rerank import rerank
from askamu.translate import expand

DENSE_CANDIDATES = 80
LEXICAL_CANDIDATES = 300
WIDER = 10  # times as many candidates where only sections of some kinds are wanted
FLOOR_RANK = 50  # the candidate whose score counts as nothing
DENSE_WEIGHT = {"da": 0.5, "en": 0.7}
HINT_BONUS = 0.35  # for an item that the conversation cited last
KEPT_PASSAGES = 60


@dataclass(frozen=True, slots=True)
class ItemHit:
    """An agenda item and its passages that were found, best first."""

    document: str
    item: str
    item_index: int
    score: float
    hits: tuple[Hit, ...]

    @property
    def place(self) -> tuple[str, int]:
        return self.document, self.item_index


@dataclass(frozen=True, slots=True)
class Ranking:
    """What retrieval found, best first, and the raw scores of the best."""

    items: tuple[ItemHit, ...]
    hits: tuple[Hit, ...]
    best_cosine: float
    best_bm25: float
    words_alone: bool = False  # no model was asked, or none answered
    reranker: str | None = None  # that changed the order, or could have


EMPTY = Ranking((), (), 0.0, 0.0)


def retrieve(
    library: Library, question: Question, meetings: Sequence[MeetingRow], sections: Collection[SectionKind] = ()
) -> Ranking:
    """Rank the passages of the given meetings for a question.

    Args:
        sections: only passages of these kinds; () for all.
    """
    if not meetings:
        return EMPTY
    documents = None if len(meetings) == len(library.meetings) else frozenset(m.id for m in meetings)
    vector = library.question_vector(question.search)
    wider = WIDER if sections else 1
    dense = dict(library.current.nearest(vector, DENSE_CANDIDATES * wider, documents)) if vector is not None else {}
    searched = expand(question.search, question.language)
    lexical = dict(library.current.lexical.search(searched, LEXICAL_CANDIDATES * wider, documents))
    pool = list(dict.fromkeys([*dense, *list(lexical)[: DENSE_CANDIDATES * wider]]))
    if sections:
        named = library.record.passages_by_id(library.generation, pool)
        pool = [p for p in pool if p in named and named[p].section in sections]
    if not pool:
        return EMPTY
    unknown = [p for p in pool if p not in dense]
    if unknown and vector is not None:
        cosines = library.current.vectors(unknown) @ vector
        dense |= {p: float(c) for p, c in zip(unknown, cosines, strict=True)}
    cosine = np.array([dense.get(p, 0.0) for p in pool], dtype=np.float64)
    bm25 = np.array([lexical.get(p, 0.0) for p in pool], dtype=np.float64)
    weight = DENSE_WEIGHT[question.language]
    fused = weight * _scaled(cosine) + (1 - weight) * _scaled(bm25)
    passages = library.record.passages_by_id(library.generation, pool)
    hits = sorted(
        (
            Hit(passages[p], float(score), float(c), float(b))
            for p, score, c, b in zip(pool, fused, cosine, bm25, strict=True)
            if p in passages
        ),
        key=lambda h: (-h.score, h.passage.id),
    )
    items, reranked_by = _reranked(library, _items(library, hits, question), question)
    return Ranking(
        tuple(items), tuple(hits[:KEPT_PASSAGES]), float(cosine.max()), float(bm25.max()), vector is None, reranked_by
    )


def _reranked(library: Library, items: list[ItemHit], question: Question) -> tuple[list[ItemHit], str | None]:
    """The items after the reranker, and its name; as they are where there is none or it had no time."""
    reranker = library.reranker
    if reranker is None or len(items) < 2:
        return items, None
    chosen = library.settings
    try:
        items, read = rerank(items, question.search, reranker, chosen.reranker_top, chosen.reranker_budget_ms)
    except RerankerUnavailable as error:
        library.without_reranker(error)
        return items, None
    return items, reranker.name if read > 1 else None


def _scaled(scores: np.ndarray) -> np.ndarray:
    """Scores between 0 (the floor candidate's) and 1 (the best)."""
    ranked = np.sort(scores)[::-1]
    floor, best = ranked[min(FLOOR_RANK, len(ranked)) - 1], ranked[0]
    if best <= floor:
        return np.zeros_like(scores)
    scaled: np.ndarray = np.clip((scores - floor) / (best - floor), 0.0, 1.0)
    return scaled


def _items(library: Library, hits: Sequence[Hit], question: Question) -> list[ItemHit]:
    """Hits gathered by item: best dense and best lexical of its passages, averaged."""
    by_place: dict[tuple[str, int], list[Hit]] = {}
    for hit in hits:
        by_place.setdefault((hit.passage.document, hit.passage.item_index), []).append(hit)
    places = list(by_place)
    cosine = np.array([max(h.dense for h in by_place[p]) for p in places])
    bm25 = np.array([max(h.lexical for h in by_place[p]) for p in places])
    weight = DENSE_WEIGHT[question.language]
    scores = weight * _scaled(cosine) + (1 - weight) * _scaled(bm25)
    found = []
    for place, score in zip(places, scores, strict=True):
        passage = by_place[place][0].passage
        score = float(score) + (HINT_BONUS if _hinted(library, passage, question) else 0.0)
        found.append(ItemHit(place[0], passage.item, place[1], score, tuple(by_place[place])))
    return sorted(found, key=lambda i: (-i.score, i.document, i.item_index))


def _hinted(library: Library, passage: Passage, question: Question) -> bool:
    for day, item in question.hints:
        held_on = library.meeting(passage.document).held_on
        same_day = day is None or held_on is None or held_on.isoformat() == day
        if item == passage.item and same_day:
            return True
    return False
