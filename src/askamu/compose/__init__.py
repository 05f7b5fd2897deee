"""Composing an answer: one module a kind of question, each from a ranking to a `Draft`."""

from askamu.compose.draft import Context, Draft

__all__ = ["Context", "Draft"]
