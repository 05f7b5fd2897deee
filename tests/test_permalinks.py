"""Old links: what was quoted, and what stands there now; the pages and records of meetings, items, passages, answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")

from helpers_index import minutes_text
from starlette.testclient import TestClient

from askamu import corrections, show
from askamu.config import Settings
from askamu.ingest import ingest
from askamu.load import Source
from askamu.minutes import Minutes, Span
from askamu.parse import parse
from askamu.passage import Filters, Limit
from askamu.record import Record
from askamu.ui import schemas, server
from askamu.ui.middleware import Guard

MARCH = date(2024, 3, 11)
DECIDED = "Taget til efterretning. Udvalget ønsker småjob på næste dagsorden."
CORRECTED = "Taget til efterretning. Udvalget ønsker ikke småjob på næste dagsorden."

OTHER_SCRIPT = r'<script(?! src="/filer/)'  # than our own files


class Site:
    """A server over minutes that a test may correct."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, Settings(index=folder / "index", embedder="keywords")
        (folder / "minutes").mkdir()
        self.client: TestClient | None = None

    def write(self, text: str, name: str = "march.txt", sidecar: str = "") -> None:
        (self.folder / "minutes" / name).write_text(text)
        if sidecar:
            (self.folder / "minutes" / f"{name}.toml").write_text(sidecar)
        ingest([self.folder / "minutes"], self.settings, only=True)

    def get(self, path: str, **more: Any) -> Any:
        if self.client is None:
            app = server.create_app(self.settings)
            for middleware in app.user_middleware:
                if middleware.cls is Guard:
                    middleware.kwargs["burst"] = 1e9
            self.client = TestClient(app, raise_server_exceptions=False)
        return self.client.get(path, **more)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def words(self, path: str, status: int = 200) -> str:
        """What a page says, without its markup."""
        answer = self.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())

    @property
    def document(self) -> str:
        return str(self.json("/api/meetings")["meetings"][0]["id"])

    def quoting(self, words: str, item: str = "1") -> tuple[str, str]:
        """(permalink, passage id) of words as they stand now."""
        document = self.document
        with Record.open(self.folder / "index") as record:
            start = record.document(document).text.index(words)
        end = start + len(words)
        return f"/kilde/{document}/{item}?fra={start}&til={end}", f"{document}.{int(item) - 1}.{start}.{end}"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write(minutes_text(MARCH, "småjob", "budget"))
    return made


def marked(html: str) -> str | None:
    found = re.search(r'<mark id="citat">(.*?)</mark>', html, re.S)
    return unescape(re.sub(r"<br>\s*", "", found[1])) if found else None


# -- old links ---------------------------------------------------------------------------------


def test_a_link_to_words_that_were_corrected_shows_both(site: Site) -> None:
    link, passage = site.quoting(DECIDED)
    assert marked(site.get(link).text) == DECIDED
    site.write(minutes_text(MARCH, "småjob", "budget").replace(DECIDED, CORRECTED))
    said = site.words(link)
    assert "Referatet er rettet" in said
    assert "De citerede ord står ikke længere i det afsnit" in said
    assert f"Det citerede, som det stod »{DECIDED}«" in said
    assert f"Sådan står afsnittet nu »{CORRECTED}«" in said
    record = site.json(f"/api/passages/{passage}")
    assert (record["status"], record["was"], record["text"]) == ("changed", DECIDED, None)
    assert record["meeting"]["id"] == site.document != passage.partition(".")[0]


def test_a_link_to_words_that_still_stand_finds_them_where_they_moved(site: Site) -> None:
    link, passage = site.quoting(DECIDED)
    site.write("Rettet udgave\n" + minutes_text(MARCH, "småjob", "budget"))
    assert marked(site.get(link).text) == DECIDED
    assert "De citerede ord står der stadig" in site.words(link)
    record = site.json(f"/api/passages/{passage}")
    assert (record["status"], record["text"], record["was"]) == ("unchanged", DECIDED, DECIDED)
    assert record["id"] != passage
    assert site.json(f"/api/passages/{record['id']}")["status"] == "current"


