"""Grids of panels: seaborn's FacetGrid in this house's words, scales, colours and widths."""

import re
import textwrap
from collections.abc import Callable

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
from scipy.optimize import isotonic_regression

from scalinglib.report import columns

_KEYS = {  # how a layer's colours stand in the key, where not as lines
    "scatterplot": {"marker": "o", "linestyle": ""},
    "stripplot": {"marker": "o", "linestyle": ""},
    "bars": {"marker": "o", "linestyle": ""},
    "dots": {"marker": "o", "linestyle": "", "markeredgecolor": "black", "markeredgewidth": 0.4},
}
DIAGONAL = {"color": "black", "linestyle": "--", "linewidth": 0.9}
MARK = {"color": "#666666", "linestyle": "--", "linewidth": 1.1}  # a value asked about

COLUMNS = 3  # of panels, four are two by two; more could not be read at half a page's width
_WIDTH = {1: 6.6, 2: 8.6, 3: 9.6}  # inches
_HEIGHT = {1: 3.9, 2: 3.2, 3: 2.7}  # of one panel
BEYOND = {"linestyle": (0, (1.2, 1.2)), "linewidth": 1.4, "alpha": 0.7}
OPTIMUM = "#C1121F"
PARTS = {  # what a picture is made of, as the key shows it
    "band": {"linewidth": 7, "alpha": 0.3},
    "bars": {"linewidth": 1, "marker": "|", "markersize": 8},
    "dashed": {"linestyle": "--", "linewidth": 1.4},
    "dot": {"marker": "o", "markeredgecolor": "black", "markeredgewidth": 0.4, "linestyle": ""},
    "dotted": BEYOND,
    "line": {},
    "ring": {"marker": "o", "markersize": 8, "linestyle": "", "mfc": "none", "mec": OPTIMUM},
}
INSIDE = "beyond what was trained"  # what is dotted on lines


