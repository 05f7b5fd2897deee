"""Understanding a question: its language, its kind, the filters in it, and what a follow-up leans on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from askamu.danish import fold, frame_words, stop_words, words
from askamu.dates import find_dates, months
from askamu.layouts import find_case_number
from askamu.minutes import SectionKind
from askamu.passage import Filters, Limit, QuestionKind, Turn
from askamu.vocabulary import pattern, table, word_set
from askamu.when import Meeting, days_of, event_day, only_month, period_of

_ITEM = re.compile(r"\b(?:punkt|pkt\.?|item|point)\s*(?:nr\.?\s*)?(?P<number>\d{1,3}[a-z]?)\b", re.IGNORECASE)
_ANY_YEAR = re.compile(r"(?<!\d)(?<!\d[.,])(?:19|20)\d\d(?!\d)(?![.,]\d)")
_MUNICIPALITY = re.compile(
    r"\b(?P<name>[A-ZÆØÅ][a-zæøåé]+(?:-[A-ZÆØÅ][a-zæøåé]+)?)\s+(?:[Kk]ommunes?|[Mm]unicipality)\b"
)
_SUBJECT_BODY = re.compile(
    r"\b(?P<body>(?:[A-ZÆØÅ][\wæøå]*-(?:,\s|\sog\s))*[A-ZÆØÅa-zæøå][\wæøå-]*(?:udvalget|(?<!om)rådet)|[Bb]yrådet|[Kk]ommunalbestyrelsen"
    r"|[Dd]irektionen)\b"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was understood."""

    asked: str
    completed: str  # with what a follow-up left out; this is searched
    carried: str  # the part of it that comes from the conversation
    language: str
    kind: QuestionKind
    filters: Filters
    item: str | None = None  # »punkt 9«
    case_number: str | None = None
    municipalities: tuple[str, ...] = ()  # the indexed ones that are named
    foreign_municipality: str | None = None  # named, and not indexed
    bodies: tuple[str, ...] = ()  # political bodies named
    meeting_missing: bool = False  # a meeting was named that is not indexed
    other_day: date | None = None  # a day that no indexed meeting was held on
    event_day: date | None = None  # a day on which, it says, somebody met, treated or decided something
    month: date | None = None  # the first day of the only month that it names with its year
    hints: tuple[tuple[str | None, str], ...] = ()  # (ISO date, item number) that the conversation cited last
    wants: frozenset[str] = frozenset()  # of answer_types.toml; »absent«, »attended«; [detail] of questions.toml
    sections: frozenset[SectionKind] = frozenset()  # the parts of an item it names by what they are
    wants_table: bool = False
    years: tuple[int, ...] = ()  # named in it
    future: bool = False  # it asks for what was still to come
    whole_meeting: bool = False  # it asks what came of meetings, and names no subject
    refused: str | None = None  # "injection", "small_talk", "out_of_scope"

    @property
    def search(self) -> str:
        return self.completed


OF_MEETING = frozenset({"attended", "absent", "place"})  # what is asked of a meeting: its time is the meeting's


def outcomes_asked() -> list[str]:
    """The outcomes that a listing may be asked for, in the order in which they are tried."""
    return list(table("questions")["listing"]["outcomes"])


@cache
def _kinds() -> list[tuple[QuestionKind, re.Pattern[str]]]:
    return [
        (QuestionKind(k["name"]), re.compile("|".join(k["patterns"]), re.IGNORECASE))
        for k in table("questions")["kind"]
    ]


def _any(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(p, text, re.IGNORECASE) for p in patterns)


def language_of(text: str) -> str:
    """»en« where English function words outnumber the Danish ones, else »da«."""
    found = words(text)
    english = sum(w in word_set("stopwords", "english") and w not in word_set("stopwords", "danish") for w in found)
    danish = sum(w in word_set("stopwords", "danish") and w not in word_set("stopwords", "english") for w in found)
    letters = sum(c in "æøåÆØÅ" for c in text)
    return "en" if english > danish and english >= letters else "da"


