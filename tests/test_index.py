from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from helpers_index import Keywords, built, parsed, store

from askamu import index
from askamu.errors import IndexBusy, IndexMissing, IndexNotWritable, IndexUnreadable, OtherEmbedder
from askamu.index import (
    CHROMA,
    CURRENT,
    MANIFEST,
    build_generation,
    check_embedder,
    current_id,
    open_current,
    read_manifest,
    rebuild,
    remove_orphans,
    writing,
)
from askamu.lexical import FOLDER as LEXICAL
from askamu.record import Record

MARCH, JUNE, SEPTEMBER = date(2024, 3, 11), date(2024, 6, 10), date(2024, 9, 9)
A = parsed("a", MARCH, "småjob", "budget")
B = parsed("b", JUNE, "sygedagpenge", "fleksjob")
C = parsed("c", SEPTEMBER, "praktik", "integration", "økonomi")


def ids(folder: Path) -> set[str]:
    """All passages that the index can find."""
    with open_current(folder) as generation:
        found = generation.nearest(Keywords().embed_question("x"), 10_000)
        return {id for id, _ in found}


def expected(folder: Path, generation: str) -> set[str]:
    with Record.open(folder) as record:
        return {p.id for p in record.passages_of(generation)}


def test_what_is_built_can_be_found(tmp_path: Path):
    manifest = built(tmp_path, Keywords(), A, B)
    assert manifest.passages == sum(manifest.documents.values()) > 10
    assert set(manifest.documents) == {"a", "b"}
    assert (manifest.embedder, manifest.model_id, manifest.dim) == ("axes", "axes@1", Keywords.dim)
    assert read_manifest(tmp_path, manifest.generation) == manifest
    with open_current(tmp_path) as generation, Record.open(tmp_path) as record:
        assert generation.manifest == manifest
        for passage in record.passages_of(manifest.generation):
            vector = generation.vectors([passage.id])[0]
            assert np.allclose(vector, Keywords().embed_question(passage.indexed_text), atol=1e-6)
            (_, cosine), *_ = generation.nearest(vector, 1)
            assert cosine == pytest.approx(1, abs=1e-5)
        best, _ = generation.lexical.search("sygedagpenge", 1)[0]
        assert record.passages_by_id(manifest.generation, [best])[best].document == "b"
    assert ids(tmp_path) == expected(tmp_path, manifest.generation)


def test_nearest_is_sorted_and_exact(tmp_path: Path):
    built(tmp_path, Keywords(), A, B, C)
    question = Keywords().embed_question("fleksjob og budget")
    with open_current(tmp_path) as generation:
        found = generation.nearest(question, 8)
        scores = [s for _, s in found]
        assert scores == sorted(scores, reverse=True)
        assert np.allclose(generation.vectors([id for id, _ in found]) @ question, scores, atol=1e-5)
        assert generation.nearest(question, 0) == []
        with pytest.raises(KeyError):
            generation.vectors(["nowhere"])


@pytest.mark.parametrize("only", [{"a"}, {"a", "b"}, {"b", "c"}, {"a", "b", "c"}, {"c", "unknown"}])
@pytest.mark.parametrize("k", [1, 5, 1_000])
def test_a_filter_gives_the_nearest_of_those_allowed(tmp_path_factory, shared_index, only, k):
    question = Keywords().embed_question("fleksjob og budget")
    with open_current(shared_index) as generation:
        everything = generation.nearest(question, 1_000)
        allowed = [hit for hit in everything if hit[0].split(".")[0] in only]
        found = generation.nearest(question, k, frozenset(only))
    assert len(found) == min(k, len(allowed))
    assert [s for _, s in found] == pytest.approx([s for _, s in allowed[:k]], abs=1e-5)
    assert {id for id, _ in found} <= {id for id, _ in allowed}


@pytest.fixture(scope="module")
def shared_index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    built(folder, Keywords(), A, B, C)
    return folder


def test_a_filter_that_allows_nothing_finds_nothing(shared_index):
    with open_current(shared_index) as generation:
        assert generation.nearest(Keywords().embed_question("x"), 5, frozenset()) == []
        assert generation.nearest(Keywords().embed_question("x"), 5, frozenset({"unknown"})) == []


