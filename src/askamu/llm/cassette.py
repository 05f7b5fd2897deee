"""What a language model was asked and what it said, kept in a file, so that an evaluation can be run without the model.

A cassette is a file of JSON lines. The first names the model and holds the key that the passages' marks are made with;
each further one is a reply under the digest of what was asked: its pieces, its tokens, its times, or why it failed. No
question and no passage is in it, only what the model wrote. Lines are only ever added, each whole and under a lock, so
that several runs may share a file and one that is killed leaves all but its last reply.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock

from askamu.errors import CassetteUnusable, LanguageModelFailed
from askamu.llm.evidence import ALPHABET, ID_LENGTH
from askamu.llm.model import LanguageModel, Message, Writing
from askamu.llm.write import LEFT_FOR_REPAIR
from askamu.passage import Turn

FORMAT = 1
BEGINS = b'{"format": '
WAIT = 60.0  # seconds for another run that writes to the file
# Of the server at that moment, and not of what was asked: the next run asks anew.
PASSING = frozenset({"unreachable", "key", "unknown_model", "limited", "busy", "resting", "stopped"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to one prompt."""

    pieces: tuple[str, ...]
    tokens_in: int | None
    tokens_out: int | None
    first_ms: float | None
    ms: float  # until its end
    failed: str | None = None  # why, a key of the texts under llm.why
    stopped: bool = False  # nobody read on


