"""Filters as people set them: on the page, at the API, on the command line."""

from __future__ import annotations

from askamu.dates import read_day
from askamu.errors import PeriodReversed
from askamu.passage import Filters


def read_filters(
    municipality: str | None = None,
    committee: str | None = None,
    since: str | None = None,
    until: str | None = None,
    case_number: str | None = None,
) -> Filters:
    """Read filters; empty ones are none.

    Raises:
        BadDate: if a date can't be read.
        PeriodReversed: if the period ends before it begins.
    """
    first, last = read_day(since or "", last=False), read_day(until or "", last=True)
    if first and last and last < first:
        raise PeriodReversed
    return Filters(municipality or None, committee or None, first, last, case_number or None)
