"""The coefficient sets that ship with the package.

>>> law = load("corrected")
>>> float(law.loss(student_params=1e9, student_tokens=2e10, teacher_loss=2.1).round(4))
2.3197
"""

import csv
from importlib.resources import files

from scalinglib.checks import one_of
from scalinglib.laws.base import StudentLaw
from scalinglib.laws.equations import DistillationLaw, SupervisedLaw
from scalinglib.laws.forms import BiasVariance

COEFFICIENTS = files("scalinglib") / "coefficients"  # CSV files
NAMES = ("table6", "corrected", "refit", "figure1", "bias_variance")


def load(name: str = "corrected") -> StudentLaw:
    """A named law of the paper's runs.

    - name: "table6", as printed; "corrected", the same with B' = 2.0e6, since the printed B' is a
      misprint that makes distillation tokens almost free; "refit", Equation 8 fitted to the 328
      runs of Figure 1; "figure1", the law that is drawn there (notebooks 04 and 05 show all four);
      "bias_variance", another form, which predicts students left out better, but whose floors and
      crossovers are not to be used (notebook 14). All share Table 6's supervised law.
    - returns: DistillationLaw, or for "bias_variance" a `BiasVariance`
    """
    one_of("coefficient set", name, NAMES)
    values = {}
    for table in ("table6", "table6_corrections" if name == "corrected" else name):
        for row in read(f"{table}.csv"):
            key = row.get("law") or row["form"], row["coefficient"]
            values[key] = row.get("corrected") or row["estimate"]
    supervised = _build(SupervisedLaw, "supervised", values)
    if name == "bias_variance":
        return _build(BiasVariance, name, values, supervised=supervised)
    return _build(DistillationLaw, "distillation", values, supervised=supervised)


def read(name: str) -> list[dict[str, str]]:
    """The rows of a table of coefficients that ships with the package."""
    text = (COEFFICIENTS / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _build(law, part, estimates, **given):
    names = [name for name in law._fields if name not in given]
    return law(**{name: float(estimates[part, name]) for name in names}, **given)
