"""What a decision (beslutning) says: outcomes, what it adopts, additions, absences, votes.

A decision is often only a formula (»Godkendt som indstillet«). What was decided then stands in the
recommendation (indstilling), so the two are tied together here, point by point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from askamu import texts
from askamu.lines import Line, is_nil, is_noise, read_lines
from askamu.metadata import looks_like_name, split_names
from askamu.minutes import Decision, Note, NoteKind, Outcome, Section, Span
from askamu.sentences import sentences
from askamu.vocabulary import table

MAX_SENTENCE = 1_500  # characters of a sentence in which an outcome is looked for
BESIDE = frozenset({Outcome.DISCUSSED, Outcome.NOTED})
# Outcomes under which the recommendation is not what was decided.
NOT_ADOPTED = frozenset(
    {Outcome.REJECTED, Outcome.POSTPONED, Outcome.SENT_BACK, Outcome.WITHDRAWN, Outcome.NONE, Outcome.OTHER}
)
_LEAD = re.compile(
    r"(?:\b(?:indstille[rs]|foreslå[rs]|anbefale[rs]|indstilles det)\b[^:]*|\bat\s*):\s*$|,\s*+(?:at)?\s*+:?\s*$",
    re.IGNORECASE,
)
MAX_LEAD = 220  # characters
_RECOMMENDS = re.compile(
    r"[^.:]{0,120}\b(?:indstille[rs]|foreslå[rs]|anbefale[rs])\b[^.:]{0,40}[,;:]?\s*", re.IGNORECASE
)
_ASKING = re.compile(
    r"^[^:.]{0,80}?\b(?:indstille[rs]|foreslå[rs]|anbefale[rs])\b[^:.,]{0,40}?[,:]?\s+at\b:?\s*", re.IGNORECASE
)
_POINT = re.compile(r"^\s*(?:[-–•*·▪]\s+|\d{1,2}[.)]\s*(?=\D)|[a-h][.)]\s+|[Aa]t\s+\d{1,2}[.):]?\s+|at\s+)")
_NUMBERED = re.compile(r"^\s*(?:[Aa]t\s+)?(?P<number>\d{1,2})[.):]?")
_UNDER = re.compile(r"^\s*(?:[a-hA-H][.)]\s|(?:eller|og|samt|enten)\W*$)")  # a part of the point above it


@cache
def _outcomes() -> list[tuple[Outcome, re.Pattern[str], bool]]:
    return [
        (Outcome(o["name"]), re.compile("|".join(o["patterns"]), re.IGNORECASE), bool(o.get("last")))
        for o in table("outcomes")["outcome"]
    ]


@cache
def _clause(key: str) -> re.Pattern[str]:
    return re.compile(table("outcomes")["clause"][key], re.IGNORECASE)


@cache
def _formula(key: str) -> re.Pattern[str]:
    group = "formula" if key == "adopts" else "notes"
    return re.compile("|".join(f"(?:{p})" for p in table("outcomes")[group][key]), re.IGNORECASE)


@cache
def _point_patterns() -> list[re.Pattern[str]]:
    return [re.compile(p, re.IGNORECASE) for p in table("outcomes")["formula"]["points"]]


@cache
def _absence() -> tuple[list[re.Pattern[str]], re.Pattern[str]]:
    words = table("people")
    return [re.compile(p) for p in _ignore_case_but_names(words["absence"])], re.compile(
        "|".join(words["partial"]), re.IGNORECASE
    )


def _ignore_case_but_names(patterns: list[str]) -> list[str]:
    return [f"(?i){p}" for p in patterns]


def outcomes_of(sentence: str) -> tuple[Outcome, ...]:
    """The outcomes one sentence states.

    The main clause counts (»Taget til efterretning, idet sagen genoptages, hvis …« is noted); of several
    outcomes the one said first. Only »drøftet« and »taget til efterretning« stand beside a further one.
    """
    plain = _without_point(_flat(sentence[:MAX_SENTENCE]))
    end = _clause("ends").search(plain)
    main = plain[: end.start()] if end else plain
    stated = _stated(main) or _stated(plain)
    if not stated:
        return ()
    first, *others = stated
    remark = _clause("remark").search(plain) if first is Outcome.SENT_BACK else None
    if remark:
        return tuple((_stated(remark[0]) or stated)[:1])
    if first is Outcome.APPROVED and end and _clause("changes").match(plain[end.start() :]):
        first = Outcome.APPROVED_WITH_CHANGE
    if first is Outcome.RECOMMENDED:
        return (first, Outcome.REJECTED) if Outcome.REJECTED in others else (first,)  # »anbefaler, at … ikke godkendes«
    return (first, *others) if first in BESIDE else (first,)


@cache
def _member() -> re.Pattern[str]:
    return re.compile(table("outcomes")["clause"]["member"])


def is_of_member(sentence: str) -> bool:
    """Whether a sentence tells what single members or groups said or voted, and not what was decided."""
    return bool(_member().search(sentence))


def _stated(clause: str) -> list[Outcome]:
    """The outcomes of a clause in the order in which they are said; a weak one only where there is no other."""
    found: list[tuple[int, int, Outcome]] = []
    weak: list[Outcome] = []
    for rank, (outcome, pattern, last) in enumerate(_outcomes()):
        match = pattern.search(clause)
        if match and last:
            weak.append(outcome)
        elif match:
            found.append((match.start(), rank, outcome))
    ordered = list(dict.fromkeys(outcome for _, _, outcome in sorted(found)))
    if Outcome.REJECTED in ordered and ordered[0] is not Outcome.REJECTED:
        at = {outcome: start for start, _, outcome in found}
        if at[Outcome.REJECTED] == at[ordered[0]]:
            ordered.remove(ordered[0])
    return ordered or weak[:1]


def _is_weak(sentence: str) -> bool:
    """Whether a sentence decides something without saying that the recommendation was adopted (»beslutter, at …«)."""
    return not any(pattern.search(sentence) for _, pattern, last in _outcomes() if not last)


def outcome_of(sentence: str) -> Outcome | None:
    """The first outcome one sentence states, None if it states none."""
    return next(iter(outcomes_of(sentence)), None)


def asked_for(point: str) -> tuple[Outcome, ...]:
    """The outcomes a recommendation's point asks for (»Det indstilles, at sagen drøftes« asks for discussed).

    That it recommends is what it does, not what it asks for.
    """
    stated = outcomes_of(_ASKING.sub("", _flat(point[:MAX_SENTENCE]), count=1))
    return tuple(o for o in stated if o is not Outcome.RECOMMENDED)


def _without_point(sentence: str) -> str:
    for pattern in _point_patterns():
        found = pattern.match(sentence)
        if found:
            return sentence[found.end() :]
    return sentence


def _points_named(sentence: str) -> tuple[int, int] | None:
    """The recommendation points a sentence speaks of (»Ad 1-2. Godkendt«), both included."""
    for pattern in _point_patterns():
        found = pattern.match(sentence.strip())
        if found:
            groups = found.groupdict()
            first = int(groups["from"])
            return first, int(groups.get("to") or first)
    return None


def recommendation_points(text: str, section: Section) -> tuple[Span, ...]:
    """The points of a recommendation, each as a span without its bullet or number.

    »Det indstilles, at:« followed by lines gives one a line; a recommendation in one sentence is one
    point, from its first word.
    """
    lines = [x for x in _lines_of(text, section.body, section.end) if not x.blank and not is_noise(x.bare)]
    if not lines:
        return ()
    blocks: list[list[Line]] = []
    after_lead = False
    previous: Line | None = None
    for line in lines:
        gap = previous is not None and "\n\n" in text[previous.end : line.start]
        starts = bool(_POINT.match(line.raw)) or line.raw.lstrip().startswith(("•", "-", "*"))
        starts = starts or (line.bare[:1].isupper() and bool(_RECOMMENDS.fullmatch(line.bare)))
        goes_on = previous is not None and not previous.bare.endswith((".", ";", ":", ","))
        if previous is None or starts or gap or (after_lead and line.bare[:1].isupper() and not goes_on):
            blocks.append([line])
        else:
            blocks[-1].append(line)
        after_lead = after_lead or bool(_LEAD.search(line.bare))
        previous = line
    if len(blocks) > 1 and _is_lead(blocks):
        blocks = blocks[1:]
    blocks = _with_their_parts([b for b in blocks if not _RECOMMENDS.fullmatch(" ".join(x.bare for x in b))] or blocks)
    spans = []
    for block in blocks:
        start, end = block[0].start, block[-1].end
        mark = _POINT.match(block[0].raw) if len(blocks) > 1 or not block[0].raw.lstrip().startswith("at") else None
        offset = mark.end() if mark else len(block[0].raw) - len(block[0].raw.lstrip())
        if mark and mark[0].strip().casefold() == "at":
            offset = len(block[0].raw) - len(block[0].raw.lstrip())  # »at« belongs to the sentence
        spans.append(_trim(text, start + offset, end))
    return tuple(s for s in spans if s.end > s.start)


def _is_lead(blocks: Sequence[Sequence[Line]]) -> bool:
    """Whether the first block only says who recommends (»Administrationen indstiller;«)."""
    first = blocks[0]
    if _LEAD.search(first[-1].bare):
        return True
    said = " ".join(x.bare for x in first)
    marked = bool(_POINT.match(blocks[1][0].raw))
    return marked and not _POINT.match(first[0].raw) and len(said) <= MAX_LEAD and bool(_RECOMMENDS.match(said))


def _with_their_parts(blocks: Sequence[list[Line]]) -> list[list[Line]]:
    """Each point with the parts that stand under it: »a.«, »b.«, »eller«, and where points are numbered all else."""
    numbered = sum(bool(_numbered(block)) for block in blocks) > 1
    whole: list[list[Line]] = []
    for block in blocks:
        under = bool(_UNDER.match(block[0].raw)) or (numbered and not _numbered(block))
        if whole and under and (numbered or not _UNDER.match(whole[0][0].raw)):
            whole[-1].extend(block)
        else:
            whole.append(list(block))
    return whole


def _numbered(block: Sequence[Line]) -> bool:
    return bool(_POINT.match(block[0].raw) and _NUMBERED.match(block[0].raw))


def _is_open(point: str) -> bool:
    """Whether a point asks for a choice and makes none (»at det besluttes, om …«): adopting it says nothing."""
    return bool(_open().search(point))


@cache
def _open() -> re.Pattern[str]:
    return re.compile("|".join(table("outcomes")["formula"]["open"]), re.IGNORECASE)


def told(outcomes: Sequence[Outcome], final: bool | None, language: str) -> list[str]:
    """The outcomes in words: »Godkendt«, »Ikke endeligt: anbefalet videre«, »Ikke anbefalet (ikke endeligt)«."""
    advised = final is False and Outcome.RECOMMENDED not in outcomes
    first = sorted(outcomes, key=lambda o: o is not Outcome.RECOMMENDED)  # that it is not final is said first
    keys = ["not_recommended" if advised and o is Outcome.REJECTED else o.value for o in first]
    return [texts.text(f"outcome.{key}", language) for key in keys]


def read_decision(
    text: str, section: Section, recommendation: Section | None, *, council: bool = False
) -> Decision | None:
    """Read the decision of an item; None if the section says nothing at all.

    Args:
        council: whether it is the municipality's council that decides. What others recommended to it goes no further
            when it is adopted.
    """
    body = [x for x in _lines_of(text, section.body, section.end) if not is_noise(x.bare)]
    filled = [x for x in body if not x.blank]
    if not filled:
        return None
    absence, names = _absences(text, filled)
    absent_ends = {span.end for span in absence}
    said = [x for x in filled if _trim(text, x.start, x.end).end not in absent_ends]
    start, end = (said[0].start, said[-1].end) if said else (filled[0].start, filled[-1].end)
    whole = _trim(text, start, end)

    points = recommendation_points(text, recommendation) if recommendation and not recommendation.nil else ()
    outcomes: list[Outcome] = []
    adopts: dict[Span, None] = {}  # in order
    additions: list[Span] = []
    votes: list[Span] = []
    open_lead = bool(points and recommendation and _is_open(_flat(text[recommendation.body : points[0].start])))
    refused: set[Span] = set()
    instead = False
    for index, span in enumerate(_said_sentences(text, said)):
        sentence = _flat(span.of(text)[:MAX_SENTENCE])
        if re.search(_formula("votes"), sentence):
            votes.append(span)
        of_member = bool(index and is_of_member(sentence))
        if of_member and span not in votes[-1:]:
            votes.append(span)
        stated = () if of_member else outcomes_of(sentence)
        outcome = stated[0] if stated else None
        named = _points_named(sentence)
        is_formula = bool(_formula("adopts").search(_without_point(sentence)))
        first = index == 0 or named is not None
        own = first or is_formula or _is_short(sentence) or _clause("decides").search(sentence)
        if outcome is None or not own:
            additions.append(span)
            continue
        instead = instead or (outcome is Outcome.APPROVED and outcome not in outcomes and _is_weak(sentence))
        outcomes.extend(o for o in stated if o not in outcomes)
        if outcome in NOT_ADOPTED:
            refused.update(points[named[0] - 1 : named[1]] if named and named[1] <= len(points) else ())
            if not _is_short(sentence):
                additions.append(span)
            continue
        if is_formula and points:
            chosen = points[named[0] - 1 : named[1]] if named and named[1] <= len(points) else points
            adopts.update(dict.fromkeys(chosen))
        if len(sentence) > 90 or not (is_formula or _is_short(sentence)):
            additions.append(span)
    if not outcomes:
        nothing = not said or is_nil(whole.of(text))
        outcomes = [Outcome.NONE if nothing else Outcome.OTHER]
    if len(outcomes) > 1 and Outcome.NONE in outcomes:
        outcomes.remove(Outcome.NONE)  # somebody abstained, and the others decided
    if Outcome.REJECTED in outcomes and instead:
        # Turned down, and something else decided in its place.
        outcomes[outcomes.index(Outcome.APPROVED)] = Outcome.APPROVED_WITH_CHANGE
    adopted = outcomes[0] in (Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE)
    waits = adopted and not council and bool(_onward("conditional").search(_flat(whole.of(text))))
    if waits or (adopted and not council and any(_onward("patterns").search(_flat(p.of(text))) for p in adopts)):
        said_so = {Outcome.RECOMMENDED, Outcome.APPROVED} | ({Outcome.APPROVED_WITH_CHANGE} if waits else set())
        outcomes = [Outcome.RECOMMENDED, *(o for o in outcomes if o not in said_so)]
    final = Outcome.RECOMMENDED not in outcomes and not set(outcomes) <= {Outcome.POSTPONED, Outcome.SENT_BACK}
    if Outcome.REJECTED in outcomes and not council and _formula("advises_against").search(_flat(whole.of(text))):
        final = False  # »Anbefales ikke« goes to the body that decides
    return Decision(
        start=whole.start,
        end=whole.end,
        outcomes=tuple(outcomes),
        adopts=tuple(p for p in adopts if p not in refused and not _is_open(_flat(p.of(text))))
        if not open_lead
        else (),
        additions=tuple(additions),
        final=final,
        absent=tuple(names),
        absence=tuple(absence),
        votes=tuple(votes),
        notes=_notes(text, filled),
    )


@cache
def _onward(key: str) -> re.Pattern[str]:
    return re.compile("|".join(table("outcomes")["onward"][key]), re.IGNORECASE)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" *_•▪·")


def _notes(text: str, lines: list[Line]) -> tuple[Note, ...]:
    """What is noted beside the decision: substitutes, disqualification, statements, absence from some of it."""
    found = []
    for span in _said_sentences(text, lines):
        sentence = _flat(span.of(text)[:MAX_SENTENCE])
        kind = next((k for k, pattern in _note_patterns() if pattern.search(sentence)), None)
        if kind is not None:
            found.append(Note(kind, span))
    return tuple(found)


@cache
def _note_patterns() -> list[tuple[NoteKind, re.Pattern[str]]]:
    notes = table("people")["notes"]
    return [(NoteKind(k), re.compile("|".join(patterns), re.IGNORECASE)) for k, patterns in notes.items()]


def _is_short(sentence: str) -> bool:
    return len(sentence) <= 60


def _absences(text: str, lines: list[Line]) -> tuple[list[Span], list[str]]:
    patterns, partial = _absence()
    spans: list[Span] = []
    names: list[str] = []
    below = False
    for line in lines:
        plain = line.bare[:MAX_SENTENCE]
        name = re.sub(r"^\d{1,2}\.\s*", "", plain)
        if below and looks_like_name(name):
            spans.append(_trim(text, line.start, line.end))
            names.extend(n for n in split_names(name) if n not in names)
            continue
        below = False
        labelled = _absence_label().match(plain)
        if labelled:
            spans.append(_trim(text, line.start, line.end))
            below = not plain[labelled.end() :].strip()  # the names stand on lines of their own
            listed = re.split(r"\.\s+(?=[A-ZÆØÅ])", plain[labelled.end() :], maxsplit=1)[0]
            if not partial.search(listed):
                names.extend(n for n in split_names(listed) if n not in names and looks_like_name(n))
            continue
        for pattern in patterns:
            found = pattern.match(plain)
            if not found:
                continue
            people = [
                n for n in split_names(found["names"]) if re.match(r"[A-ZÆØÅ][\w.'-]+(?:\s+[A-ZÆØÅ(][\w.()'-]*)+", n)
            ]
            if people or not found["names"].strip():
                spans.append(_trim(text, line.start, line.end))
                if not partial.search(plain):
                    names.extend(n for n in people if n not in names)
            break
    return spans, names


@cache
def _absence_label() -> re.Pattern[str]:
    labels = "|".join(sorted(table("people")["absent"], key=len, reverse=True))
    return re.compile(rf"^(?:{labels})\s*(?::|[–-]\s)\s*", re.IGNORECASE)


def _said_sentences(text: str, lines: list[Line]) -> list[Span]:
    """The sentences of the lines kept, never across lines that were left out between them."""
    spans: list[Span] = []
    block: list[Line] = []
    for line in lines:
        if block and text[block[-1].end : line.start].strip():
            spans.extend(sentences(text, block[0].start, block[-1].end))
            block = []
        block.append(line)
    if block:
        spans.extend(sentences(text, block[0].start, block[-1].end))
    return spans


def _lines_of(text: str, start: int, end: int) -> list[Line]:
    return [Line(x.start + start, x.end + start, x.raw, x.bare, x.marked) for x in read_lines(text[start:end])]


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and (text[start].isspace() or text[start] in "*"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*"):
        end -= 1
    return Span(start, end)
