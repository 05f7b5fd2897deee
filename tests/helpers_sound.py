"""Sound sentences, assembled by code from the sections of minutes, with the lines that they cite.

Each family takes what is printed and says it again in a way that cannot have made it false: word for word, with its
place before it, without a side remark at its end, with units in words, a recommendation as a recommendation, a
decision by its parsed outcome. Rows of tables are left out, as their columns cannot be proven from a line of text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from askamu.llm.evidence import Evidence, Line
from askamu.minutes import AgendaItem, Decision, Minutes, Outcome, SectionKind
from askamu.snippets import section_snippets

MONTHS = (
    "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november",
    "december",
)  # fmt: skip
ACCOUNT = (
    SectionKind.SUMMARY, SectionKind.CASE, SectionKind.ECONOMY, SectionKind.CONSEQUENCES, SectionKind.ASSESSMENT,
    SectionKind.TIMELINE, SectionKind.EFFECT,
)  # fmt: skip
QUOTED = (*ACCOUNT, SectionKind.DECISION, SectionKind.RECOMMENDATION, SectionKind.HISTORY)
_SIDE = re.compile(r",\s+(?=(?:hvilket|mens|idet|hvoraf|heraf|herunder|svarende til|og|men)\b)")
_RELATIVE = re.compile(
    r"(?<=\bkr\.),\s+(?=(?:som|der)\b)"
)  # what follows an amount tells more of it, and limits nothing
_LIMITING = re.compile(
    r"\b(?:forud\w*|dog|medmindre|hvis|såfremt|ikke|kun|forvent\w*|skøn\w*|under \w+ betingelse)\b", re.I
)
_VERB = re.compile(
    r"\b(?:er|var|har|havde|blev|bliver|skal|kan|vil|udgør|udgjorde|steg|faldt|viser|viste|koster|kom|fik|\w{3,}ede)\b"
)
_DATE = re.compile(r"(?<![\d.-])(\d{1,2})[.-](\d{1,2})[.-]((?:19|20)\d\d)(?![\d-]|\.\d)")
_ASKS = re.compile(r"^[^:.]{0,90}?\b(?:indstille[rs]|foreslå[rs]|anbefale[rs])\b[^:.,]{0,60}?,? at\b\s*(?=[^:\s])")
_ASKS_LIST = re.compile(r"^[^:.]{0,120}?\b(?:indstille[rs]|foreslå[rs]|anbefale[rs])\b[^:.]{0,60}?:\s*")
_POINTS = re.compile(r"(?m)^\s*(?:\d{1,2}[.)]|[-–•])\s+")
_MORE = re.compile(r"[:|\[\]{}]|(?<!\d)(?<!kr)(?<!mio)(?<!pr)\.\s", re.I)


@dataclass(frozen=True, slots=True)
class Sound:
    """A sentence that its passages carry."""

    family: str
    text: str
    marks: tuple[str, ...]
    evidence: tuple[Evidence, ...]  # all sections of its item
    language: str = "da"

    @property
    def marked(self) -> str:
        return self.text + "".join(f" [{m}]" for m in self.marks)


def sound_sentences(every: Sequence[Minutes], most: int = 150) -> list[Sound]:
    """The sentences of all families, of each at most so many, drawn over all the minutes in an order that never changes."""
    known = lowercase_words(every)
    found: dict[str, list[Sound]] = {}
    for minutes in every:
        for n, item in enumerate(minutes.items):
            if not item.closed:
                for sound in of_item(minutes, n, item, known):
                    found.setdefault(sound.family, []).append(sound)
    drawn = []
    for family, sentences in sorted(found.items()):
        distinct = list({(s.text, s.marks): s for s in sentences}.values())
        drawn += Random(family).sample(distinct, most) if len(distinct) > most else distinct
    return drawn


def lowercase_words(every: Sequence[Minutes]) -> frozenset[str]:
    """Words that stand with a small letter somewhere, so that a capital is that of a sentence's beginning."""
    return frozenset(w for m in every for w in re.findall(r"(?<![\w.])[a-zæøå]+\b", m.text))


