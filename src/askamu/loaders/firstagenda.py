"""FirstAgenda, which some 85 of the 98 municipalities publish through: its JSON and its web pages.

Both say outright where an item begins, its number, title and case number, and mark its sections by headings, so
the text is written item by item and the outline's offsets are noted while it is written.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from selectolax.lexbor import LexborHTMLParser, LexborNode

from askamu.dates import first_date
from askamu.errors import ForeignJson
from askamu.headings import heading_kind
from askamu.loaders.attachments import Attached, Attachments
from askamu.loaders.blocks import BULLET, Block, Kind, blocks, parse_html, render
from askamu.loaders.loaded import Budget, Loaded, Outline, OutlineItem, OutlineSection
from askamu.loaders.text import one_line
from askamu.minutes import SectionKind
from askamu.vocabulary import table

MAX_HEADING = 90  # characters; a longer heading element is a paragraph in large type
ATTACHMENTS = "Bilag"
_CLOSED = re.compile(r"^Lukket(?:\s+punkt)?\s*[:–-]\s*", re.IGNORECASE)
_PERIOD = re.compile(r"\s*\(?\b\d{4}\s*[-–]\s*\d{2,4}\)?$")  # »Byråd 2022-2025«: the term, not part of the name
_FRAME = "fremstilling"  # the heading over an item's own headings
_ZONE = "Europe/Copenhagen"


def read_json(markup: str, budget: Budget, attachments: Attachments | None = None) -> Loaded:
    """One meeting as the publication API answers it (/api/agenda/dagsorden/ID).

    Args:
        attachments: those that were fetched; their text becomes part of their items.

    Raises:
        ForeignJson: if it is other JSON.
        TooLongToRead, TooMuchText.
    """
    try:
        meeting = json.loads(markup.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ForeignJson(budget.name) from error
    entries = meeting.get("Dagsordenpunkter") if isinstance(meeting, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
        raise ForeignJson(budget.name)
    attachments = attachments or Attachments(None)
    items = [_read_entry(entry, budget, attachments) for entry in entries]
    held, committee = _dict(meeting, "Moede"), _PERIOD.sub("", _string(_dict(meeting, "Udvalg"), "Navn"))
    begins = _local(_string(held, "Dato") or _string(held, "MeetingBeginUtc"))
    present, absent = _people(held.get("Moededeltagere"))
    kind = "referat" if any(_is_decided(item) for item in items) else "dagsorden"
    host = _host(entries)
    header = [f"{kind.capitalize()}: {committee}" if committee else kind.capitalize()]
    header += [f"Mødedato: {begins:%d-%m-%Y} kl. {begins:%H:%M}"] if begins else []
    header += [f"Mødested: {place}"] if (place := _string(held, "Sted")) else []
    header += [f"Mødedeltagere: {', '.join(present)}"] if present else []
    header += [f"Fraværende: {', '.join(absent)}"] if absent else []
    text, outlined = _write(header, items)
    outline = Outline(
        items=outlined,
        municipality=municipality(host),
        committee=committee or None,
        held_on=begins.date() if begins else None,
        place=place or None,
        kind=kind,
        attendees=present,
        absent=absent,
    )
    number = _string(meeting, "Id")
    address = f"https://{host}/vis?id={number}" if host and re.fullmatch(r"[0-9a-fA-F-]{36}", number) else None
    return Loaded(text, outline=outline, address=address, problems=attachments.told())


class _Item:
    """An item as read: what its format says of it, and its content."""

    def __init__(
        self,
        number: str,
        title: str,
        case_number: str,
        body: list[Block],
        attachments: list[str],
        attached: Sequence[Attached] = (),
    ) -> None:
        self.closed = bool(_CLOSED.match(title))
        self.number, self.title = number or None, _CLOSED.sub("", title)
        self.case_number = case_number or None
        # Of a closed item (lukket punkt) only heading and case number are public: its content is not kept.
        self.body, self.attachments, self.attached = ([], [], []) if self.closed else (body, attachments, attached)


def _read_entry(entry: dict[str, Any], budget: Budget, attachments: Attachments) -> _Item:
    title = _string(entry, "Navn") or _string(entry, "Caption")
    started = time.monotonic()
    attached = [] if _CLOSED.match(title) else _read_attached(entry, attachments)
    budget.begun += time.monotonic() - started  # attachments have a time of their own
    found: list[Block] = []
    for field in _dicts(entry.get("Felter")):
        markup = field.get("Html") or field.get("Tekst")
        root = parse_html(markup, budget).body if isinstance(markup, str) else None
        found += blocks(root, budget) if root is not None else []
    return _Item(
        _string(entry, "Punktnummer") or _string(entry, "Number"),
        title,
        _string(entry, "SagsNummer") or _string(entry, "CaseNumber"),
        tidy_headings(found),
        [name for one in _dicts(entry.get("Bilag")) if (name := _string(one, "Navn"))],
        attached,
    )


def _read_attached(entry: dict[str, Any], attachments: Attachments) -> list[Attached]:
    """The attachments of an entry that were fetched, and its fields that are nothing but a PDF."""
    named = [(_string(one, "Id"), _string(one, "Navn")) for one in _dicts(entry.get("Bilag"))]
    named += [(_string(one, "DocumentId"), _string(one, "Navn")) for one in _dicts(entry.get("Felter"))]
    found = [attachments.read(id, name or _string(entry, "Navn")) for id, name in dict(named).items() if id]
    return [one for one in found if one is not None]


def _is_decided(item: _Item) -> bool:
    following = [*item.body[1:], None]
    return any(
        block.kind is Kind.HEADING
        and heading_kind(block.text) is SectionKind.DECISION
        and after is not None
        and after.kind is not Kind.HEADING
        for block, after in zip(item.body, following, strict=False)
    )


# -- headings


def tidy_headings(found: Sequence[Block]) -> list[Block]:
    """Headings as a reader sees them.

    Broken ones are rejoined (»I ndstilling«, »Økonomiske« above »konsekvenser«), a paragraph or a number in a
    heading's type becomes text, and the frame »Fremstilling« is left out where another heading follows at once.
    """
    tidy: list[Block] = []
    for block in found:
        last = tidy[-1] if tidy else None
        if block.kind is not Kind.HEADING:
            tidy.append(block)
        elif not block.text:
            if _ends_decision(tidy):
                tidy.append(block)
        elif last is not None and last.kind is Kind.HEADING and (whole := _joined(last.text, _rejoin(block.text))):
            tidy[-1] = Block(Kind.HEADING, whole, last.level)
        else:
            text = _rejoin(block.text)
            kind = Kind.HEADING if _is_heading(text, last) else Kind.TEXT
            tidy.append(Block(kind, text, block.level))
    return [
        block
        for block, after in zip(tidy, [*tidy[1:], None], strict=False)
        if not (after is not None and after.kind is Kind.HEADING and _is_frame(block))
    ]


def _is_frame(block: Block) -> bool:
    return block.kind is Kind.HEADING and block.text.casefold() in ("", _FRAME)


def _ends_decision(before: Sequence[Block]) -> bool:
    """Whether a heading without words ends a decision that has been told; elsewhere it is a leftover of the editor.

    FirstAgenda puts one over a case text that has no heading (Aarhus), which else would read as decided.
    """
    if not before or before[-1].kind is Kind.HEADING:
        return False
    last = next((b for b in reversed(before) if b.kind is Kind.HEADING), None)
    return last is not None and heading_kind(last.text) is SectionKind.DECISION


def _is_heading(text: str, before: Block | None) -> bool:
    """Whether a heading element opens a section. An unknown one right below a known one is the first line of its text:
    »Administrationen indstiller:« below »Indstilling«."""
    if heading_kind(text.rstrip(" .")) is not None:
        return True
    if before is not None and before.kind is Kind.HEADING and not _is_frame(before):
        return False
    words = re.search(r"[^\W\d]{2}", text)
    return bool(words) and len(text) <= MAX_HEADING and not text.endswith((".", ",", ";"))


@cache
def _squeezed() -> dict[str, str]:
    """The known headings without their spaces."""
    return {
        heading.casefold().replace(" ", ""): heading
        for headings in table("headings").values()
        if isinstance(headings, list)
        for heading in headings
        if isinstance(heading, str) and len(heading) > 4
    }


def _rejoin(text: str) -> str:
    """A known heading whose letters were set apart, put together again."""
    known = _squeezed().get(text.casefold().replace(" ", "").rstrip(":"))
    return text if known is None or text.casefold().rstrip(" :") == known.casefold() else known


def _joined(first: str, second: str) -> str | None:
    """Two headings that follow each other as one, if they are one that was broken."""
    whole = f"{first} {second}"
    if heading_kind(whole) is not None:
        return whole
    if heading_kind(second) is None and (known := _squeezed().get(whole.casefold().replace(" ", ""))):
        return known
    return whole if second[:1].islower() and heading_kind(first) is None and len(whole) <= MAX_HEADING else None


# -- text and outline


def _write(header: Sequence[str], items: Iterable[_Item]) -> tuple[str, tuple[OutlineItem, ...]]:
    """The text of a meeting and where its items and sections stand in it."""
    out = _Out()
    for line in header:
        out.add(line)
    outlined = []
    for item in items:
        out.add("")
        start = out.length
        closed = "Lukket: " if item.closed else ""
        out.add(one_line(f"Punkt {item.number}: {closed}{item.title}" if item.number else closed + item.title))
        if item.case_number:
            out.add(f"Sagsnr.: {item.case_number}")
        opened = [*_write_body(out, item), *_write_attached(out, item)]
        ends = [*(start for _, start, _, _ in opened[1:]), out.length]
        sections = [
            OutlineSection(heading, start, body, end, kind)
            for (heading, start, body, kind), end in zip(opened, ends, strict=False)
        ]
        outlined.append(
            OutlineItem(
                item.number,
                item.title,
                item.case_number,
                item.closed,
                start,
                out.length,
                tuple(sections),
                tuple(item.attachments),
            )
        )
    return out.text(), tuple(outlined)


_Opened = tuple[str, int, int, SectionKind | None]  # a section's heading, its start, the start of its body, its kind


def _write_attached(out: _Out, item: _Item) -> list[_Opened]:
    """Write the text of an item's attachments, each page a section, so that a citation names attachment and page."""
    opened: list[_Opened] = []
    for attached in item.attached:
        for number, page in enumerate(attached.pages, start=1):
            if not page:
                continue
            out.add("")
            start = out.length
            heading = f"Bilag: {attached.name}, side {number}"
            out.add(heading)
            opened.append((heading, start, out.length, SectionKind.ATTACHMENT_TEXT))
            out.add(page)
    return opened


