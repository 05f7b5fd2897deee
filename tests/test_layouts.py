"""The layouts in the wild: fixtures with outlines that a person has read, and real meetings printed in other layouts."""

import json
import re
from pathlib import Path

import pytest
import render
from conftest import SHARED
from parse_score import differences
from test_parse import assert_whole

from askamu.load import Source, clean, load
from askamu.minutes import AgendaItem, Minutes
from askamu.parse import parse
from askamu.show import parse_record

FIXTURES = sorted((SHARED / "formats").glob("*.expected.json")) if SHARED.is_dir() else []
GREVE = sorted((SHARED / "real" / "greve").glob("*.json")) if SHARED.is_dir() else []
SAMPLE = GREVE[::4]


def reread(text: str) -> Minutes:
    assert clean(text) == text
    return parse(Source("x.txt", Path("x.txt"), text, "0" * 64))


@pytest.mark.shared
@pytest.mark.parametrize("expected", FIXTURES, ids=lambda p: p.name.removesuffix(".expected.json"))
def test_fixtures_parse_as_a_person_read_them(expected: Path) -> None:
    (path,) = (p for p in expected.parent.glob(expected.name.removesuffix(".expected.json") + ".*") if p != expected)
    assert differences(json.loads(expected.read_text(encoding="utf-8")), parse_record(parse(load(path)))) == []


@pytest.fixture(scope="module")
def greve() -> list[Minutes]:
    if not SAMPLE:
        pytest.skip("the development data is not beside the repository")
    return [parse(load(path)) for path in SAMPLE]


def decision_of(minutes: Minutes, item: AgendaItem | None) -> str | None:
    return render.said(minutes.text[item.decision.start : item.decision.end]) if item and item.decision else None


@pytest.mark.shared
def test_the_publication_json_is_read_exactly(greve: list[Minutes]) -> None:
    for path, minutes in zip(SAMPLE, greve, strict=True):
        told = json.loads(path.read_text(encoding="utf-8"))
        assert len(minutes.items) == len(told["Dagsordenpunkter"])
        for point, item in zip(told["Dagsordenpunkter"], minutes.items, strict=True):
            title = " ".join(point["Navn"].split())
            assert item.number == str(point["Punktnummer"])
            assert item.case_number == ((point["SagsNummer"] or "").strip() or None)
            assert item.closed == title.startswith("Lukket:")
            assert item.title == title.removeprefix("Lukket:").strip()
            assert (item.decision is not None) == (
                "<h3>Beslutning</h3>" in "".join(f["Html"] or "" for f in point["Felter"]) and not item.closed
            )
        assert_whole(minutes)
        people = told["Moede"]["Moededeltagere"]
        away = [p["Name"] for p in people if p["Absent"] or p["ParticipationCancelled"]]
        assert list(minutes.absent or ()) == away
        assert list(minutes.attendees or ()) == [p["Name"] for p in people if p["Name"] not in away]
        assert minutes.municipality == "Greve"
        committee = re.sub(r" \d{4}-\d{4}$", "", told["Udvalg"]["Navn"])
        assert minutes.committee in (committee, f"{committee}et")  # »Byråd 2022-2025« is Byrådet
        assert minutes.held_on is not None
        assert minutes.held_on.isoformat() == told["Moede"]["Dato"][:10]


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("layout", [render.pdf_like, render.web_like])
def test_meetings_printed_in_another_layout_read_the_same(greve: list[Minutes], layout) -> None:  # type: ignore[no-untyped-def]
    found = wrong = missing = decided = right = 0
    for minutes in greve:
        again = reread(layout(minutes))
        wanted = {(i.number, i.title, i.case_number, i.closed): i for i in minutes.items}
        got = {(i.number, i.title, i.case_number, i.closed): i for i in again.items}
        found += len(wanted.keys() & got.keys())
        wrong += len(got.keys() - wanted.keys())
        missing += len(wanted.keys() - got.keys())
        for key, item in wanted.items():
            if item.decision:
                decided += 1
                right += decision_of(again, got.get(key)) == decision_of(minutes, item)
        assert again.held_on == minutes.held_on
        assert again.committee == minutes.committee
    assert 2 * found / (2 * found + wrong + missing) >= 0.99
    assert right / decided >= 0.98


