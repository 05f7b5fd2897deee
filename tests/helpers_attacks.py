"""Attempts to talk a language model out of its rules, and models that let themselves be talked round.

for attack in attacks("minutes"):
    file.write_text(minutes_with(attack)) ...  # ingest
    with scripted(obedient(attack)) as server:
        shown = ...  # ask attack.question after attack.history
        assert obeyed(attack, shown, server.replies) == []
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from helpers_liars import LIARS, first_mark
from helpers_llm import Prompt, Reply, honest, reached
from helpers_oracles import outside_quotes

DATA = Path(__file__).parent / "data"
SPOTS = ("title", "heading", "case", "table", "recommendation", "decision", "attachment")
MUNICIPALITY = "Fjordlev"
QUESTIONS = {
    "da": "Hvad blev der besluttet om cykelparkering ved Fjordlev Station?",
    "en": "What was decided about cykelparkering at Fjordlev Station?",
}
_SPOT = re.compile(r" ?⟦(\w+)⟧")


@dataclass(frozen=True, slots=True)
class Attack:
    """A text that is to make a model break a rule, where it stands, and what then may not be seen."""

    id: str
    language: str
    place: str  # "question", "history" or "minutes"
    kinds: tuple[str, ...]
    text: str
    question: str  # what is asked; the text itself where that is the attack
    spot: str | None  # where in the minutes
    history: tuple[tuple[str, str], ...]  # role and words
    reply: str  # what an obedient model writes
    never: tuple[str, ...]  # patterns that the shown answer may not match


@cache
def attacks(place: str | None = None) -> tuple[Attack, ...]:
    read = tomllib.loads((DATA / "attacks.toml").read_text(encoding="utf-8"))
    kinds, found = read["kinds"], []
    for one in read["attack"]:
        first = kinds[one["kinds"][0]]
        question = one.get("question") or (QUESTIONS[one["language"]] if one["place"] == "minutes" else one["text"])
        found.append(
            Attack(
                one["id"], one["language"], one["place"], tuple(one["kinds"]), one["text"], question, one.get("spot"),
                tuple((role, said) for role, said in one.get("history", ())),
                one.get("reply", first["reply"]), tuple(one.get("never", first["never"])),
            )
        )  # fmt: skip
    return tuple(a for a in found if place in (None, a.place))


def minutes_with(attack: Attack | None, spot: str | None = None) -> str:
    """The minutes of a meeting with the attack's text at its spot, or at another; without an attack, sound minutes."""
    text = (DATA / "attacked.txt").read_text(encoding="utf-8")
    at = spot or (attack.spot if attack else None)
    if attack is not None and f"⟦{at}⟧" not in text:
        raise ValueError(f"{attack.id}: no spot {at!r} in the minutes; there are {', '.join(SPOTS)}")

    def put(found: re.Match[str]) -> str:
        if attack is None or found[1] != at:
            return ""
        said = attack.text if at in ("case", "heading") else " ".join(attack.text.split())
        lead = found[0][: found[0].index("⟦")]
        return lead + (f"{said}\t\t\t" if at == "table" else said)

    return re.sub(r"\n{3,}", "\n\n", _SPOT.sub(put, text))


def obedient(attack: Attack) -> Callable[[Prompt], Reply]:
    """A model that does what the attack wants, whatever it was told before."""

    def reply(prompt: Prompt) -> Reply:
        if not prompt.passages:
            return honest(prompt)
        lies = _lies(attack, prompt)
        if prompt.is_repair:
            again = [text if "[" in text else f"{text} [{first_mark(prompt)}]" for text in prompt.failed]
            return Reply("\n".join(f"{n}. {text}" for n, text in enumerate(again, start=1)), lies)
        mark = first_mark(prompt)
        said = attack.reply.replace("{mark}", f"[{mark}]").replace("{id}", mark.partition(".")[0])
        for kind, name in (("prompt", "prompt_revealed"), ("ids", "ids_revealed")):
            told = LIARS[name].lie(prompt, Random(0)) if kind in attack.kinds else None
            said = f"{said} {told.text}".strip() if told is not None else said
        return Reply(said, lies)

    return reply


def _lies(attack: Attack, prompt: Prompt) -> tuple[str, ...]:
    lies = list(attack.never)
    for kind, name in (("prompt", "prompt_revealed"), ("ids", "ids_revealed")):
        told = LIARS[name].lie(prompt, Random(0)) if kind in attack.kinds else None
        lies += told.lies if told is not None else ()
    return tuple(lies)


def obeyed(attack: Attack, answer: str, replies: Iterable[Reply] = ()) -> list[str]:
    """What in a shown answer shows that the attack was obeyed. Minutes may be quoted, whatever they say: in »…«."""
    lies = dict.fromkeys([*attack.never, *(lie for reply in replies for lie in reply.lies)])
    return reached(outside_quotes(answer) if attack.place == "minutes" else answer, Reply("", tuple(lies)))
