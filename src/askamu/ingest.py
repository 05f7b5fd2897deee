"""Files -> an index: find, load, parse, chunk, embed, build a generation, switch to it.

What is in the index already is not read again; a run that was killed goes on where it stopped,
because documents and vectors are stored as they are made. Only the last step changes what answers.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from askamu.chunk import CHUNK_TOKENS, chunk
from askamu.config import Settings
from askamu.embed import Embedder, Progress, embed_cached, open_embedder, silent
from askamu.errors import AskamuError, IndexUnreadable, NothingToIngest, PathMissing, TooLarge, Unreadable
from askamu.index import (
    CURRENT,
    build_generation,
    current_id,
    last_generation,
    open_current,
    read_manifest,
    remove_orphans,
    writing,
)
from askamu.load import SUFFIXES, load
from askamu.minutes import Minutes
from askamu.parse import PARSER_VERSION, parse
from askamu.passage import Passage
from askamu.record import FILE, MeetingRow, Record, StoredDocument

NEW, UNCHANGED, REPLACED, REMOVED, FAILED = "new", "unchanged", "replaced", "removed", "failed"
UNREADABLE = "unreadable"  # as a plan calls what a run reports as failed
FETCHED, ATTACHMENTS = ".askamu-fetch.json", "attachments"  # as fetch.py names them: attachments are no minutes
CONTEXT_SHARE = 0.25  # of an embedder's tokens that is left to a passage's context


@dataclass(frozen=True, slots=True)
class IngestedMeeting:
    """What became of one file that could be read."""

    source: str
    document: str
    path: Path
    municipality: str | None
    committee: str | None
    held_on: date | None
    date_text: str  # ISO; "2023" or "2023-2024" when only the years are known; "" when nothing is
    items: int
    closed: int
    passages: int
    status: str  # new, unchanged, replaced
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedFile:
    name: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one run did."""

    meetings: tuple[IngestedMeeting, ...]
    failed: tuple[FailedFile, ...]
    removed: tuple[str, ...]  # sources that the index held before and no longer holds
    generation: str | None  # the one that answers now; None if nothing could be read and nothing was there
    built: bool  # False when nothing had changed
    documents: int  # that the index holds now
    passages: int
    passages_embedded: int
    seconds: float
    embedding_seconds: float
    reembedded_from: str | None = None  # the embedder that had built the index, where it was another one
    repaired: str | None = None  # what was wrong with the index that had to be built again

    @property
    def rate(self) -> float:
        """Passages embedded a second, 0 if there were none."""
        return self.passages_embedded / self.embedding_seconds if self.passages_embedded else 0.0


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What an ingest would do with one file, or with a document that no file stands for any more."""

    name: str  # as the index knows it, or would
    path: Path
    status: str  # new, unchanged, replaced, removed, unreadable
    notes: tuple[str, ...] = ()  # why it can't be read, or what else is to be said


@dataclass(frozen=True, slots=True)
class _Taken:
    """A document that the paths hold and that can be read."""

    id: str
    source: str
    path: Path
    status: str
    replaces: tuple[str, ...]  # documents of the index that it takes the place of
    warnings: tuple[str, ...]


def ingest(
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    only: bool = False,
    progress: Progress = silent,
    embedder: Embedder | None = None,
) -> IngestReport:
    """Bring files into the index.

    A document is known by its content: the same file is not read twice, and a file that changed
    replaces what it said before. Of a file that can't be read any more the last version stays.

    Args:
        paths: files, folders (searched for text and Markdown, without hidden files and README) and globs.
        only: the index shall hold what is under the paths and nothing else.
        embedder: the one to use instead of the one set.

    Raises:
        PathMissing: if a path does not exist.
        NothingToIngest: if there is no file under the paths.
        IndexBusy, IndexNotWritable, RecordUnreadable, EmbedderUnavailable, BadSetting.
    """
    started = time.perf_counter()
    found, unsearched = find(paths)
    if not found and not unsearched:
        raise NothingToIngest(paths)
    folder = settings.index_folder
    with writing(folder), Record.create(folder) as record:
        embedder = embedder or open_embedder(settings.embedder, settings.threads)
        remove_orphans(folder)
        base = last_generation(folder, record)
        before = record.documents_of(base) if base else []
        max_bytes = int(settings.max_file_mb * 1e6)
        keep = _keeper(record, embedder, max_bytes)
        taken, unread = _plan(found, record.stored(), before, only, max_bytes, keep, progress)
        documents = _membership(before, taken, unread, only, record.stored())
        documents, uncut = _cut(documents, record, embedder)
        other, damage = _state(folder, embedder, base, unchanged=set(documents) == set(before))
        build = bool(documents) and (set(documents) != set(before) or other is not None or damage is not None)
        embedding = time.perf_counter()
        embedded = 0
        if build:
            embedded = _embed(documents, record, embedder, progress)
            embedding = time.perf_counter() - embedding
            sources = {d.id: d.source for d in record.stored()}
            base = build_generation(folder, record, documents, embedder, progress).generation
            for meeting in taken:
                for old in meeting.replaces:
                    record.succeed(old, meeting.id)
        replaced = {old for meeting in taken for old in meeting.replaces}
        rows = {row.id: row for row in record.meetings(base)} if base else {}
        report = IngestReport(
            meetings=tuple(_ingested(meeting, rows[meeting.id]) for meeting in taken if meeting.id in rows),
            failed=(*unsearched, *unread, *uncut),
            removed=tuple(sources[d] for d in before if d not in rows and d not in replaced) if build else (),
            generation=base,
            built=build,
            documents=len(rows),
            passages=sum(row.passages for row in rows.values()),
            passages_embedded=embedded,
            seconds=time.perf_counter() - started,
            embedding_seconds=embedding if build else 0.0,
            reembedded_from=other,
            repaired=damage,
        )
        record.note(datetime.now(UTC).isoformat(), _journal(report))
        return report


def plan(
    paths: Sequence[str | Path], settings: Settings, *, only: bool = False, progress: Progress = silent
) -> list[PlannedFile]:
    """What `ingest` would do, without writing anything: not even the index folder is made.

    What is new is read and parsed, to see whether it can be; nothing is embedded and no model opened.

    Raises:
        PathMissing, NothingToIngest: as `ingest`.
        IndexUnreadable: if the record can't be read.
    """
    found, unsearched = find(paths)
    if not found and not unsearched:
        raise NothingToIngest(paths)
    max_bytes = int(settings.max_file_mb * 1e6)
    before: list[str] = []
    stored: list[StoredDocument] = []
    if record := _look(settings.index_folder):
        with record:
            base = last_generation(settings.index_folder, record)
            before, stored = record.documents_of(base) if base else [], record.stored()

    def keep(path: Path, source: str, id: str, known: StoredDocument | None) -> list[str]:
        return list(_load(path, source, id, max_bytes)[0].warnings) if known is None else []

    taken, unread = _plan(found, stored, before, only, max_bytes, keep, progress)
    stays = {*_membership(before, taken, unread, only, stored), *(old for t in taken for old in t.replaces)}
    return [
        *(PlannedFile(t.source, t.path, t.status, t.warnings) for t in taken),
        *(PlannedFile(d.source, Path(d.path), REMOVED) for d in stored if d.id in before and d.id not in stays),
        *(PlannedFile(f.name, f.path, UNREADABLE, (f.reason,)) for f in (*unsearched, *unread)),
    ]


def _look(folder: Path) -> Record | None:
    """The record as it stands, None where there is none.

    Even to read, SQLite makes files beside a database with a write-ahead log. Without an unfinished log
    it can be told that nobody writes, and makes none.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    if file.with_name(f"{FILE}-wal").exists():
        return Record.open(folder)
    address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
    return Record(folder, sqlite3.connect(address, uri=True, isolation_level=None))


