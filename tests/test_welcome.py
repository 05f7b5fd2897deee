"""What a new member reads: nothing that the minutes don't say, nothing of closed items, and each thing with its place."""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")

from helpers_pages import FIRST, SCRIPT, SECOND, SECRET, client_of, hostile_index, small_index
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from askamu.errors import UnknownFilter
from askamu.library import Library, open_library
from askamu.minutes import Outcome
from askamu.welcome import Open, at_least, chosen, committees, welcome


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Library:
    settings, report = small_index(tmp_path_factory.mktemp("welcome"), a=FIRST, b=SECOND)
    assert not report.failed
    return open_library(settings)


def test_open_cases_are_those_whose_last_step_left_them_open(small: Library) -> None:
    found = {o.case_number: o for o in welcome(small, "Holstebro", "Kulturudvalget").open}
    assert {n: o.why for n, o in found.items()} == {
        "20.05.00-Ø40-1-23": Open.POSTPONED,
        "21.00.00-A00-2-23": Open.ASKED_AGAIN,
    }  # »Havnefesten« was postponed, and decided since
    assert found["21.00.00-A00-2-23"].words == "Udvalget ønsker en evaluering forelagt på et senere møde."
    assert found["20.05.00-Ø40-1-23"].words == "Udsat til næste møde."


def test_open_cases_and_what_comes_back_in_the_seeds(library: Library) -> None:
    known = welcome(library, "Fjordlev", "Arbejdsmarkedsudvalget")
    why = {o.title.split(" - ")[0]: o.why for o in known.open}
    assert why["Beskæftigelsesplan 2025"] is Open.RECOMMENDED
    assert why["Ansøgning fra Foreningen Fodfæste Fjordlev om mentorer"] is Open.SENT_BACK
    days = [at_least(o.step) for o in known.open]
    assert days == sorted(days, reverse=True)
    # Asked for again at an undated meeting of 2025, and treated in September 2025: nobody knows which came last.
    assert "15.00.00-A00-31-25" not in {o.case_number for o in known.open}
    back = {r.title.split(" ")[0]: r for r in known.recurring}
    assert back["Budgetopfølgning"].every_year
    assert all(r.times >= 3 or r.every_year for r in known.recurring)


def test_formalities_are_left_out_and_outcomes_told(small: Library) -> None:
    newest, before = welcome(small, "Holstebro", "Kulturudvalget").recent
    assert [i.title for i in newest.items] == ["Havnefesten"]
    assert newest.formalities == 1
    assert newest.items[0].outcomes == (Outcome.APPROVED,)
    assert newest.items[0].adopted == ("Det indstilles, at havnefesten holdes i august.",)
    assert [i.outcomes for i in before.items if i.closed] == [()]


def test_people_are_named_as_the_minutes_name_them(small: Library, library: Library) -> None:
    people = {p.name: p for p in welcome(small, "Holstebro", "Kulturudvalget").people}
    karen = people["Karen Holm (A)"]
    assert [(row.source, items) for row, _, items in karen.absent] == [("b.txt", 1)]
    for index in (small, library):
        for c in committees(index):
            for person in welcome(index, c.municipality, c.committee).people:
                for place in [p for _, p in person.present] + [p for _, p, _ in person.absent]:
                    assert place.span.of(index.minutes(place.document).text).split("(")[0].strip() in person.name


def test_every_quote_is_cut_from_the_stored_text(small: Library, library: Library) -> None:
    for index in (small, library):
        for c in committees(index):
            known = welcome(index, c.municipality, c.committee)
            for o in known.open:
                text = index.minutes(o.place.document).text
                assert o.words == o.place.span.of(text) or not o.words
            for meeting in known.recent:
                text = index.minutes(meeting.row.id).text
                for i in meeting.items:
                    assert i.decided in text
                    assert all(point in text for point in i.adopted)


def test_without_a_choice_it_is_the_committee_that_met_last(library: Library) -> None:
    found = chosen(library, None, None)
    assert found is not None
    assert found.newest.held_on == library.last
    assert (chosen(library, "Bakkerup", None) or found).municipality == "Bakkerup"
    with pytest.raises(UnknownFilter):
        chosen(library, "Bakkerup", "Arbejdsmarkedsudvalget")
    with pytest.raises(UnknownFilter):
        chosen(library, "Ingensteder", None)


def test_the_page_shows_it_and_its_links_lead_there(small: Library) -> None:
    client = client_of(small.settings)
    answer = client.get("/velkommen")
    assert answer.status_code == 200
    page = HTMLParser(answer.text)
    assert len(page.css("h1")) == 1
    assert "Kulturudvalget" in page.css_first("h1").text()
    assert [a.text() for a in page.css("nav a[aria-current]")] == ["For nye medlemmer"]
    assert page.css_first("label[for=of]") is not None
    links = {a.attributes["href"] for a in page.css("main a") if (a.attributes["href"] or "").startswith("/kilde/")}
    assert links
    for link in links:
        target = HTMLParser(client.get(link).text)
        if parse_qs(urlsplit(link or "").query).get("fra"):
            assert target.css_first("#citat") is not None, link
        assert target.css_first("h1") is not None
    assert f"/sager/{quote('22.00.00-A00-3-23', safe='')}" in answer.text
    ids = [n.attributes["id"] for n in page.css("[id]")]
    assert len(ids) == len(set(ids))


def test_closed_items_show_their_heading_and_number_alone(small: Library) -> None:
    client = client_of(small.settings)
    for address in ("/velkommen", "/velkommen?lang=en", "/indhold", "/api/coverage"):
        assert SECRET.split()[0] not in client.get(address).text
    page = client.get("/velkommen").text
    assert "Personsag" in page
    assert "81.00.00-A00-9-23" in page


def test_hostile_names_are_text(tmp_path: Path) -> None:
    client = client_of(hostile_index(tmp_path))
    for address in ("/velkommen", "/indhold"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert SCRIPT not in answer.text
        assert HTMLParser(answer.text).css_first("script:not([src])") is None
        assert "<script>alert(1)" in HTMLParser(answer.text).body.text()  # type: ignore[union-attr]
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    of = HTMLParser(client.get("/velkommen").text).css_first("option").attributes["value"]
    chosen = client.get("/velkommen", params={"of": of}, follow_redirects=False)
    assert chosen.status_code in (200, 303)
    assert client.get("/velkommen", params={"of": of}).status_code == 200


def test_the_form_leads_to_an_address_that_names_the_committee(library: Library) -> None:
    client = client_of(library.settings)
    there = client.get("/velkommen", params={"of": "Fjordlev/Arbejdsmarkedsudvalget"}, follow_redirects=False)
    assert there.status_code == 303
    assert there.headers["location"] == "/velkommen?municipality=Fjordlev&committee=Arbejdsmarkedsudvalget"
    english = client.get("/velkommen?municipality=Fjordlev&lang=en")
    assert HTMLParser(english.text).css_first("html").attributes["lang"] == "en"
    assert "askamu's explanation" in HTMLParser(english.text).body.text()  # type: ignore[union-attr]
    unknown = client.get("/velkommen?committee=Nej")
    assert unknown.status_code == 422
    assert "Vælg et andet" in unknown.text
    assert client.get("/velkommen", params={"committee": "x" * 500}).status_code == 422


def test_membership_is_never_claimed(library: Library) -> None:
    client = client_of(library.settings)
    text = HTMLParser(client.get("/velkommen?municipality=Bakkerup").text).body.text()  # type: ignore[union-attr]
    assert "ikke en medlemsliste" in text
    assert "Nævnt som til stede" in text
    assert "Lissi Hvidtjørn" in text
