"""A file -> Source: its text, cleaned, and where it came from.

Cleaning changes line ends, white space, invisible characters, line-end hyphens and page noise only, so
whatever is quoted from the stored text also stands in the original. How each format is read stands in
`loaders/`, one module a format.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from askamu.errors import AskamuError, EmptyFile, NotRegular, TooLarge
from askamu.loaders import SUFFIXES as SUFFIXES
from askamu.loaders import attachments, read
from askamu.loaders.loaded import Outline as Outline
from askamu.loaders.loaded import OutlineItem as OutlineItem
from askamu.loaders.loaded import OutlineSection as OutlineSection
from askamu.loaders.text import clean as clean
from askamu.loaders.text import decode as decode

DEFAULT_MAX_BYTES = 30_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it is stored."""

    name: str  # the file's name, unique in an index
    path: Path
    text: str  # cleaned
    sha256: str  # of the original bytes
    pages: tuple[int, ...] = ()  # where each page begins in `text`; () where there are no pages
    outline: Outline | None = None
    address: str | None = None  # where the document is published, if the file says
    problems: tuple[AskamuError, ...] = ()  # with attachments that could not be read


def load(path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> Source:
    """Read one file: text, Markdown, PDF, HTML, DOCX or FirstAgenda's JSON.

    Raises:
        Unreadable: no regular file, empty, too large, encrypted, damaged, scanned, of no known format; the
            message names the file and says what to do.
        OSError: if the file can't be opened.
    """
    size = regular_size(path)
    if size > max_bytes:
        raise TooLarge(path.name, size, max_bytes)
    data = path.read_bytes()
    loaded = read(data, path.name, attachments.beside(path))
    if not loaded.text.strip():
        raise EmptyFile(path.name)
    sha256 = hashlib.sha256(data).hexdigest()
    return Source(path.name, path, loaded.text, sha256, loaded.pages, loaded.outline, loaded.address, loaded.problems)


def regular_size(path: Path) -> int:
    """The size of a file in bytes.

    Raises:
        NotRegular: a pipe, a socket, a device or a folder.
        OSError: if it can't be looked at.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(path.name)
    return status.st_size