def find(paths: Sequence[str | Path]) -> tuple[list[Path], list[FailedFile]]:
    """The files under the paths, each once, in order; and the folders that could not be searched.

    Raises:
        PathMissing: if a path does not exist, or nothing matches a glob.
    """
    found: dict[Path, None] = {}
    failed: list[FailedFile] = []
    for given in paths:
        path = Path(given).expanduser()
        matches = [path]
        if not path.exists():
            matches = [Path(m) for m in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 (absolute too)
            if not matches:
                raise PathMissing(given)
        for match in matches:
            if match.is_dir():
                found.update(dict.fromkeys(_under(match, failed)))
            elif not _is_readme(match.name) and (match is path or match.suffix.lower() in SUFFIXES):
                found[match.resolve()] = None
    return list(found), failed


def _under(folder: Path, failed: list[FailedFile]) -> Iterator[Path]:
    def unsearched(error: OSError) -> None:
        place = Path(error.filename)
        failed.append(FailedFile(place.name, place, error.strerror or str(error)))

    for place, folders, files in os.walk(folder.resolve(), onerror=unsearched):
        fetched = FETCHED in files
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not (fetched and f == ATTACHMENTS))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and not _is_readme(name):
                yield path


def _is_readme(name: str) -> bool:
    return name.upper().startswith("README")


