"""Pilots: Gaussian updates, regrets and searches against other routes; what is refused."""

import re
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from scalinglib import laws
from scalinglib.allocate import Teacher
from scalinglib.laws import Law
from scalinglib.study import design_file
from scalingplan import cli, pilots
from scalingplan.answers import studies
from scalingplan.commands import design
from scalingplan.pilots import Choice, Discrepancy, Foretell, Prior, Worlds, grid, propose
from scalingplan.pilots.choose import _State
from scalingplan.pilots.worlds import inputs, seed_noise

NOISE = 0.01
EXACT = Discrepancy(size=0.0)
TEACHERS = (Teacher("small", 5e8, 2.5), Teacher("large", 4e9, 2.05))


class _Line(NamedTuple):
    a: float
    b: float
    c: float


class Line(Law, _Line):
    """Log-loss that is linear in its coefficients: Bayes' rule has a closed form."""

    def log_loss(self, log_params, log_tokens):
        return 1 + self.a + self.b * (log_params - 18) + self.c * (log_tokens - 21)


def lines(count=400, seed=0):
    drawn = 0.05 * np.random.default_rng(seed).normal(size=(count, 3))
    return Worlds((Line(*drawn.T[..., None]),), np.full(count, 1 / count)), drawn


def supervised_grid(sizes=(1e7, 1e8), tokens=(1e8, 1e9, 1e10)):
    return grid(sizes, tokens, forward=lambda n: 2 * n)


TAUGHT = grid([1e8], [1e9, 1e10], TEACHERS)


def state(worlds, candidates, question, discrepancy=EXACT, noise=NOISE, known=None, curves=False):
    rows = inputs(candidates)
    return _State(worlds, rows, candidates, [question], noise, discrepancy, known, curves)


def test_what_runs_leave_is_the_formula_of_linear_regression():
    worlds, drawn = lines()
    candidates, question = supervised_grid(), Foretell(1e9, 1e11)
    plan = [0, 3, 3, 5]  # one of them with two seeds
    found = state(worlds, candidates, question)
    rows = inputs(candidates).iloc[plan]
    x = np.stack([np.ones(4), np.log(rows.student_params) - 18, np.log(rows.student_tokens) - 21])
    prior = np.cov(drawn.T, bias=True)
    covariance = np.linalg.inv(np.linalg.inv(prior) + x @ x.T / NOISE**2)
    asked = np.array([1, np.log(1e9) - 18, np.log(1e11) - 21])
    loss = np.exp(worlds.log_losses(question.rows())).mean()
    expected = loss * np.sqrt(asked @ covariance @ asked)
    assert found.width(found.asked(found.after(plan))) == pytest.approx(expected, rel=1e-6)


def test_expected_regret_is_that_of_many_simulated_studies():
    candidates = grid([3e8, 1e9], [5e9, 3e10], TEACHERS)
    worlds = Prior.around(candidates, laws.load("corrected").supervised).worlds(128)
    found = state(worlds, candidates, Choice(1e9, 3e20, TEACHERS[1:]))
    plan = [1, 2, 4]
    covariance, first = found.covariance, found.first
    rng = np.random.default_rng(0)
    at = [*plan, *range(first, len(covariance))]
    root = np.linalg.cholesky(covariance[np.ix_(at, at)] + 1e-14 * np.eye(len(at)))
    truth = rng.normal(size=(40_000, len(at))) @ root.T
    seen = truth[:, : len(plan)] + NOISE * rng.normal(size=(40_000, len(plan)))
    inner = covariance[np.ix_(plan, plan)] + NOISE**2 * np.eye(len(plan))
    gain = covariance[first:][:, plan] @ np.linalg.inv(inner)
    losses, believed = truth[:, len(plan) :] + found.middle, seen @ gain.T + found.middle
    chosen = np.take_along_axis(losses, believed.argmin(axis=1)[:, None], 1)[:, 0]
    regret = (chosen - losses.min(axis=1)).mean()
    left = found.asked(found.after(plan))
    assert found.criterion(left) == pytest.approx(regret, rel=0.1)
    assert found.criterion(left) < found.criterion(found.now)
    changed = (believed.argmin(axis=1) != found.middle.argmin()).mean()
    assert found.changes(found.now - left) == pytest.approx(changed, abs=0.02)


