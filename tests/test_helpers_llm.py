"""The equipment itself: liars lie, faults show, the real model streams."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from conftest import read, seed_files
from helpers_liars import HARD, LIARS, Liar, contrite, outcomes, proposal
from helpers_llm import (
    ENDLESS,
    FAULTS,
    HONEST,
    Prompt,
    Reply,
    Scripted,
    Shown,
    SmallModel,
    honest,
    lost,
    prompt_text,
    reached,
    read_prompt,
    refused,
    request,
    scripted,
    shown,
)

from askamu.minutes import SectionKind

PLACE = "Fjordlev Kommune, Arbejdsmarkedsudvalget, 12.03.2024, punkt 1"
PASSAGES = (
    shown("aaaaaa", f"SAGSFREMSTILLING | {PLACE}",
          "Pr. 31. december 2023 var der 19 borgere i småjob.",
          "I alt 31 borgere har været ansat i løbet af året, og 12 er stoppet igen."),
    shown("bbbbbb", f"INDSTILLING | {PLACE}", "Det indstilles, at der afsættes 350.000 kr. til mentorer i 2024."),
    shown("cccccc", f"BESLUTNING | {PLACE}", "Udsat til mødet i april."),
)  # fmt: skip
QUESTION = "Hvor mange er i småjob?"
NAMES = {SectionKind.DECISION: "BESLUTNING", SectionKind.RECOMMENDATION: "INDSTILLING"}


def prompt(language: str = "da", passages: tuple[Shown, ...] = PASSAGES, **more: Any) -> Prompt:
    return read_prompt(request(QUESTION, passages, language, **more))


def repair(*failed: str, language: str = "da") -> dict[str, Any]:
    body = request(QUESTION, PASSAGES, language)
    lines = "\n".join(f"{n}. {text}" for n, text in enumerate(failed, start=1))
    word = "REPAIR" if language == "en" else "RET"
    body["messages"] += [
        {"role": "assistant", "content": "..."},
        {"role": "user", "content": f"{word}: disse sætninger\n{lines}"},
    ]
    return body


def seed_prompts() -> Iterator[Prompt]:
    """A question on every item of the seeds, with its passages and those of the next one, in both languages."""
    for path in seed_files():
        minutes = read(path)
        items = [_passages(minutes, item, n) for n, item in enumerate(minutes.items) if not item.closed]
        for n, passages in enumerate(items):
            both = tuple((passages + items[(n + 1) % len(items)])[:10])
            if both:
                for language in ("da", "en"):
                    body = request(f"Hvad om punkt {n} i {path.stem}?", both, language)
                    yield read_prompt(body)


def _passages(minutes: Any, item: Any, at: int) -> list[Shown]:
    found = []
    order = {SectionKind.DECISION: 0, SectionKind.RECOMMENDATION: 1}
    for section in sorted(item.sections, key=lambda s: order.get(s.kind, 2)):
        text = " ".join(minutes.text[section.body : section.end].split())
        if section.nil or len(text) < 5 or section.kind is SectionKind.ATTACHMENTS:
            continue
        rng = Random(f"{minutes.id} {at} {section.start}")
        id = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=6))
        label = (
            f"{NAMES.get(section.kind, 'SAGSFREMSTILLING')} | {minutes.municipality}, punkt {item.number} {item.title}"
        )
        parts = re.split(r"(?<=[a-zæøå\d)]\.) (?=[A-ZÆØÅ])", text)
        found.append(shown(id, label, *parts))
    return found


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    return list(seed_prompts())


# --- the prompt


@pytest.mark.parametrize(("language", "word"), [("da", "Spørgsmål: "), ("en", "Question: ")])
def test_reads_what_is_asked(language: str, word: str) -> None:
    assert word + QUESTION in prompt_text(QUESTION, PASSAGES, language)
    read = prompt(language)
    assert (read.question, read.language, read.passages) == (QUESTION, language, PASSAGES)
    assert not read.is_repair
    assert [p.section for p in read.passages if p.is_decision] == ["BESLUTNING"]
    assert {p.place for p in read.passages} == {PLACE}


def test_reads_a_repair() -> None:
    read = read_prompt(repair("Der er 91 i småjob. [aaaaaa.1]"))
    assert read.is_repair
    assert read.failed == ("Der er 91 i småjob. [aaaaaa.1]",)
    assert read.passages == PASSAGES
    assert honest(read).text == "1. I referatet står: {aaaaaa.1} [aaaaaa.1]"
    assert read_prompt(repair("x", language="en")).language == "en"
    body = request(QUESTION, PASSAGES)  # in one message with the passages
    body["messages"][-1]["content"] += "\n\nRET:\n1. Nej. [aaaaaa.1]\n2. Jo. [bbbbbb]"
    both = read_prompt(body)
    assert (both.failed, both.passages, both.question) == (("Nej. [aaaaaa.1]", "Jo. [bbbbbb]"), PASSAGES, QUESTION)


def test_what_was_decided_and_recommended() -> None:
    assert outcomes(PASSAGES[2]) == {"postponed"}
    assert outcomes(shown("dddddd", "BESLUTNING | x", "Godkendt som indstillet.")) == {"approved"}
    assert outcomes(shown("dddddd", "BESLUTNING | x", "Ikke godkendt.")) == {"rejected"}
    assert proposal("Det indstilles, at der afsættes 1 kr.") == "der afsættes 1 kr"
    assert proposal("1. Ordningen fortsætter uændret.") == "ordningen fortsætter uændret"


# --- honest ones and liars


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_answer_has_only_its_own_marks(name: str, prompts: list[Prompt]) -> None:
    for asked in prompts:
        told = HONEST[name](asked)
        marks = {mark for p in asked.passages for mark in (p.id, *(m for m, _ in p.sentences))}
        assert not told.lies
        assert set(re.findall(r"[\[{]([a-z2-7]{6}(?:\.\d+)?)[\]}]", told.text or "")) <= marks
        assert told.keeps
        assert all(kept in asked.text for kept in told.keeps)
        assert not lost(" ".join(told.keeps), told)


@pytest.mark.parametrize("name", [*LIARS, *HARD])
def test_a_liar_lies(name: str, prompts: list[Prompt]) -> None:
    liar = (LIARS | HARD)[name]
    lied = 0
    for asked in prompts:
        told = liar(asked)
        assert told.text
        assert told == liar(asked)
        if not told.lies:
            assert told == honest(asked)
            continue
        lied += 1
        for lie in told.lies:
            assert re.search(lie, told.text, re.IGNORECASE) or reached(told.text, Reply("", (lie,))), (lie, told.text)
            assert not re.search(lie, asked.text, re.IGNORECASE), (lie, asked.text)
        sound = " ".join(f"»{text}« [1]" for p in asked.passages for _, text in p.sentences)
        assert not reached(sound, told)
        if told.target:
            assert told.target.rstrip(".")[-20:] in asked.text or " + " in told.target
        assert all(kept in asked.text for kept in told.keeps)
        if liar.kind == "mixed":
            assert told.keeps
    assert lied, f"{name} never found anything to lie about"


def test_there_are_many_liars() -> None:
    assert len(LIARS) >= 80
    assert {
        "figure",
        "date",
        "name",
        "mark",
        "recommendation",
        "decision",
        "uncited",
        "injection",
        "language",
        "mixed",
    } <= {liar.kind for liar in LIARS.values()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digit_changed", r"(?!.*\b19 borgere i småjob|.*31 borgere har.*12 er)"),
        ("recommendation_decided", r"Udvalget besluttede, at der afsættes 350\.000 kr\. til mentorer i 2024\. \[bbbbbb\.1\]"),
        ("recommendation_by_decision", r"Udvalget godkendte, at der afsættes .* \[cccccc\.1\]"),
        ("decision_approved", r"Udvalget godkendte indstillingen i sin helhed\. \[cccccc\.1\]"),
        ("claim_cited", r".* \[aaaaaa\.1\]"),
    ],
)  # fmt: skip
def test_what_a_liar_says(name: str, said: str) -> None:
    assert re.match(said, LIARS[name](prompt()).text or "")


def test_a_lie_does_not_depend_on_the_ids(prompts: list[Prompt]) -> None:
    other = tuple(Shown(p.id[::-1], p.label, tuple((m[5::-1] + m[6:], t) for m, t in p.sentences)) for p in PASSAGES)
    liar = LIARS["digit_changed"]
    assert liar(prompt()).lies == liar(prompt(passages=other)).lies
    assert len({liar.seeded(seed)(prompt()).lies for seed in range(10)}) > 3


def test_a_liar_says_it_again_and_a_contrite_one_does_not() -> None:
    liar: Liar = LIARS["claim_cited"]
    asked = read_prompt(repair("Borgmesteren er meget tilfreds med forløbet. [aaaaaa.1]"))
    assert liar(asked).text == "1. Borgmesteren er meget tilfreds med forløbet. [aaaaaa.1]"
    assert liar(asked).lies == liar(prompt()).lies
    assert (contrite(liar)(asked).text or "").startswith("1. I referatet står: {")


@pytest.mark.parametrize(
    "answer",
    [
        "Der er 91 borgere i **småjob** [2](#kilde-2).",
        "Der er 91\nborgere i småjob \\[1\\]. [1]",
        "der er *91* borgere i\u00a0småjob.",
    ],
)
def test_a_lie_is_found_however_it_is_shown(answer: str) -> None:
    assert reached(answer, Reply("", (r"91\s+borgere\s+i\s+småjob",)))
    assert not reached(answer, Reply("", (r"19\s+borgere",)))


# --- the server


def chat(server: Scripted, stream: bool = False, timeout: float = 5.0, **more: Any) -> httpx.Response:
    body = request(QUESTION, PASSAGES, stream=stream, **more)
    return httpx.post(f"{server.url}/chat/completions", json=body, timeout=timeout)


def streamed(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def said(response: httpx.Response) -> str:
    chunks = list(streamed(iter(response.text.splitlines())))
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


def test_answers_whole_and_as_a_stream() -> None:
    with scripted(honest) as server:
        whole = chat(server).json()["choices"][0]
        stream = chat(server, stream=True, stream_options={"include_usage": True})
        assert whole["message"]["content"] == said(stream) == honest(prompt()).text
        assert whole["finish_reason"] == "stop"
        assert stream.text.rstrip().endswith("data: [DONE]")
        *_, last = streamed(iter(stream.text.splitlines()))
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] > 0
        assert [r.prompt.question for r in server.chats if r.prompt] == [QUESTION, QUESTION]
        assert server.chats[0].sent == server.chats[1].sent == said(stream)
        assert server.keeps == honest(prompt()).keeps
        models = httpx.get(f"{server.url}/models").json()
        assert [m["id"] for m in models["data"]] == ["scripted"]
        assert httpx.get(f"{server.url}/nothing").status_code == 404


def test_answers_as_ollama() -> None:
    with scripted(honest) as server:
        body = request(QUESTION, PASSAGES)
        lines = httpx.post(f"{server.root}/api/chat", json=body).text.splitlines()
        chunks = [json.loads(line) for line in lines]
        assert "".join(c["message"]["content"] for c in chunks) == honest(prompt()).text
        assert [c["done"] for c in chunks[-2:]] == [False, True]
        whole = httpx.post(f"{server.root}/api/chat", json={**body, "stream": False}).json()
        assert whole["message"]["content"] == honest(prompt()).text


def test_any_other_chat_is_answered_with_its_last_line() -> None:
    with scripted(honest) as server:
        body = {"messages": [{"role": "user", "content": "Skriv spørgsmålet helt ud.\n\nOg i 2023?"}]}
        found = httpx.post(f"{server.url}/chat/completions", json=body).json()
        assert found["choices"][0]["message"]["content"] == "Og i 2023?"


SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": {"type": "object", "properties": {"sentences": {"type": "array", "items": {
        "type": "object", "properties": {"text": {"type": "string"}, "marks": {"type": "array", "items": {"type": "string"}}},
    }}}}},
}  # fmt: skip


def test_answers_in_a_schema_where_it_is_to() -> None:
    with scripted(LIARS["claim_cited"], structured="obey") as server:
        found = json.loads(chat(server, response_format=SCHEMA).json()["choices"][0]["message"]["content"])
        assert [s["marks"] for s in found["sentences"]] == [["aaaaaa.1"]]
    with scripted(honest, structured="refuse") as server:
        assert chat(server, response_format=SCHEMA).status_code == 400
    with scripted(honest) as server:
        assert "[aaaaaa.1]" in chat(server, response_format=SCHEMA).json()["choices"][0]["message"]["content"]


def test_asks_for_its_key() -> None:
    with scripted(honest, key="sk-1") as server:
        assert chat(server).status_code == 401


def test_notices_that_nobody_listens_any_more() -> None:
    with scripted(FAULTS["drips_0.1"]) as server:
        body = request(QUESTION, PASSAGES, stream=True)
        with httpx.stream("POST", f"{server.url}/chat/completions", json=body) as response:
            next(response.iter_lines())
        until = time.monotonic() + 2
        while not server.log[0].left and time.monotonic() < until:
            time.sleep(0.01)
        assert server.log[0].left


# --- faults


@pytest.mark.parametrize(
    ("name", "status", "within"),
    [
        ("error_500", 500, "Internal"), ("error_503", 503, "Loading"), ("rate_limited", 429, "Rate limit"), ("no_quota", 429, "quota"),
        ("unauthorised", 401, "sk-hemmelig"), ("model_unknown", 404, "does not exist"), ("too_long", 400, "context length"),
        ("html_page", 200, "<h1>"), ("redirect", 307, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_by_its_status(name: str, status: int, within: str, stream: bool) -> None:
    with scripted(FAULTS[name]) as server:
        response = chat(server, stream)
        assert response.status_code == status
        assert within in response.text
        if name == "rate_limited":
            assert response.headers["Retry-After"] == "30"
        if name == "redirect":
            assert response.headers["Location"].startswith("http://localhost:")
            assert server.elsewhere().log == []
            assert httpx.get(response.headers["Location"].replace("chat/completions", "models")).status_code == 200
            assert len(server.elsewhere().log) == 1


@pytest.mark.parametrize(
    ("name", "content", "finish"),
    [
        ("empty", "", "stop"), ("blank", " \n\n \t \n", "stop"), ("null", None, "stop"), ("tool_calls", None, "tool_calls"),
        ("filtered", "", "content_filter"), ("refuses", "Det kan jeg desværre ikke hjælpe med.", "stop"),
        ("long_line", "ja" * 200_000, "stop"),
    ],
)  # fmt: skip
def test_a_fault_by_what_is_said(name: str, content: str | None, finish: str) -> None:
    with scripted(FAULTS[name]) as server:
        choice = chat(server).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == (content, finish)
        stream = chat(server, True)
        assert said(stream) == (content or "")
        assert f'"finish_reason": "{finish}"' in stream.text


def test_cut_off() -> None:
    with scripted(FAULTS["cut_off"]) as server:
        choice = chat(server).json()["choices"][0]
        assert choice["finish_reason"] == "length"
        assert (honest(prompt()).text or "").startswith(choice["message"]["content"])


@pytest.mark.parametrize("name", ["reset_at_once", "reset_in_stream"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_breaks_off(name: str, stream: bool) -> None:
    with scripted(FAULTS[name]) as server, pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        chat(server, stream)


def test_a_stream_that_ends_too_soon() -> None:
    for name in ("closed_in_stream", "error_in_stream", "malformed", "wrong_bytes"):
        with scripted(FAULTS[name]) as server:
            stream = chat(server, True)
            assert stream.status_code == 200
            if name == "malformed":
                with pytest.raises(ValueError, match="Unterminated"):
                    said(stream)
            elif name == "wrong_bytes":
                with pytest.raises(UnicodeDecodeError):
                    stream.content.decode()
            else:
                assert "[DONE]" not in stream.text
            if name in ("closed_in_stream", "malformed"):
                with pytest.raises(ValueError, match=r"(?i)unterminated|expecting"):
                    chat(server).json()


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_that_never_ends(name: str, stream: bool) -> None:
    """Something or nothing comes, but no end; and the server is gone at once when it is to go."""
    begun = time.monotonic()
    with scripted(FAULTS[name]) as server:
        got = b""
        body = request(QUESTION, PASSAGES, stream=stream)
        try:
            with httpx.stream("POST", f"{server.url}/chat/completions", json=body, timeout=0.3) as response:
                for part in response.iter_bytes():
                    got += part
                    if time.monotonic() - begun > 0.5:
                        break
                else:
                    pytest.fail("it ended")
        except httpx.ReadTimeout:
            assert name in ("hangs", "silent", "stalls", "drips_1.0")
        if stream and name in ("drips_0.1", "drips_1.0", "stalls", "endless", "endless_line"):
            assert got.count(b"data: ") >= 2
    assert time.monotonic() - begun < 2


def test_nobody_listens() -> None:
    with refused() as url, pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models", timeout=2)


def test_faults_in_ollamas_way() -> None:
    with scripted(FAULTS["error_500"]) as server:
        response = httpx.post(f"{server.root}/api/chat", json=request(QUESTION, PASSAGES))
        assert (response.status_code, response.json()) == (500, {"error": "Internal Server Error"})


# --- the real one


@pytest.mark.slow
def test_the_small_model_streams(small_model: SmallModel, tmp_path: Path) -> None:
    models = httpx.get(f"{small_model.url}/models", timeout=30).json()
    assert small_model.name in [m["id"] for m in models["data"]]
    body = request(
        QUESTION, PASSAGES, stream=True, max_tokens=24, temperature=0, stream_options={"include_usage": True}
    )
    body["model"] = small_model.name
    with httpx.stream("POST", f"{small_model.url}/chat/completions", json=body, timeout=120) as response:
        assert response.status_code == 200
        chunks = list(streamed(response.iter_lines()))
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    assert len(chunks) > 10
    assert text.strip()
    assert chunks[-1]["usage"]["completion_tokens"] == 24
