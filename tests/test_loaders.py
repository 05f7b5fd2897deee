"""PDF, web pages, Word and FirstAgenda's JSON become the same clean text, or one sentence that says why not."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askamu.errors import (
    BinaryFile,
    DamagedFile,
    EncryptedFile,
    ForeignJson,
    NoTextFound,
    TooLongToRead,
    TooManyPages,
    TooMuchText,
    Unreadable,
)
from askamu.load import Source, clean, load
from askamu.loaders import Format, pdf, sniff
from askamu.loaders.blocks import Block, Kind
from askamu.loaders.firstagenda import municipality, read_json, tidy_headings
from askamu.loaders.html import read_html
from askamu.loaders.loaded import Budget, Loaded

canvas = pytest.importorskip("reportlab.pdfgen.canvas")


def saved(tmp_path: Path, name: str, data: bytes) -> Source:
    path = tmp_path / name
    path.write_bytes(data)
    return load(path)


def check_offsets(source: Source | Loaded) -> None:
    """What holds for every document: the text is clean, and every offset points at what it names."""
    text = source.text
    assert clean(text) == text
    assert list(source.pages) == sorted(source.pages)
    assert all(0 <= p <= len(text) for p in source.pages)
    end = 0
    for item in source.outline.items if source.outline else ():
        assert end <= item.start < item.end <= len(text)
        end = item.end
        head = text[item.start : item.end]
        assert item.title in head.split("\n")[0]
        assert item.case_number is None or item.case_number in head
        inside = item.start
        for section in item.sections:
            assert inside <= section.start <= section.body <= section.end <= item.end
            assert text[section.start : section.body] == (section.heading + "\n" if section.heading else "")
            inside = section.end


# -- PDF


def make_pdf(pages: list[list[str]], header: str = "", footer: str = "", encrypt: str | None = None) -> bytes:
    """A PDF of lines; $n in header and footer is the page's number."""
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=(595, 842), encrypt=encrypt)
    for number, lines in enumerate(pages, 1):
        for y, words in ((800, header), (30, footer)):
            if words:
                page.drawString(60, y, words.replace("$n", str(number)))
        for row, line in enumerate(lines):
            page.drawString(60, 740 - 14 * row, line)
        page.showPage()
    page.save()
    return out.getvalue()


TWO_PAGES = [
    ["Punkt 1: Småjob på Ærø", "Beslutning", "Udvalget godkendte indstillingen om beskæf-", "tigelse og den,"],
    ["som var på høring, i sin helhed.", "Punkt 2: Økonomi", "Navn Budget Forbrug", "Løn 1.200 900", "Drift 10 7"],
]


def test_pdf_pages_follow_each_other_without_header_and_footer(tmp_path: Path) -> None:
    source = saved(tmp_path, "a.pdf", make_pdf(TWO_PAGES, "Beskæftigelsesudvalget 12-03-2024", "Side $n af 2"))
    assert source.text == (
        "Punkt 1: Småjob på Ærø\nBeslutning\nUdvalget godkendte indstillingen om beskæftigelse\nog den,\n"
        "som var på høring, i sin helhed.\nPunkt 2: Økonomi\nNavn Budget Forbrug\nLøn 1.200 900\nDrift 10 7"
    )
    assert [source.text[p : p + 7] for p in source.pages] == ["Punkt 1", "som var"]
    check_offsets(source)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["uddan-", "nelse og job"], "uddannelse\nog job"),
        (["børne-", "og ungepolitik"], "børne-\nog ungepolitik"),
        (["i Høje-", "Taastrup nu"], "i Høje-Taastrup\nnu"),
        (["send en e-", "mail nu"], "send en e-mail\nnu"),
        (["årene 2024-", "2025 er"], "årene 2024-\n2025 er"),
        (["- et punkt", "- et til"], "- et punkt\n- et til"),
    ],
)
def test_pdf_words_broken_at_the_line_end(tmp_path: Path, lines: list[str], text: str) -> None:
    assert saved(tmp_path, "a.pdf", make_pdf([["Beslutning", *lines]])).text == "Beslutning\n" + text


def test_pdf_word_broken_at_the_page_end(tmp_path: Path) -> None:
    source = saved(tmp_path, "a.pdf", make_pdf([["Udvalget god-"], ["kendte sagen."]], footer="$n"))
    assert source.text == "Udvalget godkendte sagen."
    assert source.pages == (0, 12)


