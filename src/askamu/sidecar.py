"""What an operator knows of a meeting better than its document does: a file beside it, or options of the run.

`referat.pdf.toml` (or `referat.toml`) beside `referat.pdf` may hold municipality, committee, date, kind,
place, address, attendees and absent. What stands there is used, and where the document says otherwise
the meeting's warnings tell. Options of `askamu ingest` go before the sidecar, the sidecar before the document.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from askamu.errors import BadMeetingDate, BadSidecar, NotRegular
from askamu.load import regular_size
from askamu.loaders.text import one_line
from askamu.metadata import bare_name, definite
from askamu.minutes import MeetingDate, Minutes
from askamu.texts import text
from askamu.vocabulary import table

SUFFIX = ".toml"
MAX_BYTES = 100_000
MAX_CHARS = 300  # of one value
YEARS = range(1800, 2200)

Value = str | date | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What is given about a meeting; None where nothing is.

    `origin` is the sidecar's name; "" for options, which are then named one by one (--date).
    """

    municipality: str | None = None
    committee: str | None = None
    date: date | None = None
    kind: str | None = None
    place: str | None = None
    address: str | None = None
    attendees: tuple[str, ...] | None = None
    absent: tuple[str, ...] | None = None
    origin: str = ""

    def given(self) -> dict[str, Value]:
        """The fields that are given, by name."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}


FIELDS = tuple(f.name for f in fields(Overrides) if f.name != "origin")
NOTHING = Overrides()

_FIELD_TEXTS = {
    "municipality": "ingest.field_municipality",
    "committee": "ingest.field_committee",
    "date": "ingest.field_date",
    "kind": "ingest.field_kind",
    "place": "ingest.field_place",
    "address": "ingest.field_address",
    "attendees": "ingest.field_attendees",
    "absent": "ingest.field_absent",
}


def from_options(municipality: str | None = None, committee: str | None = None, day: str | None = None) -> Overrides:
    """What the options of a run give.

    Raises:
        BadMeetingDate: if the day is none.
    """
    try:
        held_on = _read_day(day) if day is not None else None
    except ValueError:
        raise BadMeetingDate(day or "") from None
    return Overrides(
        municipality=_municipality(one_line(municipality or "")) or None,
        committee=definite(one_line(committee or "")) or None,
        date=held_on,
    )


def apply(minutes: Minutes, overrides: Sequence[Overrides], language: str = "da") -> Minutes:
    """The minutes with what is given about their meeting; the first that gives a field decides on it.

    What contradicts the document (both say something, and not the same) is used and told in the warnings.
    """
    chosen: dict[str, tuple[Value, str]] = {}
    for source in reversed(overrides):
        for name, value in source.given().items():
            chosen[name] = (value, source.origin or f"--{name}")
    warnings = list(minutes.warnings)
    changes: dict[str, Any] = {}
    for name in (n for n in FIELDS if n in chosen):
        value, origin = chosen[name]
        stated = minutes.held_on if name == "date" else getattr(minutes, name)
        if stated is not None and _key(stated) != _key(value):
            said, used = (_shown(v, language) for v in (stated, value))
            what = text(_FIELD_TEXTS[name], language)
            warnings.append(text("ingest.contradicts", language, field=what, stated=said, used=used, origin=origin))
        evidence = text("ingest.given_in", language, origin=origin)
        changes[name] = MeetingDate(value, evidence, value, value) if isinstance(value, date) else value
    if "date" in changes:
        undated = text("ingest.undated", language)
        warnings = [w for w in warnings if w != undated]
    return replace(minutes, **changes, warnings=tuple(warnings))


def corrected(minutes: Minutes, path: Path, options: Overrides = NOTHING, language: str = "da") -> Minutes:
    """The minutes of a file with what its sidecar and the options give; a bad sidecar becomes a warning."""
    beside = find_sidecar(path)
    try:
        given = read_sidecar(beside, language) if beside else NOTHING
    except BadSidecar as error:
        given = NOTHING
        minutes = replace(minutes, warnings=(*minutes.warnings, error.say(language)))
    return apply(minutes, (options, given), language)


def find_sidecar(path: Path) -> Path | None:
    """`referat.pdf.toml` beside `referat.pdf`, else `referat.toml`; None where there is neither."""
    for name in (path.name + SUFFIX, path.stem + SUFFIX):
        beside = path.with_name(name)
        if beside.exists() and not beside.is_dir():
            return beside
    return None


def fingerprint(path: Path) -> str:
    """What tells one content of a file's sidecar from another; "" where there is none."""
    beside = find_sidecar(path)
    if beside is None:
        return ""
    try:
        data = _bytes(beside)
    except (BadSidecar, OSError) as error:
        data = repr(error).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def read_sidecar(path: Path, language: str = "da") -> Overrides:
    """What a sidecar gives.

    Args:
        language: of the words in an error's message.

    Raises:
        BadSidecar: if it can't be read, has an unknown key, or a value that is of the wrong type or no date.
    """
    name = path.name
    try:
        content = tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadSidecar("sidecar_unreadable", name, why=error) from error
    except OSError as error:
        raise BadSidecar("sidecar_unreadable", name, why=error.strerror or error) from error
    for key in content:
        if key not in FIELDS:
            raise BadSidecar("sidecar_key", name, name=key, known=", ".join(FIELDS))
    values = {key: _read_value(key, value, name, language) for key, value in content.items()}
    return Overrides(**values, origin=name)


