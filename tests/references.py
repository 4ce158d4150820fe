"""The slow, independent ways that the library is held against, and simulated tables of runs."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from scalinglib import allocate, flops
from scalinglib.experiment import execute
from scalinglib.study import Words, record

LEXICON = ["a", "an", "and", "be", "been", "bee"]
FREQUENCIES = np.array([0.3, 0.1, 0.2, 0.2, 0.05, 0.15])
TOY = Words(LEXICON, FREQUENCIES, n_ctx=8)


def slsqp(law, student_params, compute, deltas, start):
    """The paper's method (Section 5.3): SLSQP over log (D_S, N_T, D_T) from one start.

    Returns the student's loss, or inf where SLSQP ends outside the constraints.
    """
    delta_lgt, delta_pre = deltas
    student_flops = 3 * flops.forward_flops(student_params)

    def loss(x):
        teacher_loss = law.supervised.loss(*np.exp(x[1:]))
        return law.loss(student_params, np.exp(x[0]), teacher_loss)

    def budget_left(x):
        student_tokens, teacher_params, teacher_tokens = np.exp(x)
        teacher = flops.forward_flops(teacher_params)
        cost = student_flops * student_tokens
        cost += teacher * (delta_lgt * student_tokens + 3 * delta_pre * teacher_tokens)
        return 1 - cost / compute

    box = [allocate.TOKENS_BOX, allocate.TEACHER_PARAMS_BOX, allocate.TOKENS_BOX]
    found = minimize(
        loss,
        np.log(start),
        method="SLSQP",
        bounds=np.log(box),
        constraints={"type": "ineq", "fun": budget_left},
        options={"maxiter": 300, "ftol": 1e-12},
    )
    return found.fun if budget_left(found.x) > -1e-6 else np.inf


def dense_grid(law, student_params, compute, deltas, points=400, most_tokens=None):
    """The best of points x points teachers, all the rest spent on the student.

    No model is trained on more than `most_tokens`; None stands for the bound of the box.

    Returns
    -------
    student_loss, (student_tokens, teacher_params, teacher_tokens)
    """
    token_range = (allocate.TOKENS_BOX[0], most_tokens or allocate.TOKENS_BOX[1])
    params = np.linspace(*np.log(allocate.TEACHER_PARAMS_BOX), points)[:, None]
    tokens = np.linspace(*np.log(token_range), points)[None, :]
    teacher, (delta_lgt, delta_pre) = flops.forward_flops(np.exp(params)), deltas
    left = compute - 3 * delta_pre * teacher * np.exp(tokens)
    student_tokens = left / (3 * flops.forward_flops(student_params) + delta_lgt * teacher)
    inside = student_tokens >= allocate.TOKENS_BOX[0]
    student_tokens = np.clip(student_tokens, *token_range)
    log_teacher = law.supervised.log_loss(params, tokens)
    log_loss = law.log_loss(np.log(student_params), np.log(student_tokens), log_teacher)
    loss = np.where(inside, np.exp(log_loss), np.inf)
    i, j = np.unravel_index(np.argmin(loss), loss.shape)
    return loss[i, j], (student_tokens[i, j], np.exp(params[i, 0]), np.exp(tokens[0, j]))


def huber_objective(law, runs, columns, delta):
    """Sum of Huber on log-loss, run by run, from the definition (Equations 45 and 50)."""
    total = 0.0
    for row in runs[list(columns)].itertuples(index=False):
        error = abs(np.log(law.loss(*row[:-1])) - np.log(row[-1]))
        total += error**2 / 2 if error <= delta else delta * (error - delta / 2)
    return total


def lbfgsb(value_and_gradient, start, bounds=None):
    """The paper's optimiser (Section F.1), with exact gradients, from one start; SciPy's result."""
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-10}
    return minimize(
        value_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )


def completed(jobs, folder, task=None, name="t.csv"):
    """The table of that name after what it lacks of the jobs, or of a study's runs, was trained."""
    with ThreadPoolExecutor(1) as pool:
        task = task or record.task(folder, jobs)
        return execute.complete(jobs, task, folder / name, folder, pool, progress=False)


# A row of a study's table, where a test says nothing else.
ROW = {"kind": "distilled", "teacher": "x", "n_layers": 1, "seed": 0}
ROW |= dict.fromkeys(["params", "tokens", "peak", "teacher_params", "teacher_tokens"], 1.0)
ROW |= dict.fromkeys(["teacher_loss", "flops", "kl_teacher", "accuracy", "completion"], 1.0)


def rows(records):
    """A study's table of the records given, each completed by `ROW`."""
    return pd.DataFrame([ROW | record for record in records])


def table_of(runs, loss):
    """What tells the runs of a design apart, and the loss that `loss` gives each (simulated)."""
    return pd.DataFrame(
        {"id": r.id, "params": r.params, "tokens": r.tokens, "seed": r.seed}
        | {"teacher": r.teacher_id, "kind": "distilled" if r.teacher else "supervised"}
        | {"corpus": r.corpus.id, "mixing": r.objective.mixing, "switch": r.objective.switch}
        | {"samples": r.objective.samples, "top_k": r.objective.top_k, "loss": loss(r)}
        for r in runs
    )


def middle(ensemble, values):
    """The value that half the weight of the laws does not exceed, one value a law."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(ensemble.weights[order]) >= 0.5
    return float(np.asarray(values)[order][reached.argmax()])
