"""askamu answers questions about the minutes (referater) of Danish municipal committees.

What others may build on:

    from askamu import ask, ingest, open_library, settings

    library = open_library(settings(index=Path("index")))
    answer = ask(library, "hvad besluttede udvalget om småjob?")

Names are loaded when they are first used, so that importing askamu costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Answer", "Filters", "Minutes", "Passage", "ask", "ingest", "open_library", "parse", "settings"]
_HOME = {
    "Answer": "passage", "Filters": "passage", "Minutes": "minutes", "Passage": "passage", "ask": "answer",
    "ingest": "ingest", "open_library": "library", "parse": "parse", "settings": "config",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'askamu' has no attribute {name!r}")
    return getattr(import_module(f"askamu.{_HOME[name]}"), name)
