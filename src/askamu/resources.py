"""Meetings, items, passages and searches as records: what a program reads, from the API or through MCP.

Of a closed item nothing but its public heading and its case number is in any of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from askamu import answer as answering
from askamu import links
from askamu.cite import date_text
from askamu.corrections import Found, current, find_at
from askamu.errors import NotStored
from askamu.library import Library
from askamu.links import HEADER_INDEX
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM, Filters
from askamu.record import MeetingRow
from askamu.retrieve import retrieve

MOST_FOUND = 50
AROUND = 400  # characters of the item before and after a passage
_ITEM_ID = re.compile(r"([0-9A-Za-z_-]{1,64}):(\d{1,5})", re.ASCII)
_PASSAGE_ID = re.compile(r"([0-9A-Za-z_-]{1,64})\.(-1|\d{1,5})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


def meeting_row_record(row: MeetingRow) -> dict[str, Any]:
    """A meeting in a list; what its minutes do not say is None."""
    return {
        "id": row.id,
        "source": row.source,
        "municipality": row.municipality,
        "committee": row.committee,
        "held_on": row.held_on.isoformat() if row.held_on else None,
        "earliest": row.earliest.isoformat() if row.earliest else None,
        "latest": row.latest.isoformat() if row.latest else None,
        "kind": row.kind,
        "items": row.items,
        "closed": row.closed,
        "passages": row.passages,
        "permalink": links.meeting_path(row.id),
    }


def meetings_record(library: Library, filters: Filters, offset: int = 0, limit: int | None = None) -> dict[str, Any]:
    """The meetings that pass the filters, by municipality and committee, the newest first."""
    rows = library.allowed(filters)
    shown = rows[offset:] if limit is None else rows[offset : offset + limit]
    return {
        "count": len(rows),
        "offset": offset,
        "next_offset": offset + len(shown) if offset + len(shown) < len(rows) else None,
        "meetings": [meeting_row_record(row) for row in shown],
    }


def meeting_record(library: Library, document: str, language: str = "da") -> dict[str, Any]:
    """One meeting with its agenda.

    Raises:
        NotStored
    """
    now = current(library, document)
    minutes, row = library.minutes(now), library.meeting(now)
    published = links.published_at(minutes)
    return {
        **meeting_row_record(row),
        "asked_for": document,
        "corrected": now != document,
        "date_text": date_text(minutes, language),
        "date_evidence": minutes.date.evidence,
        "place": minutes.place,
        "attendees": list(minutes.attendees) if minutes.attendees is not None else None,
        "absent": list(minutes.absent) if minutes.absent is not None else None,
        "published_at": published[0] if published else None,
        "warnings": list(minutes.warnings),
        "agenda": [item_line(minutes, index) for index in range(len(minutes.items))],
    }


def item_line(minutes: Minutes, index: int) -> dict[str, Any]:
    """An item in its agenda."""
    item = minutes.items[index]
    return {
        "id": links.item_id(minutes.id, index),
        "number": links.item_number(minutes, index),
        "title": item.title,
        "case_number": item.case_number,
        "closed": item.closed,
        "outcomes": [o.value for o in item.decision.outcomes] if item.decision and not item.closed else [],
        "final": item.decision.final if item.decision and not item.closed else None,
        "permalink": links.item_path(minutes, index),
    }


def item_record(library: Library, id: str, language: str = "da") -> dict[str, Any]:
    """One item with the text of its sections.

    Args:
        id: »document:place«, the place counted from 0 (`links.item_id`).

    Raises:
        NotStored
    """
    read = _ITEM_ID.fullmatch(id)
    if not read:
        raise NotStored("item")
    return found_item_record(library, find_at(library, read[1], int(read[2])), id, language)


def found_item_record(library: Library, found: Found, asked_for: str, language: str) -> dict[str, Any]:
    minutes, index, item = found.minutes, found.index, found.item
    if item is None:
        raise NotStored("item")
    return {
        **item_line(minutes, index),
        "asked_for": asked_for,
        "corrected": found.corrected,
        "meeting": _meeting_of(minutes, language),
        "case_permalink": links.case_path(item.case_number) if item.case_number else None,
        "page": minutes.page(item.start),
        "start": item.start,
        "end": item.end,
        "sections": [_section_record(minutes, section) for section in open_sections(item)],
        "decision": _decision_record(minutes, index),
        "attachments": [] if item.closed else list(item.attachments),
        "previous": links.item_id(minutes.id, index - 1) if index else None,
        "next": links.item_id(minutes.id, index + 1) if index + 1 < len(minutes.items) else None,
    }


def open_sections(item: AgendaItem) -> Sequence[Section]:
    """The sections whose text may be given: all but the heading's own; none of a closed item."""
    return () if item.closed else [s for s in item.sections if s.kind is not SectionKind.HEADER]


