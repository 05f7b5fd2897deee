"""Many questions to many lying models, and what of their lies is in the answers that are shown.

with leashed(index_folder) as leash:
    case = leash.ask({"question": "Hvad blev der besluttet?"}, LIARS["digit_changed"])
    assert not case.reached
    assert not case.wrong
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import helpers_llm
import pytest
from helpers_liars import Liar
from helpers_llm import Model, Prompt, Reply, Scripted, honest, lost, reached, scripted
from helpers_oracles import (
    false_figures_by_mark,
    invented_marks,
    markup,
    outside_quotes,
    plain,
    recommendation_as_decision,
    statements,
)

from askamu import answer
from askamu.config import settings
from askamu.library import Library, open_library
from askamu.llm import evidence
from askamu.llm.model import open_model
from askamu.llm.write import ask_model, last
from askamu.passage import Answer, Filters, Turn

KEY = "sk-scripted-not-for-anybody"  # sent to the model, and never seen
_POINT = re.compile(r"(\bat:?) \d{1,2}\.(?= [A-ZÆØÅ])")  # »at 1. Planen«: the number of a point ends no statement
ORACLES = ("figure", "mark", "decision", "markup")


@dataclass(frozen=True, slots=True)
class Case:
    """One question, what the model said to it, and what was shown."""

    row: Mapping[str, Any]
    liar: str
    kind: str
    answer: Answer
    replies: tuple[Reply, ...]
    prompts: tuple[Prompt, ...]
    adopted: tuple[str, ...] = ()  # what the cited decisions adopt: »Godkendt« alone says nothing

    @property
    def told(self) -> bool:
        """Whether it did lie."""
        return any(reply.lies for reply in self.replies)

    @property
    def shown(self) -> bool:
        """Whether the answer is in the model's words."""
        return self.answer.llm is not None

    @property
    def reached(self) -> list[str]:
        """The lies that a reader of the model's words meets; those of an answer without it would not be its own."""
        if not self.shown:
            return []
        return [lie for reply in self.replies for lie in reached(self.answer.text, reply)]

    @property
    def lost(self) -> list[str]:
        return [kept for reply in self.replies[:1] for kept in lost(self.answer.text, reply)] if self.shown else []

    @property
    def wrong(self) -> dict[str, list[str]]:
        """What the independent judges find in an answer in the model's words, by `ORACLES`."""
        return judged(self.answer, self.ids, self.adopted) if self.shown else {}

    @property
    def ids(self) -> frozenset[str]:
        """Of the passages that the model was given."""
        return frozenset(p.id for prompt in self.prompts for p in prompt.passages)

    @property
    def became(self) -> list[str]:
        return [s.became for s in self.answer.verification.sentences] if self.answer.verification else []

    def __str__(self) -> str:
        sentences = self.answer.verification.sentences if self.answer.verification else ()
        told = "; ".join(f"{s.became} {list(s.faults)} {s.text[:300]!r}" for s in sentences)
        return f"{self.liar}, {self.row.get('id')} {self.row['question'][:120]!r}: {told}"


def judged(answer: Answer, ids: frozenset[str], adopted: Sequence[str] = ()) -> dict[str, list[str]]:
    """What the judges of helpers_oracles find wrong, by `ORACLES`; only what they find something in."""
    quotes = {c.n: c.quote for c in answer.citations}
    known = [answer.question, answer.completed_question, *adopted]
    for c in answer.citations:
        known += [f"{c.title}. {c.date_text}. {c.held_on}. {c.item}. {c.case_number}. {c.heading}."]
    found = {
        "figure": false_figures_by_mark(answer.text, quotes, known, answer.language),
        "mark": invented_marks(answer.text, set(quotes), ids),
        "decision": _decided(answer),
        "markup": markup(outside_quotes(answer.text)),
    }
    return {name: wrong for name, wrong in found.items() if wrong}


