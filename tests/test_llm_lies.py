"""Models that lie to all questions at hand: nothing of it reaches the reader, and what is sound is kept.

Two sets of questions: the project's own over seeds/, and the development questions over the real minutes beside the
repository where those are at hand. Half of the lies stand alone, half among sound sentences, as an answer that is lies
all through is never used. Beside what each liar says of itself, the judges of helpers_oracles, which share no code with
askamu, count false figures, invented marks, recommendations shown as decisions and markup.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import ROOT, SHARED
from helpers_leash import ORACLES, Case, Leash, amid, leashed, shares
from helpers_liars import HARD, LIARS, contrite, of_kind

from askamu.answer import ask
from askamu.config import Settings
from askamu.ingest import ingest

LIARS_A_QUESTION = 2  # of more than a hundred, each in its turn; benchmarks/lies.py asks all of all
MORE = 60  # further questions for a liar that found nothing to lie about, until it has
MIXED_A_LIAR = 12  # questions to each liar that mixes lies with sound sentences
HARD_A_LIAR = 20
CONTRITE = ("digit_changed", "date_made_up", "claim_cited", "unanimity_made_up", "person_made_up", "negation_added")
NOTHING_TO_CHANGE = {"development": {"case_number_changed"}}  # no sentence there holds a case number
CAME_THROUGH = [  # once, and were found by asking all liars: asked again always, with what each may pick
    ("own", "claim_cited_often", "seed-085"), ("own", "claim_with_brace", "seed-024"), ("own", "figures_swapped", "seed-005"),
    ("own", "month_changed", "seed-016"), ("own", "percent_dropped", "seed-094"), ("own", "quote_retyped", "seed-107"),
    ("own", "recommendation_by_decision", "seed-063"), ("own", "recommendation_by_decision", "seed-085"),
    ("own", "uncited_lead", "seed-062"),
    ("development", "cause_made_up", "dev-121"), ("development", "claim_cited_often", "dev-028"),
    ("development", "claim_cited_often", "dev-056"), ("development", "claim_with_brace", "dev-072"),
    ("development", "digit_changed", "dev-149"), ("development", "direction_turned", "dev-077"),
    ("development", "negation_added", "dev-024"), ("development", "negation_added", "dev-143"),
    ("development", "percent_added", "dev-122"), ("development", "percent_dropped", "dev-060"),
    ("development", "percent_dropped", "dev-064"), ("development", "percent_dropped", "dev-114"),
    ("development", "percent_dropped", "dev-168"), ("development", "quotes_joined", "dev-042"),
]  # fmt: skip
SEEDS_OF_A_LIAR = 3
CORPORA = ["own", pytest.param("development", marks=[pytest.mark.shared, pytest.mark.slow])]

pytestmark = pytest.mark.slow


@dataclass
class Corpus:
    """Questions, and a scripted model over the minutes that they are about."""

    name: str
    rows: list[dict[str, Any]]
    leash: Leash

    def drawn(self, name: str, count: int) -> list[dict[str, Any]]:
        return Random(name).sample(self.rows, min(count, len(self.rows)))


@pytest.fixture(scope="module", params=CORPORA)
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    if request.param == "own":
        index, questions = request.getfixturevalue("seed_index"), ROOT / "benchmarks" / "questions.jsonl"
    else:
        if not (SHARED / "seeds").is_dir():
            pytest.skip("the development data is not beside the repository")
        index, questions = tmp_path_factory.mktemp("development") / "index", SHARED / "eval" / "dev.jsonl"
        assert not ingest([SHARED / "seeds"], Settings(index=index)).failed
    with leashed(index) as leash:
        yield Corpus(request.param, rows_of(questions), leash)


def rows_of(questions: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def cases(corpus: Corpus) -> list[Case]:
    """Every question with its liars, and every liar until it has lied."""
    found = []
    for n, (row, names) in enumerate(zip(corpus.rows, shares(list(LIARS), len(corpus.rows), LIARS_A_QUESTION), strict=True)):  # fmt: skip
        for k, name in enumerate(names):
            liar = LIARS[name]
            found.append(corpus.leash.ask(row, amid(liar) if (n + k) % 2 else liar, name, liar.kind))
    told = Counter(c.liar for c in found if c.told)
    for name, liar in LIARS.items():
        for row in corpus.drawn(name, MORE) if not told[name] else ():
            found.append(corpus.leash.ask(row, amid(liar), name, liar.kind))
            if found[-1].told:
                break
    return found


def test_every_liar_lied(corpus: Corpus, cases: list[Case]) -> None:
    told = Counter(c.liar for c in cases if c.told)
    assert set(LIARS) - set(told) <= NOTHING_TO_CHANGE.get(corpus.name, set()), "never found anything to lie about"
    assert len(cases) >= len(corpus.rows) * LIARS_A_QUESTION
    assert sum(told.values()) >= 0.5 * len(cases)
    shown = [c for c in cases if c.told and c.shown]
    print(f"{corpus.name}: {len(cases)} asked, {sum(told.values())} lied, {len(shown)} of these shown in its words")
    assert len(shown) >= 40, "too few answers in the model's words to find anything in"


def test_no_lie_reaches_the_reader(cases: list[Case]) -> None:
    assert not [f"{c.reached} {c}" for c in cases if c.reached]


def test_what_once_came_through_does_no_more(corpus: Corpus) -> None:
    rows = {row["id"]: row for row in corpus.rows}
    asked = []
    for _, name, question in [once for once in CAME_THROUGH if once[0] == corpus.name]:
        for seed in range(SEEDS_OF_A_LIAR):
            liar = LIARS[name].seeded(seed)
            asked += [corpus.leash.ask(rows[question], reply, name, liar.kind) for reply in (liar, amid(liar))]
    assert any(c.told for c in asked)
    assert not [f"{c.reached} {c.wrong} {c}" for c in asked if c.reached or c.wrong]


@pytest.mark.parametrize("oracle", ORACLES)
def test_judges_that_share_nothing_with_it_find_nothing(cases: list[Case], oracle: str) -> None:
    assert not [f"{wrong} {c}\n{c.answer.text}" for c in cases if (wrong := c.wrong.get(oracle))]


def test_an_answer_that_is_not_used_is_replaced_by_the_one_without_a_model(corpus: Corpus, cases: list[Case]) -> None:
    fell = [c for c in cases if c.answer.verification is not None and not c.shown]
    assert fell
    assert all(c.answer.verification and c.answer.verification.fallback and c.answer.warnings for c in fell)
    for case in [c for c in fell if not c.row.get("history")][::5]:
        without = ask(corpus.leash.library, case.row["question"])
        assert (case.answer.text, case.answer.citations) == (without.text, without.citations)
        assert case.answer.filters == without.filters


def test_sound_sentences_beside_a_lie_are_kept(corpus: Corpus) -> None:
    """Of what stands beside one lie nothing is lost: the lie alone falls, is written anew, or is quoted."""
    asked = [
        corpus.leash.ask(row, liar, name, liar.kind)
        for name, liar in of_kind("mixed").items()
        for row in corpus.drawn(name, MIXED_A_LIAR)
    ]
    told = [c for c in asked if c.told]
    assert {c.liar for c in told} == set(of_kind("mixed"))
    assert not [f"{c.reached} {c}" for c in told if c.reached]
    keeps = sum(len(c.replies[0].keeps) for c in told if c.shown)
    lost = [f"{c.lost} {c}" for c in told if c.lost]
    fell = [str(c) for c in told if not c.shown]
    print(
        f"mixed: {len(told)} lied, {len(fell)} without the model, {keeps} sound sentences, {len(lost)} answers lost one"
    )
    assert sum(len(c.lost) for c in told) <= 0.03 * keeps, lost
    assert len(fell) <= 0.1 * len(told), fell


def test_lies_that_leave_every_word_true(corpus: Corpus) -> None:
    """»kan« told as »skal«, »nogle« as »samtlige«: reported, and not promised. Their figures and marks hold."""
    for name, liar in HARD.items():
        asked = [corpus.leash.ask(row, amid(liar), name, liar.kind) for row in corpus.drawn(name, HARD_A_LIAR)]
        told = [c for c in asked if c.told]
        print(f"{name}: {len(told)} lied, {sum(bool(c.reached) for c in told)} reached the reader")
        assert told
        assert not [f"{c.wrong} {c}" for c in asked if c.wrong]


def test_a_sentence_that_is_written_anew_is_kept(corpus: Corpus) -> None:
    asked = []
    for name in CONTRITE:
        liar = amid(LIARS[name])
        rows = corpus.drawn(name, 8)
        asked += [corpus.leash.ask(row, contrite(liar), name, LIARS[name].kind) for row in rows]  # type: ignore[arg-type]
    repaired = [c for c in asked if c.told and "repaired" in c.became]
    assert len(repaired) >= 10
    assert {c.liar for c in repaired} >= {"digit_changed", "date_made_up", "claim_cited"}
    assert not [f"{c.reached} {c}" for c in asked if c.reached]
    assert not [f"{c.wrong} {c}" for c in asked if c.wrong]
    for case in repaired:
        assert case.answer.verification is not None
        for sentence in case.answer.verification.sentences:
            assert bool(sentence.faults) is (sentence.became != "kept")  # recorded as it was first written
