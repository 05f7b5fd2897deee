"""Addresses of the pages and records of what is indexed. They stay the same as long as a document does."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from askamu.minutes import AgendaItem, Minutes, Span
from askamu.passage import HEADER_ITEM, Filters
from askamu.record import case_key

HEADER_INDEX = -1  # the place of what stands before the first item


def meeting_path(document: str) -> str:
    return f"/moede/{quote(document, safe='')}"


def case_path(case_number: str) -> str:
    return f"/sager/{quote(case_number, safe='')}"


def item_path(minutes: Minutes, index: int, span: Span | None = None) -> str:
    """The page of an item by its place in the minutes, or of what stands before the first one.

    Args:
        span: the quoted stretch.
    """
    if index == HEADER_INDEX:
        number, told = HEADER_ITEM, True
    else:
        number, told = item_number(minutes, index), minutes.item(item_number(minutes, index)) is minutes.items[index]
    query: dict[str, int] = {} if told or span else {"nr": index + 1}
    if span:
        query |= {"fra": span.start, "til": span.end}
    path = numbered_path(minutes.id, number)
    return f"{path}?{urlencode(query)}" if query else path


def numbered_path(document: str, number: str) -> str:
    """The page of an item by its number alone."""
    return f"/kilde/{quote(document, safe='')}/{quote(number, safe='')}"


def item_number(minutes: Minutes, index: int) -> str:
    """An item's number as printed; where none is, its place counted from 1."""
    return minutes.items[index].number or str(index + 1)


def item_index(minutes: Minutes, number: str, start: int | None = None, place: int | None = None) -> int | None:
    """The place in `minutes.items` of the item that an address names; None if there is none.

    Args:
        number: as printed, or the item's place from 1 where none is printed.
        start: a character in it, which decides where several bear the number.
        place: its place from 1, where the address tells it.
    """
    bearing = [i for i in range(len(minutes.items)) if item_number(minutes, i) == number]
    if place is not None and place - 1 in bearing:
        return place - 1
    around = [i for i in bearing if start is not None and minutes.items[i].start <= start < minutes.items[i].end]
    printed = [i for i in bearing if minutes.items[i].number == number]
    return next(iter((*around, *printed, *bearing)), None)


def item_id(document: str, index: int) -> str:
    """»7f3a…:4«: a document and the place of an item in it, from 0."""
    return f"{document}:{index}"


def passage_id(document: str, index: int, span: Span) -> str:
    """A stretch of an item, or with index -1 of what stands before the first one."""
    return f"{document}.{index}.{span.start}.{span.end}"


def answer_path(question: str, filters: Filters, generation: str | None = None, language: str | None = None) -> str:
    """The page that asks a question again, and says so when the index has changed since `generation`."""
    asked = {
        "q": question,
        "municipality": filters.municipality,
        "committee": filters.committee,
        "date_from": filters.date_from.isoformat() if filters.date_from else None,
        "date_to": filters.date_to.isoformat() if filters.date_to else None,
        "case_number": filters.case_number,
        "lifted": sorted(str(limit) for limit in filters.lifted) or None,
        "generation": generation,
        "lang": language,
    }
    return f"/svar?{urlencode({k: v for k, v in asked.items() if v}, doseq=True)}"


def published_at(minutes: Minutes) -> tuple[str, str] | None:
    """(address, host) of the page where the minutes are published, if it is known and its link is safe to follow."""
    try:
        parts = urlsplit(minutes.address or "")
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme != "https" or not host or parts.username is not None:
        return None
    return minutes.address or "", host


def same_item(old: AgendaItem, minutes: Minutes) -> int | None:
    """The place of the item in corrected minutes that was `old`: by its case number and heading; None if unsure."""
    title = " ".join(old.title.split()).casefold()
    number = case_key(old.case_number) if old.case_number else None
    places = range(len(minutes.items))
    by_title = [i for i in places if title and " ".join(minutes.items[i].title.split()).casefold() == title]
    by_case = [i for i in places if number and case_key(minutes.items[i].case_number or "") == number]
    both = [i for i in by_title if i in by_case]
    for found in (both, by_case, by_title):
        if len(found) == 1:
            return found[0]
    numbered = [i for i in both or by_case or by_title if minutes.items[i].number == old.number]
    return numbered[0] if len(numbered) == 1 else None
