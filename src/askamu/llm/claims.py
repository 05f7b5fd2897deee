"""What a sentence says that can be checked: figures, dates, names, bodies, what was decided; and what may be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache

from askamu.danish import fold, stem, stop_words, words
from askamu.dates import find_dates, months
from askamu.minutes import Outcome
from askamu.vocabulary import patterns, table

UNIT_WORDS = frozenset({"kr", "kroner", "dkk", "mio", "mia", "pct", "procent", "percent", "million", "millioner"})
NEAR = 3  # words after a figure among which what it counts is looked for
BODY = re.compile(
    r"(?:[A-ZÆØÅ][\wæøå]*-(?:,\s|\s?og\s|\s))*\w+(?:udvalg|udvalget|udvalgets|(?<!om)rådet|(?<!om)råd|bestyrelsen|nævnet|direktionen)\b"
    r"|\b[Bb]yråd(?:et)?\b|\b[Kk]ommunalbestyrelsen?\b|\b[Dd]irektionen\b|\b[Rr]egeringen\b|\b[Ff]olketinget\b"
    r"|(?i:\b(?:(?:city|town|municipal) )?council\b|\bboard\b|\bgovernment\b|\bparliament\b)",
)
OWN = re.compile(r"^(?:udvalg(?:et|ets)?|committee)$", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])[-–−]?\d+(?:[.,]\d+)*(?![\w])|(?<![\w.,])\d+(?:[.,]\d+)*(?=[A-Za-zÆØÅæøå%])")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_NAME = re.compile(r"[A-ZÆØÅ][\wæøåÆØÅéüöä'’.-]*[\wæøåé]|[A-ZÆØÅ]{2,}")
_OF_CASE = re.compile(
    r"\b\d{2}\.\d{2}\.\d{2}-[A-ZÆØÅ]\d{2}-\d+-\d{2}\b|\b(?:19|20)?\d{2}[-/]\d{5,}(?:-\d+)?[A-ZÆØÅ]?\b"
)


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
class Figure:
    """A number as it is meant: 17,2 with the scale "million"."""

    value: float
    scale: str  # "", "percent", "promille", "thousand", "million", "billion"
    counts: str  # stem of what it counts, "" where nothing stands behind it
    start: int
    end: int
    kroner: bool = False

    @property
    def absolute(self) -> tuple[float, bool]:
        """Its value in ones, and whether it is a share."""
        factor = {"thousand": 1e3, "million": 1e6, "billion": 1e9}.get(self.scale, 1.0)
        return round(self.value * factor, 6), self.scale in ("percent", "promille")


@dataclass(frozen=True, slots=True)
class When:
    """A date as far as it is said."""

    year: int | None
    month: int | None
    day: int | None

    def fits(self, other: When) -> bool:
        """Whether all that is said here is said there too."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Act:
    """That something was decided: which outcome, and whether it is said to have happened."""

    outcome: Outcome
    past: bool
    start: int


def read_figures(text: str, language: str = "da") -> list[Figure]:
    """The numbers of a text outside its dates and case numbers, in figures and in words.

    Args:
        language: whose commas and full stops it has; 3,400 is less than four in Danish.
    """
    hidden = _without_dates(_without_cases(text))
    found = []
    for match in _NUMBER.finditer(hidden):
        value = number_of(match[0].lstrip("-–−"), language)
        if value is not None:
            found.append(_figure(text, value, match.start(), match.end()))
    for match in _WORDS.finditer(hidden):
        value = number_in_words(match[0], language)
        if value is not None:
            found.append(_figure(text, value, match.start(), match.end()))
    return sorted(found, key=lambda f: f.start)


def _figure(text: str, value: float, start: int, end: int) -> Figure:
    behind = text[end : end + 60]
    scale, rest = "", behind
    for name, pattern in _scales():
        if match := pattern.match(behind):
            scale, rest = name, behind[match.end() :]
            break
    stop = re.search(r"[.,;:!?(](?:\s|$)", rest)
    following = words(rest[: stop.start()] if stop else rest)
    kroner = bool(following) and following[0] in ("kr", "kroner", "dkk")
    following = [w for w in following[: NEAR + 1] if w not in UNIT_WORDS][:NEAR]
    year = not scale and value.is_integer() and 1900 <= value <= 2100
    counts = "" if year else next((stem(w) for w in following if w not in stop_words() and w.isalpha()), "")
    return Figure(value, scale, counts, start, end, kroner)


@cache
def _scales() -> list[tuple[str, re.Pattern[str]]]:
    scales = {k: v for k, v in table("claims")["scales"].items() if isinstance(v, list)}
    return [
        (name, re.compile(rf"\s?(?:{'|'.join(forms)})(?![\wæøå])\.?", re.IGNORECASE)) for name, forms in scales.items()
    ]


