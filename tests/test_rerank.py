"""Reading the first items again: the order, the time it may take, and what happens when it can't."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SEEDS

from askamu import rerank as module
from askamu.answer import ask
from askamu.config import Settings
from askamu.embed import Torch
from askamu.errors import BadSetting, RerankerUnavailable
from askamu.ingest import ingest
from askamu.library import OpenLibrary, open_library
from askamu.minutes import SectionKind
from askamu.passage import Hit, Passage
from askamu.rerank import PAIRS, CrossEncoder, Scores, open_reranker, rerank
from askamu.retrieve import ItemHit
from askamu.show import as_record

QUESTION = "Hvad besluttede udvalget om småjob?"


class Clock:
    """A time that only a reranker makes pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


@dataclass
class Known:
    """Scores known by text, each pair taking some milliseconds."""

    by_text: dict[str, float]
    clock: Clock
    each_ms: float = 0.001
    name: str = "known"

    def __post_init__(self) -> None:
        self.read: list[list[str]] = []

    @property
    def all_read(self) -> list[str]:
        return [text for batch in self.read for text in batch]

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        self.read.append(list(texts))
        self.clock.seconds += self.each_ms * len(texts) / 1000
        return np.array([self.by_text.get(t, 0.0) for t in texts], dtype=np.float32)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def item(text: str, score: float) -> ItemHit:
    passage = Passage(text, "doc", "1", 0, SectionKind.CASE, "", 0, len(text), text, "")
    return ItemHit("doc", text, 0, score, (Hit(passage, score, 0.0, 0.0),))


def items(*scores: float) -> list[ItemHit]:
    return [item(chr(ord("a") + n), score) for n, score in enumerate(scores)]


def indexed(text: str) -> str:
    return item(text, 0).hits[0].passage.indexed_text


def order(found: Sequence[ItemHit]) -> str:
    return "".join(i.item for i in found)


def test_both_scores_count_and_places_keep_theirs(clock: Clock) -> None:
    found, read = rerank(items(1.0, 0.8, 0.1), QUESTION, Known({indexed("b"): 0.9, indexed("c"): 0.9}, clock), 20, 300)
    assert read == 3
    assert order(found) == "bac"  # (0.8 + 0.9) / 2, 1.0 / 2, (0.1 + 0.9) / 2: equal ones stay in retrieval's order
    assert [i.score for i in found] == [1.0, 0.8, 0.1]


def test_one_that_finds_all_alike_moves_nothing(clock: Clock) -> None:
    given = items(1.0, 0.8, 0.8, 0.1)
    assert rerank(given, QUESTION, Known({indexed(i.item): 0.5 for i in given}, clock), 20, 300)[0] == given


def test_only_the_first_are_read(clock: Clock) -> None:
    known = Known({indexed("d"): 1.0}, clock)
    found, read = rerank(items(1.0, 0.9, 0.8, 0.7), QUESTION, known, 3, 300)
    assert (order(found), read) == ("abcd", 3)
    assert indexed("d") not in known.all_read


@pytest.mark.parametrize(
    ("each_ms", "batches"),
    [(0.001, [1, 8, 8, 3]), (40, [1, 6]), (100, [1, 2]), (200, [1]), (1_000, [1])],  # of 20 within 300 ms
)
def test_it_reads_best_first_as_long_as_there_is_time(clock: Clock, each_ms: float, batches: list[int]) -> None:
    given = items(*(1 - n / 25 for n in range(25)))
    known = Known({indexed(i.item): 1.0 for i in given[-20:]}, clock, each_ms)
    found, read = rerank(given, QUESTION, known, 20, 300)
    assert [len(b) for b in known.read] == batches
    assert max(batches) <= PAIRS
    assert known.all_read == [indexed(i.item) for i in given[:read]]
    assert found[read:] == given[read:]  # what was not reached keeps its place
    assert clock.seconds <= max(0.3, each_ms / 1000) + 1e-9


def test_one_item_or_no_passage_is_no_matter(clock: Clock) -> None:
    assert rerank([], QUESTION, Known({}, clock), 20, 300) == ([], 0)
    alone = items(1.0)
    assert rerank(alone, QUESTION, Known({}, clock), 20, 300) == (alone, 1)


@pytest.mark.parametrize("given", [[float("nan")], [], [0.1, 0.2]])
def test_scores_that_are_none_are_told(clock: Clock, given: list[float]) -> None:
    class Wrong(Known):
        def scores(self, question: str, texts: Sequence[str]) -> Scores:
            return np.array(given, dtype=np.float32)

    with pytest.raises(RerankerUnavailable, match="no score for each passage"):
        rerank(items(1.0, 0.5), QUESTION, Wrong({}, clock), 20, 300)


