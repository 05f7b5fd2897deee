"""Abbreviations and words are explained by the minutes' own words, or it is said that they are not."""

from pathlib import Path

import pytest
from helpers_pages import FIRST, SECRET, small_index

from askamu.glossary import expansions, explanation, glossary
from askamu.library import Library, open_library
from askamu.minutes import Span


@pytest.mark.parametrize(
    ("said", "short", "long"),
    [
        ("Center for Økonomi og Løn (CØL) har set på det.", "CØL", "Center for Økonomi og Løn"),
        ("Sagen går til Arbejdsmarkedsudvalget (AMU).", "AMU", "Arbejdsmarkedsudvalget"),
        ("Den Kommunale Ungeindsats (KUI) er ny.", "KUI", "Kommunale Ungeindsats"),
        ("Styrelsen for Arbejdsmarked og\nRekruttering (STAR) har skrevet.", "STAR", "Styrelsen for Arbejdsmarked og\nRekruttering"),
        ("Børne- og Ungdomsorganisationernes Samråd (BUS) får tilskud.", "BUS", "Børne- og Ungdomsorganisationernes Samråd"),
        ("Grundejerforeningen Greve Strand (GGS) er imod.", "GGS", "Grundejerforeningen Greve Strand"),
        ("Det Udvidede Totalbalanceprincip (herefter DUT) gælder.", "DUT", "Det Udvidede Totalbalanceprincip"),
        ("Klima- og Teknikudvalget er forkortet (KTU).", "KTU", "Klima- og Teknikudvalget"),
        ("SKI (Staten og Kommunernes Indkøbscentral) er med.", "SKI", "Staten og Kommunernes Indkøbscentral"),
        ("KOL står for Kronisk Obstruktiv Lungesygdom.", "KOL", "Kronisk Obstruktiv Lungesygdom"),
        ("I budgetopfølgning 2 (BO2) ses det.", "BO2", "budgetopfølgning 2"),
    ],
)  # fmt: skip
def test_a_long_form_is_what_the_short_one_spells(said: str, short: str, long: str) -> None:
    found = [(s, span.of(said)) for s, span, _ in expansions(said, 0, len(said))]
    assert found == [(short, long)]


@pytest.mark.parametrize(
    "said",
    [
        "Der er nye opgaver som følge af ny lovgivning (DUT).",
        "Reglerne i persondataforordningen (GDPR) gælder.",
        "For stemte Venstre (V) og Liselott Blixt (UP).",
        "IFK står for driften af kantinen.",
        "Se bilag A (A21) og skema (EN1176).",
        "Foreningen (KM) er hørt.",
        "Bygningen. (BY)",
        "(ABC)",
        "A" * 5_000 + " (AAAAAAAA)" + " a" * 2_000 + " (AAAAAAAA)",
    ],
)
def test_what_does_not_spell_it_explains_nothing(said: str) -> None:
    assert [s for s, span, _ in expansions(said, 0, len(said)) if len(set(s)) > 1] == []


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Library:
    settings, report = small_index(tmp_path_factory.mktemp("glossary"), a=FIRST)
    assert not report.failed
    return open_library(settings)


def test_every_quote_is_the_stored_text_around_what_it_explains(small: Library, library: Library) -> None:
    for index in (small, library):
        for place in {(m.municipality, m.committee) for m in index.meetings}:
            for entry in glossary(index, *place):
                if entry.passage is None:
                    continue
                minutes = index.minutes(entry.passage.document)
                item = minutes.items[entry.passage.item_index]
                span, term = entry.passage.span, entry.passage.term
                assert item.start <= span.start <= term.start < term.end <= span.end <= item.own_end
                assert " ".join(term.of(minutes.text).split()) in (entry.long, entry.term)
                assert not item.closed


def test_people_and_closed_items_are_left_out(small: Library) -> None:
    entries = glossary(small, "Holstebro", "Kulturudvalget")
    terms = {e.term: e for e in entries}
    assert terms["CØL"].long == "Center for Økonomi og Løn"
    assert not {"HFU", "LT", "KM", "AB", "XYZ"} & terms.keys()
    assert SECRET not in repr(entries)


def test_what_only_askamu_explains_has_no_quote_and_stands_in_the_minutes(library: Library) -> None:
    entries = {e.term: e for e in glossary(library, "Fjordlev", "Arbejdsmarkedsudvalget")}
    assert entries["AMU"].passage is None  # the minutes never write it out
    assert entries["AMU"].long == "Arbejdsmarkedsudvalget"
    own = entries["indstilling"]
    assert own.passage is None
    assert own.seen is not None
    document, index, start, end = own.seen
    assert Span(start, end).of(library.minutes(document).text).lower().startswith("indstil")
    assert not library.minutes(document).items[index].closed
    assert "ikke en beslutning" in explanation("indstilling", "da")
    assert "not a decision" in explanation("indstilling", "en")


def test_a_sentence_that_defines_a_word_is_quoted_whole(tmp_path: Path) -> None:
    said = "Ved serviceniveau forstås en angivelse af, hvor ofte der gøres rent."
    other = "Indsatsen er et led i en plan. Det er en god idé. Fleksjob er en udfordring for området."
    text = FIRST.replace("Biblioteket har åbent alle dage.", f"{said} {other} Et fleksjob er et job på særlige vilkår.")
    settings, _ = small_index(tmp_path, a=text)
    index = open_library(settings)
    found = {e.term: e for e in glossary(index, "Holstebro", "Kulturudvalget") if e.passage and not e.long}
    quotes = {t: e.passage.span.of(index.minutes(e.passage.document).text) for t, e in found.items() if e.passage}
    assert quotes == {"serviceniveau": said, "fleksjob": "Et fleksjob er et job på særlige vilkår."}
