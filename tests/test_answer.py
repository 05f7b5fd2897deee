"""The promises about answers, on the seeds with the real embedder."""

import json
import re
from pathlib import Path

import pytest
from test_cli import run as command

from askamu import texts
from askamu.answer import ask
from askamu.compose import listing
from askamu.config import Settings
from askamu.decision import outcome_of
from askamu.errors import QuestionEmpty, QuestionTooLong, UnknownFilter
from askamu.ingest import ingest
from askamu.library import Library, open_library
from askamu.minutes import AgendaItem, Outcome, SectionKind
from askamu.passage import Answer, Filters, QuestionKind, Tier, Turn
from askamu.record import MeetingRow
from askamu.show import as_record
from askamu.texts import text

QUESTIONS = [
    "Hvad besluttede udvalget i Fjordlev om småjob?",
    "Hvad blev der besluttet om småjob i Bakkerup?",
    "Hvor mange borgere var i småjob?",
    "Hvordan har småjob udviklet sig i Fjordlev gennem årene?",
    "Hvad er forskellen på småjob i Fjordlev og Bakkerup?",
    "Hvilke punkter var på dagsordenen den 12. marts 2024?",
    "Hvem deltog ikke i mødet den 12. marts 2024?",
    "Hvad viste budgetopfølgningen?",
    "What did the committee decide about small jobs in Fjordlev?",
    "Hvilke punkter blev afvist på mødet den 16. september 2025?",
    "Hvem er formand for udvalget i Fjordlev?",
    "Hvad kostede en rejse til månen?",
    "Hvad besluttede udvalget om virksomhedsservice?",
    "Hvordan stemte udvalget om sygedagpenge?",
]


@pytest.fixture(scope="module")
def answers(library: Library) -> list[Answer]:
    return [ask(library, question) for question in QUESTIONS]


def test_every_quote_equals_the_source(library: Library, answers: list[Answer]) -> None:
    assert sum(len(a.citations) for a in answers) > 20
    for answer in answers:
        for citation in answer.citations:
            assert library.minutes(citation.document).text[citation.start : citation.end] == citation.quote
            assert citation.quote.strip()


def test_every_mark_has_a_citation_and_every_citation_a_mark(answers: list[Answer]) -> None:
    for answer in answers:
        marks = {int(n) for n in re.findall(r"(?<!\\)\[(\d+)\]", answer.text)}
        assert marks == {c.n for c in answer.citations}


def test_every_figure_stands_in_what_is_cited(answers: list[Answer]) -> None:
    for answer in answers:
        if answer.tier not in (Tier.ANSWER, Tier.POSSIBLE):
            continue
        known = " ".join(
            f"{c.quote} {c.title} {c.date_text} {c.held_on} {c.item} {c.case_number}" for c in answer.citations
        )
        said = re.sub(r"\[\d+\]", " ", answer.text)
        assert set(re.findall(r"\d+", said)) <= set(re.findall(r"\d+", known)), answer.text


def test_what_is_shown_as_decided_is_this_committees_decision(answers: list[Answer]) -> None:
    decided = [a for a in answers if a.kind is QuestionKind.DECISION and a.tier is Tier.ANSWER]
    assert len(decided) >= 3
    for answer in decided:
        assert answer.citations[0].section is SectionKind.DECISION
        assert {c.section for c in answer.citations} <= {SectionKind.DECISION, SectionKind.RECOMMENDATION}


def test_a_formula_brings_the_recommendation_it_adopts(library: Library) -> None:
    seen = 0
    for row in library.meetings:
        minutes = library.minutes(row.id)
        for item in minutes.items:
            if not item.decision or not item.decision.adopts or len(item.title) < 25:
                continue
            answer = ask(
                library,
                f"Hvad besluttede udvalget om »{item.title}«?",
                filters=Filters(row.municipality, None, row.held_on, row.held_on),
            )
            if row.held_on is None or answer.citations[0].item != item.number:
                continue
            quotes = [c.quote for c in answer.citations if c.section is SectionKind.RECOMMENDATION]
            assert quotes == [span.of(minutes.text) for span in item.decision.adopts][:8], item.title
            seen += 1
    assert seen >= 15


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A meeting that twice adopts »tages til efterretning« in other words, and one real plan."""
    folder = tmp_path_factory.mktemp("noted")
    (folder / "moede.txt").write_text(
        """Sandvig Kommune
