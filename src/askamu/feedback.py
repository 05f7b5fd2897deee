"""What readers say of answers, kept on this machine in the index's folder: feedback.jsonl, one line an entry.

An entry names the answer by a digest that nobody can look up by guessing questions, the generation it was given from
and the passages it cited. The question and a reader's own words are kept only where the reader agreed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from askamu.errors import FeedbackNotKept
from askamu.library import Library
from askamu.minutes import AgendaItem, Minutes
from askamu.passage import HEADER_ITEM, Answer
from askamu.privacy import hide_cpr

FILE, LOCK, SALT = "feedback.jsonl", "feedback.lock", "feedback.salt"
MAX_BYTES = 5_000_000  # of the file
MAX_ENTRY = 8_000  # bytes of a line
MAX_QUESTION, MAX_COMMENT, MAX_CITED = 2_000, 1_000, 40
LOCK_SECONDS = 5.0


class FeedbackKind(StrEnum):
    HELPFUL = "helpful"
    WRONG_SOURCE = "wrong_source"
    WRONG_ANSWER = "wrong_answer"
    MISSING = "missing"  # something that the minutes say is not in the answer


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage that the answer cited."""

    document: str
    item: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """One reader's word on one answer."""

    kind: FeedbackKind
    answer: str  # answer_id
    generation: str
    cited: tuple[Cited, ...] = ()
    language: str = "da"
    consent: bool = False
    question: str = ""  # only ever stored with consent
    comment: str = ""  # the same
    phrased: bool = False  # whether a language model wrote the answer's words


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored line."""

    number: int  # from 1
    day: str  # ISO; no time of day, so that nobody is found by it
    feedback: Feedback


# -- an answer's id ------------------------------------------------------------------------------


def answer_id(answer: Answer, generation: str, salt: bytes) -> str:
    """The same for the same question, filters, generation and citations in one index; tells nothing of them.

    Returns:
        32 hexadecimal digits.
    """
    told = [
        answer.question, answer.completed_question, answer.filters.as_record(), sorted(answer.filters.lifted),
        generation, [(c.document, c.start, c.end) for c in answer.citations],
    ]  # fmt: skip
    message = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    return hmac.new(salt, message, hashlib.sha256).hexdigest()[:32]


def answer_mark(answer: Answer, library: Library) -> dict[str, str]:
    """What an answer's feedback refers to it by, ready for JSON."""
    generation = library.generation
    return {"answer_id": answer_id(answer, generation, salt_of(library.folder)), "generation": generation}


def salt_of(folder: Path) -> bytes:
    """The index's own random salt, made at its first use. Where none can be kept, one for this process."""
    file = folder / SALT
    try:
        if not file.exists():
            _make_salt(file)
        return file.read_bytes()
    except OSError:
        return _passing_salt()


def _make_salt(file: Path) -> None:
    """Write it whole before it has its name: of two processes at once one is first, and both read the same."""
    written = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_bytes(32))
        with suppress(FileExistsError):
            os.link(written, file)
    finally:
        written.unlink()


@cache
def _passing_salt() -> bytes:
    return secrets.token_bytes(32)


# -- keeping -------------------------------------------------------------------------------------


def keep(library: Library, given: Feedback) -> Entry:
    """Store a word on an answer. Without consent nothing of the question or the reader's own words is kept.

    Raises:
        FeedbackNotKept: if the file is full or can't be written, or a passage is none of the index's.
    """
    for cited in given.cited:
        if not _is_passage(library, cited):
            raise FeedbackNotKept("unknown")
    agreed = given.consent
    kept = Feedback(
        given.kind, given.answer, given.generation, given.cited[:MAX_CITED], given.language, agreed,
        hide_cpr(given.question[:MAX_QUESTION])[0] if agreed else "",
        hide_cpr(given.comment[:MAX_COMMENT])[0] if agreed else "",
        given.phrased,
    )  # fmt: skip
    day = datetime.now(UTC).date().isoformat()
    line = json.dumps(_record(day, kept), ensure_ascii=False) + "\n"
    folder = library.folder
    file = folder / FILE
    try:
        with FileLock(folder / LOCK, timeout=LOCK_SECONDS, mode=0o600):
            size = file.stat().st_size if file.exists() else 0
            if len(line.encode()) > MAX_ENTRY or size + len(line.encode()) > MAX_BYTES:
                raise FeedbackNotKept("full")
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as opened:
                if size and not _ends_whole(file):
                    opened.write("\n")  # a line that was cut off stays by itself
                opened.write(line)
                opened.flush()
                os.fsync(opened.fileno())
    except (OSError, Timeout) as error:
        raise FeedbackNotKept("not_writable") from error
    return Entry(0, day, kept)


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) == b"\n"


