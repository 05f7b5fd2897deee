"""A quoted stretch -> the reference a clerk writes under it, and the link that leads back to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from askamu import texts
from askamu.cite import plain, short_date
from askamu.errors import NotQuotable
from askamu.minutes import AgendaItem, Minutes, Outcome, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM, permalink
from askamu.vocabulary import table

AGENDA = "dagsorden"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch stands: in one section of one item, or of what stands before the first item."""

    item: AgendaItem | None
    number: str  # the item's, as printed or counted; "0" before the first
    section: Section


def place(minutes: Minutes, span: Span) -> Place:
    """Where a stretch stands.

    Raises:
        NotQuotable: if it is not in the text, says nothing, leaves its section, or is not public.
    """
    if not 0 <= span.start < span.end <= len(minutes.text) or not span.of(minutes.text).strip():
        raise NotQuotable("outside")
    found = next(((n, i) for n, i in enumerate(minutes.items, 1) if i.start <= span.start < i.end), None)
    if found is None:
        if not minutes.header.start <= span.start < span.end <= minutes.header.end:
            raise NotQuotable("across")
        return Place(None, HEADER_ITEM, minutes.header)
    index, item = found
    if item.closed and not item.sections[0].start <= span.start < span.end <= item.sections[0].end:
        raise NotQuotable("closed")
    section = next((s for s in _sections(item) if s.start <= span.start < span.end <= s.end), None)
    if section is None:
        raise NotQuotable("across")
    return Place(item, item.number or str(index), section)


def reference(minutes: Minutes, span: Span, language: str) -> str:
    """Where a quote is from, as it stands under it; plain text, and nothing in it is guessed.

    »Greve Kommune, Byrådet, referat af mødet den 12. marts 2024, punkt 3 »Titel«, sagsnr. 24-1, afsnittet Indstilling
    (en indstilling, ikke en beslutning), s. 4«

    Raises:
        NotQuotable: as `place` does.
    """
    where = place(minutes, span)
    parts = [official_name(minutes.municipality, language), minutes.committee, meeting(minutes, language)]
    if where.item is None:
        parts.append(texts.text("reference.before_items", language))
    else:
        parts.append(_item(where.number, where.item, language))
        if where.item.case_number:
            parts.append(texts.text("reference.case_number", language, number=where.item.case_number))
        parts.append(_section(where, language))
    parts.append(_pages(minutes, span, language))
    return ", ".join(" ".join(part.split()) for part in parts if part)


def short_reference(minutes: Minutes, span: Span, language: str) -> str:
    """»Greve Kommune, Byrådet, 12.03.2024, punkt 3 »Titel«, afsnittet Beslutning«: no case number, no page.

    Raises:
        NotQuotable: as `place` does.
    """
    where = place(minutes, span)
    day = short_date(minutes, language) if minutes.held_on else texts.text("date.unknown", language)
    parts = [official_name(minutes.municipality, language), minutes.committee, day]
    if where.item is None:
        parts.append(texts.text("reference.before_items", language))
    else:
        parts += [_item(where.number, where.item, language), _section(where, language)]
    return ", ".join(" ".join(part.split()) for part in parts if part)


def link(minutes: Minutes, span: Span) -> str:
    """The path of the page that shows the stretch in its item. Raises NotQuotable as `place` does."""
    return permalink(minutes.id, place(minutes, span).number, span.start, span.end)


def quote_with_reference(minutes: Minutes, span: Span, language: str, base: str = "") -> str:
    """The quote in »…«, below it its reference, and its link where the address of the site is known.

    Args:
        base: address of the site, »https://referater.greve.dk«; "" where there is none.

    Raises:
        NotQuotable: as `place` does.
    """
    lines = [f"»{plain(span.of(minutes.text))}«", reference(minutes, span, language)]
    if base:
        lines.append(f"{base.rstrip('/')}{link(minutes, span)}#citat")
    return "\n".join(lines)


def official_name(municipality: str | None, language: str) -> str:
    """»Greve Kommune«, »Bornholms Regionskommune«; "" where none is known."""
    if not municipality or municipality.casefold().endswith("kommune"):
        return municipality or ""
    named: str | None = table("municipalities")["official"].get(municipality)
    return named or texts.text("reference.municipality", language, name=municipality)


def meeting(minutes: Minutes, language: str) -> str:
    """»referat af mødet den 12. marts 2024«; of an undated meeting that it is, and what hints at its date."""
    kind = minutes.kind
    form = "agenda" if kind.endswith(AGENDA) else "minutes"
    if minutes.held_on:
        when = texts.day_text(minutes.held_on, language)
        return texts.text(f"reference.{form}_dated", language, kind=kind, when=when)
    hint = texts.restated(minutes.date.evidence or "", "evidence", language)
    first, last = minutes.date.earliest, minutes.date.latest
    year = f"{first.year}, " if first and last and first.year == last.year else ""
    why = "; ".join(part for part in (year + texts.text("date.unknown", language), hint) if part)
    return texts.text(f"reference.{form}_undated", language, kind=kind, why=why)


def _sections(item: AgendaItem) -> list[Section]:
    """The sections of an item, and the text between them as sections without a heading."""
    edges = [item.start, *(edge for s in item.sections for edge in (s.start, s.end)), item.end]
    between = [Section(SectionKind.CASE, "", a, a, b) for a, b in list(pairwise(edges))[::2] if a < b]
    return [*item.sections, *between]


def _item(number: str, item: AgendaItem, language: str) -> str:
    title = f" »{plain(item.title)}«" if item.title else ""
    return texts.text("reference.item", language, number=number) + title


def caution(where: Place, language: str) -> str:
    """What is to be known of a stretch lest it be taken for a decision: »en indstilling, ikke en beslutning«, or ""."""
    decision = where.item.decision if where.item else None
    sent_on = decision is not None and not decision.final and Outcome.RECOMMENDED in decision.outcomes
    notes = {
        SectionKind.RECOMMENDATION: "is_recommendation",
        SectionKind.HISTORY: "is_history",
        SectionKind.ATTACHMENT_TEXT: "is_attachment",
        SectionKind.DECISION: "is_not_final" if sent_on else "",
    }
    key = notes.get(where.section.kind)
    return texts.text(f"reference.{key}", language) if key else ""


def _section(where: Place, language: str) -> str:
    """»afsnittet Indstilling (en indstilling, ikke en beslutning)«."""
    section, item = where.section, where.item
    if section.kind is SectionKind.HEADER:
        closed = f" ({texts.text('reference.is_closed', language)})" if item and item.closed else ""
        return texts.text("reference.heading", language) + closed
    heading = plain(section.heading).rstrip(":")
    if section.kind is SectionKind.ATTACHMENT_TEXT:
        name = heading or texts.text("reference.attachment", language)
    else:
        name = texts.text("reference.section", language, heading=heading) if heading else ""
    note = caution(where, language)
    return f"{name} ({note})".strip() if note else name


def _pages(minutes: Minutes, span: Span, language: str) -> str:
    first, last = minutes.page(span.start), minutes.page(span.end - 1)
    if first is None or last is None:
        return ""
    return texts.text("reference.page", language, page=str(first) if first == last else f"{first}-{last}")
