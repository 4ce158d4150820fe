"""The capacity gap's theory and toys: kernels and the Mapping Problem."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from scalinglib.gap import kernel_regression as kr
from scalinglib.gap import mapping as mp
from scalinglib.gap import mapping_sweep as ms
from scalinglib.lanes import float64
from tests.references import completed

ALPHA = np.arange(1, 41) ** -0.7


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.2, 3), st.floats(0.1, 1))
def test_lemmas_against_sampled_least_squares(m, n, teacher_bound, share):
    student_bound = share * teacher_bound
    basis = kr.cosine_basis(128, 40)
    errors = kr.numerical_errors(basis, ALPHA, (m, n), (teacher_bound, student_bound))
    assert kr.teacher_error(ALPHA, m, teacher_bound) == pytest.approx(errors[0], abs=1e-9)
    assert kr.student_error(ALPHA, m, n, teacher_bound, student_bound) == pytest.approx(
        errors[1], abs=1e-9
    )


@pytest.mark.parametrize("bound", [0.3, 1.0, 100.0])
def test_constrained_least_squares_against_slsqp(bound):
    rng = np.random.default_rng(0)
    design, target = rng.normal(size=(30, 4)), rng.normal(size=30)
    found = minimize(
        lambda c: np.sum((design @ c - target) ** 2),
        np.full(4, 1e-2),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda c: bound**2 - c @ c},
        options={"ftol": 1e-14},
    )
    ours = kr.constrained_least_squares(design, target, bound)
    np.testing.assert_allclose(ours, found.x, atol=1e-5)
    assert np.linalg.norm(ours) <= bound * (1 + 1e-9)


def test_the_rise_starts_where_the_bound_stops_binding():
    alpha, n = np.ones(1000), 300
    start = kr.rise_start(alpha, n, 5.0, 4.5)
    assert start == int(n * (5.0 / 4.5) ** 2) + 1
    assert kr.rise_start(alpha, n, 50.0, 50.0) == 1001  # no bound, no rise


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kr.teacher_error(ALPHA, 0, 1.0), "teacher_size is 0"),
        (lambda: kr.teacher_error(ALPHA, 41, 1.0), "teacher_size is 41"),
        (lambda: kr.teacher_error(ALPHA, 3, -1.0), "teacher_bound is -1.0"),
        (lambda: kr.student_error(ALPHA, 3, 2.5, 1.0, 1.0), "student_size is 2.5"),
        (lambda: kr.teacher_error([1.0, np.nan], 1, 1.0), "alpha must be"),
        (lambda: kr.cosine_basis(4, 5), "size is 5"),
        (lambda: mp.Problem(context=11), "context is 11"),
        (lambda: mp.Problem(easy=1.5), "easy is 1.5"),
        (lambda: trained(peak=-1.0), "peak is -1.0"),
        (lambda: trained(width=0), "width is 0"),
        (lambda: trained(samples=0.5), "samples is"),
        (lambda: trained(stream="other"), "stream is"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


SMALL = mp.Problem(context=3)


@lru_cache(maxsize=1)
def small_truth():
    return np.asarray(mp.truth(SMALL))


def plain_label(context, pointer):
    """The rule in words, element by element."""
    if context[pointer] == 0:
        return pointer
    for place, value in enumerate(context):
        if place != pointer and value == context[pointer]:
            return place
    return pointer


@pytest.mark.parametrize(
    ("context", "pointer", "expected"),
    [
        ([2, 0, 2, 0, 2, 1, 0, 0], 1, 1),
        ([1, 1, 2, 0, 1, 2, 0, 0], 5, 2),
        ([0, 1, 2, 2, 2, 2, 1, 2], 1, 6),
    ],
)
def test_label_agrees_with_the_three_examples_of_the_paper(context, pointer, expected):
    assert mp.label(np.array(context), np.array(pointer)) == expected


def test_label_agrees_with_a_plain_rule_on_every_input():
    context, pointer = mp.every_input(mp.Problem(context=5))
    assert len(np.unique(np.c_[context, pointer], axis=0)) == 5 * 3**5 == len(pointer)
    expected = [plain_label(list(c), p) for c, p in zip(context, pointer, strict=True)]
    np.testing.assert_array_equal(mp.label(context, pointer), expected)


def test_tables_hold_the_answer_to_an_input_in_the_row_that_training_looks_up():
    problem = mp.Problem(context=4)
    context, pointer = mp.sample(4, 1 / 3, mp.key("rows"), 1000)
    rows = np.asarray(mp.truth(problem))[mp.row(context, pointer)]
    np.testing.assert_array_equal(rows.argmax(1), mp.label(context, pointer))
    np.testing.assert_array_equal(mp.row(*mp.every_input(problem)), np.arange(4 * 3**4))


@pytest.mark.parametrize("easy", [1 / 3, 0.0, 0.8])
def test_cases_come_as_often_as_counted_by_hand(easy):
    n, size = 8, 200_000
    context, pointer = map(np.asarray, mp.sample(n, easy, mp.key("odds"), size))
    shown = context[np.arange(size), pointer]
    alone = (context == shown[:, None]).sum(1) == 1
    others = np.delete(np.arange(n), 3)
    odds = {
        "zero": ((shown == 0).mean(), easy),
        "one": ((shown == 1).mean(), (1 - easy) / 2),
        "no match": (((shown > 0) & alone).mean(), (1 - easy) * (2 / 3) ** (n - 1)),
        "pointer": ((pointer == 5).mean(), 1 / n),
        "elsewhere": ((context[pointer == 3][:, others] == 2).mean(), 1 / 3),
    }
    for case, (found, expected) in odds.items():
        bound = 5 * np.sqrt(expected * (1 - expected) / (size / n))
        assert abs(found - expected) <= bound, case


def test_streams_repeat_exactly_and_share_no_batch():
    def first_batches(stream, seed, steps=range(40)):
        stream_key = mp.key("stream", stream, seed)
        draws = (mp.batch(8, 1 / 3, stream_key, step) for step in steps)
        return [np.c_[context, pointer].tobytes() for context, pointer in draws]

    streams = [first_batches(name, seed) for name in mp.STREAMS for seed in (0, 1)]
    assert first_batches("teacher", 0) == streams[0]
    # What a step draws does not depend on the steps before it.
    assert first_batches("teacher", 0, [7]) == streams[0][7:8]
    batches = [one for stream in streams for one in stream]
    assert len(set(batches)) == len(batches)


@pytest.mark.parametrize(("s", "seed"), [(0, 3), (1, 5)])
@pytest.mark.parametrize("t", [0, 1])
def test_one_step_of_networks_trained_together_equals_the_same_step_in_numpy(one_step, s, seed, t):
    """Of two seeds under two teachers, one of whom is wrong: a student follows its teacher."""
    start = mp.init(SMALL, 8, mp.key("init", SMALL, "student", 8, seed))
    (w1, b1), (w2, b2), (w3, b3) = jax.tree.map(lambda a: np.asarray(a, float), start)
    context, pointer = map(np.asarray, mp.batch(3, 1 / 3, mp.key("stream", "student", seed), 0))
    x = np.c_[context, np.eye(3)[pointer]]
    y = np.eye(3)[[plain_label(list(c), p) for c, p in zip(context, pointer, strict=True)]]
    y = y if t == 0 else np.roll(y, 1, axis=1) * 0.7 + 0.1
    z1 = x @ w1 + b1
    h1 = np.maximum(z1, 0)
    z2 = h1 @ w2 + b2
    h2 = np.maximum(z2, 0)
    z3 = h2 @ w3 + b3
    q = np.exp(z3) / np.exp(z3).sum(1, keepdims=True)
    assert mp.cross_entropy(start, x.astype(np.float32), y) == pytest.approx(
        -(y * np.log(q)).sum(1).mean(), rel=1e-5
    )
    d3 = (q - y) / len(x)
    d2 = d3 @ w3.T * (z2 > 0)
    d1 = d2 @ w2.T * (z1 > 0)
    gradient = [x.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)]
    # Adam's first step is the rate times the gradient over its own size.
    before, after = (w1, b1, w2, b2, w3, b3), jax.tree.leaves(one_step)
    for old, new, g in zip(before, after, gradient, strict=True):
        assert new.dtype == jnp.float32
        expected = old - RATE * g / (abs(g) + 1e-8)
        np.testing.assert_allclose(new[s, t], expected, atol=2e-4)


def trained(width=4, samples=1, seeds=(0,), tables=None, stream="teacher", **options):
    """Networks on the small problem, of one seed under its truth where nothing else is said."""
    tables = small_truth()[None, None] if tables is None else tables
    return mp.train(SMALL, width, samples, list(seeds), tables, stream, **options)


PEAK = 0.01
RATE = float(mp.one_cycle(0, 1, peak=PEAK, warmup=mp.WARMUP))


@pytest.fixture(scope="module")
def one_step():
    wrong = np.roll(small_truth(), 1, axis=1) * 0.7 + 0.1
    tables = np.stack([np.stack([small_truth(), wrong])] * 2)
    return trained(8, mp.BATCH, (3, 5), tables, "student", peak=PEAK)


def test_the_learning_rate_rises_to_its_peak_and_falls_towards_zero():
    with float64():
        rates = np.asarray(mp.one_cycle(np.arange(1000), 1000, peak=2e-3, warmup=0.1))
    assert rates.max() == pytest.approx(2e-3, rel=1e-3)
    assert rates.argmax() == pytest.approx(100, abs=1)
    assert rates[50] == pytest.approx(1e-3, rel=0.03)
    assert 0 < rates[-1] < 1e-7
    assert (np.diff(rates[:99]) > 0).all()
    assert (np.diff(rates[101:]) < 0).all()


def test_evaluation_equals_arithmetic_on_the_answers():
    networks = trained(8, 100 * mp.BATCH)
    found = mp.evaluate(SMALL, networks, samples=2**16)
    # All inputs are equally likely at the default share of easy samples.
    answers, label = mp.answers(SMALL, networks)[:, 0], small_truth().argmax(1)
    assert answers.shape == (1, 81, 3)
    loss = -np.log(answers[:, np.arange(81), label]).mean(1)
    np.testing.assert_allclose(found["loss"][:, 0], loss, atol=0.01)
    hits = (answers.argmax(2) == label).mean(1)
    np.testing.assert_allclose(found["accuracy"][:, 0], hits, atol=0.01)
    share = (label == mp.every_input(SMALL)[1]).mean()
    mixed = share * found["easy_loss"] + (1 - share) * found["hard_loss"]
    np.testing.assert_allclose(found["loss"], mixed, atol=0.01)
    only_easy = mp.evaluate(mp.Problem(3, 1.0), networks, samples=mp.BATCH)
    assert np.isnan(only_easy["hard_loss"]).all()
    np.testing.assert_allclose(only_easy["loss"], only_easy["easy_loss"])


def test_the_number_of_parameters_is_that_of_the_arrays():
    network = mp.init(mp.Problem(), 17, mp.key("count"))
    count = sum(a.size for a in jax.tree.leaves(network))
    assert mp.parameters(mp.Problem(), 17) == count


def test_networks_that_diverge_are_refused():
    with pytest.raises(FloatingPointError, match="width 8"):
        trained(8, tables=np.full_like(small_truth(), np.nan)[None, None])


TEACHERS = [ms.Group(4, samples, 2, context=3) for samples in (1024, 512)]
TINY = [*TEACHERS, ms.Group(4, 1024, 2, teachers=(*TEACHERS, None), context=3)]


def test_a_sweep_has_one_row_for_each_network(tmp_path):
    whole = completed(TINY, tmp_path, ms.task())
    assert not whole.id.duplicated().any()
    assert set(whole.id) == {row_id for group in TINY for row_id in group.ids}
    assert whole.role.value_counts().to_dict() == {"teacher": 4, "student": 4, "supervised": 2}
    learned = whole[whole.role == "student"].merge(whole, left_on="teacher", right_on="id")
    assert (learned.seed_x == learned.seed_y).all()
    assert (learned.teacher_width_x == learned.width_y).all()
    assert (learned.teacher_samples_x == learned.samples_y).all()
    assert whole[["loss", "accuracy", "seconds"]].gt(0).all(axis=None)
