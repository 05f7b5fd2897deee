"""What a decision says, and what it takes over from the recommendation."""

from pathlib import Path

import pytest

from askamu.decision import asked_for, outcome_of
from askamu.load import Source
from askamu.minutes import Decision, Outcome
from askamu.parse import parse


@pytest.mark.parametrize(
    ("sentence", "outcome"),
    [
        ("Godkendt som indstillet.", Outcome.APPROVED),
        ("Indstillingen tiltrådt.", Outcome.APPROVED),
        ("Udvalget godkendte indstillingen, idet fristen ændres.", Outcome.APPROVED_WITH_CHANGE),
        ("Godkendt med den tilføjelse, at der følges op i juni.", Outcome.APPROVED_WITH_CHANGE),
        ("Ikke godkendt.", Outcome.REJECTED),
        ("Kan ikke anbefales.", Outcome.REJECTED),
        ("Imødekommes ikke.", Outcome.REJECTED),
        ("Forslaget faldt dermed.", Outcome.REJECTED),
        ("2. Ikke tiltrådt.", Outcome.REJECTED),
        ("Taget til efterretning.", Outcome.NOTED),
        ("Orienteringen blev taget til efterretning.", Outcome.NOTED),
        ("Drøftet.", Outcome.DISCUSSED),
        ("Udsat til mødet i maj.", Outcome.POSTPONED),
        ("Anbefales over for Byrådet.", Outcome.RECOMMENDED),
        ("Udvalget indstiller til Byrådet, at planen vedtages.", Outcome.RECOMMENDED),
        ("Sendes tilbage til forvaltningen.", Outcome.SENT_BACK),
        ("Punktet udgår.", Outcome.WITHDRAWN),
        ("Intet.", Outcome.NONE),
        ("Ad 1. Godkendt.", Outcome.APPROVED),
        ("Udvalget pegede på vigtigheden af samarbejde.", None),
    ],
)
def test_outcomes(sentence: str, outcome: Outcome | None) -> None:
    assert outcome_of(sentence) is outcome


def decided(recommendation: str, decision: str) -> tuple[str, Decision]:
    text = f"Punkt 1: Sag\n\nIndstilling\n{recommendation}\n\nBeslutning\n{decision}\n"
    (item,) = parse(Source("a.txt", Path("a.txt"), text, "0" * 64)).items
    assert item.decision is not None
    return text, item.decision


def adopted(recommendation: str, decision: str) -> list[str]:
    text, found = decided(recommendation, decision)
    return [" ".join(span.of(text).split()) for span in found.adopts]


TWO = "Det indstilles, at:\n\nUdvalget tager orienteringen til efterretning.\nUdvalget drøfter sagen."


def test_a_formula_adopts_all_points() -> None:
    assert adopted(TWO, "Godkendt som indstillet.") == [
        "Udvalget tager orienteringen til efterretning.",
        "Udvalget drøfter sagen.",
    ]


def test_points_decided_one_by_one() -> None:
    asked = "Forvaltningen indstiller,\n1. at planen godkendes,\n2. at der afsættes 5 mio. kr."
    text, found = decided(asked, "1. Godkendt.\n2. Ikke godkendt.")
    assert [s.of(text) for s in found.adopts] == ["at planen godkendes,"]
    assert set(found.outcomes) == {Outcome.APPROVED, Outcome.REJECTED}


@pytest.mark.parametrize(
    "decision", ["Ikke godkendt.", "Udsat.", "Punktet udgår.", "Sendes tilbage til forvaltningen."]
)
def test_what_was_not_adopted_is_not_shown_as_adopted(decision: str) -> None:
    assert adopted(TWO, decision) == []


def test_a_recommendation_onwards_is_not_final() -> None:
    _, onwards = decided(
        "Udvalget indstiller til Økonomiudvalget og Byrådet, at planen godkendes.", "Indstillingen tiltrådt."
    )
    assert not onwards.final
    assert onwards.outcomes[0] is Outcome.RECOMMENDED
    _, own = decided("Forvaltningen indstiller til udvalget, at planen godkendes.", "Godkendt som indstillet.")
    assert own.final


