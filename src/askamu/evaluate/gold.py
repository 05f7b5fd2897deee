"""Questions with gold: what is asked, where the answer stands, and what it must say.

A file holds one object a line: {"id", "question", "type", "lang", "answerable", "gold": [{"doc", "item", "alt"?}],
"must_include": [[wording, …], …], "must_not_include": [text, …], "history": [{"role", "content"}, …]}. `doc` is how the
file's name begins, or stands in it; `item` the printed number of the item, "0" what stands before the first one; an
item with `alt` would do as well. Of each list of wordings any one suffices.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askamu.errors import BadQuestions
from askamu.passage import Turn

SUFFIXES = (".jsonl", ".json")


@dataclass(frozen=True, slots=True)
class GoldItem:
    """Where an answer stands."""

    doc: str
    item: str
    alternative: bool = False  # it would serve as well, or adds to the answer without being needed

    def is_at(self, source: str, item: str) -> bool:
        """Whether it is this item of this file."""
        named = source.startswith(self.doc) or bool(re.search(rf"(?<!\w){re.escape(self.doc)}(?!\w)", source))
        return named and _plain(item) == _plain(self.item)


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question, and what a right answer has."""

    id: str
    question: str
    type: str
    language: str
    answerable: bool
    gold: tuple[GoldItem, ...]
    facts: tuple[tuple[str, ...], ...]  # any wording of each
    forbidden: tuple[str, ...]
    history: tuple[Turn, ...]
    why: str

    @property
    def document(self) -> str:
        """The file that it is about, by which figures are grouped; "" for a question that none answers."""
        return next((g.doc for g in self.gold if not g.alternative), "")


def read_gold(files: Sequence[Path]) -> list[GoldQuestion]:
    """The questions of some files.

    Raises:
        BadQuestions: if a file or a line can't be read, or an id is there twice; it names file and line.
    """
    found: dict[str, GoldQuestion] = {}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadQuestions(file, 0, error) from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                question = read_question(json.loads(line))
                if question.id in found:
                    raise ValueError(f"id {question.id!r} twice")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise BadQuestions(file, number, error) from error
            found[question.id] = question
        if not found:
            raise BadQuestions(file, 0, ValueError("no questions"))
    return list(found.values())


def read_question(given: dict[str, Any]) -> GoldQuestion:
    """One line of a file.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: if it is of another form.
    """
    if not isinstance(given["question"], str) or not given["question"].strip():
        raise TypeError("question")
    if not isinstance(given["answerable"], bool):
        raise TypeError("answerable")
    gold = tuple(GoldItem(str(g["doc"]), str(g["item"]), bool(g.get("alt"))) for g in given.get("gold") or ())
    if given["answerable"] and not gold:
        raise ValueError("answerable, and no gold")
    return GoldQuestion(
        id=str(given["id"]),
        question=given["question"],
        type=str(given.get("type") or "?"),
        language=str(given.get("lang") or "da"),
        answerable=given["answerable"],
        gold=gold,
        facts=tuple(_wordings(f) for f in given.get("must_include") or ()),
        forbidden=tuple(map(str, given.get("must_not_include") or ())),
        history=tuple(Turn(str(t["role"]), str(t["content"])) for t in given.get("history") or ()),
        why=str(given.get("why") or ""),
    )


def _wordings(given: Any) -> tuple[str, ...]:
    wordings = (given,) if isinstance(given, str) else tuple(map(str, given))
    if not any(w.strip() for w in wordings):
        raise ValueError("must_include: an empty wording")
    return wordings


def _plain(item: str) -> str:
    return re.sub(r"\W", "", item).casefold()
