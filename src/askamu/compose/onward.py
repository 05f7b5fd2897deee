"""What other bodies had to do with a decision: who treated the matter later, and whose recommendation was adopted.

A committee recommends onwards, and a council adopts »Økonomiudvalgets indstilling«: neither says by itself what was
decided in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from askamu.compose.draft import Context, quoted
from askamu.danish import letters
from askamu.dates import find_dates
from askamu.library import Library
from askamu.metadata import is_council
from askamu.minutes import AgendaItem, Decision, Minutes, Outcome, Section, SectionKind, Span
from askamu.sentences import sentences
from askamu.threads import is_generic, rank, telling
from askamu.vocabulary import table

SOON = timedelta(days=180)  # within which a matter comes before the next body
AGAIN = timedelta(days=400)  # within which one that was put off comes up again
ALIKE = 0.6  # share of the shorter title's words that both must have
MAX_SAID = 300  # characters of a later decision
MAX_HISTORY = 1_100  # characters of what another body said
LONGEST_SENTENCE = 600  # characters of one that are read
MAX_ENTRIES = 40  # the last ones of a history that are read
MAX_READ = 4_000  # characters in which it is looked for whose recommendation was adopted
LONGEST_HEAD = 90  # characters of a line that tells body and day of an earlier treatment
PUT_OFF = frozenset({Outcome.POSTPONED, Outcome.SENT_BACK})


# -- later treatment ---------------------------------------------------------------------------


def is_recommended(minutes: Minutes, decision: Decision) -> bool:
    """Whether a decision only recommends to another body. A council's never does."""
    recommends = not decision.final and Outcome.RECOMMENDED in decision.outcomes
    return recommends and not is_council(minutes.committee)


def onward(context: Context, minutes: Minutes, item: AgendaItem) -> str:
    """What became of the matter where minutes of a later treatment are indexed; "" where there is nothing to say."""
    if item.decision is None:
        return ""
    recommended = is_recommended(minutes, item.decision)
    found = later(context.library, minutes, item)
    if found is None:
        return context.say("not_final") if recommended else ""
    there, again = found
    decision = again.decision
    assert decision is not None
    key = "settled" if recommended and decision.final else "treated_later"
    outside = "" if any(m.id == there.id for m in context.meetings) else f" {context.say('outside')}"
    section = again.of_kind(SectionKind.DECISION)[0]
    said = context.cite(there, again, section, quoted(there, decision), MAX_SAID)
    where = context.say(key, place=context.place(there, again) + outside)
    return " ".join([where, said, *adopted_text(context, there, again, MAX_SAID)])


def later(library: Library, minutes: Minutes, item: AgendaItem) -> tuple[Minutes, AgendaItem] | None:
    """The later item on the same case that decided, of another body; of the same one where the case was put off.

    The same case: under the same number or the same heading, and with a heading much alike; one with the very same
    heading wins. The council has the last word, otherwise the next body.
    """
    put_off = item.decision is not None and bool(PUT_OFF & set(item.decision.outcomes))
    last = is_council(minutes.committee) and not put_off
    if minutes.held_on is None or item.decision is None or last or not item.title or is_generic(item.title):
        return None
    places = library.record.find_case(library.generation, item.case_number) if item.case_number else []
    title = item.title.casefold()
    places += library.by_title.get(title, [])
    found = []
    for document, index in dict.fromkeys(places):
        meeting = library.meeting(document)
        if meeting.municipality != minutes.municipality or meeting.held_on is None or document == minutes.id:
            continue
        own = meeting.committee == minutes.committee
        if not own and rank(meeting.committee or "") <= rank(minutes.committee or ""):
            continue  # another committee beside it, with a decision of its own
        if (own and not put_off) or not timedelta(own) <= meeting.held_on - minutes.held_on <= (AGAIN if own else SOON):
            continue
        there = library.minutes(document)
        again = there.items[index]
        if again.decision is None or again.closed or is_recommended(there, again.decision):
            continue
        if _alike(item.title, again.title, minutes):
            same = again.title.casefold() == title
            unlike = -_likeness(item.title, again.title, minutes)
            found.append((not same, not is_council(there.committee), meeting.held_on, document, unlike, there, again))
    found.sort(key=lambda f: f[:5])
    if len(found) > 1 and found[0][:5] == found[1][:5]:
        return None  # two items of one meeting, as alike: which it is, is not known
    return found[0][5:] if found else None


def _likeness(one: str, other: str, minutes: Minutes) -> float:
    """The share of the telling words of two headings that are in both."""
    mine, theirs = telling(one, minutes.municipality), telling(other, minutes.municipality)
    return len(mine & theirs) / max(len(mine | theirs), 1)


def _alike(one: str, other: str, minutes: Minutes) -> bool:
    mine, theirs = telling(one, minutes.municipality), telling(other, minutes.municipality)
    fewer = min(len(mine), len(theirs))
    return one.casefold() == other.casefold() or (fewer > 0 and len(mine & theirs) >= ALIKE * fewer)


# -- whose recommendation was adopted ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What one body said at one earlier treatment, as the minutes quote it."""

    section: Section
    body: str  # letters of its name
    head: Span
    said: Span


