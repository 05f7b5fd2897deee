"""What the tests of the pages share: a small index of minutes made for them, and a client of the whole application."""

from __future__ import annotations

import itertools
from pathlib import Path

from askamu.config import Settings
from askamu.ingest import IngestReport, ingest
from askamu.sidecar import from_options

SCRIPT = "<script>alert(1)</script>"
SECRET = "Hemmelig Fratrædelsesordning Udbetales"

FIRST = f"""Referat
Kulturudvalget
Holstebro Kommune

Mødedato: 10-01-2023
Mødested: Rådhuset
Deltagere:
Karen Holm (A)
Per Toft {SCRIPT}

Punkt 1: Godkendelse af dagsorden

Beslutning
Godkendt.

Punkt 2: Tilskud til {SCRIPT} spøgelsesbanen

Sagsnr.: 20.05.00-Ø40-1-23

Sagsfremstilling
Center for Økonomi og Løn (CØL) har regnet på det. Sagsbehandleren Lars Toftegaard (LT) har skrevet til Kaj Munk (KM) og Alexander Bach (AB).
I alt {SCRIPT} Spøgelsesbanens Driftsselskab (SD) søger 10.000 kr. Fællesrådet (XYZ) er hørt.

Indstilling
Det indstilles, at tilskuddet bevilges.

Beslutning
Udsat til næste møde.

Punkt 3: Lukket: Personsag

Sagsnr.: 81.00.00-A00-9-23

Sagsfremstilling
{SECRET} (HFU) er beskrevet her. Per Toft ønsker sagen genoptaget.

Beslutning
Udsat. Udvalget ønsker en ny sag. {SECRET}.

Punkt 4: Biblioteket i Holstebro

Sagsnr.: 21.00.00-A00-2-23

Sagsfremstilling
Biblioteket har åbent alle dage.

Beslutning
Taget til efterretning. Udvalget ønsker en evaluering forelagt på et senere møde.

Punkt 5: Havnefesten

Sagsnr.: 22.00.00-A00-3-23

Beslutning
Udsat.
"""

SECOND = """Referat
Kulturudvalget
Holstebro Kommune

Mødedato: 07-02-2023

Punkt 1: Godkendelse af dagsorden

Beslutning
Godkendt.

Punkt 2: Havnefesten

Sagsnr.: 22.00.00-A00-3-23

Indstilling
Det indstilles, at havnefesten holdes i august.

Beslutning
Godkendt som indstillet.

Karen Holm (A) deltog ikke i mødet.
"""


def small_index(folder: Path, **files: str) -> tuple[Settings, IngestReport]:
    """An index of texts, found by words alone: quick to build."""
    minutes = folder / "minutes"
    minutes.mkdir(parents=True, exist_ok=True)
    for name, words in files.items():
        (minutes / f"{name}.txt").write_text(words, encoding="utf-8")
    settings = Settings(index=folder / "index", embedder="keywords")
    return settings, ingest([minutes], settings)


def hostile_index(folder: Path) -> Settings:
    """The same two meetings of a committee with a hostile name, which the operator gave it."""
    settings = Settings(index=folder / "index", embedder="keywords")
    minutes = folder / "minutes"
    minutes.mkdir(parents=True)
    (minutes / "a.txt").write_text(FIRST, encoding="utf-8")
    ingest([minutes], settings, overrides=from_options(None, f'{SCRIPT}"udvalget', None))
    return settings


addresses = (f"10.1.{n // 250}.{n % 250}" for n in itertools.count(1))


def client_of(settings: Settings):  # type: ignore[no-untyped-def]
    """A client with an address of its own, for the rate limit."""
    from starlette.testclient import TestClient

    from askamu.ui import server

    return TestClient(server.create_app(settings), client=(next(addresses), 50_000), raise_server_exceptions=True)
