"""A language model's reply on its way into an answer, with models that say what the test wants."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from askamu import prompts
from askamu.answer import ask
from askamu.errors import LanguageModelFailed, TextMissing
from askamu.library import Library
from askamu.llm import tokens
from askamu.llm.complete import adds_nothing, complete, parts
from askamu.llm.model import Breaker, Message, Writing, reason_of
from askamu.llm.reply import cut, plain, structured
from askamu.llm.style import Style, read_style
from askamu.llm.write import ask_model, last
from askamu.passage import Answer, Turn

QUESTIONS = Path(__file__).parents[1] / "benchmarks" / "questions.jsonl"
QUESTION = "Hvad besluttede udvalget om småjob?"


class Says:
    """A model that says what a function makes of the last message, a few characters at a time."""

    name = "says"

    def __init__(self, reply: Callable[[str], str], structured: bool = False) -> None:
        self.reply, self.structured = reply, structured
        self.asked: list[Sequence[Message]] = []

    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        self.asked.append(messages)
        said = self.reply(messages[-1].content)
        return Writing(iter([said[n : n + 5] for n in range(0, len(said), 5)]))


class Fails(Says):
    def write(self, messages: Sequence[Message], deadline: float, schema: dict[str, Any] | None = None) -> Writing:
        def pieces() -> Iterator[str]:
            yield "Udv"
            raise LanguageModelFailed(self.reply(""))

        return Writing(pieces())


def lines(prompt: str) -> list[tuple[str, str]]:
    """Marks and sentences that a prompt holds."""
    found = []
    for line in prompt.splitlines():
        mark, _, words = line.partition("] ")
        if mark.startswith("[") and "." in mark and words:
            found.append((mark[1:], words))
    return found


def copies(prompt: str) -> str:
    """The first sentence, word for word and marked."""
    mark, words = lines(prompt)[0]
    return f"{words.split('. ')[0].rstrip('.')} [{mark}]."


def test_without_a_model_the_answer_is_as_ever(library: Library) -> None:
    with_none = last(ask_model(library, None, QUESTION))
    alone = ask(library, QUESTION)
    assert (with_none.text, with_none.citations, with_none.llm) == (alone.text, alone.citations, None)


def test_what_holds_is_shown_with_numbered_marks_and_the_decision_stays_word_for_word(library: Library) -> None:
    alone = ask(library, QUESTION)
    grown = list(ask_model(library, Says(copies), QUESTION))
    answer = grown[-1]
    assert isinstance(answer, Answer)
    assert answer.llm == "says"
    assert [s.became for s in answer.verification.sentences] == ["kept"]  # type: ignore[union-attr]
    assert {c.quote for c in alone.citations} <= {c.quote for c in answer.citations}
    assert all(f"[{c.n}]" in answer.text for c in answer.citations)
    assert all(library.minutes(c.document).text[c.start : c.end] == c.quote for c in answer.citations)
    assert all(isinstance(step, str) for step in grown[:-1])


@pytest.mark.parametrize("reason", ["unreachable", "slow", "cut", "malformed", "limited"])
def test_a_model_that_fails_leaves_the_answer_without_it_and_says_why(library: Library, reason: str) -> None:
    alone = ask(library, QUESTION)
    answer = last(ask_model(library, Fails(lambda _: reason), QUESTION))
    assert (answer.text, answer.llm) == (alone.text, None)
    assert answer.verification is not None
    assert answer.verification.fallback == reason
    assert answer.warnings[-1].startswith("Svaret er uden sprogmodellens ord")


def test_a_sentence_that_fails_is_written_anew_once(library: Library) -> None:
    def reply(prompt: str) -> str:
        (first, words), (mark, _), *_ = lines(prompt)
        if "RET:" in prompt:
            return f"1. {words.split('. ')[0].rstrip('.')} [{first}]."
        good = f"{words.split('. ')[0].rstrip('.')} [{first}]."
        return f"{good} Det koster 987.654 kr. [{mark}]. {lines(prompt)[2][1].split('. ')[0].rstrip('.')} [{lines(prompt)[2][0]}]."

    answer = last(ask_model(library, Says(reply), QUESTION))
    assert "987.654" not in answer.text
    assert answer.verification is not None
    became = {s.became for s in answer.verification.sentences}
    assert became & {"repaired", "quoted", "dropped"}


def test_of_a_decision_that_is_told_in_part_the_whole_follows(library: Library) -> None:
    def part(prompt: str) -> str:
        mark = next(mark for mark, words in lines(prompt) if words.startswith("Godkendt med den ændring"))
        return f"Beslutningen lyder: {{{mark}}}"

    asked = "Hvad anbefalede udvalget kommunalbestyrelsen om beskæftigelsesplanen?"
    answer = last(ask_model(library, Says(part), asked))
    assert answer.llm
    assert "Ikke endeligt: anbefalet videre" in answer.text
    assert "Anbefales over for Kommunalbestyrelsen" in answer.text


def test_no_words_that_the_answer_without_the_model_quotes_are_lost(library: Library) -> None:
    """Such as who voted against, where the model quotes only what was decided."""

    def first_line(prompt: str) -> str:
        shown = lines(prompt)  # none where a question is to be divided
        return f"I referatet står {{{shown[0][0]}}}" if shown else ""

    phrased = 0
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        if not asked["answerable"] or asked.get("history"):
            continue
        alone = ask(library, asked["question"])
        answer = last(ask_model(library, Says(first_line), asked["question"]))
        if answer.llm is None:
            continue
        phrased += 1
        for c in alone.citations:
            holding = [
                o for o in answer.citations if o.document == c.document and o.start <= c.start and c.end <= o.end
            ]
            assert any(f"[{o.n}]" in answer.text for o in holding), c
    assert phrased > 30


def test_a_bug_in_the_check_leaves_the_answer_without_the_model(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    from askamu.llm.verify import Verifier

    def broken(self: Verifier, sentence: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Verifier, "_check", broken)
    answer = last(ask_model(library, Says(copies), QUESTION))
    assert (answer.text, answer.llm) == (ask(library, QUESTION).text, None)
    assert answer.verification is not None
    assert answer.verification.fallback == "malformed"


def test_a_quote_is_put_in_by_the_program(library: Library) -> None:
    def reply(prompt: str) -> str:
        return "Der står: {" + lines(prompt)[0][0] + "}"

    answer = last(ask_model(library, Says(reply), "Hvor mange småjob er der?"))
    assert answer.llm
    assert "»" in answer.text
    assert "{" not in answer.text


def test_a_reply_in_json_is_read_as_it_comes(library: Library) -> None:
    def reply(prompt: str) -> str:
        mark, words = lines(prompt)[0]
        return json.dumps({"sentences": [{"text": words.split(". ")[0], "marks": [mark]}]})

    answer = last(ask_model(library, Says(reply, structured=True), QUESTION))
    assert answer.llm == "says"
    broken = last(ask_model(library, Says(lambda _: '{"sentences": [', structured=True), QUESTION))
    assert broken.verification is not None
    assert broken.verification.fallback == "malformed"


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        ("En sag. [aaaaaa.1] En anden [bbbbbb.2].", ["En sag [aaaaaa.1].", "En anden [bbbbbb.2]."]),
        ("- Første [aaaaaa.1]\n- Anden [bbbbbb.1]", ["Første [aaaaaa.1]", "Anden [bbbbbb.1]"]),
        ("## Svar\n\nDet kostede 1,2 mio. kr. i 2024 [aaaaaa.1].", ["Svar", "Det kostede 1,2 mio. kr. i 2024 [aaaaaa.1]."]),
        ("```\nEn sag [aaaaaa.1].\n```", ["En sag [aaaaaa.1]."]),
        ("Der står: {aaaaaa.1} [aaaaaa.1] Og så videre [bbbbbb.1].", ["Der står: {aaaaaa.1} [aaaaaa.1]", "Og så videre [bbbbbb.1]."]),
    ],
)  # fmt: skip
def test_running_text_is_cut_into_marked_sentences(said: str, sentences: list[str]) -> None:
    assert [raw for raw, _ in cut(said)] == sentences
    for size in (1, 3, 200):
        pieces = Writing(iter([said[n : n + size] for n in range(0, len(said), size)]))
        assert [raw for raw, _ in plain(pieces)] == sentences


def test_a_personal_number_in_a_reply_is_struck_out() -> None:
    assert "010190" not in "".join(raw for raw, _ in cut("Hans nummer er 010190-1234 [aaaaaa.1]."))


@pytest.mark.parametrize("said", ["", "[]", "null", '{"sentences": 3}', '{"sentences": [3, null, {"text": 1}]}'])
def test_json_of_another_form_gives_no_sentence(said: str) -> None:
    pieces = Writing(iter([said]))
    if not said:
        with pytest.raises(LanguageModelFailed):
            list(structured(pieces))
    else:
        assert list(structured(pieces)) == []


# -- follow-ups, parts, style ----------------------------------------------------------------------

BEFORE = [Turn("user", "Hvad kostede småjob i Fjordlev i 2023?"), Turn("assistant", "Det kostede 0,7 mio. kr. [1]")]


@pytest.mark.parametrize(
    ("said", "used"),
    [
        ("Hvad kostede småjob i Fjordlev i 2024?", True),
        ("Hvad kostede småjob i Aarhus i 2024?", False),  # a place nobody named
        ("Hvad kostede småjob i Fjordlev i 2025?", False),  # a year nobody named
        ("Det kostede 0,7 mio. kr. i 2024.", False),  # an answer, and words of one
        ("Hvad kostede småjob i Fjordlev?", False),  # what was asked is lost
        ("Hvad kostede [småjob](http://x.dk) i Fjordlev i 2024?", False),
        ("", False),
    ],
)
def test_a_follow_up_is_completed_with_the_persons_own_words_alone(said: str, used: bool) -> None:
    whole = complete(Says(lambda _: said), "Og i 2024?", BEFORE, "da", time.monotonic() + 5)
    assert whole == (said if used else None)


def test_a_question_that_stands_alone_is_left_alone() -> None:
    model = Says(lambda _: "noget andet")
    assert (
        complete(model, "Hvad besluttede udvalget om jobrotation i 2024?", BEFORE, "da", time.monotonic() + 5) is None
    )
    assert model.asked == []


def test_the_words_of_an_answer_are_not_given_to_the_one_who_completes() -> None:
    model = Says(lambda _: "Hvad kostede småjob i Fjordlev i 2024?")
    complete(model, "Og i 2024?", [*BEFORE, Turn("assistant", "Sæt filteret til Aarhus")], "da", time.monotonic() + 5)
    assert "Aarhus" not in model.asked[0][-1].content
    assert "mio" not in model.asked[0][-1].content


def test_a_question_on_several_things_is_divided() -> None:
    asked = "Hvor mange småjob var der i Fjordlev og i Bakkerup?"
    both = "1. Hvor mange småjob var der i Fjordlev?\n2. Hvor mange småjob var der i Bakkerup?\n3. Hvem er borgmester?"
    assert parts(Says(lambda _: both), asked, "da", time.monotonic() + 5) == [
        "Hvor mange småjob var der i Fjordlev?",
        "Hvor mange småjob var der i Bakkerup?",
    ]
    assert parts(Fails(lambda _: "slow"), asked, "da", time.monotonic() + 5) == []


def test_nothing_is_added_means_no_new_word_and_no_new_figure() -> None:
    assert adds_nothing("Hvad skete der med den i 2024?", ["og 2024", "hvad skete"])
    assert not adds_nothing("Hvad skete der i 2023?", ["og 2024", "hvad skete"])


@pytest.mark.parametrize(
    ("asked", "question", "style"),
    [
        ("Giv et resumé af sagen om småjob", "sagen om småjob", Style.SUMMARY),
        ("Kan du opsummere punkt 3 den 12. marts 2024?", "punkt 3 den 12. marts 2024?", Style.SUMMARY),
        ("Summarise the case about småjob", "the case about småjob", Style.SUMMARY),
        ("Hvad er småjob? Forklar det i almindeligt sprog", "Hvad er småjob?", Style.PLAIN),
        ("Forklar det i almindeligt sprog", BEFORE[0].content, Style.PLAIN),
        ("Can you explain that in plain words?", BEFORE[0].content, Style.PLAIN),
        ("Hvad står der i resuméet?", "Hvad står der i resuméet?", Style.ANSWER),
    ],
)  # fmt: skip
def test_how_it_is_to_be_told_is_read_out_of_the_question(asked: str, question: str, style: Style) -> None:
    told = read_style(asked, BEFORE)
    assert (told.question, told.style) == (question, style)


def test_a_summary_is_given_the_whole_item(library: Library) -> None:
    model = Says(copies)
    answer = last(ask_model(library, model, "Giv et resumé af sagen om småjob fra marts 2023"))
    given = model.asked[-1][-1].content
    assert "BESLUTNING" in given
    assert "INDSTILLING" in given
    assert answer.question == "Giv et resumé af sagen om småjob fra marts 2023"


# -- prompts, tokens, breaker ----------------------------------------------------------------------


def test_every_prompt_is_there_in_both_languages_with_the_same_variables() -> None:
    from string import Template

    names = {tuple(file.name.split(".")[:2]) for file in prompts.FOLDER.glob("*.*.md")}
    assert {name for name, _ in names} == {"answer", "repair", "complete", "parts"}
    for name in {name for name, _ in names}:
        found = [
            [set(Template(part).get_identifiers()) for part in prompts.load(name, lang)[:2]] for lang in ("da", "en")
        ]
        assert found[0] == found[1], name


def test_a_missing_variable_or_prompt_is_named() -> None:
    with pytest.raises(TextMissing, match=r"answer\.da"):
        prompts.fill("answer", "da", question="?")
    with pytest.raises(TextMissing, match=r"nothing\.da"):
        prompts.fill("nothing", "da")


def test_dollars_in_a_question_fill_nothing() -> None:
    filled = prompts.fill("complete", "da", conversation="$question", question="koster $5")
    assert filled.user.endswith("koster $5")
    assert "- $question" not in filled.user
    assert "$question" in filled.user


def test_tokens_are_counted_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tokens.counter.cache_clear()
    tokens._vocabulary.cache_clear()
    try:
        count = tokens.counter()
        text = "Udvalget tiltrådte indstillingen om sygedagpenge. <|endoftext|>"
        assert 8 <= count(text) <= len(text) / 2.5
        assert tokens.is_exact() is (tmp_path / "askamu" / "tiktoken" / tokens.FILE).is_file()
    finally:
        tokens.counter.cache_clear()
        tokens._vocabulary.cache_clear()


def test_a_model_that_fails_three_times_is_left_alone_and_tried_again() -> None:
    breaker = Breaker(failures=3, rest=0.2)
    for _ in range(3):
        breaker.check()
        breaker.went(well=False)
    with pytest.raises(LanguageModelFailed) as failed:
        breaker.check()
    assert failed.value.reason == "resting"
    time.sleep(0.25)
    breaker.check()  # one may try
    with pytest.raises(LanguageModelFailed):
        breaker.check()  # the others wait for how it went
    breaker.went(well=True)
    breaker.check()


def test_a_foreign_error_has_a_reason() -> None:
    class APITimeoutError(Exception): ...

    class Refused(Exception):
        status_code = 401

    assert reason_of(APITimeoutError()) == "slow"
    assert reason_of(Refused()) == "key"
    assert reason_of(ValueError("what")) == "malformed"


def test_opening_a_model_switches_reports_to_a_third_party_off(monkeypatch: pytest.MonkeyPatch) -> None:
    from langsmith import utils

    from askamu.config import Settings
    from askamu.llm.model import open_model

    for name in ("LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "LANGSMITH_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    open_model(Settings(llm="openai:any", llm_base_url="http://127.0.0.1:9/v1"))
    utils.get_env_var.cache_clear()
    assert not utils.tracing_is_enabled()
