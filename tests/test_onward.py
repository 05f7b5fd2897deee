"""A recommendation onwards is told with what came of it, where the minutes of the body that decided are indexed."""

from __future__ import annotations

from pathlib import Path

import pytest

from askamu.answer import ask
from askamu.config import Settings
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.passage import Filters

HEAD = "Havnby Kommune\nReferat\n{body}\nMødedato: {day}\n\n"
ITEM = """Punkt {number}: {title}

{case}

Sagsfremstilling
Center for Teknik foreslår en fast takst for parkering ved havnen på 20 kr. i timen, så budgettet holder.

Indstilling
Det indstilles, at taksten for parkering ved havnen fastsættes til 20 kr. i timen.

Beslutning
{decision}

"""


def written(folder: Path, name: str, body: str, day: str, *items: tuple[str, str, str]) -> None:
    parts = [
        ITEM.format(number=n, title=title, case=case, decision=decision)
        for n, (title, case, decision) in enumerate(items, start=1)
    ]
    (folder / f"{name}.txt").write_text(HEAD.format(body=body, day=day) + "".join(parts), encoding="utf-8")


def opened(folder: Path) -> Library:
    settings = Settings(index=folder / "index", embedder="keywords")
    ingest(sorted(folder.glob("*.txt")), settings)
    return open_library(settings)


RECOMMENDED = ("Parkering ved havnen, takst 2024", "05.00.00-P24-1-23", "Teknikudvalget anbefaler over for Byrådet, at indstillingen godkendes.")  # fmt: skip
OTHER = ("Godkendelse af dagsorden", "00.01.00-A00-1-23", "Godkendt.")


@pytest.mark.parametrize(
    ("title", "case", "decision", "days", "told"),
    [
        # by number, by heading alone, turned down; another case, another matter under the number, long after
        (RECOMMENDED[0], RECOMMENDED[1], "Byrådet godkendte indstillingen.", "20. november 2023", True),
        (RECOMMENDED[0], "05.00.00-P24-9-23", "Byrådet godkendte indstillingen.", "20. november 2023", True),
        (RECOMMENDED[0], RECOMMENDED[1], "Ikke godkendt.", "20. november 2023", True),
        ("Cykelsti ved skolen", "05.00.00-P24-7-23", "Godkendt.", "20. november 2023", False),
        ("Cykelsti ved skolen", RECOMMENDED[1], "Godkendt.", "20. november 2023", False),
        (RECOMMENDED[0], RECOMMENDED[1], "Byrådet godkendte indstillingen.", "18. november 2024", False),
        (RECOMMENDED[0], RECOMMENDED[1], "Byrådet godkendte indstillingen.", "2. oktober 2023", False),
    ],
)
def test_what_became_of_a_recommendation(
    tmp_path: Path, title: str, case: str, decision: str, days: str, told: bool
) -> None:
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, RECOMMENDED)
    written(tmp_path, "raad", "Byrådet", days, OTHER, (title, case, decision))
    library = opened(tmp_path)
    for question in ("Hvad besluttede Teknikudvalget om parkering ved havnen?", "Hvad koster parkering ved havnen?"):
        answer = ask(library, question)
        if "teknik.txt" not in {c.source for c in answer.citations}:
            continue  # the council's own item answers
        assert ("blev afgjort her" in answer.text) == told, answer.text
        assert ("ikke endelig: udvalget anbefaler" in answer.text) == (not told)
        if told:
            last = next(c for c in answer.citations if c.source == "raad.txt")
            assert last.quote == decision
    first = ask(library, "Hvad besluttede Teknikudvalget om parkering ved havnen?")
    assert "teknik.txt" in {c.source for c in first.citations}


