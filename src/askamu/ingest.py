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
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from askamu import vocabulary
from askamu.chunk import CHUNK_TOKENS, chunk
from askamu.config import Settings
from askamu.embed import BEST, NONE, Embedder, Progress, is_lesser, open_embedder, options_of, silent
from askamu.errors import (
    AskamuError,
    CutFailed,
    DateForSeveral,
    EmbedderUnavailable,
    ForeignJson,
    IndexUnreadable,
    NoItems,
    NothingToIngest,
    NotOpened,
    ParserFailed,
    PathMissing,
    TooLarge,
    Unreadable,
)
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
from askamu.load import SUFFIXES, load, regular_size
from askamu.loaders import attachments
from askamu.minutes import Minutes
from askamu.parse import PARSER_VERSION, parse
from askamu.passage import Passage
from askamu.record import FILE, MeetingRow, Record, StoredDocument
from askamu.sidecar import NOTHING, Overrides, corrected
from askamu.sidecar import SUFFIX as SIDECAR
from askamu.sidecar import fingerprint as sidecar_fingerprint
from askamu.texts import text
from askamu.vectors import Embedding

NEW, UNCHANGED, REPLACED, REMOVED, FAILED = "new", "unchanged", "replaced", "removed", "failed"
SKIPPED = "skipped"  # found in a folder and no minutes, or an agenda whose minutes are there
UNREADABLE = "unreadable"  # as a plan calls what a run reports as failed
FETCHED = ".askamu-fetch.json"  # as fetch.py names it
WEB_PAGES = (".html", ".htm")
AGENDA = "dagsorden"
MINUTES = ("referat", "åbent referat", "godkendt referat", "protokol", "beslutningsprotokol")
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
    embedding_seconds: float  # that the embedder worked, beside the reading
    reembedded_from: str | None = None  # the embedder that had built the index, where it was another one
    repaired: str | None = None  # what was wrong with the index that had to be built again
    skipped: tuple[FailedFile, ...] = ()  # found in a folder, and no minutes: another program's JSON or page
    left_out: tuple[FailedFile, ...] = ()  # agendas of meetings whose minutes the index holds

    @property
    def rate(self) -> float:
        """Passages embedded a second, 0 if there were none."""
        return self.passages_embedded / self.embedding_seconds if self.passages_embedded else 0.0


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What an ingest would do with one file, or with a document that no file stands for any more."""

    name: str  # as the index knows it, or would
    path: Path
    status: str  # new, unchanged, replaced, removed, skipped, unreadable
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


@dataclass(frozen=True, slots=True)
class _File:
    """A document as it stands in the paths."""

    id: str
    sha256: str
    paths: tuple[Path, ...]  # where it stands, the copy whose sidecar counts first


@dataclass(frozen=True, slots=True)
class _Run:
    """What holds for all files of one run."""

    found: tuple[Path, ...]
    walked: frozenset[Path]  # those that nobody named: found in a folder
    max_bytes: int
    language: str
    overrides: Overrides
    only: bool


@dataclass(frozen=True, slots=True)
class _Sorted:
    """What a look at each file came to."""

    taken: list[_Taken]
    unread: list[FailedFile]
    skipped: list[FailedFile]


def ingest(
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    only: bool = False,
    progress: Progress = silent,
    embedder: Embedder | None = None,
    overrides: Overrides = NOTHING,
) -> IngestReport:
    """Bring files into the index.

    A document is known by its content: the same file is not read twice, and a file that changed
    replaces what it said before. Of a file that can't be read any more the last version stays.
    What a sidecar and `overrides` give about its meeting belongs to the content, and so does an operator's
    own vocabulary. An agenda is left out where the index holds the minutes of its meeting.

    Args:
        paths: files, folders (searched for text and Markdown, without hidden files and README) and globs.
        only: the index shall hold what is under the paths and nothing else.
        embedder: the one to use instead of the one set.
        overrides: what is given about the meetings of all files; a date only for one file.

    Raises:
        PathMissing: if a path does not exist.
        NothingToIngest: if there are no minutes under the paths.
        DateForSeveral: if a date is given and there are several files.
        IndexBusy, IndexNotWritable, RecordUnreadable, EmbedderUnavailable, BadSetting.
    """
    started = time.perf_counter()
    run, unsearched = _begin(paths, settings, only, overrides)
    folder = settings.index_folder
    with writing(folder), Record.create(folder) as record:
        remove_orphans(folder)
        base = last_generation(folder, record)
        embedder = embedder or choose_embedder(settings)
        before = record.documents_of(base) if base else []
        with Embedding(embedder, record, progress) as embedding:
            looked = _plan(run, record.stored(), before, _keeper(record, embedder, embedding, run), progress)
            taken, unread = looked.taken, looked.unread
            if looked.skipped and not (taken or unread or unsearched):
                raise NothingToIngest(paths)
            stored = {d.id: d for d in record.stored()}
            documents = _membership(before, taken, unread, only, stored)
            superseded = _superseded(documents, stored)
            documents = [d for d in documents if d not in superseded]
            documents, uncut = _cut(documents, record, embedder, run.language)
            taken = _with_doubles(taken, documents, stored, run.language)
            other, damage = _state(folder, embedder, base, unchanged=set(documents) == set(before))
            build = bool(documents) and (set(documents) != set(before) or other is not None or damage is not None)
            if build:
                sources = {d.id: d.source for d in record.stored()}
                base = build_generation(folder, record, documents, embedder, progress, embedding).generation
                for meeting in taken:
                    for old in meeting.replaces:
                        record.succeed(old, meeting.id)
                for agenda, its_minutes in superseded.items():
                    record.succeed(agenda, its_minutes)
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
            passages_embedded=embedding.computed,
            seconds=time.perf_counter() - started,
            embedding_seconds=embedding.seconds,
            reembedded_from=other,
            repaired=damage,
            skipped=tuple(looked.skipped),
            left_out=tuple(_left_out(superseded, stored, run.language)),
        )
        record.note(datetime.now(UTC).isoformat(), _journal(report))
        return report


def choose_embedder(settings: Settings) -> Embedder:
    """The embedder to ingest with.

    Raises:
        EmbedderUnavailable: also where the setting leaves the choice and only a lesser engine runs than the index was
            built with, or where its adapter can't be used: a fault in the installation shall not rebuild a whole index.
    """
    embedder = open_embedder(
        settings.embedder,
        settings.threads,
        language=settings.lang,
        adapter=settings.adapter,
        options=options_of(settings),
    )
    folder = settings.index_folder
    try:
        manifest = read_manifest(folder, current_id(folder) or "")
    except IndexUnreadable:
        return embedder
    if settings.embedder == BEST and is_lesser(embedder.name, manifest.embedder):
        raise EmbedderUnavailable(text("embed.lesser", settings.lang, built_by=manifest.embedder, name=embedder.name))
    if settings.adapter != NONE and manifest.model_id.startswith(f"{embedder.model_id}+"):
        raise EmbedderUnavailable(text("embed.adapter_lost", settings.lang))
    return embedder


def plan(
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    only: bool = False,
    progress: Progress = silent,
    overrides: Overrides = NOTHING,
) -> list[PlannedFile]:
    """What `ingest` would do, without writing anything: not even the index folder is made.

    What is new is read and parsed, to see whether it can be; nothing is embedded and no model opened.

    Raises:
        PathMissing, NothingToIngest, DateForSeveral, BadSetting: as `ingest`.
        IndexUnreadable: if the record can't be read.
    """
    run, unsearched = _begin(paths, settings, only, overrides)
    before: list[str] = []
    stored: list[StoredDocument] = []
    if record := _look(settings.index_folder):
        with record:
            base = last_generation(settings.index_folder, record)
            before, stored = record.documents_of(base) if base else [], record.stored()

    meetings = {d.id: d for d in stored}

    def keep(file: _File, home: Path, source: str, known: StoredDocument | None) -> list[str]:
        if known is not None:
            return []
        minutes = _load(file, source, run)[0]
        meetings[file.id] = StoredDocument(
            file.id, source, str(home), file.sha256, PARSER_VERSION,
            minutes.municipality, minutes.committee, minutes.kind, minutes.held_on,
        )  # fmt: skip
        return list(minutes.warnings)

    looked = _plan(run, stored, before, keep, progress)
    documents = _membership(before, looked.taken, looked.unread, only, meetings)
    superseded = _superseded(documents, meetings)
    taken = _with_doubles(looked.taken, [d for d in documents if d not in superseded], meetings, run.language)
    left_out = dict(zip(superseded, _left_out(superseded, meetings, run.language), strict=True))
    stays = {*documents, *(old for t in taken for old in t.replaces)} - superseded.keys()
    planned = [PlannedFile(t.source, t.path, t.status, t.warnings) for t in taken if t.id not in superseded]
    planned += [
        PlannedFile(d.source, Path(d.path), REMOVED, (left_out[d.id].reason,) if d.id in left_out else ())
        for d in stored
        if d.id in before and d.id not in stays
    ]
    planned += [PlannedFile(f.name, f.path, SKIPPED, (f.reason,)) for id, f in left_out.items() if id not in before]
    planned += [PlannedFile(f.name, f.path, SKIPPED, (f.reason,)) for f in looked.skipped]
    return planned + [PlannedFile(f.name, f.path, UNREADABLE, (f.reason,)) for f in (*unsearched, *looked.unread)]


def _begin(
    paths: Sequence[str | Path], settings: Settings, only: bool, overrides: Overrides
) -> tuple[_Run, list[FailedFile]]:
    """What a run goes by, and the folders that could not be searched."""
    vocabulary.use(settings.vocabulary)
    found, unsearched = _find(paths, settings.lang)
    if not found and not unsearched:
        raise NothingToIngest(paths)
    if overrides.date is not None and len(found) > 1:
        raise DateForSeveral(len(found))
    max_bytes = int(settings.max_file_mb * 1e6)
    walked = frozenset(path for path, named in found.items() if not named)
    return _Run(tuple(found), walked, max_bytes, settings.lang, overrides, only), unsearched


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
    found, failed = _find(paths, "da")
    return list(found), failed


def _find(paths: Sequence[str | Path], language: str) -> tuple[dict[Path, bool], list[FailedFile]]:
    """The files under the paths with whether they were named, by themselves or by a glob; see `find`."""
    found: dict[Path, bool] = {}
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
                for file in _under(match, failed, language):
                    found.setdefault(file, False)
            elif not _is_other(match.name) and (match is path or match.suffix.lower() in SUFFIXES):
                found[match.resolve()] = True
    return found, failed


def _under(folder: Path, failed: list[FailedFile], language: str) -> Iterator[Path]:
    def unsearched(error: OSError) -> None:
        place = Path(error.filename)
        failed.append(_failed(place.name, place, error, language))

    for place, folders, files in os.walk(folder.resolve(), onerror=unsearched):
        fetched = FETCHED in files
        if attachments.holds_attachments(Path(place)):
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not (fetched and f == attachments.FOLDER))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and not _is_other(name):
                yield path


def _is_other(name: str) -> bool:
    """Whether a file is about the minutes, or a sidecar, and no minutes."""
    return name.upper().startswith("README") or name.lower().endswith(SIDECAR)


def _failed(name: str, path: Path, error: AskamuError | OSError, language: str) -> FailedFile:
    """A file and why it can't be read, without its name in front."""
    explained = error if isinstance(error, AskamuError) else NotOpened(name, error)
    return FailedFile(name, path, explained.say(language).removeprefix(f"{name}: "))


