"""The command line. Results go to stdout, progress and notices to stderr.

Imports that take time (Chroma, Gradio, the embedder) stand inside the commands that need them, so that
`askamu --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from askamu.errors import AskamuError, BadSetting

if TYPE_CHECKING:
    from rich.console import Console

    from askamu.config import Settings
    from askamu.fetch import FetchReport
    from askamu.ingest import IngestReport, PlannedFile
    from askamu.passage import Answer, Filters
    from askamu.report import Read
    from askamu.tune.run import TuneReport

DONE, PARTLY, USAGE, NO_INDEX = 0, 1, 2, 3
SHOWN = 10  # of the names of what an ingest passed over

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
    from askamu.vocabulary import use

    found = settings(index=index, lang=lang)
    _asked_language.append(found.lang)
    _tell_log()
    use(found.vocabulary)
    return found


def _tell_log() -> None:
    """What askamu's log says (the model is being made, another one is used instead) goes to stderr, as it stands."""
    import logging

    log = logging.getLogger("askamu")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
        log.propagate = False


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Filer, mapper eller mønstre. / Files, folders or globs.")],
    index: IndexOption = None,
    only: Annotated[
        bool, typer.Option("--only", help="Indekset skal kun rumme det, der er her. / The index shall hold only this.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Vis, hvad der ville ske; skriv intet. / Show what would happen.")
    ] = False,
    watching: Annotated[
        bool, typer.Option("--watch", help="Bliv ved, og indlæs ved hver ændring. / Go on, and ingest each change.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, help="Sekunder mellem to blik. / Seconds between two looks.")
    ] = 5.0,
    municipality: Annotated[
        str | None, typer.Option("--municipality", help="Referaternes kommune. / The minutes' municipality.")
    ] = None,
    committee: Annotated[
        str | None, typer.Option("--committee", help="Referaternes udvalg. / The minutes' committee.")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="Mødets dato, for én fil. / The meeting's date, for one file.")
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Indlæs referater i indekset. / Bring minutes into the index."""
    from askamu.ingest import UNREADABLE, plan
    from askamu.ingest import ingest as run
    from askamu.sidecar import NOTHING, from_options
    from askamu.texts import text

    settings = _settings(index, lang)
    overrides = from_options(municipality, committee, date)
    if dry_run and watching:
        raise typer.BadParameter("Vælg --dry-run eller --watch. / Choose --dry-run or --watch.")
    if dry_run:
        with _progress(settings.lang) as progress:
            files = plan(paths, settings, only=only, progress=progress, overrides=overrides)
        _print_plan(files, settings.lang, as_json)
        raise typer.Exit(PARTLY if any(f.status == UNREADABLE for f in files) else DONE)
    if watching:
        if overrides != NOTHING:
            raise typer.BadParameter(text("ingest.no_watch", settings.lang))
        _watch(paths, settings, only, interval, as_json)
        raise typer.Exit(DONE)
    with _progress(settings.lang) as progress:
        report = run(paths, settings, only=only, progress=progress, overrides=overrides)
    if as_json:
        print(json.dumps(_report_record(report), ensure_ascii=False, indent=1))
    else:
        _print_report(report, settings.lang)
    raise typer.Exit(PARTLY if report.failed else DONE)


@app.command()
def fetch(
    site: Annotated[str, typer.Argument(help="Sidens adresse. / The site: https://dagsordener.KOMMUNE.dk")],
    out: Annotated[Path, typer.Option("--out", help="Mappe at gemme i. / Folder to keep them in.")],
    committee: Annotated[
        list[str] | None, typer.Option("--committee", help="Kun dette udvalg; kan gentages. / May be repeated.")
    ] = None,
    since: FromOption = None,
    until: ToOption = None,
    attachments: Annotated[
        bool, typer.Option("--attachments", help="Hent også bilagene (PDF). / Attachments too (PDF).")
    ] = False,
    pause: Annotated[
        float, typer.Option("--pause", min=0.0, help="Sekunder mellem forespørgsler. / Seconds between requests.")
    ] = 1.0,
    contact: Annotated[
        str | None,
        typer.Option("--contact", envvar="ASKAMU_CONTACT", help="Din adresse, til sidens ejer. / Your address."),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Hent møder fra en kommunes side (FirstAgenda). / Fetch meetings from a municipality's site."""
    from askamu.fetch import FetchOptions
    from askamu.fetch import fetch as run
    from askamu.filters import read_filters
    from askamu.texts import text

    settings = _settings(None, lang)
    period = read_filters(since=since, until=until)
    options = FetchOptions(
        tuple(committee or ()), period.date_from, period.date_to, attachments, contact=contact, pause=pause
    )
    if not contact:
        print(text("fetch.no_contact", settings.lang), file=sys.stderr)
    with _progress(settings.lang) as progress:
        report = run(site, out, options, progress)
    if as_json:
        print(json.dumps(_fetch_record(report), ensure_ascii=False, indent=1))
    else:
        _print_fetch(report, settings.lang)
    raise typer.Exit(DONE if report.complete else PARTLY)


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
    if (batch is None) != (out is None):
        raise typer.BadParameter("--batch og --out hører sammen. / --batch and --out go together.")
    if batch is not None and out is not None and out.exists() and batch.exists() and batch.samefile(out):
        raise typer.BadParameter("--out er spørgsmålenes fil. / --out is the file of the questions.")
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
def tune(
    paths: Annotated[list[Path], typer.Argument(help="Filer, mapper eller mønstre. / Files, folders or globs.")],
    out: Annotated[Path, typer.Option("--out", help="Mappe til adapteren. / Folder for the adapter.")],
    base: Annotated[
        str, typer.Option("--base", help="e5 (følger med) eller st:NAVN-ELLER-MAPPE. / The model to adapt.")
    ] = "e5",
    questions: Annotated[
        list[Path] | None, typer.Option("--questions", help="JSONL med egne spørgsmål. / Questions of your own.")
    ] = None,
    held_out: Annotated[
        int,
        typer.Option("--held-out", min=0, help="De nyeste møder, der kun måles på. / Newest meetings to measure on."),
    ] = 0,
    passes: Annotated[
        float | None, typer.Option("--passes", min=0.01, help="Gennemløb af eksemplerne. / Passes over the examples.")
    ] = None,
    rank: Annotated[int | None, typer.Option("--rank", min=1, max=128, help="Adapterens rang. / Its rank.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Frø til det tilfældige. / Seed.")] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Lær modellen, hvordan der spørges til referaterne. / Teach the model how these minutes are asked about."""
    from askamu.tune.run import tune as run

    settings = _settings(None, lang)
    changes = {"passes": passes, "rank": rank, "seed": seed}
    with _progress(settings.lang) as progress:
        report = run(
            paths, out, base=base, questions=questions or (), held_out=held_out, threads=settings.threads,
            max_bytes=int(settings.max_file_mb * 1e6),
            changes={k: v for k, v in changes.items() if v is not None}, progress=progress, language=settings.lang,
        )  # fmt: skip
    _print_tuned(report, settings.lang, as_json)
    raise typer.Exit(PARTLY if report.failed else DONE)


@app.command()
def parse(
    paths: Annotated[list[Path], typer.Argument(help="Filer og mapper med referater. / Files and folders of minutes.")],
    to: Annotated[
        Path | None,
        typer.Option("--report", help="Skriv en HTML-rapport til kontrol. / Write an HTML report to check by."),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Vis, hvordan et referat læses. / Show how minutes are read."""
    from askamu.load import load
    from askamu.parse import parse as read
    from askamu.report import Read, report
    from askamu.show import parse_record
    from askamu.sidecar import corrected
    from askamu.texts import text

    settings = _settings(None, lang)
    files, results = _files(paths)
    if to is not None:
        if any(f.exists() and to.exists() and f.samefile(to) for f in paths):
            raise typer.BadParameter("--report er en af filerne. / --report is one of the files.")
        files = [f for f in files if f.resolve() != to.resolve()]  # an earlier report in the folder
    for result in results:
        print(f"{result.name}: {result.failure}", file=sys.stderr)
    for path in files:
        try:
            minutes = read(load(path, int(settings.max_file_mb * 1e6)), settings.lang)
            minutes = corrected(minutes, path, language=settings.lang)
        except (AskamuError, OSError) as error:
            why = error.say(settings.lang) if isinstance(error, AskamuError) else f"{path.name}: {error}"
            print(why, file=sys.stderr)
            results.append(Read(path.name, failure=why))
            continue
        if to is not None:
            results.append(Read(path.name, minutes))
        if as_json:
            print(json.dumps(parse_record(minutes), ensure_ascii=False))
        elif to is None:
            _print_parse(parse_record(minutes), settings.lang)
    failed = sum(r.failure is not None for r in results)
    if to is not None:
        try:
            to.write_text(report(results, settings.lang), encoding="utf-8")
        except OSError as error:
            raise BadSetting(text("problem.bad_out", settings.lang, file=to, why=error.strerror)) from error
        said = text("report.written", settings.lang, file=to, files=len(results), failed=failed)
        print(said, file=sys.stderr)
    raise typer.Exit(PARTLY if failed else DONE)


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[Read]]:
    """The files that paths name, also under folders, and the folders that could not be searched."""
    from askamu.errors import PathMissing
    from askamu.report import Read

    if not any(path.is_dir() for path in paths):
        for path in paths:
            if not path.exists():
                raise PathMissing(path)
        return list(paths), []
    from askamu.ingest import find

    found, unsearched = find(paths)
    return found, [Read(f.name, failure=f.reason) for f in unsearched]


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for row in library.meetings:
            target = folder / f"{Path(row.source).name}.txt"
            target.write_bytes(library.minutes(row.id).text.encode("utf-8"))
    except OSError as error:
        raise BadSetting(text("problem.bad_out", settings.lang, file=folder, why=error.strerror)) from error
    print(text("cli.texts_written", settings.lang, count=len(library.meetings), folder=folder), file=sys.stderr)


@app.command()
def case(
    number: Annotated[str, typer.Argument(help="Sagsnummeret. / The case number (sagsnummer).")],
    index: IndexOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Følg en sag over møder og udvalg. / Follow a case over meetings and committees."""
    from askamu.library import open_library
    from askamu.record import case_key
    from askamu.texts import text
    from askamu.threads import find_threads, items_of, thread_record

    settings = _settings(index, lang)
    library = open_library(settings)
    items = items_of(library)
    records = [thread_record(t, library) for t in find_threads(items, number)]
    if as_json:
        print(json.dumps({"case_number": number, "threads": records}, ensure_ascii=False, indent=1))
    elif records:
        _print_case(number, records, settings.lang)
    if not records:
        key = case_key(number)
        title = next((s.title for s in items if s.case_number and case_key(s.case_number) == key), None)
        if title is None:
            print(text("case.none", settings.lang, number=number), file=sys.stderr)
        else:
            print(text("case.formality", settings.lang, number=number, title=title), file=sys.stderr)
    raise typer.Exit(DONE if records else PARTLY)


def _batch(settings: Settings, filters: Filters, batch: Path, out: Path, lang: str | None) -> int:
    """Answer the questions of a file; a line that can't be read or answered is told and passed over."""
    from askamu.answer import ask as answer_question
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
    with target, _progress(settings.lang) as progress:
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
                answer = answer_question(library, question, history, filters, lang)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError, AskamuError) as error:
                failed += 1
                why = error.say(settings.lang) if isinstance(error, AskamuError) else repr(error)
                print(text("problem.bad_line", settings.lang, line=number, file=batch, why=why), file=sys.stderr)
                continue
            target.write(json.dumps(as_record(answer, id), ensure_ascii=False) + "\n")
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
        "fetch": "fetch.progress",
        "learn": "tune.learn",
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
    if report.left_out:
        console.print(text("ingest.left_out", language), markup=False)
        for f in report.left_out:
            console.print(f"  {f.name}: {f.reason}", markup=False, style="yellow")
    if report.skipped:
        names = ", ".join(f.name for f in report.skipped[:SHOWN]) + (" …" if len(report.skipped) > SHOWN else "")
        console.print(text("ingest.skipped", language, names=names), markup=False, style="dim")
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


def _print_tuned(report: TuneReport, language: str, as_json: bool) -> None:
    from dataclasses import asdict

    from askamu.texts import text

    if as_json:
        print(json.dumps(asdict(report) | {"missing": report.missing}, ensure_ascii=False, indent=1, default=str))
        return
    out, notice = _console(), _console(stderr=True)
    for name, why in report.failed:
        notice.print(f"{name}: {why}", markup=False)
    kinds = ", ".join(f"{n} {kind}" for kind, n in report.examples.items())
    total = sum(report.examples.values())
    learned_from = report.meetings - report.held_out - report.checked
    out.print(text("tune.learned_from", language, meetings=learned_from, examples=total, kinds=kinds), markup=False)
    if report.missing:
        notice.print(text("tune.missing", language, kinds=", ".join(report.missing)), markup=False)
    if report.elsewhere:
        notice.print(text("tune.elsewhere", language, n=report.elsewhere), markup=False)
    measured = ("tune.measured_held", report.held_out) if report.held_out else ("tune.measured_checked", report.checked)
    out.print(text(measured[0], language, meetings=measured[1]), markup=False)
    for kind, gain in report.gains.items():
        values = {"before": f"{gain.before:.3f}", "after": f"{gain.after:.3f}", "gain": f"{gain.gain:+.3f}"}
        values |= {"low": f"{gain.low:+.3f}", "high": f"{gain.high:+.3f}"}
        out.print("  " + text("tune.gain", language, kind=kind, n=gain.n, **values), markup=False)
    values = {"size": f"{report.bytes / 1e6:.1f}", "minutes": f"{report.seconds / 60:.1f}"}
    out.print(text("tune.done", language, folder=report.folder, digest=report.digest, **values), markup=False)
    if sum(gain.gain * gain.n for gain in report.gains.values()) <= 0:
        notice.print(text("tune.no_gain", language), markup=False)


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
        "skipped": [{"name": f.name, "reason": f.reason} for f in report.skipped],
        "left_out": [{"name": f.name, "reason": f.reason} for f in report.left_out],
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


def _print_case(number: str, records: Sequence[dict[str, Any]], language: str) -> None:
    from askamu.record import case_key
    from askamu.texts import text

    console = _console()
    unknown = text("cli.unknown", language)
    console.print(text("case.heading", language, number=number), markup=False, style="bold")
    if len(records) > 1:
        console.print(text("case.several", language, count=len(records)), markup=False)
    for record in records:
        steps, place = record["steps"], record["municipality"] or unknown
        key = "case.municipality" if len(steps) > 1 else "case.municipality_one"
        extent = {"steps": len(steps)} if len(steps) > 1 else {}
        title = text("case.title", language, title=record["title"])
        console.print(f"\n{title}, {text(key, language, municipality=place, **extent)}", markup=False, style="bold")
        for step in steps:
            item = text("case.item", language, number=step["item"] or "–", title=step["title"])
            where = ", ".join((_case_day(step, language), step["committee"] or unknown, item))
            console.print(f"  {where}", markup=False)
            if step["confidence"] < 1:
                said = f"{step['confidence']:.2f}"
                said = said.replace(".", ",") if language == "da" else said
                notes = [text("case.seems", language, confidence=said)]
                if step["case_number"] and case_key(step["case_number"]) != case_key(number):
                    notes.append(text("case.other_number", language, number=step["case_number"]))
                console.print(f"      {', '.join(notes)}", markup=False, style="yellow")
            if step["closed"]:
                console.print(f"      {text('case.closed_item', language)}", markup=False, style="dim")
            elif step["decision"] is None:
                console.print(f"      {text('case.no_decision', language)}", markup=False, style="dim")
            else:
                outcomes = ", ".join(text(f"outcome.{o}", language) for o in step["outcomes"])
                console.print(f"      → {outcomes}: »{' '.join(step['decision'].split())}«", markup=False)


def _case_day(step: dict[str, Any], language: str) -> str:
    """When a step was, in digits; an undated meeting by its bounds."""
    from datetime import date

    from askamu.texts import text

    first, last = (
        date.fromisoformat(step[k]).strftime("%d.%m.%Y") if step[k] else None for k in ("earliest", "latest")
    )
    if step["date"]:
        return date.fromisoformat(step["date"]).strftime("%d.%m.%Y")
    if first and last:
        return text("case.between", language, first=first, last=last)
    return text("date.unknown", language)


def _print_plan(files: Sequence[PlannedFile], language: str, as_json: bool) -> None:
    from collections import Counter

    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.ingest import NEW, REMOVED, REPLACED, SKIPPED, UNCHANGED, UNREADABLE
    from askamu.texts import text

    counts = dict.fromkeys((NEW, UNCHANGED, REPLACED, REMOVED, UNREADABLE), 0) | Counter(f.status for f in files)
    if as_json:
        rows = [{"name": f.name, "path": str(f.path), "status": f.status, "notes": list(f.notes)} for f in files]
        print(json.dumps({"files": rows, "counts": counts}, ensure_ascii=False, indent=1))
        return
    names = {
        NEW: "watch.plan_new",
        UNCHANGED: "watch.plan_unchanged",
        REPLACED: "watch.plan_replaced",
        REMOVED: "watch.plan_removed",
        UNREADABLE: "watch.plan_unreadable",
        SKIPPED: "ingest.plan_skipped",
    }
    table = Table(title=text("watch.plan_title", language), title_justify="left", box=SIMPLE)
    for key in ("cli.file", "cli.status", "watch.plan_notes"):
        table.add_column(text(key, language), overflow="fold")
    for f in files:
        table.add_row(*(escape(c) for c in (f.name, text(names[f.status], language), "; ".join(f.notes))))
    console = _console()
    console.print(table)
    console.print(text("watch.plan_summary", language, **counts), markup=False)
    if counts.get(SKIPPED):
        console.print(text("ingest.plan_skipped_count", language, skipped=counts[SKIPPED]), markup=False)


def _watch(paths: Sequence[Path], settings: Settings, only: bool, interval: float, as_json: bool) -> None:
    """Watch until somebody says stop, by Ctrl+C or as a service manager does; either is a good end."""
    import signal
    from datetime import datetime

    from askamu.ingest import NEW, REPLACED
    from askamu.texts import text
    from askamu.watch import Outcome, watch

    lang = settings.lang

    def say(outcome: Outcome) -> None:
        time = datetime.now().strftime("%H:%M:%S")
        if isinstance(outcome, Exception):
            why = outcome.say(lang) if isinstance(outcome, AskamuError) else repr(outcome)
            print(text("watch.failed", lang, time=time, why=why), file=sys.stderr, flush=True)
            return
        if as_json:
            print(json.dumps(_report_record(outcome), ensure_ascii=False), flush=True)
            return
        status = [m.status for m in outcome.meetings]
        if outcome.built or outcome.failed:
            line = text(
                "watch.happened", lang, time=time, new=status.count(NEW), replaced=status.count(REPLACED),
                removed=len(outcome.removed), failed=len(outcome.failed), documents=outcome.documents,
                seconds=f"{outcome.seconds:.1f}",
            )  # fmt: skip
        else:
            line = text("watch.unchanged", lang, time=time, documents=outcome.documents)
        print(line, flush=True)
        for failure in outcome.failed:
            print(f"  {failure.name}: {failure.reason}", file=sys.stderr, flush=True)

    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.default_int_handler)
    try:
        said = text("watch.started", lang, paths=", ".join(map(str, paths)))
        print(said, file=sys.stderr, flush=True)
        watch(paths, settings, say, only=only, interval=interval)
    except KeyboardInterrupt:
        print(text("watch.stopped", lang), file=sys.stderr, flush=True)


