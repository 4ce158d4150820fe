"""The planner's questions answered by the library, the command that asks them, and recipes."""

import shlex

import numpy as np
import pytest
from scipy import stats

from scalinglib import allocate, flops, laws
from scalinglib.allocate import decide, shift
from scalinglib.report.paths import DATA
from scalingplan import cli, units
from scalingplan.commands import options
from scalingplan.page import resolution
from tests.references import dense_grid, middle

LAW, LAWS = laws.load(), laws.ensemble()
COMPUTE = 64 * 14 * 24 * 3600 * 989e12 * 0.4


def seven_billion(loss):
    return (decide.Teacher("7B", 7e9, loss),)


@pytest.mark.parametrize(
    ("loss", "verdict"), [(1.95, "distil"), (2.05, "undecided"), (2.12, "train on data")]
)
def test_an_answer_that_hangs_on_the_last_digit_is_undecided(loss, verdict):
    problem = decide.Problem(
        1.5e9, compute=COMPUTE, teachers=seven_billion(loss), max_tokens=3e11, delta_pre=0
    )
    found = decide.advise(LAW, LAWS, problem)
    assert found.verdict == verdict
    gains = [m.supervised.loss(1.5e9, 3e11) - m.loss(1.5e9, 3e11, loss) for m in LAWS.members]
    # By the exact distribution of the mixture of normals.
    deviation = LAWS.gain_discrepancy(1.5e9, 3e11, loss) * found.supervised.loss
    for end, level in zip(found.ranges["gain"], (0.05, 0.95), strict=True):
        below = LAWS.weights @ stats.norm.cdf((end - np.array(gains)) / deviation)
        assert below == pytest.approx(level, abs=0.01)
    assert any("token limit leaves" in note for note in found.notes)


def test_a_token_limit_is_kept_and_used_as_well_as_by_a_dense_grid():
    random = np.random.default_rng(0)
    students, budgets = 10 ** random.uniform(8, 10.3, 30), 10 ** random.uniform(18.5, 26, 30)
    limits = 10 ** random.uniform(9, 12, 30)
    pairs = np.where(random.random((2, 30)) < 0.5, random.integers(0, 2, (2, 30)), 0.4)
    table = allocate.optimal(LAW, students, budgets, tuple(pairs), max_tokens=limits)
    assert (table.student_tokens <= limits).all()
    assert (table.teacher_tokens <= limits * (1 + 1e-9)).all()
    for i in range(30):
        grid, _ = dense_grid(LAW, students[i], budgets[i], pairs[:, i], most_tokens=limits[i])
        assert table.student_loss[i] <= grid + 1e-9
    free = allocate.optimal(LAW, students, budgets, tuple(pairs))
    loose = allocate.optimal(LAW, students, budgets, tuple(pairs), max_tokens=1e17)
    assert loose.student_loss.to_numpy() == pytest.approx(free.student_loss.to_numpy(), abs=1e-12)
    assert (table.student_loss >= free.student_loss - 1e-9).all()


def problems_at_all_scales(count, seed):
    random = np.random.default_rng(seed)
    for i in range(count):
        budget = [
            {"compute": 10 ** random.uniform(18, 30)},
            {"student_tokens": 10 ** random.uniform(8, 16)},
        ]
        teachers = tuple(
            decide.Teacher(str(j), 10 ** random.uniform(7, 12), random.uniform(1.5, 4))
            for j in range(random.integers(1, 4))
        )
        yield decide.Problem(
            10 ** random.uniform(7, 11.5),
            **budget[i % 2],
            teachers=None if i % 40 == 0 else teachers,
            delta_lgt=random.choice([0, 0.3, 1]),
            delta_pre=random.choice([0, 0.3, 1]),
            max_tokens=10 ** random.uniform(9, 13) if i % 3 == 0 else None,
        )