@pytest.mark.parametrize(
    ("said", "final"),
    [
        ("Godkendt under forudsætning af Byrådets godkendelse.", False),
        ("Godkendt, forudsat at Byrådet godkender anlægsbevillingen.", False),
        ("Godkendt under forudsætning af Økonomiudvalgets og Byrådets endelige godkendelse.", False),
        ("Godkendt under forudsætning af, at ansøgeren får tilladelse.", True),
        ("Godkendt, idet Byrådet tidligere har godkendt rammen.", True),
    ],
)
def test_an_approval_that_waits_for_another_body_is_not_final(said: str, final: bool) -> None:
    _, found = decided("Forvaltningen indstiller, at planen godkendes.", said)
    assert found.final is final
    assert (found.outcomes[0] is Outcome.RECOMMENDED) is not final


@pytest.mark.parametrize("said", ["Udvalget løftede sagen til Byrådet.", "Sagen løftes til Økonomiudvalget."])
def test_a_case_that_is_taken_to_another_body_is_not_decided(said: str) -> None:
    _, found = decided("Forvaltningen indstiller, at planen godkendes.", said)
    assert found.outcomes == (Outcome.SENT_BACK,)
    assert not found.final


def test_additions_and_absence_stand_apart_from_the_formula() -> None:
    text, found = decided(
        "Det indstilles, at udvalget tager orienteringen til efterretning.",
        "Godkendt som indstillet. Udvalget ønsker en opfølgning til efteråret om emnet.\n\nAnna Holm (V) deltog ikke på mødet.",
    )
    assert [s.of(text) for s in found.additions] == ["Udvalget ønsker en opfølgning til efteråret om emnet."]
    assert found.absent == ("Anna Holm (V)",)
    assert "deltog ikke" not in text[found.start : found.end]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Tove Rishede (V) deltog som stedfortræder for Asger Lyngbo (V).", "substitute"),
        ("Karl Ovesen (Ø) erklærede sig inhabil og deltog ikke i sagens behandling.", "disqualified"),
        ("Anna Holm (V) forlod mødet kl. 09.30 og deltog ikke i behandlingen af punkt 2, 3.", "partial_absence"),
        ("Afbud: Anna Holm (V) deltog ikke under punkt 12-15.", "partial_absence"),
        ("Karl Ovesen (Ø) ønskede tilført protokollen, at beløbet er for lavt.", "statement"),
    ],
)
def test_what_is_noted_beside_a_decision(said: str, kind: str) -> None:
    text, found = decided("At planen godkendes.", f"Godkendt.\n\n{said}")
    assert [(n.kind.value, n.span.of(text)) for n in found.notes] == [(kind, said)]
    assert found.outcomes == (Outcome.APPROVED,)


def test_who_was_away_for_a_part_is_not_absent() -> None:
    _, found = decided("At planen godkendes.", "Godkendt.\n\nAnna Holm (V) deltog ikke under punkt 12-15.")
    assert found.absent == ()


def test_votes_are_kept() -> None:
    text, found = decided("At planen godkendes.", "Indstillingen godkendt. Karl Ovesen (Ø) stemte imod.")
    assert [s.of(text) for s in found.votes] == ["Karl Ovesen (Ø) stemte imod."]


@pytest.mark.parametrize(
    ("point", "outcomes"),
    [
        ("Det indstilles, at orienteringen tages til efterretning.", [Outcome.NOTED]),
        ("Teknik og Erhverv foreslår, at udvalget drøfter planen.", [Outcome.DISCUSSED]),
        ("Statusrapporten tages til efterretning", [Outcome.NOTED]),
        ("Det indstilles, at puljen på 200.000 kr. godkendes.", [Outcome.APPROVED]),
        ("at målet sættes til 30 småjob.", []),
    ],
)
def test_what_a_recommendation_asks_for(point: str, outcomes: list[Outcome]) -> None:
    assert list(asked_for(point)) == outcomes


