"""A question -> how it is to be told, and the question without the words that say so.

»Giv et resumé af sagen om småjob« is searched as »sagen om småjob«, and told as a summary of the whole item.
»Forklar det i almindeligt sprog« after an answer is the question before it, told plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from askamu.danish import frame_words, stop_words, words
from askamu.llm.claims import compiled
from askamu.passage import Turn


class Style(StrEnum):
    """How an answer is told. The values are keys of the texts under llm.style."""

    ANSWER = "answer"  # briefly, what is asked
    PLAIN = "plain"  # in plain words
    SUMMARY = "summary"  # what the item is about, what was recommended and what was decided


@dataclass(frozen=True, slots=True)
class Told:
    """A question and how it is to be told."""

    question: str
    history: tuple[Turn, ...]
    style: Style


def read_style(asked: str, history: Sequence[Turn]) -> Told:
    """The style a question asks for, and what it asks apart from it.

    Where nothing is left of it, the question before it is asked again.
    """
    for style in (Style.SUMMARY, Style.PLAIN):
        pattern = compiled("style", style.value)
        if not pattern.search(asked):
            continue
        rest = " ".join(pattern.sub(" ", asked).split()).strip(" ,.:;–-")
        if any(w not in stop_words() and w not in frame_words() for w in words(rest)):
            return Told(rest, tuple(history), style)
        before = [n for n, turn in enumerate(history) if turn.role == "user"]
        if before:
            return Told(history[before[-1]].content, tuple(history[: before[-1]]), style)
    return Told(asked, tuple(history), Style.ANSWER)
