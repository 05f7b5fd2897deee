"""What an operator gives about a meeting: beside the file, or with the run."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from helpers_index import Keywords, index_settings, minutes_text, write_minutes
from test_cli import run as command
from test_ingest import JUNE, MARCH, statuses

from askamu.errors import BadMeetingDate, BadSidecar, DateForSeveral
from askamu.ingest import IngestReport, ingest, plan
from askamu.load import Source
from askamu.minutes import MeetingDate, Minutes
from askamu.parse import parse
from askamu.record import Record
from askamu.sidecar import NOTHING, Overrides, apply, corrected, find_sidecar, from_options, read_sidecar

UNDATED = minutes_text(MARCH, "småjob").replace("Mødedato: 11-03-2024\n", "")


def minutes_of(text: str) -> Minutes:
    return parse(Source("m.txt", Path("m.txt"), text, ""))


def written(folder: Path, content: str, name: str = "march.txt.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


# -- reading ------------------------------------------------------------------------------------


def test_reads_every_field(tmp_path: Path) -> None:
    content = """
municipality = "Københavns Kommune"
committee = "Arbejdsmarkedsudvalg"
date = 2024-03-11
kind = "Referat"
place = "Rådhuset"
address = "https://dagsordener.kommune.dk/1"
attendees = ["Ib Poulsen (O)", "Formand Anne Holm (V)"]
absent = []
"""
    given = read_sidecar(written(tmp_path, content))
    assert given == Overrides(
        "København",
        "Arbejdsmarkedsudvalget",
        MARCH,
        "referat",
        "Rådhuset",
        "https://dagsordener.kommune.dk/1",
        ("Ib Poulsen", "Anne Holm"),
        (),
        "march.txt.toml",
    )


@pytest.mark.parametrize("day", ['"2024-03-11"', "2024-03-11", "2024-03-11T09:00:00"])
def test_a_date_is_a_toml_date_or_iso(tmp_path: Path, day: str) -> None:
    assert read_sidecar(written(tmp_path, f"date = {day}")).date == MARCH


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("municipality = ", "TOML"),
        ("date = 2024-02-31", "TOML"),
        ('date = "2024-02-31"', "2024-02-31"),
        ('date = "11.03.2024"', "11.03.2024"),
        ('date = "2204-13-01"', "2204-13-01"),
        ("date = 0001-01-01", "0001-01-01"),
        ("date = 2024", "en dato"),
        ('kommune = "Holstebro"', "kommune"),
        ("municipality = 3", "en tekst"),
        ('municipality = ""', "en tekst"),
        ('attendees = "Ib Poulsen"', "en liste"),
        ("attendees = [1]", "en liste"),
        ('address = "javascript:alert(1)"', "javascript"),
        ("a = " + "[" * 5_000, "TOML"),
        ("#" * 200_000, "100000"),
    ],
)
def test_what_is_wrong_is_told_and_the_file_named(tmp_path: Path, content: str, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadSidecar) as error:
        read_sidecar(path)
    assert "march.txt.toml" in error.value.say("da")
    assert said in error.value.say("da")
    assert "march.txt.toml" in error.value.say("en")
    minutes = corrected(minutes_of(minutes_text(MARCH, "småjob")), tmp_path / "march.txt")
    assert minutes.held_on == MARCH
    assert any("march.txt.toml" in w for w in minutes.warnings)


def test_a_sidecar_that_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "march.txt.toml")
    minutes = corrected(minutes_of(minutes_text(MARCH, "småjob")), tmp_path / "march.txt")
    assert any("march.txt.toml" in w for w in minutes.warnings)


def test_the_whole_name_goes_before_the_stem(tmp_path: Path) -> None:
    assert find_sidecar(tmp_path / "march.txt") is None
    short = written(tmp_path, "", "march.toml")
    assert find_sidecar(tmp_path / "march.txt") == short
    assert find_sidecar(tmp_path / "march.txt") == find_sidecar(tmp_path / "march.pdf")
    whole = written(tmp_path, "")
    assert find_sidecar(tmp_path / "march.txt") == whole


# -- applying -----------------------------------------------------------------------------------


def test_options_go_before_the_sidecar_and_the_sidecar_before_the_document() -> None:
    beside = Overrides(municipality="Viborg", committee="Byrådet", origin="m.txt.toml")
    minutes = apply(minutes_of(minutes_text(MARCH, "småjob")), (Overrides(municipality="Herning"), beside))
    assert (minutes.municipality, minutes.committee, minutes.held_on) == ("Herning", "Byrådet", MARCH)
    assert minutes.warnings == (
        "Dokumentet oplyser selv kommunen som »Holstebro«; »Herning« fra --municipality er brugt i stedet.",
        "Dokumentet oplyser selv udvalget som »Arbejdsmarkedsudvalget«; »Byrådet« fra m.txt.toml er brugt i stedet.",
    )


def test_what_the_document_does_not_say_is_added_without_a_warning() -> None:
    document = minutes_of(UNDATED)
    assert any("dato" in w for w in document.warnings)
    minutes = apply(document, (NOTHING, Overrides(date=MARCH, origin="m.toml")))
    assert minutes.date == MeetingDate(MARCH, "oplyst i m.toml", MARCH, MARCH)
    assert minutes.warnings == ()


def test_what_agrees_is_no_contradiction() -> None:
    document = minutes_of(minutes_text(MARCH, "småjob"))
    assert apply(document, (from_options("HOLSTEBRO KOMMUNE", "arbejdsmarkedsudvalg", "2024-03-11"),)).warnings == ()
    assert apply(document, (NOTHING, NOTHING)) == document


def test_warnings_come_in_the_language_asked_for() -> None:
    english = apply(minutes_of(minutes_text(MARCH, "småjob")), (Overrides(date=JUNE),), "en")
    assert english.warnings == (
        'The document itself states the date as "2024-03-11"; "2024-06-10" from --date is used instead.',
    )
    assert english.date.evidence == "given in --date"


def test_an_option_that_is_no_date_is_refused() -> None:
    with pytest.raises(BadMeetingDate, match=r"11\.3\."):
        from_options(day="11.3.")


# -- ingesting ----------------------------------------------------------------------------------


def bring(*paths: Path, overrides: Overrides = NOTHING, index: Path) -> IngestReport:
    return ingest(paths, index_settings(index), embedder=Keywords(), overrides=overrides)


def contexts(index: Path, report: IngestReport) -> set[str]:
    assert report.generation
    with Record.open(index) as record:
        return {
            p.context.partition(" > Punkt")[0].partition(" > Mødet")[0] for p in record.passages_of(report.generation)
        }


def test_a_changed_sidecar_reads_the_document_again(tmp_path: Path) -> None:
    folder, index = tmp_path / "m", tmp_path / "index"
    write_minutes(folder, "march.txt", MARCH, "småjob")
    assert statuses(bring(folder, index=index)) == {"march.txt": "new"}
    written(folder, 'committee = "Byrådet"\ndate = 2024-06-10\n')
    assert {f.name: f.status for f in plan([folder], index_settings(index))} == {"march.txt": "replaced"}
    report = bring(folder, index=index)
    assert statuses(report) == {"march.txt": "replaced"}
    assert len(report.meetings[0].warnings) == 2
    assert (report.meetings[0].committee, report.meetings[0].held_on) == ("Byrådet", JUNE)
    assert contexts(index, report) == {"Holstebro Kommune > Byrådet > 10. juni 2024"}
    again = bring(folder, index=index)
    assert (statuses(again), again.built) == ({"march.txt": "unchanged"}, False)
    (folder / "march.txt.toml").unlink()
    report = bring(folder, index=index)
    assert statuses(report) == {"march.txt": "replaced"}
    assert contexts(index, report) == {"Holstebro Kommune > Arbejdsmarkedsudvalget > 11. marts 2024"}


def test_a_bad_sidecar_is_a_warning_and_a_toml_file_no_document(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_minutes(folder, "march.txt", MARCH, "småjob")
    written(folder, "date = ")
    report = bring(folder, folder / "march.txt.toml", index=tmp_path / "index")
    assert statuses(report) == {"march.txt": "new"}
    assert report.failed == ()
    assert "march.txt.toml" in report.meetings[0].warnings[0]


def test_options_hold_for_all_files_and_a_date_for_one(tmp_path: Path) -> None:
    folder, index = tmp_path / "m", tmp_path / "index"
    march = write_minutes(folder, "march.txt", MARCH, "småjob")
    write_minutes(folder, "june.txt", JUNE, "budget")
    report = bring(folder, overrides=Overrides(municipality="Viborg"), index=index)
    assert {m.municipality for m in report.meetings} == {"Viborg"}
    dated = Overrides(date=date(2024, 3, 12))
    for act in (
        lambda: bring(folder, overrides=dated, index=index),
        lambda: plan([folder], index_settings(index), overrides=dated),
    ):
        with pytest.raises(DateForSeveral, match="2 files"):
            act()
    report = bring(march, overrides=dated, index=index)
    assert [(m.held_on, m.municipality, m.status) for m in report.meetings] == [
        (date(2024, 3, 12), "Holstebro", "replaced")
    ]


def test_copies_are_one_document_whichever_has_the_sidecar(tmp_path: Path) -> None:
    folder, index = tmp_path / "m", tmp_path / "index"
    write_minutes(folder, "a.txt", MARCH, "småjob")
    write_minutes(folder, "b.txt", MARCH, "småjob")
    written(folder, 'committee = "Byrådet"', "b.txt.toml")
    report = bring(folder, index=index)
    assert [(m.source, m.committee) for m in report.meetings] == [("b.txt", "Byrådet")]
    assert any("a.txt er en nøjagtig kopi af" in w for w in report.meetings[0].warnings)
    assert bring(folder, index=index).built is False


# -- the commands -------------------------------------------------------------------------------


def test_parse_applies_the_sidecar(tmp_path: Path) -> None:
    path = write_minutes(tmp_path, "march.txt", MARCH, "småjob")
    written(tmp_path, 'committee = "Byrådet"\nattendees = ["Ib Poulsen"]\n')
    done = command("parse", path, "--json")
    record = json.loads(done.stdout)
    assert (record["committee"], record["attendees"]) == ("Byrådet", ["Ib Poulsen"])
    assert "march.txt.toml" in record["warnings"][0]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--date", "2024-03-11"), "--date gælder ét møde"),
        (("--date", "i går"), "Datoen »i går«"),
        (("--municipality", "Viborg", "--watch"), "--watch"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    write_minutes(tmp_path / "m", "march.txt", MARCH, "småjob")
    write_minutes(tmp_path / "m", "june.txt", JUNE, "budget")
    done = command("ingest", tmp_path / "m", "--index", tmp_path / "index", *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "index").exists()


def test_parse_never_opens_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rør.txt")
    done = command("parse", tmp_path / "rør.txt")
    assert done.returncode == 1
    assert "rør.txt: det er ikke en almindelig fil" in done.stderr
