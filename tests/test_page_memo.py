"""The memo in a real Chromium: collected, ordered, annotated, downloaded, and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from helpers_browser import IN_A_BROWSER, playwright

from askamu.cite import plain
from askamu.config import Settings
from askamu.library import Library, open_library
from askamu.minutes import SectionKind

pytestmark = IN_A_BROWSER
QUOTED = "#entries .verified > blockquote:not(.adopted)"
HOSTILE = "<img src=x onerror=\"document.title='ramt'\"> [x](http://evil.example) \u202e **ja**"


@pytest.fixture
def context(seed_address: str, browser: Any) -> Iterator[Any]:
    """A browser of its own; no script may fail in it, nothing may be asked of others."""
    opened = browser.new_context(viewport={"width": 1200, "height": 900}, locale="da-DK", base_url=seed_address)
    opened.set_default_timeout(20_000)
    complaints: list[str] = []
    opened.on("weberror", lambda e: complaints.append(str(e.error)))
    opened.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    opened.on(
        "request", lambda r: None if r.url.startswith((seed_address, "blob:", "data:")) else complaints.append(r.url)
    )
    yield opened
    opened.close()
    assert complaints == []


@pytest.fixture(scope="module")
def quotes(seed_index: Path) -> list[tuple[str, str]]:
    """Permalink and words of a decision, a recommendation and a case."""
    library: Library = open_library(Settings(index=seed_index))
    found = []
    for row in library.meetings[:3]:
        minutes = library.minutes(row.id)
        kind = (SectionKind.DECISION, SectionKind.RECOMMENDATION, SectionKind.CASE)[len(found)]
        item = next(i for i in minutes.items if not i.closed and i.of_kind(kind))
        section = item.of_kind(kind)[0]
        link = f"/kilde/{minutes.id}/{item.number}?fra={section.body}&til={section.end}"
        found.append((link, plain(section.span.of(minutes.text))))
    return found


def collect(context: Any, quotes: list[tuple[str, str]]) -> Any:
    """The memo page with the quotes added from their own pages."""
    page = context.new_page()
    for n, (link, _) in enumerate(quotes, start=1):
        page.goto(link)
        page.get_by_role("button", name="Læg i notat").click()
        playwright.expect(page.locator("#askamu-said")).to_contain_text(f"Der er {n} i alt")
        playwright.expect(page.locator("header nav")).to_contain_text(f"Notat ({n})")
    page.goto("/notat")
    playwright.expect(page.locator(QUOTED)).to_have_count(len(quotes))
    return page


def shown(page: Any) -> list[str]:
    return [" ".join(t.strip("»«").split()) for t in page.locator(QUOTED).all_inner_texts()]


def test_collected_ordered_annotated_and_downloaded(context, quotes, tmp_path):
    page = collect(context, quotes)
    assert shown(page) == [words for _, words in quotes]
    playwright.expect(page.locator("#entries li").nth(1)).to_contain_text("en indstilling, ikke en beslutning")

    last = page.locator("#entries li").nth(2).get_by_role("button", name="Op")
    last.focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#memo-status")).to_have_text("Flyttet til plads 2 af 3.")
    assert page.evaluate("document.activeElement.textContent") == "Op"
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#memo-status")).to_have_text("Flyttet til plads 1 af 3.")
    assert page.evaluate("document.activeElement.textContent") == "Ned"  # it can't go further up
    order = [quotes[2][1], quotes[0][1], quotes[1][1]]
    assert shown(page) == order

    page.locator("#memo-title").fill("Sag om æbler")
    page.locator("#entries textarea").first.fill(HOSTILE)
    page.get_by_label("Type").select_option("answer")
    page.locator("#own-text").fill("Hvilke punkter blev udsat?")
    page.get_by_role("button", name="Tilføj til notatet").click()
    playwright.expect(page.locator("#entries p.answer")).to_contain_text("udsat")

    page.reload()
    playwright.expect(page.locator(QUOTED)).to_have_count(3)
    assert shown(page) == order
    assert page.locator("#entries textarea").first.input_value() == HOSTILE
    assert page.title().startswith("Notat")
    assert page.locator("#entries img").count() == 0

    with page.expect_download() as word:
        page.get_by_role("button", name="Word").click()
    assert word.value.suggested_filename == "Sag om æbler.docx"
    word.value.save_as(tmp_path / "notat.docx")
    document = Document(str(tmp_path / "notat.docx"))
    quoted = [p.text.rpartition(" [")[0].strip("»«") for p in document.paragraphs if p.style.name == "Quote"]
    assert [" ".join(q.split()) for q in quoted] == order
    assert document.paragraphs[0].text == "Sag om æbler"
    assert any("ramt" in p.text for p in document.paragraphs)

    with page.expect_download() as markdown:
        page.get_by_role("button", name="Markdown").click()
    markdown.value.save_as(tmp_path / "notat.md")
    assert "\\<img" in (tmp_path / "notat.md").read_text(encoding="utf-8")


def test_removed_and_emptied_with_undo(context, quotes):
    page = collect(context, quotes)
    page.locator("#entries li").nth(1).get_by_role("button", name="Fjern").click()
    playwright.expect(page.locator("#entries li")).to_have_count(2)
    playwright.expect(page.get_by_role("button", name="Fortryd")).to_be_focused()
    page.keyboard.press("Enter")
    playwright.expect(page.locator(QUOTED)).to_have_count(3)
    assert shown(page) == [words for _, words in quotes]
    page.get_by_role("button", name="Tøm notatet").click()
    playwright.expect(page.locator("#empty")).to_be_visible()
    playwright.expect(page.locator("#as-docx")).to_be_hidden()
    page.get_by_role("button", name="Fortryd").click()
    playwright.expect(page.locator("#entries li")).to_have_count(3)


def test_two_tabs_agree(context, quotes):
    first = collect(context, quotes[:1])
    second = context.new_page()
    second.goto(quotes[1][0])
    second.get_by_role("button", name="Læg i notat").click()
    playwright.expect(first.locator(QUOTED)).to_have_count(2)
    playwright.expect(first.locator("header nav")).to_contain_text("Notat (2)")
    second.get_by_role("button", name="Læg i notat").click()
    playwright.expect(second.locator("#askamu-said")).to_contain_text("allerede")


def test_what_is_not_so_is_marked_and_nonsense_left_out(context, quotes):
    page = collect(context, quotes[:1])
    place = re.fullmatch(r"/kilde/(\w+)/\w+\?fra=(\d+)&til=(\d+)", quotes[0][0])
    false = {
        "document": place[1],
        "start": int(place[2]),
        "end": int(place[3]),
        "quote": "Vedtaget at lukke.",
        "id": "x",
    }
    stored = {"title": {}, "entries": [false, {"type": "passage"}, 7, None, {"question": ["x"]}, {"text": "x"}]}
    page.evaluate("stored => localStorage.setItem('askamu-notat', stored)", json.dumps(stored))
    page.reload()
    playwright.expect(page.locator("#entries li")).to_have_count(1)
    playwright.expect(page.locator("#entries li")).to_contain_text("Ikke bekræftet")
    assert page.locator(QUOTED).count() == 0
    page.evaluate("localStorage.setItem('askamu-notat', '{no json')")
    page.reload()
    playwright.expect(page.locator("#empty")).to_be_visible()


def test_storage_that_is_full_or_forbidden_is_said(context, quotes):
    page = context.new_page()
    for name, said in [("QuotaExceededError", "brugt op"), ("SecurityError", "ikke siden gemme")]:
        page.goto(quotes[0][0])
        page.evaluate(f"() => {{ Storage.prototype.setItem = () => {{ throw new DOMException('', '{name}'); }}; }}")
        page.get_by_role("button", name="Læg i notat").click()
        playwright.expect(page.locator("#askamu-said")).to_contain_text(said)


def test_a_memo_too_large_is_said_before_it_is_sent(context, quotes):
    page = collect(context, quotes[:1])
    page.get_by_label("Type").select_option("text")
    for n in range(13):
        page.locator("#own-text").fill(f"{n}" + "x" * 4_900)
        page.get_by_role("button", name="Tilføj til notatet").click()
    playwright.expect(page.locator("#askamu-said")).to_contain_text("fuldt")
    playwright.expect(page.locator("#memo-size")).to_contain_text("af 62 kB")


def test_the_quote_is_copied_or_shown_to_be_copied(context, quotes):
    page = context.new_page()
    page.goto(quotes[1][0])
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Kopiér citat").click()
    playwright.expect(page.locator("#askamu-said")).to_contain_text("kopieret")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied[0] == f"»{quotes[1][1]}«"
    assert "(en indstilling, ikke en beslutning)" in copied[1]
    assert copied[2].endswith(quotes[1][0] + "#citat")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    page.get_by_role("button", name="Kopiér citat").click()
    playwright.expect(page.locator("textarea.copied")).to_be_focused()
    assert page.evaluate("getSelection().toString() || document.activeElement.value").startswith("»")


def test_a_link_on_the_chat_page_adds_to_the_memo(context, quotes):
    place = re.fullmatch(r"/kilde/(\w+)/\w+\?fra=(\d+)&til=(\d+)", quotes[0][0])
    page = context.new_page()
    page.goto("/")
    page.locator("#examples button").first.wait_for()
    page.locator("#covered").evaluate(
        """(where, hash) => { where.innerHTML = `<a href="${hash}" id="læg">læg</a> <a href="/notat" id="til">Notat</a>`; }""",
        f"#notat/{place[1]}/{place[2]}/{place[3]}",
    )
    page.locator("#læg").click()
    playwright.expect(page.locator("#askamu-said")).to_contain_text("Lagt i notatet")
    playwright.expect(page.locator("#til")).to_have_text("Notat (1)")
    page.locator("#læg").evaluate(
        "a => { a.setAttribute('href', '#notat?q=Hvilke punkter blev udsat%3F&municipality=Fjordlev'); }"
    )
    page.locator("#læg").click()
    playwright.expect(page.locator("#til")).to_have_text("Notat (2)")
    page.locator("#askamu-said a").click()
    playwright.expect(page.locator(QUOTED)).to_have_count(1)
    playwright.expect(page.locator("#entries p.answer")).to_contain_text("Fjordlev")


def test_without_scripts_it_says_what_is_needed(browser, seed_address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(seed_address + "/notat")
    playwright.expect(page.locator("main")).to_contain_text("kræver JavaScript")
    assert not page.locator("button").first.is_visible()
    context.close()
