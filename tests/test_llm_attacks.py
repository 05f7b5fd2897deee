"""Attempts to talk the model out of its rules, in questions, in history and inside minutes: none succeeds.

Each is asked of a model that obeys it and of an honest one. The obedient one shows that nothing but the leash stands
between the attack and the reader; the honest one that the attack does not reach round the model either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import SEEDS
from helpers_attacks import Attack, attacks, minutes_with, obedient, obeyed
from helpers_leash import KEY, Case, Leash, leashed
from helpers_liars import COMPLETIONS
from helpers_llm import Prompt, Reply, echo, honest
from helpers_oracles import outside_quotes, statements

from askamu.answer import ask
from askamu.config import Settings
from askamu.danish import words
from askamu.ingest import ingest
from askamu.passage import Answer, Filters, Turn
from askamu.show import as_record
from askamu.texts import text

FIRST = date(2024, 3, 5)  # the meeting in attacked.txt
SHINGLE = 6  # words in a row that no answer shares with what the model was told
MODELS: dict[str, Callable[[Attack], Callable[[Prompt], Reply]]] = {"obedient": obedient, "honest": lambda _: honest}
ALL = attacks()
OF_MINUTES = [a.id for a in attacks("minutes")]
FOLLOW_UPS: list[tuple[tuple[str, ...], str]] = [
    (("Hvad blev der besluttet om småjob i Fjordlev?",), "Og hvad med Bakkerup?"),
    (("Hvor mange borgere var i småjob i Bakkerup ved udgangen af 2024?",), "Hvad var målet?"),
    (("Hvad besluttede udvalget i Fjordlev om telefonlinjen?",), "Hvorfor?"),
    (("Hvordan gik det med sygedagpenge i Bakkerup?", "Hvad koster det?"), "Og året efter?"),
    (("What did the committee in Fjordlev decide about small jobs?",), "And what did it cost?"),
]
SEVERAL = [
    "Hvad er forskellen på småjob i Fjordlev og Bakkerup?",
    "Sammenlign sygedagpenge i Fjordlev og Bakkerup",
    "Hvordan har småjob udviklet sig i Fjordlev gennem årene?",
]

pytestmark = pytest.mark.slow


@dataclass
class Attacked:
    """An index and its scripted model, and what was asked of them."""

    sound: Leash  # the seeds and the sound minutes of the attacked meeting
    poisoned: Leash  # the seeds, and a meeting for each attack that stands in minutes

    def ask(self, attack: Attack, model: str) -> Case:
        leash = self.poisoned if attack.place == "minutes" else self.sound
        row = {
            "id": attack.id,
            "question": attack.question,
            "history": [{"role": role, "content": said} for role, said in attack.history],
        }
        return leash.ask(row, MODELS[model](attack), model, attack.place, day_of(attack))

    def without(self, attack: Attack) -> Answer:
        """The answer that no model has touched."""
        leash = self.poisoned if attack.place == "minutes" else self.sound
        history = [Turn(role, said) for role, said in attack.history]
        return ask(leash.library, attack.question, history, day_of(attack))


def day_of(attack: Attack) -> Filters:
    """The day of an attack's own meeting, as a reader would choose it on the page; no limit for other attacks."""
    if attack.place != "minutes":
        return Filters()
    day = FIRST + timedelta(days=OF_MINUTES.index(attack.id))
    return Filters(date_from=day, date_to=day)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    sound, poisoned = folder / "sound", folder / "poisoned"
    for place in (sound, poisoned):
        place.mkdir()
    (sound / "fjordlev-tmu.txt").write_text(minutes_with(None), encoding="utf-8")
    for attack in attacks("minutes"):
        day = day_of(attack).date_from
        assert day is not None
        told = minutes_with(attack).replace("Mødedato: 05-03-2024", f"Mødedato: {day:%d-%m-%Y}", 1)
        (poisoned / f"fjordlev-tmu-{day}.txt").write_text(told, encoding="utf-8")
    for place in (sound, poisoned):
        assert not ingest([SEEDS, place], Settings(index=index_of(place))).failed
    with leashed(index_of(sound)) as one, leashed(index_of(poisoned)) as other:
        yield Attacked(one, other)


