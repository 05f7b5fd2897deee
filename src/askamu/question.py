"""Understanding a question: its language, its kind, the filters in it, and what a follow-up leans on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from askamu.danish import fold, frame_words, letters, stop_words, words
from askamu.dates import months
from askamu.followup import ITEM, cited, complete, municipalities, names
from askamu.layouts import find_case_number
from askamu.minutes import SectionKind
from askamu.passage import Filters, Limit, QuestionKind, Turn
from askamu.vocabulary import pattern, table, word_set
from askamu.when import Meeting, Period, days_of, event_day, only_month, period_of

LEAST_BODY = 8  # letters of a committee's name that is given in part
_OF_BODY = re.compile(r"\b(?P<body>\w+(?:udvalg|råd))s(?:møde|medlem)", re.IGNORECASE)
_ANY_YEAR = re.compile(r"(?<!\d)(?<!\d[.,])(?:19|20)\d\d(?!\d)(?![.,]\d)")
_MUNICIPALITY = re.compile(
    r"\b(?P<name>[A-ZÆØÅ][a-zæøåé]+(?:-[A-ZÆØÅ][a-zæøåé]+)?)\s+(?:[Kk]ommunes?|[Mm]unicipality)\b"
)
_SUBJECT_BODY = re.compile(
    r"\b(?P<body>(?:[A-ZÆØÅ][\wæøå]*-(?:,\s|\sog\s|\s))*[A-ZÆØÅa-zæøå][\wæøå-]*(?:udvalget|(?<!om)rådet)|[Bb]yrådet|[Kk]ommunalbestyrelsen"
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
    period_sure: bool = True  # the period it was limited to is the meetings', and not the subject's
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


OF_MEETING = frozenset({"attended", "absent", "place", "held"})  # what is asked of a meeting: its time is the meeting's


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
    named = tuple(m for m in municipalities(meetings) if names(completed, m))
    kind = next(k for k, pattern in _kinds() if pattern.search(completed))
    if len(named) >= 2 or (
        pattern("comparison", "patterns").search(completed) and len(named) != 1 and len(municipalities(meetings)) > 1
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
    wants |= {w for w in ("place", "case_number", "recommended") if pattern("detail", w).search(completed)}
    if pattern("detail", "held").search(completed) and not _has_subject(completed, meetings):
        wants.add("held")
    of_meeting = bool(wants & OF_MEETING)
    bodies = tuple(dict.fromkeys(m["body"].strip() for m in _SUBJECT_BODY.finditer(completed)))
    committees = _committees_named(completed, bodies, [m for m in meetings if not named or m.municipality in named])
    unknown_body = bool(bodies) and not committees
    whole = (
        kind in (QuestionKind.DECISION, QuestionKind.FACT)
        and len(committees) <= 1
        and not unknown_body
        and any(w.isalpha() for w in words(completed))
        and not _has_subject(completed, meetings)
    )
    if not named and Limit.MUNICIPALITY not in given.lifted:
        given = _as_before(given, history, meetings)
    filters, period = _filters(completed, meetings, named, given, kind, committees, of_meeting=of_meeting, whole=whole)
    days = list(days_of(completed))
    held = {m.held_on for m in meetings}
    item = ITEM.search(completed)
    missing = period is not None and period.missing
    if of_meeting and not (filters.date_from or filters.date_to) and Limit.PERIOD not in given.lifted:
        filters = _of_meeting_before(filters, history)
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
        bodies=bodies,
        meeting_missing=missing,
        period_sure=period is None or period.sure,
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
        whole_meeting=whole and not (wants or item) and bool(filters.date_from or filters.date_to),
        refused=refused,
    )


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


def _committees_named(text: str, bodies: Sequence[str], meetings: Sequence[Meeting]) -> list[str]:
    """The committees that a question names: whole, however it is punctuated, or by the end of the name.

    »Miljøudvalget« is the »Klima-, Teknik- og Miljøudvalg« where no other one ends so.
    """
    known = sorted({m.committee for m in meetings if m.committee}, key=len, reverse=True)
    said = letters(text)
    whole = [c for c in known if letters(c) in said]
    whole = [c for c in whole if not any(letters(c) in letters(o) for o in whole if o != c)]
    if whole:
        return whole
    named = [letters(b) for b in bodies] + [letters(m["body"] + "et") for m in _OF_BODY.finditer(text)]
    return [c for c in known if any(letters(c).endswith(b.removesuffix("s")) for b in named if len(b) >= LEAST_BODY)]


def _of_meeting_before(filters: Filters, history: Sequence[Turn]) -> Filters:
    """The filters with the day of the meeting that the last answer is from, if it is from one."""
    said = [turn.content for turn in history if turn.role == "assistant"]
    days = {day for day, _ in cited(said[-1]) if day} if said else set()
    day = date.fromisoformat(days.pop()) if len(days) == 1 else None
    return replace(filters, date_from=day, date_to=day) if day else filters


def _as_before(given: Filters, history: Sequence[Turn], meetings: Sequence[Meeting]) -> Filters:
    """The filters with the municipality that the conversation is about, where it has named one and no other one."""
    asked = " ".join(turn.content for turn in history if turn.role == "user")
    known = [m for m in municipalities(meetings) if names(asked, m)]
    return replace(given, municipality=known[0]) if len(known) == 1 and given.municipality is None else given


def _foreign_municipality(text: str, meetings: Sequence[Meeting]) -> str | None:
    indexed = {fold(m) for m in municipalities(meetings)}
    found = _MUNICIPALITY.search(text)
    if found and found["name"].casefold() not in word_set("municipalities", "no_names"):
        name = fold(found["name"])
        if name not in indexed and name.rstrip("s") not in indexed:
            return found["name"]
    for name in table("municipalities")["names"]:
        here = rf"\b(?:i|fra|for|af|in|of)\s+{re.escape(name)}s?\b(?! [A-ZÆØÅ])"  # not »Køge Bugt«
        if fold(name) not in indexed and re.search(here, text):
            return str(name)
    return None


def _filters(
    text: str,
    meetings: Sequence[Meeting],
    named: tuple[str, ...],
    given: Filters,
    kind: QuestionKind,
    committees: Sequence[str],
    *,
    of_meeting: bool,
    whole: bool,
) -> tuple[Filters, Period | None]:
    """The filters a question holds, and the time in it that became one."""
    filters = given
    if filters.municipality is None and len(named) == 1 and Limit.MUNICIPALITY not in given.lifted:
        filters = replace(filters, municipality=named[0])
    if filters.committee is None and Limit.COMMITTEE not in given.lifted:
        several = len({m.committee for m in meetings if m.committee}) > 1
        if several and len(committees) == 1:
            filters = replace(filters, committee=committees[0])
    if filters.date_from is not None or filters.date_to is not None or Limit.PERIOD in given.lifted:
        return filters, None
    inside = [
        m
        for m in meetings
        if filters.municipality in (None, m.municipality) and filters.committee in (None, m.committee)
    ]
    period = period_of(text, inside, kind, of_meeting=of_meeting, whole=whole)
    if period is None:
        return filters, None
    return replace(filters, date_from=period.first, date_to=period.last), period
