"""What is asked of a meeting itself: who attended and who did not, and where it was held; stated, or not stated."""

from __future__ import annotations

import re
from datetime import date

from askamu import texts
from askamu.compose.decision import MAX_DECISION, undated
from askamu.compose.draft import Context, Draft, escape, quote, quoted
from askamu.danish import words
from askamu.dates import find_dates
from askamu.lines import read_lines
from askamu.metadata import looks_like_name
from askamu.minutes import Minutes, SectionKind, Span, away
from askamu.passage import Tier
from askamu.question import OF_MEETING

MAX_MEETINGS = 12
MAX_PLACES = 4  # where one absence is noted, all of which are cited
_NAME = re.compile(r"\b[A-ZÆØÅ][\w-]+(?:\s+[A-ZÆØÅ][\w-]+)+")  # of a person


def compose(context: Context) -> Draft | None:
    """An answer on the meetings of a time that is named, newest first, else on the newest. None for other questions."""
    wants = context.question.wants
    if not wants & OF_MEETING or not context.meetings:
        return None
    rows = sorted(context.meetings, key=lambda m: m.held_on or m.earliest or date.min, reverse=True)
    filters = context.question.filters
    several = filters.date_from or filters.date_to or "held" in wants
    drafts = [_of(context, context.library.minutes(m.id)) for m in rows[: MAX_MEETINGS if several else 1]]
    told = [d for d in drafts if d is not None and d.tier is Tier.ANSWER]
    if not told:
        return drafts[0]
    text = "\n\n".join(dict.fromkeys(d.text for d in told))
    if several and len(rows) > MAX_MEETINGS:
        text += f"\n\n*{context.say('list_more')}*"
    return Draft(text, Tier.ANSWER, tuple(place for d in told for place in d.used))


def votes(context: Context) -> Draft | None:
    """How the votes fell on the best item, whole: a vote says nothing without what was voted on. None without one."""
    hit = context.ranking.items[0]
    minutes, item = context.minutes(hit), context.item(hit)
    if item is None or item.decision is None or not item.decision.votes:
        return None
    section = item.of_kind(SectionKind.DECISION)[0]
    said = context.cite(minutes, item, section, quoted(minutes, item.decision), MAX_DECISION)
    return Draft(f"{said}\n\n– {context.place(minutes, item)}", Tier.ANSWER, (hit.place,))


def _of(context: Context, minutes: Minutes) -> Draft | None:
    wants = context.question.wants
    if "held" in wants:
        return _held(context, minutes)
    if "place" in wants:
        return _place(context, minutes)
    return _absent(context, minutes) if "absent" in wants else _attended(context, minutes)


def _held(context: Context, minutes: Minutes) -> Draft:
    """When a meeting was held, with the words that tell it."""
    if minutes.held_on is None:
        return Draft(f"{_meeting(context, minutes)}: *{escape(undated(context, minutes))}*", Tier.ANSWER)
    day = texts.day_text(minutes.held_on, context.language)
    header = minutes.text[: minutes.header.end]
    told = next((Span(d.start, d.end) for d in find_dates(header) if d.day == minutes.held_on), None)
    if told is None:
        return Draft(f"{_meeting(context, minutes)}: {day}", Tier.ANSWER, ((minutes.id, -1),))
    mark = context.citations.mark(minutes, None, minutes.header, told)
    return Draft(f"{_meeting(context, minutes)}: {day} {mark}", Tier.ANSWER, ((minutes.id, -1),))


def _place(context: Context, minutes: Minutes) -> Draft | None:
    start = minutes.text.find(minutes.place, 0, minutes.header.end) if minutes.place else -1
    if start < 0:
        return None
    line = Span(minutes.text.rfind("\n", 0, start) + 1, start + len(minutes.place or ""))
    mark = context.citations.mark(minutes, None, minutes.header, line)
    return Draft(
        f"{quote(line.of(minutes.text))} {mark} – {context.place(minutes, None)}", Tier.ANSWER, ((minutes.id, -1),)
    )


def _absent(context: Context, minutes: Minutes) -> Draft:
    """Who was away, or for how long; of a person whom the question names only what is noted of that person."""
    noted: dict[str, list[tuple[int, Span]]] = {}
    for index, item in enumerate(minutes.items):
        if item.decision:
            for span in dict.fromkeys(away(item.decision)):
                noted.setdefault(" ".join(span.of(minutes.text).split()), []).append((index, span))
    asked = set(words(context.question.completed))
    of_person = {
        said: places for said, places in noted.items() if any(asked & set(words(n)) for n in _NAME.findall(said))
    }
    noted = of_person or noted
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
    for said, places in noted.items():
        throughout = [index for index, _ in places] == decided
        shown = places[:1] if throughout or len(places) > MAX_PLACES else places
        marks = "".join(_mark(context, minutes, index, span) for index, span in shown)
        key = "noted_throughout" if throughout else "noted_several" if len(shown) < len(places) else "noted_under"
        numbers = ", ".join(minutes.items[index].number or "?" for index, _ in shown)
        lines.append(f"{quote(said)} {marks} – {context.say(key, number=numbers, place=_meeting(context, minutes))}")
    if minutes.attendees is None and not of_person:
        lines.append(context.say("others_not_stated"))
    return Draft("\n\n".join(lines), Tier.ANSWER, tuple((minutes.id, places[0][0]) for places in noted.values()))


def _mark(context: Context, minutes: Minutes, index: int, span: Span) -> str:
    item = minutes.items[index]
    section = next(s for s in item.sections if s.start <= span.start < s.end)
    return context.citations.mark(minutes, item, section, span)


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
