"""Asking: ask, chat, mcp."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askamu.errors import AskamuError, BadSetting
from askamu.filters import read_filters
from askamu.passage import Limit
from askamu.terminal import (
    print_answer,
    progress_bar,
)

if TYPE_CHECKING:
    from askamu.config import Settings
    from askamu.library import Library
    from askamu.llm.model import LanguageModel
    from askamu.passage import Answer, Filters, Turn
from askamu.commands import (
    DONE,
    PARTLY,
    CommitteeOption,
    FromOption,
    IndexOption,
    JsonOption,
    LangOption,
    MunicipalityOption,
    ToOption,
    app,
    settings_for,
)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="Spørgsmålet. / The question.")] = None,
    index: IndexOption = None,
    municipality: MunicipalityOption = None,
    committee: CommitteeOption = None,
    since: FromOption = None,
    until: ToOption = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", help="Spørgsmål, ét JSON-objekt pr. linje. / Questions, one JSON object a line."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Svarposter, én pr. linje. / Answer records, one a line.")
    ] = None,
    lifted: Annotated[
        list[Limit] | None,
        typer.Option(
            "--lift",
            help="Ingen grænse, selv om spørgsmålet nævner det. / No limit, though the question names it.",
        ),
    ] = None,
    no_llm: Annotated[
        bool, typer.Option("--no-llm", help="Uden sprogmodel (ASKAMU_LLM). / Without the language model.")
    ] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Stil et spørgsmål. / Ask a question."""
    from askamu.library import open_library
    from askamu.show import as_record

    settings = settings_for(index, lang)
    if (question is None) == (batch is None):
        raise typer.BadParameter("Giv enten et spørgsmål eller --batch FIL. / Give either a question or --batch FILE.")
    if (batch is None) != (out is None):
        raise typer.BadParameter("--batch og --out hører sammen. / --batch and --out go together.")
    if batch is not None and out is not None and out.exists() and batch.exists() and batch.samefile(out):
        raise typer.BadParameter("--out er spørgsmålenes fil. / --out is the file of the questions.")
    filters = read_filters(municipality, committee, since, until, lifted=lifted or ())
    if batch is not None and out is not None:
        failed = _batch(settings, filters, batch, out, lang, None if no_llm else model_for(settings))
        raise typer.Exit(PARTLY if failed else DONE)
    model = None if no_llm else model_for(settings)
    answer = answered(open_library(settings), model, question or "", (), filters, lang)
    if as_json:
        print(json.dumps(as_record(answer), ensure_ascii=False, indent=1))
    else:
        print_answer(answer)


def _batch(
    settings: Settings, filters: Filters, batch: Path, out: Path, lang: str | None, model: LanguageModel | None
) -> int:
    """Answer the questions of a file; a line that can't be read or answered is told and passed over."""
    from askamu.errors import PathMissing
    from askamu.library import open_library
    from askamu.passage import Turn
    from askamu.show import as_record
    from askamu.texts import text

    if not batch.is_file():
        if not batch.exists():
            raise PathMissing(batch)
        raise BadSetting(text("problem.no_file", settings.lang, path=batch))
    library = open_library(settings)
    lines = batch.read_text(encoding="utf-8", errors="replace").splitlines()
    failed = 0
    try:
        target = out.open("w", encoding="utf-8")
    except OSError as error:
        raise BadSetting(text("problem.bad_out", settings.lang, file=out, why=error.strerror)) from error
    with target, progress_bar(settings.lang) as progress:
        for number, line in enumerate(lines, start=1):
            progress("answer", number, len(lines))
            if not line.strip():
                continue
            try:
                asked = json.loads(line)
                question, id = asked["question"], asked.get("id")
                if not isinstance(question, str) or not isinstance(id, str | int | None):
                    raise TypeError("question must be a text, id a text or a whole number")
                history = [Turn(str(t["role"]), str(t["content"])) for t in asked.get("history") or []]
                answer = answered(library, model, question, history, filters, lang)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError, AskamuError) as error:
                failed += 1
                why = error.say(settings.lang) if isinstance(error, AskamuError) else repr(error)
                print(text("problem.bad_line", settings.lang, line=number, file=batch, why=why), file=sys.stderr)
                continue
            target.write(json.dumps(as_record(answer, id), ensure_ascii=False) + "\n")
    return failed


def answered(
    library: Library,
    model: LanguageModel | None,
    question: str,
    history: Sequence[Turn],
    filters: Filters,
    language: str | None,
) -> Answer:
    from askamu.answer import ask as ask_alone

    if model is None:
        return ask_alone(library, question, history, filters, language)
    from askamu.llm.write import ask_model, last

    return last(ask_model(library, model, question, history, filters, language))


def model_for(settings: Settings) -> LanguageModel | None:
    """The operator's language model, where there is one."""
    if not settings.llm:
        return None
    from askamu.llm.model import open_model

    return open_model(settings)


@app.command()
def chat(
    host: Annotated[str, typer.Option(help="Adresse at lytte på. / Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port.")] = 7860,
    index: IndexOption = None,
    lang: LangOption = None,
) -> None:
    """Åbn siden og API'et. / Serve the page and the API."""
    from askamu.library import open_library

    settings = settings_for(index, lang)
    open_library(settings)  # a missing index is told before Gradio is loaded, and not in the page
    from askamu.ui.server import serve

    serve(settings, host, port)


@app.command()
def mcp(index: IndexOption = None, lang: LangOption = None) -> None:
    """Værktøjer til sprogmodeller (MCP) over stdin og stdout. / Tools for language models (MCP) over stdin, stdout."""
    settings = settings_for(index, lang)
    from askamu.mcp_server import serve_stdio

    serve_stdio(settings)