Arbejdsmarkedsudvalget
Mødedato: 5. marts 2024

1. Status på virksomhedspraktik
Sagsfremstilling
Der er 40 borgere i virksomhedspraktik.
Indstilling
Det indstilles, at status på virksomhedspraktik tages til efterretning.
Beslutning
Godkendt som indstillet.

2. Plan for seniorjob
Sagsfremstilling
Planen koster 300.000 kr. om året.
Indstilling
Det indstilles, at planen for seniorjob vedtages.
Beslutning
Godkendt som indstillet.

3. Kvartalstal
Sagsfremstilling
Tallene viser færre ledige.
Indstilling
Det indstilles, at orienteringen tages til efterretning.
Beslutning
Taget til efterretning.
""",
        encoding="utf-8",
    )
    settings = Settings(index=folder / "index")
    assert not ingest([folder / "moede.txt"], settings).failed
    return open_library(settings)


def test_approving_a_recommendation_to_note_is_not_shown_as_a_yes_to_the_matter(noted: Library) -> None:
    status = ask(noted, "Hvad besluttede udvalget om virksomhedspraktik?")
    assert status.citations[0].item == "1"
    assert text("answer.adopted_noted", "da") in status.text
    plan = ask(noted, "Hvad besluttede udvalget om seniorjob?")
    assert plan.citations[0].item == "2"
    assert text("answer.adopted", "da") in plan.text


def test_a_listing_of_what_was_noted_holds_what_was_noted_by_adoption(noted: Library) -> None:
    listed = ask(noted, "Hvilke punkter blev taget til efterretning?")
    assert {c.item for c in listed.citations} == {"1", "3"}
    assert "at status på virksomhedspraktik tages til efterretning" in listed.text


def test_a_listing_without_a_hit_says_so(noted: Library) -> None:
    for question in (
        "Hvilke sager blev udsat?",
        "Hvilke indstillinger blev ikke godkendt?",
        "Which items were rejected?",
    ):
        answer = ask(noted, question)
        assert answer.tier is Tier.NOT_STATED, question
        assert not answer.citations
        assert answer.text.startswith(("**Ingen punkter har udfaldet", "**No items have the outcome"))


def test_a_listing_of_outcomes_in_either_language(library: Library) -> None:
    for questions, outcomes in (
        (("Hvilke indstillinger blev ikke godkendt?", "Which items were rejected?"), {Outcome.REJECTED}),
        (("Hvilke sager blev udsat?", "Which cases were postponed?"), {Outcome.POSTPONED}),
    ):
        wanted = {
            (row.id, item.number)
            for row in library.meetings
            for item in library.minutes(row.id).items
            if item.decision and outcomes & set(item.decision.outcomes)
        }
        assert wanted
        for question in questions:
            assert {(c.document, c.item) for c in ask(library, question).citations} == wanted, question


def test_a_listing_of_outcomes_keeps_to_its_subject(library: Library) -> None:
    for question in ("Hvilke sager om småjob blev godkendt?", "Which items about small jobs were approved?"):
        answer = ask(library, question)
        listed = {(c.document, c.item) for c in answer.citations}
        assert listed, question
        for document, number in listed:
            item = library.minutes(document).item(number)
            assert item is not None
            assert "småjob" in item.title.lower(), question


def test_a_long_listing_ends_with_whole_meetings_and_says_that_there_are_more(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ITEMS", 8)
    answer = ask(library, "Hvilke punkter blev godkendt?")
    assert text("answer.list_more", "da") in answer.text
    last = answer.citations[-1].document
    minutes = library.minutes(last)
    approved = {i.number for i in minutes.items if i.decision and Outcome.APPROVED in i.decision.outcomes}
    assert approved <= {c.item for c in answer.citations if c.document == last}


def test_vulnerable_citizens_are_not_postponed() -> None:
    for said in (
        "Socialt udsatte borgere får tilbud.",
        "En udsat borger",
        "Midlerne går til Handicap og Socialt udsatte.",
    ):
        assert outcome_of(said) is not Outcome.POSTPONED, said
    for said in ("Udsat.", "Sagen blev udsat.", "Udvalget udsatte sagen.", "Punktet udsættes til næste møde."):
        assert outcome_of(said) is Outcome.POSTPONED, said


def test_whether_the_recommendation_was_followed_is_a_question_of_the_decision(library: Library) -> None:
    answer = ask(library, "Hvad anbefalede forvaltningen om småjob i Fjordlev, og fulgte udvalget det?")
    assert answer.kind is QuestionKind.DECISION
    assert answer.citations[0].section is SectionKind.DECISION


NOT_PLAINLY_ADOPTED = {"rejected", "postponed", "sent_back", "withdrawn", "recommended", "approved_with_change"}


def diverging(library: Library) -> list[tuple[MeetingRow, AgendaItem]]:
    """The items whose decision is not simply what was recommended."""
    return [
        (row, item)
        for row in library.meetings
        for item in library.minutes(row.id).items
        if item.decision and set(item.decision.outcomes) & NOT_PLAINLY_ADOPTED
    ]


def test_a_recommendation_that_was_not_adopted_is_shown_as_such(library: Library) -> None:
    assert len(diverging(library)) >= 8
    for row, item in diverging(library):
        answer = ask(
            library,
            f"Hvad besluttede udvalget om »{item.title}«?",
            filters=Filters(row.municipality, None, row.held_on, row.held_on),
        )
        assert (answer.citations[0].document, answer.citations[0].item) == (row.id, item.number)
        assert answer.citations[0].section is SectionKind.DECISION
        assert text("answer.adopted", "da") not in answer.text


def test_no_answer_quotes_an_item_without_what_became_of_it(library: Library) -> None:
    """Whatever is asked of a case that was turned down, changed or put off, its decision stands first."""
    for row, item in diverging(library):
        for question in (
            f"Hvad koster det: {item.title}?",
            f"Hvorfor {item.title}?",
            f"Hvornår begynder {item.title}?",
        ):
            answer = ask(library, question, filters=Filters(row.municipality, None, row.held_on, row.held_on))
            mine = [c for c in answer.citations if (c.document, c.item) == (row.id, item.number)]
            if mine:
                assert mine[0].section is SectionKind.DECISION, (question, answer.text)


def test_a_quoted_recommendation_is_labelled(library: Library, answers: list[Answer]) -> None:
    labels = [
        text(f"answer.{key}", "da")
        for key in ("adopted", "not_adopted", "recommended", "from_recommendation", "adopted_partly")
    ]
    for answer in answers:
        if answer.language == "da" and any(c.section is SectionKind.RECOMMENDATION for c in answer.citations):
            assert any(label in answer.text for label in labels), answer.text


def test_not_stated_says_what_was_searched(library: Library) -> None:
    answer = ask(library, "Hvad besluttede udvalget i Herning om småjob?")
    assert answer.tier is Tier.NOT_STATED
    assert answer.abstained
    assert answer.citations == ()
    assert "Fjordlev" in answer.text
    missing = ask(library, "Hvad besluttede udvalget om småjob på mødet i marts 2011?")
    assert missing.tier is Tier.NOT_STATED
    assert answer.coverage.meetings == len(library.meetings) == 9


def test_closed_items_say_that_they_are_closed_and_nothing_else(library: Library) -> None:
    closed = [(row, item) for row in library.meetings for item in library.minutes(row.id).items if item.closed]
    assert len(closed) >= 5
    for row, item in closed:
        if row.held_on is None:
            continue
        when = f"{row.held_on:%d.%m.%Y}"
        answer = ask(
            library, f"Hvad blev besluttet under punkt {item.number} på mødet den {when} i {row.municipality}?"
        )
        assert answer.tier is Tier.CLOSED
        assert "lukket" in answer.text
        assert [c.section for c in answer.citations] == [SectionKind.HEADER]


def test_attendance_is_stated_or_not_stated(library: Library) -> None:
    stated = ask(library, "Hvem deltog i mødet den 8. februar 2024 i Bakkerup?")
    assert stated.tier is Tier.ANSWER
    minutes = next(library.minutes(m.id) for m in library.meetings if "bakkerup-biu-2024-02" in m.source)
    assert minutes.attendees
    assert all(name in stated.citations[0].quote for name in minutes.attendees)
    silent = ask(library, "Hvem deltog i mødet den 12. marts 2024 i Fjordlev?")
    assert silent.tier is Tier.NOT_STATED


def test_an_undated_meeting_is_shown_as_undated(library: Library) -> None:
    row = next(m for m in library.meetings if m.held_on is None)
    item = next(i for i in library.minutes(row.id).items if "småjob" in i.title.lower())
    answer = ask(library, f"Hvad besluttede udvalget om {item.title}?")
    assert answer.citations[0].held_on is None
    assert "ikke oplyst" in answer.text


def test_an_english_answer_says_in_english_what_hints_at_a_date(library: Library) -> None:
    question = "What did the committee in Fjordlev decide about small jobs in private companies in 2025?"
    shown = {c.date_text for c in ask(library, question).citations}
    assert not any("nævner" in t for t in shown)
    assert any("mentions" in t for t in shown)
    assert texts.restated("et bilag under punkt 7 nævner 10.06.25", "evidence", "en") == (
        "an attachment to item 7 mentions 10.06.25"
    )
    assert texts.restated("Mødedato 11-03-2024", "evidence", "en") == "Mødedato 11-03-2024"


def test_agendas_are_complete(library: Library) -> None:
    for row in library.meetings:
        if row.held_on is None:
            continue
        answer = ask(library, f"Hvad var på dagsordenen den {row.held_on:%d.%m.%Y} i {row.municipality}?")
        assert [c.item for c in answer.citations] == [i.number for i in library.minutes(row.id).items]


def test_a_timeline_goes_from_the_newest_to_the_oldest(library: Library) -> None:
    answer = ask(library, "Hvordan har antallet af småjob i Fjordlev udviklet sig gennem årene?")
    assert answer.kind is QuestionKind.TIMELINE
    documents = list(dict.fromkeys(c.document for c in answer.citations))
    assert len(documents) >= 3
    assert documents == sorted(documents, key=library.held, reverse=True)
    about = [c for c in answer.citations if "småjob" in (c.quote + c.title).lower()]
    assert len(about) >= 0.5 * len(answer.citations)


def test_a_case_number_finds_all_its_items(library: Library) -> None:
    minutes = [library.minutes(m.id) for m in library.meetings]
    numbers = [i.case_number for m in minutes for i in m.items if i.case_number]
    shared = max(set(numbers), key=numbers.count)
    answer = ask(library, f"Hvilke punkter har sagsnummer {shared}?")
    assert {(c.document, c.item) for c in answer.citations} == {
        (m.id, i.number) for m in minutes for i in m.items if i.case_number == shared
    }
    assert ask(library, "Hvad handler sag 99.99.99-A99-9-99 om?").tier is Tier.NOT_STATED


def test_a_follow_up_keeps_to_the_matter(library: Library) -> None:
    first = ask(library, "Hvor mange borgere var i småjob i Bakkerup?")
    then = ask(library, "Og hvad kostede det?", [Turn("user", first.question), Turn("assistant", first.text)])
    assert then.filters.municipality == "Bakkerup"
    assert "småjob" in then.completed_question
    assert then.citations
    assert {c.municipality for c in then.citations} == {"Bakkerup"}


def test_filters_limit_and_unknown_ones_are_refused(library: Library) -> None:
    answer = ask(library, "Hvad blev besluttet om småjob?", filters=Filters(municipality="Bakkerup"))
    assert {c.municipality for c in answer.citations} == {"Bakkerup"}
    with pytest.raises(UnknownFilter, match="Herning"):
        ask(library, "småjob", filters=Filters(municipality="Herning"))


@pytest.mark.parametrize(
    ("asked", "error"), [("", QuestionEmpty), (" \n\x00 ", QuestionEmpty), ("a" * 20_000, QuestionTooLong)]
)
def test_questions_that_cannot_be_read(library: Library, asked: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(library, asked)


@pytest.mark.parametrize(
    "asked",
    [
        "?",
        "🙂",
        "<script>alert(1)</script>",
        "småjob " * 200,
        "SELECT * FROM x; --",
        "[1](javascript:x)",
        "\u202etesrever",
    ],
)
def test_odd_questions_get_an_answer_or_a_no(library: Library, asked: str) -> None:
    answer = ask(library, asked)
    assert answer.text
    assert "<script" not in answer.text


def test_the_same_question_gets_the_same_answer(library: Library, answers: list[Answer]) -> None:
    for question, answer in zip(QUESTIONS, answers, strict=True):
        again = ask(library, question)
        assert (again.text, again.citations) == (answer.text, answer.citations)


def test_the_record_holds_what_programs_need(library: Library, answers: list[Answer]) -> None:
    for answer in answers:
        record = as_record(answer, "q1")
        json.dumps(record)
        assert set(record) == {
            "id", "question", "completed_question", "language", "kind", "tier", "answer", "abstained", "coverage", "filters",
            "citations", "retrieved", "related", "warnings", "model", "timings_ms", "verification",
        }  # fmt: skip
        assert record["abstained"] == (record["tier"] == "not_stated")


# -- of a meeting itself, and of an item


@pytest.mark.parametrize(
    ("question", "said", "source"),
    [
        ("Hvem manglede på mødet i Fjordlevs Arbejdsmarkedsudvalg i marts 2024?", "Connie Thorhauge", "2024-03"),
        ("Hvilke medlemmer havde meldt afbud til Bakkerups udvalgsmøde 8. februar 2024?", "Grethe Mosevang", "2024-02"),
        ("Hvornår gik Jørn Ravnkilde fra mødet den 19. november 2024?", "kl. 15.30", "fjordlev-amu-2024-11"),
        ("Hvem var fraværende i Fjordlev?", "Nadia Fjeldborg", "2025-09"),  # the newest dated meeting
        ("Hvor mødtes Arbejdsmarkedsudvalget i september 2025?", "Sluseporten 4", "2025-09"),
        ("Hvilket sagsnummer har sagen om Beskæftigelsesplan 2025?", "15.00.15-P15-1-24", "2024-11"),
    ],
)
def test_what_is_asked_of_a_meeting_is_told_of_the_meeting_meant(
    library: Library, question: str, said: str, source: str
) -> None:
    answer = ask(library, question)
    assert answer.tier is Tier.ANSWER
    assert said in answer.text
    assert all(source in c.source for c in answer.citations)


def test_of_a_person_only_what_is_noted_of_that_person(library: Library) -> None:
    answer = ask(library, "Hvilke punkter var Jørn Ravnkilde ikke med til på mødet den 19. november 2024?")
    assert "Ravnkilde" in answer.text
    assert "Krogsbæk" not in answer.text
    assert [c.item for c in answer.citations] == ["5", "6", "7"]


def test_a_day_that_a_figure_is_of_is_not_answered_from_a_newer_meeting(library: Library) -> None:
    answer = ask(library, "Fjordlev, opfølgning pr. 29.02.2024: korrigeret budget for Beskæftigelsesindsats?")
    assert {c.source[:20] for c in answer.citations} == {"fjordlev-amu-2024-03"}


def test_a_sentence_that_holds_what_is_asked_for_goes_before_one_that_repeats_the_title(tmp_path: Path) -> None:
    """The answer to »how long« need not name the matter again: the item's title has."""
    text = """Referat Teknikudvalget 12-03-2024

Punkt 1: Tilladelse til Vandværkets rensning af drikkevand

Sagsfremstilling
Vandværket har søgt om tilladelse til rensning af drikkevand. Rensning af drikkevand kræver tilladelse fra kommunen.

Vandværket vil bruge kulfiltre til rensningen af drikkevand.

Tilladelsen gives for en begrænset periode på seks år.

Beslutning
Godkendt.
"""
    file = tmp_path / "teknik-2024-03-12.txt"
    file.write_text(text, encoding="utf-8")
    settings = Settings(index=tmp_path / "index", embedder="keywords")
    ingest([file], settings)
    answer = ask(open_library(settings), "Hvor længe gælder tilladelsen til rensning af drikkevand?")
    assert "seks år" in answer.text


