"""texts -> vectors by a server of the operator's choice: OpenAI's protocol, or Ollama's.

Nothing is sent anywhere unless ASKAMU_EMBEDDER names such a server. Then passages go to it when they are ingested, and
each question when it is asked. This module is the one place that imports langchain's embeddings, and only when one is
opened.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr

from askamu.embed import QUESTIONS_REMEMBERED, Vectors, clean, unit
from askamu.errors import EndpointFault

KINDS = ("openai", "ollama")
USUAL_ADDRESS = {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434"}
PACKAGE = {"openai": "langchain_openai", "ollama": "langchain_ollama"}
REQUEST_TEXTS = 32  # of one request: what Hugging Face's server takes by default
PAUSES = (1.0, 4.0, 15.0)  # seconds before a request is tried again
LONGEST_PAUSE = 30.0  # that a server may ask for (Retry-After)
QUESTION_SECONDS = 10.0  # that somebody who asks waits for the server; the question is then searched by words
REST_SECONDS = 20.0  # after a fault, in which questions are searched by words at once
CHARACTERS_PER_TOKEN = 2.75  # Danish minutes in OpenAI's cl100k; E5's tokens are longer, so no text is cut for it
MARKS = 5  # tokens that a model puts around a text, and a few to spare
WHY = 200  # characters of a server's own words that are told

log = logging.getLogger("askamu")


@dataclass(frozen=True, slots=True)
class Server:
    """A server of embeddings, and how its model wants to be asked."""

    address: str | None = None  # None: where such a server usually is
    key: SecretStr | None = None
    query_prefix: str = ""
    passage_prefix: str = ""
    query_type: str = ""  # what it is told as `input_type`; "" nothing
    passage_type: str = ""
    max_tokens: int = 512
    seconds: float = 60.0  # for one request


@dataclass(frozen=True, slots=True)
class _Side:
    """How one kind of text is sent, questions or passages."""

    prefix: str
    send: Callable[[list[str]], Any] = field(repr=False)
    pauses: tuple[float, ...] = ()
    quotes: bool = True  # whether the server's words on a fault may be told: they may repeat the text


class Endpoint:
    """An embedder behind a server. Opening it sends nothing."""

    at_once = REQUEST_TEXTS  # so that each answer is stored before the next is asked for

    def __init__(self, kind: str, model: str, server: Server, language: str = "da") -> None:
        """
        Args:
            kind: one of KINDS.
            language: of what goes to the log.

        Raises:
            EndpointFault: if the package for it is missing, or a key.
        """
        self.name = f"{kind}:{model}"
        self.max_tokens = server.max_tokens
        address = server.address or USUAL_ADDRESS[kind]
        self.host = urlsplit(address).netloc
        told = (address, server.query_prefix, server.passage_prefix, server.query_type, server.passage_type)
        self.model_id = f"{self.name}@{self.host}+{hashlib.sha256(repr(told).encode()).hexdigest()[:12]}"
        if importlib.util.find_spec(PACKAGE[kind]) is None:
            raise self._fault("endpoint_extra")
        if kind == "openai" and server.address is None and server.key is None:
            raise self._fault("endpoint_key")
        self._secret = server.key.get_secret_value() if server.key else ""
        self._language = language
        connect = _openai if kind == "openai" else _ollama
        self._passages = _Side(
            server.passage_prefix, connect(model, address, self._secret, server.seconds, server.passage_type), PAUSES
        )
        quick = min(server.seconds, QUESTION_SECONDS)
        self._questions = _Side(
            server.query_prefix, connect(model, address, self._secret, quick, server.query_type), quotes=False
        )
        self._lock = threading.Lock()
        self._dim: int | None = None
        self._down: tuple[float, EndpointFault] | None = None  # until when it is left alone, and why
        self._remembered = lru_cache(QUESTIONS_REMEMBERED)(self._question)

    @property
    def dim(self) -> int:
        """As the index or the first answer has it; else the server is asked."""
        if self._dim is None:
            self._vectors(self._passages, ["askamu"])
        assert self._dim is not None
        return self._dim

    def expect(self, dim: int) -> None:
        """Take no vectors of another length from now on: those of the index have this one."""
        self._dim = dim

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As Embedder.

        Raises:
            EndpointFault: after the last try.
        """
        parts = [
            self._vectors(self._passages, texts[at : at + REQUEST_TEXTS]) for at in range(0, len(texts), REQUEST_TEXTS)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), dtype=np.float32)

    def embed_question(self, text: str) -> Vectors:
        """As Embedder. After a fault the server is left alone for a while, and the same fault raised at once.

        Raises:
            EndpointFault
        """
        return self._remembered(text)

    def cosine_limit(self, limit: float) -> float:
        return limit

    def count_tokens(self, text: str) -> int:
        """An upper estimate for Danish: only the server knows."""
        return int(len(self._passages.prefix + clean(text)) / CHARACTERS_PER_TOKEN) + MARKS

    def _question(self, text: str) -> Vectors:
        down = self._down
        if down is not None and time.monotonic() < down[0]:
            raise down[1].with_traceback(None)
        try:
            vector: Vectors = self._vectors(self._questions, [text])[0]
        except EndpointFault as fault:
            self._down = (time.monotonic() + REST_SECONDS, fault)
            log.warning(fault.say(self._language))
            raise
        self._down = None
        vector.setflags(write=False)
        return vector

    def _vectors(self, side: _Side, texts: Sequence[str]) -> Vectors:
        """The vectors of one request's texts, float32 of length 1, checked."""
        given = self._answer(side, [side.prefix + clean(t) for t in texts])
        try:
            rows = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise self._fault("endpoint_malformed", why=type(error).__name__) from None
        if len(rows) != len(texts):
            raise self._fault("endpoint_count", given=len(rows), wanted=len(texts))
        if rows.ndim != 2 or not rows.shape[1]:
            raise self._fault("endpoint_malformed", why=f"shape {rows.shape}")
        if not np.isfinite(rows).all() or not rows.any(axis=1).all():
            raise self._fault("endpoint_not_finite")
        with self._lock:
            if self._dim is None:
                self._dim = rows.shape[1]
        if rows.shape[1] != self._dim:
            raise self._fault("endpoint_dimension", given=rows.shape[1], wanted=self._dim)
        return unit(rows)

    def _answer(self, side: _Side, texts: list[str]) -> Any:
        """What the server answers, tried again where that may help."""
        tries = len(side.pauses) + 1
        for n in range(tries):
            try:
                return side.send(texts)
            except Exception as error:  # langchain, the two clients and their HTTP libraries have no common base
                fault, again = self._explained(error, side, n + 1)
                if n + 1 == tries or not again:
                    raise fault from None  # what lies below may hold the texts, or the key
                time.sleep(max(side.pauses[n], min(_asked_pause(error), LONGEST_PAUSE)))
        raise AssertionError("the last try returns or raises")

    def _explained(self, error: Exception, side: _Side, tries: int) -> tuple[EndpointFault, bool]:
        """What went wrong, and whether it may go right the next time."""
        status = getattr(error, "status_code", None)
        if status is None:
            if _is_of_network(error):
                return self._fault("endpoint_unreachable", why=type(error).__name__), True
            return self._fault("endpoint_malformed", why=type(error).__name__), False
        why = self._words(error) if side.quotes else ""
        if status in (401, 403):
            return self._fault("endpoint_refused", status=status), False
        if status == 404:
            return self._fault("endpoint_no_model", status=status, why=why), False
        if status == 429 or status >= 500:
            return self._fault("endpoint_busy", status=status, tries=tries, why=why), True
        if status < 200:  # Ollama's client gives -1 for what it can't read
            return self._fault("endpoint_malformed", why=type(error).__name__), False
        return self._fault("endpoint_status", status=status, why=why), False

    def _words(self, error: Exception) -> str:
        """What the server said, in one line and without the key."""
        said = getattr(error, "body", None)
        said = said.get("message") if isinstance(said, dict) else said
        line = " ".join(str(said or getattr(error, "error", "")).split())
        if self._secret:
            line = line.replace(self._secret, "…")
        return f": {line[:WHY]}" if line else ""

    def _fault(self, problem: Any, **values: object) -> EndpointFault:
        return EndpointFault(problem, self.name, self.host, **values)


