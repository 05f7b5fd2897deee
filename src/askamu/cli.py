"""The command line. Results go to stdout, progress and notices to stderr.

Imports that take time (Chroma, Gradio, the embedder) stand inside the commands that need them, so that
`askamu --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askamu.errors import AskamuError, BadSetting
from askamu.filters import Sort, read_filters
from askamu.minutes import Outcome as Ended
from askamu.passage import Limit
from askamu.privacy import no_telemetry
from askamu.terminal import (
    fetch_record,
    ingest_record,
    print_answer,
    print_calibration,
    print_case,
    print_decisions,
    print_fetched,
    print_figures,
    print_ingested,
    print_parse,
    print_plan,
    print_topic,
    print_tuned,
    progress_bar,
)

if TYPE_CHECKING:
    from askamu.config import Settings
    from askamu.library import Library
    from askamu.llm.cassette import Cassette
    from askamu.llm.model import LanguageModel
    from askamu.passage import Answer, Filters, Turn
    from askamu.report import Read

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
    no_telemetry()
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

    settings = _settings(None, lang)
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

    settings = _settings(index, lang)
    if (question is None) == (batch is None):
        raise typer.BadParameter("Giv enten et spørgsmål eller --batch FIL. / Give either a question or --batch FILE.")
    if (batch is None) != (out is None):
        raise typer.BadParameter("--batch og --out hører sammen. / --batch and --out go together.")
    if batch is not None and out is not None and out.exists() and batch.exists() and batch.samefile(out):
        raise typer.BadParameter("--out er spørgsmålenes fil. / --out is the file of the questions.")
    filters = read_filters(municipality, committee, since, until, lifted=lifted or ())
    if batch is not None and out is not None:
        failed = _batch(settings, filters, batch, out, lang, None if no_llm else _model(settings))
        raise typer.Exit(PARTLY if failed else DONE)
    model = None if no_llm else _model(settings)
    answer = _answered(open_library(settings), model, question or "", (), filters, lang)
    if as_json:
        print(json.dumps(as_record(answer), ensure_ascii=False, indent=1))
    else:
        print_answer(answer)


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
def mcp(index: IndexOption = None, lang: LangOption = None) -> None:
    """Værktøjer til sprogmodeller (MCP) over stdin og stdout. / Tools for language models (MCP) over stdin, stdout."""
    settings = _settings(index, lang)
    from askamu.mcp_server import serve_stdio

    serve_stdio(settings)


@app.command("eval")
def evaluate(
    questions: Annotated[list[Path], typer.Argument(help="JSONL med spørgsmål og svar. / Questions with gold.")],
    index: IndexOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Gem målingen til senere sammenligning. / Keep the run.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="En tidligere måling (--out). / An earlier run to compare with.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Rapport med hver fejl. / Report of every miss.")] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Vælg, hvornår der svares »fremgår ikke«. / Fit when to abstain.")
    ] = False,
    llm: Annotated[
        bool, typer.Option("--llm", help="Svar i sprogmodellens ord (ASKAMU_LLM). / In the language model's words.")
    ] = False,
    cassette: Annotated[
        Path | None,
        typer.Option("--cassette", help="Med --llm: optag svarene, og afspil dem. / Record its replies, or play them."),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Mål svarenes kvalitet på spørgsmål med kendte svar. / Measure the answers on questions with gold."""
    from dataclasses import asdict

    from askamu.evaluate.figures import as_run, compare, figures, read_run
    from askamu.evaluate.gold import read_gold
    from askamu.evaluate.llm import in_words_of, model_figures
    from askamu.evaluate.page import report
    from askamu.evaluate.run import alone, elsewhere, evaluate
    from askamu.library import open_library
    from askamu.texts import text

    if cassette is not None and not llm:
        raise typer.BadParameter("--cassette hører til --llm. / --cassette goes with --llm.")
    settings = _settings(index, lang)
    asked = read_gold(questions)
    before = read_run(against) if against else {}
    library = open_library(settings)
    taped = _cassette(settings, cassette) if llm else None
    if calibrate:
        from askamu.evaluate.calibrate import calibrate as fit
        from askamu.limits import keep_limits

        with progress_bar(settings.lang) as progress:
            fitted = fit(library, asked, progress)
        kept = keep_limits(library.folder, library.embedder, fitted.limits, fitted.told) if fitted.pays else None
        print_calibration(fitted, kept, settings.lang)
        library = open_library(settings)
    with progress_bar(settings.lang) as progress:
        scores = evaluate(library, asked, progress, in_words_of(taped) if taped else alone)
    found = figures(asked, scores)
    spoken = model_figures(scores, taped) if taped else None
    changed = compare(before, scores)
    run = as_run(asked, scores, found, library.searched_by or "", spoken)
    if out:
        _write(out, json.dumps(run, ensure_ascii=False, indent=1), settings.lang)
    if html:
        _write(html, report(asked, scores, found, changed, settings.lang, spoken), settings.lang)
    if as_json:
        print(json.dumps(run | {"change": {k: asdict(v) for k, v in changed.items()}}, ensure_ascii=False, indent=1))
    else:
        print_figures(found, changed, settings.lang, spoken)
    if taped:
        _tell_recorded(taped, settings.lang)
    strange = elsewhere(library, asked)
    if strange:
        print(text("eval.elsewhere", settings.lang, n=len(strange), ids=", ".join(strange[:5])), file=sys.stderr)
    raise typer.Exit(PARTLY if strange or (taped and taped.lacking) else DONE)


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
    with progress_bar(settings.lang) as progress:
        report = run(
            paths, out, base=base, questions=questions or (), held_out=held_out, threads=settings.threads,
            max_bytes=int(settings.max_file_mb * 1e6),
            changes={k: v for k, v in changes.items() if v is not None}, progress=progress, language=settings.lang,
        )  # fmt: skip
    print_tuned(report, settings.lang, as_json)
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
            print_parse(parse_record(minutes), settings.lang)
    failed = sum(r.failure is not None for r in results)
    if to is not None:
        _write(to, report(results, settings.lang), settings.lang)
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
    from askamu.errors import UnknownCase
    from askamu.library import open_library
    from askamu.threads import thread_record

    settings = _settings(index, lang)
    library = open_library(settings)
    records = [thread_record(t, library) for t in library.cases.find(number)]
    if as_json:
        print(json.dumps({"case_number": number, "threads": records}, ensure_ascii=False, indent=1))
    elif records:
        print_case(number, records, settings.lang)
    if not records:
        raise UnknownCase(number, library.cases.formality(number))


