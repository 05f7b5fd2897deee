"""A question -> an Answer: answered with citations, closed, or *not stated*.

This is the whole way of a question: understand, retrieve, compose, and say how sure it is. A search that
breaks raises; it never looks like an answer or like *not stated*.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from askamu.cite import Citations, short_date
from askamu.compose import Context, Draft, decision, fact, listing, several, who
from askamu.compose.draft import escape
from askamu.danish import stem, words
from askamu.dates import months
from askamu.doubt import covered, doubt, is_attached, not_stated, only_attached, searched, subject_missing
from askamu.embed import Keywords
from askamu.errors import QuestionEmpty, QuestionTooLong
from askamu.library import Library
from askamu.limits import Limits
from askamu.load import clean
from askamu.minutes import SectionKind
from askamu.passage import Answer, Filters, Limit, QuestionKind, Related, Retrieved, Tier, Turn
from askamu.privacy import hide_cpr
from askamu.question import OF_MEETING, understand
from askamu.record import ItemRow
from askamu.retrieve import EMPTY, ItemHit, Ranking, retrieve
from askamu.select import PARTIAL, Matcher
from askamu.threads import rank

MAX_RELATED = 4
RETRIEVED = 40
LONGEST_TITLE = 300  # characters of one that are read
MAX_RELATED_SEARCHED = 15
TELLING = 1.0  # rarity a word must have for other items that hold it to be worth naming
AS_GOOD = 0.6  # share of the best item's score that a newer item on the same subject must reach
SURE_COVERED_ENGLISH = 0.25
SURE_COVERED = 0.40  # below this an answer is only a possible match


def ask(
    library: Library,
    question: str,
    history: Sequence[Turn] = (),
    filters: Filters = Filters(),
    language: str | None = None,
    limits: Limits | None = None,
) -> Answer:
    """Answer a question from the indexed minutes, without a language model.

    Args:
        library: an open index.
        question: the person's words.
        history: earlier turns of the conversation, oldest first.
        filters: set in the interface; they win over what the question says.
        language: of the answer's frame; None for the question's own.
        limits: how much must speak for an answer; None for the library's.

    Raises:
        QuestionEmpty, QuestionTooLong: the question can't be read.
        UnknownFilter: a filter names what is not indexed.
        IndexUnreadable, EmbedderUnavailable, OtherEmbedder: the search could not be done.
    """
    return work(library, question, history, filters, language, limits).answer


@dataclass(frozen=True, slots=True)
class Work:
    """An answer, and what was understood and found on the way to it."""

    answer: Answer
    context: Context


def work(
    library: Library,
    question: str,
    history: Sequence[Turn] = (),
    filters: Filters = Filters(),
    language: str | None = None,
    limits: Limits | None = None,
) -> Work:
    """What `ask` answers, with what it rests on. Takes and raises what `ask` does."""
    started = time.perf_counter()
    context = read(library, question, history, filters, language, limits)
    found_at = time.perf_counter()
    if context.ranking.items and context.ranking.words_alone:
        context.warnings.append(context.say("keyword_only"))
    draft, ranking = _draft(context)
    if draft.tier is not Tier.ANSWER and not context.question.period_sure:  # it may have been the subject's time
        anywhen = replace(filters, lifted=filters.lifted | {Limit.PERIOD})
        again = work(library, question, history, anywhen, language, limits)
        if again.answer.tier is Tier.ANSWER:
            return again
    ranking = _first(context, ranking, draft)
    done = time.perf_counter()
    understood = context.question
    answer = Answer(
        question=understood.asked,
        completed_question=understood.completed,
        language=understood.language,
        kind=understood.kind,
        tier=draft.tier,
        text=draft.text,
        filters=replace(understood.filters, case_number=understood.case_number or filters.case_number),
        coverage=library.coverage(context.meetings),
        citations=context.citations.all(),
        related=_related(context, ranking, draft),
        retrieved=_retrieved(library, ranking),
        warnings=tuple(context.warnings),
        embedder=Keywords.model_id if context.ranking.words_alone else library.searched_by,
        reranker=context.ranking.reranker,
        timings_ms={
            "retrieve": round(1000 * (found_at - started), 1),
            "answer": round(1000 * (done - found_at), 1),
            "total": round(1000 * (done - started), 1),
        },
    )
    return Work(answer, context)


def read(
    library: Library,
    question: str,
    history: Sequence[Turn] = (),
    filters: Filters = Filters(),
    language: str | None = None,
    limits: Limits | None = None,
) -> Context:
    """What a question asks for, and what was found for it. Takes and raises what `ask` does."""
    question = hide_cpr(clean(question).strip())[0]
    history = [Turn(turn.role, hide_cpr(clean(turn.content))[0]) for turn in history]
    if not question:
        raise QuestionEmpty
    most = library.settings.max_question_chars
    if len(question) > most:
        raise QuestionTooLong(len(question), most)
    library.check(filters)
    understood = understand(question, library.known, history, filters, language)
    of_meeting = understood.whole_meeting or understood.wants & OF_MEETING
    if understood.meeting_missing and not of_meeting and _meeting_is_subject(library, understood.filters):
        filters = replace(filters, lifted=filters.lifted | {Limit.PERIOD})
        understood = understand(question, library.known, history, filters, language)
    meetings = library.allowed(understood.filters)
    ranking = EMPTY
    if understood.refused is None and not understood.meeting_missing:
        ranking = retrieve(library, understood, meetings)
    return Context(
        library, understood, meetings, ranking, Matcher(library, understood), Citations(library, understood.language),
        limits or library.limits,
    )  # fmt: skip


def _meeting_is_subject(library: Library, filters: Filters) -> bool:
    """Whether an item's heading is about a meeting at the time that is asked for: »Ny dato for mødet i januar 2024«."""
    first, last = filters.date_from, filters.date_to
    if first is None or last is None:
        return False
    names = [name for name, month in months().items() if first.month == month and last.month == month]
    when = rf"\b(?:{'|'.join(names)})\b.*\b{first.year}\b" if names else rf"\b{first.year}\b"
    about = re.compile(rf"(?=.*møde)(?=.*{when})", re.IGNORECASE)
    allowed = library.allowed(replace(filters, date_from=None, date_to=None))
    return any(about.match(row.title[:LONGEST_TITLE]) for m in allowed for row in library.items.get(m.id, ()))


