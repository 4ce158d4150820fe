"""Hold a computed value against what a text says: the ledger is data/claims.toml."""

import functools
import json
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scalinglib.report.paths import DATA, ROOT

__all__ = ["Verdict", "check", "computed", "judge", "ledger", "under"]

DECIDED = 0.9  # share of the laws from which the evidence decides
_UNDECIDED = "undecided by the evidence"
_LINE = re.compile(r"^([\w.-]+): (.+?) \(here: (.+?)\)\. ", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: its id, the words, the value computed here and the answer.

    `shares` says under how many laws a claim holds, where those that fit the runs disagree.
    """

    id: str
    statement: str
    value: object
    answer: str
    shares: str = ""

    def __str__(self):
        """One line for a notebook's check cell."""
        shown = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        shown += f", holds under {self.shares}" if self.shares else ""
        return f"{self.id}: {self.answer} (here: {shown}). {self.statement}"


def ledger():
    """All claims by id, as dicts; the head of data/claims.toml says what the keys mean."""
    file = DATA / "claims.toml"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: the ledger comes with the repository only")
    return _parsed(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _parsed(file, changed):
    """The claims in `file` as it was when `changed`: kept, for each check asks for all of them."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def check(claim_id, value, binding=True, others=()):
    """Print the verdict on a claim; AssertionError if the ledger records another answer.

    So no verdict changes unseen: whoever changes it changes data/claims.toml too. With
    binding=False it is printed only: the tiny runs of a fast profile need not agree. `others` as
    for `judge`.
    """
    verdict = judge(claim_id, value, others)
    print(verdict)
    recorded = ledger()[claim_id]
    found = {"answer": verdict.answer}
    if verdict.answer == _UNDECIDED:
        found["shares"] = verdict.shares
    if binding and found != {key: recorded[key] for key in ("answer", "shares") if key in recorded}:
        raise AssertionError(
            f"{verdict}\nbut data/claims.toml records: {recorded['answer']} "
            f"{recorded.get('shares', '')}"
        )


def under(value: Callable, members: Sequence) -> dict:
    """What `check` takes of a claim about the law: value(law) under the first, and the others.

    The first of an ensemble's members is the corrected law.
    """
    first, *others = (value(law) for law in members)
    return {"value": first, "others": others}


def judge(claim_id, value, others=()):
    """The `Verdict` on a claim given the value computed here.

    A number holds up to `tolerance` from `expected`, and up to `loose`, if there is one, it holds
    within that; or it holds where it keeps the bound `at_least` or `at_most`. Where `expected` is
    true or false the value must equal it. What fails with `scale = "ours"` is not seen at our
    scale.

    Parameters
    ----------
    claim_id : str
    value : number or bool
    others : sequence of number or bool
        The same under other laws that fit the same runs; all count alike. What fewer than
        `DECIDED` of the laws keep, and fewer than that do not, is undecided by the evidence.
    """
    claims = ledger()
    if claim_id not in claims:
        raise ValueError(f"claim_id is {claim_id!r}; data/claims.toml has {sorted(claims)}")
    claim = claims[claim_id]
    for key, said in (("why", "cannot be tested"), ("read", "is settled by reading")):
        if key in claim:
            raise ValueError(f"claim_id is {claim_id!r}, which {said}: {claim[key]}")
    values = [v.item() if isinstance(v, np.generic | np.ndarray) else v for v in (value, *others)]
    for each in values:
        if not np.isfinite(each):
            raise ValueError(f"value of claim {claim_id!r} is {each!r}; it must be finite")
    answers = [_answer(claim, each) for each in values]
    yes = sum(answer.startswith("holds") for answer in answers)
    split = f"{yes} of {len(answers)} laws that fit the runs" if 0 < yes < len(answers) else ""
    return Verdict(claim_id, claim["statement"], values[0], _most(answers), split)


def _most(answers):
    """The answer of nearly all laws: the tightest that `DECIDED` of them give, or a tighter one."""
    no = [answer for answer in answers if not answer.startswith("holds")]
    if len(no) >= DECIDED * len(answers):
        return no[0]
    for answer in sorted(set(answers) - set(no)):  # "holds" before "holds within ..."
        if sum(each in ("holds", answer) for each in answers) >= DECIDED * len(answers):
            return answer
    return _UNDECIDED


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


def _answer(claim, value):
    if _holds(claim, value):
        return "holds"
    if abs(value - claim.get("expected", np.inf)) <= claim.get("loose", -1):
        return f"holds within {claim['loose']:g}"
    return "not seen at our scale" if claim.get("scale") == "ours" else "does not hold"


def _holds(claim, value):
    if "expected" not in claim:
        return claim.get("at_least", -np.inf) <= value <= claim.get("at_most", np.inf)
    if isinstance(claim["expected"], bool):
        return bool(value) == claim["expected"]
    return abs(value - claim["expected"]) <= claim["tolerance"]
