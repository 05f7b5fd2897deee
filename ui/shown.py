"""An Answer as the chat shows it: Markdown that no words from minutes or questions can change, and its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from askamu import show
from askamu.feedback import answer_mark
from askamu.filters import read_from_question
from askamu.links import answer_path
from askamu.passage import Answer, Filters, Limit, Tier
from askamu.texts import text
from askamu.ui import sources

if TYPE_CHECKING:
    from askamu.library import Library

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
    by_model, warnings = said_of_model(answer, language)
    if answer.tier is Tier.POSSIBLE:
        parts.insert(0, f"**{text('page.possible', language)}**")
    if answer.completed_question.strip() != answer.question.strip():
        parts.insert(0, f"*{sources.inert(text('page.completed', language, question=answer.completed_question))}*")
    if by_model:
        parts.insert(0, note(by_model))  # where it stood while the model wrote
    if answer.related:
        places = " · ".join(
            f"[{sources.inert(show.related_line(r, language))}](/kilde/{r.document}/{quote(r.item)})"
            for r in answer.related
        )
        parts.append(f"{text('answer.also', language)} {places}")
    parts += [f"*{sources.inert(warning)}*" for warning in warnings]
    if limits := filter_words(answer.filters, language):
        parts.append(f"*{sources.inert(text('page.limited', language, filters=limits))}*")
    return "\n\n".join(parts)


def said_of_model(answer: Answer, language: str) -> tuple[str, tuple[str, ...]]:
    """What a reader is to know of a language model's part before reading, and the warnings that are left for below."""
    if answer.verification is None:
        return "", answer.warnings
    about = {  # as the answer says it, in its own language
        text(f"llm.{became}_{'one' if count == 1 else 'many'}", answer.language, count=count)
        for became in ("quoted", "dropped")
        if (count := sum(s.became == became for s in answer.verification.sentences))
    }
    if reason := answer.verification.fallback:
        about = {text("llm.fell_back", answer.language, why=text(f"llm.why.{reason}", answer.language))}
    first = [text("llm.written_by", language, model=answer.llm)] if answer.llm else []
    said = [*first, *(w for w in answer.warnings if w in about)]
    return " ".join(said), tuple(w for w in answer.warnings if w not in about)


def note(words: str) -> str:
    """Words about an answer, above it."""
    return f"> {sources.inert(words)}"


def growing(markdown: str, said: str) -> str:
    """What a language model has written so far, disarmed; its marks lead nowhere until the sources are there.

    They stand as code, which answers have none of, so that they can look as they will.
    """
    shown = re.sub(r"\[(\d{1,3})\]", r"`[\1]`", disarmed(markdown))
    return f"{note(said)}\n\n{shown}"


def actions(library: Library, answer: Answer, given: Filters, turn: int, language: str) -> str:
    """What can be done with an answer, as links that the page's script takes for buttons."""
    other = language if language != library.settings.lang else None
    names = {
        "copy": f"#kopier-{turn}",
        "share": answer_path(answer.completed_question, given, library.generation, other),
        "opinion": f"#mening-{turn}-{answer_mark(answer, library)['answer_id']}" + ("-llm" if answer.llm else ""),
    }
    if answer.llm:  # that link leads to the answer without it
        names = {("share_own_words" if name == "share" else name): address for name, address in names.items()}
    return " · ".join(f"[{text(f'page.{name}', language)}]({address})" for name, address in names.items())


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
        last = answer.citations[-1].n
        cards.append(sources.citation_card(minutes, citation, turn, last, language, opened=place == 0))
    return "".join(cards) or f'<p class="note">{sources.inert(text("page.sources_none", language))}</p>'


def steps(markdown: str) -> Iterator[str]:
    """An answer growing paragraph by paragraph; a table or list comes line by line, never half a mark."""
    lines = markdown.split("\n")
    for end in range(1, len(lines) + 1):
        if lines[end - 1].strip() or end == len(lines):
            yield "\n".join(lines[:end])
