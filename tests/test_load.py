"""Files become text, whatever their encoding; what is no text is refused with a sentence."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askamu.errors import BinaryFile, EmptyFile, TooLarge
from askamu.load import clean, load

TEXT = "Punkt 1: Småjob på Ærø\n\nBeslutning\nGodkendt – »øl«.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_reads_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "referat.txt"
    path.write_bytes(TEXT.encode(encoding))
    assert load(path).text == TEXT


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp865", "mac_roman"])
def test_reads_old_danish_text(tmp_path: Path, encoding: str) -> None:
    danish = "Punkt 1: Småjob på Ærø\n\nBeslutning\nIndstillingen tiltrådt. Økonomien følges nøje.\n"
    path = tmp_path / "referat.txt"
    path.write_bytes(danish.encode(encoding))
    assert load(path).text == danish


def test_decomposed_letters_are_composed(tmp_path: Path) -> None:
    path = tmp_path / "referat.txt"
    path.write_text(unicodedata.normalize("NFD", TEXT), encoding="utf-8")
    assert load(path).text == TEXT


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyFile),
        (b" \n\t\n", EmptyFile),
        (b"%PDF-1.7\x00\x01\x02" * 200, BinaryFile),
        (bytes(range(256)) * 40, BinaryFile),
    ],
)
def test_refuses_what_is_no_text(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    path = tmp_path / "referat.txt"
    path.write_bytes(content)
    with pytest.raises(error, match=r"referat\.txt"):
        load(path)


def test_refuses_a_file_over_the_limit_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "stor.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(TooLarge, match="50 MB"):
        load(path)


def test_line_ends_and_invisible_characters_are_cleaned() -> None:
    assert clean("a\u00a0b\r\nc\u00adc\r\nd \t\ne\u202ef\x00g") == "a b\ncc\nd\nef g"


@given(st.text())
def test_cleaning_is_stable_and_loses_no_letters(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    kept = [c for c in unicodedata.normalize("NFC", text) if c.isalnum()]
    assert [c for c in once if c.isalnum()] == kept