def test_every_expected_loss_is_inside_its_range_and_no_one_laws():
    """Of 100 problems; the law of the recipes alone is an end of the range, or past it, in many."""
    few, past = LAWS.thin(20), 0
    for i, problem in enumerate(problems_at_all_scales(100, seed=9)):
        measured = (2e9, 1e11, 2.5) if i % 5 == 0 else None
        found = decide.advise(LAW, few, problem, measured=measured)
        best, teacher = found.best, found.best.teacher
        told = {
            "supervised": found.supervised.loss,
            "teacher_params": teacher.params,
            "teacher_loss": teacher.loss,
            "student_tokens": best.student_tokens,
            "equal": found.equal and found.equal.loss,
        }
        for name in found.ranges.keys() & told.keys():
            low, high = found.ranges[name]
            assert low <= told[name] <= high, (name, problem)
        low, high = found.ranges["distilled"]
        assert low < best.loss < high
        assert found.ranges["gain"][0] < found.gain < found.ranges["gain"][1]
        assert best.loss == min(plan.loss for plan in found.distilled)
        if measured is None and problem.teachers:
            mine = LAW.loss(problem.student_params, best.student_tokens, teacher.loss)
            past += not low < mine < high
    assert past > 5


def test_a_table_of_allocations_has_centres():
    table = allocate.under_ensemble(
        LAW, LAWS.thin(10), [[1e8], [1e9]], 10.0 ** np.arange(19, 31, 2), "best_case"
    )
    names = [name.removesuffix("_low") for name in table if name.endswith("_low")]
    assert "gap" in names
    for name in names:
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[f"{name}_high"] >= table[name]).all()
    for name in ("student_loss", "gap"):
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[f"{name}_high"] > table[name]).all()


def test_a_law_shifted_through_a_model_passes_through_it():
    for moved in shift.shifted(LAW, 2e9, 1e11, 2.4):
        assert moved.supervised.log_loss(*np.log([2e9, 1e11])) == pytest.approx(np.log(2.4))
        # The order of teachers is kept: a loss of theirs is moved back and forth.
        inside = [np.exp(moved.log_loss(*np.log([1e9, 5e10, loss]))) for loss in (2.3, 2.6, 2.9)]
        assert inside == sorted(inside)
    unmoved = float(LAW.supervised.loss(2e9, 1e11))
    problem = decide.Problem(1e9, student_tokens=5e10, teachers=seven_billion(2.05))
    plain = decide.advise(LAW, LAWS, problem)
    same = decide.advise(LAW, LAWS, problem, measured=(2e9, 1e11, unmoved))
    assert decide.plans(shift.shifted(LAW, 2e9, 1e11, unmoved)[0], problem)[1][0].loss == (
        pytest.approx(decide.plans(LAW, problem)[1][0].loss)
    )
    # The other laws pass through the model now, which they did not before.
    assert same.ranges["supervised"] != plain.ranges["supervised"]
    far = decide.advise(LAW, LAWS, problem, measured=(2e9, 1e11, unmoved + 0.3))
    width = np.ptp(far.ranges["distilled"])
    assert width > np.ptp(same.ranges["distilled"])


def test_bounds_and_extrapolation_are_said():
    paid = decide.Problem(1e9, compute=1e21, delta_pre=0.0)
    (note,) = [n for n in decide.advise(LAW, LAWS, paid).notes if "tokens are a bound" in n]
    assert "1e+17" in note
    huge = decide.Problem(1e6, compute=1e30, teachers=seven_billion(2.05))
    notes = decide.advise(LAW, LAWS, huge).notes
    assert any("bound of the search leaves" in note for note in notes)
    assert any("extrapolates: student size 1e+06" in note for note in notes)
    # 1e17 tokens are not the limit that was typed; what is left is never rounded up to all of it.
    roomy = decide.Problem(1e6, compute=1e30, teachers=seven_billion(2.05), max_tokens=1e18)
    notes = [n for n in decide.advise(LAW, LAWS, roomy).notes if "unspent" in n]
    assert [n.split(" leaves ")[0] for n in notes] == ["the bound of the search", "the token limit"]
    assert not any("100%" in n for n in notes)
    poor = decide.advise(LAW, LAWS, decide.Problem(1e9, compute=1e15))
    assert (poor.verdict, poor.best, poor.share_distil) == ("train on data", None, 0)


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"student_tokens": 1e6, "teachers": seven_billion(2.05)}, "above that of guessing (10.4)"),
        ({"compute": 1e22, "max_tokens": 1e6}, "1e+06 tokens are too few for even the smallest"),
        ({"compute": 1e15}, "the budget does not pay for even the smallest teacher"),
        ({"compute": 1e21, "teachers": seven_billion(1.3)}, "no model of 7e+09 parameters reaches"),
    ],
)
def test_what_the_law_knows_nothing_of_is_said(given, note):
    assert any(
        note in said for said in decide.advise(LAW, LAWS, decide.Problem(1e9, **given)).notes
    )