def test_a_learning_curve_tells_more_than_its_end_and_less_of_a_level_than_as_many_runs():
    """By hand: Bayes' rule of a linear law, the noise of one run's losses correlated."""
    worlds, drawn = lines()
    candidates, question = supervised_grid(), Foretell(1e7, 1e9)
    at = last, *_ = [2, 0, 1]  # of one size, the most tokens first
    logs = np.log(inputs(candidates).to_numpy()[at, :2])
    x = np.column_stack([np.ones(3), logs - [18, 21]])
    asked = np.array([1, np.log(1e7) - 18, np.log(1e9) - 21])
    loss = np.exp(worlds.log_losses(question.rows())).mean()

    def by_hand(noise):
        inner = np.linalg.inv(np.cov(drawn.T, bias=True)) + x.T @ np.linalg.inv(noise) @ x
        return loss * np.sqrt(asked @ np.linalg.inv(inner) @ asked)

    def width(plan, curves):
        found = state(worlds, candidates, question, curves=curves)
        return float(found.width(found.asked(found.after(plan))))

    curve = width([last], True)
    assert curve == pytest.approx(by_hand(NOISE**2 * (np.eye(3) + 1) / 2), rel=1e-6)
    assert width(at, False) < curve < width([last], False)
    # And as runs that there are: told by a column.
    known = candidates.iloc[at].assign(run="one")
    np.testing.assert_allclose(seed_noise(known, NOISE), NOISE**2 * (np.eye(3) + 1) / 2)
    np.testing.assert_allclose(seed_noise(candidates.iloc[at], NOISE), NOISE**2 * np.eye(3))


@pytest.mark.parametrize("question", [Foretell(1e9, 1e11), Foretell(1e9, 3e10, 2.1),
                                      Choice(1e9, 3e20, TEACHERS)])  # fmt: skip
def test_the_search_is_within_a_few_per_cent_of_trying_all_sets(question):
    rng, ratios = np.random.default_rng(0), []
    worlds = Prior(1e8, 1e10).worlds(128)
    for _ in range(6):
        sizes, tokens = 10 ** rng.uniform(7.5, 8.8, 3), 10 ** rng.uniform(9, 10.5, 2)
        candidates = grid(sizes, tokens, TEACHERS).sample(11, random_state=int(rng.integers(99)))
        budget = candidates.cost.sum() * rng.uniform(0.15, 0.5)
        found = state(worlds, candidates, question, Discrepancy(), 0.003)
        sets = [
            list(plan)
            for k in range(1, 6)
            for plan in combinations(range(11), k)
            if candidates.cost.iloc[list(plan)].sum() <= budget
        ]
        best = min(found.criterion(found.asked(found.after(plan))) for plan in sets)
        args = {"noise": 0.003, "repeats": 1, "most_runs": 5}
        plan = propose(worlds, candidates, question, budget, **args).runs.candidate
        plan = [candidates.index.get_loc(i) for i in plan]
        assert candidates.cost.iloc[plan].sum() <= budget * (1 + 1e-9)
        ratios.append(found.criterion(found.asked(found.after(plan))) / best)
    assert max(ratios) < 1.05
    assert np.mean(ratios) < 1.02


def test_an_answer_that_no_world_contradicts_needs_no_pilots():
    worlds = Worlds.of(laws.ensemble("figure1"))
    far = Choice(3e9, 2e22, (Teacher("weak", 5e8, 2.6),))
    found = propose(worlds, TAUGHT, far, 1e22, noise=0.003)
    assert found.stop
    assert found.runs.empty
    assert found.sentence().startswith("train on data: more pilots would change that in less than")