@app.command()
def topic(
    words: Annotated[list[str], typer.Argument(help="Emnet, fx småjob. / The topic.")],
    index: IndexOption = None,
    municipality: MunicipalityOption = None,
    committee: CommitteeOption = None,
    since: FromOption = None,
    until: ToOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Følg et emne gennem årene, med de tal, referaterne giver. / Follow a topic over the years, with its figures."""
    from askamu.filters import read_filters
    from askamu.library import open_library
    from askamu.topics import follow, topic_record

    settings = _settings(index, lang)
    library = open_library(settings)
    found = follow(library, " ".join(words), read_filters(municipality, committee, since, until), lang)
    if as_json:
        print(json.dumps(topic_record(found, library), ensure_ascii=False, indent=1))
    else:
        print_topic(found, library, settings.lang)
    raise typer.Exit(DONE if found.items or found.named else PARTLY)


@app.command()
def decisions(
    words: Annotated[
        list[str] | None, typer.Argument(help="Ord, der alle skal stå i punktet. / Words that must all stand there.")
    ] = None,
    municipality: MunicipalityOption = None,
    committee: CommitteeOption = None,
    since: FromOption = None,
    until: ToOption = None,
    outcome: Annotated[Ended | None, typer.Option("--outcome", help="Kun dette udfald. / Only this outcome.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Kun lukkede punkter. / Only closed items.")] = False,
    case_number: Annotated[str | None, typer.Option("--case", help="Sagsnummer. / Case number.")] = None,
    sort: Annotated[
        Sort, typer.Option("--sort", help="Kolonne; - foran vender om. / Column; - in front reverses.")
    ] = "-date",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rækker i terminalen. / Rows shown.")] = 25,
    csv: Annotated[Path | None, typer.Option("--csv", help="Skriv alle rækker som CSV. / Write CSV.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Skriv alle rækker til Excel. / Write Excel.")] = None,
    site: Annotated[
        str, typer.Option("--address", help="Sidens adresse foran henvisningerne. / The page's address, for links.")
    ] = "",
    index: IndexOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Beslutninger i en tabel, som CSV eller til Excel. / Decisions as a table, CSV or Excel."""
    from askamu import decisions as made
    from askamu.library import open_library
    from askamu.texts import text

    if outcome and closed:
        raise typer.BadParameter("Vælg --outcome eller --closed. / Choose --outcome or --closed.")
    settings = _settings(index, lang)
    language = settings.lang
    meetings = read_filters(municipality, committee, since, until, case_number)
    filters = made.DecisionFilters(meetings, made.CLOSED if closed else outcome, " ".join(words or ()))
    library = open_library(settings)
    rows = library.decisions.select(filters, sort)
    site = site.rstrip("/")
    if csv is not None:
        _write(csv, made.as_csv(rows, language, site), language)
        print(text("decisions.written", language, n=len(rows), file=csv), file=sys.stderr)
    if xlsx is not None:
        _write(xlsx, made.as_xlsx(rows, filters, language, site), language)
        print(text("decisions.written", language, n=len(rows), file=xlsx), file=sys.stderr)
    if as_json:
        print(json.dumps([made.as_record(row, language) for row in rows], ensure_ascii=False, indent=1))
    elif not rows:
        print(text("decisions.none", language), file=sys.stderr)
        print(made.searched(library, filters, language), file=sys.stderr)
    elif csv is None and xlsx is None:
        print_decisions(rows[:limit], len(rows), language)


@app.command()
def memo(
    questions: Annotated[list[str] | None, typer.Argument(help="Spørgsmål. / Questions.")] = None,
    passages: Annotated[
        list[str] | None,
        typer.Option("--passage", help="DOKUMENT:START-SLUT (id eller filnavn, tegn). / DOCUMENT:START-END."),
    ] = None,
    stored: Annotated[
        Path | None, typer.Option("--from", help="Notatet som JSON (som API'ets). / The memo as JSON, as the API's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="notat.docx eller notat.md; ellers Markdown her. / Else Markdown here.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Notatets titel. / Its title.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Forfatterens navn. / The author's name.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Notatets dato; ellers i dag. / Else today.")] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="Word-skabelon (ASKAMU_MEMO_TEMPLATE). / Word template."),
    ] = None,
    base_url: Annotated[
        str, typer.Option("--base-url", help="Sidens adresse, til links. / Address of the page, for links.")
    ] = "",
    index: IndexOption = None,
    municipality: MunicipalityOption = None,
    committee: CommitteeOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Skriv et notat af svar og citater. / Write a memo of answers and quotes."""
    from askamu.memo_cli import write_memo

    settings = _settings(index, lang)
    if stored is not None and (questions or passages):
        raise typer.BadParameter("Vælg --from eller spørgsmål og --passage. / --from or questions and --passage.")
    if stored is None and not questions and not passages:
        raise typer.BadParameter("Giv spørgsmål, --passage eller --from. / Give questions, --passage or --from.")
    unconfirmed = write_memo(
        settings, questions or (), passages or (), stored, out, as_json=as_json, lang=lang, base_url=base_url,
        template=template or settings.memo_template, municipality=municipality, committee=committee,
        title=title, author=author, date=date,
    )  # fmt: skip
    raise typer.Exit(PARTLY if unconfirmed else DONE)


@app.command()
def coverage(index: IndexOption = None, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """Vis, hvad der er indlæst, hvor nyt det er, og hvad der mangler. / Show what is indexed, how fresh, and gaps."""
    from askamu.coverage import coverage as report_of
    from askamu.coverage import coverage_record
    from askamu.library import open_library
    from askamu.terminal import print_coverage

    settings = _settings(index, lang)
    report = report_of(open_library(settings), settings.lang)
    if as_json:
        print(json.dumps(coverage_record(report), ensure_ascii=False, indent=1))
    else:
        print_coverage(report, settings.lang)


@app.command()
def doctor(index: IndexOption = None, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """Prøv indstillinger, indeks, modeller og maskine. / Try settings, index, models and machine."""
    from askamu.config import settings as read_settings
    from askamu.doctor import Check, State, examine, exit_code, record, settings_of
    from askamu.terminal import print_check, print_diagnosis, print_settings

    checks: list[Check] = []
    try:
        settings = read_settings(index=index, lang=lang)
        language = settings.lang
        made, tried = settings_of(settings, {n for n, v in (("index", index), ("lang", lang)) if v}), examine(settings)
    except BadSetting as error:
        language = lang if lang in ("da", "en") else "da"
        made, tried = (), iter([Check("settings.read", State.FAILED, error.say(language), exit_code=USAGE)])
    if not as_json:
        print_settings(made, _version(), language)
    told = {"settings"}  # groups whose heading is printed
    for check in tried:
        checks.append(check)
        if not as_json:
            print_check(check, check.group not in told, language)
            told.add(check.group)
    if as_json:
        print(json.dumps(record(made, checks, _version()), ensure_ascii=False, indent=1))
    else:
        print_diagnosis(checks, language)
    raise typer.Exit(exit_code(checks))


def _version() -> str:
    from importlib.metadata import version

    return version("askamu")


feedback_app = typer.Typer(
    help="Tilbagemeldinger på svar, gemt i indeksets mappe. / What readers said of answers.", no_args_is_help=True
)
app.add_typer(feedback_app, name="feedback")


@feedback_app.command("list")
def list_feedback(index: IndexOption = None, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """Tæl tilbagemeldingerne. / Count them."""
    from askamu.feedback import counts, entries
    from askamu.library import open_library
    from askamu.terminal import print_feedback

    settings = _settings(index, lang)
    kept = list(entries(open_library(settings).folder))
    consented = sum(e.feedback.consent for e in kept)
    if as_json:
        print(json.dumps({"total": len(kept), "consented": consented, "kinds": counts(kept)}, indent=1))
    else:
        print_feedback(len(kept), consented, counts(kept), settings.lang)


@feedback_app.command("export")
def export_feedback(
    out: Annotated[Path, typer.Option("--out", help="Spørgsmål til askamu eval, JSONL. / Questions for askamu eval.")],
    index: IndexOption = None,
    lang: LangOption = None,
) -> None:
    """Lav spørgsmål til måling af dem, der må bruges. / Make questions to measure by of those that may be used."""
    from askamu.feedback import candidates, entries
    from askamu.library import open_library
    from askamu.texts import text

    settings = _settings(index, lang)
    library = open_library(settings)
    found = candidates(library, list(entries(library.folder)))
    _write(out, "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in found), settings.lang)
    print(text("feedback.exported", settings.lang, count=len(found), file=out), file=sys.stderr)


def _write(file: Path, content: str | bytes, language: str) -> None:
    from askamu.texts import text

    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BadSetting(text("problem.bad_out", language, file=file, why=error.strerror)) from error


def _model(settings: Settings) -> LanguageModel | None:
    """The operator's language model, where there is one."""
    if not settings.llm:
        return None
    from askamu.llm.model import open_model

    return open_model(settings)


def _cassette(settings: Settings, file: Path | None) -> Cassette:
    """The language model of an evaluation, behind a cassette that keeps its replies where a file is named."""
    from askamu.errors import NoLanguageModel
    from askamu.llm.cassette import Cassette
    from askamu.llm.model import Breaker, open_model

    model = open_model(settings)
    if model is None and file is None:
        raise NoLanguageModel
    if model is not None:
        model.breaker = Breaker(failures=sys.maxsize)  # a rest would tell of the questions before, not of this one
    return Cassette(file, model)


def _tell_recorded(cassette: Cassette, language: str) -> None:
    """Say on stderr what of an evaluation is not recorded."""
    from askamu.texts import text

    if cassette.lacking:
        ids = ", ".join(list(cassette.lacking)[:5]) + (" …" if len(cassette.lacking) > 5 else "")
        values = {"file": cassette.file, "n": len(cassette.lacking), "ids": ids, "model": cassette.name}
        print(text("eval.llm_unrecorded", language, **values), file=sys.stderr)
    if cassette.passed:
        print(text("eval.llm_passed", language, n=cassette.passed, file=cassette.file), file=sys.stderr)


def _answered(
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
                answer = _answered(library, model, question, history, filters, lang)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError, AskamuError) as error:
                failed += 1
                why = error.say(settings.lang) if isinstance(error, AskamuError) else repr(error)
                print(text("problem.bad_line", settings.lang, line=number, file=batch, why=why), file=sys.stderr)
                continue
            target.write(json.dumps(as_record(answer, id), ensure_ascii=False) + "\n")
    return failed


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
