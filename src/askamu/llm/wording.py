"""Whether a sentence's words are its sources': quotations, names, and nothing turned round."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from difflib import SequenceMatcher

from askamu.danish import fold, stem, stop_words, words
from askamu.dates import months
from askamu.llm import claims
from askamu.llm.claims import Fault
from askamu.llm.evidence import Source, adopted_text
from askamu.vocabulary import table

QUOTED = re.compile(r"»([^«]*)«|“([^”]*)”|\"([^\"]*)\"|„([^“”]*)[“”]")
PARTY = re.compile(r"\(([A-ZÆØÅ]{1,2})\)")
LEAST_QUOTED = 3  # words within marks of quotation from which they must stand word for word
UNKNOWN_WORD = 6.0  # rarity from which a word at the beginning of a sentence may be a name
_NEGATED = re.compile(r"\b(?:ikke|ingen|aldrig|not|no|never|n't)\s+(?:\w+\s+)?$", re.IGNORECASE)
LONGEST_EDIT = 3  # words
NEARLY = 0.8  # share of the words from which a sentence is a copy of its source with a change in it
LEAST_AROUND = 3  # words that are the same on both sides of an edit, together


def quotes_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether all that stands in marks of quotation stands so in a source, or is a title or a single term."""
    theirs = _spaced(" ".join(s.text for s in sources) + " " + " ".join(s.evidence.about for s in sources))
    if said.count("»") != said.count("«") or said.count('"') % 2 or len(re.findall("[„“”]", said)) % 2:
        return False  # one that is cut in two can't be compared
    quotes = [_spaced(next(filter(None, groups), "")).strip(" .,") for groups in QUOTED.findall(said)]
    return all(q in theirs for q in quotes if len(q.split()) >= LEAST_QUOTED)


def _spaced(text: str) -> str:
    return " ".join(text.split())


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
    return all(_known(w, known) or w in stop_words() for body in claims.bodies(said) for w in words(body))


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


def directions_hold(said: str, sources: Sequence[Source], language: str) -> bool:
    """Whether nothing is turned round: up and down, more and less, with and without »ikke«."""
    theirs = " ".join([*(s.text for s in sources), *(p for s in sources for p in adopted_text(s))])
    for one, other in opposites():
        for mine, opposite in ((one, other), (other, one)):
            found = mine.search(said)
            if not found or mine.search(theirs) or not opposite.search(theirs) or opposite.search(said):
                continue
            if not _NEGATED.search(said[: found.start()]):  # »var ikke til stede« is »fraværende«
                return False
    for pattern in table("claims")["must"]["same"]:
        if (found := re.search(pattern, said, re.IGNORECASE)) and not _also(found[0], pattern, theirs):
            return False
    if claims.compiled("must", "cause").search(said) and not claims.compiled("must", "cause_told").search(theirs):
        return False
    for pattern in table("claims")["must"]["periods"]:
        period = claims.compiled_one(pattern)
        if period.search(said) and not period.search(theirs):
            return False
    return negations_hold(said, theirs, language) and prefixes_hold(said, theirs)


def prefixes_hold(said: str, theirs: str) -> bool:
    """Whether no word has lost or got the u- that turns it round: »uklar«, »klar«."""
    mine, other = claims.folded(said), claims.folded(theirs)
    negated = bool(_denied(said)) or bool(_denied(theirs))
    turned = {w for w in mine if len(w) > 3 and w not in other and f"u{w}" in other}
    turned |= {w for w in mine if len(w) > 4 and w[0] == "u" and w not in other and w[1:] in other}
    return not turned or negated


def opposites() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    return [(claims.compiled_one(a), claims.compiled_one(b)) for a, b in table("claims")["opposites"]["pairs"]]


def _also(word: str, pattern: str, theirs: str) -> bool:
    if re.search(pattern, theirs, re.IGNORECASE):
        return True
    word = word.casefold()
    for pair in table("claims")["must"]["same_as"]:
        for mine, other in (pair, pair[::-1]):
            if word.startswith(mine) and re.search(rf"\b{other}", theirs, re.IGNORECASE):
                return True
    return False


