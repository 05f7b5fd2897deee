"""An Answer -> what a person or a program reads. Functions here return text; they print nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from askamu.minutes import AgendaItem, Minutes, SectionKind
from askamu.passage import HEADER_ITEM, Answer, Citation, Filters, Related
from askamu.texts import text


def as_record(answer: Answer, id: str | int | None = None) -> dict[str, Any]:
    """The answer record, ready for JSON (docs/answers.md)."""
    return {
        "id": id,
        "question": answer.question,
        "completed_question": answer.completed_question,
        "language": answer.language,
        "kind": answer.kind.value,
        "tier": answer.tier.value,
        "answer": answer.text,
        "abstained": answer.abstained,
        "coverage": {
            "meetings": answer.coverage.meetings,
            "from": answer.coverage.first.isoformat() if answer.coverage.first else None,
            "to": answer.coverage.last.isoformat() if answer.coverage.last else None,
            "committees": list(answer.coverage.committees),
        },
        "filters": answer.filters.as_record(),
        "citations": [
            {
                "n": c.n,
                "passage_id": c.passage_id,
                "source": c.source,
                "municipality": c.municipality,
                "committee": c.committee,
                "date": c.held_on.isoformat() if c.held_on else None,
                "date_text": c.date_text,
                "item": c.item,
                "title": c.title,
                "case_number": c.case_number,
                "section": c.section.value,
                "heading": c.heading,
                "quote": c.quote,
                "start": c.start,
                "end": c.end,
                "page": c.page,
                "permalink": c.permalink,
            }
            for c in answer.citations
        ],
        "retrieved": [
            {"source": r.source, "item": r.item, "section": r.section.value, "score": r.score} for r in answer.retrieved
        ],
        "related": [
            {
                "source": r.source,
                "item": r.item,
                "title": r.title,
                "municipality": r.municipality,
                "date_text": r.date_text,
            }
            for r in answer.related
        ],
        "warnings": list(answer.warnings),
        "model": {"embedder": answer.embedder, "reranker": answer.reranker, "llm": answer.llm},
        "verification": asdict(answer.verification) if answer.verification else None,
        "timings_ms": answer.timings_ms,
    }


def as_markdown(answer: Answer) -> str:
    """The answer's text. What comes from minutes was made harmless where it was quoted (compose.draft.escape)."""
    return answer.text


def parse_record(minutes: Minutes) -> dict[str, Any]:
    """The parse record, ready for JSON. Sections that say nothing are left out."""
    return {
        "source": minutes.source,
        "municipality": minutes.municipality,
        "committee": minutes.committee,
        "date": minutes.held_on.isoformat() if minutes.held_on else None,
        "date_evidence": minutes.date.evidence,
        "kind": minutes.kind,
        "place": minutes.place,
        "attendees": list(minutes.attendees) if minutes.attendees is not None else None,
        "absent": list(minutes.absent) if minutes.absent is not None else None,
        "layout": minutes.layout,
        "confidence": minutes.confidence,
        "header": {"start": minutes.header.start, "end": minutes.header.end},
        "items": [_item_record(minutes.text, item) for item in minutes.items],
        "warnings": list(minutes.warnings),
    }


def _item_record(source: str, item: AgendaItem) -> dict[str, Any]:
    decision = item.decision
    return {
        "number": item.number,
        "title": item.title,
        "case_number": item.case_number,
        "closed": item.closed,
        "start": item.start,
        "end": item.end,
        "sections": [
            {"kind": s.kind.value, "heading": s.heading, "start": s.start, "end": s.end}
            for s in item.sections
            if s.kind is not SectionKind.HEADER and not s.nil
        ],
        "decision": {
            "text": source[decision.start : decision.end],
            "outcomes": [o.value for o in decision.outcomes],
            "adopts": [source[s.start : s.end] for s in decision.adopts],
            "additions": [source[s.start : s.end] for s in decision.additions],
            "absent": list(decision.absent),
            "votes": [source[s.start : s.end] for s in decision.votes],
            "notes": [{"kind": n.kind.value, "text": source[n.span.start : n.span.end]} for n in decision.notes],
            "final": decision.final,
        }
        if decision
        else None,
        "attachments": list(item.attachments),
    }


def by_item(citations: Sequence[Citation]) -> list[list[Citation]]:
    """Citations gathered by agenda item, in the order of their first mark."""
    found: dict[tuple[str, str], list[Citation]] = {}
    for citation in citations:
        found.setdefault((citation.document, citation.item), []).append(citation)
    return list(found.values())


def place_line(citation: Citation, language: str) -> str:
    """The item a citation is from: »Holstebro, …udvalget, 11.03.2024, punkt 7 »Isbryderordning«, 15.00.15-P16-1-23«."""
    parts = [p for p in (citation.municipality, citation.committee, citation.date_text) if p]
    if citation.item != HEADER_ITEM:
        title = f" »{citation.title}«" if citation.title else ""
        parts.append(text("answer.item", language, number=citation.item) + title)
    if citation.case_number:
        parts.append(citation.case_number)
    return ", ".join(parts)


def related_line(related: Related, language: str) -> str:
    """»Holstebro, 11.03.2024, punkt 4 »Årsregnskab 2023««."""
    parts = [p for p in (related.municipality, related.date_text) if p]
    return ", ".join([*parts, f"{text('answer.item', language, number=related.item)} »{related.title}«"])


def filters_line(filters: Filters) -> str:
    """The filters in one line, "" if there are none."""
    period = ""
    if filters.date_from or filters.date_to:
        first = f"{filters.date_from:%d.%m.%Y}" if filters.date_from else ""
        last = f"{filters.date_to:%d.%m.%Y}" if filters.date_to else ""
        period = first if first == last else f"{first}–{last}"
    return ", ".join(p for p in (filters.municipality, filters.committee, period, filters.case_number) if p)
