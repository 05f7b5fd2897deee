"""When the minutes do not say: what a question demands is not in what was found, or the matter is not treated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from askamu import texts
from askamu.compose import Context, Draft, decision
from askamu.compose.draft import escape
from askamu.dates import month_end, months
from askamu.minutes import SectionKind
from askamu.passage import Coverage, Passage, QuestionKind, Tier
from askamu.retrieve import ItemHit
from askamu.select import best_snippets, holds
from askamu.vocabulary import table

NEAREST = 4  # items that are named where nothing is stated
SUBJECT = 2.5  # rarity of a word that can be a question's subject
FOUND_BY = 3  # passages that an item was found by
OWN_COVERED = 0.60  # of the question that an item must hold itself to answer for a matter in its attachment
HELD_BY = 2  # items of which one must hold the type of answer that is asked for


def doubt(context: Context) -> Draft | None:
    """A *not stated* where what the question demands is not in the minutes; None where nothing speaks against it."""
    question, ranking = context.question, context.ranking
    hit = ranking.items[0]
    minutes, item = context.minutes(hit), context.item(hit)
    if question.kind is QuestionKind.DECISION and item is not None:
        body = decision.foreign_body(context, minutes, item)
        if body is not None:
            return _not_told(context, context.say("foreign_body", body=escape(body)))
    if _is_later(context, hit):
        return _not_told(context, context.say("later_meeting", place=context.place(minutes, None)))
    for demand in table("questions")["demand"]:
        if _any(demand["asks"], question.completed) and not _is_met(context, demand):
            return _not_told(context, context.say(f"demand_{demand['name']}"))
    if context.limits.fail(*signs(context), question.language):
        return not_stated(context)
    if _out_of_period(context, hit) or (question.filters.date_from is not None and _absent_subject(context)):
        return not_stated(context)
    return None


def signs(context: Context) -> tuple[float, float]:
    """Whether the minutes treat the matter: how much of the question the best item holds, how near a passage is."""
    hit = context.ranking.items[0]
    return max(covered(context, hit), _covered_by_attachment(context, hit)), context.ranking.best_cosine


def _is_met(context: Context, demand: Mapping[str, Any]) -> bool:
    """Whether what a question presupposes is there: words in the best item, an attachment, or a sentence that tells."""
    hit = context.ranking.items[0]
    if demand.get("attachment"):
        return any(is_attached(h.passage) for h in hit.hits[:FOUND_BY])
    if "type" in demand:
        best = (
            _snippets(context, hit)[: demand["among"]]
            if "among" in demand
            else [s for h in context.ranking.items[:HELD_BY] for s in _snippets(context, h)]
        )
        return any(holds(demand["type"], s) for s in best)
    said = context.minutes(hit).own_text(context.item(hit))
    return any(re.search(p, said) for p in demand["needs"])


def _snippets(context: Context, hit: ItemHit) -> list[str]:
    found = best_snippets(context.library, context.question, context.matcher, hit)
    return [s.snippet.text for s in found]


def _is_later(context: Context, hit: ItemHit) -> bool:
    """Whether the question asks what came of a meeting that was held after the one that the best item is from."""
    day = context.question.event_day
    held = context.library.meeting(hit.document).held_on
    return day is not None and held is not None and held < day and not context.question.future


def _any(patterns: list[str], text: str) -> bool:
    return any(re.search(p, text, re.IGNORECASE) for p in patterns)


def _not_told(context: Context, said: str) -> Draft:
    return Draft(f"{said}\n\n{_nearest(context)}{searched(context)}", Tier.NOT_STATED)


def only_attached(context: Context, hit: ItemHit) -> bool:
    """Whether an item was found by what stands in an attachment to it, and says little of the matter itself.

    What the committee decided on the item is then no decision on the matter.
    """
    by_attachment = any(is_attached(h.passage) for h in hit.hits[:FOUND_BY])
    return by_attachment and covered(context, hit) < OWN_COVERED


def is_attached(passage: Passage) -> bool:
    """Whether it is of an attachment, and not what the minutes say themselves."""
    return passage.section is SectionKind.ATTACHMENT_TEXT


def covered(context: Context, hit: ItemHit) -> float:
    """How much of the question's telling words the item holds, its attachments left out, by weight."""
    minutes, item = context.minutes(hit), context.item(hit)
    text = minutes.own_text(item)
    return context.matcher.score(
        context.matcher.credits(f"{text} {minutes.municipality or ''} {minutes.committee or ''}")
    )


