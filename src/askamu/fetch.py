"""A municipality's published meetings -> a folder of files, through FirstAgenda's Publication API.

    FOLDER/
      <committee>-<date>-<first 8 of id>.json   one meeting each, the answer as it came
      attachments/<id>/                         PDFs, and index.json that says what they are
      .askamu-fetch.json                        what was fetched, and how it stood on the list then
      .withdrawn/                               meetings that the site no longer lists
      .replaced/                                agendas whose minutes have come

Public records, but somebody's server: one request at a time with a pause, nothing asked for twice that
has not changed, and the run ends when the site asks for rest. Only the site's own host is ever asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import filelock
import httpx

from askamu.danish import fold
from askamu.embed import Progress, silent
from askamu.errors import (
    AnswerForeign,
    AnswerIsPage,
    AnswerMissing,
    AnswerNotJson,
    AnswerRefused,
    AnswerTooLarge,
    BadContact,
    BadMeeting,
    BadSite,
    FetchBusy,
    FetchError,
    FetchFolderNotWritable,
    FetchOtherSite,
    FetchStateUnreadable,
    NotPdf,
    RedirectElsewhere,
    SiteAsksForRest,
    SiteUnreachable,
    UnknownSiteCommittee,
)
from askamu.loaders.attachments import FOLDER as ATTACHMENTS
from askamu.loaders.attachments import INDEX, is_whole

NEW, CHANGED, UNCHANGED, REPLACED = "new", "changed", "unchanged", "replaced"
WITHDRAWN, FAILED, LEFT = "withdrawn", "failed", "left"
STATUSES = (NEW, CHANGED, UNCHANGED, REPLACED, WITHDRAWN, FAILED, LEFT)

STATE, LOCK = ".askamu-fetch.json", ".askamu-fetch.lock"
STATE_VERSION = 1
WITHDRAWN_FOLDER, REPLACED_FOLDER = ".withdrawn", ".replaced"
LIST, MEETING, ATTACHMENT = "/api/agenda/udvalgsliste", "/api/agenda/dagsorden/", "/vis/pdf/bilag/"
BUSY, GATEWAY = (429, 503), (502, 504)
MAX_REDIRECTS = 5
NAMELESS = "?"  # the id of a line on the list that has none
UNREACHABLE_IN_A_ROW = 3  # meetings that may go unanswered before the run ends
SLUG_LENGTH = 60
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,63}")  # becomes part of an address and a file name


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What to fetch, and how gently."""

    committees: tuple[str, ...] = ()  # names as the site has them, without regard to case; () for all
    since: date | None = None
    until: date | None = None
    attachments: bool = False
    contact: str | None = None  # an address for the site's owner, sent along with each request
    pause: float = 1.0  # seconds between an answer and the next request
    timeout: float = 30.0  # seconds of silence; the whole of an answer may take ten times that
    max_bytes: int = 100_000_000  # of one answer
    attempts: int = 4  # for one answer
    backoff: float = 2.0  # seconds before the second attempt, doubled for each one after
    max_wait: float = 120.0  # longest wait between two attempts; who asks for more gets rest until the next run


@dataclass(frozen=True, slots=True)
class Listed:
    """A meeting as it stands on the site's list."""

    id: str
    committee_id: str
    committee: str
    held_on: date
    begins: str  # as printed
    kind: str  # as printed: Referat, Dagsorden, Ekstraordinær dagsorden, Tillægsdagsorden
    supplement: bool
    released: str | None  # as printed
    closed: bool  # Afsluttet

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.committee} {self.held_on.isoformat()} ({self.kind}, {self.id[:8]})"

    @property
    def file(self) -> str:
        return f"{slug(self.committee)}-{self.held_on.isoformat()}-{self.id[:8].lower()}.json"

    @property
    def is_minutes(self) -> bool:
        return "referat" in self.kind.casefold()


@dataclass(frozen=True, slots=True)
class FetchedMeeting:
    """What became of one meeting."""

    name: str
    id: str
    committee: str
    held_on: date | None
    status: str
    file: Path | None = None  # where it stands now
    problems: tuple[FetchError, ...] = ()
    attachments: int = 0  # fetched in this run


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What one run did."""

    site: str
    folder: Path
    meetings: tuple[FetchedMeeting, ...]
    stopped: FetchError | None  # why the run ended before its time
    requests: int
    seconds: float

    def count(self, status: str) -> int:
        return sum(m.status == status for m in self.meetings)

    @property
    def failed(self) -> tuple[FetchedMeeting, ...]:
        """Those of which something could not be fetched, be it an attachment."""
        return tuple(m for m in self.meetings if m.problems)

    @property
    def complete(self) -> bool:
        return self.stopped is None and not self.failed


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF that belongs to an agenda item."""

    id: str
    item: str  # the item's number, as printed
    name: str
    address: str
    has_pdf: bool

    @property
    def file(self) -> str:
        return f"{slug(self.item, 8)}-{slug(self.name)}-{slug(self.id)[:8]}.pdf"


