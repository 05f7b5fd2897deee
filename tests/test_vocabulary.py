"""An operator's own words, beside askamu's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_index import Keywords, index_settings, write_minutes
from test_cli import run as command
from test_ingest import MARCH, statuses

from askamu import vocabulary
from askamu.decision import outcomes_of
from askamu.errors import BadSetting, BadVocabulary
from askamu.headings import heading_kind
from askamu.ingest import IngestReport, ingest
from askamu.minutes import Outcome, SectionKind
from askamu.vocabulary import fingerprint, table, use


@pytest.fixture(autouse=True)
def _ours() -> Iterator[None]:
    yield
    use(None)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_lists_are_appended_and_tables_merged(own: Path) -> None:
    write(own, "headings.toml", 'case = ["Sagens kød"]\n[prefixes]\nlegal = ["EFTER LOVEN"]\n')
    write(own, "committees.toml", '[abbreviations]\nKLU = "Klimaudvalget"\nBY = "Byens råd"\n')
    write(own, "README.md", "Vores ord.")
    ours = table("headings")["case"]
    assert heading_kind("Sagens kød") is None
    use(own)
    assert table("headings")["case"] == [*ours, "Sagens kød"]
    assert heading_kind("Sagens kød") is SectionKind.CASE
    assert heading_kind("EFTER LOVEN OM SMÅJOB") is SectionKind.LEGAL
    assert heading_kind("Sagsfremstilling") is SectionKind.CASE
    assert table("committees")["abbreviations"]["KLU"] == "Klimaudvalget"
    assert table("committees")["abbreviations"]["BY"] == "Byens råd"
    assert table("committees")["abbreviations"]["AMU"] == "Arbejdsmarkedsudvalget"
    use(None)
    assert heading_kind("Sagens kød") is None


def test_a_heading_moves_to_the_kind_that_the_operator_gives_it(own: Path) -> None:
    assert heading_kind("Baggrund") is SectionKind.CASE
    write(own, "headings.toml", 'history = ["Baggrund"]')
    use(own)
    assert heading_kind("Baggrund") is SectionKind.HISTORY


def test_the_operators_outcomes_are_tried_first(own: Path) -> None:
    assert outcomes_of("Godkendt som indstillet") == (Outcome.APPROVED,)
    write(
        own,
        "outcomes.toml",
        "[[outcome]]\nname = \"postponed\"\npatterns = ['\\bgodkendt som indstillet\\b', '\\bset\\b']\n",
    )
    use(own)
    assert outcomes_of("Godkendt som indstillet") == (Outcome.POSTPONED,)
    assert outcomes_of("Set.") == (Outcome.POSTPONED,)
    assert outcomes_of("Ikke godkendt") == (Outcome.REJECTED,)


def test_a_value_replaces_one_and_two_months_are_one_value(own: Path) -> None:
    write(own, "dates.toml", "[seasons]\nsommer = [5, 9]\n")
    write(own, "noise.toml", "indented_number = 30\n")
    use(own)
    assert table("dates")["seasons"]["sommer"] == [5, 9]
    assert table("noise")["indented_number"] == 30


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("heading.toml", "", "heading.toml"),
        ("ord.txt", "", "ord.txt"),
        ("headings.toml", "case = [", "headings.toml"),
        ("headings.toml", 'sagen = ["Sagen"]', "sagen"),
        ("headings.toml", 'case = "Sagen"', "case"),
        ("headings.toml", "case = [1]", "case"),
        ("headings.toml", 'case = [""]', "case"),
        ("headings.toml", '[prefixes]\nsagen = ["Sagen"]', "prefixes.sagen"),
        ("dates.toml", '[months]\njanvier = "1"', "months.janvier"),
        ("dates.toml", "[seasons]\nsommer = [5]", "seasons.sommer"),
        ("noise.toml", "patterns = ['^side (']", "^side ("),
        ("noise.toml", "patterns = ['a)|(b']", "a)|(b"),
        ("items.toml", "[case_numbers]\npatterns = ['(?i)abc']", "(?i)abc"),
        ("people.toml", "absence = ['^væk: .*$']", "^væk: .*$"),
        ("outcomes.toml", "[clause]\nends = '('", "»(«"),
        ("outcomes.toml", "[clause]\nnew = 'x'", "clause.new"),
        ("outcomes.toml", "[[outcome]]\nname = \"maybe\"\npatterns = ['x']", "outcome.name"),
        ("outcomes.toml", "[[outcome]]\npatterns = ['x']", "outcome"),
        ("outcomes.toml", "[[outcome]]\nname = \"noted\"\npatterns = ['[x']", "[x"),
        ("questions.toml", "[[section]]\nkinds = [\"lov\"]\npatterns = ['x']", "section.kinds"),
        ("glossary.toml", "[english]\n\"(x\" = [\"y\"]", "(x"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_named(own: Path, name: str, content: str, said: str) -> None:
    write(own, name, content)
    with pytest.raises(BadVocabulary) as error:
        use(own)
    assert isinstance(error.value, BadSetting)
    for language in ("da", "en"):
        assert name in error.value.say(language)
    assert said in error.value.say("da")
    assert fingerprint() == ""
    assert heading_kind("Sagsfremstilling") is SectionKind.CASE


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="nowhere"):
        use(tmp_path / "nowhere")


@pytest.mark.parametrize("path", sorted(vocabulary.FOLDER.glob("*.toml")), ids=lambda p: p.stem)
def test_each_file_of_ours_may_be_copied_empty(own: Path, path: Path) -> None:
    write(own, path.name, "")
    use(own)
    assert table(path.stem) == vocabulary._ours(path.stem)


def test_new_words_read_the_documents_again(own: Path, tmp_path: Path) -> None:
    minutes, settings = tmp_path / "m", index_settings(tmp_path / "index")
    path = write_minutes(minutes, "march.txt", MARCH, "småjob")
    path.write_text(path.read_text(encoding="utf-8").replace("Sagsfremstilling", "Sagens kød"), encoding="utf-8")

    def bring() -> IngestReport:
        return ingest([minutes], settings.model_copy(update={"vocabulary": own}), embedder=Keywords())

    assert statuses(bring()) == {"march.txt": "new"}
    assert statuses(bring()) == {"march.txt": "unchanged"}
    write(own, "headings.toml", 'case = ["Sagens kød"]')
    assert statuses(bring()) == {"march.txt": "replaced"}
    assert statuses(bring()) == {"march.txt": "unchanged"}
    assert statuses(ingest([minutes], settings, embedder=Keywords())) == {"march.txt": "replaced"}


def test_the_command_line_reads_the_setting(own: Path, tmp_path: Path) -> None:
    path = write_minutes(tmp_path, "march.txt", MARCH, "småjob")
    path.write_text(path.read_text(encoding="utf-8").replace("Sagsfremstilling", "Sagens kød"), encoding="utf-8")
    write(own, "headings.toml", 'case = ["Sagens kød"]')
    assert "Sagens kød" not in command("parse", path).stdout
    assert "Sagens kød" in command("parse", path, ASKAMU_VOCABULARY=str(own)).stdout
    write(own, "noise.toml", "patterns = ['(']")
    done = command("parse", path, ASKAMU_VOCABULARY=str(own))
    assert done.returncode == 2
    assert "noise.toml" in done.stderr
    assert "Traceback" not in done.stderr
