"""The words municipalities print, as data: one TOML file a subject, read once.

An operator's own folder (ASKAMU_VOCABULARY) extends it: a file of the same name and form as one here.
Its lists are appended, its tables merged, its arrays of tables ([[outcome]]) stand first, because the
first that fits is the one that counts.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from askamu.errors import BadVocabulary
from askamu.minutes import SectionKind

FOLDER = Path(__file__).parent
PLAIN = (
    "headings",
    "municipalities",
    "stopwords",
    "thesaurus",
)  # elsewhere a text is a regular expression
PLAIN_LISTS = (
    ("explanations", "abbreviations", "silent"),
    ("explanations", "definitions", "no_term"),
    ("explanations", "term"),
    ("noise", "lines"),
    ("noise", "under_heading"),
    ("people", "nobody"),
    ("rewriting", "attendance_asked"),
    ("rewriting", "frames"),
    ("rewriting", "towns"),
    ("people", "parties"),
    ("rewriting", "attendance_asked"),
    ("rewriting", "frames"),
    ("rewriting", "towns"),
    ("series", "weightless"),
    ("threads", "generic"),
    ("threads", "weightless"),
    ("threads", "recurring"),
)
OPEN = (  # tables that take keys of one's own; in the others a new key would be one that nobody reads
    ("committees", "abbreviations"),
    ("dates", "months"),
    ("dates", "seasons"),
    ("municipalities", "also"),
    ("municipalities", "official"),
    ("glossary",),
)
KINDS = frozenset(kind.value for kind in SectionKind)


@dataclass(frozen=True, slots=True)
class _Own:
    """An operator's vocabulary, merged with ours."""

    digest: str = ""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)


_own = _Own()


def use(folder: Path | None) -> None:
    """Extend the vocabulary by an operator's folder from now on; None for ours alone.

    Raises:
        BadVocabulary: if the folder or a file can't be read, has a name or a key that ours don't have, a
            value of another form, or a pattern that does not compile. What was in use stays in use.
    """
    global _own
    files = _files(folder) if folder is not None else {}
    digest = hashlib.sha256(repr(sorted((p.name, data) for p, data in files.items())).encode()).hexdigest()
    digest = digest[:16] if files else ""
    if digest == _own.digest:
        return
    tables = {path.stem: _extended(path, data) for path, data in files.items()}
    _own = _Own(digest, tables)
    _forget()


def fingerprint() -> str:
    """What tells one operator's vocabulary from another, "" where there is none."""
    return _own.digest


@cache
def table(name: str) -> dict[str, Any]:
    """The content of vocabulary/<name>.toml, with what the operator added."""
    return _own.tables.get(name) or _ours(name)


def pattern(*path: str) -> re.Pattern[str]:
    """The patterns of a table of questions.toml as one, e.g. `pattern("listing", "agenda")`."""
    return patterns("questions", *path)


@cache
def patterns(name: str, *path: str) -> re.Pattern[str]:
    """The patterns of a table of a file as one, matched without case."""
    node: Any = table(name)
    for key in path:
        node = node[key]
    return re.compile("|".join(f"(?:{p})" for p in node), re.IGNORECASE)


@cache
def word_set(name: str, key: str) -> frozenset[str]:
    """A list of words of a file as a set, lower case."""
    return frozenset(str(word).casefold() for word in table(name)[key])


def _ours(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _forget() -> None:
    """Empty the caches of what the modules made of the words; they are filled again when asked for."""
    cached = type(table)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "askamu":
            for value in list(vars(module).values()):
                if isinstance(value, cached):
                    value.cache_clear()


def _files(folder: Path) -> dict[Path, bytes]:
    known = sorted(p.name for p in FOLDER.glob("*.toml"))
    try:
        # Hidden files, an editor's copies and a README are no vocabulary; any other name is a slip of the pen.
        paths = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and not p.name.endswith("~")]
    except OSError as error:
        raise BadVocabulary("vocabulary_unreadable", folder, why=error.strerror or error) from error
    files = {}
    for path in paths:
        if path.name.upper().startswith("README"):
            continue
        if path.name not in known:
            raise BadVocabulary("vocabulary_unknown", path, known=", ".join(known))
        try:
            if not path.is_file():
                raise BadVocabulary("vocabulary_unreadable", path, why="not a file")
            files[path] = path.read_bytes()
        except OSError as error:
            raise BadVocabulary("vocabulary_unreadable", path, why=error.strerror or error) from error
    return files


def _extended(path: Path, data: bytes) -> dict[str, Any]:
    try:
        own = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadVocabulary("vocabulary_unreadable", path, why=error) from error
    ours = _ours(path.stem)
    merged: dict[str, Any] = _merged(ours, own, path, (path.stem,))
    if path.stem == "headings":
        _move_headings(merged, own)
    _check_patterns(ours, own, merged, path, (path.stem,))
    return merged


