"""A long decision is quoted as far as there is room, between words, and the answer shows that it goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers_pages import small_index
from hypothesis import given
from hypothesis import strategies as st

from askamu.answer import ask
from askamu.compose.draft import shown, whole_words
from askamu.library import open_library
from askamu.minutes import Span

WISHES = " ".join(
    f"Udvalget ønsker desuden, at forvaltningen undersøger havnebane nummer {n} nærmere." for n in range(40)
)
MINUTES = f"""Referat
Kulturudvalget
Holstebro Kommune

Mødedato: 10-01-2023

Punkt 1: Havnebanen i Holstebro

Sagsfremstilling
Havnebanen i Holstebro koster 10.000 kr. om året.

Indstilling
Det indstilles, at havnebanen i Holstebro lukkes, og at {"skinnerne tages op, vejen lægges om, " * 60}pladsen ryddes.

Beslutning
{{decision}}
"""


@pytest.mark.parametrize(
    ("decision", "question"),
    [
        (f"Udvalget besluttede at beholde havnebanen. {WISHES}", "Hvad besluttede udvalget om havnebanen?"),
        (f"Godkendt. {WISHES}", "Hvad besluttede udvalget om havnebanen?"),
        (f"Ikke godkendt. {WISHES}", "Hvad blev indstillet om havnebanen?"),
        (f"Ikke godkendt. {WISHES}", "Hvad koster havnebanen om året?"),
    ],
)
def test_where_it_is_cut_is_shown(decision: str, question: str, tmp_path: Path) -> None:
    text = MINUTES.format(decision=decision)
    settings, _ = small_index(tmp_path, a=text)
    library = open_library(settings)
    answer = ask(library, question)
    quotes = re.findall(r"»([^«]*)«", answer.text)
    cut = [q for q in quotes if q.endswith(" …")]
    assert cut
    flat = " ".join(text.split())
    for quote in quotes:
        whole = quote.removesuffix(" …")
        assert whole in flat
        after = flat[flat.index(whole) + len(whole) :]
        if quote in cut:
            assert after.startswith(" ")  # not within a word
    for c in answer.citations:
        source = library.minutes(c.document).text
        assert source[c.start : c.end] == c.quote
        if source[c.end : c.end + 1].strip():
            assert not source[c.end].isalnum()


@given(st.text(st.sampled_from("ab \n"), min_size=1).filter(str.strip), st.integers(1, 30))
def test_a_cut_stretch_is_of_whole_words_where_there_are_any(text: str, most: int) -> None:
    text = text.strip()
    span = whole_words(text, Span(0, len(text)), most)
    assert 0 == span.start < span.end <= min(len(text), most)
    assert shown(text, span, len(text)).endswith(" …") is (span.end < len(text))
    if span.end < len(text) and not text[span.end].isspace():
        assert not any(c.isspace() for c in text[: most + 1])
