"""A sentence that a language model wrote, and the passages it was given -> what is wrong with it.

Each sentence must cite sentences that it was given, by their marks. Its figures, dates, names and case numbers must
stand in what it cites; that something was decided may be said of this committee's decision with the outcome it has,
and what a recommendation asks for only as a recommendation; and the rest must be carried by the cited words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property
from itertools import combinations

import numpy as np

from askamu.danish import fold, stem, stop_words, words
from askamu.decision import asked_for, outcomes_of
from askamu.llm import claims
from askamu.llm.claims import Act, Figure, When
from askamu.llm.evidence import ALPHABET, ID_LENGTH, Evidence, Line
from askamu.minutes import Decision, Outcome, SectionKind, Span
from askamu.translate import added_words
from askamu.vocabulary import table

_ID = rf"[{ALPHABET}]{{{ID_LENGTH}}}"
MARKS = re.compile(rf"\[\s*({_ID}(?:\.\d{{1,2}})?(?:\s*[,;]\s*{_ID}(?:\.\d{{1,2}})?)*)\s*\]")
INSERT = re.compile(rf"\{{\s*({_ID}(?:\.\d{{1,2}})?)\s*\}}")
ANY_BRACKET = re.compile(r"\[[^\]\n]{0,200}\]?|\{[^}\n]{0,200}\}?|\][(:]")
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp|mailto|javascript|data|file):|\bwww\.")
SITE = re.compile(r"(?i)\b(?:[\w-]+\.)+(?:dk|com|org|net|io|eu|info|nu|se|no|de|uk)\b")  # named, as minutes name sites

MARKUP = re.compile(r"<[a-zA-Z/!]|!\[|\]\(|`|&#?\w+;|^\s*\||\|\s*$")
QUOTED = re.compile(r"»([^«]*)«|“([^”]*)”|\"([^\"]*)\"|„([^“”]*)[“”]")
PARTY = re.compile(r"\(([A-ZÆØÅ]{1,2})\)")
LEAST_QUOTED = 3  # words within marks of quotation from which they must stand word for word
MOST_LINES_CITED = 3  # of a passage that is cited as a whole
ADOPTING = frozenset({Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE, Outcome.NOTED, Outcome.DISCUSSED})
OPEN_SECTIONS = frozenset({SectionKind.RECOMMENDATION, SectionKind.THEME, SectionKind.ASSESSMENT})


class Fault(StrEnum):
    """What is wrong with a sentence; a key of the texts under llm.fault."""

    UNMARKED = "unmarked"  # it cites nothing
    UNKNOWN_MARK = "unknown_mark"  # a mark that was not given for this question
    FORM = "form"  # a link, an image, HTML, a table
    LEAK = "leak"  # what it was told, or marks outside brackets
    LANGUAGE = "language"
    QUOTE = "quote"  # in marks of quotation, and not word for word
    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    CASE_NUMBER = "case_number"
    DECISION = "decision"  # something is said to be decided that was not, or otherwise
    PROPOSAL = "proposal"  # a recommendation or an expectation told as a fact
    OPPOSITE = "opposite"  # the other way round
    SUPPORT = "support"  # nothing in what it cites carries it


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


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the support that a sentence has: a logistic model's. Fitted by benchmarks/support.py."""

    bias: float
    words: float
    clause: float
    cosine: float
    least: float  # support below which a sentence is not carried


