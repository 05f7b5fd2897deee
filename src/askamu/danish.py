"""Danish words for searching: stems, the parts of compounds, and character n-grams.

Stemming alone finds few of the words a citizen's word is a part of (»sygedagpenge« in
»sygedagpengeindsatsen«), so a word is indexed as its stem, as the stems of its compound parts, and
as folded 4-grams, which also carry typos and missing æ, ø, å.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

import Stemmer

WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+", re.UNICODE)
GRAM = 4
MIN_COMPOUND = 8  # letters a word must have to be split
MAX_COMPOUND = 60  # longer ones are no words, and splitting takes time with the square of the length
MIN_PART = 4  # letters each part must have
MIN_WRITTEN = 3  # the same, of what people write apart (»små job«)
LINKS = ("", "s", "e")  # linking letters between parts

_FOLD = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "é": "e", "ü": "y", "ö": "oe", "ä": "ae"})
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_stemmer = Stemmer.Stemmer("danish")
_stemmer.maxCacheSize = 50_000


def fold(text: str) -> str:
    """Lower case without æ, ø, å and accents: »Småjob« and »smaajob« become the same."""
    text = unicodedata.normalize("NFC", text).casefold().translate(_FOLD)
    if text.isascii():  # most words are by now, and the rest takes time
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return _FOREIGN.sub(lambda c: "" if unicodedata.combining(c[0]) else c[0], decomposed)


def letters(text: str) -> str:
    """Its letters alone, folded: names that are punctuated or spaced in two ways become the same."""
    return "".join(c for c in fold(text) if c.isalpha())


def words(text: str) -> list[str]:
    """The words and numbers of a text, lower case, in order."""
    return [w.casefold() for w in WORD.findall(text)]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The Snowball stem of a word, folded."""
    return fold(_stemmer.stemWord(word.casefold()))


def stop_words() -> frozenset[str]:
    """Words that say nothing about the subject, from vocabulary/stopwords.toml (Danish and English)."""
    from askamu.vocabulary import word_set

    return word_set("stopwords", "danish") | word_set("stopwords", "english")


def frame_words() -> frozenset[str]:
    """Words that show what kind of question it is and nothing of its subject (»besluttede«, »udvalget«)."""
    from askamu.vocabulary import word_set

    return word_set("stopwords", "frame")


class Analyser:
    """Turns text into index terms, splitting compounds against the words of a corpus.

    Args:
        frequency: word (lower case, unfolded) -> in how many passages it stands.
    """

    def __init__(self, frequency: Mapping[str, int]) -> None:
        self._known = {fold(w) for w, n in frequency.items() if len(w) >= MIN_WRITTEN and w.isalpha()}
        self._parts: dict[str, tuple[str, ...]] = {}

    def stems(self, text: str) -> list[str]:
        return [stem(w) for w in words(text)]

    def parts(self, text: str) -> list[str]:
        """Stems of the compound parts of each word that has some."""
        return [p for w in words(text) for p in self.split(w)]

    def split(self, word: str) -> tuple[str, ...]:
        """The stems of a compound's two parts, () where the corpus knows no such parts."""
        found = self._parts.get(word)
        if found is None:
            folded = fold(word)
            cut = self._cut(folded, MIN_PART) if len(folded) >= MIN_COMPOUND else None
            found = self._parts[word] = (stem(folded[: cut[0]]), stem(folded[cut[1] :])) if cut else ()
        return found

    def apart(self, word: str) -> str:
        """A compound written as two words, as many people do (»jobrotation« -> »job rotation«); else the word."""
        cut = self._cut(fold(word), MIN_WRITTEN)
        for at in range(1, len(word)):
            if cut and len(fold(word[:at])) == cut[1]:
                return f"{word[:at]} {word[at:]}"
        return word

    def _cut(self, word: str, part: int) -> tuple[int, int] | None:
        """Where the first part of a folded compound ends and where the second one begins.

        Of several splits the one with the most even parts is taken: it is the least likely to cut
        off an ending.

        Args:
            part: letters each part must have.
        """
        if len(word) > MAX_COMPOUND or not word.isalpha():
            return None
        best: tuple[int, int] | None = None
        least = len(word)
        for cut in range(part, len(word) - part + 1):
            tail = word[cut:]
            if tail not in self._known and (len(stem(tail)) < part or stem(tail) not in self._known):
                continue
            for link in LINKS:
                end = cut - len(link)
                if end < part or not word[:cut].endswith(link):
                    continue
                if word[:end] in self._known:
                    if abs(end - len(tail)) < least:
                        best, least = (end, cut), abs(end - len(tail))
                    break
        return best

    def grams(self, text: str) -> list[str]:
        """Folded, padded character 4-grams of each word; numbers stay whole."""
        found: list[str] = []
        for word in words(text):
            found.extend(word_grams(word))
        return found


@lru_cache(maxsize=100_000)
def gram_set(word: str) -> frozenset[str]:
    return frozenset(word_grams(word))


@lru_cache(maxsize=100_000)
def word_grams(word: str) -> tuple[str, ...]:
    """The padded 4-grams of one word."""
    if word[0].isdigit():
        return (word,)
    padded = f"_{fold(word)}_"
    if len(padded) <= GRAM:
        return (padded,)
    return tuple(padded[i : i + GRAM] for i in range(len(padded) - GRAM + 1))


def frequencies(texts: Iterable[str]) -> dict[str, int]:
    """In how many of the texts each word stands."""
    count: dict[str, int] = {}
    for text in texts:
        for word in set(words(text)):
            count[word] = count.get(word, 0) + 1
    return count
