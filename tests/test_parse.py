"""Minutes are read into items, sections and decisions, and no character is lost."""

import json
from pathlib import Path

import pytest
from conftest import SEEDS, all_files, read, shared_files
from hypothesis import given, settings
from hypothesis import strategies as st
from parse_score import differences

from askamu.errors import NoItems
from askamu.layouts import find_case_number, read_case_number
from askamu.layouts.heading import ItemHeading
from askamu.layouts.numbered import read_item_heading as read_numbered
from askamu.layouts.punkt import read_item_heading as read_punkt
from askamu.load import Source
from askamu.minutes import Minutes, Outcome, SectionKind
from askamu.parse import parse
from askamu.show import parse_record

EXPECTED = Path(__file__).parent / "expected" / "seeds"


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("Punkt 6: Årsplan 2024", ItemHeading("6", "Årsplan 2024", closed=False)),
        ("Punkt 9: Lukket: Kommunikation", ItemHeading("9", "Kommunikation", closed=True)),
        ("Punkt 10: Lukket:", ItemHeading("10", "", closed=True)),
        ("Pkt. 12: Orientering", ItemHeading("12", "Orientering", closed=False)),
        ("punkt 4 blev udsat", None),
    ],
)
def test_reads_item_headings(line: str, heading: ItemHeading | None) -> None:
    assert read_punkt(line) == heading


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("3. Budget 2024", ItemHeading("3", "Budget 2024", closed=False)),
        ("9. Lukket punkt: Personalesag", ItemHeading("9", "Personalesag", closed=True)),
        ("4. Køb af grund - Lukket punkt", ItemHeading("4", "Køb af grund", closed=True)),
        ("5. Ny butik er lukket i Vestergade", ItemHeading("5", "Ny butik er lukket i Vestergade", closed=False)),
        ("11.03.2024", None),
    ],
)
def test_reads_numbered_headings(line: str, heading: ItemHeading | None) -> None:
    assert read_numbered(line) == heading


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("15.00.15-P16-1-23", "15.00.15-P16-1-23"),
        ("00.00.00-000-1-21", "00.00.00-000-1-21"),
        ("Sagsnr.: 2016-001340", "2016-001340"),
        ("Sagsid.: 20/4282", "20/4282"),
        ("19/12-2022.", None),
        ("30/4", None),
        ("Den 11.03.2024 blev sagen drøftet", None),
    ],
)
def test_reads_case_numbers_and_no_dates(line: str, number: str | None) -> None:
    assert read_case_number(line) == number


def test_finds_a_case_number_in_a_question() -> None:
    assert find_case_number("Hvad handler sag 15.00.82-P21-1-24 om?") == "15.00.82-P21-1-24"
    assert find_case_number("Hvad skete der den 30/4 i 2025?") is None


@pytest.mark.parametrize("expected", sorted(EXPECTED.glob("*.json")), ids=lambda p: p.stem)
def test_seeds_parse_as_a_person_read_them(expected: Path) -> None:
    path = SEEDS / expected.name.removesuffix(".expected.json")
    assert differences(json.loads(expected.read_text(encoding="utf-8")), parse_record(read(path))) == []


def assert_whole(minutes: Minutes) -> None:
    """Header and items cover the text without gap or overlap, and so do the sections of each item."""
    at = minutes.header.end
    assert minutes.header.start == 0
    for item in minutes.items:
        assert item.start == at
        assert [item.sections[0].start, *(s.end for s in item.sections)] == [
            *(s.start for s in item.sections),
            item.end,
        ]
        assert all(s.start <= s.body <= s.end for s in item.sections)
        at = item.end
    assert at == len(minutes.text)


@pytest.mark.parametrize("path", all_files(), ids=lambda p: p.stem)
def test_every_character_belongs_to_some_part(path: Path) -> None:
    assert_whole(read(path))


@pytest.mark.parametrize("path", all_files(), ids=lambda p: p.stem)
def test_decisions_and_what_they_adopt_stand_in_their_sections(path: Path) -> None:
    for item in read(path).items:
        decision = item.decision
        if decision is None:
            continue
        (section, *_) = item.of_kind(SectionKind.DECISION)
        assert section.body <= decision.start < decision.end <= section.end
        recommended = item.of_kind(SectionKind.RECOMMENDATION)
        for point in decision.adopts:
            assert any(s.body <= point.start < point.end <= s.end for s in recommended)
        for span in (*decision.additions, *decision.absence, *decision.votes):
            assert section.body <= span.start < span.end <= section.end


LINES = st.sampled_from(
    [
        "Punkt 1: Småjob", "Punkt 2: Lukket:", "## **Punkt 3: Budget**", "1. Åben sag", "2. Lukket punkt: Personsag", "Udskriv",
        "Sagsfremstilling", "### Indstilling", "Det indstilles, at:", "1. udvalget godkender", "• at beløbet afsættes", "Beslutning",
        "Ad 1. Godkendt.", "2. Ikke godkendt.", "Godkendt som indstillet. Udvalget ønsker mere.", "Anna Holm (V) deltog ikke på mødet.",
        "15.00.15-P16-1-23", "Bilag", "", "Deltagere:", "Fraværende: ingen", "28-11-2022", "Vedtaget\tbudget\t2023", "Løn 1.000 2.000 -3", "År", "2023",
        "Til toppen", "Intet at bemærke", "…", "Beslutning fra Byrådet, 3. juni 2025, punkt 9:",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(LINES, st.text(max_size=40)), max_size=40))
