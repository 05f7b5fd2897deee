from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from helpers_index import Keywords, index_settings, minutes_text, write_minutes

from askamu import index
from askamu import ingest as module
from askamu.errors import IndexBusy, IndexUnreadable, NothingToIngest, PathMissing
from askamu.index import CHROMA, CURRENT, current_id, open_current, writing
from askamu.ingest import find, ingest
from askamu.record import Record

MARCH, JUNE, SEPTEMBER = date(2024, 3, 11), date(2024, 6, 10), date(2024, 9, 9)


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """A folder with two meetings."""
    folder = tmp_path / "minutes"
    write_minutes(folder, "march.txt", MARCH, "småjob", "budget")
    write_minutes(folder, "june.txt", JUNE, "sygedagpenge", "fleksjob")
    return folder


@pytest.fixture
def run(tmp_path: Path):
    def run(*paths: Path, embedder: Keywords | None = None, **options: bool) -> module.IngestReport:
        return ingest(paths, index_settings(tmp_path / "index"), embedder=embedder or Keywords(), **options)

    return run


def sources(folder: Path) -> list[str]:
    generation = current_id(folder)
    assert generation
    with Record.open(folder) as record:
        return sorted(row.source for row in record.meetings(generation))


def passages(folder: Path) -> list[tuple[str, str]]:
    """(id, text) of all passages that the index can find."""
    with open_current(folder) as generation, Record.open(folder) as record:
        found = set(generation._vectors._collection.get(include=[])["ids"])
        held = record.passages_of(generation.manifest.generation)
    assert found == {p.id for p in held}
    return sorted((p.id, p.indexed_text) for p in held)


def statuses(report: module.IngestReport) -> dict[str, str]:
    return {m.source: m.status for m in report.meetings}


def test_ingests_a_folder(minutes, run, tmp_path):
    seen: list[tuple[str, int, int]] = []
    report = ingest(
        [minutes], index_settings(tmp_path / "index"), embedder=Keywords(), progress=lambda *a: seen.append(a)
    )
    assert statuses(report) == {"june.txt": "new", "march.txt": "new"}
    assert (report.built, report.failed, report.removed, report.documents) == (True, (), (), 2)
    march = next(m for m in report.meetings if m.source == "march.txt")
    assert (march.municipality, march.committee, march.date_text) == (
        "Holstebro",
        "Arbejdsmarkedsudvalget",
        "2024-03-11",
    )
    assert (march.items, march.closed) == (3, 1)
    assert report.passages == len(passages(tmp_path / "index")) == sum(m.passages for m in report.meetings)
    assert report.passages_embedded == report.passages
    assert report.rate > 0
    assert {stage for stage, _, _ in seen} == {"read", "embed", "vectors", "index", "check"}
    assert all(0 <= done <= total for _, done, total in seen)


def test_what_is_unchanged_is_not_built_again(minutes, run, tmp_path):
    first = run(minutes)
    embedder = Keywords()
    again = run(minutes, embedder=embedder)
    assert set(statuses(again).values()) == {"unchanged"}
    assert (again.built, again.passages_embedded, embedder.embedded) == (False, 0, [])
    assert again.generation == first.generation
    assert again.documents == 2


def test_adds_to_what_is_there(minutes, run, tmp_path):
    run(minutes)
    other = write_minutes(tmp_path / "more", "september.txt", SEPTEMBER, "praktik")
    embedder = Keywords()
    report = run(other, embedder=embedder)
    assert statuses(report) == {"september.txt": "new"}
    assert sources(tmp_path / "index") == ["june.txt", "march.txt", "september.txt"]
    assert len(embedder.embedded) == report.passages_embedded == report.meetings[0].passages


def test_only_leaves_nothing_else(minutes, run, tmp_path):
    run(minutes)
    report = run(minutes / "march.txt", only=True)
    assert report.removed == ("june.txt",)
    assert statuses(report) == {"march.txt": "unchanged"}
    assert sources(tmp_path / "index") == ["march.txt"]


