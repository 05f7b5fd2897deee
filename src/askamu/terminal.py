"""What the commands print: results on stdout, progress and notices on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from askamu.bootstrap import Difference
    from askamu.coverage import CoverageReport
    from askamu.decisions import DecisionRow
    from askamu.doctor import Check, Setting
    from askamu.evaluate.calibrate import Calibration
    from askamu.evaluate.figures import Figures
    from askamu.evaluate.llm import ModelFigures
    from askamu.fetch import FetchReport
    from askamu.ingest import IngestReport, PlannedFile
    from askamu.library import Library
    from askamu.passage import Answer
    from askamu.topics import Topic
    from askamu.tune.run import TuneReport

AGENDA = "dagsorden"
ALWAYS_TOLD = ("ASKAMU_INDEX", "ASKAMU_EMBEDDER", "ASKAMU_ADAPTER", "ASKAMU_RERANKER", "ASKAMU_LLM", "ASKAMU_LANG")
SHOWN = 10  # of the names of what an ingest passed over
LONGEST = 200  # characters of a quote in a table
POINTS = 2  # of a recommendation in a table


@contextmanager
def progress_bar(language: str) -> Iterator[Any]:
    """A bar a stage on stderr: counts, rate and time left. Silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from askamu.texts import text

    names = {
        "read": "cli.reading",
        "embed": "cli.embedding",
        "vectors": "cli.building",
        "index": "cli.building",
        "answer": "cli.batch_progress",
        "fetch": "fetch.progress",
        "learn": "tune.learn",
    }
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in names:
            return
        name = names[stage]
        if stage not in tasks:
            tasks[stage] = bars.add_task(text(name, language), total=total, rate="")
        task = next(t for t in bars.tasks if t.id == tasks[stage])
        speed = f"{task.speed:.1f}/s" if task.speed else ""
        bars.update(tasks[stage], completed=done, total=total, rate=speed)

    with bars:
        yield report


def open_console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def print_answer(answer: Answer) -> None:
    from rich.markdown import Markdown
    from rich.markup import escape

    from askamu.passage import Tier
    from askamu.show import by_item, filters_line, place_line, related_line
    from askamu.texts import text

    console = open_console()
    said = answer.language
    if answer.completed_question != answer.question:
        console.print(f"[dim]{escape(text('cli.understood_as', said, question=answer.completed_question))}[/dim]")
    if filters_line(answer.filters):
        console.print(f"[dim]{escape(text('cli.limited_to', said, filters=filters_line(answer.filters)))}[/dim]")
    if answer.tier is Tier.POSSIBLE:
        console.print(f"[yellow]{escape(text('cli.possible', said))}[/yellow]")
    console.print(Markdown(answer.text, hyperlinks=False))
    if answer.citations:
        console.print(f"\n[bold]{escape(text('cli.sources', said))}[/bold]")
        for cited in by_item(answer.citations):
            console.print(f"  {place_line(cited[0], said)}", markup=False)
            for citation in cited:
                where = f"{citation.source}, {citation.start}–{citation.end}"
                console.print(
                    f"      [{citation.n}] {citation.heading or citation.title} ({where})", markup=False, style="dim"
                )
    if answer.related:
        console.print(f"\n[bold]{escape(text('cli.related', said))}[/bold]")
        for related in answer.related:
            console.print(f"  {related_line(related, said)}", markup=False)
    if answer.llm:
        console.print(f"\n[dim]{escape(text('llm.written_by', said, model=answer.llm))}[/dim]")
    for warning in answer.warnings:
        console.print(f"[yellow]{escape(warning)}[/yellow]")


