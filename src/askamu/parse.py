"""Source -> Minutes: items, their sections, decisions, and what is known of the meeting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from askamu import metadata
from askamu.danish import fold
from askamu.decision import read_decision
from askamu.errors import NoItems, TooManyLines
from askamu.headings import Heading, find_headings, heading_kind
from askamu.layouts import FoundItem, read_case_number, segment
from askamu.lines import Line, is_nil, is_noise, is_page_number, read_lines
from askamu.load import Outline, OutlineItem, Source
from askamu.minutes import AgendaItem, MeetingDate, Minutes, Section, SectionKind
from askamu.privacy import hide_cpr
from askamu.texts import text as say
from askamu.vocabulary import table

UNDER_TITLE = 6  # lines of an item in which it says of itself that it is closed
PARSER_VERSION = "11"  # raise it with any change to what parse.py or chunk.py make of a document: it is read anew


MAX_LINES = 120_000  # of one document; the longest real one has some thousands


@dataclass(frozen=True, slots=True)
class _Own:
    """Whose meeting it is and when, for telling its decisions from other bodies'."""

    committee: str | None
    held_on: date | None


def parse(source: Source, language: str = "da") -> Minutes:
    """Read the minutes in a document.

    Every character of the text belongs to the header or to one item, and within an item to one section.

    Args:
        language: of the warnings.

    Raises:
        NoItems: if no agenda item is recognised.
    """
    hidden, numbers = hide_cpr(source.text)
    source = replace(source, text=hidden)
    minutes = _from_outline(source, source.outline) if source.outline is not None else _from_text(source)
    unread = tuple(say("ingest.attachment_unread", language, why=p.say(language)) for p in source.problems)
    return replace(minutes, warnings=(*_warnings(minutes, numbers, language), *unread))


def _from_text(source: Source) -> Minutes:
    text = source.text
    lines = read_lines(text)
    if len(lines) > MAX_LINES:
        raise TooManyLines(source.name, len(lines), MAX_LINES)
    segmentation = segment(lines)
    if segmentation is None:
        raise NoItems(source.name)
    found = segmentation.items
    headings = find_headings(lines)
    header = lines[: found[0].line]
    own = _own(header, headings)
    stops = [*(i.line for i in found[1:]), len(lines)]
    items = tuple(_read_item(text, lines, i, stop, headings, own) for i, stop in zip(found, stops, strict=True))
    header_end = lines[found[0].line].start
    held = metadata.read_date(header, text, items)
    if held.held_on is None and own.held_on is not None:
        named = say("evidence.headings", "da", date=f"{own.held_on:%d.%m.%Y}")
        held = MeetingDate(own.held_on, named, own.held_on, own.held_on)
    committee, _ = metadata.read_committee(header, text, items, held.held_on)
    absent = metadata.read_people(header, "absent")
    throughout = _absent_throughout(items)
    if not absent and throughout:
        absent = throughout
    attendees = metadata.read_people(header, "present")
    return Minutes(
        id=source.sha256[:16],
        source=source.name,
        text=text,
        municipality=metadata.read_municipality(text),
        committee=committee or own.committee,
        date=held,
        kind=metadata.read_kind(header, items),
        place=metadata.read_place(header),
        attendees=_present(attendees, absent),
        absent=tuple(metadata.bare_name(n) for n in absent) if absent is not None else None,
        header=Section(SectionKind.HEADER, "", 0, 0, header_end, nil=not text[:header_end].strip()),
        items=items,
        layout=segmentation.layout,
        confidence=segmentation.confidence,
        pages=source.pages,
        address=source.address,
    )


