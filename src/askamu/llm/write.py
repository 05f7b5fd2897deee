"""A question and what was found for it -> an answer that a language model phrased and every sentence of which holds.

Each sentence is checked as soon as it is whole, and nobody sees it before. What fails is written anew once, then a
quote of what it cites is put in its place, or it is left out, and the answer says so. Where the model gives nothing to
be shown, in time and whole, the answer is the one without it, and says why.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from askamu import answer as answering
from askamu import prompts, texts
from askamu.answer import Work
from askamu.cite import Citations
from askamu.compose import Context, decision
from askamu.compose.draft import escape, quote, whole_words
from askamu.compose.draft import quoted as quoted_decision
from askamu.compose.fact import LABELS
from askamu.errors import LanguageModelFailed
from askamu.library import Library
from askamu.limits import Limits
from askamu.llm import claims, tokens
from askamu.llm.claims import Fault
from askamu.llm.complete import complete, parts
from askamu.llm.evidence import Evidence, NewId, Source, gather, harmless, random_id
from askamu.llm.model import LanguageModel, Message
from askamu.llm.reply import SCHEMA, numbered, plain, structured
from askamu.llm.style import Style, Told, read_style
from askamu.llm.verify import INSERT, MARKS, Checked, Verifier
from askamu.load import clean
from askamu.minutes import SectionKind
from askamu.passage import Answer, CheckedSentence, Citation, Filters, QuestionKind, Tier, Turn, Verification
from askamu.privacy import hide_cpr
from askamu.question import language_of as ask_language
from askamu.question import understand

log = logging.getLogger("askamu")

PHRASED = frozenset({QuestionKind.DECISION, QuestionKind.FIGURE, QuestionKind.FACT, QuestionKind.WHO,
                     QuestionKind.TIMELINE, QuestionKind.COMPARISON})  # fmt: skip
SEVERAL = frozenset({QuestionKind.TIMELINE, QuestionKind.COMPARISON})  # that may ask about several things
COMPLETING = 0.3  # share of the time in which a follow-up is to be completed, or a question divided
MOST_SENTENCES = 12
MOST_FAILED = 1 / 3  # share of the sentences that may be quoted or left out
HOPELESS = 4  # sentences that fail before one holds; then no more are waited for
LEFT_FOR_REPAIR = 2.0  # seconds that must be left of the time for it to be tried
LONGEST_QUOTE = 420  # characters of a quote in a failed sentence's place
_MARK_N = re.compile(r"(?<!\\)\[(\d{1,3})\]")


@dataclass
class Entry:
    """A sentence on its way into the answer."""

    raw: str  # as the model wrote it, marks and all
    before: str  # what stands before it: "" at the beginning, " ", a new paragraph or a list's dash
    checked: Checked
    became: str = "kept"
    first: Checked | None = None  # as it was before it was repaired

    @property
    def record(self) -> CheckedSentence:
        first = self.first or self.checked
        return CheckedSentence(first.text, self.became, tuple(f.value for f in first.faults), first.support)


@dataclass
class Draft:
    """An answer as it is being written."""

    context: Context
    verifier: Verifier
    entries: list[Entry] = field(default_factory=list)
    check_ms: float = 0.0

    def add(self, raw: str, before: str) -> Entry | None:
        """Check a sentence and keep it; None for one that says again what stands there."""
        plain = " ".join(raw.split())
        if not plain or len(self.entries) >= MOST_SENTENCES or any(e.raw == plain for e in self.entries):
            return None
        entry = Entry(plain, before if self.entries else before.lstrip(" \n"), self.check(plain))
        neighbour = self.entries[-1] if self.entries and before == " " else None  # in the same paragraph
        if neighbour is not None and unmarked(entry) and not unmarked(neighbour):
            self._lend(neighbour, entry)
        if entry.checked.faults:
            entry.became = "dropped"
        self.entries.append(entry)
        at = len(self.entries) - 1
        while at and not unmarked(entry) and unmarked(self.entries[at - 1]) and self.entries[at].before == " ":
            at -= 1
            self._lend(entry, self.entries[at])
        return entry

    def _lend(self, marked: Entry, bare: Entry) -> None:
        """Let a sentence without marks stand on its neighbour's, where they carry it: many mark a paragraph once."""
        marks = " ".join(m[0] for m in MARKS.finditer(marked.raw))
        again = self.check(f"{bare.raw} {marks}")
        if again.sound:
            bare.checked, bare.became = again, "kept"

    def check(self, raw: str) -> Checked:
        started = time.perf_counter()
        checked = self.verifier.check(raw)
        self.check_ms += 1000 * (time.perf_counter() - started)
        return checked

    @property
    def failed(self) -> list[Entry]:
        return [e for e in self.entries if e.checked.faults]

    def text(self, citations: Citations) -> str:
        """What holds so far, as Markdown with [n] marks."""
        parts: list[str] = []
        for entry in self.entries:
            said = self._said(entry, citations)
            if said:
                parts.append((entry.before if parts else entry.before.lstrip(" \n")) + said)
        return "".join(parts)

    def _said(self, entry: Entry, citations: Citations) -> str:
        if entry.became == "dropped":
            return ""
        if entry.became == "quoted":
            return quoted(self.context, entry.checked.sources, citations)
        said: list[str] = []
        for n, part in enumerate(INSERT.split(entry.checked.text)):
            source = next((s for s in entry.checked.sources if s.line.mark == part), None) if n % 2 else None
            if source is not None:
                label = LABELS.get(source.evidence.section.kind)
                if label and not claims.compiled("hedges", "propose").search(entry.checked.text):
                    said.append(f"{self.context.say(label)} ")
                said.append(quote(source.line.snippet.text))
            elif n % 2 == 0:
                doubled = said and said[-1].endswith((".«", "!«", "?«"))
                said.append(escape(part.lstrip(".") if doubled else part))
        marks = [mark for s in entry.checked.sources for mark in marks_of(s, citations)]
        return f"{''.join(said).strip()} {''.join(dict.fromkeys(marks))}".strip()


