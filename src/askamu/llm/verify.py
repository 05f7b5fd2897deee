"""A sentence that a language model wrote, and the passages it was given -> what is wrong with it.

Each sentence must cite sentences that it was given, by their marks. Its figures, dates, names and case numbers must
stand in what it cites (figures.py, wording.py); that something was decided may be said of this committee's decision
with the outcome it has, and what a recommendation asks for only as a recommendation (decided.py); and the rest must be
carried by the cited words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from askamu.danish import stem, stop_words, words
from askamu.llm import claims
from askamu.llm.claims import Fault
from askamu.llm.decided import decisions_hold, proposals_hold
from askamu.llm.evidence import ALPHABET, ID_LENGTH, Evidence, Line, Source, adopted_text
from askamu.llm.figures import dates_hold, figures_hold
from askamu.llm.wording import directions_hold, edits, frame_stems, names_hold, quotes_hold
from askamu.translate import added_words
from askamu.vocabulary import table

_ID = rf"[{ALPHABET}]{{{ID_LENGTH}}}"
MARKS = re.compile(rf"\[\s*({_ID}(?:\.\d{{1,2}})?(?:\s*[,;]\s*{_ID}(?:\.\d{{1,2}})?)*)\s*\]")
INSERT = re.compile(rf"\{{\s*({_ID}(?:\.\d{{1,2}})?)\s*\}}")
ANY_BRACKET = re.compile(r"\[[^\]\n]{0,200}\]?|\{[^}\n]{0,200}\}?|\][(:]")
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp|mailto|javascript|data|file):|\bwww\.")
SITE = re.compile(r"(?i)\b(?:[\w-]+\.)+(?:dk|com|org|net|io|eu|info|nu|se|no|de|uk)\b")  # named, as minutes name sites
MARKUP = re.compile(r"<[a-zA-Z/!]|!\[|\]\(|`|&#?\w+;|^\s*\||\|\s*$")
MOST_SOURCES = 4  # lines that a sentence may rest on together
MOST_LINES_CITED = 3  # of a passage that is cited as a whole


@dataclass(frozen=True, slots=True)
class Least:
    """What must speak for a sentence. Set where 97 to 99 of 100 sound sentences pass (benchmarks/support.py)."""

    words: float  # share of a clause's telling words, by rarity, that its sources hold
    cosine: float  # to the nearest source


DANISH, ENGLISH = Least(0.2, 0.78), Least(0.0, 0.73)  # an English sentence shares few words with Danish minutes
WORDS_ALONE = Least(0.35, 0.0)  # where no embedder runs
OF_DECISION = 2  # times as much must be held of a sentence on what was decided
OF_REASON = 0.4  # what the share of a reason's words counts: half of them must stand in the source
SURE = 0.9  # share of the words from which no vector need be asked
LEAST_IN_CLAUSE = 3  # telling words that a clause must have to be judged by itself
_JOINTS = re.compile(
    r"[,;:–—]\s|\s(?:og|samt|men|fordi|hvilket|hvorfor|så|da|and|but|because|which|so|while|mens)\s", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence after its check."""

    text: str  # without marks; what is to be inserted stands as {mark}
    sources: tuple[Source, ...]
    faults: tuple[Fault, ...]
    support: float

    @property
    def sound(self) -> bool:
        return not self.faults