def test_the_words_of_a_decision_are_not_found_again_in_the_recommendation(site: Site) -> None:
    asked = "Det indstilles, at udvalget tager orienteringen til efterretning."
    before = minutes_text(MARCH, "småjob", "budget").replace(asked, "Det indstilles: Sagen udsættes.")
    site.write(before.replace(DECIDED, "Sagen udsættes."))
    document = site.document
    with Record.open(site.folder / "index") as record:
        start = record.document(document).text.index("Beslutning\nSagen udsættes.") + len("Beslutning\n")
    link = f"/kilde/{document}/1?fra={start}&til={start + len('Sagen udsættes.')}"
    assert marked(site.get(link).text) == "Sagen udsættes."
    site.write(before.replace(DECIDED, "Sagen afvises."))
    html = site.get(link).text
    assert marked(html) is None
    assert "Sådan står afsnittet nu »Sagen afvises.«" in site.words(link)


def test_old_words_are_kept_through_many_corrections_and_go_with_their_minutes(site: Site) -> None:
    link, _ = site.quoting(DECIDED)
    text = minutes_text(MARCH, "småjob", "budget").replace(DECIDED, CORRECTED)
    for n in range(4):
        site.write(text.replace("Rådhuset", f"Lokale {n}"))
    assert f"»{DECIDED}«" in site.words(link)
    site.write(minutes_text(date(2024, 6, 10), "fleksjob"), "june.txt")
    (site.folder / "minutes" / "march.txt").unlink()
    ingest([site.folder / "minutes"], site.settings, only=True)
    assert "findes ikke" in site.words(link, 404)  # at once: what was taken away is not shown from the last generation
    site.write(minutes_text(date(2024, 9, 9), "praktik"), "september.txt")
    with Record.open(site.folder / "index") as record:
        assert len(record.stored()) == 2  # neither the minutes taken away nor what they had replaced


def test_an_item_that_was_closed_since_shows_nothing_of_what_it_said(site: Site) -> None:
    link, passage = site.quoting(DECIDED)
    closed = re.sub(
        r"Punkt 1: Orientering om småjob\n\n(Sagsnr.: \S+)\n.*?(?=Punkt 2)",
        r"Punkt 1: Lukket: Orientering om småjob\n\n\1\n\n", minutes_text(MARCH, "småjob", "budget"), flags=re.S,
    )  # fmt: skip
    site.write(closed)
    said = site.words(link)
    assert "Punktet er lukket" in said
    assert "vises ikke" in said
    assert "Udvalget ønsker" not in said
    assert "Udvalget ønsker" not in json.dumps(site.json(f"/api/passages/{passage}"), ensure_ascii=False)


def test_an_item_that_is_gone_is_not_taken_for_another(site: Site) -> None:
    link, passage = site.quoting("Udvalget ønsker budget på næste dagsorden.", "2")
    site.write(minutes_text(MARCH, "småjob", "integration").replace("P16-2-24", "P16-9-24"))
    said = site.words(link, 404)
    assert "punktet kan ikke genfindes" in said
    assert "Se mødet" in said
    assert site.get(f"/api/passages/{passage}").status_code == 404


def test_an_old_meeting_leads_to_the_corrected_one(site: Site) -> None:
    old = site.document
    site.write(minutes_text(MARCH, "småjob", "budget").replace(DECIDED, CORRECTED))
    assert "Referatet er rettet" in site.words(f"/moede/{old}")
    record = site.json(f"/api/meetings/{old}")
    assert (record["id"], record["asked_for"], record["corrected"]) == (site.document, old, True)
    item = site.json(f"/api/items/{old}:1")
    assert (item["id"], item["corrected"]) == (f"{site.document}:1", True)


# -- pages -------------------------------------------------------------------------------------


