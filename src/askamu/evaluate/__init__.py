"""How good the answers are: questions with gold over an index, metrics with intervals, two runs compared, and a report.

gold -> score (one answer) -> figures (all of them) -> page (HTML); run ties them together. `askamu eval` prints it.
"""
