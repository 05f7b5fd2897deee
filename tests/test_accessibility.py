"""axe-core on every view and state, WCAG 2.1 A and AA, both themes, both sizes: no violations."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from typing import Any
from urllib.parse import quote

import pytest
from helpers_browser import IN_A_BROWSER, MARK, QUESTION, ask, playwright

pytestmark = IN_A_BROWSER

AXE = "axe-core@4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
SIZES = {"desktop": (1400, 900), "phone": (360, 740)}


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, from npm's registry."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, to get axe-core")
    folder = tmp_path_factory.mktemp("axe")
    got = subprocess.run(["npm", "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120)
    if got.returncode:
        pytest.skip(f"npm can't get axe-core: {got.stderr[-200:]}")
    packed = folder / got.stdout.split()[-1]
    with tarfile.open(packed) as archive:
        found = archive.extractfile("package/axe.min.js")
        assert found is not None
        return found.read().decode()


def violations(page: Any, axe: str) -> list[str]:
    """What axe finds, each with the rule and the places."""
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    assert len(found["passes"]) > 10  # it has looked at something
    return [
        f"{v['id']}: {node['html'][:160]} - {node['failureSummary'][:300]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chat_in_each_of_its_states(visit, axe, size, scheme):
    width, height = SIZES[size]
    page = visit(width=width, height=height, color_scheme=scheme)
    assert violations(page, axe) == []
    ask(page, QUESTION)
    page.locator(MARK).last.click()
    page.locator("#panel mark:visible").first.wait_for()
    assert violations(page, axe) == []
    page.locator("#chat a[href^='#mening-']").click()
    page.locator("dialog").wait_for()
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#chat a[href^='#mening-']")).to_be_focused()  # only then the dialog is away
    ask(page, "Hvad koster en kanotur på Amazonfloden?")  # not stated
    page.locator("#from input, #from textarea").fill("i går")  # an error
    page.locator("#question textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#chat [data-testid=bot]").last).to_contain_text("kan ikke læses")
    page.locator("#municipality input").click()  # an open list
    page.get_by_role("option").first.wait_for()
    assert violations(page, axe) == []


def test_the_chat_in_english(visit, axe):
    page = visit("/en/")
    ask(page, "What did the committee decide about the budget follow-up of 29 February 2024?")
    assert violations(page, axe) == []


CASE = "00.30.14-G01-17-24"
VIEWS = [
    "/kilde/findes-ikke/1", "/beslutninger", "/beslutninger?q=findesikke", "/sager", f"/sager/{CASE}", "/sager/findes-ikke",
    "/emner", "/emner?q=budgetopfølgning", "/velkommen", "/indhold", "/notat", "/api", "/svar", "/svar?q=" + quote(QUESTION),
    "/svar?q=" + quote("Hvad koster en kanotur på Amazonfloden?"), "/beslutninger?lang=en",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_meeting_and_an_item(address, browser, axe, scheme, size):
    """The way that a reader takes: a table, an item with its marked words, its meeting."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + "/beslutninger?q=budgetopf%C3%B8lgning")
    page.locator(".decisions .what a").first.click()
    page.locator("mark").first.wait_for()
    assert violations(page, axe) == []
    page.locator("p.where a").first.click()
    page.locator(".agenda").wait_for()
    assert violations(page, axe) == []
    context.close()


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_beside_the_chat(address, browser, axe, path, scheme, size):
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + path)
    found = violations(page, axe)
    wide = page.locator("html").evaluate("html => html.scrollWidth")
    context.close()
    assert found == []
    assert wide <= width