class Panels(sns.FacetGrid):
    """One panel a value of `col`, of the columns `x` and `y` of a table; one panel without it.

    Axes are labelled and scaled, values written and coloured as `columns` has them; `save` takes a
    `Panels` where it takes a figure. `axes_dict` has the panels by value, `ax` is the only one.

    - x, y: columns; a name that `columns` does not know labels its axis itself.
    - col: the column whose values have a panel each, in the table's order.
    - size: (width, height of a panel); inches.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        x: str,
        y: str,
        title: str = "",
        *,
        col: str | None = None,
        sharex: bool = True,
        sharey: bool = True,
        labels: tuple[str, str] | None = None,
        size: tuple | None = None,
    ):
        values = list(dict.fromkeys(table[col])) if col else []
        wide = 2 if len(values) == 4 else max(min(len(values), COLUMNS), 1)
        width, height = size or (_WIDTH[wide], _HEIGHT[wide])
        with plt.rc_context({"figure.constrained_layout.use": False}):
            super().__init__(
                table, col=col, col_order=values or None, col_wrap=wide if col else None,
                sharex=sharex, sharey=sharey, height=height, aspect=width / wide / height,
            )  # fmt: skip
        self.column, self.names, self.keys, self._finished = col, (x, y), {}, False
        self._setting, self._ends, self._height = None, {}, height
        self._unsaid = {}  # parts that were drawn, for the key unless a notebook names them
        self.labels = labels or (columns.axis_label(x), columns.axis_label(y))
        self.figure.set_layout_engine("constrained")
        rows = -(-len(self.axes.flat) // wide)
        self.set_titles("")
        for value, ax in self.axes_dict.items():
            ax.set_title(columns.words(col, value, title=True))
        for ax in self.axes.flat:
            _scale(ax.xaxis, x)
            _scale(ax.yaxis, y)
        room = 0.25 * headline(self.figure, title, width) if title else 0
        self.figure.set_size_inches(width, rows * height + 0.2 * (col is not None) + room)

    def draw(self, kind: Callable, table: pd.DataFrame | None = None, **options) -> "Panels":
        """Add a layer: `kind(data=, x=, y=, ax=, ...)` in each panel, with its rows of the table.

        `kind` is a function of seaborn's (sns.lineplot) or of this module or `maps`. A `hue` is
        coloured by `columns.palette` and named in the key; with `key="right"` (or "left") in place
        of that at this end of its line, in the last panel that has it; with `key=False` nowhere.
        A table without the panels' column is drawn in all of them. `drawn` keeps what `kind`
        returned.
        """
        table = self.data if table is None else table
        side = options.get("key")
        options, self.drawn = self._colours(kind, table, options), []
        for value, ax in self.axes_dict.items() or [(None, self.axes.flat[0])]:
            part = table
            if self.column in table:
                part = table[table[self.column] == value]
            if len(part):
                where = {"x": self.names[0], "y": self.names[1], "ax": ax}
                self.drawn.append(self._layer(kind, part, where | options))
                if side in ("left", "right"):
                    hue, colours = options["hue"], options["palette"]
                    for one, line in part.groupby(hue, sort=False):
                        said = self._said(hue, one)
                        self._ends[said] = (where["ax"], side), line, colours[one]
        if kind is curve and "inside" in table and not table.inside.all():
            self._unsaid["dotted"] = INSIDE
        if kind is rings:
            self.key(ring=options["label"])
        if getattr(options.get("errorbar"), "__name__", "") == "interval":
            self._unsaid[options.get("err_style", "band")] = "95% interval of the mean"
        return self

    def tight_layout(self, *args, **kwargs) -> "Panels":
        """Lay nothing out: seaborn asks before anything is drawn; `save` does."""
        return self

    @staticmethod
    def _layer(kind, table, options):
        if kind not in _BY_VALUE or "hue" not in options:
            return kind(data=table, **options)
        hue, palette = options.pop("hue"), options.pop("palette")
        for value, rows in table.groupby(hue, sort=False):
            dashes = columns.dashes(hue, value) if kind is curve else {}
            kind(data=rows, **({"color": palette[value]} | dashes | options))
        return None

    def _colours(self, kind, table, options):
        if kind.__module__.startswith("seaborn"):
            options = {"legend": False} | options
        named = options.pop("key", True)
        if (hue := options.get("hue")) is None:
            return options
        colours = options.setdefault("palette", columns.palette(hue, table[hue]))
        if named is True:
            tied = kind is bars and "fmt" in options
            style = {} if tied else _KEYS.get(kind.__name__, {})
            for value in columns.ordered(table[hue]):
                look = {"color": colours[value]} | columns.dashes(hue, value) | style
                if (
                    kind is curve
                    and "inside" in table
                    and not table.inside[table[hue] == value].any()
                ):
                    look |= BEYOND
                self.key({self._said(hue, value): look})
        return options

    @staticmethod
    def _said(hue, value):
        return columns.words(hue, value, title=True).removesuffix(" parameters")

    def key(self, styles: dict | None = None, **parts: str) -> "Panels":
        """Name lines and marks in the legend: words, and the keywords of `Line2D` or an artist.

        `parts` say what one of `PARTS` is: `key(bars="90% range")` has "bars: 90% range".
        """
        named = {f"{part}: {words}": PARTS[part] for part, words in parts.items()}
        for words, style in ((styles or {}) | named).items():
            self.keys.setdefault(words, style)
        return self

    def setting(self, words: str) -> "Panels":
        """Say above the key what title and axes leave unsaid: whose runs, how many seeds."""
        self._setting = words
        return self

    def mark(self, axis: str, at: float | dict, words: str, **style) -> "Panels":
        """A named line across all panels at a value of the "x" or the "y" axis, or a panel's own.

        `at` is that value, or one a panel, by what `col` is there.
        """
        style = MARK | style
        for value, ax in self.axes_dict.items() or [(None, self.axes.flat[0])]:
            line = ax.axvline if axis == "x" else ax.axhline
            line(at[value] if isinstance(at, dict) else at, **style)
        return self.key({words: style})

    def bar(self, column: str, **options) -> "Panels":
        """A colour bar beside all panels for the map that was drawn last."""
        options = {"label": columns.axis_label(column), "aspect": 30, "pad": 0.015} | options
        *ends, options["label"] = re.split(r"^← | {5}| →\n", options["label"])
        bar = self.figure.colorbar(self.drawn[-1], ax=list(self.axes.flat), **options)
        bar.ax.tick_params(which="minor", length=0)
        if ends:  # what the least and the largest values mean, where they are
            _, least, most = (end.replace(" ", "\n") for end in ends)
            bar.ax.set_xlabel(least, fontsize=9, labelpad=14, loc="left")
            bar.ax.set_title(most, fontsize=9, loc="left")
        return self

    def each(self, function: Callable, *arguments, **options) -> "Panels":
        """Call `function(ax, ...)` on every panel: a line across, a mark, words."""
        for ax in self.axes.flat:
            function(ax, *arguments, **options)
        return self

    def finish(self) -> mpl.figure.Figure:
        """The figure, with ticks in words and the key below; `save` calls it, once is enough."""
        if self._finished:
            return self.figure
        self._finished = True
        said = tuple(self.keys)
        unsaid = self._unsaid.items()
        self.key(**{k: w for k, w in unsaid if not any(key.startswith(k) for key in said)})
        self._name_axes()
        self._name_lines()
        width, height = self.figure.get_size_inches()
        self.figure.set_size_inches(width, height + 0.24 * self._write_key())
        for ax in self.axes.flat:
            _ticks(ax.xaxis, self.names[0])
            _ticks(ax.yaxis, self.names[1])
        return self.figure

    def _write_key(self):
        """The key: in the place of the panel that the last row lacks, or below; rows it takes."""
        if not self.keys and not self._setting:
            return 0
        above = {"title": self._setting, "title_fontsize": 9} if self._setting else {}
        lines = [
            style if isinstance(style, mpl.artist.Artist)
            else plt.Line2D([], [], **({"color": "#555555"} | style))
            for style in self.keys.values()
        ]  # fmt: skip
        if len(self.axes.flat) % self._ncol:
            place = {"loc": "lower right", "bbox_to_anchor": (1, 0.06)}
            self.figure.legend(lines, self.keys, **place, **above)
            return 0
        lengths = [len(re.sub(r"[$\\]", "", words)) + 5 for words in self.keys]
        room = self.figure.get_figwidth() * 11.5
        fits = {n: sum(map(max, np.array_split(lengths, n))) < room for n in range(2, len(lines))}
        ncols = max([n for n, fit in fits.items() if fit], default=1)
        if sum(lengths) < room:
            ncols = len(lines)
        place = {"loc": "outside lower center", "ncols": max(ncols, 1)}
        self.figure.legend(lines, self.keys, **place, **above)
        return -(-len(lines) // max(ncols, 1)) + bool(above)

    def _name_lines(self):
        """What `draw` was asked to write at ends of lines: in their colours, moved apart."""
        (x, y), size, longest = self.names, 9.5, 24 if len(self.axes.flat) == 1 else 16
        for ax, side in dict.fromkeys(place for place, *_ in self._ends.values()):
            found = []
            for words, (place, line, colour) in self._ends.items():
                if place == (ax, side):
                    line = line.groupby(x)[y].mean().reset_index()
                    line = line[line[x].between(*ax.get_xlim()) & line[y].between(*ax.get_ylim())]
                    end = line.iloc[0 if side == "left" else -1]
                    _, up = (ax.transScale + ax.transLimits).transform((end[x], end[y]))
                    found.append((up, end[x], textwrap.fill(words, longest), colour))
            found.sort(key=lambda one: one[0])
            rows = np.array([words.count("\n") + 1 for *_, words, _ in found])
            heights = rows * 1.25 * size / (72 * 0.75 * self._height)  # of a panel without its axis
            middles = heights.cumsum() - heights / 2
            ups = isotonic_regression([up for up, *_ in found] - middles).x + middles
            look = {"ha": "right", "xytext": (-4, 0)} if side == "left" else {"xytext": (4, 0)}
            look |= {"va": "center", "fontsize": size, "annotation_clip": False}
            look |= {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            for up, (_, at, words, colour) in zip(ups, found, strict=True):
                ax.annotate(words, (at, up), color=np.multiply(0.8, to_rgb(colour)), **look)

    def _name_axes(self):
        """The names of the axes: that of y once a figure where there are several rows."""
        xlabel, ylabel = self.labels
        rows = len(self._left_axes)
        for ax in self.axes.flat:  # seaborn labels what it draws by the column's name
            ax.set_xlabel(xlabel if ax in list(self._bottom_axes) else "")
            ax.set_ylabel(ylabel if rows == 1 and ax in list(self._left_axes) else "")
        if rows > 1:
            self.figure.supylabel(
                ylabel,
                size=mpl.rcParams["axes.labelsize"],
                linespacing=1.4,
                ma="center",
                rotation_mode="default",
            )


def headline(figure: mpl.figure.Figure, title: str, width: float) -> int:
    """Write a figure's title, in lines about as long as one another; returns how many.

    - width: of the figure; inches.
    """
    most = int(width * 9.6)
    rows = len(textwrap.wrap(title, most))
    wraps = (textwrap.wrap(title, length) for length in range(len(title) // rows, most + 1))
    text = next(lines for lines in wraps if len(lines) == rows)
    figure.suptitle("\n".join(text), x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    return rows


def curve(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, **style) -> None:
    """A law's curve; dotted and pale where the column `inside` is false: no run is there."""
    inside = np.ones(len(data), bool)
    if "inside" in data:
        inside = data.inside.to_numpy(bool)
    near = ~inside  # a dotted piece reaches to its neighbours, so that no gap opens
    near = near | np.r_[near[1:], False] | np.r_[False, near[:-1]]
    values = data[y].to_numpy(float)
    ax.plot(data[x], np.where(inside, values, np.nan), **style)
    if (~inside).any():
        ax.plot(data[x], np.where(near, values, np.nan), **(style | BEYOND))