def test_any_text_is_read_whole_or_refused(lines: list[str]) -> None:
    source = Source("t.txt", Path("t.txt"), "\n".join(x.replace("\r", " ") for x in lines), "0" * 64)
    try:
        minutes = parse(source)
    except NoItems:
        return
    assert_whole(minutes)


def test_a_text_without_items_is_refused_by_name() -> None:
    with pytest.raises(NoItems, match=r"brev\.txt"):
        parse(Source("brev.txt", Path("brev.txt"), "Kære udvalg\n\nTak for sidst.\n", "0" * 64))


def test_lists_sections_and_references_are_no_items() -> None:
    text = (
        "Punkt 1: Plan\n\nSagsfremstilling\nMålene er:\n1. Flere i job.\n2. Færre syge.\n"
        "Punkt 2 blev udsat sidst.\n\nIndstilling\nDet indstilles,\n1. at planen godkendes.\n\nBeslutning\nGodkendt.\n"
    )
    assert [i.number for i in parse(Source("a.txt", Path("a.txt"), text, "0" * 64)).items] == ["1"]


@pytest.mark.shared
def test_real_minutes_have_the_items_that_a_person_counts(shared: Path) -> None:
    """Number of items, and the closed ones, of the five real minutes."""
    found = {p.name[:3]: read(p) for p in shared_files()}
    counted = {name: (len(m.items), [i.number for i in m.items if i.closed]) for name, m in found.items()}
    assert counted == {
        "000": (10, ["9", "10"]),
        "001": (13, ["12", "13"]),
        "002": (10, ["9", "10"]),
        "003": (7, []),
        "004": (17, []),
    }


@pytest.mark.shared
def test_real_minutes_tell_their_meeting(shared: Path) -> None:
    found = {p.name[:3]: read(p) for p in shared_files()}
    told = {n: (m.municipality, m.committee, str(m.held_on)) for n, m in found.items()}
    amu = "Arbejdsmarkedsudvalget"
    assert told == {
        "000": ("Holstebro", amu, "2024-03-11"),
        "001": ("Holstebro", amu, "None"),
        "002": ("Holstebro", amu, "2022-11-28"),
        "003": ("Holstebro", amu, "2019-10-23"),
        "004": ("Thisted", amu, "2023-02-09"),
    }
    assert "10.06.25" in (found["001"].date.evidence or "")
    assert found["000"].absent == ("Leif Brøgger",)
    assert found["004"].attendees is not None
    assert len(found["004"].attendees) == 5
    assert found["002"].attendees is None


@pytest.mark.shared
def test_real_decisions_are_read_as_they_stand(shared: Path) -> None:
    found = {p.name[:3]: read(p) for p in shared_files()}

    def decision(document: str, number: str):  # type: ignore[no-untyped-def]
        item = found[document].item(number)
        assert item is not None
        assert item.decision is not None
        return item.decision

    assert len(decision("001", "10").adopts) == 2
    assert not decision("003", "2").final  # recommended to another committee
    assert not decision("002", "5").final  # adopts a recommendation to the council
    assert decision("002", "8").outcomes == (Outcome.NONE,)
    item = found["004"].item("3")
    assert item is not None
    assert len(item.of_kind(SectionKind.HISTORY)) == 6  # seven bodies; the committee's own is the decision
    assert decision("004", "3").outcomes == (Outcome.NOTED,)


@pytest.mark.parametrize(
    ("title", "under"),
    [
        ("Fortroligt: Salg af ejendom", ""), ("Ikke offentligt: Salg af ejendom", ""), ("Salg af ejendom", "Lukket sag\n"),
        ("Salg af ejendom", "Punktet behandles for lukkede døre.\n"), ("Salg af ejendom", "Sagstype: Lukket\n"),
        ("Salg af ejendom", "Åbent punkt: Nej\n"),
    ],
)  # fmt: skip
def test_an_item_that_says_it_is_closed_is_closed(title: str, under: str) -> None:
    text = (
        "Kulturudvalget\nHolstebro Kommune\nMødedato: 05-03-2024\n\nPunkt 1: Biblioteket\n\nSagsfremstilling\n"
        "Biblioteket er åbent.\n\nBeslutning\nGodkendt.\n\n"
        f"Punkt 2: {title}\n{under}\nSagsfremstilling\nEjendommen sælges for 4 mio. kr.\n\nBeslutning\nGodkendt.\n"
    )
    items = parse(Source("a.txt", Path("a.txt"), text, "")).items
    assert [i.closed for i in items] == [False, True]
    assert items[1].title == "Salg af ejendom"
    assert items[1].decision is None


@pytest.mark.parametrize("head", ["Lukket: Salg\nSagsnr.: 15.00.00-P16-1-24\n", "Salg\nLukket sag\n", "Lukket: Salg\n"])
def test_of_a_closed_item_no_more_than_its_heading_is_public(head: str) -> None:
    text = (
        "Kulturudvalget\nHolstebro Kommune\nMødedato: 05-03-2024\n\nPunkt 1: Biblioteket\n\nSagsfremstilling\n"
        f"Biblioteket er åbent.\n\nBeslutning\nGodkendt.\n\nPunkt 2: {head}\nEjendommen sælges til en nabo.\n"
    )
    item = parse(Source("a.txt", Path("a.txt"), text, "")).items[1]
    assert item.closed
    assert "nabo" not in text[item.sections[0].start : item.sections[0].end]
    assert "Salg" in text[item.sections[0].start : item.sections[0].end]
