"""Whether askamu can do what it is set to do: settings, index, models and machine, each tried.

`settings_of` tells what is set and where; `examine` tries one thing after the other and says what it found, and what
to do where something is wrong. Nothing is changed. A language model or a server of embeddings that is set is asked a
few words; no passage and no question is sent.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from askamu import vocabulary
from askamu.config import Settings
from askamu.errors import (
    AdapterUnusable,
    AskamuError,
    LanguageModelFailed,
    RerankerUnavailable,
)
from askamu.texts import load, text

if TYPE_CHECKING:
    from askamu.embed import Embedder
    from askamu.library import Library
    from askamu.llm.model import ChatModel, Endpoint, Message

TRIED = "Hvad besluttede udvalget om småjob?"  # what is embedded, and paired with itself for the reranker
TIMED = "Hvornår holdt udvalget sit seneste møde?"
# Bytes below which askamu may fail: a process with the bundled model takes 0.5 GB; an ingest writes a generation anew.
LEAST_MEMORY, LEAST_ROOM = 1_000_000_000, 500_000_000
PROMPT_TOKENS = 2_000  # that a model reads beside the passages: its task, the question, sentences to repair
SLOW = 1 / 3  # share of the time for an answer that the first words may take
COLD_MS = 1_000.0  # first words later than this may be the model being loaded; then they are timed again
GROUPS = ("settings", "index", "embedder", "reranker", "llm", "machine")
SHOWN = 60  # characters of a model's answer
SCHEMA: dict[str, Any] = {
    "name": "word",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    },
}


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # it works, and less well than it could
    FAILED = "failed"  # what is asked for does not work


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set."""

    name: str  # "ASKAMU_INDEX"
    value: str  # as it may be shown: no key, no password
    source: str  # "option", "variable", "file" (askamu.toml) or "default"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    name: str  # "llm.answer": one of GROUPS, and what
    state: State
    said: str  # what was found, in the language asked for
    advice: str = ""  # what to do
    facts: Mapping[str, Any] = field(default_factory=dict)  # the same for programs
    exit_code: int = 1  # where it failed

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]


def exit_code(checks: Sequence[Check]) -> int:
    """What the command returns: 0, or the code of the worst that failed (3: no index that can be searched)."""
    return max((c.exit_code for c in checks if c.state is State.FAILED), default=0)


# -- settings --------------------------------------------------------------------------------------


def settings_of(settings: Settings, given: Collection[str] = ()) -> tuple[Setting, ...]:
    """All settings, in the order of config.py.

    Args:
        given: names of the fields that come from the command line.
    """
    variables, file = EnvSettingsSource(Settings)(), TomlConfigSettingsSource(Settings)()

    def source(name: str) -> str:
        if name in given:
            return "option"
        return "variable" if name in variables else "file" if name in file else "default"

    return tuple(
        Setting(f"ASKAMU_{name.upper()}", shown(getattr(settings, name)), source(name))
        for name in Settings.model_fields
    )


def shown(value: object) -> str:
    """A setting's value as it may be shown: of a key only that there is one, of an address no user and no query."""
    if isinstance(value, SecretStr):
        return "•••" if value.get_secret_value() else ""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    said = str(value)
    if "://" not in said:
        return said
    parts = urlsplit(said)
    return f"{parts.scheme}://{host_of(said)}{parts.path}{'?…' if parts.query else ''}"


def host_of(address: str) -> str:
    """Host and port of an address, without user and password."""
    return urlsplit(address).netloc.rpartition("@")[2]


def unknown_settings() -> list[str]:
    """What is set and no setting: a misspelt one is otherwise passed over in silence."""
    known = set(Settings.model_fields)
    variables = [n for n in os.environ if n.upper().startswith("ASKAMU_") and n[7:].lower() not in known]
    return sorted(variables) + sorted(
        f"askamu.toml: {n}" for n in TomlConfigSettingsSource(Settings)() if n not in known
    )