def test_the_command_prints_no_loss_above_guessing(said):
    told = said("--student 1M --tokens 1M --teacher 7B:5.8 --measured 10M:100M:8").splitlines()
    (expected,) = [line for line in told if line.startswith("expected loss")]
    teacher = decide.Teacher("7B", 7e9, 5.8)
    problem = decide.Problem(1e6, student_tokens=1e6, teachers=(teacher,))
    found = decide.advise(LAW, LAWS, problem, measured=(1e7, 1e8, 8.0))
    assert found.supervised.loss > np.log(flops.N_VOCAB) > found.best.loss
    assert expected.split()[3:6] == [f"{found.best.loss:.3f}", "above", "10.397"]


def test_on_other_text_the_papers_losses_are_no_range():
    problem = decide.Problem(1e9, compute=1e21, teachers=seven_billion(1.8))
    said = [decide.advise(LAW, LAWS, problem, measured=m).notes for m in (None, (1e9, 2e10, 2.0))]
    assert ["extrapolates: teacher loss 1.8" in " ".join(notes) for notes in said] == [True, False]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "compute or student_tokens"),
        ({"compute": 1e21, "student_tokens": 1e9}, "compute or student_tokens"),
        ({"compute": 1e21, "teachers": ()}, "teachers is empty"),
        ({"compute": 1e21, "serve_tokens": 1e15}, r"serving a student of 1e\+09 parameters costs"),
    ],
)
def test_no_problem_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        decide.Problem(1e9, **given)


@pytest.mark.parametrize("arguments", [(1.5, 3e11, 2.09), (1.5e9, 300, 2.09), (1.5e9, 3e11, 0.5)])
def test_numbers_in_the_wrong_unit_are_warned_of(arguments):
    with pytest.warns(UserWarning, match=r"is it in parameters, tokens, or nats per token\?"):
        LAW.loss(*arguments)


BITS = np.log(2)
UNITS = {
    2.05: "2.05; 2.05 nats; nats 2.05; 2.05 nats/token; NATS=2,05; 2.05 nats per token",
    3 * BITS: "bits=3; 3 bits; 3 bits per token; 3 bits/token",
    0.7 * 4.3 * BITS: "bpb=0.7@4.3; 0.7 bits per byte@4.3; 0.7 bits/byte @ 4.3 bytes; bpb:0,7@4,3; "
    "0.7 bpb@4.3",
    np.log(8.1): "ppl=8.1; perplexity 8.1; 8.1 perplexity; PPL: 8.1; 8.1 ppl; 8,1 PPL",
    None: "bpb=0.7; 0.7 bpb; 2.05@4.3; 8.1 ppl@4; ppl=; ppl; loss=2; ~2; 2 ± 1",
}


@pytest.mark.parametrize("value", UNITS)
def test_losses_in_four_units_are_one(value):
    for text in UNITS[value].split("; "):
        if value is None:
            with pytest.raises(ValueError, match=r"is not|needs|lacks the bytes per token"):
                units.read_loss(text)
        else:
            assert units.read_loss(text) == pytest.approx(value), text


def test_the_command_answers_with_the_librarys_numbers(said, asked):
    command = "--student 1.5B --hours 64x14d --gpu H100 --teacher 7B:ppl=7.8 --data 300B"
    found = asked(command)
    teacher = seven_billion(float(np.log(7.8)))
    problem = decide.Problem(1.5e9, compute=COMPUTE, teachers=teacher, max_tokens=3e11, delta_pre=0)
    expected = decide.advise(LAW, LAWS, problem)
    assert found["verdict"] == expected.verdict == "undecided"
    assert found["distil"]["loss"] == pytest.approx(expected.best.loss)
    assert found["ranges"]["gain"] == pytest.approx(expected.ranges["gain"])
    text = said(command)
    assert text.startswith("Undecided")
    low, high = expected.ranges["distilled"]
    assert f"{low:.3f} to {high:.3f}" in text


