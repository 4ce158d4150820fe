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


# The page


@pytest.fixture
def page(browser, url):
    """The page as a new visitor finds it; an error in a script fails the test."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(url)
    yield opened
    opened.close()
    assert not errors


def answered(page, change):
    """Run `change` and wait for the page to have answered it."""
    before = page.url
    change()
    page.wait_for_function("before => location.href !== before", arg=before)


def plan_cell(page, row, column=1):
    """A cell of the plan's table by the name of its row."""
    return page.locator("#plan tbody tr", has_text=row).locator("th, td").nth(column).inner_text()


def test_the_trial_question_is_answered_as_the_law_answers_it(page):
    """I have a 7B model at loss 2.05 and want a 1B student with 50B tokens."""
    for field, value in {"n": "1B", "b": "50B", "tn": "7B", "tl": "2.05", "lgt": "1"}.items():
        page.fill(f"#{field}", value)
    page.select_option("#u", "tokens")
    page.wait_for_timeout(150)
    distilled = LAW.loss(1e9, 50e9, 2.05)
    supervised = LAW.supervised.loss(1e9, 50e9)
    compute = 50e9 * (3 * flops.forward_flops(1e9) + flops.forward_flops(7e9))
    equal = LAW.supervised.loss(1e9, compute / (3 * flops.forward_flops(1e9)))
    shown = [plan_cell(page, "Expected loss", column) for column in (1, 2, 3)]
    assert shown == [f"{x:.3f}" for x in (distilled, supervised, equal)]
    expected = {"distil": "Distil from the 7B teacher", "train": "Train on data"}
    decision = page.inner_text("#decision")
    assert decision.startswith(expected[verdict(supervised - distilled, supervised)])
    beaten = distilled - equal > planner.relative_error() * supervised
    assert ("if these tokens are all you have" in decision) == beaten


def test_typing_changes_the_answer_the_picture_and_the_link(page):
    path = "#teacher-chart polyline >> nth=-1"
    before = page.inner_text("#tiles"), page.get_attribute(path, "points")
    answered(page, lambda: page.fill("#tl", "2.6"))
    after = page.inner_text("#tiles"), page.get_attribute(path, "points")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert f"{LAW.loss(1e9, 50e9, 2.6):.3f}" in after[0]
    assert "tl=2.6" in page.url


def test_the_chosen_teacher_lies_on_the_curve(page):
    curve = page.get_attribute("#teacher-chart polyline >> nth=-1", "points")
    points = np.array([point.split(",") for point in curve.split()], dtype=float)
    chosen = page.locator("#teacher-chart circle").last
    x, y = (float(chosen.get_attribute(name)) for name in ("cx", "cy"))
    assert np.interp(x, *points.T) == pytest.approx(y, abs=0.5)
    assert page.locator("#budget-chart polyline").count() == 2


def test_a_link_carries_the_inputs(page, browser):
    answered(page, lambda: page.check("input[value=none]"))
    answered(page, lambda: page.select_option("#u", "hours"))
    answered(page, lambda: page.fill("#b", "12,000"))
    answered(page, lambda: page.fill("#k", "8"))
    other = browser.new_page()
    other.goto(page.url)
    for place in ("#decision", "#plan", "#flip"):
        assert other.inner_text(place) == page.inner_text(place)
    compute = 12000 * 3600 * 989e12 * 0.4
    table = allocate.optimal(LAW, 1e9, compute, (1, 1 / 8))
    assert plan_cell(other, "Expected loss") == f"{table.student_loss[0]:.3f}"
    other.close()


def test_a_list_is_pasted_and_its_best_teacher_named(page):
    answered(page, lambda: page.check("input[value=list]"))
    text = "Name\tparams\tloss\nweak <b>\t500M\t2.9\n\nstrong\t3e9\t2.15\n"
    answered(page, lambda: page.fill("#list", text))
    names = page.locator("#teachers tbody th").all_inner_texts()
    losses = {"strong ✓": LAW.loss(1e9, 50e9, 2.15), "weak <b>": LAW.loss(1e9, 50e9, 2.9)}
    assert names == sorted(losses, key=losses.get)
    assert "strong" in page.inner_text("#decision")


