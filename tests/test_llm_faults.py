"""What goes wrong at a language model's endpoint: an answer in time all the same, and the sentence why."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers_llm import ENDLESS, FAULTS, Prompt, Reply, Scripted, honest, refused, scripted
from pydantic import SecretStr

from askamu import texts
from askamu.answer import ask
from askamu.config import Settings
from askamu.errors import LanguageModelFailed
from askamu.library import Library, open_library
from askamu.llm.model import ChatModel, LanguageModel, Message, Stoppable, open_model
from askamu.llm.write import ask_model, last
from askamu.passage import Answer
from askamu.show import as_record

QUESTION = "Hvad er status på småjob i Fjordlev?"
BUDGET = 2.0
KEY = "sk-hemmelig"
MALFORMED = {"malformed", "cut", "empty"}
WHY = {  # the reasons that are right for each fault
    "error_500": {"failed"}, "error_503": {"failed"}, "rate_limited": {"limited"}, "no_quota": {"limited"},
    "unauthorised": {"key"}, "model_unknown": {"unknown_model"}, "too_long": {"too_long"}, "reset_at_once": {"cut"},
    "reset_in_stream": {"cut"}, "closed_in_stream": {"cut"}, "error_in_stream": {"failed", "malformed"},
    "empty": {"empty"}, "blank": {"empty"}, "null": {"empty"}, "tool_calls": {"empty"}, "filtered": {"empty", "cut"},
    "refuses": {"refused"}, "refuses_in_english": {"refused"}, "hangs": {"slow"}, "silent": {"slow"},
    "pings": {"slow", "malformed"}, "stalls": {"slow"}, "drips_1.0": {"slow"}, "drips_0.1": {"slow"},
    "endless": {"slow", "endless"}, "endless_line": {"endless"}, "endless_blank": {"slow", "endless"},
    "cut_off": {"cut"}, "long_line": {"endless", "malformed"}, "malformed": MALFORMED, "wrong_bytes": MALFORMED,
    "html_page": MALFORMED, "redirect": {"failed"},
}  # fmt: skip
EACH = [
    pytest.param(provider, name, marks=[pytest.mark.slow] if provider == "ollama" and name in ENDLESS else [])
    for provider in ("openai", "ollama")
    for name in FAULTS
]


@pytest.fixture(scope="module")
def impatient(seed_index) -> Library:
    return open_library(Settings(index=seed_index, llm_timeout=BUDGET))


@pytest.fixture(scope="module")
def extractive(impatient) -> Answer:
    return ask(impatient, QUESTION)


def opened(at: Scripted | str, provider: str = "openai", at_once: int = 4) -> ChatModel:
    """The model behind a server, as the settings open it."""
    address = at if isinstance(at, str) else at.url if provider == "openai" else at.root
    model = open_model(
        Settings(
            llm=f"{provider}:scripted", llm_base_url=address, llm_timeout=BUDGET, llm_api_key=SecretStr(KEY),
            llm_at_once=at_once,
        )
    )  # fmt: skip
    assert model is not None
    return model


def asked(library: Library, model: LanguageModel) -> tuple[Answer, float]:
    started = time.monotonic()
    return last(ask_model(library, model, QUESTION)), time.monotonic() - started


def reading() -> int:
    """How many threads read a model's stream."""
    return sum(thread.name == "askamu-llm" for thread in threading.enumerate())


