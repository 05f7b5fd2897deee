"""What an ingest would do, without doing it; and ingesting again whenever something changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers_index import Keywords, index_settings, write_minutes
from test_ingest import JUNE, MARCH, SEPTEMBER

from askamu import watch as module
from askamu.errors import IndexBusy, NothingToIngest, PathMissing
from askamu.index import writing
from askamu.ingest import IngestReport, ingest, plan
from askamu.watch import Outcome, watch


class Enough(BaseException):
    """Ends a watch, as Ctrl+C does."""


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    folder = tmp_path / "minutes"
    write_minutes(folder, "march.txt", MARCH, "småjob", "budget")
    write_minutes(folder, "june.txt", JUNE, "sygedagpenge")
    return folder


def planned(folder: Path, *paths: Path, only: bool = False) -> dict[str, str]:
    return {f.name: f.status for f in plan(paths, index_settings(folder), only=only)}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


# -- dry run ------------------------------------------------------------------------------------


def test_a_plan_makes_no_index(minutes: Path, tmp_path: Path) -> None:
    assert planned(tmp_path / "index", minutes) == {"march.txt": "new", "june.txt": "new"}
    assert not (tmp_path / "index").exists()


def test_a_plan_says_what_the_ingest_then_does(minutes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    ingest([minutes], index_settings(index), embedder=Keywords())
    write_minutes(minutes, "march.txt", MARCH, "småjob", "integration")
    write_minutes(minutes, "september.txt", SEPTEMBER, "praktik")
    (minutes / "tom.txt").write_bytes(b"")
    before = snapshot(index)
    found = plan([minutes], index_settings(index))
    assert {f.name: f.status for f in found} == {
        "june.txt": "unchanged",
        "march.txt": "replaced",
        "september.txt": "new",
        "tom.txt": "unreadable",
    }
    assert next(f for f in found if f.name == "tom.txt").notes
    assert snapshot(index) == before
    report = ingest([minutes], index_settings(index), embedder=Keywords())
    done = {m.source: m.status for m in report.meetings} | {f.name: "unreadable" for f in report.failed}
    assert done == {f.name: f.status for f in found}


def test_a_plan_tells_what_only_removes(minutes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    ingest([minutes], index_settings(index), embedder=Keywords())
    assert planned(index, minutes / "march.txt") == {"march.txt": "unchanged"}
    assert planned(index, minutes / "march.txt", only=True) == {"march.txt": "unchanged", "june.txt": "removed"}
    # What can't be read any more is neither replaced nor removed.
    (minutes / "june.txt").write_bytes(b"")
    assert planned(index, minutes, only=True) == {"march.txt": "unchanged", "june.txt": "unreadable"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToIngest):
        plan([tmp_path / "empty"], index_settings(index))
    with pytest.raises(PathMissing):
        plan([tmp_path / "none"], index_settings(index))


def test_a_plan_can_be_made_while_somebody_writes(minutes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    ingest([minutes], index_settings(index), embedder=Keywords())
    with writing(index):
        assert set(planned(index, minutes).values()) == {"unchanged"}


# -- watch --------------------------------------------------------------------------------------


class Script:
    """Time for a watch: each sleep does the next thing, and after the last the watch ends."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.steps:
            raise Enough
        self.steps.pop(0)()


def nothing() -> None:
    pass


def watched(path: Path, index: Path, *steps: Callable[[], object], only: bool = False) -> list[Outcome]:
    said: list[Outcome] = []
    with pytest.raises(Enough):
        watch(
            [path], index_settings(index), said.append, only=only, interval=5, embedder=Keywords(), sleep=Script(*steps)
        )
    return said


def summary(outcome: Outcome) -> dict[str, str] | str:
    if isinstance(outcome, IngestReport):
        return {m.source: m.status for m in outcome.meetings}
    return type(outcome).__name__


def test_ingests_at_the_start_and_after_each_change(minutes: Path, tmp_path: Path) -> None:
    said = watched(
        minutes,
        tmp_path / "index",
        nothing,  # the files stand still: the first ingest
        nothing,  # a look, nothing new
        lambda: write_minutes(minutes, "september.txt", SEPTEMBER, "praktik"),
        nothing,  # it stands still
        lambda: write_minutes(minutes, "march.txt", MARCH, "integration"),
        nothing,
        nothing,
    )
    assert [summary(o) for o in said] == [
        {"june.txt": "new", "march.txt": "new"},
        {"june.txt": "unchanged", "march.txt": "unchanged", "september.txt": "new"},
        {"june.txt": "unchanged", "march.txt": "replaced", "september.txt": "unchanged"},
    ]


