"""What is indexed: per committee its meetings, from where, how fresh, what failed, and gaps worth noticing.

An operator's folders are nobody else's business: files are told by name alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from askamu.library import Library
from askamu.record import JournalLine, MeetingRow
from askamu.texts import restated, text
from askamu.threads import Step

AGENDA = "dagsorden"
FAILED, REMOVED = "failed", "removed"
MAX_CLAUSES = 3  # of one note, between semicolons
_PATH = re.compile(r"(?<![\w/.:\\])(?:[A-Za-z]:)?[/\\](?:[^/\\\s:;,»«\"'()]+[/\\])*(?=[^/\\\s])")  # and not of a URL


class GapKind(StrEnum):
    YEAR = "year"  # no meeting in a year between years with some
    AGENDA_ONLY = "agenda_only"  # an agenda without its minutes


@dataclass(frozen=True, slots=True)
class Gap:
    kind: GapKind
    municipality: str | None
    committee: str | None
    year: int | None = None
    meeting: MeetingRow | None = None


@dataclass(frozen=True, slots=True)
class CommitteeCoverage:
    municipality: str | None
    committee: str | None
    meetings: tuple[MeetingRow, ...]  # newest first, undated last
    first: date | None
    last: date | None
    undated: int
    items: int
    closed: int

    @property
    def by_year(self) -> dict[int | None, list[MeetingRow]]:
        """The meetings of each year, newest first; None: no date, and no bounds within one year."""
        years: dict[int | None, list[MeetingRow]] = defaultdict(list)
        for row in self.meetings:
            years[year_of(row)].append(row)
        return dict(sorted(years.items(), key=lambda y: (y[0] is None, -(y[0] or 0))))


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of the last ingest that could not be read, or something to know of one that could."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class CoverageReport:
    committees: tuple[CommitteeCoverage, ...]
    meetings: int
    items: int
    first: date | None
    last: date | None
    undated: int
    ingested_at: datetime | None  # the last ingest that changed something, UTC
    added: int  # meetings that it brought or replaced
    removed: tuple[str, ...]
    failed: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    gaps: tuple[Gap, ...]
    generation: str


def coverage(library: Library, language: str) -> CoverageReport:
    """What the library's generation holds, and what its last ingest said of it."""
    rows: dict[tuple[str | None, str | None], list[MeetingRow]] = defaultdict(list)
    for row in library.meetings:
        rows[row.municipality, row.committee].append(row)
    found = tuple(_committee(*of, held) for of, held in rows.items())
    journal = library.record.journal()
    run = [line for line in journal if line.run == journal[-1].run]
    folders = _folders(library)
    newest = {line.source: line for line in journal if line.status not in (FAILED, REMOVED)}
    said = [line for m in library.meetings if (line := newest.get(m.source)) and line.reason]
    failed = [Problem(line.source, _told(line, language, folders)) for line in run if line.status == FAILED]
    return CoverageReport(
        committees=found,
        meetings=len(library.meetings),
        items=sum(c.items for c in found),
        first=library.first,
        last=library.last,
        undated=sum(c.undated for c in found),
        ingested_at=datetime.fromisoformat(run[-1].at) if run else None,
        added=sum(line.status not in (FAILED, REMOVED) for line in run),
        removed=tuple(line.source for line in run if line.status == REMOVED),
        failed=tuple(failed),
        warnings=tuple(Problem(line.source, _told(line, language, folders)) for line in said),
        gaps=tuple(_gaps(found)),
        generation=library.generation,
    )


def _committee(municipality: str | None, committee: str | None, rows: Sequence[MeetingRow]) -> CommitteeCoverage:
    days = [row.held_on for row in rows if row.held_on]
    return CommitteeCoverage(
        municipality, committee, tuple(rows), min(days, default=None), max(days, default=None),
        len(rows) - len(days), sum(row.items for row in rows), sum(row.closed for row in rows),
    )  # fmt: skip


def year_of(row: MeetingRow | Step) -> int | None:
    """The year of a meeting where it is known, by its date or by bounds within one year."""
    if row.held_on:
        return row.held_on.year
    if row.earliest and row.latest and row.earliest.year == row.latest.year:
        return row.earliest.year
    return None


