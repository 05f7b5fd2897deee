"""The page: a Gradio Blocks around `askamu.answer.ask`, in Danish or English.

Only gr.Markdown carries markup: gr.HTML needs unsafe-eval, which the page's CSP forbids. All text from
minutes, questions and errors goes through `sources.inert`, so that it can neither be HTML nor Markdown.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr

from askamu import answer as answering
from askamu import show
from askamu.config import Settings
from askamu.errors import AskamuError, QuestionEmpty, QuestionTooLong
from askamu.filters import read_filters, read_from_question
from askamu.passage import Answer, Filters, Limit, Tier, Turn
from askamu.texts import text
from askamu.ui import render, sources

if TYPE_CHECKING:
    from askamu.library import Library

HERE = Path(__file__).parent
REMEMBERED = 6  # turns of the conversation that a question is completed from
KEPT = 20  # exchanges whose sources stay open to a click
EXAMPLES = 4
STEP_SECONDS = 0.03
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


def sentence(error: AskamuError, language: str) -> str:
    """What an error says to the person in the chat or at the API."""
    return text(error.text_key, language, **error.values)


def asked(
    library: Library,
    settings: Settings,
    gate: Gate,
    question: str,
    history: tuple[Turn, ...],
    filters: Filters,
    lang: str | None,
) -> Answer:
    """Ask, within the limits of the page: length, places, turns remembered."""
    if not question.strip():
        raise QuestionEmpty
    if len(question) > settings.max_question_chars:
        raise QuestionTooLong(len(question), settings.max_question_chars)
    with gate:
        return answering.ask(library, question, history[-REMEMBERED:], filters, lang)


ADDRESS = re.compile(r"(?i)(?:https?|ftp|mailto|javascript|data):|\bwww\.")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
REFERENCE = re.compile(r"(&#\d+;)")


def disarmed(markdown: str) -> str:
    """An answer's Markdown without images, links, addresses or HTML; emphasis, lists and tables stay.

    What the composers escaped with a backslash, and all that stands in »…« (quotes and titles), becomes
    character references, which no later step can read as Markdown.
    """
    markdown = ESCAPED.sub(lambda m: sources.referenced(m[1]), markdown)
    markdown = re.sub(r"»([^«]*)«", lambda m: f"»{quoted(m[1])}«", markdown)
    markdown = markdown.replace("<", "&lt;").replace("](", "]&#40;").replace("![", "&#33;[").replace("]:", "]&#58;")
    return ADDRESS.sub(lambda m: sources.referenced(m[0]), markdown)


def quoted(words: str) -> str:
    """Quoted words sign by sign; what is a reference already stays one."""
    parts = REFERENCE.split(words)
    return "".join(part if REFERENCE.fullmatch(part) else sources.referenced(part) for part in parts)


def answer_markdown(answer: Answer, turn: int, language: str) -> str:
    """An answer for the chat: its text, disarmed, with each mark [n] leading to its source in the panel."""
    known = {c.n for c in answer.citations}
    shown = disarmed(show.as_markdown(answer))

    def link(mark: re.Match[str]) -> str:
        n = int(mark[1])
        return f"[\\[{n}\\]](#kilde-{turn}-{n})" if n in known else f"&#91;{n}&#93;"

    parts = [re.sub(r"\[(\d{1,3})\]", link, shown)]
    if answer.tier is Tier.POSSIBLE:
        parts.insert(0, f"**{text('page.possible', language)}**")
    if answer.completed_question.strip() != answer.question.strip():
        parts.insert(0, f"*{sources.inert(text('page.completed', language, question=answer.completed_question))}*")
    if answer.related:
        places = " · ".join(
            f"[{sources.inert(show.related_line(r, language))}](/kilde/{r.document}/{quote(r.item)})"
            for r in answer.related
        )
        parts.append(f"{text('answer.also', language)} {places}")
    parts += [f"*{sources.inert(warning)}*" for warning in answer.warnings]
    if limits := filter_words(answer.filters, language):
        parts.append(f"*{sources.inert(text('page.limited', language, filters=limits))}*")
    return "\n\n".join(parts)


def filter_words(filters: Filters, language: str) -> str:
    """The limits of a search in words, "" when there are none."""
    words = [filters.municipality, filters.committee]
    if filters.case_number:
        words.append(text("page.case_limit", language, case_number=filters.case_number))
    if filters.date_from and filters.date_from == filters.date_to:
        words.append(sources.date_words(filters.date_from))
        filters = replace(filters, date_from=None, date_to=None)
    if filters.date_from:
        words.append(text("page.from_limit", language, date=sources.date_words(filters.date_from)))
    if filters.date_to:
        words.append(text("page.to_limit", language, date=sources.date_words(filters.date_to)))
    return " · ".join(w for w in words if w)


def limits_read(given: Filters, used: Filters, language: str) -> tuple[tuple[Limit, str], ...]:
    """The limits that were read from the question, each with its words for a chip."""
    period = filter_words(Filters(date_from=used.date_from, date_to=used.date_to), language)
    words = {Limit.MUNICIPALITY: used.municipality, Limit.COMMITTEE: used.committee, Limit.PERIOD: period}
    return tuple((limit, words[limit] or "") for limit in read_from_question(given, used))


def answer_cards(library: Library, answer: Answer, turn: int, language: str) -> str:
    """The numbered sources of an answer for the panel."""
    cards = []
    for place, citation in enumerate(answer.citations):
        try:
            minutes = library.minutes(citation.document)
        except KeyError:
            minutes = None
        anchor = f"kilde-{turn}-{citation.n}"
        cards.append(sources.citation_card(minutes, citation, anchor, language, opened=place == 0))
    return "".join(cards) or f'<p class="note">{sources.inert(text("page.sources_none", language))}</p>'


def steps(markdown: str) -> Iterator[str]:
    """An answer growing paragraph by paragraph; a table or list comes line by line, never half a mark."""
    lines = markdown.split("\n")
    for end in range(1, len(lines) + 1):
        if lines[end - 1].strip() or end == len(lines):
            yield "\n".join(lines[:end])


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

    def __init__(self, library_of: Callable[[], Library], settings: Settings, language: str, gate: Gate) -> None:
        self.library_of, self.settings, self.language, self.gate = library_of, settings, language, gate

    def say(self, key: str, **values: object) -> str:
        return text(f"page.{key}", self.language, **values)

    def answer(
        self,
        question: str,
        municipality: str | None,
        committee: str | None,
        since: str | None,
        until: str | None,
        past: tuple[Exchange, ...],
        lifted: frozenset[Limit] = frozenset(),
    ) -> Iterator[tuple[Any, ...]]:
        """Answer a question: first that it is searched for, then the answer in steps, its sources with the last.

        Args:
            lifted: limits that are not to be read from the question.

        Yields:
            what the chat, the panel, the remembered conversation, the question box, the examples and the limits read
            from the question (`chips`) are to show.
        """
        question = (question or "").strip()
        still = [gr.skip()] * (1 + len(Limit))
        if not question:
            yield gr.skip(), gr.skip(), gr.skip(), "", gr.skip(), *still
            return
        asked_words = question[: self.settings.max_question_chars]
        searching = f"*{self.say('searching')}*"
        yield messages(past, asked_words, searching), gr.skip(), gr.skip(), "", gr.Column(visible=False), *chips(())
        exchange = self.exchange(question, (municipality, committee, since, until), past, lifted)
        for step in list(steps(exchange.shown))[:-1]:
            yield messages(past, exchange.question, step), gr.skip(), gr.skip(), gr.skip(), gr.skip(), *still
            time.sleep(STEP_SECONDS)
        now = (*past, exchange)[-KEPT:]
        yield messages(now), self.panel(now), now, gr.skip(), gr.skip(), *chips(exchange.read)

    def without(
        self,
        limit: Limit,
        municipality: str | None,
        committee: str | None,
        since: str | None,
        until: str | None,
        past: tuple[Exchange, ...],
    ) -> Iterator[tuple[Any, ...]]:
        """Ask the last question again without a limit that was read from it; yields what `answer` does."""
        if not past:
            return
        last = past[-1]
        yield from self.answer(last.question, municipality, committee, since, until, past, last.lifted | {limit})

    def exchange(
        self,
        question: str,
        limits: tuple[str | None, str | None, str | None, str | None],
        past: tuple[Exchange, ...],
        lifted: frozenset[Limit] = frozenset(),
    ) -> Exchange:
        """One question answered, or the sentence that says why not. The one place of the page that catches errors."""
        shortened = question[: self.settings.max_question_chars]
        turn = time.time_ns() // 1_000_000  # unique within a chat, also after older exchanges are dropped
        before = past[-1].before if lifted and past else turns(past)  # lifted: the last question is asked again
        try:
            library = self.library_of()
            given = read_filters(*limits, lifted=lifted)
            answer = asked(library, self.settings, self.gate, question, before, given, self.asked_language())
            shown = answer_markdown(answer, turn, self.language)
            cards = answer_cards(library, answer, turn, self.language)
            read = limits_read(given, answer.filters, self.language)
            answered = answer.tier is not Tier.FAILED
            return Exchange(shortened, answer.text, shown, cards, answered, read, lifted, before)
        except AskamuError as error:
            why = sentence(error, self.language)
        except Exception:
            log.exception("a question could not be answered")  # a bug; the question itself is not logged
            why = text("error.unknown", self.language)
        return Exchange(shortened, why, f"⚠ {sources.inert(why)}", "", answered=False)

    def asked_language(self) -> str | None:
        """The language to answer in: on the Danish page the question's own, on the English page English."""
        return None if self.language == "da" else self.language

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

    def opened(self) -> tuple[Any, ...]:
        """What a page that opens is to show: what is covered, the filters' choices, example questions."""
        try:
            library = self.library_of()
            examples = list(library.examples(self.language, EXAMPLES))[:EXAMPLES]
            covered = self.covered()
            choices = self.municipalities(), self.committees(None)
        except AskamuError as error:
            examples, covered = [], f"⚠ {sources.inert(sentence(error, self.language))}"
            choices = [(self.say("any_municipality"), "")], [(self.say("any_committee"), "")]
        buttons = [
            gr.Button(examples[i] if i < len(examples) else "", visible=i < len(examples)) for i in range(EXAMPLES)
        ]
        return (
            covered,
            gr.Dropdown(choices=choices[0], value=""),
            gr.Dropdown(choices=choices[1], value=""),
            gr.Column(visible=bool(examples)),
            *buttons,
        )

    def narrowed(self, municipality: str | None) -> Any:
        """The committee filter after a municipality was chosen."""
        try:
            return gr.Dropdown(choices=self.committees(municipality), value="")
        except AskamuError:
            return gr.skip()


