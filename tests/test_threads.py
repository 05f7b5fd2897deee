"""A case followed over meetings and committees."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from conftest import read
from test_cli import TRACE, run

from askamu.library import Library
from askamu.minutes import Minutes, Outcome
from askamu.record import MeetingRow
from askamu.threads import COLLECTIVE, THRESHOLD, Cases, Step, Thread, as_step, is_generic, items_of, telling

A, R = Outcome.APPROVED, Outcome.RECOMMENDED


def threads(items: Sequence[Step]) -> list[Thread]:
    """The cases that were on an agenda more than once."""
    return [t for t in Cases(items).threads if len(t.steps) > 1]


def step(
    day: str | None,
    title: str,
    number: str | None = None,
    *,
    committee: str = "Teknisk Udvalg",
    municipality: str | None = "Bakkerup",
    outcomes: tuple[Outcome, ...] = (A,),
    closed: bool = False,
    latest: str | None = None,
    at: int = 0,
) -> Step:
    held = date.fromisoformat(day) if day else None
    bound = date.fromisoformat(latest) if latest else held
    document = f"{municipality}-{committee}-{day or latest}"
    return Step(
        document, f"{document}.txt", at, str(at + 1), title, number, closed, municipality, committee, held,
        held, bound, outcomes, R not in outcomes,
    )  # fmt: skip


def steps_of(minutes: Minutes) -> list[Step]:
    m = minutes
    row = MeetingRow(
        m.id, m.source, "", m.municipality, m.committee, m.held_on, m.date.earliest, m.date.latest, m.kind,
        len(m.items), 0, 0,
    )  # fmt: skip
    return [as_step(row, n, item) for n, item in enumerate(m.items)]


# What makes titles comparable: other titles, so that words have a rarity.
OTHERS = [
    step("2022-01-10", title, at=n)
    for n, title in enumerate(
        ("Vintervedligeholdelse af cykelstier", "Renovering af Krogård Skole", "Tilbygning til Krogård Skole", "Renovering af gadelys", "Affaldsplan for sommerhuse", "Ny rundkørsel i Bakkerup"),
        start=20,
    )
]  # fmt: skip


def test_a_case_number_is_certain_whatever_the_titles_say() -> None:
    (thread,) = threads(
        [
            step("2023-05-15", "Lokalplan 14.50", "22-001", committee="Byrådet"),
            step("2023-04-20", "Forslag om Strandvejen", "22-001", outcomes=(R,)),
            step(
                "2023-05-08", "Lokalplan 14.50 for Strandvejen", " 22-001", committee="Økonomiudvalget", outcomes=(R,)
            ),
        ]
    )
    assert thread.confidence == 1.0
    assert [s.committee for s in thread.steps] == ["Teknisk Udvalg", "Økonomiudvalget", "Byrådet"]
    assert [s.outcomes for s in thread.steps] == [(R,), (R,), (A,)]
    assert [s.final for s in thread.steps] == [False, False, True]
    assert thread.title == "Forslag om Strandvejen"


def test_on_one_day_the_council_is_last_and_the_undated_stands_last_of_what_it_can_follow() -> None:
    (thread,) = threads(
        [
            step("2023-05-15", "Kystsikring", "22-001", committee="Byrådet"),
            step(None, "Kystsikring", "22-001", latest="2024-12-31"),
            step("2023-05-15", "Kystsikring", "22-001", committee="Økonomiudvalget"),
            step("2025-01-01", "Kystsikring", "22-001"),
            step("2024-12-31", "Kystsikring", "22-001", committee="Kulturudvalget"),
        ]
    )
    assert [s.committee for s in thread.steps[:3]] == ["Økonomiudvalget", "Byrådet", "Kulturudvalget"]
    assert [s.held_on for s in thread.steps[3:]] == [None, date(2025, 1, 1)]


def test_another_municipality_with_the_same_number_or_title_is_another_case() -> None:
    both = [
        step(f"2023-0{n}-01", "Halinspektør i Vesterhallen", "22-001", municipality=m)
        for n in (1, 2) for m in ("Bakkerup", "Fjordlev", None)
    ]  # fmt: skip
    found = threads(both)
    assert sorted(str(t.municipality) for t in found) == ["Bakkerup", "Fjordlev", "None"]
    assert all({s.municipality for s in t.steps} == {t.municipality} for t in found)


def test_titles_tell_it_where_no_number_does_with_a_confidence_below_one() -> None:
    found = threads(
        [
            *OTHERS,
            step("2023-05-11", "Ungeindsatsen - samling på Banegårdsvej"),
            step("2025-04-10", "Status på ungeindsatsen på Banegårdsvej - 2. behandling"),
            step("2025-04-10", "Ungeboliger ved stationen", at=1),
        ]
    )
    (thread,) = found
    assert [s.title[:8] for s in thread.steps] == ["Ungeinds", "Status p"]
    assert THRESHOLD <= thread.confidence < 1.0
    assert thread.case_number is None


def test_another_number_or_year_makes_it_less_sure() -> None:
    def sure(*pair: Step) -> float:
        (thread,) = threads([*OTHERS, *pair])
        return thread.confidence

    plain = sure(step("2023-01-01", "Kystsikring ved Lunden"), step("2024-01-01", "Kystsikring ved Lunden"))
    numbers = sure(
        step("2023-01-01", "Kystsikring ved Lunden", "1-1"), step("2024-01-01", "Kystsikring ved Lunden", "2-2")
    )
    years = sure(step("2023-01-01", "Kystsikring ved Lunden 2023"), step("2024-01-01", "Kystsikring ved Lunden 2024"))
    assert 1.0 > plain > numbers >= THRESHOLD
    assert plain > years >= THRESHOLD


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Budgetopfølgning pr. 31. marts 2023", "Budgetopfølgning pr. 31. august 2023"),  # comes back, is no one case
        ("Afslutning af projekt “Din vej frem”", "Afslutning af projekt “På sporet igen”"),
        ("Renovering af Tune Skole", "Renovering af Arena Skole"),
        ("Valg af ny formand i Social- og Handicapudvalget", "Valg af ny formand i Beskæftigelsesudvalget"),
    ],
)
def test_titles_that_share_a_form_only_are_two_cases(one: str, other: str) -> None:
    assert threads([*OTHERS, step("2023-03-01", one), step("2023-09-01", other)]) == []


def test_one_meeting_treats_a_case_once_and_closed_items_are_joined_by_number_only() -> None:
    assert (
        threads([*OTHERS, step("2023-03-01", "Salg af Lunden 4"), step("2023-03-01", "Salg af Lunden 4", at=1)]) == []
    )
    shut = [step(f"202{n}-03-01", "Salg af Lunden 4", closed=True) for n in (3, 4)]
    assert threads([*OTHERS, *shut]) == []
    numbered = [step(f"202{n}-03-01", "Salg af Lunden 4", "22-1", closed=True) for n in (3, 4)]
    assert len(threads([*OTHERS, *numbered])) == 1


GENERIC = [
    "Godkendelse af dagsorden", "Godkendelse af dagsorden.", "Meddelelser", "Orientering", "Eventuelt", "Underskriftsark", "Digital underskrift",
    "Underskrift af beslutningsprotokol", "Orientering fra formanden/gensidig orientering", "Huskeliste og orientering fra administrationen",
    "Nyt fra formand, medlemmer og direktør", "Borgmesteren orienterer", "Spørgetid", "Program for byrådsmødet",
    "Social- og Handicapudvalget - mødekalender 2022", "Mødekalender 2023 for Skole- Børne- og Ungeudvalget", "Personalesag",
]  # fmt: skip


@pytest.mark.parametrize("title", GENERIC)
def test_formalities_form_no_thread_even_with_a_number(title: str) -> None:
    assert is_generic(title)
    items = [step("2023-01-01", title, "22-001"), step("2023-02-01", title, "22-001")]
    assert threads(items) == []
    assert Cases(items).find("22-001") == []


@pytest.mark.parametrize(
    "title",
    [
        "Orientering om årsregnskab 2022",
        "Status på småjob",
        "Godkendelse af Ungepolitik",
        "Budgetopfølgning 1 (2023)",
        "",
    ],
)
def test_what_has_a_subject_is_no_formality(title: str) -> None:
    assert not is_generic(title)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Småjob i Bakkerup Kommune", "Småjob - status efter det første år"),
        ("Tryghed i Greve Nord - Halvårs-status", "Tryghed i Greve Nord - Helårsstatus 2022"),
        ("Godkendelse af Børne- og Ungepolitik 2023-2026", "Børne- og Ungepolitik 2023-26, 2. behandling"),
        ("Orientering om Isbryderordning", "Opfølgning på isbryderordningen pr. 31. marts 2024"),
    ],
)
def test_levelled_titles(one: str, other: str) -> None:
    assert telling(one, "Bakkerup") == telling(other, "Bakkerup") != frozenset()


def test_a_collective_number_needs_the_titles_too() -> None:
    """Seeds 000 to 002: 15.00.15-P16-1-22 holds whatever the labour market office brings."""
    number = "15.00.15-P16-1-22"
    items = [
        *OTHERS,
        step("2022-11-28", "Beskæftigelsesplan 2023", number),
        step("2022-11-28", "Mentorer til ordblinde unge", number, at=1),
        step("2023-03-11", "Isbryderordning", number),
        step("2023-05-11", "Mentorer til ordblinde unge - opfølgning", number),
    ]
    (thread,) = threads(items)
    assert {s.title[:8] for s in thread.steps} == {"Mentorer"}
    assert thread.confidence == COLLECTIVE
    found = Cases(items).find(number)
    assert sorted(len(t.steps) for t in found) == [1, 1, 2]
    assert {t.case_number for t in found} == {number}


def test_a_number_that_joined_by_its_title_is_what_is_certain_when_it_is_asked_for() -> None:
    items = [
        *OTHERS,
        step("2023-01-01", "Kystsikring ved Lunden", "1-1"),
        step("2023-06-01", "Kystsikring ved Lunden", "1-1"),
        step("2024-01-01", "Kystsikring ved Lunden", "2-2"),
    ]
    (one,), (other,) = Cases(items).find("1-1"), Cases(items).find("2-2")
    assert [s.confidence == 1.0 for s in one.steps] == [True, True, False]
    assert [s.confidence == 1.0 for s in other.steps] == [False, False, True]
    assert (one.case_number, other.case_number) == ("1-1", "2-2")
    assert one.confidence == other.confidence
    assert Cases(items).find("3-3") == []


@pytest.mark.parametrize(
    "items", [[], [step("2023-01-01", "Alene", "22-001")], [step(None, "", None, municipality=None)] * 3]
)
def test_nothing_makes_no_thread(items: list[Step]) -> None:
    assert threads(items) == []


def test_order_of_the_items_changes_nothing(library: Library) -> None:
    items = items_of(library)
    assert threads(items) == threads(items[::-1])


def test_the_small_jobs_of_fjordlev_are_one_case_over_four_meetings(library: Library) -> None:
    (thread,) = Cases(items_of(library)).find("15.20.00-P20-3-23")
    assert [s.held_on for s in thread.steps] == [date(2023, 3, 7), date(2024, 3, 12), date(2024, 11, 19), None]
    assert [s.confidence == 1.0 for s in thread.steps] == [True, True, False, True]  # it went on under another number
    assert thread.steps[2].case_number == "15.20.00-A00-2-24"
    bakkerup = next(t for t in threads(items_of(library)) if t.title == "Småjob i Bakkerup Kommune")
    assert [s.held_on for s in bakkerup.steps] == [date(2024, 2, 8), date(2025, 4, 10)]


# -- Greve, two years of all committees --------------------------------------------------------


@pytest.fixture(scope="module")
def greve(shared: Path) -> list[Step]:
    files = sorted((shared / "real" / "greve").glob("*.json"))
    return [s for f in files for s in steps_of(read(f))]


@pytest.mark.shared
def test_greve_from_committee_to_council(greve: list[Step]) -> None:
    threes = [t for t in threads(greve) if len(t.steps) == 3 and t.confidence == 1.0]
    way = [
        t for t in threes
        if [s.committee for s in t.steps][1:] == ["Økonomiudvalget", "Byrådet"] and t.steps[0].committee not in ("Økonomiudvalget", "Byrådet")
    ]  # fmt: skip
    assert len(way) > 60
    straight = [t for t in way if [s.outcomes for s in t.steps] == [(R,), (R,), (A,)]]
    assert len(straight) > 0.6 * len(way)
    assert all([s.final for s in t.steps] == [False, False, True] for t in straight)
    assert all(t.steps[0].day <= t.steps[1].day <= t.steps[2].day for t in way)


@pytest.mark.shared
def test_greve_formalities_form_none_and_no_item_is_in_two_threads(greve: list[Step]) -> None:
    found = threads(greve)
    titles = {s.title for t in found for s in t.steps}
    assert not [title for title in titles if is_generic(title)]
    assert not titles & {
        "Godkendelse af dagsorden",
        "Underskriftsark",
        "Huskeliste og orientering fra administrationen",
        "Henvendelser til formanden",
    }
    placed = [(s.document, s.item_index) for t in found for s in t.steps]
    assert len(placed) == len(set(placed))
    assert max(len(t.steps) for t in found) < 40


# -- askamu case -------------------------------------------------------------------------------


@pytest.fixture
def case(seed_index: Path) -> Callable[..., tuple[int, str, str]]:
    def run_case(*args: str) -> tuple[int, str, str]:
        done = run("case", *args, "--index", seed_index)
        assert TRACE not in done.stderr
        return done.returncode, " ".join(done.stdout.split()), done.stderr

    return run_case


def test_case_prints_the_steps_with_their_decisions(case: Callable[..., tuple[int, str, str]]) -> None:
    code, said, _ = case("15.20.00-p20-3-23")
    assert code == 0
    assert "Fjordlev, 4 behandlinger" in said
    assert (
        said.index("07.03.2023") < said.index("12.03.2024") < said.index("19.11.2024") < said.index("mellem 03.06.2025")
    )
    assert "Taget til efterretning: »Taget til efterretning. Udvalget ønsker" in said
    assert "hører formentlig til (sikkerhed 0," in said
    assert "sagsnummer 15.20.00-A00-2-24" in said
    assert "Case 15.20.00" in case("15.20.00-P20-3-23", "--lang", "en")[1]


def test_case_as_json_quotes_the_minutes(case: Callable[..., tuple[int, str, str]], library: Library) -> None:
    code, said, _ = case("15.20.00-P20-3-23", "--json")
    assert code == 0
    (thread,) = json.loads(said)["threads"]
    assert thread["municipality"] == "Fjordlev"
    assert [s["outcomes"] for s in thread["steps"]] == [["approved"], ["noted"], ["approved"], ["approved"]]
    for s in thread["steps"]:
        quoted = library.minutes(s["document"]).text[s["start"] : s["end"]]
        assert " ".join(s["decision"].split()) == " ".join(quoted.split())


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("99.99.99-P00-1-99", "findes ikke i de indlæste referater"),
        ("15.00.00-G01-26-23", "kun til faste punkter"),
        ("", "findes ikke"),
    ],
)
def test_case_that_is_none_says_so(case: Callable[..., tuple[int, str, str]], number: str, sentence: str) -> None:
    code, said, why = case(number)
    assert (code, said) == (1, "")
    assert sentence in why
    code, said, why = case(number, "--json")
    assert (code, json.loads(said)["threads"]) == (1, [])
