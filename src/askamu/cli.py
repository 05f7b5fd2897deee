"""The command line. Results go to stdout, progress and notices to stderr.

Imports that take time (Chroma, Gradio, the embedder) stand inside the commands that need them, so that
`askamu --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from askamu.errors import AskamuError, BadSetting

if TYPE_CHECKING:
    from rich.console import Console

    from askamu.config import Settings
    from askamu.ingest import IngestReport
    from askamu.passage import Answer, Filters

DONE, PARTLY, USAGE, NO_INDEX = 0, 1, 2, 3

app = typer.Typer(
    name="askamu",
    help="Spørg udvalgenes referater, og få ordrette citater med kilde. / Ask the minutes of municipal committees.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

IndexOption = Annotated[
    Path | None, typer.Option("--index", help="Indeksets mappe (ASKAMU_INDEX). / Folder of the index.")
]
LangOption = Annotated[str | None, typer.Option("--lang", help="da eller en. / da or en.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON til programmer. / JSON for programs.")]
MunicipalityOption = Annotated[
    str | None, typer.Option("--municipality", help="Kun denne kommune. / Only this municipality.")
]
CommitteeOption = Annotated[str | None, typer.Option("--committee", help="Kun dette udvalg. / Only this committee.")]
FromOption = Annotated[str | None, typer.Option("--from", help="Møder fra (ÅÅÅÅ, ÅÅÅÅ-MM-DD). / Meetings from.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Møder til (ÅÅÅÅ, ÅÅÅÅ-MM-DD). / Meetings to.")]


def main() -> None:
    """Run the command line: the one place where an explainable error becomes a sentence and an exit code."""
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    try:
        app()
    except AskamuError as error:
        print(error.say(_language()), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None


_asked_language: list[str] = []


def _language() -> str:
    """The language of messages: the option, else the setting, else Danish."""
    if _asked_language:
        return _asked_language[-1]
    from askamu.config import settings

    try:
        return settings().lang
    except BadSetting:
        return "da"


def _settings(index: Path | None, lang: str | None = None) -> Settings:
    from askamu.config import settings

    found = settings(index=index, lang=lang)
    _asked_language.append(found.lang)
    return found


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Filer, mapper eller mønstre. / Files, folders or globs.")],
    index: IndexOption = None,
    only: Annotated[
        bool, typer.Option("--only", help="Indekset skal kun rumme det, der er her. / The index shall hold only this.")
    ] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Indlæs referater i indekset. / Bring minutes into the index."""
    from askamu.ingest import ingest as run

    settings = _settings(index, lang)
    with _progress(settings.lang) as progress:
        report = run(paths, settings, only=only, progress=progress)
    if as_json:
        print(json.dumps(_report_record(report), ensure_ascii=False, indent=1))
    else:
        _print_report(report, settings.lang)
    raise typer.Exit(PARTLY if report.failed else DONE)


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
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Stil et spørgsmål. / Ask a question."""
    from askamu.answer import ask as answer_question
    from askamu.filters import read_filters
    from askamu.library import open_library
    from askamu.show import as_record

    settings = _settings(index, lang)
    if (question is None) == (batch is None):
        raise typer.BadParameter("Giv enten et spørgsmål eller --batch FIL. / Give either a question or --batch FILE.")
    if batch is not None and out is None:
        raise typer.BadParameter("--batch kræver --out FIL. / --batch needs --out FILE.")
    filters = read_filters(municipality, committee, since, until)
    if batch is not None and out is not None:
        failed = _batch(settings, filters, batch, out, lang)
        raise typer.Exit(PARTLY if failed else DONE)
    answer = answer_question(open_library(settings), question or "", filters=filters, language=lang)
    if as_json:
        print(json.dumps(as_record(answer), ensure_ascii=False, indent=1))
    else:
        _print_answer(answer)


@app.command()
def chat(
    host: Annotated[str, typer.Option(help="Adresse at lytte på. / Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port.")] = 7860,
    index: IndexOption = None,
    lang: LangOption = None,
) -> None:
    """Åbn siden og API'et. / Serve the page and the API."""
    from askamu.library import open_library

    settings = _settings(index, lang)
    open_library(settings)  # a missing index is told before Gradio is loaded, and not in the page
    from askamu.ui.server import serve

    serve(settings, host, port)


