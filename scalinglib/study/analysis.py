"""What the runs say: means over seeds, whether L_T says it all, and what tuning would bring."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from scalinglib.experiment import compare
from scalinglib.fit import isoflop_minimum
from scalinglib.study.design import Design
from scalinglib.study.run import PERFECT, by_flops, size

_SAME = ["kind", "n_layers", "params", "tokens", "teacher", "teacher_params", "teacher_tokens"]
_SETTING = ["params", "tokens"]
_NEAR = 1.05  # a batch fills up the last step: tokens of one setting differ by so much
_MEASURED = ["loss", "kl_teacher", "accuracy", "completion", "teacher_loss", "flops"]


def seed_noise(runs: pd.DataFrame, value: str = "loss") -> pd.DataFrame:
    """Standard deviation over seeds by depth and tokens: noise grows tenfold along one depth.

    Variances of all repeated settings of a depth are pooled with weights that halve with each
    factor of two between their tokens and those asked for. Settings that differ in the teacher
    alone share their seeds, so that all of them together have the freedom of one. A depth of which
    nothing was repeated takes the deepest that was.

    - returns: index (n_layers, tokens): deviation, freedom (of the pooled variance, by
      Satterthwaite's formula)
    """
    same = runs.groupby([*_SAME, "peak"], dropna=False)[value].agg(["var", "size"])
    same = same.dropna().reset_index()
    if same.empty:
        raise ValueError("runs has no setting twice; its noise needs two seeds of some setting")
    same["freedom"] = same["size"] - 1
    same["sum"] = same["var"] * same.freedom
    same = same.groupby(["n_layers", "tokens"]).agg({"sum": "sum", "freedom": "sum", "size": "max"})
    same = same.assign(var=same["sum"] / same.freedom).reset_index()
    found = {}
    for depth, tokens in sorted(set(zip(runs.n_layers, runs.tokens, strict=True))):
        own = same[same.n_layers == (depth if depth in set(same.n_layers) else same.n_layers.max())]
        near = 0.5 ** np.abs(np.log2(own.tokens / tokens))
        weight, freedom = near * (own["size"] - 1), own["size"] - 1
        variance = (weight * own["var"]).sum() / weight.sum()
        told = weight.sum() ** 2 / (weight**2 / freedom).sum()
        found[depth, tokens] = {"deviation": np.sqrt(variance), "freedom": told}
    return pd.DataFrame(found).T.rename_axis(["n_layers", "tokens"])


def with_noise(table: pd.DataFrame, noise: pd.DataFrame, value: str = "loss") -> pd.DataFrame:
    """Means over `seeds` with the interval that `seed_noise` gives them.

    - returns: the table, and error (standard error of `value`), freedom, and `value`_low and
      `value`_high, the t interval at `compare.LEVEL`
    """
    own = noise.loc[list(zip(table.n_layers, table.tokens, strict=True))]
    error = own.deviation.to_numpy() / np.sqrt(table.seeds)
    half = stats.t.ppf((1 + compare.LEVEL) / 2, own.freedom.to_numpy()) * error
    ends = {f"{value}_low": table[value] - half, f"{value}_high": table[value] + half}
    return table.assign(error=error, freedom=own.freedom.to_numpy(), **ends)


def means(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a setting, averaged over seeds, with the columns that fits want.

    - returns: kind, n_layers, params, tokens, loss, seeds, and of the loss what `with_noise` adds;
      for distilled runs also student_params, student_tokens, student_loss and the teacher's
      columns.
    """
    table = _over_seeds(runs)
    return with_noise(table, seed_noise(runs)).assign(
        student_params=table.params, student_tokens=table.tokens, student_loss=table.loss
    )


def _over_seeds(runs, *more):
    """Means of what is measured, and of columns more, by setting, and how many seeds it has."""
    groups = runs.groupby(_SAME, dropna=False, sort=False)
    return groups[[*_MEASURED, *more]].mean().reset_index().assign(seeds=groups.size().to_numpy())


def collapse(runs: pd.DataFrame) -> pd.Series:
    """Whether students of one size and one amount of tokens depend on L_T alone (Figure 3).

    A cubic in the teacher's loss is drawn through the means; then log N_T may help.

    - runs: Runs of one student, with teacher_params.
    - returns: teachers, spread (standard deviation about the curve, relative to the loss), noise
      (the spread that seeds alone would give: what is left of their losses when each teacher's and
      each seed's mean is taken away, for a seed moves all teachers' students together; NaN where
      fewer than two seeds are those of every teacher), slope and slope_error (nats a decade of N_T
      at equal teacher's loss), p (of a slope of zero, by a t test)
    """
    teachers = runs.groupby("teacher")[["loss", "teacher_loss", "teacher_params"]].mean()
    teachers = teachers.astype(float)
    free = len(teachers) - 5
    if free < 2:
        raise ValueError(f"runs has {len(teachers)} teachers; a cubic and a slope need seven")
    by_seed = runs.pivot_table(index="seed", columns="teacher", values="loss").dropna()
    left = by_seed.sub(by_seed.mean(), axis=1).sub(by_seed.mean(axis=1), axis=0)
    left = (left + by_seed.mean(axis=None)).to_numpy()
    freedom = (len(by_seed) - 1) * (len(teachers) - 1)
    noise = np.sum(left**2) / freedom / len(by_seed) if freedom > 0 else np.nan
    loss, x = teachers.loss.to_numpy(), teachers.teacher_loss.to_numpy()
    curve = np.vander((x - x.mean()) / x.std(), 4)
    residual = loss - curve @ np.linalg.lstsq(curve, loss, rcond=None)[0]
    size = np.log10(teachers.teacher_params.to_numpy())
    wide = np.column_stack([size - size.mean(), curve])
    found = np.linalg.lstsq(wide, loss, rcond=None)[0]
    off = loss - wide @ found
    slope_error = np.sqrt(off @ off / free * np.linalg.inv(wide.T @ wide)[0, 0])
    return pd.Series(
        {
            "teachers": len(loss),
            "spread": np.sqrt(residual @ residual / (free + 1)) / loss.mean(),
            "noise": np.sqrt(noise) / loss.mean(),
            "slope": found[0],
            "slope_error": slope_error,
            "p": 2 * stats.t.sf(abs(found[0]) / slope_error, free),
        }
    )


def at_budgets(table: pd.DataFrame, budgets: Iterable[tuple[float, int]]) -> pd.DataFrame:
    """Rows of `table` on (budget, depth) pairs, in order of size, with a column `budget`."""
    runs = [(flops, by_flops(depth, flops)) for flops, depth in budgets]
    keys = pd.DataFrame(
        [(flops, r.n_layers, r.tokens) for flops, r in runs],
        columns=["budget", "n_layers", "tokens"],
    )
    return keys.merge(table).sort_values("params", kind="stable")


def against_data(runs: pd.DataFrame) -> pd.DataFrame:
    """Distilled students against the same ones trained on data, seed by seed.

    - returns: of each distilled setting with seeds that were also trained on data: its columns as
      in `means`, over those seeds; loss_data (the mean trained on data), difference (loss less
      loss_data, nats), what `with_noise` adds of it (error, difference_low, difference_high), and
      verdict ("distilling wins", "data wins", "no difference")
    """
    twin = ["n_layers", "tokens", "seed"]
    data = runs[runs.kind == "supervised"].drop_duplicates(twin).set_index(twin).loss
    versus = runs[runs.kind == "distilled"].join(data.rename("loss_data"), on=twin)
    versus = versus.dropna(subset="loss_data")
    versus = versus.assign(difference=versus.loss - versus.loss_data)
    table = _over_seeds(versus, "loss_data", "difference")
    table = with_noise(table, seed_noise(versus, "difference"), "difference")
    words = np.where(table.difference_low > 0, "data wins", "no difference")
    return table.assign(verdict=np.where(table.difference_high < 0, "distilling wins", words))


def teacher_budgets(design: Design) -> dict[str, float]:
    """FLOPs of each teacher on an IsoFLOP profile of a `Design`, by the teacher's id."""
    return {
        by_flops(depth, flops).id: flops
        for flops, depths, _ in design.isoflop
        if flops in design.isoflop_teachers
        for depth in depths
    }


def profile_minimum(profile: pd.DataFrame, sizes: str = "params") -> pd.Series:
    """Size and loss at the minimum of an IsoFLOP profile's parabola.

    - profile: rows of one budget with loss and the column that `sizes` names.
    - returns: at (size), loss, seen (False where the profile has no minimum inside: size and loss
      are then those of its best run)
    """
    found = isoflop_minimum(profile[sizes], profile.loss)
    seen = bool(np.isfinite(found[0]))
    if not seen:
        found = profile.loc[profile.loss.idxmin(), [sizes, "loss"]]
    return pd.Series([*found, seen], ["at", "loss", "seen"])


def minima_drawn(profile: pd.DataFrame, sizes: str = "params", draws: int = 400) -> np.ndarray:
    """Best sizes of an IsoFLOP profile whose losses are drawn anew by their standard `error`.

    - returns: array (draws,); NaN where there is no minimum inside
    """
    rng = np.random.default_rng(0)
    loss, error = profile.loss.to_numpy(), profile.error.to_numpy()
    drawn = (loss + error * rng.standard_normal(len(loss)) for _ in range(draws))
    return np.array([isoflop_minimum(profile[sizes], losses)[0] for losses in drawn])


def kl_rises(table: pd.DataFrame) -> dict[str, float]:
    """How often KL(teacher || student) rises from each trained teacher to the next better one.

    - returns: students (kinds of them), always (share with a rise at every step), steps (share of
      all)
    """
    ordered = table[table.teacher != PERFECT].sort_values(
        "teacher_loss", ascending=False, kind="stable"
    )
    steps = ordered.groupby(["params", "tokens"]).kl_teacher.diff().dropna() > 0
    always = steps.groupby([ordered.params, ordered.tokens]).all()
    return {"students": len(always), "always": always.mean(), "steps": steps.mean()}


def past_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Students above the one of their best trained teacher, seed by seed (Figures 4 and 37).

    The best teacher is that of the least mean loss, chosen after looking.

    - runs: distilled runs of several students under the same teachers.
    - returns: a row a student and teacher as in `means`: excess (nats over the best), what
      `with_noise` adds of it (error, excess_low, excess_high), and best (of each student, true
      once)
    """
    student = ["n_layers", "params", "tokens"]
    mean = runs.groupby([*student, "teacher"]).loss.mean().reset_index()
    best = mean.loc[mean.groupby(student).loss.idxmin()].set_index(student).teacher
    own = runs.join(best.rename("best_teacher"), on=student)
    seed = [*student, "seed"]
    least = own[own.teacher == own.best_teacher].set_index(seed).loss
    own = own.join(least.rename("least"), on=seed).dropna(subset="least")
    own = own.assign(excess=own.loss - own.least)
    table = _over_seeds(own, "excess")
    others = own.assign(excess=own.excess.where(own.teacher != own.best_teacher))
    table = with_noise(table, seed_noise(others, "excess"), "excess")
    table["best"] = table.teacher == table.set_index(student).index.map(best)
    own = ["error", "excess_low", "excess_high"]
    table.loc[table.best, own] = 0.0  # it is no distance from itself
    return table


def overtakers(runs: pd.DataFrame) -> pd.DataFrame:
    """Settings whose loss is at most 0.005 nats above their teacher's (Section E.7).

    So near their teacher seeds agree far better than elsewhere: the error is from the spread of
    these settings over their own seeds, pooled by depth.

    - returns: teacher, teacher_loss, n_layers, params, tokens, excess (student less teacher),
      seeds, error, freedom, excess_low and excess_high (t interval), below (whether the interval
      is)
    """
    close = runs[runs.kind == "distilled"]
    close = close.assign(excess=close.loss - close.teacher_loss)
    near = close.groupby(["teacher", "n_layers", "params", "tokens"]).excess
    near = near.agg(excess="mean", variance="var", seeds="size").reset_index()
    near["teacher_loss"] = near.teacher.map(close.groupby("teacher").teacher_loss.first())
    near = near[near.excess < 0.005]
    freedom = (near.seeds - 1).where(near.variance.notna(), 0)
    pooled = (near.variance * freedom).groupby(near.n_layers).sum()
    depths = range(1, int(near.n_layers.max()) + 1)
    freedom = freedom.groupby(near.n_layers).sum()
    pooled = (pooled / freedom).where(freedom > 0).reindex(depths).ffill()
    near["freedom"] = near.n_layers.map(freedom.where(freedom > 0).reindex(depths).ffill())
    near["error"] = np.sqrt(near.n_layers.map(pooled) / near.seeds)
    half = stats.t.ppf((1 + compare.LEVEL) / 2, near.freedom) * near.error
    near = near.assign(excess_low=near.excess - half, excess_high=near.excess + half)
    return near.assign(below=near.excess_high < 0).drop(columns="variance")


def falls_back(part: pd.DataFrame) -> pd.Series:
    """Rise of one student's excess past its minimum over tokens, and whether it is told.

    `part` holds rows of `overtakers` that differ in tokens alone.

    - returns: tokens_least and least, tokens_last and last, rise, error, rises (whether its t
      interval lies above zero)
    """
    part = part.sort_values("tokens", kind="stable")
    least, last = part.loc[part.excess.idxmin()], part.iloc[-1]
    found = {"tokens_least": least.tokens, "least": least.excess, "tokens_last": last.tokens}
    error = np.hypot(least.error, last.error)
    rise = last.excess - least.excess
    told = rise > stats.t.ppf((1 + compare.LEVEL) / 2, last.freedom) * error
    return pd.Series(found | {"last": last.excess, "rise": rise, "error": error, "rises": told})


def tokens_on(budget: float, params: ArrayLike) -> np.ndarray:
    """Tokens that a budget (FLOPs) buys a size between two depths, FLOPs a token log-linear."""
    models = [size(depth) for depth in range(1, 8)]
    costs = np.log([3 * model.approximate_forward_flops for model in models])
    return budget / np.exp(np.interp(np.log(params), np.log([m.params for m in models]), costs))


def parabolas(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Parabolas in log N through IsoFLOP profiles of three sizes or more, from end to end."""
    found = []
    for keys, part in table.groupby(by):
        if len(part) < 3:
            continue
        x = np.log(part.params.astype(float))
        fine = np.linspace(x.min(), x.max(), 40)
        middle = x.mean()
        loss = np.polyval(np.polyfit(x - middle, part.loss, 2), fine - middle)
        line = pd.DataFrame({"params": np.exp(fine), "loss": loss})
        found.append(line.assign(**dict(zip(by, keys, strict=True))))
    return pd.concat(found, ignore_index=True)


def cubics(table: pd.DataFrame, by: str, x: str, y: str) -> pd.DataFrame:
    """Cubics of `y` in `x` through the rows of each value of `by`, from end to end."""
    found = []
    for value, part in table.groupby(by):
        fine = np.linspace(part[x].min(), part[x].max(), 60)
        line = np.polynomial.Polynomial.fit(part[x], part[y], 3)(fine)
        found.append(pd.DataFrame({by: value, x: fine, y: line}))
    return pd.concat(found, ignore_index=True)


def optima(
    table: pd.DataFrame, by: list[str], sizes: str = "params", draws: int = 400
) -> pd.DataFrame:
    """Best size of each IsoFLOP profile that has one, with what the noise of the seeds leaves.

    - by: columns that tell profiles of one budget apart.
    - returns: the columns of `by`, budget, at, at_low, at_high (95% of the draws), loss, share (of
      the draws that have a minimum inside); profiles without one, or where fewer than nine draws in
      ten have one, are left out
    """
    found = []
    for keys, part in table.groupby([*by, "budget"]):
        best = profile_minimum(part, sizes)
        if not best.seen:
            continue
        drawn = minima_drawn(part, sizes, draws)
        share = np.isfinite(drawn).mean()
        if share >= 0.9:
            low, high = np.nanpercentile(drawn, [2.5, 97.5])
            cells = dict(zip([*by, "budget"], keys, strict=True))
            cells |= {"at": best["at"], "at_low": low, "at_high": high, "loss": best.loss}
            found.append(cells | {"share": share})
    return pd.DataFrame(found)


def size_exponent(profiles: pd.DataFrame, predicted: Callable, draws: int = 400) -> pd.Series:
    """How fast the best size grows with compute, by parabolas and by a law (N* ~ C^a).

    - predicted: from sizes and tokens to the law's losses.
    - returns: budgets (with an optimum inside under nine draws in ten, and under the law),
      exponent, low and high (95% of the draws), through_law (of parabolas through the law's losses
      at the same sizes), law (of its own optimum); numbers but `budgets` are NaN for fewer than
      three budgets
    """
    fine = np.geomspace(size(1).params, size(7).params, 2001)
    rows, drawn = [], []
    for budget, part in profiles.groupby("budget"):
        exact = predicted(part.params.to_numpy(), part.tokens.to_numpy())
        own = minima_drawn(part, draws=draws)
        sizes = [isoflop_minimum(part.params, losses)[0] for losses in (part.loss, exact)]
        if np.isfinite(own).mean() > 0.9 and np.isfinite(sizes).all():
            best = fine[np.argmin(predicted(fine, tokens_on(budget, fine)))]
            rows.append([budget, *sizes, best])
            drawn.append(own)
    found = dict.fromkeys(["budgets", "exponent", "low", "high", "through_law", "law"], np.nan)
    found["budgets"] = len(rows)
    if len(rows) < 3:
        return pd.Series(found)
    logs, drawn = np.log(rows), np.log(drawn)
    slopes = np.polyfit(logs[:, 0], logs[:, 1:], 1)[0]
    found["exponent"], found["through_law"], found["law"] = slopes
    spread = np.polyfit(logs[:, 0], drawn[:, np.isfinite(drawn).all(axis=0)], 1)[0]
    found["low"], found["high"] = np.percentile(spread, [2.5, 97.5])
    return pd.Series(found)


def undertuning(sweep: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """For each setting of a sweep the recipe's loss over the best of the sweep.

    - sweep: params, tokens, windows, peak, loss; several seeds.
    - returns: params, tokens, fixed, best (mean losses over seeds), excess (log of their ratio),
      peak and windows of the best. Settings without a run by the recipe are left out.
    """
    cells = sweep.groupby(["params", "tokens", "windows", "peak"], as_index=False).loss.mean()
    fixed = runs.groupby(_SETTING, as_index=False).loss.mean()
    rows = []
    for run in fixed.itertuples():
        near = np.abs(np.log(cells.tokens / run.tokens)) < np.log(_NEAR)
        there = cells[(cells.params == run.params) & near]
        if len(there):
            best = there.loc[there.loss.idxmin()]
            excess = np.log(run.loss / best.loss)
            row = run.params, run.tokens, run.loss, best.loss, excess, best.peak, best.windows
            rows.append(row)
    columns = [*_SETTING, "fixed", "best", "excess", "peak", "windows"]
    return pd.DataFrame(rows, columns=columns)


def as_if_tuned(runs: pd.DataFrame, told: pd.DataFrame) -> pd.Series:
    """Losses of runs less what tuning would bring, a plane in log N and log D through `told`.

    The plane extrapolates where the sweep has no setting, but never below no gain at all.
    """
    if len(told) < 4:
        raise ValueError(f"told has {len(told)} settings; a plane and its check need four")

    def inputs(table):
        return np.stack([np.ones(len(table)), *np.log(table[_SETTING].to_numpy(float)).T], axis=1)

    plane, *_ = np.linalg.lstsq(inputs(told), told.excess.to_numpy(), rcond=None)
    return runs.loss * np.exp(-np.maximum(inputs(runs) @ plane, 0.0))
