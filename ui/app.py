"""The chat page's layout, theme and head: a Gradio Blocks around `askamu.ui.chat.Page`, in Danish or English.

Only gr.Markdown carries markup: gr.HTML needs unsafe-eval, which the page's CSP forbids.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from askamu.config import Settings
from askamu.examples import Role
from askamu.passage import Limit
from askamu.texts import text
from askamu.ui import render, sources
from askamu.ui.chat import EXAMPLES, Gate, Page
from askamu.ui.colours import shades

if TYPE_CHECKING:
    from askamu.library import Library
    from askamu.llm.model import LanguageModel

HERE = Path(__file__).parent
OPINION = ("title", "kind", "helpful", "wrong_source", "wrong_answer", "missing", "comment", "consent")
OPINION_SENT = ("send", "thanks", "failed")
KEPT_AS = "askamu-samtale"  # the key in the browser's storage
YES, NO = "yes", "no"  # words, because what a browser kept that is false counts as nothing kept
CHOSEN_AS = "askamu-sprogmodel"  # whether a language model may phrase the answers


def build_page(
    library_of: Callable[[], Library],
    settings: Settings,
    language: str | None = None,
    gate: Gate | None = None,
    other_page: str = "/en",
    model: LanguageModel | None = None,
) -> gr.Blocks:
    """The page in one language. `library_of` gives the library of the moment, `other_page` is the other language's."""
    page = Page(library_of, settings, language or settings.lang, gate or Gate(), model)
    say = page.say
    day: dict[str, Any] = {"max_length": 10, "max_lines": 1, "min_width": 90}
    blocks: gr.Blocks
    with gr.Blocks(title=say("title"), analytics_enabled=False, fill_width=True) as blocks:
        past = gr.State((), time_to_live=24 * 3600)
        kept = browser_memory(settings, [], KEPT_AS)
        chosen = browser_memory(settings, YES, CHOSEN_AS)
        with gr.Row(elem_id="top"):
            gr.Markdown(places(page.language, settings.lang), elem_id="places")
            gr.Markdown(f"[{say('other_language')}]({other_page})", elem_id="language")
        with gr.Column(elem_id="heading", min_width=0):
            gr.Markdown(f"# {sources.inert(heading(settings, page.language))}\n\n{say('tagline')}")
            covered = gr.Markdown("", elem_id="covered")
        with gr.Row(elem_id="body"):
            with gr.Column(elem_id="talk", scale=3, min_width=300):
                chat = gr.Chatbot(
                    elem_id="chat", label=say("conversation"), show_label=False, placeholder=say("welcome"),
                    buttons=[], feedback_options=None, latex_delimiters=[], layout="bubble", height=None,
                    allow_file_downloads=False, group_consecutive_messages=False, autoscroll=False,
                    allow_tags=False, line_breaks=True,
                )  # fmt: skip
                with gr.Row(elem_id="ask"):
                    stop = gr.Button(say("stop_llm"), size="sm", visible=False, elem_id="stop", variant="secondary")
                    question = gr.Textbox(
                        elem_id="question", label=say("question"), placeholder=say("question_hint"), lines=1,
                        max_lines=5, max_length=settings.max_question_chars, scale=6, show_label=False,
                        container=False, autofocus=True,
                    )  # fmt: skip
                    send = gr.Button(say("send"), variant="primary", elem_id="send", scale=1, min_width=96)
                with gr.Row(elem_id="read", visible=False) as read:
                    gr.Markdown(say("read"), elem_id="read-title")
                    lifts = [gr.Button("", size="sm", visible=False, elem_id=f"lift-{n}") for n in Limit]
                with gr.Column(elem_id="suggested") as suggested:
                    role = gr.Radio(
                        [(say(f"role_{r}"), r.value) for r in Role], value=Role.CITIZEN.value, label=say("examples"),
                        elem_id="role",
                    )  # fmt: skip
                    with gr.Row(elem_id="examples", visible=False) as found:
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
                use = gr.Checkbox(
                    True, label=say("use_llm"), info=page.about_model(), visible=model is not None, elem_id="use-llm",
                )  # fmt: skip
            with gr.Column(elem_id="sources", scale=2, min_width=300):
                gr.Markdown(f"## {say('sources')}", elem_id="sources-title")
                panel = gr.Markdown(
                    sources.panel([], page.language), elem_id="panel", latex_delimiters=[], sanitize_html=True
                )
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        many: dict[str, Any] = {"concurrency_limit": 16, **quiet}
        limits = [municipality, committee, since, until]
        shown = [chat, panel, past, question, suggested, kept, stop, read, *lifts]
        asked = [
            gr.on(
                [question.submit, send.click],
                page.answer,
                [question, *limits, use, past],
                shown,
                trigger_mode="always_last",
                **many,
            )
        ]
        asked += [example.click(page.answer, [example, *limits, use, past], shown, **many) for example in examples]
        for limit, lift in zip(Limit, lifts, strict=True):
            asked.append(lift.click(page.without(limit), [use, past], shown, **many))
        municipality.input(page.narrowed, municipality, committee, **quiet)
        role.change(page.suggested, role, [found, *examples], **many)
        blocks.load(page.opened, role, [covered, municipality, committee, found, *examples], **many)
        asked.append(blocks.load(page.resumed, [kept, chosen], shown, **many))
        new.click(page.emptied, None, shown, cancels=asked, **many)
        if model is not None:
            stop.click(page.stop, None, None, **many)
            blocks.unload(page.stop)
            use.input(lambda llm: YES if llm else NO, use, chosen, **many)
            blocks.load(lambda kept: kept != NO, chosen, use, **many)
    blocks.queue(max_size=64, default_concurrency_limit=16, api_open=False)
    return blocks


