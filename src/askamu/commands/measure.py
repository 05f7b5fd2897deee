"""Measuring and examining: eval, tune, doctor."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askamu.errors import BadSetting
from askamu.terminal import (
    print_calibration,
    print_figures,
    print_tuned,
    progress_bar,
)

if TYPE_CHECKING:
    from askamu.config import Settings
    from askamu.llm.cassette import Cassette
from askamu.commands import (
    DONE,
    PARTLY,
    USAGE,
    IndexOption,
    JsonOption,
    LangOption,
    app,
    settings_for,
    write_file,
)


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
    settings = settings_for(index, lang)
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
        write_file(out, json.dumps(run, ensure_ascii=False, indent=1), settings.lang)
    if html:
        write_file(html, report(asked, scores, found, changed, settings.lang, spoken), settings.lang)
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

    settings = settings_for(None, lang)
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
