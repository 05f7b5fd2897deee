"""Minutes as HTML: an item as printed, with the quoted words marked. For the source panel and the permalink page.

Everything from minutes passes `escape` here. The panel's HTML goes through a Markdown renderer, so it has
no line breaks and no characters that Markdown reads (`inert`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from askamu.cite import is_margin
from askamu.minutes import AgendaItem, Minutes, Section, SectionKind, Span
from askamu.passage import HEADER_ITEM, Citation
from askamu.reference import reference
from askamu.texts import text

LONGEST_ITEM = 15_000  # characters of one item shown in the panel; the permalink page shows all


def referenced(words: str) -> str:
    """Text that means itself in HTML and inside a line of Markdown: every ASCII sign as a character reference."""
    return re.sub(r"[!-/:-@\[-`{-~]", lambda m: f"&#{ord(m[0])};", words)


def inert(words: str) -> str:
    """Text that means itself anywhere in Markdown: referenced, and no line begins with a space."""
    return referenced(re.sub(r"[ \t]*\r?\n[ \t]*", "\n", words.strip()))


def one_line(markup: str) -> str:
    """HTML without line breaks, so that Markdown takes it as one block."""
    return markup.replace("\r", "").replace("\n", "&#10;")


def meeting_line(
    municipality: str | None, committee: str | None, date_text: str, item: str, section: str, language: str
) -> str:
    """Where a source stands, in words: municipality, committee, date, item, section. Not escaped."""
    number = text("page.item", language, number=item) if item else ""
    if item == HEADER_ITEM:
        number = text("page.before_items", language)
    return " · ".join(x for x in (municipality, committee, date_text, number, section) if x)


def date_words(day: date) -> str:
    """A date as people write it."""
    return day.strftime("%d.%m.%Y")


def item_at(minutes: Minutes, number: str, start: int | None) -> AgendaItem | None:
    """The item with this number; where several have it, or it has none printed, the one around `start`."""
    around = [i for i in minutes.items if start is not None and i.start <= start < i.end]
    exact = [i for i in around if i.number == number]
    unnumbered = [i for i in around if i.number is None]
    return next(iter(exact), None) or next(iter(unnumbered), None) or minutes.item(number)


def item_sections(minutes: Minutes, item: AgendaItem | None) -> Iterator[Section]:
    """The sections of an item and the text between them; for None, what stands before the first item."""
    if item is None:
        yield minutes.header
        return
    at = item.start
    for section in item.sections:
        if minutes.text[at : section.start].strip():
            yield Section(SectionKind.CASE, "", at, at, section.start)
        yield section
        at = max(at, section.end)
    if minutes.text[at : item.end].strip():
        yield Section(SectionKind.CASE, "", at, at, item.end)


def section_name(section: Section, language: str) -> str:
    """A section's heading as printed, else what it is."""
    if section.heading.strip():
        return section.heading.strip()
    return text("page.heading_section" if section.kind is SectionKind.HEADER else "page.unlabelled", language)


def printed(
    words: str,
    start: int,
    end: int,
    quote: Span | None,
    mark: str = "<mark>",
    escape: Callable[[str], str] = html.escape,
) -> str:
    """`words[start:end]` as HTML: lines as printed, except those a margin broke; the quote in `mark`."""
    while start < end and words[start].isspace():
        start += 1
    while end > start and words[end - 1].isspace():
        end -= 1
    cuts = [start, end]
    if quote is not None and quote.start < end and quote.end > start:
        cuts[1:1] = [max(start, quote.start), min(end, quote.end)]
    parts = [escaped_lines(words, a, b, escape) for a, b in pairwise(cuts)]
    if len(parts) == 3:
        parts[1] = f"{mark}{parts[1]}</mark>"
    return "".join(parts)


def escaped_lines(words: str, start: int, end: int, escape: Callable[[str], str]) -> str:
    """Escaped text with a `<br>` at each line end that its writer meant."""
    out: list[str] = []
    at = start
    for newline in re.finditer("\n", words[start:end]):
        here = start + newline.start()
        out.append(escape(words[at:here]))
        out.append("\n" if is_margin(words, here) else "<br>\n")
        at = here + 1
    out.append(escape(words[at:end]))
    return re.sub(r"(?:<br>\n\s*){3,}", "<br>\n<br>\n", "".join(out))


def section_words(
    minutes: Minutes, section: Section, quote: Span | None, mark: str, escape: Callable[[str], str] = html.escape
) -> str:
    """What a section says below its heading; with the heading when it says no more, or the quote is in it."""
    in_heading = quote is not None and quote.start < section.body and section.start < quote.end
    start = section.start if in_heading else section.body
    return printed(minutes.text, start, section.end, quote, mark, escape) or printed(
        minutes.text, section.start, section.end, quote, mark, escape
    )