def _section_record(minutes: Minutes, section: Section) -> dict[str, Any]:
    return {
        "kind": section.kind.value,
        "heading": section.heading,
        "start": section.start,
        "end": section.end,
        "page": minutes.page(section.start),
        "text": minutes.text[section.start : section.end],
    }


def _decision_record(minutes: Minutes, index: int) -> dict[str, Any] | None:
    item = minutes.items[index]
    decision = item.decision
    if decision is None or item.closed:
        return None
    span = Span(decision.start, decision.end)
    return {
        "text": span.of(minutes.text),
        "outcomes": [o.value for o in decision.outcomes],
        "final": decision.final,
        "adopts": [s.of(minutes.text) for s in decision.adopts],
        "additions": [s.of(minutes.text) for s in decision.additions],
        "votes": [s.of(minutes.text) for s in decision.votes],
        "start": span.start,
        "end": span.end,
        "permalink": links.item_path(minutes, index, span)
        if span.start < span.end
        else links.item_path(minutes, index),
    }


def _meeting_of(minutes: Minutes, language: str) -> dict[str, Any]:
    return {
        "id": minutes.id,
        "source": minutes.source,
        "municipality": minutes.municipality,
        "committee": minutes.committee,
        "held_on": minutes.held_on.isoformat() if minutes.held_on else None,
        "date_text": date_text(minutes, language),
        "permalink": links.meeting_path(minutes.id),
    }


def read_passage_id(id: str) -> tuple[str, int, Span]:
    """(document, place of the item or -1, span).

    Raises:
        NotStored: if it is none.
    """
    read = _PASSAGE_ID.fullmatch(id)
    if not read or int(read[3]) >= int(read[4]):
        raise NotStored("passage")
    return read[1], int(read[2]), Span(int(read[3]), int(read[4]))


def find_passage(library: Library, id: str) -> Found:
    """Where the passage with an id stands today.

    Raises:
        NotStored: also where its place is not inside one open item.
    """
    document, index, span = read_passage_id(id)
    found = find_at(library, document, index, span)
    if not found.corrected:
        start, end = _bounds(found.minutes, found.item)
        if not (found.span and start <= span.start < span.end <= end):
            raise NotStored("passage")
    return found


def _bounds(minutes: Minutes, item: AgendaItem | None) -> tuple[int, int]:
    """Of a closed item its heading."""
    if item is None:
        return 0, minutes.header.end
    head = item.sections[0] if item.sections else None
    return (item.start, head.end if head else item.start) if item.closed else (item.start, item.end)


