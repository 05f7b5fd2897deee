"""askamu drops into a LangChain."""

from langchain_core.runnables import RunnableLambda

from askamu.chain import AskamuEmbeddings, AskamuRetriever
from askamu.library import Library


def test_the_retriever_gives_passages_as_they_stand(library: Library) -> None:
    chain = AskamuRetriever(library=library, k=5) | RunnableLambda(lambda documents: documents)
    documents = chain.invoke("Hvad besluttede udvalget i Fjordlev om småjob?")
    assert len(documents) == 5
    by_source = {m.source: m.id for m in library.meetings}
    for document in documents:
        where = document.metadata
        assert where["municipality"] == "Fjordlev"
        minutes = library.minutes(by_source[where["source"]])
        assert minutes.text[where["start"] : where["end"]] == document.page_content
    assert any("småjob" in d.page_content.lower() for d in documents)


def test_the_embeddings_are_the_embedders(library: Library) -> None:
    embeddings = AskamuEmbeddings(library.embedder)
    (passage,) = embeddings.embed_documents(["småjob i kommunen"])
    question = embeddings.embed_query("småjob")
    assert len(passage) == len(question) == library.embedder.dim
    assert sum(a * b for a, b in zip(passage, question, strict=True)) > 0.5