def adopted_text(context: Context, minutes: Minutes, item: AgendaItem, most: int = MAX_HISTORY) -> list[str]:
    """Where a decision adopts what another body recommended, and that was not what is printed: that body's words."""
    texts = []
    for entry in own_ways(minutes, item):
        start, end = entry.head.start, entry.said.end
        if end - start > most:
            start = next((s.start for s in _own_words(minutes, entry)), start)
        said = context.cite(minutes, item, entry.section, Span(start, end), most)
        texts.append(f"{context.say('adopted_from')} {said}")
    return texts


def own_ways(minutes: Minutes, item: AgendaItem) -> list[Entry]:
    """Where a decision adopts another body's recommendation: the entries in which that is not simply the printed one.

    »Byrådet godkendte Økonomiudvalgets indstilling« adopts what the administration recommended only if that committee
    recommended the same, or recommended to follow a committee that did.
    """
    decision = item.decision
    adopted = _adopts().search(minutes.text[decision.start : decision.end][:MAX_READ]) if decision else None
    entries = [e for section in item.of_kind(SectionKind.HISTORY) for e in _entries(minutes, section)][-MAX_ENTRIES:]
    withheld = _formula_withheld()
    entries = [e for e in entries if not withheld.search(e.said.of(minutes.text)[:LONGEST_SENTENCE])]
    if adopted is None or not entries:
        return []
    return _followed(minutes, entries, letters(adopted["body"]))


def _followed(minutes: Minutes, entries: Sequence[Entry], body: str) -> list[Entry]:
    """The own ways that adopting a body's recommendation adopts: its last entry's, and those of whom it points to."""
    if not any(_is_body(e.body, body) for e in entries):
        return [e for e in entries if any(_own_words(minutes, e))]  # nothing says whose words they are
    reached: set[int] = set()
    to_follow = [(body, len(entries))]  # a body, and before which entry it is looked for
    while to_follow:
        name, end = to_follow.pop()
        if name.startswith(("fagudvalg", "udvalg")):  # »fagudvalgenes indstillinger«
            last = {entries[n].body: n for n in range(end)}
            reached |= set(last.values())
            continue
        at = next((n for n in reversed(range(end)) if _is_body(entries[n].body, name)), None)
        if at is None or at in reached:
            continue
        reached.add(at)
        for pointer in _adopts().finditer(entries[at].said.of(minutes.text)[:MAX_READ]):
            name = letters(pointer["body"])
            if not name.startswith(("administration", "forvaltning")) and not _is_body(entries[at].body, name):
                to_follow.append((name, at))
    return [entries[n] for n in sorted(reached) if any(_own_words(minutes, entries[n]))]


def _own_words(minutes: Minutes, entry: Entry) -> Iterator[Span]:
    """The sentences of an entry that do more than recommend what was printed, or what another body recommended."""
    words = table("outcomes")["of_another"]
    for span in sentences(minutes.text, entry.said.start, entry.said.end):
        said = " ".join(span.of(minutes.text)[:LONGEST_SENTENCE].split())
        if re.search(words["members"], said, re.IGNORECASE) or not re.search(r"[^\W\d_]{3}", said):
            continue
        plain = any(re.search(p, said, re.IGNORECASE) for p in words["plain"])
        if not plain or re.search(words["differs"], said, re.IGNORECASE):
            yield span


def _entries(minutes: Minutes, section: Section) -> list[Entry]:
    """The earlier treatments that a section tells of, oldest first; one whose body is not told has "" for it."""
    heads = []
    at = section.body
    for line in minutes.text[section.body : section.end].splitlines(keepends=True):
        bare = line.strip()
        if 0 < len(bare) <= LONGEST_HEAD and any(find_dates(bare)) and _body_name().search(bare):
            heads.append((Span(at, at + len(line.rstrip())), letters(_body_name().findall(bare)[-1])))
        at += len(line)
    if not heads:
        return [Entry(section, "", Span(section.start, section.start), Span(section.body, section.end))]
    ends = [head.start for head, _ in heads[1:]] + [section.end]
    return [
        Entry(section, body, head, Span(head.end, head.end + len(minutes.text[head.end : end].rstrip())))
        for (head, body), end in zip(heads, ends, strict=True)
    ]


def _is_body(one: str, other: str) -> bool:
    one, other = (n.removesuffix("s").removesuffix("et") for n in (one, other))
    return bool(one and other) and (one.endswith(other) or other.endswith(one))


@cache
def _formula_withheld() -> re.Pattern[str]:
    return re.compile(table("outcomes")["of_another"]["withheld"], re.IGNORECASE)


@cache
def _adopts() -> re.Pattern[str]:
    return re.compile(table("outcomes")["of_another"]["adopts"])


@cache
def _body_name() -> re.Pattern[str]:
    return re.compile(table("outcomes")["of_another"]["body"])


def history_text(context: Context, minutes: Minutes, item: AgendaItem, section: Section) -> str:
    """What another body said of the matter, as the minutes quote it."""
    start, end = section.start, section.end
    while end > start and minutes.text[end - 1].isspace():
        end -= 1
    return f"{context.say('other_body')} {context.cite(minutes, item, section, Span(start, end), MAX_HISTORY)}"
