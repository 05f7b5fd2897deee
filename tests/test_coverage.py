"""What is indexed, how fresh it is, what failed, and what seems to be missing; no folder of the operator's is told."""

import json
from pathlib import Path

import pytest
from helpers_pages import FIRST, SECOND, client_of, small_index
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from test_cli import run

from askamu.config import Settings
from askamu.coverage import GapKind, coverage, without_folders
from askamu.library import Library, open_library


def test_all_meetings_are_listed_newest_first_and_lead_to_their_first_page(library: Library) -> None:
    client = client_of(library.settings)
    answer = client.get("/indhold")
    assert answer.status_code == 200
    page = HTMLParser(answer.text)
    assert len(page.css("h1")) == 1
    links = [a.attributes["href"] for a in page.css("ul.meetings a")]
    assert sorted(links) == sorted(f"/kilde/{m.id}/0" for m in library.meetings)
    for committee in coverage(library, "da").committees:
        days = [m.held_on for m in committee.meetings if m.held_on]
        assert days == sorted(days, reverse=True)
    text = page.body.text()  # type: ignore[union-attr]
    assert all(m.source in text for m in library.meetings)
    assert "dato ikke oplyst" in text  # the undated one
    assert HTMLParser(client.get(links[0]).text).css_first("h1") is not None


def test_the_same_is_told_to_programs(library: Library, seed_index: Path) -> None:
    told = client_of(library.settings).get("/api/coverage").json()
    assert told["meetings"] == len(library.meetings)
    assert told["undated"] == 1
    assert told["from"] == min(m.held_on for m in library.meetings if m.held_on).isoformat()
    assert json.loads(run("coverage", "--json", "--index", seed_index).stdout) == told | {"ingested_at": told["ingested_at"].replace("Z", "+00:00")}  # fmt: skip
    said = run("coverage", "--index", seed_index)
    assert said.returncode == 0, said.stderr
    assert all(m.source in said.stdout for m in library.meetings)


@pytest.fixture
def troubled(tmp_path: Path) -> Settings:
    """Years without meetings, an agenda without minutes, an empty file, a copy."""
    later = SECOND.replace("07-02-2023", "07-02-2026")
    agenda = SECOND.replace("Referat", "Dagsorden").replace("07-02-2023", "07-03-2026").split("Punkt 2")[0]
    settings, report = small_index(tmp_path, a=FIRST, b=later, c=agenda, tom="", kopi=FIRST)
    assert report.failed
    return settings


def test_gaps_and_failures_are_told_without_folders(troubled: Settings, tmp_path: Path) -> None:
    library = open_library(troubled)
    report = coverage(library, "da")
    years = [g.year for g in report.gaps if g.kind is GapKind.YEAR]
    assert years == [2024, 2025]
    agendas = [g.meeting.source for g in report.gaps if g.kind is GapKind.AGENDA_ONLY and g.meeting]
    assert agendas == ["c.txt"]
    assert [p.source for p in report.failed] == ["tom.txt"]
    assert "filen er tom" in report.failed[0].reason
    assert any("kopi.txt" in p.reason or p.source == "kopi.txt" for p in report.warnings)
    client = client_of(troubled)
    for address in ("/indhold", "/indhold?lang=en", "/api/coverage"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert str(tmp_path) not in answer.text
        assert tmp_path.name not in answer.text
    english = coverage(library, "en")
    assert english.failed[0].reason.startswith("the file is empty")
    assert [p.reason for p in english.warnings] == ["kopi.txt is an exact copy of a.txt; they are one document."]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/srv/data/mine filer/a.txt er en kopi af /srv/data/b.txt", "a.txt er en kopi af b.txt"),
        ("/home/jens/index kan ikke læses", "index kan ikke læses"),
        ("C:\\data\\a.txt er tom", "a.txt er tom"),
        ("Hent den på https://dagsordener.greve.dk/a/b", "Hent den på https://dagsordener.greve.dk/a/b"),
        ("24/7 og og/eller", "24/7 og og/eller"),
    ],
)
def test_paths_are_told_by_their_last_part(said: str, told: str) -> None:
    assert without_folders(said, ("/srv/data/mine filer",)) == told


def test_how_to_report_is_told_and_the_address_only_where_there_is_one(library: Library) -> None:
    plain = client_of(library.settings).get("/indhold").text
    assert "Mangler der noget?" in plain
    assert "Skriv til" not in plain
    for contact, link in (
        ("referater@bakkerup.example", "mailto:referater@bakkerup.example"),
        ("https://bakkerup.example/skriv", "https://bakkerup.example/skriv"),
        ("javascript:alert(1)", None),
        ('"><script>alert(1)</script>', None),
    ):
        settings = library.settings.model_copy(update={"contact": contact})
        page = HTMLParser(client_of(settings).get("/indhold").text)
        assert page.css_first("script:not([src])") is None
        hrefs = [a.attributes["href"] for a in page.css("section[aria-labelledby=mangler] a")]
        assert hrefs == ([link] if link else [])
        assert contact in page.body.text()  # type: ignore[union-attr]