def test_an_item_says_what_is_no_decision_and_where_it_is_published(site: Site) -> None:
    site.write(minutes_text(MARCH, "småjob", "budget"), sidecar='address = "https://dagsordener.example.dk/vis?id=1"')
    html = site.get(f"/kilde/{site.document}/1").text
    assert html.index("Indstilling, ikke en beslutning") < html.index("Det indstilles, at")
    assert html.count("<h1") == 1
    assert 'href="https://dagsordener.example.dk/vis?id=1" rel="noreferrer noopener external"' in html
    assert "Se det hos dagsordener.example.dk" in html
    assert f'href="/moede/{site.document}"' in html
    assert 'href="/sager/15.00.15-P16-1-24"' in html
    assert f'rel="next" href="/kilde/{site.document}/2"' in html
    assert 'rel="prev"' not in html


@pytest.mark.parametrize(
    "address", ["http://plain.example.dk/1", "https://user:pw@evil.example/", "javascript:alert(1)"]
)
def test_only_safe_addresses_are_linked(site: Site, address: str) -> None:
    site.write(minutes_text(MARCH, "småjob", "budget"), sidecar=f'address = "{address}"')
    assert "noreferrer" not in site.get(f"/moede/{site.document}").text


def test_a_meeting_is_shown_as_printed(site: Site) -> None:
    said = site.words(f"/moede/{site.document}")
    assert "Arbejdsmarkedsudvalget, 11.03.2024" in said
    assert "Sted Rådhuset" in said
    assert "Deltagere Ikke oplyst i referatet" in said
    assert f"1 Orientering om småjob Taget til efterretning »{DECIDED}« sag 15.00.15-P16-1-24" in said
    assert "3 Personsag Lukket punkt" in said


def test_a_passage_leads_to_its_item(site: Site) -> None:
    link, passage = site.quoting(DECIDED)
    moved = site.get(f"/passage/{passage}", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (307, f"{link}#citat")
    assert marked(site.get(f"/passage/{passage}").text) == DECIDED


@pytest.mark.parametrize(
    "path",
    [
        "/passage/x", "/passage/d.0.5.2", "/passage/<script>", "/moede/nope", "/moede/%3Cscript%3E", "/kilde/nope/1",
        "/passage/{d}.0.0.999999", "/passage/{d}.99.0.5", "/kilde/{d}/99", "/kilde/{d}/1%00",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_on_a_page(site: Site, path: str) -> None:
    said = site.words(path.replace("{d}", site.document), 404)
    assert "findes ikke" in said or "ingen passage" in said


def test_items_without_numbers_or_with_the_same_one_have_their_own_address(site: Site) -> None:
    text = minutes_text(MARCH, "småjob", "budget").replace("Punkt 2:", "Punkt 1:")
    site.write(text)
    agenda = site.json(f"/api/meetings/{site.document}")["agenda"]
    for item in agenda:
        assert item["title"] in site.words(item["permalink"])
        assert site.json(f"/api/items/{item['id']}")["permalink"] == item["permalink"]
    assert len({item["permalink"] for item in agenda}) == len(agenda)


# -- answers -----------------------------------------------------------------------------------


def test_an_answer_has_a_page_of_its_own(site: Site) -> None:
    html = site.get("/svar", params={"q": "Hvad blev besluttet om småjob?"}).text
    assert '<a href="#kilde-1">[1]</a>' in html
    assert '<li id="kilde-1" value="1">' in html
    assert not re.search(OTHER_SCRIPT, html)
    assert html.count("<h1") == 1
    assert re.search(r'href="/kilde/\w+/1\?fra=\d+&amp;til=\d+#citat"', html)


def test_an_answer_says_when_the_index_is_another(site: Site) -> None:
    address = unescape(re.findall(r'href="(/svar\?q=[^"]+generation=[^"]+)"', site.get("/svar?q=småjob").text)[0])
    assert "anden udgave af indekset" not in site.words(address)
    site.write(minutes_text(MARCH, "småjob", "budget").replace(DECIDED, CORRECTED))
    assert "anden udgave af indekset" in site.words(address)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 200, "Spørg i referaterne"),
        ("q=%20", 200, "Spørg i referaterne"),
        ("q=" + "x" * 3000, 422, "for langt"),
        ("q=hvad&municipality=Atlantis", 422, "ikke indlæst"),
        ("q=hvad&date_from=i+går", 422, "i går"),
        ("q=hvad&date_from=2024&date_to=2023", 422, "slutter, før den begynder"),
        ("q=hvad&lifted=party", 422, "afgrænsning, der ikke findes"),
        ("q=hvad&lang=xx", 200, "Adressen på dette svar"),
        ("q=hvad&utm_source=x&generation=%3Cscript%3E", 200, "anden udgave"),
    ],
)
def test_odd_addresses_of_answers_are_explained(site: Site, query: str, status: int, said: str) -> None:
    assert said in site.words(f"/svar?{query}", status)


