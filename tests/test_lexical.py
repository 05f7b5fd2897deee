from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from askamu import lexical
from askamu.danish import stem
from askamu.errors import IndexUnreadable
from askamu.lexical import LexicalIndex, Weights
from askamu.minutes import SectionKind
from askamu.passage import Passage

TEXTS = {
    "p1": "Sygedagpengeindsatsen er styrket med flere sagsbehandlere.",
    "p2": "Der er flere sygedagpenge end indsats.",
    "p3": "Småjob til borgere med psykiske handicap.",
    "p4": "Budgettet for veje og broer i 2024.",
    "p5": "Udvalget besluttede det, som var indstillet om broerne.",
}


def passage(id: str, text: str, document: str = "d1") -> Passage:
    return Passage(id, document, "1", 0, SectionKind.CASE, "", 0, len(text), text, "Holstebro Kommune")


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    passages = [passage(id, text, "d1" if id < "p4" else "d2") for id, text in TEXTS.items()]
    lexical.build(tmp_path, passages, lexical.write_lexicon(tmp_path, passages))
    return LexicalIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("Hvad med sygedagpenge?", {"p1", "p2"}),  # also inside a compound
        ("sygedagpengeindsats", {"p1", "p2"}),
        ("Er der SMÅJOB?", {"p3"}),
        ("smaajob", {"p3"}),  # no å on the keyboard
        ("psykisk handikap", {"p3"}),  # a slip
        ("2024", {"p4"}),
        ("broernes økonomi", {"p5"}),
    ],
)
def test_finds_what_a_question_is_about(index, question, best):
    found = [id for id, _ in index.search(question, 5)]
    assert set(found[: len(best)]) == best


def test_scores_fall(index):
    scores = [score for _, score in index.search("flere sygedagpenge i 2024", 5)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_stop_words_find_nothing(index):
    assert index.search("hvad er det som var der", 5) == []
    assert index.search("", 5) == []
    assert index.search("?!", 5) == []


@pytest.mark.parametrize(
    "question", ['"', "a AND (b OR", "stems:x", "\0", "\ud800", "x" * 100_000, "🦆" * 50, "+-*/\\^~"]
)
def test_takes_any_question(index, question):
    assert isinstance(index.search(question, 5), list)


def test_searches_only_the_documents_allowed(index):
    everywhere = dict(index.search("broer sygedagpenge budget", 5))
    only = dict(index.search("broer sygedagpenge budget", 5, frozenset({"d2"})))
    assert set(only) == {"p4", "p5"}
    assert only == pytest.approx({id: everywhere[id] for id in only})  # the filter adds nothing to the score
    assert index.search("broer", 5, frozenset()) == []
    assert index.search("broer", 5, frozenset({"d9"})) == []


def test_gives_no_more_than_asked_for(index):
    assert len(index.search("holstebro kommune", 3)) == 3
    assert index.search("holstebro", 0) == []


def test_fields_can_be_weighed(index):
    grams = dict(index.search("handikap", 5, weights=Weights(stems=0, parts=0, grams=1)))
    assert "p3" in grams
    assert index.search("handikap", 5, weights=Weights(stems=1, parts=1, grams=0)) == []


def test_counts_passages_and_stems(index):
    assert index.size == 5
    assert index.doc_freq(stem("flere")) == 2
    assert index.doc_freq("findes-ikke") == 0


def test_context_is_searched_too(index):
    assert len(index.search("holstebro", 9)) == 5


def test_the_same_passages_give_the_same_answers(tmp_path: Path):
    passages = [passage(f"p{i}", f"{TEXTS['p1']} {i % 7}") for i in range(300)]
    found = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        lexical.build(folder, passages, lexical.write_lexicon(folder, passages))
        found.append(LexicalIndex.open(folder).search("sagsbehandlere 3", 20))
    assert found[0] == found[1]


def test_no_passages(tmp_path: Path):
    lexical.build(tmp_path, [], lexical.write_lexicon(tmp_path, []))
    index = LexicalIndex.open(tmp_path)
    assert index.size == 0
    assert index.search("noget", 5) == []


def test_long_text_is_indexed_to_its_end(tmp_path: Path):
    long = [replace(passage("p1", "ord " * 50_000 + "slutningen"), context="")]
    lexical.build(tmp_path, long, lexical.write_lexicon(tmp_path, long))
    assert LexicalIndex.open(tmp_path).search("slutningen", 1)[0][0] == "p1"


def test_damage_is_explained(tmp_path: Path, index):
    with pytest.raises(IndexUnreadable):
        LexicalIndex.open(tmp_path / "nowhere")
    (tmp_path / lexical.LEXICON).write_text("[")
    with pytest.raises(IndexUnreadable, match=r"lexicon\.json"):
        LexicalIndex.open(tmp_path).search("småjob", 5)
    for file in (tmp_path / lexical.FOLDER).iterdir():
        file.write_bytes(b"x")
    with pytest.raises(IndexUnreadable):
        LexicalIndex.open(tmp_path)