def understand(
    asked: str,
    meetings: Sequence[Meeting],
    history: Sequence[Turn] = (),
    given: Filters = Filters(),
    language: str | None = None,
) -> Question:
    """Read a question against what is indexed.

    Args:
        asked: the person's words.
        meetings: the indexed meetings.
        history: earlier turns, oldest first.
        given: filters set in the interface; they win over what the question says.
    """
    completed, hints = complete(asked, history, meetings)
    lang = language or language_of(asked if len(words(asked)) > 2 else completed)
    named = tuple(m for m in _municipalities(meetings) if _names(completed, m))
    kind = next(k for k, pattern in _kinds() if pattern.search(completed))
    if len(named) >= 2 or (
        pattern("comparison", "patterns").search(completed) and len(named) != 1 and len(_municipalities(meetings)) > 1
    ):
        kind = QuestionKind.COMPARISON if len(named) >= 2 else kind
    case_number = find_case_number(completed)
    if case_number and kind is not QuestionKind.LISTING:
        kind = QuestionKind.DECISION if kind is QuestionKind.DECISION else QuestionKind.CASE
    refused = next(
        (r for r in ("injection", "small_talk", "out_of_scope") if pattern(r, "patterns").search(asked)), None
    )
    if refused == "small_talk":
        kind = QuestionKind.SMALL_TALK
    wants = {t["name"] for t in table("answer_types")["type"] if _any(t["asks"], completed)}
    if kind is QuestionKind.WHO or pattern("presence", "absent").search(completed):
        about_meeting = bool(pattern("presence", "meeting").search(completed)) or _only_presence(completed, meetings)
        if about_meeting and pattern("presence", "absent").search(completed):
            wants.add("absent")
        elif about_meeting and pattern("presence", "attended").search(completed):
            wants.add("attended")
    wants |= {w for w in ("place", "case_number") if pattern("detail", w).search(completed)}
    of_meeting = bool(wants & OF_MEETING)
    filters, missing = _filters(completed, meetings, named, given, kind, of_meeting=of_meeting)
    days = list(days_of(completed))
    held = {m.held_on for m in meetings}
    item = _ITEM.search(completed)
    return Question(
        asked=asked,
        completed=completed,
        carried=completed.removesuffix(asked.strip()) if completed != asked else "",
        language=lang,
        kind=kind,
        filters=filters,
        item=item["number"] if item else None,
        case_number=case_number,
        municipalities=named,
        foreign_municipality=None if named else _foreign_municipality(completed, meetings),
        bodies=tuple(dict.fromkeys(m["body"].strip() for m in _SUBJECT_BODY.finditer(completed))),
        meeting_missing=missing,
        other_day=days[0] if days and not held & set(days) else None,
        event_day=event_day(completed),
        month=only_month(asked),
        hints=hints,
        wants=frozenset(wants),
        sections=frozenset(
            SectionKind(kind)
            for s in table("questions")["section"]
            if _any(s["patterns"], completed)
            for kind in s["kinds"]
        ),
        wants_table=bool(pattern("table", "patterns").search(completed)),
        years=tuple(dict.fromkeys(int(y) for y in _ANY_YEAR.findall(completed))),
        future=bool(pattern("future", "patterns").search(completed)),
        whole_meeting=_of_whole_meeting(completed, kind, filters, meetings) and not (wants or missing or item),
        refused=refused,
    )


def _of_whole_meeting(completed: str, kind: QuestionKind, filters: Filters, meetings: Sequence[Meeting]) -> bool:
    named = filters.date_from is not None or filters.date_to is not None
    return named and kind in (QuestionKind.DECISION, QuestionKind.FACT) and not _has_subject(completed, meetings)


def complete(
    asked: str, history: Sequence[Turn], meetings: Sequence[Meeting]
) -> tuple[str, tuple[tuple[str | None, str], ...]]:
    """A follow-up made whole with the question before it, and the items the last answer cited.

    A question that stands on its own is returned as it is.
    """
    before = [t.content for t in history if t.role == "user"]
    said = [t.content for t in history if t.role == "assistant"]
    if not before or not _leans(asked):
        return asked, ()
    previous = _with_time_of(asked, before[-1]) if len(words(asked)) <= 5 else before[-1]
    named = [m for m in _municipalities(meetings) if _names(asked, m)]
    if named and len(words(asked)) <= 5:
        whole = previous
        for other in _municipalities(meetings):
            whole = re.sub(rf"\b{re.escape(other)}s?\b", named[0], whole)
        return (whole if _names(whole, named[0]) else f"{previous.rstrip('?')} i {named[0]}?"), ()
    return f"{previous.rstrip()} {asked.strip()}", _cited(said[-1]) if said else ()


