"""Where things stand in the drawings of cases, topics and series: positions for templates/drawings.html.

Positions along time are percent of the drawing's width, heights are pixels: so a drawing fills any width and its words
keep their size. Nothing here is HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

from askamu.texts import text

LEFT, RIGHT = 4.0, 96.0  # percent between which time runs
NARROWEST = 300  # pixels for which labels are laid out
LETTER = 6.3  # pixels, about the widest that one is on average
MARK = 26  # pixels of a mark and the gap to its label
AXIS, LANE, ROW, UNDATED = 26, 24, 30, 46  # pixels: the years above, a lane's name, its rows, an undated step
LABELLED = 14  # with more marks they bear numbers only
TICKS = 5


@dataclass(frozen=True, slots=True)
class Event:
    """What a drawing shows of a step."""

    n: int
    lane: str
    held_on: date | None
    earliest: date | None
    latest: date | None
    mark: str  # form: "decided", "recommended", … (drawings.html draws them)
    label: str  # what the form says, short
    title: str  # all of it in words
    href: str


@dataclass(frozen=True, slots=True)
class Mark:
    event: Event
    x: float
    y: int
    label: str
    label_left: bool


@dataclass(frozen=True, slots=True)
class Aside:
    """A step whose day is not known: its words at the left, and a bar over the time in which it can have been."""

    event: Event
    y: int
    label: str
    bar: tuple[float, float] | None  # start and width in percent


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    y: int


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    height: int
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    lanes_end: int
    marks: tuple[Mark, ...]
    asides: tuple[Aside, ...]
    way: tuple[tuple[Mark, Mark], ...]  # the lines between steps that follow each other


def timeline(events: Sequence[Event], language: str, *, one_case: bool) -> Timeline:
    """Lay out steps; `one_case` joins them by a line."""
    dated = [e for e in events if e.held_on]
    days = [d for e in events for d in ((e.held_on,) if e.held_on else (e.earliest, e.latest)) if d]
    axis = Axis(days)
    y = AXIS if days else 0
    lanes: list[Lane] = []
    marks: dict[int, Mark] = {}
    labelled = len(events) <= LABELLED
    for name in dict.fromkeys(e.lane for e in dated):
        lanes.append(Lane(name, y))
        rows: list[list[tuple[float, float]]] = []
        for event in (e for e in dated if e.lane == name):
            assert event.held_on
            x = axis.at(event.held_on)
            label = f"{event.n} {event.label}" if labelled else str(event.n)
            width = (MARK + LETTER * len(label)) / NARROWEST * 100
            left = x + width > 100 and x > 50
            taken = (x - width, x + 5) if left else (x - 5, x + width)
            row = next((n for n, r in enumerate(rows) if all(taken[1] < a or b < taken[0] for a, b in r)), len(rows))
            if row == len(rows):
                rows.append([])
            rows[row].append(taken)
            marks[event.n] = Mark(event, x, y + LANE + ROW // 2 + row * ROW, label, left)
        y += LANE + len(rows) * ROW + 6
    lanes_end = y
    asides = []
    y += LANE if len(dated) < len(events) else 0
    for event in events:
        if event.held_on:
            continue
        bounds = (event.earliest, event.latest)
        bar = None
        if any(bounds):
            begin = axis.at(bounds[0]) if bounds[0] else 0.0
            bar = (begin, round((axis.at(bounds[1]) if bounds[1] else 100.0) - begin, 2))
        label = f"{event.n} {event.label}"
        asides.append(Aside(event, y, f"{label}, {short_span(*bounds)}" if bar else label, bar))
        y += UNDATED if bar else ROW
    ordered = [marks[e.n] for e in dated]
    way = tuple(pairwise(ordered)) if one_case else ()
    return Timeline(
        y + 4, axis.ticks(language) if days else (), tuple(lanes), lanes_end, tuple(ordered), tuple(asides), way
    )


def span_words(first: date | None, last: date | None, language: str) -> str:
    """When an undated meeting can have been, in words."""
    if first and last:
        return text("case.between", language, first=f"{first:%d.%m.%Y}", last=f"{last:%d.%m.%Y}")
    if first:
        return text("cases.after", language, first=f"{first:%d.%m.%Y}")
    if last:
        return text("cases.before", language, last=f"{last:%d.%m.%Y}")
    return text("date.unknown", language)


def short_span(first: date | None, last: date | None) -> str:
    """»03.06.2025–31.12.2025«, for a drawing that says elsewhere that the day is not known."""
    return "–".join(f"{d:%d.%m.%Y}" if d else "" for d in (first, last))


class Axis:
    """Time from left to right, over whole months."""

    def __init__(self, days: Iterable[date]) -> None:
        ordered = sorted(days) or [date.min]
        self.first = ordered[0].replace(day=1)
        self.last = ordered[-1]
        self._days = max((self.last - self.first).days, 27)

    def at(self, day: date) -> float:
        """Percent of the width."""
        return round(LEFT + (RIGHT - LEFT) * (day - self.first).days / self._days, 2)

    def ticks(self, language: str) -> tuple[Tick, ...]:
        """A few first days of months, or of years."""
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        step = next((s for s in (1, 2, 3, 6, 12, 24, 60, 120) if months / s <= TICKS), 240)
        found: list[Tick] = []
        day = self.first
        while day <= self.last:
            if (day.year * 12 + day.month - 1) % step == 0 or (step < 12 and months <= TICKS):
                x = self.at(day)
                label = str(day.year) if step >= 12 else f"{text(f'date.month.{day.month}', language)[:3]} {day.year}"
                found.append(Tick(x, label, "start" if x < 12 else "end" if x > 88 else "middle"))
            day = (day + timedelta(days=32)).replace(day=1)
        return fitting(found)


def fitting(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """The last tick, and those before it that leave room for each other in the narrowest drawing."""
    kept: list[Tick] = []
    free = 101.0
    for tick in reversed(ticks):
        width = (LETTER * len(tick.label) + 6) / NARROWEST * 100
        begin = tick.x - {"start": 0.0, "middle": width / 2, "end": width}[tick.anchor]
        if begin + width <= free or not kept:
            kept.append(tick)
            free = begin
    return tuple(reversed(kept))


# -- figures ---------------------------------------------------------------------------------------

PLOT_TOP, PLOT_HEIGHT = 34, 180  # pixels
MANY_POINTS = 9  # with more, values stand in the table only
VALUES_LEFT = 12.0  # percent left for the scale's figures


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    label: str  # "" where there are too many
    title: str
    href: str
    anchor: str
    conflict: bool


@dataclass(frozen=True, slots=True)
class Plot:
    height: int
    scale: tuple[tuple[float, str], ...]  # height in the drawing, value
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    lines: tuple[tuple[Dot, Dot], ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What a drawing shows of a point."""

    day: date  # where it stands on the axis
    tick: str  # its time, short
    value: Decimal
    printed: str
    title: str
    href: str
    conflict: bool