def index_of(place: Path) -> Path:
    return place.with_name(f"{place.name}-index")


@pytest.fixture(scope="module")
def cases(attacked: Attacked) -> dict[tuple[str, str], Case]:
    """Every attack with both models."""
    return {(a.id, model): attacked.ask(a, model) for a in ALL for model in MODELS}


def each(function: Callable[..., None]) -> Callable[..., None]:
    """With every attack and both models."""
    by_model = pytest.mark.parametrize("model", MODELS)(function)
    return pytest.mark.parametrize("attack", ALL, ids=lambda a: a.id)(by_model)


# --- what an attack wants


@each
def test_no_attack_is_obeyed(cases: dict[tuple[str, str], Case], attack: Attack, model: str) -> None:
    case = cases[attack.id, model]
    assert obeyed(attack, case.answer.text, case.replies) == [], case
    for warning in case.answer.warnings:
        assert obeyed(attack, warning, case.replies) == []


@each
def test_no_attack_changes_what_is_searched(
    attacked: Attacked, cases: dict[tuple[str, str], Case], attack: Attack, model: str
) -> None:
    case, without = cases[attack.id, model], attacked.without(attack)
    assert case.answer.filters == without.filters
    assert case.answer.question == without.question
    assert case.answer.tier == without.tier
    assert case.answer.completed_question == without.completed_question
    assert case.answer.retrieved == without.retrieved


@each
def test_no_attack_adds_markup_or_breaks_what_the_judges_know(
    cases: dict[tuple[str, str], Case], attack: Attack, model: str
) -> None:
    case = cases[attack.id, model]
    assert case.wrong == {}, case


@each
def test_no_prompt_no_id_and_no_setting_is_shown(
    cases: dict[tuple[str, str], Case], attack: Attack, model: str
) -> None:
    case = cases[attack.id, model]
    seen = " ".join([case.answer.text, *case.answer.warnings])
    assert not [id for id in case.ids if re.search(rf"\b{id}\b", seen)]
    told = {row for prompt in case.prompts for row in shingles(prompt.system)}
    assert not told & shingles(seen), case
    assert KEY not in json.dumps(as_record(case.answer), ensure_ascii=False, default=str)
    assert not re.search(r"ASKAMU_|127\.0\.0\.1|sk-[\w-]{4}", seen)


@each
def test_every_statement_has_a_mark_and_every_mark_a_source(
    attacked: Attacked, cases: dict[tuple[str, str], Case], attack: Attack, model: str
) -> None:
    case = cases[attack.id, model]
    leash = attacked.poisoned if attack.place == "minutes" else attacked.sound
    marks = {int(n) for n in re.findall(r"(?<!\\)\[(\d+)\]", outside_quotes(case.answer.text))}
    assert marks <= {c.n for c in case.answer.citations}
    for citation in case.answer.citations:
        assert leash.library.minutes(citation.document).text[citation.start : citation.end] == citation.quote
    if case.shown:
        own = text("llm.verbatim", case.answer.language)
        assert unmarked(case.answer.text.partition(own)[0]) == []


def unmarked(said: str) -> list[str]:
    """What is stated without a mark: neither a lead to what follows, nor a part of a quotation."""
    found = [stated for stated, marks in statements(said) if not marks]
    return [s for s in found if not s.rstrip("* ").endswith(":")]


def shingles(said: str) -> set[tuple[str, ...]]:
    told = words(said)
    return {tuple(told[n : n + SHINGLE]) for n in range(len(told) - SHINGLE + 1)}


# --- that the attacks were tried


def test_there_are_enough_attacks() -> None:
    assert len(ALL) >= 60
    assert {a.place for a in ALL} == {"question", "history", "minutes"}
    assert {a.language for a in ALL} == {"da", "en"}


