"""Questions with gold: scored as a reader would, compared in pairs, told in a page; the figures that must hold."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run as command
from test_report import assert_stands_alone

from askamu.answer import ask
from askamu.bootstrap import difference, mean
from askamu.config import Settings
from askamu.errors import BadQuestions, BadRun
from askamu.evaluate.figures import Abstention, as_run, compare, figures, read_run
from askamu.evaluate.gold import GoldItem, GoldQuestion, read_gold, read_question
from askamu.evaluate.page import report
from askamu.evaluate.run import elsewhere, evaluate
from askamu.evaluate.score import SHOWN, Scored, plain, score
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.passage import Answer, Filters, Turn
from askamu.show import as_record

OWN = Path(__file__).parents[1] / "benchmarks" / "questions.jsonl"
ROW: dict[str, Any] = {
    "id": "a", "question": "Hvad blev besluttet om årsregnskabet i Fjordlev i 2024?", "type": "decision", "lang": "da",
    "answerable": True, "gold": [{"doc": "fjordlev-amu-2024-03", "item": "3"}], "must_include": [["245.000"]],
}  # fmt: skip

FLOORS = {"hit@1": 0.83, "hit@5": 0.93, "full_answer": 0.76, "citation_precision": 0.84, "answered": 0.93}
ABSTENTION = 0.7
SAME = {
    "hit@1": "item_hit@1", "hit@5": "item_hit@5", "mrr@10": "mrr@10", "recall@10": "item_recall@10",
    "fact_recall": "fact_recall", "full_answer": "full_answer", "citation_precision": "citation_precision",
    "citation_recall": "citation_recall", "quote_exact": "quote_exact", "figures_cited": "number_fidelity",
    "none_forbidden": "no_forbidden", "answered": "answered", "abstained": "abstain_recall",
}  # fmt: skip


def gold(**changes: Any) -> GoldQuestion:
    return read_question({**ROW, **changes})


def _file(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows), encoding="utf-8")
    return file


@pytest.fixture
def answer(library: Library) -> Answer:
    return ask(library, ROW["question"])


def scored(library: Library, answer: Answer, **changes: Any) -> Scored:
    return score(gold(**changes), answer, lambda c: library.minutes(c.document).text[c.start : c.end])


# -- one answer


def test_an_answer_that_says_it_and_cites_it_has_all(library: Library, answer: Answer) -> None:
    fact = answer.citations[0].quote[:30]
    place = {"doc": answer.citations[0].source, "item": answer.citations[0].item}
    found = scored(library, answer, gold=[place], must_include=[["findes ikke", fact]])
    assert {m: found.metrics[m] for m in ("hit@1", "full_answer", "citation_recall", "quote_exact", "answered")} == {
        "hit@1": 1.0, "full_answer": 1.0, "citation_recall": 1.0, "quote_exact": 1.0, "answered": 1.0,
    }  # fmt: skip
    assert not found.misses


def test_what_is_lacking_is_told(library: Library, answer: Answer) -> None:
    found = scored(
        library, answer, must_include=[["et tal der ikke er der"]], gold=[{"doc": "andetsteds", "item": "1"}]
    )
    assert found.lacks == ("et tal der ikke er der",)
    assert found.misses == ("not_retrieved", "lacks")
    assert found.metrics["hit@5"] == found.metrics["citation_precision"] == found.metrics["full_answer"] == 0


def test_a_quote_that_is_not_the_documents_is_found_out(answer: Answer) -> None:
    found = score(gold(), answer, lambda c: c.quote.replace("e", "a"))
    assert found.metrics["quote_exact"] < 1
    assert "quote_exact" in found.misses


def test_a_figure_that_no_citation_holds_is_found_out(library: Library, answer: Answer) -> None:
    made_up = replace(answer, text=f"{answer.text} Det koster 987.654 kr.")
    assert scored(library, answer).metrics.get("figures_cited", 1.0) == 1.0
    assert "figures_cited" in scored(library, made_up).misses


def test_only_what_a_reader_reads_counts(library: Library, answer: Answer) -> None:
    late = replace(answer, text="x" * SHOWN + " 245.000", citations=())
    assert scored(library, late).metrics["full_answer"] == 0


def test_forbidden_words_count_in_the_answer_only(library: Library, answer: Answer) -> None:
    said = scored(library, replace(answer, text="Det blev AFVIST."), must_not_include=["afvist"])
    assert said.metrics["none_forbidden"] == 0
    assert scored(library, replace(answer, text="Ja."), must_not_include=["afvist"]).metrics["none_forbidden"] == 1


def test_a_question_without_an_answer_asks_for_abstention(library: Library, answer: Answer) -> None:
    found = scored(library, answer, answerable=False, gold=[])
    assert found.metrics["abstained"] == float(answer.abstained)
    assert "hit@1" not in found.metrics


@pytest.mark.parametrize(
    ("doc", "source", "same"),
    [
        ("000", "000 Referat.txt", True),
        ("000", "2000.txt", False),
        ("8cdec099", "sou-2022-05-30-8cdec099.json", True),
        ("8cdec099", "sou-8cdec0999.json", False),
    ],
)
def test_a_document_is_named_by_how_its_file_begins_or_a_word_of_it(doc: str, source: str, same: bool) -> None:
    assert GoldItem(doc, "4").is_at(source, "4.") is same
    assert not GoldItem(doc, "4").is_at(source, "14")


@given(st.text(max_size=200))
def test_texts_are_compared_in_a_form_that_stays(text: str) -> None:
    assert plain(plain(text)) == plain(text)


# -- files


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("{", 2), ("[]", 2), ("null", 2), ({**ROW, "id": "b", "answerable": "yes"}, 2),
        ({**ROW, "id": "b", "gold": []}, 2), ({**ROW, "id": "a"}, 2), ({**ROW, "id": "b", "question": " "}, 2),
        ({**ROW, "id": "b", "must_include": [[]]}, 2), ({**ROW, "id": "b", "history": ["x"]}, 2), ("[" * 100_000, 2),
    ],
)  # fmt: skip
def test_a_line_that_is_no_question_is_named(tmp_path: Path, row: object, line: int) -> None:
    with pytest.raises(BadQuestions, match=rf"questions\.jsonl, line {line}") as error:
        read_gold([_file(tmp_path, ROW, row)])
    assert f"linje {line}" in error.value.say("da")


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere.jsonl", _file(tmp_path, "")):
        with pytest.raises(BadQuestions, match=file.name):
            read_gold([file])


def test_the_first_turns_go_with_the_question(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "hvad med småjob?"}
    (question,) = read_gold([_file(tmp_path, {**ROW, "history": [turn]})])
    assert question.history == (Turn("user", "hvad med småjob?"),)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 0}', '{"format": 1, "questions": [1]}'])
def test_a_run_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(BadRun, match=r"run\.json"):
        read_run(tmp_path / "run.json")


# -- all of them


def test_two_runs_are_compared_question_by_question(tmp_path: Path, library: Library) -> None:
    questions = read_gold([OWN])[:6]
    scores = evaluate(library, questions)
    found = figures(questions, scores)
    file = tmp_path / "run.json"
    file.write_text(json.dumps(as_run(questions, scores, found, "e5")), encoding="utf-8")
    same = compare(read_run(file), scores)
    assert same
    assert all((d.gain, d.low, d.high) == (0, 0, 0) for d in same.values())
    worse = compare(read_run(file), [replace(s, metrics={**s.metrics, "mrr@10": 0.0}) for s in scores])
    assert worse["mrr@10"].high < 0
    assert compare({}, scores) == {}


def test_abstention_is_counted_both_ways() -> None:
    a = Abstention(said=4, due=5, right=3)
    assert (a.precision, a.recall) == (0.75, 0.6)
    assert a.f1 == pytest.approx(2 / 3)
    assert Abstention(0, 0, 0).f1 == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_holds_its_mean(values: list[float]) -> None:
    found = mean(values)
    assert found.low - 1e-9 <= found.mean <= found.high + 1e-9
    zero = difference(values, values)
    assert (zero.gain, zero.low, zero.high) == (0, 0, 0)


def test_questions_on_minutes_that_are_not_indexed_are_told(library: Library) -> None:
    there, gone = gold(), gold(id="b", gold=[{"doc": "nowhere", "item": "1"}])
    assert elsewhere(library, [there, gone, gold(id="c", answerable=False, gold=[])]) == ["b"]


def test_the_page_tells_every_miss_and_nothing_in_it_runs(library: Library) -> None:
    harm = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    questions = [
        gold(question=f"Hvad kostede {harm} årsregnskabet?", must_include=[[harm]], why=harm, type=harm),
        gold(id="b", gold=[{"doc": harm, "item": harm}]),
        gold(id="c", answerable=False, gold=[], history=[{"role": "user", "content": harm}]),
    ]
    scores = evaluate(library, questions)
    found = figures(questions, scores)
    page = assert_stands_alone(report(questions, scores, found, compare({"a": scores[0].metrics}, scores), "da"))
    missed = [q for q, s in zip(questions, scores, strict=True) if s.misses]
    assert missed
    for question in missed:
        assert " ".join(question.question.split()) in page.text


def test_the_command_measures_keeps_compares_and_reports(seed_index: Path, tmp_path: Path) -> None:
    lines = OWN.read_text(encoding="utf-8").splitlines()[:8]
    file = _file(tmp_path, *lines)
    run, html = tmp_path / "run.json", tmp_path / "report.html"
    first = command("eval", file, "--index", seed_index, "--out", run, "--html", html)
    assert first.returncode == 0, first.stderr
    assert "full_answer" in first.stdout
    assert "Fremgår ikke" in first.stdout
    assert_stands_alone(html.read_text(encoding="utf-8"))
    again = command("eval", file, "--index", seed_index, "--against", run, "--json")
    told = json.loads(again.stdout)
    assert set(told["questions"]) == {json.loads(line)["id"] for line in lines}
    assert told["change"]["mrr@10"]["before"] == told["change"]["mrr@10"]["after"]


def test_the_command_says_what_it_cannot_read(seed_index: Path, tmp_path: Path) -> None:
    bad = command("eval", _file(tmp_path, "{"), "--index", seed_index)
    assert bad.returncode == 2
    assert "linje 1" in bad.stderr
    strange = command(
        "eval", _file(tmp_path, {**ROW, "gold": [{"doc": "nowhere", "item": "1"}]}), "--index", seed_index
    )
    assert strange.returncode == 1
    assert "ikke er i indekset" in strange.stderr
    no_index = command("eval", OWN, "--index", tmp_path / "none")
    assert no_index.returncode == 3


# -- figures that must hold


def test_the_projects_own_questions(library: Library) -> None:
    """Floors, a few points below the figures of benchmarks/questions.jsonl (development figures, n = 117)."""
    questions = read_gold([OWN])
    found = figures(questions, evaluate(library, questions))
    assert found.metrics["quote_exact"].mean == 1.0
    assert found.metrics["figures_cited"].mean == 1.0
    for metric, floor in FLOORS.items():
        assert found.metrics[metric].mean >= floor, metric
    assert found.abstention.f1 >= ABSTENTION


@pytest.mark.shared
@pytest.mark.slow
def test_development_figures(shared: Path, tmp_path: Path) -> None:
    """The same on real minutes; and the figures are those of an independent scorer."""
    ingest([SHARED / "seeds"], Settings(index=tmp_path / "index"))
    library = open_library(Settings(index=tmp_path / "index"))
    gold_file = SHARED / "eval" / "dev.jsonl"
    questions = read_gold([gold_file])
    scores = evaluate(library, questions)
    found = figures(questions, scores)
    answers = [json.dumps(as_record(s.answer, s.id), ensure_ascii=False) for s in scores if s.answer]
    (tmp_path / "answers.jsonl").write_text("\n".join(answers), encoding="utf-8")
    (tmp_path / "texts").mkdir()
    for m in library.meetings:
        (tmp_path / "texts" / f"{m.source}.txt").write_bytes(library.minutes(m.id).text.encode("utf-8"))
    subprocess.run(
        [sys.executable, SHARED / "eval" / "score.py", "--gold", gold_file, "--answers", tmp_path / "answers.jsonl",
         "--texts", tmp_path / "texts", "--originals", SHARED / "seeds", "--json", tmp_path / "score.json"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["metrics"]
    assert theirs["quote_genuine"]["mean"] == 1.0
    for ours, name in SAME.items():
        assert found.metrics[ours].mean == pytest.approx(theirs[name]["mean"]), ours
    assert found.abstention.f1 == pytest.approx(theirs["abstention"]["f1"])
    floors = {"hit@1": 0.90, "hit@5": 0.95, "full_answer": 0.80, "citation_precision": 0.92, "answered": 0.95}
    for metric, floor in floors.items():
        assert found.metrics[metric].mean >= floor, metric
    assert found.metrics["quote_exact"].mean == found.metrics["figures_cited"].mean == 1.0


GREVE = Path(__file__).parent / "greve.jsonl"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The development minutes among those of Greve: 201 meetings, 29,000 passages."""
    if not (SHARED / "real" / "greve").is_dir():
        pytest.skip("needs the development data")
    settings = Settings(index=tmp_path_factory.mktemp("large"))
    ingest([SHARED / "seeds", SHARED / "real" / "greve"], settings)
    return open_library(settings)


