"""The Mapping Problem with the paper's own settings (Appendix C.2.2, Figures 11 and 12).

Rate 3e-4 with 5% warm-up, batches of 512, max(500 x 512, 20 N) samples and four trials are the
paper's. Where it prints an axis and no list, ours: its ticks for the teachers' widths and steps.
One thing is cut to what half an hour of one core trains: Figure 12's teacher ends at the 10 761
steps of its 20 N, where the paper's goes to 16 384.
"""

from scalinglib.gap import mapping as mp
from scalinglib.gap.mapping_sweep import Group

TRIALS, PEAK = 4, 3e-4
TEACHER_WIDTHS, STUDENT_WIDTHS = (128, 256, 512), (128, 256, 362)
TEACHER_STEPS = (64, 256, 1024, 4096)  # of 512 samples, of the widest teacher, for Figure 12
LEAST_STEPS = 500  # what the smallest networks take, for which 20 N are fewer


def teachers() -> list[Group]:
    """Figure 11's teachers, a group a width."""
    return [_group(width, _samples(width)) for width in TEACHER_WIDTHS]


def longer() -> list[Group]:
    """Figure 12's: the widest teacher on more and more steps, those of Figure 11 at the end."""
    widest = TEACHER_WIDTHS[-1]
    amounts = [steps * mp.BATCH for steps in TEACHER_STEPS] + [_samples(widest)]
    return [_group(widest, amount) for amount in amounts]


def figure_11() -> list[Group]:
    """Students of teachers of every width, and of the labels."""
    return _students([*teachers(), None])


def figure_12() -> list[Group]:
    """Students of the widest teacher, trained on every number of steps."""
    return _students(longer())


def groups() -> list[Group]:
    """All groups, each once: the cheapest teacher, its students, then the next one."""
    students = dict.fromkeys([*figure_11(), *figure_12()])
    labels = [group for group in students if group.teachers == (None,)]
    taught = dict.fromkeys(teacher for group in students for teacher in group.needs)
    found = []
    for teacher in sorted(taught, key=lambda group: group.work):
        found += [teacher, *(group for group in students if group.teachers == (teacher,))]
    return found + labels


def _samples(width):
    """20 samples a parameter, and no fewer than `LEAST_STEPS`, in whole batches."""
    steps = -(-20 * mp.parameters(mp.Problem(), width) // mp.BATCH)
    return max(LEAST_STEPS, steps) * mp.BATCH


def _students(teachers):
    return [
        _group(width, _samples(width), (teacher,))
        for width in STUDENT_WIDTHS
        for teacher in teachers
    ]


def _group(width, samples, teachers=()):
    return Group(width, samples, TRIALS, peak=PEAK, teachers=teachers)