def unmarked(entry: Entry) -> bool:
    return entry.checked.faults == (Fault.UNMARKED,)


def marks_of(source: Source, citations: Citations) -> list[str]:
    evidence = source.evidence
    return [citations.mark(evidence.minutes, evidence.item, evidence.section, span) for span in source.spans]


def quoted(context: Context, sources: Sequence[Source], citations: Citations) -> str:
    """A quote in the place of a sentence that failed: the decision whole, else the first sentence cited."""
    here = replace(context, citations=citations)
    for source in sources:
        evidence = source.evidence
        if evidence.section.kind is SectionKind.DECISION and evidence.item is not None:
            return decision.verdict(here, evidence.minutes, evidence.item)
    source = sources[0]
    label = LABELS.get(source.evidence.section.kind)
    marks = "".join(marks_of(source, citations))
    return f"{context.say(label) + ' ' if label else ''}{quote(source.line.snippet.text)} {marks}"


def ask_model(
    library: Library,
    model: LanguageModel | None,
    question: str,
    history: Sequence[Turn] = (),
    filters: Filters = Filters(),
    language: str | None = None,
    limits: Limits | None = None,
    *,
    around: AbstractContextManager[Any] | None = None,
    new_id: NewId = random_id,
) -> Iterator[str | Answer]:
    """Answer a question, in a language model's words where there is one and what it says holds.

    Args:
        around: what is to be entered for the part without the model, such as a gate that lets few through at a time.

    Yields:
        the answer's text as it grows, only of sentences that hold; the last is the Answer.

    Raises:
        what `answer.ask` raises; nothing for what the model does.
    """
    if model is None:
        with around or nullcontext():
            answer = answering.ask(library, question, history, filters, language, limits)
        yield answer
        return
    started = time.monotonic()
    budget = library.settings.llm_timeout
    told = read_style(question, history)
    said = language or ask_language(question)
    whole = complete(model, told.question, told.history, said, started + COMPLETING * budget) if told.history else None
    if whole is not None and loses_limits(library, told, whole, filters, language):
        whole = None
    with around or nullcontext():
        spoken = language if told.style is Style.ANSWER else said  # »in plain words« may be of a question in Danish
        found = answering.work(library, whole or told.question, () if whole else told.history, filters, spoken, limits)
    found = replace(found, answer=replace(found.answer, question=hide_cpr(clean(question).strip())[0]))
    yield from phrase(found, model, started + budget, told.style, new_id)


def loses_limits(library: Library, told: Told, whole: str, filters: Filters, language: str | None) -> bool:
    """Whether a completed question is limited by less than the program's own completion of it."""
    own = understand(told.question, library.known, told.history, filters, language).filters.as_record()
    theirs = understand(whole, library.known, (), filters, language).filters.as_record()
    return any(value is not None and theirs[name] != value for name, value in own.items())


