"""Personal numbers are struck out on the way in, and nothing else is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askamu.answer import ask
from askamu.library import Library
from askamu.load import Source
from askamu.parse import parse
from askamu.passage import Turn
from askamu.privacy import hide_cpr


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Borger 010150-1234 klagede.", "Borger xxxxxx-xxxx klagede."),
        ("cpr 3112991234", "cpr xxxxxxxxxx"),
        ("(010150 1234)", "(xxxxxx xxxx)"),
        ("15.00.15-P16-1-23", None),
        ("330-2016-89665 og 2016-001340", None),
        ("1.081.566 kr. den 11.03.2024", None),
        ("990150-1234", None),
        ("Forsørgelsesydelser 836.701 868.954 870.782", None),
    ],
)
def test_personal_numbers(text: str, hidden: str | None) -> None:
    assert hide_cpr(text) == (hidden or text, 1 if hidden else 0)


@given(st.text(alphabet="0123456789- .x", max_size=60))
def test_offsets_hold(text: str) -> None:
    assert len(hide_cpr(text)[0]) == len(text)


def test_minutes_are_stored_without_them_and_say_so() -> None:
    text = "Punkt 1: Klage\n\nSagsfremstilling\nBorger 010150-1234 klagede.\n\nBeslutning\nDrøftet.\n"
    minutes = parse(Source("a.txt", Path("a.txt"), text, "0" * 64))
    assert "1234" not in minutes.text
    assert "cpr" in minutes.warnings[-1]


def test_questions_and_conversations_are_kept_without_them(library: Library) -> None:
    answer = ask(
        library, "Hvad skete der med 010150-1234 og småjob?", [Turn("user", "010150-1234?"), Turn("assistant", "nej")]
    )
    assert "1234" not in answer.question + answer.completed_question + answer.text
