"""Passages + vectors <-> index/<generation>/; the one place that imports chromadb.

    index/
      record.sqlite     the system of record (record.py); all else is derived from it
      CURRENT           the name of the generation that answers
      .lock             held by the one process that may write
      <generation>/
        chroma/         vectors and metadata
        lexical/        terms (lexical.py), with lexicon.json
        manifest.json   what the generation holds; written last, so a folder without one is half built

A generation is never changed once it is built. A new one is built beside it, checked and brought to
disk, and then CURRENT is replaced in one step: whoever is killed at any moment leaves an index that
answers. The generation before stays until the next switch, for those who have it open.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, cast

import filelock
import numpy as np

from askamu import lexical
from askamu.danish import stop_words, words
from askamu.embed import Embedder, Progress, Vectors, silent
from askamu.errors import IndexBusy, IndexMissing, IndexNotWritable, IndexUnreadable, OtherEmbedder
from askamu.lexical import LexicalIndex
from askamu.passage import Passage
from askamu.record import Record, StoredDocument
from askamu.vectors import Embedding

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import Where

_T = TypeVar("_T")

CURRENT = "CURRENT"
LOCK = ".lock"
MANIFEST = "manifest.json"
CHROMA = "chroma"
EF_SEARCH = 800  # of 29,000 passages 0.999 of the 80 nearest are found in 1.6 ms; with 200 0.990 in 1.0 ms
CHROMA_BATCH = 1_000
CHECKED = 40  # passages looked up in a new generation
PROBED = 10  # passages looked up when a generation is opened
SELF_HIT = 0.999  # cosine of a passage's own vector, rounding allowed for
MAY_MISS = 0.2  # share of passages looked up that may not find themselves
AMENDMENTS = 20  # Chroma keeps the space of what was removed, so now and then all is built anew
SMALL_CHANGE = 0.2  # share of the passages up to which the vectors of the generation before are copied and amended


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds."""

    generation: str
    created: str  # ISO, UTC
    embedder: str  # the setting that opens it
    model_id: str
    dim: int
    documents: Mapping[str, int]  # id -> number of passages
    passages: int
    parser_versions: tuple[str, ...]
    askamu: str
    previous: str | None  # the generation it replaced
    probes: tuple[str, ...]  # passages that are looked up when it is opened
    amended: int = 0  # how many times its vectors were copied and amended since they were built anew

    @property
    def cut(self) -> str:
        """Which of the record's passages it holds: those cut for this embedder."""
        return self.model_id