def evidence_of(minutes: Minutes, number: int, item: AgendaItem) -> list[Evidence]:
    """The sections of an item as passages, as askamu gives them to a model."""
    found = []
    for section in item.sections:
        if section.nil or section.kind in (SectionKind.HEADER, SectionKind.ATTACHMENTS, SectionKind.ATTACHMENT_TEXT):
            continue
        rng = Random(f"{minutes.id} {number} {section.start}")
        id = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(6))
        lines = tuple(Line(f"{id}.{n}", s) for n, s in enumerate(section_snippets(minutes, item, section)[:99], 1))
        if lines:
            found.append(Evidence(id, minutes, item, section, lines))
    return found


def of_item(minutes: Minutes, number: int, item: AgendaItem, known: frozenset[str]) -> Iterator[Sound]:
    evidence = tuple(evidence_of(minutes, number, item))
    said = [*accounts(evidence, known), *proposals(evidence, known), *decisions(minutes, item, evidence, known)]
    if item.case_number and (first := next((e for e in evidence if e.section.kind in ACCOUNT and prose(e)), None)):
        said.append(("case_number", f"Sagen har sagsnummer {item.case_number}.", (prose(first)[0].mark,)))
    for family, text, marks in said:
        english = family.endswith("_en")
        yield Sound(family, text, tuple(marks), evidence, "en" if english else "da")


Told = tuple[str, str, tuple[str, ...]]


def prose(evidence: Evidence) -> list[Line]:
    """The lines that are one sentence each: no rows, lists, headings or bare formulas."""
    return [
        line
        for line in evidence.lines
        if not line.snippet.is_row
        and 5 <= len(line.text.split()) <= 60
        and line.text[:1].isupper()
        and line.text.endswith(".")
        and not re.search(r"[|\t:•\[\]{}<>`]|https?:|www\.|\.(?:dk|com)\b", line.text)
        and line.text.count("(") == line.text.count(")")
        and not any(line.text.count(one) != line.text.count(other) for one, other in ("»«", "„“"))
        and not line.text.count('"') % 2
        and not len(re.findall("[“”]", line.text)) % 2
    ]


def accounts(evidence: Sequence[Evidence], known: frozenset[str]) -> Iterator[Told]:
    """What is told of the case, again."""
    for passage in evidence:
        kind = passage.section.kind
        for line in passage.lines:
            if kind in QUOTED and not line.snippet.is_row and len(line.text.split()) > 1:
                yield "inserted", f"I referatet står: {{{line.mark}}}", (line.mark,)
        lines = prose(passage)
        if kind is SectionKind.DECISION:
            yield from (("verbatim", line.text, (line.mark,)) for line in lines)
        if kind not in ACCOUNT:
            continue
        for line in lines:
            text, marks = line.text, (line.mark,)
            yield "verbatim", text, marks
            if kind is SectionKind.CASE and (small := lowered(text, known)):
                yield "framed", framed(small), marks
            if short := shortened(text):
                yield "shortened", short, marks
            yield from (("units", told, marks) for told in in_words(text))
        for one, other in zip(passage.lines, passage.lines[1:], strict=False):
            small = lowered(other.text, known)
            if one in lines and other in lines and small and len(f"{one.text} {small}".split()) <= 55:
                yield "joined", f"{one.text.rstrip('.')}, og {small}", (one.mark, other.mark)


def lowered(text: str, known: frozenset[str]) -> str | None:
    """A sentence as it goes on after others; None where its first word may be a name."""
    first = text.split()[0]
    return text[0].lower() + text[1:] if first.lower() in known and first[1:].islower() else None


def framed(small: str) -> str:
    """»der er 19« with its place before it."""
    first, verb, *rest = small.split()
    if first in ("der", "det") and verb in ("er", "var", "blev", "har", "havde", "skal", "kan", "vil"):
        return " ".join(["Ifølge sagsfremstillingen", verb, first, *rest])
    return f"Det fremgår af sagsfremstillingen, at {small}"


