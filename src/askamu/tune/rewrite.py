"""Texts from minutes -> how somebody might ask for them: everyday words, question frames, words left out, typos."""

from __future__ import annotations

import random
import re
from functools import cache

from askamu.danish import Analyser
from askamu.tune.pairs import Kind
from askamu.vocabulary import table

# How often each is done to a text that was mined. Written questions only ever get the last three.
SHORTER, EVERYDAY, FRAME, DROP, SHUFFLE, LOWER = 0.8, 0.6, 0.4, 0.3, 0.1, 0.3
APART, FOLD, TYPO = 0.15, 0.1, 0.15
WORD_APART = 0.5  # of each compound of such a text
PART = 5, 14  # words
DROPPED = 0.25  # share of the words
_LETTERS = re.compile(r"[^\W\d_]+")
_FOLDED = str.maketrans({"å": "aa", "ø": "oe", "æ": "ae", "Å": "Aa", "Ø": "Oe", "Æ": "Ae"})


def rewrite(text: str, kind: Kind, chance: random.Random, analyser: Analyser) -> str:
    """One way in which somebody may ask for it; another each time.

    Args:
        analyser: knows which words are compounds.
    """
    if kind not in (Kind.WRITTEN, Kind.ATTENDANCE):
        if kind is not Kind.TITLE and chance.random() < SHORTER:
            text = _part(text, chance)
        if chance.random() < EVERYDAY:
            text = everyday(text, chance)
        text = _fewer(text, chance) if chance.random() < DROP else text
        text = _shuffled(text, chance) if chance.random() < SHUFFLE else text
        text = text.lower() if chance.random() < LOWER else text
        if chance.random() < FRAME:
            text = chance.choice(table("rewriting")["frames"]).replace("…", text.rstrip(" .?"))
    text = _apart(text, chance, analyser) if chance.random() < APART else text
    text = text.translate(_FOLDED) if chance.random() < FOLD else text
    return _mistyped(text, chance) if chance.random() < TYPO else text


def everyday(text: str, chance: random.Random) -> str:
    """With the thesaurus' everyday words for official ones."""
    return _official().sub(lambda found: chance.choice(_everyday().get(found[0].casefold()) or [found[0]]), text)


@cache
def _everyday() -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for group in table("thesaurus")["group"]:
        for official in group["official"]:
            words.setdefault(official.casefold(), []).extend(group["everyday"])
    return words


@cache
def _official() -> re.Pattern[str]:
    longest_first = sorted(_everyday(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


def _part(text: str, chance: random.Random) -> str:
    """Some words that stand together: people ask shortly."""
    words = text.split()
    size = chance.randint(*PART)
    at = chance.randrange(max(1, len(words) - size + 1))
    return " ".join(words[at : at + size]).strip(" ,.:;–-•")


def _fewer(text: str, chance: random.Random) -> str:
    words = text.split()
    return " ".join([w for w in words if chance.random() > DROPPED] or words)


def _shuffled(text: str, chance: random.Random) -> str:
    words = text.split()
    return " ".join(chance.sample(words, len(words)))


def _apart(text: str, chance: random.Random, analyser: Analyser) -> str:
    """Some of the compounds written as two words."""
    return _LETTERS.sub(lambda w: analyser.apart(w[0]) if chance.random() < WORD_APART else w[0], text)


def _mistyped(text: str, chance: random.Random) -> str:
    """One letter of one long word lost, doubled, or changed for its neighbour."""
    words = text.split(" ")
    long = [n for n, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    n = chance.choice(long)
    word, at = words[n], chance.randrange(1, len(words[n]) - 2)
    words[n] = chance.choice([
        word[:at] + word[at + 1 :],
        word[: at + 1] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ])  # fmt: skip
    return " ".join(words)