def test_a_reader_keeps_its_generation_over_a_switch(tmp_path: Path):
    first = built(tmp_path, Keywords(), A)
    question = Keywords().embed_question("småjob")
    with open_current(tmp_path) as reader:
        before = reader.nearest(question, 5)
        second = built(tmp_path, Keywords(), A, B)
        assert current_id(tmp_path) == second.generation != first.generation
        assert second.previous == first.generation
        assert reader.nearest(question, 5) == before
        assert reader.lexical.size == first.passages
        with Record.open(tmp_path) as record:
            assert {p.id for p in record.passages_of(first.generation)} == {
                id for id, _ in reader.nearest(question, 99)
            }
    assert ids(tmp_path) == expected(tmp_path, second.generation)


def test_the_generation_before_the_last_is_removed(tmp_path: Path):
    first = built(tmp_path, Keywords(), A)
    second = built(tmp_path, Keywords(), B)
    third = built(tmp_path, Keywords(), B, C)
    assert not (tmp_path / first.generation).exists()
    assert (tmp_path / second.generation).exists()
    with Record.open(tmp_path) as record:
        assert record.generations() == [second.generation, third.generation]
        assert [d.id for d in record.stored()] == ["b", "c"]


@pytest.mark.parametrize("meetings", [(A, B), (B, C), (A,), (C, A, B)])
def test_amended_vectors_are_those_of_an_index_built_anew(tmp_path: Path, monkeypatch, meetings):
    monkeypatch.setattr(index, "SMALL_CHANGE", 10)
    built(tmp_path / "i", Keywords(), A, B)
    amended = built(tmp_path / "i", Keywords(), *meetings)
    fresh = built(tmp_path / "j", Keywords(), *meetings)
    assert amended.documents == fresh.documents
    assert ids(tmp_path / "i") == ids(tmp_path / "j") == expected(tmp_path / "i", amended.generation)