def number_of(said: str, language: str = "da") -> float | None:
    """1.234,5 and 1.234 and 17,2 as numbers, in English also 1,234.5; None for what is none (a section's 1.2.3)."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", said):
        return float(said.replace(".", "").replace(",", "."))
    if language == "en" and re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", said):
        return float(said.replace(",", ""))
    if re.fullmatch(r"\d+[.,]\d+", said):
        return float(said.replace(",", "."))
    return float(said) if said.isdigit() else None


def number_in_words(said: str, language: str = "da") -> float | None:
    """»syv«, »enoghalvtreds«, »tohundrede«, "ninety-seven" as numbers; None for what is none.

    »en«, »et« and "one" alone are as often articles.
    """
    known: dict[str, int] = table("claims")["numbers"][language]
    word = said.casefold()
    if word in known:
        return float(known[word])
    ones = {"en": 1, "et": 1, "one": 1, **{w: n for w, n in known.items() if n < 10}}
    one, _, many = word.partition("og") if language == "da" else word.partition("-")[::-1]
    if one in ones and known.get(many, 0) >= 20:
        return float(ones[one] + known[many])
    for name, factor in (("hundrede", 100), ("hundred", 100), ("tusinde", 1000), ("tusind", 1000), ("thousand", 1000)):
        if word.endswith(name) and word.removesuffix(name) in ones:
            return float(ones[word.removesuffix(name)] * factor)
    return None


def _date_spans(text: str) -> Iterator[tuple[When, int, int]]:
    taken: list[tuple[int, int]] = []
    text = _without_cases(text)
    for found in find_dates(text):
        taken.append((found.start, found.end))
        yield When(found.day.year, found.day.month, found.day.day), found.start, found.end
    for match in _month_pattern().finditer(text):
        if any(a < match.end() and match.start() < b for a, b in taken):
            continue
        year, day = match["y"], match["d"]
        if match["m"].casefold() in ("may", "mar", "dec", "jan", "maj") and not (year or day):
            continue  # as often another word
        yield (
            When(int(year) if year else None, months()[match["m"].casefold()], int(day) if day else None),
            match.start(),
            match.end(),
        )


@cache
def _month_pattern() -> re.Pattern[str]:
    names = "|".join(sorted(months(), key=len, reverse=True))
    return re.compile(
        rf"(?<!\w)(?:(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?\s+(?:of\s+)?)?(?P<m>{names})\b\.?(?:,?\s+(?P<y>(?:19|20)\d\d)(?!\d))?",
        re.IGNORECASE,
    )


def read_dates(text: str) -> list[When]:
    """Days, months of a year and months that a text names; years alone are read as figures."""
    return [when for when, _, _ in _date_spans(text)]


def _without_dates(text: str) -> str:
    for _, start, end in _date_spans(text):
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def when_of(day: date) -> When:
    return When(day.year, day.month, day.day)


def case_numbers(text: str) -> list[str]:
    return _OF_CASE.findall(text)


def _without_cases(text: str) -> str:
    return _OF_CASE.sub(lambda m: " " * len(m[0]), text)


def read_names(text: str) -> list[tuple[str, bool]]:
    """Words with a capital, and whether they begin a sentence, where any word has one."""
    found = []
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip(" \t»\"“'(*_")
        begins = not before or before[-1] in ".!?:;\n–-•"
        behind = text[match.end() :].lstrip()[:1]
        found.append((match[0].rstrip(".'’"), begins and not (behind.isupper() and match.end() < len(text))))
    return found


def bodies(text: str) -> list[str]:
    """Political bodies that are named: »Byrådet«, »økonomiudvalget«; not »udvalget« alone."""
    return [m[0] for m in BODY.finditer(text) if not OWN.match(m[0])]


def read_acts(text: str) -> list[Act]:
    """What is said to have been decided, in the order in which it is said; a refusal hides the approval within it."""
    found: list[tuple[int, int, Act]] = []
    for outcome, tense, pattern in _acts():
        for match in pattern.finditer(text):
            found.append((match.start(), match.end(), Act(outcome, tense == "past", match.start())))
    refused = [(a, b) for a, b, act in found if act.outcome is Outcome.REJECTED]
    kept = [
        act
        for start, end, act in found
        if act.outcome is Outcome.REJECTED or not any(start < b and a < end for a, b in refused)
    ]
    return sorted(kept, key=lambda act: act.start)


@cache
def _acts() -> list[tuple[Outcome, str, re.Pattern[str]]]:
    acts: dict[str, dict[str, list[str]]] = table("claims")["acts"]
    return [
        (Outcome(name), tense, re.compile("|".join(patterns), re.IGNORECASE))
        for name, tenses in acts.items()
        for tense, patterns in tenses.items()
        if patterns
    ]


def content(text: str) -> list[str]:
    """Stems of the words that say something, without figures."""
    return [stem(w) for w in words(text) if w not in stop_words() and len(w) > 1 and not w[0].isdigit()]


def folded(text: str) -> frozenset[str]:
    """The words of a text, folded, as names are compared."""
    return frozenset(fold(w) for w in words(text))


def compiled(*path: str) -> re.Pattern[str]:
    """The patterns of a list in claims.toml as one."""
    return patterns("claims", *path)


@cache
def compiled_one(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def is_year(figure: Figure) -> bool:
    """Whether a number is as likely a year."""
    return not figure.scale and figure.value.is_integer() and 1900 <= figure.value <= 2100
