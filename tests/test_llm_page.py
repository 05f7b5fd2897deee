"""The page where a language model writes: streamed, verified, falling back, stopped, done without; in a real Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_browser import IN_A_BROWSER, MARK, SERVE, WHOLE, ask, playwright, served, visiting, words
from helpers_liars import LIARS
from helpers_llm import FAULTS, Prompt, Reply, Scripted, SmallModel, honest, reached, refused, scripted
from test_accessibility import SIZES, axe, violations  # noqa: F401 - axe is a fixture

from askamu.answer import ask as extractive
from askamu.feedback import entries
from askamu.library import Library

pytestmark = IN_A_BROWSER

QUESTION = "Hvad er status på småjob i Fjordlev?"
DECISION = "Hvad besluttede udvalget i Fjordlev om budgetopfølgningen?"
BOT, USER = "#chat [data-testid=bot]", "#chat [data-testid=user]"
NOTE = "#chat blockquote"
WRITTEN = "Skrevet af sprogmodellen scripted, kontrolleret sætning for sætning mod kilderne."
RAW = re.compile(r"[\[{][a-z2-7]{6}(?:\.\d+)?[\]}]")  # a mark as the model is shown it
TIMEOUT = 4
TIRELESS = SERVE.replace(  # a model that never rests, whatever the tests before did to it
    "serve(settings", "from askamu.llm.model import Breaker\nBreaker.__init__.__defaults__ = (1000, 60)\nserve(settings"
)
# Notes each text that the chat shows, and each that is told to those who hear the page.
WATCH = """() => {
  window.seen = []; window.told = []; window.live = new Set();
  new MutationObserver(() => {
    const chat = document.querySelector('#chat').innerText;
    if (window.seen.at(-1) !== chat) window.seen.push(chat);
    const said = (document.querySelector('#heard') || {}).textContent || '';
    if (said && window.told.at(-1) !== said) window.told.push(said);
    if (document.querySelector('#stop')) window.live.add(document.querySelector('#chat [role=log]').ariaLive);
  }).observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def model() -> Iterator[Scripted]:
    with scripted(honest) as found:
        yield found


@pytest.fixture(scope="module")
def llm_address(seed_index: Path, model: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("llm_page")
    with served(seed_index, folder, TIRELESS, **setting(model.url)) as found:
        yield found
    assert "småjob" not in (folder / "stderr").read_text()  # neither questions nor answers are logged


@pytest.fixture
def llm_visit(llm_address: str, browser: Any, model: Scripted) -> Iterator[Any]:
    model.reply, model.pace = honest, 0.0
    model.forget()
    yield from visiting(llm_address, browser)


def setting(url: str, name: str = "scripted", timeout: int = TIMEOUT, **more: str) -> dict[str, str]:
    return {"ASKAMU_LLM": f"openai:{name}", "ASKAMU_LLM_BASE_URL": url, "ASKAMU_LLM_TIMEOUT": str(timeout)} | more


def at_length(prompt: Prompt) -> Reply:
    """An honest answer, and then a sentence without an end."""
    return Reply((honest(prompt).text or "") + "\n\n" + "og så videre " * 2_000)


def begin(page: Any, question: str) -> None:
    """Ask, and wait until a model's first words are there."""
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")
    playwright.expect(page.locator(USER).last).to_have_text(question)
    playwright.expect(page.locator(BOT).last).to_contain_text("»")


def soon(true: Callable[[], bool], seconds: float = 3.0) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


@pytest.mark.parametrize("width", [360, 1400])
def test_an_answer_grows_and_leads_to_its_sources(llm_visit, model, width):
    page = llm_visit(width=width, height=800)
    model.pace = 0.01
    page.evaluate(WATCH)
    places = set()
    page.locator("#question textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    while page.locator(WHOLE).count() == 0:
        if page.locator(NOTE).count():
            places.add(round(page.locator(USER).bounding_box()["y"]))
        assert page.locator("html").evaluate("html => html.scrollWidth") <= width
    assert len(places) == 1  # the question stands still
    seen = page.evaluate("() => window.seen")
    grown = [text for text in seen if "Sprogmodellen scripted skriver" in text]
    assert len(grown) >= 2
    assert not any(RAW.search(text) for text in seen)
    playwright.expect(page.locator(NOTE)).to_have_text(WRITTEN)
    assert words(page.locator(BOT).last.inner_text()).startswith(WRITTEN)
    marks = page.locator(MARK)
    assert marks.count() >= 3
    card = page.locator(marks.last.get_attribute("href"))
    marks.last.click()
    playwright.expect(card.locator("mark").first).to_be_in_viewport()
    playwright.expect(page.locator("#stop")).to_have_count(0)


def test_those_who_hear_the_page_are_told_of_begin_and_end(llm_visit, model):
    page = llm_visit()
    model.pace = 0.01
    page.evaluate(WATCH)
    ask(page, QUESTION)
    playwright.expect(page.locator("#heard")).to_have_text("Svaret er færdigt.")
    told, live = page.evaluate("() => [window.told, [...window.live]]")
    assert told == ["Sprogmodellen skriver. Hver sætning kontrolleres, før den vises.", "Svaret er færdigt."]
    assert live[-1] == "off"
    playwright.expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    playwright.expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")


def test_the_words_of_a_decision_stand_below(llm_visit, library: Library):
    page = llm_visit()
    ask(page, DECISION)
    playwright.expect(page.locator(NOTE)).to_have_text(WRITTEN)
    answer = words(page.locator(BOT).last.inner_text())
    assert "Ordret fra referatet: Godkendt som indstillet" in answer


@pytest.mark.parametrize(
    "name", ["digit_changed", "recommendation_decided", "mark_unknown", "uncited_end", "decision_rejected", "swedish"]
)
def test_no_lie_is_ever_on_the_page(llm_visit, model, name):
    model.reply, model.pace = LIARS[name], 0.002
    page = llm_visit()
    page.evaluate(WATCH)
    ask(page, DECISION if name.startswith("decision") else QUESTION)
    assert model.lies
    for text in page.evaluate("() => window.seen"):
        assert reached(text, Reply("", model.lies)) == []
        assert not RAW.search(text)
    note = page.locator(NOTE).inner_text()
    assert re.search("uden sprogmodellens ord|kunne ikke bekræftes", note)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("error_500", "dens server melder fejl"),
        ("hangs", "den blev ikke færdig i tide"),
        ("stalls", "den blev ikke færdig i tide"),
        ("cut_off", "dens svar blev afbrudt"),
        ("reset_in_stream", "dens svar blev afbrudt"),
        ("refuses", "den ville ikke svare"),
    ],
)
def test_a_fault_gives_the_answer_without_it_and_says_why(llm_visit, model, library, fault, why):
    model.reply = FAULTS[fault]
    page = llm_visit(width=390, height=844)
    started = time.monotonic()
    ask(page, QUESTION)
    assert time.monotonic() - started <= TIMEOUT + 2  # a second for the page itself
    playwright.expect(page.locator(NOTE)).to_have_text(f"Svaret er uden sprogmodellens ord: {why}.")
    quote = extractive(library, QUESTION).citations[0].quote
    assert words(quote)[:60] in words(page.locator(BOT).last.inner_text())
    page.locator(MARK).first.click()
    playwright.expect(page.locator("#panel mark:visible").first).to_be_in_viewport()
    model.reply = honest
    ask(page, QUESTION)
    playwright.expect(page.locator(NOTE).last).to_have_text(WRITTEN)


def test_nobody_listens(seed_index, browser, tmp_path):
    with refused() as url, served(seed_index, tmp_path, **setting(url)) as address:
        for open_page in visiting(address, browser):
            page = open_page()
            ask(page, QUESTION)
            playwright.expect(page.locator(NOTE)).to_have_text("Svaret er uden sprogmodellens ord: den kan ikke nås.")


def test_in_english(llm_visit):
    page = llm_visit("/en/")
    ask(page, "What is the status of small jobs in Fjordlev?")
    playwright.expect(page.locator(NOTE)).to_have_text(
        "Written by the language model scripted, each sentence checked against the sources."
    )
    playwright.expect(page.locator("#use-llm")).to_contain_text("Use language model")


def test_it_is_stopped_by_keyboard(llm_visit, model):
    model.reply, model.pace = at_length, 0.01
    page = llm_visit(width=360, height=740)
    begin(page, QUESTION)
    stop = page.get_by_role("button", name="Svar uden sprogmodellen nu")
    playwright.expect(stop).to_be_in_viewport(ratio=1)
    stop.focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator(NOTE)).to_have_text("Svaret er uden sprogmodellens ord: den blev stoppet.")
    assert soon(lambda: model.chats[-1].left)
    playwright.expect(stop).to_have_count(0)


