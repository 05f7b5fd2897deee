"""What a language model writes -> its sentences, each as soon as it is whole: from running text with marks, or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from askamu.errors import LanguageModelFailed
from askamu.llm.model import Writing
from askamu.privacy import hide_cpr
from askamu.sentences import sentences

_LATE_MARKS = re.compile(r"([.!?])[ \t]*((?:\[[^\]\n]{1,120}\][ \t]*)+)")
_MAY_END = re.compile(r"[.!?:»«\]}][\s\[(»„\"-]*[A-ZÆØÅ0-9]|\n\s*\S")  # and another sentence begins
_UNCLOSED = re.compile(r"[\[{][^\]}\n]*$")  # a mark of which the end has not come yet
_AFTER_MARK = re.compile(r"(?<=[\]}])[ \t]+(?=[A-ZÆØÅ])")  # a mark ends its sentence, full stop or none
_NUMBER = re.compile(
    r"(?:^|\s)\d{1,2}\.$"
)  # of a list's point: where a sentence ends in a figure, its mark stands behind it
_BULLET = re.compile(r"^(?:[-–•*·]|\d{1,2}[.)])\s+")
SCHEMA: dict[str, Any] = {
    "name": "answer",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {
            "sentences": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string"},
                        "marks": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["text", "marks"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["sentences"],
        "additionalProperties": False,
    },
}


def plain(writing: Writing) -> Iterator[tuple[str, str]]:
    """The sentences of running text with marks, each as soon as the next one begins, with what stands before it."""
    held, told, seen = "", 0, 0
    for piece in writing:
        held += piece
        if not piece.strip() or not _MAY_END.search(held, seen):
            continue
        seen = max(0, len(held) - 2)
        pieces = list(cut(_UNCLOSED.sub("", held)))
        yield from pieces[told:-1]
        told = max(told, len(pieces) - 1)
    yield from list(cut(held))[told:]


def cut(held: str) -> Iterator[tuple[str, str]]:
    """A text's sentences, marks that follow a full stop drawn before it, and what stands before each."""
    text = hide_cpr(_LATE_MARKS.sub(lambda m: f" {m[2].strip()}{m[1]} ", held.replace("\r", "")))[0]
    for line in text.split("\n"):
        bare = line.strip().lstrip("#> ").strip()
        if not bare or re.fullmatch(r"[-=*_`]{3,}\w*", bare):
            continue
        bullet = _BULLET.match(bare)
        bare = bare[bullet.end() :] if bullet else bare
        first = "\n- " if bullet else "\n\n"
        pieces = [span.of(part) for part in _AFTER_MARK.split(bare) for span in sentences(part, 0, len(part))]
        for n, said in enumerate(_whole(pieces)):
            yield said, " " if n else first


def _whole(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces put together where one was cut within a quotation, or behind the number of a list's point."""
    held = ""
    for piece in pieces:
        held = f"{held} {piece}" if held else piece
        if held.count("»") <= held.count("«") and held.count("„") <= held.count("“") and not _NUMBER.search(held):
            yield held
            held = ""
    if held:
        yield held


def structured(writing: Writing) -> Iterator[tuple[str, str]]:
    """The sentences of an answer in JSON (`SCHEMA`), each as soon as the next one begins.

    Raises:
        LanguageModelFailed: if it is none.
    """
    from langchain_core.utils.json import parse_partial_json

    held, told = "", 0
    for piece in writing:
        held += piece
        if "}" in piece:
            try:
                rows = _rows(parse_partial_json(held))
            except (ValueError, TypeError):
                continue
            yield from rows[told:-1]
            told = max(told, len(rows) - 1)
    try:
        rows = _rows(json.loads(held))
    except (ValueError, RecursionError) as error:
        raise LanguageModelFailed("malformed") from error
    yield from rows[told:]


def _rows(read: Any) -> list[tuple[str, str]]:
    rows = read.get("sentences", []) if isinstance(read, dict) else []
    found = []
    for row in rows if isinstance(rows, list) else []:
        text, marks = (row.get("text"), row.get("marks")) if isinstance(row, dict) else (None, None)
        if isinstance(text, str) and isinstance(marks, list):
            named = "".join(f" [{m.strip('[] ')}]" for m in marks if isinstance(m, str))
            found.append((hide_cpr(" ".join(text.split()))[0] + named, " "))
    return found


def numbered(reply: str) -> Iterator[tuple[int, str]]:
    """The lines »1. …« of a reply, marks that follow a full stop drawn before it."""
    for line in reply.splitlines():
        if found := re.match(r"\s*(\d{1,2})[.)]\s+(\S.*)", line[:2_000]):
            yield int(found[1]), " ".join(raw for raw, _ in cut(found[2]))
