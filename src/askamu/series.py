"""Figures of the same thing over time, from sentences and tables: only what is printed with label, unit and time.

A figure belongs to a series when municipality, label, unit and kind of time (a year as a whole, or a moment) are the
same. Budgets, forecasts and targets make none: what was planned changes from meeting to meeting, and is no account of
what was. Which words say so is data, vocabulary/series.toml. Better no series than a wrong one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from itertools import pairwise

from askamu import texts
from askamu.danish import WORD, stem, stop_words
from askamu.dates import month_end, months
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.sentences import sentences
from askamu.tables import Table, find_tables
from askamu.threads import telling
from askamu.vocabulary import table, word_set

COUNT = "count"  # the unit of what is merely counted
LEAST = 3  # times that a series must have
MAX_SENTENCE = 600  # characters of one that is read
MAX_LABEL = 160
MAX_CAPTION = 160  # characters of the line above a table that is its caption
READ = frozenset(
    {SectionKind.SUMMARY, SectionKind.CASE, SectionKind.ASSESSMENT, SectionKind.ECONOMY, SectionKind.EFFECT}
)  # what tells of what was; not what is recommended, decided, or quoted from others

_YEAR = r"(?:19|20)\d\d"
_NUMBER = r"(?<![\d.,])[-–−]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?(?![\d.,]*\d)"

_JOINED = re.compile(rf"\s*(?P<label>\D*?)\s*(?P<rest>{_NUMBER}(?:\s?%)?(?:\s+{_NUMBER}(?:\s?%)?)+)\s*")


class Time(StrEnum):
    """What a figure is of: a year as a whole, or a moment. The two are never in one series."""

    YEAR = "year"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class When:
    """The time of a figure as printed: a year, a month or a day."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def first(self) -> date:
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def iso(self) -> str:
        """»2023«, »2023-03« or »2023-03-31«, as exact as it is printed."""
        return self.first.isoformat()[: 4 if self.month is None else 7 if self.day is None else 10]

    @property
    def last(self) -> date:
        if self.day and self.month:
            return date(self.year, self.month, self.day)
        return month_end(self.year, self.month or 12)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with where everything that makes it one is printed. All spans are of the document's text."""

    document: str
    item_index: int
    municipality: str
    label: str  # as printed, white space levelled
    caption: str  # the line above a table, "" where there is none
    unit: str  # as printed; of [units] in the vocabulary
    unit_kind: str
    time: Time
    when: When
    value: Decimal
    printed: str  # the value as printed
    value_span: Span
    when_span: Span
    label_span: Span
    quote: Span  # the sentence or the row
    in_table: bool
    key: tuple[object, ...]  # equal for figures of the same thing


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time, and every place that states it, the oldest meeting first."""

    when: When
    value: Decimal
    figures: tuple[Figure, ...]

    @property
    def figure(self) -> Figure:
        return self.figures[0]


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of the same thing, oldest first. Where minutes contradict each other, a time has several points."""

    municipality: str
    label: str
    caption: str
    unit: str
    unit_kind: str
    time: Time
    points: tuple[Point, ...]

    @property
    def conflicts(self) -> frozenset[When]:
        """The times for which the minutes state more than one value."""
        times = [p.when for p in self.points]
        return frozenset(when for when in times if times.count(when) > 1)


def series_of(figures: Iterable[Figure]) -> list[Series]:
    """The series that figures make, those with most times first. `figures` come from the oldest meeting on."""
    groups: dict[tuple[object, ...], list[Figure]] = defaultdict(list)
    for figure in _unambiguous(figures):
        groups[figure.key].append(figure)
    found = []
    for group in groups.values():
        if len({f.when for f in group}) < LEAST:
            continue
        by_point: dict[tuple[When, Decimal], list[Figure]] = defaultdict(list)
        for figure in group:
            by_point[figure.when, figure.value].append(figure)
        points = tuple(Point(when, value, tuple(same)) for (when, value), same in by_point.items())
        newest = group[-1]
        found.append(
            Series(
                newest.municipality, newest.label, newest.caption, newest.unit, newest.unit_kind, newest.time,
                tuple(sorted(points, key=lambda p: (p.when.first, p.when.last, p.value))),
            )
        )  # fmt: skip
    return sorted(found, key=lambda s: (-len({p.when for p in s.points}), s.municipality, s.label))


