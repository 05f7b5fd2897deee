"""The server: the page in both languages, the API, the permalink pages, and the guard in front of them."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from askamu import library as libraries
from askamu.config import Settings
from askamu.errors import AskamuError, BadSetting
from askamu.texts import LANGUAGES, text
from askamu.ui import app as page
from askamu.ui import render
from askamu.ui.api import add_api, add_errors
from askamu.ui.memos import add_memos
from askamu.ui.middleware import Guard, PageLanguage
from askamu.ui.permalinks import add_permalinks

if TYPE_CHECKING:
    from askamu.library import Library


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
    add_memos(app, library_of, settings, gate)
    render.add_assets(app)
    add_errors(app)
    add_pages(app, library_of, settings, gate)
    app.add_middleware(PageLanguage, paths=page_paths(settings))
    app.add_middleware(Guard, language=settings.lang)
    return app


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
        BadSetting: if the port can't be opened, or the template of memos can't be used.
    """
    if settings.memo_template:
        from askamu.memo_docx import open_template

        open_template(settings.memo_template)  # a wrong one is told now, and not to the first who writes a memo
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
