"""Abbreviations and words of the minutes, each with the passage that explains it, cut from the stored text.

An abbreviation is only explained where a long form beside it gives it letter by letter (»Center for Økonomi og Løn
(CØL)«), a word only where a sentence says what it means. What the minutes leave unexplained is explained in askamu's
own words, and says so. Patterns and words are data, vocabulary/explanations.toml.

Source: comparing a short form with what stands before it, Schwartz and Hearst 2003.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, partial

from askamu.danish import fold, letters
from askamu.library import Library
from askamu.metadata import bare_name
from askamu.minutes import AgendaItem, Minutes, SectionKind, Span
from askamu.once import per_generation
from askamu.record import MeetingRow
from askamu.sentences import sentences
from askamu.vocabulary import table

MAX_TERM = 60  # characters before »er« in which a known word is looked for
MAX_SHORT = 12  # characters before »(« in which a short form is looked for
MAX_LONG = 120  # characters before a short form in which its long form is looked for
MAX_PASSAGE = 420  # characters of a passage; a longer sentence is cut at words
BODY = "body"  # askamu knows what the abbreviation of a committee stands for
MAX_NAME = 3  # words of a person's name
SURNAME, COMPOUND = 10, 12  # letters from which the last word, or any word, is no part of a name
ALIKE = 0.85  # of two long forms that are one
AROUND = 160  # characters kept before and after in a sentence that is cut
_LETTERS = re.compile(r"[^\W_]+")
_STOPS = re.compile(r"[.:;!?()\[\]•\t]|\n\s*\n|,\s")
_JOINED = re.compile(r"(?:,?\s+er)?[\s\"”«»,-]*$")  # between a long form and its short one
_NAMED = re.compile(r"[A-ZÆØÅ]")


@dataclass(frozen=True, slots=True)
class Passage:
    """Where the minutes explain something. `quote` is the stored text from start to end."""

    document: str
    item_index: int  # position in Minutes.items
    span: Span
    term: Span  # what is explained by it: the long form, or the word; inside `span`


@dataclass(frozen=True, slots=True)
class Entry:
    """A term and what explains it: a passage of the minutes, else askamu's own words."""

    term: str
    long: str  # what an abbreviation stands for, as printed; "" for a word
    passage: Passage | None  # None where the minutes do not explain it
    own: str  # key of askamu's own explanation, "" where the minutes' is enough
    seen: tuple[str, int, int, int] | None = None  # document, item, start and end of one place where the word stands


@per_generation
def glossary(library: Library, municipality: str | None, committee: str | None) -> tuple[Entry, ...]:
    """The terms of one committee's minutes by name: explained by the minutes where they do."""
    rows = [m for m in library.meetings if (m.municipality, m.committee) == (municipality, committee)]
    rows.sort(key=lambda m: library.held(m.id), reverse=True)
    read = [(row, library.record.document(row.id)) for row in rows]
    names = _people(minutes for _, minutes in read)
    bodies = {m.committee for m in library.meetings if m.municipality == municipality and m.committee}
    found = list(_abbreviations(read, names))
    found += _definitions(read, tuple(sorted({e.term for e in found})))
    terms = {e.term.casefold() for e in found}
    found += [e for e in _bodies(read, bodies) if e.term.casefold() not in terms]
    found += [e for e in _own(read) if e.term.casefold() not in terms]
    return tuple(sorted(found, key=lambda e: (fold(e.term), e.long)))


def explanation(word: str, language: str) -> str:
    """askamu's own explanation of a word of [[term]]."""
    return str(_terms()[word][language])


# -- the minutes' own explanations ---------------------------------------------------------------


def _open_items(minutes: Minutes) -> Iterator[tuple[int, AgendaItem]]:
    """The items whose content may be shown, without the text of attachments."""
    return ((index, item) for index, item in enumerate(minutes.items) if not item.closed)