@pytest.mark.parametrize(
    ("have", "field", "value", "message"),
    [
        ("one", "n", "big", "“big” is not a size between 1M and 1T"),
        ("one", "b", "", "needs a number of tokens"),
        ("one", "b", "-5", "“-5” is not a number of tokens"),
        ("one", "tl", "1.1", "is not a loss that a model can have"),
        ("one", "lgt", "1.5", "“1.5” is not a share between 0 and 1"),
        ("one", "limit", "lots", "“lots” is not a number of tokens"),
        ("none", "k", "0", "“0” is not a number of students"),
        ("list", "list", "a, 1B, 2.2\nb, 2B", "Line 2: “b” is not a size"),
        ("list", "list", "a, 1B, 2.2, 3", "Line 1 has 4 entries"),
    ],
)
def test_bad_input_is_named_beside_its_field(page, have, field, value, message):
    if have != "one":
        answered(page, lambda: page.check(f"input[value={have}]"))
    answered(page, lambda: page.fill(f"#{field}", value))
    error = page.locator(f"[data-field={field}] .error")
    assert message in error.inner_text()
    control = page.locator(f"#{field}")
    assert control.get_attribute("aria-invalid") == "true"
    assert error.get_attribute("id") in control.get_attribute("aria-describedby")
    assert page.locator(".error").count() == 1
    assert not page.is_visible("#results")


def test_leaving_the_fitted_range_is_said(page):
    assert not page.is_visible("#warnings")
    answered(page, lambda: page.fill("#tn", "70B"))
    assert "extrapolation" in page.inner_text("#warnings")
    assert "teacher size 70B" in page.inner_text("#warnings")
    low, high = laws.FITTED_RANGE["params"]
    assert low < 1e9 < high < 70e9


def test_the_recipe_holds_the_plan_and_the_link(page):
    recipe = page.input_value("#recipe")
    for part in (page.inner_text("#decision"), plan_cell(page, "Expected loss"), page.url):
        assert part in recipe
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy-recipe")
    page.wait_for_function("document.getElementById('copied').textContent")
    assert page.inner_text("#copied") == "Recipe copied."
    assert page.evaluate("navigator.clipboard.readText()") == recipe


def test_keyboard_alone_is_enough(page):
    def press(*keys):
        for key in keys:
            page.keyboard.press(key)

    def focused():
        return page.evaluate("document.activeElement.name || document.activeElement.id")

    def shows(text):
        # Not `answered`: on a busy machine the answer to "2" may come while "2B" is on its way.
        page.wait_for_function("text => location.href.includes(text)", arg=text)

    while focused() != "n":
        press("Tab")
    # A field reached with Tab is selected: typing replaces it.
    page.keyboard.type("2B")
    shows("n=2B")
    press("Tab", "Tab")
    assert focused() == "u"
    press("ArrowDown")
    shows("u=hours")
    press("Tab", "Tab", "Tab", "Tab")
    assert focused() == "have"
    press("ArrowLeft")
    shows("have=none")
    for _ in range(12):
        press("Tab")
        if focused() == "copy-recipe":
            break
    assert focused() == "copy-recipe"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


@pytest.mark.parametrize("query", ["", "#have=none&u=flops&b=1e22", "#have=list&u=hours&b=2000"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(browser, url, query):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(url + query)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.is_visible("#peek")
    for chart in page.locator(".chart:visible").all():
        right = chart.locator("svg").bounding_box()
        assert right["x"] + right["width"] <= 360
    page.click("#peek")
    page.wait_for_function("document.getElementById('peek').classList.contains('away')")
    page.close()


def test_nothing_comes_from_elsewhere(browser, url):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    assert asked
    assert all(address.startswith(("file://", "data:")) for address in asked)
    page.close()
