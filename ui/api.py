"""The JSON routes under /api, and every error as application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askamu import links, resources, show
from askamu.config import Settings
from askamu.errors import AskamuError, QuestionTooLong
from askamu.feedback import answer_mark
from askamu.filters import read_filters
from askamu.llm.model import Stoppable
from askamu.minutes import Span
from askamu.passage import Filters, Turn
from askamu.texts import load, text
from askamu.ui import render
from askamu.ui.chat import Gate, asked_in_steps, sentence
from askamu.ui.middleware import language_of
from askamu.ui.schemas import (
    AnswerRecord,
    Asked,
    AskedFilters,
    AskQuery,
    Health,
    ItemRecord,
    MeetingDetail,
    MeetingList,
    MeetingsQuery,
    PassageRecord,
    Problem,
    SearchQuery,
    SearchRecord,
)
from askamu.ui.shown import steps

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.llm.model import LanguageModel

VERSION = "1"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
EVENTS = "text/event-stream"
EVENT: dict[str, Any] = {  # of a stream, each one
    "type": "object",
    "properties": {
        "event": {"enum": ["status", "text", "record", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
STREAM: dict[str, Any] = {
    "description": "The answer record; as server-sent events where `Accept: text/event-stream` asks for them: "
    "`status`, `text` (growing), `record`, `error` (a problem).",
    "content": {EVENTS: {"schema": EVENT}},
}
TAGS = [
    {"name": "ask", "description": "Questions, answered with quoted and cited passages"},
    {"name": "collection", "description": "What is indexed: meetings, items, passages"},
    {"name": "operation", "description": "For those who run it"},
]
EXAMPLES = {
    "/api/ask": "?q=budget",
    "/api/ask/stream": "?q=budget",
    "/api/search": "?q=budget&section=decision&limit=5",
    "/api/meetings": "?date_from=2024&limit=20",
}
EXAMPLE_BODY = '{"question": "Hvad blev besluttet om budgettet?"}'
log = logging.getLogger("askamu.ui")


def add_api(
    app: FastAPI,
    library_of: Callable[[], Library],
    settings: Settings,
    gate: Gate,
    model: LanguageModel | None = None,
) -> None:
    """The JSON routes."""

    def answered(request: Request, asked: Asked, *, stream: bool = False) -> Any:
        filters = filters_of(asked.filters)
        history = tuple(Turn(t.role, t.content) for t in asked.history)
        library = library_of()

        used = Stoppable(model) if model is not None and asked.llm else None

        def grown() -> Iterator[str | dict[str, Any]]:
            told = settings, gate, used, asked.question, history, filters, asked.lang
            for step in asked_in_steps(library, *told):
                yield step if isinstance(step, str) else show.as_record(step) | answer_mark(step, library)

        if stream or wants_events(request):
            return as_events(grown, asked.lang or language_of(request.scope), used.stop if used else lambda: None)
        return next(step for step in grown() if not isinstance(step, str))

    def asked_by_link(query: AskQuery) -> Asked:
        limits = query.model_dump(include=set(AskedFilters.model_fields))
        return Asked(question=query.q, filters=AskedFilters(**limits), lang=query.lang, llm=query.llm)

    @app.post("/api/ask", tags=["ask"], response_model=AnswerRecord, responses={200: STREAM})
    def ask(request: Request, asked: Asked) -> Any:
        """Answer a question with quoted, cited passages."""
        return answered(request, asked)

    @app.get("/api/ask", tags=["ask"], response_model=AnswerRecord, responses={200: STREAM})
    def ask_by_link(request: Request, query: Annotated[AskQuery, Query()]) -> Any:
        """The same by a link: ?q=…&municipality=…"""
        return answered(request, asked_by_link(query))

    only_events: dict[int | str, dict[str, Any]] = {
        200: {"description": "Server-sent events", "content": {EVENTS: {"schema": EVENT}}}
    }

    @app.post("/api/ask/stream", tags=["ask"], response_class=StreamingResponse, responses=only_events)
    def ask_stream(request: Request, asked: Asked) -> Any:
        """The answer as server-sent events: `status`, `text` (growing), `record`, or `error`."""
        return answered(request, asked, stream=True)

    @app.get("/api/ask/stream", tags=["ask"], response_class=StreamingResponse, responses=only_events)
    def ask_stream_by_link(request: Request, query: Annotated[AskQuery, Query()]) -> Any:
        """The same by a link, for an `EventSource`."""
        return answered(request, asked_by_link(query), stream=True)

    @app.get("/api/search", tags=["ask"], response_model=SearchRecord)
    def search(query: Annotated[SearchQuery, Query()]) -> Any:
        """Passages for a query, best first: what answers rest on, without an answer."""
        if len(query.q) > settings.max_question_chars:
            raise QuestionTooLong(len(query.q), settings.max_question_chars)
        filters = filters_of(query)
        library = library_of()
        with gate:
            return resources.search_record(
                library, query.q, filters, query.section, query.limit, query.offset, query.lang
            )

    @app.get("/api/meetings", tags=["collection"], response_model=MeetingList)
    def meetings(query: Annotated[MeetingsQuery, Query()]) -> Any:
        """The meetings that are indexed, by municipality and committee, the newest first."""
        return resources.meetings_record(library_of(), filters_of(query), query.offset, query.limit)

    @app.get("/api/meetings/{id}", tags=["collection"], response_model=MeetingDetail)
    def meeting(request: Request, id: str) -> Any:
        """One meeting with its agenda. The id of minutes that were corrected since leads to the corrected ones."""
        return resources.meeting_record(library_of(), id, language_of(request.scope))

    @app.get("/api/items/{id}", tags=["collection"], response_model=ItemRecord)
    def item(request: Request, id: str) -> Any:
        """One item with the text of its sections. `id` is "document:place", the place in the minutes counted from 0.

        Of a closed item only its heading and its case number are public: `sections` is empty, `decision` null.
        """
        return resources.item_record(library_of(), id, language_of(request.scope))

    @app.get("/api/passages/{id}", tags=["collection"], response_model=PassageRecord)
    def passage(request: Request, id: str) -> Any:
        """A passage word for word, what stands around it, and what became of it when its minutes were corrected.

        `id` is the `passage_id` of a citation, or "document.place.start.end", place -1 for what stands before the
        first item.
        """
        return resources.passage_record(library_of(), id, language_of(request.scope))

    @app.get("/healthz", tags=["operation"], response_model=Health)
    def health() -> dict[str, Any]:
        """Whether questions can be answered; 503 when there is no index that can be read."""
        library = library_of()
        return {
            "status": "ok",
            "generation": library.generation,
            "meetings": len(library.meetings),
            "embedder": library.current.manifest.model_id,
        }

    @app.get("/api", response_class=HTMLResponse, include_in_schema=False)
    def about(request: Request) -> HTMLResponse:
        origin = str(request.base_url).rstrip("/")
        try:
            ids = example_ids(library_of())
        except AskamuError:
            ids = {}  # without an index there is still what the routes are
        groups = documented(app, origin, ids, language_of(request.scope))
        return render.page(request, "api.html", groups=groups)

    app.openapi = lambda: described(app)  # type: ignore[method-assign]


def filters_of(given: Any) -> Filters:
    """Raises: BadDate, PeriodReversed."""
    return read_filters(
        given.municipality, given.committee, given.date_from, given.date_to,
        getattr(given, "case_number", None), getattr(given, "lifted", ()),
    )  # fmt: skip


# -- events ---------------------------------------------------------------------------------------


def wants_events(request: Request) -> bool:
    return EVENTS in request.headers.get("accept", "").casefold()


class Watched(StreamingResponse):
    """A stream that tells when its reader has left; otherwise it is found out with the next words only."""

    left: Callable[[], None]

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self.left()


def as_events(
    grown: Callable[[], Iterator[str | dict[str, Any]]], language: str, left: Callable[[], None]
) -> StreamingResponse:
    """An answer as server-sent events; whatever goes wrong on the way is the last one.

    Args:
        grown: the text as a language model writes it, and last the record.
        left: called when nobody reads them any longer.
    """

    def events() -> Iterator[str]:
        yield event("status", {"status": "searching", "text": text("page.searching", language)})
        found: dict[str, Any] = {}
        written = False
        try:
            for step in grown():
                if isinstance(step, str):
                    written = True
                    yield event("text", {"text": step})
                else:
                    found = step
        except AskamuError as error:
            yield event("error", problem_body(error.http_status, sentence(error, language), error.text_key))
            return
        except Exception:
            log.exception("a question could not be answered")  # a bug; the question itself is not logged
            yield event("error", problem_body(500, text("error.unknown", language), "error.unknown"))
            return
        for told in steps(found["answer"]) if not written else ():
            yield event("text", {"text": told})
        yield event("record", found)

    answer = Watched(events(), media_type=EVENTS, headers={"x-accel-buffering": "no"})
    answer.left = left
    return answer


def event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


# -- OpenAPI --------------------------------------------------------------------------------------


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: as FastAPI makes it, with the errors that every route of the API can answer."""
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title="askamu",
        version=VERSION,
        summary="Questions to the minutes of Danish municipal committees, answered with quoted passages",
        description="Every address stands also under /api/v1. Errors are application/problem+json (RFC 9457). "
        "Of closed items only heading and case number are public. /api is the same for people.",
        routes=app.routes,
        tags=TAGS,
    )
    parts = schema.setdefault("components", {}).setdefault("schemas", {})
    parts["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        parts.pop(unused, None)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            statuses = [404] * ("{" in path) + [400, 413] * (method == "post") + [422, 500, 503]
            statuses += [429] * path.startswith("/api/")
            for status in statuses if path.startswith("/api/") else [500, 503]:
                answers[str(status)] = documented_problem(status)
    app.openapi_schema = schema
    return schema


def documented_problem(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return answer


def documented(app: FastAPI, origin: str, ids: dict[str, str], language: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """What the page about the API lists: groups of routes, each with a command to try it.

    Args:
        ids: an id for each kind of thing that an address names.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in described(app)["paths"].items():
        for method, operation in operations.items():
            told = f"apidoc.do_{operation['operationId']}"
            own = text(told, language) if told in load(language) else ""
            route = {
                "method": method.upper(),
                "path": path,
                "summary": own or " ".join(operation.get("description", "").replace("`", "").split()),
                "language": language if own else "en",
                "parameters": [
                    {
                        "name": p["name"],
                        "required": p.get("required", False),
                        "description": p.get("description") or p["schema"].get("description", ""),
                    }
                    for p in operation.get("parameters", [])
                    if p["name"] != "lang"
                ],
                "example": example(method, path, origin, ids),
            }
            found.setdefault((operation.get("tags") or ["collection"])[0], []).append(route)
    titles = {tag["name"]: text(f"apidoc.tag_{tag['name']}", language) for tag in TAGS}
    order = [*titles, *(name for name in found if name not in titles)]
    return [(titles.get(name, name), found[name]) for name in order if name in found]


def example(method: str, path: str, origin: str, ids: dict[str, str]) -> str:
    """A command that tries a route."""
    address = origin + path
    for kind, id in ids.items():
        address = address.replace(f"/{kind}/{{id}}", f"/{kind}/{id}")
    stream = "-N " if path.endswith("/stream") else ""
    if method == "post":
        return f"curl {stream}'{address}' -H 'content-type: application/json' -d '{EXAMPLE_BODY}'"
    return f"curl {stream}'{address}{EXAMPLES.get(path, '')}'"


def example_ids(library: Library) -> dict[str, str]:
    """Of the newest meeting with items."""
    row = next((m for m in library.meetings if m.items), None)
    if row is None:
        return {}
    minutes = library.minutes(row.id)
    start = minutes.items[0].start
    passage = links.passage_id(row.id, 0, Span(start, start + max(1, len(minutes.items[0].title))))
    return {"meetings": row.id, "items": links.item_id(row.id, 0), "passages": passage}


def add_unknown(app: FastAPI) -> None:
    """Addresses under /api that nothing answers, before Gradio takes them. After all other routes of the API."""

    @app.api_route("/api/{rest:path}", methods=METHODS, include_in_schema=False)
    def unknown(request: Request) -> Response:
        taken: set[str] = set()
        for route in request.app.router.routes:
            if getattr(route, "include_in_schema", False) and route.matches(request.scope)[0] is Match.PARTIAL:
                taken |= getattr(route, "methods", None) or set()
        if taken:
            raise HTTPException(405, headers={"allow": ", ".join(sorted(taken))})
        raise HTTPException(404)


class Versioned:
    """/api/v1/… is /api/…; every answer of the API says its version."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith("/api/"):
            await self.app(scope, receive, send)
            return
        alias = f"/api/v{VERSION}/"
        if path.startswith(alias):
            path = "/api/" + path.removeprefix(alias)
            scope = {**scope, "path": path, "raw_path": path.encode()}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["askamu-api-version"] = VERSION
            await send(message)

        await self.app(scope, receive, sending)


def add_errors(app: FastAPI) -> None:
    """Every error of the API as application/problem+json (RFC 9457), with the sentence a person can act on."""

    @app.exception_handler(AskamuError)
    def explained(request: Request, error: AskamuError) -> Response:
        detail = sentence(error, language_of(request.scope))
        if not for_programs(request):
            return render.notice(request, detail, error.http_status)
        return problem(error.http_status, detail, error.text_key)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(x) for x in first["loc"] if x != "body")
        why = f"{where}: {first['msg']}" if where else str(first["msg"])
        detail = text("api.bad_request", language_of(request.scope), why=why)
        return problem(422, detail, "api.bad_request") if for_programs(request) else render.notice(request, detail, 422)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        key = {400: "api.bad_body", 404: "api.not_found", 405: "api.method"}.get(error.status_code)
        detail = text(key, language_of(request.scope)) if key else str(error.detail)
        if not for_programs(request) and "text/html" in request.headers.get("accept", ""):
            return render.notice(request, detail, error.status_code)
        return problem(error.status_code, detail, key or "api.refused", error.headers)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        detail = text("error.unknown", language_of(request.scope))
        return problem(500, detail, "error.unknown") if for_programs(request) else render.notice(request, detail, 500)


def for_programs(request: Request) -> bool:
    """Whether a program asks, which reads JSON; a person gets a page."""
    return request.url.path.startswith(("/api/", "/healthz", "/gradio_api/"))


def problem_body(status: int, detail: str, kind: str) -> dict[str, Any]:
    return {"type": f"urn:askamu:{kind}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def problem(status: int, detail: str, kind: str, headers: Any = None) -> JSONResponse:
    body = problem_body(status, detail, kind)
    sent = dict(headers or {}) | ({"retry-after": "5"} if status == 503 else {})
    return JSONResponse(body, status, sent, media_type="application/problem+json")
