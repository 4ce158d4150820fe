"""What a budget buys that outlasts the text: a model that reads it again."""

from typing import NamedTuple

import numpy as np

from scalinglib.checks import positive
from scalinglib.flops import forward_flops
from scalinglib.laws import StudentLaw, SupervisedLaw, load
from scalinglib.laws.repeated import MOST_EPOCHS, TAUGHT_EPOCHS, TAUGHT_STRETCH, repeated


class Repeated(NamedTuple):
    """A model trained for several epochs.

    - tokens, epochs: read in all, and over the different ones.
    - gain: how much lower the loss is than after one epoch, nats per token.
    - gain_low, gain_high: the same where repeated tokens are worth as little, or as much, as 95% of
      resamples of the runs leave open.
    - all_spent: whether the budget ends before the epochs of the runs do.
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


def taught_again(
    law: StudentLaw,
    student_params: float,
    teacher_loss: float,
    affordable: float,
    unique_tokens: float,
) -> Repeated | None:
    """The same of a distilled student, or None where one epoch ends the budget.

    The low end is that of tokens worth no more than on labels; the rest rests on R_D of students of
    25 thousand parameters (`laws.repeated.TAUGHT_STRETCH`).

    - law, student_params, teacher_loss: of tokens that are read once.
    - affordable: tokens that the budget pays for.
    """
    unique = float(positive("unique_tokens", unique_tokens))
    tokens = min(float(positive("affordable", affordable)), TAUGHT_EPOCHS * unique)
    if tokens <= unique:
        return None
    worth = [unique]
    for which, times in (("estimate", TAUGHT_STRETCH), ("low", 1.0), ("high", TAUGHT_STRETCH)):
        once = repeated(load().supervised, which)
        worth.append(once._replace(R_D=times * once.R_D).effective_tokens(tokens, unique))
    logs = np.log(student_params), np.log(worth), np.log(teacher_loss)
    losses = np.exp(law.log_loss(*logs))
    gains = (losses[0] - losses[1:]).tolist()
    return Repeated(tokens, tokens / unique, *gains, affordable <= tokens)
