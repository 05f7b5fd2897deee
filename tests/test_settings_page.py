"""What an operator can set of the page: name, colour, limits, and who may show it in a frame."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from askamu.config import Settings, settings
from askamu.errors import BadSetting

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")

from askamu.ui import chat
from askamu.ui.colours import DARK_PAPER, LEAST_CONTRAST, WHITE, contrast, shades
from askamu.ui.server import create_app


def client(folder: Path, **values: object) -> TestClient:
    return TestClient(create_app(Settings(index=folder / "index", **values)))


def test_nobody_may_frame_the_page_unless_named(tmp_path: Path) -> None:
    closed = client(tmp_path).get("/").headers
    assert closed["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in closed["content-security-policy"]
    opened = client(tmp_path, frame_ancestors=("https://www.greve.dk",))
    for path in ("/", "/en/", "/kilde/x/1"):
        headers = opened.get(path).headers
        assert "x-frame-options" not in headers
        assert headers["content-security-policy"].count("frame-ancestors") == 1
        assert "frame-ancestors https://www.greve.dk" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin", ["*", "https://a.dk; script-src *", "a.dk", "https://a.dk/side", "https://", "'self' https://b.dk"]
)
def test_only_addresses_of_sites_may_frame(origin: str) -> None:
    with pytest.raises(BadSetting, match="FRAME_ANCESTORS"):
        settings(frame_ancestors=(origin,))


@pytest.mark.parametrize("accent", ["red", "#fff", "#ffee00", "#gggggg", "#1a5166;}body{display:none", ""])
def test_a_colour_that_cannot_be_read_or_is_none_is_refused(accent: str) -> None:
    with pytest.raises(BadSetting, match="kontrast"):
        shades(accent)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_in_any_colour_that_is_taken_can_be_read_in_both_themes(colour: tuple[int, int, int]) -> None:
    hexed = "#{:02x}{:02x}{:02x}".format(*colour)
    if contrast(colour, WHITE) < LEAST_CONTRAST:
        with pytest.raises(BadSetting):
            shades(hexed)
        return
    light = shades(hexed).steps
    as_colour = {step: tuple(bytes.fromhex(value[1:])) for step, value in light.items()}
    assert contrast(as_colour[200], DARK_PAPER) >= LEAST_CONTRAST
    assert contrast(as_colour[700], WHITE) >= LEAST_CONTRAST
    assert contrast(as_colour[200], as_colour[950]) >= LEAST_CONTRAST  # a button in the dark


def test_the_name_stands_on_the_page_as_text(tmp_path: Path) -> None:
    named = client(tmp_path, name="<b>Greve</b>")
    assert "<b>Greve" not in named.get("/").text
    assert "&lt;b&gt;Greve&lt;/b&gt;</title>" in named.get("/kilde/x/1").text


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "x",
        7,
        [None],
        [{}],
        [{"q": 1}],
        [{"q": "a", "limits": ["x"], "lifted": []}],
        [{"q": " ", "limits": [""] * 4, "lifted": []}],
        {"q": "a"},
    ],
)
def test_what_a_browser_kept_may_be_anything(stored: object) -> None:
    assert chat.read_kept(stored) == []


def test_a_conversation_comes_back_as_it_was_asked() -> None:
    limits = ("Fjordlev", "", "2024", "")
    past = (
        chat.Exchange("Hvad?", "a", "", "", answered=True, limits=limits),
        chat.Exchange("Fejl", "", "", "", answered=False),
    )
    kept = chat.kept(past)
    assert chat.read_kept(kept) == [chat.Asked("Hvad?", limits, llm=False)]
    long = tuple(chat.Exchange("å" * 2000, "", "", "", answered=True) for _ in range(20))
    assert sum(len(a["q"]) for a in chat.kept(long)) <= chat.KEPT_CHARS
