"""A follow-up made whole with the question before it: »og i Bakkerup?«, »hvad med året efter?«, »hvad kostede det?«."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from askamu.danish import fold, frame_words, stop_words, words
from askamu.dates import find_dates, months
from askamu.passage import Turn
from askamu.vocabulary import pattern, table, word_set
from askamu.when import Meeting, spans_of

ITEM = re.compile(r"\b(?:punkt|pkt\.?|item|point)\s*(?:nr\.?\s*)?(?P<number>\d{1,3}[a-z]?)\b", re.IGNORECASE)
SHORT = 7  # words of a follow-up that only names another place or time
_YEAR = re.compile(r"(?<![\d.])(?:19|20)\d\d(?![\d.])")

Cited = tuple[tuple[str | None, str], ...]  # (ISO date, item number)


def complete(asked: str, history: Sequence[Turn], meetings: Sequence[Meeting]) -> tuple[str, Cited]:
    """A follow-up with what it leaves out, and the items the last answer cited.

    A question that stands on its own is returned as it is.

    Args:
        history: earlier turns, oldest first.
    """
    asked_before = [n for n, turn in enumerate(history) if turn.role == "user"]
    if not asked_before or not leans(asked):
        return asked, ()
    at = asked_before[-1]
    previous, _ = complete(history[at].content, history[:at], meetings)
    if len(words(asked)) <= SHORT:
        elsewhere = _elsewhere(asked, previous, meetings)
        if elsewhere is not None:
            return elsewhere, ()
        timed = _at_another_time(asked, previous, meetings)
        if timed != previous and not _says_more(asked):
            return timed, ()
        previous = timed
    said = [turn.content for turn in history if turn.role == "assistant"]
    return f"{previous.rstrip()} {asked.strip()}", cited(said[-1]) if said else ()


def leans(asked: str) -> bool:
    """Whether a question can't be understood without the one before it."""
    said = words(asked)
    limits = table("questions")["followup"]
    own = [w for w in said if w not in stop_words() and w not in frame_words()]
    if pattern("followup", "starts").search(asked) or not own:
        return True
    if len(said) > limits["max_words"] or len(own) > limits["max_subject_words"]:
        return False
    return bool(pattern("followup", "pronouns").search(asked)) or len(said) <= 3


def cited(said: str) -> Cited:
    """The items an answer named, each with the date that stands nearest to it."""
    days = list(find_dates(said))
    found = []
    for match in ITEM.finditer(said):
        near = min(days, key=lambda d: abs(d.start - match.start()), default=None)
        found.append((near.day.isoformat() if near else None, match["number"]))
    return tuple(dict.fromkeys(found))[:3]


def municipalities(meetings: Sequence[Meeting]) -> tuple[str, ...]:
    return tuple(sorted({m.municipality for m in meetings if m.municipality}))


def names(text: str, municipality: str) -> bool:
    """Whether a text names a municipality."""
    return bool(re.search(rf"(?<![\w]){re.escape(fold(municipality))}s?(?![a-z])", fold(text)))


def _elsewhere(asked: str, previous: str, meetings: Sequence[Meeting]) -> str | None:
    """The question before about the municipality, or the committee, that a follow-up names; None if it names none."""
    known = municipalities(meetings)
    named = [m for m in known if names(asked, m)]
    if named:
        whole = previous
        for other in known:
            whole = re.sub(rf"\b{re.escape(other)}s?\b", named[0], whole)
        return whole if names(whole, named[0]) else f"{previous.rstrip('?')} i {named[0]}?"
    committees = {m.committee for m in meetings if m.committee}
    new = next((c for c in sorted(committees, key=len, reverse=True) if c.casefold() in asked.casefold()), None)
    if new is None:
        return None
    for old in sorted(committees, key=len, reverse=True):
        at = previous.casefold().find(old.casefold())
        if at >= 0:
            return previous[:at] + new + previous[at + len(old) :]
    return f"{previous.rstrip('?')} i {new}?"


def _at_another_time(asked: str, previous: str, meetings: Sequence[Meeting]) -> str:
    """The question before with the time that a follow-up names instead of its own; as it was if it names none."""
    old = spans_of(previous)
    moved = _moved(asked, previous, old, meetings)
    if moved is not None:
        return moved
    new = spans_of(asked)
    if new and old:
        return previous[: old[0][0]] + asked[slice(*new[0])] + previous[old[0][1] :]
    side = pattern("followup", "beside_summer").search(asked)
    if side and pattern("followup", "beside_summer").search(previous):
        return pattern("followup", "beside_summer").sub(side[0], previous)
    month = re.search(rf"\b(?:{'|'.join(sorted(months(), key=len, reverse=True))})\b", asked, re.IGNORECASE)
    if month:
        return re.sub(rf"\b(?:{'|'.join(sorted(months(), key=len, reverse=True))})\b", month[0], previous, count=1,
                      flags=re.IGNORECASE)  # fmt: skip
    return previous


def _moved(asked: str, previous: str, old: Sequence[tuple[int, int]], meetings: Sequence[Meeting]) -> str | None:
    """The question before with its time moved on: »året efter«, »mødet før«; None if a follow-up asks for neither."""
    if pattern("followup", "year_after").search(asked):
        return _YEAR.sub(lambda year: str(int(year[0]) + 1), previous)
    if pattern("followup", "year_before").search(asked):
        return _YEAR.sub(lambda year: str(int(year[0]) - 1), previous)
    for name, step in (("meeting_after", 1), ("meeting_before", -1)):
        if not pattern("followup", name).search(asked):
            continue
        newest = pattern("meeting", "newest").search(previous)
        if newest and step < 0:
            said = re.sub(r"\b(?:seneste|sidste|nyeste)\b", "forrige", newest[0], flags=re.IGNORECASE)
            said = re.sub(r"\b(?:latest|last|most recent)\b", "previous", said, flags=re.IGNORECASE)
            return previous[: newest.start()] + said + previous[newest.end() :]
        day = next(find_dates(previous), None)
        towns = [m for m in municipalities(meetings) if names(previous, m)]
        held = sorted({m.held_on for m in meetings if m.held_on and (not towns or m.municipality in towns)})
        others = [d for d in held if day and (d > day.day if step > 0 else d < day.day)]
        if day and others:
            return previous[: day.start] + _written(others[0] if step > 0 else others[-1]) + previous[day.end :]
    return None


def _written(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _says_more(asked: str) -> bool:
    """Whether a follow-up asks for more than another time."""
    rest = asked
    for start, end in reversed(spans_of(asked)):
        rest = rest[:start] + " " + rest[end:]
    for name in ("starts", "year_after", "year_before", "meeting_after", "meeting_before", "beside_summer"):
        rest = pattern("followup", name).sub(" ", rest)
    known = (
        stop_words()
        | frame_words()
        | months().keys()
        | word_set("stopwords", "meeting")
        | table("dates")["seasons"].keys()
    )
    return any(w.isalpha() and w not in known for w in words(rest))