def test_what_is_not_stated_says_so_first(site: Site) -> None:
    said = site.words("/svar?q=hvem+vandt+danmarksmesterskabet+i+curling")
    assert "Ikke oplyst i de indlæste referater" in said


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", "](javascript:alert(1))", "![x](http://evil.example/a)"]
)
def test_questions_and_minutes_can_not_write_html(site: Site, words: str) -> None:
    site.write(minutes_text(MARCH, "småjob", "budget").replace(DECIDED, f"{DECIDED} {words}"))
    html = site.get("/svar", params={"q": f"Hvad blev besluttet om småjob? {words}"}).text
    assert not re.search(OTHER_SCRIPT, html)
    assert "<img" not in html
    assert not re.search(r'(?:href|src)="(?!/|#)', html)


def test_personal_numbers_in_questions_are_not_shown_again(site: Site) -> None:
    html = site.get("/svar", params={"q": "Hvad med 010190-1234?"}).text
    body = html[html.index("<h1") :]
    assert "010190-1234" not in body


# -- the API -----------------------------------------------------------------------------------


def test_search_finds_passages_with_their_places(site: Site) -> None:
    found = site.json("/api/search?q=budget&section=decision&limit=1")
    assert found["passages"][0]["section"] == "decision"
    assert found["passages"][0]["quote"] in site.words(found["passages"][0]["permalink"])
    assert site.json(f"/api/passages/{found['passages'][0]['id']}")["text"] == found["passages"][0]["quote"]
    of_case = site.json("/api/search?q=udgiften&case_number=15.00.15-P16-2-24")["passages"]
    assert {p["item"] for p in of_case} == {"2"}
    assert site.get("/api/search?q=budget&section=nonsense").status_code == 422
    assert site.get("/api/search?q=budget&party=v").status_code == 422


def test_meetings_come_in_pages(site: Site) -> None:
    site.write(minutes_text(date(2024, 6, 10), "fleksjob"), "june.txt")
    first = site.json("/api/meetings?limit=1")
    assert (first["count"], first["next_offset"]) == (2, 1)
    second = site.json("/api/meetings?limit=1&offset=1")
    assert second["next_offset"] is None
    assert first["meetings"] != second["meetings"]
    assert site.json("/api/meetings?date_from=2024-06")["count"] == 1


def test_closed_items_are_headings_everywhere() -> None:
    from test_api import MINUTES, ByHand

    from askamu import resources

    record = resources.item_record(ByHand(), "d1:1")  # type: ignore[arg-type]
    assert (record["title"], record["sections"], record["decision"]) == ("Lukket sag", [], None)
    at = MINUTES.text.index("Hemmeligt")
    with pytest.raises(resources.NotStored):
        resources.passage_record(ByHand(), f"d1.1.{at}.{at + 9}")  # type: ignore[arg-type]


def events(body: str) -> Iterator[tuple[str, Any]]:
    for block in body.split("\n\n")[:-1]:
        name, data = block.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize(("path", "headers"), [("/api/ask/stream", {}), ("/api/ask", {"accept": "text/event-stream"})])