def _gaps(committees: Iterable[CommitteeCoverage]) -> Iterable[Gap]:
    for c in committees:
        of = (c.municipality, c.committee)
        years = {y for y in map(year_of, c.meetings) if y}
        for year in sorted(set(range(min(years), max(years))) - years if years else ()):
            yield Gap(GapKind.YEAR, *of, year=year)
        for row in c.meetings:
            if row.kind == AGENDA:
                yield Gap(GapKind.AGENDA_ONLY, *of, meeting=row)


# -- the last ingest -----------------------------------------------------------------------------


def _folders(library: Library) -> tuple[str, ...]:
    """Folders that a reason may name, the deepest first."""
    found = {str(Path(row.path).parent) for row in library.meetings} | {str(library.folder), str(Path.home())}
    found |= {str(p) for f in list(found) for p in Path(f).parents}
    return tuple(sorted((f for f in found if len(f) > 1 and Path(f).is_absolute()), key=len, reverse=True))


def _told(line: JournalLine, language: str, folders: Sequence[str]) -> str:
    """A reason in the reader's language, with the names of files and without their folders."""
    parts = line.reason.split("; ")  # several notes; a note may have a semicolon of its own
    said: list[str] = []
    while parts:
        for count in range(min(len(parts), MAX_CLAUSES), 0, -1):
            part = "; ".join(parts[:count])
            told = _restated(part, line.source, language)
            if told or count == 1:
                said.append(told or part)
                parts = parts[count:]
                break
    return without_folders("; ".join(said), folders)


def _restated(said: str, source: str, language: str) -> str | None:
    """A note in another language; None where it is no text of askamu's."""
    for group in ("problem", "ingest"):
        for whole in (said, f"{source}: {said}"):  # the file's name is left out where a reason begins with it
            told = restated(whole, group, language)
            if told != whole:
                return told.removeprefix(f"{source}: ")
    return None


def without_folders(said: str, folders: Sequence[str]) -> str:
    """A sentence whose paths are names of files alone."""
    for folder in folders:
        said = said.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    for folder in folders:
        said = re.sub(rf"{re.escape(folder)}(?![\w/])", "…", said)
    return _PATH.sub("", said)


def coverage_record(report: CoverageReport) -> dict[str, Any]:
    """The report, ready for JSON."""

    def day(when: date | None) -> str | None:
        return when.isoformat() if when else None

    def meeting(row: MeetingRow) -> dict[str, Any]:
        return {
            "id": row.id, "source": row.source, "date": day(row.held_on), "earliest": day(row.earliest),
            "latest": day(row.latest), "kind": row.kind, "items": row.items, "closed": row.closed,
        }  # fmt: skip

    return {
        "generation": report.generation,
        "meetings": report.meetings,
        "items": report.items,
        "from": day(report.first),
        "to": day(report.last),
        "undated": report.undated,
        "ingested_at": report.ingested_at.isoformat() if report.ingested_at else None,
        "added": report.added,
        "removed": list(report.removed),
        "failed": [{"source": p.source, "reason": p.reason} for p in report.failed],
        "warnings": [{"source": p.source, "reason": p.reason} for p in report.warnings],
        "gaps": [
            {
                "kind": g.kind.value, "municipality": g.municipality, "committee": g.committee, "year": g.year,
                "source": g.meeting.source if g.meeting else None, "id": g.meeting.id if g.meeting else None,
            }
            for g in report.gaps
        ],
        "committees": [
            {
                "municipality": c.municipality, "committee": c.committee, "from": day(c.first),
                "to": day(c.last),
                "undated": c.undated, "items": c.items, "closed": c.closed,
                "meetings": [meeting(row) for row in c.meetings],
            }
            for c in report.committees
        ],
    }  # fmt: skip


def gap_text(gap: Gap, language: str) -> str:
    """What a gap is, in a sentence that does not name the committee."""
    if gap.meeting is None:
        return text("coverage.gap_year", language, year=gap.year)
    held = gap.meeting.held_on
    day = f"{held:%d.%m.%Y}" if held else text("date.unknown", language)
    return text("coverage.gap_agenda", language, date=day)