def test_pdf_decisions_that_repeat_are_no_footers(tmp_path: Path) -> None:
    """One item a page, each ending in the same words: at other heights, or inside the margins."""
    pages = [[f"Punkt {n}: Sag {'abcdef'[n]}", "Beslutning", *["Tekst"] * n, "Godkendt."] for n in range(1, 6)]
    source = saved(tmp_path, "a.pdf", make_pdf(pages, footer="$n"))
    assert source.text.count("Godkendt.") == 5
    assert source.text.count("Beslutning") == 5
    assert not re.search(r"^\d$", source.text, re.MULTILINE)


def test_pdf_full_pages_keep_their_last_line(tmp_path: Path) -> None:
    pages = [[f"Linje {'abc'[n]}{r} om sagen" for r in range(48)] for n in range(3)]
    assert len(saved(tmp_path, "a.pdf", make_pdf(pages, "Byrådet", "Side $n")).text.split("\n")) == 144


def test_pdf_longer_than_one_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "REOPEN", 2)
    for count in (1, 2, 3, 4, 5):
        source = saved(tmp_path, "a.pdf", make_pdf([[f"Tekst {'abcde'[n]} her"] for n in range(count)]))
        assert source.text == "\n".join(f"Tekst {'abcde'[n]} her" for n in range(count))


def test_pdf_roman_page_numbers(tmp_path: Path) -> None:
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=(595, 842))
    for number in ("i", "ii", "iii", "iv"):
        page.drawString(60, 700, f"Tekst på side {number} her")
        page.drawString(300, 30, number)
        page.showPage()
    page.save()
    assert saved(tmp_path, "a.pdf", out.getvalue()).text.split("\n")[-1] == "Tekst på side iv her"


