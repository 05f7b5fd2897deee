"""The lexical index: which passages hold the words of a question; the one place that imports tantivy.

A passage is indexed in three fields of terms that `danish.Analyser` makes: the stems of its words,
the stems of the parts of its compounds, and folded 4-grams. Compounds are split against the words of
the corpus itself, which lie beside the index in lexicon.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import tantivy

from askamu.danish import Analyser, frequencies, stem, stop_words, word_grams, words
from askamu.errors import IndexNotWritable, IndexUnreadable
from askamu.passage import Passage

LEXICON = "lexicon.json"
FOLDER = "lexical"
LONGEST_WORD = 80
_WHITESPACE = "terms"  # our terms come separated by spaces
_HEAP_BYTES = 256_000_000  # enough for one segment of some 100,000 passages; taken as needed
_ERRORS = (ValueError, OSError, RuntimeError)  # what tantivy raises for a damaged index


@dataclass(frozen=True, slots=True)
class Weights:
    """What a term counts for in each field."""

    stems: float = 1.0
    parts: float = 0.4
    grams: float = 0.5


DEFAULT_WEIGHTS = Weights()


def build(
    folder: Path, passages: Sequence[Passage], analyser: Analyser, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write a new index of the passages into folder/lexical.

    Args:
        folder: of a generation; made if it isn't there.
        progress: called with passages done and all.

    Raises:
        IndexNotWritable: if the disk is full or refuses.
    """
    place = folder / FOLDER
    place.mkdir(parents=True)
    terms = _Terms(analyser)
    try:
        writer = _registered(tantivy.Index(_schema(), path=str(place))).writer(_HEAP_BYTES, 1)
        for done, passage in enumerate(passages, start=1):
            writer.add_document(_document(passage, terms))
            if progress and (done % 500 == 0 or done == len(passages)):
                progress(done, len(passages))
        writer.commit()
        writer.wait_merging_threads()
    except ValueError as error:  # tantivy's word for a full disk too
        raise IndexNotWritable(folder, str(error)) from error


def write_lexicon(folder: Path, passages: Iterable[Passage]) -> Analyser:
    """Count the words of the passages, keep them in folder/lexicon.json, and return their analyser."""
    folder.mkdir(parents=True, exist_ok=True)
    count = frequencies(p.indexed_text for p in passages)
    (folder / LEXICON).write_text(json.dumps(count, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return Analyser(count)


def read_lexicon(folder: Path) -> Analyser:
    """The analyser of a generation.

    Raises:
        IndexUnreadable: if lexicon.json is missing or damaged.
    """
    try:
        return Analyser(json.loads((folder / LEXICON).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise IndexUnreadable(folder, f"{LEXICON}: {error}") from error


class LexicalIndex:
    """An open index. Safe to use from several threads; sees what was there when it was opened."""

    def __init__(self, folder: Path, index: tantivy.Index) -> None:
        self.folder = folder
        self._schema = index.schema
        self._searcher = index.searcher()

    @classmethod
    def open(cls, folder: Path) -> LexicalIndex:
        """Open the index of a generation's folder.

        Raises:
            IndexUnreadable: if it is missing or damaged.
        """
        try:
            return cls(folder, _registered(tantivy.Index.open(str(folder / FOLDER))))
        except _ERRORS as error:
            raise IndexUnreadable(folder, f"{FOLDER}: {error}") from error

    @property
    def size(self) -> int:
        """How many passages are indexed."""
        return int(self._searcher.num_docs)

    @cached_property
    def analyser(self) -> Analyser:
        return read_lexicon(self.folder)

    def doc_freq(self, term: str) -> int:
        """In how many passages a stem (danish.stem) stands."""
        return int(self._searcher.doc_freq("stems", term))

    def search(
        self, text: str, k: int, documents: frozenset[str] | None = None, weights: Weights = DEFAULT_WEIGHTS
    ) -> list[tuple[str, float]]:
        """The k passages that hold most of the text's words, best first.

        Args:
            text: a question; stop words in it are left out.
            documents: only passages of these; None for all.

        Returns:
            (passage id, BM25 score); empty if the text holds no words that say something.

        Raises:
            IndexUnreadable: if the index is damaged.
        """
        if k < 1 or (documents is not None and not documents):
            return []
        query = self._query(text, weights)
        if query is None:
            return []
        try:
            if documents is not None:
                allowed = tantivy.Query.term_set_query(self._schema, "document", sorted(documents))
                query = tantivy.Query.boolean_query(
                    [
                        (tantivy.Occur.Must, query),
                        (tantivy.Occur.Must, tantivy.Query.const_score_query(allowed, 0.0)),
                    ]
                )
            hits = self._searcher.search(query, k, count=False).hits
            found = [(str(self._searcher.doc(address).get_first("id")), float(score)) for score, address in hits]
        except _ERRORS as error:
            raise IndexUnreadable(self.folder, f"{FOLDER}: {error}") from error
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def _query(self, text: str, weights: Weights) -> tantivy.Query | None:
        said = [w for w in _words(text) if w not in _stop_words()]
        stems = dict.fromkeys(stem(w) for w in said)
        parts = dict.fromkeys(p for w in said for p in self.analyser.split(w))
        grams = dict.fromkeys(g for w in said for g in word_grams(w))
        boosts: dict[tuple[str, str], float] = {("stems", t): weights.stems for t in stems}
        for term in parts:  # »sygedagpengeindsats« asks for »sygedagpenge«, and for its other compounds
            boosts.setdefault(("stems", term), weights.parts)
        boosts |= {("parts", t): weights.parts for t in stems | parts}
        boosts |= {("grams", t): weights.grams for t in grams}
        terms = [
            (tantivy.Occur.Should, tantivy.Query.boost_query(self._term(field, term), boost))
            for (field, term), boost in boosts.items()
            if boost > 0
        ]
        return tantivy.Query.boolean_query(terms) if terms else None

    def _term(self, field: str, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, term, "freq")


@cache
def _stop_words() -> frozenset[str]:
    return stop_words()


def _words(text: str) -> list[str]:
    """The words of a text, cut at a length that no word has: looking for compounds takes the square of it."""
    return [w[:LONGEST_WORD] for w in words(text)]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("document", stored=False, tokenizer_name="raw", index_option="basic")
    for field in ("stems", "parts", "grams"):
        builder.add_text_field(field, stored=False, tokenizer_name=_WHITESPACE, index_option="freq")
    return builder.build()


def _registered(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_WHITESPACE, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def _document(passage: Passage, terms: _Terms) -> tantivy.Document:
    found = _words(passage.indexed_text)
    document = tantivy.Document()
    document.add_text("id", passage.id)
    document.add_text("document", passage.document)
    for field, of_word in zip(("stems", "parts", "grams"), zip(*map(terms.of, found), strict=True), strict=False):
        document.add_text(field, " ".join(filter(None, of_word)))
    return document


class _Terms:
    """The terms of each word, found once: a corpus has few words and repeats them."""

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser
        self._known: dict[str, tuple[str, str, str]] = {}

    def of(self, word: str) -> tuple[str, str, str]:
        """Stem, parts and grams, each separated by spaces. Stop words have no grams: they would only be noise."""
        known = self._known.get(word)
        if known is None:
            grams = () if word in _stop_words() else word_grams(word)
            known = self._known[word] = (stem(word), " ".join(self._analyser.split(word)), " ".join(grams))
        return known