def _draft(context: Context) -> tuple[Draft, Ranking]:
    """The answer, and the ranking it rests on."""
    question, ranking = context.question, context.ranking
    if question.refused:
        return _refusal(context), ranking
    if question.foreign_municipality:
        said = context.say(
            "foreign_municipality",
            name=escape(question.foreign_municipality),
            indexed=", ".join(context.library.municipalities),
        )
        return Draft(said + "\n\n" + searched(context), Tier.NOT_STATED), ranking
    if question.meeting_missing or not context.meetings:
        return Draft(context.say("no_such_meeting") + "\n\n" + searched(context), Tier.NOT_STATED), ranking
    if question.case_number:
        places = [
            p
            for p in context.library.record.find_case(context.library.generation, question.case_number)
            if _inside(context, p[0])
        ]
        draft = listing.case(context, places)
        if draft is None:
            return Draft(
                context.say("no_such_case", number=question.case_number) + "\n\n" + searched(context), Tier.NOT_STATED
            ), ranking
        return draft, ranking
    closed = _closed(context)
    if closed is not None:
        return closed, ranking
    attendance = who.compose(context)
    if attendance is not None:
        return attendance, ranking
    if question.whole_meeting:
        decided = listing.decisions(context)
        if decided is not None:
            return decided, ranking
    if question.item is not None and len(context.meetings) == 1:
        ranking = _only_item(context, question.item)
        context.ranking = ranking
    if question.kind is QuestionKind.LISTING and listing.of_property(question.completed):
        draft = _listing(context)
        if draft is not None:
            return draft, ranking
    if not ranking.items:
        return not_stated(context), ranking
    doubted = doubt(context)
    if doubted is not None:
        return doubted, ranking
    draft = None
    if question.kind is QuestionKind.COMPARISON:
        both = several.comparison(context)
        if both is not None:
            return both
    if question.kind is QuestionKind.LISTING:
        draft = _listing(context)
        if draft is not None:
            return draft, ranking
    if question.kind is QuestionKind.TIMELINE:
        draft = several.timeline(context)
        if draft is not None:
            return draft, ranking
    if "case_number" in question.wants:
        draft = _case_number(context)
        if draft is not None:
            return draft, ranking
    if "recommended" in question.wants:
        draft = decision.recommended(context, _newest(context))
        if draft is not None:
            return _sure_enough(context, draft), ranking
    if question.kind is QuestionKind.DECISION and question.filters.date_from and not question.filters.date_to:
        draft = listing.decisions_since(context)
        if draft is not None:
            return draft, ranking
    attached = only_attached(context, ranking.items[0])
    if question.kind is QuestionKind.DECISION and question.other_day is None and not attached:
        draft = decision.compose(context, _newest(context))
    if draft is None and question.kind is QuestionKind.WHO and "vote" in question.wants:
        draft = who.votes(context)
    if draft is None:
        draft = fact.compose(context)
    if draft is None:
        return not_stated(context), ranking
    beside = question.kind is QuestionKind.LISTING and listing.of_property(question.completed)  # no list: the nearest
    return _sure_enough(context, draft, doubted=bool(beside or attached)), ranking


