"""The system of record, index/record.sqlite: documents, items, passages, vectors, what was ingested.

Everything else in the index folder is derived from it and can be built again. A generation is one
built index; the record remembers which documents it holds, and keeps each document as long as a
generation that is still there holds it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from askamu.embed import Vectors, cache_key
from askamu.errors import IndexMissing, IndexUnreadable, RecordUnreadable
from askamu.minutes import Minutes, SectionKind
from askamu.minutes_json import minutes_from_json, minutes_to_json
from askamu.passage import Passage

FILE = "record.sqlite"
VERSION = 1
BUSY_SECONDS = 10.0
VARIABLES = 500  # values in one "in (…)"

SCHEMA = """
create table documents (
    id text primary key,             -- hash of the original bytes, the parser's version and what was given beside
    source text not null,            -- file name as ingested, unique among documents of one generation
    path text not null,              -- where the file was
    sha256 text not null,            -- of the original bytes
    parser_version text not null,
    text text not null,              -- what offsets count in
    minutes blob not null,           -- JSON of everything parsed out of the text, zlib
    municipality text,
    committee text,
    held_on text,                    -- ISO; null when the document does not say
    earliest text,
    latest text,
    kind text not null,
    items integer not null,
    closed integer not null,
    ingested_at text not null
) strict;
create index documents_by_path on documents (path);
create index documents_by_sha256 on documents (sha256);

create table items (
    document text not null references documents (id) on delete cascade,
    item_index integer not null,     -- position in Minutes.items
    number text,
    title text not null,
    case_number text,                -- as printed
    case_key text,                   -- lower case, no white space
    closed integer not null,
    outcomes text not null,          -- JSON list, [] without a decision
    final integer,                   -- null without a decision
    primary key (document, item_index)
) strict, without rowid;
create index items_by_case on items (case_key) where case_key is not null;

-- The same document is cut differently for the tokenizers of two embedders: `cut` names which.
create table passages (
    document text not null references documents (id) on delete cascade,
    cut text not null,
    ordinal integer not null,
    id text not null,
    item text not null,
    item_index integer not null,
    section text not null,
    heading text not null,
    "start" integer not null,
    "end" integer not null,
    context text not null,
    primary key (document, cut, ordinal)
) strict, without rowid;
create index passages_by_id on passages (id);

create table generations (
    generation text not null,
    document text not null references documents (id),
    cut text not null,
    primary key (generation, document)
) strict, without rowid;
create index generations_by_document on generations (document);

create table embeddings (
    model_id text not null,
    key text not null,               -- sha256 of (model_id, "passage", text)
    vector blob not null,            -- float32
    primary key (model_id, key)
) strict, without rowid;

create table successors (            -- corrected minutes: what an old link leads to
    old text primary key,
    new text not null,
    at text not null
) strict;

