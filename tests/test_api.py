"""The API, the permalink pages and the guard in front: over a small library made by hand, and over a real index."""

from __future__ import annotations

import itertools
import json
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")

from fastapi import FastAPI
from starlette.testclient import TestClient

from askamu import answer as answering
from askamu import errors, show, texts
from askamu import library as libraries
from askamu.compose.draft import escape
from askamu.config import Settings
from askamu.dates import read_day
from askamu.errors import AskamuError, BadDate, BadSetting, IndexMissing, UnknownFilter
from askamu.examples import Role, examples
from askamu.minutes import AgendaItem, MeetingDate, Minutes, Section, SectionKind
from askamu.passage import Answer, Citation, Coverage, Filters, Limit, QuestionKind, Tier, Turn
from askamu.ui import chat, server, shown, sources
from askamu.ui.middleware import BODY_LIMIT, BURST, Bucket, in_language

SEEDS = Path(__file__).parents[1] / "seeds"

TEXT = """Udvalget for Prøver
Punkt 1: # Bad <script>alert(1)</script>
Beslutning
Godkendt som indstillet.
![x](http://evil.example/a.png) & "færdig"
Punkt 2: Lukket sag
Sagsfremstilling
Hemmeligt navn
"""


def section(kind: SectionKind, heading: str, until: str | None, after: int = 0) -> Section:
    start = TEXT.index(heading, after)
    end = TEXT.index(until, start) if until else len(TEXT)
    return Section(kind, heading, start, TEXT.index("\n", start) + 1, end)


def by_hand() -> Minutes:
    one, two = TEXT.index("Punkt 1"), TEXT.index("Punkt 2")
    decision = section(SectionKind.DECISION, "Beslutning", "Punkt 2")
    case = section(SectionKind.CASE, "Sagsfremstilling", None)
    items = (
        AgendaItem(
            "1", "# Bad <script>alert(1)</script>", "15.00-P1-24", False, one, two,
            (Section(SectionKind.HEADER, "", one, one, decision.start), decision),
        ),
        AgendaItem(
            "2", "Lukket sag", None, True, two, len(TEXT),
            (Section(SectionKind.HEADER, "", two, two, case.start), case),
        ),
    )  # fmt: skip
    return Minutes(
        "d1", "prøver.txt", TEXT, "Bakkerup", "Udvalget for Prøver", MeetingDate(date(2024, 3, 1), None), "referat",
        None, None, None, Section(SectionKind.HEADER, "", 0, 0, one), items, "by hand", 1.0,
    )  # fmt: skip


MINUTES = by_hand()
QUOTE = "Godkendt som indstillet."
START = TEXT.index(QUOTE)
CITATION = Citation(
    1, "p1", "d1", "prøver.txt", "Bakkerup", "Udvalget for Prøver", date(2024, 3, 1), "01.03.2024", "1",
    MINUTES.items[0].title, "15.00-P1-24", SectionKind.DECISION, "Beslutning", QUOTE, START, START + len(QUOTE),
)  # fmt: skip
ANSWER = Answer(
    "Hvad blev besluttet?", "Hvad blev besluttet?", "da", QuestionKind.DECISION, Tier.ANSWER,
    f"»{QUOTE}« [1]", Filters(), Coverage(1, date(2024, 3, 1), date(2024, 3, 1), ("Udvalget for Prøver",)),
    (CITATION,),
)  # fmt: skip


class ByHand:
    """A library of one document."""

    generation: str = "g1"
    folder: Path = Path("/no/such/index")
    municipalities: tuple[str, ...] = ("Bakkerup",)
    committees: tuple[str, ...] = ("Udvalget for Prøver",)
    first: date | None = date(2024, 3, 1)
    last: date | None = date(2024, 3, 1)
    current: object = SimpleNamespace(manifest=SimpleNamespace(model_id="axes@1"))

    @property
    def meetings(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                id="d1", source="prøver.txt", municipality="Bakkerup", committee="Udvalget for Prøver",
                held_on=date(2024, 3, 1), earliest=None, latest=None, kind="referat", items=2, closed=1, passages=3,
            )
        ]  # fmt: skip

    settings = Settings()
    record = SimpleNamespace(successor=lambda document: None)

    def allowed(self, filters: Filters) -> list[SimpleNamespace]:
        return [m for m in self.meetings if filters.municipality in (None, m.municipality)]

    def holds(self, document: str) -> bool:
        return document == "d1"

    def meeting(self, document: str) -> SimpleNamespace:
        return self.meetings[0]

    def minutes(self, document: str) -> Minutes:
        if document != "d1":
            raise KeyError(document)
        return MINUTES

    def refresh(self) -> ByHand:
        return self


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return server.create_app(Settings(index=tmp_path_factory.mktemp("none") / "index"))


