"""Colours of the small-scale studies: one map a quantity, the same in notebooks 08, 09 and 10."""

import matplotlib as mpl
import numpy as np

BLUE, ORANGE = "#0072B2", "#D55E00"


def teacher_color(teacher_loss):
    """A teacher's colour by its loss (nats a character): light a weak one, dark the perfect one."""
    return _shade("plasma_r", (2.45 - teacher_loss) / 1.1)


def ratio_color(ratio):
    """The colour of a number of tokens per parameter: light 0.1, dark 1000."""
    return _shade("YlGnBu", 0.2 + 0.8 * np.log10(ratio / 0.1) / 4)


def _shade(name, share):
    return mpl.colormaps[name](float(np.clip(0.1 + 0.9 * share, 0, 1)))