def soon(true: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def fell_back(answer: Answer, extractive: Answer, why: set[str]) -> None:
    """The answer is the one without the model, and says why."""
    assert answer.verification is not None
    reason = answer.verification.fallback
    assert reason in why
    assert answer.llm is None
    assert (answer.text, answer.citations) == (extractive.text, extractive.citations)
    said = texts.text("llm.fell_back", "da", why=texts.text(f"llm.why.{reason}", "da"))
    assert answer.warnings == (*extractive.warnings, said)


@pytest.mark.parametrize(("provider", "name"), EACH)
def test_every_fault_gets_an_answer_in_time(impatient, extractive, caplog, provider, name):
    caplog.set_level(logging.DEBUG)
    with scripted(FAULTS[name]) as server:
        other = server.elsewhere()  # whom a redirect points to
        model = opened(server, provider)
        answer, took = asked(impatient, model)
        assert took <= BUDGET + 1
        fell_back(answer, extractive, WHY[name])
        assert soon(lambda: not reading(), BUDGET + 1.5)  # none is left behind
        assert other.log == []
    for told in (caplog.text, repr(as_record(answer))):
        assert KEY not in told
        assert QUESTION not in caplog.text


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_nobody_listens(impatient, extractive, provider):
    with refused() as address:
        answer, took = asked(impatient, opened(address.removesuffix("/v1" * (provider == "ollama")), provider))
    assert took <= 1
    fell_back(answer, extractive, {"unreachable"})


def test_what_hangs_in_mid_answer_is_hung_up_on_at_once(impatient):
    for name in ("silent", "pings", "stalls", "drips_1.0"):
        with scripted(FAULTS[name]) as server:
            asked(impatient, opened(server))
            assert soon(lambda: not reading(), 0.5), name
            assert soon(lambda: server.chats[-1].left, 0.5), name


def test_threads_and_places_come_back(impatient):
    with scripted(FAULTS["hangs"]) as server:
        model = opened(server, at_once=3)
        model.breaker.failures = 100
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: asked(impatient, model), range(6)))
        reasons = sorted(answer.verification.fallback for answer, _ in answers)
        assert reasons == ["busy"] * 3 + ["slow"] * 3
        assert soon(lambda: not reading(), BUDGET + 1)  # the client's own timeout
        server.reply = honest
        assert asked(impatient, model)[0].llm == "scripted"


def test_a_failing_model_rests_and_is_tried_again(impatient, extractive):
    with scripted(FAULTS["error_500"]) as server:
        model = opened(server)
        model.breaker.rest = 0.6
        for _ in range(3):
            fell_back(asked(impatient, model)[0], extractive, {"failed"})
        assert len(server.chats) == 3
        answer, took = asked(impatient, model)
        fell_back(answer, extractive, {"resting"})
        assert took < 0.5
        assert len(server.chats) == 3  # it was left alone
        time.sleep(0.6)
        fell_back(asked(impatient, model)[0], extractive, {"failed"})  # one try, and it rests again
        fell_back(asked(impatient, model)[0], extractive, {"resting"})
        assert len(server.chats) == 4
        server.reply = honest
        time.sleep(0.6)
        assert [asked(impatient, model)[0].llm for _ in range(3)] == ["scripted"] * 3


def test_questions_beyond_its_places_are_answered_without_it(impatient, extractive):
    together = threading.Barrier(8, timeout=10)

    def one(model: ChatModel) -> Answer:
        together.wait()
        return asked(impatient, model)[0]

    with scripted(honest, pace=0.003) as server, ThreadPoolExecutor(8) as pool:
        model = opened(server, at_once=2)
        answers = list(pool.map(one, [model] * 8))
        assert sum(a.llm is not None for a in answers) >= 2
        for answer in answers:
            if answer.llm is None:
                fell_back(answer, extractive, {"busy"})
        assert sum(a.llm is None for a in answers) >= 1
        assert asked(impatient, model)[0].llm == "scripted"  # to be busy is no failure


def test_a_reader_who_leaves_stops_it(impatient, extractive):
    def slowly(prompt: Prompt) -> Reply:
        return Reply((honest(prompt).text or "") + " Og mere." * 200)

    with scripted(slowly, pace=0.01) as server:
        model = Stoppable(opened(server))
        threading.Timer(0.6, model.stop).start()
        answer, took = asked(impatient, model)
        fell_back(answer, extractive, {"stopped"})
        assert took < 1.5
        assert soon(lambda: server.chats[-1].left, 0.5)
        asked_for = len(server.chats)
        with pytest.raises(LanguageModelFailed) as again:
            list(model.write([Message("user", "Hej")], time.monotonic() + 1))
        assert again.value.reason == "stopped"
        assert len(server.chats) == asked_for


def test_stopping_is_no_failure(impatient):
    with scripted(honest, pace=0.05) as server:
        model = opened(server)
        for _ in range(4):
            stoppable = Stoppable(model)
            threading.Timer(0.2, stoppable.stop).start()
            asked(impatient, stoppable)
        server.pace = 0
        assert asked(impatient, model)[0].llm == "scripted"


def test_a_writing_that_was_read_to_its_end_hangs_up_on_nobody(impatient):
    with scripted(honest) as server:
        model = opened(server)
        deadline = time.monotonic() + 5
        first = model.write([Message("user", "Spørgsmål: et")], deadline)
        assert list(first)
        second = model.write([Message("user", "Spørgsmål: to")], deadline)
        pieces = iter(second)
        found = [next(pieces)]
        first.stop()  # its connection may be the second's by now
        assert "".join([*found, *pieces]) == "to"