def test_students_that_share_stored_outputs_split_their_cost(asked):
    found = asked("--student 1B --flops 1e21 --teacher 7B:2.05 --students 4 --stored")
    tokens = allocate.tokens_with_teacher(1e9, 7e9, 1e21, 0.25)
    assert found["distil"]["student_tokens"] == pytest.approx(tokens)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("7B:8.1", "Is it a perplexity? Write ppl=...; if it is other text"),
        ("7B:0.78", "Are these bits per byte? Write bpb=...@BYTES; if it is other"),
        ("7B:1.23", "1.23 nats per token is less than English text leaves"),
        ("7B:8.1 --measured 7B:1T:2.3", "more than a model of this size has"),
        ("7B:0.78 --measured 7B:1T:2.3", "less than this text leaves"),
        ("7B:2.1 --measured 7B:1T:8.1", "too far apart to shift it"),
        ("7B", "“7B” is not SIZE@TOKENS or SIZE:LOSS, such as 8B@15T or 7B:2.05"),
        ("7B:2.1 --student 1,500B", "--student: “1,500B” can be 1.500 or 1500"),
        ("7B:bpb=0.8", "--teacher: “bpb=0.8” lacks the bytes per token"),
        ("'7B:0.8 bpb'", "--teacher: “0.8 bpb” lacks the bytes per token"),
        ("7B:2.1 --gpu Q7", "--gpu: “Q7” is not H200, H100, A100"),
        ("7B:2.1 --measured 7B:2.05", "--measured: “7B:2.05” is not SIZE:TOKENS:LOSS"),
    ],
)
def test_bad_options_and_losses_that_no_teacher_has_get_no_verdict(capsys, given, message):
    words = f"plan --student 1B --tokens 50B --teacher {given}"
    assert cli.main(shlex.split(words)) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert not said.out


def test_a_teacher_of_size_and_tokens_has_the_laws_loss_and_its_own_moves_the_law(asked):
    budget = "--student 3B --flops 2e22"
    found = asked(f"{budget} --teacher 8B@15T --teacher 70B@15T")
    losses = [plan["teacher"]["loss"] for plan in found["each_teacher"]]
    assert losses == pytest.approx(LAW.supervised.loss([8e9, 70e9], 15e12))
    assert "English" in found["losses"]
    # Each student's loss is the middle of the laws on the tokens that the teacher's passes leave.
    student, teachers = 3 * flops.forward_flops(3e9), flops.forward_flops(np.array([8e9, 70e9]))
    middles = [
        middle(LAWS, LAWS.losses(3e9, 2e22 / (student + teacher), loss))
        for teacher, loss in zip(teachers, losses, strict=True)
    ]
    assert [plan["loss"] for plan in found["each_teacher"]] == pytest.approx(middles)
    assert found["distil"]["teacher"]["name"] == "8B@15T"
    alone = middle(LAWS, [m.supervised.loss(3e9, 2e22 / student) for m in LAWS.members])
    assert found["gain"] == pytest.approx(alone - min(middles))
    moved = asked(f"{budget} --teacher 8B@15T:ppl=6.1")
    same = asked(f"{budget} --teacher 8B:ppl=6.1 --measured 8B:15T:ppl=6.1")
    assert moved["distil"]["loss"] == same["distil"]["loss"]
    assert "your text" in moved["losses"]
    named = asked(f"{budget} --teacher llama-3-8b")["distil"]["teacher"]
    assert named["loss"] == pytest.approx(float(LAW.supervised.loss(6.98e9, 15e12)))


def test_a_loss_that_takes_more_tokens_than_there_are_is_questioned(asked):
    # 1.71 is above what text leaves, and below what 7B reach on any tokens.
    for loss, questioned in (("2.05", False), ("1.80", True), ("1.71", True)):
        found = asked(f"--student 1B --tokens 50B --teacher 7B:{loss}")
        assert any("other text, or in another vocabulary" in q for q in found["questions"]) == (
            questioned
        )


@pytest.mark.parametrize("card", ["h100", "H100 SXM", "A100-80GB", "nvidia a100", "MI300X", "1e3"])
def test_cards_are_known_by_any_usual_name(card):
    peak = {"h": 989, "a": 312, "n": 312, "m": 1307, "1": 1e3}[card[0].lower()]
    assert options.card(card) == peak


