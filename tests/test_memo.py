"""A memo holds what is verified, says what is not, and nothing in it is more than text."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from conftest import SEEDS
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm
from fastapi.testclient import TestClient
from markdown_it import MarkdownIt

from askamu.answer import ask
from askamu.cite import plain
from askamu.config import Settings
from askamu.errors import BadMemo, BadTemplate
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.memo import (
    Answered,
    AnswerEntry,
    Memo,
    PassageEntry,
    Quote,
    TextEntry,
    Unconfirmed,
    Verified,
    as_record,
    read_memo,
    verify,
)
from askamu.memo_docx import as_docx
from askamu.memo_markdown import as_markdown
from askamu.minutes import Minutes, SectionKind

BASE = "https://referater.example"
HOSTILE = "x\x00\x1b\x07\ufffe\u202e<script>alert(1)</script> [her](http://evil.example) ![x](y.png)\n# **ja**\n- 1\n1. a [1]: http://e.x"


def asker(library: Library):
    return lambda question, filters, language: ask(library, question, filters=filters, language=language)


def verified(library: Library, *entries, base: str = BASE, **about) -> Verified:
    return verify(library, Memo(entries=entries, **about), asker(library), "da", base)


def a_section(library: Library, kind: SectionKind) -> tuple[Minutes, PassageEntry]:
    """The first public stretch of a kind."""
    for row in library.meetings:
        minutes = library.minutes(row.id)
        for item in minutes.items:
            for section in item.of_kind(kind):
                if not item.closed:
                    return minutes, PassageEntry(document=minutes.id, start=section.body, end=section.end)
    raise AssertionError(f"the seeds have no {kind}")


def read_back(memo: Verified, template: Path | None = None):
    return Document(BytesIO(as_docx(memo, template)))


def test_each_quote_in_word_is_the_stored_text(library: Library) -> None:
    entries = [a_section(library, k)[1] for k in (SectionKind.DECISION, SectionKind.CASE, SectionKind.RECOMMENDATION)]
    memo = verified(library, *entries, title="Budget", author="Anna", date=date(2026, 1, 2))
    document = read_back(memo)
    quotes = [p for p in document.paragraphs if p.style.name == "Quote"]
    assert len(quotes) == 3
    for paragraph, entry, part in zip(quotes, entries, memo.parts, strict=True):
        shown, mark = re.fullmatch(r"»(.*)« \[(\d)\]", paragraph.text, re.DOTALL).groups()
        stored = library.minutes(entry.document).text[entry.start : entry.end]
        assert " ".join(shown.split()) == plain(stored)
        assert mark == str(part.source.n)
    assert any("— " in p.text and "(en indstilling, ikke en beslutning)" in p.text for p in document.paragraphs)
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == ["Kilder"]
    assert document.paragraphs[0].style.name == "Title"
    about = document.core_properties
    assert (about.title, about.author, about.language, about.created.date()) == (
        "Budget",
        "Anna",
        "da-DK",
        date(2026, 1, 2),
    )


def test_every_citation_of_an_answer_becomes_a_source(library: Library) -> None:
    questions = ["Hvilke punkter blev udsat?", "Hvad besluttede udvalget om budgetopfølgningen?", "Hvad er vejret?"]
    memo = verified(library, *(AnswerEntry(question=q) for q in questions), AnswerEntry(question=questions[0]))
    first, second, third, again = memo.parts
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)
    assert isinstance(third, Answered)
    numbers = [int(n) for part in memo.parts if isinstance(part, Answered) for n in re.findall(r"\[(\d+)\]", part.text)]
    assert set(numbers) == {s.n for s in memo.sources} == set(range(1, len(memo.sources) + 1))
    assert again.text == first.text  # equal sources share a number
    assert third.sources == ()
    document = read_back(memo)
    links = [r.target_ref for r in document.part.rels.values() if r.is_external]
    assert sorted(links) == sorted({f"{s.link}#citat" for s in memo.sources})
    marks = document.element.body.findall(f".//{qn('w:hyperlink')}[@{qn('w:anchor')}]")
    named = {b.get(qn("w:name")) for b in document.element.body.iter(qn("w:bookmarkStart"))}
    assert {m.get(qn("w:anchor")) for m in marks} == named == {f"kilde_{s.n}" for s in memo.sources}


def test_a_manipulated_quote_gets_no_number(library: Library) -> None:
    minutes, good = a_section(library, SectionKind.DECISION)
    false = good.model_copy(update={"quote": "Udvalget vedtog at lukke svømmehallen.", "note": "vigtigt"})
    outside = PassageEntry(document=good.document, start=10**8, end=10**8 + 5)
    across = PassageEntry(document=good.document, start=good.start - 20, end=good.end)
    unknown = PassageEntry(document="findes-ikke", start=1, end=5, quote="Hej")
    memo = verified(library, false, outside, across, unknown)
    assert memo.sources == ()
    assert all(isinstance(p, Unconfirmed) for p in memo.parts)
    assert len({p.reason for p in memo.unconfirmed}) == 4
    assert memo.unconfirmed[0].newer is not None
    for said in ("\n".join(p.text for p in read_back(memo).paragraphs), as_markdown(memo)):
        assert "Ikke bekræftet" in said
        assert "Udvalget vedtog at lukke svømmehallen." in said
        assert "»" not in said
        assert "[1]" not in said
        assert "vigtigt" in said
    right = good.model_copy(update={"quote": "  " + minutes.text[good.start : good.end].replace(" ", "\n", 1)})
    first, second = verified(library, right, good).parts
    assert isinstance(first, Quote)
    assert first == second


def test_a_decision_brings_the_recommendation_that_it_adopts(library: Library) -> None:
    minutes, entry = a_section(library, SectionKind.DECISION)
    memo = verified(library, entry)
    (quote,) = memo.parts
    assert isinstance(quote, Quote)
    assert quote.adopted
    assert all("ikke en beslutning" in s.caution and s.span.of(minutes.text) for s in quote.adopted)
    said = as_markdown(memo)
    assert said.index("Indstillingen, som beslutningen følger:") < said.index(quote.adopted[0].lines[0])
    document = read_back(memo)
    points = [p.text for p in document.paragraphs if p.style.name == "List Bullet"]
    assert points == [f"»{' '.join(s.lines)}« [{s.n}]" for s in quote.adopted]


def test_nothing_of_a_closed_item_is_exported(library: Library) -> None:
    minutes, item = next(
        (m, i) for row in library.meetings for m in [library.minutes(row.id)] for i in m.items if i.closed and i.title
    )
    public = minutes.text.index(item.title, item.start)
    heading = PassageEntry(document=minutes.id, start=public, end=public + len(item.title))
    assert isinstance(verified(library, heading).parts[0], Quote)
    end = item.sections[0].end
    beyond = PassageEntry(document=minutes.id, start=public, end=max(item.end, end + 1), quote="HEMMELIGT")
    memo = verified(library, beyond)
    assert isinstance(memo.parts[0], Unconfirmed)
    assert "HEMMELIGT" not in as_markdown(memo)


def test_replaced_minutes_lead_to_the_newer_ones(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", embedder="keywords")
    file = tmp_path / "minutes.txt"
    original = (SEEDS / "fjordlev-amu-2024-03.txt").read_text(encoding="utf-8")
    file.write_text(original, encoding="utf-8")
    ingest([file], settings)
    library = open_library(settings)
    old, entry = a_section(library, SectionKind.DECISION)
    words = old.text[entry.start : entry.end].strip()
    entry = PassageEntry(document=old.id, start=entry.start, end=entry.start + len(words), quote=words)
    file.write_text(
        original.replace("Arbejdsmarkedsudvalget", "Arbejdsmarkedsudvalget\n", 1) + "\nRettet.\n", encoding="utf-8"
    )
    ingest([file], settings)
    library = open_library(settings)
    (part,) = verified(library, entry).parts
    assert isinstance(part, Unconfirmed)
    assert part.newer is not None
    newer = library.minutes(part.newer.document)
    assert newer.id != old.id
    assert part.newer.span is not None
    assert part.newer.span.of(newer.text) == words
    assert part.newer.link.startswith(f"{BASE}/kilde/{newer.id}/")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A municipality's own: Danish names, a header, a wide margin, a first page with a header of its own."""
    document = Document()
    for old, new in [("Quote", "Citat"), ("Heading 1", "Overskrift 1")]:
        style = document.styles[old].element
        style.find(qn("w:name")).set(qn("w:val"), new)
    document.sections[0].header.paragraphs[0].text = "Greve Kommune – brevhoved"
    document.sections[0].left_margin = Mm(44)
    document.add_paragraph("Skabelonens brødtekst")
    document.add_table(1, 1)
    document.add_section()  # takes its header from the one before
    document.core_properties.author = "Skabelonens forfatter"
    path = tmp_path / "skabelon.docx"
    document.save(path)
    return path


