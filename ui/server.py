"""The server: the page in both languages, the API, the permalink pages, and the guard in front of them."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import gradio as gr
import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from askamu import library as libraries
from askamu import show
from askamu.cite import short_date
from askamu.config import Settings
from askamu.errors import AskamuError, BadSetting
from askamu.filters import read_filters
from askamu.minutes import AgendaItem, Minutes, Span
from askamu.passage import HEADER_ITEM, Limit, Turn
from askamu.texts import LANGUAGES, text
from askamu.ui import app as page
from askamu.ui import sources
from askamu.ui.middleware import Guard, PageLanguage, language_of

if TYPE_CHECKING:
    from askamu.library import Library

log = logging.getLogger("askamu.ui")
HERE = Path(__file__).parent


class OpenLibrary:
    """The library of the moment: opened at the first call, reopened when a new generation is switched in."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.lock = settings, threading.Lock()
        self.library: Library | None = None

    def __call__(self) -> Library:
        """Raises IndexMissing and its like, each time anew, so that a server outlives a missing index."""
        with self.lock:
            opened = self.library.refresh() if self.library is not None else libraries.open_library(self.settings)
            self.library = opened
            return opened


class AskedTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)


class AskedFilters(BaseModel):
    """Limits of a search; a name that is not here is refused."""

    model_config = ConfigDict(extra="forbid")
    municipality: str | None = Field(default=None, max_length=100)
    committee: str | None = Field(default=None, max_length=200)
    date_from: str | None = Field(default=None, max_length=10, description="2023, 2023-03, 2023-03-01 or 01.03.2023")
    date_to: str | None = Field(default=None, max_length=10)
    case_number: str | None = Field(default=None, max_length=50)
    lifted: list[Limit] = Field(
        default_factory=list, max_length=3, description="what the question says of these is no limit"
    )


class Asked(BaseModel):
    """A question to /api/ask."""

    model_config = ConfigDict(extra="forbid")
    question: str
    history: list[AskedTurn] = Field(default_factory=list, max_length=50)
    filters: AskedFilters = Field(default_factory=AskedFilters)
    lang: Literal["da", "en"] | None = None


def page_paths(settings: Settings) -> dict[str, str]:
    """Where the page stands in each language: the operator's own language at /, the other at its name."""
    return {language: "/" if language == settings.lang else f"/{language}" for language in LANGUAGES}


