"""What a language model is given: passages as data, each sentence under a mark that nobody can guess.

The answer without a model says which passages count; they come first, then the decision and the recommendation of
their items, then what else was found, as long as the budget of tokens lasts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from askamu import texts
from askamu.cite import plain, short_date
from askamu.compose.draft import Context
from askamu.llm.claims import compiled
from askamu.minutes import AgendaItem, Decision, Minutes, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM, Citation
from askamu.snippets import Snippet, section_snippets

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
ID_LENGTH = 6  # 30 bits: a document can't hold the mark of a passage by chance, nor know it
LEAST_LEFT = 30  # tokens of the budget below which nothing more is looked for
MOST_LINES = 14  # of one section
MOST_LINE = 700  # characters of a line that are given
# What could end a passage or begin a turn, in the marks of this prompt or of the common chat formats.
_CONTROL = re.compile(
    r"<\|[^|>\n]{0,40}\|>|</?(?:s|start_of_turn|end_of_turn|bos|eos|system|user|assistant)>|\[/?(?:INST|SYS)\]|<</?SYS>>"
    r"|={3,}|[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]",
    re.IGNORECASE,
)
_BRACKETS = str.maketrans("[]{}", "()()")

NewId = Callable[[], str]


def random_id() -> str:
    """Six signs that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, a list, or a table row with its heading, under its own mark."""

    mark: str  # "k7f3qa.2"
    snippet: Snippet

    @property
    def text(self) -> str:
        """As it stands in the minutes, on one line."""
        return plain(self.snippet.text)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Sentences of one section under one id."""

    id: str
    minutes: Minutes
    item: AgendaItem | None
    section: Section
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def about(self) -> str:
        """Where it stands, in words that a sentence on it may use."""
        item, held = self.item, self.minutes.held_on
        return " ".join(
            str(part)
            for part in (
                self.minutes.municipality,
                self.minutes.committee,
                held.isoformat() if held else None,
                f"{item.number} {item.title} {item.case_number or ''}" if item else None,
                self.section.heading,
            )
            if part
        )

    @property
    def place(self) -> tuple[str, int]:
        return self.minutes.id, self.minutes.items.index(self.item) if self.item else -1

    def shown(self, language: str) -> str:
        """As the model is shown it."""
        lines = (f"[{line.mark}] {harmless(line.text[:MOST_LINE])}" for line in self.lines)
        return "\n".join([head(self.id, self.minutes, self.item, self.section, language), *lines])


def head(id: str, minutes: Minutes, item: AgendaItem | None, section: Section, language: str) -> str:
    """The line above a passage: what it is, and of which meeting and item."""
    kind = texts.text(f"llm.section.{section.kind}", language)
    parts = [minutes.municipality, minutes.committee, short_date(minutes, language)]
    if item is not None:
        number = texts.text("answer.item", language, number=item.number or "?")
        parts.append(f"{number} »{item.title}«")
    return f"=== {id} | {kind} | {harmless(', '.join(p for p in parts if p))} ==="


def harmless(text: str) -> str:
    """Text for a prompt, on one line, in which nothing can be taken for a mark, a passage's edge or a turn."""
    return " ".join(_CONTROL.sub(" ", text).translate(_BRACKETS).split())


def gather(
    context: Context,
    citations: Sequence[Citation],
    budget: int,
    count: Callable[[str], int],
    new_id: NewId = random_id,
    *,
    whole: bool = False,
) -> tuple[tuple[Evidence, ...], int]:
    """The passages for a question, as many as the budget holds, and how many of their sentences were held back.

    Args:
        citations: of the answer without a model; what they cite comes first.
        budget: tokens of all passages as they are shown.
        count: tokens of a text.
        whole: all of the items that are cited, and of nothing else.
    """
    chosen: dict[tuple[str, int, int], tuple[Minutes, AgendaItem | None, Section, dict[int, Snippet]]] = {}
    cut: dict[tuple[str, int, int], list[Snippet]] = {}
    left, withheld = budget, 0
    for minutes, index, section, span in _whole(context, citations) if whole else _wanted(context, citations):
        item = minutes.items[index] if index >= 0 else None
        if left < LEAST_LEFT:
            break
        if section.nil or (item is not None and item.closed):
            continue
        key = (minutes.id, index, section.start)
        if key not in cut:
            cut[key] = _snippets(minutes, item, section)
        known = chosen.get(key)
        lines = dict(known[3]) if known else {}
        found = [s for s in cut[key] if s.spans[-1].start < span.end and span.start < s.spans[-1].end]
        for snippet in found:
            if snippet.spans[-1].start in lines or len(lines) >= MOST_LINES:
                continue
            if is_instruction(snippet.text):
                withheld += 1
                continue
            cost = count(f"[abcdef.{len(lines)}] {harmless(plain(snippet.text)[:MOST_LINE])}\n")
            if not lines:
                cost += count(f"\n{head('abcdef', minutes, item, section, context.language)}\n")
            if cost <= left:
                left -= cost
                lines[snippet.spans[-1].start] = snippet
        if lines:
            chosen[key] = minutes, item, section, lines
    return tuple(_evidence(new_id(), *found) for found in chosen.values()), withheld