DANISH = Weights(bias=-9.0, words=6.0, clause=0.0, cosine=8.0, least=0.5)
ENGLISH = Weights(bias=-9.0, words=3.0, clause=0.0, cosine=11.0, least=0.4)
WORDS_ALONE = Weights(bias=-4.0, words=7.0, clause=0.0, cosine=0.0, least=0.5)  # where no embedder runs


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
        given = " ".join(e.text for e in self.evidence).casefold()
        if any(site.casefold() not in given for site in SITE.findall(said)):
            faults.append(Fault.FORM)
        if self._leaks(said):
            faults.append(Fault.LEAK)
        sources = self._cited([m for m in [*named, *inserted] if m not in unknown], said)
        if not sources and not faults and not is_frame(said):
            faults.append(Fault.UNMARKED)
        support = 1.0
        if sources and claims.content(said):
            faults += self._against(said, sources, frozenset(inserted))
        if sources and set(claims.content(said)) - frame_stems():
            support = self._support(said, sources)
            weights = self._weights
            if support < weights.least:
                faults.append(Fault.SUPPORT)
        if not faults and wrong_language(said, self.language):
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
        return tuple(found.values())

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
        if not directions_hold(said, sources):
            faults.append(Fault.OPPOSITE)
        faults += edits(said, sources)
        return faults

    # -- what carries it --------------------------------------------------------------------------

    @property
    def _weights(self) -> Weights:
        if self.cosine is None:
            return WORDS_ALONE
        return DANISH if self.language == "da" else ENGLISH

    def _support(self, said: str, sources: Sequence[Source]) -> float:
        share, least, cosine = self.features(said, sources)
        weights = self._weights
        score = weights.bias + weights.words * share + weights.clause * least + weights.cosine * cosine
        return float(1 / (1 + np.exp(-score)))

    def features(self, said: str, sources: Sequence[Source]) -> tuple[float, float, float]:
        """The share of a sentence's telling words that its sources hold, of its least covered clause's, and how alike
        it is to the nearest of them.
        """
        theirs = [s.text for s in sources] + [p for s in sources for p in adopted_text(s)]
        about = " ".join({s.evidence.about for s in sources})
        known = " ".join([*theirs, about, *(s.heading for s in sources)])
        share = self.covered(said, known)
        clauses = [c for c in clauses_of(said) if len(self._telling(c)) >= LEAST_IN_CLAUSE]
        least = min((self.covered(c, known) for c in clauses), default=share)
        if self.cosine is None:
            return share, least, 0.0
        whole = [*theirs, " ".join(theirs)] if len(theirs) > 1 else theirs
        return share, least, float(np.max(self.cosine(said, whole)))

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


# -- single checks ---------------------------------------------------------------------------------


def clauses_of(said: str) -> list[str]:
    """The parts of a sentence between its commas, colons, dashes and the words that join clauses."""
    return _JOINTS.split(said)


_JOINTS = re.compile(
    r"[,;:–—]\s|\s(?:og|samt|men|fordi|hvilket|hvorfor|så|da|and|but|because|which|so|while|mens)\s", re.IGNORECASE
)
LEAST_IN_CLAUSE = 2  # telling words that a clause must have to be judged by itself


def tidy(text: str) -> str:
    """On one line, without emphasis, and without the space that a mark leaves before a full stop."""
    text = re.sub(r"[*_#]{1,3}(?=\S)|(?<=\S)[*_#]{1,3}", "", text)
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))


def is_frame(said: str) -> bool:
    """Whether a sentence claims nothing (»Ifølge referaterne:«)."""
    return bool(claims.compiled("frame", "patterns").fullmatch(said.strip())) and not claims.read_figures(said)


def frame_stems() -> frozenset[str]:
    """Stems of the words that tell what kind of sentence it is: acts, bodies, where it stands."""
    return frozenset(stem(w) for w in table("claims")["frame"]["words"])


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