def test_hours_are_those_of_the_card_and_its_utilisation(asked):
    found = asked("--student 1B --hours 1000 --teacher 7B:2.05 --gpu A100 --utilisation 1/2")
    assert found["train"]["compute"] == pytest.approx(1000 * 3600 * 0.5 * 312e12)


TRIAL = "1B --tokens 50B --teacher 7B:2.05"
TWO = "3B --flops 2e22 --teacher 8B@15T --teacher 70B@15T --serve 100B"
AGAIN = "; but training on the text again and again"
LARGER = flops.forward_flops(1e9, n_vocab=2**17) / flops.forward_flops(1e9) - 1


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (TRIAL, ["3.1 times the FLOPs; with data to spare, train on it", "on data, same FLOPs"]),
        # Reading the text again is better in all of its range, or in a part.
        (
            "1B --flops 1e22 --teacher 1B@100B --data 10B",
            [f"{AGAIN}, without a teacher, does bett"],
        ),
        ("1.5B --hours 64x14d --teacher 14B@15T --data 100B", [f"{AGAIN} may do as well\n"]),
        (TWO, ["  the best of these", "\n8B@15T ", "\n70B@15T "]),
        (f"{TRIAL} --stored", ["all 32,768 entries each, take 6.55 PB"]),
        (f"{TRIAL} --stored --keep 100000", ["all 32,768 entries each, take 6.55 PB"]),
        (f"{TRIAL} --stored --keep 128", ["128 entries each, take 38.4 TB (768 bytes a token)"]),
        (  # An index of 2^17 entries takes three bytes: 128 (4 + 3).
            f"{TRIAL} --stored --keep 128 --vocab 131,072",
            ["take 44.8 TB (896 bytes a token)", f"131,072 entries make the student {LARGER:+.0%}"],
        ),
    ],
)
def test_the_command_says(said, words, parts):
    told = said(f"--student {words}")
    assert [part for part in parts if part not in told] == []
    assert ("entries make the student" in told) == ("--vocab" in words)


def test_serving_is_part_of_what_a_plan_costs(asked):
    problem = decide.Problem(
        1e9, compute=1e22, teachers=seven_billion(2.05), delta_pre=0, serve_tokens=1e12
    )
    serving, student = 1e12 * flops.forward_flops(1e9), 3 * flops.forward_flops(1e9)
    alone = decide.advise(LAW, LAWS, problem).supervised
    assert alone.flops["serving"] == pytest.approx(serving)
    assert alone.compute == pytest.approx(1e22)
    assert alone.student_tokens == pytest.approx((1e22 - serving) / student)
    told = asked("--student 1B --flops 1e22 --teacher 7B:2.05 --serve 1T --gpus 64")
    assert told["train"]["loss"] == pytest.approx(alone.loss)
    assert told["sizes"][-1]["verdict"] == "serving costs more than the budget"
    # A budget of tokens is, for other sizes, what its plan costs.
    rows = asked("--student 1B --tokens 50B --teacher 7B:2.05 --serve 1M")["sizes"]
    (mine,) = [row for row in rows if row["student_params"] == 1e9]
    tokens = 5e10 * (student + flops.forward_flops(7e9)) / student
    assert mine["student_tokens"] == pytest.approx(tokens, rel=1e-3)


def test_data_alone_for_the_same_compute_is_said_where_tokens_are_given():
    problem = decide.Problem(1e9, student_tokens=5e10, teachers=seven_billion(2.05))
    found = decide.advise(LAW, LAWS, problem)
    compute = 5e10 * float(3 * flops.forward_flops(1e9) + flops.forward_flops(7e9))
    assert found.best.compute == pytest.approx(compute)
    alone = LAW.supervised.loss(1e9, compute / float(3 * flops.forward_flops(1e9)))
    assert found.equal.loss == pytest.approx(float(alone))
    low, high = found.ranges["equal"]
    assert low <= found.equal.loss <= high
    assert found.price == pytest.approx(compute / (5e10 * 3 * float(flops.forward_flops(1e9))))
    assert decide.advise(LAW, LAWS, decide.Problem(1e9, compute=1e21)).equal is None


