"""Cutting Danish prose into sentences, with offsets."""

from __future__ import annotations

import re

from askamu.minutes import Span

# Words after which a full stop ends no sentence, compared without case.
_ABBREVIATIONS = (
    r"ca|pr|pkt|nr|kv|kvt|ff|mio|mia|kr|jf|jvf|bl|bl\.a|ifm|ifht|ift|f\.eks|fx|evt|inkl|ekskl|vedr|stk|mv|m\.v|m\.fl|mfl|dvs|d\.v\.s|d|s|kl|tlf|osv|o\.lign|"
    r"hhv|pga|mht|m\.h\.p|max|maks|iflg|afd|gns|tab|fig|st|dr|hr|fr|sr|jr|alm|m|f|iht|etc|ø|h\.c|a|b|c|e|g|h|j|k|l|n|o|p|r|t|u|v"
)
_BREAK = re.compile(
    r"(?<=[.!?])(?P<close>[\"”»’)\]]*)(?P<gap>\s+)(?=[\"”»«„(\[*•–-]*\s*[A-ZÆØÅ0-9])"  # after a full stop
    r"|(?P<blank>\n[ \t]*\n\s*)"  # a blank line
    # before a list's entry
    r"|(?P<entry>\n(?=\s*(?:[-–•*·▪]\s|\d{1,2}[.)]\s|A[dt]\s+\d{1,2}\b|[A-ZÆØÅ][^\n]{0,70}:\n)))"
    r"|(?P<line>\n)"  # a line that was not wrapped
)
_NO_BREAK = re.compile(rf"(?:^|[\s(\"»])(?:{_ABBREVIATIONS})\.$", re.IGNORECASE)
_ORDINAL = re.compile(r"(?:^|[\s(])\d{1,2}\.$")
_AFTER_ORDINAL = re.compile(
    r"\s*(?:jan|feb|mar|apr|maj|jun|jul|aug|sep|okt|nov|dec|kvartal|halvår|del\b|punkt)", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"(?:[,–-]|\b(?:og|eller|samt|at|i|på|til|af|for|med|der|som|den|det|en|et|de|om|fra))$", re.IGNORECASE
)
# »1.c.«, »2.-4.«, »Ad 1.«
_ENUMERATOR = re.compile(r"\s*(?:[Aa][dt]\s+)?\d{1,2}\.?(?:[a-h]\.?)?(?:\s?[-–]\s?\d{1,2}\.?)?\s*")
SHORT_LINE = 0.62  # share of the longest line's length below which a line was not wrapped


def sentences(text: str, start: int, end: int) -> list[Span]:
    """The sentences of text[start:end] as trimmed spans, in order.

    A sentence ends at a full stop before a capital or a figure, at a blank line, before a list's entry,
    and at the end of a line too short to have been wrapped: a sub-heading, or an entry of a list without
    bullets. Abbreviations (ca., pr., mio.) and ordinals (3. juni) end none.
    """
    spans: list[Span] = []
    begin = start
    short = SHORT_LINE * max(len(line) for line in text[start:end].split("\n"))
    for found in _BREAK.finditer(text, start, end):
        at = found.start() + len(found["close"] or "")
        if found["line"] is not None and not _ends_line(text, found.start(), short):
            continue
        if found["gap"] is not None and "\n\n" not in found["gap"]:
            before = text[max(begin, at - 14) : found.start()]
            if _ENUMERATOR.fullmatch(text, begin, at):
                continue
            if _NO_BREAK.search(before):
                continue
            if _ORDINAL.search(before) and (_AFTER_ORDINAL.match(text, found.end()) or len(before.strip()) <= 3):
                continue
        _append(text, begin, at, spans)
        begin = found.end()
    _append(text, begin, end, spans)
    return spans


def _ends_line(text: str, at: int, short: float) -> bool:
    """Whether the line that ends at a line feed is too short to have been wrapped, and does not go on.

    A long line in small letters behind it is its second half, cut by hand; a short one is the next entry.
    """
    line = text[text.rfind("\n", 0, at) + 1 : at].strip()
    if len(line) >= short or _GOES_ON.search(line):
        return False
    following = text[at + 1 : text.find("\n", at + 1) if text.find("\n", at + 1) >= 0 else len(text)].strip()
    return not following[:1].islower() or len(following) < short


def _append(text: str, start: int, end: int, spans: list[Span]) -> None:
    while start < end and (text[start].isspace() or text[start] in "#*"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] == "*"):
        end -= 1
    if end > start:
        spans.append(Span(start, end))
