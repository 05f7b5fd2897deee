"""Sound sentences, assembled by code from passages, are kept: 97 of 100, of each family and of all of them.

Over the seeds always, and over the real minutes beside the repository where they are at hand. Each sentence is checked
as one that a model wrote, with all sections of its item as the passages that it was given.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SHARED, read, seed_files, shared_files
from helpers_sound import Sound, families, sound_sentences

from askamu.config import Settings
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.llm.verify import Checked, Verifier
from askamu.llm.write import cosine_of

KEPT = 0.97
MANY = 34  # sentences of a family from which one in a hundred can be told; of fewer one may fall
GREVE = 8  # meetings, of 196: one of each committee as far as they go
FAMILIES = {
    "adopted", "case_number", "decided", "decided_dated", "decided_en", "framed", "inserted", "joined", "recommended",
    "shortened", "units", "verbatim",
}  # fmt: skip

pytestmark = pytest.mark.slow


def greve_files() -> list[Path]:
    """The first meetings of as many committees; none where they are absent."""
    folder = SHARED / "real" / "greve"
    first = {file.name.split("-")[0]: file for file in sorted(folder.glob("*.json"), reverse=True)}
    return sorted(first.values())[:GREVE]


@pytest.fixture(scope="module", params=["own", pytest.param("shared", marks=pytest.mark.shared)])
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Sound, Checked]]:
    """All the sentences of some minutes, with what the check says of them."""
    if request.param == "own":
        files, library = seed_files(), request.getfixturevalue("library")
    else:
        files = [*shared_files(), *greve_files()]
        if not files:
            pytest.skip("the real minutes are not beside the repository")
        used = Settings(index=tmp_path_factory.mktemp("shared") / "index")
        assert not ingest(files, used).failed
        library = open_library(used)
    return [(sound, check(library, sound)) for sound in sound_sentences([read(file) for file in files])]


def check(library: Library, sound: Sound) -> Checked:
    verifier = Verifier(
        sound.evidence, sound.language, cosine_of(library), library.rarity, library.current.lexical.analyser.split
    )
    return verifier.check(sound.marked)


def fallen(checked: list[tuple[Sound, Checked]], family: str | None = None) -> list[str]:
    """What is not kept, and why."""
    return [
        f"{s.family} {[f.value for f in c.faults]} {c.support}: {s.text}  <- {[x.text for x in c.sources]}"
        for s, c in checked
        if not c.sound and family in (None, s.family)
    ]


def test_there_are_enough(checked: list[tuple[Sound, Checked]]) -> None:
    count = families([s for s, _ in checked])
    assert set(count) == FAMILIES
    assert count.total() >= 200
    assert len({s.text for s, _ in checked}) >= 200
    assert min(count.values()) >= 10
    assert all(c.sources for _, c in checked)


def test_sound_sentences_are_kept(checked: list[tuple[Sound, Checked]]) -> None:
    fell = fallen(checked)
    print(
        f"{len(checked)} sound sentences, {len(fell)} not kept, {dict(families([s for s, c in checked if not c.sound]))}"
    )
    assert len(fell) <= (1 - KEPT) * len(checked), "\n".join(fell)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_sound_sentences_of_each_family_are_kept(checked: list[tuple[Sound, Checked]], family: str) -> None:
    count = sum(s.family == family for s, _ in checked)
    fell = fallen(checked, family)
    assert len(fell) <= max((1 - KEPT) * count, 1), f"{len(fell)} of {count}\n" + "\n".join(fell)


def test_distinct_sentences_are_kept_as_well(checked: list[tuple[Sound, Checked]]) -> None:
    """»Udvalget godkendte indstillingen« forty times over must not carry the rest."""
    once = {s.text: (s, c) for s, c in checked if s.family not in ("verbatim", "inserted")}
    fell = fallen(list(once.values()))
    assert len(once) >= 200
    assert len(fell) <= (1 - KEPT) * len(once), "\n".join(fell)