@pytest.mark.large
def test_questions_on_greve(large: Library) -> None:
    """60 questions on meetings that the adapter has not learned from, written before they were asked."""
    questions = read_gold([GREVE])
    found = figures(questions, evaluate(large, questions))
    assert found.metrics["hit@5"].mean >= 0.90
    assert found.metrics["full_answer"].mean >= 0.70
    assert found.metrics["quote_exact"].mean == 1.0


@pytest.mark.large
def test_many_other_meetings_in_the_index_change_little(large: Library, tmp_path: Path) -> None:
    """Development questions, each with its municipality as the filter: at most four points lower in the large index."""
    ingest([SHARED / "seeds"], Settings(index=tmp_path / "index"))
    questions = read_gold([SHARED / "eval" / "dev.jsonl"])
    rates = []
    for library in (open_library(Settings(index=tmp_path / "index")), large):
        full = [s.metrics["full_answer"] for s in _filtered(library, questions) if "full_answer" in s.metrics]
        rates.append(sum(full) / len(full))
    assert rates[1] >= rates[0] - 0.04


def _filtered(library: Library, questions: list[GoldQuestion]) -> list[Scored]:
    scores = []
    for question in questions:
        named = {m.municipality for m in library.meetings for g in question.gold if g.is_at(m.source, g.item)}
        filters = Filters(municipality=named.pop()) if len(named) == 1 else Filters()
        answer = ask(library, question.question, question.history, filters)
        scores.append(score(question, answer, lambda c: library.minutes(c.document).text[c.start : c.end]))
    return scores
