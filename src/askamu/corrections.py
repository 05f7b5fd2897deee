"""Old links: what became of quoted words when their minutes were corrected, replaced or taken away.

A document is known by its content, so that a correction is another document; the record remembers which one took
which one's place, and keeps the old text as long as the new one is indexed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from askamu.errors import NotStored
from askamu.library import Library
from askamu.links import HEADER_INDEX, item_index, same_item
from askamu.minutes import AgendaItem, Minutes, SectionKind, Span
from askamu.passage import HEADER_ITEM

LONGEST = 2_000  # characters of an old quote that are shown


@dataclass(frozen=True, slots=True)
class Found:
    """Where an address leads today.

    Of corrected minutes, `old` is the document that it was made for, None where its text is gone; `was` holds the
    quoted words of then, None where they are gone or may not be shown; `span` is where the same words stand now.
    """

    minutes: Minutes
    index: int  # in minutes.items, -1 for what stands before the first item
    span: Span | None = None
    corrected: bool = False
    old: Minutes | None = None
    was: str | None = None
    kind: SectionKind | None = None  # of the section that `was` stood in
    sure: bool = True  # False where only its number tells which item it is

    @property
    def item(self) -> AgendaItem | None:
        return None if self.index == HEADER_INDEX else self.minutes.items[self.index]


def current(library: Library, document: str) -> str:
    """The document that answers for an id: itself, or what has taken its place.

    Raises:
        NotStored: if there is none, also where the record still has a document that was taken away.
    """
    if library.holds(document):
        return document
    successor = library.record.successor(document)
    if successor is None or not library.holds(successor):
        raise NotStored("meeting")
    return successor


def find(library: Library, document: str, number: str, span: Span | None = None, place: int | None = None) -> Found:
    """The item that an address names, by its number.

    Raises:
        NotStored: if there is no such meeting or item.
    """
    now = current(library, document)
    minutes = library.minutes(now)
    start = span.start if span else None
    if now == document:
        return Found(minutes, _index(minutes, number, start, place), _inside(minutes, span))
    old = _old(library, document)
    if old is None:
        return Found(minutes, _index(minutes, number, None, place), corrected=True, sure=number == HEADER_ITEM)
    return _followed(minutes, old, _index(old, number, start, place), span)


def find_at(library: Library, document: str, index: int, span: Span | None = None) -> Found:
    """The item that an id names, by its place.

    Raises:
        NotStored: if there is no such meeting or item.
    """
    now = current(library, document)
    minutes = library.minutes(now)
    old = minutes if now == document else _old(library, document)
    if old is None or not HEADER_INDEX <= index < len(old.items):
        raise NotStored("item")
    if now == document:
        return Found(minutes, index, _inside(minutes, span))
    return _followed(minutes, old, index, span)


def _old(library: Library, document: str) -> Minutes | None:
    try:
        return library.record.document(document)
    except KeyError:
        return None


def _index(minutes: Minutes, number: str, start: int | None, place: int | None) -> int:
    index = HEADER_INDEX if number == HEADER_ITEM else item_index(minutes, number, start, place)
    if index is None:
        raise NotStored("item")
    return index


def _inside(minutes: Minutes, span: Span | None) -> Span | None:
    return span if span and span.end <= len(minutes.text) else None


def _followed(minutes: Minutes, old: Minutes, index: int, span: Span | None) -> Found:
    before = None if index == HEADER_INDEX else old.items[index]
    now = HEADER_INDEX if before is None else same_item(before, minutes)
    if now is None:
        raise NotStored("item_corrected")
    after = None if now == HEADER_INDEX else minutes.items[now]
    if span is None or not _within(old, before, span):
        return Found(minutes, now, corrected=True, old=old)
    if (before and before.closed) or (after and after.closed) or _may_be_closed(before, old, minutes):
        return Found(minutes, now, corrected=True, old=old)
    words, kind = span.of(old.text), _kind_at(before, span)
    where = span if minutes.text == old.text else _where(minutes, after, words, kind)
    return Found(minutes, now, where, True, old, words[:LONGEST], kind)


def _may_be_closed(before: AgendaItem | None, old: Minutes, minutes: Minutes) -> bool:
    """Whether an item, or what was in it, may have been closed by the correction: then its old words are not shown."""
    if sum(i.closed for i in minutes.items) > sum(i.closed for i in old.items):
        return True
    return before is not None and any(i.closed and i.number == before.number for i in minutes.items)


def _kind_at(item: AgendaItem | None, span: Span) -> SectionKind | None:
    return next((s.kind for s in (item.sections if item else ()) if s.start <= span.start < s.end), None)


def _within(minutes: Minutes, item: AgendaItem | None, span: Span) -> bool:
    start, end = (item.start, item.end) if item else (0, minutes.header.end)
    return start <= span.start < span.end <= end


def _where(minutes: Minutes, item: AgendaItem | None, words: str, kind: SectionKind | None) -> Span | None:
    """Where the same words stand now, white space aside, in a section of the same kind; None if they don't.

    The words of a decision that now stand in the recommendation alone are not what was quoted.
    """
    places = [(s.start, s.end) for s in (item.sections if item and kind else ()) if s.kind is kind]
    if kind is None:
        places = [(item.start, item.end) if item else (0, minutes.header.end)]
    pattern = r"\s+".join(re.escape(word) for word in words.split())
    for start, end in places if pattern else ():
        if found := re.search(rf"(?<!\w){pattern}(?!\w)", minutes.text[start:end]):
            return Span(start + found.start(), start + found.end())
    return None
