"""Whole agendas, and all items with a property: complete, from the record, never from the best few."""

from __future__ import annotations

from collections.abc import Callable

from askamu import texts
from askamu.compose.decision import PLAINLY_ADOPTED, decision_text, undated
from askamu.compose.draft import Context, Draft, escape, quote, quoted
from askamu.danish import stem, words
from askamu.decision import asked_for, recommendation_points
from askamu.minutes import AgendaItem, Minutes, Outcome, SectionKind, Span, away
from askamu.passage import Tier
from askamu.question import outcomes_asked
from askamu.record import MeetingRow
from askamu.select import PARTIAL
from askamu.vocabulary import pattern

MAX_ITEMS = 60  # listed; all of one meeting are, however many
MAX_READ = 400  # meetings, the newest first
MAX_MEETINGS = 6
MAX_SAID = 220
_SAME = {Outcome.APPROVED: {Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE}}  # what a question takes together


def of_property(asked: str) -> bool:
    """Whether all items are asked for that are closed or had an outcome: from the record, not from a search."""
    return _asks("closed", asked) or (_outcome_asked(asked) is not None and not _asks("agenda", asked))


def compose(context: Context) -> Draft | None:
    """A listing of one or a few meetings' items; None where the question is about something else."""
    asked = context.question.completed
    meetings = _meetings(context, everywhere=of_property(asked))
    if not meetings:
        return None
    if _asks("closed", asked):
        return _list(context, meetings, lambda m, i: i.closed, "list_closed", with_decision=False)
    outcome = _outcome_asked(asked)
    if outcome and _asks("recommendation", asked):
        return _list(
            context,
            meetings,
            lambda m, i: _recommends(m, i, outcome),
            "list_recommended",
            with_decision=False,
            outcome=outcome,
        )
    if outcome and not _asks("agenda", asked) and not _asks("projects", asked):
        subject = _subject(context)
        listed = _list(
            context,
            meetings,
            lambda m, i: _ended_in(m, i, outcome) and (not subject or _is_about(context, i, subject)),
            "list_outcome",
            with_decision=True,
            outcome=outcome,
        )
        if listed or subject or len(meetings) > MAX_READ:
            return listed
        return Draft(context.say("list_none", outcome=_named(context, outcome)), Tier.NOT_STATED)
    if _asks("decisions", asked):
        return _decisions(context, meetings, _subject(context))
    if _asks("agenda", asked):
        return _list(context, meetings, lambda m, i: True, "list_agenda", with_decision=False)
    return _by_title(context, meetings)


def decisions(context: Context) -> Draft | None:
    """What was decided at the meetings that the filters leave, newest first."""
    rows = _meetings(context, everywhere=True)
    rows.sort(key=lambda r: r.held_on is None)  # one whose day is not told may not be meant
    return _decisions(context, rows)


def decisions_since(context: Context) -> Draft | None:
    """What was decided on the question's subject over an open period; None where that is not more than one item."""
    subject = _subject(context)
    draft = _decisions(context, _meetings(context, everywhere=True), subject) if subject else None
    return draft if draft is not None and len(draft.used) > 1 else None


def _decisions(context: Context, meetings: list[MeetingRow], subject: frozenset[str] = frozenset()) -> Draft | None:
    def decided(minutes: Minutes, item: AgendaItem) -> bool:
        return _says_something(minutes, item) and not item.closed and (not subject or _is_about(context, item, subject))

    return _list(context, meetings, decided, "list_decisions", with_decision=True)


def _meetings(context: Context, *, everywhere: bool) -> list[MeetingRow]:
    """The meetings to list from, newest first: those the filters leave, if they are few or a property narrows them."""
    rows = sorted(context.meetings, key=lambda r: context.library.held(r.id), reverse=True)
    if everywhere:
        return rows
    if (len(rows) <= MAX_MEETINGS and len(rows) < len(context.library.meetings)) or len(rows) == 1:
        return rows
    return []


def _asks(what: str, asked: str) -> bool:
    return pattern("listing", what).search(asked) is not None


def _outcome_asked(asked: str) -> Outcome | None:
    return next((o for o in map(Outcome, outcomes_asked()) if _asks_outcome(o, asked)), None)


def _asks_outcome(outcome: Outcome, asked: str) -> bool:
    return pattern("listing", "outcomes", outcome.value).search(asked) is not None


def _subject(context: Context) -> frozenset[str]:
    """The terms that say what the items listed shall be about (»sager om småjob«), and the glossary's for them."""
    asked = context.question.completed
    found = pattern("listing", "subject").search(asked)
    if found is None:
        return frozenset()
    frame = {stem(w) for w in words(asked[: found.start()] + " " + asked[found.end() :])}
    return frozenset(t for t in context.matcher.weights if t not in frame and t.isalpha())


def _is_about(context: Context, item: AgendaItem, subject: frozenset[str]) -> bool:
    """Whether an item's heading holds half of the subject by weight (of »Greve Nord« the rarer »Nord«), or a word that
    the glossary has for it."""
    matcher = context.matcher
    credits = matcher.credits(item.title)
    asked = {t: matcher.weights[t] for t in subject if t in matcher.asked}
    held = sum(weight * credits.get(t, 0.0) for t, weight in asked.items())
    return held >= 0.5 * sum(asked.values()) > 0 or any(credits.get(t, 0.0) >= PARTIAL for t in subject - asked.keys())