def _openai(model: str, address: str, key: str, seconds: float, type_: str) -> Callable[[list[str]], Any]:
    import openai
    from langchain_openai import OpenAIEmbeddings

    client = OpenAIEmbeddings(
        model=model,
        base_url=address,
        api_key=SecretStr(
            key or "none"
        ),  # without one its client looks for OPENAI_API_KEY, which is not for this server
        check_embedding_ctx_length=False,  # texts are sent as texts, and not as OpenAI's tokens
        model_kwargs={"encoding_format": "float"},
        max_retries=0,
        http_client=openai.DefaultHttpxClient(timeout=seconds, follow_redirects=False),
        timeout=seconds,
    )
    return partial(client.embed_documents, extra_body={"input_type": type_}) if type_ else client.embed_documents


def _ollama(model: str, address: str, key: str, seconds: float, _: str) -> Callable[[list[str]], Any]:
    from langchain_ollama import OllamaEmbeddings

    headers = {"headers": {"Authorization": f"Bearer {key}"}} if key else {}
    kwargs = {"timeout": seconds, "follow_redirects": False, **headers}
    return OllamaEmbeddings(model=model, base_url=address, client_kwargs=kwargs).embed_documents


def _is_of_network(error: Exception) -> bool:
    """Whether the server was not reached, or did not answer in time."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"APIConnectionError", "TransportError", "ConnectionError", "TimeoutError"})


def _asked_pause(error: Exception) -> float:
    """The seconds that a server asks to be left alone (Retry-After), 0 where it does not."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return float(headers.get("retry-after") or 0)
    except ValueError:  # a date
        return 0.0
