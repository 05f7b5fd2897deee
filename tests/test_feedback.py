"""What readers say of answers stays on this machine, and without their consent it is ids alone."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from helpers_pages import FIRST, SECOND, client_of, small_index
from test_cli import run

from askamu import feedback
from askamu.config import Settings
from askamu.errors import BadQuestions, FeedbackNotKept
from askamu.evaluate.gold import read_gold
from askamu.feedback import FILE, SALT, Cited, Feedback, FeedbackKind, answer_id, candidates, entries, keep, salt_of
from askamu.library import Library, open_library
from askamu.passage import Answer, Coverage, Filters, QuestionKind, Tier

QUESTION = "Hvad blev besluttet om havnefesten, som min nabo Kaj klagede over?"
ID = "0123456789abcdef" * 2


@pytest.fixture
def library_(tmp_path: Path) -> Library:
    settings, _ = small_index(tmp_path, a=FIRST, b=SECOND)
    return open_library(settings)


def given(library: Library, **changes: Any) -> dict[str, Any]:
    """A body of POST /api/feedback over the decision on Havnefesten."""
    row = next(m for m in library.meetings if m.source == "b.txt")
    decision = library.minutes(row.id).items[1].decision
    assert decision is not None
    cited = {"document": row.id, "item": "2", "start": decision.start, "end": decision.end}
    body = {"kind": "helpful", "answer_id": ID, "generation": library.generation, "citations": [cited]}
    return body | changes


def stored(library: Library) -> str:
    return (library.folder / FILE).read_text(encoding="utf-8")


def test_without_consent_ids_alone_are_stored(library_: Library) -> None:
    client = client_of(library_.settings)
    answer = client.post("/api/feedback", json=given(library_, question=QUESTION, comment="Kaj bor i nr. 7"))
    assert answer.status_code == 201
    assert answer.json() == {"stored": True, "with_text": False}
    line = stored(library_)
    assert "havnefest" not in line.casefold()
    assert "Kaj" not in line
    assert set(json.loads(line)) == {"day", "kind", "answer", "generation", "language", "consent", "cited"}
    assert json.loads(line)["day"] == date.today().isoformat() or json.loads(line)["day"].count("-") == 2


def test_with_consent_the_words_are_stored_and_personal_numbers_struck_out(library_: Library) -> None:
    client = client_of(library_.settings)
    body = given(library_, kind="missing", consent=True, question=QUESTION, comment="Kaj, 010203-4567\nmangler")
    assert client.post("/api/feedback", json=body).json() == {"stored": True, "with_text": True}
    kept = next(entries(library_.folder)).feedback
    assert kept.question == QUESTION
    assert kept.comment == "Kaj, xxxxxx-xxxx\nmangler"
    assert stored(library_).count("\n") == 1
    assert stat.S_IMODE((library_.folder / FILE).stat().st_mode) == 0o600


def test_what_a_language_model_phrased_is_told_apart(library_: Library) -> None:
    client = client_of(library_.settings)
    for phrased in (True, False):
        assert client.post("/api/feedback", json=given(library_, phrased=phrased)).status_code == 201
    assert [e.feedback.phrased for e in entries(library_.folder)] == [True, False]
    told = run("feedback", "list", "--index", str(library_.folder), "--json")
    assert json.loads(told.stdout)["phrased"]["helpful"] == 1
    assert (
        "Hjælpsomt: 2 (1 på svar i en sprogmodels ord)"
        in run("feedback", "list", "--index", str(library_.folder)).stdout
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "great"},
        {"answer_id": "Hvad blev besluttet om havnefesten?"},
        {"generation": "../../etc"},
        {"consent": "yes"},
        {"phrased": "yes"},
        {"ip": "10.0.0.1"},
        {"question": "x" * 2_001},
        {"comment": "x" * 1_001},
        {"citations": [{"document": "../x", "item": "1", "start": 0, "end": 5}]},
        {"citations": [{"document": "d", "item": "1", "start": 0, "end": 5, "quote": "x"}]},
        {"citations": [{"document": "nope", "item": "1", "start": 0, "end": 5}]},
    ],
)
def test_what_is_of_another_form_or_place_is_refused(library_: Library, changes: dict[str, Any]) -> None:
    answer = client_of(library_.settings).post("/api/feedback", json=given(library_, **changes))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert not (library_.folder / FILE).exists()


def test_another_sites_form_is_refused(library_: Library) -> None:
    client = client_of(library_.settings)
    body = json.dumps(given(library_))
    answer = client.post("/api/feedback", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert not (library_.folder / FILE).exists()


def test_a_full_file_is_said_and_left_as_it_is(library_: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MAX_BYTES", 1_000)
    client = client_of(library_.settings)
    answers = [client.post("/api/feedback", json=given(library_)) for _ in range(6)]
    assert {a.status_code for a in answers} == {201, 507}
    assert "ikke plads" in answers[-1].json()["detail"]
    assert (library_.folder / FILE).stat().st_size <= 1_000


def test_many_at_once_and_a_cut_off_line_lose_nothing(library_: Library) -> None:
    (library_.folder / FILE).write_text('{"kind": "help', encoding="utf-8")
    word = Feedback(FeedbackKind.HELPFUL, ID, library_.generation)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keep(library_, word), range(40)))
    assert len(list(entries(library_.folder))) == 40


def test_a_folder_that_cannot_be_written_is_said(library_: Library, tmp_path: Path) -> None:
    (library_.folder / FILE).mkdir()
    with pytest.raises(FeedbackNotKept) as refused:
        keep(library_, Feedback(FeedbackKind.HELPFUL, ID, library_.generation))
    assert "gemmes" in refused.value.say("da")
    assert salt_of(tmp_path / "nowhere") == salt_of(tmp_path / "nowhere")


def answer_to(question: str) -> Answer:
    return Answer(question, question, "da", QuestionKind.FACT, Tier.ANSWER, "svar", Filters(), Coverage(1, None, None, ()))  # fmt: skip


def test_an_answers_id_is_stable_and_cannot_be_looked_up(tmp_path: Path, library_: Library) -> None:
    salt = salt_of(library_.folder)
    one = answer_id(answer_to(QUESTION), "g1", salt)
    assert one == answer_id(answer_to(QUESTION), "g1", salt_of(library_.folder))
    others = [
        answer_id(answer_to(QUESTION + "?"), "g1", salt),
        answer_id(answer_to(QUESTION), "g2", salt),
        answer_id(replace(answer_to(QUESTION), filters=Filters(municipality="Holstebro")), "g1", salt),
        answer_id(answer_to(QUESTION), "g1", salt_of(tmp_path)),  # another index
    ]
    assert len({one, *others}) == 5
    assert len(one) == 32
    assert len((library_.folder / SALT).read_bytes()) == 32
    assert stat.S_IMODE((library_.folder / SALT).stat().st_mode) == 0o600


def test_the_api_answers_with_the_id_that_feedback_refers_to(library_: Library) -> None:
    client = client_of(library_.settings)
    record = client.post("/api/ask", json={"question": "Hvad blev besluttet om havnefesten?"}).json()
    cited = [{k: c[k] for k in ("item", "start", "end")} | {"document": c["permalink"].split("/")[2]} for c in record["citations"]]  # fmt: skip
    body = {"kind": "helpful", "answer_id": record["answer_id"], "generation": record["generation"], "citations": cited}
    assert client.post("/api/feedback", json=body).status_code == 201


def test_candidates_are_questions_that_a_person_has_to_finish(library_: Library, tmp_path: Path) -> None:
    base = given(library_)
    cited = tuple(Cited(**c) for c in base["citations"])
    said = Feedback(FeedbackKind.HELPFUL, ID, library_.generation, cited, "da", True, QUESTION)
    for word in (said, replace(said, consent=False), replace(said, kind=FeedbackKind.WRONG_ANSWER, comment="nej")):
        keep(library_, word)
    helpful, wrong = candidates(library_, list(entries(library_.folder)))
    assert helpful["answerable"] is True
    assert helpful["gold"] == [{"doc": "b.txt", "item": "2", "sections": ["decision"]}]
    assert wrong["answerable"] is None
    assert wrong["gold"] == []
    assert wrong["why"] == "nej"
    out = tmp_path / "c.jsonl"
    done = run("feedback", "export", "--out", out, "--index", library_.folder, ASKAMU_EMBEDDER="keywords")
    assert done.returncode == 0, done.stderr
    with pytest.raises(BadQuestions, match="line 2"):
        read_gold([out])  # nobody has said yet whether it can be answered
    first = tmp_path / "first.jsonl"
    first.write_text(out.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    assert read_gold([first])[0].gold[0].is_at("b.txt", "2")


def test_counts_are_listed(library_: Library) -> None:
    assert "Ingen tilbagemeldinger" in run("feedback", "list", "--index", library_.folder).stdout
    keep(library_, Feedback(FeedbackKind.WRONG_SOURCE, ID, library_.generation))
    told = json.loads(run("feedback", "list", "--json", "--index", library_.folder).stdout)
    assert told == {
        "total": 1,
        "consented": 0,
        "kinds": {"helpful": 0, "wrong_source": 1, "wrong_answer": 0, "missing": 0},
        "phrased": {"helpful": 0, "wrong_source": 0, "wrong_answer": 0, "missing": 0},
    }


def test_a_corrected_document_keeps_its_feedback(library_: Library, tmp_path: Path) -> None:
    """Feedback on an answer from minutes that were corrected since is still taken."""
    body = given(library_)
    settings = Settings(index=library_.folder, embedder="keywords")
    client = client_of(settings)
    small_index(tmp_path, b=SECOND.replace("august", "september"))
    assert client.post("/api/feedback", json=body).status_code == 201
