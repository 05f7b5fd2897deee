"""ASKAMU_LLM -> a language model that streams, within a time budget, and is left alone for a while when it fails."""

from __future__ import annotations

import os
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from askamu.config import Settings
from askamu.errors import BadSetting, ExtraMissing, LanguageModelFailed
from askamu.privacy import no_telemetry

FAILURES = 3  # in a row, after which a model is left alone
REST = 60.0  # seconds that it is left alone
MOST_CHARS_A_TOKEN = 12  # a stream longer than this many characters for each token allowed has no end
LOCAL = ("localhost", "::1", "0.0.0.0")
OPENAI, OLLAMA = "https://api.openai.com/v1", "127.0.0.1:11434"
# Which of askamu's reasons a foreign error is, by the status of the answer.
STATUS = {401: "key", 403: "key", 404: "unknown_model", 408: "slow", 413: "too_long", 429: "limited"}
_TOO_LONG = re.compile(r"context[ _](?:length|size|window)", re.IGNORECASE)  # what a status 400 says of it


@dataclass(frozen=True, slots=True)
class Message:
    """One turn for a language model."""

    role: str  # "system", "user" or "assistant"
    content: str


@dataclass
class Writing:
    """What a language model writes, as it comes; iterate it once. The rest is known when it has ended."""

    pieces: Iterator[str]
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_ms: float | None = None  # from the request to the first words
    stop: Callable[[], None] = lambda: None  # from any thread: whoever iterates is told "stopped"

    def __iter__(self) -> Iterator[str]:
        return self.pieces


class LanguageModel(Protocol):
    """Something that continues a conversation. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """As it is shown to readers, "gemma3:12b"."""

    @property
    def structured(self) -> bool:
        """Whether it keeps to a JSON schema that it is given."""

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        """Begin to write.

        Args:
            deadline: of `time.monotonic()`, by which it must have ended.
            schema: a JSON schema that it must keep to; only where it is `structured`.

        Iterating raises:
            LanguageModelFailed: with the reason; also when the time is over, and where the end is missing.
        """


class Stoppable:
    """A model for one answer, which another thread may have stopped: the reader has asked something else, or left."""

    def __init__(self, model: LanguageModel) -> None:
        self._model, self._lock = model, threading.Lock()
        self._writings: list[Writing] = []
        self.stopped = False

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def structured(self) -> bool:
        return self._model.structured

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        writing = self._model.write(messages, deadline, schema)
        with self._lock:
            self._writings.append(writing)
            if self.stopped:
                writing.stop()
        return writing

    def stop(self) -> None:
        """What it writes, or is asked to write from now on, ends with "stopped"."""
        with self._lock:
            self.stopped = True
            for writing in self._writings:
                writing.stop()


class Breaker:
    """Lets a failing model rest: after `FAILURES` failures in a row none is asked for `REST` seconds, then one."""

    def __init__(self, failures: int = FAILURES, rest: float = REST) -> None:
        self.failures, self.rest = failures, rest
        self._lock = threading.Lock()
        self._failed, self._until = 0, 0.0

    def check(self) -> None:
        """Raises LanguageModelFailed("resting") while the model rests."""
        with self._lock:
            if self._failed >= self.failures:
                if time.monotonic() < self._until:
                    raise LanguageModelFailed("resting")
                self._until = time.monotonic() + self.rest  # this one may try; the others wait for how it went

    def went(self, well: bool) -> None:
        with self._lock:
            self._failed = 0 if well else self._failed + 1
            if self._failed >= self.failures:
                self._until = time.monotonic() + self.rest


class ChatModel:
    """A chat model of LangChain's."""

    def __init__(self, name: str, model: Any, structured: bool, max_tokens: int, at_once: int = 4) -> None:
        self.name, self.structured = name, structured
        self.breaker = Breaker()
        self._model, self._most = model, max_tokens * MOST_CHARS_A_TOKEN
        self._places = threading.BoundedSemaphore(at_once)

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        stream = _Stream(self._model, messages, schema, self._places, self._most)
        writing = Writing(iter(()), stop=stream.stop)
        writing.pieces = self._pieces(stream, deadline, writing)
        return writing

    def _pieces(self, stream: _Stream, deadline: float, writing: Writing) -> Iterator[str]:
        if stream.stopped:
            raise LanguageModelFailed("stopped")
        self.breaker.check()
        if not self._places.acquire(blocking=False):
            raise LanguageModelFailed("busy")
        started, length = time.monotonic(), 0
        try:
            for piece in stream.until(deadline):
                if writing.first_ms is None:
                    writing.first_ms = round(1000 * (time.monotonic() - started), 1)
                length += len(piece)
                yield piece
            if not length:
                raise LanguageModelFailed("empty")
            if stream.cut:
                raise LanguageModelFailed("cut")
        except LanguageModelFailed as failed:
            if failed.reason != "stopped":
                self.breaker.went(well=False)
            raise
        finally:
            stream.stop()
            writing.tokens_in, writing.tokens_out = stream.tokens
        self.breaker.went(well=True)


