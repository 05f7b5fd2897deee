"""`askamu memo`: what the command line was given -> a verified memo in a file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import date as day
from functools import partial
from pathlib import Path
from typing import Any

from askamu.answer import ask
from askamu.config import Settings
from askamu.dates import read_day
from askamu.errors import BadMemo, BadSetting, PathMissing
from askamu.library import Library, open_library
from askamu.memo import WEB, Verified, as_record, read_memo, verify
from askamu.memo_markdown import as_markdown
from askamu.passage import Answer, Filters
from askamu.texts import text

_PASSAGE = re.compile(r"(?P<document>.+):(?P<start>\d{1,9})-(?P<end>\d{1,9})")


def write_memo(
    settings: Settings,
    questions: Sequence[str],
    passages: Sequence[str],
    stored: Path | None,
    out: Path | None,
    *,
    title: str | None,
    author: str | None,
    date: str | None,
    template: Path | None,
    base_url: str,
    municipality: str | None,
    committee: str | None,
    as_json: bool,
    lang: str | None,
) -> int:
    """Verify a memo and write it. Returns how many entries could not be confirmed; they are told on stderr.

    Raises:
        BadMemo, BadSetting, BadDate, PathMissing: something given can't be used; nothing is written.
    """
    if out is not None and out.suffix.lower() not in (".docx", ".md"):
        raise BadSetting(text("memo.bad_suffix", settings.lang, file=out))
    if base_url and not base_url.startswith(WEB):
        raise BadSetting(text("memo.bad_base", settings.lang, base=base_url))
    library = open_library(settings)
    if stored is not None:
        if not stored.exists():
            raise PathMissing(stored)
        try:
            memo = read_memo(stored.read_bytes())
        except OSError as error:
            raise BadMemo(error.strerror or str(error)) from error
    else:
        limits = {"municipality": municipality, "committee": committee}
        entries = [
            *(_passage(library, p, settings.lang) for p in passages),
            *({"type": "answer", "question": q, "filters": limits} for q in questions),
        ]
        memo = read_memo(json.dumps({"entries": entries, "date": day.today().isoformat()}))
    given = {"title": title, "author": author, "date": read_day(date or "", last=False), "lang": lang}
    memo = memo.model_copy(update={name: value for name, value in given.items() if value})
    verified = verify(library, memo, partial(_ask, library), settings.lang, base_url)
    if as_json:
        print(json.dumps(as_record(verified), ensure_ascii=False, indent=1))
    if out is not None:
        _write(verified, out, template)
        print(text("memo.written", settings.lang, file=out, sources=len(verified.sources)), file=sys.stderr)
    elif not as_json:
        print(as_markdown(verified), end="")
    for part in verified.unconfirmed:
        claim = f"{part.claim[:80]}: " if part.claim else ""
        where = f" ({part.where})" if part.where else ""
        print(f"{text('memo.unconfirmed', settings.lang)}: {claim}{part.reason}{where}", file=sys.stderr)
    return len(verified.unconfirmed)


def _ask(library: Library, question: str, filters: Filters, language: str) -> Answer:
    return ask(library, question, filters=filters, language=language)


def _passage(library: Library, given: str, language: str) -> dict[str, Any]:
    """»DOCUMENT:START-END«; the document by its id or its file's name."""
    found = _PASSAGE.fullmatch(given)
    if not found:
        raise BadMemo(text("memo.bad_passage", language, passage=given))
    name = found["document"]
    document = next((m.id for m in library.meetings if m.source == name), name)
    return {"type": "passage", "document": document, "start": int(found["start"]), "end": int(found["end"])}


def _write(memo: Verified, out: Path, template: Path | None) -> None:
    if out.suffix.lower() == ".docx":
        from askamu.memo_docx import as_docx

        content = as_docx(memo, template)
    else:
        content = as_markdown(memo).encode()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise BadSetting(text("problem.bad_out", memo.language, file=out, why=error.strerror)) from error
