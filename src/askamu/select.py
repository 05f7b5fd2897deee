"""Which sentences or table rows of an item answer a question.

A snippet is scored by a weighted sum of what it shows: the question's words that it holds, how near the passage is that
it stands in, what part of the item it is from, and whether it holds what is asked for (a number, a date, a reason).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from askamu.danish import frame_words, gram_set, stem, stop_words, words
from askamu.library import Library
from askamu.minutes import AgendaItem, Minutes, SectionKind, away
from askamu.question import Question
from askamu.retrieve import ItemHit
from askamu.snippets import Snippet, item_snippets, section_snippets
from askamu.translate import added_words
from askamu.vocabulary import table, word_set

CARRIED = 0.4  # weight of a word that comes from the conversation and not from the question
PARTIAL = 0.6  # credit for a match by a compound part
TYPO = 0.5  # credit for a match by shared 4-grams
TYPO_OVERLAP = 0.6
CONTEXT = 0.25  # credit for a word that stands in the sub-heading above
ADDED = 0.5  # weight of a word that the glossary added
COMMON = 0.5  # of a word's weight, what is lost where every snippet of the item holds it
SHORT, LONG = 40, 300  # characters

# What a snippet's features weigh, the best one's score being about 1. Fitted by benchmarks/sentences.py, which says how
# they do on a set of questions that they were not fitted on; docs/decisions.md has the figures. Set by hand: a list of
# the bodies that a case passes (hearing) answers nothing unless it is asked for, and a name of several words that the
# question holds (name) is what is asked about.
WEIGHTS = {
    "words": 0.39, "words_beyond_title": 0.51, "only_title": -0.17, "passage": 0.41, "figures": 0.09, "name": 0.5,
    "named_part": 0.16, "row": 0.03, "row_asked_for": 0.07, "short": -0.08, "long": 0.07,
    "decision": 0.22, "summary": -0.08, "theme": -0.02, "recommendation": 0.03, "hearing": -0.25,
    "attachment_text": 0.0, "number": 0.21, "duration": 0.17, "money": 0.18, "share": 0.21, "date": 0.16,
    "person": 0.15, "reason": 0.14, "vote": 0.07,
}  # fmt: skip
PARTS = frozenset(WEIGHTS) & {kind.value for kind in SectionKind}


@dataclass(frozen=True, slots=True)
class Scored:
    snippet: Snippet
    score: float
    covered: frozenset[str]


class Matcher:
    """How well texts match the telling words of one question."""

    def __init__(self, library: Library, question: Question) -> None:
        stop = stop_words() | frame_words()
        if question.filters.date_from or question.filters.date_to:  # »i efteråret«, »det seneste møde« have done theirs
            stop |= word_set("stopwords", "meeting") | table("dates")["seasons"].keys()
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
    """The item's snippets, best first."""
    scored = [
        Scored(snippet, sum(WEIGHTS[name] * value for name, value in features.items()), covered)
        for snippet, features, covered in described(library, question, matcher, hit, kinds)
    ]
    return sorted(scored, key=lambda s: (-s.score, s.snippet.spans[0].start))


def described(
    library: Library, question: Question, matcher: Matcher, hit: ItemHit, kinds: Iterable[SectionKind] | None = None
) -> list[tuple[Snippet, dict[str, float], frozenset[str]]]:
    """The item's snippets in order, each with its features (`WEIGHTS`) and the question's terms that it holds."""
    minutes = library.minutes(hit.document)
    item = minutes.items[hit.item_index] if hit.item_index >= 0 else None
    asks_presence = bool(question.wants & {"attended", "absent"})
    snippets = item_snippets(minutes, item, kinds)
    if item is not None and item.decision is not None and not asks_presence:
        noted = away(item.decision)
        snippets = [s for s in snippets if not any(a.start <= s.spans[0].start < a.end for a in noted)]
    if kinds is None and item is not None and not asks_presence:
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
    # An item's sentences need not repeat what its title says, unless nothing else is asked for that minutes know.
    own_words = matcher.weights if question.language == "en" else matcher.asked  # the glossary's are Danish
    telling = {t for t in own_words if library.current.lexical.doc_freq(t)}
    said_already = set(matcher.credits(item.title)) if item else set()
    meeting = matcher.credits(f"{minutes.municipality or ''} {minutes.committee or ''}").keys()
    beyond_title = telling - meeting - said_already or telling
    figures = set(re.findall(r"\d{2,}", question.completed))
    names = names_in(question, minutes, item)
    found = []
    for snippet, own in zip(snippets, credits, strict=True):
        said = snippet.spans[-1].of(minutes.text)
        kind = snippet.section.kind
        worded = sum(matcher.weights[t] * c * (1 - COMMON * spread[t]) for t, c in own.items()) / matcher.total
        beyond = sum(matcher.weights[t] * c for t, c in own.items() if t in beyond_title) / matcher.total
        near = [h.score for h in hit.hits if h.passage.start <= snippet.spans[-1].start < h.passage.end]
        features = {
            "words": worded,
            "words_beyond_title": beyond,
            "only_title": float(worded > 0 and not beyond),
            "passage": max(near, default=0.0),
            "figures": sum(f in said for f in figures) / max(1, len(figures)),
            "name": float(holds_name(snippet, names)),
            "named_part": float(kind in question.sections),
            "row": float(snippet.is_row),
            "row_asked_for": float(snippet.is_row and question.wants_table),
            "short": float(len(said) < SHORT),
            "long": min(len(said) / LONG, 2.0),
        }
        if kind.value in PARTS:
            features[kind.value] = 1.0
        for name, holds in _types().items():
            if name in question.wants:
                features[name] = 1.0 if holds.search(said) else -1.0
        found.append((snippet, features, frozenset(own)))
    return found


_NAME = re.compile(r"(?<!^)\b[A-ZÆØÅ][\w-]+(?: [A-ZÆØÅ][\w-]+)+")


def names_in(question: Question, minutes: Minutes, item: AgendaItem | None) -> list[str]:
    """Names of several words in a question, »Ældre Sagen«, but for those that the heading of it all holds."""
    heading = f"{minutes.municipality or ''} {minutes.committee or ''} {item.title if item else ''}"
    return [n for n in _NAME.findall(question.completed) if n not in heading]


def holds_name(snippet: Snippet, names: Iterable[str]) -> bool:
    said = " ".join(snippet.text.split())
    return any(n in said for n in names)


def holds(type_: str, text: str) -> bool:
    """Whether a text holds a type of answer (vocabulary/answer_types.toml)."""
    return bool(_types()[type_].search(text))


@cache
def _types() -> dict[str, re.Pattern[str]]:
    """What an answering sentence holds, by the type of answer that is asked for."""
    return {t["name"]: re.compile("|".join(t["holds"]), re.IGNORECASE) for t in table("answer_types")["type"]}