def _with_time_of(asked: str, previous: str) -> str:
    """The question before, with the month or year that a follow-up names instead of its own."""
    names = "|".join(sorted(months(), key=len, reverse=True))
    for named in (rf"\b(?:{names})\b(?:\s+(?:19|20)\d\d)?", r"(?<![\d.])(?:19|20)\d\d(?![\d.])"):
        new = re.search(named, asked, re.IGNORECASE)
        old = re.search(rf"\b(?:{names})\b" if new and not re.search(r"\d", new[0]) else named, previous, re.IGNORECASE)
        if new and old:
            return previous[: old.start()] + new[0] + previous[old.end() :]
    return previous


def _leans(asked: str) -> bool:
    """Whether a question can't be understood without the one before it."""
    said = words(asked)
    limits = table("questions")["followup"]
    own = [w for w in said if w not in stop_words() and w not in frame_words()]
    if pattern("followup", "starts").search(asked) or not own:
        return True
    if len(said) > limits["max_words"] or len(own) > limits["max_subject_words"]:
        return False
    return bool(pattern("followup", "pronouns").search(asked)) or len(said) <= 3


def _cited(said: str) -> tuple[tuple[str | None, str], ...]:
    """The items an answer named, each with the date that stands nearest to it."""
    days = list(find_dates(said))
    found = []
    for match in _ITEM.finditer(said):
        near = min(days, key=lambda d: abs(d.start - match.start()), default=None)
        found.append((near.day.isoformat() if near else None, match["number"]))
    return tuple(dict.fromkeys(found))[:3]


def _municipalities(meetings: Sequence[Meeting]) -> tuple[str, ...]:
    return tuple(sorted({m.municipality for m in meetings if m.municipality}))


def _only_presence(completed: str, meetings: Sequence[Meeting]) -> bool:
    """Whether a question says nothing but who was there, and of whom: »hvem var fraværende i Greve?«."""
    rest = completed
    for name in ("absent", "attended"):
        rest = pattern("presence", name).sub(" ", rest)
    return rest != completed and not _has_subject(rest, meetings)


def _has_subject(text: str, meetings: Sequence[Meeting]) -> bool:
    """Whether a text says more than whose meeting is meant and when it was: »det seneste møde i Greve« does not."""
    bodies = words(" ".join(f"{m.municipality or ''} {m.committee or ''}" for m in meetings))
    times = months().keys() | table("dates")["seasons"].keys() | word_set("stopwords", "meeting")
    known = stop_words() | frame_words() | times | {*bodies, *(f"{w}s" for w in bodies)}
    return any(w.isalpha() and w not in known for w in words(text))


def _names(text: str, municipality: str) -> bool:
    return bool(re.search(rf"(?<![\w]){re.escape(fold(municipality))}s?(?![a-z])", fold(text)))


def _foreign_municipality(text: str, meetings: Sequence[Meeting]) -> str | None:
    indexed = {fold(m) for m in _municipalities(meetings)}
    found = _MUNICIPALITY.search(text)
    if found and found["name"].casefold() not in word_set("municipalities", "no_names"):
        name = fold(found["name"])
        if name not in indexed and name.rstrip("s") not in indexed:
            return found["name"]
    for name in table("municipalities")["names"]:
        if fold(name) not in indexed and re.search(rf"\b(?:i|fra|for|af|in|of)\s+{re.escape(name)}s?\b", text):
            return str(name)
    return None


def _filters(
    text: str,
    meetings: Sequence[Meeting],
    named: tuple[str, ...],
    given: Filters,
    kind: QuestionKind,
    *,
    of_meeting: bool,
) -> tuple[Filters, bool]:
    """The filters a question holds, and whether it names a meeting that is not indexed."""
    filters = given
    if filters.municipality is None and len(named) == 1 and Limit.MUNICIPALITY not in given.lifted:
        filters = replace(filters, municipality=named[0])
    if filters.committee is None and Limit.COMMITTEE not in given.lifted:
        committees = sorted({m.committee for m in meetings if m.committee}, key=len, reverse=True)
        spoken = [c for c in committees if fold(c) in fold(text)]
        if len(committees) > 1 and len(spoken) == 1:
            filters = replace(filters, committee=spoken[0])
    if filters.date_from is not None or filters.date_to is not None or Limit.PERIOD in given.lifted:
        return filters, False
    inside = [
        m
        for m in meetings
        if filters.municipality in (None, m.municipality) and filters.committee in (None, m.committee)
    ]
    period = period_of(text, inside, kind, of_meeting=of_meeting)
    if period is None:
        return filters, False
    return replace(filters, date_from=period.first, date_to=period.last), period.missing
