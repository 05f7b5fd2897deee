"""Minutes -> Passages: stretches of one section, small enough to embed, cut where a reader would."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from askamu.lines import contents_title, is_noise, read_lines
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM, Passage
from askamu.sentences import sentences
from askamu.tables import Table, find_tables
from askamu.texts import day_text

CHUNK_TOKENS = 256  # 128 to 400 tokens retrieve alike, 512 and more are worse (docs/decisions.md)
FULL_ENOUGH = 0.5  # a passage at least this full ends before a paragraph that would not fit


def chunk(minutes: Minutes, count_tokens: Callable[[str], int], max_tokens: int = CHUNK_TOKENS) -> list[Passage]:
    """Cut every open section into passages.

    Closed items, empty sections and title blocks give none. A passage is exactly
    `minutes.text[start:end]`; tables are cut between rows, and a part that has lost its heading lines
    carries them in its context.

    Args:
        minutes: the parsed document.
        count_tokens: how many tokens the embedder sees in a text.
        max_tokens: the most a passage may have, its context not counted.
    """
    passages: list[Passage] = []
    if not minutes.header.nil:
        passages += _section_passages(minutes, None, -1, minutes.header, count_tokens, max_tokens)
    for index, item in enumerate(minutes.items):
        if item.closed:
            continue
        for section in item.sections:
            if section.kind is not SectionKind.HEADER and not section.nil:
                passages += _section_passages(minutes, item, index, section, count_tokens, max_tokens)
    return passages


def meeting_context(minutes: Minutes) -> str:
    """The meeting in words, as far as it is known: »Holstebro Kommune > Arbejdsmarkedsudvalget > 11. marts 2024«."""
    parts = []
    if minutes.municipality:
        parts.append(f"{minutes.municipality} Kommune")
    if minutes.committee:
        parts.append(minutes.committee)
    if minutes.held_on:
        parts.append(day_text(minutes.held_on, "da"))  # the minutes' language, whoever asks
    elif minutes.date.earliest:
        parts.append(str(minutes.date.earliest.year))
    return " > ".join(parts)


def _section_passages(
    minutes: Minutes, item: AgendaItem | None, index: int, section: Section, count: Callable[[str], int], limit: int
) -> Iterator[Passage]:
    text = minutes.text
    tables = find_tables(text, section.body, section.end) if item else []
    title = f"Punkt {item.number}: {item.title}" if item else "Mødet"
    context = " > ".join(p for p in (meeting_context(minutes), title, section.heading) if p)
    for span in pack(
        text, list(_paragraphs(text, section.body, section.end, tables, header=item is None)), count, limit
    ):
        header = next(
            (t.header for t in tables if t.header.end <= span.start < t.end and t.header.end > t.header.start), None
        )
        extra = "\n" + re.sub(r"\s+", " ", header.of(text)) if header else ""
        yield Passage(
            id=f"{minutes.id}.{index}.{span.start}.{span.end}",
            document=minutes.id,
            item=(item.number or str(index + 1)) if item else HEADER_ITEM,
            item_index=index,
            section=section.kind,
            heading=section.heading,
            start=span.start,
            end=span.end,
            text=span.of(text),
            context=context + extra,
        )


def _paragraphs(text: str, start: int, end: int, tables: Sequence[Table], *, header: bool) -> Iterator[list[Span]]:
    """Paragraphs as lists of the pieces they may be cut into: sentences, or a table's rows.

    Lines of the page are left out, and in the header the table of contents.
    """
    begin = None
    last = start
    for line in read_lines(text[start:end]):
        at, stop = line.start + start, line.end + start
        table = next((t for t in tables if t.start <= at < t.end), None)
        gone = is_noise(line.bare) or (header and contents_title(line.raw) is not None)
        ends = (line.blank and table is None) or gone or (table is not None and at == table.start)
        if ends and begin is not None:
            yield sentences(text, begin, last)
            begin = None
        if table is not None:
            if at == table.start:
                head = [table.header] if table.header.end > table.header.start else []
                yield [*head, *table.rows]
            continue
        if not line.blank and not gone:
            begin = at if begin is None else begin
            last = stop
    if begin is not None:
        yield sentences(text, begin, last)


def pack(text: str, paragraphs: Sequence[Sequence[Span]], count: Callable[[str], int], limit: int) -> list[Span]:
    """Join pieces into spans of at most `limit` tokens, preferring to end between paragraphs."""
    spans: list[Span] = []
    current: Span | None = None
    for paragraph in paragraphs:
        if not paragraph:
            continue
        whole = Span(paragraph[0].start, paragraph[-1].end)
        if current is not None:
            joined = Span(current.start, whole.end)
            if count(joined.of(text)) <= limit:
                current = joined
                continue
            if count(current.of(text)) >= limit * FULL_ENOUGH or count(whole.of(text)) <= limit:
                spans.append(current)
                current = None
        for piece in paragraph:
            for part in _fitting(text, piece, count, limit):
                if current is None:
                    current = part
                    continue
                joined = Span(current.start, part.end)
                if count(joined.of(text)) <= limit:
                    current = joined
                else:
                    spans.append(current)
                    current = part
    if current is not None:
        spans.append(current)
    return spans


def _fitting(text: str, piece: Span, count: Callable[[str], int], limit: int) -> list[Span]:
    """A piece, cut further where it alone is too long."""
    if count(piece.of(text)) <= limit:
        return [piece]
    spans, at = [], piece.start
    for part in _splitter(limit, count).split_text(piece.of(text)):
        found = text.index(part, at, piece.end)
        spans.append(Span(found, found + len(part)))
        at = found + len(part)
    return spans


@lru_cache(maxsize=4)
def _splitter(limit: int, count: Callable[[str], int]):  # type: ignore[no-untyped-def]
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    return RecursiveCharacterTextSplitter(
        separators=["\n", "; ", ", ", " ", ""],
        keep_separator="end",
        strip_whitespace=True,
        chunk_size=limit,
        chunk_overlap=0,
        length_function=count,
    )
