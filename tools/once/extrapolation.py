"""Hold-outs that look like the questions people ask, and what the forms foretell of them.

Laid down before any of it was computed:

* Three sets: the paper's 328 runs (Table 6's supervised law held: its runs are not public), and the
  means over seeds of ours on words and on text. There the supervised law is fitted anew to what is
  left of the supervised runs in each split, so that its own misfit is in the errors.
* Rolling hold-outs: *size*, fitted to the two, three, ... smallest students, asked of all larger
  ones; *tokens*, fitted to the half and the three quarters with fewest tokens; *teachers*, fitted
  to the half and the three quarters with the weakest; *both*, fitted to the smaller students under
  the weaker half of the teachers, asked of the larger ones under the stronger half. A split is
  refused where what is left has tokens on a line in the parameters (`fit.collinear`) or fewer than
  18 settings, twice Equation 8's coefficients.
* The score of a form is the geometric mean, over all hold-outs, of its mean absolute error of
  log-loss; its weight is one over the square of that. A form whose score is more than 1.5 times the
  best one's is out.
* A law that puts a student of 300M to 10B parameters more than 5 mnats below its own supervised
  floor, under any teacher, is out, whatever its form. Out it stays unless the experiment on the
  floor (`study.designs.floor`) finds distilled students below their supervised floor, by its own
  criterion; then such laws come back with the weight of their form.
* The discrepancy of log-loss is normal, its deviation `growth` times the distance from the runs
  (`laws.ensembles.Seen`), beside the spread of the laws and a run's own scatter. `growth` is the
  least at which the 90% bands hold, in the mean over hold-outs, at least 90% of the runs kept aside
  and in each of them at least 80%. Coverage is then told with `growth` and the weights found on the
  hold-outs of the other two sets.
"""

import warnings

import numpy as np
import pandas as pd

from scalinglib import fit, laws
from scalinglib.fit import forms
from scalinglib.fit.distillation import DISTILLATION
from scalinglib.report.paths import DATA
from scalinglib.study import analysis, record
from scalinglib.study.corpora.words import Words
from scalinglib.study.run import PERFECT

INPUTS = list(DISTILLATION.columns[:-1])
GROUPS = [["teacher_loss"], ["student_params", "student_tokens"]]
C1 = 522.6  # has no value of its own (notebook 05): held where Table 6 has it
SETTINGS = 18
STUDY_ROWS = 731  # those that were there when the first hold-outs were laid down
# Keys of `laws.FORMS`: what is fitted, and what it holds.
CANDIDATES = {
    "equation8": (DISTILLATION, {"c1": C1}),
    "bias_variance": (forms.BIAS_VARIANCE, {}),
    "orthogonal": (forms.BIAS_VARIANCE, {"rho": 0.0}),
    "floor_kept": (forms.FLOOR_KEPT, {}),
    "cosine": (forms.COSINE, {}),
    "dip": (forms.DIP, {}),
    "data_dip": (forms.DATA_DIP, {}),
    "two_part": (forms.TWO_PART, {}),
}


def sets():
    """name: (distilled runs, supervised runs or None); noise is the deviation of log-loss."""
    paper = pd.read_csv(DATA / "published" / "figure1_runs.csv")
    found = {"paper": (paper.assign(noise=run_noise(paper)), None)}
    for name, file in (("words", "study"), ("text", "text")):
        rows = record.read(DATA / "runs" / f"{file}.csv")
        table = analysis.means(rows.head(STUDY_ROWS) if name == "words" else rows)
        perfect = table.teacher == PERFECT
        table["teacher_loss"] = table.teacher_loss.mask(perfect, Words().entropy)
        table["noise"] = table.error / table.loss
        trained, taught = (table[table.kind == kind] for kind in ("supervised", "distilled"))
        columns = [*DISTILLATION.columns, "noise"]
        pair = taught[columns].astype(float), trained[["params", "tokens", "loss"]].astype(float)
        found[name] = tuple(part.reset_index(drop=True) for part in pair)
    return found


def run_noise(runs):
    """Deviation of log-loss of one of the paper's runs, whatever the law.

    What a quartic in L_T through a student's own runs leaves of each when fitted to the others, its
    median as that of a Laplace distribution. So misfit of the laws is not in it.
    """
    left = []
    for _, group in runs.groupby(["student_params", "student_tokens"]):
        if len(group) > 2 * 5:
            x = group.teacher_loss.to_numpy()
            y = np.log(group.student_loss.to_numpy())
            powers = np.vander((x - x.mean()) / x.std(), 5)
            hat = powers @ np.linalg.pinv(powers)
            left.append((y - hat @ y) / (1 - np.diag(hat)))
    return float(np.median(np.abs(np.concatenate(left))) / np.log(2) * np.sqrt(2))