def test_the_obedient_model_did_obey(cases: dict[tuple[str, str], Case]) -> None:
    asked = [c for (_, model), c in cases.items() if model == "obedient" and c.answer.verification is not None]
    told = [c for c in asked if c.told]
    for place in ("question", "history", "minutes"):
        count = sum(c.kind == place for c in asked)
        print(f"{place}: {count} reached the model, {sum(c.kind == place for c in told)} were obeyed by it")
        assert count >= 0.4 * sum(a.place == place for a in ALL)
    assert len(told) >= 60


def test_what_the_minutes_hold_is_given_as_data_or_withheld(cases: dict[tuple[str, str], Case]) -> None:
    tried = []
    for attack in attacks("minutes"):
        case = cases[attack.id, "honest"]
        shown = " ".join(p.text for prompt in case.prompts for p in prompt.passages)
        given = shingles(attack.text) & shingles(shown)
        withheld = case.answer.verification.withheld if case.answer.verification else 0
        tried += [attack.id] if given or withheld else []
        for prompt in case.prompts:
            ids = [p.id for p in prompt.passages]
            assert len(ids) == len(set(ids))
            assert not {"aaaaaa", "bbbbbb", "cccccc"} & set(ids), "a passage that the minutes made up"
            assert not re.search(r"<\|im_|<(?:start|end)_of_turn>|[\u200b\u202e]", prompt.last)
    print(
        f"{len(tried)} of {len(OF_MINUTES)} attacks in minutes stood in what was given to the model, or were withheld"
    )
    assert len(tried) >= 0.6 * len(OF_MINUTES)


# --- the completion of follow-ups, and the division of questions


@pytest.mark.parametrize("name", COMPLETIONS)
def test_a_completion_changes_nothing_that_is_searched(attacked: Attacked, name: str) -> None:
    leash = attacked.sound
    for before, question in FOLLOW_UPS:
        history = [{"role": "user", "content": said} for said in before]
        leash.server.other = COMPLETIONS[name]
        case = leash.ask({"question": question, "history": history}, honest)
        leash.server.other = echo
        without = ask(leash.library, question, [Turn("user", said) for said in before])
        assert case.answer.filters == without.filters, case.answer.completed_question
        asked = {w for said in (*before, question, without.completed_question) for w in words(said)}
        added = set(words(case.answer.completed_question)) - asked
        assert not added & set(
            words("Nordkøbing 2031 47.117 Torvald Knarrebjerg havnens ombygning HACKED evil borgmester")
        )
        assert case.wrong == {}


@pytest.mark.parametrize("attack", attacks("history"), ids=lambda a: a.id)
def test_a_completion_that_obeys_changes_nothing(attacked: Attacked, attack: Attack) -> None:
    leash = attacked.sound
    leash.server.other = lambda prompt: replace(obedient(attack)(prompt), text=attack.reply)
    case = attacked.ask(attack, "obedient")
    leash.server.other = echo
    without = attacked.without(attack)
    assert (case.answer.filters, case.answer.completed_question) == (without.filters, without.completed_question)
    assert obeyed(attack, case.answer.text, case.replies) == []


@pytest.mark.parametrize("name", COMPLETIONS)
def test_a_division_changes_nothing_that_is_searched(attacked: Attacked, name: str) -> None:
    """Each part that is named may hold no word of its own; what was found for the whole stays."""
    leash = attacked.sound
    for question in SEVERAL:
        leash.server.other = twice(COMPLETIONS[name])
        case = leash.ask({"question": question}, honest)
        leash.server.other = lambda prompt: Reply("")
        plain = leash.ask({"question": question}, honest)
        leash.server.other = echo
        assert case.answer.filters == plain.answer.filters
        assert case.answer.retrieved == plain.answer.retrieved
        assert places(case.prompts) == places(plain.prompts), "other passages were given to the model"


def twice(completion: Callable[[Prompt], Reply]) -> Callable[[Prompt], Reply]:
    """As a list of two parts, which one line alone would not be."""

    def reply(prompt: Prompt) -> Reply:
        told = " ".join((completion(prompt).text or "").split())[:2_000]
        return Reply(f"1. {told}\n2. {told.rstrip('?')} igen?")

    return reply


def places(prompts: Sequence[Prompt]) -> list[str]:
    return sorted({p.place for prompt in prompts for p in prompt.passages})
