"""askamu as a part of somebody else's LangChain: its retriever and its embeddings.

retriever = AskamuRetriever(library=open_library(settings(index=Path("index"))))
documents = retriever.invoke("hvad besluttede udvalget om småjob?")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever

from askamu.embed import Embedder
from askamu.library import Library
from askamu.question import understand
from askamu.retrieve import retrieve


class AskamuRetriever(BaseRetriever):
    """Passages for a question, best first, with the filters that the question holds applied.

    A document's content is the passage as it stands in the minutes; its metadata say where.
    """

    library: Any
    k: int = 8

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        library: Library = self.library
        question = understand(query, library.known)
        ranking = retrieve(library, question, library.allowed(question.filters))
        documents = []
        for hit in ranking.hits[: self.k]:
            passage, meeting = hit.passage, library.meeting(hit.passage.document)
            metadata = {
                "id": passage.id,
                "source": meeting.source,
                "municipality": meeting.municipality,
                "committee": meeting.committee,
                "date": meeting.held_on.isoformat() if meeting.held_on else None,
                "item": passage.item,
                "section": passage.section.value,
                "start": passage.start,
                "end": passage.end,
                "score": hit.score,
            }
            documents.append(Document(page_content=passage.text, metadata=metadata))
        return documents


class AskamuEmbeddings(Embeddings):
    """An askamu embedder where LangChain wants its own."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.embedder.embed_passages(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        vector: list[float] = self.embedder.embed_question(text).tolist()
        return vector
