"""Whole agendas, and all items with a property: complete, from the record, never from the best few."""

from __future__ import annotations

import re

from askamu.cite import plain
from askamu.compose.decision import decision_text
from askamu.compose.draft import Context, Draft, escape, quote
from askamu.decision import outcome_of
from askamu.minutes import AgendaItem, Minutes, Outcome, SectionKind, Span
from askamu.passage import Tier
from askamu.record import MeetingRow

MAX_ITEMS = 60
MAX_MEETINGS = 6
MAX_SAID = 220
_ASKS_OUTCOME = re.compile(
    r"\b(?:tog|taget|til efterretning|afviste?|udsat|udsatte|godkend|drøftet|anbefale|noted|approved|reject|postpone)",
    re.IGNORECASE,
)
_RECOMMENDATION = re.compile(r"\bindstilling|\brecommend", re.IGNORECASE)
_CLOSED = re.compile(r"\blukked?e?\b|\bclosed\b", re.IGNORECASE)
_DECISIONS = re.compile(r"\bbeslutning|\bdecision", re.IGNORECASE)
_AGENDA = re.compile(
    r"\bdagsorden|\bagenda\b|\bhvilke punkter (?:var|stod|blev)|\bliste over (?:punkter|sager)", re.IGNORECASE
)


def compose(context: Context) -> Draft | None:
    """A listing of one or a few meetings' items; None where the question is about something else."""
    asked = context.question.completed
    by_property = bool(_CLOSED.search(asked) or (_outcome_asked(asked) and not _AGENDA.search(asked)))
    meetings = _meetings(context, everywhere=by_property)
    if not meetings:
        return None
    if _CLOSED.search(asked):
        return _list(context, meetings, lambda m, i: i.closed, "list_closed", with_decision=False)
    outcome = _outcome_asked(asked)
    if _RECOMMENDATION.search(asked) and outcome:
        return _list(
            context, meetings, lambda m, i: _recommends(m, i, outcome), "list_recommended", with_decision=False
        )
    if outcome and not _AGENDA.search(asked) and not re.search(r"\bprojekt", asked, re.IGNORECASE):
        return _list(
            context,
            meetings,
            lambda m, i: bool(i.decision and outcome in i.decision.outcomes),
            "list_outcome",
            with_decision=True,
        )
    if _DECISIONS.search(asked):
        return _list(
            context, meetings, lambda m, i: bool(i.decision) and not i.closed, "list_decisions", with_decision=True
        )
    if _AGENDA.search(asked):
        return _list(context, meetings, lambda m, i: True, "list_agenda", with_decision=False)
    return _by_title(context, meetings)


def _meetings(context: Context, *, everywhere: bool) -> list[MeetingRow]:
    """The meetings to list from, newest first: those the filters leave, if they are few or a property narrows them."""
    rows = sorted(context.meetings, key=lambda r: context.library.held(r.id), reverse=True)
    if everywhere:
        return rows
    if (len(rows) <= MAX_MEETINGS and len(rows) < len(context.library.meetings)) or len(rows) == 1:
        return rows
    return []


def _outcome_asked(asked: str) -> Outcome | None:
    if not _ASKS_OUTCOME.search(asked):
        return None
    return outcome_of(asked)


def _recommends(minutes: Minutes, item: AgendaItem, outcome: Outcome) -> bool:
    return any(outcome_of(minutes.text[s.body : s.end]) is outcome for s in item.of_kind(SectionKind.RECOMMENDATION))


def _by_title(context: Context, meetings: list[MeetingRow]) -> Draft | None:
    """Items whose heading holds what the question asks a list of."""
    matcher = context.matcher

    def telling(minutes: Minutes, item: AgendaItem) -> bool:
        if item.closed:
            return False
        credits = matcher.credits(item.title)
        return sum(matcher.weights[t] for t in credits if t in matcher.asked) >= 2.0

    return _list(context, meetings, telling, "list_matching", with_decision=False)


def _list(context: Context, meetings: list[MeetingRow], wanted, key: str, *, with_decision: bool) -> Draft | None:  # type: ignore[no-untyped-def]
    lines: list[str] = []
    used: list[tuple[str, int]] = []
    for row in meetings:
        minutes = context.library.minutes(row.id)
        found = [(n, i) for n, i in enumerate(minutes.items) if wanted(minutes, i)][:MAX_ITEMS]
        if not found:
            continue
        if lines:
            lines.append("")
        lines.append(context.say(key, place=_where(context, minutes)))
        for n, item in found:
            lines.append(_line(context, minutes, item, with_decision=with_decision))
            used.append((minutes.id, n))
    return Draft("\n".join(lines), Tier.ANSWER, tuple(used)) if used else None


def _line(context: Context, minutes: Minutes, item: AgendaItem, *, with_decision: bool) -> str:
    mark = context.mark_title(minutes, item)
    closed = context.say("closed_mark") if item.closed else ""
    title = escape(item.title) or context.say("no_title")
    line = f"- {context.say('item', number=item.number or '?')}: {closed}{title} {mark}"
    if with_decision and item.decision:
        section = item.of_kind(SectionKind.DECISION)[0]
        end = min(item.decision.end, item.decision.start + MAX_SAID)
        if end < item.decision.end:
            end = minutes.text.rfind(" ", item.decision.start, end)
        span = Span(item.decision.start, max(end, item.decision.start + 1))
        said = quote(plain(span.of(minutes.text)) + ("" if span.end == item.decision.end else " …"))
        line += f" – {said} {context.citations.mark(minutes, item, section, span)}"
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
