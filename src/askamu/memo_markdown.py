"""A verified memo -> Markdown in which nothing but our own marks is markup."""

from __future__ import annotations

import re

from askamu.memo import WEB, Answered, OwnWords, Quote, Source, Unconfirmed, Verified
from askamu.texts import day_text, text

_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|!~&$@]|(?<=\w):(?=//)|(?<=\bwww)\.")
_LINE_START = re.compile(r"(?m)^[ \t]*(?:([-+=])|(\d+)([.)]))")


def inert(words: str) -> str:
    """Text that means itself wherever it stands in Markdown: no link, picture, heading, list or HTML comes of it."""
    escaped = _SIGNS.sub(lambda m: "\\" + m[0], words)
    return _LINE_START.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", escaped)


def as_markdown(memo: Verified) -> str:
    """The memo as CommonMark. Where the site's address is known, the marks [n] are links to their sources."""
    say = memo.language
    blocks = [f"# {inert(memo.title)}"]
    when = day_text(memo.date, say) if memo.date else ""
    if byline := ", ".join(x for x in (memo.author, when) if x):
        blocks.append(inert(byline))
    for part in memo.parts:
        blocks += _part(part, say)
    if memo.sources:
        blocks += [f"## {text('memo.sources', say)}", text("memo.sources_lead", say)]
        quoted = memo.quoted
        blocks += [_source(s, say, quoted=s.n in quoted) for s in memo.sources]
    if memo.unconfirmed:
        blocks += [f"## {text('memo.unconfirmed', say)}", text("memo.unconfirmed_lead", say)]
        blocks.append("\n".join(_unconfirmed(u, say) for u in memo.unconfirmed))
    links = [f"[{s.n}]: {s.link}#citat" for s in memo.sources if s.link.startswith(WEB)]
    return "\n\n".join([*blocks, *(["\n".join(links)] if links else [])]) + "\n"


def _part(part: Quote | Answered | Unconfirmed | OwnWords, language: str) -> list[str]:
    if isinstance(part, OwnWords):
        return [f"## {inert(p)}" if part.heading else _lines(p) for p in part.paragraphs]
    if isinstance(part, Quote):
        quote = "  \n> ".join(inert(line) for line in f"»{part.source.quote}«".split("\n"))
        told = f"> {quote} [{part.source.n}]\n>\n> — {inert(part.source.short)}"
        points = "\n".join(f"- {inert('»' + ' '.join(s.lines) + '«')} [{s.n}]" for s in part.adopted)
        adopted = [f"{text('memo.adopted', language)}\n\n{points}"] if points else []
        return [told, *adopted, *_note(part.note, language)]
    if isinstance(part, Answered):
        remarks = [f"*{inert(r)}*" for r in part.remarks]
        return [f"## {inert(part.question)}", *remarks, part.text.strip(), *_note(part.note, language)]
    return []


def _note(note: str, language: str) -> list[str]:
    return [f"**{text('memo.note', language)}** {_lines(note)}"] if note else []


def _lines(words: str) -> str:
    """Paragraphs with the line breaks that the author set."""
    return re.sub(r"(?<!\n)\n(?!\n)", "  \n", inert(words))


def _source(source: Source, language: str, *, quoted: bool) -> str:
    lines = [f"[{source.n}] {inert(source.reference)}"]
    if not quoted:
        lines.append(inert(f"»{' '.join(source.lines)}«"))
    if source.link.startswith(WEB):
        lines.append(f"<{source.link}#citat>")
    else:
        place = text("memo.file", language, file=source.file, start=source.span.start, end=source.span.end)
        lines.append(inert(place))
    return "  \n".join(lines)


def _unconfirmed(part: Unconfirmed, language: str) -> str:
    said = [inert(part.reason), *([inert(f"({part.where})")] if part.where else [])]
    if part.claim:
        said.append(text("memo.claimed", language, words=inert(" ".join(part.claim.split()))))
    if part.newer:
        link = part.newer.link
        said.append(text("memo.see", language, link=f"<{link}>" if link.startswith(WEB) else inert(link)))
    if part.note:
        said.append(f"{text('memo.note', language)} {inert(' '.join(part.note.split()))}")
    return "- " + " ".join(said)