def test_the_operators_template_is_kept_and_its_body_is_not(library: Library, template: Path) -> None:
    memo = verified(library, a_section(library, SectionKind.DECISION)[1], TextEntry(type="heading", text="Mit"))
    document = read_back(memo, template)
    assert "Skabelonens brødtekst" not in "\n".join(p.text for p in document.paragraphs)
    assert document.tables == []
    (section,) = document.sections
    assert section.header.paragraphs[0].text == "Greve Kommune – brevhoved"
    assert abs(section.left_margin - Mm(44)) < Mm(1)
    styles = [p.style.name for p in document.paragraphs]
    assert "Citat" in styles
    assert "Overskrift 1" in styles
    assert "Skabelonens" not in document.core_properties.author


def test_a_template_without_styles_gets_them(library: Library, tmp_path: Path) -> None:
    document = Document()
    for style in list(document.styles):
        if style.name not in ("Normal", "Default Paragraph Font"):
            style.delete()
    path = tmp_path / "bar.docx"
    document.save(path)
    made = read_back(verified(library, a_section(library, SectionKind.DECISION)[1]), path)
    levels = {p.style.name: p.style.element.find(f".//{qn('w:outlineLvl')}") for p in made.paragraphs}
    assert levels["Heading 1"].get(qn("w:val")) == "0"
    assert "Quote" in levels


