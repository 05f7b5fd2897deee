"""Looking things up: case, topic, decisions, memo, coverage, feedback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

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
    write_file,
)
from askamu.filters import Sort, read_filters
from askamu.minutes import Outcome as Ended
from askamu.terminal import (
    print_case,
    print_decisions,
    print_topic,
)


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

    settings = settings_for(index, lang)
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

    settings = settings_for(index, lang)
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
    settings = settings_for(index, lang)
    language = settings.lang
    meetings = read_filters(municipality, committee, since, until, case_number)
    filters = made.DecisionFilters(meetings, made.CLOSED if closed else outcome, " ".join(words or ()))
    library = open_library(settings)
    rows = library.decisions.select(filters, sort)
    site = site.rstrip("/")
    if csv is not None:
        write_file(csv, made.as_csv(rows, language, site), language)
        print(text("decisions.written", language, n=len(rows), file=csv), file=sys.stderr)
    if xlsx is not None:
        write_file(xlsx, made.as_xlsx(rows, filters, language, site), language)
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

    settings = settings_for(index, lang)
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

    settings = settings_for(index, lang)
    report = report_of(open_library(settings), settings.lang)
    if as_json:
        print(json.dumps(coverage_record(report), ensure_ascii=False, indent=1))
    else:
        print_coverage(report, settings.lang)


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

    settings = settings_for(index, lang)
    kept = list(entries(open_library(settings).folder))
    consented = sum(e.feedback.consent for e in kept)
    kinds, phrased = counts(kept), counts([e for e in kept if e.feedback.phrased])
    if as_json:
        print(json.dumps({"total": len(kept), "consented": consented, "kinds": kinds, "phrased": phrased}, indent=1))
    else:
        print_feedback(len(kept), consented, kinds, phrased, settings.lang)


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

    settings = settings_for(index, lang)
    library = open_library(settings)
    found = candidates(library, list(entries(library.folder)))
    write_file(out, "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in found), settings.lang)
    print(text("feedback.exported", settings.lang, count=len(found), file=out), file=sys.stderr)