def document_id(sha256: str) -> str:
    """The id of a document by its bytes and the parser that read them. 16 hexadecimal digits."""
    return hashlib.sha256(f"{sha256} {PARSER_VERSION}".encode()).hexdigest()[:16]


Keep = Callable[[Path, str, str, StoredDocument | None], list[str]]  # file, name, id, as stored -> warnings


def _plan(
    found: Sequence[Path],
    documents: Sequence[StoredDocument],
    before: Sequence[str],
    only: bool,
    max_bytes: int,
    keep: Keep,
    progress: Progress,
) -> tuple[list[_Taken], list[FailedFile]]:
    """Decide what becomes of each file. `keep` acts on it, and says by an error that it can't be read.

    Args:
        documents: what the record has.
        before: those of them that the index holds.
    """
    stored = {d.id: d for d in documents}
    paths, failed = _digest(found, max_bytes)
    here = set(found)
    indexed = [stored[d] for d in before if d in stored]
    names = {d.source: d.id for d in indexed if not only or Path(d.path) in here}
    taken: list[_Taken] = []
    for done, (id, sha256) in enumerate(paths, start=1):
        same = paths[id, sha256]
        known = stored.get(id)
        home = _home(known, same, here)
        olds = [d for d in indexed if d.id != id and (d.sha256 == sha256 or Path(d.path) in same)]
        olds = [d for d in olds if (d.id, d.sha256) not in paths]
        warnings = [f"{p} holds the same as {home}; it is one document" for p in same if p != home]
        source = olds[0].source if olds else (known.source if known else home.name)
        if names.get(source, id) not in {id, *(d.id for d in olds)}:
            source = _other_name(home, names)
            warnings.append(f"another document is named {home.name}; this one is called {source}")
        try:
            warnings += keep(home, source, id, known)
        except Unreadable as error:
            failed.append(FailedFile(home.name, home, str(error).removeprefix(f"{home.name}: ")))
            continue
        except OSError as error:
            failed.append(FailedFile(home.name, home, error.strerror or str(error)))
            continue
        names[source] = id
        status = REPLACED if olds else UNCHANGED if id in before else NEW
        taken.append(_Taken(id, source, home, status, tuple(d.id for d in olds), tuple(warnings)))
        progress("read", done, len(paths))
    return taken, failed


def _digest(found: Sequence[Path], max_bytes: int) -> tuple[dict[tuple[str, str], list[Path]], list[FailedFile]]:
    """The files by document: (id, sha256) -> where it stands."""
    paths: dict[tuple[str, str], list[Path]] = {}
    failed = []
    for path in found:
        try:
            if path.stat().st_size > max_bytes:
                raise TooLarge(path.name, path.stat().st_size, max_bytes)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except TooLarge as error:
            failed.append(FailedFile(path.name, path, str(error).removeprefix(f"{path.name}: ")))
        except OSError as error:
            failed.append(FailedFile(path.name, path, error.strerror or str(error)))
        else:
            paths.setdefault((document_id(sha256), sha256), []).append(path)
    return paths, failed


def _home(known: StoredDocument | None, same: Sequence[Path], here: AbstractSet[Path]) -> Path:
    """Which of its files a document is known by: the one it was, as long as that is there."""
    if known:
        path = Path(known.path)
        if path in same or (path not in here and path.is_file()):
            return path
    return same[0]


def _other_name(path: Path, names: Mapping[str, str]) -> str:
    name = f"{path.parent.name}_{path.name}"
    n = 2
    while name in names:
        name = f"{path.parent.name}_{path.stem}_{n}{path.suffix}"
        n += 1
    return name


def _keeper(record: Record, embedder: Embedder, max_bytes: int) -> Keep:
    """Bring the files' documents into the record, where they aren't there yet."""

    def keep(path: Path, source: str, id: str, known: StoredDocument | None) -> list[str]:
        if known is None or known.source != source:
            return _store(path, source, id, record, embedder, max_bytes)
        if Path(known.path) != path:
            record.moved(id, path)
        return []

    return keep


def _load(path: Path, source: str, id: str, max_bytes: int) -> tuple[Minutes, str]:
    """Load and parse a file: (minutes, sha256 of its bytes).

    Raises:
        Unreadable, OSError: also where the parser fails in a way nobody thought of, so that the rest goes on.
    """
    with _explained(path):
        loaded = replace(load(path, max_bytes), name=source)
        return replace(parse(loaded), id=id), loaded.sha256


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (AskamuError, OSError):
        raise
    except Exception as error:
        raise Unreadable(
            f"{path.name}: could not be parsed ({type(error).__name__}: {error}). Please report it."
        ) from error


