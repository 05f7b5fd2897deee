"""Passages: slices of one section, small enough, nothing of an open item left out."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import all_files, read
from hypothesis import given, settings
from hypothesis import strategies as st

from askamu.chunk import chunk, pack
from askamu.lines import is_noise, read_lines
from askamu.minutes import SectionKind, Span
from askamu.sentences import sentences
from askamu.tables import find_tables


def count(text: str) -> int:
    return len(text.split()) + 2


@pytest.mark.parametrize("path", all_files(), ids=lambda p: p.stem)
def test_passages_are_slices_of_one_section(path: Path) -> None:
    minutes = read(path)
    for passage in chunk(minutes, count, 120):
        assert passage.text == minutes.text[passage.start : passage.end]
        assert count(passage.text) <= 120
        sections = minutes.items[passage.item_index].sections if passage.item_index >= 0 else (minutes.header,)
        assert any(s.kind is passage.section and s.body <= passage.start < passage.end <= s.end for s in sections)


@pytest.mark.parametrize("path", all_files(), ids=lambda p: p.stem)
def test_every_word_of_an_open_item_is_in_some_passage(path: Path) -> None:
    minutes = read(path)
    passages = chunk(minutes, count, 120)
    for index, item in enumerate(minutes.items):
        if item.closed:
            assert not [p for p in passages if p.item_index == index]
            continue
        held = bytearray(len(minutes.text))
        for p in passages:
            if p.item_index == index:
                held[p.start : p.end] = b"\x01" * (p.end - p.start)
        for section in item.sections:
            if section.kind is SectionKind.HEADER or section.nil:
                continue
            for line in read_lines(minutes.text[section.body : section.end]):
                if is_noise(line.bare):
                    continue
                for word in re.finditer(r"\w+", line.raw):
                    assert held[section.body + line.start + word.start()], (item.number, line.raw)


@pytest.mark.parametrize("path", all_files(), ids=lambda p: p.stem)
def test_parts_of_a_table_carry_its_headings(path: Path) -> None:
    minutes = read(path)
    passages = chunk(minutes, count, 30)
    for item in minutes.items:
        for section in item.sections:
            for table in find_tables(minutes.text, section.body, section.end):
                if item.closed or table.header.end == table.header.start:
                    continue
                heading = " ".join(table.header.of(minutes.text).split())
                for p in passages:
                    if table.header.end <= p.start < table.end:
                        assert heading in p.context


def test_a_single_endless_sentence_is_cut_and_not_lost() -> None:
    text = "ord " * 5_000
    spans = pack(text, [[Span(0, len(text))]], count, 100)
    assert sum(len(s.of(text).split()) for s in spans) == 5_000
    assert max(count(s.of(text)) for s in spans) <= 100


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Der er ca. 1.000 borgere. Pr. 3. juni er der 5 flere.", ["Der er ca. 1.000 borgere.", "Pr. 3. juni er der 5 flere."]),
        ("Det kostede 5 mio. kr. i 2023. Det er mere.", ["Det kostede 5 mio. kr. i 2023.", "Det er mere."]),
        ("I 2. kv. 2019 var det 14,7 %.", ["I 2. kv. 2019 var det 14,7 %."]),
        ("Målene er:\n1. Flere i job.\n2. Færre syge.", ["Målene er:", "1. Flere i job.", "2. Færre syge."]),
        ("Ledighed\nLedigheden er faldet i hele landet og i kommunen.", ["Ledighed", "Ledigheden er faldet i hele landet og i kommunen."]),
    ],
)  # fmt: skip
def test_sentences(text: str, cut: list[str]) -> None:
    assert [s.of(text) for s in sentences(text, 0, len(text))] == cut


@settings(deadline=None)
@given(st.text(alphabet="abÆø .,:\n\t•-1234567890%()»«", max_size=400))
def test_sentences_and_tables_lose_nothing_and_do_not_overlap(text: str) -> None:
    spans = sentences(text, 0, len(text))
    assert all(a.end <= b.start for a, b in pairwise(spans))
    kept = "".join(s.of(text) for s in spans)
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]
    for table in find_tables(text, 0, len(text)):
        assert 0 <= table.start <= table.end <= len(text)


@pytest.mark.parametrize(
    ("text", "heading", "rows"),
    [
        ("Driftsområder (1.000\nkr.)\n\nVedtaget\nbudget\n\nForbrug pr.\n30.04.2025\n\nYdelser 979.932 304.965\n\nIndsats 95.741 27.978\n", "Driftsområder (1.000 kr.) Vedtaget budget Forbrug pr. 30.04.2025", ["Ydelser 979.932 304.965", "Indsats 95.741 27.978"]),
        ("Område\tBudget\tForbrug\nLøn\t10\t5\nDrift\t7\t-2\n", "Område Budget Forbrug", ["Løn 10 5", "Drift 7 -2"]),
        ("Oversigt:\n\nÅr\n\nUdgift\n\nNetto\n\n2022\n\n1,2\n\n-1,2\n\n2023\n\n4,7\n\n0\n\nBemærkning\n", "År Udgift Netto", ["2022 1,2 -1,2", "2023 4,7 0"]),
    ],
)  # fmt: skip
def test_tables_in_three_shapes(text: str, heading: str, rows: list[str]) -> None:
    (table,) = find_tables(text, 0, len(text))
    assert " ".join(table.header.of(text).split()) == heading
    assert [" ".join(r.of(text).split()) for r in table.rows] == rows


def test_prose_is_no_table() -> None:
    text = "I 2023 var der 45 borgere.\n\nI 2024 var der 50 borgere, og det er 5 flere end i 2023.\n"
    assert find_tables(text, 0, len(text)) == []
