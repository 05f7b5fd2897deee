"""What an answer may not say, judged without the product's own checks: nothing here imports askamu.

Each function takes the answer as it is shown, in Markdown with marks [1], and returns what is wrong with it, in the
answer's words. They are strict about what can be counted and know no shades of meaning: `reached` (helpers_llm) finds
the lies that leave no such trace.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

_list = re.compile(r"\S+").findall
MONTHS_DA = _list("januar februar marts april maj juni juli august september oktober november december")
MONTHS_EN = _list("january february march april may june july august september october november december")
MONTH = {name: n for names in (MONTHS_DA, MONTHS_EN) for n, name in enumerate(names, start=1)}
MONTH |= {name[:3]: n for name, n in MONTH.items()}
_NAMES = "|".join(sorted(MONTH, key=len, reverse=True))

MARK = re.compile(r"\[(\d+)\](?:\([^)\s]*\))?")
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")  # a sign that Markdown takes as it is
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_CASE = re.compile(r"\b\d{2}\.\d{2}\.\d{2}-[A-ZÆØÅ]\d{2}-\d+-\d{2}\b")
_DATES = [
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?<![\d.])(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./ -]{1,2}(?P<y>(?:19|20)\d\d|\d\d)(?![\d.,]\d|\d)"),
    re.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?(?: of)? ?(?P<name>{_NAMES})\b\.?,?(?: (?P<y>\d{{4}}))?", re.I
    ),
    re.compile(rf"\b(?P<name>{_NAMES})\b (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})", re.I),
    re.compile(rf"\b(?P<name>{_NAMES})\b\.?(?: (?P<y>\d{{4}}))", re.I),
    re.compile(rf"\b(?P<name>{'|'.join(n for n in MONTHS_DA + MONTHS_EN if n not in ('may', 'march'))})\b", re.I),
]
_NUMBER = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)")
_PERCENT = re.compile(r"\s*(?:%|pct\b|procent\b|per ?cent\b)", re.I)
_RANGE = re.compile(
    r"\s*(?:og|til|eller|mod|and|to|or|[-–])\s*\d+(?:[.,]\d+)*\s*(?:%|pct\b|procent\b|per ?cent\b)", re.I
)
_SCALES = [
    (re.compile(r"\s*(?:mio\b|millioner\b|million\b|millions\b)", re.I), 1e6),
    (re.compile(r"\s*(?:mia\b|milliarder\b|milliard\b|billion\b|billions\b)", re.I), 1e9),
    (re.compile(r"\s*(?:t\.? ?kr\b|tusinde?\b|thousand\b)", re.I), 1e3),
]
_HEADED = [
    (re.compile(r"\b1\.000 kr|\bt\.? ?kr|hele tusind", re.I), 1e3),
    (re.compile(r"\((?:i )?mio\.? ?kr|i mio\.? ?kr", re.I), 1e6),
]
_REFERENCE = re.compile(r"(?:punkt|pkt\.|pkt|item|items|dagsordenspunkt)\s*$", re.I)
_LIST_NUMBER = re.compile(r"(?m)^\s*(?:[-*>]\s*)*\d{1,2}[.)]\s")


# --- figures


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, percentage, date or case number, as printed and as it may be read."""

    printed: str
    kind: str  # "number", "percent", "date" or "case"
    values: frozenset[float] = frozenset()
    date: tuple[int | None, int, int | None] | None = None  # day, month, year
    scale: float = 1.0  # of a word for thousands, millions or billions


def plain(text: str) -> str:
    """The text without what only looks: fullwidth digits, signs of no width, Markdown's backslashes, marks."""
    text = _ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text))
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return re.sub(r"[*_`]{1,3}", "", MARK.sub(" ", text)).replace("−", "-")


def figures(text: str, danish: bool = True) -> list[Figure]:
    """All figures of a text, number words from three on included; not `danish`: 1.234 may be 1,234 too."""
    text = " ".join(plain(text).split())
    found: list[Figure] = []

    def take(pattern: re.Pattern[str], read: object) -> None:
        nonlocal text
        kept, at = [], 0
        for m in pattern.finditer(text):
            figure = read(m)  # type: ignore[operator]
            if figure is not None:
                found.append(figure)
                kept.append(text[at : m.start()] + " ¤ ")
                at = m.end()
        text = "".join(kept) + text[at:]

    take(_CASE, lambda m: Figure(m[0], "case"))
    for pattern in _DATES:
        take(pattern, _date)
    for m in _NUMBER.finditer(text):
        if not _REFERENCE.search(text[: m.start()]):
            found += _numbers(m[0].rstrip(".,"), text[m.end() :], danish)
    for word in re.findall(r"[^\W\d_]+", text.lower()):
        if (value := NUMBER_WORDS.get(word)) is not None:
            found.append(Figure(word, "number", frozenset({float(value)})))
    return found