def shortened(text: str) -> str | None:
    """The first clause of a long sentence with its figure, where what is cut off limits nothing of it."""
    for joint in (*_RELATIVE.finditer(text), *_SIDE.finditer(text)):
        first, rest = text[: joint.start()], text[joint.end() :]
        if (
            len(first.split()) >= 7
            and len(rest.split()) >= 4
            and re.search(r"\d", first)
            and _VERB.search(first)
            and not _LIMITING.search(rest)
            and not re.match(r"(?:Hvis|Såfremt|Når|Både|Hverken|Mens|Idet|Da|Fordi|Selv om)\b", first)
            and not re.search(r",[^,]*\b(?:at|hvis|når|såfremt|som|der)\b[^,]*$", first)
            and first.count("(") == first.count(")")
            and not first.count('"') % 2
        ):
            return f"{first.rstrip('.')}."
    return None


def in_words(text: str) -> Iterator[str]:
    """A sentence with its units in words, and with its numeric dates by the names of their months."""
    words = re.sub(r"(?<=\d )mio\. kr\.?(?=$| [a-zæøå(]|,)", "millioner kroner", text)
    words = re.sub(r"(?<=\d) ?(?:%|pct\.)", " procent", words)
    words = re.sub(r"(?<=\d )kr\.(?= [a-zæøå(]|,)", "kroner", words)
    dated = _DATE.sub(lambda m: f"{int(m[1])}. {MONTHS[int(m[2]) - 1]} {m[3]}" if 1 <= int(m[2]) <= 12 else m[0], text)
    yield from (f"{told.rstrip('.')}." for told in (words, dated) if told != text)


# --- recommendations and decisions


def asked(line: Line, known: frozenset[str]) -> list[str]:
    """What a line of a recommendation asks for, as clauses after »at«: its points, where it has several."""
    text = line.snippet.text
    if found := _ASKS.match(text):
        points = [text[found.end() :]]
        if re.search(r"\b(?:og|samt) at\b|:", points[0]):
            return []  # several in one: which are adopted is another matter
    elif found := _ASKS_LIST.match(text):
        points = [p for p in _POINTS.split(text[found.end() :]) if p.strip()]
    else:
        return []
    clauses = [re.sub(r"^[Aa]t ", "", " ".join(p.split()).rstrip(".;, ")) for p in points]
    clauses = [lowered(c, known) or c for c in clauses if c]
    return [c for c in clauses if 3 <= len(c.split()) <= 40 and not _MORE.search(c) and not c.startswith("at ")]


def proposals(evidence: Sequence[Evidence], known: frozenset[str]) -> Iterator[Told]:
    for passage in evidence:
        if passage.section.kind is SectionKind.RECOMMENDATION:
            for line in passage.lines:
                for clause in asked(line, known):
                    yield "recommended", f"Det blev indstillet, at {clause}.", (line.mark,)


_FORMULAS = {  # outcome: what the decision must print, what then may be said in Danish, and in English
    Outcome.APPROVED: (r"^\W*(?:\w+ )?(?:godkendt|tiltrådt|vedtaget)\b|\bgodkend(?:te|er)\b", "godkendte indstillingen", "approved the recommendation"),
    Outcome.NOTED: (r"efterretning", "tog orienteringen til efterretning", "took note of the information"),
    Outcome.DISCUSSED: (r"drøfte", "drøftede sagen", "discussed the matter"),
    Outcome.POSTPONED: (r"udsat|udsættes|udskydes|udskudt", "udsatte sagen", "postponed the matter"),
    Outcome.RECOMMENDED: (r"anbefal|indstille", "anbefalede indstillingen", "recommended the proposal"),
    Outcome.REJECTED: (r"ikke godkendt|afvist|kan ikke godkende", "godkendte ikke indstillingen", "did not approve the recommendation"),
}  # fmt: skip


