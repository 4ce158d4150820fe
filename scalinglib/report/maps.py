"""Maps and curves over compute, size and tokens, as the paper draws its Figures 6 to 34."""

import matplotlib as mpl
import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from scalinglib.report import columns
from scalinglib.report.figures import MARKS, lay_out

_ZERO = {"color": MARKS["zero"], "linewidth": 2.2}
_DOT = {"marker": "o", "ls": "", "mfc": "white", "mec": "black", "mew": 0.6, "ms": 5.5}
KEYS = {"no difference": _ZERO, "runs, in the map's colours": _DOT}  # of a `difference` map
_RUNS = {"edgecolors": "black", "linewidths": 0.6, "s": 26, "zorder": 3}
_RUNS["path_effects"] = [effects.withStroke(linewidth=2.4, foreground="white")]
_OUTLINE = [effects.withStroke(linewidth=3.5, foreground="white")]
_AMOUNTS = LinearSegmentedColormap.from_list(
    "amounts", mpl.colormaps["YlGnBu"](np.linspace(0, 0.8))
)


def _grid(data, x, y, column):
    table = data.pivot_table(index=y, columns=x, values=column)
    return table.columns, table.index, table.to_numpy()


def difference(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, levels: np.ndarray) -> ContourSet:
    """Filled map of the column gap: blue below zero, red above, the zero line thick.

    `data` has one row a point of a grid over the columns `x` and `y`; `levels` are the edges of
    the colours, 0 among them; what lies beyond takes the end colours.
    """
    xyz = _grid(data, x, y, "gap")
    filled = ax.contourf(*xyz, levels=levels, extend="both", **signed(levels))
    ax.contour(*xyz, levels=levels, colors="white", linewidths=0.4)
    ax.contour(*xyz, levels=[0], colors=MARKS["zero"], linewidths=2.2)
    ax.grid(False)
    return filled


def runs(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, levels: np.ndarray) -> None:
    """Measured runs as dots in the colours of a `difference` map of the same `levels`."""
    ax.scatter(data[x], data[y], c=data.gap, **signed(levels), **_RUNS)


def beyond(data: pd.DataFrame, x: str, y: str, ax: plt.Axes) -> None:
    """A white veil, dashed at its edge, over what no run is near."""
    *xy, outside = _grid(data.assign(beyond=1.0 - data.inside), x, y, "beyond")
    smooth = gaussian_filter(outside, 1.5, mode="nearest")  # else a slope has the grid's teeth
    ax.contourf(*xy, smooth, levels=[0.5, 1.5], colors="white", alpha=0.55)
    # Whether a contour is closed, and with it how it is written, hangs on rounding: drawn as lines.
    edge = ax.contour(*xy, smooth, levels=[0.5])
    look = {"colors": "#555555", "linewidths": 1, "linestyles": "--"}
    ax.add_collection(LineCollection(edge.allsegs[0], **look), autolim=False)
    edge.remove()


def lines(
    data: pd.DataFrame, x: str, y: str, ax: plt.Axes, column: str, levels: list, **style
) -> ContourSet:
    """Contour lines of a second column upon a map."""
    return ax.contour(*_grid(data, x, y, column), levels=levels, **style)


def over(**axes: np.ndarray) -> pd.DataFrame:
    """Flat table over the product of named axes, the last one running fastest."""
    values = np.meshgrid(*axes.values(), indexing="ij")
    return pd.DataFrame({name: value.ravel() for name, value in zip(axes, values, strict=True)})


def contour_map(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, column: str) -> ContourSet:
    """Contours of a number of parameters or tokens at 1, 3, 10, 30, ..., filled light to dark.

    `data` has one row a point of a grid over the columns `x` and `y`; returns the lines, for
    `label_contours`.
    """
    xyz = _grid(data, x, y, column)
    levels = np.outer(10.0 ** np.arange(8, 17), [1, 3]).ravel()
    first, last = np.searchsorted(levels, [xyz[2].min(), xyz[2].max()])
    levels = levels[max(first - 1, 0) : last + 1]
    colors = _AMOUNTS(np.linspace(0, 1, len(levels) + 1))
    ax.contourf(*xyz, levels=levels, colors=colors, extend="both")
    ax.grid(False)
    return lines(data, x, y, ax, column, levels, colors="#222222", linewidths=0.7)


def label_contours(figure: Figure, lines: list, units: tuple = ("", " tokens")) -> None:
    """Write their levels along the contour lines, upright; after all limits and colour bars."""
    lay_out(figure)  # the angles are those of the finished layout
    for contour, unit in zip(lines, units, strict=False):
        ax, free = contour.axes, []  # what the frame would cut, or lies on another, is hidden
        for label in ax.clabel(
            contour, fmt=lambda v, u=unit: columns.count(v) + u, fontsize=9, inline=False
        ):
            label.set_path_effects(_OUTLINE)
            at = ax.transAxes.inverted().transform(ax.transData.transform(label.get_position()))
            near = any(np.abs(at - other).max() < 0.09 for other in free)
            label.set_visible(bool((at > 0.08).all() and (at < 0.92).all()) and not near)
            free += [at] if label.get_visible() else []


def signed(levels: np.ndarray) -> dict:
    """Colours of a signed quantity: pale at zero, equally strong at equal distance either way."""
    levels = np.asarray(levels)
    middles = (levels[1:] + levels[:-1]) / 2
    middles = np.r_[2 * levels[0] - middles[0], middles, 2 * levels[-1] - middles[-1]]
    colors = mpl.colormaps["RdBu_r"](0.5 + 0.48 * middles / np.abs(middles).max())
    cmap = ListedColormap(colors[1:-1]).with_extremes(under=colors[0], over=colors[-1])
    return {"cmap": cmap, "norm": BoundaryNorm(levels, len(levels) - 1)}