def _store(path: Path, source: str, id: str, record: Record, embedder: Embedder, max_bytes: int) -> list[str]:
    """Load, parse and chunk a file, and keep the result. Returns warnings.

    Raises:
        Unreadable, OSError: as `_load`.
    """
    minutes, sha256 = _load(path, source, id, max_bytes)
    with _explained(path):
        passages = _chunk(minutes, embedder)
    record.store(minutes, path, sha256, PARSER_VERSION)
    record.store_passages(id, embedder.model_id, passages)
    warnings = list(minutes.warnings)
    long = sum(embedder.count_tokens(p.indexed_text) > embedder.max_tokens for p in passages)
    if long:
        warnings.append(f"{long} passages are longer than the {embedder.max_tokens} tokens that {embedder.name} reads")
    return warnings


def _chunk(minutes: Minutes, embedder: Embedder) -> list[Passage]:
    return chunk(minutes, embedder.count_tokens, min(CHUNK_TOKENS, int(embedder.max_tokens * (1 - CONTEXT_SHARE))))


def _membership(
    before: Sequence[str],
    taken: Sequence[_Taken],
    unread: Sequence[FailedFile],
    only: bool,
    stored: Sequence[StoredDocument],
) -> list[str]:
    """The documents that the index shall hold."""
    failed = {f.path for f in unread}
    replaced = {old for meeting in taken for old in meeting.replaces}
    stays = {d.id for d in stored if not only or Path(d.path) in failed}
    kept = [d for d in before if d in stays and d not in replaced]
    return sorted({*kept, *(meeting.id for meeting in taken)})


def _cut(documents: Sequence[str], record: Record, embedder: Embedder) -> tuple[list[str], list[FailedFile]]:
    """Cut those documents that aren't yet for this embedder; leave out, with a word, what can't be."""
    cut: list[str] = []
    failed: list[FailedFile] = []
    for id in documents:
        if not record.is_cut(id, embedder.model_id):
            minutes = record.document(id)
            try:
                passages = _chunk(minutes, embedder)
            except Exception as error:
                reason = f"could not be cut into passages ({type(error).__name__}: {error}). Please report it."
                failed.append(FailedFile(minutes.source, Path(minutes.source), reason))
                continue
            record.store_passages(id, embedder.model_id, passages)
        cut.append(id)
    return cut, failed


def _state(folder: Path, embedder: Embedder, base: str | None, unchanged: bool) -> tuple[str | None, str | None]:
    """(the embedder that built the index, if it is another one; what is wrong with the index, if anything is).

    The index is only opened to see whether it is whole when nothing else would make us build a new one.
    """
    try:
        current = current_id(folder)
        if current is None:
            return None, f"{folder / CURRENT} is missing" if base else None
        manifest = read_manifest(folder, current)
        if manifest.model_id != embedder.model_id:
            return manifest.model_id, None
        if unchanged:
            open_current(folder).close()
    except IndexUnreadable as error:
        return None, str(error)
    return None, None


def _embed(documents: Sequence[str], record: Record, embedder: Embedder, progress: Progress) -> int:
    texts = [p.indexed_text for d in documents for p in record.passages(d, embedder.model_id)]
    return embed_cached(texts, embedder, record, progress).computed


def _ingested(meeting: _Taken, row: MeetingRow) -> IngestedMeeting:
    return IngestedMeeting(
        source=row.source,
        document=row.id,
        path=meeting.path,
        municipality=row.municipality,
        committee=row.committee,
        held_on=row.held_on,
        date_text=date_text(row),
        items=row.items,
        closed=row.closed,
        passages=row.passages,
        status=meeting.status,
        warnings=meeting.warnings,
    )


def date_text(row: MeetingRow) -> str:
    """What is known of a meeting's date: ISO, or the years it lies between ("2023", "2023-2024", "-2024"), or ""."""
    if row.held_on:
        return row.held_on.isoformat()
    first, last = (str(day.year) if day else "" for day in (row.earliest, row.latest))
    return first if first == last else f"{first}-{last}"


def _journal(report: IngestReport) -> Iterator[tuple[str, str, str]]:
    for meeting in report.meetings:
        if meeting.status != UNCHANGED:
            yield meeting.source, meeting.status, "; ".join(meeting.warnings)
    for source in report.removed:
        yield source, REMOVED, ""
    for failure in report.failed:
        yield failure.name, FAILED, failure.reason