@app.command()
def parse(
    paths: Annotated[list[Path], typer.Argument(help="Filer med referater. / Files with minutes.")],
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Vis, hvordan et referat læses. / Show how minutes are read."""
    from askamu.errors import PathMissing
    from askamu.load import load
    from askamu.parse import parse as read
    from askamu.show import parse_record

    settings = _settings(None, lang)
    failed = False
    for path in paths:
        if not path.exists():
            raise PathMissing(path)
        try:
            minutes = read(load(path, int(settings.max_file_mb * 1e6)))
        except (AskamuError, OSError) as error:
            print(
                error.say(settings.lang) if isinstance(error, AskamuError) else f"{path.name}: {error}", file=sys.stderr
            )
            failed = True
            continue
        if as_json:
            print(json.dumps(parse_record(minutes), ensure_ascii=False))
        else:
            _print_parse(parse_record(minutes), settings.lang)
    raise typer.Exit(PARTLY if failed else DONE)


@app.command()
def texts(
    folder: Annotated[Path, typer.Argument(help="Mappe at skrive i. / Folder to write to.")],
    index: IndexOption = None,
    lang: LangOption = None,
) -> None:
    """Skriv hvert dokuments gemte tekst, som citaternes tegntal gælder for. / Write the stored texts."""
    from askamu.library import open_library
    from askamu.texts import text

    settings = _settings(index, lang)
    library = open_library(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for row in library.meetings:
        target = folder / f"{Path(row.source).name}.txt"
        target.write_bytes(library.minutes(row.id).text.encode("utf-8"))
    print(text("cli.texts_written", settings.lang, count=len(library.meetings), folder=folder), file=sys.stderr)


def _batch(settings: Settings, filters: Filters, batch: Path, out: Path, lang: str | None) -> int:
    """Answer the questions of a file; a line that can't be read or answered is told and passed over."""
    from askamu.answer import ask as answer_question
    from askamu.errors import PathMissing
    from askamu.library import open_library
    from askamu.passage import Turn
    from askamu.show import as_record
    from askamu.texts import text

    if not batch.is_file():
        raise PathMissing(batch)
    library = open_library(settings)
    lines = batch.read_text(encoding="utf-8", errors="replace").splitlines()
    failed = 0
    try:
        target = out.open("w", encoding="utf-8")
    except OSError as error:
        raise BadSetting(text("problem.bad_out", settings.lang, file=out, why=error.strerror)) from error
    with target, _progress(settings.lang) as progress:
        for number, line in enumerate(lines, start=1):
            progress("answer", number, len(lines))
            if not line.strip():
                continue
            try:
                asked = json.loads(line)
                history = [Turn(str(t["role"]), str(t["content"])) for t in asked.get("history") or []]
                answer = answer_question(library, str(asked["question"]), history, filters, lang)
            except (ValueError, KeyError, TypeError, AttributeError, AskamuError) as error:
                failed += 1
                why = error.say(settings.lang) if isinstance(error, AskamuError) else repr(error)
                print(text("problem.bad_line", settings.lang, line=number, file=batch, why=why), file=sys.stderr)
                continue
            target.write(json.dumps(as_record(answer, asked.get("id")), ensure_ascii=False) + "\n")
    return failed


@contextmanager
def _progress(language: str) -> Iterator[Any]:
    """A bar a stage on stderr: counts, rate and time left. Silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from askamu.texts import text

    names = {
        "read": "cli.reading",
        "embed": "cli.embedding",
        "vectors": "cli.building",
        "index": "cli.building",
        "answer": "cli.batch_progress",
    }
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in names:
            return
        name = names[stage]
        if stage not in tasks:
            tasks[stage] = bars.add_task(text(name, language), total=total, rate="")
        task = next(t for t in bars.tasks if t.id == tasks[stage])
        speed = f"{task.speed:.1f}/s" if task.speed else ""
        bars.update(tasks[stage], completed=done, total=total, rate=speed)

    with bars:
        yield report


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _print_answer(answer: Answer) -> None:
    from rich.markdown import Markdown
    from rich.markup import escape

    from askamu.passage import Tier
    from askamu.show import by_item, filters_line, place_line, related_line
    from askamu.texts import text

    console = _console()
    said = answer.language
    if answer.completed_question != answer.question:
        console.print(f"[dim]{escape(text('cli.understood_as', said, question=answer.completed_question))}[/dim]")
    if filters_line(answer.filters):
        console.print(f"[dim]{escape(text('cli.limited_to', said, filters=filters_line(answer.filters)))}[/dim]")
    if answer.tier is Tier.POSSIBLE:
        console.print(f"[yellow]{escape(text('cli.possible', said))}[/yellow]")
    console.print(Markdown(answer.text, hyperlinks=False))
    if answer.citations:
        console.print(f"\n[bold]{escape(text('cli.sources', said))}[/bold]")
        for cited in by_item(answer.citations):
            console.print(f"  {place_line(cited[0], said)}", markup=False)
            for citation in cited:
                where = f"{citation.source}, {citation.start}–{citation.end}"
                console.print(
                    f"      [{citation.n}] {citation.heading or citation.title} ({where})", markup=False, style="dim"
                )
    if answer.related:
        console.print(f"\n[bold]{escape(text('cli.related', said))}[/bold]")
        for related in answer.related:
            console.print(f"  {related_line(related, said)}", markup=False)
    for warning in answer.warnings:
        console.print(f"[yellow]{escape(warning)}[/yellow]")


def _print_report(report: IngestReport, language: str) -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.texts import text

    console = _console()
    table = Table(title=text("cli.table_title", language), title_justify="left", box=SIMPLE)
    table.add_column(text("cli.file", language), overflow="fold")
    for key in ("date", "items", "closed", "passages", "status"):
        heading = text(f"cli.{key}", language)
        right = key in ("items", "closed", "passages")
        width = 10 if key == "date" else len(heading)
        table.add_column(heading, justify="right" if right else "left", no_wrap=True, min_width=width)
    whose = None
    for m in sorted(report.meetings, key=lambda m: (m.municipality or "", m.committee or "", m.date_text, m.source)):
        if whose != (m.municipality, m.committee):
            whose = (m.municipality, m.committee)
            said = ", ".join(w or text("cli.unknown", language) for w in whose)
            table.add_section()
            table.add_row(f"[bold]{escape(said)}[/bold]")
        date = m.held_on.strftime("%d.%m.%Y") if m.held_on else text("date.short_unknown", language)
        cells = [
            f"  {m.source}",
            date,
            str(m.items),
            str(m.closed),
            str(m.passages),
            text(f"cli.status_{m.status}", language),
        ]
        table.add_row(*(escape(c) for c in cells))
    console.print(table)
    for m in report.meetings:
        for warning in m.warnings:
            console.print(f"  {m.source}: {warning}", markup=False, style="yellow")
    items = sum(m.items for m in report.meetings)
    if report.repaired:
        console.print(text("cli.repaired", language, why=report.repaired), markup=False)
    if report.reembedded_from:
        console.print(text("cli.reembedded", language, other=report.reembedded_from), markup=False)
    if report.removed:
        console.print(text("cli.removed", language, sources=", ".join(report.removed)), markup=False)
    if not report.built:
        console.print(text("cli.unchanged", language), markup=False)
    console.print(
        text(
            "cli.summary", language, meetings=len(report.meetings), items=items, passages=report.passages,
            embedded=report.passages_embedded, rate=f"{report.rate:.0f}", seconds=f"{report.seconds:.1f}",
        ),
        markup=False,
    )  # fmt: skip
    if report.failed:
        errors = _console(stderr=True)
        errors.print(text("cli.failed", language), style="bold red")
        for failure in report.failed:
            reason = failure.reason if failure.name in failure.reason else f"{failure.name}: {failure.reason}"
            errors.print(f"  {reason}", markup=False)


def _report_record(report: IngestReport) -> dict[str, Any]:
    return {
        "meetings": [
            {
                "source": m.source, "municipality": m.municipality, "committee": m.committee,
                "date": m.held_on.isoformat() if m.held_on else None, "items": m.items, "closed": m.closed,
                "passages": m.passages, "status": m.status, "warnings": list(m.warnings),
            }
            for m in report.meetings
        ],
        "failed": [{"name": f.name, "reason": f.reason} for f in report.failed],
        "removed": list(report.removed), "generation": report.generation, "built": report.built,
        "documents": report.documents, "passages": report.passages, "passages_embedded": report.passages_embedded,
        "seconds": round(report.seconds, 2),
    }  # fmt: skip


def _print_parse(record: dict[str, Any], language: str) -> None:
    from askamu.texts import text

    unknown = text("cli.unknown", language)
    date = (
        record["date"] or f"{text('date.unknown', language)} ({record['date_evidence']})"
        if record["date_evidence"]
        else record["date"]
    )
    console = _console()
    fields = {key: record[key] or unknown for key in ("source", "kind", "municipality", "committee", "layout")}
    console.print(
        text(
            "cli.parsed",
            language,
            **fields,
            date=date or text("date.unknown", language),
            confidence=record["confidence"],
        ),
        markup=False,
        style="bold",
    )
    for item in record["items"]:
        closed = f" ({text('cli.closed_item', language)})" if item["closed"] else ""
        console.print(
            f"{item['number'] or '–':>4}  {item['title'] or '–'}{closed}  {item['case_number'] or ''}", markup=False
        )
        if item["sections"]:
            console.print("      " + ", ".join(s["heading"] for s in item["sections"]), markup=False, style="dim")
        if item["decision"]:
            outcomes = ", ".join(text(f"outcome.{o}", language) for o in item["decision"]["outcomes"])
            console.print(f"      → {outcomes}: {' '.join(item['decision']['text'].split())[:160]}", markup=False)
    for warning in record["warnings"]:
        console.print(f"  ! {warning}", markup=False)