# -- what the minutes do not say


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Hvordan fordeler ledigheden sig på mænd og kvinder i bilaget om nøgletal fra marts 2024?",
            "Bilaget er nævnt",
        ),
        (
            "What did the Fjordlev committee decide about the youth guides when it met on 28 October 2025?",
            "earlier meet",
        ),
        ("Hvad hedder Bakkerups nye jobcenterchef?", "intet navn|noget navn"),
    ],
)
def test_what_a_question_demands_must_be_there(library: Library, question: str, said: str) -> None:
    answer = ask(library, question)
    assert answer.tier is Tier.NOT_STATED
    assert re.search(said, answer.text)
    assert not answer.citations


def test_a_month_before_the_meeting_must_be_named_in_it(library: Library) -> None:
    assert ask(library, "Hvad viste budgetopfølgningen i Fjordlev i oktober 2022?").abstained
    assert not ask(library, "Hvor høj var ledigheden i Fjordlev i januar 2023?").abstained


def test_who_was_away_is_never_quoted_on_the_matter(library: Library) -> None:
    for question in (
        "Hvem blev ansat som konsulent i Fjordlev?",
        "Hvad sagde udvalget om budgetopfølgningen i Fjordlev?",
    ):
        for citation in ask(library, question).citations:
            assert not citation.quote.startswith(("Fraværende", "Connie Thorhauge (C) deltog ikke"))