def create_app(settings: Settings) -> FastAPI:
    """The whole application: API, permalinks, page. Gradio comes last, because it takes every path left."""
    library_of = OpenLibrary(settings)
    gate = page.Gate()
    app = FastAPI(title="askamu", version="1", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.library_of = library_of
    add_api(app, library_of, settings, gate)
    add_permalinks(app, library_of)
    add_errors(app)
    add_pages(app, library_of, settings, gate)
    app.add_middleware(PageLanguage, paths=page_paths(settings))
    app.add_middleware(Guard)
    return app


def add_api(app: FastAPI, library_of: Callable[[], Library], settings: Settings, gate: page.Gate) -> None:
    """The JSON routes."""

    def record(asked: Asked) -> dict[str, Any]:
        limits = asked.filters
        filters = read_filters(
            limits.municipality, limits.committee, limits.date_from, limits.date_to, limits.case_number,
            limits.lifted,
        )  # fmt: skip
        history = tuple(Turn(t.role, t.content) for t in asked.history)
        answer = page.asked(library_of(), settings, gate, asked.question, history, filters, asked.lang)
        return show.as_record(answer)

    @app.post("/api/ask", tags=["ask"])
    def ask(asked: Asked) -> dict[str, Any]:
        """Answer a question with quoted, cited passages. Returns the answer record."""
        return record(asked)

    @app.get("/api/ask", tags=["ask"])
    def ask_by_link(
        request: Request,
        q: Annotated[str, Query(description="the question")],
        municipality: str | None = None,
        committee: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
        case_number: str | None = None,
        lang: Literal["da", "en"] | None = None,
    ) -> dict[str, Any]:
        """The same by a link: ?q=…&municipality=…"""
        known = {"q", "municipality", "committee", "date_from", "date_to", "case_number", "lang"}
        if unknown := sorted(set(request.query_params) - known):
            raise RequestValidationError([{"loc": ("query", unknown[0]), "msg": "unknown filter", "type": "extra"}])
        filters = AskedFilters(
            municipality=municipality,
            committee=committee,
            date_from=date_from,
            date_to=date_to,
            case_number=case_number,
        )
        return record(Asked(question=q, filters=filters, lang=lang))

    @app.get("/api/meetings", tags=["collection"])
    def meetings(municipality: str | None = None, committee: str | None = None) -> dict[str, Any]:
        """The meetings that are indexed."""
        rows = [
            meeting_record(row)
            for row in library_of().meetings
            if municipality in (None, row.municipality) and committee in (None, row.committee)
        ]
        return {"count": len(rows), "meetings": rows}

    @app.get("/healthz", tags=["operation"])
    def health() -> dict[str, Any]:
        """Whether questions can be answered; 503 when there is no index that can be read."""
        library = library_of()
        return {
            "status": "ok",
            "generation": library.generation,
            "meetings": len(library.meetings),
            "embedder": library.current.manifest.model_id,
        }


MEETING = (
    "id", "source", "municipality", "committee", "held_on", "earliest", "latest", "kind", "items", "closed", "passages"
)  # fmt: skip


def meeting_record(row: Any) -> dict[str, Any]:
    """A row of /api/meetings; dates as text, None where the minutes do not say."""
    values = {name: getattr(row, name) for name in MEETING}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def add_permalinks(app: FastAPI, library_of: Callable[[], Library]) -> None:
    """/kilde/…: an item as printed, on a page of its own, without scripts."""

    @app.get("/kilde/{document}/{item}", response_class=HTMLResponse, include_in_schema=False)
    def source(request: Request, document: str, item: str, fra: str = "", til: str = "") -> HTMLResponse:
        language = language_of(request.scope)
        try:
            minutes = library_of().minutes(document)
        except KeyError:
            return HTMLResponse(notice_page("page.source_not_found", language), 404)
        except AskamuError as error:
            return HTMLResponse(notice_page(error.text_key, language), error.http_status)
        quote = read_span(fra, til)
        found = None if item == HEADER_ITEM else sources.item_at(minutes, item, quote.start if quote else None)
        if found is None and item != HEADER_ITEM:
            return HTMLResponse(notice_page("page.item_not_found", language), 404)
        return HTMLResponse(item_page(minutes, found, quote, language))

    @app.get("/favicon.svg", include_in_schema=False)
    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> FileResponse:
        return FileResponse(HERE / "favicon.svg", media_type="image/svg+xml")


def read_span(start: str, end: str) -> Span | None:
    """The quoted stretch a link names, or None."""
    if start.isdecimal() and end.isdecimal() and len(start + end) < 20 and int(start) < int(end):
        return Span(int(start), int(end))
    return None


def item_page(minutes: Minutes, item: AgendaItem | None, quote: Span | None, language: str) -> str:
    """An item, or the minutes' header, as a page."""
    number = HEADER_ITEM if item is None else item.number or ""
    title = (item.title if item else "") or text("page.heading_section", language)
    day = short_date(minutes, language)
    where = sources.meeting_line(minutes.municipality, minutes.committee, day, number, "", language)
    sections = [
        section_html(minutes, section, quote, language)
        for section in sources.item_sections(minutes, item)
        if not (item and item.closed) or section is item.sections[0]
    ]
    notes = []
    if item and item.closed:
        notes.append(text("page.closed_item", language))
    if quote and not (item and item.closed) and not any("<mark" in s for s in sections):
        notes.append(text("page.quote_gone", language))
        log.info("a permalink's quote is not in its item any more")
    case = text("page.case_number", language, case_number=item.case_number) if item and item.case_number else ""
    jump = f'<p><a href="#citat">{escape(text("page.to_quote", language))}</a></p>'
    body = "".join(
        [
            f"<h1>{escape(title)}</h1><p class=where>{escape(where)}</p>",
            f"<p class=where>{escape(case)}</p>" if case else "",
            jump if any("<mark" in s for s in sections) else "",
            *(f"<p class=note>{escape(note)}</p>" for note in notes),
            *sections,
            f"<p class=where>{escape(text('page.source_from', language, source=minutes.source))}</p>",
        ]
    )
    return plain_page(text("page.source_page_title", language, title=title), body, language)


def section_html(minutes: Minutes, section: Any, quote: Span | None, language: str) -> str:
    words = sources.section_words(minutes, section, quote, '<mark id="citat">')
    return f"<section><h2>{escape(sources.section_name(section, language))}</h2><p>{words}</p></section>"


def notice_page(key: str, language: str) -> str:
    """A page that only says one sentence."""
    title = text("page.not_found_title" if key.startswith("page.") else "page.notice", language)
    return plain_page(f"{title} – askamu", f"<h1>{escape(title)}</h1><p>{escape(text(key, language))}</p>", language)


@cache
def style() -> str:
    return (HERE / "kilde.css").read_text(encoding="utf-8")


def plain_page(title: str, body: str, language: str) -> str:
    """A whole HTML page without scripts; `body` is HTML, `title` is not."""
    home = f"/?lang={language}"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)}</title><link rel="icon" href="/favicon.svg"><style>{style()}</style></head>'
        f'<body><main><p><a href="{home}">{escape(text("page.ask_here", language))}</a></p>{body}</main></body></html>'
    )


