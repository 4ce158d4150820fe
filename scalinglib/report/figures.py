"""How figures look and how they are saved: one style, one palette a quantity, three files."""

import io
import re
import sys
from pathlib import Path

import pandas as pd

from scalinglib.extras import missing
from scalinglib.report import paths

try:
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.mathtext import MathTextParser
    from PIL import Image

    from scalinglib.report import columns
    from scalinglib.report.panels import OPTIMUM, Panels
except ImportError as error:
    raise missing("report", error) from error

MARKS = {"zero": "black", "optimum": OPTIMUM}

_FORMULAS = {}
_parse = getattr(MathTextParser._parse_cached, "__wrapped__", MathTextParser._parse_cached)


def _parse_once(parser, *asked):
    # Matplotlib parses the words of each tick anew for each file: half of what drawing takes.
    key = (parser._output_type, *asked)
    if key not in _FORMULAS:
        _FORMULAS[key] = _parse(parser, *asked)
    return _FORMULAS[key]


MathTextParser._parse_cached = _parse_once


def use_style():
    """Set seaborn's theme in the repository's style, for all figures of the process."""
    style = mpl.rc_params_from_file(
        Path(__file__).with_name("scalinglib.mplstyle"), use_default_template=False
    )
    sns.set_theme(context="paper", style="ticks", palette="colorblind", rc=dict(style))
    pd.set_option("display.max_colwidth", 120)


label_size = columns.count


def saver(profile):
    """A function save(figure, stem, table) for a notebook running under `profile`.

    It writes figures/STEM.svg, .png and .csv below `paths.output()`, the table being the numbers
    behind the picture; figure=None stands for a table of the paper, a .csv alone. Under a profile
    that does not save, the picture is drawn and the table checked, and nothing written. The picture
    is shown at once and the figure closed: a notebook would draw it again.
    """

    def save(figure, stem, table):
        table = pd.DataFrame(table)
        _refuse_missing(stem, table)
        figure = figure.finish() if isinstance(figure, Panels) else figure
        if figure is not None:
            if profile.saves:
                lay_out(figure)
            _keep_layout(figure)
            png = io.BytesIO()
            dpi = "figure" if not profile.saves else None  # shown, not kept
            figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None})
            if profile.saves:
                _write_drawing(figure, png.getvalue(), paths.output() / "figures" / stem)
            _show(figure, png)
            plt.close(figure)
        if profile.saves:
            write_table(table, f"figures/{stem}.csv")

    return save


def told(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A table with some columns rounded to four digits, which is what the data tell.

    A coefficient along a ridge of a fit differs in its sixth digit from one processor to the next.
    """
    rounded = {name: table[name].map(lambda value: float(f"{value:.4g}")) for name in columns}
    return table.assign(**rounded)


def lay_out(figure):
    """Lay a figure out for good, unless that was done: labels may depend on where things are."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        _keep_layout(figure)


def write_table(table, name):
    """Write a DataFrame with six significant digits as `name` below `paths.output()`.

    Beside it, as .exact.csv, all digits: what six cannot tell, a changed result from one that was
    rounded the other way, the comparison with the published file reads there.
    """
    path = paths.output() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    table.to_csv(path.with_suffix(".exact.csv"), index=False, lineterminator="\n")


def _keep_layout(figure):
    # An engine, "none" included, makes each file draw twice; and one that was taken away is back,
    # the default one, when a file has been written.
    with plt.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)


def _refuse_missing(stem, table):
    numbers = table.select_dtypes("number")
    if numbers.isna().any(axis=None):
        column = numbers.columns[numbers.isna().any()][0]
        raise ValueError(f"{stem}: column {column!r} has missing numbers; drop or explain them")


def _number_clips(svg):
    """The SVG with clip paths called by number: matplotlib names some after a memory address."""
    clips = dict.fromkeys(re.findall(r'<clipPath id="(\w+)"', svg))
    numbers = {clip: f"clip{i}" for i, clip in enumerate(clips)}
    names = re.compile("|".join(clips) or "$^")
    return names.sub(lambda match: numbers[match[0]], svg)


def _write_drawing(figure, png, stem):
    stem.parent.mkdir(parents=True, exist_ok=True)
    svg = io.StringIO()
    _keep_layout(figure)
    figure.savefig(svg, format="svg", metadata={"Date": None})
    stem.with_suffix(".svg").write_text(_number_clips(svg.getvalue()), encoding="utf-8")
    stem.with_suffix(".png").write_bytes(png)


def _show(figure, png):
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell is None:
        return
    with Image.open(png) as picture:
        size = [round(inches * figure.dpi) for inches in figure.get_size_inches()]
        small = io.BytesIO()
        picture = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        picture.quantize(256, dither=Image.Dither.NONE).save(small, "png")
    data = {"image/png": small.getvalue(), "text/plain": repr(figure)}
    shell.display_pub.publish(data)