def decisions(
    minutes: Minutes, item: AgendaItem, evidence: Sequence[Evidence], known: frozenset[str]
) -> Iterator[Told]:
    """What was decided, by the outcome that was parsed, where there is but one; and what was adopted, point by point."""
    decision = item.decision
    passage = next((e for e in evidence if e.section.kind is SectionKind.DECISION), None)
    if decision is None or passage is None or len(decision.outcomes) != 1 or decision.outcomes[0] not in _FORMULAS:
        return
    outcome = decision.outcomes[0]
    pattern, da, en = _FORMULAS[outcome]
    line = next((x for x in passage.lines if re.search(pattern, x.text, re.I)), None)
    asks = [e for e in evidence if e.section.kind is SectionKind.RECOMMENDATION]
    if line is None or not asks or decision.final is (outcome is Outcome.RECOMMENDED):
        return
    if outcome is Outcome.NOTED and not re.search("orienter", f"{line.text} {asks[0].text}", re.I):
        return
    body = "Udvalget" if (minutes.committee or "").casefold().endswith("udvalg") else (minutes.committee or "Udvalget")
    council = not re.search("udvalg", minutes.committee or "udvalg", re.I)
    yield "decided", f"{body if council else 'Udvalget'} {da}.", (line.mark,)
    if held := minutes.held_on:
        verb, rest = da.split(" ", 1)
        yield "decided_dated", f"Den {held.day}. {MONTHS[held.month - 1]} {held.year} {verb} {'udvalget' if not council else body} {rest}.", (line.mark,)  # fmt: skip
    if not council:
        yield "decided_en", f"The committee {en}.", (line.mark,)
    if outcome in _ADOPTED:
        yield from adopted(decision, asks[0], line, body if council else "Udvalget", known)


_ADOPTED = {  # what is asked for in the present is told in the past
    Outcome.APPROVED: [
        (r"^(?:udvalget|byrådet|kommunalbestyrelsen) godkender (.+)$", r"{body} godkendte \1"),
        (r"^(.+) godkendes$", r"\1 blev godkendt"),
        (r"^(?!udvalg|byråd|kommunalb)(?!.*\b(?:anbefal|indstil|oversend|videresend|godkend|efterretning|drøft))(.+)$", r"{body} besluttede, at \1"),
    ],
    Outcome.NOTED: [
        (r"^(?:udvalget|byrådet|kommunalbestyrelsen) tager (.+) til efterretning$", r"{body} tog \1 til efterretning"),
        (r"^(.+) tages til efterretning$", r"\1 blev taget til efterretning"),
    ],
    Outcome.DISCUSSED: [
        (r"^(?:udvalget|byrådet|kommunalbestyrelsen) drøfter (.+)$", r"{body} drøftede \1"),
        (r"^(.+) drøftes$", r"\1 blev drøftet"),
    ],
}  # fmt: skip


def adopted(decision: Decision, asks: Evidence, formula: Line, body: str, known: frozenset[str]) -> Iterator[Told]:
    """What the recommendation asks for, as decided, citing both."""
    for line in asks.lines:
        where = line.snippet.spans[0].start, line.snippet.spans[-1].end
        points = [p for p in decision.adopts if p.start < where[1] and where[0] < p.end]
        adopts = " ".join(" ".join(p.of(asks.minutes.text).split()) for p in points).casefold()
        for clause in asked(line, known):
            if clause.casefold() not in adopts:
                continue
            patterns = _ADOPTED[decision.outcomes[0]]
            if (
                decision.outcomes[0] is Outcome.APPROVED
            ):  # »godkendt«, and what was asked was to note it, or to discuss it
                patterns = [told for outcome in _ADOPTED for told in _ADOPTED[outcome]]
            for pattern, said in patterns:
                if found := re.match(pattern, clause, re.I):
                    told = found.expand(said).replace("{body}", body)
                    yield "adopted", f"{told[0].upper()}{told[1:]}.", (formula.mark, line.mark)
                    break


def families(sentences: Sequence[Sound]) -> Counter[str]:
    return Counter(s.family for s in sentences)
