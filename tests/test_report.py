"""The report on how files were read: everything in it, nothing that runs or is fetched."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import SEEDS, all_files, read, seed_files
from test_cli import TRACE, run

from askamu import texts
from askamu.load import Source
from askamu.minutes import SectionKind
from askamu.parse import parse
from askamu.report import LOW_CONFIDENCE, Read, noise_lines, report, without_sections

VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser makes of the page: its tags with attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def flat(text: str) -> str:
    return " ".join(text.split())


def assert_stands_alone(html: str) -> Page:
    page = Page(html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "svg", "video", "audio"}
    for _, attributes in page.tags:
        assert not [
            a for a in attributes if a.startswith("on") or a in ("src", "srcset", "style", "background", "action")
        ]
        assert (attributes.get("href") or "#").startswith("#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import|https?:|//", style)
    assert "default-src 'none'" in html
    return page


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_seeds_have_everything_read_in_them(language: str) -> None:
    files = [Read(p.name, read(p)) for p in all_files()]
    page = assert_stands_alone(report(files, language))
    for file in files:
        m = file.minutes
        assert m is not None
        assert flat(m.source) in page.text
        for item in m.items:
            assert flat(item.title) in page.text
            assert (item.case_number or "") in page.text
            if item.decision:
                assert flat(m.text[item.decision.start : item.decision.end]) in page.text
                for span in item.decision.adopts:
                    assert flat(span.of(m.text)) in page.text
        for line in noise_lines(m):
            assert flat(line) in page.text
        for warning in m.warnings:
            assert flat(warning) in page.text
    assert [t for t, _ in page.tags].count("article") == sum(len(f.minutes.items) for f in files if f.minutes)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_kind_of_section_has_a_name(language: str) -> None:
    for kind in SectionKind:
        assert texts.text(f"report.{kind.value}", language)


EVIL = (
    '</td><script>alert(1)</script><img src=x onerror="alert(1)">&amp;\'"><style>@import url(http://x.example/)</style>'
)


def test_hostile_minutes_stay_text() -> None:
    text = (
        f"Referat\n{EVIL}\nHolstebro Kommune\nMødedato: 11-03-2024\nMødested: {EVIL}\nDeltagere: {EVIL}\n\n"
        f"Punkt 1: {EVIL}\n\nSagsnr.: 15.00.15-P16-1-23\n\nSagsfremstilling\n{EVIL}\n\nIndstilling\nDet indstilles, at {EVIL}\n\n"
        f"Beslutning\nGodkendt som indstillet. {EVIL}\n\nBilag\n{EVIL}\nUdskriv\nSide 2 af 3\n"
    )
    minutes = parse(Source(f"{EVIL}.txt", Path("x"), text, "0" * 64))
    odd = replace(
        minutes,
        kind=EVIL,
        layout=EVIL,
        warnings=(EVIL,),
        municipality=EVIL,
        committee=EVIL,
        place=EVIL,
        attendees=(EVIL,),
        absent=(EVIL,),
    )
    html = report([Read(f"{EVIL}\udcff\u202e.txt", odd), Read(EVIL, failure=f"{EVIL}: \x1b[2J")], "da")
    page = assert_stands_alone(html)
    assert page.text.count("<script>alert(1)</script>") > 10
    assert [t for t, _ in page.tags].count("style") == 1
    html.encode("utf-8")
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\ud800-\udfff]", html)


def test_noise_is_counted_and_shown() -> None:
    text = "Referat\nMødedato: 11-03-2024\n\nPunkt 1: Isbryder\n\nSagsfremstilling\nEn sag.\nUdskriv\nSide 2 af 3\nUdskriv\n\nBeslutning\nGodkendt.\n"
    minutes = parse(Source("a.txt", Path("a.txt"), text, "0" * 64))
    assert noise_lines(minutes) == ["Udskriv", "Side 2 af 3", "Udskriv"]
    page = Page(report([Read("a.txt", minutes)], "da"))
    assert "Linjer udeladt som støj: 3" in page.text
    assert "Udskriv × 2" in page.text


def flags(html: str) -> list[str]:
    return re.findall(r'<strong class="flag">(.*?)</strong>', html)


def test_what_a_person_should_look_at_is_said_in_words() -> None:
    sure = read(SEEDS / "fjordlev-amu-2024-03.txt")
    assert flags(report([Read("a", sure)], "da")) == []
    low = replace(sure, confidence=LOW_CONFIDENCE - 0.01)
    assert set(flags(report([Read("a", low)], "da"))) == {"Lav sikkerhed"}
    assert flags(report([Read("a", replace(sure, confidence=LOW_CONFIDENCE))], "da")) == []
    undated = read(SEEDS / "fjordlev-amu-udateret.txt")
    html = report([Read("a", undated)], "en")
    assert set(flags(html)) == {"Date not stated"}
    assert "a hint: an attachment to item 1" in html
    first = sure.items[0]
    bare = replace(sure, items=(replace(first, sections=first.sections[:1]), *sure.items[1:]))
    assert without_sections(bare) == [bare.items[0]]  # closed items have none, and need none
    assert set(flags(report([Read("a", bare)], "da"))) == {"Åbne punkter uden afsnit: 1", "Ingen afsnit genkendt"}
    assert "Filer, der bør ses efter: 2. Kunne ikke læses: 1." in report(
        [Read("a", low), Read("b", bare), Read("c", sure), Read("d", failure="nej")], "da"
    )


def test_an_empty_report_is_a_page() -> None:
    assert_stands_alone(report([], "da"))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_contrast_is_wcag_aa_in_light_dark_and_print() -> None:
    html = report([], "da")
    schemes = re.findall(r":root\{([^}]*--ink[^}]*)\}", html)
    assert len(schemes) == 3
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+):(#\w{6})", scheme))
        pairs = [
            ("ink", "paper", 4.5),
            ("soft", "paper", 4.5),
            ("link", "paper", 4.5),
            ("flag", "flagged", 4.5),
            ("ink", "mark", 4.5),
            ("line", "paper", 3),
        ]
        for a, b, least in pairs:
            bright, dim = sorted((_luminance(colours[a]), _luminance(colours[b])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= least, (a, b, scheme)


def test_parse_writes_the_report_of_files_and_folders(tmp_path: Path) -> None:
    broken = tmp_path / "in" / "tom.txt"
    broken.parent.mkdir()
    broken.write_text("")
    to = broken.parent / "rapport.html"
    for _ in range(2):  # the second time the report is there, and no minutes
        done = run("parse", SEEDS, broken.parent, "--report", to)
        assert TRACE not in done.stderr
        assert (done.returncode, done.stdout) == (1, "")
        assert f"Filer: {len(seed_files()) + 1}, kunne ikke læses: 1" in done.stderr
    page = assert_stands_alone(to.read_text(encoding="utf-8"))
    assert "filen er tom" in page.text
    one = run("parse", seed_files()[0], "--report", to, "--lang", "en", "--json")
    assert one.returncode == 0
    assert one.stdout.startswith("{")
    assert '<html lang="en">' in to.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_told_and_no_file_is_overwritten(tmp_path: Path) -> None:
    path = seed_files()[0]
    before = path.read_bytes()
    assert run("parse", path, "--report", path).returncode == 2
    assert path.read_bytes() == before
    done = run("parse", path, "--report", tmp_path / "no" / "where.html")
    assert done.returncode == 2
    assert TRACE not in done.stderr
    assert "kan ikke skrives" in done.stderr