def quotes_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether all that stands in marks of quotation stands so in a source, or is a title or a single term."""
    theirs = _spaced(" ".join(s.text for s in sources) + " " + " ".join(s.evidence.about for s in sources))
    quotes = [_spaced(next(filter(None, groups), "")).strip(" .,") for groups in QUOTED.findall(said)]
    return all(q in theirs for q in quotes if len(q.split()) >= LEAST_QUOTED)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def figures_hold(said: str, sources: Sequence[Source], language: str) -> bool:
    """Whether each figure stands in a source with its scale, and counts there what it counts here."""
    number = " ".join(n for s in sources if s.evidence.item and (n := s.evidence.item.number))
    said = re.sub(rf"\b(?:punkt|pkt\.?|item|point) (?:nr\.? )?(?:{'|'.join(number.split()) or '$'})\b", " ", said)
    mine = claims.read_figures(said, language)
    if not mine:
        return True
    theirs = [(s, f) for s in sources for f in claims.read_figures(s.text)]
    for source in sources:
        theirs += [(source, f) for words in adopted_text(source) for f in claims.read_figures(words)]
        theirs += [(source, f) for f in claims.read_figures(_numbers_about(source))]
        theirs += [(source, f) for f in claims.read_figures(source.heading)]
    scales = {f.scale for f in mine if f.scale}
    for figure in mine:
        if not any(same_figure(figure, other, source, scales) for source, other in theirs):
            return False
        if figure.counts and any(f.counts for _, f in theirs if f.value == figure.value):
            alike = {f.counts for _, f in theirs if f.value == figure.value and f.counts}
            others = {f.counts for _, f in theirs if f.value != figure.value and f.counts}
            if figure.counts not in alike and figure.counts in others:
                return False
    return rises_hold(said, mine) and pairs_hold(said, mine, sources) and rows_hold(mine, sources)


def _numbers_about(source: Source) -> str:
    """What its item's title and its meeting's year hold of figures."""
    item, held = source.evidence.item, source.evidence.minutes.held_on
    parts = [item.title if item else "", str(held.year) if held else ""]
    return " . ".join(p for p in parts if p)


def same_figure(mine: Figure, other: Figure, source: Source, scales: frozenset[str] | set[str] = frozenset()) -> bool:
    """Whether two figures say the same; a bare one of a table in thousands is not told as kroner.

    Args:
        scales: of the sentence's figures; »0,7 af de 1,2 millioner« says its scale once.
    """
    if mine.value == other.value and not mine.scale and other.scale in scales:
        return True
    if mine.absolute != other.absolute:
        return False
    if mine.value == other.value and mine.scale == other.scale:
        if mine.kroner and not other.kroner and not mine.scale:
            whole = source.evidence.minutes.text[source.evidence.section.start : source.spans[-1].end]
            return not re.search(table("claims")["scales"]["in_thousands"], whole, re.IGNORECASE)
        return True
    return bool(mine.scale and other.scale) or "" in (mine.scale, other.scale)


def rises_hold(said: str, mine: Sequence[Figure]) -> bool:
    """Whether what is said to rise from one figure to another does, and what is said to fall falls."""
    for found in re.finditer(r"\b(?:fra|from)\b(.{1,60}?)\b(?:til|to)\b(.{1,40})", said):
        first = [f.absolute[0] for f in mine if found.start(1) <= f.start < found.end(1) and not _is_year(f)]
        then = [f.absolute[0] for f in mine if found.start(2) <= f.start < found.end(2) and not _is_year(f)]
        up, down = (pattern.search(said) for pattern in opposites()[0])
        if first and then and bool(up) != bool(down) and ((first[0] < then[0]) != bool(up)) and first[0] != then[0]:
            return False
    return True


def _is_year(figure: Figure) -> bool:
    return not figure.scale and figure.value.is_integer() and 1900 <= figure.value <= 2100


def pairs_hold(said: str, mine: Sequence[Figure], sources: Sequence[Source]) -> bool:
    """Whether no two figures have changed places: each stands by the words that it stands by in its source."""
    for source in sources:
        theirs = {f.value: f for f in claims.read_figures(source.text) if not _is_year(f)}
        both = [f for f in mine if f.value in theirs and not _is_year(f)]
        around_mine = {f.value: _around(said, f) for f in both}
        around_theirs = {v: _around(source.text, theirs[v]) for v in around_mine}
        for one, other in combinations(sorted(around_mine), 2):
            straight = around_mine[one] & around_theirs[one], around_mine[other] & around_theirs[other]
            crossed = around_mine[one] & around_theirs[other], around_mine[other] & around_theirs[one]
            if sum(map(len, crossed)) > sum(map(len, straight)) + 1:
                return False
    return True


def _around(text: str, figure: Figure) -> frozenset[str]:
    """The words beside a figure, three on each side: stems, and years and other figures as they stand."""
    before = [stem(w) for w in words(text[: figure.start]) if w not in stop_words()][-3:]
    behind = [stem(w) for w in words(text[figure.end :]) if w not in stop_words()][:3]
    return frozenset([*(f"<{w}" for w in before), *(f">{w}" for w in behind), *before, *behind])


def rows_hold(mine: Sequence[Figure], sources: Sequence[Source]) -> bool:
    """Whether no single figure is taken out of a table's row of several: its column can't be proven."""
    told = [f.value for f in mine]
    for source in sources:
        if not source.line.snippet.is_row:
            continue
        row = [f.value for f in claims.read_figures(source.spans[-1].of(source.evidence.minutes.text))]
        used = [v for v in told if v in row]
        elsewhere = {f.value for s in sources if not s.line.snippet.is_row for f in claims.read_figures(s.text)}
        if len(row) > 1 and set(used) - elsewhere and used != row:
            return False
    return True


def dates_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether each date, as far as it is said, is one of a source's or its meeting's."""
    theirs: list[When] = []
    for source in sources:
        for words_ in [source.text, *adopted_text(source), source.heading]:
            theirs += claims.read_dates(words_)
        if source.evidence.item:
            theirs += claims.read_dates(source.evidence.item.title)
        held = source.evidence.minutes.held_on
        if held:
            theirs.append(claims.when_of(held))
    return all(any(mine.fits(other) for other in theirs) for mine in claims.read_dates(said))