def phrase(
    found: Work, model: LanguageModel, deadline: float, style: Style = Style.ANSWER, new_id: NewId = random_id
) -> Iterator[str | Answer]:
    """The answer to a question in a language model's words. Yields what `ask_model` does.

    Args:
        deadline: of `time.monotonic()`.
    """
    answer, context = found.answer, found.context
    phrased = answer.kind in PHRASED or style is not Style.ANSWER
    if answer.tier not in (Tier.ANSWER, Tier.POSSIBLE) or not phrased or not answer.citations:
        yield answer
        return
    settings, language = context.library.settings, context.language
    started = time.monotonic()
    beside = of_parts(found, model, deadline) if answer.kind in SEVERAL else ()
    cited = (*answer.citations, *beside)
    whole = style is Style.SUMMARY
    evidence, withheld = gather(context, cited, settings.llm_context, tokens.counter(), new_id, whole=whole)
    told = texts.text("llm.not_stated", language)
    prompt = prompts.fill(
        "answer",
        language,
        passages=shown(evidence, language),
        question=harmless(answer.completed_question),
        example=f"{new_id()}.1",
        not_stated=told,
        style=texts.text(f"llm.style.{style}", language),
    )
    draft = Draft(context, verifier_of(context, evidence, prompt.system))
    messages = [Message("system", prompt.system), Message("user", prompt.user)]
    writing = model.write(messages, deadline, SCHEMA if model.structured else None)
    reason: str | None = None
    try:
        for raw, before in (structured if model.structured else plain)(writing):
            if draft.add(raw, before) is not None:
                grown = draft.text(Citations(context.library, language))
                if grown:
                    yield grown
            if len(draft.entries) >= MOST_SENTENCES or len(draft.failed) >= HOPELESS == len(draft.entries):
                break
        writing.stop()
        if len(draft.entries) == 1 and told.rstrip(".") in draft.entries[0].raw:
            raise LanguageModelFailed("declined")
        if not draft.entries:
            raise LanguageModelFailed("empty")
        repair(draft, model, evidence, answer.completed_question, deadline, new_id)
        reason = unusable(draft)
    except LanguageModelFailed as failed:
        reason = failed.reason
    except Exception:
        log.exception("a language model's reply could not be checked")  # a bug; the answer without it stands
        reason = "malformed"
    verification = Verification(
        model=model.name,
        prompt=prompt.version,
        sentences=tuple(e.record for e in draft.entries),
        fallback=reason,
        passages=len(evidence),
        withheld=withheld,
        tokens_in=writing.tokens_in,
        tokens_out=writing.tokens_out,
        first_ms=writing.first_ms,
        model_ms=round(1000 * (time.monotonic() - started), 1),
        check_ms=round(draft.check_ms, 1),
    )
    yield finished(answer, draft, verification)


def of_parts(found: Work, model: LanguageModel, deadline: float) -> tuple[Citation, ...]:
    """What the parts of a question on several things are answered with, beside what the whole is."""
    context, asked = found.context, found.answer
    until = time.monotonic() + COMPLETING * (deadline - time.monotonic())
    named = parts(model, asked.completed_question, context.language, until)
    answers = [answering.ask(context.library, part, (), asked.filters, context.language) for part in named]
    return tuple(c for answer in answers if answer.tier is Tier.ANSWER for c in answer.citations)


def shown(evidence: Sequence[Evidence], language: str) -> str:
    """The passages as the model is shown them."""
    return "\n\n".join(e.shown(language) for e in evidence)


def verifier_of(context: Context, evidence: Sequence[Evidence], prompt: str) -> Verifier:
    library = context.library
    return Verifier(
        evidence=evidence,
        language=context.language,
        cosine=cosine_of(library),
        rarity=library.rarity,
        split=library.current.lexical.analyser.split,
        prompt=prompt,
    )


def cosine_of(library: Library) -> Callable[[str, Sequence[str]], np.ndarray] | None:
    """How alike a text and some others are by the library's embedder.

    None where it searches by words alone, and where the embedder is somebody's server: it would be asked for every
    sentence, and may be down.
    """
    embedder = library.embedder
    if library.keyword_only or embedder.name.startswith(("openai:", "ollama:")):
        return None

    def cosine(said: str, others: Sequence[str]) -> np.ndarray:
        vectors = np.stack([embedder.embed_question(text) for text in (said, *others)])
        return np.asarray(vectors[1:] @ vectors[0])

    return cosine


def repair(
    draft: Draft,
    model: LanguageModel,
    evidence: Sequence[Evidence],
    question: str,
    deadline: float,
    new_id: NewId = random_id,
) -> None:
    """Have the sentences that failed written anew, once; what still fails becomes a quote or is left out."""
    failed = [e for e in draft.failed if not hopeless(e.checked)]
    if failed and len(draft.failed) < len(draft.entries) and deadline - time.monotonic() > LEFT_FOR_REPAIR:
        language = draft.context.language
        asked = prompts.fill(
            "repair",
            language,
            passages=shown(evidence, language),
            question=harmless(question),
            example=f"{new_id()}.1",
            not_stated=texts.text("llm.not_stated", language),
            sentences="\n".join(f"{n}. {e.raw}" for n, e in enumerate(failed, 1)),
        )
        messages = [Message("system", asked.system), Message("user", asked.user)]
        reply = ""
        with suppress(LanguageModelFailed):  # what was written first then stands or falls by itself
            reply = "".join(model.write(messages, deadline))
        for n, raw in numbered(reply):
            if 1 <= n <= len(failed) and failed[n - 1].first is None:
                again = draft.check(raw)
                if again.sound and again.sources:
                    entry = failed[n - 1]
                    entry.first, entry.checked, entry.became = entry.checked, again, "repaired"
    told = {s.line.mark for e in draft.entries if e.checked.sound for s in e.checked.sources}
    for entry in draft.failed:
        sources = entry.checked.sources
        if sources and sources[0].line.mark not in told and quotable(entry.checked):
            entry.became = "quoted"
            told.add(sources[0].line.mark)


