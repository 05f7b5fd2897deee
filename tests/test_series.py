"""Figures of the same thing over time: only what is printed with label, unit and time, and no plan among accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from conftest import all_files, read
from hypothesis import given, settings
from hypothesis import strategies as st

from askamu.load import Source
from askamu.minutes import Minutes
from askamu.parse import parse
from askamu.series import Figure, Series, Time, When, as_number, read_figures, read_time, read_when, series_of


def minutes_of(account: str, day: str = "05-03-2024", title: str = "Status", town: str = "Holstebro") -> Minutes:
    said = (
        f"Referat\nArbejdsmarkedsudvalget\n{town} Kommune\n\nMødedato: {day}\nMødested: Rådhuset\n\n"
        f"Punkt 1: {title}\n\nSagsnr.: 15.00.15-P16-1-24\n\nSagsfremstilling\n{account}\n\n"
        "Indstilling\nDet indstilles, at I 2021 var der 999 borgere i småjob.\n\nBeslutning\nTaget til efterretning.\n"
    )
    return replace(parse(Source("x.txt", Path("x.txt"), said, "")), id=f"{day} {account}")


def figures(account: str, **of: str) -> list[tuple[str, str, str]]:
    """(label, time, value) of an account."""
    return [(f.label, f.when.iso, f.printed) for f in read_figures(minutes_of(account, **of), 0)]


def series(*accounts: str, **of: str) -> list[Series]:
    return series_of(f for a in accounts for f in read_figures(minutes_of(a, **of), 0))


TABLE = "Fuldtidspersoner\t2020\t2021\t2022\nSygedagpenge\t612\t598\t641\nFleksjob\t1.012\t1.030\t1.055\n"


@pytest.mark.parametrize(
    ("account", "stated"),
    [
        ("Pr. 31. december 2023 var der 19 borgere i småjob.", [("borgere i småjob", "2023-12-31", "19")]),
        (
            "Pr. 31. oktober 2023 var 27 borgere ansat i småjob mod 19 ved udgangen af 2022.",
            [("borgere ansat i småjob", "2023-10-31", "27"), ("borgere ansat i småjob", "2022-12-31", "19")],
        ),
        (
            "Det fremgår, at der i juli 2019 var 540 modtagere af sygedagpenge i Holstebro, hvor der i juli 2022 var 624.",
            [
                ("modtagere af sygedagpenge i Holstebro", "2019-07", "540"),
                ("modtagere af sygedagpenge i Holstebro", "2022-07", "624"),
            ],
        ),
        ("I 2022 var der 1.234 sager om småjob, heraf 12 nye.", [("sager om småjob", "2022", "1.234")]),
        (
            "Antallet af unge i småjob er steget fra 16,6 % i 2021 til 18,9 % i 2022.",
            [("Antallet af unge i småjob", "2021", "16,6"), ("Antallet af unge i småjob", "2022", "18,9")],
        ),
    ],
)
def test_reads_what_a_sentence_states(account: str, stated: list[tuple[str, str, str]]) -> None:
    assert figures(account) == stated


@pytest.mark.parametrize(
    "account",
    [
        "I 2022 forventes der 45 borgere i småjob.",
        "I budget 2022 var der 45 borgere i småjob.",
        "I 2022 var der på landsplan 4.500 borgere i småjob.",
        "I 2022 var der 45 borgere i småjob i Solrød Kommune.",
        "I 2022 var der ca. 45 borgere i småjob.",
        "I 2024 var der 45 borgere i småjob.",  # the year was not over
        "Pr. 31. december 2025 er der 45 borgere i småjob.",
        "Pr. 31. februar 2022 var der 45 borgere i småjob.",
        "I 2022-2023 var der 45 borgere i småjob.",
        "I 1. kvartal 2022 var der 45 borgere i småjob.",
        "Fra januar til marts 2022 var der 45 borgere i småjob.",
        "Der var 45 borgere i småjob.",
        "Målet er, at der i 2022 var 45 borgere i småjob.",
    ],
)
def test_what_is_planned_elsewhere_rough_or_not_over_is_no_figure(account: str) -> None:
    assert figures(account) == []


def test_reads_tables_with_a_year_over_each_column() -> None:
    assert figures(TABLE) == [
        ("Fuldtidspersoner · Sygedagpenge", "2020", "612"), ("Fuldtidspersoner · Sygedagpenge", "2021", "598"),
        ("Fuldtidspersoner · Sygedagpenge", "2022", "641"), ("Fuldtidspersoner · Fleksjob", "2020", "1.012"),
        ("Fuldtidspersoner · Fleksjob", "2021", "1.030"), ("Fuldtidspersoner · Fleksjob", "2022", "1.055"),
    ]  # fmt: skip
    assert [s.label for s in series(TABLE)] == ["Fuldtidspersoner · Fleksjob", "Fuldtidspersoner · Sygedagpenge"]


@pytest.mark.parametrize("gap", ["\t", "   "])
def test_a_table_is_read_however_its_cells_are_parted(gap: str) -> None:
    assert len(figures(TABLE.replace("\t", gap))) == 6


def test_reads_tables_with_a_year_before_each_row() -> None:
    table = "År\tAntal børn\tBeløb (kr.)\n2020\t86\t127.000\n2021\t108\t162.000\n2022\t149\t332.000\n"
    assert {(s.label, s.unit_kind) for s in series(table)} == {("Antal børn", "count"), ("Beløb (kr.)", "kr")}


@pytest.mark.parametrize(
    "table",
    [
        "Budget, antal\t2020\t2021\t2022\nSygedagpenge\t612\t598\t641\n",
        "Antal\t2022\t2023\t2024\nSygedagpenge\t612\t598\t641\n",  # runs into what was to come
        "Område\t2020\t2021\t2022\nDriftssum\t6,12\t5,98\t6,41\n",  # no unit
        "Område\t2020\t2021\t2022\nBørn\t46 %\t66 %\t61 %\n",  # a share of what?
        "Antal\t2020\t2021\t2022\nSygedagpenge\t612\t598\n",  # a cell is missing: which one?
        "Antal\t2020\t2021\t2022\nI alt\t1\t2\t3\nI alt\t4\t5\t6\n",  # one label, two things
        "Fuldtidspersoner, hele landet\t2020\t2021\t2022\nSygedagpenge\t612\t598\t641\n",
        "Antal\t2021-22\t2022-23\t2023-24\nSygedagpenge\t612\t598\t641\n",
    ],
)
def test_a_doubtful_table_makes_no_series(table: str) -> None:
    assert series(table) == []


def test_budget_and_accounts_are_never_in_one_series() -> None:
    both = (
        "Mio. kr.\tRegnskab 2020\tRegnskab 2021\tRegnskab 2022\tBudget 2021\tBudget 2022\tBudget 2023\n"
        "Fleksjob\t10,1\t11,2\t12,3\t20,1\t21,2\t22,3\n"
    )
    (only,) = series(both)
    assert [p.figure.printed for p in only.points] == ["10,1", "11,2", "12,3"]
    assert only.unit_kind == "million_kr"


def test_shares_and_counts_years_and_moments_are_never_in_one_series() -> None:
    assert (
        series(
            "I 2020 var der 40 borgere i småjob.",
            "I 2021 var der 41 borgere i småjob.",
            "Ved udgangen af 2022 var der 42 borgere i småjob.",
            "Pr. 1. marts 2023 var der 43 borgere i småjob.",
            "I 2022 var der 12 % borgere i småjob.",
        )
        == []
    )


def test_three_times_make_a_series_and_conflicting_figures_are_both_shown() -> None:
    said = [f"I {year} var der {n} borgere i småjob." for year, n in ((2020, 40), (2021, 45))]
    assert series(*said) == []
    (found,) = series(*said, "I 2022 var der 50 borgere i småjob.")
    assert found.conflicts == frozenset()
    other = read_figures(minutes_of("I 2021 var der 46 borgere ansat i småjob.", "06-03-2024"), 0)
    (found,) = series_of([*(f for p in found.points for f in p.figures), *other])
    assert [(p.when.year, p.value) for p in found.points] == [(2020, 40), (2021, 45), (2021, 46), (2022, 50)]
    assert found.conflicts == {When(2021)}


def test_a_closed_item_or_an_unknown_municipality_gives_no_figures() -> None:
    minutes = minutes_of("I 2022 var der 45 borgere i småjob.")
    assert read_figures(minutes, 0)
    assert read_figures(replace(minutes, municipality=None), 0) == []
    assert read_figures(replace(minutes, items=(replace(minutes.items[0], closed=True),)), 0) == []


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("i 2023", (Time.YEAR, When(2023))), ("ved udgangen af 2023", (Time.MOMENT, When(2023, 12, 31))),
        ("primo 2023", (Time.MOMENT, When(2023, 1, 1))), ("marts 2022", (Time.MOMENT, When(2022, 3))),
        ("pr. 31.03.2025", (Time.MOMENT, When(2025, 3, 31))), ("pr. 1. marts 2023", (Time.MOMENT, When(2023, 3, 1))),
        ("pr. 2023", None), ("i 31.02.2023", None), ("i 13/2023", None), ("2023/24", None), ("i 1923,5", None),
    ],
)  # fmt: skip
def test_reads_times(words: str, time: tuple[Time, When] | None) -> None:
    assert read_when(words) == time


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_heading_breaks_the_reading_of_times(words: str) -> None:
    found = read_time(words)
    if found:
        assert str(found[1].year) in words
        assert found[1].first <= found[1].last


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


@settings(deadline=None)
@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=8))
def test_whatever_stands_in_an_account_every_figure_is_where_it_says(rows: list[list[str]]) -> None:
    minutes = minutes_of("Antal\t2020\t2021\t2022\n" + "\n".join("\t".join(r) for r in rows))
    for n in range(len(minutes.items)):
        for f in read_figures(minutes, n):
            check(minutes, f)


def check(minutes: Minutes, figure: Figure) -> None:
    """Everything that makes a figure one is printed where its spans say."""
    text = minutes.text
    assert figure.value_span.of(text) == figure.printed
    assert as_number(figure.printed) == figure.value
    assert str(figure.when.year) in figure.when_span.of(text)
    assert figure.quote.start <= figure.value_span.start
    assert figure.value_span.end <= figure.quote.end
    item = minutes.items[figure.item_index]
    assert item.start <= figure.quote.start
    assert figure.quote.end <= item.end
    assert figure.label
    bound = minutes.held_on or minutes.date.latest
    assert bound
    assert figure.when.first <= bound


def every() -> Iterator[tuple[Minutes, Figure]]:
    for path in all_files():
        minutes = read(path)
        for n in range(len(minutes.items)):
            for figure in read_figures(minutes, n):
                yield minutes, figure


def test_every_figure_of_every_document_is_printed_where_it_says() -> None:
    found = list(every())
    assert len(found) > 10
    for minutes, figure in found:
        check(minutes, figure)


def test_the_small_jobs_of_fjordlev_are_a_series_told_by_three_meetings() -> None:
    seeds = sorted((m for m, _ in {m.id: (m, 0) for m, _ in every()}.values()), key=lambda m: m.held_on or date.max)
    own = [f for m in seeds if m.municipality == "Fjordlev" for n in range(len(m.items)) for f in read_figures(m, n)]
    found = next(s for s in series_of(own) if "småjob" in s.label)
    assert [(p.when.iso, p.figure.printed) for p in found.points] == [
        ("2023-12-31", "19"), ("2024-10-31", "27"), ("2025-03-31", "34"),
    ]  # fmt: skip
    assert len(found.points[0].figures) > 1  # a later meeting states it again


@pytest.mark.shared
def test_greve_gives_few_series_and_each_point_is_printed(shared: Path) -> None:
    files = [f for f in sorted((shared / "real" / "greve").glob("*.json")) if f.name[:4] in ("sou-", "beu-", "shu-")]
    found: list[Figure] = []
    for file in files:
        minutes = read(file)
        for n in range(len(minutes.items)):
            for figure in read_figures(minutes, n):
                check(minutes, figure)
                found.append(figure)
    labels = [s.label for s in series_of(found)]
    assert any("venteliste til ældrebolig" in label for label in labels)
    assert not any("budget" in label.casefold() for label in labels)
    assert not any("hele landet" in label.casefold() for label in labels)
