"""Every decision in one table: shown in its own words, sorted, filtered and taken along as files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers_index import Keywords, built, index_settings, parsed
from openpyxl import load_workbook
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient
from test_cli import TRACE, run

from askamu import decisions, spreadsheet, texts
from askamu.cite import plain
from askamu.compose.draft import whole_words
from askamu.decisions import CLOSED, DecisionFilters, DecisionRow, alphabetical, labels, rows_of
from askamu.errors import UnknownFilter
from askamu.filters import read_filters
from askamu.library import Library, open_library
from askamu.load import Source
from askamu.minutes import Minutes, Outcome, Span
from askamu.parse import parse
from askamu.record import Record
from askamu.spreadsheet import Column, Link, as_csv, as_xlsx, harmless
from askamu.ui import server
from askamu.ui.decisions import PAGE

NOT_FINAL = texts.text("outcome.recommended", "da")
ATTACKS = ("=HYPERLINK(\"http://evil.example\")", "+45+1", "-2+3", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠SUM(A1)")  # fmt: skip
SECRET = "Formanden Harald Hemmelig ansættes"


def hostile(n: int, title: str) -> str:
    return f"Punkt {n}: {title}\n\nSagsnr.: 15.00.15-P16-{n}-24\n\nSagsfremstilling\nOm sagen.\n\nBeslutning\n{title} godkendes; <b>se</b>.\n"


HOSTILE = (
    "Referat\nKulturudvalget\nHvalby Kommune\n\nMødedato: 05-03-2024\n\n"
    + "\n".join(hostile(n, title) for n, title in enumerate(ATTACKS, start=1))
    + f"\nPunkt 9: Lukket: Direktørstilling\n\nSagsnr.: 81.00.15-A01-1-24\n\nSagsfremstilling\n{SECRET}.\n\nBeslutning\n{SECRET} fra maj.\n"
)
COUNCIL = """Referat
Byrådet
Hvalby Kommune

Mødedato: 25-03-2024

Punkt 1: Handleplan for havnen

Indstilling
Økonomiudvalget indstiller, at handleplanen sendes til Byrådet med anbefaling om godkendelse.

Beslutning
Byrådet godkendte Økonomiudvalgets indstilling.
"""


def read_text(name: str, text: str) -> Minutes:
    return replace(parse(Source(f"{name}.txt", Path(f"{name}.txt"), text, "")), id=name)


@pytest.fixture(scope="module")
def hvalby(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Hostile minutes, a council's, and enough plain ones for two pages."""
    folder = tmp_path_factory.mktemp("hvalby") / "index"
    plain_ones = [parsed(f"m{n}", date(2023, 1, n), *["småjob", "budget", "praktik"] * 2) for n in range(1, 11)]
    built(folder, Keywords(), read_text("hostile", HOSTILE), read_text("council", COUNCIL), *plain_ones)
    return open_library(index_settings(folder))


@pytest.fixture
def client(library: Library) -> TestClient:
    return TestClient(server.create_app(library.settings), client=("10.9.0.1", 1), raise_server_exceptions=False)


@pytest.fixture
def hostile_client(hvalby: Library) -> TestClient:
    return TestClient(server.create_app(hvalby.settings), client=("10.9.0.2", 1), raise_server_exceptions=False)


def html(client: TestClient, address: str, status: int = 200) -> LexborHTMLParser:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return LexborHTMLParser(answer.text)


def the_row(library: Library, words: str) -> DecisionRow:
    found = [r for r in library.decisions.rows if words in r.title]
    assert len(found) == 1, [r.title for r in found]
    return found[0]


# -- rows --------------------------------------------------------------------------------------


def test_every_quote_is_the_stored_text_from_its_start_to_its_end(library: Library) -> None:
    quotes = [(r.document, q) for r in library.decisions.rows for q in (r.quote, *r.adopted) if q]
    assert len(quotes) > 60
    for document, quote in quotes:
        assert quote.text == library.minutes(document).text[quote.start : quote.end]
        assert quote.text
    for row in library.decisions.rows:
        decision = library.minutes(row.document).items[row.item_index].decision
        assert row.closed or (decision and row.quote and row.quote.start == decision.start)


def test_every_open_item_with_a_decision_is_there_once(library: Library) -> None:
    expected = {
        (m.id, n)
        for m in library.meetings
        for n, item in enumerate(library.minutes(m.id).items)
        if item.decision or item.closed
    }
    places = [(r.document, r.item_index) for r in library.decisions.rows]
    assert set(places) == expected
    assert len(places) == len(expected)


