"""One model to train: all that decides the outcome, and an identity."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import jax

from scalinglib.checks import whole
from scalinglib.experiment import records
from scalinglib.flops import Architecture
from scalinglib.study.corpora.base import Corpus
from scalinglib.study.corpora.words import Words
from scalinglib.study.model import transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe, batches

PERFECT = "perfect"  # the teacher that knows the language's own probabilities
WORDS = Words()


@dataclass(frozen=True)
class Run:
    """One model to train, a job of `experiment.execute`; one that cannot work is refused.

    - n_layers: depth; the width is 16 times it
    - tokens: about how many; rounded to whole batches
    - seed: of weights and data; runs that share it share both, so that teachers, objectives and
      learning rates are compared on equal terms
    - teacher: Run, tuple of Run, PERFECT or None; whom it learns from; of several, the mean of
      their probabilities, in whatever order; None means labels. A teacher may have learnt another
      corpus of the same symbols.
    - objective: ignored without a teacher
    - corpus: what it learns; the words of the committed studies leave no mark in its identity
    """

    n_layers: int
    tokens: int
    seed: int = 0
    teacher: "Run | tuple[Run, ...] | str | None" = None
    objective: Objective = field(default_factory=Objective)
    recipe: Recipe = field(default_factory=Recipe)
    corpus: Corpus = WORDS

    def __post_init__(self):
        whole("n_layers", self.n_layers, 1)
        whole("seed", self.seed, 0)
        n_ctx = self.corpus.n_ctx
        windows, steps = batches(self.tokens, n_ctx, self.recipe.windows)
        if self.recipe.windows == batches(self.tokens, n_ctx)[0]:
            object.__setattr__(self, "recipe", replace(self.recipe, windows=None))
        object.__setattr__(self, "tokens", windows * steps * n_ctx)
        self._refuse_teacher()

    def _refuse_teacher(self):
        if isinstance(self.teacher, tuple):
            known = all(isinstance(member, Run) for member in self.teacher)
            if not known or len(set(self.teacher)) < max(2, len(self.teacher)):
                raise ValueError(
                    f"teacher is {self.teacher!r}; an ensemble must be two or more Runs, each once"
                )
            ordered = tuple(sorted(self.teacher, key=lambda member: member.id))
            object.__setattr__(self, "teacher", ordered)
        own = _symbols(self.corpus)
        for theirs in (_symbols(member.corpus) for member in self.needs):
            if theirs != own:
                raise ValueError(
                    f"teacher has {theirs}; corpus {self.corpus.id} has {own}. Make both corpora "
                    "with one `tokenizer`, or both in bytes, and one `n_ctx`"
                )
        if self.teacher == PERFECT:
            if self.corpus.entropy is None:
                raise ValueError(
                    f"teacher is {PERFECT!r}, but nobody knows the probabilities of corpus "
                    f"{self.corpus.id}"
                )
            if self.objective.reverse:
                raise ValueError(
                    f"teacher is {PERFECT!r} and objective.reverse True: the truth excludes "
                    "symbols, and KL(student || teacher) is infinite"
                )
        elif self.teacher is not None and not self.needs:
            raise ValueError(
                f"teacher is {self.teacher!r}; it must be a Run, a tuple of them, {PERFECT!r} or "
                "None"
            )

    def __str__(self) -> str:
        return str(self.configuration())

    @property
    def architecture(self) -> Architecture:
        """The model."""
        return size(self.n_layers, self.corpus)

    @property
    def params(self) -> int:
        """Non-embedding parameters N."""
        return self.architecture.params

    @property
    def flops(self) -> float:
        """FLOPs of training: three forward passes (Equation 70), teacher's inference apart."""
        return 3 * self.architecture.approximate_forward_flops * self.tokens

    @property
    def inference_flops(self) -> float:
        """FLOPs of the teachers' forward passes; the perfect teacher's are not counted."""
        a_token = [t.architecture.approximate_forward_flops for t in self.needs]
        return sum(a_token) * self.tokens if a_token else 0.0

    def configuration(self) -> dict[str, Any]:
        """All that decides the outcome, as a flat dict."""
        own = {"n_layers": self.n_layers, "tokens": self.tokens, "seed": self.seed}
        own |= self.recipe.identity()
        if self.corpus != WORDS:
            own["corpus"] = self.corpus.id
        if self.teacher is None:
            return own
        objective = asdict(self.objective)
        for name in ("samples", "switch"):  # the committed runs knew of none
            if objective[name] is None:
                del objective[name]
        return own | {"teacher": self.teacher_id} | objective

    @property
    def teacher_id(self) -> str | None:
        """The teacher's identity, several joined by "+"; PERFECT, or None without one."""
        return "+".join(t.id for t in self.needs) or self.teacher

    @property
    def id(self) -> str:
        """The run's identity: the hash of its configuration."""
        return records.identity(self.configuration())

    @property
    def key(self) -> str:
        """Names its weights: the identity."""
        return self.id

    @property
    def ids(self) -> tuple[str]:
        """The identity, of one row."""
        return (self.id,)

    @property
    def needs(self) -> "tuple[Run, ...]":
        """Its teachers that are models."""
        if isinstance(self.teacher, tuple):
            return self.teacher
        return (self.teacher,) if isinstance(self.teacher, Run) else ()

    @property
    def keeps(self) -> bool:
        """Models trained on labels teach in other tables."""
        return self.teacher is None

    @property
    def work(self) -> float:
        """FLOPs, the small models' lower efficiency and the cost of measuring a run included."""
        return self.flops + self.inference_flops + 5e10 + 2e4 * self.tokens

    @property
    def shapes(self) -> transformer.Params:
        """Shapes of its weights."""
        return jax.eval_shape(
            lambda: transformer.initial(self.architecture, jax.random.key(self.seed))
        )


def _symbols(corpus):
    tokenizer = getattr(corpus, "tokenizer", None)
    kind = "of its own" if tokenizer is None else f"tokens of {tokenizer.id}"
    return f"{corpus.n_vocab} symbols ({kind}) in windows of {corpus.n_ctx}"


def size(n_layers: int, corpus: Corpus = WORDS) -> Architecture:
    """The study's model of a depth for a corpus."""
    return transformer.architecture(n_layers, corpus.n_ctx, corpus.n_vocab)


def by_ratio(n_layers: int, ratio: float, **options: Any) -> Run:
    """The run of a size on `ratio` tokens per parameter (fixed M); `options` are those of `Run`."""
    model = size(n_layers, options.get("corpus", WORDS))
    return Run(n_layers, ratio * model.params, **options)


def by_flops(n_layers: int, flops: float, **options: Any) -> Run:
    """The run of a size that costs `flops` in training (IsoFLOP); `options` are those of `Run`."""
    model = size(n_layers, options.get("corpus", WORDS))
    return Run(n_layers, flops / (3 * model.approximate_forward_flops), **options)


def over_seeds(
    rows: Iterable[tuple[int, float, int]], make: Callable[..., Run] = by_ratio, **options: Any
) -> list[Run]:
    """Runs that `make` makes of rows (depth, ratio or FLOPs, seeds), seeds from 0."""
    return [make(d, amount, seed=seed, **options) for d, amount, n in rows for seed in range(n)]