def test_a_file_is_left_alone_while_it_grows(minutes: Path, tmp_path: Path) -> None:
    whole = (minutes / "march.txt").read_bytes()
    growing = minutes / "september.txt"
    said = watched(
        minutes,
        tmp_path / "index",
        lambda: growing.write_bytes(whole[:100]),
        lambda: growing.write_bytes(whole[:200]),
        lambda: growing.write_bytes(whole + b"\nMere.\n"),
        nothing,
        nothing,
    )
    assert [summary(o) for o in said] == [{"june.txt": "new", "march.txt": "new", "september.txt": "new"}]


def test_a_file_that_goes_leaves_the_index_only_when_asked(minutes: Path, tmp_path: Path) -> None:
    for only, removed in ((False, ()), (True, ("june.txt",))):
        write_minutes(minutes, "june.txt", JUNE, "sygedagpenge")
        said = watched(
            minutes, tmp_path / f"{only}", nothing, (minutes / "june.txt").unlink, nothing, nothing, only=only
        )
        assert isinstance(said[-1], IngestReport)
        assert said[-1].removed == removed


def test_an_error_is_said_once_and_does_not_end_it(
    minutes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    troubles = [IndexBusy(index), IndexBusy(index), RuntimeError("a bug"), None]

    def fails(*args: object, **options: object) -> IngestReport:
        trouble = troubles.pop(0)
        if trouble:
            raise trouble
        return ingest(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "ingest", fails)
    said = watched(minutes, index, *[nothing] * 7)
    assert [summary(o) for o in said] == ["IndexBusy", "RuntimeError", {"june.txt": "new", "march.txt": "new"}]


def test_a_folder_may_be_away_for_a_while(minutes: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    said = watched(
        minutes,
        tmp_path / "index",
        nothing,
        lambda: minutes.rename(away),
        nothing,
        lambda: away.rename(minutes),
        nothing,
    )
    assert [summary(o) for o in said] == [{"june.txt": "new", "march.txt": "new"}, "PathMissing"]


def test_a_wrong_path_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(PathMissing):
        watch([tmp_path / "none"], index_settings(tmp_path / "index"), print, embedder=Keywords())


# -- the commands -------------------------------------------------------------------------------

KEYWORDS = (  # the command line with the cheap embedder
    "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
    "from helpers_index import Keywords\n"
    "import askamu.embed, askamu.ingest\n"
    "for m in (askamu.embed, askamu.ingest): m.open_embedder = lambda *_, **_k: Keywords()\n"
    "from askamu.cli import main; main()"
)


def command(*args: object) -> list[str]:
    return [sys.executable, "-c", KEYWORDS, str(Path(__file__).parent), "ingest", *map(str, args)]


def test_dry_run_shows_each_file(minutes: Path, tmp_path: Path) -> None:
    (minutes / "tom.txt").write_bytes(b"")
    args = (minutes, "--index", tmp_path / "index", "--dry-run")
    done = subprocess.run(command(*args), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "march.txt" in done.stdout
    assert "2 nye" in done.stdout
    assert "kan ikke læses" in done.stdout
    assert not (tmp_path / "index").exists()
    record = json.loads(subprocess.run(command(*args, "--json"), capture_output=True, text=True, timeout=60).stdout)
    assert record["counts"] == {"new": 2, "unchanged": 0, "replaced": 0, "removed": 0, "unreadable": 1}
    both = subprocess.run(command(*args, "--watch"), capture_output=True, text=True, timeout=60)
    assert both.returncode == 2


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_watch_runs_until_it_is_stopped(minutes: Path, tmp_path: Path, stop: signal.Signals) -> None:
    process = subprocess.Popen(
        command(minutes, "--index", tmp_path / "index", "--watch", "--interval", "0.1"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stderr
        assert "Holder øje med" in process.stderr.readline()
        assert "2 nye" in process.stdout.readline()
        part = tmp_path / "part"
        shutil.copy(write_minutes(tmp_path / "more", "september.txt", SEPTEMBER, "praktik"), part)
        part.rename(minutes / "september.txt")
        assert "1 nye" in process.stdout.readline()
        (minutes / "tom.txt").write_bytes(b"")
        assert "1 kunne ikke læses" in process.stdout.readline()
        assert "tom.txt" in process.stderr.readline()
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(stop)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "Stoppet." in err
        assert "Traceback" not in err
        assert out == ""
    finally:
        process.kill()
        process.wait()