@dataclass
class Verifier:
    """Checks the sentences of one answer.

    Args:
        evidence: what the model was given.
        language: of the answer.
        cosine: how alike a sentence and some texts are, (len(texts),); None where no embedder runs.
        rarity: how telling a stem is.
        prompt: what the model was told, to recognise it.
    """

    evidence: Sequence[Evidence]
    language: str
    cosine: Callable[[str, Sequence[str]], np.ndarray] | None
    rarity: Callable[[str], float]
    split: Callable[[str], tuple[str, ...]]
    prompt: str = ""
    _seen: dict[str, Checked] = field(default_factory=dict)

    @cached_property
    def _lines(self) -> Mapping[str, Source]:
        return {
            line.mark: Source(evidence, line, line.snippet.spans)
            for evidence in self.evidence
            for line in evidence.lines
        }

    @cached_property
    def _by_id(self) -> Mapping[str, Evidence]:
        return {e.id: e for e in self.evidence}

    @cached_property
    def _given(self) -> str:
        return " ".join(e.text for e in self.evidence).casefold()

    @cached_property
    def _told(self) -> frozenset[tuple[str, ...]]:
        return _shingles(self.prompt)

    def check(self, sentence: str) -> Checked:
        """What is wrong with a sentence, marks and all."""
        if sentence not in self._seen:
            self._seen[sentence] = self._check(sentence)
        return self._seen[sentence]

    def _check(self, sentence: str) -> Checked:
        named = [m for group in MARKS.findall(sentence) for m in re.split(r"\s*[,;]\s*", group.strip())]
        inserted = INSERT.findall(sentence)
        text = tidy(MARKS.sub(" ", sentence))
        said = tidy(INSERT.sub(" ", text))
        faults: list[Fault] = []
        unknown = [m for m in [*named, *inserted] if m not in self._lines and m not in self._by_id]
        if unknown or any(not INSERT.fullmatch(b) for b in ANY_BRACKET.findall(text)):
            faults.append(Fault.UNKNOWN_MARK)
        if ADDRESS.search(said) or MARKUP.search(said):
            faults.append(Fault.FORM)
        if any(site.casefold() not in self._given for site in SITE.findall(said)):
            faults.append(Fault.FORM)
        if self._leaks(said):
            faults.append(Fault.LEAK)
        sources = self._cited([m for m in [*named, *inserted] if m not in unknown], said)
        if not sources and not faults and not is_frame(said):
            faults.append(Fault.UNMARKED)
        support = 1.0
        if sources and not inserted and not any(sign.isalpha() for sign in said):
            faults.append(Fault.SUPPORT)  # a figure alone says nothing
        if sources and (claims.content(said) or claims.read_figures(said)):
            faults += self._against(said, sources, frozenset(inserted))
        if sources and set(claims.content(said)) - frame_stems():
            covered, support = self.features(said, sources)
            least = self.least
            held = least.words * (OF_DECISION if claims.read_acts(said) else 1)
            if covered < held or support < least.cosine:
                faults.append(Fault.SUPPORT)
        if not faults and any(wrong_language(part, self.language) for part in (said, *clauses_of(said))):
            faults.append(Fault.LANGUAGE)
        return Checked(text, sources, tuple(dict.fromkeys(faults)), round(support, 3))

    def _leaks(self, said: str) -> bool:
        loose = set(re.findall(rf"\b{_ID}\b", said.casefold()))
        return bool(loose & set(self._by_id)) or bool(_shingles(said) & self._told)

    def _cited(self, marks: Sequence[str], said: str) -> tuple[Source, ...]:
        """The lines that marks lead to; of a passage cited as a whole those that are most like the sentence."""
        found: dict[str, Source] = {}
        for mark in marks:
            if mark in self._lines:
                found[mark] = self._lines[mark]
            else:
                lines = self._by_id[mark].lines
                mine = set(claims.content(said)) | {str(f.value) for f in claims.read_figures(said)}

                def alike(line: Line, mine: set[str] = mine) -> int:
                    theirs = set(claims.content(line.text)) | {str(f.value) for f in claims.read_figures(line.text)}
                    return len(mine & theirs)

                best = sorted(lines, key=alike, reverse=True)[:MOST_LINES_CITED]
                for line in best[:1] + [x for x in best[1:] if alike(x) > 1]:
                    found[line.mark] = self._lines[line.mark]
        if len(found) <= MOST_SOURCES:
            return tuple(found.values())
        mine = set(claims.content(said))  # many marks: what one holds here and another there carries nothing
        nearest = sorted(found.values(), key=lambda s: len(mine & set(claims.content(s.text))), reverse=True)
        return tuple(s for s in found.values() if s in nearest[:MOST_LINES_CITED])

    # -- what stands against it -------------------------------------------------------------------

    def _against(self, said: str, sources: Sequence[Source], inserted: frozenset[str]) -> list[Fault]:
        """What of a sentence's own words stands against its sources; what is inserted speaks for itself."""
        faults = []
        if not quotes_hold(said, sources):
            faults.append(Fault.QUOTE)
        if not figures_hold(said, sources, self.language):
            faults.append(Fault.FIGURE)
        if not dates_hold(said, sources):
            faults.append(Fault.DATE)
        if not names_hold(said, sources, self.rarity):
            faults.append(Fault.NAME)
        here = {s.evidence.item.case_number for s in sources if s.evidence.item}
        printed = {n for s in sources for n in claims.case_numbers(s.text)}
        if any(n not in here | printed for n in claims.case_numbers(said)):
            faults.append(Fault.CASE_NUMBER)
        if not decisions_hold(said, sources):
            faults.append(Fault.DECISION)
        if not proposals_hold(said, [s for s in sources if s.line.mark not in inserted]):
            faults.append(Fault.PROPOSAL)
        if not directions_hold(said, sources, self.language):
            faults.append(Fault.OPPOSITE)
        faults += edits(said, sources)
        return faults

    # -- what carries it --------------------------------------------------------------------------

    @property
    def least(self) -> Least:
        if self.cosine is None:
            return WORDS_ALONE
        return DANISH if self.language == "da" else ENGLISH

    def features(self, said: str, sources: Sequence[Source]) -> tuple[float, float]:
        """The share of its telling words that the sources hold, of the clause that they hold least of, and how alike
        the sentence is to the nearest of them.
        """
        theirs = [s.text for s in sources] + [p for s in sources for p in adopted_text(s)]
        known = " ".join([*theirs, *(f"{s.evidence.about} {s.heading}" for s in sources)])
        least = LEAST_IN_CLAUSE - bool(claims.read_acts(said))
        clauses = [c for c in clauses_of(said) if len(self._telling(c)) >= least]
        covered = min(self.covered(c, known) for c in [said, *clauses])
        if self.language == "da":  # a reason is the easiest to make up
            reasons = [re.split(r"[,.;:]", r, maxsplit=1)[0] for r in claims.compiled("must", "cause").split(said)[1:]]
            covered = min([covered, *(self.covered(r, known) * OF_REASON for r in reasons if self._telling(r))])
        if self.cosine is None or covered >= SURE:
            return covered, 1.0
        whole = [*theirs, " ".join(theirs)] if len(theirs) > 1 else theirs
        return covered, float(np.max(self.cosine(said, whole)))

    def _telling(self, said: str) -> list[str]:
        """The words of a text that say something of their own."""
        frame = frame_stems()
        told = [w for w in words(said) if w not in stop_words() and len(w) > 1 and not w[0].isdigit()]
        return [w for w in told if stem(w) not in frame]

    def covered(self, said: str, theirs: str) -> float:
        """The share of a text's telling words, by rarity, that another text holds."""
        mine = self._telling(said)
        if not mine:
            return 1.0
        held = set(words(theirs))
        stems = {stem(w) for w in held}
        parts = {p for w in held for p in self.split(w)} | stems
        total = found = 0.0
        for word in mine:
            term = stem(word)
            weight = min(self.rarity(term), 8.0) + 0.5
            total += weight
            other = {stem(w) for w in words(added_words(word, self.language))} if term not in stems else set()
            if term in stems or other & parts:
                found += weight
            elif set(self.split(word)) & parts or any(len(term) >= 5 and s.startswith(term[:6]) for s in stems):
                found += 0.7 * weight
        return found / total


