"""Hold a computed value against what a text says: the ledger is data/claims.toml."""

import functools
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalinglib.report.paths import DATA, ROOT

DECIDED = 0.9  # share of the laws from which the evidence decides
_UNDECIDED = "undecided by the evidence"
_LAWS = " laws that fit the runs"
AUTHORS = ("the corrected law", "the law drawn in Figure 1")  # in the order of `authors`
_LINE = re.compile(
    r"^([\w.-]+): ([^;\n]+?)(?:; from the authors' law: (.+?))? \(here: (.+?)\)\. ", re.MULTILINE
)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: its id, the words, the value computed here and the answer.

    `answer` is what the evidence decides, and `shares` says under how many of its laws a claim
    holds where they disagree. `follows` is the answer of the authors' own law, of a claim about it.
    """

    id: str
    statement: str
    value: float | bool
    answer: str
    shares: str = ""
    follows: str = ""
    authors: tuple[float | bool, ...] = ()

    def __str__(self) -> str:
        """One line for a notebook's check cell."""
        law = f"; from the authors' law: {self.follows}" if self.follows else ""
        split = f", holds under {self.shares}" if self.shares else ""
        here = f"{_shown(self.value)}{split}"
        return f"{self.id}: {self.answer}{law} (here: {here}). {self.statement}"


def _shown(value: float | bool) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def ledger() -> dict[str, dict]:
    """All claims by id, as dicts; the head of data/claims.toml says what the keys mean."""
    file = DATA / "claims.toml"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: the ledger comes with the repository only")
    return _parsed(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _parsed(file, changed):
    """The claims in `file` as it was when `changed`: kept, for each check asks for all of them."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def check(
    claim_id: str,
    value: float | bool,
    binding: bool = True,
    evidence: Sequence[float | bool] = (),
    authors: Sequence[float | bool] = (),
) -> None:
    """Print the verdict on a claim; AssertionError if the ledger records another.

    So no verdict changes unseen: whoever changes it changes data/claims.toml too. With
    binding=False it is printed only: the tiny runs of a fast profile need not agree. The rest is
    as for `judge`.
    """
    verdict = judge(claim_id, value, evidence, authors)
    print(verdict)
    recorded = ledger()[claim_id]
    found = {"answer": verdict.answer}
    found |= {"follows": verdict.follows} if authors else {}
    found |= {"shares": verdict.shares} if verdict.answer == _UNDECIDED else {}
    kept = {key: recorded[key] for key in ("answer", "shares", "follows") if key in recorded}
    if binding and found != kept:
        raise AssertionError(f"{verdict}\nbut data/claims.toml records: {kept}")


def judge(
    claim_id: str,
    value: float | bool,
    evidence: Sequence[float | bool] = (),
    authors: Sequence[float | bool] = (),
) -> Verdict:
    """The `Verdict` on a claim given the value computed here.

    A number holds up to `tolerance` from `expected`, and up to `loose`, if there is one, it holds
    within that; or it holds where it keeps the bound `at_least` or `at_most`. Where `expected` is
    true or false the value must equal it. What fails with `scale = "ours"` is not seen at our
    scale.

    - value: of a claim about the law, under the corrected one; it is shown, and decides where there
      is no `evidence`.
    - evidence: the same under laws that fit the runs, which all count alike. What fewer than
      `DECIDED` of them keep, and fewer than that do not, is undecided by the evidence.
    - authors: the same under the authors' own laws: the corrected one and the one drawn in Figure
      1.
    - raises ValueError: if the ledger has no such claim, or none that can be tested, or a value is
      not finite.
    """
    claims = ledger()
    if claim_id not in claims:
        raise ValueError(f"claim_id is {claim_id!r}; data/claims.toml has {sorted(claims)}")
    claim = claims[claim_id]
    for key, words in (("why", "cannot be tested"), ("read", "is settled by reading")):
        if key in claim:
            raise ValueError(f"claim_id is {claim_id!r}, which {words}: {claim[key]}")
    first, *values = (_plain(claim_id, each) for each in (value, *evidence, *authors))
    own = values[len(evidence) :]
    answers = [_answer(claim, each) for each in values[: len(evidence)] or [first]]
    yes = sum(answer.startswith("holds") for answer in answers)
    split = f"{yes} of {len(answers)}{_LAWS}" if 0 < yes < len(answers) else ""
    follows = _follows([_answer(claim, each) for each in own]) if own else ""
    return Verdict(claim_id, claim["statement"], first, _most(answers), split, follows, tuple(own))


def _plain(claim_id: str, value: object) -> float | bool:
    """`value` as one of Python's own; ValueError where it is not finite."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if not np.isfinite(value):
        raise ValueError(f"value of claim {claim_id!r} is {value!r}; it must be finite")
    return value


def _follows(answers: list[str]) -> str:
    """What the authors' laws say together, or which of them alone keeps the claim."""
    kept = [name for name, a in zip(AUTHORS, answers, strict=True) if a.startswith("holds")]
    if len(kept) == 1:
        return f"holds under {kept[0]} alone"
    return max(answers, key=lambda answer: (len(answer), answer)) if kept else answers[0]


def said(claim: dict) -> str:
    """What a claim's value is held against, in words; empty where there is nothing to compute."""
    if isinstance(claim.get("expected"), bool):
        return "yes" if claim["expected"] else "no"
    for key, sign in (("at_least", "≥"), ("at_most", "≤")):
        if key in claim:
            return f"{sign} {claim[key]:g}"
    if "expected" not in claim:
        return ""
    give = f" ± {claim['tolerance']:g}" if claim.get("tolerance") else ""
    return f"{claim['expected']:g}{give}"


def table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Verdicts on claims about the law as a table, a row a claim, for reading."""
    rows = []
    for verdict in verdicts:
        values = [{True: "yes", False: "no"}.get(v, _shown(v)) for v in verdict.authors]
        split = f" ({verdict.shares.removesuffix(_LAWS)})" if verdict.shares else ""
        answers = verdict.follows, verdict.answer + split
        rows.append([verdict.statement, said(ledger()[verdict.id]), *values, *answers])
    columns = ["sentence", "said", *(name.removeprefix("the ") for name in AUTHORS)]
    columns += ["follows from the authors' law", "decided by the evidence"]
    return pd.DataFrame(rows, columns=columns)


def _most(answers):
    """The answer of nearly all laws: the tightest that `DECIDED` of them give, or a tighter one."""
    no = [answer for answer in answers if not answer.startswith("holds")]
    if len(no) >= DECIDED * len(answers):
        return no[0]
    for answer in sorted(set(answers) - set(no)):  # "holds" before "holds within ..."
        if sum(each in ("holds", answer) for each in answers) >= DECIDED * len(answers):
            return answer
    return _UNDECIDED


def computed() -> list[dict[str, str]]:
    """What the check cells of the executed notebooks printed: a list of dicts.

    Their keys: notebook, id, answer, follows (empty where none was asked for), and value, the text
    of the number computed there.
    """
    found = []
    notebooks = (ROOT / "notebooks").glob("[0-9]*.ipynb")
    # A dot in the stem marks what a run has not finished, or failed at.
    for path in sorted(path for path in notebooks if "." not in path.stem):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in (o for cell in cells for o in cell.get("outputs", [])):
            for line in _LINE.findall("".join(output.get("text", ""))):
                row = dict(zip(("id", "answer", "follows", "value"), line, strict=True))
                found.append({"notebook": path.stem, **row})
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
