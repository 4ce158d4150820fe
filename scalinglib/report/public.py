"""The supervised runs that others published, and which of their rows belong together."""

from typing import NamedTuple

import pandas as pd

from scalinglib.report.paths import DATA


class PublicTable(NamedTuple):
    """Runs of one study.

    - runs: params, tokens, loss and what else the table has, `row` and `ratio` (tokens over
      params).
    - cluster: columns whose equal rows are one training run, or repeats of one setting.
    """

    runs: pd.DataFrame
    cluster: list[str]


def supervised_tables() -> dict[str, PublicTable]:
    """All of them by the name of their study.

    Gadre et al. trained on three data sets and measured on one; a law has one E, so
    they are three tables. From Hoffmann et al.'s runs the five with the fewest tokens are left out,
    as Besiroglu et al. do.
    """
    chinchilla, gadre = _read("epoch_chinchilla.csv"), _read("gadre_c4_eval.csv")
    found = {
        "Hoffmann et al.": (chinchilla[chinchilla.tokens.rank() > 5], ["row"]),
        "Gadre et al., C4": (gadre[gadre.dataset == "c4_original"], ["row"]),
        "Gadre et al., RedPajama": (gadre[gadre.dataset == "rpj"], ["row"]),
        "Gadre et al., RefinedWeb": (gadre[gadre.dataset == "rw_original"], ["row"]),
        "Gemstones, cooled": (_read("gemstones_cool.csv"), ["width", "depth"]),
        "Gemstones, constant rate": (_read("gemstones_hot.csv"), ["width", "depth"]),
        "Porian et al.": (_read("porian_tuned.csv"), ["params"]),
        "OLMo ladder": (_read("olmo_ladder.csv"), ["params", "tokens"]),
        "Farseer": (_read("farseer.csv"), ["params", "tokens"]),
        "Llama 3": (_read("llama3_isoflops.csv"), ["row"]),
    }
    return {
        name: PublicTable(
            runs.assign(row=range(len(runs)), ratio=runs.tokens / runs.params), cluster
        )
        for name, (runs, cluster) in found.items()
    }


def _read(name):
    return pd.read_csv(DATA / "public" / name)
