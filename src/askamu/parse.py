"""Source -> Minutes: items, their sections, decisions, and what is known of the meeting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from askamu import metadata
from askamu.decision import read_decision
from askamu.errors import NoItems
from askamu.layouts import FoundItem, read_case_number, segment
from askamu.lines import Line, heading_kind, is_nil, is_noise, read_lines
from askamu.load import Source
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind

PARSER_VERSION = "1"  # raise it with any change to what parse.py or chunk.py make of a document: it is read anew
# A heading that names another body and its date: that body's decision, not this committee's.
_OTHER_BODY = re.compile(r"^Beslutning(?:er)?\s+(?:fra|i)\s+[A-ZÆØÅ].{3,80}\d{4}", re.IGNORECASE)


def parse(source: Source) -> Minutes:
    """Read the minutes in a document.

    Every character of the text belongs to the header or to one item, and within an item to one section.

    Raises:
        NoItems: if no agenda item is recognised.
    """
    text = source.text
    lines = read_lines(text)
    segmentation = segment(lines)
    if segmentation is None:
        raise NoItems(source.name)
    found = segmentation.items
    items = tuple(
        _read_item(text, lines, item, found[i + 1].line if i + 1 < len(found) else len(lines))
        for i, item in enumerate(found)
    )
    header_lines = lines[: found[0].line]
    header_end = lines[found[0].line].start
    held = metadata.read_date(header_lines, text, items)
    committee, _ = metadata.read_committee(header_lines, text, items, held.held_on)
    attendees = metadata.read_people(header_lines, "present")
    absent = metadata.read_people(header_lines, "absent")
    if absent is None:
        absent = _absent_throughout(items)
    return Minutes(
        id=source.sha256[:16],
        source=source.name,
        text=text,
        municipality=metadata.read_municipality(text),
        committee=committee,
        date=held,
        kind=metadata.read_kind(header_lines, items),
        place=metadata.read_place(header_lines),
        attendees=tuple(metadata.bare_name(n) for n in attendees) if attendees is not None else None,
        absent=tuple(metadata.bare_name(n) for n in absent) if absent is not None else None,
        header=Section(SectionKind.HEADER, "", 0, 0, header_end, nil=not text[:header_end].strip()),
        items=items,
        layout=segmentation.layout,
        confidence=segmentation.confidence,
        warnings=_warnings(held.held_on is None, items),
    )


def _read_item(text: str, lines: Sequence[Line], found: FoundItem, stop: int) -> AgendaItem:
    start = lines[found.line].start
    end = lines[stop].start if stop < len(lines) else len(text)
    sections = _sections(text, lines, found, stop, start, end)
    head = sections[0]
    case_number = None
    for line in lines[found.after : stop]:
        if line.start >= head.end:
            break
        case_number = case_number or read_case_number(line.bare)
    item = AgendaItem(
        number=found.heading.number,
        title=found.heading.title,
        case_number=case_number,
        closed=found.heading.closed,
        start=start,
        end=end,
        sections=tuple(sections),
        attachments=_attachments(text, sections),
    )
    decisions = item.of_kind(SectionKind.DECISION)
    recommendations = item.of_kind(SectionKind.RECOMMENDATION)
    if not decisions or item.closed:
        return item
    return replace(item, decision=read_decision(text, decisions[0], recommendations[-1] if recommendations else None))


def _sections(text: str, lines: Sequence[Line], found: FoundItem, stop: int, start: int, end: int) -> list[Section]:
    """The item cut at its section headings; the first section is the title block."""
    marked = any(x.marked and heading_kind(x.bare) for x in lines[found.after : stop])
    cuts: list[tuple[SectionKind, str, int, int]] = [(SectionKind.HEADER, "", start, start)]
    for index in range(found.after, stop):
        line = lines[index]
        kind = heading_kind(line.bare)
        if kind is not None and marked and not line.marked:
            kind = None  # where headings are marked, an unmarked line of the same words is text
        if kind is None and _OTHER_BODY.match(line.bare) and len(line.bare) < 140:
            kind = SectionKind.HISTORY
        if kind is None:
            continue
        body = lines[index + 1].start if index + 1 < len(lines) else len(text)
        cuts.append((kind, line.bare.rstrip(" :"), line.start, min(body, end)))
    sections = []
    for n, (kind, heading, begin, body) in enumerate(cuts):
        until = cuts[n + 1][2] if n + 1 < len(cuts) else end
        sections.append(Section(kind, heading, begin, body, until, nil=_empty(text, body, until, kind)))
    return sections


def _empty(text: str, start: int, end: int, kind: SectionKind) -> bool:
    """Whether a section says nothing. »Intet« is nothing in most sections, and a decision all the same."""
    if kind is SectionKind.HEADER:
        return False
    kept = "\n".join(x.bare for x in read_lines(text[start:end]) if not is_noise(x.bare))
    return not kept.strip() if kind is SectionKind.DECISION else is_nil(kept)


def _attachments(text: str, sections: Sequence[Section]) -> tuple[str, ...]:
    names = []
    for section in sections:
        if section.kind is SectionKind.ATTACHMENTS:
            names += [
                x.bare for x in read_lines(text[section.body : section.end]) if not x.blank and not is_noise(x.bare)
            ]
    return tuple(names)


def _absent_throughout(items: Sequence[AgendaItem]) -> tuple[str, ...] | None:
    """Who is noted absent under every decision that notes anybody; None if none does."""
    noted = [set(item.decision.absent) for item in items if item.decision and item.decision.absent]
    if not noted:
        return None
    decided = sum(1 for item in items if item.decision)
    always = [n for n in sorted(set.union(*noted)) if sum(n in people for people in noted) >= max(1, decided // 2)]
    return tuple(always) or None


def _warnings(undated: bool, items: Sequence[AgendaItem]) -> tuple[str, ...]:
    warnings = []
    if undated:
        warnings.append("Mødets dato er ikke oplyst i referatet.")
    without = [i.number for i in items if not i.closed and len(i.sections) == 1]
    if without:
        warnings.append(f"Punkt {', '.join(str(n) for n in without)} har ingen afsnit, som blev genkendt.")
    return tuple(warnings)