def test_no_pilot_removes_what_no_law_says():
    worlds, _ = lines()
    candidates, question = supervised_grid(), Foretell(1e9, 1e12)
    told = propose(worlds, candidates, question, 1e25, noise=1e-4, discrepancy=EXACT)
    doubted = propose(worlds, candidates, question, 1e25, noise=1e-4,
                      discrepancy=Discrepancy(0.01))  # fmt: skip
    loss = doubted.answers.loss[0]
    assert told.floor < 1e-3 * loss
    assert doubted.floor > 0.99 * 0.01 * loss
    # But a run beside what is asked does.
    near = supervised_grid([9e8], [9e11])
    assert propose(worlds, near, question, 1e25, noise=1e-4,
                   discrepancy=Discrepancy(0.01)).floor < 0.005 * loss  # fmt: skip


def test_a_teacher_is_paid_for_once_and_is_a_run_itself():
    worlds, new = Prior(3e8, 6e9).worlds(128), Teacher("new", 1e9, np.nan, 2e10)
    candidates = grid([2e8, 4e8], [4e9, 8e9], [new])
    candidates = candidates[candidates.teacher_params.notna()]
    proposal = propose(worlds, candidates, Foretell(1e9, 2e10, 2.2), 1e22, noise=0.003, repeats=1)
    training = candidates.teacher_cost.iloc[0]
    assert training > 0
    count = len(proposal.runs)
    assert count >= 2
    own = candidates.cost[proposal.runs.candidate].sum()
    assert proposal.runs.spent.iloc[-1] == pytest.approx(own + training)
    found = state(worlds, candidates, Foretell(1e9, 2e10, 2.2))
    assert found.after([0])[4, 4] < found.covariance[4, 4]  # the teacher's own row


def test_runs_that_are_known_leave_less_to_buy():
    worlds, _ = lines()
    candidates, question = supervised_grid(), Foretell(1e9, 1e11)
    known = candidates.iloc[:4]
    before = state(worlds, candidates, question, Discrepancy(0.01))
    after = state(worlds, candidates, question, Discrepancy(0.01), known=known)
    assert after.covariance[0, 0] < before.covariance[0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": 1e10}, "budget is 1e[+]10 FLOPs; the cheapest candidate costs 6e"),
        ({"budget": -1.0}, "budget is -1.0"),
        ({"noise": 0.0}, "noise is 0.0"),
        (
            {"question": Choice(1e9, 1e20, (TEACHERS[0],) * 2), "candidates": TAUGHT},
            "all 2 teachers are equal",
        ),
        ({"question": Foretell(1e9, 1e11, 2.2)}, "candidates have no teachers"),
        ({"question": Foretell(9e10, 1e11), "discrepancy": Discrepancy(0.9, 1.1)}, "too far"),
        ({"question": Foretell(1e12, 1e11)}, "1e[+]04 times the student_params of the largest"),
        ({"question": Foretell(1e9, 1e14)}, "1e[+]04 times the student_tokens of the largest"),
        ({"candidates": supervised_grid([-1.0])}, "student_params is -1 in row 0"),
    ],
)
def test_what_is_no_question_gets_a_sentence(change, words):
    given = {"worlds": lines()[0], "candidates": supervised_grid(), "budget": 1e20}
    given |= {"question": Foretell(1e9, 1e11), "noise": NOISE} | change
    with pytest.raises(ValueError, match=words):
        propose(given.pop("worlds"), given.pop("candidates"), given.pop("question"),
                given.pop("budget"), **given)  # fmt: skip


def truth_table(count=10, seed=0):
    law = laws.load("bias_variance")
    rng = np.random.default_rng(seed)
    runs = grid([1e8, 3e8, 1e9], [3e9, 2e10, 1e11], TEACHERS)
    runs = runs.sample(count, random_state=seed)
    exact = np.exp(Worlds((law,), np.ones(1)).log_losses(inputs(runs)))[0]
    return runs.assign(loss=exact * np.exp(0.003 * rng.normal(size=count))), law