def names_hold(said: str, sources: Sequence[Source], rarity: Callable[[str], float]) -> bool:
    """Whether each name and each body stands in a source, or in what is known of its meeting and item."""
    known: set[str] = set()
    for source in sources:
        known |= claims.folded(" ".join([source.text, source.heading, source.evidence.about, *adopted_text(source)]))
    known |= {w.removesuffix("s") for w in known} | claims.folded(" ".join(table("claims")["frame"]["capitals"]))
    stems = {stem(w) for w in known}
    for name, begins in claims.read_names(said):
        for part in words(name):
            if _known(part, known) or stem(part) in stems or part in stop_words():
                continue
            if begins and (rarity(stem(part)) < UNKNOWN_WORD or stem(part) in frame_stems() or inflected(part)):
                continue  # a word like any other, with a capital because it comes first
            return False
    parties = {m for s in sources for m in PARTY.findall(s.text)}
    if set(PARTY.findall(said)) - parties:
        return False
    for body in claims.bodies(said):
        if not all(_known(w, known) or w in stop_words() for w in words(body)):
            return False
    return True


def _known(word: str, known: Collection[str]) -> bool:
    """Whether a word is one of those known, or the English for how one of them begins."""
    plain = fold(word)
    begins = tuple(fold(w) for w in table("claims")["translated"].get(plain, ()))
    return (
        plain in known
        or plain.removesuffix("s") in known
        or (bool(begins) and any(w.startswith(begins) for w in known))
    )


def inflected(word: str) -> bool:
    """Whether a word ends as Danish and English common words do, and not as names."""
    return bool(re.search(table("claims")["frame"]["endings"], word)) and not word.endswith(("sen", "sens"))


UNKNOWN_WORD = 6.0  # rarity from which a word at the beginning of a sentence may be a name


def adopted_text(source: Source) -> list[str]:
    """The points of the recommendation that a cited decision adopts: what its formula means."""
    decision, minutes = _decision(source), source.evidence.minutes
    return [" ".join(p.of(minutes.text).split()) for p in decision.adopts] if decision else []


def _decision(source: Source) -> Decision | None:
    """The decision of the item, where the sentence cites its words."""
    if source.evidence.section.kind is not SectionKind.DECISION or source.evidence.item is None:
        return None
    return source.evidence.item.decision