def _named(context: Context, outcome: Outcome) -> str:
    return texts.text(f"outcome.{outcome.value}", context.language).lower()


def _recommends(minutes: Minutes, item: AgendaItem, outcome: Outcome) -> bool:
    return any(
        outcome in asked_for(point.of(minutes.text))
        for section in item.of_kind(SectionKind.RECOMMENDATION)
        for point in recommendation_points(minutes.text, section)
    )


def _ended_in(minutes: Minutes, item: AgendaItem, outcome: Outcome) -> bool:
    """Whether an item had an outcome: said in its decision, or in a recommendation that the decision adopts."""
    return item.decision is not None and (
        not set(item.decision.outcomes).isdisjoint(_SAME.get(outcome, {outcome}))
        or bool(_adopted_points(minutes, item, outcome))
    )


def _adopted_points(minutes: Minutes, item: AgendaItem, outcome: Outcome) -> list[Span]:
    """The points a »Godkendt som indstillet« adopts that ask for the outcome, where it says nothing else itself."""
    decision = item.decision
    if decision is None or outcome in decision.outcomes or not PLAINLY_ADOPTED.issuperset(decision.outcomes):
        return []
    return [p for p in decision.adopts if outcome in asked_for(p.of(minutes.text))]


def _says_something(minutes: Minutes, item: AgendaItem) -> bool:
    """Whether there is a decision, and not only a note on who was away."""
    if item.decision is None:
        return False
    said = minutes.text[item.decision.start : item.decision.end]
    for note in away(item.decision):
        said = said.replace(note.of(minutes.text), "")
    return any(c.isalpha() for c in said)


def _by_title(context: Context, meetings: list[MeetingRow]) -> Draft | None:
    """Items whose heading holds what the question asks a list of."""
    matcher = context.matcher

    def telling(minutes: Minutes, item: AgendaItem) -> bool:
        if item.closed:
            return False
        credits = matcher.credits(item.title)
        return sum(matcher.weights[t] for t in credits if t in matcher.asked) >= 2.0

    return _list(context, meetings, telling, "list_matching", with_decision=False)


def _list(
    context: Context,
    meetings: list[MeetingRow],
    wanted: Callable[[Minutes, AgendaItem], bool],
    key: str,
    *,
    with_decision: bool,
    outcome: Outcome | None = None,
) -> Draft | None:
    lines: list[str] = []
    used: list[tuple[str, int]] = []
    more = len(meetings) > MAX_READ
    for row in meetings[:MAX_READ]:
        minutes = context.library.minutes(row.id)
        found = [(n, i) for n, i in enumerate(minutes.items) if wanted(minutes, i)]
        if not found:
            continue
        if used and len(used) + len(found) > MAX_ITEMS:
            more = True
            break
        if lines:
            lines.append("")
        said = _named(context, outcome) if outcome else ""
        lines.append(context.say(key, place=_where(context, minutes), outcome=said))
        for n, item in found:
            lines.append(_line(context, minutes, item, with_decision=with_decision, outcome=outcome))
            used.append((minutes.id, n))
        if minutes.held_on is None:
            lines += ["", f"*{escape(undated(context, minutes))}*"]
    if more:
        lines += ["", f"*{context.say('list_more')}*"]
    return Draft("\n".join(lines), Tier.ANSWER, tuple(used)) if used else None


def _line(context: Context, minutes: Minutes, item: AgendaItem, *, with_decision: bool, outcome: Outcome | None) -> str:
    mark = context.mark_title(minutes, item)
    closed = context.say("closed_mark") if item.closed else ""
    title = escape(item.title) or context.say("no_title")
    line = f"- {context.say('item', number=item.number or '?')}: {closed}{title} {mark}"
    if with_decision and item.decision:
        section = item.of_kind(SectionKind.DECISION)[0]
        line += f" – {context.cite(minutes, item, section, quoted(minutes, item.decision), MAX_SAID)}"
    if outcome and with_decision:
        for point in _adopted_points(minutes, item, outcome)[:1]:
            section = item.of_kind(SectionKind.RECOMMENDATION)[-1]
            line += f": {quote(point.of(minutes.text))} {context.citations.mark(minutes, item, section, point)}"
    return line


def _where(context: Context, minutes: Minutes) -> str:
    return context.place(minutes, None).removesuffix(f", {context.say('header')}")


def case(context: Context, found: list[tuple[str, int]]) -> Draft | None:
    """What a case number stands for: each item with its heading, what it is about and what was decided."""
    lines: list[str] = []
    used = []
    for document, index in found:
        minutes = context.library.minutes(document)
        item = minutes.items[index]
        mark = context.mark_title(minutes, item)
        closed = context.say("closed_mark") if item.closed else ""
        lines.append(
            f"**{closed}{escape(item.title) or context.say('no_title')}** – {context.place(minutes, item)} {mark}"
        )
        if item.decision:
            lines.append(decision_text(context, minutes, item, place=False))
        used.append((document, index))
    return Draft("\n\n".join(lines), Tier.ANSWER, tuple(used)) if used else None
