"""The chat: a question to its exchange, and what Gradio's components are to show of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import gradio as gr

from askamu.config import Settings
from askamu.errors import AskamuError, QuestionEmpty, QuestionTooLong
from askamu.examples import Role, examples
from askamu.filters import read_filters
from askamu.llm.model import Stoppable, endpoint_of
from askamu.llm.write import ask_model
from askamu.passage import Answer, Filters, Limit, Tier, Turn
from askamu.texts import text
from askamu.ui import sources
from askamu.ui.shown import actions, answer_cards, answer_markdown, growing, limits_read, note, steps

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.llm.model import LanguageModel

REMEMBERED = 6  # turns of the conversation that a question is completed from
KEPT = 20  # exchanges whose sources stay open to a click
KEPT_CHARS = 12_000  # of questions that the browser keeps
EXAMPLES = 4
STEP_SECONDS = 0.03
ABANDON_SECONDS = 2.0  # a new conversation waits so long at most for the last answer to end
AT_ONCE, PATIENCE = 4, 8.0  # questions answered at the same time, seconds a further one waits for its turn

log = logging.getLogger("askamu.ui")


class Busy(AskamuError):
    """All places are taken and the patience is over."""

    text_key = "error.busy"
    http_status = 503


class Gate:
    """Lets a few questions be answered at a time; the next ones wait a little."""

    def __init__(self, places: int = AT_ONCE, patience: float = PATIENCE) -> None:
        self.places, self.patience = threading.BoundedSemaphore(places), patience

    def __enter__(self) -> None:
        if not self.places.acquire(timeout=self.patience):
            raise Busy("All places are taken.")

    def __exit__(self, *_: object) -> None:
        self.places.release()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was put: its words, and the limits set beside it."""

    question: str
    limits: tuple[str, str, str, str]  # municipality, committee, from, to; "" for none
    lifted: frozenset[Limit] = frozenset()  # what is not to be read from the question
    llm: bool = True  # whether a language model, where there is one, may phrase the answer


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer, as the page and the next question need them."""

    question: str
    reply: str  # what was answered, for completing the next question
    shown: str  # the same as Markdown for the chat
    cards: str  # its sources, as HTML for the panel
    answered: bool
    read: tuple[tuple[Limit, str], ...] = ()  # limits read from the question, each in words
    lifted: frozenset[Limit] = frozenset()  # of those, what it was asked without
    before: tuple[Turn, ...] = ()  # the conversation that it was completed from
    limits: tuple[str, str, str, str] = ("", "", "", "")  # municipality, committee, from, to, as set on the page
    llm: bool = False  # whether a language model phrased it

    @property
    def asked(self) -> Asked:
        """What was asked, and whether a language model answered."""
        return Asked(self.question, self.limits, self.lifted, self.llm)


@dataclass
class Asking:
    """A question that is being answered to a session."""

    model: Stoppable | None
    abandoned: bool = False  # nobody is to see any more of it
    ended: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        if self.model is not None:
            self.model.stop()


def sentence(error: AskamuError, language: str) -> str:
    """What an error says to the person in the chat or at the API."""
    return text(error.text_key, language, **error.values)


def asked_within(
    library: Library,
    settings: Settings,
    gate: Gate,
    question: str,
    history: tuple[Turn, ...],
    filters: Filters,
    lang: str | None,
) -> Answer:
    """Ask without a language model, within the limits of the page: length, places, turns remembered."""
    steps = asked_in_steps(library, settings, gate, None, question, history, filters, lang)
    return next(step for step in steps if isinstance(step, Answer))


def asked_in_steps(
    library: Library,
    settings: Settings,
    gate: Gate,
    model: LanguageModel | None,
    question: str,
    history: tuple[Turn, ...],
    filters: Filters,
    lang: str | None,
) -> Iterator[str | Answer]:
    """The same in a language model's words where there is one: the text as it grows, and last the Answer."""
    if not question.strip():
        raise QuestionEmpty
    if len(question) > settings.max_question_chars:
        raise QuestionTooLong(len(question), settings.max_question_chars)
    yield from ask_model(library, model, question, history[-REMEMBERED:], filters, lang, around=gate)


def kept(past: tuple[Exchange, ...], now: Asked | None = None) -> list[dict[str, Any]]:
    """What the browser keeps of a conversation: what was asked, also what is being answered now; never an answer."""
    every = [e.asked for e in past if e.answered] + ([now] if now else [])
    asked: list[dict[str, Any]] = [
        {"q": a.question, "limits": list(a.limits), "lifted": sorted(a.lifted), "llm": a.llm} for a in every
    ]
    while asked and sum(len(a["q"]) for a in asked) > KEPT_CHARS:
        asked.pop(0)
    return asked