def test_pdf_locked_cut_off_and_without_text(tmp_path: Path) -> None:
    whole = make_pdf(TWO_PAGES)
    for name, data, error in (
        ("locked.pdf", make_pdf(TWO_PAGES, encrypt="hemmelig"), EncryptedFile),
        ("cut.pdf", whole[: len(whole) // 2], DamagedFile),
        ("nearly.pdf", whole[:-300], DamagedFile),
        ("name.pdf", b"ingen PDF", DamagedFile),
        ("empty.pdf", make_pdf([[], [], []]), NoTextFound),
    ):
        with pytest.raises(error, match=re.escape(name)):
            saved(tmp_path, name, data)


def test_pdf_of_pictures_is_said_to_be_scanned(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    page = canvas.Canvas(out)
    for _ in range(2):
        page.drawInlineImage(image.new("RGB", (40, 40), "grey"), 50, 50, 400, 600)
        page.showPage()
    page.save()
    with pytest.raises(NoTextFound, match="scanned") as caught:
        saved(tmp_path, "scan.pdf", out.getvalue())
    assert "skannet" in caught.value.say("da") or "scannet" in caught.value.say("da")


def test_pdf_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_pdf(TWO_PAGES)
    with pytest.raises(TooLongToRead):
        pdf.read_pdf(data, Budget("a.pdf", seconds=0))
    with pytest.raises(TooMuchText):
        pdf.read_pdf(data, Budget("a.pdf", max_chars=20))
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    with pytest.raises(TooManyPages, match="2 pages"):
        saved(tmp_path, "a.pdf", data)


# -- web pages

PAGE = """<!DOCTYPE html><html><head><title>Kommunen</title><style>p{}</style>
<link rel="canonical" href="https://dagsordener.greve.dk/moede/7"></head><body>
<nav><a href="/">Forside</a><a href="/p">Politik</a></nav><header><a href="/">Kommunen</a></header>
<div id="cookie-banner">Vi bruger cookies <button>OK</button></div>
<main><h1>Referat 1. oktober 2025</h1><ul class="breadcrumb"><li><a href="/">Hjem</a></li></ul>
<h2><button aria-expanded="false">1. Små&shy;job p&aring; Ærø</button></h2>
<div hidden style="display:none"><h3>Beslutning</h3><p>Godkendt med <b>8</b> stemmer<br>imod 1.</p><p>Venstre var imod.</p>
<ul><li>at se p&aring; det</li><li><p>at vente</p></li></ul>
<table><tr><th></th><th>2024</th><th>2025</th></tr><tr><td>Løn</td><td colspan=2>1.200</td></tr></table>
<script>alert('x')</script><a href="https://x.dk">Bilag 1</a></div></main>
<footer>Rådhuset</footer></body></html>"""


def test_html_main_part_and_folded_content(tmp_path: Path) -> None:
    source = saved(tmp_path, "side.html", PAGE.encode())
    assert source.text == (
        "Referat 1. oktober 2025\n1. Småjob på Ærø\nBeslutning\nGodkendt med 8 stemmer\nimod 1.\n\nVenstre var imod.\n\n"
        "• at se på det\n• at vente\n\n\t2024\t2025\nLøn\t1.200\n\nBilag 1"
    )
    assert source.address == "https://dagsordener.greve.dk/moede/7"
    check_offsets(source)


def test_html_layout_tables_are_read_as_text() -> None:
    page = (
        "<html><body><table><tr><td><h2>Punkt 1: Budget</h2><p>"
        + "Lang tekst. " * 40
        + "</p></td><td>x</td></tr></table>"
    )
    assert read_html(page, Budget("a")).text.startswith("Punkt 1: Budget\nLang tekst.")


def test_html_rows_keep_their_columns_below_a_tall_cell() -> None:
    page = "<table><tr><td rowspan=2>Løn</td><td>1</td></tr><tr><td>2</td></tr></table>"
    assert read_html(page, Budget("a")).text == "Løn\t1\n\t2"


@pytest.mark.parametrize("markup", ["<div>" * 100_000, "<b>" * 100_000, "<ul><li>" * 50_000])
def test_html_too_deep_is_refused_at_once(markup: str) -> None:
    with pytest.raises(DamagedFile):
        read_html("<html><body>" + markup + "x", Budget("a"))


def test_html_that_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(NoTextFound):
        saved(tmp_path, "tom.html", b"<html><body><script>1</script></body></html>")


# -- Word


def make_docx() -> bytes:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Sidehoved"
    document.add_heading("Punkt 1: Småjob på Ærø", 1)
    document.add_heading("Beslutning", 2)
    document.add_paragraph("Godkendt.")
    document.add_paragraph("at se på det", style="List Bullet")
    table = document.add_table(rows=2, cols=3)
    for row, cells in zip(table.rows, (("", "2024", "2025"), ("Løn", "1.200", "900")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("Efter tabellen")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_docx_in_the_order_of_the_document(tmp_path: Path) -> None:
    source = saved(tmp_path, "a.docx", make_docx())
    assert source.text == (
        "## Punkt 1: Småjob på Ærø\n## Beslutning\nGodkendt.\n\n• at se på det\n\n\t2024\t2025\nLøn\t1.200\t900\n\nEfter tabellen"
    )
    check_offsets(source)


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return out.getvalue()


def test_docx_damaged_bombs_and_other_zips(tmp_path: Path) -> None:
    whole = make_docx()
    for name, data, error in (
        ("cut.docx", whole[:-400], DamagedFile),
        ("text.docx", b"ingen zip", DamagedFile),
        ("bomb.docx", zipped({"word/document.xml": b" " * 50_000_000}), DamagedFile),
        ("hollow.docx", zipped({"word/document.xml": b"<x/>"}), DamagedFile),
        ("sheet.zip", zipped({"xl/workbook.xml": b"<x/>"}), BinaryFile),
        ("locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), EncryptedFile),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), BinaryFile),
        ("rich.txt", rb"{\rtf1 Godkendt.}", BinaryFile),
    ):
        with pytest.raises(error, match=re.escape(name)):
            saved(tmp_path, name, data)


# -- FirstAgenda

LINK = "https://dagsordener.greve.dk/Vis/Pdf/bilag/1"


def meeting(*items: dict[str, Any], **held: Any) -> bytes:
    data = {
        "Udvalg": {"Navn": "Byråd 2022-2025"},
        "Moede": {"Dato": "2024-03-11T23:30:00Z", "Sted": " Byrådssalen ", **held},
        "Dagsordenpunkter": list(items),
        "Id": "607bf911-0289-42ca-a071-f6d1be3d5461",
    }
    return json.dumps(data).encode()


def entry(number: str, title: str, html: str, *attachments: str) -> dict[str, Any]:
    return {
        "Punktnummer": number,
        "Navn": title,
        "SagsNummer": "21-0144",
        "Felter": [{"Navn": "", "Html": html, "Link": LINK}],
        "Bilag": [{"Navn": a} for a in attachments],
    }


CASE = """<div><h3>Beslutning</h3><span>Godkendt.<br>Fraværende: A</span></div><h3>Fremstilling</h3><span>
<h4><span>I</span> ndstilling</h4><p>Det indstilles, at<ul><li>1</li><li>2</li></ul><h4>Økonomiske</h4><h4>konsekvenser</h4>
<table><tr><td>Løn</td><td>9</td></tr></table><h4>En hel sætning, som nogen skrev med store typer.</h4></span>"""


def test_json_text_and_outline(tmp_path: Path) -> None:
    people = [
        {"Name": "Ane Å", "Absent": False, "ParticipationCancelled": False},
        {"Name": "Bo", "Absent": True, "ParticipationCancelled": False},
        {"Name": "Cai", "Absent": False, "ParticipationCancelled": True},
    ]
    data = meeting(entry("1", "Småjob ", CASE, "Kort"), entry("2", "Lukket:  Køb", ""), Moededeltagere=people)
    source = saved(tmp_path, "m.json", data)
    assert source.text == (
        "Referat: Byråd\nMødedato: 12-03-2024 kl. 00:30\nMødested: Byrådssalen\nMødedeltagere: Ane Å\nFraværende: Bo, Cai\n\n"
        "Punkt 1: Småjob\nSagsnr.: 21-0144\n\nBeslutning\nGodkendt.\nFraværende: A\n\nIndstilling\nDet indstilles, at\n\n"
        "• 1\n• 2\n\nØkonomiske konsekvenser\nLøn\t9\n\nEn hel sætning, som nogen skrev med store typer.\n\nBilag\n• Kort\n\n"
        "Punkt 2: Lukket: Køb\nSagsnr.: 21-0144\n"
    )
    outline = source.outline
    assert outline is not None
    assert (outline.committee, outline.municipality, outline.held_on) == ("Byråd", "Greve", date(2024, 3, 12))
    assert (outline.place, outline.kind) == ("Byrådssalen", "referat")
    assert (outline.attendees, outline.absent) == (("Ane Å",), ("Bo", "Cai"))
    first, second = outline.items
    assert [s.heading for s in first.sections] == ["Beslutning", "Indstilling", "Økonomiske konsekvenser", "Bilag"]
    assert (first.number, first.title, first.closed, first.attachments) == ("1", "Småjob", False, ("Kort",))
    assert (second.title, second.closed, second.sections) == ("Køb", True, ())
    assert source.address == "https://dagsordener.greve.dk/vis?id=607bf911-0289-42ca-a071-f6d1be3d5461"
    check_offsets(source)


def test_case_text_below_an_empty_heading_is_not_the_decision() -> None:
    """Aarhus: <h3>Beslutninger</h3> decision <h3></h3> the case."""
    found = [
        Block(Kind.HEADING, "Beslutninger"),
        Block(Kind.TEXT, "Godkendt."),
        Block(Kind.HEADING, ""),
        Block(Kind.TEXT, "Sagen handler om …"),
        Block(Kind.HEADING, "Resume"),
        Block(Kind.HEADING, ""),
        Block(Kind.TEXT, "Kort."),
    ]
    assert [b.text for b in tidy_headings(found) if b.kind is Kind.HEADING] == ["Beslutninger", "", "Resume"]


@pytest.mark.parametrize(
    "data", ["{}", "[]", '{"Dagsordenpunkter": []}', '{"Dagsordenpunkter": [1]}', "{", "[" * 100_000]
)
def test_other_json_is_refused(tmp_path: Path, data: str) -> None:
    with pytest.raises(ForeignJson, match=r"x\.json"):
        saved(tmp_path, "x.json", data.encode())


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("dagsordener.greve.dk", "Greve"),
        ("dagsordener-referater.aarhus.dk", "Aarhus"),
        ("dagsordenpublicering.hoeje-taastrup.dk", "Høje-Taastrup"),
        ("koege-kommune.firstagenda.com", "Køge"),
        ("www.htk.dk", None),
        (None, None),
    ],
)
def test_municipality_of_a_host(host: str | None, name: str | None) -> None:
    assert municipality(host) == name


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Navn", "Html", "Link", "Name"]), inner)
    ),
    max_leaves=6,
)
markup = st.lists(
    st.sampled_from(
        ["<h3>", "</h3>", "<p>", "<br>", "<li>", "<ul>", "<table><tr><td>", "</table>", "Beslutning", "I ndstilling"]
    )
    | st.text(max_size=8),
    max_size=14,
).map("".join)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12), markup), min_size=1, max_size=3), values)
def test_whatever_a_meeting_holds_its_offsets_hold(items: list[tuple[str, str, str]], odd: Any) -> None:
    entries = [{"Punktnummer": n, "Navn": t, "Felter": [{"Html": h}], "Bilag": odd} for n, t, h in items]
    data = {"Dagsordenpunkter": entries, "Moede": odd, "Udvalg": odd, "Id": odd}
    check_offsets(read_json(json.dumps(data), Budget("x")))