def _write_body(out: _Out, item: _Item) -> list[_Opened]:
    """Write an item's content; returns its sections."""
    opened: list[_Opened] = []
    listed = [Block(Kind.HEADING, ATTACHMENTS, 3)] + [Block(Kind.ENTRY, BULLET + name) for name in item.attachments]
    for block, gap in render([*item.body, *(listed if item.attachments else [])], Block(Kind.TEXT, "")):
        if gap == "\n\n":
            out.add("")
        start = out.length
        if not opened and block.kind is not Kind.HEADING:
            opened.append(("", start, start, None))  # an item without headings, or text above the first
        if block.text:
            out.add(block.text)
        if block.kind is Kind.HEADING:
            opened.append((block.text, start, out.length, None))
    return opened


class _Out:
    """A text that grows by lines and knows its length."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.length = 0

    def add(self, line: str) -> None:
        self._lines.append(line)
        self.length += len(line) + 1

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


# -- the meeting


def _string(node: dict[str, Any], key: str) -> str:
    value = node.get(key)
    return one_line(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _dict(node: dict[str, Any], key: str) -> dict[str, Any]:
    value = node.get(key)
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def _people(value: object) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Who was there and who was not; None, None where no list is given. Either of two flags means absence."""
    present: list[str] = []
    absent: list[str] = []
    for person in _dicts(value):
        if name := _string(person, "Name"):
            away = person.get("Absent") is True or person.get("ParticipationCancelled") is True
            (absent if away else present).append(name)
    return (tuple(present), tuple(absent)) if present or absent else (None, None)


