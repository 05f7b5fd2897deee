"""What was decided: the decision in its own words and, where it adopts one, the recommendation beside it."""

from __future__ import annotations

import re

from askamu import texts
from askamu.cite import plain
from askamu.compose.draft import Context, Draft, escape, quote, quoted, shown, whole_words
from askamu.compose.onward import PUT_OFF, adopted_text, history_text, is_recommended, onward, own_ways
from askamu.danish import fold
from askamu.decision import BESIDE, asked_for, is_of_member, outcome_of, outcomes_of, recommendation_points, told
from askamu.metadata import is_council
from askamu.minutes import AgendaItem, Minutes, Outcome, Section, SectionKind, Span
from askamu.passage import Tier
from askamu.retrieve import ItemHit
from askamu.sentences import sentences

FORMULA = 70  # characters up to which a decision is only a formula and stands bold
MAX_DECISION = 1_100
MAX_POINTS = 8
MAX_POINT = 900  # of a recommendation, beside a decision
_PART_NAMED = re.compile(r"\b\d{1,2}\.?\s?[a-h][.):]")  # »1.c« of a recommendation
MAX_VERDICT = 420
NEGATIVE = frozenset({Outcome.REJECTED, Outcome.POSTPONED, Outcome.SENT_BACK, Outcome.WITHDRAWN})
PLAINLY_ADOPTED = frozenset({Outcome.APPROVED, Outcome.NOTED, Outcome.DISCUSSED, Outcome.NONE})


def compose(context: Context, hit: ItemHit) -> Draft | None:
    """The decision of an item; None where it has none that answers."""
    minutes, item = context.minutes(hit), context.item(hit)
    if item is None:
        return None
    others = _other_bodies(context, minutes, item)
    own = (context.question.bodies and not others) or not context.question.bodies
    parts = []
    if item.decision is not None and (own or _asks_for_all(context) or _names_own(context, minutes)):
        parts.append(decision_text(context, minutes, item))
    parts += [history_text(context, minutes, item, section) for section in others]
    if not parts and item.decision is None and not others and item.of_kind(SectionKind.RECOMMENDATION):
        return _undecided(context, minutes, item, hit)
    if not parts:
        return None
    if minutes.held_on is None:
        parts.append(f"*{escape(undated(context, minutes))}*")
    return Draft("\n\n".join(parts), Tier.ANSWER, (hit.place,))


def _undecided(context: Context, minutes: Minutes, item: AgendaItem, hit: ItemHit) -> Draft:
    """An item without a decision, as in an agenda: what is recommended, and that it is no more than that."""
    section = item.of_kind(SectionKind.RECOMMENDATION)[-1]
    key = "only_agenda" if minutes.kind.startswith("dagsorden") else "no_decision"
    said = (
        f"{context.say('recommended')} {context.cite(minutes, item, section, _trimmed(minutes, section), MAX_DECISION)}"
    )
    return Draft(f"{context.say(key)} – {context.place(minutes, item)}\n\n{said}", Tier.POSSIBLE, (hit.place,))


def recommended(context: Context, hit: ItemHit) -> Draft | None:
    """What an item's recommendation asked for, said to be no more than that, and what was decided."""
    minutes, item = context.minutes(hit), context.item(hit)
    if item is None or item.closed or not item.of_kind(SectionKind.RECOMMENDATION):
        return None
    section = item.of_kind(SectionKind.RECOMMENDATION)[-1]
    points = list(recommendation_points(minutes.text, section))[:MAX_POINTS] or [_trimmed(minutes, section)]
    quotes = [f"- {context.cite(minutes, item, section, point, MAX_DECISION)}" for point in points]
    lead = f"**{context.say('from_recommendation')}** {context.place(minutes, item)}"
    parts = [lead, "\n".join(quotes), verdict(context, minutes, item)]
    if minutes.held_on is None:
        parts.append(f"*{escape(undated(context, minutes))}*")
    return Draft("\n\n".join(parts), Tier.ANSWER, (hit.place,))


