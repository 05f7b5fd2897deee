"""What three people do on the page, from beginning to end, on a desk and on a phone, with what they see on the way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from helpers_browser import IN_A_BROWSER, MARK, SERVE, ask, playwright, served, visiting, words

from askamu.cite import plain
from askamu.library import Library

pytestmark = [*IN_A_BROWSER, pytest.mark.slow]
SIZES = {"desk": (1400, 900), "phone": (360, 740)}
SMALL_JOBS = "Hvad besluttede udvalget i Fjordlev om småjob?"
USER, BOT = "#chat [data-testid=user]", "#chat [data-testid=bot]"
BUSY = SERVE.replace(
    "serve(settings", "from askamu.ui import chat\nchat.Gate.__init__.__defaults__ = (0, 0.1)\nserve(settings"
)


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    width, height = SIZES[request.param]
    return {"width": width, "height": height}


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_a_citizen_asks_and_reads_two_sources(seed_visit, size):
    page = seed_visit(**size)
    playwright.expect(page.locator("h1")).to_have_text("Spørg udvalgenes referater")
    ask(page, SMALL_JOBS)
    answer = page.locator(BOT).last
    playwright.expect(answer).to_contain_text("Godkendt som indstillet")
    opened = []
    for place in dict.fromkeys(m.get_attribute("href") for m in answer.locator("a[href^='#kilde-']").all()):
        answer.locator(f"a[href='{place}']").first.click()
        marked = page.locator(place).locator("mark:visible").first
        playwright.expect(marked).to_be_in_viewport()
        opened.append(words(marked.inner_text()))
        if len(opened) == 2:
            break
    assert opened[0] != opened[1]
    assert bare(opened[0])[:20] in bare(answer.inner_text())


def test_a_member_follows_a_case_and_opens_a_decision(seed_visit, size):
    page = seed_visit("/velkommen", **size)
    page.get_by_role("navigation").first.get_by_role("link", name="Sager").click()
    page.get_by_label("Sagsnummer eller ord").fill("småjob")
    page.get_by_role("button", name="Find sager").click()
    page.locator("main table a").first.click()
    playwright.expect(page.locator("svg.drawing").first).to_be_visible()
    steps = page.locator("main ol > li")
    assert steps.count() >= 3
    days = [int(y) for y in re.findall(r"\b(20\d\d)\b", " ".join(steps.all_inner_texts()))]
    assert days[0] <= days[-1]
    link = steps.first.get_by_role("link").first
    title = words(link.inner_text())
    link.click()
    playwright.expect(page.locator("h1")).to_contain_text(title.split(": ", 1)[-1][:25])
    playwright.expect(page.locator("section.kind-decision")).to_be_visible()


def test_a_clerk_writes_a_memo_of_three_passages(seed_visit, size, library: Library, tmp_path: Path):
    page = seed_visit(**size)
    ask(page, SMALL_JOBS)
    places = list(dict.fromkeys(m.get_attribute("href") for m in page.locator(MARK).all()))[:3]
    assert len(places) == 3
    stored = []
    for place in places:
        page.locator(f"#chat a[href='{place}']").first.click()
        add = page.locator(place).locator("a[href^='#notat/']")
        _, document, start, end = add.get_attribute("href").split("/")
        stored.append(plain(library.minutes(document).text[int(start) : int(end)]))
        add.click()
    playwright.expect(page.locator("#places a[href^='/notat']")).to_contain_text("3")
    page.locator("#places a[href^='/notat']").click()
    playwright.expect(page.locator("#entries .verified")).to_have_count(3)
    page.locator("#memo-title").fill("Småjob i Fjordlev")
    with page.expect_download() as got:
        page.locator("#as-docx").click()
    file = tmp_path / "notat.docx"
    got.value.save_as(file)
    text = bare("\n".join(p.text for p in Document(str(file)).paragraphs))
    for quote in stored:
        assert bare(quote) in text
    assert "SmåjobiFjordlev" in text


def test_everything_by_keyboard(seed_visit):
    page = seed_visit()
    page.locator("#question textarea").focus()
    page.keyboard.type(SMALL_JOBS)
    page.keyboard.press("Enter")
    playwright.expect(page.locator(BOT).last).to_contain_text("Kopiér svar")
    page.locator(MARK).first.focus()
    page.keyboard.press("Enter")
    card = page.locator("#panel details.kilde[open]").first
    playwright.expect(card.locator("summary").first).to_be_focused()  # focus goes to the source
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.getAttribute('href')") == "#kopier-citat":
            break
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "button"
    page.locator("#chat a[href^='#mening-']").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#chat a[href^='#mening-']")).to_be_focused()  # and comes back


def test_an_answer_is_announced(seed_visit):
    page = seed_visit()
    log = page.get_by_role("log", name="Samtale")
    playwright.expect(log).to_have_attribute("aria-live", "polite")
    ask(page, SMALL_JOBS)
    playwright.expect(log).to_contain_text("Godkendt som indstillet")


def test_the_language_goes_with_the_reader(seed_visit):
    page = seed_visit()
    page.locator("#language a").click()
    playwright.expect(page.locator("h1")).to_have_text("Ask the committees' minutes")
    page.locator("#places").get_by_role("link", name="Decisions").click()
    playwright.expect(page.locator("h1")).to_have_text("Decisions")
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator(".decisions .what a").first.click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Dansk").click()
    assert page.locator("html").get_attribute("lang") == "da"


def test_in_the_dark_the_ground_is_dark(seed_visit):
    for path, what in (("/", ".gradio-container"), ("/beslutninger", "body")):
        page = seed_visit(path, color_scheme="dark")
        ground = page.locator(what).first.evaluate("e => getComputedStyle(e).backgroundColor")
        page.screenshot()
        channels = [int(c) for c in re.findall(r"\d+", ground)[:3]]
        assert max(channels) < 60, (path, ground)


def test_busy_is_said_and_can_be_tried_again(seed_index: Path, browser: Any, tmp_path: Path):
    with served(seed_index, tmp_path, BUSY) as address:
        for open_page in visiting(address, browser):
            page = open_page()
            page.locator("#question textarea").fill(SMALL_JOBS)
            page.keyboard.press("Enter")
            playwright.expect(page.locator(BOT).last).to_contain_text("travlt")
            page.get_by_role("button", name="Prøv igen").click()
            playwright.expect(page.locator(USER)).to_have_count(2)
            playwright.expect(page.locator(USER).last).to_have_text(SMALL_JOBS)


def test_a_lost_connection_is_told_and_loses_nothing(seed_visit):
    page = seed_visit()
    ask(page, SMALL_JOBS)
    page.context.set_offline(True)
    page.locator("#question textarea").fill("Og i Bakkerup?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1500)
    playwright.expect(page.locator(USER).first).to_contain_text("småjob")
    page.context.set_offline(False)
    page.reload()
    playwright.expect(page.locator(USER).first).to_contain_text("småjob")
    playwright.expect(page.locator(BOT).first).to_contain_text("Godkendt som indstillet")