def hopeless(checked: Checked) -> bool:
    """Whether there is nothing in a sentence to be repaired: what it cites is unknown, or it has no business here."""
    return bool({Fault.FORM, Fault.LEAK} & set(checked.faults)) or not checked.sources


def quotable(checked: Checked) -> bool:
    """Whether a quote of what a failed sentence cites may stand in its place."""
    source = checked.sources[0]
    return not {Fault.FORM, Fault.LEAK, Fault.UNKNOWN_MARK} & set(checked.faults) and (
        len(source.text) <= LONGEST_QUOTE or source.evidence.section.kind is SectionKind.DECISION
    )


def unusable(draft: Draft) -> str | None:
    """Why nothing of an answer is shown; None where it can be."""
    entries = draft.entries
    lost = [e for e in entries if e.checked.faults]
    if len(lost) <= MOST_FAILED * len(entries) and any(e.checked.sound and e.checked.sources for e in entries):
        return None
    foreign = [e for e in lost if Fault.LANGUAGE in e.checked.faults]
    if len(foreign) > len(lost) / 2:
        return "language"
    if claims.compiled("refusal", "patterns").search(" ".join(e.raw for e in entries)):
        return "refused"
    return "unverified"


def finished(answer: Answer, draft: Draft, verification: Verification) -> Answer:
    """The answer that is shown."""
    context = draft.context
    timings = {**answer.timings_ms, "llm": verification.model_ms}
    timings["total"] = round(answer.timings_ms["total"] + verification.model_ms, 1)
    if verification.fallback is not None:
        why = texts.text(f"llm.why.{verification.fallback}", context.language)
        said = texts.text("llm.fell_back", context.language, why=why)
        return replace(answer, warnings=(*answer.warnings, said), verification=verification, timings_ms=timings)
    citations = Citations(context.library, context.language)
    written = draft.text(citations)
    all_there = all(covered(citations, c.document, c.start, c.end) for c in answer.citations)
    if answer.kind is QuestionKind.DECISION or not all_there:  # a decision's words are never left to a paraphrase
        known = {c.n: c for c in answer.citations}
        verbatim = _MARK_N.sub(lambda m: citations.again(known[int(m[1])]) if int(m[1]) in known else m[0], answer.text)
        written = f"{written}\n\n{texts.text('llm.verbatim', context.language)}\n\n{verbatim}"
    written = "\n\n".join([written, *verdicts(draft, citations)])
    warnings = list(answer.warnings)
    for became in ("quoted", "dropped"):
        count = sum(e.became == became for e in draft.entries)
        if count:
            warnings.append(
                texts.text(f"llm.{became}_{'one' if count == 1 else 'many'}", context.language, count=count)
            )
    return replace(
        answer,
        text=written,
        citations=citations.all(),
        warnings=tuple(warnings),
        llm=verification.model,
        verification=verification,
        timings_ms=timings,
    )


def covered(citations: Citations, document: str, start: int, end: int) -> bool:
    """Whether one citation holds the whole of a stretch."""
    return any(c.document == document and c.start <= start and end <= c.end for c in citations.all())


def verdicts(draft: Draft, citations: Citations) -> list[str]:
    """The whole decision of each item of which a part is told and that is not simply what was recommended.

    »Godkendt med den ændring, …« alone would hide that it was only recommended to another body.
    """
    context = replace(draft.context, citations=citations)
    told = {s.evidence.place: s.evidence for e in draft.entries if e.became != "dropped" for s in e.checked.sources}
    found = []
    for evidence in told.values():
        minutes, item = evidence.minutes, evidence.item
        if item is None or item.decision is None or not decision.diverges(item):
            continue
        whole = whole_words(minutes.text, quoted_decision(minutes, item.decision), decision.MAX_VERDICT)
        if not covered(citations, minutes.id, whole.start, whole.end):
            found.append(decision.verdict(context, minutes, item))
    return found


def last(steps: Iterator[str | Answer], show: Callable[[str], None] = lambda _: None) -> Answer:
    """The Answer at the end of the steps; the text that grows before it is given to `show`."""
    for step in steps:
        if isinstance(step, Answer):
            return step
        show(step)
    raise AssertionError("the steps end with an Answer")
