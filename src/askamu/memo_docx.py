"""A verified memo -> a Word document, in the operator's own template where there is one."""

from __future__ import annotations

import copy
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from markdown_it import MarkdownIt
from markdown_it.token import Token

from askamu.errors import BadTemplate
from askamu.memo import WEB, Answered, OwnWords, Quote, Source, Unconfirmed, Verified
from askamu.texts import day_text, text

LANGUAGE_TAGS = {"da": "da-DK", "en": "en-GB"}
MAX_TEMPLATE = 30_000_000  # bytes, packed or not
# The styles a memo needs: what templates call them, the first being Word's own name.
STYLES = {
    "title": ("Title", "Titel"),
    "heading": ("Heading 1", "Overskrift 1"),
    "text": ("Normal", "Standard"),
    "quote": ("Quote", "Citat", "Intense Quote", "Stærkt citat", "Block Text", "Bloktekst"),
    "bullet": ("List Bullet", "Opstilling - punkttegn", "Punktopstilling"),
}
# What XML can't hold, or should not.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARK = re.compile(r"\[(\d+)\]")
_OFF = ["link", "image", "autolink", "reference", "html_block", "html_inline", "code", "fence", "lheading", "hr"]


def as_docx(memo: Verified, template: Path | None = None) -> bytes:
    """The memo as a .docx file.

    Args:
        template: a .docx whose styles, header, footer and page set-up are kept, and whose body is not.

    Raises:
        BadTemplate: if it is no .docx, or has macros.
    """
    document = open_template(template) if template else _plain_document()
    out = BytesIO()
    _Writer(document, memo).write()
    for id, relation in list(document.part.package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):  # a picture of the template
            document.part.package.rels.pop(id)
    document.save(out)
    return out.getvalue()


def open_template(file: Path) -> DocxDocument:
    """A template with its body emptied. Raises BadTemplate."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [info.filename.casefold() for info in archive.infolist()]
            if sum(info.file_size for info in archive.infolist()) > MAX_TEMPLATE:
                raise BadTemplate("template_unreadable", file)
            kinds = archive.read("[Content_Types].xml")
        if any(name.endswith("vbaproject.bin") for name in names) or b"macroEnabled" in kinds:
            raise BadTemplate("template_macros", file)
        document = Document(str(file))
        _empty(document)
    except BadTemplate:
        raise
    except Exception as error:  # python-docx says in a dozen ways that a file is none
        raise BadTemplate("template_unreadable", file) from error
    return document


def _empty(document: DocxDocument) -> None:
    """Take all away but the last section's set-up, with the headers and footers that it took from earlier ones."""
    body = document.element.body
    setups = list(body.iter(qn("w:sectPr")))
    last = body.get_or_add_sectPr()
    shown = {(r.tag, r.get(qn("w:type"))) for r in _references(last)}
    for setup in reversed(setups):
        for reference in _references(setup):
            key = (reference.tag, reference.get(qn("w:type")))
            if key not in shown:
                shown.add(key)
                last.insert(0, copy.deepcopy(reference))
    for child in list(body):
        if child is not last:
            body.remove(child)
    settings: Any = document.part._settings_part
    for kind in ("w:attachedTemplate", "w:documentProtection", "w:trackRevisions", "w:mailMerge"):
        for found in settings.element.findall(qn(kind)):
            settings.element.remove(found)
    for id, relation in list(settings.rels.items()):
        if relation.is_external:  # where the template's own template lies
            settings.rels.pop(id)


def _references(setup: Any) -> list[Any]:
    return [r for tag in ("w:headerReference", "w:footerReference") for r in setup.findall(qn(tag))]


