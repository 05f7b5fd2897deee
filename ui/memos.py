"""/notat and /api/memo…: the memo that a visitor's browser keeps, verified and written as a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from askamu.answer import ask as answer_question
from askamu.config import Settings
from askamu.memo import Memo, Verified, as_record, verify
from askamu.memo_markdown import as_markdown
from askamu.passage import Answer, Filters
from askamu.ui import render
from askamu.ui.chat import Gate
from askamu.ui.middleware import language_of

if TYPE_CHECKING:
    from askamu.library import Library

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def add_memos(app: FastAPI, library_of: Callable[[], Library], settings: Settings, gate: Gate) -> None:
    """The page, and what it asks."""

    def verified(request: Request, memo: Memo) -> Verified:
        library = library_of()

        def ask(question: str, filters: Filters, language: str) -> Answer:
            with gate:
                return answer_question(library, question, filters=filters, language=language)

        return verify(library, memo, ask, language_of(request.scope), render.site(request))

    @app.get("/notat", response_class=HTMLResponse, include_in_schema=False)
    def memo_page(request: Request) -> HTMLResponse:
        return render.page(request, "memo.html", words=render.spoken("notat", language_of(request.scope)))

    @app.post("/api/memo/check", tags=["memo"])
    def check(request: Request, memo: Memo) -> dict[str, Any]:
        """Verify each entry against the minutes; questions are answered anew."""
        return as_record(verified(request, memo))

    @app.post("/api/memo.md", tags=["memo"], response_class=Response)
    def markdown(request: Request, memo: Memo) -> Response:
        """The memo as Markdown."""
        found = verified(request, memo)
        return as_file(as_markdown(found).encode(), found.title, "md", "text/markdown; charset=utf-8")

    @app.post("/api/memo.docx", tags=["memo"], response_class=Response)
    def word(request: Request, memo: Memo) -> Response:
        """The memo as a Word document, in the operator's template where there is one."""
        from askamu.memo_docx import as_docx

        found = verified(request, memo)
        return as_file(as_docx(found, settings.memo_template), found.title, "docx", WORD)


def as_file(content: bytes, title: str, suffix: str, media_type: str) -> Response:
    """A download that is named after its title."""
    name = re.sub(r"[^\w -]+", "", title)[:80].strip() or "notat"
    plain = name.encode("ascii", "ignore").decode().strip() or "notat"
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}.{suffix}\"; filename*=UTF-8''{quote(name)}.{suffix}"
    }
    return Response(content, media_type=media_type, headers=headers)
