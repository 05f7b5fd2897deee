"""HTML pages beside the chat, from templates/: everything escaped, no script needed to read them, both languages."""

from __future__ import annotations

import hashlib
import html
import json
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from askamu.texts import LANGUAGES, day_text, load, text
from askamu.ui.colours import shades
from askamu.ui.middleware import language_of, own_language

HERE = Path(__file__).parent
PLACES = (  # the site's main places: address, text
    ("/", "nav.ask"),
    ("/beslutninger", "nav.decisions"),
    ("/sager", "nav.cases"),
    ("/velkommen", "nav.new_members"),
    ("/notat", "nav.memo"),
    ("/indhold", "nav.contents"),
)
ASSETS = {"plain.css": "text/css", "favicon.svg": "image/svg+xml"}
ASSETS |= {"basket.js": "text/javascript", "memo.js": "text/javascript"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def templates() -> jinja2.Environment:
    """The templates; a variable that is missing is an error, and every value is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page in the language of the request.

    Args:
        template: its file in templates/; it extends base.html and fills `title` and `content`.
        values: what it shows. Beside them a template has `t(key, …)`, `link(path, …)` to another page in the same
            language, `day(date)`, `asset(name)`, `language`, `language_kept`, `places` and `here` (the path).
    """
    language = language_of(request.scope)
    other = next(x for x in LANGUAGES if x != language)
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
    shown = {
        "t": partial(said, language),
        "link": partial(link, request),
        "day": partial(day, language),
        "asset": asset,
        "basket": spoken("basket", language, address=link(request, "/notat")),
        "language": language,
        "language_kept": language != own_language(request.scope),  # for forms, which drop the query
        "places": PLACES,
        "name": request.app.state.settings.name,
        "here": request.url.path,
        "other_page": f"{request.url.path}?{urlencode([*query, ('lang', other)])}",
        "other_language": other,
    }
    body = templates().get_template(template).render({**shown, **values})
    headers = {"content-security-policy": POLICY, "content-language": language}
    return HTMLResponse(body, status, headers)


def notice(request: Request, said: str, status: int = 404) -> HTMLResponse:
    """A page that only says one sentence."""
    key = "page.not_found_title" if status == 404 else "page.notice"
    return page(request, "notice.html", status, heading=text(key, language_of(request.scope)), sentence=said)


def said(language: str, key: str, **values: object) -> str:
    return text(key, language, **values)


def day(language: str, when: date | None) -> str:
    """A day in words, or that it is not stated."""
    return day_text(when, language) if when else text("page.undated", language)


def link(request: Request, path: str, **query: object) -> str:
    """The address of another page, in the language of this one; values that are None or "" are left out."""
    language = language_of(request.scope)
    kept = {k: v for k, v in query.items() if v not in (None, "")}
    if language != own_language(request.scope):
        kept["lang"] = language
    return f"{path}{'&' if '?' in path else '?'}{urlencode(kept)}" if kept else path


def site(request: Request) -> str:
    """The address of the site, without a slash at its end: the operator's, else as it was asked for."""
    return str(request.app.state.settings.public_url or request.base_url).rstrip("/")


def spoken(table: str, language: str, **more: str) -> str:
    """What a script says, as JSON: all texts of a table, their $variables left for the script to fill in."""
    prefix = f"{table}."
    said = {key.removeprefix(prefix): words for key, words in load(language).items() if key.startswith(prefix)}
    return json.dumps({**said, **more}, ensure_ascii=False)


def basket_head(language: str) -> str:
    """The basket for the <head> of a page that is no template of ours: its words, and its script inline."""
    words = html.escape(spoken("basket", language, address=f"/notat?lang={language}"))
    script = (HERE / "basket.js").read_text(encoding="utf-8")
    return f'<meta name="askamu-basket" content="{words}">\n<script>{script}</script>'


@cache
def asset(name: str) -> str:
    """The address of a file of the page, which changes when the file does."""
    return f"/filer/{name}?v={hashlib.sha256((HERE / name).read_bytes()).hexdigest()[:8]}"


def add_assets(app: FastAPI) -> None:
    """Style, scripts and pictures of the pages."""

    @app.get("/filer/farver.css", include_in_schema=False)
    def colours(request: Request) -> Response:
        css = shades(request.app.state.settings.accent).css()
        return Response(css, media_type="text/css", headers={"cache-control": "public, max-age=3600"})

    @app.get("/filer/{name}", include_in_schema=False)
    def file(request: Request, name: str) -> Any:
        if name not in ASSETS:
            return notice(request, text("api.not_found", language_of(request.scope)))
        kept = {"cache-control": "public, max-age=31536000, immutable"}
        return FileResponse(HERE / name, media_type=ASSETS[name], headers=kept)

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> FileResponse:
        return FileResponse(HERE / "favicon.svg", media_type=ASSETS["favicon.svg"])