def edits(said: str, sources: Sequence[Source]) -> list[Fault]:
    """What a sentence that is nearly its source's has in another way: a »ikke«, a figure, one word for its opposite.

    Words between others that are the same, in a row, on both sides of the change.
    """
    best = nearest(said, sources)
    if best is None:
        return []
    mine, theirs = _tokens(said), _tokens(best.text)
    known = {t for s in sources for t in _threes(_tokens(s.text))}
    negations = set(table("claims")["must"]["negations"])
    faults = []
    words_known = claims.folded(" ".join(f"{s.text} {s.evidence.about}" for s in sources))
    matcher = SequenceMatcher(None, theirs, mine, autojunk=False)
    steps, ratio = matcher.get_opcodes(), matcher.ratio()
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
        if negations & set(new) and not negations & set(gone) and ratio >= NEARLY and not claims.read_acts(said):
            faults.append(Fault.OPPOSITE)
        if len(gone) == len(new) == 1 and gone[0][0].isdigit() and new[0][0].isdigit() and min(before, behind) > 1:
            around = _threes(mine[max(0, c - 1) : d + 1])
            if not around <= known:
                faults.append(Fault.FIGURE)
        if ratio >= NEARLY and max(len(gone), len(new)) <= 2 and min(before, behind) > 1:
            changed = [w for w in new if w.isalpha() and w not in stop_words() and stem(w) not in frame_stems()]
            dropped = [w for w in gone if w.isalpha() and w not in stop_words()]
            if dropped and any(fold(w) not in words_known and not any(w[:3] == v[:3] for v in gone) for w in changed):
                faults.append(Fault.SUPPORT)
        if set(gone) & set(months()) and set(new) & set(months()) and set(gone) != set(new):
            faults.append(Fault.DATE)
        for one, other in opposites():
            for was, becomes in ((one, other), (other, one)):
                if was.search(" ".join(gone)) and becomes.search(" ".join(new)):
                    faults.append(Fault.OPPOSITE)
    return faults


def _tokens(text: str) -> list[str]:
    return [w.strip(".,") for w in re.findall(r"[^\s()\[\]»«\"“”:;!?]+", text.casefold()) if w.strip(".,–-")]


def _threes(told: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(told[i : i + 3]) for i in range(len(told) - 2)}


def negations_hold(said: str, theirs: str, language: str) -> bool:
    """Whether what is denied here is denied there, and the other way round.

    What a »ikke« denies are the words around it that say something: the one before it, and up to three behind it.
    """
    mine, other = _denied(said), _denied(theirs)
    theirs_words = claims.folded(theirs)
    negative = (theirs_words - claims.folded(said)) & {fold(w) for w in table("claims")["must"]["negative"]}
    if language != "da":  # its words are others than those it is held against
        return not mine or bool(other or negative)
    reversed_ = {stem(w.removeprefix("u")) for w in theirs_words if w.startswith("u")}
    if any(not any(_alike(d, o) for o in other) and not negative and not d & reversed_ for d in mine if d):
        return False
    own = set(claims.content(said))
    if claims.read_acts(said):
        return True  # what was decided is checked as that
    return not any(
        len(d & own) >= 2 and len(d & own) >= 0.75 * len(d) and not any(len(d & m) >= 0.5 * len(d) for m in mine)
        for d in other
    )


def _alike(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sets of stems share a word; »godkend« and »godk« are one."""
    return bool({w[:4] for w in one} & {w[:4] for w in other})


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


def frame_stems() -> frozenset[str]:
    """Stems of the words that tell what kind of sentence it is: acts, bodies, where it stands."""
    return frozenset(stem(w) for w in (*table("claims")["frame"]["words"], *months()))


def nearest(said: str, sources: Sequence[Source]) -> Source | None:
    """The source that shares most words with a sentence."""
    mine = set(claims.content(said))
    return max(sources, key=lambda s: len(mine & set(claims.content(s.text))), default=None)
