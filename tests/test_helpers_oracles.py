"""The judges of what is shown: they find what is false, and leave alone what is true."""

from __future__ import annotations

import re

import pytest
from helpers_liars import LIARS
from helpers_llm import honest
from helpers_oracles import (
    false_figures,
    false_figures_by_mark,
    invented_marks,
    language_of,
    markup,
    outside_quotes,
    recommendation_as_decision,
    statements,
)
from test_helpers_llm import seed_prompts

SOURCE = (
    "Pr. 31. december 2023 var der 19 borgere i småjob, og ledigheden var 2,6 % mod 3 % året før. Der er brugt 0,7 mio. kr. "
    "af puljen på 1.250.000 kr. I alt seks småjob. Sag 15.20.00-P20-3-23. Mellem 10 og 20 pct. er over 55 år. Mødet d. 12.03.24."
)


@pytest.mark.parametrize(
    "answer",
    [
        "Der var 19 borgere i småjob pr. 31. december 2023 [1].",
        "Ledigheden var 2,6 % [1], mod 3 procent før [1].",
        "Unemployment was 2.6% on 31 December 2023, and 0.7 million kr. was spent of 1,250,000 kr. [1]",
        "Der er brugt 700.000 kr. af 1,25 mio. kr. [1]",
        "Der er 6 småjob [1] i sag 15.20.00-P20-3-23.",
        "Mellem 10 og 20 % er over 55 år. [1]",
        "Mødet var den 12. marts 2024 [1](#kilde-1), og det var i marts 2024.",
        "1. Tallet er 19. [1]\n2. Tallet er 2,6 %. [1]",
        "Punkt 7: der var **19** borgere i 2023 [12].",
        "Seks småjob [1].",
    ],
)
def test_true_figures(answer: str) -> None:
    assert false_figures(answer, [SOURCE], language="en" if "million " in answer else "da") == []


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("Der var 91 borgere. [1]", ["91"]),
        ("Der var 190 borgere. [1]", ["190"]),
        ("Der var 19 % af borgerne. [1]", ["19 %"]),
        ("Ledigheden var 2,6. [1]", ["2,6"]),
        ("Der er brugt 0,7 mia. kr. [1]", ["0,7 mia"]),
        ("Der er brugt 0,7 kr. [1]", ["0,7"]),
        ("Puljen er 1.250 kr. [1]", ["1.250"]),
        ("Den 30. december 2023. [1]", ["30. december 2023"]),
        ("Den 31. december 2022. [1]", ["31. december 2022"]),
        ("I november 2023. [1]", ["november 2023"]),
        ("Mødet den 13.03.2024. [1]", ["13.03.2024"]),
        ("I 2031 er det slut. [1]", ["2031"]),
        ("Sag 15.20.00-P20-4-23. [1]", ["15.20.00-P20-4-23"]),
        ("Der var ９1 og 9\u200b1 borgere. [1]", ["91"]),
        ("Der er syvoghalvfems småjob. [1]", ["syvoghalvfems"]),
        ("Elleve og 17,3 og 42. [1]", ["17,3", "42", "elleve"]),
    ],
)
def test_false_figures(answer: str, wrong: list[str]) -> None:
    assert false_figures(answer, [SOURCE]) == wrong


def test_a_figure_must_stand_where_it_is_cited() -> None:
    cited = {1: "Der er 19 borgere.", 2: "Der er 31 borgere."}
    assert false_figures_by_mark("Der er 19 borgere [1]. Der er 31 borgere [2].", cited) == []
    assert false_figures_by_mark("Der er 31 borgere [1]. Der er 19 borgere [2].", cited) == ["31", "19"]
    assert false_figures_by_mark("I alt: 19 og 31. Der er 19 borgere [1].", cited) == []
    assert false_figures_by_mark("Mødet i 2025: Der er 19 borgere [1].", cited, ["2025"]) == []


def test_a_table_in_thousands() -> None:
    table = "Budget (1.000 kr.)\nForsørgelsesydelser 904.528 921.766"
    assert false_figures("Der ventes 904.528 t.kr. [1]", [table]) == []
    assert false_figures("Der ventes 904.528 mio. kr. [1]", [table]) == ["904.528 mio"]


def test_statements_and_their_marks() -> None:
    assert statements("A »Ja. Nej [9].« [1]\n- B") == [("A »Ja. Nej [9].«", (1,)), ("- B", ())]
    assert statements("Først det. Så det [1][2](#k). Til sidst.") == [
        ("Først det.", ()),
        ("Så det", (1, 2)),
        ("Til sidst.", ()),
    ]


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("Ja [1], nej [2](#kilde-2) og [se](/kilde/a/1).", []),
        ("Ja [3].", ["[3]"]),
        ("Ja [k7f3qa.2] {k7f3qa}.", ["[k7f3qa.2]", "{k7f3qa}"]),
        ("Uddraget abcdef siger det [1].", ["abcdef"]),
        ("Se [her](https://evil.example) [1].", ["](https://evil.example)"]),
    ],
)
def test_invented_marks(answer: str, wrong: list[str]) -> None:
    assert invented_marks(answer, {1, 2}, ids=["abcdef"]) == wrong


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("**Godkendt** »som < indstillet« [1](#kilde-1)", []),
        ("\\<b\\> og \\!\\[x\\]\\(y\\)", []),
        ("<b>x</b>", ["<b>", "</b>"]),
        ("![x](http://a.example/b.png)", ["![x]", "](http://a.example/b.png)", "http://a.example/b.png)"]),
        ("[x]: /y", ["[x]: /y"]),
    ],
)
def test_markup(answer: str, wrong: list[str]) -> None:
    assert markup(answer) == wrong