def test_a_posterior_from_few_runs_is_that_of_many_draws_of_the_prior():
    """Importance sampling knows nothing of slopes or minima."""
    runs, law = truth_table(3)
    prior = Prior.around(runs, law.supervised)
    asked = inputs(grid([5e8], [1e10], TEACHERS))
    noise, apart = 0.02, Discrepancy(0.0)
    found = pilots.posterior(prior, runs, noise=noise, discrepancy=apart, count=2048)
    drawn = prior.worlds(2**15)
    misfit = (drawn.log_losses(inputs(runs)) - np.log(runs.loss.to_numpy())) / noise
    weights = np.exp(-0.5 * (misfit**2).sum(axis=1))
    weights /= weights.sum()
    assert 1 / (weights**2).sum() > 500
    losses = drawn.log_losses(asked)
    mean = weights @ losses
    spread = np.sqrt(weights @ (losses - mean) ** 2)
    own = found.log_losses(asked)
    assert np.all(abs(own.mean(axis=0) - mean) < 0.6 * spread + 0.002)
    assert np.all(own.std(axis=0) < 2 * spread + 0.002)
    assert np.all(own.std(axis=0) > spread / 2 - 0.002)


def test_a_posterior_holds_what_made_the_runs_and_narrows():
    few, law = truth_table(6)
    many, _ = truth_table(18)
    asked = inputs(grid([5e8], [1e10, 3e10], TEACHERS))
    exact = Worlds((law,), np.ones(1)).log_losses(asked)[0]
    widths = []
    for runs in (few, many):
        prior = Prior.around(runs, None)
        own = pilots.posterior(prior, runs, noise=0.003).log_losses(asked)
        low, high = np.quantile(own, [0.005, 0.995], axis=0)
        assert ((low - 0.01 < exact) & (exact < high + 0.01)).all()
        widths.append(own.std(axis=0).mean())
    assert widths[1] < widths[0]