def test_a_new_question_while_it_writes(llm_visit, model):
    model.reply, model.pace = at_length, 0.01
    page = llm_visit()
    begin(page, QUESTION)
    model.reply = honest
    ask(page, DECISION)
    playwright.expect(page.locator(USER)).to_have_text([QUESTION, DECISION])
    playwright.expect(page.locator(WHOLE)).to_have_count(2)
    notes = ["Svaret er uden sprogmodellens ord: den blev stoppet.", WRITTEN]
    playwright.expect(page.locator(NOTE)).to_have_text(notes)
    assert soon(lambda: model.chats[0].left)
    assert "småjob" not in page.locator(BOT).last.inner_text().partition("Er også omtalt")[0]


def test_a_new_conversation_while_it_writes(llm_visit, model):
    model.reply, model.pace = at_length, 0.01
    page = llm_visit()
    for _ in range(3):
        model.reply, model.pace = at_length, 0.01
        begin(page, QUESTION)
        page.locator("#new").click()
        playwright.expect(page.locator(USER)).to_have_count(0)
        assert soon(lambda: model.chats[-1].left)
        playwright.expect(page.locator("#stop")).to_have_count(0)
        model.reply, model.pace = honest, 0.0
        ask(page, DECISION)
        playwright.expect(page.locator(USER)).to_have_text([DECISION])
        playwright.expect(page.locator(NOTE)).to_have_text(WRITTEN)
        page.locator("#new").click()
        playwright.expect(page.locator(USER)).to_have_count(0)


