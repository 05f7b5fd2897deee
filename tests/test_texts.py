"""Everything askamu says stands in files, in Danish and in English alike."""

import re
import tomllib
from pathlib import Path

import pytest

from askamu import texts
from askamu.errors import TextMissing
from askamu.vocabulary import FOLDER


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$(\w+)", text))


def test_both_languages_say_the_same_with_the_same_variables() -> None:
    danish, english = texts.load("da"), texts.load("en")
    assert danish.keys() == english.keys()
    for key, text in danish.items():
        assert variables(text) == variables(english[key]), key
        assert text.strip(), key


def test_a_missing_text_or_variable_is_named() -> None:
    with pytest.raises(TextMissing, match=r"nothing\.here"):
        texts.text("nothing.here", "da")
    with pytest.raises(TextMissing, match="folder"):
        texts.text("problem.index_missing", "da")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda p: p.stem)
def test_vocabulary_is_data_whose_patterns_compile(path: Path) -> None:
    def walk(node: object) -> None:
        if isinstance(node, dict):
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
        elif isinstance(node, str) and ("\\" in node or "(?" in node):
            re.compile(node)

    walk(tomllib.loads(path.read_text(encoding="utf-8")))


def test_there_are_98_municipalities() -> None:
    names = tomllib.loads((FOLDER / "municipalities.toml").read_text(encoding="utf-8"))["names"]
    assert len(set(names)) == len(names) == 98


# Keys that the code puts together from a prefix and a value.
BUILT = (
    "outcome.",
    "date.month.",
    "decisions.about_",
    "decisions.as_",
    "decisions.by_",
    "decisions.column_",
    "decisions.is_",
    "decisions.sheet.",
    "problem.unknown_",
    "cli.status_",
    "answer.demand_",
    "answer.noted_",
    "embed.instead_",
    "api.refused.",
    "api.refused_",
    "page.role_",
    "eval.by_",
    "welcome.why_",
    "feedback.",
    "eval.miss_",
    "eval.llm_",
    "doctor.",
    "llm.dropped_",
    "llm.fault.",
    "llm.quoted_",
    "llm.section.",
    "llm.style.",
    "llm.why.",
    "notat.kind_",
    "reference.agenda_",
    "reference.is_",
    "reference.minutes_",
    "reference.not_",
    "error.not_stored_",
    "source.kind_",
    "source.is_",
    "ask.tier_",
    "apidoc.tag_",
    "apidoc.do_",
    "cases.form_",
    "cases.short_",
)


def code() -> str:
    package = Path(texts.__file__).parent
    files = [p for p in package.rglob("*.py") if "vocabulary" not in p.parts]
    files += [*(package / "ui").glob("*.js")]
    files += [*(package / "ui").glob("*.py"), *(package / "ui" / "templates").glob("*.html")]  # ui is a link
    return "\n".join(p.read_text(encoding="utf-8") for p in files)


def test_no_text_is_left_over() -> None:
    """Each key is named in the code: whole, or by its last part where one function says a whole table."""
    said = code()
    unused = [
        key
        for key in texts.load("da")
        if not key.startswith(BUILT)
        and not re.search(rf"[\"']({re.escape(key)}|{re.escape(key.partition('.')[2])})[\"']", said)
    ]
    assert unused == []


def test_each_text_that_is_named_is_there() -> None:
    named = set(re.findall(r"\b(?:text|t|say)\(\s*[\"']([a-z_]+\.[a-z_.\-]*[a-z])[\"']\s*[,)]", code()))
    assert len(named) > 200
    assert sorted(named - set(texts.load("da"))) == []
