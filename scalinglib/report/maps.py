"""Maps and curves over compute, size and tokens, as the paper draws its Figures 6 to 34."""

import matplotlib as mpl
import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scalinglib.report.figures import MARKS, SCENARIO_COLORS, SCENARIO_LABELS, key, lay_out

__all__ = [
    "AT_BOUND",
    "amount",
    "amounts",
    "contour_map",
    "difference",
    "end_labels",
    "label_contours",
    "map_key",
    "mark_size",
    "optimum",
    "runs",
    "scenario",
    "scenario_key",
    "stacked",
]

AT_BOUND = {"linestyle": (0, (2, 1.5))}  # a bound of the box, which is no optimum

_WHITE_DASHES = {
    "color": "white",
    "linestyle": "--",
    "linewidth": 1.6,
    "path_effects": [effects.withStroke(linewidth=2.6, foreground="#777777")],
}
_RUNS = {"edgecolors": "black", "linewidths": 0.6, "s": 26, "zorder": 3}
_OUTLINE = [effects.withStroke(linewidth=2.5, foreground="white")]
_AMOUNTS = LinearSegmentedColormap.from_list(
    "amounts", mpl.colormaps["YlGnBu"](np.linspace(0, 0.8))
)


def amount(value, _=None):
    """A count of parameters or tokens as people say it: 300M, 1.5B, 20T, 100P."""
    for unit, scale in (("P", 1e15), ("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale * 0.9995:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}"


def amounts(axis, subs=(1.0,)):
    """Ticks of a logarithmic axis in words, at `subs` times the powers of ten."""
    axis.set_major_locator(LogLocator(subs=subs, numticks=15))
    axis.set_major_formatter(FuncFormatter(amount))
    axis.set_minor_formatter(NullFormatter())


def difference(axes, table, x, y, levels, column="gap"):
    """Filled map of a signed column: blue below zero, red above, the zero line thick.

    Parameters
    ----------
    axes : Axes
    table : DataFrame
        One row a point of a grid over the columns `x` and `y`.
    x, y, column : str
    levels : array
        Edges of the colours, 0 among them; what lies beyond takes the end colours.

    Returns
    -------
    ContourSet, for a colour bar
    """
    grid = table.pivot_table(index=y, columns=x, values=column)
    xyz = grid.columns, grid.index, grid.to_numpy()
    filled = axes.contourf(*xyz, levels=levels, extend="both", **_signed(levels))
    axes.contour(*xyz, levels=levels, colors="white", linewidths=0.4)
    axes.contour(*xyz, levels=[0], colors=MARKS["zero"], linewidths=2.2)
    axes.grid(False)
    axes.minorticks_off()
    return filled


def runs(axes, x, y, values, levels):
    """Measured runs as dots in the colours of a `difference` map of the same `levels`."""
    axes.scatter(x, y, c=values, **_signed(levels), **_RUNS)


def mark_size(axes, params):
    """A dashed white line at a model size up the y axis of a `difference` map."""
    axes.axhline(params, **_WHITE_DASHES)


def map_key(figure, size, undecided=False):
    """One legend under `difference` maps; `size` says whose the white dashes are."""
    dot = {"marker": "o", "ls": "", "mfc": "white", "mec": "black", "mew": 0.6, "ms": 5.5}
    line = plt.Line2D
    found = {
        "no difference": line([], [], color=MARKS["zero"], linewidth=2.2),
        size: line([], [], **_WHITE_DASHES),
        "runs, in the map's colours": line([], [], **dot),
    }
    if undecided:
        found["laws do not decide"] = Patch(
            facecolor="none", edgecolor="#222222", hatch="////", lw=0
        )
    figure.legend(found.values(), found, loc="outside lower center", ncols=len(found))


def contour_map(axes, table, x, y, column, levels):
    """Contours of a positive column, filled light to dark; `label_contours` labels what it returns.

    Parameters
    ----------
    axes : Axes
    table : DataFrame
        One row a point of a grid over the columns `x` and `y`.
    x, y, column : str
    levels : array
        Rising; they are spread evenly over the colours.

    Returns
    -------
    ContourSet
    """
    grid = table.pivot_table(index=y, columns=x, values=column)
    xyz = grid.columns, grid.index, grid.to_numpy()
    colors = _AMOUNTS(np.linspace(0, 1, len(levels) + 1))
    axes.contourf(*xyz, levels=levels, colors=colors, extend="both")
    axes.grid(False)
    return axes.contour(*xyz, levels=levels, colors="#222222", linewidths=0.7)


def label_contours(figure, lines, fmt="%.2f", every=1):
    """Write their levels along the contour lines, upright; after all limits and colour bars."""
    lay_out(figure)  # the angles are those of the finished layout
    for contour in lines:
        axes = contour.axes
        for label in axes.clabel(contour, contour.levels[::every], fmt=fmt, fontsize=7.5):
            label.set_path_effects(_OUTLINE)
            x, y = axes.transAxes.inverted().transform(
                axes.transData.transform(label.get_position())
            )
            label.set_visible(0.04 < x < 0.96 and 0.03 < y < 0.97)  # others the frame would cut


def optimum(axes, x, y, at_bound, **style):
    """A curve of optima, dashed where the value is a bound of the box and not an optimum."""
    y, at_bound = np.asarray(y, dtype=float), np.asarray(at_bound)
    # A dashed piece reaches to its neighbours, so that no gap opens between the two.
    near = at_bound.copy()
    near[1:] |= at_bound[:-1]
    near[:-1] |= at_bound[1:]
    axes.plot(x, np.where(at_bound, np.nan, y), **style)
    if at_bound.any():
        axes.plot(x, np.where(near, y, np.nan), **(style | AT_BOUND))


def scenario(axes, x, y, name, at_bound=None):
    """A curve in its scenario's colour, that of supervised training dashed; else as `optimum`."""
    style = {"linestyle": "--", "linewidth": 1.4} if name == "supervised" else {}
    bound = np.zeros(len(x), bool) if at_bound is None else at_bound
    optimum(axes, x, y, bound, color=SCENARIO_COLORS[name], **style)


def scenario_key(figure, names, others=None):
    """`figures.key` of scenarios by name, and of others as given there."""
    styles = {
        SCENARIO_LABELS[name].removeprefix("distillation, "): {
            "color": SCENARIO_COLORS[name],
            "linestyle": "--" if name == "supervised" else "-",
        }
        for name in names
    }
    key(figure, styles | (others or {}))


def end_labels(axes, ends, gap=0.075, x=1.02, **options):
    """Texts at the ends of curves, kept apart: `ends` is a list of (y, text, colour).

    They start at `x`, a share of the panel's width: to the right of it unless another is given.
    """
    heights = [axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]
               for y, _, _ in ends]  # fmt: skip
    places = _apart(heights, gap)
    for place, i in zip(places, np.argsort(heights), strict=True):
        style = {"color": ends[i][2], "fontsize": 8.5, "va": "center"} | options
        axes.text(x, place, ends[i][1], transform=axes.transAxes, **style)


def _apart(heights, gap):
    """Rising heights, `gap` apart at least; those that must move stay about their own middle."""
    groups = []
    for height in np.sort(heights):
        groups.append([height])
        while len(groups) > 1:
            low, high = groups[-2:]
            if np.mean(high) - np.mean(low) >= gap * (len(low) + len(high)) / 2:
                break
            groups[-2:] = [low + high]
    return np.concatenate(
        [np.mean(group) + gap * (np.arange(len(group)) - (len(group) - 1) / 2) for group in groups]
    )


def stacked(titles, xlabel, ylabels, columns=4):
    """Panels in pairs: for each title a tall one and, on the same x axis, a low one below it.

    Returns
    -------
    figure, list of (upper Axes, lower Axes)
    """
    rows = -(-len(titles) // columns)
    figure, grid = plt.subplots(
        2 * rows, columns, figsize=(3.3 * columns, 0.5 + 4 * rows), squeeze=False, sharex=True,
        height_ratios=[2, 1.3] * rows,
    )  # fmt: skip
    pairs = list(zip(grid[::2].flat, grid[1::2].flat, strict=True))
    for (upper, lower), title in zip(pairs, titles, strict=True):
        upper.set_title(title)
        upper.tick_params(which="minor", length=0)
        lower.tick_params(which="minor", length=0)
    for axes in grid[-1]:
        axes.set_xlabel(xlabel)
    for row, axes in enumerate(grid[:, 0]):
        axes.set_ylabel(ylabels[row % 2])
    return figure, pairs


def _signed(levels):
    """Colours of a signed quantity: pale at zero, equally strong at equal distance either way."""
    levels = np.asarray(levels)
    middles = (levels[1:] + levels[:-1]) / 2
    middles = np.r_[2 * levels[0] - middles[0], middles, 2 * levels[-1] - middles[-1]]
    colors = mpl.colormaps["RdBu_r"](0.5 + 0.48 * middles / np.abs(middles).max())
    cmap = ListedColormap(colors[1:-1]).with_extremes(under=colors[0], over=colors[-1])
    return {"cmap": cmap, "norm": BoundaryNorm(levels, len(levels) - 1)}
