"""Words a question uses -> words minutes use: English to Danish, and a citizen's to an administration's.

Both are data (vocabulary/glossary.toml). They add words for the lexical search and take none away.
"""

from __future__ import annotations

import re
from functools import cache

from askamu.vocabulary import table


@cache
def _phrases(key: str) -> list[tuple[re.Pattern[str], str]]:
    entries: dict[str, list[str]] = table("glossary")[key]
    ordered = sorted(entries.items(), key=lambda entry: -len(entry[0]))
    return [(re.compile(rf"\b{phrase}\b", re.IGNORECASE), " ".join(others)) for phrase, others in ordered]


def added_words(text: str, language: str) -> str:
    """The administration's words for what a text says, "" if the glossary has none."""
    keys = ["english", "danish"] if language == "en" else ["danish"]
    return " ".join(others for key in keys for pattern, others in _phrases(key) if pattern.search(text))


def expand(text: str, language: str) -> str:
    """The text with the administration's words added."""
    added = added_words(text, language)
    return f"{text} {added}" if added else text