def document_id(sha256: str, *given: str) -> str:
    """The id of a document by its bytes, the parser that read them and what was given beside. 16 hexadecimal digits.

    Args:
        given: the words of an operator's vocabulary, what lies beside the document, a run's overrides; "" where none.
    """
    read_by = " ".join((sha256, PARSER_VERSION, *given)).rstrip()
    return hashlib.sha256(read_by.encode()).hexdigest()[:16]


Keep = Callable[[_File, Path, str, StoredDocument | None], list[str]]  # file, home, name, as stored -> warnings


def _plan(
    run: _Run, documents: Sequence[StoredDocument], before: Sequence[str], keep: Keep, progress: Progress
) -> _Sorted:
    """Decide what becomes of each file. `keep` acts on it, and says by an error that it can't be read.

    Args:
        documents: what the record has.
        before: those of them that the index holds.
    """
    stored = {d.id: d for d in documents}
    files, failed = _digest(run)
    ids = {f.id for f in files}
    here = set(run.found)
    indexed = [stored[d] for d in before if d in stored]
    names = {d.source: d.id for d in indexed if not run.only or Path(d.path) in here}
    looked = _Sorted([], failed, [])
    for done, file in enumerate(files, start=1):
        known = stored.get(file.id)
        home = _home(known, file.paths, here)
        olds = [d for d in indexed if d.id not in ids and (d.sha256 == file.sha256 or Path(d.path) in file.paths)]
        warnings = [text("ingest.copy", run.language, copy=p, file=home) for p in file.paths if p != home]
        source = olds[0].source if olds else (known.source if known else home.name)
        if names.get(source, file.id) not in {file.id, *(d.id for d in olds)}:
            source = _other_name(home, names)
            warnings.append(text("ingest.renamed", run.language, name=home.name, source=source))
        try:
            warnings += keep(file, home, source, known)
        except (Unreadable, OSError) as error:
            foreign = isinstance(error, ForeignJson) or (
                isinstance(error, NoItems) and home.suffix.lower() in WEB_PAGES
            )
            quiet = foreign and not olds and run.walked.issuperset(file.paths)
            (looked.skipped if quiet else failed).append(_failed(home.name, home, error, run.language))
            continue
        names[source] = file.id
        status = REPLACED if olds else UNCHANGED if file.id in before else NEW
        looked.taken.append(_Taken(file.id, source, home, status, tuple(d.id for d in olds), tuple(warnings)))
        progress("read", done, len(files))
    return looked