def _is_passage(library: Library, cited: Cited) -> bool:
    """Whether the stretch stands in an item that may be shown of minutes that are, or were, indexed."""
    try:
        minutes = library.minutes(cited.document)
    except KeyError:
        return library.record.successor(cited.document) is not None
    if not 0 <= cited.start < cited.end <= len(minutes.text):
        return False
    if cited.item == HEADER_ITEM:
        return cited.end <= minutes.header.end
    return any(_number(minutes, i) == cited.item and i.start <= cited.start < i.end for i in minutes.items)


def _number(minutes: Minutes, item: AgendaItem) -> str:
    return item.number or str(minutes.items.index(item) + 1)


def _record(day: str, kept: Feedback) -> dict[str, Any]:
    """A line; what is empty is left out, so that nothing stands there but what was given."""
    told: dict[str, Any] = {
        "day": day, "kind": kept.kind.value, "answer": kept.answer, "generation": kept.generation,
        "language": kept.language, "consent": kept.consent, "cited": [asdict(c) for c in kept.cited],
    }  # fmt: skip
    more = {"question": kept.question, "comment": kept.comment, "phrased": kept.phrased}
    return told | {name: value for name, value in more.items() if value}


# -- reading -------------------------------------------------------------------------------------


def entries(folder: Path) -> Iterator[Entry]:
    """What was kept, oldest first; a line that can't be read is passed over."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        try:
            told = json.loads(line)
            feedback = Feedback(
                FeedbackKind(told["kind"]), str(told["answer"]), str(told["generation"]),
                tuple(Cited(str(c["document"]), str(c["item"]), int(c["start"]), int(c["end"])) for c in told["cited"]),
                str(told["language"]), told["consent"] is True, str(told.get("question", "")),
                str(told.get("comment", "")), told.get("phrased") is True,
            )  # fmt: skip
            yield Entry(number, str(told["day"]), feedback)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue


def counts(kept: Sequence[Entry]) -> dict[str, int]:
    """How many of each kind."""
    found = Counter(entry.feedback.kind for entry in kept)
    return {kind.value: found[kind] for kind in FeedbackKind}


def candidates(library: Library, kept: Sequence[Entry]) -> list[dict[str, Any]]:
    """Entries with consent and a question, as questions for `askamu eval` (evaluate/gold.py).

    Where the answer was helpful its citations are proposed as gold; a person has to look at every one. `answerable`
    is null where nobody knows yet, and `askamu eval` refuses the line until it says true or false.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in kept:
        said = entry.feedback
        if not said.consent or not said.question.strip():
            continue
        helpful = said.kind is FeedbackKind.HELPFUL
        gold = _gold(library, said.cited)
        found[said.answer, said.kind] = {
            "id": f"feedback-{entry.number:05}",
            "lang": said.language,
            "type": "?",
            "question": said.question,
            "answerable": True if helpful and gold else None,
            "gold": gold if helpful else [],
            "must_include": [],
            "must_not_include": [],
            "why": said.comment,
            "feedback": said.kind.value,
            "phrased": said.phrased,
            "cited": gold,
        }
    return list(found.values())


def _gold(library: Library, cited: Sequence[Cited]) -> list[dict[str, Any]]:
    """The items cited, by the names of their files; of minutes that were corrected since, those that replaced them."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for c in cited:
        document = library.record.successor(c.document) or c.document
        try:
            minutes = library.minutes(document)
        except KeyError:
            continue
        gold = found.setdefault((minutes.source, c.item), {"doc": minutes.source, "item": c.item, "sections": []})
        item = next((i for i in minutes.items if _number(minutes, i) == c.item), None)
        if item is None or item.closed or document != c.document:
            continue
        section = next((s.kind.value for s in item.sections if s.start <= c.start < s.end), None)
        if section and section not in gold["sections"]:
            gold["sections"].append(section)
    return list(found.values())