def test_a_recommendation_never_looks_like_a_decision(library: Library) -> None:
    rows = [r for r in library.decisions.rows if r.recommended]
    assert rows
    for row in rows:
        assert row.final is False
        first, *others = labels(row, "da")
        assert first == NOT_FINAL
        assert all(other.startswith("en del: ") for other in others)
        assert texts.text("decisions.adopted", "da") != decisions.adopted_label(row, "da")
    partly = the_row(library, "Beskæftigelsesplan 2025")
    assert Outcome.APPROVED_WITH_CHANGE in partly.outcomes
    assert labels(partly, "da") == [NOT_FINAL, "en del: godkendt med ændring eller tilføjelse"]


def test_what_is_not_recommended_is_not_called_rejected(library: Library) -> None:
    row = replace(the_row(library, "Beskæftigelsesplan 2025"), outcomes=(Outcome.REJECTED, Outcome.RECOMMENDED))
    assert labels(row, "da") == [NOT_FINAL, "en del: hverken godkendt eller anbefalet"]


def test_a_council_that_adopts_a_recommendation_has_decided(hvalby: Library) -> None:
    row = the_row(hvalby, "Handleplan for havnen")
    assert row.final is True
    assert NOT_FINAL not in labels(row, "da")


def test_a_yes_to_hearing_of_a_matter_is_no_yes_to_the_matter(library: Library) -> None:
    rows = [r for r in library.decisions.rows if r.only_noted]
    assert rows
    for row in rows:
        assert labels(row, "da") == ["Godkendt: kun til efterretning eller drøftelse"]


def test_of_a_closed_item_there_is_heading_and_case_number_alone(hvalby: Library, hostile_client: TestClient) -> None:
    row = the_row(hvalby, "Direktørstilling")
    assert row.closed
    assert (row.case_number, row.outcomes, row.final, row.quote, row.adopted) == (
        "81.00.15-A01-1-24",
        (),
        None,
        None,
        (),
    )
    assert hvalby.decisions.select(DecisionFilters(words="Hemmelig")) == []
    assert [r.title for r in hvalby.decisions.select(DecisionFilters(words="direktørstillinger 81.00.15"))] == [
        "Direktørstilling"
    ]
    everything = [
        *(hostile_client.get(a).text for a in ("/beslutninger?q=stilling", "/api/decisions?outcome=closed")),
        decisions.as_csv(hvalby.decisions.rows, "da"),
        json.dumps([decisions.as_record(r, "da") for r in hvalby.decisions.rows]),
        *(str(c.value) for r in workbook(hvalby).active.iter_rows() for c in r),
    ]
    for shown in everything:
        assert "Hemmelig" not in shown
    opened = hostile_client.get(row.permalink)
    assert opened.status_code == 200
    assert "Hemmelig" not in opened.text


def test_an_undated_meeting_keeps_its_date_unknown(library: Library) -> None:
    rows = [r for r in library.decisions.rows if r.held_on is None]
    assert rows
    for row in rows:
        record = decisions.as_record(row, "da")
        assert record["date"] is None
        assert "dato ikke oplyst" in record["date_text"]
        assert decisions.cells(row, "da", "")[0] is None


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("Godkendt som indstillet.", 100, "Godkendt som indstillet."),
        ("Godkendt som indstillet.", 15, "Godkendt som"),
        ("Godkendt som indstillet.", 12, "Godkendt som"),
        ("Godkendt\nsom indstillet.", 11, "Godkendt"),
        ("Arbejdsmarkedsudvalget", 10, "Arbejdsmar"),  # no quote is empty
    ],
)
def test_words_are_not_cut_where_there_are_several(text: str, most: int, shown: str) -> None:
    assert whole_words(text, Span(0, len(text)), most).of(text) == shown


def test_what_is_cut_says_so() -> None:
    row = rows_of(read_text("x", HOSTILE.replace("godkendes;", "godkendes " + "og mere " * 400)))[0]
    assert row.quote
    assert not row.quote.whole
    assert row.quote.shown.endswith((" og …", " mere …"))


# -- filters and order -------------------------------------------------------------------------