def _unambiguous(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Without what one item says in two ways under one label: then the label does not say which is which."""
    by_item: dict[tuple[str, int], list[Figure]] = defaultdict(list)
    for figure in figures:
        by_item[figure.document, figure.item_index].append(figure)
    for same in by_item.values():
        values: dict[tuple[object, ...], set[tuple[When, Decimal]]] = defaultdict(set)
        for f in same:
            values[f.key].add((f.when, f.value))
        doubtful = {key for key, pairs in values.items() if len({when for when, _ in pairs}) < len(pairs)}
        yield from (f for f in same if f.key not in doubtful)


def read_figures(minutes: Minutes, item_index: int) -> list[Figure]:
    """The figures of an item that are printed with label, unit and time; () of a closed item."""
    item = minutes.items[item_index]
    if item.closed or minutes.municipality is None:
        return []
    found: list[Figure] = []
    for section in item.of_kind(*READ):
        if not re.search(_YEAR, minutes.text[section.body : section.end]):
            continue
        reader = _Reader(minutes, item, item_index, section, minutes.municipality)
        found += reader.prose()
        seen: set[Span] = set()
        for grid in grids(minutes.text, section.body, section.end):
            figures = [f for f in reader.grid(grid) if f.value_span not in seen]
            seen.update(f.value_span for f in figures)
            found += figures
    return found


@dataclass(frozen=True, slots=True)
class Cell:
    words: str  # white space levelled
    span: Span


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose columns are certain: as many headings as each row read has cells."""

    start: int
    head: tuple[Cell, ...]
    rows: tuple[Span, ...]


def grids(text: str, start: int, end: int) -> list[Grid]:
    """The tables of text[start:end] that have a heading over each column."""
    found = [_headed(text, block) for block in find_tables(text, start, end) if block.columns]
    lines = [Span(start + m.start(), start + m.end()) for m in re.finditer(r"[^\n]+", text[start:end])]
    head: list[Cell] = []
    begin = 0
    rows: list[Span] = []
    for line in [*lines, Span(end, end)]:
        cells = cells_of(text, line)
        if _is_heading(cells) or (head and len(cells) < 2 and line.of(text).strip()) or line.start == end:
            if head and rows:
                found.append(Grid(begin, tuple(head), tuple(rows)))
            head, begin, rows = (cells if _is_heading(cells) else []), line.start, []
        elif head and len(cells) == len(head):
            rows.append(line)
    return found


def _headed(text: str, block: Table) -> Grid:
    head = cells_of(text, block.header)
    if [c.words for c in head] != [" ".join(c.split()) for c in block.columns]:
        head = [Cell(" ".join(c.split()), block.header) for c in block.columns]
    return Grid(block.start, tuple(head), block.rows)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the figures of one section."""

    minutes: Minutes
    item: AgendaItem
    item_index: int
    section: Section
    municipality: str

    # -- sentences ---------------------------------------------------------------------------

    def prose(self) -> Iterator[Figure]:
        text = self.minutes.text
        for span in sentences(text, self.section.body, self.section.end):
            said = span.of(text)
            if len(said) > MAX_SENTENCE or not re.search(_YEAR, said):
                continue
            if _planned().search(said) or self._elsewhere(said):
                continue
            seen: set[Span] = set()
            for form in _forms():
                for found in form.finditer(said.replace("\n", " ")):
                    figures = [f for f in self._stated(found, span) if f.value_span not in seen]
                    seen.update(f.value_span for f in figures)
                    yield from figures

    def _stated(self, found: re.Match[str], sentence: Span) -> Iterator[Figure]:
        groups = found.groupdict()
        part = "what" if groups.get("what") else "what_first"
        label = " ".join((groups.get(part) or "").split())
        nouns = [groups[n] for n in ("noun", "noun2") if groups.get(n)]
        if not label or len(set(map(_levelled, nouns))) > 1:
            return
        spoken = " ".join([label, *nouns[:1]])
        stems = label_stems(spoken, self.municipality)
        units = {unit_kind(groups[n]) or "" for n in ("unit", "unit2") if groups.get(n)}
        if not stems or len(units) > 1:
            return
        for value, when, unit in (("value", "when", "unit"), ("value2", "when2", "unit2")):
            if not groups.get(value):
                continue
            time_of = read_when(groups[when])
            if groups[when][0].isdigit() or groups[when].casefold().startswith(tuple(months())):
                continue  # without its lead it may be the end of a longer time: »1. kvartal 2023«
            if time_of is None or not self._over(*time_of):
                continue
            kind = next(iter(units), COUNT)
            printed_unit = groups.get(unit) or groups.get("unit") or groups.get("unit2") or ""
            at = {n: Span(sentence.start + found.start(n), sentence.start + found.end(n)) for n in (value, when, part)}
            yield Figure(
                self.minutes.id, self.item_index, self.municipality, spoken, "", " ".join(printed_unit.split()), kind,
                time_of[0], time_of[1], as_number(groups[value]), groups[value], at[value], at[when], at[part],
                sentence, False, (self.municipality, "sentence", stems, kind, time_of[0]),
            )  # fmt: skip

    def _elsewhere(self, said: str) -> bool:
        """Whether it speaks of another place than the minutes' own municipality."""
        if _elsewhere().search(said):
            return True
        return any(name.casefold() != self.municipality.casefold() for name in _municipality().findall(said))

    def _over(self, time: Time, when: When) -> bool:
        """Whether the time was over when the meeting was held: later figures are forecasts, a year's are not done."""
        bound = self.minutes.held_on or self.minutes.date.latest
        if bound is None:
            return False
        if time is Time.YEAR:
            held = self.minutes.held_on or self.minutes.date.earliest
            return held is not None and when.year < held.year
        return when.first <= bound

    # -- tables ------------------------------------------------------------------------------

    def grid(self, grid: Grid) -> Iterator[Figure]:
        """The figures of a table."""
        text = self.minutes.text
        caption = _caption(text, self.section.body, grid.start)
        if self._elsewhere(caption):
            return
        for row in grid.rows:
            cells = cells_of(text, row)
            if len(cells) == len(grid.head) > 1:
                yield from self._row(grid.head, cells, row, caption)

    def _row(self, head: Sequence[Cell], cells: Sequence[Cell], row: Span, caption: str) -> Iterator[Figure]:
        around = f"{self.item.title}\n{caption}"
        corner, label = head[0].words, cells[0].words
        own = read_time(label)
        if own is not None and own[2]:  # »Skoleår 2019«: more than the time
            own = None
        found = []
        for column, cell in zip(head[1:], cells[1:], strict=True):
            time_of = own if own is not None else read_time(column.words)
            value = re.fullmatch(rf"({_NUMBER})\s*(\S.*)?", cell.words)
            if time_of is None or not value:
                continue
            time, when, rest = time_of
            if own is not None:
                rest = column.words
            elif not label:
                continue
            if value[2] and unit_kind(value[2]) is None:
                continue
            names = [corner, rest] if own is not None else [corner, label, rest]
            found.append((time, when, cell, value, column, [n for n in names if n and not _any("silent").fullmatch(n)]))
        # A row that goes on beyond the meeting is a plan, from where on it does not say.
        if not all(self._over(time, when) for time, when, *_ in found):
            return
        for time, when, cell, value, column, names in found:
            said = " · ".join(" ".join(n.split()) for n in names)
            if not said or len(said) > MAX_LABEL or self._elsewhere(said):
                continue
            every = f"{said}\n{column.words}"
            if _is_planned(every, around):
                continue
            unit = _unit(value[2] or "", column.words, corner, label, caption)
            stems = tuple(label_stems(n, self.municipality) for n in names)
            if unit is None or not any(stems):
                continue
            if unit[1] == COUNT and "," in value[1]:
                continue  # a count is whole: the unit is something else, and not printed
            if unit[1] == "percent" and not _any("share").search(f"{said}\n{caption}"):
                continue
            start = cell.span.start + value.start(1)
            by_row = own is not None
            yield Figure(
                self.minutes.id, self.item_index, self.municipality, said, caption, unit[0], unit[1], time, when,
                as_number(value[1]), value[1], Span(start, start + len(value[1])),
                cells[0].span if by_row else column.span, column.span if by_row else cells[0].span, row, True,
                (self.municipality, "table", stems, unit[1], time, telling(self.item.title, self.municipality)),
            )  # fmt: skip


def cells_of(text: str, row: Span) -> list[Cell]:
    """The cells of a row or a heading: parted by tabs or pipes, one a line, or a label and figures joined by spaces."""
    raw = row.of(text)
    if "\t" in raw:
        spans = _between(raw, "\t")
    elif raw.count("|") >= 2:
        spans = _between(raw, "|")
        spans = [(a, b) for n, (a, b) in enumerate(spans) if raw[a:b].strip() or 0 < n < len(spans) - 1]
    elif "\n" in raw:
        spans = [m.span() for m in re.finditer(r"[^\n]+", raw) if m[0].strip()]
    else:
        joined = _JOINED.fullmatch(raw)
        if not joined:
            return []
        numbers = re.finditer(rf"{_NUMBER}(?:\s?%)?", raw[joined.start("rest") :])
        at = joined.start("rest")
        spans = [joined.span("label"), *((at + n.start(), at + n.end()) for n in numbers)]
    return [_cell(raw[a:b], row.start + a) for a, b in spans]


def _between(raw: str, mark: str) -> list[tuple[int, int]]:
    cuts = [-1, *(m.start() for m in re.finditer(re.escape(mark), raw)), len(raw)]
    return [(a + 1, b) for a, b in pairwise(cuts)]


def _cell(raw: str, start: int) -> Cell:
    bare = raw.strip(" *\n\t")
    at = start + (raw.index(bare) if bare else 0)
    return Cell(" ".join(bare.split()), Span(at, at + len(bare)))


def _is_heading(cells: Sequence[Cell]) -> bool:
    """Whether a row has years over columns: »Fuldtidspersoner 2019 2020 2021«."""
    years = [c.words for c in cells[1:]]
    return len(years) > 1 and all(re.fullmatch(_YEAR, y) for y in years) and sorted(set(years)) in (years, years[::-1])


def _caption(text: str, after: int, start: int) -> str:
    """The line above a table, where it is short; what stands before `after` is none."""
    lines = [x.strip() for x in text[max(after, start - 2 * MAX_CAPTION) : start].split("\n") if x.strip()]
    return lines[-1] if lines and len(lines[-1]) <= MAX_CAPTION else ""


# -- times, values, labels, units ----------------------------------------------------------------


def read_when(words: str) -> tuple[Time, When] | None:
    """The time that words with their lead name: »i 2023«, »ved udgangen af 2023«, »pr. 31. marts 2025«."""
    found = _time().fullmatch(" ".join(words.split()))
    if not found:
        return None
    lead, year = found["lead"] or "", int(found["year"])
    month = months()[found["month"].casefold()] if found["month"] else int(found["number"] or 0) or None
    day = int(found["day"] or found["day2"] or 0) or None
    kind = next((k for k, p in _leads().items() if p.fullmatch(lead)), "" if not lead else None)
    if kind is None:
        return None
    if month is not None:
        if not 1 <= month <= 12 or (day or 1) > month_end(year, month).day:
            return None
        if day is None and kind in ("end", "start"):
            day = month_end(year, month).day if kind == "end" else 1
        return Time.MOMENT, When(year, month, day)
    if kind in ("end", "start"):
        return Time.MOMENT, When(year, *((12, 31) if kind == "end" else (1, 1)))
    return (Time.YEAR, When(year)) if kind in ("during", "") else None


def read_time(heading: str) -> tuple[Time, When, str] | None:
    """The one time that a heading names, and the rest of it; None where it names none or several."""
    flat = " ".join(heading.split())
    if len(re.findall(_YEAR, flat)) != 1:
        return None
    for found in _time_inside().finditer(flat):
        time_of = read_when(found[0])
        if time_of is None:
            return None
        rest = f"{flat[: found.start()]} {flat[found.end() :]}".strip(" ,:()-–")
        return (*time_of, " ".join(rest.split()))
    return None


def when_text(when: When, language: str, *, short: bool = False) -> str:
    """»2023«, »marts 2023«, »31.03.2023«; a month's name is cut where it must be short."""
    if when.month is None:
        return str(when.year)
    if when.day is None:
        month = texts.text(f"date.month.{when.month}", language)
        return f"{month[:3] if short else month} {when.year}"
    return f"{when.first:%d.%m.%Y}"


def as_number(printed: str) -> Decimal:
    """»1.234,5« as a number."""
    plain = re.sub(r"[–−]", "-", printed).replace(".", "").replace(",", ".")
    return Decimal(plain)


def label_stems(label: str, municipality: str) -> frozenset[str]:
    """The stems that say what is counted."""
    silent = _weightless() | {stem(w) for w in WORD.findall(municipality)} | {stem(f"{municipality}s")}
    found = (w.casefold() for w in WORD.findall(label))
    return frozenset(stem(w) for w in found if w not in stop_words() and stem(w) not in silent)


def unit_kind(printed: str) -> str | None:
    """Which unit words are, None for no unit."""
    bare = printed.strip(" ()")
    return next((k for k, p in _units().items() if p.fullmatch(bare) or p.fullmatch(f"{bare}.")), None)


def _unit(*places: str) -> tuple[str, str] | None:
    """The unit that the first of the places that has one prints, money and shares before what is merely counted."""
    for counted in (False, True):
        for place in places:
            for kind, pattern in _units().items():
                found = pattern.search(place) if (kind == COUNT) == counted else None
                if found:
                    return found[0], kind
    return None


def _is_planned(label: str, around: str) -> bool:
    if _any("account").search(label) and not _any("account_not").search(label):
        return bool(_planned_beside_account().search(label))
    return bool(_planned().search(f"{label}\n{around}"))


@cache
def _planned_beside_account() -> re.Pattern[str]:
    return re.compile("budget|" + "|".join(table("series")["account_not"]), re.IGNORECASE)


@cache
def _planned() -> re.Pattern[str]:
    return _any("planned")


@cache
def _any(key: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in table("series")[key]), re.IGNORECASE)


