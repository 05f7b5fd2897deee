"""Attachments that were fetched: read page by page as parts of their item, and never as its decision."""

import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import replica as site
from replica import serving
from test_fetch import MARCH, QUICK
from test_loaders import make_pdf

from askamu.answer import ask
from askamu.config import Settings
from askamu.fetch import fetch
from askamu.ingest import NEW, REPLACED, UNCHANGED, find, ingest
from askamu.library import open_library
from askamu.load import load
from askamu.loaders.loaded import Budget, Loaded
from askamu.loaders.pdf import read_pdf
from askamu.minutes import Outcome, SectionKind
from askamu.parse import parse
from askamu.passage import Tier
from askamu.texts import text
from askamu.watch import signature

REPORT, MAP = "eeeeeeee-1", "dddddddd-2"
FOUND = "I 2023 kom 47 borgere i seniorjob hos lokale gartnerier."
PAGES = [
    ["Evaluering af seniorjob", "Referat fra Odense Kommune, 03-02-2019", "Fraværende: Hans Hansen"],
    [FOUND, "Beslutning", "Udvalget besluttede at nedlægge svømmehallen i Vejby.", "Cpr 010150-1234"],
]


def meeting() -> bytes:
    bilag = ({"Id": REPORT, "Navn": "Evaluering.pdf", "HarPdfVersion": "true"}, {"Id": MAP, "Navn": "Kort"})
    return site.answer(MARCH.id, MARCH.committee, MARCH.date, attachments=bilag)


def scanned() -> bytes:
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    page = canvas.Canvas(out)
    page.rect(10, 10, 90, 90)
    page.save()
    return out.getvalue()


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What `askamu fetch --attachments` brings of a meeting with a report and a scanned map."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {f"/vis/pdf/bilag/{REPORT}": make_pdf(PAGES), f"/vis/pdf/bilag/{MAP}": scanned()}
    with serving([replace(MARCH, body=meeting())]) as server:
        server.files.update(files)
        assert fetch(server.address, tmp_path / "site", replace(QUICK, attachments=True)).complete
        yield tmp_path / "site"


def minutes_file(folder: Path) -> Path:
    (found,) = folder.glob("[!.]*.json")
    return found


def test_an_attachment_is_part_of_its_item_page_by_page(fetched: Path) -> None:
    minutes = parse(load(minutes_file(fetched)))
    (item,) = minutes.items
    pages = item.of_kind(SectionKind.ATTACHMENT_TEXT)
    assert [p.heading for p in pages] == ["Bilag: Evaluering.pdf, side 1", "Bilag: Evaluering.pdf, side 2"]
    assert FOUND in pages[1].span.of(minutes.text)
    assert item.decision
    assert item.decision.outcomes == (Outcome.APPROVED,)  # what the report says is no decision
    assert "010150" not in minutes.text
    at = item.start
    for section in item.sections:
        assert section.start == at
        at = section.end
    assert at == item.end == len(minutes.text)
    (warning,) = [w for w in minutes.warnings if "Kort" in w]
    assert "scannet" in warning