@pytest.mark.shared
@pytest.mark.slow
def test_accordion_text_without_titles_and_numbers_is_cut_at_its_items(greve: list[Minutes]) -> None:
    found = wrong = missing = decided = right = 0
    for minutes in greve:
        text, starts = render.accordion(minutes)
        again = reread(text)
        wanted, got = dict(starts), {i.start: i for i in again.items}
        found += len(wanted.keys() & got.keys())
        wrong += len(got.keys() - wanted.keys())
        missing += len(wanted.keys() - got.keys())
        for start, item in wanted.items():
            if item.decision:
                decided += 1
                right += decision_of(again, got.get(start)) == decision_of(minutes, item)
    assert 2 * found / (2 * found + wrong + missing) >= 0.95
    assert right / decided >= 0.98


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "exact", "main"),
    [("greve_decisions", 0.95, 0.95), ("greve_decisions_heldout", 0.94, 0.94), ("greve_decisions_second", 0.95, 0.95)],
)
def test_outcomes_of_real_decisions(shared: Path, name: str, exact: float, main: float) -> None:
    """Decisions labelled by hand before the parser's answer was looked at.

    What a set showed was then mended, so each is unseen only the first time: »second«, 100 different wordings, gave 0.95
    exact and 0.96 main before anything was mended by it.
    """
    labelled = json.loads((Path(__file__).parent / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    by_agenda: dict[str, Minutes] = {}
    for path in GREVE:
        agenda = path.stem.rsplit("-", 1)[1]
        if any(e["agenda"].startswith(agenda) for e in labelled):
            by_agenda[agenda] = parse(load(path))
    same = first = 0
    recall: dict[str, list[bool]] = {}
    for entry in labelled:
        item = by_agenda[entry["agenda"][:8]].item(entry["item"])
        assert item is not None
        assert item.decision is not None
        got = {o.value for o in item.decision.outcomes}
        same += got == set(entry["classes"])
        aside = ("noted", "discussed")
        stated = [o.value for o in item.decision.outcomes]
        first += entry["main"] == next((o for o in stated if o not in aside), stated[0])
        for label in entry["classes"]:
            recall.setdefault(label, []).append(label in got)
    assert same / len(labelled) >= exact
    assert first / len(labelled) >= main
    if name == "greve_decisions":
        for label in ("rejected", "postponed", "recommended"):
            assert sum(recall[label]) / len(recall[label]) >= 0.95, label


@pytest.mark.shared
def test_the_real_pdf_is_read_item_by_item(shared: Path) -> None:
    minutes = parse(load(SHARED / "real" / "aarhus" / "byraad-2025-08-27.pdf"))
    assert (minutes.municipality, minutes.committee, str(minutes.held_on)) == ("Aarhus", "Byrådet", "2025-08-27")
    assert [i.number for i in minutes.items] == [str(n) for n in range(1, 22)]
    assert [i.number for i in minutes.items if i.closed] == ["21"]
    assert all(i.case_number and i.case_number.startswith("EMN-2025") for i in minutes.items[1:])
    assert all(i.decision for i in minutes.items if not i.closed)
    outcomes = {i.number: [o.value for o in i.decision.outcomes] for i in minutes.items if i.decision}
    assert outcomes["1"] == ["approved"]
    assert outcomes["2"] == ["sent_back"]  # sent on to a committee for treatment
    assert outcomes["3"] == ["approved"]  # »Tilbagesendes …, at byrådet … har vedtaget Magistratens … indstilling«
    third = minutes.item("3")
    assert third is not None
    assert third.decision is not None
    assert len(third.decision.votes) == 2
    assert minutes.page(third.start) is not None


@pytest.mark.shared
def test_the_real_page_is_read_item_by_item(shared: Path) -> None:
    minutes = parse(load(SHARED / "real" / "aarhus" / "teknisk-udvalg-2025-10-01.html"))
    assert (minutes.municipality, minutes.committee, str(minutes.held_on)) == ("Aarhus", "Teknisk Udvalg", "2025-10-01")
    assert [i.number for i in minutes.items] == ["1", "2", "3", "4", "5", "6"]
    outcomes = [[o.value for o in i.decision.outcomes] for i in minutes.items if i.decision]
    assert outcomes == [["none"], ["approved"], ["discussed", "postponed"], ["noted"], ["discussed"], ["postponed"]]


LAYOUTS = {
    "sag_nr": "Budget 2020\nSag nr. 129\n\nSagens kerne\nOm budget.\n\nBeslutning\nGodkendt.\n\nPlan for havn\nSag nr. 130\n\nSagens kerne\nOm havn.\n\nBeslutning\nUdsat.\n",
    "punkt_block": "Punkt: 5\nAcadre sagsnr.: 17/10438\nSagsforløb: ØU-KB - Åben sag\n\nBudget 2018\n\nSagsfremstilling:\nOm budget.\n\nBeslutning:\nGodkendt.\n\nPunkt: 6\nAcadre sagsnr.: 17/10439\nSagsforløb: ØU - Lukket sag\n\nKøb af grund\n",
    "case_lines": "Sagsid.: 20/1, Sagsinitialer: AB\n\nSagsfremstilling\nOm et.\n\nBeslutning Økonomiudvalget den 03-12-2020\nGodkendt.\n\nSagsid.: 20/2, Sagsinitialer: AB\n\nSagsfremstilling\nOm to.\n\nBeslutning Økonomiudvalget den 03-12-2020\nDrøftet.\n",
    "delimiters": "Åben\n\nSagsfremstilling\nOm et.\n\nBeslutning\nGodkendt.\n\nÅben\n\nSagsfremstilling\nOm to.\n\nBeslutning\nDrøftet.\n\nLukket\n",
    "punkt_plain": "Punkt 571 Budget 2020\n\nSagsfremstilling\nOm budget.\n\nBeslutning\nGodkendt.\n\nPunkt 572 Havnen\n\nSagsfremstilling\nSe punkt 571 om budget.\n\nBeslutning\nUdsat.\n",
    "numbered_plain": "35 Budget 2020\nSagsnr.:16/107\n\nSagsbeskrivelse:\n1. Et\n2. To\n\nBeslutning:\nGodkendt.\n\n36 Havnen\nSagsnr.:16/108\n\nSagsbeskrivelse:\nOm havn.\n\nBeslutning:\nUdsat.\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_way_of_beginning_an_item(layout: str) -> None:
    minutes = reread(LAYOUTS[layout])
    assert minutes.layout == layout
    assert len(minutes.items) == (3 if layout == "delimiters" else 2)
    assert minutes.items[0].decision is not None
    assert minutes.items[0].decision.outcomes[0].value == "approved"
    assert [i.closed for i in minutes.items][-1] == (layout in ("delimiters", "punkt_block"))


def test_headings_glued_to_their_text_are_told_apart() -> None:
    text = (
        "1: Budget\nSagsnr: 19-002467\nSagsfremstillingUdvalget skal drøfte budgettet.\nIndstillingDirektionen indstiller, at det godkendes.\n"
        "BeslutningGodkendt.\n2: Havn\nSagsnr: 19-002468\nSagsfremstillingOm havnen.\nBeslutningUdsat.\n"
    )
    minutes = reread(text)
    assert [i.title for i in minutes.items] == ["Budget", "Havn"]
    assert [minutes.text[i.decision.start : i.decision.end] for i in minutes.items if i.decision] == [
        "Godkendt.",
        "Udsat.",
    ]


def test_headings_broken_by_a_space_or_a_line_and_numbered_ones() -> None:
    text = (
        "Punkt 1: Plan\n\n1. Sagsfremstilling\nOm planen.\n\n2. Økonomi\nDet koster 5 kr.\n\nI ndstilling\nAt planen godkendes.\n\n"
        "Økonomiske\nkonsekvenser\nIngen særlige.\n\nBeslutning\nGodkendt.\n"
    )
    (item,) = reread(text).items
    assert [s.kind.value for s in item.sections[1:]] == ["case", "economy", "recommendation", "economy", "decision"]


def test_the_meetings_own_decision_is_the_decision_and_the_others_are_history() -> None:
    text = (
        "Udvalg: Arbejdsmarkedsudvalget\nMødedato: 03-12-2020\n\n1. Budgetkontrol\nSagsnr.: 20/36400\n\nIndstilling\nAt kontrollen godkendes.\n\n"
        "Beslutning Arbejdsmarkedsudvalget den 03-12-2020\nAnbefales.\n\nBeslutning Økonomiudvalget den 15-12-2020\nIkke godkendt.\n"
    )
    (item,) = reread(text).items
    assert [s.kind.value for s in item.sections[1:]] == ["recommendation", "decision", "history"]
    assert item.decision is not None
    assert item.decision.outcomes[0].value == "recommended"
    assert not item.decision.final
