"""Coverage-guided fuzzing of the loaders and the parser: `python benchmarks/fuzz.py CORPUS -max_total_time=3600`.

Needs `pip install atheris`. The first byte picks the format, the rest is the file. Whatever comes in, the
result must be whole minutes or an error that askamu can explain, within five seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["askamu"]):
    from askamu.chunk import chunk
    from askamu.errors import AskamuError
    from askamu.load import load
    from askamu.parse import parse

SUFFIXES = (".txt", ".md", ".html", ".json", ".txt", ".docx", ".pdf", ".txt")
LINES = (
    "Punkt 1: Småjob",
    "Punkt 2: Lukket: Personsag",
    "## **Punkt 3: Budget**",
    "4. Åben sag",
    "35 Havnen",
    "Udskriv",
    "Sagsnr.: 16/107",
    "Sagsid.: 20/1",
    "Sagsfremstilling",
    "### Indstilling",
    "Det indstilles, at:",
    "1. at planen godkendes",
    "• beløbet",
    "Beslutning",
    "Beslutning Økonomiudvalget den 03-12-2020",
    "1.a. Anbefales.",
    "2.-4. Ikke godkendt, idet",
    "Godkendt som indstillet. Udvalget ønsker",
    "Anna Holm (V) deltog ikke på mødet.",
    "15.00.15-P16-1-23",
    "Bilag",
    "Deltagere:",
    "Afbud: B. C",
    "Mødedato 28-11-2022",
    "År",
    "2023",
    "1,2",
    "Løn\t1.000\t2.000",
    "| a | b |",
    "Vedtaget budget 1.000 -3",
    "Økonomiske",
    "konsekvenser",
    "BeslutningGodkendt.",
    "LUKKEDE SAGER",
    "Til toppen",
    "Titel..........  3",
    "Åben",
    "Punkt: 5",
    "Sag nr. 129",
    "BESLUTNINGSFORSLAG FRA X",
    "010150-1234",
)
FOLDER = Path(tempfile.mkdtemp(prefix="askamu-fuzz-"))


def text_of(data: bytes) -> bytes:
    """Bytes as lines: below 128 one of the known lines, else the byte itself."""
    out: list[str] = []
    for byte in data:
        out.append(LINES[byte % len(LINES)] + "\n" if byte < 128 else chr(byte))
    return "".join(out).encode("utf-8")


def test_one(data: bytes) -> None:
    if not data:
        return
    choice = data[0] % len(SUFFIXES)
    path = FOLDER / f"f{SUFFIXES[choice]}"
    path.write_bytes(text_of(data[1:]) if choice in (4, 7) else data[1:])
    started = time.process_time()  # of the processor: a busy machine is no finding
    try:
        minutes = parse(load(path))
    except AskamuError:
        minutes = None
    if minutes is not None:
        assert minutes.items[0].start == minutes.header.end
        assert minutes.items[-1].end == len(minutes.text)
        for before, after in zip(minutes.items, minutes.items[1:], strict=False):
            assert before.end == after.start
        for item in minutes.items:
            assert item.sections[0].start == item.start
            assert item.sections[-1].end == item.end
        for passage in chunk(minutes, lambda t: len(t) // 3 + 2, 60):
            assert passage.text == minutes.text[passage.start : passage.end]
    assert time.process_time() - started < 5, "over five seconds"


atheris.Setup(sys.argv, test_one)
atheris.Fuzz()
