"""The API where the operator has a language model: phrased and checked, streamed, without it, and MCP's own way."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")
pytest.importorskip("jsonschema", reason="comes with Schemathesis: pip install -e '.[dev]'")

import httpx
import jsonschema
from helpers_browser import served
from helpers_liars import LIARS
from helpers_llm import FAULTS, Prompt, Reply, Scripted, honest, reached, scripted
from starlette.testclient import TestClient

from askamu.answer import ask
from askamu.config import Settings
from askamu.library import Library
from askamu.ui import server

QUESTION = "Hvad er status på småjob i Fjordlev?"
RAW = re.compile(r"[\[{][a-z2-7]{6}(?:\.\d+)?[\]}]")  # a mark as the model is shown it


@pytest.fixture(scope="module")
def model() -> Iterator[Scripted]:
    with scripted(honest) as found:
        yield found


@pytest.fixture(scope="module")
def settings(seed_index: Path, model: Scripted) -> Settings:
    return Settings(index=seed_index, llm="openai:scripted", llm_base_url=model.url, llm_timeout=5)


@pytest.fixture(scope="module")
def open_client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(server.create_app(settings)) as found:
        yield found


@pytest.fixture
def client(open_client: TestClient, model: Scripted) -> TestClient:
    model.reply, model.pace = honest, 0.0
    model.forget()
    return open_client


def fits(client: TestClient, record: dict[str, Any]) -> None:
    """The record is what the OpenAPI document says it is."""
    whole = client.get("/api/openapi.json").json()
    jsonschema.Draft202012Validator({**whole, "$ref": "#/components/schemas/AnswerRecord"}).validate(record)


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = re.findall(r"^event: (\w+)\ndata: (.*)\n\n", text, re.MULTILINE)
    return [(name, json.loads(data)) for name, data in found]


def test_an_answer_in_its_words_with_what_was_checked(client, model):
    record = client.post("/api/ask", json={"question": QUESTION}).json()
    fits(client, record)
    assert record["model"]["llm"] == "scripted"
    checked = record["verification"]
    assert checked["model"] == "scripted"
    assert checked["fallback"] is None
    assert [s["became"] for s in checked["sentences"]] == ["kept"] * 3
    assert checked["prompt"].startswith("answer.da@")
    assert checked["tokens_in"] > 0
    assert checked["first_ms"] <= checked["model_ms"]
    assert {int(n) for n in re.findall(r"\[(\d+)\]", record["answer"])} == {c["n"] for c in record["citations"]}
    assert not RAW.search(record["answer"])
    assert len(model.chats) == 1


def test_without_it_on_request(client, model, library: Library):
    by_body = client.post("/api/ask", json={"question": QUESTION, "llm": False}).json()
    by_link = client.get("/api/ask", params={"q": QUESTION, "llm": "0"}).json()
    for record in (by_body, by_link):
        fits(client, record)
        assert record["verification"] is None
        assert record["model"]["llm"] is None
        assert record["answer"] == ask(library, QUESTION).text
        assert record["warnings"] == []
    assert model.chats == []


def test_without_a_model_to_wish_for_one_is_no_error(seed_index):
    with TestClient(server.create_app(Settings(index=seed_index))) as client:
        record = client.post("/api/ask", json={"question": QUESTION, "llm": True}).json()
    assert record["verification"] is None


def test_a_stream_grows_by_sentences_that_hold(client, model):
    found = events(client.get("/api/ask/stream", params={"q": QUESTION}).text)
    names = [name for name, _ in found]
    assert names[0] == "status"
    assert names[-1] == "record"
    assert set(names[1:-1]) == {"text"}
    texts = [data["text"] for name, data in found if name == "text"]
    assert len(texts) == 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert not any(RAW.search(text) for text in texts)
    record = found[-1][1]
    fits(client, record)
    assert record["answer"].startswith(texts[-1])
    without = events(client.get("/api/ask/stream", params={"q": QUESTION, "llm": "false"}).text)
    assert without[-1][1]["verification"] is None
    assert len(model.chats) == 1


@pytest.mark.parametrize("name", ["digit_changed", "recommendation_decided", "uncited_end", "mark_unknown"])
def test_no_lie_is_streamed(client, model, name):
    model.reply = LIARS[name]
    found = events(client.get("/api/ask/stream", params={"q": QUESTION}).text)
    told = Reply("", model.lies)
    assert model.lies
    for kind, data in found:
        assert reached(data["text"] if kind == "text" else data.get("answer", ""), told) == []
    record = found[-1][1]
    fits(client, record)
    checked = record["verification"]
    assert checked["fallback"] or any(s["became"] in ("quoted", "dropped") for s in checked["sentences"])
    assert record["warnings"]


@pytest.mark.parametrize("name", ["error_500", "closed_in_stream"])
def test_a_fault_is_an_answer_and_no_error(client, model, library, name):
    model.reply = FAULTS[name]
    found = events(client.get("/api/ask/stream", params={"q": QUESTION}).text)
    assert "error" not in [kind for kind, _ in found]
    record = found[-1][1]
    fits(client, record)
    assert record["answer"] == ask(library, QUESTION).text
    assert record["verification"]["fallback"] in ("failed", "cut")
    assert "uden sprogmodellens ord" in record["warnings"][-1]
    model.reply = honest
    assert client.get("/api/ask", params={"q": QUESTION}).json()["model"]["llm"] == "scripted"


def test_who_leaves_the_stream_stops_the_model(seed_index, tmp_path, model):
    def at_length(prompt: Prompt) -> Reply:
        return Reply((honest(prompt).text or "") + "\n\n" + "og så videre " * 700)  # one sentence without an end

    model.reply, model.pace = at_length, 0.01
    model.forget()
    setting = {"ASKAMU_LLM": "openai:scripted", "ASKAMU_LLM_BASE_URL": model.url, "ASKAMU_LLM_TIMEOUT": "30"}
    with served(seed_index, tmp_path, **setting) as address:
        with httpx.stream("GET", address + "/api/ask/stream", params={"q": QUESTION}, timeout=20) as answer:
            for line in answer.iter_lines():
                if line == "event: text":
                    break
        until = time.monotonic() + 3
        while not model.chats[-1].left and time.monotonic() < until:
            time.sleep(0.05)
        assert model.chats[-1].left


def test_tools_for_language_models_give_quotes(settings, client, model, library):
    pytest.importorskip("mcp", reason="needs the SDK: pip install 'askamu[mcp]'")
    from askamu.mcp_server import Tools

    record = Tools(lambda: library, settings).ask(QUESTION)
    assert record["answer"] == ask(library, QUESTION).text
    assert "verification" not in record
    assert model.chats == []