def print_ingested(report: IngestReport, language: str) -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.texts import text

    console = open_console()
    table = Table(title=text("cli.table_title", language), title_justify="left", box=SIMPLE)
    table.add_column(text("cli.file", language), overflow="fold")
    for key in ("date", "items", "closed", "passages", "status"):
        heading = text(f"cli.{key}", language)
        right = key in ("items", "closed", "passages")
        width = 10 if key == "date" else len(heading)
        table.add_column(heading, justify="right" if right else "left", no_wrap=True, min_width=width)
    whose = None
    for m in sorted(report.meetings, key=lambda m: (m.municipality or "", m.committee or "", m.date_text, m.source)):
        if whose != (m.municipality, m.committee):
            whose = (m.municipality, m.committee)
            said = ", ".join(w or text("cli.unknown", language) for w in whose)
            table.add_section()
            table.add_row(f"[bold]{escape(said)}[/bold]")
        date = m.held_on.strftime("%d.%m.%Y") if m.held_on else text("date.short_unknown", language)
        cells = [
            f"  {m.source}",
            date,
            str(m.items),
            str(m.closed),
            str(m.passages),
            text(f"cli.status_{m.status}", language),
        ]
        table.add_row(*(escape(c) for c in cells))
    console.print(table)
    for m in report.meetings:
        for warning in m.warnings:
            console.print(f"  {m.source}: {warning}", markup=False, style="yellow")
    if report.left_out:
        console.print(text("ingest.left_out", language), markup=False)
        for f in report.left_out:
            console.print(f"  {f.name}: {f.reason}", markup=False, style="yellow")
    if report.skipped:
        names = ", ".join(f.name for f in report.skipped[:SHOWN]) + (" …" if len(report.skipped) > SHOWN else "")
        console.print(text("ingest.skipped", language, names=names), markup=False, style="dim")
    items = sum(m.items for m in report.meetings)
    if report.repaired:
        console.print(text("cli.repaired", language, why=report.repaired), markup=False)
    if report.reembedded_from:
        console.print(text("cli.reembedded", language, other=report.reembedded_from), markup=False)
    if report.removed:
        console.print(text("cli.removed", language, sources=", ".join(report.removed)), markup=False)
    if not report.built:
        console.print(text("cli.unchanged", language), markup=False)
    console.print(
        text(
            "cli.summary", language, meetings=len(report.meetings), items=items, passages=report.passages,
            embedded=report.passages_embedded, rate=f"{report.rate:.0f}", seconds=f"{report.seconds:.1f}",
        ),
        markup=False,
    )  # fmt: skip
    if report.failed:
        errors = open_console(stderr=True)
        errors.print(text("cli.failed", language), style="bold red")
        for failure in report.failed:
            reason = failure.reason if failure.name in failure.reason else f"{failure.name}: {failure.reason}"
            errors.print(f"  {reason}", markup=False)


def print_tuned(report: TuneReport, language: str, as_json: bool) -> None:
    from dataclasses import asdict

    from askamu.texts import text

    if as_json:
        print(json.dumps(asdict(report) | {"missing": report.missing}, ensure_ascii=False, indent=1, default=str))
        return
    out, notice = open_console(), open_console(stderr=True)
    for name, why in report.failed:
        notice.print(f"{name}: {why}", markup=False)
    kinds = ", ".join(f"{n} {kind}" for kind, n in report.examples.items())
    total = sum(report.examples.values())
    learned_from = report.meetings - report.held_out - report.checked
    out.print(text("tune.learned_from", language, meetings=learned_from, examples=total, kinds=kinds), markup=False)
    if report.missing:
        notice.print(text("tune.missing", language, kinds=", ".join(report.missing)), markup=False)
    if report.elsewhere:
        notice.print(text("tune.elsewhere", language, n=report.elsewhere), markup=False)
    measured = ("tune.measured_held", report.held_out) if report.held_out else ("tune.measured_checked", report.checked)
    out.print(text(measured[0], language, meetings=measured[1]), markup=False)
    for kind, gain in report.gains.items():
        values = {"before": f"{gain.before:.3f}", "after": f"{gain.after:.3f}", "gain": f"{gain.gain:+.3f}"}
        values |= {"low": f"{gain.low:+.3f}", "high": f"{gain.high:+.3f}"}
        out.print("  " + text("tune.gain", language, kind=kind, n=gain.n, **values), markup=False)
    values = {"size": f"{report.bytes / 1e6:.1f}", "minutes": f"{report.seconds / 60:.1f}"}
    out.print(text("tune.done", language, folder=report.folder, digest=report.digest, **values), markup=False)
    if sum(gain.gain * gain.n for gain in report.gains.values()) <= 0:
        notice.print(text("tune.no_gain", language), markup=False)


