"""/svar: an answer as a page of its own, without scripts, at an address that asks the same question again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt
from markupsafe import Markup

from askamu import links, show
from askamu.config import Settings
from askamu.errors import AskamuError
from askamu.filters import read_filters
from askamu.passage import Answer, Citation, Filters, Limit, Tier
from askamu.privacy import hide_cpr
from askamu.texts import LANGUAGES, text
from askamu.ui import render
from askamu.ui.chat import Gate, asked_within, sentence
from askamu.ui.middleware import language_of, own_language
from askamu.ui.permalinks import NOT_DECIDED, label_of
from askamu.ui.shown import disarmed, filter_words, limits_read

if TYPE_CHECKING:
    from askamu.library import Library

MARK = re.compile(r"\[(\d{1,3})\]")


class BadLimit(AskamuError):
    """An address lifts a limit that there is none of."""

    text_key = "ask.bad_limit"
    http_status = 422


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A numbered source below an answer."""

    n: int
    quote: str
    name: str  # of its section
    label: str
    not_decided: bool
    where: str
    path: str
    page: int | None


def add_answers(app: FastAPI, library_of: Callable[[], Library], settings: Settings, gate: Gate) -> None:
    """The page with one question and its answer."""

    @app.get("/svar", response_class=HTMLResponse, include_in_schema=False)
    def answer(
        request: Request,
        q: str = "",
        municipality: str = "",
        committee: str = "",
        date_from: str = "",
        date_to: str = "",
        case_number: str = "",
        lifted: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
        generation: str = "",
    ) -> HTMLResponse:
        library = library_of()
        language = language_of(request.scope)
        form = {
            "q": hide_cpr(q)[0][: settings.max_question_chars],
            "municipality": municipality,
            "committee": committee,
            "date_from": date_from[:10],
            "date_to": date_to[:10],
            "case_number": case_number[:50],
            "generation": generation,
        }
        if not q.strip():
            return answer_page(request, library, form)
        try:
            unknown = set(lifted) - set(Limit)
            if unknown:
                raise BadLimit
            limits = [Limit(limit) for limit in lifted]
            given = read_filters(municipality, committee, date_from, date_to, case_number, limits)
            asked_for = request.query_params.get("lang")  # else the question's own
            answered = asked_within(
                library, settings, gate, q, (), given, asked_for if asked_for in LANGUAGES else None
            )
        except AskamuError as error:
            if error.http_status >= 500:
                raise
            return answer_page(request, library, form, problem=sentence(error, language))
        return answer_page(request, library, form, answered, given)


def answer_page(
    request: Request,
    library: Library,
    form: dict[str, str],
    answer: Answer | None = None,
    given: Filters = Filters(),
    problem: str = "",
) -> HTMLResponse:
    """The question box, and below it the answer or why there is none."""
    language = language_of(request.scope)
    shown: dict[str, Any] = {"answer": None, "question": form["q"]}
    if answer is not None:
        read = limits_read(given, answer.filters, language)
        shown = {
            "answer": answer_html(answer),
            "question": answer.question,
            "tier": answer.tier.value,
            "tier_said": tier_words(answer, language),
            "completed": answer.completed_question if answer.completed_question != answer.question else "",
            "sources": [shown_source(c, language) for c in answer.citations],
            "related": [
                (links.numbered_path(r.document, r.item), show.related_line(r, language)) for r in answer.related
            ],
            "warnings": answer.warnings,
            "limits": filter_words(answer.filters, language),
            "read": [(words, again_without(answer, given, limit)) for limit, words in read],
            "address": links.answer_path(answer.question, given, library.generation),
            "moved": bool(form["generation"]) and form["generation"] != library.generation,
        }
    committees = {m.committee for m in library.meetings if m.committee}
    return render.page(
        request,
        "answer.html",
        422 if problem else 200,
        form=form,
        own_language=own_language(request.scope),
        most=library.settings.max_question_chars,
        problem=problem,
        municipalities=library.municipalities,
        committees=sorted(committees),
        limited=any(form[k] for k in ("municipality", "committee", "date_from", "date_to", "case_number")),
        **shown,
    )


def again_without(answer: Answer, given: Filters, limit: Limit) -> str:
    """The address that asks the same without a limit which was read from the question."""
    return links.answer_path(answer.question, replace(given, lifted=given.lifted | {limit}))


def tier_words(answer: Answer, language: str) -> str:
    """What kind of answer it is, where it is none or not sure."""
    return "" if answer.tier is Tier.ANSWER else text(f"ask.tier_{answer.tier}", language)


def shown_source(citation: Citation, language: str) -> ShownSource:
    name = citation.heading.strip() or text(f"source.kind_{citation.section}", language)
    return ShownSource(
        n=citation.n,
        quote=citation.quote.strip(),
        name=name,
        label=label_of(citation.section, name, language),
        not_decided=citation.section in NOT_DECIDED,
        where=show.place_line(citation, language),
        path=citation.permalink,
        page=citation.page,
    )


def answer_html(answer: Answer) -> Markup:
    """An answer's Markdown as HTML: made harmless as in the chat, each mark [n] leading to its source below."""
    known = {c.n for c in answer.citations}
    shown = disarmed(show.as_markdown(answer))

    def link(mark: re.Match[str]) -> str:
        n = int(mark[1])
        return f"[\\[{n}\\]](#kilde-{n})" if n in known else f"&#91;{n}&#93;"

    return Markup(renderer().render(MARK.sub(link, shown)))


@cache
def renderer() -> MarkdownIt:
    """Markdown without HTML, images and headings; a line break is one."""
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    return markdown.disable(["image", "autolink", "html_inline", "html_block", "heading", "lheading", "reference"])
