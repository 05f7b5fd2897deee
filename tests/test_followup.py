"""Follow-ups without a language model: another place, another time, an ellipsis; and what is a new question."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askamu.answer import ask
from askamu.followup import complete
from askamu.library import Library
from askamu.passage import Answer, Filters, Limit, Turn
from askamu.question import understand
from askamu.when import Meeting


def meeting(day: date, municipality: str, committee: str) -> Meeting:
    return Meeting(f"{municipality}{day}{committee}", municipality, committee, day, day, day)


MEETINGS = [
    *(meeting(d, "Fjordlev", "Arbejdsmarkedsudvalget") for d in (date(2023, 3, 7), date(2024, 3, 12), date(2024, 11, 19))),
    meeting(date(2024, 6, 4), "Fjordlev", "Klima-, Teknik- og Miljøudvalget"),
    meeting(date(2024, 6, 18), "Fjordlev", "Byrådet"),
    meeting(date(2024, 10, 10), "Bakkerup", "Beskæftigelses- og Integrationsudvalget"),
]  # fmt: skip


def whole(*said: str) -> str:
    history = [Turn("user", question) for question in said[:-1]]
    return complete(said[-1], history, MEETINGS)[0]


@pytest.mark.parametrize(
    ("said", "completed"),
    [
        (("Hvad blev besluttet på det seneste møde i Fjordlev?", "og på mødet før?"), "Hvad blev besluttet på det forrige møde i Fjordlev?"),
        (("What was decided at the latest meeting?", "and the meeting before?"), "What was decided at the previous meeting?"),
        (("Hvad besluttede Fjordlev sidste år?", "og i år?"), "Hvad besluttede Fjordlev i år?"),
        (("Hvad besluttede Fjordlev i foråret 2023?", "og i efteråret 2024?"), "Hvad besluttede Fjordlev i efteråret 2024?"),
        (("Hvad skete der den 12. marts 2024?", "og den 19. november 2024?"), "Hvad skete der den 19. november 2024?"),
        (("Hvad skete der i Fjordlev den 19. november 2024?", "og på mødet før?"), "Hvad skete der i Fjordlev den 18.06.2024?"),
        (("Hvad kostede en byggesag i 2023?", "Og i 2024?"), "Hvad kostede en byggesag i 2024?"),
        (("Hvad kostede en byggesag i 2023?", "hvad med året efter?"), "Hvad kostede en byggesag i 2024?"),
        (("Hvad kostede en byggesag i 2023?", "og året før?"), "Hvad kostede en byggesag i 2022?"),
        (("Hvad blev besluttet på mødet før sommerferien 2024?", "og efter sommerferien?"), "Hvad blev besluttet på mødet efter sommerferien 2024?"),
        (("Hvad var ledigheden i marts 2024?", "og i november?"), "Hvad var ledigheden i november 2024?"),
        (("Hvad besluttede Klima-, Teknik- og Miljøudvalget i juni 2024?", "og Byrådet?"), "Hvad besluttede Byrådet i juni 2024?"),
        (("Hvad blev besluttet om småjob i Fjordlev?", "og i Bakkerup?", "og i 2024?"), "Hvad blev besluttet om småjob i Bakkerup? og i 2024?"),
        (("Hvad blev besluttet om småjob i 2023?", "og i 2024?", "og i 2025?"), "Hvad blev besluttet om småjob i 2025?"),
    ],
)  # fmt: skip
def test_another_time_or_place_takes_the_place_of_the_one_before(said: tuple[str, ...], completed: str) -> None:
    assert whole(*said) == completed


@pytest.mark.parametrize(
    "asked",
    ["Hvor mange ledige var der i Bakkerup i december 2023?", "Hvad er planerne for de nye cykelstier i kommunen?"],
)
def test_a_new_question_stays_as_it_is(asked: str) -> None:
    assert whole("Hvad blev besluttet om småjob i Fjordlev?", asked) == asked


def test_the_conversation_s_municipality_stays_until_another_is_named() -> None:
    history = [Turn("user", "Hvad blev besluttet om småjob i Fjordlev?"), Turn("assistant", "…")]
    asked = "Hvor mange deltog i dialogmøderne om integrationspolitikken?"
    assert understand(asked, MEETINGS, history).filters.municipality == "Fjordlev"
    assert understand(f"{asked} I Bakkerup?", MEETINGS, history).filters.municipality == "Bakkerup"
    lifted = Filters(lifted=frozenset({Limit.MUNICIPALITY}))
    assert understand(asked, MEETINGS, history, lifted).filters.municipality is None
    both = [*history, Turn("user", "Og i Bakkerup?")]
    assert understand(asked, MEETINGS, both).filters.municipality is None


def test_who_was_away_is_asked_of_the_meeting_that_was_answered_on(library: Library) -> None:
    first = "Hvad besluttede udvalget i Fjordlev om småjob i november 2024?"
    answer: Answer = ask(library, first)
    history = [Turn("user", first), Turn("assistant", answer.text)]
    then = ask(library, "Hvem var ikke til stede?", history)
    assert then.filters.date_from == date(2024, 11, 19)
    assert {c.source for c in then.citations} == {"fjordlev-amu-2024-11.md"}


@pytest.mark.parametrize(
    ("asked", "committee"),
    [
        ("Hvad besluttede Klima- Teknik og Miljøudvalget?", "Klima-, Teknik- og Miljøudvalget"),
        ("Hvad besluttede Miljøudvalget på det seneste møde?", "Klima-, Teknik- og Miljøudvalget"),
        ("Hvem var fraværende på byrådsmødet i juni 2024?", "Byrådet"),
        ("Hvad besluttede Kulturudvalget?", None),
        ("Hvad besluttede Byrådet og Klima-, Teknik- og Miljøudvalget?", None),
    ],
)
def test_a_committee_is_known_however_it_is_written(asked: str, committee: str | None) -> None:
    assert understand(asked, MEETINGS).filters.committee == committee


@pytest.mark.parametrize(
    "asked", ["Hvad besluttede Kulturudvalget på det seneste møde?", "Hvad besluttede Kirkerådet den 12. marts 2024?"]
)
def test_another_bodys_meeting_is_not_taken_for_one_that_is_not_indexed(library: Library, asked: str) -> None:
    assert not understand(asked, MEETINGS).whole_meeting
    assert ask(library, asked).abstained


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6), st.text(max_size=60))
def test_no_conversation_breaks_it(said: list[str], asked: str) -> None:
    history = [Turn(("user", "assistant")[n % 2], text) for n, text in enumerate(said)]
    completed, _ = complete(asked, history, MEETINGS)
    assert isinstance(completed, str)