addresses = (f"10.0.{n // 250}.{n % 250}" for n in itertools.count(1))


@pytest.fixture
def client(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A client of its own (for the rate limit) over the library made by hand. `asked` collects what was asked."""
    asked: list[tuple[str, tuple[Turn, ...], Filters, str | None]] = []

    def ask(library, question, history, filters, language, limits=None):  # type: ignore[no-untyped-def]
        asked.append((question, tuple(history), filters, language))
        if filters.municipality not in (None, "Bakkerup"):
            raise UnknownFilter("municipality", filters.municipality, ("Bakkerup",))
        return replace(ANSWER, question=question, completed_question=question, filters=filters)

    monkeypatch.setattr(libraries, "open_library", lambda settings: ByHand())
    monkeypatch.setattr(app.state.library_of, "library", None)
    monkeypatch.setattr(answering, "ask", ask)
    client = TestClient(app, client=(next(addresses), 1), raise_server_exceptions=False)
    client.asked = asked  # type: ignore[attr-defined]
    return client


def check_problem(response, status: int, kind: str) -> str:  # type: ignore[no-untyped-def]
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["type"] == f"urn:askamu:{kind}"
    assert body["detail"]
    return body["detail"]


def test_asks_with_history_and_filters(client):
    response = client.post(
        "/api/ask",
        json={
            "question": "Hvad blev besluttet?",
            "history": [{"role": "user", "content": "Hej"}],
            "filters": {"municipality": "Bakkerup", "date_from": "2024", "date_to": "01.03.2024"},
            "lang": "en",
        },
    )
    assert response.status_code == 200, response.text
    record = response.json()
    assert record["citations"][0]["quote"] == QUOTE
    assert record["abstained"] is False
    question, history, filters, language = client.asked[0]
    assert question == "Hvad blev besluttet?"
    assert history == (Turn("user", "Hej"),)
    assert filters == Filters("Bakkerup", None, date(2024, 1, 1), date(2024, 3, 1))
    assert language == "en"


def test_limits_that_a_question_names_can_be_lifted(client):
    body = {"question": "Hvad?", "filters": {"lifted": ["period", "municipality"]}}
    assert client.post("/api/ask", json=body).status_code == 200
    assert client.asked[0][2].lifted == {Limit.PERIOD, Limit.MUNICIPALITY}


def test_asks_by_link(client):
    assert client.get("/api/ask", params={"q": "Hvad?", "municipality": "Bakkerup"}).status_code == 200
    assert client.asked[0][0] == "Hvad?"
    assert client.asked[0][2].municipality == "Bakkerup"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"question": "Hvad?", "filters": {"party": "V"}}, "api.bad_request"),
        ({"question": "Hvad?", "filters": {"lifted": ["party"]}}, "api.bad_request"),
        ({"question": "Hvad?", "filters": {"municipality": "Atlantis"}}, "error.unknown_filter"),
        ({"question": "Hvad?", "filters": {"date_from": "i går"}}, "error.bad_date"),
        ({"question": "Hvad?", "filters": {"date_from": "2024", "date_to": "2023"}}, "error.period_reversed"),
        ({"question": "x" * 2001}, "error.question_too_long"),
        ({"question": "  "}, "error.question_empty"),
        ({"question": "Hvad?", "history": [{"role": "system", "content": "x"}]}, "api.bad_request"),
        ({}, "api.bad_request"),
        ([], "api.bad_request"),
    ],
)
def test_refuses_what_it_cannot_use(client, body, kind):
    check_problem(client.post("/api/ask", json=body), 422, kind)


def test_refuses_broken_json_and_unknown_parameters(client):
    broken = client.post("/api/ask", content=b"{", headers={"content-type": "application/json"})
    check_problem(broken, 422, "api.bad_request")
    check_problem(client.get("/api/ask?q=x&kommune=Bakkerup"), 422, "api.bad_request")


def test_says_it_in_the_language_asked_for(client):
    assert check_problem(client.get("/api/ask?q=&lang=en"), 422, "error.question_empty").startswith("The question")
    assert check_problem(client.get("/api/ask?q=&lang=da"), 422, "error.question_empty").startswith("Spørgsmålet")


def test_caps_bodies_declared_and_chunked(client):
    large = json.dumps({"question": "x" * BODY_LIMIT}).encode()
    check_problem(client.post("/api/ask", content=large), 413, "api.body_too_large")

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(large), 1000):
            yield large[at : at + 1000]

    check_problem(client.post("/api/ask", content=chunks()), 413, "api.body_too_large")
    check_problem(client.post("/gradio_api/queue/join", content=chunks()), 413, "api.body_too_large")
    assert not client.asked


def test_limits_each_client(client):
    answers = [client.get("/api/meetings") for _ in range(int(BURST) + 25)]
    refused = [a for a in answers if a.status_code == 429]
    assert answers[0].status_code == 200
    assert refused
    check_problem(refused[0], 429, "api.too_many")
    assert int(refused[0].headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200  # is not counted
    other = TestClient(client.app, client=(next(addresses), 1))
    assert other.get("/api/meetings").status_code == 200


def test_bucket_fills_again():
    bucket = Bucket(2, now=0.0)
    assert [bucket.take(2, 1, 0.0) for _ in range(3)] == [0, 0, 1]
    assert bucket.take(2, 1, 1.0) == 0


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload", "/en/gradio_api/upload", "/monitoring", "/monitoring/summary", "/gradio_api/info",
        "/gradio_api/call/answer", "/gradio_api/run/predict", "/gradio_api/file=/etc/passwd", "/docs", "/redoc",
        "/gradio_api/openapi.json", "/gradio_api/proxy=http://example.org", "/en/monitoring",
        "/gradio_api/upload_progress",
    ],
)  # fmt: skip
def test_closed_doors(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/", "/en/", "/healthz", "/api/meetings", "/kilde/d1/1", "/monitoring", "/nowhere"])
def test_headers_everywhere(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "img-src 'self' data:" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_pages_speak_their_language(client):
    danish, english = client.get("/").text, client.get("/en/").text
    assert re.search(r'<html\s+lang="da"', danish)
    assert re.search(r'<html\s+lang="en"', english)
    assert 'property="og:' not in danish
    moved = client.get("/?lang=en", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (307, "/en")
    assert client.get("/en", follow_redirects=True).status_code == 200
    assert client.get("/en/?lang=da", follow_redirects=False).headers["location"] == "/"


def test_in_language_touches_only_the_tag():
    page_html = '<html\n lang="en"\n><meta property="og:image" content="https://x.example/a.jpg" /><p lang="en">'
    assert in_language(page_html, "da") == '<html\n lang="da"\n><p lang="en">'


def test_health(client, app, monkeypatch):
    assert client.get("/healthz").json() == {
        "status": "ok", "generation": "g1", "meetings": 1, "embedder": "axes@1",
    }  # fmt: skip

    def missing(settings: Settings) -> None:
        raise IndexMissing(Path("index"))

    monkeypatch.setattr(libraries, "open_library", missing)
    monkeypatch.setattr(app.state.library_of, "library", None)
    for path in ("/healthz", "/api/meetings", "/api/ask?q=x"):
        detail = check_problem(client.get(path), 503, "error.index_missing")
        assert "index" not in detail  # no folder of the server's
    assert client.get("/kilde/d1/1").status_code == 503
    assert client.get("/").status_code == 200


def test_meetings(client):
    body = client.get("/api/meetings").json()
    assert body["count"] == 1
    assert body["meetings"][0]["held_on"] == "2024-03-01"
    assert body["meetings"][0]["earliest"] is None
    assert client.get("/api/meetings?municipality=Atlantis").json()["count"] == 0


def marked(html: str) -> str:
    found = re.search(r'<mark id="citat">(.*?)</mark>', html, re.S)
    assert found, html
    return unescape(re.sub(r"<br>", "", found[1]))


OTHER_SCRIPT = r'<script(?! src="/filer/[\w.]+\?v=\w+" defer></script>)'  # than our own files


def test_permalink_shows_the_item_with_the_quote_marked(client):
    response = client.get(CITATION.permalink)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    html = response.text
    assert '<html lang="da">' in html
    assert marked(html) == QUOTE
    assert html.index("<h2>Beslutning</h2>") < html.index('<mark id="citat">')
    assert "15.00-P1-24" in html
    assert "01.03.2024" in html
    assert not re.search(OTHER_SCRIPT, html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "![x](http://evil.example/a.png) &amp; &quot;færdig&quot;" in html


def test_permalink_without_a_span_or_with_a_stale_one(client):
    assert "<mark" not in client.get("/kilde/d1/1").text
    for span in ("fra=x&til=y", "fra=9&til=3", "fra=-1&til=5", "fra=" + "9" * 30 + "&til=1"):
        response = client.get(f"/kilde/d1/1?{span}")
        assert response.status_code == 200
        assert "<mark" not in response.text
    stale = client.get("/kilde/d1/1?fra=90000&til=90010").text
    assert "Citatets plads findes ikke" in stale
    assert 'lang="en"' in client.get("/kilde/d1/1?lang=en").text


def test_permalink_of_what_stands_before_the_items(client):
    assert "Udvalget for Prøver" in client.get("/kilde/d1/0?fra=0&til=8").text


@pytest.mark.parametrize("path", ["/kilde/nope/1", "/kilde/d1/77", "/kilde/<script>/1"])
def test_permalink_to_nothing_says_so(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "findes ikke" in response.text
    assert not re.search(OTHER_SCRIPT, response.text)


def test_a_closed_item_shows_no_content(client):
    html = client.get("/kilde/d1/2?fra=0&til=9").text
    assert "Lukket sag" in html
    assert "Punktet er lukket" in html
    assert "Hemmeligt" not in html


def test_questions_are_not_logged(client, caplog, capsys, monkeypatch):
    caplog.set_level(logging.DEBUG)
    client.post("/api/ask", json={"question": "Hvad med Agathe Mikkelsen?"})

    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(answering, "ask", broken)
    check_problem(client.post("/api/ask", json={"question": "Hvad med Agathe Mikkelsen?"}), 500, "error.unknown")
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]
    assert "Agathe" not in "".join(ours) + "".join(capsys.readouterr())


def test_busy_when_no_place_becomes_free(client, monkeypatch):
    gate = chat.Gate(places=1, patience=0.01)
    with gate, pytest.raises(chat.Busy) as busy:
        chat.asked_within(ByHand(), Settings(), gate, "Hvad?", (), Filters(), None)
    assert busy.value.http_status == 503
    assert "travlt" in chat.sentence(busy.value, "da")


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2.2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-03-11", date(2024, 3, 11), date(2024, 3, 11)),
        ("11.03.2024", date(2024, 3, 11), date(2024, 3, 11)),
        (" 1/3/2024 ", date(2024, 3, 1), date(2024, 3, 1)),
        ("", None, None),
    ],
)
def test_reads_days(words, first, last):
    assert read_day(words, last=False) == first
    assert read_day(words, last=True) == last


@pytest.mark.parametrize("words", ["i går", "31.02.2024", "2024-13", "24", "0000", "11.03.24"])
def test_refuses_days(words):
    with pytest.raises(BadDate):
        read_day(words, last=False)


HOSTILE = [
    "# stor", "![](http://evil.example/a.png)", "<script>alert(1)</script>", "[x](http://e.example)", "| a | b |",
    "**fed** _k_ `kode` $$x$$", "1. et", "    kode", "javascript:alert(1)", "&amp;",
]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_inert_text_means_itself(words):
    shown = sources.inert(words)
    assert unescape(shown) == words.strip()
    assert not re.search(r"[<>\[\]()*_`#|$!:.]", re.sub(r"&#\d+;", "", shown))


@pytest.mark.parametrize("words", HOSTILE)
def test_answers_are_disarmed(words):
    for said in (shown.disarmed(f"Udvalget skrev »{words}« [1]"), shown.disarmed(f"Udvalget: {escape(words)} [1]")):
        assert "](" not in said
        assert "![" not in said
        assert not re.search(r"(?i)http:|javascript:|<|\\\\", said)
        assert words in unescape(said) or words == "&amp;"
        assert said.endswith(" [1]")


def test_marks_lead_to_the_sources_of_their_own_answer():
    said = shown.answer_markdown(replace(ANSWER, text="Godkendt [1] og mere [7]."), 42, "da")
    assert "[\\[1\\]](#kilde-42-1)" in said
    assert "#kilde-42-7" not in said
    cards = shown.answer_cards(ByHand(), ANSWER, 42, "da")
    assert 'id="kilde-42-1"' in cards
    assert f"<mark>{sources.inert(QUOTE)}</mark>" in cards
    assert "\n" not in cards
    assert "<script" not in cards


def test_steps_grow_to_the_whole_answer():
    whole = "**Ja** [1]\n\n- et\n- to [2]"
    grown = list(shown.steps(whole))
    assert grown[-1] == whole
    assert all(b.startswith(a) for a, b in itertools.pairwise(grown))


def test_a_question_asked_again_without_a_limit_is_remembered_once():
    first = chat.Exchange("Hvad?", "a", "", "", answered=True)
    again = chat.Exchange("Hvad?", "b", "", "", answered=True, lifted=frozenset({Limit.PERIOD}))
    assert [t.content for t in chat.turns((first, again))] == ["Hvad?", "b"]
    assert chat.turns(()) == ()


def test_a_failed_question_is_not_remembered():
    past = (
        chat.Exchange("Hvad?", "Det står ikke", "…", "", answered=True),
        chat.Exchange("Og?", "Gik galt", "⚠", "", answered=False),
    )
    assert chat.turns(past) == (Turn("user", "Hvad?"), Turn("assistant", "Det står ikke"))


def test_margin_breaks_are_joined_and_meant_ones_kept():
    long = "Udviklingen på området har de senere år været kendetegnet ved, at stadig flere"
    words = f"{long}\nhar modtaget hjælp.\n- et punkt\n\nNyt afsnit"
    shown = sources.printed(words, 0, len(words), None)
    assert shown == f"{long}\nhar modtaget hjælp.<br>\n- et punkt<br>\n<br>\nNyt afsnit"


def test_a_taken_port_is_explained():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadSetting, match="--port"):
        server.bound("127.0.0.1", taken.getsockname()[1], "da")


def families(family: type[AskamuError]) -> Iterator[type[AskamuError]]:
    yield family
    for child in family.__subclasses__():
        yield from families(child)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_error_has_its_sentence(language):
    assert errors
    missing = {e.text_key for e in families(AskamuError)} - set(texts.load(language))
    assert not missing


# over a real index


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The API over an index of two of the seeds."""
    from askamu.ingest import ingest

    folder = tmp_path_factory.mktemp("real")
    settings = Settings(index=folder / "index")
    ingest([SEEDS / "bakkerup-biu-2024-02.txt", SEEDS / "fjordlev-amu-2024-03.txt"], settings)
    return TestClient(server.create_app(settings))


def test_real_answers_cite_what_their_permalinks_show(real):
    question = examples(real.app.state.library_of(), "da", Role.CITIZEN, 1)[0]
    record = real.post("/api/ask", json={"question": question}).json()
    assert record["tier"] == "answer"
    assert record["citations"]
    for citation in record["citations"]:
        page_of_it = real.get(citation["permalink"])
        assert page_of_it.status_code == 200
        assert marked(page_of_it.text) == citation["quote"]


def test_real_filters_and_health(real):
    limited = real.post("/api/ask", json={"question": "Hvad blev besluttet?", "filters": {"municipality": "Fjordlev"}})
    assert {c["municipality"] for c in limited.json()["citations"]} <= {"Fjordlev"}
    nowhere = real.post("/api/ask", json={"question": "Hvad?", "filters": {"committee": "Månens udvalg"}})
    check_problem(nowhere, 422, "error.unknown_filter")
    assert real.get("/healthz").json()["meetings"] == 2
    assert show.as_record


def test_an_address_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs(client):
    page = client.get("/findes-ikke", headers={"accept": "text/html,*/*"})
    assert page.status_code == 404
    assert "Adressen findes ikke" in page.text
    assert "<nav" in page.text
    assert client.get("/api/findes-ikke").headers["content-type"].startswith("application/problem+json")