def test_the_command_writes_what_a_study_trains(tmp_path, capsys):
    out = tmp_path / "next.csv"
    asked = ["--student", "388240", "--tokens", "1e7", "--budget", "1e12", "--noise", "0.01"]
    pilots_of = ["--sizes", "3408,25312", "--pilot-tokens", "5e4,5e5", "--out", str(out)]
    runs = ["--runs", str(tmp_path / "runs.csv")]
    known = supervised_grid([3408, 25312, 83376], [1e5, 1e6])
    losses = np.exp(lines()[0].log_losses(inputs(known))[0])
    names = {"student_params": "params", "student_tokens": "tokens"}
    known.rename(columns=names)[[*names.values()]].assign(loss=losses).to_csv(runs[1], index=False)
    assert cli.main(["design", *asked, *pilots_of, *runs]) == 0
    said = capsys.readouterr().out
    assert "the loss is told to ±" in said
    wanted = studies.read_runs(out)
    assert {run.n_layers for run in wanted} <= {1, 2}
    assert {run.teacher for run in wanted} == {None}
    assert len(wanted) == len(pd.read_csv(out))
    known.rename(columns=names)[[*names.values()]].assign(loss=20.0).to_csv(runs[1], index=False)
    assert cli.main(["design", *asked, *pilots_of, *runs]) == 2
    assert "runs.csv: loss looks like perplexity" in capsys.readouterr().err
    taught = pd.DataFrame({"student_params": [3408], "student_tokens": [5e4],
                           "teacher_params": [25312], "teacher_tokens": [5e5]})  # fmt: skip
    taught.to_csv(out, index=False)
    teacher, student = studies.read_runs(out)
    assert student.teacher == teacher
    taught.assign(student_params=5000).to_csv(out, index=False)
    with pytest.raises(design_file.DesignError, match="line 2: student_params is 5000; the study"):
        studies.read_runs(out)
    bad = {"student_params": None, "student_tokens": "5e4 tokens", "teacher_tokens": 0, "seed": -1}
    taught.assign(**bad).to_csv(out, index=False)
    with pytest.raises(design_file.DesignError) as refused:
        studies.read_runs(out)
    assert re.findall(r"line 2: (\w+) is", str(refused.value)) == list(bad)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--flops", "1e21", "--budget", "1e20"], "give a --teacher"),
        (["--tokens", "1e11", "--budget", "$500"], "what a GPU-hour costs, --price"),
        (["--tokens", "1e11", "--budget", "soon"], "“soon” is neither FLOPs (5e20) nor GPU-hours"),
        (["--tokens", "1e11", "--budget", "1e8"], "“1e8” is neither FLOPs (5e20) nor GPU-hours"),
        (["--tokens", "1e11", "--budget", "1e20", "--teacher", "7B"], "SIZE:LOSS"),
        (["--tokens", "many", "--budget", "1e20"], "--tokens: “many”"),
        (["--noise", "nan"], "--noise: “nan” is not a relative scatter of losses, such as 0.002"),
    ],
)
def test_the_command_refuses_with_a_sentence(given, words, capsys):
    assert cli.main(["design", "--student", "3B", *given]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("", "--out is ''; it must be a CSV file"),
        (".", "--out is ''; it must be a CSV file"),
        ("folder", "folder'; it must be a CSV file, and this is a folder"),
        ("none/next.csv", "none/next.csv'; it must be a CSV file in a folder that is there"),
        ("folder/../runs.csv", "it must be another file than --runs"),
        ("link.csv", "it must be another file than --runs"),
        (
            "/proc/next.csv",
            "/proc/next.csv: No such file or directory; --out FILE writes elsewhere",
        ),
    ],
)
def test_where_a_design_cannot_go_is_said_before_the_work(
    out, words, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(design, "_worlds", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "runs.csv").write_text("params,tokens,loss\n1e8,1e9,3\n")
    (tmp_path / "link.csv").symlink_to("runs.csv")
    asked = ["--student", "3B", "--tokens", "1e11", "--budget", "1e20", "--runs", "runs.csv"]
    assert cli.main(["design", *asked, "--out", out]) == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "runs.csv").read_text().endswith("3\n")


def test_a_design_without_runs_writes_none(tmp_path, capsys):
    asked = ["--student", "3B", "--flops", "2e22", "--teacher", "500M:2.6", "--budget", "1e22"]
    assert cli.main(["design", *asked, "--out", str(tmp_path / "next.csv")]) == 0
    assert "no runs to write: " in capsys.readouterr().out
    assert not (tmp_path / "next.csv").exists()


@pytest.mark.parametrize("text", ["1.42416e20", "100 h", "4 x 25h", "$250", "250 usd"])
def test_a_budget_is_flops_hours_or_money(text):
    assert design._flops(design._budget(text), 1.42416e18, 2.5) == pytest.approx(1.42416e20)


def test_what_is_no_evidence_is_refused():
    runs, law = truth_table(4)
    prior = Prior.around(runs, law.supervised)
    with pytest.raises(ValueError, match="loss is -1"):
        pilots.posterior(prior, runs.assign(loss=-1.0), noise=0.01)
    with pytest.raises(ValueError, match="noise is 0"):
        pilots.posterior(prior, runs, noise=0)
    with pytest.raises(ValueError, match="nothing is left"):
        Prior(1e8, 1e9, law.supervised, distilled=False)
    assert len(pilots.posterior(prior, runs[:0], noise=0.01).weights) == 256
    with pytest.raises(ValueError, match="neither teacher_loss"):
        inputs(pd.DataFrame({"student_params": [1e8], "student_tokens": [1e9],
                             "teacher_params": [1e9]}))  # fmt: skip
