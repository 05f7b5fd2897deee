"""A quote's reference says all that is known of where it stands, and claims nothing that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import seed_files

from askamu.errors import NotQuotable
from askamu.load import load
from askamu.minutes import MeetingDate, Minutes, SectionKind, Span
from askamu.parse import parse
from askamu.reference import link, official_name, place, quote_with_reference, reference

TEXT = """Greve Kommune
Arbejdsmarkedsudvalget
Referat af mødet den 12. marts 2024

Punkt 3: Tilskud **til**  festen
Sagsnr. 15.00.00-A00-1-24

Sagsfremstilling
Festen koster 12.345 kr.

Indstilling
Direktionen indstiller, at udvalget bevilger 12.345 kr.

Beslutning
Udvalget anbefaler til byrådet, at indstillingen godkendes.

Punkt 4: Lukket: Køb af grund

Punkt 5: Eventuelt

Beslutning
Intet.
"""


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> Minutes:
    path = tmp_path_factory.mktemp("reference") / "greve.txt"
    path.write_text(TEXT, encoding="utf-8")
    return parse(load(path))


def span(minutes: Minutes, words: str) -> Span:
    start = minutes.text.index(words)
    return Span(start, start + len(words))


def test_a_clerk_can_use_it_as_it_stands(minutes: Minutes) -> None:
    quoted = span(minutes, "Festen koster 12.345 kr.")
    assert reference(minutes, quoted, "da") == (
        "Greve Kommune, Arbejdsmarkedsudvalget, referat af mødet den 12. marts 2024, punkt 3 »Tilskud til festen«, "
        "sagsnr. 15.00.00-A00-1-24, afsnittet Sagsfremstilling"
    )
    assert reference(minutes, quoted, "en") == (
        "Greve Kommune, Arbejdsmarkedsudvalget, minutes (referat) of the meeting on 12 March 2024, "
        "item 3 »Tilskud til festen«, case no. 15.00.00-A00-1-24, section Sagsfremstilling"
    )


def test_a_recommendation_is_said_not_to_be_a_decision(minutes: Minutes) -> None:
    asked_for = span(minutes, "at udvalget bevilger 12.345 kr.")
    assert reference(minutes, asked_for, "da").endswith("afsnittet Indstilling (en indstilling, ikke en beslutning)")
    assert reference(minutes, asked_for, "en").endswith("section Indstilling (a recommendation, not a decision)")


def test_a_decision_that_only_sends_a_case_on_is_said_not_to_be_final(minutes: Minutes) -> None:
    sent_on = span(minutes, "Udvalget anbefaler til byrådet, at indstillingen godkendes.")
    assert "(anbefalet videre, ikke endeligt besluttet)" in reference(minutes, sent_on, "da")
    assert "(" not in reference(minutes, span(minutes, "Intet."), "da")


def test_an_unknown_date_is_said_to_be_unknown(minutes: Minutes) -> None:
    hinted = replace(minutes, date=MeetingDate(None, "et bilag under punkt 7 nævner 10.06.25"))
    quoted = span(minutes, "Festen koster")
    assert "referat af møde (dato ikke oplyst; et bilag under punkt 7 nævner 10.06.25)" in reference(
        hinted, quoted, "da"
    )
    assert "meeting (date not stated; an attachment to item 7 mentions 10.06.25)" in reference(hinted, quoted, "en")
    assert "(dato ikke oplyst)" in reference(replace(minutes, date=MeetingDate(None, None)), quoted, "da")


def test_an_agenda_is_not_called_minutes(minutes: Minutes) -> None:
    agenda = replace(minutes, kind="dagsorden")
    assert "dagsorden til mødet den 12. marts 2024" in reference(agenda, span(minutes, "Festen koster"), "da")
    assert "agenda (dagsorden) for the meeting" in reference(agenda, span(minutes, "Festen koster"), "en")


def test_pages_are_told_where_there_are_any(minutes: Minutes) -> None:
    quoted = span(minutes, "Festen koster 12.345 kr.")
    assert reference(replace(minutes, pages=(0, quoted.start + 7)), quoted, "da").endswith(", s. 1-2")
    assert reference(replace(minutes, pages=(0, quoted.start)), quoted, "en").endswith(", p. 2")


def test_nothing_is_quoted_that_is_closed_or_mixes_two_sections(minutes: Minutes) -> None:
    heading = span(minutes, "Køb af grund")
    assert reference(minutes, heading, "da").endswith("punkt 4 »Køb af grund«, punktets overskrift (lukket punkt)")
    asked, decided = span(minutes, "Direktionen indstiller"), span(minutes, "indstillingen godkendes.")
    item = minutes.items[1]
    leaking = replace(item, sections=(replace(item.sections[0], end=heading.end - 6),))
    leaky = replace(minutes, items=(minutes.items[0], leaking, minutes.items[2]))
    for bad, reason, of in [
        (Span(asked.start, decided.end), "across", minutes),
        (Span(decided.start, heading.end), "across", minutes),
        (Span(0, decided.end), "across", minutes),
        (Span(5, 5), "outside", minutes),
        (Span(-5, 5), "outside", minutes),
        (Span(5, len(minutes.text) + 1), "outside", minutes),
        (heading, "closed", leaky),
    ]:
        with pytest.raises(NotQuotable) as refused:
            place(of, bad)
        assert refused.value.reason == reason
        assert refused.value.say("da") != refused.value.say("en")


def test_quote_reference_and_link_stand_together(minutes: Minutes) -> None:
    quoted = span(minutes, "Festen koster 12.345 kr.")
    lines = quote_with_reference(minutes, quoted, "da", "https://referater.example/").split("\n")
    assert lines == [
        "»Festen koster 12.345 kr.«",
        reference(minutes, quoted, "da"),
        f"https://referater.example/kilde/{minutes.id}/3?fra={quoted.start}&til={quoted.end}#citat",
    ]
    assert quote_with_reference(minutes, quoted, "da").count("\n") == 1


def test_municipalities_are_called_what_they_call_themselves() -> None:
    assert official_name("København", "da") == "Københavns Kommune"
    assert official_name("Bornholm", "da") == "Bornholms Regionskommune"
    assert official_name("Region Kommune", "da") == "Region Kommune"
    assert official_name(None, "da") == ""


@pytest.mark.parametrize("path", seed_files(), ids=lambda p: p.stem)
def test_every_section_of_every_seed_has_a_reference(path) -> None:
    minutes = parse(load(path))
    for item in minutes.items:
        for section in item.sections:
            if not section.span.of(minutes.text).strip() or (item.closed and section is not item.sections[0]):
                continue
            for language in ("da", "en"):
                said = reference(minutes, section.span, language)
                assert "\n" not in said
                assert section.kind is not SectionKind.RECOMMENDATION or "ikke en" in said or "not a decision" in said
            assert link(minutes, section.span).startswith(f"/kilde/{minutes.id}/")
