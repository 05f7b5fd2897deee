from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from helpers_index import Keywords, parsed, store

from askamu.errors import IndexMissing, RecordUnreadable
from askamu.minutes import AgendaItem, Decision, MeetingDate, Minutes, Outcome, Section, SectionKind, Span
from askamu.minutes_json import minutes_from_json, minutes_to_json
from askamu.record import FILE, Record

MARCH, JUNE = date(2024, 3, 11), date(2024, 6, 10)
EVERYTHING = Minutes(
    id="d1",
    source="æ.txt",
    text="0123456789 æøå",
    municipality=None,
    committee="Ældreudvalget",
    date=MeetingDate(None, "et bilag nævner 10.06.25", date(2025, 1, 1), None),
    kind="referat",
    place="Rådhuset",
    attendees=("A (V)", "B"),
    absent=None,
    header=Section(SectionKind.HEADER, "", 0, 0, 2),
    items=(
        AgendaItem(
            "7",
            "Årsplan",
            "15.00.15-P16-1-22",
            False,
            2,
            9,
            (Section(SectionKind.HEADER, "x", 2, 3, 4), Section(SectionKind.DECISION, "Beslutning", 4, 5, 9, nil=True)),
            Decision(5, 9, (Outcome.APPROVED, Outcome.NOTED), (Span(1, 2),), (), True, ("C (A)",), (Span(3, 4),), ()),
            ("bilag 1",),
        ),
        AgendaItem(None, "", None, True, 9, 10, ()),
    ),
    layout="punkt",
    confidence=0.75,
    warnings=("w",),
)


@pytest.fixture
def record(tmp_path: Path):
    with Record.create(tmp_path) as record:
        yield record


def test_minutes_come_back_as_they_were(record):
    record.store(EVERYTHING, Path("/x/æ.txt"), "s", "1")
    assert record.document("d1") == EVERYTHING
    assert minutes_from_json(minutes_to_json(EVERYTHING), EVERYTHING.text) == EVERYTHING
    with pytest.raises(KeyError):
        record.document("d2")


def test_passages_come_back_as_they_were(record):
    minutes = parsed("a", MARCH, "småjob", "budget")
    store(record, minutes, Keywords())
    found = record.passages("a")
    assert len(found) > 4
    assert all(p.text == minutes.text[p.start : p.end] for p in found)
    assert [p.start for p in found] == sorted(p.start for p in found)
    record.store_generation("g", ["a"], Keywords().model_id)
    assert record.passages_of("g") == found
    assert record.passages_by_id("g", [found[2].id, "none"]) == {found[2].id: found[2]}


def test_two_embedders_cut_the_same_document_their_own_way(record):
    minutes = parsed("a", MARCH, "småjob")
    store(record, minutes, Keywords())
    whole = record.passages("a")
    record.store_generation("1", ["a"], "axes@1")
    record.store_passages("a", "other@1", whole[:1])
    record.store_generation("2", ["a"], "other@1")
    assert record.passages_of("1") == whole
    assert record.passages_of("2") == whole[:1] == record.passages("a")
    assert (record.cut_of("1"), record.cut_of("2"), record.cut_of("3")) == ("axes@1", "other@1", None)
    assert record.passages_by_id("2", [p.id for p in whole]) == {whole[0].id: whole[0]}
    record.keep_only(["2"])
    assert not record.is_cut("a", "axes@1")


def test_lists_the_meetings_of_a_generation(record):
    for minutes in (parsed("a", MARCH, "småjob"), parsed("b", JUNE, "budget", "praktik"), replace(EVERYTHING, id="c")):
        store(record, minutes, Keywords())
    record.store_generation("1", ["a"], "axes@1")
    record.store_generation("2", ["a", "b", "c"], "axes@1")
    (march,) = record.meetings("1")
    assert (march.source, march.municipality, march.held_on, march.items, march.closed) == (
        "a.txt",
        "Holstebro",
        MARCH,
        2,
        1,
    )
    assert march.passages == len(record.passages("a"))
    assert [m.id for m in record.meetings("2")] == ["b", "a", "c"]  # newest first, unknown municipality last
    assert record.documents_of("2") == ["a", "b", "c"]
    assert record.generations() == ["1", "2"]


def test_finds_a_case_by_number_oldest_first(record):
    for minutes in (parsed("a", JUNE, "småjob"), parsed("b", MARCH, "budget", "småjob")):
        store(record, minutes, Keywords())
    record.store_generation("1", ["a", "b"], "axes@1")
    assert record.find_case("1", "15.00.15-p16-1-24 ") == [("b", 0), ("a", 0)]
    assert record.find_case("1", "15.00.15-P16-2-24") == [("b", 1)]
    assert record.find_case("1", "00.00.00-P00-0-00") == []
    assert record.find_case("0", "15.00.15-P16-1-24") == []