def read_kept(stored: object) -> list[Asked]:
    """What a browser kept, which may be anything; what is no question of ours is passed over."""
    found = []
    for entry in stored[-KEPT:] if isinstance(stored, list) else []:
        values = entry if isinstance(entry, dict) else {}
        question, limits, lifted = values.get("q"), values.get("limits"), values.get("lifted")
        if not isinstance(question, str) or not question.strip() or not isinstance(lifted, list):
            continue
        if not isinstance(limits, list) or len(limits) != 4 or not all(isinstance(x, str) for x in limits):
            continue
        known = frozenset(limit for limit in Limit if limit.value in lifted)
        llm = values.get("llm") is True
        found.append(Asked(question, (limits[0], limits[1], limits[2], limits[3]), known, llm))
    return found


def messages(past: tuple[Exchange, ...], question: str = "", reply: str = "") -> list[dict[str, str]]:
    """The conversation as the chat shows it."""
    shown = [(e.question, e.shown) for e in past] + ([(question, reply)] if question else [])
    return [
        message
        for said, answered in shown
        for message in (
            {"role": "user", "content": sources.inert(said)},
            {"role": "assistant", "content": answered},
        )
    ]


def turns(past: tuple[Exchange, ...]) -> tuple[Turn, ...]:
    """The conversation as `ask` reads it; without questions that failed, or that were asked again without a limit."""
    again = [bool(n.lifted) and n.question == e.question for e, n in pairwise(past)] + [False]
    kept = [e for e, repeated in zip(past, again, strict=True) if e.answered and not repeated] if past else []
    return tuple(turn for e in kept for turn in (Turn("user", e.question), Turn("assistant", e.reply)))[-REMEMBERED:]


def chips(read: tuple[tuple[Limit, str], ...]) -> list[Any]:
    """The row of limits read from a question, and its buttons: shown those that there are."""
    words = dict(read)
    buttons = [gr.Button(f"✕ {words[n]}" if n in words else "", visible=n in words) for n in Limit]
    return [gr.Row(visible=bool(read)), *buttons]


