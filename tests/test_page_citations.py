"""Every citation of a hundred answers, clicked in the browser, opens the right passage with the right words marked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from helpers_browser import IN_A_BROWSER, ask, playwright

from askamu.examples import Role, examples
from askamu.library import Library

pytestmark = [*IN_A_BROWSER, pytest.mark.slow]

QUESTIONS = Path(__file__).parents[1] / "benchmarks" / "questions.jsonl"
ANSWERS = 100
A_CONVERSATION = 10  # questions before a new one is begun


def questions(library: Library) -> list[str]:
    """The project's own, and those that the page suggests."""
    lines = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    suggested = [question for role in Role for question in examples(library, "da", role, 10)]
    return [*(line["question"] for line in lines if not line.get("history")), *dict.fromkeys(suggested)]


def bare(words: str) -> str:
    """Words without what only their layout says."""
    return re.sub(r"\s+", "", words)


@pytest.mark.parametrize("size", [(1400, 900)])
def test_each_citation_opens_its_passage(seed_visit, library: Library, size):
    page = seed_visit(width=size[0], height=size[1])
    answered = clicked = 0
    for n, question in enumerate(questions(library)):
        if n and n % A_CONVERSATION == 0:
            page.locator("#new").click()
            playwright.expect(page.locator("#chat [data-testid=user]")).to_have_count(0)
        ask(page, question)
        answer = page.locator("#chat [data-testid=bot]").last
        places = list(dict.fromkeys(m.get_attribute("href") for m in answer.locator("a[href^='#kilde-']").all()))
        for place in places:
            answer.locator(f"a[href='{place}']").first.click()
            card = page.locator(place)
            marked = card.locator("mark:visible")
            playwright.expect(marked.first).to_be_in_viewport()
            assert page.locator("#panel details.kilde[open]:visible").count() == 1
            link = urlsplit(card.locator("a.own-page").get_attribute("href"))
            document = link.path.split("/")[2]
            start, end = (int(parse_qs(link.query)[name][0]) for name in ("fra", "til"))
            stored = library.minutes(document).text[start:end]
            assert bare("".join(marked.all_inner_texts())) == bare(stored), (question, place)
            clicked += 1
        answered += bool(places)
        if answered == ANSWERS:
            break
    assert answered == ANSWERS
    assert clicked > 2 * answered