def test_what_is_no_template_is_said_to_be_none(library: Library, template: Path, tmp_path: Path) -> None:
    macros, text, dotx = tmp_path / "m.docx", tmp_path / "t.docx", tmp_path / "x.docx"
    macros.write_bytes(template.read_bytes())
    with zipfile.ZipFile(macros, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    text.write_text("hej")
    with zipfile.ZipFile(dotx, "w") as archive:
        archive.writestr("a", b"x")
    memo = verified(library, TextEntry(type="text", text="Hej"))
    for bad, why in [(macros, "makroer"), (text, ".docx"), (dotx, ".docx"), (tmp_path / "nix.docx", ".docx")]:
        with pytest.raises(BadTemplate) as refused:
            as_docx(memo, bad)
        assert why in refused.value.say("da")
        assert str(bad) in refused.value.say("en")


@pytest.mark.parametrize(("language", "tag"), [("da", "da-DK"), ("en", "en-GB")])
def test_word_knows_the_language(library: Library, language: str, tag: str) -> None:
    entry = a_section(library, SectionKind.DECISION)[1]
    document = read_back(verified(library, entry, AnswerEntry(question="Hvilke punkter blev udsat?"), lang=language))
    tags = {e.get(qn("w:val")) for e in document.element.body.iter(qn("w:lang"))}
    assert tags == {tag}
    assert all(r.find(f"{qn('w:rPr')}/{qn('w:lang')}") is not None for r in document.element.body.iter(qn("w:r")))
    assert {e.get(qn("w:val")) for e in document.styles.element.find(qn("w:docDefaults")).iter(qn("w:lang"))} == {tag}


def test_hostile_words_stay_words(library: Library) -> None:
    entry = a_section(library, SectionKind.DECISION)[1].model_copy(update={"note": HOSTILE})
    claim = PassageEntry(document="nix", start=1, end=2, quote=HOSTILE)
    own = [TextEntry(type="text", text=HOSTILE), TextEntry(type="heading", text=HOSTILE)]
    memo = verified(library, entry, claim, *own, AnswerEntry(question=HOSTILE), title=HOSTILE, author=HOSTILE)
    document = read_back(memo)
    said = "\n".join(p.text for p in document.paragraphs)
    assert "<script>alert(1)</script>" in said
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff\u202a-\u202e]", said)
    assert all("evil" not in r.target_ref for r in document.part.rels.values() if r.is_external)
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(as_markdown(memo))
    assert "<script" not in html
    assert "<img" not in html
    assert set(re.findall(r'href="([^"]*)"', html)) == {f"{s.link}#citat".replace("&", "&amp;") for s in memo.sources}
    assert html.count("<h1") == 1
    assert html.count("<ol") == 0


def test_cpr_numbers_in_notes_are_struck_out(library: Library) -> None:
    memo = verified(library, TextEntry(type="text", text="Borgeren 010190-1234 klagede"))
    assert "1234" not in as_markdown(memo)


def test_without_an_address_the_file_is_named(library: Library) -> None:
    minutes, entry = a_section(library, SectionKind.DECISION)
    memo = verified(library, entry, base="")
    assert minutes.source.replace("_", "\\_") in as_markdown(memo)
    assert "http" not in as_markdown(memo)
    assert [r for r in read_back(memo).part.rels.values() if r.is_external] == []