def test_an_answer_can_come_as_events(site: Site, path: str, headers: dict[str, str]) -> None:
    answer = site.get(path, params={"q": "Hvad blev besluttet om småjob?"}, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    came = list(events(answer.text))
    assert came[0][0] == "status"
    assert {name for name, _ in came[1:-1]} == {"text"}
    assert came[-1][0] == "record"
    assert came[-2][1]["text"] == came[-1][1]["answer"]
    wrong = list(events(site.get(path, params={"q": " "}, headers=headers).text))
    assert [name for name, _ in wrong] == ["status", "error"]
    assert wrong[-1][1]["type"] == "urn:askamu:error.question_empty"


def test_the_typed_record_is_the_answer_record(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    keep: Callable[..., dict[str, Any]] = show.as_record
    monkeypatch.setattr(show, "as_record", lambda answer: made.append(keep(answer)) or made[-1])
    for question in ("Hvad blev besluttet om småjob?", "Hvem vandt i curling?", "Hvad blev der sagt under punkt 3?"):
        sent = site.get("/api/ask", params={"q": question})
        assert {name: sent.json()[name] for name in made[-1]} == made[-1]
        assert list(sent.json())[: len(made[-1])] == list(made[-1])
        check_fields(schemas.AnswerRecord, {**made[-1], "answer_id": "", "generation": ""})
        assert made[-1]["citations"] or made[-1]["tier"] == "not_stated"
        for citation in made[-1]["citations"]:
            check_fields(schemas.CitationRecord, citation)


def check_fields(model: Any, record: dict[str, Any]) -> None:
    assert {field.alias or name for name, field in model.model_fields.items()} == set(record)


def test_the_version_is_in_the_address_and_in_the_answer(site: Site) -> None:
    new, old = site.get("/api/v1/meetings"), site.get("/api/meetings")
    assert new.json() == old.json()
    assert new.headers["askamu-api-version"] == old.headers["askamu-api-version"] == "1"
    assert site.get("/api/v2/meetings").status_code == 404


def test_unknown_routes_and_methods_are_problems(site: Site) -> None:
    assert site.get("/api/nothing").json()["type"] == "urn:askamu:api.not_found"
    assert site.client
    refused = site.client.delete("/api/meetings")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    assert refused.json()["type"] == "urn:askamu:api.method"


def test_the_page_about_the_api_lists_every_route_with_a_command(site: Site) -> None:
    html = site.get("/api").text
    paths = site.json("/api/openapi.json")["paths"]
    assert {"/api/ask", "/api/ask/stream", "/api/search", "/api/items/{id}", "/api/passages/{id}"} <= set(paths)
    for path in paths:
        assert f"<code>{path}</code>" in html
    for command in re.findall(r"curl &#39;http://testserver(/api/(?:meetings|items|passages)/[^&]+)&#39;", html):
        assert site.get(command).status_code == 200


def test_links_that_lift_limits_ask_without_them() -> None:
    from askamu.links import answer_path

    path = answer_path("hvad & hvem?", Filters("Greve", lifted=frozenset({Limit.PERIOD, Limit.COMMITTEE})), "g1")
    assert path == "/svar?q=hvad+%26+hvem%3F&municipality=Greve&lifted=committee&lifted=period&generation=g1"


def test_what_a_correction_may_have_closed_is_not_shown_by_an_old_link() -> None:
    """The item is closed in the corrected minutes, and another one has its heading now."""

    def minutes(name: str, *items: str) -> Minutes:
        listed = "\n\n".join(f"Punkt {n}: {item}" for n, item in enumerate(items, 1))
        head = "Kulturudvalget\nHolstebro Kommune\nMødedato: 05-03-2024\n\n"
        return parse(Source(name, Path(name), f"{head}{listed}\n", name))

    old = minutes(
        "old",
        "Orientering fra formanden\n\nSagsfremstilling\nSalg til en nabo.",
        "Biblioteket\n\nBeslutning\nGodkendt.",
    )
    new = minutes(
        "new",
        "Lukket: Ejendomssag",
        "Biblioteket\n\nBeslutning\nGodkendt.",
        "Orientering fra formanden\n\nSagsfremstilling\nAlt vel.",
    )
    at = old.text.index("Salg til en nabo")
    found = corrections._followed(new, old, 0, Span(at, at + 16))
    assert found.corrected
    assert found.was is None
