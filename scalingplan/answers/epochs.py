"""What reading the same text again is worth, where a budget pays for more tokens than there are.

Of a distilled student's tokens there are two measurements, of 25 thousand parameters: R_D is four
times the labels' on real text and five times on made-up words (notebook 20).
"""

from typing import NamedTuple

import numpy as np

from scalinglib.checks import positive
from scalinglib.laws import Law, load, repeated
from scalinglib.laws.repeated import MOST_EPOCHS

TAUGHT_EPOCHS = 16.0  # of the distilled runs
TAUGHT_STRETCH = 4.0  # R_D under a teacher, times the labels'; single seeds have 2 to 33


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
    law: Law,
    student_params: float,
    affordable: float,
    unique_tokens: float,
    teacher_loss: float | None = None,
) -> Repeated | None:
    """What reading the same text again is worth, or None where one epoch ends the budget.

    Under a teacher the low end is that of tokens worth no more than on labels; the rest rests on
    R_D of students of 25 thousand parameters (`TAUGHT_STRETCH`).

    - law: of tokens that are read once: a `SupervisedLaw`, under a teacher a `StudentLaw`.
    - affordable, unique_tokens: tokens that the budget pays for; different tokens that there are.
    - teacher_loss: None for a model trained on data.
    """
    unique = float(positive("unique_tokens", unique_tokens))
    epochs = MOST_EPOCHS if teacher_loss is None else TAUGHT_EPOCHS
    tokens = min(float(positive("affordable", affordable)), epochs * unique)
    if tokens <= unique:
        return None
    read, gains = np.array([unique, tokens]), []
    for which in ("estimate", "low", "high"):
        if teacher_loss is None:
            losses = repeated(law, which).loss(student_params, read, unique)
        else:
            again = repeated(load().supervised, which)
            again = again._replace(R_D=again.R_D * (1 if which == "low" else TAUGHT_STRETCH))
            worth = again.effective_tokens(read, unique)
            logs = np.log(student_params), np.log(worth), np.log(teacher_loss)
            losses = np.exp(law.log_loss(*logs))
        gains.append(float(losses[0] - losses[1]))
    return Repeated(tokens, tokens / unique, *gains, affordable <= tokens)