@pytest.mark.parametrize("setting", ["bge", "st:", "openai:x"])
def test_an_unknown_reranker_is_refused(setting: str) -> None:
    with pytest.raises(BadSetting, match="st:NAME-OR-FOLDER"):
        open_reranker(setting, Torch())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RerankerUnavailable, match=r"pip install 'askamu\[st\]'"):
        open_reranker("st:BAAI/bge-reranker-v2-m3", Torch())


# -- in a search


@pytest.fixture(scope="module")
def words_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reranked") / "index"
    ingest([SEEDS], Settings(index=folder, embedder="keywords"))
    return folder


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    return caplog


def settings_of(folder: Path, reranker: str) -> Settings:
    return Settings(index=folder, embedder="keywords", reranker=reranker, reranker_budget_ms=60_000, st_dtype="float32")


class Backwards:
    """Finds the last of what it is given best."""

    name = "st:backwards"

    def __init__(self) -> None:
        self.asked = 0

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        found = 1 - 1 / (2 + self.asked + np.arange(len(texts), dtype=np.float32))
        self.asked += len(texts)
        return found.astype(np.float32)


def test_none_is_used_unless_one_is_set(words_index: Path) -> None:
    assert Settings().reranker == ""
    answer = ask(open_library(Settings(index=words_index, embedder="keywords")), QUESTION)
    assert as_record(answer)["model"]["reranker"] is None


def test_the_answer_says_which_one_changed_the_order(words_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ask(open_library(Settings(index=words_index, embedder="keywords")), QUESTION)
    opened: list[Backwards] = []
    monkeypatch.setattr("askamu.library.open_reranker", lambda *_: opened.append(Backwards()) or opened[-1])
    library_of = OpenLibrary(settings_of(words_index, "st:backwards"))
    answer = ask(library_of(), QUESTION)
    assert as_record(answer)["model"]["reranker"] == "st:backwards"
    ask(library_of(), QUESTION)
    assert len(opened) == 1
    before, after = ([(r.source, r.item) for r in a.retrieved] for a in (plain, answer))
    assert set(before) == set(after)
    assert before != after


@pytest.mark.parametrize("fails", ["opening", "reading"])
def test_without_it_the_search_goes_on_and_says_so_once(
    words_index: Path, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture, fails: str
) -> None:
    class Failing(Backwards):
        def scores(self, question: str, texts: Sequence[str]) -> Scores:
            raise MemoryError("no room")

    if fails == "reading":
        monkeypatch.setattr("askamu.library.open_reranker", lambda *_: Failing())
    plain = ask(open_library(Settings(index=words_index, embedder="keywords")), QUESTION)
    library = open_library(settings_of(words_index, "st:/no/such/folder"))
    for _ in range(2):
        answer = ask(library, QUESTION)
        assert (answer.reranker, answer.retrieved, answer.text) == (None, plain.retrieved, plain.text)
    assert told.text.count("ASKAMU_RERANKER") == 1


# -- with real weights


def test_a_cross_encoder_reads_question_and_passage(cross_encoder_folder: Path) -> None:
    model = CrossEncoder(str(cross_encoder_folder), Torch(dtype="float32"))
    texts = ["Udvalget godkendte strategien for småjob.", "Vejen bliver asfalteret. " * 200, "\0\ud800"]
    found = model.scores(QUESTION, texts)
    assert (found.dtype, found.shape) == (np.float32, (3,))
    assert ((found > 0) & (found < 1)).all()
    assert np.allclose(found[[0]], model.scores(QUESTION, texts[:1]), atol=1e-4)
    assert not np.allclose(found[[0]], model.scores("Hvem deltog?", texts[:1]), atol=1e-6)


def test_a_search_with_a_cross_encoder(words_index: Path, cross_encoder_folder: Path) -> None:
    answer = ask(open_library(settings_of(words_index, f"st:{cross_encoder_folder}")), QUESTION)
    assert answer.reranker == f"st:{cross_encoder_folder}"
    assert answer.citations


def test_a_plain_encoder_is_no_reranker(e5_folder: Path) -> None:
    with pytest.raises(RerankerUnavailable, match="it is no cross-encoder"):
        open_reranker(f"st:{e5_folder}", Torch())


def test_two_scores_are_one_too_many(cross_encoder_folder: Path, tmp_path: Path) -> None:
    config = (cross_encoder_folder / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(config.replace('"0": "LABEL_0"', '"0": "no", "1": "yes"'), encoding="utf-8")
    with pytest.raises(RerankerUnavailable, match="it has 2 scores"):
        open_reranker(f"st:{tmp_path}", Torch())


def test_items_are_replaced_and_never_changed(clock: Clock) -> None:
    given = items(1.0, 0.5)
    kept = [replace(i) for i in given]
    rerank(given, QUESTION, Known({indexed("b"): 1.0}, clock), 20, 300)
    assert given == kept