def test_a_memo_that_is_none_is_refused(library: Library) -> None:
    for bad in ("", "[]", '{"entries": [{"type": "file", "path": "/etc/passwd"}]}', '{"title": "' + "x" * 400 + '"}'):
        with pytest.raises(BadMemo):
            read_memo(bad)
    many = {"entries": [{"type": "answer", "question": "?"}] * 30}
    with pytest.raises(BadMemo, match="20"):
        verify(library, read_memo(json.dumps(many)), asker(library), "da")


def test_the_record_has_one_entry_each(library: Library) -> None:
    record = as_record(
        verified(library, a_section(library, SectionKind.DECISION)[1], TextEntry(type="text", text="Hej"))
    )
    assert [e["status"] for e in record["entries"]] == ["confirmed", "own"]
    assert record["entries"][0]["permalink"] == record["sources"][0]["permalink"]


@pytest.fixture(scope="module")
def client(seed_index: Path):
    from askamu.ui.server import create_app

    with TestClient(create_app(Settings(index=seed_index)), base_url="http://testserver") as opened:
        yield opened


def test_the_api_verifies_and_writes(client: TestClient, library: Library) -> None:
    entry = a_section(library, SectionKind.DECISION)[1].model_dump()
    memo = {
        "title": 'Sag om æbler/../x"',
        "entries": [entry, {"type": "answer", "question": "Hvilke punkter blev udsat?"}],
    }
    checked = client.post("/api/memo/check", json=memo).json()
    assert [e["status"] for e in checked["entries"]] == ["confirmed", "answered"]
    assert checked["entries"][0]["permalink"].startswith("http://testserver/kilde/")
    assert client.get(checked["entries"][0]["permalink"]).text.count('<mark id="citat">') == 1
    word = client.post("/api/memo.docx", json=memo)
    assert "filename*=UTF-8''Sag%20om%20%C3%A6blerx.docx" in word.headers["content-disposition"]
    assert Document(BytesIO(word.content)).core_properties.title.startswith("Sag om æbler")
    assert client.post("/api/memo.md?lang=en", json=memo).text.rstrip().splitlines()[-1].startswith("[")
    assert client.post("/api/memo.md", json={"entries": [{"type": "passage"}]}).status_code == 422
    assert client.post("/api/memo.md", content=b"x" * 70_000).status_code == 413


def test_a_source_page_offers_its_quote(client: TestClient, library: Library) -> None:
    minutes, entry = a_section(library, SectionKind.RECOMMENDATION)
    item = next(i for i in minutes.items if i.start <= entry.start < i.end)
    page = client.get(f"/kilde/{minutes.id}/{item.number}?fra={entry.start}&til={entry.end}").text
    assert "ikke en beslutning" in re.search(r'data-copy="([^"]*)"', page)[1]
    assert f"&#34;start&#34;: {entry.start}" in page
    assert "data-copy" not in client.get(f"/kilde/{minutes.id}/{item.number}").text


def test_the_memo_page_says_what_it_needs(client: TestClient) -> None:
    page = client.get("/notat").text
    assert "kræver JavaScript" in page
    assert "needs JavaScript" in client.get("/notat?lang=en").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)


def test_the_terminal_writes_one(
    seed_index: Path, library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from askamu.cli import app

    minutes, entry = a_section(library, SectionKind.DECISION)
    out = tmp_path / "notat.docx"
    place = f"{minutes.source}:{entry.start}-{entry.end}"
    run = CliRunner().invoke(
        app,
        [
            "memo",
            "Hvilke punkter blev udsat?",
            "--passage",
            place,
            "--out",
            str(out),
            "--title",
            "T",
            "--index",
            str(seed_index),
        ],
    )
    assert run.exit_code == 0, run.output
    assert Document(str(out)).paragraphs[0].text == "T"
    stored = tmp_path / "memo.json"
    stored.write_text(json.dumps({"entries": [{"type": "passage", "document": "nix", "start": 1, "end": 2}]}))
    run = CliRunner().invoke(app, ["memo", "--from", str(stored), "--index", str(seed_index)])
    assert run.exit_code == 1
    assert "Ikke bekræftet" in run.output
    assert CliRunner().invoke(app, ["memo", "--index", str(seed_index)]).exit_code == 2
    for bad in (["--out", "x.pdf"], ["--base-url", "javascript:x"], ["--passage", "sludder"]):
        refused = CliRunner().invoke(app, ["memo", "Hvad?", *bad, "--index", str(seed_index)])
        assert refused.exit_code != 0
        assert not isinstance(refused.exception, (ValueError, KeyError, TypeError))