@dataclass
class _Stream:
    """A model's stream, read in a thread of its own, so that one that hangs keeps nobody waiting.

    The thread ends with the stream, with `stop` (at once where the answer has begun to come, through `_tell_response`,
    else at the next piece), or with the client's own timeout, whichever is first, and gives its place back then.
    """

    model: Any
    messages: Sequence[Message]
    schema: dict[str, Any] | None
    places: threading.BoundedSemaphore
    most: int  # characters, after which it has no end
    cut: bool = False
    tokens: tuple[int | None, int | None] = (None, None)
    stopped: bool = False
    _pieces: queue.Queue[str | BaseException | None] = field(default_factory=queue.Queue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _response: Any = None  # that is being read

    def until(self, deadline: float) -> Iterator[str]:
        threading.Thread(target=self._read, name="askamu-llm", daemon=True).start()
        while True:
            left = deadline - time.monotonic()
            try:
                piece = self._pieces.get(timeout=max(0.0, left))
            except queue.Empty:
                left = 0
            if self.stopped:
                raise LanguageModelFailed("stopped")
            if left <= 0:  # also where pieces come faster than they are read
                raise LanguageModelFailed("slow")
            if piece is None:
                return
            if isinstance(piece, LanguageModelFailed):
                raise piece
            if isinstance(piece, BaseException):
                raise LanguageModelFailed(reason_of(piece)) from piece
            yield piece

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            if self._response is not None:
                hang_up(self._response)
        self._pieces.put(LanguageModelFailed("stopped"))

    def begun(self, response: Any) -> None:
        """The answer begins to come: an httpx.Response."""
        with self._lock:
            self._response = response
            if self.stopped:
                hang_up(response)

    def _read(self) -> None:
        _reading.stream = self
        try:
            extra = {"response_format": {"type": "json_schema", "json_schema": self.schema}} if self.schema else {}
            ended, length = False, 0
            for chunk in self.model.stream([(m.role, m.content) for m in self.messages], **extra):
                if self.stopped:
                    return
                told = chunk.response_metadata or {}
                why = told.get("finish_reason") or told.get("done_reason")
                if why:
                    ended, self.cut = True, why in ("length", "max_tokens", "content_filter")
                if usage := chunk.usage_metadata:
                    self.tokens = usage["input_tokens"], usage["output_tokens"]
                words = chunk.text if isinstance(chunk.text, str) else chunk.text()
                length += len(words)
                if length > self.most:
                    raise LanguageModelFailed("endless")
                if words:
                    self._pieces.put(words)
            self.cut = self.cut or not ended
            self._pieces.put(None)
        except BaseException as error:  # whatever a provider's package raises becomes a reason in the other thread
            self._pieces.put(error)
        finally:
            with self._lock:
                self._response = None  # its connection may serve somebody else from now on
            self.places.release()


_reading = threading.local()  # stream: the one that this thread reads


def _tell_response(response: Any) -> None:
    """A hook for httpx: what a thread reads an answer for learns of it, so that it can hang up."""
    stream = getattr(_reading, "stream", None)
    if stream is not None:
        stream.begun(response)


def hang_up(response: Any) -> None:
    """End a response that another thread reads, which may wait in there for words that never come."""
    with suppress(Exception):  # it may have ended meanwhile
        response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def reason_of(error: BaseException) -> str:
    """Why a model failed, as a key of the texts under llm.why: "unreachable", "key", "limited", …"""
    seen: BaseException | None = error
    while seen is not None:
        status = getattr(seen, "status_code", None) or getattr(getattr(seen, "response", None), "status_code", None)
        if isinstance(status, int) and status >= 300:
            long = status in (400, 500) and _TOO_LONG.search(str(seen))
            return "too_long" if long else STATUS.get(status, "failed")
        names = {c.__name__ for c in type(seen).__mro__}
        if names & {"TimeoutException", "APITimeoutError", "TimeoutError"}:
            return "slow"
        if names & {"ConnectError", "ConnectionRefusedError", "gaierror"}:
            return "unreachable"
        if names & {"RemoteProtocolError", "ReadError", "ConnectionResetError", "IncompleteRead"}:
            return "cut"
        if names & {"JSONDecodeError", "APIResponseValidationError", "ValidationError"}:
            return "malformed"
        seen = seen.__cause__ or seen.__context__
    names = {c.__name__ for c in type(error).__mro__}
    if "APIConnectionError" in names:
        return "unreachable"
    return "failed" if names & {"APIError", "ResponseError"} else "malformed"  # an error told in mid-stream


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where ASKAMU_LLM leads."""

    provider: str
    model: str
    base_url: str | None

    @property
    def address(self) -> str | None:
        """What passages and questions are sent to; None where only the provider's package knows it.

        Where no address is set, the clients of OpenAI and Ollama take it from variables of their own.
        """
        if self.base_url:
            return self.base_url
        if self.provider == "openai":
            return os.environ.get("OPENAI_API_BASE") or os.environ.get("OPENAI_BASE_URL") or OPENAI
        if self.provider == "ollama":
            host = os.environ.get("OLLAMA_HOST") or OLLAMA
            return host if "://" in host else f"http://{host}"
        return None

    @property
    def local(self) -> bool:
        """Whether what is asked stays on this machine."""
        return self.address is not None and is_local(self.address)

    @property
    def place(self) -> str:
        """The host that passages and questions are sent to, as far as it is known; without user and password."""
        return urlsplit(self.address).netloc.rpartition("@")[2] if self.address else self.provider


def is_local(address: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(address).hostname or ""
    return host in LOCAL or host.startswith("127.")


def endpoint_of(settings: Settings) -> Endpoint | None:
    """Where ASKAMU_LLM leads; None where no language model is asked for.

    Raises:
        BadSetting: if it is not of the form PROVIDER:MODEL.
    """
    if not settings.llm.strip():
        return None
    provider, _, model = settings.llm.strip().partition(":")
    if not provider or not model:
        raise BadSetting(
            f"ASKAMU_LLM can't be »{settings.llm}«. It is PROVIDER:MODEL, such as ollama:gemma3:12b, or openai:NAME "
            "with ASKAMU_LLM_BASE_URL for any server that speaks OpenAI's protocol."
        )
    return Endpoint(provider, model, settings.llm_base_url)


def open_model(settings: Settings) -> ChatModel | None:
    """The language model that ASKAMU_LLM names; None where none is asked for. Nothing is sent yet.

    Raises:
        BadSetting: if there is no such provider, or a setting is missing.
        ExtraMissing: if the provider's package is not installed.
    """
    endpoint = endpoint_of(settings)
    if endpoint is None:
        return None
    no_telemetry()
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise ExtraMissing("llm") from error
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    given: dict[str, Any] = {"temperature": settings.llm_temperature}
    # Passages go to the address that the operator named, and to no other that it points to.
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [_tell_response]}
    match endpoint.provider:
        case "openai":
            given |= {
                "max_tokens": settings.llm_max_tokens,
                "timeout": settings.llm_timeout,
                "max_retries": 0,
                "stream_usage": True,
            }
            import httpx

            given["http_client"] = httpx.Client(follow_redirects=False, event_hooks=hooks)
            if endpoint.base_url:  # a key that the environment has for OpenAI itself goes nowhere else
                given |= {"base_url": endpoint.base_url, "api_key": key or "none"}
        case "ollama":
            client = {"timeout": settings.llm_timeout, "follow_redirects": False}
            given |= {"num_predict": settings.llm_max_tokens, "client_kwargs": client}
            given["sync_client_kwargs"] = {"event_hooks": hooks}
            given |= {"num_ctx": settings.llm_context + settings.llm_max_tokens + 2_000}
            if endpoint.base_url:
                given["base_url"] = endpoint.base_url
        case _:
            given |= {"max_tokens": settings.llm_max_tokens, "timeout": settings.llm_timeout, "max_retries": 0}
            if endpoint.base_url:
                given["base_url"] = endpoint.base_url
    if key and endpoint.provider != "ollama":
        given["api_key"] = key
    try:
        model = init_chat_model(endpoint.model, model_provider=endpoint.provider, **given)
    except ImportError as error:
        package = f"langchain-{endpoint.provider.replace('_', '-')}"
        raise BadSetting(f"The language model {settings.llm} needs a package: pip install {package}") from error
    except Exception as error:  # of any provider's package: its settings could not be read
        raise BadSetting(f"The language model {settings.llm} can't be opened: {_short(error)}.") from error
    profile = getattr(model, "profile", None) or {}
    structured = settings.llm_output == "json" or (
        settings.llm_output == "auto" and bool(profile.get("structured_output"))
    )
    return ChatModel(endpoint.model, model, structured, settings.llm_max_tokens, settings.llm_at_once)


def _short(error: BaseException) -> str:
    """The first line of a foreign error, so that no key or address that stands further down is shown."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
