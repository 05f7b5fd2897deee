"""The page in a real Chromium against a real server over a small real index."""

from __future__ import annotations

import re

import pytest
from helpers_browser import IN_A_BROWSER, MARK, QUESTION, TITLE, ask, playwright, words

pytestmark = IN_A_BROWSER


def test_asks_and_opens_a_source(visit):
    page = visit()
    assert page.title().startswith("askamu")
    assert page.locator("html").get_attribute("lang") == "da"
    steps: list[str] = []
    page.expose_function("noteStep", lambda shown: steps.append(shown))
    page.locator("#chat").evaluate(
        "chat => new MutationObserver(() => window.noteStep(chat.innerText))"
        ".observe(chat, {childList: true, subtree: true, characterData: true})"
    )
    ask(page, QUESTION)
    assert any("Søger i referaterne" in step for step in steps)
    assert len({step for step in steps if "Søger" not in step}) >= 2  # it came in steps
    assert page.locator("#question textarea").input_value() == ""

    mark = page.locator(MARK).last
    card = page.locator(mark.get_attribute("href"))
    mark.click()
    playwright.expect(card).to_have_attribute("open", "")
    playwright.expect(card.locator("mark").first).to_be_in_viewport()
    link = card.locator("a.own-page").get_attribute("href")
    quote = words(card.locator("mark").first.inner_text())
    assert quote
    page.goto(page.url.split("/?")[0].rstrip("/") + link)
    assert words(page.locator("mark#citat").first.inner_text()) == quote


def test_marks_of_earlier_answers_keep_their_sources(visit):
    page = visit()
    ask(page, QUESTION)
    first = page.locator(MARK).first.get_attribute("href")
    ask(page, "Hvad besluttede Kulturudvalget om spøgelsesbanen?")
    last = page.locator(MARK).last.get_attribute("href")
    assert first.rpartition("-")[0] != last.rpartition("-")[0]
    title = page.locator(first + " summary b").text_content()
    page.locator(f"#chat a[href='{first}']").first.click()
    playwright.expect(page.locator(first + " mark").first).to_be_in_viewport()
    assert "spøgelsesbanen" not in title
    assert "spøgelsesbanen" in page.locator(last + " summary b").text_content()


def test_hostile_text_is_shown_as_text(visit):
    page = visit()
    hostile = "Hvad besluttede Kulturudvalget om spøgelsesbanen? <img src=x onerror=\"document.title='ramt'\"> # **ja**"
    ask(page, hostile)
    assert words(page.locator("#chat [data-testid=user]").last.inner_text()) == hostile
    page.locator(MARK).first.click()
    assert TITLE in page.locator("#panel").inner_text()
    sections = page.locator("#panel details.section summary")
    for place in range(sections.count()):
        if sections.nth(place).is_visible():
            sections.nth(place).click()
    assert page.locator("#chat img, #panel img, #panel script, #chat script, #panel h1, #chat .message h1").count() == 0
    assert page.locator("a[href*=evil]").count() == 0
    assert "ramt" not in page.title()


def test_limits_to_a_municipality(visit):
    page = visit()
    page.locator("#municipality input").click()
    page.get_by_role("option", name="Bakkerup").click()
    page.locator("#committee input").click()
    playwright.expect(page.get_by_role("option")).to_have_count(2)  # all, and the one it has
    page.keyboard.press("Escape")
    ask(page, "Hvad blev der besluttet om småjob?")
    assert "Bakkerup" in page.locator("#chat [data-testid=bot]").last.inner_text()
    places = page.locator("#panel .where").all_inner_texts()
    assert places
    assert all("Bakkerup" in place for place in places)


