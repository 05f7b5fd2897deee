"""What can be done with an answer on the page: kept over a reload, copied, shared, judged, asked from a link."""

from __future__ import annotations

import re
from urllib.parse import quote

from helpers_browser import IN_A_BROWSER, MARK, QUESTION, ask, playwright, words

pytestmark = IN_A_BROWSER
BOT, USER = "#chat [data-testid=bot]", "#chat [data-testid=user]"


def test_a_conversation_survives_a_reload_and_belongs_to_its_tab(visit):
    page = visit()
    ask(page, QUESTION)
    ask(page, "Hvad besluttede Kulturudvalget om spøgelsesbanen?")
    before = page.locator(BOT).all_inner_texts()
    page.reload()
    playwright.expect(page.locator(USER)).to_have_count(2)
    playwright.expect(page.locator(BOT)).to_have_text([words(t) for t in before], use_inner_text=True)
    page.locator(MARK).first.click()
    playwright.expect(page.locator("#panel mark:visible").first).to_be_in_viewport()
    other = page.context.new_page()  # another tab of the same browser
    other.goto(page.url)
    other.locator("#examples button").first.wait_for()
    assert other.locator(USER).count() == 0
    page.locator("#new").click()
    playwright.expect(page.locator(USER)).to_have_count(0)
    page.reload()
    page.locator("#examples button").first.wait_for()
    assert page.locator(USER).count() == 0


def test_leaving_and_coming_back_loses_nothing(visit):
    page = visit()
    ask(page, QUESTION)
    page.goto(page.url.rstrip("/") + "/indhold")
    page.go_back()
    playwright.expect(page.locator(USER)).to_have_count(1)
    playwright.expect(page.locator(BOT).last).to_contain_text("Kopiér svar")


def test_a_link_asks_its_question_once(visit):
    page = visit("/?q=" + quote(QUESTION))
    playwright.expect(page.locator(USER)).to_contain_text(QUESTION[:30])
    playwright.expect(page.locator(BOT).last).to_contain_text("Kopiér svar")
    page.reload()
    playwright.expect(page.locator(BOT).last).to_contain_text("Kopiér svar")
    playwright.expect(page.locator(USER)).to_have_count(1)


def test_an_answer_is_copied_with_its_sources(visit):
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.locator("#chat a[href^='#kopier-']").last.click()
    playwright.expect(page.locator("#said")).to_have_text("Kopieret.")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "Kopiér svar" not in copied
    answer, _, references = copied.partition("\n\nKilder\n")
    marks = set(re.findall(r"\[\d+\]", answer))
    assert marks
    assert marks == {line.split()[0] for line in references.splitlines()}
    for line in references.splitlines():
        assert "Kommune, " in line
        assert "punkt " in line
        assert re.search(r"http://127\.0\.0\.1:\d+/kilde/\S+#citat$", line)


def test_a_quote_is_copied_as_clerks_write_it(visit):
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.locator(MARK).first.click()
    card = page.locator("#panel details.kilde[open]").first
    shown = words(card.locator("mark").first.inner_text())
    card.locator("a[href='#kopier-citat']").click()
    playwright.expect(page.locator("#said")).to_have_text("Kopieret.")
    quote_line, reference, link = page.evaluate("() => navigator.clipboard.readText()").strip().split("\n")[-3:]
    assert words(quote_line).endswith(shown.splitlines()[-1][-20:] + "«")
    assert "Kommune, " in reference
    assert "/kilde/" in link


def test_sources_lead_to_the_next_and_back(visit):
    page = visit()
    ask(page, QUESTION)
    page.locator(MARK).first.click()
    first = page.locator("#panel details.kilde[open]")
    first.locator("a.step").last.click()
    playwright.expect(page.locator("#panel details.kilde[open] .n").first).to_have_text("2")
    page.locator("#panel details.kilde[open] a.step").first.click()
    playwright.expect(page.locator("#panel details.kilde[open] .n").first).to_have_text("1")


def test_an_opinion_is_kept_without_words_unless_agreed(visit, address):
    page = visit()
    ask(page, QUESTION)
    page.locator("#chat a[href^='#mening-']").last.click()
    dialog = page.locator("dialog")
    playwright.expect(dialog.get_by_role("heading")).to_have_text("Hvad mener du om svaret?")
    dialog.get_by_label("har en forkert kilde").check()
    dialog.get_by_role("textbox").fill("Jeg hedder Ove")
    with page.expect_request("**/api/feedback") as sent:
        dialog.get_by_role("button", name="Send").click()
    given = sent.value.post_data_json
    assert given["kind"] == "wrong_source"
    assert given["citations"]
    assert (given["question"], given["comment"], given["consent"]) == ("", "", False)
    playwright.expect(page.locator("#said")).to_have_text("Tak. Din mening er gemt.")
    page.locator("#chat a[href^='#mening-']").last.click()
    dialog.get_by_label("må gemmes").check()
    with page.expect_request("**/api/feedback") as sent:
        dialog.get_by_role("button", name="Send").click()
    assert sent.value.post_data_json["question"] == QUESTION


def test_examples_suit_who_asks(visit):
    page = visit()
    first = page.locator("#examples button").first.inner_text()
    page.get_by_label("Nyt medlem").check()
    playwright.expect(page.locator("#examples button").first).not_to_have_text(first)


def test_in_a_frame_only_the_conversation_is_shown(visit):
    page = visit("/?indlejret=1&municipality=Fjordlev")
    assert not page.locator("#heading").is_visible()
    assert not page.locator("#top").is_visible()
    playwright.expect(page.locator("#municipality input")).to_have_value("Fjordlev")
    ask(page, QUESTION)
    assert page.locator(MARK).count()
