"""The planner: its law and optimiser against the library, and the page as its user meets it."""

import numpy as np
import pytest

from scalinglib import allocate, flops, laws
from tests.browser import needs_browser, open_browser
from tests.references import dense_grid
from tools import planner

pytestmark = needs_browser
LAW = laws.load(planner.COEFFICIENT_SET)
SOLVE = "problems => problems.map(PLAN.solve)"


@pytest.fixture(scope="module")
def browser():
    with open_browser() as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planner") / "planner"
    planner.write(folder)
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def optimiser(browser, url):
    """A function that hands problems to the page's own optimiser."""
    page = browser.new_page()
    page.goto(url)
    return lambda problems: page.evaluate(SOLVE, problems)


def problem(student_params, **given):
    empty = dict.fromkeys(["compute", "tokens", "teachers", "maxTokens"])
    return {"studentParams": student_params, "deltaLgt": 1, "deltaPre": 1, **empty, **given}


def verdict(gain, supervised_loss):
    if abs(gain) <= planner.relative_error() * supervised_loss:
        return "either"
    return "distil" if gain > 0 else "train"


def assert_agrees(answers, student_loss, supervised_loss):
    assert len(answers) == len(student_loss)
    best = np.array([a["best"]["loss"] for a in answers])
    np.testing.assert_allclose(best, student_loss, atol=1e-6, rtol=0)
    data = np.array([a["supervised"]["loss"] for a in answers])
    np.testing.assert_allclose(data, supervised_loss, atol=1e-6, rtol=0)
    decisions = map(verdict, supervised_loss - student_loss, supervised_loss)
    assert [a["verdict"] for a in answers] == list(decisions)


def draw(count, seed):
    """Students, budgets and pairs of deltas, the corners of the pairs included."""
    random = np.random.default_rng(seed)
    deltas = np.where(
        random.random((2, count)) < 0.5,
        random.integers(0, 2, (2, count)),
        random.random((2, count)),
    )
    return 10 ** random.uniform(8, 10.3, count), 10 ** random.uniform(18.5, 26, count), deltas


def test_a_new_teacher_on_400_budgets(optimiser):
    students, budgets, deltas = draw(400, seed=0)
    answers = optimiser(
        [
            problem(n, compute=c, deltaLgt=lgt, deltaPre=pre)
            for n, c, lgt, pre in zip(students, budgets, *deltas, strict=True)
        ]
    )
    table = allocate.optimal(LAW, students, budgets, tuple(deltas))
    assert_agrees(answers, table.student_loss.to_numpy(), table.supervised_loss.to_numpy())
    spent = np.array([a["best"]["compute"] for a in answers])
    assert (spent <= budgets * (1 + 1e-9)).all()
    paid = (deltas > 0).all(axis=0)  # elsewhere many teachers do equally well
    for name, column in [("params", "teacher_params"), ("tokens", "teacher_tokens")]:
        found = np.array([a["best"]["teacher"][name] for a in answers])
        np.testing.assert_allclose(found[paid], table[column][paid], rtol=0.01)


def test_the_best_of_a_list_on_300_budgets(optimiser):
    students, budgets, (delta_lgt, _) = draw(300, seed=1)
    random = np.random.default_rng(2)
    sizes = 10 ** random.uniform(8, 11, (300, 5))
    losses = random.uniform(1.6, 3.5, sizes.shape)
    limits = np.where(random.random(300) < 0.5, 10 ** random.uniform(9, 12, 300), np.inf)
    answers = optimiser(
        [
            problem(
                students[i],
                compute=budgets[i],
                deltaLgt=delta_lgt[i],
                maxTokens=limits[i] if np.isfinite(limits[i]) else None,
                teachers=[
                    {"name": str(j), "params": sizes[i, j], "loss": losses[i, j]} for j in range(5)
                ],
            )
            for i in range(300)
        ]
    )
    tokens = np.stack(
        [
            allocate.tokens_with_teacher(students[i], sizes[i], budgets[i], delta_lgt[i])
            for i in range(300)
        ]
    )
    tokens = np.minimum(np.minimum(tokens, limits[:, None]), allocate.TOKENS_BOX[1])
    student_loss = LAW.loss(students[:, None], tokens, losses)
    alone = np.minimum(budgets / (3 * flops.forward_flops(students)), limits)
    supervised = LAW.supervised.loss(students, alone)
    assert_agrees(answers, student_loss.min(axis=1), supervised)
    chosen = [int(a["best"]["teacher"]["name"]) for a in answers]
    assert chosen == student_loss.argmin(axis=1).tolist()


def test_a_new_teacher_for_300_token_counts(optimiser):
    students, _, deltas = draw(300, seed=3)
    tokens = 10 ** np.random.default_rng(4).uniform(8.5, 13, 300)
    answers = optimiser(
        [
            problem(n, tokens=d, deltaLgt=lgt, deltaPre=pre)
            for n, d, lgt, pre in zip(students, tokens, *deltas, strict=True)
        ]
    )
    # The student's loss has one valley in the teacher's, so the box cuts it off at its edge.
    box = zip(allocate.TEACHER_PARAMS_BOX, allocate.TOKENS_BOX, strict=True)
    worst, best = (LAW.supervised.loss(n, d) for n, d in box)
    teacher_loss = np.clip(allocate.best_teacher_loss(LAW, students, tokens), best, worst)
    student_loss = LAW.loss(students, tokens, teacher_loss)
    assert_agrees(answers, student_loss, LAW.supervised.loss(students, tokens))


def test_a_data_limit_is_kept_and_used_well(optimiser):
    students, budgets, deltas = draw(40, seed=5)
    limits = 10 ** np.random.default_rng(6).uniform(9, 12, 40)
    problems = [
        problem(n, compute=c, deltaLgt=lgt, deltaPre=pre, maxTokens=most)
        for n, c, lgt, pre, most in zip(students, budgets, *deltas, limits, strict=True)
    ]
    for p, a in zip(problems, optimiser(problems), strict=True):
        plan = a["best"]
        assert plan["studentTokens"] <= p["maxTokens"]
        assert plan["teacher"]["tokens"] <= p["maxTokens"]
        assert plan["compute"] <= p["compute"] * (1 + 1e-9)
        pair = p["deltaLgt"], p["deltaPre"]
        grid, _ = dense_grid(
            LAW, p["studentParams"], p["compute"], pair, most_tokens=p["maxTokens"]
        )
        assert plan["loss"] <= grid + 1e-9
        free = allocate.optimal(LAW, p["studentParams"], p["compute"], pair)
        assert plan["loss"] >= free.student_loss[0] - 1e-9


def test_the_answer_flips_where_the_library_says(optimiser, browser, url):
    page = browser.new_page()
    page.goto(url)
    students = [3e8, 1e9, 3e9]
    expected = allocate.crossover(LAW, students, "teacher_inference")
    for n, budget in zip(students, expected, strict=True):
        flips = page.evaluate("p => PLAN.flips(p)", problem(n, compute=1e21, deltaPre=0))
        assert flips[-1]["budget"] == pytest.approx(budget, rel=1e-5)
        assert flips[-1]["above"] == "train"