def add_errors(app: FastAPI) -> None:
    """Every error of the API as application/problem+json (RFC 9457), with the sentence a person can act on."""

    @app.exception_handler(AskamuError)
    def explained(request: Request, error: AskamuError) -> Response:
        detail = page.sentence(error, language_of(request.scope))
        return problem(error.http_status, detail, error.text_key)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(x) for x in first["loc"] if x != "body")
        why = f"{where}: {first['msg']}" if where else str(first["msg"])
        return problem(422, text("api.bad_request", language_of(request.scope), why=why), "api.bad_request")

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        key = {404: "api.not_found", 405: "api.method"}.get(error.status_code)
        detail = text(key, language_of(request.scope)) if key else str(error.detail)
        return problem(error.status_code, detail, key or "api.refused", error.headers)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        return problem(500, text("error.unknown", language_of(request.scope)), "error.unknown")


def problem(status: int, detail: str, kind: str, headers: Any = None) -> JSONResponse:
    body = {"type": f"urn:askamu:{kind}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    sent = dict(headers or {}) | ({"retry-after": "5"} if status == 503 else {})
    return JSONResponse(body, status, sent, media_type="application/problem+json")


def add_pages(app: FastAPI, library_of: Callable[[], Library], settings: Settings, gate: page.Gate) -> None:
    """Gradio at / in the operator's language and at the other language's name; the root last."""
    paths = page_paths(settings)
    for language in sorted(LANGUAGES, key=lambda x: paths[x] == "/"):
        other = next(x for x in LANGUAGES if x != language)
        blocks = page.build_page(library_of, settings, language, gate, paths[other])
        gr.mount_gradio_app(
            app, blocks, path=paths[language], footer_links=[], run_history=False, ssr_mode=False,
            show_error=False, max_file_size="1kb", enable_monitoring=False, pwa=False, mcp_server=False,
            theme=page.build_theme(), css=page.build_css(), head=page.build_head(language),
            i18n=page.build_i18n(language),
        )  # fmt: skip
        if paths[language] != "/":
            redirect_slash(app, paths[language])


def redirect_slash(app: FastAPI, path: str) -> None:
    """A mount at /en answers only /en/."""

    @app.get(path, include_in_schema=False)
    def to_slash() -> RedirectResponse:
        return RedirectResponse(f"{path}/", 307)


class AnnouncingServer(uvicorn.Server):
    """Says where it is when it can be asked, on stdout."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
            print(text("api.ready", self.language, address=f"http://{shown}:{port}"), flush=True)

    language = "da"


def bound(host: str, port: int, language: str) -> socket.socket:
    """A socket on the address.

    Raises:
        BadSetting: if the port is taken or may not be opened; the message says what to do.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadSetting(text("api.port_taken", language, port=port, host=host)) from error
        why = error.strerror or str(error)
        raise BadSetting(text("api.port_denied", language, port=port, host=host, why=why)) from error


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Run page and API until stopped. Prints the address when questions can be asked.

    Behind a reverse proxy, FORWARDED_ALLOW_IPS names the proxies whose X-Forwarded-For counts for the rate limit.

    Raises:
        BadSetting: if the port can't be opened.
    """
    listener = bound(host, port, settings.lang)
    app = create_app(settings)
    try:
        app.state.library_of().embedder  # noqa: B018 - opened before the first question, not by it
    except AskamuError as error:
        print(text("api.no_index_yet", settings.lang, why=error), file=sys.stderr, flush=True)
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "")
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_keep_alive=15,
        proxy_headers=bool(trusted), forwarded_allow_ips=trusted or None, timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=32 * 1024,
    )  # fmt: skip
    server = AnnouncingServer(config)
    server.language = settings.lang
    run(server, [listener])


def run(server: uvicorn.Server, listeners: Sequence[socket.socket]) -> None:
    try:
        server.run(sockets=list(listeners))
    except KeyboardInterrupt:
        return
    finally:
        for listener in listeners:
            listener.close()