@settings(deadline=None)
@given(markup)
def test_whatever_a_page_holds_its_text_is_clean(page: str) -> None:
    with suppress(NoTextFound):
        check_offsets(read_html("<html><body>" + page, Budget("x")))


@pytest.mark.parametrize(
    "make", [lambda: make_pdf(TWO_PAGES), make_docx, lambda: PAGE.encode(), lambda: meeting(entry("1", "A", CASE))]
)
def test_damaged_bytes_end_in_text_or_in_a_sentence(tmp_path: Path, make: Callable[[], bytes]) -> None:
    whole = make()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        broken = whole[:at] + b"\x00\xff" + whole[at + 2 :]
        with suppress(Unreadable):
            check_offsets(saved(tmp_path, "x.bin", broken))


@pytest.mark.parametrize(
    ("name", "data", "format"),
    [
        ("a.txt", b"%PDF-1.7 ...", Format.PDF),
        ("a.pdf", b"<!DOCTYPE html><html>", Format.HTML),
        ("a.txt", b"\xef\xbb\xbf\n<!-- x --><HTML lang=da>", Format.HTML),
        ("a.txt", b'{"Dagsordenpunkter": []}', Format.JSON),
        ("a.md", b"# Referat <html>", Format.TEXT),
        ("a.html", b"<p>Referat", Format.HTML),
        ("a", b"Referat", Format.TEXT),
    ],
)
def test_the_content_decides_before_the_name(name: str, data: bytes, format: Format) -> None:
    assert sniff(data, name) is format