def span(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, **style) -> None:
    """Shade from the column `{y}_low` to `{y}_high`: an interval that was computed before."""
    shade = {"alpha": 0.2, "linewidth": 0} | style
    ax.fill_between(data[x], data[f"{y}_low"], data[f"{y}_high"], **shade)


def bars(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, **style) -> None:
    """Points with bars from the columns y_low to y_high, or x_low to x_high, computed before."""
    name, error = (x, "xerr") if f"{x}_low" in data else (y, "yerr")
    ends = np.abs([data[name] - data[f"{name}_low"], data[f"{name}_high"] - data[name]])
    look = {"fmt": "o", "markersize": 4, "linewidth": 1.2} | style
    ax.errorbar(data[x], data[y], **{error: ends}, **look)


_BY_VALUE = {curve, span, bars}  # layers that `draw` draws once a value of its hue


def dots(
    data: pd.DataFrame,
    x: str,
    y: str,
    ax: plt.Axes,
    hue: str | None = None,
    palette: dict | None = None,
    **style,
) -> None:
    """Measured runs as dots, in the colours of the curves that they belong to."""
    colours = {"c": data[hue].map(palette)} if hue else {}
    look = {"s": 22, "edgecolors": "black", "linewidths": 0.4, "zorder": 3}
    ax.scatter(data[x], data[y], **(colours | look | style))


