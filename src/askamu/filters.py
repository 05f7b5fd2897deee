"""Filters as people set them: on the page, at the API, on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from askamu.dates import read_day
from askamu.errors import PeriodReversed
from askamu.passage import Filters, Limit

# The columns that a table of decisions can be sorted by, with a minus for falling order.
Sort = Literal["-date", "date", "committee", "-committee", "outcome", "-outcome", "title", "-title"]


def read_filters(
    municipality: str | None = None,
    committee: str | None = None,
    since: str | None = None,
    until: str | None = None,
    case_number: str | None = None,
    lifted: Iterable[Limit] = (),
) -> Filters:
    """Read filters; empty ones are none.

    Raises:
        BadDate: if a date can't be read.
        PeriodReversed: if the period ends before it begins.
    """
    first, last = read_day(since or "", last=False), read_day(until or "", last=True)
    if first and last and last < first:
        raise PeriodReversed
    return Filters(municipality or None, committee or None, first, last, case_number or None, frozenset(lifted))


def read_from_question(given: Filters, used: Filters) -> list[Limit]:
    """Which of the limits a search had were not set by anybody but read from the question."""
    found = {
        Limit.MUNICIPALITY: used.municipality and not given.municipality,
        Limit.COMMITTEE: used.committee and not given.committee,
        Limit.PERIOD: (used.date_from or used.date_to) and not (given.date_from or given.date_to),
    }
    return [limit for limit, read in found.items() if read]