# -- real documents


@pytest.mark.shared
def test_greve_outlines_are_the_files_own_fields(shared: Path) -> None:
    files = sorted((shared / "real" / "greve").glob("*.json"))
    assert len(files) == 196
    items = 0
    for path in files:
        source, data = load(path), json.loads(path.read_text(encoding="utf-8"))
        outline = source.outline
        assert outline is not None
        check_offsets(source)
        items += len(outline.items)
        for item, raw in zip(outline.items, data["Dagsordenpunkter"], strict=True):
            title = " ".join(raw["Navn"].split())
            assert (item.number, item.closed) == (raw["Punktnummer"], title.startswith("Lukket:"))
            assert item.title == title.removeprefix("Lukket:").strip()
            assert item.case_number == (raw["SagsNummer"] or None)
            assert len(item.attachments) == len(raw["Bilag"])
            html = (raw["Felter"][0]["Html"] or "") if raw["Felter"] else ""
            headings = [s.heading for s in item.sections]
            assert headings.count("Beslutning") == html.count("<h3>Beslutning</h3>")
        people = data["Moede"]["Moededeltagere"] or []
        away = [" ".join(p["Name"].split()) for p in people if p["Absent"] or p["ParticipationCancelled"]]
        assert outline.absent == (tuple(away) if people else None)
        assert outline.attendees is None or len(outline.attendees) == len(people) - len(away)
        assert outline.municipality == "Greve"
        assert str(outline.held_on) == data["Moede"]["Dato"][:10]
    assert items == 2880


@pytest.mark.shared
def test_aarhus_pdf(shared: Path) -> None:
    source = load(shared / "real" / "aarhus" / "byraad-2025-08-27.pdf")
    check_offsets(source)
    assert len(source.pages) == 28
    assert re.findall(r"^Punkt (\d+): ", source.text, re.MULTILINE) == [str(n) for n in range(1, 22)]
    assert "Mødedato Onsdag d. 27. august 2025" in source.text
    assert not re.search(r"^\s*(?:Side )?\d+\s*$", source.text, re.MULTILINE)
    assert not re.search("[\ufffe\ufffd\x02ﬁﬂ]", source.text)


@pytest.mark.shared
def test_aarhus_page(shared: Path) -> None:
    source = load(shared / "real" / "aarhus" / "teknisk-udvalg-2025-10-01.html")
    check_offsets(source)
    outline = source.outline
    assert outline is not None
    assert [i.number for i in outline.items] == ["1", "2", "3", "4", "5", "6"]
    assert (outline.committee, outline.held_on) == ("Teknisk Udvalg", date(2025, 10, 1))
    assert outline.items[1].title == "Udviklingsplan Aarhus Ø - endelig vedtagelse"
    assert [s.heading for s in outline.items[1].sections][:3] == ["Beslutninger", "", "Resume"]
    for menu in ("Tilbage til", "Kopier link", "Tip en ven", "Hent som PDF", "Hent hele", "localization"):
        assert menu not in source.text