def decisions_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether what is said to be decided was decided: by this committee, with this outcome, and finally."""
    acts = claims.read_acts(QUOTED.sub(" ", said))
    deciding = [s for s in sources if _decision(s) is not None]
    if claims.compiled("hedges", "announces").search(said) and not deciding:
        return False
    if not acts:
        return True
    if acts[0].outcome is Outcome.RECOMMENDED:
        acts = [a for a in acts if a.outcome is Outcome.RECOMMENDED]  # what was recommended is no act yet
    items = {s.evidence.place for s in deciding}
    others = [s for s in sources if _decision(s) is None]
    if deciding:
        if any(s.evidence.section.kind is SectionKind.RECOMMENDATION and s.evidence.place not in items for s in others):
            return False  # another item's recommendation
        return all(any(_decided(act, s) for s in deciding) or _told_so(act, said, others) for act in acts)
    if acts[0].outcome is Outcome.RECOMMENDED:
        return _recommends(said, others)
    return all(_told_so(act, said, others) for act in acts)


def _decided(act: Act, source: Source) -> bool:
    """Whether a decision has an outcome."""
    decision = _decision(source)
    if decision is None:
        return False
    own = outcomes_of(source.text)
    stated = set(own) & set(decision.outcomes) or set(decision.outcomes)
    told = claims.read_acts(source.text)
    if (
        told
        and told[0].outcome is not Outcome.RECOMMENDED
        and act.outcome not in (Outcome.APPROVED, Outcome.RECOMMENDED)
    ):
        stated |= {a.outcome for a in told}  # in its own words, as of an addition
    asked = {o for point in adopted_text(source) for o in asked_for(point)}
    match act.outcome:
        case Outcome.APPROVED:
            if stated & {Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE}:
                return decision.final
            # »besluttede at tage til efterretning«: deciding says no more than the outcome beside it
            return decision.final and bool(stated & ADOPTING) and not stated & {Outcome.REJECTED}
        case Outcome.NOTED | Outcome.DISCUSSED:
            return act.outcome in stated or (act.outcome in asked and bool(stated & ADOPTING))
        case Outcome.REJECTED:
            return Outcome.REJECTED in stated
        case _:
            return act.outcome in stated


def _told_so(act: Act, said: str, sources: Sequence[Source]) -> bool:
    """Whether a source outside decisions tells of the same act by the same body."""
    mine = {fold(b).removesuffix("s") for b in claims.bodies(said)}
    of_own = bool(re.search(r"\b(?:udvalg(?:et|ets)?|committee)\b", said, re.IGNORECASE))
    for source in sources:
        if source.evidence.section.kind in OPEN_SECTIONS and act.past and act.outcome is not Outcome.RECOMMENDED:
            theirs_past = [a for a in claims.read_acts(source.text) if a.past and a.outcome is act.outcome]
            if not theirs_past or claims.compiled("hedges", "propose").search(source.text):
                continue
        acts = claims.read_acts(source.text)
        quoted = outcomes_of(source.text) if source.evidence.section.kind is SectionKind.HISTORY else ()
        alike = any(a.outcome is act.outcome and (a.past or not act.past) for a in acts)
        if not alike and act.outcome not in quoted:
            continue
        bodies = {fold(b).removesuffix("s") for b in claims.bodies(f"{source.text} {source.heading}")}
        if mine and not mine & bodies:
            continue
        if of_own and not mine and not re.search(r"\b(?:udvalg(?:et|ets)?)\b", source.text, re.IGNORECASE):
            continue
        if not mine and not of_own and bodies:
            continue  # whose act it was is left out
        return True
    return False


def _recommends(said: str, sources: Sequence[Source]) -> bool:
    """Whether a recommendation is not put into the committee's mouth, and is one."""
    by_committee = re.search(
        r"^\W*(?:\w+\s+){0,3}?(?:udvalget|committee)\s+(?:\w+\s+){0,2}?(?:anbefal|indstil|recommend)",
        said,
        re.IGNORECASE,
    )
    for source in sources:
        if by_committee and not re.search(r"udvalget\s+(?:\w+\s+){0,2}(?:anbefal|indstil)", source.text, re.IGNORECASE):
            continue
        if source.evidence.section.kind is SectionKind.RECOMMENDATION or claims.compiled("hedges", "propose").search(
            source.text
        ):
            return True
    return False


def proposals_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether what is proposed, expected or conditional in the sources is told as that."""
    deciding = {s.evidence.place for s in sources if (d := _decision(s)) and d.final and set(d.outcomes) & ADOPTING}
    proposed = claims.compiled("hedges", "propose").search(said)
    refused = any(a.outcome not in ADOPTING for a in claims.read_acts(said))
    for source in sources:
        if source.evidence.section.kind is not SectionKind.RECOMMENDATION:
            continue
        if source.evidence.place not in deciding and not proposed and not refused:
            return False
    mine = _best(said, sources)
    if mine is None or _decision(mine) is not None or mine.evidence.section.kind is SectionKind.RECOMMENDATION:
        return True
    for kind in ("propose", "expect", "condition"):
        hedge = claims.compiled("hedges", kind)
        if all(hedge.search(s.text) for s in sources) and not hedge.search(said) and _scoped(hedge, mine.text, said):
            return False
    return True


def _scoped(hedge: re.Pattern[str], theirs: str, said: str) -> bool:
    """Whether what stands behind a hedge in a source is what is said."""
    hedged = [part for part in re.split(r"(?<=[.!?])\s+(?=[A-ZÆØÅ])", theirs) if hedge.search(part)]
    behind = {w for part in hedged for w in claims.content(hedge.split(part, maxsplit=1)[-1])}
    return bool(behind) and len(behind & set(claims.content(said))) >= 0.4 * min(len(behind), 8)


def _best(said: str, sources: Sequence[Source]) -> Source | None:
    """The source that shares most words with a sentence."""
    mine = set(claims.content(said))
    return max(sources, key=lambda s: len(mine & set(claims.content(s.text))), default=None)


def directions_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether nothing is turned round: up and down, more and less, with and without »ikke«."""
    theirs = " ".join([*(s.text for s in sources), *(p for s in sources for p in adopted_text(s))])
    for one, other in opposites():
        for mine, opposite in ((one, other), (other, one)):
            if mine.search(said) and not mine.search(theirs) and opposite.search(theirs) and not opposite.search(said):
                return False
    for pattern in table("claims")["must"]["same"]:
        if (found := re.search(pattern, said, re.IGNORECASE)) and not _also(found[0], pattern, theirs):
            return False
    return negations_hold(said, theirs)