def _evidence(
    id: str, minutes: Minutes, item: AgendaItem | None, section: Section, lines: dict[int, Snippet]
) -> Evidence:
    ordered = [lines[start] for start in sorted(lines)]
    marked = tuple(Line(f"{id}.{n}", snippet) for n, snippet in enumerate(ordered, 1))
    return Evidence(id, minutes, item, section, marked)


def _snippets(minutes: Minutes, item: AgendaItem | None, section: Section) -> list[Snippet]:
    return [] if section.end <= section.body else section_snippets(minutes, item, section)


def _wanted(context: Context, citations: Iterable[Citation]) -> Iterator[tuple[Minutes, int, Section, Span]]:
    """Stretches in the order of their worth: cited, decided and recommended beside it, found."""
    places: dict[tuple[str, int], None] = {}
    for citation in citations:
        minutes = context.library.minutes(citation.document)
        index = int(citation.passage_id.split(".")[1]) if citation.item != HEADER_ITEM else -1
        places[minutes.id, index] = None
        section = section_at(minutes, index, citation.start)
        if (section is not None and section.kind is not SectionKind.HEADER) or (section is not None and index < 0):
            yield minutes, index, section, Span(citation.start, citation.end)
    found = [h.passage for h in context.ranking.hits]
    for place in [(h.document, h.item_index) for h in context.ranking.items[:2]]:
        places.setdefault(place)
    for document, index in list(places)[:6]:
        if index < 0:
            continue
        minutes = context.library.minutes(document)
        for section in minutes.items[index].of_kind(SectionKind.DECISION, SectionKind.RECOMMENDATION):
            yield minutes, index, section, section.span
    for passage in found:
        minutes = context.library.minutes(passage.document)
        found_in = section_at(minutes, passage.item_index, passage.start)
        if found_in is not None and found_in.kind is not SectionKind.HEADER:
            yield minutes, passage.item_index, found_in, Span(passage.start, passage.end)


WHOLE_FIRST = (SectionKind.DECISION, SectionKind.RECOMMENDATION, SectionKind.SUMMARY)


def _whole(context: Context, citations: Iterable[Citation]) -> Iterator[tuple[Minutes, int, Section, Span]]:
    """The items that are cited: what was decided, recommended and summed up in each, then the rest of them."""
    places = dict.fromkeys((c.document, int(c.passage_id.split(".")[1])) for c in citations)
    items = [(context.library.minutes(document), index) for document, index in places if index >= 0]
    for first in (True, False):
        for minutes, index in items:
            for section in minutes.items[index].sections:
                if (section.kind in WHOLE_FIRST) is first and section.kind not in (
                    SectionKind.HEADER,
                    SectionKind.ATTACHMENTS,
                ):
                    yield minutes, index, section, section.span


def section_at(minutes: Minutes, index: int, start: int) -> Section | None:
    """The section of an item that a character stands in; the minutes' header for index -1."""
    if index < 0:
        return minutes.header
    return next((s for s in minutes.items[index].sections if s.start <= start < s.end), None)


def is_instruction(text: str) -> bool:
    """Whether a sentence speaks to a language model instead of telling what a committee treated."""
    return bool(compiled("instruction", "patterns").search(text))


@dataclass(frozen=True, slots=True)
class Source:
    """A stretch that a sentence cites."""

    evidence: Evidence
    line: Line
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return self.line.text

    @property
    def heading(self) -> str:
        """What stands above it: in minutes that quote other bodies, whose decision it is, and of what day."""
        return f"{self.evidence.section.heading} {self.line.snippet.context}"


def decision_of(source: Source) -> Decision | None:
    """The decision of the item, where the sentence cites its words."""
    if source.evidence.section.kind is not SectionKind.DECISION or source.evidence.item is None:
        return None
    return source.evidence.item.decision


def adopted_text(source: Source) -> list[str]:
    """The points of the recommendation that a cited decision adopts: what its formula means."""
    decision, minutes = decision_of(source), source.evidence.minutes
    return [" ".join(p.of(minutes.text).split()) for p in decision.adopts] if decision else []