def test_corrected_minutes_replace_the_old(minutes, run, tmp_path):
    first = run(minutes)
    write_minutes(minutes, "march.txt", MARCH, "småjob", "budget", "integration")
    report = run(minutes)
    assert statuses(report) == {"march.txt": "replaced", "june.txt": "unchanged"}
    assert report.removed == ()
    assert sources(tmp_path / "index") == ["june.txt", "march.txt"]
    assert any("integration" in text for _, text in passages(tmp_path / "index"))
    old = next(m.document for m in first.meetings if m.source == "march.txt")
    with Record.open(tmp_path / "index") as record:
        assert record.successor(old) == next(m.document for m in report.meetings if m.source == "march.txt")
        assert ("march.txt", "replaced") in [(j.source, j.status) for j in record.journal()]


def test_a_correction_can_be_undone(minutes, run, tmp_path):
    run(minutes)
    before = passages(tmp_path / "index")
    text = (minutes / "march.txt").read_text()
    write_minutes(minutes, "march.txt", MARCH, "integration")
    run(minutes)
    (minutes / "march.txt").write_text(text)
    assert statuses(run(minutes))["march.txt"] == "replaced"
    assert passages(tmp_path / "index") == before


def test_a_better_parser_reads_again(minutes, run, tmp_path, monkeypatch):
    run(minutes)
    monkeypatch.setattr(module, "PARSER_VERSION", "next")
    embedder = Keywords()
    report = run(minutes, embedder=embedder)
    assert set(statuses(report).values()) == {"replaced"}
    assert sources(tmp_path / "index") == ["june.txt", "march.txt"]
    assert embedder.embedded == []  # the texts are the same, and so are their vectors
    assert run(minutes).built is False
    for later in range(4):
        monkeypatch.setattr(module, "PARSER_VERSION", f"later {later}")
        run(minutes, embedder=embedder)
    assert embedder.embedded == []  # nor were they forgotten with the documents that were replaced


def test_the_same_content_twice_is_one_document(minutes, run, tmp_path):
    shutil.copy(minutes / "march.txt", minutes / "copy of march.txt")
    report = run(minutes)
    assert report.documents == 2
    (warned,) = [m for m in report.meetings if m.warnings]
    assert "er en nøjagtig kopi af" in warned.warnings[0]
    again = run(minutes)
    assert again.built is False
    write_minutes(minutes, "copy of march.txt", SEPTEMBER, "praktik")
    assert run(minutes).documents == 3
    assert set(statuses(run(minutes)).values()) == {"unchanged"}


def test_a_file_that_moved_is_the_same_document(minutes, run, tmp_path):
    run(minutes)
    minutes.rename(tmp_path / "elsewhere")
    report = run(tmp_path / "elsewhere")
    assert (report.built, set(statuses(report).values())) == (False, {"unchanged"})
    assert [m.warnings for m in report.meetings] == [(), ()]
    write_minutes(tmp_path / "elsewhere", "march.txt", MARCH, "integration")
    assert statuses(run(tmp_path / "elsewhere"))["march.txt"] == "replaced"
    assert sources(tmp_path / "index") == ["june.txt", "march.txt"]


def test_files_of_one_name_are_told_apart(run, tmp_path):
    write_minutes(tmp_path / "m" / "2023", "referat.txt", date(2023, 3, 1), "småjob")
    write_minutes(tmp_path / "m" / "2024", "referat.txt", date(2024, 3, 1), "budget")
    write_minutes(tmp_path / "n" / "2024", "referat.txt", date(2025, 3, 1), "budget")
    report = run(tmp_path / "m", tmp_path / "n")
    assert sources(tmp_path / "index") == ["2024_referat.txt", "2024_referat_2.txt", "referat.txt"]
    assert [bool(m.warnings) for m in report.meetings] == [False, True, True]
    assert run(tmp_path / "n", tmp_path / "m").built is False
    write_minutes(tmp_path / "m" / "2024", "referat.txt", date(2024, 3, 1), "praktik")
    assert statuses(run(tmp_path / "m"))["2024_referat.txt"] == "replaced"