def test_who_stood_in_is_told(library: Library) -> None:
    answer = ask(library, "Var der en stedfortræder med på mødet den 16. september 2025?")
    assert "Tove Rishede" in answer.text


def test_the_same_question_gets_the_same_answer_in_every_run(seed_index: Path) -> None:
    """Whatever order Python's sets have: it differs from one start to the next."""
    question = "Hvilken leverandør handlede punktet om en leverandøraftale om i Fjordlev i november 2024?"
    answers = set()
    for seed in range(4):
        said = command("ask", question, "--index", seed_index, "--json", PYTHONHASHSEED=str(seed))
        answers.add(json.loads(said.stdout)["answer"])
    assert len(answers) == 1
    assert "lukket" in answers.pop()


def test_what_is_decided_after_a_note_on_who_was_away_is_quoted_too(tmp_path: Path) -> None:
    text = """Referat Teknikudvalget 12-03-2024

Punkt 1: Ny cykelsti ved skolen

Sagsfremstilling
Forvaltningen foreslår en cykelsti ved skolen. Cykelstien koster 2 mio. kr.

Indstilling
Det indstilles, at cykelstien anlægges.

Beslutning
Ikke godkendt.

Fraværende: Nadia Fjeldborg (A).

Udvalget ønsker i stedet en ny sag om lys på stien.
"""
    (tmp_path / "teknik-2024-03-12.txt").write_text(text, encoding="utf-8")
    settings = Settings(index=tmp_path / "index", embedder="keywords")
    ingest([tmp_path / "teknik-2024-03-12.txt"], settings)
    library = open_library(settings)
    for question in ("Hvad blev der besluttet om cykelstien ved skolen?", "Hvor meget koster cykelstien ved skolen?"):
        answer = ask(library, question)
        assert "Ikke godkendt" in answer.text
        assert "lys på stien" in answer.text


