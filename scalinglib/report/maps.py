"""Maps and curves over compute, size and tokens, as the paper draws its Figures 6 to 34."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.contour import ContourSet

from scalinglib.report.figures import MARKS

BORDER = {"color": MARKS["zero"], "linewidth": 2.2}


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
    ax.contour(*xyz, levels=[0], colors=BORDER["color"], linewidths=BORDER["linewidth"])
    ax.grid(False)
    return filled


def over(**axes: np.ndarray) -> pd.DataFrame:
    """Flat table over the product of named axes, the last one running fastest."""
    values = np.meshgrid(*axes.values(), indexing="ij")
    return pd.DataFrame({name: value.ravel() for name, value in zip(axes, values, strict=True)})


def signed(levels: np.ndarray) -> dict:
    """Colours of a signed quantity: pale at zero, equally strong at equal distance either way."""
    levels = np.asarray(levels)
    middles = (levels[1:] + levels[:-1]) / 2
    middles = np.r_[2 * levels[0] - middles[0], middles, 2 * levels[-1] - middles[-1]]
    colors = mpl.colormaps["RdBu_r"](0.5 + 0.48 * middles / np.abs(middles).max())
    cmap = ListedColormap(colors[1:-1]).with_extremes(under=colors[0], over=colors[-1])
    return {"cmap": cmap, "norm": BoundaryNorm(levels, len(levels) - 1)}
