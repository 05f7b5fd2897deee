"""Figures, facts and persons: the sentences or table rows that answer, quoted as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from askamu.compose.decision import diverges, in_verdict, undated, verdict
from askamu.compose.draft import Context, Draft, escape, quote
from askamu.compose.onward import own_ways
from askamu.danish import stem, stop_words, words
from askamu.minutes import AgendaItem, Minutes, SectionKind, Span
from askamu.passage import Tier
from askamu.retrieve import ItemHit
from askamu.select import Scored, best_snippets, holds, holds_name, names_in
from askamu.snippets import Snippet, section_snippets
from askamu.vocabulary import table

MAX_SNIPPETS = 4
MAX_LEANING = 600  # characters of a sentence together with the one that it leans on
MAX_QUOTE = 400  # characters of a sentence and what follows it; longer sentences are quoted alone
KEEP = 0.62  # share of the best snippet's score that the others must reach
NEW_WORDS = 0.04  # share of the question's weight that a further snippet must add to be kept below KEEP
LABELS = {  # the text (answer.…) that says what a quote is from, where that is no plain account
    SectionKind.RECOMMENDATION: "from_recommendation",
    SectionKind.HISTORY: "other_body",
    SectionKind.THEME: "from_theme",
    SectionKind.ATTACHMENT_TEXT: "from_attachment",
}
AS_GOOD = 0.9  # share of the best item's value that a newer item on the same matter must reach
SAME_TITLE = 0.5  # share of the words of the heading that it must have too
NEWER = 6  # items among which a newer one on the same matter is looked for
RIVALS = 3  # items whose best snippets are compared
TELLING = 1.5  # rarity of a word by which an addition to a decision is on the matter
ITEM_WEIGHT = 2.0  # of an item's retrieval score against its best snippet's


def compose(context: Context, hits: Iterable[ItemHit] | None = None, limit: int = MAX_SNIPPETS) -> Draft | None:
    """The best item's best sentences; None where nothing was found."""
    near = [h for h in (hits if hits is not None else context.ranking.items) if h.item_index >= 0][:NEWER]
    rivals = [(hit, found) for hit in near[:RIVALS] if (found := _best(context, hit))]
    if not rivals:
        return None
    hit, found = _newest(context, rivals, near[RIVALS:])
    chosen = choose(context, found, limit)
    minutes, item = context.minutes(hit), context.item(hit)
    text = f"{said(context, chosen)}\n\n– {context.place(minutes, item)}"
    if minutes.held_on is None:
        text += f"\n\n*{escape(undated(context, minutes))}*"
    return Draft(text, Tier.ANSWER, (hit.place,))


def _newest(
    context: Context, rivals: list[tuple[ItemHit, list[Scored]]], further: list[ItemHit]
) -> tuple[ItemHit, list[Scored]]:
    """The best item with its snippets, or the newest of those on the same recurring matter that answer as well.

    A question that names no time is about how things stand: of »Aktuel arbejdsmarkedssituation« in three
    meetings the last one counts.
    """

    def value(rival: tuple[ItemHit, list[Scored]]) -> float:
        return ITEM_WEIGHT * rival[0].score + rival[1][0].score

    best = max(rivals, key=value)
    question = context.question
    if question.years or question.filters.date_from or question.filters.date_to or question.hints or question.item:
        return best
    title = _title_stems(context, best[0])

    def alike(hit: ItemHit) -> bool:
        same_place = context.minutes(hit).municipality == context.minutes(best[0]).municipality
        return same_place and len(title & _title_stems(context, hit)) >= SAME_TITLE * len(title)

    rivals = [r for r in rivals if alike(r[0])]
    rivals += [(hit, found) for hit in further if alike(hit) and (found := _best(context, hit))]
    as_good = [r for r in rivals if value(r) >= AS_GOOD * value(best)]
    return max(as_good, key=lambda r: (context.library.held(r[0].document), value(r)), default=best)


def _title_stems(context: Context, hit: ItemHit) -> frozenset[str]:
    item = context.item(hit)
    return (
        frozenset(stem(w) for w in words(item.title) if w not in stop_words() and w.isalpha()) if item else frozenset()
    )


def _best(context: Context, hit: ItemHit) -> list[Scored]:
    if SectionKind.ATTACHMENTS in context.question.sections:
        listed = best_snippets(context.library, context.question, context.matcher, hit, {SectionKind.ATTACHMENTS})
        if listed:
            return listed
    return best_snippets(context.library, context.question, context.matcher, hit)


def choose(context: Context, found: list[Scored], limit: int = MAX_SNIPPETS) -> list[Scored]:
    """The best snippet, and those after it that are nearly as good or add words of the question; in reading order."""
    chosen = [found[0]]
    best = found[0].snippet
    names = [n for n in names_in(context.question, best.minutes, best.item) if holds_name(best, [n])]
    covered = set(found[0].covered)
    for scored in found[1:12]:
        if len(chosen) >= limit:
            break
        gain = sum(context.matcher.weights[t] for t in scored.covered - covered) / context.matcher.total
        if scored.snippet.is_row and not _label_matches(context, scored.snippet):
            continue  # another row of the table answers another question
        if scored.snippet.is_row and names and not holds_name(scored.snippet, names):
            continue  # it is of somebody else
        if covered and not scored.covered:
            continue  # it holds a figure, it may be, and nothing of the question
        if scored.score >= KEEP * found[0].score or (gain > NEW_WORDS and scored.score >= 0.4 * found[0].score):
            chosen.append(scored)
            covered |= scored.covered
    return _in_context(sorted(chosen, key=lambda s: s.snippet.spans[-1].start))