def splits(runs):
    """Rolling hold-outs of a set, dict of (kind, cut) -> (kept, held), two arrays of bool."""
    size, tokens, teacher = (runs[name].to_numpy() for name in INPUTS)
    sizes = np.unique(size)
    weak = teacher > np.median(teacher)
    pairs = {}
    for count in range(2, len(sizes)):
        small = size <= sizes[count - 1]
        pairs["size", f"{count} smallest"] = small, ~small
        pairs["both", f"{count} smallest"] = small & weak, ~small & ~weak
    for share in (0.5, 0.75):
        few = tokens <= np.quantile(tokens, share)
        pairs["tokens", f"{share:.0%} fewest"] = few, ~few
        worse = teacher >= np.quantile(teacher, 1 - share)
        pairs["teachers", f"{share:.0%} weakest"] = worse, ~worse
    found = {}
    for key, (kept, held) in pairs.items():
        left = runs[kept]
        settings = len(left.drop_duplicates(INPUTS))
        if held.any() and settings >= SETTINGS and not fit.collinear(left, DISTILLATION.columns):
            found[key] = kept, held
    return found


def supervised_of(runs, kept, key, trained):
    """The supervised law that a split stands on: of the supervised runs that are no question."""
    if trained is None:
        return laws.load().supervised
    part = trained
    if key[0] in ("size", "both"):
        part = trained[trained.params <= runs.student_params[kept].max()]
    elif key[0] == "tokens":
        part = trained[trained.tokens <= runs.student_tokens[kept].max()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fit.FitWarning)
        return fit.fit_supervised(part, starts=64).law


def foretold(runs, trained, replicates=0):
    """Laws of each candidate and split, (form, key) -> law of coefficients (1 + replicates, 1).

    The first is the fit to what is kept, the others are of resampled runs of it (by teacher and by
    student at once).
    """
    pairs, rng = splits(runs), np.random.default_rng(0)
    base = {key: supervised_of(runs, kept, key, trained) for key, (kept, _) in pairs.items()}
    kept = np.array([kept for kept, _ in pairs.values()])
    drawn = np.concatenate([_enough(runs, row, rng, replicates) for row in kept])
    rows = np.array(list(base.values()))
    found = {}
    for form, (spec, fixed) in CANDIDATES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fit.FitWarning)
            options = {"supervised": laws.SupervisedLaw(*rows[0]), "fixed": fixed, "starts": 32}
            whole = fit.fit(spec, runs, **options)
        best = fit.laws_of_parts(whole, kept, laws.SupervisedLaw(*rows.T))
        again = rows.repeat(replicates, axis=0).T
        others = fit.laws_of_parts(whole, drawn, laws.SupervisedLaw(*again), starts=1)
        for i, key in enumerate(pairs):
            part = slice(i * replicates, (i + 1) * replicates)
            found[form, key] = _joined(best, others, i, part)
        print(form, flush=True)
    return found


def _joined(best, others, i, part):
    """Part i of one law and some of another, in one law."""
    pairs = zip(best[:-1], others[:-1], strict=True)
    values = [np.vstack([a[i : i + 1], b[part]]) for a, b in pairs]
    if isinstance(best, laws.SupervisedLaw):
        values.append(np.vstack([best[-1][i : i + 1], others[-1][part]]))
        return laws.SupervisedLaw(*values)
    return type(best)(*values, _joined(best.supervised, others.supervised, i, part))


def _enough(runs, row, rng, count):
    """Resamples of the kept runs in which more settings are left than a law has coefficients."""
    many = resample(runs, rng, 200 * count) * row
    settings = (many[:, ~runs[INPUTS].duplicated()] > 0).sum(axis=1)
    return many[settings > SETTINGS // 2][:count]


def resample(runs, rng, count):
    """How often each run counts, by teacher and by student at once (Owen's pigeonhole)."""
    times = np.ones((count, len(runs)))
    for keys in GROUPS:
        group = runs.groupby(keys).ngroup().to_numpy()
        number = group.max() + 1
        times *= rng.multinomial(number, np.full(number, 1 / number), size=count)[:, group]
    return times