def _bytes(path: Path) -> bytes:
    try:
        size = regular_size(path)
    except NotRegular as error:
        raise BadSidecar("sidecar_unreadable", path.name, why="not a regular file") from error
    if size > MAX_BYTES:
        raise BadSidecar("sidecar_unreadable", path.name, why=f"> {MAX_BYTES} bytes")
    return path.read_bytes()


def _read_value(key: str, value: object, file: str, language: str) -> Any:
    def wrong(wanted: str) -> BadSidecar:
        return BadSidecar("sidecar_type", file, name=key, wanted=text(wanted, language))

    if key == "date":
        if not isinstance(value, str | date):
            raise wrong("ingest.a_date")
        try:
            return _read_day(value)
        except ValueError:
            raise BadSidecar("sidecar_date", file, value=value) from None
    if key in ("attendees", "absent"):
        if not isinstance(value, list) or not all(_is_text(v) for v in value):
            raise wrong("ingest.a_list")
        return tuple(bare_name(one_line(v)) for v in value)
    if not _is_text(value):
        raise wrong("ingest.a_text")
    said = one_line(str(value))
    match key:
        case "municipality":
            return _municipality(said)
        case "committee":
            return definite(said)
        case "kind":
            return said.casefold()
        case "address" if not re.fullmatch(r"https?://[^\s\"'<>]+", said):
            # A link of another kind (javascript:) would run in the reader's browser.
            raise BadSidecar("sidecar_address", file, value=said)
    return said


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(one_line(value)) <= MAX_CHARS and "\n" not in value.strip()


def _read_day(value: str | date) -> date:
    """Raises: ValueError."""
    if isinstance(value, datetime):
        day = value.date()
    elif isinstance(value, date):
        day = value
    elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip(), re.ASCII):
        day = date.fromisoformat(value.strip())
    else:
        raise ValueError(value)
    if day.year not in YEARS:
        raise ValueError(value)
    return day


def _municipality(name: str) -> str:
    """»Holstebro Kommune« and »Københavns Kommune« as the municipality is called: Holstebro, København."""
    bare = re.sub(r"\s+kommune$", "", name, flags=re.IGNORECASE)
    words = table("municipalities")
    bare = str(words["also"].get(bare, bare))
    known = {*words["names"], *words["abolished"]}
    return bare[:-1] if bare not in known and bare.endswith("s") and bare[:-1] in known else bare


def _key(value: Value) -> object:
    """A value as it is compared: texts without case, people in any order."""
    if isinstance(value, tuple):
        return sorted(one_line(v).casefold() for v in value)
    return one_line(value).casefold() if isinstance(value, str) else value


def _shown(value: Value, language: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or text("ingest.nobody", language)
    return value.isoformat() if isinstance(value, date) else value