def print_decisions(rows: Sequence[DecisionRow], total: int, language: str) -> None:
    """A table that reads well at 80 columns: meeting and outcome beside what was decided, in its own words."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from askamu.cite import short_date
    from askamu.decisions import adopted_label, heading, labels
    from askamu.texts import text

    out = open_console()
    several = len({row.municipality for row in rows}) > 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True, leading=1)
    for key, width in (("date", 22), ("outcome", 17), ("title", None)):
        table.add_column(text(f"decisions.column_{key}", language), width=width, overflow="fold")
    for row in rows:
        when = short_date(row, language)
        if not row.held_on and when != text("date.none", language):
            when = f"{when}, {text('date.unknown', language)}"
        place = ", ".join(p for p in (row.committee, row.municipality if several else None) if p)
        style = "yellow" if row.final is False else "dim" if row.closed else ""
        said = Text(shorten(heading(row, language)), style="bold")
        number = text("page.item", language, number=row.item)
        said.append("\n" + " · ".join(x for x in (number, row.case_number) if x), style="dim not bold")
        if row.quote:
            said.append(f"\n»{shorten(row.quote.shown)}«", style="not bold")
        if row.adopted:
            said.append(f"\n{adopted_label(row, language)}", style="dim not bold")
            for point in row.adopted[:POINTS]:
                said.append(f"\n»{shorten(point.shown)}«", style="dim not bold")
        table.add_row(Text(f"{when}\n{place}"), Text("\n".join(labels(row, language)), style=style), said)
    out.print(table)
    if total > len(rows):
        said_more = text("decisions.more", language, n=len(rows), total=total)
        open_console(stderr=True).print(said_more, markup=False)


def shorten(said: str) -> str:
    """The first words on one line, with »…« where it was cut, and nothing that a terminal obeys."""
    from textwrap import shorten as cut

    from askamu.spreadsheet import one_line

    return cut(one_line(said), LONGEST, placeholder=" …")


def print_figures(
    found: Figures, changed: Mapping[str, Difference], language: str, llm: ModelFigures | None = None
) -> None:
    """The figures of an evaluation; `changed` since another run, and of a language model, if there is one."""
    from rich.table import Table
    from rich.text import Text

    from askamu.texts import text

    out = open_console()
    table = Table(box=None, pad_edge=False)
    for key in ("metric", "mean", "interval_column", "n", *(["change"] if changed else [])):
        table.add_column(text(f"eval.{key}", language), justify="left" if key == "metric" else "right")
    for name, value in found.metrics.items():
        row = [name, f"{value.mean:.3f}", f"{value.low:.3f}–{value.high:.3f}", str(value.n)]
        if name in changed:
            d = changed[name]
            row.append(f"{d.gain:+.3f} [{d.low:+.3f}, {d.high:+.3f}]")
        table.add_row(*row)
    out.print(table)
    a = found.abstention
    values = {"precision": f"{a.precision:.3f}", "recall": f"{a.recall:.3f}", "f1": f"{a.f1:.3f}"}
    out.print(text("eval.abstention", language, said=a.said, due=a.due, **values), markup=False)
    median, slow = (round(ms) for ms in found.latency_ms)
    out.print(text("eval.latency", language, median=median, slow=slow), markup=False)
    shown = ("hit@1", "hit@5", "full_answer", "citation_precision", "answered", "abstained")
    by_type = Table(box=None, pad_edge=False)
    by_type.add_column(text("eval.type", language))
    for name in shown:
        by_type.add_column(name, justify="right")
    for kind, metrics in found.groups["type"].items():
        by_type.add_row(kind, *(f"{metrics[m].mean:.2f} ({metrics[m].n})" if m in metrics else "–" for m in shown))
    out.print()
    out.print(by_type)
    if llm is not None:
        from askamu.evaluate.llm import rows

        out.print()
        out.print(text("eval.llm_title", language, model=llm.model), markup=False, style="bold")
        told = Table(box=None, pad_edge=False, show_header=False)
        told.add_column(overflow="fold")
        told.add_column(overflow="fold")
        for label, said in rows(llm, language):
            told.add_row(Text(label), Text(said))
        out.print(told)


def print_calibration(fitted: Calibration, kept: Path | None, language: str) -> None:
    """What calibrated limits bring, on stderr: before the figures, which may be JSON.

    Args:
        kept: where they were written, None if they don't pay.
    """
    from askamu.texts import text

    out = open_console(stderr=True)
    for key, judged in (("eval.calibrated_before", fitted.before), ("eval.calibrated_after", fitted.after)):
        values = {"f1": f"{judged.abstention.f1:.3f}", "answered": f"{judged.answered:.3f}"}
        said = text(key, language, due=fitted.due, answerable=fitted.answerable, **values)
        out.print(said, markup=False)
    limits = {k: f"{v:.3f}" for k, v in asdict(fitted.limits).items()}
    said = (
        text("eval.calibrated_kept", language, file=kept, **limits) if kept else text("eval.calibrated_not", language)
    )
    out.print(said, markup=False)


def ingest_record(report: IngestReport) -> dict[str, Any]:
    return {
        "meetings": [
            {
                "source": m.source, "municipality": m.municipality, "committee": m.committee,
                "date": m.held_on.isoformat() if m.held_on else None, "items": m.items, "closed": m.closed,
                "passages": m.passages, "status": m.status, "warnings": list(m.warnings),
            }
            for m in report.meetings
        ],
        "failed": [{"name": f.name, "reason": f.reason} for f in report.failed],
        "skipped": [{"name": f.name, "reason": f.reason} for f in report.skipped],
        "left_out": [{"name": f.name, "reason": f.reason} for f in report.left_out],
        "removed": list(report.removed), "generation": report.generation, "built": report.built,
        "documents": report.documents, "passages": report.passages, "passages_embedded": report.passages_embedded,
        "seconds": round(report.seconds, 2),
    }  # fmt: skip


def print_parse(record: dict[str, Any], language: str) -> None:
    from askamu.texts import text

    unknown = text("cli.unknown", language)
    date = (
        record["date"] or f"{text('date.unknown', language)} ({record['date_evidence']})"
        if record["date_evidence"]
        else record["date"]
    )
    console = open_console()
    fields = {key: record[key] or unknown for key in ("source", "kind", "municipality", "committee", "layout")}
    console.print(
        text(
            "cli.parsed",
            language,
            **fields,
            date=date or text("date.unknown", language),
            confidence=record["confidence"],
        ),
        markup=False,
        style="bold",
    )
    for item in record["items"]:
        closed = f" ({text('cli.closed_item', language)})" if item["closed"] else ""
        console.print(
            f"{item['number'] or '–':>4}  {item['title'] or '–'}{closed}  {item['case_number'] or ''}", markup=False
        )
        if item["sections"]:
            console.print("      " + ", ".join(s["heading"] for s in item["sections"]), markup=False, style="dim")
        if item["decision"]:
            outcomes = ", ".join(text(f"outcome.{o}", language) for o in item["decision"]["outcomes"])
            console.print(f"      → {outcomes}: {' '.join(item['decision']['text'].split())[:160]}", markup=False)
    for warning in record["warnings"]:
        console.print(f"  ! {warning}", markup=False)


def print_case(number: str, records: Sequence[dict[str, Any]], language: str) -> None:
    from askamu.record import case_key
    from askamu.texts import text

    console = open_console()
    unknown = text("cli.unknown", language)
    from askamu.decision import told
    from askamu.minutes import Outcome

    console.print(text("case.heading", language, number=number), markup=False, style="bold")
    if len(records) > 1:
        console.print(text("case.several", language, count=len(records)), markup=False)
    for record in records:
        steps, place = record["steps"], record["municipality"] or unknown
        key = "case.municipality" if len(steps) > 1 else "case.municipality_one"
        extent = {"steps": len(steps)} if len(steps) > 1 else {}
        title = text("case.title", language, title=record["title"])
        console.print(f"\n{title}, {text(key, language, municipality=place, **extent)}", markup=False, style="bold")
        for step in steps:
            item = text("case.item", language, number=step["item"] or "–", title=step["title"])
            where = ", ".join((_case_day(step, language), step["committee"] or unknown, item))
            console.print(f"  {where}", markup=False)
            if step["confidence"] < 1:
                said = f"{step['confidence']:.2f}"
                said = said.replace(".", ",") if language == "da" else said
                notes = [text("case.seems", language, confidence=said)]
                if step["case_number"] and case_key(step["case_number"]) != case_key(number):
                    notes.append(text("case.other_number", language, number=step["case_number"]))
                console.print(f"      {', '.join(notes)}", markup=False, style="yellow")
            if step["closed"]:
                console.print(f"      {text('case.closed_item', language)}", markup=False, style="dim")
            elif step["decision"] is None:
                console.print(f"      {text('case.no_decision', language)}", markup=False, style="dim")
            else:
                outcomes = ", ".join(told([Outcome(o) for o in step["outcomes"]], step["final"], language))
                console.print(f"      → {outcomes}: »{' '.join(step['decision'].split())}«", markup=False)


def _case_day(step: dict[str, Any], language: str) -> str:
    """When a step was, in digits; an undated meeting by its bounds."""

    from datetime import date

    from askamu.texts import text

    first, last = (
        date.fromisoformat(step[k]).strftime("%d.%m.%Y") if step[k] else None for k in ("earliest", "latest")
    )
    if step["date"]:
        return date.fromisoformat(step["date"]).strftime("%d.%m.%Y")
    if first and last:
        return text("case.between", language, first=first, last=last)
    return text("date.unknown", language)


def print_topic(topic: Topic, library: Library, language: str) -> None:
    """The items of a topic with the words that show it, then the figures over time."""
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.cite import plain
    from askamu.series import COUNT, when_text
    from askamu.texts import text
    from askamu.topics import mention_record, said_by

    console = open_console()
    console.print(text("topics.heading", language, topic=topic.words), markup=False, style="bold")
    count = len(topic.items)
    said = text("topics.count_one", language) if count == 1 else text("topics.count", language, count=count)
    said = said if count else text("topics.nothing", language)
    console.print(f"{said} {text('topics.searched', language, meetings=topic.coverage.meetings)}", markup=False)
    for mention in topic.items:
        record = mention_record(mention, library)
        item = text("case.item", language, number=record["item"], title=record["title"])
        place = " ".join(p for p in (record["municipality"], record["committee"]) if p)
        outcomes = ", ".join(text(f"outcome.{o}", language) for o in record["outcomes"])
        outcomes = text("cases.closed", language) if record["closed"] else outcomes or text("cases.undecided", language)
        console.print(f"\n  {_case_day(record, language)}, {place}, {item}", markup=False)
        console.print(f"      → {outcomes}", markup=False)
        if record["quote"]:
            said = f"{text(said_by(mention), language)} »{plain(record['quote'])}«"
            console.print(f"      {said}", markup=False, style="dim")
    for series in topic.series:
        unit = f" ({series.unit})" if series.unit_kind != COUNT else ""
        title = f"{series.label}{unit}, {series.municipality}"
        table = Table(title=escape(title), title_justify="left", box=SIMPLE)
        for key, side in (("series.time", "left"), ("series.value", "right"), ("series.place", "left")):
            table.add_column(text(key, language), justify="right" if side == "right" else "left", overflow="fold")
        before = ""
        for point in series.points:
            said = plain(point.figure.quote.of(library.minutes(point.figure.document).text))
            place = text("series.same_row", language) if said == before else f"»{said}«"
            table.add_row(when_text(point.when, language), escape(point.figure.printed), escape(place))
            before = said
        console.print(table)
        if series.conflicts:
            console.print(text("series.conflict", language), markup=False, style="yellow")
    if topic.items and not topic.series:
        console.print(f"\n{text('series.none', language)}", markup=False, style="dim")
    if topic.named:
        console.print(f"\n{text('topics.named', language, count=len(topic.named))}", markup=False, style="dim")


def print_plan(files: Sequence[PlannedFile], language: str, as_json: bool) -> None:
    from collections import Counter

    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.ingest import NEW, REMOVED, REPLACED, SKIPPED, UNCHANGED, UNREADABLE
    from askamu.texts import text

    counts = dict.fromkeys((NEW, UNCHANGED, REPLACED, REMOVED, UNREADABLE), 0) | Counter(f.status for f in files)
    if as_json:
        rows = [{"name": f.name, "path": str(f.path), "status": f.status, "notes": list(f.notes)} for f in files]
        print(json.dumps({"files": rows, "counts": counts}, ensure_ascii=False, indent=1))
        return
    names = {
        NEW: "watch.plan_new",
        UNCHANGED: "watch.plan_unchanged",
        REPLACED: "watch.plan_replaced",
        REMOVED: "watch.plan_removed",
        UNREADABLE: "watch.plan_unreadable",
        SKIPPED: "ingest.plan_skipped",
    }
    table = Table(title=text("watch.plan_title", language), title_justify="left", box=SIMPLE)
    for key in ("cli.file", "cli.status", "watch.plan_notes"):
        table.add_column(text(key, language), overflow="fold")
    for f in files:
        table.add_row(*(escape(c) for c in (f.name, text(names[f.status], language), "; ".join(f.notes))))
    console = open_console()
    console.print(table)
    console.print(text("watch.plan_summary", language, **counts), markup=False)
    if counts.get(SKIPPED):
        console.print(text("ingest.plan_skipped_count", language, skipped=counts[SKIPPED]), markup=False)


def print_fetched(report: FetchReport, language: str) -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.fetch import REPLACED, REPLACED_FOLDER, STATUSES, WITHDRAWN, WITHDRAWN_FOLDER
    from askamu.texts import text

    console, errors = open_console(), open_console(stderr=True)
    table = Table(title=text("fetch.table_title", language, site=report.site), title_justify="left", box=SIMPLE)
    table.add_column(text("fetch.committee", language), overflow="fold")
    shown = [s for s in STATUSES if report.count(s)]
    names = dict(
        zip(
            STATUSES,
            ("fetch.new", "fetch.changed", "fetch.unchanged", "fetch.replaced", "fetch.withdrawn", "fetch.failed",
             "fetch.left"),
            strict=True,
        )
    )  # fmt: skip
    for status in shown:
        table.add_column(text(names[status], language), justify="right")
    for committee in sorted({m.committee for m in report.meetings}):
        counts = [sum(m.status == s for m in report.meetings if m.committee == committee) for s in shown]
        table.add_row(escape(committee), *(str(n or "") for n in counts))
    table.add_section()
    table.add_row(text("fetch.all", language), *(str(report.count(s)) for s in shown))
    if shown:
        console.print(table)
    for status, key, place in (
        (WITHDRAWN, "fetch.withdrawn_list", WITHDRAWN_FOLDER),
        (REPLACED, "fetch.replaced_list", REPLACED_FOLDER),
    ):
        if report.count(status):
            console.print(text(key, language, folder=report.folder / place), markup=False)
            for m in report.meetings:
                if m.status == status:
                    console.print(f"  {m.name}", markup=False)
    attached = sum(m.attachments for m in report.meetings)
    console.print(
        text(
            "fetch.summary", language, meetings=len(report.meetings), attachments=attached,
            requests=report.requests, seconds=f"{report.seconds:.1f}", folder=report.folder,
        ),
        markup=False,
    )  # fmt: skip
    if report.count(WITHDRAWN) or report.count(REPLACED):
        console.print(text("fetch.ingest_only", language, folder=report.folder), markup=False)
    if report.failed:
        errors.print(text("fetch.failed_list", language), style="bold red")
        for m in report.failed:
            for problem in m.problems:
                errors.print(f"  {m.name}: {problem.say(language)}", markup=False)
    if report.stopped:
        errors.print(report.stopped.say(language), markup=False, style="bold red")


def fetch_record(report: FetchReport) -> dict[str, Any]:
    from askamu.fetch import STATUSES

    return {
        "site": report.site,
        "folder": str(report.folder),
        "meetings": [
            {
                "id": m.id, "committee": m.committee, "date": m.held_on.isoformat() if m.held_on else None,
                "status": m.status, "file": str(m.file) if m.file else None, "attachments": m.attachments,
                "problems": [str(p) for p in m.problems],
            }
            for m in report.meetings
        ],
        "counts": {status: report.count(status) for status in STATUSES},
        "stopped": str(report.stopped) if report.stopped else None,
        "requests": report.requests,
        "seconds": round(report.seconds, 2),
    }  # fmt: skip


def print_coverage(report: CoverageReport, language: str) -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from askamu.coverage import gap_text
    from askamu.texts import day_text, text

    console = open_console()
    unknown = text("cli.unknown", language)
    table = Table(box=SIMPLE)
    table.add_column(text("coverage.by_committee", language), overflow="fold")
    for key in ("meetings", "period", "undated_column", "items"):
        table.add_column(
            text(f"coverage.{key}", language), justify="left" if key == "period" else "right", no_wrap=True
        )
    shown: list[str | None] = []
    for c in report.committees:
        if c.municipality not in shown:
            shown.append(c.municipality)
            table.add_section()
            table.add_row(f"[bold]{escape(c.municipality or unknown)}[/bold]")
        period = f"{c.first:%d.%m.%Y}–{c.last:%d.%m.%Y}" if c.first and c.last else text("date.unknown", language)
        name = f"  {escape(c.committee or unknown)}"
        table.add_row(name, str(len(c.meetings)), period, str(c.undated), str(c.items))
    console.print(table)
    for c in report.committees:
        console.print(f"{c.municipality or unknown}, {c.committee or unknown}", markup=False, style="bold")
        for row in c.meetings:
            day = f"{row.held_on:%d.%m.%Y}" if row.held_on else text("date.unknown", language)
            items = text("coverage.item_count", language, count=row.items)
            if row.items == 1:
                items = text("coverage.item_one", language)
            kind = f" ({text('coverage.agenda', language)})" if row.kind == AGENDA else ""
            console.print(f"  {day}{kind}, {items}, {row.source}", markup=False)
    when = text("coverage.never", language)
    if report.ingested_at:
        at = report.ingested_at
        when = text("coverage.at", language, day=day_text(at.date(), language), time=at.strftime("%H:%M"))
    happened = {"added": report.added, "removed": len(report.removed), "failed": len(report.failed)}
    said = text("coverage.what_last", language, when=when, **happened)
    console.print(f"\n{text('coverage.last_ingest', language)}: {said}", markup=False)
    for key, problems in (("coverage.failed", report.failed), ("coverage.warnings", report.warnings)):
        if problems:
            console.print(text(key, language), style="bold")
            for p in problems:
                console.print(f"  {p.source}: {p.reason}", markup=False)
    if report.gaps:
        console.print(text("coverage.gaps", language), style="bold")
        for gap in report.gaps:
            place = ", ".join((gap.municipality or unknown, gap.committee or unknown))
            console.print(
                "  " + text("coverage.gap_line", language, place=place, said=gap_text(gap, language)), markup=False
            )


def print_settings(settings: Sequence[Setting], version: str, language: str) -> None:
    """What is set, and where; of what is left at its default only what matters most."""
    from rich.table import Table
    from rich.text import Text

    from askamu.texts import text

    console = open_console()
    console.print(text("doctor.title", language, version=version), markup=False, style="bold")
    if not settings:  # they can't be read, as is told below
        return
    console.print(f"\n{text('doctor.settings', language)}", markup=False, style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2))
    shown = [s for s in settings if s.source != "default" or s.name in ALWAYS_TOLD]
    for s in shown:
        source = text(f"doctor.source.{s.source}", language)
        table.add_row(Text(f"  {s.name}"), Text(s.value or "–"), Text(source, style="dim"))
    console.print(table)
    console.print(f"  {text('doctor.defaults', language, n=len(settings) - len(shown))}", markup=False, style="dim")


def print_check(check: Check, first: bool, language: str) -> None:
    """One check, under its group's heading where it is the first of the group."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from askamu.texts import text

    console = open_console()
    if first:
        console.print(f"\n{text(f'doctor.group.{check.group}', language)}", markup=False, style="bold")
    style = {"ok": "green", "warning": "yellow", "failed": "bold red"}[check.state]
    row = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2))
    row.add_column(min_width=max(len(text(f"doctor.{state}", language)) for state in ("ok", "warning", "failed")))
    row.add_column(overflow="fold")
    row.add_row(Text(text(f"doctor.{check.state}", language), style=style), Text(check.said))
    if check.advice:
        row.add_row("", Text(f"→ {check.advice}"))
    console.print(Padding(row, (0, 0, 0, 2)))


def print_diagnosis(checks: Sequence[Check], language: str) -> None:
    """The last line: how many failed."""
    from askamu.texts import text

    failed, warnings = (sum(c.state == state for c in checks) for state in ("failed", "warning"))
    key = "doctor.summary" if failed or warnings else "doctor.all_well"
    values = {"failed": failed, "warnings": warnings} if failed or warnings else {}
    open_console().print(f"\n{text(key, language, **values)}", markup=False)


def print_feedback(
    total: int, consented: int, kinds: Mapping[str, int], phrased: Mapping[str, int], language: str
) -> None:
    """How many of each kind, and how many of them on answers that a language model phrased."""
    from askamu.texts import text

    console = open_console()
    if not total:
        console.print(text("feedback.none", language), markup=False)
        return
    console.print(text("feedback.listed", language, total=total, consented=consented), markup=False)
    for kind, count in kinds.items():
        of_model = f" ({text('feedback.phrased', language, count=phrased[kind])})" if phrased[kind] else ""
        console.print(f"  {text(f'feedback.{kind}', language)}: {count}{of_model}", markup=False)