def _present(attendees: tuple[str, ...] | None, absent: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The members or participants listed, without those who are noted absent."""
    if attendees is None:
        return None
    away = {metadata.bare_name(n) for n in absent or ()}
    return tuple(n for n in map(metadata.bare_name, attendees) if n not in away)


def _own(header: Sequence[Line], headings: Mapping[int, Heading]) -> _Own:
    """The meeting's committee and day: from the header, else the body most decisions are headed by."""
    held = metadata.read_date(header, "", ()).held_on
    committee, _ = metadata.read_committee(header, "", (), held)
    named = [h for h in headings.values() if h.who and h.kind is SectionKind.DECISION]
    if committee is None and named:
        committee = Counter(h.who for h in named).most_common(1)[0][0]
    if held is None:
        days = Counter(h.day for h in named if h.day and _same_body(h.who, committee))
        held = days.most_common(1)[0][0] if days else None
    return _Own(committee, held)


def _same_body(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other

    def key(name: str) -> str:
        return re.sub(r"(?:et|en)$", "", re.sub(r"[^a-z]", "", fold(name)))

    return key(one) == key(other)


def _read_item(
    text: str, lines: Sequence[Line], found: FoundItem, stop: int, headings: Mapping[int, Heading], own: _Own
) -> AgendaItem:
    start = lines[found.line].start
    end = lines[stop].start if stop < len(lines) else len(text)
    sections = _sections(text, found, stop, lines, headings, own)
    case_number = None
    for line in lines[found.line : stop]:
        if line.start >= sections[0].end and sections[0].end > sections[0].start:
            break
        if line.start >= end:
            break
        case_number = case_number or read_case_number(line.bare)
        if len(sections) == 1 and case_number:
            break
    closed = found.heading.closed or _says_closed(lines[found.line : stop])
    if closed:
        sections[:1] = _public_heading(sections[0], lines[found.after : stop])
    item = AgendaItem(
        number=found.heading.number,
        title=found.heading.title,
        case_number=case_number,
        closed=closed,
        start=start,
        end=end,
        sections=tuple(sections),
        attachments=_attachments(text, sections),
        route=found.heading.route,
    )
    return _decided(text, item, own.committee)


def _public_heading(header: Section, below: Sequence[Line]) -> list[Section]:
    """The title block of a closed item up to the end of its heading and case number, and the rest, which says nothing
    to anybody."""
    end = min(below[0].start if below else header.end, header.end)
    for line in [x for x in below if not x.blank][:UNDER_TITLE]:
        if line.end <= header.end and read_case_number(line.bare):
            end = line.end
            break
    if not end < header.end:
        return [header]
    rest = Section(SectionKind.CASE, "", end, end, header.end, nil=True)
    return [replace(header, body=min(header.body, end), end=end), rest]


def _says_closed(lines: Sequence[Line]) -> bool:
    """Whether one of the first lines of an item says that it is closed."""
    filled = [x.bare for x in lines if not x.blank][:UNDER_TITLE]
    return any(re.search(p, bare, re.IGNORECASE) for bare in filled[1:] for p in table("items")["closed"]["lines"])


def _decided(text: str, item: AgendaItem, committee: str | None) -> AgendaItem:
    """The item with its decision read."""
    decisions = item.of_kind(SectionKind.DECISION)
    recommendations = item.of_kind(SectionKind.RECOMMENDATION)
    if not decisions or item.closed:
        return item
    recommendation = recommendations[-1] if recommendations else None
    decision = read_decision(text, decisions[0], recommendation, council=metadata.is_council(committee))
    return replace(item, decision=decision)


def _sections(
    text: str, found: FoundItem, stop: int, lines: Sequence[Line], headings: Mapping[int, Heading], own: _Own
) -> list[Section]:
    """The item cut at its section headings; the first section is the title block."""
    start = lines[found.line].start
    end = lines[stop].start if stop < len(lines) else len(text)
    inside = [(n, headings[n]) for n in range(found.after, stop) if n in headings]
    marked = any(lines[n].marked for n, _ in inside)
    cuts: list[tuple[SectionKind, str, int, int]] = [(SectionKind.HEADER, "", start, start)]
    for n, heading in inside:
        if marked and not lines[n].marked and heading.who is None:
            continue  # where headings are marked, an unmarked line of the same words is text
        kind = heading.kind
        if (
            kind is SectionKind.DECISION
            and heading.who is not None
            and not _is_own(heading, own, [h for _, h in inside])
        ):
            kind = SectionKind.HISTORY
        listed = cuts[-1][0] is SectionKind.ATTACHMENTS and any(c[0] is kind for c in cuts) and heading.who is None
        if listed:
            continue  # an attachment that is called »Indstilling«
        cuts.append((kind, heading.text, lines[n].start, min(heading.body, end)))
    sections = []
    for n, (kind, heading_text, begin, body) in enumerate(cuts):
        until = cuts[n + 1][2] if n + 1 < len(cuts) else end
        sections.append(Section(kind, heading_text, begin, body, until, nil=_empty(text, body, until, kind)))
    return sections


def _is_own(heading: Heading, own: _Own, beside: Sequence[Heading]) -> bool:
    """Whether a decision headed by a body and a day is this meeting's.

    Its body must be the meeting's. Where the same body decided on several days, it is the meeting's own day
    that counts.
    """
    if not _same_body(heading.who, own.committee):
        return False
    days = {h.day for h in beside if h.kind is SectionKind.DECISION and _same_body(h.who, own.committee)}
    return own.held_on is None or own.held_on not in days or heading.day == own.held_on


def _empty(text: str, start: int, end: int, kind: SectionKind) -> bool:
    """Whether a section says nothing. »Intet« is nothing in most sections, and a decision all the same."""
    if kind is SectionKind.HEADER:
        return False
    kept = "\n".join(x.bare for x in read_lines(text[start:end]) if not is_noise(x.bare) and not is_page_number(x.raw))
    return not kept.strip() if kind is SectionKind.DECISION else is_nil(kept)


def _attachments(text: str, sections: Sequence[Section]) -> tuple[str, ...]:
    names = []
    for section in sections:
        if section.kind is SectionKind.ATTACHMENTS:
            lines = read_lines(text[section.body : section.end])
            names += [x.bare for x in lines if not x.blank and not is_noise(x.bare) and not is_page_number(x.raw)]
    return tuple(names)


def _absent_throughout(items: Sequence[AgendaItem]) -> tuple[str, ...] | None:
    """Who is noted absent under most of the decisions; None if nobody is."""
    noted = [set(item.decision.absent) for item in items if item.decision and item.decision.absent]
    if not noted:
        return None
    decided = sum(1 for item in items if item.decision)
    always = [n for n in sorted(set.union(*noted)) if sum(n in people for people in noted) >= max(1, decided // 2)]
    return tuple(always) or None


def _warnings(minutes: Minutes, hidden: int, language: str) -> tuple[str, ...]:
    warnings = []
    if minutes.held_on is None:
        warnings.append(say("ingest.undated", language))
    items = enumerate(minutes.items, start=1)
    without = [i.number or str(n) for n, i in items if not i.closed and len(i.sections) == 1]
    if without:
        warnings.append(say("ingest.no_sections", language, items=", ".join(without)))
    if hidden:
        warnings.append(say("ingest.cpr_hidden", language, count=hidden))
    return tuple(warnings)


def _from_outline(source: Source, outline: Outline) -> Minutes:
    """Minutes of a format that tells its items and sections apart itself."""
    text = source.text
    if not outline.items:
        raise NoItems(source.name)
    ends = [*(i.start for i in outline.items[1:]), len(text)]
    items = tuple(
        _outline_item(text, item, end, outline.committee) for item, end in zip(outline.items, ends, strict=True)
    )
    held = MeetingDate(None, None)
    if outline.held_on is not None:
        held = MeetingDate(outline.held_on, outline.held_on.isoformat(), outline.held_on, outline.held_on)
    header_end = items[0].start
    return Minutes(
        id=source.sha256[:16],
        source=source.name,
        text=text,
        municipality=outline.municipality or metadata.read_municipality(_without_attachments(text, items)),
        committee=metadata.definite(outline.committee) if outline.committee else None,
        date=held,
        kind=outline.kind or ("referat" if any(i.decision for i in items) else "dagsorden"),
        place=outline.place,
        attendees=outline.attendees,
        absent=outline.absent,
        header=Section(SectionKind.HEADER, "", 0, 0, header_end, nil=not text[:header_end].strip()),
        items=items,
        layout="outline",
        confidence=1.0,
        pages=source.pages,
        address=source.address,
    )


def _without_attachments(text: str, items: Sequence[AgendaItem]) -> str:
    """What the meeting's own paper says: an attachment may be about another municipality."""
    return text[: items[0].start] + "".join(text[i.start : i.own_end] for i in items)


def _outline_item(text: str, item: OutlineItem, end: int, committee: str | None) -> AgendaItem:
    """The item up to the next one's start; white space between items and sections belongs to what stands before it."""
    starts = [*(told.start for told in item.sections), end]
    sections = [Section(SectionKind.HEADER, "", item.start, item.start, starts[0])]
    for told, until in zip(item.sections, starts[1:], strict=True):
        # A heading that no vocabulary knows opens a part of the case.
        kind = told.kind or heading_kind(told.heading) or SectionKind.CASE
        sections.append(
            Section(kind, told.heading, told.start, told.body, until, nil=_empty(text, told.body, until, kind))
        )
    return _decided(
        text,
        AgendaItem(
            number=item.number,
            title=item.title,
            case_number=item.case_number,
            closed=item.closed,
            start=item.start,
            end=end,
            sections=tuple(sections),
            attachments=item.attachments or _attachments(text, sections),
        ),
        committee,
    )