MANY = """Administrationen indstiller;

1. at forslag til lokalplan igangsættes

2. at der bygges boliger ved

a. at udvide pavillonerne

b. at leje et hus

3. at bygherre yder bistand til planen
Center for Teknik indstiller over for Teknikudvalget,

4. at sagen tages til efterretning
"""


@pytest.mark.parametrize(
    ("said", "adopted"),
    [
        ("1. godkendes.\n\n2. godkendes ikke, idet der mangler penge.\n\n3.-4. godkendes.", ["at forslag", "at bygherre", "at sagen"]),
        ("1.-3. Godkendt.", ["at forslag", "at der bygges", "at bygherre"]),
        ("1. Godkendt.\n\n2.a. Godkendt.\n\n2.b. Kan ikke godkendes.", ["at forslag"]),
        ("Godkendt.", ["at forslag", "at der bygges", "at bygherre", "at sagen"]),
    ],
)  # fmt: skip
def test_points_are_counted_as_they_are_printed(said: str, adopted: list[str]) -> None:
    """A line that says who recommends is no point, and what stands under a point is part of it."""
    text, decision = decided(MANY, said)
    points = [p.of(text) for p in decision.adopts]
    assert [p[: len(a)] for p, a in zip(points, adopted, strict=True)] == adopted
    assert all("b. at leje et hus" in p for p in points if p.startswith("at der bygges"))


def test_an_abbreviation_at_the_beginning_of_a_line_is_no_point() -> None:
    asked = "Det indstilles, at der bevilges midler til aktiviteter,\nf.eks. ture og fester."
    text, found = decided(asked, "Godkendt.")
    assert len(found.adopts) == 1
    assert found.adopts[0].of(text).endswith("f.eks. ture og fester.")


@pytest.mark.parametrize(
    "recommendation",
    [
        "Det indstilles, at det besluttes, om der skal bygges en cykelsti.",
        "Det indstilles, at udvalget tager stilling til ansøgningen.",
        "Forvaltningen indstiller, at udvalget tager stilling til, om der skal\n\n• bygges en cykelsti\n\neller\n\n• arbejdes videre med en vej",
    ],
)
def test_a_choice_that_is_asked_for_is_not_adopted(recommendation: str) -> None:
    _, decision = decided(recommendation, "Godkendt.")
    assert decision.adopts == ()


@pytest.mark.parametrize(
    "said", ["godkendte ikke indstillingen", "tiltrådte ikke forslaget", "anbefaler ikke forslaget"]
)
def test_a_no_after_its_verb_is_a_no(said: str) -> None:
    assert outcome_of(f"Udvalget {said}.") is Outcome.REJECTED


@pytest.mark.parametrize(("body", "final"), [("Byrådet", True), ("Økonomiudvalget", False)])
def test_what_a_council_adopts_goes_no_further(body: str, final: bool) -> None:
    minutes = parse(
        Source(
            "a.txt", Path("a.txt"),
            f"{body}\nHolstebro Kommune\nMødedato: 05-09-2022\n\nPunkt 1: Handleplan for erhverv\n\nSagsfremstilling\n"
            "Sagen gælder en handleplan.\n\nIndstilling\nHandleplanen anbefales godkendt over for Byrådet.\n\n"
            "Beslutning\nGodkendt som indstillet.\n", "",
        )
    )  # fmt: skip
    decision = minutes.items[0].decision
    assert decision is not None
    assert decision.final is final
    assert (Outcome.RECOMMENDED in decision.outcomes) is not final


@pytest.mark.parametrize(
    "said",
    [
        "Godkendt som indstilling til Byrådet.", "Indstilling til Byrådet: godkendt.", "Godkendes over for Økonomiudvalget.",
        "Udvalget tilslutter sig indstillingen til Byrådet.",
        "Forelægges Byrådet med udvalgets godkendelse.",
    ],
)  # fmt: skip
def test_what_goes_on_to_another_body_is_no_decision(said: str) -> None:
    assert outcome_of(said) is Outcome.RECOMMENDED
