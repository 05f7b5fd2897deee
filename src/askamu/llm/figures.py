"""Whether a sentence's figures and dates stand in what it cites, and say there what they say here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from askamu.danish import stem, stop_words, words
from askamu.llm import claims
from askamu.llm.claims import Figure, When, is_year
from askamu.llm.evidence import Source, adopted_text
from askamu.llm.wording import opposites
from askamu.vocabulary import table


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
    if mine.value == other.value and not (mine.scale or mine.kroner or mine.counts) and other.scale in scales:
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
        first = [f.absolute[0] for f in mine if found.start(1) <= f.start < found.end(1) and not is_year(f)]
        then = [f.absolute[0] for f in mine if found.start(2) <= f.start < found.end(2) and not is_year(f)]
        up, down = (pattern.search(said) for pattern in opposites()[1])
        if first and then and bool(up) != bool(down) and ((first[0] < then[0]) != bool(up)) and first[0] != then[0]:
            return False
    return True


def pairs_hold(said: str, mine: Sequence[Figure], sources: Sequence[Source]) -> bool:
    """Whether no two figures have changed places: each stands by the words that it stands by in its source."""
    for source in sources:
        theirs = {f.value: f for f in claims.read_figures(source.text) if not is_year(f)}
        both = [f for f in mine if f.value in theirs and not is_year(f)]
        around_mine = {f.value: _around(said, f) for f in both}
        around_theirs = {v: _around(source.text, theirs[v]) for v in around_mine}
        for one, other in combinations(sorted(around_mine), 2):
            straight = around_mine[one] & around_theirs[one], around_mine[other] & around_theirs[other]
            crossed = around_mine[one] & around_theirs[other], around_mine[other] & around_theirs[one]
            if sum(map(len, crossed)) > sum(map(len, straight)) + 1:
                return False
    return True


def _around(text: str, figure: Figure) -> frozenset[str]:
    """The words beside a figure: the two next to it as they stand, and stems of three on each side."""
    first, then = words(text[: figure.start]), words(text[figure.end :])
    before = [stem(w) for w in first if w not in stop_words()][-3:]
    behind = [stem(w) for w in then if w not in stop_words()][:3]
    beside = [*(f"«{w}" for w in first[-1:]), *(f"»{w}" for w in then[:1])]
    return frozenset([*beside, *(f"<{w}" for w in before), *(f">{w}" for w in behind), *before, *behind])


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
