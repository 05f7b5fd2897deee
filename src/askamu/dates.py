"""Reading Danish (and English) dates out of running text. Always day first, except ISO."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from askamu.errors import BadDate
from askamu.vocabulary import table


@dataclass(frozen=True, slots=True)
class FoundDate:
    day: date
    start: int
    end: int


@cache
def months() -> dict[str, int]:
    return {str(k): int(v) for k, v in table("dates")["months"].items()}


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(sorted(months(), key=len, reverse=True))
    return re.compile(
        rf"(?<![\d./-])(?:(?P<iy>(?:19|20)\d\d)-(?P<im>\d\d)-(?P<id>\d\d)"
        rf"|(?P<d>\d{{1,2}})[./-]\s?(?P<m>\d{{1,2}})[./-]\s?(?P<y>(?:19|20)\d\d|\d\d)(?![\d/])"
        rf"|(?P<wd>\d{{1,2}})(?:\.|st|nd|rd|th)?[\s-]+(?P<wm>{names})\.?,?[\s-]+(?P<wy>(?:19|20)\d\d)"
        rf"|(?P<em>{names})\.?\s+(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<ey>(?:19|20)\d\d))(?!\d)",
        re.IGNORECASE,
    )


def find_dates(text: str) -> Iterator[FoundDate]:
    """Every complete date of a text, in order; impossible ones (31.02.2024) are passed over."""
    for found in _pattern().finditer(text):
        parts = found.groupdict()
        if parts["iy"]:
            year, month, day = int(parts["iy"]), int(parts["im"]), int(parts["id"])
        elif parts["d"]:
            year, month, day = int(parts["y"]), int(parts["m"]), int(parts["d"])
            year += 2000 if year < 100 else 0
        elif parts["wd"]:
            year, month, day = int(parts["wy"]), months()[parts["wm"].casefold()], int(parts["wd"])
        else:
            year, month, day = int(parts["ey"]), months()[parts["em"].casefold()], int(parts["ed"])
        try:
            yield FoundDate(date(year, month, day), found.start(), found.end())
        except ValueError:
            continue


def read_day(words: str, *, last: bool) -> date | None:
    """A year, month or day as people write them: 2023, 2023-03, 2023-03-01, 1.3.2023. None when empty.

    Args:
        last: read a year or a month as its last day, not its first.

    Raises:
        BadDate: if it is none of these.
    """
    words = words.strip()
    if not words:
        return None
    found = re.fullmatch(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", words)
    parts = found.groups() if found else ()
    if not found and (danish := re.fullmatch(r"(?:(\d{1,2})[./-])?(\d{1,2})[./-](\d{4})", words)):
        parts = danish.groups()[::-1]
    try:
        year, month, day = (int(p) if p else None for p in parts)
        if year is None:
            raise BadDate(words)
        month = month or (12 if last else 1)
        if day is None:
            return month_end(year, month) if last else date(year, month, 1)
        return date(year, month, day)
    except ValueError:
        raise BadDate(words) from None


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def first_date(text: str) -> date | None:
    """The first complete date of a text."""
    return next((found.day for found in find_dates(text)), None)