def test_filters_leave_what_fits_all_of_them(library: Library) -> None:
    select = library.decisions.select
    everything = select()
    assert len(everything) == len(library.decisions.rows)
    rows = select(DecisionFilters(read_filters("Fjordlev", "Arbejdsmarkedsudvalget", "2024", "2024")))
    assert rows
    assert {(r.municipality, r.held_on.year if r.held_on else None) for r in rows} == {("Fjordlev", 2024)}
    for outcome in Outcome:
        rows = select(DecisionFilters(ending=outcome))
        assert rows == [r for r in everything if outcome in r.outcomes]
    assert all(r.closed for r in select(DecisionFilters(ending=CLOSED)))
    number = next(r.case_number for r in everything if r.case_number)
    rows = select(DecisionFilters(read_filters(case_number=f" {number.lower()} ")))
    assert rows
    assert {r.case_number for r in rows} == {number}
    assert select(DecisionFilters(read_filters(case_number=number[:-1]))) == []  # a part of a number is another case
    with pytest.raises(UnknownFilter):
        select(DecisionFilters(read_filters("Atlantis")))


def test_an_undated_meeting_of_that_year_is_found_and_on_a_day_it_is_not(library: Library) -> None:
    year = library.decisions.select(DecisionFilters(read_filters(since="2025", until="2025")))
    assert any(r.held_on is None for r in year)
    day = library.decisions.select(DecisionFilters(read_filters(since="2025-06-03", until="2025-06-03")))
    assert all(r.held_on for r in day)


def test_free_words_must_all_stand_there_in_any_form_or_compound(library: Library) -> None:
    def found(words: str) -> set[str]:
        return {r.title for r in library.decisions.select(DecisionFilters(words=words))}

    assert "Beskæftigelsesplan 2025" in found("beskæftigelsesplanen")
    assert "Beskæftigelsesplan 2025" in found("plan om handicap")  # a part of a compound; in the decision's words
    assert found("småjob budget") < found("budget")
    assert found("beskæftigelsesplan giraf") == set()
    assert found("?!") == set()
    assert found("i og om") < found("")


def test_sorts_by_each_column_and_back_with_the_unknown_last(library: Library, hvalby: Library) -> None:
    dates = [r.held_on for r in hvalby.decisions.select(sort="date")]
    assert dates == sorted(d for d in dates if d)
    assert [r.held_on for r in hvalby.decisions.select()] == sorted((d for d in dates if d), reverse=True)
    for sort in ("title", "-title"):
        titles = [alphabetical(r.title) for r in library.decisions.select(sort=sort) if r.title]  # type: ignore[arg-type]
        assert titles == sorted(titles, reverse=sort == "-title")
    for sort in ("outcome", "-outcome"):
        closed = [r.closed for r in library.decisions.select(sort=sort)]  # type: ignore[arg-type]
        assert closed == sorted(closed)
    items = [r.item_index for r in hvalby.decisions.select(DecisionFilters(read_filters(committee="Kulturudvalget")))]
    assert items == sorted(items)


def test_the_alphabet_is_danish() -> None:
    names = ["Ålborg", "Ærø", "»Anlæg«", "Ørsted", "Zoo", "1. behandling"]
    assert sorted(names, key=alphabetical) == ["1. behandling", "»Anlæg«", "Zoo", "Ærø", "Ørsted", "Ålborg"]


