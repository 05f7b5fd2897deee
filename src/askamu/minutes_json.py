"""Minutes <-> JSON, exactly: what the record stores of a parsed document beside its text."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from askamu.minutes import (
    AgendaItem,
    Decision,
    MeetingDate,
    Minutes,
    Note,
    NoteKind,
    Outcome,
    Section,
    SectionKind,
    Span,
)


def minutes_to_json(minutes: Minutes) -> str:
    """Everything but the text, which is stored by itself."""
    fields = asdict(minutes)
    del fields["text"]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=_iso)


def minutes_from_json(stored: str, text: str) -> Minutes:
    """The minutes that `minutes_to_json` was given."""
    fields: dict[str, Any] = json.loads(stored)
    when = fields["date"]
    fields["date"] = MeetingDate(
        _date(when["held_on"]), when["evidence"], _date(when["earliest"]), _date(when["latest"])
    )
    fields["header"] = _section(fields["header"])
    fields["items"] = tuple(_item(i) for i in fields["items"])
    for name in ("attendees", "absent", "warnings", "pages"):
        fields[name] = None if fields[name] is None else tuple(fields[name])
    return Minutes(text=text, **fields)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in the record")


def _date(iso: str | None) -> date | None:
    return None if iso is None else date.fromisoformat(iso)


def _item(fields: dict[str, Any]) -> AgendaItem:
    decision = fields.pop("decision")
    sections = tuple(_section(s) for s in fields.pop("sections"))
    attachments = tuple(fields.pop("attachments"))
    return AgendaItem(sections=sections, decision=decision and _decision(decision), attachments=attachments, **fields)


def _section(fields: dict[str, Any]) -> Section:
    return Section(kind=SectionKind(fields.pop("kind")), **fields)


def _decision(fields: dict[str, Any]) -> Decision:
    outcomes = tuple(Outcome(o) for o in fields.pop("outcomes"))
    absent = tuple(fields.pop("absent"))
    for name in ("adopts", "additions", "absence", "votes"):
        fields[name] = tuple(Span(**s) for s in fields[name])
    fields["notes"] = tuple(Note(NoteKind(n["kind"]), Span(**n["span"])) for n in fields["notes"])
    return Decision(outcomes=outcomes, absent=absent, **fields)
