"""Hold a computed value against what the paper says: the ledger is data/claims.toml."""

import tomllib
from dataclasses import dataclass

import numpy as np

from scalinglib.report.paths import DATA

__all__ = ["Verdict", "check", "judge", "ledger"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: its id, the words, the value computed here and the answer."""

    id: str
    statement: str
    value: object
    answer: str

    def __str__(self):
        """One line for a notebook's check cell."""
        shown = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.id}: {self.answer} (here: {shown}). {self.statement}"


def ledger():
    """All claims by id, as dicts; the head of data/claims.toml says what the keys mean."""
    with (DATA / "claims.toml").open("rb") as file:
        return tomllib.load(file)


def check(claim_id, value, binding=True):
    """Print the verdict on a claim; AssertionError if the ledger records another answer.

    So no verdict changes unseen: whoever changes it changes data/claims.toml too. With
    binding=False it is printed only: the tiny runs of a fast profile need not agree.
    """
    verdict = judge(claim_id, value)
    print(verdict)
    recorded = ledger()[claim_id]["answer"]
    if binding and verdict.answer != recorded:
        raise AssertionError(f"{verdict}\nbut data/claims.toml records: {recorded}")


def judge(claim_id, value):
    """The `Verdict` on a claim given the value computed here.

    It holds if the value is within `tolerance` of `expected`, or, where `expected` is true or
    false, equals it.
    """
    claims = ledger()
    if claim_id not in claims:
        raise ValueError(f"claim_id is {claim_id!r}; data/claims.toml has {sorted(claims)}")
    claim = claims[claim_id]
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if not np.isfinite(value):
        raise ValueError(f"value of claim {claim_id!r} is {value!r}; it must be finite")
    if isinstance(claim["expected"], bool):
        holds = bool(value) == claim["expected"]
    else:
        holds = abs(value - claim["expected"]) <= claim["tolerance"]
    return Verdict(claim_id, claim["statement"], value, "holds" if holds else "does not hold")