def test_a_damaged_old_generation_does_not_stop_a_new_one(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(index, "SMALL_CHANGE", 10)
    old = built(tmp_path, Keywords(), A, B)
    (tmp_path / old.generation / CHROMA / "chroma.sqlite3").write_bytes(b"x" * 9_000)
    new = built(tmp_path, Keywords(), A, B, C)
    assert ids(tmp_path) == expected(tmp_path, new.generation)


def test_there_is_one_writer(tmp_path: Path):
    built(tmp_path, Keywords(), A)
    with writing(tmp_path):
        with pytest.raises(IndexBusy), writing(tmp_path):
            pass
        with pytest.raises(IndexBusy):
            rebuild(tmp_path, Keywords())
        open_current(tmp_path).close()  # reading goes on
    with writing(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexNotWritable), writing(tmp_path / "file" / "index"):
        pass


def test_half_built_generations_are_ignored_and_removed(tmp_path: Path):
    manifest = built(tmp_path, Keywords(), A)
    half = tmp_path / "20991231T235959000000"
    shutil.copytree(tmp_path / manifest.generation, half)
    (half / MANIFEST).unlink()
    finished = tmp_path / "20991231T235959000001"  # killed between the last byte and the switch
    shutil.copytree(tmp_path / manifest.generation, finished)
    (tmp_path / "my notes").mkdir()
    assert ids(tmp_path) == expected(tmp_path, manifest.generation)
    with writing(tmp_path):
        assert remove_orphans(tmp_path) == [half.name, finished.name]
    assert (tmp_path / "my notes").is_dir()
    assert open_current(tmp_path).manifest == manifest


def test_a_build_that_fails_leaves_the_old_index(tmp_path: Path, monkeypatch):
    manifest = built(tmp_path, Keywords(), A)

    def fails(*_: object) -> None:
        raise IndexUnreadable(tmp_path, "self-check")

    monkeypatch.setattr(index, "_check", fails)
    with pytest.raises(IndexUnreadable, match="self-check"):
        built(tmp_path, Keywords(), A, B)
    assert current_id(tmp_path) == manifest.generation
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == [manifest.generation]
    assert ids(tmp_path) == expected(tmp_path, manifest.generation)


def test_the_self_check_sees_wrong_vectors(tmp_path: Path, monkeypatch):
    real = index._upsert
    monkeypatch.setattr(index, "_upsert", lambda c, p, v, rows, known: real(c, p, v[::-1], rows, known))
    with pytest.raises(IndexUnreadable):
        built(tmp_path, Keywords(), A)
    assert current_id(tmp_path) is None


def test_the_self_check_sees_missing_passages(tmp_path: Path, monkeypatch):
    real = index._upsert
    monkeypatch.setattr(index, "_upsert", lambda c, p, v, rows, known: real(c, p, v, rows[1:], known))
    with pytest.raises(IndexUnreadable, match="vectors where"):
        built(tmp_path, Keywords(), A)


def test_no_index_yet(tmp_path: Path):
    assert current_id(tmp_path) is None
    with pytest.raises(IndexMissing, match="askamu ingest"):
        open_current(tmp_path)


def garble(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.write_bytes(b"\xff" * min(file.stat().st_size, 3_000))


DAMAGES = {
    "no pointer target": lambda g: shutil.rmtree(g),
    "no manifest": lambda g: (g / MANIFEST).unlink(),
    "manifest cut": lambda g: (g / MANIFEST).write_text("{"),
    "manifest of something else": lambda g: (g / MANIFEST).write_text('{"a": 1}'),
    "no chroma": lambda g: shutil.rmtree(g / CHROMA),
    "chroma database garbled": lambda g: garble(g, f"{CHROMA}/*.sqlite3"),
    "chroma database empty": lambda g: (g / CHROMA / "chroma.sqlite3").write_bytes(b""),
    "no lexical": lambda g: shutil.rmtree(g / LEXICAL),
    "lexical garbled": lambda g: garble(g, f"{LEXICAL}/*"),
    "lexical files gone": lambda g: [f.unlink() for f in (g / LEXICAL).glob("*.idx")],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_seen_and_mended_from_the_record(tmp_path: Path, damage):
    manifest = built(tmp_path, Keywords(), A, B)
    damage(tmp_path / manifest.generation)
    with pytest.raises(IndexUnreadable, match="ingest again"):
        open_current(tmp_path)
    mended = rebuild(tmp_path, embedder := Keywords())
    assert embedder.embedded == []  # from the cache
    assert mended.documents == manifest.documents
    assert ids(tmp_path) == expected(tmp_path, mended.generation)


def test_vectors_that_are_gone_are_missed(tmp_path: Path, monkeypatch):
    """Chroma without its vector files counts all records and answers from the last ones in its log."""
    words = ["småjob", "budget", "praktik"] * 4
    many = [parsed(f"d{n:02}", date(2010 + n // 12, n % 12 + 1, 3), *words) for n in range(40)]
    manifest = built(tmp_path, Keywords(), *many)
    (folder,) = [p for p in (tmp_path / manifest.generation / CHROMA).iterdir() if p.is_dir() and any(p.iterdir())]
    shutil.rmtree(folder)
    with pytest.raises(IndexUnreadable):
        open_current(tmp_path)


def test_rebuild_without_a_pointer(tmp_path: Path):
    manifest = built(tmp_path, Keywords(), A, B)
    (tmp_path / CURRENT).unlink()
    with pytest.raises(IndexMissing):
        open_current(tmp_path)
    assert rebuild(tmp_path, Keywords()).documents == manifest.documents
    with pytest.raises(OtherEmbedder):
        rebuild(tmp_path, Keywords("other"))


def test_another_embedder_is_refused(tmp_path: Path):
    manifest = built(tmp_path, Keywords(), A)
    check_embedder(tmp_path, manifest, Keywords())
    with pytest.raises(OtherEmbedder, match="ASKAMU_EMBEDDER=axes"):
        check_embedder(tmp_path, manifest, Keywords("other"))


def test_an_index_without_passages(tmp_path: Path):
    closed = parsed("a", MARCH)  # one closed item
    with writing(tmp_path), Record.create(tmp_path) as record:
        record.store(closed, Path("x"), "s", "1")
        manifest = build_generation(tmp_path, record, ["a"], Keywords())
    assert manifest.passages == 0
    with open_current(tmp_path) as generation:
        assert generation.nearest(Keywords().embed_question("x"), 5) == []
        assert generation.lexical.search("småjob", 5) == []


def test_unknown_metadata_is_left_out(tmp_path: Path):
    manifest = built(tmp_path, Keywords(), A)
    with open_current(tmp_path) as generation:
        about = generation._vectors._collection.get(limit=1)["metadatas"][0]
    assert about["date"] == 20240311
    assert about["municipality"] == "Holstebro"
    assert json.loads((tmp_path / manifest.generation / MANIFEST).read_text())["passages"] == manifest.passages


def test_a_clock_set_back_does_not_mix_generations(tmp_path: Path, monkeypatch):
    with writing(tmp_path), Record.create(tmp_path) as record:
        (tmp_path / "20991231T235959999999").mkdir()
        (tmp_path / "20991231T235959999999" / MANIFEST).write_text("{}")
        store(record, A, Keywords())
        assert build_generation(tmp_path, record, ["a"], Keywords()).generation > "20991231T235959999998"
    assert ids(tmp_path)