def build_page(
    library_of: Callable[[], Library],
    settings: Settings,
    language: str | None = None,
    gate: Gate | None = None,
    other_page: str = "/en",
) -> gr.Blocks:
    """The page in one language. `library_of` gives the library of the moment, `other_page` is the other language's."""
    page = Page(library_of, settings, language or settings.lang, gate or Gate())
    say = page.say
    day: dict[str, Any] = {"max_length": 10, "max_lines": 1, "min_width": 90}
    blocks: gr.Blocks
    with gr.Blocks(title=say("title"), analytics_enabled=False, fill_width=True) as blocks:
        past = gr.State((), time_to_live=24 * 3600)
        with gr.Row(elem_id="top"):
            with gr.Column(elem_id="heading", min_width=0):
                gr.Markdown(f"# {say('heading')}\n\n{say('tagline')}")
                covered = gr.Markdown("", elem_id="covered")
            gr.Markdown(f"[{say('other_language')}]({other_page})", elem_id="language")
        with gr.Row(elem_id="body"):
            with gr.Column(elem_id="talk", scale=3, min_width=300):
                chat = gr.Chatbot(
                    elem_id="chat", label=say("conversation"), show_label=False, placeholder=say("welcome"),
                    buttons=[], feedback_options=None, latex_delimiters=[], layout="bubble", height=None,
                    allow_file_downloads=False, group_consecutive_messages=False, autoscroll=False,
                    allow_tags=False, line_breaks=True,
                )  # fmt: skip
                with gr.Row(elem_id="ask"):
                    question = gr.Textbox(
                        elem_id="question", label=say("question"), placeholder=say("question_hint"), lines=1,
                        max_lines=5, max_length=settings.max_question_chars, scale=6, show_label=False,
                        container=False, autofocus=True,
                    )  # fmt: skip
                    send = gr.Button(say("send"), variant="primary", elem_id="send", scale=1, min_width=96)
                with gr.Row(elem_id="read", visible=False) as read:
                    gr.Markdown(say("read"), elem_id="read-title")
                    lifts = [gr.Button("", size="sm", visible=False, elem_id=f"lift-{n}") for n in Limit]
                with gr.Column(elem_id="suggested", visible=False) as suggested:
                    gr.Markdown(say("examples"), elem_id="examples-title")
                    with gr.Row(elem_id="examples"):
                        examples = [gr.Button("", size="sm", visible=False) for _ in range(EXAMPLES)]
                with gr.Row(elem_id="limits"):
                    gr.Markdown(f"## {say('filters')}", elem_id="filters-title")
                    new = gr.Button(say("new_conversation"), size="sm", elem_id="new", variant="secondary")
                with gr.Row(elem_id="filters"):
                    municipality = gr.Dropdown(
                        [(say("any_municipality"), "")], value="", label=say("municipality"), elem_id="municipality",
                        min_width=120,
                    )  # fmt: skip
                    committee = gr.Dropdown(
                        [(say("any_committee"), "")], value="", label=say("committee"), elem_id="committee",
                        min_width=120,
                    )  # fmt: skip
                    since = gr.Textbox(label=say("from"), placeholder=say("from_hint"), elem_id="from", **day)
                    until = gr.Textbox(label=say("to"), placeholder=say("to_hint"), elem_id="to", **day)
            with gr.Column(elem_id="sources", scale=2, min_width=300):
                gr.Markdown(f"## {say('sources')}", elem_id="sources-title")
                panel = gr.Markdown(
                    sources.panel([], page.language), elem_id="panel", latex_delimiters=[], sanitize_html=True
                )
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        rest = [municipality, committee, since, until, past]
        shown = [chat, panel, past, question, suggested, read, *lifts]
        gr.on([question.submit, send.click], page.answer, [question, *rest], shown, concurrency_limit=16, **quiet)
        for example in examples:
            example.click(page.answer, [example, *rest], shown, concurrency_limit=16, **quiet)
        for limit, lift in zip(Limit, lifts, strict=True):
            lift.click(partial(page.without, limit), rest, shown, concurrency_limit=16, **quiet)
        municipality.change(page.narrowed, municipality, committee, **quiet)
        new.click(lambda: ([], page.panel(()), (), "", gr.Column(visible=True), *chips(())), None, shown, **quiet)
        blocks.load(
            page.opened, None, [covered, municipality, committee, suggested, *examples],
            concurrency_limit=16, **quiet,
        )  # fmt: skip
    blocks.queue(max_size=64, default_concurrency_limit=16, api_open=False)
    return blocks