def test_a_meeting_place_is_not_told_for_meetings_that_were_about_something(library: Library) -> None:
    answer = ask(library, "Hvor holdt Fjordlev åbne møder om kontanthjælpsreformen?")
    assert "Mødested" not in answer.text


def test_a_sentence_that_leans_on_the_one_before_is_quoted_with_it(library: Library) -> None:
    """»Det er 96 flere …« says nothing without what it counts."""
    answer = ask(library, "Hvor mange flere lønmodtagere er der i Fjordlev end i marts 2024?")
    quote = next(c.quote for c in answer.citations if "Det er 96 flere" in c.quote)
    assert quote.startswith("I marts 2025 var 14.870 borgere")
    assert answer.text.count("Det er 96 flere") == 1


def test_a_heading_about_a_meeting_to_come_makes_no_meeting_of_it(tmp_path: Path) -> None:
    text = "Referat Teknikudvalget 12-12-2023\n\nPunkt 1: Mødekalender 2024 og ny dato for mødet i januar 2024\n\nSagsfremstilling\nMødet i januar 2024 flyttes til torsdag.\n\nBeslutning\nGodkendt.\n\nFraværende: Nadia Fjeldborg (A).\n"
    (tmp_path / "teknik.txt").write_text(text, encoding="utf-8")
    ingest([tmp_path / "teknik.txt"], Settings(index=tmp_path / "index", embedder="keywords"))
    library = open_library(Settings(index=tmp_path / "index", embedder="keywords"))
    assert ask(library, "Blev mødet i januar 2024 flyttet?").tier is not Tier.NOT_STATED
    for question in ("Hvem var fraværende på mødet i januar 2024?", "Hvad blev besluttet på mødet i januar 2024?"):
        assert ask(library, question).tier is Tier.NOT_STATED