@dataclass
class Used:
    """What a run asked of the model, completed questions and repairs included."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    uncounted: int = 0  # calls of which the model told no tokens


class Cassette:
    """Replies in a file, or of this run alone. Safe to use from several threads and processes."""

    def __init__(self, file: Path | None, model: LanguageModel | None) -> None:
        """
        Args:
            file: None keeps nothing.
            model: asked for what is not recorded; None where there is none.

        Raises:
            CassetteUnusable: if the file is damaged, of another model, missing and there is no model to record, or
                can't be written.
        """
        self.file, self.model = file, model
        self.used = Used()
        self.lacking: dict[str, None] = {}  # ids of questions that something was not recorded for, in their order
        self.passed = 0  # calls that failed in a way that is not recorded (PASSING)
        self._lock = threading.Lock()
        self._kept: dict[str, Reply] = {}
        self._at = 0  # bytes of the file that are read
        self._lines = 0
        self._key, self.name, self.structured = secrets.token_bytes(32), "", False
        if model is not None:
            self.name, self.structured = model.name, model.structured
        if file is not None:
            self._open(file)

    def asking(self, id: str, question: str, history: Sequence[Turn] = ()) -> Tape:
        """The model for one question; enter it for as long as the question is answered."""
        return Tape(self, id, json.dumps([question, *([t.role, t.content] for t in history)], ensure_ascii=False))

    def find(self, prompt: str) -> Reply | None:
        with self._lock:
            return self._kept.get(prompt)

    def count(self, reply: Reply) -> None:
        with self._lock:
            self.used.calls += 1
            self.used.tokens_in += reply.tokens_in or 0
            self.used.tokens_out += reply.tokens_out or 0
            self.used.uncounted += reply.tokens_out is None

    def keep(self, prompt: str, id: str, reply: Reply) -> None:
        """Record a reply, unless another run has recorded one to the same prompt.

        Raises:
            CassetteUnusable: if the file can't be written, or is damaged.
        """
        if self.file is None:
            return
        if reply.failed in PASSING:
            with self._lock:
                self.passed += 1
            return
        with self._lock, _Appending(self, self.file) as whole:
            if prompt not in self._kept:
                row = {"prompt": prompt, "question": id, **asdict(reply)}
                whole.append(row)
                self._kept[prompt] = reply

    def id_of(self, seed: str, n: int) -> str:
        """The n-th mark of a question: as hard to guess as the key, and the same each time."""
        digest = int.from_bytes(hmac.digest(self._key, f"{n} {seed}".encode(), "sha256"), "big")
        signs = []
        for _ in range(ID_LENGTH):
            digest, sign = divmod(digest, len(ALPHABET))
            signs.append(ALPHABET[sign])
        return "".join(signs)

    # -- the file ---------------------------------------------------------------------------------

    def _open(self, file: Path) -> None:
        if self.model is None:
            if not file.exists():
                raise CassetteUnusable("cassette_missing", file)
            self._read(file)
            if not self._lines:
                raise CassetteUnusable("cassette_missing", file)
            return
        with _Appending(self, file) as whole:
            if not self._lines:
                header = {"format": FORMAT, "model": self.name, "structured": self.structured, "key": self._key.hex()}
                whole.append(header)
        asked = (self.model.name, self.model.structured)
        if (self.name, self.structured) != asked:
            recorded, now = (f"{n} ({'json' if s else 'text'})" for n, s in ((self.name, self.structured), asked))
            raise CassetteUnusable("cassette_model", file, recorded=recorded, asked=now)

    def _read(self, file: Path) -> int:
        """Take in the lines that were added since; a last one without an end is still being written, or never was.

        Returns:
            The bytes of whole lines.
        """
        try:
            with file.open("rb") as stream:
                stream.seek(self._at)
                added = stream.read()
        except OSError as error:
            raise CassetteUnusable("cassette_unreadable", file, why=error.strerror or error) from error
        if not self._at and b"\n" not in added and not added.startswith(BEGINS[: len(added)]):
            raise CassetteUnusable("cassette_damaged", file, line=1, why="no cassette")  # and nothing to be cut away
        added = added[: added.rfind(b"\n") + 1]
        for line in added.split(b"\n")[:-1]:
            self._lines += 1
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise CassetteUnusable("cassette_damaged", file, line=self._lines, why=_short(error)) from error
        self._at += len(added)
        return self._at

    def _take(self, row: dict[str, Any]) -> None:
        if self._lines == 1:
            if row["format"] != FORMAT:
                raise ValueError(f"format {row['format']}")
            key = bytes.fromhex(row["key"])
            if len(key) < 16 or not isinstance(row["model"], str) or not isinstance(row["structured"], bool):
                raise ValueError("the first line")
            self._key, self.name, self.structured = key, row["model"], row["structured"]
            return
        pieces = row["pieces"]
        if not isinstance(row["prompt"], str) or not all(isinstance(p, str) for p in pieces):
            raise TypeError("prompt, pieces")
        tokens = [None if row[k] is None else int(row[k]) for k in ("tokens_in", "tokens_out")]
        first = None if row["first_ms"] is None else float(row["first_ms"])
        failed = None if row["failed"] is None else str(row["failed"])
        reply = Reply(tuple(pieces), tokens[0], tokens[1], first, float(row["ms"]), failed, bool(row["stopped"]))
        self._kept.setdefault(row["prompt"], reply)


class _Appending:
    """The file under its lock, read to its end, for adding lines, each whole or not at all."""

    def __init__(self, cassette: Cassette, file: Path) -> None:
        self.cassette, self.file = cassette, file
        self._lock = filelock.FileLock(f"{file}.lock", timeout=WAIT)

    def __enter__(self) -> _Appending:
        try:
            self._lock.acquire()
            try:
                self.file.touch()
                self._cut(self.cassette._read(self.file))
            except BaseException:
                self._lock.release()
                raise
        except (OSError, filelock.Timeout) as error:
            raise self._not_writable(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def append(self, row: dict[str, Any]) -> None:
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        at = self.cassette._at
        try:
            with self.file.open("ab") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            self._cut(at)
            raise self._not_writable(error) from error
        self.cassette._at += len(line)
        self.cassette._lines += 1

    def _cut(self, size: int) -> None:
        """Take away what somebody who was killed, or a full disk, left of a line."""
        if self.file.stat().st_size > size:
            os.truncate(self.file, size)

    def _not_writable(self, error: Exception) -> CassetteUnusable:
        return CassetteUnusable("cassette_not_writable", self.file, why=getattr(error, "strerror", None) or error)


@dataclass
class Tape:
    """A language model for one question: what it is asked is answered from a cassette, or recorded on it."""

    cassette: Cassette
    id: str
    seed: str  # the question and what stands before it
    _ids: int = 0
    _spent_ms: float = 0.0  # that the replies played back took when they were recorded
    _takes: list[_Take] = field(default_factory=list)  # that are not yet recorded

    @property
    def name(self) -> str:
        return self.cassette.name

    @property
    def structured(self) -> bool:
        return self.cassette.structured

    def new_id(self) -> str:
        """For `ask_model`: marks of passages that are the same each time this question is asked."""
        self._ids += 1
        return self.cassette.id_of(self.seed, self._ids)

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        """As LanguageModel. Without a model, iterating raises LanguageModelFailed("unrecorded") for what is not there.

        Iterating raises:
            CassetteUnusable: if the reply can't be written to the file.
        """
        prompt = digest_of(messages, schema)
        writing = Writing(iter(()))
        reply, model = self.cassette.find(prompt), self.cassette.model
        if reply is not None or model is None:
            writing.pieces = self._played(reply, deadline, writing)
            return writing
        take = _Take(prompt, model.write(messages, deadline, schema))
        writing.stop = take.writing.stop
        writing.pieces = self._recorded(take, writing)
        return writing

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        takes, self._takes = self._takes, []
        for take in takes:
            take.stop()
            if kind is None:
                self._keep(take, None, stopped=True)

    def _recorded(self, take: _Take, writing: Writing) -> Iterator[str]:
        self._takes.append(take)
        take.started = time.monotonic()
        try:
            for piece in take.writing:
                take.pieces.append(piece)
                writing.first_ms = take.writing.first_ms
                yield piece
        except LanguageModelFailed as failed:
            writing.tokens_in, writing.tokens_out = take.writing.tokens_in, take.writing.tokens_out
            self._takes.remove(take)
            self._keep(take, failed.reason)
            raise
        writing.tokens_in, writing.tokens_out = take.writing.tokens_in, take.writing.tokens_out
        self._takes.remove(take)
        self._keep(take, None)

    def _played(self, reply: Reply | None, deadline: float, writing: Writing) -> Iterator[str]:
        if reply is None:
            raise self._lacks(deadline)
        self._spent_ms += reply.ms
        self.cassette.count(reply)
        for piece in reply.pieces:
            writing.first_ms = reply.first_ms
            yield piece
        if reply.stopped:
            raise self._lacks(deadline)
        writing.tokens_in, writing.tokens_out = reply.tokens_in, reply.tokens_out
        if reply.failed:
            raise LanguageModelFailed(reply.failed)

    def _keep(self, take: _Take, failed: str | None, stopped: bool = False) -> None:
        told = take.writing
        ms = round(1000 * (time.monotonic() - take.started), 1)
        reply = Reply(tuple(take.pieces), told.tokens_in, told.tokens_out, told.first_ms, ms, failed, stopped)
        self.cassette.count(reply)
        self.cassette.keep(take.prompt, self.id, reply)

    def _lacks(self, deadline: float) -> LanguageModelFailed:
        """Why there is no reply: it was not recorded, or when this question was, no time was left for it."""
        left = deadline - time.monotonic() - self._spent_ms / 1000
        if self._spent_ms and left <= LEFT_FOR_REPAIR:
            return LanguageModelFailed("slow")
        self.cassette.lacking[self.id] = None
        return LanguageModelFailed("unrecorded")


@dataclass
class _Take:
    """A reply that is being recorded."""

    prompt: str
    writing: Writing
    started: float = 0.0
    pieces: list[str] = field(default_factory=list)

    def stop(self) -> None:
        close = getattr(self.writing.pieces, "close", None)
        if close is not None:
            close()


def digest_of(messages: Sequence[Message], schema: dict[str, Any] | None) -> str:
    """What a reply is found by: a digest of all that the model is told."""
    told = [[m.role, m.content] for m in messages], schema
    return hashlib.sha256(
        json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    ).hexdigest()


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]
