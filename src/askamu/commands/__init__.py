"""The commands of askamu. Here is what they share: the options, the settings, and where they are registered.

collect.py   ingest, fetch, parse, texts
ask.py       ask, chat, mcp
measure.py   eval, tune, doctor
look.py      case, topic, decisions, memo, coverage, feedback
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askamu.errors import BadSetting

if TYPE_CHECKING:
    from askamu.config import Settings

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


_asked_language: list[str] = []


def language_asked() -> str:
    """The language of messages: the option, else the setting, else Danish."""
    if _asked_language:
        return _asked_language[-1]
    from askamu.config import settings

    try:
        return settings().lang
    except BadSetting:
        return "da"


def settings_for(index: Path | None, lang: str | None = None) -> Settings:
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


def write_file(file: Path, content: str | bytes, language: str) -> None:
    from askamu.texts import text

    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BadSetting(text("problem.bad_out", language, file=file, why=error.strerror)) from error
