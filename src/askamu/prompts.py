"""What a language model is told, from prompts/<name>.<language>.md: its task, a line of =====, the question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from askamu.errors import TextMissing

FOLDER = Path(__file__).parent / "prompts"
PARTS = "\n=====\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A filled prompt. `version` tells its file and the file's contents, "answer.da@1f0c2d3e"."""

    system: str
    user: str
    version: str


@cache
def load(name: str, language: str) -> tuple[str, str, str]:
    """The system's part, the question's part and the version of a prompt's file.

    Raises:
        TextMissing: if there is no such file, or it has not two parts.
    """
    file = FOLDER / f"{name}.{language}.md"
    try:
        content = file.read_text(encoding="utf-8")
        system, user = content.split(PARTS)
    except (OSError, ValueError) as error:
        raise TextMissing(f"prompts/{file.name}", PARTS.strip()) from error
    return system.strip(), user.strip(), f"{name}.{language}@{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def fill(name: str, language: str, **values: object) -> Prompt:
    """A prompt with its $variables filled in, in both parts.

    Raises:
        TextMissing: naming the file, and the variable that has no value.
    """
    system, user, version = load(name, language)
    given = {k: str(v) for k, v in values.items()}
    try:
        return Prompt(Template(system).substitute(given), Template(user).substitute(given), version)
    except (KeyError, ValueError) as missing:
        raise TextMissing(f"prompts/{name}.{language}.md", str(missing)) from None