def opposites() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    return [(claims.compiled_one(a), claims.compiled_one(b)) for a, b in table("claims")["opposites"]["pairs"]]


def _also(word: str, pattern: str, theirs: str) -> bool:
    if re.search(pattern, theirs, re.IGNORECASE):
        return True
    word = word.casefold()
    for pair in table("claims")["must"]["same_as"]:
        for mine, other in (pair, pair[::-1]):
            if word.startswith(mine) and re.search(rf"\b\w*{other}", theirs, re.IGNORECASE):
                return True
    return False


def edits(said: str, sources: Sequence[Source]) -> list[Fault]:
    """What a sentence that is nearly its source's has in another way: a »ikke«, a figure, one word for its opposite.

    Words between others that are the same, in a row, on both sides of the change.
    """
    best = _best(said, sources)
    if best is None:
        return []
    mine, theirs = _tokens(said), _tokens(best.text)
    known = {t for s in sources for t in _threes(_tokens(s.text))}
    negations = set(table("claims")["must"]["negations"])
    faults = []
    steps = SequenceMatcher(None, theirs, mine, autojunk=False).get_opcodes()
    for n, (step, a, b, c, d) in enumerate(steps):
        if step == "equal" or max(b - a, d - c) > LONGEST_EDIT:
            continue
        before = steps[n - 1][2] - steps[n - 1][1] if n else 0
        behind = steps[n + 1][2] - steps[n + 1][1] if n + 1 < len(steps) else 0
        if before + behind < LEAST_AROUND:
            continue
        gone, new = theirs[a:b], mine[c:d]
        if negations & set(gone) and not negations & set(new):
            faults.append(Fault.OPPOSITE)
        if len(gone) == len(new) == 1 and gone[0][0].isdigit() and new[0][0].isdigit() and min(before, behind) > 1:
            around = _threes(mine[max(0, c - 1) : d + 1])
            if not around <= known:
                faults.append(Fault.FIGURE)
        for one, other in opposites():
            for was, becomes in ((one, other), (other, one)):
                if was.search(" ".join(gone)) and becomes.search(" ".join(new)):
                    faults.append(Fault.OPPOSITE)
    return faults


LONGEST_EDIT = 3  # words
LEAST_AROUND = 3  # words that are the same on both sides of an edit, together


def _tokens(text: str) -> list[str]:
    return [w.strip(".,") for w in re.findall(r"[^\s()\[\]»«\"“”:;!?]+", text.casefold()) if w.strip(".,–-")]


def _threes(told: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(told[i : i + 3]) for i in range(len(told) - 2)}


def negations_hold(said: str, theirs: str) -> bool:
    """Whether what is denied here is denied there, and the other way round.

    What a »ikke« denies are the words around it that say something: the one before it, and up to three behind it.
    """
    mine, other = _denied(said), _denied(theirs)
    theirs_words = claims.folded(theirs)
    negative = theirs_words & {fold(w) for w in table("claims")["must"]["negative"]}
    reversed_ = {stem(w.removeprefix("u")) for w in theirs_words if w.startswith("u")}
    if any(not any(d & o for o in other) and not negative and not d & reversed_ for d in mine if d):
        return False
    own = set(claims.content(said))
    if claims.read_acts(said):
        return True  # what was decided is checked as that
    return not any(
        len(d & own) >= 2 and len(d & own) >= 0.75 * len(d) and not any(len(d & m) >= 0.5 * len(d) for m in mine)
        for d in other
    )


def _denied(text: str) -> list[frozenset[str]]:
    found = []
    negations = set(table("claims")["must"]["negations"])
    for clause in re.split(r"[.;:!?,]\s", text):
        said = words(clause)
        for n, word in enumerate(said):
            if word in negations:
                before = [stem(w) for w in said[:n] if w not in stop_words() and len(w) > 1 and not w[0].isdigit()]
                behind = [stem(w) for w in said[n + 1 :] if w not in stop_words() and len(w) > 1]
                found.append(frozenset([*before[-2:], *behind[:3]]))
    return found