def _date(m: re.Match[str]) -> Figure | None:
    parts = m.groupdict()
    month = MONTH[parts["name"].lower()] if parts.get("name") else int(parts["m"])
    day = int(parts["d"]) if parts.get("d") else None
    year = int(parts["y"]) if parts.get("y") else None
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return None
    return Figure(m[0], "date", date=(day, month, year + 2000 if year is not None and year < 100 else year))


def _numbers(printed: str, after: str, danish: bool) -> list[Figure]:
    values = _readings(printed, danish)
    for pattern, scale in _SCALES:
        if found := pattern.match(after):
            return [Figure(printed + found[0], "number", frozenset(v * scale for v in values), scale=scale)]
    if found := _PERCENT.match(after):
        return [Figure(printed + found[0], "percent", values)]
    number = Figure(printed, "number", values)
    return [number, Figure(printed, "percent", values)] if _RANGE.match(after) else [number]


def _readings(printed: str, danish: bool) -> frozenset[float]:
    """What a printed number may mean: by Danish custom, and by English where that is allowed or nothing else fits."""
    readings: list[float] = []
    for thousands, comma in ((".", ","), (",", ".")):
        whole, _, part = printed.partition(comma)
        groups = whole.split(thousands)
        apart = len(groups) == 1 or (len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:]))
        if apart and all(g.isdigit() for g in groups) and (part.isdigit() or not part):
            readings.append(float("".join(groups) + (f".{part}" if part else "")))
        if danish and readings:
            break
    return frozenset(readings)


def _number_words() -> dict[str, int]:
    units = _list(
        "nul en to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten"
    )
    tens = {20: "tyve", 30: "tredive", 40: "fyrre", 50: "halvtreds", 60: "tres", 70: "halvfjerds", 80: "firs", 90: "halvfems"}  # fmt: skip
    english = _list("three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")  # fmt: skip
    words = {word: n for n, word in enumerate(units) if n > 2}  # »to« is English too, and »en« an article
    words |= {name: n for n, name in tens.items()}
    words |= {f"{unit}og{name}": n + u for n, name in tens.items() for u, unit in enumerate(units[:10]) if u}
    words |= {word: n for n, word in enumerate(english, start=3)}
    return words | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "hundrede": 100, "hundred": 100}


NUMBER_WORDS = _number_words()
_SMALL = {"to": 2.0, "two": 2.0, "en": 1.0, "et": 1.0, "one": 1.0, "a": 1.0, "begge": 2.0, "both": 2.0}


def false_figures(
    answer: str, cited: Iterable[str], known: Iterable[str] = (), language: str = "da"
) -> list[str]:  # fmt: skip
    """The figures of an answer that none of the cited texts holds.

    Args:
        answer: as shown.
        cited: the texts of the passages that it cites.
        known: what the program itself adds and knows to be true: dates of the meetings, the question, headings.
        language: of the answer: in English, 1,234 may be meant as it is in English.
    """
    texts = [*cited, *known]
    there = [f for text in texts for f in figures(text)]
    words = set(re.findall(r"[^\W\d_]+", " ".join(texts).lower()))
    numbers = {v for f in there if f.kind == "number" for v in f.values} | {v for w, v in _SMALL.items() if w in words}
    percents = {v for f in there if f.kind == "percent" for v in f.values}
    dates = {f.date for f in there if f.date}
    years = {y for _, _, y in dates if y} | {int(v) for v in numbers if 1900 <= v <= 2100}
    cases = {f.printed for f in there if f.kind == "case"}
    headed = [scale for pattern, scale in _HEADED if any(pattern.search(text) for text in texts)]

    def stands(figure: Figure) -> bool:
        if figure.kind == "case":
            return figure.printed in cases
        if figure.date:
            day, month, year = figure.date
            return any(
                month == m
                and (day is None or day == d)
                and (year is None or year == y or (y is None and year in years))
                for d, m, y in dates
            )
        if figure.kind == "percent":
            return _any_near(figure.values, percents)
        if _any_near(figure.values, numbers) or figure.values & {float(y) for y in years}:
            return True
        return figure.scale in headed and _any_near({v / figure.scale for v in figure.values}, numbers)

    wrong = []
    for figure in figures(_LIST_NUMBER.sub(" ", answer), language == "da"):
        twin = figure.kind == "percent" and "%" not in figure.printed and figure.printed[-1:].isdigit()
        if not twin and not stands(figure):
            wrong.append(figure.printed)
    return list(dict.fromkeys(wrong))


