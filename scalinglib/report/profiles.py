"""What the two profiles mean in numbers.

Every notebook has one parameter, `profile`. `full` makes the committed figures; `fast` runs the
same cells on coarser grids, within about 20 s a notebook, and writes nothing. Where a full run
writes, `paths.output` says.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Sizes of the work in a notebook.

    - saves: whether figures and tables are written, and figures laid out for it.
    - curve_points, map_points: points along a curve, and along each side of a contour map.
    - fit_starts, fit_replicates: starts of a fit, and its bootstrap replicates.
    """

    name: str
    saves: bool
    curve_points: int
    map_points: int
    fit_starts: int
    fit_replicates: int


_PROFILES = {
    "fast": Profile(
        "fast", saves=False, curve_points=25, map_points=21, fit_starts=32, fit_replicates=10
    ),
    "full": Profile(
        "full", saves=True, curve_points=121, map_points=61, fit_starts=128, fit_replicates=400
    ),
}


def load(name):
    """The `Profile` called `name`, "fast" or "full"."""
    if name not in _PROFILES:
        raise ValueError(f"profile is {name!r}; it must be one of {sorted(_PROFILES)}")
    return _PROFILES[name]