def _in_context(chosen: list[Scored]) -> list[Scored]:
    """Each sentence with the one that it leans on, and with what follows it in its paragraph.

    »De tre førstnævnte …« says nothing alone, and the reason often stands after what is asked for. As far as a quote
    may go.
    """
    longer: list[Scored] = []
    for scored in chosen:
        snippet = scored.snippet
        if snippet.is_row:
            longer.append(scored)
            continue
        last = longer[-1].snippet if longer else None
        said = last.spans[0].end if last and not last.is_row and last.section is snippet.section else -1
        span, text = _with_antecedent(snippet, said), snippet.minutes.text
        if span.end <= said:
            continue  # the one before has read on over it
        end = span.end
        for other in section_snippets(snippet.minutes, snippet.item, snippet.section):
            following = other.spans[0]
            if other.is_row or following.start < end:
                continue
            gap = text[end : following.start]
            if gap.strip() or "\n\n" in gap or following.end - span.start > MAX_QUOTE:
                break
            end = following.end
        longer.append(replace(scored, snippet=replace(snippet, spans=(Span(span.start, end),))))
    return longer


def _with_antecedent(snippet: Snippet, said: int) -> Span:
    """A sentence that leans on the one before it together with that one, unless that is quoted already.

    Args:
        said: where the quote before it ends.
    """
    span, text = snippet.spans[0], snippet.minutes.text
    if not _leans().match(span.of(text)):
        return span
    before = None
    for other in section_snippets(snippet.minutes, snippet.item, snippet.section):
        if other.spans[0].start >= span.start:
            break
        before = None if other.is_row else other.spans[0]
    if before is None or before.start < said or text[before.end : span.start].strip():
        return span
    return Span(before.start, span.end) if span.end - before.start <= MAX_LEANING else span


@cache
def _leans() -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{'|'.join(table('answer_types')['leaning']['starts'])})\b")


def _label_matches(context: Context, snippet: Snippet) -> bool:
    """Whether a row's own first cell holds a word of the question."""
    row = snippet.spans[-1].of(snippet.minutes.text)
    return any(not t[0].isdigit() for t in context.matcher.credits(row))


def said(context: Context, chosen: list[Scored], *, decided: bool = False) -> str:
    """The snippets, and first what became of the item where they alone would mislead, or where that is asked for.

    A recommendation is no decision, and what a case proposes may have been turned down, changed or put off.
    """
    first = chosen[0].snippet
    item = first.item
    asked_for = any(s.snippet.section.kind is SectionKind.RECOMMENDATION for s in chosen)
    if (
        item is None
        or not (
            decided
            or asked_for
            or diverges(item)
            or own_ways(first.minutes, item)
            or _adds_to_it(context, first.minutes, item)
        )
        or all(s.snippet.section.kind is SectionKind.DECISION for s in chosen)
    ):
        return lines(context, chosen)
    further = [s for s in chosen if not in_verdict(first.minutes, item, s.snippet.spans[0])]
    return f"{verdict(context, first.minutes, item)}\n\n{lines(context, further)}"


def _adds_to_it(context: Context, minutes: Minutes, item: AgendaItem) -> bool:
    """Whether the committee put something beside its decision that is on what is asked for too."""
    added = [span.of(minutes.text) for span in item.decision.additions] if item.decision else []
    if "person" in context.question.wants and any(holds("person", said) for said in added):
        return True
    telling = {t for t in context.matcher.asked if context.matcher.weights.get(t, 0.0) >= TELLING}
    return any(context.matcher.credits(said).keys() & telling for said in added)


def lines(context: Context, chosen: list[Scored]) -> str:
    """Each snippet quoted with its mark; neighbours that touch are quoted as one."""
    said = []
    for snippet in joined([s.snippet for s in chosen]):
        marks = [context.citations.mark(snippet.minutes, snippet.item, snippet.section, span) for span in snippet.spans]
        if snippet.is_row:
            head, row = snippet.spans[0], snippet.spans[1:]
            under = context.say("columns", headings=escape_join(snippet.minutes.text, head))
            said.append(
                " ".join(f"{quote(r.of(snippet.minutes.text))} {m}" for r, m in zip(row, marks[1:], strict=True))
                + f" {under} {marks[0]}"
            )
        else:
            label = LABELS.get(snippet.section.kind)
            told = f"{context.say(label)} " if label else ""
            said.append(f"{told}{quote(snippet.spans[0].of(snippet.minutes.text))} {marks[0]}")
    return "\n\n".join(said)


def escape_join(text: str, span: Span) -> str:
    """Heading lines of a table as one line, their parts separated by middle dots."""
    parts = [" ".join(p.split()) for p in span.of(text).replace("\t", "\n\n").split("\n\n")]
    return escape(" · ".join(p for p in parts if p))


def joined(snippets: list[Snippet]) -> list[Snippet]:
    """Snippets in reading order, sentences of one section that follow each other made one, rows of one table too."""
    result: list[Snippet] = []
    for snippet in snippets:
        last = result[-1] if result else None
        if (
            last
            and last.section is snippet.section
            and last.is_row
            and snippet.is_row
            and last.spans[0] == snippet.spans[0]
        ):
            result[-1] = Snippet(last.minutes, last.item, last.section, (*last.spans, *snippet.spans[1:]), last.context)
            continue
        if last and last.section is snippet.section and not last.is_row and not snippet.is_row:
            between = snippet.minutes.text[last.spans[-1].end : snippet.spans[0].start]
            if not between.strip() and "\n\n" not in between:
                whole = Span(last.spans[0].start, snippet.spans[-1].end)
                result[-1] = Snippet(last.minutes, last.item, last.section, (whole,), last.context)
                continue
        result.append(snippet)
    return result