def passage_record(library: Library, id: str, language: str = "da") -> dict[str, Any]:
    """A passage word for word, with what stands around it, and what became of it when its minutes were corrected.

    `status` is "current", or of corrected minutes "unchanged" (the words stand there still), "changed" (they don't),
    or "unknown" (what was quoted is not kept any more, or may not be shown).

    Raises:
        NotStored
    """
    found = find_passage(library, id)
    minutes, item, span = found.minutes, found.item, found.span
    start, end = _bounds(minutes, item)
    inside = span is not None and start <= span.start < span.end <= end
    section = next((s for s in (item.sections if item else ()) if span and s.start <= span.start < s.end), None)
    status = ("unchanged" if inside else "changed" if found.was else "unknown") if found.corrected else "current"
    return {
        "id": links.passage_id(minutes.id, found.index, span) if inside and span else None,
        "asked_for": id,
        "status": status,
        "was": found.was,
        "text": span.of(minutes.text) if inside and span else None,
        "before": minutes.text[max(start, span.start - AROUND) : span.start] if inside and span else None,
        "after": minutes.text[span.end : min(end, span.end + AROUND)] if inside and span else None,
        "start": span.start if inside and span else None,
        "end": span.end if inside and span else None,
        "page": minutes.page(span.start) if inside and span else None,
        "section": (section.kind if section else SectionKind.HEADER).value if inside else None,
        "heading": section.heading if section and inside else "",
        "item": links.item_number(minutes, found.index) if item else HEADER_ITEM,
        "item_id": links.item_id(minutes.id, found.index) if item else None,
        "title": item.title if item else "",
        "case_number": item.case_number if item else None,
        "closed": bool(item and item.closed),
        "meeting": _meeting_of(minutes, language),
        "permalink": links.item_path(minutes, found.index, span if inside else None),
    }


def search_record(
    library: Library,
    query: str,
    filters: Filters,
    sections: Sequence[SectionKind] = (),
    limit: int = 10,
    offset: int = 0,
    language: str | None = None,
) -> dict[str, Any]:
    """Passages found for a query, best first: what answers rest on, without an answer.

    Limits that the query names (a municipality, a year) hold, as in a question, unless they are lifted.

    Raises:
        UnknownFilter, QuestionEmpty, QuestionTooLong
    """
    context = answering.read(library, query, (), filters, language)
    question, hits, meetings = context.question, context.ranking.hits, context.meetings
    case_number = question.case_number or filters.case_number
    places = set(library.record.find_case(library.generation, case_number)) if case_number else None
    if hits and (sections or places is not None):
        held = {document for document, _ in places or ()}
        meetings = [m for m in meetings if places is None or m.id in held]
        hits = retrieve(library, question, meetings, sections).hits
    found = [h for h in hits if places is None or (h.passage.document, h.passage.item_index) in places]
    found = [h for h in found if not _is_secret(library, h.passage.document, h.passage.item_index, h.passage.section)]
    shown = found[offset : offset + limit]
    return {
        "query": question.asked,
        "filters": question.filters.as_record() | {"case_number": case_number},
        "count": len(found),
        "offset": offset,
        "next_offset": offset + len(shown) if offset + len(shown) < len(found) else None,
        "passages": [
            _hit_record(library.minutes(h.passage.document), h.passage.item_index, h, question.language) for h in shown
        ],
    }


def _is_secret(library: Library, document: str, index: int, section: SectionKind) -> bool:
    if index == HEADER_INDEX:
        return False
    return library.minutes(document).items[index].closed and section is not SectionKind.HEADER


def _hit_record(minutes: Minutes, index: int, hit: Any, language: str) -> dict[str, Any]:
    passage = hit.passage
    item = None if index == HEADER_INDEX else minutes.items[index]
    span = Span(passage.start, passage.end)
    return {
        "id": passage.id,
        "score": round(hit.score, 4),
        "dense": round(hit.dense, 4),
        "lexical": round(hit.lexical, 4),
        "source": minutes.source,
        "municipality": minutes.municipality,
        "committee": minutes.committee,
        "date": minutes.held_on.isoformat() if minutes.held_on else None,
        "date_text": date_text(minutes, language),
        "item": passage.item,
        "item_id": links.item_id(minutes.id, index) if item else None,
        "title": item.title if item else "",
        "case_number": item.case_number if item else None,
        "closed": bool(item and item.closed),
        "section": passage.section.value,
        "heading": passage.heading,
        "quote": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": minutes.page(passage.start),
        "permalink": links.item_path(minutes, index, span),
    }