def browser_memory(settings: Settings, at_first: Any, key: str) -> gr.components.Component:
    """Where the browser keeps something, such as what was asked, over a reload; page.js keeps it to the tab.

    On a machine that many use, `conversation = "none"` keeps nothing.
    """
    if settings.conversation == "none":
        return gr.State(at_first)
    return gr.BrowserState(at_first, storage_key=key, secret=key)


def heading(settings: Settings, language: str) -> str:
    """The page's heading, with whose page it is."""
    said = text("page.heading", language)
    return f"{said} – {settings.name}" if settings.name else said


def places(language: str, own: str) -> str:
    """The site's main places, as links; the page's script marks the one we are at."""
    query = "" if language == own else f"?lang={language}"
    return "\n".join(f"- [{text(key, language)}]({path}{query})" for path, key in render.PLACES)


def build_theme(settings: Settings) -> gr.themes.Base:
    """A calm theme with the system's own fonts; contrast of all text at least 4.5:1, light and dark."""
    steps = shades(settings.accent, settings.lang).steps
    accent = gr.themes.Color(**{f"c{step}": colour for step, colour in steps.items()}, name="accent")
    font = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    theme = gr.themes.Base(
        primary_hue=accent, secondary_hue=accent, neutral_hue=gr.themes.colors.slate,
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
        color_accent_soft_dark="*primary_900",
    )


def build_css(settings: Settings) -> str:
    """The page's style, in the operator's colour."""
    return (HERE / "page.css").read_text(encoding="utf-8") + shades(settings.accent, settings.lang).css()


def build_head(settings: Settings, language: str) -> str:
    """What goes into the page's <head>: its script, and the few sentences the script says."""
    names = ("conversation", "sources", "copied", "copy_by_hand", "close", "writing", "written")
    said: dict[str, Any] = {name: text(f"page.{name}", language) for name in names}
    said |= {"language": language, "busy": text("error.busy", language)}
    said["opinion"] = {name: text(f"opinion.{name}", language) for name in OPINION + OPINION_SENT}
    said |= {"conversation_in": settings.conversation, "kept_as": [KEPT_AS, CHOSEN_AS]}
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