def _any_near(values: Iterable[float], among: Collection[float]) -> bool:
    return any(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a in values for b in among)


def false_figures_by_mark(
    answer: str, cited: Mapping[int, str], known: Iterable[str] = (), language: str = "da"
) -> list[str]:  # fmt: skip
    """The same, where a statement that bears marks may use nothing but the passages of those marks.

    What no mark follows is held against all of them.
    """
    known, wrong = list(known), []
    for said, marks in statements(answer):
        texts = [cited[n] for n in marks if n in cited] if marks else list(cited.values())
        wrong += false_figures(said, texts, known, language)
    return list(dict.fromkeys(wrong))


def statements(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    """The stretches of an answer and the marks that follow each: an empty tuple for what has none.

    A quote is never parted, whatever it holds.
    """
    quotes: list[str] = []

    def hide(m: re.Match[str]) -> str:
        quotes.append(m[0])
        return f"»{len(quotes) - 1}«"

    def said(part: str) -> str:
        return re.sub(r"»(\d+)«", lambda m: quotes[int(m[1])], part)

    text = re.sub(r"»[^«]*«", hide, answer)
    found: list[tuple[str, tuple[int, ...]]] = []
    at = 0
    for m in [*re.finditer(rf"(?:\s*{MARK.pattern})+", text), None]:
        parts = re.split(r"(?<=[.!?])\**\s+(?=[A-ZÆØÅ»\"*-])|\n+", text[at : m.start() if m else None])
        last = parts.pop() if m else ""
        found += [(said(part), ()) for part in parts if part.strip(" .*-\n")]
        if m:
            found.append((said(last), tuple(int(n) for n in re.findall(r"\[(\d+)\]", m[0]))))
            at = m.end()
    return found


# --- marks


def invented_marks(
    answer: str, allowed: Collection[int], ids: Collection[str] = (), links: str = r"#|/kilde/"
) -> list[str]:
    """Marks that stand for nothing: numbers that no citation has, raw ids, links that lead elsewhere.

    Args:
        answer: as shown.
        allowed: the numbers of the citations.
        ids: the ids that the passages had in the prompt, which nobody is to see.
        links: how the addresses of the answer's own links begin.
    """
    text = _ZERO_WIDTH.sub("", _ESCAPED.sub("", answer))
    wrong = [f"[{n}]" for n in re.findall(r"\[(\d+)\]", text) if int(n) not in allowed]
    wrong += re.findall(r"[\[{][a-z2-7]{6}(?:\.\d+)?[\]}]", text)
    wrong += [id for id in ids if re.search(rf"(?<![a-z0-9]){id}(?![a-z0-9])", text)]
    wrong += [m[0] for m in re.finditer(r"\]\(([^)]*)\)", text) if not re.match(links, m[1])]
    return list(dict.fromkeys(wrong))


def markup(answer: str, links: str = r"#|/kilde/") -> list[str]:
    """What would act in a browser: images, links that lead elsewhere, bare addresses, HTML. Escaped signs are none."""
    text = _ESCAPED.sub("", answer)
    wrong = re.findall(r"!\[[^\]]*\]?", text)
    wrong += [m[0] for m in re.finditer(r"\]\(([^)]*)\)", text) if not re.match(links, m[1])]
    wrong += re.findall(r"(?m)^\s*\[[^\]]+\]:\s*\S+", text)
    wrong += re.findall(r"(?i)\b(?:https?://|www\.|javascript:|data:|mailto:)\S+", text)
    wrong += re.findall(r"</?[a-zA-Z][^>\n]*>?|<!--", text)
    return list(dict.fromkeys(wrong))


# --- decisions


VERBS = {
    "approved": r"godkend(?:te|t|es|er)|vedt(?:og|aget(?! budget)|ages|ager)|tiltr(?:åd|ådte|ådt|ædes|æder|adt)|bevilge(?:de|t|s|r)|sag(?:t|de) ja"
    r"|grønt lys|ligger (?:nu )?fast|approved|adopted|granted|agreed|green light|said yes|settled",
    "rejected": r"afvis(?:te|t|es|er)|forkaste(?:de|t|s|r)|sag(?:t|de) nej|godkendte ikke|ikke godkendt|rejected|turned down|did not approve|not approved",
    "postponed": r"uds(?:at|ættes|ætter)|udskudt|udskød|udskydes|postponed|deferred",
    "decided": r"beslutte(?:de|t|s|r)|bestemte|afgjor(?:de|t)|decided|resolved",
}  # fmt: skip
SAYS = {  # how the minutes print it
    "approved": r"(?<!ikke )\b(?:godkend|vedtag|vedtog|tiltr|bevilg|imødekom|tilslutte|støtte)\w*",
    "rejected": r"\b(?:afvis|forkast|afsl[åa]|nej til)\w*|ikke (?:godkendt|tiltrådt|vedtaget|imødekom)|faldt|falder",
    "postponed": r"\b(?:udsat|udsættes|udsætte|udsk[yu]d\w*|udskød)\b",
    "sent_on": r"\b(?:anbefal|indstille|oversend|fremsend)\w*|sendes (?:til|i)",
    "noted": r"efterretning",
}
_NOT_SO = re.compile(
    r"\b(?:indstillede|indstilles|indstillet|indstilling\w*|foreslå\w*|foreslog|anbefal\w*|recommended|recommendation|proposed|not final|ikke endelig\w*)\b",
    re.I,
)
OWN = (  # words of the program's own, which stand beside a decision
    r"Dermed blev indstillingen tiltrådt",
    r"Heraf blev tiltrådt",
    r"Indstillingen, som blev tiltrådt",
    r"The recommendation was thereby adopted|Of this was adopted",
    r"ikke (?:endeligt )?besluttet|not (?:finally )?decided|[Hh]vad [^.»]*beslutte\w*|[Ww]hat [^.»]*decided",
    r"(?:Ikke )?[Gg]odkendt(?: som indstillet| med ændring(?: eller tilføjelse)?)?\*\*",
)


def recommendation_as_decision(
    answer: str, cited: Mapping[int, tuple[str, str]], own: Collection[str] = OWN
) -> list[str]:  # fmt: skip
    """The statements that say something was decided which no cited decision says.

    Args:
        answer: as shown.
        cited: by its number, each citation's section kind ("decision", "recommendation", "case", ...) and its text.
        own: what the program itself says beside a decision.
    """
    wrong = []
    for said, marks in statements(answer):
        outside = plain(re.sub("|".join(own), "", outside_quotes(said)) if own else outside_quotes(said))
        verbs = {name for name, words in VERBS.items() if re.search(rf"\b(?:{words})\b", outside, re.I)}
        if "rejected" in verbs and re.search(r"ikke godkend|godkendte ikke|not approve", outside, re.I):
            verbs.discard("approved")
        if not verbs or (_NOT_SO.search(outside) and not re.search(r"som indstillet|endeligt|indstillingen", outside)):
            continue
        decisions = " ".join(text for n in marks if n in cited for kind, text in [cited[n]] if kind == "decision")
        printed = {name for name, words in SAYS.items() if re.search(words, decisions, re.I)}
        settled = verbs - {"decided"}
        if (
            not decisions
            or (settled and not settled & printed)
            or (not settled and printed and not printed & {"approved", "rejected"} and not _same(outside, decisions))
            or (
                "approved" in settled
                and printed & {"postponed", "rejected"}
                and not re.search(SAYS["approved"], decisions, re.I)
            )
        ):
            wrong.append(" ".join(said.split()))
    return wrong


def _same(said: str, printed: str) -> bool:
    """Whether most of what a statement says stands in the decision."""
    words = [w for w in re.findall(r"[^\W\d_]{5,}", said.lower()) if not re.match(r"beslut|udvalg|decide|commit", w)]
    there = printed.lower()
    return not words or sum(w[:5] in there for w in words) >= 0.5 * len(words)


def outside_quotes(answer: str) -> str:
    """An answer without what it quotes in »…«."""
    return re.sub(r"»[^«]*«", "»«", answer)


# --- language


_COMMON = {
    "da": _list(
        "og at det er ikke af på til som med blev der har den for jeg ved fra var også eller hvor men udvalget"
    ),
    "en": _list("the and of to was that is with for were has not this it by from which on are have committee said"),
    "sv": _list("och att det är inte av på till som med blev för hela har den ärendet nämnden var också eller från"),
    "de": _list("und der die das nicht ist von mit auf wurde für ein eine dass dem den hat zu ausschuss waren sind"),
}


def language_of(answer: str) -> str | None:
    """ "da", "en", "sv" or "de", by the commonest words outside quotes; None where they do not tell."""
    words = re.findall(r"[^\W\d_]+", outside_quotes(plain(answer)).lower())
    scores = {name: sum(w in set(common) for w in words) for name, common in _COMMON.items()}
    scores["sv"] += 2 * sum(bool(re.search("[äö]", w)) for w in words)
    scores["de"] += 2 * sum(bool(re.search("[üß]", w)) for w in words)
    best, second = sorted(scores, key=lambda n: -scores[n])[:2]
    return best if scores[best] >= 2 and scores[best] > scores[second] else None