def citation_card(
    minutes: Minutes | None, citation: Citation, turn: int, last: int, language: str, *, opened: bool
) -> str:
    """One numbered source for the panel: where it stands, and the words in their item.

    Args:
        turn: the answer that it belongs to, in the addresses of its sources: `kilde-<turn>-<n>`.
        last: the number of that answer's last source.
    """
    section = citation.heading.strip() if citation.section is not SectionKind.HEADER else ""
    page = text("page.page", language, page=citation.page) if citation.page else ""
    where = meeting_line(
        citation.municipality, citation.committee, citation.date_text, citation.item, section, language
    )
    where = " · ".join(x for x in (where, page) if x)
    told = where
    if minutes is None:
        gone = inert(text("page.source_gone", language))
        body = f'<p class="note">{gone}</p><p><mark>{inert(citation.quote)}</mark></p>'
    else:
        body = item_in_panel(minutes, citation, language)
        told = reference(minutes, Span(citation.start, citation.end), language)
    summary = (
        f'<summary><span class="n">{citation.n}</span><span class="what"><b>{inert(citation.title or where)}</b>'
        f'<span class="where">{inert(where)}</span></span></summary>'
    )
    for_copying = f'<span class="citat">{inert(citation.quote)}</span><span class="ref">{inert(told)}</span>'
    foot = f'<p class="foot">{" ".join(links_of(citation, turn, last, language))}</p>'
    state = " open" if opened else ""
    item = f'<div class="item">{body}{for_copying}{foot}</div>'
    return one_line(f'<details class="kilde" id="kilde-{turn}-{citation.n}"{state}>{summary}{item}</details>')


def links_of(citation: Citation, turn: int, last: int, language: str) -> list[str]:
    """What can be done with a source; the page's script takes what begins with # for buttons."""
    page = f"{html.escape(citation.permalink)}&amp;lang={language}#citat"
    places = [
        ("own-page", page, "permalink"),
        ("act", "#kopier-citat", "copy_quote"),
        ("act", f"#notat/{citation.document}/{citation.start}/{citation.end}", "to_memo"),
    ]
    if citation.n > 1:
        places.append(("step", f"#kilde-{turn}-{citation.n - 1}", "previous_source"))
    if citation.n < last:
        places.append(("step", f"#kilde-{turn}-{citation.n + 1}", "next_source"))
    places.append(("back", "#svar", "back"))
    return [f'<a class="{c}" href="{to}">{inert(text(f"page.{key}", language))}</a>' for c, to, key in places]


def item_in_panel(minutes: Minutes, citation: Citation, language: str) -> str:
    """The item as printed: the quoted section open, the others folded."""
    item = None if citation.item == HEADER_ITEM else item_at(minutes, citation.item, citation.start)
    if item is None and citation.item != HEADER_ITEM:
        return f'<p class="note">{inert(text("page.source_gone", language))}</p>'
    quote = Span(citation.start, citation.end)
    closed = item is not None and item.closed
    out: list[str] = []
    shown = 0
    for section in item_sections(minutes, item):
        holds = section.start < quote.end and quote.start < section.end
        if not holds and (shown > LONGEST_ITEM or section.end - section.start > LONGEST_ITEM):
            continue
        if closed and section.kind is not SectionKind.HEADER:
            continue
        shown += section.end - section.start
        words = section_words(minutes, section, quote, "<mark>", referenced)
        name = inert(section_name(section, language))
        if section.kind is SectionKind.HEADER and not holds and item is not None:
            continue  # the card's own title says it
        out.append(
            f'<div class="section"><h4>{name}</h4><p>{words}</p></div>'
            if holds
            else f'<details class="section"><summary>{name}</summary><p>{words}</p></details>'
        )
    if closed:
        out.append(f'<p class="note">{inert(text("page.closed_item", language))}</p>')
    elif shown > LONGEST_ITEM:
        out.append(f'<p class="note">{inert(text("page.long_item", language))}</p>')
    return "".join(out)


def panel(fragments: Sequence[tuple[str, str]], language: str) -> str:
    """The source panel: the newest answer's sources first, earlier ones folded. `fragments`: (question, cards)."""
    if not fragments:
        return f'<p class="note">{inert(text("page.sources_empty", language))}</p>'
    *earlier, (_, newest) = fragments
    out = [f'<div class="kilder">{newest}</div>']
    past = [(question, cards) for question, cards in reversed(earlier) if cards.startswith("<details")]
    if past:
        groups = "".join(
            f'<p class="of">{inert(text("page.sources_of", language, question=question))}</p>{cards}'
            for question, cards in past
        )
        summary = inert(text("page.earlier", language, n=len(past)))
        out.append(f'<details class="tidligere"><summary>{summary}</summary>{groups}</details>')
    return one_line("".join(out))