def decision_text(context: Context, minutes: Minutes, item: AgendaItem, *, place: bool = True) -> str:
    """»**Godkendt som indstillet** – place [1]«, what it adopts, and what was added."""
    decision = item.decision
    if decision is None:
        raise ValueError(f"{minutes.source} item {item.number} has no decision")
    section = item.of_kind(SectionKind.DECISION)[0]
    entire = quoted(minutes, decision)
    whole = whole_words(minutes.text, entire, MAX_DECISION)
    said = plain(shown(minutes.text, whole, entire.end))
    mark = context.citations.mark(minutes, item, section, whole)
    where = f" – {context.place(minutes, item)}" if place else ""
    outcome = outcome_words(context, item)
    first = sentences(minutes.text, whole.start, whole.end)[0]
    formula = plain(first.of(minutes.text))
    if len(said) <= FORMULA and decision.final:
        lines = [f"**{escape(said.rstrip('.'))}**{where} {mark}"]
    elif decision.final and len(formula) <= FORMULA and outcome_of(formula) and not _several(minutes, whole):
        rest = quote(shown(minutes.text, Span(first.end, whole.end), entire.end))
        key = "noted_with" if is_of_member(minutes.text[first.end : whole.end].strip()) else "with_addition"
        lines = [f"**{escape(formula.rstrip('.'))}** {mark}{where}", f"{context.say(key)} {rest} {mark}"]
    else:
        followed = not is_recommended(minutes, decision) and own_ways(minutes, item)
        headline = context.say("followed_another") if followed else outcome
        lines = [f"**{headline}**{where}: {quote(said)} {mark}"]
    theirs = adopted_text(context, minutes, item)
    lines += theirs
    lines += _adopted(context, minutes, item, of_another=bool(theirs))
    lines += [said for said in [onward(context, minutes, item)] if said]
    for other in item.of_kind(SectionKind.HISTORY):
        said_there = sentences(minutes.text, other.body, other.end)
        negative = any(outcome_of(s.of(minutes.text)) in NEGATIVE for s in said_there)
        if negative and not context.question.bodies and not theirs:
            lines.append(history_text(context, minutes, item, other))  # another body went another way
    if decision.votes and not any(v.start < whole.end for v in decision.votes):
        lines += [
            f"{quote(v.of(minutes.text))} {context.citations.mark(minutes, item, section, v)}" for v in decision.votes
        ]
    return "\n\n".join(lines)


def outcome_words(context: Context, item: AgendaItem) -> str:
    """The outcomes in plain words: »Godkendt«, »Ikke endeligt: anbefalet videre«."""
    decision = item.decision
    return ", ".join(told(decision.outcomes, decision.final, context.language)) if decision else ""


def _adopted(context: Context, minutes: Minutes, item: AgendaItem, *, of_another: bool = False) -> list[str]:
    label, points = beside(minutes, item, of_another=of_another)
    if not points:
        return []
    section = item.of_kind(SectionKind.RECOMMENDATION)[-1]
    said = [context.cite(minutes, item, section, point, MAX_POINT) for point in points]
    if len(said) == 1:
        return [f"{context.say(label)} {said[0]}"]
    return [context.say(label) + "\n" + "\n".join(f"- {point}" for point in said)]


def beside(minutes: Minutes, item: AgendaItem, *, of_another: bool = False) -> tuple[str, list[Span]]:
    """What of the recommendation is shown beside a decision, and the text (answer.…) that says what became of it.

    Args:
        of_another: the decision adopts what another body recommended, and that was not what is printed.
    """
    decision = item.decision
    recommendations = item.of_kind(SectionKind.RECOMMENDATION)
    if decision is None or not recommendations:
        return "", []
    section = recommendations[-1]
    points = [p for p in decision.adopts if section.start <= p.start and p.end <= section.end][:MAX_POINTS]
    label = "adopted"
    if of_another or (
        set(decision.outcomes) & NEGATIVE and _PART_NAMED.search(minutes.text[decision.start : decision.end])
    ):
        label = "recommended_at_first" if of_another else "recommended"
        points = list(recommendation_points(minutes.text, section))[:MAX_POINTS] or [_trimmed(minutes, section)]
    elif not points and Outcome.NONE not in decision.outcomes:
        # What was asked for, where the decision turned it down, put it off or went its own way.
        label = "not_adopted" if set(decision.outcomes) <= NEGATIVE else "recommended"
        points = [_trimmed(minutes, section)]
    elif points and not set(decision.outcomes) <= PLAINLY_ADOPTED:
        label = "adopted_partly" if set(decision.outcomes) & NEGATIVE else "recommended"
    elif points and all(asks_only_to_note(p.of(minutes.text)) for p in points):
        label = "adopted_noted"  # so that »Godkendt« is not read as a yes to the matter itself
    return label, points


