"""A follow-up -> a question that stands alone, and a question about several things -> one about each.

A language model proposes; what it proposes may hold no word of its own, so that it can neither answer nor lead astray.
Only what the person has asked is read for it, never an answer: words of minutes must not decide what is searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from askamu import prompts
from askamu.danish import stem, stop_words, words
from askamu.errors import LanguageModelFailed
from askamu.followup import leans
from askamu.llm.evidence import harmless
from askamu.llm.model import LanguageModel, Message
from askamu.passage import Turn

REMEMBERED = 3  # questions before a follow-up that it is completed from
LONGEST = 300  # characters of a completed question
MOST_PARTS = 4
_NEGATION = re.compile(r"\b(?:ikke|ingen|aldrig|not|no|never)\b", re.IGNORECASE)


def complete(model: LanguageModel, asked: str, history: Sequence[Turn], language: str, deadline: float) -> str | None:
    """A follow-up as a question that stands alone.

    Returns:
        None where it does, where nothing stands before it, and where the model gives nothing that can be used.
    """
    before = [turn.content for turn in history if turn.role == "user"][-REMEMBERED:]
    if not before or not leans(asked):
        return None
    prompt = prompts.fill(
        "complete", language, conversation="\n".join(f"- {harmless(q)}" for q in before), question=harmless(asked)
    )
    lines = _lines(model, prompt, deadline)
    whole = lines[0] if len(lines) == 1 else ""
    told, mine = _telling(whole), _telling(asked)
    brings = bool((told - mine) & frozenset().union(*map(_telling, before)))  # what the follow-up leaves out
    denies = bool(_NEGATION.search(whole)) and not any(_NEGATION.search(q) for q in (asked, *before))
    kept = brings and mine <= told and not denies
    return whole if kept and adds_nothing(whole, [asked, *before]) else None


def parts(model: LanguageModel, question: str, language: str, deadline: float) -> list[str]:
    """The questions that one about several things consists of; [] where the model names none that can be used."""
    prompt = prompts.fill("parts", language, question=harmless(question))
    named = [line for line in _lines(model, prompt, deadline) if adds_nothing(line, [question])]
    return list(dict.fromkeys(named))[:MOST_PARTS] if len(named) > 1 else []


def adds_nothing(said: str, known: Sequence[str]) -> bool:
    """Whether a question has no word and no figure that is not in those known, but for words that say nothing."""
    if not said or len(said) > LONGEST or re.search(r"[\[\]{}<>|`]|://", said):
        return False
    theirs = {stem(w) for text in known for w in words(text)}
    return all(stem(w) in theirs for w in words(said) if w not in stop_words() or w[0].isdigit())


def _telling(text: str) -> frozenset[str]:
    """Stems of the words that say something, and the figures."""
    return frozenset(stem(w) for w in words(text) if w not in stop_words() or w[0].isdigit())


def _lines(model: LanguageModel, prompt: prompts.Prompt, deadline: float) -> list[str]:
    """What the model says, line by line without numbering; [] where it fails."""
    try:
        said = "".join(model.write([Message("system", prompt.system), Message("user", prompt.user)], deadline))
    except LanguageModelFailed:
        return []
    lines = [re.sub(r"^\s*(?:[-–•*]|\d{1,2}[.)])\s+", "", line).strip(' "»«') for line in said.splitlines()]
    return [line for line in lines if line]
