"""A whole distillation scaling study at small scale: corpora, models, runs, tables, designs."""

from scalinglib.extras import missing

try:
    import optax  # noqa: F401
    import wordfreq  # noqa: F401
except ImportError as error:
    raise missing("study", error) from error

from scalinglib.study import analysis, record, training
from scalinglib.study.corpora.text import Addresses, Text
from scalinglib.study.corpora.words import Words, lexicon
from scalinglib.study.design import Design
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.run import PERFECT, WORDS, Run, by_flops, by_ratio, size

__all__ = [
    "PERFECT",
    "WORDS",
    "Addresses",
    "Design",
    "Objective",
    "Recipe",
    "Run",
    "Text",
    "Words",
    "analysis",
    "by_flops",
    "by_ratio",
    "lexicon",
    "record",
    "size",
    "training",
]
