"""What was read out of files -> one page of HTML, for a person who checks it against the originals.

The page stands alone: no script, nothing fetched, and what comes from a document is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from askamu import texts
from askamu.html import escape as _e
from askamu.html import page
from askamu.lines import contents_title, is_noise, is_page_number, read_lines
from askamu.minutes import AgendaItem, Decision, Minutes, Section, SectionKind, Span

LOW_CONFIDENCE = 0.8  # below it, a person should look
FEW = 3  # so many files stand open
MAX_NOISE = 200  # different lines left out that are shown of one file


@dataclass(frozen=True, slots=True)
class Read:
    """One file: what was read in it, or why it could not be."""

    name: str
    minutes: Minutes | None = None
    failure: str | None = None


def report(files: Sequence[Read], language: str) -> str:
    """The report as one HTML page."""
    return _Page(language).page(files)


def noise_lines(minutes: Minutes) -> list[str]:
    """The lines that belong to the page or the portal and are left out of what is searched, in order."""
    return [
        line.raw.strip()
        for line in read_lines(minutes.text)
        if not line.blank
        and (
            is_noise(line.bare)
            or is_page_number(line.raw)
            or (line.start < minutes.header.end and contents_title(line.raw) is not None)
        )
    ]


def without_sections(minutes: Minutes) -> list[AgendaItem]:
    """The open items in which no section was recognised."""
    return [i for i in minutes.items if not i.closed and all(s.kind is SectionKind.HEADER for s in i.sections)]


class _Page:
    def __init__(self, language: str) -> None:
        self.language = language

    def t(self, key: str, **values: object) -> str:
        """A text of the report; the values are escaped with it."""
        return _e(texts.text(f"report.{key}", self.language, **values))

    def page(self, files: Sequence[Read]) -> str:
        doubtful = sum(bool(f.minutes and self._flags(f.minutes)) for f in files)
        failed = sum(f.minutes is None for f in files)
        items = sum(len(f.minutes.items) for f in files if f.minutes)
        parts = [
            f"<p>{self.t('counted', files=len(files), items=items, doubtful=doubtful, failed=failed)}</p>",
            f'<p class="soft">{self.t("explained", limit=self._number(LOW_CONFIDENCE))}</p>',
            self._overview(files),
            *(self._file(n, f, len(files) <= FEW) for n, f in enumerate(files, start=1)),
        ]
        return page(self.t("page_title"), self.language, parts, _STYLE)

    # -- the table -----------------------------------------------------------------------------

    def _overview(self, files: Sequence[Read]) -> str:
        columns = (
            "file", "municipality", "committee", "date", "document_kind", "layout", "confidence", "items", "closed",
            "decided", "warnings",
        )  # fmt: skip
        heads = "".join(f'<th scope="col">{self.t(c)}</th>' for c in columns)
        rows = "\n".join(self._row(n, f) for n, f in enumerate(files, start=1))
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{self.t("overview")}"><table>'
            f"<caption>{self.t('overview')}</caption><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        )

    def _row(self, n: int, file: Read) -> str:
        name = f'<th scope="row"><a href="#f{n}">{_e(file.name)}</a></th>'
        m = file.minutes
        if m is None:
            why = f"{self._flag('failed')} {_e(file.failure or '')}"
            return f'<tr>{name}<td colspan="10">{why}</td></tr>'
        cells = [
            self._known(m.municipality),
            self._known(m.committee),
            self._date(m),
            _e(m.kind),
            f"<code>{_e(m.layout)}</code>",
            self._confidence(m),
            *(_number_cell(c) for c in (len(m.items), sum(i.closed for i in m.items))),
            _number_cell(sum(i.decision is not None for i in m.items)),
            self._list([_e(w) for w in m.warnings]) if m.warnings else "–",
        ]
        return f"<tr>{name}{''.join(f'<td>{c}</td>' for c in cells)}</tr>"

    def _date(self, m: Minutes) -> str:
        """The day and the words that show it; without a day the hint there is."""
        known = m.held_on is not None
        shown = f'<span class="day">{m.held_on:%d.%m.%Y}</span>' if known else self._flag("undated")
        if not m.date.evidence:
            return shown
        words = texts.restated(m.date.evidence, "evidence", self.language)
        return f'{shown}<br><span class="soft">{self.t("evidence" if known else "hint", words=words)}</span>'

    def _confidence(self, m: Minutes) -> str:
        low = m.confidence < LOW_CONFIDENCE
        return self._number(m.confidence) + (f"<br>{self._flag('low_confidence')}" if low else "")

    # -- one file ------------------------------------------------------------------------------

    def _file(self, n: int, file: Read, open_: bool) -> str:
        m = file.minutes
        if m is None:
            return (
                f'<section class="file" id="f{n}"><h2>{_e(file.name)}</h2>'
                f"<p>{self._flag('failed')} {_e(file.failure or '')}</p></section>"
            )
        flags = self._flags(m)
        facts = [
            ("municipality", self._known(m.municipality)),
            ("committee", self._known(m.committee)),
            ("date", self._date(m)),
            ("document_kind", _e(m.kind)),
            ("place", self._known(m.place)),
            ("layout", f"<code>{_e(m.layout)}</code>"),
            ("confidence", self._confidence(m)),
            ("attendees", self._names(m.attendees)),
            ("absent", self._names(m.absent)),
        ]
        described = "".join(f"<div><dt>{self.t(k)}</dt><dd>{v}</dd></div>" for k, v in facts)
        warned = f"<h3>{self.t('warnings')}</h3>{self._list([_e(w) for w in m.warnings])}" if m.warnings else ""
        opened = " open" if open_ or flags else ""
        return (
            f'<details class="file" id="f{n}"{opened}><summary><h2>{_e(file.name)}</h2> {" ".join(flags)}</summary>\n'
            f"<dl>{described}</dl>{warned}\n<h3>{self.t('items')}</h3>\n"
            + "\n".join(self._item(m, i) for i in m.items)
            + f"\n{self._noise(m)}\n</details>"
        )

    def _item(self, m: Minutes, item: AgendaItem) -> str:
        number = f'<span class="number">{_e(item.number or "–")}</span>'
        title = _e(item.title) or f'<span class="soft">{self.t("no_title")}</span>'
        case = (
            f' <span class="soft">{self.t("case_number", number=item.case_number)}</span>' if item.case_number else ""
        )
        closed = f' <span class="mark">{self.t("is_closed")}</span>' if item.closed else ""
        sections = [s for s in item.sections if s.kind is not SectionKind.HEADER]
        if sections:
            outline = self._list([self._section(s) for s in sections])
        else:
            outline = "" if item.closed else f"<p>{self._flag('no_sections')}</p>"
        decided = self._decision(m, item.decision) if item.decision else ""
        return f'<article class="item"><h4>{number} {title}{closed}{case}</h4>{outline}{decided}</article>'

    def _section(self, s: Section) -> str:
        kind = self.t(s.kind.value)
        printed = f" <q>{_e(s.heading)}</q>" if s.heading and _e(s.heading).casefold() != kind.casefold() else ""
        length = self.t("says_nothing") if s.nil else self.t("length", count=s.end - s.body)
        return f'{kind}{printed} <span class="soft">{length}</span>'

    def _decision(self, m: Minutes, d: Decision) -> str:
        said = ", ".join(_e(texts.text(f"outcome.{o.value}", self.language)) for o in d.outcomes)
        final = "" if d.final else f' <span class="mark">{self.t("not_final")}</span>'
        parts = [
            f"<p><strong>{self.t('decision')}: {said}</strong>{final}</p>",
            f"<blockquote>{_e(m.text[d.start : d.end])}</blockquote>",
        ]
        for key, spans in (("adopts", d.adopts), ("additions", d.additions), ("votes", d.votes)):
            if spans:
                parts.append(f"<p>{self.t(key)}</p>{self._list([self._quote(m, s) for s in spans])}")
        if d.absent:
            parts.append(f"<p>{self.t('absent_here')} {_e(', '.join(d.absent))}</p>")
        return f'<div class="decision">{"".join(parts)}</div>'

    def _noise(self, m: Minutes) -> str:
        counted = Counter(noise_lines(m))
        if not counted:
            return f"<p>{self.t('no_noise')}</p>"
        shown = [
            f"<code>{_e(line)}</code>" + (f' <span class="soft">× {times}</span>' if times > 1 else "")
            for line, times in list(counted.items())[:MAX_NOISE]
        ]
        more = f"<p>{self.t('more', count=len(counted) - MAX_NOISE)}</p>" if len(counted) > MAX_NOISE else ""
        return (
            f'<details class="noise"><summary>{self.t("noise", count=counted.total())}</summary>'
            f"{self._list(shown)}{more}</details>"
        )

    # -- parts ---------------------------------------------------------------------------------

    def _flags(self, m: Minutes) -> list[str]:
        """What a person should look at, in words; [] if nothing."""
        flags = [self._flag("low_confidence")] if m.confidence < LOW_CONFIDENCE else []
        if m.held_on is None:
            flags.append(self._flag("undated"))
        bare = without_sections(m)
        if bare:
            flags.append(self._flag("items_without_sections", count=len(bare)))
        return flags

    def _flag(self, key: str, **values: object) -> str:
        return f'<strong class="flag">{self.t(key, **values)}</strong>'

    def _known(self, value: str | None) -> str:
        return _e(value) if value else f'<span class="soft">{self.t("unknown")}</span>'

    def _names(self, names: tuple[str, ...] | None) -> str:
        return self._known(", ".join(names) if names else None)

    def _quote(self, m: Minutes, span: Span) -> str:
        return f'<span class="quote">{_e(span.of(m.text))}</span>'

    def _list(self, entries: Sequence[str]) -> str:
        return "<ul>" + "".join(f"<li>{e}</li>" for e in entries) + "</ul>"

    def _number(self, value: float) -> str:
        said = f"{value:.2f}"
        return said.replace(".", ",") if self.language == "da" else said


def _number_cell(value: int) -> str:
    return f'<span class="count">{value}</span>'


_STYLE = """
q{quotes:"»" "«"}
th:nth-child(4),td:nth-child(4){min-width:8rem}
td:nth-child(11){min-width:9rem}
td:nth-child(n+5):nth-child(-n+10){width:1%}
table ul{padding-left:1rem;margin:0}
.count,.day{font-variant-numeric:tabular-nums}
.file{border-top:2px solid var(--line);padding:.75rem 0}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:.5rem 1.5rem;margin:.75rem 0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0}
.item{border-top:1px solid var(--line);padding:.6rem 0;max-width:60rem}
.number{display:inline-block;min-width:1.75rem}
h4 .soft{font-weight:normal}
.decision{margin:.4rem 0 0 1.25rem;border-left:3px solid var(--line);padding-left:.75rem}
@page{size:A4 landscape;margin:12mm}
@media print{table{font-size:7pt;table-layout:fixed}th,td{hyphens:auto;padding:.15rem .25rem;overflow-wrap:anywhere}
  tbody th,th:nth-child(4),td:nth-child(n){min-width:0}
  th:nth-child(1),th:nth-child(3),th:nth-child(4),th:nth-child(11){width:13%}}
"""
