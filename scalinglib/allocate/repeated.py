"""What a budget buys that outlasts the text: a model trained on data that it reads again."""

from typing import NamedTuple

from scalinglib.checks import positive
from scalinglib.flops import forward_flops
from scalinglib.laws import SupervisedLaw
from scalinglib.laws.repeated import MOST_EPOCHS, repeated


class Repeated(NamedTuple):
    """A model trained for several epochs.

    - tokens, epochs: read in all, and over the different ones.
    - gain: how much lower the loss is than after one epoch, nats per token.
    - gain_low, gain_high: the same where repeated tokens are worth as little, or as much, as 95% of
      resamples of the runs leave open.
    - all_spent: whether the budget ends before `laws.repeated.MOST_EPOCHS`, where the runs do.
    """

    tokens: float
    epochs: float
    gain: float
    gain_low: float
    gain_high: float
    all_spent: bool


def beyond_one_epoch(
    supervised: SupervisedLaw, student_params: float, compute: float, unique_tokens: float
) -> Repeated | None:
    """What training on until the budget ends is worth, or None where one epoch ends it.

    - supervised: the law of tokens that are read once.
    - student_params, compute, unique_tokens: non-embedding parameters; FLOPs of training; different
      tokens that there are.
    """
    student_params = float(positive("student_params", student_params))
    unique_tokens = float(positive("unique_tokens", unique_tokens))
    affordable = float(positive("compute", compute)) / (3 * float(forward_flops(student_params)))
    tokens = min(affordable, MOST_EPOCHS * unique_tokens)
    if tokens <= unique_tokens:
        return None
    gains = []
    for which in ("estimate", "low", "high"):
        law = repeated(supervised, which)
        losses = law.loss(student_params, [unique_tokens, tokens], unique_tokens)
        gains.append(float(losses[0] - losses[1]))
    return Repeated(tokens, tokens / unique_tokens, *gains, affordable <= tokens)