def _merged(ours: Any, own: Any, path: Path, keys: tuple[str, ...]) -> Any:
    """Ours with the operator's."""
    _check_form(ours, own, path, keys)
    if isinstance(ours, dict):
        added = {}
        for key, value in own.items():
            if key in ours:
                added[key] = _merged(ours[key], value, path, (*keys, key))
                continue
            if not _takes(keys, key):
                raise BadVocabulary("vocabulary_key", path, name=".".join((*keys[1:], key)))
            _check_form(next(iter(ours.values())), value, path, (*keys, key))
            added[key] = value
        return {**ours, **added}
    if isinstance(ours, list) and not _is_pair(ours):
        return [*own, *ours] if isinstance(ours[0], dict) else [*ours, *own]
    return own


def _takes(keys: tuple[str, ...], key: str) -> bool:
    if keys == ("headings", "prefixes"):
        return key in KINDS
    return keys in OPEN or (len(keys) > 1 and keys[:1] in OPEN)


def _is_pair(value: list[Any]) -> bool:
    """A season's two months: not a list to append to but one value."""
    return all(isinstance(x, int) for x in value)


def _check_form(ours: Any, own: Any, path: Path, keys: tuple[str, ...]) -> None:
    if type(ours) is not type(own) or (isinstance(own, str) and not own.strip()):
        raise _misshapen(path, keys)
    if not isinstance(ours, list):
        return
    if _is_pair(ours):
        if len(own) != len(ours) or not _is_pair(own):
            raise _misshapen(path, keys)
    elif isinstance(ours[0], dict):
        for entry in own:
            _check_entry(ours, entry, path, keys)
    elif any(type(x) is not type(ours[0]) or (isinstance(x, str) and not x.strip()) for x in own):
        raise _misshapen(path, keys)


def _misshapen(path: Path, keys: tuple[str, ...]) -> BadVocabulary:
    return BadVocabulary("vocabulary_form", path, name=".".join(keys[1:]))


def _check_entry(ours: list[dict[str, Any]], entry: Any, path: Path, keys: tuple[str, ...]) -> None:
    """An [[entry]] has the keys that all of ours have, none that none has, and a name that one has."""
    if not isinstance(entry, dict) or not set.intersection(*map(set, ours)) <= set(entry):
        raise _misshapen(path, keys)
    for key, value in entry.items():
        like = [e[key] for e in ours if key in e]
        if not like:
            raise BadVocabulary("vocabulary_key", path, name=".".join((*keys[1:], key)))
        _check_form(like[0], value, path, (*keys, key))
        if (key == "name" and value not in like) or (key == "kinds" and not set(value) <= KINDS):
            raise _misshapen(path, (*keys, key))


def _move_headings(merged: dict[str, Any], own: dict[str, Any]) -> None:
    """A heading that the operator puts under another kind leaves the one where it stood."""
    kinds = [kind for kind in merged if kind in KINDS]
    for kind in kinds:
        words = {str(word).casefold() for word in own.get(kind, ())}
        for other in kinds:
            if other != kind and other not in own:
                merged[other] = [word for word in merged[other] if word.casefold() not in words]


def _check_patterns(ours: Any, own: Any, merged: Any, path: Path, keys: tuple[str, ...]) -> None:
    """Compile what the operator wrote, as it is used: alone, in brackets, and joined with ours."""
    if keys[0] in PLAIN or keys in PLAIN_LISTS:
        return
    if isinstance(own, dict):
        for key, value in own.items():
            if keys in OPEN or keys[:1] in OPEN:
                _compile(key, key, path, (*keys, key))
            like = ours.get(key) if isinstance(ours, dict) else None
            if keys[0] != "glossary" or isinstance(value, dict):
                _check_patterns(like, value, merged[key], path, (*keys, key))
    elif isinstance(own, str):
        _compile(own, own, path, keys)
    elif isinstance(own, list) and own and isinstance(own[0], dict):
        for entry in own:
            _check_patterns(None, entry, entry, path, keys)
    elif isinstance(own, list) and own and isinstance(own[0], str):
        groups = [set(re.compile(p).groupindex) for p in ours or ()]
        wanted = set.intersection(*groups) if groups else set()
        for pattern in own:
            if missing := wanted - set(_compile(pattern, pattern, path, keys).groupindex):
                why = f"(?P<{min(missing)}>…)"
                raise BadVocabulary("vocabulary_pattern", path, name=".".join(keys[1:]), pattern=pattern, why=why)
        if _compiles("|".join(ours or ())):
            for n, pattern in enumerate(own, start=1):
                _compile("|".join([*(ours or ()), *own[:n]]), pattern, path, keys)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _compile(pattern: str, named: str, path: Path, keys: tuple[str, ...]) -> re.Pattern[str]:
    """Raises: BadVocabulary, with the pattern that is to blame."""
    try:
        re.compile(f"(?:{pattern})")
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadVocabulary("vocabulary_pattern", path, name=".".join(keys[1:]), pattern=named, why=error) from error