def clauses_of(said: str) -> list[str]:
    """The parts of a sentence between its commas, colons, dashes and the words that join clauses."""
    return _JOINTS.split(said)


def tidy(text: str) -> str:
    """On one line, without emphasis, and without the space that a mark leaves before a full stop."""
    text = re.sub(r"[*_#]{1,3}(?=\S)|(?<=\S)[*_#]{1,3}", "", text)
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))


def is_frame(said: str) -> bool:
    """Whether a sentence claims nothing (»Ifølge referaterne:«)."""
    return bool(claims.compiled("frame", "patterns").fullmatch(said.strip())) and not claims.read_figures(said)


def wrong_language(said: str, language: str) -> bool:
    """Whether a sentence is plainly not in the language that is asked for."""
    told = words(re.sub(r"»[^«]*«", " ", said))
    if len(told) < 5:
        return False
    lists = {key: set(ws) for key, ws in table("claims")["language"].items()}
    own = sum(w in lists[language] for w in told)
    others = [key for key in lists if key != language]
    return any(sum(w in lists[key] - lists[language] for w in told) > max(own, 1) for key in others)


def _shingles(text: str, n: int = 7) -> frozenset[tuple[str, ...]]:
    told = words(text)
    return frozenset(tuple(told[i : i + n]) for i in range(len(told) - n + 1))