def test_a_note_on_who_was_away_is_no_decision_in_a_list(tmp_path: Path) -> None:
    signed = ("Underskriftsark", "00.01.00-A00-2-23", "Fraværende: Nadia Fjeldborg (A).")
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, RECOMMENDED, signed)
    answer = ask(opened(tmp_path), "Hvad blev besluttet på mødet den 6. november 2023?")
    assert "Parkering ved havnen" in answer.text
    assert "Underskriftsark" not in answer.text


def test_a_name_of_several_words_chooses_the_row(tmp_path: Path) -> None:
    (tmp_path / "sou.txt").write_text(
        HEAD.format(body="Sundhedsudvalget", day="14. november 2022")
        + """Punkt 1: Fordeling af midler til foreninger

Sagsfremstilling
Foreningerne får midler efter ansøgning. Forvaltningen foreslår denne fordeling:

Ansøger              Ansøgt beløb     Indstillet beløb
Klubben for ældre    21.840           5.000
Ældre Sagen          98.912           50.000
Sagens Venner        10.000           2.000

Beslutning
Godkendt.
""",
        encoding="utf-8",
    )
    answer = ask(opened(tmp_path), "Hvor meget fik Ældre Sagen?")
    assert "50.000" in answer.text
    assert "5.000" not in answer.text.replace("50.000", "")
    assert "Indstillet beløb" in answer.text


HISTORY = """Punkt 1: Livestreaming af byrådsmøder

00.22.00-A00-1-22

Sagsfremstilling
Administrationen har undersøgt, hvad livestreaming af byrådsmøder koster.

Indstilling
Administrationen indstiller, at byrådsmøderne livestreames fra august 2022.

Tidligere beslutning
09-05-2022 Økonomiudvalget
{history}

Beslutning
Byrådet godkendte Økonomiudvalgets indstilling.
"""


@pytest.mark.parametrize(
    ("history", "own_way"),
    [
        ("Økonomiudvalget kan ikke godkende administrationens indstilling og anbefaler, at der ikke indføres livestreaming i år.", True),
        ("Økonomiudvalget anbefaler, at administrationens indstilling godkendes med bemærkning om, at det sker fra 2023.", True),
        ("Økonomiudvalget anbefaler, at der kun optages lyd.", True),
        ("Økonomiudvalget anbefaler over for Byrådet, at administrationens indstilling godkendes.", False),
        ("Økonomiudvalget anbefaler administrationens indstilling over for Byrådet.", False),
        ("Økonomiudvalget indstiller over for Byrådet, at administrationens indstilling godkendes.", False),
        ("Økonomiudvalget anbefaler, at Kulturudvalgets indstilling godkendes.", False),
        ("Økonomiudvalget anbefaler over for Byrådet, at administrationens indstilling godkendes.\nBo Hansen (Ø) stemte imod, da det ikke haster.", False),
    ],
)  # fmt: skip
def test_another_bodys_recommendation_is_not_taken_for_the_one_printed(
    tmp_path: Path, history: str, own_way: bool
) -> None:
    text = HEAD.format(body="Byrådet", day="23. maj 2022") + HISTORY.format(history=history)
    (tmp_path / "raad.txt").write_text(text, encoding="utf-8")
    library = opened(tmp_path)
    for question in ("Hvad blev besluttet om livestreaming af byrådsmøder?", "Hvornår livestreames byrådsmøderne?"):
        answer = ask(library, question)
        assert "Byrådet godkendte Økonomiudvalgets indstilling" in answer.text
        assert ("der blev fulgt" in answer.text) == own_way, answer.text
        if own_way:
            assert history.splitlines()[0][:60] in " ".join(answer.text.split())
            assert "Dermed blev indstillingen tiltrådt" not in answer.text
    decided = ask(library, "Hvad blev besluttet om livestreaming af byrådsmøder?")
    assert ("Dermed blev indstillingen tiltrådt" in decided.text) != own_way


COMMITTEE = """02-05-2022 Kulturudvalget
1. Anbefales ikke, idet det er for dyrt.
"""