@dataclass(slots=True)
class _Entry:
    """What the state file remembers of a meeting that was fetched."""

    meeting: Listed  # as it stood on the list then
    file: str
    size: int
    sha256: str
    attachments: bool = False  # whether all of them were fetched


@dataclass(slots=True)
class _State:
    site: str
    meetings: dict[str, _Entry] = field(default_factory=dict)


def fetch(site: str, folder: Path, options: FetchOptions | None = None, progress: Progress = silent) -> FetchReport:
    """Bring what a site publishes into a folder. What is there and unchanged is not fetched again.

    Args:
        site: "https://dagsordener.greve.dk", or its host alone.
        progress: called with the stage "fetch".

    Raises:
        BadSite, BadContact, UnknownSiteCommittee: nothing was written.
        SiteUnreachable, SiteAsksForRest, BadAnswer: if even the list can't be had.
        FetchOtherSite, FetchStateUnreadable, FetchBusy, FetchFolderNotWritable.
    """
    options = options or FetchOptions()
    started = time.monotonic()
    origin = site_origin(site)
    with _Site(origin, options) as place:
        place.enter()
        listed, unusable = read_list(place.json(LIST))
        wanted = _chosen(listed, options)
        with _writing(folder):
            state = _read_state(folder, origin)
            here = {m.id for m in listed} | {m.id.lower() for m in unusable}
            vanished = [e.meeting for id, e in state.meetings.items() if id not in here]
            over = superseded([*listed, *vanished])
            gone = [m.id for m in vanished if over.get(m.id) not in here]
            if NAMELESS in here:  # any of them may be behind a line that can't be read
                gone = []
            results = [*unusable, *(_put_away(folder, state, id, WITHDRAWN_FOLDER, WITHDRAWN) for id in gone)]
            run = _Run(place, folder, state, options, over)
            for done, meeting in enumerate(wanted, start=1):
                results += run.take(meeting)
                progress("fetch", done, len(wanted))
    return FetchReport(origin, folder, tuple(results), run.stopped, place.requests, time.monotonic() - started)


def site_origin(site: str) -> str:
    """Scheme and host of a site, whichever of its pages was given.

    Raises:
        BadSite: if it is no http or https address.
    """
    given = site.strip() if "://" in site else f"https://{site.strip()}"
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL as error:
        raise BadSite(site) from error
    if url.scheme not in ("http", "https") or url.userinfo or not re.fullmatch(r"[\w.:-]+", url.host):
        raise BadSite(site)
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def slug(text: str, length: int = SLUG_LENGTH) -> str:
    """A name made safe for files: "Børne- og Ungeudvalget" -> "boerne-og-ungeudvalget"."""
    spelled = text.casefold().replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    return re.sub(r"[^a-z0-9]+", "-", fold(spelled)).strip("-")[:length].rstrip("-") or "x"


# -- the list -----------------------------------------------------------------------------------


def read_list(answer: object) -> tuple[list[Listed], list[FetchedMeeting]]:
    """Read the answer to udvalgsliste: each meeting once, oldest first; and those that can't be read.

    Raises:
        AnswerForeign: if it is something else, or holds no meeting at all.
    """
    periods = answer.get("Udvalg") if isinstance(answer, dict) else None
    groups: list[Any] = list(periods.values()) if isinstance(periods, dict) else [periods]
    if not all(isinstance(group, list) for group in groups):
        raise AnswerForeign(LIST)
    listed: dict[str, Listed] = {}
    unusable = []
    for committee in (c for group in groups for c in group if isinstance(c, dict)):
        name = " ".join(str(committee.get("Navn") or "").split())
        entries = committee.get("Moeder")
        for entry in entries if isinstance(entries, list) else []:
            try:
                meeting = _listed(committee, name, entry)
            except (KeyError, TypeError, ValueError, AttributeError):
                given = entry if isinstance(entry, dict) else {}
                id = str(given.get("Id") or NAMELESS)[:80]
                said = f"{name} {str(given.get('Dato') or '?')[:40]} ({id})"
                unusable.append(FetchedMeeting(said, id, name, None, FAILED, problems=(BadMeeting(said),)))
                continue
            other = listed.get(meeting.id)
            if other is None or (meeting.is_minutes, meeting.released or "") > (other.is_minutes, other.released or ""):
                listed[meeting.id] = meeting
    if not listed:  # rather a fault of the site's than a municipality that has withdrawn everything
        raise AnswerForeign(LIST)
    return sorted(listed.values(), key=lambda m: (m.held_on, m.committee, m.id)), unusable


