"""/sager and /emner: a case and a topic followed over time, drawn and in words, and their API."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_cli import TRACE, run
from test_threads import step

from askamu.cite import plain
from askamu.config import Settings
from askamu.ingest import ingest
from askamu.library import Library
from askamu.minutes import Outcome, SectionKind, Span
from askamu.passage import Filters
from askamu.series import as_number
from askamu.topics import Mention, follow, said_by
from askamu.ui import server
from askamu.ui.cases import FORMS, cut, form_of
from askamu.ui.timeline import Event, as_danish, scale_of, timeline

SMALL_JOBS = "15.20.00-P20-3-23"
HOSTILE = '</title></svg><script>alert(1)</script> & "<b>" ]]> {{ 7*7 }}'
addresses = (f"10.9.{n // 250}.{n % 250}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def app(seed_index: Path):  # type: ignore[no-untyped-def]
    return server.create_app(Settings(index=seed_index))


@pytest.fixture
def client(app) -> TestClient:  # type: ignore[no-untyped-def]
    return TestClient(app, client=(next(addresses), 1), raise_server_exceptions=False)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def drawings(html: str) -> list[ElementTree.Element]:
    """The drawings of a page, which must be well-formed by themselves."""
    return [
        ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="drawing".*?</svg>(?=\s*</?fig)', html, re.S)
    ]


def quotes(html: str) -> list[tuple[str, str, int, int]]:
    """Each quote that has its link behind it: words, document, start, end."""
    found = re.findall(r'<q>([^<]*)</q> <a href="/kilde/([^/]+)/[^?]+\?fra=(\d+)&amp;til=(\d+)', html)
    return [(unescape(said), document, int(start), int(end)) for said, document, start, end in found]


def check_quotes(html: str, library: Library) -> int:
    """Every quote is what the stored text has there, cut at the end of a word where it ends in …"""
    found = quotes(html)
    for said, document, start, end in found:
        stored = plain(library.minutes(document).text[start:end])
        whole = said.removesuffix(" …")
        assert stored == said or (stored.startswith(whole) and not stored[len(whole)].isalnum()), said
    return len(found)


def test_a_case_is_told_step_by_step_in_its_minutes_words(client: TestClient, library: Library) -> None:
    page = client.get(f"/sager/{SMALL_JOBS}")
    assert page.status_code == 200
    said = words(page.text)
    assert page.text.count("<h1>") == 1
    assert said.index("7. marts 2023") < said.index("12. marts 2024") < said.index("19. november 2024")
    assert "mellem 03.06.2025 og 31.12.2025 (dato ikke oplyst)" in said
    assert "Mødets dato er ikke oplyst, så pladsen i rækkefølgen er ikke sikker." in said
    assert "Sat her, fordi overskriften ligner; sagsnummeret siger det ikke." in said
    assert (
        "Dermed blev indstillingen tiltrådt: »at forsøgsordningen" in said or "at forsøgsordningen med småjob" in said
    )
    assert check_quotes(page.text, library) >= 4
    assert "Case number" in words(client.get(f"/sager/{SMALL_JOBS}?lang=en").text)


def test_a_drawing_says_by_form_and_by_word_what_became_of_each_step(client: TestClient) -> None:
    (drawn,) = drawings(client.get(f"/sager/{SMALL_JOBS}").text)
    assert drawn.get("role") == "group"  # with links in it, which an image can not have
    name, told = drawn[0], drawn[1]
    assert (name.tag, told.tag) == ("title", "desc")
    assert drawn.get("aria-labelledby") == f"{name.get('id')} {told.get('id')}"
    labels = ["".join(t.itertext()) for t in drawn.iter("text")]
    assert {"1 godkendt", "2 til efterretning", "3 godkendt"} < set(labels)
    assert "4 godkendt, 03.06.2025–31.12.2025" in labels  # beside, with a bar over what is possible
    assert "Dato ikke oplyst (muligt tidsrum)" in labels
    assert [r.get("class") for r in drawn.iter("rect")].count("span") == 1
    assert all(a.get("href", "").startswith("/kilde/") for a in drawn.iter("a"))


def test_a_recommendation_is_never_told_as_a_decision(client: TestClient) -> None:
    number = "00.32.00-S55-2-24"  # Årsregnskab 2023: »Anbefales over for Økonomiudvalget og Kommunalbestyrelsen.«
    said = words(client.get(f"/sager/{number}").text)
    assert "Ikke endeligt: anbefalet videre" in said
    assert "Udvalget anbefalede, og det er ikke endeligt: Anbefales over for" in said
    assert "Beslutningen lyder" not in said
    assert "Dermed blev" not in said
    assert "besluttet her" not in said


def test_what_was_changed_is_not_told_as_adopted(client: TestClient) -> None:
    """»Godkendt med den ændring, at målet er 30 småjob«, where 25 were recommended."""
    html = client.get("/sager?q=småjob+bakkerup").text
    path = next(p for p in re.findall(r'<a href="(/sager/[^"]+)"><b>', html))
    said = words(client.get(path).text)
    assert "målet er 30 småjob" in said
    before = said[: said.index("Målet for udgangen af 2025 er 25 småjob.")]
    assert before.rindex("Indstillingen var:") > before.rindex("Beslutningen lyder:")


def test_each_outcome_has_a_form_and_a_mix_says_so() -> None:
    assert set(FORMS) == set(Outcome)
    at = step("2023-01-01", "Sag")
    assert form_of(replace(at, outcomes=())) == "undecided"
    assert form_of(replace(at, closed=True)) == "closed"
    assert form_of(replace(at, outcomes=(Outcome.APPROVED, Outcome.RECOMMENDED))) == "recommended"
    assert form_of(replace(at, outcomes=(Outcome.NOTED, Outcome.APPROVED))) == "decided"
    assert form_of(replace(at, outcomes=(Outcome.APPROVED, Outcome.REJECTED))) == "mixed"
    assert form_of(replace(at, outcomes=(Outcome.NOTED, Outcome.REJECTED))) == "mixed"
    assert form_of(replace(at, outcomes=(Outcome.DISCUSSED, Outcome.NOTED))) == "discussed"
    assert form_of(replace(at, outcomes=(Outcome.RECOMMENDED,), committee="Byrådet")) == "other"


def test_closed_items_show_their_public_heading_and_nothing_more(client: TestClient, library: Library) -> None:
    closed = [s for s in library.cases.items if s.closed]
    assert closed
    for one in closed:
        path = f"/sager/punkt/{one.document}/{one.name}"
        html = client.get(path).text
        assert "Punktet er lukket." in words(html), path
        assert "<q>" not in html
    record = library.cases.of_item(closed[0].document, closed[0].item_index)
    assert record
    assert all(s.outcomes == () and s.final is None for s in record.steps if s.closed)


@pytest.mark.parametrize("path", ["/sager/99.99.99-P00-1-99", "/sager/punkt/nope/1", "/sager/..%2f..%2fetc%2fpasswd"])
def test_what_is_not_there_is_said_on_a_page(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>Ikke fundet</h1>" in page.text


def test_an_item_without_a_number_has_an_address(client: TestClient, library: Library) -> None:
    for one in library.cases.items:
        thread = library.cases.of_item(one.document, one.item_index)
        assert thread
        assert (one.document, one.item_index) in {(s.document, s.item_index) for s in thread.steps}
    alone = next(s for s in library.cases.items if not s.closed and s.number)
    assert client.get(f"/sager/punkt/{alone.document}/{alone.name}").status_code == 200
    assert client.get(f"/sager/punkt/{alone.document}/9999").status_code == 404


def test_cases_are_listed_newest_first_and_found_by_number_words_and_filters(client: TestClient) -> None:
    html = client.get("/sager").text
    assert 'aria-current="page"' in html
    assert f"{html.count('<b>')} sager." in words(html)
    found = client.get("/sager", params={"q": "p20-3-23"}).text
    assert SMALL_JOBS in found
    assert "1 sag." in words(found)
    assert "Ingen sager passer" in words(client.get("/sager", params={"q": "isbjerg"}).text)
    only = words(client.get("/sager", params={"municipality": "Bakkerup"}).text)
    assert "Fjordlev ·" not in only
    more = client.get("/sager", params={"alle": "1", "side": "2"}).text
    assert 'rel="prev"' in more
    assert client.get("/sager", params={"side": "9999"}).status_code == 200
    assert client.get("/sager?side=x").status_code == 422


def test_a_topic_is_followed_in_quotes_and_figures(client: TestClient, library: Library) -> None:
    html = client.get("/emner", params={"q": "småjob"}).text
    said = words(html)
    assert "<h1>Småjob gennem årene</h1>" in html
    assert check_quotes(html, library) >= 6
    assert "borgere ansat i småjob" in said
    for value in ("19", "27", "34"):
        assert re.search(rf'<td class="number"[^>]*><a href="/kilde/[^"]+">{value}</a>', html), value
    chart = drawings(html)[-1]
    assert [c.get("class") for c in chart.iter("circle") if c.get("class") != "reach"] == ["full"] * 3
    assert {"19", "27", "34", "0"} <= {"".join(t.itertext()) for t in chart.iter("text")}
    assert "Budgetopfølgning" not in said[: said.index("Også nævnt i")]  # it only names them


@pytest.mark.parametrize(
    ("kind", "outcome", "key"),
    [
        (SectionKind.RECOMMENDATION, Outcome.APPROVED, "answer.from_recommendation"),
        (SectionKind.DECISION, Outcome.APPROVED, "cases.decision_words"),
        (SectionKind.DECISION, Outcome.POSTPONED, "cases.decision_words"),
        (SectionKind.DECISION, Outcome.RECOMMENDED, "cases.recommended_words"),
        (SectionKind.HISTORY, Outcome.APPROVED, "topics.earlier"),
        (SectionKind.CASE, Outcome.APPROVED, "topics.says"),
    ],
)
def test_a_topics_quote_says_whose_words_it_is(kind: SectionKind, outcome: Outcome, key: str) -> None:
    at = replace(step("2023-01-01", "Sag"), outcomes=(outcome,))
    assert said_by(Mention(at, kind, Span(0, 1), about=True)) == key


def test_every_value_of_a_series_leads_to_its_passage(client: TestClient) -> None:
    html = client.get("/emner", params={"q": "småjob"}).text
    rows = re.findall(r'<td class="number"[^>]*><a href="([^"]+)">([^<]+)</a>', html)
    for href, value in rows:
        marked = re.search(r'<mark id="citat">(.*?)</mark>', client.get(unescape(href)).text, re.S)
        assert marked
        assert value in words(marked[1])


def test_a_topic_that_nobody_treated_says_so(client: TestClient) -> None:
    said = words(client.get("/emner", params={"q": "rumraketter"}).text)
    assert "Ingen punkter handler om emnet. Søgt i 9 møder." in said
    assert client.get("/emner").status_code == 200
    assert client.get("/emner", params={"q": "x" * 5000}).status_code == 422
    assert client.get("/emner", params={"q": "småjob", "municipality": "Atlantis"}).status_code == 422
    assert client.get("/emner", params={"q": "småjob", "fra": "i går"}).status_code == 422


def test_a_filter_limits_a_topic(library: Library) -> None:
    every = follow(library, "småjob")
    assert {m.step.municipality for m in every.items} == {"Fjordlev", "Bakkerup"}
    only = follow(library, "småjob", Filters(municipality="Bakkerup"))
    assert {m.step.municipality for m in only.items} == {"Bakkerup"}
    assert not [s for s in only.series if s.municipality != "Bakkerup"]


# -- hostile words ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = tmp_path_factory.mktemp("hostile")
    for day, n in (("05-03-2021", 11), ("05-03-2022", 12), ("05-03-2023", 13), ("06-03-2023", 14)):
        (folder / f"m{n}.txt").write_text(
            f"Referat\nUdvalget\nHolstebro Kommune\n\nMødedato: {day}\nMødested: Rådhuset\n\n"
            f"Punkt 1: Tivoli {HOSTILE}\n\nSagsnr.: 15.00.15-P16-1-22\n\nSagsfremstilling\n"
            f"Pr. 1. marts {day[-4:]} var der {n} gæster i tivoli <img src=x onerror=alert(1)>.\n\n"
            "Indstilling\nDet indstilles, at tivoli <b>godkendes</b>.\n\n"
            "Beslutning\nGodkendt <script>alert(2)</script> som indstillet.\n",
            encoding="utf-8",
        )
    index = folder / "index"
    assert not ingest([folder], Settings(index=index, embedder="keywords")).failed
    return TestClient(server.create_app(Settings(index=index, embedder="keywords")), client=(next(addresses), 1))


@pytest.mark.parametrize(
    "path", ["/sager", "/sager/15.00.15-P16-1-22", "/emner?q=tivoli", f"/sager?q={HOSTILE}", f"/emner?q={HOSTILE}"]
)
def test_hostile_words_stay_words_also_in_drawings(hostile: TestClient, path: str) -> None:
    page = hostile.get(path)
    assert page.status_code == 200
    for tag in ("<script>", "<img", "<b>alert", "onerror=alert(1)>"):
        assert tag not in page.text, tag
    assert "49" not in re.findall(r"Tivoli[^<]*", page.text)
    for drawn in drawings(page.text):
        assert {e.tag for e in drawn.iter()} <= {
            "svg", "title", "desc", "line", "text", "a", "circle", "path", "rect",
        }  # fmt: skip
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert not re.search(r'\s(?:style|on\w+)="', page.text)


def test_figures_that_contradict_each_other_are_all_shown_as_rings_without_a_line(hostile: TestClient) -> None:
    html = hostile.get("/emner?q=tivoli").text
    _, chart = drawings(html)
    assert "&lt;/title&gt;" in html
    assert "Referaterne giver flere tal for samme tid." in words(html)
    shown = [c.get("class") for c in chart.iter("circle") if c.get("class") != "reach"]
    assert shown == ["full", "full", "bare", "bare"]  # 13 and 14 on 1 March 2023
    assert [line.get("class") for line in chart.iter("line")].count("curve") == 1
    for value in ("11", "12", "13", "14"):
        assert re.search(rf'<td class="number"[^>]*><a href="/kilde/[^"]+">{value}</a>', html), value


# -- API and command line --------------------------------------------------------------------------


def test_the_api_tells_a_case_with_its_quotes(client: TestClient, library: Library) -> None:
    record = client.get(f"/api/cases/{SMALL_JOBS}").json()
    (thread,) = record["threads"]
    assert [s["date"] for s in thread["steps"]] == ["2023-03-07", "2024-03-12", "2024-11-19", None]
    for s in thread["steps"]:
        assert s["decision"] == library.minutes(s["document"]).text[s["start"] : s["end"]]


@pytest.mark.parametrize(("number", "kind"), [("99-1", "case.none"), ("15.00.00-G01-26-23", "case.formality")])
def test_the_api_says_that_a_case_is_unknown(client: TestClient, number: str, kind: str) -> None:
    answer = client.get(f"/api/cases/{number}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:askamu:{kind}"
    assert number in answer.json()["detail"]


def test_the_api_lists_cases_and_topics(client: TestClient, library: Library) -> None:
    found = client.get("/api/cases", params={"municipality": "Fjordlev", "per_page": 2}).json()
    assert len(found["cases"]) == 2 < found["count"]
    assert all(client.get(c["page"]).status_code == 200 for c in found["cases"])
    assert client.get("/api/cases?municipality=Atlantis").status_code == 422
    topic = client.get("/api/topics", params={"q": "småjob"}).json()
    (series,) = topic["series"]
    assert [(p["time"], p["value"], p["printed"]) for p in series["points"]] == [
        ("2023-12-31", 19, "19"), ("2024-10-31", 27, "27"), ("2025-03-31", 34, "34"),
    ]  # fmt: skip
    for source in (s for p in series["points"] for s in p["sources"]):
        text = library.minutes(source["document"]).text
        assert text[source["start"] : source["end"]] == source["quote"]
        assert text[source["value_start"] : source["value_end"]] in ("19", "27", "34")
    for item in topic["items"] + topic["named"]:
        assert item["quote"] == library.minutes(item["document"]).text[item["start"] : item["end"]]


def test_the_api_is_described_with_examples(client: TestClient) -> None:
    schemas = client.get("/api/openapi.json").json()["components"]["schemas"]
    for name in ("CaseRecord", "CaseList", "TopicRecord"):
        assert schemas[name]["example"], name


def test_topic_on_the_command_line(seed_index: Path) -> None:
    done = run("topic", "småjob", "--index", seed_index)
    assert TRACE not in done.stderr
    said = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert said.index("07.03.2023") < said.index("19.11.2024") < said.index("borgere ansat i småjob")
    assert run("topic", "rumraketter", "--index", seed_index).returncode == 1
    assert '"series"' in run("topic", "småjob", "--json", "--index", seed_index).stdout


# -- drawings --------------------------------------------------------------------------------------

days = st.none() | st.dates(date(1990, 1, 1), date(2040, 1, 1))


@settings(deadline=None)
@given(st.lists(st.tuples(days, days, days, st.sampled_from("AB")), max_size=30))
def test_no_step_is_lost_or_drawn_outside_and_none_without_a_date_on_the_line(
    steps: list[tuple[date | None, date | None, date | None, str]],
) -> None:
    events = [
        Event(n, lane, held, min(a, b) if a and b else a, max(a, b) if a and b else b, "decided", "godkendt", "", "")
        for n, (held, a, b, lane) in enumerate(steps, start=1)
    ]
    drawn = timeline(events, "da", one_case=True)
    assert {m.event.n for m in drawn.marks} == {e.n for e in events if e.held_on}
    assert {a.event.n for a in drawn.asides} == {e.n for e in events if not e.held_on}
    for mark in drawn.marks:
        assert 0 <= mark.x <= 100
        assert 0 < mark.y < drawn.height
    for aside in drawn.asides:
        if aside.bar:
            assert aside.bar[0] >= 0
            assert aside.bar[1] >= 0
            assert aside.bar[0] + aside.bar[1] <= 100.01
    places = [(round(m.x), m.y, m.event.lane) for m in drawn.marks]
    assert len({(x, y) for x, y, _ in places}) == len(places)  # none covers another


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.integers(0, 3))
def test_a_number_in_danish_form_is_read_back(whole: int, places: int) -> None:
    value = Decimal(whole).scaleb(-places)
    assert as_number(as_danish(value, "da")) == value


@settings(deadline=None)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=9))
def test_a_scale_holds_its_values_and_is_short(values: list[Decimal]) -> None:
    low, top = min(*values, Decimal(0)), max(*values, Decimal(0))
    marks = scale_of(low, top)
    assert marks[0] <= low
    assert marks[-1] >= top
    assert 2 <= len(marks) <= 8


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(1, 60))
def test_a_long_quote_is_cut_at_a_words_end(said: str, most: int) -> None:
    shown, flat = cut(said, most), plain(said)
    assert shown == flat or (shown.endswith(" …") and flat.startswith(shown.removesuffix(" …")))
    assert len(shown) <= most + 2
