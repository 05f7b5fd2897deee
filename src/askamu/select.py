"""Which sentences or table rows of an item answer a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from askamu.danish import frame_words, gram_set, stem, stop_words, words
from askamu.library import Library
from askamu.lines import is_noise, read_lines
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.question import Question
from askamu.retrieve import ItemHit
from askamu.sentences import sentences
from askamu.tables import find_tables
from askamu.translate import added_words

MAX_LIST = 700  # characters of a list that is quoted with its lead
MAX_SENTENCE = 900
PASSAGE_WEIGHT = 0.45  # of the score of the passage a sentence stands in
PASSAGE_WEIGHT_ENGLISH = 0.8  # an English question shares few words with Danish sentences
TYPE_BONUS = 0.12
SECTION_BONUS = 0.35  # for a part of the item that the question names (»retsgrundlag«)
TABLE_BONUS = 0.2
THEME_MALUS = 0.15  # for sentences that only announce the item
ROUTE_MALUS = 0.35  # for the list of bodies that a case passes, where it isn't asked for
ATTACHMENT_MALUS = 0.1  # for an attachment's words: the minutes' own go first where both answer
NOT_QUOTED = {SectionKind.HEADER, SectionKind.ATTACHMENTS, SectionKind.ATTACHMENT_TEXT}  # unless asked for or found
CARRIED = 0.4  # weight of a word that comes from the conversation and not from the question
PARTIAL = 0.6  # credit for a match by a compound part
TYPO = 0.5  # credit for a match by shared 4-grams
TYPO_OVERLAP = 0.6
CONTEXT = 0.25  # credit for a word that stands in the sub-heading above
ADDED = 0.5  # weight of a word that the glossary added
_PERSON = re.compile(r"\b[A-ZÆØÅ][a-zæøåé]+\s+(?:[A-ZÆØÅ]\.\s+|[A-ZÆØÅ][a-zæøåé]+\s+)*[A-ZÆØÅ][a-zæøåé]+\b")
_DATE = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b(?:januar|februar|marts|april|maj|juni|juli|august|september|oktober|november|december|primo|medio|ultimo)\b|\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")


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


@dataclass(frozen=True, slots=True)
class Scored:
    snippet: Snippet
    score: float
    covered: frozenset[str]


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


class Matcher:
    """How well texts match the telling words of one question."""

    def __init__(self, library: Library, question: Question) -> None:
        stop = stop_words() | frame_words()
        self._analyser = library.current.lexical.analyser
        said = [w for w in words(question.search) if w not in stop]
        own = {stem(w) for w in words(question.search.removeprefix(question.carried))} if question.carried else None
        self.asked = dict.fromkeys(stem(w) for w in said)
        self.weights: dict[str, float] = {}
        self._words: dict[str, str] = {}
        for word in said:
            term = stem(word)
            self.weights[term] = library.rarity(term) * (1.0 if own is None or term in own else CARRIED)
            self._words[term] = word
        for word in words(added_words(question.search, question.language)):
            term = stem(word)
            if term not in self.weights and word not in stop:
                self.weights[term] = ADDED * library.rarity(term)
                self._words[term] = word
        self.total = sum(self.weights.values()) or 1.0
        self._grams = {t: gram_set(w) for t, w in self._words.items()}
        self._parts = {t: frozenset(self._analyser.split(w)) | {t} for t, w in self._words.items()}

    def credits(self, text: str) -> dict[str, float]:
        """For each of the question's terms how well the text holds it, 0 to 1."""
        found = set(words(text))
        stems = {stem(w) for w in found}
        parts = {p for w in found for p in self._analyser.split(w)} | stems
        credits: dict[str, float] = {}
        grams: list[frozenset[str]] | None = None
        for term in self.weights:
            if term in stems:
                credits[term] = 1.0
            elif self._parts[term] & parts or any(len(term) >= 5 and s.startswith(term) for s in stems):
                credits[term] = PARTIAL
            elif len(term) >= 5 and not term[0].isdigit():
                if grams is None:
                    grams = [gram_set(w) for w in found if len(w) >= 5]
                mine = self._grams[term]
                if any(len(mine & g) >= TYPO_OVERLAP * len(mine) for g in grams):
                    credits[term] = TYPO
        return credits

    def score(self, credits: dict[str, float]) -> float:
        return sum(self.weights[t] * c for t, c in credits.items()) / self.total


def best_snippets(
    library: Library, question: Question, matcher: Matcher, hit: ItemHit, kinds: Iterable[SectionKind] | None = None
) -> list[Scored]:
    """The item's snippets, best first.

    A snippet scores by the question's words in it (rarer ones count more, those that every sentence of
    the item has count less), by the passage it stands in, and by holding what is asked for: a number,
    a date, a person.
    """
    minutes = library.minutes(hit.document)
    item = minutes.items[hit.item_index] if hit.item_index >= 0 else None
    snippets = item_snippets(minutes, item, kinds)
    if kinds is None and item is not None and not question.wants & {"attended", "absent"}:
        for page in item.of_kind(SectionKind.ATTACHMENT_TEXT):  # hundreds, it may be: only those that were found
            if any(page.start <= h.passage.start < page.end for h in hit.hits):
                snippets += section_snippets(minutes, item, page)
    credits = []
    for snippet in snippets:
        own = matcher.credits(snippet.text)
        for term in matcher.credits(snippet.context) if snippet.context else ():
            own[term] = max(own.get(term, 0.0), CONTEXT)
        credits.append(own)
    spread = {t: sum(t in c for c in credits) / max(len(credits), 1) for t in matcher.weights}
    scored = []
    for snippet, own in zip(snippets, credits, strict=True):
        weighed = sum(matcher.weights[t] * c * (1.0 - 0.5 * spread[t]) for t, c in own.items()) / matcher.total
        passage = max(
            (h.score for h in hit.hits if h.passage.start <= snippet.spans[-1].start < h.passage.end), default=0.0
        )
        weight = PASSAGE_WEIGHT_ENGLISH if question.language == "en" else PASSAGE_WEIGHT
        score = weighed + weight * passage + TYPE_BONUS * _holds(question, snippet)
        if snippet.section.kind in question.sections:
            score += SECTION_BONUS
        elif snippet.section.kind is SectionKind.HEARING:
            score -= ROUTE_MALUS
        elif snippet.section.kind is SectionKind.ATTACHMENT_TEXT:
            score -= ATTACHMENT_MALUS
        if snippet.section.kind in (SectionKind.THEME, SectionKind.RECOMMENDATION):
            score -= THEME_MALUS
        if snippet.is_row and question.wants_table:
            score += TABLE_BONUS
        scored.append(Scored(snippet, score, frozenset(own)))
    return sorted(scored, key=lambda s: (-s.score, s.snippet.spans[0].start))


def _holds(question: Question, snippet: Snippet) -> float:
    said = snippet.spans[-1].of(snippet.minutes.text)
    held = 0.0
    if "number" in question.wants:
        held += 1.0 if _NUMBER.search(said) else -0.5
    if "date" in question.wants:
        held += 1.0 if _DATE.search(said) else -0.5
    if "person" in question.wants:
        held += 1.0 if _PERSON.search(said) else -0.3
    return held
