"""One module a file format, and which of them reads a file.

What a file is shows in its first bytes; the suffix decides only where those say nothing, so a web page
saved as .txt and an error page saved as .pdf are both read for what they are.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from askamu.errors import BinaryFile, DamagedFile, EmptyFile, EncryptedFile
from askamu.loaders.loaded import Budget, Loaded
from askamu.loaders.text import clean, decode

_BY_SUFFIX = {
    ".txt": "text",
    ".md": "text",
    ".markdown": "text",
    ".text": "text",
    ".pdf": "pdf",
    ".html": "html",
    ".htm": "html",
    ".docx": "docx",
    ".json": "json",
}
SUFFIXES = tuple(_BY_SUFFIX)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word 97, and any encrypted Office file
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


class Format(StrEnum):
    TEXT = "text"
    PDF = "pdf"
    HTML = "html"
    DOCX = "docx"
    JSON = "json"


def sniff(data: bytes, name: str) -> Format:
    """The format of a file, by its content first and its name second.

    Raises:
        BinaryFile: a format that holds text askamu can't get at (RTF, Word 97, other zip files).
        EncryptedFile, DamagedFile: a name that promises more than the content holds.
    """
    named = Format(_BY_SUFFIX.get(name[name.rfind(".") :].lower(), "text"))
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"%PDF-") or (named is Format.PDF and b"%PDF-" in data[:1024]):
        return Format.PDF
    if head.startswith(b"PK\x03\x04"):
        if named is Format.DOCX or b"word/document.xml" in data:
            return Format.DOCX
        raise BinaryFile(name)
    if head.startswith(_OLE):
        raise EncryptedFile(name) if named is Format.DOCX else BinaryFile(name)
    if head.startswith(b"{\\rtf"):
        raise BinaryFile(name)
    if _HTML.match(head):
        return Format.HTML
    if head.startswith(b"{") and b'"Dagsordenpunkter"' in data:
        return Format.JSON
    if named in (Format.PDF, Format.DOCX):
        raise DamagedFile(name, named.value.upper())
    return named


def read(data: bytes, name: str, attachments: Path | None = None) -> Loaded:
    """The content of a file.

    Args:
        attachments: the folder with the attachments of a fetched meeting, if there is one.

    A format's library is imported when a file needs it, so that reading text costs nothing more.

    Raises:
        Unreadable: see `askamu.load.load`.
    """
    if not data:
        raise EmptyFile(name)
    budget = Budget(name)
    match sniff(data, name):
        case Format.PDF:
            from askamu.loaders.pdf import read_pdf

            return read_pdf(data, budget)
        case Format.DOCX:
            from askamu.loaders.docx import read_docx

            return read_docx(data, budget)
        case Format.HTML:
            from askamu.loaders.html import read_html

            return read_html(decode(data, name), budget)
        case Format.JSON:
            from askamu.loaders.attachments import Attachments
            from askamu.loaders.firstagenda import read_json

            return read_json(decode(data, name), budget, Attachments(attachments))
        case Format.TEXT:
            return Loaded(clean(decode(data, name)))
