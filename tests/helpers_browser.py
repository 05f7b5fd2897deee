"""A real server over a small real index, and a real Chromium that nothing else may be asked from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

try:
    from playwright import sync_api as playwright
except ImportError:
    playwright = None

IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install -y chromium"),
    pytest.mark.skipif(playwright is None, reason="needs Playwright: pip install playwright"),
]

SEEDS = Path(__file__).parents[1] / "seeds"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TITLE = "Tilskud til spøgelsesbanen <script>document.title='ramt'</script> ![x](http://evil.example/a.png)"
HOSTILE = f"""Hvalby Kommune
Kulturudvalget
Referat af mødet den 5. marts 2024

Punkt 1: {TITLE}

Sagsfremstilling
# Ikke en overskrift
Spøgelsesbanen søger om 12.345 kr. <img src=x onerror="document.title='ramt'"> Se [her](http://evil.example/b).

Indstilling
Forvaltningen indstiller, at udvalget bevilger spøgelsesbanen 12.345 kr.

Beslutning
Godkendt som indstillet.
"""
SERVE = """
import sys
from pathlib import Path
from askamu.config import settings
from askamu.ui.server import serve
serve(settings(index=Path(sys.argv[1])), "127.0.0.1", 0)
"""
QUESTION = "Hvad besluttede udvalget om budgetopfølgningen pr. 29. februar 2024?"
LEFT = re.compile("aborted|errored out|ERR_INTERNET_DISCONNECTED")
MARK = "#chat a[href^='#kilde-']"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own on a free port."""
    from askamu.config import Settings
    from askamu.ingest import ingest

    folder = tmp_path_factory.mktemp("page")
    hostile = folder / "hvalby-kulturudvalget-2024-03.txt"
    hostile.write_text(HOSTILE, encoding="utf-8")
    index = folder / "index"
    ingest([SEEDS / "bakkerup-biu-2024-02.txt", SEEDS / "fjordlev-amu-2024-03.txt", hostile], Settings(index=index))
    with served(index, folder) as found:
        yield found
    assert "budgetopfølgning" not in (folder / "stderr").read_text()  # questions are not logged


@pytest.fixture(scope="session")
def seed_address(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over all of seeds/."""
    with served(seed_index, tmp_path_factory.mktemp("seed_page")) as found:
        yield found


@contextmanager
def served(index: Path, folder: Path, script: str = SERVE, **environment: str) -> Iterator[str]:
    """A server of its own on a free port, until the block ends; what it says on stderr is kept in the folder."""
    with (folder / "stderr").open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-c", script, str(index)], stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", ready)
            assert found, ready + (folder / "stderr").read_text()
            yield found[0]
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(address: str, browser: Any) -> Iterator[Any]:
    yield from visiting(address, browser)


@pytest.fixture
def seed_visit(seed_address: str, browser: Any) -> Iterator[Any]:
    yield from visiting(seed_address, browser)


def visiting(address: str, browser: Any) -> Iterator[Any]:
    """Opens the page; afterwards nothing may have been asked of anybody else, and no script may have failed."""
    contexts, requests, complaints = [], [], []

    def open_page(path: str = "/", width: int = 1400, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="da-DK", **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        context.on("request", lambda r: requests.append(r.url))
        page = context.new_page()
        page.on(
            "console", lambda m: complaints.append(m.text) if m.type == "error" and not LEFT.search(m.text) else None
        )
        # leaving a page breaks off its streams, which Gradio reports as errors of its own
        page.on("pageerror", lambda e: None if LEFT.search(str(e)) else complaints.append(str(e)))
        page.goto(address + path)
        if path.partition("?")[0] in ("/", "/en/") and "q=" not in path:
            page.locator("#examples button").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert requests
    outside = [url for url in requests if not url.startswith((address + "/", "data:"))]
    assert outside == []
    assert complaints == []


WHOLE = "#chat a[href^='#kopier-'], #chat a[href='#igen']"  # what stands under an answer that is whole


def ask(page: Any, question: str) -> None:
    """Ask, and wait until the answer is whole."""
    before = page.locator(WHOLE).count()
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")
    playwright.expect(page.locator(WHOLE)).to_have_count(before + 1, timeout=20_000)
    playwright.expect(page.locator("#chat [data-testid=user]").last).to_contain_text(question[:20])


def words(text: str) -> str:
    return " ".join(text.split())