@pytest.mark.parametrize(
    ("history", "whose"),
    [
        # the council adopted the last one, which followed the administration, or the committee before it
        ("09-05-2022 Økonomiudvalget\nØkonomiudvalget anbefaler, at administrationens indstilling godkendes.", None),
        ("09-05-2022 Økonomiudvalget\nØkonomiudvalget anbefaler, at Kulturudvalgets indstilling godkendes.", "Anbefales ikke, idet"),
        ("09-05-2022 Økonomiudvalget\nØkonomiudvalget anbefaler i stedet, at der kun optages lyd.", "kun optages lyd"),
    ],
)  # fmt: skip
def test_of_several_bodies_the_one_that_was_followed_counts(tmp_path: Path, history: str, whose: str | None) -> None:
    text = HEAD.format(body="Byrådet", day="23. maj 2022") + HISTORY.format(history="{history}")
    text = text.replace("09-05-2022 Økonomiudvalget\n{history}", COMMITTEE + history)
    (tmp_path / "raad.txt").write_text(text, encoding="utf-8")
    answer = ask(opened(tmp_path), "Hvad blev besluttet om livestreaming af byrådsmøder?")
    followed = [c.quote for c in answer.citations if c.section == "history"]
    if whose is None:
        assert "Dermed blev indstillingen tiltrådt" in answer.text
        assert "der blev fulgt" not in answer.text
    else:
        assert "Dermed blev indstillingen tiltrådt" not in answer.text
        assert len(followed) == 1
        assert whose in followed[0]


@pytest.mark.parametrize(
    ("first", "body", "day", "told"),
    [
        ("Taget til efterretning.", "Byrådet", "20. november 2023", "Sagen blev siden behandlet her"),
        ("Sendes tilbage til forvaltningen.", "Teknikudvalget", "4. december 2023", "Sagen blev siden behandlet her"),
        ("Udsat til næste møde.", "Teknikudvalget", "4. december 2023", "Sagen blev siden behandlet her"),
        ("Godkendt.", "Teknikudvalget", "4. december 2023", None),  # a matter that comes up each year
        ("Godkendt.", "Kulturudvalget", "20. november 2023", None),  # another committee beside it
    ],
)
def test_a_later_treatment_is_told(tmp_path: Path, first: str, body: str, day: str, told: str | None) -> None:
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, (*RECOMMENDED[:2], first))
    written(tmp_path, "senere", body, day, OTHER, (*RECOMMENDED[:2], "Ikke godkendt."))
    answer = ask(opened(tmp_path), "Hvad besluttede Teknikudvalget om parkering ved havnen i november 2023?")
    assert "teknik.txt" in {c.source for c in answer.citations}
    assert ("siden behandlet" in answer.text) == bool(told), answer.text
    assert ("Ikke godkendt." in {c.quote for c in answer.citations}) == bool(told)


def test_a_vote_is_told_with_what_was_voted_on(tmp_path: Path) -> None:
    votes = """Med stemmerne 1 for og 6 imod afviste udvalget forslag A fra (Ø).

For stemte (Ø).

Imod stemte (V), (A) og (C).

Med stemmerne 6 for og 1 imod godkendte udvalget forslag B fra forligspartierne.

Imod stemte (Ø)."""
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, (RECOMMENDED[0], RECOMMENDED[1], votes))
    answer = ask(opened(tmp_path), "Hvem stemte imod parkering ved havnen?")
    assert " ".join(votes.split()) in answer.text
    assert len(answer.citations) == 1


