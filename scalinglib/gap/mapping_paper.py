"""The Mapping Problem with the paper's own settings (Appendix C.2.2, Figures 11 and 12).

Rate 3e-4 with 5% warm-up, batches of 512, max(500 x 512, 20 N) samples and four trials are the
paper's. Where it prints an axis and no list, ours: its ticks for the teachers' widths and steps.
One thing is cut to what half an hour of one core trains: Figure 12's teacher ends at the 10 761
steps of its 20 N, where the paper's goes to 16 384.
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
    least_steps : int
        What the smallest networks take, for which 20 N are fewer.
    """

    trials: int = 4
    peak: float = 3e-4
    teacher_widths: tuple = (128, 256, 512)
    student_widths: tuple = (128, 256, 362)
    teacher_steps: tuple = (64, 256, 1024, 4096)
    least_steps: int = 500

    def samples(self, width):
        """20 samples a parameter, and no fewer than `least_steps`, in whole batches."""
        steps = -(-20 * mp.parameters(mp.Problem(), width) // mp.BATCH)
        return max(self.least_steps, steps) * mp.BATCH

    def teachers(self):
        """Figure 11's teachers, a group a width."""
        return [self._group(width, self.samples(width)) for width in self.teacher_widths]

    def longer(self):
        """Figure 12's: the widest teacher on more and more steps, those of Figure 11 at the end."""
        widest = self.teacher_widths[-1]
        amounts = [steps * mp.BATCH for steps in self.teacher_steps] + [self.samples(widest)]
        return [self._group(widest, amount) for amount in amounts]

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