def _digest(run: _Run) -> tuple[list[_File], list[FailedFile]]:
    """The documents that the files hold. Copies are one document, unless what lies beside them differs."""
    copies: dict[str, dict[str, list[Path]]] = {}  # bytes -> what lies beside -> files
    failed = []
    for path in run.found:
        try:
            size = regular_size(path)
            if size > run.max_bytes:
                raise TooLarge(path.name, size, run.max_bytes)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (Unreadable, OSError) as error:
            failed.append(_failed(path.name, path, error, run.language))
        else:
            copies.setdefault(sha256, {}).setdefault(_beside(path), []).append(path)
    overrides = repr(run.overrides) if run.overrides != NOTHING else ""
    files = []
    for sha256, by_beside in copies.items():
        bare = by_beside.pop("", [])
        for beside, paths in by_beside.items() or (("", []),):
            id = document_id(sha256, vocabulary.fingerprint(), beside, overrides)
            files.append(_File(id, sha256, (*paths, *bare)))
            bare = []
    return files, failed


def _beside(path: Path) -> str:
    """What tells a file's sidecar and attachments from others; "" where it has none."""
    return f"{sidecar_fingerprint(path)} {attachments.fingerprint(path)}".strip()


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


def _keeper(record: Record, embedder: Embedder, embedding: Embedding, run: _Run) -> Keep:
    """Bring the files' documents into the record, where they aren't there yet, and start embedding them."""

    def keep(file: _File, home: Path, source: str, known: StoredDocument | None) -> list[str]:
        if known is None or known.source != source:
            return _store(file, home, source, record, embedder, embedding, run)
        if Path(known.path) != home:
            record.moved(file.id, home)
        return []

    return keep