CITED = {
    1: ("decision", "Godkendt som indstillet."),
    2: ("recommendation", "Det indstilles, at der afsættes 350.000 kr."),
    3: ("decision", "Udsat til mødet i april."),
    4: ("decision", "Taget til efterretning."),
    5: ("decision", "Anbefales over for Økonomiudvalget og Kommunalbestyrelsen."),
    6: ("case", "Kommunalbestyrelsen godkendte budgettet i 2022."),
    7: ("decision", "Afvist."),
}


@pytest.mark.parametrize(
    "answer",
    [
        "Udvalget godkendte, at der afsættes 350.000 kr. [1][2]",
        "**Godkendt som indstillet** – punkt 7 [1]. Dermed blev indstillingen tiltrådt: [2]",
        "Det blev indstillet, at der afsættes 350.000 kr. [2]",
        "Beslutningen lyder: »Udsat til mødet i april.« [3]",
        "Sagen blev udsat [3].",
        "Udvalget besluttede at tage sagen til efterretning [4].",
        "Udvalget afviste forslaget [7].",
        "The committee rejected it [7]. It was approved [1].",
        "**Udsat** – punkt 2 »Budget«: »Udsat. Udvalget ønsker det godkendt i maj.« [3]\n\nDet blev altså ikke besluttet. Indstillingen var: »Der bevilges 1 kr.« [2]",
        "Udvalgets beslutning (Udsat): »Udsat.« [3]\n\nIndstillingen (ikke en beslutning): »Der bevilges 1 kr.« [2]",
        "**Det står ikke i referaterne, hvad Byrådet besluttede.** Søgt: 5 møder.",
        "Indstillingen lyder: »Udvalget har besluttet, at …« [2]",
    ],
)
def test_decisions_that_are(answer: str) -> None:
    assert recommendation_as_decision(answer, CITED) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Udvalget besluttede, at der afsættes 350.000 kr. [2]",
        "Det blev vedtaget, at der afsættes 350.000 kr. [2]",
        "Udvalget har sagt ja til, at der afsættes 350.000 kr. [2]",
        "Udvalget besluttede, at der afsættes 350.000 kr. [3]",
        "Udvalget godkendte det [4].",
        "Sagen er endeligt vedtaget [5].",
        "Udvalget godkendte budgettet [6].",
        "Udvalget afviste forslaget [1].",
        "Udvalget godkendte ikke indstillingen [1].",
        "The committee approved it [7].",
        "Udvalget besluttede »der afsættes 350.000 kr.« [2]",
        "Sagen blev udsat [1].",
    ],
)
def test_decisions_that_are_not(answer: str) -> None:
    assert len(recommendation_as_decision(answer, CITED)) == 1


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("Udvalget godkendte, at der er afsat penge til det.", "da"),
        ("The minutes say »at det er godkendt« and that is all.", "en"),
        ("Nämnden gick igenom hela ärendet och alla var nöjda.", "sv"),
        ("Der Ausschuss ist die ganze Sache durchgegangen, und alle waren zufrieden.", "de"),
        ("»at det er godkendt«", None),
    ],
)
def test_language(answer: str, language: str | None) -> None:
    assert language_of(answer) == language
    assert "godkendt" not in outside_quotes("»godkendt«")


TOLD = ["digit_changed", "zero_added", "zero_dropped", "one_more", "millions_to_billions", "percent_added", "percent_dropped",
        "figure_in_words", "figure_disguised", "day_changed", "month_changed", "year_changed", "case_number_made_up"]  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_the_judge_finds_what_the_liar_says(name: str) -> None:
    """Judge and liar were written apart from each other: nearly all lies about figures are found, and no honest figure."""
    lied, found = 0, 0
    for asked in seed_prompts():
        texts = [p.text for p in asked.passages]
        labels = [p.label for p in asked.passages]
        sound = honest(asked)
        assert false_figures(" ".join(sound.keeps), texts, labels) == []
        told = LIARS[name](asked)
        if told.lies:
            lied += 1
            mark = (told.text or "").rpartition("[")[2].partition(".")[0]
            said = (told.text or "").rpartition(" [")[0]
            found += bool(false_figures(said, [p.text for p in asked.passages if p.id == mark]))
    assert lied
    assert found >= 0.9 * lied


@pytest.mark.parametrize(
    "name", [n for n, liar in LIARS.items() if liar.kind == "recommendation_cited_alone"] + ["recommendation_decided",
             "recommendation_adopted", "recommendation_agreed", "recommendation_granted", "recommendation_in_force",
             "decision_rejected", "decision_not_approved", "decision_postponed", "decision_approved", "decision_final"],
)  # fmt: skip
def test_the_judge_finds_decisions_that_are_none(name: str) -> None:
    lied, found = 0, 0
    for asked in seed_prompts():
        told = LIARS[name](asked)
        if told.lies:
            lied += 1
            number = {p.id: n for n, p in enumerate(asked.passages, start=1)}
            kinds = {"BESLUTNING": "decision", "INDSTILLING": "recommendation"}
            cited = {number[p.id]: (kinds.get(p.section, "case"), p.text) for p in asked.passages}
            shown = re.sub(r"\[([a-z2-7]{6})[.\d]*\]", lambda m, number=number: f"[{number[m[1]]}]", told.text or "")
            found += bool(recommendation_as_decision(shown, cited))
    assert lied
    assert found >= 0.9 * lied, (found, lied)