def _plain_document() -> DocxDocument:
    """Without a template: A4 and quiet styles."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(25)
    section.top_margin = section.bottom_margin = Mm(25)
    styles: Any = document.styles
    styles["Normal"].font.name, styles["Normal"].font.size = "Calibri", Pt(11)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    styles["Quote"].paragraph_format.left_indent = Mm(8)
    for name, size in (("Title", 22), ("Heading 1", 15)):
        styles[name].font.size, styles[name].font.color.rgb = Pt(size), RGBColor(0x1A, 0x51, 0x66)
        fonts = styles[name].element.rPr.rFonts
        fonts.attrib.clear()
        styles[name].font.name = "Calibri"
    return document


class _Writer:
    """One memo being written into one document."""

    def __init__(self, document: DocxDocument, memo: Verified) -> None:
        self.document, self.memo, self.language = document, memo, memo.language
        self.tag = LANGUAGE_TAGS[memo.language]
        self.styles = {use: self.style(use) for use in STYLES}
        self.numbers = {s.n for s in memo.sources}

    def write(self) -> None:
        memo = self.memo
        self.properties()
        self.line("title", memo.title)
        when = day_text(memo.date, self.language) if memo.date else ""
        if byline := ", ".join(x for x in (memo.author, when) if x):
            self.line("text", byline)
        for part in memo.parts:
            self.part(part)
        if memo.sources:
            self.line("heading", text("memo.sources", self.language))
            self.line("text", text("memo.sources_lead", self.language))
            for source in memo.sources:
                self.source(source, quoted=source.n in memo.quoted)
        if memo.unconfirmed:
            self.line("heading", text("memo.unconfirmed", self.language))
            self.line("text", text("memo.unconfirmed_lead", self.language))
            for part in memo.unconfirmed:
                self.unconfirmed(part)

    def properties(self) -> None:
        """Who wrote what when, and in which language; nothing of the template's own history."""
        about = self.document.core_properties
        about.title, about.author, about.language = self.memo.title[:255], self.memo.author[:255], self.tag
        about.last_modified_by, about.comments, about.subject, about.keywords = self.memo.author[:255], "", "", ""
        about.category, about.content_status, about.identifier, about.revision = "", "", "", 1
        for name in ("dcterms:created", "dcterms:modified", "cp:lastPrinted"):
            for found in about._element.findall(qn(name)):
                about._element.remove(found)
        if self.memo.date:
            about.created = about.modified = datetime.combine(self.memo.date, time())
        defaults = self.document.styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
        if defaults is not None:
            self.say_language(defaults)

    def part(self, part: Quote | Answered | Unconfirmed | OwnWords) -> None:
        if isinstance(part, OwnWords):
            for words in part.paragraphs:
                self.line("heading" if part.heading else "text", words)
        elif isinstance(part, Quote):
            paragraph = self.paragraph("quote")
            self.run(paragraph, f"»{part.source.quote}« ")
            self.mark(paragraph, part.source.n)
            paragraph.paragraph_format.keep_with_next = True
            self.run(self.paragraph("text"), f"— {part.source.short}", small=True)
            if part.adopted:
                self.line("text", text("memo.adopted", self.language))
            for source in part.adopted:
                paragraph = self.paragraph("bullet")
                self.run(paragraph, f"»{' '.join(source.lines)}« ")
                self.mark(paragraph, source.n)
            self.note(part.note)
        elif isinstance(part, Answered):
            self.line("heading", part.question)
            for remark in part.remarks:
                self.run(self.paragraph("text"), remark, italic=True)
            self.markdown(part.text)
            self.note(part.note)

    def note(self, note: str) -> None:
        if note:
            paragraph = self.paragraph("text")
            self.run(paragraph, text("memo.note", self.language), bold=True)
            self.run(paragraph, f" {note}")

    def source(self, source: Source, *, quoted: bool) -> None:
        """»[1] Greve Kommune, …«, with a bookmark that the marks lead to, and the link."""
        paragraph = self.paragraph("text")
        start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
        start.set(qn("w:id"), str(9_000 + source.n))
        start.set(qn("w:name"), f"kilde_{source.n}")
        end.set(qn("w:id"), str(9_000 + source.n))
        paragraph._p.append(start)
        self.run(paragraph, f"[{source.n}] ", bold=True)
        paragraph._p.append(end)
        self.run(paragraph, source.reference)
        if not quoted:
            self.run(paragraph, f"\n»{' '.join(source.lines)}«", italic=True)
        self.run(paragraph, "\n")
        if source.link.startswith(WEB):
            self.link(paragraph, f"{source.link}#citat", address=f"{source.link}#citat")
        else:
            file = text("memo.file", self.language, file=source.file, start=source.span.start, end=source.span.end)
            self.run(paragraph, file, small=True)

    def unconfirmed(self, part: Unconfirmed) -> None:
        paragraph = self.paragraph("bullet")
        self.run(paragraph, f"{part.reason} ({part.where})" if part.where else part.reason)
        if part.claim:
            self.run(paragraph, "\n" + text("memo.claimed", self.language, words=" ".join(part.claim.split())))
        if part.newer:
            before, _, after = text("memo.see", self.language, link="\0").partition("\0")
            self.run(paragraph, "\n" + before)
            address = part.newer.link if part.newer.link.startswith(WEB) else None
            self.link(paragraph, part.newer.link, address=address)
            self.run(paragraph, after)
        if part.note:
            self.run(paragraph, f"\n{text('memo.note', self.language)} {part.note}")

    # -- an answer's Markdown ------------------------------------------------------------------

    def markdown(self, answer: str) -> None:
        """The paragraphs and lists of an answer; what else Markdown knows stays text."""
        use, prefix = "text", ""
        number: list[int | None] = []
        reader = MarkdownIt("commonmark", {"html": False}).disable([*_OFF, "text_join"])  # escaped text stays apart
        for token in reader.parse(answer):
            if token.type in ("bullet_list_open", "ordered_list_open"):
                number.append(int(token.attrGet("start") or 1) if token.type[0] == "o" else None)
            elif token.type in ("bullet_list_close", "ordered_list_close"):
                number.pop()
            elif token.type == "list_item_open":
                use, prefix = ("text", f"{number[-1]}. ") if number[-1] is not None else ("bullet", "")
                number[-1] = number[-1] + 1 if number[-1] is not None else None
            elif token.type == "list_item_close":
                use, prefix = "text", ""
            elif token.type == "inline":
                paragraph = self.paragraph(use)
                self.run(paragraph, prefix)
                self.inline(paragraph, token.children or [])
                prefix = ""

    def inline(self, paragraph: Paragraph, tokens: Sequence[Token]) -> None:
        bold = italic = False
        for kind, content in _merged(tokens):
            if kind in ("strong_open", "strong_close"):
                bold = kind == "strong_open"
            elif kind in ("em_open", "em_close"):
                italic = kind == "em_open"
            elif kind == "marked":
                for at, piece in enumerate(_MARK.split(content)):
                    if at % 2 and int(piece) in self.numbers:
                        self.mark(paragraph, int(piece))
                    else:
                        self.run(paragraph, f"[{piece}]" if at % 2 else piece, bold=bold, italic=italic)
            else:
                self.run(paragraph, "\n" if kind == "break" else content, bold=bold, italic=italic)

    # -- what Word is made of ------------------------------------------------------------------

    def line(self, use: str, words: str) -> None:
        self.run(self.paragraph(use), words)

    def paragraph(self, use: str) -> Paragraph:
        return self.document.add_paragraph(style=self.styles[use])

    def run(
        self, paragraph: Paragraph, words: str, bold: bool = False, italic: bool = False, small: bool = False
    ) -> Any:
        if not words:
            return None
        run = paragraph.add_run(fit(words))
        run.bold, run.italic = bold or None, italic or None
        if small:
            run.font.size = Pt(9)
        self.say_language(run._r.get_or_add_rPr())
        return run

    def mark(self, paragraph: Paragraph, n: int) -> None:
        """»[3]«, which leads to its source."""
        self.link(paragraph, f"[{n}]", anchor=f"kilde_{n}")

    def link(self, paragraph: Paragraph, words: str, address: str | None = None, anchor: str | None = None) -> None:
        """A link; to nowhere it is plain text."""
        run = self.run(paragraph, words)
        if address is None and anchor is None:
            return
        link = OxmlElement("w:hyperlink")
        if anchor:
            link.set(qn("w:anchor"), anchor)
        else:
            to = paragraph.part.relate_to(fit(address or ""), RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
            link.set(qn("r:id"), to)
            run.font.underline = True
            run.font.color.rgb = RGBColor(0x1A, 0x51, 0x66)
        link.set(qn("w:history"), "1")
        run._r.addprevious(link)
        link.append(run._r)

    def say_language(self, properties: Any) -> None:
        for found in properties.findall(qn("w:lang")):
            properties.remove(found)
        lang = OxmlElement("w:lang")
        lang.set(qn("w:val"), self.tag)
        properties.append(lang)

    def style(self, use: str) -> Any:
        """The template's style for a use, or one of our own where it has none."""
        names = STYLES[use]
        there = {s.name.casefold(): s for s in self.document.styles if s.type == WD_STYLE_TYPE.PARAGRAPH and s.name}
        for name in names:
            if name.casefold() in there:
                return there[name.casefold()]
        made: Any = self.document.styles.add_style(names[0], WD_STYLE_TYPE.PARAGRAPH, builtin=True)
        made.base_style = there.get("normal")
        made.quick_style = True
        if use in ("title", "heading"):
            made.font.bold, made.font.size = True, Pt(20 if use == "title" else 14)
            made.paragraph_format.keep_with_next = True
            made.paragraph_format.space_before = Pt(12)
        if use == "heading":
            level = OxmlElement("w:outlineLvl")
            level.set(qn("w:val"), "0")
            made.element.get_or_add_pPr().append(level)
        if use == "quote":
            made.font.italic, made.paragraph_format.left_indent = True, Mm(8)
        if use == "bullet":
            made.paragraph_format.left_indent = Mm(6)
        return made


def fit(words: str) -> str:
    """Text that XML can hold."""
    return _UNFIT.sub("\ufffd", words)


def _merged(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Inline tokens as (kind, text). Text that a writer escaped is no mark: only »marked« may hold [n]."""
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield "break", ""
        elif token.type == "text":
            yield "marked", token.content
        elif token.type == "text_special":
            yield "text", token.content
        else:
            yield token.type, token.content
