"""The Mapping Problem with the paper's own settings (Appendix C.2.2, Figures 11 and 12).

Rate 3e-4 with 5% warm-up, batches of 512, max(500 x 512, 20 N) samples and four trials are the
paper's. Where it prints an axis and no list, ours: its ticks for the teachers' widths and steps.
Two things are cut to what half an hour of one core trains: no student of width 362, and no network
on more than 4096 steps, where the teacher of width 512 would take 10 901 for its 20 N and goes to
16 384 in Figure 12.
"""

from dataclasses import dataclass

from scalinglib.gap import mapping as mp
from scalinglib.gap.mapping_sweep import Group

__all__ = ["PAPER", "PaperSweep"]


@dataclass(frozen=True)
class PaperSweep:
    """Students of teachers of growing width, and of one wide teacher trained for longer.

    Attributes
    ----------
    trials : int
        Seeds.
    peak : float
        Highest learning rate, of teachers and students.
    teacher_widths, student_widths : tuple of int
    teacher_steps : tuple of int
        Steps, of 512 samples, of the widest teacher, for Figure 12.
    most_steps : int
        Where training ends even if that is less than 20 N.
    """

    trials: int = 4
    peak: float = 3e-4
    teacher_widths: tuple = (128, 256, 512)
    student_widths: tuple = (128, 256)
    teacher_steps: tuple = (64, 256, 1024, 4096)
    most_steps: int = 4096

    def samples(self, width):
        """20 samples a parameter, at least 500 steps and at most `most_steps`, in whole batches."""
        steps = -(-20 * mp.parameters(mp.Problem(), width) // mp.BATCH)
        return min(max(500, steps), self.most_steps) * mp.BATCH

    def teachers(self):
        """Figure 11's teachers, a group a width."""
        return [self._group(width, self.samples(width)) for width in self.teacher_widths]

    def longer(self):
        """Figure 12's: the widest teacher on more and more steps."""
        widest = self.teacher_widths[-1]
        return [self._group(widest, steps * mp.BATCH) for steps in self.teacher_steps]

    def figure_11(self):
        """Students of teachers of every width, and of the labels."""
        return self._students([*self.teachers(), None])

    def figure_12(self):
        """Students of the widest teacher, trained on every number of steps."""
        return self._students(self.longer())

    def groups(self):
        """All groups, each once: the cheapest teacher, its students, then the next one."""
        students = dict.fromkeys([*self.figure_11(), *self.figure_12()])
        teachers = dict.fromkeys(teacher for group in students for teacher in group.teachers)
        labels = [group for group in students if group.teachers == (None,)]
        taught = {
            teacher: [group for group in students if group.teachers == (teacher,)]
            for teacher in sorted(teachers.keys() - {None}, key=lambda group: group.work)
        }
        return [g for teacher, own in taught.items() for g in (teacher, *own)] + labels

    def _students(self, teachers):
        return [
            self._group(width, self.samples(width), (teacher,))
            for width in self.student_widths
            for teacher in teachers
        ]

    def _group(self, width, samples, teachers=()):
        return Group(width, samples, self.trials, peak=self.peak, teachers=teachers)


PAPER = PaperSweep()