class Page:
    """What the page does, without Gradio's components: each method is an event."""

    def __init__(
        self,
        library_of: Callable[[], Library],
        settings: Settings,
        language: str,
        gate: Gate,
        model: LanguageModel | None = None,
    ) -> None:
        self.library_of, self.settings, self.language, self.gate = library_of, settings, language, gate
        self.model = model
        self.asking: dict[str, Asking] = {}  # by session

    def say(self, key: str, **values: object) -> str:
        return text(f"page.{key}", self.language, **values)

    def answer(
        self,
        question: str,
        municipality: str | None,
        committee: str | None,
        since: str | None,
        until: str | None,
        llm: bool,
        past: tuple[Exchange, ...],
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Answer a question: first that it is searched for, then the answer in steps, its sources with the last.

        Yields:
            what the chat, the panel, the remembered conversation, the question box, the examples, what the browser
            keeps, the button that stops a language model, and the limits read from the question (`chips`) are to show.
        """
        limits = (municipality or "", committee or "", since or "", until or "")
        yield from self.asked(Asked((question or "").strip(), limits, llm=bool(llm)), past, request)

    def asked(self, asked: Asked, past: tuple[Exchange, ...], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """What `answer` yields; until it ends, the session may `stop` the model or be `emptied`."""
        if not asked.question:
            yield gr.skip(), gr.skip(), gr.skip(), "", *[gr.skip()] * (4 + len(Limit))
            return
        session = str(request.session_hash)
        asking = Asking(Stoppable(self.model) if self.model and asked.llm else None)
        self.asking[session] = asking
        try:
            for step in self.steps(asked, past, asking.model):
                if asking.abandoned:
                    return
                yield step
        finally:
            asking.stop()
            asking.ended.set()
            if self.asking.get(session) is asking:
                del self.asking[session]

    def steps(self, asked: Asked, past: tuple[Exchange, ...], model: Stoppable | None) -> Iterator[tuple[Any, ...]]:
        still = [gr.skip()] * (3 + len(Limit))
        words = asked.question[: self.settings.max_question_chars]
        asked = replace(asked, llm=model is not None)
        searching = note(self.say("searching_model")) if model else f"*{self.say('searching')}*"
        hidden, stop = gr.Column(visible=False), gr.Button(visible=model is not None)
        yield (
            messages(past, words, searching), gr.skip(), gr.skip(), "", hidden, kept(past, asked), stop, *chips(()),
        )  # fmt: skip
        shown_so_far = False
        for grown in self.exchanged(asked, past, model):
            if isinstance(grown, Exchange):
                exchange = grown
                break
            shown_so_far = True
            yield messages(past, words, grown), gr.skip(), gr.skip(), gr.skip(), gr.skip(), *still
        for step in list(steps(exchange.shown))[:-1] if not shown_so_far and not model else ():
            yield messages(past, exchange.question, step), gr.skip(), gr.skip(), gr.skip(), gr.skip(), *still
            time.sleep(STEP_SECONDS)
        now = (*past, exchange)[-KEPT:]
        yield (
            messages(now), self.panel(now), now, gr.skip(), gr.skip(), kept(now), gr.Button(visible=False),
            *chips(exchange.read),
        )  # fmt: skip

    def stop(self, request: gr.Request) -> None:
        """The reader does not wait for the language model any longer, or has left."""
        asking = self.asking.get(str(request.session_hash))
        if asking is not None:
            asking.stop()

    def emptied(self, request: gr.Request) -> tuple[Any, ...]:
        """A new conversation: what `answer` shows, of nothing. What was being answered comes no more after it."""
        asking = self.asking.get(str(request.session_hash))
        if asking is not None:
            asking.abandoned = True
            asking.stop()
            asking.ended.wait(ABANDON_SECONDS)
        return [], self.panel(()), (), "", gr.Column(visible=True), [], gr.Button(visible=False), *chips(())

    def without(self, limit: Limit) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """An event: ask the last question again without a limit that was read from it; yields what `answer` does."""

        def lifted(llm: bool, past: tuple[Exchange, ...], request: gr.Request) -> Iterator[tuple[Any, ...]]:
            if past:
                last = past[-1]
                asked = Asked(last.question, last.limits, last.lifted | {limit}, bool(llm))
                yield from self.asked(asked, past, request)

        return lifted

    def resumed(self, stored: object, chosen: object, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The conversation that the browser kept, answered anew, and then the question in the page's address.

        An index may have changed since; what is shown is what it says now. Yields what `answer` does.
        """
        past: tuple[Exchange, ...] = ()
        for asked in read_kept(stored):
            past = (*past, self.exchange(asked, past))
        if past:
            yield (
                messages(past), self.panel(past), past, gr.skip(), gr.Column(visible=False), kept(past), gr.skip(),
                *chips(past[-1].read),
            )  # fmt: skip
        named = asked_in_address(request)
        if named and named.question not in {e.question for e in past}:
            yield from self.asked(replace(named, llm=chosen != "no"), past, request)
        elif not past:
            yield tuple([gr.skip()] * (8 + len(Limit)))

    def exchange(self, asked: Asked, past: tuple[Exchange, ...]) -> Exchange:
        """One question answered without a language model, or the sentence that says why not.

        Where a language model had phrased it before, the answer says that this one is without.
        """
        found = next(e for e in self.exchanged(asked, past, None) if isinstance(e, Exchange))
        if asked.llm and found.answered:
            found = replace(found, shown=f"{note(self.say('again_without_llm'))}\n\n{found.shown}", llm=True)
        return found

    def exchanged(
        self, asked: Asked, past: tuple[Exchange, ...], model: LanguageModel | None
    ) -> Iterator[str | Exchange]:
        """What a language model has written so far, and last the exchange: the answer, or why there is none.

        The one place of the page that catches errors.
        """
        question, limits, lifted = asked.question, asked.limits, asked.lifted
        shortened = question[: self.settings.max_question_chars]
        turn = time.time_ns() // 1_000_000  # unique within a chat, also after older exchanges are dropped
        before = past[-1].before if lifted and past else turns(past)  # lifted: the last question is asked again
        try:
            library = self.library_of()
            given = read_filters(*limits, lifted=lifted)
            told = self.settings, self.gate, model, question, before, given, self.asked_language()
            checking = self.say("checking", model=model.name if model else "")
            for step in asked_in_steps(library, *told):
                if isinstance(step, Answer):
                    answer = step
                else:
                    yield growing(step, checking)
            shown = answer_markdown(answer, turn, self.language)
            shown += "\n\n" + actions(library, answer, given, turn, self.language)
            cards = answer_cards(library, answer, turn, self.language)
            read = limits_read(given, answer.filters, self.language)
            answered = answer.tier is not Tier.FAILED
            by_model = answer.llm is not None
            yield Exchange(shortened, answer.text, shown, cards, answered, read, lifted, before, limits, by_model)
            return
        except AskamuError as error:
            why = sentence(error, self.language)
        except Exception:
            log.exception("a question could not be answered")  # a bug; the question itself is not logged
            why = text("error.unknown", self.language)
        failed = f"⚠ {sources.inert(why)}\n\n[{sources.inert(self.say('again'))}](#igen)"
        yield Exchange(shortened, why, failed, "", answered=False)

    def asked_language(self) -> str | None:
        """The language to answer in: on the Danish page the question's own, on the English page English."""
        return None if self.language == "da" else self.language

    def about_model(self) -> str:
        """What a reader who may choose a language model is to know of it."""
        endpoint = endpoint_of(self.settings)
        if self.model is None or endpoint is None:
            return ""
        sent = "" if endpoint.local else " " + self.say("use_llm_sent", place=endpoint.place)
        return self.say("use_llm_info", model=self.model.name) + sent

    def panel(self, past: tuple[Exchange, ...]) -> str:
        return sources.panel([(e.question, e.cards) for e in past], self.language)

    def municipalities(self) -> list[tuple[str, str]]:
        return [(self.say("any_municipality"), ""), *((m, m) for m in self.library_of().municipalities)]

    def committees(self, municipality: str | None) -> list[tuple[str, str]]:
        """The committees of a municipality, or all."""
        library = self.library_of()
        of_it = {m.committee for m in library.meetings if m.municipality == municipality}
        names = [c for c in library.committees if not municipality or c in of_it]
        return [(self.say("any_committee"), ""), *((c, c) for c in names)]

    def covered(self) -> str:
        """One line on what is indexed."""
        library = self.library_of()
        if not library.meetings:
            return self.say("covered_none")
        years = sorted({d.year for d in (library.first, library.last) if d})
        period = "–".join(str(y) for y in years) or self.say("undated")
        names = list(library.municipalities)
        where = ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
        return sources.inert(self.say("covered", meetings=len(library.meetings), municipalities=where, period=period))

    def opened(self, role: str, request: gr.Request) -> tuple[Any, ...]:
        """What a page that opens is to show: what is covered, the filters' choices, example questions."""
        limits = self.limits_at_first(request)
        try:
            covered = self.covered()
            choices = self.municipalities(), self.committees(limits[0] or None)
        except AskamuError as error:
            covered = f"⚠ {sources.inert(sentence(error, self.language))}"
            choices = [(self.say("any_municipality"), "")], [(self.say("any_committee"), "")]
        return (
            covered,
            *(
                gr.Dropdown(choices=names, value=limit if limit in {value for _, value in names} else "")
                for names, limit in zip(choices, limits, strict=True)
            ),
            *self.suggested(role),
        )

    def limits_at_first(self, request: gr.Request) -> tuple[str, str]:
        """Municipality and committee that a page is limited to when it opens: its address's, else the operator's."""
        given = request.query_params
        set_by_operator = self.settings.municipality or "", self.settings.committee or ""
        municipality = str(given.get("municipality", set_by_operator[0]))
        return municipality, str(given.get("committee", set_by_operator[1]))

    def suggested(self, role: str) -> list[Any]:
        """Whether there are example questions for the one who asks, and their buttons."""
        try:
            found = examples(self.library_of(), self.language, Role(role), EXAMPLES)
        except AskamuError:
            found = []
        buttons = [gr.Button(found[i] if i < len(found) else "", visible=i < len(found)) for i in range(EXAMPLES)]
        return [gr.Row(visible=bool(found)), *buttons]

    def narrowed(self, municipality: str | None) -> Any:
        """The committee filter after a municipality was chosen."""
        try:
            return gr.Dropdown(choices=self.committees(municipality), value="")
        except AskamuError:
            return gr.skip()


def asked_in_address(request: gr.Request) -> Asked | None:
    """The question that a page's address asks (?q=…), with its limits; None if it asks none."""
    given = request.query_params
    question = str(given.get("q", "")).strip()
    if not question:
        return None
    limits = [str(given.get(name, "")) for name in ("municipality", "committee", "date_from", "date_to")]
    return Asked(question, (limits[0], limits[1], limits[2], limits[3]))