def test_an_answer_from_an_attachment_names_it_with_its_page(fetched: Path, tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index")
    assert not ingest([fetched], settings).failed
    library = open_library(settings)
    answer = ask(library, "Hvor mange borgere kom i seniorjob hos gartnerier?")
    assert FOUND in answer.text
    assert "ikke en beslutning" in answer.text
    assert answer.citations[0].heading == "Bilag: Evaluering.pdf, side 2"
    assert answer.citations[0].section is SectionKind.ATTACHMENT_TEXT
    decided = ask(library, "Hvad besluttede udvalget om godkendelse af dagsorden?")
    assert "svømmehallen" not in decided.text
    assert text("outcome.approved", "da") in decided.text


@pytest.mark.parametrize(
    "question",
    [
        "Hvad besluttede udvalget om svømmehallen?",
        "Blev svømmehallen i Vejby nedlagt?",
        "Hvad besluttede udvalget om seniorjob?",
    ],
)
def test_what_stands_in_an_attachment_only_is_never_shown_as_decided(
    fetched: Path, tmp_path: Path, question: str
) -> None:
    settings = Settings(index=tmp_path / "index")
    ingest([fetched], settings)
    answer = ask(open_library(settings), question)
    assert answer.tier is not Tier.ANSWER
    assert "Godkendt" not in answer.text
    for citation in answer.citations:
        assert citation.section is SectionKind.ATTACHMENT_TEXT


def test_attachments_say_nothing_of_the_meeting_itself(fetched: Path, tmp_path: Path) -> None:
    minutes = parse(load(minutes_file(fetched)))
    assert "Odense Kommune" in minutes.text
    assert minutes.municipality is None
    assert str(minutes.held_on) == "2024-03-11"
    assert not minutes.absent
    settings = Settings(index=tmp_path / "index")
    ingest([fetched], settings)
    for question in ("Hvem var fraværende?", "Hvem deltog ikke?", "Hvem var der ikke?", "Who was absent?",
                     "hvem manglede i marts 2024", "Hvem havde meldt afbud i udvalget?"):  # fmt: skip
        assert "Hansen" not in ask(open_library(settings), question).text


def test_attachments_neither_hold_up_nor_lose_the_meeting(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askamu.loaders.attachments.SECONDS", 0.5)

    def slow(data: bytes, budget: Budget) -> Loaded:
        time.sleep(0.7)
        budget.spend()
        return read_pdf(data, budget)

    monkeypatch.setattr("askamu.loaders.pdf.read_pdf", slow)
    minutes = parse(load(minutes_file(fetched)))
    assert minutes.items[0].decision
    assert len(minutes.warnings) == 1, minutes.warnings
    assert "udeladt" in minutes.warnings[0]

    def broken(data: bytes, budget: Budget) -> Loaded:
        raise ValueError("nobody thought of it")

    monkeypatch.setattr("askamu.loaders.pdf.read_pdf", broken)
    minutes = parse(load(minutes_file(fetched)))
    assert minutes.items[0].decision
    assert len(minutes.warnings) == 2


def test_an_attachment_of_several_items_is_read_once(fetched: Path) -> None:
    path = minutes_file(fetched)
    answered = json.loads(path.read_bytes())
    answered["Dagsordenpunkter"] *= 40
    path.write_text(json.dumps(answered), encoding="utf-8")
    text = load(path).text
    assert text.count(FOUND) == 1
    assert len(parse(load(path)).warnings) <= 3


def test_a_long_name_is_cut(fetched: Path) -> None:
    path = minutes_file(fetched)
    path.write_bytes(path.read_bytes().replace(b"Evaluering.pdf", b"E" * 50_000))
    assert len(load(path).text) < 60_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_passed_over(fetched: Path) -> None:
    (fetched / "attachments").chmod(0)
    assert parse(load(minutes_file(fetched))).items[0].decision


def test_attachments_copied_without_the_rest_are_no_minutes(fetched: Path) -> None:
    (fetched / ".askamu-fetch.json").unlink()
    assert {p.parent for p in find([fetched])[0]} == {fetched}


def test_watch_sees_attachments_come(fetched: Path) -> None:
    before = signature([fetched])
    index = next((fetched / "attachments").iterdir()) / "index.json"
    assert index in before
    index.unlink()
    assert signature([fetched]) != before


def test_attachments_that_come_or_go_change_the_meeting(fetched: Path, tmp_path: Path) -> None:
    from helpers_index import Keywords

    settings = Settings(index=tmp_path / "index")

    def run() -> tuple[str, int]:
        (one,) = ingest([fetched], settings, embedder=Keywords()).meetings
        return one.status, one.passages

    status, passages = run()
    assert status == NEW
    assert run() == (UNCHANGED, passages)
    shutil.move(fetched / "attachments", tmp_path / "away")
    status, fewer = run()
    assert status == REPLACED
    assert fewer < passages
    shutil.move(tmp_path / "away", fetched / "attachments")
    assert run() == (REPLACED, passages)


def test_only_what_was_fetched_is_read(fetched: Path) -> None:
    place = next((fetched / "attachments").iterdir())
    index = json.loads((place / "index.json").read_text(encoding="utf-8"))
    secret = fetched / "secret.pdf"
    secret.write_bytes(make_pdf([["Hemmeligt"]]))
    digest = hashlib.sha256(secret.read_bytes()).hexdigest()
    for file in ("../../secret.pdf", str(secret), "..", ""):
        index["attachments"][0] |= {"file": file, "sha256": digest}
        (place / "index.json").write_text(json.dumps(index), encoding="utf-8")
        assert "Hemmeligt" not in load(minutes_file(fetched)).text
    (place / "secret.pdf").write_bytes(secret.read_bytes())
    index["attachments"][0] |= {"file": "secret.pdf"}
    (place / "index.json").write_text(json.dumps(index), encoding="utf-8")
    assert "Hemmeligt" in load(minutes_file(fetched)).text


def test_an_attachment_that_changed_is_left_out_with_a_word(fetched: Path) -> None:
    place = next((fetched / "attachments").iterdir())
    report = next(p for p in place.glob("*.pdf") if "evaluering" in p.name)
    report.write_bytes(make_pdf([["En anden rapport"]]))
    assert "anden rapport" not in load(minutes_file(fetched)).text
    report.unlink()
    minutes = parse(load(minutes_file(fetched)))
    assert len(minutes.warnings) == 2
    assert any("askamu fetch --attachments" in w for w in minutes.warnings)


@pytest.mark.parametrize(
    "index", ["", "[]", "{}", '{"attachments": 1}', '{"attachments": [1, {"id": 2}]}', "[" * 100_000]
)
def test_an_index_that_cannot_be_read_leaves_the_meeting_as_it_is(fetched: Path, index: str) -> None:
    place = next((fetched / "attachments").iterdir())
    (place / "index.json").write_text(index, encoding="utf-8")
    minutes = parse(load(minutes_file(fetched)))
    assert minutes.items[0].of_kind(SectionKind.DECISION)
    assert not minutes.items[0].of_kind(SectionKind.ATTACHMENT_TEXT)


def test_attachments_of_closed_items_are_not_read(fetched: Path) -> None:
    path = minutes_file(fetched)
    assert FOUND in load(path).text
    path.write_bytes(path.read_bytes().replace(b"Godkendelse af dagsorden", b"Lukket: Personsag"))
    minutes = parse(load(path))
    assert minutes.items[0].closed
    assert FOUND not in minutes.text
