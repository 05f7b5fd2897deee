"""A language model on a leash: it phrases what passages say, and every sentence is checked before anybody sees it.

model.py      ASKAMU_LLM           -> a LanguageModel; the one place that imports LangChain's chat models
tokens.py     text                 -> how many tokens it takes
evidence.py   what was found       -> passages with marks that cannot be guessed, within a budget of tokens
claims.py     a sentence           -> its figures, dates, names and what it says was decided
verify.py     sentence + passages  -> what is wrong with it
write.py      question + evidence  -> an Answer, or the extractive one and why
complete.py   a follow-up          -> a question that stands alone, and the parts of one on several matters
summary.py    item, meeting, case  -> a summary with a citation a sentence
cassette.py   what it said        -> a file, and back from it, so that an evaluation needs no model
"""
