"""The supervised law beyond one epoch: what a token is worth that was read before.

R_D and R_N were fitted to the runs of Muennighoff et al. (`tools/once/repeated_tokens.py`), to
models of 100M to 4B parameters on 3B to 174B tokens, up to 60 epochs.
"""

from collections import namedtuple

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.checks import namespace, one_of, positive
from scalinglib.laws.base import Law, loss_of
from scalinglib.laws.equations import SupervisedLaw
from scalinglib.laws.named import read

MOST_EPOCHS = 60.0  # of the runs that it is fitted to


class RepeatedLaw(Law, namedtuple("_Repeated", "E A B alpha beta gamma R_D R_N")):
    """L(N', D') of the supervised law for D tokens of which U are different.

    D' = U (1 + R_D (1 - exp(-(D / U - 1) / R_D))), and N' likewise from N over the size that is
    compute-optimal for U tokens, with R_N (Muennighoff et al., arXiv 2305.16264, Section 3.1).
    """

    def loss(self, params: ArrayLike, tokens: ArrayLike, unique_tokens: ArrayLike) -> np.ndarray:
        """Cross-entropy of a model trained on data that it reads again, nats per token.

        - params, tokens, unique_tokens: non-embedding parameters N, training tokens D, and how many
          of these are different, at most D; they broadcast.
        """
        if np.any(np.asarray(unique_tokens) > np.asarray(tokens)):
            raise ValueError("unique_tokens exceed tokens; what is not read counts for nothing")
        return loss_of(self, params=params, tokens=tokens, unique_tokens=unique_tokens)

    def log_loss(
        self, log_params: ArrayLike, log_tokens: ArrayLike, log_unique: ArrayLike
    ) -> np.ndarray:
        """Log L from logs of N, D and U; unchecked, differentiable."""
        xp = namespace(log_params, log_tokens, self.A)
        # alpha A / N^alpha = beta B / U^beta where N is compute-optimal for U tokens.
        sizes = xp.log(self.alpha * self.A) - xp.log(self.beta * self.B)
        fitting = xp.minimum(log_params, (sizes + self.beta * log_unique) / self.alpha)
        params = fitting + _worth(xp, log_params - fitting, self.R_N)
        tokens = log_unique + _worth(xp, log_tokens - log_unique, self.R_D)
        return self.once.log_loss(params, tokens)

    @property
    def once(self) -> SupervisedLaw:
        """The law of tokens that are read once by models no larger than they deserve."""
        return SupervisedLaw(*self[:6])

    def effective_tokens(self, tokens: ArrayLike, unique_tokens: ArrayLike) -> np.ndarray:
        """D', what D tokens of which U are different are worth in tokens read once."""
        tokens, unique = positive("tokens", tokens), positive("unique_tokens", unique_tokens)
        xp = namespace(tokens, unique, self.A)
        return unique * xp.exp(_worth(xp, xp.log(tokens / unique), self.R_D))


def _worth(xp, log_times, most):
    """Log of 1 + most (1 - exp(-(times - 1) / most))."""
    again = xp.expm1(xp.maximum(log_times, 0.0))
    return xp.log1p(most * -xp.expm1(-again / most))


def repeated(supervised: SupervisedLaw, which: str = "estimate") -> RepeatedLaw:
    """A supervised law with the R_D and R_N of the runs of Muennighoff et al.

    - supervised: the law of tokens that are read once.
    - which: "estimate", or the "low" or "high" end of R_D's 95% interval, R_N staying: what a token
      is worth when read again at least and at most.
    """
    rows = {row["coefficient"]: row for row in read("repeated.csv")}
    one_of("which", which, ("estimate", "low", "high"))
    values = float(rows["R_D"][which]), float(rows["R_N"]["estimate"])
    return RepeatedLaw(*supervised, *values)