def _sure_enough(context: Context, draft: Draft, *, doubted: bool = False) -> Draft:
    """The draft, as no more than possible where too little of the question is in what it is from."""
    sure = SURE_COVERED if context.question.language == "da" else SURE_COVERED_ENGLISH
    if draft.tier is Tier.ANSWER and (
        doubted or subject_missing(context, draft) or covered(context, context.ranking.items[0]) < sure
    ):
        return replace(draft, tier=Tier.POSSIBLE)
    return draft


def _case_number(context: Context) -> Draft | None:
    """The case number of the best item, where it has one."""
    hit = context.ranking.items[0]
    minutes, item = context.minutes(hit), context.item(hit)
    if item is None or not item.case_number:
        return None
    said = context.say("case_number_is", number=item.case_number, place=context.place(minutes, item))
    return Draft(f"{said} {context.mark_title(minutes, item)}", Tier.ANSWER, (hit.place,))


def _refusal(context: Context) -> Draft:
    """Small talk gets a greeting, everything else out of scope a polite sentence; both say what askamu can do."""
    return Draft(context.say(str(context.question.refused)), Tier.NOT_STATED)


def _inside(context: Context, document: str) -> bool:
    return any(m.id == document for m in context.meetings)


def _closed(context: Context) -> Draft | None:
    """The answer on a closed item: by its number in a meeting that is named, or by its public heading."""
    question = context.question
    for meeting in context.meetings:
        for row in context.library.items.get(meeting.id, ()):
            if not row.closed:
                continue
            by_number = question.item == row.number and len(context.meetings) == 1
            if by_number or _asked_by_title(context, row):
                minutes = context.library.minutes(meeting.id)
                item = minutes.items[row.index]
                mark = context.mark_title(minutes, item)
                number = f" {context.say('closed_case', number=item.case_number)}" if item.case_number else ""
                heading = (
                    context.say("closed_heading", title=escape(item.title))
                    if item.title
                    else context.say("closed_untitled")
                )
                said = context.say(
                    "closed",
                    place=context.place(minutes, None).removesuffix(f", {context.say('header')}"),
                    number=item.number or "?",
                )
                return Draft(
                    f"{said} {heading}{number} {mark}\n\n{context.say('closed_why')}",
                    Tier.CLOSED,
                    ((minutes.id, row.index),),
                )
    return None


def _asked_by_title(context: Context, row: ItemRow) -> bool:
    """Whether a question asks for a closed item by the words of its public heading.

    Either it says that it means an item, or no open item of the meeting has those words in its heading.
    """
    if not row.title or context.question.kind is QuestionKind.LISTING:
        return False
    telling = {stem(w) for w in words(row.title) if len(w) > 3}
    if not telling or not telling <= context.matcher.asked.keys():
        return False
    asked = context.question.completed.casefold()
    names_item = len(context.meetings) == 1 and any(w in asked for w in ("punkt", "item", "lukke", "closed"))
    others = context.library.items[row.document]
    open_twin = any(not i.closed and telling & {stem(w) for w in words(i.title)} for i in others)
    asked_weights = {t: w for t, w in context.matcher.weights.items() if t in context.matcher.asked}
    rarest = {t for t, w in asked_weights.items() if w == max(asked_weights.values())}
    return not open_twin and (names_item or bool(rarest & telling))


