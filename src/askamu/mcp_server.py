"""askamu's tools for language models, over the Model Context Protocol; the one place that imports `mcp`.

All tools only read. What they return is data with citations and links; text from minutes is quoted material, and each
result says so, because a document may hold words that look like an instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from askamu import answer as answering
from askamu import links, resources, show, texts
from askamu.config import Settings
from askamu.decisions import DecisionFilters, as_record
from askamu.errors import AskamuError, ExtraMissing
from askamu.filters import read_filters
from askamu.library import Library, OpenLibrary
from askamu.minutes import Outcome, SectionKind
from askamu.threads import thread_record

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.transport_security import TransportSecuritySettings
    from mcp.types import ToolAnnotations
except ImportError as error:
    raise ExtraMissing("mcp") from error

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
LOCAL = ("127.0.0.1:*", "localhost:*", "[::1]:*")
LONGEST = 30_000  # characters of an item that a tool returns
LINKS = frozenset({"permalink", "case_permalink"})

Municipality = Annotated[str | None, Field(description="only this municipality (kommune)", max_length=100)]
Committee = Annotated[str | None, Field(description="only this committee (udvalg)", max_length=200)]
Day = Annotated[str | None, Field(description="2023, 2023-03, 2023-03-01 or 01.03.2023", max_length=10)]
CaseNumber = Annotated[str | None, Field(description="only this case (sagsnummer)", max_length=50)]
Most = Annotated[int, Field(ge=1, le=50)]
Offset = Annotated[int, Field(ge=0, le=10_000)]


class Tools:
    """What the tools do. Each returns a record, or raises AskamuError."""

    def __init__(self, library_of: Callable[[], Library], settings: Settings) -> None:
        self.library_of, self.settings = library_of, settings

    def ask(
        self,
        question: Annotated[str, Field(description="in Danish or English, as one would ask a colleague")],
        municipality: Municipality = None,
        committee: Committee = None,
        date_from: Day = None,
        date_to: Day = None,
        case_number: CaseNumber = None,
        language: Annotated[Literal["da", "en"] | None, Field(description="of the answer")] = None,
    ) -> dict[str, Any]:
        """Answer a question about the minutes with passages quoted word for word, each with its source and link.

        `tier` is "answer", "possible" (check the source), "not_stated" (the minutes do not say), "closed" or "failed".
        The words are the minutes' own, never a language model's, also where the operator has one: phrase them yourself.
        """
        filters = read_filters(municipality, committee, date_from, date_to, case_number)
        library = self.library_of()
        answer = answering.ask(library, question, (), filters, language)
        record = show.as_record(answer)
        for inner in ("id", "retrieved", "timings_ms", "model", "verification"):
            del record[inner]
        return record | {"permalink": links.answer_path(answer.question, filters, library.generation)}

    def search(
        self,
        query: Annotated[str, Field(description="words or a sentence; meaning counts too")],
        municipality: Municipality = None,
        committee: Committee = None,
        date_from: Day = None,
        date_to: Day = None,
        case_number: CaseNumber = None,
        sections: Annotated[
            list[SectionKind] | None,
            Field(description='only sections of these kinds; "decision" is what was decided', max_length=20),
        ] = None,
        limit: Most = 10,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """Find passages of the minutes, best first, with scores, the kind of section they stand in, and links."""
        filters = read_filters(municipality, committee, date_from, date_to, case_number)
        return resources.search_record(self.library_of(), query, filters, sections or (), limit, offset)

    def read_item(
        self, item_id: Annotated[str, Field(description='"document:place", the item_id of a result', max_length=80)]
    ) -> dict[str, Any]:
        """Read one agenda item (dagsordenspunkt) as printed, section by section, with its decision.

        Of a long item the first part is given; `left_out` counts the characters that are not, `permalink` has them all.
        """
        record = resources.item_record(self.library_of(), item_id, self.settings.lang)
        left = LONGEST
        whole = sum(len(section["text"]) for section in record["sections"])
        for section in record["sections"]:
            section["text"] = section["text"][:left]
            left -= len(section["text"])
        return record | {"left_out": max(0, whole - LONGEST)}

    def follow_case(self, case_number: Annotated[str, Field(max_length=50)]) -> dict[str, Any]:
        """Follow one case through meetings and committees, oldest first, with what each decided.

        `confidence` under 1 means that titles alone hold a step to the case.
        """
        library = self.library_of()
        return {
            "case_number": case_number,
            "permalink": links.case_path(case_number),
            "threads": [thread_record(thread, library) for thread in library.cases.of_number(case_number)],
        }

    def list_decisions(
        self,
        municipality: Municipality = None,
        committee: Committee = None,
        date_from: Day = None,
        date_to: Day = None,
        case_number: CaseNumber = None,
        outcome: Outcome | None = None,
        limit: Most = 20,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """List decisions (beslutninger), newest first, each with the points of the recommendation that it adopts.

        `final` false: only recommended to another body, put off or sent back.
        """
        filters = read_filters(municipality, committee, date_from, date_to, case_number)
        rows = self.library_of().decisions.select(DecisionFilters(filters, outcome))
        shown = rows[offset : offset + limit]
        return {
            "filters": filters.as_record(),
            "count": len(rows),
            "offset": offset,
            "next_offset": offset + len(shown) if offset + len(shown) < len(rows) else None,
            "decisions": [as_record(row, self.settings.lang) for row in shown],
        }


def build_server(settings: Settings, library_of: Callable[[], Library] | None = None) -> MCPServer:
    """The MCP server with its tools."""
    tools = Tools(library_of or OpenLibrary(settings), settings)
    server = MCPServer(
        "askamu", title="askamu", instructions=texts.text("mcp.instructions", settings.lang), log_level="WARNING"
    )
    for tool in (tools.ask, tools.search, tools.read_item, tools.follow_case, tools.list_decisions):
        server.add_tool(_explaining(tool, settings), name=tool.__name__, annotations=READS)
    return server


def _explaining(tool: Callable[..., dict[str, Any]], settings: Settings) -> Callable[..., dict[str, Any]]:
    """A tool whose results say what the quoted text is, and whose errors are the sentences that people get."""
    from functools import wraps

    @wraps(tool)
    def explained(*args: Any, **values: Any) -> dict[str, Any]:
        try:
            found = tool(*args, **values)
        except AskamuError as error:
            raise ToolError(texts.text(error.text_key, settings.lang, **error.values)) from error
        note = texts.text("mcp.quoted", settings.lang)
        return {"note": note, **_with_whole_links(found, (settings.public_url or "").rstrip("/"))}

    return explained


def _with_whole_links(value: Any, site: str) -> Any:
    """The record with links that can be followed from elsewhere, where it is known at what address the page is."""
    if isinstance(value, dict):
        return {
            k: f"{site}{v}" if k in LINKS and isinstance(v, str) else _with_whole_links(v, site)
            for k, v in value.items()
        }
    return [_with_whole_links(v, site) for v in value] if isinstance(value, list) else value


def serve_stdio(settings: Settings) -> None:
    """Answer one client over stdin and stdout until it closes them."""
    build_server(settings).run("stdio")


def http_app(server: MCPServer, settings: Settings) -> Any:
    """The server as an ASGI application with one route, /mcp. Only requests to a name that is ours are answered."""
    site = (settings.public_url or "").rstrip("/")
    host = site.partition("://")[2]
    security = TransportSecuritySettings(
        allowed_hosts=[*LOCAL, *([host] if host else [])],
        allowed_origins=[*(f"http://{local}" for local in LOCAL), *([site] if site else [])],
    )
    return server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
