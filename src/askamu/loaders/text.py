"""Bytes -> clean text."""

from __future__ import annotations

import re
import unicodedata

from askamu.errors import BinaryFile

_INVISIBLE = dict.fromkeys(
    map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
)
_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\v"), " "
)
_CONTROL = {c: " " for c in range(32) if c not in (9, 10)} | {127: " "}


def decode(data: bytes, name: str) -> str:
    """Bytes to text: UTF-16 with a mark or by its zero bytes, UTF-8, else Windows-1252.

    Raises:
        BinaryFile: if the bytes are no text in any of these.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    elif data[:2000].count(0) > len(data[:2000]) // 3:
        little = data[1:2000:2].count(0) > data[0:2000:2].count(0)
        text = data.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if not _is_text(text):
        raise BinaryFile(name)
    return text


def _is_text(text: str) -> bool:
    """Whether a sample reads as text: hardly any control or replacement characters, some letters."""
    sample = text[:20_000]
    odd = sum(1 for c in sample if c == "\ufffd" or (ord(c) < 32 and c not in "\t\n\r\f\v"))
    return odd <= len(sample) * 0.02


def clean(text: str) -> str:
    """The stored text: NFC, line feeds, plain spaces, no invisible characters, no spaces at line ends."""
    text = unicodedata.normalize("NFC", text)
    text = (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\f", "\n")
        .replace("\u2028", "\n")
        .replace("\u2029", "\n\n")
    )
    text = text.replace("\x85", "\n").translate(_INVISIBLE).translate(_SPACES).translate(_CONTROL)
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return re.sub(r"[ \t]+(?=\n|\Z)", "", text)


def settle(text: str) -> str:
    """Clean text that stays as it is when cleaned again: an accent behind an invisible character takes two turns."""
    while (once := clean(text)) != text:
        text = once
    return text


def one_line(text: str) -> str:
    """Text as one line of words parted by single spaces, clean."""
    return settle(" ".join(settle(text).split()))