@cache
def _elsewhere() -> re.Pattern[str]:
    return _any("elsewhere")


@cache
def _municipality() -> re.Pattern[str]:
    """A municipality's name with the word: »Solrød Kommune«, or one of Denmark's by its name alone."""
    names = "|".join(sorted(map(re.escape, table("municipalities")["names"]), key=len, reverse=True))
    return re.compile(rf"\b({names}|[A-ZÆØÅ][a-zæøå]+(?:-[A-ZÆØÅ][a-zæøå]+)?(?= [Kk]ommune\b))(?:s|\b)(?!\w)")


@cache
def _weightless() -> frozenset[str]:
    return frozenset(stem(w) for w in word_set("series", "weightless"))


@cache
def _units() -> dict[str, re.Pattern[str]]:
    return {
        kind: re.compile("|".join(rf"(?<!\w)(?:{p})(?!\w)" for p in patterns), re.IGNORECASE)
        for kind, patterns in table("series")["units"].items()
    }


@cache
def _leads() -> dict[str, re.Pattern[str]]:
    return {k: re.compile("|".join(f"(?:{p})" for p in v), re.IGNORECASE) for k, v in table("series")["lead"].items()}


def _levelled(word: str) -> str:
    return stem(word)


def _time_pattern(name: str = "") -> str:
    """A time with its lead, with groups where there is no name, else as the group of that name."""
    leads = "|".join(sorted((p for v in table("series")["lead"].values() for p in v), key=len, reverse=True))
    names = "|".join(sorted(months(), key=len, reverse=True))

    def group(key: str, inner: str) -> str:
        return f"(?:{inner})" if name else f"(?P<{key}>{inner})"

    figures = r"[0-3]?\d"
    inner = (
        rf"(?<![\w.,/–-])(?:{group('lead', leads)}\s+)?"
        rf"(?:(?:{group('day', figures)}\.?\s+)?{group('month', names)}\.?\s+"
        rf"|(?:{group('day2', figures)}[./-])?{group('number', figures)}[./-])?"
        rf"{group('year', _YEAR)}(?![\d.,/–-]*\d)"
    )
    return f"(?P<{name}>{inner})" if name else inner