def asks_only_to_note(point: str) -> bool:
    """Whether a point of a recommendation asks for no more than that the matter be noted or discussed."""
    asked = asked_for(point)
    return bool(asked) and BESIDE.issuperset(asked)


def _several(minutes: Minutes, whole: Span) -> bool:
    """Whether a decision states outcomes in more sentences than its first (»1. Godkendt. 2. Ikke godkendt.«)."""
    said = sentences(minutes.text, whole.start, whole.end)
    return any(outcomes_of(s.of(minutes.text)) and len(plain(s.of(minutes.text))) <= FORMULA for s in said[1:])


def diverges(item: AgendaItem) -> bool:
    """Whether what was decided is not simply what was recommended, so that no quote of the item may stand alone."""
    decision = item.decision
    return decision is not None and (not decision.final or not set(decision.outcomes) <= PLAINLY_ADOPTED)


def in_verdict(minutes: Minutes, item: AgendaItem, span: Span) -> bool:
    """Whether a span is quoted with the verdict."""
    if item.decision is None:
        return False
    whole = whole_words(minutes.text, quoted(minutes, item.decision), MAX_VERDICT)
    return whole.start <= span.start and span.end <= whole.end


def verdict(context: Context, minutes: Minutes, item: AgendaItem) -> str:
    """The decision in one line, for an answer that quotes other parts of the item."""
    decision = item.decision
    if decision is None:
        return context.say("no_decision")
    section = item.of_kind(SectionKind.DECISION)[0]
    key = "verdict_council" if is_council(minutes.committee) else "verdict"
    became = context.say(key, outcome=outcome_words(context, item))
    said = f"{became} {context.cite(minutes, item, section, quoted(minutes, decision), MAX_VERDICT)}"
    said = " ".join([said, *adopted_text(context, minutes, item, MAX_VERDICT)])
    if is_recommended(minutes, decision) or PUT_OFF & set(decision.outcomes):
        said = f"{said} {onward(context, minutes, item)}".rstrip()
    return said


def _trimmed(minutes: Minutes, section: Section) -> Span:
    start, end = section.body, section.end
    while start < end and minutes.text[start].isspace():
        start += 1
    while end > start and minutes.text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _other_bodies(context: Context, minutes: Minutes, item: AgendaItem) -> list[Section]:
    """The quoted decisions of other bodies that the question names, or all of them where it asks for all."""
    history = list(item.of_kind(SectionKind.HISTORY))
    if _asks_for_all(context):
        return history
    named = [fold(b) for b in context.question.bodies if not _is_own(b, minutes)]
    return [s for s in history if any(_mentions(minutes, s, body) for body in named)]


def _mentions(minutes: Minutes, section: Section, body: str) -> bool:
    said = fold(minutes.text[section.start : section.end])
    return body in said or body.removesuffix("et").removesuffix("en") in said


def _is_own(body: str, minutes: Minutes) -> bool:
    body = fold(body)
    if not minutes.committee:
        return body in ("udvalget",)
    return fold(minutes.committee) in body or body in fold(minutes.committee)


def _names_own(context: Context, minutes: Minutes) -> bool:
    return any(_is_own(b, minutes) for b in context.question.bodies)


def _asks_for_all(context: Context) -> bool:
    return bool(
        re.search(
            r"\b(?:hvert af|hver af|alle (?:tre|fire|fem )?udvalg|de (?:to|tre|fire) udvalg|each of the)\b",
            context.question.completed,
            re.IGNORECASE,
        )
    )


def foreign_body(context: Context, minutes: Minutes, item: AgendaItem) -> str | None:
    """A body whose decision is asked for, that is not the meeting's own and that the item quotes nothing from."""
    bodies = context.question.bodies
    if not bodies or any(_is_own(b, minutes) for b in bodies):
        return None
    if _other_bodies(context, minutes, item):
        return None
    return bodies[0]


def undated(context: Context, minutes: Minutes) -> str:
    """That the meeting's date is not stated, and what hints at it."""
    known = texts.restated(minutes.date.evidence or "", "evidence", context.language)
    hint = f" ({known})" if known else ""
    return context.say("undated", hint=hint)
