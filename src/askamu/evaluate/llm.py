"""Questions with gold -> answers in a language model's words, and how its sentences fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from askamu.evaluate.figures import usual_and_slow
from askamu.evaluate.gold import GoldQuestion
from askamu.evaluate.run import Ask
from askamu.evaluate.score import Scored
from askamu.library import Library
from askamu.llm.cassette import Cassette
from askamu.llm.write import ask_model, last
from askamu.passage import Answer
from askamu.texts import text

BECAME = ("kept", "repaired", "quoted", "dropped")
Times = tuple[float, float]  # median and 95th percentile, ms


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """How a language model's part of a run went."""

    model: str
    prompts: tuple[str, ...]  # file and version of each that wrote an answer
    asked: int  # questions that it was to answer; the others need none, or are not stated
    written: int  # answers shown in its words
    fallbacks: dict[str, int]  # reason (a key of the texts under llm.why) -> answers without its words
    sentences: dict[str, int]  # what became of those of the answers written: BECAME -> how many
    unshown: int  # sentences of answers that fell back
    faults: dict[str, int]  # of all sentences as they were first written
    first_ms: Times | None  # from the request to the first words, as it was when the model was asked
    check_ms: Times | None  # of all an answer's sentences, in this run
    calls: int  # with those that complete or divide a question, and repairs
    tokens_in: int
    tokens_out: int
    uncounted: int  # calls of which the model told no tokens
    unrecorded: tuple[str, ...]  # ids of questions that the cassette lacks something for


def in_words_of(cassette: Cassette) -> Ask:
    """A way to ask: in the words of the model that is behind a cassette."""

    def how(library: Library, question: GoldQuestion) -> Answer:
        with cassette.asking(question.id, question.question, question.history) as tape:
            return last(ask_model(library, tape, question.question, question.history, new_id=tape.new_id))

    return how


def model_figures(scores: Sequence[Scored], cassette: Cassette) -> ModelFigures:
    """The figures of a run that was asked with `in_words_of`."""
    told = [(s.answer, s.answer.verification) for s in scores if s.answer and s.answer.verification]
    written = [v for a, v in told if a.llm]
    unshown = [v for a, v in told if not a.llm]
    became = Counter(s.became for v in written for s in v.sentences)
    used = cassette.used
    return ModelFigures(
        model=cassette.name,
        prompts=tuple(sorted({v.prompt for _, v in told})),
        asked=len(told),
        written=len(written),
        fallbacks=_most_first(v.fallback or "?" for v in unshown),
        sentences={name: became[name] for name in BECAME},
        unshown=sum(len(v.sentences) for v in unshown),
        faults=_most_first(f for _, v in told for s in v.sentences for f in s.faults),
        first_ms=usual_and_slow(v.first_ms for _, v in told),
        check_ms=usual_and_slow(v.check_ms for _, v in told if v.sentences),
        calls=used.calls,
        tokens_in=used.tokens_in,
        tokens_out=used.tokens_out,
        uncounted=used.uncounted,
        unrecorded=tuple(cassette.lacking),
    )


def rows(found: ModelFigures, language: str) -> list[tuple[str, str]]:
    """The figures in words: what each is, and its value."""

    def say(key: str, **values: object) -> str:
        return text(f"eval.{key}", language, **values)

    def times(of: Times | None) -> str:
        return say("llm_times", median=number(of[0]), slow=number(of[1])) if of else "–"

    def number(value: float) -> str:
        said = f"{value:.1f}" if value < 10 else f"{value:,.0f}".replace(",", " ")
        return said.replace(".", ",") if language == "da" else said

    def listed(counts: dict[str, int], group: str) -> str:
        return "; ".join(f"{n} {text(f'{group}.{k}', language).rstrip('.')}" for k, n in counts.items()) or "0"

    used = ", ".join(number(n) if n >= 10 else str(n) for n in (found.calls, found.tokens_in, found.tokens_out))
    uncounted = f" {say('llm_uncounted', n=found.uncounted)}" if found.uncounted else ""
    became = [say(f"llm_{name}", n=found.sentences[name]) for name in BECAME]
    return [
        (say("llm_written"), say("llm_written_of", written=found.written, asked=found.asked)),
        (say("llm_fell_back"), listed(found.fallbacks, "llm.why")),
        (say("llm_sentences"), ", ".join(became)),
        (say("llm_unshown"), str(found.unshown)),
        (say("llm_faults"), listed(found.faults, "llm.fault")),
        (say("llm_first"), times(found.first_ms)),
        (say("llm_check"), times(found.check_ms)),
        (say("llm_used"), f"{used}{uncounted}"),
        (say("llm_prompts"), ", ".join(found.prompts) or "–"),
    ]


def _most_first(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda found: (-found[1], found[0])))
