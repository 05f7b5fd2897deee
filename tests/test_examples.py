"""The questions that the page suggests: each asker has some, and each can be answered."""

from __future__ import annotations

import pytest

from askamu.answer import ask
from askamu.examples import Role, examples
from askamu.library import Library
from askamu.passage import Tier
from askamu.texts import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", Role)
def test_each_suggested_question_has_a_sure_answer(library: Library, role: Role, language: str) -> None:
    suggested = examples(library, language, role, 6)
    assert len(suggested) >= 4
    for question in suggested:
        answer = ask(library, question, language=language)
        assert answer.tier is Tier.ANSWER, question
        assert answer.citations


def test_askers_are_not_shown_the_same(library: Library) -> None:
    firsts = {examples(library, "da", role, 1)[0] for role in Role}
    assert len(firsts) == len(Role)


def test_no_more_than_asked_for_and_none_twice(library: Library) -> None:
    for n in (1, 3):
        suggested = examples(library, "da", Role.CITIZEN, n)
        assert len(suggested) == len(set(suggested)) == n