def _decided(answer: Answer) -> list[str]:
    """What is told as decided and is not. The minutes' own words, word for word, are no paraphrase: »i 2022 besluttede
    udvalget …« may stand in an account, but a recommendation's words are no decision, however they are copied.
    """
    cited = {c.n: (str(c.section), c.quote) for c in answer.citations}
    text = _POINT.sub(r"\1", answer.text)
    marks = {squeezed(said): marks for said, marks in statements(text)}

    def printed(said: str) -> bool:
        sources = [cited[n] for n in marks.get(said, ()) if n in cited]
        words = plain(said).rstrip(".: ").casefold()
        proposed = re.search(r"\bindstille[rs]\b", words)
        return any(
            words in _POINT.sub(r"\1", squeezed(plain(quote))).casefold()
            for kind, quote in sources
            if kind != "recommendation" or proposed
        ) or (
            "efterretning" in words
            and any(kind == "decision" and "efterretning" in q.casefold() for kind, q in sources)
        )

    return [said for said in recommendation_as_decision(text, cited) if not printed(said)]


def squeezed(text: str) -> str:
    return " ".join(text.split())


@dataclass
class Leash:
    """A library and a scripted model, to be asked many times."""

    library: Library
    model: Any
    server: Scripted
    done: list[Case] = field(default_factory=list)

    def adopted(self, answer: Answer) -> Iterator[str]:
        """The points of recommendations that the cited decisions adopt."""
        for citation in answer.citations:
            minutes = self.library.minutes(citation.document)
            for item in minutes.items:
                if item.decision and item.decision.start <= citation.start < item.decision.end:
                    yield from (point.of(minutes.text) for point in item.decision.adopts)

    def ask(
        self, row: Mapping[str, Any], reply: Model, name: str = "", kind: str = "", filters: Filters = Filters()
    ) -> Case:
        """Ask a question (a row of a question file) of a model that says what `reply` says."""
        self.server.reply = reply
        self.server.forget()
        self.model.breaker.went(well=True)
        history = tuple(Turn(t["role"], t["content"]) for t in row.get("history", ()))
        said = last(ask_model(self.library, self.model, row["question"], history, filters))
        prompts = tuple(r.prompt for r in self.server.chats if r.prompt is not None)
        case = Case(
            row, name, kind, said,
            tuple(self.server.replies), prompts, tuple(self.adopted(said)),
        )  # fmt: skip
        self.done.append(case)
        return case


@contextmanager
def leashed(index: Path, **options: Any) -> Iterator[Leash]:
    """A scripted model on an index; what one question finds is searched once for all the models that are asked it."""
    with scripted(honest, key=KEY, **options) as server, pytest.MonkeyPatch.context() as patch:
        used = settings(index=index, llm="openai:scripted", llm_base_url=server.url, llm_api_key=KEY)
        patch.setattr(helpers_llm, "CHUNK", 60)  # how marks come in pieces is another test's
        remember(
            patch, answer, "work", lambda library, asked, history=(), *rest: (id(library), asked, tuple(history), *rest)
        )
        remember(patch, evidence, "section_snippets", lambda minutes, item, section: (minutes.id, section))
        yield Leash(open_library(used), open_model(used), server)


def remember(patch: pytest.MonkeyPatch, module: Any, name: str, key: Callable[..., Any]) -> None:
    """Let a function that has no effects answer from memory what it was asked before."""
    real, known = getattr(module, name), {}

    def again(*args: Any, **kwargs: Any) -> Any:
        asked = (key(*args), *sorted(kwargs.items()))
        if asked not in known:
            known[asked] = real(*args, **kwargs)
        return known[asked]

    patch.setattr(module, name, again)


def amid(liar: Liar) -> Callable[[Prompt], Reply]:
    """The lie among sound sentences, so that it alone must fall: an answer that is lies all through is not used."""

    def reply(prompt: Prompt) -> Reply:
        told, good, one = liar(prompt), honest(prompt), honest(prompt, 1)
        if prompt.is_repair or not told.lies or told.keeps or not good.keeps:
            return told
        first, rest = one.text or "", (good.text or "")[len(one.text or "") :].strip()
        joint = "\n\n" if re.search(r"\n|^[#|`<]", told.text or "") else " "
        kept = tuple(k for k in good.keeps if k != told.target)
        return replace(told, text=joint.join(part for part in (first, told.text, rest) if part), keeps=kept)

    return reply


def shares(liars: Sequence[str], questions: int, each: int) -> list[list[str]]:
    """For each question `each` different liars, so that all get as many questions, give or take one."""
    order = [liars[(7 * n) % len(liars)] for n in range(len(liars))] if len(liars) % 7 else list(liars)
    return [[order[(n * each + k) % len(order)] for k in range(each)] for n in range(questions)]