PETROL = gr.themes.Color(
    c50="#eff7f9", c100="#d9ebf0", c200="#b3d6e0", c300="#83bacb", c400="#4f98b0", c500="#2f7c96",
    c600="#1f647d", c700="#1a5166", c800="#174353", c900="#143845", c950="#0b232d", name="petrol",
)  # fmt: skip


def build_theme() -> gr.themes.Base:
    """A calm theme with the system's own fonts; contrast of all text at least 4.5:1, light and dark."""
    font = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    theme = gr.themes.Base(
        primary_hue=PETROL, secondary_hue=PETROL, neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md, font=font, font_mono=("ui-monospace", "Consolas", "monospace"),
    )  # fmt: skip
    return theme.set(
        body_background_fill="#f5f7f9",
        body_background_fill_dark="#10171d",
        body_text_color="#17232b",
        body_text_color_dark="#e6edf2",
        body_text_color_subdued="#4a5a66",
        body_text_color_subdued_dark="#a9b8c3",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#18222a",
        background_fill_secondary="#f5f7f9",
        background_fill_secondary_dark="#10171d",
        block_background_fill="#ffffff",
        block_background_fill_dark="#18222a",
        block_border_width="0px",
        block_label_text_color="#34444f",
        block_label_text_color_dark="#c3d0d9",
        block_title_text_color="#34444f",
        block_title_text_color_dark="#c3d0d9",
        border_color_primary="#ccd6dd",
        border_color_primary_dark="#344450",
        input_background_fill="#ffffff",
        input_background_fill_dark="#10171d",
        input_border_color="#8496a3",
        input_border_color_dark="#5f7382",
        input_border_width="1px",
        input_placeholder_color="#5a6a76",
        input_placeholder_color_dark="#9fb0bc",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="*primary_200",
        button_primary_background_fill_hover_dark="*primary_100",
        button_primary_text_color_dark="#0b232d",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="*primary_50",
        button_secondary_text_color="*primary_800",
        button_secondary_border_color="#b9c7d0",
        button_secondary_background_fill_dark="#18222a",
        button_secondary_background_fill_hover_dark="#22303a",
        button_secondary_text_color_dark="#d9ebf0",
        button_secondary_border_color_dark="#435562",
        button_border_width="1px",
        link_text_color="*primary_700",
        link_text_color_hover="*primary_900",
        link_text_color_visited="*primary_700",
        link_text_color_dark="*primary_200",
        link_text_color_hover_dark="*primary_100",
        link_text_color_visited_dark="*primary_200",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="#1d3540",
    )


def build_css() -> str:
    return (HERE / "page.css").read_text(encoding="utf-8")


def build_head(language: str) -> str:
    """What goes into the page's <head>: its script, and the few sentences the script says."""
    said = {
        "language": language,
        "conversation": text("page.conversation", language),
        "busy": text("error.busy", language),
    }
    words = json.dumps(said).replace("<", "\\u003c")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    about = text("page.tagline", language).replace('"', "&quot;")
    basket = render.basket_head(language)
    return f'<meta name="description" content="{about}">\n<script>window.askamu = {words};\n{script}</script>\n{basket}'


def build_i18n(language: str) -> gr.I18n:
    """Gradio's own few words; it has no Danish, so the Danish ones are given under the languages it falls back to."""
    danish = {
        "chatbot.clear": "Ryd samtalen", "chatbot.retry": "Prøv igen", "chatbot.undo": "Fortryd",
        "chatbot.copy_message": "Kopiér svaret", "common.submit": "Send", "common.clear": "Ryd",
        "common.error": "Fejl", "common.loading": "Indlæser", "common.empty": "Tom",
    }  # fmt: skip
    return gr.I18n(en=danish, nb=danish, sv=danish) if language == "da" else gr.I18n(en={"common.submit": "Send"})