def test_forgets_what_no_generation_holds(record):
    for minutes in (parsed("a", MARCH, "småjob"), parsed("b", JUNE, "budget")):
        store(record, minutes, Keywords())
        texts = [p.indexed_text for p in record.passages(minutes.id)]
        from askamu.vectors import Embedding

        with Embedding(Keywords(), record) as embedding:
            embedding.vectors(texts)
    record.store_generation("1", ["a", "b"], "axes@1")
    record.store_generation("2", ["b"], "axes@1")
    assert record.keep_only(["1", "2"]) == 0
    vectors = record._all("select count(*) from embeddings")[0][0]
    lost = len(record.passages("a"))
    assert record.keep_only(["2"]) == 1
    assert [d.id for d in record.stored()] == ["b"]
    assert record.find_case("2", "15.00.15-P16-1-24") == [("b", 0)]
    assert record._all("select count(*) from embeddings")[0][0] == vectors - lost
    assert record._all("select count(*) from items where document = 'a'") == [(0,)]


def test_an_old_link_leads_to_the_newest_correction(record):
    record.succeed("a", "b")
    record.succeed("b", "c")
    assert record.successor("a") == record.successor("b") == "c"
    assert record.successor("c") is None
    record.succeed("c", "a")  # the correction was undone
    assert record.successor("b") == record.successor("c") == "a"
    assert record.successor("a") is None


def test_keeps_vectors_bit_for_bit(record):
    vector = np.array([0.1, -1e-30, 3.0], dtype=np.float32)
    record.store_embeddings("m", {"k": vector})
    found = record.embeddings("m", ["k", "none"])
    assert list(found) == ["k"]
    assert found["k"].tobytes() == vector.tobytes()
    assert record.embeddings("other", ["k"]) == {}


def test_journal_is_kept_in_order(record):
    record.note("run 1", [("a.txt", "new", ""), ("b.txt", "failed", "empty")])
    record.note("run 2", [("a.txt", "replaced", "")])
    assert [(j.run, j.source, j.status, j.reason) for j in record.journal()][1] == ("run 1", "b.txt", "failed", "empty")
    assert [j.status for j in record.journal("run 2")] == ["replaced"]


def test_reading_needs_a_record(tmp_path: Path):
    with pytest.raises(IndexMissing):
        Record.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_what_is_written_and_can_write_nothing(tmp_path: Path):
    with Record.create(tmp_path) as record, Record.open(tmp_path) as reader:
        record.store(EVERYTHING, Path("x"), "s", "1")
        assert reader.document("d1") == EVERYTHING
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.moved("d1", Path("y"))


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop root")
def test_reads_in_a_folder_that_cannot_be_written(tmp_path: Path):
    with Record.create(tmp_path) as record:
        record.store(EVERYTHING, Path("x"), "s", "1")
    tmp_path.chmod(0o555)
    try:
        with Record.open(tmp_path) as reader:
            assert reader.document("d1") == EVERYTHING
    finally:
        tmp_path.chmod(0o755)


def test_damage_is_explained(tmp_path: Path):
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(RecordUnreadable, match=FILE):
        Record.open(tmp_path)
    with pytest.raises(RecordUnreadable, match=FILE):
        Record.create(tmp_path)


def test_a_newer_layout_is_refused(tmp_path: Path):
    Record.create(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(RecordUnreadable, match="layout 99"):
        Record.open(tmp_path)


def test_serves_several_threads(record):
    for i in range(5):
        store(record, parsed(f"d{i}", MARCH, "småjob", "budget"), Keywords())
    expected = {f"d{i}": record.passages(f"d{i}") for i in range(5)}
    wrong: list[str] = []

    def read() -> None:
        for _ in range(20):
            wrong.extend(d for d, passages in expected.items() if record.passages(d) != passages)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_minutes_stored_by_another_version_are_told(tmp_path):
    import zlib

    from askamu.errors import IndexUnreadable

    with Record.create(tmp_path) as record:
        store(record, parsed("a", date(2024, 3, 12), "småjob"), Keywords())
        with record._writing() as db:
            db.execute("update documents set minutes = ?", (zlib.compress(b'{"id": "a"}'),))
        with pytest.raises(IndexUnreadable, match="askamu ingest again"):
            record.document("a")
