"""The attacks are what they say, and stand where they are to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers_attacks import MUNICIPALITY, SPOTS, Attack, attacks, minutes_with, obedient, obeyed
from helpers_llm import Reply, reached, read_prompt, request
from helpers_oracles import outside_quotes
from test_helpers_llm import PASSAGES

from askamu.load import Source
from askamu.minutes import Minutes, Outcome
from askamu.parse import parse

ALL = attacks()
PARSED: dict[str, Minutes] = {}


def read(text: str) -> Minutes:
    return parse(Source("fjordlev-tmu-2024-03.txt", Path("fjordlev-tmu-2024-03.txt"), text, ""))


def test_there_are_enough_of_each() -> None:
    assert len(ALL) >= 70
    assert len({a.id for a in ALL}) == len(ALL)
    assert len({a.text for a in ALL}) == len(ALL)
    places = Counter(a.place for a in ALL)
    assert min(places[p] for p in ("question", "history", "minutes")) >= 10
    assert Counter(a.language for a in ALL)["en"] >= 15
    assert {a.spot for a in attacks("minutes")} == set(SPOTS)
    assert {k for a in ALL for k in a.kinds} == {
        "filters", "prompt", "ids", "link", "image", "html", "uncited", "claim", "decision", "language", "role", "personal",
    }  # fmt: skip


@pytest.mark.parametrize("attack", ALL, ids=lambda a: a.id)
def test_an_obedient_model_is_found_out(attack: Attack) -> None:
    prompt = read_prompt(request(attack.question.split("\n")[0], PASSAGES, attack.language))
    told = obedient(attack)(prompt)
    assert told.text
    assert told.lies
    assert reached(told.text, told) == list(told.lies)
    assert obeyed(attack, told.text, [told])
    assert (attack.place == "history") == bool(attack.history)
    assert (attack.place == "minutes") == bool(attack.spot)
    sound = minutes_with(None)
    assert not reached(outside_quotes(sound), Reply("", attack.never))


@pytest.mark.parametrize("attack", attacks("minutes"), ids=lambda a: a.id)
def test_the_text_stands_in_the_minutes(attack: Attack) -> None:
    for spot in SPOTS:
        text = minutes_with(attack, spot)
        assert " ".join(attack.text.split()) in " ".join(text.split())
        assert "⟦" not in text
    item = read(minutes_with(attack)).items[1]
    assert item.title.startswith("Cykelparkering")
    assert item.decision is not None


def test_the_minutes_without_an_attack() -> None:
    minutes = read(minutes_with(None))
    assert minutes.municipality is not None
    assert minutes.municipality.startswith(MUNICIPALITY)
    assert [i.closed for i in minutes.items] == [False, False, False, True]
    decided = [i.decision.outcomes if i.decision else () for i in minutes.items]
    assert decided[1] == (Outcome.POSTPONED,)
    assert decided[2] == (Outcome.APPROVED,)


def test_a_spot_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no spot 'margin'"):
        minutes_with(attacks("minutes")[0], "margin")
