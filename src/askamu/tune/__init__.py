"""Teach the embedder how people ask: an adapter trained on a municipality's own minutes, without labels.

pairs.py mines texts that ask and the passages that answer them, rewrite.py puts them in a citizen's words, learn.py
trains, measure.py compares before and after. Only learn.py needs PyTorch (the extra `askamu[tune]`).
"""
