"""Getting minutes in: ingest, fetch, parse, texts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askamu.errors import AskamuError, BadSetting
from askamu.filters import read_filters
from askamu.terminal import (
    fetch_record,
    ingest_record,
    print_fetched,
    print_ingested,
    print_parse,
    print_plan,
    progress_bar,
)

if TYPE_CHECKING:
    from askamu.config import Settings
    from askamu.report import Read
from askamu.commands import (
    DONE,
    PARTLY,
    FromOption,
    IndexOption,
    JsonOption,
    LangOption,
    ToOption,
    app,
    settings_for,
    write_file,
)


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

    settings = settings_for(index, lang)
    overrides = from_options(municipality, committee, date)
    if dry_run and watching:
        raise typer.BadParameter("Vælg --dry-run eller --watch. / Choose --dry-run or --watch.")
    if dry_run:
        with progress_bar(settings.lang) as progress:
            files = plan(paths, settings, only=only, progress=progress, overrides=overrides)
        print_plan(files, settings.lang, as_json)
        raise typer.Exit(PARTLY if any(f.status == UNREADABLE for f in files) else DONE)
    if watching:
        if overrides != NOTHING:
            raise typer.BadParameter(text("ingest.no_watch", settings.lang))
        _watch(paths, settings, only, interval, as_json)
        raise typer.Exit(DONE)
    with progress_bar(settings.lang) as progress:
        report = run(paths, settings, only=only, progress=progress, overrides=overrides)
    if as_json:
        print(json.dumps(ingest_record(report), ensure_ascii=False, indent=1))
    else:
        print_ingested(report, settings.lang)
    raise typer.Exit(PARTLY if report.failed else DONE)


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
            print(json.dumps(ingest_record(outcome), ensure_ascii=False), flush=True)
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
    from askamu.texts import text

    settings = settings_for(None, lang)
    period = read_filters(since=since, until=until)
    options = FetchOptions(
        tuple(committee or ()), period.date_from, period.date_to, attachments, contact=contact, pause=pause
    )
    if not contact:
        print(text("fetch.no_contact", settings.lang), file=sys.stderr)
    with progress_bar(settings.lang) as progress:
        report = run(site, out, options, progress)
    if as_json:
        print(json.dumps(fetch_record(report), ensure_ascii=False, indent=1))
    else:
        print_fetched(report, settings.lang)
    raise typer.Exit(DONE if report.complete else PARTLY)


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

    settings = settings_for(None, lang)
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
            print_parse(parse_record(minutes), settings.lang)
    failed = sum(r.failure is not None for r in results)
    if to is not None:
        write_file(to, report(results, settings.lang), settings.lang)
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

    settings = settings_for(index, lang)
    library = open_library(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for row in library.meetings:
            target = folder / f"{Path(row.source).name}.txt"
            target.write_bytes(library.minutes(row.id).text.encode("utf-8"))
    except OSError as error:
        raise BadSetting(text("problem.bad_out", settings.lang, file=folder, why=error.strerror)) from error
    print(text("cli.texts_written", settings.lang, count=len(library.meetings), folder=folder), file=sys.stderr)