def _print_fetch(report: FetchReport, language: str) -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.fetch import REPLACED, REPLACED_FOLDER, STATUSES, WITHDRAWN, WITHDRAWN_FOLDER
    from askamu.texts import text

    console, errors = _console(), _console(stderr=True)
    table = Table(title=text("fetch.table_title", language, site=report.site), title_justify="left", box=SIMPLE)
    table.add_column(text("fetch.committee", language), overflow="fold")
    shown = [s for s in STATUSES if report.count(s)]
    names = dict(
        zip(
            STATUSES,
            ("fetch.new", "fetch.changed", "fetch.unchanged", "fetch.replaced", "fetch.withdrawn", "fetch.failed",
             "fetch.left"),
            strict=True,
        )
    )  # fmt: skip
    for status in shown:
        table.add_column(text(names[status], language), justify="right")
    for committee in sorted({m.committee for m in report.meetings}):
        counts = [sum(m.status == s for m in report.meetings if m.committee == committee) for s in shown]
        table.add_row(escape(committee), *(str(n or "") for n in counts))
    table.add_section()
    table.add_row(text("fetch.all", language), *(str(report.count(s)) for s in shown))
    if shown:
        console.print(table)
    for status, key, place in (
        (WITHDRAWN, "fetch.withdrawn_list", WITHDRAWN_FOLDER),
        (REPLACED, "fetch.replaced_list", REPLACED_FOLDER),
    ):
        if report.count(status):
            console.print(text(key, language, folder=report.folder / place), markup=False)
            for m in report.meetings:
                if m.status == status:
                    console.print(f"  {m.name}", markup=False)
    attached = sum(m.attachments for m in report.meetings)
    console.print(
        text(
            "fetch.summary", language, meetings=len(report.meetings), attachments=attached,
            requests=report.requests, seconds=f"{report.seconds:.1f}", folder=report.folder,
        ),
        markup=False,
    )  # fmt: skip
    if report.count(WITHDRAWN) or report.count(REPLACED):
        console.print(text("fetch.ingest_only", language, folder=report.folder), markup=False)
    if report.failed:
        errors.print(text("fetch.failed_list", language), style="bold red")
        for m in report.failed:
            for problem in m.problems:
                errors.print(f"  {m.name}: {problem.say(language)}", markup=False)
    if report.stopped:
        errors.print(report.stopped.say(language), markup=False, style="bold red")


def _fetch_record(report: FetchReport) -> dict[str, Any]:
    from askamu.fetch import STATUSES

    return {
        "site": report.site,
        "folder": str(report.folder),
        "meetings": [
            {
                "id": m.id, "committee": m.committee, "date": m.held_on.isoformat() if m.held_on else None,
                "status": m.status, "file": str(m.file) if m.file else None, "attachments": m.attachments,
                "problems": [str(p) for p in m.problems],
            }
            for m in report.meetings
        ],
        "counts": {status: report.count(status) for status in STATUSES},
        "stopped": str(report.stopped) if report.stopped else None,
        "requests": report.requests,
        "seconds": round(report.seconds, 2),
    }  # fmt: skip
