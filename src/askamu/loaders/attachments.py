"""Attachments (bilag) that `askamu fetch --attachments` laid beside a meeting, read as parts of its items.

FOLDER/<committee>-<date>-<first 8 of id>.json   the meeting
FOLDER/attachments/<id>/index.json               which PDF is which attachment
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askamu.errors import (
    AskamuError,
    AttachmentChanged,
    AttachmentsLeftOut,
    NotOpened,
    ParserFailed,
    TooLongToRead,
    TooMuchText,
    Unreadable,
)
from askamu.loaders.loaded import Budget
from askamu.loaders.text import one_line

FOLDER, INDEX = "attachments", "index.json"
SECONDS = 60.0  # for all attachments of one meeting
MAX_CHARS = 8_000_000  # of all of them, headings counted
MAX_NAME = 120  # characters of a name: it stands above each page
MAX_INDEX_BYTES = 5_000_000
MAX_BYTES = 100_000_000  # of one PDF: what fetch takes at most


@dataclass(frozen=True, slots=True)
class Attached:
    """The text of one attachment."""

    name: str
    pages: tuple[str, ...]  # in order; "" for a page without text


class Attachments:
    """The attachments of one meeting, read when asked for. What can't be read is kept for `told`."""

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._rows = {str(row["id"]).lower(): row for row in _rows(place)} if place else {}
        self._budget = Budget("", SECONDS, MAX_CHARS)
        self._asked: set[str] = set()
        self._problems: list[AskamuError] = []
        self._left_out: list[str] = []

    def read(self, id: str, name: str) -> Attached | None:
        """The attachment with an id; None where it was not fetched, can't be read, or belongs to an item before."""
        row = self._rows.get(id.lower())
        if row is None or self._place is None or id in self._asked:
            return None
        self._asked.add(id)
        name = one_line(name)[:MAX_NAME]
        if self._left_out:
            self._left_out.append(name)
            return None
        try:
            return Attached(name, self._pages(self._place, row, name))
        except (TooMuchText, TooLongToRead):
            self._left_out.append(name)  # and all that follow: the room for one meeting's attachments is used up
        except Unreadable as error:
            self._problems.append(error)
        except OSError as error:
            self._problems.append(NotOpened(name, error))
        except Exception as error:  # of a library that nobody thought of: the meeting itself can be read
            self._problems.append(ParserFailed(name, error))
        return None

    def told(self) -> tuple[AskamuError, ...]:
        """What could not be read, and how many were left out because there were too many."""
        left_out = (AttachmentsLeftOut(self._left_out),) if self._left_out else ()
        return (*self._problems, *left_out)

    def _pages(self, place: Path, row: dict[str, Any], name: str) -> tuple[str, ...]:
        from askamu.loaders.pdf import read_pdf

        path = place / row["file"]
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise AttachmentChanged(name)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise AttachmentChanged(name)
        self._budget.name = name
        read = read_pdf(data, self._budget)
        self._budget.spend(len(read.pages) * (len(name) + 20))
        ends = [*read.pages[1:], len(read.text)]
        return tuple(read.text[a:b].strip() for a, b in zip(read.pages, ends, strict=True))


def beside(meeting: Path) -> Path | None:
    """The folder with a fetched meeting's attachments; None where there is none."""
    start = re.search(r"-([0-9a-z-]{8})\.json$", meeting.name)
    if not start:
        return None
    try:
        folder = meeting.parent / FOLDER
        found = [p for p in folder.iterdir() if p.name.lower().startswith(start[1])] if folder.is_dir() else []
        return found[0] if len(found) == 1 and (found[0] / INDEX).is_file() else None
    except OSError:  # a folder that can't be looked into holds nothing for us
        return None


def holds_attachments(folder: Path) -> bool:
    """Whether a folder is one that `askamu fetch` put a meeting's attachments in, wherever it was copied to."""
    index = folder / INDEX
    try:
        return index.is_file() and b'"meeting_sha256"' in index.read_bytes()[:4096]
    except OSError:
        return False


def fingerprint(meeting: Path) -> str:
    """What tells one set of a meeting's attachments from another; "" where there are none."""
    place = beside(meeting)
    rows = _rows(place) if place else []
    return hashlib.sha256(repr([(r["id"], r["sha256"]) for r in rows]).encode()).hexdigest()[:16] if rows else ""


def _rows(place: Path) -> Sequence[dict[str, Any]]:
    """The lines of an index whose PDF was fetched; none of an index that can't be read, or that names other places."""
    path = place / INDEX
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            return []
        rows = json.loads(path.read_bytes())["attachments"]
        return [r for r in rows if is_whole(r)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def is_whole(row: Any) -> bool:
    """Whether a line of the index names a PDF beside it."""
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(key), str) for key in ("id", "file", "sha256"))
        and re.fullmatch(r"[0-9a-z][0-9a-z.-]*\.pdf", row["file"]) is not None
    )
