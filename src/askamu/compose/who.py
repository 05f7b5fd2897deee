"""Who attended a meeting and who did not: stated, or not stated."""

from __future__ import annotations

from askamu.compose.draft import Context, Draft, quote
from askamu.lines import read_lines
from askamu.metadata import looks_like_name
from askamu.minutes import Minutes, SectionKind, Span
from askamu.passage import Tier


def compose(context: Context) -> Draft | None:
    """An answer on attendance where the question asks for it and names one meeting; else None."""
    wants = context.question.wants
    if not wants & {"absent", "attended"}:
        return None
    meetings = context.meetings
    if len(meetings) > 1:
        best = {hit.document for hit in context.ranking.items[:1]}
        meetings = (
            [m for m in meetings if m.id in best] if len(context.library.meetings) == len(meetings) else meetings[:1]
        )
    if not meetings:
        return None
    minutes = context.library.minutes(meetings[0].id)
    return _absent(context, minutes) if "absent" in wants else _attended(context, minutes)


def _absent(context: Context, minutes: Minutes) -> Draft:
    noted: dict[str, list[int]] = {}
    for index, item in enumerate(minutes.items):
        for span in item.decision.absence if item.decision else ():
            noted.setdefault(" ".join(span.of(minutes.text).split()), []).append(index)
    if not noted and minutes.absent:
        listed = _header_list(minutes, minutes.absent)
        if listed:
            mark = context.citations.mark(minutes, None, minutes.header, listed)
            return Draft(
                f"{quote(listed.of(minutes.text))} {mark} – {context.place(minutes, None)}",
                Tier.ANSWER,
                ((minutes.id, -1),),
            )
    if not noted:
        return Draft(context.say("absence_not_stated", place=_meeting(context, minutes)), Tier.NOT_STATED)
    lines = []
    decided = [n for n, i in enumerate(minutes.items) if i.decision]
    for said, indexes in noted.items():
        item = minutes.items[indexes[0]]
        span = (
            next(s for s in item.decision.absence if " ".join(s.of(minutes.text).split()) == said)
            if item.decision
            else Span(0, 0)
        )
        section = item.of_kind(SectionKind.DECISION)[0]
        mark = context.citations.mark(minutes, item, section, span)
        key = "noted_throughout" if indexes == decided else "noted_under" if len(indexes) == 1 else "noted_several"
        where = context.say(key, number=item.number or "?", place=_meeting(context, minutes))
        lines.append(f"{quote(span.of(minutes.text))} {mark} – {where}")
    if minutes.attendees is None:
        lines.append(context.say("others_not_stated"))
    return Draft("\n\n".join(lines), Tier.ANSWER, tuple((minutes.id, i[0]) for i in noted.values()))


def _attended(context: Context, minutes: Minutes) -> Draft:
    if not minutes.attendees:
        return Draft(context.say("attendance_not_stated", place=_meeting(context, minutes)), Tier.NOT_STATED)
    span = _header_list(minutes, minutes.attendees)
    if span is None:
        return Draft(context.say("attendance_not_stated", place=_meeting(context, minutes)), Tier.NOT_STATED)
    mark = context.citations.mark(minutes, None, minutes.header, span)
    names = [x.bare for x in read_lines(span.of(minutes.text)) if x.bare]
    listed = (
        "\n".join(f"- {n}" for n in names) if all(looks_like_name(n) for n in names) else quote(span.of(minutes.text))
    )
    return Draft(
        f"{context.say('attended', place=_meeting(context, minutes))} {mark}\n{listed}",
        Tier.ANSWER,
        ((minutes.id, -1),),
    )


def _header_list(minutes: Minutes, names: tuple[str, ...]) -> Span | None:
    """From the line of the first name to the end of the line of the last."""
    header = minutes.text[: minutes.header.end]
    starts = [header.find(n) for n in names]
    if not starts or min(starts) < 0:
        return None
    begin = header.rfind("\n", 0, min(starts)) + 1
    end = header.find("\n", max(starts))
    begin += len(header[begin:]) - len(header[begin:].lstrip())
    return Span(begin, end if end > 0 else minutes.header.end)


def _meeting(context: Context, minutes: Minutes) -> str:
    return context.place(minutes, None).removesuffix(f", {context.say('header')}")