def _abbreviations(read: Sequence[tuple[MeetingRow, Minutes]], names: frozenset[str]) -> Iterator[Entry]:
    meanings: dict[str, list[list[_Use]]] = defaultdict(list)
    is_person = cache(partial(_is_person, names=names, read=read))
    for row, minutes in read:
        for index, item in _open_items(minutes):
            for short, long, end in expansions(minutes.text, item.start, item.own_end):
                said = " ".join(long.of(minutes.text).split())
                span = None if is_person(said) else _around(minutes.text, item, long, end)
                if span is None or "\t" in span.of(minutes.text):
                    continue  # a row of a table explains nothing
                use = _Use(said, Passage(row.id, index, span, long), _goes_on(minutes.text, end))
                same = next((m for m in meanings[short] if _alike(m[0].said, said)), None)
                if same is None:
                    meanings[short].append([use])
                else:
                    same.append(use)
    for short, found in meanings.items():
        for uses in found:
            # The passage that goes on to say what it is, else the newest one.
            best = max(uses, key=lambda use: use.goes_on)
            yield Entry(short, best.said, best.passage, "")


@dataclass(frozen=True, slots=True)
class _Use:
    said: str  # the long form in one line
    passage: Passage
    goes_on: bool


def expansions(text: str, start: int, end: int) -> Iterator[tuple[str, Span, int]]:
    """The short forms in text[start:end] with the span of the long form, and where the explanation ends."""
    for pattern in _patterns("after"):
        for found in pattern.finditer(text, start, end):
            long = long_form(text, max(start, found.start() - MAX_LONG), found.start(), found["short"])
            if long is not None:
                yield found["short"], long, found.end()
    for pattern in _patterns("before"):
        for found in pattern.finditer(text, start, end):
            short = _short_before().search(text, max(start, found.start() - MAX_SHORT), found.start())
            long = leading_form(text, found.start("long"), found.end("long"), short["short"]) if short else None
            if short and long:
                yield short["short"], long, long.end


def long_form(text: str, start: int, end: int, short: str) -> Span | None:
    """The words that end at `end` and that a short form abbreviates letter by letter; None where none do.

    Every word but the silent ones (»og«, »for«) must give at least its first letter. Of several the one whose words
    give most first letters is taken, so that nothing is cut off in front.
    """
    for stop in _STOPS.finditer(text, start, end):
        start = stop.end()
    end = start + len(_JOINED.sub("", text[start:end]))
    words = [Span(m.start(), m.end()) for m in _LETTERS.finditer(text, start, end)]
    if not words or words[-1].end != end:
        return None
    best: tuple[int, int] | None = None
    for at in range(len(words) - 1, max(-1, len(words) - 3 * len(short) - 1), -1):
        firsts = _fit(tuple(w.of(text).casefold() for w in words[at:]), short.casefold())
        if firsts and (best is None or firsts > best[0]):
            best = firsts, at
    return Span(words[best[1]].start, words[-1].end) if best else None


def leading_form(text: str, start: int, end: int, short: str) -> Span | None:
    """The words from `start` on that a short form abbreviates letter by letter; None where none do."""
    words = [Span(m.start(), m.end()) for m in _LETTERS.finditer(text, start, end)]
    best: tuple[int, int] | None = None
    for count in range(1, min(len(words), 3 * len(short)) + 1):
        firsts = _fit(tuple(w.of(text).casefold() for w in words[:count]), short.casefold())
        if firsts and (best is None or firsts > best[0]):
            best = firsts, count
    return Span(words[0].start, words[best[1] - 1].end) if best else None


def _fit(words: tuple[str, ...], short: str) -> int:
    """How many words give their first letter to a short form that they spell in order; 0 where they do not."""
    if words[0][0] != short[0] or words[-1] in _silent():
        return 0

    @cache
    def best(word: int, letter: int) -> int:
        """The most first letters from this word on, -1 where it can't be."""
        if word == len(words):
            return 0 if letter == len(short) else -1
        ways = [best(word + 1, letter)] if word and words[word] in _silent() else []
        if letter < len(short) and words[word][0] == short[letter]:
            ways += [
                1 + rest for used in _inside(words[word], short, letter + 1) if (rest := best(word + 1, used)) >= 0
            ]
        return max(ways, default=-1)

    return max(best(0, 0), 0)


def _inside(word: str, short: str, letter: int) -> Iterator[int]:
    """How far a short form is spelled once a word has given its first letter.

    Further letters go on from its beginning (»ST« of »Styrelsen«), or begin later parts of a compound: at least three
    letters on, and three before its end.
    """
    yield letter
    run = letter
    while run < len(short) and run - letter + 1 < len(word) and word[run - letter + 1] == short[run]:
        run += 1
        yield run
    at = 2
    while letter < len(short):
        at = word.find(short[letter], at + 1, len(word) - 2)
        if at < 0:
            return
        letter += 1
        at += 2
        yield letter


