"""Designs of the open experiments: pairs share weights and data, and cuts keep them."""

from itertools import groupby

from scalinglib.study.designs import floor, mixing, strong_teachers
from scalinglib.study.run import PERFECT


def test_each_seed_of_the_floor_has_all_its_arms_before_the_next():
    for seed, runs in groupby(floor.RUNS, key=lambda r: r.seed):
        arms = [(r.tokens // r.params, r.teacher_id) for r in runs]
        assert len(set(arms)) == len(arms) == 9, seed
        assert {teacher for _, teacher in arms} == {None, PERFECT, floor.TRAINED.id}
    assert len({r.id for r in floor.RUNS}) == 8 * 9


def test_strong_teachers_are_no_smaller_than_their_students_by_more_than_a_size():
    assert all(t.params >= 0.5 * r.params for r in strong_teachers.RUNS for t in r.needs)
    seeds = [r.seed for r in strong_teachers.RUNS]
    assert seeds == sorted(seeds)


def test_every_mixture_has_both_its_ends():
    for runs, teachers in ((mixing.RUNS, 6), (mixing.TEXT_RUNS, 4)):
        cells = {}
        for r in runs:
            cells.setdefault((r.params, r.tokens, r.seed), []).append(r)
        for cell in cells.values():
            labels = [r for r in cell if r.objective.mixing == 0]
            assert len(labels) == 1
            assert len(cell) == 1 + teachers * (len(mixing.MIXING) - 1)
        assert [r.seed for r in runs] == sorted(r.seed for r in runs)
