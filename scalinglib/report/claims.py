"""Hold a computed value against what the paper says: the ledger is data/claims.toml."""

import tomllib
from dataclasses import dataclass

import numpy as np

from scalinglib.report.paths import DATA

__all__ = ["Verdict", "check", "ledger"]


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
    """All claims by id, as dicts: source, place, statement, expected, tolerance, answer, notebook."""
    with (DATA / "claims.toml").open("rb") as file:
        return tomllib.load(file)


def check(claim_id, value):
    """Hold `value` against the claim, print the verdict and return it.

    The claim holds if value is within `tolerance` of `expected` (both numbers), or equals
    `expected` (anything else). The ledger also records the `answer` that the repository stands
    for; AssertionError if today's value gives another one, so that no verdict changes unseen.
    """
    claims = ledger()
    if claim_id not in claims:
        raise ValueError(f"claim_id is {claim_id!r}; data/claims.toml has {sorted(claims)}")
    claim = claims[claim_id]
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(claim["expected"], bool):
        holds = bool(value) == claim["expected"]
    else:
        holds = abs(value - claim["expected"]) <= claim["tolerance"]
    verdict = Verdict(claim_id, claim["statement"], value, "holds" if holds else "does not hold")
    print(verdict)
    if verdict.answer != claim["answer"]:
        raise AssertionError(f"{verdict}\nbut data/claims.toml records: {claim['answer']}")
    return verdict