def test_a_reload_while_it_writes_loses_no_question(llm_visit, model, library):
    page = llm_visit()
    ask(page, DECISION)
    model.reply, model.pace = at_length, 0.01
    begin(page, QUESTION)
    page.reload()
    playwright.expect(page.locator(USER)).to_have_text([DECISION, QUESTION])
    again = "Hentet igen uden sprogmodellen: svaret er i referaternes egne ord."
    playwright.expect(page.locator(NOTE)).to_have_text([again, again])
    assert soon(lambda: model.chats[-1].left)
    asked = len(model.chats)
    page.reload()
    playwright.expect(page.locator(NOTE)).to_have_text([again, again])
    assert len(model.chats) == asked


def test_a_reader_may_do_without(llm_visit, model):
    page = llm_visit()
    switch = page.get_by_role("checkbox", name="Brug sprogmodel")
    playwright.expect(switch).to_be_checked()
    playwright.expect(switch).to_have_accessible_description(
        "Sprogmodellen scripted formulerer svaret, og hver sætning kontrolleres mod kilderne."
    )
    switch.focus()
    page.keyboard.press("Space")
    ask(page, QUESTION)
    assert page.locator(NOTE).count() == 0
    page.locator("#lift-municipality").click()
    playwright.expect(page.locator(WHOLE)).to_have_count(2)
    page.reload()
    playwright.expect(page.locator(WHOLE)).to_have_count(2)
    playwright.expect(switch).not_to_be_checked()
    page.goto(page.url.rstrip("/") + "/en/?q=Hvad+er+status+p%C3%A5+fleksjob+i+Fjordlev%3F")  # asked before one could
    playwright.expect(page.locator(WHOLE)).to_have_count(3)
    playwright.expect(page.get_by_role("checkbox", name="Use language model")).not_to_be_checked()
    assert model.chats == []
    page.get_by_role("checkbox").check()
    page.locator("#question textarea").fill("")
    ask(page, QUESTION)
    assert len(model.chats) >= 1
    other = page.context.new_page()  # another tab of the same browser
    other.goto(page.url.partition("/en/")[0])
    playwright.expect(other.get_by_role("checkbox", name="Brug sprogmodel")).to_be_checked()