def _local(stamp: str) -> datetime | None:
    """An ISO time as the clock in Denmark showed it; None where there is none."""
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(ZoneInfo(_ZONE)) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    except ZoneInfoNotFoundError:  # a system without time zones: the stamp's own is Danish as a rule
        return datetime.fromisoformat(stamp)


def _host(entries: Sequence[dict[str, Any]]) -> str | None:
    for entry in entries:
        for field in [*_dicts(entry.get("Felter")), *_dicts(entry.get("Bilag"))]:
            try:
                parts = urlsplit(_string(field, "Link"))
                host = parts.hostname
            except ValueError:
                continue
            if parts.scheme in ("http", "https") and host and re.fullmatch(r"[a-z0-9.-]{4,100}", host):
                return host
    return None


@cache
def _hosts() -> dict[str, str]:
    """The municipalities by how their names are written in addresses."""
    by_label = {}
    for name in table("municipalities")["names"]:
        plain = name.casefold().replace("-", "")
        for o, a in (("oe", "aa"), ("o", "a"), ("oe", "a"), ("o", "aa")):
            by_label[plain.replace("æ", "ae").replace("ø", o).replace("å", a)] = name
    return by_label


def municipality(host: str | None) -> str | None:
    """The municipality that a host belongs to: dagsordener.greve.dk -> Greve. None if none is known."""
    for label in (host or "").split("."):
        found = _hosts().get(re.sub(r"-?kommune$", "", label).replace("-", ""))
        if found:
            return found
    return None