def test_one_case_on_its_way_is_one_step_of_a_development(tmp_path: Path) -> None:
    decided = (RECOMMENDED[0], RECOMMENDED[1], "Byrådet godkendte indstillingen.")
    before = ("Parkering ved havnen, takst 2022", "05.00.00-P24-1-21", "Godkendt.")
    written(tmp_path, "teknik-21", "Teknikudvalget", "8. november 2021", OTHER, before)
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, RECOMMENDED)
    written(tmp_path, "raad", "Byrådet", "20. november 2023", OTHER, decided)
    answer = ask(opened(tmp_path), "Hvordan har parkering ved havnen udviklet sig?")
    assert answer.text.count("\n- ") == 2
    assert "samme sag før i Teknikudvalget 06.11.2023" in answer.text
    assert {c.source for c in answer.citations} == {"raad.txt", "teknik-21.txt"}


def test_what_single_members_said_is_not_what_the_committee_added(tmp_path: Path) -> None:
    said = "Godkendt.\n\n(F) og (Ø) kunne ikke tiltræde indstillingen, fordi taksten rammer pendlere."
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, (*RECOMMENDED[:2], said))
    answer = ask(opened(tmp_path), "Hvad besluttede Teknikudvalget om parkering ved havnen?")
    assert "Til beslutningen er noteret: »(F) og (Ø) kunne ikke" in answer.text
    assert "Udvalget tilføjede" not in answer.text


def test_what_is_quoted_in_part_says_so(tmp_path: Path) -> None:
    long = "Økonomiudvalget anbefaler i stedet, at der kun optages lyd. " + "Det koster ikke noget særligt. " * 60
    text = HEAD.format(body="Byrådet", day="23. maj 2022") + HISTORY.format(history=long)
    (tmp_path / "raad.txt").write_text(text, encoding="utf-8")
    answer = ask(opened(tmp_path), "Hvad blev besluttet om livestreaming af byrådsmøder?")
    quote = next(c.quote for c in answer.citations if c.section == "history")
    assert len(quote) <= 1_100
    assert quote.split()[-1] in {"Det", "koster", "ikke", "noget", "særligt."}
    assert f"{quote.split()[-1]} …«" in answer.text


def test_bodies_that_point_at_each_other_are_read_once(tmp_path: Path) -> None:
    """A history in which each follows the others: every entry is read once, however they point."""
    bodies = ["Økonomiudvalget", "Kulturudvalget", "Teknikudvalget"]
    entries = "\n".join(
        f"{n % 27 + 1:02d}-{n // 27 + 1:02d}-2021 {bodies[n % 3]}\n{bodies[n % 3]} anbefaler i stedet {bodies[(n + 1) % 3]}s indstilling og {bodies[(n + 2) % 3]}s indstilling."
        for n in range(60)
    )
    text = HEAD.format(body="Byrådet", day="23. maj 2022") + HISTORY.replace("09-05-2022 Økonomiudvalget\n", "").format(
        history=entries
    )
    (tmp_path / "raad.txt").write_text(text, encoding="utf-8")
    answer = ask(opened(tmp_path), "Hvad blev besluttet om livestreaming af byrådsmøder?")
    followed = [c.quote for c in answer.citations if c.section == "history"]
    assert 0 < len(followed) == len(set(followed)) <= 40


def test_items_without_a_heading_are_no_case(tmp_path: Path) -> None:
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, ("", "", RECOMMENDED[2]))
    written(tmp_path, "raad", "Byrådet", "20. november 2023", OTHER, ("", "", "Forkastet."))
    answer = ask(opened(tmp_path), "Hvad besluttede Teknikudvalget om parkering ved havnen?")
    assert "blev afgjort her" not in answer.text


def test_what_lies_outside_the_limits_says_so(tmp_path: Path) -> None:
    written(tmp_path, "teknik", "Teknikudvalget", "6. november 2023", OTHER, RECOMMENDED)
    written(tmp_path, "raad", "Byrådet", "20. november 2023", OTHER, (*RECOMMENDED[:2], "Ikke godkendt."))
    library = opened(tmp_path)
    limited = ask(library, "Hvad blev besluttet om parkering ved havnen?", filters=Filters(committee="Teknikudvalget"))
    assert "(uden for afgrænsningen)" in limited.text
