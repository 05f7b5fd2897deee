"""The JSON routes under /api, and every error as application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from askamu import show
from askamu.config import Settings
from askamu.errors import AskamuError
from askamu.feedback import answer_mark
from askamu.filters import read_filters
from askamu.passage import Limit, Turn
from askamu.texts import text
from askamu.ui import app as page
from askamu.ui import render
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library


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


def add_api(app: FastAPI, library_of: Callable[[], Library], settings: Settings, gate: page.Gate) -> None:
    """The JSON routes."""

    def record(asked: Asked) -> dict[str, Any]:
        limits = asked.filters
        filters = read_filters(
            limits.municipality, limits.committee, limits.date_from, limits.date_to, limits.case_number,
            limits.lifted,
        )  # fmt: skip
        history = tuple(Turn(t.role, t.content) for t in asked.history)
        library = library_of()
        answer = page.asked(library, settings, gate, asked.question, history, filters, asked.lang)
        return show.as_record(answer) | answer_mark(answer, library)

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


def add_errors(app: FastAPI) -> None:
    """Every error of the API as application/problem+json (RFC 9457), with the sentence a person can act on."""

    @app.exception_handler(AskamuError)
    def explained(request: Request, error: AskamuError) -> Response:
        detail = page.sentence(error, language_of(request.scope))
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
        key = {404: "api.not_found", 405: "api.method"}.get(error.status_code)
        detail = text(key, language_of(request.scope)) if key else str(error.detail)
        return problem(error.status_code, detail, key or "api.refused", error.headers)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        detail = text("error.unknown", language_of(request.scope))
        return problem(500, detail, "error.unknown") if for_programs(request) else render.notice(request, detail, 500)


def for_programs(request: Request) -> bool:
    """Whether a program asks, which reads JSON; a person gets a page."""
    return request.url.path.startswith(("/api/", "/healthz", "/gradio_api/"))


def problem(status: int, detail: str, kind: str, headers: Any = None) -> JSONResponse:
    body = {"type": f"urn:askamu:{kind}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    sent = dict(headers or {}) | ({"retry-after": "5"} if status == 503 else {})
    return JSONResponse(body, status, sent, media_type="application/problem+json")