def test_what_fails_is_reported_and_the_rest_done(minutes, run, tmp_path, monkeypatch):
    (minutes / "empty.txt").write_text("")
    (minutes / "letter.txt").write_text("Kære Henning\n\nTak for sidst.\n")
    (minutes / "binary.txt").write_bytes(bytes(range(256)) * 50)
    write_minutes(minutes, "odd.txt", SEPTEMBER, "praktik")
    real = module.parse

    def parse(source, language):
        if source.name == "odd.txt":
            raise ZeroDivisionError("oh")
        return real(source, language)

    monkeypatch.setattr(module, "parse", parse)
    report = run(minutes)
    assert {f.name for f in report.failed} == {"binary.txt", "empty.txt", "letter.txt", "odd.txt"}
    reasons = {f.name: f.reason for f in report.failed}
    assert reasons["empty.txt"].startswith("filen er tom")
    assert "ZeroDivisionError: oh" in reasons["odd.txt"]
    assert sources(tmp_path / "index") == ["june.txt", "march.txt"]
    with Record.open(tmp_path / "index") as record:
        assert {j.source for j in record.journal() if j.status == "failed"} == set(reasons)
    assert run(minutes).built is False


def test_a_file_that_became_unreadable_keeps_its_last_version(minutes, run, tmp_path):
    run(minutes)
    before = passages(tmp_path / "index")
    (minutes / "march.txt").write_text("")
    for only in (False, True):
        report = run(minutes, only=only)
        assert [f.name for f in report.failed] == ["march.txt"]
        assert passages(tmp_path / "index") == before


def test_too_large_a_file_is_reported(minutes, tmp_path):
    settings = index_settings(tmp_path / "index").model_copy(update={"max_file_mb": 0.0001})
    report = ingest([minutes], settings, embedder=Keywords())
    assert len(report.failed) == 2
    assert "ASKAMU_MAX_FILE_MB" in report.failed[0].reason
    assert (report.generation, report.built) == (None, False)


def test_nothing_to_ingest(tmp_path, run):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("hello")
    with pytest.raises(NothingToIngest):
        run(tmp_path / "empty")
    with pytest.raises(PathMissing):
        run(tmp_path / "nowhere")
    with pytest.raises(PathMissing):
        run(tmp_path / "empty" / "*.txt")
    assert not (tmp_path / "index").exists()


