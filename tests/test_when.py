"""The times that a question names, and which meetings it is about."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askamu.answer import ask
from askamu.library import Library
from askamu.passage import QuestionKind, Tier
from askamu.when import Meeting, Period, days_of, only_month, period_of

DAYS = (
    date(2023, 3, 7),
    date(2024, 3, 12),
    date(2024, 6, 18),
    date(2024, 8, 13),
    date(2024, 11, 19),
    date(2025, 9, 16),
)
MEETINGS = [Meeting(str(day), "Fjordlev", "Arbejdsmarkedsudvalget", day, day, day) for day in DAYS]
TODAY = date(2025, 10, 1)
DECISION, FIGURE, LISTING, TIMELINE = (
    QuestionKind.DECISION, QuestionKind.FIGURE, QuestionKind.LISTING, QuestionKind.TIMELINE,
)  # fmt: skip


def period(text: str, kind: QuestionKind = DECISION) -> tuple[date | None, date | None] | None:
    found = period_of(text, MEETINGS, kind, today=TODAY)
    return (found.first, found.last) if found else None


def whole(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Hvad blev besluttet på det seneste møde?", DAYS[-1]),
        ("Hvad skete der på sidste møde i Fjordlev?", DAYS[-1]),
        ("What was decided at the latest meeting?", DAYS[-1]),
        ("Hvad blev drøftet på det forrige møde?", DAYS[-2]),
        ("Hvad besluttede udvalget på mødet før sommerferien 2024?", DAYS[2]),
        ("Hvad besluttede udvalget på mødet efter sommerferien i 2024?", DAYS[3]),
        ("Hvad blev besluttet på mødet efter sommerferien?", DAYS[-1]),
    ],
)
def test_a_meeting_is_found_by_its_place_among_the_meetings(text: str, day: date) -> None:
    assert period(text) == (day, day)


@pytest.mark.parametrize("text", ["Hvad er der sket siden sidste møde?", "Hvad er det seneste nye?"])
def test_what_only_sounds_like_a_meeting_is_none(text: str) -> None:
    assert period(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hvad besluttede udvalget i efteråret 2024 om småjob?", (date(2024, 9, 1), date(2024, 11, 30))),
        ("Hvad besluttede udvalget om småjob i foråret 2024?", (date(2024, 3, 1), date(2024, 5, 31))),
        ("What did the committee decide in 2024?", whole(2024)),
        ("Hvad besluttede udvalget om småjob i 2024?", whole(2024)),
        ("Hvad besluttede udvalget sidste år om småjob?", whole(2024)),
        ("Hvad har udvalget vedtaget i år?", whole(2025)),
        ("Hvad har udvalget besluttet siden 2024 om sygedagpenge?", (date(2024, 1, 1), None)),
        ("Hvad vedtog udvalget før 2024 om sygedagpenge?", (None, date(2023, 12, 31))),
        # no meeting was held then: it may be told at another one
        ("Hvad besluttede udvalget i december 2022 om tilbuddene?", None),
        # the subject's year, not the meeting's
        ("Hvad besluttede udvalget om budgettet for 2024?", None),
        ("Hvad besluttede udvalget om regnskab 2023?", None),
    ],
)
def test_when_something_was_decided_names_the_meeting(
    text: str, expected: tuple[date | None, date | None] | None
) -> None:
    assert period(text) == expected


@pytest.mark.parametrize(
    "text",
    ["Hvor mange var ledige sidste år?", "Hvor mange fik job i efteråret 2024?", "Hvor mange kom i job siden 2024?"],
)
def test_the_time_of_a_figure_is_not_a_meetings(text: str) -> None:
    assert period(text, FIGURE) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hvad skete der på møderne i marts 2024 og november 2024?", (date(2024, 3, 1), date(2024, 11, 30))),
        ("Hvad skete der på mødet i marts 2024, i november 2024 og bagefter?", (date(2024, 3, 1), None)),
        ("Hvad står der i referaterne fra 2023, 2024 og 2025 om småjob?", (date(2023, 1, 1), date(2025, 12, 31))),
        ("Hvad blev sagt på mødet i marts 2024 om budgettet for 2025?", (date(2024, 3, 1), date(2024, 3, 31))),
    ],
)
def test_times_in_a_row_are_one_period(text: str, expected: tuple[date | None, date | None]) -> None:
    assert period(text, TIMELINE) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Hvad blev besluttet på de to seneste møder?", 2),
        ("Hvad blev besluttet på de seneste to møder?", 2),
        ("What was decided at the last 4 meetings?", 4),
        ("Hvad har de seneste møder handlet om?", 3),
        ("Hvad skete der på de 0 seneste møder?", 1),
        ("Hvad skete der på de 99 seneste møder?", len(DAYS)),
    ],
)
def test_the_newest_meetings_are_counted(text: str, count: int) -> None:
    assert period(text) == (DAYS[-count], DAYS[-1])


def test_a_meeting_that_was_never_held_is_missing_and_one_to_come_is_not() -> None:
    assert period_of("Hvad skete der på mødet i marts 2017?", MEETINGS) == Period(
        date(2017, 3, 1), date(2017, 3, 31), missing=True
    )
    assert period_of("Hvornår skal udvalget holde møde i 2031?", MEETINGS) is None


def test_one_year_of_a_list_is_the_meetings() -> None:
    assert period("Hvilke sager blev udsat i 2024?", LISTING) == whole(2024)
    assert period("Hvilke sager handler om budgettet for 2024 og regnskabet for 2023?", LISTING) is None


def test_a_day_of_a_figure_is_no_meetings_day() -> None:
    assert days_of("Hvad var forbruget pr. 12. marts 2024?") == {}
    assert days_of("Hvad skete der på mødet den 12. marts 2024?") == {date(2024, 3, 12): True}
    assert only_month("Hvad blev sagt den 12. marts 2024?") is None
    assert only_month("Hvad kom der ud af det i marts 2024?") == date(2024, 3, 1)


@given(st.text(max_size=80), st.sampled_from(list(QuestionKind)))
def test_no_text_breaks_it_and_a_period_is_one(text: str, kind: QuestionKind) -> None:
    found = period_of(f"på mødet i marts 2024 {text}", MEETINGS, kind, today=TODAY)
    if found and found.first and found.last:
        assert found.first <= found.last


# -- answers


@pytest.mark.parametrize(
    ("question", "source", "items"),
    [
        ("Hvad blev besluttet på det seneste møde i Bakkerup?", "bakkerup-biu-2025-04.txt", 8),
        ("Hvad skete der på mødet den 12. marts 2024?", "fjordlev-amu-2024-03.txt", 7),
        ("What was decided at the latest meeting in Bakkerup?", "bakkerup-biu-2025-04.txt", 8),
    ],
)
def test_what_came_of_a_meeting_is_all_its_decisions(library: Library, question: str, source: str, items: int) -> None:
    answer = ask(library, question)
    assert answer.tier is Tier.ANSWER
    assert {c.source for c in answer.citations} == {source}
    assert answer.text.count("\n- ") == items


def test_a_list_of_decisions_leaves_out_who_was_away(library: Library) -> None:
    answer = ask(library, "Hvad blev besluttet på det seneste møde i Fjordlev?")
    assert "Udsat til" in answer.text
    assert "Fraværende" not in answer.text
    assert "stedfortræder" not in answer.text


def test_a_subject_that_is_named_is_answered_on(library: Library) -> None:
    answer = ask(library, "Hvad blev besluttet om jobrotation på det seneste møde i Bakkerup?")
    assert {(c.source, c.item) for c in answer.citations} == {("bakkerup-biu-2025-04.txt", "6")}


def test_what_was_decided_since_a_year_need_not_name_it(library: Library) -> None:
    answer = ask(library, "Hvad har udvalget i Fjordlev besluttet om unge siden 2024?")
    assert answer.tier is Tier.ANSWER
    assert {("fjordlev-amu-2025-09.md", "4"), ("fjordlev-amu-udateret.txt", "5")} <= {
        (c.source, c.item) for c in answer.citations
    }


def test_a_meeting_whose_day_is_told_comes_before_one_that_may_be_meant(library: Library) -> None:
    text = ask(library, "What happened at the meeting in Fjordlev in September 2025?").text
    assert text.index("16.09.2025") < text.index("item 1: Arbejdsmarkedet lige nu")


def test_a_chair_that_nobody_noted_is_not_stated(library: Library) -> None:
    assert ask(library, "Hvem er udvalgets formand i Bakkerup?").abstained