def _around(text: str, item: AgendaItem, long: Span, end: int) -> Span | None:
    """The sentence of an explanation, cut at words where it is long; None if it runs over a section's end."""
    section = next((s for s in item.sections if s.start <= long.start < s.end), None)
    first = section.start if section is not None else item.start
    last = min(section.end if section is not None else item.own_end, item.own_end)
    if end > last:
        return None
    blank = text.rfind("\n\n", first, long.start)
    first = blank + 2 if blank >= 0 else first
    stop = text.find("\n" if section is not None and section.kind is SectionKind.HEADER else "\n\n", end, last)
    spans = sentences(text, first, stop if stop >= 0 else last)
    whole = next((s for s in spans if s.start <= long.start and end <= s.end + 1), None)
    if whole is None:
        return None
    if whole.end - whole.start <= MAX_PASSAGE:
        return whole
    begin = max(whole.start, long.start - AROUND)
    stop = min(whole.end, end + AROUND)
    if begin > whole.start:
        while begin < long.start and not text[begin - 1].isspace():
            begin += 1
    if stop < whole.end:
        stop = max(text.rfind(" ", end, stop), text.rfind("\n", end, stop), end)
    return Span(begin, stop)


def _goes_on(text: str, end: int) -> bool:
    """Whether the text goes on to say what it is: »… (STU) er et …«."""
    return bool(re.match(r"\)?\s+(?:er\s+(?:en|et)|der\s+er|som\s+er|står\s+for)\b", text[end : end + 20]))


def _alike(one: str, other: str) -> bool:
    """Whether two long forms are the same but for inflection and how they are written apart."""
    return SequenceMatcher(None, letters(one), letters(other), autojunk=False).ratio() >= ALIKE


def _is_person(said: str, names: frozenset[str], read: Sequence[tuple[MeetingRow, Minutes]]) -> bool:
    """Whether a long form may be somebody's name, and the short one initials.

    Words in capitals are a name unless one is as long as only compounds are, or all are common words in these minutes.
    """
    words = said.split()
    if not 2 <= len(words) <= MAX_NAME or not all(_NAMED.match(w) for w in words):
        return False
    if fold(said) in names or fold(words[-1]) in names:
        return True
    if max(map(len, words)) >= COMPOUND:
        return False
    if re.search(_words("surname"), words[-1]):
        return True
    if len(words[-1]) >= SURNAME:
        return False
    return not all(any(f" {w.lower()} " in minutes.text for _, minutes in read) for w in words)


def _people(read: Iterator[Minutes]) -> frozenset[str]:
    """Names and last names of those whom the minutes name, folded."""
    names: set[str] = set()
    for minutes in read:
        absent = (n for i in minutes.items if i.decision for n in i.decision.absent)
        for name in (*(minutes.attendees or ()), *(minutes.absent or ()), *absent):
            bare = bare_name(name)
            names |= {fold(bare), fold(bare.split()[-1])} if bare.split() else set()
    return frozenset(names)


def _definitions(read: Sequence[tuple[MeetingRow, Minutes]], shorts: tuple[str, ...]) -> Iterator[Entry]:
    """Sentences that say what a word or one of the abbreviations means; the newest for each."""
    hints, known, patterns = _definition_patterns(shorts)
    told: set[str] = set()
    for row, minutes in read:
        text = minutes.text
        for index, item in _open_items(minutes):
            for at in sorted({m.start() for hint in hints for m in hint.finditer(text, item.start, item.own_end)}):
                if text.startswith("er", at) and not known.search(text, max(0, at - MAX_TERM), at):
                    continue
                found = _defined(text, item, at, patterns)
                if found is None or found[0].casefold() in told:
                    continue
                told.add(found[0].casefold())
                yield Entry(found[0], "", Passage(row.id, index, *found[1:]), "")


def _defined(
    text: str, item: AgendaItem, at: int, patterns: Sequence[re.Pattern[str]]
) -> tuple[str, Span, Span] | None:
    """The word that the sentence around a place explains, the sentence, and where the word stands in it."""
    section = next((s for s in item.sections if s.body <= at < s.end), None)
    if section is None or section.kind is SectionKind.HEADER:
        return None
    first = max(section.body, text.rfind("\n\n", section.body, at), at - 1_500)
    stop = text.find("\n\n", at, section.end)
    spans = sentences(text, first, stop if stop >= 0 else section.end)
    whole = next((s for s in spans if s.start <= at < s.end), None)
    if whole is None or whole.end - whole.start > MAX_PASSAGE or (whole.start == first and first == at - 1_500):
        return None
    sentence = whole.of(text)
    for pattern in patterns:
        if found := pattern.match(sentence):
            term = " ".join(found["term"].split())
            if term.split()[0].casefold() in _no_term():
                return None
            named = term if term.isupper() or term[1:] != term[1:].lower() else term[0].lower() + term[1:]
            return named, whole, Span(whole.start + found.start("term"), whole.start + found.end("term"))
    return None