def rings(data: pd.DataFrame, x: str, y: str, ax: plt.Axes, **style) -> None:
    """Rings about the points that a title speaks of; the key has what the `label` says they are."""
    look = {"s": 110, "facecolors": "none", "edgecolors": OPTIMUM, "linewidths": 1.5, "zorder": 4}
    ax.scatter(data[x], data[y], **(look | style))


def diagonal(ax: plt.Axes) -> None:
    """Where y is x, as far as the panel goes."""
    limits = ax.get_xlim(), ax.get_ylim()
    ax.axline((limits[0][0], limits[0][0]), slope=1, **DIAGONAL)
    ax.set(xlim=limits[0], ylim=limits[1])


def zero(ax: plt.Axes, at: float = 0) -> None:
    """A line across: no difference."""
    ax.axhline(at, color="black", linewidth=0.9)


def _scale(axis, column):
    if (known := columns.COLUMNS.get(column)) and known.log:
        axis._set_axes_scale("log", base=known.base)


def _ticks(axis, column):
    """Ticks of a logarithmic axis in words, five or so; those set by hand stay."""
    known = columns.COLUMNS.get(column)
    by_hand = isinstance(axis.get_major_locator(), FixedLocator) or axis.get_scale() != "log"
    if not (known and known.log) or by_hand:
        return
    if known.base == 2:
        octaves = np.diff(np.log2(axis.get_view_interval())).item()
        every = max(1, round(octaves / 6))
        axis.set_major_locator(LogLocator(base=2**every))
        axis.set_major_formatter(FuncFormatter(known.words))
        return
    low, high = np.log10(axis.get_view_interval())
    decades = high - low
    subs = (1, 2, 5) if decades < 1.3 else (1, 3) if decades < 2.2 else (1,)
    every = max(1, int(np.ceil(decades / 4.5)))
    axis.set_major_locator(LogLocator(base=10.0**every, subs=subs, numticks=20))
    axis.set_major_formatter(FuncFormatter(known.words))
    axis.set_minor_formatter(NullFormatter())
    axis.axes.tick_params(which="minor", length=0)