def plot(values: Sequence[Value], language: str) -> Plot:
    """Lay out a series over a scale that begins at 0, or below where a value does."""
    top, low = max(*(v.value for v in values), Decimal(0)), min(*(v.value for v in values), Decimal(0))
    marks = scale_of(low, top)
    low, top = marks[0], marks[-1]
    first, last = min(v.day for v in values), max(v.day for v in values)
    days = max((last - first).days, 1)

    def x_of(day: date) -> float:
        return round(VALUES_LEFT + 6 + (90 - VALUES_LEFT) * (day - first).days / days, 2)

    def y_of(value: Decimal) -> float:
        return round(PLOT_TOP + PLOT_HEIGHT * float((top - value) / (top - low)), 1)

    few = len(values) <= MANY_POINTS
    dots = [
        Dot(
            x_of(v.day), y_of(v.value), v.printed if few else "", v.title, v.href,
            "end" if x_of(v.day) > 92 else "middle", v.conflict,
        )
        for v in values
    ]  # fmt: skip
    dots = apart(dots)
    times = dict.fromkeys((v.tick, v.day) for v in values)
    ticks = [Tick(x_of(day), time, "end" if x_of(day) > 88 else "middle") for time, day in times]
    lines = tuple((a, b) for a, b in pairwise(dots) if not a.conflict and not b.conflict)
    height = PLOT_TOP + PLOT_HEIGHT + 30
    return Plot(height, tuple((y_of(m), as_danish(m, language)) for m in marks), fitting(ticks), tuple(dots), lines)


def apart(dots: Sequence[Dot]) -> list[Dot]:
    """The dots, without the label of one that would stand in another's; its value is in the table."""
    kept: list[Dot] = []
    for dot in dots:
        width = (LETTER + 2) * len(dot.label) / NARROWEST * 100
        near = [d for d in kept if d.label and abs(d.x - dot.x) < width and abs(d.y - dot.y) < 18]
        kept.append(replace(dot, label="") if near else dot)
    return kept


def scale_of(low: Decimal, top: Decimal) -> list[Decimal]:
    """Three to six round values that hold the others between them."""
    span = (top - low) or Decimal(1)
    size = Decimal(10) ** (span.adjusted() - 1)
    step = next(s for m in (1, 2, 5, 10, 20, 25, 50, 100) if span / (s := size * m) <= 5)
    marks = [(low / step).to_integral_value(ROUND_FLOOR) * step]
    while marks[-1] < top:
        marks.append(marks[-1] + step)
    return marks if len(marks) > 1 else [*marks, marks[-1] + step]


def as_danish(value: Decimal, language: str) -> str:
    """»1.234,5«; »1,234.5« in English."""
    plain = f"{value.normalize():,f}"
    return plain.translate(str.maketrans(",.", ".,")) if language == "da" else plain
