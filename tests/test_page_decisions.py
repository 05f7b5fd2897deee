"""The table of decisions in a real Chromium: filtered and sorted by mouse and keyboard, and read on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from helpers_browser import IN_A_BROWSER

from askamu.spreadsheet import FORMULA

pytestmark = IN_A_BROWSER
WIDTHS = [(1600, "light"), (1000, "dark"), (800, "light"), (360, "dark")]


@pytest.fixture
def visit(seed_visit: Any) -> Any:
    """Opens the table."""
    return lambda path="/beslutninger", **options: seed_visit(path, **options)


def titles(page: Any) -> list[str]:
    return [str(t) for t in page.locator("td.what > a").all_inner_texts()]


def test_filters_sorts_opens_and_comes_back_without_scripts(visit: Any) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("textbox", name="Ord").fill("småjob")
    page.get_by_role("combobox", name="Kommune").select_option("Fjordlev")
    page.get_by_role("button", name="Vis").click()
    found = titles(page)
    assert found
    assert page.get_by_role("status").inner_text().startswith(f"{len(found)} punkter")
    page.get_by_role("link", name="Sag", exact=True).click()
    by_title = titles(page)
    assert sorted(by_title) == sorted(found)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Sag")
    page.get_by_role("link", name="Sag", exact=True).click()
    assert titles(page) == by_title[::-1] or len(set(by_title)) < len(by_title)
    page.get_by_role("link", name=by_title[-1]).first.click()
    assert page.locator("mark#citat").is_visible()
    page.go_back()
    page.get_by_role("link", name=re.compile("ord: småjob")).click()
    assert page.get_by_role("textbox", name="Ord").input_value() == ""
    assert page.get_by_role("combobox", name="Kommune").input_value() == "Fjordlev"


def test_goes_by_keyboard_and_keeps_the_language(visit: Any) -> None:
    page = visit("/beslutninger?lang=en")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    page.get_by_role("textbox", name="Words").fill("budget")
    page.keyboard.press("Enter")
    page.locator("ul.chips").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").inner_text() == "Decisions"
    page.locator("td.what > a").first.click()
    page.locator("article.item").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
def test_fits_every_width_and_its_rows_are_cards_on_a_phone(visit: Any, width: int, scheme: str) -> None:
    page = visit(width=width, color_scheme=scheme)
    for path in ("", "?q=giraf", "?outcome=recommended"):
        if path:
            page.goto(page.url.partition("?")[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    row = page.locator("table.cards tbody tr").first
    assert row.evaluate("e => getComputedStyle(e).display") == ("block" if width <= 900 else "table-row")
    tag = row.locator(".tag").first
    assert tag.inner_text() == "Ikke endeligt: anbefalet videre"  # said in words, not by colour
    assert tag.bounding_box()["x"] + tag.bounding_box()["width"] <= width
    button = page.get_by_role("button", name="Vis").bounding_box()
    assert button["height"] < 60  # its word is not broken


def test_the_files_are_downloaded(visit: Any) -> None:
    page = visit("/beslutninger?municipality=Bakkerup")
    for name, ending in (("Hent som CSV", "csv"), ("Hent som Excel", "xlsx")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == f"beslutninger-bakkerup.{ending}"
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(b"\xef\xbb\xbfDato;" if ending == "csv" else b"PK")
        if ending == "csv":
            assert not any(line[:1] in FORMULA for line in content.decode("utf-8-sig").splitlines())