def test_without_a_model_there_is_no_switch(visit):
    page = visit()
    assert page.locator("#use-llm, #stop").count() == 0


def test_what_is_done_with_an_answer_of_its_own(llm_visit, library):
    """Copied, it says who wrote it; shared, it is the answer without, and the link says so; a memo takes quotes."""
    page = llm_visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.locator("#chat a[href^='#kopier-']").last.click()
    playwright.expect(page.locator("#said")).to_have_text("Kopieret.")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith(WRITTEN)
    assert "[1] " in copied
    page.locator("#chat a[href^='#mening-']").click()
    page.get_by_role("button", name="Send").click()
    playwright.expect(page.locator("#said")).to_contain_text("Tak")
    assert [e.feedback.phrased for e in entries(library.folder)][-1:] == [True]
    page.locator(MARK).first.click()
    page.locator("#panel a[href^='#notat/']:visible").first.click()
    playwright.expect(page.locator("#places a[href^='/notat']")).to_contain_text("1")
    shared = page.locator("#chat a[href^='/svar']")
    playwright.expect(shared).to_have_text("Link til svaret i referaternes egne ord")
    page.goto(page.url.rstrip("/") + shared.get_attribute("href"))
    told = words(page.locator("main").inner_text())
    assert "sprogmodel" not in told
    assert words(extractive(library, QUESTION).citations[0].quote)[:60] in told
    page.goto(page.url.partition("/svar")[0] + "/notat")
    playwright.expect(page.locator("#entries .verified")).to_have_count(1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(llm_visit, model, axe, size, scheme):  # noqa: F811
    width, height = SIZES[size]
    page = llm_visit(width=width, height=height, color_scheme=scheme)
    assert violations(page, axe) == []
    model.reply, model.pace = at_length, 0.02
    begin(page, QUESTION)
    assert page.locator("#stop").is_visible()
    assert violations(page, axe) == []  # while it writes
    assert page.locator("html").evaluate("html => html.scrollWidth") <= width
    page.locator("#stop").click()
    playwright.expect(page.locator(WHOLE)).to_have_count(1)
    assert violations(page, axe) == []  # without its words
    model.reply, model.pace = LIARS["uncited_end"], 0.0
    ask(page, QUESTION)
    playwright.expect(page.locator(NOTE).last).to_contain_text("taget ud")
    page.get_by_role("checkbox").uncheck()
    assert violations(page, axe) == []
    assert page.locator("html").evaluate("html => html.scrollWidth") <= width


@pytest.mark.slow
def test_a_small_real_model_from_end_to_end(seed_index, browser, tmp_path, small_model: SmallModel, library):
    """Whatever it writes, the page shows the answer without it, or sentences of it that hold."""
    given = setting(small_model.url, small_model.name, 90, ASKAMU_LLM_CONTEXT="600", ASKAMU_LLM_MAX_TOKENS="120")
    with served(seed_index, tmp_path, **given) as address:
        for open_page in visiting(address, browser):
            page = open_page(width=390, height=844)
            page.context.set_default_timeout(120_000)
            page.evaluate(WATCH)
            page.locator("#question textarea").fill(QUESTION)
            page.keyboard.press("Enter")
            playwright.expect(page.locator("#stop")).to_be_visible()
            page.locator(WHOLE).wait_for()
            note, answer = page.locator(NOTE).inner_text(), words(page.locator(BOT).last.inner_text())
            record = page.request.get(address + "/api/ask", params={"q": QUESTION}, timeout=120_000).json()
            assert record["verification"]["model"] == small_model.name
            for text in page.evaluate("() => window.seen"):
                assert not RAW.search(text)
            if "uden sprogmodellens ord" in note:
                assert words(extractive(library, QUESTION).citations[0].quote)[:60] in answer
            else:
                assert small_model.name in note
                assert page.locator(MARK).count() >= 1
            page.locator(MARK).first.click()
            playwright.expect(page.locator("#panel mark:visible").first).to_be_in_viewport()