def test_is_read_once_for_a_generation(hvalby: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hvalby.decisions

    def never(self: Record, id: str) -> Minutes:
        raise AssertionError("read again")

    monkeypatch.setattr(Record, "document", never)
    assert hvalby.decisions is first
    assert hvalby.decisions.select(DecisionFilters(words="budget"))


# -- files -------------------------------------------------------------------------------------


def workbook(library: Library, rows: list[DecisionRow] | None = None) -> Any:
    shown = list(library.decisions.rows) if rows is None else rows
    return load_workbook(io.BytesIO(decisions.as_xlsx(shown, DecisionFilters(), "da", "https://referater.example")))


def test_csv_opens_in_danish_excel_and_has_every_row(library: Library) -> None:
    content = decisions.as_csv(library.decisions.rows, "da", "https://referater.example")
    assert content.startswith("\ufeffDato;")
    assert "\r\n" in content
    head, *lines = csv.reader(io.StringIO(content.removeprefix("\ufeff")), delimiter=";")
    assert len(lines) == len(library.decisions.rows)
    for line, row in zip(lines, library.decisions.rows, strict=True):
        told = dict(zip(head, line, strict=True))
        assert told["Dato"] == (row.held_on.isoformat() if row.held_on else "")
        assert told["Sagsnummer"] == (row.case_number or "")
        assert told["Henvisning"] == f"https://referater.example{row.permalink}"
        assert told["Endelig"] == {None: "", True: "ja", False: "nej"}[row.final]
        assert told["Beslutning (citat)"].removesuffix(" …") == (plain(row.quote.text) if row.quote else "")
        assert told["Udfald"].startswith(NOT_FINAL) == row.recommended


@pytest.mark.parametrize(
    "attack", [*ATTACKS, "\t=1", "\r=1", "\n=1", " =1", "\u200b=1", "\ufeff@x", "\x00=1", "\u00a0+1"]
)
def test_a_formula_stays_a_text(attack: str) -> None:
    assert harmless(attack).startswith("'")
    content = as_csv([Column("x", 9)], [[attack]])
    assert list(csv.reader(io.StringIO(content), delimiter=";"))[1][0].startswith("'")
    sheet = load_workbook(io.BytesIO(as_xlsx("x", [Column("x", 9)], [[attack]], ("om", [attack])))).active
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].quotePrefix  # also for who edits the cell
    assert str(sheet["A2"].value) == spreadsheet.one_line(attack)  # and the words are as they were


@pytest.mark.parametrize("text", ["Godkendt.", "1.-3. Godkendt", "»-5 %« er for lidt", "", 'a;b"c', "a=b"])
def test_other_texts_are_as_they_were(text: str) -> None:
    assert harmless(text) == text
    content = as_csv([Column("x", 9), Column("y", 9)], [[text, "z"]])
    assert list(csv.reader(io.StringIO(content), delimiter=";"))[1] == [text, "z"]


def test_no_cell_of_hostile_minutes_is_a_formula(hvalby: Library) -> None:
    lines = list(csv.reader(io.StringIO(decisions.as_csv(hvalby.decisions.rows, "da")), delimiter=";"))
    assert sum(cell.startswith("'") for line in lines for cell in line) > len(ATTACKS)
    assert not any(cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and cell for line in lines for cell in line)
    types = {cell.data_type for sheet in workbook(hvalby) for row in sheet.iter_rows() for cell in row}
    assert "f" not in types


def test_excel_has_real_dates_a_frozen_head_filters_and_links(library: Library) -> None:
    rows = list(library.decisions.rows)
    book = workbook(library)
    sheet = book.active
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:M{len(rows) + 1}"
    assert sheet.column_dimensions["F"].width > sheet.column_dimensions["A"].width
    for line, row in zip(sheet.iter_rows(min_row=2), rows, strict=True):
        held = line[0].value
        assert (held.date() if isinstance(held, datetime) else held) == row.held_on
        assert line[11].hyperlink.target == f"https://referater.example{row.permalink}"
        assert line[6].value == row.case_number
    assert book.worksheets[1].title == "Om udtrækket"


def test_excel_takes_what_it_has_no_room_for() -> None:
    old, long = date(1887, 3, 1), "ord " * 20_000
    sheet = load_workbook(
        io.BytesIO(as_xlsx("x", [Column("x", 9)] * 3, [[old, long, Link("/kilde/1")]], ("om", [])))
    ).active
    assert [c.value for c in sheet[2]][::2] == ["1887-03-01", "/kilde/1"]
    assert len(sheet["B2"].value) <= 32_767


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_has_the_rows_of_the_page_and_a_name_that_says_so(client: TestClient, kind: str) -> None:
    asked = "municipality=Fjordlev&outcome=recommended&date_from=2024"
    answer = client.get(f"/beslutninger.{kind}?{asked}")
    assert answer.status_code == 200
    name = f"beslutninger-fjordlev-2024-01-01-ikke-endeligt-anbefalet-videre.{kind}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    total = client.get(f"/api/decisions?{asked}").json()["total"]
    if kind == "csv":
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
        links = [line[11] for line in lines[1:]]
    else:
        links = [line[11].value for line in load_workbook(io.BytesIO(answer.content)).active.iter_rows(min_row=2)]
    assert len(links) == total > 0
    for link in links:
        assert link.startswith("http://testserver/kilde/")
        assert client.get(link).status_code == 200