# -- the checks ------------------------------------------------------------------------------------


def examine(settings: Settings) -> Iterator[Check]:
    """Try everything, in the order of GROUPS. What fails hinders no other check."""
    return _Doctor(settings).all()


class _Doctor:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.language = settings, settings.lang
        self.library: Library | None = None
        self.why = ""  # words alone are searched
        self.opened_ms = 0.0

    def all(self) -> Iterator[Check]:
        yield from self.known()
        yield from self.index()
        yield from self.embedder()
        yield from self.reranker()
        yield from self.llm()
        yield from self.machine()

    def say(self, key: str, **values: object) -> str:
        return text(f"doctor.{key}", self.language, **values)

    def ok(self, name: str, key: str, **facts: Any) -> Check:
        return self._check(name, State.OK, key, facts)

    def warning(self, name: str, key: str, **facts: Any) -> Check:
        return self._check(name, State.WARNING, key, facts)

    def _check(self, name: str, state: State, key: str, facts: Mapping[str, Any]) -> Check:
        shown = {k: self.number(v) for k, v in facts.items()}
        advice = self.say(f"{key}_do", **shown) if state is not State.OK else ""
        return Check(name, state, self.say(key, **shown), advice, facts)

    def failed(self, name: str, error: AskamuError, **facts: Any) -> Check:
        """An error says itself what to do."""
        code = 3 if error.exit_code == 3 else 1
        facts |= {"error": type(error).__name__}
        return Check(name, State.FAILED, error.say(self.language), facts=facts, exit_code=code)

    def number(self, value: Any) -> Any:
        """A number as it is written in the language."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return value
        said = f"{value:,.1f}" if isinstance(value, float) and abs(value) < 10 else f"{value:,.0f}"
        return said.translate(str.maketrans(",.", ".,")) if self.language == "da" else said

    # -- settings and index

    def known(self) -> Iterator[Check]:
        unknown = unknown_settings()
        if unknown:
            yield self.warning("settings.known", "unknown", names=", ".join(unknown))
        else:
            yield self.ok("settings.known", "known")
        if self.settings.vocabulary is not None:
            try:
                vocabulary.use(self.settings.vocabulary)
            except AskamuError as error:
                yield self.failed("settings.vocabulary", error, folder=str(self.settings.vocabulary))

    def index(self) -> Iterator[Check]:
        from askamu.library import open_library

        folder = self.settings.index_folder
        try:
            self.library = open_library(self.settings)
        except AskamuError as error:  # it is missing or damaged, or a vocabulary can't be read
            yield self.failed("index.open", error, folder=str(folder))
            return
        manifest = self.library.current.manifest
        yield self.ok(
            "index.open", "index", folder=str(folder), generation=manifest.generation, created=manifest.created,
            meetings=len(self.library.meetings), passages=manifest.passages, model_id=manifest.model_id,
        )  # fmt: skip
        yield self.searched(self.library)

    def searched(self, library: Library) -> Check:
        """Whether questions can be put to the index as it is set now."""
        built_by, asked_for = library.current.manifest.model_id, self.settings.embedder
        facts = {"built_by": built_by, "asked_for": asked_for}
        with heard() as told:
            started = time.perf_counter()
            try:
                library.embedder  # noqa: B018 - opened here
                self.opened_ms = _since(started)
                vector = library.question_vector(TRIED)
                if vector is not None:
                    library.current.nearest(vector, 1)
            except AskamuError as error:
                return self.failed("index.search", error, **facts)
        if self.settings.embedder == "keywords":
            return self.ok("index.search", "embedder_words", **facts)
        if vector is None and not built_by.startswith("keywords@"):
            self.why = " ".join(told)
            return self.warning("index.search", "words_alone", why=self.why, **facts)
        return self.ok("index.search", "search", **facts)

    # -- embedder, adapter, reranker

    def embedder(self) -> Iterator[Check]:
        started = time.perf_counter()
        with heard() as told:
            try:
                embedder = self.opened()
                opened_ms = self.opened_ms or _since(started)
                embedder.embed_question(TRIED)
                started = time.perf_counter()
                embedder.embed_question(TIMED)  # the first one is remembered
                facts = {
                    "model_id": embedder.model_id,
                    "dim": embedder.dim,
                    "ms": _since(started),
                    "opened_ms": opened_ms,
                }
            except AskamuError as error:
                yield self.failed("embedder.vector", error, embedder=self.settings.embedder)
                return
        if embedder.name == "keywords" and self.settings.embedder != "keywords":
            yield self.warning("embedder.vector", "no_embedder", why=" ".join(told) or self.why, **facts)
        else:
            yield self.ok("embedder.vector", "embedder_words" if embedder.name == "keywords" else "embedder", **facts)
        host = getattr(embedder, "host", None)  # of one behind a server
        if host is not None:
            from askamu.llm.model import is_local

            address = self.settings.embed_base_url or ""
            yield self.place(
                "embedder.place", host, is_local(f"//{host}"), address.startswith("http:"), "sent_embedder"
            )
        yield self.adapter(embedder)

    def opened(self) -> Embedder:
        """The embedder that questions are searched with, else the one that is set."""
        from askamu.embed import open_embedder, options_of

        if self.library is not None:
            with suppress(AskamuError):  # that it can't be used is told of the index
                return self.library.embedder
        s = self.settings
        return open_embedder(s.embedder, s.threads, language=s.lang, adapter=s.adapter, options=options_of(s))

    def adapter(self, embedder: Embedder) -> Check:
        from askamu.adapter import SHIPPED, read_adapter
        from askamu.embed import AUTO, NONE

        asked_for = self.settings.adapter
        used = embedder.model_id.partition("@")[2].split("+")[1:]
        facts = {"adapter": asked_for, "model_id": embedder.model_id}
        if asked_for == NONE:
            return self.ok("embedder.adapter", "adapter_none", **facts)
        if embedder.name.startswith("e5"):
            from askamu.e5.store import find_source

            folder = SHIPPED if asked_for == AUTO else Path(asked_for).expanduser()
            try:
                adapter = read_adapter(folder, find_source().base)
            except AdapterUnusable as error:
                return self.failed("embedder.adapter", error, **facts)
            if adapter.digest in used:
                return self.ok("embedder.adapter", "adapter", folder=str(folder), **facts)
            return self.warning("embedder.adapter", "adapter_not_used", folder=str(folder), **facts)
        if asked_for == AUTO:
            return self.ok("embedder.adapter", "adapter_not_for", **facts)
        if embedder.name.startswith("st:") and used:
            return self.ok("embedder.adapter", "adapter", folder=asked_for, **facts)
        return self.warning("embedder.adapter", "adapter_ignored", **facts)

    def reranker(self) -> Iterator[Check]:
        setting = self.settings.reranker
        if not setting:
            return
        from askamu.embed import options_of
        from askamu.rerank import open_reranker

        try:
            reranker = open_reranker(setting, options_of(self.settings).torch)
            reranker.scores(TRIED, [TRIED])
            started = time.perf_counter()
            reranker.scores(TRIED, [TRIED] * 2)
        except AskamuError as error:
            yield self.failed("reranker.scores", error, reranker=setting)
            return
        except Exception as error:  # torch's and a model's own errors have no common base
            failed = RerankerUnavailable(setting, f"{type(error).__name__}: {error}"[:300])
            yield self.failed("reranker.scores", failed, reranker=setting)
            return
        ms, budget = _since(started), self.settings.reranker_budget_ms
        facts = {"reranker": setting, "ms": ms, "budget": budget}
        if ms > budget:
            yield self.warning("reranker.scores", "reranker_slow", **facts)
        else:
            yield self.ok("reranker.scores", "reranker", **facts)

    # -- the language model

    def llm(self) -> Iterator[Check]:
        from askamu.llm.model import endpoint_of, open_model

        try:
            endpoint = endpoint_of(self.settings)
            model = open_model(self.settings)
        except AskamuError as error:
            yield self.failed("llm.open", error, llm=self.settings.llm)
            return
        if endpoint is None or model is None:
            yield self.ok("llm.open", "llm_none")
            return
        open_ = (endpoint.address or "").startswith("http:")
        yield self.place("llm.place", endpoint.place, endpoint.local, open_, "sent_llm")
        if endpoint.provider == "ollama" and self.settings.llm_api_key:
            yield self.warning("llm.key", "key_ignored")
        answered = self.answers(model)
        yield answered
        if answered.state is not State.FAILED:
            yield self.form(model)
        yield self.tokens(endpoint)

    def place(self, name: str, host: str, here: bool, open_: bool, what: str) -> Check:
        """Where something is sent. `open_`: without encryption."""
        if here:
            return self.ok(name, "stays", host=host, what=self.say(what), local=True)
        return (self.warning if open_ else self.ok)(
            name, "leaves_open" if open_ else "leaves", host=host, what=self.say(what), local=False
        )

    def answers(self, model: ChatModel) -> Check:
        """Whether it answers, and after what time."""
        limit = self.settings.llm_timeout
        try:
            said, first, used = self.asked(model)
            warm = first
            if first > COLD_MS:
                _, warm, _ = self.asked(model)
        except LanguageModelFailed as failed:
            why = text(f"llm.why.{failed.reason}", self.language)
            facts = {"model": model.name, "reason": failed.reason, "timeout": limit}
            reason = failed.reason if f"doctor.why.{failed.reason}" in load(self.language) else "failed"
            do = self.say(f"why.{reason}", model=model.name, timeout=self.number(limit))
            return Check("llm.answer", State.FAILED, self.say("llm_fails", model=model.name, why=why), do, facts)
        facts = {"model": model.name, "reply": said, "first_ms": warm, "cold_ms": first, "timeout": limit}
        facts |= {"tokens_in": used[0], "tokens_out": used[1]}
        if warm > SLOW * 1000 * limit:
            return self.warning("llm.answer", "llm_slow", **facts)
        return self.ok("llm.answer", "llm_loaded" if warm < first else "llm", **facts)

    def asked(
        self, model: ChatModel, schema: dict[str, Any] | None = None
    ) -> tuple[str, float, tuple[int | None, ...]]:
        """What it says to a few words, the ms until its first ones, and its tokens in and out."""
        from askamu.spreadsheet import one_line

        writing = model.write(self.messages, time.monotonic() + self.settings.llm_timeout, schema)
        said = "".join(writing)
        shown = said if schema else one_line(said)[:SHOWN]
        return shown, writing.first_ms or 0.0, (writing.tokens_in, writing.tokens_out)

    @property
    def messages(self) -> list[Message]:
        from askamu.llm.model import Message

        return [
            Message("system", text("llm.try_system", self.language)),
            Message("user", text("llm.try_user", self.language)),
        ]

    def form(self, model: ChatModel) -> Check:
        """Whether it is held to a schema, and keeps to it."""
        if not model.structured:
            return self.ok("llm.form", "form_text")
        try:
            said, _, _ = self.asked(model, SCHEMA)
            if not isinstance(json.loads(said)["word"], str):
                raise TypeError
        except (LanguageModelFailed, ValueError, KeyError, TypeError, RecursionError):
            return Check("llm.form", State.FAILED, self.say("form_broken"), self.say("form_broken_do"))
        return self.ok("llm.form", "form_json")

    def tokens(self, endpoint: Endpoint) -> Check:
        """How tokens are counted, and how many the model must be able to read."""
        from askamu.llm import tokens

        s = self.settings
        facts = {
            "context": s.llm_context,
            "most": s.llm_max_tokens,
            "window": s.llm_context + s.llm_max_tokens + PROMPT_TOKENS,
        }
        if not tokens.is_exact():
            return self.warning("llm.tokens", "tokens_estimated", **facts)
        key = "tokens_ollama" if endpoint.provider == "ollama" else "tokens"
        return self.ok("llm.tokens", key, encoding=tokens.ENCODING, **facts)

    # -- the machine

    def machine(self) -> Iterator[Check]:
        from askamu.e5.store import cache_folder

        folder = self.settings.index_folder
        yield self.writable("machine.index", folder, "index_not_written")
        yield self.room(folder)
        yield self.writable("machine.cache", cache_folder(), "cache_not_written")
        yield self.memory()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        threads = self.settings.threads or cores
        facts = {"cores": cores, "threads": threads, "python": platform.python_version(), "machine": platform.machine()}
        if threads > cores:
            yield self.warning("machine.cores", "too_many_threads", **facts)
        else:
            yield self.ok("machine.cores", "cores", **facts)

    def writable(self, name: str, folder: Path, key: str) -> Check:
        """Whether something can be written in a folder, or in what stands above it where it is not there yet."""
        place = existing(folder)
        try:
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            return self.warning(name, key, folder=str(folder), why=error.strerror or str(error))
        return self.ok(name, "written", folder=str(folder))

    def room(self, folder: Path) -> Check:
        """Whether there is room for a generation beside the one that answers."""
        size = 0
        if self.library is not None:
            size = sum(p.stat().st_size for p in self.library.current.folder.rglob("*") if p.is_file())
        free = shutil.disk_usage(existing(folder)).free
        needed = 2 * size + LEAST_ROOM
        facts = {"free_gb": free / 1e9, "index_mb": size / 1e6, "needed_gb": needed / 1e9}
        return (
            self.warning("machine.room", "little_room", **facts)
            if free < needed
            else self.ok("machine.room", "room", **facts)
        )

    def memory(self) -> Check:
        free = free_memory()
        if free is None:
            return self.ok("machine.memory", "memory_unknown")
        facts = {"free_gb": free / 1e9, "least_gb": LEAST_MEMORY / 1e9}
        return (self.warning if free < LEAST_MEMORY else self.ok)(
            "machine.memory", "little_memory" if free < LEAST_MEMORY else "memory", **facts
        )


# -- what the checks look at -----------------------------------------------------------------------


def existing(folder: Path) -> Path:
    """A folder, or the nearest above it that is there."""
    folder = folder.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def free_memory() -> int | None:
    """Bytes that a process may still take, also where a container limits them; None where that can't be read."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        return min(free, max(0, int(most) - used)) if most != "max" else free
    except (OSError, ValueError):
        return free


@contextmanager
def heard() -> Iterator[list[str]]:
    """What askamu's log warns of meanwhile, instead of writing it."""
    told: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                told.append(record.getMessage())

    log = logging.getLogger("askamu")
    before, passed_on = log.handlers[:], log.propagate
    log.handlers, log.propagate = [Ear()], False
    try:
        yield told
    finally:
        log.handlers, log.propagate = before, passed_on


def _since(started: float) -> float:
    return round(1000 * (time.perf_counter() - started), 1)


def record(settings: Sequence[Setting], checks: Sequence[Check], version: str) -> dict[str, Any]:
    """All of it for programs."""
    states = [c.state for c in checks]
    worst = next((s for s in (State.FAILED, State.WARNING) if s in states), State.OK)
    return {
        "askamu": version,
        "state": worst.value,
        "settings": [{"name": s.name, "value": s.value, "source": s.source} for s in settings],
        "checks": [
            {"name": c.name, "state": c.state.value, "said": c.said, "advice": c.advice, "facts": dict(c.facts)}
            for c in checks
        ],
    }
