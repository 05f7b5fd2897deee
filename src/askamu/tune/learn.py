"""Training of the adapter: low-rank changes to the matrices of the embedder.

Each question is held against the answers of the others in its batch and some passages that are near to it and wrong,
while both sides are kept near to where the untuned model has them.

Source: Hu et al. 2021 (LoRA); Karpukhin et al. 2020 (DPR: in-batch and hard negatives), with any of several right
passages (Miech et al. 2020, MIL-NCE); Hinton et al. 2015 (distillation); Shamir & Zhang 2013 (averages over the steps
in which later ones weigh more).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

from askamu.e5.engine import batches
from askamu.embed import Progress, Vectors, clean, processor_flags, silent, st_base
from askamu.texts import day_text
from askamu.tune.pairs import Corpus, Example, Kind, Place
from askamu.tune.rewrite import rewrite
from askamu.vocabulary import fingerprint

NAMED = 0.25  # share of the questions that name a municipality, a committee or a month
COMPARED = 0.25  # of those, where several municipalities' passages answer: how many name them all
LATER = 2  # power of a step's number by which it weighs in the mean of the weights
QUESTION_TOKENS, PASSAGE_TOKENS = 96, 128  # in training; what is longer is cut
RUN_TOKENS = 4_096  # of one run of passages, padding counted
NEAR = 30  # the wrong passages nearest to a question, of which one is taken
NEAREST = 0.7  # how often the right passage is the one nearest to the question; else any that answers
CHECK_EVERY = 60  # steps
PATIENCE = 5  # checks without a better one, after which it stops
WARM_UP = 20  # steps
HIDDEN = -1e9


@dataclass(frozen=True, slots=True)
class Recipe:
    """How it is trained. The defaults are those of the adapter that ships (docs/adapter.md has what each brings)."""

    rank: int = 8
    rate: float = 3e-4
    temperature: float = 0.02
    batch: int = 32
    passes: float = 2.5  # over the examples
    keep: float = 1.5  # weight of the term that keeps vectors near their old ones
    hard: float = 0.4  # share of the questions that bring a passage along that is near to them and wrong
    alike: float = 0.02  # a passage more like the question than the best answer by this much may answer it too: hidden
    rewriting: bool = True
    naming: bool = True
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Check:
    """A look at questions on meetings that are not trained on."""

    step: int
    seconds: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Learned:
    """The best state that was seen."""

    tensors: dict[str, Vectors]
    config: dict[str, Any]
    checks: tuple[Check, ...]
    step: int


class Learner:
    """A sentence-transformers model in training.

    Args:
        folder: the model's folder or name.
        prompts: what stands before each question, and before each passage.
    """

    def __init__(self, folder: str, prompts: tuple[str, str], recipe: Recipe, threads: int | None = None) -> None:
        import sentence_transformers
        from transformers.utils import logging as quiet

        quiet.set_verbosity_error()  # it reports that the pooler, which is not used, is not in the folder
        quiet.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        torch.manual_seed(recipe.seed)
        self.recipe, self.prompts = recipe, prompts
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model: Any = sentence_transformers.SentenceTransformer(folder, device=self.device)
        self.base = st_base(self.model)
        config = LoraConfig(
            r=recipe.rank, lora_alpha=2 * recipe.rank, target_modules="all-linear", exclude_modules=r".*pooler.*"
        )
        self.adapted: Any = get_peft_model(self.model[0].auto_model, config)
        self.model[0].auto_model = self.adapted

    def encode(self, texts: Sequence[str], tokens: int) -> torch.Tensor:
        """Unit vectors of texts with their prompts, with gradients where they are wanted; like lengths together."""
        rows = self.model.tokenizer([clean(t) for t in texts], truncation=True, max_length=tokens, verbose=False)
        lengths = [len(ids) for ids in rows["input_ids"]]
        parts = batches(lengths, RUN_TOKENS)
        found = []
        for part in parts:
            read = self.model.tokenizer.pad({"input_ids": [rows["input_ids"][n] for n in part]}, return_tensors="pt")
            with self._half():
                out = self.model({k: v.to(self.device) for k, v in read.items()})["sentence_embedding"]
            found.append(torch.nn.functional.normalize(out.float(), dim=-1))
        order = torch.tensor([n for part in parts for n in part], device=self.device)
        return torch.cat(found)[torch.argsort(order)]

    def questions(self, texts: Sequence[str]) -> torch.Tensor:
        return self.encode([self.prompts[0] + t for t in texts], QUESTION_TOKENS)

    def passages(self, texts: Sequence[str], tokens: int = PASSAGE_TOKENS) -> torch.Tensor:
        return self.encode([self.prompts[1] + t for t in texts], tokens)

    def vectors(self, texts: Sequence[str], *, passages: bool = False, tuned: bool = True) -> Vectors:
        """float32 of shape (len(texts), dim), of questions or of whole passages."""
        self.model.eval()
        most = int(self.model.max_seq_length or 512)
        with torch.inference_mode(), contextlib.nullcontext() if tuned else self.adapted.disable_adapter():
            found: Vectors = (self.passages(texts, most) if passages else self.questions(texts)).cpu().numpy()
        return found

    def _half(self) -> Any:
        """16-bit products where the machine has them."""
        if self.device == "cuda" or processor_flags() & {"avx512_bf16", "amx_bf16"}:
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def state(self) -> dict[str, torch.Tensor]:
        return {k: v.detach().cpu().clone() for k, v in get_peft_model_state_dict(self.adapted).items()}

    def use(self, learned: Learned) -> None:
        """Take the state of `learned`."""
        set_peft_model_state_dict(self.adapted, {k: torch.from_numpy(v) for k, v in learned.tensors.items()})

    # -- training

    def learn(
        self,
        corpus: Corpus,
        passages: Vectors,
        examples: Sequence[Example],
        check: Callable[[Learner], float],
        place: Path | None = None,
        progress: Progress = silent,
    ) -> Learned:
        """Train until all passes are done, or until nothing gets better.

        Args:
            passages: the vectors of the corpus' texts.
            check: what is to be made as high as can be; on other meetings than these.
            place: a folder that keeps the state, so that a run that was broken off goes on.
        """
        recipe = self.recipe
        bank = torch.from_numpy(passages).to(self.device)
        cases = torch.tensor(corpus.cases, device=self.device)
        steps = max(1, math.ceil(recipe.passes * len(examples) / recipe.batch))
        weights = [p for p in self.adapted.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.01)
        plan = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda s: min(1, (s + 1) / WARM_UP) * max(0.02, 1 - s / steps)
        )
        kept = _Kept(place, _digest(self, corpus, examples))
        means = [w.detach().clone() for w in weights]  # averaged over the steps: steadier than the last ones
        checks, best, step = kept.load(self, optimizer, plan, means)
        started, before = time.perf_counter(), checks[-1].seconds if checks else 0.0
        if not checks:
            checks, best = [Check(0, 0.0, check(self))], self.state()
        progress("learn", step, steps)
        while step < steps and len(checks) - 1 - _best(checks) < PATIENCE:
            # Each step has its own, so that a run that goes on ends as one that did not stop.
            seed = recipe.seed * 1_000_003 + step
            chance = random.Random(seed)
            torch.manual_seed(seed)
            batch = _batch(examples, step, recipe)
            asked, answers = zip(*(self._asked(e, corpus, chance) for e in batch), strict=True)
            # A question that names one of two towns, or a day, has the other's passages to be told from.
            others = [row for e, a in zip(batch, answers, strict=True) for row in set(e.answers) - set(a)]
            loss = self._loss(asked, answers, others[: recipe.batch // 2], bank, cases, corpus, chance)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            plan.step()
            with torch.no_grad():
                for mean, weight in zip(means, weights, strict=True):
                    mean.lerp_(weight, (LATER + 1) / (step + LATER + 1))
            step += 1
            progress("learn", step, steps)
            if step % CHECK_EVERY == 0 or step == steps:
                with _swapped(weights, means):
                    checks.append(Check(step, before + time.perf_counter() - started, check(self)))
                    if checks[-1].mrr >= max(c.mrr for c in checks):
                        best = self.state()
                kept.save(self, optimizer, plan, means, checks, best, step)
        config = self.adapted.peft_config["default"].to_dict()
        tensors = {k: v.float().numpy() for k, v in best.items()}
        return Learned(tensors, config, tuple(checks), checks[_best(checks)].step)

    def _asked(self, example: Example, corpus: Corpus, chance: random.Random) -> tuple[str, tuple[int, ...]]:
        asked, answers = example.asked, example.answers
        if self.recipe.rewriting:
            asked = rewrite(asked, example.kind, chance, corpus.analyser)
        if self.recipe.naming and (example.kind is Kind.ATTENDANCE or chance.random() < NAMED):
            towns = sorted({corpus.places[row].municipality or "" for row in answers})
            place = corpus.places[chance.choice(answers)]
            if len(towns) > 1 and chance.random() < COMPARED:
                named = "i " + chance.choice([" og ", " sammenlignet med ", " eller "]).join(towns)
            else:
                named = _named(place, chance)
                answers = tuple(row for row in answers if corpus.places[row] == place) if named else answers
            asked = f"{asked.rstrip('?. ')} {named}{'?' if asked.rstrip().endswith('?') else ''}" if named else asked
        return asked, answers

    def _loss(
        self,
        asked: Sequence[str],
        answers: Sequence[tuple[int, ...]],
        others: Sequence[int],
        bank: torch.Tensor,
        cases: torch.Tensor,
        corpus: Corpus,
        chance: random.Random,
    ) -> torch.Tensor:
        """Of the answers against the other passages of the batch, and of the way that the vectors have gone.

        Args:
            others: rows that are wrong for some of the questions.
            bank: the old vectors of the corpus.
            cases: `corpus.cases`.
        """
        recipe = self.recipe
        with torch.no_grad(), self.adapted.disable_adapter():
            self.model.eval()
            old = self.questions(asked)
        likeness = old @ bank.T
        hidden = torch.zeros(likeness.shape, dtype=torch.bool, device=self.device)
        rows = set(others)
        for n, right in enumerate(answers):
            near = likeness[n, list(right)]
            hidden[n] = torch.isin(cases, cases[list(right)]) | (likeness[n] > near.max() + recipe.alike)
            rows.add(right[int(near.argmax())] if chance.random() < NEAREST else chance.choice(right))
            if chance.random() < recipe.hard:
                wrong = likeness[n].masked_fill(hidden[n], HIDDEN).topk(min(NEAR, len(bank))).indices
                rows.add(int(wrong[chance.randrange(len(wrong))]))
        columns = torch.tensor(sorted(rows), device=self.device)
        rightly = torch.stack([torch.isin(columns, torch.tensor(right, device=self.device)) for right in answers])
        self.model.train()
        new, passages = self.questions(asked), self.passages([corpus.texts[row] for row in sorted(rows)])
        scores = new @ passages.T / recipe.temperature
        gained = scores.masked_fill(~rightly, HIDDEN).logsumexp(1)
        told = scores.masked_fill(hidden[:, columns] & ~rightly, HIDDEN).logsumexp(1)
        gone = (1 - (new * old).sum(1)).mean() + (1 - (passages * bank[columns]).sum(1)).mean()
        return (told - gained).mean() + recipe.keep * gone


def _best(checks: Sequence[Check]) -> int:
    """The place of the best; of equals the latest."""
    return max(range(len(checks)), key=lambda n: (checks[n].mrr, n))


def _batch(examples: Sequence[Example], step: int, recipe: Recipe) -> list[Example]:
    """The examples of a step: each pass takes all in another order."""
    size = min(recipe.batch, len(examples))
    a_pass = len(examples) // size
    order = random.Random(f"{recipe.seed} {step // a_pass}").sample(range(len(examples)), len(examples))
    at = step % a_pass * size
    return [examples[n] for n in order[at : at + size]]


def _named(place: Place, chance: random.Random) -> str:
    """»i Greve«, »i Arbejdsmarkedsudvalget«, »i marts 2024« or more than one; "" where none is known."""
    parts = []
    if place.municipality and chance.random() < 0.6:
        parts.append(f"i {place.municipality}" + chance.choice(["", " Kommune"]))
    if place.committee and chance.random() < 0.3:
        parts.append(f"i {place.committee}")
    if place.held_on and chance.random() < 0.4:
        whole = day_text(place.held_on, "da")
        parts.append(
            chance.choice(
                [f"i {whole.split('. ', 1)[1]}", f"den {whole}", f"på mødet den {whole}", f"i {place.held_on.year}"]
            )
        )
    return " ".join(parts)


def _digest(learner: Learner, corpus: Corpus, examples: Sequence[Example]) -> str:
    """Of all that a run learns from."""
    told = json.dumps(
        [learner.base, learner.prompts, asdict(learner.recipe), corpus.texts, corpus.cases, fingerprint(),
         [str(p) for p in corpus.places], [(e.asked, e.kind, e.answers) for e in examples]]
    )  # fmt: skip
    return hashlib.sha256(told.encode()).hexdigest()


@contextlib.contextmanager
def _swapped(weights: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> Iterator[None]:
    """With other values in the weights for a while."""

    def swap() -> None:
        for weight, other in zip(weights, others, strict=True):
            weight.data, other.data = other.data, weight.data

    swap()
    try:
        yield
    finally:
        swap()


class _Kept:
    """The state of a run in a folder, for one that goes on after a stop."""

    def __init__(self, place: Path | None, digest: str) -> None:
        self._file = place / "training.pt" if place else None
        self._digest = digest

    def load(
        self, learner: Learner, optimizer: Any, plan: Any, means: Sequence[torch.Tensor]
    ) -> tuple[list[Check], dict[str, torch.Tensor], int]:
        if self._file is None or not self._file.is_file():
            return [], {}, 0
        try:
            kept = torch.load(self._file, weights_only=True)
            if kept["digest"] != self._digest:
                return [], {}, 0
            checks, best, step = [Check(*c) for c in kept["checks"]], dict(kept["best"]), int(kept["step"])
            fits = [m.shape for m in means] == [m.shape for m in kept["means"]]
            if not fits or not {"now", "optimizer", "plan"} <= kept.keys():
                return [], {}, 0
        except Exception:  # cut off, or of another version: it is trained anew
            return [], {}, 0
        else:
            set_peft_model_state_dict(learner.adapted, kept["now"])
            optimizer.load_state_dict(kept["optimizer"])
            plan.load_state_dict(kept["plan"])
            for mean, value in zip(means, kept["means"], strict=True):
                mean.copy_(value)
            return checks, best, step

    def save(
        self,
        learner: Learner,
        optimizer: Any,
        plan: Any,
        means: Sequence[torch.Tensor],
        checks: Sequence[Check],
        best: dict[str, Any],
        step: int,
    ) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".part")
        told = [(c.step, c.seconds, c.mrr) for c in checks]
        torch.save(
            {"digest": self._digest, "now": learner.state(), "optimizer": optimizer.state_dict(),
             "plan": plan.state_dict(),
             "checks": told, "best": best, "means": list(means), "step": step},
            beside,
        )  # fmt: skip
        beside.replace(self._file)