def _listed(committee: Mapping[str, Any], name: str, entry: Mapping[str, Any]) -> Listed:
    id = entry["Id"]
    if not _ID.fullmatch(id):
        raise ValueError(id)
    return Listed(
        id=id.lower(),
        committee_id=str(committee.get("Id") or name),
        committee=name,
        held_on=danish_day(entry["Dato"]),
        begins=entry["Dato"],
        kind=str(entry.get("Navn") or ""),
        supplement=entry.get("IsSupplementaryAgenda") is True,
        released=str(entry["ReleasedDate"]) if entry.get("ReleasedDate") else None,
        closed=entry.get("Afsluttet") is True,
    )


def danish_day(moment: str) -> date:
    """The day of a moment as it is called in Denmark: "2023-06-11T22:00:00Z" is 12 June."""
    when = datetime.fromisoformat(moment)
    if when.tzinfo and when.utcoffset() == timedelta(0):  # no zone of ours: the site gives UTC
        try:
            when = when.astimezone(ZoneInfo("Europe/Copenhagen"))
        except ZoneInfoNotFoundError:
            when = when.astimezone()
    return when.date()


def _chosen(listed: Sequence[Listed], options: FetchOptions) -> list[Listed]:
    """The meetings asked for, without the agendas whose minutes are there.

    Raises:
        UnknownSiteCommittee: names those that exist.
    """
    names = {_same(m.committee): m.committee for m in listed}
    for name in options.committees:
        if _same(name) not in names:
            raise UnknownSiteCommittee(name, sorted(set(names.values())))
    asked = {_same(name) for name in options.committees}
    over = superseded(listed)
    return [
        m
        for m in listed
        if m.id not in over
        and (not asked or _same(m.committee) in asked)
        and (options.since is None or m.held_on >= options.since)
        and (options.until is None or m.held_on <= options.until)
    ]


def _same(name: str) -> str:
    return " ".join(fold(name).split())


def superseded(listed: Sequence[Listed]) -> dict[str, str]:
    """Agendas that stand on the list beside their minutes: id of the agenda -> id of the minutes.

    The same committee, day and sort of meeting (ordinary, extraordinary, supplement); with several
    meetings on one day also the same time, as far as there is a choice.
    """
    over: dict[str, str] = {}
    groups: dict[tuple[object, ...], list[Listed]] = {}
    for m in listed:
        kind = fold(m.kind)
        sort = ("ekstraord" in kind, m.supplement or kind.startswith("till"))
        groups.setdefault((m.committee_id, m.held_on, sort), []).append(m)
    for group in groups.values():
        minutes = [m for m in group if m.is_minutes]
        agendas = [m for m in group if "dagsorden" in m.kind.casefold()]
        times = {m.begins: m.id for m in minutes}
        over |= {a.id: times[a.begins] for a in agendas if a.begins in times}
        agendas = [a for a in agendas if a.id not in over]
        minutes = [m for m in minutes if m.id not in over.values()]
        if len(agendas) == len(minutes) == 1:
            over[agendas[0].id] = minutes[0].id
    return over


# -- one run ------------------------------------------------------------------------------------


