"""What hostile or absurd documents may cost: whatever comes in, it is read whole or refused, in seconds."""

import time
from pathlib import Path

import pytest
from test_parse import assert_whole

from askamu.chunk import chunk
from askamu.errors import TooManyLines
from askamu.load import Source
from askamu.parse import parse

SECONDS = 15.0  # generous: a machine that is busy with other things takes three times as long

DOCUMENTS = {
    "many items": "".join(f"Punkt {n}: Titel {n}\n\nBeslutning\nGodkendt.\n" for n in range(1, 9_000)),
    "one number again and again": "Punkt 1: Titel\nBeslutning\nGodkendt.\n" * 9_000,
    "a cycle of headings": "Sagsfremstilling\nTekst.\nBeslutning\nGodkendt.\n" * 9_000,
    "one endless line": "Punkt 1: T\nBeslutning\n" + "Godkendt med ord. " * 60_000,
    "short lines": "Punkt 1: T\nSagsfremstilling\n" + "kort linje\n" * 20_000,
    "many tables": "Punkt 1: T\nSagsfremstilling\n"
    + "Løn 1.000 2.000\n\nProsa, som er lang nok til at slutte en tabel her.\n" * 5_000,
    "a column of numbers": "Punkt 1: T\nSagsfremstilling\n" + "\n\n".join(["12"] * 20_000),
    "absences": "Punkt 1: T\nBeslutning\n" + "Afbud: Anna Holm (V)\n" * 9_000,
    "groups": "Åbne sager\n" * 5_000 + "Punkt 1: T\nBeslutning\nGodkendt.\n" * 5_000,
    "one endless word": "Punkt 1: T\nBeslutning\n" + "a" * 500_000,
    "spaces": "Punkt 1: T" + " " * 200_000 + "x\nBeslutning\nGodkendt\n",
    "gaps": ("a" + " " * 380 + "b\n") * 300 + "Punkt 1: T\nBeslutning\nGodkendt.\n",
    "capitals": "Punkt 1: T\nBeslutning\nGodkendt.\nAnna " + "B" * 1_400 + ".\n",
    "names": "Punkt 1: T\nBeslutning\nGodkendt.\n" + "Anna Bo Cæ, Dö-Eg. " * 70 + "!\n",
    "dots": "Punkt 1: T\nBeslutning\n" + "." * 200_000,
    "digits": "Punkt 1: T\nBeslutning\n" + "1." * 100_000,
    "loose digits": "Punkt 1: T\nBeslutning\n" + "1 " * 100_000,
    "a long table of contents": "".join(f"Titel {n}.......... {n % 900}\n" for n in range(9_000))
    + "Punkt 1: Titel 1\n\nBeslutning\nGodkendt.\n",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_is_read_whole_in_seconds(name: str) -> None:
    started = time.monotonic()
    minutes = parse(Source("x.txt", Path("x.txt"), DOCUMENTS[name], "0" * 64))
    assert_whole(minutes)
    passages = chunk(minutes, lambda text: len(text) // 3 + 2, 200)
    assert all(p.text == minutes.text[p.start : p.end] for p in passages)
    assert time.monotonic() - started < SECONDS


def test_a_document_of_200_000_lines_is_refused_at_once() -> None:
    with pytest.raises(TooManyLines, match=r"x\.txt: 200001 lines"):
        parse(Source("x.txt", Path("x.txt"), "Punkt 1: T\n" + "linje\n" * 199_999, "0" * 64))


UNITS = [
    "A",
    "Ab ",
    "A ",
    "a, ",
    "at ",
    "§ ",
    "1. ",
    "(",
    "- ",
    "Aa-",
    "indstilles at ",
    "udvalget ",
    "\t",
    "12-",
    "V), ",
    "ikke ",
]
PARTS = {
    "title": "Punkt 1: T {}!\nBeslutning\nGodkendt.\n",
    "decision": "Punkt 1: T\nBeslutning\nGodkendt. {}!\nUdvalget {}!\n",
    "recommendation": "Punkt 1: T\nIndstilling\nDet indstilles, {}!\nBeslutning\nGodkendt.\n",
    "case": "Punkt 1: T\nSagsfremstilling\nAnna {}!\nBeslutning\nGodkendt.\n",
    "header": "Referat {}!\nDeltagere: {}!\nPunkt 1: T\nBeslutning\nGodkendt.\n",
    "absence": "Punkt 1: T\nBeslutning\nAfbud: {}!\n{} deltog ikke!\n",
}


@pytest.mark.parametrize("part", PARTS)
def test_no_pattern_takes_more_than_its_share_of_a_repeated_word(part: str) -> None:
    for unit in UNITS:
        started = time.process_time()
        words = PARTS[part].replace("{}", unit * (3_000 // len(unit)))
        assert_whole(parse(Source("x.txt", Path("x.txt"), words, "0" * 64)))
        assert time.process_time() - started < 2.0, unit