create table journal (
    run text not null,
    at text not null,
    source text not null,
    status text not null,            -- new, unchanged, replaced, failed, removed
    reason text not null
) strict;
"""


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """One line of a listing."""

    id: str
    source: str
    path: str
    municipality: str | None
    committee: str | None
    held_on: date | None
    earliest: date | None
    latest: date | None
    kind: str
    items: int
    closed: int
    passages: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of the agendas, as far as a list tells of it."""

    document: str
    index: int  # in Minutes.items
    number: str | None
    title: str
    closed: bool


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of the record, without what is in it."""

    id: str
    source: str
    path: str
    sha256: str
    parser_version: str
    municipality: str | None
    committee: str | None
    kind: str
    held_on: date | None


@dataclass(frozen=True, slots=True)
class JournalLine:
    run: str
    at: str
    source: str
    status: str
    reason: str


class Record:
    """The database of one index folder. Safe to use from several threads.

    One connection behind a lock: each read takes well under a millisecond.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = connection
        self._lock = threading.RLock()

    @classmethod
    def create(cls, folder: Path) -> Record:
        """Open for reading and writing, and make what is not there.

        Raises:
            RecordUnreadable: if the file is no record, or a newer askamu's.
        """
        folder.mkdir(parents=True, exist_ok=True)
        try:
            db = sqlite3.connect(folder / FILE, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute("pragma foreign_keys = on")
            with _transaction(db):
                if _version(db) == 0:
                    for statement in _statements(SCHEMA):
                        db.execute(statement)
                    db.execute(f"pragma user_version = {VERSION}")
        except sqlite3.DatabaseError as error:
            raise RecordUnreadable(folder, str(error)) from error
        return cls(folder, _checked(folder, db))

    @classmethod
    def open(cls, folder: Path) -> Record:
        """Open for reading. Works in a folder that can't be written to.

        Raises:
            IndexMissing: if there is no record in the folder.
            RecordUnreadable: if the file is no record, or a newer askamu's.
        """
        file = folder / FILE
        if not file.is_file():
            raise IndexMissing(folder)
        address = f"file:{quote(str(file.resolve()))}?mode=ro"
        log = file.with_name(f"{FILE}-wal")
        try:
            db = _connect_readonly(address)
        except sqlite3.DatabaseError as error:
            # A write-ahead log needs a writable folder. Without an unfinished one the file can be read by itself.
            if log.is_file() and log.stat().st_size > 0:
                raise RecordUnreadable(folder, str(error)) from error
            try:
                db = _connect_readonly(f"{address}&immutable=1")
            except sqlite3.DatabaseError as again:
                raise RecordUnreadable(folder, str(again)) from again
        return cls(folder, _checked(folder, db))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- documents ---------------------------------------------------------------------------

    def store(self, minutes: Minutes, path: Path, sha256: str, parser_version: str) -> None:
        """Keep a parsed document; one with the same id is replaced, and its passages dropped."""
        when = minutes.date
        row = (
            minutes.id,
            minutes.source,
            str(path),
            sha256,
            parser_version,
            minutes.text,
            zlib.compress(minutes_to_json(minutes).encode()),
            minutes.municipality,
            minutes.committee,
            _iso(when.held_on),
            _iso(when.earliest),
            _iso(when.latest),
            minutes.kind,
            len(minutes.items),
            sum(i.closed for i in minutes.items),
            _now(),
        )
        columns = (
            "id, source, path, sha256, parser_version, text, minutes, municipality, committee, "
            "held_on, earliest, latest, kind, items, closed, ingested_at"
        )
        updates = ", ".join(f"{c} = excluded.{c}" for c in columns.split(", ")[1:])
        items = [
            (
                minutes.id,
                index,
                item.number,
                item.title,
                item.case_number,
                case_key(item.case_number) if item.case_number else None,
                item.closed,
                json.dumps(item.decision.outcomes if item.decision else ()),
                item.decision.final if item.decision else None,
            )
            for index, item in enumerate(minutes.items)
        ]
        with self._writing() as db:
            db.execute(
                f"insert into documents ({columns}) values ({','.join('?' * len(row))}) "
                f"on conflict (id) do update set {updates}",
                row,
            )
            db.execute("delete from items where document = ?", (minutes.id,))
            db.execute("delete from passages where document = ?", (minutes.id,))
            db.executemany("insert into items values (?, ?, ?, ?, ?, ?, ?, ?, ?)", items)

    def document(self, id: str) -> Minutes:
        """The minutes as they were parsed.

        Raises:
            KeyError: if no such document is stored.
            IndexUnreadable: if it was stored by another version of askamu, or is damaged.
        """
        rows = self._all("select minutes, text from documents where id = ?", (id,))
        if not rows:
            raise KeyError(id)
        packed, text = rows[0]
        try:
            return minutes_from_json(zlib.decompress(packed).decode(), text)
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise IndexUnreadable(self.folder, f"{id}: stored by another version of askamu, or damaged") from error

    def stored(self) -> list[StoredDocument]:
        """Every document there is, also those that no generation holds yet."""
        columns = "id, source, path, sha256, parser_version, municipality, committee, kind, held_on"
        rows = self._all(f"select {columns} from documents order by id")
        return [StoredDocument(*row) for row in ((*rest, _date(day)) for *rest, day in rows)]

    def moved(self, id: str, path: Path) -> None:
        """The file of a document stands elsewhere now."""
        with self._writing() as db:
            db.execute("update documents set path = ? where id = ?", (str(path), id))

    def succeed(self, old: str, new: str) -> None:
        """Remember that a document was replaced by another."""
        with self._writing() as db:
            db.execute("delete from successors where old = ?", (new,))  # what was undone leads nowhere
            db.execute("insert or replace into successors values (?, ?, ?)", (old, new, _now()))

    def successor(self, id: str) -> str | None:
        """The document that an old link leads to, through all corrections since; None if it wasn't replaced."""
        seen = {id}
        while rows := self._all("select new from successors where old = ?", (id,)):
            id = rows[0][0]
            if id in seen:
                return None
            seen.add(id)
        return id if len(seen) > 1 else None

    # -- passages ----------------------------------------------------------------------------

    def store_passages(self, document: str, cut: str, passages: Sequence[Passage]) -> None:
        """Keep the passages of a document, in order, as cut for one embedder's tokenizer."""
        rows = [
            (document, cut, n, p.id, p.item, p.item_index, p.section, p.heading, p.start, p.end, p.context)
            for n, p in enumerate(passages)
        ]
        with self._writing() as db:
            db.execute("delete from passages where document = ? and cut = ?", (document, cut))
            db.executemany("insert into passages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def is_cut(self, document: str, cut: str) -> bool:
        return bool(self._all("select 1 from passages where document = ? and cut = ? limit 1", (document, cut)))

    def passages(self, document: str, cut: str | None = None) -> list[Passage]:
        """The passages of a document in order; without a cut those of the newest generation that holds it."""
        if cut is None:
            newest = self._all(
                "select cut from generations where document = ? order by generation desc limit 1", (document,)
            ) or self._all("select cut from passages where document = ? limit 1", (document,))
            if not newest:
                return []
            cut = newest[0][0]
        return self._passages("p.document = ? and p.cut = ? order by p.ordinal", (document, cut))

    def passages_of(self, generation: str) -> list[Passage]:
        """All passages of a generation, by document id and place."""
        return self._passages(
            "(p.document, p.cut) in (select document, cut from generations where generation = ?) "
            "order by p.document, p.ordinal",
            (generation,),
        )

    def passages_by_id(self, generation: str, ids: Sequence[str]) -> dict[str, Passage]:
        """Those of the passages that the generation holds."""
        found: dict[str, Passage] = {}
        for part in _parts(ids):
            for passage in self._passages(
                f"p.id in ({','.join('?' * len(part))}) and exists (select 1 from generations g "
                "where g.generation = ? and g.document = p.document and g.cut = p.cut)",
                (*part, generation),
            ):
                found[passage.id] = passage
        return found

    def _passages(self, condition: str, values: Sequence[Any]) -> list[Passage]:
        rows = self._all(
            'select p.id, p.document, p.item, p.item_index, p.section, p.heading, p."start", p."end", p.context '
            f"from passages p where {condition}",
            values,
        )
        texts: dict[str, str] = {}
        for part in _parts(sorted({row[1] for row in rows})):
            marks = ",".join("?" * len(part))
            texts.update(self._all(f"select id, text from documents where id in ({marks})", part))
        return [
            Passage(id, doc, item, index, SectionKind(section), heading, start, end, texts[doc][start:end], context)
            for id, doc, item, index, section, heading, start, end, context in rows
        ]

    # -- generations -------------------------------------------------------------------------

    def store_generation(self, generation: str, documents: Iterable[str], cut: str) -> None:
        """Say which documents a generation holds. On disk when this returns."""
        with self._writing() as db:
            db.execute("delete from generations where generation = ?", (generation,))
            db.executemany("insert into generations values (?, ?, ?)", [(generation, d, cut) for d in documents])
        with self._lock:
            self._db.execute("pragma wal_checkpoint(full)")

    def generations(self) -> list[str]:
        return [row[0] for row in self._all("select distinct generation from generations order by generation")]

    def documents_of(self, generation: str) -> list[str]:
        """Ids, in the order of their sources' names."""
        return [
            row[0]
            for row in self._all(
                "select d.id from generations g join documents d on d.id = g.document "
                "where g.generation = ? order by d.source, d.id",
                (generation,),
            )
        ]

    def cut_of(self, generation: str) -> str | None:
        """Which cut of its documents' passages a generation holds; None if it holds no documents."""
        rows = self._all("select cut from generations where generation = ? limit 1", (generation,))
        return rows[0][0] if rows else None

    def meetings(self, generation: str) -> list[MeetingRow]:
        """The meetings of a generation: by municipality and committee, newest first, undated last."""
        rows = self._all(
            """
            select d.id, d.source, d.path, d.municipality, d.committee, d.held_on, d.earliest, d.latest, d.kind,
                   d.items, d.closed,
                   (select count(*) from passages p where p.document = d.id and p.cut = g.cut)
            from generations g join documents d on d.id = g.document where g.generation = ?
            order by d.municipality is null, d.municipality, d.committee is null, d.committee,
                     d.held_on is null, d.held_on desc, d.source
            """,
            (generation,),
        )
        return [MeetingRow(*row[:5], *map(_date, row[5:8]), *row[8:]) for row in rows]

    def items(self, generation: str) -> list[ItemRow]:
        """All items, by document and place."""
        rows = self._all(
            "select i.document, i.item_index, i.number, i.title, i.closed from items i "
            "join generations g on g.document = i.document where g.generation = ? order by i.document, i.item_index",
            (generation,),
        )
        return [
            ItemRow(document, index, number, title, bool(closed)) for document, index, number, title, closed in rows
        ]

    def find_case(self, generation: str, case_number: str) -> list[tuple[str, int]]:
        """Where a case number stands: (document, position in Minutes.items), oldest meeting first."""
        return self._all(
            "select i.document, i.item_index from items i join generations g on g.document = i.document "
            "join documents d on d.id = i.document where g.generation = ? and i.case_key = ? "
            "order by coalesce(d.held_on, d.latest, d.earliest), d.source, i.item_index",
            (generation, case_key(case_number)),
        )

    def keep_only(self, generations: Sequence[str]) -> int:
        """Forget all other generations, and the documents, passages and vectors that only they held.

        The text of a document that another one replaced stays as long as that one does, so that an old link can
        show what stood there.

        Returns:
            how many documents were forgotten.
        """
        marks = ",".join("?" * len(generations))
        with self._writing() as db:
            db.execute(f"delete from generations where generation not in ({marks})", list(generations))
            db.execute(
                "delete from passages where document in (select document from generations) "
                "and (document, cut) not in (select document, cut from generations)"
            )
            held = {r[0] for r in db.execute("select document from generations")}
            outdated = [r[0] for r in db.execute("select id from documents") if r[0] not in held]
            self._forget_passages(db, outdated)
            gone = [document for document in outdated if self.successor(document) not in held]
            db.executemany("delete from documents where id = ?", [(document,) for document in gone])
        return len(gone)

    def _forget_passages(self, db: sqlite3.Connection, documents: Sequence[str]) -> None:
        models = [r[0] for r in db.execute("select distinct model_id from embeddings")]
        for document in documents:
            texts = {p.indexed_text for p in self._passages("p.document = ?", (document,))}
            if newer := self.successor(document):  # most of what it says, it says too
                texts -= {p.indexed_text for p in self._passages("p.document = ?", (newer,))}
            keys = [(m, cache_key(m, t)) for m in models for t in texts]
            # A vector that an unrelated document shares goes too: it is only a cache.
            db.executemany("delete from embeddings where model_id = ? and key = ?", keys)
            db.execute("delete from passages where document = ?", (document,))

    # -- vectors -----------------------------------------------------------------------------

    def embeddings(self, model_id: str, keys: Iterable[str]) -> dict[str, Vectors]:
        """The vectors that the cache has of these keys."""
        found: dict[str, Vectors] = {}
        for part in _parts(list(dict.fromkeys(keys))):
            marks = ",".join("?" * len(part))
            rows = self._all(
                f"select key, vector from embeddings where model_id = ? and key in ({marks})", (model_id, *part)
            )
            found.update((key, np.frombuffer(vector, dtype=np.float32)) for key, vector in rows)
        return found

    def store_embeddings(self, model_id: str, vectors: Mapping[str, Vectors]) -> None:
        rows = [(model_id, key, np.ascontiguousarray(v, dtype=np.float32).tobytes()) for key, v in vectors.items()]
        with self._writing() as db:
            db.executemany("insert or replace into embeddings values (?, ?, ?)", rows)

    # -- journal -----------------------------------------------------------------------------

    def note(self, run: str, lines: Iterable[tuple[str, str, str]]) -> None:
        """Add (source, status, reason) lines of one ingest to the journal."""
        at = _now()
        with self._writing() as db:
            db.executemany("insert into journal values (?, ?, ?, ?, ?)", [(run, at, *line) for line in lines])

    def journal(self, run: str | None = None) -> list[JournalLine]:
        """Lines in the order written, of one run or of all."""
        rows = self._all(
            "select run, at, source, status, reason from journal where ?1 is null or run = ?1 order by rowid", (run,)
        )
        return [JournalLine(*row) for row in rows]

    # ----------------------------------------------------------------------------------------

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise RecordUnreadable(self.folder, str(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _transaction(self._db):
            yield self._db


def case_key(case_number: str) -> str:
    """A case number as it is compared: »15.00.15-P16-1-22«, whatever the case and the spaces."""
    return "".join(case_number.split()).casefold()


def _connect_readonly(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        db.execute("select 1 from sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _checked(folder: Path, db: sqlite3.Connection) -> sqlite3.Connection:
    version = _version(db)
    if version == VERSION:
        return db
    db.close()
    raise RecordUnreadable(folder, f"it has layout {version}, this askamu reads {VERSION}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            yield part
            part = ""


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), VARIABLES):
        yield values[start : start + VARIABLES]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
