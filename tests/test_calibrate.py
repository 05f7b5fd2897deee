"""When to abstain, fitted to an index: chosen on some questions, judged on others, kept beside the index."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run as command
from test_evaluate import OWN, _file, gold

from askamu.answer import ask
from askamu.config import Settings
from askamu.errors import TooFewToCalibrate
from askamu.evaluate.calibrate import LEAST_ANSWERED, Seen, calibrate, choose
from askamu.library import Library, open_library
from askamu.limits import FILE, NO_ANSWER, NO_LIMITS, Limits, keep_limits, limits_of, usual
from askamu.passage import Tier

USUAL = Limits(0.22, 0.8, 0.75)
UNTOLD = {"id": "a", "question": "Hvad blev besluttet?", "answerable": False}


def seen(due: bool, covered: float, cosine: float, otherwise: bool = False) -> Seen:
    return Seen(due, otherwise, False, covered, cosine, "da")


@pytest.fixture
def copied(seed_index: Path, tmp_path: Path) -> Path:
    shutil.copytree(seed_index, tmp_path / "index")
    return tmp_path / "index"


def _open(folder: Path) -> Library:
    return open_library(Settings(index=folder))


def test_limits_that_tell_the_two_sorts_apart_are_found() -> None:
    asked = [seen(True, 0.1, 0.83) for _ in range(10)] + [seen(False, 0.5, 0.83) for _ in range(30)]
    limits = choose(asked, USUAL)
    assert all(s.abstains(limits) == s.due for s in asked)
    assert not any(s.abstains(USUAL) for s in asked), "the usual limits are too low here"


def test_limits_in_use_stay_where_no_others_do_better() -> None:
    asked = [seen(True, 0.1, 0.7), seen(False, 0.5, 0.9)]
    assert choose(asked, USUAL) == USUAL


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(0.5, 1)), min_size=1, max_size=40))
def test_few_of_those_that_the_minutes_answer_are_refused(rows: list[tuple[bool, float, float]]) -> None:
    """No limit on the grid lets more through than the lowest, so where that keeps to the share, so does the choice."""
    asked = [seen(*row) for row in rows]
    limits = choose(asked, USUAL)
    answerable = [s for s in asked if not s.due]
    if answerable:
        assert sum(not s.abstains(limits) for s in answerable) / len(answerable) >= LEAST_ANSWERED


def test_what_is_answered_or_refused_anyway_does_not_hang_on_the_limits() -> None:
    assert seen(True, 1.0, 1.0, otherwise=True).abstains(NO_LIMITS)
    assert not Seen(False, False, True, 0.0, 0.0, "da").abstains(NO_ANSWER)


def test_too_few_questions_are_told_with_how_many_it_takes(library: Library) -> None:
    with pytest.raises(TooFewToCalibrate) as told:
        calibrate(library, [gold()])
    assert "1" in told.value.say("da")
    assert "30" in told.value.say("da")


def test_kept_limits_are_those_that_questions_meet(copied: Path) -> None:
    question = "Hvad blev besluttet om årsregnskabet i Fjordlev i 2024?"
    library = _open(copied)
    assert library.limits == usual(library.embedder)
    assert ask(library, question).tier is Tier.ANSWER
    keep_limits(copied, library.embedder, NO_ANSWER, {})
    assert ask(_open(copied), question).tier is Tier.NOT_STATED
    (copied / FILE).unlink()
    assert ask(_open(copied), question).tier is Tier.ANSWER


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": 0}', '{"format": 1, "model": "another", "limits": {"covered": 2}}',
     '{"format": 1, "model": "MODEL", "limits": {"covered": "x"}}', '{"format": 1, "model": "MODEL", "limits": {}}',
     '{"format": 1, "model": "MODEL", "limits": {"covered": NaN, "cosine": 0.8, "cosine_english": 0.7}}',
     '{"format": 1, "model": "MODEL", "limits": {"covered": 1' + "0" * 400 + ', "cosine": 0.8, "cosine_english": 0.7}}'],
)  # fmt: skip
def test_a_calibration_that_does_not_fit_is_left_out_and_told(
    copied: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = _open(copied).embedder
    (copied / FILE).write_text(content.replace("MODEL", embedder.model_id), encoding="utf-8")
    assert limits_of(copied, embedder) == usual(embedder)
    assert FILE in caplog.text


def test_the_command_keeps_only_what_pays_and_measures_with_it(copied: Path, tmp_path: Path) -> None:
    done = command("eval", str(OWN), "--index", str(copied), "--calibrate", "--json", "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert "four fifths" in done.stderr
    kept = (copied / FILE).is_file()
    assert kept == ("Kept in" in done.stderr)
    assert json.loads(done.stdout)["abstention"]["f1"] > 0.7
    few = command("eval", str(_file(tmp_path, UNTOLD)), "--index", str(copied), "--calibrate")
    assert few.returncode == 2
    assert "mindst 10" in few.stderr