class VectorIndex:
    """The vectors of a generation in Chroma. Safe to use from several threads."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Open index/<generation>/chroma/.

        Raises:
            IndexUnreadable: if it is missing or damaged.
        """
        self.folder = folder
        self.manifest = manifest
        with _wrapped(folder):
            if not (folder / CHROMA / "chroma.sqlite3").is_file():  # Chroma would make an empty one
                raise FileNotFoundError(f"{CHROMA} is missing")
            self._client = _open_chroma(folder / CHROMA)
        try:
            with _wrapped(folder):
                self._collection = self._client.get_collection(
                    _collection_name(manifest.model_id), embedding_function=None
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> VectorIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def nearest(self, vector: Vectors, k: int, documents: frozenset[str] | None = None) -> list[tuple[str, float]]:
        """As `Generation.nearest`."""
        total = self.manifest.passages
        if documents is None:
            return self._query(vector, min(k, total))
        held = {d for d in documents if self.manifest.documents.get(d)}
        allowed = sum(self.manifest.documents[d] for d in held)
        k = min(k, allowed)
        if allowed == total:
            return self._query(vector, k)
        # The price of a filter in Chroma grows with what it lets through, so a broad one is applied here.
        if allowed > total / 2:
            found = self._query(vector, min(total, 2 * k * total // allowed + 10), only=held)[:k]
            if len(found) == k:
                return found
        return self._query(vector, k, where=_of(sorted(held)))

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """As `Generation.vectors`."""
        found: dict[str, Any] = {}
        for part in _batches(ids, CHROMA_BATCH):
            with _wrapped(self.folder):
                got = self._collection.get(ids=list(dict.fromkeys(part)), include=["embeddings"])
                found.update(zip(got["ids"], got["embeddings"], strict=True))  # type: ignore[arg-type]
        rows = np.empty((len(ids), self.manifest.dim), dtype=np.float32)
        for row, id in enumerate(ids):
            rows[row] = found[id]
        return rows

    def probe(self, ids: Sequence[str]) -> None:
        """See that all vectors are there, and that these passages find themselves.

        Counting is not enough: without its vectors' files Chroma still counts them, and answers
        from the last ones in its log.

        Raises:
            IndexUnreadable: if not.
        """
        with _wrapped(self.folder):
            counted = self._collection.count()
        if counted != self.manifest.passages:
            raise IndexUnreadable(self.folder, f"{counted} vectors where {self.manifest.passages} should be")
        try:
            vectors = self.vectors(ids)
        except KeyError as missing:
            raise IndexUnreadable(self.folder, f"the vector of passage {missing} is gone") from missing
        lost = 0
        for vector in vectors:
            nearest = self._query(vector, 1)
            lost += not nearest or nearest[0][1] < SELF_HIT
        # Chroma's search is approximate: a passage that misses itself, one in a thousand, is no damage.
        if lost > MAY_MISS * len(vectors):
            raise IndexUnreadable(self.folder, f"{lost} of {len(vectors)} passages looked up do not find themselves")

    def _query(
        self, vector: Vectors, k: int, where: Where | None = None, only: set[str] | None = None
    ) -> list[tuple[str, float]]:
        """Ask Chroma: of the k nearest that fulfil `where` those whose document is in `only`."""
        if k < 1:
            return []
        with _wrapped(self.folder):
            got = self._collection.query(
                query_embeddings=np.asarray([vector], dtype=np.float32),
                n_results=k,
                where=where,
                include=["distances", "metadatas"] if only is not None else ["distances"],
            )
            ids, distances, about = got["ids"][0], (got["distances"] or [[]])[0], (got["metadatas"] or [[]])[0]
        found = [(id, 1.0 - float(distance)) for id, distance in zip(ids, distances, strict=True)]
        if only is None:
            return found
        return [hit for hit, of in zip(found, about, strict=True) if of["document"] in only]


class Generation:
    """An open generation: vectors and terms of the same passages.

    Answers from what it held when it was built, also after a switch. Safe to use from several threads.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Open index/<generation>/ and see that some of its passages find themselves.

        Raises:
            IndexUnreadable: if any part of it is missing or damaged.
        """
        self.folder = folder
        self.manifest = manifest
        self._copy: TemporaryDirectory[str] | None = None
        if not os.access(folder / CHROMA, os.W_OK) and (folder / CHROMA).is_dir():
            # Both engines make lock files even to read, so what can't be written is read from a copy.
            self._copy = TemporaryDirectory(prefix="askamu-")
            folder = Path(self._copy.name, folder.name)
            with _wrapped(self.folder):
                shutil.copytree(self.folder, folder, copy_function=shutil.copyfile)
                for place in (folder, *folder.rglob("*/")):
                    place.chmod(0o700)
        self.lexical = LexicalIndex.open(folder)
        if self.lexical.size != manifest.passages:
            raise IndexUnreadable(folder, f"{self.lexical.size} texts where {manifest.passages} should be")
        self._vectors = VectorIndex(folder, manifest)
        try:
            self._vectors.probe(manifest.probes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._vectors.close()
        if self._copy:
            self._copy.cleanup()

    def __enter__(self) -> Generation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def nearest(self, vector: Vectors, k: int, documents: frozenset[str] | None = None) -> list[tuple[str, float]]:
        """The k passages nearest a vector, nearest first.

        Args:
            vector: float32 of shape (dim,), length 1.
            documents: only passages of these; None for all.

        Returns:
            (passage id, cosine); fewer than k where there are no more.

        Raises:
            IndexUnreadable: if the index is damaged.
        """
        return self._vectors.nearest(vector, k, documents)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """float32 of shape (len(ids), dim), in the order given.

        Raises:
            KeyError: if a passage is not in this generation.
            IndexUnreadable: if the index is damaged.
        """
        return self._vectors.vectors(ids)


# -- reading ------------------------------------------------------------------------------------


def current_id(folder: Path) -> str | None:
    """The name of the generation that answers, None if there is none yet. Cheap: a reader asks before each question."""
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexUnreadable(folder, f"{CURRENT}: {error}") from error


def read_manifest(folder: Path, generation: str) -> Manifest:
    """Raises:
    IndexUnreadable: if it is missing or damaged.
    """
    try:
        fields = json.loads((folder / generation / MANIFEST).read_text(encoding="utf-8"))
        fields["parser_versions"] = tuple(fields["parser_versions"])
        fields["probes"] = tuple(fields["probes"])
        return Manifest(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IndexUnreadable(folder, f"{generation}/{MANIFEST}: {error}") from error


def open_current(folder: Path) -> Generation:
    """Open the generation that answers.

    Raises:
        IndexMissing: if nothing was ingested yet.
        IndexUnreadable: if it is damaged; `askamu ingest` builds it again from the record.
    """
    while True:
        generation = current_id(folder)
        if generation is None:
            raise IndexMissing(folder)
        try:
            return Generation(folder / generation, read_manifest(folder, generation))
        except IndexUnreadable:
            if current_id(folder) == generation:
                raise
            # It was replaced and removed while we opened it.


def check_embedder(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    """Raises:
    OtherEmbedder: if the generation was built by another model than this.
    """
    if manifest.model_id != embedder.model_id:
        raise OtherEmbedder(folder, manifest.embedder, embedder.name)


# -- writing ------------------------------------------------------------------------------------


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the one writer of an index folder.

    Raises:
        IndexBusy: if somebody else is.
        IndexNotWritable: if the folder can't be written, then or inside the block.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, timeout=0)
        with lock:
            yield
    except filelock.Timeout as error:
        raise IndexBusy(folder) from error
    except OSError as error:
        raise IndexNotWritable(folder, str(error)) from error
    except sqlite3.OperationalError as error:
        raise IndexNotWritable(folder, str(error)) from error


def build_generation(
    folder: Path,
    record: Record,
    documents: Sequence[str],
    embedder: Embedder,
    progress: Progress = silent,
    embedding: Embedding | None = None,
) -> Manifest:
    """Build, check and switch to a generation that holds these documents of the record.

    The caller is the one writer. Passages the record has no vector of are embedded. What only older
    generations held is removed afterwards, from the disk and the record, except for the one replaced.

    Args:
        documents: ids; each must be stored, and cut for `embedder` (`Record.store_passages`).
        embedding: one of the caller's that may be at work on them already.

    Raises:
        IndexUnreadable: if the new generation fails its check; the old one still answers.
    """
    remove_orphans(folder)
    passages = [p for d in sorted(documents) for p in record.passages(d, embedder.model_id)]
    with nullcontext(embedding) if embedding else Embedding(embedder, record, progress) as working:
        vectors = working.vectors([p.indexed_text for p in passages])
    known = {d.id: d for d in record.stored()}
    before = _manifest_or_none(folder)
    name = _new_name(folder)
    counts = dict.fromkeys(sorted(documents), 0)
    for passage in passages:
        counts[passage.document] += 1
    manifest = Manifest(
        generation=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        embedder=embedder.name,
        model_id=embedder.model_id,
        dim=vectors.shape[1],
        documents=counts,
        passages=len(passages),
        parser_versions=tuple(sorted({known[d].parser_version for d in documents})),
        askamu=metadata.version("askamu"),
        previous=before.generation if before else None,
        probes=tuple(passages[i].id for i in _spread(len(passages), PROBED)),
        amended=0,
    )
    place = folder / manifest.generation
    place.mkdir()
    try:
        amended = _write_vectors(place, before, manifest, passages, vectors, known, progress)
        manifest = replace(manifest, amended=amended)
        lexical.build(
            place, passages, lexical.write_lexicon(place, passages), lambda done, total: progress("index", done, total)
        )
        _check(place, manifest, passages, vectors, progress)
        _write_synced(place / MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
        _sync(place)
        record.store_generation(manifest.generation, documents, manifest.cut)
        _switch(folder, manifest.generation)
    except BaseException:
        if current_id(folder) != manifest.generation:
            shutil.rmtree(place, ignore_errors=True)
        raise
    record.keep_only(_kept(folder))
    remove_orphans(folder)
    return manifest


def rebuild(folder: Path, embedder: Embedder, progress: Progress = silent) -> Manifest:
    """Build what answers again from the record, when the derived index is damaged.

    Raises:
        IndexMissing: if the record holds no index.
        IndexBusy, IndexNotWritable, RecordUnreadable.
        OtherEmbedder: if the record was cut for another embedder; `askamu ingest` re-embeds.
    """
    with writing(folder), Record.open(folder) as reading:
        generation = last_generation(folder, reading)
        if generation is None:
            raise IndexMissing(folder)
        documents, cut = reading.documents_of(generation), reading.cut_of(generation)
        if cut != embedder.model_id:
            raise OtherEmbedder(folder, str(cut), embedder.name)
        with Record.create(folder) as record:
            return build_generation(folder, record, documents, embedder, progress)


def last_generation(folder: Path, record: Record) -> str | None:
    """The generation that answers; if CURRENT is lost, the newest that the record knows."""
    known = record.generations()
    try:
        current = current_id(folder)
    except IndexUnreadable:
        current = None
    return current if current in known else (known[-1] if known else None)


def remove_orphans(folder: Path) -> list[str]:
    """Remove every generation but the one that answers and the one before it, half-built ones included."""
    kept = _kept(folder)
    if not kept:
        # CURRENT is lost or damaged: what is there may still be wanted, except what was never finished.
        gone = [g for g in _generations(folder) if not (folder / g / MANIFEST).is_file()]
    else:
        gone = [g for g in _generations(folder) if g not in kept]
    for generation in gone:
        shutil.rmtree(folder / generation, ignore_errors=True)
    (folder / f"{CURRENT}.new").unlink(missing_ok=True)
    return gone


_NAME = re.compile(r"\d{8}T\d{12}")  # UTC to the microsecond: names sort by age


def _new_name(folder: Path) -> str:
    """A name later than all there are, also when the clock was set back."""
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    latest = max(_generations(folder), default="")
    if name <= latest:
        name = f"{latest[:9]}{int(latest[9:]) + 1:012}"
    return name


def _generations(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and _NAME.fullmatch(p.name))


def _kept(folder: Path) -> list[str]:
    """The current generation and the one it replaced."""
    try:
        current = current_id(folder)
    except IndexUnreadable:
        return []
    if current is None or not (folder / current).is_dir():
        return []
    try:
        previous = read_manifest(folder, current).previous
    except IndexUnreadable:
        previous = None
    return [current] + ([previous] if previous and (folder / previous / MANIFEST).is_file() else [])


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        current = current_id(folder)
        return read_manifest(folder, current) if current else None
    except IndexUnreadable:
        return None


def _switch(folder: Path, generation: str) -> None:
    new = folder / f"{CURRENT}.new"
    _write_synced(new, f"{generation}\n")
    new.replace(folder / CURRENT)
    _sync_path(folder)


# -- chroma -------------------------------------------------------------------------------------


def _open_chroma(place: Path) -> Client:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    try:
        return cast("Client", chromadb.PersistentClient(str(place), settings=settings))
    except BaseException:
        # Chroma remembers a database that it could not start by its path, and would hand out the dead one again.
        SharedSystemClient._identifier_to_system.pop(str(place), None)
        raise


def _collection_name(model_id: str) -> str:
    """A name Chroma takes (3-512 of letters, digits, ., _ and -), by the model that made the vectors."""
    return "passages-" + re.sub(r"[^A-Za-z0-9]+", "-", model_id)[-200:].strip("-")


def _write_vectors(
    place: Path,
    before: Manifest | None,
    manifest: Manifest,
    passages: Sequence[Passage],
    vectors: Vectors,
    known: Mapping[str, StoredDocument],
    progress: Progress,
) -> int:
    """Write the vectors, or where little changed copy those of the generation before and amend them.

    Returns:
        how many times they have been amended, 0 if they were built anew.

    Raises:
        IndexNotWritable: if Chroma can't write them.
    """
    from chromadb.errors import ChromaError

    if before and _amend(place, before, manifest, passages, vectors, known):
        return before.amended + 1
    client = _open_chroma(place / CHROMA)
    try:
        collection = client.create_collection(
            _collection_name(manifest.model_id),
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}},
        )
        for start in range(0, len(passages), CHROMA_BATCH):
            _upsert(collection, passages, vectors, range(start, min(start + CHROMA_BATCH, len(passages))), known)
            progress("vectors", min(start + CHROMA_BATCH, len(passages)), len(passages))
    except ChromaError as error:
        raise IndexNotWritable(place.parent, str(error)) from error
    finally:
        client.close()
    return 0


def _amend(
    place: Path,
    before: Manifest,
    manifest: Manifest,
    passages: Sequence[Passage],
    vectors: Vectors,
    known: Mapping[str, StoredDocument],
) -> bool:
    """Copy the vectors of the generation before and amend them; False if that is not worth it or not possible."""
    added = [i for i, p in enumerate(passages) if before.documents.get(p.document) != manifest.documents[p.document]]
    removed = [d for d, n in before.documents.items() if manifest.documents.get(d) != n]
    changed = len(added) + sum(before.documents[d] for d in removed)
    if (
        before.amended >= AMENDMENTS
        or before.model_id != manifest.model_id
        or changed > SMALL_CHANGE * manifest.passages
    ):
        return False
    try:
        shutil.copytree(place.parent / before.generation / CHROMA, place / CHROMA)
        client = _open_chroma(place / CHROMA)
        try:
            collection = client.get_collection(_collection_name(manifest.model_id), embedding_function=None)
            for part in _batches(removed, 100):
                collection.delete(where=_of(part))
            for part_of_added in _batches(added, CHROMA_BATCH):
                _upsert(collection, passages, vectors, part_of_added, known)
        finally:
            client.close()
        _check_vectors(place, manifest, passages, vectors)
        return True
    except Exception:  # whatever is wrong with the old generation, a new one can be built
        shutil.rmtree(place / CHROMA, ignore_errors=True)
        return False


def _of(documents: Sequence[str]) -> Where:
    return cast("Where", {"document": {"$in": list(documents)}})


def _upsert(
    collection: Collection,
    passages: Sequence[Passage],
    vectors: Vectors,
    rows: Sequence[int],
    known: Mapping[str, StoredDocument],
) -> None:
    collection.upsert(
        ids=[passages[i].id for i in rows],
        embeddings=[vectors[i] for i in rows],
        metadatas=[_about(passages[i], known[passages[i].document]) for i in rows],
    )


def _about(passage: Passage, stored: StoredDocument) -> dict[str, str | int]:
    """What a filter can ask for. What is unknown is left out; dates are numbers: Chroma compares no others."""
    about: dict[str, str | int] = {"document": passage.document, "item": passage.item, "section": passage.section.value}
    if stored.municipality:
        about["municipality"] = stored.municipality
    if stored.committee:
        about["committee"] = stored.committee
    if stored.held_on:
        about["date"] = int(stored.held_on.strftime("%Y%m%d"))
    return about


# -- checks, disk -------------------------------------------------------------------------------


def _check_vectors(place: Path, manifest: Manifest, passages: Sequence[Passage], vectors: Vectors) -> None:
    rows = _spread(len(passages), CHECKED)
    ids = [passages[i].id for i in rows]
    with VectorIndex(place, manifest) as written:
        written.probe(ids)
        if not np.allclose(written.vectors(ids), vectors[rows], atol=1e-5):
            raise IndexUnreadable(place, "vectors were not written as they were given")


def _check(place: Path, manifest: Manifest, passages: Sequence[Passage], vectors: Vectors, progress: Progress) -> None:
    """Raises:
    IndexUnreadable: if the new generation does not hold what it was given.
    """
    progress("check", 0, 1)
    _check_vectors(place, manifest, passages, vectors)
    index = LexicalIndex.open(place)
    if index.size != len(passages):
        raise IndexUnreadable(place, f"{index.size} texts where {len(passages)} should be")
    for i in _spread(len(passages), CHECKED):
        passage = passages[i]
        found = index.search(passage.indexed_text, manifest.documents[passage.document], frozenset({passage.document}))
        if passage.id not in dict(found) and not set(words(passage.indexed_text)) <= stop_words():
            raise IndexUnreadable(place, f"passage {passage.id} is not found by its own words")
    progress("check", 1, 1)


def _spread(n: int, most: int) -> list[int]:
    """At most so many of 0 … n-1, evenly spaced."""
    return sorted({round(x) for x in np.linspace(0, n - 1, min(n, most))}) if n else []


def _batches(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


@contextmanager
def _wrapped(folder: Path) -> Iterator[None]:
    """Let Chroma's errors out as ours."""
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError, RuntimeError) as error:
        raise IndexUnreadable(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _write_synced(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _sync(place: Path) -> None:
    """Bring a folder and all that is in it to disk."""
    for path in [*place.rglob("*"), place]:
        _sync_path(path)
    _sync_path(place.parent)


def _sync_path(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
