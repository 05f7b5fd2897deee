"""Answers that rest on several meetings: a development over time, and municipalities side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from askamu.cite import short_date
from askamu.compose import fact
from askamu.compose.draft import Context, Draft
from askamu.compose.onward import SOON
from askamu.passage import Filters, Tier
from askamu.question import Question
from askamu.retrieve import ItemHit, Ranking, retrieve
from askamu.select import PARTIAL, best_snippets

ENOUGH = 0.42  # share of the best item's score that another meeting's item must reach
MAX_MEETINGS = 6
SNIPPETS = 2
NUMBERS = frozenset({"number", "money", "share", "duration"})  # types of answer that are figures
TELLING = 1.5  # rarity of a word by which an item is about the matter


def timeline(context: Context) -> Draft | None:
    """The best item of each meeting that treats the matter, newest first."""
    best: dict[str, ItemHit] = {}
    for hit in context.ranking.items[:25]:
        if (
            hit.document not in best
            and context.ranking.items
            and hit.score >= ENOUGH * context.ranking.items[0].score
            and hit.item_index >= 0
        ):
            best[hit.document] = hit
    groups = sorted(_of_one_case(context, best.values()), key=lambda g: -max(h.score for h in g))[:MAX_MEETINGS]
    if len(groups) < 2:
        return None
    groups.sort(key=lambda g: context.library.held(g[0].document), reverse=True)
    parts = [context.say("newest_first")]
    used = []
    figures = bool(context.question.wants & NUMBERS)
    for hit, *earlier in groups:
        found = best_snippets(context.library, context.question, context.matcher, hit)
        if not found:
            continue
        decided = not figures and _is_about(context, hit)
        said = fact.said(context, fact.choose(context, found, SNIPPETS), decided=decided).replace("\n\n", " ")
        also = ", ".join(_body_and_day(context, other) for other in earlier)
        before = f" ({context.say('also_treated', places=also)})" if also else ""
        parts.append(f"- **{context.place(context.minutes(hit), context.item(hit))}**{before}: {said}")
        used.append(hit.place)
    return Draft("\n".join(parts), Tier.ANSWER, tuple(used))


def _of_one_case(context: Context, hits: Iterable[ItemHit]) -> list[list[ItemHit]]:
    """Items that are one case on its way through the committees together, the last one first."""
    groups: list[list[ItemHit]] = []
    for hit in sorted(hits, key=lambda h: context.library.held(h.document), reverse=True):
        title, town = _title(context, hit), context.minutes(hit).municipality
        for group in groups:
            near = context.library.held(group[-1].document) - context.library.held(hit.document) <= SOON
            if title and near and _title(context, group[0]) == title and context.minutes(group[0]).municipality == town:
                group.append(hit)
                break
        else:
            groups.append([hit])
    return groups


def _title(context: Context, hit: ItemHit) -> str:
    item = context.item(hit)
    return item.title.casefold() if item else ""


def _body_and_day(context: Context, hit: ItemHit) -> str:
    minutes = context.minutes(hit)
    return " ".join(p for p in (minutes.committee, short_date(minutes, context.language)) if p)


def _is_about(context: Context, hit: ItemHit) -> bool:
    """Whether a telling word of the question stands in the item's heading, and there is a decision."""
    item, matcher = context.item(hit), context.matcher
    if item is None or item.decision is None:
        return False
    found = matcher.credits(item.title)
    return any(c >= PARTIAL and t in matcher.asked and matcher.weights[t] >= TELLING for t, c in found.items())


def comparison(context: Context) -> tuple[Draft, Ranking] | None:
    """One part a municipality, each answered from its own minutes; a missing side is said to be missing."""
    names = context.question.municipalities
    if len(names) < 2:
        return None
    parts: list[str] = []
    used: list[tuple[str, int]] = []
    rankings: list[Ranking] = []
    for name in names:
        alone = _alone(context.question, names, name)
        filters = replace(context.question.filters, municipality=name)
        meetings = context.library.allowed(filters)
        ranking = retrieve(context.library, alone, meetings)
        rankings.append(ranking)
        part = replace_context(context, ranking, alone, filters)
        draft = fact.compose(part, limit=SNIPPETS)
        if draft is None:
            parts.append(f"**{name}:** {context.say('side_missing')}")
            continue
        parts.append(f"**{name}:** {draft.text}")
        used += draft.used
    merged = _interleaved(rankings)
    return Draft("\n\n".join(parts), Tier.ANSWER, tuple(used)), merged


def _alone(question: Question, names: tuple[str, ...], name: str) -> Question:
    """The question about one of the municipalities: the others' names are taken out of what is searched."""
    searched = question.completed
    for other in names:
        if other != name:
            searched = searched.replace(f"{other}s", " ").replace(other, " ")
    return replace(question, completed=searched, carried="")


def replace_context(context: Context, ranking: Ranking, question: Question, filters: Filters) -> Context:
    return Context(
        context.library,
        replace(question, filters=filters),
        context.library.allowed(filters),
        ranking,
        context.matcher,
        context.citations,
        context.limits,
        context.warnings,
    )


def _interleaved(rankings: list[Ranking]) -> Ranking:
    """The sides' rankings as one, in turn."""
    items = [
        r.items[n]
        for n in range(max((len(r.items) for r in rankings), default=0))
        for r in rankings
        if n < len(r.items)
    ]
    hits = [
        r.hits[n] for n in range(max((len(r.hits) for r in rankings), default=0)) for r in rankings if n < len(r.hits)
    ]
    return Ranking(tuple(items), tuple(hits), max(r.best_cosine for r in rankings), max(r.best_bm25 for r in rankings))