def _covered_by_attachment(context: Context, hit: ItemHit) -> float:
    """As `_covered`, of the attachment that the item was found by, if it was."""
    best = hit.hits[0].passage
    return context.matcher.score(context.matcher.credits(best.text)) if is_attached(best) else 0.0


def _absent_subject(context: Context) -> bool:
    """Whether the question's subject is on the agenda of other meetings and nowhere in those asked about.

    A subject is a word of the question that stands in the heading of an item.
    """
    matcher = context.matcher
    asked = {t for t, w in matcher.weights.items() if t in matcher.asked and not t[0].isdigit() and w >= SUBJECT}
    headings = " ".join(row.title for rows in context.library.items.values() for row in rows)
    subjects = asked & matcher.credits(headings).keys()
    if not subjects:
        return False
    few = [context.library.minutes(m.id) for m in context.meetings[:12]]
    here = " ".join(m.own_text(item) for m in few for item in (None, *m.items))
    return not subjects & matcher.credits(here).keys()


def subject_missing(context: Context, draft: Draft) -> bool:
    """Whether the most telling word of the question stands nowhere in the items that the answer rests on."""
    matcher = context.matcher
    asked = {t: w for t, w in matcher.weights.items() if t in matcher.asked and not t[0].isdigit()}
    if not asked or not draft.used:
        return False
    telling = max(asked, key=lambda t: asked[t])
    for document, index in draft.used:
        minutes = context.library.minutes(document)
        item = minutes.items[index] if index >= 0 else None
        said = minutes.own_text(item)
        if telling in matcher.credits(f"{said} {minutes.municipality or ''} {minutes.committee or ''}"):
            return False
    return True


def _out_of_period(context: Context, hit: ItemHit) -> bool:
    """Whether the years or the month asked for stand neither in the item nor in its meeting's date.

    A month after the meeting may be one that is planned for, its year not printed.
    """
    question = context.question
    if question.future:
        return False
    minutes, item = context.minutes(hit), context.item(hit)
    said = minutes.own_text(item)
    # A year that the meetings are limited to is theirs (»siden 2024«), and need not stand in the item.
    first, last = question.filters.date_from, question.filters.date_to
    limited = range(first.year if first else 0, (last.year if last else 9999) + 1) if first or last else range(0)
    years = [y for y in question.years if y not in limited]
    if years:
        bounds = [d.year for d in (minutes.date.earliest, minutes.date.latest) if d]
        if not any(str(y) in said or (bounds and min(bounds) <= y <= max(bounds)) for y in years):
            return True
    if question.month is None:
        return False
    begins = question.month
    ends = month_end(begins.year, begins.month)
    if (minutes.date.earliest or date.min) <= ends:
        return False
    names = [name for name, number in months().items() if number == begins.month]
    year = str(begins.year)
    written = rf"\b(?:{'|'.join(names)})\w*\.?(?:\s+måned)?\s+{year}|\b0?{begins.month}[./-](?:{year}|{year[2:]})\b"
    return not re.search(written, said, re.IGNORECASE)


def not_stated(context: Context) -> Draft:
    return Draft(context.say("not_stated") + "\n\n" + _nearest(context) + searched(context), Tier.NOT_STATED)


def _nearest(context: Context) -> str:
    """The nearest items, offered as such."""
    places = []
    for hit in context.ranking.items[:NEAREST]:
        minutes, item = context.minutes(hit), context.item(hit)
        if item is not None:
            places.append(context.place(minutes, item))
    return f"{context.say('nearest')} {' · '.join(places)}\n\n" if places else ""


def searched(context: Context) -> str:
    """What was searched: how many meetings, whose, from when to when."""
    return searched_text(context.library.coverage(context.meetings or context.library.meetings), context.language)


def searched_text(coverage: Coverage, language: str) -> str:
    """»Søgt: 5 møder i Holstebro Arbejdsmarkedsudvalget …, 23. oktober 2019 – 11. marts 2024.«"""
    period = ""
    if coverage.first and coverage.last:
        period = texts.day_text(coverage.first, language)
        if coverage.last != coverage.first:
            period += f" – {texts.day_text(coverage.last, language)}"
    undated = texts.text("answer.undated_count", language, count=coverage.undated) if coverage.undated else ""
    key = "answer.searched" if coverage.meetings != 1 else "answer.searched_one"
    return texts.text(
        key,
        language,
        meetings=coverage.meetings,
        committees=escape("; ".join(coverage.committees)),
        period=period + undated,
    ).strip()