def _load(file: _File, source: str, run: _Run) -> tuple[Minutes, str]:
    """Load and parse a file, and correct what is known of its meeting: (minutes, sha256 of its bytes).

    Raises:
        Unreadable, OSError: also where the parser fails in a way nobody thought of, so that the rest goes on.
    """
    path = file.paths[0]
    with _explained(path):
        loaded = replace(load(path, run.max_bytes), name=source)
        minutes = corrected(parse(loaded, run.language), path, run.overrides, run.language)
        return replace(minutes, id=file.id), loaded.sha256


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (AskamuError, OSError):
        raise
    except Exception as error:
        raise ParserFailed(path.name, error) from error


def _store(
    file: _File, home: Path, source: str, record: Record, embedder: Embedder, embedding: Embedding, run: _Run
) -> list[str]:
    """Load, parse and chunk a file, and keep the result. Returns warnings.

    Raises:
        Unreadable, OSError: as `_load`.
    """
    minutes, sha256 = _load(file, source, run)
    with _explained(home):
        passages = _chunk(minutes, embedder)
    record.store(minutes, home, sha256, PARSER_VERSION)
    record.store_passages(file.id, embedder.model_id, passages)
    if minutes.kind != AGENDA:  # which is left out where the minutes come
        embedding.add([p.indexed_text for p in passages])
    warnings = list(minutes.warnings)
    long = sum(embedder.count_tokens(p.indexed_text) > embedder.max_tokens for p in passages)
    if long:
        said = text("ingest.long_passages", run.language, count=long, limit=embedder.max_tokens, embedder=embedder.name)
        warnings.append(said)
    return warnings