def test_a_file_name_is_ascii_whatever_is_asked(client: TestClient) -> None:
    answer = client.get("/beslutninger.csv", params={"q": 'æ"; \r\nx=1/../ø' + "å" * 150})
    assert answer.status_code == 200
    name = answer.headers["content-disposition"]
    assert name.isascii()
    assert name.count('"') == 2
    assert "/" not in name
    assert len(name) < 150


# -- page --------------------------------------------------------------------------------------


def test_the_page_shows_the_rows_and_each_opens_its_item(client: TestClient, library: Library) -> None:
    page = html(client, "/beslutninger")
    assert len(page.css("h1")) == 1
    rows = page.css("table.cards tbody tr")
    expected = library.decisions.select()[:PAGE]
    assert len(rows) == len(expected) == PAGE
    for shown, row in zip(rows, expected, strict=True):
        link = shown.css_first("td.what > a")
        assert link.text() == decisions.heading(row, "da")
        assert link.attributes["href"] == f"{row.permalink}#citat"
        assert [t.text() for t in shown.css(".tag")] == labels(row, "da")
        words = shown.css_first("td.words > q")
        if row.quote:
            said = " ".join(words.text(separator=" ").removesuffix("…").split())
            assert plain(row.quote.text).startswith(said.rstrip())
    for row in expected[::7]:
        opened = html(client, row.permalink)
        marked = opened.css_first("mark#citat")
        stored = library.minutes(row.document).text[row.span.start : row.span.end]
        assert " ".join(marked.text().split()) == " ".join(stored.split())


def test_the_form_works_without_scripts_and_keeps_what_was_asked(client: TestClient) -> None:
    page = html(client, "/beslutninger?q=budget&municipality=Fjordlev&outcome=approved&date_from=&lang=en&sort=title")
    assert not page.css("script:not([src])")
    form = page.css_first("main form")
    assert (form.attributes["method"], form.attributes["action"]) == ("get", "/beslutninger")
    for control in form.css("input:not([type=hidden]), select"):
        assert control.parent.tag == "label"
        assert control.parent.text(deep=False).strip()
    values = {i.attributes["name"]: i.attributes.get("value") for i in form.css("input")}
    chosen = {s.attributes["name"]: s.css_first("option[selected]") for s in form.css("select")}
    assert (values["q"], values["lang"]) == ("budget", "en")
    assert {k: v.attributes["value"] if v else None for k, v in chosen.items()} == {
        "municipality": "Fjordlev", "committee": None, "outcome": "approved", "sort": "title",
    }  # fmt: skip


def test_headings_sort_and_say_how_it_is_sorted(client: TestClient) -> None:
    def heads(address: str) -> dict[str, tuple[str | None, str | None]]:
        found = html(client, address).css("thead th")
        return {
            (th.css_first("a") or th).text(deep=False).strip(): (
                th.attributes.get("aria-sort"),
                a.attributes["href"] if (a := th.css_first("a")) else None,
            )
            for th in found
        }

    first = heads("/beslutninger?q=budget")
    assert first["Dato"] == ("descending", "/beslutninger?q=budget&sort=date")
    assert first["Sag"] == (None, "/beslutninger?q=budget&sort=title")
    assert first["Beslutningens ord"] == (None, None)
    then = heads("/beslutninger?q=budget&sort=title")
    assert then["Sag"] == ("ascending", "/beslutninger?q=budget&sort=-title")
    assert then["Dato"] == (None, "/beslutninger?q=budget")
    assert heads("/beslutninger?sort=-title")["Sag"][0] == "descending"


def test_pages_hold_every_row_once(client: TestClient, library: Library) -> None:
    links: list[str | None] = []
    address: str | None = "/beslutninger?sort=title"
    while address:
        page = html(client, address)
        links += [a.attributes["href"] for a in page.css("td.what > a")]
        following = page.css_first("nav.pages a[rel=next]")
        address = following.attributes["href"] if following else None
    assert links == [f"{r.permalink}#citat" for r in library.decisions.select(sort="title")]
    beyond = html(client, "/beslutninger?page=999")
    assert beyond.css_first("nav.pages [aria-current]").text().strip() == "Side 2"
    assert "viser 51–" in beyond.css_first("[role=status]").text()