def test_shares_and_regrets_of_teachers_are_those_of_the_laws():
    teachers = tuple(
        decide.Teacher(str(i), n, loss)
        for i, (n, loss) in enumerate([(7e9, 2.05), (3e9, 2.12), (1e9, 2.3)])
    )
    found = decide.advise(LAW, LAWS, decide.Problem(1.5e9, compute=1e21, teachers=teachers))
    tokens = allocate.tokens_with_teacher(1.5e9, [t.params for t in teachers], 1e21)
    losses = LAWS.losses(1.5e9, tokens, np.array([t.loss for t in teachers]))
    share = [float(LAWS.share(losses.argmin(axis=1) == i)) for i in range(3)]
    assert found.shares == pytest.approx(share)
    assert sum(share) == pytest.approx(1)
    regret = LAWS.weights @ (losses - losses.min(axis=1, keepdims=True))
    assert found.regrets == pytest.approx(regret)


def test_the_cheapest_teacher_of_a_loss_pays_for_its_inference_too():
    """Against all sizes of a dense grid, at each share of the teacher's inference and training."""
    sizes = np.geomspace(1e6, 1e13, 4001)
    for lgt, pre in [(1.0, 1.0), (0.3, 1.0), (1.0, 0.01), (1.0, 0.0), (0.0, 0.5)]:
        problem = decide.Problem(
            1e9, student_tokens=5e10, delta_lgt=lgt, delta_pre=pre, max_tokens=1e13
        )
        teacher = decide.plans(LAW, problem)[1][0].teacher
        reach = sizes[LAW.supervised.loss(sizes, 1e13) <= teacher.loss]
        tokens = LAW.supervised.tokens_for_loss(reach, teacher.loss)
        cost = flops.forward_flops(reach) * (lgt * 5e10 + 3 * pre * tokens)
        least = cost[tokens >= 1e6].min()
        mine = flops.forward_flops(teacher.params) * (lgt * 5e10 + 3 * pre * teacher.tokens)
        assert mine <= least * (1 + 1e-6)
        assert teacher.tokens <= 1e13 * (1 + 1e-6)


def test_optima_are_those_of_each_scenario():
    table = allocate.optima(LAW, [1e9, 1e10], np.array([1e21, 1e23]))
    assert len(table) == 4 * 2 * 2
    one = allocate.optimal(LAW, 1e10, 1e23, "teacher_pretraining").iloc[0]
    asked = "scenario == 'teacher_pretraining' and student_params == 1e10 and compute == 1e23"
    row = table.query(asked).iloc[0]
    assert row.student_loss == pytest.approx(one.student_loss, rel=1e-12)
    assert row.size_ratio == pytest.approx(one.teacher_params / 1e10, rel=1e-9)
    free = table[table.scenario == "best_case"]
    np.testing.assert_allclose(free.student_tokens, free.supervised_tokens, rtol=1e-12)


def test_cost_of_a_loss_is_the_budget_at_which_the_optimum_reaches_it():
    loss = allocate.optimal(LAW, 1e9, 1e21, "teacher_inference").iloc[0]
    above = loss.student_loss - LAW.supervised.infinite_data_loss(1e9)
    table = allocate.costs_of_losses(LAW, [1e9], [above]).set_index("scenario")
    alone = LAW.supervised.tokens_for_loss(1e9, loss.student_loss)
    tokens = loss.student_tokens / alone
    assert table.token_ratio["teacher_inference"] == pytest.approx(tokens, rel=1e-5)
    ratio = tokens / loss.share_student
    assert table.compute_ratio["teacher_inference"] == pytest.approx(ratio, rel=1e-5)
    # Paying for the training too costs more, and its tokens count.
    assert table.compute_ratio["teacher_pretraining_inference"] > ratio


def test_an_unreachable_loss_costs_an_infinite_amount():
    table = allocate.costs_of_losses(LAW, [3e9], [1e-4])
    assert np.isinf(table[["compute_ratio", "token_ratio"]]).all(axis=None)
    assert allocate.compute_for_loss(LAW, 1e9, 1.5, "best_case") == np.inf


def test_the_threshold_that_the_sheets_text_names_is_the_codes():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"({resolution():.4f} of the loss, the threshold of `scalinglib plan`)" in text
