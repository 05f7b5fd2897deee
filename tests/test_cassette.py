"""Evaluating with a language model: its replies recorded and played back, and the figures of how they fared."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers_llm import FAULTS, Prompt, Reply, honest, scripted
from test_cli import run as command
from test_evaluate import OWN
from test_report import assert_stands_alone

from askamu.config import settings
from askamu.errors import CassetteUnusable, LanguageModelFailed
from askamu.evaluate.gold import GoldQuestion, read_gold
from askamu.evaluate.llm import ModelFigures, in_words_of, model_figures
from askamu.evaluate.run import evaluate
from askamu.library import Library
from askamu.llm.cassette import Cassette, Tape
from askamu.llm.model import Message, Writing, open_model

FAR = 1e12  # a deadline that is never reached
ASKED = [Message("user", "Hvad blev besluttet?")]


class Told:
    """A language model that says the same to everything, four characters at a time."""

    name, structured = "told", False

    def __init__(self, text: str = "Det står der.", failed: str | None = None) -> None:
        self.text, self.failed, self.asked = text, failed, 0

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        self.asked += 1
        writing = Writing(iter(()))

        def pieces() -> Iterator[str]:
            writing.first_ms = 12.5
            try:
                yield from (self.text[n : n + 4] for n in range(0, len(self.text), 4))
            finally:
                writing.tokens_in, writing.tokens_out = 30, 4
            if self.failed:
                raise LanguageModelFailed(self.failed)

        writing.pieces = pieces()
        return writing


def said(tape: Tape, asked: list[Message] = ASKED, deadline: float = FAR) -> tuple[str, Writing]:
    writing = tape.write(asked, deadline)
    return "".join(writing), writing


def recorded(file: Path, model: Told | None = None) -> Told:
    model = model or Told()
    with Cassette(file, model).asking("a", "Hvad?") as tape, suppress(LanguageModelFailed):
        said(tape)
    return model


# -- one reply


def test_a_reply_is_played_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    model = recorded(file)
    for again in (Cassette(file, None), Cassette(file, model)):
        with again.asking("a", "Hvad?") as tape:
            text, writing = said(tape)
        assert text == model.text
        assert (writing.first_ms, writing.tokens_in, writing.tokens_out) == (12.5, 30, 4)
        assert (again.name, again.structured) == ("told", False)
        assert (again.used.calls, again.used.tokens_in, again.used.tokens_out) == (1, 30, 4)
    assert model.asked == 1


def test_a_failure_is_played_back_and_one_of_the_moment_is_not_recorded(tmp_path: Path) -> None:
    recorded(tmp_path / "cut.jsonl", Told("Det st", "cut"))
    with Cassette(tmp_path / "cut.jsonl", None).asking("a", "Hvad?") as tape:
        pieces = []
        with pytest.raises(LanguageModelFailed) as failed:
            pieces += list(tape.write(ASKED, FAR))
        assert failed.value.reason == "cut"
    down = Told("", "unreachable")
    recorded(tmp_path / "down.jsonl", down)
    recorded(tmp_path / "down.jsonl", down)
    assert down.asked == 2
    assert len((tmp_path / "down.jsonl").read_text().splitlines()) == 1


def test_what_was_not_recorded_is_told_by_its_question(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    recorded(file)
    replay = Cassette(file, None)
    with replay.asking("b", "Hvem?") as tape, pytest.raises(LanguageModelFailed) as failed:
        said(tape, [Message("user", "Hvem?")])
    assert failed.value.reason == "unrecorded"
    assert list(replay.lacking) == ["b"]


def test_what_there_was_no_time_for_is_not_missed(tmp_path: Path) -> None:
    """A repair that was not asked for because the answer took all the time is none that the cassette lacks."""
    file = tmp_path / "c.jsonl"
    recorded(file)
    header, line = file.read_text().splitlines()
    file.write_text("\n".join([header, json.dumps({**json.loads(line), "ms": 29_500.0}), ""]))
    replay = Cassette(file, None)
    with replay.asking("a", "Hvad?") as tape:
        deadline = time.monotonic() + 30
        said(tape, deadline=deadline)
        with pytest.raises(LanguageModelFailed) as failed:
            said(tape, [Message("user", "RET: …")], deadline)
    assert failed.value.reason == "slow"
    assert not replay.lacking


def test_a_reply_that_nobody_read_to_its_end_is_kept_as_far_as_it_was_read(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    with Cassette(file, Told()).asking("a", "Hvad?") as tape:
        writing = tape.write(ASKED, FAR)
        assert next(iter(writing)) == "Det "
    replay = Cassette(file, None)
    with replay.asking("a", "Hvad?") as tape:
        writing = tape.write(ASKED, FAR)
        assert next(iter(writing)) == "Det "
        with pytest.raises(LanguageModelFailed):
            list(writing)
    assert list(replay.lacking) == ["a"]


def test_an_answer_that_broke_off_with_an_error_records_nothing_half(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"

    def broken() -> None:
        with Cassette(file, Told()).asking("a", "Hvad?") as tape:
            next(iter(tape.write(ASKED, FAR)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert len(file.read_text().splitlines()) == 1


def test_marks_are_the_same_each_time_and_another_cassettes_are_others(tmp_path: Path) -> None:
    def marks(cassette: Cassette, question: str = "Hvad?") -> list[str]:
        with cassette.asking("a", question) as tape:
            return [tape.new_id() for _ in range(200)]

    first = marks(Cassette(tmp_path / "a.jsonl", Told()))
    assert (
        marks(Cassette(tmp_path / "a.jsonl", None) if recorded(tmp_path / "a.jsonl") else Cassette(None, None)) == first
    )
    assert len(set(first)) == 200
    assert all(len(m) == 6 and set(m) <= set("abcdefghijklmnopqrstuvwxyz234567") for m in first)
    assert not set(first) & set(marks(Cassette(tmp_path / "a.jsonl", None), "Hvem?"))
    assert not set(first) & set(marks(Cassette(tmp_path / "b.jsonl", Told())))
    assert not set(first) & set(marks(Cassette(None, Told())))


# -- the file


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[]", 1), ("{", 1), ('{"format": 2}', 1), ('{"format": 1, "model": "m", "structured": false, "key": "00"}', 1),
        ("{header}\n{", 2), ("{header}\n[]", 2), ("{header}\n" + "[" * 100_000, 2), ('{header}\n{"prompt": "a"}', 2),
        ('{header}\n{"prompt": "a", "question": "b", "pieces": [1], "tokens_in": 1, "tokens_out": 1, "first_ms": 1, "ms": 1, "failed": null, "stopped": false}', 2),
        ("{header}\n\n", 2), ("\udcff\udcfe{header}", 1),
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(tmp_path: Path, content: str, line: int) -> None:
    file = tmp_path / "c.jsonl"
    Cassette(file, Told())
    header = file.read_text().strip()
    file.write_bytes(content.replace("{header}", header).encode("utf-8", "surrogateescape") + b"\n")
    before = file.read_bytes()
    for model in (None, Told()):
        with pytest.raises(CassetteUnusable) as error:
            Cassette(file, model)
        assert f"linje {line} " in error.value.say("da")
        assert "c.jsonl" in error.value.say("en")
    assert file.read_bytes() == before


def test_a_line_without_an_end_is_left_out_and_written_again(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    model = recorded(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])  # killed while it wrote
    assert not Cassette(file, None)._kept
    recorded(file, model)
    assert model.asked == 2
    assert file.read_bytes().count(b"\n") == 2
    with Cassette(file, None).asking("a", "Hvad?") as tape:
        assert said(tape)[0] == model.text


@pytest.mark.parametrize("content", [b"my own notes", b'{"a": 1}', b"PK\x03\x04", b"{"])
def test_a_file_that_is_none_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    if content == b"{":  # as far as it goes it is the beginning of one
        Cassette(file, Told())
        assert file.read_bytes().endswith(b"}\n")
        return
    for model in (None, Told()):
        with pytest.raises(CassetteUnusable, match=r"notes\.txt"):
            Cassette(file, model)
    assert file.read_bytes() == content


def test_a_cassette_of_another_model_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "c.jsonl")
    other, strict = Told(), Told()
    other.name, strict.structured = "andet", True
    for model in (other, strict):
        with pytest.raises(CassetteUnusable, match=r"told \(text\).*(andet \(text\)|told \(json\))"):
            Cassette(tmp_path / "c.jsonl", model)


def test_none_to_play_and_none_to_record(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for name in ("none.jsonl", "empty.jsonl"):
        with pytest.raises(CassetteUnusable, match="ASKAMU_LLM"):
            Cassette(tmp_path / name, None)
    with pytest.raises(CassetteUnusable, match="can't be read"):
        Cassette(tmp_path, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(CassetteUnusable, match="can't be written"):
        Cassette(tmp_path / "c.jsonl", Told())


def test_a_full_disk_leaves_whole_lines_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.jsonl"
    cassette = Cassette(file, Told())
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with cassette.asking("a", "Hvad?") as tape, pytest.raises(CassetteUnusable, match="No space left"):
        said(tape)
    assert file.read_bytes() == before


def test_playing_back_writes_nothing(tmp_path: Path) -> None:
    recorded(tmp_path / "c.jsonl")
    copy = tmp_path / "read-only"
    copy.mkdir()
    (copy / "c.jsonl").write_bytes((tmp_path / "c.jsonl").read_bytes())
    with Cassette(copy / "c.jsonl", None).asking("a", "Hvad?") as tape:
        said(tape)
    assert [p.name for p in copy.iterdir()] == ["c.jsonl"]


def test_runs_at_the_same_time_share_a_file(tmp_path: Path) -> None:
    """Eight threads over two cassettes, and two further processes, all on one file; the same prompts, and own ones."""
    file = tmp_path / "c.jsonl"
    code = (
        "import sys\nfrom pathlib import Path\nfrom test_cassette import Told, record_many\n"
        "record_many(Path(sys.argv[1]), sys.argv[2])"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(file), f"p{n}"], cwd=Path(__file__).parent) for n in range(2)
    ]
    shared = [Cassette(file, Told("x" * 5_000)) for _ in range(2)]
    threads = [threading.Thread(target=record_many, args=(file, f"t{n}", shared[n % 2])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [p.wait(60) for p in others] == [0, 0]
    found = Cassette(file, None)
    assert found._lines == 1 + 10 + 10 * 10  # the header, what all asked, what each asked
    assert len(found._kept) == 110


def record_many(file: Path, name: str, cassette: Cassette | None = None) -> None:
    cassette = cassette or Cassette(file, Told("x" * 5_000))
    for n in range(10):
        with cassette.asking(f"{name}-{n}", "Hvad?") as tape:
            said(tape, [Message("user", f"all {n}")])
            said(tape, [Message("user", f"{name} {n}")])


# -- a whole evaluation


def some(count: int = 8) -> list[GoldQuestion]:
    """Questions of several kinds, in pairs that follow one another."""
    questions = read_gold([OWN])
    return questions[:: len(questions) // count][:count]


def liar(prompt: Prompt) -> Reply:
    """Two sound sentences and one with a figure that nobody printed; the repair is no better."""
    told = honest(prompt)
    mark = next((m for p in prompt.passages for m, _ in p.sentences), "aaaaaa.1")
    lie = f"Det kostede 987.654 kr. i alt [{mark}]."
    return Reply(f"1. {lie}" if prompt.is_repair else f"{told.text} {lie}")


def figures_of(library: Library, cassette: Cassette) -> tuple[ModelFigures, list[dict[str, float]]]:
    scores = evaluate(library, some(), how=in_words_of(cassette))
    return model_figures(scores, cassette), [s.metrics for s in scores]


@pytest.mark.parametrize("reply", [honest, liar], ids=["honest", "liar"])
def test_a_run_played_back_has_the_same_figures(library: Library, tmp_path: Path, reply: Any) -> None:
    file = tmp_path / "c.jsonl"
    with scripted(reply) as server:
        model = open_model(settings(llm="openai:scripted", llm_base_url=server.url))
        first, metrics = figures_of(library, Cassette(file, model))
        asked = len(server.chats)
        again, _ = figures_of(library, Cassette(file, model))
        assert len(server.chats) == asked  # all of it was recorded
    played, replayed = figures_of(library, Cassette(file, None))
    assert replayed == metrics
    for other in (again, played):
        assert replace(other, check_ms=first.check_ms) == first
    assert first.model == "scripted"
    assert first.calls == asked
    assert first.unrecorded == ()
    assert 0 < first.written <= first.asked <= len(some())
    assert first.asked == first.written + sum(first.fallbacks.values())
    if reply is liar:
        assert first.faults["figure"] >= first.written
        assert first.sentences["quoted"] + first.sentences["dropped"] >= first.written
    else:
        assert set(first.fallbacks) <= {"declined", "unverified"}
        assert first.sentences["kept"] > 2 * first.sentences["dropped"]


def test_why_answers_are_without_its_words_is_counted(library: Library, tmp_path: Path) -> None:
    with scripted(FAULTS["empty"]) as server:
        model = open_model(settings(llm="openai:scripted", llm_base_url=server.url))
        assert model is not None
        model.breaker.failures = 1_000  # as the command does
        found, _ = figures_of(library, Cassette(tmp_path / "c.jsonl", model))
    assert found.written == 0
    assert found.fallbacks == {"empty": found.asked}
    played, _ = figures_of(library, Cassette(tmp_path / "c.jsonl", None))
    assert played.fallbacks == found.fallbacks


def test_the_command_records_plays_and_says_what_is_missing(seed_index: Path, tmp_path: Path) -> None:
    lines = OWN.read_text(encoding="utf-8").splitlines()[:4]
    questions, file, html = tmp_path / "q.jsonl", tmp_path / "c.jsonl", tmp_path / "r.html"
    questions.write_text("\n".join(lines[:3]), encoding="utf-8")
    told = ("eval", questions, "--index", seed_index, "--llm", "--cassette", file)
    with scripted(honest) as server:
        first = command(*told, "--json", ASKAMU_LLM="openai:scripted", ASKAMU_LLM_BASE_URL=server.url)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["llm"]["asked"] > 0
    again = command(*told, "--html", html)
    assert again.returncode == 0, again.stderr
    assert "Sprogmodellen scripted" in again.stdout
    assert "til de første ord" in again.stdout
    assert_stands_alone(html.read_text(encoding="utf-8"))
    assert "Sprogmodellen scripted" in html.read_text(encoding="utf-8")
    questions.write_text("\n".join(lines), encoding="utf-8")
    more = command(*told, "--lang", "en")
    assert more.returncode == 1
    assert f"({json.loads(lines[3])['id']})" in more.stderr
    assert "Set ASKAMU_LLM to scripted" in more.stderr


def test_the_command_says_what_it_needs(seed_index: Path, tmp_path: Path) -> None:
    told = ("eval", OWN, "--index", seed_index)
    for more, words in (
        (("--llm",), "ASKAMU_LLM"),
        (("--llm", "--cassette", tmp_path / "none.jsonl"), "none.jsonl"),
        (("--cassette", tmp_path / "none.jsonl"), "--llm"),
    ):
        done = command(*told, *more)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not done.stdout


def test_a_model_that_fails_gets_no_rest_in_an_evaluation(seed_index: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text("\n".join(OWN.read_text(encoding="utf-8").splitlines()[:8]), encoding="utf-8")
    with scripted(FAULTS["empty"]) as server:
        made = {"ASKAMU_LLM": "openai:scripted", "ASKAMU_LLM_BASE_URL": server.url}
        done = command("eval", questions, "--index", seed_index, "--llm", "--json", **made)
    told = json.loads(done.stdout)["llm"]
    assert told["asked"] > 3
    assert told["fallbacks"] == {"empty": told["asked"]}