def _newest(context: Context) -> ItemHit:
    """The best item, or a newer one that is as much about the question's subject.

    A question that names no time is about how things stand. As much about it: the subject's words stand in
    its heading too, and it scores nearly as well.
    """
    best = context.ranking.items[0]
    question = context.question
    if question.years or question.filters.date_from or question.filters.date_to or question.hints or question.item:
        return best
    subject = _subject_in_heading(context, best)
    if not subject:
        return best
    rivals = [
        hit
        for hit in context.ranking.items[:10]
        if hit.score >= AS_GOOD * best.score
        and _subject_in_heading(context, hit) >= subject
        and (item := context.item(hit)) is not None
        and item.decision is not None
    ]

    def lastly(hit: ItemHit) -> tuple[date, int]:  # on one day the council has the last word
        return context.library.held(hit.document), rank(context.minutes(hit).committee or "")

    return max(rivals, key=lastly, default=best)


def _subject_in_heading(context: Context, hit: ItemHit) -> frozenset[str]:
    item = context.item(hit)
    credits = context.matcher.credits(item.title) if item else {}
    return frozenset(t for t, credit in credits.items() if t in context.matcher.asked and credit >= PARTIAL)


def _only_item(context: Context, number: str) -> Ranking:
    """The ranking with the item that is asked for by number first."""
    row = context.meetings[0]
    minutes = context.library.minutes(row.id)
    index = next((n for n, i in enumerate(minutes.items) if i.number == number), None)
    if index is None:
        return context.ranking
    found = next((h for h in context.ranking.items if h.place == (row.id, index)), None)
    hit = found or ItemHit(row.id, number, index, 1.0, ())
    rest = tuple(h for h in context.ranking.items if h.place != hit.place)
    return replace(context.ranking, items=(replace(hit, score=max(1.0, hit.score)), *rest))


def _listing(context: Context) -> Draft | None:
    """A listing; where nothing is to be listed, with what was searched."""
    draft = listing.compose(context)
    if draft is not None and draft.tier is Tier.NOT_STATED:
        return replace(draft, text=f"{draft.text}\n\n{searched(context)}")
    return draft


def _first(context: Context, ranking: Ranking, draft: Draft) -> Ranking:
    """The ranking with the items that the answer rests on first: what is shown was found."""
    known = {hit.place: hit for hit in ranking.items}
    used = []
    for document, index in draft.used:
        hit = known.get((document, index))
        if hit is None:
            minutes = context.library.minutes(document)
            number = minutes.items[index].number or str(index + 1) if index >= 0 else "0"
            hit = ItemHit(document, number, index, 0.0, ())
        used.append(hit)
    rest = [hit for hit in ranking.items if hit.place not in set(draft.used)]
    return replace(ranking, items=(*used, *rest))


def _retrieved(library: Library, ranking: Ranking) -> tuple[Retrieved, ...]:
    lines = []
    for hit in ranking.items[:RETRIEVED]:
        section = hit.hits[0].passage.section if hit.hits else SectionKind.HEADER
        lines.append(Retrieved(library.meeting(hit.document).source, hit.item, section, round(hit.score, 4)))
    return tuple(lines)


def _related(context: Context, ranking: Ranking, draft: Draft) -> tuple[Related, ...]:
    """Where else the matter is treated: items near the question that hold its most telling word."""
    if draft.tier not in (Tier.ANSWER, Tier.POSSIBLE):
        return ()
    asked = {t: w for t, w in context.matcher.weights.items() if t in context.matcher.asked and not t[0].isdigit()}
    telling = max(asked, key=lambda t: asked[t], default=None)
    if telling is None or asked[telling] < TELLING:
        return ()
    found = []
    for hit in ranking.items[:MAX_RELATED_SEARCHED]:
        minutes, item = context.minutes(hit), context.item(hit)
        if hit.place in draft.used or item is None or item.closed:
            continue
        said = " ".join([item.title, *(h.passage.text for h in hit.hits if not is_attached(h.passage))])
        if context.matcher.credits(said).get(telling, 0.0) >= PARTIAL:
            found.append(
                Related(
                    minutes.id,
                    minutes.source,
                    hit.item,
                    item.title,
                    minutes.municipality,
                    short_date(minutes, context.language),
                )
            )
    return tuple(found[:MAX_RELATED])