def test_an_empty_result_says_what_was_searched_and_offers_to_lift_filters(client: TestClient) -> None:
    page = html(client, "/beslutninger?q=giraf&municipality=Fjordlev&outcome=approved")
    said = page.css_first("section.text").text()
    assert "Ingen beslutninger fundet" in said
    assert "5 møder" in said
    assert "ord: giraf" in said
    offers = {a.text(): a.attributes["href"] for a in page.css("section.text a")}
    (lifted,) = [t for t in offers if "uden »ord: giraf«" in t]  # without another one alone there is still nothing
    assert len(html(client, str(offers[lifted])).css("tbody tr")) == int(lifted.split(": ")[-1].split()[0])
    assert offers["Vis alle beslutninger"] == "/beslutninger"
    assert not page.css("table")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("date_from=hest", "»hest«"),
        ("date_from=2024&date_to=2023", "slutter, før"),
        ("committee=Atlantis", "ikke indlæst"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_form(client: TestClient, asked: str, said: str) -> None:
    page = html(client, f"/beslutninger?q=budget&{asked}", 422)
    assert said in page.css_first("[role=alert]").text()
    assert page.css_first("input[name=q]").attributes["value"] == "budget"
    assert client.get(f"/beslutninger.csv?{asked}").status_code == 422


def test_hostile_minutes_are_text_on_the_page(hostile_client: TestClient) -> None:
    answer = hostile_client.get("/beslutninger?committee=Kulturudvalget&q=<script>alert(1)</script>")
    assert "<script>" not in answer.text
    page = html(hostile_client, "/beslutninger?committee=Kulturudvalget")
    assert not page.css("td.words b")
    assert "<b>se</b>" in page.css_first("td.words").text()
    assert "unsafe-inline" not in hostile_client.get("/beslutninger").headers["content-security-policy"]


# -- API ---------------------------------------------------------------------------------------


def test_the_api_pages_through_the_same_rows(client: TestClient, library: Library) -> None:
    got = [client.get("/api/decisions", params={"limit": 30, "offset": n}).json() for n in (0, 30, 60, 90)]
    assert {part["total"] for part in got} == {len(library.decisions.rows)}
    records = [r for part in got for r in part["decisions"]]
    assert records == [decisions.as_record(r, "da") for r in library.decisions.rows]
    assert got[-1]["decisions"] == []


@pytest.mark.parametrize(
    "asked",
    ["outcome=maybe", "limit=0", "limit=501", "offset=-1", "kommune=Fjordlev", "sort=colour", "date_from=hest", "municipality=Atlantis", "lang=fr", f"q={'x' * 201}"],
)  # fmt: skip
def test_the_api_refuses_what_it_does_not_know(client: TestClient, asked: str) -> None:
    answer = client.get(f"/api/decisions?{asked}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_the_api_describes_itself(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    route = described["paths"]["/api/decisions"]["get"]
    assert {"municipality", "outcome", "limit", "offset"} <= {p["name"] for p in route["parameters"]}
    assert "application/problem+json" in route["responses"]["422"]["content"]
    listed = described["components"]["schemas"]["DecisionList"]
    assert listed["examples"][0]["decisions"][0]["final"] is False
    assert "/beslutninger" not in described["paths"]


# -- terminal ----------------------------------------------------------------------------------


def test_the_terminal_shows_writes_and_says_when_there_is_nothing(seed_index: Path, tmp_path: Path) -> None:
    done = run("decisions", "--index", seed_index, "--outcome", "recommended", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Ikke endeligt:" in done.stdout
    assert "Arbejdsmarkedsudvalget" in done.stdout

    files = ("--csv", tmp_path / "d.csv", "--xlsx", tmp_path / "d.xlsx")
    done = run("decisions", "--index", seed_index, "--municipality", "Fjordlev", "--sort", "title", *files, "--json")
    records = json.loads(done.stdout)
    titles = [alphabetical(r["title"]) for r in records if r["title"]]
    assert titles == sorted(titles)
    with (tmp_path / "d.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [line[5] for line in csv.reader(file, delimiter=";")][1:] == [r["title"] for r in records]
    assert load_workbook(tmp_path / "d.xlsx").active.max_row == len(records) + 1

    done = run("decisions", "giraf", "--index", seed_index)
    assert (done.returncode, done.stdout) == (0, "")
    assert "9 møder" in done.stderr
    for wrong in (("--committee", "X"), ("--outcome", "X"), ("--sort", "X"), ("--closed", "--outcome", "approved")):
        done = run("decisions", "--index", seed_index, *wrong)
        assert done.returncode == 2
        assert TRACE not in done.stderr