@cache
def _time() -> re.Pattern[str]:
    return re.compile(_time_pattern(), re.IGNORECASE)


@cache
def _time_inside() -> re.Pattern[str]:
    return re.compile(_time_pattern("whole"), re.IGNORECASE)


@cache
def _forms() -> list[re.Pattern[str]]:
    units = "|".join(p for k, v in table("series")["units"].items() if k not in (COUNT,) for p in v)
    ends = rf"(?=[,.;:()]|\s(?:{'|'.join(table('series')['sentence']['ends'])})\b|\s*$)"
    parts = {
        "{what}": rf"(?P<what>[^\W\d][^,.;:()\d]{{1,90}}?){ends}",
        "{what_first}": r"(?P<what_first>[^\W\d][^,.;:()\d]{2,110}?)",
        **{f"{{value{n}}}": rf"(?P<value{n}>{_NUMBER})(?:\s?(?P<unit{n}>{units}))?" for n in ("", "2")},
        **{f"{{when{n}}}": _time_pattern(f"when{n}") for n in ("", "2")},
        **{f"{{noun{n}}}": rf"(?P<noun{n}>(?!i\b|ved\b|pr\b)[^\W\d]+)" for n in ("", "2")},
    }
    forms = []
    for form in table("series")["sentence"]["forms"]:
        for name, inner in parts.items():
            form = form.replace(name, inner)
        forms.append(re.compile(form, re.IGNORECASE))
    return forms
