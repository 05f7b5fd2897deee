"""The server: the page in both languages, the API, the permalink pages, and the guard in front of them."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.routing import BaseRoute

from askamu.config import Settings
from askamu.errors import AskamuError, BadSetting
from askamu.library import OpenLibrary
from askamu.llm.model import open_model
from askamu.texts import LANGUAGES, text
from askamu.ui import app as page
from askamu.ui import render
from askamu.ui.answers import add_answers
from askamu.ui.api import Versioned, add_api, add_errors, add_unknown
from askamu.ui.cases import add_cases
from askamu.ui.chat import Gate
from askamu.ui.coverage import add_coverage
from askamu.ui.decisions import add_decisions
from askamu.ui.feedback import add_feedback
from askamu.ui.memos import add_memos
from askamu.ui.middleware import Guard, NothingThere, PageLanguage
from askamu.ui.permalinks import add_permalinks
from askamu.ui.welcome import add_welcome

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.llm.model import LanguageModel


def page_paths(settings: Settings) -> dict[str, str]:
    """Where the page stands in each language: the operator's own language at /, the other at its name."""
    return {language: "/" if language == settings.lang else f"/{language}" for language in LANGUAGES}


def create_app(settings: Settings) -> FastAPI:
    """The whole application: API, permalinks, page. Gradio comes last, because it takes every path left."""
    library_of = OpenLibrary(settings)
    gate = Gate()
    model = open_model(settings)
    tools = tools_over_http(library_of, settings) if settings.mcp else None
    app = FastAPI(
        lifespan=tools[1] if tools else None,
        title="askamu",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.library_of = library_of
    app.state.settings = settings
    add_api(app, library_of, settings, gate, model)
    add_permalinks(app, library_of)
    add_decisions(app, library_of)
    add_answers(app, library_of, settings, gate)
    add_welcome(app, library_of)
    add_coverage(app, library_of, settings)
    add_feedback(app, library_of)
    add_memos(app, library_of, settings, gate)
    add_cases(app, library_of)
    render.add_assets(app)
    add_errors(app)
    if tools:
        app.router.routes.extend(tools[0])
    add_unknown(app)  # after all other routes of the API, before the page, which takes every path left
    add_pages(app, library_of, settings, gate, model)
    app.add_middleware(NothingThere)
    app.add_middleware(PageLanguage, paths=page_paths(settings))
    app.add_middleware(Guard, language=settings.lang, frame_ancestors=settings.frame_ancestors)
    app.add_middleware(Versioned)
    return app


def tools_over_http(library_of: Callable[[], Library], settings: Settings) -> tuple[list[BaseRoute], Any]:
    """The route /mcp, and what has to run around the server for it.

    Raises:
        ExtraMissing: if the extra is not installed.
    """
    from askamu.mcp_server import build_server, http_app

    server = build_server(settings, library_of)
    routes = http_app(server, settings).routes

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return routes, running


def add_pages(
    app: FastAPI,
    library_of: Callable[[], Library],
    settings: Settings,
    gate: Gate,
    model: LanguageModel | None = None,
) -> None:
    """Gradio at / in the operator's language and at the other language's name; the root last."""
    paths = page_paths(settings)
    for language in sorted(LANGUAGES, key=lambda x: paths[x] == "/"):
        other = next(x for x in LANGUAGES if x != language)
        blocks = page.build_page(library_of, settings, language, gate, paths[other], model)
        gr.mount_gradio_app(
            app, blocks, path=paths[language], footer_links=[], run_history=False, ssr_mode=False,
            show_error=False, max_file_size="1kb", enable_monitoring=False, pwa=False, mcp_server=False,
            theme=page.build_theme(settings), css=page.build_css(settings), head=page.build_head(settings, language),
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
        BadSetting: if the port can't be opened, or the template of memos can't be used.
    """
    if settings.memo_template:
        from askamu.memo_docx import open_template

        open_template(settings.memo_template)  # a wrong one is told now, and not to the first who writes a memo
    listener = bound(host, port, settings.lang)
    app = create_app(settings)
    try:
        library = app.state.library_of()
        library.embedder, library.reranker  # noqa: B018 - opened before the first question, not by it
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