class _Run:
    """Takes meetings one by one, and remembers each in the state file before the next."""

    def __init__(
        self, site: _Site, folder: Path, state: _State, options: FetchOptions, over: Mapping[str, str]
    ) -> None:
        self.site, self.folder, self.state, self.options, self.over = site, folder, state, options, over
        self.stopped: FetchError | None = None
        self._unreachable = 0  # in a row

    def take(self, meeting: Listed) -> list[FetchedMeeting]:
        """Bring one meeting up to date, and put away the agenda that it replaces."""
        known = self.state.meetings.get(meeting.id)
        status = NEW if known is None else UNCHANGED if self._holds(known, meeting) else CHANGED
        wanted = status != UNCHANGED or (self.options.attachments and not (known and known.attachments))
        result = FetchedMeeting(meeting.name, meeting.id, meeting.committee, meeting.held_on, status)
        if known:
            result = replace(result, file=self.folder / known.file)
        if self.stopped:
            return [replace(result, status=LEFT) if wanted else result]
        replaced: list[FetchedMeeting] = []
        stored = status == UNCHANGED
        try:
            if known is None or status != UNCHANGED:
                known = self._store(meeting, known)
                stored = True
                result = replace(result, file=self.folder / known.file)
            replaced = self._replace(meeting)
            if self.options.attachments and not known.attachments:
                count, problems = self._attach(known)
                result = replace(result, attachments=count, problems=problems)
            self._unreachable = 0
        except FetchError as error:
            if isinstance(error, SiteAsksForRest):
                self.stopped = error
                return [*replaced, result if stored else replace(result, status=LEFT)]
            self._unreachable = self._unreachable + 1 if isinstance(error, SiteUnreachable) else 0
            if self._unreachable >= UNREACHABLE_IN_A_ROW:
                self.stopped = error
            result = replace(result, status=FAILED, problems=(error,))
        return [*replaced, result]

    def _holds(self, known: _Entry, meeting: Listed) -> bool:
        """Whether what we have is what the site has."""
        try:
            size = (self.folder / known.file).stat().st_size
        except OSError:
            return False
        return size == known.size and known.meeting == meeting

    def _store(self, meeting: Listed, before: _Entry | None) -> _Entry:
        path = f"{MEETING}{meeting.id}"
        answer = self.site.get(path)
        read = read_json(answer, path)
        if not isinstance(read, dict) or not isinstance(read.get("Dagsordenpunkter"), list):
            raise AnswerForeign(path)
        if str(read.get("Id")).lower() != meeting.id.lower():
            raise AnswerForeign(path)
        _write(self.folder / meeting.file, answer)
        if before and before.file != meeting.file:  # put off to another day, or the committee has a new name
            _move(self.folder, before.file, REPLACED_FOLDER)
        entry = _Entry(meeting, meeting.file, len(answer), hashlib.sha256(answer).hexdigest())
        self.state.meetings[meeting.id] = entry
        _write_state(self.folder, self.state)
        return entry

    def _replace(self, minutes: Listed) -> list[FetchedMeeting]:
        """Put away the agenda that these minutes stand for now."""
        gone = [id for id in self.state.meetings if self.over.get(id) == minutes.id]
        return [_put_away(self.folder, self.state, id, REPLACED_FOLDER, REPLACED) for id in gone]

    def _attach(self, known: _Entry) -> tuple[int, tuple[FetchError, ...]]:
        """Fetch those attachments of a stored meeting that aren't there yet: (how many came, what went wrong)."""
        place = self.folder / ATTACHMENTS / known.meeting.id
        have = _read_sidecar(place, known.sha256)
        rows: list[dict[str, Any]] = []
        problems: list[FetchError] = []
        count = 0
        read = read_json((self.folder / known.file).read_bytes(), known.file)
        for attachment in find_attachments(read):
            row: dict[str, Any] = {**asdict(attachment), "file": None}
            done = have.get(attachment.id)
            if done and done.get("file") and (place / done["file"]).is_file():
                row = done
            elif attachment.has_pdf:
                try:
                    data = self.site.get(attachment.address)
                    if b"%PDF-" not in data[:1024]:
                        raise NotPdf(attachment.name)
                    _write(place / attachment.file, data)
                    row |= {"file": attachment.file, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                    count += 1
                except SiteAsksForRest:
                    raise
                except FetchError as error:
                    row["problem"] = error.say("en")
                    problems.append(error)
            rows.append(row)
            _write_sidecar(place, known, rows)
        held = {row["file"] for row in rows}
        for path in sorted(place.glob("*.pdf")):
            if path.name not in held:
                _move(self.folder, str(path.relative_to(self.folder)), REPLACED_FOLDER)
        known.attachments = not problems
        _write_state(self.folder, self.state)
        return count, tuple(problems)


def find_attachments(meeting: object) -> list[Attachment]:
    """The attachments (bilag) of a meeting's answer, each once.

    A field's own PDF says what the field says, so it is only taken where the field says nothing.
    """
    found: dict[str, Attachment] = {}
    items = meeting.get("Dagsordenpunkter") if isinstance(meeting, dict) else None
    for item in (i for i in items or [] if isinstance(i, dict)):
        number = str(item.get("Number") or item.get("Punktnummer") or "0")
        fields = [f for f in item.get("Felter") or [] if isinstance(f, dict)]
        entries = [
            *((b, b.get("Id")) for b in item.get("Bilag") or [] if isinstance(b, dict)),
            *((f, f.get("DocumentId")) for f in fields if f.get("Link") and not (f.get("Html") or f.get("Tekst"))),
        ]
        for entry, id in entries:
            if not isinstance(id, str) or not _ID.fullmatch(id):
                continue
            name = str(entry.get("Navn") or item.get("Navn") or "")
            address = str(entry.get("Link") or f"{ATTACHMENT}{id}")
            has_pdf = str(entry.get("HarPdfVersion", True)).lower() == "true"
            found.setdefault(id, Attachment(id, number, name, address, has_pdf))
    return list(found.values())


# -- the site -----------------------------------------------------------------------------------


class _Site:
    """One host, asked one thing at a time."""

    def __init__(self, origin: str, options: FetchOptions) -> None:
        self.origin, self.options = httpx.URL(origin), options
        self.requests = 0
        self._rested = float("-inf")  # when the last answer was there
        self._proven = False  # whether the site has answered since its cookie was fetched
        self._client = httpx.Client(headers={"User-Agent": user_agent(options.contact)}, timeout=options.timeout)

    def __enter__(self) -> _Site:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def enter(self) -> None:
        """Visit the start page: it sets the cookie that the rest asks for."""
        self._proven = False
        self.get("/")
        self._proven = False

    def json(self, path: str) -> object:
        return read_json(self.get(path), path)

    def get(self, path: str) -> bytes:
        """One answer, asked for again where the site is busy or the line broken.

        Raises:
            SiteAsksForRest, SiteUnreachable: if that didn't help.
            BadAnswer: if there is none to be had.
        """
        url = self._own(self.origin, path)
        wait = self.options.backoff
        for attempt in range(1, self.options.attempts + 1):
            asked = None
            trouble: FetchError
            try:
                answer, body = self._ask(url)
            except httpx.RequestError as error:
                trouble = SiteUnreachable(url, str(error) or type(error).__name__)
            else:
                status = answer.status_code
                if status in (401, 403) and self._proven:  # the cookie has expired
                    self.enter()
                    continue
                if status in GATEWAY:
                    trouble = SiteUnreachable(url, f"HTTP {status}")
                elif status in BUSY:
                    asked = retry_after(answer.headers.get("Retry-After"))
                    trouble = SiteAsksForRest(url, status)
                elif status in (404, 410):
                    raise AnswerMissing(url)
                elif status != 200:
                    raise AnswerRefused(url, status)
                else:
                    self._proven = True
                    return body
            if attempt == self.options.attempts or (asked or 0.0) > self.options.max_wait:
                raise trouble
            time.sleep(min(wait if asked is None else asked, self.options.max_wait))
            wait *= 2
        raise AnswerRefused(url, 403)

    def _ask(self, url: httpx.URL) -> tuple[httpx.Response, bytes]:
        """One request, and those its redirects lead to on the same host."""
        for _ in range(MAX_REDIRECTS):
            time.sleep(max(0.0, self._rested + self.options.pause - time.monotonic()))
            self.requests += 1
            try:
                with self._client.stream("GET", url) as answer:
                    body = self._body(answer)
            finally:
                self._rested = time.monotonic()
            if not answer.has_redirect_location:
                break
            url = self._own(url, answer.headers["Location"])
        return answer, body

    def _body(self, answer: httpx.Response) -> bytes:
        limit = self.options.max_bytes
        until = time.monotonic() + 10 * self.options.timeout
        parts: list[bytes] = []
        size = 0
        if answer.headers.get("Content-Length", "").isdecimal():
            size = int(answer.headers["Content-Length"])
        if size > limit:
            raise AnswerTooLarge(answer.url, limit)
        size = 0
        for part in answer.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise AnswerTooLarge(answer.url, limit)
            if time.monotonic() > until:
                raise httpx.ReadTimeout("the answer never ended")
        return b"".join(parts)

    def _own(self, base: httpx.URL, to: str) -> httpx.URL:
        """An address on our host; http may become https, never the other way.

        Raises:
            RedirectElsewhere: if it is anywhere else. Nothing is asked there.
        """
        try:
            url = base.join(to)
        except httpx.InvalidURL as error:
            raise RedirectElsewhere(base, to) from error
        same = (url.scheme, url.host, url.port) == (self.origin.scheme, self.origin.host, self.origin.port)
        safer = (url.scheme, url.host, url.port, self.origin.port) == ("https", self.origin.host, None, None)
        if not same and not safer:
            raise RedirectElsewhere(base, to)
        return url.copy_with(fragment=None)


def user_agent(contact: str | None) -> str:
    """How the site's owner sees us, and where we can be reached.

    Raises:
        BadContact: if the address can't stand in a request's header.
    """
    name = f"askamu/{metadata.version('askamu')}"
    if not contact:
        return name
    if not contact.isascii() or not contact.isprintable():
        raise BadContact(contact)
    return f"{name} (+{contact})"


def retry_after(value: str | None) -> float | None:
    """Seconds that a site asks us to wait, from a number or a date; None if it doesn't say."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def read_json(answer: bytes, where: str) -> object:
    """Raises:
    AnswerIsPage: if it is HTML.
    AnswerNotJson: if it is anything else, or cut off.
    """
    try:
        read: object = json.loads(answer)
    except (ValueError, RecursionError) as error:
        if answer.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise AnswerIsPage(where) from error
        raise AnswerNotJson(where) from error
    return read


# -- the folder ---------------------------------------------------------------------------------


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Be the one askamu that fetches to a folder.

    Raises:
        FetchBusy, FetchFolderNotWritable
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / LOCK, timeout=0):
            yield
    except filelock.Timeout as error:
        raise FetchBusy(folder) from error
    except OSError as error:
        raise FetchFolderNotWritable(folder, error.strerror or str(error)) from error


def _read_state(folder: Path, site: str) -> _State:
    file = folder / STATE
    try:
        read = json.loads(file.read_bytes())
        if read["version"] != STATE_VERSION:
            raise ValueError(f"version {read['version']}")
        state = _State(read["site"])
        for id, entry in read["meetings"].items():
            listed = entry.pop("meeting")
            meeting = Listed(**{**listed, "held_on": date.fromisoformat(listed["held_on"])})
            state.meetings[id] = _Entry(meeting, **entry)
            if Path(state.meetings[id].file).name != state.meetings[id].file:
                raise ValueError(state.meetings[id].file)
    except FileNotFoundError:
        return _State(site)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FetchStateUnreadable(file, str(error)) from error
    if state.site != site:
        raise FetchOtherSite(folder, state.site, site)
    return state


def _write_state(folder: Path, state: _State) -> None:
    record = {"version": STATE_VERSION, **asdict(state)}
    _write(folder / STATE, json.dumps(record, ensure_ascii=False, indent=1, default=date.isoformat).encode())


def _put_away(folder: Path, state: _State, id: str, where: str, status: str) -> FetchedMeeting:
    """Move a meeting and its attachments out of sight; nothing is deleted."""
    entry = state.meetings[id]
    file = _move(folder, entry.file, where)
    _move(folder, f"{ATTACHMENTS}/{id}", where)
    del state.meetings[id]
    _write_state(folder, state)
    m = entry.meeting
    return FetchedMeeting(m.name, id, m.committee, m.held_on, status, file)


def _move(folder: Path, name: str, where: str) -> Path | None:
    """Move FOLDER/name to FOLDER/where/name, beside what was put there before. None if it is gone already."""
    source, target = folder / name, folder / where / name
    if not source.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    n = 2
    while target.exists():
        target = (folder / where / name).with_name(f"{source.stem}-{n}{source.suffix}")
        n += 1
    return source.rename(target)


def _read_sidecar(place: Path, sha256: str) -> dict[str, dict[str, Any]]:
    """What was fetched already for this version of the meeting: id of the attachment -> its line."""
    try:
        read = json.loads((place / INDEX).read_bytes())
        rows = {row["id"]: row for row in read["attachments"] if row["file"] is None or is_whole(row)}
        return rows if read["meeting_sha256"] == sha256 else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _write_sidecar(place: Path, known: _Entry, rows: Sequence[Mapping[str, Any]]) -> None:
    record = {"meeting": known.file, "meeting_sha256": known.sha256, "attachments": rows}
    _write(place / INDEX, json.dumps(record, ensure_ascii=False, indent=1).encode())


def _write(path: Path, data: bytes) -> None:
    """Write a file so that whoever is interrupted leaves the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