def test_finds_what_it_can_read(tmp_path):
    for name in (
        "a.txt",
        "b.MD",
        "sub/c.md",
        "README.txt",
        "readme.md",
        ".hidden.txt",
        ".git/d.txt",
        "e.pdf",
        "g.exe",
        "[x] f.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found, failed = find([tmp_path, tmp_path / "a.txt"])
    assert [p.relative_to(tmp_path).as_posix() for p in found] == ["[x] f.txt", "a.txt", "b.MD", "e.pdf", "sub/c.md"]
    assert failed == []
    assert [p.name for p in find([f"{tmp_path}/*"])[0]] == ["[x] f.txt", "a.txt", "b.MD", "e.pdf", "c.md"]
    assert [p.name for p in find([f"{tmp_path}/**/*.md"])[0]] == ["c.md"]
    assert [p.name for p in find([tmp_path / "[x] f.txt"])[0]] == ["[x] f.txt"]
    assert [p.name for p in find([tmp_path / "g.exe"])[0]] == ["g.exe"]  # named outright: loading says what is wrong


def test_another_embedder_embeds_everything_again(minutes, run, tmp_path):
    run(minutes)
    other = Keywords("other")
    report = run(minutes / "june.txt", embedder=other)
    assert report.reembedded_from == "axes@1"
    assert (report.built, report.documents) == (True, 2)
    assert report.passages_embedded == len(other.embedded) == report.passages
    with open_current(tmp_path / "index") as generation:
        assert generation.manifest.model_id == "other@1"
    back = run(minutes)  # the old vectors are still there
    assert (back.reembedded_from, back.passages_embedded) == ("other@1", 0)


def test_a_damaged_index_is_built_again(minutes, run, tmp_path):
    first = run(minutes)
    before = passages(tmp_path / "index")
    (tmp_path / "index" / first.generation / CHROMA / "chroma.sqlite3").write_bytes(b"x" * 5_000)
    with pytest.raises(IndexUnreadable):
        open_current(tmp_path / "index")
    embedder = Keywords()
    report = run(minutes, embedder=embedder)
    assert report.built
    assert report.repaired
    assert embedder.embedded == []
    assert passages(tmp_path / "index") == before
    (tmp_path / "index" / CURRENT).unlink()
    assert "CURRENT is missing" in (run(minutes).repaired or "")
    assert passages(tmp_path / "index") == before


def test_a_second_ingest_is_refused(minutes, run, tmp_path):
    with writing(tmp_path / "index"), pytest.raises(IndexBusy):
        run(minutes)


def test_a_failed_build_changes_nothing_and_is_made_up_for(minutes, run, tmp_path, monkeypatch):
    run(minutes)
    before = passages(tmp_path / "index")
    write_minutes(minutes, "march.txt", MARCH, "integration")
    with monkeypatch.context() as patched:
        patched.setattr(index, "_check", lambda *_: (_ for _ in ()).throw(IndexUnreadable(tmp_path, "check")))
        with pytest.raises(IndexUnreadable):
            run(minutes)
    assert passages(tmp_path / "index") == before
    assert statuses(run(minutes)) == {"march.txt": "replaced", "june.txt": "unchanged"}
    assert passages(tmp_path / "index") != before


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from helpers_index import Keywords, index_settings
from askamu.ingest import ingest

class Slow(Keywords):
    def embed_passages(self, texts):
        time.sleep(0.01)
        return super().embed_passages(texts)

print("ready", flush=True)
ingest([Path(sys.argv[1])], index_settings(Path(sys.argv[2])), embedder=Slow())
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_old_index_answers_and_the_next_run_finishes(tmp_path):
    script = tmp_path / "slow_ingest.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent)))
    minutes, folder = tmp_path / "minutes", tmp_path / "index"
    for n in range(20):
        write_minutes(minutes, f"{n:03}.txt", date(2010 + n // 12, n % 12 + 1, 3), "småjob", "budget", "fleksjob")
    ingest([minutes], index_settings(folder), embedder=Keywords())
    before = passages(folder)
    for n in range(20, 120):
        write_minutes(minutes, f"{n:03}.txt", date(2010 + n // 12, n % 12 + 1, 3), "småjob", "budget", "praktik")
    write_minutes(minutes, "000.txt", MARCH, "integration")

    start = time.perf_counter()
    ingest([minutes], index_settings(tmp_path / "undisturbed"), embedder=Keywords())
    wanted = passages(tmp_path / "undisturbed")
    length = time.perf_counter() - start

    random.seed(4)
    killed = 0
    command = [sys.executable, str(script), str(minutes), str(folder)]
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(random.uniform(0, length * 0.6))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert passages(folder) in (before, wanted)
    assert killed >= 5
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    assert passages(folder) == wanted
    assert ingest([minutes], index_settings(folder), embedder=Keywords()).built is False
    generations = [p for p in folder.iterdir() if p.is_dir()]
    assert len(generations) <= 2
    assert minutes_text(MARCH, "integration") == (minutes / "000.txt").read_text()


# -- what is not read, and what is left out -----------------------------------------------------


def test_reasons_and_warnings_come_in_the_language_set(minutes, tmp_path):
    (minutes / "empty.txt").write_text("")
    (minutes / "gone.txt").symlink_to(tmp_path / "nowhere")
    write_minutes(minutes, "copy.txt", MARCH, "småjob", "budget")
    write_minutes(minutes, "undated.txt", SEPTEMBER, "praktik")
    undated = (minutes / "undated.txt").read_text().replace("Mødedato: 09-09-2024\n", "")
    (minutes / "undated.txt").write_text(undated)
    for lang, empty, gone, copy, no_date in (
        ("da", "filen er tom", "filen kan ikke åbnes", "er en nøjagtig kopi af", "Mødets dato er ikke oplyst"),
        ("en", "the file is empty", "the file can't be opened", "is an exact copy of", "do not state the date"),
    ):
        settings = index_settings(tmp_path / lang).model_copy(update={"lang": lang})
        report = ingest([minutes], settings, embedder=Keywords())
        reasons = {f.name: f.reason for f in report.failed}
        assert reasons["empty.txt"].startswith(empty)
        assert reasons["gone.txt"].startswith(gone)
        warnings = " ".join(w for m in report.meetings for w in m.warnings)
        assert copy in warnings
        assert no_date in warnings


def test_only_regular_files_are_opened(minutes, run):
    os.mkfifo(minutes / "pipe.txt")
    (minutes / "device.txt").symlink_to("/dev/zero")
    report = run(minutes)
    assert {f.name: "ikke en almindelig fil" in f.reason for f in report.failed} == {
        "pipe.txt": True,
        "device.txt": True,
    }
    assert report.documents == 2


def test_foreign_files_of_a_folder_are_passed_over_and_named_ones_fail(minutes, run, tmp_path):
    (minutes / "package.json").write_text('{"name": "x"}')
    (minutes / "index.html").write_text("<html><body><p>Velkommen til siden.</p></body></html>")
    (minutes / "brev.txt").write_text("Kære udvalg.\n\nTak for sidst.")
    report = run(minutes)
    assert [f.name for f in report.failed] == ["brev.txt"]
    assert sorted(f.name for f in report.skipped) == ["index.html", "package.json"]
    named = run(minutes, minutes / "package.json")
    assert sorted(f.name for f in named.failed) == ["brev.txt", "package.json"]
    planned = {f.name: f.status for f in module.plan([minutes], index_settings(tmp_path / "index"))}
    assert planned == {
        "june.txt": "unchanged",
        "march.txt": "unchanged",
        "brev.txt": "unreadable",
        "index.html": "skipped",
        "package.json": "skipped",
    }
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "package.json").write_text("{}")
    with pytest.raises(NothingToIngest):
        run(tmp_path / "other")


def test_a_page_that_held_minutes_keeps_its_last_version(minutes, run):
    text = minutes_text(SEPTEMBER, "praktik").replace("\n", "</p>\n<p>")
    (minutes / "september.html").write_text(f"<html><body><p>{text}</p></body></html>")
    assert run(minutes).documents == 3
    (minutes / "september.html").write_text("<html><body><p>Siden findes ikke længere.</p></body></html>")
    report = run(minutes)
    assert [f.name for f in report.failed] == ["september.html"]
    assert (report.skipped, report.documents) == ((), 3)


def agenda_text(day: date, *subjects: str) -> str:
    parts = minutes_text(day, *subjects).replace("Referat\n", "Dagsorden\n", 1).split("Beslutning\n")
    return "".join([parts[0], *(p.split("\n", 1)[1] for p in parts[1:])])


def test_the_minutes_of_a_meeting_win_over_its_agenda(minutes, run, tmp_path):
    index_folder = tmp_path / "index"
    (minutes / "agenda.txt").write_text(agenda_text(MARCH, "småjob", "budget"))
    agenda = run(minutes / "agenda.txt")
    assert sources(index_folder) == ["agenda.txt"]
    assert agenda.left_out == ()
    planned = {f.name: f.status for f in module.plan([minutes], index_settings(index_folder))}
    assert planned == {"agenda.txt": "removed", "june.txt": "new", "march.txt": "new"}
    report = run(minutes)
    assert sources(index_folder) == ["june.txt", "march.txt"]
    assert [(f.name, "march.txt" in f.reason) for f in report.left_out] == [("agenda.txt", True)]
    assert report.removed == ("agenda.txt",)
    with Record.open(index_folder) as record:
        march = next(m.document for m in report.meetings if m.source == "march.txt")
        assert record.successor(agenda.meetings[0].document) == march
    again = run(minutes)
    assert (again.built, [f.name for f in again.left_out]) == (False, ["agenda.txt"])
    planned = {f.name: f.status for f in module.plan([minutes], index_settings(index_folder))}
    assert planned == {"agenda.txt": "skipped", "june.txt": "unchanged", "march.txt": "unchanged"}
    run(minutes / "agenda.txt", only=True)
    assert sources(index_folder) == ["agenda.txt"]


def test_two_minutes_of_one_meeting_are_kept_with_a_warning(minutes, run, tmp_path):
    write_minutes(minutes, "other.txt", MARCH, "integration")
    report = run(minutes)
    assert sources(tmp_path / "index") == ["june.txt", "march.txt", "other.txt"]
    warned = {m.source: " ".join(m.warnings) for m in report.meetings}
    assert "other.txt" in warned["march.txt"]
    assert "march.txt" in warned["other.txt"]
    assert warned["june.txt"] == ""


def test_two_hundred_unchanged_files_take_no_time(run, tmp_path):
    folder = tmp_path / "many"
    for n in range(200):
        path = write_minutes(folder, f"{n:03}.txt", date(2005 + n // 12, n % 12 + 1, 3), "småjob")
        path.with_name(f"{path.name}.toml").write_text('place = "Rådhuset"')
    run(folder)
    report = run(folder)
    assert report.built is False
    assert report.seconds < 2
