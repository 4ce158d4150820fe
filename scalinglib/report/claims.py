"""Hold a computed value against what a text says: the ledger is data/claims.toml."""

import json
import re
import tomllib
from dataclasses import dataclass

import numpy as np

from scalinglib.report.paths import DATA, ROOT

__all__ = ["Verdict", "check", "computed", "judge", "ledger"]

_LINE = re.compile(r"^([\w.-]+): (.+?) \(here: (.+?)\)\. ", re.MULTILINE)


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

    A number holds up to `tolerance` from `expected`, and up to `loose`, if there is one, it holds
    within that; or it holds where it keeps the bound `at_least` or `at_most`. Where `expected` is
    true or false the value must equal it.
    """
    claims = ledger()
    if claim_id not in claims:
        raise ValueError(f"claim_id is {claim_id!r}; data/claims.toml has {sorted(claims)}")
    claim = claims[claim_id]
    if "why" in claim:
        raise ValueError(f"claim_id is {claim_id!r}, which cannot be tested: {claim['why']}")
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if not np.isfinite(value):
        raise ValueError(f"value of claim {claim_id!r} is {value!r}; it must be finite")
    answer = "holds" if _holds(claim, value) else "does not hold"
    if answer != "holds" and abs(value - claim.get("expected", np.inf)) <= claim.get("loose", -1):
        answer = f"holds within {claim['loose']:g}"
    return Verdict(claim_id, claim["statement"], value, answer)


def computed():
    """What the check cells of the executed notebooks printed: a list of dicts.

    Their keys: notebook, id, answer, and value, the text of the number computed there.
    """
    found = []
    notebooks = (ROOT / "notebooks").glob("[0-9]*.ipynb")
    # A dot in the stem marks what a run has not finished, or failed at.
    for path in sorted(path for path in notebooks if "." not in path.stem):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in (o for cell in cells for o in cell.get("outputs", [])):
            for name, answer, value in _LINE.findall("".join(output.get("text", ""))):
                found.append({"notebook": path.stem, "id": name, "answer": answer, "value": value})
    return found


def _holds(claim, value):
    if "expected" not in claim:
        return claim.get("at_least", -np.inf) <= value <= claim.get("at_most", np.inf)
    if isinstance(claim["expected"], bool):
        return bool(value) == claim["expected"]
    return abs(value - claim["expected"]) <= claim["tolerance"]