# -- askamu's own explanations -------------------------------------------------------------------


def _bodies(read: Sequence[tuple[MeetingRow, Minutes]], bodies: set[str]) -> Iterator[Entry]:
    """Abbreviations of the municipality's own bodies, where they stand in the minutes unexplained."""
    wanted = {s: name for s, name in table("committees")["abbreviations"].items() if name in bodies}
    for short, name in wanted.items():
        two = len(short) < 3  # »BY« is a word as well: only where it stands between strokes or brackets
        pattern = re.compile(rf"(?<=[/(]){short}(?=[/)])" if two else rf"\b{re.escape(short)}\b")
        for row, index, text, first, last in _stretches(read):
            if text.find(short, first, last) >= 0 and (at := pattern.search(text, first, last)):
                yield Entry(short, name, None, BODY, (row.id, index, at.start(), at.end()))
                break


def _own(read: Sequence[tuple[MeetingRow, Minutes]]) -> Iterator[Entry]:
    """The words of [[term]] that stand in the minutes, each with its newest place."""
    missing = {word: tuple(form.casefold() for form in term["forms"]) for word, term in _terms().items()}
    lowered, of = "", ""
    for row, index, text, first, last in _stretches(read):
        if of != row.id:
            lowered, of = text.lower(), row.id
        if len(lowered) != len(text):
            continue  # a letter that is two in lower case: offsets would not hold
        for word, forms in list(missing.items()):
            places = [(at, form) for form in forms if (at := _word_at(lowered, form, first, last)) >= 0]
            if places:
                at, form = min(places)
                del missing[word]
                yield Entry(word, "", None, word, (row.id, index, at, at + len(form)))
        if not missing:
            return


def _word_at(text: str, form: str, start: int, end: int) -> int:
    """Where a word that begins so stands first, -1 if nowhere."""
    at = text.find(form, start, end)
    while at > 0 and text[at - 1].isalnum():
        at = text.find(form, at + 1, end)
    return at


def _stretches(read: Sequence[tuple[MeetingRow, Minutes]]) -> Iterator[tuple[MeetingRow, int, str, int, int]]:
    for row, minutes in read:
        for index, item in _open_items(minutes):
            yield row, index, minutes.text, item.start, item.own_end


# -- words ---------------------------------------------------------------------------------------


@cache
def _patterns(key: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(p) for p in table("explanations")["abbreviations"][key])


@cache
def _short_before() -> re.Pattern[str]:
    return re.compile(rf"\b(?P<short>{_words('short')})\s$")


@cache
def _silent() -> frozenset[str]:
    return frozenset(table("explanations")["abbreviations"]["silent"])


@cache
def _words(key: str) -> str:
    return str(table("explanations")["abbreviations"][key])


@cache
def _no_term() -> frozenset[str]:
    return frozenset(table("explanations")["definitions"]["no_term"])


@cache
def _terms() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for term in table("explanations")["term"]:
        found.setdefault(term["word"], term)
    return found


def _definition_patterns(
    shorts: tuple[str, ...],
) -> tuple[tuple[re.Pattern[str], ...], re.Pattern[str], tuple[re.Pattern[str], ...]]:
    """What a sentence that explains a word has (the quick look before the careful one); a known word before »er«; the
    patterns of whole sentences."""
    definitions = table("explanations")["definitions"]
    own = "|".join(map(re.escape, sorted(_terms(), key=len, reverse=True)))
    known = "|".join(p for p in (f"(?i:{own})", *map(re.escape, shorts)) if p)
    hints = tuple(re.compile(p) for p in (*definitions["hints"], r"er\s+e[nt]\s"))
    sentence = re.compile(rf"^(?:En\s+|Et\s+)?(?P<term>{known}){definitions['known']}")
    return hints, re.compile(rf"\b(?:{known})\s+$"), (*(re.compile(p) for p in definitions["said"]), sentence)