# -- the web page


def read_page(page: LexborHTMLParser, address: str | None, budget: Budget) -> Loaded | None:
    """A meeting's page as a browser saved it, None if it is another page or its table of items is irregular."""
    rows = page.css("tr.punktrow")
    items = [item for row in rows if (item := _read_row(row, budget)) is not None]
    if not items or len(items) != len(rows):
        return None
    title = _words(page.css_first("h1.dato") or page.css_first(".title h1"))
    info = page.css_first("table.dagsordeninfo")
    committee = _words((info or page).css_first(".udvalg")) if info or page.css_first(".udvalg") else ""
    place = _words(info.css_first(".sted")) if info else ""
    header = [title] if title else []
    facts = blocks(info.parent, budget) if info is not None and info.parent is not None else []
    header += [fact.text for fact in facts if fact.text and not fact.text.endswith(":")]
    when = _words(info.css_first(".dato")) if info else ""
    held: date | None = first_date(when) or first_date(title)
    kind = "dagsorden" if title.casefold().startswith("dagsorden") else None
    kind = "referat" if title.casefold().startswith("referat") or any(map(_is_decided, items)) else kind
    text, outlined = _write(header, items)
    host = urlsplit(address).hostname if address else None
    outline = Outline(outlined, municipality(host), _PERIOD.sub("", committee) or None, held, place or None, kind)
    return Loaded(text, outline=outline, address=address)


def _read_row(row: LexborNode, budget: Budget) -> _Item | None:
    """One row of the table of items: number, title, and what folds out below."""
    number, title = row.css_first("td .label"), row.css_first(".overskrift")
    if number is None or title is None:
        return None
    found: list[Block] = []
    for content in row.css(".details .punkt"):
        found += blocks(content, budget)
    names = [_words(link) for link in row.css(".details a.bilag-link")]
    body = tidy_headings(found)
    return _Item(_words(number), _words(title), _words(row.css_first(".sagsnummer")), body, [n for n in names if n])


def _words(node: LexborNode | None) -> str:
    return one_line(node.text()) if node is not None else ""
