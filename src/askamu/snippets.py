"""What of an item can be quoted: its sentences, lists with their leads, and table rows with their headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from askamu.lines import is_noise, read_lines
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.sentences import sentences
from askamu.tables import find_tables

MAX_LIST = 700  # characters of a list that is quoted with its lead
MAX_SENTENCE = 900
NOT_QUOTED = {SectionKind.HEADER, SectionKind.ATTACHMENTS, SectionKind.ATTACHMENT_TEXT}  # unless asked for or found


@dataclass(frozen=True, slots=True)
class Snippet:
    """A sentence, a list with its lead, or a table row with its heading lines."""

    minutes: Minutes
    item: AgendaItem | None
    section: Section
    spans: tuple[Span, ...]  # quoted in this order; a table's heading comes first
    context: str  # the sub-heading above

    @property
    def text(self) -> str:
        return " ".join(span.of(self.minutes.text) for span in self.spans)

    @property
    def is_row(self) -> bool:
        return len(self.spans) > 1


def item_snippets(
    minutes: Minutes, item: AgendaItem | None, kinds: Iterable[SectionKind] | None = None
) -> list[Snippet]:
    """All that can be quoted of an item, in order; of the header where item is None."""
    sections = item.sections if item else (minutes.header,)
    wanted = set(kinds) if kinds is not None else set(SectionKind) - NOT_QUOTED
    found: list[Snippet] = []
    for section in sections:
        if section.nil or (item is not None and section.kind not in wanted):
            continue
        found += section_snippets(minutes, item, section)
    return found


def section_snippets(minutes: Minutes, item: AgendaItem | None, section: Section) -> list[Snippet]:
    """All that can be quoted of one section, in order."""
    text = minutes.text
    tables = find_tables(text, section.body, section.end)
    if section.kind is SectionKind.ATTACHMENTS:
        lines = [x for x in read_lines(text[section.body : section.end]) if x.bare and not is_noise(x.bare)]
        whole = Span(section.body + lines[0].start, section.body + lines[-1].end)
        return [Snippet(minutes, item, section, (whole,), "")]
    found: list[Snippet] = []
    at = section.body
    heading = ""
    for table in [*tables, None]:
        stop = table.start if table else section.end
        prose, heading = _prose(minutes, item, section, at, stop, heading)
        found += prose
        if table:
            head = (table.header,) if table.header.end > table.header.start else ()
            found += [Snippet(minutes, item, section, (*head, row), heading) for row in table.rows]
            at = table.end
    return found


def _prose(
    minutes: Minutes, item: AgendaItem | None, section: Section, start: int, end: int, heading: str
) -> tuple[list[Snippet], str]:
    text = minutes.text
    spans = [s for s in sentences(text, start, end) if not is_noise(s.of(text).strip())]
    found: list[Snippet] = []
    skip = 0
    for n, span in enumerate(spans):
        if n < skip:
            continue
        said = span.of(text)
        if _is_subheading(said) and n + 1 < len(spans):
            heading = said
            continue
        if said.rstrip().endswith(":"):
            skip = _list_end(text, spans, n)
            span = Span(span.start, spans[skip - 1].end)
        if span.end - span.start <= MAX_SENTENCE or said.rstrip().endswith(":"):
            found.append(Snippet(minutes, item, section, (span,), heading))
        else:
            found.append(Snippet(minutes, item, section, (Span(span.start, span.start + len(said)),), heading))
    return found, heading


def _list_end(text: str, spans: Sequence[Span], lead: int) -> int:
    """The index after the last entry of the list that a lead (»…:«) opens."""
    last = lead + 1
    while last < len(spans):
        said = spans[last].of(text)
        entry = re.match(r"[-–•*·▪]|\d{1,2}[.)]", said) or (
            len(said) < 130 and (last == lead + 1 or "\n" in text[spans[last - 1].end : spans[last].start])
        )
        if not entry or spans[last].end - spans[lead].start > MAX_LIST:
            break
        last += 1
    return last


def _is_subheading(said: str) -> bool:
    plain = said.strip(" *#_")
    return (
        len(plain) <= 70
        and "\n" not in plain
        and not plain.endswith((".", ":", "?", "!", ",", ";"))
        and not re.search(r"\d\s?%|\d{3}", plain)
    )