def test_of_a_person_who_is_named_only_what_is_noted_of_that_person(library: Library) -> None:
    answer = ask(library, "Hvornår gik Jørn Ravnkilde fra mødet den 19. november 2024?")
    assert answer.citations
    assert all(c.quote.startswith("Jørn Ravnkilde (V) forlod mødet kl. 15.30") for c in answer.citations)
    # the words of a note that are no names name nobody
    both = ask(library, "Hvem forlod mødet den 19. november 2024 eller deltog ikke?")
    assert {c.quote.split(" (")[0] for c in both.citations} == {"Jørn Ravnkilde", "Poul-Erik Krogsbæk"}


@pytest.mark.parametrize(
    "question",
    [
        "Hvordan faldt afstemningen ud, da småjobordningen i Fjordlev skulle justeres i november 2024?",
        "Hvilken ændring lavede udvalget i udkastet til Fjordlevs Beskæftigelsesplan 2025?",
    ],
)
def test_no_decision_is_quoted_twice(library: Library, question: str) -> None:
    """With what became of the item before it, a sentence of its decision is said already."""
    answer = ask(library, question)
    quotes = re.findall(r"»([^«]{20,})«", answer.text)
    assert quotes
    for n, one in enumerate(quotes):
        assert not any(one in other or other in one for other in quotes[n + 1 :])


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Hvad blev indstillet om småjob i Bakkerup?", "Indstillingen (ikke en beslutning):"),
        ("What was recommended on sickness benefit in Fjordlev?", "The recommendation (not a decision):"),
    ],
)
def test_what_was_recommended_is_answered_by_the_recommendation_and_what_came_of_it(
    library: Library, question: str, said: str
) -> None:
    answer = ask(library, question)
    assert answer.text.startswith(f"**{said}**")
    kinds = [c.section for c in answer.citations]
    assert kinds[0] is SectionKind.RECOMMENDATION
    assert kinds[-1] is SectionKind.DECISION