@pytest.mark.parametrize("width", [390, 1400])
def test_a_limit_read_from_the_question_can_be_taken_back(visit, width):
    page = visit(width=width, height=844)
    assert not page.locator("#read").is_visible()
    ask(page, "Hvad besluttede udvalget i Bakkerup i foråret 2024 om budgettet?")
    answer = page.locator("#chat [data-testid=bot]").last
    playwright.expect(answer).to_contain_text("Afgrænset til: Bakkerup")  # no meeting of theirs was held that spring
    playwright.expect(page.locator("#lift-period")).to_be_hidden()
    ask(page, "Hvad besluttede udvalget i Fjordlev i foråret 2024 om budgetopfølgningen?")
    playwright.expect(page.locator("#lift-municipality")).to_have_text("✕ Fjordlev")
    playwright.expect(page.locator("#lift-period")).to_have_text("✕ fra 01.03.2024 · til 31.05.2024")
    page.locator("#lift-period").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#chat [data-testid=user]")).to_have_count(3)
    playwright.expect(page.locator("#lift-period")).to_be_hidden()
    answer = page.locator("#chat [data-testid=bot]").last
    playwright.expect(answer).to_contain_text("Afgrænset til: Fjordlev")
    playwright.expect(answer).not_to_contain_text("01.03.2024")
    page.locator("#lift-municipality").click()
    playwright.expect(page.locator("#read")).to_be_hidden()
    playwright.expect(answer).not_to_contain_text("Afgrænset til")


def test_a_date_that_cannot_be_read_is_explained(visit):
    page = visit()
    page.locator("#from input, #from textarea").fill("i går")
    page.locator("#question textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    answer = page.locator("#chat [data-testid=bot]").last
    playwright.expect(answer).to_contain_text("Datoen »i går« kan ikke læses")
    page.locator("#new").click()
    playwright.expect(page.locator("#chat [data-testid=bot]")).to_have_count(0)


def test_not_stated_looks_like_itself(visit):
    page = visit()
    page.locator("#question textarea").fill("Hvad koster en kanotur på Amazonfloden?")
    page.keyboard.press("Enter")
    answer = page.locator("#chat [data-testid=bot]").last
    playwright.expect(answer).not_to_contain_text("Søger")
    playwright.expect(answer).not_to_contain_text("⚠")
    assert re.search(r"ikke|Ikke", answer.inner_text())


def test_an_example_can_be_clicked(visit):
    page = visit()
    example = page.locator("#examples button").first
    question = example.inner_text()
    example.click()
    playwright.expect(page.locator("#chat [data-testid=user]")).to_contain_text(question)
    page.locator(MARK).first.wait_for()


def test_speaks_english_by_a_switch(visit):
    page = visit()
    page.locator("#language a").click()
    playwright.expect(page.locator("#heading h1")).to_have_text("Ask the committees' minutes")
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("#examples button").first.wait_for()
    ask(page, "What did the committee decide about the budget follow-up of 29 February 2024?")
    assert "Søger" not in page.locator("#chat").inner_text()
    page.locator("#language a").click()
    playwright.expect(page.locator("#heading h1")).to_have_text("Spørg udvalgenes referater")


@pytest.mark.parametrize("width", [360, 390, 768, 1600])
def test_fits_its_width(visit, width):
    page = visit(width=width, height=844)
    ask(page, QUESTION)
    mark = page.locator(MARK).last
    card = page.locator(mark.get_attribute("href"))
    mark.click()
    playwright.expect(card.locator("mark").first).to_be_in_viewport()
    assert page.locator("html").evaluate("html => html.scrollWidth") <= width
    if width < 900:
        card.locator("a.back").click()
        playwright.expect(mark).to_be_in_viewport()


def test_text_stands_out_from_its_ground(visit):
    """WCAG AA, 4.5:1, for the texts the page itself colours, light and dark."""
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        ask(page, QUESTION)
        page.locator(MARK).last.click()
        page.locator("#panel mark:visible").first.wait_for()
        for what in (
            "#send", "#new", "#heading p", "#covered p", "#chat .bot p", "#chat .user p", MARK, "#panel .where",
            "#panel .n", "#panel mark:visible", "#language a", "#panel .own-page:visible", "#filters label span",
        ):  # fmt: skip
            ratio = page.locator(what).first.evaluate(CONTRAST)
            assert ratio >= 4.5, f"{what} in {scheme}: {ratio:.2f}"


CONTRAST = """element => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const solid = c => { const p = parse(c); return p.length === 3 || (p.length === 4 && p[3] > 0.99); };
  const light = c => { const [r, g, b] = parse(c).slice(0, 3).map(v => v / 255).map(
    v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let up = element, ground = 'rgb(255, 255, 255)';
  for (; up; up = up.parentElement) {
    const own = getComputedStyle(up).backgroundColor;
    if (solid(own)) { ground = own; break; }
  }
  const a = light(getComputedStyle(element).color), b = light(ground);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
