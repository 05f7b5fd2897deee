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
ONE_BYTE = ("cp1252", "cp865", "mac_roman")  # the first wins where they read alike
_CONTROL = {c: " " for c in range(32) if c not in (9, 10)} | {127: " "}


def decode(data: bytes, name: str) -> str:
    """Bytes to text: UTF-16 with a mark or by its zero bytes, UTF-8, else the one-byte encoding that reads as Danish.

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
            text = _one_byte(data)
    if not _is_text(text):
        raise BinaryFile(name)
    return text


def _one_byte(data: bytes) -> str:
    """Windows-1252, or DOS or Macintosh text where only that gives words with æ, ø and å.

    Each is judged by the letters that Danish uses beyond ASCII against the other signs between letters.
    """
    best = max(ONE_BYTE, key=lambda encoding: _danish(data[:200_000].decode(encoding, errors="replace")))
    return data.decode(best, errors="replace")


def _danish(text: str) -> int:
    """How much of what lies beyond ASCII is Danish letters inside words."""
    right = len(re.findall(r"(?<=[A-Za-z])[æøåé]|[æøåÆØÅ](?=[a-zæøå])", text))
    wrong = len(re.findall(r"(?<=[A-Za-z])[^\x00-\x7fæøåÆØÅéèüöäÉÜÖÄ§´’”–—…](?=[A-Za-z])", text))
    return right - 2 * wrong


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