def _chunk(minutes: Minutes, embedder: Embedder) -> list[Passage]:
    return chunk(minutes, embedder.count_tokens, min(CHUNK_TOKENS, int(embedder.max_tokens * (1 - CONTEXT_SHARE))))


def _membership(
    before: Sequence[str],
    taken: Sequence[_Taken],
    unread: Sequence[FailedFile],
    only: bool,
    stored: Mapping[str, StoredDocument],
) -> list[str]:
    """The documents that the index shall hold."""
    failed = {f.path for f in unread}
    replaced = {old for meeting in taken for old in meeting.replaces}
    stays = {d.id for d in stored.values() if not only or Path(d.path) in failed}
    kept = [d for d in before if d in stays and d not in replaced]
    return sorted({*kept, *(meeting.id for meeting in taken)})


def _by_meeting(documents: Iterable[str], stored: Mapping[str, StoredDocument]) -> list[list[StoredDocument]]:
    """The documents whose meeting is known to the day, those of one meeting together."""
    meetings: dict[tuple[str, str, date], list[StoredDocument]] = defaultdict(list)
    for d in (stored[id] for id in documents if id in stored):
        if d.municipality and d.committee and d.held_on:
            meetings[d.municipality, d.committee, d.held_on].append(d)
    return list(meetings.values())


def _superseded(documents: Iterable[str], stored: Mapping[str, StoredDocument]) -> dict[str, str]:
    """The agendas of meetings whose minutes are among the documents: agenda -> minutes."""
    found: dict[str, str] = {}
    for same in _by_meeting(documents, stored):
        minutes = next((d.id for d in same if d.kind in MINUTES), None)
        if minutes:
            found.update((d.id, minutes) for d in same if d.kind == AGENDA)
    return found


def _left_out(
    superseded: Mapping[str, str], stored: Mapping[str, StoredDocument], language: str
) -> Iterator[FailedFile]:
    for agenda, minutes in superseded.items():
        reason = text("ingest.agenda_left_out", language, minutes=stored[minutes].source)
        yield FailedFile(stored[agenda].source, Path(stored[agenda].path), reason)


def _with_doubles(
    taken: Sequence[_Taken], documents: Iterable[str], stored: Mapping[str, StoredDocument], language: str
) -> list[_Taken]:
    """Warn where the index holds the minutes of one meeting twice."""
    others: dict[str, str] = {}
    for same in _by_meeting(documents, stored):
        minutes = [d for d in same if d.kind in MINUTES]
        for d in minutes if len(minutes) > 1 else ():
            others[d.id] = ", ".join(o.source for o in minutes if o is not d)
    return [
        replace(t, warnings=(*t.warnings, text("ingest.same_meeting", language, others=others[t.id])))
        if t.id in others
        else t
        for t in taken
    ]


def _cut(
    documents: Sequence[str], record: Record, embedder: Embedder, language: str
) -> tuple[list[str], list[FailedFile]]:
    """Cut those documents that aren't yet for this embedder; leave out, with a word, what can't be."""
    cut: list[str] = []
    failed: list[FailedFile] = []
    for id in documents:
        if not record.is_cut(id, embedder.model_id):
            minutes = record.document(id)
            try:
                passages = _chunk(minutes, embedder)
            except Exception as error:
                told = CutFailed(minutes.source, error)
                failed.append(_failed(minutes.source, Path(minutes.source), told, language))
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
