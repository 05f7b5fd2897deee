"""What several test files share: the seeds, one index of them, and the development data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from askamu.config import Settings
from askamu.library import Library, open_library
from askamu.load import load
from askamu.minutes import Minutes
from askamu.parse import parse

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test fetches a model; without it each miss is tried for a minute

pytest_plugins = ["helpers_browser", "helpers_llm", "helpers_models"]

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
SHARED = ROOT.parent / "shared"


def seed_files() -> list[Path]:
    return sorted(p for p in SEEDS.iterdir() if p.suffix in (".txt", ".md") and p.stem != "README")


def shared_files(folder: str = "seeds") -> list[Path]:
    """The real minutes beside the repository; none where they are absent."""
    return sorted((SHARED / folder).glob("*.txt")) if (SHARED / folder).is_dir() else []


def all_files() -> list[Path]:
    return [*seed_files(), *shared_files()]


def read(path: Path) -> Minutes:
    return parse(load(path))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the development data is not beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def seed_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of seeds/, built once with the real embedder."""
    from askamu.ingest import ingest

    folder = tmp_path_factory.mktemp("seeds") / "index"
    report = ingest([SEEDS], Settings(index=folder))
    assert not report.failed
    return folder


@pytest.fixture(scope="session")
def library(seed_index: Path) -> Library:
    return open_library(Settings(index=seed_index))
